//! Sweeps: the points are the combinations of the axes, each what the same overrides give, and every problem is told before
//! anything runs.

use std::fs;
use std::path::{Path, PathBuf};

use walras_scenarios::sweep::{self, Sweep};
use walras_scenarios::{Issues, load};

const GOOD: &str = "\
walras: 1
question: Does it work?
run: {horizon: 1 h, replications: 2, seed: 1}
workload:
  requests: azure-conv-2023
  model: llama-3.1-8b
  slo: {ttft: 2 s, tpot: 100 ms}
  patience: 60 s
platforms:
  cloud: {extends: hyperscaler}
  home: {extends: decentralized-network, fleets: {home: {nodes: 100}}}
";

/// A scenario with `axes` in a directory of its own.
fn file(name: &str, axes: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sweep-{name}"));
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join("a.yaml");
    fs::write(&file, format!("{GOOD}{axes}")).unwrap();
    file
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = list
        .iter()
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()));
    owned.collect()
}

fn loaded(
    name: &str,
    text: &str,
    set: &[(&str, &str)],
    axes: &[(&str, &str)],
) -> Result<Sweep, Issues> {
    sweep::load(&file(name, text), &pairs(set), &pairs(axes), None)
}

/// Every problem as it is shown, without the directory.
fn problems(name: &str, text: &str, set: &[(&str, &str)], axes: &[(&str, &str)]) -> String {
    let directory = file(name, text).parent().unwrap().display().to_string();
    let issues = loaded(name, text, set, axes).expect_err("a problem");
    issues.to_string().replace(&format!("{directory}/"), "")
}

const TWO: &str = "\
sweep:
  platforms.home.fleets.home.nodes: [10, 20]
  workload.slo.ttft: [1 s, 500 ms, 2 s]
";

#[test]
fn points_are_the_combinations_in_the_order_of_writing() {
    let sweep = loaded("order", TWO, &[], &[]).unwrap();
    let found: Vec<String> = sweep
        .points
        .iter()
        .map(|point| {
            let values: Vec<&str> = sweep.settings(point).map(|(_, value)| value).collect();
            format!("{} {}", point.name, values.join(" / "))
        })
        .collect();
    let expect = [
        "point-001 10 / 1 s",
        "point-002 10 / 500 ms",
        "point-003 10 / 2 s",
        "point-004 20 / 1 s",
        "point-005 20 / 500 ms",
        "point-006 20 / 2 s",
    ];
    assert_eq!(found, expect);
    assert_eq!(sweep.common_seed(), Some(1));
}

/// The whole plan, the resolved text and the hashes: what a single run with the same overrides has.
#[test]
fn a_point_is_the_scenario_with_the_same_overrides() {
    let sweep = loaded("same", TWO, &[("run.seed", "7")], &[]).unwrap();
    let file = file("same", TWO);
    for point in &sweep.points {
        let mut set = pairs(&[("run.seed", "7")]);
        set.extend(
            sweep
                .settings(point)
                .map(|(path, value)| (path.to_owned(), value.to_owned())),
        );
        let alone = load(&file, &set, None).unwrap();
        let here = sweep.scenario(point).unwrap();
        assert_eq!(format!("{:?}", here.plan), format!("{:?}", alone.plan));
        assert_eq!(here.resolved, alone.resolved);
        assert_eq!(
            (point.input_hash, here.workload_hash),
            (alone.input_hash, alone.workload_hash)
        );
    }
    let mut hashes: Vec<u64> = sweep.points.iter().map(|point| point.input_hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), sweep.points.len(), "points differ");
}

#[test]
fn axes_of_the_command_line_replace_and_follow_those_of_the_scenario() {
    let axes = [
        ("workload.slo.ttft", "3 s"),
        ("workload.diurnal", "null,{amplitude: 0.5, peak: 6 h}"),
        ("run.horizon", "[1 h, 2 h]"),
    ];
    let sweep = loaded("replace", TWO, &[], &axes).unwrap();
    let found: Vec<_> = sweep
        .axes
        .iter()
        .map(|axis| (axis.path.as_str(), axis.values.join(" | ")))
        .collect();
    let expect = [
        ("platforms.home.fleets.home.nodes", "10 | 20"),
        ("workload.slo.ttft", "3 s"),
        ("workload.diurnal", "null | {amplitude: 0.5, peak: 6 h}"),
        ("run.horizon", "1 h | 2 h"),
    ];
    assert_eq!(
        found,
        expect.map(|(path, values)| (path, values.to_owned()))
    );
    assert_eq!(sweep.points.len(), 8);
    assert_eq!(sweep.axes[0].numbers(), Some((vec![10.0, 20.0], "")));
    assert_eq!(sweep.axes[3].numbers(), Some((vec![1.0, 2.0], "h")));
    assert_eq!(sweep.axes[2].numbers(), None);
    let none = loaded("replace", TWO, &[("sweep", "null")], &[]).unwrap();
    assert_eq!((none.axes.len(), none.points.len()), (0, 1));
}

/// The scenario as it stands is what a single run has, with the key and without it.
#[test]
fn the_key_is_no_part_of_a_single_run() {
    let [with, without] = [TWO, ""].map(|text| load(&file("plain", text), &[], None).unwrap());
    assert_eq!(with.resolved, without.resolved);
    assert_eq!(with.input_hash, without.input_hash);
}

#[test]
fn a_wrong_value_is_shown_where_it_is_written() {
    let text = "\
sweep:
  platforms.home.fleets.home.nodes: [10, many]
  workload.slo.ttft: [1 s, 5]
  platforms.home.shceduler: [random]
";
    let expect = "\
error: unknown key `shceduler`
  --> a.yaml:15:18
   |
15 |   platforms.home.shceduler: [random]
   |                  ^^^^^^^^^
   = help: did you mean `scheduler`?
";
    let found = problems("values", text, &[], &[]);
    assert!(found.contains(expect), "{found}");
    assert!(found.contains("--> a.yaml:13:42"), "{found}");
    assert!(
        found.contains("--> a.yaml:14:28") && found.contains("5 ms"),
        "{found}"
    );
    assert!(found.ends_with("3 problems in a.yaml"), "{found}");
}

#[test]
fn wrong_axes_are_told_with_what_would_work() {
    let text = "\
sweep:
  platforms.home.slots: 4
  platforms.home.fleets: []
  workload..model: [a]
  workload.slo: [{ttft: 2 s, tpot: 1 s}]
  workload.slo.ttft: [1 s, 1 s]
  run.seed: [1, 2]
";
    let found = problems(
        "axes",
        text,
        &[("run.seed", "3")],
        &[("run.horizon", ""), ("run.x", "1,2")],
    );
    for (place, message, help) in [
        (
            "a.yaml:13:25",
            "the axis `platforms.home.slots` needs a list of values, found the number 4",
            "write `[4]`, with more values after commas",
        ),
        (
            "a.yaml:14:3",
            "the axis `platforms.home.fleets` has no values",
            "give it some, or remove it",
        ),
        (
            "a.yaml:15:3",
            "`workload..model` is not a path of keys",
            "write keys joined with dots",
        ),
        (
            "a.yaml:17:3",
            "the axes `workload.slo` and `workload.slo.ttft` change the same value",
            "join them to one axis",
        ),
        (
            "a.yaml:17:28",
            "the value `1 s` of `workload.slo.ttft` is given twice",
            "remove one of them",
        ),
        (
            "a.yaml:18:3",
            "`run.seed` is set, and an axis of the sweep",
            "--axis 'run.seed=…'",
        ),
        (
            "--axis run.horizon=",
            "the value of `run.horizon` is empty",
            "write values with commas",
        ),
    ] {
        let start = found
            .find(&format!("error: {message}"))
            .unwrap_or_else(|| panic!("{message}\n{found}"));
        let issue = found[start..].split("\n\n").next().unwrap();
        assert!(
            issue.contains(place) && issue.contains(help),
            "{place}, {help}\n{issue}"
        );
    }
    let list = problems("list", "sweep: [1, 2]\n", &[], &[]);
    assert!(
        list.contains("expected a map of paths with lists of values, found a list"),
        "{list}"
    );
    let typed = problems(
        "typed",
        "",
        &[],
        &[("run.horizn", "1 h,2 h"), ("platforms.hom.slots", "1")],
    );
    assert!(
        typed.contains("did you mean `horizon`?") && typed.contains("did you mean `home`?"),
        "{typed}"
    );
    assert!(
        typed.contains("--axis run.horizn=1 h,2 h\n  |             ^^^^^^"),
        "{typed}"
    );
    let many = (0..200)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(",");
    let many = problems(
        "many",
        "",
        &[],
        &[("run.seed", &many), ("run.replications", &many)],
    );
    assert!(
        many.contains("200 × 200 combinations are more than 10000 points"),
        "{many}"
    );
}

/// A problem of the scenario itself is told once, not at every point.
#[test]
fn a_problem_at_every_point_is_told_once() {
    let found = problems("once", TWO, &[("workload.model", "llama-3.1-9b")], &[]);
    assert!(found.ends_with("1 problem in a.yaml"), "{found}");
}
