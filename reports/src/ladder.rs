//! The validation ladder of the cost model as a table for the terminal, and as the document `scenarios/calibration/VALIDATION.md`.

use std::fmt::Write as _;

use walras_analysis::calibration::ladder::{Ladder, Row, peers};
use walras_analysis::words::number;

use crate::terminal::{Options, Style, lines, paint};
use crate::validation::sentences;

/// What the columns are.
const LEGEND: &str = "Errors are predicted / measured − 1 of times: a negative bias (median) says that the model is too fast. \
    Median, mean and p90 are of absolute errors, in per cent. Fitted: rates of the device were fitted to these points. Held out: \
    to others of the same device. Data sheet: to none of the device, which is predicted from its data sheet and its class.";

/// Why the league table is not a ranking.
const LEAGUE: &str = "What others publish, beside the rows above. The test sets differ, in hardware, engine version, load and \
    choice of requests, so the figures do not rank the systems; those that the authors of BLIS report of others are a \
    competitor's.";

/// Errors in per cent.
struct Cells {
    count: String,
    bias: String,
    median: String,
    mean: String,
    p90: String,
    bound: String,
}

impl Cells {
    fn of(row: &Row) -> Self {
        let percent = |share: f64| number(share * 100.0, 1);
        let errors = &row.errors;
        let sign = if errors.bias < 0.0 { "−" } else { "+" };
        Self {
            count: number(errors.count as f64, 0),
            bias: format!("{sign}{}", percent(errors.bias.abs())),
            median: percent(errors.median),
            mean: percent(errors.mean),
            p90: percent(errors.p90),
            bound: row.target.map_or_else(String::new, |target| {
                let kept = if row.is_within() == Some(true) {
                    "ok"
                } else {
                    "off"
                };
                format!("≤ {} {kept}", number(target * 100.0, 0))
            }),
        }
    }
}

/// The ladder at the width of a terminal; ends with one sentence.
#[must_use]
pub fn table(ladder: &Ladder, options: Options) -> String {
    let mut text = String::new();
    let mut push = |line: &str| {
        text.push_str(line.trim_end());
        text.push('\n');
    };
    let faint = |words: &str| -> Vec<String> {
        let lines = lines(words, options.width);
        lines
            .iter()
            .map(|line| paint(options, Style::Faint, line))
            .collect()
    };
    let quantity = ladder.rows().map(|row| row.quantity.chars().count());
    let quantity = quantity.max().unwrap_or(0);
    for rung in &ladder.rungs {
        push(&paint(options, Style::Heading, rung.title));
        for line in faint(rung.about) {
            push(&line);
        }
        let head = format!(
            "  {:quantity$} {:10} {:>6} {:>6} {:>6} {:>6}",
            "", "", "n", "bias", "median", "p90"
        );
        push(&paint(options, Style::Faint, &head));
        let mut device = "";
        for row in &rung.rows {
            if device != row.device {
                push(&paint(options, Style::Value, &row.device));
                device = &row.device;
            }
            let cells = Cells::of(row);
            let style = match row.is_within() {
                None => Style::Faint,
                Some(true) => Style::Good,
                Some(false) => Style::Bad,
            };
            push(&format!(
                "  {:quantity$} {:10} {:>6} {:>6} {:>6} {:>6} {}",
                row.quantity,
                row.status.name(),
                cells.count,
                cells.bias,
                cells.median,
                cells.p90,
                paint(options, style, &cells.bound),
            ));
        }
        push("");
    }
    push(&paint(options, Style::Heading, "Published errors"));
    for line in faint(LEAGUE) {
        push(&line);
    }
    for peer in peers() {
        push(&paint(options, Style::Value, peer.system));
        for words in [peer.error, peer.on, peer.source] {
            for line in lines(words, options.width.saturating_sub(2)) {
                push(&format!("  {line}"));
            }
        }
    }
    push("");
    for line in faint(LEGEND) {
        push(&line);
    }
    push("");
    let style = if ladder.passes() {
        Style::Good
    } else {
        Style::Bad
    };
    for line in lines(&ladder.sentence(), options.width) {
        push(&paint(options, style, &line));
    }
    text
}

/// The ladder as a document.
#[must_use]
pub fn markdown(ladder: &Ladder) -> String {
    let mut text = String::from(
        "# The cost model against measurements\n\n\
         This page is what `walras validate calibration --markdown` prints; a test compares the two.\n\n",
    );
    for paragraph in [ladder.sentence().as_str(), LEGEND] {
        let _ = writeln!(text, "{}\n", sentences(paragraph));
    }
    for rung in &ladder.rungs {
        let _ = write!(
            text,
            "## {}\n\n{}\n\n| Device | Predicted | | n | Bias | Median | Mean | p90 | Bound |\n|---|---|---|--:|--:|--:|--:|--:|---|\n",
            rung.title,
            sentences(rung.about)
        );
        let mut device = "";
        for row in &rung.rows {
            let cells = Cells::of(row);
            let shown = if device == row.device {
                ""
            } else {
                &row.device
            };
            let _ = writeln!(
                text,
                "| {shown} | {} | {} | {} | {} | {} | {} | {} | {} |",
                row.quantity,
                row.status.name(),
                cells.count,
                cells.bias,
                cells.median,
                cells.mean,
                cells.p90,
                cells.bound
            );
            device = &row.device;
        }
        text.push('\n');
    }
    let _ = write!(
        text,
        "## Published errors\n\n{}\n\n| System | Error | On | Source |\n|---|---|---|---|\n",
        sentences(LEAGUE)
    );
    for peer in peers() {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            peer.system, peer.error, peer.on, peer.source
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use walras_analysis::calibration::Errors;
    use walras_analysis::calibration::ladder::{Rung, Status};

    use super::*;

    fn ladder() -> Ladder {
        let row = |quantity: &str, target| Row {
            device: "card".to_owned(),
            quantity: quantity.to_owned(),
            status: Status::HeldOut,
            errors: Errors::of([(0.9, 1.0), (1.3, 1.0), (0.8, 1.0)]).expect("three"),
            target,
        };
        Ladder {
            rungs: vec![Rung {
                title: "Kernels",
                about: "Single operations. All of them.",
                rows: vec![row("products", None), row("all", Some(0.1))],
            }],
        }
    }

    #[test]
    fn a_table_for_the_terminal() {
        let text = table(&ladder(), Options::default());
        let expect = "\
Kernels
Single operations. All of them.
                           n   bias median    p90
card
  products held out        3  −10.0   20.0   28.0
  all      held out        3  −10.0   20.0   28.0 ≤ 10 off

Published errors
";
        assert!(text.starts_with(expect), "{text}");
        assert!(
            text.ends_with("1 of 1 median errors with a bound exceed it.\n"),
            "{text}"
        );
    }

    #[test]
    fn a_document_names_a_device_once() {
        let text = markdown(&ladder());
        let expect = "\
| card | products | held out | 3 | −10.0 | 20.0 | 20.0 | 28.0 |  |
|  | all | held out | 3 | −10.0 | 20.0 | 20.0 | 28.0 | ≤ 10 off |
";
        assert!(text.contains(expect), "{text}");
        assert!(
            text.contains("\nSingle operations.\nAll of them.\n"),
            "{text}"
        );
    }
}
