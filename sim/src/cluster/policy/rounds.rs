//! Rounds: at the start of each, room is handed out anew in an order; until the next, nobody is pushed out.

use walras_des::{SimTime, Span};

use crate::cluster::TaskId;
use crate::cluster::job::Demand;
use crate::cluster::policy::Orders;
use crate::cluster::policy::ahead::asks_for_no_more;
use crate::cluster::policy::fit::Fit;
use crate::cluster::policy::room::Room;
use crate::cluster::view::{Stage, View};
use crate::ids::NodeId;

/// A task, and the kind of nodes on which it should run if that matters.
pub(super) type Wish = (TaskId, Option<usize>);

/// Time in rounds of equal length; they begin anew when something is there after nothing was.
#[derive(Clone, Debug)]
pub(super) struct Rounds {
    length: Span,
    next: SimTime,
}

impl Rounds {
    /// # Panics
    /// If `length` is zero.
    pub(super) fn new(length: Span) -> Self {
        assert!(length > Span::ZERO, "a round of no length never ends");
        Self {
            length,
            next: SimTime::ZERO,
        }
    }

    pub(super) fn length(&self) -> Span {
        self.length
    }

    /// Whether a round begins now; if it does, asks to be woken at its end.
    pub(super) fn begins(&mut self, view: &View<'_>, orders: &mut Orders) -> bool {
        if view.now() < self.next || view.waiting_len() == 0 && view.running().is_empty() {
            return false;
        }
        self.next = view.now() + self.length;
        orders.wake(self.next);
        true
    }
}

/// All that runs or waits, what was submitted first ahead.
pub(super) fn present(view: &View<'_>) -> Vec<TaskId> {
    let mut all: Vec<TaskId> = view
        .running()
        .iter()
        .copied()
        .chain(view.waiting())
        .collect();
    all.sort_unstable();
    all
}

/// Starts what waits, in order, where there is room.
pub(super) fn fill(view: &View<'_>, wishes: &[Wish], fit: Fit, orders: &mut Orders) {
    let waits = |wish: &&Wish| view.task(wish.0).stage == Stage::Waiting;
    let waiting: Vec<Wish> = wishes.iter().filter(waits).copied().collect();
    hand_out(view, &waiting, fit, orders);
}

/// Gives room to tasks in order; what runs and is wished for later, or not at all, gives way as far as it must.
pub(super) fn hand_out(view: &View<'_>, wishes: &[Wish], fit: Fit, orders: &mut Orders) {
    let mut room = Room::of(view);
    let kind = |task: TaskId| {
        let mut kinds = view.task(task).nodes().map(|node| view.node(node).kind);
        let first = kinds.next();
        first.filter(|&first| kinds.all(|kind| kind == first))
    };
    let stays = |&(task, wanted): &Wish| {
        view.task(task).stage == Stage::Running && (wanted.is_none() || wanted == kind(task))
    };
    // What could give way, by the turn at which it would be confirmed where it is: the last first.
    let mut loose: Vec<(usize, TaskId)> = Vec::new();
    for (turn, wish) in wishes.iter().enumerate() {
        if stays(wish) && !loose.iter().any(|&(_, task)| task == wish.0) {
            loose.push((turn, wish.0));
        }
    }
    let (mut settled, mut out) = (std::collections::BTreeSet::new(), Vec::new());
    let mut starts: Vec<(TaskId, Vec<NodeId>)> = Vec::new();
    let mut too_large: Vec<(Demand, u32, Option<usize>)> = Vec::new();
    for (turn, &wish) in wishes.iter().enumerate() {
        let (task, wanted) = wish;
        let card = view.task(task);
        if settled.contains(&task) {
            continue;
        }
        if stays(&wish) && !out.contains(&task) {
            settled.insert(task);
            loose.retain(|&(_, other)| other != task);
            continue;
        }
        let hopeless = |(less, workers, on): &(Demand, u32, Option<usize>)| {
            *workers <= card.workers && asks_for_no_more(less, &card.demand) && *on == wanted
        };
        if card.stage != Stage::Running && too_large.iter().any(hopeless) {
            continue;
        }
        let mut trial = room.clone();
        let runs_elsewhere = card.stage == Stage::Running && !out.contains(&task);
        if runs_elsewhere {
            trial.vacate(task);
        }
        let open = |node: NodeId| wanted.is_none_or(|kind| view.node(node).kind == kind);
        let mut cut = loose.len();
        let nodes = loop {
            let nodes = trial.place(task, &mut |room, demand| {
                fit.choose_where(room, demand, open)
            });
            if nodes.is_some() || cut == 0 || loose[cut - 1].0 < turn {
                break nodes;
            }
            cut -= 1;
            if loose[cut].1 != task {
                trial.vacate(loose[cut].1);
            }
        };
        let Some(nodes) = nodes else {
            if card.stage != Stage::Running {
                too_large.push((card.demand, card.workers, wanted));
            }
            continue;
        };
        room = trial;
        let leaving = loose.drain(cut..).map(|(_, other)| other);
        out.extend(leaving.filter(|&other| other != task));
        if runs_elsewhere {
            out.push(task);
            loose.retain(|&(_, other)| other != task);
        }
        settled.insert(task);
        starts.push((task, nodes));
    }
    for task in out {
        orders.preempt(task);
    }
    for (task, nodes) in starts {
        orders.start_gang(task, nodes);
    }
}
