//! Event logs and replays as a user meets them: what is written, listed, halted at, and refused.

mod folder;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use folder::{Folder, SMALL};

/// Runs the small experiment with event logs of replication 1.
fn logged(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("small.yaml", SMALL);
    folder.ok(&["run", "small.yaml", "--out", "run", "--log-events=1"]);
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Types `commands` into a replay of replication 1 of the network.
fn session(folder: &Folder, commands: &str) -> Output {
    let arguments = ["replay", "run", "--platform", "depin", "--replication", "1"];
    let mut child = folder
        .command(&arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(commands.as_bytes()).expect("written");
    drop(stdin);
    child.wait_with_output().expect("an output")
}

fn fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "fits 80 columns: {line}");
    }
}

/// The logs of the replication that was named, one for each platform, and nothing else beside them; they lie in the manifest, and
/// the results are those of a run without.
#[test]
fn logs_are_written_on_request_and_change_nothing() {
    let folder = logged("log-events");
    folder.ok(&["run", "small.yaml", "--out", "plain", "--threads", "1"]);
    let names = |run: &str| {
        let entries = fs::read_dir(folder.0.join(run)).expect("a run");
        let mut names: Vec<String> = entries
            .map(|entry| text(entry.expect("an entry").file_name().as_encoded_bytes()))
            .collect();
        names.sort();
        names
    };
    let (with, without) = (names("run"), names("plain"));
    let logs: Vec<_> = with.iter().filter(|name| !without.contains(name)).collect();
    assert_eq!(logs, ["events.cloud.1.log", "events.depin.1.log"]);
    for name in without.iter().filter(|name| name.ends_with(".parquet")) {
        let read = |run: &str| fs::read(folder.0.join(run).join(name)).expect("a file");
        assert!(read("run") == read("plain"), "{name} is the same");
    }
    assert_eq!(folder.names(), ["plain", "run", "small.yaml"]);
    folder.ok(&["report", "run"]);
    let manifest = fs::read_to_string(folder.0.join("run/manifest.json")).expect("a file");
    assert!(manifest.contains("\"events.cloud.1.log\""));
}

#[test]
fn events_are_listed_in_words() {
    let folder = logged("events");
    let list = |more: &[&str]| {
        let arguments = [&["events", "run", "--platform", "depin"], more].concat();
        let text = folder.ok(&arguments);
        fits(&text);
        text
    };
    assert_eq!(list(&[]).lines().count(), 100);
    let all = list(&["--limit", "0"]);
    assert!(all.lines().count() > 10_000);
    for line in all.lines() {
        assert!(!line.ends_with("(overtaken)"), "{line}");
    }
    assert!(list(&["--limit", "0", "--overtaken"]).contains("(overtaken)"));
    // The same filters over the text of the whole list.
    let expect = |more: &[&str], is_asked: &dyn Fn(&str) -> bool| {
        let found = list(&[&["--limit", "0"], more].concat());
        let expected: Vec<&str> = all.lines().filter(|line| is_asked(line)).collect();
        assert!(!expected.is_empty(), "{more:?}");
        assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{more:?}");
    };
    let names = |line: &str, what: &str| {
        line.split_once(what)
            .is_some_and(|(_, rest)| !rest.starts_with(char::is_numeric))
    };
    expect(&["--job", "77"], &|line| names(line, "job 77"));
    expect(&["--kind", "sample", "--kind", "audit"], &|line| {
        line.contains("sampled") || line.contains("books")
    });
    expect(&["--kind", "placed", "--job", "5"], &|line| {
        names(line, "job 5 is placed")
    });
    expect(&["--from", "20min", "--to", "1250s"], &|line| {
        let time = line.trim_start().split(' ').next().expect("a time");
        time.starts_with("20m")
            && time["20m".len()..]
                .trim_end_matches('s')
                .parse::<f64>()
                .expect("seconds")
                <= 50.0
    });
    let job = list(&["--job", "77"]);
    for (line, what) in job
        .lines()
        .zip(["arrives", "is placed on node", "reaches node"])
    {
        assert!(line.contains(&format!("job 77 {what}")), "{job}");
    }
}

/// A replay to the end has the digest of the run, with the log and without; a condition halts it where the log has the event.
#[test]
fn replays_end_with_the_recorded_digest_and_halt_at_conditions() {
    let folder = logged("replays");
    for (platform, replication) in [
        ("cloud", "0"),
        ("cloud", "1"),
        ("depin", "1"),
        ("depin", "2"),
    ] {
        let arguments = [
            "replay",
            "run",
            "--platform",
            platform,
            "--replication",
            replication,
        ];
        let shown = folder.ok(&[&arguments[..], &["--batch"]].concat());
        assert!(
            shown.contains("that of the recorded run, event for event"),
            "{shown}"
        );
        fits(&shown);
    }
    let base = [
        "replay",
        "run",
        "--platform",
        "depin",
        "--replication",
        "1",
        "--batch",
    ];
    let until = folder.ok(&[
        &base[..],
        &[
            "--until",
            "job[77].state == placed",
            "--show",
            "job[77]",
            "--show",
            "jobs.live + 1",
        ],
    ]
    .concat());
    let placed = folder.ok(&[
        "events",
        "run",
        "--platform",
        "depin",
        "--job",
        "77",
        "--kind",
        "placed",
    ]);
    let mut words = placed.split_whitespace();
    let (time, number) = (
        words.next().expect("a time"),
        words.next().expect("a number"),
    );
    assert!(
        until.contains(&format!("stopped at {time} after event {number}\n")),
        "{until}"
    );
    assert!(
        until.contains("job[77].state = placed\n") && until.contains("\njob[77]   state placed"),
        "{until}"
    );
    assert!(until.contains("jobs.live + 1 = "), "{until}");
    assert!(
        until.contains("as in the event log up to event "),
        "{until}"
    );
    let watched = folder.ok(&[
        &base[..],
        &[
            "--to",
            "30min",
            "--until",
            "jobs.submitted >= 0 and time > 31min",
            "--watch",
            "jobs.submitted",
        ],
    ]
    .concat());
    let changes = watched.matches("jobs.submitted: ").count();
    let arrivals = folder.ok(&[
        "events",
        "run",
        "--platform",
        "depin",
        "--kind",
        "arrive",
        "--from",
        "30min",
        "--to",
        "31min",
        "--limit",
        "0",
    ]);
    let arrivals = arrivals.lines().count();
    // The event that ends it may be an arrival.
    assert!(
        changes == arrivals || changes == arrivals + 1,
        "{changes} changes, {arrivals} arrivals"
    );
    assert!(arrivals > 100);
}

/// A condition that holds already halts at once, at the start and at `--to`; one that does not is looked for to the end.
#[test]
fn a_condition_that_holds_already_halts_at_once() {
    let folder = logged("already");
    let halts = |more: &[&str]| {
        let base = ["replay", "run", "--platform", "depin", "--batch"];
        folder.ok(&[&base[..], more].concat())
    };
    let start = halts(&["--until", "jobs.live == 0"]);
    let expected = "before the first event\n  it holds already: jobs.live == 0\n";
    assert!(start.contains(expected), "{start}");
    let there = halts(&["--to", "10min", "--until", "jobs.submitted > 0"]);
    assert!(
        there.contains("\nat 10m00") || there.contains("\nat 9m59"),
        "{there}"
    );
    assert!(
        there.contains("\n  it holds already: jobs.submitted > 0\n"),
        "{there}"
    );
    let never = halts(&["--until", "jobs.live < 0"]);
    assert!(never.contains("it did not become true: jobs.live < 0"));
    let beyond = folder.walras(&["events", "run", "--platform", "depin", "--from", "100h"]);
    let said = text(&beyond.stderr);
    assert!(said.contains(" in the log, which has ") && said.contains(" events up to "));
}

#[test]
fn a_session_steps_goes_back_and_prints() {
    let folder = logged("session");
    let output = session(
        &folder,
        "goto 10min\nstep 2\n\nback 3\ncontinue until nodes.busy >= 1 and time > 11min\nc\np nodes.total\n\
         p node[7]\nwatch jobs.live\ns 3\nunwatch\nt 2\ngoto #1,005\nfields\nhelp\nprint\nquit\nprint time\n",
    );
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    fits(&shown);
    // What was undone is where it was.
    let at = |line: &&str| line.starts_with("at ");
    let places: Vec<&str> = shown.lines().filter(at).collect();
    assert_eq!(
        places[0].split_once(" after ").map(|p| p.0),
        Some("at 10m00s")
    );
    assert_eq!(
        places[1].split_once(" after ").map(|p| p.1),
        places[0].split_once(" after ").map(|p| p.1)
    );
    assert!(places[2].ends_with("after event 1,005"), "{places:?}");
    for expected in [
        "before the first event",
        "stopped at 11m00.",
        "  nodes.total = 300 nodes",
        "node[7]   queue ",
        "node[i].queue ",
        "continue [until C], c",
        "walras> quit",
    ] {
        assert!(shown.contains(expected), "`{expected}` is not in\n{shown}");
    }
    assert!(!shown.contains("print time"), "nothing after quit");
}

/// A wrong command is reported, the session goes on, and a script that had one fails.
#[test]
fn wrong_commands_are_reported_and_fail_a_script() {
    let folder = logged("commands");
    let output = session(
        &folder,
        "foo\nstep x\np node[1].queu\ngoto 3\nc until jobs.live\np jobs.live\n",
    );
    assert_eq!(output.status.code(), Some(2));
    let errors = text(&output.stderr);
    for expected in [
        "unknown command `foo`\n  help: known commands: step, back",
        "expected a count, found `x`",
        "print: column 9: unknown field `queu` of a node\n  node[1].queu\n          ^^^^\n  help: did you mean `queue`?",
        "goto: column 1: the time 3 has no unit",
        "until: column 1: this is a number, not a condition",
    ] {
        assert!(
            errors.contains(expected),
            "`{expected}` is not in\n{errors}"
        );
    }
    assert!(text(&output.stdout).contains("  jobs.live = 0 jobs"));
}

/// Bad input: exit code 2, one message with what would work, nothing on stdout.
#[test]
fn bad_input_says_what_would_work() {
    let folder = logged("bad-replay");
    folder.ok(&["run", "small.yaml", "--out", "plain", "--replications", "1"]);
    let cases: [(&[&str], &[&str]); 17] = [
        (
            &["events", "run", "--platform", "depin", "--node", "99999"],
            &["there is no node 99,999", "has 300 nodes, 0 to 299"],
        ),
        (
            &[
                "events",
                "run",
                "--platform",
                "depin",
                "--from",
                "2min",
                "--to",
                "1min",
            ],
            &["--from 2m00s is later than --to 1m00s"],
        ),
        (
            &["run", "small.yaml", "--log-events=3"],
            &["no replication 3 to log", "0 to 2"],
        ),
        (
            &["run", "small.yaml", "--log-events", "all"],
            &["unexpected argument"],
        ),
        (&["events", "plain"], &["has no event log", "--log-events"]),
        (&["events", "run"], &["several platforms", "cloud, depin"]),
        (
            &["events", "run", "--platform", "depn"],
            &["did you mean `depin`?"],
        ),
        (
            &["events", "run", "--platform", "depin", "--kind", "boundry"],
            &["did you mean `boundary`?"],
        ),
        (
            &["events", "run", "--platform", "depin", "--from", "3"],
            &["the time 3 has no unit"],
        ),
        (&["events", "nowhere"], &["nowhere"]),
        (&["replay", "nowhere"], &["nowhere"]),
        (
            &["replay", "run"],
            &["name one with --platform: cloud, depin"],
        ),
        (
            &["replay", "run", "--platform", "depn"],
            &["did you mean `depin`?"],
        ),
        (
            &["replay", "run", "--platform", "depin", "--replication", "9"],
            &["no finished replication 9", "0 to 2"],
        ),
        (
            &[
                "replay",
                "run",
                "--platform",
                "depin",
                "--until",
                "node[300].queue > 1",
            ],
            &["--until: column 6", "300 nodes, 0 to 299"],
        ),
        (
            &["replay", "run", "--platform", "depin", "--watch", "quue"],
            &["--watch: column 1", "unknown name `quue`"],
        ),
        (
            &["replay", "run", "--platform", "depin", "--to", "soon"],
            &["--to: column 1: `soon` is not a time"],
        ),
    ];
    for (arguments, expected) in cases {
        let output = folder.walras(arguments);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{errors}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        for part in expected {
            assert!(
                errors.contains(part),
                "{arguments:?}: `{part}` is not in\n{errors}"
            );
        }
    }
}

/// A log that is cut short or changed, a scenario or manifest that was changed: refused or found out.
#[test]
fn damage_is_found_out() {
    let folder = logged("damage");
    let path = folder.0.join("run/events.depin.1.log");
    let whole = fs::read(&path).expect("a log");
    let base = [
        "replay",
        "run",
        "--platform",
        "depin",
        "--replication",
        "1",
        "--batch",
    ];
    let fails = |arguments: &[&str], code: i32, expected: &str| {
        let output = folder.walras(arguments);
        let said = text(&output.stderr) + &text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{said}");
        assert!(said.contains(expected), "`{expected}` is not in\n{said}");
    };
    fs::write(&path, &whole[..whole.len() / 2]).expect("written");
    fails(&["events", "run", "--platform", "depin"], 2, "is cut short");
    fails(&base, 2, "is cut short");
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 4;
    fs::write(&path, &changed).expect("written");
    fails(
        &["events", "run", "--platform", "depin", "--limit", "0"],
        2,
        "is damaged: the block of events after number",
    );
    fails(&base, 2, "is damaged: the block of events after number");
    fs::copy(folder.0.join("run/events.cloud.1.log"), &path).expect("copied");
    for arguments in [&base[..], &["events", "run", "--platform", "depin"]] {
        fails(
            arguments,
            2,
            "is that of another run: it is of `cloud`, replication 1, seed 5",
        );
    }
    fs::write(&path, &whole).expect("written");
    folder.ok(&base);
    // A manifest whose digest is not that of the run that its scenario gives, as another version would have written it.
    let manifest = folder.0.join("run/manifest.json");
    let original = fs::read_to_string(&manifest).expect("a manifest");
    let object: serde_json::Value = serde_json::from_str(&original).expect("JSON");
    let digest = object["runs"][0]["digest"].as_str().expect("a digest");
    edit(&manifest, &original, digest, "0123456789abcdef");
    let cloud = [
        "replay",
        "run",
        "--platform",
        "cloud",
        "--replication",
        "0",
        "--batch",
    ];
    fails(&cloud, 1, "this is not the recorded run: after event");
    let version = format!("\"walras\": \"{}\"", env!("CARGO_PKG_VERSION"));
    edit(&manifest, &original, &version, "\"walras\": \"0.0.1\"");
    let output = folder.walras(&cloud);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("the run was made by walras 0.0.1, this is"));
    let hash = object["scenario_hash"].as_str().expect("a hash");
    edit(&manifest, &original, hash, "0123456789abcdef");
    fails(
        &cloud,
        2,
        "no longer gives what was run\n  help: a trace or a catalog has changed since",
    );
    fs::write(&manifest, &original).expect("written");
    let scenario = folder.0.join("run/scenario.yaml");
    let yaml = fs::read_to_string(&scenario).expect("a scenario");
    edit(&scenario, &yaml, "seed: 5", "seed: 6");
    fails(&cloud, 2, "does not match the manifest");
}

fn edit(path: &Path, text: &str, from: &str, to: &str) {
    assert!(text.contains(from), "{from} is in {}", path.display());
    fs::write(path, text.replace(from, to)).expect("written");
}

/// The page on replays names every field, every command and every kind of event, and the program's own list fits a terminal.
#[test]
fn the_documents_name_what_there_is() {
    let folder = Folder::new("replay-documents");
    let fields = folder.ok(&["replay", "x", "--fields"]);
    fits(&fields);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("cli/REPLAY.md")).expect("a page");
    let format = fs::read_to_string(root.join("scenarios/EVENT_LOG.md")).expect("a page");
    for field in walras_sim::world::inspect::FIELDS {
        assert!(
            page.contains(field.name) && page.contains(field.meaning),
            "{}",
            field.name
        );
        assert!(fields.contains(field.name) && fields.contains(field.meaning));
    }
    for (name, meaning) in walras_scenarios::event_log::KINDS {
        assert!(
            format.contains(&format!("`{name}`")) && format.contains(meaning),
            "{name}"
        );
    }
    for line in session_help().lines().filter(|line| !line.is_empty()) {
        let word = line.split([' ', ',']).next().expect("a word");
        assert!(page.contains(&format!("`{word}")), "{word}");
    }
}

fn session_help() -> String {
    let folder = logged("help");
    let shown = text(&session(&folder, "help\n").stdout);
    shown
        .split_once("walras> help\n")
        .expect("help")
        .1
        .to_owned()
}
