//! A break-even as a table for the terminal and as a page: the difference of two platforms along a parameter, and where it is zero.

use walras_analysis::breakeven::{Found, STEPS, Step};
use walras_analysis::words::capitalized;

use crate::figures;
use crate::study::{Page, Sheet, Subject, columns, heading, notes, pictures, ranges};
use crate::terminal::Options;

/// The points along the parameter, then what was found.
#[must_use]
pub fn table(found: &Found, options: Options) -> String {
    let mut text = String::new();
    let sheet = sheet(found);
    heading(&sheet.title, options, &mut text);
    columns(&sheet.head, &sheet.rows, options, &mut text);
    text.push('\n');
    notes(&[found.finding()], &basis(found), &[], options, &mut text);
    text
}

/// The page: what was found, and the difference along the parameter.
#[must_use]
pub fn page(found: &Found, subject: Subject<'_>) -> String {
    let page = Page {
        kind: "break-even",
        name: subject.name,
        question: subject.question,
        extent: format!("{} points", found.steps.len()),
        findings: vec![capitalized(&found.finding())],
        basis: capitalized(&basis(found)),
        warnings: Vec::new(),
        parameters: ranges(std::slice::from_ref(&found.parameter)),
        figures: pictures([figures::breakeven::figure(found)]),
        tables: vec![sheet(found)],
        data: format!(
            "{STEPS} holds the points; of a scenario, each point is a run directory beside it."
        ),
    };
    page.text()
}

fn sheet(found: &Found) -> Sheet {
    let mut head = vec![found.parameter.name.clone()];
    head.extend(
        found
            .quantities
            .iter()
            .map(|quantity| match quantity.metric {
                Some(_) => quantity.of.clone(),
                None => quantity.name.clone(),
            }),
    );
    head.push("difference".to_owned());
    let row = |step: &Step| {
        let mut row = vec![step.setting.text.clone()];
        for (quantity, figure) in found.quantities.iter().zip(&step.figures) {
            row.push(figure.map_or("none".to_owned(), |figure| {
                quantity.scale([figure.mean]).plus_minus(&figure)
            }));
        }
        let scale = found.quantities[0].scale([step.difference.mean]);
        let shown = scale.show(&step.difference);
        let interval = shown
            .interval
            .map_or(String::new(), |interval| format!(" {interval}"));
        row.push(format!("{}{interval}", shown.value));
        row
    };
    let [first, second] = found.sides();
    Sheet {
        title: capitalized(&format!("{first}, less {second}")),
        head,
        rows: found.steps.iter().map(row).collect(),
    }
}

/// What stands behind the numbers.
fn basis(found: &Found) -> String {
    let n = found
        .steps
        .iter()
        .map(|step| step.difference.n)
        .max()
        .unwrap_or(0);
    let interval = if n > 1 {
        format!(
            "; [ ] are 95 % intervals over n = {n} replications, paired, that of the break-even by the slope there (delta method)"
        )
    } else {
        String::new()
    };
    format!(
        "bisection over {} points that share their random numbers{interval}",
        found.steps.len()
    )
}
