//! When there are enough replications: sequential stopping at a relative precision.
//!
//! More replications are made until the half width of the interval, divided by the estimate, is at most γ / (1 + γ); the
//! error relative to the *true* value is then at most γ, because |estimate| ≤ (1 + γ)·|truth| wherever the interval holds.
//! A. M. Law, Simulation Modeling and Analysis, 5th ed. 2015, section 9.4.1; Y. S. Chow, H. Robbins, "On the asymptotic
//! theory of fixed-width sequential confidence intervals for the mean", Annals of Mathematical Statistics 36(2), 1965:
//! coverage tends to 95 % as γ tends to zero. A rule that looks often stops where the spread happens to look small, so
//! that for a wide γ it is less; [`crate::coverage`] shows by how much.

use crate::estimate::Estimate;

/// Whether `estimate` is within `relative` of the truth, as far as its interval tells; an estimate without an interval
/// is not, one without any spread is, unless it is zero: what was never observed may still be rare, and no share of
/// zero bounds how rare.
#[must_use]
pub fn is_precise(estimate: &Estimate, relative: f64) -> bool {
    let goal = relative / (1.0 + relative);
    estimate
        .relative_half_width()
        .is_some_and(|width| width <= goal)
}

/// How many replications there are after the next round: a quarter more, two at least, `at_most` at most.
///
/// Rounds follow from the number alone, so that results do not depend on the number of threads; they grow, so that many
/// threads stay busy and the rule does not look too often.
#[must_use]
pub fn next_round(n: u32, at_most: u32) -> u32 {
    n.saturating_add((n / 4).max(2)).min(at_most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::{Interval, Method};

    fn estimate(mean: f64, half: f64) -> Estimate {
        Estimate {
            mean,
            interval: Some(Interval {
                low: mean - half,
                high: mean + half,
            }),
            n: 10,
            effective: None,
            method: Method::StudentT,
        }
    }

    /// γ = 0.25 gives γ / (1 + γ) = 0.2: an estimate of 1.0 ± 0.2 may be off by 0.2 of 0.8, a quarter.
    #[test]
    fn precision_is_relative_to_the_truth() {
        assert!(is_precise(&estimate(1.0, 0.199), 0.25));
        assert!(!is_precise(&estimate(1.0, 0.201), 0.25));
        assert!(is_precise(&estimate(-1.0, 0.199), 0.25));
        assert!(is_precise(&estimate(1.0, 0.0), 0.25));
        assert!(!is_precise(&estimate(0.0, 0.0), 0.25));
        assert!(!is_precise(&estimate(0.0, 0.1), 0.25));
        let single = Estimate {
            interval: None,
            ..estimate(1.0, 0.0)
        };
        assert!(!is_precise(&single, 0.25));
    }

    #[test]
    fn rounds_grow_up_to_the_limit() {
        let rounds: Vec<u32> = std::iter::successors(Some(5), |&n| {
            Some(next_round(n, 30)).filter(|next| *next > n)
        })
        .collect();
        assert_eq!(rounds, [5, 7, 9, 11, 13, 16, 20, 25, 30]);
        assert_eq!(next_round(u32::MAX - 1, u32::MAX), u32::MAX);
    }
}
