//! `walras equilibrium`: where economies come to rest, from few owners and from many, and whether they do.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use walras_analysis::equilibrium::{Equilibrium, PAGE, find};
use walras_analysis::store;
use walras_analysis::words::counted;
use walras_reports::study::Subject;
use walras_scenarios::plan;
use walras_scenarios::run::Pool;
use walras_sim::economy::Economy;

use crate::args::EquilibriumArgs;
use crate::{BadInput, STOP, cores, create, layout, load, overrides, print, say, write_whole};

/// Follows the economies, and shows where they end.
pub fn equilibrium(args: &EquilibriumArgs) -> anyhow::Result<ExitCode> {
    if !(args.years > 0.0 && args.years <= 1000.0) {
        return Err(BadInput::error(format!(
            "--years is the length of each way, found {}\n  help: give a number above 0, such as 20",
            args.years
        )));
    }
    let set = overrides(&args.set, None, None);
    let scenario = load(&args.scenario, &set, None)?;
    let plan::Subject::Economies(all) = &scenario.plan.subject else {
        return Err(BadInput::error(format!(
            "`{}` is not about economies\n  help: `walras list` names scenarios; `burn-share` is one",
            scenario.name
        )));
    };
    let wanted = args.economy.as_deref();
    let chosen: Vec<&Economy> = (all.economies.iter())
        .filter(|economy| wanted.is_none_or(|wanted| economy.name == wanted))
        .collect();
    if chosen.is_empty() {
        let names: Vec<&str> = all
            .economies
            .iter()
            .map(|economy| economy.name.as_str())
            .collect();
        return Err(BadInput::error(format!(
            "no economy `{}`\n  help: there is {}",
            wanted.unwrap_or_default(),
            names.join(", ")
        )));
    }
    let pool = Pool::new(args.threads.map_or_else(cores, usize::from));
    if !args.json {
        say(&format!(
            "{}: {}, each from 6 starts over {} years, {} around each rest, {}",
            scenario.name,
            counted(chosen.len(), "economy"),
            args.years,
            counted(args.replications as usize, "replication"),
            counted(pool.threads(), "thread")
        ));
    }
    let _ = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed));
    let mut found: Vec<Equilibrium> = Vec::new();
    for economy in chosen {
        let stop = || STOP.load(Ordering::Relaxed);
        match find(
            economy,
            args.years,
            u32::from(args.replications),
            &pool,
            &stop,
        )
        .map_err(BadInput::error)?
        {
            Some(one) => found.push(one),
            None => return Ok(ExitCode::from(130)),
        }
    }
    let base = Path::new("runs").join(format!("{}.equilibrium", scenario.name));
    let out = args.out.clone().unwrap_or_else(|| store::fresh_dir(&base));
    create(&out)?;
    let subject = Subject {
        name: &scenario.name,
        question: &scenario.question,
    };
    let page = walras_reports::equilibrium::page(&found, subject);
    write_whole(&out.join(PAGE), page.as_bytes())?;
    if args.json {
        let all: Vec<_> = found.iter().map(Equilibrium::json).collect();
        print(&format!("{:#}\n", serde_json::Value::from(all)))?;
        say(&format!("report  {}", out.join(PAGE).display()));
    } else {
        print(&walras_reports::equilibrium::table(&found, layout(true)))?;
        print(&format!("report   {}\n", out.join(PAGE).display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
