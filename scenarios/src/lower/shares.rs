//! Shares of regions, devices and classes: weights that are scaled to sum to one.

use walras_sim::ids::RegionId;

use super::Tables;
use crate::issue::suggestion;
use crate::report::{At, Report};
use crate::spec::Named;
use crate::spec::quantity::Weight;

/// Weights as shares of their sum, without those that are zero; a sum of zero is a problem.
pub(super) fn normalised<T>(
    report: &mut Report,
    at: &At<'_>,
    weights: Vec<(T, Weight)>,
) -> Option<Vec<(T, f64)>> {
    let total: f64 = weights.iter().map(|(_, weight)| weight.0).sum();
    if total > 0.0 && total.is_finite() {
        let present = weights.into_iter().filter(|(_, weight)| weight.0 > 0.0);
        return Some(
            present
                .map(|(what, weight)| (what, weight.0 / total))
                .collect(),
        );
    }
    let message = if weights.is_empty() {
        "no shares are given"
    } else {
        "all shares are zero"
    };
    report.add(
        at,
        message,
        Some("give at least one share above zero".to_owned()),
    );
    None
}

/// Shares of the named regions.
pub(super) fn regions(
    report: &mut Report,
    tables: &Tables,
    at: &At<'_>,
    weights: &Named<Weight>,
) -> Option<Vec<(RegionId, f64)>> {
    let known = &tables.catalog.geography.regions;
    let mut found = Vec::with_capacity(weights.len());
    for (name, weight) in weights {
        if let Some(index) = known.get_index_of(name) {
            found.push((RegionId::new(index), *weight));
        } else {
            let hint = suggestion(name, "regions", known.keys().map(String::as_str));
            let message = format!("unknown region `{name}`");
            report.add_to_key(&at.key(name), message, Some(hint));
        }
    }
    if found.len() < weights.len() {
        return None;
    }
    normalised(report, at, found)
}

/// Shares of all regions by the weights of the catalog.
pub(super) fn population(tables: &Tables) -> Vec<(RegionId, f64)> {
    let regions = &tables.catalog.geography.regions;
    let total: f64 = regions
        .values()
        .map(|region| region.population_weight.0)
        .sum();
    let share = |(index, weight): (usize, f64)| (RegionId::new(index), weight / total);
    regions
        .values()
        .map(|region| region.population_weight.0)
        .enumerate()
        .filter(|(_, weight)| *weight > 0.0)
        .map(share)
        .collect()
}
