//! Economies: networks that compete for work over years, and the customers who choose between them.

use schemars::JsonSchema;
use serde::Deserialize;
use walras_sim::demand::cloud::Menu;

use crate::spec::Named;
use crate::spec::quantity::{Duration, Share};

/// Customers, who choose between the networks of an economy and doing without. Work is measured in units, such as GPU-hours.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomersSpec {
    /// Work wanted in a day at the start, if all networks charged the reference price [units].
    #[schemars(range(max = 1e12), extend("exclusiveMinimum" = 0))]
    pub volume: f64,
    /// The reference price [USD per unit].
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
    pub reference_price: f64,
    /// Growth of what is wanted at equal prices: of its logarithm, by year; default none.
    #[serde(default)]
    #[schemars(range(min = -10, max = 10))]
    pub growth: f64,
    /// Standard deviation of the logarithm of demand around its trend; default none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 5))]
    pub volatility: f64,
    /// Half-life of deviations from the trend; default 30 days.
    #[serde(default = "month")]
    pub persistence: Duration,
    /// Elasticity of all demand to the price index of the networks; default 1.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 100))]
    pub elasticity: f64,
    /// Weight of the logarithm of a price in utility: the elasticity of the demand that a small network meets; default 3.
    #[serde(default = "three")]
    #[schemars(range(max = 100), extend("exclusiveMinimum" = 0))]
    pub price_weight: f64,
    /// Half-life of habit: within this time half of those who would rather be elsewhere move; default 30 days.
    #[serde(default = "month")]
    pub habit: Duration,
    /// How many networks a customer uses; default one, and others when that is full.
    #[serde(default)]
    pub homing: HomingSpec,
    /// Work for which a network has no room goes to others that charge less than this many times the reference price; default 4.
    #[serde(default = "four")]
    #[schemars(range(min = 0, max = 1e6))]
    pub overflow_below: f64,
    /// What the quality of networks is worth; default nothing.
    #[serde(default)]
    pub worth: WorthSpec,
    /// Nests of networks that are closer substitutes, by name: how different networks of a nest still are, from above 0 (the same to
    /// customers) to 1 (as different as all others); networks name theirs with `nest`; default there are none.
    #[serde(default)]
    pub nests: Named<Dissimilarity>,
    /// What a switch to another network costs, as the logarithm of a price: 0.1 keeps customers where they are who would save 10 %; default
    /// nothing.
    #[serde(default)]
    #[schemars(range(min = 0, max = 20))]
    pub switching_cost: f64,
    /// What customers can pay, which differs between them; default everything.
    pub budget: Option<BudgetSpec>,
    /// Parts of them that are not like the others, by name, together all of them; default none, all are alike.
    #[serde(default)]
    pub segments: Named<SegmentSpec>,
}

/// A part of all customers; what it leaves out is as for all.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentSpec {
    /// Share of the volume; those of all segments are 100 %.
    pub share: Share,
    /// Elasticity of its demand to the price index of the networks.
    #[schemars(range(min = 0, max = 100))]
    pub elasticity: Option<f64>,
    /// Weight of the logarithm of a price in its utility.
    #[schemars(range(max = 100), extend("exclusiveMinimum" = 0))]
    pub price_weight: Option<f64>,
    /// Half-life of its habit.
    pub habit: Option<Duration>,
    /// What quality is worth to it.
    pub worth: Option<WorthSpec>,
    /// What a switch to another network costs it.
    #[schemars(range(min = 0, max = 20))]
    pub switching_cost: Option<f64>,
    /// What it can pay.
    pub budget: Option<BudgetSpec>,
}

/// How many networks a customer uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HomingSpec {
    /// One: what it has no room for is not done.
    Exclusive,
    /// One, and when it is full the cheapest of others that have room.
    #[default]
    Overflow,
    /// All: each piece of work goes to the cheapest one that has room.
    Multi,
}

/// What quality is worth, as the logarithm of a price: for 0.05 by second customers pay 5 % more for a second less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorthSpec {
    /// A second less; default nothing.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    pub latency: f64,
    /// Certain success over certain failure; default nothing.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    pub failure_risk: f64,
    /// Full trust over none; default nothing.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    pub trust: f64,
    /// Full privacy over none; default nothing.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    pub privacy: f64,
}

/// How different networks of a nest are.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Dissimilarity(#[schemars(range(max = 1), extend("exclusiveMinimum" = 0))] pub f64);

/// What customers can pay: log-normal between them.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetSpec {
    /// Half of what they want they can pay less for than this [USD per unit]; who can pay a part of it has a part of it done.
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
    pub median: f64,
    /// Standard deviation of the logarithm; default none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10))]
    pub sigma: f64,
}

fn month() -> Duration {
    Duration(30.0 * 86400.0)
}

fn none() -> Share {
    Share(0.0)
}

fn zero() -> Duration {
    Duration(0.0)
}

fn one() -> f64 {
    1.0
}

fn three() -> f64 {
    3.0
}

fn four() -> f64 {
    4.0
}

/// Networks that compete for the work of the customers. The first is the one that figures are about.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EconomySpec {
    /// Another economy of this scenario whose keys this one inherits.
    pub extends: Option<String>,
    /// Time between two steps: an hour to a week; default a day.
    #[serde(default = "day")]
    pub epoch: Duration,
    /// The networks, by name.
    pub networks: Named<ProviderNetworkSpec>,
    /// Owners who go to that network of several where they expect to earn most, by name; a network names them with `pool`.
    #[serde(default)]
    pub pools: Named<OwnersSpec>,
    /// Makers of hardware with a queue of orders, by name; default lead times are as stated.
    #[serde(default)]
    pub makers: Named<MakerSpec>,
    /// What happens at stated times, by name; default nothing.
    #[serde(default)]
    pub shocks: Named<ShockSpec>,
    /// Whether the work of networks with a `platform` is done request by request; default as a flow.
    #[serde(default)]
    pub fidelity: FidelitySpec,
}

/// How closely the work of an economy is modelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FidelitySpec {
    /// As a flow: years in seconds.
    #[default]
    Fluid,
    /// Request by request on the nodes of platforms: days in seconds.
    Jobs,
}

fn day() -> Duration {
    Duration(86400.0)
}

/// A maker of hardware: what is ordered comes when all orders before it are made and shipped.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MakerSpec {
    /// What it makes for these networks, all together, in a week [units of capacity a day].
    #[schemars(range(max = 1e12), extend("exclusiveMinimum" = 0))]
    pub output: f64,
    /// Lead time for the first who orders: orders of others are before it; default `transit`.
    pub quoted: Option<Duration>,
    /// Of that, from the factory to the rack; default none.
    #[serde(default = "zero")]
    pub transit: Duration,
}

/// A network: who works, at which price, for what money.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderNetworkSpec {
    /// How much customers like it at equal prices [units of utility]; one more is worth e^(1 / `price_weight`) in price; default 0.
    #[serde(default)]
    #[schemars(range(min = -50, max = 50))]
    pub appeal: f64,
    /// How good it is, if customers care (`worth`); default without flaws and without trust or privacy.
    #[serde(default)]
    pub quality: QualitySpec,
    /// The nest of networks like it, one of the `nests` of customers; default none.
    pub nest: Option<String>,
    /// Whether it is open from the start; a shock can open and close it; default yes.
    #[serde(default = "yes")]
    pub open: bool,
    /// Who works: many owners who come and go.
    pub owners: Option<OwnersSpec>,
    /// Instead of `owners`: owners of one of the `pools`, who may go to other networks.
    pub pool: Option<MembershipSpec>,
    /// Instead of `owners`: one seller with all of the hardware.
    pub seller: Option<SellerSpec>,
    /// How prices are found.
    pub market: MarketSpec,
    /// Price that customers and owners expect before the first trade [USD per unit]; default that of the market, or else the reference
    /// price.
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
    pub initial_price: Option<f64>,
    /// Share of what owners would get that the protocol keeps; default none.
    #[serde(default = "none")]
    pub take_rate: Share,
    /// What running the protocol costs [USD a day]; default nothing.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1e12))]
    pub upkeep: f64,
    /// What the treasury has at the start [USD]; default nothing.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1e12))]
    pub treasury: f64,
    /// How it makes sure that work is done, and who would cheat; default nobody does.
    pub verification: Option<VerificationSpec>,
    /// Who makes the models that work names, and how they are paid; default nobody is.
    pub creators: Option<CreatorsSpec>,
    /// Who divides the new tokens for owners between them; default these go by capacity.
    pub validators: Option<ValidatorsSpec>,
    /// If work is storage by deals, as in Filecoin; default it is bought by the day.
    pub deals: Option<DealsSpec>,
    /// Its token; default it has none.
    pub token: Option<TokenSpec>,
    /// The platform of this scenario whose nodes its owners have, for the requests of `workload`; one unit of work is a million output
    /// tokens then. Default none: work is any flow.
    pub platform: Option<String>,
    /// Of machines modelled as a flow, what is served by what is wanted, both in parts of what the nodes could do: ascending points, from
    /// `walras goodput`; default everything up to what they could do.
    pub goodput: Option<Vec<(f64, f64)>>,
}

/// Who makes the models that work names. They share what customers pay for models, and the new tokens of `token.to_creators`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatorsSpec {
    /// Models at the start.
    #[schemars(range(min = 1, max = 100_000))]
    pub models: u32,
    /// Creators who could bring a new one, in a day; each does if models earn more than their upkeep on average; default 1.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1e4))]
    pub arrivals: f64,
    /// Exponent of Zipf's law of popularity; default 0.8.
    #[serde(default = "zipf")]
    #[schemars(range(min = 0, max = 3))]
    pub popularity: f64,
    /// Standard deviation of the logarithm of quality, whose median is 1; default 0.5.
    #[serde(default = "one_half")]
    #[schemars(range(min = 0, max = 3))]
    pub quality: f64,
    /// Work picks a model in proportion to popularity times this power of quality; default 1.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 10))]
    pub care: f64,
    /// Time in which a model's popularity halves; default it stays.
    pub fashion: Option<Duration>,
    /// What keeping a model costs its owner [USD a day].
    #[schemars(range(max = 1e9), extend("exclusiveMinimum" = 0))]
    pub upkeep: f64,
    /// Time for which a new model stays whatever it earns; default half a year.
    #[serde(default = "half_a_year")]
    pub trial: Duration,
    /// Half-life of what owners of models remember of earnings; default 30 days.
    #[serde(default = "month")]
    pub memory: Duration,
    /// Share of what owners of hardware would get that is for creators; default none.
    #[serde(default = "none")]
    pub share: Share,
    /// How they are paid; default by use.
    #[serde(default)]
    pub rule: RewardSpec,
    /// Share of models that are built upon another, which is picked as work picks it; default none.
    #[serde(default = "none")]
    pub derived: Share,
    /// Share of earnings that a model owes the one that it was built upon, and of its price and earnings that a deed which was sold owes
    /// its creator; default none.
    #[serde(default = "none")]
    pub royalty: Share,
    /// Rate at which the deed of a model is sold to another creator, for what it earns in a year [by year]; default none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    pub resale: f64,
    /// How much more customers like a network with e times the models, all alike [units of utility]; default no more.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10))]
    pub variety: f64,
}

/// Validators, who give owners weights by the work that they have seen of them. New tokens go by these as in Bittensor's Yuma: owners get
/// their part by the weights as far as enough stake agrees, validators theirs by what they have backed of that.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValidatorsSpec {
    /// How many there are; default 64, as on a subnet of Bittensor.
    #[serde(default = "sixty_four")]
    #[schemars(range(min = 1, max = 1024))]
    pub count: u32,
    /// What each has staked, relative to others; default all the same.
    pub stakes: Option<AmountLaw>,
    /// Standard deviation of the logarithm of what a validator takes an owner's work for, over what it was; default none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 5))]
    pub noise: f64,
    /// If some give all their weight to owners of their own; default all are honest.
    pub colluding: Option<CollusionSpec>,
    /// Share of the stake that must support a weight; default half.
    #[serde(default = "half")]
    pub kappa: Share,
    /// How the bonds grow by which validators are paid; default shared.
    #[serde(default)]
    pub bonds: BondsSpec,
    /// How far bonds follow weights as they count rather than as they were given; default all the way.
    #[serde(default = "all")]
    pub bonds_penalty: Share,
    /// What validators keep of their bonds from one division to the next; default 90 %.
    #[serde(default = "nine_tenths")]
    pub bonds_kept: Share,
    /// Share of the new tokens that validators get; default half.
    #[serde(default = "half")]
    pub dividends: Share,
    /// Time between two divisions of what there is; default a week. A division takes time in proportion to validators times owners.
    #[serde(default = "week")]
    pub every: Duration,
}

/// Validators who give all their weight to owners of their own.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollusionSpec {
    /// Their share of the stake.
    pub stake: Share,
    /// Share of owners who are theirs, drawn from all; default 5 %.
    #[serde(default = "twentieth")]
    pub owners: Share,
}

/// How bonds grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum BondsSpec {
    /// As shares of one for each owner, bought by stake times weight (Yuma 2).
    #[default]
    Shared,
    /// By each validator for itself, toward its weight (Yuma 3).
    Own,
    /// The same, the faster, the farther a weight lies beyond the consensus or below the bond (Yuma 3 with liquid alpha).
    Liquid {
        /// Slowest move; default 10 %.
        #[serde(default = "tenth_share")]
        slow: Share,
        /// Fastest move; default 90 %.
        #[serde(default = "nine_tenths")]
        fast: Share,
        /// Steepness of the sigmoid between them; default 10.
        #[serde(default = "ten")]
        #[schemars(range(min = 0, max = 300))]
        steepness: f64,
    },
}

/// Storage by deals: who stores stays for a term, at the price of the day on which it begins. What customers want is a stock: who
/// would come comes at once, and who would go when its deal ends. Owners lock a pledge for their capacity, and pay for proofs that they miss.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DealsSpec {
    /// Length of a deal.
    pub term: Duration,
    /// What owners lock in tokens when they come; default as in Filecoin.
    #[serde(default)]
    pub pledge: PledgeSpec,
    /// Proofs that are missed; default none.
    #[serde(default)]
    pub faults: FaultsSpec,
}

/// What owners lock for each unit of capacity: what it is expected to earn of new tokens in a time, and its part of a share of the supply
/// in circulation, three tenths of which by its part of all capacity, and the rest of the baseline of emission if that is more.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PledgeSpec {
    /// The time, in whole days; default 20 days.
    #[serde(default = "twenty_days")]
    pub rewards: Duration,
    /// The share of the supply; default 30 %.
    #[serde(default = "three_tenths")]
    pub supply: Share,
    /// Tokens for a unit at most; default any number. In Filecoin 32 for a TiB.
    #[schemars(range(max = 1e9), extend("exclusiveMinimum" = 0))]
    pub most: Option<f64>,
    /// Share that is lost by who leaves, and for capacity that is terminated, 140 days after coming, and less before; default 8.5 %.
    #[serde(default = "termination")]
    pub terminated: Share,
    /// The least of that share; default 2 %.
    #[serde(default = "fiftieth")]
    pub least: Share,
}

impl Default for PledgeSpec {
    fn default() -> Self {
        Self {
            rewards: twenty_days(),
            supply: three_tenths(),
            most: None,
            terminated: termination(),
            least: fiftieth(),
        }
    }
}

/// Proofs that are missed, by so many owners that means are enough.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultsSpec {
    /// Probability by day that capacity is not proven which was before; default none.
    #[serde(default = "none")]
    pub probability: Share,
    /// How long it takes on average to bring it back, a day at least; default a day.
    #[serde(default = "day")]
    pub lasts: Duration,
    /// What is not proven for so long is terminated, with the data on it; default 42 days.
    #[serde(default = "six_weeks")]
    pub until: Duration,
    /// The time in which it would earn as many new tokens as a day of a fault costs; default 3.51 days.
    #[serde(default = "fault_fee")]
    pub fee: Duration,
}

impl Default for FaultsSpec {
    fn default() -> Self {
        Self {
            probability: none(),
            lasts: day(),
            until: six_weeks(),
            fee: fault_fee(),
        }
    }
}

fn twenty_days() -> Duration {
    Duration(20.0 * 86400.0)
}

fn three_tenths() -> Share {
    Share(0.3)
}

fn termination() -> Share {
    Share(0.085)
}

fn fiftieth() -> Share {
    Share(0.02)
}

fn six_weeks() -> Duration {
    Duration(42.0 * 86400.0)
}

fn fault_fee() -> Duration {
    Duration(3.51 * 86400.0)
}

fn sixty_four() -> u32 {
    64
}

fn nine_tenths() -> Share {
    Share(0.9)
}

fn tenth_share() -> Share {
    Share(0.1)
}

fn twentieth() -> Share {
    Share(0.05)
}

fn ten() -> f64 {
    10.0
}

fn week() -> Duration {
    Duration(7.0 * 86400.0)
}

fn zipf() -> f64 {
    0.8
}

fn one_half() -> f64 {
    0.5
}

/// How what is for creators is divided between models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RewardSpec {
    /// By use.
    #[default]
    Usage,
    /// By a power of use.
    Popularity {
        /// The power: above 1 the popular get more, and at 0 all who were used get the same.
        #[schemars(range(min = 0, max = 10))]
        alpha: f64,
    },
    /// Kept, and divided at the end of a round by what a jury finds that the work was worth: use times quality.
    Retroactive {
        /// Length of a round; default 90 days.
        #[serde(default = "quarter")]
        every: Duration,
        /// Standard deviation of the logarithm of the jury's error; default 0.5.
        #[serde(default = "one_half")]
        #[schemars(range(min = 0, max = 5))]
        error: f64,
    },
    /// Kept, and added at the end of a round to what users give, by quadratic funding.
    Quadratic {
        /// Length of a round; default 90 days.
        #[serde(default = "quarter")]
        every: Duration,
        /// Users who give in a round, each to a model that it picks as work does; default 1,000.
        #[serde(default = "givers")]
        #[schemars(range(min = 1, max = 100_000))]
        givers: u32,
        /// What each gives [USD]; default 5.
        #[serde(default = "five")]
        #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
        gift: f64,
    },
}

fn quarter() -> Duration {
    Duration(90.0 * 86400.0)
}

fn givers() -> u32 {
    1000
}

fn five() -> f64 {
    5.0
}

/// How a network makes sure that work is done, and what owners could gain who do not do it. Who is caught loses the fee of the job and a
/// share of its stake, and is barred for a time; who cheats does so on all jobs for as long as q · (p + b + Φ) < D.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerificationSpec {
    /// Share of owners who cheat when it pays; all others never do.
    pub opportunists: Share,
    /// Share of running cost that work saves which is not done; default all.
    #[serde(default = "all")]
    pub saves: Share,
    /// Work in a job [units]; default 1.
    #[serde(default = "one")]
    #[schemars(range(max = 1e9), extend("exclusiveMinimum" = 0))]
    pub job: f64,
    /// Probability that a job is checked.
    pub checked: Share,
    /// Probability that a check finds a cheat; default all are found.
    #[serde(default = "all")]
    pub finds: Share,
    /// What a check costs the protocol [USD per unit of work]; default nothing.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1e6))]
    pub cost: f64,
    /// Share of the stake that a cheat loses; default all.
    #[serde(default = "all")]
    pub slashed: Share,
    /// Share of that for the treasury; the rest is burned; default none.
    #[serde(default = "none")]
    pub to_treasury: Share,
    /// Time for which a cheat is barred from the network; default none.
    #[serde(default = "zero")]
    pub barred: Duration,
    /// Half-life of what customers remember of work that was not done; default 30 days.
    #[serde(default = "month")]
    pub memory: Duration,
}

fn yes() -> bool {
    true
}

/// How good a network is.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QualitySpec {
    /// Time that customers wait; default none.
    #[serde(default = "zero")]
    pub latency: Duration,
    /// Probability that a job fails; default none.
    #[serde(default = "none")]
    pub failure_risk: Share,
    /// Confidence that results are right; default none.
    #[serde(default = "none")]
    pub trust: Share,
    /// Confidence that data stay private; default none.
    #[serde(default = "none")]
    pub privacy: Share,
}

impl Default for QualitySpec {
    fn default() -> Self {
        Self {
            latency: zero(),
            failure_risk: none(),
            trust: none(),
            privacy: none(),
        }
    }
}

/// Owners of hardware that a network could use.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnersSpec {
    /// How many there are, whether they provide or not; where the network has a `platform`, there is one for each node.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub potential: Option<u32>,
    /// Share of them that provides at the start, the cheapest first; default none.
    #[serde(default = "none")]
    pub online: Share,
    /// What one can do [units a day]; a platform's nodes know by themselves.
    pub capacity: Option<AmountLaw>,
    /// What else the machine would be good for, while it is online, and electricity unless there is `electricity` [USD per unit of
    /// capacity]; of a platform's nodes it is what their owners ask.
    pub running_cost: Option<AmountLaw>,
    /// If some must buy their hardware first, or could sell it, or have it on anyway.
    pub hardware: Option<HardwareSpec>,
    /// Electricity by place and time, on top of `running_cost`; default it is part of that.
    pub electricity: Option<ElectricitySpec>,
    /// Time between two looks at earnings, which owners take in turn; default 28 days.
    #[serde(default = "four_weeks")]
    pub review: Duration,
    /// Half-life of what owners remember of earnings; default 30 days.
    #[serde(default = "month")]
    pub memory: Duration,
    /// Time until what they have seen makes them act; default none.
    #[serde(default = "zero")]
    pub delay: Duration,
    /// They join when they expect this many times their running cost; default 1.2.
    #[schemars(range(min = 0, max = 1000))]
    pub join_above: Option<f64>,
    /// They leave when they expect less than this share of it: who has sunk costs and hopes for better times stays for less than all of
    /// it; default 80 %.
    pub leave_below: Option<Share>,
    /// Instead of these two: when to come and when to go by what is sunk, how uncertain earnings are, and what money costs (Dixit 1989).
    pub dixit: Option<DixitSpec>,
    /// Constant relative risk aversion: what they give up of their expectation for half of its yearly variance, as an exponent; default
    /// none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    pub risk_aversion: f64,
    /// Which of the tokens that they earn they sell at once; default all.
    #[serde(default)]
    pub sells: SellsSpec,
    /// Tokens that they lock while they provide, bought when they join [USD per unit of capacity a day]; default none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1e9))]
    pub stake: f64,
    /// What they want by year of the money in their stake, or expect so much less of the network; default none.
    #[serde(default = "none")]
    pub stake_return: Share,
    /// Who leaves earlier than this after it came loses its stake, which is burned; default none does.
    #[serde(default = "zero")]
    pub lock: Duration,
    /// For a pool: what it takes to go from one network to another; default nothing.
    pub moving: Option<MovingSpec>,
}

fn four_weeks() -> Duration {
    Duration(28.0 * 86400.0)
}

/// Owners of a pool as one network sees them.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MembershipSpec {
    /// The pool.
    pub of: String,
    /// Share of the pool that provides here at the start, the cheapest who are left; default none.
    #[serde(default = "none")]
    pub online: Share,
    /// As `stake` of owners; default none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1e9))]
    pub stake: f64,
    /// As `lock` of owners; default none.
    #[serde(default = "zero")]
    pub lock: Duration,
}

/// What it takes to go from one network to another.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MovingSpec {
    /// Care, and what is lost by it [USD per unit of capacity a day]; default nothing. Where it is the same for all, all who look go, and
    /// the crowd may swing to and fro.
    pub cost: Option<AmountLaw>,
    /// The time within which what is gained must pay for that, and for a stake that is lost; default 90 days.
    #[serde(default = "quarter")]
    pub within: Duration,
    /// Time without work; default an epoch.
    #[serde(default = "zero")]
    pub downtime: Duration,
}

/// Thresholds of entry and exit when coming costs something and nobody knows the future.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DixitSpec {
    /// What money is discounted at, by year; default 0.1.
    #[serde(default = "tenth")]
    #[schemars(range(max = 10), extend("exclusiveMinimum" = 0))]
    pub discount: f64,
    /// Growth of earnings that owners expect, by year, below the discount; default none.
    #[serde(default)]
    #[schemars(range(min = -10, max = 10))]
    pub drift: f64,
    /// Volatility of earnings that they expect, by root of a year; default what they have seen lately.
    #[schemars(range(min = 0, max = 10))]
    pub volatility: Option<f64>,
}

/// Electricity that owners pay for.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElectricitySpec {
    /// Energy of a unit of capacity that is in use [kWh].
    #[schemars(range(min = 0, max = 1e6))]
    pub busy: f64,
    /// Energy of a unit of capacity that is not; default none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1e6))]
    pub idle: f64,
    /// Its price, the same for all [USD/kWh].
    #[schemars(range(min = 0, max = 100))]
    pub price: Option<f64>,
    /// Instead of `price`: how many owners are in which region of the catalog, relative to each other, at the price there.
    #[serde(default)]
    pub regions: Named<Weight>,
    /// Share of the price that follows the exchange of the region by hour and month; default none, as for most households.
    #[serde(default = "none")]
    pub exchange: Share,
}

/// How many, relative to others.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Weight(#[schemars(range(max = 1e9), extend("exclusiveMinimum" = 0))] pub f64);

/// Hardware that owners have or buy.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HardwareSpec {
    /// Share of owners who have none yet.
    pub buyers: Share,
    /// Share of owners whose machine is on anyway: they pay for what work adds alone, and could not sell it; default none.
    #[serde(default = "none")]
    pub idle_anyway: Share,
    /// What it costs [USD per unit of capacity a day].
    #[schemars(range(min = 0, max = 1e9))]
    pub price: f64,
    /// The time within which it must pay for itself; default two years.
    #[serde(default = "two_years")]
    pub payback: Duration,
    /// What a buyer would give for it, as a share of the price; default nothing.
    #[serde(default = "none")]
    pub resale: Share,
    /// What it loses of that, by year; default none.
    #[serde(default = "none")]
    pub depreciation: Share,
    /// Time from order to delivery; default none.
    pub lead_time: Option<Duration>,
    /// Instead of `lead_time`: the maker at whose queue it is ordered.
    pub maker: Option<String>,
}

fn two_years() -> Duration {
    Duration(730.0 * 86400.0)
}

/// Which of the tokens that they earn owners sell at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SellsSpec {
    /// All.
    #[default]
    All,
    /// As many as pay their running cost.
    Bill,
    /// A share.
    Share(Share),
}

/// A seller who owns all of the hardware.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SellerSpec {
    /// What it can do at the start [units a day].
    #[schemars(range(max = 1e12), extend("exclusiveMinimum" = 0))]
    pub capacity: f64,
    /// What a unit costs it [USD]; default nothing.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1e6))]
    pub cost: f64,
    /// It orders hardware when more than this share of what it has and has ordered is in use; default 70 %.
    #[serde(default = "target")]
    pub target: Share,
    /// Time from order to delivery; default 26 weeks.
    pub lead_time: Option<Duration>,
    /// Instead of `lead_time`: the maker at whose queue it orders.
    pub maker: Option<String>,
    /// If its posted price follows the lowest price elsewhere down.
    pub follows: Option<FollowsSpec>,
    /// What it sells beside work on demand at its posted price; default nothing.
    pub contracts: Option<ContractsSpec>,
}

/// Capacity that a cloud reserves, and sells while it is idle. Defaults are those of GPU instances of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractsSpec {
    /// Taken off the price for a reservation, which is paid whether it is used or not; default 37 %.
    #[serde(default = "reserved_discount")]
    pub discount: Share,
    /// How long a reservation binds; default a year.
    #[serde(default = "year")]
    pub term: Duration,
    /// Standard deviation of the logarithm of a customer's load around its mean; default 0.3.
    #[serde(default = "some_variation")]
    #[schemars(range(min = 0, max = 3))]
    pub variation: f64,
    /// Share of work that can be interrupted, and takes what is idle; default none.
    #[serde(default = "none")]
    pub interruptible: Share,
    /// Least price of idle capacity, of that on demand; default 15 %.
    #[serde(default = "spot_floor")]
    pub spot_floor: Share,
    /// The power of utilization with which that price rises; default 4.2.
    #[serde(default = "spot_exponent")]
    #[schemars(range(min = 0, max = 100))]
    pub spot_exponent: f64,
}

fn reserved_discount() -> Share {
    Share(Menu::aws(1.0).reserved_discount)
}

fn year() -> Duration {
    Duration(Menu::aws(1.0).term * 365.0 * 86400.0)
}

fn some_variation() -> f64 {
    0.3
}

fn spot_floor() -> Share {
    Share(Menu::aws(1.0).spot_floor)
}

fn spot_exponent() -> f64 {
    Menu::aws(1.0).spot_exponent
}

fn target() -> Share {
    Share(0.7)
}

fn half_a_year() -> Duration {
    Duration(182.0 * 86400.0)
}

/// A seller who moves its posted price down toward a multiple of the lowest price elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowsSpec {
    /// The multiple.
    #[schemars(range(max = 1000), extend("exclusiveMinimum" = 0))]
    pub multiple: f64,
    /// Half-life of the distance.
    pub half_life: Duration,
    /// It goes no lower than this [USD per unit].
    #[schemars(range(min = 0, max = 1e6))]
    pub floor: f64,
}

/// A distribution of amounts.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AmountLaw {
    /// Always the same.
    Constant(#[schemars(range(max = 1e9), extend("exclusiveMinimum" = 0))] f64),
    /// Drawn for each owner.
    Drawn(DrawnAmount),
}

/// An amount that differs between owners.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum DrawnAmount {
    /// Anything between two ends, all equally likely.
    Uniform {
        /// The lower end.
        #[schemars(range(min = 0, max = 1e9))]
        low: f64,
        /// The upper end.
        #[schemars(range(min = 0, max = 1e9))]
        high: f64,
    },
    /// The exponential of a normal variable.
    Lognormal {
        /// The median.
        #[schemars(range(max = 1e9), extend("exclusiveMinimum" = 0))]
        median: f64,
        /// Standard deviation of the logarithm.
        #[schemars(range(min = 0, max = 10))]
        sigma: f64,
    },
}

/// How prices are found. Auctions clear once an epoch, owners asking their running cost and customers bidding along their demand.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum MarketSpec {
    /// A price that stays.
    Posted {
        /// [USD per unit]
        #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
        price: f64,
    },
    /// A price whose logarithm moves by `sensitivity` times the distance of utilization from the target.
    Surge {
        /// At the start [USD per unit].
        #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
        initial: f64,
        /// By epoch; default 0.1.
        #[serde(default = "tenth")]
        #[schemars(range(max = 100), extend("exclusiveMinimum" = 0))]
        sensitivity: f64,
        /// Utilization at which it rests; default 70 %.
        #[serde(default = "target")]
        target: Share,
        /// The lowest price [USD per unit]; default 0.001.
        #[serde(default = "thousandth")]
        #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
        floor: f64,
        /// The highest price [USD per unit]; default 1000.
        #[serde(default = "thousand")]
        #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
        ceiling: f64,
    },
    /// As EIP-1559: up when more than the target is in use, down when less, by one over `denominator` at most.
    BaseFee {
        /// At the start [USD per unit].
        #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
        initial: f64,
        /// Utilization at which it rests; default 70 %.
        #[serde(default = "target")]
        target: Share,
        /// Default 8.
        #[serde(default = "eight")]
        #[schemars(range(min = 1, max = 1_000_000))]
        denominator: u64,
        /// The lowest price [USD per unit]; default 0.001.
        #[serde(default = "thousandth")]
        #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
        floor: f64,
        /// Share that is destroyed; in a network without a token it goes to the treasury; default none.
        #[serde(default = "none")]
        burn: Share,
    },
    /// As EIP-4844: exponential in all that was ever used beyond a target.
    BlobFee {
        /// At the start [USD per unit].
        #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))]
        initial: f64,
        /// Work at which it rests [units a day].
        #[schemars(range(max = 1e9), extend("exclusiveMinimum" = 0))]
        target: f64,
        /// What a day with twice the target adds to the price; default 12.5 %.
        #[serde(default = "eighth")]
        rise: Share,
    },
    /// All trade at the cost of the last unit.
    UniformPrice,
    /// All trade between the last bid and the last ask that meet.
    KDouble {
        /// How far up from the ask; default 50 %.
        #[serde(default = "half")]
        k: Share,
    },
    /// Double auction in which nobody gains by lying about a single unit (McAfee 1992).
    Mcafee,
    /// The same without the last trade, always.
    TradeReduction,
    /// Everybody pays what its presence costs others; the deficit is somebody else's.
    Vcg,
    /// The lowest asks win and get what they ask.
    FirstPrice,
    /// The lowest asks win and get the first ask that loses.
    Vickrey,
    /// Buyers choose among asks under their limit, the cheapest first, and pay as bid (Akash).
    ReverseAuction,
    /// Limit orders that last for an epoch.
    OrderBook,
}

fn tenth() -> f64 {
    0.1
}

fn thousandth() -> f64 {
    1e-3
}

fn thousand() -> f64 {
    1e3
}

fn eight() -> u64 {
    8
}

fn eighth() -> Share {
    Share(0.125)
}

fn half() -> Share {
    Share(0.5)
}

/// The token of a network.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenSpec {
    /// Its price at the start [USD].
    #[schemars(range(max = 1e9), extend("exclusiveMinimum" = 0))]
    pub initial_price: f64,
    /// How its price is formed.
    pub price: TokenPriceSpec,
    /// Tokens that exist at the start, by name.
    pub genesis: Named<AllotmentSpec>,
    /// New tokens for those who provide; default none.
    #[serde(default)]
    pub emission: EmissionSpec,
    /// New tokens a day at least, when the rule says fewer (Monero's tail); default none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1e12))]
    pub tail: f64,
    /// Share of new tokens for the treasury; default none.
    #[serde(default = "none")]
    pub to_treasury: Share,
    /// Share of new tokens for the creators of models; default none.
    #[serde(default = "none")]
    pub to_creators: Share,
    /// What stake earns, and what the public delegates; default stakes earn nothing, and are the owners' alone.
    pub staking: Option<StakingSpec>,
    /// How customers pay; default in tokens.
    #[serde(default)]
    pub payment: PaymentSpec,
    /// Share of the treasury's income in dollars for which it buys tokens and burns them; default none.
    #[serde(default = "none")]
    pub buy_back: Share,
}

/// What stake earns beside the owners' pay, and what the public delegates. What owners' stakes and commissions earn is shared out among
/// owners by capacity, as all that they earn.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StakingSpec {
    /// Share of the new tokens for owners that stake earns instead, whoever owns it.
    pub rewards: Share,
    /// Share of the public's tokens that it delegates at the start; default none.
    #[serde(default = "none")]
    pub delegated: Share,
    /// The public delegates more while that yields more than this by year, and takes back while it yields less.
    pub wanted_yield: Share,
    /// Half-life of its way to the stake at which it does; default 30 days.
    #[serde(default = "month")]
    pub response: Duration,
    /// Share of what delegated stake earns that owners keep; default none.
    #[serde(default = "none")]
    pub commission: Share,
}

/// Tokens that exist at the start.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllotmentSpec {
    /// Whose they are.
    pub holder: HolderSpec,
    /// How many.
    #[schemars(range(max = 1e15), extend("exclusiveMinimum" = 0))]
    pub tokens: f64,
    /// Time before any is free; default none.
    #[serde(default = "zero")]
    pub cliff: Duration,
    /// Time over which they become free from then on; default at once.
    #[serde(default = "zero")]
    pub vesting: Duration,
    /// They become free in steps of this time; default evenly.
    pub step: Option<Duration>,
    /// Share of what becomes free that is sold at once; default half.
    #[serde(default = "half")]
    pub sold: Share,
}

/// Whose tokens are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HolderSpec {
    /// Anybody's: they can be bought.
    Public,
    /// Founders' and investors': they become public as they vest.
    Insiders,
    /// The protocol's.
    Treasury,
}

/// What sets the number of new tokens of a day.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum EmissionSpec {
    /// None.
    #[default]
    None,
    /// As many every day.
    Constant {
        /// Tokens a day.
        #[schemars(range(min = 0, max = 1e12))]
        per_day: f64,
    },
    /// Half as many after each period (Bitcoin, Helium).
    Halving {
        /// Tokens a day in the first period.
        #[schemars(range(min = 0, max = 1e12))]
        per_day: f64,
        /// Length of a period.
        every: Duration,
    },
    /// Less from day to day.
    Decay {
        /// Tokens a day at the start.
        #[schemars(range(min = 0, max = 1e12))]
        per_day: f64,
        /// Time in which it halves.
        half_life: Duration,
    },
    /// The same, said by what is minted in all (Filecoin's simple minting).
    Exponential {
        /// Tokens ever minted.
        #[schemars(range(min = 0, max = 1e15))]
        total: f64,
        /// Time in which half of them are.
        half_life: Duration,
    },
    /// A share of what it was, after each period (Render's growth phase).
    Steps {
        /// Tokens a day in the first period.
        #[schemars(range(min = 0, max = 1e12))]
        per_day: f64,
        /// What is kept after a period.
        keep: Share,
        /// Length of a period; default a year.
        #[serde(default = "one_year")]
        every: Duration,
    },
    /// A total for each year, spread evenly over it; nothing after the last.
    Table {
        /// Tokens of each year.
        years: Vec<f64>,
    },
    /// Two exponentials, of which the second waits for capacity: its time stands still while the network has none, and runs as the
    /// clock does while the network has a baseline that grows (Filecoin).
    Baseline {
        /// Tokens ever minted by time alone; default none.
        #[serde(default)]
        #[schemars(range(min = 0, max = 1e15))]
        simple: f64,
        /// Tokens ever minted as capacity follows the baseline.
        #[schemars(range(min = 0, max = 1e15))]
        baseline: f64,
        /// Time in which half of either is minted; default six years.
        #[serde(default = "six_years")]
        half_life: Duration,
        /// The baseline at the start [units a day].
        #[schemars(range(max = 1e12), extend("exclusiveMinimum" = 0))]
        initial: f64,
        /// Time in which it doubles; default a year.
        #[serde(default = "one_year")]
        doubling: Duration,
    },
    /// By the root of what is staked: a day issues 225 · factor · staked / √staked, in 10⁻⁹ tokens (Ethereum).
    Stake {
        /// Base reward factor; default Ethereum's 64, 2.6 % a year of 40 million staked.
        #[serde(default = "ethereum_factor")]
        #[schemars(range(min = 0, max = 1e9))]
        factor: u64,
    },
    /// A share of the supply, which grows by `change` on days after less than the target was staked, and falls by it on others
    /// (Livepeer).
    Bonding {
        /// New tokens a day over supply, at the start; default 0.02 %.
        #[serde(default = "livepeer_inflation")]
        inflation: Share,
        /// Change of that from day to day; default 0.00003 %.
        #[serde(default = "livepeer_change")]
        change: Share,
        /// Share of the supply that should be staked; default half.
        #[serde(default = "half")]
        target: Share,
    },
    /// Half as many each time half of what was missing from a cap exists (Bittensor).
    Cap {
        /// Tokens a day while less than half of the cap exists.
        #[schemars(range(min = 0, max = 1e12))]
        per_day: f64,
        /// The most that there can be.
        #[schemars(range(max = 1e15), extend("exclusiveMinimum" = 0))]
        tokens: f64,
    },
}

fn one_year() -> Duration {
    Duration(365.0 * 86400.0)
}

fn six_years() -> Duration {
    Duration(6.0 * 365.0 * 86400.0)
}

fn ethereum_factor() -> u64 {
    64
}

fn livepeer_inflation() -> Share {
    Share(0.0002)
}

fn livepeer_change() -> Share {
    Share(3e-7)
}

/// How customers pay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PaymentSpec {
    /// In dollars.
    Dollars,
    /// In tokens bought at the moment.
    #[default]
    Tokens,
    /// In tokens bought at the moment, of which a share is burned; owners live on new tokens (Helium, Render).
    BurnAndMint {
        /// Share burned; the rest goes to the treasury; default all.
        #[serde(default = "all")]
        burned: Share,
        /// Burned tokens that are minted again for owners, in a day at most; default none.
        #[serde(default)]
        #[schemars(range(min = 0, max = 1e12))]
        minted_again: f64,
    },
}

fn third() -> f64 {
    0.3
}

fn fifth() -> f64 {
    0.2
}

fn ten_years() -> Duration {
    Duration(10.0 * 365.0 * 86400.0)
}

fn all() -> Share {
    Share(1.0)
}

/// How the price of a token is formed.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum TokenPriceSpec {
    /// It never moves.
    Fixed,
    /// Geometric Brownian motion, whatever the network does.
    Gbm {
        /// Expected growth by year; default none.
        #[serde(default)]
        #[schemars(range(min = -10, max = 10))]
        drift: f64,
        /// By root of a year.
        #[schemars(range(min = 0, max = 10))]
        volatility: f64,
    },
    /// The same with jumps (Merton).
    JumpDiffusion {
        /// Expected growth by year, jumps included; default none.
        #[serde(default)]
        #[schemars(range(min = -10, max = 10))]
        drift: f64,
        /// Between jumps, by root of a year.
        #[schemars(range(min = 0, max = 10))]
        volatility: f64,
        /// Jumps by year.
        #[schemars(range(min = 0, max = 1000))]
        rate: f64,
        /// Mean of the logarithm of a jump; negative for crashes.
        #[schemars(range(min = -10, max = 10))]
        jump_mean: f64,
        /// Standard deviation of the logarithm of a jump; default none.
        #[serde(default)]
        #[schemars(range(min = 0, max = 10))]
        jump_deviation: f64,
    },
    /// Drawn back to a level (Ornstein-Uhlenbeck of the logarithm).
    OrnsteinUhlenbeck {
        /// Median in the long run [USD].
        #[schemars(range(max = 1e9), extend("exclusiveMinimum" = 0))]
        level: f64,
        /// Time in which half of a deviation is gone.
        half_life: Duration,
        /// By root of a year.
        #[schemars(range(min = 0, max = 10))]
        volatility: f64,
    },
    /// What holders expect to be spent on tokens, discounted, over those that there will be.
    PresentValue {
        /// What holders want to gain: of the logarithm, by year; default 0.3.
        #[serde(default = "third")]
        #[schemars(range(max = 10), extend("exclusiveMinimum" = 0))]
        discount: f64,
        /// How far they look; default ten years.
        #[serde(default = "ten_years")]
        horizon: Duration,
        /// Share of what customers pay that is spent on tokens; default all.
        #[serde(default = "all")]
        captured: Share,
        /// Half-life of what they take for revenue, emission and growth; default half a year.
        #[serde(default = "half_a_year")]
        memory: Duration,
        /// Most growth or decline that they expect to go on: of the logarithm, by year; default 0.2.
        #[serde(default = "fifth")]
        #[schemars(range(min = 0, max = 5))]
        most_growth: f64,
        /// Half-life of emission that they know of; default it does not fall.
        emission_half_life: Option<Duration>,
    },
    /// Fundamentalists and chartists who switch sides (Franke and Westerhoff 2012), around a value that moves by itself.
    Traders {
        /// Of the value, by root of a year; default none.
        #[serde(default)]
        #[schemars(range(min = 0, max = 10))]
        value_volatility: f64,
        /// Factor on the noise of their orders, which is that of the S&P 500; default 1.
        #[serde(default = "one")]
        #[schemars(range(min = 0, max = 1000))]
        noise: f64,
        /// Net purchases of the network that raise the price by a factor e [USD]; default traders do not see them.
        #[schemars(range(max = 1e15), extend("exclusiveMinimum" = 0))]
        depth: Option<f64>,
    },
    /// Equation of exchange: what is bought in a year times how long it is held, over what circulates.
    Exchange {
        /// Time from purchase to use or sale.
        holding: Duration,
        /// Half-life of what the market takes for the rate of purchases; default 30 days.
        #[serde(default = "month")]
        memory: Duration,
        /// How holders respond to growth of the price: the holding time's relative change per growth by year [years]; default none, so
        /// that velocity is a constant. Cagan found 0.19 to 0.73 in seven hyperinflations.
        #[serde(default)]
        #[schemars(range(min = 0, max = 10))]
        response: f64,
    },
    /// A pool with a constant product, moved by what is bought and sold.
    OrderFlow {
        /// Value of one side of the pool at the start [USD].
        #[schemars(range(max = 1e12), extend("exclusiveMinimum" = 0))]
        depth: f64,
        /// Share of what is paid into the pool that stays with those who provide it; default none, 0.3 % in Uniswap v2.
        #[serde(default = "none")]
        fee: Share,
        /// Time over which the price is averaged that the network reckons with (TWAP); default it is the pool's own.
        #[serde(default = "zero")]
        average: Duration,
        /// Where else the token is traded: arbitrage draws the pool toward the price there; default nowhere.
        outside: Option<Box<OutsideSpec>>,
    },
    /// A bonding curve (Bancor) that mints for what is bought beyond what is sold, and takes back the rest: the reserve over a constant share
    /// of the supply.
    BondingCurve {
        /// The reserve over the worth of all tokens, from the start on.
        reserve_ratio: Share,
        /// Share of deposits that goes to the treasury; default none.
        #[serde(default = "none")]
        entry: Share,
        /// Share of what is redeemed that goes to the treasury; default none.
        #[serde(default = "none")]
        exit: Share,
    },
}

/// A market that the network does not move.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutsideSpec {
    /// How the price is formed there.
    pub price: TokenPriceSpec,
    /// Share of a trade that stops arbitrage; default 0.3 %, the fee of Uniswap v2.
    #[serde(default = "pool_fee")]
    pub fee: Share,
    /// Time in which arbitrage halves what is beyond the fee; default an hour.
    #[serde(default = "hour")]
    pub half_life: Duration,
}

fn pool_fee() -> Share {
    Share(0.003)
}

fn hour() -> Duration {
    Duration(3600.0)
}

/// A change at a stated time.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShockSpec {
    /// When, from the start of the run.
    pub at: Duration,
    /// The network that it befalls; default the first.
    pub network: Option<String>,
    /// The maker whose `output` changes, or who gets `orders`.
    pub maker: Option<String>,
    /// The region whose `electricity` changes; default all.
    pub region: Option<String>,
    /// What changes.
    pub change: ChangeSpec,
}

/// What a shock changes.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ChangeSpec {
    /// Demand for all networks at equal prices, times this.
    Demand(#[schemars(range(min = 0, max = 1e6))] f64),
    /// The price of the token, times this.
    TokenPrice(#[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))] f64),
    /// A posted price, times this.
    Price(#[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))] f64),
    /// Running cost of owners without `electricity`, or cost of the seller, times this.
    RunningCost(#[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))] f64),
    /// What `electricity` costs owners, times this.
    Electricity(#[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))] f64),
    /// Output of a maker, times this.
    Output(#[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0))] f64),
    /// Orders of others, at the end of a maker's queue [units of capacity a day].
    Orders(#[schemars(range(max = 1e12), extend("exclusiveMinimum" = 0))] f64),
    /// New tokens from here on, times this.
    Emission(#[schemars(range(min = 0, max = 1e6))] f64),
    /// Units of utility that customers like it more, or less.
    Appeal(#[schemars(range(min = -50, max = 50))] f64),
    /// Whether the network is open.
    Open(bool),
}
