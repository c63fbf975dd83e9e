//! Carries out a plan whose warm-up or number of replications is not given but found.
//!
//! Both decisions depend on the results alone, never on which run ended first: the same for any number of threads.

use walras_des::Span;
use walras_scenarios::run::{Options, PILOTS, Pool, Progress, Results, Run, RunError, replicate};
use walras_scenarios::{Plan, Precision};
use walras_sim::record::{MetricId, Metrics};

use crate::estimate::stopping::{is_precise, next_round};
use crate::estimate::warm_up::{NoSteadyState, mser5};
use crate::estimate::{Estimate, estimate};
use crate::findings::HEADLINES;

/// Samples of a pilot run: the warm-up is found to within half a hundredth of the horizon.
const PILOT_SAMPLES: u64 = 1_000;

/// Why there is no warm-up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WarmUpError {
    /// A run panicked.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A platform does not settle in the first half of the horizon.
    #[error(
        "no warm-up was found: after {after} of {horizon} the number of live jobs is still drifting on platform `{platform}`\n  help: a longer `run.horizon`, a `run.warm_up` given as a duration, or a platform that is not overloaded"
    )]
    NotSteady {
        /// Name of the platform.
        platform: String,
        /// Where what remains is steadiest.
        after: Span,
        /// Length of the run.
        horizon: Span,
    },
    /// A horizon of a few nanoseconds holds too few samples.
    #[error("no warm-up was found: {0}\n  help: a longer `run.horizon`")]
    TooShort(NoSteadyState),
}

/// Finds the warm-up of `plan`: the time at which the number of jobs in the system, averaged over five pilot replications,
/// is steady on every platform (MSER-5). One cut for all, so that platforms stay comparable. `None` if it was stopped.
///
/// # Errors
/// If a run panics, or a platform has no steady state.
pub fn find_warm_up(plan: &Plan, options: &Options<'_>) -> Result<Option<Span>, WarmUpError> {
    let every = Span::from_nanos((plan.horizon.as_nanos() / PILOT_SAMPLES).max(1));
    let pilot = Plan {
        sample_every: every,
        warm_up: Span::ZERO,
        ..plan.clone()
    };
    let options = Options {
        record_jobs: false,
        logbook: None,
        ..*options
    };
    let results = replicate(&pilot, PILOTS, &options, &|_| {})?;
    if results.interrupted {
        return Ok(None);
    }
    let mut warm_up = Span::ZERO;
    for (index, platform) in plan.names().into_iter().enumerate() {
        let cut = mser5(&live_jobs(&results.runs, index)).map_err(|reason| match reason {
            NoSteadyState::SecondHalf { cut, .. } => WarmUpError::NotSteady {
                platform: platform.to_owned(),
                after: every * cut as u64,
                horizon: plan.horizon,
            },
            NoSteadyState::TooShort { .. } => WarmUpError::TooShort(reason),
        })?;
        warm_up = warm_up.max(every * cut as u64);
    }
    Ok(Some(warm_up))
}

/// The number of jobs on `platform` at each sample, averaged over `runs`.
fn live_jobs(runs: &[Run], platform: usize) -> Vec<f64> {
    let runs = || runs.iter().filter(|run| run.platform == platform);
    let length = runs().map(|run| run.output.samples.len()).min();
    let mean = |at: usize| {
        let live = runs().map(|run| f64::from(run.output.samples[at].jobs_live));
        live.sum::<f64>() / runs().count() as f64
    };
    (0..length.unwrap_or(0)).map(mean).collect()
}

/// Executes `plan`: its replications, or rounds of them until its precision is reached.
///
/// # Errors
/// If a run panics.
pub fn execute(
    plan: &Plan,
    options: &Options<'_>,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Results, RunError> {
    let mut runs = Vec::new();
    let carried = carry_out(plan, options, progress, &mut |run| {
        runs.push(run);
        true
    })?;
    Ok(Results {
        runs,
        requested: carried.requested,
        interrupted: carried.interrupted,
    })
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Runs that were asked for: platforms times replications.
    pub requested: usize,
    /// Whether it was stopped before all of them had finished.
    pub interrupted: bool,
}

/// Runs for each thread that are finished before they are handed on: threads that have none left wait for the others.
const AT_ONCE: usize = 16;

/// As [`execute`], and hands on the runs in their order, a few for each thread at a time, so that no more are in memory. It is stopped
/// when `keep` says no.
///
/// # Errors
/// As [`execute`].
pub fn carry_out(
    plan: &Plan,
    options: &Options<'_>,
    progress: &(dyn Fn(Progress) + Sync),
    keep: &mut dyn FnMut(Run) -> bool,
) -> Result<Carried, RunError> {
    let platforms = plan.names().len();
    let own;
    let pool = if let Some(shared) = options.pool {
        shared
    } else {
        own = Pool::new(options.threads);
        &own
    };
    let options = Options {
        pool: Some(pool),
        ..*options
    };
    // Rows of jobs take as much memory as a run.
    let at_once = if options.record_jobs { 1 } else { AT_ONCE };
    let at_once = (at_once * pool.threads()).div_ceil(platforms.max(1)).max(1) as u32;
    let mut figures: Vec<(usize, Metrics)> = Vec::new();
    let (mut done, mut goal) = (0, plan.replications);
    if let Some(precision) = &plan.precision {
        goal = goal.min(precision.at_least);
    }
    let mut is_interrupted = false;
    loop {
        let requested = goal as usize * platforms;
        while done < goal && !is_interrupted {
            let next = goal.min(done + at_once);
            let told = |now: Progress| progress(Progress { requested, ..now });
            let results = replicate(plan, done..next, &options, &told)?;
            is_interrupted = results.interrupted;
            for run in results.runs {
                if plan.precision.is_some() {
                    figures.push((run.platform, run.output.metrics.clone()));
                }
                is_interrupted |= !keep(run);
            }
            done = next;
        }
        let carried = Carried {
            requested,
            interrupted: is_interrupted,
        };
        let Some(Precision { relative, of, .. }) = &plan.precision else {
            return Ok(carried);
        };
        let figure = |platform: usize, metric: MetricId| {
            let runs = figures.iter().filter(|(of, _)| *of == platform);
            let values: Vec<f64> = runs
                .filter_map(|(_, metrics)| metrics.get(metric))
                .collect();
            estimate(&values, metric.metric().range)
        };
        let is_enough = is_interrupted || done >= plan.replications;
        if is_enough || widest(*relative, of, platforms, figure).is_none() {
            return Ok(carried);
        }
        goal = next_round(done, plan.replications);
    }
}

/// The figure among `of` that is furthest from being within `relative`, with its platform and estimate; `None` if all are
/// precise. Figures that do not exist on a platform are left out; without names, those that the verdict rests on count.
pub(crate) fn widest(
    relative: f64,
    of: &[MetricId],
    platforms: usize,
    figure: impl Fn(usize, MetricId) -> Option<Estimate>,
) -> Option<(usize, MetricId, Estimate)> {
    let metrics: Vec<MetricId> = if of.is_empty() {
        HEADLINES.iter().map(|(metric, _)| *metric).collect()
    } else {
        of.to_vec()
    };
    let all = (0..platforms)
        .flat_map(|platform| metrics.iter().map(move |metric| (platform, *metric)))
        .filter_map(|(platform, metric)| Some((platform, metric, figure(platform, metric)?)));
    let width = |estimate: &Estimate| estimate.relative_half_width().unwrap_or(f64::INFINITY);
    all.filter(|(.., estimate)| !is_precise(estimate, relative))
        .max_by(|(.., a), (.., b)| width(a).total_cmp(&width(b)))
}
