//! Welfare: what work is worth to customers less what it costs, on the market and as a planner would have it.
//!
//! A planner who knows all costs has each unit of work done by whoever does it at the lowest cost, as long as it is worth more than that
//! to a customer. By the first theorem of welfare economics that is where every price is the cost of the last unit: demand meets the
//! running costs of all owners who could provide, sorted, with no capacity idle. What the market misses of it is the deadweight loss;
//! the planner's welfare over the market's is the price of anarchy (Koutsoupias and Papadimitriou 1999).

use walras_des::math;

use crate::economy::customers::Each;

/// Ratio of one step of costs to the next; within a step supply rises evenly.
const RATIO: f64 = 1.005;
/// [USD per unit]
const LEAST: f64 = 1e-4;

/// What a network could do at each cost, the cheapest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Curve {
    /// Capacity [units a day] and cost [USD a day] of each step.
    steps: Vec<(f64, f64)>,
    /// Capacity of all steps before each, and of all [units a day].
    before: Vec<f64>,
}

impl Curve {
    /// Of running costs [USD per unit] and capacities [units a day].
    pub fn of(offers: impl Iterator<Item = (f64, f64)>) -> Self {
        let mut curve = Self::default();
        let per_step = 1.0 / math::ln(RATIO);
        for (cost, capacity) in offers {
            let step = (math::ln((cost / LEAST).max(1.0)) * per_step) as usize;
            if step >= curve.steps.len() {
                curve.steps.resize(step + 1, (0.0, 0.0));
            }
            curve.steps[step].0 += capacity;
            curve.steps[step].1 += capacity * cost;
        }
        let mut sum = 0.0;
        curve.before.push(sum);
        for step in &curve.steps {
            sum += step.0;
            curve.before.push(sum);
        }
        curve
    }

    /// What is offered at a price [units a day].
    fn supply(&self, price: f64) -> f64 {
        let at = math::ln((price / LEAST).max(1.0)) / math::ln(RATIO);
        let whole = (at as usize).min(self.steps.len());
        self.before[whole]
            + self
                .steps
                .get(whole)
                .map_or(0.0, |step| step.0 * (at - whole as f64))
    }

    /// What so much work costs [USD a day], at most all that there is.
    fn cost(&self, mut quantity: f64) -> f64 {
        let mut sum = 0.0;
        for &(capacity, cost) in &self.steps {
            if capacity > 0.0 {
                let part = (quantity / capacity).min(1.0);
                sum += part * cost;
                quantity -= part * capacity;
            }
        }
        sum
    }

    fn capacity(&self) -> f64 {
        self.before[self.steps.len()]
    }
}

/// Sums over the days on which welfare was reckoned [USD a day].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Welfare {
    /// On the market.
    pub market: f64,
    /// Of the planner.
    pub best: f64,
    /// Number of days.
    pub days: u32,
}

/// The planner's welfare [USD a day]: `demand` says what is wanted of each network at the prices of all, `surplus` what customers gain.
pub(super) fn best(
    curves: &[Curve],
    demand: impl Fn(&[f64]) -> Each,
    surplus: impl Fn(&[f64]) -> f64,
) -> f64 {
    let mut prices: Each = curves.iter().map(|_| 1.0).collect();
    // Networks are substitutes, so that prices found one after the other come closer to those of all together.
    for _ in 0..SWEEPS {
        for index in 0..curves.len() {
            let (mut low, mut high) = (math::ln(LEAST), math::ln(MOST));
            for _ in 0..HALVINGS {
                let middle = f64::midpoint(low, high);
                prices[index] = math::exp(middle);
                if demand(&prices)[index] > curves[index].supply(prices[index]) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
        }
    }
    let wanted = demand(&prices);
    let mut welfare = surplus(&prices);
    for ((curve, &wanted), price) in curves.iter().zip(&wanted).zip(&prices) {
        let quantity = wanted.min(curve.capacity());
        welfare += price * quantity - curve.cost(quantity);
    }
    welfare
}

/// [USD per unit]
const MOST: f64 = 1e6;
const SWEEPS: usize = 12;
const HALVINGS: usize = 36;

#[cfg(test)]
mod tests {
    use super::*;

    /// Costs even on [1, 2] for 100 units a day, and demand of 150 / p: q = 100 (p − 1) = 150 / p at p = (1 + √7) / 2, and the units cost
    /// q + q² / 200. Customers who would pay 1 USD more for each of them gain q.
    #[test]
    fn a_planner_finds_the_crossing() {
        let offers = (0..10_000).map(|i| (1.0 + (f64::from(i) + 0.5) / 10_000.0, 0.01));
        let curve = Curve::of(offers);
        let price = f64::midpoint(1.0, 7.0_f64.sqrt());
        let quantity = 100.0 * (price - 1.0);
        let demand = |prices: &[f64]| prices.iter().map(|price| 150.0 / price).collect::<Each>();
        let found = best(&[curve], demand, |prices| 150.0 / prices[0]);
        let expected = quantity + price * quantity - quantity - quantity * quantity / 200.0;
        assert!((found / expected - 1.0).abs() < 1e-3, "{found} {expected}");
    }
}
