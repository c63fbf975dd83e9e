//! A comparison as one JSON object, for programs.

use serde_json::{Map, Value, json};
use walras_scenarios::sweep::{Axis, Point};

use crate::compare::{Comparison, Entry};
use crate::estimate::{Difference, Estimate};
use crate::experiment::Experiment;
use crate::sweep::Swept;

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
            let Difference {
                difference,
                ratio,
                p_value,
                ..
            } = row.cells[index].difference?;
            let object = json!({
                "difference": plain(&difference),
                "ratio": ratio.as_ref().map(plain),
                "p_value": p_value,
            });
            Some((row.metric.metric().name.to_owned(), object))
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
