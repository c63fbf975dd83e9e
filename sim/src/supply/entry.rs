//! How many come: free entry, and how fast a crowd of owners gets there.
//!
//! With a fixed pot R and a cost c each, owners come until the next one would lose: n* = ⌊R / c⌋. If they differ in what they see and want,
//! the share of them inside is a logit of the profit. On the way they need time to notice, decide and install: the number follows the
//! profit of some time ago, `n' = n (1 + g (R / (c n) − 1))` with the bracket `d` epochs old, which is stable iff
//! `g < 2 cos(π d / (2 d + 1))`: 2, 1, 0.618, … S. A. Levin, R. M. May, "A note on difference-delay equations", Theoretical Population
//! Biology 9, 1976, doi 10.1016/0040-5809(76)90043-5.

use std::collections::VecDeque;

use walras_des::math;

/// How many can live on a fixed pot, if each costs so much: ⌊R / c⌋.
#[must_use]
pub fn free_entry(pot: f64, cost: f64) -> u64 {
    (pot / cost).floor().max(0.0) as u64
}

/// Share of owners inside if a profit, in units of the cost, is weighed against a spread of views: 1 / (1 + e^{−profit / spread}).
#[must_use]
pub fn willing(profit: f64, spread: f64) -> f64 {
    1.0 / (1.0 + math::exp(-profit / spread))
}

/// How many of `potential` owners share a pot when each comes with the logit probability of its profit: the n with
/// `n = potential · willing(R / (c n) − 1)`, to 12 digits. As the spread goes to zero it is R / c, or all.
#[must_use]
pub fn logit_entry(pot: f64, cost: f64, potential: f64, spread: f64) -> f64 {
    let (mut few, mut many) = (0.0, potential);
    for _ in 0..100 {
        let n = 0.5 * (few + many);
        // What comes at n falls in n.
        if potential * willing(pot / (cost * n) - 1.0, spread) > n {
            few = n;
        } else {
            many = n;
        }
    }
    0.5 * (few + many)
}

/// How fast owners react.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Time from a profit until those who come for it are there [years].
    pub delay: f64,
    /// Owners who come by owner inside, for a profit as large as the cost [by year]. Exits for losses are as fast.
    pub speed: f64,
    /// Most that can come, as growth of the number inside [by year].
    pub most_growth: f64,
    /// Most that can go [by year].
    pub most_decline: f64,
    /// How many there are in all.
    pub potential: f64,
}

/// Owners on their way.
#[derive(Clone, Debug)]
pub struct Crowd {
    plan: Entry,
    /// Owners inside.
    inside: f64,
    /// Profits over costs that nobody has acted upon yet, and when they were seen [years].
    seen: VecDeque<(f64, f64)>,
    at: f64,
}

impl Crowd {
    /// So many inside.
    #[must_use]
    pub fn new(plan: &Entry, inside: f64) -> Self {
        Self {
            plan: plan.clone(),
            inside,
            seen: VecDeque::new(),
            at: 0.0,
        }
    }

    /// Owners inside.
    #[must_use]
    pub fn inside(&self) -> f64 {
        self.inside
    }

    /// An epoch with a profit in units of the cost has passed: how many are inside after it.
    pub fn step(&mut self, years: f64, profit: f64) -> f64 {
        self.seen.push_back((self.at, profit));
        self.at += years;
        // The profit of the epoch that began at least a delay before this one, within rounding.
        let due = self.at - years - self.plan.delay + 1e-9 * years;
        while self.seen.get(1).is_some_and(|&(at, _)| at <= due) {
            self.seen.pop_front();
        }
        let Some(&(_, profit)) = self.seen.front().filter(|&&(at, _)| at <= due) else {
            return self.inside;
        };
        let growth =
            (self.plan.speed * profit).clamp(-self.plan.most_decline, self.plan.most_growth);
        let next = self.inside * (1.0 + growth * years).max(0.0);
        self.inside = next.min(self.plan.potential);
        self.inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pot_feeds_so_many() {
        assert_eq!(free_entry(1000.0, 300.0), 3);
        assert_eq!(free_entry(900.0, 300.0), 3);
        assert_eq!(free_entry(200.0, 300.0), 0);
        assert_eq!(free_entry(-1.0, 300.0), 0);
    }

    #[test]
    fn logit_entry_ends_in_free_entry() {
        for (potential, limit) in [(100.0, 25.0), (10.0, 10.0)] {
            let n = logit_entry(1000.0, 40.0, potential, 1e-4);
            assert!((n / limit - 1.0).abs() < 1e-3, "{n}");
        }
        // Half of the owners come where there is no profit.
        let n = logit_entry(1000.0, 40.0, 50.0, 0.7);
        assert!((n - 25.0).abs() < 1e-9);
    }

    /// A pot of 1,000 and costs of 10, epochs of 0.1 years, nudged by 10⁻⁶ from n* = 100: how the deviation of late compares with the early one.
    fn swings(delay: u32, gain: f64) -> f64 {
        let plan = Entry {
            delay: 0.1 * f64::from(delay),
            speed: gain / 0.1,
            most_growth: 1e9,
            most_decline: 1e9,
            potential: 1e9,
        };
        let mut crowd = Crowd::new(&plan, 100.0 * (1.0 + 1e-6));
        let mut swing = [0.0_f64; 2];
        for epoch in 0..2000 {
            let n = crowd.step(0.1, 1000.0 / (10.0 * crowd.inside()) - 1.0);
            if !(100..1900).contains(&epoch) {
                let late = usize::from(epoch >= 1900);
                swing[late] = swing[late].max((n / 100.0 - 1.0).abs());
            }
        }
        swing[1] / swing[0]
    }

    /// Delays of 0 to 3 epochs, on both sides of Levin and May's bound.
    #[test]
    fn delays_make_oscillations() {
        for delay in 0..4 {
            let d = f64::from(delay);
            let bound = 2.0 * (std::f64::consts::PI * d / (2.0 * d + 1.0)).cos();
            assert!(swings(delay, 0.97 * bound) < 0.01, "delay {delay}");
            assert!(swings(delay, 1.03 * bound) > 10.0, "delay {delay}");
        }
    }

    #[test]
    fn rates_are_limited() {
        let plan = Entry {
            delay: 0.0,
            speed: 10.0,
            most_growth: 0.5,
            most_decline: 0.25,
            potential: 120.0,
        };
        let mut crowd = Crowd::new(&plan, 100.0);
        assert_eq!(crowd.step(0.1, 3.0), 105.0);
        assert_eq!(crowd.step(0.1, -1.0), 105.0 * 0.975);
        assert_eq!(crowd.step(1.0, 1.0), 120.0);
    }
}
