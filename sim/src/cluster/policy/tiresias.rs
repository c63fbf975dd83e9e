//! Discretized two-dimensional least attained service: queues by GPU time had, first come, first served in each
//! (Gu et al., Tiresias, NSDI 2019).

use std::collections::BTreeMap;

use walras_des::{SimTime, Span};

use crate::cluster::TaskId;
use crate::cluster::policy::fit::Fit;
use crate::cluster::policy::ordered::{Blocked, Ordered, Ordering};
use crate::cluster::policy::{Cause, Orders, Scheduler};
use crate::cluster::view::View;

/// Tasks that have had less GPU time come first, by the queue that they are in, and push out later ones; within a queue, those
/// submitted first.
///
/// GPU time is what a task has had times the GPUs of all its workers; what asks for none counts its workers. With one queue it is
/// first come, first served; with many thin ones, least attained service.
#[derive(Clone, Debug)]
pub struct Tiresias {
    inner: Ordered<Queues>,
    promotion: Option<f64>,
    /// When it is woken to promote next, if that is ahead.
    woken: SimTime,
}

impl Tiresias {
    /// Two queues with a threshold of an hour, as in the simulator of its authors, and no promotion, as in the paper.
    #[must_use]
    pub fn standard(fit: Fit, blocked: Blocked) -> Self {
        Self::new(vec![Span::HOUR], None, fit, blocked)
    }

    /// Queues with these thresholds between them [GPU time], in order. A task that has waited `promotion` times as long as it has run
    /// since it was first started, or promoted, goes back to the first queue; never if that is `None`.
    ///
    /// # Panics
    /// If the thresholds do not rise, or `promotion` is not positive.
    #[must_use]
    pub fn new(thresholds: Vec<Span>, promotion: Option<f64>, fit: Fit, blocked: Blocked) -> Self {
        let rise = thresholds.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(
            rise,
            "thresholds between queues rise, unlike {thresholds:?}"
        );
        assert!(
            promotion.is_none_or(|knob| knob > 0.0),
            "promotion is a positive multiple of the time run, unlike {promotion:?}"
        );
        let queues = Queues {
            thresholds,
            promoted: BTreeMap::new(),
        };
        Self {
            inner: Ordered::new(queues, fit, blocked),
            promotion,
            woken: SimTime::ZERO,
        }
    }

    /// Moves who has waited too long to the first queue, and says when the next will have.
    fn promote(&mut self, knob: f64, view: &View<'_>) -> Option<SimTime> {
        let mut next = None;
        for task in view.waiting() {
            let card = view.task(task);
            let queues = self.inner.order();
            if queues.queue(task, view) == 0 {
                continue;
            }
            let had = queues.since_promotion(task, view).as_secs_f64();
            let due = card.waiting_since + Span::from_secs_f64(had * knob);
            if due <= view.now() {
                let served = card.served(view.now());
                (self.inner).change(task, view, |queues| {
                    queues.promoted.insert(task, served);
                });
            } else {
                next = Some(next.map_or(due, |next: SimTime| next.min(due)));
            }
        }
        next
    }
}

impl Scheduler for Tiresias {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        if let Cause::Ended(task) = cause {
            self.inner.order_mut().promoted.remove(&task);
        }
        let next = self.promotion.and_then(|knob| self.promote(knob, view));
        self.inner.decide(cause, view, orders);
        // Once, as every decision says it anew: otherwise all of them come back together.
        if let Some(next) = next
            && (self.woken <= view.now() || next < self.woken)
        {
            self.woken = next;
            orders.wake(next);
        }
    }
}

#[derive(Clone, Debug)]
struct Queues {
    thresholds: Vec<Span>,
    /// What promoted tasks had had by then.
    promoted: BTreeMap<TaskId, Span>,
}

impl Queues {
    /// Time had since it was promoted, or in all.
    fn since_promotion(&self, task: TaskId, view: &View<'_>) -> Span {
        let before = self.promoted.get(&task).copied().unwrap_or(Span::ZERO);
        let served = view.task(task).served(view.now());
        Span::from_nanos(served.as_nanos() - before.as_nanos())
    }

    fn queue(&self, task: TaskId, view: &View<'_>) -> usize {
        let had = self.since_promotion(task, view).as_nanos();
        let had = u128::from(had) * u128::from(gpus(task, view));
        let reached = |threshold: &Span| u128::from(threshold.as_nanos()) * 1000 <= had;
        self.thresholds.partition_point(reached)
    }
}

/// GPUs of all workers [thousandths].
fn gpus(task: TaskId, view: &View<'_>) -> u64 {
    let card = view.task(task);
    let each = match card.demand.gpu() {
        0 => 1000,
        some => some,
    };
    u64::from(each) * u64::from(card.workers)
}

/// Jobs that can be told apart within a queue.
const JOBS: f64 = (1_u64 << 40) as f64;

impl Ordering for Queues {
    const PREEMPTIVE: bool = true;

    fn key(&self, task: TaskId, view: &View<'_>) -> f64 {
        let serial = view.job(view.task(task).job).serial as f64;
        self.queue(task, view) as f64 * JOBS + serial
    }

    fn falls_behind_after(&self, task: TaskId, view: &View<'_>) -> Option<Span> {
        let threshold = self.thresholds.get(self.queue(task, view))?;
        let whole = u128::from(threshold.as_nanos()) * 1000;
        let work = whole.div_ceil(u128::from(gpus(task, view)));
        let had = self.since_promotion(task, view).as_nanos();
        Some(Span::from_nanos(
            u64::try_from(work).ok()?.saturating_sub(had),
        ))
    }
}
