//! Markets against the vectors of real protocols, published examples, and what theory promises.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;
use walras_des::{Moments, Purpose, Stream, Streams};
use walras_sim::market::base_fee::Eip1559;
use walras_sim::market::blob_fee::{BlobFee, Schedule, fake_exponential};
use walras_sim::market::curve::Curve;
use walras_sim::market::efficiency::{
    consumer_surplus, deadweight_loss, gains, most_gains, producer_surplus,
};
use walras_sim::market::first_price::FirstPrice;
use walras_sim::market::k_double::KDouble;
use walras_sim::market::mcafee::McAfee;
use walras_sim::market::order_book::DayOrders;
use walras_sim::market::pool::output_of;
use walras_sim::market::posted::Posted;
use walras_sim::market::proportional::Proportional;
use walras_sim::market::reverse_auction::{Chooser, ReverseAuction};
use walras_sim::market::surge::Surge;
use walras_sim::market::trade_reduction::TradeReduction;
use walras_sim::market::uniform::{Marginal, UniformPrice};
use walras_sim::market::vcg::{ProcurementVcg, Vcg};
use walras_sim::market::vickrey::Vickrey;
use walras_sim::market::{Clearing, Fill, Market, Mechanism, Order, next_base_fee};
use walras_sim::units::{Amount, Ppm};

/// Vectors of protocols and examples; `None` where the data are not at hand.
fn vectors(file: &str) -> Option<Value> {
    let data = std::env::var_os("WALRAS_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let path = data.join("token").join(file);
    if !path.exists() {
        println!("skipped: {file} is not there; set WALRAS_DATA");
        return None;
    }
    let text = fs::read_to_string(path).expect("a readable file");
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// The number at a path of keys.
fn number(value: &Value, pointer: &str) -> f64 {
    let found = value.pointer(pointer).and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("no number at {pointer}"))
}

fn rows<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.unwrap_or_else(|| panic!("no list at {pointer}"))
}

/// An integer row.
fn integers(row: &Value) -> Vec<u64> {
    let all = row.as_array().expect("a row").iter();
    all.map(|n| n.as_u64().expect("an integer")).collect()
}

/// Orders of one unit each.
fn singles(prices: impl IntoIterator<Item = i128>) -> Vec<Order> {
    let order = |(party, price)| Order::new(party as u32, Amount(price), 1);
    prices.into_iter().enumerate().map(order).collect()
}

fn cleared(market: impl Into<Mechanism>, bids: &[Order], asks: &[Order]) -> Clearing {
    let mut out = Clearing::default();
    market.into().clear(bids, asks, &mut out);
    out.verify(bids, asks).unwrap();
    out
}

/// What the order at `index` gains, if a unit is worth `value` to a buyer (or costs a seller that).
fn gain(fills: &[Fill], index: usize, value: i128, buys: bool) -> i128 {
    let own = fills.iter().filter(|fill| fill.order == index);
    let bought = own.map(|fill| value * i128::from(fill.quantity) - fill.money.0);
    bought.sum::<i128>() * if buys { 1 } else { -1 }
}

fn half() -> KDouble {
    KDouble {
        k: Ppm::from_fraction(0.5),
    }
}

#[test]
fn double_auctions_reproduce_the_examples() {
    let Some(examples) = vectors("double_auction_examples.json") else {
        return;
    };
    let side = |example: &Value, name: &str| {
        let prices = rows(example, &format!("/{name}")).iter();
        singles(prices.map(|p| Amount::from_f64(p.as_f64().expect("a price")).0))
    };
    let book = |example: &Value| (side(example, "bids"), side(example, "asks"));
    let usd = Amount::from_f64;
    for example in rows(&examples, "/mcafee") {
        let (bids, asks) = book(example);
        let out = cleared(McAfee, &bids, &asks);
        assert_eq!(out.quantity() as f64, number(example, "/trades"));
        assert_eq!(out.buyers_price, Some(usd(number(example, "/buyers_pay"))));
        assert_eq!(
            out.sellers_price,
            Some(usd(number(example, "/sellers_get")))
        );
        if example.get("surplus_to_mechanism").is_some() {
            assert_eq!(out.surplus(), usd(number(example, "/surplus_to_mechanism")));
        }
    }
    let (bids, asks) = book(&examples["trade_reduction"]);
    let out = cleared(TradeReduction, &bids, &asks);
    let reduction = |key: &str| usd(number(&examples, &format!("/trade_reduction/{key}")));
    assert_eq!(
        out.quantity() as f64,
        number(&examples, "/trade_reduction/trades")
    );
    assert_eq!(out.buyers_price, Some(reduction("buyers_pay")));
    assert_eq!(out.sellers_price, Some(reduction("sellers_get")));
    assert_eq!(out.surplus(), reduction("surplus"));
    let (bids, asks) = book(&examples["vcg"]);
    let out = cleared(Vcg, &bids, &asks);
    assert_eq!(-out.surplus(), usd(number(&examples, "/vcg/deficit")));
    assert!(out.bought.iter().all(|fill| fill.money == usd(4.0)));
    assert!(out.sold.iter().all(|fill| fill.money == usd(5.0)));
    // The interval of prices of the same orders, [4, 5].
    for (k, price) in [(0.0, 4.0), (0.5, 4.5), (1.0, 5.0)] {
        let k = Ppm::from_fraction(k);
        let out = cleared(KDouble { k }, &bids, &asks);
        assert_eq!((out.quantity(), out.buyers_price), (3, Some(usd(price))));
    }
}

#[test]
fn fees_reproduce_the_vectors_of_ethereum() {
    let Some(fees) = vectors("fee_vectors.json") else {
        return;
    };
    for row in rows(&fees, "/eip1559") {
        let of = |key: &str| row[key].as_u64().expect("an integer");
        let next = next_base_fee(
            i128::from(of("base_fee")),
            of("gas_used"),
            of("gas_limit") / 2,
            8,
        );
        assert_eq!(next, i128::from(of("expected")), "{row}");
    }
    for row in rows(&fees, "/fake_exponential") {
        let [factor, numerator, denominator, expected] = integers(row)[..] else {
            panic!("four numbers: {row}");
        };
        let found = fake_exponential(factor.into(), numerator.into(), denominator.into());
        assert_eq!(found, u128::from(expected), "{row}");
    }
    for row in rows(&fees, "/blob_fee_cancun") {
        let row = integers(row);
        assert_eq!(Schedule::CANCUN.fee(row[0]), Amount(i128::from(row[1])));
    }
    let blob = fees["excess_blob_gas_cancun"]["blob"].as_u64().unwrap();
    assert_eq!(Schedule::CANCUN.gas_per_unit, blob);
    for row in rows(&fees, "/excess_blob_gas_cancun/cases") {
        let row = integers(row);
        let next = Schedule::CANCUN.next_excess(row[0], row[1] * blob);
        assert_eq!(next, row[2]);
    }
}

/// Base units of a token with 18 decimals.
const E18: u128 = 1_000_000_000_000_000_000;

#[test]
fn the_pool_reproduces_the_vectors_of_uniswap() {
    let Some(pool) = vectors("uniswap_v2_vectors.json") else {
        return;
    };
    for row in rows(&pool, "/get_amount_out") {
        let whole = |i: usize| u128::from(row[i].as_u64().expect("an integer")) * E18;
        let expected: u128 = row[3].as_str().unwrap().parse().unwrap();
        assert_eq!(output_of(whole(0), (whole(1), whole(2)), 30), expected);
    }
}

#[test]
fn the_curve_reproduces_the_closed_form() {
    let Some(forms) = vectors("closed_forms.json") else {
        return;
    };
    let (reserve, supply) = (Amount::from_f64(250.0), Amount::from_f64(1_000.0));
    let curve = Curve::new(reserve, supply, 0.5, Ppm::default(), Ppm::default());
    let minted = curve.clone().mint(Amount::from_f64(10.0)).out.as_f64();
    assert!((minted - number(&forms, "/bancor/mint_S1000_R250_CW05_dep10")).abs() < 2e-9);
    let burned = curve.clone().redeem(Amount::from_f64(10.0)).out.as_f64();
    assert!((burned - number(&forms, "/bancor/burn_10")).abs() < 2e-9);
}

/// The base fee over its last thousand blocks: mean, and highest less lowest. Users' values are uniform on [0, 100].
fn base_fee_orbit(lambda: f64) -> (f64, f64) {
    const TOP: f64 = 1e14; // so fine that integers do not show
    let target = 1_000_000_000_u64;
    let mut fee = (TOP / 2.0) as i128;
    let mut orbit = Vec::new();
    for _ in 0..20_000 {
        let wanted = lambda * (1.0 - fee as f64 / TOP).max(0.0) * target as f64;
        fee = next_base_fee(fee, (wanted as u64).min(2 * target), target, 8);
        orbit.push(fee as f64 / TOP * 100.0);
    }
    let last = &orbit[19_000..];
    let (low, high) = last.iter().fold((f64::MAX, 0.0_f64), |(low, high), &fee| {
        (low.min(fee), high.max(fee))
    });
    (last.iter().sum::<f64>() / 1_000.0, high - low)
}

/// Closed form: it rests at `m (1 − 1/λ)` if and only if λ < 17.
#[test]
fn the_base_fee_rests_where_theory_says_and_oscillates_beyond() {
    for lambda in [2.0, 5.0, 10.0, 16.5] {
        let (mean, amplitude) = base_fee_orbit(lambda);
        assert!(
            (mean - 100.0 * (1.0 - 1.0 / lambda)).abs() < 1e-5,
            "{lambda}: {mean}"
        );
        assert!(amplitude < 1e-5, "{lambda}: {amplitude}");
    }
    assert!(base_fee_orbit(17.5).1 > 10.0);
    let Some(forms) = vectors("closed_forms.json") else {
        return;
    };
    for lambda in ["17.5", "30"] {
        let (mean, amplitude) = base_fee_orbit(lambda.parse().unwrap());
        let of = |key: &str| number(&forms, &format!("/eip1559_uniform_lam{lambda}/{key}"));
        assert!((mean / of("mean") - 1.0).abs() < 2e-3, "{lambda}: {mean}");
        assert!(
            (amplitude / of("amp") - 1.0).abs() < 2e-3,
            "{lambda}: {amplitude}"
        );
    }
}

/// Closed form: with demand `p^−ε` a deviation is multiplied by `1 − ε/8`, so the fee is stable if and only if ε < 16.
#[test]
fn the_base_fee_is_stable_up_to_an_elasticity_of_sixteen() {
    let distance = |elasticity: f64| {
        let rest = 1e14;
        let target = 1_000_000_000_u64;
        let mut fee = (rest * 1.001) as i128;
        for _ in 0..2_000 {
            let used = (fee as f64 / rest).powf(-elasticity) * target as f64;
            fee = next_base_fee(fee, (used as u64).min(2 * target), target, 8);
        }
        (fee as f64 / rest - 1.0).abs()
    };
    assert!(distance(8.0) < 1e-8 && distance(15.7) < 1e-8);
    assert!(distance(16.3) > 1e-3);
}

/// The same equilibrium with orders: 4,000 buyers of uniform value against a target of 1,000, half of what is offered.
#[test]
fn orders_bring_the_base_fee_to_its_equilibrium() {
    let bids = singles((1..=4_000).map(|i| i * 1_000));
    let asks = [Order::new(0, Amount::ZERO, 2_000)];
    let mut market = Eip1559 {
        fee: Amount(100_000),
        floor: Amount(1),
        target: Ppm::from_fraction(0.5),
        denominator: 8,
        burn: Ppm::from_fraction(1.0),
        tip: Amount(500),
    };
    let mut out = Clearing::default();
    for _ in 0..300 {
        market.clear(&bids, &asks, &mut out);
        out.verify(&bids, &asks).unwrap();
    }
    let fee = market.quote().unwrap().0 as f64;
    assert!(
        (fee / 3_000_000.0 - 1.0).abs() < 2e-3,
        "4,000 · (1 − 1/4): {fee}"
    );
    assert_eq!(
        out.surplus(),
        out.burned,
        "tips go to sellers, the base fee to nobody"
    );
    assert!(out.received() > Amount::ZERO);
}

/// K. Chatterjee, W. Samuelson 1983: with bids `2/3 v + 1/12` and asks `2/3 c + 1/4` they trade with probability 9/32 and gain 9/64.
#[test]
fn the_linear_equilibrium_of_one_buyer_and_one_seller() {
    const N: i128 = 600;
    let unit = |i: i128| (2 * i + 1) as f64 / (2 * N) as f64; // midpoints of a grid
    let (mut all, mut trades) = (0.0, 0.0);
    for v in 0..N {
        for c in 0..N {
            let bid = [Order::new(
                0,
                Amount::from_f64(2.0 / 3.0 * unit(v) + 1.0 / 12.0),
                1,
            )];
            let ask = [Order::new(
                1,
                Amount::from_f64(2.0 / 3.0 * unit(c) + 0.25),
                1,
            )];
            if cleared(half(), &bid, &ask).quantity() == 1 {
                all += unit(v) - unit(c);
                trades += 1.0;
            }
        }
    }
    let cells = (N * N) as f64;
    assert!((all / cells - 9.0 / 64.0).abs() < 1e-3, "{}", all / cells);
    assert!(
        (trades / cells - 9.0 / 32.0).abs() < 3e-3,
        "{}",
        trades / cells
    );
}

/// Neither side of that equilibrium gains by another bid against the other's.
#[test]
fn nobody_leaves_the_linear_equilibrium() {
    const N: i128 = 2_000;
    let unit = |i: i128| (2 * i + 1) as f64 / (2 * N) as f64;
    let expected = |value: f64, bid: f64| {
        let bid = [Order::new(0, Amount::from_f64(bid), 1)];
        let each = (0..N).map(|c| {
            let ask = [Order::new(
                1,
                Amount::from_f64(2.0 / 3.0 * unit(c) + 0.25),
                1,
            )];
            let price = cleared(half(), &bid, &ask).buyers_price;
            price.map_or(0.0, |price| value - price.as_f64())
        });
        each.sum::<f64>() / N as f64
    };
    for value in [0.3, 0.5, 0.8, 1.0] {
        let best = expected(value, 2.0 / 3.0 * value + 1.0 / 12.0);
        for other in [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0] {
            assert!(
                expected(value, other) <= best + 1e-3,
                "{value} bids {other}"
            );
        }
    }
}

/// Vickrey 1961: `n` sellers with costs uniform on [0, 1] are paid `2 / (n + 1)` in both auctions, if they shade to `c + (1 − c) / n` in
/// the first. Seed 61, 40,000 auctions each, α = 0.001 for each of the six intervals.
#[test]
fn first_and_second_price_cost_the_same() {
    let mut stream = Streams::new(61, 0).open(Purpose::new("costs"), 0);
    let buyer = [Order::new(99, Amount::from_f64(1.0), 1)];
    for n in [2_u32, 5, 10] {
        let (mut first, mut second) = (Moments::new(), Moments::new());
        for _ in 0..40_000 {
            let costs: Vec<f64> = (0..n).map(|_| stream.uniform()).collect();
            let asks = |ask: &dyn Fn(f64) -> f64| {
                singles(costs.iter().map(|&c| Amount::from_f64(ask(c)).0))
            };
            let shaded = |c: f64| c + (1.0 - c) / f64::from(n);
            let paid = |out: &Clearing| out.paid().as_f64();
            first.record(paid(&cleared(FirstPrice, &buyer, &asks(&shaded))));
            second.record(paid(&cleared(Vickrey, &buyer, &asks(&|c| c))));
        }
        let theory = 2.0 / f64::from(n + 1);
        for found in [&first, &second] {
            let error = 3.29 * (found.variance() / 40_000.0).sqrt();
            assert!(
                (found.mean() - theory).abs() < error,
                "{n}: {}",
                found.mean()
            );
        }
    }
}

/// A market of single units: `n` buyers and `m` sellers, prices below 1,000.
fn random_singles(stream: &mut Stream, most: u64) -> (Vec<Order>, Vec<Order>) {
    let mut side = || {
        let n = 1 + stream.below(most);
        let prices: Vec<i128> = (0..n).map(|_| i128::from(stream.below(1_000))).collect();
        singles(prices)
    };
    (side(), side())
}

/// The best that any other bid does for each trader, less what the truth does; above zero somebody should lie.
fn temptation(market: &Mechanism, bids: &[Order], asks: &[Order], lies: &[i128]) -> i128 {
    let of = |buys| temptation_of(buys, market, bids, asks, lies);
    of(true).max(of(false))
}

/// The same for the traders of one side.
fn temptation_of(
    buys: bool,
    market: &Mechanism,
    bids: &[Order],
    asks: &[Order],
    lies: &[i128],
) -> i128 {
    let truth = cleared(market.clone(), bids, asks);
    let orders = if buys { bids } else { asks };
    let mut most = i128::MIN;
    for index in 0..orders.len() {
        let value = orders[index].price.0;
        let fills = |out: &Clearing| {
            let fills = if buys { &out.bought } else { &out.sold };
            gain(fills, index, value, buys)
        };
        for &lie in lies {
            let mut changed = orders.to_vec();
            changed[index].price = Amount(lie);
            let out = if buys {
                cleared(market.clone(), &changed, asks)
            } else {
                cleared(market.clone(), bids, &changed)
            };
            most = most.max(fills(&out) - fills(&truth));
        }
    }
    most
}

/// McAfee 1992: truthful, never in deficit, and at least `1 − 1/k` of the gains. Seed 1992, 10,000 random markets.
#[test]
fn mcafee_and_trade_reduction_keep_their_promises() {
    let mut stream = Streams::new(1992, 0).open(Purpose::new("limits"), 0);
    let mut reduced = 0;
    for _ in 0..10_000 {
        let (bids, asks) = random_singles(&mut stream, 8);
        let lies: Vec<i128> = (0..4).map(|_| i128::from(stream.below(1_000))).collect();
        let k = cleared(half(), &bids, &asks).quantity();
        for market in [Mechanism::from(McAfee), TradeReduction.into()] {
            let out = cleared(market.clone(), &bids, &asks);
            assert!(
                out.surplus() >= Amount::ZERO,
                "a deficit of {}",
                market.name()
            );
            let (made, most) = (gains(&bids, &asks, &out), most_gains(&bids, &asks));
            // made ≥ (1 − 1/k) most, in integers
            assert!(k == 0 || made.0 * i128::from(k) >= most.0 * i128::from(k - 1));
            let tempted = temptation(&market, &bids, &asks, &lies);
            assert!(
                tempted <= 0,
                "{} tempts by {tempted}: {bids:?} {asks:?}",
                market.name()
            );
            reduced += u32::from(out.quantity() < k);
        }
    }
    assert!(
        (10_001..20_000).contains(&reduced),
        "both cases of McAfee occur: {reduced}"
    );
}

/// What is not truthful is caught by the same search.
#[test]
fn the_search_for_lies_finds_them_where_theory_says() {
    let mut stream = Streams::new(7, 0).open(Purpose::new("limits"), 0);
    let mut tempted = [0_i128; 3];
    for _ in 0..200 {
        let (bids, asks) = random_singles(&mut stream, 4);
        let lies: Vec<i128> = (0..20).map(|i| i * 50).collect();
        let markets = [half().into(), Mechanism::from(FirstPrice), DayOrders.into()];
        for (most, market) in tempted.iter_mut().zip(&markets) {
            *most = (*most).max(temptation(market, &bids, &asks, &lies));
        }
    }
    assert!(tempted.iter().all(|&most| most > 0), "{tempted:?}");
}

/// The price of who just lost is truthful for the side it comes from, and for no other. Seed 17, 1,000 markets.
#[test]
fn rejected_limits_are_truthful_for_one_side() {
    let mut stream = Streams::new(17, 0).open(Purpose::new("limits"), 0);
    let mut most = [[i128::MIN; 2]; 4];
    for _ in 0..1_000 {
        let (bids, asks) = random_singles(&mut stream, 6);
        let lies: Vec<i128> = (0..20).map(|_| i128::from(stream.below(1_000))).collect();
        let marginals = [
            Marginal::RejectedBid,
            Marginal::RejectedAsk,
            Marginal::AcceptedBid,
            Marginal::AcceptedAsk,
        ];
        for (most, marginal) in most.iter_mut().zip(marginals) {
            for (most, buys) in most.iter_mut().zip([true, false]) {
                let market = UniformPrice { marginal }.into();
                *most = (*most).max(temptation_of(buys, &market, &bids, &asks, &lies));
            }
        }
    }
    let truthful = most.map(|sides| sides.map(|gain| gain <= 0));
    let expected = [[true, false], [false, true], [false, false], [false, false]];
    assert_eq!(truthful, expected, "{most:?}");
}

/// With one unit each VCG is truthful, and its deficit is `k (min(b_k, a_{k+1}) − max(a_k, b_{k+1}))`. Seed 71, 3,000 markets.
#[test]
fn vcg_is_truthful_and_its_deficit_is_the_formula() {
    let mut stream = Streams::new(71, 0).open(Purpose::new("limits"), 0);
    for _ in 0..3_000 {
        let (bids, asks) = random_singles(&mut stream, 8);
        let lies: Vec<i128> = (0..4).map(|_| i128::from(stream.below(1_000))).collect();
        assert!(temptation(&Vcg.into(), &bids, &asks, &lies) <= 0);
        let out = cleared(Vcg, &bids, &asks);
        assert_eq!(deadweight_loss(&bids, &asks, &out), Amount::ZERO);
        let mut falling: Vec<i128> = bids.iter().map(|bid| bid.price.0).collect();
        let mut rising: Vec<i128> = asks.iter().map(|ask| ask.price.0).collect();
        falling.sort_by(|a, b| b.cmp(a));
        rising.sort_unstable();
        let k = falling.iter().zip(&rising).filter(|(b, a)| b >= a).count();
        if k > 0 {
            let at = |list: &[i128], other: i128| list.get(k).copied().unwrap_or(other);
            let high = falling[k - 1].min(at(&rising, i128::MAX));
            let low = rising[k - 1].max(at(&falling, i128::MIN));
            assert_eq!(-out.surplus().0, k as i128 * (high - low));
        }
    }
}

/// Sellers of one unit tell Vickrey the truth; a seller of two does not, but tells it to procurement VCG. Seed 11, 2,000 markets.
#[test]
fn procurement_is_truthful_as_far_as_it_should_be() {
    let mut stream = Streams::new(11, 0).open(Purpose::new("limits"), 0);
    let (mut single, mut several, mut clarke) = (i128::MIN, i128::MIN, i128::MIN);
    for _ in 0..2_000 {
        let (_, asks) = random_singles(&mut stream, 6);
        let many: Vec<Order> = asks
            .iter()
            .map(|ask| Order::new(ask.party, ask.price, 1 + stream.below(3)))
            .collect();
        let buyer = [Order::new(0, Amount(800), 1 + stream.below(4))];
        let lies: Vec<i128> = (0..6).map(|_| i128::from(stream.below(1_000))).collect();
        // Only sellers may lie: the buyer's limit is its reserve price.
        let tempted = |market: Mechanism, asks: &[Order]| {
            let truth = cleared(market.clone(), &buyer, asks);
            let mut most = i128::MIN;
            for index in 0..asks.len() {
                let cost = asks[index].price.0;
                for &lie in &lies {
                    let mut changed = asks.to_vec();
                    changed[index].price = Amount(lie);
                    let out = cleared(market.clone(), &buyer, &changed);
                    let gained = gain(&out.sold, index, cost, false);
                    most = most.max(gained - gain(&truth.sold, index, cost, false));
                }
            }
            most
        };
        single = single.max(tempted(Vickrey.into(), &asks));
        several = several.max(tempted(Vickrey.into(), &many));
        clarke = clarke.max(tempted(ProcurementVcg.into(), &many));
    }
    assert!(
        single <= 0,
        "Vickrey tempts a seller of one unit by {single}"
    );
    assert!(
        several > 0,
        "Vickrey is not truthful for sellers of several units"
    );
    assert!(clarke <= 0, "procurement VCG tempts by {clarke}");
}

/// Orders of several units, not too many to search.
fn orders(most: usize) -> impl Strategy<Value = Vec<Order>> {
    let order = (0..60_i128, 0..6_u64, 0.0..1.0).prop_map(|(price, quantity, score)| Order {
        score,
        ..Order::new(0, Amount(price), quantity)
    });
    prop::collection::vec(order, 0..most)
}

/// Every mechanism but proportional shares, which has no limits.
fn all_with_limits() -> Vec<Mechanism> {
    let share = Ppm::from_fraction;
    let uniform = |marginal| Mechanism::from(UniformPrice { marginal });
    let chooser = Chooser::Weighted { worth: 9.0 };
    vec![
        Posted { price: Amount(30) }.into(),
        Surge {
            price: 30.0,
            sensitivity: 0.3,
            target: 0.8,
            floor: Amount(1),
            ceiling: Amount(100),
        }
        .into(),
        Eip1559 {
            fee: Amount(30),
            floor: Amount(1),
            target: share(0.5),
            denominator: 8,
            burn: share(0.3),
            tip: Amount(3),
        }
        .into(),
        BlobFee {
            schedule: Schedule {
                gas_per_unit: 3,
                target: 5,
                max: 12,
                update_fraction: 40,
                min_fee: 4,
            },
            excess: 35,
            reserve: Amount(20),
            burn: share(0.5),
        }
        .into(),
        uniform(Marginal::AcceptedAsk),
        uniform(Marginal::RejectedAsk),
        uniform(Marginal::AcceptedBid),
        uniform(Marginal::RejectedBid),
        half().into(),
        McAfee.into(),
        TradeReduction.into(),
        Vcg.into(),
        FirstPrice.into(),
        Vickrey.into(),
        ProcurementVcg.into(),
        ReverseAuction::default().into(),
        ReverseAuction {
            chooser,
            most_bids: 3,
        }
        .into(),
        DayOrders.into(),
    ]
}

#[test]
fn every_name_is_tried() {
    let mut tried: Vec<_> = all_with_limits().iter().map(Mechanism::name).collect();
    tried.push(Mechanism::from(Proportional).name());
    tried.dedup();
    tried.sort_unstable();
    let mut names = Mechanism::NAMES.to_vec();
    names.sort_unstable();
    assert_eq!(tried, names);
}

/// The gain that all others together could make without the order at `index`.
fn gains_without(bids: &[Order], asks: &[Order], index: usize, buys: bool) -> i128 {
    let (mut bids, mut asks) = (bids.to_vec(), asks.to_vec());
    if buys {
        bids.remove(index);
    } else {
        asks.remove(index);
    }
    most_gains(&bids, &asks).0
}

proptest! {
    /// As much sold as bought, nothing beyond an order or its limit, no more burned than taken, and never more gains than there are;
    /// the same again for the state that an epoch leaves behind.
    #[test]
    fn every_mechanism_keeps_the_promises_of_a_market(epochs in prop::collection::vec((orders(12), orders(12)), 1..6)) {
        let mut out = Clearing::default();
        for mut market in all_with_limits() {
            for (bids, asks) in &epochs {
                let quote = market.quote();
                market.clear(bids, asks, &mut out);
                if let Err(broken) = out.verify(bids, asks) {
                    prop_assert!(false, "{}: {}", market.name(), broken);
                }
                prop_assert!(deadweight_loss(bids, asks, &out) >= Amount::ZERO, "{}", market.name());
                let kept = consumer_surplus(bids, &out) + producer_surplus(asks, &out) + out.surplus();
                prop_assert_eq!(kept, gains(bids, asks, &out));
                if let (Some(quote), Some(paid)) = (quote, out.buyers_price) {
                    prop_assert_eq!(quote, paid, "{}", market.name());
                }
                let runs_a_deficit = market.name() == "vcg";
                prop_assert!(runs_a_deficit || out.surplus() >= Amount::ZERO, "{}", market.name());
            }
        }
    }

    /// One price that clears the market leaves no gains and no money over.
    #[test]
    fn one_price_is_efficient_and_balanced(bids in orders(12), asks in orders(12), k in 0.0..1.0) {
        let k = Ppm::from_fraction(k);
        for market in [Mechanism::from(KDouble { k }), UniformPrice::default().into()] {
            let out = cleared(market, &bids, &asks);
            prop_assert_eq!(out.surplus(), Amount::ZERO);
            prop_assert_eq!(deadweight_loss(&bids, &asks, &out), Amount::ZERO);
        }
    }

    /// VCG for any number of units: each gains what its presence adds to the gains of all.
    #[test]
    fn vcg_pays_each_its_contribution(bids in orders(7), asks in orders(7)) {
        let out = cleared(Vcg, &bids, &asks);
        let all = most_gains(&bids, &asks).0;
        prop_assert_eq!(deadweight_loss(&bids, &asks, &out), Amount::ZERO);
        prop_assert!(out.surplus() <= Amount::ZERO);
        for (buys, orders) in [(true, &bids), (false, &asks)] {
            let fills = if buys { &out.bought } else { &out.sold };
            for (index, order) in orders.iter().enumerate() {
                let gained = gain(fills, index, order.price.0, buys);
                prop_assert_eq!(gained, all - gains_without(&bids, &asks, index, buys));
            }
        }
    }

    /// The same of sellers to one buyer.
    #[test]
    fn procurement_vcg_pays_sellers_their_contribution(buyer in orders(2), asks in orders(9)) {
        let out = cleared(ProcurementVcg, &buyer, &asks);
        prop_assert_eq!(out.surplus(), Amount::ZERO);
        let all = most_gains(&buyer, &asks).0;
        for (index, ask) in asks.iter().enumerate() {
            let gained = gain(&out.sold, index, ask.price.0, false);
            prop_assert_eq!(gained, all - gains_without(&buyer, &asks, index, false));
        }
    }

    /// Sums near the type's limit are exact or an error, never wrapped.
    #[test]
    fn large_amounts_do_not_wrap(price in 1..i128::MAX / 4, shift in 0..126_u32, quantity in 1..u64::MAX, less in 0..64_u32) {
        let (price, quantity) = (Amount(price >> shift), quantity >> less);
        let (bids, asks) = ([Order::new(0, price, quantity)], [Order::new(1, price, quantity)]);
        let result = std::panic::catch_unwind(|| cleared(half(), &bids, &asks).paid());
        match price.0.checked_mul(i128::from(quantity)) {
            Some(exact) => prop_assert_eq!(result.unwrap(), Amount(exact)),
            None => prop_assert!(result.is_err()),
        }
    }
}
