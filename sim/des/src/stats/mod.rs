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

/// ⌈p·n⌉, at least 1: the rank, from 1, of the `p`-quantile of `n` sorted values.
///
/// It is the smallest k for which k/n is not below p. A `p` such as 0.07 lies a little above the decimal that was written, so
/// that the product with 100 rounds up to more than 7; the quotient 7/100 is the same number as 0.07.
#[must_use]
pub fn quantile_rank(p: f64, n: u64) -> u64 {
    let rank = (p * n as f64).ceil() as u64;
    let is_one_too_many = rank > 1 && (rank - 1) as f64 / n as f64 >= p;
    (rank - u64::from(is_one_too_many)).clamp(1, n.max(1))
}

/// Replaces neighbours by their sums: half as many batches of twice the size.
fn pair_up(totals: &mut Vec<f64>) {
    for i in 0..totals.len() / 2 {
        totals[i] = totals[2 * i] + totals[2 * i + 1];
    }
    totals.truncate(totals.len() / 2);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against ⌈i·n/1000⌉ in integers. The plain product is one too high 197 times here.
    #[test]
    #[cfg_attr(miri, ignore = "a million ranks")]
    fn ranks_of_decimal_shares_are_exact() {
        let mut plain_is_off = 0;
        for i in 1..=1_000u64 {
            let p = i as f64 / 1e3;
            for n in 1..=1_000 {
                let exact = (i * n).div_ceil(1_000);
                assert_eq!(quantile_rank(p, n), exact, "p = {p}, n = {n}");
                plain_is_off += u32::from((p * n as f64).ceil() as u64 != exact);
            }
        }
        assert_eq!(plain_is_off, 197);
        assert_eq!((quantile_rank(0.0, 5), quantile_rank(1.0, 0)), (1, 1));
    }
}
