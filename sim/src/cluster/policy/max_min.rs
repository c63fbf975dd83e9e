//! Max-min fairness on unequal machines: the least progress, compared with an equal part of every kind of machine, is made as large
//! as it can be, in rounds (Narayanan et al., Gavel, OSDI 2020).

use std::collections::BTreeMap;

use walras_des::{SimTime, Span};

use crate::cluster::TaskId;
use crate::cluster::job::Demand;
use crate::cluster::policy::fit::Fit;
use crate::cluster::policy::linear::maximize;
use crate::cluster::policy::rounds::{Rounds, Wish, fill, hand_out, present};
use crate::cluster::policy::{Cause, Orders, Scheduler};
use crate::cluster::view::View;

/// Between whom the cluster is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Between {
    /// Tasks: each counts as much.
    #[default]
    Tasks,
    /// Users: the tasks of each count as much together.
    Users,
}

/// Gives each task its part of the time of each kind of machine, as a linear program finds it, in rounds: whoever is owed the most on
/// a kind of machine has it for the next.
#[derive(Clone, Debug)]
pub struct MaxMin {
    rounds: Rounds,
    between: Between,
    fit: Fit,
    accounts: BTreeMap<TaskId, Account>,
}

/// What a task is to have of each kind of machine, and has not had yet.
#[derive(Clone, Debug)]
struct Account {
    parts: Vec<f64>,
    /// [s]
    owed: Vec<f64>,
}

impl MaxMin {
    /// How long a round is unless something else is said: six minutes, as in the paper.
    pub const ROUND: Span = Span::from_secs(360);

    /// With rounds of this length, on nodes that `fit` chooses.
    ///
    /// # Panics
    /// If the round is zero.
    #[must_use]
    pub fn new(round: Span, between: Between, fit: Fit) -> Self {
        Self {
            rounds: Rounds::new(round),
            between,
            fit,
            accounts: BTreeMap::new(),
        }
    }

    /// Sharers of the same kind are one class: by symmetry they have the same parts.
    fn divide(&mut self, all: &[TaskId], view: &View<'_>) {
        let kinds = view.kinds().len();
        let mut up = vec![0.0; kinds];
        for node in view.nodes().iter().filter(|node| node.is_up) {
            up[node.kind] += 1.0;
        }
        let mut of_user: BTreeMap<u32, f64> = BTreeMap::new();
        for &task in all {
            let user = view.job(view.task(task).job).user;
            *of_user.entry(user).or_default() += 1.0;
        }
        let mut classes: Vec<(Demand, u32, Sharer)> = Vec::new();
        let mut class_of = Vec::with_capacity(all.len());
        for &task in all {
            let card = view.task(task);
            let speeds: Vec<f64> = (0..kinds).map(|kind| view.speed_on(task, kind)).collect();
            let weight = match self.between {
                Between::Tasks => 1.0,
                Between::Users => of_user[&view.job(card.job).user].recip(),
            };
            let same = |(demand, workers, sharer): &(Demand, u32, Sharer)| {
                *demand == card.demand
                    && *workers == card.workers
                    && sharer.speeds == speeds
                    && sharer.weight.to_bits() == weight.to_bits()
            };
            let class = classes.iter().position(same).unwrap_or_else(|| {
                let each = |(kind, &up): (usize, &f64)| {
                    let slots = view.kinds()[kind].workers(&card.demand).min(1 << 32) as f64 * up;
                    if slots > 0.0 {
                        f64::from(card.workers) / slots
                    } else {
                        f64::INFINITY
                    }
                };
                let sharer = Sharer {
                    count: 0.0,
                    weight,
                    fills: up.iter().enumerate().map(each).collect(),
                    speeds,
                };
                classes.push((card.demand, card.workers, sharer));
                classes.len() - 1
            });
            classes[class].2.count += 1.0;
            class_of.push(class);
        }
        let sharers: Vec<Sharer> = classes.into_iter().map(|(.., sharer)| sharer).collect();
        let parts = fair_parts(&sharers);
        for (&task, &class) in all.iter().zip(&class_of) {
            let account = self.accounts.entry(task).or_insert_with(|| Account {
                parts: Vec::new(),
                owed: vec![0.0; kinds],
            });
            account.parts.clone_from(&parts[class]);
        }
    }

    /// Writes down what tasks have had since the last round, and what they are to have in the next.
    fn settle(&mut self, all: &[TaskId], view: &View<'_>) {
        let length = self.rounds.length();
        let begin = SimTime::from_nanos(view.now().as_nanos().saturating_sub(length.as_nanos()));
        for &task in view.running() {
            let card = view.task(task);
            let had = (view.now() - card.started.max(begin)).as_secs_f64();
            if let (Some(account), Some(node)) = (self.accounts.get_mut(&task), card.nodes().next())
            {
                account.owed[view.node(node).kind] -= had;
            }
        }
        self.divide(all, view);
        for account in self.accounts.values_mut() {
            for (owed, part) in account.owed.iter_mut().zip(&account.parts) {
                *owed += part * length.as_secs_f64();
            }
        }
    }

    /// Who is owed the most comes first; a gang that fits on no kind alone takes what there is.
    fn wishes(&self, all: &[TaskId], view: &View<'_>) -> Vec<Wish> {
        let mut owed: Vec<(f64, Wish)> = Vec::new();
        for &task in all {
            for kind in 0..view.kinds().len() {
                let account = self.accounts.get(&task);
                let sum = account.map_or(0.0, |account| account.owed[kind]);
                owed.push((sum, (task, Some(kind))));
            }
            if view.task(task).workers > 1 {
                owed.push((f64::NEG_INFINITY, (task, None)));
            }
        }
        owed.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        owed.into_iter().map(|(_, wish)| wish).collect()
    }
}

impl Scheduler for MaxMin {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        if let Cause::Ended(task) = cause {
            self.accounts.remove(&task);
        }
        if self.rounds.begins(view, orders) {
            let all = present(view);
            self.settle(&all, view);
            hand_out(view, &self.wishes(&all, view), self.fit, orders);
        } else if view.waiting_len() > 0 {
            let all: Vec<TaskId> = view.waiting().collect();
            fill(view, &self.wishes(&all, view), self.fit, orders);
        }
    }
}

/// One of those who share machines, or several that are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Sharer {
    /// How many are alike.
    pub count: f64,
    /// How much each counts.
    pub weight: f64,
    /// What of all machines of a kind each of them fills while it runs there, by kind; infinite if it cannot run there.
    pub fills: Vec<f64>,
    /// Work per time on a kind of machine, by kind.
    pub speeds: Vec<f64>,
}

impl Sharer {
    /// Work per time with these parts of its time on each kind.
    #[must_use]
    pub fn speed(&self, parts: &[f64]) -> f64 {
        parts
            .iter()
            .zip(&self.speeds)
            .map(|(part, speed)| part * speed)
            .sum()
    }

    /// Work per time with one of `n` equal parts of all machines.
    fn alone(&self, n: f64) -> f64 {
        let kinds = self.fills.iter().zip(&self.speeds);
        kinds.map(|(fills, speed)| speed / fills).sum::<f64>() / n
    }
}

/// Parts of the time of each sharer on each kind of machine: the vector of work per time, each compared with that in an equal part of
/// all machines and divided by the weight, is the largest in the max-min order. The least is made as large as possible; who cannot
/// have more without somebody having less than the least is left at that; then the least of the others, and so on.
#[must_use]
pub fn fair_parts(sharers: &[Sharer]) -> Vec<Vec<f64>> {
    let kinds = sharers.first().map_or(0, |sharer| sharer.fills.len());
    let n: f64 = sharers.iter().map(|sharer| sharer.count).sum();
    let value = |sharer: &Sharer, kind: usize| {
        let alone = sharer.alone(n) * sharer.weight;
        if sharer.fills[kind].is_finite() && alone > 0.0 {
            sharer.speeds[kind] / alone
        } else {
            0.0
        }
    };
    let can = |sharer: &Sharer| (0..kinds).any(|kind| value(sharer, kind) > 0.0);
    let mut levels: Vec<Option<f64>> = sharers
        .iter()
        .map(|sharer| if can(sharer) { None } else { Some(0.0) })
        .collect();
    // Variables: a part for each sharer and kind, and the level of those that are not settled yet.
    let width = sharers.len() * kinds + 1;
    let mut parts = vec![0.0; width];
    while levels.iter().any(Option::is_none) {
        let (mut rows, mut bounds) = (Vec::new(), Vec::new());
        for (index, (sharer, level)) in sharers.iter().zip(&levels).enumerate() {
            let mut row = vec![0.0; width];
            for kind in 0..kinds {
                row[index * kinds + kind] = -value(sharer, kind);
            }
            row[width - 1] = if level.is_none() { 1.0 } else { 0.0 };
            rows.push(row);
            // A little less than was found, as numbers are rounded.
            bounds.push(level.map_or(0.0, |level| -level * (1.0 - 1e-9)));
        }
        for index in 0..sharers.len() {
            let mut row = vec![0.0; width];
            row[index * kinds..(index + 1) * kinds].fill(1.0);
            rows.push(row);
            bounds.push(1.0);
        }
        for kind in 0..kinds {
            let mut row = vec![0.0; width];
            for (index, sharer) in sharers.iter().enumerate() {
                if sharer.fills[kind].is_finite() {
                    row[index * kinds + kind] = sharer.count * sharer.fills[kind];
                }
            }
            rows.push(row);
            bounds.push(1.0);
        }
        let mut goal = vec![0.0; width];
        goal[width - 1] = 1.0;
        let Some(best) = maximize(&goal, &rows, &bounds) else {
            break;
        };
        // What holds the level down has a price.
        let mut settled = false;
        for (level, price) in levels.iter_mut().zip(&best.prices) {
            if level.is_none() && *price > 1e-9 {
                (*level, settled) = (Some(best.values[width - 1]), true);
            }
        }
        parts = best.values;
        if !settled {
            break;
        }
    }
    let rows = parts[..width - 1].chunks(kinds.max(1));
    rows.zip(sharers).map(|(row, _)| row.to_vec()).collect()
}
