//! `walras goodput`: what the machines of an economy's network get done as more is wanted of them.

use std::process::ExitCode;

use serde_json::json;
use walras_analysis::goodput::{LOADS, measure};
use walras_analysis::words::counted;
use walras_reports::fidelity::{goodput as table, yaml};
use walras_scenarios::plan::Subject;
use walras_scenarios::run::Pool;
use walras_sim::economy::{Economy, Machines, Network};

use crate::args::GoodputArgs;
use crate::{BadInput, layout, load, print, say};

/// Measures the curve, and shows it with the key that takes it.
pub fn goodput(args: &GoodputArgs) -> anyhow::Result<ExitCode> {
    let set = args.runs.overrides();
    let scenario = load(&args.scenario, &set, None)?;
    let plan = &scenario.plan;
    let economies = match &plan.subject {
        Subject::Economies(all) => &all.economies[..],
        _ => &[],
    };
    let networks = |economy: &'_ Economy| -> Vec<(String, Machines)> {
        let has = |network: &Network| Some((network.name.clone(), network.machines.clone()?));
        economy.networks.iter().filter_map(has).collect()
    };
    let all: Vec<(String, Machines)> = economies.iter().flat_map(networks).collect();
    let found = match &args.network {
        None => all.first(),
        Some(wanted) => all.iter().find(|(name, _)| name == wanted),
    };
    let Some((name, machines)) = found else {
        let mut known: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        known.dedup();
        return Err(BadInput::error(match (&args.network, known.as_slice()) {
            (Some(wanted), [_, ..]) => format!(
                "no network `{wanted}` with a platform\n  help: there is {}",
                known.join(", ")
            ),
            _ => format!(
                "`{}` has no economy whose networks work on platforms\n  help: `walras list` names scenarios; `two-fidelities` is one",
                scenario.name
            ),
        }));
    };
    let loads = if args.loads.is_empty() {
        &LOADS[..]
    } else {
        &args.loads
    };
    if !loads.is_sorted_by(|a, b| a < b)
        || loads.iter().any(|load| !(*load > 0.0 && *load <= 100.0))
    {
        return Err(BadInput::error(
            "--loads ascend, and are parts of what the nodes could do\n  help: for example 0.2,0.5,0.8,1,1.5",
        ));
    }
    let pool = Pool::new(args.runs.threads());
    say(&format!(
        "{}: {} × {} on {} …",
        scenario.name,
        counted(loads.len(), "load"),
        counted(plan.replications as usize, "replication"),
        counted(pool.threads(), "thread")
    ));
    let curve = measure(
        machines,
        loads,
        &plan.settings(),
        plan.seed,
        plan.replications,
        &pool,
    );
    if args.json {
        let points = curve.points.iter().map(|point| {
            let ends = point
                .served
                .interval
                .map(|interval| [interval.low, interval.high]);
            json!({"wanted": point.wanted.mean, "served": point.served.mean, "interval": ends})
        });
        let object = json!({
            "network": name,
            "nodes": curve.nodes,
            "capacity_units_per_day": curve.capacity.mean,
            "cost_usd_per_unit": curve.cost.mean,
            "points": points.collect::<Vec<_>>(),
            "yaml": yaml(&curve),
        });
        print(&format!("{object:#}\n"))?;
    } else {
        print(&table(&curve, name, layout(true)))?;
    }
    Ok(ExitCode::SUCCESS)
}
