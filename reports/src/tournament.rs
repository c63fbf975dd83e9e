//! A tournament as tables for the terminal and as a page: who wins each contest, by how much, and how far from what nobody can beat.

use askama::Template;
use walras_analysis::estimate::{CONFIDENCE, Difference, Estimate};
use walras_analysis::record::{Better, MetricId};
use walras_analysis::tournament::{Overall, Standing, Standings, Tournament};
use walras_analysis::words::{Scale, capitalized, number, signs, title};

use crate::figures;
use crate::html::Picture;
use crate::terminal::{Options, Style, paint, push, width, wrapped};

const GAP: &str = "  ";

/// For each contest and each of `metrics` who is where, then the ranks over all contests, then what stands behind the numbers.
#[must_use]
pub fn table(tournament: &Tournament<'_>, metrics: &[MetricId], options: Options) -> String {
    let mut text = String::new();
    for (contest, outcome) in tournament.finished() {
        let heading = paint(options, Style::Heading, &contest.point.name);
        push(&mut text, &heading);
        for metric in metrics {
            if let Some(standings) = outcome.standings(*metric) {
                of_figure(standings, options, &mut text);
            }
        }
        text.push('\n');
    }
    for overall in metrics
        .iter()
        .filter_map(|metric| tournament.overall(*metric))
    {
        push(
            &mut text,
            &paint(
                options,
                Style::Heading,
                &format!("Over all contests: {}", title(overall.metric)),
            ),
        );
        let width = overall
            .rows
            .iter()
            .map(|(name, _)| width(&shortened(name)))
            .max()
            .unwrap_or(0);
        for (name, rank) in &overall.rows {
            push(
                &mut text,
                &format!("  {:<width$}  {}", shortened(name), number(*rank, 2)),
            );
        }
        wrapped(
            "  ",
            &overall_finding(&overall),
            options,
            Style::Title,
            &mut text,
        );
        text.push('\n');
    }
    wrapped("", &basis(tournament), options, Style::Faint, &mut text);
    if let Some(sentences) = tournament.tightness() {
        wrapped("", &sentences, options, Style::Faint, &mut text);
    }
    text
}

/// The page: winners first, then a figure and a table for each contest and figure.
///
/// # Panics
/// If the template does not match the page, which tests rule out.
#[must_use]
pub fn page(tournament: &Tournament<'_>, metrics: &[MetricId]) -> String {
    // Requests and batch jobs have figures of their own, and few tournaments have both.
    let has_values = |metric: &MetricId| {
        let mut all = tournament.finished();
        all.any(|(_, outcome)| outcome.standings(*metric).is_some())
    };
    let metrics: Vec<MetricId> = metrics.iter().copied().filter(has_values).collect();
    let contests = tournament.finished().map(|(contest, outcome)| {
        let of = |metric: &MetricId| {
            let standings = outcome.standings(*metric)?;
            Some(Block {
                title: capitalized(title(*metric)),
                finding: standings.finding(),
                reference: reference(standings),
                rows: standings
                    .rows
                    .iter()
                    .map(|row| Line::of(standings, row))
                    .collect(),
                caveats: standings.caveats.clone(),
                picture: figures::standings::figure(&contest.point.name, standings)
                    .map(Picture::of),
            })
        };
        Section {
            name: &contest.point.name,
            alike: contest.alike.join(", "),
            question: &outcome.comparison.question,
            blocks: metrics.iter().filter_map(of).collect(),
            warnings: &outcome.comparison.warnings,
        }
    });
    let overall: Vec<Overall> = metrics
        .iter()
        .filter_map(|metric| tournament.overall(*metric))
        .collect();
    let winners = tournament.finished().map(|(contest, outcome)| {
        let found = |metric: &MetricId| {
            let standings = outcome.standings(*metric);
            standings.map_or(String::new(), Standings::finding)
        };
        (
            contest.point.name.as_str(),
            metrics.iter().map(found).collect(),
        )
    });
    let page = Page {
        finished: tournament.finished().count(),
        contests: tournament.contests.len(),
        metrics: metrics.iter().map(|metric| title(*metric)).collect(),
        winners: winners.collect(),
        overall: overall
            .iter()
            .map(|overall| Together {
                title: title(overall.metric),
                finding: overall_finding(overall),
                picture: Picture::of(figures::standings::ranks(overall)),
            })
            .collect(),
        sections: contests.collect(),
        basis: basis(tournament),
        tightness: tournament.tightness(),
    };
    page.render().expect("the page is plain data")
}

#[derive(Template)]
#[template(path = "tournament.html")]
struct Page<'a> {
    finished: usize,
    contests: usize,
    metrics: Vec<&'static str>,
    winners: Vec<(&'a str, Vec<String>)>,
    overall: Vec<Together>,
    sections: Vec<Section<'a>>,
    basis: String,
    tightness: Option<String>,
}

/// The ranks over all contests in one figure.
struct Together {
    title: &'static str,
    finding: String,
    picture: Picture,
}

/// A contest.
struct Section<'a> {
    name: &'a str,
    alike: String,
    question: &'a str,
    blocks: Vec<Block>,
    warnings: &'a [String],
}

/// One figure of a contest.
struct Block {
    title: String,
    finding: String,
    reference: String,
    rows: Vec<Line>,
    caveats: Vec<String>,
    picture: Option<Picture>,
}

/// One entrant in one figure, in words.
struct Line {
    ranks: String,
    name: String,
    value: String,
    difference: String,
    style: Style,
    mean_rank: String,
    gap: String,
}

impl Line {
    fn of(standings: &Standings, row: &Standing) -> Self {
        let scale = scale(standings);
        let style = match (&row.difference, row.is_clear) {
            (Some(difference), true) => {
                if is_better(standings.metric, difference) {
                    Style::Good
                } else {
                    Style::Bad
                }
            }
            _ => Style::Faint,
        };
        Self {
            ranks: row.ranks.as_ref().map_or("–".to_owned(), |ranks| {
                match (ranks.start(), ranks.end()) {
                    (first, last) if first == last => format!("{first}"),
                    (first, last) => format!("{first}–{last}"),
                }
            }),
            name: row.name.clone(),
            value: row
                .estimate
                .map_or("not applicable".to_owned(), |estimate| {
                    scale.plus_minus(&estimate)
                }),
            difference: row
                .difference
                .as_ref()
                .map_or(String::new(), |found| signs(standings.metric, found)),
            style,
            mean_rank: row
                .mean_rank
                .map_or(String::new(), |rank| shown_rank(&rank)),
            gap: row.gap.as_ref().map_or(String::new(), |gap| {
                without_interval(&signs(standings.metric, gap))
            }),
        }
    }

    fn class(&self) -> &'static str {
        match self.style {
            Style::Good => "better",
            Style::Bad => "worse",
            _ => "unclear",
        }
    }
}

fn shown_rank(rank: &Estimate) -> String {
    let half = rank.interval.map_or(String::new(), |found| {
        format!(" ± {}", number(found.half_width(), 2))
    });
    format!("{}{half}", number(rank.mean, 2))
}

fn without_interval(text: &str) -> String {
    text.split(" [").next().unwrap_or_default().to_owned()
}

/// Whether a clear difference is one for the better.
fn is_better(metric: MetricId, difference: &Difference) -> bool {
    let is_less = difference
        .relative()
        .map_or(difference.difference.mean < 0.0, |ratio| ratio.mean < 1.0);
    match metric.metric().better {
        Better::Higher => !is_less,
        Better::Lower | Better::Neither => is_less,
    }
}

fn scale(standings: &Standings) -> Scale {
    let means = standings.rows.iter().filter_map(|row| row.estimate);
    Scale::of(standings.metric, means.map(|estimate| estimate.mean))
}

/// The entrant that the others are compared with.
fn reference(standings: &Standings) -> String {
    let own = standings
        .rows
        .iter()
        .find(|row| row.estimate.is_some() && row.difference.is_none());
    own.map_or(String::new(), |row| row.name.clone())
}

/// The standings of one figure in lines.
fn of_figure(standings: &Standings, options: Options, text: &mut String) {
    let unit = match scale(standings).unit {
        "" => String::new(),
        unit => format!(" [{unit}]"),
    };
    let heading = format!("{}{unit}", capitalized(title(standings.metric)));
    push(
        text,
        &format!("  {}", paint(options, Style::Value, &heading)),
    );
    let rows: Vec<Line> = standings
        .rows
        .iter()
        .map(|row| {
            let mut line = Line::of(standings, row);
            line.name = shortened(&line.name);
            // The unit stands in the heading.
            let plain = Scale {
                unit: "",
                ..scale(standings)
            };
            if let Some(estimate) = row.estimate {
                line.value = plain.plus_minus(&estimate);
            }
            line
        })
        .collect();
    let column = |head: &str, cell: fn(&Line) -> &str| {
        let cells = rows.iter().map(|row| width(cell(row)));
        cells.fold(width(head), usize::max)
    };
    let against = "to the first";
    let against = if standings
        .rows
        .first()
        .is_some_and(|row| row.difference.is_none())
    {
        against.to_owned()
    } else {
        format!("to {}", reference(standings))
    };
    let has_gap = rows.iter().any(|row| !row.gap.is_empty());
    let (ranks, name, value) = (
        column("rank", |row| &row.ranks),
        column("policy", |row| &row.name),
        column("mean", |row| &row.value),
    );
    let (difference, gap) = (
        column(&against, |row| &row.difference),
        if has_gap {
            column("to bound", |row| &row.gap)
        } else {
            0
        },
    );
    let fixed = 4 + ranks + name + value + 2 * GAP.len();
    let is_wide = fixed + 2 * GAP.len() + difference + gap > options.width;
    // Where there is no room for it, the interval of the difference is left out: the report has it.
    let shown = |row: &Line| {
        if is_wide {
            without_interval(&row.difference)
        } else {
            row.difference.clone()
        }
    };
    let difference = rows.iter().map(|row| width(&shown(row))).fold(
        width(&against).min(if is_wide { 14 } else { usize::MAX }),
        usize::max,
    );
    let against: String = against.chars().take(difference).collect();
    let bound = if has_gap { "to bound" } else { "" };
    let head = format!(
        "    {:<ranks$}{GAP}{:<name$}{GAP}{:>value$}{GAP}{against:<difference$}{GAP}{bound:>gap$}",
        "rank", "policy", "mean"
    );
    push(text, &paint(options, Style::Faint, head.trim_end()));
    for row in &rows {
        let padded = format!("{:<difference$}", shown(row));
        let line = format!(
            "    {:<ranks$}{GAP}{:<name$}{GAP}{:>value$}{GAP}{}{GAP}{:>gap$}",
            row.ranks,
            row.name,
            row.value,
            paint(options, row.style, &padded),
            row.gap
        );
        push(text, line.trim_end());
    }
    wrapped("    ", &standings.finding(), options, Style::Title, text);
    for caveat in &standings.caveats {
        wrapped("    ! ", caveat, options, Style::Warning, text);
    }
}

/// Most letters of a name in a table; the page has all of it.
const NAME: usize = 30;

fn shortened(name: &str) -> String {
    if width(name) <= NAME {
        return name.to_owned();
    }
    let start: String = name.chars().take(NAME - 1).collect();
    format!("{start}…")
}

/// What the ranks over all contests say.
fn overall_finding(overall: &Overall) -> String {
    let ranking = &overall.ranking;
    let (best, rank) = &overall.rows[0];
    let behind: Vec<&str> = overall
        .rows
        .iter()
        .filter(|(_, other)| other - rank > ranking.critical_difference)
        .map(|(name, _)| name.as_str())
        .collect();
    let p = if ranking.p_value < 1e-3 {
        "p < 0.001".to_owned()
    } else {
        format!("p = {}", number(ranking.p_value, 3))
    };
    let test = format!(
        "mean ranks over {} contests; Friedman's test after Iman and Davenport: {p}; mean ranks differ clearly from {} apart (Nemenyi, 95 %)",
        ranking.blocks,
        number(ranking.critical_difference, 2)
    );
    if ranking.p_value < 1.0 - CONFIDENCE && !behind.is_empty() {
        format!("{best} is clearly ahead of {}: {test}.", behind.join(", "))
    } else {
        format!("Nobody is clearly ahead over all contests: {test}.")
    }
}

/// What stands behind the numbers.
fn basis(tournament: &Tournament<'_>) -> String {
    let counts = || {
        let standings = tournament
            .finished()
            .flat_map(|(_, outcome)| &outcome.standings);
        standings.map(|found| found.replications)
    };
    let (Some(least), Some(most)) = (counts().min(), counts().max()) else {
        return "no contest is finished".to_owned();
    };
    let n = if least == most {
        format!("{most}")
    } else {
        format!("{least} to {most}")
    };
    let partial = if tournament.is_partial() {
        let done = tournament.finished().count();
        format!(
            " {done} of {} contests are finished.",
            tournament.contests.len()
        )
    } else {
        String::new()
    };
    format!(
        "± is half a 95 % interval over n = {n} replications (Student t); differences are paired by replication. Ranks are those left open when all pairs of a figure are judged together (paired t, Holm): they hold together with 95 %; each figure and each contest stands for itself.{partial}"
    )
}
