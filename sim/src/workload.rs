//! What customers ask for: arrivals, sizes and origins of requests, and the service level they expect.
//!
//! Synthetic arrivals are a renewal process run on a random clock: in each window the rate is
//! `rate · exp(σZ − σ²/2)` with `Z` a stationary AR(1) series, times an optional diurnal factor.
//! Without modulation it is a plain renewal process; with exponential gaps, Poisson.
//! Sizes are drawn from two marginal distributions joined by a Gaussian copula.

use std::sync::Arc;

use walras_des::{Dist, Purpose, SimTime, Span, Stream, Streams, math};

use crate::availability::pick;
use crate::ids::RegionId;

/// One request, as the world knows it. A policy sees only part of it (see [`crate::view`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// When the customer sends it.
    pub at: SimTime,
    /// Prompt length.
    pub prompt_tokens: u32,
    /// Length of the answer; no policy knows it in advance.
    pub output_tokens: u32,
    /// Where the customer is.
    pub origin: RegionId,
    /// The most that the customer pays [USD per million output tokens], if there is a limit.
    pub budget: Option<f64>,
    /// How its prompt begins, if others begin so too.
    pub prefix: Option<Prefix>,
}

/// The beginning that the prompt of a request shares with those of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The group.
    pub group: u32,
    /// Tokens that are the same; at most the whole prompt.
    pub tokens: u32,
}

/// Service-level objectives of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slo {
    /// Time to first token.
    pub ttft: Span,
    /// Mean time per output token after the first.
    pub tpot: Span,
}

impl Slo {
    /// Whether a request was served as promised: first token, and time per further token if there was one [s].
    #[must_use]
    pub fn is_met(&self, ttft: Option<f64>, tpot: Option<f64>) -> bool {
        ttft.is_some_and(|ttft| ttft <= self.ttft.as_secs_f64())
            && tpot.is_none_or(|tpot| tpot <= self.tpot.as_secs_f64())
    }
}

/// Requests of one experiment.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Where requests come from.
    pub source: Source,
    /// Share of requests by region.
    pub origins: Vec<(RegionId, f64)>,
    /// What counts as good service.
    pub slo: Slo,
    /// How long a request waits for a node before its customer gives up.
    pub patience: Span,
    /// Limit prices of customers [USD per million output tokens], if they have any.
    pub budget: Option<Dist>,
    /// Beginnings that prompts share, if they share any and no trace says which.
    pub prefixes: Option<Prefixes>,
}

/// System prompts, tools, documents: groups of requests whose prompts begin alike.
///
/// A request belongs to group `k` with a probability in proportion to `1/k^exponent` (Zipf). The length of its prompt is what the
/// source says; its shared part is that of its group, or all of it.
#[derive(Clone, Debug)]
pub struct Prefixes {
    /// Number of groups, at least one.
    pub groups: u32,
    /// How unequal they are: zero for equal groups.
    pub exponent: f64,
    /// Shared tokens of a group.
    pub length: Dist,
}

/// Where the requests come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A fitted stochastic process.
    Synthetic(Synthetic),
    /// A recorded trace, replayed.
    Trace(Arc<Trace>),
}

/// A fitted arrival process with sizes.
#[derive(Clone, Debug)]
pub struct Synthetic {
    /// Mean arrival rate [1/s].
    pub rate: f64,
    /// Interarrival times on the operational clock, with mean one.
    pub gap: Dist,
    /// Slow variation of the rate.
    pub modulation: Option<Modulation>,
    /// Daily variation of the rate.
    pub diurnal: Option<Diurnal>,
    /// Prompt lengths [tokens].
    pub prompt: Dist,
    /// Output lengths [tokens].
    pub output: Dist,
    /// Correlation of the Gaussian copula between the two.
    pub correlation: f64,
}

/// A log-normal AR(1) factor on the rate, constant within a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Modulation {
    /// Length of a window.
    pub window: Span,
    /// Standard deviation of the logarithm of the rate.
    pub sigma: f64,
    /// Correlation between neighbouring windows.
    pub correlation: f64,
}

/// A sinusoidal day: the rate is multiplied by `1 + amplitude · cos(2π(t − peak)/24 h)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diurnal {
    /// Half the distance between peak and trough, relative to the mean, in `[0, 1]`.
    pub amplitude: f64,
    /// Time of the peak after the start of the run.
    pub peak: Span,
}

/// A recorded trace, in columns ordered by time. The first request is at time zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Arrival times.
    pub at: Vec<SimTime>,
    /// Prompt lengths.
    pub prompt_tokens: Vec<u32>,
    /// Output lengths.
    pub output_tokens: Vec<u32>,
    /// How prompts begin; empty if that is not recorded.
    pub prefixes: Vec<Option<Prefix>>,
}

/// What anyone who runs a service knows about its requests without looking into the future.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// Mean prompt length [tokens].
    pub mean_prompt: f64,
    /// Mean output length [tokens].
    pub mean_output: f64,
    /// Longest output that any request may ask for [tokens].
    pub max_output: u32,
}

/// Draws per marginal to estimate the mean size of a synthetic workload.
const SIZE_POINTS: u32 = 10_000;

impl Workload {
    /// Mean and maximal sizes of the requests.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        match &self.source {
            Source::Synthetic(synthetic) => Sizes {
                mean_prompt: quantile_mean(&synthetic.prompt),
                mean_output: quantile_mean(&synthetic.output),
                max_output: tokens(upper(&synthetic.output)),
            },
            Source::Trace(trace) => {
                let n = trace.at.len().max(1) as f64;
                let mean = |column: &[u32]| column.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
                Sizes {
                    mean_prompt: mean(&trace.prompt_tokens),
                    mean_output: mean(&trace.output_tokens),
                    max_output: trace.output_tokens.iter().copied().max().unwrap_or(1),
                }
            }
        }
    }
}

/// Mean by the midpoint rule over the quantile function; exact enough for every distribution, finite mean or not.
fn quantile_mean(dist: &Dist) -> f64 {
    if let Some(mean) = dist.mean() {
        return mean;
    }
    let n = f64::from(SIZE_POINTS);
    let sum: f64 = (0..SIZE_POINTS)
        .filter_map(|i| dist.quantile((f64::from(i) + 0.5) / n))
        .sum();
    sum / n
}

/// The largest size that a run will meet: the end of the support, or the 1 − 10⁻⁶ quantile.
fn upper(dist: &Dist) -> f64 {
    dist.quantile(1.0)
        .filter(|x| x.is_finite())
        .or_else(|| dist.quantile(1.0 - 1e-6))
        .unwrap_or(f64::from(u16::MAX))
}

/// A size in whole tokens, at least one.
fn tokens(value: f64) -> u32 {
    value.round().clamp(1.0, f64::from(u32::MAX)) as u32
}

/// Produces the requests of one run in order of time.
#[derive(Debug)]
pub struct Arrivals {
    source: Clock,
    origins: Vec<(RegionId, f64)>,
    budget: Option<Dist>,
    origin_stream: Stream,
    budget_stream: Stream,
    prefixes: Option<Groups>,
    max_output: u32,
    end: SimTime,
}

#[derive(Debug)]
enum Clock {
    Synthetic {
        process: Box<Process>,
        sizes: Stream,
    },
    Trace {
        trace: Arc<Trace>,
        next: usize,
    },
}

impl Arrivals {
    /// Requests of `workload` up to `end`.
    #[must_use]
    pub fn new(workload: &Workload, streams: &Streams, end: SimTime) -> Self {
        let source = match &workload.source {
            Source::Synthetic(synthetic) => Clock::Synthetic {
                process: Box::new(Process::new(synthetic.clone(), streams)),
                sizes: streams.open(Purpose::new("request sizes"), 0),
            },
            Source::Trace(trace) => Clock::Trace {
                trace: Arc::clone(trace),
                next: 0,
            },
        };
        Self {
            source,
            origins: workload.origins.clone(),
            budget: workload.budget.clone(),
            origin_stream: streams.open(Purpose::new("request origins"), 0),
            budget_stream: streams.open(Purpose::new("request budgets"), 0),
            prefixes: (workload.prefixes.as_ref()).map(|prefixes| Groups::new(prefixes, streams)),
            max_output: workload.sizes().max_output,
            end,
        }
    }

    /// Makes a fitted process send `factor` times as many requests as it says, up to `until`; then there are none until it is told
    /// how to go on. A process told so before it began is the same process on another clock: exact, whatever the factors.
    ///
    /// # Panics
    /// If the requests are recorded: they come when they came.
    pub fn pace(&mut self, until: SimTime, factor: f64) {
        let Clock::Synthetic { process, .. } = &mut self.source else {
            panic!("a recorded trace has a pace of its own");
        };
        process.pace.factor = factor;
        process.pace.until = (until - SimTime::ZERO).as_secs_f64();
    }
}

impl Iterator for Arrivals {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let mut prefix = None;
        let (at, prompt_tokens, output_tokens) = match &mut self.source {
            Clock::Synthetic { process, sizes } => {
                let at = process.next()?;
                let (prompt, output) = process.synthetic.sizes(sizes);
                (at, prompt, output)
            }
            Clock::Trace { trace, next } => {
                let row = *next;
                *next += 1;
                prefix = trace.prefixes.get(row).copied().flatten();
                (
                    *trace.at.get(row)?,
                    trace.prompt_tokens[row],
                    trace.output_tokens[row],
                )
            }
        };
        if at > self.end {
            return None;
        }
        let origin = pick(
            self.origins.iter().map(|(_, share)| *share),
            self.origin_stream.uniform(),
        );
        let budget = self
            .budget
            .as_ref()
            .map(|dist| dist.sample(&mut self.budget_stream));
        Some(Request {
            at,
            prompt_tokens,
            // What an unbounded law gives beyond the longest answer is cut off there, as a server's limit would.
            output_tokens: output_tokens.min(self.max_output),
            origin: self.origins[origin].0,
            budget,
            prefix: match &mut self.prefixes {
                Some(groups) => Some(groups.next(prompt_tokens)),
                None => prefix,
            },
        })
    }
}

/// Deals requests to groups with shared prefixes.
#[derive(Debug)]
struct Groups {
    /// Shared tokens of each group.
    tokens: Vec<u32>,
    /// Sum of the weights up to each group.
    weights: Vec<f64>,
    stream: Stream,
}

impl Groups {
    fn new(prefixes: &Prefixes, streams: &Streams) -> Self {
        let length = |group| {
            let mut stream = streams.open(Purpose::new("shared prefixes"), group);
            tokens(prefixes.length.sample(&mut stream))
        };
        let mut sum = 0.0;
        let weights = (1..=prefixes.groups).map(|rank| {
            sum += math::powf(f64::from(rank), -prefixes.exponent);
            sum
        });
        Self {
            weights: weights.collect(),
            tokens: (0..u64::from(prefixes.groups)).map(length).collect(),
            stream: streams.open(Purpose::new("request prefixes"), 0),
        }
    }

    /// The group of the next request, and what its prompt shares with it.
    fn next(&mut self, prompt_tokens: u32) -> Prefix {
        let total = self.weights[self.weights.len() - 1];
        let drawn = self.stream.uniform() * total;
        let group = (self.weights.partition_point(|&sum| sum <= drawn)).min(self.weights.len() - 1);
        Prefix {
            group: group as u32,
            tokens: self.tokens[group].min(prompt_tokens),
        }
    }
}

impl Synthetic {
    fn sizes(&self, stream: &mut Stream) -> (u32, u32) {
        let first = stream.normal();
        let second = self.correlation * first
            + (1.0 - self.correlation * self.correlation).sqrt() * stream.normal();
        let draw = |dist: &Dist, z: f64| {
            let law = dist.at_normal(z);
            tokens(law.expect("a law of lengths needs a quantile function"))
        };
        (draw(&self.prompt, first), draw(&self.output, second))
    }
}

/// The arrival clock: gaps in operational time, mapped to real time window by window.
#[derive(Debug)]
struct Process {
    synthetic: Synthetic,
    gaps: Stream,
    rates: Stream,
    /// State of the AR(1) series.
    z: f64,
    now: f64,
    window_end: f64,
    rate: f64,
    pace: Pace,
}

/// How fast requests come, and until when that holds.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Times the rate.
    factor: f64,
    /// [s]
    until: f64,
    /// What is left of a gap that reaches beyond [operational time].
    left: Option<f64>,
}

/// Width of a window when only the day modulates the rate [s].
const DEFAULT_WINDOW: f64 = 60.0;

impl Process {
    fn new(synthetic: Synthetic, streams: &Streams) -> Self {
        let mut rates = streams.open(Purpose::new("arrival rate"), 0);
        let z = rates.normal();
        let gaps = streams.open(Purpose::new("arrival gaps"), 0);
        let mut process = Self {
            synthetic,
            gaps,
            rates,
            z,
            now: 0.0,
            window_end: 0.0,
            rate: 0.0,
            pace: Pace {
                factor: 1.0,
                until: f64::INFINITY,
                left: None,
            },
        };
        process.open_window();
        process
    }

    fn width(&self) -> f64 {
        match (self.synthetic.modulation, self.synthetic.diurnal) {
            (Some(modulation), _) => modulation.window.as_secs_f64(),
            (None, Some(_)) => DEFAULT_WINDOW,
            (None, None) => f64::INFINITY,
        }
    }

    /// Sets the rate of the window that starts at `window_end`.
    fn open_window(&mut self) {
        let start = self.window_end;
        let width = self.width();
        self.window_end = start + width;
        let mut rate = self.synthetic.rate;
        if let Some(Modulation {
            sigma, correlation, ..
        }) = self.synthetic.modulation
        {
            rate *= math::exp(sigma * self.z - sigma * sigma / 2.0);
            self.z = correlation * self.z
                + (1.0 - correlation * correlation).sqrt() * self.rates.normal();
        }
        if let Some(Diurnal { amplitude, peak }) = self.synthetic.diurnal {
            let phase = (start + width / 2.0 - peak.as_secs_f64()) / Span::DAY.as_secs_f64();
            rate *= 1.0 + amplitude * math::cos(std::f64::consts::TAU * phase);
        }
        self.rate = rate;
    }

    /// When the next request comes; `None` if that is after the present pace ends.
    fn next(&mut self) -> Option<SimTime> {
        let left = self.pace.left.take();
        let mut left = left.unwrap_or_else(|| self.synthetic.gap.sample(&mut self.gaps));
        loop {
            let end = self.window_end.min(self.pace.until);
            let rate = self.rate * self.pace.factor;
            let in_window = (end - self.now) * rate;
            if left <= in_window {
                self.now += left / rate;
                return Some(SimTime::ZERO + Span::from_secs_f64(self.now));
            }
            left -= in_window;
            self.now = end;
            if end < self.window_end {
                self.pace.left = Some(left);
                return None;
            }
            self.open_window();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workload(cv: f64, modulation: Option<Modulation>, diurnal: Option<Diurnal>) -> Workload {
        Workload {
            source: Source::Synthetic(Synthetic {
                rate: 5.0,
                gap: Dist::gamma(1.0 / (cv * cv), cv * cv).unwrap(),
                modulation,
                diurnal,
                prompt: Dist::lognormal(6.0, 1.0).unwrap(),
                output: Dist::lognormal(5.0, 0.5).unwrap(),
                correlation: 0.5,
            }),
            origins: vec![(RegionId(0), 1.0), (RegionId(1), 3.0)],
            slo: Slo {
                ttft: Span::SECOND,
                tpot: Span::SECOND,
            },
            patience: Span::MINUTE,
            budget: None,
            prefixes: None,
        }
    }

    fn requests(workload: &Workload, hours: u64) -> Vec<Request> {
        Arrivals::new(
            workload,
            &Streams::new(7, 0),
            SimTime::ZERO + Span::HOUR * hours,
        )
        .collect()
    }

    /// Told in pieces to go on as it is, a process sends what it would have sent, to the rounding of sums; told to go twice as fast, it
    /// sends the same in half the time.
    #[test]
    fn a_paced_process_is_the_same_on_another_clock() {
        let modulation = Modulation {
            window: Span::MINUTE * 7,
            sigma: 0.4,
            correlation: 0.5,
        };
        for (modulation, factor) in [(Some(modulation), 1.0), (None, 2.0)] {
            let workload = workload(1.5, modulation, None);
            let whole = requests(&workload, 10);
            let end = SimTime::ZERO + Span::HOUR * 10;
            let mut paced = Arrivals::new(&workload, &Streams::new(7, 0), end);
            let mut pieces = Vec::new();
            for minutes in (0..600).step_by(13) {
                paced.pace(SimTime::ZERO + Span::MINUTE * (minutes + 13), factor);
                pieces.extend(paced.by_ref());
            }
            assert!(pieces.len() as f64 >= factor * whole.len() as f64 * 0.95);
            for (piece, whole) in pieces.iter().zip(&whole) {
                let (at, expected) = (piece.at.as_secs_f64() * factor, whole.at.as_secs_f64());
                assert!((at - expected).abs() < 1e-7, "{at} {expected}");
                assert_eq!(piece.output_tokens, whole.output_tokens);
            }
        }
    }

    /// Over T = 100 h the count of a renewal process is normal with mean λT and variance λT·cv² (seed 7, 4.4σ, α = 10⁻⁵).
    #[test]
    fn renewal_counts_agree_with_theory() {
        for cv in [0.5, 1.0, 2.0] {
            let expected = 5.0 * 360_000.0;
            let count =
                f64::from(u32::try_from(requests(&workload(cv, None, None), 100).len()).unwrap());
            assert!(
                (count - expected).abs() < 4.4 * cv * f64::sqrt(expected),
                "cv {cv}: {count} requests"
            );
        }
    }

    /// The modulated rate has mean one: Var(count) ≈ λT + (λT)²·(e^σ² − 1)·(1+ρ)/(1−ρ)·w/T bounds the sample mean (seed 7).
    #[test]
    fn modulation_keeps_the_mean_rate() {
        let modulation = Modulation {
            window: Span::MINUTE,
            sigma: 0.3,
            correlation: 0.5,
        };
        let count = f64::from(
            u32::try_from(requests(&workload(1.0, Some(modulation), None), 200).len()).unwrap(),
        );
        let (windows, expected) = (12_000.0, 5.0 * 720_000.0);
        let sd = f64::sqrt(expected + expected * expected * (f64::exp(0.09) - 1.0) * 3.0 / windows);
        assert!(
            (count - expected).abs() < 4.4 * sd,
            "{count} against {expected} ± {sd}"
        );
    }

    /// With amplitude 0.8 the quarter day around the peak holds 1 + 0.8·(2√2/π) of the mean (integral of the cosine).
    #[test]
    fn the_day_peaks_where_it_should() {
        let diurnal = Diurnal {
            amplitude: 0.8,
            peak: Span::HOUR * 12,
        };
        let all = requests(&workload(1.0, None, Some(diurnal)), 24);
        let peak = all
            .iter()
            .filter(|r| (9.0..15.0).contains(&(r.at.as_secs_f64() / 3600.0)))
            .count();
        let ratio = peak as f64 / (5.0 * 6.0 * 3600.0);
        let theory = 1.0 + 0.8 * 2.0 * f64::sqrt(2.0) / std::f64::consts::PI;
        assert!((ratio - theory).abs() < 0.015, "{ratio} against {theory}");
    }

    /// With exponent 1 over three groups the shares are 6/11, 3/11 and 2/11 (seed 7, 4.4 standard errors); the requests are otherwise
    /// those of the workload without prefixes, and no prefix is longer than its prompt.
    #[test]
    fn groups_of_prompts_follow_zipf_and_change_nothing_else() {
        let plain = workload(1.0, None, None);
        let grouped = Workload {
            prefixes: Some(Prefixes {
                groups: 3,
                exponent: 1.0,
                length: Dist::exponential(500.0).unwrap(),
            }),
            ..plain.clone()
        };
        let (plain, grouped) = (requests(&plain, 10), requests(&grouped, 10));
        let (mut counts, mut lengths) = ([0.0; 3], [0; 3]);
        for (before, after) in plain.iter().zip(&grouped) {
            let prefix = after.prefix.expect("every request has a group");
            counts[prefix.group as usize] += 1.0;
            let length = &mut lengths[prefix.group as usize];
            *length = prefix.tokens.max(*length);
            assert!(prefix.tokens <= after.prompt_tokens);
            let bare = Request {
                prefix: None,
                ..*after
            };
            assert_eq!(bare, *before);
        }
        for request in &grouped {
            let Prefix { group, tokens } = request.prefix.unwrap();
            assert_eq!(tokens, lengths[group as usize].min(request.prompt_tokens));
        }
        let n = grouped.len() as f64;
        for (count, share) in counts.into_iter().zip([6.0 / 11.0, 3.0 / 11.0, 2.0 / 11.0]) {
            let error = f64::sqrt(share * (1.0 - share) / n);
            assert!((count / n - share).abs() < 4.4 * error, "{count} of {n}");
        }
    }

    #[test]
    fn a_trace_is_replayed_row_by_row() {
        let trace = Trace {
            at: vec![SimTime::ZERO, SimTime::ZERO + Span::SECOND],
            prompt_tokens: vec![10, 20],
            output_tokens: vec![3, 4],
            prefixes: Vec::new(),
        };
        let workload = Workload {
            source: Source::Trace(Arc::new(trace)),
            ..workload(1.0, None, None)
        };
        let rows: Vec<_> = requests(&workload, 1)
            .iter()
            .map(|r| (r.prompt_tokens, r.output_tokens))
            .collect();
        assert_eq!(rows, [(10, 3), (20, 4)]);
        assert_eq!(
            workload.sizes(),
            Sizes {
                mean_prompt: 15.0,
                mean_output: 3.5,
                max_output: 4
            }
        );
    }
}
