//! Bittensor: eight epochs of classic Yuma with bonds.

use walras_sim::token::yuma::{Bonds, Subnet, Yuma};

use super::{Set, Tally, Tolerance, Vectors};
use crate::calibration::data::DataError;

pub(super) const SETS: &[Set] = &[Set {
    protocol: "Bittensor",
    what: "classic Yuma: emission of each participant in an epoch [rao]",
    source: "opentensor/subtensor 14bc6f9f, test_bonds",
    file: "yuma_classic_bonds.json",
    covers: &["epochs"],
    // A hundred-thousandth of the 10⁹ rao of an epoch, as the vectors say.
    tolerance: Tolerance::Absolute(10_000.0),
    check: bonds,
}];

fn bonds(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let stakes = vectors.at("params.stakes")?.items()?;
    let stakes = stakes.iter().map(Vectors::count);
    let stakes = stakes.collect::<Result<Vec<_>, _>>()?;
    let emission = vectors.at("params.emission_rao")?.count()?;
    let alpha = vectors.at("params.alpha")?.number()?;
    let rules = Yuma {
        bonds_kept: ((1.0 - alpha) * 1e6).round() as u32,
        bonds: Bonds::Shared,
        ..Yuma::default()
    };
    let mut subnet = Subnet::new(stakes.len());
    for epoch in vectors.at("epochs")?.items()? {
        let rows = epoch.at("weights_u16")?.items()?;
        let rows = rows.iter().map(Vectors::wholes);
        let weights: Vec<Vec<u16>> = rows
            .map(|row| Ok(row?.into_iter().map(|weight| weight as u16).collect()))
            .collect::<Result<_, DataError>>()?;
        let found = subnet.epoch(&rules, &stakes, &weights, emission);
        let expect = epoch.at("expected_emission_rao")?.wholes()?;
        for (found, expect) in found.emission.iter().zip(expect) {
            tally.vector(|vector| vector.whole(found.0, expect));
        }
    }
    Ok(())
}
