//! Trade reduction: the last unit that could trade does not, and its limits become the prices of all others.
//!
//! Truthful for traders of one unit and never in deficit, at the price of the least valuable trade. R. P. McAfee, "A dominant strategy
//! double auction", Journal of Economic Theory 56, 1992, without its better case.

use crate::units::Amount;

use super::crossing::Crossing;
use super::{Clearing, Market, Order};

/// The auction; it has no parameters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TradeReduction;

impl Market for TradeReduction {
    fn quote(&self) -> Option<Amount> {
        None
    }

    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
        out.reset();
        reduce(Crossing::of(bids, asks), bids, asks, out);
    }
}

/// All units trade but the last: buyers pay `b_k`, sellers get `a_k`.
pub(super) fn reduce(crossing: Crossing, bids: &[Order], asks: &[Order], out: &mut Clearing) {
    if let Some(margin) = crossing.margin {
        let (buyers, sellers) = ((bids, crossing.bids), (asks, crossing.asks));
        let prices = (margin.bid, margin.ask);
        out.fill_all(buyers, sellers, crossing.quantity - 1, prices);
    }
}
