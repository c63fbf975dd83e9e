//! Runs identical workloads on Walras's kernel and on its peers, and prints rates and ratios as one table.

mod engines;
mod setup;
mod table;
mod with_nexosim;
mod with_simcore;
mod with_simrs;
mod with_walras;
mod workload;

use std::process::{Command, ExitCode};

use engines::{ENGINES, Engine, Start};
use setup::{Program, Setup};
use table::{Cell, Row};
use workload::{COMPARED_JOBS, LEAST_JOBS, LOAD, MU, SIGMA, Sample, Workload};

const USAGE: &str = "usage: peers [--quick]";

/// How thoroughly is measured.
struct Effort {
    rounds: u64,
    /// Aim of one measurement [CPU s].
    seconds: f64,
    /// Holds per pending event: with 1, all of them were taken once on average.
    least_turnover: f64,
    /// So many customers of the station at least.
    least_customers: u64,
    /// Four standard errors of the mean response of so many customers, in all rounds.
    station_tolerance: f64,
}

const FULL: Effort = Effort {
    rounds: 3,
    seconds: 2.0,
    least_turnover: 1.0,
    least_customers: 200_000,
    station_tolerance: 0.01,
};

const QUICK: Effort = Effort {
    rounds: 1,
    seconds: 0.2,
    least_turnover: 0.1,
    least_customers: 20_000,
    station_tolerance: 0.05,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => compare(&FULL),
        ["--quick"] => compare(&QUICK),
        ["measure", engine, kind, size, units, seed, ..] => {
            measure_here(engine, kind, size, units, seed)
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// A measurement in a process of its own: prints user CPU seconds and the value to check.
fn measure_here(engine: &str, kind: &str, size: &str, units: &str, seed: &str) -> ExitCode {
    let engine = engine.parse().ok().and_then(|i: usize| ENGINES.get(i));
    let workload = Workload::from_arguments(kind, size);
    let (Some(engine), Some(workload), Ok(units), Ok(seed)) =
        (engine, workload, units.parse(), seed.parse())
    else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let Start::Here(run) = engine.start else {
        eprintln!("{} is not measured by this program", engine.name);
        return ExitCode::from(2);
    };
    let sample = run(workload, units, seed);
    println!("{} {}", sample.cpu, sample.check);
    ExitCode::SUCCESS
}

fn compare(effort: &Effort) -> ExitCode {
    let setup = Setup::new();
    let (mut skipped, mut failed) = (Vec::new(), Vec::new());
    let mut peers: Vec<(&Engine, Program, Row)> = Vec::new();
    for (index, engine) in ENGINES.iter().enumerate() {
        match setup.program(index, engine) {
            Ok(program) => {
                let row = Row {
                    title: engine.title(&program.version),
                    cells: Default::default(),
                };
                peers.push((engine, program, row));
            }
            Err(reason) => skipped.push(format!("{}: {reason}", engine.title(""))),
        }
    }
    for round in 1..=effort.rounds {
        for (column, workload) in Workload::ALL.into_iter().enumerate() {
            for (engine, program, row) in &mut peers {
                let Some(units) = engine.units(workload, effort.seconds) else {
                    continue;
                };
                let units = units.max(least_units(workload, effort));
                eprint!("round {round}, {workload}, {}: ", row.title);
                match measure(program, workload, units, round) {
                    Ok(sample) => {
                        let rate = units as f64 / sample.cpu / 1e6;
                        eprintln!("{rate:.3} M/s in {:.1} s", sample.cpu);
                        let cell: &mut Cell = &mut row.cells[column];
                        cell.rates.push(rate);
                        cell.checks.push(sample.check);
                    }
                    Err(reason) => {
                        eprintln!("{reason}");
                        failed.push(format!("{}, {workload}: {reason}", row.title));
                    }
                }
            }
        }
    }
    let rows: Vec<Row> = peers.into_iter().map(|(_, _, row)| row).collect();
    report(&rows, effort);
    for reason in &skipped {
        println!("- Skipped: {reason}.");
    }
    for reason in &failed {
        println!("- **Failed: {reason}.**");
    }
    if failed.is_empty() && table::agreement(&rows, effort.station_tolerance).1 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn least_units(workload: Workload, effort: &Effort) -> u64 {
    match workload {
        Workload::Hold(pending) => (f64::from(pending) * effort.least_turnover) as u64,
        Workload::Station => effort.least_customers,
        Workload::Cluster => LEAST_JOBS,
    }
}

fn measure(program: &Program, workload: Workload, units: u64, seed: u64) -> Result<Sample, String> {
    let output = Command::new(&program.command[0])
        .args(&program.command[1..])
        .args(workload.arguments())
        .args([units, seed].map(|number| number.to_string()))
        .args([LOAD, MU, SIGMA].map(|number| number.to_string()))
        .arg(COMPARED_JOBS.to_string())
        .output()
        .map_err(|error| format!("does not start: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = said
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    match numbers[..] {
        [cpu, check] if output.status.success() => Ok(Sample { cpu, check }),
        _ => Err(format!(
            "failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        )),
    }
}

fn report(rows: &[Row], effort: &Effort) {
    let (text, _) = table::agreement(rows, effort.station_tolerance);
    let (usual, widest) = table::spread(rows);
    println!("{}", table::markdown(rows));
    println!(
        "Rounds: {}, of which the table has the medians. Within a cell they lie {:.0} % apart (median of all cells), at most {:.0} %.\n",
        effort.rounds,
        100.0 * usual,
        100.0 * widest,
    );
    println!("{text}");
}
