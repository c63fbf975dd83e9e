//! Predict earliest finish time: like HEFT, with an eye on what each choice costs the tasks to come, from a table of their best cases
//! (Arabnejad and Barbosa, IEEE TPDS 25(3), 2014).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use walras_des::Span;

use crate::cluster::plan::draft::{Draft, Policy};
use crate::cluster::plan::rank::topological;
use crate::cluster::plan::{Graph, Machines, Schedule};

/// The optimistic cost table: by task and processor, the longest of the shortest ways from the end of the task, if it runs there, to
/// the end of the graph, with a free choice of processor for each task to come (equation 6).
///
/// # Panics
/// If the graph has a cycle, or a task that no processor can run.
#[must_use]
pub fn optimistic_costs(graph: &Graph, machines: &Machines) -> Vec<Vec<Span>> {
    let processors = machines.processors.len();
    let mut table = vec![Vec::new(); graph.node_count()];
    // Of each task, what its row and its own time come to on each processor, and the least of these.
    let mut with_time: Vec<(Vec<Option<Span>>, Span)> =
        vec![(Vec::new(), Span::ZERO); graph.node_count()];
    for &task in topological(graph).iter().rev() {
        let mut row = vec![Span::ZERO; processors];
        for edge in graph.edges_directed(task, Direction::Outgoing) {
            let (here, least) = &with_time[edge.target().index()];
            let moved = *least + machines.transfers.time(*edge.weight());
            for (cost, here) in row.iter_mut().zip(here) {
                *cost = (*cost).max(here.map_or(moved, |here| here.min(moved)));
            }
        }
        let on = |processor: usize| {
            let cost = machines.cost(&graph[task], processor)?;
            Some(row[processor] + cost.time)
        };
        let sums: Vec<Option<Span>> = (0..processors).map(on).collect();
        let least = sums.iter().flatten().min().copied();
        let least = least.unwrap_or_else(|| panic!("no processor can run task {}", task.index()));
        with_time[task.index()] = (sums, least);
        table[task.index()] = row;
    }
    table
}

/// Plans all tasks of `graph` on `machines`.
///
/// # Panics
/// If the graph has a cycle, or a task that no processor can run.
#[must_use]
pub fn plan(graph: &Graph, machines: &Machines) -> Schedule {
    let table = optimistic_costs(graph, machines);
    // The rank is the mean of a row; its sum gives the same order. A processor with more room counts for more.
    let rank = |task: NodeIndex| {
        let row = table[task.index()].iter().zip(&machines.processors);
        row.map(|(cost, processor)| u128::from(cost.as_nanos()) * u128::from(processor.capacity))
            .sum::<u128>()
    };
    let item = |task| (rank(task), Reverse(task));
    let mut draft = Draft::new(graph, machines);
    let mut ready: BinaryHeap<_> = draft.entries().into_iter().map(item).collect();
    while let Some((_, Reverse(task))) = ready.pop() {
        let row = &table[task.index()];
        let slot = draft.best(task, Policy::Insert, |slot| slot.end + row[slot.processor]);
        ready.extend(draft.place(task, slot).into_iter().map(item));
    }
    draft.finish()
}
