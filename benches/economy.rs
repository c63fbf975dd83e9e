//! Economies: steps in a second, each recorded.
//!
//! - *burn and mint*: the loop of burning, pricing and minting alone, with a row of eight figures for each step, as radCAD's example
//!   has them. radCAD 0.14 does 10,301 such steps in a second of one core (Python 3.11, measured on a machine like that of the
//!   README); wanted: 500 times as many.
//! - *a day of one network*: a whole epoch of an economy with a market, a token, owners and books, of the scenario `burn-share`.
//! - *ten years*: 3,650 daily epochs of 10,000 owners and a cloud, every epoch recorded. Wanted: 100 of them in 60 s on two cores.
//!
//! Expected on one core of a 2020s server: 20 million, 1 million, and a third of a second.

use std::hint::black_box;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use walras_scenarios::load;
use walras_scenarios::plan::Subject;
use walras_sim::economy::Economy;
use walras_sim::token::burn_mint::{BurnMint, Valuation, providers};
use walras_sim::units::Amount;
use walras_sim::world::Settings;

/// An economy of the library, with some values changed.
fn economy(name: &str, set: &[(&str, &str)]) -> (Economy, Settings) {
    let set = set
        .iter()
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()));
    let scenario = load(Path::new(name), &set.collect::<Vec<_>>(), None);
    let plan = scenario.unwrap_or_else(|issues| panic!("{issues}")).plan;
    let Subject::Economies(all) = &plan.subject else {
        panic!("{name} is about economies");
    };
    (all.economies[0].clone(), plan.settings())
}

fn burn_and_mint(c: &mut Criterion) {
    const STEPS: u64 = 100_000;
    let (revenue, mint) = (Amount::from_f64(50_000.0), Amount::from_f64(10_000.0));
    let mut group = c.benchmark_group("economy");
    group.throughput(Throughput::Elements(STEPS));
    group.bench_function("burn and mint", |b| {
        let run = |mut rows: Vec<[f64; 8]>| {
            let mut loop_ = BurnMint {
                valuation: Valuation::HoldingTime { epochs: 12.0 },
                supply: Amount::from_f64(1e6),
            };
            for step in 0..STEPS {
                let epoch = loop_.step(black_box(revenue), black_box(mint), Amount::ZERO);
                rows.push([
                    step as f64,
                    revenue.as_f64(),
                    epoch.price,
                    epoch.burned.as_f64(),
                    mint.as_f64(),
                    loop_.supply.as_f64(),
                    loop_.supply.as_f64() * epoch.price,
                    providers(epoch.price, mint.as_f64(), 40.0),
                ]);
            }
            rows
        };
        b.iter_batched(
            || Vec::with_capacity(STEPS as usize),
            run,
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn days_of_a_network(c: &mut Criterion) {
    let cloudless = ("economies.half.networks.cloud", "null");
    let few = ("economies.half.networks.depin.owners.potential", "100");
    let volume = ("customers.volume", "500");
    let (economy, settings) = economy("burn-share", &[cloudless, few, volume]);
    let days = settings.horizon.as_nanos() / economy.epoch.as_nanos();
    let mut group = c.benchmark_group("economy");
    group.throughput(Throughput::Elements(days));
    group.bench_function("a day of one network", |b| {
        b.iter(|| economy.simulate(&settings, 1, 0, &|| false));
    });
    group.finish();
}

fn ten_years(c: &mut Criterion) {
    let owners = ("economies.half.networks.depin.owners.potential", "10000");
    let years = ("run.horizon", "10 y");
    let daily = ("run.sample_every", "1 d");
    let (economy, settings) = economy("burn-share", &[owners, years, daily]);
    let mut group = c.benchmark_group("economy");
    group.sample_size(10);
    group.bench_function("ten years", |b| {
        b.iter(|| economy.simulate(&settings, 1, 0, &|| false));
    });
    group.finish();
}

criterion_group!(benches, burn_and_mint, days_of_a_network, ten_years);
criterion_main!(benches);
