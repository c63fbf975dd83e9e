//! A run as a timeline: which job was on which node when, and in which phase; what trace viewers and Gantt charts are drawn from.
//!
//! [`follow`] simulates a run again and tells a [`Timeline`] of it: nodes, lives of jobs with their visits to nodes, and levels over
//! time are all there is to it, of requests as of batch jobs.

use std::collections::{BTreeMap, VecDeque};

pub use walras_des::SimTime;
use walras_des::{Digest, Span};
use walras_sim::ids::NodeId;
use walras_sim::record::{Counts, Fate, JobRow, Queue, Recorder, Subject};
use walras_sim::scheduling::Scheduler;
use walras_sim::world::inspect::{Field, Owner, Probe, State};
use walras_sim::world::{Event, Playback};

use crate::plan::{Plan, Requests};

mod batch;

/// Receives a run, in order of the ends of what it is told.
pub trait Timeline {
    /// A node was up.
    fn up(&mut self, node: u32, from: SimTime, to: SimTime);
    /// A job has ended, or the end of the timeline has come.
    fn life(&mut self, life: &Life);
    /// A level has this value from here on.
    fn level(&mut self, at: SimTime, name: &'static str, value: f64);
    /// Whether it takes no more.
    fn is_full(&self) -> bool {
        false
    }
}

/// The life of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Life {
    /// Its number, from zero.
    pub job: u64,
    /// When it was submitted.
    pub submitted: SimTime,
    /// When it ended at the customer, or the timeline did.
    pub ended: SimTime,
    /// How it ended, in a word.
    pub fate: &'static str,
    /// No two jobs that overlap have the same.
    pub lane: usize,
    /// Its placements, in order.
    pub visits: Vec<Visit>,
}

/// A job at a node.
#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    /// The node.
    pub node: u32,
    /// When the job was placed there.
    pub placed: SimTime,
    /// No two jobs that overlap on a node have the same.
    pub lane: usize,
    /// When it reached the node and when it left it; `None` if it never did.
    pub stay: Option<(SimTime, SimTime)>,
    /// What the node did with it, one after the other, within the stay.
    pub phases: Vec<Phase>,
    /// How the visit ended.
    pub outcome: Outcome,
}

/// A stretch of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// What it is, such as `queue`, `prefill`, `decode` or `running`.
    pub name: &'static str,
    /// Its beginning.
    pub from: SimTime,
    /// Its end.
    pub to: SimTime,
}

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a delivery, or not yet.
    Delivered,
    /// The node left; the dispatcher noticed then, if it did.
    Lost(Option<SimTime>),
    /// It goes on.
    UnderWay,
}

/// What a timeline was told about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Followed {
    /// Events until there, and their fingerprint.
    pub events: u64,
    /// Their fingerprint.
    pub digest: Digest,
    /// Jobs by what became of them until there.
    pub counts: Counts,
    /// Until when it was told.
    pub until: SimTime,
    /// Whether that is the end of the run.
    pub is_whole: bool,
}

/// Points of a level at most, so that it says where it changes and does not fill the file.
const POINTS: u64 = 2_000;

/// Levels that are told, by the name of the field and as a viewer shows it.
const LEVELS: [(&str, &str); 5] = [
    ("nodes.up", "nodes up"),
    ("nodes.busy", "nodes busy"),
    ("jobs.waiting", "jobs waiting at the dispatcher"),
    ("jobs.on_nodes", "jobs on nodes"),
    ("price.base_fee", "base fee [USD per million output tokens]"),
];
/// What the deliveries since the last point paid, where they are paid one by one.
const PAID: &str = "price paid [USD per million output tokens]";

/// Simulates this run again and tells `timeline` what happens between `from` and `to`, or until it is full or `stop` says so.
///
/// # Panics
/// If there is no such platform.
pub fn follow(
    plan: &Plan,
    platform: usize,
    replication: u32,
    (from, to): (SimTime, SimTime),
    timeline: &mut dyn Timeline,
    stop: &dyn Fn() -> bool,
) -> Followed {
    if let Some(jobs) = plan.batch() {
        let window = (from, to);
        return batch::follow(plan, jobs, platform, replication, window, timeline, stop);
    }
    let requests = plan.expect_requests();
    let mut playback = playback(plan, requests, platform, replication);
    let last = to.min(playback.end());
    let every = Span::from_nanos((last.as_nanos().saturating_sub(from.as_nanos()) / POINTS).max(1));
    let mut follower = Follower::new(&playback.state(), from, every);
    let mut is_whole = false;
    loop {
        let is_time = playback.events().is_multiple_of(1024) && stop();
        if is_time || timeline.is_full() {
            break;
        }
        match playback.next_time() {
            None => {
                is_whole = true;
                break;
            }
            Some(next) if next > last => break,
            Some(_) => {
                playback.step();
            }
        }
        let now = playback.now();
        follower.step(now, &playback.recorder().0, &playback.state(), timeline);
    }
    // What is under way reaches to the end of the window, or to where the run was left.
    let until = if is_whole || timeline.is_full() {
        playback.now()
    } else {
        last.max(playback.now())
    };
    follower.finish(until, timeline);
    Followed {
        events: playback.events(),
        digest: playback.digest(),
        counts: follower.counts,
        until,
        is_whole,
    }
}

/// What the nodes of a run are called: device and region, by number.
#[must_use]
pub fn nodes(plan: &Plan, platform: usize, replication: u32) -> Vec<String> {
    if let Some(jobs) = plan.batch() {
        return batch::nodes(jobs, platform);
    }
    let requests = plan.expect_requests();
    let playback = playback(plan, requests, platform, replication);
    let state = playback.state();
    let name = |node| {
        let (device, region) = state.machine(node);
        format!("{device}, {region}")
    };
    (0..state.node_count()).map(name).collect()
}

fn playback<'p>(
    plan: &Plan,
    requests: &'p Requests,
    platform: usize,
    replication: u32,
) -> Playback<'p, impl Scheduler + use<'p>, Notes> {
    Playback::simulate(
        &requests.platforms[platform],
        &requests.workload,
        &plan.settings(),
        plan.seed,
        replication,
        Notes::default(),
    )
}

/// What happened in one event.
#[derive(Debug, Default)]
struct Notes(Vec<Note>);

#[derive(Clone, Copy, Debug)]
enum Note {
    Event(Event, Subject),
    Submitted(u64),
    Placed(u64, NodeId),
    Joined(u64, NodeId),
    Left(u64, NodeId),
    Ended(JobRow),
}

impl Recorder for Notes {
    const EVENTS: bool = true;
    const QUEUES: bool = true;

    fn event(&mut self, _now: SimTime, rank: u8, word: u64, subject: Subject) {
        self.0.clear();
        let event = Event::decode(rank, word).expect("every event has a rank and a word");
        self.0.push(Note::Event(event, subject));
    }

    fn placed(&mut self, job: u64, node: NodeId) {
        self.0.push(Note::Placed(job, node));
    }

    fn joined(&mut self, _at: SimTime, queue: Queue, serial: u64, _length: u64) {
        match queue {
            Queue::Platform => self.0.push(Note::Submitted(serial)),
            Queue::Node(node) => self.0.push(Note::Joined(serial, node)),
            Queue::Dispatcher => {}
        }
    }

    fn left(&mut self, _at: SimTime, queue: Queue, serial: u64, _length: u64) {
        if let Queue::Node(node) = queue {
            self.0.push(Note::Left(serial, node));
        }
    }

    fn job(&mut self, row: JobRow) {
        self.0.push(Note::Ended(row));
    }
}

/// A job under way.
struct Live {
    life: Life,
    /// Stretches of the present stay: whether it is in the batch, and since when.
    stretches: Vec<(bool, SimTime)>,
}

/// The requests of a node as its queue says.
#[derive(Clone, Default)]
struct Bench {
    waiting: VecDeque<u64>,
    /// In the order of admission.
    running: Vec<u64>,
    lanes: Lanes,
    up_since: Option<SimTime>,
}

/// Turns what happens into lives, node by node.
struct Follower {
    from: SimTime,
    every: Span,
    live: BTreeMap<u64, Live>,
    lanes: Lanes,
    benches: Vec<Bench>,
    counts: Counts,
    queue: Probe,
    up: Probe,
    levels: Vec<(Probe, &'static str, Option<f64>)>,
    /// What was paid since the last point [USD], for so many tokens.
    paid: (f64, f64),
    next_level: SimTime,
}

fn field(owner: Owner, name: &str) -> &'static Field {
    Field::named(owner, name).expect("the field exists")
}

impl Follower {
    fn new(state: &State<'_>, from: SimTime, every: Span) -> Self {
        let level = |(name, title): (&str, &'static str)| {
            (Probe::new(field(Owner::Run, name), 0), title, None)
        };
        Self {
            from,
            every,
            live: BTreeMap::new(),
            lanes: Lanes::default(),
            benches: vec![Bench::default(); state.node_count()],
            counts: Counts::default(),
            queue: Probe::each_node(field(Owner::Node, "queue")),
            up: Probe::each_node(field(Owner::Node, "up")),
            levels: LEVELS.into_iter().map(level).collect(),
            paid: (0.0, 0.0),
            next_level: from,
        }
    }

    fn step(
        &mut self,
        now: SimTime,
        notes: &[Note],
        state: &State<'_>,
        timeline: &mut dyn Timeline,
    ) {
        let (mut touched, mut is_everywhere) = (Vec::new(), false);
        for note in notes {
            match *note {
                Note::Event(event, subject) => {
                    touched.extend(subject.node);
                    is_everywhere |= matches!(event, Event::Scale { .. });
                    if let (Event::Lost { .. }, Some(job), false) =
                        (event, subject.job, subject.is_stale)
                        && let Some(visit) = self.visit(job)
                    {
                        visit.outcome = Outcome::Lost(Some(now));
                    }
                }
                Note::Submitted(job) => {
                    self.counts.submitted += 1;
                    let life = Life {
                        job,
                        submitted: now,
                        ended: now,
                        fate: "under way",
                        lane: self.lanes.take(now),
                        visits: Vec::new(),
                    };
                    let stretches = Vec::new();
                    self.live.insert(job, Live { life, stretches });
                }
                Note::Placed(job, node) => {
                    if let Some(live) = self.live.get_mut(&job) {
                        live.life.visits.push(Visit {
                            node: node.0,
                            placed: now,
                            lane: 0,
                            stay: None,
                            phases: Vec::new(),
                            outcome: Outcome::UnderWay,
                        });
                    }
                }
                Note::Joined(job, node) => {
                    touched.push(node);
                    let bench = &mut self.benches[node.index()];
                    bench.waiting.push_back(job);
                    if let Some(live) = self.live.get_mut(&job) {
                        live.stretches = vec![(false, now)];
                        if let Some(visit) = live.life.visits.last_mut() {
                            visit.lane = bench.lanes.take(now);
                            visit.stay = Some((now, now));
                        }
                    }
                }
                Note::Left(job, node) => {
                    touched.push(node);
                    let bench = &mut self.benches[node.index()];
                    bench.waiting.retain(|other| *other != job);
                    bench.running.retain(|other| *other != job);
                    if let Some(visit) =
                        self.live.get(&job).and_then(|live| live.life.visits.last())
                    {
                        bench.lanes.give_back(visit.lane, now);
                    }
                    // Delivered, if it ends in this event.
                    self.leave(job, now);
                }
                Note::Ended(row) => self.end(&row, timeline),
            }
        }
        if is_everywhere {
            touched = (0..self.benches.len()).map(NodeId::new).collect();
        }
        for node in touched {
            self.look(node, now, state, timeline);
        }
        if now >= self.next_level {
            self.tell_levels(now, state, timeline);
        }
    }

    fn visit(&mut self, job: u64) -> Option<&mut Visit> {
        self.live.get_mut(&job)?.life.visits.last_mut()
    }

    /// The job leaves its node: what it did there is lost unless it turns out to be delivered.
    fn leave(&mut self, job: u64, now: SimTime) {
        let Some(live) = self.live.get_mut(&job) else {
            return;
        };
        let phases = phases(&live.stretches, now, None);
        if let Some(visit) = live.life.visits.last_mut() {
            if let Some((_, left)) = &mut visit.stay {
                *left = now;
            }
            visit.phases = phases;
            visit.outcome = Outcome::Lost(None);
        }
    }

    /// A job ends.
    fn end(&mut self, row: &JobRow, timeline: &mut dyn Timeline) {
        let Some(Live {
            mut life,
            stretches,
        }) = self.live.remove(&row.serial)
        else {
            return;
        };
        life.ended = row.ended;
        self.lanes.give_back(life.lane, row.ended);
        life.fate = match row.fate {
            Fate::Completed => "completed",
            Fate::Failed => "failed",
            Fate::Rejected => "rejected",
        };
        match row.fate {
            Fate::Completed => self.counts.completed += 1,
            Fate::Failed => self.counts.failed += 1,
            Fate::Rejected => self.counts.rejected += 1,
        }
        self.paid.0 += row.paid;
        self.paid.1 += f64::from(row.output_tokens);
        let visit = life
            .visits
            .last_mut()
            .filter(|_| row.fate == Fate::Completed);
        if let Some(visit) = visit
            && let Some((_, left)) = visit.stay
        {
            visit.outcome = Outcome::Delivered;
            // The way back takes as long for the first token as for the last.
            let back = row.ended - left;
            let first = row.ttft.map(|ttft| {
                let at = row.submitted + Span::from_secs_f64(ttft);
                SimTime::ZERO + Span::from_nanos(at.as_nanos().saturating_sub(back.as_nanos()))
            });
            visit.phases = phases(&stretches, left, first);
        }
        if life.ended >= self.from {
            timeline.life(&life);
        }
    }

    /// Who was admitted or sent back to the queue, and whether the node is up. A server admits in the order of arrival, and sends
    /// back whom it admitted last: so the length of its queue tells who.
    fn look(&mut self, node: NodeId, now: SimTime, state: &State<'_>, timeline: &mut dyn Timeline) {
        let queued = self.queue.read(state, node.index()).unwrap_or(0.0) as usize;
        let is_up = self.up.read(state, node.index()) == Some(1.0);
        let bench = &mut self.benches[node.index()];
        while bench.waiting.len() > queued {
            let job = bench.waiting.pop_front().expect("somebody waits");
            bench.running.push(job);
            if let Some(live) = self.live.get_mut(&job) {
                live.stretches.push((true, now));
            }
        }
        while bench.waiting.len() < queued
            && let Some(job) = bench.running.pop()
        {
            bench.waiting.push_front(job);
            if let Some(live) = self.live.get_mut(&job) {
                live.stretches.push((false, now));
            }
        }
        match (bench.up_since, is_up) {
            (None, true) => bench.up_since = Some(now),
            (Some(since), false) => {
                bench.up_since = None;
                if now >= self.from {
                    timeline.up(node.0, since, now);
                }
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    fn tell_levels(&mut self, now: SimTime, state: &State<'_>, timeline: &mut dyn Timeline) {
        self.next_level = now + self.every;
        for (probe, name, last) in &mut self.levels {
            let value = probe.read(state, 0);
            if value != *last {
                *last = value;
                timeline.level(now, name, value.unwrap_or(0.0));
            }
        }
        let (paid, tokens) = std::mem::take(&mut self.paid);
        if paid > 0.0 && tokens > 0.0 {
            timeline.level(now, PAID, paid / tokens * 1e6);
        }
    }

    /// Tells what is under way at the end, if there is room for it.
    fn finish(&mut self, until: SimTime, timeline: &mut dyn Timeline) {
        self.counts.live = self.live.len() as u64;
        if timeline.is_full() {
            return;
        }
        for (index, bench) in self.benches.iter().enumerate() {
            if let Some(since) = bench.up_since {
                timeline.up(index as u32, since, until);
            }
        }
        for (_, live) in std::mem::take(&mut self.live) {
            let Live {
                mut life,
                stretches,
            } = live;
            life.ended = until.max(life.submitted);
            if let Some(visit) = life.visits.last_mut()
                && visit.outcome == Outcome::UnderWay
                && let Some((_, left)) = &mut visit.stay
            {
                *left = until;
                visit.phases = phases(&stretches, until, None);
            }
            timeline.life(&life);
        }
    }
}

/// The phases of a stay that ended at `end` from its stretches in the queue and in the batch. Where the first token is known, the
/// batch is prefill before it and decode after it; otherwise it is `running`.
fn phases(stretches: &[(bool, SimTime)], end: SimTime, first: Option<SimTime>) -> Vec<Phase> {
    let mut phases = Vec::new();
    let mut push = |name, from: SimTime, to: SimTime| {
        if from < to {
            phases.push(Phase { name, from, to });
        }
    };
    for (index, &(is_running, from)) in stretches.iter().enumerate() {
        let to = stretches.get(index + 1).map_or(end, |(_, next)| *next);
        match (is_running, first) {
            (false, _) if index == 0 => push("queue", from, to),
            (false, _) => push("preempted", from, to),
            (true, None) => push("running", from, to),
            (true, Some(first)) => {
                let first = first.clamp(from, to);
                push("prefill", from, first);
                push("decode", first, to);
            }
        }
    }
    phases
}

/// A timeline that keeps everything, for what needs it as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Stays of nodes.
    pub up: Vec<(u32, SimTime, SimTime)>,
    /// Lives of jobs, in the order of their ends.
    pub lives: Vec<Life>,
    /// Points of levels.
    pub levels: Vec<(SimTime, &'static str, f64)>,
}

impl Timeline for Kept {
    fn up(&mut self, node: u32, from: SimTime, to: SimTime) {
        self.up.push((node, from, to));
    }

    fn life(&mut self, life: &Life) {
        self.lives.push(life.clone());
    }

    fn level(&mut self, at: SimTime, name: &'static str, value: f64) {
        self.levels.push((at, name, value));
    }
}

/// Lanes for what goes on at the same time, so that nothing in one of them overlaps.
#[derive(Clone, Debug, Default)]
struct Lanes(Vec<SimTime>);

impl Lanes {
    /// The first lane that is free now; it is taken until it is given back.
    fn take(&mut self, now: SimTime) -> usize {
        let free = self.0.iter().position(|free_from| *free_from <= now);
        let lane = free.unwrap_or_else(|| {
            self.0.push(now);
            self.0.len() - 1
        });
        self.0[lane] = SimTime::MAX;
        lane
    }

    /// Gives a lane back, which is free from `at` on.
    fn give_back(&mut self, lane: usize, at: SimTime) {
        self.0[lane] = at;
    }
}
