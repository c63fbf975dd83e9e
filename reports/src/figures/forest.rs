//! Paired differences to the baseline: for each main figure the ratio with its interval, on one scale.

use std::fmt::Write;

use walras_analysis::compare::{Cell, Comparison};
use walras_analysis::estimate::Estimate;
use walras_analysis::record::MetricId;
use walras_analysis::words::{Tone, title};

use super::axis::{Axis, times};
use super::canvas::{Align, GRID, INK, MUTED, draw, text_width};
use super::panel::{Key, Panel, widest};
use super::{Figure, WIDTH, fields, names, quoted};

/// The figures that are drawn, if the ratio exists; the rate of good service is not where it says the same as its share.
const SHOWN: [MetricId; 7] = [
    MetricId::CostPerMillion,
    MetricId::TtftP50,
    MetricId::TtftP99,
    MetricId::TpotP50,
    MetricId::SloAttainment,
    MetricId::Goodput,
    MetricId::Energy,
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
    let is_shown =
        |metric: &&MetricId| **metric != MetricId::Goodput || !repeats_the_share(comparison);
    let lines: Vec<Line> = SHOWN
        .iter()
        .filter(is_shown)
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
    let rows = row * lines.len() as f64;
    let left = SHOWN
        .iter()
        .map(|metric| text_width(title(*metric)))
        .fold(0.0, f64::max)
        + 14.0;
    let platforms = (0..names.len()).filter(|index| comparison.entries[*index].against.is_some());
    let key = Key::new(platforms, &names, WIDTH - left);
    let height = 92.0 + key.extra() + rows;
    let svg = draw(WIDTH, height, &heading, |canvas| {
        let said: Vec<String> = lines.iter().map(|line| line.said.clone()).collect();
        let right = WIDTH - widest(&said) - 16.0;
        let axis = Axis::log_to_ticks(&format!("ratio to {baseline}"), low, high, times);
        let panel = Panel {
            left,
            right,
            top: 36.0 + key.extra(),
            bottom: height - 46.0,
            x: axis,
            y: Axis::rows(),
        };
        panel.frame(canvas);
        let one = panel.place(1.0, 0.0).0;
        canvas.line(&[(one, panel.top), (one, panel.bottom)], MUTED, 1.5);
        for (index, line) in lines.iter().enumerate() {
            #[allow(clippy::cast_precision_loss)]
            let y = 40.0 + key.extra() + row * (index as f64 + 0.5);
            if index == 0 || lines[index - 1].metric != line.metric {
                if index > 0 && comparison.entries.len() > 2 {
                    let edge = y - row / 2.0;
                    canvas.line(&[(0.0, edge), (WIDTH, edge)], GRID, 1.0);
                }
                canvas.text((left - 8.0, y), title(line.metric), Align::Right, INK);
            }
            let x = |value: f64| panel.place(value, 0.0).0;
            if let Some(interval) = line.ratio.interval {
                let ends = [(x(interval.low), y), (x(interval.high), y)];
                canvas.platform_line(&ends, line.platform, 2.5);
            }
            canvas.platform_dot((x(line.ratio.mean), y), 4.5, line.platform);
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
        key.draw(canvas, (left, 14.0));
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
    let finding = if comparison.entries.len() == 2 {
        finding_of_one(&lines)
    } else {
        finding_of_many(&lines, &names, baseline)
    };
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

/// Which figures of a single platform are better, and which worse.
fn finding_of_one(lines: &[Line]) -> String {
    let of_tone = |(tone, words): (Tone, &str)| {
        let found: Vec<&str> = lines
            .iter()
            .filter(|line| line.tone == tone)
            .map(|line| title(line.metric))
            .collect();
        (!found.is_empty()).then(|| format!("{words}: {}.", found.join("; ")))
    };
    let tones = [
        (Tone::Better, "Clearly better"),
        (Tone::Worse, "Clearly worse"),
        (
            Tone::Neutral,
            "Better only among the requests that each served",
        ),
        (Tone::Unclear, "Not clearly different"),
    ];
    tones
        .into_iter()
        .filter_map(of_tone)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The platform with the most clear improvements, its largest one, and its main price.
fn finding_of_many(lines: &[Line], names: &[String], baseline: &str) -> String {
    let of = |platform: usize, tone: Tone| {
        lines
            .iter()
            .filter(move |line| line.platform == platform && line.tone == tone)
    };
    let farthest = |platform: usize, tone: Tone| {
        let far = |line: &&Line| line.ratio.mean.ln().abs();
        of(platform, tone).max_by(|a, b| far(a).total_cmp(&far(b)))
    };
    let told = |line: &Line| {
        let words = line.said.split(" [").next().unwrap_or_default();
        format!("{} ({words})", title(line.metric))
    };
    // Of several with as many, the one that gains most, all ratios together.
    let gain = |platform: usize| {
        let gains = of(platform, Tone::Better).map(|line| line.ratio.mean.ln().abs());
        (of(platform, Tone::Better).count(), gains.sum::<f64>())
    };
    let most = (0..names.len())
        .max_by(|a, b| {
            let (a, b) = (gain(*a), gain(*b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        })
        .and_then(|platform| Some((platform, farthest(platform, Tone::Better)?)));
    let Some((platform, best)) = most else {
        return format!("No platform is clearly better than {baseline} in any of these figures.");
    };
    let price = farthest(platform, Tone::Worse)
        .map_or("it is clearly worse in none".to_owned(), |line| {
            format!("its main price is {}", told(line))
        });
    let (count, all) = (
        of(platform, Tone::Better).count(),
        lines
            .iter()
            .filter(|line| line.platform == platform)
            .count(),
    );
    format!(
        "Most clear improvements on {baseline}: {} in {count} of {all} figures, above all in {}; {price}.",
        names[platform],
        told(best)
    )
}

/// Whether the rate of good service stands to that of the baseline as its share does: with the same requests it must.
fn repeats_the_share(comparison: &Comparison) -> bool {
    let ratio = |metric: MetricId, index: usize| {
        let difference = comparison.cell(metric, index)?.difference?;
        difference.ratio.map(|ratio| ratio.mean)
    };
    (0..comparison.entries.len()).all(|index| {
        let (rate, share) = (
            ratio(MetricId::Goodput, index),
            ratio(MetricId::SloAttainment, index),
        );
        match (rate, share) {
            (Some(rate), Some(share)) => (rate / share - 1.0).abs() < 1e-6,
            (rate, _) => rate.is_none(),
        }
    })
}

fn lines(comparison: &Comparison, metric: MetricId) -> Vec<Line> {
    let Some(row) = comparison.row(metric) else {
        return Vec::new();
    };
    let line = |(platform, cell): (usize, &Cell)| {
        let difference = cell.difference?;
        let said = comparison.said(metric, platform)?;
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
