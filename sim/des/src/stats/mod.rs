//! Statistics of constant memory, one collector per file.
//!
//! | collector | of | gives | merging |
//! |---|---|---|---|
//! | [`Moments`] | a sample | mean, variance, extremes | same bits in a fixed order |
//! | [`TimeWeighted`] | a quantity over time | its time average | – |
//! | [`LogHistogram`] | a non-negative sample | quantiles and mean within 1/256 | same bits in any order: only integers |
//! | [`BatchMeans`] | a correlated sequence | means of batches, for an interval from one run | – |
//! | [`TimeBatches`] | a quantity over time | the same for its time average | – |

mod batch_means;
mod log_histogram;
mod moments;
mod time_batches;
mod time_weighted;

pub use batch_means::BatchMeans;
pub use log_histogram::LogHistogram;
pub use moments::Moments;
pub use time_batches::TimeBatches;
pub use time_weighted::TimeWeighted;

/// Batches that a collector holds at most; from the first doubling on it holds at least half as many.
pub const MOST_BATCHES: usize = 512;

/// Replaces neighbours by their sums: half as many batches of twice the size.
fn pair_up(totals: &mut Vec<f64>) {
    for i in 0..totals.len() / 2 {
        totals[i] = totals[2 * i] + totals[2 * i + 1];
    }
    totals.truncate(totals.len() / 2);
}
