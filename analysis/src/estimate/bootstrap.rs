//! Intervals from samples of the sample: percentiles of what is estimated anew from rows drawn with replacement.
//!
//! B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.

use crate::estimate::{CONFIDENCE, Estimate, Interval, Method};

/// How often the sample is drawn anew.
pub const DRAWS: usize = 1000;

/// `mean` with the percentiles of `draws` around it, which were estimated from samples of `n` rows; widened to hold `mean`, which the
/// percentiles of a skewed estimate may leave out.
#[must_use]
pub fn percentiles(mean: f64, mut draws: Vec<f64>, n: usize) -> Estimate {
    draws.retain(|draw| draw.is_finite());
    draws.sort_by(f64::total_cmp);
    let interval = (draws.len() > 1).then(|| Interval {
        low: quantile(&draws, (1.0 - CONFIDENCE) / 2.0).min(mean),
        high: quantile(&draws, f64::midpoint(1.0, CONFIDENCE)).max(mean),
    });
    Estimate {
        mean,
        interval,
        n,
        effective: None,
        method: Method::Bootstrap,
    }
}

/// The quantile of values in order, between neighbours linearly.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}

#[cfg(test)]
mod tests {
    use walras_des::{Purpose, Streams};

    use super::*;

    /// For the mean of 100 standard normal values the percentiles are close to 1.96 standard errors.
    #[test]
    fn the_interval_of_a_mean_is_the_usual_one() {
        let mut stream = Streams::new(2, 0).open(Purpose::new("bootstrap-test"), 0);
        let values: Vec<f64> = (0..100).map(|_| stream.normal()).collect();
        let mean = values.iter().sum::<f64>() / 100.0;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let draw = |_| {
            (0..100)
                .map(|_| values[stream.below(100) as usize])
                .sum::<f64>()
                / 100.0
        };
        let draws: Vec<f64> = (0..20_000).map(draw).collect();
        let half = percentiles(mean, draws, 100).interval.unwrap().half_width();
        let theory = 1.96 * (squares / 100.0).sqrt() / 10.0;
        assert!((half / theory - 1.0).abs() < 0.03, "{half} {theory}");
    }
}
