//! Burn and mint in theory: customers pay a dollar amount in tokens that are burned, providers are paid newly minted ones, and the price
//! depends on how long, and why, somebody holds the tokens between.
//!
//! Demand is in dollars, so it does not depend on the token's price; what does is how many tokens it burns. Three answers, from no
//! holding to holding for the future; results that differ between them rest on the assumption. The quantity theory is Fisher's equation
//! of exchange with velocity `1/H`; the forward-looking price is the condition of Hotelling: a holder must earn the interest.

use walras_des::math;

use crate::units::Amount;

/// Why tokens are held, which sets their price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Valuation {
    /// Nobody holds: buyers buy to burn, and providers sell all they are minted. `p = R/M`.
    NoHolding,
    /// A token is held for a mean time before it is burned. `p = R·H/S`.
    HoldingTime {
        /// Mean time, at least one [epochs].
        epochs: f64,
    },
    /// Everybody knows that all tokens will be burned, and holds them for that. `p = NPV(R)/(S + all future emission)`.
    Forward {
        /// Rate at which holders discount, per epoch.
        discount: f64,
        /// Growth of revenue that they expect, per epoch; below the discount rate.
        growth: f64,
    },
}

/// Tokens in circulation, burned and minted epoch by epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BurnMint {
    /// Why tokens are held.
    pub valuation: Valuation,
    /// In circulation.
    pub supply: Amount,
}

/// What happened in an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burned {
    /// Dollars for a token; zero without revenue.
    pub price: f64,
    /// Tokens burned.
    pub burned: Amount,
}

impl BurnMint {
    /// Passes an epoch: customers pay `revenue` dollars in tokens, `mint` is minted, and `later` is all that will be minted after it.
    ///
    /// Burning comes first, rounded down to the unit; no more is burned than there is, and the price is then what clears.
    ///
    /// # Panics
    /// If an amount is negative, a holding time is below one, or growth reaches the discount rate.
    pub fn step(&mut self, revenue: Amount, mint: Amount, later: Amount) -> Burned {
        assert!(
            revenue >= Amount::ZERO && mint >= Amount::ZERO && later >= Amount::ZERO,
            "revenue and emission must not be negative, not {revenue}, {mint}, {later}"
        );
        let wanted = self.price(revenue, mint, later);
        if wanted == 0.0 {
            self.supply += mint;
            return Burned {
                price: 0.0,
                burned: Amount::ZERO,
            };
        }
        let there = match self.valuation {
            // What is minted is sold in the same epoch.
            Valuation::NoHolding => self.supply + mint,
            _ => self.supply,
        };
        let burned = match self.valuation {
            Valuation::NoHolding => mint,
            Valuation::HoldingTime { epochs } => Amount((self.supply.0 as f64 / epochs) as i128),
            Valuation::Forward { .. } => Amount((revenue.0 as f64 / wanted) as i128),
        };
        let (burned, price) = if burned > there {
            (there, revenue.0 as f64 / there.0 as f64)
        } else {
            (burned, wanted)
        };
        self.supply += mint;
        self.supply -= burned;
        Burned { price, burned }
    }

    /// The price before anything is short.
    fn price(&self, revenue: Amount, mint: Amount, later: Amount) -> f64 {
        let per = |value: f64, tokens: Amount| {
            if tokens > Amount::ZERO {
                value / tokens.0 as f64
            } else {
                0.0
            }
        };
        let dollars = revenue.0 as f64;
        match self.valuation {
            Valuation::NoHolding => per(dollars, mint),
            Valuation::HoldingTime { epochs } => {
                assert!(
                    epochs >= 1.0,
                    "a holding time must be at least one epoch, not {epochs}"
                );
                per(dollars * epochs, self.supply)
            }
            Valuation::Forward { discount, growth } => per(
                present_value(dollars, discount, growth),
                self.supply + mint + later,
            ),
        }
    }
}

/// What revenue that begins with `revenue` now and grows for ever is worth now: `R·(1 + r)/(r − g)`.
///
/// # Panics
/// If growth reaches the discount rate: nothing is worth enough then.
#[must_use]
pub fn present_value(revenue: f64, discount: f64, growth: f64) -> f64 {
    assert!(
        growth < discount,
        "growth must be below the discount rate, not {growth} at {discount}"
    );
    revenue * (1.0 + discount) / (discount - growth)
}

/// The rest point of the quantity theory with constant revenue `R`, emission `M` and holding time `H`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SteadyState {
    /// `M·H`.
    pub supply: f64,
    /// `R/M`, whatever the holding time.
    pub price: f64,
}

/// Where burn and mint come to rest: as much is burned as minted.
#[must_use]
pub fn steady_state(revenue: f64, mint: f64, holding: f64) -> SteadyState {
    SteadyState {
        supply: mint * holding,
        price: revenue / mint,
    }
}

/// Supply after `epochs` of constant emission: `MH + (S₀ − MH)·(1 − 1/H)^t`.
#[must_use]
pub fn supply_after(start: f64, mint: f64, holding: f64, epochs: i32) -> f64 {
    let rest = mint * holding;
    rest + (start - rest) * math::powi(1.0 - 1.0 / holding, epochs)
}

/// Providers that a token's emission pays for at cost `c` each: `p·M/c`.
#[must_use]
pub fn providers(price: f64, mint: f64, cost: f64) -> f64 {
    price * mint / cost
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dollars(value: f64) -> Amount {
        Amount::from_f64(value)
    }

    /// `p = R/M`, and what is minted is burned.
    #[test]
    fn without_holders_the_price_clears_each_epoch() {
        let mut market = BurnMint {
            valuation: Valuation::NoHolding,
            supply: dollars(1_000.0),
        };
        let epoch = market.step(dollars(500.0), dollars(100.0), Amount::ZERO);
        assert_eq!((epoch.price, epoch.burned), (5.0, dollars(100.0)));
        assert_eq!(market.supply, dollars(1_000.0));
    }

    /// The closed form along the way, and its rest point, to a billionth of a token.
    #[test]
    fn the_quantity_theory_follows_its_closed_form() {
        let (revenue, mint, holding) = (50_000.0, 10_000.0, 12.0);
        let mut market = BurnMint {
            valuation: Valuation::HoldingTime { epochs: holding },
            supply: dollars(1e8),
        };
        for epoch in 0..400 {
            let expect = supply_after(1e8, mint, holding, epoch);
            assert!(
                (market.supply.as_f64() / expect - 1.0).abs() < 1e-13,
                "epoch {epoch}"
            );
            let found = market.step(dollars(revenue), dollars(mint), Amount::ZERO);
            let price = revenue * holding / expect;
            assert!((found.price / price - 1.0).abs() < 1e-13);
        }
        let rest = steady_state(revenue, mint, holding);
        assert!((market.supply.as_f64() - rest.supply).abs() < 1e-6);
        assert_eq!(
            rest,
            SteadyState {
                supply: 120_000.0,
                price: 5.0
            }
        );
        // 5 % of revenue is kept as a fee, and a node costs 40 dollars an epoch.
        let price = steady_state(0.95 * revenue, mint, holding).price;
        assert_eq!(providers(price, mint, 40.0), 1_187.5);
    }

    /// The price grows with the interest, every token is burned, and none is left.
    #[test]
    fn a_forward_price_burns_everything() {
        let discount = 0.01;
        let mut market = BurnMint {
            valuation: Valuation::Forward {
                discount,
                growth: 0.0,
            },
            supply: dollars(1_000_000.0),
        };
        let (mint, epochs) = (dollars(1_000.0), 100);
        let mut later = Amount(mint.0 * epochs);
        let mut last = 0.0;
        for epoch in 0..3_000 {
            let minted = if epoch < epochs { mint } else { Amount::ZERO };
            later -= minted;
            let found = market.step(dollars(100_000.0), minted, later);
            if epoch == 0 {
                // NPV 10,100,000 over 1,100,000 tokens.
                assert!((found.price - 101.0 / 11.0).abs() < 1e-12);
            } else if epoch < 1_500 {
                // Later so few units are left that rounding shows.
                let growth = found.price / last - 1.0;
                assert!((growth - discount).abs() < 1e-6, "epoch {epoch}: {growth}");
            }
            last = found.price;
        }
        assert!(market.supply.as_f64() < 1e-6, "{}", market.supply);
    }

    #[test]
    fn without_revenue_there_is_no_price() {
        for valuation in [
            Valuation::NoHolding,
            Valuation::HoldingTime { epochs: 5.0 },
            Valuation::Forward {
                discount: 0.1,
                growth: 0.0,
            },
        ] {
            let mut market = BurnMint {
                valuation,
                supply: Amount(1_000),
            };
            let epoch = market.step(Amount::ZERO, Amount(10), Amount::ZERO);
            assert_eq!((epoch.price, epoch.burned), (0.0, Amount::ZERO));
            assert_eq!(market.supply, Amount(1_010));
        }
    }

    proptest! {
        #[test]
        fn tokens_are_conserved(
            supply in 0..1_i128 << 80, flows in prop::collection::vec((0..1_i128 << 70, 0..1_i128 << 70), 1..50), kind in 0..3_usize,
        ) {
            let valuation = [
                Valuation::NoHolding,
                Valuation::HoldingTime { epochs: 7.0 },
                Valuation::Forward { discount: 0.02, growth: 0.01 },
            ][kind];
            let mut market = BurnMint { valuation, supply: Amount(supply) };
            let mut expect = Amount(supply);
            for (revenue, mint) in flows {
                let epoch = market.step(Amount(revenue), Amount(mint), Amount(mint));
                expect += Amount(mint);
                expect -= epoch.burned;
                prop_assert!(epoch.price >= 0.0 && epoch.price.is_finite());
                prop_assert_eq!(market.supply, expect);
                prop_assert!(market.supply >= Amount::ZERO);
            }
        }
    }
}
