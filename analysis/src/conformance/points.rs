//! Points of theory: what economics says of a mechanism in closed form, beside what the mechanism does here.
//!
//! The mechanisms are run, step by step or by drawing customers and costs; where a mechanism is itself a formula of the model, such as the
//! logit or an exit threshold, the check is of its consequences, by sums, draws or derivatives. They need no
//! files. An interval is 3.5 standard errors to both sides (α = 0.0005); seeds are fixed, so that the numbers are always the same.

use std::collections::VecDeque;

use serde_json::{Value, json};
use walras_des::{Dist, Moments, Purpose, Stream, Streams, math};
use walras_sim::demand::logit::shares;
use walras_sim::demand::priority::{Class, PricedPriority};
use walras_sim::market::efficiency::{gains, most_gains};
use walras_sim::market::first_price::FirstPrice;
use walras_sim::market::mcafee::McAfee;
use walras_sim::market::vickrey::Vickrey;
use walras_sim::market::{Clearing, Order};
use walras_sim::supply::contest::{dissipation, efforts};
use walras_sim::supply::exit::Switching;
use walras_sim::token::burn_mint::{BurnMint, Valuation};
use walras_sim::token::staking::Temptation;
use walras_sim::token::treasury::{Budget, ruin_probability};
use walras_sim::units::{Amount, Ppm};

use super::ethereum::Uniform;
use super::market::{cleared, half, singles};
use crate::estimate::Interval;
use crate::words::number;

/// One number of theory.
#[derive(Clone, Debug)]
pub struct Point {
    /// Which theory, with its source.
    pub theory: &'static str,
    /// Which number.
    pub what: String,
    /// What theory says.
    pub expect: f64,
    /// What was found.
    pub found: f64,
    /// What may lie between the two.
    pub allowed: Allowed,
}

/// How far from theory a number may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowed {
    /// An absolute error.
    Error(f64),
    /// Theory must lie in the interval of an estimate.
    Interval(Interval),
}

impl Point {
    /// Whether it is as theory says.
    #[must_use]
    pub fn agrees(&self) -> bool {
        match self.allowed {
            Allowed::Error(most) => (self.found - self.expect).abs() <= most,
            Allowed::Interval(interval) => interval.contains(self.expect),
        }
    }

    pub(super) fn json(&self) -> Value {
        let (tolerance, interval) = match self.allowed {
            Allowed::Error(most) => (Some(most), None),
            Allowed::Interval(interval) => (None, Some([interval.low, interval.high])),
        };
        json!({
            "theory": self.theory,
            "what": self.what,
            "expected": self.expect,
            "found": self.found,
            "error": self.found - self.expect,
            "tolerance": tolerance,
            "interval": interval,
            "agrees": self.agrees(),
        })
    }
}

/// The points of one theory, as they come.
struct Points {
    theory: &'static str,
    found: Vec<Point>,
}

impl Points {
    fn of(&mut self, theory: &'static str) {
        self.theory = theory;
    }

    fn exact(&mut self, what: impl Into<String>, expect: f64, found: f64, most: f64) {
        self.push(what.into(), expect, found, Allowed::Error(most));
    }

    /// The mean of independent values.
    fn mean(&mut self, what: impl Into<String>, expect: f64, values: &Moments) {
        let error = (values.variance() / values.count() as f64).sqrt();
        let (low, high) = (values.mean() - 3.5 * error, values.mean() + 3.5 * error);
        let allowed = Allowed::Interval(Interval { low, high });
        self.push(what.into(), expect, values.mean(), allowed);
    }

    fn push(&mut self, what: String, expect: f64, found: f64, allowed: Allowed) {
        self.found.push(Point {
            theory: self.theory,
            what,
            expect,
            found,
            allowed,
        });
    }
}

/// All points, in the order of the page.
#[must_use]
pub fn points() -> Vec<Point> {
    let mut points = Points {
        theory: "",
        found: Vec::new(),
    };
    burn_and_mint(&mut points);
    base_fee(&mut points);
    bilateral(&mut points);
    mcafee(&mut points);
    procurement(&mut points);
    contest(&mut points);
    exit(&mut points);
    slashing(&mut points);
    ruin(&mut points);
    logit(&mut points);
    priority(&mut points);
    points.found
}

fn stream(seed: u64, purpose: &'static str) -> Stream {
    Streams::new(seed, 0).open(Purpose::new(purpose), 0)
}

/// Revenue R, emission M and holding time H from a supply of 10⁸.
fn burn_and_mint(points: &mut Points) {
    points.of("Burn and mint, quantity theory: S → M·H, p → R/M");
    let (revenue, mint, holding, start) = (50_000.0, 10_000.0, 12.0, 1e8);
    let mut market = BurnMint {
        valuation: Valuation::HoldingTime { epochs: holding },
        supply: Amount::from_f64(start),
    };
    let mut price = 0.0;
    for epoch in 1..=400 {
        let burned = market.step(
            Amount::from_f64(revenue),
            Amount::from_f64(mint),
            Amount::ZERO,
        );
        price = burned.price;
        if [10, 50, 100].contains(&epoch) {
            let rest = mint * holding;
            let expect = rest + (start - rest) * math::powi(1.0 - 1.0 / holding, epoch);
            let what = format!("supply after {epoch} epochs");
            points.exact(what, expect, market.supply.as_f64(), 1e-6);
        }
    }
    points.exact(
        "supply at rest",
        mint * holding,
        market.supply.as_f64(),
        1e-6,
    );
    points.exact("price at rest [USD]", revenue / mint, price, 1e-9);
}

/// Users whose values are uniform up to 100, λ times as many as the target serves.
fn base_fee(points: &mut Points) {
    points.of("EIP-1559, uniform values: b* = 100 (1 − 1/λ), stable iff λ < 17 for steps of 1/8");
    for crowding in [2.0, 5.0, 16.0] {
        let (mean, _) = Uniform { crowding }.run();
        let what = format!("mean fee, λ = {crowding}");
        points.exact(what, 100.0 * (1.0 - 1.0 / crowding), mean, 1e-6);
    }
    let (mut stable, mut unstable) = (2.0, 40.0);
    while unstable - stable > 1e-3 {
        let crowding = 0.5 * (stable + unstable);
        if (Uniform { crowding }).calms_down() {
            stable = crowding;
        } else {
            unstable = crowding;
        }
    }
    points.exact(
        "λ at which a small deviation no longer dies out",
        17.0,
        stable,
        0.02,
    );
}

/// Bids `2/3 v + 1/12` and asks `2/3 c + 1/4`, values and costs uniform.
fn bilateral(points: &mut Points) {
    points.of(
        "k-double auction of one buyer and one seller, k = 1/2 (Chatterjee and Samuelson 1983)",
    );
    let mut stream = stream(83, "bilateral");
    let (mut made, mut trades) = (Moments::new(), Moments::new());
    for _ in 0..400_000 {
        let (value, cost) = (stream.uniform(), stream.uniform());
        let bid = singles([Amount::from_f64(2.0 / 3.0 * value + 1.0 / 12.0)]);
        let ask = singles([Amount::from_f64(2.0 / 3.0 * cost + 0.25)]);
        let units = cleared(half(), &bid, &ask).quantity() as f64;
        trades.record(units);
        made.record(units * (value - cost));
    }
    points.mean("gains from trade, 9/64", 9.0 / 64.0, &made);
    points.mean("probability of trade, 9/32", 9.0 / 32.0, &trades);
}

/// What was found in random markets of McAfee.
pub(super) struct Promises {
    /// Lies that would have paid.
    pub lies: u64,
    /// The largest deficit.
    pub deficit: Amount,
    /// Markets in which less than `1 − 1/k` of the gains were made.
    pub short: u64,
    /// Lies that were tried.
    pub tried: u64,
}

/// Markets of up to eight buyers and sellers of one unit, limits below 1,000, where each trader tries four lies.
pub(super) fn promises_of_mcafee(markets: u32) -> Promises {
    let mut stream = stream(1992, "limits");
    let mut found = Promises {
        lies: 0,
        deficit: Amount::ZERO,
        short: 0,
        tried: 0,
    };
    for _ in 0..markets {
        let [bids, asks]: [Vec<Order>; 2] = std::array::from_fn(|_| {
            let count = 1 + stream.below(8);
            singles((0..count).map(|_| Amount(i128::from(stream.below(1_000)))))
        });
        let truth = cleared(McAfee, &bids, &asks);
        found.deficit = found.deficit.max(Amount::ZERO - truth.surplus());
        let k = i128::from(cleared(half(), &bids, &asks).quantity());
        let (made, most) = (gains(&bids, &asks, &truth), most_gains(&bids, &asks));
        found.short += u64::from(k > 0 && made.0 * k < most.0 * (k - 1));
        for buys in [true, false] {
            let orders = if buys { &bids } else { &asks };
            for index in 0..orders.len() {
                let gain = |out: &Clearing| {
                    let (fills, sign) = if buys {
                        (&out.bought, 1)
                    } else {
                        (&out.sold, -1)
                    };
                    let own = fills.iter().filter(|fill| fill.order == index);
                    let worth = orders[index].price.0;
                    let each = own.map(|fill| worth * i128::from(fill.quantity) - fill.money.0);
                    sign * each.sum::<i128>()
                };
                for _ in 0..4 {
                    let mut changed = orders.clone();
                    changed[index].price = Amount(i128::from(stream.below(1_000)));
                    let out = if buys {
                        cleared(McAfee, &changed, &asks)
                    } else {
                        cleared(McAfee, &bids, &changed)
                    };
                    found.tried += 1;
                    found.lies += u64::from(gain(&out) > gain(&truth));
                }
            }
        }
    }
    found
}

fn mcafee(points: &mut Points) {
    points.of("McAfee 1992, 10,000 random markets of single units");
    let found = promises_of_mcafee(10_000);
    let what = format!("lies that pay, of {} tried", number(found.tried as f64, 0));
    points.exact(what, 0.0, found.lies as f64, 0.0);
    points.exact("largest deficit", 0.0, found.deficit.as_f64(), 0.0);
    let what = "markets that make less than 1 − 1/k of the gains";
    points.exact(what, 0.0, found.short as f64, 0.0);
}

/// Costs uniform on [0, 1]; in the first-price auction `n` sellers ask `c + (1 − c) / n`.
fn procurement(points: &mut Points) {
    points.of(
        "Procurement from n sellers with uniform costs: 2/(n + 1) in both auctions (Vickrey 1961)",
    );
    let mut stream = stream(61, "costs");
    let buyer = singles([Amount::from_f64(1.0)]);
    for n in [2_u32, 5, 10] {
        let (mut first, mut second) = (Moments::new(), Moments::new());
        for _ in 0..40_000 {
            let costs: Vec<f64> = (0..n).map(|_| stream.uniform()).collect();
            let truth = singles(costs.iter().map(|&c| Amount::from_f64(c)));
            let shade = |&c: &f64| Amount::from_f64(c + (1.0 - c) / f64::from(n));
            let shaded = singles(costs.iter().map(shade));
            first.record(cleared(FirstPrice, &buyer, &shaded).paid().as_f64());
            second.record(cleared(Vickrey, &buyer, &truth).paid().as_f64());
        }
        let expect = 2.0 / f64::from(n + 1);
        points.mean(format!("second price, n = {n}"), expect, &second);
        points.mean(format!("first price, n = {n}"), expect, &first);
    }
}

fn contest(points: &mut Points) {
    points.of("Contest for a prize of 100 (Tullock 1980): X = V (m − 1)/Σc, x = X (1 − c X/V)");
    // By hand: three take part, X = 200/3.7, and the fourth, at a cost above V/X = 1.85, stays out.
    let all = 200.0 / 3.7;
    let found = efforts(100.0, &[1.0, 1.2, 1.5, 3.0]);
    for (cost, found) in [1.0, 1.2, 1.5, 3.0].into_iter().zip(found) {
        let expect = if cost < 100.0 / all {
            all * (1.0 - cost * all / 100.0)
        } else {
            0.0
        };
        points.exact(format!("effort at a cost of {cost}"), expect, found, 1e-12);
    }
    let spent: f64 = efforts(100.0, &[2.0; 10]).iter().map(|x| 2.0 * x).sum();
    points.exact(
        "share of the prize that ten equals spend",
        0.9,
        spent / 100.0,
        1e-12,
    );
    points.exact(
        "the same from the formula of the library",
        0.9,
        dissipation(10),
        1e-12,
    );
}

fn exit(points: &mut Points) {
    points.of("Entry and exit with sunk costs (Dixit 1989), income over running cost");
    let central = Switching {
        drift: 0.0,
        volatility: 0.1,
        discount: 0.025,
        cost: 1.0,
        entry_cost: 4.0,
        exit_cost: 0.0,
    };
    let found = central.thresholds();
    points.exact("enter, Dixit's central case", 1.4667, found.enter, 5e-5);
    points.exact("leave, Dixit's central case", 0.7657, found.leave, 5e-5);
    let for_good = Switching {
        volatility: 0.6,
        discount: 0.05,
        entry_cost: f64::INFINITY,
        ..central
    };
    // β₂ = 1/2 − √(1/4 + 2 r/σ²)
    let root = 0.5 - (0.25_f64 + 0.1 / 0.36).sqrt();
    let what = "leave for good, σ = 0.6, r = 0.05: β₂/(β₂ − 1)";
    points.exact(
        what,
        root / (root - 1.0),
        for_good.thresholds().leave,
        1e-12,
    );
    let dear = Switching {
        entry_cost: 1e30,
        ..for_good
    };
    let what = "the same where coming back costs 10³⁰";
    points.exact(what, root / (root - 1.0), dear.thresholds().leave, 1e-5);
}

fn slashing(points: &mut Points) {
    points.of("Slashing: honest iff q ≥ D/(p + b + Φ), or b ≥ D/q − (p + Φ)");
    let case = |slashed: f64| Temptation {
        gain: 3.0,
        fee: 1.0,
        slashed,
        franchise: 4.0,
    };
    let edge = |honest: &dyn Fn(f64) -> bool, (mut no, mut yes): (f64, f64)| {
        for _ in 0..60 {
            let middle = 0.5 * (no + yes);
            if honest(middle) {
                yes = middle;
            } else {
                no = middle;
            }
        }
        yes
    };
    let caught = edge(&|q| case(10.0).is_honest(q), (0.0, 1.0));
    points.exact(
        "least detection, D = 3, p = 1, b = 10, Φ = 4",
        0.2,
        caught,
        1e-12,
    );
    let stake = edge(&|b| case(b).is_honest(0.1), (0.0, 1e3));
    points.exact("least stake, q = 0.1", 25.0, stake, 1e-9);
}

/// Revenue is normal around running costs and a little more; what happens between epochs counts as if the balance were 0.583 deviations
/// higher (Siegmund 1985).
fn ruin(points: &mut Points) {
    points.of("Treasury: probability of ruin exp(−2 m B/s²), with Siegmund's correction for steps");
    let budget = Budget {
        take: Ppm::from_fraction(1.0),
        opex: Amount::from_f64(20.0),
        ..Budget::default()
    };
    for (balance, drift) in [(10.0, 0.1), (5.0, 0.2)] {
        let mut stream = stream(7, "ruin");
        let mut ruined = Moments::new();
        for _ in 0..6_000 {
            let mut left = Amount::from_f64(balance);
            let end = (0..2_000).find(|_| {
                let revenue = (20.0 + drift + stream.normal()).max(0.0);
                let flows = budget.step(&mut left, Amount::from_f64(revenue));
                flows.unpaid > Amount::ZERO
            });
            ruined.record(f64::from(u8::from(end.is_some())));
        }
        let expect = math::exp(-2.0 * drift * (balance + 0.583));
        points.mean(
            format!("B = {balance}, m = {drift}, s = 1, simulated"),
            expect,
            &ruined,
        );
        let formula = ruin_probability(balance + 0.583, drift, 1.0);
        points.exact(
            "the same from the formula of the library",
            expect,
            formula,
            1e-12,
        );
    }
}

/// Customers who see utilities with Gumbel errors and take the best, beside the shares that economies use.
fn logit(points: &mut Points) {
    points.of("Logit (McFadden 1974): shares of utilities 0, 1 and −0.5; elasticity −β p (1 − s)");
    let utilities = [0.0_f64, 1.0, -0.5];
    let mut found = utilities;
    shares(&mut found);
    let mut chosen: [Moments; 3] = Default::default();
    let mut stream = stream(74, "tastes");
    for _ in 0..200_000 {
        let seen = utilities.map(|utility| utility - math::ln(stream.exponential()));
        let best = seen.into_iter().fold(f64::NEG_INFINITY, f64::max);
        for (count, seen) in chosen.iter_mut().zip(seen) {
            count.record(f64::from(u8::from(seen >= best)));
        }
    }
    let all: f64 = utilities.iter().map(|&utility| math::exp(utility)).sum();
    for ((utility, found), chosen) in utilities.into_iter().zip(found).zip(&chosen) {
        let expect = math::exp(utility) / all;
        points.exact(
            format!("share at {}", number(utility, 1)),
            expect,
            found,
            1e-15,
        );
        points.mean(
            format!("the same of 200,000 who choose, at {}", number(utility, 1)),
            found,
            chosen,
        );
    }
    let (weight, price, step) = (1.5, 2.0, 1e-6);
    let share = |price: f64| {
        let mut utilities = [-weight * price, -1.0];
        shares(&mut utilities);
        utilities[0]
    };
    let slope = (math::ln(share(price * (1.0 + step))) - math::ln(share(price * (1.0 - step))))
        / (2.0 * step);
    let expect = -weight * price * (1.0 - share(price));
    points.exact(
        "own-price elasticity at β = 1.5, p = 2",
        expect,
        slope,
        1e-6,
    );
}

/// Services uniform on [0, 2], load 0.7, costs of waiting uniform on [0, 1], priority at 0.5.
fn priority(points: &mut Points) {
    points.of("M/G/1 with priced priority (Cobham 1954; Hassin and Haviv 2003): load 0.7, uniform services, price 0.5");
    let (load, price) = (0.7, 0.5);
    let service = Dist::uniform(0.0, 2.0).expect("an interval");
    let customers = Class {
        rate: load,
        mean: 1.0,
        second_moment: 4.0 / 3.0,
    };
    let residual = 0.5 * load * 4.0 / 3.0;
    let sale = PricedPriority { customers };
    let share = sale.buyers(price, 0.0, |quantile| quantile);
    let x = price * (1.0 - load) / (residual * load);
    points.exact("share that buys", (1.0 - x) / (1.0 - load * x), share, 1e-9);
    let [first, last] = waits_simulated(load, share, &service);
    let above = residual / (1.0 - share * load);
    points.mean(
        "mean wait of those with priority [s], simulated",
        above,
        &first,
    );
    points.mean(
        "mean wait of the others [s], simulated",
        above / (1.0 - load),
        &last,
    );
    let gained = (1.0 - share) * (last.mean() - first.mean());
    let error = |waits: &Moments| waits.variance() / waits.count() as f64;
    // The two are positively correlated, so that this is too wide, if anything.
    let half = 3.5 * (1.0 - share) * (error(&first) + error(&last)).sqrt();
    let (low, high) = (gained - half, gained + half);
    let what = "what the last buyer gains by it, simulated".to_owned();
    points.push(
        what,
        price,
        gained,
        Allowed::Interval(Interval { low, high }),
    );
}

/// Mean waits of both classes in a queue simulated from its definition, over 200 batches of 10,000 customers each.
fn waits_simulated(rate: f64, share: f64, service: &Dist) -> [Moments; 2] {
    let mut stream = stream(54, "priority");
    let mut batches = [Moments::new(), Moments::new()];
    let mut queues = [VecDeque::new(), VecDeque::new()];
    let (mut next, mut free_at) = (0.0, 0.0_f64);
    for _ in 0..200 {
        let mut waited = [Moments::new(), Moments::new()];
        for _ in 0..10_000 {
            // All who come before the server is free are in line; if nobody is, it waits for the next.
            while next <= free_at || queues.iter().all(VecDeque::is_empty) {
                free_at = if queues.iter().all(VecDeque::is_empty) {
                    free_at.max(next)
                } else {
                    free_at
                };
                let class = usize::from(stream.uniform() >= share);
                queues[class].push_back(next);
                next += stream.exponential() / rate;
            }
            let class = usize::from(queues[0].is_empty());
            if let Some(came) = queues[class].pop_front() {
                let came: f64 = came;
                waited[class].record(free_at - came);
                free_at += service.sample(&mut stream);
            }
        }
        for (batches, waited) in batches.iter_mut().zip(&waited) {
            batches.record(waited.mean());
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_as_theory_says() {
        for point in points() {
            assert!(point.agrees(), "{point:?}");
        }
    }

    #[test]
    fn a_point_off_theory_is_seen() {
        let mut points = Points {
            theory: "none",
            found: Vec::new(),
        };
        points.exact("far", 1.0, 1.1, 0.05);
        let mut values = Moments::new();
        for value in [0.9, 1.0, 1.1] {
            values.record(value);
        }
        points.mean("narrow", 0.0, &values);
        assert!(points.found.iter().all(|point| !point.agrees()));
    }
}
