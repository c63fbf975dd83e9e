//! Placements lost over time because their node left.

use walras_analysis::compare::Comparison;
use walras_analysis::curves::{Series, over_time};
use walras_analysis::experiment::Experiment;
use walras_analysis::record::MetricId;

use super::nodes::{Row, stacked};
use super::{Figure, band_note, names, shown};

/// The figure, if anything was lost anywhere.
pub(super) fn figure(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    let names = names(comparison);
    let curves = over_time(experiment, Series::Lost);
    if curves
        .iter()
        .flat_map(|curve| &curve.points)
        .all(|point| point.y.mean == 0.0)
    {
        return None;
    }
    let title = "Work lost with leaving nodes".to_owned();
    let rows = [Row::from_zero(
        "placements lost per minute",
        "lost_per_minute",
        curves,
    )];
    let (svg, csv) = stacked(experiment, &title, &rows, &names)?;
    let figure = |metric: MetricId, index: usize| shown(comparison, metric, index);
    let parts: Vec<String> = names
        .iter()
        .enumerate()
        .filter_map(|(index, name)| {
            let retried = figure(MetricId::Retried, index).map_or(String::new(), |share| {
                format!(" ({share} of the completed needed a retry)")
            });
            Some(format!(
                "{name} {} requests{retried}",
                figure(MetricId::Losses, index)?
            ))
        })
        .collect();
    let finding = format!("Placements lost: {}.", parts.join("; "));
    let reading = format!(
        "A lost placement is noticed after a silence and repeated elsewhere: the customer waits, and the tokens generated so far are wasted. {}",
        band_note(comparison.replications)
    );
    Some(Figure {
        name: "losses",
        title,
        finding,
        reading,
        svg,
        csv,
    })
}
