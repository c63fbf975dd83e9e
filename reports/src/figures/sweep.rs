//! One figure of a sweep against an axis: a line with a band for each platform, a panel for each combination of the others.

use std::fmt::Write;

use walras_analysis::curves::{Curve, Point};
use walras_analysis::record::MetricId;
use walras_analysis::sweep::{Swept, ascending, crossings, elsewhere, names, slices};
use walras_analysis::words::{Scale, capitalized, title};

use super::axis::{Axis, plain};
use super::canvas::{Align, MUTED, draw};
use super::panel::{Panel, widest};
use super::{Figure, WIDTH, fields, quoted};

const PANEL: f64 = 220.0;
const BETWEEN: f64 = 92.0;
const LEFT: f64 = 64.0;
const DOT: f64 = 3.0;
/// Panels of one figure at most.
const MOST: usize = 6;
/// Values further apart than this factor stand on a logarithmic axis.
const WIDE: f64 = 20.0;

/// `metric` against the axis with the most values, if it has any at two of them.
pub(crate) fn figure(swept: &Swept<'_>, metric: MetricId) -> Option<Figure> {
    let (_, first) = swept.finished().next()?;
    let platforms: Vec<String> = first
        .entries
        .iter()
        .map(|entry| entry.name.clone())
        .collect();
    let sizes = swept.sweep.axes.iter().map(|axis| axis.values.len());
    // Of several axes with as many values, the first.
    let axis = sizes.enumerate().rev().max_by_key(|(_, size)| *size)?.0;
    let means = swept.finished().flat_map(|(_, figures)| {
        let row = figures.row(metric);
        row.into_iter()
            .flat_map(|row| row.cells.iter().filter_map(|cell| cell.estimate))
    });
    let scale = Scale::of(metric, means.map(|estimate| estimate.mean));
    let all = slices(swept, axis);
    let panels: Vec<(String, Vec<Curve>)> = all
        .iter()
        .take(MOST)
        .map(|slice| {
            (
                elsewhere(swept, axis, slice),
                curves(swept, metric, scale, axis, slice, &platforms),
            )
        })
        .filter(|(_, curves)| curves.iter().any(|curve| curve.points.len() > 1))
        .collect();
    if panels.is_empty() {
        return None;
    }
    let unit = if scale.unit.is_empty() {
        String::new()
    } else {
        format!(", {}", scale.unit)
    };
    let y = upright(&format!("{}{unit}", title(metric)), &panels);
    let x = level(swept, axis);
    let name = &names(&swept.sweep.axes)[axis];
    let heading = format!("{} by {name}", capitalized(title(metric)));
    let right = WIDTH - 40.0 - widest(&platforms);
    let count = panels.len();
    #[allow(clippy::cast_precision_loss)]
    let height = count as f64 * (PANEL + BETWEEN) + 8.0;
    let svg = draw(WIDTH, height, &heading, |canvas| {
        let mut top = 44.0;
        for (place, curves) in &panels {
            let panel = Panel {
                left: LEFT,
                right,
                top,
                bottom: top + PANEL,
                x: x.clone(),
                y: y.clone(),
            };
            panel.frame(canvas);
            canvas.text((right, top - 14.0), place, Align::Right, MUTED);
            for curve in curves {
                panel.curve(canvas, curve);
                for point in &curve.points {
                    canvas.platform_dot(panel.place(point.x, point.y.mean), DOT, curve.platform);
                }
            }
            panel.label_ends(canvas, curves, &platforms);
            top += PANEL + BETWEEN;
        }
    });
    let mut csv = format!(
        "{}{},platform,{},low,high,n\n",
        if all.len() > 1 { "at," } else { "" },
        quoted(name),
        metric.metric().name
    );
    for (place, curves) in &panels {
        let place = if all.len() > 1 {
            format!("{},", quoted(place))
        } else {
            String::new()
        };
        for curve in curves {
            for point in &curve.points {
                let (platform, y) = (
                    quoted(&platforms[curve.platform]),
                    point.y.map(|value| value / scale.factor),
                );
                writeln!(csv, "{place}{},{platform},{}", point.x, fields(&y))
                    .expect("a string takes everything");
            }
        }
    }
    let finding = crossings(swept, metric, axis).join(" ");
    let more = match all.len() {
        total if total > MOST => {
            format!(" Drawn are the first {MOST} of {total} combinations of the other axes.")
        }
        _ => String::new(),
    };
    let reading = format!(
        "{}. The band is the 95 % interval of the mean. Values between those that were tried are straight lines, not results.{more}",
        capitalized(metric.metric().description)
    );
    Some(Figure {
        name: metric.metric().name,
        title: heading,
        finding,
        reading,
        svg,
        csv,
    })
}

/// A curve for each of `platforms` along `axis`.
fn curves(
    swept: &Swept<'_>,
    metric: MetricId,
    scale: Scale,
    axis: usize,
    slice: &[usize],
    platforms: &[String],
) -> Vec<Curve> {
    let places = places(swept, axis);
    let mut at = slice.to_vec();
    let mut curves: Vec<Curve> = (0..platforms.len())
        .map(|platform| Curve {
            platform,
            points: Vec::new(),
        })
        .collect();
    for index in ascending(swept, axis) {
        at[axis] = index;
        let Some(figures) = swept.at(&at) else {
            continue;
        };
        for curve in &mut curves {
            let entry = figures
                .entries
                .iter()
                .position(|entry| entry.name == platforms[curve.platform]);
            if let Some(estimate) = entry.and_then(|entry| figures.estimate(metric, entry)) {
                curve.points.push(Point {
                    x: places[index],
                    y: estimate.map(|value| value * scale.factor),
                });
            }
        }
    }
    curves.retain(|curve| !curve.points.is_empty());
    curves
}

/// Where the values of an axis lie: at their numbers, or one after the other.
fn places(swept: &Swept<'_>, axis: usize) -> Vec<f64> {
    let axis = &swept.sweep.axes[axis];
    match axis.numbers() {
        Some((numbers, _)) => numbers,
        #[allow(clippy::cast_precision_loss)]
        None => (0..axis.values.len()).map(|index| index as f64).collect(),
    }
}

/// The horizontal axis, with a tick at each value that was tried.
fn level(swept: &Swept<'_>, axis: usize) -> Axis {
    let places = places(swept, axis);
    let (low, high) = ends(places.iter().copied());
    let values = &swept.sweep.axes[axis].values;
    let label = &swept.sweep.axes[axis].path;
    let mut drawn = if low > 0.0 && high > WIDE * low {
        Axis::log(label, low, high, plain)
    } else {
        Axis::linear(label, low, high)
    };
    drawn.ticks = places.into_iter().zip(values.iter().cloned()).collect();
    drawn.ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
    drawn
}

/// The vertical axis, the same for all panels.
fn upright(label: &str, panels: &[(String, Vec<Curve>)]) -> Axis {
    let points = || {
        panels
            .iter()
            .flat_map(|(_, curves)| curves)
            .flat_map(|curve| &curve.points)
    };
    let (low, high) = ends(points().flat_map(|point| {
        let interval = point.y.interval;
        interval.map_or([point.y.mean; 2], |interval| [interval.low, interval.high])
    }));
    let (least, most) = ends(points().map(|point| point.y.mean));
    if least > 0.0 && most > WIDE * least {
        // A band that reaches to zero has no end on such an axis.
        Axis::log_to_ticks(label, low.max(least / 4.0), high, plain)
    } else {
        Axis::linear(label, low.min(0.0), high)
    }
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}
