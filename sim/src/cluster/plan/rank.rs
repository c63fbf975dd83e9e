//! How far a task is from the end and from the beginning of its graph, by mean times (Topcuoglu et al. 2002, equations 3 and 4).
//!
//! Means are taken over the processors, each counted as often as it has room for tasks of width one, and over those that can run
//! the task. They are kept as sums, so that ties are ties: tasks of equal rank exist in the best-known example of all.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use walras_des::Span;

use crate::cluster::plan::{Graph, Machines};

/// Ranks of all tasks.
#[derive(Clone, Debug)]
pub struct Ranks {
    /// By how much all is multiplied: the room of all processors together.
    scale: u128,
    /// Longest way to the end, the task included [scaled ns].
    pub(super) upward: Vec<u128>,
    /// Longest way from the beginning, the task excluded [scaled ns].
    pub(super) downward: Vec<u128>,
}

impl Ranks {
    /// Finds them.
    ///
    /// # Panics
    /// If the graph has a cycle.
    #[must_use]
    pub fn of(graph: &Graph, machines: &Machines) -> Self {
        let order = topological(graph);
        let processors = &machines.processors;
        let scale: u128 = processors.iter().map(|p| u128::from(p.capacity)).sum();
        let transfer = |bytes: u64| u128::from(machines.transfers.time(bytes).as_nanos()) * scale;
        let means: Vec<u128> = graph
            .node_indices()
            .map(|task| mean(graph, machines, task, scale))
            .collect();
        let mut upward = vec![0; means.len()];
        for &task in order.iter().rev() {
            let edges = graph.edges_directed(task, Direction::Outgoing);
            let ways = edges.map(|edge| transfer(*edge.weight()) + upward[edge.target().index()]);
            upward[task.index()] = means[task.index()] + ways.max().unwrap_or(0);
        }
        let mut downward = vec![0; means.len()];
        for &task in &order {
            let edges = graph.edges_directed(task, Direction::Incoming);
            let ways = edges.map(|edge| {
                let parent = edge.source().index();
                downward[parent] + means[parent] + transfer(*edge.weight())
            });
            downward[task.index()] = ways.max().unwrap_or(0);
        }
        Self {
            scale,
            upward,
            downward,
        }
    }

    /// The longest way from a task to the end, itself included.
    #[must_use]
    pub fn upward(&self, task: NodeIndex) -> Span {
        self.span(self.upward[task.index()])
    }

    /// The longest way from the beginning to a task, itself excluded.
    #[must_use]
    pub fn downward(&self, task: NodeIndex) -> Span {
        self.span(self.downward[task.index()])
    }

    fn span(&self, scaled: u128) -> Span {
        let nanos = scaled / self.scale.max(1);
        Span::from_nanos(u64::try_from(nanos).expect("a way is within the range of time"))
    }
}

/// The mean time of a task over the processors that can run it, times `scale` [ns]: a sum, if all of them can.
pub(super) fn mean(graph: &Graph, machines: &Machines, task: NodeIndex, scale: u128) -> u128 {
    let (mut sum, mut room) = (0, 0);
    for (index, processor) in machines.processors.iter().enumerate() {
        if let Some(cost) = machines.cost(&graph[task], index) {
            sum += u128::from(cost.time.as_nanos()) * u128::from(processor.capacity);
            room += u128::from(processor.capacity);
        }
    }
    if room == scale || room == 0 {
        sum
    } else {
        sum * scale / room
    }
}

/// Tasks with parents before their children; among those that could come next, the one with the smallest index does.
///
/// # Panics
/// If there is a cycle.
#[must_use]
pub fn topological(graph: &Graph) -> Vec<NodeIndex> {
    let parents = |task| graph.edges_directed(task, Direction::Incoming).count();
    let mut missing: Vec<usize> = graph.node_indices().map(parents).collect();
    let is_entry = |task: &NodeIndex| missing[task.index()] == 0;
    let mut open: BinaryHeap<Reverse<NodeIndex>> =
        graph.node_indices().filter(is_entry).map(Reverse).collect();
    let mut order = Vec::with_capacity(missing.len());
    while let Some(Reverse(task)) = open.pop() {
        order.push(task);
        for edge in graph.edges_directed(task, Direction::Outgoing) {
            let child = edge.target();
            missing[child.index()] -= 1;
            if missing[child.index()] == 0 {
                open.push(Reverse(child));
            }
        }
    }
    assert_eq!(order.len(), missing.len(), "a workflow has no cycles");
    order
}
