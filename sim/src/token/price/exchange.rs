//! The equation of exchange: what is bought in a year, times how long it is held, is the worth of what circulates.
//!
//! p = T H / S, with T the purchases [USD by year], H the time from purchase to use [years] and S the tokens in circulation. Velocity
//! T / (p S) is an outcome and no constant: holders who expect the price to rise keep tokens longer, as Cagan's demand for money falls
//! with expected inflation, H = H₀ e^{α g}. With expectations that adapt at a rate w by step of length t the price is stable iff
//! α w / t < 1, Cagan's condition. P. Cagan, "The monetary dynamics of hyperinflation", in Studies in the Quantity Theory of Money, 1956;
//! the equation itself: I. Fisher, The Purchasing Power of Money, 1911.

use std::f64::consts::LN_2;

use walras_des::math;

use super::TokenFlows;

/// Holding times, and how fast the market learns.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// Time from purchase to use or sale, while nobody expects the price to move [years].
    pub holding: f64,
    /// Half-life of what the market takes for a year's purchases, and for the growth of the price [years].
    pub memory: f64,
    /// How holders respond to expected growth of the price: the holding time's relative change per growth by year [years]. Zero makes
    /// velocity a constant; Cagan found 2.3 to 8.7 months in seven hyperinflations of money.
    pub response: f64,
}

/// What the market believes.
#[derive(Clone, Debug)]
pub(super) struct Market {
    plan: Exchange,
    /// Purchases [USD by year].
    purchases: Option<f64>,
    /// Expected growth of the price [by year].
    growth: f64,
}

impl Market {
    pub(super) fn new(plan: &Exchange) -> Self {
        Self {
            plan: plan.clone(),
            purchases: None,
            growth: 0.0,
        }
    }

    pub(super) fn step(&mut self, price: f64, years: f64, flows: &TokenFlows) -> f64 {
        let yearly = flows.bought_usd / years;
        let weight = 1.0 - math::exp(-LN_2 * years / self.plan.memory);
        let purchases = self.purchases.get_or_insert(yearly);
        *purchases += weight * (yearly - *purchases);
        if flows.circulating <= 0.0 || *purchases <= 0.0 {
            return price;
        }
        let mut holding = self.plan.holding;
        if self.plan.response > 0.0 {
            holding *= math::exp(self.plan.response * self.growth);
        }
        let next = *purchases * holding / flows.circulating;
        if self.plan.response > 0.0 {
            self.growth += weight * (math::ln(next / price) / years - self.growth);
        }
        next
    }
}

/// How often a token changes hands in a year: purchases [USD by year] over the value of all that circulates.
#[must_use]
pub fn velocity(purchases: f64, price: f64, circulating: f64) -> f64 {
    purchases / (price * circulating)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flows(bought_usd: f64, circulating: f64) -> TokenFlows {
        TokenFlows {
            bought_usd,
            circulating,
            ..TokenFlows::default()
        }
    }

    /// R = 600 USD and M = 120 tokens by step, tokens held for 1,000 steps. In the theory of burn and mint the supply goes to M H
    /// geometrically, `S_t = M H + (S_0 − M H) (1 − 1/H)^t`, and the price to R / M.
    #[test]
    fn burn_and_mint_follows_its_closed_form() {
        let (holding, burned, minted) = (1000.0, 600.0, 120.0);
        let mut market = Market::new(&Exchange {
            holding,
            memory: 1e-9,
            response: 0.0,
        });
        let (mut supply, mut price) = (140_000.0, 1.0);
        for step in 0..2000 {
            price = market.step(price, 1.0, &flows(burned, supply));
            assert!((velocity(burned, price, supply) - 1.0 / holding).abs() < 1e-15);
            supply += minted - burned / price;
            let theory = 120_000.0 + 20_000.0 * 0.999_f64.powi(step + 1);
            assert!((supply / theory - 1.0).abs() < 1e-12, "{supply} {theory}");
        }
        let theory = burned * holding / (120_000.0 + 20_000.0 * 0.999_f64.powi(1999));
        assert!((price / theory - 1.0).abs() < 1e-12);
    }

    /// Cagan's condition: after a nudge growth dies out iff α w / t < 1. With α w / t = 0.95 and 1.05 on both sides of it.
    #[test]
    fn holders_who_extrapolate_too_much_make_bubbles() {
        let swings = |factor: f64| {
            let (years, memory) = (1.0 / 52.0, 0.25);
            let weight = 1.0 - 0.5_f64.powf(years / memory);
            let mut market = Market::new(&Exchange {
                holding: 0.1,
                memory,
                response: factor * years / weight,
            });
            let mut price = 0.1;
            market.growth = 1e-9;
            let mut swing = [0.0_f64; 2];
            for step in 0..800 {
                price = market.step(price, years, &flows(years, 1.0));
                let late = usize::from(step >= 400);
                swing[late] = swing[late].max((price / 0.1).ln().abs());
            }
            swing[1] / swing[0]
        };
        assert!(swings(0.95) < 0.01, "{}", swings(0.95));
        assert!(swings(1.05) > 100.0, "{}", swings(1.05));
    }
}
