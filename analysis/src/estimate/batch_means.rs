//! Intervals from one run: means of batches that are long enough to be independent.
//!
//! The collectors of the kernel keep 256 to 512 batches. They are joined two by two until von Neumann's test finds no
//! correlation, and then four by four once more: a correlation that the test overlooks shrinks with the length.
//! G. S. Fishman, L. S. Yarberry, INFORMS Journal on Computing 9(3), 1997, doi 10.1287/ijoc.9.3.296, test in the same way;
//! A. M. Law, J. S. Carson, Operations Research 27(5), 1979, doi 10.1287/opre.27.5.1011, join tested batches further.

use walras_des::{BatchMeans, TimeBatches};

use crate::estimate::student::{Moments, around, z_quantile};
use crate::estimate::{Estimate, Method};

/// Joined after the test: batches in one that counts.
const BEYOND: usize = 4;

/// Fewest batches that an interval is taken over.
const FEWEST: usize = 16;

/// Probability that independent batches are joined all the same. High, because joining costs little.
const ALPHA: f64 = 0.2;

/// The mean of a correlated sequence.
#[must_use]
pub fn of_sequence(batches: &BatchMeans) -> Option<Estimate> {
    let means: Vec<f64> = batches.means().collect();
    of_means(&means, batches.values().variance())
}

/// The time average of a quantity.
#[must_use]
pub fn of_time(batches: &TimeBatches) -> Option<Estimate> {
    let means: Vec<f64> = batches.means().collect();
    of_means(&means, batches.variance())
}

/// The mean of batches of equal size, in order, of a process of variance `variance`; `None` without batches.
///
/// The effective sample size is the number of independent values whose mean varies as much. Below 16 batches there is
/// no interval; if batches are correlated down to 64, there is one over 16, which says that it may be too narrow.
#[must_use]
pub fn of_means(means: &[f64], variance: f64) -> Option<Estimate> {
    let mean = Moments::of(means)?.mean;
    let (joined, method) = independent(means);
    let spread = Moments::of(&joined)?;
    let error = spread.variance.map(|variance| (variance / spread.n).sqrt());
    let error = error.filter(|_| joined.len() >= FEWEST);
    Some(Estimate {
        mean,
        interval: error.map(|error| around(mean, error, spread.n - 1.0)),
        n: joined.len(),
        effective: error.map(|error| variance / (error * error)),
        method,
    })
}

/// The ratio of the sums of `parts` and wholes over batches of equal length, in order: what [`of_means`] is for a mean.
/// `None` without batches, or if the wholes are zero.
///
/// The error is that of the batch means of part − ratio·whole. The bias of the ratio is of the order of one over the length
/// of the run, the error of one over its root. W. G. Cochran, Sampling Techniques, 3rd ed. 1977, section 6.3.
#[must_use]
pub fn of_ratio(batches: &[(f64, f64)]) -> Option<Estimate> {
    let (part, whole) = batches
        .iter()
        .fold((0.0, 0.0), |sum, batch| (sum.0 + batch.0, sum.1 + batch.1));
    if whole.is_nan() || whole <= 0.0 {
        return None;
    }
    let (ratio, length) = (part / whole, whole / batches.len() as f64);
    let away: Vec<f64> = batches
        .iter()
        .map(|(part, whole)| (part - ratio * whole) / length)
        .collect();
    let (joined, method) = independent(&away);
    let spread = Moments::of(&joined)?;
    let error = spread.variance.map(|variance| (variance / spread.n).sqrt());
    let error = error.filter(|_| joined.len() >= FEWEST);
    Some(Estimate {
        mean: ratio,
        interval: error.map(|error| around(ratio, error, spread.n - 1.0)),
        n: joined.len(),
        effective: None,
        method,
    })
}

/// Batches joined until no correlation is found, and once more; or, where it is found down to 64, to 16.
fn independent(means: &[f64]) -> (Vec<f64>, Method) {
    let mut joined = means.to_vec();
    while joined.len() >= FEWEST * BEYOND && is_correlated(&joined) {
        joined = join(&joined, 2);
    }
    if joined.len() >= FEWEST * BEYOND {
        (join(&joined, BEYOND), Method::BatchMeans)
    } else {
        let together = (joined.len() / FEWEST).max(1);
        (join(&joined, together), Method::CorrelatedBatchMeans)
    }
}

/// Means of `together` neighbours each; what remains is left out at the front, where a run has settled least.
fn join(means: &[f64], together: usize) -> Vec<f64> {
    let whole = &means[means.len() % together..];
    let mean = |batch: &[f64]| batch.iter().sum::<f64>() / together as f64;
    whole.chunks_exact(together).map(mean).collect()
}

/// Whether von Neumann's ratio of successive differences to variance shows positive correlation.
///
/// J. von Neumann, Annals of Mathematical Statistics 12(4), 1941. For n independent normal values
/// 1 − Σ(xᵢ − xᵢ₊₁)² / 2Σ(xᵢ − x̄)² is nearly normal of mean 0 and variance (n − 2) / (n² − 1), from n = 8 on.
fn is_correlated(means: &[f64]) -> bool {
    let Some(Moments {
        n,
        variance: Some(variance),
        ..
    }) = Moments::of(means)
    else {
        return false;
    };
    let steps: f64 = means
        .windows(2)
        .map(|pair| (pair[0] - pair[1]) * (pair[0] - pair[1]))
        .sum();
    let closeness = 1.0 - steps / (2.0 * variance * (n - 1.0));
    closeness > z_quantile(1.0 - ALPHA) * ((n - 2.0) / (n * n - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_des::{Purpose, SimTime, Span, Stream, Streams};

    fn stream(seed: u64) -> Stream {
        Streams::new(seed, 0).open(Purpose::new("batches"), 0)
    }

    /// 2,000 sets of 64 independent normal values (seed 1): the test rejects a fifth of them; 4.4σ of the binomial
    /// count are 0.039 (α = 10⁻⁵).
    #[test]
    fn independent_batches_are_rejected_as_often_as_stated() {
        let mut stream = stream(1);
        let rejected = (0..2_000)
            .filter(|_| {
                let values: Vec<f64> = (0..64).map(|_| stream.normal()).collect();
                is_correlated(&values)
            })
            .count();
        let share = rejected as f64 / 2_000.0;
        assert!((share - ALPHA).abs() < 0.039, "{share}");
    }

    /// The variance of the mean of AR(1) of unit variance over n values is (1 + φ) / (1 − φ) / n for long n, so that the
    /// effective sample size is n·(1 − φ) / (1 + φ): 10,526, 52,632 and 200,000 of 200,000 for φ = 0.9, 0.58333, 0.
    /// One run each (seed 2): within a factor of 2, where batches have at least 15 degrees of freedom.
    #[test]
    fn effective_sample_size_of_an_autoregression() {
        for phi in [0.9, 7.0 / 12.0, 0.0] {
            let (mut stream, mut batches) = (stream(2), BatchMeans::new());
            let innovation = f64::sqrt(1.0 - phi * phi);
            let mut x = stream.normal();
            for _ in 0..200_000 {
                batches.record(x);
                x = phi * x + innovation * stream.normal();
            }
            let estimate = of_sequence(&batches).unwrap();
            assert_eq!(estimate.method, Method::BatchMeans);
            let expect = 200_000.0 * (1.0 - phi) / (1.0 + phi);
            let got = estimate.effective.unwrap();
            assert!(
                (expect / 2.0..expect * 2.0).contains(&got),
                "{got} for {expect}"
            );
            assert!(estimate.interval.unwrap().contains(0.0));
        }
    }

    #[test]
    fn a_run_that_is_too_short_says_so() {
        let trend: Vec<f64> = (0..400).map(f64::from).collect();
        let estimate = of_means(&trend, 1.0).unwrap();
        assert_eq!(
            (estimate.method, estimate.mean),
            (Method::CorrelatedBatchMeans, 199.5)
        );
        assert!((FEWEST..2 * FEWEST).contains(&estimate.n));
        let few = of_means(&[1.0; 15], 0.0).unwrap();
        assert_eq!((few.interval, few.effective), (None, None));
        assert_eq!(of_means(&[], 0.0), None);
    }

    /// 0 to 63 parts in 10, in an order in which neighbours are not alike: their ratio is 3.15, and where all wholes are equal
    /// it is a mean like others.
    #[test]
    fn the_ratio_of_equal_wholes_is_a_mean() {
        let part = |i: usize| (i * 37 % 64) as f64;
        let batches: Vec<(f64, f64)> = (0..64).map(|i| (part(i), 10.0)).collect();
        let means: Vec<f64> = batches.iter().map(|(part, whole)| part / whole).collect();
        let (ratio, mean) = (of_ratio(&batches).unwrap(), of_means(&means, 0.0).unwrap());
        assert_eq!((ratio.n, ratio.method), (16, Method::BatchMeans));
        assert!((ratio.mean - 3.15).abs() < 1e-12 && (mean.mean - 3.15).abs() < 1e-12);
        let [a, b] = [ratio, mean].map(|estimate| estimate.interval.unwrap().half_width());
        assert!((a - b).abs() < 1e-12 && a > 0.0, "{a} {b}");
        assert_eq!(of_ratio(&[]), None);
        assert_eq!(of_ratio(&[(0.0, 0.0); 64]), None);
    }

    /// A light that is on for a second and off for a second: on half of the time, with next to no error.
    #[test]
    fn a_regular_process_has_a_narrow_interval() {
        let mut light = TimeBatches::new(SimTime::ZERO, 1.0);
        for second in 1..=100_000 {
            light.set(
                SimTime::ZERO + Span::from_secs(second),
                f64::from(second % 2 == 0),
            );
        }
        let estimate = of_time(&light).unwrap();
        assert!((estimate.mean - 0.5).abs() < 1e-4);
        assert!(
            estimate.interval.unwrap().half_width() < 1e-3,
            "{estimate:?}"
        );
    }
}
