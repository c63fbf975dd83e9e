//! `walras trace`: one run as a timeline, in a file for trace viewers or as a Gantt chart.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use anyhow::Context;
use walras_analysis::experiment::Experiment;
use walras_analysis::store;
use walras_reports::figures::{Figure, gantt};
use walras_scenarios::chrome_trace::ChromeTrace;
use walras_scenarios::condition::{self, count};
use walras_scenarios::timeline::{Followed, Kept, follow, nodes};
use walras_scenarios::{SimTime, Span};

use crate::args::TraceArgs;
use crate::target::Target;
use crate::{BadInput, STOP, print, say, write_whole};

/// Writes the timeline that the arguments ask for.
pub fn trace(args: &TraceArgs) -> anyhow::Result<ExitCode> {
    let window = (
        moment(args.from.as_deref())?.unwrap_or(SimTime::ZERO),
        moment(args.to.as_deref())?.unwrap_or(SimTime::MAX),
    );
    if window.0 >= window.1 {
        return Err(BadInput::error(format!(
            "--from {} is not before --to {}\n  help: for example --from 1h --to 1h10m",
            window.0, window.1
        )));
    }
    let target = Target::with_jobs(&args.target)?;
    let plan = &target.scenario.plan;
    let end = SimTime::ZERO + plan.horizon;
    if window.0 > end {
        return Err(BadInput::error(format!(
            "--from {} is after the last request\n  help: they come until {end}",
            window.0
        )));
    }
    let names = nodes(plan, target.platform, target.replication);
    let chosen = args.nodes.as_deref();
    let chosen = chosen.map(|text| list(text, names.len())).transpose()?;
    let _ = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed));
    match &args.gantt {
        Some(path) => draw(path, &target, window, &names, chosen),
        None => write(args, &target, window, names, chosen),
    }
}

/// Writes the trace as it comes, under another name until it is complete.
fn write(
    args: &TraceArgs,
    target: &Target,
    window: (SimTime, SimTime),
    names: Vec<String>,
    chosen: Option<Vec<u32>>,
) -> anyhow::Result<ExitCode> {
    let plan = &target.scenario.plan;
    let path = args.out.clone().unwrap_or_else(|| {
        let name = plan.names()[target.platform];
        let letters = name.chars().map(|letter| match letter {
            letter if letter.is_alphanumeric() || "-_.".contains(letter) => letter,
            _ => '_',
        });
        let name: String = letters.collect();
        PathBuf::from(format!("{name}-{}.trace.json", target.replication))
    });
    let partial = path.with_extension("partial");
    let file = File::create(&partial).map_err(|error| {
        BadInput::error(format!(
            "cannot write `{}`: {error}\n  help: name a file in a directory that you may write to with --out",
            path.display()
        ))
    })?;
    let limit = args.limit * 1_000_000;
    let told = || -> anyhow::Result<_> {
        let out = BufWriter::with_capacity(1 << 20, file);
        let heading = target.heading();
        let mut trace = ChromeTrace::new(out, &heading, names, chosen, window, limit)?;
        let followed = run(target, window, &mut trace);
        Ok((followed, trace.finish()?))
    };
    let outcome = told().with_context(|| format!("cannot write `{}`", path.display()));
    let (followed, written) = outcome.inspect_err(|_| {
        let _ = std::fs::remove_file(&partial);
    })?;
    std::fs::rename(&partial, &path)
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    print(&format!(
        "{}\n{} jobs in {} slices, {} arrows; until {}; {:.1} MB\n",
        target.heading(),
        count(written.jobs),
        count(written.slices),
        count(written.arrows),
        followed.until,
        written.bytes as f64 / 1e6
    ))?;
    print(&format!(
        "\ntrace  {}\nopen it at https://ui.perfetto.dev or in chrome://tracing\n",
        path.display()
    ))?;
    if written.bytes >= limit {
        say(&format!(
            "! it ends at {}, where it has {} MB\n  help: show less with --from, --to and --nodes, or more with --limit",
            followed.until, args.limit
        ));
    }
    conclude(target, &followed)
}

/// Most requests of a run that a report looks into again, and those that its chart shows.
const SMALL: u64 = 50_000;
const SHOWN: f64 = 400.0;
/// Names of the charts of a report, each its own.
const CHARTS: [&str; 6] = [
    "gantt", "gantt-2", "gantt-3", "gantt-4", "gantt-5", "gantt-6",
];

/// For a small run, a Gantt chart of each platform: as much of the middle of its first replication as is legible.
pub fn charts(experiment: &Experiment, directory: &Path) -> Vec<Figure> {
    let manifest = &experiment.manifest;
    let Some(run) = experiment.runs.iter().find(|run| run.replication == 0) else {
        return Vec::new();
    };
    let submitted = run.counts.submitted;
    if submitted == 0 || submitted > SMALL {
        return Vec::new();
    }
    // A scenario that gives another run now, as after a change of the catalog, has no chart.
    let scenario = store::scenario(directory, manifest)
        .ok()
        .and_then(|path| walras_scenarios::load(&path, &[], None).ok())
        .filter(|scenario| format!("{:016x}", scenario.input_hash) == manifest.scenario_hash);
    let Some(scenario) = scenario else {
        return Vec::new();
    };
    let plan = &scenario.plan;
    let middle = plan.horizon.as_secs_f64() / 2.0;
    let length = (plan.horizon.as_secs_f64() * SHOWN / submitted as f64).min(middle);
    let at = |seconds: f64| SimTime::ZERO + Span::from_secs_f64(seconds.round());
    let window = (at(middle), at((middle + length).max(middle + 1.0)));
    let chart = |(platform, name): (usize, &String)| {
        let names = nodes(plan, platform, 0);
        if names.len() > gantt::MOST {
            return None;
        }
        let mut kept = Kept::default();
        follow(plan, platform, 0, window, &mut kept, &|| {
            STOP.load(Ordering::Relaxed)
        });
        let title = format!(
            "What each node did: {name}, replication 0, from {}",
            window.0
        );
        let chosen: Vec<u32> = (0..names.len() as u32).collect();
        Some(Figure {
            name: CHARTS.get(platform).copied()?,
            ..gantt::figure(&title, &kept, &names, &chosen, window)
        })
    };
    manifest
        .platforms
        .iter()
        .enumerate()
        .filter_map(chart)
        .collect()
}

/// Draws the Gantt chart.
fn draw(
    path: &Path,
    target: &Target,
    window: (SimTime, SimTime),
    names: &[String],
    chosen: Option<Vec<u32>>,
) -> anyhow::Result<ExitCode> {
    let shown = chosen.as_ref().map_or(names.len(), Vec::len);
    if shown > gantt::MOST {
        return Err(BadInput::error(format!(
            "{shown} nodes are too many for one chart\n  help: choose up to {}, such as --nodes 0-39",
            gantt::MOST
        )));
    }
    let mut kept = Kept::default();
    let followed = run(target, window, &mut kept);
    let window = (window.0, window.1.min(followed.until));
    let chosen = chosen.unwrap_or_else(|| (0..names.len() as u32).collect());
    let figure = gantt::figure(&target.heading(), &kept, names, &chosen, window);
    write_whole(path, figure.svg.as_bytes())?;
    print(&format!(
        "{}\n{}\n{}\n\nchart  {}\n",
        target.heading(),
        figure.finding,
        figure.reading,
        path.display()
    ))?;
    conclude(target, &followed)
}

fn run(
    target: &Target,
    window: (SimTime, SimTime),
    timeline: &mut dyn walras_scenarios::timeline::Timeline,
) -> Followed {
    let stop = || STOP.load(Ordering::Relaxed);
    follow(
        &target.scenario.plan,
        target.platform,
        target.replication,
        window,
        timeline,
        &stop,
    )
}

/// Holds a whole run against what was recorded of it.
fn conclude(target: &Target, followed: &Followed) -> anyhow::Result<ExitCode> {
    std::io::stdout().flush()?;
    if STOP.load(Ordering::Relaxed) {
        say("interrupted: what was written ends there");
        return Ok(ExitCode::from(130));
    }
    if let (Some(entry), true) = (&target.entry, followed.is_whole)
        && entry.digest != followed.digest.to_string()
    {
        anyhow::bail!(
            "this is not the recorded run: its digest is {}, and was {}; another version, machine or C library made it",
            followed.digest,
            entry.digest
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn moment(text: Option<&str>) -> anyhow::Result<Option<SimTime>> {
    let read = |text| condition::time(text).map_err(BadInput::error);
    text.map(read).transpose()
}

/// The nodes of a list such as `0-19,42`.
fn list(text: &str, nodes: usize) -> anyhow::Result<Vec<u32>> {
    let wrong = || {
        BadInput::error(format!(
            "expected a list of nodes, found `{text}`\n  help: write numbers and ranges with commas between them, such as 0-19,42"
        ))
    };
    let mut chosen = Vec::new();
    for piece in text.split(',') {
        let (first, last) = piece.split_once('-').unwrap_or((piece, piece));
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| wrong());
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(wrong());
        }
        if last as usize >= nodes {
            return Err(BadInput::error(format!(
                "there is no node {last}\n  help: there are {nodes}, 0 to {}",
                nodes.saturating_sub(1)
            )));
        }
        chosen.extend(first..=last);
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}
