//! Livepeer: inflation from round to round.

use walras_sim::token::livepeer::{Minter, PERC_DIVISOR};
use walras_sim::units::Amount;

use super::{Set, Tally, Tolerance, Vectors};
use crate::calibration::data::DataError;

pub(super) const SETS: &[Set] = &[Set {
    protocol: "Livepeer",
    what: "inflation of the next round [10⁻⁹]",
    source: "livepeer/protocol f225b10c",
    file: "livepeer_vectors.json",
    covers: &["cases"],
    tolerance: Tolerance::Exact,
    check: inflation,
}];

fn inflation(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let target = vectors.at("defaults.target_bonding_pct")?.count()? * (PERC_DIVISOR / 100);
    for case in vectors.at("cases")?.items()? {
        let minter = Minter {
            inflation: case.at("inflation")?.count()?,
            change: case.at("change")?.count()?,
            target,
        };
        let above = case.at("above_target")?.flag()?;
        let bonded = if above { 600 } else { 400 };
        let found = minter.next_inflation(Amount(bonded), Amount(1_000));
        let expect = case.at("expected")?.count()?;
        tally.vector(|vector| vector.whole(found, expect));
    }
    Ok(())
}
