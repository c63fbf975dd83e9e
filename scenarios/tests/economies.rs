//! Economies as a user writes them: what is wrong is said where it is, and what is right reaches the simulation.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use walras_scenarios::{Options, Plan, execute, load};
use walras_sim::series::Column;

/// An economy without a mistake: owners, a cloud, and a maker of hardware.
const GOOD: &str = "\
walras: 1
question: Does it work?
run: {horizon: 1 y, sample_every: 1 d, replications: 1, seed: 1}
customers: {volume: 1000, reference_price: 0.8}
economies:
  one:
    makers: {factory: {output: 24, quoted: 10 w}}
    networks:
      depin:
        owners:
          potential: 100
          online: 50 %
          capacity: 24
          running_cost: 0.1
          hardware: {buyers: 50 %, price: 10, maker: factory}
          electricity: {busy: 0.35, idle: 0.1, regions: {eu-central: 1, us-south: 1}, exchange: 30 %}
          dixit: {volatility: 0.5}
        market: {posted: {price: 0.5}}
      cloud:
        seller: {capacity: 1000, maker: factory}
        market: {posted: {price: 1}}
    shocks:
      winter: {at: 100 d, region: eu-central, change: {electricity: 3}}
      rush: {at: 100 d, maker: factory, change: {orders: 100}}
";

fn plan(text: &str, name: &str) -> Result<Plan, String> {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("economies");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join(format!("{name}.yaml"));
    fs::write(&file, text).unwrap();
    match load(&file, &[], None) {
        Ok(scenario) => Ok(scenario.plan),
        Err(issues) => Err(issues.to_string()),
    }
}

/// The series of the first economy.
fn series(text: &str, name: &str) -> walras_sim::series::Series {
    let plan = plan(text, name).unwrap_or_else(|message| panic!("{message}"));
    let stop = AtomicBool::new(false);
    let options = Options {
        threads: 1,
        pool: None,
        record_jobs: false,
        logbook: None,
        stop: &stop,
    };
    let experiment = execute(&plan, &options, &|_| {});
    experiment.unwrap().runs.swap_remove(0).output.series
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    plan(GOOD, "good").unwrap();
    let mut found = String::new();
    for (index, (from, to)) in [
        ("dixit: {volatility: 0.5}", "dixit: {drift: 0.2}"),
        (
            "dixit: {volatility: 0.5}",
            "dixit: {volatility: 0.5}\n          leave_below: 70 %",
        ),
        ("price: 10, maker: factory", "price: 10, maker: fabric"),
        (
            "price: 10, maker: factory",
            "price: 10, maker: factory, lead_time: 4 w",
        ),
        ("buyers: 50 %", "buyers: 50 %, idle_anyway: 60 %"),
        ("regions: {eu-central: 1", "regions: {eu-centre: 1"),
        (
            "regions: {eu-central: 1",
            "price: 0.3, regions: {eu-central: 1",
        ),
        ("us-south: 1}", "ap-south: 1}"),
        ("region: eu-central, change", "region: us-east, change"),
        ("maker: factory, change", "change"),
        ("quoted: 10 w", "quoted: 10 w, transit: 12 w"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(GOOD.matches(from).count(), 1, "{from}");
        let message = plan(&GOOD.replace(from, to), &format!("wrong-{index}")).unwrap_err();
        for line in message.lines().map(str::trim_start) {
            if line.starts_with("error:") {
                found.push_str(line);
            } else if let Some((_, place)) = line.split_once(".yaml:") {
                let line = place.split(':').next().unwrap_or_default();
                writeln!(found, " (line {line})").expect("text grows");
            }
        }
    }
    assert_eq!(found, MESSAGES, "{found}");
}

const MESSAGES: &str = "\
error: earnings cannot be expected to grow as fast as they are discounted, or faster (line 17)
error: owners come and go by `dixit` or by `leave_below`, not by both (line 18)
error: unknown maker `fabric` (line 15)
error: the maker's queue says when hardware comes (line 15)
error: buyers and owners whose machine is on anyway are more than all (line 15)
error: unknown region `eu-centre` (line 16)
error: unknown region `eu-central` (line 23)
error: expected one of `price` and `regions`, found both (line 16)
error: no prices of an exchange are known for `ap-south` (line 16)
error: unknown region `us-east` (line 23)
error: this changes a maker, and none is named (line 24)
error: a lead time cannot be shorter than the transit that is part of it (line 7)
";

/// A pool whose token is traded elsewhere for a dollar follows it as far as the fee; alone it goes where purchases and what is left of them
/// take it. A curve with a thousandth in reserve sends the price to where the reserve has grown by the powers of Bancor.
#[test]
fn tokens_are_priced_as_they_are_written() {
    let with = |price: &str, shock: &str| {
        let market = "market: {posted: {price: 0.5}}";
        let token = format!(
            "{market}\n        token: {{initial_price: 1, price: {price}, genesis: {{all: {{holder: public, tokens: 1e6}}}}, \
             payment: {{burn-and-mint: {{burned: 0 %}}}}}}"
        );
        let text = GOOD.replace(market, &token);
        text.replace("change: {electricity: 3}", shock)
    };
    let crisis = "change: {electricity: 3}";
    let last = |price: &str| {
        let series = series(&with(price, crisis), "priced");
        let bought: f64 = series.column(Column::Spend).sum();
        (series.rows.last().unwrap()[Column::TokenPrice], bought)
    };
    let (alone, bought) = last("{order-flow: {depth: 1e5}}");
    assert!((alone / (1.0 + bought / 1e5).powi(2) - 1.0).abs() < 1e-9);
    let (tied, _) = last(
        "{order-flow: {depth: 1e5, outside: {price: {gbm: {volatility: 0}}, fee: 1 %, half_life: 0 s}}}",
    );
    assert!((tied - 1.0 / 0.99).abs() < 1e-9, "{tied}");
    let (curve, bought) = last("{bonding-curve: {reserve_ratio: 50 %, entry: 10 %}}");
    let grown: f64 = 1.0 + 0.9 * bought / 5e5;
    assert!((curve / grown.sqrt() - 1.0).abs() < 1e-8, "{curve}");
    for (price, shock, message) in [
        (
            "{bonding-curve: {reserve_ratio: 0 %}}",
            crisis,
            "nothing would stand behind the token",
        ),
        (
            "{order-flow: {depth: 1e5, outside: {price: {order-flow: {depth: 1}}}}}",
            crisis,
            "the network would move this market, too",
        ),
        (
            "{order-flow: {depth: 1e5, outside: {price: {exchange: {holding: 0 d}}}}}",
            crisis,
            "this duration must be more than nothing",
        ),
    ] {
        let found = plan(&with(price, shock), "priced-wrong").unwrap_err();
        assert!(found.contains(message), "{found}");
    }
    let crash = with(
        "{bonding-curve: {reserve_ratio: 5 %}}",
        "change: {token-price: 0.5}",
    );
    let crash = crash.replace("region: eu-central, ", "");
    let found = plan(&crash, "priced-wrong").unwrap_err();
    assert!(found.contains("a bonding curve makes the price"), "{found}");
}

/// A rival who halves its price takes the customers of a cloud as fast as their reservations end: what is done together stays the same, and
/// the cloud's part goes evenly over the term from what a logit says of the old prices to what it says of the new ones.
#[test]
fn contracts_hold_customers_until_they_end() {
    let text = "\
walras: 1
question: Who stays?
run: {horizon: 2 y, sample_every: 1 d, replications: 1, seed: 1}
customers: {volume: 1000, reference_price: 1, elasticity: 0, habit: 0 d, price_weight: 4}
economies:
  one:
    networks:
      cloud:
        seller: {capacity: 5000, contracts: {variation: 0}}
        market: {posted: {price: 1}}
      rival:
        seller: {capacity: 5000}
        market: {posted: {price: 0.63}}
    shocks:
      cut: {at: 100 d, network: rival, change: {price: 0.5}}
";
    let found = series(text, "contracts-hold");
    let served = |day: usize| found.rows[day][Column::Served];
    let share = |day: usize| found.rows[day][Column::Share];
    assert!((share(90) - 0.5).abs() < 1e-6, "{}", share(90));
    let (before, after) = (500.0, 1000.0 / 17.0);
    for day in [101, 200, 300, 400, 430] {
        let signed = f64::from(day as u32 - 100) / 365.0;
        let stays = (before * (1.0 - signed)).max(after);
        assert!(
            (served(day) - stays).abs() < 5.0,
            "{day}: {} {stays}",
            served(day)
        );
        assert!((served(day) / share(day) - 1000.0).abs() < 0.1, "{day}");
        assert!(found.rows[day][Column::Unused] < 1e-6);
    }
    assert!((served(700) - after).abs() < 0.5, "{}", served(700));
}

/// A cloud of its own that sells as AWS does: customers pay Φ(0.4 − z) of the price on demand in the mean, where z = −0.331853 is the
/// 37th hundredth of the normal distribution; and contracts go with a posted price.
#[test]
fn contracts_cost_what_the_newsvendor_says() {
    let text = "\
walras: 1
question: What does a cloud cost?
run: {horizon: 2 y, sample_every: 1 d, replications: 1, seed: 1}
customers: {volume: 1000, reference_price: 2, segments: {all: {share: 100 %}}}
economies:
  one:
    networks:
      cloud:
        seller: {capacity: 5000, contracts: {variation: 0.4}}
        market: {posted: {price: 2}}
";
    let found = series(text, "contracts");
    let row = found.rows.last().unwrap();
    let mean = row[Column::Spend] / row[Column::Served];
    // Φ(0.731853), from tables.
    assert!((mean / 2.0 - 0.767_872).abs() < 1e-4, "{mean}");
    assert_eq!(found.segments[0].0, "all");
    assert!((found.segments[0].1[700] - 1.0).abs() < 1e-12);
    // Without a discount nobody reserves, however even the load is.
    let bare = text.replace("{variation: 0.4}", "{variation: 0, discount: 0 %}");
    let row = *series(&bare, "contracts-bare").rows.last().unwrap();
    assert!((row[Column::Spend] / row[Column::Served] - 2.0).abs() < 1e-9);
    for (from, to, message) in [
        (
            "{variation: 0.4}",
            "{discount: 100 %}",
            "reserved for nothing",
        ),
        ("{variation: 0.4}", "{term: 0 d}", "more than nothing"),
        (
            "segments: {all: {share: 100 %}}",
            "homing: multi",
            "sign no contracts",
        ),
        (
            "posted: {price: 2}",
            "surge: {initial: 2}",
            "contracts need a posted price",
        ),
        (
            "share: 100 %",
            "share: 90 %",
            "the segments are 90.000000 % of all",
        ),
    ] {
        let found = plan(&text.replace(from, to), "contracts-wrong").unwrap_err();
        assert!(found.contains(message), "{found}");
    }
}

/// Customers who care for trust, budgets, nests and homes, and owners who may move, as a user writes them.
const RIVALS: &str = "\
walras: 1
question: Does it work?
run: {horizon: 1 y, sample_every: 1 d, replications: 1, seed: 1}
customers:
  volume: 1000
  reference_price: 1
  elasticity: 0
  habit: 0 d
  worth: {trust: 0.5}
  nests: {networks: 0.5}
  homing: exclusive
economies:
  one:
    pools:
      gpus: {potential: 100, capacity: 24, running_cost: 0.01, review: 100 d, memory: 1 d, moving: {cost: 0.5, within: 50 d, downtime: 2 d}}
    networks:
      first:
        pool: {of: gpus, online: 100 %}
        nest: networks
        market: {posted: {price: 1}}
      second:
        pool: {of: gpus}
        nest: networks
        open: false
        market: {posted: {price: 1}}
      cloud:
        quality: {trust: 100 %}
        seller: {capacity: 10000}
        market: {posted: {price: 1}}
    shocks:
      attack: {at: 100 d, network: second, change: {open: true}}
";

/// Before the second network opens the first has 1 / (1 + e^{3/2}) of the work; then both together have √2 / (√2 + e^{3/2}), and half of
/// the owners are in each.
#[test]
fn rivals_share_customers_and_owners() {
    let series = series(RIVALS, "rivals");
    let share = |day: usize| series.rows[day][Column::Share];
    let (trust, nest) = (1.5_f64.exp(), 2.0_f64.sqrt());
    assert!(
        (share(90) - 1.0 / (1.0 + trust)).abs() < 1e-5,
        "{}",
        share(90)
    );
    let after = 0.5 * nest / (nest + trust);
    assert!((share(360) - after).abs() < 1e-5, "{} {after}", share(360));
    let there = series.rows[360][Column::Providers];
    assert!((there - 50.0).abs() < 8.0, "{there}");
    assert_eq!(series.rows[99][Column::Providers], 100.0);
    for (from, to, message) in [
        ("of: gpus}", "of: cpus}", "unknown pool `cpus`"),
        (
            "potential: 100,",
            "potential: 100, stake: 1,",
            "`stake` differs between the networks that share a pool",
        ),
        (
            "of: gpus}",
            "of: gpus, stake: 1}",
            "a stake is locked in tokens, and the network has none",
        ),
        (
            "        seller: {capacity: 10000}\n",
            "",
            "expected one of `owners`, `pool` and `seller`, found none",
        ),
        (
            "nests: {networks: 0.5}",
            "nests: {clouds: 0.5}",
            "unknown nest `networks`",
        ),
        ("nests: {networks: 0.5}", "nests: {networks: 0}", "must be"),
    ] {
        let found = plan(&RIVALS.replace(from, to), "rivals-wrong").unwrap_err();
        assert!(found.contains(message), "{found}");
    }
}

/// With a price of electricity that does not matter, owners come and go as if they had none; in a crisis those of one region go.
#[test]
fn a_crisis_of_one_region_hits_its_owners() {
    let text = GOOD.replace("dixit: {volatility: 0.5}", "memory: 7 d");
    let providers = |text: &str, name: &str| {
        let series = series(text, name);
        [98, 360].map(|day| series.rows[day][Column::Providers])
    };
    let [before, after] = providers(&text, "crisis");
    let [same, calm] = providers(&text.replace("electricity: 3", "electricity: 1"), "calm");
    assert_eq!(before, same);
    assert!(after < 0.7 * calm && after > 0.3 * calm, "{after} {calm}");
}

/// Validators of whom two fifths of the stake give everything to owners of their own.
const VALIDATORS: &str = "\
walras: 1
question: Does it work?
run: {horizon: 60 d, sample_every: 1 d, replications: 1, seed: 1}
customers: {volume: 1000, reference_price: 1, elasticity: 0}
economies:
  one:
    networks:
      subnet:
        owners: {potential: 100, online: 100 %, capacity: 24, running_cost: 0.01}
        market: {posted: {price: 1}}
        validators: {count: 10, colluding: {stake: 40 %, owners: 20 %}, bonds: {liquid: {steepness: 5}}, every: 1 d}
        token:
          initial_price: 1
          price: fixed
          genesis: {public: {holder: public, tokens: 1e6}}
          emission: {constant: {per_day: 100}}
";

#[test]
fn validators_divide_what_is_minted() {
    let series = series(VALIDATORS, "validators");
    let row = series.rows.last().unwrap();
    let (work, pay) = (row[Column::ColludersWork], row[Column::ColludersPay]);
    let clipped = work / (work + 0.6 * (1.0 - work));
    assert!((pay / clipped - 1.0).abs() < 1e-3, "{pay} {clipped}");
    assert!(row[Column::ColludersDividends] < row[Column::HonestDividends]);
    let owners = "owners: {potential: 100, online: 100 %, capacity: 24, running_cost: 0.01}";
    let token = &VALIDATORS[VALIDATORS.find("        token:").unwrap()..];
    for (from, to, message) in [
        (
            owners,
            "seller: {capacity: 100}",
            "validators divide what is for owners of this network alone",
        ),
        (
            token,
            "",
            "validators divide new tokens, and the network has none",
        ),
        (
            "price: fixed",
            "price: fixed\n          staking: {rewards: 50 %, wanted_yield: 5 %}",
            "what stake earns here is the dividends of validators",
        ),
        (
            "count: 10",
            "count: 1",
            "one validator cannot be both honest and not",
        ),
        (
            "potential: 100,",
            "potential: 2000000,",
            "10 validators would weigh 2000000 owners each",
        ),
        ("}, every: 1 d", "}, every: 0 d", "must be"),
        ("stake: 40 %, ", "", "stake"),
        ("bonds: {liquid: ", "bonds: {fluid: ", "fluid"),
    ] {
        assert_eq!(VALIDATORS.matches(from).count(), 1, "{from}");
        let found = plan(&VALIDATORS.replace(from, to), "validators-wrong").unwrap_err();
        assert!(found.contains(message), "{found}");
    }
}

/// Storage by deals, of which a tenth is missing a proof on any day.
const DEALS: &str = "\
walras: 1
question: Does it work?
run: {horizon: 300 d, sample_every: 1 d, replications: 1, seed: 1}
customers: {volume: 1000, reference_price: 1, elasticity: 0}
economies:
  one:
    networks:
      storage:
        owners: {potential: 100, online: 100 %, capacity: 24, running_cost: 0.01}
        market: {posted: {price: 1}}
        deals: {term: 200 d, pledge: {rewards: 30 d, supply: 12 %}, faults: {probability: 1 %, lasts: 12 d, until: 1000 d, fee: 2 d}}
        token:
          initial_price: 1
          price: fixed
          genesis: {public: {holder: public, tokens: 1e6}}
          emission: {constant: {per_day: 240}}
          payment: dollars
    shocks:
      end: {at: 100 d, network: storage, change: {demand: 0}}
";

#[test]
fn storage_is_kept_by_deals() {
    let series = series(DEALS, "deals");
    let at = |day: usize, column| series.rows[day][column];
    // 0.01 · 12 / (1 + 0.01 · 12) of capacity is faulty, for two days of a tenth of a token.
    let fees = 0.12 / 1.12 * 2.0 * 240.0;
    assert!((at(50, Column::FaultFees) / fees - 1.0).abs() < 1e-6);
    let pledge = 30.0 * 0.1 + 0.12 * (at(49, Column::Circulating) + 240.0) / 2400.0;
    assert!((at(50, Column::Pledge) / pledge - 1.0).abs() < 1e-6);
    assert!((at(99, Column::Served) - 1000.0).abs() < 1e-2);
    assert!((at(199, Column::Served) - 500.0).abs() < 1e-2);
    for (from, to, message) in [
        (
            "owners: {potential: 100, online: 100 %, capacity: 24, running_cost: 0.01}",
            "seller: {capacity: 100}",
            "deals are kept by owners who pledge for them",
        ),
        (
            "capacity: 24,",
            "capacity: 24, stake: 1,",
            "the stake of these owners is the pledge of their deals",
        ),
        (
            "lasts: 12 d",
            "lasts: 12 h",
            "a fault cannot be over before the next proof",
        ),
        ("term: 200 d", "term: 0 d", "must be"),
        (
            "        market:",
            "        validators: {}\n        market:",
            "validators do not weigh what is kept by deals",
        ),
        ("fee: 2 d", "fees: 2 d", "fees"),
    ] {
        assert_eq!(DEALS.matches(from).count(), 1, "{from}");
        let found = plan(&DEALS.replace(from, to), "deals-wrong").unwrap_err();
        assert!(found.contains(message), "{found}");
    }
    let token = &DEALS[DEALS.find("        token:").unwrap()..DEALS.find("    shocks:").unwrap()];
    let found = plan(&DEALS.replace(token, ""), "deals-wrong").unwrap_err();
    assert!(found.contains("pledges are locked in tokens, and the network has none"));
}
