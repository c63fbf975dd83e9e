//! Room on the nodes as it will be after the orders given so far in a decision.

use crate::cluster::TaskId;
use crate::cluster::job::Demand;
use crate::cluster::node::{Free, Share};
use crate::cluster::view::{TaskCard, View};
use crate::ids::NodeId;

/// What is free, with changes on top of what the view says.
#[derive(Clone, Debug)]
pub struct Room<'a> {
    view: View<'a>,
    /// By node.
    changed: Vec<(NodeId, Free)>,
}

impl<'a> Room<'a> {
    /// As the view says.
    #[must_use]
    pub fn of(view: &View<'a>) -> Self {
        Self {
            view: *view,
            changed: Vec::new(),
        }
    }

    /// What is free on a node.
    #[must_use]
    pub fn free(&self, node: NodeId) -> &Free {
        match self.find(node) {
            Ok(at) => &self.changed[at].1,
            Err(_) => &self.view.node(node).free,
        }
    }

    fn find(&self, node: NodeId) -> Result<usize, usize> {
        self.changed.binary_search_by_key(&node, |&(id, _)| id)
    }

    fn free_mut(&mut self, node: NodeId) -> &mut Free {
        let at = self.find(node).unwrap_or_else(|at| {
            self.changed.insert(at, (node, self.view.node(node).free));
            at
        });
        &mut self.changed[at].1
    }

    /// Says what is free on a node.
    pub(super) fn set(&mut self, node: NodeId, free: Free) {
        *self.free_mut(node) = free;
    }

    /// Whether a worker would fit on a node.
    #[must_use]
    pub fn fits(&self, demand: &Demand, node: NodeId) -> bool {
        let card = self.view.node(node);
        card.is_up
            && self.view.kind(node).carries(demand)
            && self.free(node).fits(demand, Share::FULL)
    }

    /// Takes room for a worker that fits.
    pub fn take(&mut self, demand: &Demand, node: NodeId) -> u16 {
        self.free_mut(node).take(demand, Share::FULL)
    }

    /// Gives back what a running task holds.
    pub fn vacate(&mut self, task: TaskId) {
        let card = self.view.task(task);
        for &(node, gpus) in &card.placed {
            self.free_mut(node).give(&card.demand, card.share, gpus);
        }
    }

    /// Takes room for all workers of a task, on the node that `choose` finds for each; `None`, and nothing taken, if one has no room.
    pub fn place(
        &mut self,
        task: TaskId,
        choose: &mut dyn FnMut(&Self, &Demand) -> Option<NodeId>,
    ) -> Option<Vec<NodeId>> {
        let taken = self.place_on_gpus(task, choose)?;
        Some(taken.into_iter().map(|(node, _)| node).collect())
    }

    /// As [`Room::place`]; says which GPUs were taken, too.
    pub(super) fn place_on_gpus(
        &mut self,
        task: TaskId,
        choose: &mut dyn FnMut(&Self, &Demand) -> Option<NodeId>,
    ) -> Option<Vec<(NodeId, u16)>> {
        let card = self.view.task(task);
        let mut taken: Vec<(NodeId, u16)> = Vec::new();
        for _ in 0..card.workers {
            let Some(node) = choose(self, &card.demand) else {
                self.give_back(&card.demand, &taken);
                return None;
            };
            let gpus = self.take(&card.demand, node);
            taken.push((node, gpus));
        }
        Some(taken)
    }

    /// Undoes what placed workers took.
    pub(super) fn give_back(&mut self, demand: &Demand, taken: &[(NodeId, u16)]) {
        for &(node, gpus) in taken {
            self.free_mut(node).give(demand, Share::FULL, gpus);
        }
    }

    /// The view beneath.
    #[must_use]
    pub fn view(&self) -> &View<'a> {
        &self.view
    }

    /// All nodes, by id.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.view.nodes().len()).map(NodeId::new)
    }
}

/// Demands that found no room where there is no more of it later: whoever asks for as much or more need not look.
#[derive(Clone, Debug, Default)]
pub(super) struct TooLarge(Vec<(Demand, u32)>);

/// How many are remembered: traces have few different ones.
const REMEMBERED: usize = 16;

impl TooLarge {
    pub(super) fn add(&mut self, card: &TaskCard) {
        if self.0.len() < REMEMBERED {
            self.0.push((card.demand, card.workers));
        }
    }

    /// Whether it asks for as much as what found none.
    pub(super) fn covers(&self, card: &TaskCard) -> bool {
        let mut known = self.0.iter();
        known
            .any(|(less, workers)| *workers <= card.workers && asks_for_no_more(less, &card.demand))
    }
}

/// Whether there is room for `less` wherever there is room for `more`.
fn asks_for_no_more(less: &Demand, more: &Demand) -> bool {
    let shares = less.gpus == 0 || less.gpu_share <= more.gpu_share;
    let labels = less.labels == 0 || more.labels != 0 && more.labels & !less.labels == 0;
    less.cpu <= more.cpu && less.memory <= more.memory && less.gpus <= more.gpus && shares && labels
}
