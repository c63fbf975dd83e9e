//! Round robin: the next eligible node in the order of ids.

use crate::ids::{JobId, NodeId};
use crate::scheduling::Pick;
use crate::view::View;

/// Places each job on the next eligible node after the one chosen last.
#[derive(Clone, Debug, Default)]
pub struct RoundRobin {
    next: usize,
}

impl Pick for RoundRobin {
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        let count = view.node_count();
        let node = (self.next..count)
            .chain(0..self.next)
            .map(NodeId::new)
            .find(|&node| view.eligible(job, node))?;
        self.next = (node.index() + 1) % count;
        Some(node)
    }
}
