//! What customers can pay, how they cling to a platform, and where they go when it is full.

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

/// How customers cling to the platform that they are with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loyalty {
    /// Utility that a switch costs [utils]; the price weight turns dollars into it. P. Klemperer, "Competition when consumers have
    /// switching costs", Review of Economic Studies 62, 1995.
    pub switching_cost: f64,
    /// How often a customer thinks of another platform [by year].
    pub reviews: f64,
}

impl Loyalty {
    /// Shares after some years of these utilities: those who think again choose by logit, with their own platform ahead by the cost of
    /// switching. They rest at shares proportional to `e^{u_i} (Σ_k e^{u_k} + e^{u_i} (e^{cost} − 1))`.
    pub fn step(&self, years: f64, utilities: &[f64], shares: &mut [f64]) {
        let best = utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weight = |utility: f64| math::exp(utility - best);
        let sum: f64 = utilities.iter().map(|&utility| weight(utility)).sum();
        let ahead = math::exp_m1(self.switching_cost);
        let thinks = -math::exp_m1(-self.reviews * years);
        // Those of i who choose anew: e^{u_i} e^{cost} of them stay for e^{u_j} who go to each j.
        let mut leaving = 0.0;
        for (share, &utility) in shares.iter_mut().zip(utilities) {
            let own = weight(utility);
            let moved = thinks * *share / (sum + own * ahead);
            leaving += moved;
            *share -= moved * sum;
        }
        for (share, &utility) in shares.iter_mut().zip(utilities) {
            *share += leaving * weight(utility);
        }
    }
}

/// How many platforms a customer uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Homing {
    /// One: what it has no room for is not done.
    Exclusive,
    /// One, and when it is full others that have room, in proportion to their shares of customers.
    Overflow,
    /// All, for each piece of work the cheapest one that has room.
    Multi,
}

impl Homing {
    /// What each platform serves [units], if so much is wanted of each by its own customers, each can do so much, and these are their prices:
    /// written to `served`.
    ///
    /// # Panics
    /// If the slices are not equally long.
    pub fn serve(self, wanted: &[f64], capacity: &[f64], prices: &[f64], served: &mut [f64]) {
        let count = wanted.len();
        assert!(
            capacity.len() == count && prices.len() == count && served.len() == count,
            "wants, capacities and prices are those of the same platforms"
        );
        match self {
            Self::Exclusive => exclusive(wanted, capacity, served),
            Self::Overflow => overflow(wanted, capacity, served),
            Self::Multi => cheapest_first(wanted, capacity, prices, served),
        }
    }
}

fn exclusive(wanted: &[f64], capacity: &[f64], served: &mut [f64]) {
    for ((served, wanted), capacity) in served.iter_mut().zip(wanted).zip(capacity) {
        *served = wanted.min(*capacity);
    }
}

fn overflow(wanted: &[f64], capacity: &[f64], served: &mut [f64]) {
    exclusive(wanted, capacity, served);
    let mut turned_away: f64 = wanted
        .iter()
        .zip(&*served)
        .map(|(wanted, served)| wanted - served)
        .sum();
    // Each round fills a platform or places all; where nobody is a customer, strangers come evenly.
    for _ in 0..wanted.len() {
        let open = |j: usize, served: &[f64]| capacity[j] > served[j];
        let known: f64 = (0..wanted.len())
            .filter(|&j| open(j, served))
            .map(|j| wanted[j])
            .sum();
        let count = (0..wanted.len()).filter(|&j| open(j, served)).count();
        if turned_away <= 0.0 || count == 0 {
            return;
        }
        let mut placed = 0.0;
        for j in 0..wanted.len() {
            if open(j, served) {
                let part = if known > 0.0 {
                    wanted[j] / known
                } else {
                    1.0 / count as f64
                };
                let before = served[j];
                served[j] = (before + part * turned_away).min(capacity[j]);
                placed += served[j] - before;
            }
        }
        turned_away -= placed;
    }
}

fn cheapest_first(wanted: &[f64], capacity: &[f64], prices: &[f64], served: &mut [f64]) {
    served.fill(0.0);
    let mut left: f64 = wanted.iter().sum();
    let mut last = f64::NEG_INFINITY;
    // Platforms by price, without a list of them: the next price above the last, and all who ask it share by capacity.
    while left > 0.0 {
        let next = prices.iter().copied().filter(|&price| price > last);
        let Some(price) = next.min_by(f64::total_cmp) else {
            return;
        };
        let at_price = || (0..prices.len()).filter(|&j| prices[j] == price);
        let room: f64 = at_price().map(|j| capacity[j]).sum();
        let part = if room > left { left / room } else { 1.0 };
        for j in at_price() {
            served[j] = capacity[j] * part;
        }
        left -= room.min(left);
        last = price;
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

    /// Shares sum to one, rest where detailed balance says, and without a cost of switching go to the logit, by half in a half-life.
    #[test]
    fn loyal_customers_rest_at_the_closed_form() {
        let utilities: [f64; 4] = [0.3, -0.4, 1.1, 0.0];
        for cost in [0.0_f64, 1.0, 3.0] {
            let loyalty = Loyalty {
                switching_cost: cost,
                reviews: 12.0,
            };
            let mut shares = [1.0, 0.0, 0.0, 0.0];
            for _ in 0..400 {
                loyalty.step(0.1, &utilities, &mut shares);
                assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
            let sum: f64 = utilities.iter().map(|u| u.exp()).sum();
            let rest = utilities.map(|u| u.exp() * (sum + u.exp() * (cost.exp() - 1.0)));
            let all: f64 = rest.iter().sum();
            for (found, rest) in shares.iter().zip(rest) {
                assert!(
                    (found - rest / all).abs() < 1e-9,
                    "{cost}: {found} {}",
                    rest / all
                );
            }
        }
        let mut shares = [1.0, 0.0];
        let free = Loyalty {
            switching_cost: 0.0,
            reviews: 2.0_f64.ln(),
        };
        free.step(1.0, &[0.0, 0.0], &mut shares);
        assert!((shares[0] - 0.75).abs() < 1e-15);
    }

    fn serve(homing: Homing, wanted: &[f64], capacity: &[f64], prices: &[f64]) -> Vec<f64> {
        let mut served = vec![0.0; wanted.len()];
        homing.serve(wanted, capacity, prices, &mut served);
        served
    }

    #[test]
    fn modes_serve_what_they_can() {
        let (wanted, capacity, prices) = ([60.0, 30.0, 10.0], [20.0, 45.0, 100.0], [1.0, 3.0, 2.0]);
        assert_eq!(
            serve(Homing::Exclusive, &wanted, &capacity, &prices),
            [20.0, 30.0, 10.0]
        );
        // 40 turned away: 30 and 10 of them, but the second has room for 15, and the third takes the rest.
        assert_eq!(
            serve(Homing::Overflow, &wanted, &capacity, &prices),
            [20.0, 45.0, 35.0]
        );
        assert_eq!(
            serve(Homing::Multi, &wanted, &capacity, &prices),
            [20.0, 0.0, 80.0]
        );
        // Equal prices share by capacity; strangers come evenly.
        assert_eq!(
            serve(Homing::Multi, &[50.0, 0.0], &[60.0, 40.0], &[1.0, 1.0]),
            [30.0, 20.0]
        );
        assert_eq!(
            serve(
                Homing::Overflow,
                &[9.0, 0.0, 0.0],
                &[1.0, 5.0, 50.0],
                &prices
            ),
            [1.0, 4.0, 4.0]
        );
    }

    /// Random markets, seed 1: nobody serves more than it can, nothing is done that is not wanted, and those with several homes get all that
    /// fits.
    #[test]
    fn nothing_is_served_twice() {
        let mut stream = Streams::new(1, 0).open(Purpose::new("homing"), 0);
        for _ in 0..10_000 {
            let count = 1 + stream.below(6) as usize;
            let mut draw = || {
                (0..count)
                    .map(|_| stream.below(20) as f64)
                    .collect::<Vec<f64>>()
            };
            let (wanted, capacity, prices) = (draw(), draw(), draw());
            let all: f64 = wanted.iter().sum();
            let fits = all.min(capacity.iter().sum());
            for homing in [Homing::Exclusive, Homing::Overflow, Homing::Multi] {
                let served = serve(homing, &wanted, &capacity, &prices);
                assert!(
                    served
                        .iter()
                        .zip(&capacity)
                        .all(|(s, c)| *s <= *c && *s >= 0.0)
                );
                let total: f64 = served.iter().sum();
                assert!(total <= fits + 1e-9);
                assert!(homing == Homing::Exclusive || (total - fits).abs() < 1e-9);
            }
        }
    }
}
