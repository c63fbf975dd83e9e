//! A run of a cluster as a timeline: each task a visit to each of its nodes.

use std::collections::BTreeMap;

use walras_des::{SimTime, Span, Streams};
use walras_sim::cluster::TaskId;
use walras_sim::cluster::observer::{Observer, Stop};
use walras_sim::cluster::view::View;
use walras_sim::ids::{JobId, NodeId};
use walras_sim::record::{BatchRow, Counts};

use super::{Followed, Lanes, Life, Outcome, POINTS, Phase, Timeline, Visit};
use crate::plan::{Batch, Plan};

/// As [`super::follow`], of a cluster.
pub(super) fn follow(
    plan: &Plan,
    batch: &Batch,
    cluster: usize,
    replication: u32,
    (from, to): (SimTime, SimTime),
    timeline: &mut dyn Timeline,
    stop: &dyn Fn() -> bool,
) -> Followed {
    let streams = Streams::new(plan.seed, u64::from(replication));
    let jobs = batch.workload.jobs(&streams, plan.horizon);
    let count = jobs.len() as u64;
    let site = &batch.sites[cluster];
    let end = SimTime::ZERO + plan.horizon;
    let length = to.min(end).as_nanos().saturating_sub(from.as_nanos());
    let follower = Follower {
        from,
        every: Span::from_nanos((length / POINTS).max(1)),
        timeline,
        live: BTreeMap::new(),
        lanes: Lanes::default(),
        nodes: vec![(Lanes::default(), None); site.cluster.nodes.len()],
        counts: Counts::default(),
        levels: Levels::default(),
        next_level: from,
        until: SimTime::ZERO,
    };
    let history = site.history(&batch.workload, &plan.settings(), plan.seed);
    let latest = site.latest(&plan.settings()).min(to);
    let watched = site.watched(jobs, &history, latest, &streams, follower, stop);
    let Some((outcome, mut follower)) = watched else {
        return Followed {
            events: 0,
            digest: walras_des::Digest::default(),
            counts: Counts::default(),
            until: from,
            is_whole: false,
        };
    };
    let is_whole = outcome.live == 0 && outcome.submitted == count;
    let until = if is_whole { follower.until } else { latest };
    follower.finish(until);
    Followed {
        events: outcome.events,
        digest: outcome.digest,
        counts: follower.counts,
        until,
        is_whole,
    }
}

/// What the nodes of a cluster are called: by kind.
pub(super) fn nodes(batch: &Batch, cluster: usize) -> Vec<String> {
    let cluster = &batch.sites[cluster].cluster;
    let name = |&kind: &usize| cluster.kinds[kind].name.clone();
    cluster.nodes.iter().map(name).collect()
}

/// Levels as they were told last.
#[derive(Default, PartialEq, Clone, Copy)]
struct Levels {
    up: f64,
    waiting: f64,
    running: f64,
    jobs: f64,
}

/// A job under way: its life, and the visits of each task that runs.
struct Live {
    life: Life,
    running: BTreeMap<TaskId, Vec<usize>>,
}

/// Turns what happens into lives.
struct Follower<'a> {
    from: SimTime,
    every: Span,
    timeline: &'a mut dyn Timeline,
    live: BTreeMap<u64, Live>,
    lanes: Lanes,
    /// Lanes of each node, and since when it is up.
    nodes: Vec<(Lanes, Option<SimTime>)>,
    counts: Counts,
    levels: Levels,
    next_level: SimTime,
    until: SimTime,
}

impl Follower<'_> {
    fn look(&mut self, view: &View<'_>) {
        let now = view.now();
        self.until = now;
        if now < self.next_level {
            return;
        }
        self.next_level = now + self.every;
        let up = view.nodes().iter().filter(|node| node.is_up).count();
        let levels = Levels {
            up: up as f64,
            waiting: view.waiting_len() as f64,
            running: view.running().len() as f64,
            jobs: self.live.len() as f64,
        };
        let before = std::mem::replace(&mut self.levels, levels);
        for (name, old, new) in [
            ("nodes up", before.up, levels.up),
            ("tasks waiting", before.waiting, levels.waiting),
            ("tasks running", before.running, levels.running),
            ("jobs in the system", before.jobs, levels.jobs),
        ] {
            if (old - new).abs() > 0.0 {
                self.timeline.level(now, name, new);
            }
        }
    }

    fn of<'v>(view: &View<'v>, task: TaskId) -> &'v walras_sim::cluster::view::JobCard {
        view.job(view.task(task).job)
    }

    fn turn(&mut self, view: &View<'_>, node: NodeId) {
        let (is_up, now) = (view.node(node).is_up, view.now());
        let since = &mut self.nodes[node.index()].1;
        match (*since, is_up) {
            (None, true) => *since = Some(now),
            (Some(begin), false) => {
                *since = None;
                if now >= self.from {
                    self.timeline.up(node.0, begin, now);
                }
            }
            (None, false) | (Some(_), true) => {}
        }
    }

    fn end(&mut self, serial: u64, now: SimTime, fate: &'static str) {
        let Some(Live { mut life, .. }) = self.live.remove(&serial) else {
            return;
        };
        life.ended = now;
        life.fate = fate;
        self.lanes.give_back(life.lane, now);
        if now >= self.from {
            self.timeline.life(&life);
        }
    }

    /// Tells what is under way at the end.
    fn finish(&mut self, until: SimTime) {
        self.counts.live = self.live.len() as u64;
        for (index, (_, since)) in self.nodes.iter().enumerate() {
            if let Some(since) = since {
                self.timeline.up(index as u32, *since, until);
            }
        }
        for (_, mut live) in std::mem::take(&mut self.live) {
            for visit in live.running.values().flatten() {
                close(&mut live.life.visits[*visit], until);
            }
            live.life.ended = until.max(live.life.submitted);
            self.timeline.life(&live.life);
        }
    }
}

/// Lets a visit reach to `until`.
fn close(visit: &mut Visit, until: SimTime) {
    let from = visit.placed;
    visit.stay = Some((from, until));
    visit.phases = vec![Phase {
        name: "running",
        from,
        to: until,
    }];
}

impl Observer for Follower<'_> {
    fn begun(&mut self, view: &View<'_>) {
        for index in 0..view.nodes().len() {
            self.turn(view, NodeId::new(index));
        }
    }

    fn submitted(&mut self, view: &View<'_>, job: JobId) {
        let (serial, now) = (view.job(job).serial, view.now());
        self.counts.submitted += 1;
        let life = Life {
            job: serial,
            submitted: now,
            ended: now,
            fate: "under way",
            lane: self.lanes.take(now),
            visits: Vec::new(),
        };
        let running = BTreeMap::new();
        self.live.insert(serial, Live { life, running });
        self.look(view);
    }

    fn started(&mut self, view: &View<'_>, task: TaskId) {
        let (serial, now) = (Self::of(view, task).serial, view.now());
        let mut nodes: Vec<NodeId> = view.task(task).nodes().collect();
        nodes.sort_unstable();
        nodes.dedup();
        if let Some(live) = self.live.get_mut(&serial) {
            for node in nodes {
                let visits = live.running.entry(task).or_default();
                visits.push(live.life.visits.len());
                live.life.visits.push(Visit {
                    node: node.0,
                    placed: now,
                    lane: self.nodes[node.index()].0.take(now),
                    stay: Some((now, now)),
                    phases: Vec::new(),
                    outcome: Outcome::UnderWay,
                });
            }
        }
        self.look(view);
    }

    fn stopped(&mut self, view: &View<'_>, task: TaskId, _: &[(NodeId, u16)], why: Stop) {
        let (serial, now) = (Self::of(view, task).serial, view.now());
        if let Some(live) = self.live.get_mut(&serial) {
            for index in live.running.remove(&task).unwrap_or_default() {
                let visit = &mut live.life.visits[index];
                close(visit, now);
                visit.outcome = match why {
                    Stop::Lost(_) => Outcome::Lost(Some(now)),
                    Stop::Ended | Stop::Preempted | Stop::Moved => Outcome::Delivered,
                };
                let lanes = &mut self.nodes[visit.node as usize].0;
                lanes.give_back(visit.lane, now);
            }
        }
        self.look(view);
    }

    fn turned(&mut self, view: &View<'_>, node: NodeId) {
        self.turn(view, node);
        self.look(view);
    }

    fn ended(&mut self, view: &View<'_>, _: JobId, row: &BatchRow) {
        self.counts.completed += 1;
        self.end(row.serial, view.now(), "completed");
        self.look(view);
    }

    fn rejected(&mut self, view: &View<'_>, job: JobId) {
        self.counts.rejected += 1;
        self.end(view.job(job).serial, view.now(), "rejected");
        self.look(view);
    }
}
