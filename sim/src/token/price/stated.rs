//! A price that is stated beforehand: recorded or imagined points, and straight lines of its logarithm between them.

use walras_des::math;

/// A price by time.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    /// Years from the start, and prices [USD], by time; before the first and after the last of them the price stays.
    pub points: Vec<(f64, f64)>,
}

impl Stated {
    /// The price at a time [years from the start], if any is stated.
    #[must_use]
    pub fn at(&self, years: f64) -> Option<f64> {
        let next = self.points.partition_point(|&(at, _)| at <= years);
        let Some(&(since, before)) = self.points[..next].last() else {
            return self.points.first().map(|&(_, price)| price);
        };
        let Some(&(until, after)) = self.points.get(next) else {
            return Some(before);
        };
        let part = (years - since) / (until - since);
        Some(before * math::powf(after / before, part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_pass_through_their_points() {
        let stated = Stated {
            points: vec![(1.0, 2.0), (2.0, 8.0), (2.0, 1.0)],
        };
        for (years, price) in [(0.0, 2.0), (1.0, 2.0), (1.5, 4.0), (2.0, 1.0), (9.0, 1.0)] {
            assert_eq!(stated.at(years), Some(price));
        }
        assert_eq!(Stated { points: Vec::new() }.at(1.0), None);
    }
}
