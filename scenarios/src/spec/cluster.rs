//! Batch jobs, and the clusters that run them.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::spec::Named;
use crate::spec::distribution::DurationLaw;
use crate::spec::platform::AvailabilityChoice;
use crate::spec::quantity::{Duration, Frequency, Weight};

/// Batch jobs.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobsSpec {
    /// Recorded or drawn.
    pub source: JobsSource,
    /// Factor on the rate at which jobs are submitted; default one.
    #[serde(default = "one")]
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
    pub rate_factor: f64,
    /// Each replication puts a record together anew from blocks of this length, drawn with replacement (moving-block bootstrap);
    /// default all replications are the record itself.
    pub resample: Option<Duration>,
    /// When a job should be done that has no deadline of its own: this many times its least time after submission; default never.
    #[schemars(range(min = 1, max = 1e6))]
    pub deadline_factor: Option<f64>,
    /// How tasks save their progress; default not at all, so that an interrupted one starts anew.
    pub checkpoint: Option<CheckpointSpec>,
}

fn one() -> f64 {
    1.0
}

/// Where batch jobs come from.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum JobsSource {
    /// A recorded file, relative to the scenario: Standard Workload Format, Philly (CSV), Alibaba openb (CSV) or WfCommons (JSON).
    Trace(String),
    /// Drawn from classes.
    Synthetic(SyntheticJobsSpec),
}

/// Jobs drawn from classes.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyntheticJobsSpec {
    /// When they are submitted.
    pub arrivals: JobArrivalsSpec,
    /// Whose they are; default all of one user.
    #[serde(default)]
    pub users: UsersSpec,
    /// Classes of jobs that are alike.
    pub classes: Named<JobClassSpec>,
}

/// When batch jobs are submitted.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum JobArrivalsSpec {
    /// Independently of each other, at this rate (Poisson).
    Poisson(Frequency),
    /// So many at the start of the run.
    AtOnce(#[schemars(range(min = 1, max = 10_000_000))] u32),
}

/// Users of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsersSpec {
    /// How many.
    #[schemars(range(min = 1, max = 100_000))]
    pub count: u32,
    /// How unequal they are: the k-th has a share in proportion to 1/k^exponent (Zipf); default equal.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10))]
    pub exponent: f64,
}

impl Default for UsersSpec {
    fn default() -> Self {
        Self {
            count: 1,
            exponent: 0.0,
        }
    }
}

/// A class of batch jobs.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobClassSpec {
    /// How many of the jobs are of this class, relative to the others.
    pub share: Weight,
    /// Time that a task takes on nodes of speed one.
    pub work: DurationLaw,
    /// Workers that a task needs at the same time (a gang); default one.
    #[serde(default)]
    pub workers: WorkersSpec,
    /// Cores of each worker; default one.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub cores: f64,
    /// Memory of each worker [GiB]; default none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub memory_gib: f64,
    /// GPUs of each worker: a whole number, or a share of one; default none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 16))]
    pub gpus: f64,
    /// Nodes on which it may run carry one of these labels; default any node.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Users ask for a time between that of the task and this many times it, all equally likely; default they do not say.
    #[schemars(range(min = 1, max = 1000))]
    pub walltime_factor: Option<f64>,
    /// If a job has several tasks with an order between them.
    pub workflow: Option<ShapeSpec>,
}

/// Workers of a task.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum WorkersSpec {
    /// Always as many.
    Fixed(#[schemars(range(min = 1, max = 100_000))] u32),
    /// Numbers and their shares, such as `{1: 70 %, 8: 30 %}`.
    Shares(Named<Weight>),
}

impl Default for WorkersSpec {
    fn default() -> Self {
        Self::Fixed(1)
    }
}

/// Random workflows in levels.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShapeSpec {
    /// Tasks of a job.
    #[schemars(range(min = 1, max = 100_000))]
    pub tasks: u32,
    /// How wide: levels have √tasks · fat tasks on average; default one.
    #[serde(default = "one")]
    #[schemars(range(max = 1000), extend("exclusiveMinimum" = 0))]
    pub fat: f64,
    /// Parents of a task at most; default three.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 1000))]
    pub parents: u32,
    /// What a task sends to each of its children on average [10⁶ bytes]; default nothing.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1e9))]
    pub megabytes: f64,
}

fn three() -> u32 {
    3
}

/// How tasks save their progress.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckpointSpec {
    /// Time that writing one takes.
    pub cost: Duration,
    /// Work between two of them.
    pub interval: Option<Duration>,
    /// Instead of `interval`: the mean time between failures of a task, for Young's interval √(2 · cost · mtbf).
    pub mtbf: Option<Duration>,
}

/// A cluster that runs batch jobs.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterSpec {
    /// A cluster of this file whose keys hold unless they are given here. Maps of keys are merged; everything else replaces
    /// what it inherits; `null` removes it.
    pub extends: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// Who runs when and where.
    pub scheduler: ClusterSchedulerSpec,
    /// How well it knows how long tasks take.
    #[serde(default)]
    pub estimates: TaskEstimatesSpec,
    /// The nodes by kind.
    #[serde(default)]
    pub nodes: Named<NodesSpec>,
    /// Instead of `nodes`: a recorded list of machines, relative to the scenario (Alibaba openb CSV, or those of a WfCommons JSON).
    pub machines: Option<String>,
    /// How data gets from one node to another; default at no time at all.
    pub network: Option<LinkSpec>,
}

/// Nodes that are alike.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodesSpec {
    /// How many.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub count: u32,
    /// Cores of each; default one.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub cores: f64,
    /// Memory of each [GiB]; default none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub memory_gib: f64,
    /// GPUs of each; default none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 16))]
    pub gpus: u8,
    /// Labels that jobs may ask for.
    #[serde(default)]
    pub labels: Vec<String>,
    /// How fast they are, relative to the nodes on which work is measured; default one.
    #[serde(default = "one")]
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
    pub speed: f64,
    /// How they come and go; default they stay.
    pub availability: Option<AvailabilityChoice>,
    /// Price of an hour of a node [USD]; default nothing.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1e6))]
    pub usd_per_hour: f64,
}

/// How data gets from one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// Until the first byte arrives.
    pub latency: Duration,
    /// Between any two nodes [10⁹ bit/s].
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub gbit_s: f64,
}

/// How well a cluster knows how long tasks take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum TaskEstimatesSpec {
    /// Not at all.
    None,
    /// As it is.
    Exact,
    /// Times a log-normal factor of median one.
    Noisy {
        /// Standard deviation of the logarithm.
        #[schemars(range(min = 0, max = 5))]
        sigma: f64,
    },
    /// As users said, where they did.
    #[default]
    User,
}

/// The node of a worker, of those that have room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FitSpec {
    /// The first.
    #[default]
    First,
    /// The one that is left with the least.
    Best,
    /// The one that is left with the most.
    Worst,
    /// The one whose free resources point least in the direction of the demand.
    DotProduct,
    /// The one with the least free GPU capacity.
    GpuPacking,
}

/// Where workers go, and who may overtake whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderedSpec {
    /// The node of a worker; default the first with room.
    #[serde(default)]
    pub fit: FitSpec,
    /// Whether what fits may start when the first in order has no room; default no: nobody overtakes it.
    #[serde(default)]
    pub skip: bool,
}

/// Where workers go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlacedSpec {
    /// The node of a worker; default the first with room.
    #[serde(default)]
    pub fit: FitSpec,
}

/// Who runs when and where; `scenarios/SCHEDULERS.md` says what each policy knows and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ClusterSchedulerSpec {
    /// First come, first served.
    Fcfs(OrderedSpec),
    /// The shortest estimate first (SJF).
    Sjf(OrderedSpec),
    /// The shortest estimate first; it pushes out longer ones (PSJF).
    Psjf(OrderedSpec),
    /// The shortest remaining estimate first; it pushes out longer ones (SRPT).
    Srpt(OrderedSpec),
    /// The earliest deadline first; it pushes out later ones (EDF).
    Edf(OrderedSpec),
    /// All that is on a node shares its cores equally (PS).
    ProcessorSharing,
    /// On each node those run that have had the least, in equal parts (LAS, foreground-background).
    Las,
    /// First come, first served; others may start if the first in the queue is not delayed, as far as estimates tell (EASY backfilling).
    Easy(PlacedSpec),
    /// As `easy`, and nobody in the queue is delayed (conservative backfilling).
    Conservative(PlacedSpec),
    /// The user with the smallest dominant share first (DRF).
    Drf(PlacedSpec),
    /// First come, first served, each worker where the fewest free GPUs become useless for the workload (FGD).
    FragmentationGradientDescent,
}
