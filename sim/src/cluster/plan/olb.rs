//! Opportunistic load balancing: each task in turn goes where there is room first, however long it takes there
//! (Maheswaran et al., JPDC 59, 1999).

use crate::cluster::plan::draft::{Draft, Policy};
use crate::cluster::plan::rank::topological;
use crate::cluster::plan::{Graph, Machines, Schedule};

/// Plans all tasks of `graph` on `machines`, in their order in the graph as far as precedence allows.
///
/// # Panics
/// If the graph has a cycle, or a task that no processor can run.
#[must_use]
pub fn plan(graph: &Graph, machines: &Machines) -> Schedule {
    let mut draft = Draft::new(graph, machines);
    for task in topological(graph) {
        let slot = draft.best(task, Policy::Append, |slot| {
            draft.available(task, slot.processor)
        });
        draft.place(task, slot);
    }
    draft.finish()
}
