//! Robust least squares on the logarithms of positive parameters, with priors.
//!
//! The fit minimises `Σ 2·(√(1 + z²) − 1) + Σ ((ln θ − ln θ₀)/σ₀)²` over the parameters θ, where `z = ln(predicted / measured) / σ` is
//! the residual of a point: quadratic for small residuals, linear for outliers (pseudo-Huber), and each prior counts as one more
//! measurement. Levenberg–Marquardt steps on reweighted squares (Marquardt 1963; Holland & Welsch 1977), with a Jacobian of
//! differences, since rooflines are cheap.

use walras_des::math;

/// What is known of a parameter before the fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    /// Its most likely value; positive.
    pub value: f64,
    /// Standard deviation of its logarithm.
    pub spread: f64,
}

/// What a fit found.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// The parameters.
    pub values: Vec<f64>,
    /// Their standard errors, relative. They hold if the model is right and points err independently; where neighbouring points
    /// share a misfit they are too small.
    pub errors: Vec<f64>,
    /// Standard deviation of the logarithms of predicted / measured, outliers weighted down.
    pub scatter: f64,
}

/// Residuals above this count as outliers; also the error that one measurement is believed to have, against the priors.
const SIGMA: f64 = 0.1;
/// Relative step of the differences.
const STEP: f64 = 1e-5;
/// Most steps of a fit.
const STEPS: usize = 200;
/// A step that lowers the cost by a smaller share is the last.
const ENOUGH: f64 = 1e-10;

/// Fits parameters to `points` measurements. `residuals` writes the logarithm of predicted / measured of each, for the parameters
/// it is given.
///
/// # Panics
/// If a prior has a value or spread that is not positive.
#[must_use]
pub fn fit(
    priors: &[Prior],
    points: usize,
    mut residuals: impl FnMut(&[f64], &mut [f64]),
) -> Solution {
    let valid = |prior: &Prior| prior.value > 0.0 && prior.spread > 0.0;
    assert!(priors.iter().all(valid), "priors are positive: {priors:?}");
    let count = priors.len();
    let centre: Vec<f64> = priors.iter().map(|prior| math::ln(prior.value)).collect();
    let mut evaluate = |x: &[f64], out: &mut [f64]| {
        let values: Vec<f64> = x.iter().map(|x| math::exp(*x)).collect();
        residuals(&values, out);
        for residual in out {
            *residual /= SIGMA;
        }
    };
    let pull = |x: &[f64], index: usize| (x[index] - centre[index]) / priors[index].spread;
    let cost = |x: &[f64], z: &[f64]| -> f64 {
        let data: f64 = z.iter().map(|z| 2.0 * ((1.0 + z * z).sqrt() - 1.0)).sum();
        let prior: f64 = (0..count).map(|index| pull(x, index).powi(2)).sum();
        data + prior
    };

    let mut x = centre.clone();
    let mut z = vec![0.0; points];
    evaluate(&x, &mut z);
    let mut lowest = cost(&x, &z);
    let mut damping = 1e-3;
    let mut normal = Normal::new(count);
    let (mut moved, mut tried) = (vec![0.0; points], vec![0.0; points]);
    for _ in 0..STEPS {
        // The normal equations at x.
        normal.clear();
        let mut columns = Vec::with_capacity(count);
        for index in 0..count {
            let mut shifted = x.clone();
            shifted[index] += STEP;
            evaluate(&shifted, &mut moved);
            let slope = moved.iter().zip(&z).map(|(after, z)| (after - z) / STEP);
            columns.push(slope.collect::<Vec<f64>>());
        }
        for (point, z) in z.iter().enumerate() {
            let weight = 1.0 / (1.0 + z * z).sqrt();
            normal.add(|index| columns[index][point], *z, weight);
        }
        let data = normal.clone();
        for (index, prior) in priors.iter().enumerate() {
            normal.add_prior(index, prior.spread, pull(&x, index));
        }
        let mut done = true;
        while damping < 1e12 {
            let Some(step) = normal.solve(damping) else {
                damping *= 10.0;
                continue;
            };
            // Half an order of magnitude at a time: a roofline far from its ridge is flat.
            let next: Vec<f64> = x
                .iter()
                .zip(&step)
                .map(|(x, step)| x - step.clamp(-1.5, 1.5))
                .collect();
            evaluate(&next, &mut tried);
            let found = cost(&next, &tried);
            if found < lowest {
                // A short step is no sign of the end.
                done = lowest - found < ENOUGH * lowest && damping < 1e-2;
                (x, lowest) = (next, found);
                z.copy_from_slice(&tried);
                damping = (damping / 10.0).max(1e-9);
                break;
            }
            damping *= 10.0;
        }
        if done {
            return solution(&x, &z, &data, priors);
        }
    }
    let data = normal.clone();
    solution(&x, &z, &data, priors)
}

/// Parameters with their errors: the inverse of the curvature, where data count by how far they scatter.
fn solution(x: &[f64], z: &[f64], data: &Normal, priors: &[Prior]) -> Solution {
    let weighted: f64 = z.iter().map(|z| z * z / (1.0 + z * z).sqrt()).sum();
    let freedom = z.len().saturating_sub(x.len()).max(1);
    let variance = (weighted / freedom as f64).max(1e-6);
    let mut curvature = data.clone();
    curvature.scale(1.0 / variance);
    for (index, prior) in priors.iter().enumerate() {
        curvature.add_prior(index, prior.spread, 0.0);
    }
    Solution {
        values: x.iter().map(|x| math::exp(*x)).collect(),
        errors: curvature
            .inverse_diagonal()
            .into_iter()
            .map(f64::sqrt)
            .collect(),
        scatter: SIGMA * variance.sqrt(),
    }
}

/// Normal equations `A·step = g`.
#[derive(Clone)]
struct Normal {
    size: usize,
    matrix: Vec<f64>,
    gradient: Vec<f64>,
}

impl Normal {
    fn new(size: usize) -> Self {
        Self {
            size,
            matrix: vec![0.0; size * size],
            gradient: vec![0.0; size],
        }
    }

    fn clear(&mut self) {
        self.matrix.fill(0.0);
        self.gradient.fill(0.0);
    }

    fn add(&mut self, slope: impl Fn(usize) -> f64, residual: f64, weight: f64) {
        for row in 0..self.size {
            let weighted = weight * slope(row);
            self.gradient[row] += weighted * residual;
            for column in 0..self.size {
                self.matrix[row * self.size + column] += weighted * slope(column);
            }
        }
    }

    fn add_prior(&mut self, index: usize, spread: f64, pull: f64) {
        self.matrix[index * self.size + index] += 1.0 / (spread * spread);
        self.gradient[index] += pull / spread;
    }

    fn scale(&mut self, factor: f64) {
        for entry in &mut self.matrix {
            *entry *= factor;
        }
    }

    /// The lower triangle `L` of `A + damping·diag(A) = L·Lᵀ`; `None` if that is not positive definite.
    fn cholesky(&self, damping: f64) -> Option<Vec<f64>> {
        let size = self.size;
        let mut lower = vec![0.0; size * size];
        for row in 0..size {
            for column in 0..=row {
                let mut sum = self.matrix[row * size + column];
                if row == column {
                    sum *= 1.0 + damping;
                }
                for inner in 0..column {
                    sum -= lower[row * size + inner] * lower[column * size + inner];
                }
                lower[row * size + column] = if row == column {
                    if sum.is_nan() || sum <= 0.0 {
                        return None;
                    }
                    sum.sqrt()
                } else {
                    sum / lower[column * size + column]
                };
            }
        }
        Some(lower)
    }

    fn solve(&self, damping: f64) -> Option<Vec<f64>> {
        let lower = self.cholesky(damping)?;
        Some(self.substitute(&lower, self.gradient.clone()))
    }

    /// Solves `L·Lᵀ·x = right`.
    fn substitute(&self, lower: &[f64], mut right: Vec<f64>) -> Vec<f64> {
        let size = self.size;
        for row in 0..size {
            for inner in 0..row {
                right[row] -= lower[row * size + inner] * right[inner];
            }
            right[row] /= lower[row * size + row];
        }
        for row in (0..size).rev() {
            for inner in row + 1..size {
                right[row] -= lower[inner * size + row] * right[inner];
            }
            right[row] /= lower[row * size + row];
        }
        right
    }

    fn inverse_diagonal(&self) -> Vec<f64> {
        let lower = self.cholesky(1e-12).expect("priors bound every parameter");
        let unit = |index: usize| {
            let mut right = vec![0.0; self.size];
            right[index] = 1.0;
            self.substitute(&lower, right)[index]
        };
        (0..self.size).map(unit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VAGUE: Prior = Prior {
        value: 1.0,
        spread: 10.0,
    };

    /// `y = a·x + b` exactly: the parameters come back, whatever one wild point says.
    #[test]
    fn a_line_is_found_through_an_outlier() {
        let xs: Vec<f64> = (0..40).map(f64::from).collect();
        let measured: Vec<f64> = xs
            .iter()
            .map(|x| (3.0 * x + 7.0) * if *x == 20.0 { 50.0 } else { 1.0 })
            .collect();
        let found = fit(&[VAGUE, VAGUE], xs.len(), |theta, out| {
            for ((out, x), y) in out.iter_mut().zip(&xs).zip(&measured) {
                *out = math::ln((theta[0] * x + theta[1]) / y);
            }
        });
        assert!((found.values[0] / 3.0 - 1.0).abs() < 0.02, "{found:?}");
        assert!((found.values[1] / 7.0 - 1.0).abs() < 0.02, "{found:?}");
    }

    /// Without data the prior is the answer and its spread the error; with one point as precise as the prior, halfway, and the
    /// error falls.
    #[test]
    fn a_prior_counts_as_a_measurement() {
        let prior = Prior {
            value: 4.0,
            spread: 0.3,
        };
        let none = fit(&[prior], 0, |_, _| {});
        assert!((none.values[0] - 4.0).abs() < 1e-12 && (none.errors[0] - 0.3).abs() < 1e-9);
        let tight = Prior {
            value: 4.0,
            spread: SIGMA,
        };
        let measured = 4.0 * math::exp(0.02);
        let one = fit(&[tight], 1, |theta, out| {
            out[0] = math::ln(theta[0] / measured);
        });
        let halfway = math::ln(one.values[0] / 4.0);
        assert!((halfway - 0.01).abs() < 2e-4, "{halfway}");
    }
}
