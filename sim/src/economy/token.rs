//! A network's token: who holds it at the start, how it is minted and burned, and what it costs.

use walras_des::math;

use crate::economy::bond::Bond;
use crate::economy::stakes::Staking;
use crate::token::emission::{Baseline, EthereumIssuance, Schedule, bittensor_block};
use crate::token::livepeer::Minter;
use crate::token::price::PriceModel;
use crate::token::vesting::Vesting;
use crate::units::{Amount, Ppm};

/// The token of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// Its price at the start [USD].
    pub initial_price: f64,
    /// How its price is formed.
    pub price: PriceModel,
    /// The curve that issues it and makes its price, in the place of a model.
    pub bond: Option<Bond>,
    /// Who has what at the start.
    pub genesis: Vec<Allotment>,
    /// How many are minted for those who provide.
    pub emission: Emission,
    /// Share of emission that goes to the treasury.
    pub to_treasury: Ppm,
    /// Share of emission that goes to the creators of models.
    pub to_creators: Ppm,
    /// What stake earns, and who delegates; none if stakes are the owners' alone and earn nothing.
    pub staking: Option<Staking>,
    /// How work is paid for.
    pub payment: Payment,
    /// Share of the treasury's income in dollars that buys tokens, which are burned.
    pub buy_back: Ppm,
}

/// How customers pay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Payment {
    /// In dollars; owners get dollars.
    Dollars,
    /// In tokens bought at the moment; owners get these.
    Tokens,
    /// In tokens bought at the moment, of which this share is burned, while the rest goes to the treasury; owners live on emission, and
    /// on burned tokens that are minted again, so many in a day at most.
    BurnAndMint {
        /// Share burned.
        burned: Ppm,
        /// Tokens minted again in a day, at most.
        minted_again: Amount,
    },
}

/// Who an allotment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Anybody: it can be bought.
    Public,
    /// Founders and investors: it becomes public as it vests.
    Insiders,
    /// The protocol.
    Treasury,
}

/// Tokens that exist from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allotment {
    /// Whose.
    pub holder: Holder,
    /// How many.
    pub tokens: Amount,
    /// Time before any is free [s].
    pub cliff: u64,
    /// How they become free from then on, in seconds.
    pub vesting: Vesting,
    /// Share of what becomes free that is sold at once.
    pub sold: Ppm,
}

impl Allotment {
    /// How much is free after so many seconds.
    #[must_use]
    pub fn free(&self, seconds: u64) -> Amount {
        (seconds.checked_sub(self.cliff)).map_or(Amount::ZERO, |since| {
            self.vesting.vested(self.tokens, since)
        })
    }
}

/// How many new tokens there are.
#[derive(Clone, Debug, PartialEq)]
pub struct Emission {
    /// What sets the number of a day.
    pub rule: Rule,
    /// There are at least as many a day, as in Monero's tail.
    pub least: Amount,
}

/// What sets the number of new tokens of a day.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// The day alone.
    Schedule(Schedule),
    /// One schedule by the day, and another that waits for capacity, as in Filecoin.
    Baseline(Schedule, Baseline),
    /// The root of what is staked, as in Ethereum.
    Stake(EthereumIssuance),
    /// The share of the supply that is staked, as in Livepeer.
    Bonding(Minter),
    /// What there is: half as many each time half of what was missing from the cap is there, as in Bittensor.
    Cap {
        /// A day, while there is less than half of the cap.
        initial: Amount,
        /// The cap.
        cap: Amount,
    },
}

/// What emission may depend on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Situation {
    /// Tokens minted and not burned.
    pub supply: Amount,
    /// Tokens that are staked.
    pub staked: Amount,
    /// What the network can do [units a day].
    pub capacity: f64,
}

/// Epochs of Ethereum in a day.
const ETHEREUM_EPOCHS: u64 = 225;

/// Inflation without stakes has no end; this many tokens are.
const MOST: Amount = Amount(1_000_000_000_000_000 * Amount::SCALE);

impl Emission {
    /// As the schedule says, by days.
    #[must_use]
    pub const fn scheduled(schedule: Schedule) -> Self {
        Self {
            rule: Rule::Schedule(schedule),
            least: Amount::ZERO,
        }
    }

    /// None.
    #[must_use]
    pub const fn none() -> Self {
        Self::scheduled(Schedule::Fixed(Amount::ZERO))
    }

    /// What capacity the rule waits for on a day [units]; none if it waits for none.
    #[must_use]
    pub fn baseline(&self, day: f64) -> f64 {
        match &self.rule {
            Rule::Baseline(_, baseline) => baseline.initial * math::exp(baseline.growth * day),
            _ => 0.0,
        }
    }

    /// New tokens of a day; days are asked for one after the other.
    ///
    /// # Panics
    /// If amounts overflow.
    pub fn day(&mut self, day: u64, now: &Situation) -> Amount {
        let minted = match &mut self.rule {
            Rule::Schedule(schedule) => schedule.at(day),
            Rule::Baseline(simple, baseline) => simple.at(day) + baseline.day(day, now.capacity),
            Rule::Stake(issuance) => {
                let staked = u64::try_from(now.staked.0).unwrap_or(u64::MAX);
                if staked < issuance.increment {
                    Amount::ZERO
                } else {
                    issuance.per_epoch(staked).mul_floor(ETHEREUM_EPOCHS, 1)
                }
            }
            Rule::Bonding(minter) => {
                let room = (MOST - now.supply).max(Amount::ZERO);
                minter.round(now.staked, now.supply).min(room)
            }
            Rule::Cap { initial, cap } => bittensor_block(*initial, now.supply, *cap),
        };
        minted.max(self.least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cliff_then_evenly() {
        let day = 86_400;
        let allotment = Allotment {
            holder: Holder::Insiders,
            tokens: Amount(1000),
            cliff: 365 * day,
            vesting: Vesting::linear(1000 * day),
            sold: Ppm::from_fraction(0.5),
        };
        let free = [0, 364, 365, 865, 1365, 10_000].map(|days| allotment.free(days * day).0);
        assert_eq!(free, [0, 0, 0, 500, 1000, 1000]);
    }

    /// Monero: 0.6 XMR a block for ever once the curve is below it.
    #[test]
    fn a_tail_takes_over() {
        let mut emission = Emission {
            rule: Rule::Schedule(Schedule::Halving {
                initial: Amount(1000),
                every: 10,
            }),
            least: Amount(300),
        };
        let now = Situation {
            supply: Amount::ZERO,
            staked: Amount::ZERO,
            capacity: 0.0,
        };
        let days = [9, 10, 20, 500].map(|day| emission.day(day, &now).0);
        assert_eq!(days, [1000, 500, 300, 300]);
    }
}
