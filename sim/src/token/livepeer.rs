//! Livepeer: inflation that seeks a share of bonded stake, rewards that are claimed later by a cumulative factor, and payments by lottery
//! tickets.
//!
//! Amounts are LPTU (10⁻¹⁸ LPT) or any base unit. Source: livepeer/protocol at f225b10c, `Minter.sol`, `EarningsPoolLIP36.sol`,
//! `MTicketBrokerCore.sol`.

use super::split::mul_div;
use crate::units::Amount;

/// Parts in a whole of the protocol's shares.
pub const PERC_DIVISOR: u64 = 1_000_000_000;

/// Inflation that rises while too little is bonded and falls while too much is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minter {
    /// New LPT of a round, as a share of supply [10⁻⁹].
    pub inflation: u64,
    /// Change of that in a round [10⁻⁹].
    pub change: u64,
    /// Share of the supply that should be bonded [10⁻⁹].
    pub target: u64,
}

impl Minter {
    /// The next round's inflation after one in which `bonded` of `supply` was bonded; it stays where the target is met exactly.
    ///
    /// # Panics
    /// If an amount is negative.
    #[must_use]
    pub fn next_inflation(&self, bonded: Amount, supply: Amount) -> u64 {
        let of = |amount: Amount| u128::try_from(amount.0).expect("supply is not negative");
        let share = if supply > Amount::ZERO {
            mul_div(of(bonded), u128::from(PERC_DIVISOR), of(supply))
        } else {
            0
        };
        match share.cmp(&u128::from(self.target)) {
            std::cmp::Ordering::Less => self.inflation + self.change,
            std::cmp::Ordering::Greater => self.inflation.saturating_sub(self.change),
            std::cmp::Ordering::Equal => self.inflation,
        }
    }

    /// What a round mints, and the inflation of the next: `⌊supply · inflation / 10⁹⌋`, with this round's inflation already adjusted.
    ///
    /// # Panics
    /// If an amount is negative or overflows.
    pub fn round(&mut self, bonded: Amount, supply: Amount) -> Amount {
        self.inflation = self.next_inflation(bonded, supply);
        supply.mul_floor(self.inflation, PERC_DIVISOR)
    }
}

/// The stake of an orchestrator and those who delegate to it, and what a unit of it has earned since the beginning.
///
/// A reward multiplies the factor; a claim multiplies the stake by the ratio of two factors. All divisions round down, so that claims
/// never exceed what was paid in; what rounding leaves stays in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Stake with everything it has earned.
    pub stake: Amount,
    /// What one unit staked at the beginning is now, with 27 decimal places.
    pub factor: u128,
}

impl Pool {
    /// The factor of a pool without rewards.
    pub const ONE: u128 = 1_000_000_000_000_000_000_000_000_000;

    /// A pool with some stake.
    #[must_use]
    pub const fn new(stake: Amount) -> Self {
        Self {
            stake,
            factor: Self::ONE,
        }
    }

    /// Pays a reward to everybody in the pool.
    ///
    /// # Panics
    /// If the pool is empty or an amount negative.
    pub fn reward(&mut self, reward: Amount) {
        assert!(
            self.stake > Amount::ZERO && reward >= Amount::ZERO,
            "a reward needs stake to go to"
        );
        let (stake, reward_units) = (self.stake.0.unsigned_abs(), reward.0.unsigned_abs());
        self.factor += mul_div(self.factor, reward_units, stake);
        self.stake += reward;
    }

    /// What `stake`, in the pool since the factor was `since`, is worth now, rounded down.
    ///
    /// # Panics
    /// If the stake is negative.
    #[must_use]
    pub fn worth(&self, stake: Amount, since: u128) -> Amount {
        let stake = u128::try_from(stake.0).expect("a stake is not negative");
        Amount(mul_div(stake, self.factor, since).cast_signed())
    }

    /// Adds stake; returns the factor that a later claim needs.
    pub fn join(&mut self, stake: Amount) -> u128 {
        self.stake += stake;
        self.factor
    }

    /// Takes out what `stake` has become.
    ///
    /// # Panics
    /// As [`Pool::worth`].
    pub fn leave(&mut self, stake: Amount, since: u128) -> Amount {
        let worth = self.worth(stake, since).min(self.stake);
        self.stake -= worth;
        worth
    }
}

/// A ticket that pays its face value with some probability: payments too small for a transaction each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// What it pays when it wins.
    pub face: Amount,
    /// Its probability of winning, in units of 2⁻⁶⁴.
    pub win: u64,
}

impl Ticket {
    /// What it is worth on average, rounded down.
    ///
    /// # Panics
    /// If the face value is negative.
    #[must_use]
    pub fn expected(&self) -> Amount {
        let face = u128::try_from(self.face.0).expect("a face value is not negative");
        Amount(mul_div(face, u128::from(self.win), 1 << 64).cast_signed())
    }

    /// Whether it wins with this draw, uniform over 64 bits.
    #[must_use]
    pub fn wins(&self, draw: u64) -> bool {
        draw < self.win
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use walras_des::{Purpose, Streams};

    use super::*;

    /// Cases of livepeer/protocol's `Minter` tests.
    #[test]
    fn inflation_seeks_the_target() {
        let mut minter = Minter {
            inflation: 45_500_000,
            change: 300_000,
            target: 500_000_000,
        };
        let next = |minter: &Minter, bonded| minter.next_inflation(Amount(bonded), Amount(1_000));
        assert_eq!(next(&minter, 600), 45_200_000);
        assert_eq!(next(&minter, 400), 45_800_000);
        assert_eq!(next(&minter, 500), 45_500_000);
        minter.inflation = 100;
        assert_eq!(next(&minter, 600), 0);
        let mut minter = Minter {
            inflation: 45_200_000,
            ..minter
        };
        assert_eq!(minter.round(Amount(400), Amount(1_000_000)), Amount(45_500));
    }

    /// The mean of 100,000 tickets of a tenth is a tenth of the face: five standard errors are 0.5 %.
    #[test]
    fn tickets_pay_their_expected_value() {
        let ticket = Ticket {
            face: Amount(1_000),
            win: u64::MAX / 10,
        };
        assert_eq!(ticket.expected(), Amount(99));
        let mut stream = Streams::new(1, 0).open(Purpose::new("tickets"), 0);
        let wins = (0..100_000)
            .filter(|_| ticket.wins(stream.below(1 << 62) << 2))
            .count();
        assert!(wins.abs_diff(10_000) < 500, "{wins}");
    }

    proptest! {
        #[test]
        fn claims_never_exceed_what_was_paid_in(
            stakes in prop::collection::vec(1..1_000_000_000_000_i128, 2..8), rewards in prop::collection::vec(0..1_000_000_000_i128, 1..20),
        ) {
            let mut pool = Pool::new(Amount::ZERO);
            let joined: Vec<(Amount, u128)> = stakes.iter().map(|&s| (Amount(s), pool.join(Amount(s)))).collect();
            for &reward in &rewards {
                pool.reward(Amount(reward));
            }
            let all = pool.stake;
            let claimed = joined.iter().fold(Amount::ZERO, |sum, &(stake, since)| sum + pool.worth(stake, since));
            prop_assert!(claimed <= all);
            // The floors of a reward and of a claim lose less than one unit each and stake.
            let lost = (all - claimed).0;
            prop_assert!(lost <= (stakes.len() + rewards.len()) as i128 * 2, "{}", lost);
        }

        /// A claim in the middle takes no more than one at the end; the unit that each may lose would have grown with the pool.
        #[test]
        fn claiming_early_does_not_pay(stake in 1..1_000_000_000_i128, rewards in prop::collection::vec(1..1_000_000_i128, 2..10)) {
            let mut late = Pool::new(Amount(stake + 1_000_000));
            let begin = late.factor;
            let (mut value, mut since) = (Amount(stake), begin);
            for &reward in &rewards {
                late.reward(Amount(reward));
                value = late.worth(value, since);
                since = late.factor;
            }
            let at_end = late.worth(Amount(stake), begin);
            let growth = late.factor.div_ceil(begin).cast_signed();
            prop_assert!(value <= at_end && at_end - value <= Amount(rewards.len() as i128 * growth));
        }
    }
}
