//! The figures of a sweep as a long table: a row for each point, platform and figure, in CSV.

use std::fmt::Write;

use crate::estimate::{Estimate, Interval};

use super::Swept;

/// The name of the table.
pub const CSV: &str = "sweep.csv";

/// All figures of all finished points. The column `figure` says whether a row is the `value` on its platform, or its
/// `difference` or `ratio` to the baseline of the same point.
///
/// # Panics
/// Never: a string takes everything.
#[must_use]
pub fn csv(swept: &Swept<'_>) -> String {
    let mut text = "point,".to_owned();
    for axis in &swept.sweep.axes {
        text += &quoted(&axis.path);
        text.push(',');
    }
    text += "platform,metric,figure,unit,estimate,low,high,n,method\n";
    for (point, comparison) in swept.finished() {
        let mut start = quoted(&point.name);
        for (_, value) in swept.sweep.settings(point) {
            start.push(',');
            start += &quoted(value);
        }
        for row in &comparison.rows {
            let metric = row.metric.metric();
            for (entry, cell) in comparison.entries.iter().zip(&row.cells) {
                let figures = [
                    ("value", metric.unit, cell.estimate),
                    (
                        "difference",
                        metric.unit,
                        cell.difference.map(|d| d.difference),
                    ),
                    ("ratio", "1", cell.difference.and_then(|d| d.ratio)),
                ];
                for (figure, unit, estimate) in figures {
                    let Some(Estimate {
                        mean,
                        interval,
                        n,
                        method,
                        ..
                    }) = estimate
                    else {
                        continue;
                    };
                    let ends = interval.map_or(",".to_owned(), |Interval { low, high }| {
                        format!("{low},{high}")
                    });
                    let (platform, name, method) =
                        (quoted(&entry.name), metric.name, method.name());
                    writeln!(
                        text,
                        "{start},{platform},{name},{figure},{unit},{mean},{ends},{n},{method}"
                    )
                    .expect("a string takes everything");
                }
            }
        }
    }
    text
}

/// A field as RFC 4180 has it.
fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
