//! Akash: escrow that pays providers by the block, the mint that turns AKT into dollar credit and back, the take rate, and inflation.
//!
//! Amounts are uAKT or uACT (10⁻⁶). Sources: akash-network/node at 3efe26bf (`x/escrow`, `x/bme`, `x/take`), akash-api at 439f3ee
//! (inflation), whose vectors `walras validate protocols` runs. Akash's reverse auction, in which the tenant chooses among the bids, is
//! a market.

use walras_des::math;

use super::split::mul_div;
use crate::units::Amount;

/// One with the 18 decimal places of the Cosmos SDK's numbers.
const ONE: u128 = 1_000_000_000_000_000_000;

/// What a settlement moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// To each payee, in their order.
    pub paid: Vec<Amount>,
    /// What each is still owed.
    pub unsettled: Vec<Amount>,
    /// What is left of the deposit.
    pub left: Amount,
}

impl Settlement {
    /// Balance of the account as the chain shows it: what is left, or minus what is owed.
    #[must_use]
    pub fn balance(&self) -> Amount {
        self.unsettled
            .iter()
            .fold(self.left, |sum, &owed| sum - owed)
    }

    /// Whether the deposit was too small: the lease ends.
    #[must_use]
    pub fn is_overdrawn(&self) -> bool {
        self.unsettled.iter().any(|&owed| owed > Amount::ZERO)
    }
}

/// Pays each lease `rate · blocks` from a deposit, in order; when it runs out, the last ones are paid what is left and nothing.
///
/// # Panics
/// If the deposit or a rate is negative, or amounts overflow.
#[must_use]
pub fn settle(deposit: Amount, rates: &[Amount], blocks: u64) -> Settlement {
    assert!(
        deposit >= Amount::ZERO,
        "a deposit must not be negative, not {deposit}"
    );
    let mut settlement = Settlement {
        paid: Vec::with_capacity(rates.len()),
        unsettled: Vec::with_capacity(rates.len()),
        left: deposit,
    };
    for rate in rates {
        assert!(
            *rate >= Amount::ZERO,
            "a rate must not be negative, not {rate}"
        );
        let due = Amount(
            rate.0
                .checked_mul(i128::from(blocks))
                .expect("amount overflow"),
        );
        let paid = due.min(settlement.left);
        settlement.left -= paid;
        settlement.paid.push(paid);
        settlement.unsettled.push(due - paid);
    }
    settlement
}

/// What the network keeps of a payment: `⌊payment · rate⌋`, with the rate in per cent (20 for credit, 2 for AKT itself).
#[must_use]
pub fn take(payment: Amount, percent: u64) -> Amount {
    payment.mul_floor(percent, 100)
}

/// The vault behind the dollar credit ACT, and its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vault {
    /// Below this ratio of collateral to credit epochs grow longer [bps].
    pub warn_bps: u64,
    /// Below this ratio nothing is minted [bps].
    pub halt_bps: u64,
    /// Length of an epoch while all is well [blocks].
    pub min_epoch: u64,
    /// Longest epoch [blocks].
    pub max_epoch: u64,
    /// What each 10 bps below the warning add to an epoch [%].
    pub backoff: u64,
    /// Kept of what is minted [bps].
    pub spread_bps: u64,
}

impl Default for Vault {
    /// Warning, halt and longest epoch of `x/bme`; epoch and back-off of its tests, and no spread.
    fn default() -> Self {
        Self {
            warn_bps: 9_500,
            halt_bps: 9_000,
            min_epoch: 10,
            max_epoch: 14_400,
            backoff: 10,
            spread_bps: 0,
        }
    }
}

/// What a swap mints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap {
    /// Minted in all.
    pub minted: Amount,
    /// Of that, kept in the vault.
    pub spread: Amount,
}

impl Swap {
    /// What the user gets.
    #[must_use]
    pub fn received(&self) -> Amount {
        self.minted - self.spread
    }
}

impl Vault {
    /// Burns `amount` of one denomination for the other at prices in micro-dollars of each, ACT always 1,000,000:
    /// `⌊amount · ⌊from/to⌋₁₈⌋`, where the rate is cut to 18 decimal places first. `None` if nothing would be minted: the swap is refused.
    ///
    /// # Panics
    /// If a price is zero, or the amount negative.
    #[must_use]
    pub fn swap(&self, amount: Amount, from: u64, to: u64) -> Option<Swap> {
        assert!(from > 0 && to > 0, "a swap needs prices");
        let rate = u128::from(from) * ONE / u128::from(to);
        let burned = u128::try_from(amount.0).expect("a burn is not negative");
        let minted = Amount(mul_div(burned, rate, ONE).cast_signed());
        (minted > Amount::ZERO).then(|| Swap {
            minted,
            spread: minted.mul_floor(self.spread_bps, 10_000),
        })
    }

    /// Collateral to credit [bps]: `(vault − pending) · price / credit`, the price in micro-dollars; `None` without credit.
    ///
    /// # Panics
    /// If an amount is negative.
    #[must_use]
    pub fn collateral_bps(
        &self,
        vault: Amount,
        pending: Amount,
        price: u64,
        credit: Amount,
    ) -> Option<u64> {
        let free = (vault - pending).0.max(0).unsigned_abs();
        let credit = u128::try_from(credit.0).expect("credit is not negative");
        (credit > 0).then(|| {
            let worth = mul_div(free, u128::from(price), 1_000_000);
            u64::try_from(mul_div(worth, 10_000, credit)).unwrap_or(u64::MAX)
        })
    }

    /// Whether credit may be minted at this ratio.
    #[must_use]
    pub fn may_mint(&self, collateral_bps: u64) -> bool {
        collateral_bps >= self.halt_bps
    }

    /// Blocks between executions of queued swaps: `min · (1 + backoff)^⌊(warn − ratio)/10⌋`, rounded down, at most the longest.
    #[must_use]
    pub fn epoch_blocks(&self, collateral_bps: u64) -> u64 {
        let steps = self.warn_bps.saturating_sub(collateral_bps) / 10;
        let (mut factor, limit) = (ONE, u128::from(self.max_epoch) * ONE);
        for _ in 0..steps {
            factor = mul_div(factor, u128::from(100 + self.backoff), 100);
            if self.backoff == 0 || factor >= limit {
                break;
            }
        }
        let blocks = mul_div(factor, u128::from(self.min_epoch), ONE);
        u64::try_from(blocks)
            .unwrap_or(u64::MAX)
            .min(self.max_epoch)
    }
}

/// Inflation that halves every few years, and may leave that path a little with the share of AKT that is bonded.
#[derive(Clone, Debug, PartialEq)]
pub struct Inflation {
    /// At genesis [% a year].
    pub initial: f64,
    /// Years in which it halves.
    pub half_life: f64,
    /// How far it may be from the path, as a share of it.
    pub variance: f64,
    /// Share of the supply that should be bonded.
    pub goal: f64,
    /// How fast it moves toward that [% a year and year].
    pub rate_change: f64,
    /// Blocks in a year.
    pub blocks_per_year: f64,
}

impl Default for Inflation {
    /// Initial inflation, half-life, variance and a block each 6 s as in akash-api's tests; goal and rate of change are the Cosmos SDK's.
    fn default() -> Self {
        Self {
            initial: 48.546_257,
            half_life: 2.103_065_69,
            variance: 0.05,
            goal: 0.67,
            rate_change: 0.13,
            blocks_per_year: 5_256_000.0,
        }
    }
}

impl Inflation {
    /// Seconds in a year of 8,766 h, as the chain counts.
    pub const YEAR: f64 = 31_557_600.0;

    /// The path, `seconds` after genesis [% a year]; the factor is cut to six decimal places, as on the chain.
    #[must_use]
    pub fn ideal(&self, seconds: f64) -> f64 {
        let halvings = seconds / Self::YEAR / self.half_life;
        let factor = math::exp(-std::f64::consts::LN_2 * halvings);
        self.initial * ((factor * 1e6).floor() / 1e6)
    }

    /// The inflation of the next block [% a year]: the last one moved toward the goal, and kept within the variance of the path.
    #[must_use]
    pub fn next(&self, last: f64, bonded: f64, seconds: f64) -> f64 {
        let moved = last + (1.0 - bonded / self.goal) * self.rate_change / self.blocks_per_year;
        let ideal = self.ideal(seconds);
        let lowest = (ideal - ideal * self.variance).max(0.0);
        moved.clamp(lowest, ideal + ideal * self.variance)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Cases of the chain's own tests.
    #[test]
    fn the_last_payee_bears_the_overdraft() {
        let rates = [Amount(10), Amount(10)];
        let settlement = settle(Amount(100), &rates, 6);
        assert_eq!(settlement.paid, [Amount(60), Amount(40)]);
        assert_eq!(settlement.balance(), Amount(-20));
        assert!(settlement.is_overdrawn() && !settle(Amount(200), &rates, 10).is_overdrawn());
    }

    #[test]
    fn swaps_are_cut_twice() {
        let vault = Vault::default();
        assert_eq!(vault.swap(Amount(3), 1_000_000, 3_000_000), None);
        let swap = vault.swap(Amount(4), 1_000_000, 3_000_000).expect("one");
        assert_eq!(swap.received(), Amount(1));
        let spread = Vault {
            spread_bps: 100,
            ..vault
        };
        let swap = spread
            .swap(Amount(1_000_000), 1_000_000, 3_000_000)
            .expect("some");
        assert_eq!(
            (swap.received(), swap.spread),
            (Amount(330_000), Amount(3_333))
        );
    }

    #[test]
    fn low_collateral_lengthens_epochs_and_stops_minting() {
        let vault = Vault::default();
        let ratio = |akt| vault.collateral_bps(Amount(akt), Amount(100), 2_000_000, Amount(2_000));
        assert_eq!(ratio(1_100), Some(10_000));
        assert_eq!(ratio(1_000), Some(9_000));
        assert!(vault.may_mint(9_000) && !vault.may_mint(8_999));
        assert_eq!(vault.epoch_blocks(9_500), 10);
        assert_eq!(vault.epoch_blocks(9_450), 16);
        assert_eq!(vault.epoch_blocks(0), 14_400);
        assert_eq!(
            vault.collateral_bps(Amount(5), Amount(0), 1, Amount(0)),
            None
        );
    }

    /// Half after a half-life, and never outside 5 % of the path.
    #[test]
    fn inflation_follows_its_path() {
        let inflation = Inflation::default();
        let half = inflation.ideal(inflation.half_life * Inflation::YEAR);
        assert!((half - inflation.initial / 2.0).abs() < 1e-4);
        let mut now = inflation.initial;
        for month in 0..120 {
            let seconds = f64::from(month) * Inflation::YEAR / 12.0;
            now = inflation.next(now, 0.2, seconds);
            let ideal = inflation.ideal(seconds);
            assert!((now / ideal - 1.0).abs() <= 0.05 + 1e-12);
        }
    }

    proptest! {
        #[test]
        fn what_is_paid_and_left_is_the_deposit(
            deposit in 0..1_000_000_i128, rates in prop::collection::vec(0..500_i128, 0..8), blocks in 0..2_000_u64,
        ) {
            let rates: Vec<Amount> = rates.into_iter().map(Amount).collect();
            let settlement = settle(Amount(deposit), &rates, blocks);
            let paid = settlement.paid.iter().fold(Amount::ZERO, |sum, &paid| sum + paid);
            prop_assert_eq!(paid + settlement.left, Amount(deposit));
            let due: i128 = rates.iter().map(|rate| rate.0 * i128::from(blocks)).sum();
            prop_assert_eq!(settlement.balance(), Amount(deposit - due));
        }
    }
}
