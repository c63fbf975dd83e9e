//! Quantities with a fixed unit: exact money, and the time resolution of serving.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// An exact amount of one asset, in its base unit (10⁻⁹ USD, or 10⁻⁹ of a token).
///
/// Arithmetic panics on overflow: a ledger that wraps is worse than a run that stops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub i128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Base units in one dollar or one token.
    pub const SCALE: i128 = 1_000_000_000;

    /// The amount nearest to `value` dollars (or tokens); economists' floats are quantised here, once.
    ///
    /// # Panics
    /// If `value` is not finite or exceeds 10²⁰.
    #[must_use]
    pub fn from_f64(value: f64) -> Self {
        assert!(
            value.is_finite() && value.abs() < 1e20,
            "an amount must be finite and below 1e20, not {value}"
        );
        Self((value * 1e9).round() as i128)
    }

    /// Dollars (or tokens) as a float, for reports only.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// `self · numerator / denominator`, rounded toward minus infinity.
    ///
    /// # Panics
    /// On overflow, or if `denominator` is zero.
    #[must_use]
    #[inline]
    pub fn mul_floor(self, numerator: u64, denominator: u64) -> Self {
        // Nearly all products fit 64 bits, where a division is cheap.
        let small = u64::try_from(self.0).ok();
        if let Some(product) = small.and_then(|amount| amount.checked_mul(numerator)) {
            return Self(i128::from(product / denominator));
        }
        let product = self
            .0
            .checked_mul(i128::from(numerator))
            .expect("amount overflow");
        Self(product.div_euclid(i128::from(denominator)))
    }

    /// `self · share`, rounded down, where `share` is in parts per million.
    #[must_use]
    pub fn share(self, share: Ppm) -> Self {
        self.mul_floor(u64::from(share.0), 1_000_000)
    }

    /// The smaller of two amounts.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).expect("amount overflow"))
    }
}

impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect("amount overflow"))
    }
}

impl Neg for Amount {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        write!(
            f,
            "{sign}{}.{:09}",
            magnitude / 1_000_000_000,
            magnitude % 1_000_000_000
        )
    }
}

/// A price or a limit in base units of a dollar (10⁻⁹ USD), in 64 bits: there is one on every card, and none of nine billion dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(i64);

impl Price {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The highest price; as a limit, none.
    pub const MAX: Self = Self(i64::MAX);

    /// The price nearest to `usd`, at most [`Price::MAX`].
    #[must_use]
    pub fn from_f64(usd: f64) -> Self {
        Self((usd * 1e9).round() as i64)
    }

    /// The price of so many base units, at most [`Price::MAX`].
    #[must_use]
    pub fn from_units(units: i128) -> Self {
        Self(i64::try_from(units).unwrap_or(i64::MAX))
    }

    /// The same as an amount of money.
    #[must_use]
    pub fn amount(self) -> Amount {
        Amount(i128::from(self.0))
    }
}

/// A share in parts per million, so that splitting money needs no floats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ppm(u32);

impl Ppm {
    /// The share nearest to `fraction`.
    ///
    /// # Panics
    /// If `fraction` lies outside `[0, 1]`.
    #[must_use]
    pub fn from_fraction(fraction: f64) -> Self {
        assert!(
            (0.0..=1.0).contains(&fraction),
            "a share must lie in [0, 1], not {fraction}"
        );
        Self((fraction * 1e6).round() as u32)
    }

    /// The share as a fraction.
    #[must_use]
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

/// Picoseconds: step durations are summed in this unit, so that a fast-forward over many steps
/// and the same steps one by one end on the same nanosecond.
pub type Picos = u64;

/// Picoseconds in a nanosecond.
pub const PICOS_PER_NANO: u64 = 1_000;

/// The picoseconds nearest to `seconds`.
///
/// # Panics
/// If `seconds` is negative, not finite, or longer than 106 days.
#[must_use]
pub fn picos(seconds: f64) -> Picos {
    assert!(
        (0.0..9.2e6).contains(&seconds),
        "a duration must lie in [0, 106 d], not {seconds} s"
    );
    nearest(seconds * 1e12)
}

/// The integer nearest to a number that is not negative: exact, without the call to `round` that the baseline x86-64 needs.
#[must_use]
#[inline]
pub(crate) fn nearest(value: f64) -> u64 {
    let whole = value as u64;
    whole + u64::from(value - whole as f64 >= 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_round_down_and_show_nine_digits() {
        assert_eq!(Amount(10).mul_floor(1, 3), Amount(3));
        assert_eq!(Amount(-10).mul_floor(1, 3), Amount(-4));
        assert_eq!(Amount::from_f64(1.25).to_string(), "1.250000000");
        assert_eq!(Amount(-5).to_string(), "-0.000000005");
        assert_eq!(
            Amount(1_000_000).share(Ppm::from_fraction(0.025)),
            Amount(25_000)
        );
    }

    #[test]
    #[should_panic(expected = "amount overflow")]
    fn amounts_never_wrap() {
        let _ = Amount(i128::MAX) + Amount(1);
    }
}
