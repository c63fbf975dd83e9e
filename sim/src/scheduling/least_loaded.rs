//! Least loaded: join the shortest queue, the nearest among equals.
//!
//! Winston, "Optimality of the shortest line discipline", J. Appl. Prob. 14, 1977.

use crate::ids::{JobId, NodeId};
use crate::scheduling::Pick;
use crate::view::{Needs, View};

/// Places each job on the eligible node with the fewest outstanding jobs; among equals the nearest, then the lowest id.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeastLoaded;

impl Pick for LeastLoaded {
    fn needs(&self) -> Needs {
        Needs {
            shortest_queue: true,
            ..Needs::default()
        }
    }

    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        view.shortest_queue(job)
    }
}
