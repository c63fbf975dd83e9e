//! Copies of a request on several nodes: the first answer wins, or as many as must agree; who is not needed any more is cancelled.
//!
//! A copy is a job of its own in the tables, and no request of its own in the counts. All copies of a request are equal: whichever
//! gives the answer that completes the request ends it, and only the last of them waits again when it is lost.
//! A node is paid for what it gave: whole answers, and of a cancelled one the prompt and the tokens so far if it had begun.

use smallvec::SmallVec;

use super::event::Event;
use super::{Cx, ENDED, World};
use crate::ids::{JobId, NodeId};
use crate::market::Pricing;
use crate::record::{Queue, Recorder};
use crate::scheduling::{Cause, Reason, Scheduler};
use crate::serving::Cancelled;
use crate::view::{NO_TICKET, NOWHERE};

/// The copies of all requests that have any.
#[derive(Debug, Default)]
pub(super) struct Copies {
    families: Vec<Family>,
    free: Vec<u32>,
    /// By job: its family, [`ALONE`] or [`CANCELLED`]; empty as long as no request ever had a copy.
    of: Vec<u32>,
    /// Live jobs that are no request of their own.
    pub(super) extra: usize,
}

/// The copies of one request.
#[derive(Clone, Debug, Default)]
struct Family {
    live: SmallVec<[JobId; 4]>,
    /// Answers that complete the request, and those that there are.
    needed: u32,
    answered: u32,
}

const ALONE: u32 = u32::MAX;
const CANCELLED: u32 = u32::MAX - 1;

impl Copies {
    /// The family of a job, made if it has none.
    fn family(&mut self, job: JobId) -> &mut Family {
        if self.of.len() <= job.index() {
            self.of.resize(job.index() + 1, ALONE);
        }
        if self.of[job.index()] == ALONE {
            let family = Family {
                live: SmallVec::from_slice(&[job]),
                needed: 1,
                answered: 0,
            };
            let index = self.free.pop().unwrap_or(self.families.len() as u32);
            if index as usize == self.families.len() {
                self.families.push(family);
            } else {
                self.families[index as usize] = family;
            }
            self.of[job.index()] = index;
        }
        &mut self.families[self.of[job.index()] as usize]
    }

    /// Whether no request ever had a copy.
    pub(super) fn are_unused(&self) -> bool {
        self.of.is_empty()
    }

    fn find(&mut self, job: JobId) -> Option<&mut Family> {
        let index = *self.of.get(job.index())?;
        self.families.get_mut(index as usize)
    }

    /// Adds a copy of a job.
    fn add(&mut self, job: JobId, copy: JobId) {
        self.family(job).live.push(copy);
        let family = self.of[job.index()];
        if self.of.len() <= copy.index() {
            self.of.resize(copy.index() + 1, ALONE);
        }
        self.of[copy.index()] = family;
        self.extra += 1;
    }

    /// Takes a job out of its family.
    fn leave(&mut self, job: JobId) {
        if let Some(family) = self.find(job) {
            family.live.retain(|member| *member != job);
            self.of[job.index()] = ALONE;
        }
    }

    /// Takes the whole family of a job apart; returns its other members.
    pub(super) fn dissolve(&mut self, job: JobId) -> SmallVec<[JobId; 4]> {
        let Some(&index) = self.of.get(job.index()).filter(|&&index| index < CANCELLED) else {
            return SmallVec::new();
        };
        let mut members = std::mem::take(&mut self.families[index as usize].live);
        members.retain(|member| *member != job);
        for member in members.iter().chain([&job]) {
            self.of[member.index()] = ALONE;
        }
        self.free.push(index);
        members
    }

    fn is_cancelled(&self, job: JobId) -> bool {
        self.of.get(job.index()) == Some(&CANCELLED)
    }
}

impl<S: Scheduler, R: Recorder> World<'_, S, R> {
    /// The job, if it is on its way to a node or there.
    fn must_be_placed(&self, job: JobId) -> Result<(), Reason> {
        match self.jobs.get(job.index()) {
            Some(record) if record.is_placed() && !self.copies.is_cancelled(job) => Ok(()),
            Some(record) if record.is_live() && self.board.is_waiting(job) => {
                Err(Reason::NotPlaced)
            }
            _ => Err(Reason::NoSuchJob),
        }
    }

    /// Sends a copy of a placed job to another node.
    pub(super) fn copy(&mut self, job: JobId, node: NodeId, cx: &mut Cx) -> Result<(), Reason> {
        self.must_be_placed(job)?;
        if self.handoffs.are_possible() {
            return Err(Reason::Disaggregated);
        }
        self.must_take(job, node, cx)?;
        if self.board.view(cx.now()).has_copy(job, node) {
            return Err(Reason::SameNode);
        }
        self.board.copied(job, node);
        let (mut record, mut card) = (self.jobs[job.index()], self.board.jobs[job.index()]);
        card.ticket = NO_TICKET;
        record.node = NOWHERE;
        let copy = self.slot(record, card);
        self.copies.add(job, copy);
        if let Some(&prefix) = self.prefixes.get(job.index()) {
            self.prefixes.resize(self.jobs.len(), None);
            self.prefixes[copy.index()] = prefix;
        }
        self.send(copy, node, None, cx);
        // It is the same attempt.
        self.board.jobs[copy.index()].attempts = card.attempts;
        Ok(())
    }

    /// Sets how many answers complete the request.
    pub(super) fn need_answers(&mut self, job: JobId, answers: u32) -> Result<(), Reason> {
        self.must_be_placed(job)?;
        let family = self.copies.family(job);
        if answers == 0 || answers > family.answered + family.live.len() as u32 {
            return Err(Reason::TooFewCopies);
        }
        family.needed = answers;
        Ok(())
    }

    /// A job has given its answer, which may complete its request.
    pub(super) fn answered(&mut self, job: JobId, node: NodeId, cx: &mut Cx) {
        if self.completes(job, cx) {
            let (copies, serial) = (self.copies.dissolve(job), self.serial(job));
            self.complete(job, node, cx);
            self.cancel_all(&copies, serial, cx);
        }
    }

    /// Whether the answer of a job completes its request; if not, the job is done with here.
    fn completes(&mut self, job: JobId, cx: &mut Cx) -> bool {
        if self.copies.is_cancelled(job) {
            self.settle(job);
            self.retire(job, cx);
            return false;
        }
        let Some(family) = self.copies.find(job) else {
            return true;
        };
        family.answered += 1;
        // The last that there is completes it, however many were wanted.
        if family.answered >= family.needed || family.live.len() == 1 {
            return true;
        }
        self.settle(job);
        self.retire(job, cx);
        false
    }

    /// Whether a job that was lost with its node, and is nowhere now, was a copy that its request can do without; the policy may send
    /// another.
    pub(super) fn loses_copy(&mut self, job: JobId, cx: &mut Cx) -> bool {
        if self.copies.are_unused() {
            return false;
        }
        if self.copies.is_cancelled(job) {
            self.retire(job, cx);
            return true;
        }
        let Some(family) = self.copies.find(job) else {
            return false;
        };
        let survivor = family.live.iter().copied().find(|other| *other != job);
        let Some(survivor) = survivor else {
            return false;
        };
        self.retire(job, cx);
        self.ask(Cause::CopyLost(survivor), cx);
        true
    }

    /// The request with this number has ended: its other copies are not needed any more.
    fn cancel_all(&mut self, copies: &[JobId], serial: u64, cx: &mut Cx) {
        if !copies.is_empty() {
            self.board.copies.remove(&serial);
            for &copy in copies {
                self.cancel(copy, cx);
            }
        }
    }

    /// Takes a copy from where it is.
    fn cancel(&mut self, job: JobId, cx: &mut Cx) {
        let id = self.jobs[job.index()].node;
        let node = &mut self.nodes[id.index()];
        let is_there = node.stage.is_on() && node.epoch == self.jobs[job.index()].epoch;
        let profile = &self.platform.profiles[node.profile.index()];
        let cancelled = is_there.then(|| {
            node.server
                .cancel(cx.now(), job, profile, &mut self.backlog)
        });
        match cancelled.flatten() {
            // It is on its way, or lost and not noticed.
            None => {
                self.refund(job);
                self.retire(job, cx);
            }
            Some(Cancelled::Queued { generated }) => {
                self.tally.running(cx.now(), -1);
                self.left(Queue::Node(id), job, cx.now());
                if generated == 0 {
                    self.refund(job);
                } else {
                    self.jobs[job.index()].output_tokens = generated;
                    self.settle(job);
                }
                self.retire(job, cx);
            }
            // It leaves with the step under way.
            Some(Cancelled::Running { generated, until }) => {
                self.copies.of[job.index()] = CANCELLED;
                self.jobs[job.index()].output_tokens = generated;
                if let Some(at) = until {
                    let node = &mut self.nodes[id.index()];
                    node.stamp += 1;
                    let stamp = node.stamp;
                    cx.at(at, Event::Boundary { node: id, stamp });
                }
            }
        }
    }

    fn refund(&mut self, job: JobId) {
        if self.platform.pricing != Pricing::Rental {
            let lock = std::mem::take(&mut self.jobs[job.index()].lock);
            self.bank.refund(lock);
        }
    }

    /// Pays for what a copy gave.
    fn settle(&mut self, job: JobId) {
        let (record, card) = (self.jobs[job.index()], self.board.jobs[job.index()]);
        self.pay(&record, &card);
        self.jobs[job.index()].lock = crate::settlement::Lock::default();
    }

    /// A copy that is not its request any more gives its place on the node and in the tables back.
    fn retire(&mut self, job: JobId, cx: &mut Cx) {
        self.copies.leave(job);
        self.copies.of[job.index()] = ALONE;
        self.copies.extra -= 1;
        let (node, epoch) = {
            let record = &mut self.jobs[job.index()];
            record.stamp += 1;
            let node = std::mem::replace(&mut record.node, ENDED);
            (node, record.epoch)
        };
        self.board.withdrawn(job);
        self.board.jobs[job.index()].node = NOWHERE;
        if node != NOWHERE {
            self.free_slot(job, node, epoch, cx.now());
        }
        self.free.push(job);
        // What was sent to an earlier stay of the node leaves no slot of this one free.
        if node != NOWHERE && self.board.nodes[node.index()].epoch == epoch {
            self.report_idle(node, cx);
            self.offer(Cause::SlotFreed(node), node, cx);
        }
    }
}
