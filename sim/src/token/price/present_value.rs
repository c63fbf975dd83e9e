//! A forward-looking price: holders pay for what will be spent on tokens, shared among all tokens that will ever be.
//!
//! Who holds a token must gain the discount rate r by holding it, so the price is expected to grow as e^{rt}, and if every token is spent
//! in the end `p₀ = ∫ R e^{−rt} dt / (S₀ + ∫ E dt)`. What will be is expected from what was: revenue R goes on growing at the rate seen
//! lately, emission E goes on falling as its schedule says, both up to a horizon. Emission without end makes the price zero as the
//! horizon grows: U. Kalabić's objection to unlimited net emissions.

use std::f64::consts::LN_2;

use walras_des::math;

use super::TokenFlows;

/// What holders expect, and how they value it.
#[derive(Clone, Debug, PartialEq)]
pub struct PresentValue {
    /// What holders want to gain [logarithm, by year]. 0.3 is in the range asked of early-stage ventures.   (assumption)
    pub discount: f64,
    /// How far they look [years].
    pub horizon: f64,
    /// Share of revenue that is spent on tokens.
    pub captured: f64,
    /// Half-life of what they take for the levels of revenue and emission, and for the growth of revenue [years].
    pub memory: f64,
    /// Most growth or decline that they extrapolate [logarithm, by year].
    pub most_growth: f64,
    /// Half-life of emission, infinite if it does not fall [years].
    pub emission_half_life: f64,
}

impl PresentValue {
    /// What the tokens are worth each, for revenue [USD by year] that grows at a rate [by year], tokens that circulate, and tokens emitted
    /// [by year].
    #[must_use]
    pub fn value(&self, revenue: f64, growth: f64, circulating: f64, emission: f64) -> f64 {
        let spent = self.captured * revenue * annuity(self.discount - growth, self.horizon);
        let decay = LN_2 / self.emission_half_life;
        spent / (circulating + emission * annuity(decay, self.horizon))
    }
}

/// ∫₀ᵀ e^{−rt} dt.
fn annuity(rate: f64, horizon: f64) -> f64 {
    let exponent = rate * horizon;
    if exponent.abs() < 1e-9 {
        horizon * (1.0 - 0.5 * exponent)
    } else {
        -math::exp_m1(-exponent) / rate
    }
}

/// What holders believe.
#[derive(Clone, Debug)]
pub(super) struct Holders {
    plan: PresentValue,
    /// Revenue and emission [by year].
    levels: Option<[f64; 2]>,
    /// [by year]
    growth: f64,
}

impl Holders {
    pub(super) fn new(plan: &PresentValue) -> Self {
        Self {
            plan: plan.clone(),
            levels: None,
            growth: 0.0,
        }
    }

    pub(super) fn step(&mut self, price: f64, years: f64, flows: &TokenFlows) -> f64 {
        let weight = 1.0 - math::exp(-LN_2 * years / self.plan.memory);
        let seen = [flows.revenue_usd / years, flows.emitted_tokens / years];
        let levels = self.levels.get_or_insert(seen);
        let before = levels[0];
        for (level, seen) in levels.iter_mut().zip(seen) {
            *level += weight * (seen - *level);
        }
        let [revenue, emission] = *levels;
        if before > 0.0 && revenue > 0.0 {
            let growth = math::ln(revenue / before) / years;
            self.growth += weight * (growth - self.growth);
        }
        let most = self.plan.most_growth;
        let growth = self.growth.clamp(-most, most);
        let supply = flows.circulating + emission;
        if revenue <= 0.0 || supply <= 0.0 {
            return price;
        }
        self.plan
            .value(revenue, growth, flows.circulating, emission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> PresentValue {
        PresentValue {
            discount: 0.2,
            horizon: 10.0,
            captured: 1.0,
            memory: 0.5,
            most_growth: 1.0,
            emission_half_life: 2.0,
        }
    }

    /// If the price then grows at r and all revenue buys tokens to be burned, the last token is burned at the horizon.
    #[test]
    fn all_tokens_are_spent_at_the_horizon() {
        let (revenue, growth, supply, emission) = (1e6, 0.1, 4e6, 5e5);
        let first = plan().value(revenue, growth, supply, emission);
        let steps = 200_000;
        let step = 10.0 / f64::from(steps);
        let mut left = supply;
        for i in 0..steps {
            let t = (f64::from(i) + 0.5) * step;
            let burned = revenue * (growth * t).exp() / (first * (0.2 * t).exp());
            left += (emission * 0.5_f64.powf(t / 2.0) - burned) * step;
            assert!(left > -1e-3 * supply);
        }
        assert!(left.abs() < 1e-6 * supply, "{left}");
    }

    /// Gordon's formula where the horizon is far: R / ((r − g) S) without emission. M. J. Gordon, Review of Economics and Statistics 41, 1959.
    #[test]
    fn far_horizons_give_gordons_formula() {
        let far = PresentValue {
            horizon: 1e4,
            ..plan()
        };
        let value = far.value(1e6, 0.05, 2e6, 0.0);
        assert!((value - 1e6 / (0.15 * 2e6)).abs() < 1e-12);
        // Perpetual emission makes a token worthless.
        let perpetual = PresentValue {
            emission_half_life: f64::INFINITY,
            ..far
        };
        assert!(perpetual.value(1e6, 0.05, 2e6, 1e5) < 0.01 * value);
    }

    /// Revenue that grows by 20 % a year for five years is expected to go on so, to the last per mille.
    #[test]
    fn growth_is_learned() {
        let mut holders = Holders::new(&plan());
        let years = 1.0 / 52.0;
        for week in 0..260 {
            let flows = TokenFlows {
                revenue_usd: 1e4 * (0.2 * years * f64::from(week)).exp(),
                circulating: 1e6,
                ..TokenFlows::default()
            };
            holders.step(1.0, years, &flows);
        }
        assert!((holders.growth - 0.2).abs() < 0.003, "{}", holders.growth);
    }
}
