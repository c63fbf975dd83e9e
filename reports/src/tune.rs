//! Tuning as tables for the terminal and as a page: what is proposed, what it is worth under fresh random numbers, and the front.

use walras_analysis::estimate::Estimate;
use walras_analysis::study::{Bound, TuneMethod};
use walras_analysis::tune::{Holds, Limit, Proposal, TRIALS, Tuning};
use walras_analysis::words::{capitalized, title};

use crate::figures;
use crate::study::{Page, Sheet, Subject, columns, notes, pictures, push, ranges};
use crate::terminal::{Options, Style, paint};

/// What is proposed, then what it says, then what to keep in mind.
#[must_use]
pub fn table(tuning: &Tuning, options: Options) -> String {
    let mut text = String::new();
    for sheet in sheets(tuning) {
        push(&mut text, &paint(options, Style::Heading, &sheet.title));
        // Of a wide table the objectives come first; what does not fit stands on the page.
        let (head, rows) = fitting(&sheet, options.width);
        columns(&head, &rows, options, &mut text);
        text.push('\n');
    }
    notes(
        &tuning.findings(),
        &basis(tuning),
        &tuning.warnings(),
        options,
        &mut text,
    );
    text
}

/// The page: what was found, how the search went, and the front.
#[must_use]
pub fn page(tuning: &Tuning, subject: Subject<'_>) -> String {
    let page = Page {
        kind: "tuning",
        name: subject.name,
        question: subject.question,
        extent: format!("{} points", tuning.trials.len()),
        findings: tuning
            .findings()
            .iter()
            .map(|text| capitalized(text))
            .collect(),
        basis: capitalized(&basis(tuning)),
        warnings: tuning.warnings(),
        parameters: ranges(&tuning.parameters),
        figures: pictures(figures::tune::all(tuning)),
        tables: sheets(tuning),
        data: format!(
            "{TRIALS} holds all points with their figures, in long format; of a scenario, each point is a run directory beside it, point-… with its own seed and fresh-… with the fresh one."
        ),
    };
    page.text()
}

/// As many columns as fit; the first and the last ones go.
fn fitting(sheet: &Sheet, width: usize) -> (Vec<String>, Vec<Vec<String>>) {
    let of = |column: usize| {
        let cells = sheet
            .rows
            .iter()
            .map(|row| &row[column])
            .chain([&sheet.head[column]]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0) + 2
    };
    let mut used = 0;
    let kept: Vec<usize> = (0..sheet.head.len())
        .take_while(|column| {
            used += of(*column);
            used <= width
        })
        .collect();
    let pick = |row: &Vec<String>| kept.iter().map(|column| row[*column].clone()).collect();
    (pick(&sheet.head), sheet.rows.iter().map(pick).collect())
}

fn sheets(tuning: &Tuning) -> Vec<Sheet> {
    match tuning.proposals.as_slice() {
        [] => Vec::new(),
        [one] if tuning.ask.goals.len() == 1 => vec![set(tuning, one), worth(tuning, one)],
        _ => vec![front(tuning)],
    }
}

/// What is proposed.
fn set(tuning: &Tuning, proposal: &Proposal) -> Sheet {
    let settings = &tuning.trials[proposal.trial].settings;
    let pairs = tuning.parameters.iter().zip(settings);
    Sheet {
        title: format!(
            "Proposed: point {} of {}",
            proposal.trial + 1,
            tuning.trials.len()
        ),
        head: ["parameter", "value", "path"].map(str::to_owned).to_vec(),
        rows: pairs
            .map(|(parameter, setting)| {
                vec![
                    parameter.name.clone(),
                    setting.text.clone(),
                    parameter.path.clone(),
                ]
            })
            .collect(),
    }
}

/// What it is worth.
fn worth(tuning: &Tuning, proposal: &Proposal) -> Sheet {
    let rows = tuning
        .quantities
        .iter()
        .enumerate()
        .map(|(index, quantity)| {
            let name = match quantity.metric {
                Some(metric) => format!("{}, {}", title(metric), quantity.of),
                None => quantity.name.clone(),
            };
            let of = |estimate: Option<Estimate>| {
                estimate.map_or("none".to_owned(), |estimate| {
                    quantity.scale([estimate.mean]).plus_minus(&estimate)
                })
            };
            let stands = tuning.stands.as_ref().and_then(|stands| stands[index]);
            let mut row = vec![name, of(proposal.fresh[index])];
            if tuning.stands.is_some() {
                row.push(of(stands));
            }
            row.push(of(proposal.searched[index]));
            row.push(bound(tuning, proposal, index));
            row
        });
    let mut head = vec!["figure".to_owned(), "fresh seeds".to_owned()];
    if tuning.stands.is_some() {
        head.push("as it stands".to_owned());
    }
    head.extend(["in the search", "constraint"].map(str::to_owned));
    Sheet {
        title: "What it is worth".to_owned(),
        head,
        rows: rows.collect(),
    }
}

/// What must hold of a quantity, and whether it does.
fn bound(tuning: &Tuning, proposal: &Proposal, quantity: usize) -> String {
    let pairs = tuning.ask.limits.iter().zip(&proposal.holds);
    let own = pairs.filter(|(limit, _)| limit.quantity == quantity);
    let said = own.map(|(Limit { bound, .. }, holds)| {
        let scale = |value: f64| tuning.quantities[quantity].scale([value]).value(value);
        let asked = match bound {
            Bound::AtMost(most) => format!("≤ {}", scale(*most)),
            Bound::AtLeast(least) => format!("≥ {}", scale(*least)),
        };
        let kept = match holds {
            Holds::Clearly => "holds",
            Holds::Perhaps => "unclear",
            Holds::Not => "broken",
        };
        format!("{asked}: {kept}")
    });
    said.collect::<Vec<_>>().join("; ")
}

/// The members of the front that were evaluated again.
fn front(tuning: &Tuning) -> Sheet {
    let mut head = vec!["point".to_owned()];
    for goal in &tuning.ask.goals {
        let quantity = &tuning.quantities[goal.quantity];
        head.push(match quantity.metric {
            Some(metric) => format!("{}, {}", metric.metric().name, quantity.of),
            None => quantity.name.clone(),
        });
    }
    head.extend(
        tuning
            .parameters
            .iter()
            .map(|parameter| parameter.name.clone()),
    );
    let row = |proposal: &Proposal| {
        let mut row = vec![format!("{}", proposal.trial + 1)];
        for goal in &tuning.ask.goals {
            let quantity = &tuning.quantities[goal.quantity];
            row.push(
                proposal.fresh[goal.quantity].map_or("none".to_owned(), |fresh| {
                    quantity.scale([fresh.mean]).plus_minus(&fresh)
                }),
            );
        }
        let settings = &tuning.trials[proposal.trial].settings;
        row.extend(settings.iter().map(|setting| setting.text.clone()));
        row
    };
    Sheet {
        title: format!(
            "The front: {} of its {} points, under fresh seeds",
            tuning.proposals.len(),
            tuning.front.len()
        ),
        head,
        rows: tuning.proposals.iter().map(row).collect(),
    }
}

/// What stands behind the numbers.
fn basis(tuning: &Tuning) -> String {
    let method = match tuning.ask.method {
        TuneMethod::Grid => "a grid",
        TuneMethod::LatinHypercube => "a Latin hypercube",
        TuneMethod::Sobol => "a Sobol sequence",
        TuneMethod::Evolutionary if tuning.ask.goals.len() > 1 => "NSGA-II",
        TuneMethod::Evolutionary => "CMA-ES",
        TuneMethod::Bayesian => "expected improvement by a Gaussian process",
    };
    let fresh = if tuning.stands.is_some() {
        "; what is proposed was run again with seeds that the search did not use, and ± is half a 95 % interval over these replications"
    } else {
        ""
    };
    format!("{} points by {method}{fresh}", tuning.trials.len())
}
