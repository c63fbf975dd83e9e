//! Carries out a sweep: its points share one pool of threads, and each is kept as a run directory as soon as it is complete.
//!
//! Memory is bounded by the points under way, one more than there are threads; of a finished point its estimates stay.

mod crossings;
mod table;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::{fs, io, panic, thread};

use walras_scenarios::run::{Options, Pool, Progress, RunError};
use walras_scenarios::sweep::{Axis, Point, Sweep};
use walras_scenarios::{Issues, Scenario};
use walras_sim::record::MetricId;

use crate::compare::Comparison;
use crate::conduct::{self, WarmUpError};
use crate::experiment::{Execution, Experiment};
use crate::store::{self, StoreError};

pub use crossings::{ascending, crossings, elsewhere, slices};
pub use table::{CSV, csv};

/// The page beside the points.
pub const PAGE: &str = "sweep.html";

/// What a sweep has given so far.
#[derive(Clone, Debug)]
pub struct Swept<'s> {
    /// What was asked.
    pub sweep: &'s Sweep,
    /// The figures of each point, in their order; `None` where it is not finished.
    pub points: Vec<Option<Comparison>>,
}

/// Who looks on; told from several threads.
pub trait Watch: Sync {
    /// The runs of a point begin.
    fn begins(&self, point: usize);
    /// One of them has ended.
    fn advances(&self, point: usize, progress: Progress);
    /// All of them have ended: how was it?
    fn ends(&self, point: usize) -> Execution;
}

/// Why a sweep was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A run panicked.
    #[error("{point}: {error}")]
    Run {
        /// Where.
        point: String,
        /// The run.
        error: RunError,
    },
    /// A point has no warm-up.
    #[error("{point}: {error}")]
    WarmUp {
        /// Where.
        point: String,
        /// Why.
        error: WarmUpError,
    },
    /// Results could not be written or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory holds something else.
    #[error("`{}` {found}\n  help: name a new directory, or that of the same sweep to go on with it", .directory.display())]
    Foreign {
        /// The directory.
        directory: PathBuf,
        /// What it holds.
        found: String,
    },
    /// What the sweep reads has changed since it was checked.
    #[error(transparent)]
    Changed(#[from] Issues),
}

/// Which points are in `directory` already, finished with the same input and version.
///
/// # Errors
/// If there is anything else.
pub fn finished(sweep: &Sweep, directory: &Path) -> Result<Vec<bool>, SweepError> {
    let foreign = |found: String| SweepError::Foreign {
        directory: directory.to_owned(),
        found,
    };
    let mut names = BTreeSet::new();
    match fs::read_dir(directory) {
        Ok(entries) => {
            for entry in entries {
                let name = entry.map_err(|error| foreign(format!("cannot be read: {error}")))?;
                names.insert(name.file_name().to_string_lossy().into_owned());
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(foreign(format!("cannot be read: {error}"))),
    }
    let mut done = Vec::with_capacity(sweep.points.len());
    for point in &sweep.points {
        done.push(names.remove(&point.name));
        if done.last() == Some(&true) {
            let manifest = store::manifest(&directory.join(&point.name))?;
            let expected = (
                format!("{:016x}", point.input_hash),
                env!("CARGO_PKG_VERSION"),
            );
            let is_same = (manifest.scenario_hash, &*manifest.walras) == expected;
            if !is_same || manifest.interrupted {
                let what = format!("holds a `{}` of another sweep or version", point.name);
                return Err(foreign(what));
            }
        }
    }
    let is_ours =
        |name: &String| [CSV, PAGE].contains(&name.as_str()) || name.ends_with(".partial");
    match names.into_iter().find(|name| !is_ours(name)) {
        Some(name) => Err(foreign(format!(
            "holds `{name}`, which is not of this sweep"
        ))),
        None => Ok(done),
    }
}

/// Executes the points that `directory` does not hold, writes each as a run directory in it, and reads all of them back.
/// When it is stopped, the points that are finished stay, and those under way are dropped.
///
/// # Errors
/// If a run or a point fails, or the directory is not of this sweep. Points under way are finished first; of several errors
/// the first in the order of the points is reported.
///
/// # Panics
/// If the operating system cannot start the threads.
pub fn carry_out<'s>(
    sweep: &'s Sweep,
    directory: &Path,
    options: &Options<'_>,
    watch: &dyn Watch,
) -> Result<Swept<'s>, SweepError> {
    let done = finished(sweep, directory)?;
    fs::create_dir_all(directory).map_err(|source| StoreError::Io {
        action: "create",
        path: directory.to_owned(),
        source,
    })?;
    let pool = Pool::new(options.threads);
    let options = Options {
        pool: Some(&pool),
        ..*options
    };
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    // Points are begun in order. Each is led by a thread that waits for the pool, so that the runs of a point fill the gaps
    // at the end of another; one lane more than threads covers the time in which a point is written.
    let lane = || {
        let mut outcomes = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(point) = sweep.points.get(index) else {
                break;
            };
            let place = directory.join(&point.name);
            let led = Lead {
                sweep,
                point,
                index,
                place: &place,
                pool: &pool,
                watch,
            };
            let outcome = led.figures(done[index], &options);
            failed.fetch_or(outcome.is_err(), Ordering::Relaxed);
            outcomes.push((index, outcome));
        }
        outcomes
    };
    let lanes = sweep.points.len().min(pool.threads() + 1);
    let mut outcomes: Vec<_> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes).map(|_| scope.spawn(lane)).collect();
        let ended = lanes.into_iter().map(thread::ScopedJoinHandle::join);
        ended
            .flat_map(|outcomes| outcomes.unwrap_or_else(|panic| panic::resume_unwind(panic)))
            .collect()
    });
    outcomes.sort_by_key(|(index, _)| *index);
    let points = outcomes.into_iter().map(|(_, outcome)| outcome);
    Ok(Swept {
        sweep,
        points: points.collect::<Result<_, _>>()?,
    })
}

/// One point under way.
struct Lead<'a> {
    sweep: &'a Sweep,
    point: &'a Point,
    index: usize,
    place: &'a Path,
    pool: &'a Pool,
    watch: &'a dyn Watch,
}

impl Lead<'_> {
    /// The figures of the point, read back from what is or was written; `None` if it was stopped.
    fn figures(
        &self,
        is_done: bool,
        options: &Options<'_>,
    ) -> Result<Option<Comparison>, SweepError> {
        if !is_done && !self.execute(options)? {
            return Ok(None);
        }
        let read = || store::load(self.place).map(|experiment| Comparison::of(&experiment));
        Ok(Some(self.pool.work(read)?))
    }

    /// Executes the point and writes it; `false` if it was stopped.
    fn execute(&self, options: &Options<'_>) -> Result<bool, SweepError> {
        if options.stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let mut scenario: Scenario = self.sweep.scenario(self.point)?;
        let point = || self.point.name.clone();
        self.watch.begins(self.index);
        if scenario.plan.finds_warm_up {
            let found = conduct::find_warm_up(&scenario.plan, options);
            match found.map_err(|error| SweepError::WarmUp {
                point: point(),
                error,
            })? {
                Some(warm_up) => scenario.plan.warm_up = warm_up,
                None => return Ok(false),
            }
        }
        let progress = |progress| self.watch.advances(self.index, progress);
        let results = conduct::execute(&scenario.plan, options, &progress).map_err(|error| {
            SweepError::Run {
                point: point(),
                error,
            }
        })?;
        if results.interrupted {
            return Ok(false);
        }
        let experiment = Experiment::new(&scenario, results, self.watch.ends(self.index));
        self.pool.work(|| store::save(&experiment, self.place))?;
        Ok(true)
    }
}

impl<'s> Swept<'s> {
    /// The finished points with their figures.
    pub fn finished(&self) -> impl Iterator<Item = (&'s Point, &Comparison)> {
        let pairs = self.sweep.points.iter().zip(&self.points);
        pairs.filter_map(|(point, figures)| Some((point, figures.as_ref()?)))
    }

    /// What `metric` says along each axis, a sentence each.
    #[must_use]
    pub fn findings(&self, metric: MetricId) -> Vec<String> {
        let axes = 0..self.sweep.axes.len();
        axes.flat_map(|axis| crossings(self, metric, axis))
            .collect()
    }

    /// Whether points are missing.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.finished().count() < self.sweep.points.len()
    }

    /// The figures of the point with these indices of values.
    #[must_use]
    pub fn at(&self, at: &[usize]) -> Option<&Comparison> {
        // The last axis varies fastest.
        let axes = self.sweep.axes.iter().zip(at);
        let number = axes.fold(0, |number, (axis, index)| {
            number * axis.values.len() + index
        });
        self.points.get(number)?.as_ref()
    }
}

/// Short names of the axes: as many of their last keys as tell them apart.
#[must_use]
pub fn names(axes: &[Axis]) -> Vec<String> {
    let last = |axis: &Axis, count: usize| {
        let keys: Vec<&str> = axis.path.split('.').collect();
        keys[keys.len().saturating_sub(count)..].join(".")
    };
    let longest = axes.iter().map(|axis| axis.path.split('.').count()).max();
    let name = |axis: &Axis| {
        let is_own = |count: &usize| {
            let same = axes
                .iter()
                .filter(|other| last(other, *count) == last(axis, *count));
            same.count() == 1
        };
        let count = (1..=longest.unwrap_or(1)).find(is_own);
        count.map_or_else(|| axis.path.clone(), |count| last(axis, count))
    };
    axes.iter().map(name).collect()
}
