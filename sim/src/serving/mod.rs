//! One server with continuous batching: chunked prefill under a token budget, a paged KV cache, preemption, speculation.
//!
//! A server works in steps, as vLLM's scheduler does since its version 1, first come, first served (Kwon et al., SOSP 2023;
//! chunked prefill: Agrawal et al., OSDI 2024). A step serves at most `token_budget` tokens:
//!
//! 1. The running requests in the order of their admission. One that decodes takes one token, with speculation one more than is
//!    drafted; one whose prompt is not finished takes what is left of its prompt or of the budget. As contexts grow they need
//!    blocks of 16 tokens. When none is free, the request admitted last is preempted: it gives its blocks back and goes to the
//!    front of the queue; admitted again, it computes prompt and answer so far once more, as one prompt.
//! 2. If nobody was preempted, the waiting requests in their order, while there is budget, a place in the batch, and blocks for the
//!    whole prompt (`scheduler_reserve_full_isl` in vLLM 0.19). The blocks are taken chunk by chunk.
//!
//! A request gets its first token in the step that finishes its prompt, and decodes from the next. Hence at most one prompt is
//! unfinished between two steps, and it is the last of the batch.
//!
//! Blocks are counted, not stored: a context of `c` tokens holds `⌈c/16⌉`, with speculation room for the drafts besides, though
//! never beyond the end of the answer.
//!
//! With prefix caching, the full blocks of the shared part of a prompt stay when the prompt has been computed, and later requests
//! of the group share them; at least the last token of a prompt is computed. Blocks that nobody uses give way before anybody is
//! preempted.
//!
//! Where prompts are computed on other servers than answers (Patel et al., ISCA 2024; Zhong et al., OSDI 2024), a server that hands
//! over gives the first token and keeps the context, in its blocks and out of the batch, until it has gone. The server that
//! goes on keeps blocks and a place in the batch for a context before it comes, and decodes from the first step that begins when it is
//! there. Should it be preempted there, prompt and answer so far are computed there once more. Whoever is preempted comes before new
//! contexts.
//!
//! **Fast-forward.** While nobody is in prefill, nobody can be admitted, and nobody ends or is preempted, the batch of `b`
//! sequences with `C` context tokens decodes. Step `i` takes `base + slope·(C + b·n(i))` when each sequence has gained `n(i)`
//! tokens before it, so that `k` steps end after
//!
//! ```text
//! k·base + slope·(k·C + b·Σ n(i))      [ps, exact integers];   Σ n(i) = k·(k − 1)/2 without speculation
//! ```
//!
//! One event covers them all; a step with prefill is one event. The picoseconds below the clock's nanosecond are carried over, so
//! the result equals stepping through every token, to the nanosecond; `tests/serving.rs` proves it.

mod backlog;
mod beside;
mod pace;
mod prefix;

use smallvec::SmallVec;
use walras_des::{SimTime, Span};

use backlog::Queue;
pub use backlog::{Backlog, Entry};
use beside::Beside;
use pace::Pace;

use crate::hardware::Profile;
use crate::hardware::profile::BLOCK;
use crate::ids::JobId;
use crate::units::{PICOS_PER_NANO, Picos, nearest};

/// What a request reached at a step boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// Its first output token.
    FirstToken(JobId),
    /// Its last.
    Finished(JobId),
    /// Its first, on a server that hands over: its context waits to go elsewhere.
    Prefilled(JobId),
    /// It lost its place in the batch, and waits again.
    Preempted(JobId),
}

/// Where a request was that is not wanted any more, and the output tokens that it had, or will have when it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It waited, and is gone.
    Queued {
        /// What it had when it was last preempted.
        generated: u32,
    },
    /// It ran, and is [`Milestone::Finished`] with the step under way.
    Running {
        /// What it has then.
        generated: u32,
        /// The time of the next step boundary, if that changed.
        until: Option<SimTime>,
    },
}

/// What a server does of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// All of it; and it may go on with what others began.
    #[default]
    Both,
    /// It computes prompts, gives the first token, and hands over.
    Prefill,
    /// It goes on with what others began.
    Decode,
}

impl Role {
    /// Whether requests begin here.
    #[must_use]
    pub fn prefills(self) -> bool {
        self != Self::Decode
    }

    /// Whether requests go on here that began elsewhere.
    #[must_use]
    pub fn decodes(self) -> bool {
        self != Self::Prefill
    }
}

#[derive(Clone, Copy, Debug)]
struct Running {
    job: JobId,
    /// Of one that decodes: value of `Server::clock` when its last token is out.
    finish: u32,
    /// Tokens in the cache at the end of the step under way, less `Server::clock`.
    shift: u32,
    /// Blocks at its beginning that are those of the prefix cache.
    shared: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    /// One step in which somebody is in prefill.
    Mixed,
    /// Steps in which all decode.
    Decode,
}

/// State of one server.
#[derive(Clone, Debug)]
pub struct Server {
    /// The batch in the order of admission: those who decode, then those in prefill.
    batch: SmallVec<[Running; 1]>,
    /// How many are in prefill.
    joining: u32,
    queue: Queue,
    phase: Phase,
    /// Whether requests go to another server with their first token.
    hands_over: bool,
    /// Start of the phase: nanoseconds, and picoseconds below.
    start: SimTime,
    start_ps: u16,
    /// Fraction of a token by which speculation is ahead of `clock`.
    fraction: u16,
    /// Duration of the phase.
    length: Picos,
    /// Steps of the phase.
    ahead: u32,
    /// Tokens of a sequence that would have decoded since the server came up, modulo 2³².
    clock: u32,
    /// Context tokens of those who decode.
    context: u64,
    /// What the cache holds beside the batch, if it ever did.
    beside: Option<Box<Beside>>,
    /// How much slower this machine is than its class.
    slowdown: f64,
}

impl Server {
    /// An idle server, `slowdown` times slower than its profile says.
    #[must_use]
    pub fn new(slowdown: f64) -> Self {
        Self {
            batch: SmallVec::new(),
            joining: 0,
            queue: Queue::EMPTY,
            phase: Phase::Idle,
            hands_over: false,
            start: SimTime::ZERO,
            start_ps: 0,
            fraction: 0,
            length: 0,
            ahead: 0,
            clock: 0,
            context: 0,
            beside: None,
            slowdown,
        }
    }

    /// An idle server with this role.
    #[must_use]
    pub fn with_role(role: Role, slowdown: f64) -> Self {
        Self {
            hands_over: role == Role::Prefill,
            ..Self::new(slowdown)
        }
    }

    /// Whether nothing runs.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    /// Asks for what the end of the present step will need of the backlog; returns the job that it will touch first, if there is one.
    #[inline]
    pub(crate) fn ask_for_jobs(&self, backlog: &Backlog) -> Option<JobId> {
        let first = self.batch.first().map(|running| running.job);
        for job in first.iter().chain(&self.queue.first()) {
            backlog.ask_for(*job);
        }
        first
    }

    /// Requests being prefilled or decoded.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.batch.len()
    }

    /// Requests that wait for a place in the batch.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Requests on the server: waiting, in the batch, or about to go on in it.
    #[must_use]
    pub fn held(&self) -> usize {
        let arrived = self.beside.as_ref().map_or(0, |b| b.arrived().count());
        self.queued() + self.batch() + arrived
    }

    /// How many contexts go from here to other servers, and for how many there is room that come from others.
    #[must_use]
    pub fn contexts(&self) -> (usize, usize) {
        let of = |beside: &Beside| (beside.leaving().count(), beside.awaited());
        self.beside.as_deref().map_or((0, 0), of)
    }

    /// KV-cache tokens in the blocks that the batch held when the phase began.
    #[must_use]
    pub fn kv_tokens(&self, profile: &Profile) -> u64 {
        self.blocks(0, profile) * u64::from(BLOCK)
    }

    /// How much slower this machine is than its class.
    #[must_use]
    pub fn slowdown(&self) -> f64 {
        self.slowdown
    }

    /// Takes in a request; returns the time of the next step boundary if that changed.
    pub fn arrive(
        &mut self,
        now: SimTime,
        entry: Entry,
        profile: &Profile,
        backlog: &mut Backlog,
    ) -> Option<SimTime> {
        let is_next = self.queue.first().is_none();
        self.queue.append(&entry, backlog);
        match self.phase {
            Phase::Idle => {
                (self.start, self.start_ps) = (now, 0);
                let mut chunks = Chunks::within(profile.token_budget());
                self.admit(&mut chunks, profile, backlog);
                if self.batch.is_empty() {
                    // Contexts on their way have the room.
                    return None;
                }
                self.begin_mixed(&chunks, profile);
                self.boundary_time()
            }
            // Behind a request that does not fit yet, nobody is admitted before the next departure.
            Phase::Decode if is_next && self.has_place(profile) => {
                let cost = self.decode_cost(profile);
                let cut = self.steps_until(now, cost, profile);
                let gained = self.pace(profile).tokens(cut);
                // Should less of its prefix be left by then, the cut was in vain and changes nothing.
                let (_, need) = self.needs(entry.job, backlog);
                if cut == u64::from(self.ahead) || !self.has_free(need, gained, profile) {
                    return None;
                }
                self.ahead = cut as u32;
                self.length = self.decode_length(cost, cut, profile);
                self.boundary_time()
            }
            Phase::Mixed | Phase::Decode => None,
        }
    }

    /// Lets the context of a request go that was handed over; returns the time of the next step boundary if that changed.
    ///
    /// # Panics
    /// If it is not here.
    pub fn hand_over(
        &mut self,
        now: SimTime,
        job: JobId,
        profile: &Profile,
        backlog: &mut Backlog,
    ) -> Option<SimTime> {
        let beside = self.beside.as_mut().expect("contexts are kept");
        if beside.left(job) > 0 {
            self.recount(job, backlog);
        }
        self.use_room(now, profile, backlog)
    }

    /// Keeps blocks and a place in the batch for a request of which the first token was made elsewhere; `None` if there is no room for
    /// it, else the time of the next step boundary if that changed.
    pub fn reserve(
        &mut self,
        now: SimTime,
        entry: &Entry,
        profile: &Profile,
        backlog: &Backlog,
    ) -> Option<Option<SimTime>> {
        let next = self.queue.first();
        let waits_again = next.is_some_and(|job| backlog.generated(job) > 0);
        if waits_again || !self.has_place(profile) {
            return None;
        }
        let ahead = profile.drafted().min(entry.output - 1);
        let blocks = (entry.prompt + 1 + ahead).div_ceil(BLOCK);
        // What the prompt that is not finished was promised when it was admitted.
        let promised = self.batch[self.decoding()..].iter().map(|r| {
            let target = backlog.of(r.job).target();
            target.div_ceil(BLOCK) - self.cached(r).div_ceil(BLOCK)
        });
        let need = blocks + promised.sum::<u32>();
        let steps = match self.phase {
            Phase::Idle => 0,
            Phase::Mixed => 1,
            Phase::Decode => self.steps_until(now, self.decode_cost(profile), profile),
        };
        let gained = self.pace(profile).tokens(steps);
        if !self.has_free(need, gained, profile) {
            return None;
        }
        let boundary = if self.phase == Phase::Decode {
            self.cut(steps, profile)
        } else {
            None
        };
        (self.beside.get_or_insert_default()).reserve(entry.job, blocks);
        self.evict(gained, profile);
        Some(boundary)
    }

    /// Gives up the room of a context that does not come; returns the time of the next step boundary if that changed.
    ///
    /// # Panics
    /// If there is none.
    pub fn give_up(
        &mut self,
        now: SimTime,
        job: JobId,
        profile: &Profile,
        backlog: &mut Backlog,
    ) -> Option<SimTime> {
        let beside = self.beside.as_mut().expect("room was made");
        beside.give_up(job);
        self.use_room(now, profile, backlog)
    }

    /// Takes in a request of which the prompt was computed elsewhere and the first token made there, and for which room was made; returns
    /// the time of the next step boundary if that changed.
    ///
    /// # Panics
    /// If no room was made.
    pub fn receive(
        &mut self,
        now: SimTime,
        job: JobId,
        profile: &Profile,
        backlog: &mut Backlog,
    ) -> Option<SimTime> {
        backlog.resume(job);
        (self.beside.as_mut().expect("room was made")).arrive(job);
        match self.phase {
            Phase::Idle => {
                (self.start, self.start_ps) = (now, 0);
                self.begin_phase(profile, backlog, &mut Vec::new());
                self.boundary_time()
            }
            Phase::Decode => {
                let steps = self.steps_until(now, self.decode_cost(profile), profile);
                self.cut(steps, profile)
            }
            Phase::Mixed => None,
        }
    }

    /// Lets those who wait have room that was made; returns the time of the next step boundary if that changed.
    fn use_room(
        &mut self,
        now: SimTime,
        profile: &Profile,
        backlog: &mut Backlog,
    ) -> Option<SimTime> {
        self.queue.first()?;
        match self.phase {
            Phase::Idle => {
                (self.start, self.start_ps) = (now, 0);
                self.begin_phase(profile, backlog, &mut Vec::new());
                self.boundary_time()
            }
            Phase::Decode => {
                let steps = self.steps_until(now, self.decode_cost(profile), profile);
                self.cut(steps, profile)
            }
            Phase::Mixed => None,
        }
    }

    /// Ends a phase of decode steps after so many; returns its end if that changed.
    fn cut(&mut self, steps: u64, profile: &Profile) -> Option<SimTime> {
        if steps == u64::from(self.ahead) {
            return None;
        }
        self.ahead = steps as u32;
        self.length = self.decode_length(self.decode_cost(profile), steps, profile);
        self.boundary_time()
    }

    /// The request that waits for its first admission behind all others, if there is one.
    #[must_use]
    pub fn last_waiting(&self, backlog: &Backlog) -> Option<JobId> {
        let fresh = |job: &JobId| backlog.generated(*job) == 0;
        self.queue.iter(backlog).last().filter(fresh)
    }

    /// Takes out a request that waits.
    ///
    /// # Panics
    /// If it does not.
    pub fn remove_waiting(&mut self, job: JobId, backlog: &mut Backlog) {
        let is_out = self.queue.remove(job, backlog);
        assert!(is_out, "only who waits is taken away");
    }

    /// Gives up a request; `None` if it is not here.
    pub fn cancel(
        &mut self,
        now: SimTime,
        job: JobId,
        profile: &Profile,
        backlog: &mut Backlog,
    ) -> Option<Cancelled> {
        let Some(index) = self.batch.iter().position(|running| running.job == job) else {
            let is_out = self.queue.remove(job, backlog);
            let generated = backlog.generated(job);
            return is_out.then_some(Cancelled::Queued { generated });
        };
        // Its answer ends with the step under way.
        if index >= self.decoding() {
            let generated = backlog.generated(job);
            backlog.cut_prompt(job, self.cached(&self.batch[index]));
            return Some(Cancelled::Running {
                generated,
                until: None,
            });
        }
        let before = self.ahead;
        if self.phase == Phase::Decode {
            let cost = self.decode_cost(profile);
            let cut = self.steps_until(now, cost, profile);
            self.ahead = cut as u32;
            self.length = self.decode_length(cost, cut, profile);
        }
        let left = self.left(&self.batch[index]);
        let gained = self.pace(profile).tokens(u64::from(self.ahead)) as u32;
        let gained = gained.min(left);
        self.batch[index].finish = self.clock.wrapping_add(gained);
        let generated = backlog.cut_answer(job, left - gained);
        let is_sooner = self.ahead < before;
        Some(Cancelled::Running {
            generated,
            until: is_sooner.then(|| self.boundary_time()).flatten(),
        })
    }

    /// Ends the current phase, appends what was reached to `out`, and starts the next phase.
    /// Returns the time of the next boundary, `None` when the server falls idle.
    ///
    /// # Panics
    /// If the server is idle.
    pub fn boundary(
        &mut self,
        profile: &Profile,
        backlog: &mut Backlog,
        out: &mut Vec<Milestone>,
    ) -> Option<SimTime> {
        assert!(!self.is_idle(), "an idle server has no boundary");
        let end = u64::from(self.start_ps) + self.length;
        self.start += Span::from_nanos(end / PICOS_PER_NANO);
        self.start_ps = (end % PICOS_PER_NANO) as u16;
        self.finish_phase(profile, backlog, out);
        self.begin_phase(profile, backlog, out);
        self.boundary_time()
    }

    /// Drops everything, appending the lost jobs to `lost`, but not those whose context is on its way to or from elsewhere; returns the output tokens that had been generated for them.
    pub fn abandon(
        &mut self,
        now: SimTime,
        profile: &Profile,
        backlog: &Backlog,
        lost: &mut Vec<JobId>,
    ) -> u64 {
        let mut gained = 0;
        if self.phase == Phase::Decode {
            // The step that covers `now` is not finished.
            let cost = self.decode_cost(profile);
            let until = self.steps_until(now, cost, profile);
            let ended = u64::from(self.start_ps) + self.decode_length(cost, until, profile);
            let is_under_way = self.start + Span::from_nanos(ended / PICOS_PER_NANO) > now;
            gained = self.pace(profile).tokens(until - u64::from(is_under_way));
        }
        let decoding = self.batch[..self.decoding()].iter().map(|running| {
            let left = u64::from(self.left(running)).saturating_sub(gained);
            u64::from(backlog.of(running.job).output) - left
        });
        let decoded: u64 = decoding.sum();
        let joining = self.batch[self.decoding()..].iter().map(|r| r.job);
        // Those who were preempted had tokens too.
        let pausing = joining.chain(self.queue.iter(backlog));
        let paused: u64 = pausing
            .map(|job| u64::from(backlog.of(job).generated))
            .sum();
        lost.extend(self.batch.iter().map(|r| r.job));
        lost.extend(self.queue.iter(backlog));
        let before = lost.len();
        lost.extend(self.beside.iter().flat_map(|beside| beside.arrived()));
        let arrived = (lost.len() - before) as u64;
        *self = Self {
            hands_over: self.hands_over,
            ..Self::new(self.slowdown)
        };
        decoded + paused + arrived
    }

    /// Checks that blocks and contexts are those of the batch, and fit.
    ///
    /// # Panics
    /// If not.
    pub fn audit(&self, profile: &Profile, backlog: &Backlog) {
        assert!(
            self.blocks(0, profile) <= u64::from(profile.kv_blocks),
            "the KV cache is overcommitted"
        );
        assert!(
            self.batch.len() <= profile.max_batch as usize,
            "the batch is too large"
        );
        let (decoding, joining) = self.batch.split_at(self.decoding());
        let mut context = 0;
        for running in decoding {
            let sizes = backlog.of(running.job);
            assert_eq!(
                self.cached(running) + self.left(running),
                sizes.prompt + sizes.output,
                "a context is the prompt and what was generated"
            );
            context += u64::from(self.cached(running));
        }
        assert_eq!(
            self.context, context,
            "contexts are held by no request, or twice"
        );
        for running in joining {
            assert!(
                self.cached(running) <= backlog.of(running.job).target(),
                "a prompt is computed once"
            );
        }
        let used = |group: u32| self.used(group, backlog);
        if let Some(beside) = &self.beside {
            beside.audit();
            let cache = &beside.prefixes;
            cache.audit(used);
            let private = self.blocks(0, profile) - cache.used();
            assert!(
                private + cache.blocks() <= u64::from(profile.kv_blocks),
                "the prefix cache takes what the batch needs"
            );
            assert!(
                self.batch.len() + beside.places() <= profile.max_batch as usize,
                "more contexts come than have a place"
            );
        }
        assert_eq!(
            self.queue.iter(backlog).count(),
            self.queued(),
            "the queue holds those who wait"
        );
        assert!(
            !self.is_idle() || self.held() == 0 || self.on_their_way() > 0,
            "an idle server holds requests"
        );
    }

    /// How many decode.
    fn decoding(&self) -> usize {
        self.batch.len() - self.joining as usize
    }

    /// Tokens of `running` in the cache at the end of the step under way.
    fn cached(&self, running: &Running) -> u32 {
        self.clock.wrapping_add(running.shift)
    }

    /// Tokens that `running`, which decodes, is still to get; none when speculation has gone beyond its end.
    fn left(&self, running: &Running) -> u32 {
        let left = running.finish.wrapping_sub(self.clock);
        if left > u32::MAX / 2 { 0 } else { left }
    }

    fn pace(&self, profile: &Profile) -> Pace {
        Pace {
            rate: profile.tokens_per_step(),
            fraction: u64::from(self.fraction),
        }
    }

    /// Blocks that the batch holds in a step, when each that decodes has `gained` tokens since the phase began.
    fn blocks(&self, gained: u64, profile: &Profile) -> u64 {
        let ahead = gained as u32 + profile.drafted();
        let (decoding, joining) = self.batch.split_at(self.decoding());
        let of = |tokens: u32, r: &Running| u64::from(tokens.div_ceil(BLOCK) - r.shared);
        let decoded = |r: &Running| of(self.cached(r) + ahead.min(self.left(r)), r);
        let joined = |r: &Running| of(self.cached(r), r);
        decoding.iter().map(decoded).sum::<u64>()
            + joining.iter().map(joined).sum::<u64>()
            + (self.beside.as_ref()).map_or(0, |beside| beside.prefixes.used() + beside.blocks())
    }

    /// Blocks of contexts on their way to or from other servers.
    fn on_their_way(&self) -> u64 {
        self.beside.as_ref().map_or(0, |beside| beside.blocks())
    }

    /// At least [`Self::blocks`], from the sum of the contexts.
    fn blocks_at_most(&self, gained: u64, profile: &Profile) -> u64 {
        let (decoding, block) = (self.decoding() as u64, u64::from(BLOCK));
        let joining = self.batch[self.decoding()..].iter();
        let joined: u64 = joining.map(|r| u64::from(self.cached(r))).sum();
        let grown = decoding * (gained + u64::from(profile.drafted()));
        let beside = (self.beside.as_ref()).map_or(0, |beside| beside.blocks_at_most());
        (self.context + joined + grown + (block - 1) * self.batch.len() as u64) / block + beside
    }

    /// Whether `free` blocks are free in a step, when each that decodes has `gained` tokens since the phase began.
    fn has_free(&self, free: u32, gained: u64, profile: &Profile) -> bool {
        let most = u64::from(profile.kv_blocks);
        let fits = |held: u64| held + u64::from(free) <= most;
        // The bound is quick and decides nearly always.
        fits(self.blocks_at_most(gained, profile)) || fits(self.blocks(gained, profile))
    }

    /// What a request that waits would share, and take besides, if it were admitted now; both in blocks.
    #[inline]
    fn needs(&self, job: JobId, backlog: &Backlog) -> (u32, u32) {
        let target = backlog.of(job).target();
        let whole = target.div_ceil(BLOCK);
        let Some((beside, prefix)) = self.beside.as_ref().zip(backlog.prefix(job)) else {
            return (0, whole);
        };
        let (cached, used) = beside.prefixes.of(prefix.group);
        let shared = cached.min(prefix.tokens / BLOCK).min((target - 1) / BLOCK);
        // What nobody used so far was free for others.
        (shared, whole - shared + shared.saturating_sub(used))
    }

    /// Blocks of a group that the batch uses, or a context that goes elsewhere.
    fn used(&self, group: u32, backlog: &Backlog) -> u32 {
        let of_group = |(job, shared): &(JobId, u32)| {
            *shared > 0
                && backlog
                    .prefix(*job)
                    .is_some_and(|prefix| prefix.group == group)
        };
        let leaving = self.beside.iter().flat_map(|beside| beside.leaving());
        let all = self.batch.iter().map(|r| (r.job, r.shared)).chain(leaving);
        let shared = all.filter(of_group).map(|(_, shared)| shared);
        shared.max().unwrap_or(0)
    }

    /// Counts anew what the batch uses of the blocks that `job`, which has just joined or left it, shares.
    fn recount(&mut self, job: JobId, backlog: &Backlog) {
        let group = backlog.prefix(job).expect("who shares has a prefix").group;
        let used = self.used(group, backlog);
        let beside = self.beside.as_mut().expect("who shares has a cache");
        let cache = &mut beside.prefixes;
        let (cached, _) = cache.of(group);
        cache.touch(group, cached, used);
    }

    /// Keeps the shared part of a prompt that has just been computed, if the cache ends where it went on; returns the blocks that
    /// it shares from now on.
    fn keep(&mut self, job: JobId, shared: u32, profile: &Profile, backlog: &Backlog) -> u32 {
        let prefix = backlog
            .prefix(job)
            .filter(|_| profile.deployment.prefix_caching);
        let Some(prefix) = prefix.filter(|prefix| prefix.tokens / BLOCK > shared) else {
            return shared;
        };
        let cache = &mut self.beside.get_or_insert_default().prefixes;
        let (cached, _) = cache.of(prefix.group);
        if cached != shared {
            return shared;
        }
        let blocks = prefix.tokens / BLOCK;
        cache.touch(prefix.group, blocks, blocks);
        blocks
    }

    /// Gives up cached blocks that the batch needs in a step, when each that decodes has `gained` tokens since the phase began.
    #[inline]
    fn evict(&mut self, gained: u64, profile: &Profile) {
        if self.beside.is_some() {
            self.evict_cached(gained, profile);
        }
    }

    fn evict_cached(&mut self, gained: u64, profile: &Profile) {
        let Some(beside) = &self.beside else {
            return;
        };
        let cache = &beside.prefixes;
        let (cached, used, most) = (cache.blocks(), cache.used(), u64::from(profile.kv_blocks));
        if self.blocks_at_most(gained, profile) + cached <= most {
            return;
        }
        let wanted = self.blocks(gained, profile) - used + cached;
        if let (Some(beside), Some(over)) = (&mut self.beside, wanted.checked_sub(most)) {
            beside.prefixes.evict(over);
        }
    }

    /// Whether the batch has a place left.
    fn has_place(&self, profile: &Profile) -> bool {
        let kept = self.beside.as_ref().map_or(0, |beside| beside.places());
        self.batch.len() + kept < profile.max_batch as usize
    }

    /// Moves the clock over the phase, takes out who ended, and turns finished prompts into sequences that decode.
    fn finish_phase(&mut self, profile: &Profile, backlog: &Backlog, out: &mut Vec<Milestone>) {
        let (decoding, before) = (self.decoding(), self.clock);
        let mut released = SmallVec::<[JobId; 4]>::new();
        if decoding > 0 {
            let (pace, steps) = (self.pace(profile), u64::from(self.ahead));
            self.evict(pace.tokens(steps - 1), profile);
            let tokens = pace.tokens(steps);
            self.fraction = pace.left_over(steps) as u16;
            self.clock = before.wrapping_add(tokens as u32);
            self.context += decoding as u64 * tokens;
        }
        let mut kept = 0;
        for index in 0..decoding {
            let running = self.batch[index];
            if self.left(&running) == 0 {
                self.context -= u64::from(self.cached(&running));
                out.push(Milestone::Finished(running.job));
                if running.shared > 0 {
                    released.push(running.job);
                }
            } else {
                self.batch[kept] = running;
                kept += 1;
            }
        }
        self.joining = 0;
        for index in decoding..self.batch.len() {
            let Running {
                job,
                shift,
                mut shared,
                ..
            } = self.batch[index];
            let (queued, computed) = (backlog.of(job), before.wrapping_add(shift));
            let is_complete = computed == queued.target();
            let generated = queued.generated + u32::from(is_complete);
            if is_complete {
                shared = self.keep(job, shared, profile, backlog);
                if generated == 1 {
                    out.push(Milestone::FirstToken(job));
                }
            }
            if generated == queued.output {
                out.push(Milestone::Finished(job));
                if shared > 0 {
                    released.push(job);
                }
                continue;
            }
            if is_complete && self.hands_over {
                let blocks = queued.target().div_ceil(BLOCK) - shared;
                (self.beside.get_or_insert_default()).leave(job, blocks, shared);
                out.push(Milestone::Prefilled(job));
                continue;
            }
            // The next step of one that decodes puts the token that has just come out into the cache.
            let cached = computed + u32::from(is_complete);
            self.batch[kept] = Running {
                job,
                finish: self.clock.wrapping_add(queued.output - generated),
                shift: cached.wrapping_sub(self.clock),
                shared,
            };
            kept += 1;
            if is_complete {
                self.context += u64::from(cached);
            } else {
                self.joining = 1;
            }
        }
        self.batch.truncate(kept);
        for &job in &released {
            self.recount(job, backlog);
        }
    }

    fn begin_phase(&mut self, profile: &Profile, backlog: &mut Backlog, out: &mut Vec<Milestone>) {
        if self.beside.is_some() {
            self.take_in(backlog);
        }
        if self.batch.len() + self.queued() == 0 {
            self.fall_idle();
            return;
        }
        let mut chunks = Chunks::within(profile.token_budget());
        let is_short = !self.batch.is_empty() && self.go_on(&mut chunks, profile, backlog, out);
        if !is_short {
            self.admit(&mut chunks, profile, backlog);
        }
        if self.batch.is_empty() {
            // Contexts on their way have the room; when they have come or gone, those who wait are seen to.
            self.fall_idle();
        } else if self.joining > 0 {
            self.begin_mixed(&chunks, profile);
        } else {
            self.begin_decode(is_short, profile);
        }
    }

    fn fall_idle(&mut self) {
        self.phase = Phase::Idle;
        if self.batch.spilled() {
            // An idle server owns no memory.
            self.batch.shrink_to_fit();
        }
    }

    /// Takes contexts that have come from other servers into the batch, behind those who decode.
    fn take_in(&mut self, backlog: &Backlog) {
        let Some(beside) = &mut self.beside else {
            return;
        };
        for job in beside.take_arrived() {
            let (sizes, place) = (backlog.of(job), self.decoding());
            // Its next step puts the token into the cache that came with it.
            let cached = sizes.prompt + 1;
            let running = Running {
                job,
                finish: self.clock.wrapping_add(sizes.output - 1),
                shift: cached.wrapping_sub(self.clock),
                shared: 0,
            };
            self.batch.insert(place, running);
            self.context += u64::from(cached);
        }
    }

    /// Gives those who run their tokens and blocks of the next step; whether blocks were short, so that somebody was preempted.
    fn go_on(
        &mut self,
        chunks: &mut Chunks,
        profile: &Profile,
        backlog: &mut Backlog,
        out: &mut Vec<Milestone>,
    ) -> bool {
        chunks.budget -= self.decoding() as u32 * (profile.drafted() + 1);
        if self.joining > 0 {
            let index = self.batch.len() - 1;
            let running = self.batch[index];
            let target = backlog.of(running.job).target();
            let chunk = chunks.take(self.cached(&running), target, profile);
            self.batch[index].shift = running.shift.wrapping_add(chunk);
        }
        let is_short = self.preempt(profile, backlog, out);
        self.evict(0, profile);
        is_short
    }

    /// Preempts those admitted last until the others have the blocks for the next step; whether there were any.
    fn preempt(
        &mut self,
        profile: &Profile,
        backlog: &mut Backlog,
        out: &mut Vec<Milestone>,
    ) -> bool {
        // Each in turn takes what it needs from the last: those who stay are the longest part of the batch that fits.
        let mut is_short = false;
        while !self.has_free(0, 0, profile) {
            assert!(
                self.batch.len() > 1 || self.on_their_way() > 0,
                "a request that does not fit alone never arrives"
            );
            if let Some(beside) = &mut self.beside {
                // Before anybody is preempted, what nobody uses goes.
                beside.prefixes.evict(u64::MAX);
            }
            let last = self.batch.pop().expect("the batch holds somebody");
            let generated = if self.joining > 0 {
                self.joining -= 1;
                backlog.of(last.job).generated
            } else {
                self.context -= u64::from(self.cached(&last));
                backlog.of(last.job).output - self.left(&last)
            };
            self.queue.put_back(last.job, generated, backlog);
            if last.shared > 0 {
                self.recount(last.job, backlog);
            }
            out.push(Milestone::Preempted(last.job));
            is_short = true;
        }
        is_short
    }

    /// Admits those who wait, in their order, as long as the step has budget, and the batch and the cache have room.
    fn admit(&mut self, chunks: &mut Chunks, profile: &Profile, backlog: &Backlog) {
        while chunks.budget > 0 && self.has_place(profile) {
            let Some(job) = self.queue.first() else {
                break;
            };
            let (shared, need) = self.needs(job, backlog);
            // Alone in the cache everybody has room.
            let is_alone = self.batch.is_empty() && self.on_their_way() == 0;
            if !is_alone && !self.has_free(need, 0, profile) {
                break;
            }
            self.queue.pop(backlog);
            let (done, target) = (shared * BLOCK, backlog.of(job).target());
            let chunk = chunks.take(done, target, profile);
            self.batch.push(Running {
                job,
                finish: 0,
                shift: (done + chunk).wrapping_sub(self.clock),
                shared,
            });
            if shared > 0 {
                self.recount(job, backlog);
            }
            self.joining += 1;
            self.evict(0, profile);
        }
    }

    fn begin_mixed(&mut self, chunks: &Chunks, profile: &Profile) {
        let (decoding, width) = (self.decoding() as u32, profile.drafted() + 1);
        let tokens = decoding * width + chunks.tokens;
        let heads = decoding * width + chunks.complete;
        let step = profile.mixed(tokens, decoding, heads) + chunks.attention;
        self.phase = Phase::Mixed;
        self.ahead = 1;
        self.length = self.slowed(step);
        if decoding > 0 {
            self.length += self.slowed(profile.context_slope()) * self.context;
        }
    }

    /// Begins a run of decode steps: to the next end of an answer, or as long as the blocks last; a single one if the cache was
    /// short, as somebody may be admitted after it.
    fn begin_decode(&mut self, is_short: bool, profile: &Profile) {
        let lefts = self.batch.iter().map(|running| self.left(running));
        let left = lefts.min().expect("the batch holds somebody");
        let pace = self.pace(profile);
        let last = if is_short {
            1
        } else {
            pace.steps(u64::from(left))
        };
        let lasts = |steps: u64| self.has_free(0, pace.tokens(steps - 1), profile);
        let steps = if lasts(last) {
            last
        } else {
            // The last step before one for which the blocks do not last.
            least(1, last, |steps| !lasts(steps + 1))
        };
        self.phase = Phase::Decode;
        self.ahead = u32::try_from(steps).expect("an answer's length fits 32 bits");
        self.length = self.decode_length(self.decode_cost(profile), steps, profile);
    }

    /// What a decode step of the batch takes on this machine: a constant, and a slope per context token.
    fn decode_cost(&self, profile: &Profile) -> (Picos, Picos) {
        let batch = u32::try_from(self.batch.len()).expect("a batch fits 32 bits");
        let (base, slope) = profile.decode(batch);
        (self.slowed(base), self.slowed(slope))
    }

    fn decode_length(&self, (base, slope): (Picos, Picos), steps: u64, profile: &Profile) -> Picos {
        let growth = self.batch.len() as u64 * self.pace(profile).sum(steps);
        steps * base + slope * (steps * self.context + growth)
    }

    /// The least number of steps, at least one and at most those of the phase, that end at or after `now`.
    fn steps_until(&self, now: SimTime, cost: (Picos, Picos), profile: &Profile) -> u64 {
        let elapsed = (now - self.start).as_nanos() * PICOS_PER_NANO;
        least(1, u64::from(self.ahead), |steps| {
            let end = u64::from(self.start_ps) + self.decode_length(cost, steps, profile);
            end - end % PICOS_PER_NANO >= elapsed
        })
    }

    fn boundary_time(&self) -> Option<SimTime> {
        if self.is_idle() {
            return None;
        }
        Some(
            self.start
                + Span::from_nanos((u64::from(self.start_ps) + self.length) / PICOS_PER_NANO),
        )
    }

    fn slowed(&self, duration: Picos) -> Picos {
        nearest(duration as f64 * self.slowdown)
    }
}

/// The prompts, whole or in part, that a step computes.
struct Chunks {
    /// Tokens that the step has left.
    budget: u32,
    tokens: u32,
    /// How many are finished by it.
    complete: u32,
    /// Time of their attention on a machine with slowdown 1.
    attention: Picos,
}

impl Chunks {
    fn within(budget: u32) -> Self {
        Self {
            budget,
            tokens: 0,
            complete: 0,
            attention: 0,
        }
    }

    /// Takes as much of a prompt as the budget allows, from `done` to `target` tokens; returns how much.
    #[inline]
    fn take(&mut self, done: u32, target: u32, profile: &Profile) -> u32 {
        let chunk = (target - done).min(self.budget);
        self.budget -= chunk;
        self.tokens += chunk;
        self.complete += u32::from(done + chunk == target);
        self.attention += profile.prefill_attention(chunk, done);
        chunk
    }
}

/// The least number from `low` to `high` that satisfies a condition which holds from some number on; `high` if none before it does.
fn least(mut low: u64, mut high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}
