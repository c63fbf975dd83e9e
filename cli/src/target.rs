//! Which run is meant: one that was made, by its directory, or one of a scenario; and which platform and replication of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use walras_analysis::experiment::{Manifest, RunEntry};
use walras_analysis::store;
use walras_scenarios::Scenario;
use walras_scenarios::issue::suggestion;
use walras_sim::record::Kind;

use crate::args::TargetArgs;
use crate::{BadInput, load, say};

const MANIFEST: &str = "manifest.json";

/// One platform in one replication of a scenario, which was run or could be.
pub struct Target {
    pub scenario: Scenario,
    pub platform: usize,
    pub replication: u32,
    /// What was recorded of it, if it was run.
    pub entry: Option<RunEntry>,
}

impl Target {
    /// As [`Target::find`], of what has jobs.
    pub fn with_jobs(args: &TargetArgs) -> anyhow::Result<Self> {
        let target = Self::find(args)?;
        if target.scenario.plan.kind() == Kind::Economy {
            return Err(BadInput::error(format!(
                "`{}` is about economies, in which work flows and there are no jobs\n  help: `walras journal` writes their movements of money, and epochs.parquet in a run directory has all epochs",
                target.scenario.name
            )));
        }
        Ok(target)
    }

    /// What the arguments mean; without any, the newest run.
    pub fn find(args: &TargetArgs) -> anyhow::Result<Self> {
        let path = match &args.target {
            Some(path) => path.clone(),
            None => newest()?,
        };
        let is_run = path.join(MANIFEST).is_file();
        if !is_run && path.is_dir() {
            return Err(BadInput::error(format!(
                "`{}` is not a run directory: it has no `{MANIFEST}`\n  help: give the directory that `walras run` printed last, or one of the directories in that of a sweep or tournament",
                path.display()
            )));
        }
        let manifest = is_run.then(|| store::manifest(&path)).transpose();
        let manifest = manifest.map_err(BadInput::error)?;
        let mut scenario = match &manifest {
            Some(_) if !args.set.is_empty() || args.seed.is_some() => {
                return Err(BadInput::error(
                    "--set and --seed change a scenario, and this is a run that was made\n  help: give the scenario instead",
                ));
            }
            Some(manifest) => recorded(&path, manifest)?,
            None => {
                let set = crate::overrides(&args.set, args.seed, None);
                let trace = args.trace.as_deref();
                let swept = walras_scenarios::sweep::load(&path, &set, &[], trace);
                let swept = swept.map_err(|issues| BadInput::issues(&issues))?;
                if !swept.axes.is_empty() {
                    return Err(BadInput::error(format!(
                        "`{}` is a sweep, which has many runs
  help: look at the scenario as it stands with --set sweep=null, or give the directory of a point",
                        path.display()
                    )));
                }
                load(&path, &set, trace)?
            }
        };
        if let Some(manifest) = &manifest {
            scenario.name.clone_from(&manifest.scenario);
        }
        let names = scenario.plan.names();
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let platform = platform(args.platform.as_deref(), &names)?;
        let entry = manifest
            .map(|manifest| entry(&manifest, &names[platform], args.replication).cloned())
            .transpose()?;
        let count = scenario.plan.replications;
        if entry.is_none() && args.replication >= count {
            return Err(BadInput::error(format!(
                "there is no replication {}\n  help: the scenario has {count}, 0 to {}",
                args.replication,
                count.saturating_sub(1)
            )));
        }
        Ok(Self {
            scenario,
            platform,
            replication: args.replication,
            entry,
        })
    }

    /// What it is, in a line.
    pub fn heading(&self) -> String {
        let plan = &self.scenario.plan;
        format!(
            "{} of {}, replication {}, seed {}",
            plan.names()[self.platform],
            self.scenario.name,
            self.replication,
            plan.seed
        )
    }
}

/// Fails for batch jobs and economies, which `what` does not follow.
pub fn of_requests(scenario: &Scenario, what: &str) -> anyhow::Result<()> {
    if scenario.plan.requests().is_some() {
        return Ok(());
    }
    Err(BadInput::error(format!(
        "{what} is of requests, and `{}` is about {}",
        scenario.name,
        match scenario.plan.kind() {
            Kind::Economy => "economies\n  help: `walras journal` writes their movements of money",
            _ => "batch jobs\n  help: `walras trace` and `walras why` show what happens to these",
        }
    )))
}

/// The scenario of a run, if it still gives what was run.
pub fn recorded(run: &Path, manifest: &Manifest) -> anyhow::Result<Scenario> {
    let path = store::scenario(run, manifest).map_err(BadInput::error)?;
    let (theirs, ours) = (manifest.walras.as_str(), env!("CARGO_PKG_VERSION"));
    let scenario = walras_scenarios::load(&path, &[], None);
    let scenario = scenario.map_err(|issues| BadInput::issues(&issues))?;
    if format!("{:016x}", scenario.input_hash) != manifest.scenario_hash {
        let help = if theirs == ours {
            "a trace or a catalog has changed since; repeat the run".to_owned()
        } else {
            format!("it was made by walras {theirs}, this is {ours}: replay it with that version")
        };
        return Err(BadInput::error(format!(
            "the scenario of `{}` no longer gives what was run\n  help: {help}",
            run.display()
        )));
    }
    if theirs != ours {
        say(&format!(
            "! the run was made by walras {theirs}, this is {ours}: events may differ; the digests will tell"
        ));
    }
    Ok(scenario)
}

/// The platform that is meant, of those with these names.
pub fn platform(wanted: Option<&str>, names: &[String]) -> anyhow::Result<usize> {
    match (wanted, names) {
        (Some(wanted), _) => names.iter().position(|name| name == wanted).ok_or_else(|| {
            let help = suggestion(wanted, "platforms", names.iter().map(String::as_str));
            BadInput::error(format!("unknown platform `{wanted}`\n  help: {help}"))
        }),
        (None, [_]) => Ok(0),
        (None, _) => {
            let names = names.join(", ");
            Err(BadInput::error(format!(
                "the run has several platforms\n  help: name one with --platform: {names}"
            )))
        }
    }
}

/// The finished run of this platform and replication.
pub fn entry<'m>(
    manifest: &'m Manifest,
    platform: &str,
    replication: u32,
) -> anyhow::Result<&'m RunEntry> {
    let is_it = |run: &&RunEntry| run.platform == platform && run.replication == replication;
    manifest.runs.iter().find(is_it).ok_or_else(|| {
        let count = manifest.replications;
        BadInput::error(format!(
            "the run has no finished replication {replication} of `{platform}`\n  help: replications asked for: {count}, 0 to {}",
            count.saturating_sub(1)
        ))
    })
}

/// The run directory in `runs` that was written last.
fn newest() -> anyhow::Result<PathBuf> {
    let written = |path: &Path| -> Option<SystemTime> {
        fs::metadata(path.join(MANIFEST)).ok()?.modified().ok()
    };
    let inside = |path: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let runs = inside(Path::new("runs"));
    // Those of sweeps and tournaments lie one deeper.
    let deeper: Vec<PathBuf> = runs.iter().flat_map(|path| inside(path)).collect();
    let found = runs
        .into_iter()
        .chain(deeper)
        .filter_map(|path| Some((written(&path)?, path)))
        .max();
    let (_, path) = found.ok_or_else(|| {
        BadInput::error("there is no run here\n  help: name a run directory or a scenario")
    })?;
    say(&format!("the newest run: {}", path.display()));
    Ok(path)
}
