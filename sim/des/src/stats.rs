//! Statistics of constant memory: moments, time averages and histograms of known relative error.
//!
//! Collectors of separate runs merge. Merging in a fixed order gives the same bits every time;
//! merging histograms gives the same bits in any order, because they only hold integers.

use crate::time::SimTime;

/// Count, mean, variance and extremes of a sample.
///
/// Welford's update, B. P. Welford, Technometrics 4(3), 1962; merge by T. Chan, G. Golub,
/// R. `LeVeque`, The American Statistician 37(3), 1983. No cancellation for a small spread around a
/// large mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Moments {
    /// An empty sample.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            count: 0,
            mean: 0.0,
            squares: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }

    /// Adds one value.
    #[inline]
    pub fn record(&mut self, value: f64) {
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Adds all values of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (n, m) = (self.count as f64, other.count as f64);
        let delta = other.mean - self.mean;
        self.count += other.count;
        self.mean += delta * m / (n + m);
        self.squares += other.squares + delta * delta * n * m / (n + m);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// The number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean; NaN without values.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.count == 0 { f64::NAN } else { self.mean }
    }

    /// The unbiased sample variance; NaN below two values.
    #[must_use]
    pub fn variance(&self) -> f64 {
        if self.count < 2 {
            f64::NAN
        } else {
            self.squares / (self.count - 1) as f64
        }
    }

    /// The square root of [`variance`](Self::variance).
    #[must_use]
    pub fn std_dev(&self) -> f64 {
        self.variance().sqrt()
    }

    /// The smallest value; +∞ without values.
    #[must_use]
    pub fn min(&self) -> f64 {
        self.min
    }

    /// The largest value; −∞ without values.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.max
    }
}

impl Default for Moments {
    fn default() -> Self {
        Self::new()
    }
}

/// The time average of a quantity that is constant between changes, such as a queue length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeWeighted {
    start: SimTime,
    changed: SimTime,
    value: f64,
    /// Up to `changed` [value·s].
    integral: f64,
}

impl TimeWeighted {
    /// A quantity that is `value` from `start` on.
    #[must_use]
    pub const fn new(start: SimTime, value: f64) -> Self {
        Self {
            start,
            changed: start,
            value,
            integral: 0.0,
        }
    }

    /// The quantity becomes `value`.
    ///
    /// # Panics
    /// If `now` lies before the previous change, as do all methods that take `now`.
    #[track_caller]
    #[inline]
    pub fn set(&mut self, now: SimTime, value: f64) {
        self.integral = self.integral(now);
        self.changed = now;
        self.value = value;
    }

    /// The quantity changes by `delta`.
    #[track_caller]
    #[inline]
    pub fn add(&mut self, now: SimTime, delta: f64) {
        self.set(now, self.value + delta);
    }

    /// Forgets what was before `now`, for example the warm-up; the value stays.
    #[track_caller]
    pub fn reset(&mut self, now: SimTime) {
        self.set(now, self.value);
        self.start = now;
        self.integral = 0.0;
    }

    /// The current value.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The integral from the start to `now` [value·s].
    #[must_use]
    #[track_caller]
    #[inline]
    pub fn integral(&self, now: SimTime) -> f64 {
        self.integral + self.value * (now - self.changed).as_secs_f64()
    }

    /// The average from the start to `now`; the current value while no time has passed.
    #[must_use]
    #[track_caller]
    pub fn mean(&self, now: SimTime) -> f64 {
        let integral = self.integral(now);
        let span = now - self.start;
        if span.as_nanos() == 0 {
            self.value
        } else {
            integral / span.as_secs_f64()
        }
    }
}

/// A histogram of non-negative values with logarithmic buckets, for quantiles of latencies.
///
/// 128 buckets per octave, taken from the top bits of the `f64`, cover 2^-30 to 2^30 (9.3e-10 to
/// 1.07e9); the midpoint of a bucket is within 1/256 (0.39 %) of every value in it. Smaller values
/// and zero share one bucket, larger ones another. Memory: 60 KiB, however much is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHistogram {
    /// `[underflow, 60 octaves of 128, overflow]`.
    buckets: Vec<u64>,
    count: u64,
}

/// Of the mantissa, these top bits choose the bucket within the octave.
const SUB_BITS: u32 = 7;
const SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - SUB_BITS;
const LOWEST: f64 = 1.0 / HIGHEST;
const HIGHEST: f64 = (1u64 << 30) as f64;
/// Bucket 1 starts at `LOWEST`.
const OFFSET: u64 = (LOWEST.to_bits() >> SHIFT) - 1;
const OVERFLOW: usize = ((HIGHEST.to_bits() >> SHIFT) - OFFSET) as usize;

impl LogHistogram {
    /// An empty histogram.
    #[must_use]
    pub fn new() -> Self {
        Self {
            buckets: vec![0; OVERFLOW + 1],
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

    /// Adds `n` equal values.
    ///
    /// # Panics
    /// If `value` is negative or not a number.
    #[track_caller]
    #[inline]
    pub fn record_n(&mut self, value: f64, n: u64) {
        self.buckets[bucket(value)] += n;
        self.count += n;
    }

    /// Adds all values of `other`: exact, in any order.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
    }

    /// The number of values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The `p`-quantile: the midpoint of the bucket that holds the ⌈p·count⌉-th smallest value.
    ///
    /// Within 1/256 of that value; 0 if it lies below the range, +∞ above it, NaN without values.
    ///
    /// # Panics
    /// If `p` is outside [0, 1].
    #[must_use]
    #[track_caller]
    pub fn quantile(&self, p: f64) -> f64 {
        assert!(
            (0.0..=1.0).contains(&p),
            "a quantile needs p in [0, 1], got {p}"
        );
        let rank = ((p * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (index, n) in self.buckets.iter().enumerate() {
            seen += n;
            if seen >= rank {
                return match index {
                    0 => 0.0,
                    OVERFLOW => f64::INFINITY,
                    _ => f64::midpoint(lower_edge(index), lower_edge(index + 1)),
                };
            }
        }
        f64::NAN
    }

    /// The non-empty buckets in increasing order: lower edge (inclusive), upper edge, count.
    pub fn iter(&self) -> impl Iterator<Item = (f64, f64, u64)> + '_ {
        let filled = self.buckets.iter().enumerate().filter(|(_, n)| **n > 0);
        filled.map(|(index, &n)| (lower_edge(index), lower_edge(index + 1), n))
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

    fn moments(values: &[f64]) -> Moments {
        let mut moments = Moments::new();
        for value in values {
            moments.record(*value);
        }
        moments
    }

    /// NIST Statistical Reference Datasets, Univariate Summary Statistics, `NumAcc4` (the hardest):
    /// 10000000.2, then 500 times (10000000.1, 10000000.3).
    /// Certified mean 10000000.2, standard deviation 0.1.
    #[test]
    fn moments_pass_nist_num_acc_4() {
        let mut values = vec![10_000_000.2];
        for _ in 0..500 {
            values.extend([10_000_000.1, 10_000_000.3]);
        }
        let all = moments(&values);
        assert_eq!(all.count(), 1_001);
        close(all.mean(), 10_000_000.2, 1e-15);
        // The decimal inputs are not exact in binary: eight digits are what any algorithm can get.
        close(all.std_dev(), 0.1, 2e-8);
        let mut merged = moments(&values[..300]);
        merged.merge(&moments(&values[300..]));
        merged.merge(&Moments::new());
        close(merged.mean(), 10_000_000.2, 1e-15);
        close(merged.std_dev(), 0.1, 2e-8);
        assert_eq!((merged.min(), merged.max()), (10_000_000.1, 10_000_000.3));
    }

    #[test]
    fn moments_of_few_values() {
        let empty = Moments::new();
        assert!(empty.mean().is_nan() && empty.variance().is_nan());
        assert_eq!(
            (empty.min(), empty.max()),
            (f64::INFINITY, f64::NEG_INFINITY)
        );
        let one = moments(&[3.0]);
        assert!(one.variance().is_nan());
        let mut merged = Moments::new();
        merged.merge(&one);
        assert_eq!(merged, one);
        let two = moments(&[1.0, 2.0, 4.0]);
        close(two.mean(), 7.0 / 3.0, 1e-15);
        close(two.variance(), 7.0 / 3.0, 1e-15);
    }

    #[test]
    fn time_weighted_average() {
        let at = SimTime::from_secs;
        let mut queue = TimeWeighted::new(at(10), 2.0);
        assert_eq!(queue.mean(at(10)), 2.0);
        queue.add(at(12), 1.0); // 2 s at 2
        queue.set(at(15), 0.0); // 3 s at 3
        assert_eq!(queue.integral(at(20)), 13.0);
        assert_eq!(queue.mean(at(20)), 1.3);
        queue.set(at(20), 4.0);
        queue.reset(at(21)); // warm-up over
        assert_eq!(queue.integral(at(21)), 0.0);
        queue.set(at(22), 8.0);
        assert_eq!(queue.mean(at(23)), 6.0);
        assert_eq!(queue.value(), 8.0);
    }

    #[test]
    #[should_panic(expected = "time runs backwards")]
    fn time_weighted_refuses_the_past() {
        TimeWeighted::new(SimTime::from_secs(10), 2.0).set(SimTime::from_secs(9), 0.0);
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

    #[test]
    fn merging_is_exact_in_any_order() {
        let parts: Vec<LogHistogram> = (0..3)
            .map(|entity| {
                let mut stream = Streams::new(2, 0).open(Purpose::new("histogram"), entity);
                let mut part = LogHistogram::new();
                (0..100).for_each(|_| part.record(stream.exponential()));
                part
            })
            .collect();
        let merge = |order: [usize; 3]| {
            let mut all = LogHistogram::new();
            for i in order {
                all.merge(&parts[i]);
            }
            all
        };
        assert_eq!(merge([0, 1, 2]), merge([2, 0, 1]));
        assert_eq!(merge([0, 1, 2]).count(), 300);
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
        assert_eq!(histogram.quantile(0.25), 0.0);
        assert_eq!(histogram.quantile(0.75), 1.0 + 1.0 / 256.0);
        assert_eq!(histogram.quantile(1.0), f64::INFINITY);
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
