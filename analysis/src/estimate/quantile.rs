//! Intervals for quantiles: by order statistics of independent values, by sections within one run.
//!
//! Over replications, the quantiles of the runs are values like others: [`crate::estimate::estimate`].

use statrs::distribution::{Binomial, DiscreteCDF};
use walras_des::quantile_rank;

use crate::estimate::student::around;
use crate::estimate::{CONFIDENCE, Estimate, Interval, Method};

/// Which of n sorted values enclose a quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranks {
    /// Rank of the lower end, from 1.
    pub low: usize,
    /// Rank of the upper end.
    pub high: usize,
    /// Probability that the values of these ranks enclose the quantile, whatever the continuous distribution: at least
    /// 95 %, and above it because ranks are whole.
    pub coverage: f64,
}

impl Ranks {
    /// The narrowest ranks that leave at most 2.5 % on either side of the `p`-quantile of `n` independent values; `None`
    /// if not even the extremes do.
    ///
    /// The number of values below the quantile is binomial. J. D. Gibbons, S. Chakraborti, Nonparametric Statistical
    /// Inference, 4th ed. 2003, section 5.2.
    ///
    /// # Panics
    /// If `p` is outside (0, 1).
    #[must_use]
    pub fn around(p: f64, n: usize) -> Option<Self> {
        assert!(0.0 < p && p < 1.0, "a quantile needs p in (0, 1), got {p}");
        let below = Binomial::new(p, n as u64).expect("p is a probability");
        let tail = (1.0 - CONFIDENCE) / 2.0;
        // P(fewer than `low` values below) ≤ tail, and P(at least `high` values below) ≤ tail.
        let at_most = |k: usize| below.cdf(k as u64);
        let low = last_true(n, |rank| at_most(rank - 1) <= tail)?;
        let high = last_true(n, |back| 1.0 - at_most(n - back) <= tail).map(|back| n + 1 - back)?;
        Some(Self {
            low,
            high,
            coverage: at_most(high - 1) - at_most(low - 1),
        })
    }
}

/// The largest of 1 to `n` for which `holds`, which is false from some number on.
fn last_true(n: usize, holds: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut yes, mut no) = (0, n + 1);
    while no - yes > 1 {
        let middle = usize::midpoint(yes, no);
        if holds(middle) {
            yes = middle;
        } else {
            no = middle;
        }
    }
    (yes > 0).then_some(yes)
}

/// The `p`-quantile of independent values with the interval of their order statistics, which needs no assumption on
/// their distribution; `None` without values. Sorts `values`.
///
/// # Panics
/// If `p` is outside (0, 1).
#[must_use]
pub fn of_independent(values: &mut [f64], p: f64) -> Option<Estimate> {
    let n = values.len();
    values.sort_by(f64::total_cmp);
    let ranks = Ranks::around(p, n);
    Some(Estimate {
        mean: of_sorted(values, p)?,
        interval: ranks.map(|ranks| Interval {
            low: values[ranks.low - 1],
            high: values[ranks.high - 1],
        }),
        n,
        effective: None,
        method: Method::OrderStatistics,
    })
}

/// Sections of a run.
const SECTIONS: usize = 16;

/// The `p`-quantile of one run of correlated values with an interval by sectioning: the spread of the quantiles of 16
/// consecutive sections around that of the whole run. `None` below 16 values.
///
/// Sections must be long against the correlation, and hold many values beyond the quantile.
/// S. Asmussen, P. W. Glynn, Stochastic Simulation, 2007, section III.5a: centred on the quantile of the whole run, whose
/// bias is that of the whole length, and not on the mean of the sections.
///
/// # Panics
/// If `p` is outside (0, 1).
#[must_use]
pub fn of_run(values: &[f64], p: f64) -> Option<Estimate> {
    assert!(0.0 < p && p < 1.0, "a quantile needs p in (0, 1), got {p}");
    let length = values.len() / SECTIONS;
    if length == 0 {
        return None;
    }
    let mut sorted = values.to_vec();
    let whole = select(&mut sorted, p);
    let squares: f64 = values
        .chunks_exact(length)
        .take(SECTIONS)
        .map(|section| {
            let away = select(&mut section.to_vec(), p) - whole;
            away * away
        })
        .sum();
    let freedom = SECTIONS as f64 - 1.0;
    let error = (squares / freedom / SECTIONS as f64).sqrt();
    Some(Estimate {
        mean: whole,
        interval: Some(around(whole, error, freedom)),
        n: SECTIONS,
        effective: None,
        method: Method::Sectioning,
    })
}

/// The ⌈p·n⌉-th smallest of sorted values.
fn of_sorted(values: &[f64], p: f64) -> Option<f64> {
    values.get(rank(values.len(), p)).copied()
}

/// The same of values in any order, which it reorders.
fn select(values: &mut [f64], p: f64) -> f64 {
    let rank = rank(values.len(), p);
    *values.select_nth_unstable_by(rank, f64::total_cmp).1
}

/// ⌈p·n⌉ − 1, for indices from zero.
fn rank(n: usize, p: f64) -> usize {
    quantile_rank(p, n as u64) as usize - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::student::t_quantile;

    /// For the median of 10, 20 and 100 values the ranks are 2 and 9 (97.85 %), 6 and 15 (95.86 %), 40 and 61 (96.48 %):
    /// W. J. Conover, Practical Nonparametric Statistics, 3rd ed. 1999, table A3, or the binomial sums by hand.
    #[test]
    fn ranks_around_the_median_are_the_tabulated_ones() {
        for (n, low, high, coverage) in [
            (10, 2, 9, 0.978_516),
            (20, 6, 15, 0.958_611),
            (100, 40, 61, 0.964_800),
        ] {
            let ranks = Ranks::around(0.5, n).unwrap();
            assert_eq!((ranks.low, ranks.high), (low, high), "n = {n}");
            assert!((ranks.coverage - coverage).abs() < 1e-6, "{ranks:?}");
        }
    }

    /// 1 − 0.95^n ≥ 0.975 first holds for n = 72: fewer values cannot bound the 95th percentile from above.
    #[test]
    fn a_far_quantile_needs_many_values() {
        assert_eq!(Ranks::around(0.95, 71), None);
        assert_eq!(Ranks::around(0.95, 72).unwrap().high, 72);
        assert_eq!(Ranks::around(0.5, 5), None);
        let few = of_independent(&mut [3.0, 1.0, 2.0], 0.5).unwrap();
        assert_eq!((few.mean, few.interval, few.n), (2.0, None, 3));
        assert_eq!(of_independent(&mut [], 0.5), None);
    }

    #[test]
    fn no_pair_of_ranks_further_in_would_do() {
        for (p, n) in [(0.5, 37), (0.9, 200), (0.95, 1_000), (0.99, 1_000)] {
            let ranks = Ranks::around(p, n).unwrap();
            let below = Binomial::new(p, n as u64).unwrap();
            let left = |low: usize| below.cdf(low as u64 - 1);
            let right = |high: usize| 1.0 - below.cdf(high as u64 - 1);
            assert!(left(ranks.low) <= 0.025 && left(ranks.low + 1) > 0.025);
            assert!(right(ranks.high) <= 0.025 && right(ranks.high - 1) > 0.025);
            assert!((0.95..0.98).contains(&ranks.coverage), "{ranks:?}");
        }
    }

    /// Sixteen sections of four values whose medians (second smallest) are 0 to 15 in some order: the median of the whole
    /// is the 32nd smallest.
    #[test]
    fn sections_by_hand() {
        let section = |i: usize| {
            let median = (7 * i % 16) as f64;
            [median + 100.0, median, median - 100.0, median + 50.0]
        };
        let values: Vec<f64> = (0..16).flat_map(section).collect();
        let estimate = of_run(&values, 0.5).unwrap();
        assert_eq!((estimate.mean, estimate.n), (15.0, 16));
        let squares: f64 = (0..16).map(|i| f64::from(15 - i) * f64::from(15 - i)).sum();
        let half = t_quantile(15.0) * (squares / 15.0 / 16.0).sqrt();
        assert!((estimate.interval.unwrap().half_width() - half).abs() < 1e-12);
    }
}
