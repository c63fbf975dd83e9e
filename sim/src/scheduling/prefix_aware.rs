//! Prefix-aware: requests whose prompts begin alike go to one node, whose cache has the beginning, unless it is too busy.
//!
//! As the cache-aware router of `SGLang` does: Zheng et al., "`SGLang`: efficient execution of structured language model
//! programs", `NeurIPS` 2024. The dispatcher knows the beginning of a prompt, since it reads it, and remembers where it sent the last.

use walras_des::Stream;

use crate::ids::{JobId, NodeId};
use crate::scheduling::Pick;
use crate::scheduling::random::less_loaded_of;
use crate::view::View;

/// Places each job where the last of its group went, if that node is eligible and has at most `imbalance` more outstanding jobs
/// than the less loaded of two random ones; if not, there, which is then the node of the group. A job without a group goes to the
/// less loaded of two.
#[derive(Clone, Debug)]
pub struct PrefixAware {
    imbalance: u32,
    /// By group: where the last went.
    homes: Vec<Option<NodeId>>,
    stream: Stream,
}

impl PrefixAware {
    /// The policy that accepts so much imbalance, drawing from `stream`.
    #[must_use]
    pub fn new(imbalance: u32, stream: Stream) -> Self {
        Self {
            imbalance,
            homes: Vec::new(),
            stream,
        }
    }
}

impl Pick for PrefixAware {
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        let other = less_loaded_of(2, job, view, &mut self.stream)?;
        let Some(group) = view.job(job).prefix_group() else {
            return Some(other);
        };
        let group = group as usize;
        if self.homes.len() <= group {
            self.homes.resize(group + 1, None);
        }
        let load = |node: NodeId| view.node(node).outstanding;
        let home = self.homes[group]
            .filter(|&home| load(home) <= load(other).saturating_add(self.imbalance))
            .filter(|&home| view.eligible(job, home));
        let node = home.unwrap_or(other);
        self.homes[group] = Some(node);
        Some(node)
    }
}
