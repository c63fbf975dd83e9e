//! The tables of a sensitivity analysis: the indices in long format, and the figures at all points.

use super::{Analysis, Explained};
use crate::response::{Answer, Quantity};
use crate::store::{Cells, Table};
use walras_scenarios::study::{Parameter, Setting};

/// The name of the table of indices.
pub const INDICES: &str = "indices.parquet";

/// The name of the table of points.
pub const POINTS: &str = "points.parquet";

/// A row for each figure, parameter and index.
#[must_use]
pub fn indices(analysis: &Analysis) -> Table {
    let (mut figure, mut unit, mut parameter, mut index) = (vec![], vec![], vec![], vec![]);
    let (mut value, mut low, mut high, mut n, mut method) =
        (vec![], vec![], vec![], vec![], vec![]);
    for Explained {
        quantity, effects, ..
    } in &analysis.figures
    {
        for (place, effect) in effects.iter().flatten().enumerate() {
            for (name, estimate) in effect.indices() {
                figure.push(quantity.name.clone());
                let is_share = name.starts_with('S');
                unit.push(if is_share { "1" } else { quantity.unit() }.to_owned());
                parameter.push(analysis.parameters[place].name.clone());
                index.push(name.to_owned());
                value.push(Some(estimate.mean));
                low.push(estimate.interval.map(|interval| interval.low));
                high.push(estimate.interval.map(|interval| interval.high));
                n.push(Some(estimate.n as f64));
                method.push(estimate.method.name().to_owned());
            }
        }
    }
    vec![
        ("figure".to_owned(), Cells::Text(figure)),
        ("unit".to_owned(), Cells::Text(unit)),
        ("parameter".to_owned(), Cells::Text(parameter)),
        ("index".to_owned(), Cells::Text(index)),
        ("value".to_owned(), Cells::Numbers(value)),
        ("low".to_owned(), Cells::Numbers(low)),
        ("high".to_owned(), Cells::Numbers(high)),
        ("n".to_owned(), Cells::Numbers(n)),
        ("method".to_owned(), Cells::Text(method)),
    ]
}

/// A row for each point, figure and replication, with a column for each of `parameters`: its value in its unit, or the index of a
/// choice.
#[must_use]
pub fn points(
    parameters: &[Parameter],
    points: &[Vec<Setting>],
    quantities: &[Quantity],
    answers: &[Answer],
) -> Table {
    let (mut point, mut figure, mut replication, mut value) = (vec![], vec![], vec![], vec![]);
    let mut set = vec![vec![]; parameters.len()];
    for (index, (settings, answer)) in points.iter().zip(answers).enumerate() {
        for (quantity, values) in quantities.iter().zip(answer) {
            for (number, found) in values.iter().enumerate() {
                point.push(Some((index + 1) as f64));
                figure.push(quantity.name.clone());
                replication.push(Some(number as f64));
                value.push(*found);
                for (column, setting) in set.iter_mut().zip(settings) {
                    column.push(Some(setting.value));
                }
            }
        }
    }
    let mut table = vec![("point".to_owned(), Cells::Numbers(point))];
    let columns = parameters.iter().zip(set);
    table.extend(
        columns.map(|(parameter, column)| (parameter.name.clone(), Cells::Numbers(column))),
    );
    table.push(("figure".to_owned(), Cells::Text(figure)));
    table.push(("replication".to_owned(), Cells::Numbers(replication)));
    table.push(("value".to_owned(), Cells::Numbers(value)));
    table
}
