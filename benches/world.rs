//! The world: one replication of the main job on each of its platforms, 24 hours of 480,000 requests.
//!
//! Expected on one core of a 2020s server: 0.4 s for the cloud, 0.6 s for the decentralized network of 5,000 nodes, so that
//! the whole job (two platforms, 20 replications) takes 10 s on two cores.

use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use walras_sim::record::Nothing;
use walras_sim::world::simulate;

fn main_job(c: &mut Criterion) {
    let scenario = walras_scenarios::load(Path::new("depin-vs-cloud"), &[], None)
        .expect("a library scenario is valid");
    let plan = &scenario.plan;
    let settings = plan.settings();
    let mut group = c.benchmark_group("main job");
    group.sample_size(10);
    for platform in &plan.expect_requests().platforms {
        group.bench_function(&platform.name, |b| {
            b.iter(|| {
                simulate(
                    platform,
                    &plan.expect_requests().workload,
                    &settings,
                    plan.seed,
                    0,
                    Nothing,
                    &|| false,
                )
                .expect("not stopped")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, main_job);
criterion_main!(benches);
