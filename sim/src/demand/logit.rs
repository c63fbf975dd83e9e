//! Choice between platforms: multinomial and nested logit.
//!
//! A platform's utility is a sum of what it is like times what that is worth; what a customer sees beside that is random, so that shares
//! are `e^{u_j} / Σ e^{u_k}`. The ratio of two shares does not depend on a third (independence of irrelevant alternatives), and the
//! own-price elasticity is −β p (1 − s). In nests of like platforms that ratio holds within a nest alone: with a dissimilarity λ below one a
//! cheaper platform takes more from its own nest. Daniel McFadden, 1974 and 1978; K. Train, Discrete Choice Methods with Simulation, 2009,
//! chapters 3 and 4.

use walras_des::math;

/// What a platform is like to a customer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Offer {
    /// [USD per unit of work]
    pub price: f64,
    /// [s]
    pub latency: f64,
    /// Probability that a job fails.
    pub failure_risk: f64,
    /// Confidence that results are right, from 0 to 1.
    pub trust: f64,
    /// Confidence that data stay private, from 0 to 1.
    pub privacy: f64,
    /// Everything else [utils].
    pub appeal: f64,
}

/// What it is worth [utils by unit]; all positive, bad things count against an offer. A util is the scale of what differs between customers
/// and is not seen: if tastes differ twice as much, all weights are half.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weights {
    /// By USD per unit of work (β).
    pub price: f64,
    /// By second.
    pub latency: f64,
    /// By certain failure.
    pub failure_risk: f64,
    /// By full trust.
    pub trust: f64,
    /// By full privacy.
    pub privacy: f64,
}

impl Weights {
    /// The weights of a customer with this weight of a dollar [utils by USD per unit], who would pay so many dollars more per unit for a second
    /// less, for certain success over certain failure, for full trust and for full privacy.
    #[must_use]
    pub fn from_worth(
        price: f64,
        latency: f64,
        failure_risk: f64,
        trust: f64,
        privacy: f64,
    ) -> Self {
        Self {
            price,
            latency: price * latency,
            failure_risk: price * failure_risk,
            trust: price * trust,
            privacy: price * privacy,
        }
    }

    /// Weights for work that costs about `price` [USD per unit], so that a small platform has an own-price elasticity of 3 and customers would
    /// pay 5 % more for a second less, 2 % for a per cent fewer failures, half as much again for full trust, and a third for full
    /// privacy.   (assumption)
    #[must_use]
    pub fn assumed(price: f64) -> Self {
        let worth = [0.05, 2.0, 0.5, 1.0 / 3.0].map(|share| share * price);
        let weight = Self::price_for_elasticity(3.0, price, 0.0);
        Self::from_worth(weight, worth[0], worth[1], worth[2], worth[3])
    }

    /// The weight of the price at which a seller with a share at a price has an own-price elasticity: ε = β p (1 − s).
    #[must_use]
    pub fn price_for_elasticity(elasticity: f64, price: f64, share: f64) -> f64 {
        elasticity / (price * (1.0 - share))
    }

    /// What an offer is worth [utils].
    #[must_use]
    pub fn utility(&self, offer: &Offer) -> f64 {
        offer.appeal + self.trust * offer.trust + self.privacy * offer.privacy
            - self.price * offer.price
            - self.latency * offer.latency
            - self.failure_risk * offer.failure_risk
    }
}

/// Shares of platforms with these utilities, which the buffer holds at first: they sum to one. Returns the logarithm of the sum of
/// exponentials, the expected utility of the best of them.
///
/// # Panics
/// If there is no platform.
pub fn shares(utilities: &mut [f64]) -> f64 {
    assert!(
        !utilities.is_empty(),
        "nobody can choose between no platforms"
    );
    let best = utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for utility in &mut *utilities {
        *utility = math::exp(*utility - best);
        sum += *utility;
    }
    for share in &mut *utilities {
        *share /= sum;
    }
    best + math::ln(sum)
}

/// Dollars that a customer would give, in the mean, for the choice between two sets of platforms: the difference of the logarithms that
/// [`shares`] returns over the weight of the price (K. Small, H. Rosen, Econometrica 49, 1981).
#[must_use]
pub fn worth(before: f64, after: f64, price_weight: f64) -> f64 {
    (after - before) / price_weight
}

/// Groups of platforms that are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Nests {
    /// Index of the nest of each platform.
    pub of: Vec<usize>,
    /// How different platforms of each nest are, above 0 (the same to customers) up to 1 (as different as those of other nests).
    pub dissimilarity: Vec<f64>,
}

impl Nests {
    /// Shares as of [`shares`]: `e^{u/λ} / Σ_nest` within a nest, whose own utility is `λ ln Σ_nest e^{u/λ}`.
    ///
    /// # Panics
    /// If a nest is empty or a platform in none.
    pub fn shares(&self, utilities: &mut [f64]) -> f64 {
        assert_eq!(
            self.of.len(),
            utilities.len(),
            "each platform is in one nest"
        );
        let mut best = f64::NEG_INFINITY;
        let mut nests: Vec<(f64, f64)> = vec![(f64::NEG_INFINITY, 0.0); self.dissimilarity.len()];
        for (&nest, utility) in self.of.iter().zip(&*utilities) {
            nests[nest].0 = nests[nest].0.max(*utility);
        }
        for (&nest, utility) in self.of.iter().zip(&mut *utilities) {
            *utility = math::exp((*utility - nests[nest].0) / self.dissimilarity[nest]);
            nests[nest].1 += *utility;
        }
        for ((top, sum), dissimilarity) in nests.iter_mut().zip(&self.dissimilarity) {
            assert!(*sum > 0.0, "a nest needs a platform");
            *top += dissimilarity * math::ln(*sum);
            best = best.max(*top);
        }
        let all: f64 = nests.iter().map(|(top, _)| math::exp(top - best)).sum();
        for (&nest, share) in self.of.iter().zip(&mut *utilities) {
            let (top, sum) = nests[nest];
            *share = *share / sum * math::exp(top - best) / all;
        }
        best + math::ln(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEIGHTS: Weights = Weights {
        price: 1.5,
        latency: 0.2,
        failure_risk: 4.0,
        trust: 1.0,
        privacy: 0.5,
    };

    fn offers() -> Vec<Offer> {
        let offer = |price, latency, failure_risk, trust, privacy| Offer {
            price,
            latency,
            failure_risk,
            trust,
            privacy,
            appeal: 0.0,
        };
        vec![
            offer(2.0, 0.2, 0.001, 0.95, 0.5),
            offer(0.6, 1.5, 0.03, 0.7, 0.3),
            offer(0.8, 0.8, 0.02, 0.8, 0.9),
            offer(1.4, 0.4, 0.01, 0.9, 0.6),
        ]
    }

    fn utilities(offers: &[Offer]) -> Vec<f64> {
        offers.iter().map(|offer| WEIGHTS.utility(offer)).collect()
    }

    fn choose(offers: &[Offer]) -> Vec<f64> {
        let mut shares = utilities(offers);
        super::shares(&mut shares);
        shares
    }

    #[test]
    fn shares_sum_to_one_even_where_exponentials_overflow() {
        for shift in [0.0, 1e4, -1e4] {
            let mut shares: Vec<f64> = utilities(&offers()).iter().map(|u| u + shift).collect();
            let inclusive = super::shares(&mut shares);
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-15);
            assert!((shares[0] / choose(&offers())[0] - 1.0).abs() < 1e-9);
            let sum: f64 = utilities(&offers()).iter().map(|u| u.exp()).sum();
            assert!((inclusive - shift - sum.ln()).abs() < 1e-9);
        }
    }

    /// Two of three alternatives keep their ratio when the third leaves, and two equal ones have equal shares: the red bus and the blue.
    #[test]
    fn irrelevant_alternatives_are_independent() {
        let all = choose(&offers());
        let some = choose(&offers()[..3]);
        assert!((all[0] / all[1] - some[0] / some[1]).abs() < 1e-12);
        let mut buses = vec![0.0, 0.0, 0.0];
        super::shares(&mut buses);
        assert!((buses[0] - 1.0 / 3.0).abs() < 1e-15);
        // In one nest and hardly different the two buses share the half of the traffic that is not the car's.
        let nests = Nests {
            of: vec![0, 1, 1],
            dissimilarity: vec![1.0, 1e-6],
        };
        let mut buses = vec![0.0; 3];
        nests.shares(&mut buses);
        assert!((buses[0] - 0.5).abs() < 1e-6 && (buses[1] - 0.25).abs() < 1e-6);
    }

    /// −β p (1 − s) for the own price and β p s for another's, by central differences.
    #[test]
    fn elasticities_are_those_of_the_logit() {
        let (offers, at) = (offers(), choose(&offers()));
        for moved in 0..4 {
            let step = 1e-6;
            let side = |factor: f64| {
                let mut other = offers.clone();
                other[moved].price *= factor;
                choose(&other)
            };
            let (up, down) = (side(1.0 + step), side(1.0 - step));
            for j in 0..4 {
                let found = (up[j] / down[j]).ln() / (2.0 * step);
                let own = f64::from(u8::from(j == moved));
                let expected = WEIGHTS.price * offers[moved].price * (at[moved] - own);
                assert!((found - expected).abs() < 1e-6, "{found} {expected}");
            }
        }
        let weight = Weights::price_for_elasticity(2.5, 1.4, 0.3);
        assert!((weight * 1.4 * 0.7 - 2.5).abs() < 1e-12);
    }

    /// Train, Discrete Choice Methods, section 4.2: `P_j = e^{V_j/λ} (Σ_nest e^{V/λ})^{λ−1} / Σ_nests (Σ e^{V/λ})^λ`; with all λ = 1 it is the plain
    /// logit, and shares are the derivatives of the inclusive value.
    #[test]
    fn nests_follow_the_textbook() {
        let nests = |dissimilarity: [f64; 2]| Nests {
            of: vec![0, 1, 1, 0],
            dissimilarity: dissimilarity.to_vec(),
        };
        let mut plain = utilities(&offers());
        nests([1.0, 1.0]).shares(&mut plain);
        for (found, expected) in plain.iter().zip(choose(&offers())) {
            assert!((found - expected).abs() < 1e-14);
        }
        let lambda = [0.4, 0.7];
        let values = utilities(&offers());
        let mut found = values.clone();
        let inclusive = nests(lambda).shares(&mut found);
        let sum = |nest: usize, power: f64| -> f64 {
            let members = [[0, 3], [1, 2]][nest];
            let all: f64 = members
                .iter()
                .map(|&j| (values[j] / lambda[nest]).exp())
                .sum();
            all.powf(power)
        };
        let all = sum(0, lambda[0]) + sum(1, lambda[1]);
        assert!((inclusive - all.ln()).abs() < 1e-12);
        for (j, nest) in [(0, 0), (1, 1), (2, 1), (3, 0)] {
            let expected = (values[j] / lambda[nest]).exp() * sum(nest, lambda[nest] - 1.0) / all;
            assert!((found[j] - expected).abs() < 1e-14);
            let mut nudged = values.clone();
            nudged[j] += 1e-6;
            let slope = (nests(lambda).shares(&mut nudged) - inclusive) / 1e-6;
            assert!((slope - found[j]).abs() < 1e-5);
        }
    }

    /// A price that falls is worth the integral of the share that buys at it.
    #[test]
    fn worth_is_an_area_under_demand() {
        let inclusive = |price: f64| {
            let mut other = offers();
            other[1].price = price;
            let mut values = utilities(&other);
            let inclusive = super::shares(&mut values);
            (inclusive, values[1])
        };
        let steps = 10_000;
        let area: f64 = (0..steps)
            .map(|i| inclusive(0.2 + 0.4 * (f64::from(i) + 0.5) / f64::from(steps)).1)
            .sum::<f64>()
            * 0.4
            / f64::from(steps);
        let found = worth(inclusive(0.6).0, inclusive(0.2).0, WEIGHTS.price);
        assert!((found / area - 1.0).abs() < 1e-8);
        // A rise of one per cent costs a small platform three per cent of its customers.
        let mut few = vec![-3.0 * 1.01, 9.0];
        super::shares(&mut few);
        let mut before = vec![-3.0, 9.0];
        super::shares(&mut before);
        assert_eq!(Weights::assumed(2.0).price, 1.5);
        assert!((few[0] / before[0] - (-0.03_f64).exp()).abs() < 1e-6);
        let same = Weights::from_worth(2.0, 0.1, 3.0, 0.5, 0.25);
        assert_eq!(
            (same.latency, same.failure_risk, same.trust, same.privacy),
            (0.2, 6.0, 1.0, 0.5)
        );
    }
}
