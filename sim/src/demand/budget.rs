//! What customers can pay, and where they go when a platform is full.

use walras_des::{math, normal_cdf};

/// Budgets of customers who would all want the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budgets {
    /// Half of the customers have less than this to spend in an epoch [USD].
    pub median: f64,
    /// Standard deviation of the logarithm between customers.
    pub sigma: f64,
}

impl Budgets {
    /// What customers spend in the mean if each wants work for `cost` [USD]: the mean of the smaller of budget and cost,
    /// `median e^{σ²/2} Φ(d − σ) + cost Φ(−d)` with `d = ln(cost / median) / σ`.
    #[must_use]
    pub fn spent(&self, cost: f64) -> f64 {
        if self.sigma == 0.0 {
            return cost.min(self.median);
        }
        if cost <= 0.0 {
            return 0.0;
        }
        let d = math::ln(cost / self.median) / self.sigma;
        let mean = self.median * math::exp(0.5 * self.sigma * self.sigma);
        mean * normal_cdf(d - self.sigma) + cost * normal_cdf(-d)
    }

    /// Share of the work wanted that is paid for.
    #[must_use]
    pub fn affordable(&self, cost: f64) -> f64 {
        if cost > 0.0 {
            self.spent(cost) / cost
        } else {
            1.0
        }
    }
}

/// How many platforms a customer uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Homing {
    /// One: what it has no room for is not done.
    Exclusive,
    /// One, and when it is full the cheapest of others that have room.
    #[default]
    Overflow,
    /// All, for each piece of work the cheapest one that has room.
    Multi,
}

impl Homing {
    /// Moves what is wanted of each platform [units] to where it is sent, if each can do so much and these are their prices: nothing is
    /// sent to a platform at or above a price limit that its own customers do not send.
    ///
    /// # Panics
    /// If the slices are not equally long.
    pub fn send(self, wanted: &mut [f64], room: &[f64], prices: &[f64], limit: f64) {
        let count = wanted.len();
        assert!(
            room.len() == count && prices.len() == count,
            "wants, capacities and prices are those of the same platforms"
        );
        let mut excess = 0.0;
        for (index, (wanted, room)) in wanted.iter_mut().zip(room).enumerate() {
            let stays = match self {
                Self::Exclusive => return,
                // Half as much again stays and makes the price rise.
                Self::Overflow => room * 1.5,
                Self::Multi if prices[index] < limit => 0.0,
                Self::Multi => *wanted,
            };
            if *wanted > stays {
                excess += *wanted - stays;
                *wanted = stays;
            }
        }
        if excess <= 0.0 {
            return;
        }
        let mut order: Vec<usize> = (0..count).filter(|&index| prices[index] < limit).collect();
        order.sort_by(|&a, &b| prices[a].total_cmp(&prices[b]));
        for &index in &order {
            let takes = (room[index] - wanted[index]).clamp(0.0, excess);
            wanted[index] += takes;
            excess -= takes;
        }
        // Who goes to all of them makes all of them dearer.
        let all: f64 = order.iter().map(|&index| room[index]).sum();
        if self == Self::Multi && all > 0.0 {
            for &index in &order {
                wanted[index] += excess * room[index] / all;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_des::{Moments, Purpose, Streams};

    /// The mean of min(budget, cost) over 200,000 log-normal budgets, within 4.5 standard errors.
    #[test]
    fn budgets_cap_spending() {
        let budgets = Budgets {
            median: 100.0,
            sigma: 0.9,
        };
        for cost in [5.0, 80.0, 400.0, 1e5] {
            let mut stream = Streams::new(1, 0).open(Purpose::new("budget"), 0);
            let mut spent = Moments::default();
            for _ in 0..200_000 {
                spent.record((100.0 * (0.9 * stream.normal()).exp()).min(cost));
            }
            let error = spent.std_dev() / 200_000_f64.sqrt();
            let found = budgets.spent(cost);
            assert!(
                (found - spent.mean()).abs() < 4.5 * error + 1e-9,
                "{found} {}",
                spent.mean()
            );
        }
        assert!((budgets.affordable(1e-3) - 1.0).abs() < 1e-9);
        let equal = Budgets {
            median: 10.0,
            sigma: 0.0,
        };
        assert_eq!((equal.spent(4.0), equal.affordable(40.0)), (4.0, 0.25));
    }

    fn send(homing: Homing, wanted: [f64; 3], room: [f64; 3], limit: f64) -> [f64; 3] {
        let mut sent = wanted;
        homing.send(&mut sent, &room, &[1.0, 3.0, 2.0], limit);
        sent
    }

    #[test]
    fn modes_send_work_where_they_may() {
        let (wanted, room) = ([60.0, 30.0, 10.0], [20.0, 45.0, 100.0]);
        assert_eq!(send(Homing::Exclusive, wanted, room, 9.0), wanted);
        // Thirty stay at the first, and the third is the cheapest with room.
        assert_eq!(
            send(Homing::Overflow, wanted, room, 9.0),
            [30.0, 30.0, 40.0]
        );
        assert_eq!(send(Homing::Multi, wanted, room, 9.0), [20.0, 0.0, 80.0]);
        // Nobody pays two for more than was wanted there.
        assert_eq!(
            send(Homing::Overflow, wanted, room, 2.0),
            [30.0, 30.0, 10.0]
        );
        assert_eq!(
            send(Homing::Multi, [60.0, 0.0, 0.0], room, 2.0),
            [60.0, 0.0, 0.0]
        );
        assert_eq!(
            send(Homing::Multi, [300.0, 0.0, 30.0], room, 9.0),
            [40.0, 90.0, 200.0]
        );
    }
}
