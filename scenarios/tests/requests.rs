//! Recorded requests that begin alike: the published Mooncake trace, counted block by block, and run with and without a cache.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use walras_des::Span;
use walras_scenarios::{Plan, load};
use walras_sim::record::{MetricId, Nothing};
use walras_sim::workload::{Source, Trace};
use walras_sim::world::{Settings, simulate};

/// The published file; `None` where the data are not at hand.
fn published() -> Option<PathBuf> {
    let data = std::env::var_os("WALRAS_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let path = data.join("traces/mooncake/synthetic_trace.jsonl");
    if !path.exists() {
        println!("skipped: {} is not there; set WALRAS_DATA", path.display());
    }
    path.exists().then_some(path)
}

/// Two platforms of one server, one with a cache of beginnings, that answer the requests in `trace`.
fn plan(name: &str, trace: &Path, more: &str) -> Result<Plan, String> {
    let text = format!(
        "walras: 1\nquestion: q\nrun: {{horizon: 1 h, replications: 1, seed: 1}}\n\
         workload:\n  requests: {{trace: '{}'}}\n  rate_factor: 0.02\n  model: llama-3.1-8b\n  slo: {{ttft: 20 s, tpot: 100 ms}}\n  patience: 1 h\n{more}\
         platforms:\n  plain: {{extends: hyperscaler, fleets: {{gpu: {{nodes: 1, autoscale: null, devices: {{h100-sxm: {{share: 1}}}}}}}}}}\n  cached: {{extends: plain, serving: {{prefix_caching: true}}}}\n",
        trace.display()
    );
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&file, text).expect("a file");
    load(&file, &[], None)
        .map(|scenario| scenario.plan)
        .map_err(|issues| issues.to_string())
}

fn trace(plan: &Plan) -> &Trace {
    match &plan.expect_requests().workload.source {
        Source::Trace(trace) => trace,
        Source::Synthetic(_) => panic!("a trace"),
    }
}

/// Of the prompt tokens of the published trace, what a cache without bounds can reuse: exactly, from the names of the blocks, and as
/// the simulator knows it, group by group. The mapping may lose tokens and must not invent any, for no request.
#[test]
fn shared_blocks_reach_the_simulator() {
    let Some(path) = published() else { return };
    let text = fs::read_to_string(&path).unwrap();
    let plan = plan("shares.yaml", &path, "").unwrap();
    let trace = trace(&plan);
    assert_eq!(trace.at.len(), 3_993);
    let (mut blocks, mut groups) = (BTreeSet::<u64>::new(), BTreeMap::new());
    let (mut exact, mut mapped, mut all) = (0, 0, 0);
    for ((line, prefix), prompt) in text.lines().zip(&trace.prefixes).zip(&trace.prompt_tokens) {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["input_length"], *prompt);
        let names = row["hash_ids"].as_array().unwrap().iter();
        let names: Vec<_> = names.map(|name| name.as_u64().unwrap()).collect();
        let known = names.iter().take_while(|name| blocks.contains(*name));
        let known = (*prompt).min(512 * u32::try_from(known.count()).unwrap());
        blocks.extend(&names);
        let reused = prefix.map_or(0, |prefix| {
            let longest = groups.entry(prefix.group).or_insert(0);
            let reused = prefix.tokens.min(*longest);
            *longest = prefix.tokens.max(*longest);
            reused
        });
        assert!(reused <= known, "{reused} of {known} known tokens: {line}");
        exact += u64::from(known);
        mapped += u64::from(reused);
        all += u64::from(*prompt);
    }
    // 61,194,628 prompt tokens and 65.12 % of them: counted in the file by a program of another language.
    let share = |tokens: u64| tokens as f64 / all as f64;
    assert_eq!(all, 61_194_628);
    assert!((share(exact) - 0.651_244).abs() < 1e-6, "{}", share(exact));
    assert!(
        (share(mapped) - 0.650_509).abs() < 1e-6,
        "{}",
        share(mapped)
    );
}

/// The same trace with the cache on and off: half the prompts and more begin with what the server has, and wait less for the rest.
#[test]
fn a_cache_of_beginnings_answers_the_trace_sooner() {
    let Some(path) = published() else { return };
    let plan = plan("runs.yaml", &path, "").unwrap();
    let [without, cached] = [0, 1].map(|platform| {
        let settings = Settings {
            horizon: plan.horizon,
            warm_up: Span::ZERO,
            sample_every: Span::MINUTE,
        };
        let platform = &plan.expect_requests().platforms[platform];
        simulate(
            platform,
            &plan.expect_requests().workload,
            &settings,
            1,
            0,
            Nothing,
            &|| false,
        )
        .unwrap()
    });
    let median = |output: &walras_sim::record::Output| {
        let value = output.metrics.get(MetricId::TtftP50);
        value.expect("requests were served")
    };
    assert_eq!(without.counts.submitted, cached.counts.submitted);
    assert!(
        median(&cached) < 0.7 * median(&without),
        "{} s with a cache, {} s without",
        median(&cached),
        median(&without)
    );
}

/// Groups by chance and recorded ones exclude each other.
#[test]
fn recorded_beginnings_are_not_replaced_by_chance() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("alike.jsonl");
    let row = r#"{"timestamp": 0, "input_length": 600, "output_length": 6, "hash_ids": [0, 1]}"#;
    fs::write(&file, format!("{row}\n{row}\n")).unwrap();
    let prefixes = "  prefixes: {groups: 5, tokens: {constant: 64}}\n";
    let problem = plan("twice.yaml", &file, prefixes).unwrap_err();
    assert!(
        problem.starts_with("error: this trace records how its prompts begin"),
        "{problem}"
    );
    assert!(problem.contains("= help: remove it, or use a trace without `hash_ids`"));
}
