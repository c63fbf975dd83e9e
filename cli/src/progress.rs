//! What a user sees while runs are under way: one line on a terminal, nothing elsewhere.

use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use walras_analysis::campaign::Watch;
use walras_analysis::experiment::Execution;
use walras_scenarios::sweep::Point;
use walras_scenarios::{Plan, Progress};

/// A progress line on the error stream; silent when that is no terminal.
pub struct Line {
    bar: ProgressBar,
    platforms: Vec<String>,
}

impl Line {
    /// A line for all runs of a plan.
    pub fn new(plan: &Plan) -> Self {
        let platforms: Vec<String> = plan.names().into_iter().map(str::to_owned).collect();
        let replications = plan
            .precision
            .as_ref()
            .map_or(plan.replications, |goal| goal.at_least);
        let runs = platforms.len() as u64 * u64::from(replications);
        Self {
            bar: bar(runs),
            platforms,
        }
    }

    /// A run has ended.
    pub fn advance(&self, progress: Progress) {
        self.bar.set_message(format!(
            "{} #{}",
            self.platforms[progress.platform], progress.replication
        ));
        // Rounds of replications may follow.
        self.bar.set_length(progress.requested as u64);
        self.bar.inc(1);
    }

    /// All runs have ended.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// A bar for so many runs.
fn bar(runs: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:24} {pos}/{len} runs  {elapsed} elapsed, {eta} left  {msg}",
    );
    let bar = ProgressBar::new(runs)
        .with_style(style.expect("the template is valid"))
        .with_finish(ProgressFinish::AndClear);
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}

/// The runs of a point, as far as their number is known, and when it began.
type State = (usize, Option<(SystemTime, Instant)>);

/// The clock of a campaign, and a progress line on a terminal.
pub struct Screen {
    bar: ProgressBar,
    names: Vec<String>,
    /// For each point the command that repeats it.
    commands: Vec<Vec<String>>,
    threads: usize,
    /// For each point.
    state: Mutex<Vec<State>>,
}

impl Screen {
    /// For those of `points` that are not `done`.
    pub fn new(
        points: &[&Point],
        done: &[bool],
        commands: Vec<Vec<String>>,
        threads: usize,
    ) -> Self {
        let runs = points.iter().zip(done).map(|(point, is_done)| {
            let runs = point.platforms.len() * point.replications as usize;
            (if *is_done { 0 } else { runs }, None)
        });
        Self {
            bar: bar(0),
            names: points.iter().map(|point| point.name.clone()).collect(),
            commands,
            threads,
            state: Mutex::new(runs.collect()),
        }
    }

    /// All runs have ended.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn change(&self, change: impl FnOnce(&mut Vec<State>)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let runs: usize = state.iter().map(|(runs, _)| runs).sum();
        self.bar.set_length(runs as u64);
    }
}

impl Watch for Screen {
    fn begins(&self, point: usize) {
        self.change(|state| state[point].1 = Some((SystemTime::now(), Instant::now())));
    }

    fn advances(&self, point: usize, _: Progress) {
        self.bar.set_message(self.names[point].clone());
        self.change(|_| {});
        self.bar.inc(1);
    }

    fn ends(&self, point: usize) -> Execution {
        let mut execution = Execution {
            command: self.commands[point].clone(),
            threads: self.threads,
            ..Execution::default()
        };
        self.change(|state| {
            if let Some((started, clock)) = state[point].1 {
                execution.started = humantime::format_rfc3339_seconds(started).to_string();
                execution.wall_seconds = clock.elapsed().as_secs_f64();
            }
        });
        execution
    }
}
