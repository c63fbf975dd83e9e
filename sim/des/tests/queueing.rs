//! The kernel against queueing theory, in brief and without the rest of the workspace: steady states, a recursion, the digest.
//!
//! n = 20 replications of about 200,000 services each, after a warm-up of 10,000, seed 1. The theory must lie within the
//! t-interval of the replication means. At most 20 such checks are made, so each is done at α = 0.0005: all of them hold for
//! 99 % of the seeds if the kernel is right. The whole suite is `walras validate engine`.
//!
//! Formulas: L. Kleinrock, *Queueing Systems, Volume 1: Theory*, Wiley 1975, chapters 3 and 5.

use walras_des::queueing::{Network, Station};
use walras_des::{Digest, Dist, Engine, Moments, SimTime, Streams};

const SEED: u64 = 1;
const REPLICATIONS: u64 = 20;
const WARM_UP: f64 = 10_000.0;
const SERVICES: f64 = 200_000.0;

/// The quantile of Student's t for 1 − 0.0005/2 and 19 degrees of freedom.
const T_QUANTILE: f64 = 4.186_935;

fn exponential(mean: f64) -> Dist {
    Dist::exponential(mean).unwrap()
}

/// A station fed by a Poisson process of `rate`, at the end of its measurement.
fn run(replication: u64, rate: f64, station: &Station) -> Engine<Network> {
    let station = station.clone().fed(exponential(1.0 / rate));
    let mut engine = Network::new(&[station], &Streams::new(SEED, replication));
    engine.run_until(SimTime::from_secs_f64(WARM_UP));
    engine.model.forget(engine.now());
    engine.run_until(SimTime::from_secs_f64(WARM_UP + SERVICES / rate));
    assert_eq!(engine.model.imbalance(engine.now()), 0, "L = λW");
    engine
}

fn runs(rate: f64, station: &Station) -> Vec<Engine<Network>> {
    (0..REPLICATIONS).map(|i| run(i, rate, station)).collect()
}

/// Compares `of` over replications with `expect`.
#[track_caller]
fn check(runs: &[Engine<Network>], of: impl Fn(&Network) -> f64, expect: f64) {
    let mut sample = Moments::new();
    for run in runs {
        sample.record(of(&run.model));
    }
    let half = T_QUANTILE * sample.std_dev() / (REPLICATIONS as f64).sqrt();
    let mean = sample.mean();
    assert!(
        (mean - expect).abs() <= half,
        "{mean} ± {half}, theory {expect}"
    );
    assert!(half < 0.12 * expect, "± {half} proves nothing of {expect}");
}

fn wait(network: &Network) -> f64 {
    network.tally(0).line.mean_stay()
}

#[test]
fn m_m_1() {
    for load in [0.5, 0.8, 0.9] {
        let runs = runs(load, &Station::new(1, exponential(1.0)));
        check(&runs, wait, load / (1.0 - load));
        // The sojourn is exponential of rate μ − λ: its median and 99th percentile.
        for p in [0.5, 0.99] {
            let quantile = |network: &Network| network.tally(0).station.lengths().quantile(p);
            check(&runs, quantile, -(1.0 - p).ln() / (1.0 - load));
        }
    }
}

/// Two servers at 1.6 erlangs: an arrival waits with probability C = 0.711… (C = 2ρ²/(1 + ρ)), for C / (2 − 1.6) on average.
#[test]
fn m_m_2() {
    let runs = runs(1.6, &Station::new(2, exponential(1.0)));
    check(&runs, wait, 2.0 * 0.64 / 1.8 / 0.4);
}

/// Pollaczek–Khinchine: λ·E[S²] / (2·(1 − ρ)), with E[S²] = 1 and 1.5.
#[test]
fn m_g_1() {
    for (service, second_moment) in [
        (Dist::constant(1.0).unwrap(), 1.0),
        (Dist::gamma(2.0, 0.5).unwrap(), 1.5),
    ] {
        let runs = runs(0.7, &Station::new(1, service));
        check(&runs, wait, 0.7 * second_moment / 0.6);
    }
}

/// The mean response under processor sharing is E[S] / (1 − ρ), whatever the distribution.
#[test]
fn m_g_1_ps() {
    for service in [Dist::constant(1.0), Dist::lognormal(-0.5, 1.0)] {
        let runs = runs(0.7, &Station::new(1, service.unwrap()).sharing());
        let response = |network: &Network| network.tally(0).station.mean_stay();
        check(&runs, response, 1.0 / 0.3);
    }
}

/// Erlang's loss formula for two servers and 1.5 erlangs: B = (9/8) / (1 + 3/2 + 9/8) = 9/29.
#[test]
fn m_m_2_2() {
    let runs = runs(1.5, &Station::new(2, exponential(1.0)).with_room(2));
    let blocked = |network: &Network| {
        let tally = network.tally(0);
        tally.blocked as f64 / tally.offered as f64
    };
    check(&runs, blocked, 9.0 / 29.0);
}

/// Each of 100,000 customers waits as long as Lindley's recursion says, to the nanosecond:
/// `W(n+1) = max(0, W(n) + S(n) − A(n+1))`.
#[test]
fn g_g_1_customer_by_customer() {
    let gaps = Dist::lognormal(-0.2, 0.9).unwrap();
    let station = Station::new(1, Dist::gamma(0.5, 2.0).unwrap()).fed(gaps);
    let mut engine = Network::new(&[station], &Streams::new(SEED, 0));
    engine.model.log_visits();
    engine.run_until(SimTime::from_secs(130_000));
    let visits = engine.model.visits();
    assert!(visits.len() > 100_000);
    let (mut wait, mut waited) = (0, 0);
    for pair in visits.windows(2) {
        let gap = (pair[1].arrived - pair[0].arrived).as_nanos();
        wait = (wait + pair[0].service.as_nanos()).saturating_sub(gap);
        assert_eq!((pair[1].began - pair[1].arrived).as_nanos(), wait);
        waited += u64::from(wait > 0);
    }
    assert!(waited > 50_000, "a busy queue");
}

#[test]
fn the_digest_names_the_run() {
    let station = Station::new(1, exponential(1.0));
    let digest = |replication| -> Digest { run(replication, 0.8, &station).digest() };
    assert_eq!(digest(0), digest(0));
    assert_ne!(digest(0), digest(1));
}
