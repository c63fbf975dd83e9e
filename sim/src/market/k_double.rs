//! k-double auction: one price between the last who trade, a share k of the way.
//!
//! Efficient and exactly balanced, but not truthful: R. Myerson, M. Satterthwaite, "Efficient mechanisms for bilateral trading",
//! Journal of Economic Theory 29, 1983, show that with voluntary trade nothing is all three. The equilibrium of one buyer and one
//! seller with uniform values: K. Chatterjee, W. Samuelson, "Bargaining under incomplete information", Operations Research 31, 1983.

use crate::units::{Amount, Ppm};

use super::crossing::Crossing;
use super::{Clearing, Market, Order};

/// The auction; k = 0 favours buyers, 1 sellers.
#[derive(Clone, Debug, PartialEq)]
pub struct KDouble {
    /// How far from the lower to the upper end of the prices that clear the market; usually one half.
    pub k: Ppm,
}

impl Market for KDouble {
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
        let price = low + (high - low).share(self.k);
        let (buyers, sellers) = ((bids, crossing.bids), (asks, crossing.asks));
        out.fill_all(buyers, sellers, crossing.quantity, (price, price));
    }
}
