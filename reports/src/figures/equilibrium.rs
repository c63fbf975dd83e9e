//! The ways of an economy to its rest, from several starts.

use walras_analysis::curves::{Curve, Point, Quantity};
use walras_analysis::equilibrium::Equilibrium;
use walras_analysis::estimate::estimate;
use walras_analysis::record::Range;

use super::Figure;
use super::axis::Axis;
use super::nodes::{Row, stacked_over};

/// What is drawn, with its label.
const ROWS: [(Quantity, &str); 4] = [
    (Quantity::Providers, "providers online"),
    (Quantity::Price, "price of work, USD per unit"),
    (Quantity::Earning, "earnings, USD per unit of capacity"),
    (Quantity::TokenPrice, "price of the token, USD"),
];

/// Points of a line, at most: more are not seen.
const MOST: usize = 800;

/// The ways over time.
pub(crate) fn figure(found: &Equilibrium) -> Option<Figure> {
    let names: Vec<String> = found
        .ways
        .iter()
        .map(|way| format!("from {}", way.start.words()))
        .collect();
    let row = |(quantity, label): (Quantity, &str)| {
        let curves: Vec<Curve> = (found.ways.iter().enumerate())
            .map(|(platform, way)| Curve {
                platform,
                points: (way.series.days.iter().zip(way.series.column(quantity)))
                    .step_by(way.series.days.len().div_ceil(MOST))
                    .filter_map(|(day, value)| {
                        let y = estimate(&[value], Range::Any)?;
                        Some(Point { x: day / 365.0, y })
                    })
                    .collect(),
            })
            .collect();
        let mut points = curves.iter().flat_map(|curve| &curve.points);
        points
            .any(|point| point.y.mean != 0.0)
            .then(|| Row::of_sizes(label, quantity.name(), curves))
    };
    let rows: Vec<Row> = ROWS.into_iter().filter_map(row).collect();
    let title = "The way to rest from few owners and from many, from low prices and from high ones";
    let (svg, csv) = stacked_over(&Axis::years(found.years), "year", title, &rows, &names)?;
    Some(Figure {
        name: "ways",
        title: title.to_owned(),
        finding: found.verdict().join(" "),
        reading: "Each line begins with another share of the owners, or with another price. Lines that meet end at the same equilibrium; lines that never settle have none; a line that ends at nothing is a death spiral.".to_owned(),
        svg,
        csv,
    })
}
