//! A network's token: who holds it at the start, how it is minted and burned, and what it costs.

use walras_des::math;

use crate::token::price::PriceModel;
use crate::units::{Amount, Ppm};

/// The token of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// Its price at the start [USD].
    pub initial_price: f64,
    /// How its price is formed.
    pub price: PriceModel,
    /// Who has what at the start.
    pub genesis: Vec<Allotment>,
    /// How many are minted for those who provide.
    pub emission: Emission,
    /// Share of emission that goes to the treasury.
    pub to_treasury: Ppm,
    /// Share of emission that goes to the creators of models.
    pub to_creators: Ppm,
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
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allotment {
    /// Whose.
    pub holder: Holder,
    /// How many.
    pub tokens: Amount,
    /// Time before any is free [days].
    pub cliff: f64,
    /// Time over which the rest becomes free from then on, evenly [days].
    pub vesting: f64,
    /// Share of what becomes free that is sold at once.
    pub sold: f64,
}

impl Allotment {
    /// How much is free after so many days.
    #[must_use]
    pub fn free(&self, days: f64) -> Amount {
        if days < self.cliff {
            return Amount::ZERO;
        }
        if days >= self.cliff + self.vesting {
            return self.tokens;
        }
        let share = (days - self.cliff) / self.vesting;
        Amount((self.tokens.0 as f64 * share) as i128).min(self.tokens)
    }
}

/// A schedule of new tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Emission {
    /// None.
    None,
    /// As many every day.
    Constant {
        /// Tokens a day.
        per_day: f64,
    },
    /// Half as many after each period, as in Bitcoin and Helium.
    Halving {
        /// Tokens a day in the first period.
        per_day: f64,
        /// Length of a period [days].
        every: f64,
    },
    /// Less from day to day, as in Filecoin's simple minting.
    Decay {
        /// Tokens a day at the start.
        per_day: f64,
        /// Time in which it halves [days].
        half_life: f64,
    },
}

impl Emission {
    /// Tokens minted in the first days, if nothing changes it.
    #[must_use]
    pub fn until(&self, days: f64) -> f64 {
        match *self {
            Self::None => 0.0,
            Self::Constant { per_day } => per_day * days,
            Self::Halving { per_day, every } => {
                let periods = (days / every).floor();
                let halved = math::powf(0.5, periods);
                // 1 + 1/2 + 1/4 + … before the present period.
                per_day * every * 2.0 * (1.0 - halved) + per_day * halved * (days - periods * every)
            }
            Self::Decay { per_day, half_life } => {
                let rate = std::f64::consts::LN_2 / half_life;
                per_day / rate * -math::exp_m1(-rate * days)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bitcoin: 2 E₀ T in all; Filecoin's simple minting: half of all tokens in the first six years.
    #[test]
    fn schedules() {
        let halving = Emission::Halving {
            per_day: 7200.0,
            every: 1458.0,
        };
        assert!((halving.until(1e6) - 2.0 * 7200.0 * 1458.0).abs() < 1.0);
        assert!((halving.until(1458.0 * 1.5) - 7200.0 * 1458.0 * 1.25).abs() < 1e-6);
        let decay = Emission::Decay {
            per_day: 330e6 * std::f64::consts::LN_2 / 2190.0,
            half_life: 2190.0,
        };
        assert!((decay.until(2190.0) - 165e6).abs() < 1e-3);
        assert!((decay.until(1e7) - 330e6).abs() < 1e-3);
    }

    #[test]
    fn a_cliff_then_evenly() {
        let allotment = Allotment {
            holder: Holder::Insiders,
            tokens: Amount(1000),
            cliff: 365.0,
            vesting: 1000.0,
            sold: 0.5,
        };
        let free = [0.0, 364.9, 365.0, 865.0, 1365.0, 1e5].map(|days| allotment.free(days).0);
        assert_eq!(free, [0, 0, 0, 500, 1000, 1000]);
    }
}
