//! What moves a figure: a bar for each parameter, the longest above, with its interval.

use std::fmt::Write;

use walras_analysis::estimate::Estimate;
use walras_analysis::sensitivity::{Analysis, Effect, Explained};
use walras_analysis::words::{capitalized, number};

use super::axis::Axis;
use super::canvas::{Align, INK, MUTED, color, draw};
use super::panel::{Panel, widest};
use super::{Figure, WIDTH, fields, quoted};

const ROW: f64 = 34.0;

/// The bars of one figure; `None` where nothing can be said of it.
pub(crate) fn figure(analysis: &Analysis, explained: &Explained) -> Option<Figure> {
    let ranked = explained.ranked();
    if ranked.is_empty() {
        return None;
    }
    let is_sobol = matches!(ranked[0].1, Effect::Sobol { .. });
    let scale = explained
        .quantity
        .scale(ranked.iter().map(|(_, effect)| effect.weight().mean));
    let factor = if is_sobol { 1.0 } else { scale.factor };
    let names: Vec<String> = ranked
        .iter()
        .map(|(index, _)| analysis.parameters[*index].name.clone())
        .collect();
    // Bars of one parameter: the lower one is part of the upper one where both are shares.
    let bars = |effect: &Effect| -> [(Estimate, usize); 2] {
        match effect {
            Effect::Sobol { first, total } => [(*total, 5), (*first, 0)],
            Effect::Morris { mu, mu_star, .. } => [(*mu_star, 5), (*mu, 0)],
        }
    };
    let ends = ranked
        .iter()
        .flat_map(|(_, effect)| bars(effect))
        .flat_map(|(estimate, _)| {
            let interval = estimate.interval;
            interval.map_or([estimate.mean; 2], |interval| [interval.low, interval.high])
        });
    let (low, high) = ends.fold((0.0, 0.0), |(low, high): (f64, f64), end| {
        (low.min(end * factor), high.max(end * factor))
    });
    let label = if is_sobol {
        "share of the variance".to_owned()
    } else {
        match scale.unit {
            "" => "effect over the full range".to_owned(),
            unit => format!("effect over the full range, {unit}"),
        }
    };
    let left = widest(&names) + 14.0;
    let height = 78.0 + ROW * ranked.len() as f64;
    let title = format!("What moves the {}", explained.quantity.title());
    let svg = draw(WIDTH, height, &title, |canvas| {
        let panel = Panel {
            left,
            right: WIDTH - 24.0,
            top: 22.0,
            bottom: height - 46.0,
            x: Axis::linear(&label, low, high),
            y: Axis::rows(),
        };
        panel.frame(canvas);
        let x = |value: f64| panel.place(value * factor, 0.0).0;
        for (row, (index, effect)) in ranked.iter().enumerate() {
            let y = 26.0 + ROW * (row as f64 + 0.5);
            let name = &analysis.parameters[*index].name;
            canvas.text((left - 8.0, y), name, Align::Right, INK);
            for (place, (estimate, hue)) in bars(effect).into_iter().enumerate() {
                let y = y + if place == 0 { -7.0 } else { 7.0 };
                let (from, to) = (x(estimate.mean.min(0.0)), x(estimate.mean.max(0.0)));
                canvas.bar((from, y - 5.5), (to, y + 5.5), color(hue), 0.75);
                if let Some(interval) = estimate.interval {
                    canvas.line(&[(x(interval.low), y), (x(interval.high), y)], INK, 1.6);
                }
            }
        }
        let zero = x(0.0);
        canvas.line(&[(zero, panel.top), (zero, panel.bottom)], MUTED, 1.0);
    });
    let mut csv = "parameter,index,value,low,high,n\n".to_owned();
    for (index, effect) in &ranked {
        for (name, estimate) in effect.indices() {
            let parameter = quoted(&analysis.parameters[*index].name);
            writeln!(csv, "{parameter},{name},{}", fields(&estimate))
                .expect("a string takes everything");
        }
    }
    let finding = explained.findings(&analysis.parameters);
    let reading = if is_sobol {
        "The upper bar of a parameter is its total share of the variance (ST), with all interplay; the lower, dark one is its share alone (S1). What the upper has more is interplay with others."
    } else {
        "The upper bar of a parameter is the mean size of its elementary effects (μ*), the lower, dark one their mean (μ): where it is shorter, the effect changes its direction with the other parameters."
    };
    let noise = explained.noise.map_or(String::new(), |noise| {
        format!(
            " Chance makes {} % of the variance between points.",
            number(noise * 100.0, 1)
        )
    });
    Some(Figure {
        name: "sensitivity",
        title: capitalized(&title),
        finding: format!("{}.", capitalized(&finding.join("; "))),
        reading: format!("{reading} Lines are 95 % intervals.{noise}"),
        svg,
        csv,
    })
}
