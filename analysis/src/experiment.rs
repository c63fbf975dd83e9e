//! A finished experiment: what was asked, how it was run, and what every run left behind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use walras_des::Digest;
use walras_scenarios::Scenario;

pub use walras_scenarios::Cost;
use walras_scenarios::run::Results;
use walras_sim::record::{BatchRow, Counts, JobRow, Latencies, Metrics, Sample};
use walras_sim::series::Series;
use walras_sim::sums::Sums;

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
}

/// One platform in one replication.
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
    /// How long requests or batch jobs took.
    pub latencies: Latencies,
    /// What added up in each section of the run, where it is the only replication; otherwise empty.
    pub sections: Vec<Sums>,
    /// The platform over time.
    pub samples: Vec<Sample>,
    /// Lorenz curve of owner revenue at 101 even shares of owners; empty with a single owner.
    pub lorenz: Vec<f64>,
    /// One row per ended request, if they were recorded; not read back from a run directory.
    pub jobs: Vec<JobRow>,
    /// The same of batch jobs.
    pub batch_jobs: Vec<BatchRow>,
    /// An economy over time.
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
    /// What `scenario` gave when it was executed as `execution`.
    #[must_use]
    pub fn new(scenario: &Scenario, results: Results, execution: Execution) -> Self {
        let plan = &scenario.plan;
        let platforms: Vec<String> = plan.names().into_iter().map(str::to_owned).collect();
        let slo = plan.requests().map(|requests| requests.workload.slo);
        let mut manifest = Manifest {
            format: FORMAT,
            walras: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: scenario.name.clone(),
            question: scenario.question.clone(),
            baseline: platforms[scenario.baseline].clone(),
            platforms,
            scenario_hash: format!("{:016x}", scenario.input_hash),
            workload_hash: format!("{:016x}", scenario.workload_hash),
            seed: plan.seed,
            replications: (results.requested / plan.names().len().max(1)) as u32,
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
            runs_requested: results.requested,
            interrupted: results.interrupted,
            digest: String::new(),
            runs: Vec::new(),
            execution,
            files: BTreeMap::new(),
        };
        let mut runs: Vec<Run> = results.runs.into_iter().map(Run::from).collect();
        if manifest.replications > 1 {
            // Several replications say more than the sections of each.
            for run in &mut runs {
                run.sections = Vec::new();
            }
        }
        manifest.list(&runs);
        Self {
            manifest,
            scenario: scenario.resolved.clone(),
            runs,
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
        let refusals = output.refusals.iter().map(ToString::to_string);
        Self {
            platform: run.platform,
            replication: run.replication,
            digest: output.digest.as_u64(),
            events: output.events,
            counts: output.counts,
            metrics: output.metrics,
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
