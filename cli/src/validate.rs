//! `walras validate`: runs the verification suite, prints what it found, and exits with 1 if theory disagrees.

use std::process::ExitCode;
use std::time::Instant;

use walras_analysis::validation;
use walras_reports::validation::{markdown, table};

use crate::args::EngineArgs;
use crate::{BadInput, cores, layout, print, say};

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
