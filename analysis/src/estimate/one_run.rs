//! Figures of a single run: intervals from its sections, by batch means, or the reason why there is none.
//!
//! A figure of a run is a ratio of two sums, such as good requests by requests; its error follows from how the ratio varies
//! between sections of the run. For a quantile the ratio is the share of requests not above it, and the interval of that share
//! is read off the distribution of the run. R. S. Woodruff, "Confidence intervals for medians and other position measures",
//! Journal of the American Statistical Association 47(260), 1952, doi 10.1080/01621459.1952.10483443.
//!
//! What is drawn once for a whole run, such as which nodes there are and what they ask, is the same in all sections: the
//! interval is that of a longer run with the same nodes, and only further replications draw others.

use walras_des::LogHistogram;
use walras_sim::record::{MetricId, Range};

use crate::estimate::batch_means::of_ratio;
use crate::estimate::{Estimate, Interval, Method};
use crate::experiment::Run;

/// Why one run gives no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoInterval {
    /// The sections of the run are not known.
    NotKept,
    /// The figure describes the whole run, as of owners or the end of the last job.
    OfWholeRun,
    /// What is counted, or its exception, occurred in too few sections.
    Rare,
    /// All sections agree.
    Constant,
    /// The share of requests beyond a quantile is not known well enough to tell it from none.
    Tail,
}

impl NoInterval {
    /// All reasons.
    pub const ALL: [Self; 5] = [
        Self::NotKept,
        Self::OfWholeRun,
        Self::Rare,
        Self::Constant,
        Self::Tail,
    ];

    /// In words.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotKept => "the sections of the run were not kept",
            Self::OfWholeRun => "it describes the whole run, and one run tells it once",
            Self::Rare => "it, or its exception, occurred in too few sections of the run",
            Self::Constant => "it is the same throughout the run",
            Self::Tail => "too few requests lie beyond it",
        }
    }
}

/// `metric` of `run`, and why it has no interval if it has none; `None` if the figure does not exist.
#[must_use]
pub fn of_run(run: &Run, metric: MetricId) -> Option<(Estimate, Option<NoInterval>)> {
    let value = run.metrics.get(metric)?;
    let bare = Estimate {
        mean: value,
        interval: None,
        n: 1,
        effective: None,
        method: Method::OneRun,
    };
    Some(match by_section(run, metric) {
        Ok(estimate) => {
            let interval = estimate.interval.map(|interval| match metric.quantile() {
                Some(_) => interval,
                None => interval.clip(metric.metric().range),
            });
            let estimate = Estimate {
                mean: value,
                interval,
                ..estimate
            };
            (estimate, None)
        }
        Err(why) => (bare, Some(why)),
    })
}

fn by_section(run: &Run, metric: MetricId) -> Result<Estimate, NoInterval> {
    if run.sections.is_empty() {
        return Err(NoInterval::NotKept);
    }
    let parts: Option<Vec<(f64, f64)>> = run
        .sections
        .iter()
        .map(|sums| sums.ratio(metric).map(|ratio| (ratio.part, ratio.whole)))
        .collect();
    let parts = parts.ok_or(NoInterval::OfWholeRun)?;
    let scale = run.sections[0]
        .ratio(metric)
        .map_or(1.0, |ratio| ratio.scale);
    let share = of_ratio(&parts).ok_or(NoInterval::Constant)?;
    let interval = share.interval.ok_or(NoInterval::Constant)?;
    if let Some((latency, p)) = metric.quantile() {
        let histogram = &run.latencies[latency];
        let interval = inverted(histogram, p, interval.half_width()).ok_or(NoInterval::Tail)?;
        return Ok(Estimate {
            interval: Some(interval),
            method: match share.method {
                Method::BatchMeans => Method::BatchQuantile,
                _ => Method::CorrelatedBatchQuantile,
            },
            ..share
        });
    }
    if is_rare(&parts, share.n, metric.metric().range) {
        return Err(NoInterval::Rare);
    }
    // Sections that agree to twelve digits differ by rounding alone.
    if interval.half_width() <= 1e-12 * share.mean.abs() {
        return Err(NoInterval::Constant);
    }
    Ok(share.map(|value| value * scale))
}

/// Whether what is counted, or for a share what is not, occurred in fewer than half of the `batches`: their means are then
/// far from normal.
fn is_rare(parts: &[(f64, f64)], batches: usize, range: Range) -> bool {
    let together = parts.len() / batches;
    let occurred = |what: fn(&(f64, f64)) -> f64| {
        let batches = parts.chunks(together);
        batches
            .filter(|batch| batch.iter().map(what).any(|part| part != 0.0))
            .count()
    };
    let few = |count: usize| 2 * count < batches;
    few(occurred(|(part, _)| *part))
        || (range == Range::Share && few(occurred(|(part, whole)| whole - part)))
}

/// The quantiles of the shares `p` ± `half`, to the far edges of their buckets; `None` if not both are inside (0, 1).
pub(crate) fn inverted(histogram: &LogHistogram, p: f64, half: f64) -> Option<Interval> {
    let (low, high) = (p - half, p + half);
    if low <= 0.0 || high >= 1.0 {
        return None;
    }
    Some(Interval {
        low: histogram.quantile_bucket(low)?.0,
        high: histogram.quantile_bucket(high)?.1,
    })
}
