//! The herd effect: on state that is old, the shortest queue is a worse choice than a random one, and two choices stay robust.
//!
//! Mitzenmacher, "How useful is old information?", IEEE TPDS 11(1), 2000, figures 1 to 4.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use walras_analysis::compare::Comparison;
use walras_analysis::experiment::{Execution, Experiment};
use walras_analysis::record::MetricId;
use walras_scenarios::{Options, execute, load};

/// The interval of the ratio of a platform's median time to first token to that of random choice, with state that is `every` old at
/// most; 95 %, paired over 8 replications, seed 1.
fn against_random(every: &str) -> impl Fn(&str) -> (f64, f64) {
    let set = [
        ("run.horizon", "40 min"),
        ("run.warm_up", "15 min"),
        ("run.replications", "8"),
        ("platforms.random.knowledge.state.periodic.every", every),
    ];
    let set = set.map(|(path, value)| (path.to_owned(), value.to_owned()));
    let scenario = load(Path::new("herding"), &set, None).expect("valid");
    let stop = AtomicBool::new(false);
    let options = Options {
        threads: 0,
        pool: None,
        record_jobs: false,
        logbook: None,
        stop: &stop,
    };
    let results = execute(&scenario.plan, &options, &|_| {}).expect("no invariant is violated");
    let experiment = Experiment::new(&scenario, results, Execution::default());
    let comparison = Comparison::of(&experiment);
    move |platform| {
        let row = comparison
            .rows
            .iter()
            .find(|row| row.metric == MetricId::TtftP50);
        let entry = comparison
            .entries
            .iter()
            .position(|entry| entry.name == platform);
        let cell = row.expect("a figure").cells[entry.expect("a platform")];
        let ratio = cell.difference.and_then(|difference| difference.ratio);
        let interval = ratio.and_then(|ratio| ratio.interval).expect("an interval");
        (interval.low, interval.high)
    }
}

#[test]
fn the_shortest_queue_of_long_ago_is_worse_than_a_random_one() {
    // Much fresher than a service (4.3 s): the more is looked at, the better.
    let fresh = against_random("0.1 s");
    let (two, ten, all) = (
        fresh("power-of-two"),
        fresh("power-of-ten"),
        fresh("least-loaded"),
    );
    assert!(
        all.1 < ten.0 && ten.1 < two.0 && two.1 < 0.5,
        "{all:?} {ten:?} {two:?}"
    );
    // Four services old: who looks at all is far behind random, who looks at two far ahead.
    let stale = against_random("16 s");
    let (two, ten, all) = (
        stale("power-of-two"),
        stale("power-of-ten"),
        stale("least-loaded"),
    );
    assert!(all.0 > 3.0, "{all:?}");
    assert!(
        two.1 < 0.7 && two.1 < ten.0 && ten.1 < all.0,
        "{two:?} {ten:?}"
    );
    // Fifteen services old, two choices still do no harm; ten do.
    let old = against_random("64 s");
    let (two, ten) = (old("power-of-two"), old("power-of-ten"));
    assert!(two.1 < 1.0 && ten.0 > 2.0, "{two:?} {ten:?}");
}
