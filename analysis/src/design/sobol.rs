//! Sobol sequences: points that fill the cube evenly at every power of two, in up to forty dimensions.
//!
//! Direction numbers of Joe and Kuo, Gray-code order of I. A. Antonov and V. M. Saleev (1979). Scrambled by a random lower-triangular
//! matrix for each dimension and a digital shift (J. Matoušek, J. Complexity 14, 1998): every point is then uniform, the sequence
//! keeps its evenness, and a mean over it has the variance of Owen's nested scrambling (A. B. Owen, ACM TOMACS 13(4), 2003).

use walras_des::Stream;

use super::Point;
use super::directions::TABLE;

/// Most dimensions.
pub const MOST_DIMENSIONS: usize = TABLE.len() + 1;

const BITS: usize = 32;

/// 2 to the power of [`BITS`].
const CELLS: f64 = 4_294_967_296.0;

/// The first `count` points in `dimensions`, unscrambled: the first is the origin.
///
/// # Panics
/// If there are more dimensions than [`MOST_DIMENSIONS`].
#[must_use]
pub fn sobol(count: usize, dimensions: usize) -> Vec<Point> {
    let columns = columns(dimensions);
    walk(count, &columns, &vec![0; dimensions], 0.0)
}

/// The first `count` points of a scrambled sequence; each is uniform in the open cube.
///
/// # Panics
/// If there are more dimensions than [`MOST_DIMENSIONS`].
pub fn scrambled(count: usize, dimensions: usize, stream: &mut Stream) -> Vec<Point> {
    let mut columns = columns(dimensions);
    let mut shifts = vec![0; dimensions];
    for (column, shift) in columns.iter_mut().zip(&mut shifts) {
        let rows = lower_triangular(stream);
        for direction in column {
            *direction = times(&rows, *direction);
        }
        *shift = word(stream);
    }
    // The middle of the cell of 2⁻³² that the digits name.
    walk(count, &columns, &shifts, 0.5)
}

/// The direction numbers of each dimension, the most significant first.
fn columns(dimensions: usize) -> Vec<[u32; BITS]> {
    assert!(
        dimensions <= MOST_DIMENSIONS,
        "direction numbers are there for {MOST_DIMENSIONS} dimensions, not for {dimensions}"
    );
    let first = std::array::from_fn(|bit| 1 << (BITS - 1 - bit));
    std::iter::once(first)
        .chain(TABLE.iter().map(directions))
        .take(dimensions)
        .collect()
}

/// `m_k = 2 a₁ m_{k−1} ⊕ … ⊕ 2^s m_{k−s} ⊕ m_{k−s}`, and `v_k = m_k / 2^k`.
fn directions(&(degree, inner, initial): &(u32, u32, &[u32])) -> [u32; BITS] {
    let degree = degree as usize;
    let mut v = [0; BITS];
    for k in 0..BITS {
        v[k] = if k < degree {
            initial[k] << (BITS - 1 - k)
        } else {
            let mut next = v[k - degree] ^ (v[k - degree] >> degree);
            for j in 1..degree {
                if inner >> (degree - 1 - j) & 1 == 1 {
                    next ^= v[k - j];
                }
            }
            next
        };
    }
    v
}

fn walk(count: usize, columns: &[[u32; BITS]], shifts: &[u32], offset: f64) -> Vec<Point> {
    let mut state = shifts.to_vec();
    let mut points = Vec::with_capacity(count);
    for number in 0..count {
        let coordinate = |digits: &u32| (f64::from(*digits) + offset) / CELLS;
        points.push(state.iter().map(coordinate).collect());
        // From one Gray code to the next, the lowest zero of the number changes.
        let bit = (number as u32).trailing_ones() as usize;
        for (digits, column) in state.iter_mut().zip(columns) {
            *digits ^= column[bit.min(BITS - 1)];
        }
    }
    points
}

/// Rows of a random matrix with ones on its diagonal and nothing above it; row i makes digit i.
fn lower_triangular(stream: &mut Stream) -> [u32; BITS] {
    std::array::from_fn(|row| {
        let diagonal = 1 << (BITS - 1 - row);
        // Digits before digit `row` are the bits above its own.
        let above = !(diagonal | (diagonal - 1));
        word(stream) & above | diagonal
    })
}

/// The digits of `rows` times `digits`, modulo two.
fn times(rows: &[u32; BITS], digits: u32) -> u32 {
    rows.iter().fold(0, |product, row| {
        product << 1 | (row & digits).count_ones() & 1
    })
}

fn word(stream: &mut Stream) -> u32 {
    stream.below(1 << 32) as u32
}

#[cfg(test)]
mod tests {
    use walras_des::{Purpose, Streams};

    use super::*;

    fn stream(entity: u64) -> Stream {
        Streams::new(5, 0).open(Purpose::new("sobol-test"), entity)
    }

    /// As the program of Joe and Kuo prints them, and `SciPy` 1.17 (`qmc.Sobol(5, scramble=False)`).
    #[test]
    fn the_first_points_are_the_published_ones() {
        assert_eq!(
            sobol(8, 5),
            [
                [0.0, 0.0, 0.0, 0.0, 0.0],
                [0.5, 0.5, 0.5, 0.5, 0.5],
                [0.75, 0.25, 0.25, 0.25, 0.75],
                [0.25, 0.75, 0.75, 0.75, 0.25],
                [0.375, 0.375, 0.625, 0.875, 0.375],
                [0.875, 0.875, 0.125, 0.375, 0.875],
                [0.625, 0.125, 0.875, 0.625, 0.625],
                [0.125, 0.625, 0.375, 0.125, 0.125],
            ]
        );
    }

    /// Of the 778th point in forty dimensions, from `SciPy` 1.17.
    #[test]
    fn later_points_in_many_dimensions_agree_with_another_implementation() {
        let point = sobol(778, 40).pop().unwrap();
        let found = [1, 5, 10, 20, 30, 39].map(|dimension| point[dimension]);
        assert_eq!(
            found,
            [
                0.936_523_437_5,
                0.356_445_312_5,
                0.745_117_187_5,
                0.237_304_687_5,
                0.541_992_187_5,
                0.358_398_437_5
            ]
        );
    }

    /// T. T. Warnock's formula for the L2 star discrepancy.
    fn l2_star(points: &[Point]) -> f64 {
        let n = points.len() as f64;
        let corner: f64 = points[0].iter().map(|_| 1.0 / 3.0).product();
        let single: f64 = points
            .iter()
            .map(|x| x.iter().map(|x| (1.0 - x * x) / 2.0).product::<f64>())
            .sum();
        let pairs: f64 = points
            .iter()
            .flat_map(|x| points.iter().map(move |y| (x, y)))
            .map(|(x, y)| {
                let sides = x.iter().zip(y).map(|(x, y)| 1.0 - x.max(*y));
                sides.product::<f64>()
            })
            .sum();
        (corner - 2.0 / n * single + pairs / (n * n)).sqrt()
    }

    /// `SciPy` 1.17: `qmc.discrepancy(qmc.Sobol(5, scramble=False).random(256), method="L2-star")` = 0.004787772148829876. A random
    /// sample has √((2⁻⁵ − 3⁻⁵)/256) = 0.0103 on average.
    #[test]
    fn discrepancy_is_that_of_another_implementation_and_scrambling_keeps_it() {
        let plain = l2_star(&sobol(256, 5));
        assert!((plain - 0.004_787_772_148_829_876).abs() < 1e-12, "{plain}");
        for entity in 0..20 {
            let scrambled = l2_star(&scrambled(256, 5, &mut stream(entity)));
            assert!(scrambled < 0.006, "{entity}: {scrambled}");
        }
    }

    /// Every elementary interval of volume 2⁻⁸ in one dimension, and 16 × 16 in the first two, holds one of 256 points.
    #[test]
    fn a_scrambled_sequence_is_still_a_net() {
        let points = scrambled(256, MOST_DIMENSIONS, &mut stream(0));
        for dimension in 0..MOST_DIMENSIONS {
            let mut cells = vec![0; 256];
            for point in &points {
                cells[(point[dimension] * 256.0) as usize] += 1;
            }
            assert_eq!(cells, vec![1; 256], "{dimension}");
        }
        let mut squares = vec![0; 256];
        for point in &points {
            squares[(point[0] * 16.0) as usize * 16 + (point[1] * 16.0) as usize] += 1;
        }
        assert_eq!(squares, vec![1; 256]);
    }

    /// The mean of Π(1 + (`x_i` − ½)/2) over the cube is one: unbiased, with errors far below those of random points, whose standard
    /// deviation would be √((1 + 1/48)⁶ − 1)/16 = 0.023.
    #[test]
    fn scrambled_means_are_unbiased_and_precise() {
        let error = |entity: u64| {
            let points = scrambled(256, 6, &mut stream(entity));
            let product = |x: &Point| x.iter().map(|x| 1.0 + (x - 0.5) / 2.0).product::<f64>();
            points.iter().map(product).sum::<f64>() / 256.0 - 1.0
        };
        let errors: Vec<f64> = (0..100).map(error).collect();
        let mean = errors.iter().sum::<f64>() / 100.0;
        let deviation = (errors.iter().map(|e| e * e).sum::<f64>() / 100.0).sqrt();
        assert!(deviation < 0.003, "{deviation}");
        assert!(mean.abs() < 3.0 * deviation / 10.0, "{mean} {deviation}");
    }
}
