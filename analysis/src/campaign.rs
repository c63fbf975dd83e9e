//! Carries out several experiments on one pool of threads, and keeps each as a run directory as soon as it is complete.
//!
//! Memory is bounded by the experiments under way, one more than there are threads; of a finished one stays what its reader makes of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::{fs, io, panic, thread};

use walras_scenarios::run::{Options, Pool, Progress, RunError};
use walras_scenarios::sweep::Point;
use walras_scenarios::{Issues, Scenario};

use crate::conduct::{self, WarmUpError};
use crate::experiment::{Execution, Experiment, Manifest};
use crate::store::{self, StoreError, Writer};

/// Experiments that belong together, and share a directory.
#[derive(Clone, Copy)]
pub struct Campaign<'a> {
    /// What they are together, in a word.
    pub what: &'static str,
    /// What is known of each before it is run.
    pub points: &'a [&'a Point],
    /// The scenario of the point with this index.
    pub load: &'a (dyn Fn(usize) -> Result<Scenario, Issues> + Sync),
    /// Files that may lie beside them in the directory.
    pub beside: &'a [&'a str],
    /// Beginnings of names of points that other rounds put into the directory.
    pub rounds: &'a [&'a str],
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

/// Why a campaign was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
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
    #[error("`{}` {found}\n  help: name a new directory, or that of the same {what} to go on with it", .directory.display())]
    Foreign {
        /// The directory.
        directory: PathBuf,
        /// What it holds.
        found: String,
        /// What should be there.
        what: &'static str,
    },
    /// What is read has changed since it was checked.
    #[error(transparent)]
    Changed(#[from] Issues),
}

impl Campaign<'_> {
    /// Which points are in `directory` already, finished with the same input and version.
    ///
    /// # Errors
    /// If there is anything else.
    pub fn finished(&self, directory: &Path) -> Result<Vec<bool>, CampaignError> {
        let what = self.what;
        let foreign = |found: String| CampaignError::Foreign {
            directory: directory.to_owned(),
            found,
            what,
        };
        let mut names = BTreeSet::new();
        match fs::read_dir(directory) {
            Ok(entries) => {
                for entry in entries {
                    let name =
                        entry.map_err(|error| foreign(format!("cannot be read: {error}")))?;
                    names.insert(name.file_name().to_string_lossy().into_owned());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(foreign(format!("cannot be read: {error}"))),
        }
        let mut done = Vec::with_capacity(self.points.len());
        for point in self.points {
            done.push(names.remove(&point.name));
            if done.last() == Some(&true) {
                let manifest = store::manifest(&directory.join(&point.name))?;
                let expected = (
                    format!("{:016x}", point.input_hash),
                    env!("CARGO_PKG_VERSION"),
                );
                let is_same = (manifest.scenario_hash, &*manifest.walras) == expected;
                if !is_same || manifest.interrupted {
                    return Err(foreign(format!(
                        "holds a `{}` of another {what} or version",
                        point.name
                    )));
                }
            }
        }
        let is_ours = |name: &String| {
            let is_of_round = |start: &&str| name.starts_with(start);
            self.beside.contains(&name.as_str())
                || name.ends_with(".partial")
                || self.rounds.iter().any(is_of_round)
        };
        match names.into_iter().find(|name| !is_ours(name)) {
            Some(name) => Err(foreign(format!(
                "holds `{name}`, which is not of this {what}"
            ))),
            None => Ok(done),
        }
    }

    /// Executes the points that `directory` does not hold, writes each as a run directory in it, and reads all of them back.
    /// When it is stopped, the points that are finished stay, and those under way are dropped: `None`.
    ///
    /// # Errors
    /// If a run or a point fails, or the directory is not of this campaign. Points under way are finished first; of several
    /// errors the first in the order of the points is reported.
    ///
    /// # Panics
    /// If the operating system cannot start the threads.
    pub fn carry_out<T: Send>(
        &self,
        directory: &Path,
        options: &Options<'_>,
        watch: &dyn Watch,
        read: &(dyn Fn(usize, Experiment) -> Result<T, CampaignError> + Sync),
    ) -> Result<Vec<Option<T>>, CampaignError> {
        let done = self.finished(directory)?;
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
                let Some(point) = self.points.get(index) else {
                    break;
                };
                let place = directory.join(&point.name);
                let led = Lead {
                    campaign: *self,
                    point,
                    index,
                    place: &place,
                    pool: &pool,
                    watch,
                };
                let outcome = led.outcome(done[index], &options, read);
                failed.fetch_or(outcome.is_err(), Ordering::Relaxed);
                outcomes.push((index, outcome));
            }
            outcomes
        };
        let lanes = self.points.len().min(pool.threads() + 1);
        let mut outcomes: Vec<_> = thread::scope(|scope| {
            let lanes: Vec<_> = (0..lanes).map(|_| scope.spawn(lane)).collect();
            let ended = lanes.into_iter().map(thread::ScopedJoinHandle::join);
            ended
                .flat_map(|outcomes| outcomes.unwrap_or_else(|panic| panic::resume_unwind(panic)))
                .collect()
        });
        outcomes.sort_by_key(|(index, _)| *index);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

/// One point under way.
struct Lead<'a> {
    campaign: Campaign<'a>,
    point: &'a Point,
    index: usize,
    place: &'a Path,
    pool: &'a Pool,
    watch: &'a dyn Watch,
}

impl Lead<'_> {
    /// What `read` makes of the point, read back from what is or was written; `None` if it was stopped.
    fn outcome<T: Send>(
        &self,
        is_done: bool,
        options: &Options<'_>,
        read: &(dyn Fn(usize, Experiment) -> Result<T, CampaignError> + Sync),
    ) -> Result<Option<T>, CampaignError> {
        if !is_done && !self.execute(options)? {
            return Ok(None);
        }
        let back = || read(self.index, store::load(self.place)?);
        self.pool.work(back).map(Some)
    }

    /// Executes the point and writes it; `false` if it was stopped.
    fn execute(&self, options: &Options<'_>) -> Result<bool, CampaignError> {
        if options.stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let mut scenario = (self.campaign.load)(self.index)?;
        let point = || self.point.name.clone();
        self.watch.begins(self.index);
        if scenario.plan.finds_warm_up {
            let found = conduct::find_warm_up(&scenario.plan, options);
            match found.map_err(|error| CampaignError::WarmUp {
                point: point(),
                error,
            })? {
                Some(warm_up) => scenario.plan.warm_up = warm_up,
                None => return Ok(false),
            }
        }
        let progress = |progress| self.watch.advances(self.index, progress);
        let mut writer = Writer::begin(&scenario, self.place)?;
        let keep = &mut |run| writer.keep(run);
        let carried = conduct::carry_out(&scenario.plan, options, &progress, keep);
        let carried = carried.map_err(|error| CampaignError::Run {
            point: point(),
            error,
        })?;
        if carried.interrupted && writer.is_well() {
            return Ok(false);
        }
        let execution = self.watch.ends(self.index);
        let manifest = Manifest::new(&scenario, carried, execution);
        self.pool
            .work(|| writer.finish(manifest, &scenario.resolved, &[]))?;
        Ok(true)
    }
}
