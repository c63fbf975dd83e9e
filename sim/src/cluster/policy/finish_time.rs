//! Finish-time fairness: who ends the latest, compared with having a share of the cluster of its own, comes first
//! (Mahajan et al., Themis, NSDI 2020).

use walras_des::Span;

use crate::cluster::TaskId;
use crate::cluster::policy::fit::Fit;
use crate::cluster::policy::rounds::{Rounds, Wish, fill, hand_out, present};
use crate::cluster::policy::{Cause, Orders, Scheduler};
use crate::cluster::view::View;

/// At the end of each lease room is handed out anew, the largest ratio ρ of the time in the shared cluster to that in a share of one's
/// own first; until then nobody is pushed out.
///
/// Of a task without an estimate as much is thought to be left as it has had.
#[derive(Clone, Debug)]
pub struct FinishTime {
    leases: Rounds,
    fit: Fit,
}

impl FinishTime {
    /// How long a lease is unless something else is said.
    pub const LEASE: Span = Span::from_secs(20 * 60);

    /// With leases of this length, on nodes that `fit` chooses.
    ///
    /// # Panics
    /// If the lease is zero.
    #[must_use]
    pub fn new(lease: Span, fit: Fit) -> Self {
        Self {
            leases: Rounds::new(lease),
            fit,
        }
    }

    /// ρ of a task, were it to run from now on: its time from submission to end, over that in one of `sharers` equal parts of the
    /// cluster, where a gang wider than its part runs slower in proportion.
    #[must_use]
    pub fn ratio(task: TaskId, sharers: usize, view: &View<'_>) -> f64 {
        let card = view.task(task);
        let had = card.attained(view.now()).as_secs_f64().max(1.0);
        let (whole, left) = match card.estimate {
            Some(whole) => {
                let left = card.remaining(view.now()).unwrap_or(Span::ZERO);
                (whole.as_secs_f64().max(1e-9), left.as_secs_f64())
            }
            None => (2.0 * had, had),
        };
        let waited = view.now() - view.job(card.job).submitted;
        let shared = waited.as_secs_f64() + left;
        shared / (whole * (sharers as f64 * part_of_cluster(task, view)).max(1.0))
    }
}

/// What of all nodes that are up a task fills.
fn part_of_cluster(task: TaskId, view: &View<'_>) -> f64 {
    let card = view.task(task);
    let up = view.nodes().iter().filter(|node| node.is_up);
    let slots: f64 = up
        .map(|node| view.kinds()[node.kind].workers(&card.demand) as f64)
        .sum();
    if slots > 0.0 {
        f64::from(card.workers) / slots
    } else {
        0.0
    }
}

impl Scheduler for FinishTime {
    fn decide(&mut self, _cause: Cause, view: &View<'_>, orders: &mut Orders) {
        let begins = self.leases.begins(view, orders);
        if view.waiting_len() == 0 {
            return;
        }
        let all = present(view);
        let sharers = all.len();
        let rated = |&task: &TaskId| (Self::ratio(task, sharers, view), task);
        let mut order: Vec<(f64, TaskId)> = all.iter().map(rated).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let wishes: Vec<Wish> = order.into_iter().map(|(_, task)| (task, None)).collect();
        if begins {
            hand_out(view, &wishes, self.fit, orders);
        } else {
            fill(view, &wishes, self.fit, orders);
        }
    }
}
