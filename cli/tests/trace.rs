//! Timelines as a user meets them: a trace for viewers, a Gantt chart, and clear words about mistakes.

mod folder;

use std::fs;

use folder::{Folder, SMALL};

#[test]
fn a_run_becomes_a_trace_and_a_chart() {
    let folder = Folder::new("trace");
    folder.write("small.yaml", SMALL);
    folder.ok(&["run", "small.yaml", "--out", "run"]);
    let said = folder.ok(&["trace", "run", "--platform", "depin", "--replication", "1"]);
    assert!(
        said.contains("depin of small, replication 1") && said.contains("perfetto"),
        "{said}"
    );
    let trace = fs::read_to_string(folder.0.join("depin-1.trace.json")).expect("a trace");
    let trace: serde_json::Value = serde_json::from_str(&trace).expect("JSON");
    assert!(trace["traceEvents"].as_array().expect("a list").len() > 1000);
    let window = ["--from", "10m", "--to", "15m", "--nodes", "0-19,40"];
    let chart = [
        &["trace", "run", "--platform", "depin", "--gantt", "g.svg"],
        &window[..],
    ]
    .concat();
    let said = folder.ok(&chart);
    assert!(said.contains("The 21 nodes work"), "{said}");
    let svg = fs::read_to_string(folder.0.join("g.svg")).expect("a chart");
    assert!(svg.starts_with("<svg") && svg.contains("40 "));
    // The report of a small platform has a chart, too.
    let page = fs::read_to_string(folder.0.join("run/report.html")).expect("a report");
    assert!(page.contains("What each node did: cloud, replication 0"));
    assert!(
        !page.contains("What each node did: depin"),
        "300 nodes are too many"
    );
}

#[test]
fn mistakes_are_told_with_what_would_work() {
    let folder = Folder::new("trace-mistakes");
    folder.write("small.yaml", SMALL);
    for (arguments, said) in [
        (&["--from", "2h", "--to", "1h"][..], "is not before"),
        (&["--from", "3h"], "after the last request"),
        (&["--nodes", "0-400"], "there is no node 400"),
        (&["--nodes", "a"], "expected a list of nodes, found `a`"),
        (
            &["--gantt", "g.svg"],
            "300 nodes are too many for one chart",
        ),
        (&["--out", "no/such/folder/x.json"], "cannot write"),
    ] {
        let all = [&["trace", "small.yaml", "--platform", "depin"], arguments].concat();
        let output = folder.walras(&all);
        let found = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {found}");
        assert!(found.contains(said), "{arguments:?}: {found}");
    }
}
