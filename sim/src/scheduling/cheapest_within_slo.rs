//! Cheapest within SLO: the lowest price among the nodes that are expected to meet both objectives.

use walras_des::Span;

use crate::ids::{JobId, NodeId};
use crate::scheduling::{Pick, asks};
use crate::units::Amount;
use crate::view::View;

/// Places each job on the cheapest eligible node whose predicted time to first token and time per output token meet the
/// objectives; when none does, on the eligible node with the earliest predicted first token.
///
/// Asks are fixed and, within one device class, order the nodes alike for every job. Each class keeps its nodes sorted by ask.
/// A class that could not do the job even idle and next door is passed over; the search of the others ends at the first node
/// that costs more than the best so far: a handful of looks when load is light.
#[derive(Clone, Debug, Default)]
pub struct CheapestWithinSlo {
    /// Nodes of each class in the order of their asks.
    classes: Vec<Vec<NodeId>>,
}

impl Pick for CheapestWithinSlo {
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        if self.classes.is_empty() {
            self.classes = asks::by_class(view);
        }
        let mut best: Option<(Amount, Span, NodeId)> = None;
        let mut payable = false;
        for class in &self.classes {
            let pays = |&node: &NodeId| {
                view.holds(job, node) && view.willing(node) && view.affordable(job, node)
            };
            // The cheapest of a class is too dear: so are all others.
            let Some(cheapest) = class.first().copied().filter(pays) else {
                continue;
            };
            payable = true;
            if !view.could_meet_slo(job, cheapest) {
                continue;
            }
            for &node in class {
                // From here on, nodes of the class cost no less.
                let price = view.price(job, node);
                let too_dear = best.is_some_and(|(least, _, _)| price > least);
                if too_dear || !view.willing(node) || !view.affordable(job, node) {
                    break;
                }
                if view.eligible(job, node) && view.meets_slo(job, node) {
                    let key = (price, view.latency(job, node), node);
                    best = Some(best.map_or(key, |least| least.min(key)));
                }
            }
        }
        if !payable {
            return None;
        }
        best.map(|(_, _, node)| node)
            .or_else(|| earliest(job, view))
    }
}

/// The eligible node with the earliest predicted first token.
fn earliest(job: JobId, view: &View<'_>) -> Option<NodeId> {
    let candidates = view
        .nodes_up()
        .iter()
        .copied()
        .filter(|&node| view.eligible(job, node));
    candidates
        .map(|node| (view.predict(job, node).ttft, node))
        .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
        .map(|(_, node)| node)
}
