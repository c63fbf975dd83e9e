//! Every scenario of the library loads, passes the schema, and is reproduced by its resolved text.

use std::fs;
use std::path::{Path, PathBuf};

use walras_scenarios::{Plan, library, load, schema};

fn scenario(name: &str, overrides: &[(&str, &str)]) -> Result<walras_scenarios::Scenario, String> {
    let overrides: Vec<_> = overrides
        .iter()
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .collect();
    load(Path::new(name), &overrides, None).map_err(|issues| issues.to_string())
}

fn shown(plan: &Plan) -> String {
    format!("{plan:?}")
}

#[test]
fn every_scenario_loads() {
    for entry in library() {
        let loaded = scenario(entry.name, &[]).unwrap_or_else(|issues| panic!("{issues}"));
        assert_eq!(loaded.name, entry.name);
        assert_eq!(
            loaded.question, entry.question,
            "the first line of {} is its question",
            entry.name
        );
        assert!(
            loaded.plan.replications >= 20,
            "{} has too few replications for an interval",
            entry.name
        );
    }
}

#[test]
fn the_resolved_text_gives_the_same_plan() {
    for entry in library() {
        let first = scenario(entry.name, &[("run.replications", "3")]).unwrap();
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.yaml", entry.name));
        fs::write(&file, &first.resolved).unwrap();
        let second = load(&file, &[], None).unwrap_or_else(|issues| panic!("{issues}"));
        assert_eq!(shown(&first.plan), shown(&second.plan), "{}", entry.name);
        assert_eq!(first.resolved, second.resolved, "{}", entry.name);
        assert_eq!(first.input_hash, second.input_hash, "{}", entry.name);
        assert_eq!(first.workload_hash, second.workload_hash, "{}", entry.name);
    }
}

#[test]
fn the_main_scenario_compares_thousands_of_nodes_with_a_cloud() {
    let scenario = scenario("depin-vs-cloud", &[]).unwrap();
    let plan = &scenario.plan;
    assert_eq!(plan.names(), ["cloud", "depin"]);
    assert_eq!(scenario.baseline, 0);
    let nodes: u32 = plan.expect_requests().platforms[1]
        .fleets
        .iter()
        .map(|fleet| fleet.size.max())
        .sum();
    assert!(nodes >= 5000, "{nodes} nodes");
    assert_eq!(plan.horizon, walras_des::Span::DAY);
}

#[test]
fn hashes_tell_inputs_apart() {
    let base = scenario("depin-vs-cloud", &[]).unwrap();
    let other_price = scenario(
        "depin-vs-cloud",
        &[("platforms.depin.settlement.take_rate", "10 %")],
    )
    .unwrap();
    assert_ne!(base.input_hash, other_price.input_hash);
    assert_eq!(base.workload_hash, other_price.workload_hash);
    let other_seed = scenario("depin-vs-cloud", &[("run.seed", "2")]).unwrap();
    assert_ne!(base.workload_hash, other_seed.workload_hash);
}

#[test]
fn the_schema_is_json_schema() {
    let schema = schema();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    assert_eq!(schema["title"], "Walras scenario");
    assert!(schema["$defs"]["PlatformSpec"]["properties"]["scheduler"].is_object());
    let text = serde_json::to_string_pretty(&schema).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text).unwrap(),
        schema
    );
}

#[test]
fn every_scenario_passes_the_schema_as_written() {
    let schema = walras_scenarios::schema::Schema::written();
    for entry in library() {
        let source = walras_scenarios::issue::Source {
            name: entry.name.to_owned(),
            text: entry.text.to_owned(),
        };
        let tree = walras_scenarios::document::parse(&source.into()).unwrap();
        assert_eq!(schema.check(&tree), [], "{}", entry.name);
    }
}

/// Two scenarios in two directories, each with a copy of one trace, ask for the same requests.
#[test]
fn a_trace_counts_by_its_content_and_not_by_its_path() {
    let hashes = ["here", "there"].map(|name| {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&directory).unwrap();
        let trace = directory.join(format!("{name}.csv"));
        let rows = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03,4808,10\n";
        fs::write(&trace, rows).unwrap();
        let set = [("workload.diurnal".to_owned(), "null".to_owned())];
        let loaded = load(Path::new("depin-vs-cloud"), &set, Some(&trace))
            .unwrap_or_else(|issues| panic!("{issues}"));
        (loaded.input_hash, loaded.workload_hash)
    });
    assert_eq!(hashes[0], hashes[1]);
}

#[test]
fn editors_find_a_description_at_the_key_of_an_alternative() {
    let options = &schema()["$defs"]["SchedulerSpec"]["oneOf"];
    let mut options = options.as_array().expect("alternatives").iter();
    let tagged = options
        .find_map(|option| option["properties"].get("power-of-choices"))
        .expect("an alternative with parameters");
    assert_eq!(
        tagged["description"],
        "On the least loaded of some random nodes."
    );
}

/// `null` removes an inherited key; an editor must not call that wrong.
#[test]
fn the_schema_for_editors_lets_null_remove_a_key() {
    let schema = schema();
    let takes_null = |value: &serde_json::Value| value.to_string().contains("\"null\"");
    for (definition, key) in [
        ("FleetSpec", "dispersed"),
        ("FleetSpec", "access"),
        ("DeviceSpec", "memory_gib"),
    ] {
        let property = &schema["$defs"][definition]["properties"][key];
        assert!(takes_null(property), "{definition}.{key}: {property}");
    }
    let fleets = &schema["$defs"]["PlatformSpec"]["properties"]["fleets"];
    assert!(takes_null(&fleets["additionalProperties"]), "{fleets}");
}

/// Rows as published: `wc -l` of the files, less the header, plus the last line that has no line end.
#[test]
fn the_azure_traces_are_read_to_the_last_row() {
    let data = std::env::var_os("WALRAS_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    for (file, rows) in [
        ("AzureLLMInferenceTrace_conv.csv", 19_366),
        ("AzureLLMInferenceTrace_code.csv", 8_819),
    ] {
        let path = data.join("traces/azure-llm-2023").join(file);
        if !path.exists() {
            println!("skipped: {file} is not there; set WALRAS_DATA");
            continue;
        }
        let overrides = [("workload.diurnal".to_owned(), "null".to_owned())];
        let loaded = load(Path::new("depin-vs-cloud"), &overrides, Some(&path))
            .unwrap_or_else(|issues| panic!("{issues}"));
        let walras_sim::workload::Source::Trace(trace) =
            &loaded.plan.expect_requests().workload.source
        else {
            panic!("a trace")
        };
        assert_eq!(trace.at.len(), rows, "{file}");
        assert_eq!(trace.at[0], walras_des::SimTime::ZERO);
    }
}
