//! Least attained service (foreground-background): the youngest share, whatever their length (Kleinrock 1976; Nuyens and Wierman,
//! Performance Evaluation 65, 2008).

use walras_des::{SimTime, Span};

use crate::cluster::TaskId;
use crate::cluster::node::Share;
use crate::cluster::policy::{Cause, Orders, Scheduler};
use crate::cluster::view::{Stage, View};
use crate::ids::NodeId;

/// Gives a node's processor time to those of its tasks that have done the least, so that they go on alike: in equal parts, or to each in
/// proportion to the time that it takes for the same work. A new task goes to the node with the fewest. For tasks of one worker that each
/// ask for the whole processor of a node; memory is held by all, GPUs are not shared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Las {
    /// When it is woken next, if that is ahead.
    woken: SimTime,
}

impl Las {
    /// Shares by attained service on one node, with a task that is about to start; says when the youngest have caught up with the
    /// next.
    fn balance(
        view: &View<'_>,
        node: NodeId,
        newcomer: Option<TaskId>,
        orders: &mut Orders,
    ) -> Option<SimTime> {
        let attained = |task: TaskId| view.task(task).attained(view.now());
        let running = &view.node(node).running;
        let all = running.iter().copied().chain(newcomer);
        let least = all.clone().map(attained).min()?;
        // Equal but for the rounding of shares to whole nanoseconds.
        let level = least + TOLERANCE;
        let youngest = all.clone().filter(|&task| attained(task) <= level);
        // For the same work, in parts of a second.
        let kind = view.node(node).kind;
        let times = |task: TaskId| (UNIT / view.speed_on(task, kind)).round() as u64;
        let whole: u64 = youngest.clone().map(times).sum();
        let share = |task: TaskId| Share::ratio(times(task), whole);
        // Who loses gives way before others grow.
        for &task in running.iter().filter(|&&task| attained(task) > level) {
            orders.reshare(task, Share::one_of(u64::MAX));
        }
        for &task in running.iter().filter(|&&task| attained(task) <= level) {
            if view.task(task).share > share(task) {
                orders.reshare(task, share(task));
            }
        }
        for &task in running.iter().filter(|&&task| attained(task) <= level) {
            orders.reshare(task, share(task));
        }
        if let Some(task) = newcomer {
            let share = if attained(task) <= level {
                share(task)
            } else {
                Share::one_of(u64::MAX)
            };
            orders.start_shared(task, node, share);
        }
        let next = all.map(attained).filter(|&had| had > level).min()?;
        let gap = (next - least).as_secs_f64() * (whole as f64 / UNIT);
        // Who still fetches its inputs catches up later: it is looked at again after a second at the earliest.
        let fetches =
            |task: TaskId| view.task(task).stage == Stage::Running && view.task(task).speed == 0.0;
        let soonest = if youngest.clone().any(fetches) {
            Span::SECOND
        } else {
            Span::NANO
        };
        Some(view.now() + Span::from_secs_f64(gap).max(soonest))
    }
}

/// Parts of a second in which times for the same work are compared.
const UNIT: f64 = (1_u64 << 32) as f64;

/// [time]
const TOLERANCE: Span = Span::from_nanos(64);

impl Scheduler for Las {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        let nodes = || (0..view.nodes().len()).map(NodeId::new);
        let newcomer = view.waiting().next();
        let chosen = newcomer.and_then(|task| {
            let demand = &view.task(task).demand;
            let open = nodes().filter(|&node| {
                let card = view.node(node);
                card.is_up && view.kind(node).can_hold(demand) && card.free.memory >= demand.memory
            });
            open.min_by_key(|&node| (view.node(node).running.len(), node))
        });
        let changed = !matches!(cause, Cause::Submitted(_) | Cause::Ready(_));
        let mut next: Option<SimTime> = None;
        for node in nodes() {
            let here = chosen.filter(|&it| it == node).and(newcomer);
            if changed || here.is_some() {
                let caught_up = Self::balance(view, node, here, orders);
                next = next.into_iter().chain(caught_up).min();
            }
        }
        // Once for all nodes, as every waking looks at all of them: if each asked for itself, wakings would multiply.
        if let Some(next) = next
            && (self.woken <= view.now() || next < self.woken)
        {
            self.woken = next;
            orders.wake(next);
        }
        if view.waiting_len() > 1 && chosen.is_some() {
            orders.wake(view.now());
        }
    }
}
