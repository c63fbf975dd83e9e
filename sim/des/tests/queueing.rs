//! The whole kernel against queueing theory: M/M/1, M/M/c, M/D/1 and M/G/1 in steady state.
//!
//! n = 20 replications of 100,000 customers each, after a warm-up of 10,000, seed 1. The theory
//! must lie within the t-interval of the replication means. At most 20 such checks are made, so
//! each is done at α = 0.0005: all of them hold for 99 % of the seeds if the kernel is right.
//!
//! Formulas: L. Kleinrock, *Queueing Systems, Volume 1: Theory*, Wiley 1975, chapters 3 and 5.

use std::collections::VecDeque;
use walras_des::{
    Context, Digest, Dist, Engine, Event, LogHistogram, Model, Moments, Outcome, Purpose, SimTime,
    Span, Stream, Streams, TimeWeighted,
};

const SEED: u64 = 1;
const REPLICATIONS: u64 = 20;
const WARM_UP: u64 = 10_000;
const CUSTOMERS: u64 = 100_000;

/// The quantile of Student's t for 1 − 0.0005/2 and 19 degrees of freedom.
const T_QUANTILE: f64 = 4.186_935;

/// Customers wait in order of arrival for the first of `servers` that is free.
struct Station {
    left: u64,
    arrived: u64,
    free: u32,
    gap: Dist,
    service: Dist,
    gaps: Stream,
    services: Stream,
    line: VecDeque<(SimTime, Span)>,
    present: TimeWeighted,
    /// Time in the system of all customers [s].
    total_sojourn: f64,
    /// Of the customers after the warm-up [s].
    waits: Moments,
    sojourns: LogHistogram,
}

#[derive(Clone, Copy)]
enum Happening {
    Arrival,
    Departure { arrived: SimTime, counted: bool },
}

impl Event for Happening {
    /// Who leaves at an instant makes room for who comes at it.
    fn rank(&self) -> u8 {
        match self {
            Self::Departure { .. } => 0,
            Self::Arrival => 1,
        }
    }

    fn word(&self) -> u64 {
        match self {
            Self::Departure { arrived, .. } => arrived.as_nanos(),
            Self::Arrival => u64::MAX,
        }
    }
}

impl Model for Station {
    type Event = Happening;

    fn handle(&mut self, event: Happening, cx: &mut Context<Happening>) {
        match event {
            Happening::Arrival => self.arrive(cx),
            Happening::Departure { arrived, counted } => self.depart(arrived, counted, cx),
        }
    }
}

impl Station {
    fn arrive(&mut self, cx: &mut Context<Happening>) {
        self.present.add(cx.now(), 1.0);
        self.line.push_back((
            cx.now(),
            Span::from_secs_f64(self.service.sample(&mut self.services)),
        ));
        if self.free > 0 {
            self.free -= 1;
            self.serve_next(cx);
        }
        self.left -= 1;
        if self.left > 0 {
            cx.after(
                Span::from_secs_f64(self.gap.sample(&mut self.gaps)),
                Happening::Arrival,
            );
        }
    }

    fn depart(&mut self, arrived: SimTime, counted: bool, cx: &mut Context<Happening>) {
        self.present.add(cx.now(), -1.0);
        let sojourn = (cx.now() - arrived).as_secs_f64();
        self.total_sojourn += sojourn;
        if counted {
            self.sojourns.record(sojourn);
        }
        self.free += 1;
        if !self.line.is_empty() {
            self.free -= 1;
            self.serve_next(cx);
        }
    }

    fn serve_next(&mut self, cx: &mut Context<Happening>) {
        let Some((arrived, service)) = self.line.pop_front() else {
            return;
        };
        self.arrived += 1;
        let counted = self.arrived > WARM_UP;
        if counted {
            self.waits.record((cx.now() - arrived).as_secs_f64());
        }
        cx.after(service, Happening::Departure { arrived, counted });
    }
}

fn run(replication: u64, servers: u32, arrival_rate: f64, service: &Dist) -> Engine<Station> {
    let streams = Streams::new(SEED, replication);
    let mut engine = Engine::new(Station {
        left: WARM_UP + CUSTOMERS,
        arrived: 0,
        free: servers,
        gap: Dist::exponential(1.0 / arrival_rate).expect("the rate is positive"),
        service: service.clone(),
        gaps: streams.open(Purpose::new("gaps"), 0),
        services: streams.open(Purpose::new("services"), 0),
        line: VecDeque::new(),
        present: TimeWeighted::new(SimTime::ZERO, 0.0),
        total_sojourn: 0.0,
        waits: Moments::new(),
        sojourns: LogHistogram::new(),
    });
    engine.context_mut().at(SimTime::ZERO, Happening::Arrival);
    assert_eq!(engine.run_until(SimTime::MAX), Outcome::Exhausted);
    engine
}

/// Runs all replications, checks Little's law on each, and the mean wait against `expect` [s].
#[track_caller]
fn check_wait(
    servers: u32,
    arrival_rate: f64,
    service: &Dist,
    expect: f64,
) -> Vec<Engine<Station>> {
    let runs: Vec<_> = (0..REPLICATIONS)
        .map(|i| run(i, servers, arrival_rate, service))
        .collect();
    runs.iter().for_each(check_littles_law);
    check_interval(
        "mean wait",
        runs.iter().map(|run| run.model.waits.mean()),
        expect,
    );
    runs
}

/// L = λW holds on every path that starts and ends empty: both sides times the length of the run
/// are the customer-seconds spent in the system.
#[track_caller]
fn check_littles_law(run: &Engine<Station>) {
    let station = &run.model;
    assert_eq!(run.events(), 2 * (WARM_UP + CUSTOMERS));
    assert_eq!(station.present.value(), 0.0);
    let present = station.present.integral(run.now());
    let relative = (present / station.total_sojourn - 1.0).abs();
    assert!(relative < 1e-9, "L and λW differ by {relative:e}");
}

#[track_caller]
fn check_interval(what: &str, estimates: impl Iterator<Item = f64>, expect: f64) {
    let mut sample = Moments::new();
    estimates.for_each(|estimate| sample.record(estimate));
    let half = T_QUANTILE * sample.std_dev() / (REPLICATIONS as f64).sqrt();
    let mean = sample.mean();
    println!("{what}: {mean:.5} ± {half:.5} s, theory {expect:.5} s");
    assert!(
        (mean - expect).abs() <= half,
        "{what}: {mean} ± {half} s, theory {expect} s"
    );
    assert!(
        half < 0.12 * expect,
        "{what}: ± {half} s proves nothing about {expect} s"
    );
}

/// P(an arrival waits) in M/M/c at `load` erlangs, from Erlang's loss recursion.
fn erlang_c(servers: u32, load: f64) -> f64 {
    let loss = (1..=servers).fold(1.0, |b, c| load * b / (f64::from(c) + load * b));
    let utilisation = load / f64::from(servers);
    loss / (1.0 - utilisation * (1.0 - loss))
}

/// Pollaczek–Khinchine: λ·E[S²] / (2·(1 − ρ)).
fn pollaczek_khinchine(arrival_rate: f64, mean: f64, variance: f64) -> f64 {
    arrival_rate * (variance + mean * mean) / (2.0 * (1.0 - arrival_rate * mean))
}

#[test]
fn m_m_1() {
    let service = Dist::exponential(1.0).unwrap();
    for load in [0.5, 0.8, 0.9] {
        let runs = check_wait(1, load, &service, load / (1.0 - load));
        // The sojourn is exponential of rate μ − λ: its median and 99th percentile.
        for p in [0.5, 0.99] {
            let quantiles = runs.iter().map(|run| run.model.sojourns.quantile(p));
            check_interval(
                "sojourn quantile",
                quantiles,
                -(1.0 - p).ln() / (1.0 - load),
            );
        }
    }
}

#[test]
fn m_m_c() {
    assert!((erlang_c(2, 1.0) - 1.0 / 3.0).abs() < 1e-15);
    let service = Dist::exponential(1.0).unwrap();
    for (servers, load) in [(2, 1.6), (10, 8.0)] {
        let expect = erlang_c(servers, load) / (f64::from(servers) - load);
        check_wait(servers, load, &service, expect);
    }
}

#[test]
fn m_d_1() {
    let service = Dist::constant(1.0).unwrap();
    check_wait(1, 0.8, &service, pollaczek_khinchine(0.8, 1.0, 0.0));
}

#[test]
fn m_g_1() {
    // Unit means; squared coefficients of variation 0.5, e − 1, 5, and 5 (Γ(3)=2, Γ(5)=24).
    let bursty = vec![(0.9, 1.8), (0.1, 0.2)];
    for (service, variance) in [
        (Dist::gamma(2.0, 0.5).unwrap(), 0.5),
        (
            Dist::lognormal(-0.5, 1.0).unwrap(),
            std::f64::consts::E - 1.0,
        ),
        (
            Dist::hyperexponential(bursty).unwrap(),
            2.0 * (0.9 / 3.24 + 0.1 / 0.04) - 1.0,
        ),
        (Dist::weibull(0.5, 0.5).unwrap(), 5.0),
    ] {
        check_wait(1, 0.7, &service, pollaczek_khinchine(0.7, 1.0, variance));
    }
}

#[test]
fn the_digest_names_the_run() {
    let service = Dist::exponential(1.0).unwrap();
    let digest = |replication| -> Digest { run(replication, 1, 0.8, &service).digest() };
    assert_eq!(digest(0), digest(0));
    assert_ne!(digest(0), digest(1));
}
