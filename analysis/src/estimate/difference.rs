//! How far one set of replications lies from another: paired by replication, or independent.
//!
//! Platforms of one replication meet the same requests (common random numbers): their differences are taken within the
//! replication, where the luck of the arrivals cancels.
//! A. M. Law, Simulation Modeling and Analysis, 5th ed. 2015, sections 10.2 and 11.2.

use walras_sim::record::Range;

use crate::estimate::student::{Moments, Tested, student_t, tested};
use crate::estimate::{Estimate, Method};

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

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64, tolerance: f64) {
        assert!(
            (value - expected).abs() <= tolerance,
            "{value} is not {expected} ± {tolerance}"
        );
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
}
