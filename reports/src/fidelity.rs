//! The two fidelities of economies side by side, as a table for the terminal and as the document `analysis/FIDELITIES.md`; and the
//! curve that a flow goes by.

use std::fmt::Write as _;

use walras_analysis::estimate::Estimate;
use walras_analysis::fidelity::{Report, Row, TOLERANCE, Verdict};
use walras_analysis::goodput::Curve;
use walras_analysis::words::{number, title};

use crate::terminal::{Options, Style, lines, paint};

/// What the table is.
const ABOUT: &str = "The same economies request by request and as a flow, on the same seeds. Difference: of the flow from the \
    requests, paired by replication, with its 95 % interval.";

/// A row as text.
struct Cells {
    jobs: String,
    fluid: String,
    difference: String,
    interval: String,
}

impl Cells {
    fn of(row: &Row) -> Self {
        let unit = row.figure.metric().unit;
        let (factor, unit) = if unit == "1" {
            (100.0, "%")
        } else {
            (1.0, unit)
        };
        let value = |estimate: &Estimate| digits(estimate.mean * factor, 4);
        let percent = |ratio: f64| signed((ratio - 1.0) * 100.0);
        let interval = row.ratio.interval.map_or_else(String::new, |interval| {
            format!("[{} … {}]", percent(interval.low), percent(interval.high))
        });
        Self {
            jobs: value(&row.jobs),
            fluid: format!("{} {unit}", value(&row.fluid)),
            difference: format!("{} %", percent(row.ratio.mean)),
            interval,
        }
    }
}

/// With so many digits that say something.
fn digits(value: f64, count: i32) -> String {
    let leading = if value == 0.0 {
        0
    } else {
        value.abs().log10().floor() as i32
    };
    number(value, usize::try_from(count - 1 - leading).unwrap_or(0))
}

fn signed(value: f64) -> String {
    let sign = if value < 0.0 { "−" } else { "+" };
    format!("{sign}{}", number(value.abs(), 1))
}

/// What comes of it, in a sentence.
fn verdict(report: &Report) -> String {
    let off = report
        .rows
        .iter()
        .filter(|row| row.verdict() == Verdict::Apart)
        .count();
    let unclear = report
        .rows
        .iter()
        .filter(|row| row.verdict() == Verdict::Unclear)
        .count();
    let tolerance = number(TOLERANCE * 100.0, 0);
    let mut text = if off == 0 {
        format!(
            "All {} figures agree to {tolerance} %",
            report.rows.len() - unclear
        )
    } else {
        format!(
            "{off} of {} figures are off by more than {tolerance} %",
            report.rows.len()
        )
    };
    if unclear > 0 {
        write!(text, "; {unclear} more may be off or not").expect("a string takes everything");
    }
    text + "."
}

/// The report at the width of a terminal; ends with one sentence.
#[must_use]
pub fn table(report: &Report, options: Options) -> String {
    let cells: Vec<Cells> = report.rows.iter().map(Cells::of).collect();
    let name = |row: &Row| title(row.figure).chars().count();
    let widest = |of: fn(&Cells) -> &str, least: usize| {
        cells
            .iter()
            .map(|cells| of(cells).chars().count())
            .fold(least, usize::max)
    };
    let figure = report.rows.iter().map(name).max().unwrap_or(0);
    let jobs = widest(|cells| &cells.jobs, 8);
    let fluid = widest(|cells| &cells.fluid, 4);
    let difference = widest(|cells| &cells.difference, 10);
    let mut text = String::new();
    let mut push = |line: &str| {
        text.push_str(line.trim_end());
        text.push('\n');
    };
    for line in lines(ABOUT, options.width) {
        push(&paint(options, Style::Faint, &line));
    }
    let mut economy = "";
    for (row, cells) in report.rows.iter().zip(&cells) {
        if economy != row.economy {
            economy = &row.economy;
            push("");
            push(&paint(options, Style::Heading, economy));
            let head = format!(
                "  {:figure$} {:>jobs$} {:fluid$} {:>difference$}",
                "", "requests", "flow", "difference"
            );
            push(&paint(options, Style::Faint, &head));
        }
        let style = match row.verdict() {
            Verdict::Close => Style::Good,
            Verdict::Unclear => Style::Warning,
            Verdict::Apart => Style::Bad,
        };
        push(&format!(
            "  {:figure$} {:>jobs$} {:fluid$} {:>difference$} {} {}",
            title(row.figure),
            cells.jobs,
            cells.fluid,
            cells.difference,
            cells.interval,
            paint(options, style, row.verdict().name()),
        ));
    }
    push("");
    let words = format!(
        "{} {} days, {} replications, seed {}.",
        verdict(report),
        number(report.days, 0),
        report.replications,
        report.seed
    );
    for line in lines(&words, options.width) {
        push(&line);
    }
    text
}

/// The document.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = format!(
        "# The two fidelities of economies\n\n\
         Written by `walras validate fidelities --markdown`; do not edit.\n\n\
         {ABOUT}\n\
         {} days measured, {} replications, seed {}. {}\n\n\
         | economy | figure | requests | flow | difference | interval | |\n|---|---|---:|---:|---:|---|---|\n",
        number(report.days, 0),
        report.replications,
        report.seed,
        verdict(report)
    );
    for row in &report.rows {
        let cells = Cells::of(row);
        writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.economy,
            title(row.figure),
            cells.jobs,
            cells.fluid,
            cells.difference,
            cells.interval,
            row.verdict().name()
        )
        .expect("a string takes everything");
    }
    text
}

/// A measured curve at the width of a terminal, and how to use it.
#[must_use]
pub fn goodput(curve: &Curve, network: &str, options: Options) -> String {
    let spread = |estimate: &Estimate| {
        let half = estimate
            .interval
            .map_or(0.0, |interval| (interval.high - interval.low) / 2.0);
        format!("± {}", number(half * 100.0, 2))
    };
    let percent = |estimate: &Estimate| number(estimate.mean * 100.0, 2);
    let mut text = format!(
        "{} nodes could do {} million output tokens a day, at {} USD each if never idle\n\n",
        curve.nodes,
        digits(curve.capacity.mean, 4),
        digits(curve.cost.mean, 3),
    );
    let head = format!("  {:>8} {:>8}", "wanted %", "served %");
    text += &paint(options, Style::Faint, &head);
    text.push('\n');
    for point in &curve.points {
        writeln!(
            text,
            "  {:>8} {:>8} {}",
            percent(&point.wanted),
            percent(&point.served),
            spread(&point.served)
        )
        .expect("a string takes everything");
    }
    writeln!(text, "\nfor the network `{network}`\n{}", yaml(curve))
        .expect("a string takes everything");
    text
}

/// The curve as a key of a network.
#[must_use]
pub fn yaml(curve: &Curve) -> String {
    let points = curve.points();
    let points: Vec<String> = points.iter().map(|(x, y)| format!("[{x}, {y}]")).collect();
    format!("goodput: [{}]", points.join(", "))
}
