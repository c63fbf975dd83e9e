//! What no scheduler can beat, for each replication of a contest: the one place where a kind of world names its bounds.
//!
//! Both have clairvoyant relaxations: requests in `sim/src/world/bound.rs`, batch jobs in `sim/src/cluster/bound.rs`.

use walras_des::Span;
use walras_scenarios::Plan;
use walras_scenarios::plan::Subject;
use walras_sim::cluster::bound::Relaxation as OfJobs;
use walras_sim::record::{Kind, Latency, MetricId};
use walras_sim::world::bound::{Relaxation as OfRequests, Served};

use crate::experiment::{Experiment, Run};

/// The bounds of all replications of a contest.
#[derive(Debug)]
pub struct Bounds(Vec<(u32, Relaxation)>);

#[derive(Debug)]
enum Relaxation {
    Requests(OfRequests),
    Jobs(OfJobs),
}

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
        let relaxed = |replication| {
            let bounds = match &plan.subject {
                Subject::Requests(requests) => Relaxation::Requests(OfRequests::new(
                    &requests.platforms[0],
                    &requests.workload,
                    &settings,
                    plan.seed,
                    replication,
                )),
                Subject::Batch(batch) => Relaxation::Jobs(OfJobs::new(
                    &batch.sites[0],
                    &batch.workload,
                    &settings,
                    plan.seed,
                    replication,
                )),
                Subject::Economies(_) => unreachable!("no contest is about economies"),
            };
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
        let count = |latency: Latency| run.timed[latency as usize];
        match bounds {
            Relaxation::Requests(bounds) => {
                let served = Served {
                    ttft: count(Latency::Ttft),
                    tpot: count(Latency::Tpot),
                };
                bounds.bound(metric, served)
            }
            Relaxation::Jobs(bounds) => bounds.bound(metric, count(Latency::Response)),
        }
    }
}

/// How tight the bounds of `metric` are, in a sentence.
#[must_use]
pub fn tightness(metric: MetricId) -> &'static str {
    if metric.kind() == Kind::Batch {
        "The bound is the larger of two: every job at once and alone on the nodes that suit it best, and the whole cluster as one machine that runs the shortest remaining job first, its length known. No scheduler can beat it; it leaves out that jobs do not fill all of a cluster, absences, transfers and checkpoints, so that a part of the gap is nobody's fault."
    } else {
        "The bound serves every request alone on the node that suits it best, as if all nodes were up and idle and every answer's length known: no scheduler can beat it, it is attained as load goes to zero, and it leaves out queueing, batching and absences, so that a part of the gap is nobody's fault, and more of it the busier the platform is."
    }
}
