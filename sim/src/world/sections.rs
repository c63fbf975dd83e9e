//! Sections of the measured time, and levels integrated over each of them.

use walras_des::Span;

use crate::sums::SECTIONS;

/// The measured time in sections of equal length; what does not divide evenly is in the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sections {
    length: Span,
    whole: Span,
}

impl Sections {
    pub(super) fn of(whole: Span) -> Self {
        Self {
            length: Span::from_nanos((whole.as_nanos() / SECTIONS as u64).max(1)),
            whole,
        }
    }

    /// The section that holds this measured time.
    #[inline]
    pub(super) fn at(self, measured: Span) -> usize {
        ((measured.as_nanos() / self.length.as_nanos()) as usize).min(SECTIONS - 1)
    }

    /// Where a section ends.
    pub(super) fn end(self, index: usize) -> Span {
        if index + 1 == SECTIONS {
            self.whole
        } else {
            (self.length * (index as u64 + 1)).min(self.whole)
        }
    }

    /// Length of a section [s].
    pub(super) fn seconds(self, index: usize) -> f64 {
        let start = if index == 0 {
            Span::ZERO
        } else {
            self.end(index - 1)
        };
        (self.end(index) - start).as_secs_f64()
    }
}

/// A level that changes in steps, and its integral over time.
#[derive(Debug)]
pub(super) struct Level {
    pub(super) value: i64,
    since: Span,
    /// Since the last closed section [ns], exact.
    open: i128,
    /// End of the section under way.
    until: Span,
    /// Over the sections before it [ns].
    closed: Vec<i128>,
    sections: Sections,
}

const NANOS: f64 = 1e9;
const NEVER: Span = Span::from_nanos(u64::MAX);

impl Level {
    /// A level of zero, integrated by section.
    pub(super) fn by_section(sections: Sections) -> Self {
        Self {
            until: sections.end(0),
            closed: Vec::with_capacity(SECTIONS),
            ..Self::whole(sections)
        }
    }

    /// A level of zero, integrated without regard to sections.
    pub(super) fn whole(sections: Sections) -> Self {
        Self {
            value: 0,
            since: Span::ZERO,
            open: 0,
            until: NEVER,
            closed: Vec::new(),
            sections,
        }
    }

    /// Adds `delta` at `now`, in the time over which the level is integrated.
    #[inline]
    pub(super) fn change(&mut self, now: Span, delta: i64) {
        if now >= self.until {
            self.close(now);
        }
        self.integrate(now);
        self.value += delta;
    }

    #[inline]
    fn integrate(&mut self, now: Span) {
        self.open += i128::from(self.value) * i128::from((now - self.since).as_nanos());
        self.since = now;
    }

    /// Closes the sections that end by `now`.
    #[cold]
    fn close(&mut self, now: Span) {
        while now >= self.until {
            self.integrate(self.until);
            self.closed.push(std::mem::take(&mut self.open));
            self.until = if self.closed.len() < SECTIONS {
                self.sections.end(self.closed.len())
            } else {
                NEVER
            };
        }
    }

    /// The integral so far [ns].
    pub(super) fn integral(&self) -> i128 {
        self.closed.iter().sum::<i128>() + self.open
    }

    /// The integral so far [s].
    pub(super) fn seconds(&self) -> f64 {
        seconds(self.integral())
    }

    /// The integral over a section that has ended [ns].
    pub(super) fn in_section(&self, index: usize) -> i128 {
        self.closed[index]
    }
}

/// An integral in seconds.
pub(super) fn seconds(integral: i128) -> f64 {
    integral as f64 / NANOS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 3 up from 0 to 10 ns, 5 from there to 100 ns, 2 to the end at 640 ns, and 2 more changes when measuring has ended.
    #[test]
    fn sections_add_up_to_the_whole() {
        let at = Span::from_nanos;
        let sections = Sections::of(at(640));
        let mut level = Level::by_section(sections);
        for (now, delta) in [(0, 3), (10, 2), (100, -3), (640, 0), (640, 7), (640, -7)] {
            level.change(at(now), delta);
        }
        let by_section: Vec<i128> = (0..SECTIONS).map(|i| level.in_section(i)).collect();
        assert_eq!(
            by_section[..12],
            [30, 50, 50, 50, 50, 50, 50, 50, 50, 50, 20, 20]
        );
        assert_eq!(by_section.iter().sum::<i128>(), 30 + 450 + 1_080);
        assert_eq!(level.integral(), 1_560);
    }

    #[test]
    fn what_does_not_divide_evenly_is_in_the_last() {
        for whole in [1, 63, 64, 65, 127, 1_000, 86_400_000_000_001] {
            let whole = Span::from_nanos(whole);
            let sections = Sections::of(whole);
            let mut level = Level::by_section(sections);
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
