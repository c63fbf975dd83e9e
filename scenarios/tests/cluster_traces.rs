//! Recorded jobs under schedulers: Philly, openb and `WfCommons`, as published.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use walras_scenarios::{Options, Scenario, execute, load};
use walras_sim::cluster::bound::Relaxation;
use walras_sim::record::{MetricId, Output};

/// A published file or folder; `None` where the data are not at hand.
fn data(file: &str) -> Option<PathBuf> {
    let data = std::env::var_os("WALRAS_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let path = data.join(file);
    if !path.exists() {
        println!("skipped: {file} is not there; set WALRAS_DATA");
    }
    path.exists().then(|| path.canonicalize().unwrap())
}

fn scenario(name: &str, text: &str) -> Scenario {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    load(&path, &[], None).unwrap_or_else(|issues| panic!("{issues}"))
}

fn outputs(scenario: &Scenario) -> Vec<Output> {
    let options = Options {
        threads: 2,
        pool: None,
        record_jobs: false,
        logbook: None,
        stop: &AtomicBool::new(false),
    };
    let runs = execute(&scenario.plan, &options, &|_| {}).unwrap().runs;
    runs.into_iter().map(|run| run.output).collect()
}

fn figure(output: &Output, metric: MetricId) -> f64 {
    output.metrics.get(metric).unwrap()
}

/// 82,247 jobs on 100 nodes of eight GPUs: all are done, by all the same GPU time, and who knows lengths does better.
#[test]
fn philly() {
    let Some(file) = data("traces/philly/philly.csv") else {
        return;
    };
    let text = format!(
        "walras: 1\nquestion: Which order?\nrun: {{horizon: 110 d, replications: 1, seed: 1}}\n\
         jobs: {{source: {{trace: {}}}}}\nclusters:\n  fcfs: {{scheduler: fcfs, estimates: exact, \
         nodes: {{gpu: {{count: 100, cores: 96, memory_gib: 512, gpus: 8}}}}}}\n  \
         sjf: {{extends: fcfs, scheduler: sjf}}\n  srpt: {{extends: fcfs, scheduler: srpt}}\n  \
         drf: {{extends: fcfs, scheduler: drf}}\n  easy: {{extends: fcfs, scheduler: easy}}\n",
        file.display()
    );
    let outputs = outputs(&scenario("philly.yaml", &text));
    for output in &outputs {
        assert_eq!(output.counts.submitted, 82_247);
        assert_eq!(output.counts.completed + output.counts.rejected, 82_247);
        assert_eq!(output.counts.completed, outputs[0].counts.completed);
    }
    let mean: Vec<f64> = outputs
        .iter()
        .map(|o| figure(o, MetricId::SlowdownMean))
        .collect();
    println!("bounded slowdown under fcfs, sjf, srpt, drf, easy: {mean:?}");
    assert!(
        mean[2] <= mean[1] && mean[1] < mean[0] && mean[4] < mean[0],
        "{mean:?}"
    );
}

/// 8,152 pods on 1,523 nodes, come three hundred times as fast so that GPUs fill up.
#[test]
fn openb() {
    let Some(folder) = data("traces/alibaba-openb") else {
        return;
    };
    let folder = folder.display();
    let text = format!(
        "walras: 1\nquestion: Which rule?\nrun: {{horizon: 20 h, replications: 1, seed: 1}}\n\
         jobs: {{source: {{trace: {folder}/openb_pod_list_default.csv}}, rate_factor: 300}}\nclusters:\n  \
         first: {{scheduler: {{fcfs: {{skip: true}}}}, machines: {folder}/openb_node_list_all_node.csv}}\n  \
         best: {{extends: first, scheduler: {{fcfs: {{skip: true, fit: best}}}}}}\n  \
         worst: {{extends: first, scheduler: {{fcfs: {{skip: true, fit: worst}}}}}}\n  \
         dot-product: {{extends: first, scheduler: {{fcfs: {{skip: true, fit: dot-product}}}}}}\n  \
         packing: {{extends: first, scheduler: {{fcfs: {{skip: true, fit: gpu-packing}}}}}}\n  \
         gradient: {{extends: first, scheduler: fragmentation-gradient-descent}}\n"
    );
    let scenario = scenario("openb.yaml", &text);
    assert_eq!(
        scenario.plan.batch().unwrap().sites[0].cluster.nodes.len(),
        1_523
    );
    let outputs = outputs(&scenario);
    let found: Vec<(f64, f64)> = outputs
        .iter()
        .map(|o| {
            (
                figure(o, MetricId::GpuUtilization),
                figure(o, MetricId::GpuFragmentation),
            )
        })
        .collect();
    println!("utilization and fragmentation of GPUs: {found:?}");
    for (output, (used, fragmented)) in outputs.iter().zip(&found) {
        // Those that were there for months are under way after ten horizons.
        assert_eq!((output.counts.live, output.counts.rejected), (41, 0));
        assert!(*used > 0.02 && *fragmented > 0.0 && *fragmented < 1.0);
    }
    // What the gradient is for.
    let least = found[..5].iter().map(|found| found.1).fold(1.0, f64::min);
    assert!(found[5].1 < least, "{found:?}");
}

/// Every workflow under three planners, none faster than the bound.
#[test]
fn wfcommons() {
    let Some(folder) = data("workflows") else {
        return;
    };
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        count += 1;
        let text = format!(
            "walras: 1\nquestion: How long?\nrun: {{horizon: 30 d, replications: 1, seed: 1}}\n\
             jobs: {{source: {{trace: {}}}}}\nclusters:\n  heft:\n    scheduler: heft\n    estimates: exact\n    \
             nodes: {{fast: {{count: 2, cores: 64, memory_gib: 4000, speed: 2}}, slow: {{count: 4, cores: 64, memory_gib: 4000}}}}\n    \
             network: {{alone: {{latency: 1 ms, gbit_s: 10}}}}\n  peft: {{extends: heft, scheduler: peft}}\n  \
             min-min: {{extends: heft, scheduler: min-min}}\n",
            path.display()
        );
        let scenario = scenario("workflow.yaml", &text);
        let batch = scenario.plan.batch().unwrap();
        let settings = scenario.plan.settings();
        let bound = Relaxation::new(&batch.sites[0], &batch.workload, &settings, 1, 0);
        let least = bound.bound(MetricId::Makespan, 1).unwrap();
        let outputs = outputs(&scenario);
        let found: Vec<f64> = outputs
            .iter()
            .map(|o| figure(o, MetricId::Makespan))
            .collect();
        println!(
            "{}: {found:?}, at least {least}",
            path.file_name().unwrap().display()
        );
        for makespan in found {
            assert!(
                makespan >= least * (1.0 - 1e-9),
                "{}: {makespan} < {least}",
                path.display()
            );
        }
    }
    assert!(count > 3, "{count} workflows");
}
