//! Executing a plan: order, threads, recording and interruption change nothing in the results.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use walras_scenarios::plan::Subject;
use walras_scenarios::{Options, Plan, Results, execute, load};
use walras_sim::record::MetricId;

/// A few minutes of a small network and a small cloud.
fn plan() -> Plan {
    let set = [
        ("run.horizon", "4 min"),
        ("run.replications", "3"),
        ("workload.diurnal", "null"),
        ("platforms.depin.fleets.home.nodes", "60"),
        ("platforms.depin.fleets.datacenter.nodes", "4"),
    ];
    let overrides: Vec<_> = set
        .iter()
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .collect();
    load(Path::new("depin-vs-cloud"), &overrides, None)
        .unwrap_or_else(|issues| panic!("{issues}"))
        .plan
}

fn run(plan: &Plan, threads: usize, record_jobs: bool) -> Results {
    let stop = AtomicBool::new(false);
    execute(
        plan,
        &Options {
            threads,
            pool: None,
            record_jobs,
            logbook: None,
            stop: &stop,
        },
        &|_| {},
    )
    .unwrap()
}

#[test]
fn results_are_the_same_on_one_thread_and_on_four() {
    let plan = plan();
    let (one, four) = (run(&plan, 1, false), run(&plan, 4, false));
    let order: Vec<_> = one
        .runs
        .iter()
        .map(|run| (run.replication, run.platform))
        .collect();
    assert_eq!(order, [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]);
    assert_eq!((one.requested, one.interrupted), (6, false));
    for (a, b) in one.runs.iter().zip(&four.runs) {
        assert_eq!((a.platform, a.replication), (b.platform, b.replication));
        assert_eq!(a.output.digest, b.output.digest);
        assert_eq!(a.output.metrics, b.output.metrics);
        assert_eq!(a.output.samples, b.output.samples);
    }
    assert_ne!(
        one.runs[0].output.digest, one.runs[2].output.digest,
        "replications differ"
    );
    let submitted: Vec<_> = one
        .runs
        .iter()
        .map(|run| run.output.counts.submitted)
        .collect();
    assert!(
        submitted.chunks(2).all(|pair| pair[0] == pair[1]),
        "platforms of a replication meet the same requests: {submitted:?}"
    );
}

#[test]
fn recording_jobs_changes_nothing_else() {
    let mut plan = plan();
    plan.replications = 1;
    let (without, with) = (run(&plan, 2, false), run(&plan, 2, true));
    for (a, b) in without.runs.iter().zip(&with.runs) {
        assert_eq!(a.output.digest, b.output.digest);
        assert_eq!(a.output.metrics, b.output.metrics);
        assert!(a.output.jobs.is_empty() && !b.output.jobs.is_empty());
    }
}

#[test]
fn an_interrupted_execution_keeps_what_is_finished() {
    let plan = plan();
    let stop = AtomicBool::new(false);
    let seen = AtomicUsize::new(0);
    let options = Options {
        threads: 1,
        pool: None,
        record_jobs: false,
        logbook: None,
        stop: &stop,
    };
    let results = execute(&plan, &options, &|progress| {
        assert_eq!(progress.finished, seen.fetch_add(1, Ordering::Relaxed) + 1);
        stop.store(progress.finished == 3, Ordering::Relaxed);
    })
    .unwrap();
    assert!(results.interrupted);
    assert_eq!(results.requested, 6);
    let finished: Vec<_> = results
        .runs
        .iter()
        .map(|run| (run.replication, run.platform))
        .collect();
    assert_eq!(finished, [(0, 0), (0, 1), (1, 0)]);
}

#[test]
fn a_panic_names_the_run() {
    let mut plan = plan();
    // Requests from nowhere: lowering never makes such a plan.
    let mut requests = plan.expect_requests().clone();
    requests.workload.origins.clear();
    plan.subject = Subject::Requests(requests);
    let stop = AtomicBool::new(false);
    let error = execute(
        &plan,
        &Options {
            threads: 1,
            pool: None,
            record_jobs: false,
            logbook: None,
            stop: &stop,
        },
        &|_| {},
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("platform `cloud`, replication 0, seed 1: index out of bounds"),
        "{error}"
    );
}

/// Prompts that begin alike: with a cache of beginnings the same requests see their first tokens sooner, and a cloud that computes
/// each beginning once is busy for a shorter time. Without shared beginnings the cache changes nothing, to the last bit.
#[test]
fn shared_prefixes_are_computed_once() {
    let text = |prefixes: &str| {
        format!(
            "walras: 1\nquestion: q\nrun: {{horizon: 10 min, replications: 1, seed: 1}}\n\
             workload:\n  requests: azure-conv-2023\n  model: llama-3.1-8b\n  slo: {{ttft: 2 s, tpot: 100 ms}}\n  patience: 60 s\n{prefixes}\
             platforms:\n  plain: {{extends: hyperscaler, fleets: {{gpu: {{devices: {{l40s: {{share: 1}}}}}}}}}}\n  cached: {{extends: plain, serving: {{prefix_caching: true}}}}\n"
        )
    };
    let outputs = |name: &str, prefixes: &str| {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&file, text(prefixes)).expect("a file");
        let plan = load(&file, &[], None)
            .unwrap_or_else(|issues| panic!("{issues}"))
            .plan;
        let results = run(&plan, 1, false);
        [
            results.runs[0].output.clone(),
            results.runs[1].output.clone(),
        ]
    };
    let [plain, cached] = outputs("alone.yaml", "");
    assert_eq!(plain.digest, cached.digest);
    let shared = "  prefixes: {groups: 5, exponent: 1, tokens: {constant: 1024}}\n";
    let [plain, cached] = outputs("shared.yaml", shared);
    assert_eq!(plain.counts.submitted, cached.counts.submitted);
    let median = |output: &walras_sim::record::Output| {
        output
            .metrics
            .get(MetricId::TtftP50)
            .expect("requests were served")
    };
    assert!(
        median(&cached) < 0.9 * median(&plain),
        "{} s with a cache, {} s without",
        median(&cached),
        median(&plain)
    );
}

/// Every scheduler of the schema, by the name and the parameters that a user writes, serves requests and orders nothing illegal; and it
/// stands in the table of `SCHEDULERS.md`.
#[test]
fn every_scheduler_can_be_named_in_a_scenario() {
    let parameters = [
        ("power-of-choices", "{d: 3}"),
        ("quorum", "{copies: 3, agree: 2}"),
        ("deadline-and-budget", "{deadline: 20 s}"),
    ];
    let schema = walras_scenarios::schema();
    let table = include_str!("../SCHEDULERS.md");
    let options = schema["$defs"]["SchedulerSpec"]["oneOf"].as_array();
    let names: Vec<String> = (options.expect("alternatives").iter())
        .flat_map(|option| {
            let plain = option["const"].as_str().into_iter();
            let listed = option["enum"].as_array().into_iter().flatten();
            let tagged = option["properties"].as_object().into_iter();
            plain
                .chain(listed.filter_map(|name| name.as_str()))
                .chain(tagged.flat_map(|keys| keys.keys().map(String::as_str)))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(names.len() >= 17, "{names:?}");
    for name in names {
        assert!(
            table.contains(&format!("| `{name}` |")),
            "{name} is not in the table"
        );
        if name == "external" {
            // It takes a program: `external.rs` has some.
            continue;
        }
        let given = parameters.iter().find(|(policy, _)| *policy == name);
        let value = match given {
            Some((_, parameters)) => format!("{{{name}: {parameters}}}"),
            None => name.clone(),
        };
        let set = [
            ("run.horizon", "4 min"),
            ("run.replications", "1"),
            ("platforms.depin.fleets.home.nodes", "60"),
            ("platforms.depin.scheduler", value.as_str()),
            (
                "platforms.depin.knowledge",
                "{estimates: {noisy: {sigma: 0.5}}, state: {gossip: {every: 1 s, adds_own: true}}}",
            ),
        ];
        let set = set.map(|(path, value)| (path.to_owned(), value.to_owned()));
        let scenario = load(Path::new("depin-vs-cloud"), &set, None)
            .unwrap_or_else(|issues| panic!("{issues}"));
        let depin = scenario
            .plan
            .expect_requests()
            .platforms
            .iter()
            .position(|platform| platform.name == "depin");
        let results = run(&scenario.plan, 2, false);
        let output = &results
            .runs
            .iter()
            .find(|run| Some(run.platform) == depin)
            .expect("a run")
            .output;
        assert!(output.counts.completed > 500, "{name}: {:?}", output.counts);
        assert_eq!(output.refusals, [], "{name}");
    }
}
