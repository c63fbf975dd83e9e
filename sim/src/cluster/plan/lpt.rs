//! Longest processing time first: list scheduling by falling mean time (Graham, SIAM J. Appl. Math. 17(2), 1969).
//!
//! For independent tasks on m identical processors it takes at most 4/3 - 1/(3m) times as long as the best schedule.

use std::cmp::Reverse;

use crate::cluster::plan::rank::mean;
use crate::cluster::plan::{Graph, Machines, Schedule, list};

/// Plans all tasks of `graph` on `machines`.
///
/// # Panics
/// If the graph has a cycle, or a task that no processor can run.
#[must_use]
pub fn plan(graph: &Graph, machines: &Machines) -> Schedule {
    let processors = &machines.processors;
    let scale = processors.iter().map(|p| u128::from(p.capacity)).sum();
    let mut order = list::given(graph);
    order.sort_by_cached_key(|&task| Reverse(mean(graph, machines, task, scale)));
    list::plan(graph, machines, &order)
}
