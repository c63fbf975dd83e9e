//! Backfilling: who waits behind may start if nobody ahead is delayed by it, as far as estimates tell.
//!
//! Lifka, "The ANL/IBM SP scheduling system", JSSPP 1995 (EASY: the head of the queue is not delayed); Mu'alem and Feitelson,
//! IEEE TPDS 12(6), 2001 (conservative: nobody is).

use std::collections::BTreeMap;

use walras_des::SimTime;

use crate::cluster::TaskId;
use crate::cluster::policy::ahead::Ahead;
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
    promised: BTreeMap<TaskId, SimTime>,
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
            promised: BTreeMap::new(),
        }
    }

    /// When each waiting task is expected to start, were nothing else submitted: its reservation, if it has one.
    ///
    /// Where all have one, they are renewed in the order of their starts. As running tasks only end earlier than expected, each finds
    /// its old place free at least, on a cluster of one node; on several, the choice of nodes may come in between.
    pub fn plan(&mut self, view: &View<'_>) -> Vec<(TaskId, Option<SimTime>)> {
        let mut plan = Vec::with_capacity(view.waiting_len());
        self.look_ahead(view, |task, start, _| plan.push((task, start)));
        plan
    }

    /// Says of each waiting task, in turn, when it is expected to start, and where if that is now.
    fn look_ahead(
        &mut self,
        view: &View<'_>,
        mut say: impl FnMut(TaskId, Option<SimTime>, Vec<NodeId>),
    ) {
        let mut ahead = Ahead::of(view, self.fit);
        match self.reservations {
            Reservations::First(n) => {
                let mut reserved = 0;
                for task in view.waiting() {
                    let nodes = ahead.start(task);
                    if let Some(nodes) = nodes {
                        // What can start now needs no protection.
                        say(task, Some(view.now()), nodes);
                    } else if reserved < n {
                        reserved += 1;
                        say(task, ahead.reserve(task), Vec::new());
                    } else {
                        say(task, None, Vec::new());
                    }
                }
            }
            Reservations::All => {
                let promised = |task: &TaskId| self.promised.get(task).copied();
                let mut queue: Vec<TaskId> = view.waiting().collect();
                queue.sort_by_key(|task| promised(task).unwrap_or(SimTime::MAX));
                self.promised.clear();
                for task in queue {
                    let nodes = ahead.start(task);
                    let start = if nodes.is_some() {
                        Some(view.now())
                    } else {
                        ahead.reserve(task)
                    };
                    self.promised.extend(start.map(|start| (task, start)));
                    say(task, start, nodes.unwrap_or_default());
                }
            }
        }
    }
}

impl Scheduler for Backfilling {
    fn decide(&mut self, _cause: Cause, view: &View<'_>, orders: &mut Orders) {
        if view.waiting_len() == 0 {
            return;
        }
        self.look_ahead(view, |task, start, nodes| {
            if start == Some(view.now()) {
                orders.start_gang(task, nodes);
            }
        });
    }
}
