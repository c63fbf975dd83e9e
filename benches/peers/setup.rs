//! What must stand before anything is measured: the Python environment and the compiled SimGrid program.
//!
//! Both are kept beside this program, so that `cargo clean` removes them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::engines::{Engine, Start};

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
const CARGO_PINS: &str = include_str!("Cargo.toml");
const PYTHON_PINS: &str = include_str!("requirements.txt");

/// A program that measures one engine, given a workload, a number of units and a seed.
#[derive(Clone)]
pub struct Program {
    pub version: String,
    pub command: Vec<OsString>,
}

/// What could be set up; an error says what is missing, and how to get it.
pub struct Setup {
    own: PathBuf,
    python: Result<PathBuf, String>,
    simgrid: Result<(PathBuf, String), String>,
}

impl Setup {
    pub fn new() -> Self {
        let own = std::env::current_exe().expect("this program knows where it lies");
        let target = own.parent().expect("it lies in a folder").to_owned();
        eprintln!("setting up the Python environment");
        let python = python(&target.join("peers-python"));
        eprintln!("compiling the SimGrid program");
        let simgrid = simgrid(&target.join("peers-simgrid"));
        Self {
            own,
            python,
            simgrid,
        }
    }

    /// The program for the engine with this index among the engines.
    pub fn program(&self, index: usize, engine: &Engine) -> Result<Program, String> {
        let (version, command) = match engine.start {
            Start::Here(_) => {
                let version = pin(CARGO_PINS, engine.name).unwrap_or("kernel");
                let command = [
                    self.own.clone().into(),
                    "measure".into(),
                    index.to_string().into(),
                ];
                (version.to_owned(), command.to_vec())
            }
            Start::Python(script) => {
                let version = pin(PYTHON_PINS, engine.name).unwrap_or_default();
                let script = Path::new(FOLDER).join(script);
                let command = vec![self.python.clone()?.into(), script.into()];
                (version.to_owned(), command)
            }
            Start::SimGrid(form) => {
                let (program, version) = self.simgrid.clone()?;
                (version, vec![program.into(), form.into()])
            }
        };
        Ok(Program { version, command })
    }
}

/// The version that a list of pins gives to a package: `name = "=1.2"` or `name==1.2`.
fn pin<'a>(pins: &'a str, name: &str) -> Option<&'a str> {
    pins.lines().find_map(|line| {
        let (package, version) = line.split_once('=')?;
        (package.trim() == name.to_lowercase())
            .then(|| version.trim_matches(|c: char| !c.is_ascii_digit()))
    })
}

/// The interpreter of an environment that holds what `requirements.txt` names.
fn python(folder: &Path) -> Result<PathBuf, String> {
    let interpreter = folder.join("bin/python");
    let installed = folder.join("requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|pins| pins == PYTHON_PINS) {
        return Ok(interpreter);
    }
    run(
        Command::new("python3").args(["-m", "venv"]).arg(folder),
        "needs Python 3.11 or later with its venv module (apt: python3-venv)",
    )?;
    run(
        Command::new(&interpreter)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(Path::new(FOLDER).join("requirements.txt")),
        "needs pip and a way to PyPI",
    )?;
    fs::write(&installed, PYTHON_PINS)
        .map_err(|error| format!("cannot write {}: {error}", installed.display()))?;
    Ok(interpreter)
}

/// The compiled program and the version of SimGrid that it uses.
fn simgrid(program: &Path) -> Result<(PathBuf, String), String> {
    run(
        Command::new("g++")
            .args(["-std=c++17", "-O3", "-o"])
            .arg(program)
            .arg(Path::new(FOLDER).join("with_simgrid.cpp"))
            .arg("-lsimgrid"),
        "needs g++ and SimGrid (apt: g++ libsimgrid-dev)",
    )?;
    let output = run(Command::new(program).arg("version"), "does not start")?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok((program.to_owned(), version))
}

/// Runs `command` to its end; an error says what is `needed`, and the first line of what the command said.
fn run(command: &mut Command, needed: &str) -> Result<Output, String> {
    let output = command
        .output()
        .map_err(|error| format!("{needed}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find(|line| !line.trim().is_empty());
    Err(format!("{needed}: {}", line.unwrap_or("no reason given")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_read_from_both_lists() {
        assert_eq!(pin(CARGO_PINS, "simcore"), Some("0.1.0"));
        assert_eq!(pin("ciw==3.2.7\nsimpy==4.1.2", "SimPy"), Some("4.1.2"));
        assert_eq!(pin(PYTHON_PINS, "nexosim"), None);
    }
}
