//! Stories: the witness changes nothing, and what it tells agrees with the rows of the run and with what each policy is known to do.

use std::path::Path;

use walras_des::Streams;
use walras_scenarios::story::{Chapter, Story, Wanted, find, story};
use walras_scenarios::witness::{Decision, Ordered, Witness};
use walras_scenarios::{Plan, load};
use walras_sim::ids::NodeId;
use walras_sim::record::{Fate, JobRow, JobTable, Nothing, Recorder};
use walras_sim::world::{World, run, simulate};

/// An hour of a network whose nodes come and go, under this scheduler.
fn plan(scheduler: &str) -> Plan {
    let set = [
        ("run.horizon", "1 h"),
        ("run.warm_up", "1 min"),
        ("run.replications", "2"),
        ("baseline", "null"),
        ("workload.rate_factor", "12"),
        ("platforms.cloud", "null"),
        ("platforms.depin.fleets.home.nodes", "300"),
        ("platforms.depin.scheduler", scheduler),
    ];
    let set: Vec<(String, String)> = set
        .iter()
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .collect();
    let scenario = load(Path::new("depin-vs-cloud"), &set, None);
    scenario.unwrap_or_else(|issues| panic!("{issues}")).plan
}

fn rows(plan: &Plan) -> Vec<JobRow> {
    let output = simulate(
        &plan.expect_requests().platforms[0],
        &plan.expect_requests().workload,
        &plan.settings(),
        plan.seed,
        0,
        JobTable::default(),
        &|| false,
    );
    let mut rows = output.expect("not stopped").jobs;
    rows.sort_by_key(|row| row.serial);
    rows
}

fn told(plan: &Plan, serial: u64) -> Story {
    story(plan, 0, 0, serial, &|| false).expect("the job was submitted")
}

fn decisions(story: &Story) -> impl Iterator<Item = &Decision> {
    story
        .chapters
        .iter()
        .filter_map(|(_, chapter)| match chapter {
            Chapter::Decided(decision) => Some(decision),
            _ => None,
        })
}

/// Every placement of a run.
#[derive(Default)]
struct Placements(Vec<(u64, NodeId)>);

struct Placed<'a>(&'a std::cell::RefCell<Placements>);

impl Recorder for Placed<'_> {
    fn placed(&mut self, job: u64, node: NodeId) {
        self.0.borrow_mut().0.push((job, node));
    }
}

#[test]
fn a_witness_changes_nothing() {
    let plan = plan("{power-of-choices: {d: 2}}");
    let (platform, settings) = (&plan.expect_requests().platforms[0], plan.settings());
    let alone = simulate(
        platform,
        &plan.expect_requests().workload,
        &settings,
        plan.seed,
        0,
        Nothing,
        &|| false,
    );
    let streams = Streams::new(plan.seed, 0);
    let witness = Witness::new(platform.policy.build(&streams), 17);
    let world = World::new(
        platform,
        &plan.expect_requests().workload,
        &settings,
        &streams,
        witness,
        Nothing,
    );
    let watched = run(world, &|| false).expect("not stopped");
    assert_eq!(watched.digest, alone.expect("not stopped").digest);
}

/// The placements of a story are those that another recorder saw; its end is the row of the run.
#[test]
fn stories_agree_with_the_run() {
    let plan = plan("random");
    let rows = rows(&plan);
    let placements = std::cell::RefCell::new(Placements::default());
    let recorder = Placed(&placements);
    let output = simulate(
        &plan.expect_requests().platforms[0],
        &plan.expect_requests().workload,
        &plan.settings(),
        plan.seed,
        0,
        recorder,
        &|| false,
    );
    output.expect("not stopped");
    let seen = placements.into_inner().0;
    let retried = find(&plan, 0, 0, Wanted::Retried, &|| false).expect("nodes come and go");
    for serial in [0, 1, 17, 40, 99, retried] {
        let story = told(&plan, serial);
        let row = rows.iter().find(|row| row.serial == serial);
        assert_eq!(story.end.as_ref(), row, "job {serial}");
        let placed: Vec<NodeId> = decisions(&story)
            .filter_map(|decision| match decision.order {
                Ordered::Placed(node) => Some(node),
                _ => None,
            })
            .collect();
        let expected: Vec<NodeId> = seen
            .iter()
            .filter(|(job, _)| *job == serial)
            .map(|(_, node)| *node)
            .collect();
        assert_eq!(placed, expected, "job {serial}");
        assert!(story.chapters.is_sorted_by_key(|(at, _)| *at));
    }
    let story = told(&plan, retried);
    let lost = story
        .chapters
        .iter()
        .filter(|(_, chapter)| *chapter == Chapter::Lost);
    let row = story.end.expect("it was delivered");
    assert_eq!(lost.count() as u32, row.attempts - 1);
    assert!(row.fate == Fate::Completed && row.attempts > 1);
}

/// What the chosen node was best in is what the policy looks at; the price of the cheapest that promises enough is least.
#[test]
fn what_was_known_explains_the_choice() {
    let least_loaded = plan("least-loaded");
    for serial in (0..200).step_by(10) {
        for decision in decisions(&told(&least_loaded, serial)) {
            let Ordered::Placed(node) = decision.order else {
                continue;
            };
            let chosen = &decision.choice.candidates[0];
            assert_eq!((chosen.node, chosen.ranks.outstanding), (node, 1));
        }
    }
    let cheapest = plan("cheapest-within-slo");
    let mut promised = 0;
    for serial in (0..200).step_by(10) {
        for decision in decisions(&told(&cheapest, serial)) {
            let choice = &decision.choice;
            let counted = choice.eligible
                + choice.full
                + choice.unwilling
                + choice.too_small
                + choice.too_dear;
            assert_eq!(counted, choice.up);
            let Some(chosen) = choice.candidates.first() else {
                continue;
            };
            promised += u32::from(chosen.meets_slo);
            let is_beaten = choice
                .candidates
                .iter()
                .any(|other| other.meets_slo && other.price < chosen.price);
            assert!(!chosen.meets_slo || !is_beaten, "job {serial}: {choice:?}");
        }
    }
    assert!(promised > 10);
}

#[test]
fn the_job_that_is_meant_is_found() {
    let plan = plan("random");
    let rows = rows(&plan);
    let slowest = find(&plan, 0, 0, Wanted::Slowest, &|| false).expect("there are jobs");
    let most = rows.iter().filter_map(|row| row.ttft).fold(0.0, f64::max);
    assert_eq!(
        rows.iter()
            .find(|row| row.serial == slowest)
            .and_then(|row| row.ttft),
        Some(most)
    );
    assert_eq!(story(&plan, 0, 0, 10_000_000, &|| false), None);
}
