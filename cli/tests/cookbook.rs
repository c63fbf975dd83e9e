//! A stranger's scheduler: the recipe of CONTRIBUTING in a crate of its own, built, raced and reported like a built-in one.

mod folder;

use std::fs;
use std::path::Path;
use std::process::Command;

use folder::{Folder, SMALL};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Whoever follows the document writes what is built and run here.
#[test]
fn the_recipe_is_the_crate() {
    let recipe = read("CONTRIBUTING.md");
    let program = read("scenarios/cookbook/src/main.rs");
    assert!(recipe.contains(&format!("```rust\n{program}```\n")));
    let lines = program.lines().filter(|line| !line.is_empty()).count();
    assert!(lines < 40, "{lines} lines");
    let manifest = read("scenarios/cookbook/Cargo.toml");
    let dependencies = manifest.split("[dependencies]\n").nth(1);
    for line in dependencies.expect("it has some").lines().take(3) {
        assert!(recipe.contains(line), "{line}");
    }
}

/// The crate, copied outside the workspace, with the versions of the workspace: nothing is downloaded.
#[test]
fn a_strangers_scheduler_races_and_is_reported() {
    let folder = Folder::new("cookbook");
    folder.write("small.yaml", SMALL);
    let scratch = folder.0.join("scratch");
    fs::create_dir_all(scratch.join("src")).expect("a folder");
    let place = |name: &str, text: &str| fs::write(scratch.join(name), text).expect("a file");
    let from = format!("path = \"{}/", root().display());
    let manifest = read("scenarios/cookbook/Cargo.toml").replace("path = \"../../", &from);
    place("Cargo.toml", &manifest);
    place("Cargo.lock", &read("Cargo.lock"));
    place("src/main.rs", &read("scenarios/cookbook/src/main.rs"));
    // What it shares with the workspace is not built again.
    let shared = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("it has one");
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command
            .args([
                "run",
                "--quiet",
                "--offline",
                "--manifest-path",
                "scratch/Cargo.toml",
            ])
            .args(["--target-dir"])
            .arg(shared)
            .arg("--")
            .args(arguments)
            .current_dir(&folder.0)
            .env("NO_COLOR", "1");
        let output = command.output().expect("cargo runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };

    let race = [
        "--set",
        "run.horizon=5 min",
        "--platform",
        "depin",
        "-o",
        "cup",
    ];
    let policies = ["--policies", "random,swiftest,quick=swiftest{d: 2}"];
    let (code, table, talk) =
        cargo(&[&["tournament", "small.yaml"][..], &policies, &race].concat());
    assert_eq!(code, Some(0), "{talk}");
    let page = fs::read_to_string(folder.0.join("cup/tournament.html")).expect("a page");
    for name in ["swiftest", "quick", "random"] {
        assert!(table.contains(name), "{name}:\n{table}");
        assert!(page.contains(name), "{name} is not in the page");
    }
    let contest = folder.names().contains(&"cup".to_owned());
    assert!(contest, "the run directory is kept");
    let (code, table, talk) = cargo(&["report", "cup/small"]);
    assert_eq!(code, Some(0), "{talk}");
    assert!(table.contains("swiftest"), "{table}");
    let report = fs::read_to_string(folder.0.join("cup/small/report.html")).expect("a report");
    assert!(report.contains("swiftest"), "it is not in the report");

    for (scheduler, said) in [
        ("swiftst", "did you mean `swiftest`?"),
        (
            "{swiftest: {e: 1}}",
            "`swiftest` has no parameter `e`; it has `d`",
        ),
        ("{swiftest: {d: many}}", "`d` cannot be \"many\""),
    ] {
        let set = format!("platforms.depin.scheduler={scheduler}");
        let (code, _, talk) = cargo(&["check", "small.yaml", "--set", &set]);
        assert!(
            code == Some(2) && talk.contains(said),
            "{scheduler}: {talk}"
        );
    }
    // The command without it does not know it.
    let alone = folder.walras(&[
        "check",
        "small.yaml",
        "--set",
        "platforms.depin.scheduler=swiftest",
    ]);
    assert!(String::from_utf8_lossy(&alone.stderr).contains("unknown scheduler `swiftest`"));
}
