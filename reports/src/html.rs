//! The report as one HTML file: self-contained, offline, printable, with the answer first.

use std::fmt::Write;

use askama::Template;
use walras_analysis::compare::{Cell, Comparison, Entry, Row};
use walras_analysis::experiment::{Cost, Experiment};
use walras_analysis::record::{METRICS, MetricId};
use walras_analysis::words::{Group, Scale, Tone, is_primary, number, title};

use crate::figures::{self, Figure};

/// The page for `experiment`; `limits` are known limits and assumptions, one sentence each.
///
/// # Panics
/// If the template does not match the page, which tests rule out.
#[must_use]
pub fn render(experiment: &Experiment, comparison: &Comparison, limits: &[&str]) -> String {
    render_with(experiment, comparison, limits, Vec::new())
}

/// As [`render`], with `more` figures at the end.
///
/// # Panics
/// As [`render`].
#[must_use]
pub fn render_with(
    experiment: &Experiment,
    comparison: &Comparison,
    limits: &[&str],
    more: Vec<Figure>,
) -> String {
    let manifest = &experiment.manifest;
    let page = Page {
        scenario: &manifest.scenario,
        question: &manifest.question,
        verdict: &comparison.verdict,
        findings: comparison
            .findings
            .iter()
            .map(|finding| Note {
                class: class(finding.tone),
                text: unbroken(&finding.text),
            })
            .collect(),
        warnings: &comparison.warnings,
        primary: sections(comparison, is_primary),
        secondary: sections(comparison, |metric| !is_primary(metric)),
        has_differences: comparison
            .entries
            .iter()
            .any(|entry| entry.against.is_some()),
        baseline: &manifest.baseline,
        figures: figures::all(experiment, comparison)
            .into_iter()
            .chain(more)
            .map(Picture::of)
            .collect(),
        replications: comparison.replications,
        stopping: comparison
            .stopping
            .as_ref()
            .map(|stopping| stopping.text.as_str()),
        runs: experiment.runs.len(),
        runs_requested: manifest.runs_requested,
        requests: number(
            experiment
                .runs
                .iter()
                .map(|run| run.counts.submitted)
                .sum::<u64>() as f64,
            0,
        ),
        noun: comparison.noun(),
        events: number(
            experiment.runs.iter().map(|run| run.events).sum::<u64>() as f64,
            0,
        ),
        horizon: hours(manifest.horizon_s),
        warm_up: hours(manifest.warm_up_s),
        warm_up_found: manifest.warm_up_found,
        limits,
        costs: manifest.costs.iter().map(cost).collect(),
        command: command_line(&manifest.execution.command),
        seed: manifest.seed,
        digest: &manifest.digest,
        scenario_hash: &manifest.scenario_hash,
        version: &manifest.walras,
        started: &manifest.execution.started,
        wall: number(manifest.execution.wall_seconds, 1),
        threads: manifest.execution.threads,
        resolved: &experiment.scenario,
        digests: manifest
            .runs
            .iter()
            .map(|run| {
                [
                    run.platform.clone(),
                    run.replication.to_string(),
                    run.digest.clone(),
                ]
            })
            .collect(),
        glossary: METRICS
            .iter()
            .map(|metric| [metric.name, metric.unit, metric.description])
            .collect(),
    };
    page.render().expect("the page is plain data")
}

/// A row of the table of inference costs.
fn cost(cost: &Cost) -> [String; 6] {
    let percent = |share: f64| format!("{} %", number(share * 100.0, 1));
    let device = match cost.devices {
        1 => cost.device.clone(),
        several => format!("{several} × {}", cost.device),
    };
    let mut notes = Vec::new();
    if cost.excess > 1.0 {
        let factor = number(cost.excess, 1);
        notes.push(format!("reaches {factor} times beyond the measured range"));
    }
    if let Some(format) = &cost.borrowed {
        notes.push(format!("not measured: rates of {format}"));
    }
    [
        cost.platform.clone(),
        device,
        cost.serves.clone(),
        percent(cost.held_out),
        percent(cost.stated),
        notes.join("; "),
    ]
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    scenario: &'a str,
    question: &'a str,
    verdict: &'a str,
    findings: Vec<Note>,
    warnings: &'a [String],
    primary: Vec<Section>,
    secondary: Vec<Section>,
    has_differences: bool,
    baseline: &'a str,
    figures: Vec<Picture>,
    replications: usize,
    stopping: Option<&'a str>,
    runs: usize,
    runs_requested: usize,
    requests: String,
    noun: &'static str,
    events: String,
    horizon: String,
    warm_up: String,
    warm_up_found: bool,
    limits: &'a [&'a str],
    costs: Vec<[String; 6]>,
    command: String,
    seed: u64,
    digest: &'a str,
    scenario_hash: &'a str,
    version: &'a str,
    started: &'a str,
    wall: String,
    threads: usize,
    resolved: &'a str,
    digests: Vec<[String; 3]>,
    glossary: Vec<[&'static str; 3]>,
}

struct Note {
    class: &'static str,
    text: String,
}

/// Figures of one subject.
struct Section {
    title: &'static str,
    figures: Vec<Block>,
}

/// One figure of all platforms.
struct Block {
    title: &'static str,
    description: &'static str,
    lines: Vec<Line>,
}

/// One figure of one platform.
struct Line {
    color: usize,
    name: String,
    value: String,
    interval: String,
    difference: String,
    class: &'static str,
    is_missing: bool,
}

/// A figure with its data at hand.
pub(crate) struct Picture {
    pub figure: Figure,
    /// The data as a link that needs no network.
    pub data: String,
}

impl Picture {
    pub(crate) fn of(figure: Figure) -> Self {
        let data = format!(
            "data:text/csv;charset=utf-8,{}",
            percent_encoded(&figure.csv)
        );
        Self { figure, data }
    }
}

fn sections(comparison: &Comparison, is_shown: impl Fn(MetricId) -> bool) -> Vec<Section> {
    let section = |group: Group| {
        let rows = comparison
            .rows
            .iter()
            .filter(|row| Group::of(row.metric) == group && is_shown(row.metric));
        Section {
            title: group.title(),
            figures: rows.map(|row| block(comparison, row)).collect(),
        }
    };
    Group::ALL
        .into_iter()
        .map(section)
        .filter(|section| !section.figures.is_empty())
        .collect()
}

fn block(comparison: &Comparison, row: &Row) -> Block {
    let scale = Scale::of(
        row.metric,
        row.cells
            .iter()
            .filter_map(|cell| cell.estimate)
            .map(|estimate| estimate.mean),
    );
    let line = |(color, (entry, cell)): (usize, (&Entry, &Cell))| {
        let shown = cell.estimate.map(|estimate| scale.show(&estimate));
        let said = comparison.said(row.metric, color);
        let is_baseline = entry.against.is_none() && cell.estimate.is_some();
        let baseline = if is_baseline { "baseline" } else { "" };
        let fewer = if (1..comparison.replications).contains(&cell.n()) {
            format!(" (n = {})", cell.n())
        } else {
            String::new()
        };
        Line {
            color,
            name: entry.name.clone(),
            value: shown
                .as_ref()
                .map_or("not applicable".to_owned(), |shown| shown.value.clone()),
            interval: shown.and_then(|shown| shown.interval).unwrap_or_default(),
            class: said.as_ref().map_or("neutral", |said| class(said.tone)),
            difference: said.map_or(baseline.to_owned(), |said| said.text) + &fewer,
            is_missing: cell.estimate.is_none(),
        }
    };
    Block {
        title: title(row.metric),
        description: row.metric.metric().description,
        lines: comparison
            .entries
            .iter()
            .zip(&row.cells)
            .enumerate()
            .map(line)
            .collect(),
    }
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Better => "better",
        Tone::Worse => "worse",
        Tone::Neutral => "neutral",
        Tone::Unclear => "unclear",
    }
}

/// The arguments as a shell takes them, after the bare name of the program, wherever it lay.
fn command_line(arguments: &[String]) -> String {
    let quoted = |text: &String| {
        let is_plain = |c: char| c.is_alphanumeric() || "-_=+.,:/@%~".contains(c);
        if !text.is_empty() && text.chars().all(is_plain) {
            text.clone()
        } else {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
    };
    let (program, rest) = arguments
        .split_first()
        .map_or(("", arguments), |(first, rest)| {
            (first.rsplit(['/', '\\']).next().unwrap_or(first), rest)
        });
    let words: Vec<String> = std::iter::once(program.to_owned())
        .chain(rest.iter().map(quoted))
        .collect();
    words.join(" ")
}

/// [h]
const YEAR: f64 = 365.0 * 24.0;

fn hours(seconds: f64) -> String {
    let hours = seconds / 3600.0;
    if hours == 0.0 {
        "none".to_owned()
    } else if hours >= 2.0 * YEAR {
        format!(
            "{} years",
            number(hours / YEAR, usize::from((hours / YEAR).fract() != 0.0))
        )
    } else if hours > 60.0 * 24.0 {
        format!("{} days", number(hours / 24.0, 0))
    } else if hours < 2.0 {
        format!("{} min", number(seconds / 60.0, 0))
    } else {
        format!("{} h", number(hours, usize::from(hours.fract() != 0.0)))
    }
}

/// `text` with no-break spaces between brackets and before percent signs, so that lines do not tear intervals apart.
fn unbroken(text: &str) -> String {
    let mut is_open = false;
    let mut characters = text.chars().peekable();
    let mut result = String::with_capacity(text.len() + 16);
    while let Some(character) = characters.next() {
        is_open = (is_open || character == '[') && character != ']';
        let glue = character == ' ' && (is_open || characters.peek() == Some(&'%'));
        result.push(if glue { '\u{a0}' } else { character });
    }
    result
}

/// `text` with all but unreserved characters of RFC 3986 escaped.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 5 / 4);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes everything");
        }
    }
    encoded
}
