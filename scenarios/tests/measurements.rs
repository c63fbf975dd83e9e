//! The step-time model and the server against recorded runs of real serving engines, on hardware and requests that it was not
//! fitted to. Skips when the data folder is missing.

use std::fs;
use std::path::{Path, PathBuf};

use walras_des::{SimTime, Span};
use walras_sim::hardware::Profile;
use walras_sim::ids::JobId;
use walras_sim::serving::{Backlog, Entry, Milestone, Server};

fn data(file: &str) -> Option<String> {
    let folder = std::env::var_os("WALRAS_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        PathBuf::from,
    );
    let text = fs::read_to_string(folder.join(file)).ok();
    if text.is_none() {
        println!("skipped: {file} is not in the data folder; set WALRAS_DATA to where it is");
    }
    text
}

/// The profile of Llama-3.1-8B in bf16 on a device of the catalog.
fn profile(device: &str) -> Profile {
    let wide = |platform: &str| (format!("platforms.{platform}.slots"), "256".to_owned());
    let set = [
        wide("depin"),
        wide("cloud"),
        (
            "platforms.cloud.fleets.gpu.devices".to_owned(),
            "{h100-sxm: {share: 1}}".to_owned(),
        ),
    ];
    let scenario = walras_scenarios::load(Path::new("depin-vs-cloud"), &set, None).expect("valid");
    let profiles = scenario
        .plan
        .platforms
        .into_iter()
        .flat_map(|platform| platform.profiles);
    profiles
        .into_iter()
        .find(|profile| profile.device.name == device)
        .expect("the scenario uses the device")
}

struct Recorded {
    arrival: f64,
    entry: Entry,
    ttft: f64,
    end: f64,
}

/// Requests of a vLLM run: one JSON object per line; clocks of the engine and of the client differ by a constant.
fn recorded(text: &str) -> Vec<Recorded> {
    let mut rows: Vec<Recorded> = text
        .lines()
        .enumerate()
        .map(|(job, line)| {
            let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let number = |key: &str| {
                row[key]
                    .as_f64()
                    .unwrap_or_else(|| panic!("{key} in line {}", job + 1))
            };
            Recorded {
                arrival: number("queued_ts"),
                entry: Entry {
                    job: JobId::new(job),
                    prompt: number("input_toks") as u32,
                    output: number("output_toks") as u32,
                },
                ttft: number("first_token_ts") - number("queued_ts"),
                end: number("last_token_ts"),
            }
        })
        .collect();
    rows.sort_by(|a, b| a.arrival.total_cmp(&b.arrival));
    rows
}

/// Times of first and last tokens when the server meets the same requests [s].
fn replay(profile: &Profile, rows: &[Recorded]) -> (Vec<f64>, Vec<f64>) {
    let (mut server, mut backlog) = (Server::new(1.0), Backlog::new());
    let (mut out, mut next) = (Vec::new(), None::<SimTime>);
    let (mut first, mut last) = (vec![0.0; rows.len()], vec![0.0; rows.len()]);
    let start = rows[0].arrival;
    let mut step = |server: &mut Server, backlog: &Backlog, next: &mut Option<SimTime>| {
        let at = next.expect("a boundary").as_secs_f64();
        *next = server.boundary(profile, backlog, &mut out);
        for milestone in out.drain(..) {
            match milestone {
                Milestone::FirstToken(job) => first[job.index()] = at,
                Milestone::Finished(job) => last[job.index()] = at,
            }
        }
    };
    for row in rows {
        let at = SimTime::ZERO + Span::from_secs_f64(row.arrival - start);
        while next.is_some_and(|boundary| boundary < at) {
            step(&mut server, &backlog, &mut next);
        }
        next = server.arrive(at, row.entry, profile, &mut backlog).or(next);
    }
    while next.is_some() {
        step(&mut server, &backlog, &mut next);
    }
    (first, last)
}

fn quantile(values: impl Iterator<Item = f64>, p: f64) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * p).round() as usize]
}

/// Llama-3.1-8B on an RTX 4090 under vLLM 0.19, 300 requests at ten per second: nothing in the catalog was fitted to this run
/// but the memory left for the KV cache. Source: benchmark records of `LLMServingSim` (MIT).
///
/// The run is saturated: the KV cache limits the batch. The real engine pages the cache and preempts; ours reserves the whole answer at
/// admission, so its batches are smaller, tokens come faster and the queue is longer: TTFT +20 %, TPOT −18 % in the median.
/// Below saturation the two do not differ.
#[test]
fn a_recorded_run_on_a_consumer_card_is_predicted() {
    let Some(text) = data("serving/vllm-runs/RTX4090/Llama-3.1-8B/vllm/requests.jsonl") else {
        return;
    };
    let rows = recorded(&text);
    assert_eq!(rows.len(), 300);
    let profile = profile("rtx-4090");
    let (first, last) = replay(&profile, &rows);
    let start = rows[0].arrival;
    let of = |row: &Recorded| row.entry.job.index();
    let tpot =
        |first: f64, last: f64, row: &Recorded| (last - first) / f64::from(row.entry.output - 1);
    let long = || rows.iter().filter(|row| row.entry.output > 1);
    let measured_tpot = |row: &Recorded| tpot(row.arrival + row.ttft, row.end, row);
    let predicted_tpot = |row: &Recorded| tpot(first[of(row)], last[of(row)], row);
    let measured_ttft = || rows.iter().map(|row| row.ttft);
    let predicted_ttft = || {
        rows.iter()
            .map(|row| first[of(row)] - (row.arrival - start))
    };
    let figures = [
        (
            "makespan",
            quantile(rows.iter().map(|row| row.end - start), 1.0),
            quantile(last.iter().copied(), 1.0),
            0.10,
        ),
        (
            "TTFT median",
            quantile(measured_ttft(), 0.5),
            quantile(predicted_ttft(), 0.5),
            0.25,
        ),
        (
            "TTFT p90",
            quantile(measured_ttft(), 0.9),
            quantile(predicted_ttft(), 0.9),
            0.15,
        ),
        (
            "TPOT median",
            quantile(long().map(measured_tpot), 0.5),
            quantile(long().map(predicted_tpot), 0.5),
            0.20,
        ),
        (
            "TPOT p90",
            quantile(long().map(measured_tpot), 0.9),
            quantile(long().map(predicted_tpot), 0.9),
            0.35,
        ),
    ];
    for (name, measured, predicted, _) in figures {
        println!(
            "{name:12} measured {measured:8.4} s, predicted {predicted:8.4} s, {:+.1} %",
            (predicted / measured - 1.0) * 100.0
        );
    }
    for (name, measured, predicted, tolerance) in figures {
        assert!(
            (predicted / measured - 1.0).abs() < tolerance,
            "{name}: measured {measured}, predicted {predicted}"
        );
    }
}

/// Time per output token of Llama-3.1-8B in bf16 on one H100 under TensorRT-LLM, closed loops of 1 to 64 clients; all held out.
/// A client's request alternates with the prefills of the others: TPOT = decode step + clients × prefill / output tokens.
/// Source: silicon samples of NVIDIA `AIConfigurator` (Apache-2.0).
#[test]
fn measured_decode_times_on_a_data_centre_card_are_predicted() {
    let Some(text) = data("serving/silicon/silicon_points.csv") else {
        return;
    };
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let column = |name: &str| {
        names
            .iter()
            .position(|found| *found == name)
            .expect("a column")
    };
    let (model, system, tp) = (column("model_path"), column("system"), column("tp_size"));
    let (precision, engine) = (column("gemm_quant_mode"), column("backend"));
    let profile = profile("h100-sxm");
    let mut errors = Vec::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let is_ours = cells[model].contains("Llama-3.1-8B") && cells[engine] == "trtllm";
        if !is_ours || cells[system] != "h100_sxm" || cells[tp] != "1" || cells[precision] == "fp8"
        {
            continue;
        }
        let number = |name: &str| cells[column(name)].parse::<f64>().expect("a number");
        let (prompt, output, clients) = (number("isl"), number("osl"), number("batch_size"));
        let (base, slope) = profile.decode(clients as u32);
        let context = clients * (prompt + output / 2.0);
        let step = (base as f64 + slope as f64 * context) / 1e12;
        let prefill = profile.prefill(1, prompt as u64, (prompt * prompt) as u64) as f64 / 1e12;
        let predicted = step + (clients - 1.0) * prefill / output;
        errors.push(predicted * 1e3 / number("silicon_tpot_ms") - 1.0);
    }
    let mean = errors.iter().map(|error| error.abs()).sum::<f64>() / errors.len() as f64;
    let worst = errors.iter().map(|error| error.abs()).fold(0.0, f64::max);
    println!(
        "{} points: mean absolute error {:.1} %, worst {:.1} %",
        errors.len(),
        mean * 100.0,
        worst * 100.0
    );
    assert!(errors.len() >= 30, "{} points", errors.len());
    assert!(
        mean < 0.05 && worst < 0.15,
        "mean absolute error {mean}, worst {worst}"
    );
}
