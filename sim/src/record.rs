//! What a run leaves behind: metrics, samples over time, latency histograms and, on request, a row per job.

use std::ops::{Index, IndexMut};

use walras_des::{Digest, LogHistogram, SimTime, Span};

use crate::ids::{NodeId, RegionId};
use crate::scheduling::Refusal;
use crate::series::Series;
use crate::sums::Sums;

/// One reported figure: how it is called, counted and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Name in results.
    pub name: &'static str,
    /// Unit, `1` for a plain share.
    pub unit: &'static str,
    /// What the figure says, and how it is computed.
    pub description: &'static str,
    /// Which direction a customer (or owner) prefers.
    pub better: Better,
    /// Upper end of the possible values, if there is one; the lower end is zero unless stated.
    pub range: Range,
}

/// Which direction is preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Smaller is better.
    Lower,
    /// Larger is better.
    Higher,
    /// Neither: a description.
    Neither,
}

/// Values that a figure can take; intervals are clipped to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Any number.
    Any,
    /// Zero or more.
    NonNegative,
    /// A share between zero and one.
    Share,
}

macro_rules! metrics {
    ($($variant:ident: $name:literal [$unit:literal] $better:ident $range:ident $description:literal;)*) => {
        /// The figures of a run, in the order of reports.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum MetricId { $(#[doc = $description] $variant,)* }

        const ALL: &[MetricId] = &[$(MetricId::$variant,)*];

        /// Definitions, by [`MetricId`].
        pub const METRICS: &[Metric] = &[$(Metric {
            name: $name, unit: $unit, description: $description, better: Better::$better, range: Range::$range,
        },)*];
    };
}

metrics! {
    CostPerMillion: "cost_per_million_output_tokens" ["USD"] Lower NonNegative
        "what customers paid, divided by the output tokens they received, times a million";
    TtftP50: "ttft_p50" ["s"] Lower NonNegative "median time from sending a request to its first token, at the customer";
    TtftP95: "ttft_p95" ["s"] Lower NonNegative "95th percentile of the time to first token";
    TtftP99: "ttft_p99" ["s"] Lower NonNegative "99th percentile of the time to first token";
    TpotP50: "tpot_p50" ["s"] Lower NonNegative "median over requests of the mean time per output token after the first";
    TpotP95: "tpot_p95" ["s"] Lower NonNegative "95th percentile of the time per output token";
    TpotP99: "tpot_p99" ["s"] Lower NonNegative "99th percentile of the time per output token";
    SloAttainment: "slo_attainment" ["1"] Higher Share
        "share of submitted requests that completed within both objectives, first token and time per output token";
    Goodput: "goodput" ["1/s"] Higher NonNegative "requests per second that completed within both objectives";
    OutputRate: "output_rate" ["tokens/s"] Higher NonNegative "output tokens delivered per second";
    Completed: "completed_share" ["1"] Higher Share "share of submitted requests that completed";
    Rejected: "rejected_share" ["1"] Lower Share
        "share of submitted requests that found no node in time or none within budget";
    Failed: "failed_share" ["1"] Lower Share "share of submitted requests given up after the last permitted attempt";
    Losses: "losses_per_thousand" ["1/1000"] Lower NonNegative
        "placements lost because the node left before it delivered, per thousand submitted requests";
    Retried: "retried_share" ["1"] Lower Share "share of completed requests that needed more than one placement";
    WastedTokens: "wasted_token_share" ["1"] Lower Share
        "share of all generated output tokens that were lost with their node";
    Utilization: "utilization" ["1"] Neither Share "share of available node time during which the node worked on at least one request";
    NodesAvailable: "nodes_available" ["nodes"] Neither NonNegative "time average of the nodes that were up";
    BatchSize: "batch_size" ["requests"] Neither NonNegative "mean number of requests running on a working node";
    Energy: "energy_per_million_output_tokens" ["kWh"] Lower NonNegative
        "energy drawn by available nodes, idle or active, per million delivered output tokens";
    ActiveEnergy: "active_energy_per_million_output_tokens" ["kWh"] Lower NonNegative
        "energy above idle power, per million delivered output tokens: what the work itself added";
    Spend: "customer_spend_per_day" ["USD/day"] Lower NonNegative "what all customers paid";
    OwnerRevenue: "owner_revenue_per_node_day" ["USD/day"] Higher Any
        "payments to owners less slashed stakes, per node and day of being up or on its way up";
    OwnerPowerCost: "owner_power_cost_per_node_day" ["USD/day"] Lower NonNegative
        "cost of the electricity drawn while up, at each region's retail price, per node and day of being up or on its way up";
    OwnerMargin: "owner_margin_per_node_day" ["USD/day"] Higher Any "owner revenue less electricity, per node and day of being up or on its way up";
    OwnersInProfit: "owners_in_profit" ["1"] Higher Share "share of owners whose revenue exceeds their electricity";
    OwnerGini: "owner_revenue_gini" ["1"] Lower Share
        "Gini coefficient of payments over owners who were ever up, the idle ones with zero: 0 even, 1 all to one; absent with a single owner";
    ProtocolFees: "protocol_fees_per_day" ["USD/day"] Neither NonNegative "what the protocol kept or burned of the payments";
    Slashed: "slashed_per_day" ["USD/day"] Lower NonNegative "stakes forfeited for lost work";
    ResponseMean: "response_time_mean" ["s"] Lower NonNegative
        "mean time from the submission of a batch job to the end of its last task";
    ResponseP50: "response_time_p50" ["s"] Lower NonNegative "median response time of batch jobs";
    ResponseP95: "response_time_p95" ["s"] Lower NonNegative "95th percentile of the response time of batch jobs";
    ResponseP99: "response_time_p99" ["s"] Lower NonNegative "99th percentile of the response time of batch jobs";
    WaitMean: "wait_time_mean" ["s"] Lower NonNegative
        "mean time from the submission of a batch job to the first start of one of its tasks";
    WaitP95: "wait_time_p95" ["s"] Lower NonNegative "95th percentile of the waiting time of batch jobs";
    SlowdownMean: "bounded_slowdown_mean" ["1"] Lower NonNegative
        "mean of response time over the longer of ten seconds and the time that a batch job takes at least on nodes of speed one, and one at least";
    SlowdownP95: "bounded_slowdown_p95" ["1"] Lower NonNegative "95th percentile of the bounded slowdown of batch jobs";
    Makespan: "makespan" ["s"] Lower NonNegative
        "time from the first submission to the end of the last batch job; absent while one has not ended";
    CoreUtilization: "core_utilization" ["1"] Neither Share "core time given to tasks, by the core time of nodes that were up";
    GpuUtilization: "gpu_utilization" ["1"] Neither Share "GPU time given to tasks, by the GPU time of nodes that were up";
    GpuFragmentation: "gpu_fragmentation" ["1"] Lower Share
        "free GPU time that a task drawn from the workload could not use, by all free GPU time";
    JobsCompleted: "jobs_completed_share" ["1"] Higher Share "share of submitted batch jobs that ended";
    JobsRejected: "jobs_rejected_share" ["1"] Lower Share
        "share of submitted batch jobs that the scheduler turned away, or that the whole cluster could not hold";
    DeadlinesMet: "deadlines_met" ["1"] Higher Share "share of submitted batch jobs with a deadline that ended by it";
    Interruptions: "interruptions_per_job" ["1"] Lower NonNegative "tasks interrupted by the loss of a node, per submitted batch job";
    LostWork: "lost_work_share" ["1"] Lower Share "worker time undone by interruptions, by all worker time given to tasks";
    Preemptions: "preemptions_per_job" ["1"] Lower NonNegative "tasks stopped by the scheduler, per submitted batch job";
    ReadsLocal: "local_reads_share" ["1"] Higher Share
        "share of reads of stored objects that found all they needed on the nodes of their task";
    DataMoved: "data_moved_per_day" ["GB/day"] Lower NonNegative
        "bytes that came over the network to tasks and to repairs, by time until the horizon or the end of the last job";
    EgressCost: "egress_cost_per_day" ["USD/day"] Lower NonNegative
        "price of the bytes that left a region for another, by time until the horizon or the end of the last job";
    ObjectsAvailable: "object_availability" ["1"] Higher Share
        "share of time during which enough pieces of a stored object were on nodes that were up, mean over objects";
    ObjectsLost: "objects_lost_share" ["1"] Lower Share "share of stored objects of which too few pieces were left";
    RepairTraffic: "repair_traffic_per_day" ["GB/day"] Lower NonNegative
        "bytes moved to make pieces of stored objects anew, by time until the horizon or the end of the last job";
    JobCost: "cost_per_job" ["USD"] Lower NonNegative "price of all nodes while they were up, by completed batch jobs";
    UserFairness: "user_fairness" ["1"] Higher Share
        "Jain's index of the users' mean bounded slowdowns: 1 if all are alike; absent with a single user";
    WorkPrice: "work_price" ["USD/unit"] Lower NonNegative "what customers of the network paid, by the units of work that it did";
    PriceToRival: "price_to_rival" ["1"] Lower NonNegative "mean price of the network over the mean of the lowest price elsewhere";
    WorkPriceVolatility: "work_price_volatility" ["1/sqrt(year)"] Lower NonNegative
        "standard deviation of the changes of the logarithm of the price of work, by root of a year";
    WorkShare: "work_share" ["1"] Neither Share "part of all work done that the network did, mean over epochs";
    FillRate: "fill_rate" ["1"] Higher NonNegative "work that the network did, by the work that customers wanted from it";
    ConsumerSurplus: "consumer_surplus_per_day" ["USD/day"] Higher NonNegative
        "what all customers would have given beyond what they paid rather than do without; absent where demand is so inelastic that it is infinite";
    Providers: "providers" ["owners"] Neither NonNegative "owners online, mean over epochs";
    ProvidersEnd: "providers_at_end" ["owners"] Neither NonNegative "owners online in the last epoch";
    ProvidersLeast: "providers_least" ["owners"] Higher NonNegative "owners online in the epoch with the fewest";
    Retention: "provider_retention" ["1"] Higher NonNegative "owners online in the last epoch over those at the start";
    Earning: "earning_per_unit" ["USD/unit"] Higher NonNegative
        "what owners earned, new tokens at the price of their epoch included, by unit of capacity, used or not";
    RunningCost: "running_cost_per_unit" ["USD/unit"] Lower NonNegative "mean running cost of a unit of capacity online";
    ReturnOnCost: "return_on_running_cost" ["1"] Higher Any "earnings of owners less their running cost, over this";
    Payback: "payback_months" ["months"] Lower NonNegative
        "price of hardware over what it earns beyond its running cost; absent where that is nothing, or nobody buys any";
    SubsidyShare: "subsidy_share" ["1"] Lower NonNegative "new tokens for owners, at the price of their epoch, over all that owners earned";
    SubsidyGap: "subsidy_gap" ["1"] Lower Any "running cost of owners less what customers paid them, over the running cost: what others must pay";
    CapacityHhi: "capacity_hhi" ["1"] Lower Share "Herfindahl index of owners' shares of capacity at the end: one if one has all";
    CapacityNakamoto: "capacity_nakamoto" ["owners"] Higher NonNegative "fewest owners who have more than half of the capacity at the end";
    TreasuryEnd: "treasury_at_end" ["USD"] Higher NonNegative "dollars of the treasury at the end, and its tokens at the last price";
    Ruin: "treasury_ruin" ["1"] Lower Share "whether the treasury ever could not pay the upkeep of the protocol: over replications, the probability of ruin";
    TokenPriceEnd: "token_price_at_end" ["USD"] Neither NonNegative "price of the token in the last epoch";
    TokenPriceMean: "token_price_mean" ["USD"] Neither NonNegative "price of the token, mean over epochs";
    TokenReturn: "token_log_return" ["1/year"] Neither Any "logarithm of the token's last price over its first, by year";
    TokenVolatility: "token_volatility" ["1/sqrt(year)"] Lower NonNegative
        "standard deviation of the changes of the logarithm of the token's price, by root of a year";
    TokenDrawdown: "token_drawdown" ["1"] Lower Share "largest fall of the token's price from an earlier high";
    SupplyEnd: "token_supply_at_end" ["tokens"] Neither NonNegative "tokens minted and not burned at the end";
    Inflation: "token_inflation" ["1/year"] Lower Any "tokens minted less tokens burned, by year, over the mean supply";
    BurnToMint: "burn_to_mint" ["1"] Higher NonNegative "tokens burned over tokens minted; at one and above, use pays for all that is minted";
    AttackCost: "attack_cost" ["USD"] Higher NonNegative
        "price of as many tokens as are a third of all stakes once they are staked too, at the last price and without moving it; absent without stakes";
    LostShare: "lost_work_share" ["1"] Lower Share "work that was paid for and not done by owners who cheat, over all work paid for";
    StakeYield: "stake_yield" ["1/year"] Higher Any "what stake earned in tokens, over what was staked, by year; absent where stake earns nothing";
    RealStakeYield: "real_stake_yield" ["1/year"] Higher Any
        "(1 + yield of stake) / (1 + inflation) - 1: how fast a staker's share of the supply grows, by year";
    Runway: "treasury_runway" ["months"] Higher NonNegative
        "how long the treasury lasts at the mean outflow of the run: its mean balance over what it lost by month; absent where it grew";
    Velocity: "token_velocity" ["1/year"] Neither NonNegative
        "dollars spent on tokens by year, over the mean worth of those in circulation: how often a token is used by year";
    Welfare: "welfare_per_day" ["USD/day"] Higher Any
        "what work on all networks is worth to customers less what the hardware costs to run, mean over quarters; absent where consumer surplus is infinite";
    DeadweightLoss: "deadweight_loss_per_day" ["USD/day"] Lower Any
        "welfare of a planner, who has all work done by the cheapest owners and sellers that there are, at the cost of the last unit and with nothing idle, less the market's";
    PriceOfAnarchy: "price_of_anarchy" ["1"] Lower NonNegative "welfare of that planner over the market's";
    CapacityGini: "capacity_gini" ["1"] Lower Share "Gini coefficient of owners' capacities at the end, of those online";
    CapacityThird: "capacity_nakamoto_third" ["owners"] Higher NonNegative
        "fewest owners who have more than a third of the capacity at the end: who could stop an agreement of two thirds";
    Models: "models" ["models"] Higher NonNegative "models on offer, mean over epochs";
    ModelQuality: "model_quality" ["1"] Higher NonNegative
        "quality of the models that work was done with, mean over work and epochs; the median of all new ones is 1";
    CreatorPay: "creator_pay_per_day" ["USD/day"] Neither NonNegative "paid to creators of models";
    CreatorGini: "creator_gini" ["1"] Lower Share "Gini coefficient of the incomes of all who ever published a model, the whole run";
    CreatorTop: "creator_top_percent_share" ["1"] Lower Share "share of creators' income that the best paid 1 % of them got, the whole run";
    Pledge: "pledge_per_unit" ["USD/unit"] Neither NonNegative
        "what must be locked for a unit of capacity at the price of the day, mean over epochs; absent without deals";
    FaultCost: "fault_cost_per_unit" ["USD/unit"] Lower NonNegative
        "fees for missed proofs and terminated capacity, by unit of capacity; absent without deals";
    ColludersPay: "colluders_pay_share" ["1"] Lower Share
        "share of owners' new tokens that went to owners of colluding validators, mean over divisions; absent without validators";
    ColludersWork: "colluders_work_share" ["1"] Neither Share
        "share of work that these did, mean over divisions";
    HonestDividends: "honest_dividends" ["1"] Higher NonNegative
        "dividends of honest validators over their share of the stake, mean over divisions: one where all earn alike";
    ColludersDividends: "colluders_dividends" ["1"] Lower NonNegative
        "dividends of colluding validators over their share of the stake, mean over divisions; absent where none collude";
    ProducerSurplus: "producer_surplus_per_day" ["USD/day"] Higher Any "earnings of owners less their running cost";
}

impl MetricId {
    /// Number of metrics.
    pub const COUNT: usize = METRICS.len();

    /// All metrics in the order of reports.
    pub fn all() -> impl Iterator<Item = Self> {
        ALL.iter().copied()
    }

    /// The definition.
    #[must_use]
    pub fn metric(self) -> &'static Metric {
        &METRICS[self as usize]
    }

    /// For a quantile: of which latency, and the share of values that it leaves below.
    #[must_use]
    pub fn quantile(self) -> Option<(Latency, f64)> {
        match self {
            Self::TtftP50 => Some((Latency::Ttft, 0.5)),
            Self::TtftP95 => Some((Latency::Ttft, 0.95)),
            Self::TtftP99 => Some((Latency::Ttft, 0.99)),
            Self::TpotP50 => Some((Latency::Tpot, 0.5)),
            Self::TpotP95 => Some((Latency::Tpot, 0.95)),
            Self::TpotP99 => Some((Latency::Tpot, 0.99)),
            Self::ResponseP50 => Some((Latency::Response, 0.5)),
            Self::ResponseP95 => Some((Latency::Response, 0.95)),
            Self::ResponseP99 => Some((Latency::Response, 0.99)),
            Self::WaitP95 => Some((Latency::Wait, 0.95)),
            Self::SlowdownP95 => Some((Latency::Slowdown, 0.95)),
            _ => None,
        }
    }

    /// What it describes.
    #[must_use]
    pub fn kind(self) -> Kind {
        if self >= Self::WorkPrice {
            Kind::Economy
        } else if self >= Self::ResponseMean {
            Kind::Batch
        } else {
            Kind::Requests
        }
    }

    /// Whether a world of this kind can have it.
    #[must_use]
    pub fn exists_for(self, kind: Kind) -> bool {
        let is_shared = match kind {
            Kind::Requests => false,
            Kind::Batch => matches!(self, Self::Utilization | Self::NodesAvailable | Self::Spend),
            Kind::Economy => matches!(
                self,
                Self::Utilization | Self::Spend | Self::OwnersInProfit | Self::OwnerGini
            ),
        };
        is_shared || self.kind() == kind
    }

    /// The metric with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|id| id.metric().name == name)
    }
}

/// What a world is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Requests, and platforms that serve them.
    Requests,
    /// Batch jobs, and clusters that run them.
    Batch,
    /// Money over years, and networks that compete for work.
    Economy,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Requests, Self::Batch, Self::Economy];
}

/// A latency of which there is a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// Time to first token of requests [s].
    Ttft,
    /// Time per output token of requests [s].
    Tpot,
    /// Response time of batch jobs [s].
    Response,
    /// Time that batch jobs wait for their first start [s].
    Wait,
    /// Bounded slowdown of batch jobs, a plain number.
    Slowdown,
}

impl Latency {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 5] = [
        Self::Ttft,
        Self::Tpot,
        Self::Response,
        Self::Wait,
        Self::Slowdown,
    ];

    /// Name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ttft => "ttft",
            Self::Tpot => "tpot",
            Self::Response => "response",
            Self::Wait => "wait",
            Self::Slowdown => "bounded_slowdown",
        }
    }
}

/// A histogram for each latency; those of another kind of world are empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latencies([LogHistogram; Latency::ALL.len()]);

impl Index<Latency> for Latencies {
    type Output = LogHistogram;

    fn index(&self, latency: Latency) -> &LogHistogram {
        &self.0[latency as usize]
    }
}

impl IndexMut<Latency> for Latencies {
    fn index_mut(&mut self, latency: Latency) -> &mut LogHistogram {
        &mut self.0[latency as usize]
    }
}

/// Values of all metrics; `None` where a figure does not exist (no completed job, a single owner).
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics(pub [Option<f64>; MetricId::COUNT]);

impl Metrics {
    /// The value of one metric.
    #[must_use]
    pub fn get(&self, id: MetricId) -> Option<f64> {
        self.0[id as usize]
    }
}

/// The state of the platform at one moment, and what happened since the last sample.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// When.
    pub at: SimTime,
    /// Nodes up.
    pub nodes_up: u32,
    /// Nodes at work.
    pub nodes_busy: u32,
    /// Jobs submitted and not yet ended.
    pub jobs_live: u32,
    /// Jobs waiting at the dispatcher for a node.
    pub jobs_waiting: u32,
    /// Requests submitted since the last sample.
    pub submitted: u32,
    /// Requests completed since the last sample.
    pub completed: u32,
    /// Of these, within both objectives.
    pub within_slo: u32,
    /// Placements lost since the last sample.
    pub lost: u32,
    /// Output tokens delivered since the last sample.
    pub output_tokens: u64,
    /// What customers paid since the last sample [USD].
    pub spend: f64,
    /// Base fee, where there is one [USD per million output tokens].
    pub base_fee: Option<f64>,
}

/// Jobs by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that arrived.
    pub submitted: u64,
    /// Delivered in full.
    pub completed: u64,
    /// Given up after the last permitted attempt.
    pub failed: u64,
    /// Never served: no node in time, none within budget, or turned away by the policy.
    pub rejected: u64,
    /// Still under way when the run ended.
    pub live: u64,
    /// Orders of the policy that the world refused.
    pub refused_orders: u64,
}

/// Everything that a run produced.
#[derive(Clone, Debug)]
pub struct Output {
    /// Fingerprint of the whole history of events.
    pub digest: Digest,
    /// Events processed.
    pub events: u64,
    /// Jobs by what became of them.
    pub counts: Counts,
    /// The figures.
    pub metrics: Metrics,
    /// How long requests or batch jobs took.
    pub latencies: Latencies,
    /// What added up in each section of the measured time.
    pub sections: Vec<Sums>,
    /// The platform over time.
    pub samples: Vec<Sample>,
    /// Lorenz curve of owner revenue at 101 evenly spaced shares of owners, from 0 to 1; empty with a single owner.
    pub lorenz: Vec<f64>,
    /// One row per ended request, if they were recorded.
    pub jobs: Vec<JobRow>,
    /// One row per ended batch job, if they were recorded.
    pub batch_jobs: Vec<BatchRow>,
    /// The first orders that the world refused, at most [`REFUSALS_KEPT`].
    pub refusals: Vec<Refusal>,
    /// The same of a cluster, in sentences.
    pub batch_refusals: Vec<String>,
    /// An economy over time.
    pub series: Series,
}

/// Refused orders that a run keeps; all of them are counted.
pub const REFUSALS_KEPT: usize = 10;

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Delivered in full.
    Completed,
    /// Given up after the last permitted attempt.
    Failed,
    /// Never served.
    Rejected,
}

/// One ended job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JobRow {
    /// Number of the request, from zero.
    pub serial: u64,
    /// When it was sent.
    pub submitted: SimTime,
    /// When it ended, at the customer.
    pub ended: SimTime,
    /// How it ended.
    pub fate: Fate,
    /// Where the customer is.
    pub origin: RegionId,
    /// The node that delivered it.
    pub node: Option<NodeId>,
    /// Placements it took.
    pub attempts: u32,
    /// Prompt length.
    pub prompt_tokens: u32,
    /// Output length.
    pub output_tokens: u32,
    /// Time to first token [s].
    pub ttft: Option<f64>,
    /// Time per output token after the first [s].
    pub tpot: Option<f64>,
    /// What the customer paid for the answer that ended it [USD], copies apart; zero where instances are rented instead.
    pub paid: f64,
}

/// One ended batch job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchRow {
    /// Number of the job, from zero.
    pub serial: u64,
    /// Whose it is.
    pub user: u32,
    /// When it was submitted.
    pub submitted: SimTime,
    /// When its first task was started for the first time.
    pub started: SimTime,
    /// When its last task ended.
    pub ended: SimTime,
    /// The work of all its tasks [worker time on nodes of speed one].
    pub work: Span,
    /// The time that it takes at least on nodes of speed one: that of its longest path.
    pub least: Span,
    /// By when it should have been done.
    pub deadline: Option<SimTime>,
}

/// Shorter jobs than this do not make a slowdown [s] (Feitelson, "Metrics for parallel job scheduling and their convergence", 2001).
const SLOWDOWN_BOUND: f64 = 10.0;

impl BatchRow {
    /// Time from submission to end [s].
    #[must_use]
    pub fn response(&self) -> f64 {
        (self.ended - self.submitted).as_secs_f64()
    }

    /// Time from submission to first start [s].
    #[must_use]
    pub fn wait(&self) -> f64 {
        (self.started - self.submitted).as_secs_f64()
    }

    /// Response time over the least time, neither below ten seconds nor the whole below one.
    #[must_use]
    pub fn bounded_slowdown(&self) -> f64 {
        let least = self.least.as_secs_f64().max(SLOWDOWN_BOUND);
        (self.response() / least).max(1.0)
    }

    /// Whether it ended by its deadline; `None` if it has none.
    #[must_use]
    pub fn is_in_time(&self) -> Option<bool> {
        self.deadline.map(|deadline| self.ended <= deadline)
    }
}

/// What an event is about, as the world knows it when the event comes due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Number of the request, from zero.
    pub job: Option<u64>,
    /// The node.
    pub node: Option<NodeId>,
    /// Whether the event was overtaken, and changes nothing.
    pub is_stale: bool,
}

/// Receives what happens during a run. It cannot influence it.
pub trait Recorder {
    /// Whether [`Recorder::event`] is called: a constant, so that who does not ask does not pay.
    const EVENTS: bool = false;

    /// An event is about to be handled. Rank and word are what the digest of the run is made of.
    fn event(&mut self, _now: SimTime, _rank: u8, _word: u64, _subject: Subject) {}

    /// The present event has placed a job on a node.
    fn placed(&mut self, _job: u64, _node: NodeId) {}

    /// The present event has ended a job.
    fn job(&mut self, _row: JobRow) {}

    /// Gives up what was recorded.
    fn into_jobs(self) -> Vec<JobRow>
    where
        Self: Sized,
    {
        Vec::new()
    }

    /// Whether [`Recorder::joined`] and [`Recorder::left`] are called: a constant, so that who does not ask does not pay.
    const QUEUES: bool = false;

    /// A request has joined a queue, which now holds `length` by its own count.
    fn joined(&mut self, _at: SimTime, _queue: Queue, _serial: u64, _length: u64) {}

    /// A request has left a queue, which now holds `length` by its own count.
    fn left(&mut self, _at: SimTime, _queue: Queue, _serial: u64, _length: u64) {}
}

/// Where a request can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Queue {
    /// The platform: submitted and not yet ended.
    Platform,
    /// The dispatcher's waiting list.
    Dispatcher,
    /// A node: waiting there or in the batch.
    Node(NodeId),
}

/// Records nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Recorder for Nothing {}

/// Keeps a row per job.
#[derive(Clone, Debug, Default)]
pub struct JobTable(Vec<JobRow>);

impl Recorder for JobTable {
    fn job(&mut self, row: JobRow) {
        self.0.push(row);
    }

    fn into_jobs(self) -> Vec<JobRow> {
        self.0
    }
}
