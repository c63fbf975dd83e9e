//! `walras breakeven`: the value of a parameter at which two platforms have the same figure; also on a function with a known root.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use walras_analysis::breakeven::{Ask, Found, PAGE, STEPS};
use walras_analysis::response::function::Known;
use walras_analysis::response::{Function, Simulated};
use walras_analysis::{json, store};
use walras_reports::study::Subject;
use walras_scenarios::study::{self, Crossing};

use crate::args::BreakevenArgs;
use crate::study::{broken, changes, function, keep, options, watching};
use crate::{
    BadInput, create, give_up, keep_what_is_finished_when_interrupted, layout, print, say,
    write_whole,
};

/// Bisects, writes the table and the page, and shows them.
pub fn breakeven(args: &BreakevenArgs) -> anyhow::Result<ExitCode> {
    if !(args.tolerance > 0.0 && args.tolerance < 1.0) {
        return Err(BadInput::error(format!(
            "--tolerance is a part of the range, found {}\n  help: give a number between 0 and 1, such as 0.005",
            args.tolerance
        )));
    }
    if !(args.times > 0.0 && args.times.is_finite()) {
        return Err(BadInput::error(format!(
            "--times is a positive factor, found {}\n  help: 0.2 asks where the first is 80 % less than the second",
            args.times
        )));
    }
    let ask = Ask {
        times: args.times,
        tolerance: args.tolerance,
    };
    match function(&args.study, |known| known == Known::Root)? {
        Some(known) => {
            let out = directory(args, known.name());
            create(&out)?;
            let found = walras_analysis::breakeven::breakeven(&mut Function::new(known), ask);
            let subject = Subject {
                name: known.name(),
                question: "Where is ln x − ln 3 zero? (It is at 3.)",
            };
            show(args, &found.map_err(BadInput::error)?, subject, &out)?;
            Ok(ExitCode::SUCCESS)
        }
        None => of_scenario(args, ask),
    }
}

fn of_scenario(args: &BreakevenArgs, ask: Ask) -> anyhow::Result<ExitCode> {
    let crossing = crossing(args)?;
    let set = changes(&args.study, Vec::new());
    let path = args.study.scenario.clone().unwrap_or_default();
    let (study, outputs) = study::breakeven(&path, &set, args.study.trace.as_deref(), &crossing)
        .map_err(|issues| BadInput::issues(&issues))?;
    let out = directory(args, &study.stands.name);
    let options = options(&args.study);
    if !args.study.json {
        let plan = &study.stands.plan;
        say(&format!(
            "{}: bisection, at each point {} platforms × {} replications, {} threads\n  seed {} at all points: common random numbers",
            study.stands.name,
            plan.names().len(),
            plan.replications,
            options.threads,
            plan.seed,
        ));
    }
    create(&out)?;
    keep_what_is_finished_when_interrupted();
    let watching = watching(&args.study, options.threads);
    let mut response = Simulated::new(
        &study,
        outputs,
        &out,
        options,
        &*watching,
        ("break-even", &[STEPS, PAGE]),
        true,
    );
    let found = match walras_analysis::breakeven::breakeven(&mut response, ask) {
        Ok(found) => found,
        Err(error) => {
            if let Some(error) = broken(error, &out) {
                return Err(error);
            }
            give_up(&out);
            say(
                "! points are missing: the same command with --out this directory goes on with them",
            );
            return Ok(ExitCode::from(130));
        }
    };
    let subject = Subject {
        name: &study.stands.name,
        question: &study.stands.question,
    };
    show(args, &found, subject, &out)?;
    Ok(ExitCode::SUCCESS)
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

/// Where the points lie.
fn directory(args: &BreakevenArgs, name: &str) -> PathBuf {
    let base = Path::new("runs").join(format!("{name}.breakeven"));
    args.study
        .out
        .clone()
        .unwrap_or_else(|| store::fresh_dir(&base))
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
    if args.study.json {
        print(&format!("{:#}\n", json::breakeven(found)))?;
        say(&format!("results  {}", out.display()));
        return Ok(());
    }
    print(&walras_reports::breakeven::table(found, layout(false)))?;
    print(&format!(
        "\nresults  {}\nreport   {}\ntable    {}\n",
        out.display(),
        out.join(PAGE).display(),
        out.join(STEPS).display()
    ))?;
    Ok(())
}
