//! `walras tournament`: schedulers against each other, in every scenario on the same requests and machines.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use walras_analysis::json;
use walras_analysis::record::{Better, MetricId};
use walras_analysis::store;
use walras_analysis::tournament::{DECISIVE, PAGE, Tournament, carry_out, finished};
use walras_analysis::words::counted;
use walras_scenarios::contest::{contests, entrants};
use walras_scenarios::issue::suggestion;
use walras_scenarios::sweep::Point;
use walras_scenarios::{Contest, Options};

use crate::args::TournamentArgs;
use crate::progress::Screen;
use crate::sweep::{failed, figure};
use crate::{
    BadInput, STOP, create, give_up, keep_what_is_finished_when_interrupted, layout, print, say,
    write_whole,
};

/// Checks all contests, executes those that are missing, and shows who is where.
pub fn tournament(args: &TournamentArgs) -> anyhow::Result<ExitCode> {
    let metrics = metrics(args)?;
    let set = args.runs.overrides();
    let contests = field(args, &set)?;
    if let Some(baseline) = &args.baseline {
        let takes_part = |contest: &Contest| contest.point.platforms.contains(baseline);
        if let Some(without) = contests.iter().find(|contest| !takes_part(contest)) {
            let names = without.point.platforms.iter().map(String::as_str);
            let help = suggestion(baseline, "schedulers", names.collect::<Vec<_>>());
            return Err(BadInput::error(format!(
                "`{baseline}` takes no part in `{}`\n  help: {help}",
                without.point.name
            )));
        }
    }
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| store::fresh_dir(Path::new("runs/tournament")));
    let done = finished(&contests, &out).map_err(BadInput::error)?;
    let threads = args.runs.threads();
    if !args.json {
        say(&overview(&contests, &done, threads));
    }
    create(&out)?;
    keep_what_is_finished_when_interrupted();
    let options = Options {
        threads,
        pool: None,
        record_jobs: false,
        logbook: None,
        stop: &STOP,
    };
    let points: Vec<&Point> = contests.iter().map(|contest| &contest.point).collect();
    let command: Vec<String> = std::env::args().collect();
    let watch = Screen::new(&points, &done, vec![command; contests.len()], threads);
    let baseline = args.baseline.as_deref();
    let outcome = carry_out(&contests, &out, &metrics, baseline, &options, &watch);
    watch.finish();
    let outcome = outcome.map_err(|error| failed(error, &out))?;
    if outcome.finished().next().is_none() {
        give_up(&out);
        say("interrupted before the first contest was finished; nothing was written");
        return Ok(ExitCode::from(130));
    }
    show(args, &outcome, &metrics, &out)?;
    Ok(ExitCode::from(if STOP.load(Ordering::Relaxed) {
        130
    } else {
        0
    }))
}

/// Writes the page and prints what it says.
fn show(
    args: &TournamentArgs,
    outcome: &Tournament<'_>,
    metrics: &[MetricId],
    out: &Path,
) -> anyhow::Result<()> {
    let page = walras_reports::tournament::page(outcome, metrics);
    write_whole(&out.join(PAGE), page.as_bytes())?;
    if args.json {
        print(&format!("{:#}\n", json::tournament(outcome, metrics)))?;
        say(&format!("results  {}", out.display()));
    } else {
        let table = walras_reports::tournament::table(outcome, metrics, layout(false));
        print(&table)?;
        let first = outcome.finished().next();
        let first = first.map_or(String::new(), |(contest, _)| contest.point.name.clone());
        print(&format!(
            "\nresults    {}\nreport     {}\na contest  walras report {}\n",
            out.display(),
            out.join(PAGE).display(),
            out.join(first).display()
        ))?;
    }
    if outcome.is_partial() {
        say("! contests are missing: the same command with --out this directory goes on with them");
    }
    Ok(())
}

/// The contests of all scenarios; all problems are told at once.
fn field(args: &TournamentArgs, set: &[(String, String)]) -> anyhow::Result<Vec<Contest>> {
    let policies = args.policies.as_deref().map(entrants).transpose();
    let policies = policies
        .map_err(|issues| BadInput::issues(&issues))?
        .unwrap_or_default();
    let (mut all, mut problems) = (Vec::<Contest>::new(), Vec::new());
    for path in &args.scenarios {
        match contests(path, set, &policies, &args.platforms, args.trace.as_deref()) {
            Ok(found) => all.extend(found),
            Err(issues) => problems.push(issues.to_string()),
        }
    }
    if !problems.is_empty() {
        return Err(BadInput(problems.join("\n")).into());
    }
    for (index, contest) in all.iter().enumerate() {
        let name = &contest.point.name;
        if all[..index].iter().any(|other| other.point.name == *name) {
            return Err(BadInput::error(format!(
                "two contests are called `{name}`\n  help: give files of different names"
            )));
        }
    }
    Ok(all)
}

/// The figures to rank by.
fn metrics(args: &TournamentArgs) -> anyhow::Result<Vec<MetricId>> {
    if args.metrics.is_empty() {
        return Ok(DECISIVE.to_vec());
    }
    let ranked = |name: &String| {
        let metric = figure(name)?;
        if metric.metric().better == Better::Neither {
            return Err(BadInput::error(format!(
                "nobody can win in `{name}`: neither more nor less of it is better\n  help: rank by a figure with a direction, such as `ttft_p99`"
            )));
        }
        Ok(metric)
    };
    args.metrics.iter().map(ranked).collect()
}

/// Who races where, and how much there is to do.
fn overview(contests: &[Contest], done: &[bool], threads: usize) -> String {
    let mut text = String::new();
    for (contest, is_done) in contests.iter().zip(done) {
        let point = &contest.point;
        let finished = if *is_done { ", finished already" } else { "" };
        let _ = writeln!(
            text,
            "{}: {} × {}, seed {}{finished}\n  {}",
            point.name,
            counted(point.platforms.len(), "scheduler"),
            counted(point.replications as usize, "replication"),
            point.seed,
            point.platforms.join(", ")
        );
    }
    let _ = write!(text, "{}", counted(threads, "thread"));
    text
}
