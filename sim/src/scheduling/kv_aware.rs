//! KV-aware: the node with the most free memory for contexts.
//!
//! Of what an inference server runs out of first, as vLLM's and llm-d's routers count it: Kwon et al., "Efficient memory management
//! for large language model serving with paged attention", SOSP 2023.

use walras_des::Stream;

use crate::ids::{JobId, NodeId};
use crate::scheduling::Pick;
use crate::scheduling::random::best_of;
use crate::view::{Needs, View};

/// Of `d` random eligible nodes, the one with the most room in its KV cache: what it holds, less the prompts and expected answers
/// of the jobs that were sent to it and have not ended.
#[derive(Clone, Debug)]
pub struct KvAware {
    d: u32,
    stream: Stream,
}

impl KvAware {
    /// The policy with `d` choices, drawing from `stream`.
    #[must_use]
    pub fn new(d: u32, stream: Stream) -> Self {
        Self { d, stream }
    }
}

impl Pick for KvAware {
    fn needs(&self) -> Needs {
        Needs {
            tokens: true,
            ..Needs::default()
        }
    }

    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        let free = |node| view.free_kv_tokens(node) as f64;
        best_of(self.d, job, view, &mut self.stream, free)
    }
}
