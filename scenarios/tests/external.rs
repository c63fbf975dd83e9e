//! Schedulers in processes of their own: the same decisions as a built-in one, and clear words about those that break off.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

use walras_scenarios::{Options, Results, RunError, Scenario, execute, load};

/// A network of home GPUs for some minutes, in which nodes come and go, queues are full at times, and customers have limits.
const SCENARIO: &str = "\
walras: 1
question: does it decide alike?
run: {horizon: 6 min, replications: 2, seed: 3}
workload: {requests: azure-conv-2023, model: llama-3.1-8b, slo: {ttft: 2 s, tpot: 100 ms}, patience: 60 s}
platforms:
  built-in: {extends: decentralized-network, scheduler: least-loaded, slots: 3, fleets: {home: {nodes: 22}, datacenter: {nodes: 3}}}
  process: {extends: built-in, scheduler: {external: {command: [python3, scheduler.py]}}}
";

/// A folder with the scenario and `program` as its scheduler.
fn folder(name: &str, program: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("external-{name}"));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("scheduler.py"), program).expect("a file");
    std::fs::write(folder.join("scenario.yaml"), SCENARIO).expect("a file");
    folder
}

fn loaded(folder: &Path, set: &[(&str, &str)]) -> Scenario {
    let set: Vec<_> = (set.iter())
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .collect();
    load(&folder.join("scenario.yaml"), &set, None).unwrap_or_else(|issues| panic!("{issues}"))
}

fn run(scenario: &Scenario) -> Result<Results, RunError> {
    let options = Options {
        threads: 2,
        pool: None,
        record_jobs: false,
        logbook: None,
        stop: &AtomicBool::new(false),
    };
    execute(&scenario.plan, &options, &|_| {})
}

/// Whether there is a Python; said plainly if there is none.
fn has_python() -> bool {
    let mut python = Command::new("python3");
    let quiet = python.arg("--version").stdout(Stdio::null());
    let found = quiet.status().is_ok_and(|status| status.success());
    if !found {
        eprintln!("skipped: there is no python3 on this machine");
    }
    found
}

const LEAST_LOADED: &str = include_str!("../examples/scheduler.py");

/// The same events in the same order, under each mechanism of prices and with late reports.
#[test]
fn the_example_decides_as_the_built_in_policy() {
    if !has_python() {
        return;
    }
    let folder = folder("alike", LEAST_LOADED);
    let fee = "{base-fee: {initial: 1, floor: 0.01, prompt_weight: 0.2, target: 50 %, denominator: 8, epoch: 12 s}}";
    for (pricing, state) in [
        ("reverse-auction", "fresh"),
        (fee, "fresh"),
        (
            "reverse-auction",
            "{periodic: {every: 2 s, adds_own: true}}",
        ),
    ] {
        let set = [
            ("platforms.built-in.pricing", pricing),
            ("platforms.built-in.knowledge.state", state),
        ];
        let results = run(&loaded(&folder, &set)).expect("it comes to its end");
        for pair in results.runs.chunks(2) {
            let (built_in, process) = (&pair[0].output, &pair[1].output);
            assert!(built_in.events > 5_000, "{} events", built_in.events);
            assert_eq!(built_in.digest, process.digest, "{pricing} {state}");
            assert_eq!(built_in.refusals, process.refusals);
            assert!(process.refusals.is_empty());
        }
    }
}

/// A program up to its first decision.
const WELCOME: &str = "import sys, time\nsys.stdin.readline()\nprint('{\"protocol\": 1}', flush=True)\nsys.stdin.readline()\n";

/// Each mistake of a program ends the run with one message that names the program and what was expected.
#[test]
fn a_program_that_breaks_off_is_told_plainly() {
    if !has_python() {
        return;
    }
    for (name, program, said) in [
        (
            "mute",
            "",
            &[
                "line 1 of its answers",
                "has ended instead (exit status: 0)",
            ][..],
        ),
        (
            "dying",
            &format!("{WELCOME}sys.exit(3)"),
            &["line 2 of its answers", "exit status: 3"],
        ),
        (
            "prose",
            &format!("{WELCOME}print('hello')"),
            &["line 2", "expected value at column 1, found `hello`"],
        ),
        (
            "unknown",
            &format!(
                "{WELCOME}print('{{\"orders\": [{{\"plaec\": {{\"job\": 1, \"node\": 1}}}}]}}')"
            ),
            &["unknown variant `plaec`, expected one of `place`"],
        ),
        (
            "future",
            "print('{\"protocol\": 7}', flush=True)",
            &["line 1", "speaks version 7"],
        ),
        (
            "sleepy",
            &format!("{WELCOME}time.sleep(60)"),
            &["none came within 300ms"],
        ),
        (
            "binary",
            &format!("{WELCOME}sys.stdout.buffer.write(b'\\xff\\n')"),
            &["not UTF-8"],
        ),
    ] {
        let folder = folder(name, program);
        let set = [
            ("platforms.process.scheduler.external.timeout", "300 ms"),
            ("run.replications", "1"),
        ];
        // Starting Python may take longer than that.
        let set = if name == "sleepy" {
            &set[..]
        } else {
            &set[1..]
        };
        let error = run(&loaded(&folder, set)).expect_err(name);
        assert!(error.is_scheduler && error.platform == "process", "{error}");
        for said in said
            .iter()
            .chain(&["`python3 scheduler.py`", "scenarios/EXTERNAL.md"])
        {
            assert!(error.to_string().contains(said), "{name}: {said}: {error}");
        }
    }
}

#[test]
fn a_program_that_is_not_there_is_told_plainly() {
    let folder = folder("absent", "");
    let command = "platforms.process.scheduler.external.command";
    let error = run(&loaded(&folder, &[(command, "[./absent, --fast]")])).expect_err("no program");
    let said = error.to_string();
    assert!(said.contains("no scheduler `./absent --fast`"), "{said}");
    assert!(said.contains("cannot be started"), "{said}");
    let set = [(command.to_owned(), "[]".to_owned())];
    let issues = load(&folder.join("scenario.yaml"), &set, None).expect_err("no program");
    assert!(
        issues.to_string().contains("there is no program to start"),
        "{issues}"
    );
}

/// What the program says is part of the input, and where it lies is not; the resolved scenario runs from anywhere.
#[test]
fn the_text_of_the_program_counts() {
    let here = loaded(&folder("here", LEAST_LOADED), &[]);
    let there = loaded(&folder("there", LEAST_LOADED), &[]);
    let other = loaded(&folder("other", &format!("{LEAST_LOADED}\n")), &[]);
    assert_eq!(here.input_hash, there.input_hash);
    assert_ne!(here.input_hash, other.input_hash);
    let again = Path::new(env!("CARGO_TARGET_TMPDIR")).join("external-again.yaml");
    std::fs::write(&again, &here.resolved).expect("a file");
    let again = load(&again, &[], None).unwrap_or_else(|issues| panic!("{issues}"));
    assert_eq!(again.input_hash, here.input_hash);
    assert_eq!(again.resolved, here.resolved);
}
