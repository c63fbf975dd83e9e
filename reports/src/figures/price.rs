//! Prices over time: what customers paid for a million of the tokens delivered meanwhile, and the base fee.

use walras_analysis::compare::Comparison;
use walras_analysis::curves::{Curve, Series, over_time};
use walras_analysis::experiment::Experiment;
use walras_analysis::words::number;

use super::nodes::{Row, stacked};
use super::{Figure, band_note, names};

/// The figure, if anybody paid anything.
pub(super) fn figure(experiment: &Experiment, comparison: &Comparison) -> Option<Figure> {
    let names = names(comparison);
    let paid = over_time(experiment, Series::Cost);
    if paid
        .iter()
        .flat_map(|curve| &curve.points)
        .all(|point| point.y.mean == 0.0)
    {
        return None;
    }
    let finding = format!(
        "Between the dearest and the cheapest moment: {}.",
        swings(&paid, &names)
    );
    let title = "Prices over time".to_owned();
    let mut rows = vec![Row::of_sizes(
        "USD per million output tokens, as paid",
        "usd_per_million_output_tokens",
        paid,
    )];
    let base_fee = over_time(experiment, Series::BaseFee);
    if !base_fee.is_empty() {
        rows.push(Row::of_sizes(
            "base fee, USD per million output tokens",
            "base_fee",
            base_fee,
        ));
    }
    let (svg, csv) = stacked(experiment, &title, &rows, &names)?;
    let reading = format!(
        "Rented capacity is dear per token when little is asked for, because it is paid by the hour; a market is dear when much is. {}",
        band_note(comparison.replications)
    );
    Some(Figure {
        name: "prices",
        title,
        finding,
        reading,
        svg,
        csv,
    })
}

/// For each platform, the range of its mean price.
fn swings(curves: &[Curve], names: &[String]) -> String {
    let swing = |curve: &Curve| {
        let means = || {
            curve
                .points
                .iter()
                .map(|point| point.y.mean)
                .filter(|mean| *mean > 0.0)
        };
        let (low, high) = (
            means().fold(f64::INFINITY, f64::min),
            means().fold(0.0, f64::max),
        );
        let factor = high / low;
        let decimals = usize::from(factor < 100.0);
        factor.is_finite().then(|| {
            format!(
                "{} a factor of {}",
                names[curve.platform],
                number(factor, decimals)
            )
        })
    };
    curves
        .iter()
        .filter_map(swing)
        .collect::<Vec<_>>()
        .join(", ")
}
