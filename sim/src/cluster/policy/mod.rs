//! Scheduling of batch jobs: causes in, orders out. One file per policy.

mod ahead;
pub mod backfilling;
pub mod builtin;
pub mod custom;
pub mod delay;
pub mod drf;
pub mod edf;
pub mod elastic;
pub mod fcfs;
pub mod fgd;
pub mod finish_time;
pub mod fit;
pub mod gittins;
pub mod las;
mod linear;
pub mod max_min;
pub mod ordered;
pub mod planned;
pub mod ps;
pub mod psjf;
pub mod room;
mod rounds;
pub mod sjf;
pub mod srpt;
pub mod tiresias;

use std::fmt;

use walras_des::{SimTime, Span};

use crate::cluster::TaskId;
use crate::cluster::node::Share;
use crate::cluster::view::View;
use crate::ids::{JobId, NodeId};

/// Why a policy is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A job was submitted: those of its tasks that have no parents wait.
    Submitted(JobId),
    /// The parents of a task have ended: it waits.
    Ready(TaskId),
    /// A task has ended: its nodes have room.
    Ended(TaskId),
    /// A task was interrupted by the loss of a node: it waits again.
    Interrupted(TaskId),
    /// A node came up.
    NodeUp(NodeId),
    /// A node went down, after every task on it was said to be interrupted.
    NodeDown(NodeId),
    /// The time of an [`Order::Wake`] has come.
    Woken,
}

/// What a policy wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start a waiting task now, a worker on each of these nodes.
    Start(TaskId, Vec<NodeId>, Share),
    /// Bind a waiting or blocked task of one worker to a node, which starts what is bound to it in order, as inputs and room allow.
    Bind(TaskId, NodeId),
    /// Take back the binding of a task that has not started: it waits, or is blocked, as before.
    Unbind(TaskId),
    /// Change what a running task gets.
    Reshare(TaskId, Share),
    /// Give a running elastic task these workers instead of those that it has; it keeps its progress.
    Resize(TaskId, Vec<NodeId>),
    /// Stop a running task; it keeps its progress and waits again.
    Preempt(TaskId),
    /// Turn a job away of which nothing runs.
    Reject(JobId),
    /// Ask again at this time.
    Wake(SimTime),
}

/// The orders of one decision, in the order in which they are carried out.
#[derive(Debug, Default)]
pub struct Orders(pub(super) Vec<Order>);

impl Orders {
    /// Starts a waiting task of one worker now.
    pub fn start(&mut self, task: TaskId, node: NodeId) {
        self.0.push(Order::Start(task, vec![node], Share::FULL));
    }

    /// Starts a waiting task now, a worker on each of `nodes`; a node may be named several times.
    pub fn start_gang(&mut self, task: TaskId, nodes: Vec<NodeId>) {
        self.0.push(Order::Start(task, nodes, Share::FULL));
    }

    /// Starts a waiting task of one worker now, with a share of the processor time that it asks for.
    pub fn start_shared(&mut self, task: TaskId, node: NodeId, share: Share) {
        self.0.push(Order::Start(task, vec![node], share));
    }

    /// Binds a task of one worker to a node.
    pub fn bind(&mut self, task: TaskId, node: NodeId) {
        self.0.push(Order::Bind(task, node));
    }

    /// Takes back the binding of a task that has not started.
    pub fn unbind(&mut self, task: TaskId) {
        self.0.push(Order::Unbind(task));
    }

    /// Changes what a running task gets.
    pub fn reshare(&mut self, task: TaskId, share: Share) {
        self.0.push(Order::Reshare(task, share));
    }

    /// Gives a running elastic task a worker on each of `nodes` instead of those that it has.
    pub fn resize(&mut self, task: TaskId, nodes: Vec<NodeId>) {
        self.0.push(Order::Resize(task, nodes));
    }

    /// Stops a running task; it keeps its progress and waits again.
    pub fn preempt(&mut self, task: TaskId) {
        self.0.push(Order::Preempt(task));
    }

    /// Turns a job away of which nothing runs.
    pub fn reject(&mut self, job: JobId) {
        self.0.push(Order::Reject(job));
    }

    /// Asks to be asked again at `at`.
    pub fn wake(&mut self, at: SimTime) {
        self.0.push(Order::Wake(at));
    }
}

/// Why an order was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is no such task, job or node.
    Unknown,
    /// The task does not wait.
    NotWaiting,
    /// The task does not run.
    NotRunning,
    /// The task is not bound to a node.
    NotBound,
    /// The task is blocked, waiting or bound no more.
    TooLate,
    /// A task of several workers cannot be bound to one node.
    Gang,
    /// The number of nodes is not that of the workers.
    Workers {
        /// Workers of the task.
        wanted: u32,
        /// Nodes named.
        given: usize,
    },
    /// The number of nodes is not one that an elastic task may have.
    Bounds {
        /// Workers that it has at least.
        min: u32,
        /// Workers that it has at most.
        max: u32,
        /// Nodes named.
        given: usize,
    },
    /// The number of workers of the task does not change.
    Rigid,
    /// The node is down.
    Down(NodeId),
    /// The node carries none of the labels asked for.
    Labels(NodeId),
    /// The node has no room.
    NoRoom(NodeId),
    /// Something of the job runs or has ended.
    UnderWay,
    /// That time has passed.
    Past,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no such task, job or node"),
            Self::NotWaiting => f.write_str("the task does not wait"),
            Self::NotRunning => f.write_str("the task does not run"),
            Self::NotBound => f.write_str("the task is not bound to a node"),
            Self::TooLate => f.write_str("the task has been started or bound"),
            Self::Gang => f.write_str("a task of several workers cannot be bound to one node"),
            Self::Workers { wanted, given } => {
                write!(
                    f,
                    "the task has {wanted} workers, and {given} nodes were named"
                )
            }
            Self::Bounds { min, max, given } => {
                write!(
                    f,
                    "the task has {min} to {max} workers, and {given} nodes were named"
                )
            }
            Self::Rigid => f.write_str("the number of workers of the task does not change"),
            Self::Down(node) => write!(f, "node {} is down", node.0),
            Self::Labels(node) => write!(f, "node {} carries none of the labels asked for", node.0),
            Self::NoRoom(node) => write!(f, "node {} has no room", node.0),
            Self::UnderWay => f.write_str("something of the job runs or has ended"),
            Self::Past => f.write_str("that time has passed"),
        }
    }
}

/// An order that the world refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub at: SimTime,
    /// What was wanted.
    pub order: Order,
    /// Number of the job that it is about, if it is about one.
    pub job: Option<u64>,
    /// Why not.
    pub why: Reason,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = match &self.order {
            Order::Start(..) => "start a task",
            Order::Bind(..) => "bind a task",
            Order::Unbind(..) => "unbind a task",
            Order::Reshare(..) => "change the share of a task",
            Order::Resize(..) => "move a task",
            Order::Preempt(_) => "stop a task",
            Order::Reject(_) => "turn away",
            Order::Wake(_) => "wake",
        };
        write!(f, "at {}, {order}", self.at)?;
        if let Some(job) = self.job {
            write!(f, " of job {job}")?;
        }
        write!(f, ": {}", self.why)
    }
}

impl<S: Scheduler + ?Sized> Scheduler for Box<S> {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        (**self).decide(cause, view, orders);
    }
}

/// A scheduling policy for batch jobs.
pub trait Scheduler {
    /// Reacts to `cause`, reading only what a real manager could see, and appends orders.
    /// The world checks each order; an illegal one is refused, counted and explained, and nothing else happens.
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders);
}

/// A length as a key; what has none comes last.
fn seconds(length: Option<Span>) -> f64 {
    length.map_or(f64::INFINITY, Span::as_secs_f64)
}
