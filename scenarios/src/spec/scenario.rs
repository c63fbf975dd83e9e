//! A scenario: a question, a workload, and the platforms that meet it.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::spec::Named;
use crate::spec::catalog::{AvailabilitySpec, DeviceSpec, ModelSpec, RequestsSpec, TokensSpec};
use crate::spec::cluster::{ClusterSpec, JobsSpec};
use crate::spec::distribution::PriceLaw;
use crate::spec::economy::{CustomersSpec, EconomySpec};
use crate::spec::instrument::{BreakevenSpec, SensitivitySpec, TuneSpec};
use crate::spec::platform::PlatformSpec;
use crate::spec::quantity::{Duration, Share, Weight};

/// One experiment: requests and the platforms that serve them, or batch jobs and the clusters that run them, or customers and the
/// economies in which they buy.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    title = "Walras scenario",
    extend("x-either" = [["workload", "platforms"], ["jobs", "clusters"], ["customers", "economies"]])
)]
pub struct ScenarioSpec {
    /// Version of this format.
    #[schemars(range(min = 1, max = 1))]
    pub walras: u32,
    /// What the experiment answers.
    pub question: String,
    /// The platform that the others are compared with; default the first.
    pub baseline: Option<String>,
    /// How long and how often.
    pub run: RunSpec,
    /// What customers ask for.
    pub workload: Option<WorkloadSpec>,
    /// What serves them.
    #[serde(default)]
    pub platforms: Named<PlatformSpec>,
    /// Instead of `workload`: batch jobs.
    pub jobs: Option<JobsSpec>,
    /// Instead of `platforms`: the clusters that run them.
    #[serde(default)]
    pub clusters: Named<ClusterSpec>,
    /// Instead of `workload`: customers who choose between networks, over years.
    pub customers: Option<CustomersSpec>,
    /// Instead of `platforms`: the networks that they choose between, in one or several variants.
    #[serde(default)]
    pub economies: Named<EconomySpec>,
    /// Values to try, by paths as `--set` takes them, such as `workload.rate_factor: [1, 2, 5]`. Every combination is a
    /// point, run with the same seed; the order of writing is the order of the points, and the last axis varies fastest.
    #[serde(default)]
    pub sweep: Named<Vec<serde_json::Value>>,
    /// What `walras sensitivity` varies and looks at; no part of a run.
    pub sensitivity: Option<SensitivitySpec>,
    /// What `walras tune` varies and looks at; no part of a run.
    pub tune: Option<TuneSpec>,
    /// What `walras breakeven` varies and compares; no part of a run.
    pub breakeven: Option<BreakevenSpec>,
    /// Devices beside those of the catalog, or changes to them.
    #[serde(default)]
    pub devices: Named<DeviceSpec>,
    /// Models beside those of the catalog, or changes to them.
    #[serde(default)]
    pub models: Named<ModelSpec>,
    /// Classes of availability beside those of the catalog, or changes to them.
    #[serde(default)]
    pub availability: Named<AvailabilitySpec>,
}

/// How long and how often.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// Length of a run. A trace that is shorter ends it; of one that is longer, the rest is left out.
    pub horizon: Duration,
    /// Independent repetitions: how many, or how precise the answer must be.
    pub replications: ReplicationsSpec,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Jobs submitted before this time are not measured; default none.
    pub warm_up: Option<WarmUpSpec>,
    /// Time between two samples of the state; default a 144th of the horizon.
    pub sample_every: Option<Duration>,
}

/// How many independent repetitions.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ReplicationsSpec {
    /// This many.
    Fixed(#[schemars(range(min = 1, max = 1_000_000))] u32),
    /// As many as a precision takes.
    UntilPrecise(PrecisionGoalSpec),
}

/// Repetitions until the figures are precise.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrecisionGoalSpec {
    /// The most that a figure may be off, relative to its true value, as far as 95 % intervals tell.
    pub precision: Share,
    /// Names of the figures that must be precise, on every platform; default those that the verdict rests on.
    pub of: Option<Vec<String>>,
    /// Repetitions before the first look; default five.
    #[serde(default = "five")]
    #[schemars(range(min = 2, max = 1_000_000))]
    pub at_least: u32,
    /// Repetitions at which to give up; default two hundred.
    #[serde(default = "two_hundred")]
    #[schemars(range(min = 2, max = 1_000_000))]
    pub at_most: u32,
}

fn five() -> u32 {
    5
}

fn two_hundred() -> u32 {
    200
}

/// The part of a run that is not measured.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum WarmUpSpec {
    /// Found by pilot replications: until the number of jobs in the system is steady on every platform (MSER-5).
    Word(WarmUpWord),
    /// This long.
    Length(Duration),
}

/// The word for a warm-up that is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WarmUpWord {
    /// Found by pilot replications.
    Auto,
}

/// What customers ask for.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkloadSpec {
    /// When requests arrive, and how long they are.
    pub requests: RequestsChoice,
    /// Factor on the arrival rate; default one.
    #[serde(default = "one")]
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
    pub rate_factor: f64,
    /// Daily variation of the rate; default none.
    pub diurnal: Option<DiurnalSpec>,
    /// Model that is asked for.
    pub model: String,
    /// How its weights are stored.
    #[serde(default)]
    pub precision: PrecisionSpec,
    /// Where requests come from.
    #[serde(default)]
    pub origins: OriginsSpec,
    /// What counts as good service.
    pub slo: SloSpec,
    /// How long a request waits for a node before its customer gives up.
    pub patience: Duration,
    /// The most that customers pay [USD per million output tokens]; default no limit.
    pub budget: Option<PriceLaw>,
    /// Beginnings that prompts share: system prompts, tools, documents; default none.
    pub prefixes: Option<PrefixesSpec>,
}

/// Beginnings that prompts share. A server whose platform has `serving.prefix_caching` computes each once and keeps it.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrefixesSpec {
    /// Number of different beginnings.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub groups: u32,
    /// How unequal they are: the k-th most frequent has a share in proportion to 1/k^exponent (Zipf); zero for equal shares.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10))]
    pub exponent: f64,
    /// Their lengths.
    pub tokens: TokensSpec,
}

fn one() -> f64 {
    1.0
}

/// When requests arrive, and how long they are.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RequestsChoice {
    /// A workload of the catalog.
    Catalog(String),
    /// A workload described here, or recorded in a file.
    Own(OwnRequests),
}

/// A workload described here, or recorded in a file.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum OwnRequests {
    /// A fitted process, with the fields of a workload of the catalog.
    Synthetic(Box<RequestsSpec>),
    /// A recorded file, relative to the scenario: CSV with the columns `TIMESTAMP`, `ContextTokens` and `GeneratedTokens` (Azure LLM), or
    /// JSON lines with `timestamp`, `input_length`, `output_length` and `hash_ids` (Mooncake), whose prompts share the blocks recorded.
    Trace(String),
}

/// A sinusoidal day.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiurnalSpec {
    /// Half the distance between peak and trough, relative to the mean.
    pub amplitude: Share,
    /// Time of the peak after the start of the run.
    pub peak: Duration,
}

/// How weights are stored; the block formats are those of GGUF.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrecisionSpec {
    /// 32-bit float.
    F32,
    /// 16-bit float.
    F16,
    /// 16-bit brain float.
    #[default]
    Bf16,
    /// 8-bit float.
    Fp8,
    /// 8.5 bits per weight.
    #[serde(rename = "q8_0")]
    Q8_0,
    /// 6.6 bits per weight.
    #[serde(rename = "q6_k")]
    Q6K,
    /// 5 bits per weight.
    #[serde(rename = "q4_1")]
    Q4_1,
    /// 4.5 bits per weight.
    #[serde(rename = "q4_k")]
    Q4K,
    /// 4.5 bits per weight, one scale for 32.
    #[serde(rename = "q4_0")]
    Q4_0,
    /// 4-bit float.
    Fp4,
}

impl From<PrecisionSpec> for walras_sim::hardware::Format {
    fn from(spec: PrecisionSpec) -> Self {
        match spec {
            PrecisionSpec::F32 => Self::F32,
            PrecisionSpec::F16 => Self::F16,
            PrecisionSpec::Bf16 => Self::Bf16,
            PrecisionSpec::Fp8 => Self::Fp8,
            PrecisionSpec::Q8_0 => Self::Q8_0,
            PrecisionSpec::Q6K => Self::Q6K,
            PrecisionSpec::Q4_1 => Self::Q4_1,
            PrecisionSpec::Q4K => Self::Q4K,
            PrecisionSpec::Q4_0 => Self::Q4_0,
            PrecisionSpec::Fp4 => Self::Fp4,
        }
    }
}

/// Where requests come from.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OriginsSpec {
    /// By the population weights of the catalog.
    Word(OriginsWord),
    /// Shares by region.
    Shares(Named<Weight>),
}

impl Default for OriginsSpec {
    fn default() -> Self {
        Self::Word(OriginsWord::InternetUsers)
    }
}

/// The word for the population weights of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OriginsWord {
    /// By the population weights of the catalog.
    InternetUsers,
}

/// What counts as good service.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SloSpec {
    /// Time to the first token.
    pub ttft: Duration,
    /// Mean time per output token after the first.
    pub tpot: Duration,
}
