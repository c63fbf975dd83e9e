//! Backfilling: who waits behind may start if nobody ahead is delayed by it, as far as estimates tell.
//!
//! Lifka, "The ANL/IBM SP scheduling system", JSSPP 1995 (EASY: the head of the queue is not delayed); Mu'alem and Feitelson,
//! IEEE TPDS 12(6), 2001 (conservative: nobody is).

use std::collections::BTreeMap;

use walras_des::{SimTime, Span};

use crate::cluster::TaskId;
use crate::cluster::policy::fit::Fit;
use crate::cluster::policy::room::Room;
use crate::cluster::policy::{Cause, Orders, Scheduler};
use crate::cluster::view::View;
use crate::ids::NodeId;

/// Who is protected from delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reservations {
    /// The first `n` that wait; EASY with one.
    First(usize),
    /// All that wait.
    All,
}

/// First come, first served with backfilling. A task without an estimate is expected to take forever: it is started in turn, and
/// backfilled only where no reservation needs its nodes.
///
/// What is expected to end is what the estimates say; a task that runs for longer is expected to end at any moment.
#[derive(Clone, Debug)]
pub struct Backfilling {
    reservations: Reservations,
    fit: Fit,
    promised: BTreeMap<TaskId, SimTime>,
}

impl Backfilling {
    /// EASY: the head of the queue has a reservation.
    #[must_use]
    pub fn easy(fit: Fit) -> Self {
        Self::new(Reservations::First(1), fit)
    }

    /// Conservative: all that wait have one.
    #[must_use]
    pub fn conservative(fit: Fit) -> Self {
        Self::new(Reservations::All, fit)
    }

    /// With these reservations, on nodes that `fit` chooses.
    #[must_use]
    pub fn new(reservations: Reservations, fit: Fit) -> Self {
        Self {
            reservations,
            fit,
            promised: BTreeMap::new(),
        }
    }

    /// When each waiting task is expected to start, were nothing else submitted: its reservation, if it has one.
    ///
    /// Where all have one, they are renewed in the order of their starts. As running tasks only end earlier than expected, each finds
    /// its old place free at least, on a cluster of one node; on several, the choice of nodes may come in between.
    pub fn plan(&mut self, view: &View<'_>) -> Vec<(TaskId, Option<SimTime>)> {
        let mut queue: Vec<TaskId> = view.waiting().collect();
        let protected = match self.reservations {
            Reservations::First(n) => n,
            Reservations::All => {
                let promised = |task: &TaskId| self.promised.get(task).copied();
                queue.sort_by_key(|task| promised(task).unwrap_or(SimTime::MAX));
                usize::MAX
            }
        };
        self.promised.clear();
        // As long as nobody ahead is waiting, whoever fits starts: most of the time that is all there is to do.
        let (mut room, mut plan) = (Room::of(view), Vec::<(TaskId, Option<SimTime>)>::new());
        let fit = self.fit;
        let starts = |task: &TaskId| {
            let nodes = room.place(*task, &mut |room, demand| fit.choose(room, demand));
            nodes.is_some()
        };
        let ready = queue.iter().copied().take_while(starts).count();
        plan.extend(queue.drain(..ready).map(|task| (task, Some(view.now()))));
        (self.promised).extend(plan.iter().map(|&(task, _)| (task, view.now())));
        if queue.is_empty() {
            return plan;
        }
        let mut ahead = Ahead::of(view, self.fit);
        for &(task, _) in &plan {
            ahead.reserve_at(task, 0);
        }
        let mut reserved = 0;
        for task in queue {
            if reserved < protected {
                let start = ahead.reserve(task);
                // What can start now needs no protection.
                reserved += usize::from(start != Some(view.now()));
                plan.push((task, start));
                if let Some(start) = start {
                    self.promised.insert(task, start);
                }
            } else if ahead.fits(task, 0) {
                ahead.reserve_at(task, 0);
                plan.push((task, Some(view.now())));
            } else {
                plan.push((task, None));
            }
        }
        plan
    }
}

impl Scheduler for Backfilling {
    fn decide(&mut self, _cause: Cause, view: &View<'_>, orders: &mut Orders) {
        if view.waiting_len() == 0 {
            return;
        }
        let mut room = Room::of(view);
        for (task, start) in self.plan(view) {
            if start != Some(view.now()) {
                continue;
            }
            let fit = self.fit;
            let nodes = room.place(task, &mut |room, demand| fit.choose(room, demand));
            if let Some(nodes) = nodes {
                orders.start_gang(task, nodes);
            }
        }
    }
}

/// What is expected to be free from now on: steps in time, each with the room that holds until the next.
struct Ahead<'a> {
    view: View<'a>,
    fit: Fit,
    steps: Vec<(SimTime, Room<'a>)>,
}

impl<'a> Ahead<'a> {
    fn of(view: &View<'a>, fit: Fit) -> Self {
        let now = view.now();
        let end = |&task: &TaskId| {
            let card = view.task(task);
            let length = expected(view, task, card.nodes());
            // What should have ended may end at any moment.
            let end = length.map_or(SimTime::MAX, |length| later(card.started, length));
            (end.max(now + Span::NANO), task)
        };
        let mut ends: Vec<(SimTime, TaskId)> = view.running().iter().map(end).collect();
        ends.sort_unstable();
        let mut steps = vec![(now, Room::of(view))];
        for (end, task) in ends {
            if end == SimTime::MAX {
                continue;
            }
            let (last, room) = steps.last().expect("there is a present");
            if *last != end {
                let room = room.clone();
                steps.push((end, room));
            }
            steps.last_mut().expect("just added").1.vacate(task);
        }
        Self {
            view: *view,
            fit,
            steps,
        }
    }

    /// Whether the task fits from the `first` step on for as long as it is expected to take, on the nodes that it would get first.
    fn fits(&mut self, task: TaskId, first: usize) -> bool {
        self.nodes(task, first).is_some()
    }

    /// The nodes on which it fits from the `first` step on, all along.
    fn nodes(&self, task: TaskId, first: usize) -> Option<Vec<NodeId>> {
        let demand = self.view.task(task).demand;
        let start = self.steps[first].0;
        let mut room = self.steps[first].1.clone();
        let fit = self.fit;
        let nodes = room.place(task, &mut |room, demand| fit.choose(room, demand))?;
        let end = self.end(task, start, &nodes);
        let mut after = self.steps[first + 1..].iter();
        let holds = after
            .by_ref()
            .take_while(|(at, _)| *at < end)
            .all(|(_, room)| {
                let mut room = room.clone();
                nodes.iter().all(|&node| {
                    let fits = room.fits(&demand, node);
                    if fits {
                        room.take(&demand, node);
                    }
                    fits
                })
            });
        holds.then_some(nodes)
    }

    fn end(&self, task: TaskId, start: SimTime, nodes: &[NodeId]) -> SimTime {
        let length = expected(&self.view, task, nodes.iter().copied());
        length.map_or(SimTime::MAX, |length| later(start, length))
    }

    /// Reserves the earliest start of a task; `None` if it is not in sight.
    fn reserve(&mut self, task: TaskId) -> Option<SimTime> {
        let first = (0..self.steps.len()).find(|&first| self.fits(task, first))?;
        self.reserve_at(task, first);
        Some(self.steps[first].0)
    }

    fn reserve_at(&mut self, task: TaskId, first: usize) {
        let demand = self.view.task(task).demand;
        let nodes = self.nodes(task, first).expect("it fits there");
        let end = self.end(task, self.steps[first].0, &nodes);
        let after = self.steps.partition_point(|(at, _)| *at < end);
        if end != SimTime::MAX && self.steps.get(after).is_none_or(|(at, _)| *at != end) {
            let room = self.steps[after - 1].1.clone();
            self.steps.insert(after, (end, room));
        }
        for (_, room) in &mut self.steps[first..after] {
            for &node in &nodes {
                room.take(&demand, node);
            }
        }
    }
}

/// How long the task is expected to take on these nodes: what its estimate leaves, at the pace of the slowest.
fn expected(view: &View<'_>, task: TaskId, nodes: impl Iterator<Item = NodeId>) -> Option<Span> {
    let card = view.task(task);
    let kept = card.kept().as_nanos();
    let left = Span::from_nanos(card.estimate?.as_nanos().saturating_sub(kept)).max(Span::NANO);
    let speed = nodes
        .map(|node| view.kind(node).speed)
        .fold(f64::INFINITY, f64::min);
    if (speed - 1.0).abs() < f64::EPSILON {
        return Some(left);
    }
    Some(Span::from_secs_f64(left.as_secs_f64() / speed))
}

fn later(start: SimTime, length: Span) -> SimTime {
    let nanos = start.as_nanos().saturating_add(length.as_nanos());
    SimTime::from_nanos(nanos)
}
