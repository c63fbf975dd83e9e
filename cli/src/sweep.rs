//! `walras sweep`: a scenario at every combination of some values, with the answer at each of them.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use anyhow::Context;
use walras_analysis::record::MetricId;
use walras_analysis::sweep::{CSV, CampaignError, PAGE, Swept, carry_out, csv, finished};
use walras_analysis::{findings, json, store};
use walras_scenarios::issue::suggestion;
use walras_scenarios::sweep::Point;
use walras_scenarios::{Options, Scenario, Sweep};

use crate::args::{RunArgs, SweepArgs};
use crate::progress::Screen;
use crate::{
    BadInput, STOP, broken_run, create, give_up, keep_what_is_finished_when_interrupted, layout,
    overview, print, say, write_whole,
};
use walras_scenarios::RunError;

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
        runs: args.runs.clone(),
        out: args.out.clone(),
        record_jobs: args.record_jobs,
        metrics: Vec::new(),
        all: args.all,
        json: args.json,
    })
}

/// Checks all points, executes those that are missing, writes the table, and shows it.
pub fn sweep(args: &SweepArgs) -> anyhow::Result<ExitCode> {
    let set = args.runs.overrides();
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
    let threads = args.runs.threads();
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
    let points: Vec<&Point> = sweep.points.iter().collect();
    let watch = Screen::new(&points, &done, commands(&sweep, args, &set), threads);
    let swept = carry_out(&sweep, &out, &options, &watch);
    watch.finish();
    let swept = swept.map_err(|error| failed(error, &out))?;
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

/// Why a campaign ended before its time.
pub fn failed(error: CampaignError, out: &Path) -> anyhow::Error {
    give_up(out);
    match error {
        CampaignError::Run {
            error: RunError { is_scheduler, .. },
            ..
        } => broken_run(is_scheduler, error),
        CampaignError::Store(_) => {
            anyhow::Error::new(error).context("the results could not be written")
        }
        _ => BadInput::error(error),
    }
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
    args.metrics.iter().map(|name| figure(name)).collect()
}

/// The figure with this name.
pub fn figure(name: &str) -> anyhow::Result<MetricId> {
    let known = || MetricId::all().map(|metric| metric.metric().name);
    MetricId::named(name).with_context(|| {
        let hint = suggestion(name, "figures", known().collect::<Vec<_>>());
        BadInput(format!("error: unknown figure `{name}`\n  help: {hint}"))
    })
}

/// The command that repeats each point.
fn commands(sweep: &Sweep, args: &SweepArgs, set: &[(String, String)]) -> Vec<Vec<String>> {
    let mut command = ["walras", "run"].map(str::to_owned).to_vec();
    command.push(args.scenario.display().to_string());
    if let Some(trace) = &args.trace {
        command.extend(["--trace".to_owned(), trace.display().to_string()]);
    }
    for (path, value) in set {
        command.extend(["--set".to_owned(), format!("{path}={value}")]);
    }
    command.extend(["--set".to_owned(), "sweep=null".to_owned()]);
    let of = |point| {
        let mut command = command.clone();
        for (path, value) in sweep.settings(point) {
            command.extend(["--set".to_owned(), format!("{path}={value}")]);
        }
        command
    };
    sweep.points.iter().map(of).collect()
}
