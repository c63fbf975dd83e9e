//! `walras sweep`: a scenario at every combination of some values, with the answer at each of them.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use walras_analysis::experiment::Execution;
use walras_analysis::record::MetricId;
use walras_analysis::sweep::{CSV, PAGE, SweepError, Swept, Watch, carry_out, csv, finished};
use walras_analysis::{findings, json, store};
use walras_scenarios::issue::suggestion;
use walras_scenarios::{Options, Progress, Scenario, Sweep};

use crate::args::{RunArgs, SweepArgs};
use crate::{
    BadInput, STOP, cores, create, give_up, keep_what_is_finished_when_interrupted, layout,
    overrides, overview, print, say, write_whole,
};

/// `walras run` on a scenario with the key `sweep`.
pub fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    if args.log_events.is_some() {
        return Err(BadInput::error(
            "--log-events is for a single run, and this scenario is a sweep\n  help: run it without the sweep (--set sweep=null), or one of its points",
        ));
    }
    sweep(&SweepArgs {
        scenario: args.scenario.clone(),
        axes: Vec::new(),
        trace: args.trace.clone(),
        set: args.set.clone(),
        seed: args.seed,
        replications: args.replications,
        threads: args.threads,
        out: args.out.clone(),
        record_jobs: args.record_jobs,
        metrics: Vec::new(),
        all: args.all,
        json: args.json,
    })
}

/// Checks all points, executes those that are missing, writes the table, and shows it.
pub fn sweep(args: &SweepArgs) -> anyhow::Result<ExitCode> {
    let set = overrides(&args.set, args.seed, args.replications);
    let sweep =
        walras_scenarios::sweep::load(&args.scenario, &set, &args.axes, args.trace.as_deref())
            .map_err(|issues| BadInput::issues(&issues))?;
    if sweep.axes.is_empty() {
        return Err(BadInput::error(
            "there is nothing to sweep\n  help: give an axis, such as --axis workload.rate_factor=1,2,5, or write it in the scenario: `sweep: {workload.rate_factor: [1, 2, 5]}`",
        ));
    }
    let metrics = metrics(args)?;
    let scenario = sweep
        .scenario(&sweep.points[0])
        .map_err(|issues| BadInput::issues(&issues))?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| store::fresh_dir(&Path::new("runs").join(&scenario.name)));
    let done = finished(&sweep, &out).map_err(BadInput::error)?;
    let missing = done.iter().filter(|done| !**done).count();
    let threads = args.threads.map_or_else(cores, usize::from);
    if !args.json {
        say(&overview::sweep(&scenario, &sweep, missing, threads));
    }
    create(&out)?;
    keep_what_is_finished_when_interrupted();
    let options = Options {
        threads,
        pool: None,
        record_jobs: args.record_jobs,
        logbook: None,
        stop: &STOP,
    };
    let watch = Screen::new(&sweep, &done, args, &set, threads);
    let swept = carry_out(&sweep, &out, &options, &watch);
    watch.bar.finish_and_clear();
    let swept = swept.map_err(|error| {
        give_up(&out);
        match error {
            SweepError::Run { .. } => anyhow::Error::new(error).context(
                "an invariant of the simulation was violated; please report it with the scenario",
            ),
            SweepError::Store(_) => {
                anyhow::Error::new(error).context("the results could not be written")
            }
            _ => BadInput::error(error),
        }
    })?;
    if swept.finished().next().is_none() {
        give_up(&out);
        say("interrupted before the first point was finished; nothing was written");
        return Ok(ExitCode::from(130));
    }
    keep(&swept, &scenario, &metrics, &out)?;
    if args.json {
        print(&format!("{:#}\n", json::sweep(&swept)))?;
    } else {
        show(&swept, &metrics, &out)?;
    }
    if swept.is_partial() {
        say("! points are missing: the same command with --out this directory goes on with them");
    }
    Ok(ExitCode::from(if STOP.load(Ordering::Relaxed) {
        130
    } else {
        0
    }))
}

/// Writes the table and the page.
fn keep(
    swept: &Swept<'_>,
    scenario: &Scenario,
    metrics: &[MetricId],
    out: &Path,
) -> anyhow::Result<()> {
    write_whole(&out.join(CSV), csv(swept).as_bytes())?;
    let text = walras_reports::sweep::page(swept, &scenario.name, &scenario.question, metrics);
    write_whole(&out.join(PAGE), text.as_bytes())
}

/// Prints what they say.
fn show(swept: &Swept<'_>, metrics: &[MetricId], out: &Path) -> anyhow::Result<()> {
    print(&walras_reports::sweep::table(swept, metrics, layout(false)))?;
    let first = out.join(&swept.sweep.points[0].name);
    print(&format!(
        "\nresults  {}\nreport   {}\ntable    {}\na point  walras report {}\n",
        out.display(),
        out.join(PAGE).display(),
        out.join(CSV).display(),
        first.display()
    ))?;
    Ok(())
}

/// The figures to show.
fn metrics(args: &SweepArgs) -> anyhow::Result<Vec<MetricId>> {
    if args.all {
        return Ok(MetricId::all().collect());
    }
    if args.metrics.is_empty() {
        return Ok(findings::headlines().collect());
    }
    let known = || MetricId::all().map(|metric| metric.metric().name);
    let named = |name: &String| {
        MetricId::named(name).with_context(|| {
            let hint = suggestion(name, "figures", known().collect::<Vec<_>>());
            BadInput(format!("error: unknown figure `{name}`\n  help: {hint}"))
        })
    };
    args.metrics.iter().map(named).collect()
}

/// The runs of a point, as far as their number is known, and when it began.
type State = (usize, Option<(SystemTime, Instant)>);

/// The clock, and a progress line on a terminal.
struct Screen<'a> {
    bar: ProgressBar,
    sweep: &'a Sweep,
    /// The command that repeats a point, without the axes.
    command: Vec<String>,
    threads: usize,
    /// For each point.
    state: Mutex<Vec<State>>,
}

impl<'a> Screen<'a> {
    fn new(
        sweep: &'a Sweep,
        done: &[bool],
        args: &SweepArgs,
        set: &[(String, String)],
        threads: usize,
    ) -> Self {
        let style = ProgressStyle::with_template(
            "{bar:24} {pos}/{len} runs  {elapsed} elapsed, {eta} left  {msg}",
        );
        let bar = ProgressBar::new(0).with_style(style.expect("the template is valid"));
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        let mut command = ["walras", "run"].map(str::to_owned).to_vec();
        command.push(args.scenario.display().to_string());
        if let Some(trace) = &args.trace {
            command.extend(["--trace".to_owned(), trace.display().to_string()]);
        }
        for (path, value) in set {
            command.extend(["--set".to_owned(), format!("{path}={value}")]);
        }
        command.extend(["--set".to_owned(), "sweep=null".to_owned()]);
        let runs = sweep.points.iter().zip(done).map(|(point, is_done)| {
            let runs = point.platforms.len() * point.replications as usize;
            (if *is_done { 0 } else { runs }, None)
        });
        Self {
            bar,
            sweep,
            command,
            threads,
            state: Mutex::new(runs.collect()),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Vec<State>)) {
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        change(&mut state);
        let runs: usize = state.iter().map(|(runs, _)| runs).sum();
        self.bar.set_length(runs as u64);
    }
}

impl Watch for Screen<'_> {
    fn begins(&self, point: usize) {
        self.change(|state| state[point].1 = Some((SystemTime::now(), Instant::now())));
    }

    fn advances(&self, point: usize, _: Progress) {
        self.bar.set_message(self.sweep.points[point].name.clone());
        self.change(|_| {});
        self.bar.inc(1);
    }

    fn ends(&self, point: usize) -> Execution {
        let mut command = self.command.clone();
        for (path, value) in self.sweep.settings(&self.sweep.points[point]) {
            command.extend(["--set".to_owned(), format!("{path}={value}")]);
        }
        let mut execution = Execution {
            command,
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
