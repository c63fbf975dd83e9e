//! Closed forms: burn and mint, quadratic funding, and Erlang's formulas.

use walras_sim::token::burn_mint::{BurnMint, Valuation, steady_state};
use walras_sim::token::rewards::quadratic;
use walras_sim::units::Amount;

use super::{Set, Tally, Tolerance, Vectors};
use crate::calibration::data::DataError;
use crate::validation::theory::{erlang_b, erlang_c};

const INDEPENDENT: &str = "closed form, computed independently";

pub(super) const SETS: &[Set] = &[
    Set {
        protocol: "Burn and mint",
        what: "quantity theory: rest point, and supply and price after 199 epochs",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["bme_quantity_theory"],
        tolerance: Tolerance::Relative(1e-12),
        check: quantity_theory,
    },
    Set {
        protocol: "Burn and mint",
        what: "forward-looking price, and what is left in the end",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["bme_npv_capped"],
        tolerance: Tolerance::Absolute(1e-6),
        check: forward,
    },
    Set {
        protocol: "Quadratic funding",
        what: "total and match of contributions of 1, 4 and 9",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["quadratic_funding"],
        tolerance: Tolerance::Exact,
        check: funding,
    },
    Set {
        protocol: "Queues",
        what: "Erlang B and C",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["erlang"],
        tolerance: Tolerance::Relative(1e-12),
        check: erlang,
    },
];

/// Revenue of 50,000 dollars, emission of 10,000 tokens, held for 12 epochs, from 10⁸ tokens.
fn quantity_theory(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let case = vectors.at("bme_quantity_theory")?;
    let rest = steady_state(50_000.0, 10_000.0, 12.0);
    let mut market = BurnMint {
        valuation: Valuation::HoldingTime { epochs: 12.0 },
        supply: Amount::from_f64(1e8),
    };
    let (revenue, mint) = (Amount::from_f64(50_000.0), Amount::from_f64(10_000.0));
    for _ in 0..199 {
        market.step(revenue, mint, Amount::ZERO);
    }
    let supply = market.supply.as_f64();
    let price = market.step(revenue, mint, Amount::ZERO).price;
    let found = [
        (rest.supply, "S_inf"),
        (rest.price, "p_inf"),
        (supply, "S_200"),
        (price, "p_200"),
    ];
    for (found, key) in found {
        let expect = case.at(key)?.number()?;
        tally.vector(|vector| vector.number(found, expect));
    }
    Ok(())
}

/// Revenue of 100,000 dollars for ever at 1 % interest, for 1.1 million tokens, of which 100,000 are still to be minted.
fn forward(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let case = vectors.at("bme_npv_capped")?;
    let mut market = BurnMint {
        valuation: Valuation::Forward {
            discount: 0.01,
            growth: 0.0,
        },
        supply: Amount::from_f64(1e6),
    };
    let (mint, epochs) = (Amount::from_f64(1_000.0), 100);
    let mut later = Amount(mint.0 * epochs);
    let mut first = 0.0;
    for epoch in 0..3_500 {
        let minted = if epoch < epochs { mint } else { Amount::ZERO };
        later -= minted;
        let found = market.step(Amount::from_f64(1e5), minted, later);
        if epoch == 0 {
            first = found.price;
        }
    }
    let found = [(first, "p0"), (market.supply.as_f64(), "final_supply")];
    for (found, key) in found {
        let expect = case.at(key)?.number()?;
        tally.vector(|vector| vector.number(found, expect));
    }
    Ok(())
}

fn funding(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let case = vectors.at("quadratic_funding")?;
    let given: Vec<Amount> = case.at("c")?.wholes()?.into_iter().map(Amount).collect();
    let (total, matched) = (case.at("total")?.whole()?, case.at("match")?.whole()?);
    for funded in quadratic(Amount(1_000), &[given]) {
        tally.vector(|vector| {
            vector.whole((funded.contributed + funded.matched).0, total);
            vector.whole(funded.matched.0, matched);
        });
    }
    Ok(())
}

fn erlang(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let case = vectors.at("erlang")?;
    let found = [
        (erlang_b(10, 5.0), "B_5_10"),
        (erlang_b(10, 8.0), "B_8_10"),
        (erlang_c(10, 8.0), "C_8_10"),
    ];
    for (found, key) in found {
        let expect = case.at(key)?.number()?;
        tally.vector(|vector| vector.number(found, expect));
    }
    Ok(())
}
