//! A folder with a small experiment, in which the tests of the binary run it.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A small experiment: a cloud and a network of 300 nodes, one hour, three replications.
pub const SMALL: &str = "\
walras: 1
question: does the binary work?
run: {horizon: 1 h, replications: 3, seed: 5}
workload: {requests: azure-conv-2023, model: llama-3.1-8b, slo: {ttft: 2 s, tpot: 100 ms}, patience: 60 s}
platforms:
  cloud: {extends: hyperscaler}
  depin: {extends: decentralized-network, fleets: {home: {nodes: 280}, datacenter: {nodes: 20}}}
";

/// A folder of its own for each test, removed at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a file");
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_walras"));
        command
            .args(arguments)
            .current_dir(&self.0)
            .env("NO_COLOR", "1")
            .env_remove("COLUMNS");
        command
    }

    pub fn walras(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.walras(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{arguments:?}: {:?}\n{errors}",
            output.status
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(arguments)).expect("one JSON object on stdout")
    }

    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("plain names")
            })
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
