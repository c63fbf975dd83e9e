//! The story of one batch job: how long each of its tasks waited, and for what; where it ran, and what was lost.

use walras_des::{SimTime, Span, Streams};
use walras_sim::cluster::TaskId;
use walras_sim::cluster::observer::{Observer, Stop};
use walras_sim::cluster::policy::fit::Fit;
use walras_sim::cluster::policy::room::Room;
use walras_sim::cluster::policy::{Cause, Order};
use walras_sim::cluster::view::{Stage, View};
use walras_sim::ids::{JobId, NodeId};
use walras_sim::record::BatchRow;

use super::Wanted;
use crate::plan::{Batch, Plan};

/// The story of one batch job.
#[derive(Clone, Debug, PartialEq)]
pub struct JobStory {
    /// Number of the job, from zero.
    pub serial: u64,
    /// Whose it is.
    pub user: u32,
    /// When it was submitted.
    pub submitted: SimTime,
    /// By when it should be done.
    pub deadline: Option<SimTime>,
    /// Tasks that it has.
    pub tasks: u32,
    /// Tasks of others that waited when it came.
    pub ahead: usize,
    /// What happened, in order.
    pub chapters: Vec<(SimTime, Deed)>,
    /// How it ended; `None` if it was under way when the run ended, or was turned away.
    pub end: Option<BatchRow>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A task, by its position in the job, was started.
    Started {
        /// Which.
        task: u32,
        /// A worker on each of these nodes.
        nodes: Vec<NodeId>,
        /// What the manager thinks that it takes on nodes of speed one.
        estimate: Option<Span>,
        /// How it waited.
        wait: Wait,
    },
    /// The scheduler stopped a task, which keeps its progress.
    Preempted(u32),
    /// A task goes on with other workers.
    Moved(u32),
    /// A node was lost under a task, and with it so much of its work [worker time, s].
    Lost(u32, f64),
    /// A task ended.
    Ended(u32),
    /// The job was turned away.
    Rejected,
}

/// How a task waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// How long.
    pub length: Span,
    /// How often the scheduler was asked meanwhile and did not start it.
    pub asked: u64,
    /// In how many of these it would have had room.
    pub had_room: u64,
    /// Tasks of jobs submitted later that were started meanwhile.
    pub overtaken: u64,
}

/// As [`super::find`], of a cluster; `Retried` is the first that lost a node, `Failed` is none.
pub(super) fn find(
    plan: &Plan,
    batch: &Batch,
    cluster: usize,
    replication: u32,
    wanted: Wanted,
    stop: &dyn Fn() -> bool,
) -> Option<u64> {
    let seeker = run(plan, batch, cluster, replication, Seeker::default(), stop)?;
    match wanted {
        Wanted::Number(serial) => Some(serial),
        Wanted::Slowest => seeker.slowest.map(|(_, serial)| serial),
        Wanted::Retried => seeker.interrupted,
        Wanted::Failed => None,
        Wanted::Rejected => seeker.rejected,
    }
}

/// The story of the job with this number; `None` if there is none, or the run was stopped.
///
/// # Panics
/// If there is no such cluster.
#[must_use]
pub fn story(
    plan: &Plan,
    batch: &Batch,
    cluster: usize,
    replication: u32,
    serial: u64,
    stop: &dyn Fn() -> bool,
) -> Option<JobStory> {
    let scribe = Scribe {
        serial,
        story: None,
        waits: Vec::new(),
    };
    run(plan, batch, cluster, replication, scribe, stop)?.story
}

fn run<O: Observer>(
    plan: &Plan,
    batch: &Batch,
    cluster: usize,
    replication: u32,
    observer: O,
    stop: &dyn Fn() -> bool,
) -> Option<O> {
    let streams = Streams::new(plan.seed, u64::from(replication));
    let jobs = batch.workload.jobs(&streams, plan.horizon);
    let site = &batch.sites[cluster];
    let history = site.history(&batch.workload, &plan.settings(), plan.seed);
    let until = site.latest(&plan.settings());
    let watched = site.watched(jobs, &history, until, &streams, observer, stop);
    watched.map(|(_, observer)| observer)
}

/// Looks for jobs with a fate.
#[derive(Default)]
struct Seeker {
    slowest: Option<(Span, u64)>,
    interrupted: Option<u64>,
    rejected: Option<u64>,
}

impl Observer for Seeker {
    fn stopped(&mut self, view: &View<'_>, task: TaskId, _: &[(NodeId, u16)], why: Stop) {
        if let Stop::Lost(_) = why {
            let serial = view.job(view.task(task).job).serial;
            self.interrupted.get_or_insert(serial);
        }
    }

    fn ended(&mut self, _: &View<'_>, _: JobId, row: &BatchRow) {
        let response = row.ended - row.submitted;
        if self.slowest.is_none_or(|(slowest, _)| slowest < response) {
            self.slowest = Some((response, row.serial));
        }
    }

    fn rejected(&mut self, view: &View<'_>, job: JobId) {
        self.rejected.get_or_insert(view.job(job).serial);
    }
}

/// Writes down what concerns one job.
struct Scribe {
    serial: u64,
    story: Option<JobStory>,
    /// By task of the job.
    waits: Vec<Wait>,
}

impl Scribe {
    /// The position of a task in the job, if it is of it.
    fn own(&self, view: &View<'_>, task: TaskId) -> Option<usize> {
        let job = view.job(view.task(task).job);
        (job.serial == self.serial).then(|| (task.0 - job.first.0) as usize)
    }

    fn write(&mut self, at: SimTime, deed: Deed) {
        if let Some(story) = &mut self.story {
            story.chapters.push((at, deed));
        }
    }

    /// Tasks of the job that wait, with their positions.
    fn waiting(&self, view: &View<'_>) -> Vec<(usize, TaskId)> {
        if self.story.is_none() {
            return Vec::new();
        }
        let own = |task: TaskId| Some((self.own(view, task)?, task));
        view.waiting().filter_map(own).collect()
    }
}

impl Observer for Scribe {
    fn submitted(&mut self, view: &View<'_>, job: JobId) {
        let card = view.job(job);
        if card.serial != self.serial {
            return;
        }
        self.waits = vec![Wait::default(); card.tasks as usize];
        let own = (card.first.0..card.first.0 + card.tasks).map(TaskId);
        let own = own.filter(|&task| view.task(task).stage == Stage::Waiting);
        self.story = Some(JobStory {
            serial: card.serial,
            user: card.user,
            submitted: card.submitted,
            deadline: card.deadline,
            tasks: card.tasks,
            ahead: view.waiting_len() - own.count(),
            chapters: Vec::new(),
            end: None,
        });
    }

    fn decided(&mut self, view: &View<'_>, _: Cause, orders: &[Order]) {
        if self.story.as_ref().is_none_or(|story| story.end.is_some()) {
            return;
        }
        for (index, task) in self.waiting(view) {
            let starts = |order: &Order| match order {
                Order::Start(other, ..) | Order::Bind(other, _) => *other == task,
                _ => false,
            };
            if orders.iter().any(starts) {
                continue;
            }
            let mut room = Room::of(view);
            let first = &mut |room: &Room<'_>, demand: &_| Fit::First.choose(room, demand);
            let has_room = room.place(task, first).is_some();
            self.waits[index].asked += 1;
            self.waits[index].had_room += u64::from(has_room);
        }
    }

    fn started(&mut self, view: &View<'_>, task: TaskId) {
        let Some(index) = self.own(view, task) else {
            let serial = view.job(view.task(task).job).serial;
            if serial > self.serial {
                for (index, _) in self.waiting(view) {
                    self.waits[index].overtaken += 1;
                }
            }
            return;
        };
        let card = view.task(task);
        let mut wait = std::mem::take(&mut self.waits[index]);
        wait.length = view.now() - card.waiting_since;
        let deed = Deed::Started {
            task: index as u32,
            nodes: card.nodes().collect(),
            estimate: card.estimate,
            wait,
        };
        self.write(view.now(), deed);
    }

    fn stopped(&mut self, view: &View<'_>, task: TaskId, _: &[(NodeId, u16)], why: Stop) {
        if let Some(index) = self.own(view, task) {
            let index = index as u32;
            let deed = match why {
                Stop::Ended => Deed::Ended(index),
                Stop::Preempted => Deed::Preempted(index),
                Stop::Moved => Deed::Moved(index),
                Stop::Lost(work) => Deed::Lost(index, work),
            };
            self.write(view.now(), deed);
        }
    }

    fn ended(&mut self, _: &View<'_>, _: JobId, row: &BatchRow) {
        if let Some(story) = self.story.as_mut().filter(|_| row.serial == self.serial) {
            story.end = Some(*row);
        }
    }

    fn rejected(&mut self, view: &View<'_>, job: JobId) {
        if view.job(job).serial == self.serial {
            self.write(view.now(), Deed::Rejected);
        }
    }
}
