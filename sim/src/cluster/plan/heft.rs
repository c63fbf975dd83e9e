//! Heterogeneous earliest finish time: tasks by upward rank, each where it ends first, in a gap if there is one
//! (Topcuoglu, Hariri and Wu, IEEE TPDS 13(3), 2002).

use std::cmp::Reverse;

use crate::cluster::plan::draft::{Draft, Policy};
use crate::cluster::plan::rank::{Ranks, topological};
use crate::cluster::plan::{Graph, Machines, Schedule};

/// Plans all tasks of `graph` on `machines`.
///
/// # Panics
/// If the graph has a cycle, or a task that no processor can run.
#[must_use]
pub fn plan(graph: &Graph, machines: &Machines) -> Schedule {
    let ranks = Ranks::of(graph, machines);
    // A parent never ranks below its children; where they are equal, the stable sort keeps it before them.
    let mut order = topological(graph);
    order.sort_by_key(|task| Reverse(ranks.upward[task.index()]));
    let mut draft = Draft::new(graph, machines);
    for task in order {
        let slot = draft.best(task, Policy::Insert, |slot| slot.end);
        draft.place(task, slot);
    }
    draft.finish()
}
