//! Least attained service (foreground-background): the youngest share, whatever their length (Kleinrock 1976; Nuyens and Wierman,
//! Performance Evaluation 65, 2008).

use walras_des::Span;

use crate::cluster::TaskId;
use crate::cluster::node::Share;
use crate::cluster::policy::{Cause, Orders, Scheduler};
use crate::cluster::view::View;
use crate::ids::NodeId;

/// Gives a node's processor time to those of its tasks that have had the least, in equal parts; a new task goes to the node with the
/// fewest. For tasks of one worker that each ask for the whole processor of a node; memory is held by all, GPUs are not shared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Las;

impl Las {
    /// Shares by attained service on one node, with a task that is about to start.
    fn balance(view: &View<'_>, node: NodeId, newcomer: Option<TaskId>, orders: &mut Orders) {
        let attained = |task: TaskId| view.task(task).attained(view.now());
        let running = &view.node(node).running;
        let all = running.iter().copied().chain(newcomer);
        let Some(least) = all.clone().map(attained).min() else {
            return;
        };
        // Equal but for the rounding of shares to whole nanoseconds.
        let level = least + TOLERANCE;
        let youngest = all.clone().filter(|&task| attained(task) <= level).count() as u64;
        let share = Share::one_of(youngest);
        // Who loses gives way before others grow.
        for &task in running.iter().filter(|&&task| attained(task) > level) {
            orders.reshare(task, Share::one_of(u64::MAX));
        }
        for &task in running.iter().filter(|&&task| attained(task) <= level) {
            if view.task(task).share > share {
                orders.reshare(task, share);
            }
        }
        for &task in running.iter().filter(|&&task| attained(task) <= level) {
            orders.reshare(task, share);
        }
        if let Some(task) = newcomer {
            let share = if attained(task) <= level {
                share
            } else {
                Share::one_of(u64::MAX)
            };
            orders.start_shared(task, node, share);
        }
        // The next are joined when the youngest have caught up with them.
        let next = all.map(attained).filter(|&had| had > level).min();
        if let Some(next) = next {
            let speed = view.kind(node).speed;
            let gap = (next - least).as_secs_f64() * youngest as f64 / speed;
            orders.wake(view.now() + Span::from_secs_f64(gap).max(Span::NANO));
        }
    }
}

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
                card.is_up && view.kind(node).carries(demand) && card.free.memory >= demand.memory
            });
            open.min_by_key(|&node| (view.node(node).running.len(), node))
        });
        let changed = !matches!(cause, Cause::Submitted(_) | Cause::Ready(_));
        for node in nodes() {
            let here = chosen.filter(|&it| it == node).and(newcomer);
            if changed || here.is_some() {
                Self::balance(view, node, here, orders);
            }
        }
        if view.waiting_len() > 1 && chosen.is_some() {
            orders.wake(view.now());
        }
    }
}
