//! Figures: each file turns numbers into one picture with a finding for a caption and the data behind it.
//!
//! A figure is a pure function of an experiment and its comparison; the same platform has the same colour everywhere.

mod axis;
pub(crate) mod breakeven;
pub(crate) mod breakevens;
mod canvas;
pub(crate) mod equilibrium;
mod panel;

mod cost;
mod economy;
mod forest;
pub mod gantt;
mod latency;
mod lorenz;
mod losses;
mod margin;
mod nodes;
mod price;
pub(crate) mod sensitivity;
mod service;
pub(crate) mod standings;
pub(crate) mod sweep;
pub(crate) mod tune;

use std::fmt::Write;

use walras_analysis::compare::Comparison;
use walras_analysis::curves::Curve;
use walras_analysis::estimate::{Estimate, Interval};
use walras_analysis::experiment::Experiment;
use walras_analysis::record::MetricId;
use walras_analysis::words::{capitalized, quantity};

/// A figure of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// A name for links and files.
    pub name: &'static str,
    /// What it shows.
    pub title: String,
    /// What it says, computed from the numbers.
    pub finding: String,
    /// How to read it.
    pub reading: String,
    /// The picture.
    pub svg: String,
    /// The numbers behind it.
    pub csv: String,
}

/// Width of all figures in logical pixels.
const WIDTH: f64 = 760.0;

/// All figures that the experiment has data for, in the order of the report.
#[must_use]
pub fn all(experiment: &Experiment, comparison: &Comparison) -> Vec<Figure> {
    let figures = [
        forest::figure(comparison),
        cost::figure(comparison),
        price::figure(experiment, comparison),
        economy::work(experiment, comparison),
        economy::segments(experiment, comparison),
        economy::contracts(experiment, comparison),
        economy::token(experiment, comparison),
        economy::trust(experiment, comparison),
        economy::creators(experiment, comparison),
        economy::validators(experiment, comparison),
        economy::deals(experiment, comparison),
        latency::first_token(experiment, comparison),
        latency::per_token(experiment, comparison),
        latency::response(experiment, comparison),
        latency::slowdown(experiment, comparison),
        service::figure(experiment, comparison),
        nodes::figure(experiment, comparison),
        losses::figure(experiment, comparison),
        margin::figure(comparison),
        lorenz::figure(experiment, comparison),
    ];
    figures.into_iter().flatten().collect()
}

/// A sentence on bands for every figure with curves.
fn band_note(replications: usize) -> String {
    if replications < 2 {
        "One replication, so there is no band.".to_owned()
    } else {
        format!(
            "The band is the pointwise 95 % interval of the mean over {replications} replications."
        )
    }
}

/// `curves` as CSV: one row per platform and position.
fn curves_csv(x: &str, y: &str, curves: &[Curve], names: &[String]) -> String {
    let mut csv = format!("platform,{x},{y},low,high,n\n");
    for curve in curves {
        for point in &curve.points {
            let name = quoted(&names[curve.platform]);
            writeln!(csv, "{name},{},{}", short(point.x), fields(&point.y))
                .expect("a string takes everything");
        }
    }
    csv
}

/// `estimate` as the four fields of a CSV row: the mean, both ends of the interval, and n.
fn fields(estimate: &Estimate) -> String {
    let Estimate {
        mean, interval, n, ..
    } = estimate;
    let ends = interval.map_or(",".to_owned(), |Interval { low, high }| {
        format!("{},{}", short(low), short(high))
    });
    format!("{},{ends},{n}", short(*mean))
}

/// Nine digits of a value, which the tables beside a page have in full.
fn short(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}

/// A CSV field.
fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The value of `metric` for the entry at `index`, with its unit.
fn shown(comparison: &Comparison, metric: MetricId, index: usize) -> Option<String> {
    Some(quantity(metric, &comparison.estimate(metric, index)?))
}

/// Names of the entries.
fn names(comparison: &Comparison) -> Vec<String> {
    comparison
        .entries
        .iter()
        .map(|entry| entry.name.clone())
        .collect()
}
