//! The life of a job: submitted, placed, delivered, served, ended; or lost, and placed again.

use walras_des::{SimTime, Span};

use super::event::Event;
use super::nodes::Stage;
use super::{Cx, ENDED, Job, World};
use crate::ids::{JobId, NodeId};
use crate::market::{Pricing, Rates};
use crate::record::{Fate, JobRow, Queue, Recorder};
use crate::scheduling::{Cause, Scheduler};
use crate::serving::{Entry, Milestone};
use crate::settlement::Lock;
use crate::units::{Amount, Price};
use crate::view::{JobCard, NO_GROUP, NO_TICKET, NOWHERE};
use crate::workload::Request;

impl<S: Scheduler, R: Recorder> World<'_, S, R> {
    pub(super) fn arrive(&mut self, cx: &mut Cx) {
        let request = self.next.take().expect("an arrival was scheduled");
        self.next = self.arrivals.next();
        if let Some(next) = self.next {
            cx.at(next.at, Event::Arrive);
        }
        let job = self.admit(request);
        self.tally.submitted(cx.now());
        if let Some(flows) = &mut self.flows {
            (flows.wanted).add(request.prompt_tokens, request.output_tokens);
            flows.requests[0] += 1;
        }
        if self.board.is_waiting(job) {
            self.ask(Cause::JobArrived(job), cx);
        }
        self.await_node(job, cx);
    }

    /// Gives a request a slot in the table of jobs and puts it on the waiting list.
    fn admit(&mut self, request: Request) -> JobId {
        let output_estimate = self.platform.knowledge.estimates.of(
            request.output_tokens,
            self.mean_output,
            &mut self.estimates,
        );
        let card = JobCard {
            serial: self.counts.submitted,
            submitted: request.at,
            origin: request.origin,
            prompt_tokens: request.prompt_tokens,
            output_estimate,
            attempts: 0,
            // Who rents machines pays nothing per token.
            limit: request
                .budget
                .filter(|_| self.platform.pricing != Pricing::Rental)
                .map_or(Price::MAX, |budget| {
                    // Rounded down, so that a price within it is within the budget.
                    let units = (budget * f64::from(output_estimate) * 1e3).floor();
                    Price::from_units(units as i128)
                }),
            node: NOWHERE,
            prefiller: NOWHERE,
            group: request.prefix.map_or(NO_GROUP, |prefix| prefix.group),
            ticket: NO_TICKET,
        };
        let record = Job {
            output_tokens: request.output_tokens,
            node: NOWHERE,
            epoch: 0,
            stamp: 0,
            lock: Lock::default(),
            rates: Rates::default(),
            first_token: SimTime::ZERO,
            back: Span::ZERO,
        };
        self.counts.submitted += 1;
        self.counts.live += 1;
        let job = self.slot(record, card);
        if request.prefix.is_some() {
            self.prefixes.resize(self.jobs.len(), None);
            self.prefixes[job.index()] = request.prefix;
        }
        self.joined(Queue::Platform, job, request.at);
        self.wait(job, request.at);
        job
    }

    /// A slot in the table of jobs.
    pub(super) fn slot(&mut self, record: Job, card: JobCard) -> JobId {
        if let Some(job) = self.free.pop() {
            let stamp = self.jobs[job.index()].stamp + 1;
            self.jobs[job.index()] = Job { stamp, ..record };
            self.board.jobs[job.index()] = card;
            job
        } else {
            self.jobs.push(record);
            self.board.jobs.push(card);
            JobId::new(self.jobs.len() - 1)
        }
    }

    /// Puts a request on the waiting list, or keeps it until there is a dispatcher again.
    pub(super) fn wait(&mut self, job: JobId, now: SimTime) {
        if self.outages.is_silent() {
            let stamp = self.jobs[job.index()].stamp;
            self.outages.hold(job, stamp);
            return;
        }
        self.board.enqueue(job);
        self.joined(Queue::Dispatcher, job, now);
    }

    /// Takes a request from the waiting list.
    pub(super) fn stop_waiting(&mut self, job: JobId, now: SimTime) {
        self.board.dequeue(job);
        self.left(Queue::Dispatcher, job, now);
    }

    pub(super) fn joined(&mut self, queue: Queue, job: JobId, now: SimTime) {
        if R::QUEUES {
            let (serial, length) = (self.serial(job), self.length(queue, now));
            self.recorder.joined(now, queue, serial, length);
        }
    }

    pub(super) fn left(&mut self, queue: Queue, job: JobId, now: SimTime) {
        if R::QUEUES {
            let (serial, length) = (self.serial(job), self.length(queue, now));
            self.recorder.left(now, queue, serial, length);
        }
    }

    pub(super) fn serial(&self, job: JobId) -> u64 {
        self.board.jobs[job.index()].serial
    }

    /// How many requests a queue holds, by its own count.
    fn length(&self, queue: Queue, now: SimTime) -> u64 {
        match queue {
            Queue::Platform => self.counts.live,
            Queue::Dispatcher => u64::from(self.board.view(now).waiting_len()),
            Queue::Node(node) => self.nodes[node.index()].server.held() as u64,
        }
    }

    /// Starts the clock of a customer whose job found no node at once.
    fn await_node(&mut self, job: JobId, cx: &mut Cx) {
        let record = &self.jobs[job.index()];
        if record.is_live() && !record.is_placed() {
            cx.after(
                self.workload.patience,
                Event::Patience {
                    job,
                    stamp: record.stamp,
                },
            );
        }
    }

    pub(super) fn deliver(&mut self, job: JobId, stamp: u32, cx: &mut Cx) {
        let record = self.jobs[job.index()];
        if record.stamp != stamp {
            return;
        }
        let node = &mut self.nodes[record.node.index()];
        if !node.stage.serves() || node.epoch != record.epoch {
            cx.after(self.platform.retry.detection, Event::Lost { job, stamp });
            return;
        }
        let entry = Entry {
            job,
            prompt: self.board.jobs[job.index()].prompt_tokens,
            output: record.output_tokens,
            prefix: self.prefixes.get(job.index()).copied().flatten(),
        };
        let profile = &self.platform.profiles[node.profile.index()];
        let (was_idle, batch) = (node.server.is_idle(), node.server.batch());
        if let Some(at) = (node.server).arrive(cx.now(), entry, profile, &mut self.backlog) {
            node.stamp += 1;
            cx.at(
                at,
                Event::Boundary {
                    node: record.node,
                    stamp: node.stamp,
                },
            );
        }
        // Where contexts on their way have the room, the request waits and nothing runs.
        if was_idle && !node.server.is_idle() {
            node.busy.start(self.tally.measured_time(cx.now()));
            self.tally.busy(cx.now(), record.node, 1);
        }
        self.tally.running(cx.now(), 1);
        self.tally.batch(cx.now(), batch, node.server.batch());
        self.joined(Queue::Node(record.node), job, cx.now());
    }

    pub(super) fn boundary(&mut self, id: NodeId, stamp: u32, cx: &mut Cx) {
        let node = &mut self.nodes[id.index()];
        if node.stamp != stamp {
            return;
        }
        let profile = &self.platform.profiles[node.profile.index()];
        let mut milestones = std::mem::take(&mut self.milestones);
        let batch = node.server.batch();
        let next = (node.server).boundary(profile, &mut self.backlog, &mut milestones);
        node.stamp += 1;
        if let Some(at) = next {
            cx.at(
                at,
                Event::Boundary {
                    node: id,
                    stamp: node.stamp,
                },
            );
        } else {
            node.busy.stop(self.tally.measured_time(cx.now()));
            self.tally.busy(cx.now(), id, -1);
        }
        self.tally.batch(cx.now(), batch, node.server.batch());
        for milestone in milestones.drain(..) {
            match milestone {
                Milestone::FirstToken(job) => {
                    let record = &mut self.jobs[job.index()];
                    record.first_token = cx.now() + record.back;
                }
                Milestone::Prefilled(job) => self.prefilled(job, id, cx),
                Milestone::Preempted(_) => {}
                Milestone::Finished(job) => {
                    self.tally.running(cx.now(), -1);
                    self.left(Queue::Node(id), job, cx.now());
                    if self.copies.are_unused() {
                        self.complete(job, id, cx);
                    } else {
                        self.answered(job, id, cx);
                    }
                }
            }
        }
        self.milestones = milestones;
        if self.handoffs.are_possible() {
            self.make_room(id, cx);
        }
    }

    /// A request was answered on a node, which has a free slot now.
    pub(super) fn complete(&mut self, job: JobId, node: NodeId, cx: &mut Cx) {
        self.end(job, Fate::Completed, cx);
        self.report_idle(node, cx);
        self.offer(Cause::SlotFreed(node), node, cx);
    }

    /// A job ends: it is paid if it was delivered, recorded, and its slot is free.
    pub(super) fn end(&mut self, job: JobId, fate: Fate, cx: &mut Cx) {
        let now = cx.now();
        if !self.copies.are_unused() {
            self.copies.dissolve(job);
        }
        if self.board.is_waiting(job) {
            self.stop_waiting(job, now);
        }
        let record = self.jobs[job.index()];
        let card = self.board.jobs[job.index()];
        let completed = fate == Fate::Completed;
        // Tokens come in their order, whichever node sends them.
        let ended = if completed {
            (now + record.back).max(record.first_token)
        } else {
            now
        };
        assert!(
            record.is_live() && card.submitted <= ended,
            "a job ends once, and after it was submitted"
        );
        let mut row = JobRow {
            serial: card.serial,
            submitted: card.submitted,
            ended,
            fate,
            origin: card.origin,
            node: completed.then_some(record.node),
            attempts: card.attempts,
            prompt_tokens: card.prompt_tokens,
            output_tokens: record.output_tokens,
            ttft: None,
            tpot: None,
            paid: 0.0,
        };
        if completed {
            self.free_slot(job, record.node, record.epoch, now);
            let first = record.first_token;
            row.ttft = Some((first - card.submitted).as_secs_f64());
            let steps = record.output_tokens - 1;
            row.tpot = (steps > 0).then(|| (ended - first).as_secs_f64() / f64::from(steps));
            let price = self.pay(&record, &card);
            row.paid = price.as_f64();
            self.counts.completed += 1;
            if let Some(flows) = &mut self.flows {
                (flows.served).add(card.prompt_tokens, record.output_tokens);
                flows.paid += price;
                flows.paid_to[record.node.index()] += price;
                flows.requests[1] += u64::from(self.workload.slo.is_met(row.ttft, row.tpot));
            }
        } else if fate == Fate::Failed {
            self.counts.failed += 1;
        } else {
            self.counts.rejected += 1;
        }
        self.counts.live -= 1;
        self.left(Queue::Platform, job, now);
        self.tally.ended(&row, self.workload.slo);
        self.recorder.job(row);
        let record = &mut self.jobs[job.index()];
        record.node = ENDED;
        record.stamp += 1;
        self.board.jobs[job.index()].node = NOWHERE;
        self.free.push(job);
        if self.closing && self.counts.live == 0 {
            cx.stop();
        }
    }

    pub(super) fn pay(&mut self, record: &Job, card: &JobCard) -> Amount {
        if self.platform.pricing == Pricing::Rental {
            return Amount::ZERO;
        }
        let price = record.rates.price(card.prompt_tokens, record.output_tokens);
        let owner = self.nodes[record.node.index()].owner;
        if let Some(prefiller) = card.prefilled_by() {
            self.pay_both(prefiller, record, card);
            return price;
        }
        let payout = self.bank.deliver(record.lock, price, owner);
        self.tally.paid(card.submitted, price, payout, owner);
        price
    }

    /// Pays the owner of the node that computed the prompt for the prompt, and that of the node that went on for the answer.
    fn pay_both(&mut self, prefiller: NodeId, record: &Job, card: &JobCard) {
        let of = |node: NodeId| self.nodes[node.index()].owner;
        let parts = [
            (record.rates.price(card.prompt_tokens, 0), of(prefiller)),
            (record.rates.price(0, record.output_tokens), of(record.node)),
        ];
        let payouts = self.bank.deliver_together(record.lock, parts);
        for ((price, owner), payout) in parts.into_iter().zip(payouts) {
            self.tally.paid(card.submitted, price, payout, owner);
        }
    }

    /// The dispatcher hears that a job placed in this stay of the node has ended.
    pub(super) fn free_slot(&mut self, job: JobId, node: NodeId, epoch: u32, now: SimTime) {
        self.board.ended(job, node, epoch, now);
        let node_state = &mut self.nodes[node.index()];
        if node_state.stage == Stage::Draining && self.board.held(node) == 0 {
            self.release(node, now);
        }
    }

    /// The dispatcher takes a placed job for lost: refund, and try again or give up.
    pub(super) fn job_lost(&mut self, job: JobId, stamp: u32, cx: &mut Cx) {
        let record = &mut self.jobs[job.index()];
        if record.stamp != stamp {
            return;
        }
        record.stamp += 1;
        let (node, epoch) = (std::mem::replace(&mut record.node, NOWHERE), record.epoch);
        let submitted = self.board.jobs[job.index()].submitted;
        if self.platform.pricing != Pricing::Rental {
            self.bank.refund(std::mem::take(&mut record.lock));
        }
        if self.handoffs.are_possible() {
            self.forget_placement(job, node, epoch, cx);
        } else {
            self.free_slot(job, node, epoch, cx.now());
        }
        self.tally.lost(submitted);
        if self.loses_copy(job, cx) {
            self.report_idle(node, cx);
            return;
        }
        self.report_idle(node, cx);
        if self.board.jobs[job.index()].attempts >= self.platform.retry.max_attempts {
            self.end(job, Fate::Failed, cx);
            return;
        }
        self.wait(job, cx.now());
        if self.board.is_waiting(job) {
            self.ask(Cause::JobLost(job), cx);
        }
        self.await_node(job, cx);
    }
}
