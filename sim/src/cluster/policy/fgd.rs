//! Fragmentation gradient descent: put each task where it makes the fewest free GPUs useless for the typical workload
//! (Weng et al., "Beware of fragmentation", USENIX ATC 2023).

use std::collections::VecDeque;

use crate::cluster::TaskId;
use crate::cluster::job::Demand;
use crate::cluster::node::{Free, Share};
use crate::cluster::policy::room::Room;
use crate::cluster::policy::{Cause, Orders, Scheduler};
use crate::cluster::view::{Stage, View};
use crate::ids::NodeId;

/// Kinds of tasks by how often they are asked for, from which fragmentation is reckoned.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix(Vec<(Demand, f64)>);

impl Mix {
    /// The shares of different demands among `demands`, in the order of their first appearance.
    #[must_use]
    pub fn of(demands: impl Iterator<Item = Demand>) -> Self {
        let mut kinds: Vec<(Demand, f64)> = Vec::new();
        let mut count = 0.0;
        for demand in demands {
            count += 1.0;
            match kinds.iter_mut().find(|(kind, _)| *kind == demand) {
                Some((_, number)) => *number += 1.0,
                None => kinds.push((demand, 1.0)),
            }
        }
        for (_, number) in &mut kinds {
            *number /= count;
        }
        Self(kinds)
    }

    /// The most frequent `n` kinds, their shares as they are.
    #[must_use]
    pub fn most_frequent(mut self, n: usize) -> Self {
        self.0.sort_by(|a, b| b.1.total_cmp(&a.1));
        self.0.truncate(n);
        self
    }

    /// Free GPU capacity of a node that the next task, drawn from the mix, could not use [thousandths of a GPU]: all of it if the task
    /// does not fit on the node or needs no GPU, and otherwise what lies on GPUs too full for it.
    #[must_use]
    pub fn fragment(&self, free: &Free, labels: u64) -> f64 {
        let all = f64::from(free.gpu());
        if all == 0.0 {
            return 0.0;
        }
        let useless = |demand: &Demand| {
            let carried = demand.labels == 0 || demand.labels & labels != 0;
            if demand.gpus == 0 || !carried || !free.fits(demand, Share::FULL) {
                return all;
            }
            let too_full = |&&gpu: &&u16| gpu < demand.gpu_share;
            free.gpus()
                .iter()
                .filter(too_full)
                .map(|&gpu| f64::from(gpu))
                .sum()
        };
        self.0
            .iter()
            .map(|(demand, share)| share * useless(demand))
            .sum()
    }

    /// The same over all nodes that are up, as a share of their free GPU capacity; `None` if none is free.
    #[must_use]
    pub fn fragmentation(&self, view: &View<'_>) -> Option<f64> {
        let (mut useless, mut all) = (0.0, 0.0);
        for (index, card) in view.nodes().iter().enumerate() {
            if card.is_up {
                useless += self.fragment(&card.free, view.kind(NodeId::new(index)).labels);
                all += f64::from(card.free.gpu());
            }
        }
        (all > 0.0).then(|| useless / all)
    }
}

/// Starts what waits in order of submission, each worker where the fragmentation grows least; what fits nowhere waits.
#[derive(Clone, Debug)]
pub struct FragmentationGradientDescent {
    mix: Mix,
    waiting: VecDeque<TaskId>,
}

impl FragmentationGradientDescent {
    /// The policy for a workload of this mix.
    #[must_use]
    pub fn new(mix: Mix) -> Self {
        Self {
            mix,
            waiting: VecDeque::new(),
        }
    }

    fn choose(&self, room: &Room<'_>, demand: &Demand) -> Option<NodeId> {
        let mut best: Option<(f64, u32, NodeId)> = None;
        for node in room.nodes() {
            if !room.fits(demand, node) {
                continue;
            }
            let labels = room.view().kind(node).labels;
            let before = room.free(node);
            let mut after = *before;
            after.take(demand, Share::FULL);
            let growth = self.mix.fragment(&after, labels) - self.mix.fragment(before, labels);
            let key = (growth, after.cpu(), node);
            if best.is_none_or(|least| key.0 < least.0 || (key.0 <= least.0 && key.1 < least.1)) {
                best = Some(key);
            }
        }
        best.map(|(.., node)| node)
    }
}

impl Scheduler for FragmentationGradientDescent {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        let mut queue = |task: TaskId| {
            if view.task(task).stage == Stage::Waiting {
                self.waiting.push_back(task);
            }
        };
        match cause {
            Cause::Submitted(job) => {
                let card = view.job(job);
                (card.first.0..card.first.0 + card.tasks).for_each(|id| queue(TaskId(id)));
            }
            Cause::Ready(task) | Cause::Interrupted(task) => queue(task),
            Cause::Ended(_) | Cause::NodeUp(_) | Cause::NodeDown(_) | Cause::Woken => {}
        }
        let mut room = Room::of(view);
        let mut left = VecDeque::new();
        while let Some(task) = self.waiting.pop_front() {
            let nodes = room.place(task, &mut |room, demand| self.choose(room, demand));
            match nodes {
                Some(nodes) => orders.start_gang(task, nodes),
                None => left.push_back(task),
            }
        }
        self.waiting = left;
    }
}
