//! Prices over time: what customers paid for a million of the tokens delivered meanwhile, and the base fee.

use walras_analysis::compare::Comparison;
use walras_analysis::curves::{Curve, Series, over_time};
use walras_analysis::estimate::Estimate;
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
    let finding = swings(&paid, &names, comparison.replications);
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
    let prompts = if rows.len() > 1 {
        "The base fee is the price of an output token alone; prompts are charged beside it. "
    } else {
        ""
    };
    let reading = format!(
        "Rented capacity is dear per token when little is asked for, because it is paid by the hour; a market is dear when much is. {prompts}{}",
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

/// The largest of many noisy means is far above the smallest by chance: up to this many widths of a band.
const BY_CHANCE: f64 = 2.0;

/// How far the dearest and the cheapest moment of each platform lie apart, if that is more than chance.
fn swings(curves: &[Curve], names: &[String], replications: usize) -> String {
    if replications < 2 {
        return "With one replication, changes of price cannot be told from chance.".to_owned();
    }
    let swing = |curve: &Curve| {
        let factor = clear_swing(curve)?;
        let decimals = usize::from(factor < 100.0);
        let factor = number(factor, decimals);
        Some(format!("{} a factor of {factor}", names[curve.platform]))
    };
    let clear: Vec<String> = curves.iter().filter_map(swing).collect();
    if clear.is_empty() {
        "Prices are steady: no change exceeds what the width of the bands explains.".to_owned()
    } else {
        let others = if clear.len() < curves.len() {
            "; all others are steady within their bands"
        } else {
            ""
        };
        format!(
            "Between the dearest and the cheapest moment: {}{others}.",
            clear.join(", ")
        )
    }
}

/// The largest mean divided by the smallest, if that clearly exceeds the typical width of the band, as a factor.
fn clear_swing(curve: &Curve) -> Option<f64> {
    let points: Vec<&Estimate> = curve
        .points
        .iter()
        .map(|point| &point.y)
        .filter(|price| price.mean > 0.0)
        .collect();
    let (low, high) = points
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(low, high), price| {
            (low.min(price.mean), high.max(price.mean))
        });
    let mut widths: Vec<f64> = points
        .iter()
        .filter_map(|price| Some(price.interval?.half_width() / price.mean))
        .collect();
    widths.sort_by(f64::total_cmp);
    // The band as a factor, from its relative half width.
    let band = 2.0 * widths.get(widths.len() / 2)?;
    let factor = high / low;
    (factor.ln() > BY_CHANCE * band && factor > 1.01).then_some(factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_analysis::curves::Point;
    use walras_analysis::estimate::{Interval, Method};

    fn curve(prices: &[f64], half: f64) -> Curve {
        let point = |(x, mean): (f64, &f64)| Point {
            x,
            y: Estimate {
                mean: *mean,
                interval: Some(Interval {
                    low: mean - half,
                    high: mean + half,
                }),
                n: 10,
                effective: None,
                method: Method::StudentT,
            },
        };
        Curve {
            platform: 0,
            points: (0..).map(f64::from).zip(prices).map(point).collect(),
        }
    }

    /// Noise in a wide band was told as a factor of its price.
    #[test]
    fn a_swing_must_exceed_the_band() {
        assert_eq!(clear_swing(&curve(&[1.0, 1.3, 0.9, 1.1], 0.4)), None);
        assert_eq!(clear_swing(&curve(&[1.0, 4.0, 2.0], 0.1)), Some(4.0));
        let names = ["a".to_owned()];
        let said = swings(&[curve(&[1.0, 1.3, 0.9, 1.1], 0.4)], &names, 10);
        assert!(said.starts_with("Prices are steady"), "{said}");
    }
}
