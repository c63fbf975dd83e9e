//! Asking the scheduler, and carrying out its orders or refusing them.

use walras_des::{SimTime, Span};

use super::event::Event;
use super::{Cx, Job, World};
use crate::ids::{JobId, NodeId};
use crate::market::Pricing;
use crate::record::{Fate, REFUSALS_KEPT, Recorder};
use crate::scheduling::{Cause, Order, Reason, Refusal, Scheduler};

impl<S: Scheduler, R: Recorder> World<'_, S, R> {
    /// Tells the scheduler of a node with free slots, until it has no more use for them.
    pub(super) fn offer(&mut self, mut cause: Cause, node: NodeId, cx: &mut Cx) {
        loop {
            let before = self.board.view(cx.now()).waiting_len();
            self.ask(cause, cx);
            let view = self.board.view(cx.now());
            let left = view.waiting_len();
            if left == 0 || left == before || !view.is_open(node) {
                break;
            }
            cause = Cause::SlotsLeft(node);
        }
    }

    /// Tells a policy that wants to know of a node that has nothing left to do.
    pub(super) fn report_idle(&mut self, node: NodeId, cx: &mut Cx) {
        let is_idle = || self.board.held(node) == 0 && self.board.nodes[node.index()].is_up();
        if self.needs.idle_reports && is_idle() {
            self.ask(Cause::NodeIdle(node), cx);
        }
    }

    /// Asks the scheduler and carries out its orders.
    pub(super) fn ask(&mut self, cause: Cause, cx: &mut Cx) {
        let mut orders = std::mem::take(&mut self.orders);
        self.scheduler
            .decide(cause, &self.board.view(cx.now()), &mut orders);
        for order in orders.0.drain(..) {
            let done = match order {
                Order::Place(job, node) => self.place(job, node, cx),
                Order::Copy(job, node) => self.copy(job, node, cx),
                Order::NeedAnswers(job, answers) => self.need_answers(job, answers),
                Order::Reject(job) => self.reject(job, cx),
                Order::Wake(at) if at < cx.now() => Err(Reason::Past),
                Order::Wake(at) => {
                    cx.at(at, Event::Wake);
                    Ok(())
                }
            };
            if let Err(why) = done {
                self.refuse(order, why, cx.now());
            }
        }
        self.orders = orders;
    }

    /// Counts an order that is not carried out, and keeps the first few with the reason.
    #[cold]
    fn refuse(&mut self, order: Order, why: Reason, at: SimTime) {
        self.counts.refused_orders += 1;
        if self.refusals.len() < REFUSALS_KEPT {
            let job = match order {
                Order::Place(job, _)
                | Order::Copy(job, _)
                | Order::NeedAnswers(job, _)
                | Order::Reject(job) => Some(job),
                Order::Wake(_) => None,
            };
            let live = job.filter(|job| self.jobs.get(job.index()).is_some_and(Job::is_live));
            self.refusals.push(Refusal {
                at,
                order,
                job: live.map(|job| self.serial(job)),
                why,
            });
        }
    }

    /// Whether the job waits for an order.
    fn must_wait(&self, job: JobId) -> Result<(), Reason> {
        if self.board.is_waiting(job) {
            Ok(())
        } else if self.jobs.get(job.index()).is_some_and(Job::is_live) {
            Err(Reason::NotWaiting)
        } else {
            Err(Reason::NoSuchJob)
        }
    }

    fn reject(&mut self, job: JobId, cx: &mut Cx) -> Result<(), Reason> {
        self.must_wait(job)?;
        self.end(job, Fate::Rejected, cx);
        Ok(())
    }

    /// Whether the node takes the job.
    pub(super) fn must_take(&self, job: JobId, node: NodeId, cx: &Cx) -> Result<(), Reason> {
        if node.index() >= self.nodes.len() {
            return Err(Reason::NoSuchNode);
        }
        let view = self.board.view(cx.now());
        if !view.eligible(job, node) {
            let obstacle = view.obstacle(job, node);
            return Err(Reason::Node(obstacle.expect("something stands in the way")));
        }
        Ok(())
    }

    fn place(&mut self, job: JobId, node: NodeId, cx: &mut Cx) -> Result<(), Reason> {
        self.must_wait(job)?;
        self.must_take(job, node, cx)?;
        self.stop_waiting(job, cx.now());
        self.send(job, node, cx);
        Ok(())
    }

    /// Sends a job to a node that takes it.
    pub(super) fn send(&mut self, job: JobId, node: NodeId, cx: &mut Cx) {
        let view = self.board.view(cx.now());
        let (latency, rates) = (view.latency(job, node), view.rates(node));
        let overhead = view.profile(node).request_overhead;
        let epoch = self.board.placed(job, node);
        let card = &mut self.board.jobs[job.index()];
        card.attempts += 1;
        card.node = node;
        let (serial, prompt_tokens) = (card.serial, card.prompt_tokens);
        let record = &mut self.jobs[job.index()];
        record.stamp += 1;
        (record.node, record.epoch) = (node, epoch);
        (record.rates, record.back) = (rates, latency);
        self.recorder.placed(serial, node);
        if self.platform.pricing != Pricing::Rental {
            record.lock = self.bank.lock(rates.price(prompt_tokens, self.max_output));
        }
        let (delay, stamp) = (latency + overhead, record.stamp);
        if delay == Span::ZERO {
            self.deliver(job, stamp, cx);
        } else {
            cx.after(delay, Event::Deliver { job, stamp });
        }
    }
}
