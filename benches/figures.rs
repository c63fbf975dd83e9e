//! The acceptance figures of the kernel, as ratios measured side by side in one process: `cargo bench -p walras-benches --bench figures`.
//!
//! The variants take turns in slices of milliseconds, and a figure is the lower decile of its slices: what the machine does when
//! nobody else uses it. Give names to run only some: `… --bench figures -- hold mmc threads`.

use std::hint::black_box;
use std::thread;
use std::time::Instant;

use walras_benches::queues::{BinaryHeapQueue, FourAryHeap};
use walras_benches::workloads::{Hold, HoldModel, Increment, MultiServer, stream};
use walras_des::{EventQueue, Purpose, SimTime, Span, Streams};
use walras_sim::world::Event;

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn lower_decile(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 10]
}

/// The hold model: `Engine` with draws and digest against a bare loop over the standard heap with the same draws.
fn hold() {
    println!("hold model, exponential [million/s]     Engine   std heap   ratio   (4-ary heap)");
    for (pending, holds, slices) in [
        (30, 10_000, 200),
        (100, 10_000, 200),
        (1_000, 20_000, 200),
        (100_000, 200_000, 15),
        (1_000_000, 500_000, 10),
    ] {
        let mut engine = HoldModel::engine(pending);
        let mut std = Drawn::<BinaryHeapQueue<Event>>::new(pending);
        let mut four = Drawn::<FourAryHeap<Event>>::new(pending);
        let slice = Span::from_secs_f64(holds as f64 / pending as f64);
        let mut limit = SimTime::ZERO + Span::SECOND * 3;
        engine.run_until(limit);
        std.run((2 * pending).min(1_000_000));
        four.run((2 * pending).min(1_000_000));
        let (mut ours, mut theirs, mut heaps) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..slices {
            limit += slice;
            let before = engine.events();
            let time = seconds(|| {
                engine.run_until(limit);
            });
            ours.push(time / (engine.events() - before) as f64);
            let fewer = holds / if pending < 100_000 { 1 } else { 4 };
            theirs.push(seconds(|| std.run(fewer)) / fewer as f64);
            heaps.push(seconds(|| four.run(fewer)) / fewer as f64);
        }
        let [ours, theirs, heaps] = [ours, theirs, heaps].map(|times| 1e-6 / lower_decile(times));
        println!(
            "  {pending:>9} pending {ours:25.1} {theirs:10.2} {:7.2}   ({heaps:.2})",
            ours / theirs
        );
    }
}

/// A bare hold loop that draws as the engine's model does.
struct Drawn<Q>(Hold<Q>, walras_des::Stream);

impl<Q: walras_benches::queues::Queue<Event>> Drawn<Q> {
    fn new(pending: u64) -> Self {
        Self(
            Hold::new(pending, Increment::Exponential),
            stream("increments"),
        )
    }

    fn run(&mut self, holds: u64) {
        let Self(hold, stream) = self;
        hold.run_with(holds, || Span::from_secs_f64(stream.exponential()));
    }
}

const SERVERS: u32 = 100;
const LOAD: f64 = 0.9;

/// M/M/c with c = 100 and ρ = 0.9, 5 million customers: `Engine` against loops by hand.
fn mmc() {
    const CUSTOMERS: u64 = 100_000;
    const RUNS: u64 = 50;
    let limit = SimTime::ZERO + Span::from_secs_f64(CUSTOMERS as f64 / LOAD / f64::from(SERVERS));
    let (mut ours, mut by_hand, mut std) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let mut served = 0;
        let time = seconds(|| {
            let mut engine = MultiServer::engine(SERVERS, LOAD);
            engine.run_until(limit);
            served = black_box(engine.model).responses.count();
        });
        ours.push(time / served as f64);
        let time = seconds(|| {
            black_box(MultiServer::by_hand::<EventQueue<Event>>(
                SERVERS, LOAD, CUSTOMERS,
            ));
        });
        by_hand.push(time / CUSTOMERS as f64);
        let time = seconds(|| {
            black_box(MultiServer::by_hand::<BinaryHeapQueue<Event>>(
                SERVERS, LOAD, CUSTOMERS,
            ));
        });
        std.push(time / CUSTOMERS as f64);
    }
    let [ours, by_hand, std] = [ours, by_hand, std].map(|times| 1e-6 / lower_decile(times));
    println!("M/M/100, ρ = 0.9, 50 × 100,000 customers with histogram [million customers/s]");
    println!(
        "  Engine {ours:.1}   by hand, same queue {by_hand:.1} ({:.2} times)   by hand, std heap {std:.1}",
        by_hand / ours
    );
}

/// Two replications in two threads against one in one.
fn threads() {
    fn scaling(name: &str, work: impl Fn(u64) + Sync) {
        let mut ratios: Vec<f64> = (0..15)
            .map(|_| {
                let one = seconds(|| work(0));
                let two = seconds(|| {
                    thread::scope(|scope| {
                        scope.spawn(|| work(0));
                        scope.spawn(|| work(1));
                    });
                });
                2.0 * one / two
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        println!(
            "  {name}: {:.2} (median of 15; best {:.2})",
            ratios[7], ratios[14]
        );
    }
    println!("replications per second of two threads to one");
    scaling("M/M/100", |_| {
        let mut engine = MultiServer::engine(SERVERS, LOAD);
        engine.run_until(SimTime::from_secs(10_000));
        black_box(engine.digest());
    });
    for (pending, seconds) in [(1_000, 1_000), (100_000, 15)] {
        scaling(&format!("hold at {pending}"), |_| {
            let mut engine = HoldModel::engine(pending);
            engine.run_until(SimTime::from_secs(seconds));
            black_box(engine.digest());
        });
    }
}

/// What a draw costs.
fn draws() {
    fn cost(name: &str, mut draw: impl FnMut()) {
        const DRAWS: u32 = 10_000;
        let slices = (0..200).map(|_| seconds(|| (0..DRAWS).for_each(|_| draw())));
        let each = lower_decile(slices.collect()) / f64::from(DRAWS);
        println!("  {name:<24} {:5.2} ns", each * 1e9);
    }
    println!("draws");
    let mut source = stream("draws");
    cost("64 bits", || _ = black_box(source.below(1 << 63)));
    cost("uniform", || _ = black_box(source.uniform()));
    cost("exponential", || _ = black_box(source.exponential()));
    cost("exponential as a span", || {
        _ = black_box(Span::from_secs_f64(source.exponential()));
    });
    cost("normal", || _ = black_box(source.normal()));
    let streams = Streams::new(1, 0);
    let mut entity = 0;
    cost("open a stream", || {
        entity += 1;
        black_box(streams.open(Purpose::new("bench"), entity));
    });
}

fn main() {
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with("--"))
        .collect();
    let parts: [(&str, fn()); 4] = [
        ("hold", hold),
        ("mmc", mmc),
        ("threads", threads),
        ("draws", draws),
    ];
    for (name, part) in parts {
        if named.is_empty() || named.iter().any(|wanted| wanted == name) {
            part();
        }
    }
}
