//! What a policy may know: the dispatcher's own books, never the world's hidden state.
//!
//! A [`Board`] holds what the dispatcher was told and when. It learns of a departure only after the detection delay, knows the
//! class of a device but not how slow this machine is, and the prompt of a job but not the length of its answer.
//! A [`View`] is a read-only window on it; there is no way from a view to the truth.

mod shortest;
mod tournament;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use walras_des::{SimTime, Span};

use shortest::ShortestQueues;
pub(crate) use tournament::Tournament;

use crate::hardware::Profile;
use crate::ids::{JobId, NodeId, ProfileId, RegionId};
use crate::knowledge::Reports;
use crate::market::Rates;
use crate::network::Network;
use crate::serving::Role;
use crate::units::{Amount, Price};
use crate::workload::{Sizes, Slo};

/// What is known of a node: a line of the cache each, as policies look at nodes at random.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct NodeCard {
    /// Where it is.
    pub region: RegionId,
    /// Its device class.
    pub profile: ProfileId,
    /// One-way latency of its access link.
    pub access: Span,
    /// What its owner asks.
    pub ask: Rates,
    /// Jobs placed on it and not known to have ended; where nodes report from time to time, when it was last heard of.
    pub outstanding: u32,
    /// Since when it is known to be up, in its present stay.
    pub up_since: SimTime,
    /// When it was last heard of.
    pub observed_at: SimTime,
    /// Which of its stays this is; tells an answer of an earlier stay from one of this.
    pub(crate) epoch: u32,
    /// Position in the list of nodes that are up; `DOWN` if it is not.
    position: u32,
    /// What it does of a request.
    pub role: Role,
}

const DOWN: u32 = u32::MAX;

impl NodeCard {
    /// A node that is not up yet.
    #[must_use]
    pub fn new(region: RegionId, profile: ProfileId, access: Span, ask: Rates) -> Self {
        Self {
            region,
            profile,
            access,
            ask,
            outstanding: 0,
            up_since: SimTime::ZERO,
            observed_at: SimTime::ZERO,
            epoch: 0,
            position: DOWN,
            role: Role::Both,
        }
    }

    /// The same node with this role.
    #[must_use]
    pub fn with_role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// Whether the node is believed to be up.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.position != DOWN
    }
}

/// What is known of a job.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct JobCard {
    /// Number of the request, from zero.
    pub serial: u64,
    /// When it was submitted.
    pub submitted: SimTime,
    /// Where its customer is.
    pub origin: RegionId,
    /// Prompt length.
    pub prompt_tokens: u32,
    /// Expected output length: as good as the platform's [`crate::knowledge::Estimates`].
    pub output_estimate: u32,
    /// Placements so far.
    pub attempts: u32,
    /// The most that its customer pays for an answer of the expected length; [`Price::MAX`] if there is no limit.
    pub limit: Price,
    /// Where it was last placed; [`NOWHERE`] if it never was.
    pub(crate) node: NodeId,
    /// Which node has computed its prompt, if its answer goes on elsewhere; [`NOWHERE`] if none.
    pub(crate) prefiller: NodeId,
    /// Which beginning its prompt has; [`NO_GROUP`] if it shares none.
    pub(crate) group: u32,
    /// Its ticket on the waiting list, if it waits for an order; [`NO_TICKET`] if not.
    pub(crate) ticket: u64,
}

impl JobCard {
    /// Where it was last placed, if it ever was and has not ended.
    #[must_use]
    pub fn last_node(&self) -> Option<NodeId> {
        (self.node != NOWHERE).then_some(self.node)
    }

    /// The node that has computed its prompt, if its answer goes on elsewhere.
    #[must_use]
    pub fn prefilled_by(&self) -> Option<NodeId> {
        (self.prefiller != NOWHERE).then_some(self.prefiller)
    }

    /// Which of the shared beginnings its prompt has, if any: the dispatcher reads prompts.
    #[must_use]
    pub fn prefix_group(&self) -> Option<u32> {
        (self.group != NO_GROUP).then_some(self.group)
    }

    /// Tokens that count for a node with this role.
    fn tokens_on(&self, role: Role) -> u64 {
        match role {
            Role::Prefill if self.prefilled_by().is_some() => 0,
            Role::Prefill => u64::from(self.prompt_tokens),
            Role::Both | Role::Decode => self.expected_tokens(),
        }
    }

    /// Tokens that it is expected to need in a KV cache.
    fn expected_tokens(&self) -> u64 {
        u64::from(self.prompt_tokens) + u64::from(self.output_estimate)
    }
}

/// No node.
pub(crate) const NOWHERE: NodeId = NodeId(u32::MAX);

/// The group of a job that shares no beginning.
pub(crate) const NO_GROUP: u32 = u32::MAX;

/// The ticket of a job that does not wait.
pub(crate) const NO_TICKET: u64 = 0;

/// What keeps a job from a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It is not up, as far as the dispatcher knows.
    Down,
    /// Its owner asks more than the price for all.
    Unwilling,
    /// It only goes on with what other nodes began.
    Decodes,
    /// It only computes prompts.
    Prefills,
    /// All its slots are taken.
    Full,
    /// Its memory does not hold the prompt and the longest answer.
    TooSmall,
    /// Its price is above what the customer pays.
    TooDear,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down => "the node is not up, as far as the dispatcher knows",
            Self::Unwilling => "the node's owner asks more than the price for all",
            Self::Decodes => "the node only decodes what others have prefilled",
            Self::Prefills => "the node only prefills",
            Self::Full => "all slots of the node are taken",
            Self::TooSmall => "the node's memory does not hold the prompt and the longest answer",
            Self::TooDear => "the node's price is above what the customer pays",
        })
    }
}

/// How a job is expected to fare on a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Time from now to the first token at the customer [s].
    pub ttft: f64,
    /// Time per output token [s].
    pub tpot: f64,
}

/// What a policy needs to have kept for it, at a price for each change; nothing unless it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// An index for [`View::shortest_queue`].
    pub shortest_queue: bool,
    /// The count behind [`View::free_kv_tokens`].
    pub tokens: bool,
    /// To be told when a node has nothing left to do.
    pub idle_reports: bool,
}

/// Jobs that nodes hold and have not reported yet.
#[derive(Debug)]
struct Unreported {
    /// By node.
    held: Vec<u32>,
    /// Whether a card counts what was sent since the last report.
    adds_own: bool,
}

/// The dispatcher's books.
#[derive(Debug)]
pub struct Board {
    pub(crate) nodes: Vec<NodeCard>,
    up: Vec<NodeId>,
    pub(crate) jobs: Vec<JobCard>,
    /// Tickets in order; one whose job has left is skipped, and dropped when it comes to the front.
    waiting: VecDeque<(JobId, u64)>,
    waiting_count: u32,
    tickets: u64,
    profiles: Vec<Profile>,
    network: Arc<Network>,
    sizes: Sizes,
    slo: Slo,
    slots: u32,
    /// Whether cards are all that there is to keep: no late reports, no index, no count of tokens. Nearly always so, and quick.
    is_plain: bool,
    /// Where nodes report from time to time: jobs that each holds in truth.
    unreported: Option<Unreported>,
    shortest: Option<ShortestQueues>,
    /// Tokens of the jobs that were sent to each node and have not ended, as expected, and where only prompts are computed those of
    /// prompts that are not; empty unless a policy needs it.
    tokens: Vec<u64>,
    /// Jobs whose context waits for a node, in the order in which it was ready.
    pub(crate) ready: Vec<JobId>,
    /// By number of the request: the nodes that have copies of it, where there are several.
    pub(crate) copies: BTreeMap<u64, Vec<NodeId>>,
    /// The price for all, where the mechanism sets one.
    pub(crate) uniform: Option<Rates>,
}

impl Board {
    /// Books with no nodes up and no jobs.
    #[must_use]
    pub fn new(
        nodes: Vec<NodeCard>,
        profiles: Vec<Profile>,
        network: Arc<Network>,
        sizes: Sizes,
        slo: Slo,
        slots: u32,
    ) -> Self {
        Self {
            nodes,
            up: Vec::new(),
            jobs: Vec::new(),
            waiting: VecDeque::new(),
            waiting_count: 0,
            tickets: 0,
            profiles,
            network,
            sizes,
            slo,
            slots,
            is_plain: true,
            unreported: None,
            shortest: None,
            tokens: Vec::new(),
            ready: Vec::new(),
            copies: BTreeMap::new(),
            uniform: None,
        }
    }

    /// Lets the cards say what nodes last reported, and no more.
    pub(crate) fn wait_for_reports(&mut self, reports: Reports) {
        self.is_plain = false;
        self.unreported = Some(Unreported {
            held: vec![0; self.nodes.len()],
            adds_own: reports.adds_own,
        });
    }

    /// Keeps what a policy needs to be kept.
    pub(crate) fn keep(&mut self, needs: Needs) {
        if needs.shortest_queue {
            self.shortest = Some(ShortestQueues::new(&self.nodes));
        }
        if needs.tokens {
            self.tokens = vec![0; self.nodes.len()];
        }
        self.is_plain &= !(needs.shortest_queue || needs.tokens);
    }

    /// Jobs that were placed on the node and have not ended, whatever its card says.
    pub(crate) fn held(&self, node: NodeId) -> u32 {
        match &self.unreported {
            Some(unreported) => unreported.held[node.index()],
            None => self.nodes[node.index()].outstanding,
        }
    }

    fn update_index(&mut self, node: NodeId) {
        if let Some(index) = &mut self.shortest {
            index.update(node, &self.nodes[node.index()]);
        }
    }

    /// Counts a job that is sent to a node; returns the stay of the node that it meets.
    pub(crate) fn placed(&mut self, job: JobId, node: NodeId) -> u32 {
        let card = &mut self.nodes[node.index()];
        let epoch = card.epoch;
        if self.is_plain {
            card.outstanding += 1;
            return epoch;
        }
        if let Some(tokens) = self.tokens.get_mut(node.index()) {
            *tokens += self.jobs[job.index()].tokens_on(card.role);
        }
        if let Some(unreported) = &mut self.unreported {
            unreported.held[node.index()] += 1;
            if !unreported.adds_own {
                return epoch;
            }
        }
        card.outstanding += 1;
        self.update_index(node);
        epoch
    }

    /// Notes a copy of a placed job on another node.
    pub(crate) fn copied(&mut self, job: JobId, node: NodeId) {
        let card = &self.jobs[job.index()];
        let nodes = self.copies.entry(card.serial);
        nodes.or_insert_with(|| vec![card.node]).push(node);
    }

    /// Notes that a copy is not on its node any more.
    pub(crate) fn withdrawn(&mut self, job: JobId) {
        let card = &self.jobs[job.index()];
        if let Some(nodes) = self.copies.get_mut(&card.serial) {
            nodes.retain(|node| *node != card.node);
        }
    }

    /// Counts the end of a job that was placed in this stay of the node.
    pub(crate) fn ended(&mut self, job: JobId, node: NodeId, epoch: u32, now: SimTime) {
        let card = &mut self.nodes[node.index()];
        if card.epoch != epoch {
            return;
        }
        if self.is_plain {
            if card.outstanding > 0 {
                card.outstanding -= 1;
                card.observed_at = now;
            }
            return;
        }
        if let Some(tokens) = self.tokens.get_mut(node.index()) {
            *tokens = tokens.saturating_sub(self.jobs[job.index()].tokens_on(card.role));
        }
        if let Some(unreported) = &mut self.unreported {
            let held = &mut unreported.held[node.index()];
            *held = held.saturating_sub(1);
        } else if card.outstanding > 0 {
            card.outstanding -= 1;
            card.observed_at = now;
            self.update_index(node);
        }
    }

    /// Notes that the node of a job has computed its prompt.
    pub(crate) fn prefilled(&mut self, job: JobId) {
        let card = &mut self.jobs[job.index()];
        if let Some(tokens) = self.tokens.get_mut(card.node.index()) {
            *tokens = tokens.saturating_sub(u64::from(card.prompt_tokens));
        }
        card.prefiller = card.node;
    }

    /// A node that is up reports how many jobs it holds.
    pub(crate) fn report(&mut self, node: NodeId, now: SimTime) {
        let held = self.held(node);
        let card = &mut self.nodes[node.index()];
        if card.is_up() {
            (card.outstanding, card.observed_at) = (held, now);
            self.update_index(node);
        }
    }

    /// The view at `now`.
    #[must_use]
    pub fn view(&self, now: SimTime) -> View<'_> {
        View { now, board: self }
    }

    pub(crate) fn node_up(&mut self, node: NodeId, epoch: u32, now: SimTime) {
        let position = u32::try_from(self.up.len()).expect("node ids fit 32 bits");
        let card = &mut self.nodes[node.index()];
        (
            card.epoch,
            card.outstanding,
            card.up_since,
            card.observed_at,
        ) = (epoch, 0, now, now);
        if !card.is_up() {
            card.position = position;
            self.up.push(node);
        }
        if let Some(unreported) = &mut self.unreported {
            unreported.held[node.index()] = 0;
        }
        if let Some(tokens) = self.tokens.get_mut(node.index()) {
            *tokens = 0;
        }
        self.update_index(node);
    }

    pub(crate) fn node_down(&mut self, node: NodeId, now: SimTime) {
        let card = &mut self.nodes[node.index()];
        card.observed_at = now;
        if card.is_up() {
            let position = std::mem::replace(&mut card.position, DOWN);
            self.up.swap_remove(position as usize);
            if let Some(&moved) = self.up.get(position as usize) {
                self.nodes[moved.index()].position = position;
            }
            self.update_index(node);
        }
    }

    /// Puts a node back into service that was taken out of it with work under way.
    pub(crate) fn node_resumed(&mut self, node: NodeId, now: SimTime) {
        let (card, held) = (self.nodes[node.index()], self.held(node));
        let tokens = self.tokens.get(node.index()).copied();
        self.node_up(node, card.epoch, now);
        let resumed = &mut self.nodes[node.index()];
        (resumed.outstanding, resumed.up_since) = (card.outstanding, card.up_since);
        if let Some(unreported) = &mut self.unreported {
            unreported.held[node.index()] = held;
        }
        if let (Some(now), Some(before)) = (self.tokens.get_mut(node.index()), tokens) {
            *now = before;
        }
        self.update_index(node);
    }

    pub(crate) fn is_waiting(&self, job: JobId) -> bool {
        self.jobs
            .get(job.index())
            .is_some_and(|card| card.ticket != NO_TICKET)
    }

    pub(crate) fn enqueue(&mut self, job: JobId) {
        self.tickets += 1;
        self.jobs[job.index()].ticket = self.tickets;
        self.waiting.push_back((job, self.tickets));
        self.waiting_count += 1;
    }

    /// Takes a job off the waiting list.
    pub(crate) fn dequeue(&mut self, job: JobId) {
        self.jobs[job.index()].ticket = NO_TICKET;
        self.waiting_count -= 1;
        while let Some(&(front, ticket)) = self.waiting.front() {
            if self.jobs[front.index()].ticket == ticket {
                break;
            }
            self.waiting.pop_front();
        }
        // Behind one that waits for long, dead tickets would pile up; sweeping at half dead costs O(1) per ticket.
        if self.waiting.len() > 2 * self.waiting_count as usize + 64 {
            let jobs = &self.jobs;
            self.waiting
                .retain(|&(job, ticket)| jobs[job.index()].ticket == ticket);
        }
    }
}

/// A read-only window on the dispatcher's books.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    now: SimTime,
    board: &'a Board,
}

impl<'a> View<'a> {
    /// The present.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Jobs that wait for an order, in order of submission or loss.
    pub fn waiting(&self) -> impl Iterator<Item = JobId> + 'a {
        let board = self.board;
        let valid = |&&(job, ticket): &&(JobId, u64)| board.jobs[job.index()].ticket == ticket;
        board.waiting.iter().filter(valid).map(|&(job, _)| job)
    }

    /// Number of jobs that wait.
    #[must_use]
    pub fn waiting_len(&self) -> u32 {
        self.board.waiting_count
    }

    /// Jobs whose prompt is computed and whose context waits for a node that goes on with it, in the order in which it was ready.
    #[must_use]
    pub fn prefilled(&self) -> &'a [JobId] {
        &self.board.ready
    }

    /// Number of jobs that wait for a decision: those that wait to be placed, and those whose context waits.
    #[must_use]
    pub(crate) fn undecided_len(&self) -> u32 {
        self.waiting_len() + self.board.ready.len() as u32
    }

    /// What is known of a job.
    #[must_use]
    pub fn job(&self, job: JobId) -> &'a JobCard {
        &self.board.jobs[job.index()]
    }

    /// Number of nodes that the platform may ever have; ids run from zero.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.board.nodes.len()
    }

    /// What is known of a node.
    #[must_use]
    pub fn node(&self, node: NodeId) -> &'a NodeCard {
        &self.board.nodes[node.index()]
    }

    /// Nodes believed to be up, in no meaningful order.
    #[must_use]
    pub fn nodes_up(&self) -> &'a [NodeId] {
        &self.board.up
    }

    /// Jobs that a node may hold.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.board.slots
    }

    /// The eligible node with the fewest outstanding jobs; the nearest among equals, then the one with the lowest id.
    ///
    /// Looks at every node that is up, unless the policy [needs](Needs::shortest_queue) this to be quick.
    #[must_use]
    pub fn shortest_queue(&self, job: JobId) -> Option<NodeId> {
        match &self.board.shortest {
            Some(index) => index.find(job, self),
            None => self.scan_queues(job),
        }
    }

    fn scan_queues(&self, job: JobId) -> Option<NodeId> {
        let mut best = None;
        for &node in self.nodes_up() {
            // What is cheap to know comes first: few nodes get as far as the last question.
            let outstanding = self.node(node).outstanding;
            if best.is_some_and(|(least, _, _)| outstanding > least) {
                continue;
            }
            let key = (outstanding, self.latency(job, node), node);
            if best.is_none_or(|least| key < least) && self.eligible(job, node) {
                best = Some(key);
            }
        }
        best.map(|(_, _, node)| node)
    }

    /// Tokens for which the node's KV cache has room beside the prompts and expected answers of the jobs that were sent to it and have
    /// not ended; less than nothing if it is promised too much.
    ///
    /// # Panics
    /// If the policy does not [need](Needs::tokens) it.
    #[must_use]
    pub fn free_kv_tokens(&self, node: NodeId) -> i64 {
        let promised = self.board.tokens[node.index()];
        self.profile(node).kv_capacity().cast_signed() - promised.cast_signed()
    }

    /// Tokens of the prompts that were sent to a node which only prefills, and that it has not computed.
    ///
    /// # Panics
    /// If the policy does not [need](Needs::tokens) it.
    #[must_use]
    pub fn pending_prompt_tokens(&self, node: NodeId) -> u64 {
        self.board.tokens[node.index()]
    }

    /// Whether the job waits for an order.
    #[must_use]
    pub fn is_waiting(&self, job: JobId) -> bool {
        self.board.is_waiting(job)
    }

    /// Whether the request of the job is on its way to the node, or there, be it as a copy.
    #[must_use]
    pub fn has_copy(&self, job: JobId, node: NodeId) -> bool {
        let card = self.job(job);
        let copies = self.board.copies.get(&card.serial);
        copies.is_some_and(|nodes| nodes.contains(&node))
            || self.is_placed(job) && card.node == node
    }

    /// Whether the job is on its way to a node, or there as far as the dispatcher knows.
    #[must_use]
    pub fn is_placed(&self, job: JobId) -> bool {
        !self.is_waiting(job) && self.job(job).last_node().is_some()
    }

    /// What the job is expected to take of the node's time, if its machine runs as its class does: from prompt to last token where a
    /// node runs one at a time; elsewhere its prompt, and its share of steps in which as many of mean size decode as run at once.
    #[must_use]
    pub fn work(&self, job: JobId, node: NodeId) -> Span {
        let (card, profile) = (self.job(job), self.profile(node));
        let batch = self.most_of(profile);
        let tokens = card.output_estimate.saturating_sub(1);
        let context = if batch == 1 {
            f64::from(card.prompt_tokens) + f64::from(tokens) / 2.0
        } else {
            self.board.sizes.mean_prompt + self.board.sizes.mean_output / 2.0
        };
        let (base, kv) = profile.decode(batch);
        let step = base as f64 / f64::from(batch) + kv as f64 * context;
        let decode = f64::from(tokens) * step / profile.gain();
        Span::from_secs_f64((profile.prompt(card.prompt_tokens) as f64 + decode) / 1e12)
    }

    /// Jobs of mean size that the node can run at once.
    #[must_use]
    pub fn most_at_once(&self, node: NodeId) -> u32 {
        self.most_of(self.profile(node))
    }

    fn most_of(&self, profile: &Profile) -> u32 {
        let sizes = &self.board.sizes;
        let most = (profile.kv_capacity() as f64 / (sizes.mean_prompt + sizes.mean_output)) as u32;
        most.clamp(1, profile.max_batch)
    }

    /// The serving profile of a node's device class.
    #[must_use]
    pub fn profile(&self, node: NodeId) -> &'a Profile {
        &self.board.profiles[self.node(node).profile.index()]
    }

    /// The device classes of the platform, by number.
    #[must_use]
    pub fn profiles(&self) -> &'a [Profile] {
        &self.board.profiles
    }

    /// The regions and the latencies between them.
    #[must_use]
    pub fn network(&self) -> &'a Network {
        &self.board.network
    }

    /// Tokens of the longest answer, for which a node must have room beside the prompt.
    #[must_use]
    pub fn longest_answer(&self) -> u32 {
        self.board.sizes.max_output
    }

    /// The service-level objectives of the workload.
    #[must_use]
    pub fn slo(&self) -> Slo {
        self.board.slo
    }

    /// Whether the world would accept this placement: the node is up and willing, has a free slot and the memory,
    /// and its price is within the job's budget.
    #[must_use]
    #[inline]
    pub fn eligible(&self, job: JobId, node: NodeId) -> bool {
        self.is_open(node) && self.holds(job, node) && self.affordable(job, node)
    }

    /// What keeps the job from the node: the first of what [`View::eligible`] asks for that does not hold.
    #[must_use]
    pub fn obstacle(&self, job: JobId, node: NodeId) -> Option<Obstacle> {
        if !self.node(node).is_up() {
            Some(Obstacle::Down)
        } else if !self.willing(node) {
            Some(Obstacle::Unwilling)
        } else if !self.node(node).role.prefills() {
            Some(Obstacle::Decodes)
        } else if !self.has_slot(node) {
            Some(Obstacle::Full)
        } else if !self.holds(job, node) {
            Some(Obstacle::TooSmall)
        } else if !self.affordable(job, node) {
            Some(Obstacle::TooDear)
        } else {
            None
        }
    }

    /// Whether the node goes on with jobs that others began, and would with this one: it is up and willing, has a free slot and the
    /// memory, and what it asks for the answer is within what the job's budget leaves beside its prompt.
    #[must_use]
    pub fn decodable(&self, job: JobId, node: NodeId) -> bool {
        self.obstacle_to_decoding(job, node).is_none()
    }

    /// What keeps a job whose prompt is computed from going on at the node.
    #[must_use]
    pub fn obstacle_to_decoding(&self, job: JobId, node: NodeId) -> Option<Obstacle> {
        if !self.node(node).is_up() {
            Some(Obstacle::Down)
        } else if !self.willing(node) {
            Some(Obstacle::Unwilling)
        } else if !self.node(node).role.decodes() {
            Some(Obstacle::Prefills)
        } else if !self.has_slot(node) {
            Some(Obstacle::Full)
        } else if !self.holds(job, node) {
            Some(Obstacle::TooSmall)
        } else if !self.affords_answer(job, node) {
            Some(Obstacle::TooDear)
        } else {
            None
        }
    }

    /// Whether the budget of a job allows what its prompt costs where it was computed, and its answer at this node.
    fn affords_answer(&self, job: JobId, node: NodeId) -> bool {
        let prompt = self.job(job).prefilled_by().unwrap_or(node);
        let rates = Rates {
            prompt: self.rates(prompt).prompt,
            output: self.rates(node).output,
        };
        self.pays(job, rates)
    }

    /// Whether the node takes new jobs: it is up and willing, computes prompts, and has a free slot.
    #[must_use]
    #[inline]
    pub fn is_open(&self, node: NodeId) -> bool {
        self.has_slot(node) && self.node(node).role.prefills()
    }

    /// Whether the node is up and willing, and has a free slot.
    #[must_use]
    #[inline]
    pub fn has_slot(&self, node: NodeId) -> bool {
        let card = self.node(node);
        card.is_up() && card.outstanding < self.board.slots && self.willing(node)
    }

    /// Whether the node's memory holds the job's prompt and the longest answer.
    #[must_use]
    #[inline]
    pub fn holds(&self, job: JobId, node: NodeId) -> bool {
        let need = u64::from(self.job(job).prompt_tokens) + u64::from(self.board.sizes.max_output);
        need <= self.profile(node).kv_capacity()
    }

    /// Whether the node's owner works at the present price.
    #[must_use]
    #[inline]
    pub fn willing(&self, node: NodeId) -> bool {
        self.board
            .uniform
            .is_none_or(|price| self.node(node).ask.output <= price.output)
    }

    /// What the job would pay per million tokens on the node.
    #[must_use]
    pub fn rates(&self, node: NodeId) -> Rates {
        self.board.uniform.unwrap_or(self.node(node).ask)
    }

    /// Expected price of the job on the node [USD].
    #[must_use]
    pub fn price(&self, job: JobId, node: NodeId) -> Amount {
        let card = self.job(job);
        self.rates(node)
            .price(card.prompt_tokens, card.output_estimate)
    }

    /// Whether the node's price is within the job's budget.
    #[must_use]
    #[inline]
    pub fn affordable(&self, job: JobId, node: NodeId) -> bool {
        self.job(job).limit == Price::MAX || self.pays(job, self.rates(node))
    }

    /// Whether the expected price of the job at these rates, per output token, is within its budget.
    #[must_use]
    pub fn pays(&self, job: JobId, rates: Rates) -> bool {
        let card = self.job(job);
        card.limit == Price::MAX
            || rates.price(card.prompt_tokens, card.output_estimate) <= card.limit.amount()
    }

    /// Whether the job would run at the present price for all: it pays it, and some device class of the platform holds it.
    #[must_use]
    pub fn is_demand(&self, job: JobId) -> bool {
        let need = u64::from(self.job(job).prompt_tokens) + u64::from(self.board.sizes.max_output);
        let held = |profile: &Profile| need <= profile.kv_capacity();
        self.board.profiles.iter().any(held) && self.pays(job, self.uniform_price())
    }

    /// Whether there is one price for all, which may change.
    #[must_use]
    pub fn has_uniform_price(&self) -> bool {
        self.board.uniform.is_some()
    }

    /// The price for all, where the mechanism sets one; nothing where it does not.
    #[must_use]
    pub fn uniform_price(&self) -> Rates {
        self.board.uniform.unwrap_or_default()
    }

    /// One-way latency between the job's customer and the node.
    #[must_use]
    #[inline]
    pub fn latency(&self, job: JobId, node: NodeId) -> Span {
        let card = self.node(node);
        self.board
            .network
            .one_way(self.job(job).origin, card.region)
            + card.access
    }

    /// How the job would fare on the node if its machine ran as its class does.
    ///
    /// With `n` outstanding jobs of mean size: the job waits for one step, and behind what exceeds the `m` requests that the
    /// node can run at once, for their share of a mean answer; then its prompt is prefilled; then it decodes in a batch of `n + 1`.
    #[must_use]
    pub fn predict(&self, job: JobId, node: NodeId) -> Prediction {
        let latency = self.latency(job, node);
        self.predict_at(
            job,
            self.profile(node),
            self.node(node).outstanding,
            latency,
        )
    }

    fn predict_at(&self, job: JobId, profile: &Profile, before: u32, latency: Span) -> Prediction {
        let (card, sizes) = (self.job(job), &self.board.sizes);
        let context = sizes.mean_prompt + sizes.mean_output / 2.0;
        let most = self.most_of(profile);
        let step = |batch: u32| {
            let (base, kv) = profile.decode(batch);
            (base as f64 + kv as f64 * context * f64::from(batch)) / 1e12
        };
        let per_token = |batch: u32| step(batch) / profile.gain();
        let prefill = profile.prompt(card.prompt_tokens) as f64 / 1e12;
        let mut wait = if before == 0 {
            0.0
        } else {
            step(before.min(most))
        };
        if before >= most {
            wait += f64::from(before + 1 - most) / f64::from(most)
                * sizes.mean_output
                * per_token(most);
        }
        let network = 2.0 * latency.as_secs_f64();
        Prediction {
            ttft: network + profile.device.overheads.request + wait + prefill,
            tpot: per_token((before + 1).min(most)),
        }
    }

    /// Whether an idle node of this node's class, without any network between it and the customer, would meet both objectives.
    /// Where it would not, no node of the class does.
    #[must_use]
    pub fn could_meet_slo(&self, job: JobId, node: NodeId) -> bool {
        self.is_within_slo(job, self.predict_at(job, self.profile(node), 0, Span::ZERO))
    }

    /// Whether the job is expected to meet both objectives on the node, counting the time that it has already spent.
    #[must_use]
    pub fn meets_slo(&self, job: JobId, node: NodeId) -> bool {
        self.is_within_slo(job, self.predict(job, node))
    }

    fn is_within_slo(&self, job: JobId, prediction: Prediction) -> bool {
        let spent = (self.now - self.job(job).submitted).as_secs_f64();
        spent + prediction.ttft <= self.board.slo.ttft.as_secs_f64()
            && prediction.tpot <= self.board.slo.tpot.as_secs_f64()
    }
}
