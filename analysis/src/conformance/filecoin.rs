//! Filecoin: rewards in attoFIL, vesting by epochs, and the circulating supply of mechaFIL.

use walras_sim::token::filecoin::supply::{Day, Forecast, Forecaster, Power, Start, Supply};
use walras_sim::token::filecoin::{Allocation, Q128};
use walras_sim::token::vesting::{Locked, Quantised};
use walras_sim::units::Amount;

use super::{Set, Tally, Tolerance, Vectors};
use crate::calibration::data::DataError;

const ACTORS: &str = "filecoin-project/builtin-actors b0a3bdd6";

pub(super) const SETS: &[Set] = &[
    Set {
        protocol: "Filecoin",
        what: "simple reward of an epoch [attoFIL]",
        source: ACTORS,
        file: "filecoin/TestSimpleReward.golden",
        covers: &[],
        tolerance: Tolerance::Exact,
        check: simple,
    },
    Set {
        protocol: "Filecoin",
        what: "baseline reward between two network times [attoFIL]",
        source: ACTORS,
        file: "filecoin/TestBaselineReward.golden",
        covers: &[],
        tolerance: Tolerance::Exact,
        check: baseline,
    },
    Set {
        protocol: "Filecoin",
        what: "unlocked in each epoch of a vesting table",
        source: ACTORS,
        file: "filecoin_vesting.json",
        covers: &["cases"],
        tolerance: Tolerance::Exact,
        check: vesting,
    },
    Set {
        protocol: "Filecoin",
        what: "circulating supply by days, 16 columns, ten digits",
        source: "protocol/filecoin-mecha-twin 4218e611, run with synthetic inputs",
        file: "mechafil/golden_synthetic_supply.csv",
        covers: &[],
        tolerance: Tolerance::Relative(1e-9),
        check: supply,
    },
];

fn simple(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let allocation = Allocation::default();
    let none = Q128::default();
    let epochs: Vec<u64> = vectors.parsed("x")?;
    let rewards: Vec<i128> = vectors.parsed("y")?;
    for (epoch, expect) in epochs.into_iter().zip(rewards) {
        let found = allocation.reward(epoch, &none, &none).0;
        tally.vector(|vector| vector.whole(found, expect));
    }
    Ok(())
}

fn baseline(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let allocation = Allocation::default();
    let simple = allocation.reward(0, &Q128::default(), &Q128::default());
    let before: Vec<Q128> = vectors.parsed("t0")?;
    let after: Vec<Q128> = vectors.parsed("t1")?;
    let rewards: Vec<i128> = vectors.parsed("y")?;
    for ((before, after), expect) in before.iter().zip(&after).zip(rewards) {
        // The table leaves out what the simple part mints in epoch 0.
        let found = (allocation.reward(0, before, after) - simple).0;
        tally.vector(|vector| vector.whole(found, expect));
    }
    Ok(())
}

fn vesting(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let sum = Amount(vectors.at("vest_sum")?.whole()?);
    for case in vectors.at("cases")?.items()? {
        let of = |key: &str| case.at(key)?.count();
        let spec = Quantised {
            initial_delay: of("initial_delay")?,
            vest_period: of("vest_period")?,
            step_duration: of("step_duration")?,
            quantization: of("quantization")?,
        };
        let start = of("period_start")?;
        let expect = case.at("unlocked_at_epoch_offset")?.wholes()?;
        let mut locked = Locked::default();
        locked.add(&spec.tranches(sum, start, start));
        tally.vector(|vector| {
            for (epoch, expect) in (start..).zip(expect) {
                vector.whole(locked.unlock(epoch).0, expect);
            }
        });
    }
    Ok(())
}

/// The inputs of the run: see `golden_synthetic_inputs.txt` beside the table.
fn power(row: usize) -> Power {
    const EIB: f64 = (1_u64 << 60) as f64;
    const PIB: f64 = (1_u64 << 50) as f64;
    Power {
        raw: (3.0 + 0.012 * row as f64) * EIB,
        adjusted: (3.2 + 0.020 * row as f64) * EIB,
        onboarded: 20.0 * PIB,
        renewed: 8.0 * PIB,
    }
}

/// A column of the table, and what it is here.
type Column = (&'static str, fn(&Supply) -> f64);

const COLUMNS: &[Column] = &[
    ("circ_supply", |supply| supply.circulating),
    ("network_gas_burn", |supply| supply.burnt),
    ("day_locked_pledge", |supply| supply.pledged_today),
    ("day_renewed_pledge", |supply| supply.renewed_today),
    ("network_locked_pledge", |supply| supply.pledged),
    ("network_locked", Supply::locked),
    ("network_locked_reward", |supply| supply.locked_rewards),
    ("total_vest", |supply| supply.vested),
    ("cum_simple_reward", |supply| supply.minted_simple),
    ("network_baseline", |supply| supply.baseline),
    ("cum_capped_power", |supply| supply.realized),
    ("network_time", |supply| supply.network_time),
    ("cum_baseline_reward", |supply| supply.minted_baseline),
    ("cum_network_reward", Supply::minted),
    ("day_network_reward", |supply| supply.minted_today),
    ("days", |supply| f64::from(supply.day)),
];

fn supply(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let columns = COLUMNS
        .iter()
        .map(|(name, _)| vectors.numbers(name))
        .collect::<Result<Vec<_>, _>>()?;
    let start = Start {
        day: 152,
        circulating: 60e6,
        locked: 50e6,
        burnt: 1e6,
        vested: 0.0,
        realized: 1e21,
        power: power(0),
    };
    let mut forecaster = Forecaster::new(Forecast::default(), &start);
    for row in 0..columns[0].len() {
        let supply = if row == 0 {
            forecaster.supply()
        } else {
            forecaster.step(&Day {
                power: power(row),
                renewal_rate: 0.6,
                released: 150_000.0,
            })
        };
        tally.vector(|vector| {
            for ((name, of), column) in COLUMNS.iter().zip(&columns) {
                // The model fills the first day's reward with that of the second.
                if !(row == 0 && *name == "day_network_reward") {
                    vector.digits(of(supply), column[row], 10);
                }
            }
        });
    }
    Ok(())
}
