//! Reputation-aware: the node that has kept its word most often.
//!
//! Jøsang, Ismail, "The beta reputation system", Bled eCommerce Conference, 2002.

use walras_des::Stream;

use crate::ids::{JobId, NodeId};
use crate::scheduling::random::best_of;
use crate::scheduling::{Cause, Pick};
use crate::view::View;

/// Of `d` random eligible nodes, the one that most probably delivers: with `r` deliveries and `s` losses seen so far,
/// `(r + prior) / (r + s + 2 prior)`, the mean of a beta distribution that starts even.
#[derive(Clone, Debug)]
pub struct ReputationAware {
    d: u32,
    prior: f64,
    /// By node.
    seen: Vec<Record>,
    stream: Stream,
}

#[derive(Clone, Copy, Debug, Default)]
struct Record {
    delivered: u32,
    lost: u32,
}

impl ReputationAware {
    /// The policy with `d` choices and so many deliveries, and as many losses, imagined of each node at the start, drawing from
    /// `stream`.
    #[must_use]
    pub fn new(d: u32, prior: f64, stream: Stream) -> Self {
        Self {
            d,
            prior,
            seen: Vec::new(),
            stream,
        }
    }
}

impl Record {
    fn reputation(self, prior: f64) -> f64 {
        let (delivered, lost) = (f64::from(self.delivered), f64::from(self.lost));
        (delivered + prior) / (delivered + lost + 2.0 * prior)
    }
}

impl Pick for ReputationAware {
    fn notice(&mut self, cause: Cause, view: &View<'_>) {
        self.seen.resize(view.node_count(), Record::default());
        match cause {
            Cause::SlotFreed(node) => self.seen[node.index()].delivered += 1,
            Cause::JobLost(job) => {
                if let Some(node) = view.job(job).last_node() {
                    self.seen[node.index()].lost += 1;
                }
            }
            _ => {}
        }
    }

    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        let Self {
            d,
            prior,
            seen,
            stream,
        } = self;
        best_of(*d, job, view, stream, |node| {
            seen[node.index()].reputation(*prior)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published example of the beta system: 7 good and 1 bad outcome after a uniform prior have mean 0.8.
    #[test]
    fn reputation_is_the_mean_of_a_beta_distribution() {
        let record = Record {
            delivered: 7,
            lost: 1,
        };
        assert!((record.reputation(1.0) - 0.8).abs() < 1e-12);
        assert_eq!(Record::default().reputation(1.0), 0.5);
    }
}
