//! One server with continuous batching: requests wait, are prefilled together, then decode in one batch.
//!
//! The rule at every step boundary: waiting requests that fit (batch size, KV cache, prefill budget; first come, first served)
//! are prefilled in one step while decoding pauses; otherwise the batch decodes one step. A request reserves the KV cache of its
//! prompt and output when it is admitted. This is the prefill-first iteration-level scheduling of Orca and vLLM
//! (Yu et al., OSDI 2022; Kwon et al., SOSP 2023) without preemption.
//!
//! Between two changes of the batch of `b` sequences with `C` context tokens, step `i` takes `base + slope·(C + i·b)`, so that
//! `k` steps end after
//!
//! ```text
//! k·base + slope·(k·C + b·k·(k − 1)/2)      [ps, exact integers]
//! ```
//!
//! One event covers them all. The picoseconds below the clock's nanosecond are carried over, so the result equals
//! stepping through every token, to the nanosecond; `tests/serving.rs` proves it.

use smallvec::SmallVec;
use walras_des::{SimTime, Span};

use crate::hardware::Profile;
use crate::ids::JobId;
use crate::units::{PICOS_PER_NANO, Picos, nearest};

/// Prompt tokens prefilled in one step, unless a single prompt is longer. vLLM's default `max_num_batched_tokens` on data-centre GPUs.
pub const PREFILL_BUDGET: u64 = 8192;

/// A request as the server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The job.
    pub job: JobId,
    /// Prompt length, at least one.
    pub prompt: u32,
    /// Output length, at least one.
    pub output: u32,
}

impl Entry {
    /// KV-cache tokens that the request reserves.
    #[must_use]
    pub fn reserve(&self) -> u64 {
        u64::from(self.prompt) + u64::from(self.output)
    }
}

/// What a request reached at a step boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Milestone {
    /// Its first output token.
    FirstToken(JobId),
    /// Its last.
    Finished(JobId),
}

/// The requests at any server of a platform: for each job its sizes and, while it waits, who is next behind it.
///
/// One table for all servers, by job, so that an idle server owns no memory and a queued request takes 12 bytes.
#[derive(Clone, Debug, Default)]
pub struct Backlog(Vec<Queued>);

#[derive(Clone, Copy, Debug)]
struct Queued {
    prompt: u32,
    output: u32,
    /// The job behind it.
    next: JobId,
}

/// The end of a queue.
const NOBODY: JobId = JobId(u32::MAX);

impl Backlog {
    /// Nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The sizes of a job that arrived at a server and has not left it.
    fn entry(&self, job: JobId) -> Entry {
        let Queued { prompt, output, .. } = self.0[job.index()];
        Entry {
            job,
            prompt,
            output,
        }
    }

    /// Puts `entry` behind the job `last`.
    fn append(&mut self, last: JobId, entry: &Entry) {
        let place = entry.job.index();
        let queued = Queued {
            prompt: entry.prompt,
            output: entry.output,
            next: NOBODY,
        };
        if self.0.len() <= place {
            self.0.resize(place + 1, queued);
        }
        self.0[place] = queued;
        if last != NOBODY {
            self.0[last.index()].next = entry.job;
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Running {
    job: JobId,
    /// Value of `Server::steps` when its last token is out.
    finish: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    /// Those who join are being prefilled.
    Prefill,
    /// The batch decodes.
    Decode,
}

/// State of one server.
#[derive(Clone, Debug)]
pub struct Server {
    /// The batch: those who decode, then those who join.
    batch: SmallVec<[Running; 1]>,
    /// How many join.
    joining: u32,
    /// First and last of those who wait.
    first: JobId,
    last: JobId,
    /// How many wait.
    queued: u32,
    phase: Phase,
    /// Start of the phase: nanoseconds, and picoseconds below.
    start: SimTime,
    start_ps: u16,
    /// Duration of the phase.
    length: Picos,
    /// Steps of a decoding phase.
    ahead: u32,
    /// Decode steps since the server came up.
    steps: u64,
    /// Context tokens of those who decode.
    context: u64,
    /// KV-cache tokens reserved by the batch.
    reserved: u64,
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
            first: NOBODY,
            last: NOBODY,
            queued: 0,
            phase: Phase::Idle,
            start: SimTime::ZERO,
            start_ps: 0,
            length: 0,
            ahead: 0,
            steps: 0,
            context: 0,
            reserved: 0,
            slowdown,
        }
    }

    /// Whether nothing runs.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    /// Requests being prefilled or decoded.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.batch.len()
    }

    /// Requests that wait for a place in the batch.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queued as usize
    }

    /// KV-cache tokens reserved by the batch.
    #[must_use]
    pub fn reserved(&self) -> u64 {
        self.reserved
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
        if self.phase == Phase::Idle {
            (self.start, self.start_ps) = (now, 0);
            self.enqueue(&entry, backlog);
            self.begin_phase(profile, backlog);
            return self.boundary_time();
        }
        // Behind a request that does not fit yet, or not fitting itself: nothing changes before the next departure.
        let is_next = self.first == NOBODY;
        self.enqueue(&entry, backlog);
        if self.phase == Phase::Prefill || !is_next || !self.fits(&entry, 0, profile) {
            return None;
        }
        let cost = self.decode_cost(profile);
        let cut = self.steps_until(now, cost);
        if cut == u64::from(self.ahead) {
            return None;
        }
        self.ahead = cut as u32;
        self.length = self.decode_length(cost, cut);
        self.boundary_time()
    }

    /// Ends the current phase, appends what was reached to `out`, and starts the next phase.
    /// Returns the time of the next boundary, `None` when the server falls idle.
    ///
    /// # Panics
    /// If the server is idle.
    pub fn boundary(
        &mut self,
        profile: &Profile,
        backlog: &Backlog,
        out: &mut Vec<Milestone>,
    ) -> Option<SimTime> {
        let end = u64::from(self.start_ps) + self.length;
        self.start += Span::from_nanos(end / PICOS_PER_NANO);
        self.start_ps = (end % PICOS_PER_NANO) as u16;
        match self.phase {
            Phase::Idle => unreachable!("an idle server has no boundary"),
            Phase::Prefill => self.finish_prefill(backlog, out),
            Phase::Decode => self.finish_decode(backlog, out),
        }
        self.begin_phase(profile, backlog);
        self.boundary_time()
    }

    /// Drops everything, appending the lost jobs to `lost`; returns the output tokens that had been generated for them.
    pub fn abandon(
        &mut self,
        now: SimTime,
        profile: &Profile,
        backlog: &Backlog,
        lost: &mut Vec<JobId>,
    ) -> u64 {
        let done = if self.phase == Phase::Decode {
            // The step that covers `now` is not finished.
            let cost = self.decode_cost(profile);
            let until = self.steps_until(now, cost);
            let ended = u64::from(self.start_ps) + self.decode_length(cost, until);
            let is_under_way = self.start + Span::from_nanos(ended / PICOS_PER_NANO) > now;
            until - u64::from(is_under_way)
        } else {
            0
        };
        let decoding = &self.batch[..self.decoding()];
        let generated = |r: &Running| {
            let left = r.finish - self.steps - done;
            u64::from(backlog.entry(r.job).output) - left
        };
        let tokens = decoding.iter().map(generated).sum();
        lost.extend(self.batch.iter().map(|r| r.job));
        let mut waiting = self.first;
        while waiting != NOBODY {
            lost.push(waiting);
            waiting = backlog.0[waiting.index()].next;
        }
        *self = Self::new(self.slowdown);
        tokens
    }

    /// Requests on the server: waiting or in the batch.
    #[must_use]
    pub fn held(&self) -> usize {
        self.queued() + self.batch()
    }

    /// Checks that what is reserved is what the batch holds, and fits.
    ///
    /// # Panics
    /// If not.
    pub fn audit(&self, profile: &Profile, backlog: &Backlog) {
        let of = |running: &Running| backlog.entry(running.job).reserve();
        let reserve = |part: &[Running]| part.iter().map(of).sum::<u64>();
        assert_eq!(
            self.reserved,
            reserve(&self.batch),
            "reserved KV cache is held by no request, or twice"
        );
        assert!(
            self.reserved <= profile.kv_capacity(),
            "the KV cache is overcommitted"
        );
        assert!(
            self.context <= reserve(&self.batch[..self.decoding()]),
            "contexts exceed their reservations"
        );
        assert!(
            self.batch.len() <= profile.max_batch as usize,
            "the batch is too large"
        );
        assert!(
            !self.is_idle() || (self.first == NOBODY && self.batch.is_empty()),
            "an idle server holds requests"
        );
    }

    /// How many decode, or pause while others join.
    fn decoding(&self) -> usize {
        self.batch.len() - self.joining as usize
    }

    fn enqueue(&mut self, entry: &Entry, backlog: &mut Backlog) {
        backlog.append(self.last, entry);
        self.queued += 1;
        self.last = entry.job;
        if self.first == NOBODY {
            self.first = entry.job;
        }
    }

    fn finish_prefill(&mut self, backlog: &Backlog, out: &mut Vec<Milestone>) {
        let joined = self.decoding();
        let mut kept = joined;
        for index in joined..self.batch.len() {
            let entry = backlog.entry(self.batch[index].job);
            out.push(Milestone::FirstToken(entry.job));
            if entry.output == 1 {
                self.reserved -= entry.reserve();
                out.push(Milestone::Finished(entry.job));
            } else {
                self.context += u64::from(entry.prompt) + 1;
                self.batch[kept] = Running {
                    job: entry.job,
                    finish: self.steps + u64::from(entry.output) - 1,
                };
                kept += 1;
            }
        }
        self.batch.truncate(kept);
        self.joining = 0;
    }

    fn finish_decode(&mut self, backlog: &Backlog, out: &mut Vec<Milestone>) {
        self.steps += u64::from(self.ahead);
        self.context += self.batch.len() as u64 * u64::from(self.ahead);
        let now = self.steps;
        let (mut freed, mut job_ended) = (0, false);
        for running in &self.batch {
            if running.finish == now {
                freed += backlog.entry(running.job).reserve();
                job_ended = true;
                out.push(Milestone::Finished(running.job));
            }
        }
        if job_ended {
            // A finished request's context has grown to exactly what it reserved.
            self.context -= freed;
            self.reserved -= freed;
            self.batch.retain(|running| running.finish != now);
        }
    }

    fn begin_phase(&mut self, profile: &Profile, backlog: &Backlog) {
        let mut tokens = 0u64;
        while self.first != NOBODY {
            let entry = backlog.entry(self.first);
            if !self.fits(&entry, tokens, profile) {
                break;
            }
            self.first = backlog.0[self.first.index()].next;
            self.queued -= 1;
            self.reserved += entry.reserve();
            tokens += u64::from(entry.prompt);

            self.batch.push(Running {
                job: entry.job,
                finish: 0,
            });
            self.joining += 1;
        }
        if self.first == NOBODY {
            self.last = NOBODY;
        }
        assert!(
            self.reserved <= profile.kv_capacity(),
            "the KV cache is overcommitted"
        );
        if self.joining > 0 {
            self.phase = Phase::Prefill;
            self.length = self.slowed(profile.prompt(tokens as u32));
        } else if let Some(next) = self.batch.iter().map(|r| r.finish).min() {
            self.phase = Phase::Decode;
            let ahead = next - self.steps;
            self.ahead = u32::try_from(ahead).expect("an answer's length fits 32 bits");
            self.length = self.decode_length(self.decode_cost(profile), ahead);
        } else {
            self.phase = Phase::Idle;
            self.length = 0;
        }
    }

    /// Whether `entry` can be admitted beside what runs and `tokens` prompt tokens admitted in the same step.
    fn fits(&self, entry: &Entry, tokens: u64, profile: &Profile) -> bool {
        self.batch.len() < profile.max_batch as usize
            && self.reserved + entry.reserve() <= profile.kv_capacity()
            && (tokens == 0 || tokens + u64::from(entry.prompt) <= PREFILL_BUDGET)
    }

    /// What a step of the batch takes on this machine: a constant, and a slope per context token.
    fn decode_cost(&self, profile: &Profile) -> (Picos, Picos) {
        let batch = u32::try_from(self.batch.len()).expect("a batch fits 32 bits");
        let (base, slope) = profile.decode(batch);
        (self.slowed(base), self.slowed(slope))
    }

    fn decode_length(&self, (base, slope): (Picos, Picos), steps: u64) -> Picos {
        let batch = self.batch.len() as u64;
        // One of two neighbouring integers is even: the product is divided exactly.
        let growth = batch * (steps * steps.saturating_sub(1) / 2);
        steps * base + slope * (steps * self.context + growth)
    }

    /// The least number of steps, at least one and at most those of the phase, that end at or after `now`.
    fn steps_until(&self, now: SimTime, cost: (Picos, Picos)) -> u64 {
        let elapsed = (now - self.start).as_nanos() * PICOS_PER_NANO;
        let ends_before = |steps: u64| {
            let end = u64::from(self.start_ps) + self.decode_length(cost, steps);
            end - end % PICOS_PER_NANO < elapsed
        };
        let (mut low, mut high) = (1, u64::from(self.ahead));
        while low < high {
            let middle = low.midpoint(high);
            if ends_before(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
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
