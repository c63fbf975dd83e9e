//! How much is wanted at a price: curves of demand, and what they say about surplus.
//!
//! Textbook: H. Varian, Intermediate Microeconomics, chapters 14, 15 and 25 (elasticity, surplus, monopoly).

use walras_des::math;

/// Demand by price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Curve {
    /// `volume · (p / reference)^{−ε}`: the same elasticity ε at all prices.
    ConstantElasticity {
        /// Wanted at the reference price [units].
        volume: f64,
        /// [USD per unit]
        reference: f64,
        /// ε, positive.
        elasticity: f64,
    },
    /// `most · (1 − p / choke)`, and none above the choke price.
    Linear {
        /// Wanted for nothing [units].
        most: f64,
        /// Price at which nobody buys [USD per unit].
        choke: f64,
    },
}

impl Curve {
    /// Wanted at a price above zero [units].
    #[must_use]
    pub fn quantity(&self, price: f64) -> f64 {
        match *self {
            Self::ConstantElasticity {
                volume,
                reference,
                elasticity,
            } => volume * math::powf(price / reference, -elasticity),
            Self::Linear { most, choke } => most * (1.0 - price / choke).max(0.0),
        }
    }

    /// The price at which as much is wanted [USD per unit].
    #[must_use]
    pub fn price(&self, quantity: f64) -> f64 {
        match *self {
            Self::ConstantElasticity {
                volume,
                reference,
                elasticity,
            } => reference * math::powf(quantity / volume, -1.0 / elasticity),
            Self::Linear { most, choke } => choke * (1.0 - quantity / most),
        }
    }

    /// By how many per cent the quantity falls when the price rises by one.
    #[must_use]
    pub fn elasticity(&self, price: f64) -> f64 {
        match *self {
            Self::ConstantElasticity { elasticity, .. } => elasticity,
            Self::Linear { choke, .. } => price / (choke - price),
        }
    }

    /// Price times quantity; largest where the elasticity is one.
    #[must_use]
    pub fn revenue(&self, price: f64) -> f64 {
        price * self.quantity(price)
    }

    /// What customers would pay beyond a price: the area under the curve above it, infinite where they would pay any price for a little.
    #[must_use]
    pub fn consumer_surplus(&self, price: f64) -> f64 {
        match *self {
            Self::ConstantElasticity { elasticity, .. } if elasticity <= 1.0 => f64::INFINITY,
            Self::ConstantElasticity { elasticity, .. } => self.revenue(price) / (elasticity - 1.0),
            Self::Linear { choke, .. } => 0.5 * (choke - price).max(0.0) * self.quantity(price),
        }
    }

    /// The area under the curve between two prices, what a rise from one to the other costs customers [USD].
    #[must_use]
    pub fn surplus_between(&self, low: f64, high: f64) -> f64 {
        match *self {
            Self::ConstantElasticity {
                volume,
                reference,
                elasticity: 1.0,
            } => volume * reference * math::ln(high / low),
            Self::ConstantElasticity { elasticity, .. } => {
                (self.revenue(low) - self.revenue(high)) / (elasticity - 1.0)
            }
            Self::Linear { .. } => self.consumer_surplus(low) - self.consumer_surplus(high),
        }
    }

    /// What is lost for all when work that costs `cost` by unit is sold at `price`: gains of those who no longer buy [USD].
    #[must_use]
    pub fn deadweight_loss(&self, price: f64, cost: f64) -> f64 {
        self.surplus_between(cost, price) - (price - cost) * self.quantity(price)
    }

    /// The price that a single seller with a cost by unit would ask: (p − c) / p = 1 / ε (A. Lerner, 1934). None where demand is so little
    /// elastic that it would rise without end.
    #[must_use]
    pub fn monopoly_price(&self, cost: f64) -> Option<f64> {
        match *self {
            Self::ConstantElasticity { elasticity, .. } => {
                (elasticity > 1.0).then(|| cost * elasticity / (elasticity - 1.0))
            }
            Self::Linear { choke, .. } => Some(0.5 * (choke + cost)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves() -> Vec<Curve> {
        let constant = |elasticity| Curve::ConstantElasticity {
            volume: 100.0,
            reference: 2.0,
            elasticity,
        };
        let linear = Curve::Linear {
            most: 80.0,
            choke: 10.0,
        };
        vec![
            constant(0.5),
            constant(1.0),
            constant(1.7),
            constant(3.0),
            linear,
        ]
    }

    fn area(of: impl Fn(f64) -> f64, from: f64, to: f64) -> f64 {
        let steps = 20_000;
        let width = (to - from) / f64::from(steps);
        (0..steps)
            .map(|i| of(from + width * (f64::from(i) + 0.5)))
            .sum::<f64>()
            * width
    }

    fn close(found: f64, expected: f64, tolerance: f64) {
        assert!(
            (found / expected - 1.0).abs() < tolerance,
            "{found} {expected}"
        );
    }

    /// Inverse, elasticity by differences, and surplus and deadweight loss by quadrature.
    #[test]
    fn curves_agree_with_their_areas() {
        for curve in curves() {
            for price in [0.5, 2.0, 6.0] {
                let quantity = curve.quantity(price);
                close(curve.price(quantity), price, 1e-12);
                let slope = (curve.quantity(price * 1.000_001) / quantity).ln() / 1e-6;
                close(-slope, curve.elasticity(price), 1e-5);
            }
            let bought = area(|price| curve.quantity(price), 1.0, 4.0);
            close(curve.surplus_between(1.0, 4.0), bought, 1e-7);
            // Units between the quantities at both prices, at what they are worth beyond their cost.
            let lost = area(
                |q| curve.price(q) - 1.0,
                curve.quantity(4.0),
                curve.quantity(1.0),
            );
            close(curve.deadweight_loss(4.0, 1.0), lost, 1e-6);
        }
        let linear = curves()[4];
        close(
            linear.consumer_surplus(4.0),
            area(|p| linear.quantity(p), 4.0, 10.0),
            1e-8,
        );
        assert_eq!(linear.quantity(11.0), 0.0);
        assert_eq!(linear.consumer_surplus(11.0), 0.0);
        assert_eq!(curves()[1].consumer_surplus(1.0), f64::INFINITY);
        let curve = curves()[3];
        close(
            curve.consumer_surplus(1.0),
            curve.surplus_between(1.0, 1e5),
            1e-9,
        );
    }

    /// Revenue is largest where the elasticity is one, and level everywhere if it is one everywhere.
    #[test]
    fn revenue_is_largest_at_unit_elasticity() {
        let linear = curves()[4];
        close(linear.elasticity(5.0), 1.0, 1e-15);
        assert!(
            [4.9, 5.1]
                .iter()
                .all(|&price| linear.revenue(price) < linear.revenue(5.0))
        );
        let unit = curves()[1];
        close(unit.revenue(0.1), unit.revenue(50.0), 1e-12);
    }

    /// No other price on a grid brings more profit.
    #[test]
    fn monopolists_follow_lerner() {
        for curve in curves() {
            let Some(best) = curve.monopoly_price(1.5) else {
                assert!(curve.elasticity(1.0) <= 1.0);
                continue;
            };
            close((best - 1.5) / best, 1.0 / curve.elasticity(best), 1e-12);
            let profit = |price: f64| (price - 1.5) * curve.quantity(price);
            for i in 1..200 {
                assert!(profit(1.5 + 0.05 * f64::from(i)) <= profit(best) + 1e-9);
            }
        }
    }
}
