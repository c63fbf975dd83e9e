//! `walras tune`: the values of some parameters that suit an objective best; also on functions whose minimum is known.

use std::path::Path;
use std::process::ExitCode;

use walras_analysis::json;
use walras_analysis::response::function::Known;
use walras_analysis::response::{Function, Response};
use walras_analysis::tune::{Ask, Goal, Limit, PAGE, TRIALS, Tuning, trials};
use walras_reports::study::Subject;
use walras_scenarios::study::{self, Output, TuneMethod};

use crate::args::TuneArgs;
use crate::study::{Work, ask, changes, directory, function, keep, tell};
use crate::{BadInput, create, layout, print, write_whole};

/// Searches, evaluates what is proposed again, writes the table and the page, and shows them.
pub fn tune(args: &TuneArgs) -> anyhow::Result<ExitCode> {
    let fits = |known: Known| known.minimum().is_some() || known == Known::Zdt1;
    match function(&args.study, fits)? {
        Some(known) => of_function(args, known),
        None => of_scenario(args),
    }
}

const METHODS: [(&str, TuneMethod); 5] = [
    ("grid", TuneMethod::Grid),
    ("latin-hypercube", TuneMethod::LatinHypercube),
    ("sobol", TuneMethod::Sobol),
    ("evolutionary", TuneMethod::Evolutionary),
    ("bayesian", TuneMethod::Bayesian),
];

fn of_function(args: &TuneArgs, known: Known) -> anyhow::Result<ExitCode> {
    let mut response = Function::new(known);
    let several = response.quantities().len() > 1;
    let method = match &args.method {
        None if several => TuneMethod::Evolutionary,
        None => TuneMethod::Bayesian,
        Some(name) => {
            let found = METHODS.iter().find(|(known, _)| known == name);
            let names = METHODS.map(|(name, _)| name).join(", ");
            found
                .ok_or_else(|| {
                    BadInput::error(format!(
                        "unknown method `{name}`\n  help: known methods: {names}"
                    ))
                })?
                .1
        }
    };
    if method == TuneMethod::Bayesian && several {
        return Err(BadInput::error(
            "`bayesian` is for one objective\n  help: use --method evolutionary",
        ));
    }
    let mut ask = Ask::of_function(&response, method);
    ask.budget = args.budget.map_or(ask.budget, |budget| budget as usize);
    ask.seed = args.study.runs.seed.unwrap_or(ask.seed);
    let out = directory(&args.study, known.name(), "tune");
    create(&out)?;
    let found = walras_analysis::tune::tune(&mut response, &ask).map_err(BadInput::error)?;
    let question = match known.minimum() {
        Some(minimum) => format!("Where is {} least? (It is {minimum:.6}.)", known.name()),
        None => format!("What is the front of {}?", known.name()),
    };
    let subject = Subject {
        name: known.name(),
        question: &question,
    };
    show(args, &found, subject, &out)?;
    if let (Some(minimum), Some(best), false) =
        (known.minimum(), found.front.first(), args.study.json)
    {
        let value = found.value(*best, 0).unwrap_or(f64::NAN);
        print(&format!("minimum  {minimum:.6}, found {value:.6}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn of_scenario(args: &TuneArgs) -> anyhow::Result<ExitCode> {
    let mut own = Vec::new();
    let asked = [
        ("tune.method", args.method.clone()),
        ("tune.budget", args.budget.map(|n| n.to_string())),
    ];
    for (path, value) in asked {
        own.extend(value.map(|value| (path.to_owned(), value)));
    }
    let set = changes(&args.study, own);
    let path = args.study.scenario.clone().unwrap_or_default();
    let (study, asked) = study::tune(&path, &set, args.study.trace.as_deref())
        .map_err(|issues| BadInput::issues(&issues))?;
    let (question, outputs) = question(&asked);
    let work = Work {
        names: ["tune", "tuning"],
        points: format!("{} points", question.budget),
        files: &[TRIALS, PAGE],
        is_search: true,
    };
    ask(
        &args.study,
        &study,
        outputs,
        &work,
        |response| walras_analysis::tune::tune(response, &question),
        |found, subject, out| show(args, found, subject, out),
    )
}

/// What is asked of the response, and the figures that it needs, each once.
fn question(asked: &study::Tune) -> (Ask, Vec<Output>) {
    let mut outputs: Vec<Output> = Vec::new();
    let mut index = |output: &Output| {
        let known = outputs.iter().position(|other| other == output);
        known.unwrap_or_else(|| {
            outputs.push(output.clone());
            outputs.len() - 1
        })
    };
    let goals = asked.objectives.iter().map(|objective| Goal {
        quantity: index(&objective.output),
        maximize: objective.maximize,
    });
    let goals = goals.collect();
    let limits = asked.constraints.iter().map(|constraint| Limit {
        quantity: index(&constraint.output),
        bound: constraint.bound,
    });
    let limits = limits.collect();
    let ask = Ask {
        method: asked.method,
        budget: asked.budget,
        seed: asked.seed,
        goals,
        limits,
        confidence: asked.confidence,
    };
    (ask, outputs)
}

/// Writes the table and the page, and prints what they say.
fn show(args: &TuneArgs, found: &Tuning, subject: Subject<'_>, out: &Path) -> anyhow::Result<()> {
    keep(out, TRIALS, trials(found))?;
    let page = walras_reports::tune::page(found, subject);
    write_whole(&out.join(PAGE), page.as_bytes())?;
    tell(
        &args.study,
        out,
        [PAGE, TRIALS],
        || json::tune(found),
        || walras_reports::tune::table(found, layout(false)),
    )
}
