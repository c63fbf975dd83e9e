//! Run directories: an experiment written as a manifest, the scenario and Parquet tables, all or nothing, and read back.
//!
//! `manifest.json` names the fingerprint of every other file; only it tells when, where and how fast the runs were made.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Cursor, Read, Write};
use std::path::{Path, PathBuf};

use polars::prelude::{Column, DataFrame};
use polars_io::SerReader;
use polars_io::parquet::read::ParquetReader;
use polars_io::parquet::write::{ParquetCompression, ParquetWriter};
use walras_des::Digest;
use walras_scenarios::event_log;

use crate::experiment::{Experiment, FORMAT, Manifest, combined};
use crate::table::{TableError, Tables};

const MANIFEST: &str = "manifest.json";
const SCENARIO: &str = "scenario.yaml";
const SECTIONS: &str = "sections.parquet";
const EPOCHS: &str = "epochs.parquet";
const JOBS: &str = "jobs.parquet";

/// Why a run directory could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory holds something already.
    #[error("`{}` exists and is not empty\n  help: name another directory; results are never overwritten", .0.display())]
    Occupied(PathBuf),
    /// The system refused.
    #[error("cannot {action} `{}`: {source}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no run here.
    #[error("`{}` is not a run directory: it has no `{}`\n  help: give the directory that `walras run` printed last", .directory.display(), .file)]
    Missing {
        /// The directory.
        directory: PathBuf,
        /// The file that is missing.
        file: String,
    },
    /// Another format.
    #[error("`{}` has format {found}, this version reads format {FORMAT}\n  help: read it with walras {version}", .path.display())]
    Format {
        /// The manifest.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The version that wrote it.
        version: String,
    },
    /// A file is not what was written.
    #[error("`{}` is damaged or was changed: {message}\n  help: repeat the run; the manifest holds its command", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

/// The first of `base`, `base-2`, `base-3`, … that does not exist.
#[must_use]
pub fn fresh_dir(base: &Path) -> PathBuf {
    let numbered = |number: u64| {
        let mut name = base.as_os_str().to_owned();
        name.push(format!("-{number}"));
        PathBuf::from(name)
    };
    let is_taken = |path: &Path| fs::symlink_metadata(path).is_ok();
    let mut path = base.to_owned();
    let mut number = 2;
    while is_taken(&path) {
        path = numbered(number);
        number += 1;
    }
    path
}

/// Writes `experiment` as the directory `target`, which must be new or empty. Whatever happens, `target` is
/// afterwards either complete or as it was.
///
/// # Errors
/// If `target` is occupied or the system refuses.
pub fn save(experiment: &Experiment, target: &Path) -> Result<(), StoreError> {
    save_with(experiment, target, &[])
}

/// As [`save`], and moves `files`, which lie on the same file system, into the directory.
///
/// # Errors
/// As [`save`].
pub fn save_with(
    experiment: &Experiment,
    target: &Path,
    files: &[PathBuf],
) -> Result<(), StoreError> {
    refuse_occupied(target)?;
    let parent = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed("create", parent))?;
    let partial = partial_name(target);
    // A leftover of a process that had this number before.
    let _ = fs::remove_dir_all(&partial);
    fs::create_dir(&partial).map_err(failed("create", &partial))?;
    let written =
        write_all(experiment, &partial, files).and_then(|()| match fs::rename(&partial, target) {
            Ok(()) => Ok(()),
            Err(_) if is_occupied(target) => Err(StoreError::Occupied(target.to_owned())),
            Err(error) => Err(failed("create", target)(error)),
        });
    if written.is_err() {
        // The first error is the one to report; a leftover with this name harms nothing.
        let _ = fs::remove_dir_all(&partial);
    }
    written
}

/// Whether results could be written to `target` now; ask before a long run.
///
/// # Errors
/// If `target` is occupied.
pub fn refuse_occupied(target: &Path) -> Result<(), StoreError> {
    if is_occupied(target) {
        Err(StoreError::Occupied(target.to_owned()))
    } else {
        Ok(())
    }
}

fn is_occupied(target: &Path) -> bool {
    match fs::read_dir(target) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => fs::symlink_metadata(target).is_ok(),
    }
}

fn partial_name(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    PathBuf::from(name)
}

fn write_all(
    experiment: &Experiment,
    directory: &Path,
    moved: &[PathBuf],
) -> Result<(), StoreError> {
    let platforms = &experiment.manifest.platforms;
    let cannot = |error: TableError| corrupt(directory, error.to_string());
    let tables = Tables::of(&experiment.runs, platforms).map_err(cannot)?;
    let mut files = BTreeMap::new();
    let mut put = |name: &str, bytes: &[u8]| {
        files.insert(name.to_owned(), fingerprint(bytes));
        write(&directory.join(name), bytes)
    };
    put(SCENARIO, experiment.scenario.as_bytes())?;
    let Tables {
        summary,
        counts,
        samples,
        latency,
        lorenz,
        sections,
        epochs,
        jobs,
    } = tables;
    let required = [summary, counts, samples, latency, lorenz]
        .into_iter()
        .zip(TABLES);
    let on_occasion = [(sections, SECTIONS), (epochs, EPOCHS), (jobs, JOBS)];
    let on_occasion = on_occasion
        .into_iter()
        .filter_map(|(table, name)| Some((table?, name)));
    for (mut table, name) in required.chain(on_occasion) {
        let bytes = parquet(&mut table)
            .map_err(|error| corrupt(&directory.join(name), error.to_string()))?;
        put(name, &bytes)?;
    }
    for source in moved {
        let name = source.file_name().unwrap_or_default();
        let print = fingerprint_of_file(source).map_err(failed("read", source))?;
        files.insert(name.to_string_lossy().into_owned(), print);
        fs::rename(source, directory.join(name)).map_err(failed("move", source))?;
    }
    let manifest = Manifest {
        files,
        ..experiment.manifest.clone()
    };
    let text = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data");
    write(&directory.join(MANIFEST), format!("{text}\n").as_bytes())
}

/// Parquet files in the order of [`Tables`].
const TABLES: [&str; 5] = [
    "summary.parquet",
    "counts.parquet",
    "samples.parquet",
    "latency.parquet",
    "lorenz.parquet",
];

fn parquet(table: &mut DataFrame) -> Result<Vec<u8>, TableError> {
    let mut bytes = Vec::new();
    // One thread and one compression, named, so that equal tables give equal files.
    ParquetWriter::new(&mut bytes)
        .with_compression(ParquetCompression::Zstd(None))
        .set_parallel(false)
        .finish(table)?;
    Ok(bytes)
}

/// The columns of a table that lies beside runs, by name.
pub type Table = Vec<(String, Cells)>;

/// The cells of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Words.
    Text(Vec<String>),
    /// Numbers, where there are any.
    Numbers(Vec<Option<f64>>),
}

/// `columns` as a Parquet file; a name that is there twice gets a number.
///
/// # Errors
/// If polars cannot build the table; it can, unless memory runs out or columns differ in length.
pub fn parquet_of(columns: Table) -> Result<Vec<u8>, TableError> {
    let mut names: Vec<String> = Vec::new();
    let height = match columns.first() {
        Some((_, Cells::Text(cells))) => cells.len(),
        Some((_, Cells::Numbers(cells))) => cells.len(),
        None => 0,
    };
    let mut built = Vec::with_capacity(columns.len());
    for (name, cells) in columns {
        let mut own = name.clone();
        while names.contains(&own) {
            own = format!("{own}_2");
        }
        built.push(match cells {
            Cells::Text(cells) => Column::new(own.as_str().into(), cells),
            Cells::Numbers(cells) => Column::new(own.as_str().into(), cells),
        });
        names.push(own);
    }
    parquet(&mut DataFrame::new(height, built)?)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = File::create_new(path).map_err(failed("create", path))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(failed("write", path))
}

/// Reads the run directory `directory`, without its jobs.
///
/// # Errors
/// If it is not a run directory, was written in another format, or is damaged.
pub fn load(directory: &Path) -> Result<Experiment, StoreError> {
    let manifest = manifest(directory)?;
    let scenario = String::from_utf8(file(directory, &manifest, SCENARIO)?)
        .map_err(|error| corrupt(&directory.join(SCENARIO), error.to_string()))?;
    let table = |name: &str| table(directory, &manifest, name);
    let [summary, counts, samples, latency, lorenz] = TABLES.map(table);
    let tables = Tables {
        summary: summary?,
        counts: counts?,
        samples: samples?,
        latency: latency?,
        lorenz: lorenz?,
        sections: (manifest.files.contains_key(SECTIONS))
            .then(|| table(SECTIONS))
            .transpose()?,
        epochs: (manifest.files.contains_key(EPOCHS))
            .then(|| table(EPOCHS))
            .transpose()?,
        jobs: None,
    };
    let runs = tables
        .runs(&manifest.runs, &manifest.platforms)
        .map_err(|error| corrupt(directory, error.to_string()))?;
    if combined(&runs) != manifest.digest {
        return Err(corrupt(
            &directory.join(MANIFEST),
            "the digest of the experiment is not that of its runs",
        ));
    }
    Ok(Experiment {
        manifest,
        scenario,
        runs,
    })
}

/// Path of the resolved scenario of a run directory, if it is what was written.
///
/// # Errors
/// As [`load`].
pub fn scenario(directory: &Path, manifest: &Manifest) -> Result<PathBuf, StoreError> {
    file(directory, manifest, SCENARIO)?;
    Ok(directory.join(SCENARIO))
}

/// Path of the event log of a run, if it was written. The log checks itself as it is read.
#[must_use]
pub fn event_log(
    directory: &Path,
    manifest: &Manifest,
    platform: &str,
    replication: u32,
) -> Option<PathBuf> {
    let name = event_log::file_name(platform, replication);
    let is_listed = manifest.files.contains_key(&name);
    is_listed.then(|| directory.join(name))
}

/// The table of jobs of a run directory, if jobs were recorded.
///
/// # Errors
/// As [`load`].
pub fn jobs(directory: &Path) -> Result<Option<DataFrame>, StoreError> {
    let manifest = manifest(directory)?;
    let is_listed = manifest.files.contains_key(JOBS);
    is_listed
        .then(|| table(directory, &manifest, JOBS))
        .transpose()
}

fn table(directory: &Path, manifest: &Manifest, name: &str) -> Result<DataFrame, StoreError> {
    let bytes = file(directory, manifest, name)?;
    let frame = ParquetReader::new(Cursor::new(bytes)).finish();
    frame.map_err(|error| corrupt(&directory.join(name), error.to_string()))
}

/// The content of a file that `manifest` lists, if it is what was written.
fn file(directory: &Path, manifest: &Manifest, name: &str) -> Result<Vec<u8>, StoreError> {
    let bytes = read(directory, name)?;
    match manifest.files.get(name) {
        Some(expected) if *expected == fingerprint(&bytes) => Ok(bytes),
        Some(_) => Err(corrupt(
            &directory.join(name),
            "its content does not match the manifest",
        )),
        None => Err(corrupt(
            &directory.join(MANIFEST),
            format!("it does not list `{name}`"),
        )),
    }
}

/// The manifest of a run directory.
///
/// # Errors
/// As [`load`].
pub fn manifest(directory: &Path) -> Result<Manifest, StoreError> {
    let path = &directory.join(MANIFEST);
    let value: serde_json::Value = serde_json::from_slice(&read(directory, MANIFEST)?)
        .map_err(|error| corrupt(path, error.to_string()))?;
    let Some(found) = value.get("format").and_then(serde_json::Value::as_u64) else {
        return Err(corrupt(path, "it names no format of walras"));
    };
    if found != u64::from(FORMAT) {
        let version = value
            .get("walras")
            .and_then(serde_json::Value::as_str)
            .unwrap_or("of the version that wrote it");
        return Err(StoreError::Format {
            path: path.clone(),
            found,
            version: version.to_owned(),
        });
    }
    let manifest: Manifest =
        serde_json::from_value(value).map_err(|error| corrupt(path, error.to_string()))?;
    if !manifest.platforms.contains(&manifest.baseline) {
        return Err(corrupt(
            path,
            format!(
                "its baseline `{}` is not among its platforms",
                manifest.baseline
            ),
        ));
    }
    Ok(manifest)
}

fn read(directory: &Path, name: &str) -> Result<Vec<u8>, StoreError> {
    let path = directory.join(name);
    fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StoreError::Missing {
            directory: directory.to_owned(),
            file: name.to_owned(),
        },
        _ => failed("read", &path)(error),
    })
}

/// A fingerprint against accidents, not against an attacker.
fn fingerprint(bytes: &[u8]) -> String {
    let mut digest = Digest::new();
    digest.fold_bytes(bytes);
    digest.fold(bytes.len() as u64);
    digest.to_string()
}

/// As [`fingerprint`], for a file that may be larger than memory.
fn fingerprint_of_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut digest, mut length) = (Digest::new(), 0);
    let mut buffer = Vec::with_capacity(1 << 20);
    loop {
        buffer.clear();
        // Filled to the end: only the last part may have a length that is no multiple of eight.
        let read = Read::by_ref(&mut file)
            .take(1 << 20)
            .read_to_end(&mut buffer)?;
        if read == 0 {
            digest.fold(length);
            return Ok(digest.to_string());
        }
        digest.fold_bytes(&buffer);
        length += read as u64;
    }
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| StoreError::Io {
        action,
        path,
        source,
    }
}

fn corrupt(path: &Path, message: impl Into<String>) -> StoreError {
    StoreError::Corrupt {
        path: path.to_owned(),
        message: message.into(),
    }
}
