//! Least work left: the node that is expected to have finished soonest what it has.
//!
//! With exact sizes and nodes that serve one job at a time this is the central queue of an M/G/k system, job by job: Foss, "On
//! the approximation of multichannel service systems", 1980; Asmussen, *Applied Probability and Queues*, XII.1.

use std::collections::VecDeque;

use walras_des::{SimTime, Span};

use crate::ids::{JobId, NodeId};
use crate::scheduling::{Cause, Pick};
use crate::view::{Needs, Tournament, View};

/// Places each job on an eligible node that is idle, the one with the lowest id; when none is, on the one that is free soonest.
///
/// It keeps its own account of what it sent. A job is expected to take what [`View::work`] says, one after the other, in the order of
/// placement; what has ended is taken off, so that an error of an estimate does not outlive its job.
#[derive(Clone, Debug, Default)]
pub struct LeastWorkLeft {
    accounts: Vec<Account>,
    /// When each node is free, as far as estimates tell: [`IDLE`] if it has nothing, [`SimTime::MAX`] if it is not up.
    free_at: Option<Tournament<SimTime>>,
}

/// What one node was sent.
#[derive(Clone, Debug, Default)]
struct Account {
    free_at: SimTime,
    /// Work of each job that has not ended, in the order of placement.
    works: VecDeque<Span>,
}

/// Before any time at which a busy node can be free.
const IDLE: SimTime = SimTime::ZERO;

impl LeastWorkLeft {
    fn begin(&mut self, view: &View<'_>) -> &mut Tournament<SimTime> {
        let count = view.node_count();
        self.accounts.resize_with(count, Account::default);
        self.free_at
            .get_or_insert_with(|| Tournament::new(count, SimTime::MAX))
    }

    /// Forgets what the node was sent.
    fn clear(&mut self, node: NodeId, free_at: SimTime, view: &View<'_>) {
        self.begin(view).update(node.index(), free_at);
        self.accounts[node.index()] = Account::default();
    }

    /// A job on the node has ended: what waits behind those that run is still to be done, and of those that run at most all.
    fn correct(&mut self, node: NodeId, view: &View<'_>) {
        let account = &mut self.accounts[node.index()];
        account.works.pop_front();
        if account.works.is_empty() {
            return;
        }
        let running = view.most_at_once(node) as usize;
        let sum = |works: &mut dyn Iterator<Item = &Span>| {
            works.fold(view.now(), |sum, &work| sum + work)
        };
        let least = sum(&mut account.works.iter().skip(running - 1));
        let most = sum(&mut account.works.iter());
        account.free_at = account.free_at.clamp(least, most);
        let free_at = account.free_at;
        self.begin(view).update(node.index(), free_at);
    }
}

impl Pick for LeastWorkLeft {
    fn needs(&self) -> Needs {
        Needs {
            idle_reports: true,
            ..Needs::default()
        }
    }

    fn notice(&mut self, cause: Cause, view: &View<'_>) {
        self.begin(view);
        match cause {
            Cause::NodeIdle(node) | Cause::NodeJoined(node) => self.clear(node, IDLE, view),
            Cause::NodeLeft(node) => self.clear(node, SimTime::MAX, view),
            Cause::SlotFreed(node) => self.correct(node, view),
            _ => {}
        }
    }

    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        let takes = |leaf| view.eligible(job, NodeId::new(leaf));
        let (_, leaf) = self.begin(view).first(SimTime::MAX, &takes)?;
        let (node, account) = (NodeId::new(leaf), &mut self.accounts[leaf]);
        let work = view.work(job, node);
        let start = if account.works.is_empty() {
            view.now()
        } else {
            account.free_at.max(view.now())
        };
        account.works.push_back(work);
        account.free_at = start + work;
        let free_at = account.free_at;
        self.begin(view).update(leaf, free_at);
        Some(node)
    }
}
