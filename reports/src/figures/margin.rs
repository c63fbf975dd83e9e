//! What a node earns its owner against what its electricity costs, on one logarithmic scale.

use std::fmt::Write;

use walras_analysis::compare::Comparison;
use walras_analysis::estimate::Estimate;
use walras_analysis::record::MetricId;
use walras_analysis::words::{number, quantity};

use super::axis::{Axis, plain};
use super::canvas::{Align, Canvas, INK, MUTED, Place, color, draw, text_width};
use super::panel::{Panel, widest};
use super::{Figure, WIDTH, names, quoted};

const ROW: f64 = 44.0;
const DOT: f64 = 5.0;

/// One platform's averages per node and day [USD].
struct Node {
    revenue: Estimate,
    electricity: Estimate,
    /// Share of the payments that the protocol kept.
    fees: Option<f64>,
}

impl Node {
    fn of(comparison: &Comparison, index: usize) -> Option<Self> {
        let figure = |metric| comparison.estimate(metric, index);
        let mean = |metric| figure(metric).map(|estimate| estimate.mean);
        let fees =
            mean(MetricId::ProtocolFees).zip(mean(MetricId::Spend).filter(|spend| *spend > 0.0));
        Some(Self {
            revenue: figure(MetricId::OwnerRevenue)?,
            electricity: figure(MetricId::OwnerPowerCost)?,
            fees: fees.map(|(fees, spend)| fees / spend),
        })
    }

    /// As in `0.620 USD/day earned, 0.480 USD/day of electricity`.
    fn said(&self) -> String {
        let revenue = quantity(MetricId::OwnerRevenue, &self.revenue);
        let electricity = quantity(MetricId::OwnerPowerCost, &self.electricity);
        format!("earns {revenue}, electricity {electricity}")
    }
}

/// The figure, if owners have revenue and electricity to pay.
pub(super) fn figure(comparison: &Comparison) -> Option<Figure> {
    let names = names(comparison);
    let nodes: Vec<Option<Node>> = (0..names.len())
        .map(|index| Node::of(comparison, index))
        .collect();
    let values = nodes
        .iter()
        .flatten()
        .flat_map(|node| [node.revenue.mean, node.electricity.mean]);
    let highest = values.clone().fold(0.0, f64::max);
    // Six decades are enough to tell that a node earns nothing.
    let lowest = values
        .filter(|value| *value > highest * 1e-6)
        .fold(f64::INFINITY, f64::min);
    if !(lowest.is_finite() && highest > 0.0) {
        return None;
    }
    let title = "What a node earns, and what its electricity costs".to_owned();
    let height = 84.0 + ROW * names.len() as f64;
    let svg = draw(WIDTH, height, &title, |canvas| {
        let left = widest(&names) + 16.0;
        let axis = Axis::log_to_ticks("USD per node and day", lowest / 1.2, highest * 1.2, plain);
        let panel = Panel {
            left,
            right: WIDTH - 24.0,
            top: 30.0,
            bottom: height - 46.0,
            x: axis,
            y: Axis::rows(),
        };
        panel.frame(canvas);
        canvas.dot((left + DOT, 14.0), DOT, MUTED);
        canvas.text((left + 3.5 * DOT, 14.0), "revenue", Align::Left, INK);
        let second = left + 3.5 * DOT + text_width("revenue") + 20.0;
        cross(canvas, (second + DOT, 14.0), MUTED);
        canvas.text((second + 3.5 * DOT, 14.0), "electricity", Align::Left, INK);
        for (index, node) in nodes.iter().enumerate() {
            let y = 30.0 + ROW * (index as f64 + 0.65);
            canvas.text((left - 8.0, y), &names[index], Align::Right, INK);
            let Some(node) = node else { continue };
            let x = |value: f64| panel.place(value, 0.0).0;
            let (revenue, electricity) = (x(node.revenue.mean), x(node.electricity.mean));
            canvas.line(&[(revenue, y), (electricity, y)], color(index), 2.0);
            canvas.dot((revenue, y), DOT, color(index));
            cross(canvas, (electricity, y), color(index));
            label(
                canvas,
                &panel,
                (f64::midpoint(revenue, electricity), y - 15.0),
                &node.said(),
            );
        }
    });
    let mut csv =
        "platform,revenue_usd_per_node_day,electricity_usd_per_node_day,protocol_fee_share\n"
            .to_owned();
    let mut parts = Vec::new();
    for (name, node) in names.iter().zip(&nodes) {
        let Some(node) = node else { continue };
        let fees = node.fees.map_or(String::new(), |fees| fees.to_string());
        writeln!(
            csv,
            "{},{},{},{fees}",
            quoted(name),
            node.revenue.mean,
            node.electricity.mean
        )
        .expect("a string takes everything");
        let fees = node.fees.filter(|fees| *fees > 0.0);
        let fees = fees.map_or(String::new(), |fees| {
            format!(
                " (the protocol kept {} % of the payments)",
                number(fees * 100.0, 1)
            )
        });
        parts.push(format!("on {name} it {}{fees}", node.said()));
    }
    let finding = format!("An average node: {}.", parts.join("; "));
    let reading = "A dot to the right of its cross is a node that pays for its electricity; the distance is a factor, because the scale \
                   is logarithmic. A dot at the left edge earns nothing or loses stakes. Means over replications and over all nodes, \
                   idle or not, for the time that they were up; hardware is not deducted.";
    Some(Figure {
        name: "margin",
        title,
        finding,
        reading: reading.to_owned(),
        svg,
        csv,
    })
}

fn cross(canvas: &Canvas<'_>, (x, y): Place, color: plotters::style::RGBColor) {
    canvas.line(&[(x - DOT, y - DOT), (x + DOT, y + DOT)], color, 2.0);
    canvas.line(&[(x - DOT, y + DOT), (x + DOT, y - DOT)], color, 2.0);
}

/// `text` centred at `place`, moved so that it stays within the panel.
fn label(canvas: &Canvas<'_>, panel: &Panel, (x, y): Place, text: &str) {
    let half = text_width(text) / 2.0;
    let x = x.min(panel.right - half).max(panel.left + half);
    canvas.text((x, y), text, Align::Center, MUTED);
}
