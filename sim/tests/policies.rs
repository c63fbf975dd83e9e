//! Policies against theory: whole runs of the world whose nodes are exponential servers, held against closed forms.

mod common;

use std::cell::{Cell, RefCell};

use common::{churn, platform, settings, workload};
use walras_des::{Dist, Span, Streams};
use walras_sim::availability::{Availability, Renewal};
use walras_sim::hardware::{
    Coverage, DecodeRoof, Deployment, Device, Format, Kernels, Model, PrefillRoof, Profile, Roof,
};
use walras_sim::ids::{JobId, NodeId, ProfileId};
use walras_sim::knowledge::Estimates;
use walras_sim::market::Pricing;
use walras_sim::platform::{Offer, Platform};
use walras_sim::record::{JobRow, JobTable, Latency, MetricId, Nothing, Output, Recorder};
use walras_sim::scheduling::{Dispatch, Pick, Policy, PowerOfChoices};
use walras_sim::view::View;
use walras_sim::workload::{Prefixes, Source, Synthetic, Workload};
use walras_sim::world::{Settings, World, run, simulate};

/// Two-sided 95 % quantile of Student's t with seven degrees of freedom.
const T7: f64 = 2.365;

/// Servers that compute one token of a prompt per millisecond and nothing else, one prompt at a time, in order.
fn servers(count: u32, policy: Policy) -> Platform {
    let free = Roof {
        compute: f64::INFINITY,
        memory: f64::INFINITY,
        dequantization: f64::INFINITY,
        launch: 0.0,
        sharpness: 1.0,
    };
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
    let longest = 1 << 15;
    let device = Device {
        name: "server".into(),
        memory: 1 << 60,
        bandwidth: 1e18,
        flops: 1e18,
        kernels: Kernels {
            matmul: vec![(
                Format::Bf16,
                Roof {
                    compute: 14e3,
                    ..free
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
            stream: free,
            link: None,
        },
        overheads: walras_sim::hardware::Overheads::default(),
        coverage: Coverage {
            tokens: longest,
            context: longest,
            sequences: 1,
        },
        slowdown_sigma: 0.0,
        ..common::device()
    };
    let deployment = Deployment {
        token_budget: longest,
        ..Deployment::single(model, Format::Bf16, 1)
    };
    let mut servers = platform(count, 1, u32::MAX);
    servers.network = std::sync::Arc::new(
        walras_sim::network::Network::new(servers.network.regions().to_vec(), &[], 0.0).unwrap(),
    );
    servers.profiles = vec![Profile::new(&device, &deployment)];
    servers.fleets[0].access = Dist::constant(0.0).unwrap();
    servers.pricing = Pricing::Rental;
    servers.policy = policy;
    servers
}

/// Poisson arrivals of prompts whose service takes one second on the average, exponentially distributed, at this load per server.
fn arrivals(count: u32, load: f64) -> Workload {
    Workload {
        source: Source::Synthetic(Synthetic {
            rate: load * f64::from(count),
            gap: Dist::exponential(1.0).unwrap(),
            modulation: None,
            diurnal: None,
            prompt: Dist::exponential(1_000.0).unwrap(),
            output: Dist::constant(1.0).unwrap(),
            correlation: 0.0,
        }),
        patience: Span::HOUR * 24,
        ..workload(1.0)
    }
}

fn seconds(horizon: u64, warm_up: u64) -> Settings {
    Settings {
        horizon: Span::SECOND * horizon,
        warm_up: Span::SECOND * warm_up,
        sample_every: Span::SECOND * horizon,
    }
}

/// Mean and half-width of its 95 % interval over eight replications.
fn eight(value: impl Fn(u32) -> f64) -> (f64, f64) {
    let values: Vec<f64> = (0..8).map(value).collect();
    let mean = values.iter().sum::<f64>() / 8.0;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, T7 * (squares / 7.0 / 8.0).sqrt())
}

/// Mean time from submission to answer [s]; a service takes one.
fn response(
    platform: &Platform,
    workload: &Workload,
    settings: &Settings,
    seed: u64,
) -> (f64, f64) {
    eight(|replication| {
        let output = simulate(
            platform,
            workload,
            settings,
            seed,
            replication,
            Nothing,
            &|| false,
        );
        output.expect("not stopped").latencies[Latency::Ttft].mean()
    })
}

/// Power of d choices at every arrival, and what share of the nodes has at least so many jobs.
struct Counting<'a> {
    inner: PowerOfChoices,
    tails: &'a RefCell<([f64; 4], f64)>,
    arrivals: u32,
}

impl Pick for Counting<'_> {
    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        self.arrivals += 1;
        // Arrivals of a Poisson process see time averages.
        if self.arrivals.is_multiple_of(500) && self.arrivals > 50_000 {
            let mut tails = self.tails.borrow_mut();
            let nodes = view.nodes_up();
            for (i, sum) in tails.0.iter_mut().enumerate() {
                let least = i as u32 + 1;
                let long = |&&node: &&NodeId| view.node(node).outstanding >= least;
                *sum += nodes.iter().filter(long).count() as f64 / nodes.len() as f64;
            }
            tails.1 += 1.0;
        }
        self.inner.pick(job, view)
    }
}

/// The supermarket model (Vvedenskaya, Dobrushin, Karpelevich 1996; Mitzenmacher 2001), with many servers:
/// a share `λ^((dⁱ−1)/(d−1))` of them has at least `i` jobs, and a job takes `Σ λ^((dⁱ−d)/(d−1))` on the average: 1.2657, 1.1252 and
/// 1.0313 for d = 2, 3, 5 at λ = 0.5; 2.6141, 2.0279 and 1.6329 at λ = 0.9. Here 1,000 servers, eight replications; beyond the
/// interval half a percent is granted for the finite number.
#[test]
fn power_of_d_choices_is_the_supermarket_model() {
    let published = [
        (0.5, [1.2657, 1.1252, 1.0313]),
        (0.9, [2.6141, 2.0279, 1.6329]),
    ];
    for (load, means) in published {
        for (d, published) in [2_u32, 3, 5].into_iter().zip(means) {
            let power = |i: i32| (f64::from(d).powi(i) - f64::from(d)) / f64::from(d - 1);
            let theory: f64 = (1..60).map(|i| f64::powf(load, power(i))).sum();
            assert!((theory - published).abs() < 1e-4, "{theory}");
            let system = servers(1_000, Policy::PowerOfChoices { d });
            let requests = arrivals(1_000, load);
            let (mean, half) = response(&system, &requests, &seconds(120, 40), 3);
            assert!(
                (mean - theory).abs() < half + 0.005 * theory,
                "d = {d}, λ = {load}: {mean} ± {half} against {theory}"
            );
        }
    }
}

#[test]
fn queues_under_two_choices_have_doubly_exponential_tails() {
    let load: f64 = 0.9;
    let (system, requests) = (servers(1_000, Policy::Random), arrivals(1_000, load));
    let tails = RefCell::new(([0.0; 4], 0.0));
    for replication in 0..4 {
        let streams = Streams::new(4, replication);
        let inner = PowerOfChoices::new(2, streams.open(walras_des::Purpose::new("test"), 0));
        let counting = Counting {
            inner,
            tails: &tails,
            arrivals: 0,
        };
        let world = World::new(
            &system,
            &requests,
            &seconds(200, 0),
            &streams,
            Dispatch(counting),
            Nothing,
        );
        run(world, &|| false).expect("not stopped");
    }
    let (sums, n) = tails.into_inner();
    for (i, sum) in sums.into_iter().enumerate() {
        let theory = load.powi(2_i32.pow(i as u32 + 1) - 1);
        let found = sum / n;
        assert!(
            (found - theory).abs() < 0.015 * theory + 0.003,
            "s_{}: {found} against {theory}",
            i + 1
        );
    }
}

/// Lu et al. 2011: with many servers a job finds one idle, whatever the load below one; with one server it never finds another.
#[test]
fn join_idle_queue_hardly_waits_with_many_servers() {
    let wait = |count: u32| {
        let system = servers(count, Policy::JoinIdleQueue);
        let (mean, _) = response(
            &system,
            &arrivals(count, 0.8),
            &seconds(40_000 / u64::from(count) + 200, 100),
            5,
        );
        mean - 1.0
    };
    let (few, some, many) = (wait(10), wait(50), wait(400));
    assert!(
        few > 3.0 * some && some > 3.0 * many && many < 0.005,
        "{few} {some} {many}"
    );
    // A single server is M/M/1 under any policy: T = 1/(1 − 0.5).
    let single = servers(1, Policy::JoinIdleQueue);
    let (mean, half) = response(&single, &arrivals(1, 0.5), &seconds(40_000, 1_000), 5);
    assert!((mean - 2.0).abs() < 1.5 * half, "{mean} ± {half}");
}

/// Rows by number of the request: time to the answer [s].
fn times(
    platform: &Platform,
    workload: &Workload,
    settings: &Settings,
    replication: u32,
) -> Vec<f64> {
    let table = JobTable::default();
    let output = simulate(platform, workload, settings, 6, replication, table, &|| {
        false
    });
    let mut rows = output.expect("not stopped").jobs;
    rows.sort_by_key(|row| row.serial);
    rows.iter()
        .map(|row| row.ttft.expect("all complete"))
        .collect()
}

/// With exact sizes, least work left starts every job when a central queue would (Foss; Asmussen, XII.1), job by job; and that is
/// M/M/10 at load 0.9, with a mean wait of C/(c(1 − ρ)) = 0.668732.
#[test]
fn least_work_left_is_a_central_queue() {
    let queues = servers(10, Policy::LeastWorkLeft);
    let central = Platform {
        slots: 1,
        ..servers(10, Policy::Random)
    };
    let (requests, span) = (arrivals(10, 0.9), seconds(12_000, 0));
    let (mean, half) = eight(|replication| {
        let (mine, yours) = (
            times(&queues, &requests, &span, replication),
            times(&central, &requests, &span, replication),
        );
        assert_eq!(mine.len(), yours.len());
        for (a, b) in mine.iter().zip(&yours) {
            assert!((a - b).abs() < 1e-6, "{a} against {b}");
        }
        let settled = &mine[mine.len() / 10..];
        settled.iter().sum::<f64>() / settled.len() as f64
    });
    assert!((mean - 1.668_732).abs() < 1.5 * half, "{mean} ± {half}");
}

/// A job that has reserved a place at both of two servers starts where a place comes free first: M/M/2, with a mean wait of
/// C/(c(1 − ρ)) = 0.711111/0.4 at load 0.8 (C = 2ρ²/(1 + ρ)). On many servers late binding beats two choices by queue length, which
/// does not know which queue is done first.
#[test]
fn sparrow_binds_late() {
    let sparrow = |count: u32| Platform {
        slots: 1,
        ..servers(count, Policy::Sparrow { probes: 2 })
    };
    let (mean, half) = response(&sparrow(2), &arrivals(2, 0.8), &seconds(60_000, 2_000), 7);
    let theory = 1.0 + 2.0 * 0.64 / 1.8 / 0.4;
    assert!(
        (mean - theory).abs() < 1.5 * half,
        "{mean} ± {half} against {theory}"
    );
    let span = seconds(400, 100);
    let (late, half) = response(&sparrow(300), &arrivals(300, 0.9), &span, 7);
    let two = servers(300, Policy::PowerOfChoices { d: 2 });
    let (early, other) = response(&two, &arrivals(300, 0.9), &span, 7);
    assert!(
        late + half < early - other,
        "{late} ± {half} against {early} ± {other}"
    );
}

fn losses(platform: &Platform, seed: u64) -> (f64, f64) {
    eight(|replication| {
        let output = simulate(
            platform,
            &workload(3.0),
            &settings(4),
            seed,
            replication,
            Nothing,
            &|| false,
        );
        output
            .expect("not stopped")
            .metrics
            .get(MetricId::Losses)
            .expect("requests were sent")
    })
}

/// Stays with a decreasing hazard (Weibull of shape 0.4) make age tell who stays; exponential ones have no memory.
#[test]
fn age_tells_who_stays_unless_stays_have_no_memory() {
    let with = |policy: Policy, availability: Availability| {
        let mut network = platform(60, 16, 64);
        network.fleets[0].availability = availability;
        network.policy = policy;
        losses(&network, 8)
    };
    let old = Policy::AgeAware { d: 4 };
    let (random, _) = with(Policy::Random, churn());
    let (aged, half) = with(old.clone(), churn());
    assert!(
        aged + half < random / 2.0,
        "{aged} ± {half} against {random}"
    );
    let memoryless = || {
        Availability::from(Renewal {
            up: Dist::exponential(0.5).unwrap(),
            down: Dist::exponential(0.2).unwrap(),
        })
    };
    let (random, half) = with(Policy::Random, memoryless());
    let (aged, other) = with(old, memoryless());
    assert!(
        (aged - random).abs() < half + other,
        "{aged} ± {other} against {random} ± {half}"
    );
}

/// Half of the nodes leave every few minutes. Who remembers which they were loses far fewer jobs than who does not, although all look
/// alike.
#[test]
fn reputation_finds_those_who_deliver() {
    let with = |policy: Policy| {
        let mut network = platform(30, 16, 64);
        let mut flaky = network.fleets[0].clone();
        flaky.availability = Availability::from(Renewal {
            up: Dist::exponential(0.05).unwrap(),
            down: Dist::exponential(0.01).unwrap(),
        });
        network.fleets.push(flaky);
        network.policy = policy;
        losses(&network, 9)
    };
    let (random, _) = with(Policy::Random);
    let (known, half) = with(Policy::ReputationAware { d: 4, prior: 1.0 });
    assert!(
        known + half < random / 3.0,
        "{known} ± {half} against {random}"
    );
}

fn ttft(output: &Output) -> f64 {
    output
        .metrics
        .get(MetricId::TtftP50)
        .expect("jobs complete")
}

/// Requests in 200 groups that share 1,500 tokens each, on 20 nodes whose caches hold some of them: who routes by the beginning of the
/// prompt finds it computed, and the first token comes sooner.
#[test]
fn prefix_aware_routing_finds_beginnings_that_are_computed() {
    let mut network = platform(20, 16, 64);
    let mut deployment = common::deployment(16);
    deployment.prefix_caching = true;
    network.profiles = vec![Profile::new(&common::device(), &deployment)];
    let mut requests = workload(3.0);
    requests.prefixes = Some(Prefixes {
        groups: 200,
        exponent: 0.5,
        length: Dist::constant(1_500.0).unwrap(),
    });
    let with = |policy: Policy| {
        let network = Platform {
            policy,
            ..network.clone()
        };
        eight(|replication| {
            ttft(
                &simulate(
                    &network,
                    &requests,
                    &settings(1),
                    10,
                    replication,
                    Nothing,
                    &|| false,
                )
                .unwrap(),
            )
        })
    };
    let (blind, half) = with(Policy::PowerOfChoices { d: 2 });
    let (aware, other) = with(Policy::PrefixAware { imbalance: 32 });
    assert!(
        aware + other < 0.7 * (blind - half),
        "{aware} ± {other} against {blind} ± {half}"
    );
}

/// Answers of very different lengths, one at a time: who knows them all places best, who knows them roughly in between, and who knows
/// nothing worst.
#[test]
fn better_estimates_place_better() {
    let mean_ttft = |estimates: Estimates| {
        let mut network = platform(20, 1, 10_000);
        network.policy = Policy::LeastWorkLeft;
        network.knowledge.estimates = estimates;
        let mut requests = workload(2.6);
        let Source::Synthetic(law) = &mut requests.source else {
            unreachable!("it is synthetic")
        };
        law.output = Dist::lognormal(4.6, 1.2)
            .unwrap()
            .clamped(1.0, 3_000.0)
            .unwrap();
        let mean = |replication| {
            let output = simulate(
                &network,
                &requests,
                &settings(2),
                11,
                replication,
                Nothing,
                &|| false,
            );
            output.expect("not stopped").latencies[Latency::Ttft].mean()
        };
        eight(mean).0
    };
    let exact = mean_ttft(Estimates::Exact);
    let noisy = mean_ttft(Estimates::Noisy { sigma: 1.0 });
    let none = mean_ttft(Estimates::None);
    assert!(
        exact < 0.95 * noisy && noisy < 0.98 * none,
        "{exact} {noisy} {none}"
    );
}

/// Two device classes that compute alike, of which one has several times the room for contexts, at a load that the small ones just
/// do not hold: who counts jobs overfills the small
/// ones; who counts memory does not, and the slowest first tokens come sooner.
#[test]
fn kv_aware_routing_knows_the_size_of_caches() {
    let mut network = platform(20, 64, 64);
    let large = Device {
        memory: 60 << 30,
        ..common::device()
    };
    network
        .profiles
        .push(Profile::new(&large, &common::deployment(64)));
    network.fleets[0].devices.push(Offer {
        profile: ProfileId(1),
        share: 1.0,
        usd_per_hour: 0.4,
    });
    let mut requests = workload(10.0);
    let Source::Synthetic(law) = &mut requests.source else {
        unreachable!("it is synthetic")
    };
    law.prompt = Dist::uniform(500.0, 4_000.0).unwrap();
    law.output = Dist::uniform(200.0, 1_500.0).unwrap();
    let slowest = |policy: Policy| {
        let network = Platform {
            policy,
            ..network.clone()
        };
        eight(|replication| {
            let output = simulate(
                &network,
                &requests,
                &settings(1),
                12,
                replication,
                Nothing,
                &|| false,
            );
            output.unwrap().metrics.get(MetricId::TtftP95).unwrap()
        })
    };
    let (blind, half) = slowest(Policy::PowerOfChoices { d: 2 });
    let (aware, other) = slowest(Policy::KvAware { d: 2 });
    assert!(
        aware + other < blind - half,
        "{aware} ± {other} against {blind} ± {half}"
    );
}

/// A row per job, and how often anything was placed.
struct Placements<'a> {
    count: &'a Cell<u64>,
    rows: Vec<JobRow>,
}

impl Recorder for Placements<'_> {
    fn placed(&mut self, _job: u64, _node: NodeId) {
        self.count.set(self.count.get() + 1);
    }

    fn job(&mut self, row: JobRow) {
        self.rows.push(row);
    }

    fn into_jobs(self) -> Vec<JobRow> {
        self.rows
    }
}

/// Machines of which half are slower by a log-normal factor, nearly idle: what a request takes is a matter of whom it meets.
fn unequal(policy: Policy) -> Platform {
    let mut network = platform(100, 8, 64);
    let device = Device {
        slowdown_sigma: 1.5,
        ..common::device()
    };
    network.profiles = vec![Profile::new(&device, &common::deployment(8))];
    network.fleets[0].dispersed = true;
    network.fleets[0].ask_sigma = 0.0;
    network.policy = policy;
    network
}

/// The 99th percentile of the time to the whole answer [s], what a million output tokens cost [USD], and placements per request.
fn tail_and_cost(policy: Policy) -> [(f64, f64); 3] {
    let network = unequal(policy);
    let value = |which: usize| {
        let network = &network;
        move |replication: u32| {
            let count = Cell::new(0);
            let table = Placements {
                count: &count,
                rows: Vec::new(),
            };
            let output = simulate(
                network,
                &workload(1.0),
                &settings(2),
                13,
                replication,
                table,
                &|| false,
            )
            .unwrap();
            let mut times: Vec<f64> = (output.jobs.iter())
                .map(|row| (row.ended - row.submitted).as_secs_f64())
                .collect();
            times.sort_by(f64::total_cmp);
            assert_eq!(output.counts.completed, output.counts.submitted);
            [
                times[times.len() * 99 / 100],
                output.metrics.get(MetricId::CostPerMillion).unwrap(),
                count.get() as f64 / output.counts.submitted as f64,
            ][which]
        }
    };
    [eight(value(0)), eight(value(1)), eight(value(2))]
}

/// Dean and Barroso 2013: a second copy of the slowest tenth shortens the tail, and costs about a tenth more.
#[test]
fn hedging_cuts_the_tail_and_costs_more() {
    let [(tail, tail_half), (cost, _), _] = tail_and_cost(Policy::PowerOfChoices { d: 2 });
    let [(hedged, hedged_half), (dearer, half), (placements, _)] =
        tail_and_cost(Policy::Hedged { quantile: 0.9 });
    assert!(
        hedged + hedged_half < 0.8 * (tail - tail_half),
        "{hedged} against {tail}"
    );
    assert!(
        (placements - 1.1).abs() < 0.02,
        "{placements} placements a request"
    );
    let ratio = dearer / cost;
    assert!(
        dearer - half > cost && (1.01..1.12).contains(&ratio),
        "{ratio} times the cost"
    );
}

/// Three copies of each request on equal machines all take the same time: two of three cost three times as much. On unequal ones, the
/// first of three is faster than one, and the second of three is not.
#[test]
fn a_quorum_pays_for_every_copy() {
    let equal = |policy: Policy| {
        let mut network = unequal(policy);
        network.fleets[0].dispersed = false;
        let output = simulate(
            &network,
            &workload(0.01),
            &settings(24),
            14,
            0,
            Nothing,
            &|| false,
        )
        .unwrap();
        assert!(
            output.counts.completed == output.counts.submitted && output.counts.submitted > 500
        );
        assert_eq!(output.counts.refused_orders, 0);
        output.metrics.get(MetricId::CostPerMillion).unwrap()
    };
    let single = equal(Policy::PowerOfChoices { d: 2 });
    let quorum = equal(Policy::Quorum {
        copies: 3,
        agree: 2,
    });
    assert!((quorum / single - 3.0).abs() < 1e-3, "{}", quorum / single);
    let [(one, _), (cost, _), _] = tail_and_cost(Policy::PowerOfChoices { d: 2 });
    let [(first, _), (racing, _), (copies, _)] = tail_and_cost(Policy::Quorum {
        copies: 3,
        agree: 1,
    });
    let [(second, _), (voting, _), _] = tail_and_cost(Policy::Quorum {
        copies: 3,
        agree: 2,
    });
    assert!(
        first < 0.7 * one && first < second,
        "{first} {second} {one}"
    );
    assert_eq!(copies, 3.0);
    // The losers of a race are paid for what they had done.
    assert!(
        racing > 2.0 * cost && racing < voting && voting < 3.0 * cost,
        "{racing} {voting} {cost}"
    );
}

/// On equal machines everyone asks the same, so that a request computed by r nodes costs r times as much: 2.25 replicas cost 3 in a
/// quarter of the requests and 2 in the others, give or take three binomial deviations.
#[test]
fn replicas_are_computed_and_paid() {
    let run = |policy: Policy| {
        let mut network = unequal(policy);
        network.fleets[0].dispersed = false;
        let workload = workload(0.01);
        let output = simulate(&network, &workload, &settings(24), 14, 0, Nothing, &|| {
            false
        })
        .unwrap();
        let submitted = output.counts.submitted;
        assert!(output.counts.completed == submitted && submitted > 500);
        assert_eq!(output.counts.refused_orders, 0);
        (
            output.metrics.get(MetricId::CostPerMillion).unwrap(),
            submitted as f64,
        )
    };
    let replicas = |first: Policy, replicas: f64| {
        let first = Box::new(first);
        run(Policy::Verified { first, replicas })
    };
    let single = Policy::PowerOfChoices { d: 2 };
    let (once, n) = run(single.clone());
    for whole in [1.0, 2.0, 3.0] {
        let (cost, _) = replicas(single.clone(), whole);
        assert!((cost / once - whole).abs() < 1e-3, "{}", cost / once);
    }
    let (cost, _) = replicas(Policy::LeastLoaded, 2.25);
    // Dearer requests are as likely to be checked once more as others: a deviation of their sizes adds to that of the count.
    let deviation = 2.0 * f64::sqrt(0.25 * 0.75 / n);
    assert!(
        (cost / once - 2.25).abs() < 3.0 * deviation,
        "{}",
        cost / once
    );
}

/// Half of the nodes leave every few minutes. A request with a copy elsewhere does not wait until the loss is noticed and start anew.
#[test]
fn copies_survive_the_loss_of_a_node() {
    let with = |policy: Policy| {
        let mut network = platform(60, 16, 64);
        network.fleets[0].availability = churn();
        network.policy = policy;
        network.retry.detection = Span::MINUTE;
        let output = simulate(
            &network,
            &workload(3.0),
            &settings(4),
            15,
            0,
            Nothing,
            &|| false,
        )
        .unwrap();
        assert_eq!(output.counts.live, 0);
        output.metrics.get(MetricId::Retried).unwrap()
    };
    let retried = with(Policy::PowerOfChoices { d: 2 });
    let again = with(Policy::Quorum {
        copies: 2,
        agree: 1,
    });
    assert!(
        retried > 1e-3 && again < retried / 10.0,
        "{again} against {retried}"
    );
    // Who needs all answers is exposed to the losses of all, on nodes that are busier; and once one has answered, the loss of the other
    // is that of the last.
    let first = Box::new(Policy::PowerOfChoices { d: 2 });
    let checked = with(Policy::Verified {
        first,
        replicas: 2.0,
    });
    assert!(
        checked > 1.5 * retried && checked < 5.0 * retried,
        "{checked} against {retried}"
    );
}

/// Mitzenmacher 1998, random stealing by a server that falls empty, from one other: with many servers a share `s₂ = ((1 + λ) −
/// √(1 + 2λ − 3λ²))/2` of them has a job that waits, longer queues fall off by `r = λ/(1 + λ − s₂)` each, and a job takes
/// `(λ + s₂/(1 − r))/λ` on the average: 3.5413 at λ = 0.9, where it would be 10 without.
#[test]
fn stealing_by_idle_servers_is_its_differential_equation() {
    for load in [0.5, 0.9] {
        let s2 = (1.0 + load - f64::sqrt(1.0 + 2.0 * load - 3.0 * load * load)) / 2.0;
        let r = load / (1.0 + load - s2);
        let theory = (load + s2 / (1.0 - r)) / load;
        let system = servers(1_000, Policy::WorkStealing { victims: 1 });
        let (mean, half) = response(&system, &arrivals(1_000, load), &seconds(150, 60), 16);
        assert!(
            (mean - theory).abs() < half + 0.01 * theory,
            "λ = {load}: {mean} ± {half} against {theory}"
        );
    }
}

/// Vickrey 1961: the lowest ask wins and is paid the second lowest, whatever it asked itself.
#[test]
fn the_winner_of_an_auction_is_paid_the_second_lowest_ask() {
    let mut network = platform(30, 8, 64);
    network.policy = Policy::ReverseAuction;
    let asks = RefCell::new(Vec::new());
    let look = |_: JobId, view: &View<'_>| {
        let ask = |&node: &NodeId| (view.rates(node), node);
        *asks.borrow_mut() = view.nodes_up().iter().map(ask).collect();
        None
    };
    let (streams, requests) = (Streams::new(17, 0), workload(0.01));
    let idle = World::new(
        &network,
        &requests,
        &settings(1),
        &streams,
        Dispatch(look),
        Nothing,
    );
    run(idle, &|| false).expect("not stopped");
    let mut asks = asks.into_inner();
    asks.sort_by_key(|(rates, node)| (rates.output, *node));
    let [(_, winner), (second, _), ..] = asks[..] else {
        panic!("thirty nodes are up")
    };
    let table = JobTable::default();
    let output = simulate(
        &network,
        &workload(0.1),
        &settings(6),
        17,
        0,
        table,
        &|| false,
    )
    .unwrap();
    assert!(output.jobs.len() > 1_000 && output.counts.refused_orders == 0);
    for row in &output.jobs {
        assert_eq!(row.node, Some(winner));
        assert_eq!(
            row.paid,
            second.price(row.prompt_tokens, row.output_tokens).as_f64()
        );
    }
}
