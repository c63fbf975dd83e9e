//! The story of one job: submitted, seen, placed, reached, lost, retried, ended, with what the policy knew at each step.
//!
//! The run is simulated again with a [`Witness`] before the policy and a scribe beside the world; both change nothing.

use walras_des::{SimTime, Span, Streams};
use walras_sim::ids::NodeId;
use walras_sim::record::{JobRow, JobTable, Queue, Recorder, Subject};
use walras_sim::world::{Event, Playback, World, simulate};

use crate::plan::Plan;
use crate::witness::{Card, Decision, Witness};

pub mod batch;

/// The story of one job.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// Number of the request, from zero.
    pub serial: u64,
    /// What the platform knew of it when it came.
    pub card: Card,
    /// What happened, in order.
    pub chapters: Vec<(SimTime, Chapter)>,
    /// How it ended; `None` if it was under way when the run ended.
    pub end: Option<JobRow>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Chapter {
    /// The policy decided about it.
    Decided(Decision),
    /// It reached the node, which then held so many others.
    Reached(NodeId, u64),
    /// It came to a node that had left.
    Missed(NodeId),
    /// Its node left.
    NodeLeft(NodeId),
    /// The dispatcher took it for lost.
    Lost,
    /// Its first token was at the customer, so long after it was submitted.
    FirstToken(Span),
}

/// Which job is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The request of this number, from zero.
    Number(u64),
    /// The one with the longest time to first token.
    Slowest,
    /// The first that needed more than one placement, and was delivered.
    Retried,
    /// The first that was given up.
    Failed,
    /// The first that was never served.
    Rejected,
}

/// The number of the job that is meant, if there is one; all jobs of the run are looked at unless it is given.
#[must_use]
pub fn find(
    plan: &Plan,
    platform: usize,
    replication: u32,
    wanted: Wanted,
    stop: &dyn Fn() -> bool,
) -> Option<u64> {
    use walras_sim::record::Fate;
    if let Wanted::Number(serial) = wanted {
        return Some(serial);
    }
    if let Some(jobs) = plan.batch() {
        return batch::find(plan, jobs, platform, replication, wanted, stop);
    }
    let requests = plan.expect_requests();
    let output = simulate(
        &requests.platforms[platform],
        &requests.workload,
        &plan.settings(),
        plan.seed,
        replication,
        JobTable::default(),
        stop,
    )?;
    let mut rows = output.jobs;
    rows.sort_by_key(|row| row.serial);
    let first = |is_wanted: fn(&JobRow) -> bool| rows.iter().find(|row| is_wanted(row));
    let found = match wanted {
        Wanted::Number(_) => None,
        Wanted::Slowest => rows
            .iter()
            .filter(|row| row.ttft.is_some())
            .max_by(|a, b| a.ttft.unwrap_or(0.0).total_cmp(&b.ttft.unwrap_or(0.0))),
        Wanted::Retried => first(|row| row.fate == Fate::Completed && row.attempts > 1),
        Wanted::Failed => first(|row| row.fate == Fate::Failed),
        Wanted::Rejected => first(|row| row.fate == Fate::Rejected),
    };
    found.map(|row| row.serial)
}

/// The story of the request with this number; `None` if no such request was submitted before the run ended or was stopped.
///
/// # Panics
/// If there is no such platform.
#[must_use]
pub fn story(
    plan: &Plan,
    platform: usize,
    replication: u32,
    serial: u64,
    stop: &dyn Fn() -> bool,
) -> Option<Story> {
    let streams = Streams::new(plan.seed, u64::from(replication));
    let platform = &plan.expect_requests().platforms[platform];
    let witness = Witness::new(platform.policy.build(&streams), serial);
    let scribe = Scribe {
        serial,
        node: None,
        chapters: Vec::new(),
        end: None,
    };
    let settings = plan.settings();
    let world = World::new(
        platform,
        &plan.expect_requests().workload,
        &settings,
        &streams,
        witness,
        scribe,
    );
    let mut playback = Playback::new(world);
    while playback.recorder().end.is_none() && playback.step().is_some() {
        if playback.events().is_multiple_of(1024) && stop() {
            return None;
        }
    }
    let (witness, scribe) = (playback.scheduler(), playback.recorder());
    let card = witness.card?;
    let decided = witness
        .decisions
        .iter()
        .map(|decision| (decision.at, Chapter::Decided(decision.clone())));
    let mut chapters: Vec<_> = decided.chain(scribe.chapters.iter().cloned()).collect();
    if let Some(ttft) = scribe.end.and_then(|row| row.ttft) {
        let after = Span::from_secs_f64(ttft);
        chapters.push((card.submitted + after, Chapter::FirstToken(after)));
    }
    chapters.sort_by_key(|(at, chapter)| (*at, chapter.order()));
    Some(Story {
        serial,
        card,
        chapters,
        end: scribe.end,
    })
}

impl Chapter {
    /// What comes first of what happens at one instant.
    fn order(&self) -> u8 {
        match self {
            Self::NodeLeft(_) => 0,
            Self::Lost => 1,
            Self::Decided(_) => 2,
            Self::Reached(..) | Self::Missed(_) => 3,
            Self::FirstToken(_) => 4,
        }
    }
}

/// Writes down what happens to one job.
struct Scribe {
    serial: u64,
    /// Where it is placed.
    node: Option<NodeId>,
    chapters: Vec<(SimTime, Chapter)>,
    end: Option<JobRow>,
}

impl Recorder for Scribe {
    const EVENTS: bool = true;
    const QUEUES: bool = true;

    fn event(&mut self, now: SimTime, rank: u8, word: u64, subject: Subject) {
        if subject.is_stale {
            return;
        }
        let is_ours = subject.job == Some(self.serial);
        match Event::decode(rank, word) {
            // Whether it is received is known when it joins the queue there.
            Some(Event::Deliver { .. }) if is_ours => {
                let node = subject.node.expect("a delivery has a node");
                self.chapters.push((now, Chapter::Missed(node)));
            }
            Some(Event::Lost { .. }) if is_ours => {
                self.node = None;
                self.chapters.push((now, Chapter::Lost));
            }
            Some(Event::Down { .. }) if subject.node.is_some() && subject.node == self.node => {
                let node = subject.node.expect("it is there");
                self.chapters.push((now, Chapter::NodeLeft(node)));
            }
            _ => {}
        }
    }

    fn placed(&mut self, job: u64, node: NodeId) {
        if job == self.serial {
            self.node = Some(node);
        }
    }

    fn joined(&mut self, at: SimTime, queue: Queue, serial: u64, length: u64) {
        if serial == self.serial
            && let Queue::Node(node) = queue
        {
            // It was not missed after all.
            if let Some((_, chapter @ Chapter::Missed(_))) = self.chapters.last_mut() {
                *chapter = Chapter::Reached(node, length.saturating_sub(1));
            } else {
                self.chapters
                    .push((at, Chapter::Reached(node, length.saturating_sub(1))));
            }
        }
    }

    fn job(&mut self, row: JobRow) {
        if row.serial == self.serial {
            self.end = Some(row);
        }
    }
}
