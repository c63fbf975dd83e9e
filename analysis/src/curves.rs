//! Curves with pointwise bands over replications: latency distributions, samples over time, Lorenz curves.
//!
//! At each point the band is the 95 % interval of the mean over replications; it does not cover the whole curve at once. Means and
//! variances are gathered run by run, so that what a run was like over time can be forgotten when the next one comes.

use std::borrow::Cow;

use walras_des::{LogHistogram, Moments};
pub use walras_sim::record::Latency;
use walras_sim::record::{Range, Sample};
pub use walras_sim::series::Column as Quantity;

use crate::estimate::{Estimate, estimate_of};
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

/// What the curves of an experiment are made of, gathered run by run, in the order of replications on each platform.
#[derive(Clone, Debug, PartialEq)]
pub struct Gathered(Vec<Platform>);

/// The same of one platform.
#[derive(Clone, Debug, Default, PartialEq)]
struct Platform {
    latencies: [Distribution; Latency::ALL.len()],
    /// By series, then sample.
    samples: Timeline,
    /// By quantity, then epoch.
    epochs: Timeline,
    /// By segment, then epoch.
    segments: Vec<Segment>,
    lorenz: Timeline,
}

/// Shares of runs below each point of [`octaves`].
#[derive(Clone, Debug, Default, PartialEq)]
struct Distribution {
    below: Vec<Moments>,
    /// Edges of the lowest and the highest bucket that is filled.
    extent: Option<(f64, f64)>,
}

/// Curves at the same positions.
#[derive(Clone, Debug, Default, PartialEq)]
struct Timeline {
    /// Positions in the first run.
    at: Vec<f64>,
    curves: Vec<Vec<Moments>>,
    /// Points of the run that has the fewest.
    shortest: usize,
    runs: u64,
}

/// What goes to the first network, of a segment of customers.
#[derive(Clone, Debug, PartialEq)]
struct Segment {
    name: String,
    shares: Timeline,
}

impl Gathered {
    /// Of no runs of so many platforms.
    #[must_use]
    pub fn new(platforms: usize) -> Self {
        Self(vec![Platform::default(); platforms])
    }

    /// Of runs that have not forgotten their courses.
    #[must_use]
    pub fn of(runs: &[Run], platforms: usize) -> Self {
        let mut all = Self::new(platforms);
        for run in runs {
            all.add(run);
        }
        all
    }

    /// Adds all that a run was like.
    pub fn add(&mut self, run: &Run) {
        self.add_latencies(run);
        self.add_samples(run);
        self.add_epochs(run);
        self.add_lorenz(run);
    }

    pub(crate) fn add_latencies(&mut self, run: &Run) {
        let all = &mut self.0[run.platform].latencies;
        for (distribution, latency) in all.iter_mut().zip(Latency::ALL) {
            distribution.add(&run.latencies[latency]);
        }
    }

    pub(crate) fn add_samples(&mut self, run: &Run) {
        let seconds = |index: usize| run.samples[index].at.as_secs_f64();
        let value = |series: usize, index: usize| {
            let before = if index == 0 { 0.0 } else { seconds(index - 1) };
            Series::ALL[series].value(&run.samples[index], seconds(index) - before)
        };
        let hours = |index| seconds(index) / 3600.0;
        let all = &mut self.0[run.platform].samples;
        all.add(Series::ALL.len(), run.samples.len(), hours, value);
    }

    pub(crate) fn add_epochs(&mut self, run: &Run) {
        if run.series.rows.is_empty() {
            return;
        }
        let platform = &mut self.0[run.platform];
        let years = |index: usize| run.series.days[index] / 365.0;
        let finite = |quantity: usize, index: usize| {
            let value = run.series.rows[index][Quantity::ALL[quantity]];
            value.is_finite().then_some(value)
        };
        let epochs = run.series.rows.len();
        platform
            .epochs
            .add(Quantity::ALL.len(), epochs, years, finite);
        for (index, (name, shares)) in run.series.segments.iter().enumerate() {
            if platform.segments.len() <= index {
                platform.segments.push(Segment {
                    name: name.clone(),
                    shares: Timeline::default(),
                });
            }
            let all = &mut platform.segments[index].shares;
            all.add(1, shares.len(), years, |_, index| Some(shares[index]));
        }
    }

    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn add_lorenz(&mut self, run: &Run) {
        let points = run.lorenz.len();
        if points > 1 {
            let share = |index| index as f64 / (points - 1) as f64;
            let all = &mut self.0[run.platform].lorenz;
            all.add(1, points, share, |_, index| Some(run.lorenz[index]));
        }
    }
}

impl Distribution {
    fn add(&mut self, histogram: &LogHistogram) {
        if histogram.count() == 0 {
            return;
        }
        let grid = octaves();
        self.below.resize(grid.len(), Moments::new());
        for (moments, share) in self.below.iter_mut().zip(cumulative(histogram, &grid)) {
            moments.record(share);
        }
        for (lower, upper, _) in histogram.iter() {
            if lower > 0.0 && upper.is_finite() {
                let (lowest, highest) = self.extent.unwrap_or((lower, upper));
                self.extent = Some((lowest.min(lower), highest.max(upper)));
            }
        }
    }
}

impl Timeline {
    fn add(
        &mut self,
        curves: usize,
        points: usize,
        at: impl Fn(usize) -> f64,
        value: impl Fn(usize, usize) -> Option<f64>,
    ) {
        if self.runs == 0 {
            self.at = (0..points).map(at).collect();
            self.curves = vec![vec![Moments::new(); points]; curves];
            self.shortest = points;
        }
        self.runs += 1;
        self.shortest = self.shortest.min(points);
        for (curve, points) in self.curves.iter_mut().enumerate() {
            for (index, moments) in points[..self.shortest].iter_mut().enumerate() {
                if let Some(value) = value(curve, index) {
                    moments.record(value);
                }
            }
        }
    }

    fn points(&self, curve: usize, range: Range) -> Option<Vec<Point>> {
        let moments = self.curves.get(curve)?[..self.shortest].iter();
        Some(band(self.at.iter().copied().zip(moments), range))
    }
}

/// Points of a distribution per doubling of the latency; a power of two up to 128 falls on edges of the histogram.
const PER_OCTAVE: u32 = 16;

/// Octaves that a histogram covers, above and below one.
const OCTAVES: i32 = 30;

/// Where shares are counted: evenly within each octave, on edges of the histogram.
fn octaves() -> Vec<f64> {
    let steps = |octave: i32| {
        let step =
            move |step| f64::from(octave).exp2() * (1.0 + f64::from(step) / f64::from(PER_OCTAVE));
        (0..PER_OCTAVE).map(step)
    };
    let mut grid: Vec<f64> = (-OCTAVES..OCTAVES).flat_map(steps).collect();
    grid.push(f64::from(OCTAVES).exp2());
    grid
}

/// The share of measured requests or jobs at or below each latency, per platform.
///
/// The grid lies on edges of the histogram, so that the shares are exact.
#[must_use]
pub fn distribution(experiment: &Experiment, latency: Latency) -> Vec<Curve> {
    per_platform(experiment, |platform| {
        let all = &platform.latencies[latency as usize];
        let (lowest, highest) = all.extent?;
        // From the point at or below the lowest value to the one at or above the highest.
        let grid = octaves();
        let first = grid.partition_point(|x| *x <= lowest).saturating_sub(1);
        let last = grid.partition_point(|x| *x < highest).min(grid.len() - 1);
        let points = grid.into_iter().zip(&all.below);
        Some(band(
            points.skip(first).take(last + 1 - first),
            Range::Share,
        ))
    })
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
    const ALL: [Self; 9] = [
        Self::NodesUp,
        Self::BusyShare,
        Self::JobsLive,
        Self::Submitted,
        Self::WithinSlo,
        Self::Goodput,
        Self::Lost,
        Self::Cost,
        Self::BaseFee,
    ];

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
    per_platform(experiment, |platform| {
        platform.samples.points(series as usize, series.range())
    })
}

/// A quantity of economies over time [years], per economy.
#[must_use]
pub fn over_years(experiment: &Experiment, quantity: Quantity) -> Vec<Curve> {
    per_platform(experiment, |platform| {
        platform
            .epochs
            .points(quantity as usize, Range::NonNegative)
    })
}

/// Names of the segments of customers, if they are told apart.
#[must_use]
pub fn segments(experiment: &Experiment) -> Vec<String> {
    let all = experiment.gathered();
    let mut of_platforms = all.0.iter().map(|platform| &platform.segments);
    let segments = of_platforms.find(|segments| !segments.is_empty());
    let segments = segments.into_iter().flatten();
    segments.map(|segment| segment.name.clone()).collect()
}

/// Of a segment of customers the share of its work that goes to the first network over time [years], per economy.
#[must_use]
pub fn of_segment(experiment: &Experiment, segment: usize) -> Vec<Curve> {
    per_platform(experiment, |platform| {
        let shares = &platform.segments.get(segment)?.shares;
        shares.points(0, Range::Share)
    })
}

/// The share of owner revenue that goes to the poorest share of owners, per platform with many owners.
#[must_use]
pub fn lorenz(experiment: &Experiment) -> Vec<Curve> {
    per_platform(experiment, |platform| {
        platform.lorenz.points(0, Range::Share)
    })
}

/// One curve for each platform that has points.
fn per_platform(
    experiment: &Experiment,
    curve: impl Fn(&Platform) -> Option<Vec<Point>>,
) -> Vec<Curve> {
    let all: Cow<'_, Gathered> = experiment.gathered();
    let one = |(platform, gathered)| {
        curve(gathered)
            .filter(|points| !points.is_empty())
            .map(|points| Curve {
                platform,
                points: thinned(points),
            })
    };
    all.0.iter().enumerate().filter_map(one).collect()
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

/// A point wherever any replication has a value.
fn band<'m>(points: impl Iterator<Item = (f64, &'m Moments)>, range: Range) -> Vec<Point> {
    let point = |(x, moments)| {
        let y = estimate_of(moments, range)?;
        Some(Point { x, y })
    };
    points.filter_map(point).collect()
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
        let mut all = Timeline::default();
        for _ in 0..2 {
            all.add(1, days.len(), |day| days[day], |_, day| Some(value(day)));
        }
        let all = all.points(0, Range::Any).unwrap();
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
        let grid = octaves();
        for (x, share) in grid.iter().zip(cumulative(&histogram, &grid)) {
            assert!(
                (share - (1.0 - (-x).exp())).abs() < 1.1e-5,
                "{share} at {x}"
            );
        }
        assert!(grid.is_sorted() && grid.contains(&1.0) && grid.contains(&1.0625));
    }
}
