//! Measured points to the rates of a device: one small fit for each kind of operation.
//!
//! The prior is what a device of the same class predicts: its rates scaled by the peaks of the two data sheets
//! ([`Kernels::scaled`]). Many points overrule it, few are drawn towards it, and a kind that was not measured keeps it.

use walras_sim::hardware::{DecodeRoof, Format, Kernels, Link, Mixed, PrefillRoof, Roof};

use super::least_squares::{self, Prior, Solution};
use super::point::{Errors, Kind, Op, Point, log_ratio};

/// How far the rates of a device may lie from those of its class, as standard deviation of the logarithm.
const RATE: f64 = 0.3;
/// The same for times that do not depend on the amount of work, for the shape of the roof, and for unpacking.
const OVERHEAD: f64 = 0.7;
/// With fewer shapes of a kind none is held out.
const FEWEST_SHAPES: usize = 5;

/// The rates of a device, with how well they are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The rates.
    pub kernels: Kernels,
    /// Every fitted parameter, in the order of [`Kernels`].
    pub parameters: Vec<Parameter>,
    /// How far predictions are from the points, by kind.
    pub residuals: Vec<Residual>,
}

/// A fitted parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Of which operations.
    pub kind: Kind,
    /// Which: a field of the roof.
    pub name: &'static str,
    /// In the unit of that field.
    pub value: f64,
    /// Standard error, relative to the value (of `sharpness`: to its distance from one).
    pub error: f64,
}

/// How far predictions are from the points of a kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residual {
    /// Of which operations.
    pub kind: Kind,
    /// On the shapes that were fitted to.
    pub fitted: Errors,
    /// On those that were not, if there are any.
    pub held_out: Option<Errors>,
}

impl Fitted {
    /// Median absolute error over all points: on those fitted to, and on those held out.
    #[must_use]
    pub fn medians(&self) -> (f64, Option<f64>) {
        let weighted = |of: &dyn Fn(&Residual) -> Option<Errors>| {
            let errors: Vec<Errors> = self.residuals.iter().filter_map(of).collect();
            let count: usize = errors.iter().map(|errors| errors.count).sum();
            let sum: f64 = errors.iter().map(|e| e.median * e.count as f64).sum();
            (count > 0).then(|| sum / count as f64)
        };
        let fitted = weighted(&|residual| Some(residual.fitted)).unwrap_or(0.0);
        (fitted, weighted(&|residual| residual.held_out))
    }
}

/// Fits the rates of a device to `points`, but for the shapes that [`Op::is_held_out`] (where at least five shapes of the kind were
/// measured): those only test it. `prior` are the rates expected of the device.
///
/// # Panics
/// If a time is not positive, or `prior` has no roof for any format.
#[must_use]
pub fn fit(points: &[Point], prior: &Kernels) -> Fitted {
    let mut kinds: Vec<Kind> = points.iter().map(|point| point.op.kind()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut fitted = Fitted {
        kernels: prior.clone(),
        parameters: Vec::new(),
        residuals: Vec::new(),
    };
    for kind in kinds {
        let of_kind = || points.iter().filter(|point| point.op.kind() == kind);
        let held_out = of_kind().filter(|point| point.op.is_held_out()).count();
        let holds_out = held_out > 0 && shapes(of_kind()) >= FEWEST_SHAPES;
        let is_used = |point: &&Point| !holds_out || !point.op.is_held_out();
        let used: Vec<Point> = of_kind().filter(is_used).copied().collect();
        if used.is_empty() {
            continue;
        }
        fit_kind(kind, &used, &mut fitted);
        let rest = of_kind().filter(|point| !is_used(point));
        let errors = |points: &mut dyn Iterator<Item = &Point>| {
            let pairs = points.filter_map(|point| {
                let predicted = point.op.predicted(&fitted.kernels)?;
                Some((predicted, point.seconds))
            });
            Errors::of(pairs)
        };
        let on_fitted = errors(&mut used.iter());
        let on_rest = errors(&mut rest.into_iter());
        fitted.residuals.push(Residual {
            kind,
            fitted: on_fitted.expect("there are points"),
            held_out: on_rest,
        });
    }
    fitted
}

/// Different operations among points, whatever their number of tokens or length of context.
fn shapes<'a>(points: impl Iterator<Item = &'a Point>) -> usize {
    let mut seen: Vec<Op> = Vec::new();
    for point in points {
        let shape = match point.op {
            Op::MatMul(product, format) => {
                Op::MatMul(walras_sim::hardware::MatMul { m: 0.0, ..product }, format)
            }
            Op::Prefill {
                sequences, heads, ..
            } => Op::Prefill {
                sequences,
                tokens: 0.0,
                context: 0.0,
                heads,
            },
            Op::Decode {
                sequences, heads, ..
            } => Op::Decode {
                sequences,
                context: 0.0,
                heads,
            },
            Op::Mixed {
                sequences, heads, ..
            } => Op::Mixed {
                sequences,
                context: 0.0,
                heads,
            },
            op => op,
        };
        if !seen.contains(&shape) {
            seen.push(shape);
        }
        if seen.len() >= FEWEST_SHAPES {
            break;
        }
    }
    seen.len()
}

/// A parameter of a fit: its name, what is known of it, and where one counts from (`value = from + θ`).
struct Unknown {
    name: &'static str,
    prior: Prior,
    from: f64,
}

impl Unknown {
    fn new(name: &'static str, value: f64, spread: f64) -> Self {
        let prior = Prior { value, spread };
        Self {
            name,
            prior,
            from: 0.0,
        }
    }

    /// The exponent of a norm, which is at least one.
    fn sharpness(value: f64) -> Self {
        let prior = Prior {
            value: (value - 1.0).max(0.05),
            spread: OVERHEAD,
        };
        Self {
            name: "sharpness",
            prior,
            from: 1.0,
        }
    }
}

/// Replaces the rates of one kind by those fitted to `points`.
fn fit_kind(kind: Kind, points: &[Point], fitted: &mut Fitted) {
    let prior = &fitted.kernels;
    match kind {
        Kind::MatMul(format) => {
            let roof = matmul_prior(prior, format);
            let mut unknowns = roof_unknowns(&roof);
            if format.is_packed() {
                let rate = roof.dequantization;
                unknowns.push(Unknown::new("dequantization", rate, 2.0 * OVERHEAD));
            }
            let build = |v: &[f64]| Roof {
                compute: v[0],
                memory: v[1],
                launch: v[2],
                sharpness: v[3],
                dequantization: v.get(4).copied().unwrap_or(f64::INFINITY),
            };
            let values = solve(kind, &unknowns, points, &mut fitted.parameters, |v, op| {
                let Op::MatMul(product, _) = op else {
                    unreachable!("points of one kind")
                };
                build(v).seconds(product.work(format))
            });
            let matmul = &mut fitted.kernels.matmul;
            matmul.retain(|(found, _)| *found != format);
            matmul.push((format, build(&values)));
            matmul.sort_by_key(|(format, _)| *format);
        }
        Kind::Prefill => {
            let roof = prior.prefill;
            let unknowns = [
                Unknown::new("compute", roof.compute, RATE),
                Unknown::new("memory", roof.memory, OVERHEAD),
                Unknown::new("launch", roof.launch, OVERHEAD),
                Unknown::sharpness(roof.sharpness),
                Unknown::new("softmax", roof.softmax.max(1.0), RATE),
                Unknown::new("depth", roof.depth.max(1e-10), OVERHEAD),
            ];
            let build = |v: &[f64]| PrefillRoof {
                compute: v[0],
                memory: v[1],
                launch: v[2],
                sharpness: v[3],
                softmax: v[4],
                depth: v[5],
            };
            let values = solve(kind, &unknowns, points, &mut fitted.parameters, |v, op| {
                let Op::Prefill {
                    sequences,
                    tokens,
                    context,
                    heads,
                } = *op
                else {
                    unreachable!("points of one kind")
                };
                build(v).seconds(sequences, tokens, context, heads)
            });
            fitted.kernels.prefill = build(&values);
        }
        Kind::Decode => {
            let roof = prior.decode;
            let unknowns = [
                Unknown::new("compute", roof.compute, OVERHEAD),
                Unknown::new("memory", roof.memory, RATE),
                Unknown::new("launch", roof.launch, OVERHEAD),
                Unknown::new("unit", roof.unit.max(1e-12), OVERHEAD),
                Unknown::new("half", roof.half.max(1e-3), OVERHEAD),
            ];
            let build = |v: &[f64]| DecodeRoof {
                compute: v[0],
                memory: v[1],
                launch: v[2],
                unit: v[3],
                half: v[4],
                mixed: roof.mixed,
            };
            let values = solve(kind, &unknowns, points, &mut fitted.parameters, |v, op| {
                let Op::Decode {
                    sequences,
                    context,
                    heads,
                } = *op
                else {
                    unreachable!("points of one kind")
                };
                let (base, slope) = build(v).affine(sequences, heads);
                base + slope * sequences * context
            });
            fitted.kernels.decode = build(&values);
        }
        Kind::Mixed => {
            let mixed = prior.decode.mixed.unwrap_or(Mixed {
                unit: prior.decode.unit,
                memory: prior.decode.memory,
            });
            let unknowns = [
                Unknown::new("unit", mixed.unit, 2.0 * OVERHEAD),
                Unknown::new("memory", mixed.memory, OVERHEAD),
            ];
            let decode = prior.decode;
            let build = |v: &[f64]| DecodeRoof {
                mixed: Some(Mixed {
                    unit: v[0],
                    memory: v[1],
                }),
                ..decode
            };
            let values = solve(kind, &unknowns, points, &mut fitted.parameters, |v, op| {
                let Op::Mixed {
                    sequences,
                    context,
                    heads,
                } = *op
                else {
                    unreachable!("points of one kind")
                };
                let (base, slope) = build(v).beside_prompts(sequences, heads);
                base + slope * sequences * context
            });
            fitted.kernels.decode = build(&values);
        }
        Kind::Stream => {
            let roof = prior.stream;
            let unknowns = [
                Unknown::new("memory", roof.memory, RATE),
                Unknown::new("launch", roof.launch, OVERHEAD),
            ];
            let values = solve(kind, &unknowns, points, &mut fitted.parameters, |v, op| {
                let Op::Stream(bytes) = op else {
                    unreachable!("points of one kind")
                };
                v[1] + bytes / v[0]
            });
            fitted.kernels.stream.memory = values[0];
            fitted.kernels.stream.launch = values[1];
        }
        Kind::AllReduce => {
            let link = prior.link.unwrap_or(LINK);
            let unknowns = [
                Unknown::new("latency", link.latency, OVERHEAD),
                Unknown::new("bandwidth", link.bandwidth, OVERHEAD),
            ];
            let build = |v: &[f64]| Link {
                latency: v[0],
                bandwidth: v[1],
            };
            let values = solve(kind, &unknowns, points, &mut fitted.parameters, |v, op| {
                let Op::AllReduce(bytes, devices) = *op else {
                    unreachable!("points of one kind")
                };
                build(v).all_reduce(bytes, devices)
            });
            fitted.kernels.link = Some(build(&values));
        }
    }
}

/// Where the fit of a link starts when the class has none: PCI Express 4.0 with sixteen lanes.
const LINK: Link = Link {
    latency: 1e-5,
    bandwidth: 2.5e10,
};

fn roof_unknowns(roof: &Roof) -> Vec<Unknown> {
    vec![
        Unknown::new("compute", roof.compute, RATE),
        Unknown::new("memory", roof.memory, RATE),
        Unknown::new("launch", roof.launch, OVERHEAD),
        Unknown::sharpness(roof.sharpness),
    ]
}

/// What is expected of a format: its own rates, or those of the nearest; unpacking that takes as long as reading where the class
/// never unpacked.
fn matmul_prior(prior: &Kernels, format: Format) -> Roof {
    let (_, roof) = prior.matmul(format);
    let mut roof = *roof;
    if format.is_packed() && roof.dequantization.is_infinite() {
        roof.dequantization = roof.memory / format.bytes();
    }
    roof
}

/// Runs the fit and notes the parameters; returns their values.
fn solve(
    kind: Kind,
    unknowns: &[Unknown],
    points: &[Point],
    parameters: &mut Vec<Parameter>,
    predicted: impl Fn(&[f64], &Op) -> f64,
) -> Vec<f64> {
    let priors: Vec<Prior> = unknowns.iter().map(|unknown| unknown.prior).collect();
    let shifted = |theta: &[f64]| -> Vec<f64> {
        let pairs = theta.iter().zip(unknowns);
        pairs.map(|(theta, unknown)| unknown.from + theta).collect()
    };
    // A point that scatters from run to run counts for less.
    let trust: Vec<f64> = points
        .iter()
        .map(|point| 1.0 / (1.0 + (point.spread / MODEL_ERROR).powi(2)).sqrt())
        .collect();
    let Solution { values, errors, .. } =
        least_squares::fit(&priors, points.len(), |theta, out| {
            let values = shifted(theta);
            for ((out, point), trust) in out.iter_mut().zip(points).zip(&trust) {
                *out = trust * log_ratio(predicted(&values, &point.op), point.seconds);
            }
        });
    let values = shifted(&values);
    for ((unknown, value), error) in unknowns.iter().zip(&values).zip(errors) {
        parameters.push(Parameter {
            kind,
            name: unknown.name,
            value: *value,
            error,
        });
    }
    values
}

/// What the model itself is wrong by, relative: a measurement that scatters less is not trusted more.
const MODEL_ERROR: f64 = 0.05;

/// Rates expected of a device from its data sheet alone: tensor units and memory near their peaks, overheads of a current GPU.
/// Where the fit of a class starts that has no older kin.
#[must_use]
pub fn data_sheet(flops: f64, bandwidth: f64) -> Kernels {
    let roof = Roof {
        compute: 0.7 * flops,
        memory: 0.8 * bandwidth,
        dequantization: f64::INFINITY,
        launch: 4e-6,
        sharpness: 2.0,
    };
    Kernels {
        matmul: vec![(Format::Bf16, roof)],
        prefill: PrefillRoof {
            compute: 0.7 * flops,
            memory: 0.4 * bandwidth,
            launch: 1e-5,
            sharpness: 1.5,
            softmax: 40.0,
            depth: 1e-8,
        },
        decode: DecodeRoof {
            compute: flops,
            memory: 0.85 * bandwidth,
            launch: 1e-5,
            unit: 2e-8,
            half: 1.0,
            mixed: None,
        },
        stream: Roof {
            memory: 0.7 * bandwidth,
            launch: 2e-6,
            ..roof
        },
        link: None,
    }
}

#[cfg(test)]
mod tests {
    use walras_sim::hardware::{Heads, MatMul};

    use super::*;

    /// A device with known rates, measured with a scatter of 3 %: sums of twelve hashed numbers in the unit interval, less six.
    fn synthetic() -> (Kernels, Vec<Point>) {
        let mut truth = data_sheet(1e14, 1e12);
        truth.matmul[0].1.sharpness = 2.4;
        let packed = Roof {
            compute: 5e13,
            dequantization: 1.5e12,
            ..truth.matmul[0].1
        };
        truth.matmul.push((Format::Q4K, packed));
        truth.link = Some(Link {
            latency: 8e-6,
            bandwidth: 5e10,
        });
        let mut ops = Vec::new();
        for format in [Format::Bf16, Format::Q4K] {
            for m in [1.0, 8.0, 64.0, 512.0, 4096.0] {
                for n in [256.0, 1024.0, 2048.0, 4096.0, 14336.0] {
                    for k in [256.0, 1024.0, 4096.0, 8192.0] {
                        let product = MatMul {
                            m,
                            n,
                            k,
                            count: 1.0,
                        };
                        ops.push(Op::MatMul(product, format));
                    }
                }
            }
        }
        for sequences in [1.0, 2.0, 4.0, 16.0, 64.0, 256.0] {
            for tokens in [128.0, 512.0, 1024.0, 4096.0, 16384.0] {
                for dim in [64.0, 128.0] {
                    for kv in [1.0, 4.0, 8.0] {
                        let heads = Heads {
                            query: 4.0 * kv,
                            kv,
                            dim,
                        };
                        ops.push(Op::Decode {
                            sequences,
                            context: tokens,
                            heads,
                        });
                        ops.push(Op::Prefill {
                            sequences,
                            tokens,
                            context: 0.0,
                            heads,
                        });
                    }
                }
            }
        }
        for size in 10..28 {
            ops.push(Op::Stream(f64::from(1 << size)));
            ops.push(Op::AllReduce(f64::from(1 << size), 4));
        }
        let mut digest = walras_des::Digest::new();
        let points = ops.into_iter().map(|op| {
            let mut normal = -6.0;
            for _ in 0..12 {
                digest.fold(1);
                normal += (digest.as_u64() >> 11) as f64 / (1u64 << 53) as f64;
            }
            Point {
                op,
                seconds: op.predicted(&truth).expect("rates of all kinds") * (1.0 + 0.03 * normal),
                spread: 0.03,
            }
        });
        let points = points.collect();
        (truth, points)
    }

    fn truth_of(kernels: &Kernels, parameter: &Parameter) -> f64 {
        let roof = |roof: &Roof| match parameter.name {
            "compute" => roof.compute,
            "memory" => roof.memory,
            "launch" => roof.launch,
            "sharpness" => roof.sharpness,
            _ => roof.dequantization,
        };
        match (parameter.kind, parameter.name) {
            (Kind::MatMul(format), _) => roof(kernels.matmul(format).1),
            (Kind::Stream, _) => roof(&kernels.stream),
            (Kind::Prefill, "compute") => kernels.prefill.compute,
            (Kind::Prefill, "memory") => kernels.prefill.memory,
            (Kind::Prefill, "launch") => kernels.prefill.launch,
            (Kind::Prefill, "sharpness") => kernels.prefill.sharpness,
            (Kind::Prefill, "softmax") => kernels.prefill.softmax,
            (Kind::Prefill, _) => kernels.prefill.depth,
            (Kind::Decode, "compute") => kernels.decode.compute,
            (Kind::Decode, "memory") => kernels.decode.memory,
            (Kind::Decode, "launch") => kernels.decode.launch,
            (Kind::Decode, "unit") => kernels.decode.unit,
            (Kind::Decode, _) => kernels.decode.half,
            (Kind::Mixed, "unit") => kernels.decode.mixed.expect("rates").unit,
            (Kind::Mixed, _) => kernels.decode.mixed.expect("rates").memory,
            (Kind::AllReduce, "latency") => kernels.link.expect("one").latency,
            (Kind::AllReduce, _) => kernels.link.expect("one").bandwidth,
        }
    }

    /// Started 40 % off, the fit returns to within three and a half standard errors of the truth (a few per cent, or what the points leave
    /// open), and the error on shapes that it never saw is the scatter: median 0.67·3 %.
    #[test]
    fn known_rates_are_recovered_within_their_errors() {
        let (truth, points) = synthetic();
        let found = fit(&points, &truth.scaled(1.4, 0.7));
        assert_eq!(found.parameters.len(), 4 + 5 + 6 + 5 + 2 + 2);
        for parameter in &found.parameters {
            let expected = truth_of(&truth, parameter);
            let from = f64::from(u8::from(parameter.name == "sharpness"));
            let apart = log_ratio(parameter.value - from, expected - from) / parameter.error;
            assert!(apart.abs() < 3.5, "{parameter:?}, not {expected}: {apart}");
        }
        let precise = |p: &&Parameter| p.name == "memory" && p.error < 0.02;
        assert!(found.parameters.iter().filter(precise).count() >= 3);
        for residual in &found.residuals {
            let held_out = residual.held_out.expect("shapes enough").median;
            assert!((0.005..0.05).contains(&held_out), "{residual:?}");
        }
    }

    /// Two points say something of two parameters and leave the rest to the class.
    #[test]
    fn few_points_are_drawn_to_the_class() {
        let class = data_sheet(1e14, 1e12);
        let product = MatMul {
            m: 1.0,
            n: 16384.0,
            k: 16384.0,
            count: 1.0,
        };
        let op = Op::MatMul(product, Format::Bf16);
        let slow = Point {
            op,
            seconds: 1.25 * op.predicted(&class).expect("a format"),
            spread: 0.0,
        };
        let found = fit(&[slow; 2], &class);
        let (_, roof) = found.kernels.matmul(Format::Bf16);
        let (_, before) = class.matmul(Format::Bf16);
        let share = roof.memory / before.memory;
        assert!((0.8..0.88).contains(&share), "{share}");
        assert!((roof.compute / before.compute - 1.0).abs() < 0.01);
        let compute = found.parameters.iter().find(|p| p.name == "compute");
        assert!((compute.expect("fitted").error - RATE).abs() < 0.01);
        assert_eq!(found.kernels.decode, class.decode);
        assert_eq!(found.residuals[0].held_out, None);
    }
}
