//! A scheduler of one's own against the built-in ones: prefer the nodes that have been up for longest.
//!
//! `cargo run --release -p walras-scenarios --example scheduler`

use std::path::Path;

use walras_des::Streams;
use walras_sim::record::{MetricId, Nothing, Output};
use walras_sim::scheduling::{Dispatch, Scheduler, by_score};
use walras_sim::world::{World, run};

fn main() {
    let scenario = walras_scenarios::load(Path::new("scheduler-race"), &[], None).expect("valid");
    let plan = &scenario.plan;
    let settings = plan.settings();
    let streams = Streams::new(plan.seed, 0);
    for platform in &plan.expect_requests().platforms {
        let built_in = platform.policy.build(&streams);
        let output = race(World::new(
            platform,
            &plan.expect_requests().workload,
            &settings,
            &streams,
            built_in,
            Nothing,
        ));
        show(&platform.name, &output);
    }
    let veteran =
        by_score(|_job, node, view| Some((view.now() - view.node(node).up_since).as_secs_f64()));
    let network = &plan.expect_requests().platforms[0];
    let output = race(World::new(
        network,
        &plan.expect_requests().workload,
        &settings,
        &streams,
        Dispatch(veteran),
        Nothing,
    ));
    show("veteran", &output);
}

fn race<S: Scheduler>(world: World<'_, S, Nothing>) -> Output {
    run(world, &|| false).expect("nobody stops it")
}

fn show(name: &str, output: &Output) {
    let of = |metric| output.metrics.get(metric).unwrap_or(f64::NAN);
    println!(
        "{name:20} {:5.1} % within objectives, {:.3} losses per thousand",
        of(MetricId::SloAttainment) * 100.0,
        of(MetricId::Losses)
    );
}
