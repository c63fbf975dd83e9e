//! The table of all trials of a search, in long format.

use super::Tuning;
use crate::store::{Cells, Table};

/// The name of the table.
pub const TRIALS: &str = "trials.parquet";

/// A row for each trial and quantity: the mean over replications, whether all constraints hold there and whether it is on the front,
/// with a column for each parameter (its value in its unit, or the index of a choice).
#[must_use]
pub fn trials(tuning: &Tuning) -> Table {
    let (mut number, mut figure, mut unit, mut value) = (vec![], vec![], vec![], vec![]);
    let (mut feasible, mut on_front) = (vec![], vec![]);
    let mut set = vec![vec![]; tuning.parameters.len()];
    let flag = |is: bool| Some(if is { 1.0 } else { 0.0 });
    for (index, trial) in tuning.trials.iter().enumerate() {
        for (quantity, values) in tuning.quantities.iter().zip(&trial.answer) {
            let present: Vec<f64> = values.iter().flatten().copied().collect();
            number.push(Some((index + 1) as f64));
            figure.push(quantity.name.clone());
            unit.push(quantity.unit().to_owned());
            value.push((!present.is_empty()).then(|| crate::response::mean(&present)));
            feasible.push(flag(trial.judged.is_feasible()));
            on_front.push(flag(tuning.front.contains(&index)));
            for (column, setting) in set.iter_mut().zip(&trial.settings) {
                column.push(Some(setting.value));
            }
        }
    }
    let mut table = vec![("trial".to_owned(), Cells::Numbers(number))];
    let columns = tuning.parameters.iter().zip(set);
    table.extend(
        columns.map(|(parameter, column)| (parameter.name.clone(), Cells::Numbers(column))),
    );
    table.push(("figure".to_owned(), Cells::Text(figure)));
    table.push(("unit".to_owned(), Cells::Text(unit)));
    table.push(("value".to_owned(), Cells::Numbers(value)));
    table.push(("feasible".to_owned(), Cells::Numbers(feasible)));
    table.push(("on_front".to_owned(), Cells::Numbers(on_front)));
    table
}
