//! Dominant resource fairness: the user whose largest share of any resource is the smallest comes first
//! (Ghodsi et al., NSDI 2011).

use std::collections::{BTreeMap, VecDeque};

use crate::cluster::TaskId;
use crate::cluster::job::Demand;
use crate::cluster::policy::fit::Fit;
use crate::cluster::policy::room::Room;
use crate::cluster::policy::{Cause, Orders, Scheduler};
use crate::cluster::view::{Stage, View};

/// Starts the first task of the user with the least dominant share, again and again, as long as one of them has room.
/// A user whose first task has none is passed over until something changes.
#[derive(Clone, Debug, Default)]
pub struct Drf {
    fit: Fit,
    queues: BTreeMap<u32, VecDeque<TaskId>>,
    /// What each user holds of processor time, memory and GPUs.
    held: BTreeMap<u32, [u64; 3]>,
    /// Tasks that hold it, by whose they are.
    holders: BTreeMap<TaskId, u32>,
}

impl Drf {
    /// The policy, on nodes that `fit` chooses.
    #[must_use]
    pub fn new(fit: Fit) -> Self {
        Self {
            fit,
            ..Self::default()
        }
    }

    fn queue(&mut self, task: TaskId, view: &View<'_>) {
        let card = view.task(task);
        if card.stage == Stage::Waiting {
            let user = view.job(card.job).user;
            self.queues.entry(user).or_default().push_back(task);
        }
    }

    fn release(&mut self, task: TaskId, view: &View<'_>) {
        if let Some(user) = self.holders.remove(&task) {
            let held = self.held.entry(user).or_default();
            for (held, asked) in held.iter_mut().zip(asked(task, view)) {
                *held -= asked;
            }
        }
    }

    /// The largest share of any resource that a user has of what is up.
    #[must_use]
    pub fn dominant_share(&self, user: u32, view: &View<'_>) -> f64 {
        let whole = capacity(view);
        let held = self.held.get(&user).copied().unwrap_or_default();
        let shares = held.iter().zip(whole).map(|(&held, whole)| {
            if whole == 0 {
                0.0
            } else {
                held as f64 / whole as f64
            }
        });
        shares.fold(0.0, f64::max)
    }
}

fn asked(task: TaskId, view: &View<'_>) -> [u64; 3] {
    let card = view.task(task);
    let of = |demand: &Demand| [demand.cpu, demand.memory, demand.gpu()];
    of(&card.demand).map(|asked| u64::from(asked) * u64::from(card.workers))
}

fn capacity(view: &View<'_>) -> [u64; 3] {
    let mut whole = [0; 3];
    for (index, card) in view.nodes().iter().enumerate() {
        if card.is_up {
            let kind = view.kind(crate::ids::NodeId::new(index));
            whole[0] += u64::from(kind.cpu);
            whole[1] += u64::from(kind.memory);
            whole[2] += u64::from(kind.gpus) * 1000;
        }
    }
    whole
}

impl Scheduler for Drf {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        match cause {
            Cause::Submitted(job) => {
                let card = view.job(job);
                for id in card.first.0..card.first.0 + card.tasks {
                    self.queue(TaskId(id), view);
                }
            }
            Cause::Ready(task) => self.queue(task, view),
            Cause::Interrupted(task) => {
                self.release(task, view);
                self.queue(task, view);
            }
            Cause::Ended(task) => self.release(task, view),
            Cause::NodeUp(_) | Cause::NodeDown(_) | Cause::Woken => {}
        }
        let mut room = Room::of(view);
        let mut open: Vec<u32> = self.queues.keys().copied().collect();
        open.retain(|user| !self.queues[user].is_empty());
        while !open.is_empty() {
            let shares = open
                .iter()
                .map(|&user| (self.dominant_share(user, view), user));
            let (_, user) = shares
                .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
                .expect("one is open");
            let task = self.queues[&user][0];
            let fit = self.fit;
            let nodes = room.place(task, &mut |room, demand| fit.choose(room, demand));
            let Some(nodes) = nodes else {
                open.retain(|&other| other != user);
                continue;
            };
            orders.start_gang(task, nodes);
            let queue = self.queues.get_mut(&user).expect("it has one");
            queue.pop_front();
            if queue.is_empty() {
                open.retain(|&other| other != user);
            }
            let held = self.held.entry(user).or_default();
            for (held, asked) in held.iter_mut().zip(asked(task, view)) {
                *held += asked;
            }
            self.holders.insert(task, user);
        }
    }
}
