//! Batch jobs, and the clusters that run them.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::registry;
use crate::spec::Named;
use crate::spec::distribution::DurationLaw;
use crate::spec::platform::AvailabilityChoice;
use crate::spec::quantity::{Duration, Frequency, Share, Weight};

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
    /// Objects that are stored on the nodes, for jobs to read.
    pub objects: Option<ObjectsSpec>,
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
    /// A recorded file, relative to the scenario: Standard Workload Format, Philly (CSV), Alibaba openb (CSV) or `WfCommons` (JSON).
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
    /// If tasks may have more or fewer workers than those on which their work is measured.
    pub elastic: Option<ElasticSpec>,
    /// Objects of `jobs.objects` that each task reads before it works; default none.
    #[serde(default)]
    #[schemars(range(max = 1000))]
    pub reads: u32,
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
    #[serde(deserialize_with = "registry::read_of_cluster")]
    #[schemars(with = "ClusterSchedulerSpec")]
    pub scheduler: ClusterSchedulerSpec,
    /// How well it knows how long tasks take.
    #[serde(default)]
    pub estimates: TaskEstimatesSpec,
    /// The nodes by kind.
    #[serde(default)]
    pub nodes: Named<NodesSpec>,
    /// Instead of `nodes`: a recorded list of machines, relative to the scenario (Alibaba openb CSV, or those of a `WfCommons` JSON).
    pub machines: Option<String>,
    /// How data gets from one node to another; default at no time at all.
    pub network: Option<NetworkSpec>,
    /// How the objects of `jobs.objects` are kept on its nodes.
    pub storage: Option<StorageSpec>,
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
    /// Where they are: a region of the catalog, for latencies, trunks and prices of a shared network; default all in one place.
    pub region: Option<String>,
    /// Price of an hour of a node [USD]; default nothing.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1e6))]
    pub usd_per_hour: f64,
}

/// How data gets from one node to another.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum NetworkSpec {
    /// Every transfer as if it were alone.
    Alone {
        /// Until the first byte arrives.
        latency: Duration,
        /// Between any two nodes [10⁹ bit/s].
        #[schemars(extend("exclusiveMinimum" = 0))]
        gbit_s: f64,
    },
    /// Every node has a link up and a link down, whose rates its transfers share max-min fairly.
    Shared {
        /// From each node [10⁹ bit/s].
        #[schemars(extend("exclusiveMinimum" = 0))]
        up_gbit_s: f64,
        /// To each node [10⁹ bit/s].
        #[schemars(extend("exclusiveMinimum" = 0))]
        down_gbit_s: f64,
        /// Between neighbouring regions, in each direction [10⁹ bit/s]; default as much as anybody sends.
        #[schemars(extend("exclusiveMinimum" = 0))]
        trunk_gbit_s: Option<f64>,
        /// Whose prices hold for what leaves a region for another: a provider of the catalog; default nobody's.
        egress: Option<String>,
    },
}

/// How objects are kept on nodes that come and go.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorageSpec {
    /// Pieces of each object, on a node each.
    #[schemars(range(min = 1, max = 1000))]
    pub pieces: u32,
    /// Pieces that restore it: one for replicas (the default), more for an erasure code.
    #[serde(default = "one_piece")]
    #[schemars(range(min = 1, max = 1000))]
    pub needed: u32,
    /// For how long a node is away before its pieces are made anew elsewhere; default nothing is repaired.
    pub timeout: Option<DurationLaw>,
    /// Share of departures that are for good, with all that the node held; default none.
    #[serde(default = "none")]
    pub for_good: Share,
}

fn none() -> Share {
    Share(0.0)
}

fn one_piece() -> u32 {
    1
}

/// Objects that jobs read.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectsSpec {
    /// How many.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub count: u32,
    /// Size of each [10⁶ bytes].
    #[schemars(range(max = 1e9), extend("exclusiveMinimum" = 0))]
    pub megabytes: f64,
    /// How unequally they are read: the k-th in proportion to 1/k^exponent (Zipf); default equally.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10))]
    pub exponent: f64,
}

/// Tasks that may have more or fewer workers than those on which their work is measured.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElasticSpec {
    /// Workers at least.
    #[schemars(range(min = 1, max = 100_000))]
    pub min: u32,
    /// Workers at most.
    #[schemars(range(min = 1, max = 100_000))]
    pub max: u32,
    /// The fraction of the work that is divided between workers (Amdahl); default all of it: linear speed-up.
    pub parallel: Option<Share>,
    /// Time that a change of its workers takes, during which no work is done; default none.
    #[serde(default = "at_once")]
    pub cost: Duration,
}

fn at_once() -> Duration {
    Duration(0.0)
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

/// Parameters of the Gittins index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GittinsSpec {
    /// Pieces of equal probability by which it knows the distribution of sizes; default 64.
    #[serde(default = "sixty_four")]
    #[schemars(range(min = 1, max = 10_000))]
    pub pieces: u32,
    /// The node of a worker; default the first with room.
    #[serde(default)]
    pub fit: FitSpec,
    /// Whether what fits may start when the first in order has no room; default no.
    #[serde(default)]
    pub skip: bool,
}

fn sixty_four() -> u32 {
    64
}

/// Parameters of Tiresias.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TiresiasSpec {
    /// GPU time between one queue and the next, in rising order; default one hour, so that there are two queues.
    #[serde(default = "one_hour")]
    pub thresholds: Vec<Duration>,
    /// A task that has waited this many times as long as it has run goes back to the first queue; default never.
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
    pub promotion: Option<f64>,
    /// The node of a worker; default the first with room.
    #[serde(default)]
    pub fit: FitSpec,
    /// Whether what fits may start when the first in order has no room; default no.
    #[serde(default)]
    pub skip: bool,
}

fn one_hour() -> Vec<Duration> {
    vec![Duration(3600.0)]
}

/// Between whom a cluster is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BetweenSpec {
    /// Tasks: each counts as much.
    #[default]
    Tasks,
    /// Users: the tasks of each count as much together.
    Users,
}

/// Parameters of max-min fairness.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxMinSpec {
    /// Length of a round; default six minutes.
    #[serde(default = "six_minutes")]
    pub round: Duration,
    /// Between whom; default tasks.
    #[serde(default)]
    pub between: BetweenSpec,
    /// The node of a worker; default the first with room.
    #[serde(default)]
    pub fit: FitSpec,
}

fn six_minutes() -> Duration {
    Duration(360.0)
}

/// Parameters of finish-time fairness.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FinishTimeSpec {
    /// For how long room is given; default 20 minutes.
    #[serde(default = "twenty_minutes")]
    pub lease: Duration,
    /// The node of a worker; default the first with room.
    #[serde(default)]
    pub fit: FitSpec,
}

fn twenty_minutes() -> Duration {
    Duration(1200.0)
}

/// Who gets how many workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DivisionSpec {
    /// All as many.
    #[default]
    Equal,
    /// The one with the least left as many as it can use, then the next.
    ShortestRemaining,
}

/// Parameters of elastic sharing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElasticSharingSpec {
    /// Who gets how many workers; default all as many.
    #[serde(default)]
    pub division: DivisionSpec,
    /// The node of a worker; default the first with room.
    #[serde(default)]
    pub fit: FitSpec,
}

/// Which job is asked first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TurnSpec {
    /// The one with the fewest running tasks.
    #[default]
    Fair,
    /// The one submitted first.
    Submitted,
}

/// Parameters of delay scheduling.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DelaySpec {
    /// How long a job holds out for a node with its data; default three seconds.
    #[serde(default = "three_seconds")]
    pub wait: Duration,
    /// Instead of `wait`: how many offers of other nodes it lets pass.
    #[schemars(range(max = 1_000_000))]
    pub offers: Option<u32>,
    /// Which job is asked first; default the one with the fewest running tasks.
    #[serde(default)]
    pub turn: TurnSpec,
    /// How often free nodes are offered again; default every three seconds.
    #[serde(default = "three_seconds")]
    pub heartbeat: Duration,
    /// The node of a worker; default the first with room.
    #[serde(default)]
    pub fit: FitSpec,
}

fn three_seconds() -> Duration {
    Duration(3.0)
}

/// What is planned when a job is submitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScopeSpec {
    /// That job, around the plans of earlier ones.
    #[default]
    Job,
    /// All that has not started.
    All,
}

/// Parameters of a planner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannerSpec {
    /// What is planned when a job is submitted; default that job.
    #[serde(default)]
    pub scope: ScopeSpec,
}

/// Who runs when and where; `scenarios/CLUSTERS.md` says what each policy knows and where it comes from.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
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
    /// The largest Gittins index first, by what a task has had and how long tasks of this workload take; it pushes out others.
    Gittins(GittinsSpec),
    /// The least GPU time so far first, in queues; it pushes out others (Tiresias).
    Tiresias(TiresiasSpec),
    /// Max-min fairness of what machines of unequal kinds do for each, in rounds (Gavel).
    MaxMinFairness(MaxMinSpec),
    /// The task first that has lost most by sharing the cluster, in leases (Themis).
    FinishTimeFairness(FinishTimeSpec),
    /// Workers divided anew between elastic tasks whenever something changes.
    ElasticSharing(ElasticSharingSpec),
    /// Jobs hold out for a while for nodes that have their data (delay scheduling).
    Delay(DelaySpec),
    /// Workflows by a plan: heterogeneous earliest finish time (HEFT).
    Heft(PlannerSpec),
    /// Workflows by a plan: the critical path on one processor (CPOP).
    Cpop(PlannerSpec),
    /// Workflows by a plan: predict earliest finish time (PEFT).
    Peft(PlannerSpec),
    /// Workflows by a plan: the task that can be done first comes first (Min-Min).
    MinMin(PlannerSpec),
    /// Workflows by a plan: the task that is done last comes first (Max-Min).
    MaxMin(PlannerSpec),
    /// Workflows by a plan: the task that would suffer most without its best node comes first (Sufferage).
    Sufferage(PlannerSpec),
    /// Workflows by a plan: in the order of tasks, each where it is done first (MCT).
    Mct(PlannerSpec),
    /// Workflows by a plan: in the order of tasks, each where it can begin first (OLB).
    Olb(PlannerSpec),
    /// Workflows by a plan: in the order of tasks, on the first processor that is free (Graham's list scheduling).
    List(PlannerSpec),
    /// Workflows by a plan: the longest task first (LPT).
    Lpt(PlannerSpec),
    /// First come, first served, each worker where the fewest free GPUs become useless for the workload (FGD).
    FragmentationGradientDescent,
    /// As one decides that this binary was built with.
    #[serde(skip)]
    #[schemars(skip)]
    Registered {
        /// Its name.
        name: String,
        /// What stands in the braces behind it.
        parameters: serde_json::Map<String, serde_json::Value>,
    },
}
