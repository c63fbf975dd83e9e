//! Constant-product pool: money and tokens in reserve, and a price that is their ratio.
//!
//! What comes in, less the fee, times what is left of the other reserve keeps the product; the fee stays in the pool, so the product
//! never falls. Rounding is that of Uniswap v2, to the unit: H. Adams, N. Zinsmeister, D. Robinson, "Uniswap v2 Core", 2020. A whole
//! trade costs the deviation of its mean price from the one before; who provides liquidity loses `2√r / (1 + r) − 1` against holding
//! when the price has changed by a factor `r`; and arbitrage stops once the price lies within `[p (1 − f), p / (1 − f)]` of `p` elsewhere.

use walras_des::Span;

use crate::units::Amount;

use super::wide::{mul_div, product, sqrt_of_product};

/// Parts of a fee: basis points of what comes in.
const WHOLE: u128 = 10_000;

/// Shares that nobody owns, so that the first provider cannot make a share worth a fortune. Source: Uniswap v2, `MINIMUM_LIQUIDITY`.
pub const LOCKED_SHARES: Amount = Amount(1_000);

/// The pool and its record of prices.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    fee: u32,
    money: u128,
    tokens: u128,
    shares: u128,
    record: Record,
}

/// A trade with the pool, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// Money went in and tokens came out.
    Bought {
        /// What was paid.
        money: Amount,
        /// What was got.
        tokens: Amount,
    },
    /// Tokens went in and money came out.
    Sold {
        /// What was given.
        tokens: Amount,
        /// What was got.
        money: Amount,
    },
}

/// Prices summed over time; the difference of two records, over the time between, is a mean price.
///
/// The mean of the inverse is not the inverse of the mean, so both are kept. Floats, since a price is no money: after ten years a
/// mean over a day is exact to 10⁻¹².
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Record {
    /// Time on record [s].
    pub seconds: f64,
    /// Money per token, times seconds.
    pub price: f64,
    /// Tokens per money, times seconds.
    pub inverse: f64,
}

impl Record {
    /// The time-weighted average price since an earlier record [money per token]; `None` if no time has passed.
    #[must_use]
    pub fn mean_price_since(&self, earlier: &Self) -> Option<f64> {
        let seconds = self.seconds - earlier.seconds;
        (seconds > 0.0).then(|| (self.price - earlier.price) / seconds)
    }

    /// The time-weighted average of the inverse [tokens per money].
    #[must_use]
    pub fn mean_inverse_since(&self, earlier: &Self) -> Option<f64> {
        let seconds = self.seconds - earlier.seconds;
        (seconds > 0.0).then(|| (self.inverse - earlier.inverse) / seconds)
    }
}

/// What `input` buys from reserves of (input, output): rounded down. Source: Uniswap v2, `getAmountOut`, where the fee is 30 basis points.
///
/// # Panics
/// If a reserve is empty.
#[must_use]
pub fn output_of(input: u128, (reserve_in, reserve_out): (u128, u128), fee_bps: u32) -> u128 {
    assert!(reserve_in > 0 && reserve_out > 0, "the pool is empty");
    let kept = times(input, WHOLE - u128::from(fee_bps));
    let all = times(reserve_in, WHOLE)
        .checked_add(kept)
        .expect("amount overflow");
    mul_div(kept, reserve_out, all)
}

/// What must come in for `output`: the least that suffices, or one more. Source: Uniswap v2, `getAmountIn`.
///
/// `None` if the reserve holds no more than `output`.
#[must_use]
pub fn input_for(
    output: u128,
    (reserve_in, reserve_out): (u128, u128),
    fee_bps: u32,
) -> Option<u128> {
    let left = reserve_out.checked_sub(output).filter(|&left| left > 0)?;
    let share = times(left, WHOLE - u128::from(fee_bps));
    Some(mul_div(times(reserve_in, WHOLE), output, share) + 1)
}

fn times(a: u128, b: u128) -> u128 {
    a.checked_mul(b).expect("amount overflow")
}

fn units(amount: Amount) -> u128 {
    u128::try_from(amount.0).unwrap_or_else(|_| panic!("a pool takes no negative amount: {amount}"))
}

fn amount(units: u128) -> Amount {
    Amount(i128::try_from(units).expect("amount overflow"))
}

impl Pool {
    /// An empty pool that keeps `fee_bps` basis points of what comes in (30 in Uniswap v2).
    ///
    /// # Panics
    /// If the fee is 100 % or more.
    #[must_use]
    pub fn new(fee_bps: u32) -> Self {
        assert!(
            u128::from(fee_bps) < WHOLE,
            "a pool's fee must be below 10000 basis points, not {fee_bps}"
        );
        Self {
            fee: fee_bps,
            money: 0,
            tokens: 0,
            shares: 0,
            record: Record::default(),
        }
    }

    /// What it holds: money and tokens.
    #[must_use]
    pub fn reserves(&self) -> (Amount, Amount) {
        (amount(self.money), amount(self.tokens))
    }

    /// All shares, those that nobody owns included.
    #[must_use]
    pub fn shares(&self) -> Amount {
        amount(self.shares)
    }

    /// Money per token at the margin, before the fee.
    ///
    /// # Panics
    /// If the pool is empty.
    #[must_use]
    pub fn price(&self) -> f64 {
        assert!(self.tokens > 0, "the pool is empty");
        self.money as f64 / self.tokens as f64
    }

    /// Takes a provider's money and tokens, and returns its shares: as much of all shares as it brings of the scarcer reserve. What
    /// it brings beyond that ratio is a gift to all. `None`, and nothing is taken, where that is less than one share.
    pub fn provide(&mut self, money: Amount, tokens: Amount) -> Option<Amount> {
        let (money, tokens) = (units(money), units(tokens));
        let locked = units(LOCKED_SHARES);
        let (shares, new) = if self.shares == 0 {
            let new = sqrt_of_product(money, tokens);
            (new.checked_sub(locked)?, new)
        } else {
            let by_money = mul_div(money, self.shares, self.money);
            let new = by_money.min(mul_div(tokens, self.shares, self.tokens));
            (new, new)
        };
        if shares == 0 {
            return None;
        }
        self.money += money;
        self.tokens += tokens;
        self.shares += new;
        Some(amount(shares))
    }

    /// Takes shares back, and returns their part of both reserves, rounded down: (money, tokens).
    ///
    /// # Panics
    /// If there are not as many shares that somebody owns.
    pub fn withdraw(&mut self, shares: Amount) -> (Amount, Amount) {
        let taken = units(shares);
        let owned = self.shares.saturating_sub(units(LOCKED_SHARES));
        assert!(taken <= owned, "{shares} shares of {}", amount(owned));
        if taken == 0 {
            return (Amount::ZERO, Amount::ZERO);
        }
        let money = mul_div(taken, self.money, self.shares);
        let tokens = mul_div(taken, self.tokens, self.shares);
        self.money -= money;
        self.tokens -= tokens;
        self.shares -= taken;
        (amount(money), amount(tokens))
    }

    /// Sells tokens of the pool for `money`; returns how many.
    ///
    /// # Panics
    /// If the pool is empty.
    pub fn buy(&mut self, money: Amount) -> Amount {
        let before = (self.money, self.tokens);
        let tokens = output_of(units(money), before, self.fee);
        self.money += units(money);
        self.tokens -= tokens;
        self.hold_product((self.money, self.tokens), units(money), before);
        amount(tokens)
    }

    /// Buys `tokens` for money of the pool; returns how much.
    ///
    /// # Panics
    /// If the pool is empty.
    pub fn sell(&mut self, tokens: Amount) -> Amount {
        let before = (self.tokens, self.money);
        let money = output_of(units(tokens), before, self.fee);
        self.tokens += units(tokens);
        self.money -= money;
        self.hold_product((self.tokens, self.money), units(tokens), before);
        amount(money)
    }

    /// Sells exactly so many tokens; returns what they cost, or `None` where the pool has no more than that.
    pub fn buy_exactly(&mut self, tokens: Amount) -> Option<Amount> {
        let input = input_for(units(tokens), (self.money, self.tokens), self.fee)?;
        let before = (self.money, self.tokens);
        self.money += input;
        self.tokens -= units(tokens);
        self.hold_product((self.money, self.tokens), input, before);
        Some(amount(input))
    }

    /// Trades until nobody gains by trading on, where a token is worth `price` elsewhere: `None` if nobody gains at once.
    ///
    /// The next unit of `x` brings `γ R_x R_y / (R_x + γ x)²` for γ = 1 − f, which falls to its worth at
    /// `x = (√(γ R_x R_y · worth) − R_x) / γ`.
    pub fn arbitrage(&mut self, price: f64) -> Option<Swap> {
        let gamma = f64::from(WHOLE as u32 - self.fee) / WHOLE as f64;
        let root = |worth: f64| (gamma * worth * self.money as f64 * self.tokens as f64).sqrt();
        let excess = |root: f64, reserve: u128| ((root - reserve as f64) / gamma).floor();
        let (money, tokens) = (
            excess(root(price), self.money),
            excess(root(1.0 / price), self.tokens),
        );
        if money >= 1.0 {
            let money = Amount(money as i128);
            let tokens = self.buy(money);
            Some(Swap::Bought { money, tokens })
        } else if tokens >= 1.0 {
            let tokens = Amount(tokens as i128);
            let money = self.sell(tokens);
            Some(Swap::Sold { tokens, money })
        } else {
            None
        }
    }

    /// Lets time pass at the present price.
    ///
    /// # Panics
    /// If the pool is empty.
    pub fn wait(&mut self, span: Span) {
        let seconds = span.as_secs_f64();
        let price = self.price();
        self.record.seconds += seconds;
        self.record.price += price * seconds;
        self.record.inverse += seconds / price;
    }

    /// The record of prices so far.
    #[must_use]
    pub fn record(&self) -> Record {
        self.record
    }

    /// Holds the rule of the pool as its contract does: without the fee, the product has not fallen.
    fn hold_product(&self, (now_in, now_out): (u128, u128), input: u128, before: (u128, u128)) {
        let adjusted = times(now_in, WHOLE) - times(input, u128::from(self.fee));
        let held = product(adjusted, times(now_out, WHOLE));
        let needed = product(times(before.0, WHOLE), times(before.1, WHOLE));
        assert!(held >= needed, "the product of a pool fell");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pool(money: i128, tokens: i128, fee: u32) -> Pool {
        let mut pool = Pool::new(fee);
        pool.provide(Amount(money), Amount(tokens)).unwrap();
        pool
    }

    /// Uniswap/v2-core, `UniswapV2Pair.spec.ts`, "mint" and "burn": 1 and 4 tokens give 2·10¹⁸ shares, less 1,000.
    #[test]
    fn the_first_shares_are_the_root_less_what_is_locked() {
        const E18: i128 = 1_000_000_000_000_000_000;
        let mut pool = Pool::new(30);
        let shares = pool.provide(Amount(E18), Amount(4 * E18)).unwrap();
        assert_eq!(shares, Amount(2 * E18 - 1_000));
        assert_eq!(pool.shares(), Amount(2 * E18));
        let mut pool = Pool::new(30);
        let shares = pool.provide(Amount(3 * E18), Amount(3 * E18)).unwrap();
        assert_eq!(
            pool.withdraw(shares),
            (Amount(3 * E18 - 1_000), Amount(3 * E18 - 1_000))
        );
        assert_eq!(pool.reserves(), (Amount(1_000), Amount(1_000)));
        assert_eq!(Pool::new(30).provide(Amount(1_000), Amount(1_000)), None);
    }

    /// Loss of providers against holding, without a fee: −5.719 % after the price has doubled, −20 % after it has quadrupled.
    #[test]
    fn impermanent_loss_is_its_formula() {
        for ratio in [2.0_f64, 4.0, 0.5, 9.0] {
            let start = 1_000_000_000_000_000_i128;
            let mut pool = pool(start, start, 0);
            pool.arbitrage(ratio).unwrap();
            let (money, tokens) = pool.reserves();
            let now = money.as_f64() + tokens.as_f64() * ratio;
            let held = Amount(start).as_f64() * (1.0 + ratio);
            let formula = 2.0 * ratio.sqrt() / (1.0 + ratio) - 1.0;
            assert!((now / held - 1.0 - formula).abs() < 1e-9, "{ratio}");
        }
    }

    #[test]
    fn a_mean_price_is_weighted_by_time() {
        let mut pool = pool(4_000_000_000_000, 1_000_000_000_000, 0);
        let start = pool.record();
        assert_eq!(start.mean_price_since(&start), None);
        pool.wait(Span::HOUR * 23);
        let first = pool.record();
        assert_eq!(first.mean_price_since(&start), Some(4.0));
        assert_eq!(first.mean_inverse_since(&start), Some(0.25));
        pool.arbitrage(16.0).unwrap();
        pool.wait(Span::HOUR);
        let day = pool.record().mean_price_since(&start).unwrap();
        assert!(
            (day - (4.0 + 12.0 / 24.0)).abs() < 1e-9,
            "a spike of dp·dt / window: {day}"
        );
        let inverse = pool.record().mean_inverse_since(&start).unwrap();
        assert!(inverse * day > 1.01, "the two means are not reciprocal");
    }

    #[test]
    #[should_panic(expected = "the pool is empty")]
    fn an_empty_pool_does_not_trade() {
        let _ = Pool::new(30).buy(Amount(1));
    }

    proptest! {
        /// Whatever is traded, the product does not fall, and no unit is created or lost.
        #[test]
        fn the_product_never_falls(
            reserves in (2_000..1_000_000_000_000_000_000_000_i128, 2_000..1_000_000_000_000_000_000_000_i128),
            fee in 0..1_000_u32,
            trades in prop::collection::vec((any::<bool>(), 0..1_000_000_000_000_000_000_000_i128), 1..30),
        ) {
            let mut pool = pool(reserves.0, reserves.1, fee);
            let (mut money, mut tokens) = reserves;
            for (buys, size) in trades {
                let before = product(pool.money, pool.tokens);
                if buys {
                    money += size;
                    tokens -= pool.buy(Amount(size)).0;
                } else {
                    tokens += size;
                    money -= pool.sell(Amount(size)).0;
                }
                prop_assert!(product(pool.money, pool.tokens) >= before);
                prop_assert!(fee == 0 || size < 10_000 || product(pool.money, pool.tokens) > before);
                prop_assert_eq!(pool.reserves(), (Amount(money), Amount(tokens)));
            }
        }

        /// Without a fee, a trade in two parts brings what it brings at once, but for rounding.
        #[test]
        fn without_a_fee_splitting_changes_nothing(parts in (1..1_000_000_000_000_i128, 1..1_000_000_000_000_i128)) {
            let start = pool(50_000_000_000_000, 20_000_000_000_000, 0);
            let (mut whole, mut split) = (start.clone(), start);
            let at_once = whole.buy(Amount(parts.0 + parts.1)).0;
            let in_two = split.buy(Amount(parts.0)).0 + split.buy(Amount(parts.1)).0;
            prop_assert!((0..=1).contains(&(at_once - in_two)));
        }

        /// What an exact purchase costs buys it, and a unit less does not buy more.
        #[test]
        fn exact_purchases_cost_the_least(tokens in 1..900_000_000_i128, fee in 0..500_u32) {
            let mut exact = pool(3_000_000_000, 1_000_000_000, fee);
            let start = exact.clone();
            let cost = exact.buy_exactly(Amount(tokens)).unwrap();
            prop_assert!(start.clone().buy(cost) >= Amount(tokens));
            prop_assert!(start.clone().buy(cost - Amount(2)) < Amount(tokens) || cost.0 <= 2);
            prop_assert_eq!(start.clone().buy_exactly(Amount(1_000_000_000)), None);
        }

        /// Arbitrage ends with the price within the fee of the price elsewhere, and never at a loss.
        #[test]
        fn arbitrage_stops_at_the_fee(price in 0.01..100.0, fee in 0..500_u32) {
            let start = 1_000_000_000_000_000;
            let mut pool = pool(start, start, fee);
            let gain = match pool.arbitrage(price) {
                Some(Swap::Bought { money, tokens }) => tokens.as_f64() * price - money.as_f64(),
                Some(Swap::Sold { tokens, money }) => money.as_f64() - tokens.as_f64() * price,
                None => 0.0,
            };
            let band = 1.0 - f64::from(fee) / 1e4;
            prop_assert!(gain >= -1e-9 * (1.0 + price), "{}", gain);
            prop_assert!(pool.price() > price * band * (1.0 - 1e-9));
            prop_assert!(pool.price() < price / band * (1.0 + 1e-9));
        }

        /// Who provides and withdraws at once gains nothing.
        #[test]
        fn shares_are_worth_no_more_than_what_was_brought(money in 1..1_000_000_000_000_i128, tokens in 1..1_000_000_000_000_i128) {
            let mut pool = pool(7_000_000_000, 3_000_000_000, 30);
            if let Some(shares) = pool.provide(Amount(money), Amount(tokens)) {
                let (back, coins) = pool.withdraw(shares);
                prop_assert!(back.0 <= money && coins.0 <= tokens);
            }
        }
    }
}
