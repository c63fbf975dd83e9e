//! A tournament as a user meets it: tables of 80 columns, a page, one JSON object, and clear words about mistakes.

mod folder;

use folder::{Folder, SMALL};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const POLICIES: &str = "random,power-of-choices{d: 3},mine=least-loaded";

#[test]
fn schedulers_are_raced_and_what_is_finished_is_not_run_again() {
    let folder = Folder::new("tournament");
    folder.write("small.yaml", SMALL);
    let arguments = [
        "tournament",
        "small.yaml",
        "--policies",
        POLICIES,
        "-o",
        "cup",
    ];
    let table = folder.ok(&arguments);
    for line in table.lines() {
        assert!(line.chars().count() <= 80, "fits 80 columns: {line}");
    }
    for said in [
        "small.cloud",
        "small.depin",
        "power-of-choices{d: 3}",
        "mine",
        "to bound",
        "Over all contests",
        "report     cup/tournament.html",
    ] {
        assert!(table.contains(said), "{said}:\n{table}");
    }
    let page = std::fs::read_to_string(folder.0.join("cup/tournament.html")).expect("a page");
    assert!(page.contains("<svg") && !page.contains("http-equiv") && !page.contains("src=\"http"));
    let again = folder.walras(&arguments);
    assert_eq!(text(&again.stdout), table);
    assert!(text(&again.stderr).contains("finished already"));
    // A contest is a run like any other.
    let report = folder.json(&["report", "cup/small.depin", "--json"]);
    assert_eq!(report["baseline"], "random");
    let object = folder.json(&[&arguments[..], &["--json"]].concat());
    let policies = &object["contests"][1]["standings"][0]["policies"];
    let of_mine = policies
        .as_array()
        .expect("a list")
        .iter()
        .find(|row| row["policy"] == "mine");
    let value = of_mine.expect("it took part")["value"]["estimate"]
        .as_f64()
        .expect("a number");
    let theirs = report["platforms"]["mine"]["slo_attainment"]["estimate"].as_f64();
    assert!((value - theirs.expect("a number")).abs() < 1e-12);
}

#[test]
fn mistakes_are_told_with_what_would_work() {
    let folder = Folder::new("tournament-mistakes");
    folder.write("small.yaml", SMALL);
    for (arguments, said) in [
        (&["--policies", "random,rnadom"][..], "did you mean"),
        (&["--policies", "random"], "a contest needs two schedulers"),
        (
            &[
                "--policies",
                "random,least-loaded",
                "--metric",
                "utilization",
            ],
            "nobody can win in `utilization`",
        ),
        (
            &["--policies", "random,least-loaded", "--baseline", "ranom"],
            "did you mean `random`",
        ),
        (
            &["--policies", "random,least-loaded", "--platform", "moon"],
            "has no platform `moon`",
        ),
        (&["--policies", "random,random"], "is given twice"),
        (
            &["--set", "sweep={workload.rate_factor: [1, 2]}"],
            "--set sweep=null",
        ),
    ] {
        let all = [&["tournament", "small.yaml"], arguments].concat();
        let output = folder.command(&all).output().expect("the binary runs");
        let found = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {found}");
        assert!(found.contains(said), "{arguments:?}: {found}");
    }
}
