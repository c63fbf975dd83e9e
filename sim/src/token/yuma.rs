//! Yuma, Bittensor's consensus: validators weigh servers, weights beyond the stake-weighted median are clipped, and half of the emission
//! goes to servers by clipped weight, half to validators by the bonds they have built to the servers that earn.
//!
//! Computed as the chain does, in fixed point with 32 binary places, rounding down, with weights and bonds stored in 16 bits. Source:
//! opentensor/subtensor at 14bc6f9f, `pallets/subtensor/src/epoch` (its vectors run in `walras validate protocols`). The simulators of
//! others normalise the consensus, which the chain does not. Registration and inactivity, which mask weights on the chain, are the
//! caller's: it passes zero weights.

use std::ops::Add;

use walras_des::math;

use crate::units::Amount;

/// Rules and their parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Yuma {
    /// Share of stake that must support a weight [1/65,535].
    pub kappa: u16,
    /// How far bonds follow clipped weights instead of weights [1/65,535].
    pub bonds_penalty: u16,
    /// What of its bonds a validator keeps each epoch [10⁻⁶].
    pub bonds_kept: u32,
    /// How bonds grow.
    pub bonds: Bonds,
}

/// How bonds grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bonds {
    /// Classic (Yuma 2): bonds to a server are shares of one, bought in proportion to stake times weight.
    Shared,
    /// Yuma 3: each validator's bond to a server moves toward its weight by itself; stake counts when dividends are paid.
    Own,
    /// Yuma 3 with liquid alpha: bonds move the faster, the farther a weight lies beyond the consensus or below the bond.
    Liquid {
        /// Slowest move of an epoch [1/65,535].
        low: u16,
        /// Fastest [1/65,535].
        high: u16,
        /// Steepness of the sigmoid between them [hundredths].
        steepness: i16,
    },
}

impl Default for Yuma {
    /// The chain's defaults for a subnet: κ = ½, no memory of unclipped weights, a tenth of new bonds an epoch.
    fn default() -> Self {
        Self {
            kappa: 32_767,
            bonds_penalty: u16::MAX,
            bonds_kept: 900_000,
            bonds: Bonds::Shared,
        }
    }
}

/// A subnet between epochs: the bond of each validator (row) to each server (column), in 16 bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subnet {
    bonds: Vec<Vec<u16>>,
}

/// What validators have found of servers. Shares are fixed point with 32 binary places, which [`fraction`] reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The weight that at least κ of the stake gives each server.
    pub consensus: Vec<u64>,
    /// Share of each server.
    pub incentive: Vec<u64>,
    /// Share of each validator.
    pub dividends: Vec<u64>,
}

/// A share in fixed point as a number.
#[must_use]
pub fn fraction(share: u64) -> f64 {
    share as f64 / ONE as f64
}

/// What an epoch found, by participant. Shares are fixed point with 32 binary places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// The weight that at least κ of the stake gives each server.
    pub consensus: Vec<u64>,
    /// Share of each as a server.
    pub incentive: Vec<u64>,
    /// Share of each as a validator.
    pub dividends: Vec<u64>,
    /// What each is paid, rounded down; they may sum to a little less than the emission.
    pub emission: Vec<Amount>,
}

/// Fixed point with 32 binary places, not negative.
type Fixed = u64;
const ONE: Fixed = 1 << 32;

fn mul(a: Fixed, b: Fixed) -> Fixed {
    ((u128::from(a) * u128::from(b)) >> 32) as Fixed
}

/// The quotient, or zero where the divisor is.
fn div(a: Fixed, b: Fixed) -> Fixed {
    if a < ONE {
        // The same by the division that hardware has.
        return (a << 32).checked_div(b).unwrap_or(0);
    }
    (u128::from(a) << 32)
        .checked_div(u128::from(b))
        .map_or(0, |quotient| quotient as Fixed)
}

/// Of 65,535.
fn of_u16(value: u16) -> Fixed {
    div(u64::from(value), u64::from(u16::MAX))
}

/// Cut to 16 bits.
fn to_u16(value: Fixed) -> u16 {
    (mul(value, u64::from(u16::MAX) << 32) >> 32).min(u64::from(u16::MAX)) as u16
}

/// Divides by the sum, if there is one.
fn normalise(values: &mut [Fixed]) {
    let sum: Fixed = values.iter().sum();
    if sum > 0 {
        for value in values {
            *value = div(*value, sum);
        }
    }
}

/// A matrix by rows: who weighs, and who is weighed.
type Matrix = Vec<Vec<Fixed>>;

/// Divides each column by what `of` makes of it, if that is not zero.
fn scale_columns(matrix: &mut Matrix, of: impl Fn(Fixed, Fixed) -> Fixed) {
    let mut by = vec![0; matrix.first().map_or(0, Vec::len)];
    for row in matrix.iter() {
        for (by, &value) in by.iter_mut().zip(row) {
            *by = of(*by, value);
        }
    }
    for row in matrix.iter_mut() {
        for (value, &by) in row.iter_mut().zip(&by).filter(|(_, by)| **by > 0) {
            *value = div(*value, by);
        }
    }
}

impl Subnet {
    /// A subnet of so many participants, each of whom may weigh and be weighed, without bonds.
    #[must_use]
    pub fn new(participants: usize) -> Self {
        Self::between(participants, participants)
    }

    /// A subnet of validators who weigh servers and are not weighed, without bonds.
    #[must_use]
    pub fn between(validators: usize, servers: usize) -> Self {
        Self {
            bonds: vec![vec![0; servers]; validators],
        }
    }

    /// The stored bonds, by validator and server.
    #[must_use]
    pub fn bonds(&self) -> &[Vec<u16>] {
        &self.bonds
    }

    /// Passes an epoch of participants with these stakes and weights (row: who weighs; weights of oneself do not count) and divides
    /// `emission`.
    ///
    /// Without weights, emission goes by stake.
    ///
    /// # Panics
    /// If there are not as many stakes, rows and columns as participants.
    pub fn epoch(
        &mut self,
        rules: &Yuma,
        stakes: &[u64],
        weights: &[Vec<u16>],
        emission: u64,
    ) -> Epoch {
        let mut others = weights.to_vec();
        for (own, row) in others.iter_mut().enumerate() {
            if let Some(weight) = row.get_mut(own) {
                *weight = 0;
            }
        }
        let verdict = self.weigh(rules, stakes, &others);
        let Verdict {
            consensus,
            incentive,
            dividends,
        } = verdict;
        let mut combined: Vec<Fixed> = incentive
            .iter()
            .zip(&dividends)
            .map(|(incentive, dividend)| incentive + dividend)
            .collect();
        if combined.iter().all(|&share| share == 0) {
            combined = shares(stakes);
        } else {
            normalise(&mut combined);
        }
        let paid = |&share: &Fixed| {
            Amount(((u128::from(share) * u128::from(emission)) >> 32).cast_signed())
        };
        Epoch {
            emission: combined.iter().map(paid).collect(),
            consensus,
            incentive,
            dividends,
        }
    }

    /// What validators with these stakes and weights (row: who weighs) make of servers, and how bonds move by it. Takes time in
    /// proportion to validators times servers.
    ///
    /// # Panics
    /// If there are not as many stakes and rows as validators, and columns as servers.
    pub fn weigh(&mut self, rules: &Yuma, stakes: &[u64], weights: &[Vec<u16>]) -> Verdict {
        let n = self.bonds.len();
        let servers = self.bonds.first().map_or(0, Vec::len);
        assert!(
            stakes.len() == n
                && weights.len() == n
                && weights.iter().all(|row| row.len() == servers),
            "an epoch of {n} validators and {servers} servers needs as many stakes and weights"
        );
        let stake = shares(stakes);
        let weights = counted(weights, &stake);
        let consensus = consensus(&stake, &weights, of_u16(rules.kappa));
        let clipped: Matrix = weights
            .iter()
            .map(|row| {
                let pairs = row.iter().zip(&consensus);
                pairs.map(|(&weight, &limit)| weight.min(limit)).collect()
            })
            .collect();
        let mut incentive: Vec<Fixed> = vec![0; servers];
        for (&stake, row) in stake.iter().zip(&clipped) {
            for (incentive, &weight) in incentive.iter_mut().zip(row) {
                *incentive += mul(stake, weight);
            }
        }
        normalise(&mut incentive);

        let penalty = of_u16(rules.bonds_penalty);
        let for_bonds: Matrix = weights
            .iter()
            .zip(&clipped)
            .map(|(row, clipped)| {
                let pairs = row.iter().zip(clipped);
                // Clipped weights are never above weights.
                pairs
                    .map(|(&weight, &clipped)| weight - scaled(weight - clipped, penalty))
                    .collect()
            })
            .collect();
        let new_share = ONE - div(u64::from(rules.bonds_kept), 1_000_000);
        let dividends = match rules.bonds {
            Bonds::Shared => self.shared(&stake, &for_bonds, &incentive, new_share),
            Bonds::Own => self.own(&stake, &for_bonds, &incentive, |_, _, _| new_share),
            Bonds::Liquid {
                low,
                high,
                steepness,
            } => {
                let sigmoid = Sigmoid::new(low, high, steepness);
                let alpha = |j: usize, weight, bond| sigmoid.alpha(consensus[j], weight, bond);
                self.own(&stake, &for_bonds, &incentive, alpha)
            }
        };
        Verdict {
            consensus,
            incentive,
            dividends,
        }
    }

    /// Classic bonds: shares of one, of which a part is newly bought each epoch.
    fn shared(
        &mut self,
        stake: &[Fixed],
        weights: &Matrix,
        incentive: &[Fixed],
        new_share: Fixed,
    ) -> Vec<Fixed> {
        let mut held: Matrix = self
            .bonds
            .iter()
            .map(|row| row.iter().map(|&bond| u64::from(bond) << 32).collect())
            .collect();
        scale_columns(&mut held, Fixed::add);
        let mut bought: Matrix = weights
            .iter()
            .zip(stake)
            .map(|(row, &stake)| row.iter().map(|&weight| mul(stake, weight)).collect())
            .collect();
        scale_columns(&mut bought, Fixed::add);
        let mut bonds = moved(&held, &bought, |_, _, _| new_share);
        scale_columns(&mut bonds, Fixed::add);
        let mut dividends: Vec<Fixed> = bonds.iter().map(|row| dot(row, incentive)).collect();
        normalise(&mut dividends);
        scale_columns(&mut bonds, Fixed::max);
        self.store(&bonds);
        dividends
    }

    /// Bonds of Yuma 3: each moves toward its weight, by `alpha` of the server, the weight and the bond.
    fn own(
        &mut self,
        stake: &[Fixed],
        weights: &Matrix,
        incentive: &[Fixed],
        alpha: impl Fn(usize, Fixed, Fixed) -> Fixed,
    ) -> Vec<Fixed> {
        let held: Matrix = self
            .bonds
            .iter()
            .map(|row| row.iter().copied().map(of_u16).collect())
            .collect();
        let bonds = moved(&held, weights, alpha);
        let mut shares = bonds.clone();
        scale_columns(&mut shares, Fixed::add);
        let mut dividends: Vec<Fixed> = shares
            .iter()
            .zip(stake)
            .map(|(row, &stake)| mul(dot(row, incentive), stake))
            .collect();
        normalise(&mut dividends);
        self.store(&bonds);
        dividends
    }

    fn store(&mut self, bonds: &Matrix) {
        for (stored, row) in self.bonds.iter_mut().zip(bonds) {
            for (stored, &bond) in stored.iter_mut().zip(row) {
                *stored = to_u16(bond);
            }
        }
    }
}

fn scaled(value: Fixed, share: Fixed) -> Fixed {
    if share == ONE {
        value
    } else {
        mul(value, share)
    }
}

fn dot(row: &[Fixed], vector: &[Fixed]) -> Fixed {
    row.iter().zip(vector).map(|(&a, &b)| mul(a, b)).sum()
}

/// `α·new + (1 − α)·old` in each cell, at most one, where α may differ by column, new and old.
fn moved(old: &Matrix, new: &Matrix, alpha: impl Fn(usize, Fixed, Fixed) -> Fixed) -> Matrix {
    let cell = |(j, (&old, &new)): (usize, (&Fixed, &Fixed))| {
        let alpha = alpha(j, new, old);
        (mul(alpha, new) + mul(ONE - alpha, old)).min(ONE)
    };
    let rows = old.iter().zip(new);
    rows.map(|(old, new)| old.iter().zip(new).enumerate().map(cell).collect())
        .collect()
}

/// Stakes as shares, cut to 32 places and normalised again, as on the chain.
fn shares(stakes: &[u64]) -> Vec<Fixed> {
    let sum: u128 = stakes.iter().map(|&stake| u128::from(stake)).sum();
    let mut shares: Vec<Fixed> = stakes
        .iter()
        .map(|&stake| {
            let exact = (u128::from(stake) << 32).checked_div(sum);
            exact.map_or(0, |share| share as Fixed)
        })
        .collect();
    normalise(&mut shares);
    shares
}

/// Weights of those with stake, each row summing to one.
fn counted(weights: &[Vec<u16>], stake: &[Fixed]) -> Matrix {
    let mut matrix: Matrix = weights
        .iter()
        .map(|row| row.iter().map(|&weight| u64::from(weight) << 32).collect())
        .collect();
    for (i, row) in matrix.iter_mut().enumerate() {
        if stake[i] == 0 {
            row.fill(0);
        }
        normalise(row);
    }
    matrix
}

/// The stake-weighted median of each column: the largest weight that at least κ of the stake gives.
fn consensus(stake: &[Fixed], weights: &Matrix, kappa: Fixed) -> Vec<Fixed> {
    let validators: Vec<usize> = (0..stake.len()).filter(|&i| stake[i] > 0).collect();
    let mut voting: Vec<Fixed> = validators.iter().map(|&i| stake[i]).collect();
    normalise(&mut voting);
    let all: Fixed = voting.iter().sum();
    let minority = all.saturating_sub(kappa);
    let mut votes: Vec<(Fixed, Fixed)> = Vec::with_capacity(validators.len());
    (0..weights.first().map_or(0, Vec::len))
        .map(|column| {
            let of = validators
                .iter()
                .map(|&validator| weights[validator][column]);
            votes.clear();
            votes.extend(of.zip(voting.iter().copied()));
            votes.sort_unstable();
            let mut below = 0;
            for (weight, stake) in &votes {
                below += stake;
                if below > minority {
                    return *weight;
                }
            }
            votes.last().map_or(0, |&(weight, _)| weight)
        })
        .collect()
}

/// How fast bonds move under liquid alpha.
struct Sigmoid {
    low: Fixed,
    high: Fixed,
    steepness: f64,
}

impl Sigmoid {
    fn new(low: u16, high: u16, steepness: i16) -> Self {
        Self {
            low: of_u16(low),
            high: of_u16(high),
            steepness: f64::from(steepness) / 100.0,
        }
    }

    /// `low + (high − low) / (1 + e^(−s·(d − ½)))`, where `d` is how far the weight lies above the consensus, or the bond above the weight.
    fn alpha(&self, consensus: Fixed, weight: Fixed, bond: Fixed) -> Fixed {
        let apart = if weight >= bond {
            weight.saturating_sub(consensus)
        } else {
            bond - weight
        };
        let apart = apart.min(ONE) as f64 / ONE as f64;
        // The chain caps the exponent at 20.
        let exponent = (-self.steepness * (apart - 0.5)).clamp(-20.0, 20.0);
        let share = 1.0 / (1.0 + math::exp(exponent));
        self.low + (share * self.high.saturating_sub(self.low) as f64) as Fixed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Three honest validators with 60 % of stake weigh servers 3 and 4 evenly; a fourth weighs its own server 5 alone.
    fn cabal(stake: u64) -> Epoch {
        let honest = vec![0, 0, 0, 0, 100, 100, 0];
        let own = vec![0, 0, 0, 0, 0, 0, 100];
        let zero = vec![0; 7];
        let weights = [&honest, &honest, &honest, &own, &zero, &zero, &zero].map(Clone::clone);
        let stakes = [20, 20, 20, stake, 0, 0, 0];
        Subnet::new(7).epoch(&Yuma::default(), &stakes, &weights, 1_000_000)
    }

    #[test]
    fn a_minority_is_clipped_to_the_consensus() {
        let epoch = cabal(40);
        assert_eq!(epoch.consensus[6], 0);
        assert_eq!(epoch.incentive[6], 0);
        assert!((fraction(epoch.incentive[4]) - 0.5).abs() < 1e-8);
        assert_eq!(epoch.dividends[3], 0);
        // With most of the stake it is the others who are clipped.
        let taken = cabal(80);
        assert!((fraction(taken.incentive[6]) - 1.0).abs() < 1e-8);
    }

    /// By hand: of 1, 2, 3 and 4 with a quarter of the stake each, at least half give 3, three quarters 2, and all 1.
    #[test]
    fn the_consensus_is_a_weighted_median() {
        let stake = [ONE / 4; 4];
        let weights: Matrix = (1..=4_u64).map(|weight| vec![weight]).collect();
        assert_eq!(consensus(&stake, &weights, ONE / 2)[0], 3);
        assert_eq!(consensus(&stake, &weights, ONE / 2 + 1)[0], 2);
        assert_eq!(consensus(&stake, &weights, ONE)[0], 1);
        assert_eq!(consensus(&stake, &weights, 0)[0], 4);
    }

    #[test]
    fn without_weights_emission_follows_stake() {
        let mut subnet = Subnet::new(3);
        let none = vec![vec![0; 3]; 3];
        let epoch = subnet.epoch(&Yuma::default(), &[1, 3, 0], &none, 1_000);
        let paid: Vec<i128> = epoch.emission.iter().map(|paid| paid.0).collect();
        assert_eq!(paid, [250, 750, 0]);
    }

    /// Yuma 3 pays by stake: two validators that agree from the beginning earn in proportion to it.
    #[test]
    fn bonds_of_ones_own_pay_by_stake() {
        let weights = vec![
            vec![0, 0, 10, 30],
            vec![0, 0, 10, 30],
            vec![0; 4],
            vec![0; 4],
        ];
        for bonds in [
            Bonds::Own,
            Bonds::Liquid {
                low: 6_553,
                high: 58_982,
                steepness: 1_000,
            },
        ] {
            let rules = Yuma {
                bonds,
                ..Yuma::default()
            };
            let mut subnet = Subnet::new(4);
            for _ in 0..5 {
                let epoch = subnet.epoch(&rules, &[1, 4, 0, 0], &weights, 1_000_000);
                assert!(
                    (fraction(epoch.dividends[1]) - 0.8).abs() < 1e-4,
                    "{epoch:?}"
                );
                assert!((fraction(epoch.incentive[3]) - 0.75).abs() < 1e-8);
            }
            // A bond moves a tenth of the way to the weight of ¾ an epoch: ¾·(1 − 0.9⁵).
            if bonds == Bonds::Own {
                let expect = 0.75 * (1.0 - 0.9_f64.powi(5));
                let bond = f64::from(subnet.bonds()[1][3]) / 65_535.0;
                assert!((bond - expect).abs() < 1e-4, "{bond} {expect}");
            }
        }
    }

    proptest! {
        #[test]
        fn shares_sum_to_one_and_emission_is_never_exceeded(
            stakes in prop::collection::vec(0..1_000_000_000_u64, 8),
            weights in prop::collection::vec(prop::collection::vec(0..=u16::MAX, 8), 8),
            penalty in 0..=u16::MAX, kind in 0..3_usize,
        ) {
            let bonds = [Bonds::Shared, Bonds::Own, Bonds::Liquid { low: 6_553, high: 58_982, steepness: 500 }][kind];
            let rules = Yuma { bonds_penalty: penalty, bonds, ..Yuma::default() };
            let mut subnet = Subnet::new(8);
            for _ in 0..3 {
                let epoch = subnet.epoch(&rules, &stakes, &weights, 1_000_000_000);
                let sum = epoch.emission.iter().fold(Amount::ZERO, |sum, &paid| sum + paid);
                prop_assert!(sum <= Amount(1_000_000_000));
                for shares in [&epoch.incentive, &epoch.dividends] {
                    let sum: u64 = shares.iter().sum();
                    prop_assert!(sum == 0 || (sum <= ONE && ONE - sum <= 8), "{}", sum);
                }
            }
        }
    }
}
