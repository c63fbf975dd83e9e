//! The fast-forwarding server against an independent reference in which every step is an event and every block is counted.

mod common;

use std::collections::VecDeque;

use common::{device, model};
use walras_des::{Purpose, SimTime, Span, Stream, Streams};
use walras_sim::hardware::{Deployment, Device, Experts, Format, Model, Profile, Speculation};
use walras_sim::ids::JobId;
use walras_sim::serving::{Backlog, Entry, Milestone, Server};
use walras_sim::workload::Prefix;

/// Mixtral 8x7B: 46.7 B parameters, two of eight experts (Jiang et al., 2024).
fn mixtral() -> Model {
    Model {
        name: "mixtral-8x7b".into(),
        parameters: 46.7e9,
        experts: Some(Experts {
            count: 8,
            active: 2,
            shared: 0,
        }),
        ..model()
    }
}

/// A deployment on a card whose memory leaves `blocks` blocks of KV cache.
fn profile(deployment: &Deployment, blocks: u32) -> Profile {
    let at = |memory| {
        let card = Device { memory, ..device() };
        Profile::new(&card, deployment)
    };
    let model = &deployment.model;
    let bytes = model.parameters * deployment.format.bytes();
    // From too little memory upwards, in halving strides.
    let (mut memory, mut stride) = (bytes as u64, 1u64 << 36);
    while stride > 1 << 16 {
        if at(memory + stride).kv_blocks <= blocks {
            memory += stride;
        }
        stride /= 2;
    }
    let found = at(memory);
    assert_eq!(found.kv_blocks, blocks);
    found
}

/// A request at the reference server.
#[derive(Clone, Copy)]
struct Request {
    entry: Entry,
    /// Tokens in the cache.
    computed: u32,
    generated: u32,
    /// Whether its prompt, and what was generated before a preemption, is computed.
    decodes: bool,
    blocks: u32,
    /// Tokens of the step under way; for one that decodes, zero.
    chunk: u32,
    /// Blocks of the prefix cache that it shares; `blocks` are its own.
    shared: u32,
}

impl Request {
    fn new(entry: Entry) -> Self {
        Self {
            entry,
            computed: 0,
            generated: 0,
            decodes: false,
            blocks: 0,
            chunk: 0,
            shared: 0,
        }
    }
}

/// A cached block: which one of its group, and how many requests share it.
struct Block {
    group: u32,
    place: u32,
    users: u32,
}

/// A server that takes one step at a time. Written apart from the real one, along vLLM's scheduler: no fast-forward, no sums, no
/// shared code but the cost of a step.
struct Stepped<'a> {
    profile: &'a Profile,
    slowdown: f64,
    waiting: VecDeque<Request>,
    running: Vec<Request>,
    /// Blocks that hold nothing.
    free: u32,
    cached: Vec<Block>,
    /// Groups, the least recently used first.
    recent: Vec<u32>,
    /// Fraction of a token that speculation is ahead, in 1/65536.
    fraction: u64,
    /// End of the step under way [ps].
    ends: Option<u128>,
    log: Vec<(u64, Milestone)>,
    steps: usize,
    /// Tokens that were found in the prefix cache.
    found: u32,
}

impl Stepped<'_> {
    fn slow(&self, picos: u64) -> u128 {
        (picos as f64 * self.slowdown).round() as u128
    }

    fn start_step(&mut self, at: u128) {
        let drafted = self.profile.drafted();
        let (mut budget, mut index, mut is_short) = (self.profile.token_budget(), 0, false);
        while index < self.running.len() {
            let request = &mut self.running[index];
            let whole = request.entry.prompt + request.entry.output;
            let cached = if request.decodes {
                request.chunk = 0;
                budget -= 1 + drafted;
                (request.computed + 1 + drafted).min(whole)
            } else {
                let rest = request.entry.prompt + request.generated - request.computed;
                request.chunk = rest.min(budget);
                budget -= request.chunk;
                request.computed + request.chunk
            };
            let held = request.blocks + request.shared;
            let more = cached.div_ceil(16).saturating_sub(held);
            while self.available() < more && index < self.running.len() {
                self.make_free(self.available());
                let victim = self.running.pop().unwrap();
                self.give_back(&victim);
                is_short = true;
                let now = u64::try_from(at / 1000).unwrap();
                self.log.push((now, Milestone::Preempted(victim.entry.job)));
                self.waiting.push_front(Request {
                    generated: victim.generated,
                    ..Request::new(victim.entry)
                });
            }
            if index < self.running.len() {
                self.take(more);
                self.running[index].blocks += more;
            }
            index += 1;
        }
        while !is_short && budget > 0 && self.running.len() < self.profile.max_batch as usize {
            let Some(&request) = self.waiting.front() else {
                break;
            };
            let target = request.entry.prompt + request.generated;
            let shared = self.found(&request.entry, target);
            self.share(&request.entry, shared, 1);
            if target.div_ceil(16) - shared > self.available() {
                // It is looked at again in the next step, without having used anything.
                self.share(&request.entry, shared, -1);
                break;
            }
            self.found += 16 * shared;
            if shared > 0 {
                self.touch(request.entry.prefix.unwrap().group);
            }
            let chunk = (target - 16 * shared).min(budget);
            let blocks = (16 * shared + chunk).div_ceil(16) - shared;
            budget -= chunk;
            self.take(blocks);
            self.waiting.pop_front();
            self.running.push(Request {
                computed: 16 * shared,
                blocks,
                chunk,
                shared,
                ..request
            });
        }
        self.steps += 1;
        self.ends = self.duration().map(|duration| at + duration);
    }

    /// Blocks that can be had without preempting anybody.
    fn available(&self) -> u32 {
        let unused = self.cached.iter().filter(|block| block.users == 0).count();
        self.free + u32::try_from(unused).unwrap()
    }

    /// Takes free blocks; if there are too few, cached ones of the group used least recently that has unused ones, the last first.
    fn take(&mut self, count: u32) {
        self.make_free(count);
        self.free -= count;
    }

    fn make_free(&mut self, count: u32) {
        while self.free < count {
            let evict = self.recent.iter().find_map(|&group| {
                let unused = |block: &&Block| block.group == group && block.users == 0;
                let places = self.cached.iter().filter(unused).map(|block| block.place);
                places.max().map(|place| (group, place))
            });
            let (group, place) = evict.expect("there are enough blocks");
            (self.cached).retain(|block| (block.group, block.place) != (group, place));
            self.free += 1;
        }
    }

    /// Cached blocks that the request can share: from the start of its prefix, not the last token of what it computes.
    fn found(&self, entry: &Entry, target: u32) -> u32 {
        let Some(prefix) = entry.prefix else { return 0 };
        let is_there = |&place: &u32| {
            let same = |block: &Block| (block.group, block.place) == (prefix.group, place);
            self.cached.iter().any(same)
        };
        let most = (prefix.tokens / 16).min((target - 1) / 16);
        u32::try_from((0..most).take_while(is_there).count()).unwrap()
    }

    fn share(&mut self, entry: &Entry, shared: u32, by: i32) {
        let group = entry.prefix.map(|prefix| prefix.group);
        for block in &mut self.cached {
            if Some(block.group) == group && block.place < shared {
                block.users = block.users.strict_add_signed(by);
            }
        }
    }

    fn touch(&mut self, group: u32) {
        self.recent.retain(|&other| other != group);
        self.recent.push(group);
    }

    fn give_back(&mut self, request: &Request) {
        self.free += request.blocks;
        if request.shared > 0 {
            self.share(&request.entry, request.shared, -1);
            self.touch(request.entry.prefix.unwrap().group);
        }
    }

    /// Caches the blocks of a prompt's shared part that go on where the cache ends.
    fn keep(&mut self, request: &mut Request) {
        let prefix = request.entry.prefix;
        let Some(prefix) = prefix.filter(|_| self.profile.deployment.prefix_caching) else {
            return;
        };
        let cached = self
            .cached
            .iter()
            .filter(|block| block.group == prefix.group)
            .count();
        if request.shared != u32::try_from(cached).unwrap() || prefix.tokens / 16 <= request.shared
        {
            return;
        }
        for place in request.shared..prefix.tokens / 16 {
            self.cached.push(Block {
                group: prefix.group,
                place,
                users: 1,
            });
            request.blocks -= 1;
            request.shared += 1;
        }
        self.touch(prefix.group);
    }

    /// What the step costs.
    fn duration(&self) -> Option<u128> {
        let (mut decoding, mut context, mut tokens, mut heads, mut attention) = (0, 0, 0, 0, 0);
        for request in &self.running {
            if request.decodes {
                decoding += 1;
                context += u128::from(request.computed) + 1;
            } else {
                tokens += request.chunk;
                attention += (self.profile).prefill_attention(request.chunk, request.computed);
                let target = request.entry.prompt + request.generated;
                heads += u32::from(request.computed + request.chunk == target);
            }
        }
        let width = 1 + self.profile.drafted();
        if tokens > 0 {
            let step = (self.profile).mixed(
                tokens + decoding * width,
                decoding,
                heads + decoding * width,
            );
            let slope = self.slow(self.profile.context_slope());
            Some(self.slow(step + attention) + slope * context)
        } else if decoding > 0 {
            let (base, slope) = self.profile.decode(decoding);
            Some(self.slow(base) + self.slow(slope) * context)
        } else {
            None
        }
    }

    fn end_step(&mut self) {
        let at = self.ends.expect("a step is under way");
        let nanos = u64::try_from(at / 1000).unwrap();
        let mut gain = 1;
        if self.running.iter().any(|request| request.decodes) {
            self.fraction += self.profile.tokens_per_step();
            gain = u32::try_from(self.fraction / 65536).unwrap();
            self.fraction %= 65536;
        }
        let mut running = std::mem::take(&mut self.running);
        let mut ended = Vec::new();
        running.retain_mut(|request| {
            if request.decodes {
                request.generated += gain;
                request.computed += gain;
            } else {
                request.computed += request.chunk;
                if request.computed == request.entry.prompt + request.generated {
                    self.keep(request);
                    request.decodes = true;
                    request.generated += 1;
                    if request.generated == 1 {
                        let first = Milestone::FirstToken(request.entry.job);
                        self.log.push((nanos, first));
                    }
                }
            }
            let is_finished = request.generated >= request.entry.output;
            if is_finished {
                (self.log).push((nanos, Milestone::Finished(request.entry.job)));
                ended.push(*request);
            }
            !is_finished
        });
        for request in ended {
            self.give_back(&request);
        }
        self.running = running;
        self.start_step(at);
    }
}

fn stepped<'a>(profile: &'a Profile, slowdown: f64, requests: &[(SimTime, Entry)]) -> Stepped<'a> {
    let mut server = Stepped {
        profile,
        slowdown,
        waiting: VecDeque::new(),
        running: Vec::new(),
        free: profile.kv_blocks,
        cached: Vec::new(),
        recent: Vec::new(),
        fraction: 0,
        ends: None,
        log: Vec::new(),
        steps: 0,
        found: 0,
    };
    for &(at, entry) in requests {
        while server
            .ends
            .is_some_and(|end| end / 1000 < u128::from(at.as_nanos()))
        {
            server.end_step();
        }
        server.waiting.push_back(Request::new(entry));
        if server.ends.is_none() {
            server.start_step(u128::from(at.as_nanos()) * 1000);
        }
    }
    while server.ends.is_some() {
        server.end_step();
    }
    assert_eq!(server.available(), profile.kv_blocks, "blocks leak");
    server
}

fn forwarded(
    profile: &Profile,
    slowdown: f64,
    requests: &[(SimTime, Entry)],
) -> (Vec<(u64, Milestone)>, usize) {
    let (mut server, mut backlog) = (Server::new(slowdown), Backlog::new());
    let (mut log, mut reached, mut boundaries) = (Vec::new(), Vec::new(), 0);
    let mut next: Option<SimTime> = None;
    let mut advance = |server: &mut Server, backlog: &mut Backlog, next: &mut Option<SimTime>| {
        let at = next.expect("a boundary is scheduled");
        *next = server.boundary(profile, backlog, &mut reached);
        log.extend(
            reached
                .drain(..)
                .map(|milestone| (at.as_nanos(), milestone)),
        );
        server.audit(profile, backlog);
        boundaries += 1;
    };
    for &(at, entry) in requests {
        while next.is_some_and(|boundary| boundary < at) {
            advance(&mut server, &mut backlog, &mut next);
        }
        if let Some(boundary) = server.arrive(at, entry, profile, &mut backlog) {
            next = Some(boundary);
        }
        server.audit(profile, &backlog);
    }
    while next.is_some() {
        advance(&mut server, &mut backlog, &mut next);
    }
    (log, boundaries)
}

fn requests(stream: &mut Stream, capacity: u64) -> Vec<(SimTime, Entry)> {
    let gap = [1e-4, 0.02, 0.5, 5.0][stream.below(4) as usize];
    let longest = [200, 2_000, 12_000][stream.below(3) as usize].min(capacity * 3 / 4);
    let answer = [2, 40, 300, 1_200][stream.below(4) as usize].min(capacity / 4);
    let groups = 1 + stream.below(6) as u32;
    let shared: Vec<u32> = (0..groups)
        .map(|_| 1 + stream.below(longest) as u32)
        .collect();
    let mut at = SimTime::ZERO;
    (0..=stream.below(40) as u32)
        .map(|job| {
            // A burst now and then: several requests at one instant.
            if stream.bernoulli(0.8) {
                at += Span::from_secs_f64(gap * stream.exponential());
            }
            let prompt = 1 + stream.below(longest) as u32;
            let most = if stream.bernoulli(0.1) { 2 } else { answer };
            let output = 1 + stream.below(most.min(capacity - u64::from(prompt))) as u32;
            let group = stream.below(u64::from(groups)) as u32;
            let prefix = stream.bernoulli(0.7).then(|| Prefix {
                group,
                tokens: shared[group as usize].min(prompt),
            });
            (
                at,
                Entry {
                    job: JobId(job),
                    prompt,
                    output,
                    prefix,
                },
            )
        })
        .collect()
}

/// Wide and tight memory, small and large budgets and batches, speculation of several strengths, experts, prefix caching.
fn profiles() -> Vec<Profile> {
    let plain = |max_batch, token_budget| Deployment {
        token_budget,
        ..Deployment::single(model(), Format::Bf16, max_batch)
    };
    let speculating = |acceptance, drafted, token_budget| Deployment {
        speculation: Some(Speculation {
            drafted,
            acceptance,
            cost: 0.05,
        }),
        ..plain(16, token_budget)
    };
    let caching = |deployment: Deployment| Deployment {
        prefix_caching: true,
        ..deployment
    };
    let experts = Deployment::single(mixtral(), Format::Q4K, 16);
    vec![
        profile(&plain(256, 2048), 4_000),
        profile(&plain(64, 512), 900),
        profile(&plain(16, 2048), 90),
        profile(&plain(16, 16), 61),
        profile(&plain(3, 256), 4_000),
        profile(&plain(1, 8192), 1_000),
        profile(&experts, 700),
        profile(&speculating(0.8, 5, 2048), 4_000),
        profile(&speculating(0.7, 3, 64), 150),
        profile(&speculating(0.0, 2, 512), 75),
        profile(&caching(plain(64, 2048)), 4_000),
        profile(&caching(plain(16, 256)), 120),
        profile(&caching(speculating(0.6, 3, 512)), 70),
    ]
}

/// 10⁴ random sequences (seed 20, replication = sequence) on every kind of server, fast and slow machines: every first token,
/// every end and every preemption on the same nanosecond and in the same order.
#[test]
fn fast_forward_equals_stepping_to_the_nanosecond() {
    let profiles = profiles();
    let (mut steps, mut events, mut preempted) = (0, 0, vec![0; profiles.len()]);
    let mut found_in_cache = 0;
    for sequence in 0..10_000 {
        let mut stream = Streams::new(20, sequence).open(Purpose::new("requests"), 0);
        let kind = stream.below(profiles.len() as u64) as usize;
        let profile = &profiles[kind];
        let slowdown = (0.5 * stream.normal()).exp();
        let requests = requests(&mut stream, profile.kv_capacity());
        let expected = stepped(profile, slowdown, &requests);
        let (found, boundaries) = forwarded(profile, slowdown, &requests);
        assert_eq!(found, expected.log, "seed 20, sequence {sequence}");
        let is_preemption =
            |(_, milestone): &&(u64, Milestone)| matches!(milestone, Milestone::Preempted(_));
        preempted[kind] += found.iter().filter(is_preemption).count();
        found_in_cache += expected.found;
        steps += expected.steps;
        events += boundaries;
    }
    let tight = [2, 3, 8, 9, 11, 12];
    assert!(
        tight.iter().all(|&kind| preempted[kind] > 500),
        "a tight cache preempts: {preempted:?}"
    );
    assert!(found_in_cache > 1_000_000, "{found_in_cache} tokens found");
    assert!(
        events * 5 < steps,
        "{events} events for {steps} steps: nothing was fast-forwarded"
    );
}

/// A server that is abandoned at some moment has generated exactly the tokens that the reference had finished by then.
#[test]
fn an_abandoned_server_lost_what_it_had_generated() {
    let profiles = profiles();
    for sequence in 0..2_000 {
        let mut stream = Streams::new(21, sequence).open(Purpose::new("requests"), 0);
        let profile = &profiles[stream.below(profiles.len() as u64) as usize];
        let requests = requests(&mut stream, profile.kv_capacity());
        let whole = stepped(profile, 1.0, &requests);
        let end = whole.log.last().expect("requests end").0;
        let now = SimTime::from_nanos(stream.below(end));
        let before = |at: SimTime| at <= now;
        let arrived: Vec<_> = requests
            .iter()
            .copied()
            .filter(|&(at, _)| before(at))
            .collect();

        let mut reference = Stepped {
            log: Vec::new(),
            waiting: VecDeque::new(),
            running: Vec::new(),
            ends: None,
            ..stepped(profile, 1.0, &[])
        };
        let (mut server, mut backlog) = (Server::new(1.0), Backlog::new());
        let mut next: Option<SimTime> = None;
        for step in 0..=arrived.len() {
            let until = arrived
                .get(step)
                .map_or(now + Span::from_nanos(1), |&(at, _)| at);
            while reference
                .ends
                .is_some_and(|end| end / 1000 < u128::from(until.as_nanos()))
            {
                reference.end_step();
            }
            while next.is_some_and(|boundary| boundary < until) {
                next = server.boundary(profile, &mut backlog, &mut Vec::new());
            }
            if let Some(&(at, entry)) = arrived.get(step) {
                reference.waiting.push_back(Request::new(entry));
                if reference.ends.is_none() {
                    reference.start_step(u128::from(at.as_nanos()) * 1000);
                }
                if let Some(boundary) = server.arrive(at, entry, profile, &mut backlog) {
                    next = Some(boundary);
                }
            }
        }
        let held = || reference.running.iter().chain(&reference.waiting);
        let generated: u64 = held().map(|request| u64::from(request.generated)).sum();
        let mut lost = Vec::new();
        assert_eq!(
            server.abandon(now, profile, &backlog, &mut lost),
            generated,
            "seed 21, sequence {sequence}"
        );
        assert_eq!(
            lost,
            held().map(|request| request.entry.job).collect::<Vec<_>>()
        );
        assert!(server.is_idle());
    }
}
