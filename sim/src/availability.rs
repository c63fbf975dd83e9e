//! When a node is there: alternating renewal processes of up and down times.
//!
//! A node of several hosts is there while all of them are: its stay is the shortest of as many draws, its absence that of the host
//! that left. The ages of the others are forgotten when it returns, which overstates stays with a decreasing hazard.

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

    /// The distribution of a stay or an absence of a node of `hosts` hosts, and how many draws compete for it.
    fn phase(&self, up: bool, hosts: u32) -> (&Dist, u32) {
        if up {
            (&self.up, hosts)
        } else {
            (&self.down, 1)
        }
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
    /// Starts the life of a node of `hosts` hosts in the stationary regime: `(life, up now?, time to the next change)`.
    /// `None` as the time means that no change is ahead.
    #[must_use]
    pub fn begin(&self, hosts: u32, stream: &mut Stream) -> (Life, bool, Option<Span>) {
        let Self::Renewal(classes) = self else {
            return (Life { class: None }, true, None);
        };
        let class = pick(classes.iter().map(|(weight, _)| *weight), stream.uniform());
        let renewal = &classes[class].1;
        let up = renewal
            .availability()
            .is_none_or(|share| (0..hosts).all(|_| stream.uniform() < share));
        let (current, draws) = renewal.phase(up, hosts);
        let left = shortest(draws, || {
            current
                .residual(stream)
                .unwrap_or_else(|| current.sample(stream))
        });
        (
            Life {
                class: u32::try_from(class).ok(),
            },
            up,
            Some(hours(left)),
        )
    }

    /// Draws the next stay (`up`) or absence of a node of `hosts` hosts; `None` when it never ends.
    #[must_use]
    pub fn next(&self, life: Life, up: bool, hosts: u32, stream: &mut Stream) -> Option<Span> {
        let (Self::Renewal(classes), Some(class)) = (self, life.class) else {
            return None;
        };
        let renewal = &classes[class as usize].1;
        let (current, draws) = renewal.phase(up, hosts);
        Some(hours(shortest(draws, || current.sample(stream))))
    }
}

/// The least of `draws` values.
fn shortest(draws: u32, mut draw: impl FnMut() -> f64) -> f64 {
    let first = draw();
    (1..draws).fold(first, |least, _| least.min(draw()))
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

#[cfg(test)]
mod tests {
    use walras_des::{Purpose, Streams};

    use super::*;

    /// The shortest of n exponential stays of mean 1 h has mean 1/n h; the absence stays that of one host. 20,000 draws, seed 1:
    /// the standard error of a mean is 0.7 %.
    #[test]
    fn a_chain_is_there_while_all_its_hosts_are() {
        let law = Dist::exponential(1.0).expect("a mean");
        let availability = Availability::Renewal(vec![(
            1.0,
            Renewal {
                up: law.clone(),
                down: law,
            },
        )]);
        let mut stream = Streams::new(1, 0).open(Purpose::new("stays"), 0);
        for (hosts, up, expected) in [(1, true, 1.0), (4, true, 0.25), (4, false, 1.0)] {
            let (life, ..) = availability.begin(hosts, &mut stream);
            let draws = 20_000;
            let total: f64 = (0..draws)
                .map(|_| availability.next(life, up, hosts, &mut stream))
                .map(|stay| stay.expect("it ends").as_secs_f64() / 3600.0)
                .sum();
            let mean = total / f64::from(draws);
            assert!(
                (mean / expected - 1.0).abs() < 0.04,
                "{hosts} hosts: {mean} h"
            );
        }
    }
}
