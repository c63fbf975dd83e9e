//! The ratio of a platform's figure to that of others along several parameters, a panel each, with the points at which it is as asked.

use std::fmt::Write;

use walras_analysis::breakeven::Outcome;
use walras_analysis::breakeven::several::{Along, Ratio, Several};
use walras_analysis::words::capitalized;

use super::axis::{Axis, plain, times};
use super::canvas::{Align, Canvas, INK, MUTED, PAPER, TEXT, draw, text_width};
use super::panel::{Key, Panel};
use super::{Figure, WIDTH, quoted};

/// Panels beside each other.
const COLUMNS: usize = 2;
const PANEL: f64 = 250.0;
/// Left of the plotted area of a panel.
const LEFT: f64 = 52.0;

pub(crate) fn figure(several: &Several) -> Figure {
    let quantities = &several.quantities;
    let names: Vec<String> = quantities.iter().map(|one| one.of.clone()).collect();
    let ratios = || {
        let looks = several.along.iter().flat_map(|along| &along.looks);
        looks.flat_map(|look| look.ratios.iter().flatten())
    };
    let ends = ratios()
        .map(|ratio| ratio.value)
        .chain(several.times.iter().copied());
    let (low, high) = ends
        .filter(|value| *value > 0.0)
        .fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), value| {
            (low.min(value), high.max(value))
        });
    let key = Key::new(1..names.len(), &names, WIDTH - LEFT);
    let rows = several.along.len().div_ceil(COLUMNS);
    let top = 22.0 + key.extra();
    let height = top + PANEL * rows as f64;
    let width = WIDTH / COLUMNS as f64;
    let title = format!("{}, over that of others", quantities[0].title());
    let svg = draw(WIDTH, height, &title, |canvas| {
        key.draw(canvas, (LEFT, 10.0));
        for (index, along) in several.along.iter().enumerate() {
            let (column, row) = ((index % COLUMNS) as f64, (index / COLUMNS) as f64);
            let parameter = &along.parameter;
            let across = match parameter.unit.as_str() {
                "" => parameter.name.clone(),
                unit => format!("{}, {unit}", parameter.name),
            };
            let (from, to) = parameter.ends();
            let panel = Panel {
                left: width * column + LEFT,
                right: width * (column + 1.0) - 14.0,
                top: top + PANEL * row + 34.0,
                bottom: top + PANEL * (row + 1.0) - 46.0,
                x: if parameter.is_log() {
                    Axis::log(&across, from, to, plain)
                } else {
                    Axis::between(&across, from, to)
                },
                y: Axis::log_to_ticks("times the other", low, high, times),
            };
            panel.frame(canvas);
            draw_along(canvas, &panel, several, along);
        }
    });
    let findings = several.standing();
    Figure {
        name: "breakevens",
        title: capitalized(&title),
        finding: format!("{}.", capitalized(&findings.join("; "))),
        reading: format!(
            "Each panel varies one parameter and leaves the others as the scenario has them. A curve is the ratio to one other platform, with its 95 % band; below the dashed line at 1 the platform in question is {}. Dots stand where a curve is at a factor that was asked for, with the 95 % interval of the parameter there; the grey line is where the scenario stands.",
            several.words()[0]
        ),
        svg,
        csv: csv(several),
    }
}

fn draw_along(canvas: &Canvas<'_>, panel: &Panel, several: &Several, along: &Along) {
    let (from, to) = along.parameter.ends();
    for &times in &several.times {
        canvas.dashed(panel.place(from, times), panel.place(to, times), INK);
    }
    let stands = along.stands.as_ref().and_then(|text| {
        let digits = text.trim_end_matches(along.parameter.unit.as_str());
        digits.trim().parse::<f64>().ok()
    });
    if let Some(x) = stands.filter(|x| panel.x.holds(*x)) {
        let (x, _) = panel.place(x, 1.0);
        canvas.line(&[(x, panel.top), (x, panel.bottom)], MUTED, 1.0);
    }
    for other in 0..several.present.len() {
        let points: Vec<(f64, Ratio)> = along
            .looks
            .iter()
            .filter_map(|look| Some((look.setting.value, look.ratios[other]?)))
            .collect();
        let edge = |end: &dyn Fn(&Ratio) -> f64| -> Vec<_> {
            let places = points.iter();
            places
                .map(|(x, ratio)| panel.place(*x, end(ratio)))
                .collect()
        };
        let line = edge(&|ratio| ratio.value);
        if points.iter().any(|(_, ratio)| ratio.interval.is_some()) {
            let high = edge(&|ratio| ratio.interval.map_or(ratio.value, |known| known.high));
            let low = edge(&|ratio| ratio.interval.map_or(ratio.value, |known| known.low));
            canvas.band(&high, &low, super::canvas::color(other + 1));
        }
        canvas.platform_line(&line, other + 1, 2.0);
    }
    // Above all curves, and names of values moved up where they would overlap.
    let mut taken: Vec<(f64, f64, f64)> = Vec::new();
    for (index, found) in along.found.iter().enumerate() {
        let other = index / several.times.len();
        let Outcome::At {
            value, interval, ..
        } = found.outcome
        else {
            continue;
        };
        let (x, y) = panel.place(value, found.ask.times);
        if let Some(interval) = interval {
            let ends = [interval.low, interval.high].map(|end| (panel.place(end, 1.0).0, y));
            canvas.line(&ends, INK, 2.5);
        }
        canvas.dot((x, y), 5.0, PAPER);
        canvas.platform_dot((x, y), 4.0, other + 1);
        let text = along.parameter.written(three_digits(value)).text;
        let half = text_width(&text) / 2.0;
        let middle = x.clamp(panel.left + half, panel.right - half);
        let mut height = y - TEXT;
        while taken.iter().any(|(at, up, wide)| {
            (at - middle).abs() < half + wide + 3.0 && (up - height).abs() < TEXT
        }) {
            height -= TEXT;
        }
        taken.push((middle, height, half));
        canvas.text((middle, height), &text, Align::Center, INK);
    }
}

fn csv(several: &Several) -> String {
    let mut csv = "parameter,value,other,ratio,low,high,n\n".to_owned();
    for along in &several.along {
        for look in &along.looks {
            for (ratio, other) in look.ratios.iter().zip(&several.quantities[1..]) {
                let Some(ratio) = ratio else { continue };
                let end = |end: Option<f64>| end.map_or(String::new(), |end| end.to_string());
                writeln!(
                    csv,
                    "{},{},{},{},{},{},{}",
                    quoted(&along.parameter.name),
                    look.setting.value,
                    quoted(&other.of),
                    ratio.value,
                    end(ratio.interval.map(|known| known.low)),
                    end(ratio.interval.map(|known| known.high)),
                    ratio.n
                )
                .expect("a string takes everything");
            }
        }
    }
    csv
}

/// `value` with three digits.
fn three_digits(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}
