//! Lowers outages: what fails, where, when and for how long.

use walras_des::SimTime;
use walras_sim::availability::{Onset, Outage, Reach};
use walras_sim::ids::RegionId;

use super::{Tables, span};
use crate::issue::suggestion;
use crate::report::{At, Report};
use crate::spec::Named;
use crate::spec::platform::{OutageSpec, ReachSpec};

pub(super) fn lower(
    report: &mut Report,
    tables: &Tables,
    at: &At<'_>,
    specs: &Named<OutageSpec>,
) -> Option<Vec<Outage>> {
    let lowered: Vec<Option<Outage>> = (specs.iter())
        .map(|(name, spec)| outage(report, tables, &at.key(name), name, spec))
        .collect();
    lowered.into_iter().collect()
}

fn outage(
    report: &mut Report,
    tables: &Tables,
    at: &At<'_>,
    name: &str,
    spec: &OutageSpec,
) -> Option<Outage> {
    let regions = regions(report, tables, at, spec);
    let onset = match (spec.at, &spec.every) {
        (Some(start), None) => Some(Onset::At(SimTime::ZERO + span(start.0))),
        (None, Some(law)) => report
            .check(&at.key("every"), law.build(1.0))
            .map(Onset::Every),
        (start, _) => {
            let what = if start.is_some() {
                "both `at` and `every`"
            } else {
                "no beginning"
            };
            let hint = "give `at` for one that happens once, or `every` for those that come back";
            report.add(
                at,
                format!("the outage `{name}` has {what}"),
                Some(hint.to_owned()),
            );
            None
        }
    };
    let lasts = report.check(&at.key("lasts"), spec.lasts.build(1.0));
    if let (Some(Onset::Every(every)), Some(lasts)) = (&onset, &lasts) {
        // The mean time from one beginning to the next; an infinite one is long enough.
        let cycle = every.mean().unwrap_or(f64::INFINITY) + lasts.mean().unwrap_or(f64::INFINITY);
        if cycle < 1.0 {
            let message = format!("the outage `{name}` comes every {cycle} s on the average");
            report.add(at, message, Some("at most once in a second".to_owned()));
            return None;
        }
    }
    Some(Outage {
        name: name.to_owned(),
        reach: match spec.what {
            ReachSpec::Blackout => Reach::Blackout,
            ReachSpec::Partition => Reach::Partition,
            ReachSpec::ControlPlane => Reach::ControlPlane,
            ReachSpec::Dispatcher => Reach::Dispatcher,
        },
        regions: regions?,
        together: spec.together,
        onset: onset?,
        lasts: lasts?,
    })
}

/// The regions that an outage reaches.
fn regions(
    report: &mut Report,
    tables: &Tables,
    at: &At<'_>,
    spec: &OutageSpec,
) -> Option<Vec<RegionId>> {
    let known = &tables.catalog.geography.regions;
    let Some(names) = &spec.regions else {
        return Some((0..known.len()).map(RegionId::new).collect());
    };
    let at = at.key("regions");
    if spec.what == ReachSpec::Dispatcher {
        let hint = "remove `regions`: a platform has one dispatcher".to_owned();
        report.add(&at, "a dispatcher is nowhere in particular", Some(hint));
        return None;
    }
    if names.is_empty() {
        let hint = "name at least one, or remove `regions` for all of them".to_owned();
        report.add(&at, "an outage of no region is none", Some(hint));
        return None;
    }
    let mut found = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let index = index.to_string();
        let at = at.key(&index);
        let region = known.get_index_of(name).map(RegionId::new);
        match region {
            Some(region) if found.contains(&region) => {
                report.add(&at, format!("`{name}` is named twice"), None);
            }
            Some(region) => found.push(region),
            None => {
                let hint = suggestion(name, "regions", known.keys().map(String::as_str));
                report.add(&at, format!("unknown region `{name}`"), Some(hint));
            }
        }
    }
    (found.len() == names.len()).then_some(found)
}
