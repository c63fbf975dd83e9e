//! Tuning as tables for the terminal and as a page: what is proposed, what it is worth under fresh random numbers, and the front.

use walras_analysis::estimate::Estimate;
use walras_analysis::study::{Bound, TuneMethod};
use walras_analysis::tune::{Holds, Limit, Proposal, Recommended, TRIALS, Tuning};
use walras_analysis::words::{capitalized, percent, title};

use crate::figures;
use crate::study::{Page, Sheet, Subject, blocks, columns, fits, heading, notes, pictures, ranges};
use crate::terminal::Options;

/// The title of the table of which no column may be left out.
const WORTH: &str = "What it is worth";

/// What is proposed, then what it says, then what to keep in mind.
#[must_use]
pub fn table(tuning: &Tuning, options: Options) -> String {
    let mut text = String::new();
    for sheet in sheets(tuning) {
        heading(&sheet.title, options, &mut text);
        let is_worth = sheet.title == WORTH;
        if is_worth && !fits(&sheet.head, &sheet.rows, options) {
            blocks(&sheet.head, &sheet.rows, &mut text);
        } else {
            columns(&sheet.head, &sheet.rows, options, &mut text);
        }
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

fn sheets(tuning: &Tuning) -> Vec<Sheet> {
    let mut sheets = proposed(tuning);
    sheets.extend(recommended(tuning));
    sheets
}

/// In which part of its range each parameter keeps the constraints.
fn recommended(tuning: &Tuning) -> Option<Sheet> {
    let ranges = tuning.recommended();
    let row = |range: &Recommended| {
        let ends = range.ends.as_ref();
        vec![
            tuning.parameters[range.parameter].name.clone(),
            ends.map_or("none".to_owned(), |(low, high)| format!("{low} to {high}")),
            percent(range.inside),
            range.outside.map_or(String::new(), percent),
        ]
    };
    (!ranges.is_empty()).then(|| Sheet {
        title: format!(
            "Where {} of the points keep all constraints",
            percent(tuning.ask.confidence)
        ),
        head: ["parameter", "recommended", "keep them", "outside"]
            .map(str::to_owned)
            .to_vec(),
        rows: ranges.iter().map(row).collect(),
    })
}

fn proposed(tuning: &Tuning) -> Vec<Sheet> {
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
            let mut row = vec![name, of(proposal.fresh[index])];
            if let Some(stands) = &tuning.stands {
                row.extend([of(stands[index]), of(proposal.searched[index])]);
            }
            row.push(bound(tuning, proposal, index));
            row
        });
    // A function knows no seeds.
    let head: &[&str] = match tuning.stands {
        Some(_) => &[
            "figure",
            "fresh seeds",
            "as it stands",
            "in the search",
            "constraint",
        ],
        None => &["figure", "value", "constraint"],
    };
    Sheet {
        title: WORTH.to_owned(),
        head: head.iter().map(|name| (*name).to_owned()).collect(),
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
            "The front: {} of its {} points{}",
            tuning.proposals.len(),
            tuning.front.len(),
            if tuning.stands.is_some() {
                ", under fresh seeds"
            } else {
                ""
            }
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
