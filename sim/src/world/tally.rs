//! Measurement: counts, integrals over time and distributions of one run, within the measured window.

use walras_des::{Digest, LogHistogram, SimTime, Span, prefetch};

use super::Settings;
use super::nodes::{Node, Registration};
use crate::ids::{NodeId, OwnerId};
use crate::invariants;
use crate::platform::Platform;
use crate::record::{
    self, Counts, Fate, JobRow, Latencies, Latency, MetricId, Metrics, Output, Sample,
};
use crate::sections::{Level, SectionedLevel, Sections, seconds};
use crate::settlement::Payout;
use crate::sums::{Ratio, SECTIONS, SumId, Sums};
use crate::units::Amount;
use crate::workload::Slo;

/// Counts of one section, or of the whole.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    submitted: u64,
    completed: u64,
    failed: u64,
    rejected: u64,
    retried: u64,
    within_slo: u64,
    losses: u64,
    output_tokens: u64,
    wasted_tokens: u64,
    spend: Amount,
    paid: Amount,
    fees: Amount,
    slashed: Amount,
}

/// What became of the requests of one section.
#[derive(Clone, Debug, Default)]
struct Section {
    counted: Counted,
    ttft: LogHistogram,
    tpot: LogHistogram,
}

/// Nodes that draw the same power at the same price.
#[derive(Debug)]
struct Kind {
    /// [W]
    idle: f64,
    active: f64,
    /// [USD/kWh]
    price: f64,
    up: SectionedLevel,
    busy: SectionedLevel,
}

/// All measurements of a run.
#[derive(Debug)]
pub(super) struct Tally {
    from: SimTime,
    to: SimTime,
    sections: Sections,
    /// Requests are counted in the section in which they were sent.
    by_section: Box<[Section; SECTIONS]>,
    kinds: Vec<Kind>,
    /// The kind of each node.
    kind_of: Vec<u16>,
    starting: SectionedLevel,
    batch: SectionedLevel,
    /// Rent per hour of what is rented [10⁻⁹ USD]: tells how the rent, billed from time to time, accrued.
    renting: SectionedLevel,
    rent: Counted,
    /// Requests being served, measured or not, and their integral up to the last change of price [request·ns].
    in_service: Level,
    served_at_repricing: i128,
    payments: Vec<Amount>,
    forfeits: Vec<Amount>,
    since_sample: Sample,
    spend_since_sample: Amount,
    samples: Vec<Sample>,
}

impl Counted {
    fn add(&mut self, other: &Self) {
        self.submitted += other.submitted;
        self.completed += other.completed;
        self.failed += other.failed;
        self.rejected += other.rejected;
        self.retried += other.retried;
        self.within_slo += other.within_slo;
        self.losses += other.losses;
        self.output_tokens += other.output_tokens;
        self.wasted_tokens += other.wasted_tokens;
        self.spend += other.spend;
        self.paid += other.paid;
        self.fees += other.fees;
        self.slashed += other.slashed;
    }

    fn pay(&mut self, price: Amount, payout: Payout) {
        self.spend += price;
        self.fees += payout.protocol;
        self.paid += payout.owner;
    }

    fn fill(&self, sums: &mut Sums) {
        sums.set(SumId::Submitted, self.submitted as f64);
        sums.set(SumId::Completed, self.completed as f64);
        sums.set(SumId::Failed, self.failed as f64);
        sums.set(SumId::Rejected, self.rejected as f64);
        sums.set(SumId::Retried, self.retried as f64);
        sums.set(SumId::WithinSlo, self.within_slo as f64);
        sums.set(SumId::Losses, self.losses as f64);
        sums.set(SumId::OutputTokens, self.output_tokens as f64);
        sums.set(SumId::WastedTokens, self.wasted_tokens as f64);
        sums.set(SumId::Spend, self.spend.as_f64());
        sums.set(SumId::Revenue, (self.paid - self.slashed).as_f64());
        sums.set(SumId::Fees, self.fees.as_f64());
        sums.set(SumId::Slashed, self.slashed.as_f64());
    }
}

impl Tally {
    pub(super) fn new(
        settings: &Settings,
        owners: usize,
        platform: &Platform,
        nodes: &[Node],
        registry: &[Registration],
    ) -> Self {
        let sections = Sections::of(settings.horizon - settings.warm_up);
        let level = || SectionedLevel::new(sections);
        let (kinds, kind_of) = kinds(platform, nodes, registry, sections);
        Self {
            from: SimTime::ZERO + settings.warm_up,
            to: SimTime::ZERO + settings.horizon,
            sections,
            by_section: Box::new(std::array::from_fn(|_| Section::default())),
            kinds,
            kind_of,
            starting: level(),
            batch: level(),
            renting: level(),
            rent: Counted::default(),
            in_service: Level::default(),
            served_at_repricing: 0,
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

    /// The section of a request sent at this time, if it is measured.
    #[inline]
    fn section(&mut self, submitted: SimTime) -> Option<&mut Section> {
        (submitted >= self.from)
            .then(|| &mut self.by_section[self.sections.at(submitted - self.from)])
    }

    pub(super) fn busy(&mut self, now: SimTime, node: NodeId, delta: i64) {
        let kind = usize::from(self.kind_of[node.index()]);
        let now = self.measured_time(now);
        self.kinds[kind].busy.change(now, delta);
    }

    /// Asks for what is kept of a node.
    #[inline]
    pub(super) fn ask_for_node(&self, node: NodeId) {
        prefetch(&self.kind_of[node.index()]);
    }

    /// Asks for what is kept of an owner.
    #[inline]
    pub(super) fn ask_for_owner(&self, owner: OwnerId) {
        prefetch(&self.payments[owner.index()]);
    }

    pub(super) fn up(&mut self, now: SimTime, node: NodeId, delta: i64) {
        let kind = usize::from(self.kind_of[node.index()]);
        let now = self.measured_time(now);
        self.kinds[kind].up.change(now, delta);
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

    /// The rent per hour of all that is rented changes.
    pub(super) fn rents(&mut self, now: SimTime, per_hour: Amount, is_rented: bool) {
        let nano = i64::try_from(per_hour.0 / (Amount::SCALE / 1_000_000_000));
        let nano = nano.expect("an hour costs less than a billion dollars");
        let delta = if is_rented { nano } else { -nano };
        self.renting.change(self.measured_time(now), delta);
    }

    /// Nodes up, nodes at work and requests being served at present.
    pub(super) fn levels(&self) -> (i64, i64, i64) {
        let up = self.kinds.iter().map(|kind| kind.up.value()).sum();
        let busy = self.kinds.iter().map(|kind| kind.busy.value()).sum();
        (up, busy, self.in_service.value)
    }

    pub(super) fn running(&mut self, now: SimTime, delta: i64) {
        self.in_service.change(now - SimTime::ZERO, delta);
    }

    /// Request time served since this was last asked [request·s].
    pub(super) fn served_since_repriced(&mut self, now: SimTime) -> f64 {
        self.running(now, 0);
        let total = self.in_service.integral;
        seconds(total - std::mem::replace(&mut self.served_at_repricing, total))
    }

    pub(super) fn submitted(&mut self, at: SimTime) {
        self.since_sample.submitted += 1;
        if let Some(section) = self.section(at) {
            section.counted.submitted += 1;
        }
    }

    pub(super) fn lost(&mut self, submitted: SimTime) {
        self.since_sample.lost += 1;
        if let Some(section) = self.section(submitted) {
            section.counted.losses += 1;
        }
    }

    pub(super) fn ended(&mut self, row: &JobRow, slo: Slo) {
        let within = slo.is_met(row.ttft, row.tpot);
        if row.fate == Fate::Completed {
            self.since_sample.completed += 1;
            self.since_sample.within_slo += u32::from(within);
            self.since_sample.output_tokens += u64::from(row.output_tokens);
        }
        let Some(section) = self.section(row.submitted) else {
            return;
        };
        let counted = &mut section.counted;
        match row.fate {
            Fate::Completed => {
                counted.completed += 1;
                counted.within_slo += u64::from(within);
                counted.retried += u64::from(row.attempts > 1);
                counted.output_tokens += u64::from(row.output_tokens);
                if let Some(ttft) = row.ttft {
                    section.ttft.record(ttft);
                }
                if let Some(tpot) = row.tpot {
                    section.tpot.record(tpot);
                }
            }
            Fate::Failed => counted.failed += 1,
            Fate::Rejected => counted.rejected += 1,
        }
    }

    /// A delivered request was paid.
    pub(super) fn paid(
        &mut self,
        submitted: SimTime,
        price: Amount,
        payout: Payout,
        owner: OwnerId,
    ) {
        self.spend_since_sample += price;
        if let Some(section) = self.section(submitted) {
            section.counted.pay(price, payout);
            self.payments[owner.index()] += payout.owner;
        }
    }

    /// The rent from `since` on was billed.
    pub(super) fn rent(&mut self, since: SimTime, payout: Payout, owner: OwnerId) {
        let price = payout.owner + payout.protocol;
        self.spend_since_sample += price;
        if since >= self.from {
            self.rent.pay(price, payout);
            self.payments[owner.index()] += payout.owner;
        }
    }

    pub(super) fn fault(&mut self, at: SimTime, owner: OwnerId, forfeited: Amount, tokens: u64) {
        if at > self.to {
            return;
        }
        if let Some(section) = self.section(at) {
            section.counted.slashed += forfeited;
            section.counted.wasted_tokens += tokens;
            self.forfeits[owner.index()] += forfeited;
        }
    }

    /// Completes `state` with the present levels and what happened since the last sample.
    pub(super) fn sample(&mut self, now: SimTime, state: Sample) {
        let count = |level: i64| u32::try_from(level).expect("a count of nodes is not negative");
        let (up, busy, _) = self.levels();
        let since = std::mem::take(&mut self.since_sample);
        self.samples.push(Sample {
            at: now,
            nodes_up: count(up),
            nodes_busy: count(busy),
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
        let end = self.measured_time(self.to);
        let of_kinds = self
            .kinds
            .iter_mut()
            .flat_map(|kind| [&mut kind.up, &mut kind.busy]);
        let others = [&mut self.starting, &mut self.batch, &mut self.renting];
        for level in of_kinds.chain(others) {
            level.change(end, 0);
        }
        let power = Power::of(platform, nodes, registry, self.payments.len());
        let mut latencies = Latencies::default();
        latencies[Latency::Ttft] = merged(self.by_section.iter().map(|section| &section.ttft));
        latencies[Latency::Tpot] = merged(self.by_section.iter().map(|section| &section.tpot));
        let mut metrics = self.metrics(&power);
        for id in MetricId::all() {
            if let Some((latency, p)) = id.quantile() {
                let histogram = &latencies[latency];
                metrics.0[id as usize] = (histogram.count() > 0).then(|| histogram.quantile(p));
            }
        }
        let sections = self.sums(&metrics, &power);
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
            latencies,
            sections,
            samples: self.samples,
            lorenz,
            jobs,
            batch_jobs: Vec::new(),
            refusals: Vec::new(),
            batch_refusals: Vec::new(),
            series: crate::series::Series::default(),
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

    /// All figures but the quantiles.
    fn metrics(&self, power: &Power) -> Metrics {
        let mut counted = self.rent;
        for section in self.by_section.iter() {
            counted.add(&section.counted);
        }
        let mut sums = Sums::ZERO;
        counted.fill(&mut sums);
        let of_kinds = |level: fn(&Kind) -> &SectionedLevel| {
            let integrals = self.kinds.iter().map(|kind| level(kind).integral());
            seconds(integrals.sum())
        };
        sums.set(SumId::Time, (self.to - self.from).as_secs_f64());
        sums.set(SumId::Up, of_kinds(|kind| &kind.up));
        sums.set(SumId::Busy, of_kinds(|kind| &kind.busy));
        sums.set(SumId::Starting, self.starting.seconds());
        sums.set(SumId::Batch, self.batch.seconds());
        sums.set(SumId::Energy, power.total_kwh);
        sums.set(SumId::ActiveEnergy, power.active_kwh);
        sums.set(SumId::PowerCost, power.cost);
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
        let present = present().count();
        let mut values = [None; MetricId::COUNT];
        let of_requests = MetricId::all().filter(|id| id.kind() == record::Kind::Requests);
        for id in of_requests.filter(|id| id.quantile().is_none()) {
            values[id as usize] = match id {
                MetricId::OwnersInProfit => {
                    (present > 0).then(|| in_profit as f64 / present as f64)
                }
                MetricId::OwnerGini if self.payments.len() > 1 => gini(&self.earnings(power)),
                _ => sums.ratio(id).and_then(Ratio::value),
            };
        }
        Metrics(values)
    }

    /// What added up in each section.
    fn sums(&self, metrics: &Metrics, power: &Power) -> Vec<Sums> {
        let rented = self.renting.integral() as f64;
        let section = |index: usize| {
            let mut sums = Sums::ZERO;
            self.by_section[index].counted.fill(&mut sums);
            let mut add = |id: SumId, value: f64| sums.set(id, sums.get(id) + value);
            add(SumId::Time, self.sections.seconds(index));
            add(SumId::Starting, seconds(self.starting.in_section(index)));
            add(SumId::Batch, seconds(self.batch.in_section(index)));
            if rented > 0.0 {
                let share = self.renting.in_section(index) as f64 / rented;
                add(SumId::Spend, self.rent.spend.as_f64() * share);
                add(SumId::Revenue, self.rent.paid.as_f64() * share);
                add(SumId::Fees, self.rent.fees.as_f64() * share);
            }
            for kind in &self.kinds {
                let [up, busy] =
                    [&kind.up, &kind.busy].map(|level| seconds(level.in_section(index)));
                let active = (kind.active - kind.idle) * busy / JOULES_PER_KWH;
                let total = kind.idle * up / JOULES_PER_KWH + active;
                add(SumId::Up, up);
                add(SumId::Busy, busy);
                add(SumId::Energy, total);
                add(SumId::ActiveEnergy, active);
                add(SumId::PowerCost, total * kind.price);
            }
            let Section { ttft, tpot, .. } = &self.by_section[index];
            let mut below = |id: SumId, latency: &LogHistogram, quantile: MetricId| {
                let value = metrics.get(quantile);
                add(
                    id,
                    value.map_or(0.0, |value| latency.count_to(value) as f64),
                );
            };
            below(SumId::TtftP50, ttft, MetricId::TtftP50);
            below(SumId::TtftP95, ttft, MetricId::TtftP95);
            below(SumId::TtftP99, ttft, MetricId::TtftP99);
            below(SumId::TpotP50, tpot, MetricId::TpotP50);
            below(SumId::TpotP95, tpot, MetricId::TpotP95);
            below(SumId::TpotP99, tpot, MetricId::TpotP99);
            add(SumId::Ttft, ttft.count() as f64);
            add(SumId::Tpot, tpot.count() as f64);
            sums
        };
        let sections: Vec<Sums> = (0..SECTIONS).map(section).collect();
        invariants::sections(&sections, SumId::Energy, power.total_kwh);
        invariants::sections(&sections, SumId::PowerCost, power.cost);
        sections
    }
}

/// All histograms in one.
fn merged<'a>(sections: impl Iterator<Item = &'a LogHistogram>) -> LogHistogram {
    let mut whole = LogHistogram::new();
    sections.for_each(|section| whole.merge(section));
    whole
}

/// The kinds of nodes, in the order in which they first occur, and that of each node.
fn kinds(
    platform: &Platform,
    nodes: &[Node],
    registry: &[Registration],
    sections: Sections,
) -> (Vec<Kind>, Vec<u16>) {
    let mut found = Vec::new();
    let kind_of = nodes.iter().zip(registry).map(|(node, registration)| {
        let kind = (node.profile, registration.region);
        let index = found.iter().position(|other| *other == kind);
        let index = index.unwrap_or_else(|| {
            found.push(kind);
            found.len() - 1
        });
        u16::try_from(index).expect("few devices in few regions")
    });
    let kind_of = kind_of.collect();
    let kinds = found.iter().map(|(profile, region)| {
        let profile = &platform.profiles[profile.index()];
        Kind {
            idle: profile.idle_power(),
            active: profile.active_power(),
            price: platform.network.regions()[region.index()].electricity,
            up: SectionedLevel::new(sections),
            busy: SectionedLevel::new(sections),
        }
    });
    (kinds.collect(), kind_of)
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
