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
use crate::cluster::policy::room::{Room, TooLarge};
use crate::cluster::view::View;
use crate::ids::NodeId;

/// Room from now on. What is expected to end is what the estimates say; what runs for longer is expected to end at any moment, and
/// what has no estimate never.
pub(super) struct Ahead<'a> {
    view: View<'a>,
    fit: Fit,
    /// Room now, less what starts now.
    present: Room<'a>,
    /// What found no room now.
    too_large: TooLarge,
    futures: BTreeMap<NodeId, Future>,
    ends: Ends,
    /// `None` where one was withdrawn.
    reservations: Vec<Option<Reservation>>,
    /// Whether any is of what has not started here.
    reserves: bool,
    /// When and where reservations begin and end, in order.
    marks: Vec<(SimTime, NodeId)>,
}

/// Workers of one demand, for some time.
struct Reservation {
    demand: Demand,
    /// The node of each worker, and its GPUs there as bits.
    workers: Vec<(NodeId, u16)>,
    start: SimTime,
    end: SimTime,
}

/// One reservation among those made here.
pub(super) struct Handle(usize);

/// What is free on one node from each of these times to the next.
struct Future(Vec<(SimTime, Free)>);

impl<'a> Ahead<'a> {
    /// As the view says, with workers on nodes that `fit` chooses.
    pub(super) fn of(view: &View<'a>, fit: Fit) -> Self {
        Self {
            view: *view,
            fit,
            present: Room::of(view),
            too_large: TooLarge::default(),
            futures: BTreeMap::new(),
            ends: Ends::default(),
            reservations: Vec::new(),
            reserves: false,
            marks: Vec::new(),
        }
    }

    /// Takes nodes for a task from now on, if there is room for as long as it is expected to take.
    pub(super) fn start(&mut self, task: TaskId) -> Option<Vec<NodeId>> {
        let card = self.view.task(task);
        let demand = card.demand;
        if self.too_large.covers(card) {
            return None;
        }
        let fit = self.fit;
        let taken =
            (self.present).place_on_gpus(task, &mut |room, demand| fit.choose(room, demand));
        let Some(taken) = taken else {
            self.too_large.add(card);
            return None;
        };
        let now = self.view.now();
        let nodes: Vec<NodeId> = taken.iter().map(|&(node, _)| node).collect();
        let reservation = Reservation {
            demand,
            start: now,
            end: self.end(task, now, &nodes),
            workers: taken,
        };
        if !self.holds(&reservation) {
            self.present.give_back(&demand, &reservation.workers);
            return None;
        }
        self.add(reservation);
        Some(nodes)
    }

    /// Takes these nodes for a task from now on, if there is room for as long as it is expected to take.
    pub(super) fn start_on(&mut self, task: TaskId, nodes: &[NodeId]) -> bool {
        let demand = self.view.task(task).demand;
        let mut next = nodes.iter();
        let taken = self.present.place_on_gpus(task, &mut |room, demand| {
            next.next().copied().filter(|&node| room.fits(demand, node))
        });
        let Some(workers) = taken else {
            return false;
        };
        let now = self.view.now();
        let reservation = Reservation {
            demand,
            start: now,
            end: self.end(task, now, nodes),
            workers,
        };
        let holds = self.holds(&reservation);
        if holds {
            self.add(reservation);
        } else {
            self.present.give_back(&demand, &reservation.workers);
        }
        holds
    }

    /// Reserves these nodes for a task from `start`, or as soon as it can be if that has come, which is a moment later where somebody
    /// is about to end; `None` if there is no room there for as long.
    pub(super) fn keep(
        &mut self,
        task: TaskId,
        start: SimTime,
        nodes: &[NodeId],
    ) -> Option<Handle> {
        if !nodes.iter().all(|&node| self.view.node(node).is_up) {
            return None;
        }
        let now = self.view.now();
        let demand = self.view.task(task).demand;
        let end = self.end(task, start.max(now), nodes);
        let mut from = |start| {
            let workers = self.workers(&demand, nodes, start, end)?;
            Some((workers, start))
        };
        let (workers, start) = if start > now {
            from(start)?
        } else {
            from(now).or_else(|| from(now + Span::NANO))?
        };
        self.reserves = true;
        Some(self.add(Reservation {
            demand,
            workers,
            start,
            end,
        }))
    }

    /// Takes a reservation back.
    pub(super) fn withdraw(&mut self, handle: &Handle) {
        let taken = self.reservations[handle.0].take();
        let it = taken.expect("a reservation is withdrawn once");
        for &(node, gpus) in &it.workers {
            if let Some(future) = self.futures.get_mut(&node) {
                future.change(it.start, it.end, |free| {
                    free.give(&it.demand, Share::FULL, gpus);
                });
            }
        }
    }

    /// Reserves the earliest start after now of a task that cannot start now; `None` if it is not in sight.
    pub(super) fn reserve(&mut self, task: TaskId) -> Option<(SimTime, Vec<NodeId>, Handle)> {
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
            if let Some(workers) = self.workers(&demand, &nodes, at, end) {
                self.reserves = true;
                let handle = self.add(Reservation {
                    demand,
                    workers,
                    start: at,
                    end,
                });
                return Some((at, nodes, handle));
            }
        }
    }

    /// GPUs for workers on these nodes that have room from `start` to `end`; `None` if one has not.
    fn workers(
        &mut self,
        demand: &Demand,
        nodes: &[NodeId],
        start: SimTime,
        end: SimTime,
    ) -> Option<Vec<(NodeId, u16)>> {
        let mut rooms: Vec<(NodeId, Free)> = Vec::new();
        let mut workers = Vec::with_capacity(nodes.len());
        for &node in nodes {
            let known = rooms.iter().position(|&(known, _)| known == node);
            let index = known.unwrap_or_else(|| {
                rooms.push((node, self.future(node).throughout(start, end)));
                rooms.len() - 1
            });
            let free = &mut rooms[index].1;
            if !free.fits(demand, Share::FULL) {
                return None;
            }
            workers.push((node, free.take(demand, Share::FULL)));
        }
        Some(workers)
    }

    /// Whether there is room for a reservation that starts now, beside those made.
    fn holds(&mut self, it: &Reservation) -> bool {
        // What has started is not in the present room.
        if !self.reserves {
            return true;
        }
        let mut rooms: Vec<(NodeId, Free)> = Vec::new();
        it.workers.iter().all(|&(node, gpus)| {
            let known = rooms.iter().position(|&(known, _)| known == node);
            let index = known.unwrap_or_else(|| {
                rooms.push((node, self.future(node).throughout(it.start, it.end)));
                rooms.len() - 1
            });
            let free = &mut rooms[index].1;
            let fits = free.fits_on(&it.demand, gpus);
            if fits {
                free.take_on(&it.demand, gpus);
            }
            fits
        })
    }

    fn add(&mut self, it: Reservation) -> Handle {
        for &(node, gpus) in &it.workers {
            if let Some(future) = self.futures.get_mut(&node) {
                future.change(it.start, it.end, |free| free.take_on(&it.demand, gpus));
            }
            let times = [it.start, it.end].into_iter();
            for at in times.filter(|&at| at != self.view.now() && at != SimTime::MAX) {
                let place = self.marks.partition_point(|mark| *mark < (at, node));
                if self.marks.get(place) != Some(&(at, node)) {
                    self.marks.insert(place, (at, node));
                }
            }
        }
        self.reservations.push(Some(it));
        Handle(self.reservations.len() - 1)
    }

    fn end(&self, task: TaskId, start: SimTime, nodes: &[NodeId]) -> SimTime {
        end_of(&self.view, task, start, nodes)
    }

    fn future(&mut self, node: NodeId) -> &Future {
        self.futures.entry(node).or_insert_with(|| {
            let mut future = Future::of(&self.view, node);
            for it in self.reservations.iter().flatten() {
                for &(_, gpus) in it.workers.iter().filter(|&&(other, _)| other == node) {
                    future.change(it.start, it.end, |free| free.take_on(&it.demand, gpus));
                }
            }
            future
        })
    }
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

    /// What is free at all times from `start` to `end`.
    fn throughout(&self, start: SimTime, end: SimTime) -> Free {
        let first = self.0.partition_point(|&(at, _)| at <= start) - 1;
        let last = self.0.partition_point(|&(at, _)| at < end).max(first + 1);
        let mut steps = self.0[first..last].iter().map(|&(_, free)| free);
        let head = steps.next().expect("there is a present");
        steps.fold(head, |all, free| all.meet(&free))
    }

    /// Changes what is free from `start` to `end`.
    fn change(&mut self, start: SimTime, end: SimTime, change: impl Fn(&mut Free)) {
        let first = self.split(start);
        let after = if end == SimTime::MAX {
            self.0.len()
        } else {
            self.split(end)
        };
        for (_, free) in &mut self.0[first..after] {
            change(free);
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

/// When a task that starts on these nodes then is expected to end: [`SimTime::MAX`] if there is no estimate.
pub(super) fn end_of(view: &View<'_>, task: TaskId, start: SimTime, nodes: &[NodeId]) -> SimTime {
    let length = expected(view, task, nodes.iter().copied());
    length.map_or(SimTime::MAX, |length| later(start, length))
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
