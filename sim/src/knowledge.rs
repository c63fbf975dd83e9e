//! What the dispatcher of a platform is told: how late it learns the state of nodes, and how well it knows the length of an answer.
//!
//! State: Mitzenmacher, "How useful is old information?", IEEE TPDS 11(1), 2000, whose periodic update and individual update these
//! are. Estimates: the imodes of Beránek, Böhm and Cima, "Analysis of workflow schedulers in simulated distributed environments",
//! J. Supercomputing 78, 2022.

use walras_des::{Span, Stream, math};

/// What the dispatcher of a platform is told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Knowledge {
    /// How late it learns how many jobs a node holds.
    pub state: State,
    /// How well it knows the length of an answer.
    pub estimates: Estimates,
}

/// How late the dispatcher learns how many jobs a node holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// At once.
    #[default]
    Fresh,
    /// All nodes report together: a board that is written anew from time to time.
    Periodic(Reports),
    /// Every node reports at times of its own, the first at a random one.
    Gossip(Reports),
}

/// Reports of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reports {
    /// Time between two reports of a node.
    pub every: Span,
    /// Whether the dispatcher adds to a report what it has sent since, as one that is alone can. If not, it is one of many.
    pub adds_own: bool,
}

impl State {
    /// How nodes report, unless at once.
    #[must_use]
    pub fn reports(self) -> Option<Reports> {
        match self {
            Self::Fresh => None,
            Self::Periodic(reports) | Self::Gossip(reports) => Some(reports),
        }
    }
}

/// How well the dispatcher knows the length of an answer before it is given.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Estimates {
    /// Nothing of the single request: the mean of the workload stands for each.
    #[default]
    None,
    /// The true length times `exp(σZ − σ²/2)` with a standard normal `Z`: right on the average.
    Noisy {
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// What its customer asks for: uniform between the true length and `factor + 1` times it, the f-model of Mu'alem and Feitelson,
    /// IEEE TPDS 12(6), 2001.
    User {
        /// How much too large it is at most, relative to the true length.
        factor: f64,
    },
    /// The true length.
    Exact,
}

impl Estimates {
    /// The estimate of an answer of `length` tokens, at least one, in a workload with this mean; `stream` is drawn from only if
    /// there is an error to draw.
    pub fn of(self, length: u32, mean: u32, stream: &mut Stream) -> u32 {
        let scaled = |factor: f64| (f64::from(length) * factor).round().max(1.0) as u32;
        match self {
            Self::None => mean,
            Self::Noisy { sigma } => {
                scaled(math::exp(sigma * stream.normal() - sigma * sigma / 2.0))
            }
            Self::User { factor } => scaled(1.0 + factor * stream.uniform()),
            Self::Exact => length,
        }
    }
}

#[cfg(test)]
mod tests {
    use walras_des::{Purpose, Streams};

    use super::*;

    /// Noise has mean one and the stated standard deviation of the logarithm; what users ask for is `1 + f/2` times as long on the
    /// average, and never less than what they need (n = 200,000, seed 1; five standard errors).
    #[test]
    fn errors_are_as_stated() {
        let mut stream = Streams::new(1, 0).open(Purpose::new("test"), 0);
        let (n, length) = (200_000_u32, 100_000_u32);
        let mut ratios = |estimates: Estimates| -> Vec<f64> {
            let of = |_| f64::from(estimates.of(length, 7, &mut stream)) / f64::from(length);
            (0..n).map(of).collect()
        };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / f64::from(n);
        let noisy = ratios(Estimates::Noisy { sigma: 0.5 });
        let spread = ((0.25_f64.exp() - 1.0) / f64::from(n)).sqrt();
        assert!((mean(&noisy) - 1.0).abs() < 5.0 * spread);
        let squares: Vec<f64> = noisy.iter().map(|x| (x.ln() + 0.125).powi(2)).collect();
        assert!((mean(&squares) - 0.25).abs() < 5.0 * 0.25 * (2.0 / f64::from(n)).sqrt());
        let user = ratios(Estimates::User { factor: 3.0 });
        let spread = 3.0 / (12.0 * f64::from(n)).sqrt();
        assert!((mean(&user) - 2.5).abs() < 5.0 * spread);
        assert!(user.iter().all(|x| (1.0..=4.0).contains(x)));
        assert_eq!(ratios(Estimates::Exact)[0], 1.0);
        assert_eq!(Estimates::None.of(length, 7, &mut stream), 7);
    }
}
