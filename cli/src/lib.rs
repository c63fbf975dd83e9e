//! The `walras` command: reads the command line, calls the libraries, prints. Results go to stdout, talk to stderr.
//!
//! A binary of one's own that calls [`main_with`] is this command with further schedulers.

mod args;
mod breakeven;
mod calibrate;
mod equilibrium;
mod events;
mod goodput;
mod import;
mod journal;
mod overview;
mod progress;
mod replay;
mod sensitivity;
mod study;
mod sweep;
mod target;
mod tournament;
mod trace;
mod tune;
mod validate;
mod why;

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};

use anyhow::Context;
use clap::Parser;
use walras_analysis::compare::Comparison;
use walras_analysis::conduct::WarmUpError;
use walras_analysis::experiment::{Execution, Experiment, Manifest};
use walras_analysis::store::Writer;
use walras_analysis::words::counted;
use walras_analysis::{conduct, json, store};
use walras_reports::{html, terminal};
use walras_scenarios::event_log::Logbook;
use walras_scenarios::plan::Subject;
use walras_scenarios::{Issues, Options, Scenario};
pub use walras_scenarios::{Parameters, Registered};
use walras_sim::scheduling::Broken;

use args::{CheckArgs, Cli, Command, CompareArgs, ReportArgs, RunArgs, Validate};

/// Set by Ctrl-C: runs under way are dropped, finished ones are kept.
static STOP: AtomicBool = AtomicBool::new(false);

/// The user's input is wrong; printed as it is, exit code 2.
#[derive(Debug)]
struct BadInput(String);

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

impl BadInput {
    fn issues(issues: &Issues) -> anyhow::Error {
        Self(issues.to_string()).into()
    }

    fn error(error: impl fmt::Display) -> anyhow::Error {
        Self(format!("error: {error}")).into()
    }
}

/// The whole command, in which scenarios and `--policies` can name `schedulers` beside those that are built in.
///
/// # Panics
/// If two schedulers have the same name, or a built-in one has it.
pub fn main_with(schedulers: impl IntoIterator<Item = Registered>) -> ExitCode {
    walras_scenarios::register(schedulers.into_iter().collect());
    let cli = Cli::parse();
    match unless_broken(|| execute(cli.command)) {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let bad_input = error.downcast_ref::<BadInput>();
            match bad_input {
                Some(bad) => say(&bad.to_string()),
                None => say(&format!("error: {}", causes(&error))),
            }
            ExitCode::from(if bad_input.is_some() { 2 } else { 1 })
        }
    }
}

/// What `work` gives, or why the scheduler of a run that it watches broke off.
fn unless_broken<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        match Broken::of(payload.as_ref()) {
            Some(broken) => Err(BadInput::error(&broken.0)),
            None => panic::resume_unwind(payload),
        }
    })
}

/// A run that did not come to its end, as an error of who is to blame.
fn broken_run(
    is_scheduler: bool,
    error: impl std::error::Error + Send + Sync + 'static,
) -> anyhow::Error {
    const VIOLATED: &str =
        "an invariant of the simulation was violated; please report it with the scenario";
    if is_scheduler {
        BadInput::error(error)
    } else {
        anyhow::Error::new(error).context(VIOLATED)
    }
}

fn execute(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(args) => run(&args),
        Command::Sweep(args) => sweep::sweep(&args),
        Command::Sensitivity(args) => sensitivity::sensitivity(&args),
        Command::Tune(args) => tune::tune(&args),
        Command::Breakeven(args) => breakeven::breakeven(&args),
        Command::Equilibrium(args) => equilibrium::equilibrium(&args),
        Command::Tournament(args) => tournament::tournament(&args),
        Command::Check(args) => check(&args),
        Command::Report(args) => report(&args),
        Command::Compare(args) => compare(&args),
        Command::Validate(Validate::Engine(args)) => validate::engine(&args),
        Command::Validate(Validate::Calibration(args)) => validate::calibration(&args),
        Command::Validate(Validate::Fidelities(args)) => validate::fidelities(&args),
        Command::Validate(Validate::Protocols(args)) => validate::protocols(&args),
        Command::Import(args) => import::run(&args),
        Command::Events(args) => events::list(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Trace(args) => trace::trace(&args),
        Command::Why(args) => why::why(&args),
        Command::Journal(args) => journal::journal(&args),
        Command::Goodput(args) => goodput::goodput(&args),
        Command::Calibrate(args) => calibrate::calibrate(&args.arguments),
        Command::List => list(),
        Command::Schema => print(&format!("{:#}\n", walras_scenarios::schema())),
    }
}

fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let set = args.runs.overrides();
    let swept = walras_scenarios::sweep::load(&args.scenario, &set, &[], args.trace.as_deref());
    if !swept
        .map_err(|issues| BadInput::issues(&issues))?
        .axes
        .is_empty()
    {
        return sweep::run(args);
    }
    let scenario = load(&args.scenario, &set, args.trace.as_deref())?;
    let threads = threads(args, &scenario);
    if !args.json {
        say(&overview::overview(&scenario, threads));
    }
    let logged = logged(args, &scenario)?;
    let out = reserve(args, &scenario)?;
    keep_what_is_finished_when_interrupted();
    let scratch = logged.map(|_| events::Scratch::beside(&out)).transpose()?;
    let logbook = logged
        .zip(scratch.as_ref())
        .map(|(replication, scratch)| Logbook::new(scratch.0.clone(), replication));
    let (started, clock) = (SystemTime::now(), Instant::now());
    let options = Options {
        threads,
        pool: None,
        record_jobs: args.record_jobs,
        logbook: logbook.as_ref(),
        stop: &STOP,
    };
    let Some(scenario) = with_warm_up(scenario, &options).inspect_err(|_| give_up(&out))? else {
        return Ok(nothing_finished(&out));
    };
    let mut writer = Writer::begin(&scenario, &out).context("the results could not be written")?;
    let line = progress::Line::new(&scenario.plan);
    let carried = conduct::carry_out(
        &scenario.plan,
        &options,
        &|progress| line.advance(progress),
        &mut |run| writer.keep(run),
    );
    line.finish();
    let carried = carried
        .map_err(|error| broken_run(error.is_scheduler, error))
        .inspect_err(|_| give_up(&out))?;
    if writer.is_empty() {
        return Ok(nothing_finished(&out));
    }
    let execution = Execution {
        command: std::env::args().collect(),
        started: humantime::format_rfc3339_seconds(started).to_string(),
        wall_seconds: clock.elapsed().as_secs_f64(),
        threads,
    };
    let manifest = Manifest::new(&scenario, carried, execution);
    let (logs, problems) = events::finish(logbook);
    writer
        .finish(manifest, &scenario.resolved, &logs)
        .context("the results could not be written")?;
    // What is reported is what was written.
    let experiment = store::load(&out).context("the results could not be read back")?;
    show(
        &experiment,
        &out.join("report.html"),
        &out,
        args.json,
        args.all,
    )?;
    for problem in problems {
        say(&format!(
            "! no event log: {problem}\n  the results are complete"
        ));
    }
    if let Some(trace) = scenario.trace.filter(|trace| trace.used < trace.rows) {
        let (used, rows) = (trace.used, trace.rows);
        let noun = match scenario.plan.subject {
            Subject::Requests(_) => "requests",
            Subject::Batch(_) | Subject::Economies(_) => "jobs",
        };
        say(&format!(
            "! {used} of the {rows} {noun} of the trace lie within the horizon; the others were left out"
        ));
    }
    Ok(ExitCode::from(if carried.interrupted { 130 } else { 0 }))
}

/// Finds the warm-up if it was not given; `None` if that was interrupted.
fn with_warm_up(mut scenario: Scenario, options: &Options<'_>) -> anyhow::Result<Option<Scenario>> {
    if scenario.plan.finds_warm_up {
        let warm_up = match conduct::find_warm_up(&scenario.plan, options) {
            Ok(Some(warm_up)) => warm_up,
            Ok(None) => return Ok(None),
            Err(WarmUpError::Run(error)) => return Err(broken_run(error.is_scheduler, error)),
            Err(error) => return Err(BadInput::error(error)),
        };
        say(&format!(
            "warm-up of {warm_up} found by pilot replications (MSER-5)"
        ));
        scenario.plan.warm_up = warm_up;
    }
    Ok(Some(scenario))
}

/// The end of a run that was interrupted too early.
fn nothing_finished(out: &Path) -> ExitCode {
    give_up(out);
    say("interrupted before the first run had finished; nothing was written");
    ExitCode::from(130)
}

/// What the options change, as overrides.
fn overrides(
    set: &[(String, String)],
    seed: Option<u64>,
    replications: Option<u32>,
) -> Vec<(String, String)> {
    let mut all = set.to_vec();
    all.extend(seed.map(|seed| ("run.seed".to_owned(), seed.to_string())));
    all.extend(replications.map(|n| ("run.replications".to_owned(), n.to_string())));
    all
}

fn keep_what_is_finished_when_interrupted() {
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        say("\ninterrupted: keeping what is finished (once more to drop it)");
    });
}

/// Removes the directory for the results, but only if it is empty.
fn give_up(out: &Path) {
    let _ = std::fs::remove_dir(out);
}

/// As many threads as asked for, or as there are cores; never more than runs.
fn threads(args: &RunArgs, scenario: &Scenario) -> usize {
    let runs = scenario.plan.names().len() * scenario.plan.replications as usize;
    args.runs.threads().min(runs).max(1)
}

/// Threads that the machine runs at a time.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The replication whose events are logged, if one is.
fn logged(args: &RunArgs, scenario: &Scenario) -> anyhow::Result<Option<u32>> {
    if args.log_events.is_some() {
        target::of_requests(scenario, "an event log")?;
    }
    let count = scenario.plan.replications;
    match args.log_events {
        Some(asked) if asked >= count => Err(BadInput::error(format!(
            "there is no replication {asked} to log\n  help: there are {count}, 0 to {}",
            count - 1
        ))),
        logged => Ok(logged),
    }
}

/// The directory for the results, made before the run: a place that cannot be written to is the user's mistake, and known at once.
fn reserve(args: &RunArgs, scenario: &Scenario) -> anyhow::Result<PathBuf> {
    let numbered = || store::fresh_dir(&Path::new("runs").join(&scenario.name));
    let out = args.out.clone().unwrap_or_else(numbered);
    store::refuse_occupied(&out).map_err(BadInput::error)?;
    create(&out)?;
    Ok(out)
}

fn create(out: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).map_err(|error| {
        BadInput::error(format!(
            "cannot write results to `{}`: {error}\n  help: name a directory that you may write to with --out",
            out.display()
        ))
    })
}

fn check(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let mut problems = Vec::new();
    for path in &args.scenarios {
        let trace = args.trace.as_deref();
        let sweep = walras_scenarios::sweep::load(path, &args.set, &[], trace);
        let asked = |sweep| {
            Ok((
                sweep,
                walras_scenarios::study::check(path, &args.set, trace)?,
            ))
        };
        match sweep.and_then(asked) {
            Ok((sweep, instruments)) => {
                let platforms = sweep.points[0].platforms.len();
                let points = match sweep.axes.len() {
                    0 => String::new(),
                    _ => format!(", {}", counted(sweep.points.len(), "point")),
                };
                let asked = instruments.iter().map(|key| format!(", {key}"));
                let asked: String = asked.collect();
                print(&format!(
                    "{}: ok, {}{points}{asked}\n",
                    path.display(),
                    counted(platforms, "platform")
                ))?;
            }
            Err(issues) => problems.push(issues.to_string()),
        }
    }
    if problems.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(BadInput(problems.join("\n")).into())
    }
}

fn report(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let experiment = store::load(&args.run).map_err(BadInput::error)?;
    let page = args
        .out
        .clone()
        .unwrap_or_else(|| args.run.join("report.html"));
    show(&experiment, &page, &args.run, args.json, args.all)?;
    Ok(ExitCode::SUCCESS)
}

fn compare(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let before = store::load(&args.before).map_err(BadInput::error)?;
    let after = store::load(&args.after).map_err(BadInput::error)?;
    let comparison = Comparison::between(&before, &after).map_err(BadInput::error)?;
    if args.json {
        return print(&format!("{:#}\n", json::between(&comparison)));
    }
    print(&table(&comparison, args.all))
}

fn list() -> anyhow::Result<ExitCode> {
    let mut text = String::new();
    for entry in walras_scenarios::library() {
        let _ = writeln!(text, "{:<18} {}", entry.name, entry.question);
    }
    print(&text)
}

fn load(path: &Path, set: &[(String, String)], trace: Option<&Path>) -> anyhow::Result<Scenario> {
    walras_scenarios::load(path, set, trace).map_err(|issues| BadInput::issues(&issues))
}

/// What the model leaves out of what was compared.
fn limits(comparison: &Comparison) -> &'static [&'static str] {
    match comparison.noun() {
        "jobs" => walras_sim::LIMITS_OF_CLUSTERS,
        "units" => walras_sim::LIMITS_OF_ECONOMIES,
        _ => walras_sim::LIMITS,
    }
}

/// Writes the HTML page and prints the figures.
fn show(
    experiment: &Experiment,
    page: &Path,
    directory: &Path,
    as_json: bool,
    all: bool,
) -> anyhow::Result<()> {
    let comparison = Comparison::of(experiment);
    write_whole(
        page,
        html::render_with(
            experiment,
            &comparison,
            limits(&comparison),
            trace::charts(experiment, directory),
        )
        .as_bytes(),
    )?;
    if as_json {
        print(&format!(
            "{:#}\n",
            json::experiment(experiment, &comparison)
        ))?;
        say(&format!("results  {}", directory.display()));
        return Ok(());
    }
    print(&table(&comparison, all))?;
    print(&format!(
        "\nresults  {}\nreport   {}\n",
        directory.display(),
        page.display()
    ))?;
    Ok(())
}

fn table(comparison: &Comparison, all: bool) -> String {
    terminal::table(comparison, layout(all))
}

/// How to lay out a table on this terminal.
fn layout(all: bool) -> terminal::Options {
    let stdout = io::stdout();
    let color = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    terminal::Options {
        width: columns.unwrap_or(80),
        color,
        all,
    }
}

/// Replaces a file in one step; anything but a file is left alone.
fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(BadInput::error(format!(
            "`{}` is not a file\n  help: name a file for the report with --out",
            path.display()
        )));
    }
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let written = std::fs::write(&partial, bytes).and_then(|()| std::fs::rename(&partial, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    written.with_context(|| {
        format!(
            "cannot write the report to `{}` (the results are complete)",
            path.display()
        )
    })
}

/// Talks to the user. A reader who has gone is no reason to lose a run.
fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// An error with its causes, each said once.
fn causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            let _ = write!(text, ": {cause}");
        }
    }
    text
}

fn print(text: &str) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Whether the reader of our output has gone, as in `walras list | head -1`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
