//! Delay scheduling: a job that would have to read from afar lets others go first for a while (Zaharia et al., "Delay scheduling: a
//! simple technique for achieving locality and fairness in cluster scheduling", `EuroSys` 2010).
//!
//! A job whose objects are on a share p of the nodes finds one of them within its first D offers of a random node with probability
//! 1-(1-p)^D, which is why a short wait is enough.

use std::collections::{BTreeMap, BTreeSet};

use walras_des::{SimTime, Span};

use crate::cluster::TaskId;
use crate::cluster::job::Demand;
use crate::cluster::policy::fit::Fit;
use crate::cluster::policy::room::Room;
use crate::cluster::policy::{Cause, Orders, Scheduler};
use crate::cluster::view::{Stage, View};
use crate::ids::{JobId, NodeId};

/// How long a job holds out for a node with its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// It lets so many offers pass. An offer is a decision at which a task of the job would have room, but only far from its data;
    /// none passes when a job is merely told of the arrival of another. Zero takes whatever comes.
    Offers(u32),
    /// So long after the first offer that it let pass, even if others took all that came since: a long backlog loses it all together.
    Time(Span),
}

impl Default for Patience {
    /// Three seconds, as Spark waits (`spark.locality.wait`).
    fn default() -> Self {
        Self::Time(Span::from_secs(3))
    }
}

/// Which job is asked first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// The one submitted first.
    Submitted,
    /// The one with the fewest running tasks, so that all get the same number; the one submitted first among these.
    #[default]
    Fair,
}

/// A job that has not ended.
#[derive(Clone, Debug, Default)]
struct Queue {
    waiting: BTreeSet<TaskId>,
    running: u32,
    /// Offers that it let pass since it last started a task at its data, and when the first of them came.
    passed: u32,
    since: Option<SimTime>,
}

/// What is free, as the jobs that are asked leave it.
struct Offer<'a> {
    room: Room<'a>,
    /// What fits nowhere: room only shrinks.
    too_large: Vec<Demand>,
    /// The node that fitted last.
    open: Option<NodeId>,
}

impl Offer<'_> {
    /// Whether a worker fits somewhere.
    fn has_room(&mut self, demand: &Demand) -> bool {
        if self.too_large.contains(demand) {
            return false;
        }
        let fits = |&node: &NodeId| self.room.fits(demand, node);
        let open = (self.open.filter(fits)).or_else(|| self.room.nodes().find(fits));
        if open.is_none() {
            self.too_large.push(*demand);
        } else {
            self.open = open;
        }
        open.is_some()
    }
}

/// What a job makes of an offer.
enum Answer {
    Starts {
        task: TaskId,
        nodes: Vec<NodeId>,
        is_local: bool,
    },
    LetsPass,
    HasNoRoom,
}

/// Starts tasks where the objects are that they read, as far as that takes no more than `patience`.
#[derive(Clone, Debug)]
pub struct Delay {
    patience: Patience,
    turn: Turn,
    /// Free nodes are offered again after this time.
    heartbeat: Span,
    fit: Fit,
    jobs: BTreeMap<JobId, Queue>,
    /// Jobs with waiting tasks, in the order in which they are asked.
    order: BTreeSet<(u32, JobId)>,
    /// When it has asked to be woken.
    woken: Option<SimTime>,
}

impl Default for Delay {
    fn default() -> Self {
        Self::new(
            Patience::default(),
            Turn::default(),
            Self::HEARTBEAT,
            Fit::First,
        )
    }
}

impl Delay {
    /// How often Hadoop's nodes offer what they have free.
    pub const HEARTBEAT: Span = Span::from_secs(3);

    /// Asks jobs by `turn`; what reads nothing, reads what nobody can deliver, or has lost its patience goes where `fit` says. When
    /// offers are counted, free nodes are offered anew after each `heartbeat`.
    ///
    /// # Panics
    /// If the heartbeat takes no time.
    #[must_use]
    pub fn new(patience: Patience, turn: Turn, heartbeat: Span, fit: Fit) -> Self {
        assert!(
            heartbeat > Span::ZERO,
            "a heartbeat of no time; it must be longer"
        );
        Self {
            patience,
            turn,
            heartbeat,
            fit,
            jobs: BTreeMap::new(),
            order: BTreeSet::new(),
            woken: None,
        }
    }

    fn key(turn: Turn, job: JobId, queue: &Queue) -> (u32, JobId) {
        match turn {
            Turn::Submitted => (0, job),
            Turn::Fair => (queue.running, job),
        }
    }

    /// Changes what is known of a job, and its place in the order.
    fn update(&mut self, job: JobId, change: impl FnOnce(&mut Queue)) {
        let queue = self.jobs.entry(job).or_default();
        self.order.remove(&Self::key(self.turn, job, queue));
        change(queue);
        if !queue.waiting.is_empty() {
            self.order.insert(Self::key(self.turn, job, queue));
        } else if queue.running == 0 {
            self.jobs.remove(&job);
        }
    }

    /// A node with all data of a task and room for a worker. `Err` if there is none, with whether there may be one later.
    fn local(task: TaskId, room: &Room<'_>) -> Result<NodeId, bool> {
        let view = room.view();
        let (card, reads) = (view.task(task), view.reads(task));
        let has = |node, object| view.holders(object).any(|holder| holder == node);
        let mut may_come = false;
        for node in view.holders(reads[0]) {
            if reads[1..].iter().any(|&object| !has(node, object)) {
                continue;
            }
            if room.fits(&card.demand, node) {
                return Ok(node);
            }
            may_come = may_come || view.kind(node).can_hold(&card.demand);
        }
        Err(may_come)
    }

    /// Takes room for a task, its first worker on `first` if that is given.
    fn place(
        &self,
        task: TaskId,
        first: Option<NodeId>,
        room: &mut Room<'_>,
    ) -> Option<Vec<NodeId>> {
        let mut first = first;
        room.place(task, &mut |room, demand| {
            first.take().or_else(|| self.fit.choose(room, demand))
        })
    }

    fn answer(&self, queue: &Queue, now: SimTime, offer: &mut Offer<'_>) -> Answer {
        let mut waits = Vec::new();
        for &task in &queue.waiting {
            let view = *offer.room.view();
            if !offer.has_room(&view.task(task).demand) {
                continue;
            }
            let first = if view.reads(task).is_empty() {
                None
            } else {
                match Self::local(task, &offer.room) {
                    Ok(node) => Some(node),
                    Err(true) => {
                        waits.push(task);
                        continue;
                    }
                    Err(false) => None,
                }
            };
            if let Some(nodes) = self.place(task, first, &mut offer.room) {
                return Answer::Starts {
                    task,
                    nodes,
                    is_local: true,
                };
            }
        }
        let is_patient = match self.patience {
            Patience::Offers(most) => queue.passed < most,
            Patience::Time(most) => {
                most > Span::ZERO && queue.since.is_none_or(|since| now - since < most)
            }
        };
        for task in waits {
            let before = is_patient.then(|| offer.room.clone());
            let Some(nodes) = self.place(task, None, &mut offer.room) else {
                continue;
            };
            let Some(before) = before else {
                return Answer::Starts {
                    task,
                    nodes,
                    is_local: false,
                };
            };
            offer.room = before;
            return Answer::LetsPass;
        }
        Answer::HasNoRoom
    }

    /// Offers what is free to one job, or to all in their order.
    fn offer(&mut self, only: Option<JobId>, view: &View<'_>, orders: &mut Orders) {
        let now = view.now();
        let mut offer = Offer {
            room: Room::of(view),
            too_large: Vec::new(),
            open: None,
        };
        // Who has declined would decline again.
        let mut declined: BTreeSet<JobId> = BTreeSet::new();
        let mut passed: Vec<JobId> = Vec::new();
        loop {
            let mut started = None;
            for &(_, job) in &self.order {
                if only.is_some_and(|only| only != job) || declined.contains(&job) {
                    continue;
                }
                match self.answer(&self.jobs[&job], now, &mut offer) {
                    Answer::Starts {
                        task,
                        nodes,
                        is_local,
                    } => {
                        orders.start_gang(task, nodes);
                        started = Some((job, task, is_local));
                        break;
                    }
                    Answer::LetsPass => passed.push(job),
                    Answer::HasNoRoom => {}
                }
                declined.insert(job);
            }
            let Some((job, task, is_local)) = started else {
                break;
            };
            self.update(job, |queue| {
                queue.waiting.remove(&task);
                queue.running += 1;
                if is_local {
                    (queue.passed, queue.since) = (0, None);
                }
            });
        }
        for &job in &passed {
            let queue = self.jobs.get_mut(&job).expect("it has waiting tasks");
            queue.passed = queue.passed.saturating_add(1);
            queue.since.get_or_insert(now);
        }
        self.ask_again(&passed, now, orders);
    }

    /// Asks to be woken when one of those who let an offer pass may want it after all.
    fn ask_again(&mut self, passed: &[JobId], now: SimTime, orders: &mut Orders) {
        let due = match self.patience {
            Patience::Offers(_) => (!passed.is_empty()).then(|| now + self.heartbeat),
            Patience::Time(most) => (passed.iter())
                .filter_map(|job| Some(self.jobs[job].since? + most))
                .min(),
        };
        if let Some(due) = due
            && self.woken.is_none_or(|woken| due < woken)
        {
            self.woken = Some(due);
            orders.wake(due);
        }
    }

    fn join(&mut self, task: TaskId, view: &View<'_>) {
        let card = view.task(task);
        if card.stage == Stage::Waiting {
            self.update(card.job, |queue| {
                queue.waiting.insert(task);
            });
        }
    }

    fn leave(&mut self, task: TaskId, view: &View<'_>) {
        self.update(view.task(task).job, |queue| queue.running -= 1);
    }
}

impl Scheduler for Delay {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        let only = match cause {
            Cause::Submitted(job) => {
                let card = view.job(job);
                for task in (card.first.0..card.first.0 + card.tasks).map(TaskId) {
                    self.join(task, view);
                }
                Some(job)
            }
            Cause::Ready(task) => {
                self.join(task, view);
                Some(view.task(task).job)
            }
            Cause::Interrupted(task) => {
                self.leave(task, view);
                self.join(task, view);
                Some(view.task(task).job)
            }
            Cause::Ended(task) => {
                self.leave(task, view);
                None
            }
            Cause::Woken => {
                self.woken = self.woken.filter(|&woken| woken > view.now());
                None
            }
            Cause::NodeUp(_) | Cause::NodeDown(_) => None,
        };
        self.offer(only, view, orders);
    }
}
