//! Backfilling in the plainest way: all that will be free on all nodes is written down for each expected end.

use walras_des::{SimTime, Span};
use walras_sim::cluster::TaskId;
use walras_sim::cluster::policy::fit::Fit;
use walras_sim::cluster::policy::room::Room;
use walras_sim::cluster::policy::{Cause, Orders, Scheduler};
use walras_sim::cluster::view::View;
use walras_sim::ids::NodeId;

/// Backfilling with reservations for the first `protected` that wait.
pub struct Naive {
    pub protected: usize,
    pub fit: Fit,
}

impl Naive {
    fn plan(&self, view: &View<'_>) -> Vec<(TaskId, Option<SimTime>)> {
        let mut ahead = Ahead::of(view, self.fit);
        let (mut reserved, mut plan) = (0, Vec::new());
        for task in view.waiting() {
            if reserved < self.protected {
                let start = ahead.reserve(task);
                reserved += usize::from(start != Some(view.now()));
                plan.push((task, start));
            } else if ahead.nodes(task, 0).is_some() {
                ahead.reserve_at(task, 0);
                plan.push((task, Some(view.now())));
            } else {
                plan.push((task, None));
            }
        }
        plan
    }
}

impl Scheduler for Naive {
    fn decide(&mut self, _cause: Cause, view: &View<'_>, orders: &mut Orders) {
        let mut room = Room::of(view);
        for (task, start) in self.plan(view) {
            if start == Some(view.now()) {
                let fit = self.fit;
                let nodes = room.place(task, &mut |room, demand| fit.choose(room, demand));
                orders.start_gang(task, nodes.expect("it was planned there"));
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
        let first = (0..self.steps.len()).find(|&first| self.nodes(task, first).is_some())?;
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
