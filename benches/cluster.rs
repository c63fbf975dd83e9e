//! A cluster through the whole world: FIFO nodes, power of two choices, each job recorded; and 1,000,000 nodes.
//!
//! Poisson arrivals at load 0.9, log-normal sizes (σ = 1), no latency; a job is a prompt whose prefill is its service, so that a node
//! is an M/G/1 server. Scheduler trait, view, tally, recorder and invariants are those of every run; *paid* adds what a market
//! does for each job: money into escrow, to the owner and to the protocol, by double entry.
//!
//! `cargo bench --bench cluster` prints jobs per second of one thread's own time, and what two threads with a replication each
//! do against one; `cargo bench --bench cluster -- NODES JOBS` one size alone, `-- policies` other policies against power of two.

use std::time::Instant;

use walras_benches::clusters::{cpu_seconds, peak_memory, platform};
use walras_des::{Dist, Span};
use walras_sim::hardware::{
    Coverage, DecodeRoof, Deployment, Device, Format, Kernels, Model, Overheads, PrefillRoof,
    Profile, Residuals, Roof,
};
use walras_sim::ids::RegionId;
use walras_sim::market::Pricing;
use walras_sim::platform::Platform;
use walras_sim::record::{JobTable, Nothing, Recorder};
use walras_sim::scheduling::Policy;
use walras_sim::workload::{Slo, Source, Synthetic, Workload};
use walras_sim::world::{Settings, simulate};

const LOAD: f64 = 0.9;
/// Mean length of a prompt; one token takes ten milliseconds.
const MEAN_TOKENS: f64 = 100.0;
const SIGMA: f64 = 1.0;
/// Longest prompt of one step [tokens]; 1 in 10⁵ is longer and takes another.
const LONGEST: u32 = 1 << 12;

/// Rates that never limit.
const FREE: Roof = Roof {
    compute: f64::INFINITY,
    memory: f64::INFINITY,
    dequantization: f64::INFINITY,
    launch: 0.0,
    sharpness: 1.0,
};

/// A device on which a prompt of `n` tokens takes `n` hundredths of a second, whatever else it does.
fn profile() -> Profile {
    // Two operations for each of the seven weights of a layer of size one, gate and up counted apart.
    let model = Model {
        name: "work".into(),
        parameters: 1e9,
        layers: 1,
        hidden: 1,
        heads: 1,
        kv_heads: 1,
        head_dim: 1,
        ffn: 1,
        vocab: 0,
        experts: None,
    };
    let device = Device {
        name: "server".into(),
        memory: 1 << 60,
        bandwidth: 1e18,
        flops: 1e18,
        kernels: Kernels {
            matmul: vec![(
                Format::Bf16,
                Roof {
                    compute: 14e2,
                    ..FREE
                },
            )],
            prefill: PrefillRoof {
                compute: f64::INFINITY,
                memory: f64::INFINITY,
                launch: 0.0,
                sharpness: 1.0,
                softmax: 0.0,
                depth: 0.0,
            },
            decode: DecodeRoof {
                compute: f64::INFINITY,
                memory: f64::INFINITY,
                launch: 0.0,
                unit: 0.0,
                half: 0.0,
                mixed: None,
            },
            stream: FREE,
            link: None,
        },
        overheads: Overheads::default(),
        coverage: Coverage {
            tokens: LONGEST,
            context: LONGEST,
            sequences: 1,
        },
        residuals: Residuals {
            fitted: 0.0,
            held_out: 0.0,
        },
        idle_power: 100.0,
        active_power: 400.0,
        slowdown_sigma: 0.0,
    };
    let deployment = Deployment {
        // Prompts in one step.
        token_budget: LONGEST,
        ..Deployment::single(model, Format::Bf16, 1)
    };
    Profile::new(&device, &deployment)
}

fn workload(nodes: u32) -> Workload {
    let mu = MEAN_TOKENS.ln() - SIGMA * SIGMA / 2.0;
    Workload {
        source: Source::Synthetic(Synthetic {
            rate: LOAD * f64::from(nodes),
            gap: Dist::exponential(1.0).expect("a rate"),
            modulation: None,
            diurnal: None,
            prompt: Dist::lognormal(mu, SIGMA).expect("a width"),
            output: Dist::constant(1.0).expect("a constant"),
            correlation: 0.0,
        }),
        origins: vec![(RegionId(0), 1.0)],
        slo: Slo {
            ttft: Span::SECOND * 10,
            tpot: Span::SECOND,
        },
        patience: Span::HOUR,
        budget: None,
        prefixes: None,
    }
}

struct Measured {
    jobs: f64,
    seconds: f64,
    mean_response: f64,
    events: u64,
    digest: String,
}

/// One replication of `jobs` jobs on the average, under power of two choices.
fn replicate<R: Recorder>(
    nodes: u32,
    jobs: u32,
    pricing: Pricing,
    replication: u32,
    recorder: R,
) -> Measured {
    let platform = platform(nodes, profile(), u32::MAX, pricing);
    replicate_on(&platform, nodes, jobs, replication, recorder)
}

/// One replication of `jobs` jobs on the average on a platform of so many nodes.
fn replicate_on<R: Recorder>(
    platform: &Platform,
    nodes: u32,
    jobs: u32,
    replication: u32,
    recorder: R,
) -> Measured {
    let workload = workload(nodes);
    let start = cpu_seconds();
    let seconds = f64::from(jobs) / (LOAD * f64::from(nodes));
    let settings = Settings {
        horizon: Span::from_secs_f64(seconds),
        warm_up: Span::ZERO,
        sample_every: Span::from_secs_f64(seconds / 10.0),
    };
    let output = simulate(
        platform,
        &workload,
        &settings,
        1,
        replication,
        recorder,
        &|| false,
    )
    .expect("not stopped");
    let seconds = cpu_seconds() - start;
    Measured {
        jobs: output.counts.completed as f64,
        seconds,
        mean_response: output.latencies[walras_sim::record::Latency::Ttft].mean(),
        events: output.events,
        digest: output.digest.to_string(),
    }
}

fn case<R: Recorder + Default>(
    name: &str,
    (nodes, jobs): (u32, u32),
    pricing: &Pricing,
    repeats: u32,
) {
    let runs: Vec<Measured> = (0..repeats)
        .map(|_| replicate(nodes, jobs, pricing.clone(), 0, R::default()))
        .collect();
    let mut rates: Vec<f64> = runs
        .iter()
        .map(|run| run.jobs / run.seconds / 1e6)
        .collect();
    rates.sort_by(f64::total_cmp);
    let run = &runs[0];
    println!(
        "{name:<7} {nodes:>9} nodes {:>10} jobs  {:>5.2} M jobs/s (best {:.2})  {:.2} events/job  mean response {:.3} s  digest {}  peak memory {}",
        run.jobs,
        rates[rates.len() / 2],
        rates[rates.len() - 1],
        run.events as f64 / run.jobs,
        run.mean_response,
        run.digest,
        peak_memory()
    );
}

/// Replications per second of wall-clock time with two threads against one; alternating, so that a slow minute slows both.
fn scaling(nodes: u32, jobs: u32) {
    let mut ratios: Vec<f64> = (0..5)
        .map(|_| {
            let start = Instant::now();
            replicate(nodes, jobs, Pricing::Rental, 0, Nothing);
            let one = start.elapsed();
            let start = Instant::now();
            std::thread::scope(|scope| {
                for replication in 0..2 {
                    scope.spawn(move || {
                        replicate(nodes, jobs, Pricing::Rental, replication, Nothing)
                    });
                }
            });
            2.0 * one.as_secs_f64() / start.elapsed().as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!(
        "two threads against one, {nodes} nodes: {:.2} times the replications per second ({:.2} to {:.2})",
        ratios[2], ratios[0], ratios[4]
    );
}

/// Processor time per job of other policies relative to power of two choices; in turns, so that a slow minute slows both.
fn policies(nodes: u32, jobs: u32) {
    let base = platform(nodes, profile(), u32::MAX, Pricing::Rental);
    let others = [
        ("least-loaded", Policy::LeastLoaded),
        ("join-idle-queue", Policy::JoinIdleQueue),
        ("least-work-left", Policy::LeastWorkLeft),
        ("sparrow", Policy::Sparrow { probes: 2 }),
        ("kv-aware", Policy::KvAware { d: 2 }),
    ];
    for (name, policy) in others {
        let other = Platform {
            policy,
            ..base.clone()
        };
        let mut response = 0.0;
        let mut ratios: Vec<f64> = (0..5)
            .map(|_| {
                let two = replicate_on(&base, nodes, jobs, 0, Nothing);
                let one = replicate_on(&other, nodes, jobs, 0, Nothing);
                response = one.mean_response;
                (one.seconds / one.jobs) / (two.seconds / two.jobs)
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        println!(
            "{name}, {nodes} nodes, {jobs} jobs: {:.2} times the time of power of two choices ({:.2} to {:.2}), mean response {response:.3} s",
            ratios[2], ratios[0], ratios[4]
        );
    }
}

fn main() {
    if std::env::args().any(|arg| arg == "policies") {
        policies(10_000, 1_000_000);
        return;
    }
    let sizes = std::env::args().skip(1).filter_map(|arg| arg.parse().ok());
    if let [nodes, jobs] = sizes.collect::<Vec<u32>>()[..] {
        case::<JobTable>("rented", (nodes, jobs), &Pricing::Rental, 3);
        case::<JobTable>("paid", (nodes, jobs), &Pricing::ReverseAuction, 3);
        return;
    }
    let cluster = (10_000, 1_000_000);
    case::<JobTable>("rented", cluster, &Pricing::Rental, 7);
    case::<JobTable>("paid", cluster, &Pricing::ReverseAuction, 7);
    policies(cluster.0, cluster.1);
    scaling(cluster.0, cluster.1);
    // Figures and histograms only: a row for each of ten million jobs would be a gigabyte.
    case::<Nothing>("rented", (1_000_000, 10_000_000), &Pricing::Rental, 1);
}
