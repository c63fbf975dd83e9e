//! The conformance of protocols as a table for the terminal, and as the document `analysis/PROTOCOLS.md`.

use std::fmt::Write as _;

use walras_analysis::conformance::{Allowed, Page, Point, Row, Tally, Verdict};
use walras_analysis::words::number;

use crate::terminal::{Options, Style, lines, paint};
use crate::validation::sentences;

/// What the columns are.
const LEGEND: &str = "Every vector is computed here and compared. Exact: the same integer, or the same digits where a number is \
    printed with few. Errors are the largest of the set, absolute in the unit of the row, and relative to the vector. Tolerance: \
    what the origin of the vectors allows; \"as printed\" is half a unit of the last digit, and closed forms are held to what the \
    arithmetic of a float loses, or to what a sum of quantiles or a chaotic map does.";

/// What the second table is.
const THEORY: &str = "Theory: what closed forms and published solutions say, and what the mechanisms do when they are run here. A \
    number that is found by chance has an interval of 3.5 standard errors to both sides, in which theory must lie.";

/// Cells of a row.
struct Cells {
    vectors: String,
    exact: String,
    absolute: String,
    relative: String,
}

impl Cells {
    fn of(row: &Row) -> Self {
        let cell = |of: fn(&Tally) -> String| row.tally.as_ref().map_or_else(String::new, of);
        Self {
            vectors: cell(|tally| number(tally.vectors() as f64, 0)),
            exact: cell(|tally| number(tally.exact() as f64, 0)),
            absolute: cell(|tally| error(tally.largest_absolute())),
            relative: cell(|tally| error(tally.largest_relative())),
        }
    }
}

/// An error with two digits.
fn error(value: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else {
        format!("{value:.1e}").replace('-', "−")
    }
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Agrees => Style::Good,
        Verdict::Differs => Style::Bad,
        Verdict::Missing => Style::Warning,
    }
}

/// The difference from theory, or the interval.
fn apart(point: &Point) -> String {
    match point.allowed {
        Allowed::Error(_) => error((point.found - point.expect).abs()),
        Allowed::Interval(interval) => {
            format!("[{} … {}]", value(interval.low), value(interval.high))
        }
    }
}

/// A number with six digits.
fn value(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let before = value.abs().log10().floor() as i32 + 1;
    let decimals = usize::try_from(6 - before).unwrap_or(0);
    let text = number(value, decimals);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn word(point: &Point) -> &'static str {
    if point.agrees() { "ok" } else { "off" }
}

/// What no row covers, as a sentence; nothing if all is covered.
fn open(page: &Page) -> Option<String> {
    let files: Vec<String> = page
        .open
        .iter()
        .map(|(file, keys)| format!("{file} ({})", keys.join(", ")))
        .collect();
    (!files.is_empty()).then(|| format!("Not compared: {}.", files.join("; ")))
}

/// The page at the width of a terminal; ends with one sentence.
#[must_use]
pub fn table(page: &Page, options: Options) -> String {
    let mut text = String::new();
    let mut push = |line: &str| {
        text.push_str(line.trim_end());
        text.push('\n');
    };
    let head = format!(
        "  {:>7} {:>7} {:>9} {:>9}  {:16}",
        "vectors", "exact", "abs. err.", "rel. err.", "tolerance"
    );
    push(&paint(options, Style::Faint, &head));
    let mut protocol = "";
    for row in &page.rows {
        if protocol != row.protocol {
            protocol = row.protocol;
            push(&paint(options, Style::Heading, protocol));
        }
        for line in lines(row.what, options.width.saturating_sub(2)) {
            push(&format!("  {line}"));
        }
        for line in lines(
            &format!("{}: {}", row.source, row.file),
            options.width.saturating_sub(4),
        ) {
            push(&format!("    {}", paint(options, Style::Faint, &line)));
        }
        let cells = Cells::of(row);
        let verdict = row.verdict();
        push(&format!(
            "  {:>7} {:>7} {:>9} {:>9}  {:16} {}",
            cells.vectors,
            cells.exact,
            cells.absolute,
            cells.relative,
            row.tolerance.words(),
            paint(options, style(verdict), verdict.name()),
        ));
    }
    push("");
    for words in [Some(LEGEND.to_owned()), open(page)].into_iter().flatten() {
        for line in lines(&words, options.width) {
            push(&paint(options, Style::Faint, &line));
        }
        push("");
    }
    if !page.points.is_empty() {
        let head = format!("  {:>13} {:>13}  error or interval", "theory", "found");
        push(&paint(options, Style::Faint, &head));
    }
    let mut theory = "";
    for point in &page.points {
        if theory != point.theory {
            theory = point.theory;
            for line in lines(theory, options.width) {
                push(&paint(options, Style::Heading, &line));
            }
        }
        for line in lines(&point.what, options.width.saturating_sub(2)) {
            push(&format!("  {line}"));
        }
        let style = if point.agrees() {
            Style::Good
        } else {
            Style::Bad
        };
        push(&format!(
            "  {:>13} {:>13}  {:27} {}",
            value(point.expect),
            value(point.found),
            apart(point),
            paint(options, style, word(point)),
        ));
    }
    if !page.points.is_empty() {
        push("");
        for line in lines(THEORY, options.width) {
            push(&paint(options, Style::Faint, &line));
        }
        push("");
    }
    let verdict = if page.passes() {
        Style::Good
    } else {
        Style::Bad
    };
    for line in lines(&page.sentence(), options.width) {
        push(&paint(options, verdict, &line));
    }
    text
}

/// The page as a document.
#[must_use]
pub fn markdown(page: &Page) -> String {
    let mut text = String::from(
        "# The rules of protocols against their test vectors\n\n\
         This page is what `walras validate protocols --markdown` prints; a test compares the two.\n\n",
    );
    for paragraph in [page.sentence().as_str(), LEGEND] {
        let _ = writeln!(text, "{}\n", sentences(paragraph));
    }
    text.push_str(
        "| Protocol | What | Source | Vectors | Exact | Largest error | Relative | Tolerance | |\n\
         |---|---|---|--:|--:|--:|--:|---|---|\n",
    );
    let mut protocol = "";
    for row in &page.rows {
        let cells = Cells::of(row);
        let shown = if protocol == row.protocol {
            ""
        } else {
            row.protocol
        };
        protocol = row.protocol;
        let _ = writeln!(
            text,
            "| {shown} | {} | {}: {} | {} | {} | {} | {} | {} | {} |",
            row.what,
            row.source,
            row.file,
            cells.vectors,
            cells.exact,
            cells.absolute,
            cells.relative,
            row.tolerance.words(),
            row.verdict().name()
        );
    }
    if let Some(open) = open(page) {
        let _ = write!(text, "\n{open}\n");
    }
    if !page.points.is_empty() {
        let _ = writeln!(
            text,
            "\n## Mechanisms against theory\n\n{}\n",
            sentences(THEORY)
        );
        text.push_str(
            "| Theory | What | Expected | Found | Error or interval | |\n|---|---|--:|--:|--:|---|\n",
        );
    }
    let mut theory = "";
    for point in &page.points {
        let shown = if theory == point.theory {
            ""
        } else {
            point.theory
        };
        theory = point.theory;
        let _ = writeln!(
            text,
            "| {shown} | {} | {} | {} | {} | {} |",
            point.what,
            value(point.expect),
            value(point.found),
            apart(point),
            word(point)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use walras_analysis::conformance::Tolerance;
    use walras_analysis::estimate::Interval;

    use super::*;

    fn point(found: f64, allowed: Allowed) -> Point {
        Point {
            theory: "Supply and demand",
            what: "price".to_owned(),
            expect: 0.5,
            found,
            allowed,
        }
    }

    fn page() -> Page {
        let mut tally = Tally::new(Tolerance::Absolute(1.0));
        tally.vector(|vector| vector.whole(3_i64, 4_i64));
        tally.vector(|vector| vector.whole(4_i64, 4_i64));
        let row = |what, tally| Row {
            protocol: "Coin",
            what,
            source: "coin/core 1a2b",
            file: "coin.json",
            tolerance: Tolerance::Absolute(1.0),
            tally,
        };
        Page {
            rows: vec![row("rewards", Some(tally)), row("fees", None)],
            open: vec![("coin.json".to_owned(), vec!["votes".to_owned()])],
            points: vec![
                point(0.5, Allowed::Error(0.1)),
                point(
                    1.25,
                    Allowed::Interval(Interval {
                        low: 1.2,
                        high: 1.3,
                    }),
                ),
            ],
        }
    }

    #[test]
    fn a_table_for_the_terminal() {
        let text = table(&page(), Options::default());
        let expect = "  vectors   exact abs. err. rel. err.  tolerance
Coin
  rewards
    coin/core 1a2b: coin.json
        2       1     1.0e0    2.5e−1  1e0              ok
  fees
    coin/core 1a2b: coin.json
                                       1e0              missing
";
        assert!(text.starts_with(expect), "{text}");
        let end = "\
Not compared: coin.json (votes).

         theory         found  error or interval
Supply and demand
  price
            0.5           0.5  0                           ok
  price
            0.5          1.25  [1.2 … 1.3]                 off

Theory: what closed forms and published solutions say, and what the mechanisms
do when they are run here. A number that is found by chance has an interval of
3.5 standard errors to both sides, in which theory must lie.

All 1 sets of vectors agree: 1 of 2 vectors to the last digit. The file of one
more is missing. 1 of 2 points of theory are missed.
";
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn a_document_names_a_protocol_once() {
        let text = markdown(&page());
        let expect = "\
| Coin | rewards | coin/core 1a2b: coin.json | 2 | 1 | 1.0e0 | 2.5e−1 | 1e0 | ok |
|  | fees | coin/core 1a2b: coin.json |  |  |  |  | 1e0 | missing |

Not compared: coin.json (votes).

## Mechanisms against theory
";
        assert!(text.contains(expect), "{text}");
        let end = "\
| Supply and demand | price | 0.5 | 0.5 | 0 | ok |
|  | price | 0.5 | 1.25 | [1.2 … 1.3] | off |
";
        assert!(text.ends_with(end), "{text}");
    }
}
