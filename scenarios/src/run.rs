//! Executes a plan: every platform in every replication, on a pool of threads, with results in a fixed order.
//!
//! A run depends on (plan, replication) alone, so the results are the same whatever the number of threads
//! and the order in which the runs end.

use std::any::Any;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;
use walras_sim::record::{JobTable, Nothing, Output, Recorder};
use walras_sim::scheduling::Broken;
use walras_sim::world;

use crate::event_log::{Header, Logbook, Logged};
use crate::plan::{Plan, Subject};

/// How to execute a plan; none of it changes the results.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Threads to use; zero means one for each core.
    pub threads: usize,
    /// Threads that executions share, instead of as many of its own.
    pub pool: Option<&'a Pool>,
    /// Keep a row for every job. Memory grows with the number of jobs.
    pub record_jobs: bool,
    /// Write an event log for the runs that this names.
    pub logbook: Option<&'a Logbook>,
    /// Set it from another thread to end early with the runs that are finished.
    pub stop: &'a AtomicBool,
}

/// Threads that several executions can share: each run goes to the next that is free.
#[derive(Debug)]
pub struct Pool(rayon::ThreadPool);

impl Pool {
    /// A pool of so many threads; zero means one for each core.
    ///
    /// # Panics
    /// If the operating system cannot start them.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        Self(pool.expect("threads can be started"))
    }

    /// Number of threads.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.0.current_num_threads()
    }

    /// What `work` gives on one of the threads.
    pub fn work<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.0.install(work)
    }

    /// What `work` makes of each item, in the order of the items, on all threads.
    pub fn map<T: Sync, R: Send>(
        &self,
        items: &[T],
        work: impl Fn(&T) -> R + Send + Sync,
    ) -> Vec<R> {
        self.work(|| items.par_iter().map(work).collect())
    }
}

/// Reported after every finished run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Runs finished so far, those of earlier replications included.
    pub finished: usize,
    /// Runs requested so far.
    pub requested: usize,
    /// Index of the platform of the run that has just finished.
    pub platform: usize,
    /// Its replication.
    pub replication: u32,
    /// Events that it processed.
    pub events: u64,
}

/// What one platform did in one replication.
#[derive(Clone, Debug)]
pub struct Run {
    /// Index into [`Plan::platforms`].
    pub platform: usize,
    /// Number of the replication, from zero. Platforms of one replication meet the same requests.
    pub replication: u32,
    /// What the run left behind.
    pub output: Output,
}

/// All finished runs, ordered by replication, then platform.
#[derive(Clone, Debug)]
pub struct Results {
    /// The finished runs.
    pub runs: Vec<Run>,
    /// Runs that were asked for: platforms times replications.
    pub requested: usize,
    /// Whether the execution was stopped before all of them had finished.
    pub interrupted: bool,
}

impl Results {
    /// Adds the replications that follow.
    pub fn append(&mut self, following: Self) {
        self.runs.extend(following.runs);
        self.requested += following.requested;
        self.interrupted |= following.interrupted;
    }
}

/// Pilot replications, which find the warm-up and are not reported. No scenario has as many replications, so that their
/// random numbers are their own.
pub const PILOTS: Range<u32> = 1_000_000..1_000_005;

/// A run that did not come to its end: an invariant of the simulator was violated, or a scheduler from outside is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("platform `{platform}`, replication {replication}, seed {seed}: {message}")]
pub struct RunError {
    /// Name of the platform.
    pub platform: String,
    /// The replication.
    pub replication: u32,
    /// The seed of the plan.
    pub seed: u64,
    /// What is wrong.
    pub message: String,
    /// Whether it is the scheduler: not a mistake of the simulator.
    pub is_scheduler: bool,
}

/// Executes `plan`, all its replications.
///
/// # Errors
/// As [`replicate`].
///
/// # Panics
/// As [`replicate`].
pub fn execute(
    plan: &Plan,
    options: &Options<'_>,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Results, RunError> {
    replicate(plan, 0..plan.replications, options, progress)
}

/// Executes some replications of `plan`. Replications come first, so that an interrupted execution leaves complete comparisons.
///
/// # Errors
/// If a run panics: the error names the run, so that it can be repeated. Of several, the first in order is reported.
///
/// # Panics
/// If the operating system cannot start the threads.
pub fn replicate(
    plan: &Plan,
    replications: Range<u32>,
    options: &Options<'_>,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Results, RunError> {
    let platforms = plan.names();
    let before = replications.start as usize * platforms.len();
    let tasks: Vec<(u32, usize)> = replications
        .flat_map(|replication| (0..platforms.len()).map(move |platform| (replication, platform)))
        .collect();
    let requested = before + tasks.len();
    let finished = AtomicUsize::new(before);
    let failed = AtomicBool::new(false);
    let stop = || options.stop.load(Ordering::Relaxed) || failed.load(Ordering::Relaxed);
    let one = |&(replication, platform): &(u32, usize)| -> Result<Option<Run>, RunError> {
        if stop() {
            return Ok(None);
        }
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            simulate(plan, replication, platform, options, &stop)
        }));
        match outcome {
            Ok(None) => Ok(None),
            Ok(Some(mut output)) => {
                if plan.replications > 1 {
                    // Several replications say more than the sections of each.
                    output.sections = Vec::new();
                }
                let finished = finished.fetch_add(1, Ordering::Relaxed) + 1;
                progress(Progress {
                    finished,
                    requested,
                    platform,
                    replication,
                    events: output.events,
                });
                Ok(Some(Run {
                    platform,
                    replication,
                    output,
                }))
            }
            Err(panic) => {
                failed.store(true, Ordering::Relaxed);
                let platform = platforms[platform].to_owned();
                let broken = Broken::of(panic.as_ref());
                Err(RunError {
                    is_scheduler: broken.is_some(),
                    platform,
                    replication,
                    seed: plan.seed,
                    message: broken.map_or_else(|| message(panic.as_ref()), |why| why.0.clone()),
                })
            }
        }
    };
    let own;
    let pool = if let Some(shared) = options.pool {
        shared
    } else {
        own = Pool::new(options.threads);
        &own
    };
    // One task at a time, so that replications are finished in order and an interruption wastes little.
    let outcomes: Vec<_> = pool.work(|| tasks.par_iter().with_max_len(1).map(one).collect());
    let mut runs = Vec::with_capacity(tasks.len());
    for outcome in outcomes {
        runs.extend(outcome?);
    }
    Ok(Results {
        interrupted: runs.len() < tasks.len(),
        requested: tasks.len(),
        runs,
    })
}

fn simulate(
    plan: &Plan,
    replication: u32,
    platform: usize,
    options: &Options<'_>,
    stop: &dyn Fn() -> bool,
) -> Option<Output> {
    if let Subject::Economies(all) = &plan.subject {
        let economy = &all.economies[platform];
        return economy.simulate(&plan.settings(), plan.seed, replication, stop);
    }
    if let Some(batch) = plan.batch() {
        let (site, settings) = (&batch.sites[platform], plan.settings());
        let keeps_jobs = options.record_jobs;
        return site.simulate(
            &batch.workload,
            &settings,
            plan.seed,
            replication,
            keeps_jobs,
            stop,
        );
    }
    if options.record_jobs {
        simulate_logged(
            plan,
            replication,
            platform,
            options,
            JobTable::default(),
            stop,
        )
    } else {
        simulate_logged(plan, replication, platform, options, Nothing, stop)
    }
}

fn simulate_logged<R: Recorder>(
    plan: &Plan,
    replication: u32,
    platform: usize,
    options: &Options<'_>,
    recorder: R,
    stop: &dyn Fn() -> bool,
) -> Option<Output> {
    let header = || Header::of(plan, platform, replication);
    let log = options
        .logbook
        .and_then(|book| Some((book, book.open(platform, &header())?)));
    let Some((book, mut writer)) = log else {
        return simulate_with(plan, replication, platform, recorder, stop);
    };
    let logged = Logged::new(&mut writer, recorder);
    let output = simulate_with(plan, replication, platform, logged, stop)?;
    book.close(writer, platform, &header(), &output);
    Some(output)
}

fn simulate_with<R: Recorder>(
    plan: &Plan,
    replication: u32,
    platform: usize,
    recorder: R,
    stop: &dyn Fn() -> bool,
) -> Option<Output> {
    let requests = plan.expect_requests();
    world::simulate(
        &requests.platforms[platform],
        &requests.workload,
        &plan.settings(),
        plan.seed,
        replication,
        recorder,
        stop,
    )
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "panicked".to_owned())
}
