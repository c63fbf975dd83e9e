//! Whole worlds against closed forms: Pollaczek–Khinchine, renewal availability, memoryless losses; and determinism.

mod common;

use common::{churn, deployment, device, platform, settings, workload};
use walras_des::{Dist, Span};
use walras_sim::availability::{Availability, Renewal};
use walras_sim::hardware::{Deployment, Profile};
use walras_sim::market::{BaseFee, Pricing, Rates};
use walras_sim::platform::{Autoscaler, Ownership, Platform, Retry, Size};
use walras_sim::record::{Fate, JobRow, JobTable, Latency, MetricId, Nothing, Output};
use walras_sim::scheduling::Policy;
use walras_sim::units::Amount;
use walras_sim::workload::{Prefixes, Source, Workload};
use walras_sim::world::{Settings, simulate};

fn recorded(
    platform: &Platform,
    workload: &Workload,
    hours: u64,
    seed: u64,
    replication: u32,
) -> Output {
    simulate(
        platform,
        workload,
        &settings(hours),
        seed,
        replication,
        JobTable::default(),
        &|| false,
    )
    .unwrap()
}

/// Mean and standard error over replications.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// Student t, 29 degrees of freedom, two-sided α = 0.001.
const T29: f64 = 3.659;

/// One node that serves one request at a time under Poisson arrivals is an M/G/1 queue:
/// `Wq = λ·E[S²] / (2(1 − ρ))`, with the moments of S taken over the served requests (seed 3, n = 30, α = 0.001).
#[test]
fn one_request_at_a_time_is_mg1() {
    let (platform, workload) = (platform(1, 1, 10_000), workload(0.18));
    let profile = &platform.profiles[0];
    let (mut waits, mut first, mut second, mut count) = (Vec::new(), 0.0, 0.0, 0.0);
    for replication in 0..30 {
        let output = recorded(&platform, &workload, 40, 3, replication);
        assert_eq!(output.counts.completed, output.counts.submitted);
        let mut total = 0.0;
        for job in &output.jobs {
            let service = profile.alone(job.prompt_tokens, job.output_tokens);
            first += service;
            second += service * service;
            count += 1.0;
            let prefill = profile.prompt(job.prompt_tokens) as f64 / 1e12;
            // Two ways over 5 ms of network and 5 ms of access, and the request overhead.
            total += job.ttft.unwrap() - prefill - 0.020 - 0.015;
        }
        waits.push(total / output.jobs.len() as f64);
    }
    let (es, es2) = (first / count, second / count);
    let rho = 0.18 * es;
    assert!(
        (0.6..0.95).contains(&rho),
        "the test wants a loaded queue, not ρ = {rho}"
    );
    let theory = 0.18 * es2 / (2.0 * (1.0 - rho));
    let (wait, error) = mean(&waits);
    assert!(
        (wait - theory).abs() < T29 * error,
        "Wq = {wait} ± {error}, theory {theory}, ρ = {rho}"
    );
}

/// A group of prompts of 1,000 tokens that all begin with the same 900, met one at a time: the first computes its prompt, the others
/// what lies beyond the 56 full blocks of the prefix, to the nanosecond; without caching all compute everything.
#[test]
fn a_shared_prefix_is_computed_once() {
    let mut workload = Workload {
        prefixes: Some(Prefixes {
            groups: 1,
            exponent: 0.0,
            length: Dist::constant(900.0).unwrap(),
        }),
        ..workload(0.002)
    };
    if let Source::Synthetic(synthetic) = &mut workload.source {
        synthetic.prompt = Dist::constant(1000.0).unwrap();
    }
    // Times of the prefills in order of submission, of those requests that met no other.
    let found = |prefix_caching| {
        let mut platform = platform(1, 8, 8);
        let deployment = Deployment {
            prefix_caching,
            ..deployment(8)
        };
        platform.profiles = vec![Profile::new(&device(), &deployment)];
        let mut jobs = recorded(&platform, &workload, 40, 31, 0).jobs;
        jobs.sort_by_key(|job| job.serial);
        let is_alone = |job: &JobRow| {
            let meets = |o: &JobRow| o.submitted <= job.ended && job.submitted <= o.ended;
            jobs.iter().filter(|other| meets(other)).count() == 1
        };
        // Two ways over 5 ms of network and 5 ms of access, and the request overhead.
        let prefill = |job: &JobRow| job.ttft.unwrap() - 0.020 - 0.015;
        let alone = jobs.iter().filter(|job| is_alone(job));
        (
            alone.map(prefill).collect::<Vec<_>>(),
            platform.profiles.remove(0),
        )
    };
    let ((cached, profile), (plain, _)) = (found(true), found(false));
    let whole = profile.prompt(1000) as f64 / 1e12;
    let rest = profile.mixed(1000 - 896, 0, 1) + profile.prefill_attention(1000 - 896, 896);
    let rest = rest as f64 / 1e12;
    assert!(rest < whole / 2.0 && cached.len() > 200);
    let are_all = |found: &[f64], expected: f64| found.iter().all(|f| (f - expected).abs() < 2e-9);
    assert!(are_all(&plain, whole));
    assert!(are_all(&cached[..1], whole) && are_all(&cached[1..], rest));
}

/// With gamma stays and exponential absences the share of nodes up is E[up]/(E[up] + E[down]) from the first moment on
/// (seed 4, n = 30, α = 0.001).
#[test]
fn availability_is_stationary_from_the_start() {
    let mut platform = platform(200, 64, 8);
    let renewal = Renewal {
        up: Dist::gamma(0.35, 20.0).unwrap(),
        down: Dist::exponential(4.0).unwrap(),
    };
    let share = renewal.availability().unwrap();
    platform.fleets[0].availability = renewal.into();
    let (mut start, mut whole) = (Vec::new(), Vec::new());
    for replication in 0..30 {
        let output = recorded(&platform, &workload(0.01), 12, 4, replication);
        start.push(f64::from(output.samples[0].nodes_up) / 200.0);
        whole.push(output.metrics.get(MetricId::NodesAvailable).unwrap() / 200.0);
    }
    for values in [start, whole] {
        let (found, error) = mean(&values);
        assert!(
            (found - share).abs() < T29 * error,
            "{found} ± {error}, theory {share}"
        );
    }
}

/// With exponential stays an attempt succeeds if the node, believed to be up, is up, and stays for the length `s` of the attempt:
/// probability `P(up | believed up) · e^(−s/mean stay)`, whatever came before. A node is believed up from its arrival until the
/// detection delay after it left, or its return: `P(up | believed) = E[up] / (E[up] + E[min(down, detection)])`
/// (seed 5, n = 30, α = 0.001). With 2,000 nodes and four jobs at a time, two hardly ever meet on one node.
#[test]
fn losses_are_memoryless() {
    let mean_stay = 72.0;
    let detection = 600.0;
    let hours = || Dist::exponential(mean_stay / 3600.0).unwrap();
    let mut platform = platform(2_000, 64, 100);
    platform.fleets[0].availability = Availability::from(Renewal {
        up: hours(),
        down: hours(),
    });
    platform.retry = Retry {
        detection: Span::from_secs_f64(detection),
        max_attempts: 1,
    };
    let mut ratios = Vec::new();
    for replication in 0..30 {
        let output = recorded(&platform, &workload(0.5), 2, 5, replication);
        assert!(output.counts.failed > 1_000, "the test wants losses");
        let stays_for = |job: &JobRow| {
            let attempt = platform.profiles[0].alone(job.prompt_tokens, job.output_tokens) + 0.025;
            (-attempt / mean_stay).exp()
        };
        let expected: f64 = output.jobs.iter().map(stays_for).sum();
        ratios.push(output.counts.completed as f64 / expected);
    }
    let believed_down = mean_stay * (1.0 - f64::exp(-detection / mean_stay));
    let theory = mean_stay / (mean_stay + believed_down);
    let (found, error) = mean(&ratios);
    assert!(
        (found - theory).abs() < T29 * error,
        "{found} ± {error}, theory {theory}"
    );
}

fn busy_platforms() -> Vec<Platform> {
    let mut all = Vec::new();
    for policy in [
        Policy::Random,
        Policy::RoundRobin,
        Policy::PowerOfChoices { d: 2 },
        Policy::LeastLoaded,
        Policy::CheapestWithinSlo,
    ] {
        let mut churning = platform(60, 16, 4);
        churning.policy = policy;
        churning.fleets[0].dispersed = true;
        churning.fleets[0].availability = churn();
        all.push(churning);
    }
    let mut fee = all[4].clone();
    fee.pricing = Pricing::BaseFee(BaseFee {
        initial: Amount::from_f64(0.5),
        floor: Amount::from_f64(0.001),
        prompt_weight: 0.2,
        target: 0.5,
        denominator: 8,
        epoch: Span::MINUTE * 5,
    });
    all.push(fee);
    let mut cloud = platform(1, 32, 64);
    cloud.policy = Policy::LeastLoaded;
    cloud.pricing = Pricing::Rental;
    cloud.settlement.token_price = None;
    cloud.fleets[0].ownership = Ownership::One;
    cloud.fleets[0].availability = churn();
    cloud.fleets[0].size = Size::Autoscaled(Autoscaler {
        min: 1,
        max: 12,
        target: 8.0,
        interval: Span::SECOND * 30,
        provisioning: Dist::lognormal(5.0, 0.3).unwrap(),
        cooldown: Span::MINUTE * 5,
    });
    all.push(cloud);
    all
}

/// The same arguments give the same bits, and a recorder changes none of them.
#[test]
fn runs_repeat_and_the_recorder_does_not_interfere() {
    let workload = Workload {
        patience: Span::MINUTE,
        ..workload(3.0)
    };
    for platform in busy_platforms() {
        let first = recorded(&platform, &workload, 6, 11, 2);
        let again = recorded(&platform, &workload, 6, 11, 2);
        let bare = simulate(&platform, &workload, &settings(6), 11, 2, Nothing, &|| {
            false
        })
        .unwrap();
        for other in [&again, &bare] {
            assert_eq!((first.digest, first.events), (other.digest, other.events));
            assert_eq!(first.metrics, other.metrics);
            assert_eq!(first.samples, other.samples);
            assert_eq!(first.lorenz, other.lorenz);
        }
        assert_eq!(first.jobs, again.jobs);
        assert_eq!(first.counts.refused_orders, 0);
        assert_eq!(first.counts.live, 0, "the run drains");
        assert!(first.counts.completed > 1_000, "{:?}", first.counts);
    }
}

/// The job table accounts for every request and adds up to the reported figures.
#[test]
fn the_job_table_adds_up_to_the_metrics() {
    let workload = Workload {
        patience: Span::MINUTE,
        ..workload(3.0)
    };
    for platform in busy_platforms() {
        let output = recorded(&platform, &workload, 6, 12, 0);
        assert_eq!(output.jobs.len() as u64, output.counts.submitted);
        let done = || output.jobs.iter().filter(|job| job.fate == Fate::Completed);
        assert_eq!(done().count() as u64, output.counts.completed);
        let within = done()
            .filter(|j| j.ttft.unwrap() <= 2.0 && j.tpot.is_none_or(|tpot| tpot <= 1.0))
            .count();
        let share = within as f64 / output.jobs.len() as f64;
        assert!((output.metrics.get(MetricId::SloAttainment).unwrap() - share).abs() < 1e-12);
        let tokens: f64 = done().map(|job| f64::from(job.output_tokens)).sum();
        let rate = output.metrics.get(MetricId::OutputRate).unwrap();
        assert!((rate - tokens / (6.0 * 3600.0)).abs() < 1e-9 * rate);
        if platform.pricing != Pricing::Rental {
            let paid: f64 = done().map(|job| job.paid).sum();
            let cost = output.metrics.get(MetricId::CostPerMillion).unwrap();
            assert!(
                (cost - paid / tokens * 1e6).abs() < 1e-6 * cost,
                "{cost} against {}",
                paid / tokens * 1e6
            );
        }
        for job in done() {
            let (ttft, ended) = (job.ttft.unwrap(), (job.ended - job.submitted).as_secs_f64());
            assert!(ttft > 0.0 && ttft <= ended, "submit < first token ≤ end");
        }
    }
}

/// A warm-up removes requests from the measures, not from the run.
#[test]
fn a_warm_up_only_hides() {
    let (platform, workload) = (platform(20, 16, 4), workload(1.0));
    let cold = recorded(&platform, &workload, 4, 13, 0);
    let warm = Settings {
        warm_up: Span::HOUR,
        ..settings(4)
    };
    let warm = simulate(
        &platform,
        &workload,
        &warm,
        13,
        0,
        JobTable::default(),
        &|| false,
    )
    .unwrap();
    assert_eq!(cold.digest, warm.digest);
    assert_eq!(cold.jobs, warm.jobs);
    let late = cold
        .jobs
        .iter()
        .filter(|job| job.submitted.as_secs_f64() >= 3600.0)
        .count();
    assert_eq!(warm.latencies[Latency::Ttft].count(), late as u64);
}

/// A run that is told to stop gives no result.
#[test]
fn a_stopped_run_gives_nothing() {
    let found = simulate(
        &platform(5, 16, 4),
        &workload(1.0),
        &settings(4),
        14,
        0,
        Nothing,
        &|| true,
    );
    assert!(found.is_none());
}

/// Instances that never fail lose nothing, however often the fleet grows and shrinks: work under way, and work still on its way
/// to an instance that is taken out of service, is finished first.
#[test]
fn scaling_in_loses_no_work() {
    let mut cloud = busy_platforms().pop().expect("the cloud comes last");
    cloud.fleets[0].availability = Availability::Always;
    cloud.fleets[0].access = Dist::constant(0.5).unwrap();
    let output = recorded(&cloud, &workload(3.0), 12, 15, 0);
    let sizes: Vec<u32> = output
        .samples
        .iter()
        .map(|sample| sample.nodes_up)
        .collect();
    assert!(
        sizes.windows(2).filter(|pair| pair[1] < pair[0]).count() > 3,
        "the fleet shrinks: {sizes:?}"
    );
    assert_eq!(output.metrics.get(MetricId::Losses), Some(0.0));
    assert_eq!(output.counts.completed, output.counts.submitted);
}

/// A base fee that starts where no owner works rises until enough of them do, and rests where the target share of the willing
/// nodes' slots is in use: `jobs in service = target · slots · willing nodes` (Little's law gives the jobs).
#[test]
fn a_base_fee_finds_the_price_at_which_the_target_is_used() {
    let mut market = platform(400, 16, 8);
    market.policy = Policy::CheapestWithinSlo;
    market.fleets[0].ask_sigma = 0.8;
    market.pricing = Pricing::BaseFee(BaseFee {
        initial: Amount::from_f64(0.01),
        floor: Amount::from_f64(0.01),
        prompt_weight: 0.2,
        target: 0.5,
        denominator: 8,
        epoch: Span::MINUTE,
    });
    let workload = Workload {
        patience: Span::HOUR,
        ..workload(40.0)
    };
    let output = recorded(&market, &workload, 3, 16, 0);
    assert_eq!(output.counts.completed, output.counts.submitted);
    let fees: Vec<f64> = output
        .samples
        .iter()
        .filter_map(|sample| sample.base_fee)
        .collect();
    assert!(fees[0] < 0.02 && fees[fees.len() - 1] > 0.05, "{fees:?}");
    let settled = &fees[fees.len() / 2..];
    let (low, high) = settled
        .iter()
        .fold((f64::MAX, 0.0f64), |(l, h), &fee| (l.min(fee), h.max(fee)));
    assert!(high < 1.6 * low, "the fee settles: {low} to {high}");
    let per = |metric| output.metrics.get(metric).unwrap();
    let in_service =
        per(MetricId::BatchSize) * per(MetricId::Utilization) * per(MetricId::NodesAvailable);
    let fee = settled.iter().sum::<f64>() / settled.len() as f64;
    // Asks are log-normal around that of the posted price: the share of owners who ask at most the fee.
    let sizes = workload.sizes();
    let median = Rates::earning(0.4, &market.profiles[0], &sizes, 8)
        .output
        .amount()
        .as_f64();
    let willing = 400.0 * walras_des::normal_cdf((fee / median).ln() / 0.8);
    let used = in_service / (8.0 * willing);
    assert!(
        (0.4..0.6).contains(&used),
        "{used} of the slots are in use; willing {willing}, in service {in_service}"
    );
}
