//! What no schedule can beat: the longest way through the graph at the least times, and all work spread over all room.
//!
//! Both leave out transfers, for all could run in one place, and what of the machines is taken.

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use walras_des::{SimTime, Span};

use crate::cluster::plan::rank::topological;
use crate::cluster::plan::{Cost, Graph, Machines};

/// The end of the longest way, each task taking what it takes where it is fastest.
///
/// # Panics
/// If the graph has a cycle, or a task that no processor can run.
#[must_use]
pub fn critical_path(graph: &Graph, machines: &Machines) -> SimTime {
    let mut ends = vec![machines.start; graph.node_count()];
    for task in topological(graph) {
        let inputs = graph[task].inputs.iter().map(|input| input.at);
        let parents = graph.neighbors_directed(task, Direction::Incoming);
        let ready = parents.map(|parent| ends[parent.index()]).chain(inputs);
        let ready = ready.fold(machines.start, SimTime::max);
        ends[task.index()] = ready + least(graph, machines, task, |cost| cost.time);
    }
    ends.into_iter().max().unwrap_or(machines.start)
}

/// When all work could be done if it filled all room, each task taking the least time times width.
///
/// # Panics
/// If no processor can run one of the tasks.
#[must_use]
pub fn area(graph: &Graph, machines: &Machines) -> SimTime {
    let processors = &machines.processors;
    let room: u128 = processors.iter().map(|p| u128::from(p.capacity)).sum();
    let area = |cost: Cost| u128::from(cost.time.as_nanos()) * u128::from(cost.width);
    let tasks = graph.node_indices();
    let sum: u128 = tasks.map(|task| least(graph, machines, task, area)).sum();
    if sum == 0 {
        return machines.start;
    }
    let nanos = u64::try_from(sum.div_ceil(room)).expect("all work is within the range of time");
    machines.start + Span::from_nanos(nanos)
}

/// The larger of [`critical_path`] and [`area`].
///
/// # Panics
/// As they do.
#[must_use]
pub fn makespan(graph: &Graph, machines: &Machines) -> SimTime {
    critical_path(graph, machines).max(area(graph, machines))
}

fn least<T: Ord>(graph: &Graph, machines: &Machines, task: NodeIndex, of: impl Fn(Cost) -> T) -> T {
    let costs = (0..machines.processors.len()).filter_map(|p| machines.cost(&graph[task], p));
    let least = costs.map(of).min();
    least.unwrap_or_else(|| panic!("no processor can run task {}", task.index()))
}
