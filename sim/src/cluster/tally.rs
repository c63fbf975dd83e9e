//! What is measured of a cluster: levels over time, what became of jobs, and the figures that follow.

use walras_des::{LogHistogram, SimTime, Span};

use crate::cluster::TaskId;
use crate::cluster::job::Demand;
use crate::cluster::node::Share;
use crate::cluster::observer::{Observer, Stop};
use crate::cluster::policy::fgd::Mix;
use crate::cluster::store::Figures;
use crate::cluster::view::View;
use crate::cluster::world::Outcome;
use crate::ids::{JobId, NodeId};
use crate::record::{BatchRow, Counts, Latencies, Latency, MetricId, Metrics, Output, Sample};
use crate::sections::{SectionedLevel, Sections, seconds};
use crate::sums::{Ratio, SECTIONS, SumId, Sums};
use crate::world::Settings;

/// Levels that are integrated over time.
#[derive(Clone, Copy)]
enum Of {
    NodesUp,
    NodesBusy,
    /// [thousandths of a core]
    CoresUp,
    /// [10⁻⁹ cores], as shares of a core need not be whole thousandths
    CoresUsed,
    /// [thousandths of a GPU]
    GpusUp,
    GpusUsed,
    GpusUseless,
    /// [10⁻⁹ workers]
    Workers,
    /// [10⁻⁶ USD/h]
    Price,
}

const LEVELS: usize = 9;

/// Sums that are counted as jobs and tasks come by.
#[derive(Clone)]
struct Section {
    sums: Sums,
    response: LogHistogram,
    wait: LogHistogram,
    slowdown: LogHistogram,
}

/// Measures a run of a cluster.
pub struct Tally {
    settings: Settings,
    sections: Sections,
    levels: [SectionedLevel; LEVELS],
    by_section: Vec<Section>,
    /// Workers on each node.
    workers: Vec<u32>,
    /// What of each node's free GPUs the mix could not use, as it entered the level.
    useless: Vec<i64>,
    is_up: Vec<bool>,
    mix: Mix,
    samples: Vec<Sample>,
    next_sample: SimTime,
    /// Since the last sample.
    since: Sample,
    nodes_up: u32,
    nodes_busy: u32,
    live: u32,
    /// By user: bounded slowdowns and how many.
    users: Vec<(f64, u64)>,
    first: Option<SimTime>,
    last: SimTime,
    counts: Counts,
}

impl Tally {
    /// Measures fragmentation as a workload of this mix sees it.
    #[must_use]
    pub fn new(settings: &Settings, mix: Mix) -> Self {
        let sections = Sections::of(settings.horizon - settings.warm_up);
        let section = Section {
            sums: Sums::ZERO,
            response: LogHistogram::new(),
            wait: LogHistogram::new(),
            slowdown: LogHistogram::new(),
        };
        Self {
            settings: *settings,
            sections,
            levels: std::array::from_fn(|_| SectionedLevel::new(sections)),
            by_section: vec![section; SECTIONS],
            workers: Vec::new(),
            useless: Vec::new(),
            is_up: Vec::new(),
            mix,
            samples: Vec::new(),
            next_sample: SimTime::ZERO + settings.sample_every,
            since: Sample::default(),
            nodes_up: 0,
            nodes_busy: 0,
            live: 0,
            users: Vec::new(),
            first: None,
            last: SimTime::ZERO,
            counts: Counts::default(),
        }
    }

    /// Time within what is measured, from its start.
    fn measured(&self, at: SimTime) -> Span {
        let end = self.settings.horizon - self.settings.warm_up;
        let from = SimTime::ZERO + self.settings.warm_up;
        if at <= from {
            Span::ZERO
        } else {
            (at - from).min(end)
        }
    }

    fn change(&mut self, of: Of, at: SimTime, delta: i64) {
        if delta != 0 {
            let now = self.measured(at);
            self.levels[of as usize].change(now, delta);
        }
    }

    /// The section to which a job belongs; `None` if it is not measured.
    fn section(&mut self, submitted: SimTime) -> Option<&mut Section> {
        let measured = self.settings.warm_up..=self.settings.horizon;
        if !measured.contains(&(submitted - SimTime::ZERO)) {
            return None;
        }
        let index = self.sections.at(self.measured(submitted));
        Some(&mut self.by_section[index])
    }

    fn count(&mut self, submitted: SimTime, id: SumId, amount: f64) {
        if let Some(section) = self.section(submitted) {
            section.sums.set(id, section.sums.get(id) + amount);
        }
    }

    /// Samples of the time since the last event, during which nothing has changed.
    fn sample(&mut self, view: &View<'_>) {
        let end = SimTime::ZERO + self.settings.horizon;
        while self.next_sample <= end && self.next_sample < view.now() {
            self.samples.push(Sample {
                at: self.next_sample,
                nodes_up: self.nodes_up,
                nodes_busy: self.nodes_busy,
                jobs_live: self.live,
                jobs_waiting: u32::try_from(view.waiting_len()).unwrap_or(u32::MAX),
                ..std::mem::take(&mut self.since)
            });
            self.next_sample += self.settings.sample_every;
        }
    }

    fn node_turned(&mut self, view: &View<'_>, node: NodeId) {
        let (card, kind, now) = (view.node(node), view.kind(node), view.now());
        if self.is_up[node.index()] == card.is_up {
            return;
        }
        self.is_up[node.index()] = card.is_up;
        let sign = if card.is_up { 1 } else { -1 };
        self.nodes_up = self.nodes_up.wrapping_add_signed(sign);
        let sign = i64::from(sign);
        self.change(Of::NodesUp, now, sign);
        self.change(Of::CoresUp, now, sign * i64::from(kind.cpu));
        self.change(Of::GpusUp, now, sign * i64::from(kind.gpus) * 1000);
        let price = (kind.usd_per_hour * 1e6).round() as i64;
        self.change(Of::Price, now, sign * price);
        self.fragment(view, node);
    }

    fn fragment(&mut self, view: &View<'_>, node: NodeId) {
        let (card, kind) = (view.node(node), view.kind(node));
        if kind.gpus == 0 {
            return;
        }
        let useless = if card.is_up {
            self.mix.fragment(&card.free, kind.labels).round() as i64
        } else {
            0
        };
        let before = std::mem::replace(&mut self.useless[node.index()], useless);
        self.change(Of::GpusUseless, view.now(), useless - before);
    }

    /// Workers of a task came to these nodes (`sign` 1) or left them (-1).
    fn moved(&mut self, view: &View<'_>, task: TaskId, placed: &[(NodeId, u16)], sign: i64) {
        let card = view.task(task);
        let (now, share) = (view.now(), card.share);
        let workers = count(placed.len()) * sign;
        self.change(Of::CoresUsed, now, workers * cores(&card.demand, share));
        self.change(Of::GpusUsed, now, workers * i64::from(card.demand.gpu()));
        self.change(Of::Workers, now, workers * billionths(1000, share));
        for &(node, _) in placed {
            let held = &mut self.workers[node.index()];
            let was_busy = *held > 0;
            *held = held.wrapping_add_signed(sign as i32);
            let is_busy = *held > 0;
            if was_busy != is_busy {
                self.nodes_busy = self.nodes_busy.wrapping_add_signed(sign as i32);
                self.change(Of::NodesBusy, now, sign);
            }
        }
        for (index, &(node, _)) in placed.iter().enumerate() {
            if index == 0 || placed[index - 1].0 != node {
                self.fragment(view, node);
            }
        }
    }

    /// The figures of a run that ended as `outcome` says.
    #[must_use]
    pub fn output(mut self, outcome: Outcome, keeps_jobs: bool) -> Output {
        let mut latencies = Latencies::default();
        for section in &self.by_section {
            latencies[Latency::Response].merge(&section.response);
            latencies[Latency::Wait].merge(&section.wait);
            latencies[Latency::Slowdown].merge(&section.slowdown);
        }
        let end = self.measured(self.last.max(SimTime::ZERO + self.settings.warm_up));
        let mut total = Sums::ZERO;
        let mut sections: Vec<Sums> = Vec::with_capacity(SECTIONS);
        for index in 0..SECTIONS {
            let mut sums = self.by_section[index].sums;
            let level = |of: Of| seconds(self.levels[of as usize].in_section(index));
            let fine = |of: Of| {
                let parts = self.levels[of as usize].in_section(index);
                let millions = seconds(parts / MILLION) + seconds(parts % MILLION) / MILLION as f64;
                millions / 1e3
            };
            let length = |at: Span| at.min(end).as_secs_f64();
            let (from, to) = (self.sections.start(index), self.sections.end(index));
            sums.set(SumId::Time, length(to) - length(from));
            sums.set(SumId::Up, level(Of::NodesUp));
            sums.set(SumId::Busy, level(Of::NodesBusy));
            sums.set(SumId::CoresUp, level(Of::CoresUp) / 1e3);
            sums.set(SumId::CoresUsed, fine(Of::CoresUsed));
            sums.set(SumId::GpusUp, level(Of::GpusUp) / 1e3);
            sums.set(SumId::GpusUsed, level(Of::GpusUsed) / 1e3);
            sums.set(SumId::GpusUseless, level(Of::GpusUseless) / 1e3);
            sums.set(SumId::WorkerTime, fine(Of::Workers));
            sums.set(SumId::Spend, level(Of::Price) / 3.6e9);
            for id in SumId::ALL {
                total.set(*id, total.get(*id) + sums.get(*id));
            }
            sections.push(sums);
        }
        let mut metrics = Metrics([None; MetricId::COUNT]);
        for id in MetricId::all() {
            metrics.0[id as usize] = self.figure(id, &total, &latencies, &outcome);
        }
        for (sums, section) in sections.iter_mut().zip(&self.by_section) {
            let mut below = |id: SumId, histogram: &LogHistogram, quantile: MetricId| {
                let value = metrics.get(quantile);
                let count = value.map_or(0, |value| histogram.count_to(value));
                sums.set(id, count as f64);
            };
            below(SumId::ResponseP50, &section.response, MetricId::ResponseP50);
            below(SumId::ResponseP95, &section.response, MetricId::ResponseP95);
            below(SumId::ResponseP99, &section.response, MetricId::ResponseP99);
            below(SumId::WaitP95, &section.wait, MetricId::WaitP95);
            below(SumId::SlowdownP95, &section.slowdown, MetricId::SlowdownP95);
        }
        self.counts.live = outcome.live;
        self.counts.refused_orders = outcome.refused;
        Output {
            digest: outcome.digest,
            events: outcome.events,
            counts: self.counts,
            metrics,
            latencies,
            sections,
            samples: self.samples,
            lorenz: Vec::new(),
            jobs: Vec::new(),
            batch_jobs: if keeps_jobs { outcome.jobs } else { Vec::new() },
            refusals: Vec::new(),
            batch_refusals: outcome.refusals.iter().map(ToString::to_string).collect(),
            series: crate::series::Series::default(),
        }
    }

    fn figure(
        &self,
        id: MetricId,
        total: &Sums,
        latencies: &Latencies,
        outcome: &Outcome,
    ) -> Option<f64> {
        use MetricId as M;
        if let Some((latency, p)) = id.quantile() {
            let histogram = &latencies[latency];
            return (histogram.count() > 0).then(|| histogram.quantile(p));
        }
        match id {
            M::Makespan => {
                let is_over = outcome.live == 0 && !outcome.jobs.is_empty();
                let first = self.first.filter(|_| is_over)?;
                Some((outcome.makespan - first).as_secs_f64())
            }
            M::UserFairness => self.fairness(),
            M::ReadsLocal
            | M::DataMoved
            | M::EgressCost
            | M::ObjectsAvailable
            | M::ObjectsLost
            | M::RepairTraffic => {
                let time = (self.last - SimTime::ZERO).as_secs_f64();
                of_data(id, &outcome.data, time)
            }
            M::ResponseMean
            | M::WaitMean
            | M::SlowdownMean
            | M::CoreUtilization
            | M::GpuUtilization
            | M::GpuFragmentation
            | M::DeadlinesMet
            | M::LostWork
            | M::Preemptions
            | M::JobsCompleted
            | M::JobsRejected
            | M::Interruptions
            | M::Utilization
            | M::NodesAvailable => total.ratio(id).and_then(Ratio::value),
            // A cluster that nobody prices costs nothing that could be told.
            M::JobCost | M::Spend if total.get(SumId::Spend) > 0.0 => {
                total.ratio(id).and_then(Ratio::value)
            }
            _ => None,
        }
    }

    /// Jain's index of the users' mean slowdowns.
    fn fairness(&self) -> Option<f64> {
        let means = self.users.iter().filter(|(_, count)| *count > 0);
        let means: Vec<f64> = means.map(|(sum, count)| sum / *count as f64).collect();
        if means.len() < 2 {
            return None;
        }
        let sum: f64 = means.iter().sum();
        let squares: f64 = means.iter().map(|mean| mean * mean).sum();
        Some(sum * sum / (means.len() as f64 * squares))
    }
}

/// Figures of what was stored and moved in so much time [s].
fn of_data(id: MetricId, data: &Figures, time: f64) -> Option<f64> {
    use MetricId as M;
    let per_day = |bytes: u64| (time > 0.0).then(|| bytes as f64 / 1e9 / (time / 86_400.0));
    let is_stored = data.objects > 0;
    let reads = data.reads_local + data.reads_remote + data.reads_outside;
    match id {
        M::ReadsLocal => (reads > 0).then(|| data.reads_local as f64 / reads as f64),
        M::DataMoved if data.moved > 0 => per_day(data.moved),
        M::EgressCost if data.egress > 0.0 => (time > 0.0).then(|| data.egress / (time / 86_400.0)),
        M::ObjectsAvailable => is_stored.then_some(data.available),
        M::ObjectsLost => is_stored.then(|| data.lost.len() as f64 / data.objects as f64),
        M::RepairTraffic if is_stored => per_day(data.repaired),
        _ => None,
    }
}

fn count(workers: usize) -> i64 {
    i64::try_from(workers).expect("a task has fewer workers than that")
}

/// What a worker takes of the cores at this share [10⁻⁹ cores].
fn cores(demand: &Demand, share: Share) -> i64 {
    billionths(demand.cpu, share)
}

/// So much of so many thousandths.
fn billionths(thousandths: u32, share: Share) -> i64 {
    share
        .of_many(u64::from(thousandths) * MILLION as u64)
        .cast_signed()
}

const MILLION: i128 = 1_000_000;

impl Observer for Tally {
    fn begun(&mut self, view: &View<'_>) {
        let nodes = view.nodes().len();
        self.workers = vec![0; nodes];
        self.useless = vec![0; nodes];
        self.is_up = vec![false; nodes];
        for index in 0..nodes {
            self.node_turned(view, NodeId::new(index));
        }
    }

    fn elapsed(&mut self, view: &View<'_>) {
        self.sample(view);
    }

    fn submitted(&mut self, view: &View<'_>, job: JobId) {
        let card = view.job(job);
        self.first.get_or_insert(card.submitted);
        self.live += 1;
        self.since.submitted += 1;
        self.last = self.last.max(view.now());
        self.count(card.submitted, SumId::Submitted, 1.0);
        if self.section(card.submitted).is_some() {
            self.counts.submitted += 1;
        }
        if card.deadline.is_some() {
            self.count(card.submitted, SumId::Deadlines, 1.0);
        }
    }

    fn started(&mut self, view: &View<'_>, task: TaskId) {
        let placed = view.task(task).placed.clone();
        self.moved(view, task, &placed, 1);
    }

    fn reshared(&mut self, view: &View<'_>, task: TaskId, from: Share) {
        let card = view.task(task);
        let workers = count(card.placed.len());
        let (to, now) = (card.share, view.now());
        let cores = cores(&card.demand, to) - cores(&card.demand, from);
        self.change(Of::CoresUsed, now, workers * cores);
        let shares = billionths(1000, to) - billionths(1000, from);
        self.change(Of::Workers, now, workers * shares);
    }

    fn stopped(&mut self, view: &View<'_>, task: TaskId, placed: &[(NodeId, u16)], why: Stop) {
        self.moved(view, task, placed, -1);
        let submitted = view.job(view.task(task).job).submitted;
        match why {
            Stop::Ended | Stop::Moved => {}
            Stop::Preempted => self.count(submitted, SumId::Preemptions, 1.0),
            Stop::Lost(work) => {
                self.since.lost += 1;
                self.count(submitted, SumId::Losses, 1.0);
                // Like the worker time that it is a part of: when it happens, whenever the job came.
                self.count(view.now(), SumId::LostWork, work);
            }
        }
    }

    fn turned(&mut self, view: &View<'_>, node: NodeId) {
        self.node_turned(view, node);
    }

    fn ended(&mut self, view: &View<'_>, _: JobId, row: &BatchRow) {
        self.live -= 1;
        self.since.completed += 1;
        let in_time = row.is_in_time();
        self.since.within_slo += u32::from(in_time.unwrap_or(true));
        self.last = self.last.max(view.now());
        let Some(section) = self.section(row.submitted) else {
            return;
        };
        let (response, wait, slowdown) = (row.response(), row.wait(), row.bounded_slowdown());
        section.response.record(response);
        section.wait.record(wait);
        section.slowdown.record(slowdown);
        let met = f64::from(u8::from(in_time == Some(true)));
        for (id, amount) in [
            (SumId::Completed, 1.0),
            (SumId::Response, response),
            (SumId::Wait, wait),
            (SumId::Slowdown, slowdown),
            (SumId::DeadlinesMet, met),
        ] {
            section.sums.set(id, section.sums.get(id) + amount);
        }
        self.counts.completed += 1;
        let user = row.user as usize;
        if self.users.len() <= user {
            self.users.resize(user + 1, (0.0, 0));
        }
        self.users[user].0 += slowdown;
        self.users[user].1 += 1;
    }

    fn rejected(&mut self, view: &View<'_>, job: JobId) {
        self.live -= 1;
        let submitted = view.job(job).submitted;
        self.count(submitted, SumId::Rejected, 1.0);
        if self.section(submitted).is_some() {
            self.counts.rejected += 1;
        }
    }

    fn finished(&mut self, view: &View<'_>) {
        // Levels end with the run: an empty cluster that nobody waits for is not measured.
        let end = self.measured(view.now());
        let whole = self.settings.horizon - self.settings.warm_up;
        self.last = view.now();
        for level in &mut self.levels {
            let value = level.value();
            level.change(end, -value);
            level.change(whole, 0);
        }
    }
}
