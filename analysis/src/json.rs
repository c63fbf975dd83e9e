//! A comparison as one JSON object, for programs.

use serde_json::{Map, Value, json};
use walras_scenarios::study::{Parameter, SensitivityMethod};
use walras_scenarios::sweep::{Axis, Point};
use walras_sim::record::MetricId;

use crate::breakeven::several::{Ratio, Several};
use crate::breakeven::{Found, Outcome, Step};
use crate::compare::{Comparison, Entry};
use crate::estimate::{Difference, Estimate};
use crate::experiment::Experiment;
use crate::sensitivity::{Analysis, Effect, Explained};
use crate::sweep::Swept;
use crate::tournament::{Overall, Standing, Standings, Tournament};
use crate::tune::{Holds, Proposal, Tuning};

/// The object that `--json` prints for one experiment.
///
/// `differences` holds, for each platform but the baseline, the paired difference of every metric and, where all values
/// are positive, the ratio. Figures that do not exist are absent; interval ends are null where there is no interval, and
/// `no_interval` says why a single replication gives none.
#[must_use]
pub fn experiment(experiment: &Experiment, comparison: &Comparison) -> Value {
    let manifest = &experiment.manifest;
    json!({
        "scenario": manifest.scenario,
        "question": manifest.question,
        "walras": manifest.walras,
        "scenario_hash": manifest.scenario_hash,
        "digest": manifest.digest,
        "seed": manifest.seed,
        "replications": comparison.replications,
        "stopping": comparison.stopping.as_ref().map(|stopping| json!({
            "reached": stopping.is_reached,
            "text": stopping.text,
        })),
        "warm_up_s": manifest.warm_up_s,
        "warm_up_found": manifest.warm_up_found,
        "interrupted": manifest.interrupted,
        "baseline": manifest.baseline,
        "platforms": figures(comparison),
        "differences": differences(comparison),
        "verdict": comparison.verdict,
        "findings": comparison.findings.iter().map(|finding| finding.text.as_str()).collect::<Vec<_>>(),
        "warnings": comparison.warnings,
    })
}

/// The object that `--json` prints for two experiments.
#[must_use]
pub fn between(comparison: &Comparison) -> Value {
    json!({
        "title": comparison.title,
        "paired": comparison.is_paired,
        "warm_up": comparison.warm_up_found,
        "platforms": figures(comparison),
        "differences": differences(comparison),
        "verdict": comparison.verdict,
        "warnings": comparison.warnings,
    })
}

/// The object that `--json` prints for a tournament: for each finished contest who is where in each figure, and the ranks over all.
#[must_use]
pub fn tournament(tournament: &Tournament<'_>, metrics: &[MetricId]) -> Value {
    let standing = |row: &Standing| {
        json!({
            "policy": row.name,
            "value": row.estimate.as_ref().map(plain),
            "difference": row.difference.as_ref().map(apart),
            "clear": row.is_clear,
            "mean_rank": row.mean_rank.as_ref().map(plain),
            "ranks": row.ranks.as_ref().map(|ranks| [*ranks.start(), *ranks.end()]),
            "bound": row.bound,
            "gap": row.gap.as_ref().map(apart),
        })
    };
    let standings = |found: &Standings| {
        json!({
            "metric": found.metric.metric().name,
            "replications": found.replications,
            "winner": found.winner().map(|row| row.name.as_str()),
            "finding": found.finding(),
            "caveats": found.caveats,
            "policies": found.rows.iter().map(standing).collect::<Vec<_>>(),
        })
    };
    let contests = tournament.finished().map(|(contest, outcome)| {
        json!({
            "contest": contest.point.name,
            "scenario": contest.scenario,
            "platform": contest.platform,
            "alike": contest.alike,
            "standings": outcome.standings.iter().map(standings).collect::<Vec<_>>(),
            "warnings": outcome.comparison.warnings,
        })
    });
    let overall = |found: Overall| {
        let ranking = &found.ranking;
        let rows = found.rows.iter();
        json!({
            "metric": found.metric.metric().name,
            "contests": found.contests,
            "friedman_chi_squared": ranking.chi_squared,
            "iman_davenport_f": finite(ranking.f),
            "p_value": ranking.p_value,
            "critical_difference": ranking.critical_difference,
            "policies": rows.map(|(name, rank)| json!({"policy": name, "mean_rank": rank})).collect::<Vec<_>>(),
        })
    };
    let metrics = metrics.iter();
    json!({
        "partial": tournament.is_partial(),
        "contests": contests.collect::<Vec<_>>(),
        "overall": metrics.filter_map(|metric| tournament.overall(*metric)).map(overall).collect::<Vec<_>>(),
        "tightness": tournament.tightness(),
    })
}

/// A number that JSON can hold.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// The object that `--json` prints for a sweep: the axes, and for each finished point its values and figures.
#[must_use]
pub fn sweep(swept: &Swept<'_>) -> Value {
    let point = |(point, comparison): (&Point, &Comparison)| {
        let values = swept.sweep.settings(point);
        let values: Map<String, Value> = values
            .map(|(path, value)| (path.to_owned(), json!(value)))
            .collect();
        json!({
            "point": point.name,
            "values": values,
            "replications": comparison.replications,
            "platforms": figures(comparison),
            "differences": differences(comparison),
            "verdict": comparison.verdict,
            "warnings": comparison.warnings,
        })
    };
    let axis = |axis: &Axis| json!({ "path": axis.path, "values": axis.values });
    json!({
        "axes": swept.sweep.axes.iter().map(axis).collect::<Vec<_>>(),
        "partial": swept.is_partial(),
        "points": swept.finished().map(point).collect::<Vec<_>>(),
    })
}

/// The object that `--json` prints for a sensitivity analysis: for each figure the indices of each parameter.
#[must_use]
pub fn sensitivity(analysis: &Analysis) -> Value {
    let parameter = |parameter: &Parameter| {
        let (low, high) = (parameter.at(0.0).text, parameter.at(1.0).text);
        json!({ "name": parameter.name, "path": parameter.path, "from": low, "to": high })
    };
    let effect = |(index, effect): (usize, &Effect)| {
        let mut object = Map::new();
        let name = &analysis.parameters[index].name;
        object.insert("parameter".to_owned(), json!(name));
        for (name, estimate) in effect.indices() {
            object.insert(name.to_owned(), Value::Object(plain(&estimate)));
        }
        Value::Object(object)
    };
    let figure = |figure: &Explained| {
        let effects = figure.effects.iter().flatten().enumerate().map(effect);
        json!({
            "figure": figure.quantity.name,
            "unit": figure.quantity.unit(),
            "mean": finite(figure.mean),
            "standard_deviation": finite(figure.deviation),
            "noise_share": figure.noise,
            "replications": figure.replications,
            "effects": effects.collect::<Vec<_>>(),
            "nothing_because": figure.effects.as_ref().err(),
        })
    };
    json!({
        "method": match analysis.method {
            SensitivityMethod::Sobol => "sobol",
            SensitivityMethod::Morris => "morris",
        },
        "samples": analysis.samples,
        "points": analysis.points.len(),
        "parameters": analysis.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "figures": analysis.figures.iter().map(figure).collect::<Vec<_>>(),
        "findings": analysis.findings(),
        "warnings": analysis.warnings(),
    })
}

/// The object that `--json` prints for a break-even: where it is, and the difference at all points.
#[must_use]
pub fn breakeven(found: &Found) -> Value {
    let step = |step: &Step| {
        let mut object = plain(&step.difference);
        object.insert("value".to_owned(), json!(step.setting.value));
        Value::Object(object)
    };
    json!({
        "parameter": found.parameter.path,
        "unit": found.parameter.unit,
        "figures": found.quantities.iter().map(|quantity| &quantity.name).collect::<Vec<_>>(),
        "times": found.ask.times,
        "breakeven": outcome(found),
        "differences": found.steps.iter().map(step).collect::<Vec<_>>(),
        "finding": found.finding(),
    })
}

fn outcome(found: &Found) -> Value {
    match found.outcome {
        Outcome::At {
            value,
            interval,
            less_below,
        } => json!({
            "at": value,
            "low": interval.map(|interval| interval.low),
            "high": interval.map(|interval| interval.high),
            "first_is_less_below": less_below,
        }),
        Outcome::Nowhere { is_less, is_clear } => {
            json!({ "at": null, "first_is_less": is_less, "clear_at_both_ends": is_clear })
        }
        Outcome::Unknown { value } => json!({ "at": null, "no_value_at": value }),
    }
}

/// The object that `--json` prints for the break-evens of several parameters: the ratios as the scenario stands, and for each parameter
/// the break-evens and the ratios along it.
#[must_use]
pub fn breakevens(several: &Several) -> Value {
    let ratio = |ratio: &Option<Ratio>| {
        ratio.map(|ratio| {
            json!({
                "ratio": ratio.value,
                "low": ratio.interval.map(|interval| interval.low),
                "high": ratio.interval.map(|interval| interval.high),
                "n": ratio.n,
            })
        })
    };
    let others = &several.quantities[1..];
    let by_other = |ratios: &[Option<Ratio>]| -> Map<String, Value> {
        let pairs = others.iter().zip(ratios);
        pairs
            .map(|(other, one)| (other.of.clone(), json!(ratio(one))))
            .collect()
    };
    let along = several.along.iter().map(|along| {
        let found = along.found.iter().map(|found| {
            let mut object = outcome(found);
            object["against"] = json!(found.quantities[1].of);
            object["times"] = json!(found.ask.times);
            object
        });
        let points = along
            .looks
            .iter()
            .map(|look| json!({ "value": look.setting.value, "ratios": by_other(&look.ratios) }));
        json!({
            "parameter": along.parameter.name,
            "path": along.parameter.path,
            "unit": along.parameter.unit,
            "stands": along.stands,
            "breakevens": found.collect::<Vec<_>>(),
            "points": points.collect::<Vec<_>>(),
        })
    });
    json!({
        "figure": several.quantities[0].name,
        "present": by_other(&several.present),
        "parameters": along.collect::<Vec<_>>(),
        "findings": several.standing(),
    })
}

/// The object that `--json` prints for tuning: what is proposed, under fresh random numbers, and the front.
#[must_use]
pub fn tune(tuning: &Tuning) -> Value {
    let settings = |trial: usize| -> Map<String, Value> {
        let pairs = tuning.parameters.iter().zip(&tuning.trials[trial].settings);
        pairs
            .map(|(parameter, setting)| (parameter.name.clone(), json!(setting.text)))
            .collect()
    };
    let by_figure = |estimates: &[Option<Estimate>]| -> Map<String, Value> {
        let pairs = tuning.quantities.iter().zip(estimates);
        pairs
            .filter_map(|(quantity, found)| {
                Some((quantity.name.clone(), Value::Object(plain(found.as_ref()?))))
            })
            .collect()
    };
    let proposal = |proposal: &Proposal| {
        let pairs = tuning.quantities.iter().zip(&proposal.against);
        let against: Map<String, Value> = pairs
            .filter_map(|(quantity, found)| Some((quantity.name.clone(), apart(found.as_ref()?))))
            .collect();
        let holds = proposal.holds.iter().map(|holds| match holds {
            Holds::Clearly => "clearly",
            Holds::Perhaps => "perhaps",
            Holds::Not => "not",
        });
        json!({
            "point": proposal.trial + 1,
            "settings": settings(proposal.trial),
            "in_search": by_figure(&proposal.searched),
            "fresh": by_figure(&proposal.fresh),
            "difference_to_standing": against,
            "constraints_hold": holds.collect::<Vec<_>>(),
        })
    };
    let objectives = 0..tuning.ask.goals.len();
    let of_front = |trial: &usize| {
        let values: Vec<Option<f64>> = objectives
            .clone()
            .map(|objective| tuning.value(*trial, objective))
            .collect();
        json!({ "point": trial + 1, "settings": settings(*trial), "values": values })
    };
    json!({
        "points": tuning.trials.len(),
        "objectives": tuning.ask.goals.iter().map(|goal| json!({
            "figure": tuning.quantities[goal.quantity].name,
            "goal": if goal.maximize { "maximize" } else { "minimize" },
        })).collect::<Vec<_>>(),
        "proposals": tuning.proposals.iter().map(proposal).collect::<Vec<_>>(),
        "front": tuning.front.iter().map(of_front).collect::<Vec<_>>(),
        "recommended": tuning.recommended().iter().map(|range| json!({
            "parameter": tuning.parameters[range.parameter].name,
            "from": range.ends.as_ref().map(|ends| &ends.0),
            "to": range.ends.as_ref().map(|ends| &ends.1),
            "share_inside": range.inside,
            "share_outside": range.outside,
            "shares_by_part": range.parts,
        })).collect::<Vec<_>>(),
        "as_it_stands": tuning.stands.as_ref().map(|stands| by_figure(stands)),
        "findings": tuning.findings(),
        "warnings": tuning.warnings(),
    })
}

fn figures(comparison: &Comparison) -> Value {
    let of = |index: usize| {
        let figure = |row: &crate::compare::Row| {
            let metric = row.metric.metric();
            let cell = &row.cells[index];
            let mut object = plain(&cell.estimate?);
            if let Some(why) = cell.no_interval {
                object.insert("no_interval".to_owned(), json!(why.reason()));
            }
            object.insert("unit".to_owned(), json!(metric.unit));
            Some((metric.name.to_owned(), Value::Object(object)))
        };
        Value::Object(comparison.rows.iter().filter_map(figure).collect())
    };
    Value::Object(
        comparison
            .entries
            .iter()
            .enumerate()
            .map(|(index, entry)| (entry.name.clone(), of(index)))
            .collect(),
    )
}

fn differences(comparison: &Comparison) -> Value {
    let of = |index: usize, against: usize| {
        let figure = |row: &crate::compare::Row| {
            let found = row.cells[index].difference?;
            Some((row.metric.metric().name.to_owned(), apart(&found)))
        };
        let mut object = Map::new();
        object.insert(
            "against".to_owned(),
            json!(comparison.entries[against].name),
        );
        object.insert(
            "metrics".to_owned(),
            Value::Object(comparison.rows.iter().filter_map(figure).collect()),
        );
        Value::Object(object)
    };
    let one =
        |(index, entry): (usize, &Entry)| Some((entry.name.clone(), of(index, entry.against?)));
    Value::Object(
        comparison
            .entries
            .iter()
            .enumerate()
            .filter_map(one)
            .collect(),
    )
}

fn apart(found: &Difference) -> Value {
    json!({
        "difference": plain(&found.difference),
        "ratio": found.ratio.as_ref().map(plain),
        "p_value": found.p_value,
    })
}

fn plain(estimate: &Estimate) -> Map<String, Value> {
    let interval = estimate.interval;
    let mut object = Map::new();
    object.insert("estimate".to_owned(), json!(estimate.mean));
    object.insert(
        "low".to_owned(),
        json!(interval.map(|interval| interval.low)),
    );
    object.insert(
        "high".to_owned(),
        json!(interval.map(|interval| interval.high)),
    );
    object.insert("n".to_owned(), json!(estimate.n));
    if let Some(effective) = estimate.effective {
        object.insert("effective_sample_size".to_owned(), json!(effective));
    }
    object.insert("method".to_owned(), json!(estimate.method.name()));
    object
}
