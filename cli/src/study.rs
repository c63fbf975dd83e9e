//! What all instruments share: a scenario or a function to ask, a directory for the points, and who looks on.

use std::path::Path;

use walras_analysis::response::Unanswered;
use walras_analysis::response::function::Known;
use walras_analysis::response::simulated::{Overrides, Watching};
use walras_analysis::store::{Table, parquet_of};
use walras_scenarios::Options;
use walras_scenarios::issue::suggestion;
use walras_scenarios::sweep::Point;

use crate::args::StudyArgs;
use crate::progress::Screen;
use crate::sweep::failed;
use crate::{BadInput, STOP, cores, overrides, write_whole};

/// What an instrument is tried on, if no scenario.
pub fn function(args: &StudyArgs, fits: impl Fn(Known) -> bool) -> anyhow::Result<Option<Known>> {
    match (&args.scenario, &args.function) {
        (Some(_), None) => Ok(None),
        (None, Some(name)) => {
            let names: Vec<&str> = Known::all()
                .filter(|known| fits(*known))
                .map(Known::name)
                .collect();
            let found = Known::named(name).filter(|known| fits(*known));
            found.map(Some).ok_or_else(|| {
                let hint = suggestion(name, "functions", names.iter().copied());
                BadInput::error(format!("no function `{name}` here\n  help: {hint}"))
            })
        }
        _ => Err(BadInput::error(
            "give either a scenario or --function\n  help: `walras list` shows the scenarios that come with walras",
        )),
    }
}

/// What is changed in the scenario, `own` by the options of an instrument.
pub fn changes(args: &StudyArgs, own: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut all = overrides(&args.set, args.seed, args.replications);
    all.extend(own);
    all
}

/// How many threads, and that Ctrl-C stops.
pub fn options(args: &StudyArgs) -> Options<'static> {
    Options {
        threads: args.threads.map_or_else(cores, usize::from),
        pool: None,
        record_jobs: false,
        logbook: None,
        stop: &STOP,
    }
}

/// A progress line for each round of points, with the command that repeats each of them.
pub fn watching<'a>(args: &StudyArgs, threads: usize) -> Box<Watching<'a>> {
    let mut command = ["walras", "run"].map(str::to_owned).to_vec();
    let path = args.scenario.clone().unwrap_or_default();
    command.push(path.display().to_string());
    if let Some(trace) = &args.trace {
        command.extend(["--trace".to_owned(), trace.display().to_string()]);
    }
    let set = overrides(&args.set, args.seed, args.replications);
    for (path, value) in set.iter().chain([&("sweep".to_owned(), "null".to_owned())]) {
        command.extend(["--set".to_owned(), format!("{path}={value}")]);
    }
    Box::new(
        move |points: &[&Point], done: &[bool], settings: &[Overrides]| {
            let repeat = |settings: &Overrides| {
                let mut command = command.clone();
                for (path, value) in settings {
                    command.extend(["--set".to_owned(), format!("{path}={value}")]);
                }
                command
            };
            let commands = settings.iter().map(repeat).collect();
            Box::new(Screen::new(points, done, commands, threads))
        },
    )
}

/// Why an instrument ended before its time; `None` if it was stopped.
pub fn broken(error: Unanswered, out: &Path) -> Option<anyhow::Error> {
    match error {
        Unanswered::Stopped => None,
        Unanswered::Campaign(error) => Some(failed(error, out)),
    }
}

/// Writes `table` as `name` beside the points.
pub fn keep(out: &Path, name: &str, table: Table) -> anyhow::Result<()> {
    write_whole(&out.join(name), &parquet_of(table)?)
}
