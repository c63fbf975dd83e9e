//! Backfilling: who waits behind may start if nobody ahead is delayed by it, as far as estimates tell.
//!
//! Lifka, "The ANL/IBM SP scheduling system", JSSPP 1995 (EASY: the head of the queue is not delayed); Mu'alem and Feitelson,
//! IEEE TPDS 12(6), 2001 (conservative: nobody is).

use std::collections::BTreeMap;

use walras_des::SimTime;

use crate::cluster::TaskId;
use crate::cluster::policy::ahead::{Ahead, end_of};
use crate::cluster::policy::fit::Fit;
use crate::cluster::policy::{Cause, Orders, Scheduler};
use crate::cluster::view::View;
use crate::ids::NodeId;

/// Who is protected from delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservations {
    /// The first `n` that wait; EASY with one.
    First(usize),
    /// All that wait.
    All,
}

/// First come, first served with backfilling. A task without an estimate is expected to take forever: it is started in turn, and
/// backfilled only where no reservation needs its nodes.
///
/// What is expected to end is what the estimates say; a task that runs for longer is expected to end at any moment.
#[derive(Clone, Debug)]
pub struct Backfilling {
    reservations: Reservations,
    fit: Fit,
    /// Where all have a reservation, what each was promised.
    promises: BTreeMap<TaskId, Promise>,
    /// When those that were started are expected to end.
    ends: BTreeMap<TaskId, SimTime>,
    /// The last time at which it asked to be woken.
    wake: SimTime,
}

/// A start by a time, on these nodes.
#[derive(Clone, Debug)]
struct Promise {
    start: SimTime,
    nodes: Vec<NodeId>,
}

impl Backfilling {
    /// EASY: the head of the queue has a reservation.
    #[must_use]
    pub fn easy(fit: Fit) -> Self {
        Self::new(Reservations::First(1), fit)
    }

    /// Conservative: all that wait have one.
    #[must_use]
    pub fn conservative(fit: Fit) -> Self {
        Self::new(Reservations::All, fit)
    }

    /// With these reservations, on nodes that `fit` chooses.
    #[must_use]
    pub fn new(reservations: Reservations, fit: Fit) -> Self {
        Self {
            reservations,
            fit,
            promises: BTreeMap::new(),
            ends: BTreeMap::new(),
            wake: SimTime::ZERO,
        }
    }

    /// When each waiting task is expected to start at the latest, were nothing else submitted: its reservation, if it has one.
    ///
    /// Where all have one, it is kept as long as running tasks do not outlast their estimates and nodes stay: a better one is taken
    /// only where it is in nobody's way.
    pub fn plan(&mut self, view: &View<'_>) -> Vec<(TaskId, Option<SimTime>)> {
        let mut plan = Vec::with_capacity(view.waiting_len());
        self.look_ahead(view, false, |task, start, _| plan.push((task, start)));
        plan
    }

    /// Says of each waiting task, in turn, when it is expected to start, and where if that is now.
    fn look_ahead(
        &mut self,
        view: &View<'_>,
        improve: bool,
        say: impl FnMut(TaskId, Option<SimTime>, Vec<NodeId>),
    ) {
        match self.reservations {
            Reservations::First(n) => self.protect_first(n, view, say),
            Reservations::All => self.protect_all(view, improve, say),
        }
    }

    fn protect_first(
        &self,
        n: usize,
        view: &View<'_>,
        mut say: impl FnMut(TaskId, Option<SimTime>, Vec<NodeId>),
    ) {
        let mut ahead = Ahead::of(view, self.fit);
        let mut reserved = 0;
        for task in view.waiting() {
            let nodes = ahead.start(task);
            if let Some(nodes) = nodes {
                // What can start now needs no protection.
                say(task, Some(view.now()), nodes);
            } else if reserved < n {
                reserved += 1;
                let start = ahead.reserve(task).map(|(start, _, _)| start);
                say(task, start, Vec::new());
            } else {
                say(task, None, Vec::new());
            }
        }
    }

    /// All promises stand while each in turn, by its start, is exchanged for a better one, if there is one.
    fn protect_all(
        &mut self,
        view: &View<'_>,
        improve: bool,
        mut say: impl FnMut(TaskId, Option<SimTime>, Vec<NodeId>),
    ) {
        let mut ahead = Ahead::of(view, self.fit);
        let mut old = std::mem::take(&mut self.promises);
        let mut queue: Vec<TaskId> = view.waiting().collect();
        queue.sort_by_key(|task| old.get(task).map_or(SimTime::MAX, |it| it.start));
        let kept: Vec<_> = (queue.iter())
            .map(|task| {
                let promise = old.get(task)?;
                ahead.keep(*task, promise.start, &promise.nodes)
            })
            .collect();
        // What a broken promise leaves free is for others.
        let improve = improve
            || (queue.iter().zip(&kept))
                .any(|(task, kept)| kept.is_none() && old.contains_key(task));
        for (task, kept) in queue.into_iter().zip(kept) {
            let promise = old.remove(&task);
            let promise = match (promise, kept) {
                (Some(promise), Some(handle)) => {
                    if promise.start > view.now() && !improve {
                        say(task, Some(promise.start), Vec::new());
                        self.promises.insert(task, promise);
                        continue;
                    }
                    ahead.withdraw(&handle);
                    Some(promise)
                }
                _ => None,
            };
            let started = match &promise {
                Some(it) if it.start <= view.now() && ahead.start_on(task, &it.nodes) => {
                    Some(it.nodes.clone())
                }
                _ => ahead.start(task),
            };
            if let Some(nodes) = started {
                // It stands until the task is seen to run.
                let start = promise.map_or(view.now(), |it| it.start.min(view.now()));
                let there = nodes.clone();
                self.promises.insert(task, Promise { start, nodes });
                say(task, Some(view.now()), there);
                continue;
            }
            let found = ahead.reserve(task);
            let better = match (found, promise) {
                (Some((start, _, handle)), Some(promise)) if start > promise.start => {
                    ahead.withdraw(&handle);
                    Some(promise)
                }
                (None, promise) => promise,
                (Some((start, nodes, _)), _) => {
                    say(task, Some(start), Vec::new());
                    self.promises.insert(task, Promise { start, nodes });
                    continue;
                }
            };
            // The old one stands.
            let stands = better.filter(|it| ahead.keep(task, it.start, &it.nodes).is_some());
            say(task, stands.as_ref().map(|it| it.start), Vec::new());
            self.promises.extend(stands.map(|it| (task, it)));
        }
    }
}

impl Scheduler for Backfilling {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        // Somebody may do better only if something has ended too early, or nodes have changed.
        let improve = match cause {
            Cause::Ended(task) => self.ends.remove(&task).is_none_or(|end| end > view.now()),
            Cause::Interrupted(_) | Cause::NodeUp(_) | Cause::NodeDown(_) => true,
            Cause::Submitted(_) | Cause::Ready(_) | Cause::Woken => false,
        };
        if view.waiting_len() == 0 {
            return;
        }
        let mut ends = Vec::new();
        self.look_ahead(view, improve, |task, start, nodes| {
            if start == Some(view.now()) && !nodes.is_empty() {
                ends.push((task, end_of(view, task, view.now(), &nodes)));
                orders.start_gang(task, nodes);
            }
        });
        if self.reservations == Reservations::All {
            self.ends.extend(ends);
        }
        // Usually something ends then; but what was to end may have been withdrawn.
        let starts = self.promises.values().map(|it| it.start);
        let next = starts.filter(|&start| start > view.now()).min();
        if let Some(next) = next.filter(|&next| next != self.wake) {
            self.wake = next;
            orders.wake(next);
        }
    }
}
