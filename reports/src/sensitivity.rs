//! A sensitivity analysis as tables for the terminal and as a page: what moves each figure, with intervals.

use walras_analysis::estimate::Estimate;
use walras_analysis::response::function::Exact;
use walras_analysis::sensitivity::{Analysis, Effect, Explained, INDICES, POINTS};
use walras_analysis::study::SensitivityMethod;
use walras_analysis::words::{Scale, capitalized, number};

use crate::figures;
use crate::study::{Page, Sheet, Subject, columns, heading, notes, pictures, ranges};
use crate::terminal::Options;

/// For each figure a table of all parameters, then what they say, then what to keep in mind. Where indices are known exactly, they
/// stand beside the estimates.
#[must_use]
pub fn table(analysis: &Analysis, exact: Option<&[Exact]>, options: Options) -> String {
    let mut text = String::new();
    for figure in &analysis.figures {
        heading(&spread(figure), options, &mut text);
        if figure.effects.is_ok() {
            let (head, rows) = sheet(analysis, figure, exact);
            columns(&head, &rows, options, &mut text);
        }
        text.push('\n');
    }
    notes(
        &analysis.findings(),
        &basis(analysis),
        &analysis.warnings(),
        options,
        &mut text,
    );
    text
}

/// The page: what was found, a figure and a table for each quantity.
#[must_use]
pub fn page(analysis: &Analysis, exact: Option<&[Exact]>, subject: Subject<'_>) -> String {
    let explained = || {
        analysis
            .figures
            .iter()
            .filter(|figure| figure.effects.is_ok())
    };
    let page = Page {
        kind: "sensitivity",
        name: subject.name,
        question: subject.question,
        extent: format!("{} points", analysis.points.len()),
        findings: analysis
            .findings()
            .iter()
            .map(|text| capitalized(text))
            .collect(),
        basis: capitalized(&basis(analysis)),
        warnings: analysis.warnings(),
        parameters: ranges(&analysis.parameters),
        figures: pictures(
            explained().filter_map(|figure| figures::sensitivity::figure(analysis, figure)),
        ),
        tables: explained()
            .map(|figure| {
                let (head, rows) = sheet(analysis, figure, exact);
                let title = spread(figure);
                Sheet { title, head, rows }
            })
            .collect(),
        data: format!(
            "{INDICES} holds the indices and {POINTS} the figures at all points, in long format; of a scenario, each point is a run directory beside them."
        ),
    };
    page.text()
}

/// What a figure is, and how it varies.
fn spread(figure: &Explained) -> String {
    let scale = figure.quantity.scale([figure.mean]);
    let title = capitalized(&figure.quantity.title());
    if figure.effects.is_err() {
        return title;
    }
    format!(
        "{title}: {} on average, standard deviation {}",
        scale.value(figure.mean),
        scale.value(figure.deviation)
    )
}

/// The table of one figure, the parameter that matters most above.
fn sheet(
    analysis: &Analysis,
    figure: &Explained,
    exact: Option<&[Exact]>,
) -> (Vec<String>, Vec<Vec<String>>) {
    let ranked = figure.ranked();
    let sizes = ranked.iter().map(|(_, effect)| effect.weight().mean);
    let scale = figure.quantity.scale(sizes);
    let bare = Scale { unit: "", ..scale };
    let share = |estimate: &Estimate| {
        let interval = estimate.interval.map_or(String::new(), |interval| {
            format!(
                " [{} … {}]",
                number(interval.low, 3),
                number(interval.high, 3)
            )
        });
        format!("{}{interval}", number(estimate.mean, 3))
    };
    let shown = |estimate: &Estimate| {
        let shown = bare.show(estimate);
        match shown.interval {
            Some(interval) => format!("{} {interval}", shown.value),
            None => shown.value,
        }
    };
    let unit = match scale.unit {
        "" => String::new(),
        unit => format!(" [{unit}]"),
    };
    let mut head = match analysis.method {
        SensitivityMethod::Sobol => ["parameter", "S1, alone", "ST, with all interplay"]
            .map(str::to_owned)
            .to_vec(),
        SensitivityMethod::Morris => vec![
            "parameter".to_owned(),
            format!("μ*{unit}"),
            format!("μ{unit}"),
            format!("σ{unit}"),
        ],
    };
    let exact = exact.filter(|_| analysis.method == SensitivityMethod::Sobol);
    if exact.is_some() {
        head.extend(["exact S1", "ST"].map(str::to_owned));
    }
    let row = |(index, effect): &(usize, &Effect)| {
        let mut row = vec![analysis.parameters[*index].name.clone()];
        match effect {
            Effect::Sobol { first, total } => row.extend([share(first), share(total)]),
            Effect::Morris { mu, mu_star, sigma } => {
                row.extend([shown(mu_star), shown(mu), bare.value(*sigma)]);
            }
        }
        if let Some((first, total)) = exact.map(|exact| exact[*index]) {
            row.extend([number(first, 3), number(total, 3)]);
        }
        row
    };
    (head, ranked.iter().map(row).collect())
}

/// What stands behind the numbers.
fn basis(analysis: &Analysis) -> String {
    let replications = analysis
        .figures
        .iter()
        .map(|figure| figure.replications)
        .max();
    let chance = match replications {
        Some(n) if n > 1 => {
            format!(", each the mean of {n} replications that all points share")
        }
        _ => String::new(),
    };
    let points = analysis.points.len();
    match analysis.method {
        SensitivityMethod::Sobol => format!(
            "{points} points of a scrambled Sobol sequence ({} rows){chance}; S1 after Saltelli 2010, ST after Jansen 1999; [ ] are 95 % intervals of the bootstrap",
            analysis.samples
        ),
        SensitivityMethod::Morris => format!(
            "{points} points of {} walks on four levels{chance}; effects are per full range of a parameter; [ ] are 95 % intervals over walks (Student t)",
            analysis.samples
        ),
    }
}
