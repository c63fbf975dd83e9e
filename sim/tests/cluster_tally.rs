//! The measurement of a cluster against a bystander that writes everything down, and reckons afterwards by the definitions.

#[path = "common/random_cluster.rs"]
mod random_cluster;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use walras_des::{LogHistogram, Purpose, SimTime, Span, Streams};
use walras_sim::cluster::TaskId;
use walras_sim::cluster::job::{Demand, Job};
use walras_sim::cluster::node::{Kind, Share};
use walras_sim::cluster::observer::{Observer, Stop};
use walras_sim::cluster::policy::fgd::Mix;
use walras_sim::cluster::policy::{Cause, Order};
use walras_sim::cluster::site::Site;
use walras_sim::cluster::tally::Tally;
use walras_sim::cluster::view::{Stage, View};
use walras_sim::cluster::world::Estimates;
use walras_sim::ids::{JobId, NodeId};
use walras_sim::record::{BatchRow, Latency, MetricId, Output, Range, Sample};
use walras_sim::sums::{SECTIONS, SumId};
use walras_sim::world::Settings;

/// Two who look at the same run.
struct Both<A, B>(A, B);

impl<A: Observer, B: Observer> Observer for Both<A, B> {
    fn begun(&mut self, view: &View<'_>) {
        self.0.begun(view);
        self.1.begun(view);
    }
    fn elapsed(&mut self, view: &View<'_>) {
        self.0.elapsed(view);
        self.1.elapsed(view);
    }
    fn submitted(&mut self, view: &View<'_>, job: JobId) {
        self.0.submitted(view, job);
        self.1.submitted(view, job);
    }
    fn decided(&mut self, view: &View<'_>, cause: Cause, orders: &[Order]) {
        self.0.decided(view, cause, orders);
        self.1.decided(view, cause, orders);
    }
    fn started(&mut self, view: &View<'_>, task: TaskId) {
        self.0.started(view, task);
        self.1.started(view, task);
    }
    fn reshared(&mut self, view: &View<'_>, task: TaskId, from: Share) {
        self.0.reshared(view, task, from);
        self.1.reshared(view, task, from);
    }
    fn stopped(&mut self, view: &View<'_>, task: TaskId, placed: &[(NodeId, u16)], why: Stop) {
        self.0.stopped(view, task, placed, why);
        self.1.stopped(view, task, placed, why);
    }
    fn turned(&mut self, view: &View<'_>, node: NodeId) {
        self.0.turned(view, node);
        self.1.turned(view, node);
    }
    fn ended(&mut self, view: &View<'_>, job: JobId, row: &BatchRow) {
        self.0.ended(view, job, row);
        self.1.ended(view, job, row);
    }
    fn rejected(&mut self, view: &View<'_>, job: JobId) {
        self.0.rejected(view, job);
        self.1.rejected(view, job);
    }
    fn finished(&mut self, view: &View<'_>) {
        self.0.finished(view);
        self.1.finished(view);
    }
}

/// A part of a task's life during which nothing about it changes.
#[derive(Clone)]
struct Stay {
    demand: Demand,
    /// Of what it asks for.
    share: f64,
    /// The node of each worker.
    workers: Vec<NodeId>,
    from: SimTime,
    to: SimTime,
}

/// Something that happened to a job.
#[derive(Clone, Copy, PartialEq)]
enum What {
    Submitted,
    Started,
    Preempted,
    /// [worker time, s]
    Lost(f64),
    Ended,
    Rejected,
}

/// Writes down what happens, and understands nothing of it.
#[derive(Default)]
struct Bystander {
    /// When, the number of the job, and what.
    events: Vec<(SimTime, u64, What)>,
    running: BTreeMap<TaskId, Stay>,
    stays: Vec<Stay>,
    /// By node: since when it is up or down.
    turns: Vec<Vec<(SimTime, bool)>>,
    /// Tasks that could start and are bound to no node.
    waiting: BTreeSet<TaskId>,
    ended: BTreeSet<TaskId>,
    /// How many wait from then on.
    queue: Vec<(SimTime, usize)>,
    finished: SimTime,
    /// Demands of all tasks, for fragmentation.
    demands: Vec<Demand>,
    /// By node: what of its free GPUs a task drawn from these demands cannot use from then on, on average [thousandths of a GPU].
    useless: Vec<Vec<(SimTime, f64)>>,
}

impl Bystander {
    fn of(demands: Vec<Demand>) -> Self {
        Self {
            demands,
            ..Self::default()
        }
    }

    /// All of what is free if a task has no use for the node, and what lies on GPUs too full for it otherwise; for each demand, one by
    /// one.
    fn looked_at(&mut self, view: &View<'_>) {
        for (index, card) in view.nodes().iter().enumerate() {
            let labels = view.kind(NodeId::new(index)).labels;
            let gpus = card.free.gpus();
            let all: u32 = gpus.iter().map(|&gpu| u32::from(gpu)).sum();
            let mut sum = 0.0;
            for demand in &self.demands {
                let wide = gpus.iter().filter(|&&gpu| gpu >= demand.gpu_share).count();
                let is_of_use = demand.gpus > 0
                    && wide >= usize::from(demand.gpus)
                    && (demand.labels == 0 || demand.labels & labels != 0)
                    && demand.cpu <= card.free.cpu()
                    && demand.memory <= card.free.memory;
                let too_full = gpus.iter().filter(|&&gpu| gpu < demand.gpu_share);
                sum += if is_of_use {
                    too_full.map(|&gpu| f64::from(gpu)).sum()
                } else {
                    f64::from(all)
                };
            }
            let useless = if card.is_up {
                sum / self.demands.len() as f64
            } else {
                0.0
            };
            self.useless[index].push((view.now(), useless));
        }
    }

    fn begin_stay(&mut self, view: &View<'_>, task: TaskId, workers: Vec<NodeId>) {
        let card = view.task(task);
        let stay = Stay {
            demand: card.demand,
            share: fraction(card.share),
            workers,
            from: view.now(),
            to: view.now(),
        };
        assert!(self.running.insert(task, stay).is_none(), "it did not run");
    }

    fn end_stay(&mut self, view: &View<'_>, task: TaskId) -> Stay {
        let mut stay = self.running.remove(&task).expect("it ran");
        stay.to = view.now();
        self.stays.push(stay.clone());
        stay
    }

    fn queued(&mut self, view: &View<'_>) {
        self.queue.push((view.now(), self.waiting.len()));
    }

    /// Tasks of a job whose parents have all ended, and which have not been started.
    fn open(&mut self, view: &View<'_>, job: JobId) {
        let card = view.job(job);
        for position in 0..card.tasks {
            let task = view.task_of(job, position);
            let mut parents = view.task(task).parents.iter();
            let is_ready =
                parents.all(|&(parent, _)| self.ended.contains(&view.task_of(job, parent)));
            let is_bound = matches!(view.task(task).stage, Stage::Bound(_));
            if is_ready && !is_bound && view.task(task).starts == 0 {
                self.waiting.insert(task);
            }
        }
        self.queued(view);
    }

    fn noted(&mut self, view: &View<'_>, job: JobId, what: What) {
        let serial = view.job(job).serial;
        self.events.push((view.now(), serial, what));
    }
}

impl Observer for Bystander {
    fn begun(&mut self, view: &View<'_>) {
        let turns = view
            .nodes()
            .iter()
            .map(|card| vec![(SimTime::ZERO, card.is_up)]);
        self.turns = turns.collect();
        self.useless = vec![Vec::new(); view.nodes().len()];
        self.looked_at(view);
    }

    fn submitted(&mut self, view: &View<'_>, job: JobId) {
        self.noted(view, job, What::Submitted);
        self.open(view, job);
    }

    fn decided(&mut self, view: &View<'_>, _: Cause, orders: &[Order]) {
        // No order is refused in these runs.
        for order in orders {
            match order {
                Order::Bind(task, _) => {
                    self.waiting.remove(task);
                }
                Order::Unbind(task) => {
                    let job = view.task(*task).job;
                    let mut parents = view.task(*task).parents.iter();
                    if parents.all(|&(parent, _)| self.ended.contains(&view.task_of(job, parent))) {
                        self.waiting.insert(*task);
                    }
                }
                _ => {}
            }
        }
        self.queued(view);
    }

    fn started(&mut self, view: &View<'_>, task: TaskId) {
        self.waiting.remove(&task);
        self.queued(view);
        let job = view.task(task).job;
        self.noted(view, job, What::Started);
        self.begin_stay(view, task, view.task(task).nodes().collect());
        self.looked_at(view);
    }

    fn reshared(&mut self, view: &View<'_>, task: TaskId, _: Share) {
        let stay = self.end_stay(view, task);
        self.begin_stay(view, task, stay.workers);
    }

    fn stopped(&mut self, view: &View<'_>, task: TaskId, placed: &[(NodeId, u16)], why: Stop) {
        let stay = self.end_stay(view, task);
        let left: Vec<NodeId> = placed.iter().map(|&(node, _)| node).collect();
        assert_eq!(stay.workers, left, "it stops where it ran");
        let job = view.task(task).job;
        match why {
            Stop::Ended => {
                self.ended.insert(task);
                self.open(view, job);
            }
            Stop::Moved => {}
            Stop::Preempted => {
                self.noted(view, job, What::Preempted);
                self.waiting.insert(task);
            }
            Stop::Lost(work) => {
                self.noted(view, job, What::Lost(work));
                self.waiting.insert(task);
            }
        }
        self.queued(view);
        self.looked_at(view);
    }

    fn turned(&mut self, view: &View<'_>, node: NodeId) {
        self.turns[node.index()].push((view.now(), view.node(node).is_up));
        self.looked_at(view);
    }

    fn ended(&mut self, view: &View<'_>, job: JobId, _: &BatchRow) {
        self.noted(view, job, What::Ended);
    }

    fn rejected(&mut self, view: &View<'_>, job: JobId) {
        self.noted(view, job, What::Rejected);
        let card = view.job(job);
        let tasks = (0..card.tasks).map(|position| view.task_of(job, position));
        tasks.for_each(|task| {
            self.waiting.remove(&task);
        });
        self.queued(view);
    }

    fn finished(&mut self, view: &View<'_>) {
        self.finished = view.now();
        let running: Vec<TaskId> = self.running.keys().copied().collect();
        for task in running {
            self.end_stay(view, task);
        }
    }
}

/// A share is a multiple of 2⁻³², and what it leaves of one less than 2³² tells which, as that is rounded down.
fn fraction(share: Share) -> f64 {
    if share.is_zero() {
        0.0
    } else {
        (f64::from(share.of(u32::MAX)) + 1.0) / 2.0_f64.powi(32)
    }
}

/// Seconds from one moment to another.
fn secs(from: SimTime, to: SimTime) -> f64 {
    (to - from).as_secs_f64()
}

/// How long `[from, to)` and `[lo, hi)` have in common [s].
fn overlap((from, to): (SimTime, SimTime), (lo, hi): (SimTime, SimTime)) -> f64 {
    let (from, to) = (from.max(lo), to.min(hi));
    if from < to { secs(from, to) } else { 0.0 }
}

/// Times with what was the case from then on, as spans of time up to `end`.
fn spans<T: Copy>(steps: &[(SimTime, T)], end: SimTime) -> Vec<(SimTime, SimTime, T)> {
    let ends = steps.iter().skip(1).map(|&(at, _)| at).chain([end]);
    steps
        .iter()
        .zip(ends)
        .map(|(&(at, it), to)| (at, to, it))
        .collect()
}

/// What the bystander saw, with what was known before the run.
struct Seen<'a> {
    it: &'a Bystander,
    jobs: &'a [Job],
    /// The kind of each node.
    nodes: Vec<&'a Kind>,
    settings: Settings,
}

impl Seen<'_> {
    fn warm(&self) -> SimTime {
        SimTime::ZERO + self.settings.warm_up
    }

    fn horizon(&self) -> SimTime {
        SimTime::ZERO + self.settings.horizon
    }

    /// The measured time, or a section of it, as far as the run went.
    fn window(&self, section: Option<usize>) -> (SimTime, SimTime) {
        let whole = self.settings.horizon - self.settings.warm_up;
        let length = whole.as_nanos() / SECTIONS as u64;
        let at = |index: usize| match index {
            SECTIONS => self.horizon(),
            _ => self.warm() + Span::from_nanos(length * index as u64),
        };
        let (lo, hi) = section.map_or((self.warm(), self.horizon()), |it| (at(it), at(it + 1)));
        let end = self.it.finished.max(self.warm());
        (lo.min(end), hi.min(end))
    }

    /// Whether a moment belongs to a section, or is measured at all.
    fn within(&self, at: SimTime, section: Option<usize>) -> bool {
        if at < self.warm() || at > self.horizon() {
            return false;
        }
        let whole = self.settings.horizon - self.settings.warm_up;
        let length = whole.as_nanos() / SECTIONS as u64;
        let index = (at - self.warm()).as_nanos() / length;
        section.is_none_or(|section| section == (index as usize).min(SECTIONS - 1))
    }

    /// Whether a job belongs to a section: the one in which it was submitted.
    fn belongs(&self, job: &Job, section: Option<usize>) -> bool {
        self.within(job.submitted, section)
    }

    /// Work undone in a section.
    fn lost(&self, section: Option<usize>) -> f64 {
        let mut sum = 0.0;
        for &(at, _, what) in &self.it.events {
            if let What::Lost(work) = what {
                sum += if self.within(at, section) { work } else { 0.0 };
            }
        }
        sum
    }

    fn first(&self, serial: u64, what: What) -> Option<SimTime> {
        let mut events = self.it.events.iter();
        events
            .find(|event| event.1 == serial && event.2 == what)
            .map(|event| event.0)
    }

    /// Response times, waits and bounded slowdowns of jobs of a section that ended, and whether the deadline was met.
    fn done(&self, section: Option<usize>) -> Vec<([f64; 3], Option<bool>)> {
        let jobs = self.jobs.iter().enumerate();
        jobs.filter(|(_, job)| self.belongs(job, section))
            .filter_map(|(serial, job)| {
                let ended = self.first(serial as u64, What::Ended)?;
                let started = self.first(serial as u64, What::Started).expect("it ended");
                let response = secs(job.submitted, ended);
                let slowdown = (response / longest(job).max(10.0)).max(1.0);
                let met = job.deadline.map(|deadline| ended <= deadline);
                Some(([response, secs(job.submitted, started), slowdown], met))
            })
            .collect()
    }

    /// What happened to jobs of a section, weighted.
    fn sum(&self, section: Option<usize>, of: impl Fn(&Job, What) -> f64) -> f64 {
        let mut sum = 0.0;
        for &(_, serial, what) in &self.it.events {
            let job = &self.jobs[serial as usize];
            sum += if self.belongs(job, section) {
                of(job, what)
            } else {
                0.0
            };
        }
        sum
    }

    /// An integral over the stays of workers.
    fn stays(&self, section: Option<usize>, of: impl Fn(&Stay) -> f64) -> f64 {
        let window = self.window(section);
        let mut sum = 0.0;
        for stay in &self.it.stays {
            sum += overlap((stay.from, stay.to), window) * of(stay) * stay.workers.len() as f64;
        }
        sum
    }

    /// An integral over the time of nodes that were up.
    fn up(&self, section: Option<usize>, of: impl Fn(&Kind) -> f64) -> f64 {
        let window = self.window(section);
        let mut sum = 0.0;
        for (turns, kind) in self.it.turns.iter().zip(&self.nodes) {
            for (from, to, is_up) in spans(turns, self.it.finished) {
                sum += if is_up {
                    overlap((from, to), window) * of(kind)
                } else {
                    0.0
                };
            }
        }
        sum
    }

    /// Node time during which a node had a worker.
    fn busy(&self, section: Option<usize>) -> f64 {
        let window = self.window(section);
        let mut sum = 0.0;
        for node in (0..self.nodes.len()).map(NodeId::new) {
            let mut stays: Vec<(SimTime, SimTime)> = (self.it.stays.iter())
                .filter(|stay| stay.workers.contains(&node))
                .map(|stay| (stay.from, stay.to))
                .collect();
            stays.sort_unstable();
            let mut until = SimTime::ZERO;
            for (from, to) in stays {
                sum += if to > until {
                    overlap((from.max(until), to), window)
                } else {
                    0.0
                };
                until = until.max(to);
            }
        }
        sum
    }

    /// How much of a sum may be lost or won by rounding: what is useless of the GPUs of a node is measured in thousandths of a GPU, and
    /// what each worker gets in billionths.
    fn rounded(&self, id: SumId, section: Option<usize>) -> f64 {
        match id {
            SumId::GpusUseless => 0.5e-3 * self.up(section, |kind| f64::from(kind.gpus.min(1))),
            SumId::CoresUsed | SumId::WorkerTime => 1e-9 * self.stays(section, |_| 1.0),
            _ => 0.0,
        }
    }

    fn useless(&self, section: Option<usize>) -> f64 {
        let window = self.window(section);
        let of_node = |steps: &Vec<(SimTime, f64)>| -> f64 {
            let spans = spans(steps, self.it.finished).into_iter();
            spans
                .map(|(from, to, useless)| overlap((from, to), window) * useless / 1e3)
                .sum()
        };
        self.it.useless.iter().map(of_node).sum()
    }

    /// Everything that adds up.
    fn sums(&self, section: Option<usize>) -> BTreeMap<SumId, f64> {
        let (lo, hi) = self.window(section);
        let done = self.done(section);
        let times = |of: usize| done.iter().map(|(times, _)| times[of]).sum();
        let one = |it: bool| f64::from(u8::from(it));
        let count = |what: What| self.sum(section, |_, other| one(other == what));
        BTreeMap::from([
            (SumId::Time, secs(lo, hi)),
            (SumId::Submitted, count(What::Submitted)),
            (SumId::Completed, done.len() as f64),
            (SumId::Rejected, count(What::Rejected)),
            (SumId::Preemptions, count(What::Preempted)),
            (
                SumId::Losses,
                self.sum(section, |_, what| one(matches!(what, What::Lost(_)))),
            ),
            (SumId::LostWork, self.lost(section)),
            (SumId::Response, times(0)),
            (SumId::Wait, times(1)),
            (SumId::Slowdown, times(2)),
            (
                SumId::Deadlines,
                self.sum(section, |job, what| {
                    one(job.deadline.is_some() && what == What::Submitted)
                }),
            ),
            (
                SumId::DeadlinesMet,
                done.iter().map(|(_, met)| one(*met == Some(true))).sum(),
            ),
            (SumId::Up, self.up(section, |_| 1.0)),
            (
                SumId::CoresUp,
                self.up(section, |kind| f64::from(kind.cpu) / 1e3),
            ),
            (SumId::GpusUp, self.up(section, |kind| kind.gpus.into())),
            (
                SumId::Spend,
                self.up(section, |kind| kind.usd_per_hour / 3600.0),
            ),
            (SumId::Busy, self.busy(section)),
            (SumId::GpusUseless, self.useless(section)),
            (SumId::WorkerTime, self.stays(section, |stay| stay.share)),
            (
                SumId::CoresUsed,
                self.stays(section, |stay| {
                    stay.share * f64::from(stay.demand.cpu) / 1e3
                }),
            ),
            (
                SumId::GpusUsed,
                self.stays(section, |stay| f64::from(stay.demand.gpu()) / 1e3),
            ),
        ])
    }

    /// A figure of the whole run, from its definition; `None` where there is nothing to tell.
    fn figure(&self, id: MetricId) -> Option<f64> {
        use MetricId as M;
        let sums = self.sums(None);
        let done = self.done(None);
        let ratio = |part: f64, whole: SumId| (sums[&whole] > 0.0).then(|| part / sums[&whole]);
        let of = |part: SumId, whole: SumId| ratio(sums[&part], whole);
        let mean = |of: usize| {
            let sum: f64 = done.iter().map(|(times, _)| times[of]).sum();
            (!done.is_empty()).then(|| sum / done.len() as f64)
        };
        let is_priced = sums[&SumId::Spend] > 0.0;
        match id {
            M::ResponseMean => mean(0),
            M::WaitMean => mean(1),
            M::SlowdownMean => mean(2),
            M::Makespan => {
                let events = self.it.events.iter();
                let last = events.clone().rfind(|event| event.2 == What::Ended)?;
                let over = events
                    .clone()
                    .filter(|event| matches!(event.2, What::Ended | What::Rejected));
                let submitted = events.filter(|event| event.2 == What::Submitted).count();
                (over.count() == submitted).then(|| secs(self.it.events[0].0, last.0))
            }
            M::UserFairness => {
                let mut users: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
                for (serial, job) in self.jobs.iter().enumerate() {
                    if self.belongs(job, None)
                        && let Some(ended) = self.first(serial as u64, What::Ended)
                    {
                        let slowdown =
                            (secs(job.submitted, ended) / longest(job).max(10.0)).max(1.0);
                        users.entry(job.user).or_default().push(slowdown);
                    }
                }
                let means = users
                    .values()
                    .map(|all| all.iter().sum::<f64>() / all.len() as f64);
                let squares: f64 = means.clone().map(|mean| mean * mean).sum();
                (users.len() > 1)
                    .then(|| means.sum::<f64>().powi(2) / (users.len() as f64 * squares))
            }
            M::CoreUtilization => of(SumId::CoresUsed, SumId::CoresUp),
            M::GpuUtilization => of(SumId::GpusUsed, SumId::GpusUp),
            M::GpuFragmentation => {
                let free = sums[&SumId::GpusUp] - sums[&SumId::GpusUsed];
                (free > 1e-9).then(|| sums[&SumId::GpusUseless] / free)
            }
            M::JobsCompleted => of(SumId::Completed, SumId::Submitted),
            M::JobsRejected => of(SumId::Rejected, SumId::Submitted),
            M::DeadlinesMet => of(SumId::DeadlinesMet, SumId::Deadlines),
            M::Interruptions => of(SumId::Losses, SumId::Submitted),
            M::LostWork => of(SumId::LostWork, SumId::WorkerTime),
            M::Preemptions => of(SumId::Preemptions, SumId::Submitted),
            M::Utilization => of(SumId::Busy, SumId::Up),
            M::NodesAvailable => of(SumId::Up, SumId::Time),
            M::JobCost => ratio(sums[&SumId::Spend], SumId::Completed).filter(|_| is_priced),
            M::Spend => ratio(sums[&SumId::Spend] * 86_400.0, SumId::Time).filter(|_| is_priced),
            _ => None,
        }
    }

    /// The state at multiples of the time between samples, after all that had happened by then, and what had happened since the last.
    fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        let mut before: Option<SimTime> = None;
        let mut at = SimTime::ZERO + self.settings.sample_every;
        while at <= self.horizon() && at < self.it.finished {
            let is_new = |then: SimTime| before.is_none_or(|before| then > before) && then <= at;
            let events = |of: &dyn Fn(What) -> bool, from_start: bool| {
                let events = self.it.events.iter();
                let events = events.filter(|it| if from_start { it.0 <= at } else { is_new(it.0) });
                events.filter(|event| of(event.2)).count() as u32
            };
            let submitted = |what| what == What::Submitted;
            let over = |what| matches!(what, What::Ended | What::Rejected);
            let in_time = |&&(then, serial, what): &&(SimTime, u64, What)| {
                let by = self.jobs[serial as usize].deadline;
                is_new(then) && what == What::Ended && by.is_none_or(|by| then <= by)
            };
            let runs = |stay: &&Stay| stay.from <= at && at < stay.to;
            let stays = self.it.stays.iter().filter(runs);
            let busy: BTreeSet<NodeId> = stays.flat_map(|stay| stay.workers.clone()).collect();
            let is_up = |turns: &&Vec<(SimTime, bool)>| {
                let by_then = turns.iter().rfind(|turn| turn.0 <= at);
                by_then.is_some_and(|turn| turn.1)
            };
            let queue = self.it.queue.iter().rfind(|it| it.0 <= at);
            samples.push(Sample {
                at,
                nodes_up: self.it.turns.iter().filter(is_up).count() as u32,
                nodes_busy: busy.len() as u32,
                jobs_live: events(&submitted, true) - events(&over, true),
                jobs_waiting: queue.map_or(0, |it| it.1 as u32),
                submitted: events(&submitted, false),
                completed: events(&|what| what == What::Ended, false),
                within_slo: self.it.events.iter().filter(in_time).count() as u32,
                lost: events(&|what| matches!(what, What::Lost(_)), false),
                ..Sample::default()
            });
            before = Some(at);
            at += self.settings.sample_every;
        }
        samples
    }
}

/// The longest way through a job, by its definition [s].
fn longest(job: &Job) -> f64 {
    fn to(job: &Job, task: usize) -> f64 {
        let task = &job.tasks[task];
        let before = task
            .parents
            .iter()
            .map(|&(parent, _)| to(job, parent as usize));
        before.fold(0.0, f64::max) + task.work.as_secs_f64()
    }
    (0..job.tasks.len())
        .map(|task| to(job, task))
        .fold(0.0, f64::max)
}

/// A run of a random world under one policy, looked at by both.
struct Run<'a> {
    name: String,
    jobs: &'a [Job],
    site: &'a Site,
    settings: Settings,
    until: SimTime,
    seed: u64,
}

impl Run<'_> {
    fn check(&self) -> Output {
        let streams = Streams::new(self.seed, 0);
        let tasks = self.jobs.iter().flat_map(|job| &job.tasks);
        let demands: Vec<Demand> = tasks.map(|task| task.demand).collect();
        let tally = Tally::new(&self.settings, Mix::of(demands.iter().copied()));
        let bystander = Bystander::of(demands);
        let ran = self.site.watched(
            self.jobs.to_vec(),
            self.jobs,
            self.until,
            &streams,
            Both(tally, bystander),
            &|| false,
        );
        let (outcome, Both(tally, bystander)) = ran.expect("nobody stops it");
        assert_eq!(outcome.refused, 0, "{}: {:?}", self.name, outcome.refusals);
        let (live, moved) = (outcome.live, outcome.data.moved);
        let output = tally.output(outcome, true);
        let kinds = &self.site.cluster.kinds;
        let seen = Seen {
            it: &bystander,
            jobs: self.jobs,
            nodes: (self.site.cluster.nodes.iter())
                .map(|&kind| &kinds[kind])
                .collect(),
            settings: self.settings,
        };
        self.check_figures(&seen, &output, moved);
        self.check_quantiles(&seen, &output);
        for section in 0..SECTIONS {
            let sums = seen.sums(Some(section));
            for (id, truth) in sums {
                let found = output.sections[section].get(id);
                let what = format!("{id:?} of section {section}");
                self.close(&what, found, truth, seen.rounded(id, Some(section)));
            }
        }
        let samples = seen.samples();
        assert_eq!(output.samples.len(), samples.len(), "{}", self.name);
        for (found, truth) in output.samples.iter().zip(samples) {
            assert_eq!(*found, truth, "{}", self.name);
        }
        let sums = seen.sums(None);
        let counts = output.counts;
        assert_eq!(
            [counts.submitted, counts.completed, counts.rejected].map(|count| count as f64),
            [SumId::Submitted, SumId::Completed, SumId::Rejected].map(|id| sums[&id]),
            "{}",
            self.name
        );
        assert_eq!((counts.live, counts.failed), (live, 0));
        output
    }

    /// Holds a figure against the truth, but for what is rounded in it.
    #[track_caller]
    fn close(&self, what: &str, found: f64, truth: f64, rounded: f64) {
        let off = (found - truth).abs();
        assert!(
            off <= 1e-9 * truth.abs().max(1.0) + rounded,
            "{}: {what} is {found}, in truth {truth}",
            self.name
        );
    }

    fn check_figures(&self, seen: &Seen<'_>, output: &Output, moved: u64) {
        for id in MetricId::all().filter(|id| id.quantile().is_none()) {
            let days = secs(SimTime::ZERO, seen.it.finished) / 86_400.0;
            let truth = match id {
                MetricId::DataMoved => (moved > 0).then(|| moved as f64 / 1e9 / days),
                id => seen.figure(id),
            };
            let found = output.metrics.get(id);
            assert_eq!(found.is_some(), truth.is_some(), "{}: {id:?}", self.name);
            if let (Some(found), Some(truth)) = (found, truth) {
                let sums = seen.sums(None);
                let rounded = |id| seen.rounded(id, None);
                let rounded = match id {
                    MetricId::GpuFragmentation => {
                        let free = sums[&SumId::GpusUp] - sums[&SumId::GpusUsed];
                        rounded(SumId::GpusUseless) / free
                    }
                    MetricId::CoreUtilization => rounded(SumId::CoresUsed) / sums[&SumId::CoresUp],
                    MetricId::LostWork => {
                        truth * rounded(SumId::WorkerTime) / sums[&SumId::WorkerTime]
                    }
                    _ => 0.0,
                };
                self.close(&format!("{id:?}"), found, truth, rounded);
                let ranges = match id.metric().range {
                    Range::Any => f64::NEG_INFINITY..=f64::INFINITY,
                    Range::NonNegative => 0.0..=f64::INFINITY,
                    Range::Share => 0.0..=1.0,
                };
                // What was worked before the measured time may be undone in it.
                let is_cut = id == MetricId::LostWork && self.settings.warm_up > Span::ZERO;
                assert!(
                    ranges.contains(&found) || is_cut,
                    "{}: {id:?} is {found}",
                    self.name
                );
            }
        }
    }

    /// The value of rank ⌈pn⌉, as near as the histogram says; and in each section, how many are not above it.
    fn check_quantiles(&self, seen: &Seen<'_>, output: &Output) {
        for (id, below) in [
            (MetricId::ResponseP50, SumId::ResponseP50),
            (MetricId::ResponseP95, SumId::ResponseP95),
            (MetricId::ResponseP99, SumId::ResponseP99),
            (MetricId::WaitP95, SumId::WaitP95),
            (MetricId::SlowdownP95, SumId::SlowdownP95),
        ] {
            let (latency, p) = id.quantile().expect("it is one");
            let of = match latency {
                Latency::Response => 0,
                Latency::Wait => 1,
                _ => 2,
            };
            let values = |section| -> Vec<f64> {
                let done = seen.done(section).into_iter();
                done.map(|(times, _)| times[of]).collect()
            };
            let mut all = values(None);
            all.sort_by(f64::total_cmp);
            let found = output.metrics.get(id);
            assert_eq!(found.is_some(), !all.is_empty(), "{}: {id:?}", self.name);
            assert_eq!(output.latencies[latency].count(), all.len() as u64);
            let Some(found) = found else {
                continue;
            };
            let rank = ((p * all.len() as f64 - 1e-9).ceil() as usize).max(1);
            let truth = all[rank - 1];
            let off = (found - truth).abs();
            // Below a nanosecond, a wait of nothing.
            assert!(
                off <= truth / 256.0 + 1e-9,
                "{}: {id:?} is {found}, in truth {truth}",
                self.name
            );
            let mut histogram = LogHistogram::new();
            histogram.record(truth);
            let (_, edge) = histogram.quantile_bucket(1.0).expect("it holds one");
            for section in 0..SECTIONS {
                let values = values(Some(section));
                let count = values.iter().filter(|&&value| value < edge).count();
                assert_eq!(
                    output.sections[section].get(below),
                    count as f64,
                    "{}: {id:?}",
                    self.name
                );
            }
        }
    }
}

/// Settings whose measured time begins and ends amid jobs, and when the run is cut off.
fn settings(seed: u64, jobs: &[Job]) -> (Settings, SimTime) {
    let last = jobs.last().expect("there are some").submitted - SimTime::ZERO;
    let part = |share: f64| Span::from_secs_f64(last.as_secs_f64() * share);
    let (warm_up, horizon) = match seed % 4 {
        0 => (Span::ZERO, last),
        1 => (part(0.3), part(0.8)),
        2 => (part(0.5), part(3.0)),
        _ => (Span::ZERO, part(0.5)),
    };
    let settings = Settings {
        horizon,
        warm_up,
        sample_every: part(0.013),
    };
    let until = match seed / 4 % 3 {
        // In the midst of things.
        0 => SimTime::ZERO + part(0.9),
        _ => SimTime::ZERO + horizon * 10,
    };
    (settings, until)
}

#[test]
fn figures_follow_from_what_happened() {
    let mut counts = [0_u64; 6];
    for seed in 0..24 {
        let mut stream = Streams::new(seed, 4).open(Purpose::new("tally"), 0);
        let mut cluster = random_cluster::cluster(&mut stream);
        let mut kinds = cluster.kinds.to_vec();
        for kind in &mut kinds {
            kind.usd_per_hour = stream.below(3_000_000) as f64 / 1e6;
        }
        cluster.kinds = Arc::from(kinds);
        let mut jobs = random_cluster::jobs(&mut stream);
        for job in &mut jobs {
            // Some without a deadline, some that nobody can serve, some that submit at the same time.
            job.deadline = job.deadline.filter(|_| stream.bernoulli(0.7));
            if stream.bernoulli(0.1) {
                job.tasks[0].workers = 1000;
            }
        }
        let (settings, until) = settings(seed, &jobs);
        jobs.retain(|job| job.submitted <= SimTime::ZERO + settings.horizon);
        for (policy, jobs) in random_cluster::policies(&jobs, seed) {
            let name = format!("{policy}, seed {seed}");
            let site = Site {
                name: name.clone(),
                cluster: cluster.clone(),
                policy,
                estimates: [Estimates::User, Estimates::Exact][(seed % 2) as usize],
            };
            let run = Run {
                name,
                jobs: &jobs,
                site: &site,
                settings,
                until,
                seed,
            };
            let output = run.check();
            let of = |id: SumId| -> f64 { output.sections.iter().map(|sums| sums.get(id)).sum() };
            counts[0] += output.counts.live;
            counts[1] += output.counts.rejected;
            counts[2] += of(SumId::Losses) as u64;
            counts[3] += of(SumId::Preemptions) as u64;
            counts[4] += output.samples.len() as u64;
            counts[5] += of(SumId::DeadlinesMet) as u64;
        }
    }
    assert!(counts.iter().all(|&count| count > 500), "{counts:?}");
}
