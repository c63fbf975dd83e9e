//! What machines get done as more and more is wanted of them: the curve by which economies model them as a flow.

use walras_scenarios::run::Pool;
use walras_sim::economy::Machines;
use walras_sim::record::Range;
use walras_sim::world::Settings;

use crate::estimate::{Estimate, estimate};

/// Loads at which the curve is measured unless told otherwise, in parts of what the nodes could do.
pub const LOADS: [f64; 16] = [
    0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.2, 1.5,
];

/// A measured curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What all nodes could do, mean over replications [units a day].
    pub capacity: Estimate,
    /// Mean over nodes of what an hour costs their owners [USD], over what they could do in an hour: the cost of a unit.
    pub cost: Estimate,
    /// How many nodes there are.
    pub nodes: usize,
    /// The points.
    pub points: Vec<Point>,
}

/// A point of a curve: means over replications, in parts of what the nodes could do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// What was wanted.
    pub wanted: Estimate,
    /// What was served.
    pub served: Estimate,
}

impl Curve {
    /// The points as an economy takes them: four decimals, ascending, and nothing served beyond what is wanted.
    #[must_use]
    pub fn points(&self) -> Vec<(f64, f64)> {
        let round = |value: f64| (value * 1e4).round() / 1e4;
        let mut most = 0.0_f64;
        let mut points: Vec<(f64, f64)> = Vec::new();
        for point in &self.points {
            let wanted = round(point.wanted.mean);
            // What is served in the measured time may have been wanted before it.
            most = most.max(round(point.served.mean)).min(wanted);
            if points.last().is_none_or(|&(last, _)| wanted > last) {
                points.push((wanted, most));
            }
        }
        points
    }
}

/// Measures the curve at `loads`, ascending, request by request.
///
/// # Panics
/// Without replications.
#[must_use]
pub fn measure(
    machines: &Machines,
    loads: &[f64],
    settings: &Settings,
    seed: u64,
    replications: u32,
    pool: &Pool,
) -> Curve {
    let mut runs: Vec<(f64, u32)> = Vec::new();
    for &load in loads {
        runs.extend((0..replications).map(|replication| (load, replication)));
    }
    let measured = pool.map(&runs, |&(load, replication)| {
        machines.measure(load, settings, seed, replication)
    });
    let mean = |values: &[f64]| estimate(values, Range::NonNegative).expect("a replication");
    let points = measured.chunks(replications as usize).map(|point| {
        let (wanted, served): (Vec<f64>, Vec<f64>) = point.iter().copied().unzip();
        Point {
            wanted: mean(&wanted),
            served: mean(&served),
        }
    });
    let rosters: Vec<_> = (0..replications)
        .map(|replication| {
            machines.potential(&walras_des::Streams::new(seed, u64::from(replication)))
        })
        .collect();
    let capacities = rosters
        .iter()
        .map(|nodes| nodes.iter().map(|node| node.capacity).sum());
    let capacities: Vec<f64> = capacities.collect();
    let costs = rosters.iter().zip(&capacities).map(|(nodes, capacity)| {
        nodes.iter().map(|node| node.usd_per_hour).sum::<f64>() * 24.0 / capacity
    });
    Curve {
        cost: mean(&costs.collect::<Vec<_>>()),
        capacity: mean(&capacities),
        nodes: rosters[0].len(),
        points: points.collect(),
    }
}
