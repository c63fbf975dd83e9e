//! What a policy of a cluster may know: the books of its manager, which hold no true length of anything that still runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use walras_des::{SimTime, Span};

use crate::cluster::TaskId;
use crate::cluster::job::{Demand, Elastic};
use crate::cluster::node::{Free, Kind, Share, scaled};
use crate::cluster::store::{ObjectId, Store};
use crate::cluster::world::{Transfers, part};
use crate::ids::{JobId, NodeId};

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Some of its parents have not ended.
    Blocked,
    /// It could start.
    Waiting,
    /// It is bound to a node, and starts there when its inputs and room are.
    Bound(NodeId),
    /// It runs.
    Running,
    /// It has ended, or its job was turned away.
    Ended,
}

/// What is known of a task.
#[derive(Clone, Debug)]
pub struct TaskCard {
    /// Its job.
    pub job: JobId,
    /// What each worker occupies.
    pub demand: Demand,
    /// Workers that it needs at the same time, or on which its length is measured if it is elastic.
    pub workers: u32,
    /// How many workers it may have instead.
    pub elastic: Option<Elastic>,
    /// How long it is thought to take on nodes of speed one; `None` if nothing is known.
    pub estimate: Option<Span>,
    /// How long it is thought to take on each kind of node; empty if speeds of nodes say it, or nothing is known.
    pub(super) estimate_on: Box<[Span]>,
    /// Tasks of the same job that come first, by their position in it, and the bytes that it needs of each.
    pub parents: Vec<(u32, u64)>,
    /// Where its first worker ran and when, once it has ended.
    pub done: Option<(NodeId, SimTime)>,
    /// Where it is in its life.
    pub stage: Stage,
    /// When it began to wait, for the last time.
    pub waiting_since: SimTime,
    /// When it was started for the last time.
    pub started: SimTime,
    /// How often it was started.
    pub starts: u32,
    /// What share of its nodes it gets, while it runs.
    pub share: Share,
    /// Work kept from earlier starts [time on nodes of speed one].
    pub(super) kept: Span,
    /// Work done and kept, as of `since` [time on nodes of speed one].
    pub(super) attained: Span,
    /// Time had in all, whatever became of it, as of `since` [time on nodes of speed one].
    pub(super) served: Span,
    pub(super) since: SimTime,
    /// Work per time of its present nodes.
    pub(super) speed: f64,
    /// Work per time on each kind of node; empty if speeds of nodes say it.
    pub(super) speeds: Box<[f64]>,
    /// Its place among what runs.
    pub(super) position: u32,
    /// Where its workers run, and on which GPUs.
    pub(super) placed: Vec<(NodeId, u16)>,
    pub(super) ticket: u64,
}

impl TaskCard {
    /// Work done by `now`, on nodes of speed one.
    #[must_use]
    pub fn attained(&self, now: SimTime) -> Span {
        if self.stage != Stage::Running {
            return self.attained;
        }
        let done = self.share.done(now - self.since).as_secs_f64() * self.speed;
        self.attained + Span::from_secs_f64(done)
    }

    /// Time had by `now`, on nodes of speed one: also what was lost with nodes, and what inputs and checkpoints took.
    #[must_use]
    pub fn served(&self, now: SimTime) -> Span {
        if self.stage != Stage::Running {
            return self.served;
        }
        let done = self.share.done(now - self.since).as_secs_f64() * self.speed;
        self.served + Span::from_secs_f64(done)
    }

    /// Work kept from before its present or next start, on nodes of speed one.
    #[must_use]
    pub fn kept(&self) -> Span {
        self.kept
    }

    /// What is left by the estimate; nothing if it has run for longer.
    #[must_use]
    pub fn remaining(&self, now: SimTime) -> Option<Span> {
        let attained = self.attained(now).as_nanos();
        let left = |estimate: Span| Span::from_nanos(estimate.as_nanos().saturating_sub(attained));
        self.estimate.map(left)
    }

    /// The nodes of its workers, while it runs.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.placed.iter().map(|&(node, _)| node)
    }
}

/// What is known of a job.
#[derive(Clone, Copy, Debug)]
pub struct JobCard {
    /// Number of the job, from zero.
    pub serial: u64,
    /// When it was submitted.
    pub submitted: SimTime,
    /// Whose it is.
    pub user: u32,
    /// By when it should be done.
    pub deadline: Option<SimTime>,
    /// Its first task.
    pub first: TaskId,
    /// How many tasks it has.
    pub tasks: u32,
    /// How many of them have not ended.
    pub left: u32,
}

/// What is known of a node.
#[derive(Clone, Debug)]
pub struct NodeCard {
    /// Its kind, by position in the cluster.
    pub kind: usize,
    /// Whether it is up.
    pub is_up: bool,
    /// What of it is free.
    pub free: Free,
    /// Tasks with a worker on it.
    pub running: Vec<TaskId>,
    /// Tasks bound to it that have not started, in order.
    pub bound: std::collections::VecDeque<TaskId>,
}

/// The books of a cluster's manager.
#[derive(Debug)]
pub struct Books {
    pub(super) kinds: Arc<[Kind]>,
    pub(super) transfers: Transfers,
    pub(super) nodes: Vec<NodeCard>,
    pub(super) jobs: Vec<JobCard>,
    pub(super) tasks: Vec<TaskCard>,
    /// What waits, by ticket.
    pub(super) waiting: BTreeMap<u64, TaskId>,
    pub(super) tickets: u64,
    pub(super) running: Vec<TaskId>,
    /// What is stored, if anything is.
    pub(super) store: Option<Box<Store>>,
    /// What tasks read of it, as far as they do.
    pub(super) reads: BTreeMap<TaskId, Box<[ObjectId]>>,
}

impl Books {
    pub(super) fn enqueue(&mut self, task: TaskId, now: SimTime) {
        self.tickets += 1;
        let card = &mut self.tasks[task.index()];
        card.stage = Stage::Waiting;
        card.waiting_since = now;
        card.ticket = self.tickets;
        self.waiting.insert(self.tickets, task);
    }

    pub(super) fn dequeue(&mut self, task: TaskId) {
        self.waiting.remove(&self.tasks[task.index()].ticket);
    }
}

/// A read-only window on the books.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub(super) now: SimTime,
    pub(super) books: &'a Books,
}

impl<'a> View<'a> {
    /// The present.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Tasks that could start, in the order in which they began to wait.
    pub fn waiting(&self) -> impl Iterator<Item = TaskId> + 'a {
        self.books.waiting.values().copied()
    }

    /// Number of tasks that could start.
    #[must_use]
    pub fn waiting_len(&self) -> usize {
        self.books.waiting.len()
    }

    /// Tasks that run, in no meaningful order.
    #[must_use]
    pub fn running(&self) -> &'a [TaskId] {
        &self.books.running
    }

    /// What is known of a task.
    #[must_use]
    pub fn task(&self, task: TaskId) -> &'a TaskCard {
        &self.books.tasks[task.index()]
    }

    /// What is known of a job.
    #[must_use]
    pub fn job(&self, job: JobId) -> &'a JobCard {
        &self.books.jobs[job.index()]
    }

    /// The task at a position of a job.
    #[must_use]
    pub fn task_of(&self, job: JobId, position: u32) -> TaskId {
        TaskId(self.job(job).first.0 + position)
    }

    /// How long a task is thought to take on a kind of node, from its present or next start on: what its estimate leaves after the
    /// work that is kept; `None` if nothing is known.
    #[must_use]
    pub fn length_on(&self, task: TaskId, kind: usize) -> Option<Span> {
        let card = self.task(task);
        let estimate = card.estimate?;
        let left = Span::from_nanos(estimate.as_nanos().saturating_sub(card.kept.as_nanos()));
        Some(match card.estimate_on.get(kind) {
            Some(&whole) => part(whole, left, estimate),
            None => scaled(left, self.books.kinds[kind].speed),
        })
    }

    /// How data gets from one node to another.
    #[must_use]
    pub fn transfers(&self) -> &'a Transfers {
        &self.books.transfers
    }

    /// The kinds of nodes.
    #[must_use]
    pub fn kinds(&self) -> &'a [Kind] {
        &self.books.kinds
    }

    /// The nodes, by id.
    #[must_use]
    pub fn nodes(&self) -> &'a [NodeCard] {
        &self.books.nodes
    }

    /// What is known of a node.
    #[must_use]
    pub fn node(&self, node: NodeId) -> &'a NodeCard {
        &self.books.nodes[node.index()]
    }

    /// The kind of a node.
    #[must_use]
    pub fn kind(&self, node: NodeId) -> &'a Kind {
        &self.books.kinds[self.node(node).kind]
    }

    /// Work per time of the task on a kind of node, by position in the cluster, as a profile of it would tell.
    #[must_use]
    pub fn speed_on(&self, task: TaskId, kind: usize) -> f64 {
        let speeds = &self.task(task).speeds;
        (speeds.get(kind).copied()).unwrap_or(self.books.kinds[kind].speed)
    }

    /// Whether a worker of the task could start on the node now, at full share.
    #[must_use]
    pub fn fits(&self, task: TaskId, node: NodeId) -> bool {
        let (card, demand) = (self.node(node), &self.task(task).demand);
        card.is_up && self.kind(node).carries(demand) && card.free.fits(demand, Share::FULL)
    }
    /// The stored objects that a task reads.
    #[must_use]
    pub fn reads(&self, task: TaskId) -> &'a [ObjectId] {
        let books = self.books;
        books.reads.get(&task).map_or(&[], |reads| reads)
    }

    /// The nodes that hold a piece of a stored object and are up.
    pub fn holders(&self, object: ObjectId) -> impl Iterator<Item = NodeId> + 'a {
        let books = self.books;
        let holders = books
            .store
            .as_ref()
            .map_or(&[][..], |store| store.holders(object));
        let up = move |node: &NodeId| books.nodes[node.index()].is_up;
        holders.iter().copied().filter(up)
    }

    /// Whether a node holds a piece of every object that the task reads.
    #[must_use]
    pub fn is_local(&self, task: TaskId, node: NodeId) -> bool {
        let mut reads = self.reads(task).iter();
        reads.all(|&object| self.holders(object).any(|holder| holder == node))
    }
}
