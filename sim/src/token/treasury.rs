//! A treasury: what it takes in, what it spends, how long it lasts, and with what probability it is ruined.

use walras_des::math;

use crate::units::{Amount, Ppm};

/// What a treasury takes and plans to spend in an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Share of revenue that goes to the treasury.
    pub take: Ppm,
    /// Running costs.
    pub opex: Amount,
    /// Grants; paid after running costs.
    pub grants: Amount,
    /// Share of what comes in, after running costs and grants, that buys back tokens.
    pub buy_back: Ppm,
}

/// What an epoch moved. Income less the three others is the change of the balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flows {
    /// Taken from revenue, rounded down; the rest of the revenue is the providers'.
    pub income: Amount,
    /// Running costs that were paid.
    pub opex: Amount,
    /// Grants that were paid.
    pub grants: Amount,
    /// Spent on tokens, which the caller buys and burns or keeps.
    pub buy_back: Amount,
    /// Running costs that could not be paid: the treasury is ruined if this is above zero.
    pub unpaid: Amount,
}

impl Budget {
    /// Passes an epoch: takes from `revenue` and spends, never below zero; returns what moved.
    ///
    /// # Panics
    /// If an amount is negative or overflows.
    pub fn step(&self, balance: &mut Amount, revenue: Amount) -> Flows {
        assert!(
            *balance >= Amount::ZERO && revenue >= Amount::ZERO,
            "a treasury and its revenue must not be negative, not {balance}, {revenue}"
        );
        let income = revenue.share(self.take);
        *balance += income;
        let opex = self.opex.min(*balance);
        *balance -= opex;
        let grants = self.grants.min(*balance);
        *balance -= grants;
        let surplus = Amount((income - opex - grants).0.max(0));
        let buy_back = surplus.share(self.buy_back);
        *balance -= buy_back;
        Flows {
            income,
            opex,
            grants,
            buy_back,
            unpaid: self.opex - opex,
        }
    }
}

/// Epochs until a balance is spent at this net outflow; `None` if it does not shrink.
#[must_use]
pub fn runway(balance: Amount, outflow: f64) -> Option<f64> {
    (outflow > 0.0).then(|| balance.0 as f64 / outflow)
}

/// Probability that a balance `b` whose changes have mean `drift` and standard deviation `deviation` an epoch ever reaches zero:
/// `exp(−2·m·B/s²)` for Brownian motion with a positive drift, and one without.
#[must_use]
pub fn ruin_probability(balance: f64, drift: f64, deviation: f64) -> f64 {
    if balance <= 0.0 || drift <= 0.0 {
        return f64::from(u8::from(balance <= 0.0 || deviation > 0.0 || drift < 0.0));
    }
    if deviation == 0.0 {
        return 0.0;
    }
    math::exp(-2.0 * drift * balance / (deviation * deviation))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use walras_des::{Purpose, Streams};

    use super::*;

    #[test]
    fn a_treasury_by_hand() {
        let budget = Budget {
            take: Ppm::from_fraction(0.2),
            opex: Amount(50),
            grants: Amount(30),
            buy_back: Ppm::from_fraction(0.5),
        };
        let mut balance = Amount(100);
        let flows = budget.step(&mut balance, Amount(1_000));
        assert_eq!(
            (flows.income, flows.buy_back, balance),
            (Amount(200), Amount(60), Amount(160))
        );
        let mut poor = Amount(20);
        let flows = budget.step(&mut poor, Amount(50));
        assert_eq!(
            (flows.opex, flows.grants, flows.unpaid, poor),
            (Amount(30), Amount(0), Amount(20), Amount(0))
        );
        assert_eq!(runway(Amount(120), 10.0), Some(12.0));
        assert_eq!(runway(Amount(120), 0.0), None);
    }

    /// Random walks of normal steps are ruined as often as the formula says, but for what they miss between steps: with steps of
    /// deviation 1 and a balance of 10 the discreteness lowers it as if the balance were 0.583 higher (Siegmund, 1985).
    /// Seed 7, n = 4,000, four standard errors.
    #[test]
    fn random_walks_are_ruined_as_often_as_the_formula_says() {
        let (balance, drift, n) = (10.0, 0.1, 4_000);
        let mut stream = Streams::new(7, 0).open(Purpose::new("ruin"), 0);
        let mut ruined = 0;
        for _ in 0..n {
            let mut left = balance;
            for _ in 0..3_000 {
                left += drift + normal(&mut stream);
                if left <= 0.0 {
                    ruined += 1;
                    break;
                }
            }
        }
        let found = f64::from(ruined) / f64::from(n);
        let expect = ruin_probability(balance + 0.583, drift, 1.0);
        let error = (expect * (1.0 - expect) / f64::from(n)).sqrt();
        assert!((found - expect).abs() < 4.0 * error, "{found} {expect}");
        assert_eq!(ruin_probability(5.0, -1.0, 0.0), 1.0);
        assert_eq!(ruin_probability(5.0, 0.0, 0.0), 0.0);
        assert_eq!(ruin_probability(5.0, 1.0, 0.0), 0.0);
    }

    fn normal(stream: &mut walras_des::Stream) -> f64 {
        let uniform = |stream: &mut walras_des::Stream| {
            (stream.below(1 << 53) as f64 + 0.5) / (1_u64 << 53) as f64
        };
        let (radius, angle) = (uniform(stream), uniform(stream));
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    proptest! {
        #[test]
        fn what_moves_is_what_changes(
            balance in 0..1_i128 << 90, revenue in 0..1_i128 << 90, opex in 0..1_i128 << 90, grants in 0..1_i128 << 90,
            take in 0.0..=1.0_f64, buy_back in 0.0..=1.0_f64,
        ) {
            let budget = Budget {
                take: Ppm::from_fraction(take), opex: Amount(opex), grants: Amount(grants), buy_back: Ppm::from_fraction(buy_back),
            };
            let mut after = Amount(balance);
            let flows = budget.step(&mut after, Amount(revenue));
            prop_assert_eq!(Amount(balance) + flows.income - flows.opex - flows.grants - flows.buy_back, after);
            prop_assert!(after >= Amount::ZERO);
        }
    }
}
