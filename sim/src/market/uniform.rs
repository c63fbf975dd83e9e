//! Uniform price: a sealed auction in which all who trade pay and receive the same.
//!
//! The price is a limit at the margin. Which one is the rule: power exchanges pay the last accepted ask, the system marginal price;
//! auctions of a fixed supply charge the lowest accepted bid, as the first spot market for instances did, or the highest rejected one,
//! which is truthful for buyers of one unit. Every choice lies between the last accepted ask and bid.

use crate::units::Amount;

use super::crossing::Crossing;
use super::{Clearing, Market, Order};

/// Whose limit becomes the price of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Marginal {
    /// The highest ask that is accepted: the cost of the last unit, as on power exchanges.
    #[default]
    AcceptedAsk,
    /// The lowest ask that is rejected, but no more than the last buyer bids; truthful for sellers of one unit.
    RejectedAsk,
    /// The lowest bid that is accepted.
    AcceptedBid,
    /// The highest bid that is rejected, but no less than the last seller asks; truthful for buyers of one unit.
    RejectedBid,
}

/// An auction with one price.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UniformPrice {
    /// Whose limit becomes the price.
    pub marginal: Marginal,
}

impl Market for UniformPrice {
    fn quote(&self) -> Option<Amount> {
        None
    }

    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
        out.reset();
        let crossing = Crossing::of(bids, asks);
        let Some(margin) = crossing.margin else {
            return;
        };
        let (low, high) = margin.interval();
        let price = match self.marginal {
            Marginal::AcceptedAsk => margin.ask,
            Marginal::RejectedAsk => high,
            Marginal::AcceptedBid => margin.bid,
            Marginal::RejectedBid => low,
        };
        let (buyers, sellers) = ((bids, crossing.bids), (asks, crossing.asks));
        out.fill_all(buyers, sellers, crossing.quantity, (price, price));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_takes_its_limit() {
        let side = |prices: &[i128]| -> Vec<Order> {
            prices
                .iter()
                .map(|&p| Order::new(0, Amount(p), 1))
                .collect()
        };
        let (bids, asks) = (side(&[9, 8, 7, 4]), side(&[2, 3, 5, 6]));
        let price = |marginal| {
            let mut out = Clearing::default();
            UniformPrice { marginal }.clear(&bids, &asks, &mut out);
            out.verify(&bids, &asks).unwrap();
            assert_eq!((out.quantity(), out.surplus()), (3, Amount::ZERO));
            out.buyers_price.unwrap().0
        };
        assert_eq!(price(Marginal::AcceptedAsk), 5);
        assert_eq!(price(Marginal::RejectedAsk), 6);
        assert_eq!(price(Marginal::AcceptedBid), 7);
        assert_eq!(
            price(Marginal::RejectedBid),
            5,
            "the rejected 4 is less than the seller asks"
        );
    }
}
