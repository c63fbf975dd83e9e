//! Run directories: an experiment written as a manifest, the scenario and Parquet tables, all or nothing, and read back.
//!
//! `manifest.json` names the fingerprint of every other file; only it tells when, where and how fast the runs were made.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Cursor, Read, Write};
use std::mem;
use std::path::{Path, PathBuf};

use polars::prelude::{Column, DataFrame, PolarsError};
use polars_io::SerReader;
use polars_io::parquet::metadata::FileMetadataRef;
use polars_io::parquet::read::ParquetReader;
use polars_io::parquet::write::{BatchedWriter, ParquetCompression, ParquetWriter};
use walras_des::Digest;
use walras_scenarios::{Scenario, event_log};
use walras_sim::record::{Latency, MetricId};

use crate::curves::Gathered;
use crate::experiment::{Experiment, FORMAT, Manifest, Run, combined};
use crate::table::{self, Fill, TableError, Tables};

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

/// Writes `experiment`, whose runs have their courses, as the directory `target`, which must be new or empty. Whatever happens,
/// `target` is afterwards either complete or as it was.
///
/// # Errors
/// If `target` is occupied or the system refuses.
pub fn save(experiment: &Experiment, target: &Path) -> Result<(), StoreError> {
    let manifest = experiment.manifest.clone();
    let mut writer = Writer::new(target, &manifest.platforms, manifest.replications)?;
    for run in &experiment.runs {
        writer.keep(run.clone());
    }
    writer.finish(manifest, &experiment.scenario, &[]).map(drop)
}

/// A run directory that is being written, run by run: of a run that was written, what it was like over time is forgotten.
///
/// It becomes the directory when it is finished, and is removed if it is dropped before.
pub struct Writer {
    target: PathBuf,
    partial: PathBuf,
    platforms: Vec<String>,
    is_one_of_many: bool,
    tables: Vec<Growing>,
    /// Runs that were written, and those that wait until there are enough for a part of the tables.
    runs: Vec<Run>,
    waiting: Vec<Run>,
    rows: usize,
    gathered: Gathered,
    /// What the system refused, after which nothing more is written.
    refusal: Option<StoreError>,
}

/// A table that grows by parts.
struct Growing {
    name: &'static str,
    file: File,
    writer: BatchedWriter<File>,
}

/// So many rows make a part of the tables, which ends with a replication. Parts depend on the results alone, so that equal results give
/// equal files.
const PART: usize = 50_000;

impl Writer {
    /// Begins the directory `target`, which must be new or empty, of runs of `platforms`.
    ///
    /// # Errors
    /// If `target` is occupied or the system refuses.
    pub fn new(target: &Path, platforms: &[String], replications: u32) -> Result<Self, StoreError> {
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
        Ok(Self {
            target: target.to_owned(),
            partial,
            platforms: platforms.to_owned(),
            is_one_of_many: replications > 1,
            tables: Vec::new(),
            runs: Vec::new(),
            waiting: Vec::new(),
            rows: 0,
            gathered: Gathered::new(platforms.len()),
            refusal: None,
        })
    }

    /// As [`Writer::new`], for the runs of `scenario`.
    ///
    /// # Errors
    /// As [`Writer::new`].
    pub fn begin(scenario: &Scenario, target: &Path) -> Result<Self, StoreError> {
        let names = scenario.plan.names().into_iter().map(str::to_owned);
        Self::new(
            target,
            &names.collect::<Vec<_>>(),
            scenario.plan.replications,
        )
    }

    /// Writes the next run, in the order of replications and platforms; `false` if the system refuses, which [`Writer::finish`] tells.
    pub fn keep(&mut self, run: impl Into<Run>) -> bool {
        let mut run = run.into();
        let ends = |last: &Run| last.replication != run.replication;
        if self.is_well() && self.rows >= PART && self.waiting.last().is_some_and(ends) {
            self.refusal = self.write().err();
        }
        if self.is_well() {
            self.refusal = self.write_jobs(&mut run).err();
        }
        if !self.is_well() {
            return false;
        }
        let buckets = |latency| run.latencies[latency].iter().count();
        let latencies = Latency::ALL.into_iter().map(buckets);
        self.rows += MetricId::COUNT + run.samples.len() + run.series.rows.len();
        self.rows += latencies.sum::<usize>();
        self.waiting.push(run);
        true
    }

    /// Whether everything could be written so far.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.refusal.is_none()
    }

    /// Whether there is no run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.waiting.is_empty()
    }

    /// Writes the jobs of a run at once, which may take more memory than all else; parts of the other tables do not depend on them.
    fn write_jobs(&mut self, run: &mut Run) -> Result<(), StoreError> {
        let table = Tables::jobs_of(run, &self.platforms)
            .map_err(|error| corrupt(&self.partial, error.to_string()))?;
        (run.jobs, run.batch_jobs) = (Vec::new(), Vec::new());
        table.map_or(Ok(()), |table| self.grow(JOBS, &table))
    }

    /// Writes the runs that wait as a part of each table.
    fn write(&mut self) -> Result<(), StoreError> {
        let tables = Tables::of(&self.waiting, &self.platforms)
            .map_err(|error| corrupt(&self.partial, error.to_string()))?;
        let Tables {
            summary,
            counts,
            samples,
            latency,
            lorenz,
            sections,
            epochs,
            jobs: _,
        } = tables;
        let always = [summary, counts, samples, latency, lorenz].map(Some);
        let on_occasion = [(sections, SECTIONS), (epochs, EPOCHS)];
        for (table, name) in always.into_iter().zip(TABLES).chain(on_occasion) {
            if let Some(table) = table {
                self.grow(name, &table)?;
            }
        }
        for mut run in self.waiting.drain(..) {
            self.gathered.add(&run);
            run.forget(self.is_one_of_many);
            self.runs.push(run);
        }
        self.rows = 0;
        Ok(())
    }

    fn grow(&mut self, name: &'static str, part: &DataFrame) -> Result<(), StoreError> {
        let path = self.partial.join(name);
        let refused = |error: PolarsError| unwritten(&path, error);
        let known = self.tables.iter().position(|table| table.name == name);
        let at = if let Some(at) = known {
            at
        } else {
            let file = File::create_new(&path).map_err(failed("create", &path))?;
            let clone = file.try_clone().map_err(failed("write", &path))?;
            let writer = parquet_writer(clone).batched(part.schema());
            self.tables.push(Growing {
                name,
                file,
                writer: writer.map_err(refused)?,
            });
            self.tables.len() - 1
        };
        // A part without rows is none.
        if part.height() > 0 {
            let grown = self.tables[at].writer.write_batch(part);
            grown.map_err(refused)?;
        }
        Ok(())
    }

    /// Writes what waits and the rest of the directory, moves `files` into it, which lie on the same file system, and gives what
    /// `manifest` and the runs come to, as [`load`] would.
    ///
    /// # Errors
    /// If the system refuses, or has refused before.
    ///
    /// # Panics
    /// If a run is of a platform that is not listed.
    pub fn finish(
        mut self,
        mut manifest: Manifest,
        scenario: &str,
        files: &[PathBuf],
    ) -> Result<Experiment, StoreError> {
        if let Some(refusal) = self.refusal.take() {
            return Err(refusal);
        }
        self.write()?;
        let directory = self.partial.clone();
        let mut prints = BTreeMap::new();
        write(&directory.join(SCENARIO), scenario.as_bytes())?;
        prints.insert(SCENARIO.to_owned(), fingerprint(scenario.as_bytes()));
        for Growing { name, file, writer } in self.tables.drain(..) {
            let path = directory.join(name);
            let ended = writer.finish();
            ended.map_err(|error| unwritten(&path, error))?;
            file.sync_all().map_err(failed("write", &path))?;
            let print = fingerprint_of_file(&path).map_err(failed("read", &path))?;
            prints.insert(name.to_owned(), print);
        }
        for source in files {
            let name = source.file_name().unwrap_or_default();
            let print = fingerprint_of_file(source).map_err(failed("read", source))?;
            prints.insert(name.to_string_lossy().into_owned(), print);
            fs::rename(source, directory.join(name)).map_err(failed("move", source))?;
        }
        let runs = mem::take(&mut self.runs);
        manifest.list(&runs);
        manifest.files = prints;
        let text = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data");
        write(&directory.join(MANIFEST), format!("{text}\n").as_bytes())?;
        match fs::rename(&directory, &self.target) {
            Ok(()) => {}
            Err(_) if is_occupied(&self.target) => {
                return Err(StoreError::Occupied(self.target.clone()));
            }
            Err(error) => return Err(failed("create", &self.target)(error)),
        }
        Ok(Experiment {
            manifest,
            scenario: scenario.to_owned(),
            runs,
            gathered: Some(mem::replace(&mut self.gathered, Gathered::new(0))),
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Nothing is here of a directory that was finished; a leftover with this name harms nothing.
        let _ = fs::remove_dir_all(&self.partial);
    }
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

/// Parquet files that are always there, in the order of [`Tables`].
const TABLES: [&str; 5] = [
    "summary.parquet",
    "counts.parquet",
    "samples.parquet",
    "latency.parquet",
    "lorenz.parquet",
];

fn parquet(table: &mut DataFrame) -> Result<Vec<u8>, TableError> {
    let mut bytes = Vec::new();
    parquet_writer(&mut bytes).finish(table)?;
    Ok(bytes)
}

/// One thread and one compression, named, so that equal tables give equal files.
fn parquet_writer<W: Write>(to: W) -> ParquetWriter<W> {
    ParquetWriter::new(to)
        .with_compression(ParquetCompression::Zstd(None))
        .set_parallel(false)
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

/// Reads the run directory `directory`; its runs have forgotten their courses, of which there are the curves.
///
/// # Errors
/// If it is not a run directory, was written in another format, or is damaged.
pub fn load(directory: &Path) -> Result<Experiment, StoreError> {
    load_with(directory, false)
}

/// As [`load`], with the courses of all runs, for which there must be memory. Jobs are read apart ([`jobs`]).
///
/// # Errors
/// As [`load`].
pub fn load_whole(directory: &Path) -> Result<Experiment, StoreError> {
    load_with(directory, true)
}

fn load_with(directory: &Path, with_courses: bool) -> Result<Experiment, StoreError> {
    let manifest = manifest(directory)?;
    let scenario = String::from_utf8(file(directory, &manifest, SCENARIO)?)
        .map_err(|error| corrupt(&directory.join(SCENARIO), error.to_string()))?;
    let wrong = |error: TableError| corrupt(directory, error.to_string());
    let (entries, platforms) = (&manifest.runs, &manifest.platforms);
    let mut runs = table::listed(entries, platforms).map_err(wrong)?;
    let [summary, counts, samples, latency, lorenz] = TABLES;
    let whole = |name| self::table(directory, &manifest, name);
    for part in Parts::of(directory, &manifest, summary)? {
        table::read_summary(&part?, &mut runs, platforms).map_err(wrong)?;
    }
    table::read_counts(&whole(counts)?, &mut runs, entries, platforms).map_err(wrong)?;
    if manifest.files.contains_key(SECTIONS) {
        table::read_sections(&whole(SECTIONS)?, &mut runs, platforms).map_err(wrong)?;
    }
    let mut gathered = Gathered::new(platforms.len());
    let is_one_of_many = manifest.replications > 1;
    let mut read = |name: &str, fill: Fill, gather: fn(&mut Gathered, &Run)| {
        let done = |run: &mut Run, gathered: &mut Gathered| {
            if !with_courses {
                gather(gathered, run);
                run.forget(is_one_of_many);
            }
        };
        let mut next = 0;
        for part in Parts::of(directory, &manifest, name)? {
            let last = fill(&part?, &mut runs, platforms).map_err(wrong)?;
            // Of the last run there may be more in the next part.
            let last = last.unwrap_or(next).max(next);
            for run in &mut runs[next..last] {
                done(run, &mut gathered);
            }
            next = last;
        }
        for run in &mut runs[next..] {
            done(run, &mut gathered);
        }
        Ok(())
    };
    read(latency, table::read_latency, Gathered::add_latencies)?;
    read(samples, table::read_samples, Gathered::add_samples)?;
    read(lorenz, table::read_lorenz, Gathered::add_lorenz)?;
    if manifest.files.contains_key(EPOCHS) {
        read(EPOCHS, table::read_epochs, Gathered::add_epochs)?;
    }
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
        gathered: (!with_courses).then_some(gathered),
    })
}

/// A table, part by part.
struct Parts {
    path: PathBuf,
    metadata: FileMetadataRef,
    next: usize,
    row: usize,
}

impl Parts {
    fn of(directory: &Path, manifest: &Manifest, name: &str) -> Result<Self, StoreError> {
        let path = directory.join(name);
        check(directory, manifest, name, || fingerprint_of_file(&path))?;
        let mut reader = ParquetReader::new(File::open(&path).map_err(failed("read", &path))?);
        let metadata = reader.get_metadata();
        let metadata = metadata.map_err(|error| corrupt(&path, error.to_string()))?;
        Ok(Self {
            metadata: metadata.clone(),
            path,
            next: 0,
            row: 0,
        })
    }
}

impl Iterator for Parts {
    type Item = Result<DataFrame, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.metadata.row_groups.get(self.next)?.num_rows();
        let part = || {
            let file = File::open(&self.path).map_err(failed("read", &self.path))?;
            let mut reader = ParquetReader::new(file).with_slice(Some((self.row, rows)));
            reader.set_metadata(self.metadata.clone());
            let part = reader.finish();
            part.map_err(|error| corrupt(&self.path, error.to_string()))
        };
        let part = part();
        self.next += 1;
        self.row += rows;
        Some(part)
    }
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
    check(directory, manifest, name, || Ok(fingerprint(&bytes)))?;
    Ok(bytes)
}

/// Whether a file has the fingerprint that `manifest` lists.
fn check(
    directory: &Path,
    manifest: &Manifest,
    name: &str,
    print: impl FnOnce() -> io::Result<String>,
) -> Result<(), StoreError> {
    let path = directory.join(name);
    let Some(expected) = manifest.files.get(name) else {
        return Err(corrupt(
            &directory.join(MANIFEST),
            format!("it does not list `{name}`"),
        ));
    };
    let print = print().map_err(|error| unreadable(directory, name, error))?;
    if print == *expected {
        Ok(())
    } else {
        Err(corrupt(&path, "its content does not match the manifest"))
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
    fs::read(directory.join(name)).map_err(|error| unreadable(directory, name, error))
}

fn unreadable(directory: &Path, name: &str, error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StoreError::Missing {
            directory: directory.to_owned(),
            file: name.to_owned(),
        },
        _ => failed("read", &directory.join(name))(error),
    }
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

/// Parquet could not be written, which nothing but the system refuses.
fn unwritten(path: &Path, error: PolarsError) -> StoreError {
    failed("write", path)(io::Error::other(error))
}

fn corrupt(path: &Path, message: impl Into<String>) -> StoreError {
    StoreError::Corrupt {
        path: path.to_owned(),
        message: message.into(),
    }
}
