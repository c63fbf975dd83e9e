//! Means over independent replications.
//!
//! Replications are independent, so the mean of a figure over them has a Student t interval, whatever the correlation
//! within a run. The figures themselves may be quantiles of a run; the interval then covers the expected quantile of a
//! run. A. M. Law, Simulation Modeling and Analysis, 5th ed. 2015, section 9.4.1.

use walras_sim::record::Range;

use crate::estimate::student::{student_t, t_quantile, tested};
use crate::estimate::{Estimate, Method};

/// The mean of `values` with its Student t interval, clipped to `range`; `None` without values.
#[must_use]
pub fn estimate(values: &[f64], range: Range) -> Option<Estimate> {
    let (estimate, _) = student_t(values, Method::StudentT)?;
    Some(Estimate {
        interval: estimate.interval.map(|interval| interval.clip(range)),
        ..estimate
    })
}

/// As [`estimate`], of values of which these are the moments.
#[must_use]
pub fn estimate_of(moments: &walras_des::Moments, range: Range) -> Option<Estimate> {
    let n = moments.count();
    let error = (moments.variance() / n as f64).sqrt();
    let spread = (n > 1).then_some((error, n as f64 - 1.0));
    let (estimate, _) = tested(moments.mean(), spread, n as usize, Method::StudentT);
    (n > 0).then(|| Estimate {
        interval: estimate.interval.map(|interval| interval.clip(range)),
        ..estimate
    })
}

/// Replications beyond the `n` there are that would make the interval half as wide, if the spread stays the same.
///
/// Solves t(m−1)/√m = ½·t(n−1)/√n for m.
#[must_use]
pub fn replications_to_halve(n: usize) -> Option<usize> {
    let width = |n: usize| t_quantile(n as f64 - 1.0) / (n as f64).sqrt();
    let goal = (n >= 2).then(|| width(n) / 2.0)?;
    // About 4n at most, because the t quantile only falls; far fewer for a very small n.
    (n..=4 * n).find(|&m| width(m) <= goal).map(|m| m - n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::{Interval, paired};

    fn close(value: f64, expected: f64, tolerance: f64) {
        assert!(
            (value - expected).abs() <= tolerance,
            "{value} is not {expected} ± {tolerance}"
        );
    }

    #[test]
    fn one_replication_has_no_interval() {
        let one = estimate(&[2.5], Range::Any).unwrap();
        assert_eq!((one.mean, one.interval, one.n), (2.5, None, 1));
        let pair = paired(&[3.0], &[2.0], Range::NonNegative).unwrap();
        assert_eq!((pair.difference.interval, pair.p_value), (None, None));
        close(pair.ratio.unwrap().mean, 1.5, 1e-12);
        assert!(!pair.is_clear());
        assert_eq!(estimate(&[], Range::Any), None);
    }

    #[test]
    fn shares_stay_shares() {
        let near_one = estimate(&[1.0, 1.0, 0.9], Range::Share)
            .unwrap()
            .interval
            .unwrap();
        assert!(near_one.high <= 1.0 && near_one.low < 0.9);
        let same = estimate(&[1.0, 1.0], Range::Share)
            .unwrap()
            .interval
            .unwrap();
        assert_eq!(
            same,
            Interval {
                low: 1.0,
                high: 1.0
            }
        );
    }

    /// t(19)/√20 = 0.468 and t(71)/√72 = 0.2350 > 0.2340 ≥ t(72)/√73 = 0.2333.
    #[test]
    fn halving_takes_a_little_less_than_three_times_as_many() {
        assert_eq!(replications_to_halve(20), Some(53));
        assert_eq!(replications_to_halve(1), None);
    }
}
