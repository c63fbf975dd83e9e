//! List scheduling: whenever there is room, the first task of a list that can start does (Graham, SIAM J. Appl. Math. 17(2), 1969).
//!
//! On m identical processors and without transfers it takes at most 2 - 1/m times as long as the best schedule, whatever the list.

use petgraph::graph::NodeIndex;

use crate::cluster::plan::draft::{Draft, Policy};
use crate::cluster::plan::{Graph, Machines, Schedule};

/// The order of the tasks in the graph.
#[must_use]
pub fn given(graph: &Graph) -> Vec<NodeIndex> {
    graph.node_indices().collect()
}

/// Plans all tasks of `graph` on `machines`, by a `list` of all of them. Of the processors on which a task could start at the same
/// time, it gets the one on which it ends first.
///
/// # Panics
/// If the graph has a cycle, or a task that no processor can run; if a task is missing in the list.
#[must_use]
pub fn plan(graph: &Graph, machines: &Machines, list: &[NodeIndex]) -> Schedule {
    let mut place = vec![usize::MAX; graph.node_count()];
    for (at, task) in list.iter().enumerate() {
        place[task.index()] = at;
    }
    assert!(
        place.iter().all(|&at| at != usize::MAX),
        "the list names every task"
    );
    let mut draft = Draft::new(graph, machines);
    let first = |task: NodeIndex, draft: &Draft<'_>| {
        let slot = draft.best(task, Policy::Append, |slot| (slot.start, slot.end));
        (task, slot)
    };
    let entries = draft.entries().into_iter();
    let mut ready: Vec<_> = entries.map(|task| first(task, &draft)).collect();
    // The next start is that of the task that can start first: nobody starts before it who is not in the list of those ready.
    while let Some(next) = (0..ready.len()).min_by_key(|&at| {
        let (task, slot) = ready[at];
        (slot.start, place[task.index()])
    }) {
        let (task, slot) = ready.swap_remove(next);
        let children = draft.place(task, slot);
        for other in &mut ready {
            if other.1.processor == slot.processor {
                *other = first(other.0, &draft);
            }
        }
        ready.extend(children.into_iter().map(|child| first(child, &draft)));
    }
    draft.finish()
}
