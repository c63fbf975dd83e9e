//! What a user sees while runs are under way: one line on a terminal, nothing elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use walras_scenarios::{Plan, Progress};

/// A progress line on the error stream; silent when that is no terminal.
pub struct Line {
    bar: ProgressBar,
    platforms: Vec<String>,
}

impl Line {
    /// A line for all runs of a plan.
    pub fn new(plan: &Plan) -> Self {
        let platforms: Vec<String> = plan
            .platforms
            .iter()
            .map(|platform| platform.name.clone())
            .collect();
        let replications = plan
            .precision
            .as_ref()
            .map_or(plan.replications, |goal| goal.at_least);
        let runs = platforms.len() as u64 * u64::from(replications);
        let style = ProgressStyle::with_template(
            "{bar:24} {pos}/{len} runs  {elapsed} elapsed, {eta} left  {msg}",
        );
        let bar = ProgressBar::new(runs).with_style(style.expect("the template is valid"));
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        Self { bar, platforms }
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
