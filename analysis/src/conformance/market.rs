//! Markets: blob fees, constant-product pools, double auctions, bonding curves.

use walras_des::{Purpose, Streams};
use walras_sim::market::blob_fee::{Schedule, fake_exponential};
use walras_sim::market::curve::Curve;
use walras_sim::market::efficiency::most_gains;
use walras_sim::market::first_price::FirstPrice;
use walras_sim::market::k_double::KDouble;
use walras_sim::market::mcafee::McAfee;
use walras_sim::market::pool::{Pool, output_of};
use walras_sim::market::trade_reduction::TradeReduction;
use walras_sim::market::uniform::{Marginal, UniformPrice};
use walras_sim::market::vcg::Vcg;
use walras_sim::market::vickrey::Vickrey;
use walras_sim::market::{Clearing, Fill, Market, Order};
use walras_sim::units::{Amount, Ppm};

use super::points::promises_of_mcafee;
use super::{INDEPENDENT, Set, Tally, Tolerance, Vectors};
use crate::calibration::data::DataError;

const GETH: &str = "ethereum/go-ethereum 0b3e4b90, eip4844_test.go (numbers)";
const MCAFEE: &str = "McAfee 1992 and textbook cases, computed by hand";

/// Blob fees, which stand beside the base fee.
pub(super) const FEES: &[Set] = &[
    Set {
        protocol: "Ethereum",
        what: "EIP-4844: fake exponential",
        source: GETH,
        file: "fee_vectors.json",
        covers: &["fake_exponential"],
        tolerance: Tolerance::Exact,
        check: exponential,
    },
    Set {
        protocol: "Ethereum",
        what: "EIP-4844: blob fee [wei]",
        source: GETH,
        file: "fee_vectors.json",
        covers: &["blob_fee_cancun"],
        tolerance: Tolerance::Exact,
        check: blob_fee,
    },
    Set {
        protocol: "Ethereum",
        what: "EIP-4844: excess blob gas",
        source: GETH,
        file: "fee_vectors.json",
        covers: &["excess_blob_gas_cancun"],
        tolerance: Tolerance::Exact,
        check: excess,
    },
    Set {
        protocol: "Ethereum",
        what: "EIP-4844 and 7691: growth of the blob fee by a full block, fall by an empty one",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["eip4844"],
        tolerance: Tolerance::Relative(1e-12),
        check: steps,
    },
];

pub(super) const SETS: &[Set] = &[
    Set {
        protocol: "Uniswap",
        what: "v2: what a swap gives [10⁻¹⁸]",
        source: "Uniswap/v2-core ee547b17, UniswapV2Pair.spec.ts (numbers)",
        file: "uniswap_v2_vectors.json",
        covers: &["get_amount_out"],
        tolerance: Tolerance::Exact,
        check: swaps,
    },
    Set {
        protocol: "Uniswap",
        what: "loss of a pool without fees against holding, if the price doubles and quadruples",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["imperm_loss"],
        tolerance: Tolerance::Absolute(1e-9),
        check: loss,
    },
    Set {
        protocol: "Bancor",
        what: "minted for 10 at reserve 250, supply 1,000 and weight 1/2; paid for 10 tokens",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["bancor"],
        tolerance: Tolerance::Relative(1e-9),
        check: bonding,
    },
    Set {
        protocol: "Double auctions",
        what: "McAfee, trade reduction and VCG: trades, prices, surplus; prices of the k-double auction",
        source: MCAFEE,
        file: "double_auction_examples.json",
        covers: &["mcafee", "trade_reduction", "vcg", "average_k"],
        tolerance: Tolerance::Exact,
        check: auctions,
    },
    Set {
        protocol: "Double auctions",
        what: "McAfee: lies that pay, and deficits, in 10,000 random markets",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["mcafee_properties"],
        tolerance: Tolerance::Exact,
        check: promises,
    },
    Set {
        protocol: "Double auctions",
        what: "k-double, one buyer and one seller: gains, probability of trade, and all gains there are, on a grid of 600 × 600",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["k_double_auction_uniform"],
        tolerance: Tolerance::Absolute(2e-3),
        check: bilateral,
    },
    Set {
        protocol: "Auctions",
        what: "five bidders: revenue of the second price, cost of the first and of the second in procurement, 200,000 draws",
        source: INDEPENDENT,
        file: "closed_forms.json",
        covers: &["first_price_procurement_n5", "second_price_revenue_n5"],
        tolerance: Tolerance::Absolute(2e-3),
        check: five_bidders,
    },
];

fn exponential(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    for row in vectors.at("fake_exponential")?.items()? {
        let row = row.wholes()?;
        let found = fake_exponential(
            row[0].unsigned_abs(),
            row[1].unsigned_abs(),
            row[2].unsigned_abs(),
        );
        tally.vector(|vector| vector.whole(found.cast_signed(), row[3]));
    }
    Ok(())
}

fn blob_fee(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    for row in vectors.at("blob_fee_cancun")?.items()? {
        let row = row.wholes()?;
        let found = Schedule::CANCUN.fee(row[0] as u64);
        tally.vector(|vector| vector.whole(found.0, row[1]));
    }
    Ok(())
}

fn excess(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let table = vectors.at("excess_blob_gas_cancun")?;
    let (schedule, blob) = (Schedule::CANCUN, table.at("blob")?.count()?);
    let target = table.at("target")?.whole()?;
    for row in table.at("cases")?.items()? {
        let row = row.wholes()?;
        let found = schedule.next_excess(row[0] as u64, row[1] as u64 * blob);
        tally.vector(|vector| {
            vector.whole(schedule.target * schedule.gas_per_unit, target);
            vector.whole(found, row[2]);
        });
    }
    Ok(())
}

/// Fees are counted in billionths of a wei, and so high, that rounding does not show.
fn steps(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let growth = |schedule: Schedule, units: u64| {
        let schedule = Schedule {
            min_fee: 1_000_000_000,
            ..schedule
        };
        let before = 30 * schedule.update_fraction;
        let after = schedule.next_excess(before, units * schedule.gas_per_unit);
        schedule.fee(after).0 as f64 / schedule.fee(before).0 as f64
    };
    let found = [
        (
            growth(Schedule::CANCUN, Schedule::CANCUN.max),
            "up_full_cancun",
        ),
        (growth(Schedule::PRAGUE, Schedule::PRAGUE.max), "prague_up"),
        (growth(Schedule::PRAGUE, 0), "prague_down"),
    ];
    numbers(&vectors.at("eip4844")?, &found, tally)
}

fn swaps(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    const UNIT: u128 = 1_000_000_000_000_000_000;
    for row in vectors.at("get_amount_out")?.items()? {
        let row = row.wholes()?;
        let [input, money, tokens] = [0, 1, 2].map(|i| row[i].unsigned_abs() * UNIT);
        let found = output_of(input, (money, tokens), 30);
        tally.vector(|vector| vector.whole(found.cast_signed(), row[3]));
    }
    Ok(())
}

fn loss(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let after = |price: f64| {
        let held = Amount::from_f64(1e6);
        let mut pool = Pool::new(0);
        pool.provide(held, held);
        pool.arbitrage(price);
        let (money, tokens) = pool.reserves();
        let worth = |money: Amount, tokens: Amount| money.as_f64() + price * tokens.as_f64();
        worth(money, tokens) / worth(held, held) - 1.0
    };
    let found = [(after(2.0), "r2"), (after(4.0), "r4")];
    numbers(&vectors.at("imperm_loss")?, &found, tally)
}

fn bonding(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let usd = Amount::from_f64;
    let curve = || {
        Curve::new(
            usd(250.0),
            usd(1_000.0),
            0.5,
            Ppm::default(),
            Ppm::default(),
        )
    };
    let minted = curve().mint(usd(10.0)).out.as_f64();
    let paid = curve().redeem(usd(10.0)).out.as_f64();
    let found = [(minted, "mint_S1000_R250_CW05_dep10"), (paid, "burn_10")];
    numbers(&vectors.at("bancor")?, &found, tally)
}

/// Orders of one unit each.
pub(super) fn singles(prices: impl IntoIterator<Item = Amount>) -> Vec<Order> {
    let orders = prices.into_iter().enumerate();
    orders
        .map(|(party, price)| Order::new(party as u32, price, 1))
        .collect()
}

/// The trades of one epoch.
pub(super) fn cleared(mut market: impl Market, bids: &[Order], asks: &[Order]) -> Clearing {
    let mut out = Clearing::default();
    market.clear(bids, asks, &mut out);
    out
}

/// The k-double auction halfway.
pub(super) fn half() -> KDouble {
    KDouble {
        k: Ppm::from_fraction(0.5),
    }
}

fn book(example: &Vectors) -> Result<(Vec<Order>, Vec<Order>), DataError> {
    let side = |name: &str| -> Result<Vec<Order>, DataError> {
        let prices = example.at(name)?.items()?;
        let prices = prices
            .iter()
            .map(|price| Ok(Amount::from_f64(price.number()?)));
        Ok(singles(prices.collect::<Result<Vec<_>, DataError>>()?))
    };
    Ok((side("bids")?, side("asks")?))
}

fn auctions(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let mut reductions = vectors.at("mcafee")?.items()?;
    let mcafee = reductions.len();
    reductions.push(vectors.at("trade_reduction")?);
    for (index, example) in reductions.iter().enumerate() {
        let (bids, asks) = book(example)?;
        let out = if index < mcafee {
            cleared(McAfee, &bids, &asks)
        } else {
            cleared(TradeReduction, &bids, &asks)
        };
        let price = |price: Option<Amount>| price.map_or(f64::NAN, Amount::as_f64);
        let mut found = vec![
            (out.quantity() as f64, "trades"),
            (price(out.buyers_price), "buyers_pay"),
            (price(out.sellers_price), "sellers_get"),
        ];
        for key in ["surplus", "surplus_to_mechanism"] {
            if example.has(key) {
                found.push((out.surplus().as_f64(), key));
            }
        }
        let found = found
            .into_iter()
            .map(|(found, key)| Ok((found, example.at(key)?.number()?)));
        let found = found.collect::<Result<Vec<_>, DataError>>()?;
        tally.vector(|vector| {
            for (found, expect) in found {
                vector.number(found, expect);
            }
        });
    }
    let example = vectors.at("vcg")?;
    let (bids, asks) = book(&example)?;
    let out = cleared(Vcg, &bids, &asks);
    let deficit = example.at("deficit")?.number()?;
    // The file gives the prices of VCG and the interval of prices as formulas with their values.
    let of = |fills: &[Fill], key: &str| -> Result<_, DataError> {
        let fills: Vec<f64> = fills.iter().map(|fill| fill.money.as_f64()).collect();
        Ok((fills, last_numbers(example.at(key)?.text()?)))
    };
    let (bought, sold) = (
        of(&out.bought, "buyers_pay")?,
        of(&out.sold, "sellers_get")?,
    );
    tally.vector(|vector| {
        vector.number(-out.surplus().as_f64(), deficit);
        for (fills, expect) in [bought, sold] {
            vector.holds(expect.len() == 1 && fills.len() == 3);
            for (found, expect) in fills.iter().zip(expect.iter().cycle()) {
                vector.number(*found, *expect);
            }
        }
    });
    let ends = last_numbers(vectors.at("average_k.p_interval")?.text()?);
    tally.vector(|vector| {
        vector.holds(ends.len() == 2);
        for (k, expect) in [0.0, 1.0].into_iter().zip(ends) {
            let market = KDouble {
                k: Ppm::from_fraction(k),
            };
            let out = cleared(market, &bids, &asks);
            vector.number(out.buyers_price.map_or(f64::NAN, Amount::as_f64), expect);
        }
    });
    Ok(())
}

/// The numbers behind the last sign of equality.
fn last_numbers(words: &str) -> Vec<f64> {
    let value = words.rsplit('=').next().unwrap_or_default();
    let parts = value.trim_matches(['[', ']']).split(',');
    parts.filter_map(|part| part.parse().ok()).collect()
}

fn promises(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    let case = vectors.at("mcafee_properties")?;
    let lies = case.at("truthfulness_violations")?.whole()?;
    let deficit = case.at("budget_deficit")?.number()?;
    let found = promises_of_mcafee(10_000);
    tally.vector(|vector| vector.whole(i128::from(found.lies), lies));
    tally.vector(|vector| vector.number(found.deficit.as_f64(), deficit));
    Ok(())
}

fn bilateral(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    const N: i32 = 600;
    let middle = |i: i32| f64::from(2 * i + 1) / f64::from(2 * N);
    let (mut made, mut trades, mut most) = (0.0, 0.0, 0.0);
    for v in 0..N {
        for c in 0..N {
            let (value, cost) = (middle(v), middle(c));
            let orders = |bid: f64, ask: f64| {
                let single = |price: f64| singles([Amount::from_f64(price)]);
                (single(bid), single(ask))
            };
            let (bid, ask) = orders(2.0 / 3.0 * value + 1.0 / 12.0, 2.0 / 3.0 * cost + 0.25);
            if cleared(half(), &bid, &ask).quantity() == 1 {
                made += value - cost;
                trades += 1.0;
            }
            let (bid, ask) = orders(value, cost);
            most += most_gains(&bid, &ask).as_f64();
        }
    }
    let cells = f64::from(N * N);
    let found = [
        (made / cells, "theory"),
        (trades / cells, "trade_prob"),
        (most / cells, "first_best"),
    ];
    numbers(&vectors.at("k_double_auction_uniform")?, &found, tally)
}

fn five_bidders(vectors: &Vectors, tally: &mut Tally) -> Result<(), DataError> {
    const DRAWS: u32 = 200_000;
    let mut stream = Streams::new(5, 0).open(Purpose::new("bidders"), 0);
    let (mut sale, mut first, mut second) = (0.0, 0.0, 0.0);
    let one = |price: f64| singles([Amount::from_f64(price)]);
    let (buyer, seller) = (one(1.0), one(0.0));
    for _ in 0..DRAWS {
        let values: [f64; 5] = std::array::from_fn(|_| stream.uniform());
        let truth = singles(values.map(Amount::from_f64));
        let shaded = singles(values.map(|cost| Amount::from_f64(cost + (1.0 - cost) / 5.0)));
        let highest_lost = UniformPrice {
            marginal: Marginal::RejectedBid,
        };
        sale += cleared(highest_lost, &truth, &seller).paid().as_f64();
        first += cleared(FirstPrice, &buyer, &shaded).paid().as_f64();
        second += cleared(Vickrey, &buyer, &truth).paid().as_f64();
    }
    let mean = |sum: f64| sum / f64::from(DRAWS);
    numbers(
        &vectors.at("second_price_revenue_n5")?,
        &[(mean(sale), "theory")],
        tally,
    )?;
    let procurement = vectors.at("first_price_procurement_n5")?;
    let found = [(mean(first), "theory"), (mean(second), "theory")];
    numbers(&procurement, &found, tally)
}

/// One vector for each number and the key it stands under.
pub(super) fn numbers(
    case: &Vectors,
    found: &[(f64, &str)],
    tally: &mut Tally,
) -> Result<(), DataError> {
    for &(found, key) in found {
        let expect = case.at(key)?.number()?;
        tally.vector(|vector| vector.number(found, expect));
    }
    Ok(())
}
