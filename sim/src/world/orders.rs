//! Asking the scheduler, and carrying out its orders or refusing them.

use walras_des::{SimTime, Span};

use super::event::Event;
use super::{Cx, Job, World};
use crate::ids::{JobId, NodeId};
use crate::market::{Pricing, Rates};
use crate::record::{Fate, Queue, REFUSALS_KEPT, Recorder};
use crate::scheduling::{Cause, Order, Reason, Refusal, Scheduler};
use crate::view::Obstacle;

impl<S: Scheduler, R: Recorder> World<'_, S, R> {
    /// Tells the scheduler of a node with free slots, until it has no more use for them.
    pub(super) fn offer(&mut self, mut cause: Cause, node: NodeId, cx: &mut Cx) {
        loop {
            let before = self.board.view(cx.now()).undecided_len();
            self.ask(cause, cx);
            let view = self.board.view(cx.now());
            let left = view.undecided_len();
            if left == 0 || left == before || !view.has_slot(node) {
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
                Order::Place(job, node) => self.place(job, node, None, cx),
                Order::PlaceAt(job, node, rates) => self.place(job, node, Some(rates), cx),
                Order::Steal(victim, thief) => self.steal(victim, thief, cx),
                Order::Copy(job, node) => self.copy(job, node, cx),
                Order::Decode(job, node) => self.decode(job, node, cx),
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
                | Order::PlaceAt(job, _, _)
                | Order::Copy(job, _)
                | Order::Decode(job, _)
                | Order::NeedAnswers(job, _)
                | Order::Reject(job) => Some(job),
                Order::Wake(_) | Order::Steal(_, _) => None,
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

    fn place(
        &mut self,
        job: JobId,
        node: NodeId,
        rates: Option<Rates>,
        cx: &mut Cx,
    ) -> Result<(), Reason> {
        self.must_wait(job)?;
        self.must_take(job, node, cx)?;
        self.ask_for_node(node);
        if let Some(rates) = rates {
            self.must_pay(job, node, rates, cx)?;
        }
        self.stop_waiting(job, cx.now());
        self.send(job, node, rates, cx);
        Ok(())
    }

    /// Whether the job may be placed on the node at these rates.
    fn must_pay(&self, job: JobId, node: NodeId, rates: Rates, cx: &Cx) -> Result<(), Reason> {
        let view = self.board.view(cx.now());
        let card = view.job(job);
        if self.platform.pricing != Pricing::ReverseAuction {
            Err(Reason::FixedPrice)
        } else if rates.price(card.prompt_tokens, card.output_estimate) < view.price(job, node) {
            Err(Reason::BelowAsk)
        } else if view.pays(job, rates) {
            Ok(())
        } else {
            Err(Reason::Node(Obstacle::TooDear))
        }
    }

    /// Lets a node take the last job that waits at another, if there is one that it takes.
    fn steal(&mut self, victim: NodeId, thief: NodeId, cx: &mut Cx) -> Result<(), Reason> {
        if victim.index().max(thief.index()) >= self.nodes.len() {
            return Err(Reason::NoSuchNode);
        }
        let node = &mut self.nodes[victim.index()];
        let job = node.server.last_waiting(&self.backlog);
        let view = self.board.view(cx.now());
        let suits = |job: &JobId| view.eligible(*job, thief) && !view.has_copy(*job, thief);
        let Some(job) = job.filter(suits) else {
            return Ok(());
        };
        (self.nodes[victim.index()].server).remove_waiting(job, &mut self.backlog);
        self.tally.running(cx.now(), -1);
        self.left(Queue::Node(victim), job, cx.now());
        let record = &mut self.jobs[job.index()];
        let (epoch, lock) = (record.epoch, std::mem::take(&mut record.lock));
        if self.platform.pricing != Pricing::Rental {
            self.bank.refund(lock);
        }
        self.free_slot(job, victim, epoch, cx.now());
        self.send(job, thief, None, cx);
        // It is the same attempt.
        self.board.jobs[job.index()].attempts -= 1;
        self.offer(Cause::SlotFreed(victim), victim, cx);
        Ok(())
    }

    /// Sends a job to a node that takes it, at these rates or at those it asks.
    pub(super) fn send(&mut self, job: JobId, node: NodeId, rates: Option<Rates>, cx: &mut Cx) {
        let view = self.board.view(cx.now());
        let latency = view.latency(job, node);
        let rates = rates.unwrap_or_else(|| view.rates(node));
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
