//! Count, mean, variance and extremes of a sample, in one pass.

/// Count, mean, variance and extremes of a sample.
///
/// Welford's update, B. P. Welford, Technometrics 4(3), 1962; merge by T. Chan, G. Golub,
/// R. `LeVeque`, The American Statistician 37(3), 1983. No cancellation for a small spread around a
/// large mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Moments {
    /// An empty sample.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            count: 0,
            mean: 0.0,
            squares: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }

    /// Adds one value.
    #[inline]
    pub fn record(&mut self, value: f64) {
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Adds all values of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (n, m) = (self.count as f64, other.count as f64);
        let delta = other.mean - self.mean;
        self.count += other.count;
        self.mean += delta * m / (n + m);
        self.squares += other.squares + delta * delta * n * m / (n + m);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// The number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean; NaN without values.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.mean }
    }

    /// The unbiased sample variance; NaN below two values.
    #[must_use]
    pub fn variance(&self) -> f64 {
        if self.count < 2 {
            f64::NAN
        } else {
            self.squares / (self.count - 1) as f64
        }
    }

    /// The square root of [`variance`](Self::variance).
    #[must_use]
    pub fn std_dev(&self) -> f64 {
        self.variance().sqrt()
    }

    /// The smallest value; +∞ without values.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.min
    }

    /// The largest value; −∞ without values.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.max
    }
}

impl Default for Moments {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(got: f64, expect: f64, relative: f64) {
        assert!(
            (got - expect).abs() <= relative * expect.abs(),
            "{got} != {expect}"
        );
    }

    fn moments(values: &[f64]) -> Moments {
        let mut moments = Moments::new();
        for value in values {
            moments.record(*value);
        }
        moments
    }

    /// NIST Statistical Reference Datasets, Univariate Summary Statistics, `NumAcc4` (the hardest):
    /// 10000000.2, then 500 times (10000000.1, 10000000.3).
    /// Certified mean 10000000.2, standard deviation 0.1.
    #[test]
    fn moments_pass_nist_num_acc_4() {
        let mut values = vec![10_000_000.2];
        for _ in 0..500 {
            values.extend([10_000_000.1, 10_000_000.3]);
        }
        let all = moments(&values);
        assert_eq!(all.count(), 1_001);
        close(all.mean(), 10_000_000.2, 1e-15);
        // The decimal inputs are not exact in binary: eight digits are what any algorithm can get.
        close(all.std_dev(), 0.1, 2e-8);
        let mut merged = moments(&values[..300]);
        merged.merge(&moments(&values[300..]));
        merged.merge(&Moments::new());
        close(merged.mean(), 10_000_000.2, 1e-15);
        close(merged.std_dev(), 0.1, 2e-8);
        assert_eq!((merged.min(), merged.max()), (10_000_000.1, 10_000_000.3));
    }

    #[test]
    fn moments_of_few_values() {
        let empty = Moments::new();
        assert!(empty.mean().is_nan() && empty.variance().is_nan());
        assert_eq!(
            (empty.min(), empty.max()),
            (f64::INFINITY, f64::NEG_INFINITY)
        );
        let one = moments(&[3.0]);
        assert!(one.variance().is_nan());
        let mut merged = Moments::new();
        merged.merge(&one);
        assert_eq!(merged, one);
        let two = moments(&[1.0, 2.0, 4.0]);
        close(two.mean(), 7.0 / 3.0, 1e-15);
        close(two.variance(), 7.0 / 3.0, 1e-15);
    }
}
