//! Regenerative estimates: a process that starts afresh now and then is cut there into independent cycles.
//!
//! A queue that an arrival finds empty starts afresh. The long-run mean is E[sum over a cycle] / E[length of a cycle];
//! cycles are independent whatever happens within them, so that neither warm-up nor batch size must be chosen. Whole
//! platforms hardly ever start afresh; single queues do.
//! M. A. Crane, A. J. Lemoine, An Introduction to the Regenerative Method for Simulation Analysis, 1977.

use crate::estimate::student::{student_t, z_quantile};
use crate::estimate::{CONFIDENCE, Estimate, Interval, Method};

/// From one regeneration to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cycle {
    /// Sum, or integral over time, of the quantity.
    pub total: f64,
    /// Number of values, or time.
    pub length: f64,
}

/// The ratio of means with the classical interval, from the variance of `total − ratio·length`; `None` below two cycles.
///
/// Biased for few cycles, and its interval too narrow: [`jackknife`].
#[must_use]
pub fn classical(cycles: &[Cycle]) -> Option<Estimate> {
    let sum = sum(cycles)?;
    let n = cycles.len() as f64;
    let ratio = sum.total / sum.length;
    let away = |cycle: &Cycle| (cycle.total - ratio * cycle.length).powi(2);
    let variance = cycles.iter().map(away).sum::<f64>() / (n - 1.0);
    let half = z_quantile(f64::midpoint(1.0, CONFIDENCE)) * (variance * n).sqrt() / sum.length;
    Some(Estimate {
        mean: ratio,
        interval: Some(Interval {
            low: ratio - half,
            high: ratio + half,
        }),
        n: cycles.len(),
        effective: None,
        method: Method::Regenerative,
    })
}

/// The ratio of means with its bias of order 1/n removed, and the interval of the pseudovalues; `None` below two cycles.
///
/// D. L. Iglehart, "Simulating stable stochastic systems, V: comparison of ratio estimators", Naval Research Logistics
/// Quarterly 22(3), 1975, doi 10.1002/nav.3800220312: the best of the estimators compared there.
#[must_use]
pub fn jackknife(cycles: &[Cycle]) -> Option<Estimate> {
    let sum = sum(cycles)?;
    let n = cycles.len() as f64;
    let ratio = sum.total / sum.length;
    let pseudovalue = |cycle: &Cycle| {
        let without = (sum.total - cycle.total) / (sum.length - cycle.length);
        n * ratio - (n - 1.0) * without
    };
    let values: Vec<f64> = cycles.iter().map(pseudovalue).collect();
    let (estimate, _) = student_t(&values, Method::RegenerativeJackknife)?;
    Some(estimate)
}

/// The sum of at least two cycles.
fn sum(cycles: &[Cycle]) -> Option<Cycle> {
    let add = |sum: Cycle, cycle: &Cycle| Cycle {
        total: sum.total + cycle.total,
        length: sum.length + cycle.length,
    };
    (cycles.len() >= 2).then(|| cycles.iter().fold(Cycle::default(), add))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycles(pairs: &[(f64, f64)]) -> Vec<Cycle> {
        let cycle = |&(total, length): &(f64, f64)| Cycle { total, length };
        pairs.iter().map(cycle).collect()
    }

    /// Totals 10, 6, 20 over lengths 4, 3, 5: ratio 3; away from it by −2, −3 and 5, of variance 38/2;
    /// standard error √(19·3) / 12.
    #[test]
    fn the_classical_interval_by_hand() {
        let estimate = classical(&cycles(&[(10.0, 4.0), (6.0, 3.0), (20.0, 5.0)])).unwrap();
        assert_eq!((estimate.mean, estimate.n), (3.0, 3));
        let half = 1.959_963_985 * 57.0f64.sqrt() / 12.0;
        assert!((estimate.interval.unwrap().half_width() - half).abs() < 1e-8);
    }

    /// Without each of the cycles in turn the ratio is 26/8, 30/9 and 16/7; the pseudovalues are 9 − 2 times that.
    #[test]
    fn the_jackknife_by_hand() {
        let estimate = jackknife(&cycles(&[(10.0, 4.0), (6.0, 3.0), (20.0, 5.0)])).unwrap();
        let pseudovalues = [9.0 - 6.5, 9.0 - 60.0 / 9.0, 9.0 - 32.0 / 7.0];
        assert!((estimate.mean - pseudovalues.iter().sum::<f64>() / 3.0).abs() < 1e-12);
    }

    /// Where all cycles have one length both are the plain mean, and the jackknife has its t interval.
    #[test]
    fn cycles_of_equal_length_are_a_plain_sample() {
        let equal = cycles(&[(2.0, 2.0), (6.0, 2.0), (10.0, 2.0)]);
        assert_eq!(classical(&equal).unwrap().mean, 3.0);
        let jackknife = jackknife(&equal).unwrap();
        let plain = crate::estimate::estimate(&[1.0, 3.0, 5.0], walras_sim::record::Range::Any);
        assert!((jackknife.mean - 3.0).abs() < 1e-12);
        let plain = plain.unwrap().interval.unwrap().half_width();
        assert!((jackknife.interval.unwrap().half_width() - plain).abs() < 1e-12);
        assert_eq!((classical(&equal[..1]), jackknife.n), (None, 3));
    }
}
