//! Reverse auction: sellers bid for each buyer's order under its maximum, the buyer chooses, and pays what the chosen one bids.
//!
//! So it is on Akash, where not the lowest bid wins but the one that the tenant takes, and one provider serves the whole lease.
//! Source: docs of akash-network, *Marketplace*; x/market, parameter `OrderMaxBids`.

use crate::units::Amount;

use super::{Clearing, Market, Order, Pair};

/// The auction.
#[derive(Clone, Debug, PartialEq)]
pub struct ReverseAuction {
    /// How buyers choose.
    pub chooser: Chooser,
    /// Bids that an order takes before it is closed to others, the first to come; 20 on Akash.
    pub most_bids: usize,
}

/// How a buyer chooses among the bids for its order; the earlier among equals.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Chooser {
    /// The lowest price.
    #[default]
    Cheapest,
    /// The lowest price less what the seller's score is worth.
    Weighted {
        /// What buyers pay more for a score higher by 1 [base units per unit].
        worth: f64,
    },
}

impl Default for ReverseAuction {
    fn default() -> Self {
        Self {
            chooser: Chooser::Cheapest,
            most_bids: 20,
        }
    }
}

impl Chooser {
    /// What the buyer minimizes.
    fn cost(&self, ask: &Order) -> f64 {
        let worth = match self {
            Self::Cheapest => 0.0,
            Self::Weighted { worth } => worth * ask.score,
        };
        ask.price.0 as f64 - worth
    }
}

impl Market for ReverseAuction {
    fn quote(&self) -> Option<Amount> {
        None
    }

    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
        out.reset();
        let mut left: Vec<u64> = asks.iter().map(|ask| ask.quantity).collect();
        for (bid, order) in bids.iter().enumerate() {
            let entrants = (0..asks.len())
                .filter(|&ask| asks[ask].price <= order.price && left[ask] >= order.quantity)
                .take(self.most_bids);
            let cost = |ask: usize| self.chooser.cost(&asks[ask]);
            let chosen = entrants.min_by(|&a, &b| cost(a).total_cmp(&cost(b)));
            if let Some(ask) = chosen {
                left[ask] -= order.quantity;
                let (quantity, price) = (order.quantity, asks[ask].price);
                out.pair(Pair { bid, ask, quantity }, price, price);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(price: i128, quantity: u64, score: f64) -> Order {
        Order {
            score,
            ..Order::new(0, Amount(price), quantity)
        }
    }

    fn winners(market: &mut ReverseAuction, bids: &[Order], asks: &[Order]) -> Vec<(usize, usize)> {
        let mut out = Clearing::default();
        market.clear(bids, asks, &mut out);
        out.verify(bids, asks).unwrap();
        assert_eq!(out.surplus(), Amount::ZERO, "pay as bid");
        out.pairs.iter().map(|pair| (pair.bid, pair.ask)).collect()
    }

    #[test]
    fn the_tenant_chooses_among_bids_that_serve_the_whole_order() {
        let asks = [
            ask(9, 4, 0.9),
            ask(5, 1, 0.0),
            ask(7, 4, 0.1),
            ask(12, 9, 1.0),
        ];
        let bids = [Order::new(0, Amount(10), 2), Order::new(1, Amount(10), 3)];
        let mut market = ReverseAuction::default();
        // Ask 1 is too small for both; what ask 2 has left after the first is too little for the second.
        assert_eq!(winners(&mut market, &bids, &asks), [(0, 2), (1, 0)]);
        market.chooser = Chooser::Weighted { worth: 5.0 };
        assert_eq!(winners(&mut market, &bids, &asks), [(0, 0), (1, 2)]);
    }

    #[test]
    fn an_order_is_closed_after_so_many_bids() {
        let asks: Vec<_> = (0..30).map(|i| ask(100 - i, 1, 0.0)).collect();
        let bids = [Order::new(0, Amount(100), 1)];
        let mut market = ReverseAuction::default();
        assert_eq!(winners(&mut market, &bids, &asks), [(0, 19)]);
        market.most_bids = 500;
        assert_eq!(winners(&mut market, &bids, &asks), [(0, 29)]);
    }
}
