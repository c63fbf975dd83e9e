//! Planners of workflows: when and where each task of a graph is to run, decided before anything starts.
//!
//! The model is that of Topcuoglu, Hariri and Wu (IEEE TPDS 13(3), 2002): a directed acyclic graph of tasks whose times depend on the
//! processor, and data on its edges that takes time between different processors and none on the same one. Three things are added for
//! clusters at work: a processor may have room for several tasks at once, may be partly taken, and data may come from what ran before.

pub mod bound;
pub mod cpop;
pub mod fixed;
pub mod heft;
pub mod list;
pub mod lpt;
pub mod max_min;
pub mod mct;
pub mod min_min;
pub mod olb;
pub mod peft;
pub mod rank;
pub mod schedule;
pub mod sufferage;

mod batch;
mod draft;

use std::fmt;

use petgraph::graph::DiGraph;
use walras_des::{SimTime, Span};

pub use crate::cluster::plan::schedule::{Flaw, Schedule, Slot};
use crate::cluster::world::Transfers;

/// Tasks, and on each edge the bytes that the later task needs of the earlier one. It has no cycles.
pub type Graph = DiGraph<Work, u64>;

/// A task, as a planner sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// What it takes on each kind of processor; `None` where it cannot run.
    pub on: Vec<Option<Cost>>,
    /// Data from what is not part of the graph.
    pub inputs: Vec<Input>,
}

impl Work {
    /// A task that takes these times on the kinds of processors, and one unit of their room.
    pub fn taking(times: impl IntoIterator<Item = Span>) -> Self {
        let cost = |time| Some(Cost { time, width: 1 });
        Self {
            on: times.into_iter().map(cost).collect(),
            inputs: Vec::new(),
        }
    }
}

/// What a task takes of a processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// For how long.
    pub time: Span,
    /// How much of its room.
    pub width: u32,
}

/// Data from what is not part of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// The processor on which it is; `None` if on none of these.
    pub processor: Option<usize>,
    /// From when on.
    pub at: SimTime,
    /// How much of it.
    pub bytes: u64,
}

/// One processor, or several of a kind with nothing between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processor {
    /// Its kind, by position in [`Work::on`].
    pub kind: usize,
    /// Its room: how many tasks of width one run on it at the same time.
    pub capacity: u32,
}

/// Room that is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Where.
    pub processor: usize,
    /// From when on.
    pub start: SimTime,
    /// Until when.
    pub end: SimTime,
    /// How much.
    pub width: u32,
}

/// What there is to run tasks on.
#[derive(Clone, Debug)]
pub struct Machines {
    /// The processors.
    pub processors: Vec<Processor>,
    /// How data gets from one to another.
    pub transfers: Transfers,
    /// Nothing starts before.
    pub start: SimTime,
    /// What is taken already.
    pub taken: Vec<Reservation>,
}

impl Machines {
    /// So many processors, each of its own kind, with room for one task, from time zero on.
    #[must_use]
    pub fn unrelated(count: usize, transfers: Transfers) -> Self {
        let processor = |kind| Processor { kind, capacity: 1 };
        Self {
            processors: (0..count).map(processor).collect(),
            transfers,
            start: SimTime::ZERO,
            taken: Vec::new(),
        }
    }

    /// So many processors of one kind, with room for one task each, from time zero on.
    #[must_use]
    pub fn identical(count: usize, transfers: Transfers) -> Self {
        let mut machines = Self::unrelated(count, transfers);
        for processor in &mut machines.processors {
            processor.kind = 0;
        }
        machines
    }

    /// What a task takes of a processor; `None` if it cannot run there.
    #[must_use]
    pub fn cost(&self, work: &Work, processor: usize) -> Option<Cost> {
        let Processor { kind, capacity } = self.processors[processor];
        work.on[kind].filter(|cost| cost.width <= capacity)
    }
}

/// A way to plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planner {
    /// Heterogeneous earliest finish time ([`heft`]).
    Heft,
    /// Critical path on a processor ([`cpop`]).
    Cpop,
    /// Predict earliest finish time ([`peft`]).
    Peft,
    /// The task that can be done first comes first ([`min_min`]).
    MinMin,
    /// The task that is done last comes first ([`max_min`]).
    MaxMin,
    /// The task that would suffer most comes first ([`sufferage`]).
    Sufferage,
    /// Minimum completion time, in the order of tasks ([`mct`]).
    Mct,
    /// Opportunistic load balancing, in the order of tasks ([`olb`]).
    Olb,
    /// List scheduling, in the order of tasks ([`list`]).
    List,
    /// Longest processing time first ([`lpt`]).
    Lpt,
}

impl Planner {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Heft,
        Self::Cpop,
        Self::Peft,
        Self::MinMin,
        Self::MaxMin,
        Self::Sufferage,
        Self::Mct,
        Self::Olb,
        Self::List,
        Self::Lpt,
    ];

    /// The name by which it is chosen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Heft => "heft",
            Self::Cpop => "cpop",
            Self::Peft => "peft",
            Self::MinMin => "min-min",
            Self::MaxMin => "max-min",
            Self::Sufferage => "sufferage",
            Self::Mct => "mct",
            Self::Olb => "olb",
            Self::List => "list",
            Self::Lpt => "lpt",
        }
    }

    /// Plans all tasks of `graph` on `machines`.
    ///
    /// # Panics
    /// If the graph has a cycle, or a task that no processor can run.
    #[must_use]
    pub fn plan(self, graph: &Graph, machines: &Machines) -> Schedule {
        match self {
            Self::Heft => heft::plan(graph, machines),
            Self::Cpop => cpop::plan(graph, machines),
            Self::Peft => peft::plan(graph, machines),
            Self::MinMin => min_min::plan(graph, machines),
            Self::MaxMin => max_min::plan(graph, machines),
            Self::Sufferage => sufferage::plan(graph, machines),
            Self::Mct => mct::plan(graph, machines),
            Self::Olb => olb::plan(graph, machines),
            Self::List => list::plan(graph, machines, &list::given(graph)),
            Self::Lpt => lpt::plan(graph, machines),
        }
    }
}

impl fmt::Display for Planner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
