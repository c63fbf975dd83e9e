//! A small real experiment, from a scenario of the library to a run directory and back.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use walras_analysis::compare::Comparison;
use walras_analysis::experiment::{Execution, Experiment};
use walras_analysis::store::{load, save};
use walras_scenarios::{Options, execute};
use walras_sim::record::MetricId;

fn experiment(threads: usize) -> Experiment {
    let overrides = [
        ("run.horizon", "20 min"),
        ("run.replications", "3"),
        ("run.sample_every", "1 min"),
    ];
    let overrides = overrides.map(|(path, value)| (path.to_owned(), value.to_owned()));
    let scenario = walras_scenarios::load(Path::new("depin-vs-cloud"), &overrides, None)
        .expect("the library is sound");
    let options = Options {
        threads,
        pool: None,
        record_jobs: true,
        logbook: None,
        stop: &AtomicBool::new(false),
    };
    let results = execute(&scenario.plan, &options, &|_| {}).expect("no run breaks an invariant");
    Experiment::new(
        &scenario,
        results,
        Execution {
            threads,
            ..Execution::default()
        },
    )
}

#[test]
fn a_real_experiment_survives_the_disk_and_ignores_the_threads() {
    let one = experiment(1);
    let two = experiment(2);
    assert_eq!(one.manifest.digest, two.manifest.digest);
    assert!(
        one.runs == two.runs,
        "the number of threads changed a result"
    );
    let target = std::env::temp_dir().join(format!("walras-end-to-end-{}", std::process::id()));
    save(&one, &target).expect("the temporary directory can be written");
    let loaded = load(&target).expect("it was just written");
    std::fs::remove_dir_all(&target).expect("it is ours");
    let (before, after) = (Comparison::of(&one), Comparison::of(&loaded));
    assert!(before == after, "the comparison changed on the way");
    // Beside it: the share in the summary is that of the counts.
    for run in &loaded.runs {
        let share = run
            .metrics
            .get(MetricId::Completed)
            .expect("requests arrive within 20 minutes");
        let counts = run.counts;
        assert!(
            (share - counts.completed as f64 / counts.submitted as f64).abs() < 1e-9,
            "{share} and {counts:?}"
        );
    }
}
