//! What is expected to be free on the nodes from now on, as far as estimates tell, with what is reserved there.
//!
//! The future of a node is written down when something asks for it: most decisions look no further than the next few ends, and at
//! few nodes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use walras_des::{SimTime, Span};

use crate::cluster::TaskId;
use crate::cluster::job::Demand;
use crate::cluster::node::{Free, Share};
use crate::cluster::policy::fit::Fit;
use crate::cluster::policy::room::Room;
use crate::cluster::view::View;
use crate::ids::NodeId;

/// Room from now on. What is expected to end is what the estimates say; what runs for longer is expected to end at any moment, and
/// what has no estimate never.
pub(super) struct Ahead<'a> {
    view: View<'a>,
    fit: Fit,
    /// Room now, less what starts now.
    present: Room<'a>,
    /// What found no room now, and neither does whoever asks for as much or more.
    too_large: Vec<(Demand, u32)>,
    futures: BTreeMap<NodeId, Future>,
    ends: Ends,
    reservations: Vec<Reservation>,
    /// When and where reservations begin and end, in order.
    marks: Vec<(SimTime, NodeId)>,
}

/// Workers of one demand, on a node each, for some time.
struct Reservation {
    demand: Demand,
    nodes: Vec<NodeId>,
    start: SimTime,
    end: SimTime,
}

/// What is free on one node from each of these times to the next.
struct Future(Vec<(SimTime, Free)>);

impl<'a> Ahead<'a> {
    /// As the view says, with workers on nodes that `fit` chooses.
    pub(super) fn of(view: &View<'a>, fit: Fit) -> Self {
        Self {
            view: *view,
            fit,
            present: Room::of(view),
            too_large: Vec::new(),
            futures: BTreeMap::new(),
            ends: Ends::default(),
            reservations: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// Takes nodes for a task from now on, if there is room for as long as it is expected to take.
    pub(super) fn start(&mut self, task: TaskId) -> Option<Vec<NodeId>> {
        let card = self.view.task(task);
        let demand = card.demand;
        let more = |(less, workers): &(Demand, u32)| {
            *workers <= card.workers && asks_for_no_more(less, &demand)
        };
        if self.too_large.iter().any(more) {
            return None;
        }
        let fit = self.fit;
        let taken =
            (self.present).place_on_gpus(task, &mut |room, demand| fit.choose(room, demand));
        let Some(taken) = taken else {
            if self.too_large.len() < REMEMBERED {
                self.too_large.push((demand, card.workers));
            }
            return None;
        };
        let nodes: Vec<NodeId> = taken.iter().map(|&(node, _)| node).collect();
        let now = self.view.now();
        let end = self.end(task, now, &nodes);
        // As long as nobody ahead waits, nothing is reserved that could be in the way.
        if !self.too_large.is_empty() && !self.holds(&demand, &nodes, now, end) {
            self.present.give_back(&demand, &taken);
            return None;
        }
        self.add(Reservation {
            demand,
            nodes: nodes.clone(),
            start: now,
            end,
        });
        Some(nodes)
    }

    /// Reserves the earliest start after now of a task that cannot start now; `None` if it is not in sight.
    pub(super) fn reserve(&mut self, task: TaskId) -> Option<SimTime> {
        let demand = self.view.task(task).demand;
        let mut room = self.present.clone();
        // Whether there was room at the time before, if not for long enough.
        let mut had_room = true;
        let (mut ended, mut marked) = (0, 0);
        loop {
            let end = self.ends.get(ended, &self.view);
            let mark = self.marks.get(marked).map(|&(at, _)| at);
            let at = match (end, mark) {
                (Some((end, _)), Some(mark)) => end.min(mark),
                (Some((at, _)), None) | (None, Some(at)) => at,
                (None, None) => return None,
            };
            let mut changed = Vec::new();
            while let Some((_, task)) = self.ends.get(ended, &self.view).filter(|it| it.0 == at) {
                changed.extend(self.view.task(task).nodes());
                ended += 1;
            }
            while let Some(&(_, node)) = self.marks.get(marked).filter(|it| it.0 == at) {
                changed.push(node);
                marked += 1;
            }
            let mut could_help = had_room;
            for node in changed {
                let free = self.future(node).at(at);
                room.set(node, free);
                could_help |= room.fits(&demand, node);
            }
            if !could_help {
                continue;
            }
            let fit = self.fit;
            let taken = room.place_on_gpus(task, &mut |room, demand| fit.choose(room, demand));
            had_room = taken.is_some();
            let Some(taken) = taken else {
                continue;
            };
            room.give_back(&demand, &taken);
            let nodes: Vec<NodeId> = taken.into_iter().map(|(node, _)| node).collect();
            let end = self.end(task, at, &nodes);
            if self.holds(&demand, &nodes, at, end) {
                self.add(Reservation {
                    demand,
                    nodes,
                    start: at,
                    end,
                });
                return Some(at);
            }
        }
    }

    /// Whether workers that fit on these nodes at `start` do so until `end`.
    fn holds(&mut self, demand: &Demand, nodes: &[NodeId], start: SimTime, end: SimTime) -> bool {
        let (mut distinct, mut checked) = (nodes.iter(), Vec::new());
        distinct.all(|&node| {
            if checked.contains(&node) {
                return true;
            }
            checked.push(node);
            let workers = nodes.iter().filter(|&&other| other == node).count();
            let later = self.future(node).between(start, end).iter();
            later.skip(1).all(|(_, free)| {
                let mut free = *free;
                (0..workers).all(|_| {
                    let fits = free.fits(demand, Share::FULL);
                    if fits {
                        free.take(demand, Share::FULL);
                    }
                    fits
                })
            })
        })
    }

    fn add(&mut self, reservation: Reservation) {
        let Reservation { start, end, .. } = reservation;
        for &node in &reservation.nodes {
            if let Some(future) = self.futures.get_mut(&node) {
                future.take(&reservation.demand, start, end);
            }
            let times = [start, end].into_iter();
            for at in times.filter(|&at| at != self.view.now() && at != SimTime::MAX) {
                let place = self.marks.partition_point(|mark| *mark < (at, node));
                if self.marks.get(place) != Some(&(at, node)) {
                    self.marks.insert(place, (at, node));
                }
            }
        }
        self.reservations.push(reservation);
    }

    fn end(&self, task: TaskId, start: SimTime, nodes: &[NodeId]) -> SimTime {
        let length = expected(&self.view, task, nodes.iter().copied());
        length.map_or(SimTime::MAX, |length| later(start, length))
    }

    fn future(&mut self, node: NodeId) -> &Future {
        self.futures.entry(node).or_insert_with(|| {
            let mut future = Future::of(&self.view, node);
            for it in &self.reservations {
                for _ in it.nodes.iter().filter(|&&other| other == node) {
                    future.take(&it.demand, it.start, it.end);
                }
            }
            future
        })
    }
}

/// Demands without room that are remembered: traces have few different ones.
const REMEMBERED: usize = 16;

/// Whether there is room for `less` wherever there is room for `more`.
pub(super) fn asks_for_no_more(less: &Demand, more: &Demand) -> bool {
    let shares = less.gpus == 0 || less.gpu_share <= more.gpu_share;
    let labels = less.labels == 0 || more.labels != 0 && more.labels & !less.labels == 0;
    less.cpu <= more.cpu && less.memory <= more.memory && less.gpus <= more.gpus && shares && labels
}

impl Future {
    fn of(view: &View<'_>, node: NodeId) -> Self {
        let card = view.node(node);
        let mut ends: Vec<(SimTime, TaskId)> = (card.running.iter())
            .map(|&task| (expected_end(view, task), task))
            .collect();
        ends.sort_unstable();
        // A gang may have several workers here.
        ends.dedup();
        let mut steps = vec![(view.now(), card.free)];
        for (end, task) in ends {
            if end == SimTime::MAX {
                break;
            }
            let &(last, free) = steps.last().expect("there is a present");
            if last != end {
                steps.push((end, free));
            }
            let free = &mut steps.last_mut().expect("just added").1;
            let card = view.task(task);
            for &(_, gpus) in card.placed.iter().filter(|&&(on, _)| on == node) {
                free.give(&card.demand, card.share, gpus);
            }
        }
        Self(steps)
    }

    fn at(&self, time: SimTime) -> Free {
        self.0[self.0.partition_point(|&(at, _)| at <= time) - 1].1
    }

    /// What is free from `start`, and each change before `end`.
    fn between(&self, start: SimTime, end: SimTime) -> &[(SimTime, Free)] {
        let first = self.0.partition_point(|&(at, _)| at <= start) - 1;
        &self.0[first..self.0.partition_point(|&(at, _)| at < end)]
    }

    /// Takes room for a worker.
    fn take(&mut self, demand: &Demand, start: SimTime, end: SimTime) {
        let first = self.split(start);
        let after = if end == SimTime::MAX {
            self.0.len()
        } else {
            self.split(end)
        };
        for (_, free) in &mut self.0[first..after] {
            free.take(demand, Share::FULL);
        }
    }

    /// The step that begins at this time, which is made if there is none.
    fn split(&mut self, time: SimTime) -> usize {
        let place = self.0.partition_point(|&(at, _)| at < time);
        if self.0.get(place).is_none_or(|&(at, _)| at != time) {
            let free = self.0[place - 1].1;
            self.0.insert(place, (time, free));
        }
        place
    }
}

/// Expected ends of what runs, put in order as far as they are asked for; what is not expected to end has none.
#[derive(Default)]
struct Ends {
    first: Vec<(SimTime, TaskId)>,
    rest: Option<BinaryHeap<Reverse<(SimTime, TaskId)>>>,
}

impl Ends {
    fn get(&mut self, index: usize, view: &View<'_>) -> Option<(SimTime, TaskId)> {
        while self.first.len() <= index {
            let rest = self.rest.get_or_insert_with(|| {
                let running = view.running().iter();
                let ends = running.map(|&task| Reverse((expected_end(view, task), task)));
                ends.filter(|end| end.0.0 != SimTime::MAX).collect()
            });
            self.first.push(rest.pop()?.0);
        }
        Some(self.first[index])
    }
}

/// When a running task is expected to end: [`SimTime::MAX`] if there is no estimate.
fn expected_end(view: &View<'_>, task: TaskId) -> SimTime {
    let card = view.task(task);
    let length = expected(view, task, card.nodes());
    let end = length.map_or(SimTime::MAX, |length| later(card.started, length));
    // What should have ended may end at any moment.
    end.max(view.now() + Span::NANO)
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
