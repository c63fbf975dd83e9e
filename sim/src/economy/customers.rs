//! Customers: how much work they want at today's prices, and from whom.
//!
//! A network's utility is its appeal, with what its quality is worth, less a weight times the logarithm of its price; shares are a
//! logit of utilities, nested where networks are alike, and the total
//! follows the price index of the same logit with a constant elasticity (Anderson, de Palma & Thisse, Discrete choice theory of
//! product differentiation, 1992, section 3.7): cheaper or better networks win customers from each other and from doing without.

use smallvec::SmallVec;

use crate::demand::budget::{Budgets, Homing};
use crate::demand::logit::{self, Nests, Weights};
use walras_des::{Purpose, Stream, Streams, math};

/// What customers want.
#[derive(Clone, Debug, PartialEq)]
pub struct Customers {
    /// Work wanted in a day at the start, if the price index is at the reference [units].
    pub volume: f64,
    /// Price at which the volume is wanted [USD per unit].
    pub reference_price: f64,
    /// Growth of what is wanted at equal prices [logarithm, by year].
    pub growth: f64,
    /// Standard deviation of the logarithm of demand around its trend.
    pub volatility: f64,
    /// Half-life of deviations from the trend [days].
    pub persistence: f64,
    /// Elasticity of all demand to the price index, positive.
    pub elasticity: f64,
    /// Half-life of habit: how long half of those who would rather be elsewhere take to move [days]; at zero they move at once.
    pub habit: f64,
    /// How many networks one uses.
    pub homing: Homing,
    /// What is not served where it was wanted goes to whoever has room, as long as their price is below this times the reference.
    pub overflow_below: f64,
    /// What quality is worth; the price is a logarithm over the reference.
    pub tastes: Weights,
    /// How different networks of each nest are, up to one; those in none differ as nests do.
    pub nests: Vec<f64>,
    /// Utility of being with a network already: what a switch costs.
    pub loyalty: f64,
    /// What customers can pay for a unit [USD], if that matters.
    pub budgets: Option<Budgets>,
}

/// Demand at work.
#[derive(Clone, Debug)]
pub struct Demand {
    plan: Customers,
    /// Index of prices and appeal at which the volume is wanted.
    reference: f64,
    shares: Each,
    nests: Option<Nests>,
    /// Deviation of the logarithm of demand from its trend.
    deviation: f64,
    stream: Stream,
    pace: Pace,
}

/// A number for each network.
pub type Each = SmallVec<[f64; 4]>;

/// What a step of so many days does to deviations and habits.
#[derive(Clone, Copy, Debug)]
struct Pace {
    days: f64,
    /// Share of a deviation that stays.
    stays: f64,
    /// Share of those who would be elsewhere that moves.
    moves: f64,
}

impl Pace {
    fn of(plan: &Customers, days: f64) -> Self {
        Self {
            days,
            stays: math::powf(0.5, days / plan.persistence),
            moves: if plan.habit > 0.0 {
                1.0 - math::powf(0.5, days / plan.habit)
            } else {
                1.0
            },
        }
    }
}

impl Demand {
    /// Customers who know the networks, of these appeals, at these prices; the first prices are what they are used to.
    #[must_use]
    pub fn new(
        plan: &Customers,
        nests: &[Option<usize>],
        appeals: &[f64],
        prices: &[f64],
        streams: &Streams,
    ) -> Self {
        let mut demand = Self {
            plan: plan.clone(),
            reference: 0.0,
            shares: Each::new(),
            nests: nests_of(&plan.nests, nests),
            deviation: 0.0,
            stream: streams.open(Purpose::new("demand of an economy"), 0),
            pace: Pace::of(plan, 1.0),
        };
        // At the reference price everywhere the index is the reference.
        let reference = vec![plan.reference_price; prices.len()];
        demand.reference = demand.logit(appeals, &reference).1;
        demand.deviation = plan.volatility * demand.stream.normal();
        demand.shares = demand.logit(appeals, prices).0;
        demand
    }

    /// Shares of networks, and the logarithm of the sum behind them.
    fn logit(&self, appeals: &[f64], prices: &[f64]) -> (Each, f64) {
        let mut utilities = self.utilities(appeals, prices);
        let index = self.choose(&mut utilities);
        (utilities, index)
    }

    fn utilities(&self, appeals: &[f64], prices: &[f64]) -> Each {
        let weight = self.plan.tastes.price;
        (appeals.iter().zip(prices))
            .map(|(appeal, price)| appeal - weight * math::ln(price / self.plan.reference_price))
            .collect()
    }

    /// Makes utilities shares, and returns the expected utility of the best.
    fn choose(&self, utilities: &mut [f64]) -> f64 {
        match &self.nests {
            Some(nests) => nests.shares(utilities),
            None => logit::shares(utilities),
        }
    }

    /// Shares that customers would have who are free to go, from where they are now.
    fn wanted(&self, appeals: &[f64], prices: &[f64]) -> (Each, f64) {
        let (free, index) = self.logit(appeals, prices);
        if self.plan.loyalty == 0.0 {
            return (free, index);
        }
        let utilities = self.utilities(appeals, prices);
        let mut wanted = Each::from_elem(0.0, utilities.len());
        for (own, &share) in self.shares.iter().enumerate() {
            let mut choice = utilities.clone();
            choice[own] += self.plan.loyalty;
            self.choose(&mut choice);
            for (wanted, choice) in wanted.iter_mut().zip(&choice) {
                *wanted += share * choice;
            }
        }
        (wanted, index)
    }

    /// Share of what is wanted at a price that customers can pay.
    fn affordable(&self, price: f64) -> f64 {
        let budgets = self.plan.budgets.as_ref();
        budgets.map_or(1.0, |budgets| budgets.affordable(price))
    }

    /// What is wanted of each network, of a total in these shares.
    fn divide(&self, total: f64, shares: &[f64], prices: &[f64]) -> Each {
        let of = |(share, price): (&f64, &f64)| share * total * self.affordable(*price);
        shares.iter().zip(prices).map(of).collect()
    }

    /// What would be wanted in a day at these prices [units], all together and by network, without a step in time.
    #[must_use]
    pub fn at(&self, years: f64, appeals: &[f64], prices: &[f64]) -> (f64, Each) {
        let (shares, index) = self.logit(appeals, prices);
        let total = self.total(years, index);
        (total, self.divide(total, &shares, prices))
    }

    fn total(&self, years: f64, index: f64) -> f64 {
        let plan = &self.plan;
        // The price index in units of the reference price: exp(−(index − reference) / weight).
        let log_price = (self.reference - index) / plan.tastes.price;
        plan.volume * math::exp(plan.growth * years + self.deviation - plan.elasticity * log_price)
    }

    /// Goes on by some days: what is wanted in a day of the epoch that begins `years` from the start [units], all together and by
    /// network.
    pub fn step(&mut self, years: f64, days: f64, appeals: &[f64], prices: &[f64]) -> (f64, Each) {
        if (days - self.pace.days).abs() > 0.0 {
            self.pace = Pace::of(&self.plan, days);
        }
        let Pace { stays, moves, .. } = self.pace;
        if self.plan.volatility > 0.0 {
            let noise = self.plan.volatility * (1.0 - stays * stays).sqrt();
            self.deviation = stays * self.deviation + noise * self.stream.normal();
        }
        let (wanted, index) = self.wanted(appeals, prices);
        for (share, wanted) in self.shares.iter_mut().zip(&wanted) {
            *share += moves * (wanted - *share);
        }
        let total = self.total(years, index);
        (total, self.divide(total, &self.shares, prices))
    }

    /// Dollars that customers would give rather than do without these networks at these prices, by day, beyond what they pay, if
    /// their demand is elastic enough for that to be finite, and not bounded by budgets: the integral of demand above the price index.
    #[must_use]
    pub fn surplus(&self, years: f64, appeals: &[f64], prices: &[f64]) -> Option<f64> {
        let (_, index) = self.logit(appeals, prices);
        let price = self.plan.reference_price
            * math::exp((self.reference - index) / self.plan.tastes.price);
        let spent = self.total(years, index) * price;
        let is_finite = self.plan.elasticity > 1.0 && self.plan.budgets.is_none();
        is_finite.then(|| spent / (self.plan.elasticity - 1.0))
    }
}

/// The nests of networks: those that are in none have one of their own each.
fn nests_of(dissimilarity: &[f64], of: &[Option<usize>]) -> Option<Nests> {
    let mut nests = Nests {
        of: Vec::new(),
        dissimilarity: Vec::new(),
    };
    let mut seen = vec![None; dissimilarity.len()];
    for named in of {
        let next = nests.dissimilarity.len();
        let index = named.map_or(next, |named| *seen[named].get_or_insert(next));
        if index == next {
            let own = named.map_or(1.0, |named| dissimilarity[named]);
            nests.dissimilarity.push(own);
        }
        nests.of.push(index);
    }
    of.iter().any(Option::is_some).then_some(nests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customers() -> Customers {
        Customers {
            volume: 1000.0,
            reference_price: 2.0,
            growth: 0.0,
            volatility: 0.0,
            persistence: 30.0,
            elasticity: 1.5,
            habit: 0.0,
            homing: Homing::Overflow,
            overflow_below: 2.0,
            tastes: Weights {
                price: 3.0,
                ..Weights::default()
            },
            nests: Vec::new(),
            loyalty: 0.0,
            budgets: None,
        }
    }

    fn demand(appeals: &[f64], prices: &[f64]) -> Demand {
        let nests = vec![None; prices.len()];
        Demand::new(&customers(), &nests, appeals, prices, &Streams::new(1, 0))
    }

    /// Logit with ln p: shares go as e^appeal · p^−weight; with all prices times x, shares stay and the total goes as x^−elasticity.
    #[test]
    fn shares_and_totals() {
        let appeals = [0.0, 1.0];
        let demand = demand(&appeals, &[2.0, 2.0]);
        let (total, by) = demand.at(0.0, &appeals, &[2.0, 2.0]);
        assert!((total - 1000.0).abs() < 1e-9);
        assert!((by[1] / by[0] - 1.0_f64.exp()).abs() < 1e-12);
        let (twice, same) = demand.at(0.0, &appeals, &[4.0, 4.0]);
        assert!((twice - 1000.0 * 2.0_f64.powf(-1.5)).abs() < 1e-9);
        assert!((same[1] / same[0] - by[1] / by[0]).abs() < 1e-12);
        // Own-price elasticity is −(weight (1 − share) + elasticity · share).
        let nudged = demand.at(0.0, &appeals, &[2.0, 2.0 * 1.000_001]).1[1];
        let elasticity = (nudged / by[1]).ln() / 1.000_001_f64.ln();
        let share = by[1] / total;
        assert!((elasticity + 3.0 * (1.0 - share) + 1.5 * share).abs() < 1e-4);
    }

    /// The surplus is the integral of demand over all higher price indices.
    #[test]
    fn surplus_is_an_integral() {
        let appeals = [0.0];
        let demand = demand(&appeals, &[2.0]);
        let step = 1.0005_f64;
        let (mut price, mut sum) = (2.0, 0.0);
        while price < 2e9 {
            let (total, _) = demand.at(0.0, &appeals, &[price * step.sqrt()]);
            sum += total * price * (step - 1.0);
            price *= step;
        }
        let surplus = demand.surplus(0.0, &appeals, &[2.0]).unwrap();
        assert!((sum / surplus - 1.0).abs() < 1e-3, "{sum} {surplus}");
    }

    #[test]
    fn habits_halve() {
        let plan = Customers {
            habit: 10.0,
            ..customers()
        };
        let appeals = [0.0, 0.0];
        let streams = Streams::new(1, 0);
        let mut demand = Demand::new(&plan, &[None; 2], &appeals, &[2.0, 2.0], &streams);
        let (_, goal) = demand.at(0.0, &appeals, &[1.0, 2.0]);
        let goal = goal[0] / (goal[0] + goal[1]);
        let (total, by) = demand.step(0.0, 10.0, &appeals, &[1.0, 2.0]);
        assert!((by[0] / total - f64::midpoint(0.5, goal)).abs() < 1e-12);
    }

    /// Loyal customers rest at shares proportional to `e^{u_i} (Σ e^u + e^{u_i} (e^{loyalty} − 1))` (detailed balance), and without loyalty
    /// at the logit.
    #[test]
    fn loyal_customers_rest_at_the_closed_form() {
        let utilities: [f64; 4] = [0.3, -0.4, 1.1, 0.0];
        for loyalty in [0.0_f64, 1.0, 3.0] {
            let plan = Customers {
                loyalty,
                habit: 30.0,
                ..customers()
            };
            let (streams, prices) = (Streams::new(1, 0), [2.0; 4]);
            let mut demand =
                Demand::new(&plan, &[None; 4], &[9.0, 0.0, 0.0, 0.0], &prices, &streams);
            let mut found = (0.0, Each::new());
            for _ in 0..4000 {
                found = demand.step(0.0, 10.0, &utilities, &prices);
                assert!((found.1.iter().sum::<f64>() / found.0 - 1.0).abs() < 1e-12);
            }
            let sum: f64 = utilities.iter().map(|u| u.exp()).sum();
            let rest = utilities.map(|u| u.exp() * (sum + u.exp() * (loyalty.exp() - 1.0)));
            let all: f64 = rest.iter().sum();
            for (by, rest) in found.1.iter().zip(rest) {
                assert!((by / found.0 - rest / all).abs() < 1e-9, "{loyalty}");
            }
        }
    }
}
