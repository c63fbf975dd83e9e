//! The memory that coming events will touch, asked for while others are handled: a large cluster does not fit the cache, and each
//! event is about another node.

use walras_des::prefetch;

use super::{Event, World};
use crate::ids::{JobId, NodeId};
use crate::record::Recorder;
use crate::scheduling::Scheduler;

impl<S: Scheduler, R: Recorder> World<'_, S, R> {
    /// Asks for what the event names.
    #[inline]
    pub(super) fn ask_for_subject(&self, event: &Event) {
        match *event {
            Event::Boundary { node, .. } => {
                self.ask_for_node(node);
                prefetch(&self.board.nodes[node.index()]);
                self.tally.ask_for_node(node);
            }
            Event::Deliver { job, .. } => self.ask_for_job(job),
            _ => {}
        }
    }

    /// Asks for what is found at what the event names.
    #[inline]
    pub(super) fn ask_for_company(&self, event: &Event) {
        match *event {
            Event::Boundary { node, .. } => {
                let node = &self.nodes[node.index()];
                self.bank.ask_for_owner(node.owner);
                self.tally.ask_for_owner(node.owner);
                if let Some(job) = node.server.ask_for_jobs(&self.backlog) {
                    self.ask_for_job(job);
                }
            }
            Event::Deliver { job, .. } => {
                if let Some(node) = self.board.jobs[job.index()].last_node() {
                    self.ask_for_node(node);
                }
            }
            _ => {}
        }
    }

    /// Asks for a node, which has two cache lines.
    #[inline]
    pub(super) fn ask_for_node(&self, node: NodeId) {
        let node = &self.nodes[node.index()];
        prefetch(node);
        prefetch(&node.stage);
    }

    #[inline]
    fn ask_for_job(&self, job: JobId) {
        prefetch(&self.jobs[job.index()]);
        prefetch(&self.board.jobs[job.index()]);
    }
}
