//! `walras breakeven`: the value of a parameter at which two platforms have the same figure, or those of several parameters by the key of
//! the scenario; also on a function with a known root.

use std::path::Path;
use std::process::ExitCode;

use walras_analysis::breakeven::several::{Several, several};
use walras_analysis::breakeven::{Ask, Found, PAGE, STEPS};
use walras_analysis::json;
use walras_analysis::response::function::Known;
use walras_analysis::response::{Function, Simulated, Unanswered};
use walras_reports::study::Subject;
use walras_scenarios::study::{self, Crossing, Output, Study};

use crate::args::BreakevenArgs;
use crate::study::{Work, ask, changes, directory, function, keep, tell};
use crate::{BadInput, create, layout, write_whole};

/// Bisects, writes the table and the page, and shows them.
pub fn breakeven(args: &BreakevenArgs) -> anyhow::Result<ExitCode> {
    let tolerance = args.tolerance.unwrap_or(TOLERANCE);
    if !(tolerance > 0.0 && tolerance < 1.0) {
        return Err(BadInput::error(format!(
            "--tolerance is a part of the range, found {tolerance}\n  help: give a number between 0 and 1, such as 0.005"
        )));
    }
    let times = args.times.unwrap_or(1.0);
    if !(times > 0.0 && times.is_finite()) {
        return Err(BadInput::error(format!(
            "--times is a positive factor, found {times}\n  help: 0.2 asks where the first is 80 % less than the second"
        )));
    }
    let ask = Ask { times, tolerance };
    match function(&args.study, |known| known == Known::Root)? {
        Some(known) => {
            let out = directory(&args.study, known.name(), "breakeven");
            create(&out)?;
            let found = walras_analysis::breakeven::breakeven(&mut Function::new(known), ask);
            let subject = Subject {
                name: known.name(),
                question: "Where is ln x − ln 3 zero? (It is at 3.)",
            };
            show(args, &found.map_err(BadInput::error)?, subject, &out)?;
            Ok(ExitCode::SUCCESS)
        }
        None if asks_by_key(args) => by_key(args),
        None => of_scenario(args, ask),
    }
}

/// The part of the range to which a value is looked for, where nothing is asked.
const TOLERANCE: f64 = 0.005;

/// Whether what varies is for the scenario to say.
fn asks_by_key(args: &BreakevenArgs) -> bool {
    args.path.is_none() && args.from.is_none() && args.to.is_none() && args.between.is_empty()
}

fn by_key(args: &BreakevenArgs) -> anyhow::Result<ExitCode> {
    let set = changes(&args.study, Vec::new());
    let path = args.study.scenario.clone().unwrap_or_default();
    let (study, asked) = study::breakevens(&path, &set, args.study.trace.as_deref())
        .map_err(|issues| BadInput::issues(&issues))?;
    let times = args.times.map_or(asked.times, |times| vec![times]);
    let tolerance = args.tolerance.unwrap_or(asked.tolerance);
    let stands: Vec<Option<String>> = study
        .parameters
        .iter()
        .map(|parameter| study.written(parameter))
        .collect();
    simulate(
        args,
        &study,
        asked.outputs,
        |response| several(response, &times, tolerance, &stands),
        |found, subject, out| show_several(args, found, subject, out),
    )
}

fn of_scenario(args: &BreakevenArgs, ask: Ask) -> anyhow::Result<ExitCode> {
    let crossing = crossing(args)?;
    let set = changes(&args.study, Vec::new());
    let path = args.study.scenario.clone().unwrap_or_default();
    let (study, outputs) = study::breakeven(&path, &set, args.study.trace.as_deref(), &crossing)
        .map_err(|issues| BadInput::issues(&issues))?;
    simulate(
        args,
        &study,
        outputs,
        |response| walras_analysis::breakeven::breakeven(response, ask),
        |found, subject, out| show(args, found, subject, out),
    )
}

/// Searches in a scenario, and shows what was found.
fn simulate<T>(
    args: &BreakevenArgs,
    study: &Study,
    outputs: Vec<Output>,
    search: impl FnOnce(&mut Simulated<'_>) -> Result<T, Unanswered>,
    show: impl FnOnce(&T, Subject<'_>, &Path) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    let work = Work {
        names: ["breakeven", "break-even"],
        points: "points of a bisection".to_owned(),
        files: &[STEPS, PAGE],
        is_search: true,
    };
    ask(&args.study, study, outputs, &work, search, show)
}

/// What is asked of a scenario; all of it must be given.
fn crossing(args: &BreakevenArgs) -> anyhow::Result<Crossing> {
    let missing = |option: &str, example: &str| {
        BadInput::error(format!(
            "a break-even of a scenario needs {option}\n  help: for example {option} {example}"
        ))
    };
    let given = |value: &Option<String>, option: &str, example: &str| {
        value.clone().ok_or_else(|| missing(option, example))
    };
    let [first, second] = args.between.as_slice() else {
        return Err(missing("--between", "depin,cloud"));
    };
    Ok(Crossing {
        path: given(&args.path, "--set-path", "workload.rate_factor")?,
        ends: [
            given(&args.from, "--from", "0.1")?,
            given(&args.to, "--to", "10")?,
        ],
        scale: args.scale.clone(),
        metric: args.metric.clone(),
        between: [first.clone(), second.clone()],
    })
}

/// Writes the table and the page, and prints what they say.
fn show(
    args: &BreakevenArgs,
    found: &Found,
    subject: Subject<'_>,
    out: &Path,
) -> anyhow::Result<()> {
    keep(out, STEPS, found.table())?;
    let page = walras_reports::breakeven::page(found, subject);
    write_whole(&out.join(PAGE), page.as_bytes())?;
    tell(
        &args.study,
        out,
        [PAGE, STEPS],
        || json::breakeven(found),
        || walras_reports::breakeven::table(found, layout(false)),
    )
}

/// The same for several parameters.
fn show_several(
    args: &BreakevenArgs,
    found: &Several,
    subject: Subject<'_>,
    out: &Path,
) -> anyhow::Result<()> {
    keep(out, STEPS, found.table())?;
    let page = walras_reports::breakevens::page(found, subject, STEPS);
    write_whole(&out.join(PAGE), page.as_bytes())?;
    tell(
        &args.study,
        out,
        [PAGE, STEPS],
        || json::breakevens(found),
        || walras_reports::breakevens::table(found, layout(false)),
    )
}
