//! What an assignment comes to: the times of tasks whose processors, and order on each of them, are given.

use petgraph::graph::NodeIndex;

use crate::cluster::plan::draft::Draft;
use crate::cluster::plan::{Graph, Machines, Schedule};

/// Times all tasks of `graph`, each as early as can be on the processor in whose list it is, and not before the one ahead of it there.
///
/// # Panics
/// If a task is in no list or several, or on a processor that cannot run it; if orders and precedence contradict each other.
#[must_use]
pub fn plan(graph: &Graph, machines: &Machines, orders: &[Vec<NodeIndex>]) -> Schedule {
    let mut draft = Draft::new(graph, machines);
    let mut ready = vec![false; graph.node_count()];
    for task in draft.entries() {
        ready[task.index()] = true;
    }
    let mut next = vec![0; orders.len()];
    let mut earliest = vec![machines.start; orders.len()];
    // Whoever waits for a task of another list is looked at again when that has moved.
    let mut open: Vec<usize> = (0..orders.len()).rev().collect();
    while let Some(processor) = open.pop() {
        let mut moved = false;
        while let Some(&task) = orders[processor].get(next[processor]) {
            if !ready[task.index()] {
                break;
            }
            let slot = draft.slot_after(task, processor, earliest[processor]);
            let slot = slot.expect("the processor can run it");
            (next[processor], earliest[processor]) = (next[processor] + 1, slot.start);
            for child in draft.place(task, slot) {
                ready[child.index()] = true;
            }
            moved = true;
        }
        if moved {
            let waits = |&other: &usize| {
                let head = orders[other].get(next[other]);
                head.is_some_and(|head| ready[head.index()])
            };
            open = (0..orders.len()).filter(waits).rev().collect();
        }
    }
    draft.finish()
}
