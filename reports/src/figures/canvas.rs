//! A drawing surface in logical pixels over plotters' SVG backend, with the palette and the font of all figures.
//!
//! The backend knows whole pixels only; everything is drawn at twice the size, so that curves are smooth.

use std::sync::Once;

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, Drawable, PathElement, PointCollection, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, IntoFont, RGBColor, ShapeStyle, TextStyle, register_font};

/// Text and axes. The page replaces this and the next two in its dark theme.
pub const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Text of minor importance.
pub const MUTED: RGBColor = RGBColor(0x6B, 0x6B, 0x6B);
/// The inside of rings.
pub const PAPER: RGBColor = RGBColor(0xFF, 0xFF, 0xFF);
/// Grid lines.
pub const GRID: RGBColor = RGBColor(0xE3, 0xE3, 0xE3);

/// Colours that the colour-blind can tell apart: M. Okabe, K. Ito, Color Universal Design, 2008; without yellow and
/// black, which vanish on white and on black.
const PALETTE: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x56, 0xB4, 0xE9),
];

/// The colour of a platform in every figure.
#[must_use]
pub fn color(platform: usize) -> RGBColor {
    PALETTE[platform % PALETTE.len()]
}

/// How often the colours have been used up before `platform`: its lines are dashed, and its dots are rings.
fn round(platform: usize) -> usize {
    platform / PALETTE.len()
}

/// Opacity of bands.
const BAND: f64 = 0.2;
/// Device pixels to a logical pixel.
const DENSITY: f64 = 2.0;
/// Size of ordinary text.
pub const TEXT: f64 = 12.0;
const FAMILY: &str = "sans-serif";
/// plotters writes a font size divided by this into SVG.
const FONT_UNIT: f64 = 1.24;
/// It measures text at a size divided by this: ascent less descent of the embedded font, in ems.
const LINE_HEIGHT: f64 = 1.164;

/// Where a text stands relative to its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// It begins there.
    Left,
    /// Its middle is there.
    Center,
    /// It ends there.
    Right,
}

/// A point in logical pixels from the top left.
pub type Place = (f64, f64);

/// The surface of one figure.
pub struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// Draws a figure of `width` by `height` logical pixels and gives it back as SVG, described by `label` for those who
/// cannot see it.
#[must_use]
pub fn draw(width: f64, height: f64, label: &str, paint: impl FnOnce(&Canvas<'_>)) -> String {
    register();
    let mut svg = String::new();
    let size = |pixels: f64| device(pixels).unsigned_abs();
    {
        let area =
            SVGBackend::with_string(&mut svg, (size(width), size(height))).into_drawing_area();
        let canvas = Canvas { area };
        paint(&canvas);
        canvas.area.present().expect("memory takes everything");
    }
    let label = label
        .replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;");
    svg.replacen(
        "<svg ",
        &format!("<svg role=\"img\" aria-label=\"{label}\" style=\"max-width:{width}px\" "),
        1,
    )
}

/// plotters measures text with this font; a browser may show another.
fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let font = include_bytes!("../../assets/DejaVuSans-subset.ttf");
        assert!(
            register_font(FAMILY, FontStyle::Normal, font).is_ok(),
            "the embedded font is sound"
        );
    });
}

#[allow(clippy::cast_possible_truncation)]
fn device(pixels: f64) -> i32 {
    (pixels * DENSITY).round() as i32
}

fn at((x, y): Place) -> (i32, i32) {
    (device(x), device(y))
}

impl<'a> Canvas<'a> {
    /// A line through `places`.
    pub fn line(&self, places: &[Place], color: RGBColor, width: f64) {
        let points: Vec<(i32, i32)> = places.iter().map(|place| at(*place)).collect();
        self.put(&PathElement::new(points, stroke(color, width)));
    }

    /// The line of a platform: solid for the first few, dashed where the colours repeat.
    pub fn platform_line(&self, places: &[Place], platform: usize, width: f64) {
        let color = color(platform);
        let (dash, gap) = match round(platform) {
            0 => return self.line(places, color, width),
            1 => (7.0, 3.5),
            _ => (2.0, 3.5),
        };
        for piece in dashes(places, dash, gap) {
            self.line(&piece, color, width);
        }
    }

    /// The dot of a platform: filled for the first few, a ring where the colours repeat.
    pub fn platform_dot(&self, place: Place, radius: f64, platform: usize) {
        self.dot(place, radius, color(platform));
        if round(platform) > 0 {
            self.dot(place, radius * 0.5, PAPER);
        }
    }

    /// A straight dashed line.
    pub fn dashed(&self, from: Place, to: Place, color: RGBColor) {
        for piece in dashes(&[from, to], 4.0, 4.0) {
            self.line(&piece, color, 1.2);
        }
    }

    /// A translucent area between an upper and a lower edge.
    pub fn band(&self, upper: &[Place], lower: &[Place], color: RGBColor) {
        let outline: Vec<(i32, i32)> = upper
            .iter()
            .chain(lower.iter().rev())
            .map(|place| at(*place))
            .collect();
        self.put(&Polygon::new(outline, color.mix(BAND)));
    }

    /// A filled circle.
    pub fn dot(&self, place: Place, radius: f64, color: RGBColor) {
        self.put(&Circle::new(at(place), device(radius), color.filled()));
    }

    /// A filled rectangle.
    pub fn bar(&self, from: Place, to: Place, color: RGBColor, opacity: f64) {
        self.put(&Rectangle::new(
            [at(from), at(to)],
            color.mix(opacity).filled(),
        ));
    }

    /// A line of text, its middle at the height of `place`.
    pub fn text(&self, place: Place, text: &str, align: Align, color: RGBColor) {
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Center => HPos::Center,
            Align::Right => HPos::Right,
        };
        let style = style(color).pos(Pos::new(horizontal, VPos::Center));
        self.put(&Text::new(text.to_owned(), at(place), style));
    }

    fn put<'e, E>(&self, element: &'e E)
    where
        &'e E: PointCollection<'e, (i32, i32)>,
        E: Drawable<SVGBackend<'a>>,
    {
        self.area.draw(element).expect("memory takes everything");
    }
}

/// How wide `text` is.
#[must_use]
pub fn text_width(text: &str) -> f64 {
    register();
    let (width, _) = style(INK)
        .font
        .box_size(text)
        .expect("the font is registered");
    f64::from(width) / DENSITY / FONT_UNIT * LINE_HEIGHT
}

/// The pieces of the line through `places` that are drawn if `dash` and `gap` take turns along it.
fn dashes(places: &[Place], dash: f64, gap: f64) -> Vec<Vec<Place>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<Place> = places.first().copied().into_iter().collect();
    let (mut is_drawn, mut left) = (true, dash);
    for pair in places.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let share = done / length;
            let turn = (
                from.0 + (to.0 - from.0) * share,
                from.1 + (to.1 - from.1) * share,
            );
            piece.push(turn);
            if is_drawn {
                pieces.push(std::mem::take(&mut piece));
            }
            piece = vec![turn];
            is_drawn = !is_drawn;
            left = if is_drawn { dash } else { gap };
        }
        left -= length - done;
        piece.push(to);
    }
    if is_drawn && piece.len() > 1 {
        pieces.push(piece);
    }
    pieces
}

fn stroke(color: RGBColor, width: f64) -> ShapeStyle {
    color.stroke_width(device(width).unsigned_abs().max(1))
}

fn style(color: RGBColor) -> TextStyle<'static> {
    (FAMILY, TEXT * DENSITY * FONT_UNIT)
        .into_font()
        .color(&color)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_run_on_around_corners() {
        let corner = [(0.0, 0.0), (3.0, 0.0), (3.0, 5.0)];
        assert_eq!(
            dashes(&corner, 4.0, 2.0),
            [
                vec![(0.0, 0.0), (3.0, 0.0), (3.0, 1.0)],
                vec![(3.0, 3.0), (3.0, 5.0)]
            ]
        );
    }
}
