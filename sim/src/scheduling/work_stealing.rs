//! Work stealing: jobs go anywhere, and a node that runs out of work takes some from another.
//!
//! Blumofe, Leiserson, "Scheduling multithreaded computations by work stealing", JACM 46(5), 1999; for queues that are fed from outside:
//! Mitzenmacher, "Analyses of load stealing models based on differential equations", SPAA 1998.

use walras_des::Stream;

use crate::ids::{JobId, NodeId};
use crate::scheduling::random::{draw, draw_eligible};
use crate::scheduling::{Cause, Dispatch, Orders, Pick, Scheduler};
use crate::view::{Needs, View};

/// Places jobs at random. A node that falls idle, or joins, asks `victims` random nodes and takes the last job that waits at the one
/// with the most; once, whether it gets one or not.
#[derive(Clone, Debug)]
pub struct WorkStealing {
    place: Dispatch<Anywhere>,
    victims: u32,
    stream: Stream,
}

#[derive(Clone, Debug)]
struct Anywhere(Stream);

impl Pick for Anywhere {
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        draw_eligible(job, view, &mut self.0)
    }
}

impl WorkStealing {
    /// The policy with so many victims to choose from, drawing from two streams.
    #[must_use]
    pub fn new(victims: u32, place: Stream, steal: Stream) -> Self {
        Self {
            place: Dispatch(Anywhere(place)),
            victims,
            stream: steal,
        }
    }
}

impl Scheduler for WorkStealing {
    fn needs(&self) -> Needs {
        Needs {
            idle_reports: true,
            ..Needs::default()
        }
    }

    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        self.place.decide(cause, view, orders);
        if let Cause::NodeIdle(thief) | Cause::NodeJoined(thief) = cause
            && orders.is_empty()
            && view.is_open(thief)
        {
            let asked = (0..self.victims).map(|_| draw(view.nodes_up(), &mut self.stream));
            let most = asked.max_by_key(|&node| view.node(node).outstanding);
            if let Some(victim) =
                most.filter(|&node| node != thief && view.node(node).outstanding > 1)
            {
                orders.steal(victim, thief);
            }
        }
    }
}
