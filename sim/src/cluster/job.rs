//! Batch jobs: tasks that occupy nodes until they are done, with what links and constrains them.

use walras_des::{SimTime, Span};

use crate::cluster::store::ObjectId;

/// What each worker of a task occupies on its node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Processor time [thousandths of a core].
    pub cpu: u32,
    /// Memory [MiB].
    pub memory: u32,
    /// GPUs on which it runs.
    pub gpus: u8,
    /// Of each of them [thousandths of a GPU]; a thousand if it has more than one.
    pub gpu_share: u16,
    /// Labels of which the node must carry at least one, as bits; zero if any node will do.
    pub labels: u64,
}

impl Demand {
    /// One core, and nothing else.
    pub const CORE: Self = Self {
        cpu: 1000,
        memory: 0,
        gpus: 0,
        gpu_share: 0,
        labels: 0,
    };

    /// GPUs in all [thousandths].
    #[must_use]
    pub fn gpu(&self) -> u32 {
        u32::from(self.gpus) * u32::from(self.gpu_share)
    }
}

/// A task: the unit that is started, on all of its workers at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Time that it takes on nodes of speed one, uninterrupted.
    pub work: Span,
    /// Time that it takes on each kind of node, in the order of the cluster; empty if speeds of nodes say it.
    pub work_on: Box<[Span]>,
    /// Nodes or parts of nodes that it needs at the same time (a gang); at least one.
    pub workers: u32,
    /// What each worker occupies.
    pub demand: Demand,
    /// What its user said that it takes.
    pub walltime: Option<Span>,
    /// Tasks of the same job that come first, by their position in it, and the bytes that it needs of each.
    pub parents: Vec<(u32, u64)>,
    /// Stored objects that it reads in whole before it works.
    pub reads: Box<[ObjectId]>,
    /// How its progress is saved; without it an interrupted task starts anew.
    pub checkpoint: Option<Checkpoint>,
    /// How many workers it may have instead; without it neither more nor less than [`Task::workers`].
    pub elastic: Option<Elastic>,
}

impl Task {
    /// A task of one worker on one core.
    #[must_use]
    pub fn single(work: Span) -> Self {
        Self {
            work,
            work_on: Box::default(),
            workers: 1,
            demand: Demand::CORE,
            walltime: None,
            parents: Vec::new(),
            reads: Box::default(),
            checkpoint: None,
            elastic: None,
        }
    }
}

/// A task that may have more or fewer workers than those on which its work is measured, and may be given others while it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Elastic {
    /// Workers that it has at least; one or more.
    pub min: u32,
    /// Workers that it has at most.
    pub max: u32,
    /// How much faster it is with more workers.
    pub speedup: Speedup,
    /// Time that a change of its workers takes while it runs, during which no work is done: none is lost.
    pub cost: Span,
}

impl Elastic {
    /// Time for work that takes one second on `measured` workers, on `workers` of the same kind [s].
    #[must_use]
    pub fn stretch(&self, measured: u32, workers: u32) -> f64 {
        self.speedup.over_one(measured) / self.speedup.over_one(workers)
    }
}

/// How much faster a task is on several workers than on one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speedup {
    /// As many times as there are workers.
    Linear,
    /// This fraction of the work is divided between them, and the rest is not (Amdahl, AFIPS 1967).
    Amdahl(f64),
}

impl Speedup {
    /// Speed on so many workers, relative to one.
    #[must_use]
    pub fn over_one(self, workers: u32) -> f64 {
        let workers = f64::from(workers);
        match self {
            Self::Linear => workers,
            Self::Amdahl(parallel) => 1.0 / (1.0 - parallel + parallel / workers),
        }
    }
}

/// Progress is saved every `interval` of work, which takes `cost` during which no work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Work between two checkpoints [time on nodes of speed one].
    pub interval: Span,
    /// Time that writing one takes.
    pub cost: Span,
}

impl Checkpoint {
    /// Young's interval: √(2·cost·mtbf), for failures at rate 1/mtbf of the whole gang (Young 1974; first order of Daly 2006).
    #[must_use]
    pub fn young(cost: Span, mtbf: Span) -> Self {
        let interval = (2.0 * cost.as_secs_f64() * mtbf.as_secs_f64()).sqrt();
        Self {
            interval: Span::from_secs_f64(interval),
            cost,
        }
    }
}

/// A job: one task, or several with an order between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// When it is submitted.
    pub submitted: SimTime,
    /// Whose it is.
    pub user: u32,
    /// By when it should be done.
    pub deadline: Option<SimTime>,
    /// Its tasks; parents before their children.
    pub tasks: Vec<Task>,
}

impl Job {
    /// A job of one task.
    #[must_use]
    pub fn of(submitted: SimTime, task: Task) -> Self {
        Self {
            submitted,
            user: 0,
            deadline: None,
            tasks: vec![task],
        }
    }
}
