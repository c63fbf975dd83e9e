//! What a policy knew when it decided about one job: a witness stands before the policy, sees the view that it sees, and reads its orders.
//!
//! It changes nothing: the policy is asked in the same order with the same view, so that the run is the same, event for event.

use std::cmp::Ordering;

use walras_des::{SimTime, Span};
use walras_sim::ids::{JobId, NodeId, RegionId};
use walras_sim::scheduling::{Cause, Order, Orders, Scheduler};
use walras_sim::units::Price;
use walras_sim::view::View;

/// A policy, and who watches what it does with one job.
#[derive(Debug)]
pub struct Witness<S> {
    inner: S,
    /// Number of the request.
    serial: u64,
    /// Its slot, while it is live.
    slot: Option<JobId>,
    asked: u64,
    /// What is known of the request when it comes.
    pub card: Option<Card>,
    /// What was seen, in order.
    pub decisions: Vec<Decision>,
}

/// What the platform knows of a request when it comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Card {
    /// When it was submitted.
    pub submitted: SimTime,
    /// Where its customer is.
    pub origin: RegionId,
    /// Prompt length.
    pub prompt_tokens: u32,
    /// Expected output length.
    pub output_estimate: u32,
    /// The most that its customer pays [USD], if there is a limit.
    pub limit: Option<f64>,
}

/// One decision about the job: it came, was lost, or is placed or turned away at last.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// When.
    pub at: SimTime,
    /// What was ordered.
    pub order: Ordered,
    /// How often the policy was asked since the last decision about the job, and did nothing with it.
    pub passed: u64,
    /// Jobs that waited for an order, this one included.
    pub waiting: u32,
    /// What there was to choose from.
    pub choice: Choice,
}

/// What became of the job in a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// It is sent to a node.
    Placed(NodeId),
    /// It is turned away.
    Rejected,
    /// It waits.
    Nothing,
}

/// What there was to choose from.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// Nodes believed to be up.
    pub up: u32,
    /// Of these, those that would have been accepted.
    pub eligible: u32,
    /// The others, by the first reason that holds.
    pub full: u32,
    /// Their owners do not work at the present price.
    pub unwilling: u32,
    /// Their memory does not hold the job.
    pub too_small: u32,
    /// Their price is beyond its budget.
    pub too_dear: u32,
    /// The chosen node first, then the best by each quality, without repetition.
    pub candidates: Vec<Candidate>,
}

/// A node as the policy saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The node.
    pub node: NodeId,
    /// Where it is.
    pub region: RegionId,
    /// Its device class.
    pub device: String,
    /// Jobs placed on it and not known to have ended.
    pub outstanding: u32,
    /// Expected price of the job there [USD].
    pub price: f64,
    /// Predicted time to first token [s].
    pub ttft: f64,
    /// Predicted time per output token [s].
    pub tpot: f64,
    /// Whether both objectives are expected to be met.
    pub meets_slo: bool,
    /// Since when nothing was heard of it.
    pub silent: Span,
    /// How long it is known to be up.
    pub up_for: Span,
    /// Its rank among the eligible by outstanding jobs, price and predicted first token; equals share the best.
    pub ranks: Ranks,
}

/// Ranks among the eligible, from one for the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranks {
    /// By jobs outstanding.
    pub outstanding: u32,
    /// By price.
    pub price: u32,
    /// By predicted time to first token.
    pub ttft: u32,
}

impl<S> Witness<S> {
    /// Watches what `inner` does with the request of this number.
    #[must_use]
    pub fn new(inner: S, serial: u64) -> Self {
        Self {
            inner,
            serial,
            slot: None,
            asked: 0,
            card: None,
            decisions: Vec::new(),
        }
    }

    /// Whether the request is in its slot still, and not another.
    fn is_live(&self, job: JobId, view: &View<'_>) -> bool {
        view.job(job).serial == self.serial
    }
}

impl<S: Scheduler> Scheduler for Witness<S> {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        self.inner.decide(cause, view, orders);
        let is_about = match cause {
            Cause::JobArrived(job) | Cause::JobLost(job) if self.is_live(job, view) => {
                self.slot = Some(job);
                true
            }
            _ => false,
        };
        let Some(job) = self.slot.filter(|&job| self.is_live(job, view)) else {
            return;
        };
        if self.card.is_none() {
            let card = view.job(job);
            self.card = Some(Card {
                submitted: card.submitted,
                origin: card.origin,
                prompt_tokens: card.prompt_tokens,
                output_estimate: card.output_estimate,
                limit: (card.limit < Price::MAX).then(|| card.limit.amount().as_f64()),
            });
        }
        let order = orders.as_slice().iter().find_map(|order| match *order {
            Order::Place(placed, node) if placed == job => Some(Ordered::Placed(node)),
            Order::Reject(rejected) if rejected == job => Some(Ordered::Rejected),
            _ => None,
        });
        if order.is_none() && !is_about {
            self.asked += u64::from(view.waiting().any(|waiting| waiting == job));
            return;
        }
        let order = order.unwrap_or(Ordered::Nothing);
        self.decisions.push(Decision {
            at: view.now(),
            order,
            passed: std::mem::take(&mut self.asked),
            waiting: view.waiting_len(),
            choice: choice(job, order, view),
        });
    }
}

/// What there is to choose from for `job`.
fn choice(job: JobId, order: Ordered, view: &View<'_>) -> Choice {
    let mut found = Choice {
        up: view.nodes_up().len() as u32,
        eligible: 0,
        full: 0,
        unwilling: 0,
        too_small: 0,
        too_dear: 0,
        candidates: Vec::new(),
    };
    let mut eligible: Vec<Candidate> = Vec::new();
    for &node in view.nodes_up() {
        let reason = if view.eligible(job, node) {
            eligible.push(candidate(job, node, view));
            &mut found.eligible
        } else if !view.holds(job, node) {
            &mut found.too_small
        } else if !view.willing(node) {
            &mut found.unwilling
        } else if !view.affordable(job, node) {
            &mut found.too_dear
        } else {
            &mut found.full
        };
        *reason += 1;
    }
    eligible.sort_by_key(|candidate| candidate.node);
    rank(
        &mut eligible,
        |a, b| a.outstanding.cmp(&b.outstanding),
        |ranks| &mut ranks.outstanding,
    );
    rank(
        &mut eligible,
        |a, b| a.price.total_cmp(&b.price),
        |ranks| &mut ranks.price,
    );
    rank(
        &mut eligible,
        |a, b| a.ttft.total_cmp(&b.ttft),
        |ranks| &mut ranks.ttft,
    );
    let chosen = |candidate: &&Candidate| order == Ordered::Placed(candidate.node);
    let best = |of: fn(&Candidate) -> u32| eligible.iter().min_by_key(|candidate| of(candidate));
    let shown = [
        eligible.iter().find(chosen),
        best(|candidate| candidate.ranks.ttft),
        best(|candidate| candidate.ranks.price),
        best(|candidate| candidate.ranks.outstanding),
    ];
    for candidate in shown.into_iter().flatten() {
        if found
            .candidates
            .iter()
            .all(|other| other.node != candidate.node)
        {
            found.candidates.push(candidate.clone());
        }
    }
    found
}

/// Ranks all candidates by one quality.
fn rank(
    candidates: &mut [Candidate],
    compare: impl Fn(&Candidate, &Candidate) -> Ordering,
    slot: impl Fn(&mut Ranks) -> &mut u32,
) {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|&a, &b| compare(&candidates[a], &candidates[b]));
    let mut rank = 0;
    for (place, &index) in order.iter().enumerate() {
        let is_equal = place > 0
            && compare(&candidates[order[place - 1]], &candidates[index]) == Ordering::Equal;
        if !is_equal {
            rank = place as u32 + 1;
        }
        *slot(&mut candidates[index].ranks) = rank;
    }
}

fn candidate(job: JobId, node: NodeId, view: &View<'_>) -> Candidate {
    let (card, prediction) = (view.node(node), view.predict(job, node));
    Candidate {
        node,
        region: card.region,
        device: view.profile(node).device.name.clone(),
        outstanding: card.outstanding,
        price: view.price(job, node).as_f64(),
        ttft: prediction.ttft,
        tpot: prediction.tpot,
        meets_slo: view.meets_slo(job, node),
        silent: view.now() - card.observed_at,
        up_for: view.now() - card.up_since,
        ranks: Ranks {
            outstanding: 0,
            price: 0,
            ttft: 0,
        },
    }
}
