//! Disaggregated: prompts on one pool of nodes, answers on another, each by what its nodes have to do.
//!
//! Patel et al., "Splitwise: efficient generative LLM inference using phase splitting", ISCA 2024 (section IV.B: a cluster scheduler that
//! joins the shortest queue, by tokens); Zhong et al., "Disaggregating prefill and decoding for goodput-optimized large language model
//! serving" (`DistServe`), OSDI 2024 (section 4.3: FCFS to the shortest prefill queue, the least loaded decoding instance).

use std::cmp::Reverse;

use walras_des::Stream;

use crate::ids::{JobId, NodeId};
use crate::scheduling::random::draw;
use crate::scheduling::{Cause, Dispatch, Orders, Pick, Scheduler};
use crate::view::{Needs, View};

/// Places each job on the node that takes new jobs and has the fewest prompt tokens to compute, the nearest among equals. When the prompt
/// is computed, its context goes to the node with the most room in its KV cache, beside what those that were sent there are expected to
/// need; in the region of the first node if one there takes it. With `d` it looks at so many random nodes for each decision,
/// and at all only if none of them will do.
#[derive(Debug)]
pub struct Disaggregated {
    first: Dispatch<LeastPending>,
    d: Option<u32>,
    stream: Stream,
}

/// The first of the two choices.
#[derive(Debug)]
struct LeastPending {
    d: Option<u32>,
    stream: Stream,
}

impl Disaggregated {
    /// The policy that looks at `d` nodes, or at all, drawing from two streams.
    #[must_use]
    pub fn new(d: Option<u32>, first: Stream, second: Stream) -> Self {
        Self {
            first: Dispatch(LeastPending { d, stream: first }),
            d,
            stream: second,
        }
    }

    /// Where the context of a job goes.
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        let from = view.job(job).prefilled_by()?;
        let region = view.node(from).region;
        let key = |node| {
            view.decodable(job, node).then(|| {
                let is_far = view.node(node).region != region;
                (is_far, Reverse(view.free_kv_tokens(node)), node)
            })
        };
        least(self.d, view, &mut self.stream, key).map(|(_, _, node)| node)
    }

    /// Orders where one of the contexts that wait goes; whether there was one.
    fn decode_first(&mut self, view: &View<'_>, orders: &mut Orders) -> bool {
        for &job in view.prefilled() {
            if let Some(node) = self.pick(job, view) {
                orders.decode(job, node);
                return true;
            }
        }
        false
    }
}

impl Pick for LeastPending {
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        let key = |node| {
            view.eligible(job, node).then(|| {
                let pending = view.pending_prompt_tokens(node);
                (pending, view.latency(job, node), node)
            })
        };
        least(self.d, view, &mut self.stream, key).map(|(_, _, node)| node)
    }
}

/// The least of the keys of `d` random nodes, or of all if none of them has one or `d` is not given.
fn least<K: Ord>(
    d: Option<u32>,
    view: &View<'_>,
    stream: &mut Stream,
    key: impl Fn(NodeId) -> Option<K>,
) -> Option<K> {
    let up = view.nodes_up();
    if up.is_empty() {
        return None;
    }
    let drawn = d.and_then(|d| (0..d).filter_map(|_| key(draw(up, stream))).min());
    drawn.or_else(|| up.iter().filter_map(|&node| key(node)).min())
}

impl Scheduler for Disaggregated {
    fn needs(&self) -> Needs {
        Needs {
            tokens: true,
            ..Needs::default()
        }
    }

    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        match cause {
            Cause::Prefilled(job) => {
                if let Some(node) = self.pick(job, view) {
                    orders.decode(job, node);
                }
            }
            Cause::SlotFreed(node) | Cause::NodeJoined(node) | Cause::SlotsLeft(node) => {
                // A context that waits holds memory where its prompt was computed, so it goes before new jobs.
                let is_open = view.has_slot(node) && view.node(node).role.decodes();
                if !(is_open && self.decode_first(view, orders)) {
                    self.first.decide(cause, view, orders);
                }
            }
            Cause::Repriced | Cause::Reported | Cause::Woken => {
                if self.decode_first(view, orders) {
                    orders.wake(view.now());
                } else {
                    self.first.decide(cause, view, orders);
                }
            }
            _ => self.first.decide(cause, view, orders),
        }
    }
}
