//! Economies against closed forms: burn and mint, free entry, base fee, logit, and the books of random worlds.

use proptest::prelude::*;
use walras_des::{Dist, Span};
use walras_sim::demand::budget::{Budgets, Homing};
use walras_sim::demand::logit::{Offer, Weights};
use walras_sim::economy::token::Holder;
use walras_sim::economy::{
    Allotment, Bond, Change, Creators, Customers, Deals, Economy, Emission, Faults, Fidelity,
    Membership, Moving, Network, Owners, Payment, Place, Reward, Rule, Seller, Sells, Shock,
    Staking, Supply, Timing, Token, Validators, Verification,
};
use walras_sim::ledger::{Account, Asset, Reason};
use walras_sim::market::Mechanism;
use walras_sim::market::base_fee::Eip1559;
use walras_sim::market::k_double::KDouble;
use walras_sim::market::mcafee::McAfee;
use walras_sim::market::posted::Posted;
use walras_sim::market::surge::Surge;
use walras_sim::market::uniform::UniformPrice;
use walras_sim::market::vcg::Vcg;
use walras_sim::record::{MetricId, Output};
use walras_sim::series::{Column, Row};
use walras_sim::supply::exit::Switching;
use walras_sim::supply::orders::Maker;
use walras_sim::supply::owner::Machine;
use walras_sim::supply::power::{DayAhead, Tariff};
use walras_sim::token::emission::{Baseline, EthereumIssuance, Schedule};
use walras_sim::token::filecoin::pledge::Collateral;
use walras_sim::token::livepeer::Minter;
use walras_sim::token::price::{Exchange, Gbm, OrderFlow, PriceModel};
use walras_sim::token::vesting::Vesting;
use walras_sim::token::yuma::Yuma;
use walras_sim::units::{Amount, Ppm};
use walras_sim::world::Settings;

/// Base units for a thousandth of a unit.
fn money(usd: f64) -> Amount {
    Amount((usd * 1e6).round() as i128)
}

/// Customers who want 1,000 units a day at any price.
fn customers() -> Customers {
    Customers {
        volume: 1000.0,
        reference_price: 1.0,
        growth: 0.0,
        volatility: 0.0,
        persistence: 30.0,
        elasticity: 0.0,
        habit: 0.0,
        homing: Homing::Overflow,
        overflow_below: 1e6,
        tastes: Weights {
            price: 3.0,
            ..Weights::default()
        },
        nests: Vec::new(),
        loyalty: 0.0,
        budgets: None,
        segments: Vec::new(),
    }
}

fn factors(join_above: f64, leave_below: f64) -> Timing {
    Timing::Factors {
        join_above,
        leave_below,
    }
}

/// 100 owners of 24 units a day each, whose costs lie between 0.2 and 0.4 USD.
fn owners() -> Owners {
    Owners {
        potential: 100,
        online: 1.0,
        capacity: Dist::constant(24.0).unwrap(),
        running_cost: Dist::uniform(0.2, 0.4).unwrap(),
        buyers: 0.0,
        idle_anyway: 0.0,
        machine: Machine::default(),
        payback: 1.0,
        lead_time: 0.0,
        maker: None,
        places: Vec::new(),
        review: 7.0,
        memory: 7.0,
        delay: 0.0,
        timing: factors(1.0, 1.0),
        risk_aversion: 0.0,
        sells: Sells::Share(1.0),
        stake: 0.0,
        stake_return: 0.0,
        lock: 0.0,
        moving: Moving {
            cost: Dist::constant(0.0).unwrap(),
            within: 100.0,
            downtime: 0.0,
        },
    }
}

fn network(owners: Owners, market: impl Into<Mechanism>) -> Network {
    Network {
        name: "network".to_owned(),
        offer: Offer::default(),
        nest: None,
        is_open: true,
        supply: Supply::Owners(owners),
        market: market.into(),
        initial_price: 1.0,
        take_rate: Ppm::default(),
        upkeep: 0.0,
        treasury: 0.0,
        verification: None,
        creators: None,
        validators: None,
        deals: None,
        token: None,
        machines: None,
    }
}

fn posted(price: f64) -> Posted {
    Posted {
        price: money(price),
    }
}

fn economy(customers: Customers, networks: Vec<Network>) -> Economy {
    Economy {
        name: "economy".to_owned(),
        epoch: Span::DAY,
        customers,
        networks,
        makers: Vec::new(),
        pools: Vec::new(),
        shocks: Vec::new(),
        fidelity: Fidelity::Fluid,
    }
}

fn settings(days: u64) -> Settings {
    Settings {
        horizon: Span::DAY * days,
        warm_up: Span::ZERO,
        sample_every: Span::DAY,
    }
}

fn go(economy: &Economy, days: u64) -> Output {
    let output = economy.simulate(&settings(days), 1, 0, &|| false);
    output.expect("nobody stops it")
}

fn last(output: &Output) -> Row {
    *output.series.rows.last().unwrap()
}

fn close(found: f64, expected: f64, relative: f64) {
    assert!(
        (found / expected - 1.0).abs() < relative,
        "{found}, expected {expected}"
    );
}

fn token(price: PriceModel, emission: Emission, payment: Payment) -> Token {
    Token {
        initial_price: 1.0,
        price,
        bond: None,
        genesis: vec![Allotment {
            holder: Holder::Public,
            tokens: Amount::from_f64(1e6),
            cliff: 0,
            vesting: Vesting::linear(0),
            sold: Ppm::default(),
        }],
        emission,
        to_treasury: Ppm::default(),
        to_creators: Ppm::default(),
        staking: None,
        payment,
        buy_back: Ppm::default(),
    }
}

/// Burn and mint with tokens that are held for a time H: p = R H / S, so that a share 1/H of the supply is burned each day and
/// S goes to M H geometrically, and p to R / M. R = 1,000 USD and M = 500 tokens a day, H = 120 days: S → 60,000, p → 2.
#[test]
fn burn_and_mint_finds_its_equilibrium() {
    let holding = 120.0;
    let price = PriceModel::Exchange(Exchange {
        holding: holding / 365.0,
        memory: 1e-9,
        response: 0.0,
    });
    let all = Ppm::from_fraction(1.0);
    let payment = Payment::BurnAndMint {
        burned: all,
        minted_again: Amount::ZERO,
    };
    // Owners look at their earnings every day, so that what is minted is sold the same day.
    let owners = Owners {
        review: 1.0,
        timing: factors(1.0, 0.0),
        ..owners()
    };
    let mut world = network(owners, posted(1.0));
    let emission = Emission::scheduled(Schedule::Fixed(Amount::from_f64(500.0)));
    world.token = Some(token(price, emission, payment));
    let economy = economy(customers(), vec![world]);
    // What is burned becomes credit, a dollar for a dollar, which work uses up.
    let journal = economy.journal(&settings(10), 1, 0, &|| false).unwrap();
    let credits = |is_made: bool| {
        let of = journal.iter().filter(|posting| {
            posting.reason == Reason::Credit && posting.from.is_none() == is_made
        });
        of.fold(Amount::ZERO, |sum, posting| sum + posting.amount)
    };
    assert_eq!(credits(true), Amount::from_f64(10.0 * 1000.0));
    assert_eq!(credits(false), credits(true));
    let output = go(&economy, 3000);
    let row = last(&output);
    close(row[Column::Supply], 60_000.0, 1e-6);
    close(row[Column::TokenPrice], 2.0, 1e-6);
    // The way there: S − M H shrinks by 1 − 1/H a day, with the day's minting after its burning.
    let supply: Vec<f64> = output.series.column(Column::Supply).collect();
    for day in [50, 400, 1000] {
        let step = (supply[day + 1] - 60_000.0) / (supply[day] - 60_000.0);
        close(step, 1.0 - 1.0 / holding, 1e-3);
    }
    close(
        output.metrics.get(MetricId::SubsidyShare).unwrap(),
        1.0,
        1e-9,
    );
}

/// Bancor in closed form, of a million tokens at a dollar with half of that in reserve. Bought for D = 1,000 USD a day, of which θ goes to
/// the treasury: the reserve is R₀ + (1 − θ) D t, the supply S₀ (R/R₀)^w, the price R / (w S). Sold as 500 are minted a day, with a share φ of
/// what is paid to the treasury: the supply stays, and each day takes the reserve by (1 − 500 / (S₀ + 500))^{1/w}.
#[test]
fn a_bonding_curve_pays_what_stands_behind_the_token() {
    let owners = Owners {
        review: 1.0,
        timing: factors(1.0, 0.0),
        ..owners()
    };
    for (weight, entry, exit) in [(0.5, 0.0, 0.0), (0.5, 0.1, 0.05), (0.2, 0.0, 0.3)] {
        let bond = Bond {
            weight,
            entry: Ppm::from_fraction(entry),
            exit: Ppm::from_fraction(exit),
        };
        let held = Payment::BurnAndMint {
            burned: Ppm::default(),
            minted_again: Amount::ZERO,
        };
        let per_day = Emission::scheduled(Schedule::Fixed(Amount::from_f64(500.0)));
        for (emission, payment) in [(Emission::none(), held), (per_day, Payment::Dollars)] {
            let is_bought = payment == held;
            let mut world = network(owners.clone(), posted(1.0));
            let mut coin = token(PriceModel::Fixed, emission, payment);
            coin.bond = Some(bond);
            world.token = Some(coin);
            let output = go(&economy(customers(), vec![world]), 300);
            let first = 1e6 * weight;
            for day in [1.0_f64, 100.0, 300.0] {
                let row = output.series.rows[day as usize - 1];
                let (reserve, supply) = if is_bought {
                    let reserve = first + (1.0 - entry) * 1000.0 * day;
                    (reserve, 1e6 * (reserve / first).powf(weight))
                } else {
                    let stays = 1.0 - 500.0 / 1_000_500.0;
                    (first * f64::powf(stays, day / weight), 1e6)
                };
                close(row[Column::Supply], supply, 1e-9);
                close(row[Column::TokenPrice], reserve / (weight * supply), 1e-8);
                let tribute = if is_bought {
                    entry * 1000.0 * day
                } else {
                    exit * (first - reserve)
                };
                // The treasury's tokens are worth today's price.
                let tokens = if is_bought {
                    let before = |day: f64| {
                        let reserve = first + (1.0 - entry) * 1000.0 * day;
                        (reserve / first).powf(weight - 1.0)
                    };
                    (0..day as u32)
                        .map(|day| 1000.0 * before(f64::from(day)))
                        .sum()
                } else {
                    0.0
                };
                let treasury = tribute + tokens * row[Column::TokenPrice];
                assert!((row[Column::Treasury] - treasury).abs() < 1e-6 * treasury + 1e-3);
            }
        }
    }
}

/// What a network of 2,400 units a day has minted after each day, with tokens that never move.
fn minted(rule: Rule, epoch: Span, days: u64) -> Vec<f64> {
    let owners = Owners {
        timing: factors(1.0, 0.0),
        ..owners()
    };
    let mut world = network(owners, posted(1.0));
    let emission = Emission {
        rule,
        least: Amount::ZERO,
    };
    world.token = Some(token(PriceModel::Fixed, emission, Payment::Tokens));
    let mut economy = economy(customers(), vec![world]);
    economy.epoch = epoch;
    let output = go(&economy, days);
    (output
        .series
        .column(Column::Supply)
        .map(|supply| supply - 1e6))
    .collect()
}

/// The rules of chains through the economy: Bitcoin's 2 E₀ T, Filecoin's half in six years, Filecoin's baseline where capacity stands
/// still, θ = ln(1 + g C t / b₀) / g, and Bittensor's first halving where half of the cap exists; by the hour as by the day.
#[test]
fn emission_follows_its_rule() {
    let amount = Amount::from_f64;
    let halving = Schedule::Halving {
        initial: amount(1000.0),
        every: 100,
    };
    for epoch in [Span::HOUR * 6, Span::DAY, Span::DAY * 7] {
        let found = minted(Rule::Schedule(halving.clone()), epoch, 700);
        assert_eq!(*found.last().unwrap(), 198_437.5);
    }
    let filecoin = Schedule::Exponential {
        total: amount(330e6),
        half_life: 2190,
    };
    close(
        minted(Rule::Schedule(filecoin.clone()), Span::DAY, 2190)[2189],
        165e6,
        1e-12,
    );
    let (growth, initial) = (std::f64::consts::LN_2 / 365.0, 3000.0);
    let baseline = Baseline {
        total: amount(770e6),
        half_life: 2190,
        initial,
        growth,
        realized: 0.0,
    };
    let none = Schedule::Fixed(Amount::ZERO);
    let found = minted(Rule::Baseline(none, baseline), Span::DAY, 1000);
    for day in [100, 1000] {
        let time = (1.0 + growth * 2400.0 * f64::from(day) / initial).ln() / growth;
        let expected = 770e6 * (1.0 - (-time / 2190.0).exp2());
        close(found[day as usize - 1], expected, 1e-7);
    }
    // 1 million exist; half of 4 million does after 1,000 days of 1,000.
    let cap = Rule::Cap {
        initial: amount(1000.0),
        cap: amount(4e6),
    };
    let found = minted(cap, Span::DAY, 1100);
    assert_eq!((found[999], found[1099]), (1e6, 1.05e6));
}

/// Owners who would all cheat, on jobs of ten units whose doing costs 3 USD and is paid 10: one in fifty is caught.
fn tempted(stake: f64, barred: f64) -> Economy {
    let owners = Owners {
        running_cost: Dist::constant(0.3).unwrap(),
        stake,
        ..owners()
    };
    let mut world = network(owners, posted(1.0));
    world.verification = Some(Verification {
        opportunists: 1.0,
        saves: 0.8,
        job: 10.0,
        checked: 0.04,
        finds: 0.5,
        cost: 0.0,
        slashed: Ppm::from_fraction(0.5),
        to_treasury: Ppm::from_fraction(0.25),
        barred,
        memory: 30.0,
    });
    world.token = Some(token(PriceModel::Fixed, Emission::none(), Payment::Dollars));
    economy(customers(), vec![world])
}

/// The condition of slashing, q (p + b + Φ) ≥ D with q = 0.02, p = 10, D = 2.4: an owner of 24 units must fear for 110 USD. Either half
/// of a stake of 220 / 24 USD by unit, or what it earns beyond its cost, 24 · (1000 / 2400 − 0.3) = 2.8 USD a day, for 39.3 days.
#[test]
fn owners_are_honest_where_cheating_costs_more_than_it_brings() {
    let lost = |stake, barred| {
        let rows = go(&tempted(stake, barred), 400).series;
        rows.column(Column::Lost).sum::<f64>()
    };
    let stake = 220.0 / 24.0;
    assert!(lost(stake * 0.99, 0.0) > 0.0);
    assert_eq!(lost(stake * 1.01, 0.0), 0.0);
    let barred: f64 = 110.0 / 2.8;
    assert!(lost(0.0, barred * 0.98) > 0.0);
    assert_eq!(lost(0.0, barred * 1.02), 0.0);
    // Half of each.
    assert!(lost(stake * 0.5, barred * 0.48) > 0.0);
    assert_eq!(lost(stake * 0.5, barred * 0.52), 0.0);
}

/// A cheat is caught after 1/q jobs on average, so that 500 units are lost for each; what is slashed is half of its stake, of which a
/// quarter is the treasury's. Seed 1, some 2,000 caught, four standard errors; those not caught yet add a little.
#[test]
fn cheats_are_caught_by_geometric_luck() {
    let economy = tempted(2.0, 0.0);
    let output = go(&economy, 1200);
    let sum = |column| output.series.column(column).sum::<f64>();
    let caught = sum(Column::Caught);
    let by_cheat = sum(Column::Lost) / caught;
    assert!(caught > 1000.0, "{caught}");
    let margin = 4.0 * 500.0 / caught.sqrt() + 100.0 * 500.0 / caught;
    assert!((by_cheat - 500.0).abs() < margin, "{by_cheat} {caught}");
    close(sum(Column::Slashed), caught * 24.0, 1e-9);
    close(sum(Column::Burned), caught * 18.0, 1e-9);
    // Customers reckon with what is lost.
    assert!(output.metrics.get(MetricId::LostShare).unwrap() > 0.1);
}

/// Ethereum: who wants 4 % a year stakes until 225 · 365 · 64 / √(10⁹ S) is that, which is 17.3 million of 50 million; with Livepeer's
/// rule the share staked ends at the target, because inflation moves until it does.
#[test]
fn stake_comes_until_it_yields_what_is_wanted() {
    let world = |rule: Rule, wanted: f64| {
        let mut world = network(owners(), posted(1.0));
        let emission = Emission {
            rule,
            least: Amount::ZERO,
        };
        let mut token = token(PriceModel::Fixed, emission, Payment::Tokens);
        token.genesis[0].tokens = Amount::from_f64(5e7);
        token.staking = Some(Staking {
            rewards: Ppm::from_fraction(1.0),
            delegated: Ppm::from_fraction(0.1),
            wanted,
            response: 30.0,
            commission: Ppm::default(),
        });
        world.token = Some(token);
        last(&go(&economy(customers(), vec![world]), 2000))
    };
    let row = world(Rule::Stake(EthereumIssuance::default()), 0.04);
    // The chain's reward of an increment is a whole number, here 486.
    close(row[Column::StakeYield], 0.04, 1.0 / 486.0);
    let root = 225.0 * 365.0 * 64.0 / 1e9_f64.sqrt();
    close(row[Column::Staked], (root / 0.04).powi(2), 2.0 / 486.0);
    let minter = Minter {
        inflation: 200_000,
        change: 300,
        target: 500_000_000,
    };
    let row = world(Rule::Bonding(minter), 0.1);
    close(row[Column::Staked] / row[Column::Supply], 0.5, 0.02);
    close(row[Column::StakeYield], 0.1, 0.02);
}

/// Storage by deals of 100 days, of which customers want 1,000 units, with owners of 2,400 and 240 new tokens a day.
fn with_deals(faults: Faults) -> Economy {
    let owners = Owners {
        review: 1.0,
        timing: factors(1.0, 1.0),
        ..owners()
    };
    let mut world = network(owners, posted(1.0));
    let emission = Emission::scheduled(Schedule::Fixed(Amount::from_f64(240.0)));
    world.token = Some(token(PriceModel::Fixed, emission, Payment::Dollars));
    world.deals = Some(Deals {
        term: 100.0,
        collateral: Collateral {
            per_byte: 1 << 60,
            ..Collateral::default()
        },
        faults,
    });
    economy(customers(), vec![world])
}

const PROVEN: Faults = Faults {
    probability: 0.0,
    lasts: 1.0,
    until: 42.0,
};

/// Deals hold for their term: when demand ends, the stock runs off evenly, and when the price doubles, what is paid follows evenly.
#[test]
fn deals_hold_customers_and_prices() {
    let mut economy = with_deals(PROVEN);
    for (at, change) in [(100.0, Change::Price(2.0)), (300.0, Change::Demand(0.0))] {
        let network = 0;
        economy.shocks.push(Shock {
            at,
            network,
            change,
        });
    }
    let output = go(&economy, 420);
    let row = |day: usize| &output.series.rows[day];
    for day in [0, 99, 150, 299] {
        close(row(day)[Column::Served], 1000.0, 1e-6);
        close(row(day)[Column::NewDeals], 10.0, 1e-6);
    }
    close(row(99)[Column::Spend], 1000.0, 1e-6);
    close(row(149)[Column::Spend], 1500.0, 1e-6);
    close(row(250)[Column::Spend], 2000.0, 1e-6);
    close(row(349)[Column::Served], 500.0, 1e-6);
    close(row(349)[Column::Spend], 1000.0, 1e-6);
    assert!(row(400)[Column::Served] < 1e-6);
}

/// The pledge is 20 days of new tokens and 30 % of what circulates; missed proofs cost 3.51 days of new tokens for each day, and who is
/// not back within 10 days 8.5 % of the pledge.
#[test]
fn owners_pledge_and_pay_for_faults() {
    let faults = Faults {
        probability: 0.01,
        lasts: 5.0,
        until: 10.0,
    };
    let output = go(&with_deals(faults), 60);
    let rows = &output.series.rows;
    let (row, before) = (last(&output), rows[rows.len() - 2]);
    let by_unit = 240.0 / 2400.0;
    let circulating = before[Column::Circulating] + 240.0;
    let pledge = 20.0 * by_unit + 0.3 * circulating / 2400.0;
    close(row[Column::Pledge], pledge, 1e-6);
    // A fault lasts (1 − 0.8¹⁰) / 0.2 = 4.463 days, and one in 9.3 is not over by then; deals are 50 days old on average.
    let stays = 0.8_f64.powi(10);
    let odds = 0.01 * (1.0 - stays) / 0.2;
    let fees = odds / (1.0 + odds) * 3.51 * by_unit
        + 0.01 * stays / (1.0 + odds) * 0.085 * 50.0 / 140.0 * pledge;
    close(row[Column::FaultFees] / 2400.0, fees, 1e-3);
    close(row[Column::Burned], fees * 2400.0, 1e-3);
    close(
        row[Column::Earning],
        (row[Column::Spend] + 240.0) / 2400.0 - fees,
        1e-5,
    );
    // Without faults nobody pays. With them one unit in a thousand is lost a day, and its customers choose anew: flow is stock over life.
    assert_eq!(last(&go(&with_deals(PROVEN), 60))[Column::FaultFees], 0.0);
    let hazard = 0.01 * stays / (1.0 + odds);
    close(row[Column::Served], 1000.0, 1e-5);
    let life = (1.0 - (1.0 - hazard).powi(100)) / hazard;
    close(row[Column::NewDeals] * life, row[Column::Served], 1e-3);
}

/// Who leaves breaks its deals, for 8.5 % of its pledge after 140 days; and stays at a loss that is less than that until they end.
#[test]
fn leaving_costs_a_part_of_the_pledge() {
    let shocked = |factor| {
        let mut economy = with_deals(PROVEN);
        economy.shocks.push(Shock {
            at: 200.0,
            network: 0,
            change: Change::RunningCost(factor),
        });
        go(&economy, 260)
    };
    let gone = shocked(1000.0);
    let row = |day: usize| &gone.series.rows[day];
    assert_eq!(row(199)[Column::Providers], 100.0);
    assert_eq!(last(&gone)[Column::Providers], 0.0);
    let burned: f64 = gone.series.column(Column::Burned).sum();
    close(burned, 0.085 * row(199)[Column::Staked], 1e-6);
    assert_eq!(last(&gone)[Column::Staked], 0.0);
    // They earn 0.52 USD. Leaving costs some 10 USD a unit, and staying until deals end, in 50 days, 0.2 USD a day at a cost of 0.72.
    let stays = shocked(1.75);
    let row = last(&stays);
    assert!(row[Column::Cost] > 0.5, "{row:?}");
    assert_eq!(row[Column::Providers], 100.0);
}

/// Owners who stay whatever they earn and take it every day, in a network whose 1,000 new tokens a day are divided by validators: half
/// for these, once a day.
fn with_validators(stake: f64, kappa: f64, change: impl Fn(&mut Validators)) -> Economy {
    let owners = Owners {
        potential: 400,
        capacity: Dist::uniform(10.0, 40.0).unwrap(),
        review: 1.0,
        timing: factors(1.0, 0.0),
        sells: Sells::Share(0.0),
        ..owners()
    };
    let mut world = network(owners, posted(1.0));
    let emission = Emission::scheduled(Schedule::Fixed(Amount::from_f64(1000.0)));
    world.token = Some(token(PriceModel::Fixed, emission, Payment::Dollars));
    let mut validators = Validators {
        count: 50,
        stakes: Dist::uniform(1.0, 3.0).unwrap(),
        noise: 0.0,
        colluding: stake,
        allies: 0.1,
        dividends: Ppm::from_fraction(0.5),
        every: 1.0,
        rules: Yuma {
            kappa: (kappa * 65_535.0) as u16,
            ..Yuma::default()
        },
    };
    change(&mut validators);
    world.validators = Some(validators);
    economy(customers(), vec![world])
}

/// What each owner has taken of an asset in some days, what validators have, and what was minted.
fn taken(economy: &Economy, days: u64, asset: Asset) -> (Vec<f64>, Amount, Amount) {
    let journal = economy.journal(&settings(days), 1, 0, &|| false).unwrap();
    let mut owners = vec![0.0; 400];
    let [mut dividends, mut minted] = [Amount::ZERO; 2];
    for posting in journal.iter().filter(|posting| posting.asset == asset) {
        match posting.reason {
            Reason::Collect => {
                let owner = posting.to.and_then(Account::owner_index).unwrap();
                owners[owner] += posting.amount.0 as f64;
            }
            Reason::Dividend => dividends += posting.amount,
            Reason::Emission => minted += posting.amount,
            _ => {}
        }
    }
    (owners, dividends, minted)
}

/// Honest validators who see rightly give each owner its share of the work, which is its share of the dollars, to the rounding of weights
/// to 16 bits of the largest; half goes to validators, and what rounding leaves goes into the next division, so that it never grows.
#[test]
fn honest_validators_pay_owners_for_their_work() {
    let honest = with_validators(0.0, 0.5, |_| {});
    let (tokens, dividends, minted) = taken(&honest, 60, Asset::Token);
    let (dollars, ..) = taken(&honest, 60, Asset::Usd);
    let [all_tokens, all_dollars] = [&tokens, &dollars].map(|taken| taken.iter().sum::<f64>());
    for (tokens, dollars) in tokens.iter().zip(&dollars) {
        close(tokens / all_tokens, dollars / all_dollars, 5e-5);
    }
    assert_eq!(minted, Amount::from_f64(60_000.0));
    let left = minted.0 - dividends.0 - all_tokens as i128;
    assert!((0..500).contains(&left), "{left} base units");
    assert!((minted.0 / 2 - dividends.0).abs() < 100, "{dividends}");
    let row = last(&go(&honest, 60));
    close(row[Column::ColludersPay], row[Column::ColludersWork], 1e-4);
    close(row[Column::HonestDividends], 1.0, 1e-6);
    // Those who see less well pay the same on average, and the median of fifty is closer than one of them.
    let noisy = with_validators(0.0, 0.5, |plan| plan.noise = 0.5);
    let (tokens, ..) = taken(&noisy, 60, Asset::Token);
    let all: f64 = tokens.iter().sum();
    let errors = tokens.iter().zip(&dollars).map(|(tokens, dollars)| {
        let error = (tokens / all) / (dollars / all_dollars) - 1.0;
        error * error
    });
    let error = (errors.sum::<f64>() / 400.0).sqrt();
    // By a day 0.5 · √(π/2 / 50) = 0.09 for a median, and by sixty 0.011.
    assert!((0.005..0.02).contains(&error), "{error}");
}

/// The regimes of collusion in closed form, from both sides of each threshold; and dividends: bonds to the colluders' owners are held by
/// all in proportion to stake while they are clipped to the consensus, so that colluders earn on those alone.
#[test]
fn collusion_pays_beyond_kappa() {
    let found = |stake, kappa| {
        let row = last(&go(&with_validators(stake, kappa, |_| {}), 90));
        let dividends = [
            row[Column::HonestDividends],
            row[Column::ColludersDividends],
        ];
        (
            row[Column::ColludersWork],
            row[Column::ColludersPay],
            dividends,
        )
    };
    for (stake, kappa) in [(0.1, 0.5), (0.3, 0.5), (0.49, 0.5), (0.29, 0.3)] {
        let (work, pay, dividends) = found(stake, kappa);
        assert!((0.05..0.15).contains(&work), "{work}");
        let clipped = work / (work + (1.0 - stake) * (1.0 - work));
        close(pay, clipped, 1e-3);
        close(dividends[1], clipped, 5e-3);
        close(
            dividends[0],
            clipped + (1.0 - clipped) / (1.0 - stake),
            5e-3,
        );
    }
    for (stake, kappa) in [(0.31, 0.3), (0.69, 0.3)] {
        let (work, pay, _) = found(stake, kappa);
        close(pay, stake + (1.0 - stake) * work, 1e-3);
    }
    for (stake, kappa) in [(0.51, 0.5), (0.9, 0.5), (0.71, 0.3), (0.41, 0.6)] {
        let (_, pay, _) = found(stake, kappa);
        close(pay, 1.0, 1e-9);
    }
}

/// Models alike that cost 2 USD a day each, of creators who get a twentieth of 1,000 USD a day.
fn creators() -> Creators {
    Creators {
        models: 10,
        arrivals: 0.5,
        popularity: 0.0,
        quality: 0.0,
        care: 1.0,
        fashion: f64::INFINITY,
        upkeep: 2.0,
        trial: 60.0,
        memory: 10.0,
        share: Ppm::from_fraction(0.05),
        rule: Reward::Usage,
        derived: 0.0,
        royalty: Ppm::default(),
        resale: 0.0,
        variety: 0.0,
    }
}

fn with_creators(creators: Creators) -> Economy {
    let owners = Owners {
        timing: factors(1.0, 0.0),
        ..owners()
    };
    let mut world = network(owners, posted(1.0));
    world.creators = Some(creators);
    economy(customers(), vec![world])
}

/// Free entry of creators: a pot of 50 USD a day pays for 25 models, and the last sees that with one more there is not enough.
#[test]
fn models_come_while_they_pay() {
    let output = go(&with_creators(creators()), 600);
    let row = last(&output);
    assert!((24.0..=25.0).contains(&row[Column::Models]), "{row:?}");
    close(row[Column::CreatorPay], 50.0, 1e-9);
    close(row[Column::ModelQuality], 1.0, 1e-12);
    // All are paid the same, but the first ten shared the pot for a month or two: a hundredth of 25 is a quarter of one of them.
    let top = output.metrics.get(MetricId::CreatorTop).unwrap();
    assert!((0.01..0.02).contains(&top), "{top}");
}

/// Without entry and exit, what is used is Pareto by its quantiles: with Zipf's exponent s the shape is 1/s, and Gini s / (2 − s). Paid
/// by use to the power α it is that of α s; paid alike it is none. Standard errors by seeds are 0.03 at the most.
#[test]
fn what_is_paid_is_as_unequal_as_the_rule_says() {
    let gini = |rule| {
        let creators = Creators {
            models: 3000,
            arrivals: 0.0,
            popularity: 0.25,
            upkeep: 1e-9,
            rule,
            ..creators()
        };
        let output = go(&with_creators(creators), 100);
        close(last(&output)[Column::CreatorPay], 50.0, 1e-6);
        output.metrics.get(MetricId::CreatorGini).unwrap()
    };
    let of = |exponent: f64| exponent / (2.0 - exponent);
    assert!((gini(Reward::Usage) - of(0.25)).abs() < 0.02);
    assert!((gini(Reward::Popularity { alpha: 2.0 }) - of(0.5)).abs() < 0.05);
    assert!(gini(Reward::Popularity { alpha: 0.0 }) < 1e-6);
}

/// Juries without error pay use times quality, which is what care for quality makes of use: the same as by use with one power more.
/// Quadratic funding pays as the square of use for many givers. Royalties and sales of deeds move money and make none.
#[test]
fn rounds_pay_what_was_worth_it() {
    let run = |change: &dyn Fn(&mut Creators)| {
        let mut creators = Creators {
            models: 300,
            arrivals: 0.0,
            popularity: 0.2,
            quality: 0.3,
            care: 0.0,
            upkeep: 1e-9,
            ..creators()
        };
        change(&mut creators);
        let output = go(&with_creators(creators), 180);
        let pay = output.series.column(Column::CreatorPay).sum::<f64>();
        (pay, output.metrics.get(MetricId::CreatorGini).unwrap())
    };
    let every = 30.0;
    let (pay, jury) = run(&|creators| creators.rule = Reward::Retroactive { every, error: 0.0 });
    close(pay, 9000.0, 1e-6);
    let (_, by_quality) = run(&|creators| creators.care = 1.0);
    assert!((jury - by_quality).abs() < 1e-3, "{jury} {by_quality}");
    let (_, erring) = run(&|creators| creators.rule = Reward::Retroactive { every, error: 1.0 });
    assert!(erring > jury + 0.05, "{erring} {jury}");
    let givers = 50_000;
    let (pay, funded) = run(&|creators| {
        creators.rule = Reward::Quadratic {
            every,
            givers,
            gift: 1e-3,
        };
    });
    close(pay, 9000.0 + 6.0 * 50.0, 1e-6);
    let (_, squared) = run(&|creators| creators.rule = Reward::Popularity { alpha: 2.0 });
    assert!((funded - squared).abs() < 0.02, "{funded} {squared}");
    let (pay, _) = run(&|creators| {
        creators.derived = 0.5;
        creators.royalty = Ppm::from_fraction(0.3);
        creators.resale = 4.0;
    });
    close(pay, 9000.0, 1e-6);
}

/// Demand of 1,000 / p^1.5 units a day, and owners who all have costs of 0.2: the planner prices work at 0.2, where customers gain
/// 1000 / (0.5 √0.2). At a posted price of 1 they gain 2,000 and pay 1,000, and 2,400 units of capacity cost 480.
#[test]
fn deadweight_loss_is_what_a_planner_would_gain() {
    let customers = Customers {
        elasticity: 1.5,
        ..customers()
    };
    let owners = Owners {
        potential: 1000,
        online: 0.1,
        running_cost: Dist::constant(0.2).unwrap(),
        timing: factors(100.0, 1.0),
        ..owners()
    };
    let output = go(&economy(customers, vec![network(owners, posted(1.0))]), 400);
    let metric = |id| output.metrics.get(id).unwrap();
    let best = 1000.0 / (0.5 * 0.2_f64.sqrt());
    let market = 2000.0 + 1000.0 - 480.0;
    close(metric(MetricId::Welfare), market, 1e-6);
    close(metric(MetricId::DeadweightLoss), best - market, 1e-2);
    close(metric(MetricId::PriceOfAnarchy), best / market, 1e-2);
}

/// Free entry: with a fixed pot R the marginal owner earns its cost. 1,000 USD a day among owners of 24 units each whose costs are
/// uniform on [0.2, 0.4]: n owners earn 1000 / (24 n) per unit, and the n-th cheapest of 200 costs 0.2 + 0.2 n / 200.
#[test]
fn free_entry_ends_where_the_last_earns_its_cost() {
    for start in [0.2, 1.0] {
        let owners = Owners {
            potential: 200,
            online: start,
            ..owners()
        };
        let output = go(
            &economy(customers(), vec![network(owners, posted(1.0))]),
            1000,
        );
        // n (0.2 + 0.001 n) = 1000 / 24
        let expected = (-0.2 + (0.04_f64 + 4.0 * 0.001 * 1000.0 / 24.0).sqrt()) / 0.002;
        let found = last(&output)[Column::Providers];
        assert!(
            (found - expected).abs() < 8.0,
            "{found}, expected {expected}"
        );
    }
}

/// Demand A p^−ε on a capacity K rests a base fee where it uses the target: p* = (A / (ρ* K))^{1/ε}; surge pricing rests there too.
#[test]
fn fees_rest_at_the_target() {
    let customers = Customers {
        elasticity: 1.5,
        ..customers()
    };
    let owners = Owners {
        timing: factors(1.0, 0.0),
        running_cost: Dist::constant(0.01).unwrap(),
        ..owners()
    };
    let expected = (1000.0 / (0.6 * 2400.0_f64)).powf(1.0 / 1.5);
    let base_fee = Eip1559 {
        fee: money(2.0),
        floor: money(0.001),
        target: Ppm::from_fraction(0.6),
        denominator: 8,
        burn: Ppm::default(),
        tip: Amount::ZERO,
    };
    let surge = Surge {
        price: 2e6,
        sensitivity: 0.2,
        target: 0.6,
        floor: money(0.001),
        ceiling: money(1000.0),
    };
    for market in [Mechanism::from(base_fee), Mechanism::from(surge)] {
        let name = market.name();
        let output = go(
            &economy(customers.clone(), vec![network(owners.clone(), market)]),
            600,
        );
        let row = last(&output);
        println!(
            "{name}: {} at utilization {}",
            row[Column::Price],
            row[Column::Utilization]
        );
        close(row[Column::Price], expected, 1e-3);
        close(row[Column::Utilization], 0.6, 1e-3);
    }
}

/// A uniform price clears where supply by cost crosses demand: with 2,400 units a day at costs of 0.2 to 0.4 and 1,000 wanted whatever
/// they cost, the last unit costs 0.2 + 0.2 · 1000 / 2400; costs are told apart in steps of 25 % there.
#[test]
fn auctions_clear_where_curves_cross() {
    let owners = Owners {
        timing: factors(1.0, 0.0),
        ..owners()
    };
    let expected = 0.2 + 0.2 * 1000.0 / 2400.0;
    let half = KDouble {
        k: Ppm::from_fraction(0.0),
    };
    for market in [
        Mechanism::from(UniformPrice::default()),
        Mechanism::from(half),
    ] {
        let output = go(
            &economy(customers(), vec![network(owners.clone(), market)]),
            50,
        );
        let row = last(&output);
        close(row[Column::Served], 1000.0, 1e-3);
        let price = row[Column::Price];
        assert!(
            price > expected && price < expected * 1.25,
            "{price}, expected {expected}"
        );
    }
}

/// Customers who want 1,000 a day whatever it costs, of owners who can do 240: a base fee rises by an eighth a day, and 1.125¹¹⁸ is the
/// first beyond a million times the reference price. Nobody pays more, so it stays there.
#[test]
fn nobody_pays_a_million_times_the_reference() {
    let owners = Owners {
        potential: 10,
        ..owners()
    };
    let fee = Eip1559 {
        fee: money(1.0),
        floor: money(0.01),
        target: Ppm::from_fraction(0.5),
        denominator: 8,
        burn: Ppm::default(),
        tip: Amount::ZERO,
    };
    let output = go(&economy(customers(), vec![network(owners, fee)]), 600);
    let prices: Vec<f64> = output.series.column(Column::Price).collect();
    assert_eq!(prices.iter().position(|&price| price > 1e6), Some(117));
    for &price in &prices[117..] {
        assert!(price > 0.87e6 && price < 1.13e6, "{price}");
    }
}

/// An auction at whose last price nobody buys is not dead: customers look at what is asked, and it clears where curves cross.
#[test]
fn an_auction_recovers_from_a_price_that_nobody_pays() {
    let half = KDouble {
        k: Ppm::from_fraction(0.5),
    };
    let clear = |initial_price| {
        let auction = Network {
            initial_price,
            ..network(owners(), half.clone())
        };
        let rival = network(owners(), posted(0.7));
        last(&go(&economy(customers(), vec![auction, rival]), 60))[Column::Price]
    };
    close(clear(1e5), clear(1.0), 1e-9);
}

/// What customers choose between a cloud and owners at posted prices is the logit of −3 ln p.
#[test]
fn shares_are_a_logit() {
    let seller = Seller {
        capacity: 1e6,
        cost: 0.1,
        target: 0.7,
        lead_time: 100.0,
        maker: None,
        follows: None,
        contracts: None,
    };
    let cloud = Network {
        name: "cloud".to_owned(),
        supply: Supply::Seller(seller),
        initial_price: 2.0,
        ..network(owners(), posted(2.0))
    };
    let output = go(
        &economy(customers(), vec![network(owners(), posted(1.0)), cloud]),
        30,
    );
    close(last(&output)[Column::Share], 8.0 / 9.0, 1e-6);
}

/// Three networks at posted prices, of which two are in a nest of dissimilarity λ: shares are those of the nested logit (K. Train, Discrete
/// Choice Methods, section 4.2) of what they are worth by price, latency, failures, trust and privacy.
#[test]
fn shares_are_a_nested_logit_of_quality() {
    let lambda = 0.4;
    let customers = Customers {
        tastes: Weights::from_worth(3.0, 0.05, 2.0, 0.5, 0.3),
        nests: vec![lambda],
        ..customers()
    };
    let offers = [
        Offer {
            latency: 2.0,
            failure_risk: 0.05,
            trust: 0.4,
            privacy: 0.5,
            ..Offer::default()
        },
        Offer {
            latency: 1.0,
            trust: 0.5,
            appeal: 0.2,
            ..Offer::default()
        },
        Offer {
            trust: 1.0,
            privacy: 0.2,
            ..Offer::default()
        },
    ];
    let prices = [1.0, 1.1, 1.4];
    let networks =
        (offers.into_iter().zip(prices).enumerate()).map(|(index, (offer, price))| Network {
            offer,
            nest: (index < 2).then_some(0),
            initial_price: price,
            ..network(owners(), posted(price))
        });
    let world = economy(customers, networks.collect());
    let utility = [
        -3.0 * (0.05 * 2.0 + 2.0 * 0.05 - 0.5 * 0.4 - 0.3 * 0.5),
        0.2 - 3.0 * (0.05 - 0.5 * 0.5 + 1.1_f64.ln()),
        3.0 * (0.5 + 0.3 * 0.2 - 1.4_f64.ln()),
    ];
    let inside: f64 = utility[..2].iter().map(|u| (u / lambda).exp()).sum();
    let all = inside.powf(lambda) + utility[2].exp();
    let expected = (utility[0] / lambda).exp() * inside.powf(lambda - 1.0) / all;
    close(last(&go(&world, 5))[Column::Share], expected, 1e-5);
}

/// Budgets of customers, log-normal with a median of a dollar: at a price of one, half of them pay it in full and the others what they
/// have, `e^{σ²/2} Φ(−σ) + 1/2` of it together.
#[test]
fn budgets_bound_what_is_done() {
    let customers = Customers {
        budgets: Some(Budgets {
            median: 1.0,
            sigma: 0.8,
        }),
        ..customers()
    };
    let output = go(
        &economy(customers, vec![network(owners(), posted(1.0))]),
        10,
    );
    // Φ(−0.8) = 0.211855
    let expected = 1000.0 * ((0.32_f64).exp() * 0.211_855_4 + 0.5);
    close(last(&output)[Column::Served], expected, 1e-5);
    assert_eq!(output.metrics.get(MetricId::ConsumerSurplus), None);
}

/// 4,000 units a day are wanted of two networks alike that can do 2,400 each, but for the price of the second, where 1/9 of the customers are:
/// who uses one network is turned away there, and who uses all fills the cheap one first.
#[test]
fn homes_decide_where_work_goes() {
    for (homing, first, all) in [
        (Homing::Exclusive, 2400.0, 2400.0 + 4000.0 / 9.0),
        (Homing::Overflow, 2400.0, 2400.0 + 400.0),
        (Homing::Multi, 2400.0, 4000.0),
    ] {
        let customers = Customers {
            volume: 4000.0,
            homing,
            ..customers()
        };
        let dear = Network {
            initial_price: 2.0,
            ..network(owners(), posted(2.0))
        };
        let world = economy(customers, vec![network(owners(), posted(1.0)), dear]);
        let row = go(&world, 5).series.rows[1];
        close(row[Column::Served], first, 1e-4);
        if homing != Homing::Overflow {
            close(row[Column::Served] / row[Column::Share], all, 1e-4);
        }
    }
}

/// A token that loses four fifths of its price at once, by a shock.
#[test]
fn a_shock_comes_when_it_is_due() {
    let mut world = network(owners(), posted(1.0));
    world.token = Some(token(PriceModel::Fixed, Emission::none(), Payment::Tokens));
    let mut economy = economy(customers(), vec![world]);
    economy.shocks.push(Shock {
        at: 10.0,
        network: 0,
        change: Change::TokenPrice(0.2),
    });
    let output = go(&economy, 20);
    let prices: Vec<f64> = output.series.column(Column::TokenPrice).collect();
    assert_eq!((prices[9], prices[10]), (1.0, 0.2));
    close(
        output.metrics.get(MetricId::TokenDrawdown).unwrap(),
        0.8,
        1e-12,
    );
}

/// What money costs 10 % a year; earnings are as uncertain as they have been.
const DIXIT: Timing = Timing::Dixit {
    discount: 0.1,
    drift: 0.0,
    volatility: None,
};

/// Owners who pay for a machine that is worth nothing to others, and expect earnings to move by 60 % in a year. As the posted price falls
/// from 1 USD by steps, and all that is wanted is shared by those who are there, none goes while a unit earns more than Dixit's lower
/// threshold, and all have gone when it has earned less; and as it rises again none comes back below the upper one.
#[test]
fn owners_wait_between_the_thresholds_of_dixit() {
    let machine = Machine {
        price: 100.0,
        ..Machine::default()
    };
    let thresholds = Switching {
        drift: 0.0,
        volatility: 0.6,
        discount: 0.1,
        cost: 0.3 * 365.0,
        entry_cost: 100.0,
        exit_cost: 0.0,
    }
    .thresholds();
    let (enter, leave) = (thresholds.enter / 365.0, thresholds.leave / 365.0);
    assert!(leave < 0.2 && enter > 0.4, "{leave} {enter}");
    let owners = Owners {
        running_cost: Dist::constant(0.3).unwrap(),
        buyers: 1.0,
        machine,
        timing: Timing::Dixit {
            discount: 0.1,
            drift: 0.0,
            volatility: Some(0.6),
        },
        review: 1.0,
        memory: 0.01,
        ..owners()
    };
    // As much is wanted as there is, so that a unit of capacity earns the price.
    let customers = Customers {
        volume: 1e6,
        ..customers()
    };
    let mut world = economy(customers, vec![network(owners, posted(1.0))]);
    let steps = 60;
    for step in 0..2 * steps {
        let down = step < steps;
        world.shocks.push(Shock {
            at: 10.0 * f64::from(step + 1),
            network: 0,
            change: Change::Price(if down { 0.96 } else { 1.0 / 0.96 }),
        });
    }
    let output = go(&world, 10 * (2 * steps as u64 + 2));
    let (mut gone, mut back) = (false, false);
    for (row, day) in output.series.rows.iter().zip(&output.series.days) {
        let price = row[Column::Price];
        if *day <= 610.0 {
            assert_eq!(row[Column::Left] > 0.0, price <= leave && !gone, "{price}");
            gone |= row[Column::Left] > 0.0;
        } else {
            assert_eq!(
                row[Column::Joined] > 0.0,
                price >= enter && !back,
                "{price}"
            );
            back |= row[Column::Joined] > 0.0;
        }
        let online = if gone && !back { 0.0 } else { 100.0 };
        assert_eq!(row[Column::Providers], online);
    }
    assert!(gone && back);
}

/// The same owners paid in tokens whose price is a geometric Brownian motion, with the volatility that they see: while a unit has never
/// earned less than the threshold at three quarters of the true volatility nobody has gone, and who has seen it a tenth below that of five
/// quarters, has.
#[test]
fn owners_learn_how_uncertain_their_earnings_are() {
    let machine = Machine {
        price: 100.0,
        ..Machine::default()
    };
    let leave = |volatility: f64| {
        let switching = Switching {
            drift: 0.0,
            volatility,
            discount: 0.1,
            cost: 0.3 * 365.0,
            entry_cost: 100.0,
            exit_cost: 0.0,
        };
        switching.thresholds().leave / 365.0
    };
    let owners = Owners {
        running_cost: Dist::constant(0.3).unwrap(),
        buyers: 1.0,
        machine,
        timing: DIXIT,
        review: 1.0,
        memory: 365.0,
        ..owners()
    };
    let mut world = network(owners, posted(1.0));
    let gbm = PriceModel::Gbm(Gbm {
        drift: 0.0,
        volatility: 0.8,
    });
    // 2,400 tokens a day for 2,400 units, and customers who pay nothing.
    world.token = Some(token(
        gbm,
        Emission::scheduled(Schedule::Fixed(Amount::from_f64(1200.0))),
        Payment::Dollars,
    ));
    let customers = Customers {
        volume: 1e-6,
        ..customers()
    };
    let world = economy(customers, vec![world]);
    let (mut stayed, mut left) = (0, 0);
    for replication in 0..20 {
        let output = world
            .simulate(&settings(4000), 1, replication, &|| false)
            .expect("nobody stops it");
        // What owners expect is the earnings of a year or two: smoothed here as they do it.
        let (mut expected, weight) = (1.0, 1.0 - 0.5_f64.powf(1.0 / 365.0));
        for (row, day) in output.series.rows.iter().zip(&output.series.days) {
            expected += weight * (row[Column::Earning] - expected);
            // After two years the volatility is known within a quarter.
            if *day < 730.0 {
                if row[Column::Left] > 0.0 {
                    break;
                }
                continue;
            }
            if row[Column::Left] > 0.0 {
                assert!(expected < leave(0.6), "{expected}");
                left += 1;
                break;
            }
            assert!(expected > 0.9 * leave(1.0), "{expected}");
            stayed += 1;
        }
    }
    assert!(left >= 5 && stayed > 1000, "{left} {stayed}");
}

/// Electricity by place and month, to the cent: 350 W at work and 60 W without, half of it used, where the exchange moves a third of
/// 0.40 USD; and for owners whose machine is on anyway what work adds.
#[test]
fn electricity_is_part_of_running_cost() {
    let tariff = Tariff {
        usd_per_kwh: 0.4,
        exchange_share: 1.0 / 3.0,
        profile: DayAhead::GERMANY,
        utc_offset: 1.0,
    };
    for (idle_anyway, energy) in [(0.0, 0.205), (1.0, 0.145)] {
        let owners = Owners {
            running_cost: Dist::constant(0.1).unwrap(),
            idle_anyway,
            machine: Machine {
                busy: 0.35,
                idle: 0.06,
                ..Machine::default()
            },
            places: vec![Place {
                weight: 1.0,
                tariff: tariff.clone(),
            }],
            review: 1.0,
            timing: factors(1.0, 0.0),
            ..owners()
        };
        let customers = Customers {
            volume: 1200.0,
            ..customers()
        };
        let mut world = economy(customers, vec![network(owners, posted(1.0))]);
        world.shocks.push(Shock {
            at: 200.0,
            network: 0,
            change: Change::Electricity {
                factor: 3.0,
                place: Some(0),
            },
        });
        let output = go(&world, 365);
        for (day, row) in output.series.rows.iter().enumerate() {
            let factor = if day < 200 { 1.0 } else { 3.0 };
            let price = tariff.mean(24.0 * day as f64, 24.0) * factor;
            close(row[Column::Cost], 0.1 + energy * price, 1e-8);
        }
        // Bills: what was spent is what the year came to, within its last day.
        let cost = output.metrics.get(MetricId::RunningCost).unwrap();
        assert!(cost > 0.1 + energy * 0.4, "{cost}");
    }
}

/// A maker with 50 weeks of backlog and 24 units a week, one machine of 24 units a day: a hundred owners who all order at once get theirs
/// week by week from the 51st on, in the order of their orders, unless its output doubles; and a rival who orders first is served first.
#[test]
fn hardware_comes_in_the_order_of_orders() {
    for (doubled, rival, expected) in [
        (false, 0.0, [0.0, 10.0, 20.0]),
        (true, 0.0, [10.0, 30.0, 50.0]),
        (false, 240.0, [0.0, 0.0, 10.0]),
    ] {
        let owners = Owners {
            online: 0.0,
            running_cost: Dist::constant(0.01).unwrap(),
            buyers: 1.0,
            maker: Some(0),
            review: 1.0,
            timing: factors(1.0, 0.0),
            ..owners()
        };
        let customers = Customers {
            volume: 1e6,
            ..customers()
        };
        let mut world = economy(customers, vec![network(owners, posted(1.0))]);
        world.makers.push(Maker::quoting(50.0, 0.0, 24.0));
        if rival > 0.0 {
            world.shocks.push(Shock {
                at: 0.0,
                network: 0,
                change: Change::Orders {
                    maker: 0,
                    units: rival,
                },
            });
        }
        if doubled {
            // Thirty of 50 weeks are left, and come in 15.
            world.shocks.push(Shock {
                at: 140.0,
                network: 0,
                change: Change::Output {
                    maker: 0,
                    factor: 2.0,
                },
            });
        }
        let output = go(&world, 7 * 71);
        let online = |week: usize| output.series.rows[7 * week + 1][Column::Providers];
        let found = if doubled {
            [40, 50, 60].map(online)
        } else {
            [50, 60, 70].map(online)
        };
        assert_eq!(found, expected, "{doubled} {rival}");
    }
}

/// What owners see makes them act after a delay: who would come for a price comes so many days later.
#[test]
fn delays_are_kept() {
    for delay in [0.0, 1.0, 30.0] {
        let owners = Owners {
            online: 0.0,
            delay,
            review: 1.0,
            memory: 0.01,
            ..owners()
        };
        let mut world = economy(customers(), vec![network(owners, posted(0.1))]);
        world.networks[0].initial_price = 0.1;
        world.shocks.push(Shock {
            at: 50.0,
            network: 0,
            change: Change::Price(10.0),
        });
        let output = go(&world, 100);
        let joined = output.series.column(Column::Joined);
        assert_eq!(
            joined.clone().position(|joined| joined > 0.0),
            Some(50 + delay as usize)
        );
    }
}

/// 100 owners who are all in the first of two networks at first, whose pots are 600 and 300 USD a day however many they are, and there are
/// E USD of new tokens in the second: with a cost of moving of c USD by unit of capacity a day, to be gained within w days, they go until
/// (300 + E) / (24 n) − 600 / (24 (100 − n)) = c / w, and at no cost until both earn the same; and no more than these ever go, whether one
/// looks in a day or all do.
#[test]
fn movers_are_indifferent_at_the_end() {
    let cases = [
        (0.0, 0.0, 100.0),
        (0.0, 2.0, 100.0),
        (0.0, 10.0, 100.0),
        (0.0, 5.0, 10.0),
        (900.0, 0.0, 100.0),
        (1200.0, 10.0, 100.0),
    ];
    let cases = cases.iter().flat_map(|&case| [(case, 1.0), (case, 100.0)]);
    for ((minted, cost, within), review) in cases {
        let pool = Owners {
            running_cost: Dist::constant(0.01).unwrap(),
            review,
            memory: 0.01,
            moving: Moving {
                cost: Dist::constant(cost).unwrap(),
                within,
                downtime: 0.0,
            },
            ..owners()
        };
        let member = |online| Membership {
            pool: 0,
            online,
            stake: 0.0,
            lock: 0.0,
        };
        let mut first = network(owners(), posted(1.0));
        first.supply = Supply::Pool(member(1.0));
        first.offer.appeal = 2.0_f64.ln();
        let mut second = network(owners(), posted(1.0));
        second.supply = Supply::Pool(member(0.0));
        let emission = Emission::scheduled(Schedule::Fixed(Amount::from_f64(minted)));
        second.token = Some(token(PriceModel::Fixed, emission, Payment::Dollars));
        let customers = Customers {
            volume: 900.0,
            ..customers()
        };
        let mut world = economy(customers, vec![first, second]);
        world.pools.push(pool);
        let output = go(&world, 600);
        let gap = |n: f64| (300.0 + minted) / (24.0 * n) - 600.0 / (24.0 * (100.0 - n));
        let expected = (1..100).find(|&n| gap(f64::from(n)) <= cost / within);
        let expected = f64::from(expected.unwrap());
        let stay = output.series.column(Column::Providers);
        for found in [last(&output)[Column::Providers], stay.fold(100.0, f64::min)] {
            assert!(
                (100.0 - found - expected).abs() <= 1.0,
                "{minted} {cost} {review}: {found}, expected 100 - {expected}"
            );
        }
    }
}

/// A rival opens on day 100 and pays three times as much: a stake that is lost within 200 days of coming holds those who have one to lose
/// until then, and burns nothing.
#[test]
fn a_lock_holds_until_it_ends() {
    for (stake, held) in [(0.0, 100), (1000.0, 200)] {
        let pool = Owners {
            running_cost: Dist::constant(0.01).unwrap(),
            review: 1.0,
            memory: 0.01,
            moving: Moving {
                cost: Dist::constant(0.0).unwrap(),
                within: 30.0,
                downtime: 0.0,
            },
            ..owners()
        };
        let member = |stake| Membership {
            pool: 0,
            online: 0.0,
            stake,
            lock: 200.0,
        };
        let mut first = network(owners(), posted(1.0));
        first.supply = Supply::Pool(member(stake));
        let mut coins = token(PriceModel::Fixed, Emission::none(), Payment::Dollars);
        coins.genesis[0].tokens = Amount::from_f64(1e9);
        first.token = Some(coins);
        let mut second = network(owners(), posted(3.0));
        second.supply = Supply::Pool(member(0.0));
        second.is_open = false;
        let customers = Customers {
            volume: 1e5,
            tastes: Weights {
                price: 0.1,
                ..Weights::default()
            },
            ..customers()
        };
        let mut world = economy(customers, vec![first, second]);
        world.pools.push(pool);
        world.shocks.push(Shock {
            at: 100.0,
            network: 1,
            change: Change::Open(true),
        });
        let output = go(&world, 300);
        let left = output.series.column(Column::Left);
        let first = left.clone().position(|left| left > 0.0).unwrap();
        assert!(first.abs_diff(held) <= 1, "{first}");
        assert_eq!(last(&output)[Column::Providers], 0.0);
        assert!(
            output
                .series
                .column(Column::Burned)
                .all(|burned| burned == 0.0)
        );
    }
}

fn market(choice: u8) -> Mechanism {
    match choice % 6 {
        0 => posted(0.7).into(),
        1 => Eip1559 {
            fee: money(0.5),
            floor: money(0.01),
            target: Ppm::from_fraction(0.7),
            denominator: 8,
            burn: Ppm::from_fraction(0.3),
            tip: Amount::ZERO,
        }
        .into(),
        2 => UniformPrice::default().into(),
        3 => KDouble {
            k: Ppm::from_fraction(0.5),
        }
        .into(),
        4 => McAfee.into(),
        _ => Vcg.into(),
    }
}

prop_compose! {
    fn any_token()(
        price in prop_oneof![
            Just(PriceModel::Fixed),
            (0.0..2.0).prop_map(|volatility| PriceModel::Gbm(Gbm { drift: 0.0, volatility })),
            (1.0..400.0).prop_map(|days| PriceModel::Exchange(Exchange { holding: days / 365.0, memory: 0.1, response: 0.0 })),
            (1e3..1e6).prop_map(|depth| PriceModel::OrderFlow(OrderFlow { depth, fee: 0.003, average: 0.02, outside: None })),
        ],
        per_day in 0.0..5e3,
        every in 10_u64..200,
        payment in 0..3_u8,
        shares in prop::collection::vec(0.0..0.5, 3),
        insiders in 1e3..1e6,
        cliff in 0..100_u64,
        choice in 0..6_u8,
        staking in prop::option::of((0.0..1.0, 0.0..1.0, 0.01..0.5, 0.0..0.5)),
        bond in prop::option::weighted(0.3, (0.01..=1.0, 0.0..0.5, 0.0..0.5)),
    ) -> Token {
        let payment = match payment {
            0 => Payment::Dollars,
            1 => Payment::Tokens,
            _ => Payment::BurnAndMint {
                burned: Ppm::from_fraction(0.5 + shares[0]),
                minted_again: Amount::from_f64(per_day / 3.0),
            },
        };
        let initial = Amount::from_f64(per_day);
        let rule = match choice {
            0 => Rule::Schedule(Schedule::Halving { initial, every }),
            1 => Rule::Schedule(Schedule::Exponential { total: Amount::from_f64(per_day * 100.0), half_life: every }),
            2 => Rule::Baseline(Schedule::Fixed(initial), Baseline {
                total: Amount::from_f64(per_day * 100.0), half_life: every, initial: 1000.0, growth: 0.01, realized: 0.0,
            }),
            3 => Rule::Stake(EthereumIssuance::default()),
            4 => Rule::Bonding(Minter { inflation: 200_000, change: 10_000, target: 500_000_000 }),
            _ => Rule::Cap { initial, cap: Amount::from_f64(2e6) },
        };
        let mut token = token(price, Emission { rule, least: Amount::from_f64(per_day / 10.0) }, payment);
        token.genesis.push(Allotment {
            holder: Holder::Insiders,
            tokens: Amount::from_f64(insiders),
            cliff: cliff * 86_400,
            vesting: Vesting { step: 30 * 86_400, ..Vesting::linear(100 * 86_400) },
            sold: Ppm::from_fraction(0.5),
        });
        token.genesis.push(Allotment {
            holder: Holder::Treasury,
            tokens: Amount::from_f64(insiders / 3.0),
            cliff: 0,
            vesting: Vesting::linear(cliff * 86_400),
            sold: Ppm::default(),
        });
        token.bond = bond.map(|(weight, entry, exit)| Bond {
            weight,
            entry: Ppm::from_fraction(entry),
            exit: Ppm::from_fraction(exit),
        });
        token.to_treasury = Ppm::from_fraction(shares[0]);
        token.to_creators = Ppm::from_fraction(shares[1]);
        token.buy_back = Ppm::from_fraction(shares[2]);
        token.staking = staking.map(|(rewards, delegated, wanted, commission): (f64, f64, f64, f64)| Staking {
            rewards: Ppm::from_fraction(rewards),
            delegated: Ppm::from_fraction(delegated),
            wanted,
            response: 20.0,
            commission: Ppm::from_fraction(commission),
        });
        token
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever the rules, no unit is created or lost (audited within the run), the journal alone gives the same supply, and two
    /// networks with random markets and tokens end as they did before.
    #[test]
    fn books_balance(
        tokens in prop::collection::vec(prop::option::of(any_token()), 2),
        markets in prop::collection::vec(any::<u8>(), 2),
        take in 0.0..0.5,
        upkeep in 0.0..300.0,
        stake in 0.0..3.0,
        sells in prop_oneof![Just(Sells::Bill), (0.0..=1.0).prop_map(Sells::Share)],
        crash in 0.05..3.0,
        dixit in any::<bool>(),
        checked in prop::option::of(0.0..0.2),
        weighed in prop::option::of((0.0..0.8, 0.0..1.0, 1.0..20.0)),
        missed in prop::option::of(0.0..0.3),
        rule in prop::option::of(prop_oneof![
            Just(Reward::Usage),
            (0.0..2.0).prop_map(|alpha| Reward::Popularity { alpha }),
            Just(Reward::Retroactive { every: 30.0, error: 0.5 }),
            Just(Reward::Quadratic { every: 30.0, givers: 100, gift: 1.0 }),
        ]),
    ) {
        let networks = (tokens.into_iter().zip(markets)).map(|(token, choice)| {
            let owners = Owners {
                online: 0.5,
                sells,
                stake: if token.is_some() { stake } else { 0.0 },
                buyers: 0.3,
                machine: Machine { price: 20.0, resale: 0.3, depreciation: 0.2, busy: 0.35, idle: 0.06 },
                places: vec![Place { weight: 1.0, tariff: Tariff::flat(0.1) }],
                payback: 365.0,
                lead_time: 30.0,
                risk_aversion: 0.1,
                idle_anyway: 0.2,
                delay: 3.0,
                timing: if dixit { DIXIT } else { factors(1.0, 0.8) },
                ..owners()
            };
            let mut network = network(owners, market(choice));
            network.take_rate = Ppm::from_fraction(take);
            network.upkeep = upkeep;
            network.treasury = 1000.0;
            network.token = token;
            let is_burned = network.token.as_ref().is_some_and(|token| matches!(token.payment, Payment::BurnAndMint { .. }));
            network.creators = rule.map(|rule| Creators {
                popularity: 0.8,
                quality: 0.5,
                rule,
                share: if is_burned { Ppm::default() } else { Ppm::from_fraction(0.1) },
                derived: 0.4,
                royalty: Ppm::from_fraction(0.2),
                resale: 2.0,
                variety: 0.3,
                fashion: 100.0,
                ..creators()
            });
            let has_token = network.token.is_some();
            network.deals = missed.filter(|_| has_token).map(|probability| Deals {
                term: 60.0,
                collateral: Collateral::default(),
                faults: Faults { probability, lasts: 3.0, until: 7.0 },
            });
            let weighed = weighed.filter(|_| has_token && missed.is_none());
            network.validators = weighed.map(|(stake, noise, every): (f64, f64, f64)| Validators {
                count: 7,
                stakes: Dist::uniform(1.0, 3.0).unwrap(),
                noise,
                colluding: stake,
                allies: 0.1,
                dividends: Ppm::from_fraction(0.4),
                every: every.floor(),
                rules: Yuma::default(),
            });
            network.verification = checked.map(|checked| Verification {
                opportunists: 0.5,
                saves: 0.9,
                job: 5.0,
                checked,
                finds: 0.9,
                cost: 0.1,
                slashed: Ppm::from_fraction(0.7),
                to_treasury: Ppm::from_fraction(0.3),
                barred: 20.0,
                memory: 10.0,
            });
            network
        });
        let customers = Customers { elasticity: 1.2, volatility: 0.3, growth: 0.5, habit: 20.0, ..customers() };
        let mut economy = economy(customers, networks.collect());
        for (at, change) in [
            (60.0, Change::TokenPrice(crash)),
            (90.0, Change::RunningCost(1.5)),
            (100.0, Change::Electricity { factor: 2.0, place: None }),
            (120.0, Change::Emission(0.5)),
            (150.0, Change::Open(false)),
            (180.0, Change::Open(true)),
            (200.0, Change::Demand(0.5)),
        ] {
            economy.shocks.push(Shock { at, network: 0, change });
        }
        let output = go(&economy, 300);
        prop_assert_eq!(output.digest, go(&economy, 300).digest);
        for row in &output.series.rows {
            prop_assert!(row[Column::Served] <= row[Column::Capacity] * (1.0 + 1e-6) + 1e-3);
            prop_assert!(row[Column::Price].is_finite() && row[Column::Price] > 0.0);
        }
        // The journal: tokens created less tokens destroyed are the supply.
        let journal = economy.journal(&settings(300), 1, 0, &|| false).unwrap();
        let mut supply = Amount::ZERO;
        for posting in &journal {
            prop_assert!(posting.amount >= Amount::ZERO);
            if posting.asset == walras_sim::ledger::Asset::Token {
                supply += match (posting.from, posting.to) {
                    (None, Some(_)) => posting.amount,
                    (Some(_), None) => -posting.amount,
                    _ => Amount::ZERO,
                };
            }
        }
        let told = last(&output)[Column::Supply];
        prop_assert!((supply.as_f64() - told).abs() <= told.abs() * 1e-12);
        prop_assert!(journal.iter().all(|posting| posting.reason != Reason::Rental));
    }
}
