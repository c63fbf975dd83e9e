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

use std::collections::VecDeque;

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

#[derive(Clone, Copy, Debug)]
struct Running {
    entry: Entry,
    /// Value of `Server::steps` when its last token is out.
    finish: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    /// The `joining` requests are being prefilled.
    Prefill,
    /// The batch decodes `steps` steps.
    Decode {
        base: Picos,
        slope: Picos,
        steps: u64,
    },
}

/// State of one server.
#[derive(Clone, Debug)]
pub struct Server {
    waiting: VecDeque<Entry>,
    joining: Vec<Entry>,
    running: Vec<Running>,
    phase: Phase,
    /// Start of the phase: nanoseconds, and picoseconds below.
    start: SimTime,
    start_ps: Picos,
    /// Duration of the phase.
    length: Picos,
    /// Decode steps since the server came up.
    steps: u64,
    /// Context tokens of the running batch.
    context: u64,
    /// KV-cache tokens reserved by joining and running requests.
    reserved: u64,
    /// How much slower this machine is than its class.
    slowdown: f64,
}

impl Server {
    /// An idle server, `slowdown` times slower than its profile says.
    #[must_use]
    pub fn new(slowdown: f64) -> Self {
        Self {
            waiting: VecDeque::new(),
            joining: Vec::new(),
            running: Vec::new(),
            phase: Phase::Idle,
            start: SimTime::ZERO,
            start_ps: 0,
            length: 0,
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
        self.joining.len() + self.running.len()
    }

    /// Requests that wait for a place in the batch.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.waiting.len()
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
    pub fn arrive(&mut self, now: SimTime, entry: Entry, profile: &Profile) -> Option<SimTime> {
        let was_empty = self.waiting.is_empty();
        self.waiting.push_back(entry);
        match self.phase {
            Phase::Idle => {
                (self.start, self.start_ps) = (now, 0);
                self.begin_phase(profile);
                self.boundary_time()
            }
            // Behind a request that does not fit yet, or not fitting itself: nothing changes before the next departure.
            Phase::Decode { base, slope, steps } if was_empty && self.fits(&entry, 0, profile) => {
                let cut = self.steps_until(now, base, slope, steps);
                if cut == steps {
                    return None;
                }
                self.phase = Phase::Decode {
                    base,
                    slope,
                    steps: cut,
                };
                self.length = self.decode_length(base, slope, cut);
                self.boundary_time()
            }
            Phase::Prefill | Phase::Decode { .. } => None,
        }
    }

    /// Ends the current phase, appends what was reached to `out`, and starts the next phase.
    /// Returns the time of the next boundary, `None` when the server falls idle.
    pub fn boundary(&mut self, profile: &Profile, out: &mut Vec<Milestone>) -> Option<SimTime> {
        let end = self.start_ps + self.length;
        self.start += Span::from_nanos(end / PICOS_PER_NANO);
        self.start_ps = end % PICOS_PER_NANO;
        match self.phase {
            Phase::Idle => unreachable!("an idle server has no boundary"),
            Phase::Prefill => self.finish_prefill(out),
            Phase::Decode { steps, .. } => self.finish_decode(steps, out),
        }
        self.begin_phase(profile);
        self.boundary_time()
    }

    /// Drops everything, appending the lost jobs to `lost`; returns the output tokens that had been generated for them.
    pub fn abandon(&mut self, now: SimTime, lost: &mut Vec<JobId>) -> u64 {
        let done = match self.phase {
            // The step that covers `now` is not finished.
            Phase::Decode { base, slope, steps } => {
                let until = self.steps_until(now, base, slope, steps);
                let ended = self.start_ps + self.decode_length(base, slope, until);
                if self.start + Span::from_nanos(ended / PICOS_PER_NANO) > now {
                    until - 1
                } else {
                    until
                }
            }
            Phase::Idle | Phase::Prefill => 0,
        };
        let generated = |r: &Running| u64::from(r.entry.output) - (r.finish - self.steps - done);
        let tokens = self.running.iter().map(generated).sum();
        lost.extend(self.running.drain(..).map(|r| r.entry.job));
        lost.extend(self.joining.drain(..).map(|e| e.job));
        lost.extend(self.waiting.drain(..).map(|e| e.job));
        *self = Self::new(self.slowdown);
        tokens
    }

    /// Checks that what is reserved is what the batch holds, and fits.
    ///
    /// # Panics
    /// If not.
    pub fn audit(&self, profile: &Profile) {
        let running: u64 = self.running.iter().map(|r| r.entry.reserve()).sum();
        let joining: u64 = self.joining.iter().map(Entry::reserve).sum();
        assert_eq!(
            self.reserved,
            running + joining,
            "reserved KV cache is held by no request, or twice"
        );
        assert!(
            self.reserved <= profile.kv_capacity,
            "the KV cache is overcommitted"
        );
        assert!(
            self.context <= running,
            "contexts exceed their reservations"
        );
        assert!(
            self.batch() <= profile.max_batch as usize,
            "the batch is too large"
        );
        assert!(
            !self.is_idle() || (self.waiting.is_empty() && self.batch() == 0),
            "an idle server holds requests"
        );
    }

    fn finish_prefill(&mut self, out: &mut Vec<Milestone>) {
        for entry in self.joining.drain(..) {
            out.push(Milestone::FirstToken(entry.job));
            if entry.output == 1 {
                self.reserved -= entry.reserve();
                out.push(Milestone::Finished(entry.job));
            } else {
                self.context += u64::from(entry.prompt) + 1;
                self.running.push(Running {
                    entry,
                    finish: self.steps + u64::from(entry.output) - 1,
                });
            }
        }
    }

    fn finish_decode(&mut self, steps: u64, out: &mut Vec<Milestone>) {
        self.steps += steps;
        self.context += self.running.len() as u64 * steps;
        let now = self.steps;
        let (mut freed, mut job_ended) = (0, false);
        for running in &self.running {
            if running.finish == now {
                freed += running.entry.reserve();
                job_ended = true;
                out.push(Milestone::Finished(running.entry.job));
            }
        }
        if job_ended {
            // A finished request's context has grown to exactly what it reserved.
            self.context -= freed;
            self.reserved -= freed;
            self.running.retain(|running| running.finish != now);
        }
    }

    fn begin_phase(&mut self, profile: &Profile) {
        let (mut tokens, mut squares) = (0u64, 0u64);
        while let Some(&entry) = self.waiting.front() {
            if !self.fits(&entry, tokens, profile) {
                break;
            }
            self.waiting.pop_front();
            self.reserved += entry.reserve();
            tokens += u64::from(entry.prompt);
            squares += u64::from(entry.prompt) * u64::from(entry.prompt);
            self.joining.push(entry);
        }
        assert!(
            self.reserved <= profile.kv_capacity,
            "the KV cache is overcommitted"
        );
        if !self.joining.is_empty() {
            let sequences = u32::try_from(self.joining.len()).expect("a batch fits 32 bits");
            self.phase = Phase::Prefill;
            self.length = self.slowed(profile.prefill(sequences, tokens, squares));
        } else if let Some(next) = self.running.iter().map(|r| r.finish).min() {
            let batch = u32::try_from(self.running.len()).expect("a batch fits 32 bits");
            let (base, slope) = profile.decode(batch);
            let (base, slope, steps) = (self.slowed(base), self.slowed(slope), next - self.steps);
            self.phase = Phase::Decode { base, slope, steps };
            self.length = self.decode_length(base, slope, steps);
        } else {
            self.phase = Phase::Idle;
            self.length = 0;
        }
    }

    /// Whether `entry` can be admitted beside what runs and `tokens` prompt tokens admitted in the same step.
    fn fits(&self, entry: &Entry, tokens: u64, profile: &Profile) -> bool {
        self.batch() < profile.max_batch as usize
            && self.reserved + entry.reserve() <= profile.kv_capacity
            && (tokens == 0 || tokens + u64::from(entry.prompt) <= PREFILL_BUDGET)
    }

    fn decode_length(&self, base: Picos, slope: Picos, steps: u64) -> Picos {
        let batch = self.running.len() as u64;
        // One of two neighbouring integers is even: the product is divided exactly.
        let growth = batch * (steps * steps.saturating_sub(1) / 2);
        steps * base + slope * (steps * self.context + growth)
    }

    /// The least number of steps, at least one and at most `most`, that end at or after `now`.
    fn steps_until(&self, now: SimTime, base: Picos, slope: Picos, most: u64) -> u64 {
        let elapsed = (now - self.start).as_nanos() * PICOS_PER_NANO;
        let ends_before = |steps: u64| {
            let end = self.start_ps + self.decode_length(base, slope, steps);
            end - end % PICOS_PER_NANO < elapsed
        };
        let (mut low, mut high) = (1, most);
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
        Some(self.start + Span::from_nanos((self.start_ps + self.length) / PICOS_PER_NANO))
    }

    fn slowed(&self, duration: Picos) -> Picos {
        nearest(duration as f64 * self.slowdown)
    }
}
