//! Equilibria of economies as a table for the terminal and as a page: where they rest, from which start, and whether they do.

use walras_analysis::curves::Quantity as Column;
use walras_analysis::equilibrium::stability::with_interval;
use walras_analysis::equilibrium::{COLUMNS, END_WORDS, Equilibrium, Fate, Rest, Stable, Way};
use walras_analysis::findings::list;
use walras_analysis::words::number;

use crate::figures;
use crate::study::{Page, Sheet, Subject, blocks, columns, fits, heading, notes, pictures};
use crate::terminal::Options;

/// Each economy's ends by start, then what becomes of it.
#[must_use]
pub fn table(all: &[Equilibrium], options: Options) -> String {
    let mut text = String::new();
    for found in all {
        for sheet in std::iter::once(sheet(found)).chain(stability(found)) {
            heading(&sheet.title, options, &mut text);
            if fits(&sheet.head, &sheet.rows, options) {
                columns(&sheet.head, &sheet.rows, options, &mut text);
            } else {
                blocks(&sheet.head, &sheet.rows, &mut text);
            }
            text.push('\n');
        }
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
        parameters: vec![
            [
                "owners at the start".to_owned(),
                "owners.online".to_owned(),
                "1, 10, 40 and 100 % of all".to_owned(),
            ],
            [
                "price at the start".to_owned(),
                "initial_price".to_owned(),
                "a third of the scenario's own and three times it, with its own share of owners"
                    .to_owned(),
            ],
        ],
        figures: pictures(all.iter().filter_map(titled)),
        tables: all
            .iter()
            .flat_map(|found| std::iter::once(sheet(found)).chain(stability(found)))
            .collect(),
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
        .filter(|column| *column != Column::TokenPrice || has_token)
        .collect();
    let name = |column: Column| match column {
        Column::Providers => "providers",
        Column::Price => "price",
        Column::Utilization => "used",
        Column::Share => "share",
        Column::Earning => "earning",
        Column::Cost => "cost",
        _ => "token",
    };
    let mut head = vec!["start".to_owned(), "end".to_owned()];
    head.extend(shown.iter().map(|&column| name(column).to_owned()));
    let row = |way: &Way| {
        let mut row = vec![way.start.words(), end(way)];
        row.extend(shown.iter().map(|&column| {
            let value = way.end[column];
            match column {
                Column::Providers => number(value, 0),
                Column::Utilization | Column::Share => {
                    format!("{} %", number(value * 100.0, 1))
                }
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

/// How fast deviations from each rest go, if there is one.
fn stability(found: &Equilibrium) -> Option<Sheet> {
    let row = |(rest, stable): &(Rest, Stable)| {
        let mut row = vec![number(rest.providers, 0), number(rest.price, 3)];
        match stable {
            Stable::Decays(of) => row.extend([
                of.column.name().to_owned(),
                with_interval(&of.multiplier, 4),
                with_interval(&of.half_life, 1),
                of.period
                    .as_ref()
                    .map_or("–".to_owned(), |period| with_interval(period, 1)),
                format!("{} %", number(of.stays.1 * 100.0, 0)),
            ]),
            Stable::Gone(days) => {
                let gone = format!("gone within {}", number(*days, 1));
                row.extend(["–", "–", &gone, "–", "0 %"].map(str::to_owned));
            }
            Stable::Stays => row.extend(["–", "–", "stays", "–", "100 %"].map(str::to_owned)),
            Stable::Unknown => row.extend(["–", "–", "not told", "–", "–"].map(str::to_owned)),
        }
        row
    };
    let head = [
        "providers",
        "price",
        "slowest in",
        "multiplier by epoch",
        "half-life [days]",
        "swings every [days]",
        "stays",
    ];
    (!found.rests.is_empty()).then(|| Sheet {
        title: format!("{}: what becomes of a small deviation", found.economy),
        head: head.map(str::to_owned).to_vec(),
        rows: found.rests.iter().map(row).collect(),
    })
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
        format!(", without {}", list(&found.stilled).unwrap_or_default())
    };
    format!(
        "the economy itself over {} years from each start{without}; means over the last quarter. Deviations: all demand is 10 % higher or lower for 30 days, and what is left between the two is followed, on the same random numbers; 95 % intervals over replications",
        found.years
    )
}
