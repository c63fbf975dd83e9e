//! Indices of concentration: published cases, and the Gini coefficients of distributions.

use statrs::distribution::{ContinuousCDF, Normal};
use walras_sim::token::concentration::Holdings;

use super::{Set, Tally, Tolerance, Vectors};
use crate::calibration::data::DataError;

pub(super) const SETS: &[Set] = &[
    Set {
        protocol: "Concentration",
        what: "Gini, HHI, entropy, Theil, largest share, Nakamoto (≥)",
        source: "Blockchain-Technology-Lab/tokenomics-decentralization d854a8df",
        file: "concentration_vectors.json",
        covers: &["cases"],
        tolerance: Tolerance::Printed,
        check: cases,
    },
    Set {
        protocol: "Concentration",
        what: "Gini of uniform, exponential, Pareto and log-normal, from 200,000 quantiles each",
        source: "closed form, computed independently",
        file: "closed_forms.json",
        covers: &["gini"],
        tolerance: Tolerance::Absolute(2e-3),
        check: distributions,
    },
];

fn cases(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    for case in vectors.at("cases")?.items()? {
        let values = case.at("x")?.wholes()?;
        let values: Vec<f64> = values.into_iter().map(|value| value as f64).collect();
        let Some(holdings) = Holdings::new(&values) else {
            tally.vector(|vector| vector.holds(false));
            continue;
        };
        let fewest = |threshold| holdings.nakamoto_at_least(threshold) as f64;
        let found = [
            ("gini", holdings.gini()),
            ("hhi", holdings.herfindahl() * 1e4),
            ("entropy_bits", holdings.entropy()),
            ("theil_t", holdings.theil()),
            ("max_power_ratio", holdings.largest_share()),
            ("nakamoto_ge50", fewest(0.5)),
            ("tau33", fewest(0.33)),
            ("tau66", fewest(0.66)),
        ];
        let given = found.into_iter().filter(|(key, _)| case.has(key));
        let given = given.map(|(key, found)| Ok((found, case.at(key)?.number()?)));
        let given = given.collect::<Result<Vec<_>, DataError>>()?;
        tally.vector(|vector| {
            for (found, expect) in given {
                vector.number(found, expect);
            }
        });
    }
    Ok(())
}

fn distributions(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    const COUNT: u32 = 200_000;
    let case = vectors.at("gini")?;
    let normal = Normal::standard();
    let quantiles: [(&str, &dyn Fn(f64) -> f64); 4] = [
        ("uniform", &|p| p),
        ("exponential", &|p| -(-p).ln_1p()),
        ("pareto_a2", &|p| (1.0 - p).powf(-0.5)),
        ("lognormal_s1", &|p| normal.inverse_cdf(p).exp()),
    ];
    for (name, quantile) in quantiles {
        let middle = |i: u32| (f64::from(i) + 0.5) / f64::from(COUNT);
        let values: Vec<f64> = (0..COUNT).map(|i| quantile(middle(i))).collect();
        let found = Holdings::new(&values).map_or(f64::NAN, |holdings| holdings.gini());
        let expect = case.at(name)?.number()?;
        tally.vector(|vector| vector.number(found, expect));
    }
    Ok(())
}
