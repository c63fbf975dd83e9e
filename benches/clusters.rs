//! Clusters of identical nodes, and what a run of them takes.

use std::sync::Arc;

use walras_des::{Dist, Span};
use walras_sim::availability::Availability;
use walras_sim::hardware::Profile;
use walras_sim::ids::{ProfileId, RegionId};
use walras_sim::knowledge::Knowledge;
use walras_sim::market::Pricing;
use walras_sim::network::{Network, Region};
use walras_sim::platform::{
    Fleet, KvLink, Offer, Ownership, Platform, Retry, Role, Settlement, Size,
};
use walras_sim::scheduling::Policy;
use walras_sim::units::{Amount, Ppm};

/// `nodes` nodes of one profile in one region, always up, each of its own owner, under power of two choices; a node may hold
/// `slots` requests.
///
/// # Panics
/// Never: its constants are valid.
#[must_use]
pub fn platform(nodes: u32, profile: Profile, slots: u32, pricing: Pricing) -> Platform {
    let here = Region {
        name: "here".into(),
        electricity: 0.2,
        utc_offset: 0.0,
    };
    Platform {
        name: "cluster".into(),
        network: Arc::new(Network::new(vec![here], &[], 0.0).expect("one region is connected")),
        profiles: vec![profile],
        fleets: vec![Fleet {
            name: "nodes".into(),
            role: Role::Both,
            size: Size::Fixed(nodes),
            ownership: Ownership::Each,
            devices: vec![Offer {
                profile: ProfileId(0),
                share: 1.0,
                usd_per_hour: 1.0,
            }],
            regions: vec![(RegionId(0), 1.0)],
            availability: Availability::Always,
            dispersed: false,
            ask_sigma: 0.2,
            access: Dist::constant(0.0).expect("a constant"),
            cold_start: None,
        }],
        policy: Policy::PowerOfChoices { d: 2 },
        knowledge: Knowledge::default(),
        pricing,
        settlement: Settlement {
            token_price: None,
            take_rate: Ppm::from_fraction(0.05),
            burn: Ppm::from_fraction(0.0),
            stake: Amount::ZERO,
            slash: Ppm::from_fraction(0.0),
        },
        retry: Retry {
            detection: Span::SECOND * 10,
            max_attempts: 4,
        },
        slots,
        outages: Vec::new(),
        kv_link: KvLink::default(),
    }
}

/// Time that this thread has run [s]; on other systems than Linux, wall-clock time would have to do.
///
/// # Panics
/// Where the system has no such statistics.
#[must_use]
pub fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat
        .split(' ')
        .next()
        .and_then(|field| field.parse::<f64>().ok());
    nanos.expect("the scheduler's statistics of a Linux thread") / 1e9
}

/// The most memory that this process has had.
#[must_use]
pub fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.map_or("unknown".into(), |line| line[6..].trim().to_owned())
}
