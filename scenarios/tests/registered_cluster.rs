//! A scheduler for clusters that is not built in: registered under a name, named in YAML, run like any other.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use walras_scenarios::{Options, Registered, execute, load, register};
use walras_sim::cluster::TaskId;
use walras_sim::cluster::policy::fit::Fit;
use walras_sim::cluster::policy::ordered::{Blocked, Ordered};
use walras_sim::cluster::view::View;
use walras_sim::record::MetricId;

const SCENARIO: &str = "\
walras: 1
question: Does the shortest go first?
run: {horizon: 10 h, replications: 3, seed: 1}
jobs:
  source:
    synthetic:
      arrivals: {poisson: 0.9 /h}
      classes: {all: {share: 1, work: {exponential: {mean: 1 h}}}}
clusters:
  built-in: {scheduler: sjf, estimates: exact, nodes: {one: {count: 1}}}
  own: {extends: built-in, scheduler: {mine: {power: 2}}}
";

/// A key that orders as the length does gives the same runs as the built-in policy, to the digest.
#[test]
fn a_registered_scheduler_of_clusters_runs() {
    register(vec![Registered::of_cluster("mine", |parameters, _| {
        let power: i32 = parameters.get("power", 1)?;
        let key = move |task: TaskId, view: &View<'_>| {
            let estimate = view.task(task).estimate;
            estimate.map_or(f64::INFINITY, |length| length.as_secs_f64().powi(power))
        };
        Ok(Ordered::new(key, Fit::First, Blocked::Wait))
    })]);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("registered.yaml");
    std::fs::write(&path, SCENARIO).expect("a file");
    let scenario = load(&path, &[], None).unwrap_or_else(|issues| panic!("{issues}"));
    let options = Options {
        threads: 2,
        pool: None,
        record_jobs: false,
        logbook: None,
        stop: &AtomicBool::new(false),
    };
    let results = execute(&scenario.plan, &options, &|_| {}).expect("it runs");
    for pair in results.runs.chunks(2) {
        assert_eq!(pair[0].output.digest, pair[1].output.digest);
        assert!(pair[0].output.metrics.get(MetricId::ResponseMean).is_some());
    }
    let wrong = [(
        "clusters.own.scheduler".to_owned(),
        "{mine: {powr: 2}}".to_owned(),
    )];
    let told = load(&path, &wrong, None).expect_err("a typo").to_string();
    assert!(
        told.contains("`mine` has no parameter `powr`; it has `power`"),
        "{told}"
    );
}
