//! `walras events`: what happened in a run, in plain words, from its event log; and where a run keeps its logs until it is saved.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use walras_analysis::experiment::Manifest;
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
    let mut log = EventLog::open(&choose(args, &manifest)?).map_err(BadInput::error)?;
    let kinds = args.kinds.iter().map(|name| kind(name));
    let kinds: Vec<usize> = kinds.collect::<anyhow::Result<_>>()?;
    let from = moment(args.from.as_deref())?.unwrap_or(SimTime::ZERO);
    let to = moment(args.to.as_deref())?.unwrap_or(SimTime::MAX);
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
        say("nothing of this kind in the log");
    }
    Ok(ExitCode::SUCCESS)
}

/// A record in one line.
pub fn line(record: &Record) -> String {
    let number = condition::count(record.number);
    format!("{:>21} {number:>10}  {}", record.at, record.what)
}

/// The log that is meant.
fn choose(args: &EventsArgs, manifest: &Manifest) -> anyhow::Result<PathBuf> {
    let mut logs = Vec::new();
    for run in &manifest.runs {
        let path = store::event_log(&args.run, manifest, &run.platform, run.replication);
        logs.extend(path.map(|path| (run.platform.as_str(), path)));
    }
    let names = || logs.iter().map(|(name, _)| *name);
    if logs.is_empty() {
        return Err(BadInput::error(format!(
            "`{}` has no event log\n  help: repeat the run with --log-events",
            args.run.display()
        )));
    }
    let Some(platform) = &args.platform else {
        if let [(_, path)] = logs.as_slice() {
            return Ok(path.clone());
        }
        let names = names().collect::<Vec<_>>().join(", ");
        return Err(BadInput::error(format!(
            "several platforms have a log\n  help: name one with --platform: {names}"
        )));
    };
    let found = logs.iter().find(|(name, _)| name == platform);
    found.map(|(_, path)| path.clone()).ok_or_else(|| {
        let help = suggestion(platform, "platforms", names());
        BadInput::error(format!("platform `{platform}` has no log\n  help: {help}"))
    })
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
