//! Lowers classes of availability, alone or mixed, to renewal processes.

use walras_des::Dist;
use walras_sim::availability::{Availability, Renewal};

use super::{Tables, look_up, shares};
use crate::report::{At, Report};
use crate::spec::catalog::AvailabilitySpec;
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
    match spec {
        AvailabilitySpec {
            always: Some(true),
            up: None,
            down: None,
            mixture: None,
            ..
        } => Some(Availability::Always),
        AvailabilitySpec {
            mixture: Some(parts),
            up: None,
            down: None,
            always: None,
            ..
        } => {
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
        AvailabilitySpec {
            up: Some(up),
            down: Some(down),
            always: None,
            mixture: None,
            ..
        } => {
            let up = report.check(&at.key("up"), up.build(HOUR))?;
            let down = report.check(&at.key("down"), down.build(HOUR))?;
            Some(Availability::Renewal(vec![(1.0, Renewal { up, down })]))
        }
        _ => {
            let hint = Some("give `up` and `down`, or `mixture`, or `always: true`".to_owned());
            report.add(
                at,
                format!("`{name}` must say in one way how hosts come and go"),
                hint,
            );
            None
        }
    }
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
            Some(Availability::Renewal(inner)) => {
                classes.extend(
                    inner
                        .into_iter()
                        .map(|(weight, renewal)| (share * weight, renewal)),
                );
            }
            None => complete = false,
        }
        // The parts that are written at the place of use are all reported; a circle is entered once.
        if !complete && depth < DEEPEST {
            break;
        }
    }
    complete.then_some(Availability::Renewal(classes))
}

fn forever() -> Renewal {
    let constant = |hours| Dist::constant(hours).expect("a finite constant is a distribution");
    Renewal {
        up: constant(FOREVER),
        down: constant(1.0 / FOREVER),
    }
}
