//! Surge price: a posted price that moves by how busy the sellers are.
//!
//! `p' = p · exp(k (ρ − ρ*))` between bounds. With demand `A p^−ε` against a capacity `K` it rests at `p* = (A / (ρ* K))^{1/ε}`, where
//! `dρ/d ln p = −ε ρ*`; so the logarithm of the price moves by the factor `1 − k ε ρ*` in an epoch, which is stable if and only if
//! `k ε ρ* < 2`.

use walras_des::math;

use crate::units::Amount;

use super::posted::trade_at;
use super::{Clearing, Market, Order};

/// The rule and the present price.
#[derive(Clone, Debug, PartialEq)]
pub struct Surge {
    /// The present price [base units per unit]; a decision, so a float, and rounded when it is quoted.
    pub price: f64,
    /// Change of the price's logarithm per unit of utilization above the target (k).
    pub sensitivity: f64,
    /// Utilization of the willing sellers at which the price rests (ρ*).
    pub target: f64,
    /// The lowest price.
    pub floor: Amount,
    /// The highest price.
    pub ceiling: Amount,
}

/// Demand beyond this multiple of what is offered moves the price no faster: without it one crowded epoch, or one without sellers,
/// would throw the price to its bound. EIP-1559 caps at twice the target likewise.
const MOST: f64 = 2.0;

impl Surge {
    /// The price after an epoch with this utilization, which counts all that was wanted at the price and so may exceed 1.
    #[must_use]
    pub fn next(&self, utilization: f64) -> f64 {
        let moved = self.price * math::exp(self.sensitivity * (utilization - self.target));
        moved.clamp(self.floor.0 as f64, self.ceiling.0 as f64)
    }
}

impl Market for Surge {
    fn quote(&self) -> Option<Amount> {
        Some(Amount(self.price.round() as i128))
    }

    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
        let price = Amount(self.price.round() as i128);
        let interest = trade_at(bids, asks, (price, price), u64::MAX, out);
        // Where nobody would buy and nobody would sell there is no news.
        if interest.wanted > 0 || interest.offered > 0 {
            let utilization = interest.wanted as f64 / interest.offered as f64;
            self.price = self.next(utilization.min(MOST));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surge(price: f64, sensitivity: f64) -> Surge {
        Surge {
            price,
            sensitivity,
            target: 0.8,
            floor: Amount(1),
            ceiling: Amount(1_000_000_000),
        }
    }

    /// Distance from `p*` in logarithms, after epochs of demand `A p^−ε` on a capacity of 1.
    fn distance(sensitivity: f64, elasticity: f64) -> f64 {
        let rest: f64 = 1e6;
        let demand = |price: f64| 0.8 * (rest / price).powf(elasticity);
        let mut market = surge(rest * 1.01, sensitivity);
        for _ in 0..2_000 {
            market.price = market.next(demand(market.price));
        }
        (market.price / rest).ln().abs()
    }

    /// Closed form: stable if and only if k ε ρ* < 2.
    #[test]
    fn it_is_stable_up_to_the_boundary() {
        for elasticity in [0.5, 1.0, 3.0] {
            let boundary = 2.0 / (elasticity * 0.8);
            assert!(distance(boundary * 0.97, elasticity) < 1e-9);
            assert!(distance(boundary * 1.03, elasticity) > 0.05);
        }
    }

    #[test]
    fn orders_move_it_to_where_the_target_is_in_use() {
        // 1,000 buyers who value a unit at 1 to 1,000, and 500 sellers: 80 % of these are in use at a price of 600.
        let bids: Vec<_> = (1..=1_000)
            .map(|v| Order::new(v, Amount(i128::from(v)), 1))
            .collect();
        let asks = [Order::new(0, Amount::ZERO, 500)];
        let (mut market, mut out) = (surge(100.0, 0.2), Clearing::default());
        for _ in 0..500 {
            market.clear(&bids, &asks, &mut out);
            out.verify(&bids, &asks).unwrap();
        }
        assert!((market.price - 600.0).abs() < 2.0, "{}", market.price);
    }

    #[test]
    fn without_sellers_it_rises_to_the_ceiling_and_no_further() {
        let (mut market, mut out) = (surge(1e8, 1.0), Clearing::default());
        let bids = [Order::new(0, Amount(1 << 40), 1)];
        for _ in 0..10 {
            market.clear(&bids, &[], &mut out);
            assert!(out.bought.is_empty());
        }
        assert_eq!(market.quote(), Some(market.ceiling));
        market.clear(&[], &[], &mut out);
        assert_eq!(market.quote(), Some(market.ceiling), "no orders, no news");
    }
}
