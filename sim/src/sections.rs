//! Sections of the measured time, and levels integrated over each of them.

use walras_des::Span;

use crate::sums::SECTIONS;

/// The measured time in sections of equal length; what does not divide evenly is in the last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sections {
    length: Span,
    whole: Span,
    /// 2⁶⁴ / length, rounded up: asked for each request, and a product is faster than a quotient.
    reciprocal: u64,
}

impl Sections {
    pub(crate) fn of(whole: Span) -> Self {
        // At least two, so that the reciprocal fits.
        let length = (whole.as_nanos() / SECTIONS as u64).max(2);
        Self {
            length: Span::from_nanos(length),
            whole,
            reciprocal: u64::MAX / length + 1,
        }
    }

    /// The section that holds this measured time; the next one, if the time lies before its start by less than a share of
    /// measured / 2⁶⁴ of its length.
    #[inline]
    pub(crate) fn at(self, measured: Span) -> usize {
        let product = u128::from(measured.as_nanos()) * u128::from(self.reciprocal);
        ((product >> 64) as usize).min(SECTIONS - 1)
    }

    /// Where a section starts.
    pub(crate) fn start(self, index: usize) -> Span {
        index
            .checked_sub(1)
            .map_or(Span::ZERO, |before| self.end(before))
    }

    /// Where it ends.
    pub(crate) fn end(self, index: usize) -> Span {
        if index + 1 == SECTIONS {
            self.whole
        } else {
            (self.length * (index as u64 + 1)).min(self.whole)
        }
    }

    /// Length of a section [s].
    pub(crate) fn seconds(self, index: usize) -> f64 {
        (self.end(index) - self.start(index)).as_secs_f64()
    }
}

/// A level that changes in steps, and its integral over time.
#[derive(Debug, Default)]
pub(crate) struct Level {
    pub(crate) value: i64,
    since: Span,
    /// [ns], exact.
    pub(crate) integral: i128,
}

impl Level {
    /// Adds `delta` at `now`, in the time over which the level is integrated.
    #[inline]
    pub(crate) fn change(&mut self, now: Span, delta: i64) {
        self.integral += i128::from(self.value) * i128::from((now - self.since).as_nanos());
        self.value += delta;
        self.since = now;
    }
}

/// A level that is integrated over each section of the measured time.
#[derive(Debug)]
pub(crate) struct SectionedLevel {
    /// Of the section under way.
    level: Level,
    /// Where it ends.
    until: Span,
    /// Integrals over the sections before it [ns].
    closed: Vec<i128>,
    sections: Sections,
}

const NANOS: f64 = 1e9;
const NEVER: Span = Span::from_nanos(u64::MAX);

impl SectionedLevel {
    /// A level of zero.
    pub(crate) fn new(sections: Sections) -> Self {
        Self {
            level: Level::default(),
            until: sections.end(0),
            closed: Vec::with_capacity(SECTIONS),
            sections,
        }
    }

    pub(crate) fn value(&self) -> i64 {
        self.level.value
    }

    /// Adds `delta` at `now`, measured time.
    #[inline]
    pub(crate) fn change(&mut self, now: Span, delta: i64) {
        if now >= self.until {
            self.close(now);
        }
        self.level.change(now, delta);
    }

    /// Closes the sections that end by `now`.
    #[cold]
    fn close(&mut self, now: Span) {
        while now >= self.until {
            self.level.change(self.until, 0);
            self.closed.push(std::mem::take(&mut self.level.integral));
            self.until = if self.closed.len() < SECTIONS {
                self.sections.end(self.closed.len())
            } else {
                NEVER
            };
        }
    }

    /// The integral so far [ns].
    pub(crate) fn integral(&self) -> i128 {
        self.closed.iter().sum::<i128>() + self.level.integral
    }

    /// The integral so far [s].
    pub(crate) fn seconds(&self) -> f64 {
        seconds(self.integral())
    }

    /// The integral over a section that has ended [ns].
    pub(crate) fn in_section(&self, index: usize) -> i128 {
        self.closed[index]
    }
}

/// An integral in seconds.
pub(crate) fn seconds(integral: i128) -> f64 {
    integral as f64 / NANOS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3 up from 0 to 10 ns, 5 from there to 100 ns, 2 to the end at 2,560 ns, and 2 more changes when measuring has ended.
    #[test]
    fn sections_add_up_to_the_whole() {
        let at = Span::from_nanos;
        let sections = Sections::of(at(2_560));
        let mut level = SectionedLevel::new(sections);
        for (now, delta) in [
            (0, 3),
            (10, 2),
            (100, -3),
            (2_560, 0),
            (2_560, 7),
            (2_560, -7),
        ] {
            level.change(at(now), delta);
        }
        let by_section: Vec<i128> = (0..SECTIONS).map(|i| level.in_section(i)).collect();
        assert_eq!(
            by_section[..12],
            [30, 50, 50, 50, 50, 50, 50, 50, 50, 50, 20, 20]
        );
        assert_eq!(by_section.iter().sum::<i128>(), 30 + 450 + 4_920);
        assert_eq!(level.integral(), 5_400);
    }

    #[test]
    fn what_does_not_divide_evenly_is_in_the_last() {
        for whole in [1, 63, 255, 256, 257, 511, 1_000, 86_400_000_000_001] {
            let whole = Span::from_nanos(whole);
            let sections = Sections::of(whole);
            let mut level = SectionedLevel::new(sections);
            level.change(Span::ZERO, 1);
            level.change(whole, 0);
            assert_eq!(level.closed.len(), SECTIONS);
            assert_eq!(level.integral(), i128::from(whole.as_nanos()));
            assert!(sections.at(whole) < SECTIONS);
            let ends: Vec<Span> = (0..SECTIONS).map(|i| sections.end(i)).collect();
            assert!(ends.is_sorted() && ends[SECTIONS - 1] == whole);
            // A moment belongs to the section in which levels are integrated at it.
            for (i, end) in ends.iter().enumerate().take(SECTIONS - 1) {
                if *end < whole {
                    assert_eq!(sections.at(*end), i + 1);
                }
            }
        }
    }
}
