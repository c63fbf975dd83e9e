//! How a search went: the value of each point and the best so far, or the front of two objectives.

use std::fmt::Write;

use walras_analysis::response::Quantity;
use walras_analysis::tune::Tuning;
use walras_analysis::words::{Scale, capitalized};

use super::axis::Axis;
use super::canvas::{GRID, MUTED, color, draw};
use super::panel::Panel;
use super::{Figure, WIDTH, fields, quoted};

const HEIGHT: f64 = 340.0;

/// The figures that suit the objectives.
pub(crate) fn all(tuning: &Tuning) -> Vec<Figure> {
    match tuning.ask.goals.len() {
        1 => convergence(tuning).into_iter().collect(),
        _ => front(tuning).into_iter().collect(),
    }
}

fn label(quantity: &Quantity, scale: Scale) -> String {
    match scale.unit {
        "" => quantity.title(),
        unit => format!("{}, {unit}", quantity.title()),
    }
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}

/// An axis that holds `values`, with some room.
fn axis(quantity: &Quantity, scale: Scale, (low, high): (f64, f64)) -> Axis {
    let room = (high - low).max(high.abs() * 1e-3).max(1e-9) * 0.04;
    let (low, high) = ((low - room) * scale.factor, (high + room) * scale.factor);
    Axis::between(&label(quantity, scale), low, high)
}

/// The value of each point in the order of the search, and the best so far.
fn convergence(tuning: &Tuning) -> Option<Figure> {
    let quantity = &tuning.quantities[tuning.ask.goals[0].quantity];
    let best = tuning.best_so_far();
    let feasible = |trial: usize| tuning.trials[trial].judged.is_feasible();
    let values: Vec<Option<f64>> = (0..tuning.trials.len())
        .map(|trial| tuning.value(trial, 0))
        .collect();
    let shown = |trial: &usize| feasible(*trial).then(|| values[*trial]).flatten();
    let (low, high) = ends((0..values.len()).filter_map(|trial| shown(&trial)));
    if !low.is_finite() {
        return None;
    }
    let scale = quantity.scale([low, high]);
    let title = format!("The search for the best {}", quantity.title());
    let svg = draw(WIDTH, HEIGHT, &title, |canvas| {
        let panel = Panel {
            left: 76.0,
            right: WIDTH - 24.0,
            top: 34.0,
            bottom: HEIGHT - 46.0,
            x: Axis::between(
                "points in the order of the search",
                0.0,
                values.len() as f64,
            ),
            y: axis(quantity, scale, (low, high)),
        };
        panel.frame(canvas);
        for (trial, value) in values.iter().enumerate() {
            if let Some(value) = value {
                let place = panel.place((trial + 1) as f64, value * scale.factor);
                let hue = if feasible(trial) { MUTED } else { GRID };
                canvas.dot(place, 2.5, hue);
            }
        }
        let mut places = Vec::new();
        for (trial, value) in best.iter().enumerate() {
            if let Some(value) = value {
                if let Some(before) = places.last().copied() {
                    let (_, y): (f64, f64) = before;
                    places.push((panel.place((trial + 1) as f64, 0.0).0, y));
                }
                places.push(panel.place((trial + 1) as f64, value * scale.factor));
            }
        }
        canvas.line(&places, color(0), 2.0);
    });
    let mut csv = "point,value,feasible,best_so_far\n".to_owned();
    for (trial, value) in values.iter().enumerate() {
        let text = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value}"));
        writeln!(
            csv,
            "{},{},{},{}",
            trial + 1,
            text(*value),
            feasible(trial),
            text(best[trial])
        )
        .expect("a string takes everything");
    }
    let last = best.last().copied().flatten()?;
    let found = best.iter().position(|value| *value == Some(last))? + 1;
    Some(Figure {
        name: "convergence",
        title: capitalized(&title),
        finding: format!(
            "The best of {} points, {}, is point {found}.",
            values.len(),
            scale.value(last)
        ),
        reading: "Each dot is a point of the search, a pale one breaks a constraint; the line is the best so far. These are values under the seeds of the search, which flatter the best of many."
            .to_owned(),
        svg,
        csv,
    })
}

/// The first two objectives of all points, with the front.
fn front(tuning: &Tuning) -> Option<Figure> {
    let quantity = |objective: usize| &tuning.quantities[tuning.ask.goals[objective].quantity];
    let pair = |trial: usize| Some((tuning.value(trial, 0)?, tuning.value(trial, 1)?));
    let feasible =
        (0..tuning.trials.len()).filter(|trial| tuning.trials[*trial].judged.is_feasible());
    let pairs: Vec<(f64, f64)> = feasible.filter_map(pair).collect();
    if pairs.is_empty() {
        return None;
    }
    let spans = [
        ends(pairs.iter().map(|pair| pair.0)),
        ends(pairs.iter().map(|pair| pair.1)),
    ];
    let scales = [0, 1].map(|i: usize| quantity(i).scale([spans[i].0, spans[i].1]));
    let title = format!("{} against {}", quantity(1).title(), quantity(0).title());
    let front: Vec<(f64, f64)> = tuning
        .front
        .iter()
        .filter_map(|trial| pair(*trial))
        .collect();
    let svg = draw(WIDTH, HEIGHT, &title, |canvas| {
        let panel = Panel {
            left: 76.0,
            right: WIDTH - 24.0,
            top: 34.0,
            bottom: HEIGHT - 46.0,
            x: axis(quantity(0), scales[0], spans[0]),
            y: axis(quantity(1), scales[1], spans[1]),
        };
        panel.frame(canvas);
        let place = |(x, y): (f64, f64)| panel.place(x * scales[0].factor, y * scales[1].factor);
        for pair in &pairs {
            canvas.dot(place(*pair), 2.5, MUTED);
        }
        let places: Vec<_> = front.iter().map(|pair| place(*pair)).collect();
        canvas.line(&places, color(0), 1.5);
        for at in places {
            canvas.dot(at, 3.5, color(0));
        }
        for proposal in &tuning.proposals {
            let [x, y] = [0, 1].map(|i: usize| proposal.fresh[tuning.ask.goals[i].quantity]);
            let Some((x, y)) = x.zip(y) else { continue };
            if let (Some(across), Some(up)) = (x.interval, y.interval) {
                let hue = color(1);
                canvas.line(
                    &[place((across.low, y.mean)), place((across.high, y.mean))],
                    hue,
                    1.5,
                );
                canvas.line(
                    &[place((x.mean, up.low)), place((x.mean, up.high))],
                    hue,
                    1.5,
                );
            }
        }
    });
    let names = [0, 1].map(|i: usize| quoted(&quantity(i).name));
    let mut csv = format!(
        "point,{0},{1},{0} fresh,low,high,n,{1} fresh,low,high,n\n",
        names[0], names[1]
    );
    for trial in &tuning.front {
        let Some((x, y)) = pair(*trial) else { continue };
        let fresh = tuning
            .proposals
            .iter()
            .find(|proposal| proposal.trial == *trial);
        let of = |objective: usize| {
            let quantity = tuning.ask.goals[objective].quantity;
            let found = fresh.and_then(|fresh| fresh.fresh[quantity]);
            found.as_ref().map_or(",,,".to_owned(), fields)
        };
        writeln!(csv, "{},{x},{y},{},{}", trial + 1, of(0), of(1))
            .expect("a string takes everything");
    }
    Some(Figure {
        name: "front",
        title: capitalized(&title),
        finding: format!("{}.", capitalized(&tuning.findings().join("; "))),
        reading: "Each grey dot is a point that keeps all constraints; the connected ones cannot be improved in one objective without loss in the other. Crosses are 95 % intervals of what was evaluated again under fresh seeds."
            .to_owned(),
        svg,
        csv,
    })
}
