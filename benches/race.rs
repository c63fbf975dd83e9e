//! The race for the event queue: `cargo bench -p walras-benches --bench queues`, five minutes; `WALRAS_RACE=full` adds 10⁷ pending.

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use std::time::Duration;
use walras_benches::queues::{
    BinaryHeapQueue, FourAryHeap, LadderQueue, LazyBuckets, Queue, TimingWheel,
};
use walras_benches::workloads::{Hold, Increment, UpDown};
use walras_des::EventQueue;
use walras_sim::world::Event;

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

criterion_group!(benches, hold, up_down);
criterion_main!(benches);
