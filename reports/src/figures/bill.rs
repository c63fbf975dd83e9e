//! Where a customer's dollar goes: electricity, the protocol, and what owners keep.

use std::fmt::Write;

use walras_analysis::compare::Comparison;
use walras_analysis::record::MetricId;

use super::axis::Axis;
use super::canvas::{Align, INK, MUTED, draw};
use super::panel::{Panel, widest};
use super::{Figure, WIDTH, names, quoted};

const ROW: f64 = 40.0;
/// Colours of the parts: not those of platforms.
const PARTS: [(&str, plotters::style::RGBColor); 3] = [
    ("electricity", plotters::style::RGBColor(0x8C, 0x6D, 0x31)),
    ("protocol fees", plotters::style::RGBColor(0x7B, 0x6C, 0xA8)),
    ("left to owners, for hardware and profit", plotters::style::RGBColor(0x7F, 0xA9, 0x8E)),
];

/// The parts of one dollar that customers pay.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Dollar {
    electricity: f64,
    fees: f64,
}

impl Dollar {
    /// From means over replications: electricity is known relative to what owners receive.
    fn of(comparison: &Comparison, index: usize) -> Option<Self> {
        let mean = |metric| Some(comparison.cell(metric, index)?.estimate?.mean);
        let spend = mean(MetricId::Spend).filter(|spend| *spend > 0.0)?;
        let revenue = mean(MetricId::OwnerRevenue).filter(|revenue| *revenue > 0.0)?;
        let fees = mean(MetricId::ProtocolFees).unwrap_or(0.0) / spend;
        Some(Self { electricity: mean(MetricId::OwnerPowerCost)? / revenue * (1.0 - fees), fees })
    }

    /// Negative if owners pay for electricity from their own pockets.
    fn left(self) -> f64 {
        1.0 - self.electricity - self.fees
    }
}

/// The figure, if customers paid on any platform.
pub(super) fn figure(comparison: &Comparison) -> Option<Figure> {
    let names = names(comparison);
    let dollars: Vec<Option<Dollar>> = (0..names.len()).map(|index| Dollar::of(comparison, index)).collect();
    let longest = dollars.iter().flatten().map(|dollar| dollar.electricity + dollar.fees).fold(1.0, f64::max);
    if dollars.iter().all(Option::is_none) {
        return None;
    }
    let title = "Where a customer's dollar goes".to_owned();
    #[allow(clippy::cast_precision_loss)]
    let height = 88.0 + ROW * names.len() as f64;
    let svg = draw(WIDTH, height, &title, |canvas| {
        let left = widest(canvas, &names) + 16.0;
        let mut x = left;
        for (name, color) in PARTS {
            canvas.bar((x, 9.0), (x + 10.0, 19.0), color, 1.0);
            canvas.text((x + 15.0, 14.0), name, Align::Left, INK);
            x += canvas.width(name) + 36.0;
        }
        let axis = Axis::linear("USD per USD that customers pay", 0.0, longest);
        let panel = Panel { left, right: WIDTH - 24.0, top: 34.0, bottom: height - 46.0, x: axis, y: Axis::rows() };
        panel.frame(canvas);
        for (index, dollar) in dollars.iter().enumerate() {
            #[allow(clippy::cast_precision_loss)]
            let y = 34.0 + ROW * (index as f64 + 0.5);
            canvas.text((left - 8.0, y), &names[index], Align::Right, INK);
            let Some(dollar) = dollar else {
                canvas.text((left + 8.0, y), "customers paid nothing", Align::Left, MUTED);
                continue;
            };
            let parts = [dollar.electricity, dollar.fees, dollar.left().max(0.0)];
            let mut from = 0.0;
            for (part, (_, color)) in parts.into_iter().zip(PARTS) {
                let (start, end) = (panel.place(from, 0.0).0, panel.place(from + part, 0.0).0);
                canvas.bar((start, y - 12.0), (end, y + 12.0), color, 1.0);
                let text = format!("{part:.2}");
                if end - start > canvas.width(&text) + 8.0 {
                    canvas.text((f64::midpoint(start, end), y), &text, Align::Center, plotters::style::WHITE);
                }
                from += part;
            }
        }
        let one = panel.place(1.0, 0.0).0;
        canvas.dashed((one, panel.bottom), (one, panel.top), INK);
    });
    let mut csv = "platform,electricity,protocol_fees,left_to_owners\n".to_owned();
    let mut parts = Vec::new();
    for (name, dollar) in names.iter().zip(&dollars) {
        let Some(dollar) = dollar else { continue };
        let Dollar { electricity, fees } = dollar;
        writeln!(csv, "{},{electricity},{fees},{}", quoted(name), dollar.left()).expect("a string takes everything");
        parts.push(if dollar.left() < 0.0 {
            format!("on {name} electricity and fees exceed what customers pay by {:.0} %", -dollar.left() * 100.0)
        } else {
            format!("on {name} {:.0} % is left to owners after electricity and fees", dollar.left() * 100.0)
        });
    }
    let finding = format!("Of what customers pay, {}.", parts.join("; "));
    let reading = "A bar that ends at the dashed line is a dollar divided; one that passes it is a platform whose owners pay for part of \
                   the electricity themselves. Means over replications; hardware is not deducted.";
    Some(Figure { name: "dollar", title, finding, reading: reading.to_owned(), svg, csv })
}
