//! What no scheduler can beat, for each replication of a contest: the one place where a kind of world names its bounds.
//!
//! Requests have a clairvoyant relaxation (`sim/src/world/bound.rs`). Another kind of world adds its own here: the bounds of one
//! replication, and a sentence on how tight they are.

use walras_des::Span;
use walras_scenarios::Plan;
use walras_sim::record::MetricId;
use walras_sim::world::bound::{Relaxation, Served};

use crate::experiment::{Experiment, Run};

/// The bounds of all replications of a contest.
#[derive(Debug)]
pub struct Bounds(Vec<(u32, Relaxation)>);

impl Bounds {
    /// Those of the replications that `experiment` has, which is a contest of `plan`.
    #[must_use]
    pub fn of(plan: &Plan, experiment: &Experiment) -> Self {
        let mut settings = plan.settings();
        // One that was found stands in the manifest only.
        settings.warm_up = Span::from_secs_f64(experiment.manifest.warm_up_s);
        let mut replications: Vec<u32> =
            experiment.runs.iter().map(|run| run.replication).collect();
        replications.sort_unstable();
        replications.dedup();
        // The entrants of a contest differ in their scheduler alone, which no bound knows.
        let platform = &plan.platforms[0];
        let relaxed = |replication| {
            let bounds =
                Relaxation::new(platform, &plan.workload, &settings, plan.seed, replication);
            (replication, bounds)
        };
        Self(replications.into_iter().map(relaxed).collect())
    }

    /// The value of `metric` that no scheduler can beat which serves as much as `run` did.
    #[must_use]
    pub fn beside(&self, metric: MetricId, run: &Run) -> Option<f64> {
        let (_, bounds) = self
            .0
            .iter()
            .find(|(replication, _)| *replication == run.replication)?;
        let served = Served {
            ttft: run.ttft.count(),
            tpot: run.tpot.count(),
        };
        bounds.bound(metric, served)
    }
}

/// How tight the bounds are, in a sentence.
pub const TIGHTNESS: &str = "The bound serves every request alone on the node that suits it best, as if all nodes were up and idle and every answer's length known: no scheduler can beat it, it is attained as load goes to zero, and it leaves out queueing, batching and absences, so that a part of the gap is nobody's fault, and more of it the busier the platform is.";
