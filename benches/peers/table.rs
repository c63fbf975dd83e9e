//! What was measured, as a Markdown table of rates and ratios, and whether all engines simulated the same.

use std::fmt::Write;

use crate::workload::{LOAD, SERVERS, Workload, erlang_response};

/// The measurements of one engine on one workload, a round each.
#[derive(Clone, Default)]
pub struct Cell {
    /// Million events, customers or jobs per second of user CPU time.
    pub rates: Vec<f64>,
    pub checks: Vec<f64>,
}

/// An engine and its cells, in the order of [`Workload::ALL`].
pub struct Row {
    pub title: String,
    pub cells: [Cell; 5],
}

/// The first row is the one that the others are compared with: its rate over theirs, round by round, and of these the median.
pub fn markdown(rows: &[Row]) -> String {
    let mut table = String::from("| million per CPU second (Walras is … times as fast) |");
    for workload in Workload::ALL {
        let _ = write!(table, " {workload} |");
    }
    table.push_str("\n|---|---:|---:|---:|---:|---:|\n");
    for (index, row) in rows.iter().enumerate() {
        let _ = write!(table, "| {} |", row.title);
        for (cell, reference) in row.cells.iter().zip(&rows[0].cells) {
            if cell.rates.is_empty() {
                table.push_str(" – |");
                continue;
            }
            let _ = write!(table, " {}", digits(median(&cell.rates)));
            if index > 0 {
                let pairs = reference.rates.iter().zip(&cell.rates);
                let ratios: Vec<_> = pairs.map(|(ours, theirs)| ours / theirs).collect();
                let _ = write!(table, " ({}×)", digits_of_ratio(median(&ratios)));
            }
            table.push_str(" |");
        }
        table.push('\n');
    }
    table
}

/// How far the rounds lie apart, over all cells: (highest − lowest) / median, its median and its largest.
pub fn spread(rows: &[Row]) -> (f64, f64) {
    let spreads: Vec<f64> = rows
        .iter()
        .flat_map(|row| &row.cells)
        .filter(|cell| !cell.rates.is_empty())
        .map(|cell| (highest(&cell.rates) - lowest(&cell.rates)) / median(&cell.rates))
        .collect();
    (median(&spreads), highest(&spreads))
}

/// One line per quantity on which the engines must agree, and one per engine that does not; and whether all agree.
pub fn agreement(rows: &[Row], station_tolerance: f64) -> (String, bool) {
    let (mut text, mut all) = (String::new(), true);
    for (column, workload) in Workload::ALL.into_iter().enumerate() {
        let means: Vec<(&str, f64)> = rows
            .iter()
            .filter(|row| !row.cells[column].checks.is_empty())
            .map(|row| (row.title.as_str(), mean(&row.cells[column].checks)))
            .collect();
        let values: Vec<f64> = means.iter().map(|(_, value)| *value).collect();
        if values.is_empty() {
            continue;
        }
        // The standard errors are below 0.4 % (hold) and 1 % (cluster, for which there is no closed form).
        let (what, expected, tolerance) = match workload {
            Workload::Hold(_) => ("clock × pending / holds", 1.0, 0.02),
            Workload::Station => (
                "mean response [s], expected by Erlang's formula",
                erlang_response(SERVERS, LOAD),
                station_tolerance,
            ),
            Workload::Cluster => (
                "mean response [s] of the first jobs to finish, expected as the median",
                median(&values),
                0.03,
            ),
        };
        let _ = writeln!(
            text,
            "- {workload}: {:.4} to {:.4} ({what}: {expected:.4} ± {:.0} %).",
            lowest(&values),
            highest(&values),
            100.0 * tolerance,
        );
        for (title, value) in means {
            if (value / expected - 1.0).abs() > tolerance {
                all = false;
                let _ = writeln!(text, "- **{title} simulates something else: {value:.4}.**");
            }
        }
    }
    let verdict = if all { "agree" } else { "do not agree" };
    (format!("The engines {verdict}:\n\n{text}"), all)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Of an even number of values, the mean of the middle two.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = ((sorted.len() - 1) / 2, sorted.len() / 2);
    f64::midpoint(sorted[low], sorted[high])
}

fn lowest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn highest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// Two or three significant digits.
fn digits(value: f64) -> String {
    match value {
        10.0.. => format!("{value:.1}"),
        0.1..10.0 => format!("{value:.2}"),
        0.01..0.1 => format!("{value:.3}"),
        _ => format!("{value:.4}"),
    }
}

fn digits_of_ratio(value: f64) -> String {
    match value {
        20.0.. => format!("{value:.0}"),
        _ => format!("{value:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(title: &str, rates: &[f64], checks: &[f64]) -> Row {
        let mut cells: [Cell; 5] = Default::default();
        cells[3] = Cell {
            rates: rates.to_vec(),
            checks: checks.to_vec(),
        };
        Row {
            title: title.to_owned(),
            cells,
        }
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        let rows = [
            row("ours", &[10.0, 20.0, 12.0], &[1.02]),
            row("theirs", &[5.0, 10.0, 0.5], &[1.02]),
        ];
        let table = markdown(&rows);
        assert!(table.contains("| ours | – | – | – | 12.0 | – |"), "{table}");
        assert!(
            table.contains("| theirs | – | – | – | 5.00 (2.0×) | – |"),
            "{table}"
        );
    }

    /// A station that never makes anyone wait has a mean response of 1, two percent below Erlang's.
    #[test]
    fn a_station_without_waiting_is_found_out() {
        let rows = [row("ours", &[1.0], &[1.021]), row("theirs", &[1.0], &[1.0])];
        let (text, all) = agreement(&rows, 0.01);
        assert!(!all && text.contains("**theirs simulates something else: 1.0000.**"));
        assert!(agreement(&rows[..1], 0.01).1);
    }
}
