//! What no policy can beat: a clairvoyant relaxation in which every request has the whole platform to itself.
//!
//! Each request is served alone, at once, by whichever node suits it best, as if all nodes that the platform may ever have were up
//! and idle, and the length of every answer were known. Queueing, batching, absences, losses and ignorance are left out, and each of
//! them can only make a request slower or dearer:
//!
//! - *First token.* The request crosses the network to a node and back, and its prompt is computed there. In company a prompt is cut
//!   into more chunks, in steps that hold more tokens. The time of an operation is a norm of its work plus a launch ([`Roof`]), so it
//!   is monotone and subadditive: no cut is faster than the whole. Shared beginnings count as computed where they may be cached.
//! - *Time per token.* Each decode step takes at least the smallest constant of any batch, and reads at least the context of the
//!   request at the smallest slope.
//! - *Price.* Somebody who holds the request is paid, at the lowest rates that anybody asks, or at the floor of the base fee.
//! - *Two nodes for one request*, where prompts are computed on other nodes than answers: the answer may come over a shorter way than
//!   the first token, by no more than the ways of the context and of the two differ; and each is paid at the lowest rate for its part. Both objectives are
//!   held against the best node for each.
//! - *Quality of service.* Requests that no node alone could serve within both objectives count for nobody.
//!
//! A policy that completes `m` requests has the `k`-th smallest of `m` latencies at or above the `k`-th smallest of all bounds: so
//! bounds of quantiles, and of the price, are those of `m` requests, and who turns hard requests away gains nothing by it.
//!
//! The bounds are attained where requests never meet, the best node is up, and the policy finds it (`sim/tests/bound.rs`). They do
//! not know load: the busier the platform, the further below any policy they lie.
//!
//! [`Roof`]: crate::hardware::roof::Roof

use walras_des::{LogHistogram, SimTime, Span, Streams, quantile_rank};

use super::Settings;
use super::nodes::{self, Roster};
use crate::hardware::Profile;
use crate::hardware::profile::BLOCK;
use crate::ids::{NodeId, RegionId};
use crate::market::{Pricing, Rates};
use crate::platform::{Platform, Role};
use crate::record::{Latency, MetricId, Output};
use crate::units::{Amount, Price};
use crate::workload::{Arrivals, Request, Slo, Workload};

/// The bounds of one replication of one platform: the same for every policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Relaxation {
    /// Measured requests.
    submitted: u64,
    /// Of these, those that some node holds.
    possible: u64,
    /// Of these, those that some node alone serves within both objectives.
    attainable: u64,
    /// Measured time [s].
    time: f64,
    /// The least times of those that are possible [s], in increasing order.
    ttft: Vec<f64>,
    tpot: Vec<f64>,
    /// The least that a request pays [USD], and its output tokens; empty where instances are rented.
    prices: Vec<(f64, f64)>,
}

/// How many latencies of each kind a run has recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// Times to first token: completed requests.
    pub ttft: u64,
    /// Times per output token: of these, those with more than one.
    pub tpot: u64,
}

impl From<&Output> for Served {
    fn from(output: &Output) -> Self {
        Self {
            ttft: output.latencies[Latency::Ttft].count(),
            tpot: output.latencies[Latency::Tpot].count(),
        }
    }
}

impl Relaxation {
    /// The bounds of this replication; those of a run that is told the same.
    #[must_use]
    pub fn new(
        platform: &Platform,
        workload: &Workload,
        settings: &Settings,
        seed: u64,
        replication: u32,
    ) -> Self {
        let streams = Streams::new(seed, u64::from(replication));
        let best = Best::new(platform, workload, &streams);
        let mut relaxed = Self {
            submitted: 0,
            possible: 0,
            attainable: 0,
            time: (settings.horizon - settings.warm_up).as_secs_f64(),
            ttft: Vec::new(),
            tpot: Vec::new(),
            prices: Vec::new(),
        };
        let from = SimTime::ZERO + settings.warm_up;
        let all = Arrivals::new(workload, &streams, SimTime::ZERO + settings.horizon);
        for request in all.filter(|request| request.at >= from) {
            relaxed.submitted += 1;
            let Some(least) = best.of(&request, workload.slo) else {
                continue;
            };
            relaxed.possible += 1;
            relaxed.attainable += u64::from(least.is_attainable);
            relaxed.ttft.push(least.ttft);
            relaxed.tpot.extend(least.tpot);
            let paid = best.price(&request);
            relaxed
                .prices
                .extend(paid.map(|paid| (paid, f64::from(request.output_tokens))));
        }
        relaxed.ttft.sort_by(f64::total_cmp);
        relaxed.tpot.sort_by(f64::total_cmp);
        relaxed
    }

    /// The value of `metric` that no policy can beat which serves as much; `None` for a figure without a bound.
    #[must_use]
    pub fn bound(&self, metric: MetricId, served: Served) -> Option<f64> {
        let share = |count: u64| (self.submitted > 0).then(|| count as f64 / self.submitted as f64);
        if let Some((latency, p)) = metric.quantile() {
            let (least, served) = match latency {
                Latency::Ttft => (&self.ttft, served.ttft),
                Latency::Tpot => (&self.tpot, served.tpot),
                Latency::Response | Latency::Wait | Latency::Slowdown => return None,
            };
            let rank = quantile_rank(p, served) as usize;
            let value = least.get(rank.saturating_sub(1)).filter(|_| served > 0)?;
            return Some(as_reported(*value));
        }
        match metric {
            MetricId::SloAttainment => share(self.attainable),
            MetricId::Completed => share(self.possible),
            MetricId::Rejected => share(self.submitted - self.possible),
            MetricId::Goodput => Some(self.attainable as f64 / self.time),
            MetricId::CostPerMillion => self.cost(served.ttft as usize),
            _ => None,
        }
    }

    /// The least price of a million tokens that `count` requests together can pay: the smallest ratio of sums over all choices of
    /// so many requests, by Dinkelbach's method (Management Science 13(7), 1967).
    fn cost(&self, count: usize) -> Option<f64> {
        if count == 0 || count > self.prices.len() {
            return None;
        }
        let mut chosen = self.prices.clone();
        let mut ratio = f64::INFINITY;
        loop {
            let (paid, tokens) = chosen[..count]
                .iter()
                .fold((0.0, 0.0), |(paid, tokens), (p, t)| (paid + p, tokens + t));
            let next: f64 = paid / tokens;
            // It falls until it is the smallest; the last digits may differ with the order of the sums.
            if next >= ratio * (1.0 - 1e-12) || count == chosen.len() {
                return Some(next.min(ratio) * 1e6);
            }
            ratio = next;
            let cost = |(paid, tokens): &(f64, f64)| paid - ratio * tokens;
            chosen.select_nth_unstable_by(count - 1, |a, b| cost(a).total_cmp(&cost(b)));
        }
    }
}

/// A latency as histograms report it: the middle of its bucket.
pub(crate) fn as_reported(value: f64) -> f64 {
    let mut histogram = LogHistogram::new();
    histogram.record(value);
    histogram.quantile(1.0)
}

/// What a request gets at best.
struct Least {
    ttft: f64,
    tpot: Option<f64>,
    is_attainable: bool,
}

/// The nodes worth a thought, by class.
struct Best<'a> {
    platform: &'a Platform,
    classes: Vec<Class<'a>>,
    max_output: u32,
    /// Whether requests go from node to node.
    is_split: bool,
    /// Time that an answer may gain by coming from another node than the first token [s].
    shortcut: f64,
}

/// The nodes of one class.
struct Class<'a> {
    profile: &'a Profile,
    decode: Decode,
    /// For customers in each region, the nodes that no other beats in both: round trip [s], slowdown.
    near: Vec<Vec<(f64, f64)>>,
    /// Rates that no other beats in both.
    rates: Vec<Rates>,
}

impl<'a> Best<'a> {
    fn new(platform: &'a Platform, workload: &Workload, streams: &Streams) -> Self {
        let sizes = workload.sizes();
        let roster = nodes::register(platform, &sizes, streams);
        let regions = platform.network.regions().len();
        let class = |(index, profile): (usize, &'a Profile)| {
            let of_class: Vec<NodeId> = (0..roster.nodes.len())
                .map(NodeId::new)
                .filter(|node| roster.nodes[node.index()].profile.index() == index)
                .collect();
            Class {
                profile,
                decode: Decode::of(profile),
                near: (0..regions)
                    .map(|origin| near(RegionId(origin as u32), &of_class, &roster, platform))
                    .collect(),
                rates: cheapest(&of_class, &roster),
            }
        };
        let mut best = Self {
            is_split: is_split(platform),
            shortcut: shortcut(platform),
            platform,
            classes: platform.profiles.iter().enumerate().map(class).collect(),
            max_output: sizes.max_output,
        };
        best.classes.retain(|class| !class.rates.is_empty());
        if best.is_split {
            let all = || best.classes.iter().flat_map(|class| &class.rates);
            let lowest = Rates {
                prompt: all().map(|r| r.prompt).min().unwrap_or_default(),
                output: all().map(|r| r.output).min().unwrap_or_default(),
            };
            for class in &mut best.classes {
                class.rates = vec![lowest];
            }
        }
        best
    }

    /// The classes whose memory holds the request.
    fn holders(&self, request: &Request) -> impl Iterator<Item = &Class<'a>> {
        let need = u64::from(request.prompt_tokens) + u64::from(self.max_output);
        self.classes
            .iter()
            .filter(move |class| need <= class.profile.kv_capacity())
    }

    /// What the request gets at best; `None` if no node holds it.
    fn of(&self, request: &Request, slo: Slo) -> Option<Least> {
        let mut least: Option<Least> = None;
        for class in self.holders(request) {
            let overhead = class.profile.request_overhead.as_secs_f64();
            let prompt = class
                .profile
                .prompt_from(shared(request, class.profile), request.prompt_tokens);
            let prompt = prompt as f64 / 1e12;
            let steps = class.decode.seconds(request);
            for &(round_trip, slowdown) in &class.near[request.origin.index()] {
                // Below the clock's resolution, rounding may go either way.
                let ttft = (round_trip + overhead + slowdown * prompt - 2e-9).max(0.0);
                let tpot = (request.output_tokens > 1).then(|| {
                    (slowdown * steps - 2e-9 - self.shortcut).max(0.0)
                        / f64::from(request.output_tokens - 1)
                });
                let is_attainable = ttft <= slo.ttft.as_secs_f64()
                    && tpot.is_none_or(|tpot| tpot <= slo.tpot.as_secs_f64());
                least = Some(match least {
                    None => Least {
                        ttft,
                        tpot,
                        is_attainable,
                    },
                    Some(least) => Least {
                        ttft: least.ttft.min(ttft),
                        tpot: least.tpot.zip(tpot).map(|(a, b)| a.min(b)),
                        is_attainable: least.is_attainable || is_attainable,
                    },
                });
            }
        }
        if let Some(least) = least.as_mut().filter(|_| self.is_split) {
            // The first token of one node, the others of another.
            least.is_attainable = least.ttft <= slo.ttft.as_secs_f64()
                && (least.tpot).is_none_or(|tpot| tpot <= slo.tpot.as_secs_f64());
        }
        least
    }

    /// The least that the request pays [USD]; `None` where instances are rented.
    fn price(&self, request: &Request) -> Option<f64> {
        let rates = self.holders(request).flat_map(|class| &class.rates);
        let price = |rates: &Rates| rates.price(request.prompt_tokens, request.output_tokens);
        let least: Option<Amount> = match &self.platform.pricing {
            Pricing::Rental | Pricing::Economy { .. } => None,
            Pricing::ReverseAuction => rates.map(price).min(),
            // The fee never falls below its floor, and nobody works below its ask.
            Pricing::BaseFee(rule) => rates.map(|rates| rates.output).min().map(|ask| {
                let lowest = Price::from_units(rule.initial.min(rule.floor).0);
                price(&super::uniform(lowest.max(ask), rule.prompt_weight))
            }),
        };
        least.map(Amount::as_f64)
    }
}

/// Whether requests go from node to node.
fn is_split(platform: &Platform) -> bool {
    platform.fleets.iter().any(|fleet| fleet.role != Role::Both)
}

/// The most by which the way of an answer to its customer is shorter than that of its first token and the way of the context between
/// them [s]: zero where no detour is shorter than the direct way, which measured latencies do not promise.
fn shortcut(platform: &Platform) -> f64 {
    if !is_split(platform) {
        return 0.0;
    }
    let network = &platform.network;
    let regions = || (0..network.regions().len()).map(RegionId::new);
    let mut most = 0.0_f64;
    for customer in regions() {
        for from in regions() {
            for to in regions() {
                let way = |a, b| network.one_way(a, b).as_secs_f64();
                most = most.max(way(customer, from) - way(from, to) - way(to, customer));
            }
        }
    }
    most
}

/// The prompt tokens that may be cached when the request comes: whole blocks of what it shares, and never its last token.
fn shared(request: &Request, profile: &Profile) -> u32 {
    let prefix = request
        .prefix
        .filter(|_| profile.deployment.prefix_caching)
        .map_or(0, |prefix| prefix.tokens);
    let most = request.prompt_tokens.saturating_sub(1);
    prefix.min(most) / BLOCK * BLOCK
}

/// Of `nodes`, the round trip to a customer in `origin` [s] and the slowdown; those that another beats
/// in both are left out.
fn near(
    origin: RegionId,
    nodes: &[NodeId],
    roster: &Roster,
    platform: &Platform,
) -> Vec<(f64, f64)> {
    let pair = |node: NodeId| {
        let card = &roster.cards[node.index()];
        let one_way: Span = platform.network.one_way(origin, card.region) + card.access;
        let slowdown = roster.nodes[node.index()].server.slowdown();
        (2.0 * one_way.as_secs_f64(), slowdown)
    };
    let mut pairs: Vec<(f64, f64)> = nodes.iter().copied().map(pair).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    unbeaten(pairs, |slowest, pair| pair.1 < slowest.1)
}

/// The rates of `nodes` that no other node beats in both.
fn cheapest(nodes: &[NodeId], roster: &Roster) -> Vec<Rates> {
    let mut rates: Vec<Rates> = nodes
        .iter()
        .map(|node| roster.cards[node.index()].ask)
        .collect();
    rates.sort_by_key(|rates| (rates.output, rates.prompt));
    unbeaten(rates, |last, rates| rates.prompt < last.prompt)
}

/// Of things in increasing order of one quality, those that are `better` in the other than the last that was kept.
fn unbeaten<T: Copy>(sorted: Vec<T>, better: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for item in sorted {
        if kept.last().is_none_or(|last| better(last, &item)) {
            kept.push(item);
        }
    }
    kept
}

/// The least of every step in which a request decodes [ps]: a constant, and a slope per context token.
struct Decode {
    base: u64,
    slope: u64,
    gain: f64,
}

impl Decode {
    fn of(profile: &Profile) -> Self {
        let widest = 1 + profile.drafted();
        // Beside a prompt of one token, if the budget has room for it.
        let tokens = (widest + 1).min(profile.token_budget());
        let beside = profile.mixed(tokens, 1, widest.min(tokens));
        let alone = (1..=profile.max_batch).map(|batch| profile.decode(batch));
        let (bases, slopes): (Vec<u64>, Vec<u64>) = alone.unzip();
        let least = |values: Vec<u64>, other: u64| values.into_iter().fold(other, u64::min);
        Self {
            base: least(bases, beside),
            slope: least(slopes, profile.context_slope()),
            gain: profile.gain(),
        }
    }

    /// The least time from the first token of the request to its last, on a machine with slowdown 1 [s].
    fn seconds(&self, request: &Request) -> f64 {
        let tokens = f64::from(request.output_tokens.saturating_sub(1));
        // With speculation the server may be ahead by a fraction of a token.
        let steps = if self.gain > 1.0 {
            ((tokens - 1.0) / self.gain).ceil().max(0.0)
        } else {
            tokens
        };
        let contexts =
            steps * f64::from(request.prompt_tokens) + steps * (steps - 1.0).max(0.0) / 2.0;
        (steps * self.base as f64 + contexts * self.slope as f64) / 1e12
    }
}
