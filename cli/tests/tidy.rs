//! Style and structure that a machine can check: dependency direction, floors, first lines, and the paths in the documents.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
        .to_path_buf()
}

/// Which of our crates, and which heavy dependencies, each crate may name. Arrows never turn back.
const ALLOWED: &[(&str, &[&str])] = &[
    ("sim/des", &["rand", "rand_distr", "rand_xoshiro"]),
    ("sim", &["walras-des", "petgraph"]),
    (
        "scenarios",
        &[
            "walras-sim",
            "walras-des",
            "rayon",
            "serde_yaml",
            "schemars",
        ],
    ),
    (
        "analysis",
        &[
            "walras-scenarios",
            "walras-sim",
            "walras-des",
            "polars",
            "polars-io",
            "statrs",
        ],
    ),
    (
        "reports",
        &[
            "walras-analysis",
            "walras-scenarios",
            "walras-sim",
            "plotters",
            "askama",
        ],
    ),
    (
        "cli",
        &[
            "walras-reports",
            "walras-analysis",
            "walras-scenarios",
            "walras-sim",
            "clap",
            "indicatif",
            "ctrlc",
            "anyhow",
        ],
    ),
    (
        "benches",
        &["walras-scenarios", "walras-sim", "walras-des", "criterion"],
    ),
    (
        "benches/kernels",
        &[
            "walras-analysis",
            "walras-sim",
            "candle-core",
            "candle-nn",
            "tokenizers",
            "pulp",
            "clap",
            "indicatif",
            "anyhow",
        ],
    ),
];

/// Dependencies that live in one crate each, or in the ones listed above.
const GUARDED: &[&str] = &[
    "rand",
    "rand_distr",
    "rand_xoshiro",
    "petgraph",
    "rayon",
    "serde_yaml",
    "schemars",
    "polars",
    "polars-io",
    "statrs",
    "plotters",
    "askama",
    "clap",
    "indicatif",
    "ctrlc",
    "anyhow",
    "criterion",
    "candle-core",
    "candle-nn",
    "tokenizers",
    "pulp",
];

/// Modules of `sim`, from the ground up. A module uses only its own floor and those below.
const FLOORS: &[&[&str]] = &[
    &["units", "ids"],
    &["hardware", "network", "workload", "availability", "serving"],
    &["ledger", "market"],
    &["view", "knowledge"],
    &["scheduling", "settlement", "supply", "demand", "token"],
    &["record", "sections", "series", "sums"],
    &["platform", "world", "invariants", "cluster", "economy"],
];

fn files(folder: &Path, extension: &str, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .expect("a readable folder")
        .map(|e| e.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_dir() {
            if !name.starts_with('.')
                && !["target", "runs", "des", "kernels", "cookbook"].contains(&name)
            {
                files(&path, extension, out);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            out.push(path);
        }
    }
}

fn sources(crate_folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root().join(crate_folder), "rs", &mut found);
    if crate_folder.ends_with("des") {
        found.clear();
        files(&root().join(crate_folder).join("src"), "rs", &mut found);
        files(&root().join(crate_folder).join("tests"), "rs", &mut found);
    }
    assert!(!found.is_empty(), "{crate_folder} has sources");
    found
}

/// Names under `[dependencies]` of a manifest; development dependencies are free.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside && let Some((name, _)) = line.split_once(['.', '=', ' ']) {
            names.push(name.trim().to_owned());
        }
    }
    names
}

#[test]
fn dependencies_point_one_way() {
    let mut wrong = Vec::new();
    for (folder, allowed) in ALLOWED {
        let manifest =
            fs::read_to_string(root().join(folder).join("Cargo.toml")).expect("a manifest");
        for name in dependencies(&manifest) {
            let guarded = name.starts_with("walras") || GUARDED.contains(&name.as_str());
            if guarded && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{folder}/Cargo.toml: {name}"));
            }
        }
        for file in sources(folder) {
            let in_src = file
                .strip_prefix(root())
                .is_ok_and(|path| path.components().any(|part| part.as_os_str() == "src"));
            if !in_src {
                continue;
            }
            let text = fs::read_to_string(&file).expect("a source");
            for (number, line) in text.lines().enumerate() {
                for name in GUARDED
                    .iter()
                    .copied()
                    .chain(ALLOWED.iter().map(|(folder, _)| crate_name(folder)))
                {
                    let path = format!("{}::", name.replace('-', "_"));
                    let own = crate_name(folder) == name;
                    if mentions(line, &path) && !own && !allowed.contains(&name) {
                        wrong.push(format!("{}:{}: {name}", file.display(), number + 1));
                    }
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "edges that the architecture does not have:\n{}",
        wrong.join("\n")
    );
}

fn crate_name(folder: &str) -> &str {
    match folder {
        "sim/des" => "walras-des",
        "sim" => "walras-sim",
        "scenarios" => "walras-scenarios",
        "analysis" => "walras-analysis",
        "reports" => "walras-reports",
        "benches" => "walras-benches",
        "benches/kernels" => "walras-kernels",
        _ => "walras",
    }
}

/// Whether a line of code (not of comment) names `path` as a whole.
fn mentions(line: &str, path: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.match_indices(path)
        .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

#[test]
fn floors_of_the_world_rest_on_lower_ones() {
    let floor: BTreeMap<&str, usize> = FLOORS
        .iter()
        .enumerate()
        .flat_map(|(level, names)| names.iter().map(move |name| (*name, level)))
        .collect();
    let source = root().join("sim/src");
    let mut wrong = Vec::new();
    for file in sources("sim") {
        let Ok(inside) = file.strip_prefix(&source) else {
            continue;
        };
        let first = inside
            .components()
            .next()
            .expect("a name")
            .as_os_str()
            .to_str()
            .expect("plain names");
        let module = first.trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let level = floor
            .get(module)
            .unwrap_or_else(|| panic!("module `{module}` has no floor in this test"));
        let text = fs::read_to_string(&file).expect("a source");
        for (number, line) in text.lines().enumerate() {
            for (name, other) in &floor {
                if mentions(line, &format!("crate::{name}")) && other > level {
                    wrong.push(format!(
                        "{}:{}: `{module}` uses `{name}` above it",
                        inside.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_source_says_first_what_it_is_about() {
    let mut wrong = Vec::new();
    for (folder, _) in ALLOWED {
        for file in sources(folder) {
            let text = fs::read_to_string(&file).expect("a source");
            let first = text.lines().next().unwrap_or_default();
            if !first.starts_with("//! ") || first.len() < 20 {
                wrong.push(file.display().to_string());
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "no `//!` first line:\n{}",
        wrong.join("\n")
    );
}

/// Paths in backticks, such as `sim/src/view.rs`, that a document names.
fn paths(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_path = |s: &&str| {
        s.contains('/')
            && !s.contains([' ', '<', '*', '{', '(', '$'])
            && !s.starts_with(['/', '-', '.'])
            && !s.contains("::")
    };
    quoted.filter(is_path).map(str::to_owned).collect()
}

#[test]
fn documents_name_only_paths_that_exist() {
    let mut wrong = Vec::new();
    for document in [
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "README.md",
        "ASSUMPTIONS.md",
    ] {
        let text = fs::read_to_string(root().join(document)).expect("a document");
        let named = paths(&text);
        assert!(
            document != "ARCHITECTURE.md" || named.len() > 20,
            "the code map names its paths"
        );
        for path in named {
            let made_by_runs = path.starts_with("runs/") || path.starts_with("target/");
            if !made_by_runs && !root().join(&path).exists() {
                wrong.push(format!("{document}: {path}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "paths that do not exist:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_module_of_the_world_is_in_the_code_map() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("a document");
    let mut missing = Vec::new();
    for folder in [
        "sim/src",
        "sim/des/src",
        "scenarios/src",
        "analysis/src",
        "reports/src",
        "benches/kernels/src",
    ] {
        for entry in fs::read_dir(root().join(folder)).expect("a folder") {
            let name = entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("plain names");
            let path = format!("{folder}/{name}");
            if name != "lib.rs" && !map.contains(&format!("`{path}`")) {
                missing.push(path);
            }
        }
    }
    missing.sort();
    assert!(
        missing.is_empty(),
        "not in ARCHITECTURE.md:\n{}",
        missing.join("\n")
    );
}
