//! Measured times of single operations, and what the cost model says of them.

use std::fmt;

use walras_des::{Digest, math};
use walras_sim::hardware::{Format, Heads, Kernels, MatMul, Roof, Work};

/// An operation with its shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// A matrix product with weights of a format; of two formats, that of the weights.
    MatMul(MatMul, Format),
    /// Causal attention of prompts.
    Prefill {
        /// Prompts of equal length.
        sequences: f64,
        /// New tokens of each.
        tokens: f64,
        /// Tokens before them, of each.
        context: f64,
        /// Heads of the layer.
        heads: Heads,
    },
    /// Attention of one token of each sequence.
    Decode {
        /// Sequences.
        sequences: f64,
        /// Tokens of each, the new one included.
        context: f64,
        /// Heads of the layer.
        heads: Heads,
    },
    /// What attention of one token of each sequence adds to an operation with prompts.
    Mixed {
        /// Sequences.
        sequences: f64,
        /// Tokens of each, the new one included.
        context: f64,
        /// Heads of the layer.
        heads: Heads,
    },
    /// Memory traffic [B]: norms, rotations, activations.
    Stream(f64),
    /// Exchange of so many bytes between so many devices.
    AllReduce(f64, u32),
}

/// What kind of operation it is; each has rates of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Matrix products with weights of a format.
    MatMul(Format),
    /// Attention of prompts.
    Prefill,
    /// Attention of single tokens.
    Decode,
    /// Attention of single tokens in one operation with prompts.
    Mixed,
    /// Memory traffic.
    Stream,
    /// All-reduce between devices.
    AllReduce,
}

impl Kind {
    /// Name in tables.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::MatMul(format) => format!("matmul, {}", format.name()),
            Self::Prefill => "prefill attention".to_owned(),
            Self::Decode => "decode attention".to_owned(),
            Self::Mixed => "decode beside prompts".to_owned(),
            Self::Stream => "norms and activations".to_owned(),
            Self::AllReduce => "all-reduce".to_owned(),
        }
    }
}

/// A measured time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// What was measured.
    pub op: Op,
    /// How long it took: a median [s].
    pub seconds: f64,
    /// Standard deviation between repeated runs, relative; zero where unknown.
    pub spread: f64,
}

/// One point in so many shapes is held out.
const HELD_OUT: u64 = 5;

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MatMul(MatMul { m, n, k, .. }, format) => {
                write!(f, "matmul {m} × {n} × {k}, {}", format.name())
            }
            Self::Prefill {
                sequences,
                tokens,
                context,
                ..
            } => write!(
                f,
                "prefill attention, {sequences} × {tokens} behind {context}"
            ),
            Self::Decode {
                sequences, context, ..
            } => write!(f, "decode attention, {sequences} × {context}"),
            Self::Mixed {
                sequences, context, ..
            } => write!(f, "decode beside prompts, {sequences} × {context}"),
            Self::Stream(bytes) => write!(f, "stream of {bytes} B"),
            Self::AllReduce(bytes, devices) => {
                write!(f, "all-reduce of {bytes} B, {devices} devices")
            }
        }
    }
}

impl Op {
    /// What kind of operation it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::MatMul(_, format) => Kind::MatMul(*format),
            Self::Prefill { .. } => Kind::Prefill,
            Self::Decode { .. } => Kind::Decode,
            Self::Mixed { .. } => Kind::Mixed,
            Self::Stream(_) => Kind::Stream,
            Self::AllReduce(..) => Kind::AllReduce,
        }
    }

    /// Duration on a device with these rates [s]; `None` where it has none for this kind or format.
    #[must_use]
    pub fn predicted(&self, kernels: &Kernels) -> Option<f64> {
        match *self {
            Self::MatMul(product, format) => {
                let (_, roof) = kernels.matmul.iter().find(|(found, _)| *found == format)?;
                Some(roof.seconds(product.work(format)))
            }
            Self::Prefill {
                sequences,
                tokens,
                context,
                heads,
            } => Some(kernels.prefill.seconds(sequences, tokens, context, heads)),
            Self::Decode {
                sequences,
                context,
                heads,
            } => {
                let (base, slope) = kernels.decode.affine(sequences, heads);
                Some(base + slope * sequences * context)
            }
            Self::Mixed {
                sequences,
                context,
                heads,
            } => {
                kernels.decode.mixed?;
                let (base, slope) = kernels.decode.beside_prompts(sequences, heads);
                Some(base + slope * sequences * context)
            }
            Self::Stream(bytes) => Some(stream(&kernels.stream, bytes)),
            Self::AllReduce(bytes, devices) => {
                kernels.link.map(|link| link.all_reduce(bytes, devices))
            }
        }
    }

    /// Whether points of this shape are left out of a fit and test it: one shape in five, by a hash. Weights of one size belong
    /// together whatever the number of tokens, attention of one set of heads and batch whatever the context.
    #[must_use]
    pub fn is_held_out(&self) -> bool {
        let shape: [f64; 5] = match *self {
            Self::MatMul(product, _) => [0.0, product.n, product.k, product.count, 0.0],
            Self::Prefill {
                sequences, heads, ..
            } => [1.0, sequences, heads.query, heads.kv, heads.dim],
            Self::Decode {
                sequences, heads, ..
            } => [2.0, sequences, heads.query, heads.kv, heads.dim],
            Self::Mixed {
                sequences, heads, ..
            } => [5.0, sequences, heads.query, heads.kv, heads.dim],
            Self::Stream(bytes) => [3.0, bytes, 0.0, 0.0, 0.0],
            Self::AllReduce(bytes, devices) => [4.0, bytes, f64::from(devices), 0.0, 0.0],
        };
        let mut digest = Digest::new();
        for number in shape {
            digest.fold(number.to_bits());
        }
        digest.as_u64().is_multiple_of(HELD_OUT)
    }
}

/// Duration of memory traffic [s].
fn stream(roof: &Roof, bytes: f64) -> f64 {
    roof.seconds(Work {
        bytes,
        ..Work::default()
    })
}

/// How far predictions are from measurements: |predicted / measured − 1|.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// How many.
    pub count: usize,
    /// Of predicted / measured − 1: negative where the model is too fast.
    pub bias: f64,
    /// Median of the absolute error.
    pub median: f64,
    /// Mean of it.
    pub mean: f64,
    /// The value that one in ten exceeds.
    pub p90: f64,
}

impl Errors {
    /// Those of pairs of predicted and measured values; `None` without any.
    pub fn of(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let mut signed: Vec<f64> = pairs
            .into_iter()
            .map(|(predicted, measured)| predicted / measured - 1.0)
            .collect();
        if signed.is_empty() {
            return None;
        }
        let mut sizes: Vec<f64> = signed.iter().map(|error| error.abs()).collect();
        signed.sort_by(f64::total_cmp);
        sizes.sort_by(f64::total_cmp);
        Some(Self {
            count: sizes.len(),
            bias: quantile(&signed, 0.5),
            median: quantile(&sizes, 0.5),
            mean: sizes.iter().sum::<f64>() / sizes.len() as f64,
            p90: quantile(&sizes, 0.9),
        })
    }

    /// Those of `points` on a device with `kernels`; points of kinds that it has no rates for are left out.
    pub fn of_points<'a>(
        kernels: &Kernels,
        points: impl IntoIterator<Item = &'a Point>,
    ) -> Option<Self> {
        let pairs = points.into_iter().filter_map(|point| {
            let predicted = point.op.predicted(kernels)?;
            Some((predicted, point.seconds))
        });
        Self::of(pairs)
    }
}

/// The `p`-quantile of sorted values, interpolated.
pub(super) fn quantile(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    let (low, share) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + share * (sorted[high] - sorted[low])
}

/// Natural logarithm of predicted / measured.
pub(super) fn log_ratio(predicted: f64, measured: f64) -> f64 {
    math::ln(predicted / measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_by_hand() {
        let found = Errors::of([(1.1, 1.0), (0.8, 1.0), (3.0, 2.0)]).expect("three");
        assert!((found.bias - 0.1).abs() < 1e-12);
        assert!((found.median - 0.2).abs() < 1e-12);
        assert!((found.mean - 0.8 / 3.0).abs() < 1e-12);
        assert!((found.p90 - 0.44).abs() < 1e-12);
        assert_eq!(Errors::of([]), None);
    }

    /// The number of tokens does not decide, and about one shape in five is held out.
    #[test]
    fn weights_of_one_shape_are_held_out_together() {
        let is_out = |m: f64, n: f64| {
            let product = MatMul {
                m,
                n,
                k: 4096.0,
                count: 1.0,
            };
            Op::MatMul(product, Format::Bf16).is_held_out()
        };
        let shapes: Vec<f64> = (1..=1000).map(|n| f64::from(n) * 32.0).collect();
        assert!(shapes.iter().all(|n| is_out(1.0, *n) == is_out(512.0, *n)));
        let share = shapes.iter().filter(|n| is_out(1.0, **n)).count();
        assert!((150..250).contains(&share), "{share}");
    }
}
