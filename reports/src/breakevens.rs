//! Break-evens of several parameters as a table for the terminal and as a page with a panel for each parameter.

use walras_analysis::breakeven::several::{Along, Several};
use walras_analysis::words::capitalized;

use crate::figures;
use crate::study::{Page, Sheet, Subject, blocks, columns, fits, heading, notes, pictures, ranges};
use crate::terminal::Options;

/// A row for each parameter and factor, a column for each platform that is compared with, then how the scenario stands.
#[must_use]
pub fn table(several: &Several, options: Options) -> String {
    let mut text = String::new();
    let sheet = sheet(several);
    heading(&sheet.title, options, &mut text);
    if fits(&sheet.head, &sheet.rows, options) {
        columns(&sheet.head, &sheet.rows, options, &mut text);
    } else {
        blocks(&sheet.head, &sheet.rows, &mut text);
    }
    text.push('\n');
    notes(
        &several.standing(),
        &basis(several),
        &[],
        options,
        &mut text,
    );
    text
}

/// The page: the curves, then the same table.
#[must_use]
pub fn page(several: &Several, subject: Subject<'_>, file: &str) -> String {
    let points: usize = several.along.iter().map(|along| along.looks.len()).sum();
    let parameters: Vec<_> = several
        .along
        .iter()
        .map(|along| along.parameter.clone())
        .collect();
    let mut parameters = ranges(&parameters);
    for (row, along) in parameters.iter_mut().zip(&several.along) {
        if let Some(stands) = &along.stands {
            row[2] = format!("{}; the scenario has {stands}", row[2]);
        }
    }
    let page = Page {
        kind: "break-even",
        name: subject.name,
        question: subject.question,
        extent: format!("{points} points"),
        findings: several
            .standing()
            .iter()
            .map(|one| capitalized(one))
            .collect(),
        basis: capitalized(&basis(several)),
        warnings: Vec::new(),
        parameters,
        figures: pictures([figures::breakevens::figure(several)]),
        tables: vec![sheet(several)],
        data: format!("{file} holds the points; each is a run directory beside it."),
    };
    page.text()
}

fn sheet(several: &Several) -> Sheet {
    let first = &several.quantities[0];
    let mut head = vec!["where".to_owned(), "stands at".to_owned()];
    let others = several.quantities[1..].iter();
    head.extend(others.map(|other| format!("against {}", other.of)));
    let rows = several.along.iter().flat_map(|along| {
        let of = |(index, times): (usize, &f64)| row(several, along, index, *times);
        several.times.iter().enumerate().map(of).collect::<Vec<_>>()
    });
    Sheet {
        title: capitalized(&format!(
            "where the {} is so many times that of others",
            first.title()
        )),
        head,
        rows: rows.collect(),
    }
}

fn row(several: &Several, along: &Along, index: usize, times: f64) -> Vec<String> {
    let stands = along
        .stands
        .clone()
        .unwrap_or_else(|| "as inherited".to_owned());
    let mut row = vec![format!("{} × by {}", times, along.parameter.name), stands];
    let found = along.found.iter().skip(index).step_by(several.times.len());
    row.extend(found.map(|found| several.cell(found)));
    row
}

/// What stands behind the numbers.
fn basis(several: &Several) -> String {
    let points: usize = several.along.iter().map(|along| along.looks.len()).sum();
    let n = several.present.iter().flatten().map(|ratio| ratio.n).max();
    let n = n.unwrap_or(0);
    let interval = if n > 1 {
        format!("; [ ] are 95 % intervals over n = {n} replications, paired (delta method)")
    } else {
        String::new()
    };
    format!("one parameter at a time, {points} points that share their random numbers{interval}")
}
