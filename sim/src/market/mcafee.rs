//! McAfee's double auction: all trade at a price that those outside the market set, or the last unit stays out.
//!
//! `p = (b_{k+1} + a_{k+1}) / 2`; if it lies between `a_k` and `b_k` all `k` units trade at `p`, else `k − 1` trade, buyers pay `b_k` and
//! sellers get `a_k`. Nobody who trades sets the own price, so telling the truth is a dominant strategy; there is never a deficit; and
//! at least `1 − 1/k` of the gains are made. R. P. McAfee, "A dominant strategy double auction", Journal of Economic Theory 56, 1992.
//!
//! This holds for traders of **one unit**. Who has several may shade the last to move the price of the others, and a test below shows
//! one who gains by it: jobs that want several machines are not truthful here.

use crate::units::Amount;

use super::crossing::Crossing;
use super::trade_reduction::reduce;
use super::{Clearing, Market, Order};

/// The auction; it has no parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct McAfee;

impl Market for McAfee {
    fn quote(&self) -> Option<Amount> {
        None
    }

    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
        out.reset();
        let crossing = Crossing::of(bids, asks);
        let Some(margin) = crossing.margin else {
            return;
        };
        let outside = margin.next_bid.zip(margin.next_ask);
        let price = outside.map(|(bid, ask)| (bid + ask).mul_floor(1, 2));
        match price.filter(|price| (margin.ask..=margin.bid).contains(price)) {
            Some(price) => {
                let (buyers, sellers) = ((bids, crossing.bids), (asks, crossing.asks));
                out.fill_all(buyers, sellers, crossing.quantity, (price, price));
            }
            None => reduce(crossing, bids, asks, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buyer of two units worth 10 each gains by bidding for one: 10 − 6 instead of nothing.
    #[test]
    fn a_buyer_of_two_units_gains_by_hiding_one() {
        let gain = |wanted: u64| {
            let bids = [
                Order::new(0, Amount(10), wanted),
                Order::new(1, Amount(5), 1),
            ];
            let asks = [Order::new(2, Amount(1), 1), Order::new(3, Amount(7), 1)];
            let mut out = Clearing::default();
            McAfee.clear(&bids, &asks, &mut out);
            out.verify(&bids, &asks).unwrap();
            let own = out.bought.iter().filter(|fill| fill.order == 0);
            own.map(|fill| 10 * i128::from(fill.quantity) - fill.money.0)
                .sum::<i128>()
        };
        assert_eq!(
            gain(2),
            0,
            "one of the two trades, at the buyer's own limit"
        );
        assert_eq!(gain(1), 4, "the price is (5 + 7) / 2");
    }
}
