//! The kernels of inference, one function each, on candle's processor backend.
//!
//! Activations are `f32` rows, one per token, except for products with 16-bit weights; the KV cache is `f32`, as candle's
//! attention is written for it.

use candle_core::{D, Result, Tensor};
use candle_nn::attention::{AttnMask, flash_attn};

use crate::weights::Weights;

/// `x·Wᵀ`: `(m, k)` with `n × k` weights gives `(m, n)`. With `m = 1` it is a matrix-vector product.
///
/// # Errors
/// If the shapes do not fit, like all kernels here.
pub fn matmul(x: &Tensor, weights: &Weights) -> Result<Tensor> {
    weights.apply(x)
}

/// Scales rows to a root mean square of one, then by `gain` (Zhang & Sennrich, 2019).
///
/// # Errors
/// If the shapes do not fit.
pub fn rms_norm(x: &Tensor, gain: &Tensor) -> Result<Tensor> {
    candle_nn::ops::rms_norm(x, gain, 1e-5)
}

/// Adds what a layer computed to what it got, and normalises the sum for the next: `(x + y, norm(x + y))`.
///
/// # Errors
/// If the shapes do not fit.
pub fn residual_norm(x: &Tensor, y: &Tensor, gain: &Tensor) -> Result<(Tensor, Tensor)> {
    let sum = (x + y)?;
    let normed = rms_norm(&sum, gain)?;
    Ok((sum, normed))
}

/// Cosines and sines of rotary embeddings for positions below `length`: two tables of `(length, head_dim / 2)`.
///
/// # Errors
/// Only if candle cannot.
pub fn rotations(length: usize, head_dim: usize, base: f32) -> Result<(Tensor, Tensor)> {
    let half = head_dim / 2;
    let angles: Vec<f32> = (0..length * half)
        .map(|at| {
            let frequency = base.powf(-((at % half) as f32) / half as f32);
            (at / half) as f32 * frequency
        })
        .collect();
    let angles = Tensor::from_vec(angles, (length, half), &candle_core::Device::Cpu)?;
    Ok((angles.cos()?, angles.sin()?))
}

/// Rotates halves of heads by their position (Su et al., 2021): `(tokens, heads, head_dim)` with tables of one row per token.
///
/// # Errors
/// If the shapes do not fit.
pub fn rope(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
    candle_nn::rotary_emb::rope_thd(&x.unsqueeze(0)?, cos, sin)?.squeeze(0)
}

/// Causal attention of the last tokens of a sequence over all of it: `q` of `(new, heads, head_dim)`, `k` and `v` of
/// `(all, kv_heads, head_dim)`; gives `(new, heads·head_dim)`. One new token is a decode step, all of them a prefill.
///
/// # Errors
/// If the shapes do not fit.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    let (new, heads, head_dim) = q.dims3()?;
    let before = k.dim(0)? - new;
    let scale = 1.0 / (head_dim as f32).sqrt();
    let mask = AttnMask::causal_with_offset(before);
    let (q, k, v) = (q.unsqueeze(0)?, k.unsqueeze(0)?, v.unsqueeze(0)?);
    flash_attn::<f32>(&q, &k, &v, scale, mask, None, None)?
        .squeeze(0)?
        .transpose(0, 1)?
        .reshape((new, heads * head_dim))
}

/// Softmax of rows.
///
/// # Errors
/// Only if candle cannot.
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    candle_nn::ops::softmax_last_dim(x)
}

/// `silu(gate)·up` for rows that hold gate and up side by side (Shazeer, 2020).
///
/// # Errors
/// If the width is odd.
pub fn swiglu(gate_up: &Tensor) -> Result<Tensor> {
    candle_nn::ops::swiglu(gate_up)
}

/// Rows of `table` by their number.
///
/// # Errors
/// If a number is too large.
pub fn embedding(table: &Tensor, ids: &Tensor) -> Result<Tensor> {
    table.index_select(ids, 0)
}

/// The most likely token of each row.
///
/// # Errors
/// Only if candle cannot.
pub fn argmax(logits: &Tensor) -> Result<Vec<u32>> {
    logits.argmax(D::Minus1)?.to_vec1()
}

/// The `k` most likely tokens of one row of logits, the likeliest first, with probabilities that sum to one.
///
/// # Errors
/// If `logits` is not one row.
pub fn top_k(logits: &Tensor, k: usize) -> Result<Vec<(u32, f32)>> {
    let logits = logits.to_vec1::<f32>()?;
    let mut ids: Vec<u32> = (0..logits.len() as u32).collect();
    let above = |a: &u32, b: &u32| logits[*b as usize].total_cmp(&logits[*a as usize]);
    let k = k.min(ids.len());
    if k < ids.len() {
        ids.select_nth_unstable_by(k, above);
        ids.truncate(k);
    }
    ids.sort_by(above);
    let most = ids.first().map_or(0.0, |id| logits[*id as usize]);
    let powers: Vec<f32> = ids
        .iter()
        .map(|id| (logits[*id as usize] - most).exp())
        .collect();
    let sum: f32 = powers.iter().sum();
    Ok(ids
        .into_iter()
        .zip(powers.iter().map(|p| p / sum))
        .collect())
}
