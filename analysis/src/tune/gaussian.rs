//! Gaussian processes: what is expected between the points that were evaluated, and how far that may be off.
//!
//! C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, 2006: Matérn kernel of smoothness 5/2 with a length for
//! each dimension; the scale follows from the likelihood in closed form, lengths and noise are found by a pattern search for its
//! maximum, with a weak prior on the lengths that keeps few points from saying too much.

use walras_des::math;

use super::matrix::{Matrix, backward, cholesky, forward, log_determinant};
use crate::design::Point;

/// Logarithms of the lengths, and of the noise as a part of the variance.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    lengths: Vec<f64>,
    noise: f64,
}

/// Where lengths are expected: the logarithm of half the cube, give or take a factor of e.
const USUAL_LENGTH: f64 = -0.7;

/// Bounds of the logarithms of lengths and noise.
const LENGTHS: (f64, f64) = (-4.0, 3.0);
const NOISE: (f64, f64) = (-16.0, 0.0);

impl Shape {
    /// The usual shape in so many dimensions.
    #[must_use]
    pub fn usual(dimensions: usize) -> Self {
        Self {
            lengths: vec![USUAL_LENGTH; dimensions],
            noise: -9.0,
        }
    }

    fn kernel(&self, a: &[f64], b: &[f64]) -> f64 {
        let apart = a.iter().zip(b).zip(&self.lengths);
        let squared: f64 = apart
            .map(|((a, b), length)| {
                let scaled = (a - b) * math::exp(-length);
                scaled * scaled
            })
            .sum();
        let r = (5.0 * squared).sqrt();
        (1.0 + r + r * r / 3.0) * math::exp(-r)
    }
}

/// A process with the points that it knows.
#[derive(Clone, Debug)]
pub struct Process {
    shape: Shape,
    points: Vec<Point>,
    mean: f64,
    /// Standard deviation of the values.
    scale: f64,
    /// Variance of the process, in squares of `scale`.
    variance: f64,
    factor: Matrix,
    weights: Vec<f64>,
}

impl Process {
    /// The process through `values` at `points` that is most likely, searched from `shape` on.
    #[must_use]
    pub fn fit(points: &[Point], values: &[f64], shape: &Shape) -> Self {
        let mut best = shape.clone();
        let mut worth = likelihood(points, values, &best);
        let mut step = 1.0;
        while step > 0.1 {
            let mut is_better = false;
            for index in 0..=best.lengths.len() {
                for sign in [1.0, -1.0] {
                    let mut other = best.clone();
                    match other.lengths.get_mut(index) {
                        Some(length) => {
                            *length = (*length + sign * step).clamp(LENGTHS.0, LENGTHS.1);
                        }
                        None => {
                            other.noise = (other.noise + 3.0 * sign * step).clamp(NOISE.0, NOISE.1);
                        }
                    }
                    let found = likelihood(points, values, &other);
                    if found > worth {
                        (best, worth, is_better) = (other, found, true);
                        break;
                    }
                }
            }
            if !is_better {
                step /= 2.0;
            }
        }
        Self::with(points, values, best)
    }

    /// The process of this shape through `values` at `points`.
    ///
    /// # Panics
    /// If the kernel is not positive definite, which its noise rules out.
    #[must_use]
    pub fn with(points: &[Point], values: &[f64], shape: Shape) -> Self {
        let (mean, scale) = moments(values);
        let standard: Vec<f64> = values.iter().map(|value| (value - mean) / scale).collect();
        let (shape, factor) = factor(points, shape);
        let white = forward(&factor, &standard);
        let weights = backward(&factor, &white);
        let variance = white.iter().map(|x| x * x).sum::<f64>() / values.len() as f64;
        Self {
            shape,
            points: points.to_vec(),
            mean,
            scale,
            variance: variance.max(1e-12),
            factor,
            weights,
        }
    }

    /// The shape that was found.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Mean and standard deviation of what is expected at `point`, without the noise of an evaluation.
    #[must_use]
    pub fn at(&self, point: &[f64]) -> (f64, f64) {
        let near: Vec<f64> = self
            .points
            .iter()
            .map(|known| self.shape.kernel(known, point))
            .collect();
        let mean: f64 = near.iter().zip(&self.weights).map(|(k, w)| k * w).sum();
        let known: f64 = forward(&self.factor, &near).iter().map(|x| x * x).sum();
        let variance = (self.variance * (1.0 - known)).max(0.0);
        (self.mean + self.scale * mean, self.scale * variance.sqrt())
    }
}

fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values
        .iter()
        .map(|value| (value - mean) * (value - mean))
        .sum();
    let scale = (squares / n).sqrt();
    (mean, if scale > 0.0 { scale } else { 1.0 })
}

/// The factor of the kernel with its noise, which is raised until rounding does no harm.
fn factor(points: &[Point], mut shape: Shape) -> (Shape, Matrix) {
    loop {
        let noise = math::exp(shape.noise);
        let row = |i: usize| -> Vec<f64> {
            (0..points.len())
                .map(|j| match i.cmp(&j) {
                    std::cmp::Ordering::Less => 0.0,
                    std::cmp::Ordering::Equal => 1.0 + noise,
                    std::cmp::Ordering::Greater => shape.kernel(&points[i], &points[j]),
                })
                .collect()
        };
        let kernel: Matrix = (0..points.len()).map(row).collect();
        if let Some(factor) = cholesky(&kernel) {
            return (shape, factor);
        }
        assert!(
            shape.noise < NOISE.1,
            "a kernel with noise is positive definite"
        );
        shape.noise = (shape.noise + 2.0).min(NOISE.1);
    }
}

/// The logarithm of how likely `values` are, at the scale at which they are most likely, and of the prior.
fn likelihood(points: &[Point], values: &[f64], shape: &Shape) -> f64 {
    let process = Process::with(points, values, shape.clone());
    let n = values.len() as f64;
    let off: f64 = shape
        .lengths
        .iter()
        .map(|length| (length - USUAL_LENGTH) * (length - USUAL_LENGTH))
        .sum();
    -0.5 * (n * math::ln(process.variance) + log_determinant(&process.factor) + off)
}

#[cfg(test)]
mod tests {
    use walras_des::{Purpose, Streams};

    use super::*;
    use crate::design::sobol::scrambled;

    fn fitted(noise: f64) -> (Process, Vec<Point>, Vec<f64>) {
        let mut stream = Streams::new(6, 0).open(Purpose::new("gaussian-test"), 0);
        let points = scrambled(40, 2, &mut stream);
        let truth = |x: &Point| (6.0 * x[0]).sin() + 0.2 * x[1];
        let values: Vec<f64> = points
            .iter()
            .map(|x| truth(x) + noise * stream.normal())
            .collect();
        let process = Process::fit(&points, &values, &Shape::usual(2));
        (process, points, values)
    }

    /// A smooth function is known between 40 points to a hundredth, most of the truth lies within two standard deviations, and the
    /// dimension that does little has the longer length.
    #[test]
    fn a_smooth_function_is_known_between_its_points() {
        let (process, ..) = fitted(0.0);
        let mut stream = Streams::new(7, 0).open(Purpose::new("gaussian-test"), 0);
        let (mut inside, mut worst) = (0, 0.0f64);
        for point in scrambled(256, 2, &mut stream) {
            let truth = (6.0 * point[0]).sin() + 0.2 * point[1];
            let (mean, deviation) = process.at(&point);
            worst = worst.max((mean - truth).abs());
            inside += usize::from((mean - truth).abs() <= 2.0 * deviation + 1e-6);
        }
        assert!(worst < 0.05, "{worst}");
        assert!(inside > 230, "{inside}");
        assert!(process.shape.lengths[1] > process.shape.lengths[0]);
    }

    /// At a known point the expectation is the value and nothing is uncertain; with noise it is a mean of neighbours.
    #[test]
    fn noise_is_told_from_shape() {
        let (exact, points, values) = fitted(0.0);
        let (mean, deviation) = exact.at(&points[3]);
        assert!(
            (mean - values[3]).abs() < 1e-3 && deviation < 0.02,
            "{mean} {deviation}"
        );
        let (noisy, points, _) = fitted(0.3);
        let errors = points.iter().map(|x| {
            let truth = (6.0 * x[0]).sin() + 0.2 * x[1];
            (noisy.at(x).0 - truth).powi(2)
        });
        let error = (errors.sum::<f64>() / 40.0).sqrt();
        assert!(error < 0.2, "{error}");
        assert!(noisy.shape.noise > exact.shape.noise);
    }
}
