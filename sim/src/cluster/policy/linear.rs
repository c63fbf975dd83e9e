//! Small linear programs: the simplex method on a dense tableau, with Bland's rule (Bland, Mathematics of Operations Research 2, 1977).

/// A best point, and what each bound is worth there.
pub(super) struct Best {
    pub values: Vec<f64>,
    /// Gain of the goal for each unit that a bound is raised by.
    pub prices: Vec<f64>,
}

/// What counts as nothing, of coefficients around one.
const NOTHING: f64 = 1e-10;

/// The x ≥ 0 with `rows`·x ≤ `bounds` for which `goal`·x is the largest; `None` if there is none, or no largest.
pub(super) fn maximize(goal: &[f64], rows: &[Vec<f64>], bounds: &[f64]) -> Option<Best> {
    let (height, width) = (rows.len(), goal.len());
    // Columns: variables, a slack for each row, one artificial variable, the bound.
    let (artificial, bound) = (width + height, width + height + 1);
    let mut tableau = Tableau {
        rows: Vec::with_capacity(height),
        basis: (width..width + height).collect(),
    };
    for (index, row) in rows.iter().enumerate() {
        let mut cells = vec![0.0; bound + 1];
        cells[..width].copy_from_slice(row);
        cells[width + index] = 1.0;
        cells[artificial] = -1.0;
        cells[bound] = bounds[index];
        tableau.rows.push(cells);
    }
    let worst = (0..height).min_by(|&a, &b| bounds[a].total_cmp(&bounds[b]))?;
    if bounds[worst] < 0.0 {
        // The artificial variable makes every row hold, and is then made as small as possible.
        let mut costs = vec![0.0; bound + 1];
        costs[artificial] = 1.0;
        tableau.pivot(worst, artificial, &mut costs);
        tableau.improve(&mut costs, artificial + 1)?;
        if costs[bound].abs() > 1e-7 {
            return None;
        }
        if let Some(row) = tableau.basis.iter().position(|&it| it == artificial) {
            let column = (0..artificial).find(|&it| tableau.rows[row][it].abs() > NOTHING)?;
            tableau.pivot(row, column, &mut costs);
        }
    }
    let mut costs = vec![0.0; bound + 1];
    for (cost, gain) in costs.iter_mut().zip(goal) {
        *cost = -gain;
    }
    for row in 0..height {
        let column = tableau.basis[row];
        let cost = costs[column];
        if cost != 0.0 {
            subtract(&mut costs, cost, &tableau.rows[row]);
        }
    }
    tableau.improve(&mut costs, artificial)?;
    let mut values = vec![0.0; width];
    for (row, &column) in tableau.rows.iter().zip(&tableau.basis) {
        if column < width {
            values[column] = row[bound].max(0.0);
        }
    }
    Some(Best {
        values,
        prices: costs[width..artificial].to_vec(),
    })
}

struct Tableau {
    rows: Vec<Vec<f64>>,
    /// The variable that each row gives.
    basis: Vec<usize>,
}

impl Tableau {
    /// Exchanges variables among the first `columns` until no cost is negative; `None` if the goal has no bound.
    fn improve(&mut self, costs: &mut [f64], columns: usize) -> Option<()> {
        while let Some(column) = (0..columns).find(|&it| costs[it] < -NOTHING) {
            let mut leaves: Option<(f64, usize)> = None;
            for (index, row) in self.rows.iter().enumerate() {
                if row[column] <= NOTHING {
                    continue;
                }
                let ratio = row.last()? / row[column];
                let first = leaves.is_none_or(|(least, at)| {
                    ratio < least - 1e-12
                        || (ratio - least).abs() <= 1e-12 && self.basis[index] < self.basis[at]
                });
                if first {
                    leaves = Some((ratio, index));
                }
            }
            self.pivot(leaves?.1, column, costs);
        }
        Some(())
    }

    fn pivot(&mut self, at: usize, column: usize, costs: &mut [f64]) {
        let mut row = std::mem::take(&mut self.rows[at]);
        let pivot = row[column];
        for cell in &mut row {
            *cell /= pivot;
        }
        for other in self.rows.iter_mut().filter(|other| !other.is_empty()) {
            let times = other[column];
            if times != 0.0 {
                subtract(other, times, &row);
                other[column] = 0.0;
            }
        }
        let times = costs[column];
        subtract(costs, times, &row);
        costs[column] = 0.0;
        self.rows[at] = row;
        self.basis[at] = column;
    }
}

fn subtract(from: &mut [f64], times: f64, row: &[f64]) {
    for (cell, other) in from.iter_mut().zip(row) {
        *cell -= times * other;
    }
}
