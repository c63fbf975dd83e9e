//! A sweep as a table for the terminal, a line for each point, and as a page; both say where the better platform changes.

use std::fmt::Write;

use walras_analysis::compare::Comparison;
use walras_analysis::record::MetricId;
use walras_analysis::sweep::{Swept, names};
use walras_analysis::words::{Scale, Tone, title};

use crate::figures;
use crate::study::{Page, Sheet, notes, pictures};
use crate::terminal::{Options, Style, paint, push};

const GAP: &str = "  ";
const INDENT: &str = "  ";

/// For each of `metrics` a table of all points, then what they say, then what to keep in mind.
#[must_use]
pub fn table(swept: &Swept<'_>, metrics: &[MetricId], options: Options) -> String {
    let mut text = String::new();
    for metric in metrics {
        let has_values = |figures: &Comparison| figures.row(*metric).is_some();
        if !swept.finished().any(|(_, figures)| has_values(figures)) {
            continue;
        }
        let scale = scale(swept, *metric);
        let heading = match scale.unit {
            "" => title(*metric).to_owned(),
            unit => format!("{} [{unit}]", title(*metric)),
        };
        push(&mut text, &paint(options, Style::Heading, &heading));
        points(swept, *metric, scale, options, &mut text);
        text.push('\n');
    }
    let findings: Vec<String> = (metrics.iter())
        .flat_map(|metric| swept.findings(*metric))
        .collect();
    notes(
        &findings,
        &basis(swept),
        &warnings(swept),
        options,
        &mut text,
    );
    text
}

/// The page: what was found, and a figure for each of `metrics`.
#[must_use]
pub fn page(swept: &Swept<'_>, scenario: &str, question: &str, metrics: &[MetricId]) -> String {
    let figures = metrics
        .iter()
        .filter_map(|metric| figures::sweep::figure(swept, *metric));
    let axes = swept.sweep.axes.iter();
    let paths = swept.sweep.axes.iter().map(|axis| axis.path.clone());
    let head = std::iter::once("point".to_owned())
        .chain(paths)
        .chain(["digest of its input".to_owned()]);
    let page = Page {
        kind: "sweep",
        name: scenario,
        question,
        extent: format!(
            "{} of {} points finished",
            swept.finished().count(),
            swept.sweep.points.len()
        ),
        findings: metrics
            .iter()
            .flat_map(|metric| swept.findings(*metric))
            .collect(),
        basis: basis(swept),
        warnings: warnings(swept),
        parameters: axes
            .map(|axis| [String::new(), axis.path.clone(), axis.values.join(", ")])
            .collect(),
        figures: pictures(figures),
        tables: vec![Sheet {
            title: "The points".to_owned(),
            head: head.collect(),
            rows: swept
                .finished()
                .map(|(point, _)| {
                    let values = swept
                        .sweep
                        .settings(point)
                        .map(|(_, value)| value.to_owned());
                    let hash = format!("{:016x}", point.input_hash);
                    std::iter::once(point.name.clone())
                        .chain(values)
                        .chain([hash])
                        .collect()
                })
                .collect(),
        }],
        data: "Each point is a run of its own, in the directory of its name: `walras report` shows it, and its manifest holds the command \
               that repeats it. All figures of all points are in `sweep.csv`."
            .to_owned(),
    };
    page.text()
}

/// What one platform did at one point.
struct Cell {
    name: String,
    value: String,
    said: String,
    style: Style,
}

/// The points in lines: one each if two platforms fit side by side, and otherwise one for each platform.
fn points(swept: &Swept<'_>, metric: MetricId, scale: Scale, options: Options, text: &mut String) {
    // The unit stands in the heading.
    let scale = Scale { unit: "", ..scale };
    let rows: Vec<(Vec<&str>, Option<Vec<Cell>>)> = (swept.sweep.points.iter().zip(&swept.points))
        .map(|(point, figures)| {
            let values = swept.sweep.settings(point).map(|(_, value)| value);
            (
                values.collect(),
                figures
                    .as_ref()
                    .map(|figures| cells(figures, metric, scale)),
            )
        })
        .collect();
    let axes = names(&swept.sweep.axes);
    let of_axis = |index: usize| {
        let values = rows.iter().map(|(values, _)| width(values[index]));
        values.fold(width(&axes[index]), usize::max)
    };
    let widths: Vec<usize> = (0..axes.len()).map(of_axis).collect();
    let line = |values: &[&str]| {
        let padded = values
            .iter()
            .zip(&widths)
            .map(|(value, width)| format!("{value:>width$}"));
        format!("{INDENT}{}", padded.collect::<Vec<_>>().join(GAP))
    };
    let heads: Vec<&str> = axes.iter().map(String::as_str).collect();
    let all = || rows.iter().filter_map(|(_, cells)| cells.as_ref());
    let column = |index: usize, text: fn(&Cell) -> &str| {
        all()
            .filter_map(|cells| Some(width(text(cells.get(index)?))))
            .max()
            .unwrap_or(0)
    };
    let same: Option<Vec<&str>> = all()
        .next()
        .map(|cells| cells.iter().map(|cell| &*cell.name).collect());
    let are_same = all().all(|cells| Some(cells.iter().map(|cell| &*cell.name).collect()) == same);
    let values: Vec<usize> = (0..same.as_ref().map_or(0, Vec::len))
        .map(|index| column(index, |cell| &cell.value).max(column(index, |cell| &cell.name)))
        .collect();
    let side_by_side = width(&line(&heads))
        + values.iter().map(|value| GAP.len() + value).sum::<usize>()
        + GAP.len()
        + column(1, |cell| &cell.said);
    let is_short = are_same && values.len() <= 2 && side_by_side <= options.width;
    let mut head = line(&heads);
    if is_short {
        for (name, width) in same.iter().flatten().zip(&values) {
            write!(head, "{GAP}{name:>width$}").expect("a string takes everything");
        }
    }
    push(text, &paint(options, Style::Faint, &head));
    for (at, cells) in &rows {
        let start = line(at);
        let Some(cells) = cells else {
            push(
                text,
                &format!(
                    "{start}{GAP}{}",
                    paint(options, Style::Faint, "not finished")
                ),
            );
            continue;
        };
        if is_short {
            let mut row = start;
            for (cell, width) in cells.iter().zip(&values) {
                write!(row, "{GAP}{:>width$}", cell.value).expect("a string takes everything");
            }
            let said = cells.iter().rev().find(|cell| !cell.said.is_empty());
            if let Some(cell) = said {
                row += GAP;
                row += &paint(options, cell.style, &cell.said);
            }
            push(text, row.trim_end());
            continue;
        }
        let name = cells
            .iter()
            .map(|cell| width(&cell.name))
            .max()
            .unwrap_or(0);
        let value = cells
            .iter()
            .map(|cell| width(&cell.value))
            .max()
            .unwrap_or(0);
        for (index, cell) in cells.iter().enumerate() {
            let before = if index == 0 {
                start.clone()
            } else {
                " ".repeat(width(&start))
            };
            let row = format!(
                "{before}{GAP}{:<name$}{GAP}{:>value$}",
                cell.name, cell.value
            );
            let said = paint(options, cell.style, &cell.said);
            if width(&row) + GAP.len() + width(&cell.said) <= options.width {
                push(text, format!("{row}{GAP}{said}").trim_end());
            } else {
                push(text, row.trim_end());
                push(
                    text,
                    &format!("{}{GAP}{GAP}{said}", " ".repeat(width(&start))),
                );
            }
        }
    }
}

/// The unit that suits all values of `metric`.
fn scale(swept: &Swept<'_>, metric: MetricId) -> Scale {
    let estimates = swept
        .finished()
        .filter_map(|(_, figures)| figures.row(metric));
    let means = estimates.flat_map(|row| row.cells.iter().filter_map(|cell| cell.estimate));
    Scale::of(metric, means.map(|estimate| estimate.mean))
}

fn cells(figures: &Comparison, metric: MetricId, scale: Scale) -> Vec<Cell> {
    let cell = |(index, name): (usize, String)| {
        let estimate = figures.estimate(metric, index);
        let said = figures.said(metric, index);
        Cell {
            name,
            value: estimate.map_or("not applicable".to_owned(), |estimate| {
                scale.plus_minus(&estimate)
            }),
            style: match said.as_ref().map(|said| said.tone) {
                Some(Tone::Better) => Style::Good,
                Some(Tone::Worse) => Style::Bad,
                _ => Style::Faint,
            },
            said: said.map_or(String::new(), |said| said.text),
        }
    };
    let names = figures.entries.iter().map(|entry| entry.name.clone());
    names.enumerate().map(cell).collect()
}

/// What stands behind the numbers.
fn basis(swept: &Swept<'_>) -> String {
    let counts = || swept.finished().map(|(_, figures)| figures.replications);
    let (Some(least), Some(most)) = (counts().min(), counts().max()) else {
        return "no point is finished".to_owned();
    };
    let n = if least == most {
        format!("{most}")
    } else {
        format!("{least} to {most}")
    };
    let seed = match swept.sweep.common_seed() {
        Some(seed) => format!(
            "all points use seed {seed} (common random numbers), so that they differ by the axes and not by luck"
        ),
        None => "points use seeds of their own, and differ by luck too".to_owned(),
    };
    let seed = if swept.is_partial() {
        let (done, all) = (swept.finished().count(), swept.sweep.points.len());
        format!("{seed}; {done} of {all} points are finished, and all that is said is of these")
    } else {
        seed
    };
    match most {
        0 | 1 => format!(
            "± is half a 95 % interval from the sections of one replication (batch means); differences have none; {seed}"
        ),
        _ => format!(
            "± is half a 95 % interval over n = {n} replications (Student t); [ ] are 95 % intervals of differences to the baseline, paired by replication; {seed}"
        ),
    }
}

/// What to keep in mind of the points, each warning once.
fn warnings(swept: &Swept<'_>) -> Vec<String> {
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    for (point, figures) in swept.finished() {
        for warning in &figures.warnings {
            match all.iter_mut().find(|(text, _)| text == warning) {
                Some((_, points)) => points.push(&point.name),
                None => all.push((warning, vec![&point.name])),
            }
        }
    }
    let total = swept.finished().count();
    let told = all
        .into_iter()
        .map(|(warning, points)| match points.as_slice() {
            points if points.len() == total => warning.to_owned(),
            [point] => format!("{point}: {warning}"),
            [first, .., last] => format!("{} points, {first} to {last}: {warning}", points.len()),
            [] => String::new(),
        });
    told.collect()
}

fn width(text: &str) -> usize {
    text.chars().count()
}
