//! Contests: the runs are those of the scenario with another scheduler, and what differs only in it is one contest.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use walras_scenarios::contest::{Entrant, contests, entrants};
use walras_scenarios::{Options, Plan, execute, load};

const SHORT: [(&str, &str); 3] = [
    ("run.horizon", "20 min"),
    ("run.replications", "2"),
    ("run.warm_up", "1 min"),
];

fn short() -> Vec<(String, String)> {
    let owned = SHORT
        .iter()
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()));
    owned.collect()
}

fn read(text: &str) -> Vec<Entrant> {
    entrants(text).unwrap_or_else(|issues| panic!("{issues}"))
}

fn digests(plan: &Plan) -> Vec<(String, u32, String)> {
    let options = Options {
        threads: 2,
        pool: None,
        record_jobs: false,
        logbook: None,
        stop: &AtomicBool::new(false),
    };
    let results = execute(plan, &options, &|_| {}).expect("no invariant is violated");
    let named = results.runs.into_iter().map(|run| {
        let name = plan.expect_requests().platforms[run.platform].name.clone();
        (name, run.replication, run.output.digest.to_string())
    });
    named.collect()
}

#[test]
fn platforms_that_differ_in_their_scheduler_are_one_contest() {
    let all = contests(Path::new("scheduler-race"), &[], &[], &[], None)
        .unwrap_or_else(|issues| panic!("{issues}"));
    let [contest] = all.as_slice() else {
        panic!("{} contests", all.len());
    };
    assert_eq!(contest.point.name, "scheduler-race");
    assert_eq!(contest.platform, "random");
    assert_eq!(contest.alike.len(), 4);
    // Its schedulers take part by default.
    let expected = [
        "random",
        "round-robin",
        "power-of-choices{d: 2}",
        "least-loaded",
        "cheapest-within-slo",
    ];
    assert_eq!(contest.point.platforms, expected);
    // And they do what they do in the scenario.
    let set: Vec<_> = short();
    let own = contests(Path::new("scheduler-race"), &set, &[], &[], None)
        .unwrap_or_else(|issues| panic!("{issues}"));
    let contest = own[0].load().unwrap_or_else(|issues| panic!("{issues}"));
    let race =
        load(Path::new("scheduler-race"), &set, None).unwrap_or_else(|issues| panic!("{issues}"));
    let plain = |all: Vec<(String, u32, String)>| -> Vec<(u32, String)> {
        all.into_iter()
            .map(|(_, replication, digest)| (replication, digest))
            .collect()
    };
    assert_eq!(plain(digests(&contest.plan)), plain(digests(&race.plan)));
    assert_eq!(contest.workload_hash, race.workload_hash);
}

#[test]
fn each_platform_of_its_own_kind_is_a_contest() {
    let policies = read("least-loaded, power-of-choices{d: 3}");
    let all = contests(Path::new("depin-vs-cloud"), &short(), &policies, &[], None)
        .unwrap_or_else(|issues| panic!("{issues}"));
    let names: Vec<&str> = all.iter().map(|contest| &*contest.point.name).collect();
    assert_eq!(names, ["depin-vs-cloud.cloud", "depin-vs-cloud.depin"]);
    // One that is chosen stands alone, under the name of the scenario.
    let one = contests(
        Path::new("depin-vs-cloud"),
        &short(),
        &policies,
        &["depin".to_owned()],
        None,
    )
    .unwrap_or_else(|issues| panic!("{issues}"));
    assert_eq!(one[0].point.name, "depin-vs-cloud");
    // The runs are those of the scenario with the scheduler set by hand.
    let contest = one[0].load().unwrap_or_else(|issues| panic!("{issues}"));
    let mut set = short();
    set.push((
        "platforms.depin.scheduler".to_owned(),
        "{power-of-choices: {d: 3}}".to_owned(),
    ));
    let by_hand =
        load(Path::new("depin-vs-cloud"), &set, None).unwrap_or_else(|issues| panic!("{issues}"));
    let of = |plan: &Plan, name: &str| -> Vec<String> {
        let all = digests(plan)
            .into_iter()
            .filter(|(platform, ..)| platform == name);
        all.map(|(_, _, digest)| digest).collect()
    };
    assert_eq!(
        of(&contest.plan, "power-of-choices{d: 3}"),
        of(&by_hand.plan, "depin")
    );
    assert_ne!(
        of(&contest.plan, "least-loaded"),
        of(&by_hand.plan, "depin")
    );
}

#[test]
fn what_cannot_be_raced_is_told_once() {
    let told = |policies: &str, chosen: &[&str]| {
        let chosen: Vec<String> = chosen.iter().map(|name| (*name).to_owned()).collect();
        let found = contests(
            Path::new("depin-vs-cloud"),
            &short(),
            &read(policies),
            &chosen,
            None,
        );
        found.expect_err(policies).to_string()
    };
    let unknown = told("random,least-loadde", &[]);
    assert!(
        unknown.contains("least-loadde") && unknown.contains("least-loaded"),
        "{unknown}"
    );
    assert_eq!(unknown.matches("error:").count(), 1, "{unknown}");
    assert!(unknown.contains("--policies"), "{unknown}");
    let range = told("random,power-of-choices{d: 0}", &[]);
    assert!(
        range.contains('0') && range.contains("--policies"),
        "{range}"
    );
    let alone = told("random", &[]);
    assert!(alone.contains("two schedulers"), "{alone}");
    let platform = told("random,least-loaded", &["depni"]);
    assert!(platform.contains("did you mean `depin`"), "{platform}");
}
