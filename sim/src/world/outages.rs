//! Outages at work: regions that go dark or are cut off, controllers and dispatchers that fail, and what nodes do when that changes.
//!
//! The life of a node goes on beneath an outage: it is there when its owner lets it and its region is not dark, and serves when it has
//! also what it needs and its region is not cut off.

use walras_des::{Purpose, SimTime, Span, Stream, Streams};

use super::event::Event;
use super::nodes::Stage;
use super::{Cx, World};
use crate::availability::{Onset, Outage, Reach};
use crate::ids::{JobId, NodeId, RegionId};
use crate::platform::Platform;
use crate::record::Recorder;
use crate::scheduling::{Cause, Scheduler};

/// What is out at present.
#[derive(Debug)]
pub(super) struct Outages {
    sources: Vec<Source>,
    /// Outages that a region is in, by kind; all zero mostly.
    dark: Vec<u32>,
    cut: Vec<u32>,
    uncontrolled: Vec<u32>,
    silent: u32,
    /// Requests that found no dispatcher, in order, each with its stamp.
    held: Vec<(JobId, u32)>,
}

/// Where outages come from, one after the other.
#[derive(Debug)]
struct Source {
    /// Which outage of the platform.
    outage: usize,
    regions: Vec<RegionId>,
    stream: Stream,
    is_on: bool,
}

impl Outages {
    pub(super) fn new(platform: &Platform, streams: &Streams) -> Self {
        let mut sources = Vec::new();
        for (outage, spec) in platform.outages.iter().enumerate() {
            let groups: Vec<Vec<RegionId>> = if spec.together || spec.reach == Reach::Dispatcher {
                vec![spec.regions.clone()]
            } else {
                spec.regions.iter().map(|&region| vec![region]).collect()
            };
            for (number, regions) in groups.into_iter().enumerate() {
                let entity = (outage as u64) << 32 | number as u64;
                sources.push(Source {
                    outage,
                    regions,
                    stream: streams.open(Purpose::new("outages"), entity),
                    is_on: false,
                });
            }
        }
        let none = vec![0; platform.network.regions().len()];
        Self {
            sources,
            dark: none.clone(),
            cut: none.clone(),
            uncontrolled: none,
            silent: 0,
            held: Vec::new(),
        }
    }

    /// When each source has its first outage.
    pub(super) fn first(&mut self, outages: &[Outage]) -> Vec<(SimTime, u32)> {
        let first = |(index, source): (usize, &mut Source)| {
            let at = match &outages[source.outage].onset {
                Onset::At(at) => *at,
                Onset::Every(law) => SimTime::ZERO + span(law.sample(&mut source.stream)),
            };
            (at, index as u32)
        };
        self.sources.iter_mut().enumerate().map(first).collect()
    }

    /// Whether instances can be started and released in a region.
    pub(super) fn obeys(&self, region: RegionId) -> bool {
        self.uncontrolled[region.index()] == 0
    }

    /// Whether an instance started in a region could serve.
    pub(super) fn is_open(&self, region: RegionId) -> bool {
        self.dark[region.index()] == 0 && self.cut[region.index()] == 0
    }

    /// Whether nothing can be placed.
    pub(super) fn is_silent(&self) -> bool {
        self.silent > 0
    }

    /// Keeps a request until there is a dispatcher again.
    pub(super) fn hold(&mut self, job: JobId, stamp: u32) {
        self.held.push((job, stamp));
    }
}

/// A length of at least a nanosecond and at most a century [s].
fn span(seconds: f64) -> Span {
    Span::from_secs_f64(seconds.clamp(1e-9, 3.15e9))
}

impl<S: Scheduler, R: Recorder> World<'_, S, R> {
    /// An outage begins or ends.
    pub(super) fn outage(&mut self, index: u32, cx: &mut Cx) {
        let source = &mut self.outages.sources[index as usize];
        let outage = &self.platform.outages[source.outage];
        source.is_on = !source.is_on;
        let begins = source.is_on;
        let until_next = if begins {
            Some(outage.lasts.sample(&mut source.stream))
        } else if let Onset::Every(law) = &outage.onset {
            Some(law.sample(&mut source.stream))
        } else {
            None
        };
        if let Some(seconds) = until_next {
            cx.after(span(seconds), Event::Outage { source: index });
        }
        let count = |count: &mut u32| if begins { *count += 1 } else { *count -= 1 };
        let regions = std::mem::take(&mut source.regions);
        for region in regions.iter().map(|region| region.index()) {
            match outage.reach {
                Reach::Blackout => count(&mut self.outages.dark[region]),
                Reach::Partition => count(&mut self.outages.cut[region]),
                Reach::ControlPlane => count(&mut self.outages.uncontrolled[region]),
                Reach::Dispatcher => {}
            }
        }
        match outage.reach {
            Reach::Blackout | Reach::Partition => {
                for node in 0..self.nodes.len() {
                    if regions.contains(&self.registry[node].region) {
                        self.adapt(NodeId::new(node), cx);
                    }
                }
            }
            Reach::ControlPlane => {}
            Reach::Dispatcher => {
                count(&mut self.outages.silent);
                self.hush(cx);
            }
        }
        self.outages.sources[index as usize].regions = regions;
    }

    /// Takes all that waits from a dispatcher that is out, or gives it back to one that is there again.
    fn hush(&mut self, cx: &mut Cx) {
        if self.outages.is_silent() {
            let waiting: Vec<JobId> = self.board.view(cx.now()).waiting().collect();
            for job in waiting {
                self.stop_waiting(job, cx.now());
                self.wait(job, cx.now());
            }
            self.hush_handoffs();
            return;
        }
        for (job, stamp) in std::mem::take(&mut self.outages.held) {
            let record = &self.jobs[job.index()];
            if record.stamp == stamp && record.is_live() {
                self.wait(job, cx.now());
                self.ask(Cause::JobArrived(job), cx);
            }
        }
        self.resume_handoffs(cx);
    }

    /// Brings a node into the state that its life and its region allow.
    pub(super) fn adapt(&mut self, id: NodeId, cx: &mut Cx) {
        let registration = &self.registry[id.index()];
        let region = registration.region.index();
        let is_there = registration.is_present && self.outages.dark[region] == 0;
        let is_cut = self.outages.cut[region] > 0;
        match (self.nodes[id.index()].stage, is_there) {
            (Stage::Down | Stage::Starting, true) => {
                self.appear(id, cx);
                if is_cut {
                    self.nodes[id.index()].stage = Stage::Cut;
                } else {
                    self.prepare(id, cx);
                }
            }
            (Stage::Up | Stage::Draining | Stage::Loading | Stage::Cut, false) => {
                self.vanish(id, cx);
            }
            (Stage::Up | Stage::Draining | Stage::Loading, true) if is_cut => {
                self.lose_touch(id, cx);
            }
            (Stage::Cut, true) if !is_cut => self.prepare(id, cx),
            _ => {}
        }
    }

    /// A machine is switched on: it draws power, and its rent runs.
    fn appear(&mut self, id: NodeId, cx: &mut Cx) {
        let now = cx.now();
        if self.nodes[id.index()].stage == Stage::Starting {
            self.tally.starting(now, -1);
        }
        let registration = &mut self.registry[id.index()];
        registration.up_since = now;
        registration.up.start(self.tally.measured_time(now));
        // Who is there when the run begins has served before.
        registration.is_loaded = now == SimTime::ZERO;
        if registration.rented_since.is_none() {
            registration.rented_since = Some(now);
            self.tally.rents(now, registration.per_hour, true);
        }
        self.tally.up(now, id, 1);
    }

    /// A machine that is on and can be reached serves, once it has the image and the weights.
    fn prepare(&mut self, id: NodeId, cx: &mut Cx) {
        let registration = &mut self.registry[id.index()];
        let fleet = &self.platform.fleets[registration.fleet.index()];
        match &fleet.cold_start {
            Some(cold) if !registration.is_loaded => {
                let pull = if cold.keeps_image && registration.has_image {
                    0.0
                } else {
                    cold.image / registration.bandwidth
                };
                let load = cold.load.sample(&mut registration.stream).max(0.0);
                registration.loads += 1;
                let stamp = registration.loads;
                self.nodes[id.index()].stage = Stage::Loading;
                cx.after(span(pull + load), Event::Ready { node: id, stamp });
            }
            _ => self.serve(id, cx),
        }
    }

    /// A node has all that it needs.
    pub(super) fn ready(&mut self, id: NodeId, stamp: u32, cx: &mut Cx) {
        let registration = &mut self.registry[id.index()];
        if self.nodes[id.index()].stage == Stage::Loading && registration.loads == stamp {
            registration.has_image = true;
            self.serve(id, cx);
        }
    }

    /// A node reports to the dispatcher, and gets work.
    fn serve(&mut self, id: NodeId, cx: &mut Cx) {
        self.registry[id.index()].is_loaded = true;
        let node = &mut self.nodes[id.index()];
        node.stage = Stage::Up;
        node.epoch += 1;
        self.board.node_up(id, node.epoch, cx.now());
        self.offer(Cause::NodeJoined(id), id, cx);
    }

    /// A machine is switched off, or loses its power: its work is lost, and the dispatcher hears nothing any more.
    fn vanish(&mut self, id: NodeId, cx: &mut Cx) {
        let now = cx.now();
        self.tally.up(now, id, -1);
        self.collect_rent(id, now);
        let registration = &mut self.registry[id.index()];
        registration.up.stop(self.tally.measured_time(now));
        if registration.rented_since.take().is_some() {
            self.tally.rents(now, registration.per_hour, false);
        }
        self.drop_out(id, Stage::Down, cx);
    }

    /// A node cannot be reached any more. It is on, but who was waiting for its answers is gone.
    fn lose_touch(&mut self, id: NodeId, cx: &mut Cx) {
        self.drop_out(id, Stage::Cut, cx);
    }

    /// A node stops to serve: what it was doing is lost, and the dispatcher will notice.
    fn drop_out(&mut self, id: NodeId, stage: Stage, cx: &mut Cx) {
        let now = cx.now();
        let node = &mut self.nodes[id.index()];
        let was = std::mem::replace(&mut node.stage, stage);
        node.stamp += 1;
        let is_busy = !node.server.is_idle();
        if is_busy {
            node.busy.stop(self.tally.measured_time(now));
            self.tally.busy(now, id, -1);
        }
        let handoffs = if self.handoffs.are_possible() {
            self.lose_handoffs(id, cx)
        } else {
            0
        };
        if is_busy || handoffs > 0 {
            self.lose_work(id, handoffs, cx);
        }
        match was {
            Stage::Draining => {
                // Still on and paid for where it is only cut off.
                self.nodes[id.index()].stage = if stage == Stage::Cut { was } else { stage };
                self.release(id, now);
            }
            Stage::Up => {
                let epoch = self.nodes[id.index()].epoch;
                let detection = self.platform.retry.detection;
                cx.after(detection, Event::Notice { node: id, epoch });
            }
            _ => {}
        }
    }
}
