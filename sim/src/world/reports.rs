//! Reports of nodes, where the dispatcher does not learn at once how many jobs a node holds.

use walras_des::{Engine, SimTime, Span};

use super::event::Event;
use super::{Cx, World};
use crate::ids::NodeId;
use crate::knowledge::State;
use crate::record::Recorder;
use crate::scheduling::{Cause, Scheduler};

impl<S: Scheduler, R: Recorder> World<'_, S, R> {
    /// Schedules the first reports.
    pub(super) fn begin_reports(engine: &mut Engine<Self>) {
        match engine.model.platform.knowledge.state {
            State::Fresh => {}
            State::Periodic(reports) => {
                let all = Event::Refresh { node: None };
                engine.context_mut().after(reports.every, all);
            }
            State::Gossip(reports) => {
                for index in 0..engine.model.nodes.len() {
                    let phase = engine.model.phases.below(reports.every.as_nanos());
                    let node = Some(NodeId::new(index));
                    let at = SimTime::ZERO + Span::from_nanos(phase);
                    engine.context_mut().at(at, Event::Refresh { node });
                }
            }
        }
    }

    /// A node reports, or all do; what could not be placed on what was known before may be now.
    pub(super) fn refresh(&mut self, node: Option<NodeId>, cx: &mut Cx) {
        if let Some(reports) = self.platform.knowledge.state.reports() {
            cx.after(reports.every, Event::Refresh { node });
        }
        match node {
            Some(node) => self.board.report(node, cx.now()),
            None => {
                for index in 0..self.nodes.len() {
                    self.board.report(NodeId::new(index), cx.now());
                }
            }
        }
        if self.board.view(cx.now()).undecided_len() > 0 {
            self.ask(Cause::Reported, cx);
        }
    }
}
