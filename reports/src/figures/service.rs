//! Service over the day: the share of completed requests within both objectives, and how many that is per second.

use walras_analysis::compare::Comparison;
use walras_analysis::curves::{Series, over_time};
use walras_analysis::experiment::Experiment;
use walras_analysis::record::MetricId;
use walras_analysis::words::Scale;

use super::axis::Axis;
use super::nodes::{Row, stacked};
use super::{Figure, band_note, names};

/// The figure, if there are samples.
pub(super) fn figure(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    let (within, goodput) = (
        over_time(experiment, Series::WithinSlo),
        over_time(experiment, Series::Goodput),
    );
    comparison.row(MetricId::SloAttainment)?;
    let names = names(comparison);
    let title = "Service within both objectives".to_owned();
    let rows = [
        Row {
            axis: Axis::percent("share of completed requests within both objectives"),
            column: "share_within_objectives".into(),
            curves: within,
        },
        Row::from_zero(
            "requests per second within both objectives",
            "goodput_per_s",
            goodput,
        ),
    ];
    let (svg, csv) = stacked(experiment, &title, &rows, &names)?;
    let metric = MetricId::SloAttainment;
    let shares: Vec<String> = comparison
        .row(metric)?
        .cells
        .iter()
        .zip(&names)
        .filter_map(|(cell, name)| {
            let estimate = cell.estimate?;
            let shown = Scale::of(metric, [estimate.mean]).show(&estimate);
            Some(
                format!(
                    "{name} {} {}",
                    shown.value,
                    shown.interval.unwrap_or_default()
                )
                .trim_end()
                .to_owned(),
            )
        })
        .collect();
    let finding = format!(
        "Of all requests submitted, served within both objectives: {}.",
        shares.join(", ")
    );
    let reading = format!(
        "Above: quality of what was completed, by time of day. Below: how much good service that is; with equal demand, a lower curve \
         is service that was late or never came. {}",
        band_note(comparison.replications)
    );
    Some(Figure {
        name: "service",
        title,
        finding,
        reading,
        svg,
        csv,
    })
}
