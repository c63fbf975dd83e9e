//! Device classes: peak rates, the rates that kernels reach on them, overheads, and how far all of that is known.

use super::format::Format;
use super::roof::{DecodeRoof, Link, Mixed, PrefillRoof, Roof};

/// A device class.
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
    /// What kernels reach.
    pub kernels: Kernels,
    /// What no kernel explains.
    pub overheads: Overheads,
    /// The range that was measured.
    pub coverage: Coverage,
    /// How well it was fitted.
    pub residuals: Residuals,
    /// Power when on and idle [W].
    pub idle_power: f64,
    /// Power while serving [W].
    pub active_power: f64,
    /// Dispersion between machines of this class: the slower half is slower by `exp(σ·|z|)`, `z` standard normal.
    pub slowdown_sigma: f64,
}

/// The roof of each kind of operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernels {
    /// Matrix products by the format of the weights.
    pub matmul: Vec<(Format, Roof)>,
    /// Attention of prompts.
    pub prefill: PrefillRoof,
    /// Attention of single tokens over their context.
    pub decode: DecodeRoof,
    /// Norms, rotations, activations, residuals: memory traffic.
    pub stream: Roof,
    /// Between the devices of a host; without it, a model stays on one.
    pub link: Option<Link>,
}

impl Kernels {
    /// The roof of matrix products with weights of `format`; where it was never measured, that of the measured format that is
    /// nearest in width, the wider of two.
    ///
    /// # Panics
    /// If no format was measured.
    #[must_use]
    pub fn matmul(&self, format: Format) -> (Format, &Roof) {
        let distance = |other: Format| walras_des::math::ln(other.bytes() / format.bytes()).abs();
        let nearest = self.matmul.iter().min_by(|(a, _), (b, _)| {
            let (near, far) = (distance(*a), distance(*b));
            near.total_cmp(&far).then(b.bytes().total_cmp(&a.bytes()))
        });
        // Two formats may be equally wide: the one that is asked for goes first.
        let exact = self.matmul.iter().find(|(other, _)| *other == format);
        let (found, roof) = exact
            .or(nearest)
            .expect("a device has a roof for some format");
        (*found, roof)
    }

    /// What is expected of a device of the same class with other peaks: the same shares of them, and the same times that do not
    /// depend on the amount of work. `compute` and `memory` are the peaks relative to those of this device.
    #[must_use]
    pub fn scaled(&self, compute: f64, memory: f64) -> Self {
        let roof = |roof: &Roof| Roof {
            compute: roof.compute * compute,
            memory: roof.memory * memory,
            // Unpacking runs beside the tensor units: of three cards with published rates, it follows the memory.
            dequantization: roof.dequantization * memory,
            ..*roof
        };
        let matmul = self.matmul.iter();
        Self {
            matmul: matmul.map(|(format, of)| (*format, roof(of))).collect(),
            prefill: PrefillRoof {
                compute: self.prefill.compute * compute,
                memory: self.prefill.memory * memory,
                ..self.prefill
            },
            decode: DecodeRoof {
                compute: self.decode.compute * compute,
                memory: self.decode.memory * memory,
                mixed: self.decode.mixed.map(|mixed| Mixed {
                    memory: mixed.memory * memory,
                    ..mixed
                }),
                ..self.decode
            },
            stream: roof(&self.stream),
            link: self.link,
        }
    }
}

/// Times that no kernel explains: scheduling, sampling, the network server. All [s].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Overheads {
    /// Per step.
    pub step: f64,
    /// Per layer and step.
    pub layer: f64,
    /// Per sequence that gets a token, and step.
    pub sequence: f64,
    /// Per request, before it can join a batch (API, tokenisation).
    pub request: f64,
}

/// The range of the measurements behind a device class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Most tokens in one step.
    pub tokens: u32,
    /// Longest context of a sequence.
    pub context: u32,
    /// Most sequences in a decode step.
    pub sequences: u32,
}

impl Coverage {
    /// How far a use lies outside, as a factor: one inside, two at twice a limit.
    #[must_use]
    pub fn excess(&self, tokens: u32, context: u32, sequences: u32) -> f64 {
        let over = |used: u32, limit: u32| f64::from(used) / f64::from(limit.max(1));
        over(tokens, self.tokens)
            .max(over(context, self.context))
            .max(over(sequences, self.sequences))
            .max(1.0)
    }
}

/// Relative errors of predicted step times: medians of |predicted / measured − 1|.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residuals {
    /// On what the rates were fitted to.
    pub fitted: f64,
    /// On what they were not; for a class without such measurements that of its kin.
    pub held_out: f64,
}

impl Residuals {
    /// The error to state for a use `excess` times outside the measured range: each doubling adds the held-out error once more.
    #[must_use]
    pub fn stated(&self, excess: f64) -> f64 {
        self.held_out * (1.0 + walras_des::math::ln(excess.max(1.0)) / std::f64::consts::LN_2)
    }
}
