//! A network whose revenue grows with its size: where it rests, whether it stays there, and when it dies.
//!
//! N providers bring revenue `u N^β`, of which they get a share φ, and each costs c. They come and go with the profit,
//! `N' = N (1 + k (φ u N^{β−1} / c − 1))`. Where profit is none, `N* = (φ u / c)^{1 / (1−β)}`, a deviation is multiplied by `1 − k (1 − β)` in a
//! step. For β < 1 that is stable iff `k (1 − β) < 2`; for β > 1 N* is a critical mass, below which the network dies and above which it
//! grows. Network effects: J. Rohlfs, "A theory of interdependent demand for a communications service", Bell Journal 5, 1974.

use walras_des::math;

/// A network and those who provide for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Feedback {
    /// Revenue of a network of one provider, in money by step (u).
    pub revenue: f64,
    /// Elasticity of revenue to the number of providers (β).
    pub elasticity: f64,
    /// Share of revenue that providers get (φ).
    pub share: f64,
    /// What one provider costs, in money by step (c).
    pub cost: f64,
    /// Growth of the number in a step for a profit as large as the cost (k).
    pub speed: f64,
}

/// What becomes of a network near the number at which there is no profit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It comes to rest there from one side.
    Converges,
    /// It comes to rest there in swings.
    Oscillates,
    /// It swings more and more.
    Unstable,
    /// It grows above that number, and dies below it.
    CriticalMass,
    /// Size does not matter: it grows, stays or dies at one rate.
    Proportional,
}

impl Feedback {
    /// Profit of a provider among so many, in units of its cost.
    #[must_use]
    pub fn profit(&self, providers: f64) -> f64 {
        let each = math::powf(providers, self.elasticity - 1.0);
        self.share * self.revenue * each / self.cost - 1.0
    }

    /// The number in the next step.
    #[must_use]
    pub fn step(&self, providers: f64) -> f64 {
        if providers <= 0.0 {
            return 0.0;
        }
        (providers * (1.0 + self.speed * self.profit(providers))).max(0.0)
    }

    /// The number at which there is no profit (N*), unless β is one.
    #[must_use]
    pub fn rest(&self) -> Option<f64> {
        let exponent = 1.0 - self.elasticity;
        (exponent != 0.0).then(|| math::powf(self.share * self.revenue / self.cost, 1.0 / exponent))
    }

    /// What a small deviation from N* is multiplied by in a step.
    #[must_use]
    pub fn multiplier(&self) -> f64 {
        1.0 - self.speed * (1.0 - self.elasticity)
    }

    /// What becomes of the network.
    #[must_use]
    pub fn fate(&self) -> Fate {
        let multiplier = self.multiplier();
        if self.elasticity == 1.0 {
            Fate::Proportional
        } else if self.elasticity > 1.0 {
            Fate::CriticalMass
        } else if multiplier <= -1.0 {
            Fate::Unstable
        } else if multiplier < 0.0 {
            Fate::Oscillates
        } else {
            Fate::Converges
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(elasticity: f64, speed: f64) -> Feedback {
        Feedback {
            revenue: 40.0,
            elasticity,
            share: 0.8,
            cost: 2.0,
            speed,
        }
    }

    fn after(network: &Feedback, steps: usize, start: f64) -> f64 {
        (0..steps).fold(start, |n, _| network.step(n))
    }

    /// β = 1/2: N* = 16² = 256; k (1 − β) of 0.5, 1.5, 1.95 and 2.05.
    #[test]
    fn the_stability_bound() {
        for (speed, fate) in [
            (1.0, Fate::Converges),
            (3.0, Fate::Oscillates),
            (3.9, Fate::Oscillates),
            (4.1, Fate::Unstable),
        ] {
            let network = network(0.5, speed);
            assert!((network.rest().unwrap() - 256.0).abs() < 1e-9);
            assert_eq!(network.fate(), fate);
            let gap = after(&network, 1000, 256.0 * (1.0 + 1e-6)) / 256.0 - 1.0;
            assert_eq!(gap.abs() < 1e-8, fate != Fate::Unstable, "{speed}: {gap}");
            let next = network.step(256.0 * (1.0 + 1e-6)) / 256.0 - 1.0;
            assert!((next / 1e-6 - network.multiplier()).abs() < 1e-4);
        }
    }

    /// β = 1.2: one per cent above the critical mass the network takes off, one below it dies.
    #[test]
    fn a_critical_mass() {
        let network = network(1.2, 0.5);
        let mass = network.rest().unwrap();
        assert!((network.profit(mass)).abs() < 1e-12);
        assert!(after(&network, 100, 1.01 * mass) > 100.0 * mass);
        assert!(after(&network, 100, 0.99 * mass) < 0.01 * mass);
        assert_eq!(network.fate(), Fate::CriticalMass);
        assert_eq!(network.step(0.0), 0.0);
    }
}
