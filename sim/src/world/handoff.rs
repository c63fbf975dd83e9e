//! Contexts on their way from the server that computed a prompt to the one that goes on with the answer.
//!
//! The life of a handoff: prefilled → given a server by the scheduler → room kept there, first come, first served → sent over the links
//! of both nodes → landed. The blocks of the prompt stay held where they were computed until the context has landed, and no
//! server computes any slower for what it sends or receives. When either node ceases to serve, the handoff breaks: both sides
//! give back what they held, the dispatcher notices after the detection delay, and the request starts over from its prompt.

use std::collections::{BTreeMap, VecDeque};

use walras_des::SimTime;

use super::event::Event;
use super::{Cx, World};
use crate::hardware::Profile;
use crate::ids::{JobId, NodeId};
use crate::market::{Pricing, Rates};
use crate::network::flows::{FlowId, Flows, LinkId};
use crate::platform::{Platform, Role};
use crate::record::{Queue, Recorder};
use crate::scheduling::{Cause, Reason, Scheduler};
use crate::serving::{Backlog, Entry, Server};
use crate::view::{NOWHERE, Obstacle};

/// All handoffs under way.
#[derive(Debug)]
pub(super) struct Handoffs {
    active: BTreeMap<JobId, Handoff>,
    /// By node, those that wait for room there; empty on a platform without roles.
    queued: Vec<VecDeque<JobId>>,
    /// What is sent over the links of the nodes: of each what it sends, then what it receives. None where nothing limits them.
    flows: Option<Flows>,
    /// Which job a flow is of.
    of: BTreeMap<FlowId, JobId>,
    /// Tells the next end of a flow from one that was overtaken.
    stamp: u32,
    /// Jobs that found no dispatcher.
    held: Vec<JobId>,
}

/// One handoff.
#[derive(Clone, Copy, Debug)]
struct Handoff {
    /// Where it goes, and in which stay of that node.
    to: NodeId,
    epoch: u32,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The scheduler has not said where.
    Ready,
    /// It waits for room.
    Queued,
    /// It is being sent.
    Sent(Option<FlowId>),
    /// One side is gone, and the dispatcher does not know yet.
    Broken,
}

impl Handoffs {
    pub(super) fn new(platform: &Platform, nodes: usize) -> Self {
        let is_split = platform.fleets.iter().any(|f| f.role != Role::Both);
        let bandwidth = platform.kv_link.bandwidth;
        Self {
            active: BTreeMap::new(),
            queued: vec![VecDeque::new(); if is_split { nodes } else { 0 }],
            flows: (is_split && bandwidth.is_finite())
                .then(|| Flows::new(&vec![bandwidth; 2 * nodes])),
            of: BTreeMap::new(),
            stamp: 0,
            held: Vec::new(),
        }
    }

    /// Whether contexts move between the nodes of this platform.
    pub(super) fn are_possible(&self) -> bool {
        !self.queued.is_empty()
    }

    /// Whether this is when the next flow ends.
    pub(super) fn is_next(&self, stamp: u32) -> bool {
        self.stamp == stamp
    }

    /// How many contexts each node computed and still holds, and has kept room for.
    fn count(&self, node: NodeId, computed_at: impl Fn(JobId) -> NodeId) -> (usize, usize) {
        let held = |(job, handoff): &(&JobId, &Handoff)| {
            handoff.stage != Stage::Broken && computed_at(**job) == node
        };
        let kept =
            |handoff: &&Handoff| matches!(handoff.stage, Stage::Sent(_)) && handoff.to == node;
        (
            self.active.iter().filter(held).count(),
            self.active.values().filter(kept).count(),
        )
    }
}

impl<S: Scheduler, R: Recorder> World<'_, S, R> {
    /// A node has computed a prompt, and the answer goes on elsewhere.
    pub(super) fn prefilled(&mut self, job: JobId, node: NodeId, cx: &mut Cx) {
        self.left(Queue::Node(node), job, cx.now());
        let handoff = Handoff {
            to: NOWHERE,
            epoch: 0,
            stage: Stage::Ready,
        };
        self.handoffs.active.insert(job, handoff);
        self.board.prefilled(job);
        if self.outages.is_silent() {
            self.handoffs.held.push(job);
        } else {
            self.board.ready.push(job);
            self.ask(Cause::Prefilled(job), cx);
        }
    }

    /// Takes contexts that no server was found for from a dispatcher that is out.
    pub(super) fn hush_handoffs(&mut self) {
        self.handoffs.held.append(&mut self.board.ready);
    }

    /// Gives them back to one that is there again.
    pub(super) fn resume_handoffs(&mut self, cx: &mut Cx) {
        for job in std::mem::take(&mut self.handoffs.held) {
            self.board.ready.push(job);
            self.ask(Cause::Prefilled(job), cx);
        }
    }

    /// Sends the context of a job to a node that goes on with it.
    pub(super) fn decode(&mut self, job: JobId, node: NodeId, cx: &mut Cx) -> Result<(), Reason> {
        let Some(place) = self.board.ready.iter().position(|&ready| ready == job) else {
            return Err(Reason::NotPrefilled);
        };
        if node.index() >= self.nodes.len() {
            return Err(Reason::NoSuchNode);
        }
        let view = self.board.view(cx.now());
        if !view.decodable(job, node) {
            let obstacle = view.obstacle_to_decoding(job, node);
            return Err(Reason::Node(obstacle.unwrap_or(Obstacle::Full)));
        }
        // Who computed the prompt is paid for the prompt, and who goes on for the answer.
        let rates = Rates {
            prompt: self.jobs[job.index()].rates.prompt,
            output: view.rates(node).output,
        };
        self.board.ready.remove(place);
        let epoch = self.board.placed(job, node);
        let (serial, prompt) = (self.serial(job), self.board.jobs[job.index()].prompt_tokens);
        self.recorder.placed(serial, node);
        let record = &mut self.jobs[job.index()];
        record.rates = rates;
        if self.platform.pricing != Pricing::Rental {
            self.bank.refund(std::mem::take(&mut record.lock));
            record.lock = self.bank.lock(rates.price(prompt, self.max_output));
        }
        let handoff = Handoff {
            to: node,
            epoch,
            stage: Stage::Queued,
        };
        self.handoffs.active.insert(job, handoff);
        let there = &self.nodes[node.index()];
        if there.stage.serves() && there.epoch == epoch {
            self.handoffs.queued[node.index()].push_back(job);
            self.make_room(node, cx);
        } else {
            self.break_off(job, cx);
        }
        Ok(())
    }

    /// Keeps room for contexts that wait for it at a node, in their order, and sends them.
    pub(super) fn make_room(&mut self, id: NodeId, cx: &mut Cx) {
        while let Some(&job) = self.handoffs.queued[id.index()].front() {
            let entry = Entry {
                job,
                prompt: self.board.jobs[job.index()].prompt_tokens,
                output: self.jobs[job.index()].output_tokens,
                prefix: None,
            };
            let (now, mut has_room) = (cx.now(), false);
            self.change(id, cx, |server, profile, backlog| {
                let room = server.reserve(now, &entry, profile, backlog);
                has_room = room.is_some();
                room.flatten()
            });
            if !has_room {
                break;
            }
            self.handoffs.queued[id.index()].pop_front();
            self.send_context(job, id, cx);
        }
    }

    fn send_context(&mut self, job: JobId, to: NodeId, cx: &mut Cx) {
        let from = self.jobs[job.index()].node;
        let profile = &self.platform.profiles[self.nodes[from.index()].profile.index()];
        let tokens = u64::from(self.board.jobs[job.index()].prompt_tokens);
        let bytes = profile.deployment.model.kv_bytes() * tokens;
        let flow = self.handoffs.flows.as_mut().map(|flows| {
            let path = [LinkId(2 * from.0), LinkId(2 * to.0 + 1)];
            flows.start(cx.now(), &path, bytes, None)
        });
        let handoff = self.handoffs.active.get_mut(&job).expect("it is under way");
        handoff.stage = Stage::Sent(flow);
        if let Some(flow) = flow {
            self.handoffs.of.insert(flow, job);
            self.await_flows(cx);
        } else {
            self.land_later(job, cx);
        }
    }

    /// Schedules the next end of a flow.
    fn await_flows(&mut self, cx: &mut Cx) {
        let Some(flows) = &mut self.handoffs.flows else {
            return;
        };
        self.handoffs.stamp += 1;
        if let Some((at, _)) = flows.next_end() {
            let stamp = self.handoffs.stamp;
            cx.at(at.max(cx.now()), Event::KvSent { stamp });
        }
    }

    /// The last byte of a context has left.
    pub(super) fn kv_sent(&mut self, stamp: u32, cx: &mut Cx) {
        if !self.handoffs.is_next(stamp) {
            return;
        }
        loop {
            let flows = self.handoffs.flows.as_mut().expect("a flow has ended");
            let Some((_, flow)) = flows.next_end().filter(|&(at, _)| at <= cx.now()) else {
                break;
            };
            flows.finish(cx.now(), flow);
            let job = self.handoffs.of.remove(&flow).expect("a flow is of a job");
            let handoff = self.handoffs.active.get_mut(&job).expect("it is under way");
            handoff.stage = Stage::Sent(None);
            self.land_later(job, cx);
        }
        self.await_flows(cx);
    }

    fn land_later(&mut self, job: JobId, cx: &mut Cx) {
        let (from, to) = (
            self.jobs[job.index()].node,
            self.handoffs.active[&job].to.index(),
        );
        let [from, to] = [from.index(), to].map(|node| &self.board.nodes[node]);
        let way = self.platform.network.one_way(from.region, to.region) + from.access + to.access;
        let stamp = self.jobs[job.index()].stamp;
        cx.after(
            self.platform.kv_link.latency + way,
            Event::KvLanded { job, stamp },
        );
    }

    /// A context is where its answer goes on.
    pub(super) fn kv_landed(&mut self, job: JobId, stamp: u32, cx: &mut Cx) {
        if self.jobs[job.index()].stamp != stamp {
            return;
        }
        let Handoff { to, epoch, .. } =
            (self.handoffs.active.remove(&job)).expect("what lands was sent");
        let back = self.board.view(cx.now()).latency(job, to);
        let record = &mut self.jobs[job.index()];
        let (from, from_epoch) = (record.node, record.epoch);
        record.stamp += 1;
        (record.node, record.epoch, record.back) = (to, epoch, back);
        self.board.jobs[job.index()].node = to;
        self.let_go(job, from, cx);
        let now = cx.now();
        self.change(to, cx, |server, profile, backlog| {
            server.receive(now, job, profile, backlog)
        });
        self.joined(Queue::Node(to), job, cx.now());
        self.give_slot_back(job, from, from_epoch, cx);
    }

    /// The node where a prompt was computed gives the blocks of its context free.
    fn let_go(&mut self, job: JobId, id: NodeId, cx: &mut Cx) {
        let now = cx.now();
        self.change(id, cx, |server, profile, backlog| {
            server.hand_over(now, job, profile, backlog)
        });
    }

    /// Does something with a server that may change when its next step ends.
    fn change(
        &mut self,
        id: NodeId,
        cx: &mut Cx,
        what: impl FnOnce(&mut Server, &Profile, &mut Backlog) -> Option<SimTime>,
    ) {
        let node = &mut self.nodes[id.index()];
        let profile = &self.platform.profiles[node.profile.index()];
        let (was_idle, batch) = (node.server.is_idle(), node.server.batch());
        let boundary = what(&mut node.server, profile, &mut self.backlog);
        if let Some(at) = boundary {
            node.stamp += 1;
            let stamp = node.stamp;
            cx.at(at, Event::Boundary { node: id, stamp });
        }
        if was_idle && !node.server.is_idle() {
            node.busy.start(self.tally.measured_time(cx.now()));
            self.tally.busy(cx.now(), id, 1);
        }
        self.tally.batch(cx.now(), batch, node.server.batch());
    }

    /// A job that was placed on this node has left it for another.
    fn give_slot_back(&mut self, job: JobId, node: NodeId, epoch: u32, cx: &mut Cx) {
        self.free_slot(job, node, epoch, cx.now());
        if self.board.nodes[node.index()].epoch == epoch {
            self.report_idle(node, cx);
            self.offer(Cause::SlotFreed(node), node, cx);
        }
    }

    /// A node ceases to serve: what it sends, what it receives and what it keeps to send is lost. Returns how many requests that is.
    pub(super) fn lose_handoffs(&mut self, id: NodeId, cx: &mut Cx) -> u64 {
        let touches = |(&job, handoff): (&JobId, &Handoff)| {
            let concerned = self.jobs[job.index()].node == id || handoff.to == id;
            (concerned && handoff.stage != Stage::Broken).then_some(job)
        };
        let broken: Vec<JobId> = self.handoffs.active.iter().filter_map(touches).collect();
        for &job in &broken {
            self.break_off(job, cx);
        }
        broken.len() as u64
    }

    /// Ends a handoff that cannot go on. Who still serves gives back what it held.
    fn break_off(&mut self, job: JobId, cx: &mut Cx) {
        let handoff = self.handoffs.active.get_mut(&job).expect("it is under way");
        let Handoff { to, epoch, stage } = *handoff;
        handoff.stage = Stage::Broken;
        self.board.ready.retain(|&ready| ready != job);
        self.handoffs.held.retain(|&held| held != job);
        if let Stage::Sent(Some(flow)) = stage {
            let flows = self.handoffs.flows.as_mut().expect("it flows");
            flows.cancel(cx.now(), flow);
            self.handoffs.of.remove(&flow);
            self.await_flows(cx);
        }
        if stage == Stage::Queued {
            self.handoffs.queued[to.index()].retain(|&queued| queued != job);
        }
        let serves = |node: NodeId, epoch: u32| {
            let node = &self.nodes[node.index()];
            node.stage.serves() && node.epoch == epoch
        };
        let (from, from_epoch) = {
            let record = &self.jobs[job.index()];
            (record.node, record.epoch)
        };
        let (sender_serves, receiver_serves) = (
            serves(from, from_epoch),
            to != NOWHERE && serves(to, epoch) && stage != Stage::Ready,
        );
        if sender_serves {
            self.let_go(job, from, cx);
        }
        if receiver_serves {
            if let Stage::Sent(_) = stage {
                let now = cx.now();
                self.change(to, cx, |server, profile, backlog| {
                    server.give_up(now, job, profile, backlog)
                });
            }
            self.make_room(to, cx);
        }
        self.tally.running(cx.now(), -1);
        let record = &mut self.jobs[job.index()];
        record.stamp += 1;
        let stamp = record.stamp;
        cx.after(self.platform.retry.detection, Event::Lost { job, stamp });
    }

    /// The dispatcher takes a job for lost that was placed in this stay of a node: its slot is free, and if the job was in a handoff, that
    /// of the other node too.
    pub(super) fn forget_placement(&mut self, job: JobId, node: NodeId, epoch: u32, cx: &mut Cx) {
        if let Some(handoff) = self.handoffs.active.remove(&job) {
            if handoff.to != NOWHERE {
                self.give_slot_back(job, handoff.to, handoff.epoch, cx);
            }
            self.give_slot_back(job, node, epoch, cx);
        } else {
            self.free_slot(job, node, epoch, cx.now());
        }
        self.board.jobs[job.index()].prefiller = NOWHERE;
    }

    /// Asserts that servers hold the contexts of the handoffs under way, and room for them, and nothing else.
    pub(super) fn check_handoffs(&self) {
        if !self.handoffs.are_possible() {
            return;
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let computed_at = |job: JobId| self.jobs[job.index()].node;
            let expected = self.handoffs.count(NodeId::new(index), computed_at);
            assert_eq!(
                node.server.contexts(),
                expected,
                "a context is held by no handoff, or room is kept for none"
            );
        }
        let flowing = self.handoffs.flows.as_ref().map_or(0, Flows::len);
        assert_eq!(
            flowing,
            self.handoffs.of.len(),
            "every flow carries one context"
        );
    }
}
