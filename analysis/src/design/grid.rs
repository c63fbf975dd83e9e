//! Full grids: every combination of evenly spaced levels, ends included.

use super::Point;

/// Every combination of `levels` in `dimensions`; the last dimension varies fastest. A single level is the middle.
#[must_use]
pub fn grid(levels: usize, dimensions: usize) -> Vec<Point> {
    let of_level = |index: usize| match levels {
        1 => 0.5,
        _ => index as f64 / (levels - 1) as f64,
    };
    let count = levels.pow(dimensions as u32);
    let point = |number: usize| -> Point {
        let mut rest = number;
        let mut point = vec![0.0; dimensions];
        for coordinate in point.iter_mut().rev() {
            *coordinate = of_level(rest % levels);
            rest /= levels;
        }
        point
    };
    (0..count).map(point).collect()
}

/// The most levels whose grid in `dimensions` has at most `budget` points; at least one.
#[must_use]
pub fn levels(budget: usize, dimensions: usize) -> usize {
    let fits = |levels: usize| {
        let count = levels.checked_pow(dimensions as u32);
        count.is_some_and(|count| count <= budget)
    };
    (1..=budget)
        .take_while(|levels| fits(*levels))
        .last()
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_is_there_once() {
        assert_eq!(
            grid(3, 2),
            [
                [0.0, 0.0],
                [0.0, 0.5],
                [0.0, 1.0],
                [0.5, 0.0],
                [0.5, 0.5],
                [0.5, 1.0],
                [1.0, 0.0],
                [1.0, 0.5],
                [1.0, 1.0]
            ]
        );
        assert_eq!(grid(1, 3), [[0.5; 3]]);
    }

    #[test]
    fn the_budget_is_kept() {
        for (budget, dimensions, expect) in [(100, 2, 10), (99, 2, 9), (26, 3, 2), (5, 9, 1)] {
            assert_eq!(levels(budget, dimensions), expect, "{budget} {dimensions}");
        }
    }
}
