//! What auctions of buyers have in common: each buyer holds one of its own, in order of arrival, among the sellers who have units left.

use crate::units::Amount;

use super::Order;

/// Sellers from the cheapest, and what they have left.
pub(super) struct Sellers<'a> {
    asks: &'a [Order],
    /// Indices of asks, the lowest first, and the earlier first among equals.
    merit: Vec<usize>,
    /// Units left, by index of the ask.
    left: Vec<u64>,
    /// All before this place in `merit` have sold out.
    first: usize,
}

impl<'a> Sellers<'a> {
    pub fn new(asks: &'a [Order]) -> Self {
        let mut merit: Vec<usize> = (0..asks.len()).collect();
        merit.sort_by_key(|&i| asks[i].price);
        Self {
            asks,
            merit,
            left: asks.iter().map(|ask| ask.quantity).collect(),
            first: 0,
        }
    }

    /// Takes up to `quantity` units from the cheapest sellers who ask no more than `limit`: (ask, units) in `winners`.
    pub fn take(&mut self, limit: Amount, mut quantity: u64, winners: &mut Vec<(usize, u64)>) {
        winners.clear();
        while quantity > 0 && self.first < self.merit.len() {
            let ask = self.merit[self.first];
            if self.asks[ask].price > limit {
                return;
            }
            let part = self.left[ask].min(quantity);
            if part > 0 {
                winners.push((ask, part));
            }
            self.left[ask] -= part;
            quantity -= part;
            if self.left[ask] == 0 {
                self.first += 1;
            }
        }
    }

    /// Asks with units left, from the cheapest: (ask, price, units).
    pub fn rest(&self) -> impl Iterator<Item = (usize, Amount, u64)> + '_ {
        let rest = self.merit[self.first..].iter();
        rest.map(|&i| (i, self.asks[i].price, self.left[i]))
            .filter(|&(_, _, left)| left > 0)
    }
}
