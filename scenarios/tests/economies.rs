//! Economies as a user writes them: what is wrong is said where it is, and what is right reaches the simulation.

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
                found.push_str(&format!(" (line {line})\n"));
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
