//! CMA-ES: a search by samples from a normal distribution that learns the shape of the valley it is in.
//!
//! N. Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv 1604.00772, 2016, with its default parameters. Points beyond the cube are
//! mirrored into it; when the distribution has shrunk to a point, the search begins anew elsewhere with twice as many samples
//! (A. Auger, N. Hansen, CEC 2005).

use walras_des::{Stream, math};

use super::matrix::{Matrix, eigen};
use super::pareto::by_loss;
use super::{Judged, Search};
use crate::design::Point;

/// Standard deviation at the beginning, as a part of every range.
const WIDTH: f64 = 0.3;

/// Standard deviation at which the search begins anew: parameters are written with six digits.
const POINTLIKE: f64 = 1e-7;

/// The search and its distribution.
pub struct Cma {
    stream: Stream,
    dimensions: usize,
    samples: usize,
    mean: Vec<f64>,
    sigma: f64,
    covariance: Matrix,
    /// Square roots of the eigenvalues, and eigenvectors.
    axes: (Vec<f64>, Matrix),
    path: Vec<f64>,
    sigma_path: Vec<f64>,
    generation: i32,
    /// The samples that were asked for, before they were mirrored, as multiples of sigma from the mean.
    steps: Vec<Vec<f64>>,
}

impl Cma {
    /// A search in so many dimensions, from the middle.
    #[must_use]
    pub fn new(dimensions: usize, stream: Stream) -> Self {
        let samples = 4 + (3.0 * math::ln(dimensions as f64)).floor() as usize;
        let mut search = Self {
            stream,
            dimensions,
            samples,
            mean: Vec::new(),
            sigma: WIDTH,
            covariance: Vec::new(),
            axes: (Vec::new(), Vec::new()),
            path: Vec::new(),
            sigma_path: Vec::new(),
            generation: 0,
            steps: Vec::new(),
        };
        search.begin(vec![0.5; dimensions]);
        search
    }

    fn begin(&mut self, mean: Vec<f64>) {
        let n = self.dimensions;
        self.mean = mean;
        self.sigma = WIDTH;
        self.covariance = (0..n)
            .map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect())
            .collect();
        self.axes = (vec![1.0; n], self.covariance.clone());
        self.path = vec![0.0; n];
        self.sigma_path = vec![0.0; n];
        self.generation = 0;
    }

    /// B D z, which is distributed by the covariance.
    fn draw(&mut self) -> Vec<f64> {
        let (lengths, vectors) = &self.axes;
        let z: Vec<f64> = lengths
            .iter()
            .map(|length| length * self.stream.normal())
            .collect();
        let row = |row: &Vec<f64>| row.iter().zip(&z).map(|(b, z)| b * z).sum();
        vectors.iter().map(row).collect()
    }

    /// C^(−1/2) y.
    fn whitened(&self, y: &[f64]) -> Vec<f64> {
        let (lengths, vectors) = &self.axes;
        let n = self.dimensions;
        let turned: Vec<f64> = (0..n)
            .map(|k| (0..n).map(|i| vectors[i][k] * y[i]).sum::<f64>() / lengths[k])
            .collect();
        (0..n)
            .map(|i| (0..n).map(|k| vectors[i][k] * turned[k]).sum())
            .collect()
    }

    fn learn(&mut self, ranked: &[Vec<f64>]) {
        let n = self.dimensions as f64;
        let parents = self.samples / 2;
        let raw: Vec<f64> = (0..parents)
            .map(|i| math::ln(f64::midpoint(self.samples as f64, 1.0)) - math::ln((i + 1) as f64))
            .collect();
        let total: f64 = raw.iter().sum();
        let weights: Vec<f64> = raw.iter().map(|weight| weight / total).collect();
        let mass = 1.0 / weights.iter().map(|weight| weight * weight).sum::<f64>();
        let c_sigma = (mass + 2.0) / (n + mass + 5.0);
        let damping = 1.0 + 2.0 * (((mass - 1.0) / (n + 1.0)).sqrt() - 1.0).max(0.0) + c_sigma;
        let c_path = (4.0 + mass / n) / (n + 4.0 + 2.0 * mass / n);
        let c_one = 2.0 / ((n + 1.3) * (n + 1.3) + mass);
        let c_mu =
            (1.0 - c_one).min(2.0 * (mass - 2.0 + 1.0 / mass) / ((n + 2.0) * (n + 2.0) + mass));
        // The expected length of a standard normal vector.
        let usual = n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));
        let mean_step: Vec<f64> = (0..self.dimensions)
            .map(|i| weights.iter().zip(ranked).map(|(w, y)| w * y[i]).sum())
            .collect();
        for (mean, step) in self.mean.iter_mut().zip(&mean_step) {
            *mean = mirrored(*mean + self.sigma * step);
        }
        let white = self.whitened(&mean_step);
        let gain = (c_sigma * (2.0 - c_sigma) * mass).sqrt();
        for (path, step) in self.sigma_path.iter_mut().zip(&white) {
            *path = (1.0 - c_sigma) * *path + gain * step;
        }
        let length = self.sigma_path.iter().map(|p| p * p).sum::<f64>().sqrt();
        self.generation += 1;
        let settled = (1.0 - math::powi(1.0 - c_sigma, 2 * self.generation)).sqrt();
        let is_steady = length / settled < (1.4 + 2.0 / (n + 1.0)) * usual;
        let gain = (c_path * (2.0 - c_path) * mass).sqrt();
        for (path, step) in self.path.iter_mut().zip(&mean_step) {
            *path = (1.0 - c_path) * *path + if is_steady { gain * step } else { 0.0 };
        }
        let lost = if is_steady {
            0.0
        } else {
            c_one * c_path * (2.0 - c_path)
        };
        for i in 0..self.dimensions {
            for j in 0..=i {
                let of_parents: f64 = weights
                    .iter()
                    .zip(ranked)
                    .map(|(weight, y)| weight * y[i] * y[j])
                    .sum();
                let next = (1.0 - c_one - c_mu + lost) * self.covariance[i][j]
                    + c_one * self.path[i] * self.path[j]
                    + c_mu * of_parents;
                self.covariance[i][j] = next;
                self.covariance[j][i] = next;
            }
        }
        self.sigma *= math::exp((c_sigma / damping * (length / usual - 1.0)).min(1.0));
        let (values, vectors) = eigen(&self.covariance);
        self.axes = (
            values.iter().map(|value| value.max(1e-20).sqrt()).collect(),
            vectors,
        );
    }
}

impl Search for Cma {
    fn ask(&mut self) -> Vec<Point> {
        let longest = self.axes.0.iter().copied().fold(0.0, f64::max);
        if self.sigma * longest < POINTLIKE {
            self.samples *= 2;
            let mean = (0..self.dimensions)
                .map(|_| self.stream.uniform())
                .collect();
            self.begin(mean);
        }
        self.steps = (0..self.samples).map(|_| self.draw()).collect();
        let place = |step: &Vec<f64>| -> Point {
            let pairs = self.mean.iter().zip(step);
            pairs
                .map(|(mean, step)| mirrored(mean + self.sigma * step))
                .collect()
        };
        self.steps.iter().map(place).collect()
    }

    fn tell(&mut self, judged: &[Judged]) {
        if judged.len() < self.samples {
            // The budget ended within a generation.
            return;
        }
        let mut order: Vec<usize> = (0..judged.len()).collect();
        order.sort_by(|a, b| by_loss(&judged[*a], &judged[*b]));
        let ranked: Vec<Vec<f64>> = order
            .iter()
            .map(|index| self.steps[*index].clone())
            .collect();
        self.learn(&ranked);
    }
}

/// `x` mirrored into [0, 1] as often as it takes.
fn mirrored(x: f64) -> f64 {
    let folded = x.rem_euclid(2.0);
    if folded > 1.0 { 2.0 - folded } else { folded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::response::function::Known;
    use crate::tune::tests::least;
    use walras_scenarios::study::TuneMethod;

    #[test]
    fn what_lies_outside_is_mirrored() {
        for (x, expect) in [
            (0.25, 0.25),
            (1.25, 0.75),
            (-0.25, 0.25),
            (2.25, 0.25),
            (3.5, 0.5),
        ] {
            assert_eq!(mirrored(x), expect);
        }
    }

    /// On a sphere the error falls by a constant factor each generation; a curved valley takes longer, and a search that does not learn
    /// its shape never gets there.
    #[test]
    fn it_reaches_the_bottom_of_a_bowl_and_of_a_curved_valley() {
        let sphere = least(Known::Sphere, TuneMethod::Evolutionary, 800);
        assert!(sphere < 1e-6, "{sphere}");
        let valley = least(Known::Rosenbrock, TuneMethod::Evolutionary, 3000);
        assert!(valley < 1e-6, "{valley}");
        let blind = least(Known::Rosenbrock, TuneMethod::Sobol, 3000);
        assert!(blind > 1e-2, "{blind}");
    }
}
