//! A panel: a rectangle with two axes, in which curves with bands are drawn and labelled directly.

use walras_analysis::curves::{Curve, Point};

use super::axis::Axis;
use super::canvas::{Align, Canvas, GRID, INK, MUTED, Place, TEXT, color, text_width};

/// A rectangle with axes.
pub struct Panel {
    /// Left edge of the plotted area.
    pub left: f64,
    /// Its right edge.
    pub right: f64,
    /// Its top.
    pub top: f64,
    /// Its bottom.
    pub bottom: f64,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
}

/// Length of the samples of lines beside names.
pub const SAMPLE: f64 = 18.0;
/// Radius of the dots in keys.
const DOT: f64 = 4.0;

impl Panel {
    /// Where a value is drawn.
    #[must_use]
    pub fn place(&self, x: f64, y: f64) -> Place {
        (
            self.left + self.x.share(x) * (self.right - self.left),
            self.bottom - self.y.share(y) * (self.bottom - self.top),
        )
    }

    /// Grid, ticks and labels; the label of the vertical axis stands above it, where it is easy to read. Grid lines
    /// are horizontal, or vertical where rows have names instead of a vertical axis.
    pub fn frame(&self, canvas: &Canvas<'_>) {
        for (value, text) in &self.y.ticks {
            let (_, y) = self.place(0.0, *value);
            canvas.line(&[(self.left, y), (self.right, y)], GRID, 1.0);
            canvas.text((self.left - 8.0, y), text, Align::Right, MUTED);
        }
        let mut free_from = f64::NEG_INFINITY;
        for (value, text) in &self.x.ticks {
            let (x, _) = self.place(*value, 0.0);
            if self.y.ticks.is_empty() {
                canvas.line(&[(x, self.bottom), (x, self.top)], GRID, 1.0);
            }
            canvas.line(&[(x, self.bottom), (x, self.bottom + 4.0)], MUTED, 1.0);
            let half = text_width(text) / 2.0;
            if x - half > free_from {
                canvas.text((x, self.bottom + 14.0), text, Align::Center, MUTED);
                free_from = x + half + 6.0;
            }
        }
        canvas.line(
            &[(self.left, self.bottom), (self.right, self.bottom)],
            MUTED,
            1.0,
        );
        canvas.text(
            (self.left, self.top - 14.0),
            &self.y.label,
            Align::Left,
            INK,
        );
        canvas.text(
            (f64::midpoint(self.left, self.right), self.bottom + 32.0),
            &self.x.label,
            Align::Center,
            INK,
        );
    }

    /// `curve` with its band.
    pub fn curve(&self, canvas: &Canvas<'_>, curve: &Curve) {
        let color = color(curve.platform);
        let edge = |f: &dyn Fn(&Point) -> f64| {
            curve
                .points
                .iter()
                .map(|p| self.place(p.x, f(p)))
                .collect::<Vec<_>>()
        };
        let low = edge(&|point| {
            point
                .y
                .interval
                .map_or(point.y.mean, |interval| interval.low)
        });
        let high = edge(&|point| {
            point
                .y
                .interval
                .map_or(point.y.mean, |interval| interval.high)
        });
        if curve.points.iter().any(|point| point.y.interval.is_some()) {
            canvas.band(&high, &low, color);
        }
        canvas.platform_line(&edge(&|point| point.y.mean), curve.platform, 2.0);
    }

    /// A vertical line with a label, for an objective.
    pub fn mark(&self, canvas: &Canvas<'_>, x: f64, text: &str) {
        if !self.x.holds(x) {
            return;
        }
        let (x, _) = self.place(x, 0.0);
        canvas.dashed((x, self.bottom), (x, self.top), INK);
        let (place, align) = if x > f64::midpoint(self.left, self.right) {
            (x - 6.0, Align::Right)
        } else {
            (x + 6.0, Align::Left)
        };
        // Near the bottom: curves are high where the objective is met.
        canvas.text((place, self.bottom - TEXT), text, align, INK);
    }

    /// Names at the right ends of `curves`, moved apart where they would overlap.
    pub fn label_ends(&self, canvas: &Canvas<'_>, curves: &[Curve], names: &[String]) {
        let mut labels: Vec<(f64, usize)> = curves
            .iter()
            .filter_map(|curve| {
                Some((
                    self.place(0.0, curve.points.last()?.y.mean).1,
                    curve.platform,
                ))
            })
            .collect();
        labels.sort_by(|a, b| a.0.total_cmp(&b.0));
        let line = TEXT * 1.25;
        let lowest = self.bottom - line * 0.4;
        for (index, place) in spread(
            &labels.iter().map(|(y, _)| *y).collect::<Vec<_>>(),
            line,
            lowest,
        )
        .into_iter()
        .enumerate()
        {
            let platform = labels[index].1;
            let after = self.right + 6.0;
            canvas.platform_line(&[(after, place), (after + SAMPLE, place)], platform, 2.0);
            canvas.text(
                (after + SAMPLE + 5.0, place),
                &names[platform],
                Align::Left,
                color(platform),
            );
        }
    }
}

/// `wanted` positions, in order, moved so that neighbours are `gap` apart and none lies beyond `last`.
fn spread(wanted: &[f64], gap: f64, last: f64) -> Vec<f64> {
    let mut placed: Vec<f64> = Vec::with_capacity(wanted.len());
    for want in wanted {
        placed.push(placed.last().map_or(*want, |before| want.max(before + gap)));
    }
    let mut limit = last;
    for place in placed.iter_mut().rev() {
        *place = place.min(limit);
        limit = *place - gap;
    }
    placed
}

/// Which platform looks how, in as many lines as it needs.
pub struct Key<'n> {
    names: &'n [String],
    /// Where each platform stands: from the left, and its line.
    places: Vec<(usize, f64, usize)>,
}

impl<'n> Key<'n> {
    /// Height of a line.
    const LINE: f64 = 18.0;
    /// Between a sample and its name.
    const GAP: f64 = 6.0;

    /// For `platforms`, in lines of `width`.
    #[must_use]
    pub fn new(platforms: impl Iterator<Item = usize>, names: &'n [String], width: f64) -> Self {
        let (mut x, mut line) = (0.0, 0);
        let mut places = Vec::new();
        for platform in platforms {
            let end = x + SAMPLE + Self::GAP + text_width(&names[platform]);
            if end > width && x > 0.0 {
                (x, line) = (0.0, line + 1);
            }
            places.push((platform, x, line));
            x += SAMPLE + Self::GAP + text_width(&names[platform]) + 20.0;
        }
        Self { names, places }
    }

    /// How much higher it is than a single line.
    #[must_use]
    pub fn extra(&self) -> f64 {
        #[allow(clippy::cast_precision_loss)]
        let last = self.places.last().map_or(0, |place| place.2) as f64;
        last * Self::LINE
    }

    /// Draws it; its first line begins at `start`.
    pub fn draw(&self, canvas: &Canvas<'_>, (left, top): Place) {
        for &(platform, x, line) in &self.places {
            #[allow(clippy::cast_precision_loss)]
            let (x, y) = (left + x, top + Self::LINE * line as f64);
            canvas.platform_line(&[(x, y), (x + SAMPLE, y)], platform, 2.0);
            canvas.platform_dot((x + SAMPLE / 2.0, y), DOT, platform);
            let name = x + SAMPLE + Self::GAP;
            canvas.text((name, y), &self.names[platform], Align::Left, INK);
        }
    }
}

/// The width of the widest of `texts`.
#[must_use]
pub fn widest<'t>(texts: impl IntoIterator<Item = &'t String>) -> f64 {
    texts
        .into_iter()
        .map(|text| text_width(text))
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_moved_apart_and_stay_inside() {
        assert_eq!(spread(&[10.0, 12.0, 40.0], 15.0, 100.0), [10.0, 25.0, 40.0]);
        assert_eq!(spread(&[90.0, 95.0], 15.0, 100.0), [85.0, 100.0]);
    }
}
