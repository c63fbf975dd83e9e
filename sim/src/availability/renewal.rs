//! Alternating renewal processes: stays and absences drawn one after the other, each without memory of those before.
//!
//! A node of several hosts is there while all of them are: its stay is the shortest of as many draws, its absence that of the host
//! that left. The ages of the others are forgotten when it returns, which overstates stays with a decreasing hazard.

use walras_des::{Dist, Span, Stream};

use super::hours;

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

    /// A node of `hosts` hosts in the stationary regime: whether it is up, and for how long it stays so.
    pub(super) fn begin(&self, hosts: u32, stream: &mut Stream) -> (bool, Span) {
        let up = self
            .availability()
            .is_none_or(|share| (0..hosts).all(|_| stream.uniform() < share));
        let (current, draws) = self.phase(up, hosts);
        let left = shortest(draws, || {
            current
                .residual(stream)
                .unwrap_or_else(|| current.sample(stream))
        });
        (up, hours(left))
    }

    /// Draws the next stay (`up`) or absence of a node of `hosts` hosts.
    pub(super) fn next(&self, up: bool, hosts: u32, stream: &mut Stream) -> Span {
        let (current, draws) = self.phase(up, hosts);
        hours(shortest(draws, || current.sample(stream)))
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

/// The least of `draws` values.
fn shortest(draws: u32, mut draw: impl FnMut() -> f64) -> f64 {
    let first = draw();
    (1..draws).fold(first, |least, _| least.min(draw()))
}
