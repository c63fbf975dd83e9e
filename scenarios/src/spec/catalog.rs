//! What the catalog holds: devices, models, requests, availability, prices and regions.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::spec::Named;
use crate::spec::distribution::{DurationLaw, RateLaw};
use crate::spec::quantity::{Duration, Share, Weight};

/// A device class: peak rates, the shares of them that kernels reach, overheads, and how well all of that is known.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceSpec {
    /// A device class of the catalog, or a file that `walras calibrate` wrote, whose keys hold unless they are given here.
    /// With other peak rates this predicts a device from its data sheet and its class.
    pub extends: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// Device memory [GiB].
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
    pub memory_gib: f64,
    /// Peak memory bandwidth [10⁹ B/s].
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub bandwidth_gb_s: f64,
    /// Peak dense bf16 rate [10¹² FLOP/s].
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub bf16_tflops: f64,
    /// Rates that kernels reach.
    pub kernels: KernelsSpec,
    /// Times that no kernel explains.
    pub overheads: OverheadsSpec,
    /// The range that was measured.
    pub covers: CoversSpec,
    /// Median relative error of predicted times.
    pub error: ErrorSpec,
    /// Power when on and idle [W].
    #[schemars(range(min = 0))]
    pub idle_w: f64,
    /// Power while serving [W].
    #[schemars(range(min = 0))]
    pub active_w: f64,
    /// Price of the part, new [USD].
    #[schemars(range(min = 0))]
    pub price_usd: Option<f64>,
    /// Standard deviation of ln(slowdown) between machines of this class.
    #[schemars(range(min = 0))]
    pub slowdown_sigma: f64,
    /// Where the numbers come from.
    pub source: Option<String>,
    /// The measurement behind the rates: machine, library, date, points. Kept, not used.
    #[schemars(extend("x-anything" = true))]
    pub measured: Option<serde_json::Value>,
}

/// Rates of each kind of operation.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KernelsSpec {
    /// Matrix products by the format of the weights: `f32`, `f16`, `bf16`, `fp8`, `q8_0`, `q6_k`, `q4_1`, `q4_k`, `q4_0`, `fp4`.
    pub matmul: Named<RoofSpec>,
    /// Attention of prompts.
    pub prefill_attention: PrefillSpec,
    /// Attention of single tokens over their context.
    pub decode_attention: DecodeSpec,
    /// Norms, rotations, activations: memory traffic.
    pub stream: StreamSpec,
    /// Between the devices of a host.
    pub link: Option<LinkRateSpec>,
}

/// A roofline; see [`walras_sim::hardware::Roof`].
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoofSpec {
    /// Arithmetic rate as a share of the peak bf16 rate.
    #[schemars(range(max = 16), extend("exclusiveMinimum" = 0))]
    pub compute: f64,
    /// Memory rate as a share of the peak bandwidth.
    #[schemars(range(max = 4), extend("exclusiveMinimum" = 0))]
    pub memory: f64,
    /// Weights unpacked per second [10⁹/s]; default: unpacking never limits.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub unpack_g_s: Option<f64>,
    /// Time of an operation that has nothing to do.
    pub launch: Duration,
    /// How little arithmetic and memory traffic overlap: the `p` of the norm.
    #[schemars(range(min = 0.5, max = 1000))]
    pub sharpness: f64,
}

/// Rates of prompt attention; see [`walras_sim::hardware::PrefillRoof`].
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrefillSpec {
    /// Arithmetic rate as a share of the peak bf16 rate.
    #[schemars(range(max = 16), extend("exclusiveMinimum" = 0))]
    pub compute: f64,
    /// Memory rate as a share of the peak bandwidth.
    #[schemars(range(max = 4), extend("exclusiveMinimum" = 0))]
    pub memory: f64,
    /// Time of an operation that has nothing to do.
    pub launch: Duration,
    /// How little arithmetic and memory traffic overlap: the `p` of the norm.
    #[schemars(range(min = 0.5, max = 1000))]
    pub sharpness: f64,
    /// What an exponential takes, in dimensions of a head.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100_000))]
    pub softmax: f64,
    /// Time per key of a block of tokens, which walks over all of them.
    #[serde(default = "at_once")]
    pub depth: Duration,
}

fn at_once() -> Duration {
    Duration(0.0)
}

/// Rates of decode attention; see [`walras_sim::hardware::DecodeRoof`].
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecodeSpec {
    /// Arithmetic rate as a share of the peak bf16 rate.
    #[schemars(range(max = 16), extend("exclusiveMinimum" = 0))]
    pub compute: f64,
    /// Memory rate as a share of the peak bandwidth.
    #[schemars(range(max = 4), extend("exclusiveMinimum" = 0))]
    pub memory: f64,
    /// Time of an operation that has nothing to do.
    pub launch: Duration,
    /// Time per unit of work: one key-value head of one sequence.
    pub unit: Duration,
    /// Units of work that reach half of the bandwidth.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100_000))]
    pub half: f64,
    /// The same in a step with prompts, where it differs.
    pub mixed: Option<MixedSpec>,
}

/// Rates of decode attention in one operation with prompts; see [`walras_sim::hardware::Mixed`].
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MixedSpec {
    /// Time per sequence and head.
    pub unit: Duration,
    /// Memory rate as a share of the peak bandwidth.
    #[schemars(range(max = 4), extend("exclusiveMinimum" = 0))]
    pub memory: f64,
}

/// Memory traffic outside products and attention.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamSpec {
    /// Memory rate as a share of the peak bandwidth; more than one where the data stay in a cache.
    #[schemars(range(max = 64), extend("exclusiveMinimum" = 0))]
    pub memory: f64,
    /// Time of an operation that has nothing to do.
    pub launch: Duration,
}

/// Exchange between the devices of a host.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkRateSpec {
    /// Time of an exchange of nothing.
    pub latency: Duration,
    /// Rate of each device in each direction [10⁹ B/s].
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub bandwidth_gb_s: f64,
}

/// Times that no kernel explains.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverheadsSpec {
    /// Per step.
    pub step: Duration,
    /// Per transformer layer and step.
    pub layer: Duration,
    /// Per sequence that gets a token, and step.
    pub sequence: Duration,
    /// Per request, before it can join a batch.
    pub request: Duration,
}

/// The range of the measurements behind a device class.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CoversSpec {
    /// Most tokens in one step.
    #[schemars(range(min = 1))]
    pub tokens: u32,
    /// Longest context of a sequence.
    #[schemars(range(min = 1))]
    pub context: u32,
    /// Most sequences in a decode step.
    #[schemars(range(min = 1))]
    pub sequences: u32,
}

/// Median of |predicted / measured − 1| of times.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorSpec {
    /// On what the rates were fitted to.
    pub fitted: Share,
    /// On what they were not.
    pub held_out: Share,
}

/// A language model by its published shape.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// What it is.
    pub description: Option<String>,
    /// Stored weights.
    #[schemars(range(max = 1e15), extend("exclusiveMinimum" = 0))]
    pub parameters: f64,
    /// Transformer layers.
    #[schemars(range(min = 1, max = 100_000))]
    pub layers: u32,
    /// Hidden size.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub hidden: u32,
    /// Attention heads.
    #[schemars(range(min = 1, max = 100_000))]
    pub heads: u32,
    /// Key-value heads.
    #[schemars(range(min = 1, max = 100_000))]
    pub kv_heads: u32,
    /// Size of a head.
    #[schemars(range(min = 1, max = 100_000))]
    pub head_dim: u32,
    /// Width of the feed-forward layer, or of one expert.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub ffn: u32,
    /// Size of the vocabulary.
    #[schemars(range(min = 1, max = 100_000_000))]
    pub vocab: u32,
    /// Experts, for a mixture-of-experts model.
    pub experts: Option<ExpertsSpec>,
    /// Where the numbers come from.
    pub source: Option<String>,
}

/// Shape of a mixture of experts.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpertsSpec {
    /// Experts per layer.
    #[schemars(range(min = 1, max = 100_000))]
    pub count: u32,
    /// Experts that serve one token.
    #[schemars(range(min = 1, max = 100_000))]
    pub active: u32,
    /// Experts that serve every token besides; default none.
    #[serde(default)]
    #[schemars(range(max = 1000))]
    pub shared: u32,
}

/// A fitted arrival process with sizes.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestsSpec {
    /// What it is.
    pub description: Option<String>,
    /// Requests of the trace that it was fitted to.
    pub requests: Option<u64>,
    /// Length of that trace [s].
    pub duration_s: Option<f64>,
    /// When requests arrive.
    pub arrivals: ArrivalsSpec,
    /// Prompt lengths [tokens].
    pub prompt_tokens: TokensSpec,
    /// Output lengths [tokens].
    pub output_tokens: TokensSpec,
    /// Correlation of the Gaussian copula between prompt and output lengths.
    #[serde(default)]
    #[schemars(range(min = -1, max = 1))]
    pub correlation: f64,
    /// How well it fits: figures of the trace and of the process.
    #[serde(default)]
    pub goodness: Named<f64>,
    /// Where the numbers come from.
    pub source: Option<String>,
}

/// When requests arrive: a renewal process on a clock that may run unevenly.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArrivalsSpec {
    /// Mean rate [1/s].
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
    pub rate_per_s: f64,
    /// Coefficient of variation of the time between arrivals (one: Poisson).
    #[serde(default = "one")]
    #[schemars(range(max = 1000), extend("exclusiveMinimum" = 0))]
    pub interarrival_cv: f64,
    /// Quantile function [[p, x], …] of the time between arrivals in multiples of its mean; replaces the gamma law.
    #[serde(default)]
    pub interarrival_quantiles: Option<Vec<(f64, f64)>>,
    /// Slow variation of the rate.
    pub modulation: Option<ModulationSpec>,
}

fn one() -> f64 {
    1.0
}

/// Slow variation of the rate: log-normal, autoregressive, constant within a window.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModulationSpec {
    /// Length of a window [s].
    #[schemars(range(min = 0.001, max = 1e9))]
    pub window_s: f64,
    /// Standard deviation of the logarithm of the rate.
    #[schemars(range(min = 0))]
    pub sigma: f64,
    /// Correlation between neighbouring windows.
    #[schemars(range(min = -1, max = 1))]
    pub correlation: f64,
}

/// Lengths in tokens.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum TokensSpec {
    /// Always the same.
    Constant(#[schemars(range(min = 1))] u32),
    /// Quantile function [[p, x], …], linear between its points.
    Quantiles(Vec<(f64, f64)>),
    /// Without memory, at most `max`.
    Exponential {
        /// The mean, before the longest are cut off.
        #[schemars(range(min = 1))]
        mean: f64,
        /// The longest.
        #[schemars(range(min = 1))]
        max: u32,
    },
    /// The exponential of a normal variable, at most `max`.
    Lognormal {
        /// The median.
        #[schemars(extend("exclusiveMinimum" = 0))]
        median: f64,
        /// Standard deviation of the logarithm.
        #[schemars(range(min = 0))]
        sigma: f64,
        /// The longest.
        #[schemars(range(min = 1))]
        max: u32,
    },
}

/// How a class of hosts comes and goes.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AvailabilitySpec {
    /// What it is.
    pub description: Option<String>,
    /// Length of an uninterrupted stay.
    pub up: Option<DurationLaw>,
    /// Length of an absence.
    pub down: Option<DurationLaw>,
    /// Hosts never leave.
    pub always: Option<bool>,
    /// Each host belongs for good to one of these classes.
    pub mixture: Option<Vec<MixtureSpec>>,
    /// Hosts are there in certain hours of their owner's day.
    pub daily: Option<DailySpec>,
    /// Hosts come and go as recorded.
    pub replay: Option<ReplaySpec>,
    /// Where the numbers come from.
    pub source: Option<String>,
}

/// Hours of the day on the clocks of the host's region. A run begins at midnight universal time.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DailySpec {
    /// When hosts come on, after midnight: `22 h`.
    pub from: Duration,
    /// When they go; before `from` for the night over.
    pub until: Duration,
    /// Standard deviation of both between owners, each of whom keeps to the same hours; default none.
    #[serde(default = "at_once")]
    pub spread: Duration,
}

/// Presence recorded in files.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaySpec {
    /// JSON files with `metadata.gap_seconds` and a list `data` of how many instances were there, relative to the scenario. The
    /// nodes of a fleet follow their instances in turn; a file that ends begins anew.
    pub files: Vec<String>,
    /// Where in its record a node starts; default together.
    #[serde(default)]
    pub start: StartSpec,
}

/// Where in its record a node starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StartSpec {
    /// All at the beginning, so that those on one record come and go together.
    #[default]
    Together,
    /// Each at a random point.
    Apart,
}

/// A class within a mixture.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MixtureSpec {
    /// Name of the class.
    pub class: String,
    /// How many hosts belong to it, relative to the others.
    pub weight: Weight,
}

/// Classes of availability.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AvailabilityBook {
    /// The classes by name.
    pub classes: Named<AvailabilitySpec>,
}

/// A price book.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceBook {
    /// Date of the prices.
    pub as_of: Option<String>,
    /// Price of an hour by device [USD].
    #[schemars(inner(range(min = 0)))]
    pub usd_per_hour: Named<f64>,
    /// Where the numbers come from.
    pub source: Option<String>,
}

/// The regions, and what lies between them.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Geography {
    /// The regions by name.
    pub regions: Named<RegionSpec>,
    /// Measured links.
    pub links: Vec<LinkSpec>,
    /// Round trip between two sites of one region.
    pub intra_region_rtt: Duration,
    /// Round trip between a site and the backbone of its region, by kind of access.
    pub last_mile: Named<DurationLaw>,
    /// What a site can receive, by kind of access.
    pub download: Named<RateLaw>,
    /// Prices of what leaves a region, by provider.
    pub egress: Named<EgressSpec>,
    /// Where the numbers come from.
    pub source: Option<String>,
}

/// A region.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegionSpec {
    /// What it stands for.
    pub description: Option<String>,
    /// Retail price of electricity [USD/kWh].
    #[schemars(range(min = 0))]
    pub electricity_usd_per_kwh: f64,
    /// Share of requests that start there.
    pub population_weight: Weight,
    /// How far its clocks are ahead of universal time [h]; standard time, all year.
    #[schemars(range(min = -12, max = 14))]
    pub utc_offset_h: f64,
}

/// Prices of data sent from one region to another [USD per 10⁹ bytes]; nothing within a region.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EgressSpec {
    /// By the region that it leaves.
    #[schemars(inner(range(min = 0)))]
    pub from: Named<f64>,
    /// Pairs with prices of their own.
    #[serde(default)]
    pub pairs: Vec<EgressPair>,
}

/// A price for one direction between two regions.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EgressPair {
    /// Where the data leave.
    pub from: String,
    /// Where they go.
    pub to: String,
    /// What they cost [USD per 10⁹ bytes].
    #[schemars(range(min = 0))]
    pub usd_per_gb: f64,
}

/// A measured link.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// The two regions.
    pub between: (String, String),
    /// Mean round trip.
    pub rtt: Duration,
}
