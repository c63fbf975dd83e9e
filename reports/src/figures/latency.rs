//! Latency distributions: the share of requests at or below each latency, with a band and the objective.

use walras_analysis::compare::Comparison;
use walras_analysis::curves::{Curve, Latency, distribution};
use walras_analysis::experiment::Experiment;
use walras_analysis::words::number;

use super::axis::{Axis, seconds};
use super::canvas::draw;
use super::panel::{Key, Panel};
use super::{Figure, WIDTH, band_note, curves_csv, names};

const HEIGHT: f64 = 330.0;
const LEFT: f64 = 54.0;
const RIGHT: f64 = 16.0;

/// Times to first token.
pub(super) fn first_token(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    let kind = Kind {
        name: "time-to-first-token",
        title: "Time to first token",
        column: "ttft_s",
        latency: Latency::Ttft,
        objective: experiment.manifest.ttft_objective_s,
        form: seconds,
    };
    kind.figure(experiment, comparison)
}

/// Times per output token.
pub(super) fn per_token(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    let kind = Kind {
        name: "time-per-output-token",
        title: "Time per output token",
        column: "tpot_s",
        latency: Latency::Tpot,
        objective: experiment.manifest.tpot_objective_s,
        form: seconds,
    };
    kind.figure(experiment, comparison)
}

/// Response times of batch jobs.
pub(super) fn response(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    let kind = Kind {
        name: "response-time",
        title: "Response time",
        column: "response_s",
        latency: Latency::Response,
        objective: None,
        form: seconds,
    };
    kind.figure(experiment, comparison)
}

/// Bounded slowdowns of batch jobs.
pub(super) fn slowdown(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    let kind = Kind {
        name: "bounded-slowdown",
        title: "Bounded slowdown",
        column: "bounded_slowdown",
        latency: Latency::Slowdown,
        objective: None,
        form: |value| number(value, 0),
    };
    kind.figure(experiment, comparison)
}

struct Kind {
    name: &'static str,
    title: &'static str,
    column: &'static str,
    latency: Latency,
    /// What is promised, where something is.
    objective: Option<f64>,
    form: fn(f64) -> String,
}

impl Kind {
    fn figure(&self, experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
        let curves = distribution(experiment, self.latency);
        let names = names(comparison);
        // A few stray requests would squeeze the rest: the axis ends where 0.1 % of the slowest platform are left.
        let low = curves
            .iter()
            .filter_map(|curve| reaches(curve, 0.001))
            .chain(self.objective)
            .fold(f64::INFINITY, f64::min);
        let high = curves
            .iter()
            .filter_map(|curve| reaches(curve, 0.999))
            .chain(self.objective.map(|objective| objective * 1.25))
            .fold(0.0, f64::max);
        if curves.is_empty() {
            return None;
        }
        let (title, noun) = (self.title.to_owned(), comparison.noun());
        let platforms = curves.iter().map(|curve| curve.platform);
        let key = Key::new(platforms, &names, WIDTH - LEFT - RIGHT);
        let height = HEIGHT + key.extra();
        let svg = draw(WIDTH, height, &title, |canvas| {
            let panel = Panel {
                left: LEFT,
                right: WIDTH - RIGHT,
                top: 58.0 + key.extra(),
                bottom: height - 46.0,
                x: Axis::log(&title.to_lowercase(), low, high, self.form),
                y: Axis::percent(&format!("share of {noun} done at least this fast")),
            };
            panel.frame(canvas);
            if let Some(objective) = self.objective {
                let text = format!("objective {}", (self.form)(objective));
                panel.mark(canvas, objective, &text);
            }
            for curve in &curves {
                panel.curve(canvas, curve);
            }
            key.draw(canvas, (panel.left, 14.0));
        });
        let (finding, mark) = if let Some(objective) = self.objective {
            let within = |curve: &Curve| {
                let share = curve.at(objective);
                let decimals = if share > 0.999 { 2 } else { 1 };
                let share = number(share * 100.0, decimals);
                format!("{share} % on {}", names[curve.platform])
            };
            let shares: Vec<String> = curves.iter().map(within).collect();
            let finding = format!(
                "Within the objective of {}, of the {noun} that were served: {}.",
                (self.form)(objective),
                shares.join(", ")
            );
            let mark =
                "; where a curve crosses the dashed line is the share that meets this objective";
            (finding, mark)
        } else {
            let slowest = |curve: &Curve| {
                let value = reaches(curve, 0.99).unwrap_or(f64::NAN);
                format!("{} on {}", (self.form)(value), names[curve.platform])
            };
            let slowest: Vec<String> = curves.iter().map(slowest).collect();
            let finding = format!("Of the {noun}, 99 % stay below {}.", slowest.join(", "));
            (finding, "")
        };
        let reading = format!(
            "Further left and steeper is faster and more even{mark}. What was never served is not in it. {}",
            band_note(comparison.replications)
        );
        let csv = curves_csv(self.column, "share", &curves, &names);
        Some(Figure {
            name: self.name,
            title,
            finding,
            reading,
            svg,
            csv,
        })
    }
}

/// The first latency at which `curve` is at least `share`.
fn reaches(curve: &Curve, share: f64) -> Option<f64> {
    curve
        .points
        .iter()
        .find(|point| point.y.mean >= share)
        .map(|point| point.x)
}
