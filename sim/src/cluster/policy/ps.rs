//! Processor sharing: all that is on a node shares its processor time equally (Kleinrock, "Queueing Systems" II, 1976).

use crate::cluster::node::Share;
use crate::cluster::policy::{Cause, Orders, Scheduler};
use crate::cluster::view::View;
use crate::ids::NodeId;

/// Starts every task at once, on the node with the fewest, where it shares the processor time in proportion to what each asks for.
/// For tasks of one worker; memory and GPUs are not shared, and what finds no room for these waits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ps;

impl Ps {
    /// The share of all tasks on a node that has this many asking for so much [thousandths of a core].
    fn share(view: &View<'_>, node: NodeId, asked: u64) -> Share {
        Share::ratio(u64::from(view.kind(node).cpu), asked.max(1))
    }

    fn asked(view: &View<'_>, node: NodeId) -> u64 {
        let running = view.node(node).running.iter();
        running
            .map(|&task| u64::from(view.task(task).demand.cpu))
            .sum()
    }
}

impl Scheduler for Ps {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        if let Cause::Ended(_) | Cause::NodeDown(_) | Cause::NodeUp(_) | Cause::Woken = cause {
            // The others grow into what became free.
            for (index, card) in view.nodes().iter().enumerate() {
                let node = NodeId::new(index);
                let share = Self::share(view, node, Self::asked(view, node));
                for &task in &card.running {
                    orders.reshare(task, share);
                }
            }
        }
        let Some(task) = view.waiting().next() else {
            return;
        };
        let demand = view.task(task).demand;
        let open = (0..view.nodes().len()).map(NodeId::new).filter(|&node| {
            let card = view.node(node);
            card.is_up && view.kind(node).carries(&demand) && card.free.memory >= demand.memory
        });
        let Some(node) = open.min_by_key(|&node| (view.node(node).running.len(), node)) else {
            return;
        };
        let asked = Self::asked(view, node) + u64::from(demand.cpu);
        let share = Self::share(view, node, asked);
        for &other in &view.node(node).running {
            orders.reshare(other, share);
        }
        orders.start_shared(task, node, share);
        if view.waiting_len() > 1 {
            orders.wake(view.now());
        }
    }
}
