//! Sparrow: a request reserves a place at a few random nodes, and the first that has room takes it (late binding).
//!
//! Ousterhout, Wendell, Zaharia, Stoica, "Sparrow: distributed, low latency scheduling", SOSP 2013, for jobs of one task. The time
//! that a reservation and its answer travel is not modelled.

use std::collections::VecDeque;

use walras_des::Stream;

use crate::ids::{JobId, NodeId};
use crate::scheduling::random::draw;
use crate::scheduling::{Cause, Orders, Scheduler};
use crate::view::View;

/// Reserves a place for each job at `probes` random nodes that could hold it. If one of them has a free slot, the least loaded of
/// those takes the job at once; if not, the job waits until one of them has.
#[derive(Clone, Debug)]
pub struct Sparrow {
    probes: u32,
    /// By node: who has reserved a place, with the number of the request, as slots of the table of jobs are used again.
    reserved: Vec<VecDeque<(JobId, u64)>>,
    /// Who has lost a reservation with its node.
    homeless: VecDeque<(JobId, u64)>,
    stream: Stream,
}

/// Draws for each probe before it is given up: a node that could never hold the job is no probe.
const DRAWS: u32 = 16;

impl Sparrow {
    /// The policy with so many probes, drawing from `stream`.
    #[must_use]
    pub fn new(probes: u32, stream: Stream) -> Self {
        Self {
            probes,
            reserved: Vec::new(),
            homeless: VecDeque::new(),
            stream,
        }
    }

    /// Sends `probes` probes for a job.
    fn probe(&mut self, job: JobId, probes: u32, view: &View<'_>, orders: &mut Orders) {
        let up = view.nodes_up();
        if up.is_empty() {
            return;
        }
        let mut found = Vec::new();
        for _ in 0..probes {
            let drawn = (0..DRAWS).map(|_| draw(up, &mut self.stream));
            let fits = |node: &NodeId| {
                view.holds(job, *node) && view.affordable(job, *node) && !found.contains(node)
            };
            let probe = { drawn }.find(fits);
            found.extend(probe);
        }
        let open = found
            .iter()
            .copied()
            .filter(|&node| view.eligible(job, node));
        if let Some(node) = open.min_by_key(|&node| view.node(node).outstanding) {
            orders.place(job, node);
            return;
        }
        let serial = view.job(job).serial;
        for node in found {
            self.reserved[node.index()].push_back((job, serial));
        }
    }
}

impl Scheduler for Sparrow {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        self.reserved.resize_with(view.node_count(), VecDeque::new);
        let waits =
            |&(job, serial): &(JobId, u64)| view.is_waiting(job) && view.job(job).serial == serial;
        match cause {
            Cause::JobArrived(job) | Cause::JobLost(job) => {
                self.probe(job, self.probes, view, orders);
            }
            Cause::SlotFreed(node) | Cause::SlotsLeft(node) | Cause::NodeJoined(node) => {
                let reserved = &mut self.reserved[node.index()];
                while let Some(&first) = reserved.front() {
                    if waits(&first) && !view.eligible(first.0, node) {
                        break;
                    }
                    reserved.pop_front();
                    if waits(&first) {
                        orders.place(first.0, node);
                        return;
                    }
                }
                if matches!(cause, Cause::NodeJoined(_)) {
                    // Who found no node to probe has no reservation anywhere.
                    if let Some(job) = view.waiting().find(|&job| view.eligible(job, node)) {
                        orders.place(job, node);
                    }
                }
            }
            Cause::NodeLeft(node) => {
                self.homeless.append(&mut self.reserved[node.index()]);
                if !self.homeless.is_empty() {
                    orders.wake(view.now());
                }
            }
            // One placement at a time, as each takes a slot that the next would count on.
            Cause::Repriced | Cause::Reported | Cause::Woken => {
                while let Some(first) = self.homeless.pop_front() {
                    if waits(&first) {
                        self.probe(first.0, 1, view, orders);
                        orders.wake(view.now());
                        return;
                    }
                }
                // What none of its probes took may be taken now.
                if let Some(job) = view.waiting().next() {
                    self.probe(job, self.probes, view, orders);
                    if !orders.is_empty() {
                        orders.wake(view.now());
                    }
                }
            }
            Cause::NodeIdle(_) | Cause::CopyLost(_) | Cause::Prefilled(_) => {}
        }
    }
}
