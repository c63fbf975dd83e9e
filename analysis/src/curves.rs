//! Curves with pointwise bands over replications: latency distributions, samples over time, Lorenz curves.
//!
//! At each point the band is the 95 % interval of the mean over replications; it does not cover the whole curve at once.

use walras_des::LogHistogram;
pub use walras_sim::record::Latency;
use walras_sim::record::{Range, Sample};
pub use walras_sim::series::Column as Quantity;

use crate::estimate::{Estimate, estimate};
use crate::experiment::{Experiment, Run};

/// A curve with a band.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Index of the platform.
    pub platform: usize,
    /// The points, by increasing position; at least one.
    pub points: Vec<Point>,
}

impl Curve {
    /// The mean at `x`, on straight lines between the points; of the nearest end beyond them.
    #[must_use]
    pub fn at(&self, x: f64) -> f64 {
        let after = self.points.partition_point(|point| point.x < x);
        let (before, after) = (
            &self.points[after.saturating_sub(1)],
            &self.points[after.min(self.points.len() - 1)],
        );
        let width = after.x - before.x;
        let share = if width > 0.0 {
            (x - before.x) / width
        } else {
            0.0
        };
        before.y.mean + share * (after.y.mean - before.y.mean)
    }
}

/// One point of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where.
    pub x: f64,
    /// The mean over the replications, and its interval.
    pub y: Estimate,
}

/// Points of a distribution per doubling of the latency; a power of two up to 128 falls on edges of the histogram.
const PER_OCTAVE: u32 = 16;

/// The share of measured requests or jobs at or below each latency, per platform.
///
/// The grid lies on edges of the histogram, so that the shares are exact.
#[must_use]
pub fn distribution(experiment: &Experiment, latency: Latency) -> Vec<Curve> {
    per_platform(experiment, |runs| {
        let (lowest, highest) = extent(runs.iter().map(|run| &run.latencies[latency]))?;
        let grid = octave_grid(lowest, highest);
        let shares: Vec<Vec<f64>> = runs
            .iter()
            .map(|run| &run.latencies[latency])
            .filter(|h| h.count() > 0)
            .map(|h| cumulative(h, &grid))
            .collect();
        Some(band(
            &grid,
            |index| shares.iter().map(|shares| shares[index]).collect(),
            Range::Share,
        ))
    })
}

fn extent<'a>(histograms: impl Iterator<Item = &'a LogHistogram>) -> Option<(f64, f64)> {
    let mut extent: Option<(f64, f64)> = None;
    for (lower, upper, _) in histograms
        .flat_map(LogHistogram::iter)
        .filter(|(lower, upper, _)| *lower > 0.0 && upper.is_finite())
    {
        let (lowest, highest) = extent.unwrap_or((lower, upper));
        extent = Some((lowest.min(lower), highest.max(upper)));
    }
    extent
}

/// From the grid point at or below `lowest` to the one at or above `highest`, evenly spaced within each octave.
fn octave_grid(lowest: f64, highest: f64) -> Vec<f64> {
    let mut grid = Vec::new();
    let mut octave = lowest.log2().floor().exp2();
    while octave < highest {
        let steps =
            (0..PER_OCTAVE).map(|step| octave * (1.0 + f64::from(step) / f64::from(PER_OCTAVE)));
        grid.extend(steps.filter(|x| {
            *x > lowest * (1.0 - 1.0 / f64::from(PER_OCTAVE))
                && *x < highest * (1.0 + 1.0 / f64::from(PER_OCTAVE))
        }));
        octave *= 2.0;
    }
    if grid.last().is_some_and(|last| *last < highest) {
        grid.push(octave);
    }
    grid
}

/// Share of `histogram` below each of `grid`.
#[allow(clippy::cast_precision_loss)]
fn cumulative(histogram: &LogHistogram, grid: &[f64]) -> Vec<f64> {
    let mut buckets = histogram.iter().peekable();
    let mut below = 0;
    let mut share = |x: f64| {
        while let Some((_, _, count)) = buckets.next_if(|(_, upper, _)| *upper <= x) {
            below += count;
        }
        below as f64 / histogram.count() as f64
    };
    grid.iter().map(|x| share(*x)).collect()
}

/// What is drawn over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Series {
    /// Nodes that are up.
    NodesUp,
    /// Share of the nodes up that are at work.
    BusyShare,
    /// Requests submitted and not yet ended.
    JobsLive,
    /// Requests submitted [1/s].
    Submitted,
    /// Share of the completed requests within both objectives.
    WithinSlo,
    /// Requests completed within both objectives [1/s].
    Goodput,
    /// Placements lost with their node [1/min].
    Lost,
    /// What customers paid for a million of the tokens delivered meanwhile [USD].
    Cost,
    /// The base fee, where there is one [USD per million output tokens].
    BaseFee,
}

impl Series {
    /// The value of a sample that covers `span` seconds.
    #[allow(clippy::cast_precision_loss)]
    fn value(self, sample: &Sample, span: f64) -> Option<f64> {
        let rate = |count: u32| (span > 0.0).then(|| f64::from(count) / span);
        match self {
            Self::NodesUp => Some(f64::from(sample.nodes_up)),
            Self::BusyShare => (sample.nodes_up > 0)
                .then(|| f64::from(sample.nodes_busy) / f64::from(sample.nodes_up)),
            Self::JobsLive => Some(f64::from(sample.jobs_live)),
            Self::Submitted => rate(sample.submitted),
            Self::WithinSlo => (sample.completed > 0)
                .then(|| f64::from(sample.within_slo) / f64::from(sample.completed)),
            Self::Goodput => rate(sample.within_slo),
            Self::Lost => rate(sample.lost).map(|per_second| per_second * 60.0),
            Self::Cost => {
                (sample.output_tokens > 0).then(|| sample.spend / sample.output_tokens as f64 * 1e6)
            }
            Self::BaseFee => sample.base_fee,
        }
    }

    fn range(self) -> Range {
        if matches!(self, Self::WithinSlo | Self::BusyShare) {
            Range::Share
        } else {
            Range::NonNegative
        }
    }
}

/// `series` over time [h], per platform.
#[must_use]
pub fn over_time(experiment: &Experiment, series: Series) -> Vec<Curve> {
    per_platform(experiment, |runs| {
        let shortest = runs.iter().map(|run| run.samples.len()).min()?;
        let seconds = |run: &Run, index: usize| run.samples[index].at.as_secs_f64();
        let times: Vec<f64> = (0..shortest)
            .map(|index| seconds(runs[0], index) / 3600.0)
            .collect();
        let at = |index: usize| {
            let value = |run: &&Run| {
                let before = if index == 0 {
                    0.0
                } else {
                    seconds(run, index - 1)
                };
                series.value(&run.samples[index], seconds(run, index) - before)
            };
            runs.iter().filter_map(value).collect()
        };
        Some(band(&times, at, series.range()))
    })
}

/// A quantity of economies over time [years], per economy.
#[must_use]
pub fn over_years(experiment: &Experiment, quantity: Quantity) -> Vec<Curve> {
    per_platform(experiment, |runs| {
        let shortest = runs.iter().map(|run| run.series.rows.len()).min()?;
        let years: Vec<f64> = (runs[0].series.days[..shortest].iter())
            .map(|days| days / 365.0)
            .collect();
        let at = |index: usize| {
            let values = runs.iter().map(|run| run.series.rows[index][quantity]);
            values.filter(|value| value.is_finite()).collect()
        };
        Some(band(&years, at, Range::NonNegative))
    })
}

/// Of a segment of customers the share of its work that goes to the first network over time [years], per economy.
#[must_use]
pub fn of_segment(experiment: &Experiment, segment: usize) -> Vec<Curve> {
    per_platform(experiment, |runs| {
        let shares: Option<Vec<&Vec<f64>>> = (runs.iter())
            .map(|run| Some(&run.series.segments.get(segment)?.1))
            .collect();
        let shares = shares?;
        let shortest = shares.iter().map(|shares| shares.len()).min()?;
        let years: Vec<f64> = (runs[0].series.days[..shortest].iter())
            .map(|days| days / 365.0)
            .collect();
        let at = |index: usize| shares.iter().map(|shares| shares[index]).collect();
        Some(band(&years, at, Range::Share))
    })
}

/// The share of owner revenue that goes to the poorest share of owners, per platform with many owners.
#[must_use]
pub fn lorenz(experiment: &Experiment) -> Vec<Curve> {
    per_platform(experiment, |runs| {
        let runs: Vec<&&Run> = runs.iter().filter(|run| run.lorenz.len() > 1).collect();
        let points = runs.iter().map(|run| run.lorenz.len()).min()?;
        #[allow(clippy::cast_precision_loss)]
        let shares: Vec<f64> = (0..points)
            .map(|index| index as f64 / (points - 1) as f64)
            .collect();
        Some(band(
            &shares,
            |index| runs.iter().map(|run| run.lorenz[index]).collect(),
            Range::Share,
        ))
    })
}

/// One curve for each platform that has points.
fn per_platform(
    experiment: &Experiment,
    curve: impl Fn(&[&Run]) -> Option<Vec<Point>>,
) -> Vec<Curve> {
    let platforms = 0..experiment.manifest.platforms.len();
    let one = |platform| {
        let runs: Vec<&Run> = experiment.of(platform).collect();
        curve(&runs)
            .filter(|points| !points.is_empty())
            .map(|points| Curve {
                platform,
                points: thinned(points),
            })
    };
    platforms.filter_map(one).collect()
}

/// Points of a curve at most: three for each pixel of a panel. The tables beside the page have all.
const MOST: usize = 1200;

/// Of too many points those of equal parts of the curve that have the lowest and the highest mean, so that no peak is lost.
fn thinned(points: Vec<Point>) -> Vec<Point> {
    if points.len() <= MOST {
        return points;
    }
    let part = points.len().div_ceil(MOST / 2);
    let extremes = points.chunks(part).flat_map(|part| {
        let mean = |index: &usize| part[*index].y.mean;
        let by_mean = |a: &usize, b: &usize| mean(a).total_cmp(&mean(b));
        let low = (0..part.len()).min_by(by_mean).unwrap_or(0);
        let high = (0..part.len()).max_by(by_mean).unwrap_or(0);
        let (first, second) = (low.min(high), low.max(high));
        let both = [first, second].map(|index| part[index]);
        both.into_iter().take(1 + usize::from(first != second))
    });
    extremes.collect()
}

/// A point at each of `xs` where any replication has a value.
fn band(xs: &[f64], values: impl Fn(usize) -> Vec<f64>, range: Range) -> Vec<Point> {
    let point = |(index, x): (usize, &f64)| {
        Some(Point {
            x: *x,
            y: estimate(&values(index), range)?,
        })
    };
    xs.iter().enumerate().filter_map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of ten years of days with one peak and one trough, fewer points show both, and the rest as it goes.
    #[test]
    fn thin_curves_keep_their_peaks() {
        let days: Vec<f64> = (0..3650).map(f64::from).collect();
        let value = |day: usize| match day {
            777 => 9e3,
            2222 => -1.0,
            day => day as f64,
        };
        let all = band(&days, |day| vec![value(day); 2], Range::Any);
        let thin = thinned(all.clone());
        assert!(
            thin.len() <= MOST && thin.len() > MOST / 2,
            "{}",
            thin.len()
        );
        assert!(thin.windows(2).all(|pair| pair[0].x < pair[1].x));
        for day in [777.0, 2222.0] {
            assert!(thin.iter().any(|point| point.x == day));
        }
        assert!(
            thin.iter()
                .all(|point| point.y.mean == value(point.x as usize))
        );
        assert_eq!(thinned(all[..MOST].to_vec()).len(), MOST);
    }

    /// Exponential values with mean 1: the share below x is 1 − e^(−x) (10⁵ even quantiles; the histogram is exact at its edges).
    #[test]
    fn the_distribution_is_exact_on_its_grid() {
        let mut histogram = LogHistogram::new();
        let n = 100_000;
        for i in 0..n {
            histogram.record(-(1.0 - (f64::from(i) + 0.5) / f64::from(n)).ln());
        }
        let grid = octave_grid(0.1, 4.0);
        for (x, share) in grid.iter().zip(cumulative(&histogram, &grid)) {
            assert!(
                (share - (1.0 - (-x).exp())).abs() < 1.1e-5,
                "{share} at {x}"
            );
        }
        assert!(grid[0] <= 0.1 && grid[0] > 0.09 && *grid.last().unwrap() >= 4.0);
    }
}
