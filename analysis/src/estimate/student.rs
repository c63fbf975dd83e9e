//! Student's t: means, standard errors, intervals and p-values.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use crate::estimate::{CONFIDENCE, Estimate, Interval, Method};

/// An estimate with the p-value of "the true value is zero".
pub(super) type Tested = (Estimate, Option<f64>);

pub(super) fn student_t(values: &[f64], method: Method) -> Option<Tested> {
    let Moments { n, mean, variance } = Moments::of(values)?;
    let spread = variance.map(|variance| ((variance / n).sqrt(), n - 1.0));
    Some(tested(mean, spread, values.len(), method))
}

/// `spread` is the standard error with its degrees of freedom.
pub(super) fn tested(mean: f64, spread: Option<(f64, f64)>, n: usize, method: Method) -> Tested {
    let estimate = Estimate {
        mean,
        interval: spread.map(|(error, freedom)| around(mean, error, freedom)),
        n,
        effective: None,
        method,
    };
    let p = spread.map(|(error, freedom)| two_sided(mean, error, freedom));
    (estimate, p)
}

/// Mean and unbiased variance, summed in order.
pub(super) struct Moments {
    pub n: f64,
    pub mean: f64,
    pub variance: Option<f64>,
}

impl Moments {
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let first = *values.first()?;
        // Summed from the first value on, so that equal values have exactly their mean, and no variance.
        let mean = first + values.iter().map(|value| value - first).sum::<f64>() / n;
        let squares: f64 = values
            .iter()
            .map(|value| (value - mean) * (value - mean))
            .sum();
        Some(Self {
            n,
            mean,
            variance: (values.len() > 1).then(|| squares / (n - 1.0)),
        })
    }
}

/// The t interval around `mean`.
pub(super) fn around(mean: f64, error: f64, freedom: f64) -> Interval {
    let half = if error > 0.0 {
        t_quantile(freedom) * error
    } else {
        0.0
    };
    Interval {
        low: mean - half,
        high: mean + half,
    }
}

fn two_sided(mean: f64, error: f64, freedom: f64) -> f64 {
    if error > 0.0 {
        2.0 * student(freedom).sf((mean / error).abs())
    } else if mean == 0.0 {
        1.0
    } else {
        0.0
    }
}

/// The quantile of Student's t that leaves half of 1 − [`CONFIDENCE`] above it.
pub(super) fn t_quantile(freedom: f64) -> f64 {
    student(freedom).inverse_cdf(f64::midpoint(1.0, CONFIDENCE))
}

/// The quantile of the standard normal distribution at `p`.
pub(super) fn z_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

fn student(freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, freedom).expect("degrees of freedom are positive")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64, tolerance: f64) {
        assert!(
            (value - expected).abs() <= tolerance,
            "{value} is not {expected} ± {tolerance}"
        );
    }

    /// NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.2, and t(1) = tan(0.475·π) exactly.
    #[test]
    fn t_quantiles_agree_with_the_published_table() {
        close(t_quantile(1.0), (0.475 * std::f64::consts::PI).tan(), 1e-6);
        for (freedom, quantile) in [
            (1.0, 12.706),
            (2.0, 4.303),
            (9.0, 2.262),
            (19.0, 2.093),
            (29.0, 2.045),
            (100.0, 1.984),
        ] {
            close(t_quantile(freedom), quantile, 5.1e-4);
        }
    }
}
