//! What a deployment needs for each step on a device class: the cost model, lowered to integers.
//!
//! ```text
//! step(T, n)     = stages·s + L·(l + products(T) + streams(T) + 2·all-reduce(T)) + head(n) + n·q + network(T)
//! decode(b, C)   = step(b, b) + L·attention(b, C)                      affine in C
//! mixed(…)       = step(b + Σp, n) + L·(attention(b, C) + Σ prefill(p, before p))
//! ```
//!
//! for `b` decoding sequences with `C` context tokens, chunks of `p` prompt tokens, and `n` sequences that get a token.
//! A pipeline decodes in as many groups as it has stages, which go round together: each passes all layers with its share of the batch.

use walras_des::Span;

use super::deployment::{Deployment, Speculation};
use super::device::Device;
use super::format::Format;
use super::roof::{Heads, Work};
use crate::units::{Picos, picos};

/// Tokens of one block of the KV cache. vLLM's default.
pub const BLOCK: u32 = 16;

/// Share of device memory that weights and KV cache may use. vLLM's default `gpu_memory_utilization`.
const USABLE_MEMORY: f64 = 0.9;

/// Memory that activations, graphs and the runtime take beside them on each device [B]: what vLLM 0.19 left of an RTX 4090 for the
/// KV cache of Llama-3.1-8B, 41,408 tokens (benchmark records of `LLMServingSim`, MIT).
const RUNTIME_MEMORY: f64 = 1.7e9;

/// The step costs of a deployment on a device class. All times are those of a machine with slowdown 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The device class.
    pub device: Device,
    /// What it serves, and how.
    pub deployment: Deployment,
    /// Time per request before it can join a batch.
    pub request_overhead: Span,
    /// Blocks of the KV cache that fit beside the weights (zero when the model does not fit).
    pub kv_blocks: u32,
    /// Largest number of sequences in a batch.
    pub max_batch: u32,
    /// What depends on the tokens of a step, and the attention of a chunk of as many prompt tokens with nothing before it, at index `T`.
    by_tokens: Vec<(Picos, Picos)>,
    /// What depends on the sequences that get a token, at index `n`.
    by_heads: Vec<Picos>,
    /// Decode step of `b` sequences without context, and its slope per context token, at index `b`.
    decode: Vec<(Picos, Picos)>,
    /// Decode attention of `b` sequences without context in a mixed step, and their drafts, at index `b`.
    attention: Vec<Picos>,
    /// Slope of the decode attention of a mixed step, per context token.
    context_slope: Picos,
    /// Tokens drafted for each sequence and step.
    drafted: u32,
    /// Tokens of a decode step per sequence, in 1/65536.
    tokens_per_step: u64,
}

impl Profile {
    /// The profile of `deployment` on `device`.
    ///
    /// # Panics
    /// If the deployment has no device, no sequence, or less budget than sequences.
    #[must_use]
    pub fn new(device: &Device, deployment: &Deployment) -> Self {
        let Deployment {
            max_batch,
            token_budget,
            tensor,
            ..
        } = *deployment;
        assert!(max_batch > 0, "a batch holds at least one sequence");
        assert!(tensor > 0, "a model needs a device");
        let drafted = deployment.speculation.map_or(0, |s| s.drafted);
        let widest = drafted + 1;
        assert!(
            token_budget >= max_batch * widest,
            "every sequence of a batch decodes in each step, with all its drafts"
        );
        let times = Times { device, deployment };
        let (_, context_slope) = times.attention_beside_prompts(1);
        Self {
            request_overhead: Span::from_secs_f64(device.overheads.request),
            kv_blocks: room(device, deployment),
            max_batch,
            by_tokens: (0..=token_budget)
                .map(|t| {
                    (
                        picos(times.tokens(t)),
                        picos(times.prefill(f64::from(t), 0.0)),
                    )
                })
                .collect(),
            by_heads: (0..=max_batch * widest)
                .map(|n| picos(times.heads(n)))
                .collect(),
            decode: (0..=max_batch)
                .map(|b| {
                    let (base, slope) = times.decode(b);
                    (picos(base), picos(slope))
                })
                .collect(),
            attention: (0..=max_batch)
                .map(|b| picos(times.attention_beside_prompts(b).0 + times.drafts(b)))
                .collect(),
            context_slope: picos(context_slope * times.drafting()),
            drafted,
            tokens_per_step: deployment
                .speculation
                .map_or(1 << 16, Speculation::in_fixed_point),
            device: device.clone(),
            deployment: deployment.clone(),
        }
    }

    /// The same where every execution takes so much more work, as a share: all times grow alike, while memory and power stay.
    #[must_use]
    pub fn with_overhead(mut self, overhead: f64) -> Self {
        let longer = |time: &mut Picos| *time = (*time as f64 * (1.0 + overhead)).round() as Picos;
        let pairs = self.by_tokens.iter_mut().chain(&mut self.decode);
        for (base, slope) in pairs {
            longer(base);
            longer(slope);
        }
        let single = self.by_heads.iter_mut().chain(&mut self.attention);
        single.for_each(longer);
        longer(&mut self.context_slope);
        self.request_overhead =
            Span::from_secs_f64(self.request_overhead.as_secs_f64() * (1.0 + overhead));
        self
    }

    /// Upper bound of the time of a step with a full budget and batch over contexts of `longest` tokens, for checks of input [s].
    #[must_use]
    pub fn slowest_step(device: &Device, deployment: &Deployment, longest: u64) -> f64 {
        let times = Times { device, deployment };
        let (base, slope) = times.decode(deployment.max_batch);
        let (beside, slope_beside) = times.attention_beside_prompts(deployment.max_batch);
        let widest = deployment.speculation.map_or(1, |s| s.drafted + 1);
        let context = longest as f64;
        let slope = slope.max(slope_beside * times.drafting());
        times.tokens(deployment.token_budget)
            + times.heads(deployment.max_batch * widest)
            + times.prefill(f64::from(deployment.token_budget), 0.0)
            + times.prefill(context, context)
            + base
            + beside
            + times.drafts(deployment.max_batch)
            + slope * context * f64::from(deployment.max_batch)
    }

    /// Power of a node when on and idle [W].
    #[must_use]
    pub fn idle_power(&self) -> f64 {
        self.device.idle_power * f64::from(self.deployment.devices())
    }

    /// Power of a node while serving [W].
    #[must_use]
    pub fn active_power(&self) -> f64 {
        self.device.active_power * f64::from(self.deployment.devices())
    }

    /// How far steps for requests of up to `longest` tokens lie outside the measured range, as a factor.
    #[must_use]
    pub fn excess(&self, longest: u64) -> f64 {
        let context = u32::try_from(longest).unwrap_or(u32::MAX);
        let coverage = &self.device.coverage;
        coverage.excess(self.token_budget(), context, self.max_batch)
    }

    /// The format whose matrix products stand for those of the deployment, if its own was not measured on the device.
    #[must_use]
    pub fn borrowed(&self) -> Option<Format> {
        let (found, _) = self.device.kernels.matmul(self.deployment.format);
        (found != self.deployment.format).then_some(found)
    }

    /// The relative error to state for step times of requests of up to `longest` tokens: that on held-out measurements, once more for
    /// each doubling of the measured range, and twice that for products in a format that was not measured.
    #[must_use]
    pub fn stated_error(&self, longest: u64) -> f64 {
        let error = self.device.residuals.stated(self.excess(longest));
        if self.borrowed().is_some() {
            2.0 * error
        } else {
            error
        }
    }

    /// Context tokens that fit in the KV cache.
    #[must_use]
    pub fn kv_capacity(&self) -> u64 {
        u64::from(self.kv_blocks) * u64::from(BLOCK)
    }

    /// Most tokens in one step.
    #[must_use]
    pub fn token_budget(&self) -> u32 {
        self.deployment.token_budget
    }

    /// Duration of a step in which `batch` sequences decode and nothing else: a constant, and a slope per context token.
    #[must_use]
    #[inline]
    pub fn decode(&self, batch: u32) -> (Picos, Picos) {
        self.decode[batch as usize]
    }

    /// Tokens drafted for each sequence and checked in its next step; zero without speculation.
    #[must_use]
    #[inline]
    pub fn drafted(&self) -> u32 {
        self.drafted
    }

    /// Tokens that a decode step gives each sequence, in 1/65536; 65536 without speculation.
    #[must_use]
    #[inline]
    pub fn tokens_per_step(&self) -> u64 {
        self.tokens_per_step
    }

    /// Tokens that a decode step gives each sequence in expectation; one without speculation.
    #[must_use]
    pub fn gain(&self) -> f64 {
        self.tokens_per_step as f64 / 65536.0
    }

    /// Time per context token of the `decoding` sequences of a mixed step, beside [`Self::mixed`].
    #[must_use]
    #[inline]
    pub fn context_slope(&self) -> Picos {
        self.context_slope
    }

    /// Duration of a step that prefills besides, without its attention over contexts and prompts: `tokens` tokens in all, for
    /// `decoding` sequences that decode and for chunks of prompts; `heads` positions get a token.
    #[must_use]
    #[inline]
    pub fn mixed(&self, tokens: u32, decoding: u32, heads: u32) -> Picos {
        let attention = if decoding == 0 {
            0
        } else {
            self.attention[decoding as usize]
        };
        self.by_tokens[tokens as usize].0 + self.by_heads[heads as usize] + attention
    }

    /// Duration of the attention of a chunk of `tokens` prompt tokens over itself and `context` tokens before it, in all layers.
    #[must_use]
    #[inline]
    pub fn prefill_attention(&self, tokens: u32, context: u32) -> Picos {
        if context == 0 {
            self.by_tokens[tokens as usize].1
        } else {
            self.later_chunk(tokens, context)
        }
    }

    fn later_chunk(&self, tokens: u32, context: u32) -> Picos {
        let times = Times {
            device: &self.device,
            deployment: &self.deployment,
        };
        picos(times.prefill(f64::from(tokens), f64::from(context)))
    }

    /// Duration of prefilling `prompt` tokens alone, in as many steps as the budget makes of them.
    #[must_use]
    pub fn prompt(&self, prompt: u32) -> Picos {
        self.prompt_from(0, prompt)
    }

    /// The same when the first `cached` tokens are in the cache already.
    #[must_use]
    pub fn prompt_from(&self, cached: u32, prompt: u32) -> Picos {
        let (mut done, mut total) = (cached, 0);
        while done < prompt {
            let chunk = (prompt - done).min(self.token_budget());
            let is_last = done + chunk == prompt;
            total += self.mixed(chunk, 0, u32::from(is_last)) + self.prefill_attention(chunk, done);
            done += chunk;
        }
        total
    }

    /// Seconds that a request of `prompt` and `output` tokens takes alone on the device, without speculation.
    #[must_use]
    pub fn alone(&self, prompt: u32, output: u32) -> f64 {
        let steps = u128::from(output.saturating_sub(1));
        let context = u128::from(prompt) + 1;
        let read = steps * context + steps * steps.saturating_sub(1) / 2;
        let (base, slope) = self.decode(1);
        let decode = steps * u128::from(base) + read * u128::from(slope);
        (self.prompt(prompt) as f64 + decode as f64) / 1e12
    }
}

/// Blocks that fit beside the weights on all devices of a node.
fn room(device: &Device, deployment: &Deployment) -> u32 {
    let model = &deployment.model;
    let weights = model.parameters * deployment.format.bytes();
    let each = device.memory as f64 * USABLE_MEMORY - RUNTIME_MEMORY;
    let free = f64::from(deployment.devices()) * each - weights;
    let block = model.kv_bytes() as f64 * f64::from(BLOCK);
    (free / block).floor().clamp(0.0, f64::from(u32::MAX)) as u32
}

/// The terms of a step in seconds.
struct Times<'a> {
    device: &'a Device,
    deployment: &'a Deployment,
}

impl Times<'_> {
    fn layers(&self) -> f64 {
        f64::from(self.deployment.model.layers)
    }

    /// What depends on the number of tokens of a step.
    fn tokens(&self, tokens: u32) -> f64 {
        let (device, deployment) = (self.device, self.deployment);
        let fixed = f64::from(deployment.stages()) * device.overheads.step;
        let network = deployment.pipeline.map_or(0.0, |pipeline| {
            pipeline.network(f64::from(tokens), f64::from(deployment.model.hidden))
        });
        fixed + network + self.layers() * self.layer(tokens)
    }

    /// One layer without its attention.
    fn layer(&self, tokens: u32) -> f64 {
        let (device, deployment) = (self.device, self.deployment);
        if tokens == 0 {
            return device.overheads.layer;
        }
        let (model, tensor) = (&deployment.model, deployment.tensor);
        let (_, roof) = device.kernels.matmul(deployment.format);
        let format = deployment.format;
        let products = model.layer(tokens, tensor);
        let products: f64 = products.iter().map(|p| roof.seconds(p.work(format))).sum();
        let stream = |bytes: f64| {
            device.kernels.stream.seconds(Work {
                bytes,
                ..Work::default()
            })
        };
        let streams: f64 = model.streams(tokens, tensor).into_iter().map(stream).sum();
        let exchanged = 2.0 * f64::from(tokens) * f64::from(model.hidden);
        let exchange = device
            .kernels
            .link
            .map_or(0.0, |link| link.all_reduce(exchanged, tensor));
        device.overheads.layer + products + streams + 2.0 * exchange
    }

    /// What depends on the number of sequences that get a token.
    fn heads(&self, heads: u32) -> f64 {
        if heads == 0 {
            return 0.0;
        }
        let (device, deployment) = (self.device, self.deployment);
        let (_, roof) = device.kernels.matmul(deployment.format);
        let product = deployment.model.head(heads, deployment.tensor);
        roof.seconds(product.work(deployment.format)) + f64::from(heads) * device.overheads.sequence
    }

    /// Decode attention of all layers: a constant, and a slope per context token.
    fn attention(&self, sequences: u32) -> (f64, f64) {
        if sequences == 0 {
            return (0.0, 0.0);
        }
        let decode = self.device.kernels.decode;
        let (base, slope) = decode.affine(f64::from(sequences), self.attention_heads());
        (self.layers() * base, self.layers() * slope)
    }

    /// The same in a step that also prefills; its slope does not depend on the number of sequences.
    fn attention_beside_prompts(&self, sequences: u32) -> (f64, f64) {
        if sequences == 0 {
            return (0.0, 0.0);
        }
        let decode = self.device.kernels.decode;
        let (base, slope) = decode.beside_prompts(f64::from(sequences), self.attention_heads());
        (self.layers() * base, self.layers() * slope)
    }

    /// A step in which `batch` sequences decode and nothing else.
    fn decode(&self, batch: u32) -> (f64, f64) {
        let groups = self.deployment.stages().min(batch).max(1);
        let group = batch.div_ceil(groups);
        let (attention, slope) = self.attention(group);
        let slope = slope / f64::from(groups);
        match self.deployment.speculation {
            None => (self.tokens(group) + self.heads(group) + attention, slope),
            Some(draft) => {
                let checked = group * (draft.drafted + 1);
                let check = self.tokens(checked) + self.heads(checked) + attention;
                (check + self.drafts(group), slope * self.drafting())
            }
        }
    }

    /// A step with its drafts relative to one without.
    fn drafting(&self) -> f64 {
        let draft = self.deployment.speculation;
        1.0 + draft.map_or(0.0, |draft| draft.cost * f64::from(draft.drafted))
    }

    /// Drafting for `batch` sequences, without their contexts.
    fn drafts(&self, batch: u32) -> f64 {
        let step = self.tokens(batch) + self.heads(batch) + self.attention(batch).0;
        (self.drafting() - 1.0) * step
    }

    /// Attention of a chunk in all layers.
    fn prefill(&self, tokens: f64, context: f64) -> f64 {
        let roof = self.device.kernels.prefill;
        self.layers() * roof.seconds(1.0, tokens, context, self.attention_heads())
    }

    /// The heads of one device; a key-value head that more devices than heads share is read by each.
    fn attention_heads(&self) -> Heads {
        let (model, split) = (&self.deployment.model, f64::from(self.deployment.tensor));
        Heads {
            query: f64::from(model.heads) / split,
            kv: (f64::from(model.kv_heads) / split).max(1.0),
            dim: f64::from(model.head_dim),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::deployment::Pipeline;
    use super::super::device::{Coverage, Kernels, Overheads, Residuals};
    use super::super::model::Model;
    use super::super::roof::{DecodeRoof, PrefillRoof, Roof};
    use super::*;

    fn roof() -> Roof {
        Roof {
            compute: 1e14,
            memory: 1e12,
            dequantization: f64::INFINITY,
            launch: 3e-6,
            sharpness: 2.0,
        }
    }

    fn device() -> Device {
        Device {
            name: "card".into(),
            memory: 24 << 30,
            bandwidth: 1e12,
            flops: 1.6e14,
            kernels: Kernels {
                matmul: vec![(Format::Bf16, roof())],
                prefill: PrefillRoof {
                    compute: 1e14,
                    memory: 1e12,
                    launch: 3e-6,
                    sharpness: 2.0,
                    softmax: 0.0,
                    depth: 0.0,
                },
                decode: DecodeRoof {
                    compute: 1e14,
                    memory: 8e11,
                    launch: 1e-5,
                    unit: 2e-8,
                    half: 1.0,
                    mixed: None,
                },
                stream: roof(),
                link: None,
            },
            overheads: Overheads {
                step: 1e-4,
                layer: 5e-6,
                sequence: 4e-6,
                request: 0.0,
            },
            coverage: Coverage {
                tokens: 2048,
                context: 16384,
                sequences: 256,
            },
            residuals: Residuals {
                fitted: 0.05,
                held_out: 0.08,
            },
            idle_power: 0.0,
            active_power: 0.0,
            slowdown_sigma: 0.0,
        }
    }

    fn llama() -> Model {
        Model {
            name: String::new(),
            parameters: 8.03e9,
            layers: 32,
            hidden: 4096,
            heads: 32,
            kv_heads: 8,
            head_dim: 128,
            ffn: 14336,
            vocab: 128_256,
            experts: None,
        }
    }

    /// A proof that takes as much work again doubles every time, and takes no memory.
    #[test]
    fn overhead_makes_all_times_longer() {
        let profile = Profile::new(&device(), &Deployment::single(llama(), Format::Bf16, 8));
        let twice = profile.clone().with_overhead(1.0);
        for batch in [1, 4, 8] {
            let ((base, slope), (longer, steeper)) = (profile.decode(batch), twice.decode(batch));
            assert_eq!((2 * base, 2 * slope), (longer, steeper));
        }
        assert_eq!(2 * profile.prompt(500), twice.prompt(500));
        assert_eq!(profile.kv_capacity(), twice.kv_capacity());
        assert_eq!(profile.clone().with_overhead(0.0), profile);
    }

    /// The closed form of a request alone is the sum over its steps.
    #[test]
    fn a_request_alone_is_the_sum_of_its_steps() {
        let profile = Profile::new(&device(), &Deployment::single(llama(), Format::Bf16, 8));
        let (base, slope) = profile.decode(1);
        let steps: u64 = (1..100).map(|done| base + slope * (5000 + done)).sum();
        let chunk = |tokens, before, heads| {
            profile.mixed(tokens, 0, heads) + profile.prefill_attention(tokens, before)
        };
        let prompt = chunk(2048, 0, 0) + chunk(2048, 2048, 0) + chunk(904, 4096, 1);
        assert!((profile.alone(5000, 100) - (prompt + steps) as f64 / 1e12).abs() < 1e-12);
    }

    /// Weights read once per step bound a single sequence: 15 GB at 10¹² B/s, and more with the overheads.
    #[test]
    fn a_single_sequence_is_bound_by_the_weights() {
        let profile = Profile::new(&device(), &Deployment::single(llama(), Format::Bf16, 1));
        let step = profile.decode(1).0 as f64 / 1e12;
        assert!((0.0150..0.0172).contains(&step), "{step} s");
    }

    /// Steps per second of a model in three stages on the same hosts behind different links, for the layer overhead that gives the
    /// first rate: the rest of a step is the network.
    fn petals(model: &Model, measured: f64, links: &[(f64, f64)]) -> Vec<f64> {
        let step = |overhead: f64, (round_trip, bandwidth): (f64, f64)| {
            let mut device = device();
            device.overheads.layer = overhead;
            let mut deployment = Deployment::single(model.clone(), Format::Bf16, 1);
            deployment.pipeline = Some(Pipeline {
                stages: 3,
                round_trip,
                bandwidth,
            });
            Profile::new(&device, &deployment).decode(1).0 as f64 / 1e12
        };
        let layers = f64::from(model.layers);
        let overhead = (1.0 / measured - step(0.0, links[0])) / layers;
        links
            .iter()
            .map(|link| 1.0 / step(overhead, *link))
            .collect()
    }

    /// Petals (Borzunov et al., arXiv:2312.08361 and 2209.01188), three stages across a network of 1 Gbit/s and 5 ms round trips; with the
    /// time on the hosts taken from there, the rates across slower networks follow: Llama 2 70B at 100 ms, BLOOM 176B at 100 Mbit/s
    /// and 5 or 100 ms.
    #[test]
    fn a_pipeline_across_the_internet_slows_as_published() {
        let check = |found: &[f64], published: &[f64]| {
            for (found, published) in found.iter().zip(published) {
                let off = (found / published - 1.0).abs();
                assert!(off < 0.05, "{found} steps/s, published {published}");
            }
        };
        let llama = Model {
            layers: 80,
            hidden: 8192,
            ffn: 28672,
            heads: 64,
            ..llama()
        };
        let found = petals(&llama, 2.29, &[(0.005, 125e6), (0.100, 125e6)]);
        check(&found, &[2.29, 1.57]);
        let bloom = Model {
            layers: 70,
            hidden: 14336,
            ffn: 57344,
            heads: 112,
            kv_heads: 112,
            ..llama
        };
        let links = [(0.005, 125e6), (0.005, 12.5e6), (0.100, 12.5e6)];
        check(&petals(&bloom, 1.71, &links), &[1.71, 1.66, 1.23]);
    }

    /// Two stages hold twice the cache of one and decode two groups at once: a step of a batch costs little more than one of half of it,
    /// and the network.
    #[test]
    fn a_pipeline_splits_the_batch() {
        let single = Deployment::single(llama(), Format::Bf16, 64);
        let mut two = single.clone();
        two.pipeline = Some(Pipeline {
            stages: 2,
            round_trip: 0.0,
            bandwidth: 1e18,
        });
        let (single, two) = (
            Profile::new(&device(), &single),
            Profile::new(&device(), &two),
        );
        let step = 1e8 as u64; // the second host's step overhead [ps]
        assert!(two.decode(64).0.abs_diff(single.decode(32).0 + step) < 10);
        assert_eq!(two.decode(64).1, single.decode(32).1 / 2);
        assert!(two.kv_blocks > 2 * single.kv_blocks);
    }
}
