//! The `walras` binary: the command with its built-in schedulers.

fn main() -> std::process::ExitCode {
    walras::main_with([])
}
