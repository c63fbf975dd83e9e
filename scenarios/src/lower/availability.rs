//! Lowers classes of availability, alone or mixed: renewal processes, hours of the day, and records.

use walras_des::Dist;
use walras_sim::availability::{Availability, Daily, Pattern, Renewal, Replay, Start, Track};

use super::{Files, Tables, TraceProblem, look_up, shares};
use crate::report::{At, Report};
use crate::spec::Named;
use crate::spec::catalog::{AvailabilitySpec, DailySpec, ReplaySpec, StartSpec};
use crate::spec::platform::AvailabilityChoice;
use crate::spec::quantity::Weight;

/// Seconds in the unit of the simulator's renewal processes.
const HOUR: f64 = 3600.0;

/// A stay without an end, within a mixture of classes that have one [h]: the chance that it ends within a year is 10⁻⁸.
const FOREVER: f64 = 1e12;

/// Mixtures of mixtures may be nested this deep; a circle of them is deeper.
const DEEPEST: usize = 4;

pub(super) fn lower(
    report: &mut Report,
    tables: &Tables,
    at: &At<'_>,
    choice: &AvailabilityChoice,
) -> Option<Availability> {
    match choice {
        AvailabilityChoice::Class(name) => class(report, tables, at, name, DEEPEST),
        AvailabilityChoice::Mix(weights) => {
            let parts: Vec<(String, Weight)> = weights
                .iter()
                .map(|(name, weight)| (name.clone(), *weight))
                .collect();
            mixture(report, tables, at, &parts, DEEPEST)
        }
    }
}

fn class(
    report: &mut Report,
    tables: &Tables,
    at: &At<'_>,
    name: &str,
    depth: usize,
) -> Option<Availability> {
    let spec = look_up(
        report,
        at,
        "class of availability",
        &tables.availability,
        name,
    )?;
    let root = At::root("availability");
    // A class of the scenario is shown where it is written, one of the catalog where it is used.
    let written = root.key(name);
    let own = report
        .tree
        .get("availability")
        .is_some_and(|section| section.get(name).is_some());
    let at = if own { &written } else { at };
    let AvailabilitySpec {
        up,
        down,
        always,
        mixture: parts,
        daily,
        replay,
        ..
    } = spec;
    let only = |pattern| Some(Availability::Mixed(vec![(1.0, pattern)]));
    match ((up, down), always, parts, daily, replay) {
        ((None, None), Some(true), None, None, None) => Some(Availability::Always),
        ((Some(up), Some(down)), None, None, None, None) => {
            let up = report.check(&at.key("up"), up.build(HOUR))?;
            let down = report.check(&at.key("down"), down.build(HOUR))?;
            only(Pattern::Renewal(Renewal { up, down }))
        }
        ((None, None), None, Some(parts), None, None) => {
            if depth == 0 {
                report.add(
                    at,
                    format!("`{name}` is a part of itself, or nested more than {DEEPEST} deep"),
                    None,
                );
                return None;
            }
            let parts: Vec<(String, Weight)> = parts
                .iter()
                .map(|part| (part.class.clone(), part.weight))
                .collect();
            mixture(report, tables, at, &parts, depth - 1)
        }
        ((None, None), None, None, Some(spec), None) => {
            only(Pattern::Daily(daily_hours(report, &at.key("daily"), spec)?))
        }
        ((None, None), None, None, None, Some(spec)) => {
            let files = spec
                .files
                .iter()
                .map(|file| tables.records.get(file)?.clone());
            // Files that cannot be read, or that there are none, was reported before.
            let tracks: Vec<Track> = files.collect::<Option<Vec<_>>>()?.concat();
            if tracks.is_empty() {
                return None;
            }
            let start = match spec.start {
                StartSpec::Together => Start::Together,
                StartSpec::Apart => Start::Apart,
            };
            only(Pattern::Replay(Replay::new(tracks, start)))
        }
        _ => {
            let hint =
                "give `up` and `down`, or one of `mixture`, `daily`, `replay` and `always: true`";
            report.add(
                at,
                format!("`{name}` must say in one way how hosts come and go"),
                Some(hint.to_owned()),
            );
            None
        }
    }
}

/// Hours of the day.
fn daily_hours(report: &mut Report, at: &At<'_>, spec: &DailySpec) -> Option<Daily> {
    let before = report.issues.len();
    for (key, value) in [
        ("from", spec.from.0),
        ("until", spec.until.0),
        ("spread", spec.spread.0),
    ] {
        if value > 24.0 * HOUR {
            let message = format!("a day has 24 h, found {} h", value / HOUR);
            report.add(&at.key(key), message, Some("for example `22 h`".to_owned()));
        }
    }
    if spec.from == spec.until {
        let hint = "for hosts that never leave, `always: true`".to_owned();
        report.add(
            &at.key("until"),
            "these hours end when they begin",
            Some(hint),
        );
    }
    (report.issues.len() == before).then_some(Daily {
        from: spec.from.0 / HOUR,
        until: spec.until.0 / HOUR,
        spread: spec.spread.0 / HOUR,
    })
}

/// Reads the records that the classes of the scenario replay.
pub(super) fn records(
    report: &mut Report,
    classes: &Named<Option<AvailabilitySpec>>,
    read: &mut dyn Files,
) -> Named<Option<Vec<Track>>> {
    let mut records = Named::new();
    let replays =
        (classes.iter()).filter_map(|(name, class)| Some((name, class.as_ref()?.replay.as_ref()?)));
    for (name, ReplaySpec { files, .. }) in replays {
        let root = At::root("availability");
        let class = root.key(name);
        let replay = class.key("replay");
        let at = replay.key("files");
        if files.is_empty() {
            let hint = "name at least one file".to_owned();
            report.add(&at, "a replay without a record", Some(hint));
        }
        for (index, file) in files.iter().enumerate() {
            if records.contains_key(file) {
                continue;
            }
            let index = index.to_string();
            let record = match read.presence(file) {
                Ok(tracks) => Some(tracks),
                Err(TraceProblem::Missing(reason, hint)) => {
                    let message = format!("cannot read the record `{file}`: {reason}");
                    report.add(&at.key(&index), message, hint.map(str::to_owned));
                    None
                }
                Err(TraceProblem::Broken(issues)) => {
                    report.issues.extend(issues);
                    None
                }
            };
            records.insert(file.clone(), record);
        }
    }
    records
}

fn mixture(
    report: &mut Report,
    tables: &Tables,
    at: &At<'_>,
    parts: &[(String, Weight)],
    depth: usize,
) -> Option<Availability> {
    let weights: Vec<(&str, Weight)> = parts
        .iter()
        .map(|(name, weight)| (name.as_str(), *weight))
        .collect();
    let shares = shares::normalised(report, at, weights)?;
    if let [(name, _)] = shares.as_slice() {
        return class(report, tables, &at.key(name), name, depth);
    }
    let mut classes = Vec::new();
    let mut complete = true;
    for (name, share) in shares {
        match class(report, tables, &at.key(name), name, depth) {
            Some(Availability::Always) => classes.push((share, forever())),
            Some(Availability::Mixed(inner)) => {
                let scaled = inner
                    .into_iter()
                    .map(|(weight, pattern)| (share * weight, pattern));
                classes.extend(scaled);
            }
            None => complete = false,
        }
        // The parts that are written at the place of use are all reported; a circle is entered once.
        if !complete && depth < DEEPEST {
            break;
        }
    }
    complete.then_some(Availability::Mixed(classes))
}

fn forever() -> Pattern {
    let constant = |hours| Dist::constant(hours).expect("a finite constant is a distribution");
    Pattern::Renewal(Renewal {
        up: constant(FOREVER),
        down: constant(1.0 / FOREVER),
    })
}
