//! What all instruments share: a scenario or a function to ask, a directory for the points, and who looks on.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use walras_analysis::response::function::Known;
use walras_analysis::response::simulated::{Overrides, Watching};
use walras_analysis::response::{Simulated, Unanswered};
use walras_analysis::store::{self, Table, parquet_of};
use walras_analysis::words::counted;
use walras_reports::study::Subject;
use walras_scenarios::Options;
use walras_scenarios::issue::suggestion;
use walras_scenarios::study::{Output, Study};
use walras_scenarios::sweep::Point;

use crate::args::StudyArgs;
use crate::progress::Screen;
use crate::sweep::failed;
use crate::{
    BadInput, STOP, create, give_up, keep_what_is_finished_when_interrupted, print, say,
    write_whole,
};

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
    let mut all = args.runs.overrides();
    all.extend(own);
    all
}

/// How many threads, and that Ctrl-C stops.
pub fn options(args: &StudyArgs) -> Options<'static> {
    Options {
        threads: args.runs.threads(),
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
    let set = args.runs.overrides();
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

/// Where the results of an instrument lie, of a scenario or a function of this name.
pub fn directory(args: &StudyArgs, name: &str, instrument: &str) -> PathBuf {
    let base = Path::new("runs").join(format!("{name}.{instrument}"));
    args.out.clone().unwrap_or_else(|| store::fresh_dir(&base))
}

/// What an instrument does with a scenario.
pub struct Work<'a> {
    /// Its name in directories, and in messages.
    pub names: [&'static str; 2],
    /// How many points it takes, and of how many parameters, as the first line says it.
    pub points: String,
    /// The files that it writes beside the points.
    pub files: &'a [&'a str],
    /// Whether it goes from point to point, and does not know all of them beforehand.
    pub is_search: bool,
}

/// Lets an instrument ask a scenario, and shows what it found; what is finished stays where it was stopped.
pub fn ask<T>(
    args: &StudyArgs,
    study: &Study,
    outputs: Vec<Output>,
    work: &Work<'_>,
    search: impl FnOnce(&mut Simulated<'_>) -> Result<T, Unanswered>,
    show: impl FnOnce(&T, Subject<'_>, &Path) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let [short, name] = work.names;
    let out = directory(args, &study.stands.name, short);
    let options = options(args);
    if !args.json {
        let plan = &study.stands.plan;
        say(&format!(
            "{}: {} × {} × {}, {}\n  {}, seed {} at all points: common random numbers",
            study.stands.name,
            work.points,
            counted(plan.names().len(), "platform"),
            counted(plan.replications as usize, "replication"),
            counted(options.threads, "thread"),
            counted(study.parameters.len(), "parameter"),
            plan.seed,
        ));
    }
    create(&out)?;
    keep_what_is_finished_when_interrupted();
    let watching = watching(args, options.threads);
    let mut response = Simulated::new(
        study,
        outputs,
        &out,
        options,
        &*watching,
        (name, work.files),
        work.is_search,
    );
    match search(&mut response) {
        Ok(found) => {
            let subject = Subject {
                name: &study.stands.name,
                question: &study.stands.question,
            };
            show(&found, subject, &out)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(Unanswered::Campaign(error)) => Err(failed(error, &out)),
        Err(Unanswered::Stopped) => {
            give_up(&out);
            say(
                "! points are missing: the same command with --out this directory goes on with them",
            );
            Ok(ExitCode::from(130))
        }
    }
}

/// Prints what was found, as `json` or as a `table`, and where the page and the table lie.
pub fn tell(
    args: &StudyArgs,
    out: &Path,
    [page, data]: [&str; 2],
    json: impl FnOnce() -> serde_json::Value,
    table: impl FnOnce() -> String,
) -> anyhow::Result<()> {
    if args.json {
        print(&format!("{:#}\n", json()))?;
        say(&format!("results  {}", out.display()));
        return Ok(());
    }
    print(&table())?;
    print(&format!(
        "\nresults  {}\nreport   {}\ntable    {}\n",
        out.display(),
        out.join(page).display(),
        out.join(data).display()
    ))?;
    Ok(())
}

/// Writes `table` as `name` beside the points.
pub fn keep(out: &Path, name: &str, table: Table) -> anyhow::Result<()> {
    write_whole(&out.join(name), &parquet_of(table)?)
}
