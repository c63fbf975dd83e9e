//! When a node is there: alternating renewal processes of up and down times.

use walras_des::{Dist, Span, Stream};

/// An alternating renewal process; both distributions are in hours.
#[derive(Clone, Debug, PartialEq)]
pub struct Renewal {
    /// Length of an uninterrupted stay [h].
    pub up: Dist,
    /// Length of an absence [h].
    pub down: Dist,
}

impl Renewal {
    /// Long-run share of time up, `E[up] / (E[up] + E[down])`, when both means are finite.
    #[must_use]
    pub fn availability(&self) -> Option<f64> {
        let (up, down) = (self.up.mean()?, self.down.mean()?);
        Some(up / (up + down))
    }
}

/// How a class of nodes comes and goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Availability {
    /// Never leaves.
    Always,
    /// Each node draws one of these classes, with the given weights.
    Renewal(Vec<(f64, Renewal)>),
}

/// The life of one node: its class, and what remains of the stay it is in.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    class: Option<u32>,
}

impl Availability {
    /// Starts a life in the stationary regime: `(life, up now?, time to the next change)`.
    /// `None` as the time means that no change is ahead.
    #[must_use]
    pub fn begin(&self, stream: &mut Stream) -> (Life, bool, Option<Span>) {
        let Self::Renewal(classes) = self else {
            return (Life { class: None }, true, None);
        };
        let class = pick(classes.iter().map(|(weight, _)| *weight), stream.uniform());
        let renewal = &classes[class].1;
        let up = renewal
            .availability()
            .is_none_or(|share| stream.uniform() < share);
        let current = if up { &renewal.up } else { &renewal.down };
        let left = current
            .residual(stream)
            .unwrap_or_else(|| current.sample(stream));
        (
            Life {
                class: u32::try_from(class).ok(),
            },
            up,
            Some(hours(left)),
        )
    }

    /// Draws the next stay (`up`) or absence of a life; `None` when it never ends.
    #[must_use]
    pub fn next(&self, life: Life, up: bool, stream: &mut Stream) -> Option<Span> {
        let (Self::Renewal(classes), Some(class)) = (self, life.class) else {
            return None;
        };
        let renewal = &classes[class as usize].1;
        let dist = if up { &renewal.up } else { &renewal.down };
        Some(hours(dist.sample(stream)))
    }
}

/// Index of the weight that `uniform` in `[0, 1)` falls on.
#[must_use]
pub fn pick(weights: impl Iterator<Item = f64> + Clone, uniform: f64) -> usize {
    let total: f64 = weights.clone().sum();
    let mut left = uniform * total;
    let mut last = 0;
    for (index, weight) in weights.enumerate() {
        if weight > 0.0 {
            last = index;
            if left < weight {
                return index;
            }
        }
        left -= weight;
    }
    last
}

/// A stay of at least a millisecond (a shorter one cannot be observed) and at most a century.
fn hours(value: f64) -> Span {
    Span::from_secs_f64((value * 3600.0).clamp(1e-3, 3.15e9))
}
