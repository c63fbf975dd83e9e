//! Min-Min: of the tasks that could come next, the one that can end first does (Maheswaran et al., JPDC 59, 1999).

use crate::cluster::plan::{Graph, Machines, Schedule, batch};

/// Plans all tasks of `graph` on `machines`, those with parents as soon as these are placed.
///
/// # Panics
/// If the graph has a cycle, or a task that no processor can run.
#[must_use]
pub fn plan(graph: &Graph, machines: &Machines) -> Schedule {
    batch::plan(graph, machines, |candidates| {
        let first = (0..candidates.len()).min_by_key(|&at| candidates[at].best.end);
        first.into_iter().collect()
    })
}
