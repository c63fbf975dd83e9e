//! Ranks over blocks: mean ranks, Friedman's test, and the difference of mean ranks that is critical after Nemenyi.
//!
//! J. Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006, section 3.2.2. A block is a contest;
//! within it, only who is before whom counts, so that contests of unlike figures can be put together.
//! R. L. Iman, J. M. Davenport, Communications in Statistics A9, 1980: Friedman's statistic is conservative, and their F is not.

use statrs::distribution::{ContinuousCDF, FisherSnedecor};
use statrs::function::erf::erfc;

use crate::estimate::CONFIDENCE;

/// The ranks of `values`, from one for the smallest; those that are equal share the mean of their places.
#[must_use]
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let place = |value: &f64| {
        let before = values.iter().filter(|other| other.total_cmp(value).is_lt());
        let equal = values.iter().filter(|other| other.total_cmp(value).is_eq());
        before.count() as f64 + f64::midpoint(equal.count() as f64, 1.0)
    };
    values.iter().map(place).collect()
}

/// What the ranks of `k` entrants in `n` blocks say together.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// The mean rank of each entrant.
    pub means: Vec<f64>,
    /// Number of blocks.
    pub blocks: usize,
    /// Friedman's statistic.
    pub chi_squared: f64,
    /// That of Iman and Davenport.
    pub f: f64,
    /// Its p-value: how likely ranks so far apart are, if all entrants are alike.
    pub p_value: f64,
    /// Mean ranks further apart than this differ clearly (Nemenyi).
    pub critical_difference: f64,
}

/// The ranking of entrants by their ranks in each block; `None` with fewer than two blocks or two entrants.
///
/// # Panics
/// If the blocks are of different lengths.
#[must_use]
pub fn ranking(blocks: &[Vec<f64>]) -> Option<Ranking> {
    let entrants = blocks.first()?.len();
    if blocks.len() < 2 || entrants < 2 {
        return None;
    }
    assert!(
        blocks.iter().all(|block| block.len() == entrants),
        "every entrant has a rank in every block"
    );
    let (n, k) = (blocks.len() as f64, entrants as f64);
    let mean = |entrant: usize| blocks.iter().map(|block| block[entrant]).sum::<f64>() / n;
    let means: Vec<f64> = (0..entrants).map(mean).collect();
    let squares: f64 = means.iter().map(|mean| mean * mean).sum();
    let chi_squared = 12.0 * n / (k * (k + 1.0)) * (squares - k * (k + 1.0) * (k + 1.0) / 4.0);
    let left = n * (k - 1.0) - chi_squared;
    // All blocks agree: the ranks could not be further apart.
    let (f, p_value) = if left <= 1e-9 * n * k {
        (f64::INFINITY, 0.0)
    } else {
        let f = (n - 1.0) * chi_squared / left;
        let law = FisherSnedecor::new(k - 1.0, (k - 1.0) * (n - 1.0));
        (
            f,
            law.expect("degrees of freedom are positive").sf(f.max(0.0)),
        )
    };
    Some(Ranking {
        means,
        blocks: blocks.len(),
        chi_squared,
        f,
        p_value,
        critical_difference: critical_difference(entrants, blocks.len()),
    })
}

/// How far the mean ranks of two of `entrants` over `blocks` must be apart to differ clearly (Nemenyi, at 95 %).
#[must_use]
pub fn critical_difference(entrants: usize, blocks: usize) -> f64 {
    let k = entrants as f64;
    let q = studentized_range(CONFIDENCE, entrants) / std::f64::consts::SQRT_2;
    q * (k * (k + 1.0) / (6.0 * blocks as f64)).sqrt()
}

/// The quantile of the range of `k` independent standard normal values.
///
/// Its distribution is `k·∫ φ(z)·(Φ(z) − Φ(z − q))^(k−1) dz` (Tukey): the largest is at `z`, the others within `q` below it.
fn studentized_range(p: f64, k: usize) -> f64 {
    let below = |z: f64| 0.5 * erfc(-z / std::f64::consts::SQRT_2);
    let density = |z: f64| (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let others = i32::try_from(k).map_or(i32::MAX, |k| k - 1);
    let probability = |q: f64| {
        // Simpson's rule over what matters of the normal distribution.
        let (low, steps) = (-8.0, 400);
        let width = 16.0 / f64::from(steps);
        let term = |step: i32| {
            let z = low + width * f64::from(step);
            let weight = match step {
                0 => 1.0,
                step if step == steps => 1.0,
                step if step % 2 == 1 => 4.0,
                _ => 2.0,
            };
            weight * density(z) * (below(z) - below(z - q)).powi(others)
        };
        k as f64 * (0..=steps).map(term).sum::<f64>() * width / 3.0
    };
    let (mut low, mut high) = (0.0, 20.0);
    while high - low > 1e-9 {
        let middle = f64::midpoint(low, high);
        if probability(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
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

    /// Demšar 2006, table 6: C4.5 and three variants on 14 data sets by AUC, more is better. Where two values are printed alike
    /// and ranked apart (voting), the third digit tells them apart here.
    const AUC: [[f64; 4]; 14] = [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ];

    /// The paper finds mean ranks of 3.143, 2.000, 2.893 and 1.964, χ² = 9.28, F = 3.69, and a critical difference of 1.25.
    #[test]
    fn the_worked_example_of_demsar() {
        let block = |values: &[f64; 4]| ranks(&values.map(|value| -value));
        let blocks: Vec<Vec<f64>> = AUC.iter().map(block).collect();
        let ranking = ranking(&blocks).unwrap();
        for (mean, expected) in ranking.means.iter().zip([3.143, 2.000, 2.893, 1.964]) {
            close(*mean, expected, 5e-4);
        }
        close(ranking.chi_squared, 9.28, 5e-3);
        close(ranking.f, 3.69, 5e-3);
        close(ranking.critical_difference, 1.25, 5e-3);
        // F(3, 39) is critical at 2.85 for 5 %.
        assert!(ranking.p_value < 0.05 && ranking.p_value > 0.01);
    }

    /// Demšar 2006, table 5 (a): critical values of the two-tailed Nemenyi test at 5 %.
    #[test]
    fn the_critical_values_of_nemenyi() {
        let table = [
            1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164,
        ];
        for (k, expected) in (2..).zip(table) {
            let q = studentized_range(0.95, k) / std::f64::consts::SQRT_2;
            // The table was cut, not rounded, in places.
            close(q, expected, 1.1e-3);
        }
    }

    #[test]
    fn equal_values_share_their_places() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        assert_eq!(ranks(&[]), [0.0; 0]);
    }

    #[test]
    fn blocks_that_agree_leave_no_doubt() {
        let agreed = ranking(&vec![vec![1.0, 2.0, 3.0]; 4]).unwrap();
        assert_eq!((agreed.f, agreed.p_value), (f64::INFINITY, 0.0));
        let alike = ranking(&vec![vec![2.0, 2.0, 2.0]; 4]).unwrap();
        assert_eq!((alike.chi_squared, alike.p_value), (0.0, 1.0));
        assert_eq!(ranking(&[vec![1.0, 2.0]]), None);
    }
}
