//! First price: buyers take the cheapest sellers, and pay each what it asks.
//!
//! Sellers who know this ask more than their cost. With `n` of them and costs uniform on `[0, 1]` the equilibrium ask is
//! `c + (1 − c) / n`, and the buyer expects to pay `2 / (n + 1)`, as much as in a second-price auction (revenue equivalence:
//! W. Vickrey, "Counterspeculation, auctions, and competitive sealed tenders", Journal of Finance 16, 1961).

use crate::units::Amount;

use super::procurement::Sellers;
use super::{Clearing, Market, Order, Pair};

/// The auction; it has no parameters. Each buyer's limit is its reserve price.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FirstPrice;

impl Market for FirstPrice {
    fn quote(&self) -> Option<Amount> {
        None
    }

    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
        out.reset();
        let (mut sellers, mut winners) = (Sellers::new(asks), Vec::new());
        for (bid, order) in bids.iter().enumerate() {
            sellers.take(order.price, order.quantity, &mut winners);
            for &(ask, quantity) in &winners {
                let price = asks[ask].price;
                out.pair(Pair { bid, ask, quantity }, price, price);
            }
        }
    }
}
