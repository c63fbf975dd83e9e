//! Vickrey: buyers take the cheapest sellers, and pay all of them the lowest ask that lost.
//!
//! One unit is the second-price auction, `k` units the (k+1)-th price. Asking one's cost is a dominant strategy for sellers of **one
//! unit**; who has several may ask more for the last to raise the price of the first, which [`super::vcg::ProcurementVcg`] mends.
//! W. Vickrey, "Counterspeculation, auctions, and competitive sealed tenders", Journal of Finance 16, 1961.

use crate::units::Amount;

use super::procurement::Sellers;
use super::{Clearing, Market, Order, Pair};

/// The auction; it has no parameters. Each buyer's limit is its reserve price, which it pays where no ask below it lost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vickrey;

impl Market for Vickrey {
    fn quote(&self) -> Option<Amount> {
        None
    }

    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
        out.reset();
        let (mut sellers, mut winners) = (Sellers::new(asks), Vec::new());
        for (bid, order) in bids.iter().enumerate() {
            sellers.take(order.price, order.quantity, &mut winners);
            let lost = sellers.rest().next().map(|(_, price, _)| price);
            let price = lost.map_or(order.price, |lost| lost.min(order.price));
            for &(ask, quantity) in &winners {
                out.pair(Pair { bid, ask, quantity }, price, price);
            }
        }
    }
}
