//! List scheduling by a key: what comes first in the order is started first, and may push out what comes later.

use std::collections::BTreeSet;

use walras_des::{SimTime, Span};

use crate::cluster::TaskId;
use crate::cluster::policy::fit::Fit;
use crate::cluster::policy::room::{Room, TooLarge};
use crate::cluster::policy::{Cause, Order, Orders, Scheduler};
use crate::cluster::view::{Stage, View};
use crate::ids::{JobId, NodeId};

/// An order between tasks.
pub trait Ordering {
    /// Whether a task that comes earlier pushes out running ones that come later.
    const PREEMPTIVE: bool = false;

    /// What the order goes by, smaller first; what waited longer comes first among equals. The key of a task that does not run must
    /// not change.
    fn key(&self, task: TaskId, view: &View<'_>) -> f64;

    /// Work after which a running task falls behind, if it does [on nodes of speed one]: then the order is looked at again.
    fn falls_behind_after(&self, _task: TaskId, _view: &View<'_>) -> Option<Span> {
        None
    }
}

impl<F: Fn(TaskId, &View<'_>) -> f64> Ordering for F {
    fn key(&self, task: TaskId, view: &View<'_>) -> f64 {
        self(task, view)
    }
}

/// What to do when the first task in order has no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Blocked {
    /// Nothing behind it starts, so that it is not overtaken.
    #[default]
    Wait,
    /// Whatever fits starts.
    Skip,
}

/// A scheduler that starts tasks in order.
#[derive(Clone, Debug)]
pub struct Ordered<O> {
    order: O,
    fit: Fit,
    blocked: Blocked,
    waiting: BTreeSet<(Key, u64, TaskId)>,
    /// When it is woken next, if that is ahead.
    woken: SimTime,
}

/// A key that can be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Key(f64);

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl<O: Ordering> Ordered<O> {
    /// Starts tasks by `order`, on nodes that `fit` chooses.
    #[must_use]
    pub fn new(order: O, fit: Fit, blocked: Blocked) -> Self {
        Self {
            order,
            fit,
            blocked,
            waiting: BTreeSet::new(),
            woken: SimTime::ZERO,
        }
    }

    /// The order.
    pub(super) fn order(&self) -> &O {
        &self.order
    }

    /// The order, to change what concerns no task that waits.
    pub(super) fn order_mut(&mut self) -> &mut O {
        &mut self.order
    }

    /// Changes the order with regard to one task that waits.
    pub(super) fn change(&mut self, task: TaskId, view: &View<'_>, change: impl FnOnce(&mut O)) {
        let ticket = view.task(task).ticket;
        let old = Key(self.order.key(task, view));
        let waits = self.waiting.remove(&(old, ticket, task));
        change(&mut self.order);
        if waits {
            self.queue(task, view);
        }
    }

    fn queue(&mut self, task: TaskId, view: &View<'_>) {
        let card = view.task(task);
        if card.stage == Stage::Waiting {
            let key = Key(self.order.key(task, view));
            self.waiting.insert((key, card.ticket, task));
        }
    }

    fn queue_job(&mut self, job: JobId, view: &View<'_>) {
        let card = view.job(job);
        for id in card.first.0..card.first.0 + card.tasks {
            self.queue(TaskId(id), view);
        }
    }

    /// Makes room for a task that comes before some of what runs: the latest in order go first. Returns them and its nodes.
    fn push_out(
        &self,
        key: Key,
        task: TaskId,
        room: &mut Room<'_>,
        later: &mut Vec<(Key, u64, TaskId)>,
    ) -> Option<(Vec<TaskId>, Vec<NodeId>)> {
        let before = room.clone();
        for cut in (0..later.len()).rev() {
            let (last, _, victim) = later[cut];
            if last <= key {
                break;
            }
            room.vacate(victim);
            if let Some(nodes) = self.place(task, room) {
                let out = later.drain(cut..).map(|(.., task)| task).collect();
                return Some((out, nodes));
            }
        }
        // It does not fit even so: nobody leaves.
        *room = before;
        None
    }

    fn place(&self, task: TaskId, room: &mut Room<'_>) -> Option<Vec<NodeId>> {
        room.place(task, &mut |room, demand| self.fit.choose(room, demand))
    }

    fn dispatch(&mut self, view: &View<'_>, orders: &mut Orders) {
        let mut room = Room::of(view);
        let mut later: Vec<(Key, u64, TaskId)> = Vec::new();
        if O::PREEMPTIVE && !self.waiting.is_empty() {
            let running = view.running().iter();
            let keyed = |&task: &TaskId| {
                let card = view.task(task);
                (Key(self.order.key(task, view)), card.ticket, task)
            };
            later = running.map(keyed).collect();
            later.sort_unstable();
        }
        let (mut started, mut too_large) = (Vec::new(), TooLarge::default());
        for &(key, ticket, task) in &self.waiting {
            // Who comes earlier could have pushed out as much.
            if too_large.covers(view.task(task)) {
                continue;
            }
            let placed = self.place(task, &mut room).map(|nodes| (Vec::new(), nodes));
            let placed = if placed.is_none() && O::PREEMPTIVE {
                self.push_out(key, task, &mut room, &mut later)
            } else {
                placed
            };
            if let Some((out, nodes)) = placed {
                for &victim in &out {
                    orders.preempt(victim);
                }
                if !out.is_empty() {
                    // Some of them may fit elsewhere.
                    orders.wake(view.now());
                }
                orders.start_gang(task, nodes);
                started.push((key, ticket, task));
            } else if self.blocked == Blocked::Wait {
                break;
            } else {
                too_large.add(view.task(task));
            }
        }
        for entry in started {
            self.waiting.remove(&entry);
        }
    }
}

impl<O: Ordering> Scheduler for Ordered<O> {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        match cause {
            Cause::Submitted(job) => self.queue_job(job, view),
            Cause::Ready(task) | Cause::Interrupted(task) => self.queue(task, view),
            Cause::Ended(_) | Cause::NodeUp(_) | Cause::NodeDown(_) | Cause::Woken => {}
        }
        // Preempted ones wait again, under a new ticket: they are taken from the view once their orders have been carried out.
        if O::PREEMPTIVE {
            self.requeue(view);
        }
        let given = orders.0.len();
        self.dispatch(view, orders);
        if O::PREEMPTIVE && !self.waiting.is_empty() {
            self.wake(view, given, orders);
        }
    }
}

impl<O: Ordering> Ordered<O> {
    /// Asks to be woken when the first of what runs or is started by the orders from `given` on falls behind.
    fn wake(&mut self, view: &View<'_>, given: usize, orders: &mut Orders) {
        let falls = |task: TaskId, slowest: f64| {
            let after = self.order.falls_behind_after(task, view)?;
            // Who still fetches its inputs works later: it is looked at again after a second at the earliest.
            let after = if slowest > 0.0 {
                Span::from_secs_f64(after.as_secs_f64() / slowest).max(Span::NANO)
            } else {
                after.max(Span::SECOND)
            };
            Some(view.now() + after)
        };
        let running = view.running().iter();
        let running = running.filter_map(|&task| falls(task, view.task(task).speed));
        let started = orders.0[given..].iter().filter_map(|order| match order {
            Order::Start(task, nodes, _) => {
                let speeds = nodes.iter().map(|&node| view.kind(node).speed);
                falls(*task, speeds.fold(f64::INFINITY, f64::min))
            }
            _ => None,
        });
        let Some(next) = running.chain(started).min() else {
            return;
        };
        if self.woken <= view.now() || next < self.woken {
            self.woken = next;
            orders.wake(next);
        }
    }

    /// Puts back what was pushed out since.
    fn requeue(&mut self, view: &View<'_>) {
        if self.waiting.len() == view.waiting_len() {
            return;
        }
        let known: BTreeSet<TaskId> = self.waiting.iter().map(|&(.., task)| task).collect();
        let missing: Vec<TaskId> = view
            .waiting()
            .filter(|task| !known.contains(task))
            .collect();
        for task in missing {
            self.queue(task, view);
        }
    }
}
