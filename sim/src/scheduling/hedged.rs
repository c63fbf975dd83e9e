//! Hedged requests: who has no answer after a while is sent to a second node, and the first answer wins.
//!
//! Dean, Barroso, "The tail at scale", CACM 56(2), 2013: the second request is sent after a high quantile of the time that requests
//! of its kind take, so that it costs little more.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use walras_des::{SimTime, Span, Stream, math};

use crate::ids::JobId;
use crate::scheduling::random::less_loaded_of;
use crate::scheduling::{Cause, Dispatch, Order, Orders, PowerOfChoices, Scheduler};
use crate::view::{Needs, View};

/// Places jobs by power of two choices. A job that is not answered within the `quantile` of the times to an answer goes to one more node,
/// the less loaded of two that are not the first.
///
/// The quantile is followed from the requests themselves (Robbins, Monro 1951): each that is not answered in time makes the delay a
/// little longer, each that is a little shorter, in such a ratio that they balance where a share `quantile` is.
#[derive(Debug)]
pub struct Hedged {
    first: Dispatch<PowerOfChoices>,
    quantile: f64,
    /// Time after which a request is hedged [s]; none before the first is placed.
    delay: Option<f64>,
    /// Requests by the time at which they are hedged, with their numbers, as slots of the table of jobs are used again.
    due: BinaryHeap<Reverse<(SimTime, u64, JobId)>>,
    stream: Stream,
}

/// How much one request changes the logarithm of the delay.
const STEP: f64 = 0.05;

/// Draws of a second node before it is given up.
const DRAWS: u32 = 8;

impl Hedged {
    /// The policy with this quantile, drawing from two streams.
    #[must_use]
    pub fn new(quantile: f64, first: Stream, second: Stream) -> Self {
        Self {
            first: Dispatch(PowerOfChoices::new(2, first)),
            quantile,
            delay: None,
            due: BinaryHeap::new(),
            stream: second,
        }
    }

    /// Sends copies of those whose time has come.
    fn hedge(&mut self, view: &View<'_>, orders: &mut Orders) {
        while let Some(&Reverse((at, serial, job))) = self.due.peek()
            && at <= view.now()
        {
            self.due.pop();
            let is_under_way = view.job(job).serial == serial && view.is_placed(job);
            let step = if is_under_way {
                STEP * self.quantile
            } else {
                -STEP * (1.0 - self.quantile)
            };
            self.delay = self.delay.map(|delay| delay * math::exp(step));
            if !is_under_way {
                continue;
            }
            let other = (0..DRAWS)
                .filter_map(|_| less_loaded_of(2, job, view, &mut self.stream))
                .find(|&node| !view.has_copy(job, node));
            if let Some(node) = other {
                orders.copy(job, node);
                // One at a time, as each takes a slot that the next would count on.
                orders.wake(view.now());
                return;
            }
        }
    }
}

impl Scheduler for Hedged {
    fn needs(&self) -> Needs {
        self.first.needs()
    }

    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        self.first.decide(cause, view, orders);
        let mut placed = None;
        for order in orders.as_slice() {
            if let Order::Place(job, node) = *order {
                placed = Some((job, node));
            }
        }
        if let Some((job, node)) = placed {
            let delay = *self.delay.get_or_insert_with(|| {
                let (card, fate) = (view.job(job), view.predict(job, node));
                fate.ttft + f64::from(card.output_estimate) * fate.tpot
            });
            let at = view.now() + Span::from_secs_f64(delay);
            self.due.push(Reverse((at, view.job(job).serial, job)));
            orders.wake(at);
        } else if cause == Cause::Woken {
            self.hedge(view, orders);
        }
    }
}
