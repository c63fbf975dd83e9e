//! Run directories: what is written is read back, equal results give equal files, and damage is told plainly.

mod fixture;

use std::fs;
use std::path::{Path, PathBuf};

use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use walras_analysis::curves::{Gathered, Latency, distribution};
use walras_analysis::store::{StoreError, fresh_dir, jobs, load, load_whole, save};

/// A directory of its own for a test, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("walras-store-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_read_back() {
    let scratch = Scratch::new("round-trip");
    let mut experiment = fixture::experiment(&["cloud", "network"], 3);
    experiment.runs[2].metrics.0[0] = None;
    experiment.runs[1].refusals = vec!["at 3s, reject job 7: the job is on a node already".into()];
    experiment.manifest.list(&experiment.runs);
    let target = scratch.join("runs/first");
    save(&experiment, &target).unwrap();
    let mut loaded = load_whole(&target).unwrap();
    assert_eq!(loaded.manifest.files.len(), 6);
    loaded.manifest.files.clear();
    assert!(loaded == experiment, "the experiment changed on the way");
    // The curves stay when the runs have forgotten what they were like.
    let light = load(&target).unwrap();
    let gathered = Some(Gathered::of(&experiment.runs, 2));
    assert!(light.gathered == gathered, "curves differ");
    assert!(light.runs.iter().all(|run| run.samples.is_empty()));
    let latency = Latency::Ttft;
    assert_eq!(
        distribution(&light, latency),
        distribution(&experiment, latency)
    );
    assert_eq!(jobs(&target).unwrap().map(|table| table.height()), None);
    assert_eq!(
        names(&scratch.join("runs")),
        ["first"],
        "nothing partial is left"
    );
}

/// Tables of many runs are written and read in parts, of which the order of runs alone decides.
#[test]
fn many_runs_are_written_in_parts() {
    let scratch = Scratch::new("parts");
    let experiment = fixture::experiment(&["cloud", "network"], 60);
    let target = scratch.join("run");
    save(&experiment, &target).unwrap();
    let file = fs::File::open(target.join("latency.parquet")).unwrap();
    let mut reader = ParquetReader::new(file);
    let parts = reader.get_metadata().unwrap().row_groups.len();
    assert!(parts > 1, "{parts} part");
    let mut loaded = load_whole(&target).unwrap();
    loaded.manifest.files.clear();
    assert!(loaded == experiment, "the experiment changed on the way");
    let light = load(&target).unwrap();
    let gathered = Some(Gathered::of(&experiment.runs, 2));
    assert!(light.gathered == gathered, "curves differ");
}

#[test]
fn jobs_are_kept_on_request() {
    let scratch = Scratch::new("jobs");
    let mut experiment = fixture::experiment(&["cloud"], 2);
    experiment.runs[1].jobs = fixture::jobs();
    save(&experiment, &scratch.join("run")).unwrap();
    let table = jobs(&scratch.join("run")).unwrap().unwrap();
    assert_eq!(table.height(), 3);
    assert_eq!(table.column("node").unwrap().null_count(), 2);
    assert_eq!(
        table.column("replication").unwrap().u32().unwrap().get(0),
        Some(1)
    );
}

/// Only the manifest may differ, because it holds the wall time.
#[test]
fn damaged_jobs_are_noticed() {
    let scratch = Scratch::new("damaged-jobs");
    let mut experiment = fixture::experiment(&["cloud", "network"], 2);
    experiment.runs[1].jobs = fixture::jobs();
    save(&experiment, &scratch.join("run")).unwrap();
    let file = scratch.join("run").join("jobs.parquet");
    let mut bytes = fs::read(&file).unwrap();
    bytes.push(0);
    fs::write(&file, bytes).unwrap();
    let error = jobs(&scratch.join("run")).unwrap_err().to_string();
    assert!(
        error.contains("its content does not match the manifest"),
        "{error}"
    );
}

#[test]
fn equal_results_give_equal_files() {
    let scratch = Scratch::new("equal");
    let mut experiment = fixture::experiment(&["cloud", "network"], 2);
    save(&experiment, &scratch.join("a")).unwrap();
    experiment.manifest.execution.wall_seconds *= 2.0;
    experiment.manifest.execution.threads = 7;
    save(&experiment, &scratch.join("b")).unwrap();
    for name in names(&scratch.join("a")) {
        let same = fs::read(scratch.join("a").join(&name)).unwrap()
            == fs::read(scratch.join("b").join(&name)).unwrap();
        assert_eq!(same, name != "manifest.json", "{name}");
    }
}

#[test]
fn nothing_is_overwritten() {
    let scratch = Scratch::new("occupied");
    let experiment = fixture::experiment(&["cloud"], 1);
    let target = scratch.join("run");
    assert_eq!(fresh_dir(&target), target);
    fs::create_dir(&target).unwrap();
    save(&experiment, &target).expect("an empty directory may be filled");
    assert_eq!(fresh_dir(&target), scratch.join("run-2"));
    let error = save(&experiment, &target).unwrap_err();
    let expected = format!(
        "`{}` exists and is not empty\n  help: name another directory; results are never overwritten",
        target.display()
    );
    assert_eq!(error.to_string(), expected);
    let file = scratch.join("file");
    fs::write(&file, "mine").unwrap();
    assert!(matches!(
        save(&experiment, &file),
        Err(StoreError::Occupied(_))
    ));
    assert!(
        matches!(
            save(&experiment, &file.join("below")),
            Err(StoreError::Io { .. })
        ),
        "a file has no folders"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(names(&scratch.0), ["file", "run"]);
}

#[test]
fn damage_is_told_plainly() {
    let scratch = Scratch::new("damage");
    let target = scratch.join("run");
    assert!(
        matches!(load(&target), Err(StoreError::Missing { .. })),
        "there is nothing yet"
    );
    save(&fixture::experiment(&["cloud", "network"], 2), &target).unwrap();
    let check = |name: &str, change: &dyn Fn(Vec<u8>) -> Option<Vec<u8>>, expect: &str| {
        let path = target.join(name);
        let good = fs::read(&path).unwrap();
        match change(good.clone()) {
            Some(bad) => fs::write(&path, bad).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let message = load(&target).expect_err(name).to_string();
        assert!(message.contains(expect), "{name}: {message}");
        assert!(message.contains("\n  help: "), "{name}: {message}");
        fs::write(&path, good).unwrap();
    };
    check(
        "samples.parquet",
        &|mut bytes| {
            bytes.truncate(100);
            Some(bytes)
        },
        "does not match the manifest",
    );
    check(
        "summary.parquet",
        &|_| None,
        "is not a run directory: it has no `summary.parquet`",
    );
    check(
        "manifest.json",
        &|_| None,
        "is not a run directory: it has no `manifest.json`",
    );
    check(
        "manifest.json",
        &|mut bytes| {
            bytes.truncate(50);
            Some(bytes)
        },
        "is damaged or was changed: EOF",
    );
    check(
        "manifest.json",
        &|_| Some(b"{\"name\": \"someone else's\"}".to_vec()),
        "it names no format of walras",
    );
    check(
        "manifest.json",
        &replace("\"format\": 1", "\"format\": 99"),
        "has format 99, this version reads format 1",
    );
    check(
        "manifest.json",
        &replace("\"baseline\": \"cloud\"", "\"baseline\": \"sky\""),
        "its baseline `sky`",
    );
    check(
        "manifest.json",
        &replace("\"replication\": 1", "\"replication\": 3"),
        "replication 1 is not among the finished runs",
    );
    check(
        "scenario.yaml",
        &|_| Some(b"walras: 2".to_vec()),
        "does not match the manifest",
    );
    load(&target).expect("all damage was undone");
}

fn replace(from: &'static str, to: &'static str) -> impl Fn(Vec<u8>) -> Option<Vec<u8>> {
    move |bytes| {
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(from), "{from} is not in the file");
        Some(text.replace(from, to).into_bytes())
    }
}
