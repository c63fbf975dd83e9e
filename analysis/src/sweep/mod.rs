//! Carries out a sweep, a run directory for each of its points; of a finished point its estimates stay.

mod crossings;
mod table;

use std::path::Path;

use walras_scenarios::run::Options;
use walras_scenarios::sweep::{Axis, Point, Sweep};
use walras_sim::record::MetricId;

use crate::campaign::Campaign;
use crate::compare::Comparison;

pub use crate::campaign::{CampaignError, Watch};
pub use crossings::{ascending, crossings, elsewhere, slices};
pub use table::{CSV, csv};

/// The page beside the points.
pub const PAGE: &str = "sweep.html";

/// What a sweep has given so far.
#[derive(Clone, Debug)]
pub struct Swept<'s> {
    /// What was asked.
    pub sweep: &'s Sweep,
    /// The figures of each point, in their order; `None` where it is not finished.
    pub points: Vec<Option<Comparison>>,
}

/// Which points are in `directory` already, finished with the same input and version.
///
/// # Errors
/// If there is anything else.
pub fn finished(sweep: &Sweep, directory: &Path) -> Result<Vec<bool>, CampaignError> {
    with_campaign(sweep, |campaign| campaign.finished(directory))
}

/// Executes the points that `directory` does not hold, and reads all of them back; see [`Campaign::carry_out`].
///
/// # Errors
/// As there.
pub fn carry_out<'s>(
    sweep: &'s Sweep,
    directory: &Path,
    options: &Options<'_>,
    watch: &dyn Watch,
) -> Result<Swept<'s>, CampaignError> {
    let read = |_, experiment| Ok(Comparison::of(&experiment));
    let carry_out = |campaign: Campaign<'_>| campaign.carry_out(directory, options, watch, &read);
    let points = with_campaign(sweep, carry_out)?;
    Ok(Swept { sweep, points })
}

/// The points of a sweep as a campaign.
fn with_campaign<T>(sweep: &Sweep, act: impl FnOnce(Campaign<'_>) -> T) -> T {
    let points: Vec<&Point> = sweep.points.iter().collect();
    act(Campaign {
        what: "sweep",
        points: &points,
        load: &|index| sweep.scenario(&sweep.points[index]),
        beside: &[CSV, PAGE],
        rounds: &[],
    })
}

impl<'s> Swept<'s> {
    /// The finished points with their figures.
    pub fn finished(&self) -> impl Iterator<Item = (&'s Point, &Comparison)> {
        let pairs = self.sweep.points.iter().zip(&self.points);
        pairs.filter_map(|(point, figures)| Some((point, figures.as_ref()?)))
    }

    /// What `metric` says along each axis, a sentence each.
    #[must_use]
    pub fn findings(&self, metric: MetricId) -> Vec<String> {
        let axes = 0..self.sweep.axes.len();
        axes.flat_map(|axis| crossings(self, metric, axis))
            .collect()
    }

    /// Whether points are missing.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.finished().count() < self.sweep.points.len()
    }

    /// The figures of the point with these indices of values.
    #[must_use]
    pub fn at(&self, at: &[usize]) -> Option<&Comparison> {
        // The last axis varies fastest.
        let axes = self.sweep.axes.iter().zip(at);
        let number = axes.fold(0, |number, (axis, index)| {
            number * axis.values.len() + index
        });
        self.points.get(number)?.as_ref()
    }
}

/// Short names of the axes: as many of their last keys as tell them apart.
#[must_use]
pub fn names(axes: &[Axis]) -> Vec<String> {
    let last = |axis: &Axis, count: usize| {
        let keys: Vec<&str> = axis.path.split('.').collect();
        keys[keys.len().saturating_sub(count)..].join(".")
    };
    let longest = axes.iter().map(|axis| axis.path.split('.').count()).max();
    let name = |axis: &Axis| {
        let is_own = |count: &usize| {
            let same = axes
                .iter()
                .filter(|other| last(other, *count) == last(axis, *count));
            same.count() == 1
        };
        let count = (1..=longest.unwrap_or(1)).find(is_own);
        count.map_or_else(|| axis.path.clone(), |count| last(axis, count))
    };
    axes.iter().map(name).collect()
}
