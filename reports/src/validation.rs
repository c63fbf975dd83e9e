//! The verification suite as a table for the terminal, and as the document `analysis/VALIDATION.md`.

use std::fmt::Write;

use walras_analysis::coverage::{self, Claim};
use walras_analysis::estimate::CONFIDENCE;
use walras_analysis::validation::{
    COVERAGE, Check, FAMILY, Group, REPLICATIONS, Report, Row, Verdict, WIDEST,
};
use walras_analysis::words::number;

use crate::terminal::{Options, Style, lines, paint};

/// A row as text.
struct Cells {
    theory: String,
    found: String,
    /// The interval, or what was compared.
    spread: String,
    /// The distance.
    apart: String,
}

/// Digits that a closed form and an exact value show.
const DIGITS: i32 = 5;

impl Cells {
    fn of(row: &Row) -> Self {
        match row.check {
            Check::Mean { half_width, t, .. } => {
                // Two digits of the half-width.
                let decimals = decimals(half_width, 2);
                Self {
                    theory: number(row.theory, decimals),
                    found: number(row.found, decimals),
                    spread: format!("± {}", number(half_width, decimals)),
                    apart: format!("{t:+.2}").replace('-', "−"),
                }
            }
            Check::Exact {
                compared, apart, ..
            } => Self {
                theory: number(row.theory, decimals(row.theory, DIGITS)),
                found: number(row.found, decimals(row.found, DIGITS)),
                spread: format!("n = {}", number(compared as f64, 0)),
                apart: if apart == 0 {
                    "exact".to_owned()
                } else {
                    format!("{apart} ns")
                },
            },
        }
    }
}

/// Decimals that show `digits` digits of `value`.
fn decimals(value: f64, digits: i32) -> usize {
    if value == 0.0 || !value.is_finite() {
        return 0;
    }
    let leading = value.abs().log10().floor() as i32;
    usize::try_from(digits - 1 - leading).unwrap_or(0)
}

/// The report at the width of a terminal; ends with one sentence.
#[must_use]
pub fn table(report: &Report, options: Options) -> String {
    let cells: Vec<Cells> = report.rows().map(Cells::of).collect();
    let widest = |head: &str, of: fn(&Cells) -> &str| {
        let widths = cells.iter().map(|cells| of(cells).chars().count());
        widths.fold(head.len(), usize::max)
    };
    let columns = [
        widest("theory", |cells| &cells.theory),
        widest("found", |cells| &cells.found),
        widest("", |cells| &cells.spread),
        widest("t", |cells| &cells.apart),
    ];
    let quantity = report.rows().map(|row| row.quantity.chars().count());
    let quantity = quantity.max().unwrap_or(0);
    let mut text = String::new();
    let mut push = |line: &str| {
        text.push_str(line.trim_end());
        text.push('\n');
    };
    let [theory, found, spread, apart] = columns;
    for group in &report.groups {
        push(&paint(options, Style::Heading, group.title));
        for line in lines(group.about, options.width) {
            push(&paint(options, Style::Faint, &line));
        }
        let head = format!(
            "  {:quantity$} {:>theory$} {:>found$} {:spread$} {:>apart$}",
            "", "theory", "found", "", "t"
        );
        push(&paint(options, Style::Faint, &head));
        for system in &group.systems {
            push(&paint(options, Style::Value, &system.name));
            for row in &system.rows {
                let cells = Cells::of(row);
                let verdict = report.verdict(row);
                let style = match verdict {
                    Verdict::Agrees => Style::Good,
                    Verdict::Disagrees => Style::Bad,
                    Verdict::Vague => Style::Warning,
                };
                push(&format!(
                    "  {:quantity$} {:>theory$} {:>found$} {:spread$} {:>apart$} {}",
                    row.quantity,
                    cells.theory,
                    cells.found,
                    cells.spread,
                    cells.apart,
                    paint(options, style, verdict.name()),
                ));
            }
        }
        push("");
    }
    if !report.coverage.is_empty() {
        push(&paint(options, Style::Heading, COVERAGE));
        for line in lines(COVERAGE_ABOUT, options.width) {
            push(&paint(options, Style::Faint, &line));
        }
        let mut method = "";
        for row in &report.coverage {
            if method != row.method {
                push(&paint(options, Style::Value, row.method));
                method = row.method;
            }
            let Covered {
                share,
                band,
                said,
                promise,
            } = Covered::of(row);
            let mark = match row.claim {
                Claim::Kept => format!("{promise} "),
                Claim::InTheLimit => String::new(),
            };
            let style = match (row.passes(), row.is_within()) {
                (false, _) => Style::Bad,
                (true, true) => Style::Good,
                (true, false) => Style::Faint,
            };
            push(&format!("  {}, {}", row.system, row.quantity));
            push(&format!(
                "    {:47} {share:>5} {band} {mark}{}",
                row.data,
                paint(options, style, said)
            ));
        }
        push("");
    }
    for line in lines(&criterion(report), options.width) {
        push(&paint(options, Style::Faint, &line));
    }
    push("");
    let style = if report.passes() {
        Style::Good
    } else {
        Style::Bad
    };
    for line in lines(&report.sentence(), options.width) {
        push(&paint(options, style, &line));
    }
    text
}

/// What the coverage study does.
const COVERAGE_ABOUT: &str = "How many intervals of 1,000 experiments hold the truth, and between which shares a kept promise lies with \
probability 99.9 %. A method that promises it for long runs only is shown on short ones too: there it may fall short. \
Only the rows marked as promised count in the summary, and must lie in the band.";

/// A row of the coverage study as text.
struct Covered {
    share: String,
    band: String,
    said: &'static str,
    /// Whether the promise is made for this length of run.
    promise: &'static str,
}

impl Covered {
    fn of(row: &coverage::Row) -> Self {
        let percent = |share: f64| number(share * 100.0, 1);
        Self {
            share: percent(row.share),
            band: format!("{}–{}", percent(row.low), percent(row.high)),
            said: match (row.passes(), row.is_within()) {
                (false, _) => "off",
                (true, true) => "ok",
                (true, false) => "short",
            },
            promise: match row.claim {
                Claim::Kept => "promised",
                Claim::InTheLimit => "in the limit",
            },
        }
    }
}

/// How the rows are judged.
fn criterion(report: &Report) -> String {
    let mut text = if report.rows().next().is_none() {
        String::new()
    } else if report.means() == 0 {
        "What is exact agrees in every integer.".to_owned()
    } else {
        format!(
            "± is the {:.0} % interval over {REPLICATIONS} replications, t the distance in standard errors (seed {}). \
             A mean is off when its p-value is below {:.1e}: {:.0} % over all {} means together (Bonferroni). \
             It is vague when its interval is wider than ± {:.0} %. What is exact agrees in every integer.",
            CONFIDENCE * 100.0,
            report.seed,
            report.level(),
            FAMILY * 100.0,
            report.means(),
            WIDEST * 100.0,
        )
    };
    if !report.coverage.is_empty() {
        let _ = write!(
            text,
            " The coverage study has its own seeds, from {} on.",
            number(coverage::SEED as f64, 0)
        );
    }
    text.trim_start().to_owned()
}

/// The report as a document.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = String::from(
        "# The engine against theory\n\n\
         This page is what `walras validate engine --markdown` prints; a test compares the two.\n\n",
    );
    for paragraph in [report.sentence(), criterion(report)] {
        let _ = writeln!(text, "{}\n", sentences(&paragraph));
    }
    for group in &report.groups {
        section(report, group, &mut text);
    }
    if !report.coverage.is_empty() {
        covered(&report.coverage, &mut text);
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn section(report: &Report, group: &Group, text: &mut String) {
    let _ = write!(
        text,
        "## {}\n\n{}\n\n| System | Quantity | Theory | Found | | t | |\n|---|---|--:|--:|:--|--:|---|\n",
        group.title,
        sentences(group.about)
    );
    for system in &group.systems {
        let mut name = system.name.as_str();
        for row in &system.rows {
            let cells = Cells::of(row);
            let _ = writeln!(
                text,
                "| {name} | {} | {} | {} | {} | {} | {} |",
                row.quantity,
                cells.theory,
                cells.found,
                cells.spread,
                cells.apart,
                report.verdict(row).name()
            );
            name = "";
        }
    }
    text.push('\n');
}

fn covered(rows: &[coverage::Row], text: &mut String) {
    let _ = write!(
        text,
        "## {COVERAGE}\n\n{}\n\n| Method | System | Quantity | Data | Coverage [%] | Band [%] | Half-width | Promise | |\n\
         |---|---|---|---|--:|---|--:|---|---|\n",
        sentences(COVERAGE_ABOUT)
    );
    for row in rows {
        let Covered {
            share,
            band,
            said,
            promise,
        } = Covered::of(row);
        let refused = if row.intervals < row.seeds {
            format!("; {} gave an interval", row.intervals)
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {}{refused} | {share} | {band} | ± {} % | {promise} | {said} |",
            row.method,
            row.system,
            row.quantity,
            row.data,
            number(row.relative_half_width * 100.0, 1)
        );
    }
}

/// One sentence per line.
pub(crate) fn sentences(text: &str) -> String {
    let mut out = String::new();
    for (index, sentence) in text.split(". ").enumerate() {
        // A sentence starts with a capital letter; an abbreviation goes on.
        if index > 0 {
            let starts = sentence.chars().next().is_some_and(char::is_uppercase);
            out.push_str(if starts { ".\n" } else { ". " });
        }
        out.push_str(sentence);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_analysis::validation::System;

    fn report() -> Report {
        let rows = vec![
            Row::mean("mean wait [s]", 9.0, &[8.9, 9.2, 9.1, 8.95]),
            Row::exact("Little's law", (0.0, 0.0), 12_345, "customers", 0),
            Row::exact("Little's law", (0.0, 3.0), 12_345, "customers", 3),
        ];
        Report {
            seed: 1,
            groups: vec![Group {
                title: "Queues",
                about: "M/M/1. See Kleinrock 1975, ch. 3.",
                systems: vec![System {
                    name: "M/M/1, ρ = 0.9".to_owned(),
                    rows,
                }],
            }],
            coverage: Vec::new(),
        }
    }

    #[test]
    fn a_table_for_the_terminal() {
        let text = table(&report(), Options::default());
        let expect = "\
Queues
M/M/1. See Kleinrock 1975, ch. 3.
                theory  found                t
M/M/1, ρ = 0.9
  mean wait [s]   9.00   9.04 ± 0.22     +0.54 ok
  Little's law       0      0 n = 12,345 exact ok
  Little's law       0 3.0000 n = 12,345  3 ns off

";
        assert!(text.starts_with(expect), "{text}");
        let last = "1 of 3 comparisons are off or too vague.\n";
        assert!(text.ends_with(last), "{text}");
    }

    #[test]
    fn a_document_has_a_sentence_per_line() {
        let text = markdown(&report());
        assert!(
            text.contains("\nM/M/1.\nSee Kleinrock 1975, ch. 3.\n"),
            "{text}"
        );
        assert!(
            text.contains("| M/M/1, ρ = 0.9 | mean wait [s] | 9.00 | 9.04 | ± 0.22 | +0.54 | ok |"),
            "{text}"
        );
    }
}
