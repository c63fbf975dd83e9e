//! Intervals from one run, held against closed forms, and carried from the run to the disk and into words.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use walras_analysis::compare::Comparison;
use walras_analysis::estimate::one_run::{NoInterval, of_run};
use walras_analysis::estimate::{Interval, Method};
use walras_analysis::experiment::{Execution, Experiment, Run};
use walras_analysis::store::{load_whole, save};
use walras_des::{Dist, Span};
use walras_scenarios::{Options, execute, run as scenario_run};
use walras_sim::availability::Availability;
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
use walras_sim::record::{MetricId, Nothing};
use walras_sim::scheduling::Policy;
use walras_sim::sums::{SECTIONS, SumId};
use walras_sim::units::{Amount, Ppm};
use walras_sim::workload::{Slo, Source, Synthetic, Workload};
use walras_sim::world::{Settings, simulate};

/// Arrivals per second, and mean length of a prompt, of which one token takes a millisecond.
const RATE: f64 = 0.5;
const MEAN_TOKENS: f64 = 1_000.0;
/// A longer prompt takes more than one step.
const LONGEST: u32 = 1 << 16;
const IDLE: f64 = 100.0;
const ACTIVE: f64 = 400.0;

/// One server on which prompts are served one by one, in order: prefill is all the work there is.
fn server() -> Platform {
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
    let free = Roof {
        compute: f64::INFINITY,
        memory: f64::INFINITY,
        dequantization: f64::INFINITY,
        launch: 0.0,
        sharpness: 1.0,
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
        idle_power: IDLE,
        active_power: ACTIVE,
        slowdown_sigma: 0.0,
    };
    let deployment = Deployment {
        // Prompts in one step.
        token_budget: LONGEST,
        ..Deployment::single(model, Format::Bf16, 1)
    };
    let here = Region {
        name: "here".into(),
        electricity: 0.2,
        utc_offset: 0.0,
    };
    Platform {
        name: "server".into(),
        network: Arc::new(Network::new(vec![here], &[], 0.0).unwrap()),
        profiles: vec![Profile::new(&device, &deployment)],
        fleets: vec![Fleet {
            name: "one".into(),
            role: Role::Both,
            size: Size::Fixed(1),
            ownership: Ownership::One,
            devices: vec![Offer {
                profile: ProfileId(0),
                share: 1.0,
                usd_per_hour: 3.6,
            }],
            regions: vec![(RegionId(0), 1.0)],
            availability: Availability::Always,
            dispersed: false,
            ask_sigma: 0.0,
            access: Dist::constant(0.0).unwrap(),
            cold_start: None,
        }],
        policy: Policy::LeastLoaded,
        knowledge: Knowledge::default(),
        pricing: Pricing::Rental,
        settlement: Settlement {
            token_price: None,
            take_rate: Ppm::from_fraction(0.0),
            burn: Ppm::from_fraction(0.0),
            stake: Amount::ZERO,
            slash: Ppm::from_fraction(0.0),
        },
        retry: Retry {
            detection: Span::SECOND,
            max_attempts: 1,
        },
        slots: u32::MAX,
        outages: Vec::new(),
        kv_link: KvLink::default(),
    }
}

fn requests() -> Workload {
    Workload {
        source: Source::Synthetic(Synthetic {
            rate: RATE,
            gap: Dist::exponential(1.0).unwrap(),
            modulation: None,
            diurnal: None,
            prompt: Dist::exponential(MEAN_TOKENS).unwrap(),
            output: Dist::constant(1.0).unwrap(),
            correlation: 0.0,
        }),
        origins: vec![(RegionId(0), 1.0)],
        slo: Slo {
            ttft: Span::SECOND * 2,
            tpot: Span::SECOND,
        },
        patience: Span::HOUR,
        budget: None,
        prefixes: None,
    }
}

fn run(seed: u64) -> Run {
    let settings = Settings {
        horizon: Span::from_secs(40_300),
        warm_up: Span::from_secs(300),
        sample_every: Span::HOUR,
    };
    let output = simulate(&server(), &requests(), &settings, seed, 0, Nothing, &|| {
        false
    });
    Run::from(scenario_run::Run {
        platform: 0,
        replication: 0,
        output: output.unwrap(),
    })
}

/// A queue M/M/1 of load ½: response times are exponential of rate ½ per second, the server works half of the time, and what
/// it costs stands on the number of requests alone. 60 runs of 20,000 requests (seeds 700 to 759): at least 51 of 60 intervals
/// hold the truth with probability 99.8 % if 95 % of all do, and their mean width is that of the spread between runs, within
/// a quarter (its estimate has a relative error of 1/√(2·59), a tenth).
#[test]
fn intervals_of_one_run_hold_the_truth() {
    let decay: f64 = 1.0 - RATE;
    let quantile = |p: f64| -(1.0 - p).ln() / decay;
    let on_time = 1.0 - (-decay * 2.0).exp();
    let per_million = 1e6 / RATE;
    let kilowatts = (IDLE + (ACTIVE - IDLE) * RATE) / 1e3;
    let truths = [
        (MetricId::Utilization, RATE, Method::BatchMeans),
        (MetricId::SloAttainment, on_time, Method::BatchMeans),
        (MetricId::Goodput, RATE * on_time, Method::BatchMeans),
        (MetricId::OutputRate, RATE, Method::BatchMeans),
        (MetricId::TtftP50, quantile(0.5), Method::BatchQuantile),
        (MetricId::TtftP95, quantile(0.95), Method::BatchQuantile),
        (MetricId::TtftP99, quantile(0.99), Method::BatchQuantile),
        // Rent is a dollar in a thousand seconds.
        (
            MetricId::CostPerMillion,
            per_million / 1e3,
            Method::BatchMeans,
        ),
        (
            MetricId::Energy,
            per_million * kilowatts / 3_600.0,
            Method::BatchMeans,
        ),
    ];
    let runs: Vec<Run> = (700..760).map(run).collect();
    for (metric, truth, method) in truths {
        let (mut covered, mut named, mut width) = (0, 0, 0.0);
        let mut means = Vec::new();
        for run in &runs {
            let (estimate, why) = of_run(run, metric).unwrap();
            assert_eq!(why, None, "{metric:?}");
            let interval = estimate.interval.unwrap();
            covered += u32::from(interval.contains(truth));
            named += u32::from(estimate.method == method);
            width += interval.half_width() / 60.0;
            means.push(estimate.mean);
        }
        assert!(covered >= 51, "{metric:?}: {covered} of 60 hold {truth}");
        assert!(named >= 45, "{metric:?}: only {named} of 60 by {method:?}");
        let mean = means.iter().sum::<f64>() / 60.0;
        let variance = means.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 59.0;
        // Student's t of 15 degrees of freedom at 97.5 %, or less where there are more batches.
        let ratio = width / (2.06 * variance.sqrt());
        assert!(
            (0.75..1.33).contains(&ratio),
            "{metric:?}: {ratio} of the right width"
        );
    }
}

/// What does not vary within a run, hardly ever happens, or is of owners and not of time, has no interval, and says why.
#[test]
fn without_an_interval_there_is_a_reason() {
    let mut run = run(1);
    let expect = |metric: MetricId, why: NoInterval, run: &Run| {
        let (estimate, found) = of_run(run, metric).unwrap();
        assert_eq!((estimate.interval, estimate.n), (None, 1), "{metric:?}");
        assert_eq!(
            (estimate.method, found),
            (Method::OneRun, Some(why)),
            "{metric:?}"
        );
    };
    expect(MetricId::NodesAvailable, NoInterval::Constant, &run);
    expect(MetricId::Spend, NoInterval::Constant, &run);
    expect(MetricId::OwnerRevenue, NoInterval::Constant, &run);
    expect(MetricId::OwnersInProfit, NoInterval::OfWholeRun, &run);
    expect(MetricId::Rejected, NoInterval::Rare, &run);
    expect(MetricId::Completed, NoInterval::Rare, &run);
    assert_eq!(
        of_run(&run, MetricId::TpotP50),
        None,
        "answers of one token have none"
    );
    // A few hundred requests: the share above the 99th percentile is not told from none.
    for (i, sums) in run.sections.iter_mut().enumerate() {
        if i % 8 > 0 {
            let late = sums.get(SumId::Ttft);
            sums.set(SumId::TtftP99, late);
        } else {
            sums.set(
                SumId::TtftP99,
                sums.get(SumId::Ttft) * if i % 64 == 0 { 0.2 } else { 1.0 },
            );
        }
    }
    expect(MetricId::TtftP99, NoInterval::Tail, &run);
    run.sections.clear();
    expect(MetricId::Utilization, NoInterval::NotKept, &run);
}

/// A platform that breaks down for good half-way is no stationary process, and its figures say so.
#[test]
fn a_run_that_changes_within_says_so() {
    let mut run = run(2);
    for sums in &mut run.sections[SECTIONS / 2..] {
        sums.set(SumId::Busy, 0.0);
    }
    let (estimate, why) = of_run(&run, MetricId::Utilization).unwrap();
    assert_eq!((estimate.method, why), (Method::CorrelatedBatchMeans, None));
}

fn experiment(replications: &str) -> Experiment {
    let overrides = [("run.horizon", "2 h"), ("run.replications", replications)];
    let overrides = overrides.map(|(path, value)| (path.to_owned(), value.to_owned()));
    let scenario = walras_scenarios::load(Path::new("depin-vs-cloud"), &overrides, None).unwrap();
    let options = Options {
        threads: 1,
        pool: None,
        record_jobs: false,
        logbook: None,
        stop: &AtomicBool::new(false),
    };
    let results = execute(&scenario.plan, &options, &|_| {}).unwrap();
    Experiment::new(&scenario, results, Execution::default())
}

#[test]
fn sections_survive_the_disk_and_add_up_to_the_figures() {
    let one = experiment("1");
    let target = std::env::temp_dir().join(format!("walras-one-run-{}", std::process::id()));
    save(&one, &target).unwrap();
    let loaded = load_whole(&target).unwrap();
    std::fs::remove_dir_all(&target).unwrap();
    assert!(loaded.manifest.files.contains_key("sections.parquet"));
    assert!(loaded.runs == one.runs, "the runs changed on the way");
    for run in &loaded.runs {
        assert_eq!(run.sections.len(), SECTIONS);
        let of_requests =
            MetricId::all().filter(|metric| metric.kind() == walras_sim::record::Kind::Requests);
        for metric in of_requests.filter(|metric| metric.quantile().is_none()) {
            let ratios = run.sections.iter().filter_map(|sums| sums.ratio(metric));
            let (part, whole, scale) = ratios.fold((0.0, 0.0, 1.0), |sum, ratio| {
                (sum.0 + ratio.part, sum.1 + ratio.whole, ratio.scale)
            });
            if whole > 0.0 {
                let (sum, value) = (part / whole * scale, run.metrics.get(metric).unwrap());
                assert!(
                    (sum - value).abs() <= 1e-9 * value.abs(),
                    "{metric:?}: {sum} {value}"
                );
            }
        }
    }
    let comparison = Comparison::of(&loaded);
    let cost = comparison.estimate(MetricId::CostPerMillion, 0).unwrap();
    assert!(
        cost.interval
            .is_some_and(|Interval { low, high }| low < cost.mean && cost.mean < high)
    );
    let warnings = comparison.warnings.join("\n");
    assert!(
        warnings.contains("intervals stand on how its sections differ"),
        "{warnings}"
    );
    assert!(
        warnings.contains("it describes the whole run"),
        "{warnings}"
    );
    let gini = comparison.row(MetricId::OwnerGini).unwrap();
    assert!(
        gini.cells
            .iter()
            .any(|cell| cell.no_interval == Some(NoInterval::OfWholeRun))
    );
    // Several replications say more than their sections.
    let several = experiment("2");
    assert!(several.runs.iter().all(|run| run.sections.is_empty()));
}
