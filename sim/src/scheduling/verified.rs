//! Verified: whatever policy places a request, further nodes compute it too, and it is answered when all of them have.
//!
//! Verification by repetition, as volunteer computing and re-executed inference have it: Anderson, "BOINC: a platform for volunteer
//! computing", J. Grid Computing 18, 2020. What it catches is not modelled, since nodes of this world answer rightly;
//! [`wrong_majority`](super::wrong_majority) says how often a vote would be lost.

use walras_des::Stream;

use crate::ids::{JobId, NodeId};
use crate::scheduling::random::draw_eligible;
use crate::scheduling::{Builtin, Cause, Order, Orders, Scheduler};
use crate::units::Amount;
use crate::view::{Needs, View};

/// A policy whose requests are computed by `replicas` nodes on the average: one less than its whole part check each of them, and one
/// more checks as many as the fractional part says. Those who check are drawn and not chosen, so that nobody can know who will: the
/// cheapest of eight, of those that are expected to keep the objectives if any are. Where fewer nodes have room, fewer check. A copy
/// that is lost is replaced while another is under way; when the last is lost, the request is placed again with copies of its own.
#[derive(Debug)]
pub struct Verified {
    first: Box<Builtin>,
    replicas: f64,
    /// Which requests get one more: a draw for each placement, so that the same are checked wherever more are.
    lots: Stream,
    nodes: Stream,
}

/// Nodes that are drawn for each copy.
const DRAWS: u32 = 8;

impl Verified {
    /// `first`, whose requests are computed by `replicas` nodes, drawing from two streams.
    ///
    /// # Panics
    /// If a request is computed less than once.
    #[must_use]
    pub fn new(first: Builtin, replicas: f64, lots: Stream, nodes: Stream) -> Self {
        assert!(replicas >= 1.0, "a request is computed at least once");
        Self {
            first: Box::new(first),
            replicas,
            lots,
            nodes,
        }
    }

    /// Copies of the next request that is placed.
    fn copies(&mut self) -> u32 {
        let extra = self.replicas - 1.0;
        let more = self.lots.uniform() < extra.fract();
        extra.floor() as u32 + u32::from(more)
    }

    /// Orders up to `copies` copies on nodes other than `first` that have none; returns how many.
    fn spread(
        &mut self,
        job: JobId,
        copies: u32,
        first: NodeId,
        view: &View<'_>,
        orders: &mut Orders,
    ) -> u32 {
        let mut taken = vec![first];
        for _ in 0..copies {
            if let Some(node) = self.draw(job, &taken, view) {
                orders.copy(job, node);
                taken.push(node);
            }
        }
        taken.len() as u32 - 1
    }

    fn draw(&mut self, job: JobId, taken: &[NodeId], view: &View<'_>) -> Option<NodeId> {
        let mut best: Option<(bool, Amount, u32, NodeId)> = None;
        for _ in 0..DRAWS {
            let node = draw_eligible(job, view, &mut self.nodes)?;
            if taken.contains(&node) || view.has_copy(job, node) {
                continue;
            }
            let (misses, price) = (!view.meets_slo(job, node), view.price(job, node));
            let key = (misses, price, view.node(node).outstanding, node);
            best = Some(best.map_or(key, |least| least.min(key)));
        }
        best.map(|(_, _, _, node)| node)
    }
}

impl Scheduler for Verified {
    fn needs(&self) -> Needs {
        self.first.needs()
    }

    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        let before = orders.as_slice().len();
        self.first.decide(cause, view, orders);
        let placed: Vec<(JobId, NodeId)> = orders.as_slice()[before..]
            .iter()
            .filter_map(|order| match *order {
                Order::Place(job, node) | Order::PlaceAt(job, node, _) => Some((job, node)),
                _ => None,
            })
            .collect();
        for (job, node) in placed {
            let copies = self.copies();
            let others = self.spread(job, copies, node, view, orders);
            if others > 0 {
                orders.need_answers(job, others + 1);
            }
        }
        if let Cause::CopyLost(survivor) = cause {
            let first = view.job(survivor).last_node();
            let first = first.expect("a copy that survives is on a node");
            self.spread(survivor, 1, first, view, orders);
        }
    }
}
