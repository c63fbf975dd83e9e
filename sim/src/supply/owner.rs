//! An owner of one machine: what it costs to let it work, what that is expected to bring, and what the risk is worth.
//!
//! Money is by hour, in expectations of dollars. The owner believes that the future will be as the recent past was, and values an uncertain
//! income at its certainty equivalent: with constant relative risk aversion γ and an income whose logarithm has variance s², that is
//! E e^{−γ s² / 2} (J. W. Pratt, "Risk aversion in the small and in the large", Econometrica 32, 1964, is the small case).

use std::f64::consts::LN_2;

use walras_des::math;

/// Hours in a year of 365 days.
const HOURS_A_YEAR: f64 = 8760.0;

/// What the owner had to do with the machine before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hardware {
    /// It is on anyway, for something else: only the power that work adds is paid for.
    IdleAnyway,
    /// It is there and would be switched off, or sold.
    Owned {
        /// What a buyer would give for it today [USD].
        resale: f64,
    },
    /// It would have to be bought.
    ToBuy {
        /// [USD]
        price: f64,
        /// What a buyer would give for it the next day, as a share of the price.
        resale: f64,
    },
}

/// An owner and a machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Owner {
    /// Where the machine comes from.
    pub hardware: Hardware,
    /// Power while it works [W].
    pub busy_watts: f64,
    /// Power while it is on without work [W].
    pub idle_watts: f64,
    /// What else the machine would earn while it is there for the network [USD/h].
    pub opportunity: f64,
    /// What care, noise and heat are worth to the owner [USD/h].
    pub hassle: f64,
    /// What the machine loses of its worth [by year]; GPUs lost a fifth to a third a year.   (assumption)
    pub depreciation: f64,
    /// What the money in it would bring elsewhere [by year].
    pub interest: f64,
    /// Constant relative risk aversion γ: 0 neutral, 1 to 4 in most studies of choices under risk.
    pub risk_aversion: f64,
}

impl Owner {
    /// What an hour in the network costs if the machine is there already, at a utilization and a price of electricity [USD/h].
    #[must_use]
    pub fn running_cost(&self, utilization: f64, usd_per_kwh: f64) -> f64 {
        let added = (self.busy_watts - self.idle_watts) * utilization;
        let watts = match self.hardware {
            Hardware::IdleAnyway => added,
            Hardware::Owned { .. } | Hardware::ToBuy { .. } => self.idle_watts + added,
        };
        watts / 1e3 * usd_per_kwh + self.opportunity + self.hassle + self.use_of_capital()
    }

    /// What keeping the machine costs instead of selling it [USD/h]: interest and depreciation on what it would bring (D. Jorgenson,
    /// "Capital theory and investment behavior", American Economic Review 53, 1963).
    fn use_of_capital(&self) -> f64 {
        let resale = match self.hardware {
            Hardware::IdleAnyway => 0.0,
            Hardware::Owned { resale } => resale,
            Hardware::ToBuy { price, resale } => price * resale,
        };
        resale * (self.interest + self.depreciation) / HOURS_A_YEAR
    }

    /// What cannot be had back once spent on joining [USD].
    #[must_use]
    pub fn sunk_cost(&self) -> f64 {
        match self.hardware {
            Hardware::IdleAnyway | Hardware::Owned { .. } => 0.0,
            Hardware::ToBuy { price, resale } => price * (1.0 - resale),
        }
    }

    /// What the owner makes of an outlook, at a utilization and a price of electricity.
    #[must_use]
    pub fn review(&self, outlook: &Outlook, utilization: f64, usd_per_kwh: f64) -> Review {
        let cost = self.running_cost(utilization, usd_per_kwh);
        let worth = certainty_equivalent(outlook.income, outlook.variance, self.risk_aversion);
        Review {
            cost,
            worth,
            ratio: worth / cost,
        }
    }
}

/// What a certain income would have to be to be worth as much as an uncertain one, whose logarithm has this variance.
#[must_use]
pub fn certainty_equivalent(mean: f64, log_variance: f64, risk_aversion: f64) -> f64 {
    mean * math::exp(-0.5 * risk_aversion * log_variance)
}

/// The state of mind of an owner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Review {
    /// Running cost [USD/h].
    pub cost: f64,
    /// Certainty equivalent of the income expected [USD/h].
    pub worth: f64,
    /// The second over the first: what thresholds of entry and exit are stated in.
    pub ratio: f64,
}

/// What is expected of incomes, from those seen so far: exponential smoothing with a half-life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// Half-life of what is remembered [h].
    pub half_life: f64,
    /// Expected income [USD/h].
    pub income: f64,
    /// Variance of the logarithm of the income a year ahead, from its recent moves [by year].
    pub variance: f64,
    last: f64,
}

impl Outlook {
    /// Expects an income [USD/h] for certain, and forgets by half within a time [h].
    #[must_use]
    pub fn new(half_life: f64, income: f64) -> Self {
        Self {
            half_life,
            income,
            variance: 0.0,
            last: income,
        }
    }

    /// Takes note of an income [USD/h] over some hours.
    pub fn observe(&mut self, income: f64, hours: f64) {
        let weight = 1.0 - math::exp(-LN_2 * hours / self.half_life);
        self.income += weight * (income - self.income);
        // No income has no logarithm; it counts in the mean alone.
        if income > 0.0 {
            if self.last > 0.0 && income != self.last {
                let change = math::ln(income / self.last);
                let by_year = change * change * (HOURS_A_YEAR / hours);
                self.variance += weight * (by_year - self.variance);
            } else {
                self.variance -= weight * self.variance;
            }
            self.last = income;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_des::{Moments, Purpose, Streams};

    /// A gaming PC: 350 W at work, 60 W idle, electricity at 0.30 USD/kWh, a card that is worth 1,000 USD, 10 % interest, 25 % depreciation.
    fn owner(hardware: Hardware) -> Owner {
        Owner {
            hardware,
            busy_watts: 350.0,
            idle_watts: 60.0,
            opportunity: 0.02,
            hassle: 0.01,
            depreciation: 0.25,
            interest: 0.1,
            risk_aversion: 2.0,
        }
    }

    /// By hand: 145 W, 205 W of electricity at half use; capital costs 350 USD a year.
    #[test]
    fn costs_depend_on_where_the_machine_comes_from() {
        let capital = 350.0 / 8760.0;
        for (hardware, cost, sunk) in [
            (Hardware::IdleAnyway, 0.145 * 0.3 + 0.03, 0.0),
            (
                Hardware::Owned { resale: 1000.0 },
                0.205 * 0.3 + 0.03 + capital,
                0.0,
            ),
            (
                Hardware::ToBuy {
                    price: 2000.0,
                    resale: 0.5,
                },
                0.205 * 0.3 + 0.03 + capital,
                1000.0,
            ),
        ] {
            let owner = owner(hardware);
            assert!((owner.running_cost(0.5, 0.3) - cost).abs() < 1e-15);
            assert_eq!(owner.sunk_cost(), sunk);
        }
    }

    /// Half of a step is forgotten in a half-life, however it is cut.
    #[test]
    fn expectations_halve() {
        for parts in [1, 7, 100] {
            let mut outlook = Outlook::new(240.0, 1.0);
            for _ in 0..parts {
                outlook.observe(3.0, 240.0 / f64::from(parts));
            }
            assert!((outlook.income - 2.0).abs() < 1e-12);
        }
    }

    /// Incomes that follow a geometric Brownian motion of volatility 0.8: the variance expected is 0.64 on average. Seed 1; the weights
    /// average some 2 · 8760 / (ln 2 · 24) = 1,000 days, so one standard error is √(2/1000) = 4.5 %.
    #[test]
    fn variances_are_learned() {
        let mut stream = Streams::new(1, 0).open(Purpose::new("owner"), 0);
        let (mut outlook, mut income) = (Outlook::new(8760.0, 1.0), 1.0);
        for _ in 0..20_000 {
            income *= (0.8 * (1.0 / 365.0_f64).sqrt() * stream.normal()).exp();
            outlook.observe(income, 24.0);
        }
        assert!(
            (outlook.variance / 0.64 - 1.0).abs() < 0.2,
            "{}",
            outlook.variance
        );
        let mut calm = Outlook::new(100.0, 1.0);
        calm.observe(0.0, 100.0);
        assert_eq!((calm.income, calm.variance), (0.5, 0.0));
    }

    /// The certain income c with u(c) = E u(X) for u(x) = x^{1−γ} / (1 − γ), by 200,000 draws of a log-normal X.
    #[test]
    fn certainty_equivalents_are_those_of_constant_relative_risk_aversion() {
        for (gamma, deviation) in [(0.5, 0.5), (3.0, 0.4), (2.0, 0.8)] {
            let mut stream = Streams::new(2, 0).open(Purpose::new("owner"), 0);
            let mut utility = Moments::default();
            let variance: f64 = deviation * deviation;
            for _ in 0..200_000 {
                let income = 5.0 * (deviation * stream.normal() - variance / 2.0).exp();
                utility.record(income.powf(1.0 - gamma));
            }
            let certain = utility.mean().powf(1.0 / (1.0 - gamma));
            let ours = certainty_equivalent(5.0, variance, gamma);
            assert!((ours / certain - 1.0).abs() < 0.02, "{ours} {certain}");
        }
        assert_eq!(certainty_equivalent(5.0, 1.0, 0.0), 5.0);
    }

    #[test]
    fn reviews_weigh_income_and_cost() {
        let mut outlook = Outlook::new(100.0, 0.2);
        outlook.variance = 0.5;
        let review = owner(Hardware::IdleAnyway).review(&outlook, 0.5, 0.3);
        assert!((review.worth - 0.2 * (-0.5_f64).exp()).abs() < 1e-15);
        assert_eq!(review.ratio, review.worth / review.cost);
    }
}
