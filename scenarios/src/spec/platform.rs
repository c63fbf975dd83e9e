//! Platforms: fleets of nodes with a scheduler, a pricing mechanism and a settlement rule.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::spec::Named;
use crate::spec::distribution::{DurationLaw, RateLaw};
use crate::spec::quantity::{Duration, Share, Weight};

/// A platform that serves requests.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlatformSpec {
    /// A platform of this file or of the catalog whose keys hold unless they are given here. Maps of keys are merged;
    /// `devices`, shares, distributions and everything else replace what they inherit; `null` removes it.
    pub extends: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// How jobs are placed.
    pub scheduler: SchedulerSpec,
    /// Jobs that one node may hold, running or queued.
    #[schemars(range(min = 1, max = 4096))]
    pub slots: u32,
    /// How a node serves its jobs.
    #[serde(default)]
    pub serving: ServingSpec,
    /// How prices are found.
    pub pricing: PricingSpec,
    /// How deliveries are paid.
    #[serde(default)]
    pub settlement: SettlementSpec,
    /// How losses are noticed and repeated.
    pub retry: RetrySpec,
    /// The nodes by kind.
    pub fleets: Named<FleetSpec>,
    /// What happens to many nodes at once, or to those who control them; default nothing.
    #[serde(default)]
    pub outages: Named<OutageSpec>,
}

/// An outage, once or again and again.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutageSpec {
    /// What it is.
    pub description: Option<String>,
    /// What fails.
    pub what: ReachSpec,
    /// Where; default everywhere. The dispatcher is nowhere in particular.
    pub regions: Option<Vec<String>>,
    /// Whether these regions fail as one, or each for itself; default each for itself.
    #[serde(default)]
    pub together: bool,
    /// When it begins, once, after the start of the run.
    pub at: Option<Duration>,
    /// Instead of `at`: the time from the end of one to the beginning of the next.
    pub every: Option<DurationLaw>,
    /// How long it lasts.
    pub lasts: DurationLaw,
    /// Where the numbers come from.
    pub source: Option<String>,
}

/// What fails in an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReachSpec {
    /// The nodes: they are gone, with their work.
    Blackout,
    /// The network: nodes run on, and nobody reaches them.
    Partition,
    /// What starts and releases instances; those that run serve on.
    ControlPlane,
    /// What places requests; those that were placed are served.
    Dispatcher,
}

/// How jobs are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SchedulerSpec {
    /// On any node with a free slot.
    Random,
    /// On one node after the other.
    RoundRobin,
    /// On the node with the fewest jobs.
    LeastLoaded,
    /// On the cheapest node that promises to meet the objectives.
    CheapestWithinSlo,
    /// On the least loaded of some random nodes.
    PowerOfChoices {
        /// How many nodes are looked at.
        #[schemars(range(min = 1))]
        d: u32,
    },
}

/// How a node serves its jobs: continuous batching with chunked prefill over a paged KV cache.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServingSpec {
    /// Most tokens in one step: decoding sequences first, prompts in what is left; default 2048, or the slots if they are more.
    #[schemars(range(min = 1, max = 131_072))]
    pub token_budget: Option<u32>,
    /// Whether prompts that start alike share the KV cache of what they share; default no.
    #[serde(default)]
    pub prefix_caching: bool,
    /// Drafts that are checked in one step; default none.
    pub speculation: Option<SpeculationSpec>,
}

/// Speculative decoding.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpeculationSpec {
    /// Tokens that the draft model proposes per step.
    #[schemars(range(min = 1, max = 64))]
    pub drafted: u32,
    /// Probability that a proposed token is accepted.
    #[schemars(range(min = 0), extend("exclusiveMaximum" = 1))]
    pub acceptance: f64,
    /// Time of drafting one token relative to a decode step of the model.
    #[schemars(range(min = 0, max = 10))]
    pub cost: f64,
}

/// Hosts in a row that hold consecutive layers of the model.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PipelineSpec {
    /// Hosts of one node; each is priced, powered and lost like a node of its own.
    #[schemars(range(min = 2, max = 1000))]
    pub stages: u32,
    /// Round trip between neighbours.
    pub round_trip: Duration,
    /// Rate of the slowest link [10⁶ bit/s].
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub mbit_s: f64,
}

/// How prices are found.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PricingSpec {
    /// Customers pay for instance time at a posted hourly price, used or not.
    Rental,
    /// Owners ask a price per token, and the winner is paid what it asked.
    ReverseAuction,
    /// One price for the whole network that follows its utilization.
    BaseFee(BaseFeeSpec),
}

/// A base fee in the manner of EIP-1559.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BaseFeeSpec {
    /// Price at the start [USD per million output tokens].
    #[schemars(range(max = 1e9), extend("exclusiveMinimum" = 0))]
    pub initial: f64,
    /// The price never falls below this [USD per million output tokens].
    #[schemars(range(max = 1e9), extend("exclusiveMinimum" = 0))]
    pub floor: f64,
    /// Price of a prompt token relative to an output token.
    #[schemars(range(min = 0, max = 1000))]
    pub prompt_weight: f64,
    /// Share of the willing nodes' slots in use at which the price rests.
    pub target: Share,
    /// The largest relative change in an epoch is one over this.
    #[schemars(range(min = 1))]
    pub denominator: u64,
    /// Time between two changes of the price.
    pub epoch: Duration,
}

/// How deliveries are paid.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettlementSpec {
    /// Price of the platform's token [USD]; without it, the platform settles in dollars.
    #[schemars(range(max = 1e9), extend("exclusiveMinimum" = 0))]
    pub token_price: Option<f64>,
    /// Share of a payment that the protocol keeps; default none.
    pub take_rate: Option<Share>,
    /// Share of the protocol's take that is burned; default none.
    pub burn: Option<Share>,
    /// Stake of each node [USD]; default none.
    #[schemars(range(min = 0, max = 1e9))]
    pub stake: Option<f64>,
    /// Share of the remaining stake that a node forfeits for each time it leaves with unfinished work; default none.
    pub slash: Option<Share>,
}

/// How losses are noticed and repeated.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetrySpec {
    /// Silence after which a node, and what it was doing, is taken for lost.
    pub detection: Duration,
    /// Placements after which a job is given up.
    #[schemars(range(min = 1))]
    pub max_attempts: u32,
}

/// Nodes of one kind.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FleetSpec {
    /// A fixed number of nodes.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub nodes: Option<u32>,
    /// A number of nodes that follows the load.
    pub autoscale: Option<AutoscaleSpec>,
    /// Device classes of the nodes. A map written here replaces the inherited one, so that the shares stay one
    /// distribution; `--set` of a key within it changes that key only.
    #[schemars(extend("x-inherited" = "replaced"))]
    pub devices: Named<OfferSpec>,
    /// Splits the model over several hosts; default one host holds it all.
    pub pipeline: Option<PipelineSpec>,
    /// Price book for devices that give no price of their own.
    pub prices: Option<String>,
    /// Who owns the nodes.
    pub ownership: OwnershipSpec,
    /// Where the nodes are.
    pub regions: RegionsSpec,
    /// How the nodes come and go.
    pub availability: AvailabilityChoice,
    /// Whether machines of one class differ in speed between owners; default no.
    #[serde(default)]
    pub dispersed: bool,
    /// Standard deviation of the logarithm of asked prices between owners; default none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10))]
    pub ask_sigma: f64,
    /// Round trip between a node and the backbone of its region.
    pub access: AccessSpec,
    /// What a node does between coming up and serving; default nothing.
    pub cold_start: Option<ColdStartSpec>,
}

/// A node that comes up pulls an image and loads what is in it. Those that are there when the run begins have done so.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColdStartSpec {
    /// What is pulled: the image, with the weights or apart from them [10⁹ bytes].
    #[schemars(range(min = 0, max = 1e6))]
    pub image_gb: f64,
    /// What a node can receive.
    pub download: DownloadSpec,
    /// Everything else, from the launch to the weights in memory.
    pub load: DurationLaw,
    /// Whether the image outlasts an absence; default no.
    #[serde(default)]
    pub keeps_image: bool,
}

/// What a node can receive.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DownloadSpec {
    /// A kind of access in the catalog.
    Kind(String),
    /// A distribution [10⁶ bit/s], drawn once for each node.
    Law(RateLaw),
}

/// A device class within a fleet.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferSpec {
    /// How many nodes have it, relative to the other classes.
    pub share: Weight,
    /// Posted or median asked price of an hour of one device [USD].
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
    pub usd_per_hour: Option<f64>,
    /// Devices of a host that share every layer of the model (tensor parallelism); default one.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 64))]
    pub gpus: u32,
}

fn one() -> u32 {
    1
}

/// Target tracking on outstanding jobs per node.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoscaleSpec {
    /// Nodes that always run.
    pub min: u32,
    /// Nodes that may run at most.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max: u32,
    /// Outstanding jobs per node that the controller aims at.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub target: f64,
    /// Time between decisions.
    pub interval: Duration,
    /// Time from the request of a node until it serves.
    pub provisioning: DurationLaw,
    /// A node is released only when fewer were needed for this long.
    pub cooldown: Duration,
}

/// Who owns the nodes of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OwnershipSpec {
    /// One owner has them all.
    One,
    /// Every node has an owner of its own.
    Each,
}

/// Where nodes are.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RegionsSpec {
    /// As requests are, by the weights of the catalog.
    Word(PopulationWord),
    /// Shares by region.
    #[schemars(extend("x-inherited" = "replaced"))]
    Shares(Named<Weight>),
}

/// The word for the population weights of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PopulationWord {
    /// By the weights of the catalog.
    Population,
}

/// How nodes come and go.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AvailabilityChoice {
    /// A class of the catalog, or `always`.
    Class(String),
    /// Shares of classes.
    Mix(Named<Weight>),
}

/// Round trip between a node and the backbone of its region.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AccessSpec {
    /// A kind of access in the catalog.
    Kind(String),
    /// A distribution.
    Law(DurationLaw),
}
