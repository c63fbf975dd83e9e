//! Owners who let their machines work in certain hours of their own day.

use walras_des::{SimTime, Span, Stream};

use super::within_a_day;

/// Hours of the day on the clocks where the owner lives. The hosts of a chain keep the same ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Daily {
    /// When the machines come on [h after midnight].
    pub from: f64,
    /// When they go [h after midnight]; earlier than `from` for the night over.
    pub until: f64,
    /// Standard deviation between owners of each of the two [h]; an owner keeps to the same hours every day.
    pub spread: f64,
}

impl Daily {
    /// Share of the day that the hours last, without the spread.
    #[must_use]
    pub fn availability(&self) -> f64 {
        within_a_day(self.until - self.from).as_secs_f64() / Span::DAY.as_secs_f64()
    }

    /// An owner's hours: their beginning after midnight universal time, and their length.
    pub(super) fn hours(&self, utc_offset: f64, stream: &mut Stream) -> (Span, Span) {
        let (early, late) = (stream.normal() * self.spread, stream.normal() * self.spread);
        let length = self.availability() * 24.0 + late - early;
        let start = within_a_day(self.from + early - utc_offset);
        (start, Span::from_secs_f64(length.clamp(0.0, 24.0) * 3600.0))
    }
}

/// Whether it is within the hours from `start` for `length`, and how long that stays so.
pub(super) fn at(start: Span, length: Span, now: SimTime) -> (bool, Option<Span>) {
    let day = Span::DAY.as_nanos();
    if length == Span::ZERO || length == Span::DAY {
        return (length == Span::DAY, None);
    }
    let since = (now.as_nanos() % day + day - start.as_nanos() % day) % day;
    let is_up = since < length.as_nanos();
    let change = if is_up { length.as_nanos() } else { day };
    (is_up, Some(Span::from_nanos(change - since)))
}
