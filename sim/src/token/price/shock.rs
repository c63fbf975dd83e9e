//! Crashes and rises at stated times, on top of any other model.
//!
//! What the model says is multiplied by e^{Σ ln(factor) · 2^{−(t − at) / recovery}} over the shocks that have come: the model itself goes
//! on as if nothing had happened.

use std::f64::consts::LN_2;

use walras_des::math;

/// A sudden change of the price.
#[derive(Clone, Debug, PartialEq)]
pub struct Shock {
    /// When [years from the start].
    pub at: f64,
    /// What the price is multiplied by: 0.2 for a crash of 80 %.
    pub factor: f64,
    /// Time in which half of it is made good, as a logarithm [years]; infinite for never.
    pub recovery: f64,
}

impl Shock {
    /// What the price is multiplied by at a time [years from the start].
    #[must_use]
    pub fn factor_at(&self, years: f64) -> f64 {
        if years < self.at {
            return 1.0;
        }
        let stays = math::exp(-LN_2 * (years - self.at) / self.recovery);
        math::exp(math::ln(self.factor) * stays)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashes_last_or_recover() {
        let crash = |recovery| Shock {
            at: 1.0,
            factor: 0.25,
            recovery,
        };
        assert_eq!(crash(1.0).factor_at(0.999), 1.0);
        for (recovery, years, expected) in [
            (f64::INFINITY, 50.0, 0.25),
            (0.5, 1.0, 0.25),
            (0.5, 1.5, 0.5),
            (0.5, 2.0, 0.5_f64.sqrt()),
        ] {
            assert!((crash(recovery).factor_at(years) - expected).abs() < 1e-15);
        }
    }
}
