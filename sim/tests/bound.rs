//! The clairvoyant relaxation: attained where requests never meet, and the right minimum where some requests are left out.

mod common;

use std::sync::Arc;

use common::{device, platform, settings, workload};
use walras_des::Dist;
use walras_sim::hardware::Profile;
use walras_sim::ids::ProfileId;
use walras_sim::market::Pricing;
use walras_sim::platform::{Offer, Platform};
use walras_sim::record::{MetricId, Nothing, Output};
use walras_sim::scheduling::Policy;
use walras_sim::workload::Workload;
use walras_sim::world::bound::{Relaxation, Served};
use walras_sim::world::simulate;

fn output(platform: &Platform, workload: &Workload) -> (Output, Relaxation) {
    let settings = settings(20);
    let output = simulate(platform, workload, &settings, 5, 0, Nothing, &|| false);
    let relaxed = Relaxation::new(platform, workload, &settings, 5, 0);
    (output.expect("not stopped"), relaxed)
}

const LATENCIES: [MetricId; 6] = [
    MetricId::TtftP50,
    MetricId::TtftP95,
    MetricId::TtftP99,
    MetricId::TpotP50,
    MetricId::TpotP95,
    MetricId::TpotP99,
];

/// A request an hour on machines of one kind: whoever gets it serves it as fast as can be, at the only price.
#[test]
fn without_company_the_bound_is_attained() {
    let (platform, workload) = (platform(3, 8, 8), workload(1.0 / 3600.0));
    let (output, relaxed) = output(&platform, &workload);
    assert!(output.counts.completed > 10);
    for metric in LATENCIES {
        let bound = relaxed
            .bound(metric, Served::from(&output))
            .expect("latencies have bounds");
        let value = output.metrics.get(metric).expect("there are requests");
        // The bound of a decode step is that beside a prompt, which this device makes cheaper by a little.
        assert!(
            bound <= value && value <= bound * 1.02,
            "{metric:?}: {value}, bound {bound}"
        );
    }
}

/// A fast machine among slow ones: the bound is what the fast one gives, and only who knows it comes near.
#[test]
fn the_bound_is_that_of_the_best_machine() {
    let mut mixed = platform(4, 8, 8);
    let slow = {
        let mut slow = device();
        slow.kernels = slow.kernels.scaled(0.1, 0.1);
        Profile::new(&slow, &mixed.profiles[0].deployment)
    };
    mixed.profiles = vec![mixed.profiles[0].clone(), slow];
    let offer = |profile| Offer {
        profile: ProfileId(profile),
        share: 1.0,
        usd_per_hour: 0.5,
    };
    mixed.fleets[0].devices = vec![offer(0), offer(1)];
    mixed.policy = Policy::Random;
    let workload = workload(1.0 / 3600.0);
    let (_, uniform) = output(&platform(4, 8, 8), &workload);
    let (random, relaxed) = output(&mixed, &workload);
    let served = Served::from(&random);
    for metric in LATENCIES {
        assert_eq!(relaxed.bound(metric, served), uniform.bound(metric, served));
    }
    let value = random
        .metrics
        .get(MetricId::TtftP95)
        .expect("there are requests");
    let bound = relaxed
        .bound(MetricId::TtftP95, served)
        .expect("latencies have bounds");
    assert!(
        value > 3.0 * bound,
        "the slow ones are ten times slower: {value}, {bound}"
    );
}

/// Fewer requests served are fewer to be bounded: never above the bound for more.
#[test]
fn who_serves_fewer_has_the_lower_bound() {
    let mut auction = platform(3, 8, 8);
    auction.pricing = Pricing::ReverseAuction;
    auction.fleets[0].ask_sigma = 0.0;
    let mut workload = workload(0.1);
    if let walras_sim::workload::Source::Synthetic(synthetic) = &mut workload.source {
        synthetic.prompt = Dist::uniform(10.0, 4000.0).expect("a range");
        synthetic.output = Dist::uniform(10.0, 400.0).expect("a range");
    }
    let (output, relaxed) = output(&auction, &workload);
    let all = Served::from(&output);
    for metric in LATENCIES.into_iter().chain([MetricId::CostPerMillion]) {
        let mut last = f64::INFINITY;
        for tenths in (1..=10).rev() {
            let served = Served {
                ttft: all.ttft * tenths / 10,
                tpot: all.tpot * tenths / 10,
            };
            let bound = relaxed.bound(metric, served).expect("requests were served");
            assert!(
                bound <= last,
                "{metric:?}: {bound} for {tenths}/10, {last} for more"
            );
            last = bound;
        }
    }
    // Everybody asks the same, so that the price of all requests is that of any policy, to the rounding of a base unit each.
    let cost = relaxed
        .bound(MetricId::CostPerMillion, all)
        .expect("an auction");
    let paid = output
        .metrics
        .get(MetricId::CostPerMillion)
        .expect("requests were served");
    assert!((paid / cost - 1.0).abs() < 1e-6, "{paid}, bound {cost}");
}

#[test]
fn nothing_served_has_no_bound() {
    let auction = Arc::new(platform(1, 1, 1));
    let relaxed = Relaxation::new(&auction, &workload(0.1), &settings(1), 5, 0);
    let none = Served { ttft: 0, tpot: 0 };
    assert_eq!(relaxed.bound(MetricId::TtftP50, none), None);
    assert_eq!(relaxed.bound(MetricId::CostPerMillion, none), None);
    assert_eq!(relaxed.bound(MetricId::Completed, none), Some(1.0));
}
