//! Sweeps on disk: a point is what a single run gives, on any number of threads, in one go or in several.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use walras_analysis::compare::Comparison;
use walras_analysis::experiment::{Execution, Experiment};
use walras_analysis::record::MetricId;
use walras_analysis::sweep::{CampaignError, Swept, Watch, carry_out, csv};
use walras_analysis::{conduct, store};
use walras_scenarios::{Options, Progress, Sweep, sweep};

struct Nobody;

impl Watch for Nobody {
    fn begins(&self, _: usize) {}
    fn advances(&self, _: usize, _: Progress) {}
    fn ends(&self, _: usize) -> Execution {
        Execution::default()
    }
}

/// Sets the flag once so many points have ended.
struct StopAfter<'a>(usize, &'a AtomicBool);

impl Watch for StopAfter<'_> {
    fn begins(&self, point: usize) {
        if point >= self.0 {
            self.1.store(true, Ordering::Relaxed);
        }
    }
    fn advances(&self, _: usize, _: Progress) {}
    fn ends(&self, _: usize) -> Execution {
        Execution::default()
    }
}

const SET: [(&str, &str); 4] = [
    ("run.horizon", "20 min"),
    ("run.replications", "3"),
    ("platforms.depin.fleets.datacenter", "null"),
    ("run.warm_up", "1 min"),
];

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = list
        .iter()
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()));
    owned.collect()
}

/// A cloud and a network of some sizes at two loads.
fn plan(more: &[(&str, &str)]) -> Sweep {
    let axes = [
        ("platforms.depin.fleets.home.nodes", "20,60"),
        ("workload.rate_factor", "0.5,1"),
    ];
    let set = [&SET[..], more].concat();
    sweep::load(
        Path::new("depin-vs-cloud"),
        &pairs(&set),
        &pairs(&axes),
        None,
    )
    .unwrap_or_else(|issues| panic!("{issues}"))
}

fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sweep-{name}"));
    let _ = fs::remove_dir_all(&path);
    path
}

fn swept<'s>(sweep: &'s Sweep, out: &Path, threads: usize) -> Swept<'s> {
    try_swept(sweep, out, threads, &AtomicBool::new(false), &Nobody)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn try_swept<'s>(
    sweep: &'s Sweep,
    out: &Path,
    threads: usize,
    stop: &AtomicBool,
    watch: &dyn Watch,
) -> Result<Swept<'s>, CampaignError> {
    let options = Options {
        threads,
        pool: None,
        record_jobs: false,
        logbook: None,
        stop,
    };
    carry_out(sweep, out, &options, watch)
}

#[test]
fn a_point_is_a_single_run_and_threads_change_nothing() {
    let sweep = plan(&[]);
    let (one, two) = (folder("one"), folder("two"));
    let first = swept(&sweep, &one, 1);
    let table = csv(&first);
    assert_eq!(table, csv(&swept(&sweep, &two, 2)));
    assert!(table.starts_with(
        "point,platforms.depin.fleets.home.nodes,workload.rate_factor,platform,metric,"
    ));
    assert!(table.contains("\npoint-004,60,1,depin,ttft_p50,ratio,1,"));
    for point in &sweep.points {
        let scenario = sweep.scenario(point).unwrap();
        let options = Options {
            threads: 2,
            pool: None,
            record_jobs: false,
            logbook: None,
            stop: &AtomicBool::new(false),
        };
        let results = conduct::execute(&scenario.plan, &options, &|_| {}).unwrap();
        let alone = Experiment::new(&scenario, results, Execution::default());
        for out in [&one, &two] {
            let kept = store::load(&out.join(&point.name)).unwrap();
            assert_eq!(
                kept.manifest.digest, alone.manifest.digest,
                "{}",
                point.name
            );
            assert_eq!(kept.manifest.runs, alone.manifest.runs);
        }
        assert_eq!(
            first.at(&point.at),
            Some(&Comparison::of(
                &store::load(&one.join(&point.name)).unwrap()
            ))
        );
    }
    // Points meet the same requests where the workload is the same.
    let hashes = [0, 1, 2].map(|point| sweep.scenario(&sweep.points[point]).unwrap().workload_hash);
    assert!(hashes[0] == hashes[2] && hashes[0] != hashes[1]);
}

/// Of an interrupted sweep the finished points stay; the same call goes on, and the result is that of one go.
#[test]
fn an_interrupted_sweep_is_resumed() {
    let sweep = plan(&[]);
    let (whole, parts) = (folder("whole"), folder("parts"));
    let expected = csv(&swept(&sweep, &whole, 2));
    let stop = AtomicBool::new(false);
    let part = try_swept(&sweep, &parts, 1, &stop, &StopAfter(3, &stop)).unwrap();
    let kept: Vec<&str> = part
        .finished()
        .map(|(point, _)| point.name.as_str())
        .collect();
    assert!(part.is_partial() && kept.len() < 4, "{kept:?}");
    let on_disk = fs::read_dir(&parts).map_or(0, Iterator::count);
    assert_eq!(on_disk, kept.len(), "nothing half-written stays");
    assert_eq!(csv(&swept(&sweep, &parts, 2)), expected);
    let before = fs::metadata(parts.join("point-001/manifest.json"))
        .unwrap()
        .modified()
        .unwrap();
    fs::remove_dir_all(parts.join("point-002")).unwrap();
    assert_eq!(csv(&swept(&sweep, &parts, 2)), expected);
    let after = fs::metadata(parts.join("point-001/manifest.json"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(before, after, "what is finished is not run again");
}

#[test]
fn a_directory_of_something_else_is_refused() {
    let (sweep, other) = (plan(&[]), plan(&[("run.seed", "9")]));
    let out = folder("foreign");
    swept(&sweep, &out, 2);
    let nowhere = AtomicBool::new(false);
    let refused = |sweep: &Sweep| match try_swept(sweep, &out, 1, &nowhere, &Nobody) {
        Ok(_) => panic!("it was taken"),
        Err(error) => error.to_string(),
    };
    let message = refused(&other);
    assert!(
        message.contains("holds a `point-001` of another sweep or version"),
        "{message}"
    );
    fs::write(out.join("notes.txt"), "mine").unwrap();
    let message = refused(&sweep);
    assert!(
        message.contains("holds `notes.txt`, which is not of this sweep"),
        "{message}"
    );
    assert!(message.contains("help: name a new directory"), "{message}");
}

/// A warm-up that is found and a number of replications that is found, on a shared pool.
#[test]
fn what_is_found_is_found_at_every_point() {
    let more = [
        ("run.warm_up", "auto"),
        (
            "run.replications",
            "{precision: 20 %, of: [cost_per_million_output_tokens], at_least: 2, at_most: 6}",
        ),
        ("run.horizon", "1 h"),
    ];
    let sweep = plan(&more);
    let (one, two) = (folder("found-one"), folder("found-two"));
    assert_eq!(csv(&swept(&sweep, &one, 1)), csv(&swept(&sweep, &two, 3)));
    let kept = store::load(&one.join("point-003")).unwrap();
    assert!(kept.manifest.warm_up_found && kept.manifest.warm_up_s > 0.0);
}

/// The cloud is paid by the hour and starts with three instances: far dearer at little load, on every draw.
#[test]
fn the_better_platform_is_told_along_each_axis() {
    let sweep = plan(&[]);
    let out = folder("told");
    let told = swept(&sweep, &out, 2).findings(MetricId::CostPerMillion);
    let expect = [
        "Cost per million output tokens: depin is cheaper than cloud at every value of nodes.",
        "Cost per million output tokens: depin is cheaper than cloud at every value of rate_factor.",
    ];
    assert_eq!(told, expect);
}
