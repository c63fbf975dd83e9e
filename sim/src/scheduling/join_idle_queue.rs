//! Join idle queue: idle nodes put themselves on a list, and a job takes the first of the list.
//!
//! Lu, Xie, Kliot, Geller, Larus, Greenberg, "Join-Idle-Queue: a novel load balancing algorithm for dynamically scalable web
//! services", Performance Evaluation 68(11), 2011.

use std::collections::VecDeque;

use walras_des::Stream;

use crate::ids::{JobId, NodeId};
use crate::scheduling::random::draw_eligible;
use crate::scheduling::{Cause, Pick};
use crate::view::{Needs, View};

/// Places each job on the eligible node that has been idle for longest; when none is idle, on a random one.
#[derive(Clone, Debug)]
pub struct JoinIdleQueue {
    idle: VecDeque<NodeId>,
    /// By node: whether it is on the list.
    is_listed: Vec<bool>,
    stream: Stream,
}

impl JoinIdleQueue {
    /// The policy, drawing from `stream` when no node is idle.
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        Self {
            idle: VecDeque::new(),
            is_listed: Vec::new(),
            stream,
        }
    }
}

impl Pick for JoinIdleQueue {
    fn needs(&self) -> Needs {
        Needs {
            idle_reports: true,
            ..Needs::default()
        }
    }

    fn notice(&mut self, cause: Cause, view: &View<'_>) {
        let (Cause::NodeIdle(node) | Cause::NodeJoined(node)) = cause else {
            return;
        };
        self.is_listed.resize(view.node_count(), false);
        if !std::mem::replace(&mut self.is_listed[node.index()], true) {
            self.idle.push_back(node);
        }
    }

    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        // Who has left reports again when it is back.
        while let Some(&first) = self.idle.front()
            && !view.node(first).is_up()
        {
            self.idle.pop_front();
            self.is_listed[first.index()] = false;
        }
        let place = self.idle.iter().position(|&node| view.eligible(job, node));
        let Some(node) = place.and_then(|place| self.idle.remove(place)) else {
            return draw_eligible(job, view, &mut self.stream);
        };
        self.is_listed[node.index()] = false;
        Some(node)
    }
}
