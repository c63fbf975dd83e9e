//! What little linear algebra the optimizers need: Cholesky factors and eigenvectors of small symmetric matrices.

use walras_des::math;

/// Rows of a square matrix.
pub type Matrix = Vec<Vec<f64>>;

/// The lower triangular L with L Lᵀ = `matrix`; `None` unless it is positive definite.
#[must_use]
pub fn cholesky(matrix: &Matrix) -> Option<Matrix> {
    let n = matrix.len();
    let mut l = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| l[i][k] * l[j][k]).sum();
            let rest = matrix[i][j] - known;
            l[i][j] = if i == j {
                if rest <= 0.0 || !rest.is_finite() {
                    return None;
                }
                rest.sqrt()
            } else {
                rest / l[j][j]
            };
        }
    }
    Some(l)
}

/// The x with L x = `b`.
#[must_use]
pub fn forward(l: &Matrix, b: &[f64]) -> Vec<f64> {
    let mut x = Vec::with_capacity(b.len());
    for (row, b) in l.iter().zip(b) {
        let known: f64 = row.iter().zip(&x).map(|(a, x)| a * x).sum();
        x.push((b - known) / row[x.len()]);
    }
    x
}

/// The x with Lᵀ x = `b`.
#[must_use]
pub fn backward(l: &Matrix, b: &[f64]) -> Vec<f64> {
    let n = b.len();
    let mut x = vec![0.0; n];
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| l[k][i] * x[k]).sum();
        x[i] = (b[i] - known) / l[i][i];
    }
    x
}

/// Twice the sum of the logarithms of the diagonal: the logarithm of the determinant of L Lᵀ.
#[must_use]
pub fn log_determinant(l: &Matrix) -> f64 {
    let logs = l.iter().enumerate().map(|(i, row)| math::ln(row[i]));
    2.0 * logs.sum::<f64>()
}

/// Eigenvalues of a symmetric matrix, and its eigenvectors as the columns of the second, by Jacobi's rotations.
#[must_use]
pub fn eigen(matrix: &Matrix) -> (Vec<f64>, Matrix) {
    let n = matrix.len();
    let mut a = matrix.clone();
    let mut vectors: Matrix = (0..n)
        .map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect())
        .collect();
    let whole: f64 = a.iter().flatten().map(|x| x * x).sum();
    for _ in 0..60 {
        let off: f64 = (0..n)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| a[i][j] * a[i][j])
            .sum();
        if off <= 1e-30 * whole {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let tan = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let cos = 1.0 / (tan * tan + 1.0).sqrt();
                let sin = tan * cos;
                for row in &mut a {
                    (row[p], row[q]) = (cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]);
                }
                let (upper, lower) = a.split_at_mut(q);
                for (x, y) in upper[p].iter_mut().zip(&mut lower[0]) {
                    (*x, *y) = (cos * *x - sin * *y, sin * *x + cos * *y);
                }
                for row in &mut vectors {
                    (row[p], row[q]) = (cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]);
                }
            }
        }
    }
    ((0..n).map(|i| a[i][i]).collect(), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }

    /// The example of the article on the decomposition in Wikipedia: L = [2; 6 1; −8 5 3].
    #[test]
    fn a_known_factor() {
        let matrix = vec![
            vec![4.0, 12.0, -16.0],
            vec![12.0, 37.0, -43.0],
            vec![-16.0, -43.0, 98.0],
        ];
        let l = cholesky(&matrix).unwrap();
        assert_eq!(l, [[2.0, 0.0, 0.0], [6.0, 1.0, 0.0], [-8.0, 5.0, 3.0]]);
        close(log_determinant(&l), 36f64.ln());
        // A (1, 2, 3)ᵀ = (−20, −43, 192)ᵀ.
        let x = backward(&l, &forward(&l, &[-20.0, -43.0, 192.0]));
        for (found, expect) in x.into_iter().zip([1.0, 2.0, 3.0]) {
            close(found, expect);
        }
        assert_eq!(cholesky(&vec![vec![1.0, 2.0], vec![2.0, 1.0]]), None);
    }

    /// The second difference matrix has eigenvalues 2 − 2 cos(kπ/(n + 1)).
    #[test]
    fn known_eigenvalues() {
        let n = 6;
        let of = |i: usize, j: usize| match i.abs_diff(j) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        };
        let matrix: Matrix = (0..n).map(|i| (0..n).map(|j| of(i, j)).collect()).collect();
        let (values, vectors) = eigen(&matrix);
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        for (k, value) in sorted.into_iter().enumerate() {
            let angle = (k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64;
            close(value, 2.0 - 2.0 * angle.cos());
        }
        for (column, value) in values.into_iter().enumerate() {
            for (row, entries) in matrix.iter().enumerate() {
                let product: f64 = (0..n).map(|k| entries[k] * vectors[k][column]).sum();
                close(product, value * vectors[row][column]);
            }
        }
    }
}
