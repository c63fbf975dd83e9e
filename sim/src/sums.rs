//! What adds up over a run: kept by section of the measured time, so that one run alone can say how sure its figures are.
//!
//! Nearly every figure is a ratio of two such sums. The same ratio over a section says how much the figure varies within the run,
//! and from that follows an interval (batch means). Requests belong to the section in which they were sent, whenever they end.

use crate::record::MetricId;

/// Sections of a run, of equal length: as many as the kernel's collectors of batches hold at least, so that the test for
/// correlation can be repeated on longer ones.
pub const SECTIONS: usize = 256;

macro_rules! sums {
    ($($variant:ident: $name:literal $description:literal;)*) => {
        /// One of the sums.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum SumId { $(#[doc = $description] $variant,)* }

        impl SumId {
            /// All of them, in the order of tables.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Name in results.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

sums! {
    Time: "time_s" "measured time [s]";
    Submitted: "submitted" "requests submitted";
    Completed: "completed" "of these, completed";
    Failed: "failed" "of these, given up after the last permitted attempt";
    Rejected: "rejected" "of these, never served";
    Retried: "retried" "completed requests that needed more than one placement";
    WithinSlo: "within_slo" "requests completed within both objectives";
    Losses: "losses" "placements lost with their node";
    OutputTokens: "output_tokens" "output tokens delivered";
    WastedTokens: "wasted_tokens" "output tokens lost with their node";
    Busy: "busy_s" "node time at work [s]";
    Up: "up_s" "node time available [s]";
    Starting: "starting_s" "node time on the way up [s]";
    Batch: "batch_s" "time that requests ran [s]";
    Energy: "energy_kwh" "energy drawn by available nodes [kWh]";
    ActiveEnergy: "active_energy_kwh" "of it, above idle [kWh]";
    PowerCost: "power_cost_usd" "what this energy cost [USD]";
    Spend: "spend_usd" "what customers paid [USD]";
    Revenue: "owner_revenue_usd" "what owners received, less slashed stakes [USD]";
    Fees: "fees_usd" "what the protocol kept or burned [USD]";
    Slashed: "slashed_usd" "stakes forfeited [USD]";
    Ttft: "ttft" "requests with a time to first token";
    TtftP50: "ttft_to_p50" "of these, not above the median of the run";
    TtftP95: "ttft_to_p95" "of these, not above the 95th percentile of the run";
    TtftP99: "ttft_to_p99" "of these, not above the 99th percentile of the run";
    Tpot: "tpot" "requests with a time per output token";
    TpotP50: "tpot_to_p50" "of these, not above the median of the run";
    TpotP95: "tpot_to_p95" "of these, not above the 95th percentile of the run";
    TpotP99: "tpot_to_p99" "of these, not above the 99th percentile of the run";
    Response: "response_s" "response times of completed batch jobs [s]";
    ResponseP50: "response_to_p50" "completed batch jobs with a response time not above the median of the run";
    ResponseP95: "response_to_p95" "of the same, not above the 95th percentile";
    ResponseP99: "response_to_p99" "of the same, not above the 99th percentile";
    Wait: "wait_s" "waiting times of completed batch jobs [s]";
    WaitP95: "wait_to_p95" "completed batch jobs that waited no longer than the 95th percentile of the run";
    Slowdown: "slowdown" "bounded slowdowns of completed batch jobs";
    SlowdownP95: "slowdown_to_p95" "completed batch jobs with a bounded slowdown not above the 95th percentile of the run";
    CoresUsed: "cores_used_s" "core time given to tasks [s]";
    CoresUp: "cores_up_s" "core time of nodes that were up [s]";
    GpusUsed: "gpus_used_s" "GPU time given to tasks [s]";
    GpusUp: "gpus_up_s" "GPU time of nodes that were up [s]";
    GpusUseless: "gpus_useless_s" "free GPU time that a task of the workload could not use, by their shares [s]";
    Deadlines: "deadlines" "batch jobs with a deadline submitted";
    DeadlinesMet: "deadlines_met" "of these, ended by it";
    WorkerTime: "worker_time_s" "worker time given to tasks [s]";
    LostWork: "lost_work_s" "of this, undone by interruptions [s]";
    Preemptions: "preemptions" "tasks stopped by the scheduler";
}

/// What added up in a run, or in one section of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sums(pub [f64; SumId::ALL.len()]);

/// A figure as part and whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// What is counted.
    pub part: f64,
    /// What it is counted by.
    pub whole: f64,
    /// One over the unit of the figure.
    pub scale: f64,
}

impl Ratio {
    /// The figure; `None` if there is nothing to count by.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.whole > 0.0).then(|| self.part / self.whole * self.scale)
    }
}

impl Sums {
    /// Nothing yet.
    pub const ZERO: Self = Self([0.0; SumId::ALL.len()]);

    /// One of the sums.
    #[must_use]
    pub fn get(&self, id: SumId) -> f64 {
        self.0[id as usize]
    }

    /// Sets one of the sums.
    pub fn set(&mut self, id: SumId, value: f64) {
        self.0[id as usize] = value;
    }

    /// `metric` as a ratio of sums, for a quantile the share of values not above it; `None` where a figure is no such ratio:
    /// what it says of each owner, it says of the run as a whole.
    #[must_use]
    pub fn ratio(&self, metric: MetricId) -> Option<Ratio> {
        use MetricId as M;
        use SumId as S;
        let days = || self.get(S::Time) / DAY;
        let millions = || self.get(S::OutputTokens) / 1e6;
        // Instances earn their rent from the moment they are started.
        let node_days = || (self.get(S::Up) + self.get(S::Starting)) / DAY;
        let (part, whole) = match metric {
            M::CostPerMillion => (self.get(S::Spend), millions()),
            M::TtftP50 => (self.get(S::TtftP50), self.get(S::Ttft)),
            M::TtftP95 => (self.get(S::TtftP95), self.get(S::Ttft)),
            M::TtftP99 => (self.get(S::TtftP99), self.get(S::Ttft)),
            M::TpotP50 => (self.get(S::TpotP50), self.get(S::Tpot)),
            M::TpotP95 => (self.get(S::TpotP95), self.get(S::Tpot)),
            M::TpotP99 => (self.get(S::TpotP99), self.get(S::Tpot)),
            M::SloAttainment => (self.get(S::WithinSlo), self.get(S::Submitted)),
            M::Goodput => (self.get(S::WithinSlo), self.get(S::Time)),
            M::OutputRate => (self.get(S::OutputTokens), self.get(S::Time)),
            M::Completed | M::JobsCompleted => (self.get(S::Completed), self.get(S::Submitted)),
            M::Rejected | M::JobsRejected => (self.get(S::Rejected), self.get(S::Submitted)),
            M::Failed => (self.get(S::Failed), self.get(S::Submitted)),
            M::Losses | M::Interruptions => (self.get(S::Losses), self.get(S::Submitted)),
            M::Retried => (self.get(S::Retried), self.get(S::Completed)),
            M::WastedTokens => {
                let wasted = self.get(S::WastedTokens);
                (wasted, wasted + self.get(S::OutputTokens))
            }
            M::Utilization => (self.get(S::Busy), self.get(S::Up)),
            M::NodesAvailable => (self.get(S::Up), self.get(S::Time)),
            M::BatchSize => (self.get(S::Batch), self.get(S::Busy)),
            M::Energy => (self.get(S::Energy), millions()),
            M::ActiveEnergy => (self.get(S::ActiveEnergy), millions()),
            M::Spend => (self.get(S::Spend), days()),
            M::OwnerRevenue => (self.get(S::Revenue), node_days()),
            M::OwnerPowerCost => (self.get(S::PowerCost), node_days()),
            M::OwnerMargin => (self.get(S::Revenue) - self.get(S::PowerCost), node_days()),
            M::ProtocolFees => (self.get(S::Fees), days()),
            M::Slashed => (self.get(S::Slashed), days()),
            M::ResponseMean => (self.get(S::Response), self.get(S::Completed)),
            M::ResponseP50 => (self.get(S::ResponseP50), self.get(S::Completed)),
            M::ResponseP95 => (self.get(S::ResponseP95), self.get(S::Completed)),
            M::ResponseP99 => (self.get(S::ResponseP99), self.get(S::Completed)),
            M::WaitMean => (self.get(S::Wait), self.get(S::Completed)),
            M::WaitP95 => (self.get(S::WaitP95), self.get(S::Completed)),
            M::SlowdownMean => (self.get(S::Slowdown), self.get(S::Completed)),
            M::SlowdownP95 => (self.get(S::SlowdownP95), self.get(S::Completed)),
            M::CoreUtilization => (self.get(S::CoresUsed), self.get(S::CoresUp)),
            M::GpuUtilization => (self.get(S::GpusUsed), self.get(S::GpusUp)),
            M::GpuFragmentation => {
                let free = self.get(S::GpusUp) - self.get(S::GpusUsed);
                (self.get(S::GpusUseless), free)
            }
            M::DeadlinesMet => (self.get(S::DeadlinesMet), self.get(S::Deadlines)),
            M::LostWork => (self.get(S::LostWork), self.get(S::WorkerTime)),
            M::Preemptions => (self.get(S::Preemptions), self.get(S::Submitted)),
            M::JobCost => (self.get(S::Spend), self.get(S::Completed)),
            // What it says of each owner or object it says of the run as a whole; what describes an economy is no ratio of sums over time.
            _ => return None,
        };
        let scale = if metric == M::Losses { 1e3 } else { 1.0 };
        Some(Ratio { part, whole, scale })
    }
}

/// [s]
const DAY: f64 = 86_400.0;
