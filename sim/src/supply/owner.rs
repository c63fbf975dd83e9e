//! An owner of one machine: what it costs to let it work, what that is expected to bring, and what the risk is worth.
//!
//! The owner believes that the future will be as the recent past was, and values an uncertain income at its certainty equivalent: with
//! constant relative risk aversion γ and an income whose logarithm has variance s², that is E e^{−γ s² / 2} (J. W. Pratt, "Risk aversion
//! in the small and in the large", Econometrica 32, 1964, is the small case).

use walras_des::math;

/// Days in a year.
const YEAR: f64 = 365.0;

/// What the owner had to do with the machine before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hardware {
    /// It is on anyway, for something else: only the energy that work adds is paid for, and nothing is lost by coming or going.
    IdleAnyway,
    /// It is there and would be switched off, or sold.
    Owned,
    /// It would have to be bought.
    ToBuy,
}

impl Hardware {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::IdleAnyway, Self::Owned, Self::ToBuy];
}

/// A machine that can do one unit of work a day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Machine {
    /// New [USD].
    pub price: f64,
    /// What a buyer would give for it the next day, as a share of the price.
    pub resale: f64,
    /// What it loses of that worth [by year].
    pub depreciation: f64,
    /// Energy by unit of work while it works [kWh].
    pub busy: f64,
    /// Energy in the same time while it is on without work [kWh].
    pub idle: f64,
}

impl Machine {
    /// Energy that its owner pays for, by unit of capacity, at a utilization [kWh].
    #[must_use]
    pub fn energy(&self, hardware: Hardware, utilization: f64) -> f64 {
        let added = (self.busy - self.idle) * utilization;
        match hardware {
            Hardware::IdleAnyway => added,
            Hardware::Owned | Hardware::ToBuy => self.idle + added,
        }
    }

    /// What it loses of its worth while it is kept instead of sold, by unit of capacity [USD].
    #[must_use]
    pub fn wear(&self, hardware: Hardware) -> f64 {
        self.worth(hardware) * self.depreciation / YEAR
    }

    /// What coming costs: the price, or what a sale would have brought [USD].
    #[must_use]
    pub fn entry_cost(&self, hardware: Hardware) -> f64 {
        match hardware {
            Hardware::ToBuy => self.price,
            Hardware::IdleAnyway | Hardware::Owned => self.worth(hardware),
        }
    }

    /// What a sale brings to whoever goes [USD].
    #[must_use]
    pub fn worth(&self, hardware: Hardware) -> f64 {
        match hardware {
            Hardware::IdleAnyway => 0.0,
            Hardware::Owned | Hardware::ToBuy => self.price * self.resale,
        }
    }
}

/// What a certain income would have to be to be worth as much as an uncertain one, whose logarithm has this variance.
#[must_use]
pub fn certainty_equivalent(mean: f64, log_variance: f64, risk_aversion: f64) -> f64 {
    mean * math::exp(-0.5 * risk_aversion * log_variance)
}

/// What is expected of incomes, from those seen so far, one in each step: exponential smoothing with a half-life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// Expected income.
    pub income: f64,
    /// Variance of the logarithm of the income a year ahead, from its recent moves [by year].
    pub variance: f64,
    last: f64,
    /// Weight of one step.
    weight: f64,
    /// Steps in a year.
    by_year: f64,
}

impl Outlook {
    /// Expects an income for certain, and forgets by half within a time, in steps of some days.
    #[must_use]
    pub fn new(income: f64, half_life: f64, days: f64) -> Self {
        Self {
            income,
            variance: 0.0,
            last: 0.0,
            weight: 1.0 - math::powf(0.5, days / half_life),
            by_year: YEAR / days,
        }
    }

    /// What it is worth to an owner with this risk aversion.
    #[must_use]
    pub fn certain(&self, risk_aversion: f64) -> f64 {
        certainty_equivalent(self.income, self.variance, risk_aversion)
    }

    /// Weight of one step in the mean.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// Takes note of the income of a step.
    pub fn observe(&mut self, income: f64) {
        self.income += self.weight * (income - self.income);
        // No income has no logarithm; it counts in the mean alone.
        if income > 0.0 {
            if self.last > 0.0 {
                let change = math::ln(income / self.last);
                self.variance += self.weight * (change * change * self.by_year - self.variance);
            }
            self.last = income;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_des::{Moments, Purpose, Streams};

    /// A gaming PC: 350 W at work, 60 W idle, a card of 2,000 USD that halves its price when it is opened, for an hour of work a day.
    const PC: Machine = Machine {
        price: 2000.0 / 24.0,
        resale: 0.5,
        depreciation: 0.25,
        busy: 0.35,
        idle: 0.06,
    };

    /// By hand: 145 Wh, 205 Wh of electricity at half use; depreciation costs 250 USD a year.
    #[test]
    fn costs_depend_on_where_the_machine_comes_from() {
        let wear = 250.0 / 8760.0;
        for (hardware, energy, wear, [entry, worth]) in [
            (Hardware::IdleAnyway, 0.145, 0.0, [0.0, 0.0]),
            (Hardware::Owned, 0.205, wear, [1000.0, 1000.0]),
            (Hardware::ToBuy, 0.205, wear, [2000.0, 1000.0]),
        ] {
            assert!((PC.energy(hardware, 0.5) - energy).abs() < 1e-15);
            assert!((PC.wear(hardware) - wear).abs() < 1e-15);
            assert!((24.0 * PC.entry_cost(hardware) - entry).abs() < 1e-9);
            assert!((24.0 * PC.worth(hardware) - worth).abs() < 1e-9);
        }
    }

    /// Half of a step is forgotten in a half-life, however it is cut.
    #[test]
    fn expectations_halve() {
        for parts in [1, 7, 100] {
            let mut outlook = Outlook::new(1.0, 10.0, 10.0 / f64::from(parts));
            for _ in 0..parts {
                outlook.observe(3.0);
            }
            assert!((outlook.income - 2.0).abs() < 1e-12);
        }
    }

    /// Incomes that follow a geometric Brownian motion of volatility 0.8: the variance expected is 0.64 on average. Seed 1; the weights
    /// average some 2 · 365 / ln 2 = 1,050 days, so one standard error is √(2/1050) = 4.4 %.
    #[test]
    fn variances_are_learned() {
        let mut stream = Streams::new(1, 0).open(Purpose::new("owner"), 0);
        let (mut outlook, mut income) = (Outlook::new(1.0, 365.0, 1.0), 1.0);
        for _ in 0..20_000 {
            income *= (0.8 * (1.0 / 365.0_f64).sqrt() * stream.normal()).exp();
            outlook.observe(income);
        }
        assert!(
            (outlook.variance / 0.64 - 1.0).abs() < 0.2,
            "{}",
            outlook.variance
        );
        let mut calm = Outlook::new(1.0, 1.0, 1.0);
        calm.observe(0.0);
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
}
