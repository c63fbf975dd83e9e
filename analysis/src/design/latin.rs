//! Latin hypercubes: each parameter has one point in each of n equal slices of its range.
//!
//! M. D. `McKay`, R. J. Beckman, W. J. Conover, Technometrics 21(2), 1979. Of several hypercubes the one whose closest points lie
//! farthest apart is taken: M. E. Johnson, L. M. Moore, D. Ylvisaker, J. Stat. Plan. Inference 26(2), 1990.

use walras_des::Stream;

use super::{Point, squared_distance};

/// One Latin hypercube of `count` points; each lies anywhere in its slices.
pub fn latin_hypercube(count: usize, dimensions: usize, stream: &mut Stream) -> Vec<Point> {
    let mut points = vec![vec![0.0; dimensions]; count];
    for dimension in 0..dimensions {
        let mut slices: Vec<usize> = (0..count).collect();
        shuffle(&mut slices, stream);
        for (point, slice) in points.iter_mut().zip(slices) {
            point[dimension] = (slice as f64 + stream.uniform()) / count as f64;
        }
    }
    points
}

/// Of `tries` Latin hypercubes the one with the largest distance between its closest points.
pub fn maximin(count: usize, dimensions: usize, tries: usize, stream: &mut Stream) -> Vec<Point> {
    let mut best = latin_hypercube(count, dimensions, stream);
    let mut widest = closest(&best);
    for _ in 1..tries {
        let other = latin_hypercube(count, dimensions, stream);
        let distance = closest(&other);
        if distance > widest {
            (best, widest) = (other, distance);
        }
    }
    best
}

/// The square of the smallest distance between two of `points`; infinite for less than two.
#[must_use]
pub fn closest(points: &[Point]) -> f64 {
    let mut least = f64::INFINITY;
    for (index, point) in points.iter().enumerate() {
        for other in &points[..index] {
            least = least.min(squared_distance(point, other));
        }
    }
    least
}

/// Puts `items` into a random order, each equally likely (Fisher and Yates).
pub(super) fn shuffle<T>(items: &mut [T], stream: &mut Stream) {
    for last in (1..items.len()).rev() {
        let other = stream.below(last as u64 + 1) as usize;
        items.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use walras_des::{Purpose, Streams};

    use super::*;

    fn stream() -> Stream {
        Streams::new(11, 0).open(Purpose::new("latin-test"), 0)
    }

    #[test]
    fn every_slice_of_every_parameter_has_one_point() {
        let points = maximin(17, 4, 10, &mut stream());
        for dimension in 0..4 {
            let mut slices: Vec<usize> = points
                .iter()
                .map(|point| (point[dimension] * 17.0) as usize)
                .collect();
            slices.sort_unstable();
            assert_eq!(slices, (0..17).collect::<Vec<_>>(), "{dimension}");
        }
    }

    /// The first of the tries is the hypercube that a single try gives.
    #[test]
    fn more_tries_lie_farther_apart() {
        let one = closest(&maximin(20, 3, 1, &mut stream()));
        let many = closest(&maximin(20, 3, 100, &mut stream()));
        assert!(many > one, "{many} {one}");
    }

    /// The mean of a sum of functions of one coordinate each has a variance of order n⁻³ instead of n⁻¹ (M. Stein, Technometrics
    /// 29(2), 1987): with n = 64 the mean of x₁ + x₂ + x₃ is off by less than 1/64 always, and by a standard deviation of √(3/12)/64^1.5.
    #[test]
    fn sums_are_integrated_far_better_than_at_random() {
        let mut stream = stream();
        let error = |stream: &mut Stream| {
            let points = latin_hypercube(64, 3, stream);
            points.iter().flatten().sum::<f64>() / 64.0 - 1.5
        };
        let squares: f64 = (0..200).map(|_| error(&mut stream).powi(2)).sum();
        let deviation = (squares / 200.0).sqrt();
        let theory = 0.5 / 512.0;
        // The standard deviation of 200 errors is itself known to 1/√400 = 5 %; four times that.
        assert!(
            (deviation / theory - 1.0).abs() < 0.2,
            "{deviation} {theory}"
        );
    }
}
