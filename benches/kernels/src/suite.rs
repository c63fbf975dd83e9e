//! The table of what is measured, and how each row is run.

use std::time::{Duration, Instant};

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::kv_cache::KvCache;

use crate::block::{self, Block};
use crate::kernels;
use crate::machine;
use crate::points::{Op, Pass, Times};
use crate::shapes;
use crate::weights::{Ring, Weights, random};
use walras_sim::hardware::{Format, Heads, Model};

/// How thoroughly to measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Passes over the whole table: what changes from one to the next is in the spread of every row.
    pub rounds: usize,
    /// Least time for a row in a round.
    pub budget: Duration,
    /// Most runs of a row in a round.
    pub runs: usize,
}

impl Effort {
    /// Some minutes.
    pub const FULL: Self = Self {
        rounds: 3,
        budget: Duration::from_millis(150),
        runs: 25,
    };

    /// A minute or two.
    pub const QUICK: Self = Self {
        rounds: 1,
        budget: Duration::from_millis(40),
        runs: 9,
    };
}

/// A block of a model at work.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The model.
    pub model: Model,
    /// Format of its weights.
    pub format: Format,
    /// Sequences in the step.
    pub sequences: usize,
    /// New tokens of each.
    pub tokens: usize,
    /// Tokens of each before them.
    pub context: usize,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// One kernel.
    Kernel(Op),
    /// A whole block.
    Block(Layer),
}

/// The table: every kernel on the shapes of published models, and blocks of these models.
#[must_use]
pub fn table() -> Vec<Row> {
    let mut rows = Vec::new();
    // Formats that candle multiplies fast on most machines get larger products. The block formats of 256 weights do not fit
    // Qwen's hidden size of 896; where it fits, candle multiplies it by other code, so that it counts as a format of its own.
    let (small, large) = (shapes::qwen_half_b(), shapes::llama_1b());
    for format in [
        Format::F32,
        Format::F16,
        Format::Bf16,
        Format::Q4_0,
        Format::Q4_1,
    ] {
        rows.extend(products(&small, format, &[1, 4, 16, 64]));
        rows.extend(products(&large, format, &[1]));
    }
    for format in [Format::Q8_0, Format::Q4K, Format::Q6K] {
        rows.extend(products(&large, format, &[1, 4, 16, 64, 256]));
    }
    rows.extend(products(&small, Format::Q8_0, &[1, 4, 16, 64]));
    rows.extend(products(&shapes::llama_8b(), Format::Q4K, &[1, 16]));
    // Small squares show the overhead of a launch; the others are among the shapes that fits leave out and are tested on.
    for format in Format::ALL
        .into_iter()
        .filter(|format| kind(*format).is_some())
    {
        for (n, k) in [(256, 256), (1024, 2048), (4096, 1024)] {
            let op = |m| Row::Kernel(Op::Product { m, n, k, format });
            rows.extend([1, 16].map(op));
        }
    }

    for model in [small.clone(), large.clone(), shapes::qwen_mixture()] {
        let heads = heads(&model);
        let decode = |context| Row::Kernel(Op::Decode { context, heads });
        rows.extend([128, 512, 1024, 2048, 4096, 8192].map(decode));
        let prefill = |(tokens, context)| {
            Row::Kernel(Op::Prefill {
                tokens,
                context,
                heads,
            })
        };
        rows.extend([(16, 0), (128, 0), (512, 0), (32, 2016), (32, 8160)].map(prefill));
    }

    for model in [shapes::llama_8b(), shapes::qwen_7b()] {
        let heads = heads(&model);
        let decode = |context| Row::Kernel(Op::Decode { context, heads });
        rows.extend([256, 2048].map(decode));
        let prefill = |tokens| {
            Row::Kernel(Op::Prefill {
                tokens,
                context: 0,
                heads,
            })
        };
        rows.extend([32, 256].map(prefill));
    }

    for kind in [
        Pass::ResidualNorm,
        Pass::Norm,
        Pass::Rope,
        Pass::Softmax,
        Pass::Swiglu,
        Pass::Embedding,
    ] {
        for (tokens, width) in [(1, 896), (1, 4096), (16, 2048), (128, 2048), (512, 896)] {
            rows.push(Row::Kernel(Op::Pass {
                kind,
                tokens,
                width,
            }));
        }
    }
    for kind in [Pass::Argmax, Pass::TopK] {
        for width in [32_000, 151_936] {
            rows.push(Row::Kernel(Op::Pass {
                kind,
                tokens: 1,
                width,
            }));
        }
    }

    for (model, format) in [
        (small, Format::Q8_0),
        (large.clone(), Format::Q8_0),
        (large, Format::Q4K),
        (shapes::llama_8b(), Format::Q4K),
        (shapes::qwen_mixture(), Format::Q4K),
    ] {
        for (sequences, tokens, context) in [(1, 1, 512), (4, 1, 512), (1, 64, 0)] {
            rows.push(Row::Block(Layer {
                model: model.clone(),
                format,
                sequences,
                tokens,
                context,
            }));
        }
    }
    rows
}

/// The products of a layer of `model` at each of `rows`.
fn products(model: &Model, format: Format, rows: &[usize]) -> Vec<Row> {
    let mut found = Vec::new();
    for m in rows {
        for product in model.layer(1, 1) {
            let (n, k) = (product.n as usize, product.k as usize);
            found.push(Row::Kernel(Op::Product {
                m: *m,
                n,
                k,
                format,
            }));
        }
    }
    found
}

/// Heads of `model`.
#[must_use]
pub fn heads(model: &Model) -> Heads {
    Heads {
        query: f64::from(model.heads),
        kv: f64::from(model.kv_heads),
        dim: f64::from(model.head_dim),
    }
}

/// The format as candle calls it, if it has it.
#[must_use]
pub fn kind(format: Format) -> Option<GgmlDType> {
    Some(match format {
        Format::F32 => GgmlDType::F32,
        Format::F16 => GgmlDType::F16,
        Format::Bf16 => GgmlDType::BF16,
        Format::Q8_0 => GgmlDType::Q8_0,
        Format::Q6K => GgmlDType::Q6K,
        Format::Q4_1 => GgmlDType::Q4_1,
        Format::Q4K => GgmlDType::Q4K,
        Format::Q4_0 => GgmlDType::Q4_0,
        Format::Fp8 | Format::Fp4 => return None,
    })
}

/// Runs of one row in one round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Runs {
    /// Time of each, without waiting for a processor [s].
    pub seconds: Vec<f64>,
    /// Wall time of all [s].
    pub wall: f64,
    /// Part of it spent waiting [s].
    pub waited: f64,
}

impl Row {
    /// Measures the row once through, with operands that together exceed `floor` bytes, used in turn.
    ///
    /// # Errors
    /// If candle cannot run it.
    pub fn measure(&self, effort: Effort, floor: f64) -> Result<Runs> {
        match self {
            Self::Kernel(op) => kernel(op, effort, floor),
            Self::Block(layer) => layer.measure(effort, floor),
        }
    }
}

fn kernel(op: &Op, effort: Effort, floor: f64) -> Result<Runs> {
    match *op {
        Op::Product { m, n, k, format } => {
            let kind =
                kind(format).ok_or_else(|| candle_core::Error::msg(format!("{format:?}")))?;
            let bytes = (n * k) as f64 * format.bytes();
            let x = random(&[m, k], 1.0, 1)?;
            let x = x.to_dtype(Weights::random(1, k, kind, 0)?.activations())?;
            let run = |weights: &mut Weights| kernels::matmul(&x, weights);
            let mut weights = ring(bytes, floor, |seed| Weights::random(n, k, kind, seed), run)?;
            repeat(effort, || run(weights.turn()))
        }
        Op::Prefill {
            tokens,
            context,
            heads,
        } => attention(tokens, context + tokens, heads, effort, floor),
        Op::Decode { context, heads } => attention(1, context, heads, effort, floor),
        Op::Pass {
            kind,
            tokens,
            width,
        } => pass(kind, tokens, width, effort, floor),
    }
}

fn attention(new: usize, all: usize, heads: Heads, effort: Effort, floor: f64) -> Result<Runs> {
    let [query, kv, dim] = [heads.query, heads.kv, heads.dim].map(|size| size as usize);
    let bytes = (8 * all * kv * dim) as f64;
    let q = random(&[new, query, dim], 1.0, 1)?;
    let make = |seed| {
        let part = |seed| random(&[all, kv, dim], 1.0, seed);
        Ok((part(2 * seed)?, part(2 * seed + 1)?))
    };
    let run = |(k, v): &mut (Tensor, Tensor)| kernels::attention(&q, k, v);
    let mut caches = ring(bytes, floor, make, run)?;
    repeat(effort, || run(caches.turn()))
}

/// Activations stay in the caches, as they do between the operations of a step; tables of embeddings do not.
fn pass(kind: Pass, tokens: usize, width: usize, effort: Effort, floor: f64) -> Result<Runs> {
    let x = random(&[tokens, width], 1.0, 1)?;
    let y = random(&[tokens, width], 1.0, 2)?;
    let gain = random(&[width], 1.0, 3)?;
    match kind {
        Pass::ResidualNorm => repeat(effort, || kernels::residual_norm(&x, &y, &gain)),
        Pass::Norm => repeat(effort, || kernels::rms_norm(&x, &gain)),
        Pass::Softmax => repeat(effort, || kernels::softmax(&x)),
        Pass::Swiglu => repeat(effort, || kernels::swiglu(&x)),
        Pass::Rope => {
            let heads = x.reshape((tokens, width / 64, 64))?;
            let (cos, sin) = kernels::rotations(tokens, 64, 10_000.0)?;
            repeat(effort, || kernels::rope(&heads, &cos, &sin))
        }
        Pass::Embedding => {
            let rows = (floor / (4 * width) as f64) as usize + tokens;
            let table = Tensor::zeros((rows, width), DType::F32, &Device::Cpu)?;
            let stride = rows / tokens;
            let ids: Vec<u32> = (0..tokens).map(|token| (token * stride) as u32).collect();
            let ids = Tensor::new(ids, &Device::Cpu)?;
            repeat(effort, || kernels::embedding(&table, &ids))
        }
        Pass::Argmax => repeat(effort, || kernels::argmax(&x)),
        Pass::TopK => {
            let row = x.get(0)?;
            repeat(effort, || kernels::top_k(&row, 40))
        }
    }
}

impl Layer {
    /// The kernels that the block runs.
    #[must_use]
    pub fn ops(&self) -> Vec<Op> {
        let tokens = self.sequences * self.tokens;
        let heads = heads(&self.model);
        let mut ops = vec![];
        for product in self.model.layer(tokens as u32, 1) {
            let op = Op::Product {
                m: product.m.round().max(1.0) as usize,
                n: product.n as usize,
                k: product.k as usize,
                format: self.format,
            };
            ops.extend(vec![op; product.count.round() as usize]);
        }
        let attention = match self.tokens {
            1 => Op::Decode {
                context: self.context + 1,
                heads,
            },
            tokens => Op::Prefill {
                tokens,
                context: self.context,
                heads,
            },
        };
        ops.extend(vec![attention; self.sequences]);
        let pass = |kind, width| Op::Pass {
            kind,
            tokens,
            width,
        };
        let active = self
            .model
            .experts
            .map_or(1, |experts| experts.active as usize);
        ops.extend([
            pass(Pass::ResidualNorm, self.model.hidden as usize),
            pass(Pass::Rope, ((heads.query + heads.kv) * heads.dim) as usize),
            pass(Pass::ResidualNorm, self.model.hidden as usize),
            pass(Pass::Swiglu, 2 * active * self.model.ffn as usize),
        ]);
        ops
    }

    fn measure(&self, effort: Effort, floor: f64) -> Result<Runs> {
        let kind = kind(self.format).ok_or_else(|| candle_core::Error::msg(self.format.name()))?;
        let weights: f64 = self
            .model
            .layer(u32::MAX, 1)
            .iter()
            .map(|p| p.n * p.k * p.count)
            .sum();
        let make = |seed| {
            let block = Block::random(&self.model, kind, seed)?;
            let cache = |of| {
                block::cache(
                    &self.model,
                    self.context,
                    self.context + self.tokens,
                    seed + of,
                )
            };
            let caches: Vec<KvCache> = (0..self.sequences as u64)
                .map(cache)
                .collect::<Result<_>>()?;
            Ok((block, caches))
        };
        let (new, hidden) = (self.sequences * self.tokens, self.model.hidden as usize);
        let (x, y) = (
            random(&[new, hidden], 1.0, 1)?,
            random(&[new, hidden], 0.1, 2)?,
        );
        let length = self.context + self.tokens;
        let tables = kernels::rotations(length, self.model.head_dim as usize, 10_000.0)?;
        let spans = vec![(self.context, self.tokens); self.sequences];
        let rotation = block::rotation(&tables, &spans)?;
        let run = |(block, caches): &mut (Block, Vec<KvCache>)| {
            // The next run writes over what this one appends: the clone shares the memory but not the length.
            let mut caches = caches.clone();
            let mut spans: Vec<_> = caches
                .iter_mut()
                .map(|cache| (cache, self.tokens))
                .collect();
            block.forward(&x, &y, &rotation, &mut spans)
        };
        let mut blocks = ring(weights * self.format.bytes(), floor, make, run)?;
        repeat(effort, || run(blocks.turn()))
    }
}

/// As many operands as fill `floor` bytes, of `bytes` each; one is enough for a kernel so slow that it reads less than
/// 1 GB/s, since no cache helps it. Every operand has been used twice: the first time, candle packs weights anew.
fn ring<T, R>(
    bytes: f64,
    floor: f64,
    make: impl Fn(u64) -> Result<T>,
    mut run: impl FnMut(&mut T) -> Result<R>,
) -> Result<Ring<T>> {
    let mut first = Ring::of(bytes, bytes, &make)?;
    run(first.turn())?;
    let start = Instant::now();
    run(first.turn())?;
    if bytes / start.elapsed().as_secs_f64() < 1e9 {
        return Ok(first);
    }
    let mut all = Ring::of(bytes, floor, make)?;
    for _ in 0..2 * all.count() {
        run(all.turn())?;
    }
    Ok(all)
}

/// Times `run` in samples of at least a fifth of a millisecond each.
///
/// # Errors
/// Of `run`.
pub fn repeat<T>(effort: Effort, mut run: impl FnMut() -> Result<T>) -> Result<Runs> {
    let start = Instant::now();
    std::hint::black_box(run()?);
    let once = start.elapsed().as_secs_f64();
    let batch = (2e-4 / once).ceil().max(1.0) as u32;
    let mut runs = Runs::default();
    let start = Instant::now();
    while runs.seconds.is_empty()
        || (start.elapsed() < effort.budget && runs.seconds.len() < effort.runs)
    {
        let before = Instant::now();
        let waited = machine::waited();
        let sample = Instant::now();
        for _ in 0..batch {
            std::hint::black_box(run()?);
        }
        let end = Instant::now();
        let waited = machine::waited() - waited;
        // A wait while the waiting was read is in it, but not in the sample.
        let reading = (sample - before) + end.elapsed();
        let wall = (end - sample).as_secs_f64();
        if reading > READING || waited >= wall {
            continue;
        }
        runs.seconds.push((wall - waited) / f64::from(batch));
        runs.wall += wall;
        runs.waited += waited;
    }
    Ok(runs)
}

/// Reading how long a thread has waited, twice, takes some 10 µs; longer if it is itself interrupted.
const READING: Duration = Duration::from_micros(100);

/// Merges what a row gave in each round.
#[must_use]
pub fn merged(rounds: &[Runs]) -> Times {
    let seconds = rounds
        .iter()
        .flat_map(|runs| runs.seconds.iter().copied())
        .collect();
    let sum = |part: fn(&Runs) -> f64| rounds.iter().map(part).sum::<f64>();
    Times::of(seconds, sum(|runs| runs.waited) / sum(|runs| runs.wall))
}
