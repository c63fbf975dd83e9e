//! Transformer blocks of published shapes: attention over a KV cache, then a gated feed-forward layer or a mixture of them.
//!
//! A block does what [`Model`] counts for a layer: one product for queries, keys and values, one for the output of attention,
//! one for gate and up, one for down, and four passes over activations. Sequences of a batch share products and passes; each
//! attends to its own cache. The biases of Qwen2's first product are left out.

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::kv_cache::KvCache;
use walras_sim::hardware::Model;

use crate::kernels;
use crate::weights::{Weights, random};

/// One layer of a model.
#[derive(Debug)]
pub struct Block {
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    attention_norm: Tensor,
    qkv: Weights,
    output: Weights,
    feed_norm: Tensor,
    feed: Feed,
}

/// A gated feed-forward layer.
#[derive(Debug)]
pub struct Gated {
    /// Gate and up, side by side.
    pub gate_up: Weights,
    /// Back to the hidden size.
    pub down: Weights,
}

/// What follows attention.
#[derive(Debug)]
pub enum Feed {
    /// The same layer for all tokens.
    Dense(Gated),
    /// Each token is sent to some of several layers, and their outputs are averaged with the router's weights.
    Experts {
        /// Scores experts.
        router: Weights,
        /// All of them.
        experts: Vec<Gated>,
        /// How many serve a token.
        active: usize,
    },
}

/// New tokens of one sequence in a step: its cache in the layer, and how many tokens.
pub type Span<'a> = (&'a mut KvCache, usize);

/// Tables of rotary embeddings, and the rows of a step.
#[derive(Debug)]
pub struct Rotation {
    /// Cosines, one row per token of the step.
    pub cos: Tensor,
    /// Sines.
    pub sin: Tensor,
}

impl Block {
    /// A block of the parts that a file holds.
    #[must_use]
    pub fn new(model: &Model, norms: [Tensor; 2], attention: [Weights; 2], feed: Feed) -> Self {
        let [attention_norm, feed_norm] = norms;
        let [qkv, output] = attention;
        Self {
            heads: model.heads as usize,
            kv_heads: model.kv_heads as usize,
            head_dim: model.head_dim as usize,
            attention_norm,
            qkv,
            output,
            feed_norm,
            feed,
        }
    }

    /// A layer of `model` with random weights of `format`; the router of a mixture is `f32`, as in files.
    ///
    /// # Errors
    /// If a width of the model is not a multiple of the block of `format`.
    pub fn random(model: &Model, format: GgmlDType, seed: u64) -> Result<Self> {
        let [hidden, heads, kv_heads, head_dim, ffn] = [
            model.hidden,
            model.heads,
            model.kv_heads,
            model.head_dim,
            model.ffn,
        ]
        .map(|width| width as usize);
        let weights = |outputs, inputs, part| {
            Weights::random(outputs, inputs, format, seed.wrapping_mul(1000) + part)
        };
        let gated = |part| {
            Ok::<_, candle_core::Error>(Gated {
                gate_up: weights(2 * ffn, hidden, part)?,
                down: weights(hidden, ffn, part + 1)?,
            })
        };
        let feed = match model.experts {
            None => Feed::Dense(gated(10)?),
            Some(experts) => Feed::Experts {
                router: Weights::random(experts.count as usize, hidden, GgmlDType::F32, seed)?,
                experts: (0..u64::from(experts.count))
                    .map(|expert| gated(10 + 2 * expert))
                    .collect::<Result<_>>()?,
                active: experts.active as usize,
            },
        };
        let norm = |part| random(&[hidden], 1.0, seed.wrapping_add(part));
        let attention = [
            weights((heads + 2 * kv_heads) * head_dim, hidden, 1)?,
            weights(hidden, heads * head_dim, 2)?,
        ];
        Ok(Self::new(model, [norm(3)?, norm(4)?], attention, feed))
    }

    /// Runs the block over the tokens of a step, those of each sequence one after the other: `x` is the residual stream and `y`
    /// what the block before adds to it. Gives both for the next block.
    ///
    /// # Errors
    /// If the spans are not all of the tokens.
    pub fn forward(
        &self,
        x: &Tensor,
        y: &Tensor,
        rotation: &Rotation,
        spans: &mut [Span<'_>],
    ) -> Result<(Tensor, Tensor)> {
        let (x, normed) = kernels::residual_norm(x, y, &self.attention_norm)?;
        let y = self.attention(&normed, rotation, spans)?;
        let (x, normed) = kernels::residual_norm(&x, &y, &self.feed_norm)?;
        let y = match &self.feed {
            Feed::Dense(gated) => gated.forward(&normed)?,
            Feed::Experts {
                router,
                experts,
                active,
            } => mixture(&normed, router, experts, *active)?,
        };
        Ok((x, y))
    }

    fn attention(&self, x: &Tensor, rotation: &Rotation, spans: &mut [Span<'_>]) -> Result<Tensor> {
        let tokens = x.dim(0)?;
        let qkv = kernels::matmul(x, &self.qkv)?;
        let (q, k, v) = self.rotated(&qkv, rotation)?;
        let mut outputs = Vec::with_capacity(spans.len());
        let mut start = 0;
        for (cache, new) in spans.iter_mut() {
            let of = |all: &Tensor| all.narrow(0, start, *new);
            let (k, v) = cache.append(&of(&k)?, &of(&v)?)?;
            outputs.push(kernels::attention(&of(&q)?, &k, &v)?);
            start += *new;
        }
        if start != tokens {
            candle_core::bail!("spans of {start} tokens for {tokens}");
        }
        let attended = match outputs.as_slice() {
            [one] => one.clone(),
            several => Tensor::cat(several, 0)?,
        };
        kernels::matmul(&attended, &self.output)
    }

    /// Queries, keys and values by heads, the first two rotated.
    fn rotated(&self, qkv: &Tensor, rotation: &Rotation) -> Result<(Tensor, Tensor, Tensor)> {
        let tokens = qkv.dim(0)?;
        let (queries, keys) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let part = |start, width, heads| {
            let part = qkv.narrow(1, start, width)?.contiguous()?;
            part.reshape((tokens, heads, self.head_dim))
        };
        let q = part(0, queries, self.heads)?;
        let k = part(queries, keys, self.kv_heads)?;
        let v = part(queries + keys, keys, self.kv_heads)?;
        let q = kernels::rope(&q, &rotation.cos, &rotation.sin)?;
        let k = kernels::rope(&k, &rotation.cos, &rotation.sin)?;
        Ok((q, k, v))
    }
}

impl Gated {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let gate_up = kernels::matmul(x, &self.gate_up)?;
        kernels::matmul(&kernels::swiglu(&gate_up)?, &self.down)
    }
}

/// The experts' outputs for their tokens, weighted by the router's probabilities among the chosen.
fn mixture(x: &Tensor, router: &Weights, experts: &[Gated], active: usize) -> Result<Tensor> {
    let scores = kernels::matmul(x, router)?;
    let mut chosen: Vec<(Vec<u32>, Vec<f32>)> = vec![Default::default(); experts.len()];
    for token in 0..x.dim(0)? {
        for (expert, weight) in kernels::top_k(&scores.get(token)?, active)? {
            let (tokens, weights) = &mut chosen[expert as usize];
            tokens.push(token as u32);
            weights.push(weight);
        }
    }
    let mut sum = x.zeros_like()?;
    for (gated, (tokens, weights)) in experts.iter().zip(chosen) {
        if tokens.is_empty() {
            continue;
        }
        let weights = Tensor::from_vec(weights, (tokens.len(), 1), &Device::Cpu)?;
        let tokens = Tensor::new(tokens, &Device::Cpu)?;
        let outputs = gated.forward(&x.index_select(&tokens, 0)?)?;
        sum = sum.index_add(&tokens, &outputs.broadcast_mul(&weights)?, 0)?;
    }
    Ok(sum)
}

/// The rows of `tables` for the positions of a step: `new` tokens of each sequence after `before`.
///
/// # Errors
/// If a position lies outside of the tables.
pub fn rotation(tables: &(Tensor, Tensor), spans: &[(usize, usize)]) -> Result<Rotation> {
    let positions: Vec<u32> = spans
        .iter()
        .flat_map(|(before, new)| *before as u32..(before + new) as u32)
        .collect();
    let positions = Tensor::new(positions, &Device::Cpu)?;
    Ok(Rotation {
        cos: tables.0.index_select(&positions, 0)?,
        sin: tables.1.index_select(&positions, 0)?,
    })
}

/// A KV cache of a layer with room for `capacity` tokens, holding random keys and values of the first `context`.
///
/// # Errors
/// If `context` is larger than `capacity`.
pub fn cache(model: &Model, context: usize, capacity: usize, seed: u64) -> Result<KvCache> {
    let mut cache = KvCache::new(0, capacity);
    let shape = [context, model.kv_heads as usize, model.head_dim as usize];
    if context > 0 {
        cache.append(&random(&shape, 1.0, seed)?, &random(&shape, 1.0, seed + 1)?)?;
    }
    debug_assert!(cache.k()?.is_none_or(|k| k.dtype() == DType::F32));
    Ok(cache)
}
