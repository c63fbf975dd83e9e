//! `walras sensitivity`: which parameters of a scenario move which figures; also on functions whose answer is known.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use walras_analysis::response::function::{Exact, Known};
use walras_analysis::response::{Function, Simulated};
use walras_analysis::sensitivity::{
    Analysis, INDICES, PAGE, POINTS, analyse, indices, points, points_of,
};
use walras_analysis::{json, store};
use walras_reports::study::Subject;
use walras_scenarios::study::{self, SensitivityMethod};

use crate::args::SensitivityArgs;
use crate::study::{broken, changes, function, keep, options, watching};
use crate::{
    BadInput, create, give_up, keep_what_is_finished_when_interrupted, layout, print, say,
    write_whole,
};

/// Evaluates the design, estimates, writes the tables and the page, and shows them.
pub fn sensitivity(args: &SensitivityArgs) -> anyhow::Result<ExitCode> {
    let known = function(&args.study, |known| known.indices().is_some())?;
    match known {
        Some(known) => of_function(args, known),
        None => of_scenario(args),
    }
}

fn of_function(args: &SensitivityArgs, known: Known) -> anyhow::Result<ExitCode> {
    let method = match args.method.as_deref() {
        None | Some("sobol") => SensitivityMethod::Sobol,
        Some("morris") => SensitivityMethod::Morris,
        Some(other) => {
            return Err(BadInput::error(format!(
                "unknown method `{other}`\n  help: known methods: sobol, morris"
            )));
        }
    };
    let samples = args.samples.unwrap_or(match method {
        SensitivityMethod::Sobol => 1024,
        SensitivityMethod::Morris => 50,
    });
    let seed = args.study.seed.unwrap_or(1);
    let out = directory(args, known.name());
    create(&out)?;
    let mut response = Function::new(known);
    let found = analyse(&mut response, method, samples as usize, seed);
    let found = found.map_err(BadInput::error)?;
    let exact = known.indices();
    let question = format!("What moves the function {}?", known.name());
    let subject = Subject {
        name: known.name(),
        question: &question,
    };
    show(args, &found, exact.as_deref(), subject, &out)?;
    Ok(ExitCode::SUCCESS)
}

fn of_scenario(args: &SensitivityArgs) -> anyhow::Result<ExitCode> {
    let mut own = Vec::new();
    let asked = [
        ("sensitivity.method", args.method.clone()),
        ("sensitivity.samples", args.samples.map(|n| n.to_string())),
    ];
    for (path, value) in asked {
        own.extend(value.map(|value| (path.to_owned(), value)));
    }
    let set = changes(&args.study, own);
    let path = args.study.scenario.clone().unwrap_or_default();
    let (study, asked) = study::sensitivity(&path, &set, args.study.trace.as_deref())
        .map_err(|issues| BadInput::issues(&issues))?;
    let out = directory(args, &study.stands.name);
    let options = options(&args.study);
    if !args.study.json {
        let count = points_of(asked.method, asked.samples, study.parameters.len());
        let plan = &study.stands.plan;
        say(&format!(
            "{}: {count} points × {} platforms × {} replications, {} threads\n  {} parameters, seed {} at all points: common random numbers",
            study.stands.name,
            plan.names().len(),
            plan.replications,
            options.threads,
            study.parameters.len(),
            plan.seed,
        ));
    }
    create(&out)?;
    keep_what_is_finished_when_interrupted();
    let watching = watching(&args.study, options.threads);
    let mut response = Simulated::new(
        &study,
        asked.outputs,
        &out,
        options,
        &*watching,
        ("sensitivity analysis", &[INDICES, POINTS, PAGE]),
        false,
    );
    let found = match analyse(&mut response, asked.method, asked.samples, asked.seed) {
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
    show(args, &found, None, subject, &out)?;
    Ok(ExitCode::SUCCESS)
}

/// Where the points lie.
fn directory(args: &SensitivityArgs, name: &str) -> PathBuf {
    let base = Path::new("runs").join(format!("{name}.sensitivity"));
    args.study
        .out
        .clone()
        .unwrap_or_else(|| store::fresh_dir(&base))
}

/// Writes the tables and the page, and prints what they say.
fn show(
    args: &SensitivityArgs,
    found: &Analysis,
    exact: Option<&[Exact]>,
    subject: Subject<'_>,
    out: &Path,
) -> anyhow::Result<()> {
    let quantities: Vec<_> = found
        .figures
        .iter()
        .map(|figure| figure.quantity.clone())
        .collect();
    keep(out, INDICES, indices(found))?;
    let table = points(
        &found.parameters,
        &found.points,
        &quantities,
        &found.answers,
    );
    keep(out, POINTS, table)?;
    let page = walras_reports::sensitivity::page(found, exact, subject);
    write_whole(&out.join(PAGE), page.as_bytes())?;
    if args.study.json {
        print(&format!("{:#}\n", json::sensitivity(found)))?;
        say(&format!("results  {}", out.display()));
        return Ok(());
    }
    print(&walras_reports::sensitivity::table(
        found,
        exact,
        layout(false),
    ))?;
    print(&format!(
        "\nresults  {}\nreport   {}\ntable    {}\n",
        out.display(),
        out.join(PAGE).display(),
        out.join(INDICES).display()
    ))?;
    Ok(())
}
