//! Steps of whole models on several devices, and a single stream on one.

use std::path::Path;

use walras_scenarios::catalog::Catalog;
use walras_sim::hardware::{Deployment, Device, Format, Model, Overheads, Profile};

use super::{Row, Rung, Status};
use crate::calibration::data::{self, DataError, Step};
use crate::calibration::point::Errors;
use crate::calibration::shipped::shipped;

/// Models split over the GPUs of a host.
pub(super) fn steps(data: &Path) -> Result<Rung, DataError> {
    let steps = data::splitwise(data)?;
    let mut rows = Vec::new();
    for (device, source) in [("a100-sxm-80", "a100-80gb"), ("h100-sxm", "h100-80gb")] {
        for model in [llama_2_70b(), bloom()] {
            for tensor in [2, 4, 8] {
                let is_ours = |step: &&Step| {
                    step.device == source && step.model == model.name && step.tensor == tensor
                };
                let of_size: Vec<&Step> = steps.iter().filter(is_ours).collect();
                if of_size.is_empty() {
                    continue;
                }
                let profile = profile(&shipped(device), &model, tensor, &of_size);
                let mut push = |what: &str, pairs: Vec<(f64, f64)>| {
                    rows.extend(Errors::of(pairs).map(|errors| Row {
                        device: device.to_owned(),
                        quantity: format!("{} × {tensor}, {what}", model.name),
                        status: Status::HeldOut,
                        errors,
                        target: None,
                    }));
                };
                let prefill = |step: &&Step| (prefill(&profile, step), step.prefill);
                let decode = |step: &&Step| (decode(&profile, step), step.decode);
                push("prompts", of_size.iter().map(prefill).collect());
                push("decode steps", of_size.iter().map(decode).collect());
            }
        }
    }
    Ok(Rung {
        title: "Steps",
        about: "Prompts of a batch at once, and decode steps, in 16 bits: Splitwise (Patel et al., ISCA 2024, MIT), software of \
            2023. All of it was slower than kernels and overheads of today: a decode step of the 70B model took 29 to 60 ms on however \
            many GPUs, which is overhead of that software that the model has no term for, and prompts on the H100 reached half of what \
            its kernels do now. BLOOM's plain \
            feed-forward layers stand as gated ones with as many weights.",
        rows,
    })
}

fn llama_2_70b() -> Model {
    let llama = Catalog::get().model("llama-3.1-70b");
    Model {
        name: "llama2-70b".to_owned(),
        parameters: 68_976_648_192.0,
        vocab: 32000,
        ..llama.expect("the catalog has it")
    }
}

fn bloom() -> Model {
    Model {
        name: "bloom-176b".to_owned(),
        parameters: 176_247_271_424.0,
        layers: 70,
        hidden: 14336,
        heads: 112,
        kv_heads: 112,
        head_dim: 128,
        // Two matrices of 14,336 × 57,344 weigh as much as three of this width.
        ffn: 38229,
        vocab: 250_880,
        experts: None,
    }
}

fn profile(device: &Device, model: &Model, tensor: u32, steps: &[&Step]) -> Profile {
    let tokens = steps.iter().map(|step| step.batch * step.prompt).max();
    let batch = steps.iter().map(|step| step.batch).max();
    let mut deployment = Deployment::single(model.clone(), Format::Bf16, batch.unwrap_or(1));
    deployment.tensor = tensor;
    deployment.token_budget = tokens.unwrap_or(1).max(deployment.max_batch);
    Profile::new(device, &deployment)
}

/// All prompts of a batch in one step [s].
fn prefill(profile: &Profile, step: &Step) -> f64 {
    let tokens = profile.mixed(step.batch * step.prompt, 0, step.batch);
    let attention = profile.prefill_attention(step.prompt, 0);
    (tokens + u64::from(step.batch) * attention) as f64 / 1e12
}

/// The mean decode step of a batch [s].
fn decode(profile: &Profile, step: &Step) -> f64 {
    let (base, slope) = profile.decode(step.batch);
    let context = f64::from(step.prompt) + f64::from(step.output) / 2.0;
    (base as f64 + slope as f64 * f64::from(step.batch) * context) / 1e12
}

/// The devices of the table of single streams: our name, theirs, what was fitted to it.
const SINGLE: [(&str, &str, Status); 7] = [
    ("rtx-4090", "RTX 4090", Status::HeldOut),
    ("a100-sxm-80", "A100 SXM", Status::HeldOut),
    ("l40s", "L40S", Status::DataSheet),
    ("rtx-3090", "RTX 3090", Status::Fitted),
    ("rtx-a6000", "RTX A6000", Status::Fitted),
    ("apple-m1-max", "M1 Max 32-core", Status::Fitted),
    ("apple-m3-max", "M3 Max 40-core", Status::Fitted),
];

/// One stream on one device.
pub(super) fn singles(data: &Path) -> Result<Rung, DataError> {
    let model = Catalog::get()
        .model("llama-3.1-8b")
        .expect("the catalog has it");
    let mut rows = Vec::new();
    let singles = data::singles(data)?;
    for (name, theirs, status) in SINGLE {
        let Some(single) = singles.iter().find(|single| single.device == theirs) else {
            continue;
        };
        let mut device = shipped(name);
        // No server stands before llama.cpp.
        device.overheads = Overheads::default();
        for (format, (decode, prefill), what) in [
            (Format::F16, single.wide, "F16"),
            (Format::Q4K, single.packed, "Q4_K_M"),
        ] {
            let mut deployment = Deployment::single(model.clone(), format, 1);
            deployment.token_budget = 512;
            let profile = Profile::new(&device, &deployment);
            let (base, slope) = profile.decode(1);
            let step = (base as f64 + slope as f64 * 512.0) / 1e12;
            let prompt = profile.prompt(1024) as f64 / 1e12;
            let is_packed = format == Format::Q4K;
            let mut push = |quantity: String, measured: Option<f64>, predicted: f64| {
                let errors = measured.and_then(|measured| Errors::of([(predicted, measured)]));
                // Unpacking was fitted to decoding alone, on every device that has rates for it.
                let status = match (is_packed, quantity.contains("prompt")) {
                    (true, _) if profile.borrowed().is_some() => Status::DataSheet,
                    (true, true) => Status::HeldOut,
                    (true, false) => Status::Fitted,
                    (false, _) => status,
                };
                rows.extend(errors.map(|errors| Row {
                    device: name.to_owned(),
                    quantity,
                    status,
                    errors,
                    target: None,
                }));
            };
            push(
                format!("{what}, time per token"),
                decode.map(|rate| 1.0 / rate),
                step,
            );
            push(
                format!("{what}, prompt of 1,024"),
                prefill.map(|rate| 1024.0 / rate),
                prompt,
            );
        }
    }
    Ok(Rung {
        title: "Single streams",
        about: "Llama-3-8B under llama.cpp at batch 1, generating or reading 1,024 tokens (github.com/XiongjieDai/\
            GPU-Benchmarks-on-LLM-Inference, May 2024). The F16 prompt rates of A100 and L40S are outliers of the source (681 and \
            2,492 token/s). That version used 45 % of the bandwidth of an A100, which serving engines do not.",
        rows,
    })
}
