//! Vesting: when units that somebody was granted become theirs.
//!
//! [`Vesting`] is a schedule as a function of time (a cliff, linear, in steps). [`Quantised`] and [`Locked`] are Filecoin's: a grant
//! becomes a few tranches whose epochs are rounded up to a grid, and tranches of many grants are kept in one table.

use crate::units::Amount;

/// How much of a grant is vested after a time; time is in the caller's unit (epochs, days, seconds).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vesting {
    /// Nothing is vested before this time; what has accrued by then is vested at once.
    pub cliff: u64,
    /// All is vested after this time.
    pub period: u64,
    /// Vesting moves at multiples of this time; 1 is linear.
    pub step: u64,
}

impl Vesting {
    /// Linear from the start.
    #[must_use]
    pub const fn linear(period: u64) -> Self {
        Self {
            cliff: 0,
            period,
            step: 1,
        }
    }

    /// Linear from the start, with nothing before the cliff.
    #[must_use]
    pub const fn with_cliff(cliff: u64, period: u64) -> Self {
        Self {
            cliff,
            period,
            step: 1,
        }
    }

    /// What of `grant` is vested when `elapsed` has passed, rounded down.
    ///
    /// # Panics
    /// If the step is zero, or the product overflows.
    #[must_use]
    pub fn vested(&self, grant: Amount, elapsed: u64) -> Amount {
        if elapsed < self.cliff {
            return Amount::ZERO;
        }
        if elapsed >= self.period {
            return grant;
        }
        grant.mul_floor(elapsed / self.step * self.step, self.period)
    }

    /// What becomes vested in `(from, to]`: such pieces sum to the grant however time is cut.
    ///
    /// # Panics
    /// As [`Vesting::vested`].
    #[must_use]
    pub fn between(&self, grant: Amount, from: u64, to: u64) -> Amount {
        self.vested(grant, to) - self.vested(grant, from)
    }
}

/// Filecoin's vesting of a block reward. Source: builtin-actors, `add_locked_funds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantised {
    /// Epochs until the clock starts.
    pub initial_delay: u64,
    /// Epochs from there until everything is vested.
    pub vest_period: u64,
    /// Epochs between tranches.
    pub step_duration: u64,
    /// Epochs of tranches are rounded up to a multiple of this, counted from the provider's proving period.
    pub quantization: u64,
}

impl Quantised {
    /// Block rewards: 180 days in daily steps, on a grid of twelve hours. Source: builtin-actors, `REWARD_VESTING_SPEC`.
    pub const BLOCK_REWARD: Self = Self {
        initial_delay: 0,
        vest_period: 180 * 2_880,
        step_duration: 2_880,
        quantization: 1_440,
    };

    /// A grant at epoch `now` as tranches, earliest first; they sum to the grant.
    ///
    /// # Panics
    /// If the step is zero.
    #[must_use]
    pub fn tranches(&self, grant: Amount, now: u64, period_start: u64) -> Vec<Tranche> {
        assert!(self.step_duration > 0, "vesting needs a step of one epoch");
        let begin = now + self.initial_delay;
        let (mut epoch, mut so_far) = (begin, Amount::ZERO);
        let mut tranches = Vec::new();
        while so_far < grant {
            epoch += self.step_duration;
            let vests = self.quantised(epoch, period_start);
            let elapsed = vests - begin;
            let target = if elapsed < self.vest_period {
                grant.mul_floor(elapsed, self.vest_period)
            } else {
                grant
            };
            if target > so_far {
                tranches.push(Tranche {
                    epoch: vests,
                    amount: target - so_far,
                });
            }
            so_far = target;
        }
        tranches
    }

    /// The epoch rounded up to the grid through `offset`.
    fn quantised(&self, epoch: u64, offset: u64) -> u64 {
        if self.quantization <= 1 {
            return epoch;
        }
        let beyond = (epoch + self.quantization - offset % self.quantization) % self.quantization;
        if beyond == 0 {
            epoch
        } else {
            epoch + self.quantization - beyond
        }
    }
}

/// Units that vest after an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tranche {
    /// They are free in the epoch after this one.
    pub epoch: u64,
    /// How many.
    pub amount: Amount,
}

/// The tranches of all grants of one holder, by epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locked {
    tranches: Vec<Tranche>,
}

impl Locked {
    /// Adds a grant; tranches of the same epoch become one.
    pub fn add(&mut self, tranches: &[Tranche]) {
        for tranche in tranches {
            match self
                .tranches
                .binary_search_by_key(&tranche.epoch, |held| held.epoch)
            {
                Ok(at) => self.tranches[at].amount += tranche.amount,
                Err(at) => self.tranches.insert(at, *tranche),
            }
        }
    }

    /// Takes out what vested before epoch `now`.
    pub fn unlock(&mut self, now: u64) -> Amount {
        let free = self.tranches.partition_point(|tranche| tranche.epoch < now);
        let taken = self.tranches.drain(..free);
        taken.fold(Amount::ZERO, |sum, tranche| sum + tranche.amount)
    }

    /// Takes up to `wanted` of what has not vested, earliest first: a penalty on locked rewards.
    pub fn forfeit(&mut self, wanted: Amount) -> Amount {
        let mut taken = Amount::ZERO;
        let mut gone = 0;
        for tranche in &mut self.tranches {
            let part = tranche.amount.min(wanted - taken);
            tranche.amount -= part;
            taken += part;
            if tranche.amount > Amount::ZERO {
                break;
            }
            gone += 1;
        }
        self.tranches.drain(..gone);
        taken
    }

    /// What is still locked.
    #[must_use]
    pub fn total(&self) -> Amount {
        let amounts = self.tranches.iter().map(|tranche| tranche.amount);
        amounts.fold(Amount::ZERO, |sum, amount| sum + amount)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cliffs_lines_and_steps() {
        let grant = Amount(1_000);
        let cliff = Vesting::with_cliff(12, 48);
        let found = [11, 12, 24, 48, 90].map(|month| cliff.vested(grant, month).0);
        assert_eq!(found, [0, 250, 500, 1_000, 1_000]);
        let quarterly = Vesting {
            cliff: 0,
            period: 12,
            step: 3,
        };
        let found = [2, 3, 5, 6, 11, 12].map(|month| quarterly.vested(grant, month).0);
        assert_eq!(found, [0, 250, 250, 500, 750, 1_000]);
    }

    /// A case of builtin-actors' table: period 5, steps of 3, a grid of 2: 80 after epoch 4, 20 after epoch 6.
    #[test]
    fn tranches_fall_on_the_grid() {
        let spec = Quantised {
            initial_delay: 0,
            vest_period: 5,
            step_duration: 3,
            quantization: 2,
        };
        let mut locked = Locked::default();
        locked.add(&spec.tranches(Amount(100), 0, 0));
        let unlocked: Vec<i128> = (0..9).map(|epoch| locked.unlock(epoch).0).collect();
        assert_eq!(unlocked, [0, 0, 0, 0, 0, 80, 0, 20, 0]);
    }

    #[test]
    fn a_penalty_takes_the_earliest_tranches() {
        let mut locked = Locked::default();
        let grant = Quantised::BLOCK_REWARD.tranches(Amount(180), 0, 0);
        assert_eq!(grant.len(), 180);
        locked.add(&grant);
        assert_eq!(locked.forfeit(Amount(30)), Amount(30));
        assert_eq!(locked.unlock(30 * 2_880 + 1), Amount(0));
        assert_eq!(locked.unlock(31 * 2_880 + 1), Amount(1));
        assert_eq!(locked.forfeit(Amount(1_000)), Amount(149));
        assert_eq!(locked.total(), Amount::ZERO);
    }

    proptest! {
        #[test]
        fn tranches_sum_to_the_grant(
            grant in 0..1_000_000_i128, initial_delay in 0..50_u64, vest_period in 0..300_u64,
            step_duration in 1..40_u64, quantization in 1..40_u64, now in 0..500_u64, start in 0..500_u64,
        ) {
            let spec = Quantised { initial_delay, vest_period, step_duration, quantization };
            let tranches = spec.tranches(Amount(grant), now, start);
            let sum = tranches.iter().fold(Amount::ZERO, |sum, tranche| sum + tranche.amount);
            prop_assert_eq!(sum, Amount(grant));
            prop_assert!(tranches.windows(2).all(|pair| pair[0].epoch < pair[1].epoch));
            let on_grid = |tranche: &Tranche| tranche.epoch.abs_diff(start) % quantization == 0;
            prop_assert!(tranches.iter().all(on_grid));
        }

        #[test]
        fn pieces_of_time_sum_to_the_grant(
            grant in 0..1_i128 << 90, cliff in 0..100_u64, period in 1..100_u64, step in 1..20_u64,
        ) {
            let vesting = Vesting { cliff, period, step };
            let pieces = (0..120).map(|t| vesting.between(Amount(grant), t, t + 1));
            let sum = pieces.fold(vesting.vested(Amount(grant), 0), |sum, piece| {
                assert!(piece >= Amount::ZERO);
                sum + piece
            });
            prop_assert_eq!(sum, Amount(grant));
        }
    }
}
