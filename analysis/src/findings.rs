//! What the numbers of a comparison say: the verdict, findings in sentences, and warnings with advice.

use walras_des::Span;
use walras_scenarios::run::PILOTS;
use walras_sim::record::{Better, MetricId};

use crate::compare::{Cell, Comparison, Entry, Stopping, Values, is_material, is_of_served};
use crate::conduct::widest;
use crate::estimate::one_run::NoInterval;
use crate::estimate::{Method, estimate, replications_to_halve};
use crate::experiment::{Experiment, Manifest, Run};
use crate::words::{Finding, Scale, Tone, Wording, describe, is_primary, percent, quantity, title};

/// The figures that decide, with the name of what they measure: first of requests, then of batch jobs, then of economies. A scenario has
/// one of these.
pub(crate) const HEADLINES: [(MetricId, &str); 21] = [
    (MetricId::CostPerMillion, "cost"),
    (MetricId::TtftP99, "tail latency of the first token"),
    (MetricId::TpotP50, "time per token"),
    (
        MetricId::SloAttainment,
        "requests served within the objectives",
    ),
    (MetricId::Energy, "energy"),
    (MetricId::ResponseMean, "response time"),
    (MetricId::ResponseP95, "tail response time"),
    (MetricId::SlowdownMean, "slowdown"),
    (MetricId::Makespan, "makespan"),
    (MetricId::DeadlinesMet, "deadlines met"),
    (MetricId::GpuFragmentation, "fragmentation of GPUs"),
    (MetricId::ReadsLocal, "reads from own nodes"),
    (MetricId::ObjectsAvailable, "availability of objects"),
    (MetricId::ObjectsLost, "objects lost"),
    (MetricId::WorkPrice, "price of work"),
    (MetricId::FillRate, "work done of that wanted"),
    (MetricId::ProvidersLeast, "fewest providers"),
    (MetricId::ReturnOnCost, "return to providers"),
    (MetricId::ColludersPay, "new tokens that colluders take"),
    (MetricId::TokenDrawdown, "largest fall of the token"),
    (MetricId::Ruin, "treasuries that ran dry"),
];

/// The figures that decide.
pub fn headlines() -> impl Iterator<Item = MetricId> {
    HEADLINES.into_iter().map(|(metric, _)| metric)
}

impl Comparison {
    /// The platforms of one experiment, against its baseline.
    #[must_use]
    pub fn of(experiment: &Experiment) -> Self {
        let mut comparison = Self::figures(experiment);
        comparison.verdict = verdict(experiment, &comparison);
        comparison.findings = findings(experiment, &comparison);
        comparison.stopping = stopping(experiment, &comparison);
        comparison.warm_up_found = warm_up_found(&experiment.manifest);
        comparison.warnings = warnings(experiment, &comparison);
        comparison
    }
}

/// The answer in one sentence.
fn verdict(experiment: &Experiment, comparison: &Comparison) -> String {
    match comparison.entries.len() {
        0 | 1 => String::new(),
        2 => verdict_of_two(comparison),
        _ => verdict_of_many(experiment, comparison),
    }
}

fn verdict_of_two(comparison: &Comparison) -> String {
    let Some((index, entry, against)) = challengers(comparison).next() else {
        return String::new();
    };
    if comparison.replications < 2 {
        return format!(
            "One replication cannot tell whether {entry} and {against} differ; the figures below are a first look."
        );
    }
    let of_tone = |tone: Tone| {
        let names = HEADLINES.iter().filter(|(metric, _)| {
            let said = comparison.said(*metric, index);
            said.is_some_and(|said| said.tone == tone)
        });
        list(&names.map(|(_, name)| *name).collect::<Vec<_>>())
    };
    let parts: Vec<String> = [
        (Tone::Better, "clearly better in"),
        (Tone::Worse, "clearly worse in"),
        (Tone::Unclear, "not clearly different in"),
    ]
    .into_iter()
    .filter_map(|(tone, words)| Some(format!("{words} {}", of_tone(tone)?)))
    .collect();
    let compared = format!("Compared with {against}, {entry} is {}.", parts.join("; "));
    match (parts.is_empty(), of_tone(Tone::Neutral)) {
        (true, None) => {
            format!("Nothing can be compared: {entry} and {against} have no figure in common.")
        }
        (false, None) => compared,
        (is_all, Some(leads)) => {
            let caveat = served_fewer(comparison, index, &leads);
            if is_all {
                caveat
            } else {
                format!("{compared} {caveat}")
            }
        }
    }
}

/// That whoever completed fewer leads in `leads` only among the requests that it served.
fn served_fewer(comparison: &Comparison, index: usize, leads: &str) -> String {
    let mut pair = [index, comparison.entries[index].against.unwrap_or(index)];
    let metric = comparison.completed();
    let share = |entry: usize| comparison.estimate(metric, entry);
    pair.sort_by(|a, b| {
        let [a, b] = [*a, *b].map(|entry| share(entry).map_or(0.0, |share| share.mean));
        a.total_cmp(&b)
    });
    let noun = comparison.noun();
    let [(few, few_completed), (many, many_completed)] = pair.map(|entry| {
        let completed = share(entry).map_or(String::new(), |share| quantity(metric, &share));
        (&comparison.entries[entry].name, completed)
    });
    format!(
        "As {few} completed {few_completed} of the {noun} and {many} {many_completed}, the lead of {few} in {leads} holds only \
         among the {noun} that it served."
    )
}

fn verdict_of_many(experiment: &Experiment, comparison: &Comparison) -> String {
    let absent = left_out(experiment, comparison);
    let leaders: Vec<(&str, Leader)> = HEADLINES
        .iter()
        .filter_map(|(metric, name)| {
            Some((*name, leader(experiment, comparison, *metric, &absent)?))
        })
        .collect();
    let clear = |(index, entry): (usize, &Entry)| {
        let leads = leaders
            .iter()
            .filter(|(_, leader)| leader.first == index && leader.is_clear);
        let subjects = list(&leads.map(|(subject, _)| *subject).collect::<Vec<_>>())?;
        Some(format!("{} in {subjects}", entry.name))
    };
    let clear: Vec<String> = comparison
        .entries
        .iter()
        .enumerate()
        .filter_map(clear)
        .collect();
    if clear.is_empty() {
        "No platform is clearly ahead of all others in any of the main figures.".to_owned()
    } else {
        format!(
            "Clearly ahead of all others: {}{}.",
            clear.join("; "),
            without(comparison, &absent)
        )
    }
}

/// That `absent` take no part where served requests alone count; empty if all do.
fn without(comparison: &Comparison, absent: &[usize]) -> String {
    let names: Vec<&str> = absent
        .iter()
        .map(|index| comparison.entries[*index].name.as_str())
        .collect();
    let who = match names.len() {
        0 => return String::new(),
        1 | 2 => names.join(" and "),
        many => format!("{many} platforms"),
    };
    let noun = comparison.noun();
    format!(" (in figures of served {noun} without {who}, which completed clearly fewer)")
}

/// Platforms that completed materially fewer requests than the one with most: figures of served requests flatter them.
fn left_out(experiment: &Experiment, comparison: &Comparison) -> Vec<usize> {
    let metric = comparison.completed();
    let values: Vec<Values> = (0..comparison.entries.len())
        .map(|platform| Values::of_metric(experiment, platform, metric))
        .collect();
    let share = |index: usize| comparison.estimate(metric, index).map(|share| share.mean);
    let most = (0..values.len())
        .filter(|index| share(*index).is_some())
        .max_by(|a, b| {
            share(*a)
                .unwrap_or(0.0)
                .total_cmp(&share(*b).unwrap_or(0.0))
        });
    let is_behind = |index: &usize| {
        let difference = most
            .and_then(|most| values[*index].against(&values[most], metric.metric().range, true));
        difference.is_some_and(|completed| is_material(&completed))
    };
    (0..values.len()).filter(is_behind).collect()
}

/// What the numbers say, in sentences.
fn findings(experiment: &Experiment, comparison: &Comparison) -> Vec<Finding> {
    match comparison.entries.len() {
        0 => Vec::new(),
        1 | 2 => {
            let pair = challengers(comparison)
                .flat_map(|(index, ..)| against_baseline(experiment, comparison, index));
            pair.chain(owners(comparison)).collect()
        }
        _ => {
            let absent = left_out(experiment, comparison);
            let mut findings = to_baseline(comparison);
            findings.extend(told_left_out(comparison, &absent));
            findings.extend(ranking(experiment, comparison, &absent));
            findings
        }
    }
}

/// Entries that are compared with another: index, name, name of the other.
fn challengers(comparison: &Comparison) -> impl Iterator<Item = (usize, &str, &str)> {
    comparison
        .entries
        .iter()
        .enumerate()
        .filter_map(|(index, entry)| {
            let against = &comparison.entries[entry.against?].name;
            Some((index, entry.name.as_str(), against.as_str()))
        })
}

fn against_baseline(
    experiment: &Experiment,
    comparison: &Comparison,
    index: usize,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (metric, _) in HEADLINES {
        findings.extend(pair_finding(comparison, metric, index));
        if metric == MetricId::SloAttainment {
            findings.extend(cost_of_good_service(experiment, comparison, index));
        }
    }
    findings
}

fn pair_finding(comparison: &Comparison, metric: MetricId, index: usize) -> Option<Finding> {
    let against = comparison.entries[index].against?;
    let (cell, base) = (
        comparison.cell(metric, index)?,
        comparison.cell(metric, against)?,
    );
    let (mine, theirs) = (cell.estimate?, base.estimate?);
    let scale = Scale::of(metric, [mine.mean, theirs.mean]);
    let (mine, theirs) = (scale.show(&mine).value, scale.show(&theirs).value);
    let (a, b) = (
        &comparison.entries[index].name,
        &comparison.entries[against].name,
    );
    let said = comparison.said(metric, index)?;
    let among = if said.tone == Tone::Neutral {
        format!(", among the {} that each served", comparison.noun())
    } else {
        String::new()
    };
    let lead = match metric {
        MetricId::CostPerMillion => {
            format!("A million output tokens cost {mine} on {a} and {theirs} on {b}")
        }
        MetricId::TtftP99 => format!(
            "The slowest 1 % of requests waited {mine} or more for their first token on {a}, {theirs} on {b}"
        ),
        MetricId::TpotP50 => {
            format!("Each further token took {mine} on {a} and {theirs} on {b} (median)")
        }
        MetricId::SloAttainment => {
            format!("Within both objectives {a} served {mine} of all requests and {b} {theirs}")
        }
        MetricId::ResponseMean => {
            format!(
                "From submission to end a job took {mine} on {a} and {theirs} on {b} on average"
            )
        }
        MetricId::Makespan => format!("All jobs were done after {mine} on {a} and {theirs} on {b}"),
        // Idle machines weigh most where few work; whether they would be on anyway is for the reader to judge.
        MetricId::Energy => {
            let work = |platform: usize| {
                let estimate = comparison.estimate(MetricId::ActiveEnergy, platform)?;
                Some(quantity(metric, &estimate))
            };
            let (my_work, their_work) = (work(index)?, work(against)?);
            format!(
                "Per million output tokens {a} drew {mine} ({my_work} of it above idle power) and {b} {theirs} ({their_work})"
            )
        }
        other => format!("{}: {mine} on {a}, {theirs} on {b}", title(other)),
    };
    Some(Finding {
        text: format!("{lead}: {}{among}.", said.text),
        tone: said.tone,
    })
}

/// Cheap tokens that come late are not cheap: the bill divided by the requests that were served well.
fn cost_of_good_service(
    experiment: &Experiment,
    comparison: &Comparison,
    index: usize,
) -> Option<Finding> {
    let against = comparison.entries[index].against?;
    let per_thousand = |run: &Run| {
        let good_per_day = run
            .metrics
            .get(MetricId::Goodput)
            .filter(|goodput| *goodput > 0.0)?
            * 86_400.0;
        Some(run.metrics.get(MetricId::Spend)? / good_per_day * 1_000.0)
    };
    let metric = MetricId::CostPerMillion;
    let range = metric.metric().range;
    let [mine, theirs] =
        [index, against].map(|platform| Values::of(experiment, platform, per_thousand));
    let said = describe(metric, &mine.against(&theirs, range, true)?);
    let [mine, theirs] = [(index, mine), (against, theirs)].map(|(platform, values)| {
        // Without good service its cost is beyond all bounds: the mean of the other replications would flatter.
        let is_complete = values.plain().len() == experiment.of(platform).count();
        estimate(&values.plain(), range).filter(|_| is_complete)
    });
    let (mine, theirs) = (mine?, theirs?);
    let scale = Scale::of(metric, [mine.mean, theirs.mean]);
    let (a, b) = (
        &comparison.entries[index].name,
        &comparison.entries[against].name,
    );
    let text = format!(
        "Divided by the requests within both objectives alone, a thousand of them cost {} on {a} and {} on {b}: {}.",
        scale.show(&mine).value,
        scale.show(&theirs).value,
        said.text
    );
    Some(Finding {
        text,
        tone: said.tone,
    })
}

/// The platform with the best mean, and how it stands to the next and to all others.
struct Leader {
    first: usize,
    second: usize,
    /// Its difference to the next.
    said: Wording,
    /// Whether it is clearly better than each of the others. As all of these tests must agree, their number does not
    /// make the claim weaker: R. L. Berger, Technometrics 24, 1982 (intersection-union tests).
    is_clear: bool,
}

/// The first in `metric`; those that are `absent` take no part where it describes served requests alone.
fn leader(
    experiment: &Experiment,
    comparison: &Comparison,
    metric: MetricId,
    absent: &[usize],
) -> Option<Leader> {
    let takes_part = |index: usize| !(is_of_served(metric) && absent.contains(&index));
    let row = comparison.row(metric)?;
    let mut order: Vec<(usize, f64)> = row
        .cells
        .iter()
        .enumerate()
        .filter(|(index, _)| takes_part(*index))
        .filter_map(|(index, cell)| Some((index, cell.estimate?.mean)))
        .collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    if metric.metric().better == Better::Higher {
        order.reverse();
    }
    let (&(first, _), &(second, _)) = (order.first()?, order.get(1)?);
    let values = |platform: usize| Values::of_metric(experiment, platform, metric);
    let best = values(first);
    let against = |platform: usize| {
        let difference = best.against(&values(platform), metric.metric().range, true)?;
        Some(describe(metric, &difference))
    };
    let is_behind =
        |(other, _): &(usize, f64)| against(*other).is_some_and(|said| said.tone == Tone::Better);
    Some(Leader {
        first,
        second,
        said: against(second)?,
        is_clear: order[1..].iter().all(is_behind),
    })
}

/// Above this number of platforms beside the baseline, a sentence each would bury the rest: then one for each figure.
const ONE_EACH: usize = 4;

/// What is told of each platform against the baseline, with its short name; the rest only where it clearly differs.
const AGAINST_BASELINE: [(MetricId, &str); 7] = [
    (MetricId::CostPerMillion, "cost"),
    (MetricId::SloAttainment, "requests within the objectives"),
    (MetricId::Losses, "lost placements"),
    (MetricId::ResponseMean, "response time"),
    (MetricId::SlowdownMean, "slowdown"),
    (MetricId::Makespan, "makespan"),
    (MetricId::OwnerMargin, "owner margin per node"),
];

/// Whether a figure is told against the baseline even where nothing is clear.
fn is_always_told(metric: MetricId) -> bool {
    matches!(
        metric,
        MetricId::CostPerMillion | MetricId::SloAttainment | MetricId::ResponseMean
    )
}

/// How many platforms stand to the baseline, without intervals: those are in the table.
fn to_baseline(comparison: &Comparison) -> Vec<Finding> {
    let said = |metric: MetricId, index: usize| {
        let said = comparison.said(metric, index)?;
        let is_told = is_always_told(metric) || said.tone != Tone::Unclear;
        let among = if said.tone == Tone::Neutral {
            " for what was served"
        } else {
            ""
        };
        let words = said.text.split(" [").next().unwrap_or_default();
        is_told.then(|| (format!("{words}{among}"), said.tone))
    };
    let all: Vec<(usize, &str, &str)> = challengers(comparison).collect();
    if all.len() <= ONE_EACH {
        let of_platform = |(index, name, against): &(usize, &str, &str)| {
            let parts: Vec<(String, Tone)> = AGAINST_BASELINE
                .iter()
                .filter_map(|(metric, subject)| {
                    let (words, tone) = said(*metric, *index)?;
                    Some((format!("{subject} {words}"), tone))
                })
                .collect();
            sentence(&format!("{name} compared with {against}"), &parts)
        };
        all.iter().filter_map(of_platform).collect()
    } else {
        let of_figure = |(metric, subject): &(MetricId, &str)| {
            let parts: Vec<(String, Tone)> = all
                .iter()
                .filter_map(|(index, name, _)| {
                    let (words, tone) = said(*metric, *index)?;
                    Some((format!("{name} {words}"), tone))
                })
                .collect();
            sentence(&format!("Compared with {}, {subject}", all[0].2), &parts)
        };
        AGAINST_BASELINE[..6].iter().filter_map(of_figure).collect()
    }
}

/// `lead: a; b.` with the tone that all clear parts share; `None` without parts.
fn sentence(lead: &str, parts: &[(String, Tone)]) -> Option<Finding> {
    let clear = || {
        parts
            .iter()
            .map(|(_, tone)| *tone)
            .filter(|tone| *tone != Tone::Unclear)
    };
    let tone = match clear().next() {
        None => Tone::Unclear,
        Some(first) if clear().all(|tone| tone == first) => first,
        Some(_) => Tone::Neutral,
    };
    let words: Vec<&str> = parts.iter().map(|(words, _)| words.as_str()).collect();
    (!words.is_empty()).then(|| Finding {
        text: format!("{lead}: {}.", words.join("; ")),
        tone,
    })
}

/// Who takes no part in the contests for figures of served requests, and why.
fn told_left_out(comparison: &Comparison, absent: &[usize]) -> Option<Finding> {
    let share = |metric: MetricId, index: usize| {
        comparison
            .estimate(metric, index)
            .map_or("none".to_owned(), |share| quantity(metric, &share))
    };
    let parts: Vec<String> = absent
        .iter()
        .map(|index| {
            let name = &comparison.entries[*index].name;
            let (completed, noun) = (share(comparison.completed(), *index), comparison.noun());
            let good = match comparison.row(MetricId::SloAttainment) {
                Some(_) => {
                    let good = share(MetricId::SloAttainment, *index);
                    format!(", {good} within the objectives")
                }
                None => String::new(),
            };
            format!("{name} completed {completed} of the {noun}{good}")
        })
        .collect();
    let are = if absent.len() == 1 {
        "it is"
    } else {
        "they are"
    };
    (!parts.is_empty()).then(|| Finding {
        text: format!(
            "{}; {are} left out below where cost, speed and energy of served {} alone are compared.",
            parts.join("; "),
            comparison.noun()
        ),
        tone: Tone::Neutral,
    })
}

fn ranking(experiment: &Experiment, comparison: &Comparison, absent: &[usize]) -> Vec<Finding> {
    let sentence = |(metric, _): &(MetricId, &str)| {
        let Leader {
            first,
            second,
            said,
            is_clear,
        } = leader(experiment, comparison, *metric, absent)?;
        let value = quantity(*metric, &comparison.estimate(*metric, first)?);
        let (a, b) = (
            &comparison.entries[first].name,
            &comparison.entries[second].name,
        );
        let lead = match metric {
            MetricId::CostPerMillion => format!("Cheapest: {a}, {value} per million output tokens"),
            MetricId::TtftP99 => {
                format!("Shortest 99th percentile of the time to first token: {a}, {value}")
            }
            MetricId::TpotP50 => {
                format!("Fastest stream of tokens: {a}, {value} each in the median")
            }
            MetricId::SloAttainment => {
                format!("Most requests within both objectives: {a}, {value}")
            }
            MetricId::Energy => format!("Least energy: {a}, {value} per million output tokens"),
            MetricId::ResponseMean => format!("Shortest mean response time: {a}, {value}"),
            MetricId::Makespan => format!("All jobs done first: {a}, after {value}"),
            other => format!("First in {}: {a}, {value}", title(*other)),
        };
        let (tone, but) = match (is_clear, said.tone) {
            (true, _) => (Tone::Better, ""),
            (false, Tone::Better) => (Tone::Unclear, ", but not clearly ahead of all"),
            (false, _) => (Tone::Unclear, ""),
        };
        let (text, joint) = (said.text, said.joint);
        Some(Finding {
            text: format!("{lead}; {text} {joint} the next, {b}{but}."),
            tone,
        })
    };
    HEADLINES.iter().filter_map(sentence).collect()
}

/// What platforms with many owners leave to them.
fn owners(comparison: &Comparison) -> Vec<Finding> {
    let finding = |(index, entry): (usize, &Entry)| {
        let figure = |metric| Some(quantity(metric, &comparison.estimate(metric, index)?));
        let (gini, margin) = (figure(MetricId::OwnerGini)?, figure(MetricId::OwnerMargin)?);
        let in_profit = figure(MetricId::OwnersInProfit).map_or(String::new(), |share| {
            format!("; {share} of owners earned more than their electricity cost")
        });
        let text = format!(
            "Owners on {} kept {margin} per node after electricity{in_profit}; the Gini coefficient of their revenue is {gini}.",
            entry.name
        );
        Some(Finding {
            text,
            tone: Tone::Neutral,
        })
    };
    comparison
        .entries
        .iter()
        .enumerate()
        .filter_map(finding)
        .collect()
}

/// Above this relative half-width an interval is called wide.
const WIDE: f64 = 0.10;
/// Above this share of requests without an end or an answer, latencies describe a selection.
const SELECTED: f64 = 0.01;

/// What to keep in mind, and what would help.
fn warnings(experiment: &Experiment, comparison: &Comparison) -> Vec<String> {
    let manifest = &experiment.manifest;
    let mut warnings = Vec::new();
    if manifest.interrupted {
        let finished = experiment.runs.len();
        // What a precision would have taken is not known: the runs asked for are those of the rounds begun.
        warnings.push(if manifest.precision.is_some() {
            format!("stopped early: {finished} runs finished")
        } else {
            format!(
                "stopped early: {finished} of {} runs finished",
                manifest.runs_requested
            )
        });
    }
    match comparison.replications {
        1 => warnings.extend(one_replication(comparison)),
        n @ 2..=4 => warnings.push(format!(
            "{n} replications: intervals are wide and rest on few runs; ask for at least 10"
        )),
        _ => {}
    }
    let stopping = comparison.stopping.as_ref();
    if let Some(missed) = stopping.filter(|stopping| !stopping.is_reached) {
        warnings.push(missed.text.clone());
    }
    for (platform, name) in manifest.platforms.iter().enumerate() {
        warnings.extend(warnings_of(experiment, platform, name, comparison.noun()));
        warnings.extend(unserved(comparison, platform, name));
    }
    // With fewer replications it is said already.
    if comparison.replications >= 5 {
        warnings.extend(wide_intervals(comparison));
    }
    warnings
}

/// What a single replication cannot say.
fn one_replication(comparison: &Comparison) -> Vec<String> {
    let cells = || {
        let rows = comparison.rows.iter().filter(|row| is_primary(row.metric));
        rows.flat_map(|row| {
            row.cells
                .iter()
                .enumerate()
                .map(|(index, cell)| (row.metric, index, cell))
        })
    };
    let names = |is_meant: &dyn Fn(&Cell) -> bool| {
        let meant = cells().filter(|(.., cell)| is_meant(cell));
        let name = |(metric, index, _): (MetricId, usize, &Cell)| {
            format!("{} ({})", title(metric), comparison.entries[index].name)
        };
        meant.map(name).collect::<Vec<_>>().join("; ")
    };
    if cells().all(|(.., cell)| {
        cell.estimate
            .is_none_or(|estimate| estimate.interval.is_none())
    }) {
        return vec!["one replication: no intervals, and no difference can be called clear; ask for at least 10".to_owned()];
    }
    let mut warnings = vec!["one replication: intervals stand on how its sections differ, and say nothing of what is drawn once for a whole run, such as its nodes; no difference can be called clear; ask for at least 10".to_owned()];
    let correlated = [
        Method::CorrelatedBatchMeans,
        Method::CorrelatedBatchQuantile,
    ];
    let narrow = names(&|cell| {
        cell.estimate
            .is_some_and(|estimate| correlated.contains(&estimate.method))
    });
    if !narrow.is_empty() {
        warnings.push(format!(
            "sections of the run are correlated, and intervals may be too narrow: {narrow}"
        ));
    }
    for why in NoInterval::ALL {
        let without = names(&|cell| cell.no_interval == Some(why));
        if !without.is_empty() {
            warnings.push(format!("no interval, because {}: {without}", why.reason()));
        }
    }
    warnings
}

/// The warm-up in words, where it was not given but found.
pub(crate) fn warm_up_found(manifest: &Manifest) -> Option<String> {
    let length = Span::from_secs_f64(manifest.warm_up_s);
    manifest.warm_up_found.then(|| {
        format!(
            "warm-up {length}, found by {} pilot replications (MSER-5)",
            PILOTS.len()
        )
    })
}

/// Why there are as many replications, where a precision was to end them.
fn stopping(experiment: &Experiment, comparison: &Comparison) -> Option<Stopping> {
    let goal = experiment.manifest.precision.as_ref()?;
    let of: Vec<MetricId> = goal
        .of
        .iter()
        .filter_map(|name| MetricId::named(name))
        .collect();
    let widest = widest(
        goal.relative,
        &of,
        comparison.entries.len(),
        |entry, metric| comparison.estimate(metric, entry),
    );
    let n = comparison.replications;
    // As it was written, without the digits of a measured share.
    let wanted = format!("{} %", (goal.relative * 1e8).round() / 1e6);
    let text = match &widest {
        None => format!(
            "{n} replications: enough to know {} within {wanted}",
            if of.is_empty() {
                "the main figures"
            } else {
                "the figures asked for"
            }
        ),
        Some((entry, metric, estimate)) => {
            // With r the half width relative to the estimate, the estimate is within r / (1 − r) of the truth.
            let known = match (estimate.relative_half_width(), estimate.interval) {
                (Some(width), _) if width < 1.0 => {
                    format!("is known within {},", percent(width / (1.0 - width)))
                }
                (None, Some(interval)) if interval.half_width() == 0.0 => {
                    format!("was never observed in {} replications:", estimate.n)
                }
                _ => "is known not even in magnitude,".to_owned(),
            };
            format!(
                "{n} replications, of at most {}: {} of {} {known} not within {wanted}",
                goal.at_most,
                title(*metric),
                comparison.entries[*entry].name
            )
        }
    };
    Some(Stopping {
        is_reached: widest.is_none(),
        text,
    })
}

#[allow(clippy::cast_precision_loss)]
fn warnings_of(experiment: &Experiment, platform: usize, name: &str, noun: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    let runs = experiment.of(platform).count();
    let (mut submitted, mut live, mut refused) = (0, 0, 0);
    for run in experiment.of(platform) {
        submitted += run.counts.submitted;
        live += run.counts.live;
        refused += run.counts.refused_orders;
    }
    let share = |part: u64| {
        if submitted == 0 {
            0.0
        } else {
            part as f64 / submitted as f64
        }
    };
    if share(live) > SELECTED {
        warnings.push(format!(
            "{name}: {} of the {noun} were still under way at the end; it may not keep up, and their latencies are missing",
            percent(share(live))
        ));
    }
    if refused > 0 {
        let first = experiment.of(platform).find(|run| !run.refusals.is_empty());
        let first = first.map_or(String::new(), |run| {
            format!(
                "; the first, in replication {}, {} (`manifest.json` lists more)",
                run.replication, run.refusals[0]
            )
        });
        warnings.push(format!(
            "{name}: the world refused {refused} orders of its scheduler{first}"
        ));
    }
    for metric in MetricId::all() {
        let present = experiment
            .of(platform)
            .filter(|run| run.metrics.get(metric).is_some())
            .count();
        if present > 0 && present < runs {
            warnings.push(format!(
                "{name}: {} exists in {present} of {runs} replications",
                title(metric)
            ));
        }
    }
    warnings
}

/// Measured requests without an answer, as in the table: those of the warm-up do not count.
fn unserved(comparison: &Comparison, platform: usize, name: &str) -> Option<String> {
    let share = |metric| {
        comparison
            .estimate(metric, platform)
            .map(|share| share.mean)
    };
    let unserved: f64 = [MetricId::Rejected, MetricId::Failed, MetricId::JobsRejected]
        .into_iter()
        .filter_map(share)
        .sum();
    (unserved > SELECTED).then(|| {
        format!(
            "{name}: {} of the {} were rejected or failed; latencies and costs describe the others",
            percent(unserved),
            comparison.noun()
        )
    })
}

/// The widest interval of each entry among the headlines, if it is wide, with what would halve it.
fn wide_intervals(comparison: &Comparison) -> Vec<String> {
    let advice = |(index, entry): (usize, &Entry)| {
        let widths = HEADLINES.iter().filter_map(|(metric, _)| {
            let estimate = comparison.estimate(*metric, index)?;
            Some((*metric, estimate.relative_half_width()?, estimate.n))
        });
        let (metric, width, n) = widths
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .filter(|(_, width, _)| *width > WIDE)?;
        let more = replications_to_halve(n)?;
        Some(format!(
            "{}: the interval of {} is ±{}: about {more} more replications would halve it",
            entry.name,
            title(metric),
            percent(width)
        ))
    };
    comparison
        .entries
        .iter()
        .enumerate()
        .filter_map(advice)
        .collect()
}

/// `a`, `a and b`, `a, b and c`; `None` for nothing.
#[must_use]
pub fn list(names: &[impl AsRef<str>]) -> Option<String> {
    let (last, others) = names.split_last()?;
    let (last, others) = (last.as_ref(), others.iter().map(AsRef::as_ref));
    let others: Vec<&str> = others.collect();
    Some(if others.is_empty() {
        last.to_owned()
    } else {
        format!("{} and {last}", others.join(", "))
    })
}
