//! A calibration profile: a device class in YAML that a scenario can name, with everything that was measured behind it.

use std::fmt::Write as _;

use walras_analysis::calibration::{Fitted, yaml};
use walras_sim::hardware::Coverage;

use crate::ceilings::Ceilings;
use crate::machine::Machine;
use crate::points::{Op, Point, Times};
use crate::rates::{Rates, Step};
use crate::suite::Layer;

/// Everything that a run of the calibrator found.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Name of the device class.
    pub name: String,
    /// The machine.
    pub machine: Machine,
    /// When, in RFC 3339.
    pub date: String,
    /// Threads of the kernels.
    pub threads: usize,
    /// Processes that wanted to run before and after, averaged over a minute.
    pub load: [Option<f64>; 2],
    /// The multiply-add loop at the end relative to the start: below one on a machine that throttles.
    pub drift: f64,
    /// Best rates, of one thread and of all.
    pub ceilings: Vec<Ceilings>,
    /// Measured kernels.
    pub points: Vec<Point>,
    /// Measured blocks.
    pub blocks: Vec<(Layer, Times)>,
    /// What was fitted.
    pub rates: Rates,
    /// Steps of the real model: predicted and measured [s].
    pub model: Vec<(Step, f64, Times)>,
}

impl Profile {
    /// Median of |predicted / measured − 1| over the steps of the real model, if it was run.
    #[must_use]
    pub fn model_error(&self) -> Option<f64> {
        let errors = self
            .model
            .iter()
            .map(|(_, predicted, times)| (predicted / times.median - 1.0).abs());
        let mut errors: Vec<f64> = errors.collect();
        errors.sort_by(f64::total_cmp);
        let middle = errors.len() / 2;
        match errors.len() {
            0 => None,
            count if count % 2 == 0 => Some(f64::midpoint(errors[middle - 1], errors[middle])),
            _ => Some(errors[middle]),
        }
    }

    /// Median over points of the distance between quartiles, relative.
    #[must_use]
    pub fn spread(&self) -> f64 {
        let mut spreads: Vec<f64> = self
            .points
            .iter()
            .map(|point| point.times.spread())
            .collect();
        spreads.sort_by(f64::total_cmp);
        spreads.get(spreads.len() / 2).copied().unwrap_or(0.0)
    }

    /// Largest share of its time that a tenth of the points waited for a processor.
    #[must_use]
    pub fn waited(&self) -> f64 {
        let mut waited: Vec<f64> = self.points.iter().map(|point| point.times.waited).collect();
        waited.sort_by(f64::total_cmp);
        waited.get(waited.len() * 9 / 10).copied().unwrap_or(0.0)
    }

    /// Peak rates of the threads used: the ceilings are the data sheet of a processor.
    fn peaks(&self) -> (f64, f64) {
        let used = self
            .ceilings
            .iter()
            .find(|ceilings| ceilings.threads == self.threads);
        let used = used.or(self.ceilings.last());
        used.map_or((1e9, 1e9), |ceilings| (ceilings.flops, ceilings.read))
    }

    /// What the points cover.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let mut covers = Coverage {
            tokens: 1,
            context: 1,
            sequences: 1,
        };
        for point in &self.points {
            match point.op {
                Op::Product { m, .. } => covers.tokens = covers.tokens.max(m as u32),
                Op::Decode { context, .. } => covers.context = covers.context.max(context as u32),
                _ => {}
            }
        }
        for (layer, _) in &self.blocks {
            covers.sequences = covers.sequences.max(layer.sequences as u32);
        }
        covers
    }

    /// The file.
    #[must_use]
    pub fn yaml(&self) -> String {
        let (flops, bandwidth) = self.peaks();
        let covers = self.coverage();
        let overheads = self.rates.overheads;
        let (fitted, held_out) = self.rates.fitted.medians();
        let held_out = self
            .model_error()
            .unwrap_or(0.0)
            .max(held_out.unwrap_or(fitted));
        let Machine {
            processor, cores, ..
        } = &self.machine;
        let threads = self.threads;
        let memory = self.machine.memory.unwrap_or(8 << 30) as f64 / f64::from(1 << 30);
        let mut text = format!(
            "{}:\n  description: {processor}, {threads} of {cores} cores, kernels of candle {}.\n  \
             memory_gib: {memory:.1}\n  bandwidth_gb_s: {:.2}\n  bf16_tflops: {:.4}\n",
            self.name,
            crate::CANDLE,
            bandwidth / 1e9,
            flops / 1e12,
        );
        text += &yaml::kernels(&self.rates.fitted.kernels, flops, bandwidth, 2);
        let micro = |seconds: f64| format!("{:.1} us", seconds * 1e6);
        let _ = write!(
            text,
            "  overheads: {{step: {}, layer: {}, sequence: {}, request: 0 ms}}\n  \
             covers: {{tokens: {}, context: {}, sequences: {}}}\n  \
             error: {{fitted: {:.1} %, held_out: {:.1} %}}\n  \
             idle_w: 50\n  active_w: 150\n  slowdown_sigma: 0.05\n  \
             source: >-\n    Measured by `walras calibrate` on {}. idle_w, active_w: not measured; those of desktop-cpu.\n    \
             slowdown_sigma: assumption, between machines of one model. held_out: the larger of the errors on shapes left out\n    \
             and on the steps of a real model.\n",
            micro(overheads.step),
            micro(overheads.layer),
            micro(overheads.sequence),
            covers.tokens,
            covers.context,
            covers.sequences,
            100.0 * fitted,
            100.0 * held_out,
            self.date,
        );
        self.write_measured(&mut text);
        text
    }

    fn write_measured(&self, text: &mut String) {
        let or_unknown =
            |load: Option<f64>| load.map_or("null".to_owned(), |load| format!("{load:.2}"));
        let _ = write!(
            text,
            "  measured:\n    date: {}\n    library: candle {}\n    processor: {}\n    vectors: [{}]\n    cores: {}\n    \
             threads: {}\n    load: [{}, {}]\n    drift: {:.3}\n    ceilings:\n",
            self.date,
            crate::CANDLE,
            self.machine.processor,
            self.machine.vectors.join(", "),
            self.machine.cores,
            self.threads,
            or_unknown(self.load[0]),
            or_unknown(self.load[1]),
            self.drift,
        );
        for Ceilings {
            threads,
            flops,
            read,
            triad,
        } in &self.ceilings
        {
            let _ = writeln!(
                text,
                "      - {{threads: {threads}, flops: {flops:.3e}, read: {read:.3e}, triad: {triad:.3e}}}"
            );
        }
        text.push_str("    parameters: # value with its relative standard error\n");
        let fits = [("", &self.rates.fitted), (UNPACKED, &self.rates.unpacked)];
        let fits = if fits[0].1 == fits[1].1 {
            &fits[..1]
        } else {
            &fits[..]
        };
        for (note, fitted) in fits {
            write_parameters(text, note, fitted);
        }
        text.push_str("    residuals: # |predicted / measured − 1|\n");
        for (note, fitted) in fits {
            write_residuals(text, note, fitted);
        }
        text.push_str("    points: # times without waiting [s]\n");
        for Point { op, times } in &self.points {
            let _ = writeln!(text, "      - {{{op}, {times}}}");
        }
        text.push_str("    blocks:\n");
        for (layer, times) in &self.blocks {
            let Layer {
                model,
                format,
                sequences,
                tokens,
                context,
            } = layer;
            let _ = writeln!(
                text,
                "      - {{model: {}, format: {}, sequences: {sequences}, tokens: {tokens}, context: {context}, {times}}}",
                model.name,
                format.name(),
            );
        }
        text.push_str(if self.model.is_empty() {
            "    model: []\n"
        } else {
            "    model: # steps of SmolLM2-135M-Instruct, not fitted\n"
        });
        for (step, predicted, times) in &self.model {
            let Step {
                sequences,
                tokens,
                context,
            } = step;
            let _ = writeln!(
                text,
                "      - {{sequences: {sequences}, tokens: {tokens}, context: {context}, predicted: {predicted:.3e}, {times}}}"
            );
        }
    }
}

/// Marks what was fitted to products by candle's other code.
const UNPACKED: &str = ", inner size no multiple of 256";

fn write_parameters(text: &mut String, note: &str, fitted: &Fitted) {
    for parameter in &fitted.parameters {
        let _ = writeln!(
            text,
            "      - {{of: \"{}{note}\", name: {}, value: {:.4e}, error: {:.4}}}",
            parameter.kind.name(),
            parameter.name,
            parameter.value,
            parameter.error
        );
    }
}

fn write_residuals(text: &mut String, note: &str, fitted: &Fitted) {
    for residual in &fitted.residuals {
        let of = |errors: walras_analysis::calibration::Errors| {
            format!(
                "{{median: {:.3}, p90: {:.3}, points: {}}}",
                errors.median, errors.p90, errors.count
            )
        };
        let _ = writeln!(
            text,
            "      - {{of: \"{}{note}\", fitted: {}, held_out: {}}}",
            residual.kind.name(),
            of(residual.fitted),
            residual.held_out.map_or("null".to_owned(), of)
        );
    }
}
