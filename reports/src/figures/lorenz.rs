//! Lorenz curves: how unevenly the revenue is spread over owners.

use walras_analysis::compare::Comparison;
use walras_analysis::curves::{Curve, lorenz};
use walras_analysis::experiment::Experiment;
use walras_analysis::record::MetricId;

use super::axis::Axis;
use super::canvas::{Align, MUTED, draw};
use super::panel::{Key, Panel};
use super::{Figure, band_note, capitalized, curves_csv, names, shown};

const SIDE: f64 = 460.0;
const LEFT: f64 = 54.0;
const RIGHT: f64 = 24.0;

/// The figure, if a platform has more than one owner.
pub(super) fn figure(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    let names = names(comparison);
    let curves = lorenz(experiment);
    if curves.is_empty() {
        return None;
    }
    let title = "How revenue is spread over owners".to_owned();
    let platforms = curves.iter().map(|curve| curve.platform);
    let key = Key::new(platforms, &names, SIDE - LEFT - RIGHT);
    let height = SIDE + key.extra();
    let svg = draw(SIDE, height, &title, |canvas| {
        let panel = Panel {
            left: LEFT,
            right: SIDE - RIGHT,
            top: 56.0 + key.extra(),
            bottom: height - 46.0,
            x: Axis::percent("share of owners, poorest first"),
            y: Axis::percent("share of the revenue that they receive"),
        };
        panel.frame(canvas);
        canvas.dashed(panel.place(0.0, 0.0), panel.place(1.0, 1.0), MUTED);
        let (x, y) = panel.place(0.62, 0.72);
        canvas.text((x, y), "equal shares", Align::Right, MUTED);
        for curve in &curves {
            panel.curve(canvas, curve);
        }
        key.draw(canvas, (panel.left, 14.0));
    });
    let top = |curve: &Curve| {
        let above = |x: f64| (1.0 - curve.at(x)) * 100.0;
        // Where a tenth has nearly everything, a hundredth says more.
        let (few, share) = if above(0.9) < 99.0 {
            ("tenth", above(0.9))
        } else {
            ("hundredth", above(0.99))
        };
        let gini = shown(comparison, MetricId::OwnerGini, curve.platform)
            .map_or(String::new(), |gini| format!(" (Gini {gini})"));
        format!(
            "on {} the best-paid {few} of owners receives {share:.0} % of the revenue{gini}",
            names[curve.platform]
        )
    };
    let parts: Vec<String> = curves.iter().map(top).collect();
    let finding = capitalized(&format!("{}.", parts.join("; ")));
    let reading = format!(
        "The deeper a curve sags below the dashed line, the fewer owners earn most of the revenue. Owners without any revenue are \
         included. {}",
        band_note(comparison.replications)
    );
    let csv = curves_csv("owner_share", "revenue_share", &curves, &names);
    Some(Figure {
        name: "lorenz",
        title,
        finding,
        reading,
        svg,
        csv,
    })
}
