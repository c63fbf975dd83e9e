//! What a million output tokens cost on each platform: a bar with its interval.

use std::fmt::Write;

use walras_analysis::compare::Comparison;
use walras_analysis::estimate::Estimate;
use walras_analysis::record::MetricId;
use walras_analysis::words::{Scale, describe};

use super::axis::Axis;
use super::canvas::{Align, INK, MUTED, color, draw};
use super::panel::{Panel, widest};
use super::{Figure, WIDTH, fields, names, quoted};

const ROW: f64 = 34.0;

/// The figure, if anybody paid anything.
pub(super) fn figure(comparison: &Comparison) -> Option<Figure> {
    let metric = MetricId::CostPerMillion;
    let row = comparison.row(metric)?;
    let estimates: Vec<Option<Estimate>> = row.cells.iter().map(|cell| cell.estimate).collect();
    let highest = estimates.iter().flatten().map(upper).fold(0.0, f64::max);
    let names = names(comparison);
    let title = "Cost per million output tokens".to_owned();
    #[allow(clippy::cast_precision_loss)]
    let height = 62.0 + ROW * names.len() as f64;
    let svg = draw(WIDTH, height, &title, |canvas| {
        let left = widest(&names) + 16.0;
        let axis = Axis::linear("USD per million output tokens", 0.0, highest);
        let panel = Panel {
            left,
            right: WIDTH - 190.0,
            top: 8.0,
            bottom: height - 46.0,
            x: axis,
            y: Axis::rows(),
        };
        panel.frame(canvas);
        let scale = Scale::of(metric, [highest]);
        for (index, estimate) in estimates.iter().enumerate() {
            #[allow(clippy::cast_precision_loss)]
            let y = 8.0 + ROW * (index as f64 + 0.5);
            canvas.text((left - 8.0, y), &names[index], Align::Right, INK);
            let Some(estimate) = estimate else {
                canvas.text((left + 8.0, y), "nobody paid", Align::Left, MUTED);
                continue;
            };
            let x = |value: f64| panel.place(value, 0.0).0;
            canvas.bar(
                (left, y - 9.0),
                (x(estimate.mean), y + 9.0),
                color(index),
                0.85,
            );
            if let Some(interval) = estimate.interval {
                let (low, high) = (x(interval.low), x(interval.high));
                canvas.line(&[(low, y), (high, y)], INK, 1.5);
                for end in [low, high] {
                    canvas.line(&[(end, y - 5.0), (end, y + 5.0)], INK, 1.5);
                }
            }
            let shown = scale.show(estimate);
            let text = format!("{} {}", shown.value, shown.interval.unwrap_or_default());
            canvas.text(
                (x(upper(estimate)) + 8.0, y),
                text.trim_end(),
                Align::Left,
                INK,
            );
        }
    });
    let mut csv = "platform,usd_per_million_output_tokens,low,high,n\n".to_owned();
    for (name, estimate) in names.iter().zip(&estimates) {
        let Some(estimate) = estimate else { continue };
        writeln!(csv, "{},{}", quoted(name), fields(estimate)).expect("a string takes everything");
    }
    let said: Vec<String> = names
        .iter()
        .zip(&row.cells)
        .filter_map(|(name, cell)| match cell.difference {
            Some(difference) => Some(format!("{name}: {}", describe(metric, &difference).text)),
            None => Some(format!(
                "{name}: {} per million output tokens",
                Scale::of(metric, [highest]).show(&cell.estimate?).value
            )),
        })
        .collect();
    let finding = format!("{}.", said.join("; "));
    let over = if comparison.replications > 1 {
        "of the mean over replications"
    } else {
        "from the sections of one replication"
    };
    let reading = format!(
        "Bars start at zero; whiskers are 95 % intervals {over}. Shorter is cheaper for customers."
    );
    Some(Figure {
        name: "cost",
        title,
        finding,
        reading,
        svg,
        csv,
    })
}

fn upper(estimate: &Estimate) -> f64 {
    estimate
        .interval
        .map_or(estimate.mean, |interval| interval.high)
}
