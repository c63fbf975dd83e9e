//! Platforms: fleets of nodes with a scheduler, a pricing mechanism and a settlement rule.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::registry;
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
    #[serde(deserialize_with = "registry::read")]
    #[schemars(with = "SchedulerSpec")]
    pub scheduler: SchedulerSpec,
    /// What the dispatcher is told of nodes and requests.
    #[serde(default)]
    pub knowledge: KnowledgeSpec,
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
    /// How answers are checked; default not at all.
    #[serde(default)]
    pub verification: PlatformVerificationSpec,
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

/// How jobs are placed; `scenarios/SCHEDULERS.md` says what each policy knows and where it comes from.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SchedulerSpec {
    /// On any node with a free slot.
    Random,
    /// On one node after the other.
    RoundRobin,
    /// On the node with the fewest jobs: join the shortest queue (JSQ).
    LeastLoaded,
    /// On the node that has been idle for longest; on any if none is (JIQ).
    JoinIdleQueue,
    /// On the node that is expected to have finished soonest what it has (LWL).
    LeastWorkLeft,
    /// On any node; one that falls idle takes a job that waits at another.
    WorkStealing {
        /// How many random nodes it asks; default one.
        #[serde(default = "one")]
        #[schemars(range(min = 1, max = 1000))]
        victims: u32,
    },
    /// On the node with the lowest ask, which is paid the second lowest (Vickrey); for `pricing: reverse-auction`.
    ReverseAuction,
    /// On the cheapest node that promises to meet the objectives.
    CheapestWithinSlo,
    /// On the least loaded of some random nodes.
    PowerOfChoices {
        /// How many nodes are looked at.
        #[schemars(range(min = 1))]
        d: u32,
    },
    /// On the first of some random nodes that has room: late binding.
    Sparrow {
        /// How many places are reserved; default two.
        #[serde(default = "two")]
        #[schemars(range(min = 1, max = 1000))]
        probes: u32,
    },
    /// On the less loaded of two random nodes, and on one more if no answer comes for long: the first answer wins, and both are paid.
    Hedged {
        /// Share of requests that are answered before a copy is sent; default 0.95.
        #[serde(default = "nearly_all")]
        #[schemars(range(max = 0.999), extend("exclusiveMinimum" = 0))]
        quantile: f64,
    },
    /// On several nodes; enough answers complete a request, and all copies are paid.
    Quorum {
        /// Nodes that each request is sent to.
        #[schemars(range(min = 1, max = 100))]
        copies: u32,
        /// Answers that complete it.
        #[schemars(range(min = 1, max = 100))]
        agree: u32,
    },
    /// On the cheapest node that is expected to give the whole answer in time; if none is, on the fastest within the customer's budget.
    DeadlineAndBudget {
        /// Time for the whole answer.
        deadline: Duration,
    },
    /// On the node with the most room in its KV cache, of some random nodes.
    KvAware {
        /// How many nodes are looked at; default two.
        #[serde(default = "two")]
        #[schemars(range(min = 1, max = 1000))]
        d: u32,
    },
    /// On the node that had the last request with the same beginning, unless it is too busy.
    PrefixAware {
        /// How many more jobs it may have than the less loaded of two random nodes; default 32.
        #[serde(default = "thirty_two")]
        imbalance: u32,
    },
    /// Prompts on the node with the fewest prompt tokens to compute; answers, where fleets have a `role`, on the node with the most room in
    /// its KV cache.
    Disaggregated {
        /// How many random nodes are looked at for each decision; default all.
        #[serde(default)]
        #[schemars(range(min = 1, max = 1000))]
        d: Option<u32>,
    },
    /// On the node that has been up for longest, of some random nodes.
    AgeAware {
        /// How many nodes are looked at; default four.
        #[serde(default = "four")]
        #[schemars(range(min = 1, max = 1000))]
        d: u32,
    },
    /// On the node that has delivered most reliably so far, of some random nodes.
    ReputationAware {
        /// How many nodes are looked at; default four.
        #[serde(default = "four")]
        #[schemars(range(min = 1, max = 1000))]
        d: u32,
        /// Deliveries, and as many losses, imagined of each node at the start; default one (a uniform prior).
        #[serde(default = "one_imagined")]
        #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
        prior: f64,
    },
    /// As a program decides that is asked over its standard input and answers on its standard output; `scenarios/EXTERNAL.md`
    /// has the protocol.
    External(ExternalSpec),
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

/// A scheduler in a process of its own.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalSpec {
    /// The program and its arguments, such as `[python3, my.py]`.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
    /// Where it is started, relative to the scenario; default where the scenario lies.
    pub directory: Option<String>,
    /// How long it may take for an answer; default 60 s. It ends a run that hangs, and changes no result.
    pub timeout: Option<Duration>,
}

fn two() -> u32 {
    2
}

fn four() -> u32 {
    4
}

fn thirty_two() -> u32 {
    32
}

fn nearly_all() -> f64 {
    0.95
}

fn one_imagined() -> f64 {
    1.0
}

/// What the dispatcher is told of nodes and requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnowledgeSpec {
    /// How late it learns how many jobs a node holds; default at once.
    #[serde(default)]
    pub state: StateSpec,
    /// How well it knows the length of an answer before it is given; default not at all.
    #[serde(default)]
    pub estimates: EstimatesSpec,
}

/// How late the dispatcher learns how many jobs a node holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum StateSpec {
    /// At once.
    #[default]
    Fresh,
    /// All nodes report together, from time to time: a board that is written anew.
    Periodic(ReportsSpec),
    /// Every node reports from time to time, each at times of its own.
    Gossip(ReportsSpec),
}

/// Reports of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportsSpec {
    /// Time between two reports of a node.
    pub every: Duration,
    /// Whether the dispatcher adds to a report what it has sent since, as one that is alone can; default no: it is one of many.
    #[serde(default)]
    pub adds_own: bool,
}

/// How well the dispatcher knows the length of an answer before it is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum EstimatesSpec {
    /// Nothing of the single request: the mean of the workload stands for each.
    #[default]
    None,
    /// The true length.
    Exact,
    /// The true length with a log-normal error, right on the average.
    Noisy {
        /// Standard deviation of the logarithm.
        #[schemars(range(min = 0, max = 5))]
        sigma: f64,
    },
    /// What its customer asks for: uniform between the true length and `factor + 1` times it (the f-model of Mu'alem and
    /// Feitelson, 2001).
    User {
        /// How much too large it is at most, relative to the true length.
        #[schemars(range(min = 0, max = 1000))]
        factor: f64,
    },
}

/// How a node serves its jobs: continuous batching with chunked prefill over a paged KV cache.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServingSpec {
    /// Most sequences that a node runs at once; the others wait at the node. Default the slots.
    #[schemars(range(min = 1, max = 4096))]
    pub max_batch: Option<u32>,
    /// Most tokens in one step: decoding sequences first, prompts in what is left; default 2048, or the batch if it takes more.
    #[schemars(range(min = 1, max = 131_072))]
    pub token_budget: Option<u32>,
    /// Whether prompts that start alike share the KV cache of what they share; default no.
    #[serde(default)]
    pub prefix_caching: bool,
    /// Drafts that are checked in one step; default none.
    pub speculation: Option<SpeculationSpec>,
    /// How contexts get from nodes that prefill to nodes that decode, where fleets have a `role`; default 400 Gbit/s for each node.
    pub kv_transfer: Option<KvTransferSpec>,
}

/// How contexts get from node to node.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KvTransferSpec {
    /// What each node can send, and at the same time receive [10⁹ bit/s]; several contexts share it.
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
    pub gbit_s: f64,
    /// Time beside that of the bytes and that between the regions; default none.
    pub latency: Option<Duration>,
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
    /// One price for the whole network that its economy finds; for platforms that networks of `economies` name.
    Economy {
        /// Price of a prompt token relative to an output token.
        #[schemars(range(min = 0, max = 1000))]
        prompt_weight: f64,
    },
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

/// How answers are checked. All that it takes is computed on nodes, takes their room, and is paid like other work.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlatformVerificationSpec {
    /// Nodes that compute each request, on the average; a fractional part is the share of requests that one more computes: with 1.1,
    /// one in ten is computed twice. A request is answered when all of them have answered. Default one: nobody checks.
    #[serde(default = "once")]
    #[schemars(range(min = 1, max = 100))]
    pub replicas: f64,
    /// Work that a proof adds to each execution, relative to it: 0.05 for a trusted execution environment, 1000 for a proof in zero
    /// knowledge. Default none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1e6))]
    pub overhead: f64,
}

impl Default for PlatformVerificationSpec {
    fn default() -> Self {
        Self {
            replicas: 1.0,
            overhead: 0.0,
        }
    }
}

fn once() -> f64 {
    1.0
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
    /// What its nodes do of a request; default both.
    #[serde(default)]
    pub role: RoleSpec,
}

/// What nodes do of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RoleSpec {
    /// All of it, and the answers to prompts of `prefill` nodes.
    #[default]
    Both,
    /// They compute prompts, give the first token, and hand over.
    Prefill,
    /// They give answers to prompts that others computed.
    Decode,
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
