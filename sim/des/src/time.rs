//! Simulated time: integer nanoseconds, so that equal means equal and sums never drift.
//!
//! A `u64` of nanoseconds reaches 584 years. All arithmetic is checked in release builds too:
//! a wrapped clock would be a wrong result that looks like a right one.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A point in simulated time, in nanoseconds since the start of the run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SimTime(u64);

/// A length of simulated time, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

impl SimTime {
    /// The start of the run.
    pub const ZERO: Self = Self(0);
    /// Never: later than any event.
    pub const MAX: Self = Self(u64::MAX);

    /// The point `nanos` nanoseconds after the start.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The point `secs` seconds after the start.
    ///
    /// # Panics
    /// If it lies beyond [`SimTime::MAX`].
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(Span::from_secs(secs).0)
    }

    /// The point `secs` seconds after the start, rounded to the nearest nanosecond.
    ///
    /// # Panics
    /// If `secs` is negative, not a number, or beyond [`SimTime::MAX`].
    #[must_use]
    pub fn from_secs_f64(secs: f64) -> Self {
        Self(Span::from_secs_f64(secs).0)
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the start, rounded to the nearest `f64`.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        Span(self.0).as_secs_f64()
    }

    /// The time passed since `earlier`, or zero if `earlier` lies ahead.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The resolution of the clock.
    pub const NANO: Self = Self(1);
    /// One second.
    pub const SECOND: Self = Self(NANOS_PER_SECOND);
    /// Sixty seconds.
    pub const MINUTE: Self = Self(60 * NANOS_PER_SECOND);
    /// Sixty minutes.
    pub const HOUR: Self = Self(3_600 * NANOS_PER_SECOND);
    /// Twenty-four hours.
    pub const DAY: Self = Self(86_400 * NANOS_PER_SECOND);

    /// A span of `nanos` nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A span of `secs` seconds.
    ///
    /// # Panics
    /// Above 18 446 744 073 s (584 years).
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        match secs.checked_mul(NANOS_PER_SECOND) {
            Some(nanos) => Self(nanos),
            None => panic!("span overflows: more than 584 years"),
        }
    }

    /// A span of `secs` seconds, rounded to the nearest nanosecond (halves up).
    ///
    /// # Panics
    /// If `secs` is negative, not a number, or above 584 years.
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn from_secs_f64(secs: f64) -> Self {
        #[cold]
        #[inline(never)]
        fn half_up(rounded_down: u64) -> u64 {
            rounded_down + 1
        }

        /// From here on, an `f64` has no fraction: 52 days.
        const WHOLE: f64 = (1u64 << 52) as f64;
        let nanos = secs * 1e9;
        if (0.0..WHOLE).contains(&nanos) {
            // Without a conversion: the sum is rounded to an integer, half to even, and is in its lower bits.
            let sum = nanos + WHOLE;
            let rounded = sum.to_bits() - WHOLE.to_bits();
            // A branch, which a processor guesses, for it is rare; what follows need not wait for the comparison.
            if nanos - (sum - WHOLE) >= 0.5 {
                return Self(half_up(rounded));
            }
            return Self(rounded);
        }
        // 2^64 is exact in f64; the comparison is false for NaN as well.
        assert!(
            (0.0..18_446_744_073_709_551_616.0).contains(&nanos),
            "a span must be between 0 s and 584 years, got {secs} s"
        );
        // Exact rounding without a call to `round`, which the baseline x86-64 has no instruction for:
        // below 2^53 the difference is exact, above it `nanos` is an integer and the difference is 0.
        let whole = nanos as u64;
        Self(whole + u64::from(nanos - whole as f64 >= 0.5))
    }

    /// Nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds, rounded to the nearest `f64`.
    #[must_use]
    #[inline]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add<Span> for SimTime {
    type Output = Self;
    #[track_caller]
    #[inline]
    fn add(self, span: Span) -> Self {
        match self.0.checked_add(span.0) {
            Some(nanos) => Self(nanos),
            None => panic!("time overflows: {self} + {span}"),
        }
    }
}

impl AddAssign<Span> for SimTime {
    #[track_caller]
    #[inline]
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Sub for SimTime {
    type Output = Span;
    #[track_caller]
    #[inline]
    fn sub(self, earlier: Self) -> Span {
        match self.0.checked_sub(earlier.0) {
            Some(nanos) => Span(nanos),
            None => panic!("time runs backwards: {self} - {earlier}"),
        }
    }
}

impl Add for Span {
    type Output = Self;
    #[track_caller]
    #[inline]
    fn add(self, other: Self) -> Self {
        match self.0.checked_add(other.0) {
            Some(nanos) => Self(nanos),
            None => panic!("span overflows: {self} + {other}"),
        }
    }
}

impl AddAssign for Span {
    #[track_caller]
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Span {
    type Output = Self;
    #[track_caller]
    #[inline]
    fn sub(self, other: Self) -> Self {
        match self.0.checked_sub(other.0) {
            Some(nanos) => Self(nanos),
            None => panic!("span would be negative: {self} - {other}"),
        }
    }
}

impl Mul<u64> for Span {
    type Output = Self;
    #[track_caller]
    #[inline]
    fn mul(self, times: u64) -> Self {
        match self.0.checked_mul(times) {
            Some(nanos) => Self(nanos),
            None => panic!("span overflows: {self} * {times}"),
        }
    }
}

impl fmt::Display for SimTime {
    /// As [`Span`] since the start; [`SimTime::MAX`] reads `never`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::MAX {
            return f.pad("never");
        }
        f.pad(&human(self.0))
    }
}

impl fmt::Display for Span {
    /// Human units, nothing rounded away: `1h02m03.5s`, `1.5ms`, `7ns`, `2d00h00m00s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&human(self.0))
    }
}

impl fmt::Debug for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimTime({self})")
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Span({self})")
    }
}

fn human(nanos: u64) -> String {
    match nanos {
        0 => return "0s".to_owned(),
        1..1_000 => return format!("{nanos}ns"),
        1_000..1_000_000 => return decimal(nanos, 1_000, 1) + "us",
        1_000_000..NANOS_PER_SECOND => return decimal(nanos, 1_000_000, 1) + "ms",
        _ => {}
    }
    let minutes = nanos / (60 * NANOS_PER_SECOND);
    let rest = nanos % (60 * NANOS_PER_SECOND);
    let width = if minutes == 0 { 1 } else { 2 };
    let seconds = decimal(rest, NANOS_PER_SECOND, width) + "s";
    let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => seconds,
        (0, 0, m) => format!("{m}m{seconds}"),
        (0, h, m) => format!("{h}h{m:02}m{seconds}"),
        (d, h, m) => format!("{d}d{h:02}h{m:02}m{seconds}"),
    }
}

/// `value / unit` in decimal, exact, without trailing zeros; the whole part padded to `width`.
fn decimal(value: u64, unit: u64, width: usize) -> String {
    let (whole, part) = (value / unit, value % unit);
    if part == 0 {
        return format!("{whole:0width$}");
    }
    let digits = unit.ilog10() as usize;
    let fraction = format!("{part:0digits$}");
    format!("{whole:0width$}.{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(nanos: u64, expect: &str) {
        assert_eq!(Span::from_nanos(nanos).to_string(), expect);
    }

    #[test]
    fn display_is_human_and_exact() {
        check(0, "0s");
        check(7, "7ns");
        check(1_500, "1.5us");
        check(999_999, "999.999us");
        check(1_500_000, "1.5ms");
        check(3_500_000_000, "3.5s");
        check(63_000_000_001, "1m03.000000001s");
        check(3_723_500_000_000, "1h02m03.5s");
        check(2 * 86_400 * 1_000_000_000, "2d00h00m00s");
        assert_eq!(SimTime::MAX.to_string(), "never");
        assert_eq!(format!("{:>6}|", Span::SECOND), "    1s|");
        assert_eq!(format!("{:?}", SimTime::from_secs(2)), "SimTime(2s)");
    }

    #[test]
    fn seconds_round_to_the_nearest_nanosecond() {
        let check = |secs: f64, nanos: u64| {
            assert_eq!(Span::from_secs_f64(secs).as_nanos(), nanos, "{secs}");
        };
        check(0.0, 0);
        check(-0.0, 0);
        check(0.4e-9, 0);
        check(0.5e-9, 1);
        check(1.5e-9, 2);
        check(2.5e-9, 3);
        check(2f64.powi(-20), 954); // 953.67…
        check(1.0 + 2f64.powi(-10), 1_000_976_563); // …562.5, a half that is exact
        check(0.1, 100_000_000);
        check(1e-9 / 3.0, 0);
        check(86_400.0, 86_400_000_000_000);
        // Above 2^53 ns the input itself is coarser than a nanosecond.
        check(8_589_934_592.0, 8_589_934_592_000_000_000);
    }

    /// Against rounding by comparison with the whole part, on both sides of where the quick way ends.
    #[test]
    #[cfg_attr(miri, ignore = "a hundred thousand times")]
    fn the_quick_way_of_rounding_is_exact() {
        let mut word = 1u64;
        for _ in 0..100_000 {
            word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let nanos = (word >> 11) as f64 / f64::from(1u32 << (word % 32)).powi(2);
            for nanos in [nanos, nanos.floor() + 0.5, nanos.ceil()] {
                let secs = nanos / 1e9;
                let whole = (secs * 1e9) as u64;
                let expect = whole + u64::from(secs * 1e9 - whole as f64 >= 0.5);
                assert_eq!(Span::from_secs_f64(secs).as_nanos(), expect, "{secs}");
            }
        }
    }

    #[test]
    fn seconds_survive_the_round_trip() {
        // 2^53 ns is 104 days: below it every nanosecond has its own f64.
        for nanos in [1, 999, 123_456_789, 86_399_999_999_999, (1 << 52) + 1] {
            let span = Span::from_nanos(nanos);
            assert_eq!(Span::from_secs_f64(span.as_secs_f64()), span);
        }
    }

    #[test]
    fn arithmetic() {
        let t = SimTime::from_secs(10) + Span::MINUTE;
        assert_eq!(t - SimTime::from_secs(10), Span::from_secs(60));
        assert_eq!(Span::HOUR * 24, Span::DAY);
        assert_eq!(Span::DAY - Span::HOUR + Span::HOUR, Span::DAY);
        assert_eq!(SimTime::ZERO.saturating_since(t), Span::ZERO);
        assert_eq!(t.saturating_since(SimTime::ZERO), Span::from_secs(70));
    }

    #[test]
    #[should_panic(expected = "time overflows: never + 1ns")]
    fn adding_past_the_end_panics() {
        let _ = SimTime::MAX + Span::NANO;
    }

    #[test]
    #[should_panic(expected = "time runs backwards: 1s - 2s")]
    fn negative_difference_panics() {
        let _ = SimTime::from_secs(1) - SimTime::from_secs(2);
    }

    #[test]
    #[should_panic(expected = "span would be negative: 1s - 1m00s")]
    fn negative_span_panics() {
        let _ = Span::SECOND - Span::MINUTE;
    }

    #[test]
    #[should_panic(expected = "span overflows")]
    fn multiplying_past_the_end_panics() {
        let _ = Span::DAY * u64::MAX;
    }

    #[test]
    #[should_panic(expected = "got -1 s")]
    fn negative_seconds_panic() {
        let _ = Span::from_secs_f64(-1.0);
    }

    #[test]
    #[should_panic(expected = "got NaN s")]
    fn nan_seconds_panic() {
        let _ = Span::from_secs_f64(f64::NAN);
    }

    #[test]
    #[should_panic(expected = "got inf s")]
    fn infinite_seconds_panic() {
        let _ = Span::from_secs_f64(f64::INFINITY);
    }
}
