//! A plan: a slot for each task, and whether all of them can be kept.

use std::fmt;

use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use walras_des::SimTime;

use crate::cluster::plan::{Graph, Machines};

/// When and where a task is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The processor.
    pub processor: usize,
    /// When it is to start.
    pub start: SimTime,
    /// When it should be done.
    pub end: SimTime,
}

/// A slot for each task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// By the index of the task in its graph.
    pub slots: Vec<Slot>,
}

/// Why a schedule cannot be kept; tasks are named by their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The number of slots is not that of the tasks.
    Slots,
    /// The task cannot run where it is planned.
    Cannot(usize),
    /// The slot is not as long as the task takes there.
    Length(usize),
    /// The task starts before the machines are there.
    Early(usize),
    /// The data that the task needs is not there when it starts.
    Inputs(usize),
    /// More is to run on this processor at this time than it has room for.
    Crowded(usize, SimTime),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slots => f.write_str("the number of slots is not that of the tasks"),
            Self::Cannot(task) => write!(f, "task {task} cannot run where it is planned"),
            Self::Length(task) => write!(f, "the slot of task {task} is not as long as it takes"),
            Self::Early(task) => write!(f, "task {task} starts before the machines are there"),
            Self::Inputs(task) => write!(f, "task {task} starts before its data is there"),
            Self::Crowded(processor, at) => {
                write!(f, "processor {processor} has no room for all at {at}")
            }
        }
    }
}

impl Schedule {
    /// The end of the last task; zero if there is none.
    #[must_use]
    pub fn makespan(&self) -> SimTime {
        let ends = self.slots.iter().map(|slot| slot.end);
        ends.max().unwrap_or(SimTime::ZERO)
    }

    /// Tasks on a processor, in the order of their starts; of those that start at once, the one that ends first comes first, and then
    /// the first in the graph.
    #[must_use]
    pub fn order(&self, processor: usize) -> Vec<NodeIndex> {
        let here = |task: &NodeIndex| self.slots[task.index()].processor == processor;
        let mut order: Vec<NodeIndex> = (0..self.slots.len())
            .map(NodeIndex::new)
            .filter(here)
            .collect();
        order.sort_by_key(|task| {
            let slot = self.slots[task.index()];
            (slot.start, slot.end)
        });
        order
    }

    /// Whether precedence, transfers and room are respected. It shares no code with the planners.
    ///
    /// # Errors
    /// The first flaw.
    pub fn verify(&self, graph: &Graph, machines: &Machines) -> Result<(), Flaw> {
        if self.slots.len() != graph.node_count() {
            return Err(Flaw::Slots);
        }
        // What begins and ends on each processor; at one instant, ends come first.
        let mut changes: Vec<(usize, SimTime, i64)> = Vec::new();
        for (index, slot) in self.slots.iter().enumerate() {
            let work = &graph[NodeIndex::new(index)];
            let cost = (machines.cost(work, slot.processor)).ok_or(Flaw::Cannot(index))?;
            if slot.start + cost.time != slot.end {
                return Err(Flaw::Length(index));
            }
            if slot.start < machines.start {
                return Err(Flaw::Early(index));
            }
            for input in &work.inputs {
                let here = input.processor == Some(slot.processor);
                let there = if here {
                    input.at
                } else {
                    input.at + machines.transfers.time(input.bytes)
                };
                if slot.start < there {
                    return Err(Flaw::Inputs(index));
                }
            }
            changes.push((slot.processor, slot.start, i64::from(cost.width)));
            changes.push((slot.processor, slot.end, -i64::from(cost.width)));
        }
        for edge in graph.edge_references() {
            let (from, to) = (edge.source().index(), edge.target().index());
            let (parent, child) = (self.slots[from], self.slots[to]);
            let there = if parent.processor == child.processor {
                parent.end
            } else {
                parent.end + machines.transfers.time(*edge.weight())
            };
            if child.start < there {
                return Err(Flaw::Inputs(to));
            }
        }
        for taken in &machines.taken {
            changes.push((taken.processor, taken.start, i64::from(taken.width)));
            changes.push((taken.processor, taken.end, -i64::from(taken.width)));
        }
        changes.sort_unstable();
        let (mut on, mut used) = (usize::MAX, 0);
        for (processor, at, width) in changes {
            if processor != on {
                (on, used) = (processor, 0);
            }
            used += width;
            if used > i64::from(machines.processors[processor].capacity) {
                return Err(Flaw::Crowded(processor, at));
            }
        }
        Ok(())
    }
}
