//! Measured points: which operation, on what, and how long it took.

use std::fmt;

use walras_analysis::calibration::{self, Op as Known};
use walras_sim::hardware::{Format, Heads, MatMul};

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

    /// Memory traffic per number of the input, in 16-bit numbers read and written, of the passes that the cost model counts in a layer
    /// ([`walras_sim::hardware::Model::streams`]); candle keeps 32 bits, and the fitted rate is lower for it.
    fn traffic(self) -> Option<f64> {
        match self {
            Self::ResidualNorm => Some(4.0),
            Self::Rope => Some(2.0),
            Self::Swiglu => Some(1.5),
            _ => None,
        }
    }
}

impl Op {
    /// The operation as the cost model knows it; `None` for a kernel that is not an operation of a step by itself.
    #[must_use]
    pub fn known(&self) -> Option<Known> {
        Some(match *self {
            Self::Product { m, n, k, format } => {
                let [m, n, k] = [m, n, k].map(|size| size as f64);
                Known::MatMul(
                    MatMul {
                        m,
                        n,
                        k,
                        count: 1.0,
                    },
                    format,
                )
            }
            Self::Prefill {
                tokens,
                context,
                heads,
            } => Known::Prefill {
                sequences: 1.0,
                tokens: tokens as f64,
                context: context as f64,
                heads,
            },
            Self::Decode { context, heads } => Known::Decode {
                sequences: 1.0,
                context: context as f64,
                heads,
            },
            Self::Pass {
                kind,
                tokens,
                width,
            } => Known::Stream(2.0 * kind.traffic()? * (tokens * width) as f64),
        })
    }

    /// Whether candle multiplies these weights by the code for inner sizes that are no multiple of 256: blocks of 32 weights are
    /// then used as they are stored, where it would pack them for the vector unit.
    #[must_use]
    pub fn is_unpacked(&self) -> bool {
        matches!(self, Self::Product { k, format: Format::Q8_0, .. } if !k.is_multiple_of(256))
    }
}

/// As in the profile: a YAML mapping without its braces.
impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Product { m, n, k, format } => {
                write!(
                    f,
                    "op: matmul, m: {m}, n: {n}, k: {k}, format: {}",
                    format.name()
                )
            }
            Self::Prefill {
                tokens,
                context,
                heads,
            } => {
                write!(f, "op: prefill, tokens: {tokens}, context: {context}, ")?;
                write_heads(f, *heads)
            }
            Self::Decode { context, heads } => {
                write!(f, "op: decode, context: {context}, ")?;
                write_heads(f, *heads)
            }
            Self::Pass {
                kind,
                tokens,
                width,
            } => write!(f, "op: {}, tokens: {tokens}, width: {width}", kind.name()),
        }
    }
}

fn write_heads(f: &mut fmt::Formatter<'_>, heads: Heads) -> fmt::Result {
    let Heads { query, kv, dim } = heads;
    write!(f, "heads: {query}, kv_heads: {kv}, head_dim: {dim}")
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

impl Point {
    /// As the fit takes it.
    #[must_use]
    pub fn known(&self) -> Option<calibration::Point> {
        Some(calibration::Point {
            op: self.op.known()?,
            seconds: self.times.median,
            // Quartiles of a normal distribution lie 1.349 standard deviations apart.
            spread: self.times.spread() / 1.349,
        })
    }
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

    #[test]
    fn operations_are_written_as_yaml() {
        let op = Op::Product {
            m: 3,
            n: 64,
            k: 32,
            format: Format::Q8_0,
        };
        assert_eq!(
            op.to_string(),
            "op: matmul, m: 3, n: 64, k: 32, format: q8_0"
        );
        assert!(op.is_unpacked());
        let heads = Heads {
            query: 9.0,
            kv: 3.0,
            dim: 64.0,
        };
        let op = Op::Decode { context: 5, heads };
        assert_eq!(
            op.to_string(),
            "op: decode, context: 5, heads: 9, kv_heads: 3, head_dim: 64"
        );
    }

    /// Gate and up of 100 numbers each in, 100 out: 300 of two bytes.
    #[test]
    fn passes_count_what_they_read_and_write() {
        let op = Op::Pass {
            kind: Pass::Swiglu,
            tokens: 1,
            width: 200,
        };
        assert_eq!(op.known(), Some(Known::Stream(600.0)));
    }
}
