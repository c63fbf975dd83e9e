//! The life of nodes: they come and leave, are started and released, and are paid for by the hour.

use walras_des::{SimTime, Span};

use super::event::Event;
use super::nodes::{Birth, Stage};
use super::{Cx, World};
use crate::ids::{FleetId, NodeId};
use crate::market::Pricing;
use crate::record::{Queue, Recorder};
use crate::scheduling::{Cause, Scheduler};
use crate::supply::Scaling;

impl<S: Scheduler, R: Recorder> World<'_, S, R> {
    /// The life of a node has it there from now on.
    pub(super) fn node_up(&mut self, id: NodeId, stamp: u32, cx: &mut Cx) {
        let now = cx.now();
        let registration = &mut self.registry[id.index()];
        if registration.life_stamp != stamp {
            return;
        }
        registration.is_present = true;
        let fleet = &self.platform.fleets[registration.fleet.index()];
        let stay = match registration.birth {
            // In the stationary state, the stay at time zero is a residual one.
            Birth::Up(stay) if now == SimTime::ZERO => stay,
            _ => (fleet.availability).next(registration.life, true, now, &mut registration.stream),
        };
        if let Some(stay) = stay {
            cx.after(stay, Event::Down { node: id, stamp });
        }
        self.adapt(id, cx);
    }

    /// The life of a node has it absent from now on.
    pub(super) fn node_down(&mut self, id: NodeId, stamp: u32, cx: &mut Cx) {
        let registration = &mut self.registry[id.index()];
        if registration.life_stamp != stamp {
            return;
        }
        registration.is_present = false;
        let fleet = &self.platform.fleets[registration.fleet.index()];
        let (life, stream) = (registration.life, &mut registration.stream);
        let absence = fleet.availability.next(life, false, cx.now(), stream);
        if let Some(absence) = absence {
            cx.after(absence, Event::Up { node: id, stamp });
        }
        self.adapt(id, cx);
    }

    /// Everything on the node is lost: a recorded fault, and a loss for each job that the dispatcher will notice.
    /// `handoffs` were lost with it besides.
    pub(super) fn lose_work(&mut self, id: NodeId, handoffs: u64, cx: &mut Cx) {
        let mut lost = std::mem::take(&mut self.lost);
        let node = &mut self.nodes[id.index()];
        let profile = &self.platform.profiles[node.profile.index()];
        let batch = node.server.batch();
        let tokens = (node.server).abandon(cx.now(), profile, &self.backlog, &mut lost);
        let forfeited = self.bank.fault(id);
        let owner = node.owner;
        self.tally.batch(cx.now(), batch, 0);
        // Of each of these, the first token was made.
        self.tally
            .fault(cx.now(), owner, forfeited, tokens + handoffs);
        for job in lost.drain(..) {
            self.tally.running(cx.now(), -1);
            self.left(Queue::Node(id), job, cx.now());
            let stamp = self.jobs[job.index()].stamp;
            cx.after(self.platform.retry.detection, Event::Lost { job, stamp });
        }
        self.lost = lost;
    }

    pub(super) fn notice(&mut self, id: NodeId, epoch: u32, cx: &mut Cx) {
        if self.board.nodes[id.index()].epoch == epoch {
            self.board.node_down(id, cx.now());
            self.ask(Cause::NodeLeft(id), cx);
        }
    }

    pub(super) fn scale(&mut self, id: FleetId, cx: &mut Cx) {
        let now = cx.now();
        let ours = |index: &usize| self.registry[*index].fleet == id;
        let all = 0..self.nodes.len();
        let instances = (all.clone().filter(ours))
            .filter(|&index| self.nodes[index].stage.is_wanted())
            .count();
        let outstanding: u32 = (all.filter(ours))
            .map(|index| self.board.held(NodeId::new(index)))
            .sum();
        let view = self.board.view(now);
        let waiting = if self.platform.fleets[id.index()].role.prefills() {
            view.waiting_len()
        } else {
            view.prefilled().len() as u32
        };
        let controller = self.controllers[id.index()]
            .as_mut()
            .expect("only autoscaled fleets are scaled");
        cx.after(controller.scaler.interval, Event::Scale { fleet: id });
        let decision = controller.decide(
            now,
            outstanding + waiting,
            u32::try_from(instances).expect("few instances"),
        );
        match decision {
            Scaling::Hold => {}
            Scaling::Out(count) => self.scale_out(id, count, cx),
            Scaling::In(count) => self.scale_in(id, count, now),
        }
    }

    /// Keeps instances that were about to be released, then starts new ones.
    fn scale_out(&mut self, id: FleetId, mut count: u32, cx: &mut Cx) {
        for index in 0..self.nodes.len() {
            let ours = self.registry[index].fleet == id;
            let (node, state) = (NodeId::new(index), &mut self.nodes[index]);
            let region = self.registry[index].region;
            let can_start = self.outages.obeys(region) && self.outages.is_open(region);
            let can_serve = match state.stage {
                Stage::Draining => true,
                Stage::Off => can_start,
                _ => false,
            };
            if count == 0 || !ours || !can_serve {
                continue;
            }
            count -= 1;
            if state.stage == Stage::Draining {
                state.stage = Stage::Up;
                self.board.node_resumed(node, cx.now());
                self.offer(Cause::SlotsLeft(node), node, cx);
                continue;
            }
            let scaler = &self.controllers[id.index()]
                .as_ref()
                .expect("only autoscaled fleets are scaled")
                .scaler;
            let delay =
                Span::from_secs_f64(scaler.provisioning.sample(&mut self.provisioning).max(0.0));
            state.stage = Stage::Starting;
            self.tally.starting(cx.now(), 1);
            let registration = &mut self.registry[index];
            registration.rented_since = Some(cx.now());
            self.tally.rents(cx.now(), registration.per_hour, true);
            let stamp = registration.life_stamp;
            cx.after(delay, Event::Up { node, stamp });
        }
    }

    /// Takes the last started instances out of service; each is released when its work is done.
    fn scale_in(&mut self, id: FleetId, mut count: u32, now: SimTime) {
        // What does not serve yet goes first.
        for index in (0..self.nodes.len()).rev() {
            let registration = &self.registry[index];
            let ours = registration.fleet == id && self.outages.obeys(registration.region);
            if count > 0 && ours && self.nodes[index].stage == Stage::Starting {
                count -= 1;
                self.release(NodeId::new(index), now);
            }
        }
        for index in (0..self.nodes.len()).rev() {
            let (node, registration) = (&mut self.nodes[index], &self.registry[index]);
            let ours = registration.fleet == id && self.outages.obeys(registration.region);
            if count == 0 || !ours || node.stage != Stage::Up {
                continue;
            }
            count -= 1;
            node.stage = Stage::Draining;
            let id = NodeId::new(index);
            self.board.node_down(id, now);
            if self.board.held(id) == 0 {
                self.release(id, now);
            }
        }
    }

    /// Ends the rental of an instance.
    pub(super) fn release(&mut self, id: NodeId, now: SimTime) {
        self.collect_rent(id, now);
        let node = &mut self.nodes[id.index()];
        let registration = &mut self.registry[id.index()];
        if node.stage == Stage::Draining {
            registration.up.stop(self.tally.measured_time(now));
            self.tally.up(now, id, -1);
        } else if node.stage == Stage::Starting {
            self.tally.starting(now, -1);
        }
        node.stage = Stage::Off;
        if registration.rented_since.take().is_some() {
            self.tally.rents(now, registration.per_hour, false);
        }
        registration.life_stamp += 1;
        registration.is_present = false;
        node.stamp += 1;
        self.board.node_down(id, now);
    }

    /// Bills the rent since the last bill, up to the horizon.
    pub(super) fn collect_rent(&mut self, id: NodeId, now: SimTime) {
        if self.platform.pricing != Pricing::Rental {
            return;
        }
        let registration = &mut self.registry[id.index()];
        let end = now.min(SimTime::ZERO + self.settings.horizon);
        let Some(since) = registration.rented_since else {
            return;
        };
        let owner = self.nodes[id.index()].owner;
        registration.rented_since = Some(end.max(since));
        if end > since {
            let warm = SimTime::ZERO + self.settings.warm_up;
            // Billed in two parts, so that what is measured is exactly what is paid after the warm-up.
            for (from, to) in [
                (since, end.min(warm).max(since)),
                (since.max(warm).min(end), end),
            ] {
                if to > from {
                    let rent = self.bank.rent(owner, registration.per_hour, to - from);
                    self.tally.rent(from, rent, owner);
                }
            }
        }
    }
}
