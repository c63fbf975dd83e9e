//! Critical path on a processor: the longest way through the graph runs on the one processor on which it takes the least time, all else
//! where it ends first, by the sum of upward and downward rank (Topcuoglu, Hariri and Wu, IEEE TPDS 13(3), 2002).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use petgraph::graph::NodeIndex;
use walras_des::Span;

use crate::cluster::plan::draft::{Draft, Policy};
use crate::cluster::plan::rank::Ranks;
use crate::cluster::plan::{Graph, Machines, Schedule};

/// Plans all tasks of `graph` on `machines`. What of the critical path cannot run on its processor goes where it ends first.
///
/// # Panics
/// If the graph has a cycle, or a task that no processor can run.
#[must_use]
pub fn plan(graph: &Graph, machines: &Machines) -> Schedule {
    let ranks = Ranks::of(graph, machines);
    let priority = |task: NodeIndex| ranks.upward[task.index()] + ranks.downward[task.index()];
    let mut draft = Draft::new(graph, machines);
    let mut path = Vec::new();
    // The length of the path is the same sum at each of its tasks: exactly, for sums of integers.
    let entry = (draft.entries().into_iter()).min_by_key(|&task| (Reverse(priority(task)), task));
    let mut next = entry;
    while let Some(task) = next {
        path.push(task);
        let children = graph.neighbors(task);
        next = children
            .filter(|&child| priority(child) == priority(task))
            .min();
    }
    let processor = processor(graph, machines, &path);
    let mut on_path = vec![false; graph.node_count()];
    for task in path {
        on_path[task.index()] = true;
    }
    let item = |task| (priority(task), Reverse(task));
    let mut ready: BinaryHeap<_> = draft.entries().into_iter().map(item).collect();
    while let Some((_, Reverse(task))) = ready.pop() {
        let critical = (processor.filter(|_| on_path[task.index()]))
            .and_then(|processor| draft.slot(task, processor, Policy::Insert));
        let slot = critical.unwrap_or_else(|| draft.best(task, Policy::Insert, |slot| slot.end));
        ready.extend(draft.place(task, slot).into_iter().map(item));
    }
    draft.finish()
}

/// The processor that can run the most of the path, and of these the one that does so in the least time.
fn processor(graph: &Graph, machines: &Machines, path: &[NodeIndex]) -> Option<usize> {
    let key = |&processor: &usize| {
        let costs = path
            .iter()
            .map(|&task| machines.cost(&graph[task], processor));
        let (mut missing, mut time) = (0, Span::ZERO);
        for cost in costs {
            match cost {
                Some(cost) => time += cost.time,
                None => missing += 1,
            }
        }
        (missing, time)
    };
    (0..machines.processors.len()).min_by_key(key)
}
