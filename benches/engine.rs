//! The kernel: the hold model through the queue and through the engine, and what a draw costs.
//!
//! Expected on one core of a 2020s server, in million per second: queue 30 at 10³ pending and 15 at 10⁵, engine a tenth less.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use walras_des::{
    Context, Dist, Engine, Event, EventQueue, Model, Purpose, SimTime, Span, Stream, Streams,
};

const HOLDS: u64 = 100_000;

fn stream() -> Stream {
    Streams::new(1, 0).open(Purpose::new("bench"), 0)
}

/// Pop the earliest event and push it again at an exponential increment.
fn queue(c: &mut Criterion) {
    let mut group = c.benchmark_group("hold/queue");
    group.throughput(Throughput::Elements(HOLDS));
    for pending in [1_000u64, 100_000] {
        let mut stream = stream();
        let mut queue = EventQueue::with_capacity(pending as usize);
        for event in 0..pending {
            queue.push(
                SimTime::ZERO + Span::from_secs_f64(stream.exponential()),
                0,
                event,
            );
        }
        group.bench_function(BenchmarkId::from_parameter(pending), |b| {
            b.iter(|| {
                for _ in 0..HOLDS {
                    let (time, rank, event) = queue.pop().expect("the queue never empties");
                    queue.push(
                        time + Span::from_secs_f64(stream.exponential()),
                        rank,
                        event,
                    );
                }
            });
        });
    }
    group.finish();
}

#[derive(Clone, Copy)]
struct Tick(u64);

impl Event for Tick {
    fn rank(&self) -> u8 {
        0
    }

    fn word(&self) -> u64 {
        self.0
    }
}

struct Hold(Stream);

impl Model for Hold {
    type Event = Tick;

    fn handle(&mut self, event: Tick, cx: &mut Context<Tick>) {
        cx.after(Span::from_secs_f64(self.0.exponential()), event);
    }
}

/// The same through the whole engine, with its digest. One million events on average in a slice.
fn engine(c: &mut Criterion) {
    let mut group = c.benchmark_group("hold/engine");
    for pending in [1_000u64, 100_000] {
        group.throughput(Throughput::Elements(HOLDS));
        let mut engine = Engine::new(Hold(stream()));
        for event in 0..pending {
            engine
                .context_mut()
                .after(Span::from_nanos(event), Tick(event));
        }
        let slice = Span::from_secs_f64(HOLDS as f64 / pending as f64);
        let mut limit = SimTime::ZERO + Span::SECOND;
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

fn draws(c: &mut Criterion) {
    let mut group = c.benchmark_group("draw");
    let cases = [
        ("exponential", Dist::exponential(1.0)),
        ("lognormal", Dist::lognormal(0.0, 1.0)),
        ("weibull", Dist::weibull(0.4, 1.0)),
        ("gamma", Dist::gamma(0.35, 1.0)),
    ];
    for (name, dist) in cases {
        let (dist, mut stream) = (dist.expect("valid parameters"), stream());
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

criterion_group!(benches, queue, engine, draws);
criterion_main!(benches);
