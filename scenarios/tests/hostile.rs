//! Whatever a user writes at whatever place, loading ends in a plan or in problems, never in a panic.

use std::panic;
use std::path::Path;

use walras_scenarios::document::{Node, Value, parse};
use walras_scenarios::issue::Source;
use walras_scenarios::load;

/// Values that are wrong nearly everywhere.
const VALUES: [&str; 22] = [
    "null",
    "true",
    "x",
    "''",
    "0",
    "-1",
    "1",
    "3.5",
    "1e300",
    "-1e300",
    "1e-300",
    "99999999999999999999",
    "0 s",
    "1 ns",
    "36500 d",
    "100 %",
    "0 %",
    "[]",
    "[1, x]",
    "{}",
    "{x: 1}",
    "{constant: 0 s}",
];

/// Paths of all keys below `node`, as overrides take them.
fn paths(node: &Node, path: &str, all: &mut Vec<String>) {
    for entry in node.entries() {
        let key = if entry.key.contains('.') {
            format!("\"{}\"", entry.key)
        } else {
            entry.key.clone()
        };
        let path = if path.is_empty() {
            key
        } else {
            format!("{path}.{key}")
        };
        all.push(path.clone());
        paths(&entry.node, &path, all);
    }
}

#[test]
fn no_value_at_any_place_makes_loading_panic() {
    let set = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
            .collect()
    };
    // Every part of the format occurs in one of these.
    let own = [
        ("devices.l40s.memory_gib", "48"),
        ("models.\"llama-3.1-8b\".layers", "32"),
        ("availability.always.always", "true"),
        (
            "availability.mine",
            "{up: {weibull: {shape: 0.5, scale: 1 h}}, down: {uniform: {low: 1 h, high: 2 h}}}",
        ),
        ("workload.budget", "{lognormal: {median: 1, sigma: 1}}"),
        (
            "workload.requests",
            "{synthetic: {arrivals: {rate_per_s: 1}, prompt_tokens: {constant: 100}, output_tokens: {lognormal: {median: 50, sigma: 1, max: 500}}}}",
        ),
        (
            "platforms.depin.pricing",
            "{base-fee: {initial: 1, floor: 0.1, prompt_weight: 0.25, target: 0.5, denominator: 8, epoch: 5 min}}",
        ),
        (
            "platforms.depin.fleets.home.availability",
            "{mine: 1, always: 1}",
        ),
    ];
    let base = set(&own);
    let good =
        load(Path::new("depin-vs-cloud"), &base, None).unwrap_or_else(|issues| panic!("{issues}"));
    let tree = parse(
        &Source {
            name: "resolved".into(),
            text: good.resolved,
        }
        .into(),
    )
    .unwrap();
    assert!(matches!(tree.value, Value::Map(_)));
    let mut all = Vec::new();
    paths(&tree, "", &mut all);
    assert!(all.len() > 150, "{} places", all.len());
    let (mut loaded, mut refused) = (0, 0);
    for path in &all {
        for value in VALUES {
            let mut set = base.clone();
            set.push((path.clone(), value.to_owned()));
            let outcome = panic::catch_unwind(|| load(Path::new("depin-vs-cloud"), &set, None));
            match outcome.unwrap_or_else(|_| panic!("loading panics with --set {path}={value}")) {
                Ok(_) => loaded += 1,
                Err(issues) => {
                    refused += 1;
                    assert!(
                        issues.list.iter().all(|issue| !issue.message.is_empty()),
                        "{path}={value}"
                    );
                    assert!(!issues.to_string().contains("error: \n"));
                }
            }
        }
    }
    assert!(
        loaded > 0 && refused > loaded,
        "{loaded} loaded, {refused} refused"
    );
}
