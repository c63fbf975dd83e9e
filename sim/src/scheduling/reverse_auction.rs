//! Reverse auction: the lowest ask wins, and is paid the second lowest.
//!
//! Vickrey, "Counterspeculation, auctions, and competitive sealed tenders", J. Finance 16(1), 1961: what the winner is paid does not
//! depend on its own ask, so that no owner gains by asking anything but what the work is worth to it.

use crate::ids::{JobId, NodeId};
use crate::market::Rates;
use crate::scheduling::{Pick, asks};
use crate::units::Amount;
use crate::view::View;

/// Places each job on the cheapest eligible node, the nearest among equals, at the rates of the second cheapest; a node without a
/// rival is paid its own ask. Speed and load do not count, but for the free slot.
#[derive(Clone, Debug, Default)]
pub struct ReverseAuction {
    /// Nodes of each class in the order of their asks.
    classes: Vec<Vec<NodeId>>,
    /// What the winner of the last auction is paid.
    rates: Option<Rates>,
}

impl Pick for ReverseAuction {
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        if self.classes.is_empty() {
            self.classes = asks::by_class(view);
        }
        let bid = |node: NodeId| (view.price(job, node), view.latency(job, node), node);
        let mut lowest: [Option<(Amount, _, NodeId)>; 2] = [None; 2];
        for class in &self.classes {
            if !class.first().is_some_and(|&node| view.holds(job, node)) {
                continue;
            }
            for &node in class {
                // From here on, nodes of the class cost no less.
                let bid = bid(node);
                if lowest[1].is_some_and(|(second, _, _)| bid.0 > second)
                    || !view.willing(node)
                    || !view.affordable(job, node)
                {
                    break;
                }
                if !view.is_open(node) {
                    continue;
                }
                if lowest[0].is_none_or(|first| bid < first) {
                    lowest = [Some(bid), lowest[0]];
                } else if lowest[1].is_none_or(|second| bid < second) {
                    lowest[1] = Some(bid);
                }
            }
        }
        let [winner, second] = lowest;
        self.rates = second.map(|(_, _, node)| view.rates(node));
        winner.map(|(_, _, node)| node)
    }

    fn rates(&self) -> Option<Rates> {
        self.rates
    }
}
