//! What a user reads when the machines of an economy are not right: every problem at once, with its place.

use std::fs;
use std::path::PathBuf;

use walras_scenarios::load;

/// An economy whose network works on a platform.
const GOOD: &str = "\
walras: 1
question: Does it work?
run: {horizon: 2 d, replications: 2, seed: 1}
workload:
  requests: azure-conv-2023
  model: llama-3.1-8b
  slo: {ttft: 2 s, tpot: 100 ms}
  patience: 60 s
platforms:
  homes:
    extends: decentralized-network
    scheduler: least-loaded
    pricing: {economy: {prompt_weight: 0.25}}
    settlement: null
    fleets: {home: {nodes: 20}, datacenter: null}
customers: {volume: 50, reference_price: 0.5}
economies:
  one:
    fidelity: jobs
    epoch: 1 h
    networks:
      homes:
        platform: homes
        goodput: [[0.5, 0.5], [1, 0.7]]
        owners: {online: 50 %}
        market: {posted: {price: 0.5}}
";

/// Loads the good scenario with some texts replaced, and says how that went.
fn outcome(name: &str, changes: &[(&str, &str)]) -> String {
    let mut text = GOOD.to_owned();
    for (old, new) in changes {
        assert!(text.contains(old), "`{old}` is in the scenario");
        text = text.replacen(old, new, 1);
    }
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("machines");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join(format!("{name}.yaml"));
    fs::write(&file, text).unwrap();
    match load(&file, &[], None) {
        Ok(_) => "loaded".to_owned(),
        Err(issues) => issues.to_string(),
    }
}

/// Whether each of these stands in the message.
fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in\n{message}");
    }
}

#[test]
fn a_good_one_loads() {
    assert_eq!(outcome("good", &[]), "loaded");
    assert_eq!(outcome("fluid", &[("    fidelity: jobs\n", "")]), "loaded");
}

#[test]
fn prices_money_and_nodes_are_the_economys() {
    let message = outcome(
        "not-its-own",
        &[
            ("    pricing: {economy: {prompt_weight: 0.25}}\n", ""),
            ("    settlement: null\n", ""),
            ("online: 50 %", "online: 50 %, capacity: 3"),
        ],
    );
    says(
        &message,
        &[
            "the price of a network's work is found by its market",
            "write `pricing: {economy: {prompt_weight: 0.25}}`",
            "the money of a network is settled by its economy",
            "write `settlement: null`",
            "`capacity` of these owners is what the nodes of their platform make it",
            "3 problems",
        ],
    );
}

#[test]
fn names_and_curves() {
    let message = outcome(
        "names",
        &[
            ("platform: homes", "platform: home"),
            ("[1, 0.7]", "[1, 0.4]"),
        ],
    );
    says(
        &message,
        &["unknown platform `home`", "no network works on `homes`"],
    );
    let message = outcome("curve", &[("[1, 0.7]", "[1, 0.4]")]);
    says(
        &message,
        &["0.4 is served where 1 is wanted: from 0.5 to 1 would be"],
    );
    let message = outcome("more", &[("[0.5, 0.5]", "[0.5, 0.6]")]);
    says(&message, &["0.6 is served where 0.5 is wanted"]);
}

#[test]
fn both_or_none() {
    let workload = "workload:\n  requests: azure-conv-2023\n  model: llama-3.1-8b\n  slo: {ttft: 2 s, tpot: 100 ms}\n  patience: 60 s\n";
    let message = outcome("no-workload", &[(workload, "")]);
    says(
        &message,
        &["in an economy, `platforms` comes with `workload`"],
    );
    let message = outcome(
        "no-machines",
        &[
            ("        platform: homes\n", ""),
            ("        goodput: [[0.5, 0.5], [1, 0.7]]\n", ""),
        ],
    );
    says(
        &message,
        &[
            "no network of this economy has machines that could serve requests",
            "missing key `potential`",
            "missing key `capacity`",
            "missing key `running_cost`",
            "no network works on `homes`",
        ],
    );
}

#[test]
fn a_platform_without_an_economy_has_no_price() {
    let economy = GOOD.find("customers:").unwrap();
    let message = outcome("no-economy", &[(&GOOD[economy..], "")]);
    says(
        &message,
        &["there is no economy that finds its price", "13:5"],
    );
}
