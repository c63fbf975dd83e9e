//! `walras calibrate`: runs the calibrator, a program of its own, since the inference library takes longer to compile than all the rest.

use std::env;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use super::BadInput;

/// Name of the program.
const CALIBRATOR: &str = "walras-calibrate";

/// Runs the calibrator that lies beside this program, or else the first in `PATH`, with the same arguments.
pub fn calibrate(arguments: &[OsString]) -> anyhow::Result<ExitCode> {
    let program = format!("{CALIBRATOR}{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe()
        .ok()
        .and_then(|this| Some(this.parent()?.join(&program)));
    let found = beside
        .filter(|path| path.is_file())
        .unwrap_or_else(|| PathBuf::from(&program));
    let status = match Command::new(found).args(arguments).status() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(BadInput::error(format_args!(
                "`{program}` is neither beside this program nor in PATH\n  \
                 hint: build it with `cargo build --release -p walras-kernels`"
            )));
        }
        status => status?,
    };
    Ok(ExitCode::from(
        status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1),
    ))
}
