//! The race for the event queue: `cargo bench -p walras-benches --bench queues`, five minutes; `WALRAS_RACE=full` adds 10⁷ pending.

use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use std::cell::LazyCell;
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;
use walras_benches::queues::{
    BinaryHeapQueue, FourAryHeap, LadderQueue, LazyBuckets, Queue, TimingWheel,
};
use walras_benches::recorded::Recording;
use walras_benches::workloads::{Hold, Increment, UpDown};
use walras_des::EventQueue;
use walras_scenarios::Plan;
use walras_sim::platform::Platform;
use walras_sim::record::Nothing;
use walras_sim::world::{Event, Playback};

const HOLDS: u64 = 20_000;

fn hold_one<Q: Queue<Event>>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    pending: u64,
    increment: Increment,
) {
    let mut hold = Hold::<Q>::new(pending, increment);
    hold.run(2 * pending);
    group.bench_function(BenchmarkId::new(name, pending), |b| {
        b.iter(|| hold.run(HOLDS));
    });
}

/// Pop the earliest event and push it again. The largest size takes a minute to fill and runs only with `WALRAS_RACE=full`.
fn hold(c: &mut Criterion) {
    let full = std::env::var("WALRAS_RACE").is_ok_and(|value| value == "full");
    for increment in Increment::ALL {
        let mut group = c.benchmark_group(format!("hold/{increment:?}"));
        group.throughput(Throughput::Elements(HOLDS));
        group.sample_size(10);
        group.warm_up_time(Duration::from_millis(100));
        group.measurement_time(Duration::from_millis(400));
        for pending in [1_000, 100_000, 1_000_000, 10_000_000] {
            if pending > 1_000_000 && !full {
                continue;
            }
            hold_one::<BinaryHeapQueue<Event>>(&mut group, "std", pending, increment);
            hold_one::<FourAryHeap<Event>>(&mut group, "4-ary", pending, increment);
            hold_one::<LadderQueue<Event>>(&mut group, "ladder", pending, increment);
            hold_one::<LazyBuckets<Event>>(&mut group, "lazy", pending, increment);
            hold_one::<TimingWheel<Event>>(&mut group, "wheel", pending, increment);
            hold_one::<EventQueue<Event>>(&mut group, "EventQueue", pending, increment);
        }
        group.finish();
    }
}

fn up_down_one<Q: Queue<Event>>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, peak: u64) {
    let mut model = UpDown::<Q>::new(peak);
    group.bench_function(BenchmarkId::new(name, peak), |b| b.iter(|| model.run()));
}

/// The population grows from nothing to a peak and drains again.
fn up_down(c: &mut Criterion) {
    let mut group = c.benchmark_group("up and down");
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(100));
    group.measurement_time(Duration::from_millis(400));
    for peak in [1_000, 100_000] {
        group.throughput(Throughput::Elements(UpDown::<EventQueue<Event>>::events(
            peak,
        )));
        up_down_one::<BinaryHeapQueue<Event>>(&mut group, "std", peak);
        up_down_one::<FourAryHeap<Event>>(&mut group, "4-ary", peak);
        up_down_one::<LadderQueue<Event>>(&mut group, "ladder", peak);
        up_down_one::<LazyBuckets<Event>>(&mut group, "lazy", peak);
        up_down_one::<TimingWheel<Event>>(&mut group, "wheel", peak);
        up_down_one::<EventQueue<Event>>(&mut group, "EventQueue", peak);
    }
    group.finish();
}

/// Events of a recording before the clock starts, so that the network is up and its customers wait; and while it runs.
const LEAD: usize = 20_000;
const TIMED: usize = 20_000;

/// The operations of the first events of a scenario on a platform, which every candidate reproduces.
fn record(scenario: &str, plan: &Plan, platform: &Platform) -> Recording {
    let (workload, settings) = (&plan.expect_requests().workload, plan.settings());
    let mut playback = Playback::simulate(platform, workload, &settings, plan.seed, 0, Nothing);
    let recording = Recording::new(&mut playback, LEAD + TIMED);
    println!(
        "recorded/{scenario}/{}: {} pending at {}",
        platform.name,
        recording.pending(),
        playback.now()
    );
    let reproduced = [
        recording.is_reproduced_by::<BinaryHeapQueue<Event>>(),
        recording.is_reproduced_by::<FourAryHeap<Event>>(),
        recording.is_reproduced_by::<LadderQueue<Event>>(),
        recording.is_reproduced_by::<LazyBuckets<Event>>(),
        recording.is_reproduced_by::<TimingWheel<Event>>(),
        recording.is_reproduced_by::<EventQueue<Event>>(),
    ];
    assert_eq!(reproduced, [true; 6], "the order is that of the run");
    recording
}

fn recorded_one<Q: Queue<Event>>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    platform: &str,
    recording: &impl Deref<Target = Recording>,
) {
    group.bench_function(BenchmarkId::new(name, platform), |b| {
        // Every pass has a queue of its own, which had the lead before.
        b.iter_batched_ref(
            || recording.queue::<Q>(LEAD),
            |queue| recording.replay_from(queue, LEAD),
            BatchSize::PerIteration,
        );
    });
}

/// The operations of scenarios of the library: pops, and pushes at the times at which the world made them.
fn recorded(c: &mut Criterion) {
    for name in ["churn", "price-discovery", "depin-vs-cloud"] {
        let mut group = c.benchmark_group(format!("recorded/{name}"));
        group.throughput(Throughput::Elements(TIMED as u64));
        group.sample_size(20);
        group.warm_up_time(Duration::from_millis(100));
        group.measurement_time(Duration::from_millis(400));
        let scenario = walras_scenarios::load(Path::new(name), &[], None);
        let plan = scenario.expect("a library scenario is valid").plan;
        for platform in &plan.expect_requests().platforms {
            // Seconds for the large network: only if it is asked for.
            let recording = LazyCell::new(|| record(name, &plan, platform));
            let platform = platform.name.as_str();
            recorded_one::<BinaryHeapQueue<Event>>(&mut group, "std", platform, &recording);
            recorded_one::<FourAryHeap<Event>>(&mut group, "4-ary", platform, &recording);
            recorded_one::<LadderQueue<Event>>(&mut group, "ladder", platform, &recording);
            recorded_one::<LazyBuckets<Event>>(&mut group, "lazy", platform, &recording);
            recorded_one::<TimingWheel<Event>>(&mut group, "wheel", platform, &recording);
            recorded_one::<EventQueue<Event>>(&mut group, "EventQueue", platform, &recording);
        }
        group.finish();
    }
}

criterion_group!(benches, hold, up_down, recorded);
criterion_main!(benches);
