//! Files damaged at random: loading ends in a plan or in problems with a place, never in a panic.
//!
//! The quick, repeatable sibling of the fuzz target in `scenarios/fuzz`, which runs on the same check.

use std::panic;
use std::path::Path;
use std::{fs, process};

use walras_des::{Purpose, Stream, Streams};
use walras_scenarios::library::library;
use walras_scenarios::{Issue, Issues, load};

#[path = "../fuzz/check.rs"]
mod check;

const MUTANTS: u64 = 3_000;

/// Fragments that mean something to YAML or to the format.
const FRAGMENTS: [&str; 24] = [
    ":",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "<<: ",
    "|\n",
    ">\n",
    "---\n",
    "\t",
    "\u{feff}",
    "é",
    "null",
    "-1",
    "1e999",
    ".nan",
    "0x7f",
    "9223372036854775808",
];

/// One to four changes of `text`: bytes, fragments, and lines lost, doubled, exchanged or moved in.
fn mutate(text: &str, random: &mut Stream) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() as u64 + 1) as usize;
        match random.below(6) {
            0 => bytes.insert(at, random.below(256) as u8),
            1 => bytes.truncate(at),
            2 => {
                let fragment = FRAGMENTS[random.below(FRAGMENTS.len() as u64) as usize];
                bytes.splice(at..at, fragment.bytes());
            }
            3 => {
                let end = (at + random.below(12) as usize).min(bytes.len());
                bytes.drain(at..end);
            }
            _ => {
                let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
                let [from, to] = [0; 2].map(|_: u8| random.below(lines.len() as u64) as usize);
                match random.below(4) {
                    0 => drop(lines.remove(from)),
                    1 => lines.insert(to, lines[from]),
                    2 => lines.swap(from, to),
                    _ => lines.insert(to, &b"          "[random.below(10) as usize..]),
                }
                bytes = lines.join(&b'\n');
            }
        }
    }
    bytes
}

/// The problems of `text`.
fn problems(text: &[u8]) -> Issues {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("found-{}.yaml", process::id()));
    fs::write(&file, text).expect("a file");
    let issues = load(&file, &[], None).expect_err("a damaged scenario");
    fs::remove_file(&file).expect("the file is ours");
    check::every_problem_has_its_place(&issues);
    issues
}

/// What mutants and the fuzzer have found.
#[test]
fn found_once_never_again() {
    // The platform was neither complete nor reported: a key without a value is no key.
    let text = "walras: 1\nquestion: q\nrun: {horizon: 1 h}\nplatforms:\n  mine:\n    extends:\n";
    let issues = problems(text.as_bytes());
    let missing = |issue: &Issue| issue.message.ends_with("in `mine`");
    assert!(issues.list.iter().any(missing), "{issues}");
    // A lone carriage return ends a line for YAML, not for us: the place was behind the end of its line.
    problems(b"a: 1\rb: 2\nlong: key: value\nc\n");
}

#[test]
fn no_mutant_of_the_library_makes_loading_panic() {
    let file =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutant-{}.yaml", process::id()));
    let streams = Streams::new(1, 0);
    let (mut loaded, mut refused) = (0, 0);
    for serial in 0..MUTANTS {
        let mut random = streams.open(Purpose::new("mutants"), serial);
        let original = library()[random.below(library().len() as u64) as usize];
        let mutant = mutate(original.text, &mut random);
        fs::write(&file, &mutant).expect("a file for the mutant");
        let outcome = panic::catch_unwind(|| match load(&file, &[], None) {
            Ok(_) => true,
            Err(issues) => {
                check::every_problem_has_its_place(&issues);
                false
            }
        });
        let text = || String::from_utf8_lossy(&mutant);
        if outcome.unwrap_or_else(|_| panic!("mutant {serial} of {}:\n{}", original.name, text())) {
            loaded += 1;
        } else {
            refused += 1;
        }
    }
    fs::remove_file(&file).expect("the file is ours");
    assert!(
        loaded > MUTANTS / 20 && refused > MUTANTS / 2,
        "{loaded} loaded, {refused} refused"
    );
}
