//! The design of Sobol indices: two independent samples A and B, and A with one column at a time from B.
//!
//! A. Saltelli, P. Annoni, I. Azzini, F. Campolongo, M. Ratto, S. Tarantola, Comput. Phys. Commun. 181(2), 2010, doi
//! 10.1016/j.cpc.2009.09.018.

use walras_des::Stream;

use super::Point;
use super::sobol::{MOST_DIMENSIONS, scrambled};

/// Most parameters: A and B are columns of one Sobol sequence.
pub const MOST_PARAMETERS: usize = MOST_DIMENSIONS / 2;

/// The points of `base` rows for `parameters`: of each row A, then A with column i from B for each i, then B.
///
/// # Panics
/// If there are more parameters than [`MOST_PARAMETERS`].
pub fn saltelli(base: usize, parameters: usize, stream: &mut Stream) -> Vec<Point> {
    let mut points = Vec::with_capacity(base * (parameters + 2));
    for row in scrambled(base, 2 * parameters, stream) {
        let (a, b) = row.split_at(parameters);
        points.push(a.to_vec());
        for column in 0..parameters {
            let mut mixed = a.to_vec();
            mixed[column] = b[column];
            points.push(mixed);
        }
        points.push(b.to_vec());
    }
    points
}

#[cfg(test)]
mod tests {
    use walras_des::{Purpose, Streams};

    use super::*;

    #[test]
    fn each_row_has_a_then_mixtures_then_b() {
        let mut stream = Streams::new(1, 0).open(Purpose::new("saltelli-test"), 0);
        let points = saltelli(8, 3, &mut stream);
        assert_eq!(points.len(), 8 * 5);
        for row in points.chunks(5) {
            let (a, b) = (&row[0], &row[4]);
            assert_eq!(row[1], [b[0], a[1], a[2]]);
            assert_eq!(row[2], [a[0], b[1], a[2]]);
            assert_eq!(row[3], [a[0], a[1], b[2]]);
            assert!((0..3).all(|i| a[i] != b[i]));
        }
    }
}
