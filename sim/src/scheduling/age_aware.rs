//! Age-aware: the node that has been up for longest.
//!
//! Measured stays of volunteers have a decreasing hazard (Weibull and gamma shapes below 0.5: Javadi, Kondo, Vincent, Anderson,
//! IEEE TPDS 22(11), 2011): who has been there for long is likely to stay. With exponential stays age tells nothing.

use walras_des::Stream;

use crate::ids::{JobId, NodeId};
use crate::scheduling::Pick;
use crate::scheduling::random::best_of;
use crate::view::View;

/// Of `d` random eligible nodes, the one whose present stay has lasted longest.
#[derive(Clone, Debug)]
pub struct AgeAware {
    d: u32,
    stream: Stream,
}

impl AgeAware {
    /// The policy with `d` choices, drawing from `stream`.
    #[must_use]
    pub fn new(d: u32, stream: Stream) -> Self {
        Self { d, stream }
    }
}

impl Pick for AgeAware {
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        let age = |node| (view.now() - view.node(node).up_since).as_secs_f64();
        best_of(self.d, job, view, &mut self.stream, age)
    }
}
