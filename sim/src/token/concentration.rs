//! How concentrated stakes, rewards or jobs are: Gini, Herfindahl–Hirschman, entropy, Theil, and the Nakamoto coefficient in both of its
//! conventions.
//!
//! Zeros count as participants; leave them out if they should not. All take shares from values that are not negative, in any order, and
//! sum in a fixed order, so that the same values give the same bits. Vectors: Blockchain-Technology-Lab/tokenomics-decentralization
//! (University of Edinburgh) at d854a8df, in `walras validate protocols`.

use walras_des::math;

/// Values in ascending order, with their sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Holdings {
    sorted: Vec<f64>,
    sum: f64,
}

impl Holdings {
    /// Of these values; `None` if there are none or all are zero.
    ///
    /// # Panics
    /// If a value is negative or not finite.
    #[must_use]
    pub fn new(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        for value in &sorted {
            assert!(
                *value >= 0.0 && value.is_finite(),
                "a holding must be finite and not negative, not {value}"
            );
        }
        sorted.sort_by(f64::total_cmp);
        let sum = sorted.iter().sum();
        (sum > 0.0).then_some(Self { sorted, sum })
    }

    /// How many hold, the zeros included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// `2·Σ i·xᵢ / (n·Σ xᵢ) − (n + 1)/n` over ascending values: 0 if all are equal, `1 − 1/n` if one has all. No correction for small n.
    #[must_use]
    pub fn gini(&self) -> f64 {
        let n = self.sorted.len() as f64;
        let ranked = self.sorted.iter().enumerate();
        let weighted: f64 = ranked.map(|(at, value)| (at + 1) as f64 * value).sum();
        2.0 * weighted / (n * self.sum) - (n + 1.0) / n
    }

    /// The sum of squared shares, from 1/n to 1; times 10,000 it is the index of competition authorities.
    #[must_use]
    pub fn herfindahl(&self) -> f64 {
        let shares = self.sorted.iter().map(|value| value / self.sum);
        shares.map(|share| share * share).sum()
    }

    /// Shannon's entropy of the shares [bit], from 0 to log₂ n.
    #[must_use]
    pub fn entropy(&self) -> f64 {
        let positive = self.sorted.iter().filter(|value| **value > 0.0);
        let shares = positive.map(|value| value / self.sum);
        let nats: f64 = shares.map(|share| -share * math::ln(share)).sum();
        nats / std::f64::consts::LN_2
    }

    /// Theil's T, from 0 to ln n: what the entropy [nat] falls short of its largest.
    #[must_use]
    pub fn theil(&self) -> f64 {
        math::ln(self.sorted.len() as f64) - self.entropy() * std::f64::consts::LN_2
    }

    /// The largest share.
    #[must_use]
    pub fn largest_share(&self) -> f64 {
        self.sorted.last().map_or(0.0, |value| value / self.sum)
    }

    /// What the largest holders have of all, when they are this share of the holders; a part of one holder counts as that part.
    #[must_use]
    pub fn share_of_top(&self, share: f64) -> f64 {
        let mut left = share * self.sorted.len() as f64;
        let mut held = 0.0;
        for value in self.sorted.iter().rev() {
            held += value * left.clamp(0.0, 1.0);
            left -= 1.0;
        }
        held / self.sum
    }

    /// The fewest that together hold at least `threshold` of all (tokenomics-decentralization counts so).
    #[must_use]
    pub fn nakamoto_at_least(&self, threshold: f64) -> usize {
        self.fewest(|held| held >= threshold * self.sum)
    }

    /// The fewest that together hold more than `threshold` of all: with one half, who could pass any vote alone.
    #[must_use]
    pub fn nakamoto_above(&self, threshold: f64) -> usize {
        self.fewest(|held| held > threshold * self.sum)
    }

    /// The fewest, largest first, until `enough`.
    fn fewest(&self, enough: impl Fn(f64) -> bool) -> usize {
        let mut held = 0.0;
        for (at, value) in self.sorted.iter().rev().enumerate() {
            held += value;
            if enough(held) {
                return at + 1;
            }
        }
        self.sorted.len()
    }
}

/// The Gini coefficient of a distribution, by its name; what large samples must show.
pub mod gini_of {
    /// Uniform from zero.
    pub const UNIFORM: f64 = 1.0 / 3.0;
    /// Exponential.
    pub const EXPONENTIAL: f64 = 0.5;

    /// Pareto with shape `a` above one half.
    #[must_use]
    pub fn pareto(a: f64) -> f64 {
        1.0 / (2.0 * a - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64]) -> Holdings {
        Holdings::new(values).expect("someone holds something")
    }

    #[test]
    fn nakamoto_differs_by_convention() {
        let three = of(&[3.0, 2.0, 1.0]);
        assert_eq!(
            (three.nakamoto_at_least(0.5), three.nakamoto_above(0.5)),
            (1, 2)
        );
        assert_eq!(three.nakamoto_above(1.0), 3);
        assert_eq!(Holdings::new(&[0.0, 0.0]), None);
        assert_eq!(Holdings::new(&[]), None);
    }

    /// Quantiles of known distributions: uniform 1/3, exponential 1/2, Pareto of shape 2 1/3.
    #[test]
    fn gini_of_known_distributions() {
        let n = 20_000;
        let quantile = |inverse: fn(f64) -> f64| -> Vec<f64> {
            (0..n)
                .map(|i| inverse((f64::from(i) + 0.5) / f64::from(n)))
                .collect()
        };
        assert!((of(&quantile(|p| p)).gini() - gini_of::UNIFORM).abs() < 1e-4);
        let exponential = of(&quantile(|p| -(1.0 - p).ln())).gini();
        assert!((exponential - gini_of::EXPONENTIAL).abs() < 1e-3);
        // The top q of an exponential holds q·(1 − ln q).
        let top = of(&quantile(|p| -(1.0 - p).ln())).share_of_top(0.01);
        assert!((top - 0.01 * (1.0 - 0.01_f64.ln())).abs() < 1e-3);
        assert!((of(&[1.0, 3.0]).share_of_top(0.25) - 0.375).abs() < 1e-12);
        let pareto = of(&quantile(|p| (1.0 - p).powf(-0.5))).gini();
        assert!((pareto - gini_of::pareto(2.0)).abs() < 1e-2);
    }

    proptest! {
        #[test]
        fn indices_stay_in_their_ranges(values in prop::collection::vec(0.0..1e9_f64, 1..50), scale in 0.001..1e3_f64) {
            let Some(holdings) = Holdings::new(&values) else { return Ok(()); };
            let n = holdings.count() as f64;
            prop_assert!((-1e-12..=1.0 - 1.0 / n + 1e-12).contains(&holdings.gini()));
            prop_assert!((1.0 / n - 1e-12..=1.0 + 1e-12).contains(&holdings.herfindahl()));
            prop_assert!((-1e-12..=n.log2() + 1e-9).contains(&holdings.entropy()));
            prop_assert!(holdings.theil() > -1e-9);
            prop_assert!(holdings.nakamoto_above(0.5) >= holdings.nakamoto_at_least(0.5));
            // None depends on the unit.
            let scaled: Vec<f64> = values.iter().map(|value| value * scale).collect();
            let scaled = of(&scaled);
            prop_assert!((scaled.gini() - holdings.gini()).abs() < 1e-9);
            prop_assert!((scaled.entropy() - holdings.entropy()).abs() < 1e-9);
        }
    }
}
