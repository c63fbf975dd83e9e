//! Devices, models, and what one step of inference costs on them.
//!
//! A step is a roofline with measured efficiencies plus overheads:
//!
//! ```text
//! decode(b, C) = step + L·layer + b·sequence + max(weights / bw, 2·P·b / flops) + C · kv / bw
//! prefill(T)   = step + L·layer + n·sequence + max(weights / bw, 2·P·T / flops) + 2·L·d·Σp² / flops
//! ```
//!
//! with `b` sequences holding `C` context tokens, `T = Σp` prompt tokens of `n` sequences, `P` active parameters,
//! `L` layers, hidden size `d`, `kv` bytes per context token, and effective rates `bw`, `flops`.
//! Causal attention of a prompt of `p` tokens takes `4·L·d·p²/2` operations.
//! The decode step is affine in `C`, which is what makes a run of steps a closed form (see [`crate::serving`]).

use walras_des::{Span, math};

use crate::units::{Picos, picos};

/// A device class: peak rates, the efficiencies measured on it, and its overheads.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Name in the catalog.
    pub name: String,
    /// Device memory [B].
    pub memory: u64,
    /// Peak memory bandwidth [B/s].
    pub bandwidth: f64,
    /// Peak dense bf16 rate [FLOP/s].
    pub flops: f64,
    /// Share of the peak rate that large matrix products reach.
    pub compute_efficiency: f64,
    /// Share of the peak bandwidth that reading weights reaches.
    pub bandwidth_efficiency: f64,
    /// Time of one step that depends on nothing [s].
    pub step_overhead: f64,
    /// Time per transformer layer and step [s].
    pub layer_overhead: f64,
    /// Time per sequence and step [s].
    pub sequence_overhead: f64,
    /// Time per request before it can join a batch (API, tokenisation) [s].
    pub request_overhead: f64,
    /// Power when on and idle [W].
    pub idle_power: f64,
    /// Power while serving [W].
    pub active_power: f64,
    /// Dispersion between machines of this class: the slower half is slower by `exp(σ·|z|)`, `z` standard normal.
    pub slowdown_sigma: f64,
}

/// How the weights are stored; arithmetic stays bf16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 16-bit brain float.
    Bf16,
    /// 8-bit float.
    Fp8,
    /// 4-bit blocks with scales, 4.5 bits per weight.
    Q4,
}

impl Precision {
    /// Bytes per weight.
    #[must_use]
    pub fn bytes(self) -> f64 {
        match self {
            Self::Bf16 => 2.0,
            Self::Fp8 => 1.0,
            Self::Q4 => 0.5625,
        }
    }
}

/// Mixture-of-experts shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Experts {
    /// Experts per layer.
    pub count: u32,
    /// Experts that serve one token.
    pub active: u32,
    /// Parameters outside the experts, read for every token.
    pub shared_parameters: f64,
}

/// A language model: its published shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Name in the catalog.
    pub name: String,
    /// Parameters in total.
    pub parameters: f64,
    /// Parameters that multiply one token.
    pub active_parameters: f64,
    /// Parameters that are held but only looked up, not read in a step: an input embedding that is not tied to the output.
    pub lookup_parameters: f64,
    /// Transformer layers.
    pub layers: u32,
    /// Hidden size.
    pub hidden: u32,
    /// Key-value heads.
    pub kv_heads: u32,
    /// Size of a head.
    pub head_dim: u32,
    /// Experts, for a mixture-of-experts model.
    pub experts: Option<Experts>,
}

impl Model {
    /// KV-cache bytes per context token: keys and values of every layer in 16 bits.
    #[must_use]
    pub fn kv_bytes(&self) -> u64 {
        2 * 2 * u64::from(self.layers) * u64::from(self.kv_heads) * u64::from(self.head_dim)
    }

    /// Parameters read in a step of `tokens` tokens: with experts, the expected number of distinct ones,
    /// `E·(1 − (1 − k/E)^tokens)` under even routing.
    #[must_use]
    pub fn parameters_read(&self, tokens: u32) -> f64 {
        let read = self.parameters - self.lookup_parameters;
        let Some(experts) = self.experts else {
            return read;
        };
        let share = f64::from(experts.active) / f64::from(experts.count);
        let touched = 1.0 - math::powi(1.0 - share, i32::try_from(tokens).unwrap_or(i32::MAX));
        experts.shared_parameters + (read - experts.shared_parameters) * touched
    }
}

/// What a device class needs for each step of one model: the cost model, lowered to integers.
///
/// All times are those of a machine with slowdown 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The device class.
    pub device: Device,
    /// Time per request before it can join a batch.
    pub request_overhead: Span,
    /// Context tokens that fit beside the weights (zero when the model does not fit).
    pub kv_capacity: u64,
    /// Largest number of sequences in a batch.
    pub max_batch: u32,
    /// Decode step time of a batch of `b` sequences with no context, at index `b`.
    decode_base: Vec<Picos>,
    /// Decode time per context token.
    kv: Picos,
    prefill_fixed: f64,
    prefill_per_sequence: f64,
    prefill_weights: f64,
    prefill_per_token: f64,
    prefill_per_square: f64,
}

/// Share of device memory that weights and KV cache may use. vLLM's default `gpu_memory_utilization`.
const USABLE_MEMORY: f64 = 0.9;

/// Memory that activations, graphs and the runtime take beside them [B]: what vLLM 0.19 left of an RTX 4090 for the KV cache of
/// Llama-3.1-8B, 41,408 tokens (benchmark records of `LLMServingSim`, MIT).
const RUNTIME_MEMORY: f64 = 1.7e9;

impl Profile {
    /// The profile of `model`, stored at `precision`, on `device`, with batches of at most `max_batch` sequences.
    ///
    /// # Panics
    /// If `max_batch` is zero.
    #[must_use]
    pub fn new(device: &Device, model: &Model, precision: Precision, max_batch: u32) -> Self {
        assert!(max_batch > 0, "a batch holds at least one sequence");
        let bandwidth = device.bandwidth * device.bandwidth_efficiency;
        let flops = device.flops * device.compute_efficiency;
        let fixed = device.step_overhead + f64::from(model.layers) * device.layer_overhead;
        let per_token = 2.0 * model.active_parameters / flops;
        let read = |tokens: u32| model.parameters_read(tokens) * precision.bytes() / bandwidth;
        let decode_base = (0..=max_batch)
            .map(|b| {
                let sequences = f64::from(b);
                picos(
                    fixed
                        + sequences * device.sequence_overhead
                        + read(b.max(1)).max(per_token * sequences),
                )
            })
            .collect();
        Self {
            kv_capacity: Self::room(device, model, precision),
            max_batch,
            request_overhead: Span::from_secs_f64(device.request_overhead),
            decode_base,
            kv: picos(kv_seconds(model, bandwidth)),
            prefill_fixed: fixed,
            prefill_per_sequence: device.sequence_overhead,
            // A prompt of more than a few tokens touches every expert.
            prefill_weights: read(u32::MAX),
            prefill_per_token: per_token,
            prefill_per_square: 2.0 * f64::from(model.layers) * f64::from(model.hidden) / flops,
            device: device.clone(),
        }
    }

    fn room(device: &Device, model: &Model, precision: Precision) -> u64 {
        let weights = model.parameters * precision.bytes();
        let free = device.memory as f64 * USABLE_MEMORY - weights - RUNTIME_MEMORY;
        (free / model.kv_bytes() as f64).floor().max(0.0) as u64
    }

    /// Duration of a decode step of `batch` sequences: a constant, and a slope per context token.
    #[must_use]
    pub fn decode(&self, batch: u32) -> (Picos, Picos) {
        (self.decode_base[batch as usize], self.kv)
    }

    /// Duration of a prefill of `sequences` prompts with `tokens` tokens in all and `squares` the sum of their squares.
    #[must_use]
    pub fn prefill(&self, sequences: u32, tokens: u64, squares: u64) -> Picos {
        let compute = self.prefill_per_token * tokens as f64;
        picos(
            self.prefill_fixed
                + self.prefill_per_sequence * f64::from(sequences)
                + compute.max(self.prefill_weights)
                + self.prefill_per_square * squares as f64,
        )
    }

    /// Seconds that a request of `prompt` and `output` tokens takes alone on the device.
    #[must_use]
    pub fn alone(&self, prompt: u32, output: u32) -> f64 {
        let steps = u64::from(output.saturating_sub(1));
        let context = u128::from(prompt) + 1;
        let steps_wide = u128::from(steps);
        let read = steps_wide * context + steps_wide * steps_wide.saturating_sub(1) / 2;
        let decode =
            u128::from(steps) * u128::from(self.decode_base[1]) + read * u128::from(self.kv);
        let prompt = u64::from(prompt);
        (self.prefill(1, prompt, prompt * prompt) as f64 + decode as f64) / 1e12
    }
}

fn kv_seconds(model: &Model, bandwidth: f64) -> f64 {
    model.kv_bytes() as f64 / bandwidth
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(layers: u32, kv_heads: u32, head_dim: u32) -> Model {
        Model {
            name: String::new(),
            parameters: 0.0,
            active_parameters: 0.0,
            lookup_parameters: 0.0,
            layers,
            hidden: 0,
            kv_heads,
            head_dim,
            experts: None,
        }
    }

    /// Published shapes: Llama-3.1-8B 128 KiB and 70B 320 KiB per token, Qwen2.5-0.5B 12 KiB, Mixtral 8x7B 128 KiB.
    #[test]
    fn kv_bytes_follow_from_the_shape() {
        let found = [(32, 8, 128), (80, 8, 128), (24, 2, 64), (32, 8, 128)]
            .map(|(layers, heads, dim)| model(layers, heads, dim).kv_bytes() / 1024);
        assert_eq!(found, [128, 320, 12, 128]);
    }

    /// One token reads two of eight experts; two tokens read 8·(1 − (6/8)²) = 3.5 of them; many read all.
    #[test]
    fn a_batch_reads_the_experts_that_it_touches() {
        let mixture = Model {
            parameters: 46.7e9,
            lookup_parameters: 0.1e9,
            experts: Some(Experts {
                count: 8,
                active: 2,
                shared_parameters: 1.6e9,
            }),
            ..model(32, 8, 128)
        };
        let expert = (46.7e9 - 0.1e9 - 1.6e9) / 8.0;
        for (tokens, experts) in [(1, 2.0), (2, 3.5), (u32::MAX, 8.0)] {
            let expected = 1.6e9 + experts * expert;
            let found = mixture.parameters_read(tokens);
            assert!(
                (found - expected).abs() < 1.0,
                "{tokens} tokens: {found}, expected {expected}"
            );
        }
    }

    /// The closed form of a request alone is the sum over its steps.
    #[test]
    fn a_request_alone_is_the_sum_of_its_steps() {
        let device = Device {
            name: String::new(),
            memory: 24 << 30,
            bandwidth: 1e12,
            flops: 1e14,
            compute_efficiency: 0.5,
            bandwidth_efficiency: 0.9,
            step_overhead: 1e-4,
            layer_overhead: 3e-5,
            sequence_overhead: 4e-6,
            request_overhead: 0.0,
            idle_power: 0.0,
            active_power: 0.0,
            slowdown_sigma: 0.0,
        };
        let llama = Model {
            parameters: 8e9,
            active_parameters: 7.5e9,
            hidden: 4096,
            ..model(32, 8, 128)
        };
        let profile = Profile::new(&device, &llama, Precision::Bf16, 8);
        let (base, slope) = profile.decode(1);
        let steps: u64 = (1..100).map(|done| base + slope * (500 + done)).sum();
        let expected = (profile.prefill(1, 500, 250_000) + steps) as f64 / 1e12;
        assert!((profile.alone(500, 100) - expected).abs() < 1e-12);
    }
}
