//! Batch jobs from YAML to figures: closed forms, every scheduler by its name, timelines and stories against rows, bad input.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use walras_scenarios::schema::Schema;
use walras_scenarios::story::{self, Wanted, batch::Deed};
use walras_scenarios::timeline::{Kept, follow};
use walras_scenarios::{Options, Run, Scenario, SimTime, execute, load};
use walras_sim::cluster::bound::Relaxation;
use walras_sim::record::{Better, MetricId, Output};

fn file(name: &str, text: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("clusters");
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn scenario(name: &str, text: &str, set: &[(&str, &str)]) -> Scenario {
    let set: Vec<_> = set
        .iter()
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .collect();
    load(&file(name, text), &set, None).unwrap_or_else(|issues| panic!("{issues}"))
}

fn runs(scenario: &Scenario, threads: usize) -> Vec<Run> {
    let options = Options {
        threads,
        pool: None,
        record_jobs: true,
        logbook: None,
        stop: &AtomicBool::new(false),
    };
    execute(&scenario.plan, &options, &|_| {}).unwrap().runs
}

/// One server, exponential work of an hour, 0.8 jobs an hour.
const SERVER: &str = "\
walras: 1
question: How long do jobs take?
run: {horizon: 400 d, replications: 12, seed: 3, warm_up: 20 d}
jobs:
  source:
    synthetic:
      arrivals: {poisson: 0.8 /h}
      classes: {all: {share: 1, work: {exponential: {mean: 1 h}}}}
clusters:
  fcfs: {scheduler: fcfs, estimates: exact, nodes: {one: {count: 1, usd_per_hour: 2}}}
  srpt: {extends: fcfs, scheduler: srpt}
  ps: {extends: fcfs, scheduler: processor-sharing}
";

/// Mean and half of its 99.9 % interval over runs (Student t, 11 degrees of freedom).
fn interval(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, 4.437 * (variance / n).sqrt())
}

/// M/M/1 at load 0.8: 5 h under FCFS and PS, 2.3528 h under SRPT (numerical integration of Schrage and Miller 1966); utilization, and
/// what a node of 2 USD an hour costs for each of 0.8 jobs an hour.
#[test]
fn the_whole_chain_meets_theory() {
    let scenario = scenario("server.yaml", SERVER, &[]);
    let runs = runs(&scenario, 2);
    let of = |cluster: usize, metric: MetricId| -> Vec<f64> {
        let own = runs.iter().filter(|run| run.platform == cluster);
        own.map(|run| run.output.metrics.get(metric).unwrap())
            .collect()
    };
    for (cluster, truth) in [(0, 5.0), (1, 2.352_8), (2, 5.0)] {
        let (mean, half) = interval(&of(cluster, MetricId::ResponseMean));
        let (mean, half) = (mean / 3600.0, half / 3600.0);
        assert!(
            (mean - truth).abs() < half,
            "{cluster}: {mean} ± {half}, {truth}"
        );
        assert!(half < truth * 0.2, "{cluster}: ±{half}");
        let (used, half) = interval(&of(cluster, MetricId::CoreUtilization));
        assert!((used - 0.8).abs() < half.max(1e-3), "{used} ± {half}");
        let (cost, half) = interval(&of(cluster, MetricId::JobCost));
        assert!((cost - 2.5).abs() < half, "{cost} ± {half}");
    }
}

#[test]
fn threads_change_nothing_and_a_resolved_scenario_is_the_same() {
    let short = [("run.horizon", "40 d"), ("run.replications", "4")];
    let first = scenario("threads.yaml", SERVER, &short);
    let digests = |scenario: &Scenario, threads| -> Vec<_> {
        let runs = runs(scenario, threads);
        runs.iter().map(|run| run.output.digest).collect()
    };
    let one = digests(&first, 1);
    assert_eq!(one, digests(&first, 2));
    assert_eq!(one, digests(&first, 4));
    let again = scenario("resolved.yaml", &first.resolved, &[]);
    assert_eq!(one, digests(&again, 2));
    assert_eq!(first.input_hash, again.input_hash);
    assert_eq!(first.workload_hash, again.workload_hash);
}

/// A busy field with all kinds of jobs, on machines that come and go.
const FIELD: &str = "\
walras: 1
question: Does every scheduler do its work?
run: {horizon: 2 d, replications: 1, seed: 5}
jobs:
  objects: {count: 20, megabytes: 100}
  deadline_factor: 4
  checkpoint: {cost: 1 min, mtbf: 20 h}
  source:
    synthetic:
      arrivals: {poisson: 12 /h}
      users: {count: 3, exponent: 1}
      classes:
        small: {share: 5, work: {exponential: {mean: 20 min}}, walltime_factor: 3, reads: 1}
        gang: {share: 1, work: {exponential: {mean: 30 min}}, workers: {2: 1, 4: 1}, cores: 2, walltime_factor: 2}
        gpu: {share: 2, work: {exponential: {mean: 30 min}}, cores: 1, gpus: 0.5, memory_gib: 4}
        flow: {share: 1, work: {exponential: {mean: 5 min}}, workflow: {tasks: 12, megabytes: 200}}
        elastic: {share: 1, work: {exponential: {mean: 30 min}}, elastic: {min: 1, max: 4, cost: 10 s}}
clusters:
  it:
    scheduler: fcfs
    estimates: exact
    nodes:
      steady: {count: 4, cores: 4, memory_gib: 64, gpus: 2}
      home: {count: 6, cores: 2, memory_gib: 16, speed: 0.8, availability: evenings}
    network: {shared: {up_gbit_s: 1, down_gbit_s: 1}}
    storage: {pieces: 3}
availability:
  evenings: {up: {exponential: {mean: 9 h}}, down: {exponential: {mean: 3 h}}}
";

fn nobody_beats_the_bound(name: &str, field: &Scenario, output: &Output) {
    let (plan, batch) = (&field.plan, field.plan.batch().unwrap());
    let settings = plan.settings();
    let bounds = Relaxation::new(&batch.sites[0], &batch.workload, &settings, plan.seed, 0);
    let mut compared = 0;
    for metric in MetricId::all() {
        let bound = bounds.bound(metric, output.counts.completed);
        let (Some(bound), Some(value)) = (bound, output.metrics.get(metric)) else {
            continue;
        };
        compared += 1;
        let slack = 1e-9 * bound.abs();
        let holds = match metric.metric().better {
            Better::Higher => value <= bound + slack,
            Better::Lower | Better::Neither => value >= bound - slack,
        };
        assert!(
            holds,
            "{name}: {metric:?} of {value} beats the bound of {bound}"
        );
    }
    assert!(compared >= 8, "{name}: {compared} figures have a bound");
}

const CLASSES: &str = "jobs.source.synthetic.classes";

/// The names are those of the schema, so that a new one is run here.
#[test]
fn every_scheduler_can_be_named_and_does_all_jobs() {
    let schema = Schema::written();
    let root = walras_scenarios::schema();
    let options = root["$defs"]["ClusterSchedulerSpec"]["oneOf"]
        .as_array()
        .unwrap();
    let mut names: Vec<&str> = options
        .iter()
        .filter_map(|option| option.get("const")?.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() >= 27, "{names:?}");
    let document =
        fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("CLUSTERS.md"));
    let document = document.unwrap();
    for name in names {
        assert!(
            document.contains(&format!("`{name}`")),
            "{name} is in no table"
        );
        // Whoever divides the cores of a node takes tasks of one worker without GPUs alone.
        let set = vec![("clusters.it.scheduler", name)];
        if ["las", "processor-sharing"].contains(&name) {
            let others = ["gang", "gpu", "elastic"].map(|class| format!("{CLASSES}.{class}"));
            let all: Vec<(&str, &str)> =
                others.iter().map(|path| (path.as_str(), "null")).collect();
            let stay = vec![("clusters.it.nodes.home.availability", "null")];
            let plain = [set.clone(), all, stay].concat();
            assert!(
                told(&set).contains("divides cores between tasks of one worker"),
                "{name}"
            );
            let field = scenario(&format!("field-{name}.yaml"), FIELD, &plain);
            assert!(runs(&field, 1)[0].output.counts.completed > 300, "{name}");
            continue;
        }
        let field = scenario(&format!("field-{name}.yaml"), FIELD, &set);
        let tree = walras_scenarios::document::parse(&std::sync::Arc::new(
            walras_scenarios::issue::Source {
                name: name.to_owned(),
                text: FIELD.replace("scheduler: fcfs", &format!("scheduler: {name}")),
            },
        ));
        assert_eq!(schema.check(&tree.unwrap()), [], "{name}");
        let output = &runs(&field, 1)[0].output;
        assert_eq!(output.counts.live, 0, "{name}");
        assert_eq!(
            output.counts.completed + output.counts.rejected,
            output.counts.submitted,
            "{name}"
        );
        assert!(output.counts.submitted > 400, "{name}");
        nobody_beats_the_bound(name, &field, output);
        assert_eq!(output.batch_refusals, Vec::<String>::new(), "{name}");
    }
}

/// A timeline tells of every job as its row does, never twice in a lane, and changes nothing.
#[test]
fn timelines_and_stories_are_those_of_the_run() {
    for name in ["easy", "srpt", "heft", "elastic-sharing"] {
        let field = scenario("timeline.yaml", FIELD, &[("clusters.it.scheduler", name)]);
        let output: &Output = &runs(&field, 1)[0].output;
        let mut kept = Kept::default();
        let whole = (SimTime::ZERO, SimTime::MAX);
        let followed = follow(&field.plan, 0, 0, whole, &mut kept, &|| false);
        assert!(followed.is_whole);
        assert_eq!(followed.digest, output.digest, "{name}");
        assert_eq!(followed.counts.completed, output.counts.completed);
        let mut lanes = std::collections::BTreeMap::<(u32, usize), Vec<_>>::new();
        for life in &kept.lives {
            for visit in &life.visits {
                let lane = lanes.entry((visit.node, visit.lane)).or_default();
                lane.push(visit.stay.expect("tasks are on their nodes at once"));
            }
        }
        for stays in lanes.values_mut() {
            stays.sort_unstable();
            let apart = stays.windows(2).all(|pair| pair[0].1 <= pair[1].0);
            assert!(apart, "{name}: two visits overlap in a lane");
        }
        for row in &output.batch_jobs {
            let life = kept
                .lives
                .iter()
                .find(|life| life.job == row.serial)
                .unwrap();
            assert_eq!((life.submitted, life.ended), (row.submitted, row.ended));
            let first = life.visits.iter().map(|visit| visit.placed).min();
            assert_eq!(first, Some(row.started), "{name} job {}", row.serial);
        }
        let batch = field.plan.batch().unwrap();
        let slowest = story::find(&field.plan, 0, 0, Wanted::Slowest, &|| false).unwrap();
        let longest = (output.batch_jobs.iter())
            .max_by(|a, b| a.response().total_cmp(&b.response()))
            .unwrap();
        assert_eq!(slowest, longest.serial);
        let interrupted = story::find(&field.plan, 0, 0, Wanted::Retried, &|| false).unwrap();
        for serial in [slowest, interrupted] {
            let told = story::batch::story(&field.plan, batch, 0, 0, serial, &|| false).unwrap();
            let row = output
                .batch_jobs
                .iter()
                .find(|row| row.serial == serial)
                .unwrap();
            assert_eq!(told.end, Some(*row));
            let first = told.chapters.iter().find_map(|(at, deed)| match deed {
                Deed::Started { wait, .. } => Some((*at, wait.length)),
                _ => None,
            });
            let (at, waited) = first.expect("it started");
            assert_eq!(at, row.started);
            assert_eq!(at - row.submitted, waited, "{name} job {serial}");
            let lost = told
                .chapters
                .iter()
                .any(|(_, deed)| matches!(deed, Deed::Lost(..)));
            assert!(lost || serial != interrupted);
        }
    }
}

/// Six jobs in the Standard Workload Format, the last after a day.
const LOG: &str = "\
1 0 -1 100 2 -1 -1 2 200 -1 1 1 -1 -1 -1 -1 -1 -1
2 50 -1 300 1 -1 -1 1 400 -1 1 2 -1 -1 -1 -1 -1 -1
3 4000 -1 50 4 -1 -1 4 100 -1 1 1 -1 -1 -1 -1 -1 -1
4 20000 -1 600 1 -1 -1 1 700 -1 1 1 -1 -1 -1 -1 -1 -1
5 50000 -1 20 2 -1 -1 2 90 -1 1 2 -1 -1 -1 -1 -1 -1
6 86400 -1 70 1 -1 -1 1 90 -1 1 2 -1 -1 -1 -1 -1 -1
";

#[test]
fn a_record_is_one_path_unless_it_is_resampled() {
    file("six.swf", LOG);
    let text = "\
walras: 1
question: What does a record give?
run: {horizon: 2 d, replications: 3, seed: 1}
jobs: {source: {trace: six.swf}}
clusters: {one: {scheduler: fcfs, nodes: {all: {count: 1, cores: 4, memory_gib: 64}}}}
";
    let rows = |set: &[(&str, &str)]| -> Vec<Vec<(SimTime, f64)>> {
        let runs = runs(&scenario("six.yaml", text, set), 1);
        let row = |run: &Run| {
            let rows = run.output.batch_jobs.iter();
            rows.map(|row| (row.submitted, row.response())).collect()
        };
        runs.iter().map(row).collect()
    };
    let plain = rows(&[]);
    assert_eq!((plain[0].len(), &plain[0]), (6, &plain[1]));
    assert!((plain[0][0].1 - 100.0).abs() < 1e-9);
    let faster = rows(&[("jobs.rate_factor", "2")]);
    assert_eq!(
        faster[0].last().unwrap().0,
        SimTime::ZERO + walras_scenarios::Span::from_secs(43_200)
    );
    let drawn = rows(&[("jobs.resample", "6 h")]);
    assert!(drawn[0] != drawn[1] && drawn[1] != drawn[2]);
    // Two days of a record of six jobs in one day.
    let count = drawn.iter().map(Vec::len).sum::<usize>();
    assert!((12..=66).contains(&count), "{count}");
}

/// The message of a scenario with one thing wrong, without the frame around the place.
fn told(set: &[(&str, &str)]) -> String {
    let set: Vec<_> = set
        .iter()
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .collect();
    let loaded = load(&file("bad.yaml", FIELD), &set, None);
    loaded.map_or_else(|issues| issues.to_string(), |_| "nothing".to_owned())
}

#[test]
fn bad_input_is_told_with_what_would_work() {
    let class = |key: &str| format!("jobs.source.synthetic.classes.gpu.{key}");
    let cases: &[(&str, &str, &[&str])] = &[
        (
            &class("gpus"),
            "1.5",
            &["1.5 GPUs are neither a whole number nor a share of one"],
        ),
        (
            &class("workers"),
            "{0: 1}",
            &["`0` is no number of workers", "a whole number from 1"],
        ),
        (
            "jobs.checkpoint",
            "{cost: 1 min}",
            &["expected one of `interval` and `mtbf`, found neither"],
        ),
        (
            "jobs.checkpoint.interval",
            "1 h",
            &["expected one of `interval` and `mtbf`, found both"],
        ),
        (
            "clusters.it.storage.pieces",
            "11",
            &["11 pieces", "cannot lie on 10 nodes"],
        ),
        (
            "clusters.it.storage",
            "null",
            &[
                "nothing says how this cluster keeps them",
                "storage: {pieces: 3}",
            ],
        ),
        ("jobs.objects", "null", &["there are no objects to keep"]),
        ("clusters.it.scheduler", "las", &["divides cores between"]),
        (
            "clusters.it.scheduler",
            "{tiresias: {thresholds: [1 h, 10 min]}}",
            &["thresholds must rise"],
        ),
        (
            "clusters.it.scheduler",
            "hefty",
            &["unknown scheduler `hefty`", "did you mean `heft`?"],
        ),
        (
            "clusters.it.nodes",
            "null",
            &["expected one of `nodes` and `machines`, found neither"],
        ),
        (
            "clusters.it.nodes.home.region",
            "eu-west",
            &["some kinds of nodes say where they are"],
        ),
        ("clusters.it.nodes.home.cores", "-1", &["cores", "-1"]),
        (
            "clusters.it.nodes.home.availability",
            "never",
            &["unknown class of availability `never`"],
        ),
        (
            "jobs.source.synthetic.arrivals",
            "{poisson: 0 /h}",
            &["must be positive", "1 problem in"],
        ),
        (
            "jobs.source",
            "{trace: nothing.swf}",
            &["cannot read the jobs `nothing.swf`"],
        ),
        (
            "jobs.resample",
            "1 d",
            &["different in each replication anyway"],
        ),
        (
            "workload.model",
            "llama-3.1-8b",
            &["requests (`workload`) or about batch jobs (`jobs`)"],
        ),
        (
            "run.replications",
            "{precision: 5 %, of: [respons_time_mean]}",
            &["did you mean `response_time_mean`?"],
        ),
    ];
    for (path, value, parts) in cases {
        let said = told(&[(path, value)]);
        for part in *parts {
            assert!(said.contains(part), "{path}={value}: {said}");
        }
    }
    // All at once, each at its place.
    let said = told(&[
        (&class("gpus"), "1.5"),
        ("clusters.it.storage.pieces", "11"),
    ]);
    assert!(said.contains("2 problems"), "{said}");
    // A broken record is told with its own lines.
    file("broken.swf", &LOG.replace("300 1", "long 1"));
    let said = told(&[
        ("jobs.source", "{trace: broken.swf}"),
        ("jobs.objects", "null"),
        ("clusters.it.storage", "null"),
    ]);
    assert!(said.contains("broken.swf:2"), "{said}");
}
