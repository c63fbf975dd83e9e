//! One test for each bug that was found after the fact, named after it.
#![allow(clippy::wildcard_imports, reason = "these tests reach everywhere")]

mod common;

use common::*;
use std::cell::Cell;
use walras_des::*;
use walras_sim::availability::*;
use walras_sim::market::*;
use walras_sim::platform::*;
use walras_sim::record::*;
use walras_sim::scheduling::*;
use walras_sim::units::*;
use walras_sim::view::View;
use walras_sim::workload::*;
use walras_sim::world::*;

fn go(p: &Platform, w: &Workload, s: &Settings, seed: u64) -> Output {
    simulate(p, w, s, seed, 0, JobTable::default(), &|| false).unwrap()
}
fn trace(rows: &[(f64, u32, u32)]) -> Source {
    Source::Trace(std::sync::Arc::new(Trace {
        at: rows.iter().map(|r| SimTime::from_secs_f64(r.0)).collect(),
        prompt_tokens: rows.iter().map(|r| r.1).collect(),
        output_tokens: rows.iter().map(|r| r.2).collect(),
        prefixes: Vec::new(),
    }))
}
fn fee(initial: f64) -> BaseFee {
    BaseFee {
        initial: Amount::from_f64(initial),
        floor: Amount::from_f64(0.001),
        prompt_weight: 0.2,
        target: 0.5,
        denominator: 8,
        epoch: Span::MINUTE * 5,
    }
}

/// The fee may change by at most 1/8 in an epoch.
#[test]
fn base_fee_step_is_bounded() {
    let mut p = platform(60, 16, 4);
    p.policy = Policy::CheapestWithinSlo;
    p.fleets[0].availability = churn();
    p.pricing = Pricing::BaseFee(fee(0.5));
    let w = Workload {
        patience: Span::MINUTE,
        ..workload(0.3)
    };
    let s = Settings {
        sample_every: Span::MINUTE * 5,
        ..settings(12)
    };
    let out = go(&p, &w, &s, 11);
    let fees: Vec<f64> = out.samples.iter().map(|s| s.base_fee.unwrap()).collect();
    let ratios: Vec<f64> = fees.windows(2).map(|p| p[1] / p[0]).collect();
    let worst = ratios.iter().copied().fold(0.0, f64::max);
    assert!(
        worst <= 1.125 + 1e-6,
        "the fee rose by a factor of {worst} in one epoch"
    );
}

/// Demand without willing supply must raise the fee, not lower it.
#[test]
fn base_fee_recovers_when_nobody_is_willing() {
    let mut p = platform(60, 16, 4);
    p.policy = Policy::CheapestWithinSlo;
    p.pricing = Pricing::BaseFee(fee(0.01));
    let w = Workload {
        patience: Span::MINUTE,
        ..workload(3.0)
    };
    let s = Settings {
        sample_every: Span::MINUTE * 5,
        ..settings(12)
    };
    let out = go(&p, &w, &s, 11);
    assert!(
        out.counts.completed > 0,
        "3 requests/s without a budget wait, 60 machines are up, and nothing is ever served"
    );
}

/// The same by falling: quiet, then busy.
#[test]
fn base_fee_survives_a_quiet_night() {
    let mut p = platform(60, 16, 4);
    p.policy = Policy::CheapestWithinSlo;
    p.pricing = Pricing::BaseFee(fee(0.5));
    let mut rows: Vec<(f64, u32, u32)> = (0..3).map(|i| (f64::from(i), 500, 100)).collect();
    rows.extend((0..20_000).map(|i| (10.0 * 3600.0 + f64::from(i) * 0.3, 500, 100)));
    let w = Workload {
        patience: Span::MINUTE,
        source: trace(&rows),
        ..workload(3.0)
    };
    let s = Settings {
        sample_every: Span::MINUTE * 5,
        ..settings(12)
    };
    let out = go(&p, &w, &s, 11);
    assert!(out.counts.completed > 10_000, "{:?}", out.counts);
}

/// A node that joins takes as many waiting jobs as it has slots.
#[test]
fn a_joining_node_takes_all_that_waits() {
    let mut p = platform(1, 64, 64);
    p.policy = Policy::LeastLoaded;
    p.fleets[0].size = Size::Autoscaled(Autoscaler {
        min: 0,
        max: 1,
        target: 16.0,
        interval: Span::SECOND,
        provisioning: Dist::constant(60.0).unwrap(),
        cooldown: Span::HOUR,
    });
    let rows: Vec<_> = (0..40).map(|_| (0.0, 500, 200)).collect();
    let w = Workload {
        source: trace(&rows),
        ..workload(1.0)
    };
    let out = go(&p, &w, &settings(1), 1);
    assert!(
        out.metrics.get(MetricId::BatchSize).unwrap() > 20.0,
        "40 jobs wait for 64 free slots, and run one by one"
    );
}

/// A wrapper that counts how often a job arrives to a free slot while older jobs that could use it wait.
struct Jealous {
    inner: Builtin,
    overlooked: std::rc::Rc<Cell<u64>>,
}
impl Scheduler for Jealous {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        let placeable = |job| view.nodes_up().iter().any(|&node| view.eligible(job, node));
        if let Cause::JobArrived(new) = cause
            && view.waiting().any(|job| job != new && placeable(job))
        {
            self.overlooked.set(self.overlooked.get() + 1);
        }
        self.inner.decide(cause, view, orders);
    }
}
/// Arrivals during which an older job waited that could have been placed.
fn overlooked(p: &Platform, w: &Workload, hours: u64) -> u64 {
    let streams = Streams::new(11, 0);
    let overlooked = std::rc::Rc::new(Cell::new(0));
    let scheduler = Jealous {
        inner: p.policy.build(&streams),
        overlooked: overlooked.clone(),
    };
    let world = World::new(p, w, &settings(hours), &streams, scheduler, Nothing);
    run(world, &|| false).unwrap();
    overlooked.get()
}

/// Whatever waits is placed before what comes later.
#[test]
fn nobody_waits_while_a_slot_is_free_cloud() {
    let mut cloud = platform(1, 32, 64);
    cloud.policy = Policy::LeastLoaded;
    cloud.pricing = Pricing::Rental;
    cloud.settlement.token_price = None;
    cloud.fleets[0].ownership = Ownership::One;
    cloud.fleets[0].size = Size::Autoscaled(Autoscaler {
        min: 1,
        max: 12,
        target: 16.0,
        interval: Span::SECOND * 30,
        provisioning: Dist::lognormal(5.0, 0.3).unwrap(),
        cooldown: Span::MINUTE * 5,
    });
    let mut w = Workload {
        patience: Span::MINUTE,
        ..workload(6.0)
    };
    if let Source::Synthetic(s) = &mut w.source {
        s.modulation = Some(Modulation {
            window: Span::MINUTE * 10,
            sigma: 0.8,
            correlation: 0.3,
        });
    }
    let overlooked = overlooked(&cloud, &w, 12);
    assert_eq!(overlooked, 0);
}
/// Sixteen unaffordable jobs in front starve everyone behind them.
#[test]
fn nobody_waits_while_a_slot_is_free_budgets() {
    let mut p = platform(20, 16, 4);
    p.policy = Policy::CheapestWithinSlo;
    let mut w = Workload {
        patience: Span::MINUTE,
        budget: Some(Dist::lognormal(-1.2, 0.8).unwrap()),
        ..workload(6.0)
    };
    if let Source::Synthetic(s) = &mut w.source {
        s.modulation = Some(Modulation {
            window: Span::MINUTE * 3,
            sigma: 0.8,
            correlation: 0.3,
        });
    }
    let overlooked = overlooked(&p, &w, 6);
    assert_eq!(overlooked, 0);
}

/// Lengths without an upper end: one beyond the 1 - 1e-6 quantile ends the run with a panic.
#[test]
fn an_answer_longer_than_the_longest_does_not_panic() {
    let p = platform(2_000, 256, 256);
    let mut w = workload(20.0);
    if let Source::Synthetic(s) = &mut w.source {
        s.prompt = Dist::constant(10.0).unwrap();
        s.output = Dist::lognormal(0.5, 0.4).unwrap();
    }
    let _ = go(&p, &w, &settings(24), 5);
}
/// Lengths are drawn through a quantile function; a law without one is refused, and does not silently become one token.
#[test]
#[should_panic(expected = "a law of lengths needs a quantile function")]
fn a_law_of_lengths_without_quantiles_is_refused() {
    let p = platform(10, 256, 256);
    let mut w = workload(1.0);
    if let Source::Synthetic(s) = &mut w.source {
        s.output = Dist::gamma(2.0, 100.0).unwrap();
    }
    let _ = go(&p, &w, &settings(1), 5);
}
/// Releasing instances takes a running one and keeps those that are still starting.
#[test]
fn scale_in_cancels_starting_instances_first() {
    let mut p = platform(1, 64, 64);
    p.policy = Policy::LeastLoaded;
    p.pricing = Pricing::Rental;
    p.fleets[0].size = Size::Autoscaled(Autoscaler {
        min: 1,
        max: 10,
        target: 1.0,
        interval: Span::SECOND,
        provisioning: Dist::constant(600.0).unwrap(),
        cooldown: Span::SECOND * 30,
    });
    // A burst of ten that one instance serves in seconds; then a trickle.
    let mut rows: Vec<_> = (0..10).map(|_| (0.0, 500, 100)).collect();
    rows.extend((0..60).map(|i| (50.0 + f64::from(i), 500, 10)));
    let w = Workload {
        source: trace(&rows),
        ..workload(1.0)
    };
    let s = Settings {
        sample_every: Span::SECOND * 10,
        ..settings(1)
    };
    let out = go(&p, &w, &s, 1);
    let up: Vec<u32> = out.samples.iter().take(70).map(|s| s.nodes_up).collect();
    assert!(
        up.iter().all(|&n| n >= 1),
        "fewer up than the minimum: {up:?}"
    );
}
/// Rental: the protocol's take rate is ignored.
#[test]
fn rental_pays_the_take_rate() {
    let mut p = platform(2, 16, 4);
    p.pricing = Pricing::Rental;
    let out = go(&p, &workload(0.1), &settings(1), 5);
    let (spend, fees) = (
        out.metrics.get(MetricId::Spend).unwrap(),
        out.metrics.get(MetricId::ProtocolFees).unwrap(),
    );
    assert!(
        (fees - 0.05 * spend).abs() < 1e-6 * spend,
        "fees {fees} of {spend} at a take rate of 5 %"
    );
}
#[test]
fn batch_is_at_most_max_batch() {
    let out = go(&platform(1, 1, 10_000), &workload(0.18), &settings(40), 3);
    let b = out.metrics.get(MetricId::BatchSize).unwrap();
    assert!(
        b <= 1.0,
        "mean number of requests running on a node that runs one at a time: {b}"
    );
}
/// A request that no machine can hold must not drive the price of the others.
#[test]
fn what_no_node_holds_does_not_move_the_fee() {
    let mut p = platform(20, 16, 4);
    p.policy = Policy::CheapestWithinSlo;
    p.pricing = Pricing::BaseFee(BaseFee {
        epoch: Span::SECOND * 12,
        ..fee(0.3)
    });
    let fees = |big: u32| {
        let mut rows: Vec<(f64, u32, u32)> =
            (0..3_000).map(|i| (f64::from(i) * 1.0, 500, 100)).collect();
        for row in rows.iter_mut().take(60) {
            row.1 = big;
        }
        let w = Workload {
            source: trace(&rows),
            ..workload(1.0)
        };
        let out = go(
            &p,
            &w,
            &Settings {
                sample_every: Span::MINUTE * 5,
                ..settings(1)
            },
            1,
        );
        out.samples
            .iter()
            .map(|s| s.base_fee.unwrap())
            .fold(0.0, f64::max)
    };
    let (fits, too_big) = (fees(500), fees(60_000));
    assert!(
        too_big < 3.0 * fits,
        "fee up to {too_big} with sixty requests that no machine holds, {fits} without"
    );
}
/// Customers with little patience are demand, too.
#[test]
fn impatient_demand_raises_the_fee() {
    let mut p = platform(60, 16, 4);
    p.policy = Policy::CheapestWithinSlo;
    p.pricing = Pricing::BaseFee(fee(0.05));
    let w = Workload {
        patience: Span::ZERO,
        ..workload(3.0)
    };
    let out = go(&p, &w, &settings(12), 11);
    assert!(out.counts.completed > 0);
}

/// Faults after the horizon are booked to the measured window.
#[test]
fn faults_after_the_horizon_are_not_measured() {
    let mut p = platform(200, 64, 100);
    p.settlement.slash = walras_sim::units::Ppm::from_fraction(0.1);
    // Stays of about five minutes: none of the requests of the last second can be lost within the minute measured.
    let up = Dist::exponential(1.0 / 60.0).unwrap();
    p.fleets[0].availability = Availability::from(Renewal {
        up: up.clone(),
        down: up,
    });
    let t = Trace {
        at: (0..100)
            .map(|i| SimTime::from_secs_f64(59.0 + f64::from(i) * 0.01))
            .collect(),
        prompt_tokens: vec![500; 100],
        output_tokens: vec![2_000; 100],
        prefixes: Vec::new(),
    };
    let w = Workload {
        source: Source::Trace(std::sync::Arc::new(t)),
        ..workload(1.0)
    };
    let s = Settings {
        horizon: Span::MINUTE,
        warm_up: Span::ZERO,
        sample_every: Span::MINUTE,
    };
    let out = simulate(&p, &w, &s, 1, 0, JobTable::default(), &|| false).unwrap();
    let usd = out.metrics.get(MetricId::Slashed).unwrap() / 1440.0;
    assert!(
        usd <= 10.0 * 3.0,
        "{usd} USD slashed in a minute in which hardly anything was lost"
    );
}
/// Under rental nobody pays the asked price per token, so it can be above nobody's budget.
#[test]
fn a_rented_fleet_serves_whatever_the_budget_per_token() {
    let mut p = platform(5, 64, 64);
    p.pricing = walras_sim::market::Pricing::Rental;
    let w = Workload {
        budget: Some(Dist::constant(0.01).unwrap()),
        patience: Span::MINUTE,
        ..workload(0.5)
    };
    let out = simulate(&p, &w, &settings(1), 1, 0, JobTable::default(), &|| false).unwrap();
    assert!(out.counts.completed > 0);
}
