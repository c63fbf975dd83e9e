//! Bonding curve: tokens are minted for a deposit and redeemed from the reserve, at a price that follows from both.
//!
//! Bancor: the reserve is always the same part `w` of the tokens' worth, so `price = R / (w S)`; a deposit `d` mints
//! `S ((1 + d/R)^w − 1)`, and redeeming `s` pays `R (1 − (1 − s/S)^{1/w})`. E. Hertzog, G. Benartzi, G. Benartzi, "Bancor protocol",
//! 2018. With κ = 1/w this keeps `V = S^κ / R`; the augmented curve sends a part of what comes in and of what goes out to a treasury:
//! M. Zargham, J. Shorish, K. Paruch, "From curved bonding to configuration spaces", IEEE ICBC 2020.

use walras_des::math::{exp_m1, ln_1p};

use crate::units::{Amount, Ppm};

/// The curve with its reserve and supply.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    reserve: Amount,
    supply: Amount,
    weight: f64,
    /// Share of a deposit that goes to the treasury (θ).
    entry: Ppm,
    /// Share of a redemption that goes to the treasury (φ).
    exit: Ppm,
}

/// What a deposit or a redemption gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issue {
    /// To whom came: tokens for a deposit, money for a redemption.
    pub out: Amount,
    /// Money to the treasury.
    pub tribute: Amount,
}

/// Powers are floats, good to some 10⁻¹⁶, and what is paid out is made smaller by this, so that no round trip earns a unit.
const CAUTION: f64 = 1.0 - 1.0 / (1_u64 << 48) as f64;

impl Curve {
    /// A curve at work, with a reserve that is `weight` of the tokens' worth, and tributes at entry and exit (zero for a plain one).
    ///
    /// # Panics
    /// If reserve or supply is not positive, or `weight` lies outside (0, 1].
    #[must_use]
    pub fn new(reserve: Amount, supply: Amount, weight: f64, entry: Ppm, exit: Ppm) -> Self {
        assert!(
            reserve > Amount::ZERO && supply > Amount::ZERO,
            "a curve starts with a reserve and a supply above zero, not {reserve} and {supply}"
        );
        assert!(
            weight > 0.0 && weight <= 1.0,
            "the reserve's weight must lie in (0, 1], not {weight}"
        );
        Self {
            reserve,
            supply,
            weight,
            entry,
            exit,
        }
    }

    /// Money that backs the tokens.
    #[must_use]
    pub fn reserve(&self) -> Amount {
        self.reserve
    }

    /// Tokens there are.
    #[must_use]
    pub fn supply(&self) -> Amount {
        self.supply
    }

    /// Money per token at the margin, before tributes; not a number once all is redeemed.
    #[must_use]
    pub fn price(&self) -> f64 {
        self.reserve.as_f64() / (self.supply.as_f64() * self.weight)
    }

    /// Takes a deposit and mints tokens.
    ///
    /// # Panics
    /// If the deposit is negative, or the curve has ended: all was redeemed.
    pub fn mint(&mut self, deposit: Amount) -> Issue {
        assert!(deposit >= Amount::ZERO, "a deposit of {deposit}");
        assert!(
            self.supply > Amount::ZERO,
            "the curve has ended: all was redeemed"
        );
        let tribute = deposit.share(self.entry);
        let kept = deposit - tribute;
        let growth = exp_m1(self.weight * ln_1p(ratio(kept, self.reserve)));
        let out = part(self.supply, growth);
        self.reserve += kept;
        self.supply += out;
        Issue { out, tribute }
    }

    /// Takes tokens out of the world and pays from the reserve; the last token takes all that is left.
    ///
    /// # Panics
    /// If there are fewer tokens, or a negative number is redeemed.
    pub fn redeem(&mut self, tokens: Amount) -> Issue {
        assert!(
            tokens >= Amount::ZERO && tokens <= self.supply,
            "{tokens} tokens of {}",
            self.supply
        );
        let paid = if tokens == self.supply {
            self.reserve
        } else {
            let fall = -exp_m1(ln_1p(-ratio(tokens, self.supply)) / self.weight);
            part(self.reserve, fall)
        };
        let tribute = paid.share(self.exit);
        self.reserve -= paid;
        self.supply -= tokens;
        Issue {
            out: paid - tribute,
            tribute,
        }
    }
}

fn ratio(part: Amount, whole: Amount) -> f64 {
    part.0 as f64 / whole.0 as f64
}

/// Of `whole` a part that is a float, rounded down with caution.
fn part(whole: Amount, part: f64) -> Amount {
    let units = whole.0 as f64 * part * CAUTION;
    assert!(units < 1e38, "amount overflow");
    Amount(units as i128)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(reserve: i128, supply: i128, weight: f64) -> Curve {
        let none = Ppm::default();
        Curve::new(Amount(reserve), Amount(supply), weight, none, none)
    }

    #[test]
    fn the_last_token_takes_all() {
        let mut curve = curve(1_000_003, 7, 0.3);
        assert_eq!(curve.redeem(Amount(7)).out, Amount(1_000_003));
        assert_eq!(
            (curve.reserve(), curve.supply()),
            (Amount::ZERO, Amount::ZERO)
        );
    }

    #[test]
    fn tributes_go_to_the_treasury() {
        let (entry, exit) = (Ppm::from_fraction(0.1), Ppm::from_fraction(0.02));
        let start = (Amount::from_f64(250.0), Amount::from_f64(1_000.0));
        let mut augmented = Curve::new(start.0, start.1, 0.5, entry, exit);
        let mut plain = curve(start.0.0, start.1.0, 0.5);
        let deposit = Amount::from_f64(10.0);
        let minted = augmented.mint(deposit);
        assert_eq!(minted.tribute, Amount::from_f64(1.0));
        assert_eq!(minted.out, plain.mint(Amount::from_f64(9.0)).out);
        let (redeemed, whole) = (augmented.redeem(minted.out), plain.redeem(minted.out));
        assert_eq!(redeemed.out + redeemed.tribute, whole.out);
        assert_eq!(redeemed.tribute, whole.out.share(exit));
        assert_eq!(augmented.reserve(), plain.reserve());
    }

    #[test]
    #[should_panic(expected = "the reserve's weight must lie in (0, 1], not 1.5")]
    fn a_reserve_beyond_the_worth_is_refused() {
        let _ = curve(1, 1, 1.5);
    }

    proptest! {
        /// Minting and redeeming at once returns the deposit, less at most what caution takes, and never more.
        #[test]
        fn a_round_trip_earns_nothing(
            reserve in 1_000_000..1_000_000_000_000_000_000_i128,
            supply in 1_000_000..1_000_000_000_000_000_000_i128,
            deposit in 1..1_000_000_000_000_000_000_i128,
            weight in 0.05..1.0,
        ) {
            prop_assume!(deposit / reserve < 100);
            let mut curve = curve(reserve, supply, weight);
            let minted = curve.mint(Amount(deposit)).out;
            let price = curve.price();
            let back = curve.redeem(minted).out;
            prop_assert!(back.0 <= deposit);
            let lost = (deposit - back.0) as f64;
            prop_assert!(lost <= 2.0 + 2.0 * price + 1e-12 * (reserve + deposit) as f64, "{} lost at price {}", lost, price);
        }

        /// `S^κ / R` stays, and the price is the slope of the curve.
        #[test]
        fn the_invariant_is_kept(deposits in prop::collection::vec(1_000_000..1_000_000_000_000_i128, 1..20), weight in 0.1..1.0) {
            let mut curve = curve(250_000_000_000, 1_000_000_000_000, weight);
            let invariant = |curve: &Curve| curve.supply.as_f64().powf(1.0 / weight) / curve.reserve.as_f64();
            let start = invariant(&curve);
            for deposit in deposits {
                curve.mint(Amount(deposit));
                prop_assert!((invariant(&curve) / start - 1.0).abs() < 1e-9);
            }
            let (price, step) = (curve.price(), Amount(curve.reserve.0 / 1_000_000));
            let minted = curve.mint(step).out;
            let slope = step.as_f64() / minted.as_f64();
            let rounding = 2.0 / minted.0 as f64;
            prop_assert!((slope / price - 1.0).abs() < 2e-6 + rounding);
        }
    }
}
