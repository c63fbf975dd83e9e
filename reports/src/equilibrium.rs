//! Equilibria of economies as a table for the terminal and as a page: where they rest, from which start, and whether they do.

use walras_analysis::curves::Quantity as Column;
use walras_analysis::equilibrium::{COLUMNS, END_WORDS, Equilibrium, Fate, Way};
use walras_analysis::words::number;

use crate::figures;
use crate::study::{Page, Sheet, Subject, blocks, columns, fits, heading, notes, pictures};
use crate::terminal::Options;

/// Each economy's ends by start, then what becomes of it.
#[must_use]
pub fn table(all: &[Equilibrium], options: Options) -> String {
    let mut text = String::new();
    for found in all {
        let sheet = sheet(found);
        heading(&sheet.title, options, &mut text);
        if fits(&sheet.head, &sheet.rows, options) {
            columns(&sheet.head, &sheet.rows, options, &mut text);
        } else {
            blocks(&sheet.head, &sheet.rows, &mut text);
        }
        text.push('\n');
        notes(&found.verdict(), &basis(found), &[], options, &mut text);
        text.push('\n');
    }
    text
}

/// The page: what becomes of each economy, and its ways.
#[must_use]
pub fn page(all: &[Equilibrium], subject: Subject<'_>) -> String {
    let several = all.len() > 1;
    let findings = all.iter().flat_map(|found| {
        let words = found.verdict().into_iter();
        words.map(move |words| {
            if several {
                format!("{}: {words}", found.economy)
            } else {
                words
            }
        })
    });
    let titled = |found: &Equilibrium| {
        let mut figure = figures::equilibrium::figure(found)?;
        if several {
            figure.title = format!("{}: {}", found.economy, figure.title);
        }
        Some(figure)
    };
    let page = Page {
        kind: "equilibrium",
        name: subject.name,
        question: subject.question,
        extent: format!(
            "{} ways",
            all.iter().map(|found| found.ways.len()).sum::<usize>()
        ),
        findings: findings.collect(),
        basis: all.first().map(basis).unwrap_or_default(),
        warnings: Vec::new(),
        parameters: vec![[
            "start".to_owned(),
            "owners.online".to_owned(),
            "1, 10, 40 and 100 % of the owners".to_owned(),
        ]],
        figures: pictures(all.iter().filter_map(titled)),
        tables: all.iter().map(sheet).collect(),
        data:
            "The numbers behind each figure are beside it; `--json` gives the ends and the verdict."
                .to_owned(),
    };
    page.text()
}

fn sheet(found: &Equilibrium) -> Sheet {
    let has_token = found
        .ways
        .iter()
        .any(|way| way.end[Column::TokenPrice] > 0.0);
    let shown: Vec<Column> = COLUMNS
        .into_iter()
        .filter(|column| *column != Column::Share && (*column != Column::TokenPrice || has_token))
        .collect();
    let name = |column: Column| match column {
        Column::Providers => "providers",
        Column::Price => "price",
        Column::Utilization => "used",
        Column::Earning => "earning",
        Column::Cost => "cost",
        _ => "token",
    };
    let mut head = vec!["start".to_owned(), "end".to_owned()];
    head.extend(shown.iter().map(|&column| name(column).to_owned()));
    let row = |way: &Way| {
        let mut row = vec![format!("{} %", way.start * 100.0), end(way)];
        row.extend(shown.iter().map(|&column| {
            let value = way.end[column];
            match column {
                Column::Providers => number(value, 0),
                Column::Utilization => format!("{} %", number(value * 100.0, 1)),
                _ => number(value, 3),
            }
        }));
        row
    };
    Sheet {
        title: format!("{}: {END_WORDS}", found.economy),
        head,
        rows: found.ways.iter().map(row).collect(),
    }
}

fn end(way: &Way) -> String {
    match way.fate {
        Fate::Rests { settled } => format!("rests after {} d", number(settled, 0)),
        Fate::Swings { amplitude, .. } => format!("swings ± {} %", number(amplitude * 100.0, 1)),
        Fate::Moves { .. } => "still moving".to_owned(),
        Fate::Dies { at } => format!("gone after {} d", number(at, 0)),
    }
}

/// What stands behind the numbers.
fn basis(found: &Equilibrium) -> String {
    let without = if found.stilled.is_empty() {
        String::new()
    } else {
        format!(", without {}", found.stilled.join(", "))
    };
    format!(
        "the economy itself over {} years from each start{without}; means over the last quarter",
        found.years
    )
}
