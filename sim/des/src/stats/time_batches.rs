//! Time averages over consecutive batches of time, in constant memory.

use crate::stats::{MOST_BATCHES, pair_up};
use crate::time::{SimTime, Span};

/// Collects the averages of a quantity over consecutive spans of equal length; the length doubles whenever all places
/// are taken.
///
/// What [`BatchMeans`](crate::BatchMeans) is for sequences, for quantities that are constant between changes, such as a
/// queue length: one run then gives an interval for its time average. The first length is a nanosecond, so that there
/// is nothing to choose; after k doublings the memory still is 256 to 512 batches (4 KiB).
#[derive(Clone, Debug, PartialEq)]
pub struct TimeBatches {
    /// Integrals over the full batches [value·s].
    totals: Vec<f64>,
    length: Span,
    changed: SimTime,
    value: f64,
    /// Of the batch that is not full yet: its integral [value·s], and the time that it has.
    open: f64,
    filled: Span,
    /// Of the quantity since the start: ∫ value, ∫ value² [value·s, value²·s], and the time that they cover.
    integral: f64,
    squares: f64,
    elapsed: Span,
}

impl TimeBatches {
    /// A quantity that is `value` from `start` on.
    #[must_use]
    pub fn new(start: SimTime, value: f64) -> Self {
        Self {
            totals: Vec::with_capacity(MOST_BATCHES),
            length: Span::from_nanos(1),
            changed: start,
            value,
            open: 0.0,
            filled: Span::ZERO,
            integral: 0.0,
            squares: 0.0,
            elapsed: Span::ZERO,
        }
    }

    /// The quantity becomes `value`.
    ///
    /// # Panics
    /// If `now` lies before the previous change, as do all methods that take `now`.
    #[track_caller]
    #[inline]
    pub fn set(&mut self, now: SimTime, value: f64) {
        self.advance(now);
        self.value = value;
    }

    /// The quantity changes by `delta`.
    #[track_caller]
    #[inline]
    pub fn add(&mut self, now: SimTime, delta: f64) {
        self.set(now, self.value + delta);
    }

    /// Forgets what was before `now`, for example the warm-up; the value stays.
    ///
    /// # Panics
    /// If `now` lies before the previous change.
    pub fn reset(&mut self, now: SimTime) {
        assert!(now >= self.changed, "time runs backwards");
        *self = Self::new(now, self.value);
    }

    /// Accounts for the time until `now`, in which nothing changed.
    #[track_caller]
    #[inline]
    pub fn advance(&mut self, now: SimTime) {
        let mut rest = now - self.changed;
        self.changed = now;
        let area = self.value * rest.as_secs_f64();
        self.integral += area;
        self.squares += self.value * area;
        self.elapsed += rest;
        while rest >= self.length - self.filled {
            let part = self.length - self.filled;
            rest = rest - part;
            self.totals
                .push(self.open + self.value * part.as_secs_f64());
            self.open = 0.0;
            self.filled = Span::ZERO;
            if self.totals.len() == MOST_BATCHES {
                pair_up(&mut self.totals);
                self.length = self.length * 2;
            }
        }
        self.open += self.value * rest.as_secs_f64();
        self.filled += rest;
    }

    /// The current value.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Length of a batch: a power of two of nanoseconds.
    #[must_use]
    pub fn length(&self) -> Span {
        self.length
    }

    /// The averages over the full batches, in order, up to the last change or [`advance`](Self::advance).
    pub fn means(&self) -> impl Iterator<Item = f64> + '_ {
        let length = self.length.as_secs_f64();
        self.totals.iter().map(move |total| total / length)
    }

    /// The average of all time so far; NaN while there is none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.integral / self.elapsed.as_secs_f64()
    }

    /// The variance of the value at a random moment of the time so far; NaN while there is none.
    #[must_use]
    pub fn variance(&self) -> f64 {
        let mean = self.mean();
        (self.squares / self.elapsed.as_secs_f64() - mean * mean).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Streams};
    use crate::stats::TimeWeighted;

    /// Against [`TimeWeighted`], asked at every end of a batch of the final length. Seed 3; integer values, so that the
    /// sums differ by rounding of seconds alone.
    #[test]
    fn batches_are_those_of_the_whole_path() {
        let mut stream = Streams::new(3, 0).open(Purpose::new("path"), 0);
        let start = SimTime::from_secs(7);
        let changes: Vec<(SimTime, f64)> = (0..5_000)
            .scan(start, |now, _| {
                // Gaps from nothing to hours: some batches hold many changes, some changes span many batches.
                *now += Span::from_secs_f64((8.0 * stream.uniform() - 4.0).exp() - (-4.0f64).exp());
                Some((*now, stream.below(9) as f64))
            })
            .collect();
        let mut batches = TimeBatches::new(start, 2.0);
        for (at, value) in &changes {
            batches.set(*at, *value);
        }
        let end = changes.last().expect("changes").0;
        let means: Vec<f64> = batches.means().collect();
        assert!((MOST_BATCHES / 2..MOST_BATCHES).contains(&means.len()));
        assert_eq!(
            (end - start).as_nanos() / batches.length().as_nanos(),
            means.len() as u64
        );
        let mut path = TimeWeighted::new(start, 2.0);
        let mut next = changes.iter().peekable();
        for (i, mean) in means.iter().enumerate() {
            let until = start + batches.length() * (i as u64 + 1);
            while let Some((at, value)) = next.next_if(|(at, _)| *at < until) {
                path.set(*at, *value);
            }
            let expect = path.mean(until);
            assert!(
                (mean - expect).abs() <= 1e-9 * expect.max(1.0),
                "batch {i}: {mean} != {expect}"
            );
            path.reset(until);
        }
    }

    #[test]
    fn mean_and_variance_are_those_of_time() {
        let at = SimTime::from_secs;
        let mut busy = TimeBatches::new(at(0), 9.0);
        busy.reset(at(5));
        busy.set(at(5), 1.0); // 3 s at 1
        busy.add(at(8), 3.0); // 1 s at 4
        busy.advance(at(9));
        assert_eq!((busy.mean(), busy.value()), (1.75, 4.0));
        // (3·1² + 1·4²) / 4 − 1.75²
        assert_eq!(busy.variance(), 4.75 - 1.75 * 1.75);
    }

    #[test]
    #[should_panic(expected = "time runs backwards")]
    fn the_past_is_refused() {
        TimeBatches::new(SimTime::from_secs(10), 2.0).set(SimTime::from_secs(9), 0.0);
    }
}
