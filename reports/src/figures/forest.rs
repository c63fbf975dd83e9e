//! Paired differences to the baseline: for each main figure the ratio with its interval, on one scale.

use std::fmt::Write;

use walras_analysis::compare::{Cell, Comparison};
use walras_analysis::estimate::Estimate;
use walras_analysis::record::MetricId;
use walras_analysis::words::{Tone, describe, title};

use super::axis::{Axis, times};
use super::canvas::{Align, GRID, INK, MUTED, color, draw};
use super::panel::{Panel, key, widest};
use super::{Figure, WIDTH, fields, names, quoted};

/// The figures that are drawn, if the ratio exists.
const SHOWN: [MetricId; 8] = [
    MetricId::CostPerMillion,
    MetricId::TtftP50,
    MetricId::TtftP99,
    MetricId::TpotP50,
    MetricId::SloAttainment,
    MetricId::Goodput,
    MetricId::Energy,
    MetricId::Utilization,
];

/// The ratio of one figure of one platform to the baseline.
struct Line {
    metric: MetricId,
    platform: usize,
    ratio: Estimate,
    said: String,
    tone: Tone,
}

/// The figure, if anything is compared with a baseline.
pub(super) fn figure(comparison: &Comparison) -> Option<Figure> {
    let lines: Vec<Line> = SHOWN
        .iter()
        .flat_map(|metric| lines(comparison, *metric))
        .collect();
    let baseline =
        &comparison.entries[comparison.entries.iter().find_map(|entry| entry.against)?].name;
    if lines.is_empty() {
        return None;
    }
    let (mut low, mut high) = (0.8f64, 1.25f64);
    for line in &lines {
        let ends = line
            .ratio
            .interval
            .map_or([line.ratio.mean; 2], |interval| {
                [interval.low, interval.high]
            });
        (low, high) = (low.min(ends[0]), high.max(ends[1]));
    }
    let names = names(comparison);
    let heading = format!("Differences to {baseline}");
    let row = if comparison.entries.len() > 2 {
        19.0
    } else {
        26.0
    };
    #[allow(clippy::cast_precision_loss)]
    let height = 92.0 + row * lines.len() as f64;
    let svg = draw(WIDTH, height, &heading, |canvas| {
        let titles: Vec<String> = SHOWN
            .iter()
            .map(|metric| title(*metric).to_owned())
            .collect();
        let said: Vec<String> = lines.iter().map(|line| line.said.clone()).collect();
        let left = widest(canvas, &titles) + 14.0;
        let right = WIDTH - widest(canvas, &said) - 16.0;
        let axis = Axis::log_to_ticks(&format!("ratio to {baseline}"), low, high, times);
        let panel = Panel {
            left,
            right,
            top: 36.0,
            bottom: height - 46.0,
            x: axis,
            y: Axis::rows(),
        };
        panel.frame(canvas);
        let one = panel.place(1.0, 0.0).0;
        canvas.line(&[(one, panel.top), (one, panel.bottom)], MUTED, 1.5);
        for (index, line) in lines.iter().enumerate() {
            #[allow(clippy::cast_precision_loss)]
            let y = 40.0 + row * (index as f64 + 0.5);
            if index == 0 || lines[index - 1].metric != line.metric {
                if index > 0 && comparison.entries.len() > 2 {
                    let edge = y - row / 2.0;
                    canvas.line(&[(0.0, edge), (WIDTH, edge)], GRID, 1.0);
                }
                canvas.text((left - 8.0, y), title(line.metric), Align::Right, INK);
            }
            let x = |value: f64| panel.place(value, 0.0).0;
            let color = color(line.platform);
            if let Some(interval) = line.ratio.interval {
                canvas.line(&[(x(interval.low), y), (x(interval.high), y)], color, 2.5);
            }
            canvas.dot((x(line.ratio.mean), y), 4.5, color);
            canvas.text(
                (right + 10.0, y),
                &line.said,
                Align::Left,
                if line.tone == Tone::Unclear {
                    MUTED
                } else {
                    INK
                },
            );
        }
        let platforms =
            (0..names.len()).filter(|index| comparison.entries[*index].against.is_some());
        key(canvas, (left, 14.0), platforms, &names);
    });
    let mut csv = "metric,platform,ratio,low,high,n\n".to_owned();
    for Line {
        metric,
        platform,
        ratio,
        ..
    } in &lines
    {
        let (name, platform) = (metric.metric().name, quoted(&names[*platform]));
        writeln!(csv, "{name},{platform},{}", fields(ratio)).expect("a string takes everything");
    }
    let of_tone = |(tone, words): (Tone, &str)| {
        let found: Vec<&Line> = lines.iter().filter(|line| line.tone == tone).collect();
        let said = match comparison.entries.len() {
            2 => found
                .iter()
                .map(|line| title(line.metric))
                .collect::<Vec<_>>()
                .join("; "),
            _ => format!("{} of {} differences", found.len(), lines.len()),
        };
        (!found.is_empty()).then(|| format!("{words}: {said}."))
    };
    let tones = [
        (Tone::Better, "Clearly better"),
        (Tone::Worse, "Clearly worse"),
        (Tone::Unclear, "Not clearly different"),
    ];
    let finding = tones
        .into_iter()
        .filter_map(of_tone)
        .collect::<Vec<_>>()
        .join(" ");
    let reading = format!(
        "The vertical line is {baseline}. Each dot is the ratio to it within the same replication, with its 95 % interval; an interval \
         that crosses the line is no clear difference; shares are judged by the difference in points that stands beside them. Each interval stands for itself: with many of them, expect one in twenty to miss.",
    );
    Some(Figure {
        name: "differences",
        title: heading,
        finding,
        reading,
        svg,
        csv,
    })
}

fn lines(comparison: &Comparison, metric: MetricId) -> Vec<Line> {
    let Some(row) = comparison.row(metric) else {
        return Vec::new();
    };
    let line = |(platform, cell): (usize, &Cell)| {
        let difference = cell.difference?;
        let said = describe(metric, &difference);
        Some(Line {
            metric,
            platform,
            ratio: difference.ratio?,
            said: said.text,
            tone: said.tone,
        })
    };
    row.cells.iter().enumerate().filter_map(line).collect()
}
