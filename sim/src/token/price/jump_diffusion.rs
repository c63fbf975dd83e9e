//! Geometric Brownian motion with jumps: prices that also crash and leap.
//!
//! Jumps come as a Poisson process, their logarithms are normal. A compensator takes out of the drift what jumps add on average, so that
//! E p = p₀ e^{μt} whatever the jumps. R. C. Merton, "Option pricing when underlying stock returns are discontinuous", Journal of
//! Financial Economics 3, 1976, doi 10.1016/0304-405X(76)90022-2.

use walras_des::{Stream, math};

/// A diffusion with jumps.
#[derive(Clone, Debug, PartialEq)]
pub struct JumpDiffusion {
    /// Expected growth, jumps included [by year].
    pub drift: f64,
    /// Standard deviation of the logarithm between jumps [by root of a year].
    pub volatility: f64,
    /// Jumps [by year].
    pub rate: f64,
    /// Mean of the logarithm of a jump; negative for crashes.
    pub jump_mean: f64,
    /// Standard deviation of the logarithm of a jump.
    pub jump_deviation: f64,
}

impl JumpDiffusion {
    /// What jumps add to expected growth [by year]: λ (e^{m + δ²/2} − 1).
    #[must_use]
    pub fn compensator(&self) -> f64 {
        self.rate * math::exp_m1(self.jump_mean + 0.5 * self.jump_deviation * self.jump_deviation)
    }

    /// What the price is multiplied by in some years.
    pub fn factor(&self, years: f64, stream: &mut Stream) -> f64 {
        let trend = self.drift - 0.5 * self.volatility * self.volatility - self.compensator();
        let mut log = trend * years + self.volatility * years.sqrt() * stream.normal();
        let jumps = poisson(self.rate * years, stream);
        if jumps > 0.0 {
            // A sum of normals is one normal.
            log += jumps * self.jump_mean + jumps.sqrt() * self.jump_deviation * stream.normal();
        }
        math::exp(log)
    }
}

/// How many events of a Poisson process of rate 1 fall within `time`; takes as many draws, and one more.
fn poisson(time: f64, stream: &mut Stream) -> f64 {
    let (mut count, mut at) = (0.0, stream.exponential());
    while at <= time {
        count += 1.0;
        at += stream.exponential();
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::price::tests::{check_mean, draws};

    const CRASHES: JumpDiffusion = JumpDiffusion {
        drift: 0.1,
        volatility: 0.3,
        rate: 2.0,
        jump_mean: -0.2,
        jump_deviation: 0.25,
    };

    /// E p = e^{μt}, and the logarithm has variance (σ² + λ (m² + δ²)) t and third central moment λ (m³ + 3 m δ²) t.
    /// Seed 1, n = 100,000, 4.5 standard errors.
    #[test]
    fn moments_are_those_of_merton() {
        let logs = draws(1, 100_000, |stream| CRASHES.factor(1.5, stream).ln());
        let prices: Vec<f64> = logs.iter().map(|log| log.exp()).collect();
        check_mean(&prices, 0.15_f64.exp());
        let mean = (0.1 - 0.045 - CRASHES.compensator() + 2.0 * -0.2) * 1.5;
        check_mean(&logs, mean);
        let power = |n| -> Vec<f64> { logs.iter().map(|log| (log - mean).powi(n)).collect() };
        check_mean(&power(2), (0.09 + 2.0 * (0.04 + 0.0625)) * 1.5);
        check_mean(&power(3), 2.0 * (-0.008 - 0.6 * 0.0625) * 1.5);
    }

    /// Counts of a Poisson process of mean 2.5: mean and variance are 2.5, and none with probability e^{−2.5}. Seed 2.
    #[test]
    fn jumps_are_poisson() {
        let counts = draws(2, 100_000, |stream| poisson(2.5, stream));
        check_mean(&counts, 2.5);
        let squares: Vec<f64> = counts.iter().map(|count| (count - 2.5).powi(2)).collect();
        check_mean(&squares, 2.5);
        let none: Vec<f64> = counts
            .iter()
            .map(|count| f64::from(u8::from(*count == 0.0)))
            .collect();
        check_mean(&none, (-2.5_f64).exp());
    }
}
