//! Measurement: counts, integrals over time and distributions of one run, within the measured window.

use walras_des::{Digest, LogHistogram, SimTime, Span};

use super::Settings;
use super::nodes::{Node, Registration};
use crate::ids::OwnerId;
use crate::platform::Platform;
use crate::record::{Counts, Fate, JobRow, MetricId, Metrics, Output, Sample};
use crate::settlement::Payout;
use crate::units::Amount;
use crate::workload::Slo;

/// A level that changes in steps, and its integral over the measured window.
#[derive(Debug)]
struct Level {
    value: i64,
    since: Span,
    /// [ns], exact.
    integral: i128,
}

/// All measurements of a run.
#[derive(Debug)]
pub(super) struct Tally {
    from: SimTime,
    to: SimTime,
    submitted: u64,
    completed: u64,
    failed: u64,
    rejected: u64,
    retried: u64,
    within_slo: u64,
    losses: u64,
    output_tokens: u64,
    wasted_tokens: u64,
    ttft: LogHistogram,
    tpot: LogHistogram,
    busy: Level,
    up: Level,
    starting: Level,
    batch: Level,
    /// Requests being served, measured or not, and their integral up to the last change of price [request·ns].
    in_service: Level,
    served_at_repricing: i128,
    spend: Amount,
    fees: Amount,
    slashed: Amount,
    payments: Vec<Amount>,
    forfeits: Vec<Amount>,
    since_sample: Sample,
    spend_since_sample: Amount,
    samples: Vec<Sample>,
}

impl Level {
    const ZERO: Self = Self {
        value: 0,
        since: Span::ZERO,
        integral: 0,
    };
}

impl Level {
    /// Adds `delta` at `now`, in the time over which the level is integrated.
    #[inline]
    fn change(&mut self, now: Span, delta: i64) {
        self.integral += i128::from(self.value) * i128::from((now - self.since).as_nanos());
        self.value += delta;
        self.since = now;
    }

    /// The integral [s].
    fn seconds(&self) -> f64 {
        self.integral as f64 / NANOS
    }
}

const NANOS: f64 = 1e9;

impl Tally {
    pub(super) fn new(settings: &Settings, owners: usize) -> Self {
        Self {
            from: SimTime::ZERO + settings.warm_up,
            to: SimTime::ZERO + settings.horizon,
            submitted: 0,
            completed: 0,
            failed: 0,
            rejected: 0,
            retried: 0,
            within_slo: 0,
            losses: 0,
            output_tokens: 0,
            wasted_tokens: 0,
            ttft: LogHistogram::new(),
            tpot: LogHistogram::new(),
            busy: Level::ZERO,
            up: Level::ZERO,
            starting: Level::ZERO,
            batch: Level::ZERO,
            in_service: Level::ZERO,
            served_at_repricing: 0,
            spend: Amount::ZERO,
            fees: Amount::ZERO,
            slashed: Amount::ZERO,
            payments: vec![Amount::ZERO; owners],
            forfeits: vec![Amount::ZERO; owners],
            since_sample: Sample::default(),
            spend_since_sample: Amount::ZERO,
            samples: Vec::new(),
        }
    }

    /// The part of `[0, now]` that is measured.
    #[inline]
    pub(super) fn measured_time(&self, now: SimTime) -> Span {
        now.clamp(self.from, self.to) - self.from
    }

    fn measured(&self, submitted: SimTime) -> bool {
        submitted >= self.from
    }

    pub(super) fn busy(&mut self, now: SimTime, delta: i64) {
        self.busy.change(self.measured_time(now), delta);
    }

    pub(super) fn up(&mut self, now: SimTime, delta: i64) {
        self.up.change(self.measured_time(now), delta);
    }

    pub(super) fn starting(&mut self, now: SimTime, delta: i64) {
        self.starting.change(self.measured_time(now), delta);
    }

    /// The batch of a node has changed.
    pub(super) fn batch(&mut self, now: SimTime, before: usize, after: usize) {
        if after != before {
            let delta = after.cast_signed() - before.cast_signed();
            self.batch.change(self.measured_time(now), delta as i64);
        }
    }

    /// Nodes up, nodes at work and requests being served at present.
    pub(super) fn levels(&self) -> (i64, i64, i64) {
        (self.up.value, self.busy.value, self.in_service.value)
    }

    pub(super) fn running(&mut self, now: SimTime, delta: i64) {
        self.in_service.change(now - SimTime::ZERO, delta);
    }

    /// Request time served since this was last asked [request·s].
    pub(super) fn served_since_repriced(&mut self, now: SimTime) -> f64 {
        self.running(now, 0);
        let total = self.in_service.integral;
        (total - std::mem::replace(&mut self.served_at_repricing, total)) as f64 / NANOS
    }

    pub(super) fn submitted(&mut self, at: SimTime) {
        self.since_sample.submitted += 1;
        self.submitted += u64::from(self.measured(at));
    }

    pub(super) fn lost(&mut self, submitted: SimTime) {
        self.since_sample.lost += 1;
        self.losses += u64::from(self.measured(submitted));
    }

    pub(super) fn ended(&mut self, row: &JobRow, slo: Slo) {
        let within = row.ttft.is_some_and(|ttft| ttft <= slo.ttft.as_secs_f64())
            && row.tpot.is_none_or(|tpot| tpot <= slo.tpot.as_secs_f64());
        if row.fate == Fate::Completed {
            self.since_sample.completed += 1;
            self.since_sample.within_slo += u32::from(within);
            self.since_sample.output_tokens += u64::from(row.output_tokens);
        }
        if !self.measured(row.submitted) {
            return;
        }
        match row.fate {
            Fate::Completed => {
                self.completed += 1;
                self.within_slo += u64::from(within);
                self.retried += u64::from(row.attempts > 1);
                self.output_tokens += u64::from(row.output_tokens);
                row.ttft.into_iter().for_each(|ttft| self.ttft.record(ttft));
                row.tpot.into_iter().for_each(|tpot| self.tpot.record(tpot));
            }
            Fate::Failed => self.failed += 1,
            Fate::Rejected => self.rejected += 1,
        }
    }

    pub(super) fn paid(
        &mut self,
        submitted: SimTime,
        price: Amount,
        payout: Payout,
        owner: OwnerId,
    ) {
        self.spend_since_sample += price;
        if self.measured(submitted) {
            self.spend += price;
            self.fees += payout.protocol;
            self.payments[owner.index()] += payout.owner;
        }
    }

    pub(super) fn fault(&mut self, at: SimTime, owner: OwnerId, forfeited: Amount, tokens: u64) {
        if self.measured(at) && at <= self.to {
            self.slashed += forfeited;
            self.forfeits[owner.index()] += forfeited;
            self.wasted_tokens += tokens;
        }
    }

    /// Completes `state` with the present levels and what happened since the last sample.
    pub(super) fn sample(&mut self, now: SimTime, state: Sample) {
        let level =
            |level: &Level| u32::try_from(level.value).expect("a count of nodes is not negative");
        let since = std::mem::take(&mut self.since_sample);
        self.samples.push(Sample {
            at: now,
            nodes_up: level(&self.up),
            nodes_busy: level(&self.busy),
            jobs_live: state.jobs_live,
            jobs_waiting: state.jobs_waiting,
            base_fee: state.base_fee,
            spend: std::mem::take(&mut self.spend_since_sample).as_f64(),
            ..since
        });
    }

    pub(super) fn finish(
        mut self,
        platform: &Platform,
        nodes: &[Node],
        registry: &[Registration],
        counts: Counts,
        jobs: Vec<JobRow>,
    ) -> Output {
        let to = self.to;
        self.busy(to, 0);
        self.up(to, 0);
        self.starting(to, 0);
        self.batch.change(self.measured_time(to), 0);
        let power = Power::of(platform, nodes, registry, self.payments.len());
        let metrics = self.metrics(&power);
        let lorenz = if self.payments.len() > 1 {
            lorenz(&self.earnings(&power))
        } else {
            Vec::new()
        };
        Output {
            digest: Digest::default(),
            events: 0,
            counts,
            metrics,
            ttft: self.ttft,
            tpot: self.tpot,
            samples: self.samples,
            lorenz,
            jobs,
        }
    }

    /// Payments to the owners whose nodes were ever up, sorted.
    fn earnings(&self, power: &Power) -> Vec<f64> {
        let present = self
            .payments
            .iter()
            .zip(&power.owners)
            .filter(|(_, power)| power.up > 0.0);
        let mut earnings: Vec<f64> = present.map(|(paid, _)| paid.as_f64()).collect();
        earnings.sort_by(f64::total_cmp);
        earnings
    }

    fn metrics(&self, power: &Power) -> Metrics {
        let window = (self.to - self.from).as_secs_f64();
        let days = window / 86_400.0;
        let ratio = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let of_submitted = |count: u64| ratio(count as f64, self.submitted as f64);
        let millions = self.output_tokens as f64 / 1e6;
        let quantile = |histogram: &LogHistogram, p: f64| {
            (histogram.count() > 0).then(|| histogram.quantile(p))
        };
        // Instances earn their rent from the moment they are started.
        let node_days = (self.up.seconds() + self.starting.seconds()) / 86_400.0;
        let paid = self
            .payments
            .iter()
            .fold(Amount::ZERO, |sum, &paid| sum + paid);
        let revenue = (paid - self.slashed).as_f64();
        let margin =
            |i: usize| (self.payments[i] - self.forfeits[i]).as_f64() - power.owners[i].cost;
        let present = || {
            power
                .owners
                .iter()
                .enumerate()
                .filter(|(_, owner)| owner.up > 0.0)
        };
        let in_profit = present().filter(|&(i, _)| margin(i) > 0.0).count();
        let gini = if self.payments.len() > 1 {
            gini(&self.earnings(power))
        } else {
            None
        };
        let mut values = [None; MetricId::COUNT];
        let mut set = |id: MetricId, value: Option<f64>| values[id as usize] = value;
        set(
            MetricId::CostPerMillion,
            ratio(self.spend.as_f64(), millions),
        );
        set(MetricId::TtftP50, quantile(&self.ttft, 0.5));
        set(MetricId::TtftP95, quantile(&self.ttft, 0.95));
        set(MetricId::TtftP99, quantile(&self.ttft, 0.99));
        set(MetricId::TpotP50, quantile(&self.tpot, 0.5));
        set(MetricId::TpotP95, quantile(&self.tpot, 0.95));
        set(MetricId::TpotP99, quantile(&self.tpot, 0.99));
        set(MetricId::SloAttainment, of_submitted(self.within_slo));
        set(MetricId::Goodput, ratio(self.within_slo as f64, window));
        set(
            MetricId::OutputRate,
            ratio(self.output_tokens as f64, window),
        );
        set(MetricId::Completed, of_submitted(self.completed));
        set(MetricId::Rejected, of_submitted(self.rejected));
        set(MetricId::Failed, of_submitted(self.failed));
        set(
            MetricId::Losses,
            of_submitted(self.losses).map(|share| share * 1e3),
        );
        set(
            MetricId::Retried,
            ratio(self.retried as f64, self.completed as f64),
        );
        set(
            MetricId::WastedTokens,
            ratio(
                self.wasted_tokens as f64,
                (self.wasted_tokens + self.output_tokens) as f64,
            ),
        );
        set(
            MetricId::Utilization,
            ratio(self.busy.seconds(), self.up.seconds()),
        );
        set(MetricId::NodesAvailable, ratio(self.up.seconds(), window));
        set(
            MetricId::BatchSize,
            ratio(self.batch.seconds(), self.busy.seconds()),
        );
        set(MetricId::Energy, ratio(power.total_kwh, millions));
        set(MetricId::ActiveEnergy, ratio(power.active_kwh, millions));
        set(MetricId::Spend, ratio(self.spend.as_f64(), days));
        set(MetricId::OwnerRevenue, ratio(revenue, node_days));
        set(MetricId::OwnerPowerCost, ratio(power.cost, node_days));
        set(
            MetricId::OwnerMargin,
            ratio(revenue - power.cost, node_days),
        );
        set(
            MetricId::OwnersInProfit,
            ratio(in_profit as f64, present().count() as f64),
        );
        set(MetricId::OwnerGini, gini);
        set(MetricId::ProtocolFees, ratio(self.fees.as_f64(), days));
        set(MetricId::Slashed, ratio(self.slashed.as_f64(), days));
        Metrics(values)
    }
}

/// Electricity of the measured window.
struct Power {
    total_kwh: f64,
    active_kwh: f64,
    cost: f64,
    owners: Vec<OwnerPower>,
}

#[derive(Clone, Copy, Default)]
struct OwnerPower {
    /// Time up [s].
    up: f64,
    /// Electricity [USD].
    cost: f64,
}

const JOULES_PER_KWH: f64 = 3.6e6;

impl Power {
    fn of(platform: &Platform, nodes: &[Node], registry: &[Registration], owners: usize) -> Self {
        let mut power = Self {
            total_kwh: 0.0,
            active_kwh: 0.0,
            cost: 0.0,
            owners: vec![OwnerPower::default(); owners],
        };
        for (node, registration) in nodes.iter().zip(registry) {
            let profile = &platform.profiles[node.profile.index()];
            let up = registration.up.total().as_secs_f64();
            let busy = node.busy.total().as_secs_f64();
            let active = (profile.active_power() - profile.idle_power()) * busy / JOULES_PER_KWH;
            let total = profile.idle_power() * up / JOULES_PER_KWH + active;
            let cost = total * platform.network.regions()[registration.region.index()].electricity;
            power.total_kwh += total;
            power.active_kwh += active;
            power.cost += cost;
            power.owners[node.owner.index()].up += up;
            power.owners[node.owner.index()].cost += cost;
        }
        power
    }
}

/// Gini coefficient of sorted values, `2·Σ i·xᵢ / (n·Σ xᵢ) − (n + 1)/n` (no small-sample correction); `None` if all are zero.
fn gini(sorted: &[f64]) -> Option<f64> {
    let n = sorted.len() as f64;
    let total: f64 = sorted.iter().sum();
    let weighted: f64 = sorted
        .iter()
        .enumerate()
        .map(|(i, x)| (i + 1) as f64 * x)
        .sum();
    (total > 0.0).then(|| (2.0 * weighted / (n * total) - (n + 1.0) / n).max(0.0))
}

/// Share of the sum that the poorest `i` percent hold, for `i` from 0 to 100, linear between owners.
fn lorenz(sorted: &[f64]) -> Vec<f64> {
    let total: f64 = sorted.iter().sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let mut cumulative = Vec::with_capacity(sorted.len() + 1);
    cumulative.push(0.0);
    for x in sorted {
        cumulative.push(cumulative.last().expect("not empty") + x);
    }
    let at = |percent: u32| {
        let position = f64::from(percent) / 100.0 * sorted.len() as f64;
        let below = (position.floor() as usize).min(sorted.len());
        let above = (below + 1).min(sorted.len());
        let share =
            cumulative[below] + (cumulative[above] - cumulative[below]) * (position - below as f64);
        share / total
    };
    (0..=100).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Equal incomes have 0; one of n owning all has (n − 1)/n; {1, 2, 3, 4} has 0.25 (textbook values).
    #[test]
    fn gini_has_the_textbook_values() {
        assert!((gini(&[1.0, 1.0, 1.0]).unwrap()).abs() < 1e-12);
        assert!((gini(&[0.0, 0.0, 0.0, 5.0]).unwrap() - 0.75).abs() < 1e-12);
        assert!((gini(&[1.0, 2.0, 3.0, 4.0]).unwrap() - 0.25).abs() < 1e-12);
        assert_eq!(gini(&[0.0, 0.0]), None);
    }

    #[test]
    fn lorenz_ends_at_one_and_matches_gini() {
        let curve = lorenz(&[1.0, 2.0, 3.0, 4.0]);
        assert!(
            (curve[25] - 0.1).abs() < 1e-12
                && (curve[50] - 0.3).abs() < 1e-12
                && (curve[100] - 1.0).abs() < 1e-12
        );
        let area: f64 = curve
            .windows(2)
            .map(|pair| f64::midpoint(pair[0], pair[1]) / 100.0)
            .sum();
        assert!((1.0 - 2.0 * area - 0.25).abs() < 1e-9);
    }
}
