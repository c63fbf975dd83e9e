//! Geometric Brownian motion of the token's price, whatever the network does.
//!
//! The step is exact for any length: ln p moves by a normal of mean (μ − σ²/2) t and variance σ² t, so that E p = p₀ e^{μt}. J. C. Hull,
//! Options, Futures, and Other Derivatives, chapter 14.

use walras_des::{Stream, math};

/// Growth and volatility of a price.
#[derive(Clone, Debug, PartialEq)]
pub struct Gbm {
    /// Expected growth [by year].
    pub drift: f64,
    /// Standard deviation of the logarithm [by root of a year]; large tokens had 0.6 to 1.0 in recent years.   (assumption)
    pub volatility: f64,
}

impl Gbm {
    /// What the price is multiplied by in some years.
    pub fn factor(&self, years: f64, stream: &mut Stream) -> f64 {
        let log = (self.drift - 0.5 * self.volatility * self.volatility) * years
            + self.volatility * years.sqrt() * stream.normal();
        math::exp(log)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::price::tests::{check_mean, draws};

    /// E p = e^{μt} and E p² = e^{(2μ+σ²)t}, in one step or in many. Seeds 1 and 2, n = 40,000, 4.5 standard errors.
    #[test]
    fn moments_do_not_depend_on_the_step() {
        let gbm = Gbm {
            drift: 0.1,
            volatility: 0.6,
        };
        for (seed, steps) in [(1, 1), (2, 12)] {
            let path = |stream: &mut Stream| -> f64 {
                (0..steps)
                    .map(|_| gbm.factor(1.0 / f64::from(steps), stream))
                    .product()
            };
            check_mean(&draws(seed, 40_000, path), 0.1_f64.exp());
            check_mean(
                &draws(seed, 40_000, |stream| path(stream).powi(2)),
                (0.2_f64 + 0.36).exp(),
            );
        }
    }
}
