//! Gittins index: who is the likeliest to end soon for what it still costs comes first, of whom nothing is known but the
//! distribution of sizes (Gittins, J. Royal Statistical Society B 41, 1979; Aalto, Ayesta and Righter, Queueing Systems 63, 2009).

use walras_des::{Dist, Purpose, Span, Streams};

use crate::cluster::TaskId;
use crate::cluster::policy::ordered::Ordering;
use crate::cluster::view::View;

/// The largest index first, pushing out what has less.
///
/// No policy that does not know sizes has a shorter mean response time on one server with Poisson arrivals. Where the hazard rate of
/// sizes rises it is first come, first served; where it falls, least attained service. What a task has had is all that it was given:
/// what was lost with a node or took to bring inputs has been had as well.
#[derive(Clone, Debug)]
pub struct Gittins {
    sizes: Sizes,
}

impl Gittins {
    /// By the distribution of sizes.
    #[must_use]
    pub fn new(sizes: Sizes) -> Self {
        Self { sizes }
    }
}

impl Ordering for Gittins {
    const PREEMPTIVE: bool = true;

    fn key(&self, task: TaskId, view: &View<'_>) -> f64 {
        let attained = view.task(task).served(view.now());
        -self.sizes.index(attained.as_secs_f64())
    }

    fn falls_behind_after(&self, task: TaskId, view: &View<'_>) -> Option<Span> {
        let card = view.task(task);
        let attained = card.served(view.now()).as_secs_f64();
        self.sizes.next_fall(attained).map(Span::from_secs_f64)
    }
}

/// A distribution of sizes [s of work on nodes of speed one], uniform between quantiles.
///
/// Within such a piece the hazard rate and the index rise, so that the index falls at ends of pieces only: there is no sharing
/// between tasks, and the more pieces, the closer to the index of a smooth distribution.
#[derive(Clone, Debug)]
pub struct Sizes {
    points: Vec<Point>,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    size: f64,
    /// Probability of a size up to this one.
    below: f64,
    /// E[min(size, S)]: what a task costs on average up to here [s].
    spent: f64,
    /// Index of a task that has reached this point [1/s].
    index: f64,
    /// Whether the index is less than just before.
    falls: bool,
}

/// Sizes that are drawn where a distribution has no quantiles in closed form.
const DRAWS: u32 = 200_000;

impl Sizes {
    /// From quantiles: pairs of a probability and the size [s] that is reached by no more, in order; the first with probability zero
    /// and the last with one. Equal sizes are an atom.
    ///
    /// # Errors
    /// What is wrong with them, with the value.
    pub fn quantiles(points: &[(f64, f64)]) -> Result<Self, String> {
        let [(first, _), .., (last, _)] = points else {
            return Err(format!(
                "{} quantiles say nothing of sizes: give the smallest and the largest at least",
                points.len()
            ));
        };
        if *first != 0.0 || *last != 1.0 {
            return Err(format!(
                "quantiles go from {first} to {last}, and should from 0 to 1"
            ));
        }
        let mut before = (0.0, 0.0);
        for &(p, size) in points {
            if !(size >= 0.0 && size.is_finite()) {
                return Err(format!("a size of {size} s is not a positive number"));
            }
            if p < before.0 || size < before.1 || p.is_nan() {
                return Err(format!(
                    "the quantile {size} s at {p} comes after {} s at {}: both should rise",
                    before.1, before.0
                ));
            }
            before = (p, size);
        }
        if before.1 == 0.0 {
            return Err("no size is greater than 0 s".to_owned());
        }
        let mut steps: Vec<(f64, f64)> = Vec::with_capacity(points.len() + 1);
        if points[0].1 > 0.0 {
            steps.push((0.0, 0.0));
        }
        steps.extend_from_slice(points);
        Ok(Self::of_steps(&steps))
    }

    /// Of a distribution [s], in `pieces` of equal probability, of which the last is divided into finer and finer ones.
    ///
    /// # Errors
    /// If `pieces` is zero, or sizes cannot be positive.
    pub fn of(sizes: &Dist, pieces: u32) -> Result<Self, String> {
        if pieces == 0 {
            return Err("0 pieces are no distribution: 200 are many".to_owned());
        }
        let each = 1.0 / f64::from(pieces);
        let mut probabilities: Vec<f64> =
            (0..pieces).map(|piece| f64::from(piece) * each).collect();
        let mut tail = each;
        for _ in 0..TAIL {
            tail /= FINER;
            probabilities.push(1.0 - tail);
        }
        let drawn = if sizes.quantile(0.5).is_none() {
            let mut stream = Streams::new(0, 0).open(Purpose::new("gittins"), 0);
            let mut drawn: Vec<f64> = (0..DRAWS).map(|_| sizes.sample(&mut stream)).collect();
            drawn.sort_by(f64::total_cmp);
            drawn
        } else {
            Vec::new()
        };
        let quantile = |p: f64| {
            let size = sizes.quantile(p);
            size.unwrap_or_else(|| drawn[((p * f64::from(DRAWS)) as usize).min(drawn.len() - 1)])
        };
        let mut points: Vec<(f64, f64)> = probabilities
            .into_iter()
            .map(|p| (p, quantile(p).max(0.0)))
            .collect();
        let largest = points.last().map_or(0.0, |&(_, size)| size);
        points.push((1.0, largest));
        Self::quantiles(&points)
    }

    fn of_steps(steps: &[(f64, f64)]) -> Self {
        let mut points: Vec<Point> = Vec::with_capacity(steps.len());
        for &(below, size) in steps {
            let spent = points.last().map_or(0.0, |last| {
                last.spent + (size - last.size) * (1.0 - f64::midpoint(last.below, below))
            });
            points.push(Point {
                size,
                below,
                spent,
                index: 0.0,
                falls: true,
            });
        }
        for at in 0..points.len() - 1 {
            points[at].index = steepest(&points[at + 1..], points[at].below, points[at].spent);
            // The hazard rate at the end of the piece before: its index there, if no later point is better.
            let hazard = at.checked_sub(1).map_or(0.0, |before| {
                let rise = points[at].below - points[before].below;
                rise / (points[at].size - points[before].size) / (1.0 - points[at].below)
            });
            points[at].falls = hazard > points[at].index * (1.0 + 1e-9);
        }
        Self { points }
    }

    /// The index of a task that has had this much [s] without ending [1/s]: the most, over all sizes b above it, of the probability
    /// that it ends before it has had b, for each second that it has had until then on average. Nothing is known of a task that is
    /// larger than all: its index is zero.
    #[must_use]
    pub fn index(&self, attained: f64) -> f64 {
        let next = self.next(attained);
        let (Some(to), Some(from)) = (self.points.get(next), next.checked_sub(1)) else {
            return 0.0;
        };
        let from = self.points[from];
        if attained <= from.size {
            return from.index;
        }
        let part = (attained - from.size) / (to.size - from.size);
        let below = from.below + part * (to.below - from.below);
        let spent = from.spent + (attained - from.size) * (1.0 - f64::midpoint(from.below, below));
        steepest(&self.points[next..], below, spent)
    }

    /// Work to the next fall of the index [s]; `None` beyond the largest size.
    fn next_fall(&self, attained: f64) -> Option<f64> {
        let mut after = self.points[self.next(attained)..].iter();
        let fall = after.find(|point| point.falls);
        fall.map(|point| point.size - attained)
    }

    /// The first point of a greater size.
    fn next(&self, attained: f64) -> usize {
        self.points.partition_point(|point| point.size <= attained)
    }
}

/// Pieces into which the last is divided: to a probability of 10⁻⁶ of it.
const TAIL: u32 = 24;
const FINER: f64 = 1.778_279_410_038_923; // 10^(1/4)

/// The largest ratio of the probability to end until one of `points` to the cost of getting there.
fn steepest(points: &[Point], below: f64, spent: f64) -> f64 {
    let ratio = |point: &Point| {
        let (ends, costs) = (point.below - below, point.spent - spent);
        if ends > 0.0 { ends / costs } else { 0.0 }
    };
    points.iter().map(ratio).fold(0.0, f64::max)
}
