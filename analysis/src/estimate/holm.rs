//! Several tests at once: p-values that keep the promise of 5 % for all of them together, and ranks that follow.
//!
//! S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6(2), 1979.

use std::ops::RangeInclusive;

/// The p-values of tests that are judged together, each raised so that one in twenty families has a false alarm, not one in
/// twenty tests.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let (mut adjusted, mut last) = (vec![1.0; p_values.len()], 0.0f64);
    for (before, &index) in order.iter().enumerate() {
        let left = (p_values.len() - before) as f64;
        last = last.max((left * p_values[index]).min(1.0));
        adjusted[index] = last;
    }
    adjusted
}

/// The ranks that entrant `index` of `count` can have, where `is_before` says who is clearly better than whom: behind all who are
/// clearly better, and before all who are clearly worse.
///
/// When all these statements hold together with 95 %, so do all the ranks (D. Al Mohamad, J. Goeman, E. van Zwet, "Simultaneous
/// confidence intervals for ranks with application to ranking institutions", Biometrics 78(1), 2022).
#[must_use]
pub fn possible_ranks(
    index: usize,
    count: usize,
    is_before: impl Fn(usize, usize) -> bool,
) -> RangeInclusive<usize> {
    let better = (0..count).filter(|&other| is_before(other, index)).count();
    let worse = (0..count).filter(|&other| is_before(index, other)).count();
    better + 1..=count - worse
}

#[cfg(test)]
mod tests {
    use super::*;

    /// J. Demšar, JMLR 7, 2006, section 3.2.2: three classifiers against C4.5, p = 0.016, 0.019 and 0.607. At 5 % Holm's procedure
    /// finds the first two different, as 0.016 < 0.05/3 and 0.019 < 0.05/2, where 0.019 alone would not pass 0.05/3.
    #[test]
    fn the_worked_example_of_demsar() {
        let adjusted = holm(&[0.016, 0.607, 0.019]);
        for (found, expected) in adjusted.iter().zip([0.048, 0.607, 0.048]) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn ranks_are_open_where_nothing_is_clear() {
        // The first is clearly before the last, and the one between is not told apart from either.
        let is_before = |a: usize, b: usize| (a, b) == (0, 2);
        let of = |index| possible_ranks(index, 3, is_before);
        assert_eq!([of(0), of(1), of(2)], [1..=2, 1..=3, 2..=3]);
    }
}
