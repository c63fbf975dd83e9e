//! The kernel in criterion: the hold model and M/M/c through the engine, and what a draw costs.
//!
//! Expected on one core of a 2020s server: 40 million holds per second at 10³ pending, 10 million customers of M/M/100.
//! For ratios against other queues see `figures.rs` and `race.rs`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use walras_benches::workloads::{HoldModel, MultiServer, stream};
use walras_des::{Dist, Purpose, SimTime, Span, Streams};

const HOLDS: u64 = 100_000;

/// Pop the earliest event and push it again at an exponential increment.
fn hold(c: &mut Criterion) {
    let mut group = c.benchmark_group("hold");
    for pending in [1_000u64, 100_000] {
        group.throughput(Throughput::Elements(HOLDS));
        let mut engine = HoldModel::engine(pending);
        let slice = Span::from_secs_f64(HOLDS as f64 / pending as f64);
        let mut limit = SimTime::ZERO + Span::SECOND * 3;
        engine.run_until(limit);
        group.bench_function(BenchmarkId::from_parameter(pending), |b| {
            b.iter(|| {
                limit += slice;
                engine.run_until(limit)
            });
        });
    }
    group.finish();
}

/// M/M/100 at ρ = 0.9 with a histogram of response times.
fn multi_server(c: &mut Criterion) {
    const CUSTOMERS: u64 = 90_000;
    let mut group = c.benchmark_group("queueing");
    group.throughput(Throughput::Elements(CUSTOMERS));
    let mut engine = MultiServer::engine(100, 0.9);
    let mut limit = SimTime::ZERO;
    group.bench_function("M/M/100", |b| {
        b.iter(|| {
            limit += Span::SECOND * 1_000;
            engine.run_until(limit)
        });
    });
    group.finish();
}

fn draws(c: &mut Criterion) {
    let mut group = c.benchmark_group("draw");
    let cases = [
        ("exponential", Dist::exponential(1.0)),
        ("lognormal", Dist::lognormal(0.0, 1.0)),
        ("weibull", Dist::weibull(0.4, 1.0)),
        ("gamma", Dist::gamma(0.35, 1.0)),
    ];
    for (name, dist) in cases {
        let (dist, mut stream) = (dist.expect("valid parameters"), stream("draws"));
        group.bench_function(name, |b| b.iter(|| black_box(dist.sample(&mut stream))));
    }
    let streams = Streams::new(1, 0);
    let mut entity = 0;
    group.bench_function("open a stream", |b| {
        b.iter(|| {
            entity += 1;
            black_box(streams.open(Purpose::new("bench"), entity))
        });
    });
    group.finish();
}

criterion_group!(benches, hold, multi_server, draws);
criterion_main!(benches);
