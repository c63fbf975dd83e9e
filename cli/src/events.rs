//! `walras events`: what happened in a run, in plain words, from its event log; and where a run keeps its logs until it is saved.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use walras_analysis::experiment::{Manifest, RunEntry};
use walras_analysis::store;
use walras_scenarios::SimTime;
use walras_scenarios::condition;
use walras_scenarios::event_log::{EventLog, KINDS, LogError, Logbook, Record};
use walras_scenarios::issue::suggestion;

use crate::args::EventsArgs;
use crate::{BadInput, print, say};

/// A folder for what is written during a run; it goes when it is dropped.
pub struct Scratch(pub PathBuf);

impl Scratch {
    /// A new folder beside the directory of the results, on the same file system.
    pub fn beside(out: &Path) -> anyhow::Result<Self> {
        let mut name = out.as_os_str().to_owned();
        name.push(format!(".{}.events", std::process::id()));
        let path = PathBuf::from(name);
        // A leftover of a process that had this number before.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).map_err(|error| {
            let shown = path.display();
            BadInput::error(format!("cannot write event logs to `{shown}`: {error}"))
        })?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left there belongs to a run that was not saved.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The logs that were written, and why others were not.
pub fn finish(logbook: Option<Logbook>) -> (Vec<PathBuf>, Vec<LogError>) {
    let (mut written, mut problems) = (Vec::new(), Vec::new());
    for outcome in logbook.into_iter().flat_map(Logbook::finish) {
        match outcome {
            Ok(path) => written.push(path),
            Err(problem) => problems.push(problem),
        }
    }
    (written, problems)
}

/// Prints the records that the arguments ask for.
pub fn list(args: &EventsArgs) -> anyhow::Result<ExitCode> {
    let manifest = store::manifest(&args.run).map_err(BadInput::error)?;
    let mut log = choose(args, &manifest)?;
    let kinds = args.kinds.iter().map(|name| kind(name));
    let kinds: Vec<usize> = kinds.collect::<anyhow::Result<_>>()?;
    let from = moment(args.from.as_deref())?.unwrap_or(SimTime::ZERO);
    let to = moment(args.to.as_deref())?.unwrap_or(SimTime::MAX);
    if from > to {
        return Err(BadInput::error(format!(
            "--from {from} is later than --to {to}\n  help: the log goes up to {}",
            log.end()
        )));
    }
    if let Some(node) = args.node {
        there_is(node, args, &manifest, &log.header().platform)?;
    }
    let is_asked = |record: &Record| {
        let what = &record.what;
        record.at >= from
            && (args.overtaken || !what.is_stale())
            && args
                .node
                .is_none_or(|node| what.node().is_some_and(|found| found.0 == node))
            && args.job.is_none_or(|job| what.job() == Some(job))
            && (kinds.is_empty() || kinds.contains(&what.kind()))
    };
    let limit = if args.limit == 0 {
        u64::MAX
    } else {
        args.limit
    };
    let mut shown = 0;
    'blocks: for index in log.block_at(from)..log.blocks().len() {
        let mut text = String::new();
        let records = log.read(index).map_err(BadInput::error)?;
        for record in records.iter().filter(|record| is_asked(record)) {
            if record.at > to {
                print(&text)?;
                break 'blocks;
            }
            if shown == limit {
                print(&text)?;
                say(&format!(
                    "the first {limit}; --limit 0 shows all, --from and --to a part"
                ));
                return Ok(ExitCode::SUCCESS);
            }
            shown += 1;
            let _ = writeln!(text, "{}", line(record));
        }
        print(&text)?;
        if log
            .blocks()
            .get(index + 1)
            .is_some_and(|next| next.start > to)
        {
            break;
        }
    }
    if shown == 0 {
        say(&format!(
            "nothing of this kind in the log, which has {} events up to {}",
            condition::count(log.events()),
            log.end()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// A record in one line.
pub fn line(record: &Record) -> String {
    let number = condition::count(record.number);
    format!("{:>21} {number:>10}  {}", record.at, record.what)
}

/// Fails if the platform has no such node. A scenario that cannot be read again says nothing.
fn there_is(
    node: u32,
    args: &EventsArgs,
    manifest: &Manifest,
    platform: &str,
) -> anyhow::Result<()> {
    let path = store::scenario(&args.run, manifest).map_err(BadInput::error)?;
    let Ok(scenario) = walras_scenarios::load(&path, &[], None) else {
        return Ok(());
    };
    let Some(requests) = scenario.plan.requests() else {
        return Ok(());
    };
    let mut platforms = requests.platforms.iter();
    let Some(found) = platforms.find(|found| found.name == platform) else {
        return Ok(());
    };
    let fleets = found.fleets.iter();
    let count: u64 = fleets.map(|fleet| u64::from(fleet.size.max())).sum();
    if u64::from(node) < count {
        return Ok(());
    }
    Err(BadInput::error(format!(
        "there is no node {}\n  help: platform `{platform}` has {} nodes, 0 to {}",
        condition::count(node.into()),
        condition::count(count),
        condition::count(count.saturating_sub(1))
    )))
}

/// Opens the log of a run, if it has one and that is its own.
pub fn open(
    directory: &Path,
    manifest: &Manifest,
    run: &RunEntry,
) -> anyhow::Result<Option<EventLog>> {
    let path = store::event_log(directory, manifest, &run.platform, run.replication);
    let Some(path) = path else {
        return Ok(None);
    };
    let log = EventLog::open(&path).map_err(BadInput::error)?;
    let header = log.header();
    let theirs = (
        header.platform.as_str(),
        header.replication,
        header.seed,
        format!("{:016x}", log.digest()),
    );
    let ours = (
        run.platform.as_str(),
        run.replication,
        manifest.seed,
        run.digest.clone(),
    );
    if theirs == ours {
        return Ok(Some(log));
    }
    let said = |(platform, replication, seed, digest): (&str, u32, u64, String)| {
        format!("`{platform}`, replication {replication}, seed {seed}, digest {digest}")
    };
    Err(BadInput::error(format!(
        "the event log `{}` is that of another run: it is of {}, and the manifest has {}\n  help: copy it again, or repeat the run with --log-events",
        path.display(),
        said(theirs),
        said(ours)
    )))
}

/// The log that is meant.
fn choose(args: &EventsArgs, manifest: &Manifest) -> anyhow::Result<EventLog> {
    let has_log = |run: &&RunEntry| {
        store::event_log(&args.run, manifest, &run.platform, run.replication).is_some()
    };
    let logs: Vec<&RunEntry> = manifest.runs.iter().filter(has_log).collect();
    let names = || logs.iter().map(|run| run.platform.as_str());
    let opened = |run: &RunEntry| {
        let log = open(&args.run, manifest, run)?;
        Ok(log.expect("it is in the manifest"))
    };
    if logs.is_empty() {
        return Err(BadInput::error(format!(
            "`{}` has no event log\n  help: repeat the run with --log-events",
            args.run.display()
        )));
    }
    let Some(platform) = &args.platform else {
        if let [run] = logs.as_slice() {
            return opened(run);
        }
        let names = names().collect::<Vec<_>>().join(", ");
        return Err(BadInput::error(format!(
            "several platforms have a log\n  help: name one with --platform: {names}"
        )));
    };
    let found = logs.iter().find(|run| run.platform == *platform);
    let run = found.ok_or_else(|| {
        let help = suggestion(platform, "platforms", names());
        BadInput::error(format!("platform `{platform}` has no log\n  help: {help}"))
    })?;
    opened(run)
}

fn kind(name: &str) -> anyhow::Result<usize> {
    let names = KINDS.iter().map(|(name, _)| *name);
    names
        .clone()
        .position(|known| known == name)
        .ok_or_else(|| {
            let help = suggestion(name, "kinds", names);
            BadInput::error(format!("unknown kind of event `{name}`\n  help: {help}"))
        })
}

fn moment(text: Option<&str>) -> anyhow::Result<Option<SimTime>> {
    let read = |text| condition::time(text).map_err(BadInput::error);
    text.map(read).transpose()
}
