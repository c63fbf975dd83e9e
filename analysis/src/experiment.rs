//! A finished experiment: what was asked, how it was run, and what every run left behind.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use walras_des::Digest;
use walras_scenarios::Scenario;

pub use walras_scenarios::Cost;
use walras_scenarios::run::Results;
use walras_sim::record::{BatchRow, Counts, JobRow, Latencies, Latency, Metrics, Sample};
use walras_sim::series::Series;
use walras_sim::sums::Sums;

use crate::conduct::Carried;
use crate::curves::Gathered;

/// Format of run directories that this version writes and reads.
pub const FORMAT: u32 = 1;

/// A scenario with its finished runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// What identifies and reproduces it.
    pub manifest: Manifest,
    /// The resolved scenario, as text.
    pub scenario: String,
    /// The finished runs, ordered by replication, then platform.
    pub runs: Vec<Run>,
    /// What curves are made of, if the runs have forgotten their courses.
    pub gathered: Option<Gathered>,
}

/// One platform in one replication.
///
/// What it was like over time is its *course*: a run that has been written forgets it, so that memory does not grow with the number of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Index into [`Manifest::platforms`].
    pub platform: usize,
    /// Number of the replication, from zero; all platforms meet the same requests in it.
    pub replication: u32,
    /// Fingerprint of the history of events.
    pub digest: u64,
    /// Events processed.
    pub events: u64,
    /// Jobs by what became of them.
    pub counts: Counts,
    /// The figures.
    pub metrics: Metrics,
    /// Requests or batch jobs of each [`Latency`].
    pub timed: [u64; Latency::ALL.len()],
    /// How long requests or batch jobs took; part of the course, but where it is the only replication.
    pub latencies: Latencies,
    /// What added up in each section of the run, where it is the only replication; otherwise empty.
    pub sections: Vec<Sums>,
    /// The platform over time; part of the course.
    pub samples: Vec<Sample>,
    /// Lorenz curve of owner revenue at 101 even shares of owners; empty with a single owner; part of the course.
    pub lorenz: Vec<f64>,
    /// One row per ended request, if they were recorded; part of the course, and not read back from a run directory.
    pub jobs: Vec<JobRow>,
    /// The same of batch jobs.
    pub batch_jobs: Vec<BatchRow>,
    /// An economy over time; part of the course.
    pub series: Series,
    /// The first orders of the scheduler that the world refused, in sentences.
    pub refusals: Vec<String>,
}

/// What identifies and reproduces an experiment. Only [`Execution`] differs between two executions of the same one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Format of the directory: [`FORMAT`].
    pub format: u32,
    /// Version of the simulator.
    pub walras: String,
    /// Name of the scenario.
    pub scenario: String,
    /// The question that it asks.
    pub question: String,
    /// The platform that the others are compared with.
    pub baseline: String,
    /// All platforms, in order.
    pub platforms: Vec<String>,
    /// Hash of everything that determines the results.
    pub scenario_hash: String,
    /// Hash of the requests: runs with the same hash met the same ones in each replication.
    pub workload_hash: String,
    /// Seed of all random streams.
    pub seed: u64,
    /// Replications requested, in all rounds.
    pub replications: u32,
    /// The precision that was to end the replications, where their number was not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<PrecisionGoal>,
    /// How well the inference costs are known, by platform and device class.
    #[serde(default)]
    pub costs: Vec<Cost>,
    /// Length of a run [s].
    pub horizon_s: f64,
    /// Requests sent before this time were served and not measured [s].
    pub warm_up_s: f64,
    /// Whether that time was found by pilot replications (MSER-5) and not given.
    #[serde(default)]
    pub warm_up_found: bool,
    /// Time between samples [s].
    pub sample_every_s: f64,
    /// Objective for the time to first token of requests [s].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft_objective_s: Option<f64>,
    /// Objective for the time per output token of requests [s].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpot_objective_s: Option<f64>,
    /// Runs requested: platforms times replications.
    pub runs_requested: usize,
    /// Whether the execution was stopped before all runs had finished.
    pub interrupted: bool,
    /// Fingerprint of all runs together, 16 hexadecimal digits.
    pub digest: String,
    /// The finished runs, ordered by replication, then platform.
    pub runs: Vec<RunEntry>,
    /// How it was executed.
    pub execution: Execution,
    /// Fingerprints of the other files of the directory; filled in when it is written.
    pub files: BTreeMap<String, String>,
}

/// The precision that was to end the replications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrecisionGoal {
    /// The most that a figure may be off, relative to its true value.
    pub relative: f64,
    /// Names of the figures that must be as precise; empty for those that the verdict rests on.
    pub of: Vec<String>,
    /// Replications before the first look.
    pub at_least: u32,
    /// Replications at which to give up.
    pub at_most: u32,
}

/// One finished run in the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunEntry {
    /// Name of the platform.
    pub platform: String,
    /// Number of the replication, from zero.
    pub replication: u32,
    /// Fingerprint of the run, 16 hexadecimal digits.
    pub digest: String,
    /// Events processed.
    pub events: u64,
    /// The first orders of its scheduler that the world refused, with the reasons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<String>,
}

/// How an experiment was executed; none of it changes the results.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Execution {
    /// The command line.
    pub command: Vec<String>,
    /// When it started, in words the caller chooses.
    pub started: String,
    /// How long it took [s].
    pub wall_seconds: f64,
    /// Threads that it ran on.
    pub threads: usize,
}

impl Experiment {
    /// What `scenario` gave when it was executed as `execution`, with the courses of all runs.
    #[must_use]
    pub fn new(scenario: &Scenario, results: Results, execution: Execution) -> Self {
        let carried = Carried {
            requested: results.requested,
            interrupted: results.interrupted,
        };
        let mut manifest = Manifest::new(scenario, carried, execution);
        let runs: Vec<Run> = results.runs.into_iter().map(Run::from).collect();
        manifest.list(&runs);
        Self {
            manifest,
            scenario: scenario.resolved.clone(),
            runs,
            gathered: None,
        }
    }

    /// What curves are made of.
    pub(crate) fn gathered(&self) -> Cow<'_, Gathered> {
        match &self.gathered {
            Some(gathered) => Cow::Borrowed(gathered),
            None => Cow::Owned(Gathered::of(&self.runs, self.manifest.platforms.len())),
        }
    }

    /// Index of the baseline among the platforms.
    ///
    /// # Panics
    /// If the manifest names a baseline that is not a platform; one that was loaded cannot.
    #[must_use]
    pub fn baseline(&self) -> usize {
        let found = self
            .manifest
            .platforms
            .iter()
            .position(|name| *name == self.manifest.baseline);
        found.expect("the baseline is a platform")
    }

    /// The runs of one platform, by replication.
    pub fn of(&self, platform: usize) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| run.platform == platform)
    }
}

impl Manifest {
    /// Of an execution of `scenario` that ended as `carried`, before its runs are listed.
    #[must_use]
    pub fn new(scenario: &Scenario, carried: Carried, execution: Execution) -> Self {
        let Carried {
            requested,
            interrupted,
        } = carried;
        let plan = &scenario.plan;
        let platforms: Vec<String> = plan.names().into_iter().map(str::to_owned).collect();
        let slo = plan.requests().map(|requests| requests.workload.slo);
        Self {
            format: FORMAT,
            walras: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: scenario.name.clone(),
            question: scenario.question.clone(),
            baseline: platforms[scenario.baseline].clone(),
            platforms,
            scenario_hash: format!("{:016x}", scenario.input_hash),
            workload_hash: format!("{:016x}", scenario.workload_hash),
            seed: plan.seed,
            replications: (requested / plan.names().len().max(1)) as u32,
            precision: plan.precision.as_ref().map(|precision| PrecisionGoal {
                relative: precision.relative,
                of: precision
                    .of
                    .iter()
                    .map(|figure| figure.metric().name.to_owned())
                    .collect(),
                at_least: precision.at_least,
                at_most: plan.replications,
            }),
            costs: plan.costs(),
            horizon_s: plan.horizon.as_secs_f64(),
            warm_up_s: plan.warm_up.as_secs_f64(),
            warm_up_found: plan.finds_warm_up,
            sample_every_s: plan.sample_every.as_secs_f64(),
            ttft_objective_s: slo.map(|slo| slo.ttft.as_secs_f64()),
            tpot_objective_s: slo.map(|slo| slo.tpot.as_secs_f64()),
            runs_requested: requested,
            interrupted,
            digest: String::new(),
            runs: Vec::new(),
            execution,
            files: BTreeMap::new(),
        }
    }

    /// Lists `runs` and their combined digest.
    ///
    /// # Panics
    /// If a run is of a platform that is not listed.
    pub fn list(&mut self, runs: &[Run]) {
        let entry = |run: &Run| RunEntry {
            platform: self.platforms[run.platform].clone(),
            replication: run.replication,
            digest: format!("{:016x}", run.digest),
            events: run.events,
            refusals: run.refusals.clone(),
        };
        self.runs = runs.iter().map(entry).collect();
        self.digest = combined(runs);
    }
}

impl From<walras_scenarios::run::Run> for Run {
    fn from(run: walras_scenarios::run::Run) -> Self {
        let output = run.output;
        let timed = Latency::ALL.map(|latency| output.latencies[latency].count());
        let refusals = output.refusals.iter().map(ToString::to_string);
        Self {
            platform: run.platform,
            replication: run.replication,
            digest: output.digest.as_u64(),
            events: output.events,
            counts: output.counts,
            metrics: output.metrics,
            timed,
            latencies: output.latencies,
            sections: output.sections,
            samples: output.samples,
            lorenz: output.lorenz,
            jobs: output.jobs,
            batch_jobs: output.batch_jobs,
            series: output.series,
            refusals: refusals.chain(output.batch_refusals).collect(),
        }
    }
}

impl Run {
    /// Forgets its course; its latencies only if there are other replications, which say more than what is left of each.
    pub(crate) fn forget(&mut self, is_one_of_many: bool) {
        (self.samples, self.lorenz, self.series) = (Vec::new(), Vec::new(), Series::default());
        (self.jobs, self.batch_jobs) = (Vec::new(), Vec::new());
        if is_one_of_many {
            self.latencies = Latencies::default();
        }
    }
}

/// Fingerprint of all `runs` together, in their order.
pub(crate) fn combined(runs: &[Run]) -> String {
    let mut digest = Digest::new();
    for run in runs {
        digest.fold(run.platform as u64);
        digest.fold(u64::from(run.replication));
        digest.fold(run.digest);
    }
    digest.to_string()
}
