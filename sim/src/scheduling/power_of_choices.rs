//! Power of d choices: the less loaded of a few random nodes.
//!
//! Mitzenmacher, "The power of two choices in randomized load balancing", IEEE TPDS 12(10), 2001.

use walras_des::Stream;

use crate::ids::{JobId, NodeId};
use crate::scheduling::Pick;
use crate::scheduling::random::less_loaded_of;
use crate::view::View;

/// Draws `d` eligible nodes (with replacement) and takes the one with the fewest outstanding jobs, the first drawn among equals.
#[derive(Clone, Debug)]
pub struct PowerOfChoices {
    d: u32,
    stream: Stream,
}

impl PowerOfChoices {
    /// The policy with `d` choices, drawing from `stream`.
    #[must_use]
    pub fn new(d: u32, stream: Stream) -> Self {
        Self { d, stream }
    }
}

impl Pick for PowerOfChoices {
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        less_loaded_of(self.d, job, view, &mut self.stream)
    }
}
