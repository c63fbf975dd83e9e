//! `walras validate`: holds the engine against theory, the cost model against measurements and the rules of protocols against their
//! test vectors, prints what it found, and exits with 1 if they disagree.

use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Instant;

use walras_analysis::calibration::{data, ladder};
use walras_analysis::words::counted;
use walras_analysis::{conformance, fidelity, validation};
use walras_reports::validation::{markdown, table};
use walras_scenarios::plan::Subject;
use walras_scenarios::run::Pool;
use walras_sim::economy::Economy;

use crate::args::{CalibrationArgs, EngineArgs, FidelitiesArgs, ProtocolsArgs};
use crate::{BadInput, STOP, cores, layout, load, print, say};

/// The engine against theory.
pub fn engine(args: &EngineArgs) -> anyhow::Result<ExitCode> {
    let clock = Instant::now();
    let wanted = args.only.as_deref().unwrap_or_default().to_lowercase();
    let is_wanted = |title: &str| title.to_lowercase().contains(&wanted);
    let titles = validation::titles();
    if !titles.iter().any(|title| is_wanted(title)) {
        return Err(BadInput::error(format!(
            "no group of the suite has `{wanted}` in its title\n  help: the groups are {}",
            titles.join(", ")
        )));
    }
    let threads = args.threads.map_or_else(cores, usize::from);
    say(&format!("verifying the engine on {threads} threads …"));
    let seed = args.seed.unwrap_or(validation::SEED);
    let report = validation::engine(seed, threads, is_wanted);
    let text = if args.json {
        format!("{:#}\n", report.json())
    } else if args.markdown {
        markdown(&report)
    } else {
        table(&report, layout(true))
    };
    print(&text)?;
    say(&format!("took {:.1} s", clock.elapsed().as_secs_f64()));
    Ok(ExitCode::from(u8::from(!report.passes())))
}

/// Economies request by request against economies as flows.
pub fn fidelities(args: &FidelitiesArgs) -> anyhow::Result<ExitCode> {
    let clock = Instant::now();
    let set = args.runs.overrides();
    let scenario = load(&args.scenario, &set, None)?;
    let plan = &scenario.plan;
    let economies = match &plan.subject {
        Subject::Economies(all) => &all.economies[..],
        _ => &[],
    };
    let works = |economy: &&Economy| {
        let mut networks = economy.networks.iter();
        networks.any(|network| network.machines.is_some())
    };
    let economies: Vec<&Economy> = economies.iter().filter(works).collect();
    if economies.is_empty() {
        return Err(BadInput::error(format!(
            "`{}` has no economy whose networks work on platforms\n  help: `walras validate fidelities` alone takes `two-fidelities`",
            scenario.name
        )));
    }
    let pool = Pool::new(args.runs.threads());
    say(&format!(
        "{}: {} × 2 fidelities × {} on {} …",
        scenario.name,
        counted(economies.len(), "economy"),
        counted(plan.replications as usize, "replication"),
        counted(pool.threads(), "thread")
    ));
    let _ = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed));
    let Some(report) = fidelity::compare(plan, &economies, &pool, &STOP) else {
        return Ok(ExitCode::from(130));
    };
    let text = if args.json {
        format!("{:#}\n", report.json())
    } else if args.markdown {
        walras_reports::fidelity::markdown(&report)
    } else {
        walras_reports::fidelity::table(&report, layout(true))
    };
    print(&text)?;
    say(&format!("took {:.1} s", clock.elapsed().as_secs_f64()));
    Ok(ExitCode::from(u8::from(!report.passes())))
}

/// The cost model against published measurements.
pub fn calibration(args: &CalibrationArgs) -> anyhow::Result<ExitCode> {
    let clock = Instant::now();
    let Some(folder) = args.data.clone().or_else(data::folder) else {
        say("skipped: there is no folder with measurements\n  \
             help: set WALRAS_DATA to where it is; what the ladder found is in scenarios/calibration/VALIDATION.md");
        return Ok(ExitCode::SUCCESS);
    };
    say(&format!(
        "comparing with the measurements in {} …",
        folder.display()
    ));
    let ladder = ladder::climb(&folder).map_err(|error| {
        BadInput::error(format!(
            "{error}\n  help: the folder needs `kernels` and `serving`"
        ))
    })?;
    let text = if args.json {
        format!("{:#}\n", ladder.json())
    } else if args.markdown {
        walras_reports::ladder::markdown(&ladder)
    } else {
        walras_reports::ladder::table(&ladder, layout(true))
    };
    print(&text)?;
    say(&format!("took {:.1} s", clock.elapsed().as_secs_f64()));
    Ok(ExitCode::from(u8::from(!ladder.passes())))
}

/// The rules of protocols against their test vectors.
pub fn protocols(args: &ProtocolsArgs) -> anyhow::Result<ExitCode> {
    let Some(folder) = args.data.clone().or_else(data::folder) else {
        say("skipped: there is no folder with vectors\n  \
             help: set WALRAS_DATA to where it is; what was found is in analysis/PROTOCOLS.md");
        return Ok(ExitCode::SUCCESS);
    };
    if !folder.join("token").is_dir() {
        return Err(BadInput::error(format!(
            "`{}` has no folder `token`\n  help: the vectors of protocols are looked for there",
            folder.display()
        )));
    }
    let page = conformance::compare(&folder).map_err(|error| {
        BadInput::error(format!(
            "{error}\n  help: the vectors were extracted from the protocols' repositories; see analysis/PROTOCOLS.md"
        ))
    })?;
    let text = if args.json {
        format!("{:#}\n", page.json())
    } else if args.markdown {
        walras_reports::conformance::markdown(&page)
    } else {
        walras_reports::conformance::table(&page, layout(true))
    };
    print(&text)?;
    Ok(ExitCode::from(u8::from(!page.passes())))
}
