//! A price that is drawn back to its level: an Ornstein–Uhlenbeck process of its logarithm.
//!
//! The step is exact for any length: with κ = ln 2 / half-life the deviation of ln p shrinks by e^{−κt} and gains a normal of variance
//! σ² (1 − e^{−2κt}) / 2κ. E. S. Schwartz, "The stochastic behavior of commodity prices", Journal of Finance 52(3), 1997 (model 1).

use std::f64::consts::LN_2;

use walras_des::{Stream, math};

/// A price around a level.
#[derive(Clone, Debug, PartialEq)]
pub struct OrnsteinUhlenbeck {
    /// Median of the price in the long run [USD].
    pub level: f64,
    /// Time in which half of a deviation of the logarithm is gone [years].
    pub half_life: f64,
    /// Standard deviation of the logarithm in a short time [by root of a year].
    pub volatility: f64,
}

impl OrnsteinUhlenbeck {
    /// The price some years after it was `price`.
    pub fn step(&self, price: f64, years: f64, stream: &mut Stream) -> f64 {
        let kappa = LN_2 / self.half_life;
        let stays = math::exp(-kappa * years);
        let variance =
            self.volatility * self.volatility * -math::exp_m1(-2.0 * kappa * years) / (2.0 * kappa);
        let deviation = math::ln(price / self.level) * stays + variance.sqrt() * stream.normal();
        self.level * math::exp(deviation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::price::tests::{check_mean, draws};

    /// Mean and variance of ln p after two years from 8 times the level, in one step or in 24. Seeds 1 and 2, n = 40,000.
    #[test]
    fn moments_do_not_depend_on_the_step() {
        let model = OrnsteinUhlenbeck {
            level: 2.0,
            half_life: 0.5,
            volatility: 0.8,
        };
        for (seed, steps) in [(1, 1), (2, 24)] {
            let logs = draws(seed, 40_000, |stream| {
                let step = 2.0 / f64::from(steps);
                let end = (0..steps).fold(16.0, |price, _| model.step(price, step, stream));
                end.ln()
            });
            // Four half-lives: a sixteenth of ln 8 is left.
            let mean = LN_2 + 8.0_f64.ln() / 16.0;
            check_mean(&logs, mean);
            let squares: Vec<f64> = logs.iter().map(|log| (log - mean).powi(2)).collect();
            check_mean(&squares, 0.64 / (4.0 * LN_2) * (1.0 - 1.0 / 256.0));
        }
    }
}
