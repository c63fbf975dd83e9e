//! `walras sensitivity`: which parameters of a scenario move which figures; also on functions whose answer is known.

use std::path::Path;
use std::process::ExitCode;

use walras_analysis::json;
use walras_analysis::response::Function;
use walras_analysis::response::function::{Exact, Known};
use walras_analysis::sensitivity::{
    Analysis, INDICES, PAGE, POINTS, analyse, indices, points, points_of,
};
use walras_reports::study::Subject;
use walras_scenarios::study::{self, SensitivityMethod};

use crate::args::SensitivityArgs;
use crate::study::{Work, ask, changes, directory, function, keep, tell};
use crate::{BadInput, create, layout, write_whole};

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
    let seed = args.study.runs.seed.unwrap_or(1);
    let out = directory(&args.study, known.name(), "sensitivity");
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
    let count = points_of(asked.method, asked.samples, study.parameters.len());
    let work = Work {
        names: ["sensitivity", "sensitivity analysis"],
        points: format!("{count} points"),
        files: &[INDICES, POINTS, PAGE],
        is_search: false,
    };
    ask(
        &args.study,
        &study,
        asked.outputs,
        &work,
        |response| analyse(response, asked.method, asked.samples, asked.seed),
        |found, subject, out| show(args, found, None, subject, out),
    )
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
    tell(
        &args.study,
        out,
        [PAGE, INDICES],
        || json::sensitivity(found),
        || walras_reports::sensitivity::table(found, exact, layout(false)),
    )
}
