//! `walras validate`: it passes, its documents are the committed ones, and it fails when it should.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn walras(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_walras"))
        .args(arguments)
        .env("NO_COLOR", "1")
        .env_remove("COLUMNS")
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// The committed tables are what the engine does: every row agrees, and every digit is reproduced.
/// After a change that is meant: `cargo run --release -- validate engine --markdown > analysis/VALIDATION.md`.
#[test]
fn the_document_is_what_the_suite_prints() {
    let output = walras(&["validate", "engine", "--markdown"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../analysis/VALIDATION.md");
    let committed = fs::read_to_string(path).expect("the document");
    let printed = text(&output.stdout);
    for (number, (line, expect)) in printed.lines().zip(committed.lines()).enumerate() {
        assert_eq!(
            line,
            expect,
            "line {} of analysis/VALIDATION.md",
            number + 1
        );
    }
    assert_eq!(printed, committed);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// A table fits a terminal, an object is for programs, and both say the same.
#[test]
fn a_group_on_its_own() {
    let table = walras(&["validate", "engine", "--only", "JACKSON"]);
    let table = text(&table.stdout);
    let fits = |line: &str| line.chars().count() <= 80;
    assert!(table.lines().all(fits), "{table}");
    let last = table.trim_end().rsplit("\n\n").next();
    let json = |arguments: &[&str]| -> Value {
        let always = ["validate", "engine", "--only", "jackson", "--json"];
        let output = walras(&[&always, arguments].concat());
        assert_eq!(output.status.code(), Some(0));
        serde_json::from_slice(&output.stdout).expect("one JSON object")
    };
    let (one, other) = (json(&[]), json(&["--seed", "2"]));
    let sentence = last.map(|last| last.replace('\n', " "));
    assert_eq!(one["sentence"].as_str(), sentence.as_deref());
    assert_eq!(one["passes"], true);
    let [first, again] =
        [one, other].map(|json| json["groups"][0]["systems"][0]["rows"][0].clone());
    assert_eq!(first["verdict"], "ok");
    // λ₁ = 1.0 or so; ρ₁ = 0.8 or so; L = ρ / (1 − ρ).
    let theory = first["theory"].as_f64().expect("a number");
    assert!((3.5..4.5).contains(&theory), "{theory}");
    assert_eq!(first["theory"], again["theory"]);
    assert_ne!(first["estimate"], again["estimate"]);
}

#[test]
fn a_wrong_option_is_the_users_mistake() {
    let output = walras(&["validate", "engine", "--json", "--markdown"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("cannot be used with"));
    let output = walras(&["validate", "engine", "--only", "teleport"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("`teleport`") && said.contains("Jackson network"),
        "{said}"
    );
    let output = walras(&["validate", "motor"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("unrecognized subcommand 'motor'"));
}

/// The committed ladder is what the device classes predict. Skips without the data folder, which the command says.
/// After a change that is meant: `cargo run --release -- validate calibration --markdown > scenarios/calibration/VALIDATION.md`.
#[test]
fn the_document_is_what_the_ladder_prints() {
    if walras_analysis::calibration::data::folder().is_none() {
        let output = walras(&["validate", "calibration", "--markdown"]);
        assert!(output.status.success() && output.stdout.is_empty());
        assert!(
            text(&output.stderr).contains("skipped"),
            "{}",
            text(&output.stderr)
        );
        println!("skipped: no folder with measurements; set WALRAS_DATA to where it is");
        return;
    }
    let output = walras(&["validate", "calibration", "--markdown"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/calibration/VALIDATION.md");
    let committed = fs::read_to_string(path).expect("the document");
    let printed = text(&output.stdout);
    for (number, (line, expect)) in printed.lines().zip(committed.lines()).enumerate() {
        let place = number + 1;
        assert_eq!(
            line, expect,
            "line {place} of scenarios/calibration/VALIDATION.md"
        );
    }
    assert_eq!(printed, committed);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// A folder without the tables is the user's mistake, and the message names the file.
#[test]
fn a_folder_without_measurements() {
    let output = walras(&[
        "validate",
        "calibration",
        "--data",
        env!("CARGO_MANIFEST_DIR"),
    ]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("gemm_perf.parquet") && said.contains("help: "),
        "{said}"
    );
}

/// The committed page is what the protocols' vectors show. Skips without the data folder, which the command says.
/// After a change that is meant: `cargo run --release -- validate protocols --markdown > analysis/PROTOCOLS.md`.
#[test]
fn the_document_is_what_the_vectors_show() {
    let output = walras(&["validate", "protocols", "--markdown"]);
    if walras_analysis::calibration::data::folder().is_none() {
        assert!(output.status.success() && output.stdout.is_empty());
        assert!(text(&output.stderr).contains("skipped"));
        println!("skipped: no folder with vectors; set WALRAS_DATA to where it is");
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../analysis/PROTOCOLS.md");
    let committed = fs::read_to_string(path).expect("the document");
    let printed = text(&output.stdout);
    for (number, (line, expect)) in printed.lines().zip(committed.lines()).enumerate() {
        assert_eq!(line, expect, "line {} of analysis/PROTOCOLS.md", number + 1);
    }
    assert_eq!(printed, committed);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// A folder without vectors is the user's mistake, and the message says what is looked for.
#[test]
fn a_folder_without_vectors() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let output = walras(&["validate", "protocols", "--data", folder]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("`token`") && said.contains("help: "),
        "{said}"
    );
}
