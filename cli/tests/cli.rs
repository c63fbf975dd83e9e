//! The binary as a user meets it: results, determinism, exit codes, interruption, bad input.

mod folder;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use folder::{Folder, SMALL};
use serde_json::Value;

/// Contents of the Parquet files of a run that every run has.
fn tables(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(run)
        .expect("a run directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "parquet")
        })
        .filter(|path| path.file_stem().is_some_and(|stem| stem != "jobs"))
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read(&path).expect("a file"),
            )
        })
        .collect();
    found.sort();
    assert!(found.len() >= 4, "{found:?}");
    found
}

/// One thread or two, again, with jobs recorded or not: the same digest and the same Parquet files, byte for byte.
#[test]
fn results_do_not_depend_on_threads_repetition_or_recording() {
    let folder = Folder::new("determinism");
    folder.write("small.yaml", SMALL);
    let run = |out: &str, more: &[&str]| {
        let arguments = [&["run", "small.yaml", "--json", "--out", out], more].concat();
        let object = folder.json(&arguments);
        (
            object["digest"].clone(),
            object["platforms"].clone(),
            tables(&folder.0.join(out)),
        )
    };
    let first = run("one", &["--threads", "1"]);
    assert!(first.0.as_str().is_some_and(|digest| digest.len() == 16));
    assert_eq!(first, run("two", &["--threads", "2"]));
    assert_eq!(first, run("again", &["--threads", "2"]));
    assert_eq!(first, run("recorded", &["--threads", "2", "--record-jobs"]));
    assert!(
        folder.0.join("recorded/jobs.parquet").exists()
            && !folder.0.join("one/jobs.parquet").exists()
    );
    assert_ne!(first.0, run("other", &["--seed", "6"]).0);
}

#[test]
fn json_has_every_figure_with_its_interval_and_unit() {
    let folder = Folder::new("json");
    folder.write("small.yaml", SMALL);
    let object = folder.json(&["run", "small.yaml", "--json"]);
    for platform in ["cloud", "depin"] {
        for metric in [
            "cost_per_million_output_tokens",
            "ttft_p99",
            "tpot_p50",
            "slo_attainment",
            "goodput",
            "utilization",
        ] {
            let figure = &object["platforms"][platform][metric];
            let number = |key: &str| {
                figure[key]
                    .as_f64()
                    .unwrap_or_else(|| panic!("{platform}.{metric}.{key}: {figure}"))
            };
            assert!(
                number("low") <= number("estimate") && number("estimate") <= number("high"),
                "{figure}"
            );
            assert_eq!(figure["n"], 3);
            assert!(figure["unit"].is_string());
        }
    }
    assert!(object["platforms"]["depin"]["owner_revenue_gini"]["estimate"].is_number());
    assert_eq!(folder.names(), ["runs", "small.yaml"]);
}

/// The table comes with intervals and says where the report is; a second run takes the next name; nothing is overwritten.
#[test]
fn a_run_prints_its_table_and_keeps_earlier_results() {
    let folder = Folder::new("table");
    folder.write("small.yaml", SMALL);
    let text = folder.ok(&["run", "small.yaml", "--replications", "2"]);
    for expected in [
        "cost per million output tokens",
        "baseline",
        "[",
        "n = 2",
        "report   runs/small/report.html",
    ] {
        assert!(text.contains(expected), "{expected} is not in:\n{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "fits 80 columns:\n{text}"
    );
    let page = fs::read_to_string(folder.0.join("runs/small/report.html")).expect("the report");
    assert!(page.matches("<svg").count() >= 6, "at least six figures");
    for outside in ["src=\"http", "href=\"http", "url(http", "@import"] {
        assert!(!page.contains(outside), "the page loads {outside}");
    }
    let again = folder.ok(&["run", "small.yaml", "--replications", "2"]);
    assert!(again.contains("runs/small-2"));
    let shown = folder.ok(&["report", "runs/small"]);
    assert!(shown.contains("cost per million output tokens"));
    let compared = folder.ok(&["compare", "runs/small", "runs/small-2"]);
    assert!(compared.contains("the same"), "{compared}");
    let occupied = folder.walras(&["run", "small.yaml", "--out", "runs/small"]);
    assert_eq!(occupied.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&occupied.stderr).contains("is not empty"));
}

/// Wrong input: exit code 2, all problems on stderr with their places, nothing on stdout, nothing written.
#[test]
fn bad_input_writes_nothing() {
    let folder = Folder::new("bad");
    folder.write(
        "bad.yaml",
        &SMALL
            .replace("horizon: 1 h", "horizon: 1")
            .replace("extends: hyperscaler", "extend: hyperscaler"),
    );
    folder.write(
        "broken.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,x\n",
    );
    folder.write("small.yaml", SMALL);
    let cases: [(&[&str], &[&str]); 8] = [
        (
            &["run", "bad.yaml"],
            &["bad.yaml:3:16", "bad.yaml:6:11", "extends"],
        ),
        (&["check", "bad.yaml"], &["bad.yaml:3:16", "bad.yaml:6:11"]),
        (
            &["run", "small.yaml", "--trace", "broken.csv"],
            &["broken.csv:2:33"],
        ),
        (
            &["run", "small.yaml", "--set", "run.sed=3"],
            &["run.sed", "seed"],
        ),
        (&["run", "missing.yaml"], &["missing.yaml"]),
        (&["report", "nowhere"], &["nowhere"]),
        (
            &["run", "small.yaml", "--out", "small.yaml/x"],
            &["cannot write results to `small.yaml/x`"],
        ),
        (&["run", "small.yaml", "--threads", "0"], &["--threads"]),
    ];
    let before = folder.names();
    for (arguments, expected) in cases {
        let output = folder.walras(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{errors}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        for part in expected {
            assert!(
                errors.contains(part),
                "{arguments:?}: `{part}` is not in\n{errors}"
            );
        }
        assert_eq!(folder.names(), before, "{arguments:?} wrote something");
    }
}

#[test]
fn list_schema_and_help_teach() {
    let folder = Folder::new("teach");
    let list = folder.ok(&["list"]);
    assert!(list.lines().count() >= 4 && list.contains("depin-vs-cloud"));
    let schema: Value = serde_json::from_str(&folder.ok(&["schema"])).expect("JSON");
    assert!(schema["properties"]["platforms"].is_object());
    for line in list.lines() {
        let name = line.split_whitespace().next().expect("a name");
        assert!(folder.ok(&["check", name]).contains("ok"));
    }
    assert!(folder.ok(&["--help"]).contains("walras run depin-vs-cloud"));
}

/// The inference library is not part of this program: without the calibrator beside it, it says how to build it.
#[test]
fn calibrate_says_how_to_build_the_calibrator() {
    let folder = Folder::new("calibrate");
    assert!(folder.ok(&["--help"]).contains("calibrate"));
    let program = folder.0.join("walras");
    fs::copy(env!("CARGO_BIN_EXE_walras"), &program).expect("a copy");
    let run = || {
        let mut command = Command::new(&program);
        command
            .args(["calibrate", "--quick", "--help"])
            .env("PATH", &folder.0);
        command.output().expect("the program")
    };
    let output = run();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("cargo build --release -p walras-kernels"),
        "{said}"
    );

    // One beside it gets the arguments as they are, and its exit code is ours.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let calibrator = folder.0.join("walras-calibrate");
        fs::write(&calibrator, "#!/bin/sh\necho \"$@\"\nexit 7\n").expect("a script");
        fs::set_permissions(&calibrator, fs::Permissions::from_mode(0o755)).expect("permissions");
        let output = run();
        assert_eq!(output.status.code(), Some(7));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "--quick --help\n");
    }
}

/// The published trace, every row of it: 19,366 requests (Azure LLM inference 2023, conversation).
#[test]
fn a_recorded_trace_is_replayed_whole() {
    let data = std::env::var_os("WALRAS_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let trace = data.join("traces/azure-llm-2023/AzureLLMInferenceTrace_conv.csv");
    if !trace.exists() {
        println!(
            "skipped: the Azure trace is not in the data folder; set WALRAS_DATA to where it is"
        );
        return;
    }
    let folder = Folder::new("trace");
    folder.write("small.yaml", SMALL);
    let trace = trace.to_str().expect("a plain path");
    let object = folder.json(&[
        "run",
        "small.yaml",
        "--json",
        "--replications",
        "2",
        "--trace",
        trace,
    ]);
    assert!(
        object["platforms"]["cloud"]["ttft_p99"]["estimate"]
            .as_f64()
            .is_some_and(|ttft| ttft > 0.0)
    );
    let page = fs::read_to_string(folder.0.join("runs/small/report.html")).expect("the report");
    // Two platforms, two replications.
    assert!(
        page.contains("77,464"),
        "4 × 19,366 requests were simulated"
    );
}

/// A precision and a warm-up that is found: the same results on one thread and two, told in every output, and read back.
#[test]
fn what_is_not_given_is_found_and_told() {
    let folder = Folder::new("found");
    folder.write("small.yaml", SMALL);
    let set = [
        "--set",
        "run.replications={precision: 10 %, of: [cost_per_million_output_tokens], at_most: 30}",
        "--set",
        "run.warm_up=auto",
        "--set",
        "run.horizon=2 h",
    ];
    let run = |out: &str, threads: &str| {
        let arguments = [
            "run",
            "small.yaml",
            "--json",
            "--out",
            out,
            "--threads",
            threads,
        ];
        let object = folder.json(&[&arguments[..], &set].concat());
        (object, tables(&folder.0.join(out)))
    };
    let (first, second) = (run("one", "1"), run("two", "2"));
    assert_eq!(first, second);
    let object = &first.0;
    assert_eq!(object["stopping"]["reached"], true);
    assert_eq!(object["warm_up_found"], true);
    let n = object["replications"].as_u64().expect("a number");
    assert!((5..30).contains(&n), "{n}");
    let told = format!("{n} replications: enough to know the figures asked for within 10 %");
    assert_eq!(object["stopping"]["text"], Value::from(told.clone()));
    let page = fs::read_to_string(folder.0.join("one/report.html")).expect("a report");
    assert!(page.contains(&told) && page.contains("MSER-5"));
    let again = folder.json(&["report", "one", "--json"]);
    assert_eq!(again["stopping"], object["stopping"]);
    let text = folder.ok(&["report", "one"]).replace('\n', " ");
    assert!(text.contains(&told), "{text}");
    assert!(
        text.contains("found by 5 pilot replications (MSER-5)"),
        "{text}"
    );
    let compared = folder.ok(&["compare", "one", "two"]).replace('\n', " ");
    assert!(
        compared.contains("both: warm-up") && compared.contains("pilot replications (MSER-5)"),
        "{compared}"
    );
}

/// A scenario that never settles is the user's to lengthen: exit code 2, and nothing is left behind.
#[test]
fn a_warm_up_that_is_not_found_is_bad_input() {
    let folder = Folder::new("unsteady");
    folder.write("small.yaml", SMALL);
    let arguments = [
        "run",
        "small.yaml",
        "--out",
        "none",
        "--set",
        "run.warm_up=auto",
    ];
    let hurry = [
        "--set",
        "run.horizon=10 s",
        "--set",
        "workload.rate_factor=20",
    ];
    let output = folder.walras(&[&arguments[..], &hurry].concat());
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(
        text.contains("error: no warm-up was found: after")
            && text.contains("drifting on platform `cloud`"),
        "{text}"
    );
    assert_eq!(folder.names(), ["small.yaml"]);
}

/// Ctrl-C keeps the replications that are finished, says so, and exits with 130.
#[cfg(unix)]
#[test]
fn an_interruption_keeps_what_is_finished() {
    let folder = Folder::new("interrupt");
    folder.write("small.yaml", SMALL);
    let arguments = [
        "run",
        "small.yaml",
        "--json",
        "--threads",
        "1",
        "--replications",
        "100000",
    ];
    let mut child = folder
        .command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    std::thread::sleep(Duration::from_secs(3));
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(sent.success());
    let deadline = Instant::now() + Duration::from_mins(1);
    while child.try_wait().expect("a status").is_none() {
        assert!(Instant::now() < deadline, "the run did not stop");
        std::thread::sleep(Duration::from_millis(50));
    }
    let output = child.wait_with_output().expect("an output");
    assert_eq!(output.status.code(), Some(130));
    let object: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(object["interrupted"], true);
    let kept = object["platforms"]["cloud"]["ttft_p50"]["n"]
        .as_u64()
        .expect("a count");
    assert!((1..100_000).contains(&kept), "{kept} replications");
    assert_eq!(
        folder.json(&["report", "runs/small", "--json"])["digest"],
        object["digest"]
    );
}

/// A sweep checks its points first, keeps each as a run, writes one table, tells where the answer changes, and goes on where
/// it was stopped.
#[test]
fn a_sweep_shows_how_the_answer_moves() {
    let folder = Folder::new("sweep");
    let axis = "sweep: {platforms.depin.fleets.home.nodes: [20, 200]}\n";
    folder.write("small.yaml", &format!("{SMALL}{axis}"));
    let text = folder.ok(&["run", "small.yaml", "--out", "out"]);
    let flowing = text.replace('\n', " ");
    for expected in [
        "nodes",
        "n = 3",
        "all points use seed 5",
        "± ",
        "out/sweep.csv",
        "value of nodes",
    ] {
        assert!(flowing.contains(expected), "{expected} is not in:\n{text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "fits 80 columns:\n{text}"
    );
    let page = fs::read_to_string(folder.0.join("out/sweep.html")).expect("a page");
    assert!(page.matches("<svg").count() >= 4 && !page.contains("src=\"http"));
    assert!(page.contains("digest of its input") && page.contains("value of nodes"));
    let csv = fs::read_to_string(folder.0.join("out/sweep.csv")).expect("a table");
    assert!(
        csv.starts_with("point,platforms.depin.fleets.home.nodes,platform,metric,figure,unit,")
    );
    // A point is a run like any other: reported, compared, repeated by the command in its manifest.
    let point = folder.json(&["report", "out/point-002", "--json"]);
    let single = [
        "--set",
        "sweep=null",
        "--set",
        "platforms.depin.fleets.home.nodes=200",
    ];
    let alone = folder.json(
        &[
            &["run", "small.yaml", "--json", "--out", "alone"],
            &single[..],
        ]
        .concat(),
    );
    assert_eq!(point["digest"], alone["digest"]);
    folder.ok(&["compare", "out/point-001", "out/point-002"]);
    fs::remove_file(folder.0.join("out/point-002/report.html")).expect("a report");
    // Resumed with the same directory: nothing is lost, nothing is done twice.
    fs::remove_dir_all(folder.0.join("out/point-001")).expect("a point");
    let again = folder.walras(&["sweep", "small.yaml", "--out", "out", "--threads", "1"]);
    let talk = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(
        again.status.success() && talk.contains("1 of them are finished already"),
        "{talk}"
    );
    assert_eq!(
        fs::read_to_string(folder.0.join("out/sweep.csv")).expect("a table"),
        csv
    );
    assert!(
        folder
            .ok(&["check", "small.yaml"])
            .contains("2 platforms, 2 points")
    );
    let metric = folder.ok(&[
        "sweep",
        "small.yaml",
        "--out",
        "out",
        "--metric",
        "ttft_p50",
    ]);
    assert!(
        metric.contains("time to first token, median") && !metric.contains("cost per million"),
        "{metric}"
    );
    // The points as one object, each with the figures of a single run.
    let object = folder.json(&["sweep", "small.yaml", "--out", "out", "--json"]);
    assert_eq!(
        object["axes"][0]["values"],
        serde_json::json!(["20", "200"])
    );
    let of_point = &object["points"][1];
    assert_eq!(of_point["point"], "point-002");
    assert_eq!(
        of_point["values"]["platforms.depin.fleets.home.nodes"],
        "200"
    );
    let alone = folder.json(&["report", "out/point-002", "--json"]);
    assert_eq!(of_point["platforms"], alone["platforms"]);
    assert_eq!(of_point["differences"], alone["differences"]);
    for (arguments, expected) in [
        (
            &["run", "small.yaml", "--log-events"][..],
            "--set sweep=null",
        ),
        (&["sweep", "depin-vs-cloud"], "there is nothing to sweep"),
        (
            &["sweep", "small.yaml", "--metric", "tftt_p50"],
            "did you mean `ttft_p50`?",
        ),
        (
            &["sweep", "small.yaml", "--axis", "workload.rate_facto=1,2"],
            "did you mean `rate_factor`?",
        ),
        (
            &["sweep", "small.yaml", "--seed", "6", "--out", "out"],
            "of another sweep",
        ),
    ] {
        let output = folder.walras(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{errors}");
        assert!(errors.contains(expected), "{expected} is not in\n{errors}");
    }
}

/// What another benchmark measured becomes a device that a scenario can name; bad files are refused before anything is written.
#[test]
fn an_imported_device_is_used_by_a_scenario() {
    let folder = Folder::new("import");
    let bench = r#"[{"model_type": "llama 8B F16", "model_n_params": 8030261248, "n_ubatch": 512, "n_prompt": 0, "n_gen": 128,
        "n_depth": 0, "avg_ts": 46.5},
        {"model_type": "llama 8B F16", "model_n_params": 8030261248, "n_ubatch": 512, "n_prompt": 512, "n_gen": 0,
        "n_depth": 0, "avg_ts": 4240.0}]"#;
    folder.write("bench.json", bench);
    let import = [
        "import",
        "bench.json",
        "--like",
        "rtx-4090",
        "--name",
        "mine",
    ];
    let output = folder.walras(&[&import[..], &["--bandwidth", "936", "--tflops", "71"]].concat());
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(
        table.contains("prefill of 512 tokens") && table.contains("20.0 % to be stated"),
        "{table}"
    );
    folder.write(
        "mine.scenario.yaml",
        "walras: 1\nquestion: q\nrun: {horizon: 1 h, replications: 2, seed: 1}\n\
         workload: {requests: azure-conv-2023, model: llama-3.1-8b, slo: {ttft: 9 s, tpot: 1 s}, patience: 60 s, rate_factor: 0.1}\n\
         platforms: {p: {extends: hyperscaler, fleets: {gpu: {devices: {card: {share: 1, usd_per_hour: 1}}}}}}\n\
         devices: {card: {extends: mine.yaml}}\n",
    );
    let object = folder.json(&["run", "mine.scenario.yaml", "--json"]);
    assert!(object["digest"].is_string());
    // What a calibration adds of its measurements is kept and changes nothing.
    let device = fs::read_to_string(folder.0.join("mine.yaml")).expect("it was written");
    let more = "  measured:\n    date: 2026-11-22T19:00:04Z\n    points: [{of: matmul, seconds: [1e-6, 2e-6]}]\n";
    folder.write("mine.yaml", &(device + more));
    let again = folder.json(&["run", "mine.scenario.yaml", "--json"]);
    assert_eq!(again["digest"], object["digest"]);

    let again = folder.walras(&import);
    let errors = String::from_utf8_lossy(&again.stderr);
    assert_eq!(again.status.code(), Some(2), "{errors}");
    assert!(errors.contains("`mine.yaml` exists"), "{errors}");
    folder.write("cut.json", &bench[..100]);
    for (arguments, expected) in [
        (
            ["import", "cut.json", "--like", "rtx-4090"],
            "cut.json: line 1: this is not JSON",
        ),
        (
            ["import", "bench.json", "--like", "rtx-4009"],
            "did you mean `rtx-4090`?",
        ),
        (["import", "none.json", "--like", "rtx-4090"], "none.json"),
    ] {
        let output = folder.walras(&arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(expected), "{expected} is not in\n{errors}");
    }
    assert!(!folder.0.join("cut.yaml").exists());
}
