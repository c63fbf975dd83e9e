//! Least loaded: join the shortest queue, the nearest among equals.
//!
//! Winston, "Optimality of the shortest line discipline", J. Appl. Prob. 14, 1977.

use crate::ids::{JobId, NodeId};
use crate::scheduling::Pick;
use crate::view::View;

/// Places each job on the eligible node with the fewest outstanding jobs; among equals the nearest, then the lowest id.
/// Looks at every node that is up.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastLoaded;

impl Pick for LeastLoaded {
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        let mut best = None;
        for &node in view.nodes_up() {
            // What is cheap to know comes first: few nodes get as far as the last question.
            let outstanding = view.node(node).outstanding;
            if best.is_some_and(|(least, _, _)| outstanding > least) {
                continue;
            }
            let key = (outstanding, view.latency(job, node), node);
            if best.is_none_or(|least| key < least) && view.eligible(job, node) {
                best = Some(key);
            }
        }
        best.map(|(_, _, node)| node)
    }
}
