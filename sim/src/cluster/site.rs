//! A cluster as a scenario names it: its nodes under a policy, and one replication of its run.

use walras_des::{SimTime, Streams};

use crate::cluster::job::Job;
use crate::cluster::observer::Observer;
use crate::cluster::policy::builtin::Policy;
use crate::cluster::tally::Tally;
use crate::cluster::workload::{Workload, mix};
use crate::cluster::world::{Cluster, Estimates, Outcome, Watch, observed};
use crate::record::Output;
use crate::world::Settings;

/// A cluster under a policy.
#[derive(Clone, Debug)]
pub struct Site {
    /// Name in the scenario.
    pub name: String,
    /// Its nodes.
    pub cluster: Cluster,
    /// Who decides.
    pub policy: Policy,
    /// How lengths of tasks reach it.
    pub estimates: Estimates,
}

/// The replication from which policies know the workload; none that is run has this number.
const HISTORY: u64 = 2_000_000;

/// A run ends when all jobs have, and this many horizons after its start at the latest: under overload without an end, jobs stay under way.
pub const LATEST: u64 = 10;

impl Site {
    /// Simulates one replication; `None` if `stop` asked for it.
    ///
    /// # Panics
    /// If an invariant of the simulation is violated.
    #[must_use]
    pub fn simulate(
        &self,
        workload: &Workload,
        settings: &Settings,
        seed: u64,
        replication: u32,
        keeps_jobs: bool,
        stop: &dyn Fn() -> bool,
    ) -> Option<Output> {
        let streams = Streams::new(seed, u64::from(replication));
        let jobs = workload.jobs(&streams, settings.horizon);
        let tally = Tally::new(settings, mix(&jobs));
        let history = self.history(workload, settings, seed);
        let until = self.latest(settings);
        let (outcome, tally) = self.watched(jobs, &history, until, &streams, tally, stop)?;
        Some(tally.output(outcome, keeps_jobs))
    }

    /// What the policy knows of the workload, if it asks: the jobs of a replication that is not run, or those of a record.
    #[must_use]
    pub fn history(&self, workload: &Workload, settings: &Settings, seed: u64) -> Vec<Job> {
        if !self.policy.asks_for_history() {
            return Vec::new();
        }
        workload.jobs(&Streams::new(seed, HISTORY), settings.horizon)
    }

    /// When a run ends at the latest.
    #[must_use]
    pub fn latest(&self, settings: &Settings) -> SimTime {
        SimTime::ZERO + settings.horizon * LATEST
    }

    /// Runs these jobs, until then at most, while `observer` looks on.
    ///
    /// # Panics
    /// As [`Site::simulate`].
    #[must_use]
    pub fn watched<O: Observer>(
        &self,
        jobs: Vec<Job>,
        history: &[Job],
        until: SimTime,
        streams: &Streams,
        observer: O,
        stop: &dyn Fn() -> bool,
    ) -> Option<(Outcome, O)> {
        let scheduler = self.policy.build(history, streams);
        let watch = Watch {
            observer,
            until,
            stop,
        };
        let jobs = jobs.into_iter();
        observed(
            &self.cluster,
            jobs,
            self.estimates,
            scheduler,
            streams,
            watch,
        )
    }
}
