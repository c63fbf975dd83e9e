//! `walras import`: a device class from measurements that people already have.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use walras_analysis::calibration::import::{self, Imported, Measured};
use walras_analysis::calibration::yaml::{self, About};
use walras_scenarios::catalog::Catalog;
use walras_scenarios::issue::closest;
use walras_sim::hardware::{Device, Model};

use crate::args::ImportArgs;
use crate::{BadInput, print, say};

pub fn run(args: &ImportArgs) -> anyhow::Result<ExitCode> {
    let like = class(args)?;
    let catalog = Catalog::get();
    let models: Vec<Model> = catalog
        .models
        .keys()
        .filter_map(|name| catalog.model(name))
        .collect();
    let measured = read(&args.files, &models, args.model.as_deref())?;
    let name = args.name.clone().unwrap_or_else(|| stem(&args.files[0]));
    let Imported {
        mut device,
        parameters,
        rows,
    } = import::device(&like, &measured);
    device.name.clone_from(&name);

    let mut table = String::new();
    let width = rows
        .iter()
        .map(|(what, ..)| what.chars().count())
        .max()
        .unwrap_or(0);
    let _ = writeln!(
        table,
        "{:width$}  {:>10}  {:>10}  {:>6}",
        "", "measured", "fitted", "error"
    );
    for (what, seconds, fitted) in &rows {
        let _ = writeln!(
            table,
            "{what:width$}  {:>10}  {:>10}  {:>+5.0} %",
            time(*seconds),
            time(*fitted),
            (fitted / seconds - 1.0) * 100.0
        );
    }
    table += "\n";
    for (what, value, error) in &parameters {
        let _ = writeln!(table, "{what}: {value:.3e} ± {:.0} %", error * 100.0);
    }
    let _ = writeln!(
        table,
        "\nmedian error {:.1} % on these, {:.1} % to be stated for others",
        device.residuals.fitted * 100.0,
        device.residuals.held_out * 100.0
    );
    print(&table)?;

    let files: Vec<String> = args.files.iter().map(|file| stem(file)).collect();
    let spec = &catalog.devices[&args.like];
    let about = About {
        description: format!(
            "Imported from {}, as a device like {}.",
            files.join(", "),
            args.like
        ),
        price_usd: spec.price_usd,
        source: format!(
            "{} measurements in {}; power, price and dispersion are those of {}.",
            rows.len(),
            files.join(", "),
            args.like
        ),
    };
    let text = yaml::device(&device, &about);
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| format!("{name}.yaml").into());
    if out.exists() && !args.force {
        let message = format!(
            "`{}` exists\n  help: choose another --out, or --force to replace it",
            out.display()
        );
        return Err(BadInput::error(message));
    }
    let part = out.with_extension("part");
    std::fs::write(&part, text)?;
    std::fs::rename(&part, &out)?;
    say(&format!(
        "device   {}\nuse it   devices: {{{name}: {{extends: {}}}}} in a scenario",
        out.display(),
        out.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// The class that is expected: that of the catalog, scaled to the peaks that are given.
fn class(args: &ImportArgs) -> anyhow::Result<Device> {
    let catalog = Catalog::get();
    let Some(mut device) = catalog.device(&args.like) else {
        let names = catalog.devices.keys().map(String::as_str);
        let hint = match closest(&args.like, names.clone()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("known devices: {}", names.collect::<Vec<_>>().join(", ")),
        };
        return Err(BadInput::error(format!(
            "unknown device `{}`\n  help: {hint}",
            args.like
        )));
    };
    let peak = |name: &str, given: Option<f64>, unit: f64, known: f64| match given {
        None => Ok(known),
        Some(value) if value > 0.0 && value.is_finite() => Ok(value * unit),
        Some(value) => Err(BadInput::error(format!(
            "--{name} must be positive, found {value}"
        ))),
    };
    let flops = peak("tflops", args.tflops, 1e12, device.flops)?;
    let bandwidth = peak("bandwidth", args.bandwidth, 1e9, device.bandwidth)?;
    let memory = peak(
        "memory",
        args.memory,
        f64::from(1 << 30),
        device.memory as f64,
    )?;
    device.kernels = device
        .kernels
        .scaled(flops / device.flops, bandwidth / device.bandwidth);
    (device.flops, device.bandwidth, device.memory) = (flops, bandwidth, memory.round() as u64);
    Ok(device)
}

/// What all files hold together.
fn read(
    files: &[std::path::PathBuf],
    models: &[Model],
    model: Option<&str>,
) -> anyhow::Result<Measured> {
    let (mut points, mut runs, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for file in files {
        let shown = file.display();
        match std::fs::read_to_string(file) {
            Err(error) => problems.push(format!("{shown}: {error}")),
            Ok(text) => match import::read(&text, models, model) {
                Ok(Measured::Operations(found)) => points.extend(found),
                Ok(Measured::Runs(found)) => runs.extend(found),
                Err(found) => {
                    problems.extend(found.iter().map(|problem| format!("{shown}: {problem}")));
                }
            },
        }
    }
    if !problems.is_empty() {
        return Err(BadInput::error(problems.join("\nerror: ")));
    }
    match (points.is_empty(), runs.is_empty()) {
        (_, true) => Ok(Measured::Operations(points)),
        (true, _) => Ok(Measured::Runs(runs)),
        _ => Err(BadInput::error(
            "a table of operations and runs of models cannot be fitted together\n  help: import them one after the other",
        )),
    }
}

fn stem(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or(file.as_os_str());
    stem.to_string_lossy().into_owned()
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.1} us", s * 1e6),
        s if s < 1.0 => format!("{:.2} ms", s * 1e3),
        s => format!("{s:.3} s"),
    }
}
