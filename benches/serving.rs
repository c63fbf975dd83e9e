//! One million chat requests on a thousand servers with continuous batching, chunked prefill and paged KV cache.
//!
//! Lengths are those of the Azure conversation trace (`azure-conv-2023`: 1,155 prompt and 211 output tokens on the average),
//! arrivals Poisson; each node is an L40S with Llama-3.1-8B, batches of up to 64 and 2,048 tokens per step; power of two choices.
//! *roomy* is that card with its own memory, *tight* one with blocks for a sixth of it, where requests are preempted.
//!
//! `cargo bench --bench serving` prints seconds of one thread's own time. Expected on one core of a 2020s server: 1 s for each (wanted: 20 s).

use std::path::Path;

use walras_benches::clusters::{cpu_seconds, peak_memory, platform};
use walras_des::Span;
use walras_sim::hardware::{Deployment, Profile};
use walras_sim::ids::RegionId;
use walras_sim::market::Pricing;
use walras_sim::record::{MetricId, Nothing};
use walras_sim::workload::{Source, Workload};
use walras_sim::world::{Settings, simulate};

const NODES: u32 = 1_000;
const REQUESTS: f64 = 1e6;
const MAX_BATCH: u32 = 64;

/// The scenario that the card, the model and the lengths are taken from.
fn ingredients() -> (Workload, Profile) {
    let scenario = walras_scenarios::load(Path::new("depin-vs-cloud"), &[], None)
        .expect("a library scenario is valid");
    let cloud = &scenario.plan.expect_requests().platforms[0];
    let (device, deployment) = (&cloud.profiles[0].device, &cloud.profiles[0].deployment);
    let deployment = Deployment {
        max_batch: MAX_BATCH,
        ..deployment.clone()
    };
    (
        scenario.plan.expect_requests().workload.clone(),
        Profile::new(device, &deployment),
    )
}

/// The workload as a Poisson process of `rate` requests per second.
fn poisson(mut workload: Workload, rate: f64) -> Workload {
    let Source::Synthetic(synthetic) = &mut workload.source else {
        unreachable!("the scenario fits its arrivals");
    };
    synthetic.rate = rate;
    synthetic.gap = walras_des::Dist::exponential(1.0).expect("a rate");
    synthetic.modulation = None;
    workload.origins = vec![(RegionId(0), 1.0)];
    workload.patience = Span::HOUR;
    workload
}

fn case(name: &str, profile: &Profile, workload: &Workload, per_node: f64) {
    let rate = per_node * f64::from(NODES);
    let workload = poisson(workload.clone(), rate);
    let horizon = Span::from_secs_f64(REQUESTS / rate);
    let settings = Settings {
        horizon,
        warm_up: Span::SECOND * 60,
        sample_every: Span::MINUTE,
    };
    let platform = platform(NODES, profile.clone(), 2 * MAX_BATCH, Pricing::Rental);
    let start = cpu_seconds();
    let output =
        simulate(&platform, &workload, &settings, 1, 0, Nothing, &|| false).expect("not stopped");
    let seconds = cpu_seconds() - start;
    let requests = output.counts.completed as f64;
    println!(
        "{name:<6} {per_node:.2} requests/s and node, {:>6} blocks: {requests} requests in {seconds:.2} s ({:.2} M/s), {:.1} events each, mean batch {:.1}, median and p99 of the first token {:.2} and {:.2} s, digest {}, peak memory {}",
        profile.kv_blocks,
        requests / seconds / 1e6,
        output.events as f64 / requests,
        output.metrics.get(MetricId::BatchSize).unwrap_or(0.0),
        output.latencies[walras_sim::record::Latency::Ttft].quantile(0.5),
        output.latencies[walras_sim::record::Latency::Ttft].quantile(0.99),
        output.digest,
        peak_memory()
    );
}

fn main() {
    let (workload, profile) = ingredients();
    let mut tight = profile.clone();
    tight.kv_blocks /= 6;
    case("roomy", &profile, &workload, 4.0);
    case("tight", &tight, &workload, 3.0);
}
