//! Elastic tasks share workers: equally, as processor sharing does (EQUI: Edmonds, Theoretical Computer Science 235, 2000), or whoever
//! has the least left takes all that it can use.

use crate::cluster::TaskId;
use crate::cluster::policy::fit::Fit;
use crate::cluster::policy::room::Room;
use crate::cluster::policy::{Cause, Orders, Scheduler, seconds};
use crate::cluster::view::{Stage, View};
use crate::ids::NodeId;

/// Who gets how many workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Division {
    /// All get as many, from their least to their most; what cannot be divided goes to who was submitted first.
    #[default]
    Equal,
    /// All go to the task with the least left, what it cannot use to the next, and so on; what has no estimate comes last.
    ShortestRemaining,
}

/// Divides workers anew between elastic tasks whenever something is submitted, ends, or comes and goes. A task that is not elastic has
/// its number of workers in its turn, and is never stopped.
#[derive(Clone, Copy, Debug, Default)]
pub struct ElasticSharing {
    division: Division,
    fit: Fit,
}

impl ElasticSharing {
    /// With this division, on nodes that `fit` chooses.
    #[must_use]
    pub fn new(division: Division, fit: Fit) -> Self {
        Self { division, fit }
    }

    /// How many workers each task should have, in its order, were none of them where it is.
    fn targets(self, all: &[TaskId], view: &View<'_>) -> Vec<u32> {
        let mut room = Room::of(view);
        for &task in all.iter().filter(|&&task| runs(task, view)) {
            room.vacate(task);
        }
        let bounds = |task: TaskId| {
            let card = view.task(task);
            (card.elastic).map_or((card.workers, card.workers), |it| (it.min, it.max))
        };
        let mut targets = vec![0; all.len()];
        let all = || all.iter().copied().enumerate();
        for (index, task) in all() {
            let (min, max) = bounds(task);
            let first = match self.division {
                Division::Equal => min,
                Division::ShortestRemaining => max,
            };
            let taken = self.take(task, first, &mut room);
            if taken.len() >= min as usize {
                targets[index] = taken.len() as u32;
            } else {
                room.give_back(&view.task(task).demand, &taken);
            }
        }
        // One more for each that has the fewest, until nobody can have more.
        let mut open: Vec<(usize, TaskId)> =
            all().filter(|&(index, _)| targets[index] > 0).collect();
        while let Some(fewest) = open.iter().map(|&(index, _)| targets[index]).min() {
            open.retain(|&(index, task)| {
                if targets[index] > fewest {
                    return true;
                }
                let more = targets[index] < bounds(task).1;
                let more = more && !self.take(task, 1, &mut room).is_empty();
                targets[index] += u32::from(more);
                more
            });
        }
        targets
    }

    /// Takes room for up to so many workers.
    fn take(self, task: TaskId, workers: u32, room: &mut Room<'_>) -> Vec<(NodeId, u16)> {
        let demand = room.view().task(task).demand;
        let mut taken = Vec::new();
        while taken.len() < workers as usize {
            let Some(node) = self.fit.choose(room, &demand) else {
                break;
            };
            taken.push((node, room.take(&demand, node)));
        }
        taken
    }
}

fn runs(task: TaskId, view: &View<'_>) -> bool {
    view.task(task).stage == Stage::Running
}

impl Scheduler for ElasticSharing {
    fn decide(&mut self, _cause: Cause, view: &View<'_>, orders: &mut Orders) {
        let elastic = |task: &TaskId| view.task(*task).elastic.is_some();
        let running = view.running().iter().copied().filter(elastic);
        let mut all: Vec<TaskId> = running.chain(view.waiting()).collect();
        all.sort_unstable();
        if self.division == Division::ShortestRemaining {
            let left = |task: TaskId| seconds(view.task(task).remaining(view.now()));
            all.sort_by(|&a, &b| left(a).total_cmp(&left(b)));
        }
        let targets = self.targets(&all, view);
        let mut room = Room::of(view);
        // Who gives way does so before others grow.
        for (&task, &target) in all.iter().zip(&targets).filter(|it| runs(*it.0, view)) {
            let card = view.task(task);
            let keeps = card.placed.len().min(target as usize);
            if keeps == card.placed.len() {
                continue;
            }
            room.give_back(&card.demand, &card.placed[keeps..]);
            if keeps == 0 {
                orders.preempt(task);
            } else {
                orders.resize(task, card.nodes().take(keeps).collect());
            }
        }
        for (&task, &target) in all.iter().zip(&targets) {
            let card = view.task(task);
            let has = card.placed.len() as u32;
            if target <= has {
                continue;
            }
            let taken = self.take(task, target - has, &mut room);
            let more = taken.iter().map(|&(node, _)| node);
            let least = card.elastic.map_or(card.workers, |elastic| elastic.min);
            if has > 0 && !taken.is_empty() {
                orders.resize(task, card.nodes().chain(more).collect());
            } else if has == 0 && taken.len() >= least as usize {
                orders.start_gang(task, more.collect());
            } else {
                room.give_back(&card.demand, &taken);
            }
        }
    }
}
