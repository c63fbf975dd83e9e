//! `walras-calibrate`: measures this machine, fits its profile, and checks it against a real model. Also run as `walras calibrate`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use walras_kernels::machine::{self, Machine};
use walras_kernels::model::Llama;
use walras_kernels::points::{Point, Times};
use walras_kernels::profile::Profile;
use walras_kernels::rates::{self, Rates, Step};
use walras_kernels::suite::{self, Effort, Layer, Row, Runs};
use walras_kernels::{ceilings, kernels, smollm};

/// Measure inference kernels on this machine and write its calibration profile
#[derive(Debug, Parser)]
#[command(name = "walras calibrate", version, max_term_width = 100)]
struct Cli {
    /// Threads of the kernels [default: one fewer than cores, since candle's threads spin while they wait]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    threads: Option<u16>,
    /// A rough profile in a minute or two
    #[arg(long)]
    quick: bool,
    /// Where to write the profile
    #[arg(long, value_name = "FILE", default_value = "this-machine.yaml")]
    output: PathBuf,
    /// Name of the device class in the profile
    #[arg(long, value_name = "NAME", default_value = "this-machine")]
    name: String,
    /// Check the profile against this model (GGUF, Llama architecture) [default: SmolLM2-135M, fetched once with pip]
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Do not check the profile against a model
    #[arg(long, conflicts_with = "model")]
    no_model: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let cores = Machine::this().cores;
    let threads = cli
        .threads
        .map_or(cores.saturating_sub(1).max(1), usize::from);
    let done = if is_confined_to(threads) {
        calibrate(&cli, threads)
    } else {
        confined(threads)
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The variables from which candle and its dependencies learn how many threads to start.
const THREADS: [&str; 2] = ["CANDLE_NUM_THREADS", "RAYON_NUM_THREADS"];

fn is_confined_to(threads: usize) -> bool {
    let wanted = threads.to_string();
    THREADS
        .iter()
        .all(|name| std::env::var(name).is_ok_and(|value| value == wanted))
}

/// Runs this program again with the number of threads in its environment: candle reads it once, at its first kernel.
fn confined(threads: usize) -> Result<ExitCode> {
    let mut again = Command::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1));
    again.envs(THREADS.map(|name| (name, threads.to_string())));
    let status = again.status().context("cannot start the measurement")?;
    Ok(ExitCode::from(
        status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1),
    ))
}

fn calibrate(cli: &Cli, threads: usize) -> Result<ExitCode> {
    let machine = Machine::this();
    let folder = cli
        .output
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    ensure!(
        folder.is_none_or(std::path::Path::is_dir),
        "the folder of {} does not exist; create it, or name another with --output",
        cli.output.display()
    );
    let clock = Instant::now();
    let model = model(cli)?;
    let effort = if cli.quick {
        Effort::QUICK
    } else {
        Effort::FULL
    };
    let load = machine::load();
    println!(
        "{}, {} cores; kernels of candle {} on {threads} thread{}",
        machine.processor,
        machine.cores,
        walras_kernels::CANDLE,
        if threads == 1 { "" } else { "s" }
    );
    if let Some(load) = load.filter(|load| *load > 0.3) {
        println!(
            "! load average {load:.1}: others are using this machine. Waiting is taken off, but\n  \
             caches and memory are shared; a quiet machine gives a better profile."
        );
    }
    if threads == machine.cores && threads > 1 {
        println!("! all cores are used: whatever else runs makes candle's threads spin for it");
    }

    // Twice the cache for each of the arrays of a thread.
    let bytes = 2 * machine.last_level_cache;
    let mut counts = vec![1, threads, machine.cores];
    counts.dedup();
    let ceilings: Vec<_> = counts
        .iter()
        .map(|count| ceilings::measure(*count, bytes, 7))
        .collect();
    let before = fastest();
    println!("\nceilings          GFLOP/s   read GB/s   triad GB/s");
    for of in &ceilings {
        println!(
            "{:>3} thread{:<1}        {:>7.0}   {:>9.1}   {:>10.1}",
            of.threads,
            if of.threads == 1 { " " } else { "s" },
            of.flops / 1e9,
            of.read / 1e9,
            of.triad / 1e9
        );
    }

    let (points, blocks) = measure(effort, 2.0 * machine.last_level_cache as f64)?;
    let rates = rates::rates(&points, &blocks);
    let model = match &model {
        Some(model) => check(model, &rates, effort)?,
        None => Vec::new(),
    };
    let profile = Profile {
        name: cli.name.clone(),
        machine,
        date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        threads,
        load: [load, machine::load()],
        drift: fastest() / before,
        ceilings,
        points,
        blocks,
        rates,
        model,
    };
    report(&profile);
    fs::write(&cli.output, profile.yaml())
        .with_context(|| format!("cannot write {}", cli.output.display()))?;
    println!(
        "\nprofile  {}  ({:.0} s); use it with `devices: {{{}: {{extends: {0}}}}}`",
        cli.output.display(),
        clock.elapsed().as_secs_f64(),
        profile.name,
    );
    Ok(ExitCode::SUCCESS)
}

/// The best of some runs of the multiply-add loop [FLOP/s].
fn fastest() -> f64 {
    (0..25).map(|_| ceilings::flops()).fold(0.0, f64::max)
}

/// The model to check against, if any. One that cannot be fetched is left out, and that is said; one that was named must be there.
fn model(cli: &Cli) -> Result<Option<Llama>> {
    if cli.no_model {
        return Ok(None);
    }
    if let Some(path) = &cli.model {
        return Llama::read(path).map(Some);
    }
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or(home);
    let folder = cache.unwrap_or_else(std::env::temp_dir).join("walras");
    match smollm::weights(&folder) {
        Ok(path) => Llama::read(&path).map(Some),
        Err(error) => {
            println!("! no check against a real model: {error:#}");
            Ok(None)
        }
    }
}

type Measured = (Vec<Point>, Vec<(Layer, Times)>);

/// Measures the table, round by round.
fn measure(effort: Effort, floor: f64) -> Result<Measured> {
    let table = suite::table();
    let bar = progress(table.len() * effort.rounds);
    let mut runs: Vec<Vec<Runs>> = vec![Vec::new(); table.len()];
    for round in 1..=effort.rounds {
        for (row, runs) in table.iter().zip(&mut runs) {
            bar.set_message(match row {
                Row::Kernel(op) => format!("round {round}, {op}"),
                Row::Block(layer) => format!("round {round}, block of {}", layer.model.name),
            });
            runs.push(row.measure(effort, floor)?);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let (mut points, mut blocks) = (Vec::new(), Vec::new());
    for (row, runs) in table.into_iter().zip(&runs) {
        let times = suite::merged(runs);
        match row {
            Row::Kernel(op) => points.push(Point { op, times }),
            Row::Block(layer) => blocks.push((layer, times)),
        }
    }
    Ok((points, blocks))
}

/// Predicts steps of a real model, then measures them.
fn check(model: &Llama, rates: &Rates, effort: Effort) -> Result<Vec<(Step, f64, Times)>> {
    let formats = rates::format(model.layers).zip(rates::format(model.head));
    let (layers, head) = formats.with_context(|| {
        format!(
            "weights in {:?} and {:?} are not measured",
            model.layers, model.head
        )
    })?;
    let steps = rates::steps();
    let bar = progress(steps.len());
    let mut found = Vec::with_capacity(steps.len());
    for step in steps {
        let predicted = rates.step(&model.shape, layers, head, &step);
        bar.set_message(format!(
            "{} × {} tokens after {}",
            step.sequences, step.tokens, step.context
        ));
        let sequence = model.pretended(step.context, step.tokens)?;
        let tokens: Vec<u32> = (0..step.tokens as u32)
            .map(|token| 100 + 37 * token)
            .collect();
        let run = || {
            // A clone shares the memory of its caches but not their length: the next run writes over what this one appends.
            let mut batch = vec![sequence.clone(); step.sequences];
            let mut batch: Vec<_> = batch
                .iter_mut()
                .map(|sequence| (sequence, tokens.as_slice()))
                .collect();
            let logits = model.step(&mut batch).map_err(candle_core::Error::msg)?;
            kernels::argmax(&logits)
        };
        run()?;
        let patient = Effort {
            budget: 10 * effort.budget,
            ..effort
        };
        let runs = (0..effort.rounds)
            .map(|_| suite::repeat(patient, run))
            .collect::<Result<Vec<_>, _>>()?;
        found.push((step, predicted, suite::merged(&runs)));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(found)
}

fn progress(length: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{pos:>4}/{len} {wide_msg} {eta:>5}");
    ProgressBar::new(length as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// What was fitted and how well it predicts, and what stood against it.
fn report(profile: &Profile) {
    println!("\nerror of the fit           fitted   held out   points");
    let packed = profile
        .rates
        .fitted
        .residuals
        .iter()
        .map(|residual| (residual, ""));
    let unpacked = profile
        .rates
        .unpacked
        .residuals
        .iter()
        .map(|residual| (residual, " *"));
    let is_other = profile.rates.unpacked != profile.rates.fitted;
    for (residual, note) in packed.chain(unpacked.filter(|_| is_other)) {
        let held_out = residual
            .held_out
            .map_or("-".to_owned(), |errors| percent(errors.median));
        println!(
            "{:<25} {:>7}   {:>8}   {:>6}",
            format!("{}{note}", residual.kind.name()),
            percent(residual.fitted.median),
            held_out,
            residual.fitted.count + residual.held_out.map_or(0, |errors| errors.count)
        );
    }
    if is_other {
        println!("* inner size no multiple of 256: candle multiplies these by other code");
    }
    let overheads = profile.rates.overheads;
    println!(
        "overheads [us]: step {:.0}, layer {:.0}, sequence {:.0}",
        overheads.step * 1e6,
        overheads.layer * 1e6,
        overheads.sequence * 1e6
    );
    if let Some(error) = profile.model_error() {
        println!("\nreal model, token/s        predicted   measured     error   wall");
        for (step, predicted, times) in &profile.model {
            let tokens = (step.sequences * step.tokens) as f64;
            let what = if step.tokens > 1 {
                format!("prompt of {}", step.tokens)
            } else {
                format!("{} × 1 after {}", step.sequences, step.context)
            };
            println!(
                "{what:<25} {:>10.1} {:>10.1} {:>8.1} % {:>6.1}",
                tokens / predicted,
                tokens / times.median,
                100.0 * (times.median / predicted - 1.0),
                tokens / times.median * (1.0 - times.waited),
            );
        }
        println!("median absolute error     {:>9}", percent(error));
    }
    let spread = profile.spread();
    println!(
        "\nspread of repeated runs (quartiles): {} in the median; loop at the end: {:.3} of the start",
        percent(spread),
        profile.drift
    );
    if spread > 0.1 {
        println!("! repeated runs differ much: close other programs and measure again");
    }
    if profile.waited() > 0.05 {
        println!(
            "! others used the processor for up to {} of the time, which is taken off",
            percent(profile.waited())
        );
    }
    if !(0.95..1.05).contains(&profile.drift) {
        println!("! the processor changed its speed meanwhile: it throttles, or others heat it");
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
