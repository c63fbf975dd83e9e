//! The world at work: one platform, one workload, one replication.
//!
//! The life of a job: submitted → waiting at the dispatcher → placed (money locked) → delivered to the node after the network's
//! latency → served → finished (paid). When the node leaves first, the dispatcher notices after the detection delay, refunds,
//! and the job waits again, until its attempts are used up.

mod nodes;
mod tally;

use walras_des::{
    Context, Engine, Event as Ranked, Model, Outcome, Purpose, SimTime, Span, Stream, Streams,
};

use crate::ids::{FleetId, JobId, NodeId};
use crate::invariants;
use crate::market::{Pricing, Rates, next_base_fee};
use crate::platform::{Platform, Size};
use crate::record::{Counts, Fate, JobRow, Output, Recorder, Sample};
use crate::scheduling::{Cause, Order, Orders, Scheduler};
use crate::serving::{Entry, Milestone};
use crate::settlement::{Bank, Lock};
use crate::supply::{Controller, Scaling};
use crate::units::Amount;
use crate::view::{Board, JobCard};
use crate::workload::{Arrivals, Request, Workload};
use nodes::{Birth, Node, Stage};
use tally::Tally;

/// What a run is told beyond platform and workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Requests arrive until this time; the run then goes on until all have ended.
    pub horizon: Span,
    /// Requests submitted before this time are served but not measured.
    pub warm_up: Span,
    /// Time between samples of the platform's state.
    pub sample_every: Span,
}

/// Time after the horizon, beyond the patience of the last customer, in which what is under way may end.
const DRAIN: Span = Span::HOUR;

/// Time between audits.
const AUDIT_EVERY: Span = Span::HOUR;

/// Slices of a run between which `stop` is asked.
const SLICES: u64 = 200;

/// Simulates one replication under the platform's own policy; `None` if `stop` asked for it.
///
/// The result depends on the platform, workload, settings, seed and replication alone; a recorder changes nothing in it but
/// [`Output::jobs`].
///
/// # Panics
/// If an invariant of the simulation is violated.
#[must_use]
pub fn simulate<R: Recorder>(
    platform: &Platform,
    workload: &Workload,
    settings: &Settings,
    seed: u64,
    replication: u32,
    recorder: R,
    stop: &dyn Fn() -> bool,
) -> Option<Output> {
    let streams = Streams::new(seed, u64::from(replication));
    let scheduler = platform.policy.build(&streams);
    run(
        World::new(platform, workload, settings, &streams, scheduler, recorder),
        stop,
    )
}

/// Runs a world to its end; `None` if `stop` asked for it.
///
/// # Panics
/// If an invariant of the simulation is violated.
#[must_use]
pub fn run<S: Scheduler, R: Recorder>(
    world: World<'_, S, R>,
    stop: &dyn Fn() -> bool,
) -> Option<Output> {
    let end = SimTime::ZERO + world.settings.horizon + world.workload.patience + DRAIN;
    let slice = Span::from_nanos((end.as_nanos() / SLICES).max(1));
    let mut engine = Engine::new(world);
    World::begin(&mut engine);
    let mut limit = SimTime::ZERO;
    loop {
        if stop() {
            return None;
        }
        limit = (limit + slice).min(end);
        if engine.run_until(limit) != Outcome::Limit || limit == end {
            break;
        }
    }
    let (digest, events, now) = (engine.digest(), engine.events(), engine.now());
    let mut output = engine.model.finish(now);
    output.digest = digest;
    output.events = events;
    Some(output)
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// The next request is submitted.
    Arrive,
    /// A placed job reaches its node.
    Deliver {
        /// The job.
        job: JobId,
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
    /// A server's step ends.
    Boundary {
        /// The node.
        node: NodeId,
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
    /// A node comes up.
    Up {
        /// The node.
        node: NodeId,
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
    /// A node leaves.
    Down {
        /// The node.
        node: NodeId,
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
    /// The dispatcher notices that a node has left.
    Notice {
        /// The node.
        node: NodeId,
        /// Which of the node's stays has ended.
        epoch: u32,
    },
    /// The dispatcher takes a placed job for lost.
    Lost {
        /// The job.
        job: JobId,
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
    /// A waiting customer gives up.
    Patience {
        /// The job.
        job: JobId,
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
    /// The scheduler asked to be woken.
    Wake,
    /// A fleet's controller decides.
    Scale {
        /// The fleet.
        fleet: FleetId,
    },
    /// The base fee moves.
    Reprice,
    /// The state is sampled.
    Sample,
    /// The books are held; owners sell what they earned.
    Audit,
    /// No further requests.
    Horizon,
}

impl Ranked for Event {
    /// At one instant, requests reach servers before their steps end, work ends before its node leaves,
    /// and observers come last.
    fn rank(&self) -> u8 {
        match self {
            Self::Arrive => 0,
            Self::Deliver { .. } => 1,
            Self::Boundary { .. } => 2,
            Self::Down { .. } => 3,
            Self::Up { .. } => 4,
            Self::Notice { .. } => 5,
            Self::Lost { .. } => 6,
            Self::Wake => 7,
            Self::Patience { .. } => 8,
            Self::Scale { .. } => 9,
            Self::Reprice => 10,
            Self::Sample => 11,
            Self::Audit => 12,
            Self::Horizon => 13,
        }
    }

    fn word(&self) -> u64 {
        let pack = |id: u32, stamp: u32| u64::from(id) << 32 | u64::from(stamp);
        match *self {
            Self::Deliver { job, stamp }
            | Self::Lost { job, stamp }
            | Self::Patience { job, stamp } => pack(job.0, stamp),
            Self::Boundary { node, stamp }
            | Self::Up { node, stamp }
            | Self::Down { node, stamp } => pack(node.0, stamp),
            Self::Notice { node, epoch } => pack(node.0, epoch),
            Self::Scale { fleet } => u64::from(fleet.0),
            Self::Arrive
            | Self::Wake
            | Self::Reprice
            | Self::Sample
            | Self::Audit
            | Self::Horizon => 0,
        }
    }
}

/// A live job, as it truly is.
#[derive(Clone, Copy, Debug)]
struct Job {
    serial: u64,
    request: Request,
    /// Where it is placed, and in which stay of that node.
    node: NodeId,
    epoch: u32,
    /// Changes whenever the job changes hands, so that old events are known as such.
    stamp: u32,
    live: bool,
    placed: bool,
    lock: Lock,
    rates: Rates,
    /// When the node had its first token ready.
    first_token: SimTime,
    /// Time from the node to the customer.
    back: Span,
}

/// The state of a run.
pub struct World<'a, S, R> {
    platform: &'a Platform,
    workload: &'a Workload,
    settings: Settings,
    scheduler: S,
    recorder: R,
    arrivals: Arrivals,
    next: Option<Request>,
    nodes: Vec<Node>,
    controllers: Vec<Option<Controller>>,
    provisioning: Stream,
    board: Board,
    output_estimate: u32,
    max_output: u32,
    jobs: Vec<Job>,
    free: Vec<JobId>,
    bank: Bank,
    counts: Counts,
    tally: Tally,
    orders: Orders,
    milestones: Vec<Milestone>,
    lost: Vec<JobId>,
    closing: bool,
}

type Cx = Context<Event>;

impl<'a, S: Scheduler, R: Recorder> World<'a, S, R> {
    /// The world at time zero, in the stationary state of its nodes.
    #[must_use]
    pub fn new(
        platform: &'a Platform,
        workload: &'a Workload,
        settings: &Settings,
        streams: &Streams,
        scheduler: S,
        recorder: R,
    ) -> Self {
        let sizes = workload.sizes();
        let (nodes, owner_count) = nodes::register(platform, &sizes, streams);
        let owners: Vec<_> = nodes.iter().map(|node| node.owner).collect();
        let cards = nodes.iter().map(|node| node.card).collect();
        let mut board = Board::new(
            cards,
            platform.profiles.clone(),
            std::sync::Arc::clone(&platform.network),
            sizes,
            workload.slo,
            platform.slots,
        );
        if let Pricing::BaseFee(rule) = &platform.pricing {
            board.uniform = Some(uniform(rule.initial, rule.prompt_weight));
        }
        let controllers = platform.fleets.iter().map(|fleet| match &fleet.size {
            Size::Fixed(_) => None,
            Size::Autoscaled(scaler) => Some(Controller::new(scaler.clone())),
        });
        Self {
            platform,
            workload,
            settings: *settings,
            scheduler,
            recorder,
            arrivals: Arrivals::new(workload, streams, SimTime::ZERO + settings.horizon),
            next: None,
            controllers: controllers.collect(),
            provisioning: streams.open(Purpose::new("provisioning"), 0),
            board,
            output_estimate: sizes.mean_output.round().max(1.0) as u32,
            max_output: sizes.max_output,
            jobs: Vec::new(),
            free: Vec::new(),
            bank: Bank::new(&platform.settlement, owner_count, &owners),
            counts: Counts::default(),
            tally: Tally::new(settings, owner_count),
            orders: Orders::default(),
            milestones: Vec::new(),
            lost: Vec::new(),
            closing: false,
            nodes,
        }
    }

    /// Schedules what is known at the start.
    fn begin(engine: &mut Engine<Self>) {
        for index in 0..engine.model.nodes.len() {
            let node = NodeId::new(index);
            let first = match engine.model.nodes[index].birth {
                Birth::Off | Birth::Down(None) => continue,
                Birth::Up(_) => Span::ZERO,
                Birth::Down(Some(absence)) => absence,
            };
            engine
                .context_mut()
                .after(first, Event::Up { node, stamp: 0 });
        }
        let settings = engine.model.settings;
        for index in 0..engine.model.controllers.len() {
            if let Some(interval) = engine.model.controllers[index]
                .as_ref()
                .map(|c| c.scaler.interval)
            {
                engine.context_mut().after(
                    interval,
                    Event::Scale {
                        fleet: FleetId::new(index),
                    },
                );
            }
        }
        if let Pricing::BaseFee(rule) = &engine.model.platform.pricing {
            engine.context_mut().after(rule.epoch, Event::Reprice);
        }
        engine.model.next = engine.model.arrivals.next();
        if let Some(request) = engine.model.next {
            engine.context_mut().at(request.at, Event::Arrive);
        }
        let cx = engine.context_mut();
        cx.at(SimTime::ZERO, Event::Sample);
        cx.after(AUDIT_EVERY.min(settings.horizon), Event::Audit);
        cx.at(SimTime::ZERO + settings.horizon, Event::Horizon);
    }

    fn arrive(&mut self, cx: &mut Cx) {
        let request = self.next.take().expect("an arrival was scheduled");
        self.next = self.arrivals.next();
        if let Some(next) = self.next {
            cx.at(next.at, Event::Arrive);
        }
        let job = self.admit(request);
        self.tally.submitted(cx.now());
        self.ask(Cause::JobArrived(job), cx);
        self.await_node(job, cx);
    }

    /// Gives a request a slot in the table of jobs and puts it on the waiting list.
    fn admit(&mut self, request: Request) -> JobId {
        let card = JobCard {
            submitted: request.at,
            origin: request.origin,
            prompt_tokens: request.prompt_tokens,
            output_estimate: self.output_estimate,
            attempts: 0,
            budget: request.budget,
            ticket: None,
        };
        let record = Job {
            serial: self.counts.submitted,
            request,
            node: NodeId(0),
            epoch: 0,
            stamp: 0,
            live: true,
            placed: false,
            lock: Lock::default(),
            rates: Rates::default(),
            first_token: SimTime::ZERO,
            back: Span::ZERO,
        };
        self.counts.submitted += 1;
        self.counts.live += 1;
        let job = if let Some(job) = self.free.pop() {
            let stamp = self.jobs[job.index()].stamp + 1;
            self.jobs[job.index()] = Job { stamp, ..record };
            self.board.jobs[job.index()] = card;
            job
        } else {
            self.jobs.push(record);
            self.board.jobs.push(card);
            JobId::new(self.jobs.len() - 1)
        };
        self.board.enqueue(job);
        job
    }

    /// Starts the clock of a customer whose job found no node at once.
    fn await_node(&mut self, job: JobId, cx: &mut Cx) {
        let record = &self.jobs[job.index()];
        if record.live && !record.placed {
            cx.after(
                self.workload.patience,
                Event::Patience {
                    job,
                    stamp: record.stamp,
                },
            );
        }
    }

    /// Asks the scheduler and carries out its orders.
    fn ask(&mut self, cause: Cause, cx: &mut Cx) {
        let mut orders = std::mem::take(&mut self.orders);
        self.scheduler
            .decide(cause, &self.board.view(cx.now()), &mut orders);
        for order in orders.0.drain(..) {
            match order {
                Order::Place(job, node) => self.place(job, node, cx),
                Order::Reject(job) if self.board.is_waiting(job) => {
                    self.end(job, Fate::Rejected, cx);
                }
                Order::Wake(at) if at >= cx.now() => cx.at(at, Event::Wake),
                Order::Reject(_) | Order::Wake(_) => self.counts.refused_orders += 1,
            }
        }
        self.orders = orders;
    }

    /// Carries out a placement, or refuses and counts it.
    fn place(&mut self, job: JobId, node: NodeId, cx: &mut Cx) {
        let legal = self.board.is_waiting(job)
            && node.index() < self.nodes.len()
            && self.board.view(cx.now()).eligible(job, node);
        if !legal {
            self.counts.refused_orders += 1;
            return;
        }
        let view = self.board.view(cx.now());
        let (latency, rates) = (view.latency(job, node), view.rates(node));
        let overhead = Span::from_secs_f64(view.profile(node).device.request_overhead);
        self.board.dequeue(job);
        let card = &mut self.board.nodes[node.index()];
        card.outstanding += 1;
        let epoch = card.epoch;
        self.board.jobs[job.index()].attempts += 1;
        let record = &mut self.jobs[job.index()];
        record.stamp += 1;
        (record.node, record.epoch, record.placed) = (node, epoch, true);
        (record.rates, record.back) = (rates, latency);
        if self.platform.pricing != Pricing::Rental {
            record.lock = self
                .bank
                .lock(rates.price(record.request.prompt_tokens, self.max_output));
        }
        cx.after(
            latency + overhead,
            Event::Deliver {
                job,
                stamp: record.stamp,
            },
        );
    }

    fn deliver(&mut self, job: JobId, stamp: u32, cx: &mut Cx) {
        let record = self.jobs[job.index()];
        if record.stamp != stamp {
            return;
        }
        let node = &mut self.nodes[record.node.index()];
        if !node.stage.is_on() || node.epoch != record.epoch {
            cx.after(self.platform.retry.detection, Event::Lost { job, stamp });
            return;
        }
        let entry = Entry {
            job,
            prompt: record.request.prompt_tokens,
            output: record.request.output_tokens,
        };
        let profile = &self.platform.profiles[node.card.profile.index()];
        let was_idle = node.server.is_idle();
        if let Some(at) = node.server.arrive(cx.now(), entry, profile) {
            node.stamp += 1;
            cx.at(
                at,
                Event::Boundary {
                    node: record.node,
                    stamp: node.stamp,
                },
            );
        }
        if was_idle {
            node.busy_since = cx.now();
            self.tally.busy(cx.now(), 1);
        }
        self.tally.running(cx.now(), 1);
    }

    fn boundary(&mut self, id: NodeId, stamp: u32, cx: &mut Cx) {
        let node = &mut self.nodes[id.index()];
        if node.stamp != stamp {
            return;
        }
        let profile = &self.platform.profiles[node.card.profile.index()];
        let mut milestones = std::mem::take(&mut self.milestones);
        let next = node.server.boundary(profile, &mut milestones);
        node.stamp += 1;
        if let Some(at) = next {
            cx.at(
                at,
                Event::Boundary {
                    node: id,
                    stamp: node.stamp,
                },
            );
        } else {
            node.busy += self.tally.clip(node.busy_since, cx.now());
            self.tally.busy(cx.now(), -1);
        }
        for milestone in milestones.drain(..) {
            match milestone {
                Milestone::FirstToken(job) => self.jobs[job.index()].first_token = cx.now(),
                Milestone::Finished(job) => {
                    self.tally.running(cx.now(), -1);
                    self.end(job, Fate::Completed, cx);
                    self.ask(Cause::SlotFreed(id), cx);
                }
            }
        }
        self.milestones = milestones;
    }

    /// A job ends: it is paid if it was delivered, recorded, and its slot is free.
    fn end(&mut self, job: JobId, fate: Fate, cx: &mut Cx) {
        let now = cx.now();
        if self.board.is_waiting(job) {
            self.board.dequeue(job);
        }
        let record = self.jobs[job.index()];
        let attempts = self.board.jobs[job.index()].attempts;
        let completed = fate == Fate::Completed;
        let ended = if completed { now + record.back } else { now };
        assert!(
            record.live && record.request.at <= ended,
            "a job ends once, and after it was submitted"
        );
        let mut row = JobRow {
            serial: record.serial,
            submitted: record.request.at,
            ended,
            fate,
            origin: record.request.origin,
            node: completed.then_some(record.node),
            attempts,
            prompt_tokens: record.request.prompt_tokens,
            output_tokens: record.request.output_tokens,
            ttft: None,
            tpot: None,
            paid: 0.0,
        };
        if completed {
            self.free_slot(record.node, record.epoch, now);
            let first = record.first_token + record.back;
            row.ttft = Some((first - record.request.at).as_secs_f64());
            let steps = record.request.output_tokens - 1;
            row.tpot = (steps > 0).then(|| (ended - first).as_secs_f64() / f64::from(steps));
            let price = self.pay(&record);
            row.paid = price.as_f64();
            self.counts.completed += 1;
        } else if fate == Fate::Failed {
            self.counts.failed += 1;
        } else {
            self.counts.rejected += 1;
        }
        self.counts.live -= 1;
        self.tally.ended(&row, self.workload.slo);
        self.recorder.job(row);
        let record = &mut self.jobs[job.index()];
        (record.live, record.placed) = (false, false);
        record.stamp += 1;
        self.free.push(job);
        if self.closing && self.counts.live == 0 {
            cx.stop();
        }
    }

    fn pay(&mut self, record: &Job) -> Amount {
        if self.platform.pricing == Pricing::Rental {
            return Amount::ZERO;
        }
        let price = record
            .rates
            .price(record.request.prompt_tokens, record.request.output_tokens);
        let owner = self.nodes[record.node.index()].owner;
        let payout = self.bank.deliver(record.lock, price, owner);
        self.tally.paid(record.request.at, price, payout, owner);
        price
    }

    /// The dispatcher hears that a job placed in this stay of the node has ended.
    fn free_slot(&mut self, node: NodeId, epoch: u32, now: SimTime) {
        let card = &mut self.board.nodes[node.index()];
        if card.epoch == epoch && card.outstanding > 0 {
            card.outstanding -= 1;
            card.observed_at = now;
        }
        let node_state = &mut self.nodes[node.index()];
        if node_state.stage == Stage::Draining && self.board.nodes[node.index()].outstanding == 0 {
            self.release(node, now);
        }
    }

    fn node_up(&mut self, id: NodeId, stamp: u32, cx: &mut Cx) {
        let now = cx.now();
        let node = &mut self.nodes[id.index()];
        if node.life_stamp != stamp {
            return;
        }
        node.stage = Stage::Up;
        node.epoch += 1;
        node.up_since = now;
        let fleet = &self.platform.fleets[node.fleet.index()];
        node.rented_since.get_or_insert(now);
        let stay = match node.birth {
            // In the stationary state, the stay at time zero is a residual one.
            Birth::Up(stay) if node.epoch == 1 => stay,
            _ => fleet.availability.next(node.life, true, &mut node.stream),
        };
        if let Some(stay) = stay {
            cx.after(stay, Event::Down { node: id, stamp });
        }
        self.board.node_up(id, node.epoch, now);
        self.tally.up(now, 1);
        self.ask(Cause::NodeJoined(id), cx);
    }

    fn node_down(&mut self, id: NodeId, stamp: u32, cx: &mut Cx) {
        let now = cx.now();
        let node = &mut self.nodes[id.index()];
        if node.life_stamp != stamp {
            return;
        }
        let fleet = &self.platform.fleets[node.fleet.index()];
        node.up += self.tally.clip(node.up_since, now);
        self.tally.up(now, -1);
        self.collect_rent(id, now);
        let node = &mut self.nodes[id.index()];
        node.rented_since = None;
        let was_draining = node.stage == Stage::Draining;
        node.stage = Stage::Down;
        node.stamp += 1;
        if let Some(absence) = fleet.availability.next(node.life, false, &mut node.stream) {
            cx.after(absence, Event::Up { node: id, stamp });
        }
        if !node.server.is_idle() {
            node.busy += self.tally.clip(node.busy_since, now);
            self.tally.busy(now, -1);
            self.lose_work(id, cx);
        }
        if was_draining {
            self.release(id, now);
        } else {
            let epoch = self.nodes[id.index()].epoch;
            cx.after(
                self.platform.retry.detection,
                Event::Notice { node: id, epoch },
            );
        }
    }

    /// Everything on the node is lost: a recorded fault, and a loss for each job that the dispatcher will notice.
    fn lose_work(&mut self, id: NodeId, cx: &mut Cx) {
        let mut lost = std::mem::take(&mut self.lost);
        let node = &mut self.nodes[id.index()];
        let tokens = node.server.abandon(cx.now(), &mut lost);
        let forfeited = self.bank.fault(id);
        self.tally.fault(cx.now(), node.owner, forfeited, tokens);
        for job in lost.drain(..) {
            self.tally.running(cx.now(), -1);
            let stamp = self.jobs[job.index()].stamp;
            cx.after(self.platform.retry.detection, Event::Lost { job, stamp });
        }
        self.lost = lost;
    }

    fn notice(&mut self, id: NodeId, epoch: u32, cx: &mut Cx) {
        if self.board.nodes[id.index()].epoch == epoch {
            self.board.node_down(id, cx.now());
            self.ask(Cause::NodeLeft(id), cx);
        }
    }

    /// The dispatcher takes a placed job for lost: refund, and try again or give up.
    fn job_lost(&mut self, job: JobId, stamp: u32, cx: &mut Cx) {
        let record = &mut self.jobs[job.index()];
        if record.stamp != stamp {
            return;
        }
        record.stamp += 1;
        record.placed = false;
        let (node, epoch, submitted) = (record.node, record.epoch, record.request.at);
        if self.platform.pricing != Pricing::Rental {
            self.bank.refund(std::mem::take(&mut record.lock));
        }
        self.free_slot(node, epoch, cx.now());
        self.tally.lost(submitted);
        if self.board.jobs[job.index()].attempts >= self.platform.retry.max_attempts {
            self.end(job, Fate::Failed, cx);
            return;
        }
        self.board.enqueue(job);
        self.ask(Cause::JobLost(job), cx);
        self.await_node(job, cx);
    }

    fn scale(&mut self, id: FleetId, cx: &mut Cx) {
        let now = cx.now();
        let ours = |node: &Node| node.fleet == id;
        let instances = self
            .nodes
            .iter()
            .filter(|n| ours(n) && n.stage.is_wanted())
            .count();
        let outstanding: u32 = self
            .nodes
            .iter()
            .filter(|n| ours(n))
            .map(|n| self.board.nodes[n.id.index()].outstanding)
            .sum();
        let waiting = self.board.view(now).waiting_len();
        let controller = self.controllers[id.index()]
            .as_mut()
            .expect("only autoscaled fleets are scaled");
        cx.after(controller.scaler.interval, Event::Scale { fleet: id });
        let decision = controller.decide(
            now,
            outstanding + waiting,
            u32::try_from(instances).expect("few instances"),
        );
        match decision {
            Scaling::Hold => {}
            Scaling::Out(count) => self.scale_out(id, count, cx),
            Scaling::In(count) => self.scale_in(id, count, now),
        }
    }

    /// Keeps instances that were about to be released, then starts new ones.
    fn scale_out(&mut self, id: FleetId, mut count: u32, cx: &mut Cx) {
        for index in 0..self.nodes.len() {
            let node = &mut self.nodes[index];
            if count == 0 || node.fleet != id || !matches!(node.stage, Stage::Draining | Stage::Off)
            {
                continue;
            }
            count -= 1;
            if node.stage == Stage::Draining {
                node.stage = Stage::Up;
                self.board.node_resumed(node.id, cx.now());
                continue;
            }
            let scaler = &self.controllers[id.index()]
                .as_ref()
                .expect("only autoscaled fleets are scaled")
                .scaler;
            let delay =
                Span::from_secs_f64(scaler.provisioning.sample(&mut self.provisioning).max(0.0));
            node.stage = Stage::Starting;
            node.rented_since = Some(cx.now());
            cx.after(
                delay,
                Event::Up {
                    node: node.id,
                    stamp: node.life_stamp,
                },
            );
        }
    }

    /// Takes the last started instances out of service; each is released when its work is done.
    fn scale_in(&mut self, id: FleetId, mut count: u32, now: SimTime) {
        for index in (0..self.nodes.len()).rev() {
            let node = &mut self.nodes[index];
            if count == 0 || node.fleet != id || node.stage != Stage::Up {
                continue;
            }
            count -= 1;
            node.stage = Stage::Draining;
            let id = node.id;
            self.board.node_down(id, now);
            if self.board.nodes[id.index()].outstanding == 0 {
                self.release(id, now);
            }
        }
    }

    /// Ends the rental of an instance.
    fn release(&mut self, id: NodeId, now: SimTime) {
        self.collect_rent(id, now);
        let node = &mut self.nodes[id.index()];
        if node.stage == Stage::Draining {
            node.up += self.tally.clip(node.up_since, now);
            self.tally.up(now, -1);
        }
        node.stage = Stage::Off;
        node.rented_since = None;
        node.life_stamp += 1;
        node.stamp += 1;
        self.board.node_down(id, now);
    }

    /// Bills the rent since the last bill, up to the horizon.
    fn collect_rent(&mut self, id: NodeId, now: SimTime) {
        let node = &mut self.nodes[id.index()];
        let end = now.min(SimTime::ZERO + self.settings.horizon);
        let (Some(since), Pricing::Rental) = (node.rented_since, &self.platform.pricing) else {
            return;
        };
        node.rented_since = Some(end.max(since));
        if end > since {
            let warm = SimTime::ZERO + self.settings.warm_up;
            // Billed in two parts, so that what is measured is exactly what is paid after the warm-up.
            for (from, to) in [
                (since, end.min(warm).max(since)),
                (since.max(warm).min(end), end),
            ] {
                if to > from {
                    let rent = self.bank.rent(node.owner, node.per_hour, to - from);
                    self.tally.rented(from, rent, node.owner);
                }
            }
        }
    }

    /// Moves the base fee by how busy the willing nodes were.
    fn reprice(&mut self, cx: &mut Cx) {
        let Pricing::BaseFee(rule) = &self.platform.pricing else {
            return;
        };
        let now = cx.now();
        cx.after(rule.epoch, Event::Reprice);
        let view = self.board.view(now);
        let willing = view
            .nodes_up()
            .iter()
            .filter(|&&node| view.willing(node))
            .count() as f64;
        let milliseconds = rule.epoch.as_secs_f64() * 1e3;
        let used = (self.tally.busy_since_repriced(now) * 1e3).round() as u64;
        let target = (willing * milliseconds * rule.target).round() as u64;
        let fee = self
            .board
            .uniform
            .expect("a base fee is set from the start")
            .output;
        let next = next_base_fee(fee.0, used, target.max(1), rule.denominator)
            .clamp(rule.floor.0, i128::from(i64::MAX));
        self.board.uniform = Some(uniform(Amount(next), rule.prompt_weight));
        self.ask(Cause::Repriced, cx);
    }

    fn sample(&mut self, cx: &mut Cx) {
        let now = cx.now();
        if now + self.settings.sample_every <= SimTime::ZERO + self.settings.horizon {
            cx.after(self.settings.sample_every, Event::Sample);
        }
        for index in 0..self.nodes.len() {
            self.collect_rent(NodeId::new(index), now);
        }
        let state = Sample {
            jobs_live: u32::try_from(self.counts.live).unwrap_or(u32::MAX),
            jobs_waiting: self.board.view(now).waiting_len(),
            base_fee: self.board.uniform.map(|price| price.output.as_f64()),
            ..Sample::default()
        };
        self.tally.sample(now, state);
    }

    fn audit(&mut self, cx: &mut Cx) {
        cx.after(AUDIT_EVERY, Event::Audit);
        for node in &self.nodes {
            self.bank.cash_out(node.owner);
        }
        self.check();
    }

    /// Asserts the invariants of the simulation.
    fn check(&self) {
        invariants::jobs(
            &self.counts,
            self.jobs.iter().filter(|job| job.live).count(),
        );
        for node in &self.nodes {
            node.server
                .audit(&self.platform.profiles[node.card.profile.index()]);
        }
        self.bank.audit();
        let under_way = self.jobs.iter().any(|job| job.live && job.placed);
        invariants::escrow(self.bank.escrow(), under_way);
    }

    fn finish(mut self, now: SimTime) -> Output {
        for index in 0..self.nodes.len() {
            self.collect_rent(NodeId::new(index), now);
            let node = &mut self.nodes[index];
            if node.stage.is_on() {
                node.up += self.tally.clip(node.up_since, now);
            }
            if !node.server.is_idle() {
                node.busy += self.tally.clip(node.busy_since, now);
            }
        }
        for node in &self.nodes {
            self.bank.cash_out(node.owner);
        }
        self.check();
        self.tally.finish(
            self.platform,
            &self.nodes,
            self.counts,
            self.recorder.into_jobs(),
        )
    }
}

impl<S: Scheduler, R: Recorder> Model for World<'_, S, R> {
    type Event = Event;

    fn handle(&mut self, event: Event, cx: &mut Cx) {
        match event {
            Event::Arrive => self.arrive(cx),
            Event::Deliver { job, stamp } => self.deliver(job, stamp, cx),
            Event::Boundary { node, stamp } => self.boundary(node, stamp, cx),
            Event::Up { node, stamp } => self.node_up(node, stamp, cx),
            Event::Down { node, stamp } => self.node_down(node, stamp, cx),
            Event::Notice { node, epoch } => self.notice(node, epoch, cx),
            Event::Lost { job, stamp } => self.job_lost(job, stamp, cx),
            Event::Patience { job, stamp } => {
                if self.jobs[job.index()].stamp == stamp {
                    self.end(job, Fate::Rejected, cx);
                }
            }
            Event::Wake => self.ask(Cause::Woken, cx),
            Event::Scale { fleet } => self.scale(fleet, cx),
            Event::Reprice => self.reprice(cx),
            Event::Sample => self.sample(cx),
            Event::Audit => self.audit(cx),
            Event::Horizon => {
                self.closing = true;
                if self.counts.live == 0 {
                    cx.stop();
                }
            }
        }
    }
}

/// The price for all at a base fee per million output tokens.
fn uniform(fee: Amount, prompt_weight: f64) -> Rates {
    Rates {
        prompt: Amount::from_f64(fee.as_f64() * prompt_weight),
        output: fee,
    }
}
