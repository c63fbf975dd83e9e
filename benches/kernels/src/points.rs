//! Measured points: which operation, on what, and how long it took.

use std::fmt;

use walras_sim::hardware::{Format, MatMul, Work, prefill_attention};

/// An operation that is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// A product of `m` rows with `n × k` weights.
    Product {
        /// Rows: tokens.
        m: usize,
        /// Outputs.
        n: usize,
        /// Inputs.
        k: usize,
        /// Of the weights.
        format: Format,
    },
    /// Causal attention of `tokens` new tokens after `context` others.
    Prefill {
        /// New tokens.
        tokens: usize,
        /// Tokens before them.
        context: usize,
        /// Heads.
        heads: Heads,
    },
    /// Attention of one token over `context`, itself included.
    Decode {
        /// Tokens attended to.
        context: usize,
        /// Heads.
        heads: Heads,
    },
    /// A pass over activations of `tokens` rows of `width`.
    Pass {
        /// Which.
        kind: Pass,
        /// Rows.
        tokens: usize,
        /// Numbers in a row of the input.
        width: usize,
    },
}

/// Shape of attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Of queries.
    pub queries: usize,
    /// Of keys and values.
    pub keys: usize,
    /// Numbers in a head.
    pub width: usize,
}

/// Kinds of passes over activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Residual sum and RMS norm, as between the parts of a layer.
    ResidualNorm,
    /// RMS norm alone.
    Norm,
    /// Rotary embedding of heads of 64.
    Rope,
    /// Softmax of rows.
    Softmax,
    /// Gated activation; `width` counts gate and up.
    Swiglu,
    /// Rows of an embedding table.
    Embedding,
    /// The most likely token.
    Argmax,
    /// The 40 most likely tokens with their probabilities.
    TopK,
}

impl Pass {
    /// Name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ResidualNorm => "residual_norm",
            Self::Norm => "rms_norm",
            Self::Rope => "rope",
            Self::Softmax => "softmax",
            Self::Swiglu => "swiglu",
            Self::Embedding => "embedding",
            Self::Argmax => "argmax",
            Self::TopK => "top_k",
        }
    }

    /// Memory traffic per number of the input, in 16-bit numbers read and written.
    fn traffic(self) -> f64 {
        match self {
            Self::ResidualNorm => 4.0,
            Self::Norm | Self::Rope | Self::Softmax | Self::Embedding => 2.0,
            Self::Swiglu => 1.5,
            Self::Argmax | Self::TopK => 1.0,
        }
    }
}

impl Op {
    /// What it has to do. Activations and caches count 16 bits, as everywhere in the cost model, though candle keeps 32.
    #[must_use]
    pub fn work(&self) -> Work {
        match *self {
            Self::Product { m, n, k, format } => {
                let [m, n, k] = [m, n, k].map(|size| size as f64);
                MatMul { m, n, k, count: 1.0 }.work(format)
            }
            Self::Prefill {
                tokens,
                context,
                heads,
            } => {
                let [queries, keys, width] = heads.numbers();
                prefill_attention(tokens as f64, context as f64, queries, keys, width)
            }
            Self::Decode { context, heads } => {
                let [queries, keys, width] = heads.numbers();
                Work {
                    flops: 4.0 * queries * width * context as f64,
                    bytes: 4.0 * keys * width * context as f64,
                    unpacked: 0.0,
                }
            }
            Self::Pass {
                kind,
                tokens,
                width,
            } => Work {
                bytes: 2.0 * kind.traffic() * (tokens * width) as f64,
                ..Work::default()
            },
        }
    }
}

impl Heads {
    /// Query heads, key-value heads and their width.
    #[must_use]
    pub fn numbers(self) -> [f64; 3] {
        [self.queries, self.keys, self.width].map(|size| size as f64)
    }
}

/// As in the profile: a YAML mapping without its braces.
impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Product { m, n, k, format } => {
                write!(f, "op: matmul, m: {m}, n: {n}, k: {k}, format: {}", format.name())
            }
            Self::Prefill {
                tokens,
                context,
                heads,
            } => write!(f, "op: prefill, tokens: {tokens}, context: {context}, {heads}"),
            Self::Decode { context, heads } => write!(f, "op: decode, context: {context}, {heads}"),
            Self::Pass {
                kind,
                tokens,
                width,
            } => write!(f, "op: {}, tokens: {tokens}, width: {width}", kind.name()),
        }
    }
}

impl fmt::Display for Heads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            queries,
            keys,
            width,
        } = self;
        write!(f, "heads: {queries}, kv_heads: {keys}, head_dim: {width}")
    }
}

/// Times of repeated runs, without waiting for a processor [s].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Times {
    /// Half of the runs were faster.
    pub median: f64,
    /// A quarter of the runs were faster.
    pub low: f64,
    /// A quarter of the runs were slower.
    pub high: f64,
    /// Runs.
    pub repeats: usize,
    /// Share of the wall time that was spent waiting for a processor, and is taken off: others were using the machine.
    pub waited: f64,
}

impl Times {
    /// Of `runs` [s], in any order.
    ///
    /// # Panics
    /// If there are none.
    #[must_use]
    pub fn of(mut runs: Vec<f64>, waited: f64) -> Self {
        assert!(!runs.is_empty(), "a point needs a run");
        runs.sort_by(f64::total_cmp);
        let quantile = |q: f64| {
            let at = q * (runs.len() - 1) as f64;
            let (below, above) = (runs[at as usize], runs[at.ceil() as usize]);
            below + (above - below) * at.fract()
        };
        Self {
            median: quantile(0.5),
            low: quantile(0.25),
            high: quantile(0.75),
            repeats: runs.len(),
            waited,
        }
    }

    /// Distance of the quartiles relative to the median.
    #[must_use]
    pub fn spread(&self) -> f64 {
        (self.high - self.low) / self.median
    }
}

/// As in the profile: a YAML mapping without its braces.
impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            median,
            low,
            high,
            repeats,
            waited,
        } = self;
        write!(
            f,
            "median: {median:.3e}, low: {low:.3e}, high: {high:.3e}, repeats: {repeats}, waited: {waited:.2}"
        )
    }
}

/// A measured operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Which.
    pub op: Op,
    /// How long it takes.
    pub times: Times,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_interpolate() {
        let times = Times::of(vec![4.0, 1.0, 3.0, 2.0], 0.0);
        assert_eq!([times.low, times.median, times.high], [1.75, 2.5, 3.25]);
        assert_eq!(times.spread(), 0.6);
        assert_eq!(Times::of(vec![2.0], 0.0).spread(), 0.0);
    }

    /// 2·m·n·k operations; 18 bytes for each 32 weights of q4_0, and 16-bit activations in and out.
    #[test]
    fn work_is_counted_by_hand() {
        let op = Op::Product {
            m: 3,
            n: 64,
            k: 32,
            format: Format::Q4_0,
        };
        let work = op.work();
        assert_eq!([work.flops, work.unpacked], [12_288.0, 2048.0]);
        assert_eq!(work.bytes, 64.0 * 18.0 + 2.0 * 3.0 * 96.0);
        assert_eq!(op.to_string(), "op: matmul, m: 3, n: 64, k: 32, format: q4_0");
    }
}
