//! Recorded presence of spot instances: the published files, broken copies of them, and runs that replay them.

use std::fs;
use std::path::{Path, PathBuf};

use walras_des::Span;
use walras_scenarios::{Scenario, load};
use walras_sim::availability::{Availability, Pattern, Replay};
use walras_sim::record::Nothing;
use walras_sim::world::{Settings, simulate};

/// The published files; `None` where the data are not at hand.
fn data(file: &str) -> Option<PathBuf> {
    let data = std::env::var_os("WALRAS_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let path = data.join("hosts/spot_traces").join(file);
    if !path.exists() {
        println!("skipped: {file} is not there; set WALRAS_DATA");
    }
    path.exists().then_some(path)
}

/// A scenario in which the home fleet replays these files.
fn replaying(files: &[&Path], start: &str) -> Result<Scenario, String> {
    let files: Vec<String> = files
        .iter()
        .map(|file| format!("'{}'", file.display()))
        .collect();
    let class = format!(
        "{{replay: {{files: [{}], start: {start}}}}}",
        files.join(", ")
    );
    let set = [
        ("availability.spot", class.as_str()),
        ("platforms.always-on.fleets.home.availability", "spot"),
        ("platforms.always-on.fleets.home.nodes", "4"),
        ("workload.rate_factor", "0.001"),
    ];
    let set = set.map(|(key, value)| (key.to_owned(), value.to_owned()));
    load(Path::new("churn"), &set, None).map_err(|issues| issues.to_string())
}

fn replay(scenario: &Scenario) -> &Replay {
    let Availability::Mixed(classes) =
        &scenario.plan.expect_requests().platforms[0].fleets[0].availability
    else {
        panic!("a replay")
    };
    let Pattern::Replay(replay) = &classes[0].1 else {
        panic!("{classes:?}")
    };
    replay
}

/// Availability counted in the files: ones over all (and fours, threes, … for four nodes).
#[test]
fn the_published_records_are_read() {
    for (file, shares) in [
        (
            "availability_1-node_aws-02-15-2023_us-east-1a_v100_1.json",
            &[3360.0 / 20158.0][..],
        ),
        (
            "availability_1-node_aws-02-15-2023_us-east-1f_v100_1.json",
            &[11917.0 / 20158.0],
        ),
        (
            "availability_1-node_aws-10-26-2022_us-west-2a_k80_1.json",
            &[3477.0 / 3895.0],
        ),
        (
            "preemption_1-node_aws-04-22-2023_us-east-1c_v100_1.json",
            &[6274.0 / 19961.0],
        ),
        (
            "preemption_1-node_gcp-04-30-2023_us-east1-b_c3-88.json",
            &[5226.0 / 5476.0],
        ),
        (
            "preemption_4-node_aws-08-03-2023_us-east-1f_v100_1.json",
            &[
                1402.0 / 3664.0,
                1308.0 / 3664.0,
                1216.0 / 3664.0,
                1114.0 / 3664.0,
            ],
        ),
    ] {
        let Some(path) = data(file) else { continue };
        let scenario = replaying(&[&path], "together").unwrap_or_else(|issues| panic!("{issues}"));
        let found: Vec<f64> = (replay(&scenario).tracks().iter())
            .map(walras_sim::availability::Track::availability)
            .collect();
        assert_eq!(found.len(), shares.len(), "{file}");
        for (found, share) in found.iter().zip(shares) {
            assert!((found - share).abs() < 1e-9, "{file}: {found}, not {share}");
        }
    }
}

/// The number of nodes up in a run is that of the record, at every count of its first two days.
#[test]
fn a_run_replays_the_record() {
    let Some(path) = data("preemption_4-node_aws-08-03-2023_us-east-1f_v100_1.json") else {
        return;
    };
    let scenario = replaying(&[&path], "together").unwrap_or_else(|issues| panic!("{issues}"));
    let settings = Settings {
        horizon: Span::DAY * 2,
        warm_up: Span::ZERO,
        sample_every: Span::SECOND * 300,
    };
    let plan = &scenario.plan;
    let output = simulate(
        &plan.expect_requests().platforms[0],
        &plan.expect_requests().workload,
        &settings,
        1,
        0,
        Nothing,
        &|| false,
    );
    let samples = output.expect("nobody stops it").samples;
    let record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let counts = record["data"].as_array().unwrap();
    assert_eq!(record["metadata"]["gap_seconds"], 300);
    assert_eq!(samples.len(), 577);
    for (sample, count) in samples.iter().zip(counts) {
        assert_eq!(
            u64::from(sample.nodes_up),
            count.as_u64().unwrap(),
            "at {:?}",
            sample.at
        );
    }
    assert!(samples[..577].iter().any(|sample| sample.nodes_up == 4));
}

/// Copies of a published file with an error each; what they say, less the names of files.
#[test]
fn broken_copies_are_refused_with_a_reason() {
    let Some(path) = data("availability_1-node_aws-10-26-2022_us-west-2a_k80_1.json") else {
        return;
    };
    let good = fs::read_to_string(path).unwrap();
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("spot");
    fs::create_dir_all(&directory).unwrap();
    for (name, text, expect) in [
        (
            "cut",
            good[..good.len() / 2].to_owned(),
            "this is not JSON: EOF while parsing",
        ),
        (
            "gapless",
            good.replace("gap_seconds", "gap"),
            "missing `metadata.gap_seconds`",
        ),
        (
            "negative",
            good.replacen("[1", "[-1", 1),
            "entry 0 of `data` is no number of instances: -1",
        ),
        (
            "dataless",
            good.replace("\"data\"", "\"date\""),
            "missing the list `data`",
        ),
        (
            "csv",
            "time,count\n0,1\n".to_owned(),
            "this is not JSON: expected ident",
        ),
        (
            "empty",
            String::new(),
            "this is not JSON: EOF while parsing a value",
        ),
    ] {
        let file = directory.join(format!("{name}.json"));
        fs::write(&file, text).unwrap();
        let error = replaying(&[&file], "apart").expect_err(name);
        assert!(error.contains(expect), "{name}: {error}");
        assert!(
            error.contains(&format!("1 problem in {}", file.display())),
            "{name}: {error}"
        );
    }
    let error = replaying(&[Path::new("not-there.json")], "together").expect_err("no such file");
    assert!(
        error.contains("cannot read the record `not-there.json`"),
        "{error}"
    );
}

/// Two scenarios with copies of one record ask for the same; what it says counts, not where it lies, and the resolved scenario can be
/// loaded from anywhere.
#[test]
fn a_record_counts_by_its_content() {
    let write = |name: &str, count: u32| {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&directory).unwrap();
        let file = directory.join(format!("{name}.json"));
        let text = format!("{{\"metadata\": {{\"gap_seconds\": 60}}, \"data\": [0, {count}]}}");
        fs::write(&file, text).unwrap();
        replaying(&[&file], "together").unwrap_or_else(|issues| panic!("{issues}"))
    };
    let (one, same, other) = (write("one", 1), write("same", 1), write("other", 2));
    assert_eq!(one.input_hash, same.input_hash);
    assert_ne!(one.input_hash, other.input_hash);
    let resolved = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("resolved-record.yaml");
    fs::write(&resolved, &one.resolved).unwrap();
    let again = load(&resolved, &[], None).unwrap_or_else(|issues| panic!("{issues}"));
    assert_eq!(again.input_hash, one.input_hash);
    assert_eq!(replay(&again), replay(&one));
}
