//! Helium: the emission table of HIP-20 and the backstop of HIP-149.

use walras_sim::token::helium::{BONES, Backstop, Hip20Split, SmoothedBurn, hip20, tapered_total};
use walras_sim::units::Amount;

use super::{Set, Tally, Tolerance, Vectors};
use crate::calibration::data::DataError;

const HIP: &str = "helium/HIP 6f6d0ba0";
const PROGRAM: &str = "helium/helium-program-library 145947ee, backstop.rs";

pub(super) const SETS: &[Set] = &[
    Set {
        protocol: "Helium",
        what: "HIP-20: minted before and in each year [HNT]",
        source: HIP,
        file: "hip20_table.csv",
        covers: &[],
        tolerance: Tolerance::Printed,
        check: minted,
    },
    Set {
        protocol: "Helium",
        what: "HIP-20: shares of a year's emission [%]",
        source: HIP,
        file: "hip20_table.csv",
        covers: &[],
        tolerance: Tolerance::Exact,
        check: shares,
    },
    Set {
        protocol: "Helium",
        what: "HIP-149 backstop: re-emission, top-up, rewards, cap [bones]",
        source: PROGRAM,
        file: "helium_hip149_backstop.json",
        covers: &["vectors"],
        tolerance: Tolerance::Exact,
        check: backstop,
    },
    Set {
        protocol: "Helium",
        what: "HIP-149 supplement [HNT]",
        source: HIP,
        file: "helium_hip149_backstop.json",
        covers: &["supplement"],
        tolerance: Tolerance::Relative(1e-12),
        check: supplement,
    },
    Set {
        protocol: "Helium",
        what: "HIP-149 prices at which floor and cap bind, with a share of 25/28 [USD]",
        source: "the rule, computed independently",
        file: "closed_forms.json",
        covers: &["hip149"],
        tolerance: Tolerance::Relative(1e-9),
        check: thresholds,
    },
];

fn minted(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let schedule = hip20();
    let hnt = |amount: Amount| amount.0 as f64 / BONES as f64;
    let (before, during) = (
        vectors.numbers("hnt_at_start")?,
        vectors.numbers("hnt_minted")?,
    );
    for (year, (before, during)) in (0..).zip(before.into_iter().zip(during)) {
        tally.vector(|vector| {
            vector.number(hnt(schedule.before(year)), before);
            vector.number(hnt(schedule.at(year)), during);
        });
    }
    Ok(())
}

fn shares(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let columns = ["pct_poc", "pct_data", "pct_founders", "pct_consensus"]
        .into_iter()
        .map(|name| vectors.numbers(name))
        .collect::<Result<Vec<_>, _>>()?;
    for row in 0..columns[0].len() {
        let split = Hip20Split::of_year(row as u16 + 1);
        let found = [split.coverage, split.data, split.founders, split.consensus];
        tally.vector(|vector| {
            for (found, column) in found.into_iter().zip(&columns) {
                vector.number(f64::from(found) / 10.0, column[row]);
            }
        });
    }
    Ok(())
}

fn rules(vectors: &Vectors) -> Result<(Backstop, u64), DataError> {
    let of = |key: &str| vectors.at("constants")?.at(key)?.whole();
    let backstop = Backstop {
        emission: Amount(of("emission_bones")?),
        net_emissions_cap: Amount(of("net_emissions_cap")?),
        decimals: of("decimals_factor")?.unsigned_abs(),
        share: of("mobile_share_u32")? as u32,
        data_bucket: of("data_bucket_pct")? as u8,
    };
    Ok((backstop, of("mobile_dc_burned")? as u64))
}

fn backstop(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let (backstop, credits) = rules(vectors)?;
    for case in vectors.at("vectors")?.items()? {
        let of = |key: &str| case.at(key)?.whole();
        let burn = SmoothedBurn(Amount(of("smoothed_burn_bones")?));
        let price = (case.at("hnt_usd")?.number()? * 1e8).round() as u64;
        let epoch = backstop.epoch(burn, credits, price);
        let expect = [
            of("existing_re_emit")?,
            of("top_up")?,
            of("total_rewards")?,
            of("deployer_cap_hnt")?,
        ];
        let found = [
            epoch.re_emission,
            epoch.top_up,
            epoch.rewards,
            epoch.deployer_cap,
        ];
        tally.vector(|vector| {
            for (found, expect) in found.into_iter().zip(expect) {
                vector.whole(found.0, expect);
            }
        });
    }
    Ok(())
}

fn supplement(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let of = |key: &str| vectors.at("supplement")?.at(key)?.number();
    let total = tapered_total(
        of("flat_per_day")?,
        of("flat_epochs")? as u32,
        of("taper_epochs")? as u32,
    );
    let expect = of("total_epoch_start_aligned")?;
    tally.vector(|vector| vector.number(total, expect));
    Ok(())
}

fn thresholds(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let backstop = Backstop {
        share: (f64::from(u32::MAX) * 25.0 / 28.0).round() as u32,
        ..Backstop::default()
    };
    let (floor, cap) = backstop.thresholds(910_000_000);
    let expect = vectors.at("hip149")?;
    for (found, key) in [(floor, "floor_price"), (cap, "cap_price")] {
        let expect = expect.at(key)?.number()?;
        tally.vector(|vector| vector.number(found, expect));
    }
    Ok(())
}
