//! Render: emission of the first years, and the examples of RNP-023.

use walras_sim::token::render::{Product, emission};
use walras_sim::units::{Amount, Ppm};

use super::{Set, Tally, Tolerance, Vectors};
use crate::calibration::data::DataError;

const RNPS: &str = "rendernetwork/RNPs a7ced774";

pub(super) const SETS: &[Set] = &[
    Set {
        protocol: "Render",
        what: "RNP-023: burned, minted and net at drifting prices [RENDER]",
        source: RNPS,
        file: "render_vectors.json",
        covers: &["rnp023_examples"],
        tolerance: Tolerance::Printed,
        check: drift,
    },
    Set {
        protocol: "Render",
        what: "RNP-001 and -006: emission of a month [RENDER]",
        source: RNPS,
        file: "render_vectors.json",
        covers: &["year1_emission", "year1_monthly", "year3_monthly"],
        tolerance: Tolerance::Exact,
        check: months,
    },
];

fn drift(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    for example in vectors.at("rnp023_examples")?.items()? {
        let of = |key: &str| example.at(key)?.number();
        let product = Product {
            burn_share: Ppm::from_fraction(of("burn_share")?),
            reward_share: Ppm::from_fraction(of("reward_share")?),
        };
        let revenue = Amount::from_f64(of("revenue_usd")?);
        let burned = product.burned(revenue, Amount::from_f64(of("price_burn")?));
        let expect = of("burned")?;
        tally.vector(|vector| vector.number(burned.as_f64(), expect));
        for case in example.at("cases")?.items()? {
            let price = Amount::from_f64(case.at("price_mint")?.number()?);
            let minted = product.minted(revenue, price);
            let (mint, net) = (case.at("minted")?.number()?, case.at("net_burn")?.number()?);
            tally.vector(|vector| {
                vector.number(minted.as_f64(), mint);
                vector.number((burned - minted).as_f64(), net);
            });
        }
    }
    Ok(())
}

fn months(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let third = vectors.at("year3_monthly")?.whole()?;
    let schedule = emission(Amount(third * 12 * Amount::SCALE), 3);
    let year = vectors.at("year1_emission")?.whole()?;
    tally.vector(|vector| vector.whole(schedule.before(12).0, year * Amount::SCALE));
    for (month, key) in [(0, "year1_monthly"), (24, "year3_monthly")] {
        let expect = vectors.at(key)?.whole()? * Amount::SCALE;
        tally.vector(|vector| vector.whole(schedule.at(month).0, expect));
    }
    Ok(())
}
