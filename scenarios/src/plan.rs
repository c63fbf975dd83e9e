//! The plan: a scenario reduced to what the simulator needs, every name resolved and every number checked.

use walras_des::Span;
use walras_sim::platform::Platform;
use walras_sim::record::MetricId;
use walras_sim::workload::Workload;
use walras_sim::world::Settings;

/// Everything that determines the results of an experiment.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The platforms, in the order of the scenario.
    pub platforms: Vec<Platform>,
    /// The requests that each of them meets.
    pub workload: Workload,
    /// Length of a run; requests arrive until then.
    pub horizon: Span,
    /// Jobs submitted before this time are served and not measured.
    pub warm_up: Span,
    /// Whether pilot replications find the warm-up, which is nothing until then.
    pub finds_warm_up: bool,
    /// Time between two samples of the state.
    pub sample_every: Span,
    /// Seed of all random streams.
    pub seed: u64,
    /// Independent repetitions, at least one; with a precision to reach, the most.
    pub replications: u32,
    /// The precision that ends the repetitions, if one does.
    pub precision: Option<Precision>,
}

/// How precise the answer must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Precision {
    /// The most that a figure may be off, relative to its true value: above 0, below 1.
    pub relative: f64,
    /// The figures that must be as precise; empty for those that the verdict rests on.
    pub of: Vec<MetricId>,
    /// Repetitions before the first look, from 2 to [`Plan::replications`].
    pub at_least: u32,
}

impl Plan {
    /// What a run is told beyond platform and workload.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            horizon: self.horizon,
            warm_up: self.warm_up,
            sample_every: self.sample_every,
        }
    }
}
