//! `walras validate`: runs the verification suite, prints what it found, and exits with 1 if theory disagrees.

use std::process::ExitCode;
use std::time::Instant;

use walras_analysis::validation;
use walras_reports::validation::{markdown, table};

use crate::args::EngineArgs;
use crate::{cores, layout, print, say};

/// The engine against theory.
pub fn engine(args: &EngineArgs) -> anyhow::Result<ExitCode> {
    let clock = Instant::now();
    let threads = args.threads.map_or_else(cores, usize::from);
    say(&format!("verifying the engine on {threads} threads …"));
    let seed = args.seed.unwrap_or(validation::SEED);
    let report = validation::engine(seed, threads);
    let text = if args.json {
        format!("{:#}\n", report.json())
    } else if args.markdown {
        markdown(&report)
    } else {
        table(&report, layout(true))
    };
    print(&text)?;
    say(&format!("took {:.1} s", clock.elapsed().as_secs_f64()));
    Ok(ExitCode::from(if report.passes() { 0 } else { 1 }))
}
