//! Shorthands: choose a node for one job, and let [`Dispatch`] keep the queue.

use crate::ids::{JobId, NodeId};
use crate::market::Rates;
use crate::scheduling::{Cause, Orders, Scheduler};
use crate::view::{Needs, View};

/// Chooses a node for one job.
pub trait Pick {
    /// As [`Scheduler::needs`].
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Hears of everything that happens, before it is asked for a node.
    fn notice(&mut self, _cause: Cause, _view: &View<'_>) {}

    /// What the node that was picked last is paid, if not what it asks.
    fn rates(&self) -> Option<Rates> {
        None
    }

    /// An eligible node for `job`, or `None` to let it wait.
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId>;
}

impl<F: FnMut(JobId, &View<'_>) -> Option<NodeId>> Pick for F {
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        self(job, view)
    }
}

/// A [`Pick`] made from a score: the eligible node with the highest score wins, the lowest id among equals.
/// Scans all nodes that are up.
pub fn by_score(mut score: impl FnMut(JobId, NodeId, &View<'_>) -> Option<f64>) -> impl Pick {
    move |job: JobId, view: &View<'_>| {
        let mut best: Option<(f64, NodeId)> = None;
        for &node in view.nodes_up() {
            if !view.eligible(job, node) {
                continue;
            }
            let Some(value) = score(job, node, view) else {
                continue;
            };
            if best.is_none_or(|(top, id)| value > top || (value == top && node < id)) {
                best = Some((value, node));
            }
        }
        best.map(|(_, node)| node)
    }
}

/// A scheduler that places each job as soon as its [`Pick`] finds a node, and keeps the others in first-come order.
#[derive(Clone, Debug)]
pub struct Dispatch<P>(pub P);

impl<P: Pick> Dispatch<P> {
    fn place(&self, job: JobId, node: NodeId, orders: &mut Orders) {
        match self.0.rates() {
            Some(rates) => orders.place_at(job, node, rates),
            None => orders.place(job, node),
        }
    }
}

impl<P: Pick> Scheduler for Dispatch<P> {
    fn needs(&self) -> Needs {
        self.0.needs()
    }

    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        self.0.notice(cause, view);
        match cause {
            Cause::JobArrived(job) | Cause::JobLost(job) => {
                if let Some(node) = self.0.pick(job, view) {
                    self.place(job, node, orders);
                }
            }
            // What waits could be placed nowhere; now it can here.
            Cause::SlotFreed(free) | Cause::NodeJoined(free) | Cause::SlotsLeft(free) => {
                if view.waiting_len() == 0 || !view.is_open(free) {
                    return;
                }
                let first = view.waiting().find(|&job| view.eligible(job, free));
                if let Some((job, node)) =
                    first.and_then(|job| Some((job, self.0.pick(job, view)?)))
                {
                    self.place(job, node, orders);
                }
            }
            Cause::Repriced | Cause::Reported | Cause::Woken => {
                if let Some((job, node)) = view
                    .waiting()
                    .find_map(|job| Some((job, self.0.pick(job, view)?)))
                {
                    self.place(job, node, orders);
                    orders.wake(view.now());
                }
            }
            Cause::NodeLeft(_) | Cause::NodeIdle(_) | Cause::CopyLost(_) | Cause::Prefilled(_) => {}
        }
    }
}
