//! The world at work: one platform, one workload, one replication.
//!
//! The life of a job: submitted → waiting at the dispatcher → placed (money locked) → delivered to the node after the network's
//! latency → served → finished (paid). When the node leaves first, the dispatcher notices after the detection delay, refunds,
//! and the job waits again, until its attempts are used up.

pub mod bound;
mod copies;
mod event;
mod fleets;
mod foresight;
mod handoff;
pub mod inspect;
mod jobs;
mod nodes;
mod orders;
mod outages;
mod playback;
mod reports;
pub mod steering;
mod tally;

use walras_des::{
    Context, Engine, Event as _, Model, Outcome, Purpose, SimTime, Span, Stream, Streams,
};

use crate::ids::{FleetId, JobId, NodeId};
use crate::invariants;
use crate::market::{Pricing, Rates, next_base_fee};
use crate::platform::{Platform, Size};
use crate::record::{Counts, Fate, Output, Recorder, Sample};
use crate::scheduling::{Cause, Orders, Refusal, Scheduler};
use crate::serving::{Backlog, Milestone};
use crate::settlement::{Bank, Lock};
use crate::supply::Controller;
use crate::units::Price;
use crate::view::{Board, Needs};
use crate::workload::{Arrivals, Prefix, Request, Workload};
use copies::Copies;
pub use event::Event;
use handoff::Handoffs;
use nodes::{Birth, Node, Registration};
use outages::Outages;
pub use playback::Playback;
use steering::Flows;
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

/// A run is cut into this many slices at least, and into hours of simulated time at least; `stop` is asked between them.
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
    let slice = Span::from_nanos((end.as_nanos() / SLICES).max(1)).min(Span::HOUR);
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

/// A live job, as it truly is; what the dispatcher knows of it is on its card.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Job {
    /// Length of its answer, which no policy knows.
    output_tokens: u32,
    /// Where it is placed ([`NOWHERE`] while it waits, [`ENDED`] in a free slot), and in which stay of that node.
    node: NodeId,
    epoch: u32,
    /// Changes whenever the job changes hands, so that old events are known as such.
    stamp: u32,
    lock: Lock,
    rates: Rates,
    /// When its customer has the first token.
    first_token: SimTime,
    /// Time from the node to the customer.
    back: Span,
}

const ENDED: NodeId = NodeId(u32::MAX - 1);

impl Job {
    fn is_live(&self) -> bool {
        self.node != ENDED
    }

    fn is_placed(&self) -> bool {
        self.node < ENDED
    }
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
    registry: Vec<Registration>,
    /// Requests that wait at servers.
    backlog: Backlog,
    controllers: Vec<Option<Controller>>,
    outages: Outages,
    provisioning: Stream,
    board: Board,
    needs: Needs,
    mean_output: u32,
    /// Errors of estimates.
    estimates: Stream,
    /// When nodes report first.
    phases: Stream,
    max_output: u32,
    jobs: Vec<Job>,
    /// How the prompts of jobs begin; empty if none share anything.
    prefixes: Vec<Option<Prefix>>,
    free: Vec<JobId>,
    copies: Copies,
    handoffs: Handoffs,
    bank: Bank,
    counts: Counts,
    refusals: Vec<Refusal>,
    tally: Tally,
    orders: Orders,
    milestones: Vec<Milestone>,
    lost: Vec<JobId>,
    closing: bool,
    /// Customers who gave up since the last change of price although they would have paid it.
    gave_up: u64,
    /// What an economy around the platform is to be told, if there is one.
    flows: Option<Flows>,
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
        let nodes::Roster {
            nodes,
            registry,
            cards,
            owners,
        } = nodes::register(platform, &sizes, streams);
        let owner_of: Vec<_> = nodes.iter().map(|node| node.owner).collect();
        let mut board = Board::new(
            cards,
            platform.profiles.clone(),
            std::sync::Arc::clone(&platform.network),
            sizes,
            workload.slo,
            platform.slots,
        );
        if let Pricing::BaseFee(rule) = &platform.pricing {
            board.uniform = Some(uniform(
                Price::from_units(rule.initial.0),
                rule.prompt_weight,
            ));
        }
        let needs = scheduler.needs();
        board.keep(needs);
        if let Some(reports) = platform.knowledge.state.reports() {
            board.wait_for_reports(reports);
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
            outages: Outages::new(platform, streams),
            provisioning: streams.open(Purpose::new("provisioning"), 0),
            board,
            needs,
            mean_output: sizes.mean_output.round().max(1.0) as u32,
            estimates: streams.open(Purpose::new("estimates"), 0),
            phases: streams.open(Purpose::new("reports"), 0),
            max_output: sizes.max_output,
            jobs: Vec::new(),
            prefixes: Vec::new(),
            free: Vec::new(),
            copies: Copies::default(),
            handoffs: Handoffs::new(platform, nodes.len()),
            bank: Bank::new(&platform.settlement, owners, &owner_of),
            counts: Counts::default(),
            refusals: Vec::new(),
            tally: Tally::new(settings, owners, platform, &nodes, &registry),
            orders: Orders::default(),
            milestones: Vec::new(),
            lost: Vec::new(),
            closing: false,
            gave_up: 0,
            flows: None,
            nodes,
            registry,
            backlog: Backlog::new(),
        }
    }

    /// Schedules what is known at the start.
    fn begin(engine: &mut Engine<Self>) {
        let is_steered = engine.model.flows.is_some();
        // Nodes of a steered world wait for their owners.
        let present = if is_steered {
            0
        } else {
            engine.model.nodes.len()
        };
        for index in 0..present {
            let node = NodeId::new(index);
            let first = match engine.model.registry[index].birth {
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
        Self::begin_reports(engine);
        if !is_steered {
            engine.model.next = engine.model.arrivals.next();
        }
        if let Some(request) = engine.model.next {
            engine.context_mut().at(request.at, Event::Arrive);
        }
        let outages = &engine.model.platform.outages;
        for (at, source) in engine.model.outages.first(outages) {
            engine.context_mut().at(at, Event::Outage { source });
        }
        let cx = engine.context_mut();
        cx.at(SimTime::ZERO, Event::Sample);
        cx.after(AUDIT_EVERY.min(settings.horizon), Event::Audit);
        cx.at(SimTime::ZERO + settings.horizon, Event::Horizon);
    }

    /// Moves the base fee by how much of the willing nodes' slots was asked for at the present price: what was served, and what
    /// waits and would pay it.
    fn reprice(&mut self, cx: &mut Cx) {
        let Pricing::BaseFee(rule) = &self.platform.pricing else {
            return;
        };
        let now = cx.now();
        cx.after(rule.epoch, Event::Reprice);
        let view = self.board.view(now);
        let is_willing = |&&node: &&NodeId| view.willing(node);
        let asks = view
            .nodes_up()
            .iter()
            .map(|&node| view.node(node).ask.output);
        let lowest_ask = asks.min();
        let willing = view.nodes_up().iter().filter(is_willing).count() as f64;
        let waiting = view.waiting().filter(|&job| view.is_demand(job)).count();
        let unmet = waiting as f64 + std::mem::take(&mut self.gave_up) as f64;
        let epoch = rule.epoch.as_secs_f64();
        let served = self.tally.served_since_repriced(now);
        let slots = willing * f64::from(self.platform.slots) * rule.target;
        // In request·ms; at most twice the target, as a block holds at most twice its target.
        let target = ((slots * epoch * 1e3).round() as u64).max(1);
        let asked = (((served + unmet * epoch) * 1e3).round() as u64).min(2 * target);
        let fee = view.uniform_price().output;
        let next = next_base_fee(fee.amount().0, asked, target, rule.denominator)
            // Below the lowest ask nobody works: a fee that sank on would only take longer to come back.
            .max(lowest_ask.map_or(0, |ask| ask.min(fee).amount().0))
            .max(rule.floor.0);
        self.board.uniform = Some(uniform(Price::from_units(next), rule.prompt_weight));
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
            base_fee: self
                .board
                .uniform
                .map(|price| price.output.amount().as_f64()),
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
            self.jobs.iter().filter(|job| job.is_live()).count() - self.copies.extra,
        );
        for node in &self.nodes {
            node.server
                .audit(&self.platform.profiles[node.profile.index()], &self.backlog);
        }
        self.check_handoffs();
        self.bank.audit();
        let under_way = self.jobs.iter().any(Job::is_placed);
        invariants::escrow(self.bank.escrow(), under_way);
    }

    fn finish(mut self, now: SimTime) -> Output {
        let measured_time = self.tally.measured_time(now);
        for index in 0..self.nodes.len() {
            self.collect_rent(NodeId::new(index), now);
            let node = &mut self.nodes[index];
            if node.stage.is_on() {
                self.registry[index].up.stop(measured_time);
            }
            if !node.server.is_idle() {
                node.busy.stop(measured_time);
            }
        }
        for node in &self.nodes {
            self.bank.cash_out(node.owner);
        }
        self.check();
        let mut output = self.tally.finish(
            self.platform,
            &self.nodes,
            &self.registry,
            self.counts,
            self.recorder.into_jobs(),
        );
        output.refusals = self.refusals;
        output
    }
}

impl<S: Scheduler, R: Recorder> Model for World<'_, S, R> {
    type Event = Event;

    const FORESIGHT: usize = 4;

    #[inline]
    fn foresee_soon(&self, event: &Event) {
        self.ask_for_subject(event);
    }

    #[inline]
    fn foresee_next(&self, event: &Event) {
        self.ask_for_company(event);
    }

    fn handle(&mut self, event: Event, cx: &mut Cx) {
        if R::EVENTS {
            let subject = self.subject(&event);
            self.recorder
                .event(cx.now(), event.rank(), event.word(), subject);
        }
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
                    self.gave_up += u64::from(self.board.view(cx.now()).is_demand(job));
                    self.end(job, Fate::Rejected, cx);
                }
            }
            Event::Wake => self.ask(Cause::Woken, cx),
            Event::Refresh { node } => self.refresh(node, cx),
            Event::Scale { fleet } => self.scale(fleet, cx),
            Event::Reprice => self.reprice(cx),
            Event::Sample => self.sample(cx),
            Event::Audit => self.audit(cx),
            Event::Outage { source } => self.outage(source, cx),
            Event::Ready { node, stamp } => self.ready(node, stamp, cx),
            Event::KvSent { stamp } => self.kv_sent(stamp, cx),
            Event::KvLanded { job, stamp } => self.kv_landed(job, stamp, cx),
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
fn uniform(fee: Price, prompt_weight: f64) -> Rates {
    Rates {
        prompt: Price::from_f64(fee.amount().as_f64() * prompt_weight),
        output: fee,
    }
}
