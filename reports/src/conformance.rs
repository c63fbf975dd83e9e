//! The conformance of protocols as a table for the terminal, and as the document `analysis/PROTOCOLS.md`.

use std::fmt::Write as _;

use walras_analysis::conformance::{Page, Row, Tally, Verdict};
use walras_analysis::words::number;

use crate::terminal::{Options, Style, lines, paint};
use crate::validation::sentences;

/// What the columns are.
const LEGEND: &str = "Every vector is computed here and compared. Exact: the same integer, or the same digits where a number is \
    printed with few. Errors are the largest of the set, absolute in the unit of the row, and relative to the vector. Tolerance: \
    what the origin of the vectors allows; \"as printed\" is half a unit of the last digit, and closed forms are held to what the \
    arithmetic of a float loses, or to what a sum of quantiles or a chaotic map does.";

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
    text
}

#[cfg(test)]
mod tests {
    use walras_analysis::conformance::Tolerance;

    use super::*;

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
        }
    }

    #[test]
    fn a_table_for_the_terminal() {
        let text = table(&page(), Options::default());
        let expect = "\
  vectors   exact abs. err. rel. err.  tolerance
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

All 1 sets of vectors agree: 1 of 2 vectors to the last digit. The file of one
more is missing.
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
";
        assert!(text.ends_with(expect), "{text}");
    }
}
