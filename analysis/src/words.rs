//! Figures in words: titles, units that suit the size of a number, and differences as a reader would say them.

use walras_sim::record::{Better, MetricId, Range};

use crate::estimate::{Difference, Estimate, Interval};

/// A subject under which figures are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What customers pay.
    Money,
    /// How long they wait.
    Speed,
    /// What they get.
    Reliability,
    /// What owners earn.
    Owners,
    /// What becomes of a token.
    Token,
    /// What it draws.
    Energy,
    /// What stands behind it.
    Capacity,
}

impl Group {
    /// All groups in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::Money,
        Self::Speed,
        Self::Reliability,
        Self::Owners,
        Self::Token,
        Self::Energy,
        Self::Capacity,
    ];

    /// The heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Money => "money",
            Self::Speed => "speed",
            Self::Reliability => "reliability",
            Self::Owners => "owners",
            Self::Token => "token",
            Self::Energy => "energy",
            Self::Capacity => "capacity",
        }
    }

    /// The group of a figure.
    #[must_use]
    pub fn of(metric: MetricId) -> Self {
        use MetricId as M;
        match metric {
            M::CostPerMillion
            | M::Spend
            | M::ProtocolFees
            | M::JobCost
            | M::EgressCost
            | M::WorkPrice
            | M::PriceToRival
            | M::WorkPriceVolatility
            | M::ConsumerSurplus
            | M::Welfare
            | M::DeadweightLoss
            | M::PriceOfAnarchy
            | M::LostShare => Self::Money,
            M::TtftP50
            | M::TtftP95
            | M::TtftP99
            | M::TpotP50
            | M::TpotP95
            | M::TpotP99
            | M::ResponseMean
            | M::ResponseP50
            | M::ResponseP95
            | M::ResponseP99
            | M::WaitMean
            | M::WaitP95
            | M::SlowdownMean
            | M::SlowdownP95
            | M::Makespan => Self::Speed,
            M::OwnerRevenue
            | M::OwnerPowerCost
            | M::OwnerMargin
            | M::OwnersInProfit
            | M::OwnerGini
            | M::Slashed
            | M::Providers
            | M::ProvidersEnd
            | M::ProvidersLeast
            | M::Retention
            | M::Earning
            | M::RunningCost
            | M::ReturnOnCost
            | M::Payback
            | M::SubsidyShare
            | M::SubsidyGap
            | M::CapacityHhi
            | M::CapacityNakamoto
            | M::ProducerSurplus
            | M::CapacityGini
            | M::CapacityThird
            | M::Models
            | M::ModelQuality
            | M::CreatorPay
            | M::CreatorGini
            | M::CreatorTop
            | M::ColludersPay
            | M::ColludersWork
            | M::FaultCost => Self::Owners,
            M::TokenPriceEnd
            | M::TokenPriceMean
            | M::TokenReturn
            | M::TokenVolatility
            | M::TokenDrawdown
            | M::SupplyEnd
            | M::Inflation
            | M::BurnToMint
            | M::AttackCost
            | M::StakeYield
            | M::RealStakeYield
            | M::HonestDividends
            | M::ColludersDividends
            | M::Pledge
            | M::Velocity
            | M::Runway
            | M::TreasuryEnd
            | M::Ruin => Self::Token,
            M::Energy | M::ActiveEnergy => Self::Energy,
            M::Utilization
            | M::NodesAvailable
            | M::BatchSize
            | M::OutputRate
            | M::CoreUtilization
            | M::GpuUtilization
            | M::GpuFragmentation
            | M::ReadsLocal
            | M::DataMoved
            | M::RepairTraffic => Self::Capacity,
            _ => Self::Reliability,
        }
    }
}

/// Whether a figure belongs to a first look, and not only to the full list.
#[must_use]
pub fn is_primary(metric: MetricId) -> bool {
    use MetricId as M;
    matches!(
        metric,
        M::CostPerMillion
            | M::TtftP50
            | M::TtftP99
            | M::TpotP50
            | M::SloAttainment
            | M::Completed
            | M::Losses
            | M::OwnerMargin
            | M::OwnersInProfit
            | M::OwnerGini
            | M::Energy
            | M::Utilization
            | M::ResponseMean
            | M::ResponseP95
            | M::WaitMean
            | M::SlowdownMean
            | M::Makespan
            | M::JobsCompleted
            | M::DeadlinesMet
            | M::LostWork
            | M::UserFairness
            | M::GpuUtilization
            | M::GpuFragmentation
            | M::JobCost
            | M::EgressCost
            | M::ReadsLocal
            | M::ObjectsAvailable
            | M::ObjectsLost
            | M::RepairTraffic
            | M::WorkPrice
            | M::PriceToRival
            | M::WorkShare
            | M::FillRate
            | M::Providers
            | M::ProvidersEnd
            | M::ReturnOnCost
            | M::SubsidyShare
            | M::TokenPriceEnd
            | M::TokenVolatility
            | M::TokenDrawdown
            | M::BurnToMint
            | M::LostShare
            | M::StakeYield
            | M::Models
            | M::ModelQuality
            | M::CreatorGini
            | M::CreatorTop
            | M::ColludersPay
            | M::ColludersWork
            | M::HonestDividends
            | M::ColludersDividends
            | M::Pledge
            | M::FaultCost
            | M::TreasuryEnd
            | M::Ruin
    )
}

/// What a figure is called in a report.
#[must_use]
pub fn title(metric: MetricId) -> &'static str {
    use MetricId as M;
    match metric {
        M::CostPerMillion => "cost per million output tokens",
        M::TtftP50 => "time to first token, median",
        M::TtftP95 => "time to first token, 95th percentile",
        M::TtftP99 => "time to first token, 99th percentile",
        M::TpotP50 => "time per output token, median",
        M::TpotP95 => "time per output token, 95th percentile",
        M::TpotP99 => "time per output token, 99th percentile",
        M::SloAttainment => "requests served within both objectives",
        M::Goodput => "rate of requests within both objectives",
        M::OutputRate => "output rate",
        M::Completed => "requests completed",
        M::Rejected => "requests rejected",
        M::Failed => "requests failed",
        M::Losses => "placements lost with their node",
        M::Retried => "completed requests that needed a retry",
        M::WastedTokens => "output tokens lost with their node",
        M::Energy => "energy per million output tokens",
        M::ActiveEnergy => "energy above idle per million output tokens",
        M::Spend => "what customers paid",
        M::OwnerRevenue => "owner revenue per node",
        M::OwnerPowerCost => "electricity cost per node",
        M::OwnerMargin => "owner margin per node",
        M::OwnersInProfit => "owners in profit",
        M::OwnerGini => "inequality of owner revenue (Gini)",
        M::ProtocolFees => "protocol fees",
        M::Slashed => "stakes forfeited",
        M::Utilization => "utilization",
        M::NodesAvailable => "nodes available",
        M::BatchSize => "requests running on a working node",
        M::ResponseMean => "response time, mean",
        M::ResponseP50 => "response time, median",
        M::ResponseP95 => "response time, 95th percentile",
        M::ResponseP99 => "response time, 99th percentile",
        M::WaitMean => "waiting time, mean",
        M::WaitP95 => "waiting time, 95th percentile",
        M::SlowdownMean => "bounded slowdown, mean",
        M::SlowdownP95 => "bounded slowdown, 95th percentile",
        M::Makespan => "makespan",
        M::CoreUtilization => "utilization of cores",
        M::GpuUtilization => "utilization of GPUs",
        M::GpuFragmentation => "fragmentation of free GPUs",
        M::JobsCompleted => "jobs completed",
        M::JobsRejected => "jobs rejected",
        M::DeadlinesMet => "deadlines met",
        M::Interruptions => "interruptions per job",
        M::LostWork => "work lost with its node",
        M::Preemptions => "preemptions per job",
        M::JobCost => "cost per job",
        M::ReadsLocal => "reads from own nodes",
        M::DataMoved => "data moved",
        M::EgressCost => "price of data between regions",
        M::ObjectsAvailable => "objects available",
        M::ObjectsLost => "objects lost",
        M::RepairTraffic => "data moved by repairs",
        M::UserFairness => "evenness of users' slowdowns (Jain)",
        M::WorkPrice => "price of work",
        M::PriceToRival => "price over the lowest elsewhere",
        M::WorkPriceVolatility => "volatility of the price of work",
        M::WorkShare => "share of all work",
        M::FillRate => "work done of that wanted",
        M::ConsumerSurplus => "consumer surplus",
        M::Providers => "providers",
        M::ProvidersEnd => "providers at the end",
        M::ProvidersLeast => "providers, fewest",
        M::Retention => "providers at the end over those at the start",
        M::Earning => "earnings per unit of capacity",
        M::RunningCost => "running cost per unit of capacity",
        M::ReturnOnCost => "return on running cost",
        M::Payback => "payback of hardware",
        M::SubsidyShare => "new tokens among earnings",
        M::SubsidyGap => "running cost that customers do not pay",
        M::CapacityHhi => "concentration of capacity (Herfindahl)",
        M::CapacityNakamoto => "owners with half of the capacity (Nakamoto)",
        M::TreasuryEnd => "treasury at the end",
        M::Ruin => "treasuries that ran dry",
        M::TokenPriceEnd => "price of the token at the end",
        M::TokenPriceMean => "price of the token, mean",
        M::TokenReturn => "return of the token by year, logarithmic",
        M::TokenVolatility => "volatility of the token",
        M::TokenDrawdown => "largest fall of the token",
        M::SupplyEnd => "tokens at the end",
        M::Inflation => "inflation of the token",
        M::BurnToMint => "tokens burned over minted",
        M::AttackCost => "cost of a third of all stakes",
        M::LostShare => "work paid for and not done",
        M::StakeYield => "yield of stake",
        M::RealStakeYield => "real yield of stake",
        M::Runway => "runway of the treasury",
        M::Velocity => "velocity of the token",
        M::ProducerSurplus => "producer surplus",
        M::Welfare => "welfare",
        M::DeadweightLoss => "deadweight loss",
        M::PriceOfAnarchy => "price of anarchy",
        M::CapacityGini => "inequality of capacity (Gini)",
        M::CapacityThird => "owners of a third of the capacity",
        M::Models => "models on offer",
        M::ModelQuality => "quality of models, by use",
        M::CreatorPay => "pay of creators",
        M::CreatorGini => "inequality among creators (Gini)",
        M::CreatorTop => "income of the top 1 % of creators",
        M::Pledge => "pledge for a unit of capacity",
        M::FaultCost => "fees for faults by unit of capacity",
        M::ColludersPay => "new tokens for owners of colluding validators",
        M::ColludersWork => "work of owners of colluding validators",
        M::HonestDividends => "dividends of honest validators over their stake",
        M::ColludersDividends => "dividends of colluding validators over their stake",
    }
}

/// A unit that suits the size of some values of one figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Multiplies the stored value.
    pub factor: f64,
    /// The unit then, empty for a plain number.
    pub unit: &'static str,
}

/// An estimate as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The estimate with its unit.
    pub value: String,
    /// The interval in the same unit, as in `[205 … 219]`.
    pub interval: Option<String>,
}

impl Scale {
    /// The unit that suits `values` of `metric` together: that of the largest.
    #[must_use]
    pub fn of(metric: MetricId, values: impl IntoIterator<Item = f64>) -> Self {
        let definition = metric.metric();
        let largest = values.into_iter().map(f64::abs).fold(0.0, f64::max);
        let (factor, unit) = match definition.unit {
            "s" if largest == 0.0 => (1.0, "s"),
            "s" if largest < 1e-3 => (1e6, "µs"),
            "s" if largest < 1.0 => (1e3, "ms"),
            "s" if largest < 600.0 => (1.0, "s"),
            "s" if largest < 10_800.0 => (1.0 / 60.0, "min"),
            "s" => (1.0 / 3600.0, "h"),
            "kWh" if largest > 0.0 && largest < 0.1 => (1e3, "Wh"),
            "1" if is_percentage(metric) => (100.0, "%"),
            "1" => (1.0, ""),
            "1/s" => (1.0, "requests/s"),
            "1/1000" => (1.0, "per 1,000"),
            unit => (1.0, unit),
        };
        Self { factor, unit }
    }

    /// `estimate` in this unit, with as many digits as its interval deserves.
    #[must_use]
    pub fn show(self, estimate: &Estimate) -> Shown {
        let Estimate { mean, interval, .. } = estimate.map(|value| value * self.factor);
        let decimals = decimals(mean, interval.map(Interval::half_width));
        Shown {
            value: with_unit(&number(mean, decimals), self.unit),
            interval: interval.map(|Interval { low, high }| {
                format!("[{} … {}]", number(low, decimals), number(high, decimals))
            }),
        }
    }

    /// `estimate` in this unit with half the width of its interval, as in `212 ± 7 ms`.
    #[must_use]
    pub fn plus_minus(self, estimate: &Estimate) -> String {
        let Estimate { mean, interval, .. } = estimate.map(|value| value * self.factor);
        let half = interval.map(Interval::half_width);
        let decimals = decimals(mean, half);
        let half = half.map_or(String::new(), |half| {
            format!(" ± {}", number(half, decimals))
        });
        with_unit(&format!("{}{half}", number(mean, decimals)), self.unit)
    }

    /// One value in this unit, with three digits.
    #[must_use]
    pub fn value(self, value: f64) -> String {
        let value = value * self.factor;
        with_unit(&number(value, decimals(value, None)), self.unit)
    }
}

/// `estimate` of `metric` as text, without its interval.
#[must_use]
pub fn quantity(metric: MetricId, estimate: &Estimate) -> String {
    Scale::of(metric, [estimate.mean]).show(estimate).value
}

/// A share as a percentage with three digits.
#[must_use]
pub fn percent(share: f64) -> String {
    let scale = Scale {
        factor: 100.0,
        unit: "%",
    };
    scale.value(share)
}

/// Whether a figure is read as a percentage.
#[must_use]
pub fn is_percentage(metric: MetricId) -> bool {
    let is_index = matches!(
        metric,
        MetricId::OwnerGini | MetricId::UserFairness | MetricId::CapacityHhi
    );
    metric.metric().range == Range::Share && !is_index
}

/// So many of something, as in `1 economy` and `3 economies`.
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        _ => format!("{count} {noun}s"),
    }
}

/// `text` as the beginning of a sentence.
#[must_use]
pub fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

/// What a difference means to whom it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Clearly in the preferred direction.
    Better,
    /// Clearly against it.
    Worse,
    /// Clear, and neither good nor bad.
    Neutral,
    /// The interval includes "no difference", or there is none.
    Unclear,
}

/// One sentence computed from the results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The sentence.
    pub text: String,
    /// What it means for the platform that it speaks of first.
    pub tone: Tone,
}

/// A difference in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// As in `3.1 times cheaper [2.9 … 3.3]`.
    pub text: String,
    /// The word before what it is compared with: than, as or to.
    pub joint: &'static str,
    /// What it means.
    pub tone: Tone,
}

/// `difference` of two platforms in `metric`, as a reader would say it of the first.
#[must_use]
pub fn describe(metric: MetricId, difference: &Difference) -> Wording {
    let apart = difference.difference;
    let relative = difference.relative();
    let lower = relative.map_or(apart.mean < 0.0, |ratio| ratio.mean < 1.0);
    let clear = difference.is_clear();
    let tone = match (clear, metric.metric().better) {
        (false, _) => Tone::Unclear,
        (true, Better::Neither) => Tone::Neutral,
        (true, Better::Lower) if lower => Tone::Better,
        (true, Better::Higher) if !lower => Tone::Better,
        (true, _) => Tone::Worse,
    };
    let is_same = apart.mean == 0.0
        && apart
            .interval
            .is_none_or(|interval| interval.half_width() == 0.0);
    let (text, joint, tone) = if is_same {
        ("the same".to_owned(), "as", tone)
    } else if is_negligible(metric, difference) {
        ("practically the same".to_owned(), "as", Tone::Unclear)
    } else if !clear && apart.interval.is_some() {
        (unclear_words(metric, difference), "to", tone)
    } else {
        (direction_words(metric, difference, lower), "than", tone)
    };
    Wording { text, joint, tone }
}

/// `difference` in figures alone, as in `+12.1 % [+11.8 … +12.4]`; from a factor of two on, as in `3.10 × [2.94 … 3.27]`.
#[must_use]
pub fn signs(metric: MetricId, difference: &Difference) -> String {
    let half = |estimate: &Estimate| estimate.interval.map(Interval::half_width);
    let relative = difference.relative();
    if let Some(ratio) = relative.filter(|ratio| ratio.mean >= SAID_AS_FACTOR) {
        let shown = if ratio.mean > ENDLESS {
            factor_words
        } else {
            |factor: f64| number(factor, factor_decimals(factor))
        };
        let interval = ratio
            .interval
            .map_or(String::new(), |Interval { low, high }| {
                format!(" [{} … {}]", shown(low), shown(high))
            });
        return format!("{} ×{interval}", shown(ratio.mean));
    }
    let (amount, unit) = amount(metric, difference);
    let decimals = match relative {
        Some(_) => percent_decimals(amount.mean, half(&amount)),
        None => decimals(amount.mean, half(&amount)),
    };
    let interval = amount
        .interval
        .map_or(String::new(), |Interval { low, high }| {
            format!(" [{} … {}]", signed(low, decimals), signed(high, decimals))
        });
    let unit = if unit == " points" { " pt" } else { &unit };
    format!("{}{unit}{interval}", signed(amount.mean, decimals))
}

/// Whether all that would be said of a difference, interval included, reads as zero: below 0.005 percent or points, or
/// below 0.0005 in other units.
fn is_negligible(metric: MetricId, difference: &Difference) -> bool {
    let (amount, unit) = amount(metric, difference);
    let least = if unit == " %" || unit == " points" {
        0.005
    } else {
        0.000_5
    };
    let ends = amount
        .interval
        .map_or([amount.mean; 2], |Interval { low, high }| [low, high]);
    ends.into_iter()
        .chain([amount.mean])
        .all(|value| value.abs() < least)
}

/// As in `no clear difference [−7.2 … +7.8 %]`.
fn unclear_words(metric: MetricId, difference: &Difference) -> String {
    let ratio = difference.relative().and_then(|ratio| ratio.interval);
    if let Some(Interval { low, high }) = ratio.filter(|ratio| ratio.high >= WIDE_FACTOR) {
        return format!(
            "no clear difference [{} … {} times]",
            factor_words(low),
            factor_words(high)
        );
    }
    let (amount, unit) = amount(metric, difference);
    let interval = amount.interval.map_or(String::new(), |interval| {
        let half = interval.half_width();
        let decimals = enough(percent_decimals(half, Some(half)), half, Some(interval));
        let [low, high] = [interval.low, interval.high].map(|end| signed(end, decimals));
        format!(" [{low} … {high}{unit}]")
    });
    format!("no clear difference{interval}")
}

/// From this upper end on an interval is said in factors: percentages of several digits say nothing.
const WIDE_FACTOR: f64 = 10.0;
/// Beyond a thousandfold, either way, the number says no more.
const ENDLESS: f64 = 1_000.0;

/// A factor with two digits, or that it is beyond a thousand.
fn factor_words(factor: f64) -> String {
    if factor > ENDLESS {
        format!("over {}", number(ENDLESS, 0))
    } else if factor < ENDLESS.recip() {
        format!("under {}", number(ENDLESS.recip(), 3))
    } else {
        let digits = 1.0 - factor.log10().floor();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        number(factor, digits.max(0.0) as usize)
    }
}

/// As in `12.1 % slower [11.8 … 12.4]`.
fn direction_words(metric: MetricId, difference: &Difference, lower: bool) -> String {
    let (less, more) = directions(metric);
    let word = if lower { less } else { more };
    let half = |estimate: &Estimate| estimate.interval.map(Interval::half_width);
    let said = |size: &Estimate, unit: &str, decimals: usize| {
        let interval = size
            .interval
            .map_or(String::new(), |Interval { low, high }| {
                format!(" [{} … {}]", number(low, decimals), number(high, decimals))
            });
        format!("{}{unit} {word}{interval}", number(size.mean, decimals))
    };
    let relative = difference.relative();
    let factor = relative.map(|ratio| {
        if lower {
            mirrored(&ratio, f64::recip)
        } else {
            ratio
        }
    });
    let is_factor = |factor: &Estimate| {
        let high = factor
            .interval
            .map_or(factor.mean, |interval| interval.high);
        factor.mean >= SAID_AS_FACTOR || high >= WIDE_FACTOR
    };
    if let Some(factor) = factor.filter(is_factor) {
        if factor
            .interval
            .is_some_and(|interval| interval.high > ENDLESS)
        {
            let interval = factor
                .interval
                .map_or(String::new(), |Interval { low, high }| {
                    format!(" [{} … {}]", factor_words(low), factor_words(high))
                });
            return format!("{} times {word}{interval}", factor_words(factor.mean));
        }
        let most = factor_decimals(factor.mean);
        return said(
            &factor,
            " times",
            decimals(factor.mean, half(&factor)).min(most),
        );
    }
    let (amount, unit) = amount(metric, difference);
    let size = if lower {
        mirrored(&amount, |x| -x)
    } else {
        amount
    };
    let decimals = match relative {
        Some(_) => percent_decimals(size.mean, half(&size)),
        None => decimals(size.mean, half(&size)),
    };
    said(&size, &unit, enough(decimals, size.mean, size.interval))
}

/// From this factor on a difference is said as a factor, below as a percentage.
const SAID_AS_FACTOR: f64 = 2.0;

/// The difference as a percentage where it is judged by the ratio, and otherwise in the unit of the metric.
fn amount(metric: MetricId, difference: &Difference) -> (Estimate, String) {
    if let Some(ratio) = difference.relative() {
        return (ratio.map(|ratio| (ratio - 1.0) * 100.0), " %".to_owned());
    }
    let apart = difference.difference;
    let ends = apart.interval.map(|interval| [interval.low, interval.high]);
    let scale = Scale::of(metric, ends.into_iter().flatten().chain([apart.mean]));
    let unit = match metric {
        _ if is_percentage(metric) => "points",
        // The title of the figure says it.
        MetricId::Losses => "",
        _ => scale.unit,
    };
    let space = if unit.is_empty() { "" } else { " " };
    (
        apart.map(|value| value * scale.factor),
        format!("{space}{unit}"),
    )
}

/// The words for less and for more of a figure.
#[must_use]
pub fn directions(metric: MetricId) -> (&'static str, &'static str) {
    use MetricId as M;
    match (metric, Group::of(metric)) {
        (M::CostPerMillion | M::JobCost, _) => ("cheaper", "dearer"),
        (M::SlowdownMean | M::SlowdownP95, _) => ("lower", "higher"),
        (M::Makespan | M::WaitMean | M::WaitP95, _) => ("shorter", "longer"),
        (_, Group::Speed) => ("faster", "slower"),
        (M::NodesAvailable | M::BatchSize, _) => ("fewer", "more"),
        (M::Energy | M::ActiveEnergy | M::WastedTokens, _) => ("less", "more"),
        _ => ("lower", "higher"),
    }
}

/// `estimate` through the decreasing function `f`, which swaps the ends of the interval.
fn mirrored(estimate: &Estimate, f: impl Fn(f64) -> f64) -> Estimate {
    let interval = estimate.interval.map(|Interval { low, high }| Interval {
        low: f(high),
        high: f(low),
    });
    Estimate {
        mean: f(estimate.mean),
        interval,
        ..*estimate
    }
}

/// `number` with a sign unless it is zero.
fn signed(value: f64, decimals: usize) -> String {
    let plus = if value > 0.0 { "+" } else { "" };
    format!("{plus}{}", number(value, decimals))
}

/// Decimals for a percentage: fewer the wider its interval.
fn percent_decimals(mean: f64, half_width: Option<f64>) -> usize {
    let half = half_width.unwrap_or(f64::INFINITY);
    if mean.abs() >= 10.0 && half >= 2.0 {
        0
    } else if mean.abs() >= 1.0 || half >= 0.05 {
        1
    } else {
        2
    }
}

/// `decimals`, or up to three if an end of the interval other than zero would read as zero, or so many that `mean` does
/// not.
fn enough(decimals: usize, mean: f64, interval: Option<Interval>) -> usize {
    let nearest = interval.map_or(mean, |interval| interval.low.abs().min(interval.high.abs()));
    let shows = |value: f64, decimals: usize| {
        let text = number(value, decimals);
        value == 0.0 || text.bytes().any(|digit| (b'1'..=b'9').contains(&digit))
    };
    (decimals..=3)
        .find(|&decimals| shows(nearest, decimals))
        .or_else(|| (decimals..=12).find(|&decimals| shows(mean, decimals)))
        .unwrap_or(decimals)
}

fn factor_decimals(factor: f64) -> usize {
    if factor < 10.0 {
        2
    } else {
        usize::from(factor < 100.0)
    }
}

/// Decimals that show three digits of `value`, or so many that half of its interval shows one, but five digits at most
/// and no more than two digits of half the interval.
fn decimals(value: f64, half_width: Option<f64>) -> usize {
    if value == 0.0 && half_width.is_none_or(|half| half == 0.0) {
        return 0;
    }
    let magnitude = |x: f64| {
        if x > 0.0 && x.is_finite() {
            x.log10().floor()
        } else {
            0.0
        }
    };
    // Near zero the interval sets the scale.
    let size = magnitude(value.abs().max(half_width.unwrap_or(0.0)));
    let half = half_width.filter(|half| *half > 0.0);
    let (one_digit, two_digits) = half.map_or((f64::NEG_INFINITY, f64::INFINITY), |half| {
        (-magnitude(half), 1.0 - magnitude(half))
    });
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let decimals = (2.0 - size)
        .max(one_digit)
        .min(two_digits)
        .min(4.0 - size)
        .clamp(0.0, 9.0) as usize;
    decimals
}

/// `value` with `decimals` decimals, thousands separated by commas, and a true minus sign.
#[must_use]
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text
        .split_once('.')
        .map_or((text.as_str(), None), |(whole, fraction)| {
            (whole, Some(fraction))
        });
    let mut grouped = String::with_capacity(text.len() + 4);
    if value < 0.0 && text.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) {
        grouped.push('−');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if let Some(fraction) = fraction {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    grouped
}

fn with_unit(number: &str, unit: &str) -> String {
    if unit.is_empty() {
        number.to_owned()
    } else {
        format!("{number} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::{Method, paired};

    fn shown(metric: MetricId, mean: f64, low: f64, high: f64) -> String {
        let estimate = Estimate {
            mean,
            interval: Some(Interval { low, high }),
            n: 9,
            effective: None,
            method: Method::StudentT,
        };
        let Shown { value, interval } = Scale::of(metric, [mean]).show(&estimate);
        format!("{value} {}", interval.unwrap())
    }

    #[test]
    fn numbers_are_shown_in_units_that_suit_them() {
        assert_eq!(
            shown(MetricId::TtftP99, 0.2121, 0.2052, 0.2194),
            "212 ms [205 … 219]"
        );
        assert_eq!(
            shown(MetricId::TtftP99, 3.1819, 3.1, 3.2551),
            "3.18 s [3.10 … 3.26]"
        );
        assert_eq!(
            shown(MetricId::SloAttainment, 0.987_65, 0.987_2, 0.988_1),
            "98.77 % [98.72 … 98.81]"
        );
        assert_eq!(
            shown(MetricId::CostPerMillion, 0.8512, 0.84, 0.86),
            "0.851 USD [0.840 … 0.860]"
        );
        assert_eq!(
            shown(MetricId::Spend, 12_345.6, 12_300.0, 12_400.0),
            "12,346 USD/day [12,300 … 12,400]"
        );
        assert_eq!(
            shown(MetricId::OwnerMargin, -0.0512, -0.12, 0.02),
            "−0.051 USD/day [−0.120 … 0.020]"
        );
        assert_eq!(
            shown(MetricId::Energy, 0.0412, 0.0408, 0.0416),
            "41.2 Wh [40.8 … 41.6]"
        );
    }

    fn said(metric: MetricId, first: &[f64], second: &[f64]) -> (String, Tone) {
        let difference = paired(first, second, metric.metric().range).unwrap();
        let Wording { text, tone, .. } = describe(metric, &difference);
        (text, tone)
    }

    #[test]
    fn differences_are_said_as_a_reader_would() {
        let base = [3.0, 3.1, 2.9, 3.0];
        let third = [1.0, 1.02, 1.0, 0.99];
        let twelve = [3.36, 3.47, 3.25, 3.37];
        let (text, tone) = said(MetricId::CostPerMillion, &third, &base);
        assert_eq!(
            (text.as_str(), tone),
            ("2.99 times cheaper [2.89 … 3.10]", Tone::Better)
        );
        let (text, tone) = said(MetricId::TtftP99, &twelve, &base);
        assert_eq!(
            (text.as_str(), tone),
            ("12.1 % slower [11.8 … 12.4]", Tone::Worse)
        );
        let (text, tone) = said(MetricId::TtftP99, &[3.0, 3.0, 3.1, 2.9], &base);
        assert_eq!(
            (text.as_str(), tone),
            ("no clear difference [−7.2 … +7.8 %]", Tone::Unclear)
        );
        let (text, tone) = said(
            MetricId::SloAttainment,
            &[0.95, 0.96, 0.95, 0.94],
            &[0.99, 1.0, 0.98, 0.99],
        );
        assert_eq!(
            (text.as_str(), tone),
            ("4.0 points lower [2.7 … 5.3]", Tone::Worse)
        );
        let (text, tone) = said(
            MetricId::OwnerMargin,
            &[-0.1, -0.2, -0.1, -0.1],
            &[1.0, 1.1, 1.0, 1.1],
        );
        assert_eq!(
            (text.as_str(), tone),
            ("1.18 USD/day lower [1.02 … 1.33]", Tone::Worse)
        );
        assert_eq!(
            said(MetricId::TpotP50, &base, &base),
            ("the same".to_owned(), Tone::Unclear)
        );
        assert_eq!(
            said(MetricId::TpotP50, &[2.0], &[1.0]),
            ("2.00 times slower".to_owned(), Tone::Unclear)
        );
    }

    #[test]
    fn small_differences_do_not_read_as_zero() {
        let base = [2.0, 3.0, 2.5];
        let slower = base.map(|value| value * (1.0 + 4e-7));
        assert_eq!(
            said(MetricId::TtftP99, &slower, &base),
            ("practically the same".to_owned(), Tone::Unclear)
        );
        let slower = base.map(|value| value * (1.0 + 8e-5));
        assert_eq!(
            said(MetricId::TtftP99, &slower, &base).0,
            "0.01 % slower [0.01 … 0.01]"
        );
        let share = [0.9, 0.8, 0.7];
        let above = [share[0], share[1] + 1e-7, share[2]];
        assert_eq!(
            said(MetricId::SloAttainment, &above, &share).0,
            "practically the same"
        );
        let (text, tone) = said(
            MetricId::ActiveEnergy,
            &[0.0, 0.5, 0.1],
            &[0.5, 0.0, 0.1 + 1e-9],
        );
        assert_eq!(
            (text.as_str(), tone),
            ("no clear difference [−1.2 … +1.2 kWh]", Tone::Unclear)
        );
    }

    /// With few replications far apart, percentages ran to fourteen digits.
    #[test]
    fn huge_differences_are_said_as_factors() {
        let base = [1.0, 1.0, 1.0];
        assert_eq!(
            said(MetricId::TtftP99, &[0.2, 9.0, 40.0], &base),
            (
                "no clear difference [0.0047 … over 1,000 times]".to_owned(),
                Tone::Unclear
            )
        );
        assert_eq!(
            said(MetricId::TtftP99, &[0.8, 3.0, 4.0], &base).0,
            "no clear difference [0.25 … 18 times]"
        );
        assert_eq!(
            said(MetricId::CostPerMillion, &[4e9, 5e9, 6e9], &base).0,
            "over 1,000 times dearer [over 1,000 … over 1,000]"
        );
    }

    #[test]
    fn every_metric_has_a_title_of_its_own() {
        let mut titles: Vec<_> = MetricId::all().map(title).collect();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), MetricId::COUNT);
    }
}
