//! Base fee: a posted price that rises while more than a target is used and falls while less is, as in EIP-1559.
//!
//! With `n` users whose values are uniform on `[0, m]` and λ = n / target, the fee rests at `m (1 − 1/λ)`, where a small deviation is
//! multiplied by `1 − (λ − 1) / 8` from block to block: stable if and only if λ < 17. With demand of constant elasticity ε it is
//! multiplied by `1 − ε / 8`: stable if and only if ε < 16. Beyond that the fee oscillates, and a smaller denominator leads to chaos:
//! S. Leonardos, B. Monnot, D. Reijsbergen, S. Skoulakis, G. Piliouras, "Dynamical analysis of the EIP-1559 Ethereum fee market",
//! arXiv 2102.10567.

use walras_des::Span;

use crate::units::{Amount, Ppm};

use super::clearing::times;
use super::posted::Interest;
use super::{Clearing, Fill, Market, Order};

/// A base fee in the manner of EIP-1559: it rises while more than the target is used and falls while less is.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseFee {
    /// Price per million output tokens at the start [USD].
    pub initial: Amount,
    /// The price never falls below this [USD per million output tokens].
    pub floor: Amount,
    /// Price of a prompt token relative to an output token.
    pub prompt_weight: f64,
    /// Share of the willing nodes' slots in use at which the price rests.
    pub target: f64,
    /// Largest relative change in an epoch is one over this (8 in EIP-1559).
    pub denominator: u64,
    /// Length of an epoch.
    pub epoch: Span,
}

/// The next base fee after an epoch in which `used` of a targeted `target` was used. Source: EIP-1559, `calc_base_fee`.
///
/// Integer division rounds down in both directions and a rise is at least one unit, as in the specification.
///
/// # Panics
/// If `target` or `denominator` is zero.
#[must_use]
pub fn next_base_fee(fee: i128, used: u64, target: u64, denominator: u64) -> i128 {
    assert!(
        target > 0 && denominator > 0,
        "a base fee needs a target and a denominator"
    );
    let (wide_target, wide_denominator) = (i128::from(target), i128::from(denominator));
    let step = |gap: u64| fee * i128::from(gap) / wide_target / wide_denominator;
    if used > target {
        fee + step(used - target).max(1)
    } else {
        fee - step(target - used)
    }
}

/// A market whose sellers all sell at the base fee; who is in a hurry adds a tip.
#[derive(Clone, Debug, PartialEq)]
pub struct Eip1559 {
    /// The present base fee [base units per unit].
    pub fee: Amount,
    /// The fee never falls below this.
    pub floor: Amount,
    /// Share of the units that sellers offer at this fee at which it rests; one half in EIP-1559, where a block holds twice its target.
    pub target: Ppm,
    /// Largest relative change in an epoch is one over this (8 in EIP-1559).
    pub denominator: u64,
    /// Share of the base fee that is destroyed (all of it in Ethereum, whose validators live on tips and issuance).
    pub burn: Ppm,
    /// The most that a buyer adds for being served first [base units per unit]; it adds no more than its limit leaves, and sellers
    /// get all of it.
    pub tip: Amount,
}

impl Market for Eip1559 {
    fn quote(&self) -> Option<Amount> {
        Some(self.fee)
    }

    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
        out.reset();
        let burned = self.fee.share(self.burn);
        let earned = self.fee - burned;
        let interest = Interest::at(bids, asks, (self.fee, earned));
        let quantity = interest.wanted.min(interest.offered);
        if quantity > 0 {
            let tip = |i: usize| self.tip.min(bids[i].price - self.fee);
            let mut buyers: Vec<usize> = (0..bids.len())
                .filter(|&i| bids[i].price >= self.fee)
                .collect();
            buyers.sort_by_key(|&i| std::cmp::Reverse(tip(i)));
            let sellers = (0..asks.len()).filter(|&i| asks[i].price <= earned);
            out.fill_all(
                (bids, buyers),
                (asks, sellers),
                quantity,
                (self.fee, earned),
            );
            out.burned = times(burned, quantity);
            if self.tip > Amount::ZERO {
                let tips = add_tips(&mut out.bought, tip);
                share_out(tips, quantity, &mut out.sold);
                (out.buyers_price, out.sellers_price) = (None, None);
            }
        }
        self.fee = self.next(interest);
    }
}

impl Eip1559 {
    /// The fee of the next epoch: what was wanted counts, at most twice the target, as a block holds at most that.
    fn next(&self, interest: Interest) -> Amount {
        if interest.wanted == 0 && interest.offered == 0 {
            return self.fee; // nobody would buy and nobody would sell: no news
        }
        // In millionths of a unit, so that the target of a small market is not rounded away.
        let fine = |units: u64| Amount(i128::from(units) * 1_000_000);
        let target = fine(interest.offered).share(self.target).max(Amount(1));
        let used = fine(interest.wanted).min(target + target);
        let count =
            |amount: Amount| u64::try_from(amount.0).expect("fewer than 10^12 units an epoch");
        let next = next_base_fee(self.fee.0, count(used), count(target), self.denominator);
        Amount(next).max(self.floor)
    }
}

/// Adds its tip to what each buyer pays; all tips together.
fn add_tips(bought: &mut [Fill], tip: impl Fn(usize) -> Amount) -> Amount {
    let mut all = Amount::ZERO;
    for fill in bought {
        let tips = times(tip(fill.order), fill.quantity);
        fill.money += tips;
        all += tips;
    }
    all
}

/// Divides tips among sellers by what they sold, to the last unit: each gets what the units up to its last get, rounded down, less
/// what those before it got.
fn share_out(tips: Amount, quantity: u64, sold: &mut [Fill]) {
    let (mut units, mut given) = (0, Amount::ZERO);
    for fill in sold {
        units += fill.quantity;
        let due = tips.mul_floor(units, quantity);
        fill.money += due - given;
        given = due;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of the table in go-ethereum's `TestCalcBaseFee` and of the EIP: base fee 10⁹, target 10 M gas.
    #[test]
    fn the_base_fee_follows_eip_1559() {
        assert_eq!(
            next_base_fee(1_000_000_000, 10_000_000, 10_000_000, 8),
            1_000_000_000
        );
        assert_eq!(
            next_base_fee(1_000_000_000, 9_000_000, 10_000_000, 8),
            987_500_000
        );
        assert_eq!(
            next_base_fee(1_000_000_000, 11_000_000, 10_000_000, 8),
            1_012_500_000
        );
        assert_eq!(
            next_base_fee(7, 0, 10_000_000, 8),
            7,
            "the fee sticks at 7 units with empty blocks"
        );
        assert_eq!(
            next_base_fee(7, 10_000_001, 10_000_000, 8),
            8,
            "a rise is at least one unit"
        );
    }

    /// Every epoch with this demand and supply at any price moves the fee by so much.
    #[test]
    fn small_markets_move_it_as_large_ones_do() {
        let moved = |wanted: u64, offered: u64| {
            let mut market = Eip1559 {
                fee: Amount(800),
                floor: Amount(1),
                target: Ppm::from_fraction(0.5),
                denominator: 8,
                burn: Ppm::default(),
                tip: Amount::ZERO,
            };
            let (bid, ask) = (
                Order::new(0, Amount(10_000), wanted),
                Order::new(1, Amount::ZERO, offered),
            );
            market.clear(&[bid], &[ask], &mut Clearing::default());
            market.fee.0 - 800
        };
        for scale in [1, 1_000, 10_000_000] {
            assert_eq!(moved(scale, scale), 100, "all in use");
            assert_eq!(moved(scale, 2 * scale), 0, "the target");
            assert_eq!(moved(3 * scale, 4 * scale), 50);
            assert_eq!(moved(0, scale), -100, "nothing in use");
            assert_eq!(moved(scale, 0), 100, "nobody sells");
        }
        assert_eq!(moved(0, 0), 0, "no news");
    }

    #[test]
    fn who_tips_most_is_served_first_and_sellers_get_the_tips() {
        let mut market = Eip1559 {
            fee: Amount(100),
            floor: Amount(1),
            target: Ppm::from_fraction(0.5),
            denominator: 8,
            burn: Ppm::from_fraction(0.8),
            tip: Amount(7),
        };
        let bids = [103, 200, 99, 105].map(|limit| Order::new(0, Amount(limit), 2));
        let asks =
            [20, 21, 0].map(|limit| Order::new(1, Amount(limit), if limit == 0 { 2 } else { 1 }));
        let mut out = Clearing::default();
        market.clear(&bids, &asks, &mut out);
        out.verify(&bids, &asks).unwrap();
        let paid: Vec<_> = out
            .bought
            .iter()
            .map(|f| (f.order, f.quantity, f.money.0))
            .collect();
        assert_eq!(paid, [(1, 2, 214), (3, 1, 105)]);
        let got: Vec<_> = out.sold.iter().map(|f| (f.order, f.money.0)).collect();
        assert_eq!(
            got,
            [(0, 20 + 6), (2, 40 + 13)],
            "19 of tips for three units"
        );
        assert_eq!((out.burned, out.surplus()), (Amount(240), Amount(240)));
    }
}
