//! Replications until a precision is reached, and a warm-up that is found, on small worlds.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use walras_analysis::conduct::{WarmUpError, execute, find_warm_up};
use walras_analysis::estimate::estimate;
use walras_analysis::estimate::stopping::{is_precise, next_round};
use walras_des::Span;
use walras_scenarios::plan::{Requests, Subject};
use walras_scenarios::{Options, Plan, Results, load};
use walras_sim::record::MetricId;

fn plan(set: &[(&str, &str)]) -> Plan {
    let small = [
        ("run.horizon", "10 min"),
        ("platforms.depin.fleets.home.nodes", "100"),
        ("platforms.depin.fleets.datacenter.nodes", "4"),
    ];
    let set = small.iter().chain(set);
    let set: Vec<_> = set
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .collect();
    load(Path::new("depin-vs-cloud"), &set, None)
        .unwrap_or_else(|issues| panic!("{issues}"))
        .plan
}

fn with_options<T>(threads: usize, act: impl FnOnce(&Options<'_>) -> T) -> T {
    act(&Options {
        threads,
        pool: None,
        record_jobs: false,
        logbook: None,
        stop: &AtomicBool::new(false),
    })
}

fn run(plan: &Plan, threads: usize) -> Results {
    with_options(threads, |options| execute(plan, options, &|_| {})).expect("no run fails")
}

const COST: MetricId = MetricId::CostPerMillion;

/// Whether the cost is known within 8 % on both platforms after `n` replications.
fn is_known(results: &Results, n: u32) -> bool {
    (0..2).all(|platform| {
        let runs = results.runs.iter();
        let values: Vec<f64> = runs
            .filter(|run| run.platform == platform && run.replication < n)
            .map(|run| run.output.metrics.get(COST).expect("jobs complete"))
            .collect();
        is_precise(
            &estimate(&values, COST.metric().range).expect("values"),
            0.08,
        )
    })
}

#[test]
fn replications_end_with_the_first_round_that_is_precise_on_any_number_of_threads() {
    let goal = "{precision: 8 %, of: [cost_per_million_output_tokens], at_least: 2, at_most: 60}";
    let plan = plan(&[("run.replications", goal)]);
    let (one, four) = (run(&plan, 1), run(&plan, 4));
    let digests = |results: &Results| -> Vec<_> {
        let key = |run: &walras_scenarios::Run| (run.replication, run.platform, run.output.digest);
        results.runs.iter().map(key).collect()
    };
    assert_eq!(digests(&one), digests(&four));
    let made = one.requested as u32 / 2;
    let (mut n, mut rounds) = (2, 1);
    while !is_known(&one, n) {
        (n, rounds) = (next_round(n, 60), rounds + 1);
    }
    assert_eq!((made, one.runs.len()), (n, 2 * n as usize));
    assert!(
        rounds > 1 && n < 60,
        "{n} replications in {rounds} rounds test nothing"
    );
    // The replications are those of a plan that asks for their number.
    let fixed = run(
        &Plan {
            replications: made,
            precision: None,
            ..plan
        },
        2,
    );
    assert_eq!(digests(&fixed), digests(&one));
}

#[test]
fn replications_end_at_the_most() {
    let goal = "{precision: 0.01 %, at_least: 2, at_most: 5}";
    let results = run(&plan(&[("run.replications", goal)]), 2);
    assert_eq!(
        (results.runs.len(), results.requested, results.interrupted),
        (10, 10, false)
    );
}

/// No share of zero bounds how rare a loss is that five runs have not seen: the replications go on to the most.
#[test]
fn what_is_never_observed_is_not_precise() {
    let goal = "{precision: 50 %, of: [losses_per_thousand], at_least: 2, at_most: 5}";
    let mut plan = plan(&[("run.replications", goal)]);
    let mut requests = plan.expect_requests().clone();
    requests
        .platforms
        .retain(|platform| platform.name == "cloud");
    plan.subject = Subject::Requests(requests);
    let results = run(&plan, 2);
    let losses: Vec<Option<f64>> = results
        .runs
        .iter()
        .map(|run| run.output.metrics.get(MetricId::Losses))
        .collect();
    assert_eq!(losses, [Some(0.0); 5]);
}

#[test]
fn the_warm_up_is_that_of_the_slowest_platform_on_any_number_of_threads() {
    let plan = plan(&[
        ("run.horizon", "2 h"),
        ("run.warm_up", "auto"),
        ("run.seed", "5"),
        ("platforms.depin.fleets.home.nodes", "280"),
        ("platforms.depin.fleets.datacenter.nodes", "20"),
    ]);
    assert!(plan.finds_warm_up && plan.warm_up == Span::ZERO);
    let find = |plan: &Plan, threads| -> Span {
        let found = with_options(threads, |options| find_warm_up(plan, options));
        found.expect("it settles").expect("nobody stops it")
    };
    let found = find(&plan, 1);
    assert_eq!(found, find(&plan, 4));
    let alone = plan.expect_requests().platforms.iter().map(|platform| {
        let alone = Requests {
            platforms: vec![platform.clone()],
            ..plan.expect_requests().clone()
        };
        let subject = Subject::Requests(alone);
        find(
            &Plan {
                subject,
                ..plan.clone()
            },
            2,
        )
    });
    assert_eq!(alone.max(), Some(found));
    assert!(Span::ZERO < found && found * 2 <= plan.horizon, "{found}");
}

/// In ten seconds a queue that starts empty only grows.
#[test]
fn without_a_steady_state_there_is_no_warm_up() {
    let plan = plan(&[
        ("run.horizon", "10 s"),
        ("run.warm_up", "auto"),
        ("workload.rate_factor", "20"),
    ]);
    let refused = with_options(2, |options| find_warm_up(&plan, options)).unwrap_err();
    let WarmUpError::NotSteady {
        platform,
        after,
        horizon,
    } = &refused
    else {
        panic!("{refused}")
    };
    assert_eq!((platform.as_str(), *horizon), ("cloud", Span::SECOND * 10));
    assert!(*after * 2 > *horizon && after < horizon, "{after}");
    let text = refused.to_string();
    let told = format!(
        "after {after} of {horizon} the number of live jobs is still drifting on platform `cloud`"
    );
    assert!(
        text.contains(&told) && text.contains("help: a longer `run.horizon`"),
        "{text}"
    );
}
