//! Random: a uniformly drawn eligible node.

use walras_des::{Stream, prefetch};

use crate::ids::{JobId, NodeId};
use crate::scheduling::Pick;
use crate::view::View;

/// Places each job on a node drawn uniformly among those that are up and eligible.
#[derive(Clone, Debug)]
pub struct Random {
    stream: Stream,
}

/// Draws before the search becomes a scan. With a share `q` of eligible nodes it is reached with probability `(1 − q)^16`.
const DRAWS: usize = 16;

impl Random {
    /// The policy, drawing from `stream`.
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        Self { stream }
    }
}

impl Pick for Random {
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        draw_eligible(job, view, &mut self.stream)
    }
}

/// A uniformly drawn eligible node: rejection first, then a draw among all that a scan finds.
pub(super) fn draw_eligible(job: JobId, view: &View<'_>, stream: &mut Stream) -> Option<NodeId> {
    let up = view.nodes_up();
    if up.is_empty() {
        return None;
    }
    for _ in 0..DRAWS {
        let node = draw(up, stream);
        if view.eligible(job, node) {
            return Some(node);
        }
    }
    let eligible: Vec<NodeId> = up
        .iter()
        .copied()
        .filter(|&node| view.eligible(job, node))
        .collect();
    if eligible.is_empty() {
        None
    } else {
        Some(draw(&eligible, stream))
    }
}

/// Of `d` drawn eligible nodes (with replacement), the one with the highest value, the first drawn among equals.
pub(super) fn best_of(
    d: u32,
    job: JobId,
    view: &View<'_>,
    stream: &mut Stream,
    value: impl Fn(NodeId) -> f64,
) -> Option<NodeId> {
    let mut best = draw_eligible(job, view, stream)?;
    let mut highest = value(best);
    for _ in 1..d {
        let other = draw_eligible(job, view, stream)?;
        let value = value(other);
        if value > highest {
            (best, highest) = (other, value);
        }
    }
    ask_for_next_draws(d, view, stream);
    Some(best)
}

/// Of `d` drawn eligible nodes (with replacement), the one with the fewest outstanding jobs, the first drawn among equals.
pub(super) fn less_loaded_of(
    d: u32,
    job: JobId,
    view: &View<'_>,
    stream: &mut Stream,
) -> Option<NodeId> {
    let mut best = draw_eligible(job, view, stream)?;
    for _ in 1..d {
        let other = draw_eligible(job, view, stream)?;
        if view.node(other).outstanding < view.node(best).outstanding {
            best = other;
        }
    }
    ask_for_next_draws(d, view, stream);
    Some(best)
}

/// Asks for the cards that the next `d` draws will look at, and for the places in the list of nodes that the `d` after them will,
/// as long as no node is drawn that is not eligible.
fn ask_for_next_draws(d: u32, view: &View<'_>, stream: &Stream) {
    let up = view.nodes_up();
    let mut stream = stream.clone();
    for _ in 0..d {
        prefetch(view.node(draw(up, &mut stream)));
    }
    for _ in 0..d {
        prefetch(&up[stream.below(up.len() as u64) as usize]);
    }
}

/// A uniformly drawn element of a list that is not empty.
pub(super) fn draw(nodes: &[NodeId], stream: &mut Stream) -> NodeId {
    nodes[stream.below(nodes.len() as u64) as usize]
}
