//! Digests of every scenario of the library: the same with 1, 2 and 4 threads, in debug and release, built with `-p` or
//! `--workspace`, on every machine.
//!
//! `scenarios/tests/golden.txt` holds them, a line per run: scenario, platform, replication, number of events, digest of
//! the history, digest of the figures. When results change on purpose,
//! `WALRAS_BLESS=1 cargo test -p walras-scenarios --test golden` writes it anew; `CHANGELOG.md` then says under *results
//! changed* what changed and why.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::{env, fs};

use walras_des::Digest;
use walras_scenarios::library::library;
use walras_scenarios::{Options, Plan, Run, execute, load};
use walras_sim::record::MetricId;

/// Of what ships so many replications are run, and of hours of requests so much, so that three numbers of threads take a minute.
const REPLICATIONS: (&str, &str) = ("run.replications", "2");
const REQUESTS: (&str, &str) = ("run.horizon", "90 min");
/// But the region fails after seven hours, and two weeks of requests beside the same weeks as a flow are too many.
const EXCEPTIONS: [(&str, (&str, &str)); 2] = [
    ("outage", ("run.horizon", "9 h")),
    ("two-fidelities", ("run.horizon", "2 d")),
];

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden.txt");

/// Fingerprint of the figures of a run. Their text is exact: Rust prints floats so that they read back to the same bits.
fn figures(run: &Run) -> Digest {
    let output = &run.output;
    // A new figure that a run does not have changes nothing.
    let metrics: Vec<_> = MetricId::all()
        .filter_map(|id| Some((id.metric().name, output.metrics.get(id)?)))
        .collect();
    let text = format!(
        "{:?}",
        (&output.counts, metrics, &output.samples, &output.lorenz)
    );
    let mut digest = Digest::new();
    text.bytes().for_each(|byte| digest.fold(u64::from(byte)));
    digest
}

fn plan(name: &str) -> Plan {
    let load = |set: &[(&str, &str)]| {
        let set = set
            .iter()
            .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()));
        let scenario = load(Path::new(name), &set.collect::<Vec<_>>(), None);
        scenario.unwrap_or_else(|issues| panic!("{issues}")).plan
    };
    let shorter = EXCEPTIONS.iter().find(|(scenario, _)| *scenario == name);
    let is_long = || load(&[]).requests().is_some();
    let shorter = shorter.map(|(_, set)| *set);
    match shorter.or_else(|| is_long().then_some(REQUESTS)) {
        Some(horizon) => load(&[horizon, REPLICATIONS]),
        None => load(&[REPLICATIONS]),
    }
}

/// A line per run of every scenario of the library.
fn table(threads: usize) -> String {
    let options = Options {
        threads,
        pool: None,
        record_jobs: false,
        logbook: None,
        stop: &AtomicBool::new(false),
    };
    let mut table = String::new();
    for entry in library() {
        let plan = plan(entry.name);
        let results = execute(&plan, &options, &|_| {}).unwrap_or_else(|error| panic!("{error}"));
        for run in &results.runs {
            let (platform, output) = (plan.names()[run.platform], &run.output);
            writeln!(
                table,
                "{} {platform} {} {} {} {}",
                entry.name,
                run.replication,
                output.events,
                output.digest,
                figures(run)
            )
            .expect("text grows");
        }
    }
    table
}

/// The lines that are in one of two texts only, as a patch shows them.
fn difference(old: &str, new: &str) -> String {
    let gone = old
        .lines()
        .filter(|line| !new.lines().any(|other| other == *line));
    let come = new
        .lines()
        .filter(|line| !old.lines().any(|other| other == *line));
    gone.map(|line| format!("- {line}\n"))
        .chain(come.map(|line| format!("+ {line}\n")))
        .collect()
}

#[test]
fn every_scenario_of_the_library_has_its_golden_digests() {
    if env::var_os("WALRAS_BLESS").is_some() {
        fs::write(TABLE, table(2)).expect("the table can be written");
    }
    // Git may have turned the line ends on a checkout.
    let old = fs::read_to_string(TABLE)
        .unwrap_or_default()
        .replace('\r', "");
    for threads in [2, 1, 4] {
        let new = table(threads);
        assert!(
            old == new,
            "results are not those of {TABLE}\n\
             (threads: {threads}; scenario, platform, replication, events, history, figures):\n{}\
             if this was meant: WALRAS_BLESS=1 cargo test -p walras-scenarios --test golden",
            difference(&old, &new)
        );
    }
}
