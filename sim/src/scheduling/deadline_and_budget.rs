//! Deadline and budget: the cheapest node that answers in time; when none does, the fastest that the customer can pay.
//!
//! Buyya, Abramson, Giddy, "Nimrod/G: an architecture for a resource management and scheduling system in a global computational
//! grid", HPC Asia 2000: cost optimisation within a deadline, time optimisation within a budget.

use walras_des::Span;

use crate::ids::{JobId, NodeId};
use crate::scheduling::Pick;
use crate::view::View;

/// Of the eligible nodes, whose price is within the customer's budget, the cheapest that is expected to give the whole answer
/// within `deadline` of its submission, the nearest among equals; when none is, the one that is expected to give it first.
/// Looks at every node that is up.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineAndBudget {
    deadline: Span,
}

impl DeadlineAndBudget {
    /// The policy with this deadline for the last token.
    #[must_use]
    pub fn new(deadline: Span) -> Self {
        Self { deadline }
    }
}

impl Pick for DeadlineAndBudget {
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        let card = view.job(job);
        let left = self.deadline.as_secs_f64() - (view.now() - card.submitted).as_secs_f64();
        let (mut cheapest, mut fastest) = (None, None);
        for &node in view.nodes_up() {
            if !view.eligible(job, node) {
                continue;
            }
            let prediction = view.predict(job, node);
            let steps = f64::from(card.output_estimate.saturating_sub(1));
            let time = prediction.ttft + steps * prediction.tpot;
            if time <= left {
                let key = (view.price(job, node), view.latency(job, node), node);
                cheapest = Some(cheapest.map_or(key, |least| key.min(least)));
            }
            if fastest.is_none_or(|(least, id)| time < least || (time == least && node < id)) {
                fastest = Some((time, node));
            }
        }
        cheapest
            .map(|(_, _, node)| node)
            .or(fastest.map(|(_, node)| node))
    }
}
