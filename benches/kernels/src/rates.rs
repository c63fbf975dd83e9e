//! From measured points to the rates and overheads of this machine, and from those to the time of a step.

use walras_analysis::calibration::{self, Fitted, Kind, fit};
use walras_sim::hardware::{
    DecodeRoof, Format, Kernels, Model, Overheads, PrefillRoof, Roof, Work,
};

use crate::points::{Op, Pass, Point, Times};
use crate::suite::{self, Layer};

/// What was learned of a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    /// Rates by operation, with their errors.
    pub fitted: Fitted,
    /// Rates of products that candle does by other code ([`Op::is_unpacked`]).
    pub unpacked: Fitted,
    /// What no kernel explains.
    pub overheads: Overheads,
    /// Time to find the likeliest token, per entry of the vocabulary [s].
    pub argmax: f64,
}

/// Fits rates to `points`, and takes overheads from `blocks`.
#[must_use]
pub fn rates(points: &[Point], blocks: &[(Layer, Times)]) -> Rates {
    let known = |unpacked: bool| -> Vec<calibration::Point> {
        let of = points
            .iter()
            .filter(|point| point.op.is_unpacked() == unpacked);
        of.filter_map(Point::known).collect()
    };
    let (packed, unpacked) = (known(false), known(true));
    let fitted = fit(&packed, &prior(&packed));
    let unpacked = if unpacked.is_empty() {
        fitted.clone()
    } else {
        fit(&unpacked, &prior(&unpacked))
    };
    let of_pass = |wanted: Pass| {
        let times = points.iter().filter_map(move |point| match point.op {
            Op::Pass {
                kind,
                tokens: 1,
                width,
            } if kind == wanted => Some((point.times.median, width)),
            _ => None,
        });
        times
            .max_by_key(|(_, width)| *width)
            .map_or((0.0, 1), |found| found)
    };
    let (argmax, vocabulary) = of_pass(Pass::Argmax);
    let (embedding, norm) = (of_pass(Pass::Embedding).0, of_pass(Pass::ResidualNorm).0);
    let mut rates = Rates {
        fitted,
        unpacked,
        overheads: Overheads {
            step: norm,
            layer: 0.0,
            sequence: argmax + embedding,
            request: 0.0,
        },
        argmax: argmax / vocabulary as f64,
    };
    // The more a block computes, the more its scatter hides the overhead: one token in the fastest block shows it best.
    let single = blocks
        .iter()
        .filter(|(layer, _)| layer.sequences * layer.tokens == 1 && layer.model.experts.is_none());
    let fastest = single.min_by(|(_, a), (_, b)| a.median.total_cmp(&b.median));
    rates.overheads.layer = fastest.map_or(0.0, |(layer, times)| {
        (times.median - kernels_of(layer, points, &rates)).max(0.0)
    });
    rates
}

/// The kernels of a block one by one: as measured on these shapes, or as predicted where they were not [s].
fn kernels_of(layer: &Layer, points: &[Point], rates: &Rates) -> f64 {
    let ops = layer.ops();
    let times = ops.iter().map(|op| {
        let measured = points.iter().find(|point| point.op == *op);
        measured.map_or_else(|| rates.seconds(op), |point| point.times.median)
    });
    times.sum()
}

/// Where fits start: each kind of operation at the best rate that any of its points reached.
fn prior(points: &[calibration::Point]) -> Kernels {
    let best = |wanted: Kind, amount: &dyn Fn(&calibration::Op) -> f64| {
        let of_kind = points.iter().filter(|point| point.op.kind() == wanted);
        let rates = of_kind.map(|point| amount(&point.op) / point.seconds);
        rates.fold(0.0, f64::max).max(1e6)
    };
    let least = |wanted: Kind| {
        let of_kind = points.iter().filter(|point| point.op.kind() == wanted);
        of_kind.map(|point| point.seconds).fold(1e-4, f64::min) / 2.0
    };
    let mut formats: Vec<Format> = points
        .iter()
        .filter_map(|point| match point.op.kind() {
            Kind::MatMul(format) => Some(format),
            _ => None,
        })
        .collect();
    formats.sort_unstable();
    formats.dedup();
    let roof = |kind| Roof {
        compute: best(kind, &|op| work(op).flops),
        memory: best(kind, &|op| work(op).bytes),
        dequantization: f64::INFINITY,
        launch: least(kind),
        sharpness: 2.0,
    };
    let (prefill, decode, stream) = (roof(Kind::Prefill), roof(Kind::Decode), roof(Kind::Stream));
    Kernels {
        matmul: formats
            .into_iter()
            .map(|format| (format, roof(Kind::MatMul(format))))
            .collect(),
        prefill: PrefillRoof {
            compute: prefill.compute,
            memory: prefill.memory,
            launch: prefill.launch,
            sharpness: 2.0,
            softmax: 10.0,
            depth: 1e-9,
        },
        decode: DecodeRoof {
            compute: 2.0 * decode.compute,
            memory: 2.0 * decode.memory,
            launch: decode.launch,
            unit: 1e-7,
            half: 0.1,
            mixed: None,
        },
        stream,
        link: None,
    }
}

/// What a known operation has to do.
fn work(op: &calibration::Op) -> Work {
    match *op {
        calibration::Op::MatMul(product, format) => product.work(format),
        calibration::Op::Prefill {
            sequences,
            tokens,
            context,
            heads,
        } => {
            let pairs = tokens * (context + f64::midpoint(tokens, 1.0));
            Work {
                flops: sequences * 4.0 * heads.query * heads.dim * pairs,
                bytes: sequences * heads.kv_width() * (context + tokens),
                unpacked: 0.0,
            }
        }
        calibration::Op::Decode {
            sequences,
            context,
            heads,
        }
        | calibration::Op::Mixed {
            sequences,
            context,
            heads,
        } => Work {
            flops: sequences * context * 4.0 * heads.query * heads.dim,
            bytes: sequences * context * heads.kv_width(),
            unpacked: 0.0,
        },
        calibration::Op::Stream(bytes) | calibration::Op::AllReduce(bytes, _) => Work {
            bytes,
            ..Work::default()
        },
    }
}

/// A step of a whole model.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Sequences.
    pub sequences: usize,
    /// New tokens of each.
    pub tokens: usize,
    /// Tokens of each before them.
    pub context: usize,
}

impl Rates {
    /// Predicted duration of one operation [s]; zero for a kernel that is no operation of a step.
    #[must_use]
    pub fn seconds(&self, op: &Op) -> f64 {
        let fitted = if op.is_unpacked() {
            &self.unpacked
        } else {
            &self.fitted
        };
        op.known()
            .and_then(|known| known.predicted(&fitted.kernels))
            .unwrap_or(0.0)
    }

    /// Predicted duration of a step of `model`, its layers' weights in one format and those of the output in another [s].
    ///
    /// This is the cost model of [`walras_sim::hardware`] with two additions: the output layer has a format of its own, and the
    /// time to choose a token goes with the vocabulary.
    #[must_use]
    pub fn step(&self, model: &Model, layers: Format, head: Format, step: &Step) -> f64 {
        let layer = Layer {
            model: model.clone(),
            format: layers,
            sequences: step.sequences,
            tokens: step.tokens,
            context: step.context,
        };
        let layer =
            layer.ops().iter().map(|op| self.seconds(op)).sum::<f64>() + self.overheads.layer;
        let output = model.head(step.sequences as u32, 1);
        let output = Op::Product {
            m: step.sequences,
            n: output.n as usize,
            k: output.k as usize,
            format: head,
        };
        let choice = self.argmax * f64::from(model.vocab) * step.sequences as f64;
        f64::from(model.layers) * layer + self.overheads.step + self.seconds(&output) + choice
    }
}

/// Prompts and batches at which the real model is predicted and then measured. None is among the fitted points: the model's
/// matrices have other sizes.
#[must_use]
pub fn steps() -> Vec<Step> {
    let prompt = |tokens| Step {
        sequences: 1,
        tokens,
        context: 0,
    };
    let decode = |(sequences, context)| Step {
        sequences,
        tokens: 1,
        context,
    };
    let prompts = [16, 48, 128].map(prompt);
    let decodes = [(1, 64), (1, 512), (1, 2048), (2, 256), (4, 256), (8, 64)].map(decode);
    prompts.into_iter().chain(decodes).collect()
}

/// The format of the cost model for weights in a GGUF file.
#[must_use]
pub fn format(kind: candle_core::quantized::GgmlDType) -> Option<Format> {
    Format::ALL
        .into_iter()
        .find(|format| suite::kind(*format) == Some(kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_sim::hardware::Roof;

    /// Points made by a machine of known rates: a step of an unseen model is predicted as that machine would take it, and the
    /// overhead of a layer is what blocks take beyond their kernels.
    #[test]
    fn a_synthetic_machine_is_recovered() {
        let roof = Roof {
            compute: 8e10,
            memory: 2e10,
            dequantization: 1e10,
            launch: 2e-6,
            sharpness: 2.0,
        };
        let truth = Kernels {
            matmul: [Format::Q8_0, Format::Q4K]
                .map(|format| (format, roof))
                .to_vec(),
            prefill: PrefillRoof {
                compute: 2e10,
                memory: 1e10,
                launch: 3e-6,
                sharpness: 2.0,
                softmax: 10.0,
                depth: 1e-9,
            },
            decode: DecodeRoof {
                compute: 3e10,
                memory: 1e10,
                launch: 2e-6,
                unit: 1e-7,
                half: 0.1,
                mixed: None,
            },
            stream: Roof {
                memory: 5e9,
                launch: 1e-6,
                sharpness: 1.0,
                ..roof
            },
            link: None,
        };
        let times = |seconds| Times {
            median: seconds,
            low: seconds,
            high: seconds,
            repeats: 1,
            waited: 0.0,
        };
        let overhead = 2e-4;
        let (mut points, mut blocks) = (Vec::new(), Vec::new());
        for row in suite::table() {
            match row {
                suite::Row::Kernel(op) => {
                    let known = op.known().and_then(|known| known.predicted(&truth));
                    points.extend(known.map(|seconds| Point {
                        op,
                        times: times(seconds),
                    }));
                }
                suite::Row::Block(layer) => {
                    let kernels = layer
                        .ops()
                        .into_iter()
                        .filter_map(|op| op.known()?.predicted(&truth));
                    let seconds = kernels.sum::<f64>() + overhead;
                    blocks.push((layer, times(seconds)));
                }
            }
        }
        let found = rates(&points, &blocks);
        assert!(
            (found.overheads.layer / overhead - 1.0).abs() < 0.05,
            "{:?}",
            found.overheads
        );
        let model = crate::shapes::llama_1b();
        for step in steps() {
            let layer = Layer {
                model: model.clone(),
                format: Format::Q4K,
                sequences: step.sequences,
                tokens: step.tokens,
                context: step.context,
            };
            let kernels: f64 = layer
                .ops()
                .into_iter()
                .filter_map(|op| op.known()?.predicted(&truth))
                .sum();
            let head = calibration::Op::MatMul(model.head(step.sequences as u32, 1), Format::Q8_0);
            let head = head.predicted(&truth).expect("a format");
            let expected = f64::from(model.layers) * (kernels + overhead) + head;
            let error = found.step(&model, Format::Q4K, Format::Q8_0, &step) / expected - 1.0;
            assert!(error.abs() < 0.03, "{step:?}: {error}");
        }
    }
}
