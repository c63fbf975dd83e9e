//! Blob fee: a price exponential in all that was ever used beyond the target, as in EIP-4844, 7691 and 7918.
//!
//! The fee depends on the sum of past usage alone, not on its order, which the multiplicative steps of a base fee do not achieve.

use crate::units::{Amount, Ppm};

use super::clearing::times;
use super::posted::trade_at;
use super::{Clearing, Market, Order};

/// Sizes of a blob market, in blobs of so much gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Gas of a unit (2¹⁷ for a blob).
    pub gas_per_unit: u64,
    /// Units of an epoch at which the fee rests.
    pub target: u64,
    /// Units of an epoch at most.
    pub max: u64,
    /// Excess gas over which the fee grows by a factor e.
    pub update_fraction: u64,
    /// The lowest fee [base units per gas].
    pub min_fee: u64,
}

impl Schedule {
    /// Ethereum since March 2024. Source: EIP-4844.
    pub const CANCUN: Self = Self {
        gas_per_unit: 1 << 17,
        target: 3,
        max: 6,
        update_fraction: 3_338_477,
        min_fee: 1,
    };

    /// Ethereum since May 2025. Source: EIP-7691.
    pub const PRAGUE: Self = Self {
        gas_per_unit: 1 << 17,
        target: 6,
        max: 9,
        update_fraction: 5_007_716,
        min_fee: 1,
    };

    /// The fee per gas at this excess. Source: EIP-4844, `get_base_fee_per_blob_gas`.
    ///
    /// # Panics
    /// If the fee exceeds 127 bits.
    #[must_use]
    pub fn fee(&self, excess: u64) -> Amount {
        let fee = fake_exponential(
            u128::from(self.min_fee),
            u128::from(excess),
            u128::from(self.update_fraction),
        );
        Amount(i128::try_from(fee).expect("amount overflow"))
    }

    /// The excess after an epoch in which `used` gas was used. Source: EIP-4844, `calc_excess_blob_gas`.
    #[must_use]
    pub fn next_excess(&self, excess: u64, used: u64) -> u64 {
        (excess + used).saturating_sub(self.target * self.gas_per_unit)
    }

    /// The same while the fee is below a reserve price: usage still raises the excess, as fast as a full epoch would above the
    /// target, and nothing lowers it, unless it is so small that the target would use it up. Source: EIP-7918.
    #[must_use]
    pub fn next_excess_below_reserve(&self, excess: u64, used: u64) -> u64 {
        if excess + used < self.target * self.gas_per_unit {
            return 0;
        }
        let above = u128::from(used) * u128::from(self.max - self.target) / u128::from(self.max);
        excess + above as u64 // not more than `used`
    }
}

/// `factor · e^(numerator / denominator)` by its Taylor series in integers. Source: EIP-4844, `fake_exponential`.
///
/// # Panics
/// If a term exceeds 128 bits, or `denominator` is zero.
#[must_use]
pub fn fake_exponential(factor: u128, numerator: u128, denominator: u128) -> u128 {
    let product = |a: u128, b: u128| a.checked_mul(b).expect("amount overflow");
    let (mut sum, mut term, mut i) = (0_u128, product(factor, denominator), 1);
    while term > 0 {
        sum = sum.checked_add(term).expect("amount overflow");
        term = product(term, numerator) / product(denominator, i);
        i += 1;
    }
    sum / denominator
}

/// A market whose sellers all sell at the blob fee.
#[derive(Clone, Debug, PartialEq)]
pub struct BlobFee {
    /// Sizes.
    pub schedule: Schedule,
    /// Gas used beyond the target so far.
    pub excess: u64,
    /// The fee does not fall while a unit costs less than this [base units]; zero for none. Ethereum since Fusaka: 2¹³ times its base
    /// fee (EIP-7918).
    pub reserve: Amount,
    /// Share of the fee that is destroyed (all of it in Ethereum).
    pub burn: Ppm,
}

impl BlobFee {
    /// The price of a unit.
    fn price(&self) -> Amount {
        times(self.schedule.fee(self.excess), self.schedule.gas_per_unit)
    }
}

impl Market for BlobFee {
    fn quote(&self) -> Option<Amount> {
        Some(self.price())
    }

    fn clear(&mut self, bids: &[Order], asks: &[Order], out: &mut Clearing) {
        let price = self.price();
        let burned = price.share(self.burn);
        trade_at(bids, asks, (price, price - burned), self.schedule.max, out);
        out.burned = times(burned, out.quantity());
        let used = out.quantity() * self.schedule.gas_per_unit;
        self.excess = if self.reserve > price {
            self.schedule.next_excess_below_reserve(self.excess, used)
        } else {
            self.schedule.next_excess(self.excess, used)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Ratios of a full and an empty block, as the EIPs state them: 1.125 for Cancun; 1.082 and 0.855 for Prague.
    #[test]
    fn full_and_empty_blocks_move_it_as_the_eips_say() {
        let ratio = |schedule: Schedule, units: u64| {
            let start = 60 * schedule.update_fraction / 2; // far up, where integers do not show
            let next = schedule.next_excess(start, units * schedule.gas_per_unit);
            schedule.fee(next).as_f64() / schedule.fee(start).as_f64()
        };
        assert!((ratio(Schedule::CANCUN, 6) - 1.125).abs() < 1e-6);
        assert!((ratio(Schedule::PRAGUE, 9) - 1.081_687).abs() < 1e-6);
        assert!((ratio(Schedule::PRAGUE, 0) - 0.854_666).abs() < 1e-6);
        assert!((ratio(Schedule::PRAGUE, 6) - 1.0).abs() < 1e-12);
    }

    /// EIP-7918: below the reserve an empty block lowers nothing, and a full one raises the excess as it does above the reserve.
    #[test]
    fn below_its_reserve_price_the_fee_does_not_fall() {
        let schedule = Schedule::PRAGUE;
        let gas = |units: u64| units * schedule.gas_per_unit;
        assert_eq!(schedule.next_excess_below_reserve(gas(50), 0), gas(50));
        assert_eq!(
            schedule.next_excess_below_reserve(gas(50), gas(9)),
            schedule.next_excess(gas(50), gas(9))
        );
        assert_eq!(schedule.next_excess_below_reserve(gas(3), gas(3)), gas(4));
        assert_eq!(
            schedule.next_excess_below_reserve(gas(3), gas(2)),
            0,
            "below the target the specification starts anew, whatever the reserve"
        );
        let mut market = BlobFee {
            schedule,
            excess: gas(50),
            reserve: Amount(1 << 40),
            burn: Ppm::from_fraction(1.0),
        };
        market.clear(&[], &[], &mut Clearing::default());
        assert_eq!(market.excess, gas(50));
        market.reserve = Amount::ZERO;
        market.clear(&[], &[], &mut Clearing::default());
        assert_eq!(market.excess, gas(44));
    }

    #[test]
    fn an_epoch_holds_no_more_than_its_most_and_burns_the_fee() {
        let mut market = BlobFee {
            schedule: Schedule::CANCUN,
            excess: 0,
            reserve: Amount::ZERO,
            burn: Ppm::from_fraction(1.0),
        };
        let (bids, asks) = (
            [Order::new(0, Amount(1 << 20), 50)],
            [Order::new(1, Amount::ZERO, 50)],
        );
        let mut out = Clearing::default();
        market.clear(&bids, &asks, &mut out);
        out.verify(&bids, &asks).unwrap();
        assert_eq!(out.quantity(), 6);
        assert_eq!(
            (out.burned, out.received()),
            (Amount(6 << 17), Amount::ZERO)
        );
        assert_eq!(market.excess, 3 << 17);
    }

    #[test]
    #[should_panic(expected = "amount overflow")]
    fn a_fee_beyond_128_bits_is_an_error() {
        let _ = fake_exponential(1, 100_000, 1_000);
    }

    proptest! {
        /// Only the sum of usage matters, as long as the excess never reaches zero.
        #[test]
        fn the_fee_does_not_depend_on_the_path(mut used in prop::collection::vec(0..=6_u64, 1..50), seed in any::<u64>()) {
            let schedule = Schedule::CANCUN;
            let run = |used: &[u64]| used.iter().fold(200 << 17, |excess, units| schedule.next_excess(excess, units << 17));
            let first = run(&used);
            let length = used.len();
            used.rotate_left(seed as usize % length);
            used[..length / 2].reverse();
            prop_assert_eq!(first, run(&used));
        }
    }
}
