//! Akash: escrow, the mint of dollar credit, and inflation.

use walras_sim::token::akash::{Inflation, Vault, settle};
use walras_sim::units::Amount;

use super::{Set, Tally, Tolerance, Vectors};
use crate::calibration::data::DataError;

const NODE: &str = "akash-network/node 3efe26bf";
const API: &str = "akash-network/akash-api 439f3ee";

pub(super) const SETS: &[Set] = &[
    Set {
        protocol: "Akash",
        what: "escrow: paid to each lease, and the balance",
        source: NODE,
        file: "akash_vectors.json",
        covers: &["escrow_settle"],
        tolerance: Tolerance::Exact,
        check: escrow,
    },
    Set {
        protocol: "Akash",
        what: "blocks of a settlement epoch by collateral",
        source: NODE,
        file: "akash_vectors.json",
        covers: &["bme_epoch_backoff"],
        tolerance: Tolerance::Exact,
        check: backoff,
    },
    Set {
        protocol: "Akash",
        what: "swaps of ACT into AKT [uAKT]",
        source: NODE,
        file: "akash_vectors.json",
        covers: &["bme_swap"],
        tolerance: Tolerance::Exact,
        check: swaps,
    },
    Set {
        protocol: "Akash",
        what: "inflation of a block [% a year]",
        source: API,
        file: "akash_vectors.json",
        covers: &["inflation"],
        tolerance: Tolerance::Absolute(1e-12),
        check: inflation,
    },
    Set {
        protocol: "Akash",
        what: "ideal and lowest inflation [% a year]",
        source: "the rule, computed independently",
        file: "closed_forms.json",
        covers: &["akash_inflation"],
        tolerance: Tolerance::Relative(1e-12),
        check: path,
    },
];

fn escrow(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    for case in vectors.at("escrow_settle")?.items()? {
        let rates = case.at("rates")?.wholes()?.into_iter().map(Amount);
        let rates: Vec<Amount> = rates.collect();
        let deposit = Amount(case.at("balance_start")?.whole()?);
        let settlement = settle(deposit, &rates, case.at("blocks")?.count()?);
        let (balance, paid) = (
            case.at("balance_end")?.whole()?,
            case.at("transferred")?.wholes()?,
        );
        tally.vector(|vector| {
            vector.whole(settlement.balance().0, balance);
            vector.holds(settlement.paid.len() == paid.len());
            for (found, expect) in settlement.paid.iter().zip(paid) {
                vector.whole(found.0, expect);
            }
        });
    }
    Ok(())
}

fn backoff(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    for case in vectors.at("bme_epoch_backoff")?.items()? {
        let of = |key: &str| case.at(key)?.count();
        let vault = Vault {
            warn_bps: of("warn_bps")?,
            min_epoch: of("min_epoch_blocks")?,
            backoff: of("backoff_pct")?,
            ..Vault::default()
        };
        let found = vault.epoch_blocks(of("cr_bps")?);
        let expect = of("expected_blocks")?;
        tally.vector(|vector| vector.whole(found, expect));
    }
    Ok(())
}

fn swaps(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    for case in vectors.at("bme_swap")?.items()? {
        let vault = Vault {
            spread_bps: case.at("spread_bps")?.count()?,
            ..Vault::default()
        };
        let price = (case.at("akt_usd")?.number()? * 1e6).round() as u64;
        let burned = Amount(case.at("burn_uact")?.whole()?);
        let found = vault.swap(burned, 1_000_000, price);
        let expect = if case.has("mint_uakt") {
            Some((
                case.at("mint_uakt")?.whole()?,
                case.at("user_gets")?.whole()?,
            ))
        } else {
            None
        };
        tally.vector(|vector| match (found, expect) {
            (Some(swap), Some((minted, received))) => {
                vector.whole(swap.minted.0, minted);
                vector.whole(swap.received().0, received);
            }
            (found, expect) => vector.holds(found.is_none() && expect.is_none()),
        });
    }
    Ok(())
}

/// Seconds between the genesis and the block of the vector: 406 days, 3 h 28 min 26 s.
const SECONDS: f64 = 35_090_906.0;

fn inflation(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let case = vectors.at("inflation")?;
    let of = |key: &str| case.at(key)?.number();
    let times = (case.at("genesis")?, case.at("at")?);
    let inflation = Inflation {
        initial: of("I0")?,
        half_life: of("Tdecay")?,
        variance: of("variance")?,
        goal: of("goal")?,
        ..Inflation::default()
    };
    let found = inflation.next(of("prev")?, of("bonded")?, SECONDS);
    let expect = of("expected")?;
    let are_the_times =
        (times.0.text()?, times.1.text()?) == ("2021-03-08T15:00:00Z", "2022-04-18T18:28:26Z");
    tally.vector(|vector| {
        vector.holds(are_the_times);
        vector.number(found, expect);
    });
    Ok(())
}

fn path(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let expect = vectors.at("akash_inflation")?;
    let inflation = Inflation::default();
    let found = [
        (inflation.ideal(SECONDS), "ideal"),
        (inflation.next(0.0, 1.0, SECONDS), "min"),
        (inflation.next(0.0, 1.0, SECONDS), "expected"),
    ];
    for (found, key) in found {
        let expect = expect.at(key)?.number()?;
        tally.vector(|vector| vector.number(found, expect));
    }
    Ok(())
}
