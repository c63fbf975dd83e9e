//! Closed forms: burn and mint, contests, networks, prices, quadratic funding, Erlang's formulas, Sobol indices.

use walras_des::{Moments, Purpose, Streams};
use walras_sim::supply::contest::efforts;
use walras_sim::supply::feedback::{Fate, Feedback};
use walras_sim::token::burn_mint::{BurnMint, Valuation, steady_state};
use walras_sim::token::price::gbm::Gbm;
use walras_sim::token::rewards::quadratic;
use walras_sim::units::Amount;

use super::market::numbers;
use super::{INDEPENDENT, Set, Tally, Tolerance, Vectors};
use crate::calibration::data::DataError;
use crate::response::function::Known;
use crate::validation::theory::{erlang_b, erlang_c};

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
        protocol: "Contests",
        what: "Tullock with costs of 1, 1.2, 1.5 and 3: efforts, and what remains of the prize",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["tullock_asym", "tullock_best_response"],
        tolerance: Tolerance::Absolute(1e-9),
        check: contest,
    },
    Set {
        protocol: "Networks",
        what: "feedback of size on revenue: rest point over its formula (β = 1/2), growth and death about a critical mass (β = 1.2)",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["network_feedback"],
        tolerance: Tolerance::Absolute(1e-9),
        check: feedback,
    },
    Set {
        protocol: "Token price",
        what: "geometric Brownian motion: mean and deviation after a year, drift 0.1, volatility 0.6, a million draws",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["gbm"],
        tolerance: Tolerance::Absolute(5e-3),
        check: motion,
    },
    Set {
        protocol: "Sensitivity",
        what: "Sobol indices of the Ishigami function, its mean and variance",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["ishigami"],
        tolerance: Tolerance::Absolute(1e-3),
        check: ishigami,
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
    numbers(&case, &found, tally)
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
    numbers(&case, &found, tally)
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
    numbers(&case, &found, tally)
}

fn contest(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let costs = [1.0, 1.2, 1.5, 3.0];
    let found = efforts(100.0, &costs);
    let all: f64 = found.iter().sum();
    let case = vectors.at("tullock_asym")?;
    numbers(&case, &[(all, "X")], tally)?;
    let active = found.iter().filter(|&&effort| effort > 0.0).count();
    let expect = case.at("active")?.whole()?;
    tally.vector(|vector| vector.whole(active as i128, expect));
    let rents = found
        .iter()
        .zip(costs)
        .map(|(effort, cost)| 100.0 * effort / all - cost * effort);
    let rents: Vec<f64> = rents.collect();
    let lists = [
        (&found, case.at("x")?),
        (&rents, case.at("profits")?),
        (&found, vectors.at("tullock_best_response.x")?),
    ];
    for (found, expect) in lists {
        for (found, expect) in found.iter().zip(expect.items()?) {
            let expect = expect.number()?;
            tally.vector(|vector| vector.number(*found, expect));
        }
    }
    Ok(())
}

/// The file does not say from where and for how long its networks with a critical mass run, so that these are compared in kind.
fn feedback(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let case = vectors.at("network_feedback")?;
    let network = |elasticity: f64, speed: f64| Feedback {
        revenue: 40.0,
        elasticity,
        share: 0.8,
        cost: 2.0,
        speed,
    };
    let after = |network: Feedback, start: f64, steps: u32| {
        let rest = network.rest().unwrap_or(f64::NAN);
        (0..steps).fold(start * rest, |size, _| network.step(size)) / rest
    };
    let found = [
        (after(network(0.5, 1.0), 0.1, 1_000), "beta05_k1"),
        (after(network(0.5, 3.0), 1.1, 1_000), "beta05_k3"),
    ];
    numbers(&case, &found, tally)?;
    let critical = network(1.2, 0.5);
    for (start, key) in [(1.01, "beta12_up"), (0.99, "beta12_down")] {
        let (grows, grew) = (
            after(critical, start, 100) > 1.0,
            case.at(key)?.number()? > 1.0,
        );
        tally.vector(|vector| {
            vector.holds(critical.fate() == Fate::CriticalMass && grows == grew);
        });
    }
    Ok(())
}

fn motion(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let gbm = Gbm {
        drift: 0.1,
        volatility: 0.6,
    };
    let mut stream = Streams::new(3, 0).open(Purpose::new("price"), 0);
    let mut factors = Moments::new();
    for _ in 0..1_000_000 {
        factors.record(gbm.factor(1.0, &mut stream));
    }
    let found = [
        (factors.mean(), "theory"),
        (factors.variance().sqrt(), "sd_th"),
    ];
    numbers(&vectors.at("gbm")?, &found, tally)
}

/// Indices by the formula that `walras sensitivity --function ishigami` compares with; moments by the midpoint rule.
fn ishigami(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let case = vectors.at("ishigami")?;
    let (first, total) = (case.at("S1")?.items()?, case.at("ST")?.items()?);
    let known = Known::Ishigami.indices().unwrap_or_default();
    for ((found, first), total) in known.iter().zip(first).zip(total) {
        let (first, total) = (first.number()?, total.number()?);
        tally.vector(|vector| vector.number(found.0, first));
        tally.vector(|vector| vector.number(found.1, total));
    }
    let middle =
        |i: u32, n: u32| std::f64::consts::PI * (f64::from(2 * i + 1) / f64::from(n) - 1.0);
    let mut values = Moments::new();
    for i in 0..16 {
        for j in 0..16 {
            for k in 0..1_000 {
                let point = [middle(i, 16), middle(j, 16), middle(k, 1_000)];
                values.record(Known::Ishigami.at(&point)[0]);
            }
        }
    }
    let found = [(values.mean(), "mean"), (values.variance(), "var")];
    numbers(&case, &found, tally)
}
