//! Render's burn and mint: a job is priced in dollars, its payment is burned at the price of that moment, and workers are paid from an
//! emission that does not depend on what was burned (RNP-001, RNP-006), or by a share of revenue at a later price (RNP-023).
//!
//! Source: rendernetwork/RNPs at a7ced774. Amounts of RENDER and of dollars are in 10⁻⁹.

use super::emission::Schedule;
use super::split::{by_weight, mul_div};
use crate::units::{Amount, Ppm};

/// RENDER that can be minted at most above the first supply. Source: RNP-001.
pub const MAX_NEW_SUPPLY: Amount = Amount(107_374_182 * Amount::SCALE);

/// Emission by months: 9,126,804 RENDER in the first year, `second_year` in each of the next two, then 94.5 % of the last year's each
/// year (RNP-006), for as many years as are given.
///
/// # Panics
/// If the amounts overflow.
#[must_use]
pub fn emission(second_year: Amount, years: usize) -> Schedule {
    let first = Amount(9_126_804 * Amount::SCALE);
    let mut totals: Vec<Amount> = [first, second_year, second_year].into();
    while totals.len() < years {
        let last = totals[totals.len() - 1];
        totals.push(last.mul_floor(945, 1_000));
    }
    totals.truncate(years);
    Schedule::Table {
        years: totals,
        periods: 12,
    }
}

/// `usd` at a `price` per RENDER [both 10⁻⁹ USD], rounded down.
///
/// # Panics
/// If the price is not positive, or the amount negative.
#[must_use]
pub fn render_for(usd: Amount, price: Amount) -> Amount {
    assert!(
        price > Amount::ZERO,
        "a price must be positive, not {price}"
    );
    let usd = u128::try_from(usd.0).expect("a payment is not negative");
    let scale = Amount::SCALE.unsigned_abs();
    Amount(mul_div(usd, scale, price.0.unsigned_abs()).cast_signed())
}

/// What a job's payment becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burn {
    /// Burned [10⁻⁹ RENDER].
    pub burned: Amount,
    /// Kept as a fee [10⁻⁹ RENDER].
    pub fee: Amount,
}

/// Burns the payment of a job of `usd` at `price`, less a fee of its RENDER (5 % in RNP-001); both sum to what was bought.
///
/// # Panics
/// As [`render_for`].
#[must_use]
pub fn burn(usd: Amount, price: Amount, fee: Ppm) -> Burn {
    let bought = render_for(usd, price);
    let fee = bought.share(fee);
    Burn {
        burned: bought - fee,
        fee,
    }
}

/// An epoch's emission divided by work and by availability, `for_work` of it by work; what nobody earned is not minted.
#[must_use]
pub fn divide(emission: Amount, for_work: Ppm, work: &[f64], available: &[f64]) -> Vec<Amount> {
    let part = emission.share(for_work);
    let by_work = by_weight(part, work);
    let by_time = by_weight(emission - part, available);
    by_work
        .into_iter()
        .zip(by_time)
        .map(|(work, time)| work + time)
        .collect()
}

/// A product of RNP-023, paid for outside: a share of revenue is burned, and a share minted for workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Share of revenue with which RENDER is bought and burned.
    pub burn_share: Ppm,
    /// Share of revenue that workers get in newly minted RENDER.
    pub reward_share: Ppm,
}

impl Product {
    /// Burned when a customer pays, at the price of that moment.
    ///
    /// # Panics
    /// As [`render_for`].
    #[must_use]
    pub fn burned(&self, revenue: Amount, price: Amount) -> Amount {
        render_for(revenue.share(self.burn_share), price)
    }

    /// Minted when workers are paid, at the price of that moment; if the price fell meanwhile it can be more than was burned.
    ///
    /// # Panics
    /// As [`render_for`].
    #[must_use]
    pub fn minted(&self, revenue: Amount, price: Amount) -> Amount {
        render_for(revenue.share(self.reward_share), price)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(value: f64) -> Amount {
        Amount::from_f64(value)
    }

    /// RNP-001: a job of $100 at $4 buys 25 RENDER, of which 5 % are kept.
    #[test]
    fn a_job_burns_what_it_buys() {
        let burn = burn(usd(100.0), usd(4.0), Ppm::from_fraction(0.05));
        assert_eq!((burn.burned, burn.fee), (usd(23.75), usd(1.25)));
    }

    /// RNP-006: 760,567 a month in the first year; all years stay below the cap on new supply.
    #[test]
    fn emission_by_months() {
        let schedule = emission(Amount(5_905_584 * Amount::SCALE), 60);
        assert_eq!(schedule.at(0), Amount(760_567 * Amount::SCALE));
        assert_eq!(schedule.at(24), Amount(492_132 * Amount::SCALE));
        let fourth = schedule.before(48) - schedule.before(36);
        assert_eq!(
            fourth,
            Amount(5_905_584 * Amount::SCALE).mul_floor(945, 1_000)
        );
        assert!(schedule.cap().expect("a table ends") > MAX_NEW_SUPPLY.mul_floor(9, 10));
    }

    #[test]
    fn work_and_availability_are_paid_exactly() {
        let emission = Amount(1_000_001);
        let paid = divide(
            emission,
            Ppm::from_fraction(0.7),
            &[3.0, 1.0, 0.0],
            &[1.0; 3],
        );
        let sum = paid.iter().fold(Amount::ZERO, |sum, &paid| sum + paid);
        assert_eq!(sum, emission);
        assert_eq!(paid[2], Amount(100_000));
        // Nobody worked: that part is not minted.
        let paid = divide(emission, Ppm::from_fraction(0.7), &[0.0; 2], &[1.0; 2]);
        assert_eq!(paid[0] + paid[1], Amount(300_001));
    }

    /// If the price falls by more than the shares differ, more is minted than was burned: the net burn of RNP-023 turns negative.
    #[test]
    fn a_fall_of_the_price_mints_more_than_was_burned() {
        let product = Product {
            burn_share: Ppm::from_fraction(0.60),
            reward_share: Ppm::from_fraction(0.56),
        };
        let revenue = usd(1_000.0);
        assert_eq!(product.burned(revenue, usd(2.0)), usd(300.0));
        assert_eq!(product.minted(revenue, usd(2.0)), usd(280.0));
        assert!(product.minted(revenue, usd(1.8)) > product.burned(revenue, usd(2.0)));
    }
}
