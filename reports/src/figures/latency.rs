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
    };
    kind.figure(experiment, comparison)
}

struct Kind {
    name: &'static str,
    title: &'static str,
    column: &'static str,
    latency: Latency,
    objective: f64,
}

impl Kind {
    fn figure(&self, experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
        let curves = distribution(experiment, self.latency);
        let names = names(comparison);
        // A few stray requests would squeeze the rest: the axis ends where 0.1 % of the slowest platform are left.
        let low = curves
            .iter()
            .filter_map(|curve| reaches(curve, 0.001))
            .fold(f64::INFINITY, f64::min)
            .min(self.objective);
        let high = curves
            .iter()
            .filter_map(|curve| reaches(curve, 0.999))
            .fold(0.0, f64::max)
            .max(self.objective * 1.25);
        if curves.is_empty() {
            return None;
        }
        let title = self.title.to_owned();
        let platforms = curves.iter().map(|curve| curve.platform);
        let key = Key::new(platforms, &names, WIDTH - LEFT - RIGHT);
        let height = HEIGHT + key.extra();
        let svg = draw(WIDTH, height, &title, |canvas| {
            let panel = Panel {
                left: LEFT,
                right: WIDTH - RIGHT,
                top: 58.0 + key.extra(),
                bottom: height - 46.0,
                x: Axis::log(&title.to_lowercase(), low, high, seconds),
                y: Axis::percent("share of requests served at least this fast"),
            };
            panel.frame(canvas);
            panel.mark(
                canvas,
                self.objective,
                &format!("objective {}", seconds(self.objective)),
            );
            for curve in &curves {
                panel.curve(canvas, curve);
            }
            key.draw(canvas, (panel.left, 14.0));
        });
        let within = |curve: &Curve| {
            let share = curve.at(self.objective);
            let decimals = if share > 0.999 { 2 } else { 1 };
            format!(
                "{} % on {}",
                number(share * 100.0, decimals),
                names[curve.platform]
            )
        };
        let shares: Vec<String> = curves.iter().map(within).collect();
        let finding = format!(
            "Within the objective of {}, of the requests that were served: {}.",
            seconds(self.objective),
            shares.join(", ")
        );
        let reading = format!(
            "Further left and steeper is faster and more even; where a curve crosses the dashed line is the share that meets this \
             objective. Requests that were never served are not in it. {}",
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
