//! Posted price: take it or leave it, first come, first served.

use crate::units::Amount;

use super::clearing::units;
use super::{Clearing, Market, Order};

/// A price that stands until its owner changes it, as a cloud's on-demand price does.
#[derive(Clone, Debug, PartialEq)]
pub struct Posted {
    /// What a unit costs [base units].
    pub price: Amount,
}

impl Market for Posted {
    fn quote(&self) -> Option<Amount> {
        Some(self.price)
    }

    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
        trade_at(bids, asks, (self.price, self.price), u64::MAX, out);
    }
}

/// Units that would be bought, and sold, at the announced price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interest {
    pub wanted: u64,
    pub offered: u64,
}

impl Interest {
    /// Who would buy at a price `paid`, and who would sell for `received`.
    pub fn at(bids: &[Order], asks: &[Order], (paid, received): (Amount, Amount)) -> Self {
        Self {
            wanted: units(bids, |bid| bid.price >= paid),
            offered: units(asks, |ask| ask.price <= received),
        }
    }
}

/// Trades at announced prices, in order of arrival, at most `most` units.
pub(super) fn trade_at(
    bids: &[Order],
    asks: &[Order],
    (paid, received): (Amount, Amount),
    most: u64,
    out: &mut Clearing,
) -> Interest {
    out.reset();
    let interest = Interest::at(bids, asks, (paid, received));
    let buyers = (0..bids.len()).filter(|&i| bids[i].price >= paid);
    let sellers = (0..asks.len()).filter(|&i| asks[i].price <= received);
    let quantity = interest.wanted.min(interest.offered).min(most);
    out.fill_all((bids, buyers), (asks, sellers), quantity, (paid, received));
    interest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_to_come_are_served() {
        let bid = |price, quantity| Order::new(0, Amount(price), quantity);
        let bids = [bid(9, 3), bid(10, 2), bid(12, 2)];
        let asks = [bid(11, 5), bid(4, 1), bid(10, 2)];
        let mut out = Clearing::default();
        Posted { price: Amount(10) }.clear(&bids, &asks, &mut out);
        out.verify(&bids, &asks).unwrap();
        let fills: Vec<_> = out.bought.iter().map(|f| (f.order, f.quantity)).collect();
        assert_eq!(fills, [(1, 2), (2, 1)]);
        assert_eq!((out.paid(), out.surplus()), (Amount(30), Amount::ZERO));
    }
}
