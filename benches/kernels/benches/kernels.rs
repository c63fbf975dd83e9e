//! The kernels in criterion: every row of the calibrator's table that takes less than a few milliseconds, with operands in turn.
//!
//! `CANDLE_NUM_THREADS=1 RAYON_NUM_THREADS=1 cargo bench -p walras-kernels` for one thread; a part of a name selects rows.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use walras_kernels::machine::Machine;
use walras_kernels::suite::{Effort, Row, table};

/// Rows whose operands and work are small enough for criterion's many repetitions.
fn is_short(row: &Row) -> bool {
    use walras_kernels::points::Op;
    match row {
        Row::Kernel(Op::Product { m, n, k, .. }) => m * n * k <= 1 << 24,
        Row::Kernel(Op::Prefill {
            tokens, context, ..
        }) => tokens * (tokens + context) <= 1 << 14,
        Row::Kernel(Op::Decode { .. } | Op::Pass { .. }) => true,
        Row::Block(layer) => layer.sequences * layer.tokens == 1 && layer.model.experts.is_none(),
    }
}

fn kernels(criterion: &mut Criterion) {
    let floor = 2.0 * Machine::this().last_level_cache as f64;
    for row in table().into_iter().filter(is_short) {
        let name = match &row {
            Row::Kernel(op) => op.to_string().replace("op: ", ""),
            Row::Block(layer) => {
                format!("block of {} in {}", layer.model.name, layer.format.name())
            }
        };
        let mut group = criterion.benchmark_group("kernels");
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |bencher| {
            // The row prepares its operands and times itself, without waiting for a processor.
            bencher.iter_custom(|count| {
                let effort = Effort {
                    rounds: 1,
                    budget: Duration::MAX,
                    runs: count as usize,
                };
                let runs = row.measure(effort, floor).expect("a kernel of the table");
                Duration::from_secs_f64(runs.seconds.iter().sum())
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500));
    targets = kernels
}
criterion_main!(benches);
