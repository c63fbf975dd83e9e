//! What can be read off a world: the true state of a run, of each node and of each job, by name.
//!
//! One table, [`FIELDS`], gives names, units and meaning; conditions, listings and error messages come from it.
//! This is the truth, for who looks at a run from outside; no policy can reach it.
#![allow(
    clippy::unnecessary_wraps,
    reason = "readings have one shape, whether or not they can be absent"
)]

use walras_des::{SimTime, Span};

use super::nodes::{Node, Registration};
use super::{Job, World};
use crate::ids::NodeId;
use crate::ledger::Account;
use crate::platform::Platform;
use crate::record::{Counts, Recorder, Subject};
use crate::scheduling::Scheduler;
use crate::settlement::Bank;
use crate::units::{Amount, Price};
use crate::view::{Board, JobCard, NodeCard};
use crate::world::Event;

/// How a value is written, and what it can be compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A plain number, or a quantity in the unit of its field.
    Number,
    /// A time or a length of time; as a number, in nanoseconds.
    Time,
    /// Yes or no; as a number, one or zero.
    Truth,
    /// One of these words; as a number, its place among them.
    Word(&'static [&'static str]),
}

/// Stages of a node, in the order of the enum.
const STAGES: &[&str] = &[
    "off", "starting", "up", "draining", "down", "loading", "cut",
];

/// States of a job.
const STATES: &[&str] = &["expected", "waiting", "placed", "ended"];

/// One thing that can be read.
#[derive(Debug)]
pub struct Field {
    /// Its name, after `node[i].` or `job[i].` where it belongs to one of these.
    pub name: &'static str,
    /// How its value is written.
    pub kind: Kind,
    /// Unit of a number; empty where there is none.
    pub unit: &'static str,
    /// What it says.
    pub meaning: &'static str,
    read: Read,
}

/// What a field belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The run as a whole.
    Run,
    /// A node.
    Node,
    /// A job.
    Job,
}

/// How a field is read; `None` where there is no value.
#[derive(Debug)]
enum Read {
    Run(fn(&State<'_>) -> Option<f64>),
    Node(fn(&State<'_>, usize) -> Option<f64>),
    Job(fn(&State<'_>, Whereabouts) -> Option<f64>),
}

impl Field {
    /// What it belongs to.
    #[must_use]
    pub fn owner(&self) -> Owner {
        match self.read {
            Read::Run(_) => Owner::Run,
            Read::Node(_) => Owner::Node,
            Read::Job(_) => Owner::Job,
        }
    }

    /// The field of this owner with this name.
    #[must_use]
    pub fn named(owner: Owner, name: &str) -> Option<&'static Self> {
        Self::of(owner).find(|field| field.name == name)
    }

    /// All fields of an owner, in the order of listings.
    pub fn of(owner: Owner) -> impl Iterator<Item = &'static Self> + Clone {
        FIELDS.iter().filter(move |field| field.owner() == owner)
    }
}

/// Where a job is to be found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Whereabouts {
    /// Not submitted yet.
    #[default]
    Expected,
    /// Live, in this slot.
    Live(usize),
    /// Gone.
    Ended,
}

macro_rules! fields {
    ($($owner:ident $name:literal $kind:expr, [$unit:literal] $meaning:literal $read:expr;)*) => {
        /// Everything that can be read.
        pub const FIELDS: &[Field] = &[$(Field {
            name: $name, kind: $kind, unit: $unit, meaning: $meaning, read: Read::$owner($read),
        },)*];
    };
}

fields! {
    Run "time" Kind::Time, [""] "simulated time" |s| span(s.now - SimTime::ZERO);
    Run "events" Kind::Number, ["events"] "events handled so far" |s| number(s.events);
    Run "jobs.submitted" Kind::Number, ["jobs"] "requests that have arrived" |s| number(s.counts.submitted);
    Run "jobs.live" Kind::Number, ["jobs"] "submitted and not yet ended" |s| number(s.counts.live);
    Run "jobs.waiting" Kind::Number, ["jobs"] "waiting at the dispatcher for a node" |s| number(s.board.view(s.now).waiting_len());
    Run "jobs.on_nodes" Kind::Number, ["jobs"] "on a node that is up, queued or in its batch" |s| Some(s.levels.2 as f64);
    Run "jobs.completed" Kind::Number, ["jobs"] "delivered in full" |s| number(s.counts.completed);
    Run "jobs.failed" Kind::Number, ["jobs"] "given up after the last permitted attempt" |s| number(s.counts.failed);
    Run "jobs.rejected" Kind::Number, ["jobs"] "never served: no node in time or within budget" |s| number(s.counts.rejected);
    Run "orders.refused" Kind::Number, ["orders"] "orders of the scheduler that the world refused" |s| number(s.counts.refused_orders);
    Run "nodes.total" Kind::Number, ["nodes"] "nodes that the platform may ever have" |s| number(s.nodes.len() as u64);
    Run "nodes.up" Kind::Number, ["nodes"] "nodes that are up" |s| Some(s.levels.0 as f64);
    Run "nodes.known_up" Kind::Number, ["nodes"] "nodes that the dispatcher takes for up" |s| number(s.board.view(s.now).nodes_up().len() as u64);
    Run "nodes.busy" Kind::Number, ["nodes"] "nodes with a request in their batch" |s| Some(s.levels.1 as f64);
    Run "price.base_fee" Kind::Number, ["USD"] "price of a million output tokens, one for all" |s| s.board.uniform.and_then(|rates| price(rates.output));
    Run "balance.escrow" Kind::Number, ["USD or tokens"] "locked for placed jobs" |s| s.balance(Account::ESCROW);
    Run "balance.treasury" Kind::Number, ["USD or tokens"] "kept by the protocol" |s| s.balance(Account::TREASURY);
    Run "balance.stakes" Kind::Number, ["USD or tokens"] "staked by all owners" |s| s.balance(Account::STAKES);
    Node "queue" Kind::Number, ["jobs"] "waiting at the node for a place in its batch" |s, i| number(s.nodes[i].server.queued() as u64);
    Node "batch" Kind::Number, ["jobs"] "being prefilled or decoded" |s, i| number(s.nodes[i].server.batch() as u64);
    Node "outstanding" Kind::Number, ["jobs"] "placed on it, in the dispatcher's books" |s, i| number(s.card(i).outstanding);
    Node "kv" Kind::Number, ["tokens"] "in KV blocks held when its steps began" |s, i| number(s.nodes[i].server.kv_tokens(&s.platform.profiles[s.card(i).profile.index()]));
    Node "kv_capacity" Kind::Number, ["tokens"] "KV cache that there is" |s, i| number(s.platform.profiles[s.card(i).profile.index()].kv_capacity());
    Node "stage" Kind::Word(STAGES), [""] "off, starting, up, draining, down, loading or cut" |s, i| number(s.nodes[i].stage as u32);
    Node "up" Kind::Truth, [""] "whether it is up" |s, i| truth(s.nodes[i].stage.is_on());
    Node "known_up" Kind::Truth, [""] "whether the dispatcher takes it for up" |s, i| truth(s.card(i).is_up());
    Node "busy" Kind::Truth, [""] "whether it has a request in its batch" |s, i| truth(!s.nodes[i].server.is_idle());
    Node "willing" Kind::Truth, [""] "whether its owner works at the present price" |s, i| truth(s.board.view(s.now).willing(NodeId::new(i)));
    Node "price" Kind::Number, ["USD"] "price of a million output tokens placed there" |s, i| price(s.board.view(s.now).rates(NodeId::new(i)).output);
    Node "ask" Kind::Number, ["USD"] "what its owner asks for a million output tokens" |s, i| price(s.card(i).ask.output);
    Node "up_for" Kind::Time, [""] "length of its present stay so far" |s, i| s.nodes[i].stage.is_on().then_some(()).and(span(s.now - s.registry[i].up_since));
    Node "silent_for" Kind::Time, [""] "time since the dispatcher last heard of it" |s, i| span(s.now - s.card(i).observed_at);
    Node "stays" Kind::Number, ["stays"] "how often it has come up" |s, i| number(s.nodes[i].epoch);
    Node "stake" Kind::Number, ["USD or tokens"] "what is left of its stake" |s, i| money(s.bank.stake(NodeId::new(i)));
    Node "slowdown" Kind::Number, [""] "how much slower it is than its class" |s, i| Some(s.nodes[i].server.slowdown());
    Node "fleet" Kind::Number, [""] "number of its fleet, from zero" |s, i| number(s.registry[i].fleet.0);
    Node "region" Kind::Number, [""] "number of its region, from zero" |s, i| number(s.card(i).region.0);
    Job "state" Kind::Word(STATES), [""] "expected, waiting, placed or ended" |s, job| number(s.state_of(job));
    Job "attempts" Kind::Number, ["placements"] "placements so far" |s, job| s.live(job).and_then(|(_, card)| number(card.attempts));
    Job "node" Kind::Number, [""] "number of the node it is placed on" |s, job| s.live(job).filter(|(job, _)| job.is_placed()).and_then(|(job, _)| number(job.node.0));
    Job "age" Kind::Time, [""] "time since it was submitted" |s, job| s.live(job).and_then(|(_, card)| span(s.now - card.submitted));
    Job "prompt_tokens" Kind::Number, ["tokens"] "length of its prompt" |s, job| s.live(job).and_then(|(_, card)| number(card.prompt_tokens));
    Job "output_tokens" Kind::Number, ["tokens"] "length of its answer, which no scheduler knows" |s, job| s.live(job).and_then(|(job, _)| number(job.output_tokens));
    Job "limit" Kind::Number, ["USD"] "the most it pays for an answer of expected length" |s, job| s.live(job).and_then(|(_, card)| (card.limit < Price::MAX).then_some(card.limit).and_then(price));
    Job "price" Kind::Number, ["USD"] "what it pays for a million output tokens" |s, job| s.live(job).filter(|(job, _)| job.is_placed()).and_then(|(job, _)| price(job.rates.output));
}

fn number(value: impl Into<u64>) -> Option<f64> {
    Some(value.into() as f64)
}

fn span(span: Span) -> Option<f64> {
    Some(span.as_nanos() as f64)
}

fn money(amount: Amount) -> Option<f64> {
    Some(amount.as_f64())
}

fn price(price: Price) -> Option<f64> {
    money(price.amount())
}

fn truth(holds: bool) -> Option<f64> {
    Some(f64::from(u8::from(holds)))
}

/// A read-only window on the whole truth of a world.
#[derive(Clone, Copy)]
pub struct State<'w> {
    now: SimTime,
    events: u64,
    platform: &'w Platform,
    nodes: &'w [Node],
    registry: &'w [Registration],
    jobs: &'w [Job],
    board: &'w Board,
    bank: &'w Bank,
    counts: &'w Counts,
    levels: (i64, i64, i64),
}

impl<'w> State<'w> {
    /// The platform.
    #[must_use]
    pub fn platform(&self) -> &'w Platform {
        self.platform
    }

    /// Events handled so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Number of nodes that the platform may ever have.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The device class of a node, and the name of its region.
    #[must_use]
    pub fn machine(&self, node: usize) -> (&'w str, &'w str) {
        let card = self.card(node);
        let device = &self.platform.profiles[card.profile.index()].device;
        let region = &self.platform.network.regions()[card.region.index()];
        (&device.name, &region.name)
    }

    fn card(&self, node: usize) -> &'w NodeCard {
        &self.board.nodes[node]
    }

    fn balance(&self, account: Account) -> Option<f64> {
        money(self.bank.balance(account))
    }

    fn live(&self, job: Whereabouts) -> Option<(&'w Job, &'w JobCard)> {
        match job {
            Whereabouts::Live(slot) => Some((&self.jobs[slot], &self.board.jobs[slot])),
            Whereabouts::Expected | Whereabouts::Ended => None,
        }
    }

    /// Place of its state in [`STATES`].
    fn state_of(&self, job: Whereabouts) -> u32 {
        match job {
            Whereabouts::Expected => 0,
            Whereabouts::Live(slot) if !self.jobs[slot].is_placed() => 1,
            Whereabouts::Live(_) => 2,
            Whereabouts::Ended => 3,
        }
    }

    /// Where the job with this number is, given where it was found before: slots are searched once in its life.
    fn find(&self, serial: u64, before: Whereabouts) -> Whereabouts {
        let is_it =
            |slot: &usize| self.jobs[*slot].is_live() && self.board.jobs[*slot].serial == serial;
        match before {
            Whereabouts::Live(slot) if is_it(&slot) => before,
            Whereabouts::Live(_) | Whereabouts::Ended => Whereabouts::Ended,
            Whereabouts::Expected if serial >= self.counts.submitted => before,
            Whereabouts::Expected => (0..self.jobs.len())
                .find(is_it)
                .map_or(Whereabouts::Ended, Whereabouts::Live),
        }
    }
}

/// A field of something in particular, ready to be read after every event.
#[derive(Clone, Debug)]
pub struct Probe {
    field: &'static Field,
    target: Target,
}

#[derive(Clone, Copy, Debug)]
enum Target {
    Run,
    Node(usize),
    EachNode,
    Job(u64, Whereabouts),
}

impl Probe {
    /// Reads `field` of the run, or of the node or job with this number.
    ///
    /// # Panics
    /// When read, if there is no such node.
    #[must_use]
    pub fn new(field: &'static Field, number: u64) -> Self {
        let target = match field.owner() {
            Owner::Run => Target::Run,
            Owner::Node => Target::Node(usize::try_from(number).unwrap_or(usize::MAX)),
            Owner::Job => Target::Job(number, Whereabouts::Expected),
        };
        Self { field, target }
    }

    /// Reads `field` of the node that [`Probe::read`] is told.
    #[must_use]
    pub fn each_node(field: &'static Field) -> Self {
        Self {
            field,
            target: Target::EachNode,
        }
    }

    /// What it reads.
    #[must_use]
    pub fn field(&self) -> &'static Field {
        self.field
    }

    /// Whether it reads the node that [`Probe::read`] is told.
    #[must_use]
    pub fn is_each_node(&self) -> bool {
        matches!(self.target, Target::EachNode)
    }

    /// The value now, as a number in the sense of [`Kind`]; `None` where there is none.
    /// Readings must follow the course of one run; before another, [`Probe::forget`].
    #[inline]
    pub fn read(&mut self, state: &State<'_>, node: usize) -> Option<f64> {
        match (&self.field.read, &mut self.target) {
            (Read::Run(read), _) => read(state),
            (Read::Node(read), Target::Node(index)) => read(state, *index),
            (Read::Node(read), _) => read(state, node),
            (Read::Job(read), Target::Job(serial, whereabouts)) => {
                *whereabouts = state.find(*serial, *whereabouts);
                read(state, *whereabouts)
            }
            (Read::Job(_), _) => None,
        }
    }

    /// Makes it ready for another run.
    pub fn forget(&mut self) {
        if let Target::Job(_, whereabouts) = &mut self.target {
            *whereabouts = Whereabouts::Expected;
        }
    }
}

impl<S: Scheduler, R: Recorder> World<'_, S, R> {
    /// The whole truth, after so many events.
    pub(super) fn state(&self, now: SimTime, events: u64) -> State<'_> {
        State {
            now,
            events,
            platform: self.platform,
            nodes: &self.nodes,
            registry: &self.registry,
            jobs: &self.jobs,
            board: &self.board,
            bank: &self.bank,
            counts: &self.counts,
            levels: self.tally.levels(),
        }
    }

    /// What `event` is about.
    pub(super) fn subject(&self, event: &Event) -> Subject {
        let (job, node, is_stale) = match *event {
            Event::Arrive => (Some(self.counts.submitted), None, false),
            Event::Deliver { job, stamp }
            | Event::Lost { job, stamp }
            | Event::KvLanded { job, stamp } => {
                let record = &self.jobs[job.index()];
                let is_stale = record.stamp != stamp;
                (
                    (!is_stale).then(|| self.serial(job)),
                    (!is_stale).then_some(record.node),
                    is_stale,
                )
            }
            Event::Patience { job, stamp } => {
                let is_stale = self.jobs[job.index()].stamp != stamp;
                ((!is_stale).then(|| self.serial(job)), None, is_stale)
            }
            Event::Boundary { node, stamp } => {
                (None, Some(node), self.nodes[node.index()].stamp != stamp)
            }
            Event::Up { node, stamp } | Event::Down { node, stamp } => (
                None,
                Some(node),
                self.registry[node.index()].life_stamp != stamp,
            ),
            Event::Ready { node, stamp } => {
                (None, Some(node), self.registry[node.index()].loads != stamp)
            }
            Event::KvSent { stamp } => (None, None, !self.handoffs.is_next(stamp)),
            Event::Notice { node, epoch } => (None, Some(node), self.card_epoch(node) != epoch),
            Event::Refresh { node } => (None, node, false),
            Event::Wake
            | Event::Scale { .. }
            | Event::Reprice
            | Event::Sample
            | Event::Audit
            | Event::Outage { .. }
            | Event::Horizon => (None, None, false),
        };
        Subject {
            job,
            node,
            is_stale,
        }
    }

    fn card_epoch(&self, node: NodeId) -> u32 {
        self.board.nodes[node.index()].epoch
    }
}
