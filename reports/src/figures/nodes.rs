//! Capacity and load over time: nodes up, the share of them at work, and requests in the system.

use std::borrow::Cow;

use walras_analysis::compare::Comparison;
use walras_analysis::curves::{Curve, Series, over_time};
use walras_analysis::experiment::Experiment;
use walras_analysis::record::MetricId;

use super::axis::{Axis, plain};
use super::canvas::draw;
use super::panel::{Panel, SAMPLE, widest};
use super::{Figure, WIDTH, band_note, curves_csv, names, shown};

/// One of several panels over the same time.
pub(super) struct Row {
    pub(super) axis: Axis,
    pub(super) column: Cow<'static, str>,
    pub(super) curves: Vec<Curve>,
}

impl Row {
    /// A panel whose axis starts at zero and holds all `curves`.
    pub(super) fn from_zero(label: &str, column: &'static str, curves: Vec<Curve>) -> Self {
        Self {
            axis: Axis::linear(label, 0.0, extent(&curves).1),
            column: column.into(),
            curves,
        }
    }

    /// A panel whose axis is logarithmic if `curves` are too far apart for one that starts at zero.
    pub(super) fn of_sizes(label: &str, column: &'static str, curves: Vec<Curve>) -> Self {
        const FAR_APART: f64 = 20.0;
        let (low, high) = extent(&curves);
        if low > 0.0 && high > FAR_APART * low {
            Self {
                axis: Axis::log(label, low / 1.3, high * 1.3, plain),
                column: column.into(),
                curves,
            }
        } else {
            Self::from_zero(label, column, curves)
        }
    }
}

/// The smallest and the largest value, intervals included.
fn extent(curves: &[Curve]) -> (f64, f64) {
    let values = curves.iter().flat_map(|curve| &curve.points).map(|point| {
        point
            .y
            .interval
            .map_or((point.y.mean, point.y.mean), |interval| {
                (interval.low, interval.high)
            })
    });
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (l, h)| {
        (low.min(l), high.max(h))
    })
}

const PANEL: f64 = 150.0;
const BETWEEN: f64 = 74.0;

/// Panels one above the other over the simulated time, and their data; `None` without samples.
pub(super) fn stacked(
    experiment: &Experiment,
    title: &str,
    rows: &[Row],
    names: &[String],
) -> Option<(String, String)> {
    let hours = Axis::hours(experiment.manifest.horizon_s / 3600.0);
    stacked_over(&hours, "hour", title, rows, names)
}

/// The same over any other axis, which the data call `unit`.
pub(super) fn stacked_over(
    x: &Axis,
    unit: &str,
    title: &str,
    rows: &[Row],
    names: &[String],
) -> Option<(String, String)> {
    if rows.iter().all(|row| row.curves.is_empty()) {
        return None;
    }
    #[allow(clippy::cast_precision_loss)]
    let height = 34.0 + (PANEL + BETWEEN) * rows.len() as f64 - 26.0;
    let svg = draw(WIDTH, height, title, |canvas| {
        let right = WIDTH - widest(names) - SAMPLE - 20.0;
        let left = rows
            .iter()
            .map(|row| widest(row.axis.ticks.iter().map(|(_, text)| text)))
            .fold(40.0, f64::max)
            + 14.0;
        let mut top = 34.0;
        for row in rows {
            let panel = Panel {
                left,
                right,
                top,
                bottom: top + PANEL,
                x: x.clone(),
                y: row.axis.clone(),
            };
            panel.frame(canvas);
            for curve in &row.curves {
                panel.curve(canvas, curve);
            }
            panel.label_ends(canvas, &row.curves, names);
            top += PANEL + BETWEEN;
        }
    });
    let tables: Vec<String> = rows
        .iter()
        .map(|row| curves_csv(unit, &row.column, &row.curves, names))
        .collect();
    Some((svg, tables.join("\n")))
}

/// The figure, if there are samples.
pub(super) fn figure(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    let (names, noun) = (names(comparison), comparison.noun());
    let title = "Capacity and load over time".to_owned();
    let rows = [
        Row::of_sizes(
            "nodes up",
            "nodes_up",
            over_time(experiment, Series::NodesUp),
        ),
        Row {
            axis: Axis::percent("nodes at work, share of the nodes up"),
            column: "busy_share".into(),
            curves: over_time(experiment, Series::BusyShare),
        },
        Row::of_sizes(
            &format!("{noun} in the system"),
            "jobs_live",
            over_time(experiment, Series::JobsLive),
        ),
    ];
    let (svg, csv) = stacked(experiment, &title, &rows, &names)?;
    let figure = |metric: MetricId, index: usize| shown(comparison, metric, index);
    let parts: Vec<String> = names
        .iter()
        .enumerate()
        .filter_map(|(index, name)| {
            let (nodes, utilization) = (
                figure(MetricId::NodesAvailable, index)?,
                figure(MetricId::Utilization, index)?,
            );
            Some(format!(
                "{name} {nodes}, at work {utilization} of their time"
            ))
        })
        .collect();
    let finding = format!("Up on average: {}.", parts.join("; "));
    let reading = format!(
        "Idle nodes are capacity that somebody pays for; a growing number of {noun} in the system is a platform that cannot keep up. {}",
        band_note(comparison.replications)
    );
    Some(Figure {
        name: "capacity",
        title,
        finding,
        reading,
        svg,
        csv,
    })
}
