//! Histograms with logarithmic buckets: quantiles and means of known relative error that merge exactly.

use crate::stats::quantile_rank;

/// A histogram of non-negative values with logarithmic buckets, for quantiles of latencies.
///
/// 128 buckets per octave, taken from the top bits of the `f64`, cover 2^-30 to 2^30 (9.3e-10 to
/// 1.07e9); the midpoint of a bucket is within 1/256 (0.39 %) of every value in it. Smaller values
/// and zero share one bucket, larger ones another. Memory: 1 KiB for each octave between the
/// smallest and the largest value, 60 KiB at most, however much is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHistogram {
    /// Of whole octaves, from that of the smallest value to that of the largest, in between the
    /// range; so equal contents are equal, whatever their order.
    buckets: Vec<u64>,
    /// Index of the first of them.
    first: usize,
    /// Values below and above the range.
    below: u64,
    above: u64,
    count: u64,
}

/// Of the mantissa, these top bits choose the bucket within the octave.
const SUB_BITS: u32 = 7;
const SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - SUB_BITS;
const OCTAVE: usize = 1 << SUB_BITS;
const LOWEST: f64 = 1.0 / HIGHEST;
const HIGHEST: f64 = (1u64 << 30) as f64;
/// Bucket 0 lies below the range; bucket 1 starts at `LOWEST`.
const OFFSET: u64 = (LOWEST.to_bits() >> SHIFT) - 1;
/// The bucket above the range.
const OVERFLOW: usize = ((HIGHEST.to_bits() >> SHIFT) - OFFSET) as usize;

impl LogHistogram {
    /// An empty histogram.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            buckets: Vec::new(),
            first: 0,
            below: 0,
            above: 0,
            count: 0,
        }
    }

    /// Adds one value.
    ///
    /// # Panics
    /// If `value` is negative or not a number.
    #[track_caller]
    #[inline]
    pub fn record(&mut self, value: f64) {
        self.record_n(value, 1);
    }

    /// Adds `n` equal values; none of them changes nothing.
    ///
    /// # Panics
    /// If `value` is negative or not a number.
    #[track_caller]
    #[inline]
    pub fn record_n(&mut self, value: f64, n: u64) {
        let index = bucket(value);
        self.count += n;
        match self.buckets.get_mut(index.wrapping_sub(self.first)) {
            Some(bucket) => *bucket += n,
            None => self.record_outside(index, n),
        }
    }

    /// Adds `n` values to a bucket that there is no place for yet.
    #[cold]
    fn record_outside(&mut self, index: usize, n: u64) {
        match index {
            0 => self.below += n,
            OVERFLOW => self.above += n,
            _ if n == 0 => {}
            _ => {
                self.cover(index, index + 1);
                self.buckets[index - self.first] += n;
            }
        }
    }

    /// Makes place for the buckets from `start` to `end` − 1, in whole octaves.
    fn cover(&mut self, start: usize, end: usize) {
        // Octaves start at 1, 129, …
        let start = (start - 1) / OCTAVE * OCTAVE + 1;
        let end = (end - 1).div_ceil(OCTAVE) * OCTAVE + 1;
        if self.buckets.is_empty() {
            self.first = start;
        }
        if start < self.first {
            let missing = std::iter::repeat_n(0, self.first - start);
            self.buckets.splice(..0, missing);
            self.first = start;
        }
        if end > self.first + self.buckets.len() {
            self.buckets.resize(end - self.first, 0);
        }
    }

    /// Adds all values of `other`: exact, in any order.
    pub fn merge(&mut self, other: &Self) {
        if !other.buckets.is_empty() {
            self.cover(other.first, other.first + other.buckets.len());
            let mine = &mut self.buckets[other.first - self.first..];
            for (mine, theirs) in mine.iter_mut().zip(&other.buckets) {
                *mine += theirs;
            }
        }
        self.below += other.below;
        self.above += other.above;
        self.count += other.count;
    }

    /// The number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many values lie in the bucket of `value` or below it.
    ///
    /// # Panics
    /// If `value` is negative or not a number.
    #[must_use]
    #[track_caller]
    pub fn count_to(&self, value: f64) -> u64 {
        let last = bucket(value);
        let inside = (last + 1)
            .saturating_sub(self.first)
            .min(self.buckets.len());
        let above = if last == OVERFLOW { self.above } else { 0 };
        self.below + self.buckets[..inside].iter().sum::<u64>() + above
    }

    /// The `p`-quantile: the midpoint of the bucket that holds the ⌈p·count⌉-th smallest value ([`quantile_rank`]).
    ///
    /// Within 1/256 of that value; 0 if it lies below the range, +∞ above it, NaN without values.
    ///
    /// # Panics
    /// If `p` is outside [0, 1].
    #[must_use]
    #[track_caller]
    pub fn quantile(&self, p: f64) -> f64 {
        self.bucket_of(p).map_or(f64::NAN, midpoint)
    }

    /// The edges of the bucket that holds the `p`-quantile, the lower one inclusive; `None` without values.
    ///
    /// # Panics
    /// If `p` is outside [0, 1].
    #[must_use]
    #[track_caller]
    pub fn quantile_bucket(&self, p: f64) -> Option<(f64, f64)> {
        self.bucket_of(p)
            .map(|index| (lower_edge(index), lower_edge(index + 1)))
    }

    #[track_caller]
    fn bucket_of(&self, p: f64) -> Option<usize> {
        assert!(
            (0.0..=1.0).contains(&p),
            "a quantile needs p in [0, 1], got {p}"
        );
        let rank = quantile_rank(p, self.count);
        let mut seen = 0;
        self.filled().find_map(|(index, n)| {
            seen += n;
            (seen >= rank).then_some(index)
        })
    }

    /// The mean of the values, each taken for the midpoint of its bucket: within 1/256 of the true mean of what lies in
    /// the range.
    ///
    /// Values below the range count as 0, one above it makes the mean +∞; NaN without values. It depends on the counts
    /// alone, so that merging in any order gives the same bits.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let total: f64 = self
            .filled()
            .map(|(index, n)| midpoint(index) * n as f64)
            .sum();
        total / self.count as f64
    }

    /// The non-empty buckets in increasing order: lower edge (inclusive), upper edge, count.
    pub fn iter(&self) -> impl Iterator<Item = (f64, f64, u64)> + '_ {
        self.filled()
            .map(|(index, n)| (lower_edge(index), lower_edge(index + 1), n))
    }

    /// The non-empty buckets in increasing order: index, count.
    fn filled(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let inside = (self.first..).zip(self.buckets.iter().copied());
        let all = std::iter::once((0, self.below)).chain(inside);
        all.chain(std::iter::once((OVERFLOW, self.above)))
            .filter(|(_, n)| *n > 0)
    }
}

impl Default for LogHistogram {
    fn default() -> Self {
        Self::new()
    }
}

/// Adding zero turns −0 into +0, whose bits are those of the smallest number.
#[track_caller]
#[inline]
fn bucket(value: f64) -> usize {
    assert!(
        value >= 0.0,
        "a histogram holds non-negative values, got {value}"
    );
    let bits = (value + 0.0).to_bits() >> SHIFT;
    (bits.saturating_sub(OFFSET) as usize).min(OVERFLOW)
}

/// What stands for the values of bucket `index`: 0 below the range, +∞ above it.
fn midpoint(index: usize) -> f64 {
    match index {
        0 => 0.0,
        OVERFLOW => f64::INFINITY,
        _ => f64::midpoint(lower_edge(index), lower_edge(index + 1)),
    }
}

/// The smallest value of bucket `index`; the end of the overflow bucket is +∞.
fn lower_edge(index: usize) -> f64 {
    match index {
        0 => 0.0,
        1..=OVERFLOW => f64::from_bits((index as u64 + OFFSET) << SHIFT),
        _ => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Streams};

    #[track_caller]
    fn close(got: f64, expect: f64, relative: f64) {
        assert!(
            (got - expect).abs() <= relative * expect.abs(),
            "{got} != {expect}"
        );
    }

    #[test]
    fn buckets_tile_the_line_and_hold_their_values() {
        for index in 0..=OVERFLOW {
            let (lower, upper) = (lower_edge(index), lower_edge(index + 1));
            assert!(lower < upper);
            assert_eq!(bucket(lower), index);
            let last = if upper.is_finite() {
                upper.next_down()
            } else {
                f64::MAX
            };
            assert_eq!(bucket(last), index);
            if (1..OVERFLOW).contains(&index) {
                let error = 0.5 * (upper - lower) / lower;
                assert!(error <= 1.0 / 256.0, "bucket {index} has error {error}");
            }
        }
        assert_eq!((lower_edge(1), lower_edge(OVERFLOW)), (LOWEST, HIGHEST));
        assert_eq!((bucket(-0.0), bucket(f64::INFINITY)), (0, OVERFLOW));
        const { assert!(LOWEST < 1e-9 && HIGHEST > 1e9) };
    }

    #[test]
    fn quantiles_are_within_the_stated_error_of_the_sorted_sample() {
        let mut stream = Streams::new(1, 0).open(Purpose::new("histogram"), 0);
        let mut values: Vec<f64> = (0..10_001).map(|_| (3.0 * stream.normal()).exp()).collect();
        let mut histogram = LogHistogram::new();
        for value in &values {
            histogram.record(*value);
        }
        values.sort_by(f64::total_cmp);
        for (p, rank) in [
            (0.0, 1),
            (0.001, 11),
            (0.5, 5_001),
            (0.99, 9_901),
            (1.0, 10_001),
        ] {
            close(histogram.quantile(p), values[rank - 1], 1.0 / 256.0);
        }
    }

    /// Seed 2: all 120 orders of five parts, and all ways to bracket four of them, give the same histogram, the same
    /// quantiles and the same mean, to the bit; sums of the values themselves would not.
    #[test]
    #[cfg_attr(miri, ignore = "hundreds of orders")]
    fn merging_is_exact_in_any_order_and_grouping() {
        let values: Vec<Vec<f64>> = (0..5)
            .map(|entity| {
                let mut stream = Streams::new(2, 0).open(Purpose::new("histogram"), entity);
                (0..100).map(|_| (4.0 * stream.normal()).exp()).collect()
            })
            .collect();
        let part = |values: &Vec<f64>| {
            let mut part = LogHistogram::new();
            for value in values {
                part.record(*value);
            }
            part
        };
        let parts: Vec<LogHistogram> = values.iter().map(part).collect();
        let join = |a: &LogHistogram, b: &LogHistogram| {
            let mut all = a.clone();
            all.merge(b);
            all
        };
        let whole = part(&values.concat());
        let check = |all: &LogHistogram| {
            assert_eq!(*all, whole);
            assert_eq!(all.mean().to_bits(), whole.mean().to_bits());
            assert_eq!(all.quantile(0.9).to_bits(), whole.quantile(0.9).to_bits());
        };
        let mut orders = 0;
        permutations(&mut [0, 1, 2, 3, 4], 0, &mut |order| {
            check(
                &order
                    .iter()
                    .fold(LogHistogram::new(), |all, &i| join(&all, &parts[i])),
            );
            orders += 1;
        });
        assert_eq!(orders, 120);
        let [first, second, third, fourth, last] = [0, 1, 2, 3, 4].map(|i| &parts[i]);
        let [front, middle, back] =
            [(first, second), (second, third), (third, fourth)].map(|(a, b)| join(a, b));
        let bracketed = [
            join(&join(&front, third), fourth),
            join(&join(first, &middle), fourth),
            join(&front, &back),
            join(first, &join(&middle, fourth)),
            join(first, &join(second, &back)),
        ];
        for four in &bracketed {
            check(&join(four, last));
        }
    }

    fn permutations(order: &mut [usize; 5], from: usize, visit: &mut impl FnMut(&[usize; 5])) {
        if from == order.len() {
            return visit(order);
        }
        for i in from..order.len() {
            order.swap(from, i);
            permutations(order, from + 1, visit);
            order.swap(from, i);
        }
    }

    #[test]
    fn the_mean_is_within_the_stated_error() {
        let mut stream = Streams::new(4, 0).open(Purpose::new("histogram"), 0);
        for sigma in [0.01, 1.0, 3.0] {
            let (mut histogram, mut sum) = (LogHistogram::new(), 0.0);
            for _ in 0..1_000 {
                let value = (sigma * stream.normal()).exp();
                histogram.record(value);
                sum += value;
            }
            close(histogram.mean(), sum / 1_000.0, 1.0 / 256.0);
        }
        assert!(LogHistogram::new().mean().is_nan());
    }

    /// Whatever the order, the same values take the same place: an octave for each between smallest and largest.
    #[test]
    fn memory_follows_the_range_of_the_values() {
        let of = |values: &[f64]| {
            let mut histogram = LogHistogram::new();
            for value in values {
                histogram.record(*value);
            }
            histogram
        };
        let (up, down) = (of(&[0.1, 1.0, 30.0]), of(&[30.0, 1.0, 0.1]));
        assert_eq!(up, down);
        // 2^-4 to 2^5.
        assert_eq!(
            (up.buckets.len(), down.first),
            (9 * OCTAVE, 26 * OCTAVE + 1)
        );
        let whole = of(&[LOWEST, HIGHEST.next_down(), 0.0, 1e300]);
        assert_eq!((whole.buckets.len(), whole.first), (60 * OCTAVE, 1));
        let mut empty = LogHistogram::new();
        empty.record_n(5.0, 0);
        empty.merge(&LogHistogram::new());
        assert_eq!(empty, LogHistogram::new());
    }

    #[test]
    fn values_out_of_range_are_counted_apart() {
        let mut histogram = LogHistogram::new();
        assert!(histogram.quantile(0.5).is_nan());
        histogram.record(0.0);
        histogram.record_n(1.0, 2);
        histogram.record(1e10);
        let rows: Vec<_> = histogram.iter().collect();
        let expect = [
            (0.0, LOWEST, 1),
            (1.0, 1.0 + 1.0 / 128.0, 2),
            (HIGHEST, f64::INFINITY, 1),
        ];
        assert_eq!(rows, expect);
        let counts = [0.0, 0.5, 1.0, 1.007, 2.0, 1e10].map(|value| histogram.count_to(value));
        assert_eq!(counts, [1, 1, 3, 3, 3, 4]);
        assert_eq!(
            histogram.quantile_bucket(0.5),
            Some((1.0, 1.0 + 1.0 / 128.0))
        );
        assert_eq!(LogHistogram::new().quantile_bucket(0.5), None);
        assert_eq!(histogram.quantile(0.25), 0.0);
        assert_eq!(histogram.quantile(0.75), 1.0 + 1.0 / 256.0);
        assert_eq!(histogram.quantile(1.0), f64::INFINITY);
        assert_eq!(histogram.mean(), f64::INFINITY);
    }

    #[test]
    #[should_panic(expected = "non-negative values, got -1")]
    fn a_negative_value_panics() {
        LogHistogram::new().record(-1.0);
    }

    #[test]
    #[should_panic(expected = "non-negative values, got NaN")]
    fn nan_panics() {
        LogHistogram::new().record(f64::NAN);
    }
}
