//! `walras journal`: every movement of money in one replication of an economy, as CSV.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use walras_scenarios::plan::Subject;
use walras_sim::ledger::{Account, Posting};

use crate::args::JournalArgs;
use crate::target::Target;
use crate::{BadInput, STOP, print, say, write_whole};

/// Writes the journal of the network that figures are about.
pub fn journal(args: &JournalArgs) -> anyhow::Result<ExitCode> {
    let target = Target::find(&args.target)?;
    let plan = &target.scenario.plan;
    let Subject::Economies(all) = &plan.subject else {
        return Err(BadInput::error(format!(
            "`{}` is not about economies, and only these keep a journal\n  help: `walras list` names scenarios; `subsidy-end` is one",
            target.scenario.name
        )));
    };
    let _ = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed));
    let stop = || STOP.load(Ordering::Relaxed);
    let economy = &all.economies[target.platform];
    let journal = economy.journal(&plan.settings(), plan.seed, target.replication, &stop);
    let Some(journal) = journal else {
        return Ok(ExitCode::from(130));
    };
    let text = table(&journal);
    match &args.out {
        None => print(&text),
        Some(path) => {
            write_whole(path, text.as_bytes())?;
            say(&format!(
                "{} movements of money in {}",
                journal.len(),
                path.display()
            ));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// A row for each movement, amounts in whole base units.
fn table(journal: &[Posting]) -> String {
    let mut text = "days,asset,from,to,amount_e9,reason\n".to_owned();
    let name = |account: Option<Account>| account.map_or_else(String::new, Account::name);
    for posting in journal {
        writeln!(
            text,
            "{},{},{},{},{},{}",
            posting.at.as_secs_f64() / 86_400.0,
            posting.asset.name(),
            name(posting.from),
            name(posting.to),
            posting.amount.0,
            posting.reason.name()
        )
        .expect("a string takes everything");
    }
    text
}
