//! What a market achieves: surplus, deadweight loss, and how far selfish choices fall short of the best.

use walras_des::math;

use crate::units::Amount;

use super::clearing::times;
use super::crossing::Crossing;
use super::{Clearing, Fill, Order};

/// What buyers gain: their values, which are the limits of `values`, less what they pay. Truthful bids are the values themselves.
#[must_use]
pub fn consumer_surplus(values: &[Order], clearing: &Clearing) -> Amount {
    worth(values, &clearing.bought) - clearing.paid()
}

/// What sellers gain: what they receive less their costs, which are the limits of `costs`.
#[must_use]
pub fn producer_surplus(costs: &[Order], clearing: &Clearing) -> Amount {
    clearing.received() - worth(costs, &clearing.sold)
}

/// What all gain together, the mechanism included: values less costs of what is traded.
#[must_use]
pub fn gains(values: &[Order], costs: &[Order], clearing: &Clearing) -> Amount {
    worth(values, &clearing.bought) - worth(costs, &clearing.sold)
}

/// The most that any trade between these parties gains.
#[must_use]
pub fn most_gains(values: &[Order], costs: &[Order]) -> Amount {
    let crossing = Crossing::of(values, costs);
    let sum = |orders: &[Order], merit: &[usize]| {
        let mut left = crossing.quantity;
        merit.iter().fold(Amount::ZERO, |sum, &i| {
            let part = orders[i].quantity.min(left);
            left -= part;
            sum + times(orders[i].price, part)
        })
    };
    sum(values, &crossing.bids) - sum(costs, &crossing.asks)
}

/// Gains that are not made: the most that any trade gains, less what this one does.
#[must_use]
pub fn deadweight_loss(values: &[Order], costs: &[Order], clearing: &Clearing) -> Amount {
    most_gains(values, costs) - gains(values, costs, clearing)
}

fn worth(orders: &[Order], fills: &[Fill]) -> Amount {
    let worth = |fill: &Fill| times(orders[fill.order].price, fill.quantity);
    fills
        .iter()
        .fold(Amount::ZERO, |sum, fill| sum + worth(fill))
}

/// Price of anarchy of Pigou's two roads, one of cost 1 and one of cost `x^degree` if a share `x` takes it.
///
/// All take the second, and all pay 1; best is a share `(1 + degree)^{−1/degree}`. Degree 1 gives 4/3. T. Roughgarden, É. Tardos,
/// "How bad is selfish routing?", Journal of the ACM 49, 2002.
#[must_use]
pub fn pigou(degree: f64) -> f64 {
    let share = math::powf(1.0 + degree, -1.0 / degree);
    1.0 / (1.0 - share + math::powf(share, degree + 1.0))
}

/// Customers of an M/M/1 queue who see its length, gain `reward` by being served, and lose `waiting_cost` [1/s] while they are there.
///
/// P. Naor, "The regulation of queue size by levying tolls", Econometrica 37, 1969.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NaorQueue {
    /// Arrivals [1/s].
    pub arrivals: f64,
    /// Services [1/s].
    pub services: f64,
    /// What a service is worth [USD].
    pub reward: f64,
    /// What time in the system costs [USD/s].
    pub waiting_cost: f64,
}

impl NaorQueue {
    /// Customers in the system, the last one included, up to which each joins who looks at itself alone: `⌊R μ / C⌋`.
    #[must_use]
    pub fn individual_threshold(&self) -> u64 {
        self.services_worth().floor() as u64
    }

    /// The same where joining is best for all together: the largest `n` with
    /// `(n (1 − ρ) − ρ (1 − ρⁿ)) / (1 − ρ)² ≤ R μ / C`, whose left side is the sum of `1 + ρ + … + ρ^{j−1}` over `j` from 1 to `n`.
    #[must_use]
    pub fn social_threshold(&self) -> u64 {
        let load = self.arrivals / self.services;
        let (mut n, mut sum, mut row, mut power) = (0, 0.0, 0.0, 1.0);
        loop {
            row += power;
            power *= load;
            sum += row;
            if sum > self.services_worth() {
                return n;
            }
            n += 1;
        }
    }

    /// What all gain together per second when nobody joins as number `threshold + 1`.
    #[must_use]
    pub fn welfare(&self, threshold: u64) -> f64 {
        let load = self.arrivals / self.services;
        let (mut weight, mut all, mut customers) = (1.0, 0.0, 0.0);
        for n in 0..=threshold {
            all += weight;
            customers += n as f64 * weight;
            weight *= load;
        }
        let refused = weight / load / all;
        self.reward * self.arrivals * (1.0 - refused) - self.waiting_cost * customers / all
    }

    /// Mean services that a reward pays for, `R μ / C`.
    fn services_worth(&self) -> f64 {
        self.reward * self.services / self.waiting_cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pigou_costs_a_third_more() {
        assert!((pigou(1.0) - 4.0 / 3.0).abs() < 1e-12);
        // Roughgarden and Tardos: 1.626 for quadratic and 1.896 for cubic costs.
        assert!((pigou(2.0) - 1.626).abs() < 5e-4);
        assert!((pigou(3.0) - 1.896).abs() < 5e-4);
    }

    proptest! {
        /// Naor: the social threshold maximizes welfare over all thresholds, and selfish customers queue longer.
        #[test]
        fn selfish_customers_queue_too_long(arrivals in 0.05..3.0, reward in 1.0..40.0) {
            let queue = NaorQueue { arrivals, services: 1.0, reward, waiting_cost: 1.0 };
            let social = queue.social_threshold();
            prop_assert!(1 <= social && social <= queue.individual_threshold());
            let best = queue.welfare(social);
            for threshold in 0..60 {
                prop_assert!(queue.welfare(threshold) <= best + 1e-9, "{} is better than {}", threshold, social);
            }
        }
    }
}
