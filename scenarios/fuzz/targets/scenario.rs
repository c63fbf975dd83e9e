//! Loading a scenario from any bytes: a plan, or problems with a place; never a panic.
#![no_main]

use std::{env, fs, process};

use libfuzzer_sys::fuzz_target;
use walras_scenarios::load;

#[path = "../check.rs"]
mod check;

fuzz_target!(|text: &[u8]| {
    let file = env::temp_dir().join(format!("walras-fuzz-{}.yaml", process::id()));
    fs::write(&file, text).expect("a file for the input");
    if let Err(issues) = load(&file, &[], None) {
        check::every_problem_has_its_place(&issues);
    }
});
