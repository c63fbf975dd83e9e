//! Ethereum and Bitcoin: the base fee and its stability, issuance, and the supply of Bitcoin.

use walras_sim::market::next_base_fee;
use walras_sim::token::emission::{EthereumIssuance, Schedule};

use super::market::numbers;
use super::{INDEPENDENT, Set, Tally, Tolerance, Vectors};
use crate::calibration::data::DataError;

pub(super) const SETS: &[Set] = &[
    Set {
        protocol: "Ethereum",
        what: "EIP-1559: next base fee [wei]",
        source: "ethereum/go-ethereum 0b3e4b90, eip1559_test.go (numbers)",
        file: "fee_vectors.json",
        covers: &["eip1559"],
        tolerance: Tolerance::Exact,
        check: base_fee,
    },
    Set {
        protocol: "Ethereum",
        what: "EIP-1559: rest point and slope of the map, and mean fee while it is stable (λ < 17)",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &[
            "eip1559_uniform_lam2",
            "eip1559_uniform_lam5",
            "eip1559_uniform_lam10",
            "eip1559_uniform_lam16.5",
        ],
        tolerance: Tolerance::Absolute(1e-6),
        check: stable,
    },
    Set {
        protocol: "Ethereum",
        what: "EIP-1559: mean fee and swing beyond the boundary, where it is chaotic",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["eip1559_uniform_lam17.5", "eip1559_uniform_lam30"],
        tolerance: Tolerance::Relative(0.01),
        check: unstable,
    },
    Set {
        protocol: "Ethereum",
        what: "issuance and yield of 30 million ETH",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["eth_issuance"],
        tolerance: Tolerance::Relative(1e-12),
        check: issuance,
    },
    Set {
        protocol: "Bitcoin",
        what: "all that will be minted [satoshi]",
        source: "the schedule, summed independently",
        file: "closed_forms.json",
        covers: &["bitcoin_supply_sat"],
        tolerance: Tolerance::Exact,
        check: bitcoin,
    },
];

fn base_fee(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    for case in vectors.at("eip1559")?.items()? {
        let of = |key: &str| case.at(key)?.count();
        let target = of("gas_limit")? / 2;
        let fee = case.at("base_fee")?.whole()?;
        let found = next_base_fee(fee, of("gas_used")?, target, 8);
        let expect = case.at("expected")?.whole()?;
        tally.vector(|vector| vector.whole(found, expect));
    }
    Ok(())
}

/// Users whose values are uniform up to 100 and who are λ times as many as the target serves; blocks hold twice the target.
pub(super) struct Uniform {
    /// How many times as many (λ).
    pub crowding: f64,
}

impl Uniform {
    /// Units in which the fee is counted, so that rounding does not show.
    const UNIT: f64 = 1e12;
    const TARGET: u64 = 1_000_000_000_000;

    fn rest(&self) -> f64 {
        100.0 * (1.0 - 1.0 / self.crowding)
    }

    /// The fee after one block at this fee.
    fn next(&self, fee: i128) -> i128 {
        let willing = (1.0 - fee as f64 / Self::UNIT / 100.0).max(0.0);
        let used = (self.crowding * willing).min(2.0) * Self::TARGET as f64;
        next_base_fee(fee, used as u64, Self::TARGET, 8)
    }

    /// How a small distance from the rest point changes in a block.
    fn slope(&self) -> f64 {
        let rest = self.rest() * Self::UNIT;
        let away = 1e-6 * rest;
        let ahead = self.next((rest + away) as i128) as f64;
        let behind = self.next((rest - away) as i128) as f64;
        (ahead - behind) / (2.0 * away)
    }

    /// Whether a deviation of a thousandth from the rest point has become smaller after so many blocks that it would, just inside the
    /// boundary, too.
    pub fn calms_down(&self) -> bool {
        let rest = self.rest() * Self::UNIT;
        let start = (1.001 * rest) as i128;
        let end = (0..20_000).fold(start, |fee, _| self.next(fee));
        (end as f64 - rest).abs() < 0.001 * rest
    }

    /// Mean and swing over a thousand blocks, after as many.
    pub fn run(&self) -> (f64, f64) {
        let mut fee = (50.0 * Self::UNIT) as i128;
        let (mut sum, mut least, mut most) = (0.0, f64::INFINITY, 0.0_f64);
        for block in 0..2_000 {
            fee = self.next(fee);
            if block >= 1_000 {
                let fee = fee as f64 / Self::UNIT;
                sum += fee;
                least = least.min(fee);
                most = most.max(fee);
            }
        }
        (sum / 1_000.0, most - least)
    }
}

fn stable(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    for (name, crowding) in [
        ("eip1559_uniform_lam2", 2.0),
        ("eip1559_uniform_lam5", 5.0),
        ("eip1559_uniform_lam10", 10.0),
        ("eip1559_uniform_lam16.5", 16.5),
    ] {
        crowded(&vectors.key(name)?, crowding, tally)?;
    }
    Ok(())
}

fn unstable(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    crowded(&vectors.key("eip1559_uniform_lam17.5")?, 17.5, tally)?;
    crowded(&vectors.key("eip1559_uniform_lam30")?, 30.0, tally)
}

/// One case: λ, and what the fee does.
fn crowded(case: &Vectors, crowding: f64, tally: &mut Tally) -> Result<(), DataError> {
    let uniform = Uniform { crowding };
    let (mean, swing) = uniform.run();
    let found = [
        (uniform.rest(), "bstar"),
        (uniform.slope(), "theory_multiplier"),
        (mean, "mean"),
        (swing, "amp"),
    ];
    numbers(case, &found, tally)
}

fn issuance(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let case = vectors.at("eth_issuance")?;
    let issuance = EthereumIssuance::default();
    let staked = 30e6;
    let found = [
        (issuance.per_root(), "coef_per_sqrt_ETH"),
        (issuance.yield_at(staked) * staked, "issuance_30M"),
        (issuance.yield_at(staked), "apr_30M"),
    ];
    numbers(&case, &found, tally)
}

fn bitcoin(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let expect = vectors.at("bitcoin_supply_sat.total")?.whole()?;
    let found = Schedule::bitcoin().cap().map_or(0, |cap| cap.0);
    tally.vector(|vector| vector.whole(found, expect));
    Ok(())
}
