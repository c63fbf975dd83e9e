//! The story of a job as a user meets it: readable at 80 columns, the same from a run and from its scenario, and clear about mistakes.

mod folder;

use folder::{Folder, SMALL};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_story_is_told_from_a_run_and_from_a_scenario() {
    let folder = Folder::new("why");
    // Busy enough that a node leaves while it works.
    let busy = SMALL
        .replace(
            "decentralized-network, fleets",
            "decentralized-network, scheduler: random, fleets",
        )
        .replace("patience", "rate_factor: 6, patience");
    folder.write("small.yaml", &busy);
    folder.ok(&["run", "small.yaml", "--out", "runs/small"]);
    let story = folder.ok(&["why", "retried", "runs/small", "--platform", "depin"]);
    for line in story.lines() {
        assert!(line.chars().count() <= 80, "fits 80 columns: {line}");
    }
    for said in [
        "submitted at",
        "the policy saw",
        "taken for lost",
        "attempt 2",
        "delivered:",
    ] {
        assert!(story.contains(said), "{said}:\n{story}");
    }
    let of_scenario = folder.ok(&["why", "retried", "small.yaml", "--platform", "depin"]);
    assert_eq!(of_scenario, story);
    // Without a run, the newest is meant.
    let newest = folder.walras(&["why", "retried", "--platform", "depin"]);
    assert_eq!(text(&newest.stdout), story);
    assert!(text(&newest.stderr).contains("the newest run: runs/small"));
    let object = folder.json(&["why", "3", "runs/small", "--platform", "cloud", "--json"]);
    assert_eq!(object["job"], 3);
    assert_eq!(object["chapters"][0]["what"], "placed");
    assert_eq!(
        object["chapters"][0]["candidates"][0]["node"],
        object["end"]["node"]
    );
}

#[test]
fn mistakes_are_told_with_what_would_work() {
    let folder = Folder::new("why-mistakes");
    folder.write("small.yaml", SMALL);
    for (arguments, said) in [
        (
            &["why", "ten", "small.yaml"][..],
            "expected the number of a job, found `ten`",
        ),
        (
            &["why", "1", "small.yaml"],
            "name one with --platform: cloud, depin",
        ),
        (
            &["why", "1", "small.yaml", "--platform", "depni"],
            "did you mean `depin`",
        ),
        (
            &["why", "99999999", "small.yaml", "--platform", "cloud"],
            "no job 99999999 was submitted",
        ),
        (
            &[
                "why",
                "1",
                "small.yaml",
                "--platform",
                "cloud",
                "--replication",
                "3",
            ],
            "there is no replication 3",
        ),
        (&["why", "1"], "there is no run here"),
    ] {
        let output = folder.command(arguments).output().expect("the binary runs");
        let found = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {found}");
        assert!(found.contains(said), "{arguments:?}: {found}");
    }
}
