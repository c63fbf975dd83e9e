//! Whole requests through the server of the simulator: recorded runs replayed one by one, and closed loops of clients.

use std::path::Path;

use walras_des::{SimTime, Span};
use walras_scenarios::catalog::Catalog;
use walras_sim::hardware::{Deployment, Format, Profile};
use walras_sim::ids::JobId;
use walras_sim::serving::{Backlog, Entry, Milestone, Server};

use super::{Row, Rung, Status};
use crate::calibration::data::{self, DataError, Loop, Request};
use crate::calibration::point::Errors;
use crate::calibration::shipped::shipped;

/// Bounds of the median errors of a recorded run: end-to-end latency, and time to first token. The best published are 6.7 % and 17.6 %
/// (BLIS, H100).
const END_TO_END: f64 = 0.07;
const FIRST_TOKEN: f64 = 0.18;
/// Bound of the median error of the time per output token, over all closed loops.
const OUTPUT_TOKEN: f64 = 0.15;

/// A server with its clock.
struct Bench<'a> {
    profile: &'a Profile,
    server: Server,
    backlog: Backlog,
    boundary: Option<SimTime>,
    reached: Vec<Milestone>,
    /// Times of the first and the last token of each job [s].
    first: Vec<f64>,
    last: Vec<f64>,
}

impl<'a> Bench<'a> {
    fn new(profile: &'a Profile, jobs: usize) -> Self {
        Self {
            profile,
            server: Server::new(1.0),
            backlog: Backlog::new(),
            boundary: None,
            reached: Vec::new(),
            first: vec![0.0; jobs],
            last: vec![0.0; jobs],
        }
    }

    fn arrive(&mut self, at: SimTime, job: usize, prompt: u32, output: u32) {
        let entry = Entry {
            job: JobId::new(job),
            prompt,
            output,
            prefix: None,
        };
        let boundary = self
            .server
            .arrive(at, entry, self.profile, &mut self.backlog);
        self.boundary = boundary.or(self.boundary);
    }

    /// Ends the step that runs; returns the time, and adds who finished to `finished`.
    fn step(&mut self, finished: &mut Vec<usize>) -> SimTime {
        let at = self.boundary.expect("a step runs");
        let (profile, backlog) = (self.profile, &mut self.backlog);
        self.boundary = self.server.boundary(profile, backlog, &mut self.reached);
        for milestone in self.reached.drain(..) {
            match milestone {
                Milestone::FirstToken(job) => self.first[job.index()] = at.as_secs_f64(),
                Milestone::Finished(job) => {
                    self.last[job.index()] = at.as_secs_f64();
                    finished.push(job.index());
                }
                // A server that does everything hands nobody over.
                Milestone::Preempted(_) | Milestone::Prefilled(_) => {}
            }
        }
        at
    }
}

/// The recorded runs: ours and their name of the device, largest batch, what the rates have seen.
const RUNS: [(&str, &str, u32, Status); 2] = [
    ("rtx-4090", "RTX4090", 256, Status::HeldOut),
    ("rtx-pro-6000", "RTXPRO6000", 128, Status::DataSheet),
];

/// Runs of a real engine, request by request.
pub(super) fn recorded(data: &Path) -> Result<Rung, DataError> {
    let model = Catalog::get()
        .model("llama-3.1-8b")
        .expect("the catalog has it");
    let mut rows = Vec::new();
    for (name, theirs, max_batch, status) in RUNS {
        let requests = data::recorded(data, theirs)?;
        let deployment = Deployment::single(model.clone(), Format::Bf16, max_batch);
        let profile = Profile::new(&shipped(name), &deployment);
        let (first, last) = replay(&profile, &requests);
        let mut push = |quantity: &str, pairs: Vec<(f64, f64)>, target| {
            rows.extend(Errors::of(pairs).map(|errors| Row {
                device: name.to_owned(),
                quantity: quantity.to_owned(),
                status,
                errors,
                target,
            }));
        };
        let pairs = |of: &dyn Fn(usize, &Request) -> (f64, f64)| {
            let rows = requests.iter().enumerate();
            rows.map(|(job, request)| of(job, request)).collect()
        };
        let end_to_end = |job: usize, request: &Request| {
            (last[job] - request.arrival, request.last - request.arrival)
        };
        let to_first = |job: usize, request: &Request| {
            (
                first[job] - request.arrival,
                request.first - request.arrival,
            )
        };
        push("end-to-end latency", pairs(&end_to_end), Some(END_TO_END));
        push("time to first token", pairs(&to_first), Some(FIRST_TOKEN));
        let long = requests
            .iter()
            .enumerate()
            .filter(|(_, request)| request.output > 1);
        let per_token = long.map(|(job, request)| {
            let gaps = f64::from(request.output - 1);
            (
                (last[job] - first[job]) / gaps,
                (request.last - request.first) / gaps,
            )
        });
        push("time per output token", per_token.collect(), None);
        let end = |times: &mut dyn Iterator<Item = f64>| times.fold(0.0, f64::max);
        let ends = (
            end(&mut last.iter().copied()),
            end(&mut requests.iter().map(|r| r.last)),
        );
        push("end of the run", vec![ends], None);
    }
    Ok(Rung {
        title: "Recorded requests",
        about: "Two runs of vLLM 0.19 with Llama-3.1-8B in bf16, 300 ShareGPT requests at 10 per second, both saturated (LLMServingSim \
            benchmark records, MIT), replayed request by request through the server of the simulator with its paged cache, chunked \
            prefill and preemption. The rates of the RTX 4090 are those of its kernels, the RTX PRO 6000 is predicted; the overheads \
            of both are one set, chosen on closed loops of dense models on H100 (where any step overhead from 0.3 to 0.8 ms does about \
            as well) and not fitted to these runs. What decoding sequences cost in steps that also prefill, two to \
            three times their bandwidth bound at contexts of 1,000 tokens and more, comes from the attention tables of the RTX 4090.",
        rows,
    })
}

/// Times of first and last tokens when the server meets the same requests [s].
fn replay(profile: &Profile, requests: &[Request]) -> (Vec<f64>, Vec<f64>) {
    let mut bench = Bench::new(profile, requests.len());
    let mut finished = Vec::new();
    for (job, request) in requests.iter().enumerate() {
        let at = SimTime::ZERO + Span::from_secs_f64(request.arrival) + profile.request_overhead;
        while bench.boundary.is_some_and(|boundary| boundary < at) {
            bench.step(&mut finished);
        }
        bench.arrive(at, job, request.prompt, request.output);
    }
    while bench.boundary.is_some() {
        bench.step(&mut finished);
    }
    (bench.first, bench.last)
}

/// Models of the closed loops: theirs and our name.
const MODELS: [(&str, &str); 7] = [
    ("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1-8b"),
    ("nvidia/Llama-3.1-8B-Instruct-FP8", "llama-3.1-8b"),
    ("meta-llama/Llama-3.1-70B", "llama-3.1-70b"),
    ("Qwen/Qwen3-32B", "qwen3-32b"),
    ("Qwen/Qwen3-235B-A22B-FP8", "qwen3-235b-a22b"),
    ("MiniMaxAI/MiniMax-M2.5", "minimax-m2.5"),
    ("openai/gpt-oss-120b", "gpt-oss-120b"),
];

/// Most tokens in a step of the engines on data-centre GPUs.
const BUDGET: u32 = 8192;

/// Closed loops of clients, by model, system and engine.
pub(super) fn loops(data: &Path) -> Result<Rung, DataError> {
    let loops = data::silicon(data)?;
    let mut found: Vec<(String, String, f64, f64)> = Vec::new();
    for (theirs, ours) in MODELS {
        let Some(model) = Catalog::get().model(ours) else {
            continue;
        };
        for (system, name) in [("h100_sxm", "h100-sxm"), ("h200_sxm", "h200-sxm")] {
            let device = shipped(name);
            for (precision, format) in [
                ("", Format::Bf16),
                ("fp8", Format::Fp8),
                ("fp8_block", Format::Fp8),
                ("nvfp4", Format::Fp4),
            ] {
                for tensor in [1, 2, 4, 8] {
                    let is_ours = |point: &&Loop| {
                        point.model == theirs
                            && point.device == system
                            && point.precision == precision
                            && point.tensor == tensor
                            && point.replicas == 1
                    };
                    let ours: Vec<&Loop> = loops.iter().filter(is_ours).collect();
                    let Some(most) = ours.iter().map(|point| point.clients).max() else {
                        continue;
                    };
                    let mut deployment = Deployment::single(model.clone(), format, most);
                    deployment.tensor = tensor;
                    deployment.token_budget = BUDGET;
                    let profile = Profile::new(&device, &deployment);
                    for point in ours {
                        let label = format!("{}, {}", model.name, point.engine);
                        // A batch that does not fit is a queue, not a step.
                        let longest = u64::from(point.prompt) + u64::from(point.output);
                        if u64::from(point.clients) * longest > profile.kv_capacity() {
                            continue;
                        }
                        let predicted = closed_loop(&profile, point);
                        found.push((name.to_owned(), label, predicted, point.tpot));
                    }
                }
            }
        }
    }
    let mut groups: Vec<(&str, &str)> = Vec::new();
    for (device, label, ..) in &found {
        if !groups.contains(&(device, label)) {
            groups.push((device, label));
        }
    }
    let row = |device: &str, quantity: &str, pairs: Vec<(f64, f64)>, target| {
        Errors::of(pairs).map(|errors| Row {
            device: device.to_owned(),
            quantity: quantity.to_owned(),
            status: if device == "h200-sxm" {
                Status::DataSheet
            } else {
                Status::HeldOut
            },
            errors,
            target,
        })
    };
    let mut rows = Vec::new();
    for (device, label) in groups {
        let same = found.iter().filter(|(d, l, ..)| d == device && l == label);
        let pairs = same.map(|(.., predicted, measured)| (*predicted, *measured));
        rows.extend(row(device, label, pairs.collect(), None));
    }
    let all = found
        .iter()
        .map(|(.., predicted, measured)| (*predicted, *measured));
    rows.extend(row("both", "all loops", all.collect(), Some(OUTPUT_TOKEN)));
    Ok(Rung {
        title: "Closed loops",
        about: "Median time per output token of clients that send their next request when the last is answered, on one to eight \
            GPUs: silicon points of NVIDIA AIConfigurator (Apache-2.0), thirteen versions of three engines. The step and sequence \
            overheads were chosen on half of the points of dense models on H100; everything else is a prediction. The H200 is the \
            H100 with its own memory. Mixtures of experts are too fast: even routing and grouped products at the rate of plain ones \
            are the best case, and 4-bit weights stand for a format that was not measured on these cards. Llama-3.1-8B in fp8 under vLLM \
            is too slow: those measured times leave no room for the prompts of the other clients. Left out: models with \
            latent attention (DeepSeek V3 and R1, Kimi K2.5, GLM-5), 4-bit integers, more than eight GPUs, replicated attention, \
            and loops that do not fit in the cache at once.",
        rows,
    })
}

/// Requests of each client; the first, which meets fewer others, does not count.
const ROUNDS: usize = 3;

/// Median time per output token of a closed loop [s].
fn closed_loop(profile: &Profile, point: &Loop) -> f64 {
    let clients = point.clients as usize;
    let jobs = ROUNDS * clients;
    let mut bench = Bench::new(profile, jobs);
    // Clients start one after the other within the time of an answer, as those of a benchmark spread when lengths vary.
    let (base, slope) = profile.decode(point.clients);
    let context = point.clients * (point.prompt + point.output / 2);
    let answer = u64::from(point.output) * (base + slope * u64::from(context)) / 1000;
    let start =
        |client: usize| SimTime::ZERO + Span::from_nanos(answer * client as u64 / clients as u64);
    let (mut started, mut next) = (0, clients);
    let mut finished = Vec::new();
    loop {
        let until = (started < clients).then(|| start(started));
        let runs_first = |at: SimTime| until.is_none_or(|until| at < until);
        if !bench.boundary.is_some_and(runs_first) {
            let Some(at) = until else { break };
            bench.arrive(at, started, point.prompt, point.output);
            started += 1;
            continue;
        }
        let at = bench.step(&mut finished);
        for _ in finished.drain(..) {
            if next < jobs {
                bench.arrive(at, next, point.prompt, point.output);
                next += 1;
            }
        }
    }
    let gaps = f64::from(point.output.max(2) - 1);
    let counted = clients..jobs;
    let mut times: Vec<f64> = counted
        .map(|job| (bench.last[job] - bench.first[job]) / gaps)
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
