//! The difference of two platforms along a parameter, with the value at which it is zero.

use std::fmt::Write;

use walras_analysis::breakeven::{Found, Outcome};
use walras_analysis::words::capitalized;

use super::axis::{Axis, plain};
use super::canvas::{Align, INK, MUTED, color, draw};
use super::panel::Panel;
use super::{Figure, WIDTH, fields, quoted};

const HEIGHT: f64 = 340.0;

pub(crate) fn figure(found: &Found) -> Figure {
    let ends = found.steps.iter().flat_map(|step| {
        let difference = step.difference;
        difference
            .interval
            .map_or([difference.mean; 2], |interval| {
                [interval.low, interval.high]
            })
    });
    let (low, high) = ends.fold((0.0, 0.0), |(low, high): (f64, f64), end| {
        (low.min(end), high.max(end))
    });
    let scale = found.quantities[0].scale([low, high]);
    let [first, second] = found.sides();
    let label = match scale.unit {
        "" => "difference".to_owned(),
        unit => format!("difference, {unit}"),
    };
    let across = match found.parameter.unit.as_str() {
        "" => found.parameter.name.clone(),
        unit => format!("{}, {unit}", found.parameter.name),
    };
    let (from, to) = found.parameter.ends();
    let title = format!("{first}, less {second}");
    let svg = draw(WIDTH, HEIGHT, &title, |canvas| {
        let panel = Panel {
            left: 76.0,
            right: WIDTH - 24.0,
            top: 34.0,
            bottom: HEIGHT - 46.0,
            x: if found.parameter.is_log() {
                Axis::log(&across, from, to, plain)
            } else {
                Axis::between(&across, from, to)
            },
            y: Axis::linear(&label, low * scale.factor, high * scale.factor),
        };
        panel.frame(canvas);
        let place = |x: f64, y: f64| panel.place(x, y * scale.factor);
        canvas.dashed(place(from, 0.0), place(to, 0.0), MUTED);
        let line: Vec<_> = found
            .steps
            .iter()
            .map(|step| place(step.setting.value, step.difference.mean))
            .collect();
        canvas.line(&line, color(0), 1.5);
        for step in &found.steps {
            let x = step.setting.value;
            if let Some(interval) = step.difference.interval {
                canvas.line(
                    &[place(x, interval.low), place(x, interval.high)],
                    color(0),
                    1.5,
                );
            }
            canvas.dot(place(x, step.difference.mean), 3.0, color(0));
        }
        if let Outcome::At {
            value, interval, ..
        } = found.outcome
        {
            let (x, _) = place(value, 0.0);
            if let Some(interval) = interval {
                let [left, right] = [interval.low, interval.high].map(|end| place(end, 0.0).0);
                canvas.bar((left, panel.top), (right, panel.bottom), color(1), 0.2);
            }
            canvas.dashed((x, panel.top), (x, panel.bottom), INK);
            let text = found.parameter.written(rounded(value)).text;
            canvas.text((x + 6.0, panel.top + 8.0), &text, Align::Left, INK);
        }
    });
    let mut csv = format!("{},difference,low,high,n\n", quoted(&found.parameter.path));
    for step in &found.steps {
        writeln!(csv, "{},{}", step.setting.value, fields(&step.difference))
            .expect("a string takes everything");
    }
    Figure {
        name: "breakeven",
        title: capitalized(&title),
        finding: format!("{}.", capitalized(&found.finding())),
        reading: "Dots are the mean differences within replications at the points of the bisection, lines their 95 % intervals; the upright band is the interval of the value at which the difference is zero."
            .to_owned(),
        svg,
        csv,
    }
}

/// `value` with four digits.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}
