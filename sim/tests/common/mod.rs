//! A small platform and workload that the tests of the world share.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::Arc;

use walras_des::{Dist, Span};
use walras_sim::availability::{Availability, Renewal};
use walras_sim::hardware::{
    Coverage, DecodeRoof, Deployment, Device, Format, Kernels, Model, Overheads, PrefillRoof,
    Profile, Residuals, Roof,
};
use walras_sim::ids::{ProfileId, RegionId};
use walras_sim::knowledge::Knowledge;
use walras_sim::market::Pricing;
use walras_sim::network::{Network, Region};
use walras_sim::platform::{
    Fleet, KvLink, Offer, Ownership, Platform, Retry, Role, Settlement, Size,
};
use walras_sim::scheduling::Policy;
use walras_sim::units::{Amount, Ppm};
use walras_sim::workload::{Slo, Source, Synthetic, Workload};
use walras_sim::world::Settings;

/// The only region.
pub const REGION: RegionId = RegionId(0);

/// A consumer graphics card.
pub fn device() -> Device {
    let roof = Roof {
        compute: 6e13,
        memory: 9e11,
        dequantization: f64::INFINITY,
        launch: 3e-6,
        sharpness: 2.0,
    };
    Device {
        name: "test".into(),
        memory: 24 << 30,
        bandwidth: 1e12,
        flops: 1e14,
        kernels: Kernels {
            matmul: vec![(Format::Bf16, roof)],
            prefill: PrefillRoof {
                compute: roof.compute,
                memory: roof.memory,
                launch: roof.launch,
                sharpness: roof.sharpness,
                softmax: 0.0,
                depth: 0.0,
            },
            decode: DecodeRoof {
                compute: 1e14,
                memory: 9e11,
                launch: 1e-5,
                unit: 2e-8,
                half: 0.0,
                mixed: None,
            },
            stream: roof,
            link: None,
        },
        overheads: Overheads {
            step: 1e-4,
            layer: 1e-5,
            sequence: 4e-6,
            request: 0.015,
        },
        coverage: Coverage {
            tokens: 2048,
            context: 16384,
            sequences: 256,
        },
        residuals: Residuals {
            fitted: 0.05,
            held_out: 0.1,
        },
        idle_power: 30.0,
        active_power: 400.0,
        slowdown_sigma: 0.5,
    }
}

/// Llama-3.1-8B.
pub fn model() -> Model {
    Model {
        name: "llama-3.1-8b".into(),
        parameters: 8.03e9,
        layers: 32,
        hidden: 4096,
        heads: 32,
        kv_heads: 8,
        head_dim: 128,
        ffn: 14336,
        vocab: 128_256,
        experts: None,
    }
}

/// The model on one device in batches of `max_batch`.
pub fn deployment(max_batch: u32) -> Deployment {
    Deployment::single(model(), Format::Bf16, max_batch)
}

/// One fleet of `nodes` identical machines in one region, always up, always willing.
pub fn platform(nodes: u32, max_batch: u32, slots: u32) -> Platform {
    let regions = vec![Region {
        name: "here".into(),
        electricity: 0.2,
        utc_offset: 0.0,
    }];
    Platform {
        name: "test".into(),
        network: Arc::new(Network::new(regions, &[], 0.010).unwrap()),
        profiles: vec![Profile::new(&device(), &deployment(max_batch))],
        fleets: vec![Fleet {
            name: "fleet".into(),
            role: Role::Both,
            size: Size::Fixed(nodes),
            ownership: Ownership::Each,
            devices: vec![Offer {
                profile: ProfileId(0),
                share: 1.0,
                usd_per_hour: 0.4,
            }],
            regions: vec![(REGION, 1.0)],
            availability: Availability::Always,
            dispersed: false,
            ask_sigma: 0.2,
            access: Dist::constant(0.005).unwrap(),
            cold_start: None,
        }],
        policy: Policy::Random,
        knowledge: Knowledge::default(),
        pricing: Pricing::ReverseAuction,
        settlement: Settlement {
            token_price: Some(0.5),
            take_rate: Ppm::from_fraction(0.05),
            burn: Ppm::from_fraction(0.5),
            stake: Amount::from_f64(100.0),
            slash: Ppm::from_fraction(0.02),
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

/// Poisson arrivals at `rate` per second.
pub fn workload(rate: f64) -> Workload {
    Workload {
        source: Source::Synthetic(Synthetic {
            rate,
            gap: Dist::exponential(1.0).unwrap(),
            modulation: None,
            diurnal: None,
            prompt: Dist::uniform(100.0, 2000.0).unwrap(),
            output: Dist::uniform(10.0, 400.0).unwrap(),
            correlation: 0.3,
        }),
        origins: vec![(REGION, 1.0)],
        slo: Slo {
            ttft: Span::SECOND * 2,
            tpot: Span::SECOND,
        },
        patience: Span::HOUR,
        budget: None,
        prefixes: None,
    }
}

/// A run of so many hours.
pub fn settings(hours: u64) -> Settings {
    Settings {
        horizon: Span::HOUR * hours,
        warm_up: Span::ZERO,
        sample_every: Span::MINUTE * 10,
    }
}

/// Stays with a heavy tail and absences of minutes to hours.
pub fn churn() -> Availability {
    let up = Dist::weibull(0.4, 0.5).unwrap();
    let down = Dist::lognormal(-1.0, 1.0).unwrap();
    Renewal { up, down }.into()
}
