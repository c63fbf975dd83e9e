//! Estimates with confidence intervals over replications, and differences paired by replication.
//!
//! Replications are independent, so the mean of a figure over them has a Student t interval, whatever the
//! correlation within a run. Platforms of one replication meet the same requests (common random numbers):
//! their differences are taken within the replication, where the luck of the arrivals cancels.
//! A. M. Law, Simulation Modeling and Analysis, 5th ed. 2015, sections 9.4.1 and 10.2.
//! The figures themselves may be quantiles of a run; the interval then covers the expected quantile of a run.

use statrs::distribution::{ContinuousCDF, StudentsT};
use walras_sim::record::Range;

/// Confidence of all intervals.
pub const CONFIDENCE: f64 = 0.95;

/// A mean over replications, with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub mean: f64,
    /// The 95 % confidence interval; absent with one replication, which says nothing about spread.
    pub interval: Option<Interval>,
    /// Replications behind it.
    pub n: usize,
    /// How the interval was found.
    pub method: Method,
}

/// A confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How an interval was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Student t over replications.
    StudentT,
    /// Student t over differences within replications.
    PairedT,
    /// Student t over the logarithms of ratios within replications; the estimate is their geometric mean.
    PairedLogRatio,
    /// Welch's t over two independent sets of replications.
    Welch,
    /// Welch's t over logarithms; the estimate is a ratio of geometric means.
    WelchLogRatio,
}

impl Method {
    /// The name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StudentT => "student-t",
            Self::PairedT => "paired-t",
            Self::PairedLogRatio => "paired-log-ratio",
            Self::Welch => "welch",
            Self::WelchLogRatio => "welch-log-ratio",
        }
    }
}

/// How far one set of replications lies from another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// First minus second.
    pub difference: Estimate,
    /// First divided by second; absent unless all values are positive.
    pub ratio: Option<Estimate>,
    /// Two-sided p-value of "no difference", on the scale that judges; absent with one replication.
    pub p_value: Option<f64>,
    /// Whether the ratio judges, and not the difference. Quantities are judged by their ratio; shares, and what may be
    /// negative, by the difference.
    by_ratio: bool,
}

/// An estimate with the p-value of "the true value is zero".
type Tested = (Estimate, Option<f64>);

impl Difference {
    /// Of values in `range`, from the test of their differences and of the logarithms of their ratios.
    fn of(range: Range, (difference, p_difference): Tested, logs: Option<Tested>) -> Self {
        let interval = difference.interval.map(|interval| match range {
            Range::Share => interval.within(-1.0, 1.0),
            Range::Any | Range::NonNegative => interval,
        });
        let by_ratio = logs.is_some() && range == Range::NonNegative;
        let (ratio, p_ratio) = logs.unzip();
        Self {
            difference: Estimate {
                interval,
                ..difference
            },
            ratio: ratio.map(|logs| logs.map(f64::exp)),
            p_value: if by_ratio {
                p_ratio.flatten()
            } else {
                p_difference
            },
            by_ratio,
        }
    }

    /// The ratio, if it judges.
    #[must_use]
    pub fn relative(&self) -> Option<Estimate> {
        self.ratio.filter(|_| self.by_ratio)
    }

    /// Whether the interval on the scale that judges excludes "no difference".
    #[must_use]
    pub fn is_clear(&self) -> bool {
        let (judge, none) = match self.relative() {
            Some(ratio) => (ratio, 1.0),
            None => (self.difference, 0.0),
        };
        judge
            .interval
            .is_some_and(|interval| !interval.contains(none))
    }
}

impl Interval {
    /// Whether `value` lies in it; the ends count.
    #[must_use]
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Half its width.
    #[must_use]
    pub fn half_width(self) -> f64 {
        (self.high - self.low) / 2.0
    }

    /// The part of it inside `range`.
    #[must_use]
    pub fn clip(self, range: Range) -> Self {
        match range {
            Range::Any => self,
            Range::NonNegative => self.within(0.0, f64::INFINITY),
            Range::Share => self.within(0.0, 1.0),
        }
    }

    fn within(self, lowest: f64, highest: f64) -> Self {
        Self {
            low: self.low.clamp(lowest, highest),
            high: self.high.clamp(lowest, highest),
        }
    }
}

impl Estimate {
    /// The estimate with both ends of its interval passed through the increasing function `f`.
    #[must_use]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let interval = self.interval.map(|Interval { low, high }| Interval {
            low: f(low),
            high: f(high),
        });
        Self {
            mean: f(self.mean),
            interval,
            ..self
        }
    }

    /// Half the width of the interval as a share of the estimate; absent without an interval or at zero.
    #[must_use]
    pub fn relative_half_width(&self) -> Option<f64> {
        let half = self.interval?.half_width();
        (self.mean != 0.0).then(|| half / self.mean.abs())
    }
}

/// The mean of `values` with its Student t interval, clipped to `range`; `None` without values.
#[must_use]
pub fn estimate(values: &[f64], range: Range) -> Option<Estimate> {
    let (estimate, _) = student_t(values, Method::StudentT)?;
    Some(Estimate {
        interval: estimate.interval.map(|interval| interval.clip(range)),
        ..estimate
    })
}

/// `first` against `second`, which belong together one by one and lie in `range`; `None` without values.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn paired(first: &[f64], second: &[f64], range: Range) -> Option<Difference> {
    assert_eq!(first.len(), second.len(), "pairs need two values each");
    let pairs = |f: fn(f64, f64) -> f64| -> Vec<f64> {
        first.iter().zip(second).map(|(a, b)| f(*a, *b)).collect()
    };
    let difference = student_t(&pairs(minus), Method::PairedT)?;
    let logs = are_positive(first, second).then(|| pairs(|a, b| minus(a.ln(), b.ln())));
    let logs = logs.and_then(|logs| student_t(&logs, Method::PairedLogRatio));
    Some(Difference::of(range, difference, logs))
}

/// `first` against `second`, which are independent and lie in `range`; `None` if one of them is empty.
///
/// B. L. Welch, Biometrika 34, 1947: degrees of freedom after Satterthwaite.
#[must_use]
pub fn unpaired(first: &[f64], second: &[f64], range: Range) -> Option<Difference> {
    let difference = welch(first, second, Method::Welch)?;
    let logs = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<_>>();
    let logs = are_positive(first, second)
        .then(|| welch(&logs(first), &logs(second), Method::WelchLogRatio));
    Some(Difference::of(range, difference, logs.flatten()))
}

fn are_positive(first: &[f64], second: &[f64]) -> bool {
    first.iter().chain(second).all(|&value| value > 0.0)
}

/// Values that agree to twelve digits are the same: the same sum taken in another order must not be a clear difference.
const ROUNDING: f64 = 1e-12;

fn minus(a: f64, b: f64) -> f64 {
    let difference = a - b;
    if difference.abs() <= ROUNDING * a.abs().max(b.abs()) {
        0.0
    } else {
        difference
    }
}

fn student_t(values: &[f64], method: Method) -> Option<Tested> {
    let Moments { n, mean, variance } = Moments::of(values)?;
    let spread = variance.map(|variance| ((variance / n).sqrt(), n - 1.0));
    Some(tested(mean, spread, values.len(), method))
}

fn welch(first: &[f64], second: &[f64], method: Method) -> Option<Tested> {
    let (a, b) = (Moments::of(first)?, Moments::of(second)?);
    let spread = a.variance.zip(b.variance).map(|(va, vb)| {
        let (va, vb) = (va / a.n, vb / b.n);
        let squares = va * va / (a.n - 1.0) + vb * vb / (b.n - 1.0);
        // Without any spread the degrees of freedom do not matter.
        let freedom = if squares > 0.0 {
            (va + vb) * (va + vb) / squares
        } else {
            1.0
        };
        ((va + vb).sqrt(), freedom)
    });
    let n = first.len().min(second.len());
    Some(tested(minus(a.mean, b.mean), spread, n, method))
}

/// `spread` is the standard error with its degrees of freedom.
fn tested(mean: f64, spread: Option<(f64, f64)>, n: usize, method: Method) -> Tested {
    let estimate = Estimate {
        mean,
        interval: spread.map(|(error, freedom)| around(mean, error, freedom)),
        n,
        method,
    };
    let p = spread.map(|(error, freedom)| two_sided(mean, error, freedom));
    (estimate, p)
}

/// Replications beyond the `n` there are that would make the interval half as wide, if the spread stays the same.
///
/// Solves t(m−1)/√m = ½·t(n−1)/√n for m.
#[must_use]
pub fn replications_to_halve(n: usize) -> Option<usize> {
    #[allow(clippy::cast_precision_loss)]
    let width = |n: usize| t_quantile(n as f64 - 1.0) / (n as f64).sqrt();
    let goal = (n >= 2).then(|| width(n) / 2.0)?;
    // About 4n at most, because the t quantile only falls; far fewer for a very small n.
    (n..=4 * n).find(|&m| width(m) <= goal).map(|m| m - n)
}

/// Mean and unbiased variance, summed in order.
struct Moments {
    n: f64,
    mean: f64,
    variance: Option<f64>,
}

impl Moments {
    #[allow(clippy::cast_precision_loss)]
    fn of(values: &[f64]) -> Option<Self> {
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
fn around(mean: f64, error: f64, freedom: f64) -> Interval {
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
fn t_quantile(freedom: f64) -> f64 {
    student(freedom).inverse_cdf(f64::midpoint(1.0, CONFIDENCE))
}

fn student(freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, freedom).expect("degrees of freedom are positive")
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_des::{Purpose, Streams};

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

    /// Hours of extra sleep under two drugs: "Student", Biometrika 6(1), 1908; R's `sleep` and `t.test(paired = TRUE)`:
    /// mean difference 1.58, 95 % interval 0.7001 to 2.4599, t(9) = 4.0621, p = 0.002833.
    #[test]
    fn students_sleep_data() {
        let first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let sleep = paired(&second, &first, Range::Any).unwrap();
        let interval = sleep.difference.interval.unwrap();
        close(sleep.difference.mean, 1.58, 1e-12);
        close(interval.low, 0.700_114_2, 1e-6);
        close(interval.high, 2.459_885_8, 1e-6);
        close(sleep.p_value.unwrap(), 0.002_832_89, 1e-7);
        assert_eq!(sleep.ratio, None, "some values are negative");
        assert!(sleep.is_clear());
        // R's `t.test(extra ~ group)`, Welch: t = -1.8608, df = 17.776, p = 0.07939, interval -3.3655 to 0.2055.
        let welch = unpaired(&first, &second, Range::Any).unwrap();
        let interval = welch.difference.interval.unwrap();
        close(interval.low, -3.365_483_2, 1e-5);
        close(interval.high, 0.205_483_2, 1e-5);
        close(welch.p_value.unwrap(), 0.079_394_14, 1e-6);
        assert!(!welch.is_clear());
    }

    /// A constant factor between the platforms is found exactly, however wildly the replications differ.
    #[test]
    fn a_constant_ratio_has_no_width() {
        let base = [1.0, 40.0, 0.3, 7.0];
        let triple: Vec<f64> = base.iter().map(|value| value * 3.0).collect();
        let ratio = paired(&triple, &base, Range::NonNegative)
            .unwrap()
            .ratio
            .unwrap();
        close(ratio.mean, 3.0, 1e-12);
        close(ratio.interval.unwrap().low, 3.0, 1e-9);
        close(ratio.interval.unwrap().high, 3.0, 1e-9);
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

    /// On these values the ratio is clearly below one while the interval of the difference, which is shown, includes zero.
    #[test]
    fn shares_are_judged_by_the_difference_that_is_shown() {
        let (first, second) = ([0.001, 0.01, 0.5], [0.002, 0.02, 0.99]);
        let as_shares = paired(&first, &second, Range::Share).unwrap();
        let ratio = as_shares.ratio.unwrap().interval.unwrap();
        assert!(!ratio.contains(1.0) && as_shares.difference.interval.unwrap().contains(0.0));
        assert!(!as_shares.is_clear() && as_shares.p_value.unwrap() > 0.05);
        let as_sizes = paired(&first, &second, Range::NonNegative).unwrap();
        assert!(as_sizes.is_clear() && as_sizes.p_value.unwrap() < 0.05);
        let apart = as_shares.difference.interval.unwrap();
        assert!(-1.0 <= apart.low && apart.high <= 1.0, "{apart:?}");
    }

    #[test]
    fn rounding_is_no_difference() {
        let (price, again) = ([0.1; 3], [0.1 * (1.0 + 4e-16); 3]);
        for difference in [
            paired(&again, &price, Range::NonNegative),
            unpaired(&again, &price, Range::NonNegative),
            unpaired(&[0.1; 10], &[0.1; 3], Range::Any),
        ] {
            let difference = difference.unwrap();
            assert_eq!(
                (difference.difference.mean, difference.p_value),
                (0.0, Some(1.0))
            );
            assert!(!difference.is_clear());
        }
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

    /// Coverage of the t interval and of the paired ratio on log-normal pairs with a common factor: 4,000 experiments of
    /// n = 10 (seed 11); the count of intervals that hold the truth is binomial, 4.4σ ± 0.015 (α = 10⁻⁵).
    #[test]
    fn intervals_cover_the_truth_as_often_as_they_claim() {
        let mut stream = Streams::new(11, 0).open(Purpose::new("coverage"), 0);
        let (mut mean_held, mut ratio_held) = (0, 0);
        let experiments = 4_000;
        for _ in 0..experiments {
            let mut sample = [0.0; 10];
            let (mut first, mut second) = ([0.0; 10], [0.0; 10]);
            for i in 0..10 {
                sample[i] = 5.0 + stream.normal();
                let common = stream.normal();
                first[i] = (common + 0.1 * stream.normal()).exp() * 2.0;
                second[i] = (common + 0.1 * stream.normal()).exp();
            }
            mean_held += i32::from(
                estimate(&sample, Range::Any)
                    .unwrap()
                    .interval
                    .unwrap()
                    .contains(5.0),
            );
            let difference = paired(&first, &second, Range::NonNegative).unwrap();
            let ratio = difference.ratio.unwrap();
            ratio_held += i32::from(ratio.interval.unwrap().contains(2.0));
        }
        close(
            f64::from(mean_held) / f64::from(experiments),
            CONFIDENCE,
            0.0152,
        );
        close(
            f64::from(ratio_held) / f64::from(experiments),
            CONFIDENCE,
            0.0152,
        );
    }
}
