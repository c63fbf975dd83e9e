//! Where a run begins to be like the rest of it: MSER-5.
//!
//! The cut is where the standard error of what remains is smallest: cutting a transient away narrows it, cutting
//! anything else widens it. K. P. White, "An effective truncation heuristic for bias reduction in simulation output",
//! Simulation 69(6), 1997, doi 10.1177/003754979706900601; in batches of five after K. P. White, M. J. Cobb, S. C. Spratt,
//! Winter Simulation Conference 2000. It did best among 44 methods in K. Hoad, S. Robinson, R. Davies, "Automating warm-up
//! length estimation", Journal of the Operational Research Society 61(9), 2010, doi 10.1057/jors.2009.87, whose rules for
//! rejecting a cut are followed here; apply it to the average over replications, as they do.

/// Values in a batch.
const BATCH: usize = 5;

/// Batches at the end that are never all that remains: few values may look steady by chance.
const LAST: usize = 5;

/// Why there is no cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSteadyState {
    /// The series is too short to tell.
    #[error("{values} values are too few to find a warm-up in: 50 are needed")]
    TooShort {
        /// Values there are.
        values: usize,
    },
    /// What remains is steadiest from a point in the second half on: the transient has not visibly ended.
    #[error(
        "no steady state: value {cut} of {values} would be the first that counts, which is in the second half"
    )]
    SecondHalf {
        /// Values that would be cut.
        cut: usize,
        /// Values there are.
        values: usize,
    },
}

/// How many values at the beginning of `series` belong to the warm-up: a multiple of five.
///
/// # Errors
/// If the series is too short, or the cut would lie in its second half.
pub fn mser5(series: &[f64]) -> Result<usize, NoSteadyState> {
    let values = series.len();
    let means: Vec<f64> = series
        .chunks_exact(BATCH)
        .map(|batch| batch.iter().sum::<f64>() / BATCH as f64)
        .collect();
    if means.len() < 2 * LAST {
        return Err(NoSteadyState::TooShort { values });
    }
    // From the end, so that each further batch updates mean and squares; the earliest of equal minima wins.
    let (mut n, mut mean, mut squares) = (0.0, 0.0, 0.0);
    let (mut best, mut cut) = (f64::INFINITY, 0);
    for (index, value) in means.iter().enumerate().rev() {
        n += 1.0;
        let delta = value - mean;
        mean += delta / n;
        squares += delta * (value - mean);
        let error = squares / (n * n);
        if means.len() - index > LAST && error <= best {
            (best, cut) = (error, index * BATCH);
        }
    }
    if 2 * cut > values {
        return Err(NoSteadyState::SecondHalf { cut, values });
    }
    Ok(cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_des::{Purpose, Streams};

    fn noise(seed: u64, n: usize) -> Vec<f64> {
        let mut stream = Streams::new(seed, 0).open(Purpose::new("noise"), 0);
        (0..n).map(|_| stream.normal()).collect()
    }

    /// The definition, word by word: the d with the smallest sum of (Z − Z̄)² over all Z after it, divided by
    /// the square of their number.
    #[test]
    fn the_cut_is_that_of_the_definition() {
        let mut accepted = 0;
        for seed in 0..50 {
            let mut series = noise(seed, 403);
            for (i, value) in series.iter_mut().enumerate() {
                *value += 10.0 * (-0.02 * i as f64).exp();
            }
            let means: Vec<f64> = (0..80)
                .map(|b| series[5 * b..5 * b + 5].iter().sum::<f64>() / 5.0)
                .collect();
            let statistic = |d: usize| {
                let rest = &means[d..];
                let k = rest.len() as f64;
                let mean = rest.iter().sum::<f64>() / k;
                rest.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / (k * k)
            };
            let best = (0..75).min_by(|a, b| statistic(*a).total_cmp(&statistic(*b)));
            let cut = 5 * best.unwrap();
            let second_half = NoSteadyState::SecondHalf { cut, values: 403 };
            let expect = if cut > 201 { Err(second_half) } else { Ok(cut) };
            assert_eq!(mser5(&series), expect, "seed {seed}");
            accepted += usize::from(expect.is_ok_and(|cut| cut >= 50));
        }
        assert!(
            accepted >= 45,
            "{accepted} of 50 series have a cut beyond the transient"
        );
    }

    #[test]
    fn a_step_is_cut_off_and_a_steady_series_is_kept() {
        let mut series = vec![1.0; 200];
        assert_eq!(mser5(&series), Ok(0));
        series[..60].fill(4.0);
        assert_eq!(mser5(&series), Ok(60));
    }

    #[test]
    fn a_trend_has_no_steady_state() {
        let rising: Vec<f64> = (0..200).map(f64::from).collect();
        let refused = mser5(&rising).unwrap_err();
        assert_eq!(
            refused,
            NoSteadyState::SecondHalf {
                cut: 170,
                values: 200
            }
        );
        assert_eq!(
            mser5(&[1.0; 49]),
            Err(NoSteadyState::TooShort { values: 49 })
        );
    }
}
