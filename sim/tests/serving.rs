//! The fast-forwarding server against an independent reference in which every decode step is an event.

mod common;

use std::collections::VecDeque;

use common::{device, model};
use walras_des::{Purpose, SimTime, Span, Stream, Streams};
use walras_sim::hardware::{Device, Experts, Model, Precision, Profile};
use walras_sim::ids::JobId;
use walras_sim::serving::{Backlog, Entry, Milestone, PREFILL_BUDGET, Server};

/// The card of the other tests with another memory.
fn card(memory_gib: u64) -> Device {
    Device {
        memory: memory_gib << 30,
        ..device()
    }
}

/// Mixtral 8x7B: 46.7 B parameters, 12.9 B active, two of eight experts (Jiang et al., 2024).
fn mixtral() -> Model {
    Model {
        name: "mixtral-8x7b".into(),
        parameters: 46.7e9,
        active_parameters: 12.9e9,
        lookup_parameters: 0.131e9,
        layers: 32,
        hidden: 4096,
        kv_heads: 8,
        head_dim: 128,
        experts: Some(Experts {
            count: 8,
            active: 2,
            shared_parameters: 1.6e9,
        }),
    }
}

/// A server that takes one step at a time. Written apart from the real one: no fast-forward, no shared code but the cost of a step.
struct Stepped<'a> {
    profile: &'a Profile,
    slowdown: f64,
    waiting: VecDeque<Entry>,
    /// Requests with the tokens that they have.
    batch: Vec<(Entry, u32)>,
    /// Requests in the prefill under way; empty while the batch decodes.
    prefilling: Vec<Entry>,
    /// End of the step under way [ps].
    ends: Option<u128>,
}

impl Stepped<'_> {
    fn slow(&self, picos: u64) -> u128 {
        (picos as f64 * self.slowdown).round() as u128
    }

    fn start_step(&mut self, at: u128) {
        let held = |entries: &[Entry], batch: &[(Entry, u32)]| -> u64 {
            entries
                .iter()
                .chain(batch.iter().map(|(e, _)| e))
                .map(|e| u64::from(e.prompt + e.output))
                .sum()
        };
        let mut tokens = 0;
        while let Some(&entry) = self.waiting.front() {
            let room = held(&self.prefilling, &self.batch) + u64::from(entry.prompt + entry.output)
                <= self.profile.kv_capacity;
            let seat = self.prefilling.len() + self.batch.len() < self.profile.max_batch as usize;
            let budget = tokens == 0 || tokens + u64::from(entry.prompt) <= PREFILL_BUDGET;
            if !(room && seat && budget) {
                break;
            }
            tokens += u64::from(entry.prompt);
            self.prefilling.extend(self.waiting.pop_front());
        }
        self.ends = if !self.prefilling.is_empty() {
            let squares = self
                .prefilling
                .iter()
                .map(|e| u64::from(e.prompt).pow(2))
                .sum();
            let n = u32::try_from(self.prefilling.len()).unwrap();
            Some(at + self.slow(self.profile.prefill(n, tokens, squares)))
        } else if !self.batch.is_empty() {
            let context: u64 = self
                .batch
                .iter()
                .map(|(e, done)| u64::from(e.prompt + done))
                .sum();
            let (base, slope) = self
                .profile
                .decode(u32::try_from(self.batch.len()).unwrap());
            Some(at + self.slow(base) + self.slow(slope) * u128::from(context))
        } else {
            None
        };
    }

    fn end_step(&mut self, log: &mut Vec<(u64, Milestone)>) {
        let at = self.ends.expect("a step is under way");
        let nanos = u64::try_from(at / 1000).unwrap();
        if self.prefilling.is_empty() {
            for (entry, done) in &mut self.batch {
                *done += 1;
                if *done == entry.output {
                    log.push((nanos, Milestone::Finished(entry.job)));
                }
            }
            self.batch.retain(|(entry, done)| *done < entry.output);
        } else {
            for entry in std::mem::take(&mut self.prefilling) {
                log.push((nanos, Milestone::FirstToken(entry.job)));
                if entry.output == 1 {
                    log.push((nanos, Milestone::Finished(entry.job)));
                } else {
                    self.batch.push((entry, 1));
                }
            }
        }
        self.start_step(at);
    }
}

fn stepped(
    profile: &Profile,
    slowdown: f64,
    requests: &[(SimTime, Entry)],
) -> Vec<(u64, Milestone)> {
    let mut server = Stepped {
        profile,
        slowdown,
        waiting: VecDeque::new(),
        batch: Vec::new(),
        prefilling: Vec::new(),
        ends: None,
    };
    let mut log = Vec::new();
    for &(at, entry) in requests {
        while server
            .ends
            .is_some_and(|end| end / 1000 < u128::from(at.as_nanos()))
        {
            server.end_step(&mut log);
        }
        server.waiting.push_back(entry);
        if server.ends.is_none() {
            server.start_step(u128::from(at.as_nanos()) * 1000);
        }
    }
    while server.ends.is_some() {
        server.end_step(&mut log);
    }
    log
}

fn forwarded(
    profile: &Profile,
    slowdown: f64,
    requests: &[(SimTime, Entry)],
) -> (Vec<(u64, Milestone)>, usize) {
    let (mut server, mut backlog) = (Server::new(slowdown), Backlog::new());
    let (mut log, mut reached, mut boundaries) = (Vec::new(), Vec::new(), 0);
    let mut next: Option<SimTime> = None;
    let mut advance = |server: &mut Server, backlog: &Backlog, next: &mut Option<SimTime>| {
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
            advance(&mut server, &backlog, &mut next);
        }
        if let Some(boundary) = server.arrive(at, entry, profile, &mut backlog) {
            next = Some(boundary);
        }
        server.audit(profile, &backlog);
    }
    while next.is_some() {
        advance(&mut server, &backlog, &mut next);
    }
    (log, boundaries)
}

fn requests(stream: &mut Stream, longest: u64) -> Vec<(SimTime, Entry)> {
    let gap = [1e-4, 0.02, 0.5, 5.0][stream.below(4) as usize];
    let mut at = SimTime::ZERO;
    (0..=stream.below(24) as u32)
        .map(|job| {
            // A burst now and then: several requests at one instant.
            if stream.bernoulli(0.8) {
                at += Span::from_secs_f64(gap * stream.exponential());
            }
            let prompt = 1 + stream.below(longest) as u32;
            let most = if stream.bernoulli(0.1) { 2 } else { 300 };
            let output = 1 + stream.below(most) as u32;
            (
                at,
                Entry {
                    job: JobId(job),
                    prompt,
                    output,
                },
            )
        })
        .collect()
}

/// 10⁴ random sequences (seed 20, replication = sequence) over two models, tight and wide memory, small and large batches,
/// fast and slow machines: every first token and every end on the same nanosecond and in the same order.
#[test]
fn fast_forward_equals_stepping_to_the_nanosecond() {
    let profiles = [
        Profile::new(&card(24), &model(), Precision::Bf16, 256),
        Profile::new(&card(20), &model(), Precision::Bf16, 256),
        Profile::new(&card(24), &model(), Precision::Bf16, 3),
        Profile::new(&card(48), &mixtral(), Precision::Q4, 16),
    ];
    let (mut tokens, mut boundaries) = (0, 0);
    for sequence in 0..10_000 {
        let mut stream = Streams::new(20, sequence).open(Purpose::new("requests"), 0);
        let profile = &profiles[stream.below(4) as usize];
        assert!(
            profile.kv_capacity > 1_000,
            "the model fits with {} tokens to spare",
            profile.kv_capacity
        );
        let slowdown = (0.5 * stream.normal()).exp();
        let longest =
            (profile.kv_capacity - 300).min([200, 2_000, 12_000][stream.below(3) as usize]);
        let requests = requests(&mut stream, longest);
        let expected = stepped(profile, slowdown, &requests);
        let (found, events) = forwarded(profile, slowdown, &requests);
        assert_eq!(found, expected, "seed 20, sequence {sequence}");
        tokens += requests
            .iter()
            .map(|(_, entry)| entry.output as usize)
            .sum::<usize>();
        boundaries += events;
    }
    assert!(
        boundaries * 5 < tokens,
        "{boundaries} events for {tokens} tokens: nothing was fast-forwarded"
    );
}

/// A server that is abandoned half way has generated exactly the tokens that the reference had finished by then.
#[test]
fn an_abandoned_server_lost_what_it_had_generated() {
    let profile = Profile::new(&card(24), &model(), Precision::Bf16, 256);
    for sequence in 0..500 {
        let mut stream = Streams::new(21, sequence).open(Purpose::new("requests"), 0);
        let entry = Entry {
            job: JobId(0),
            prompt: 1 + stream.below(1000) as u32,
            output: 200,
        };
        let (mut server, mut backlog) = (Server::new(1.0), Backlog::new());
        let first = server
            .arrive(SimTime::ZERO, entry, &profile, &mut backlog)
            .unwrap();
        let end = server
            .boundary(&profile, &backlog, &mut Vec::new())
            .unwrap();
        let now = first + Span::from_nanos(stream.below((end - first).as_nanos()));
        let (base, slope) = profile.decode(1);
        let mut picos =
            u128::from(profile.prefill(1, entry.prompt.into(), u64::from(entry.prompt).pow(2)));
        let mut generated = 1;
        loop {
            picos += u128::from(base) + u128::from(slope) * u128::from(entry.prompt + generated);
            if picos / 1000 > u128::from(now.as_nanos()) {
                break;
            }
            generated += 1;
        }
        let mut lost = Vec::new();
        assert_eq!(
            server.abandon(now, &profile, &backlog, &mut lost),
            u64::from(generated),
            "seed 21, sequence {sequence}"
        );
        assert_eq!(lost, [JobId(0)]);
        assert!(server.is_idle());
    }
}
