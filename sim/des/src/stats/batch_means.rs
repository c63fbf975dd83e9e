//! Means of consecutive batches of a correlated sequence, in constant memory.

use crate::stats::{MOST_BATCHES, Moments, pair_up};

/// Collects the means of consecutive batches of equal size; the size doubles whenever all places are taken.
///
/// A run of one queue is one long correlated sequence, whose values say nothing of the error of their mean; the means
/// of long enough batches are nearly independent, and do. Nobody knows beforehand how long that is: this keeps 256 to
/// 512 batches (4 KiB), however long the run, and the analysis joins them until a test no longer finds a correlation.
/// G. S. Fishman, L. S. Yarberry, "An implementation of the batch means method", INFORMS Journal on Computing 9(3), 1997,
/// doi 10.1287/ijoc.9.3.296.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchMeans {
    totals: Vec<f64>,
    /// Values in a batch.
    size: u64,
    /// Sum and number of the values of the batch that is not full yet.
    open: f64,
    filled: u64,
    values: Moments,
}

impl BatchMeans {
    /// An empty sequence.
    #[must_use]
    pub fn new() -> Self {
        Self {
            totals: Vec::with_capacity(MOST_BATCHES),
            size: 1,
            open: 0.0,
            filled: 0,
            values: Moments::new(),
        }
    }

    /// Appends one value.
    #[inline]
    pub fn record(&mut self, value: f64) {
        self.values.record(value);
        self.open += value;
        self.filled += 1;
        if self.filled == self.size {
            self.totals.push(self.open);
            self.open = 0.0;
            self.filled = 0;
            if self.totals.len() == MOST_BATCHES {
                pair_up(&mut self.totals);
                self.size *= 2;
            }
        }
    }

    /// Values in a batch: a power of two.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The means of the full batches, in order.
    pub fn means(&self) -> impl Iterator<Item = f64> + '_ {
        let size = self.size as f64;
        self.totals.iter().map(move |total| total / size)
    }

    /// Moments of the single values, those of the open batch included.
    #[must_use]
    pub fn values(&self) -> &Moments {
        &self.values
    }
}

impl Default for BatchMeans {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against batches cut from the whole sequence afterwards; small integers, so that the sums are exact.
    #[test]
    #[cfg_attr(miri, ignore = "a hundred thousand values")]
    fn batches_are_those_of_the_stored_sequence() {
        for n in [0, 1, 255, 256, 511, 512, 513, 1_023, 1_024, 5_000, 100_003] {
            let value = |i: u64| (i * i % 1_009) as f64;
            let mut batches = BatchMeans::new();
            (0..n).for_each(|i| batches.record(value(i)));
            let size = batches.size();
            let expect: Vec<f64> = (0..n / size)
                .map(|b| (b * size..(b + 1) * size).map(value).sum::<f64>() / size as f64)
                .collect();
            assert_eq!(batches.means().collect::<Vec<_>>(), expect, "n = {n}");
            assert!(expect.len() < MOST_BATCHES);
            assert!(size == 1 || expect.len() >= MOST_BATCHES / 2, "n = {n}");
            assert_eq!(batches.values().count(), n);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "a million values")]
    fn memory_does_not_grow() {
        let mut batches = BatchMeans::new();
        let capacity = batches.totals.capacity();
        (0..1_000_000).for_each(|i| batches.record(f64::from(i)));
        assert_eq!(batches.totals.capacity(), capacity);
        assert_eq!(batches.size(), 2_048);
    }
}
