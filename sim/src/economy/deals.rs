//! Storage by deals: customers who keep data with a network for a term, owners who pledge for it, and proofs that are missed.
//!
//! What customers want of such a network is a stock. Tastes last: those who would store when the network is liked less are among those
//! who would when it is liked more. So of data signed when customers wanted `V`, all are among the `W` that are wanted now if that is
//! more, and a part `W / V` if it is less; what is missing of `W` is signed anew, and what is beyond it stays until its deals end. Pledges and fees are Filecoin's ([`crate::token::filecoin::pledge`]), for a unit of
//! capacity in the place of bytes: owners lock the pledge of the day on which they come. Proofs are missed by so many units that only
//! means matter: of a unit that is proven a day misses with a probability q, and it is back within `n` days or is given up; where a
//! fault goes on for another day with probability p it lasts `E = (1 − pⁿ) / (1 − p)` days on average, a share `qE / (1 + qE)` of all
//! is faulty, and `q pⁿ / (1 + qE)` of it is terminated a day.

use std::collections::VecDeque;

use walras_des::math;

use crate::token::filecoin::EPOCHS_PER_DAY;
use crate::token::filecoin::pledge::{Collateral, Network};
use crate::units::Amount;

/// How data are kept, and what owners pledge for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Deals {
    /// Length of a deal [days].
    pub term: f64,
    /// What is pledged, and what faults and leaving cost; a byte is a thousandth of a unit of capacity here.
    pub collateral: Collateral,
    /// Which proofs are missed.
    pub faults: Faults,
}

/// Proofs that are missed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faults {
    /// Probability by day that a unit is not proven that was before.
    pub probability: f64,
    /// How long it takes to bring it back, a day at least, if it is not given up before [days].
    pub lasts: f64,
    /// A unit that is not proven for so long is terminated, and the data on it are lost [days].
    pub until: f64,
}

impl Faults {
    /// Probability that a fault is not over by the time at which it is given up.
    fn stays(&self) -> f64 {
        math::powf(1.0 - 1.0 / self.lasts, self.until)
    }

    /// Days of fault for each day of being proven.
    fn odds(&self) -> f64 {
        self.probability * self.lasts * (1.0 - self.stays())
    }

    /// Share of capacity that is not proven on a day.
    #[must_use]
    pub fn faulty(&self) -> f64 {
        self.odds() / (1.0 + self.odds())
    }

    /// Share of capacity that is terminated on a day.
    #[must_use]
    pub fn terminated(&self) -> f64 {
        self.probability * self.stays() / (1.0 + self.odds())
    }
}

/// Thousandths of a unit, in which power is counted.
const UNIT: u128 = 1000;

/// What leaving would cost an owner.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Leaving {
    collateral: Collateral,
    /// What a day of a fault costs [for a unit of capacity].
    fault_fee: Amount,
    /// How long deals go on if an owner signs no more, on average [days].
    pub within: f64,
}

impl Leaving {
    /// What of a pledge for so many thousandths of a unit is lost by leaving so many days after coming.
    pub fn fee(&self, pledge: Amount, capacity: u64, age: f64) -> Amount {
        let epochs = (age * EPOCHS_PER_DAY as f64) as u64;
        let fault_fee = self.fault_fee.mul_floor(capacity, UNIT as u64);
        let fee = self.collateral.termination_fee(pledge, epochs, fault_fee);
        fee.min(pledge)
    }
}

/// Deals that were signed at the same time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cohort {
    /// The epoch in which they end.
    end: u32,
    units: f64,
    /// [USD per unit and day]
    price: f64,
    /// What customers wanted of the network then [units].
    level: f64,
}

/// What a network mints and has in an epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Economics {
    /// New tokens of a day for owners.
    pub minted: Amount,
    pub circulating: Amount,
    /// Capacity, and that of the baseline of emission, if there is one [units].
    pub capacity: f64,
    pub baseline: f64,
}

/// Deals at work.
#[derive(Clone, Debug)]
pub(super) struct Book {
    plan: Deals,
    /// Epochs in a term.
    term: u32,
    /// Share of data that is not lost in an epoch, and mean life of a deal [epochs].
    goes_on: f64,
    life: f64,
    epoch_days: f64,
    cohorts: VecDeque<Cohort>,
    is_open: bool,
    /// Fees that owners owe and have not earned yet.
    debt: Amount,
}

impl Book {
    pub fn new(plan: &Deals, epoch_days: f64) -> Self {
        let term = ((plan.term / epoch_days).round() as u32).max(1);
        let goes_on = math::powf(1.0 - plan.faults.terminated(), epoch_days);
        Self {
            term,
            goes_on,
            life: (0..term)
                .map(|age| math::powf(goes_on, f64::from(age)))
                .sum(),
            epoch_days,
            cohorts: VecDeque::new(),
            is_open: false,
            debt: Amount::ZERO,
            plan: plan.clone(),
        }
    }

    /// Deals of the beginning, as if as many had always been signed in an epoch.
    pub fn open(&mut self, units: f64, price: f64, level: f64) {
        if !self.is_open {
            self.is_open = true;
            let each = units / self.life;
            for end in 1..self.term {
                let units = each * math::powf(self.goes_on, f64::from(self.term - end));
                self.cohorts.push_back(Cohort {
                    end,
                    units,
                    price,
                    level,
                });
            }
        }
    }

    /// Data in deals that go on in an epoch [units].
    pub fn kept(&self, epoch: u32) -> f64 {
        let goes_on = self.cohorts.iter().filter(|cohort| cohort.end > epoch);
        goes_on.map(|cohort| cohort.units).sum()
    }

    /// What is to be signed in an epoch in which customers want `wanted` to be stored [units].
    pub fn missing(&self, epoch: u32, wanted: f64) -> f64 {
        let goes_on = self.cohorts.iter().filter(|cohort| cohort.end > epoch);
        let among = |cohort: &Cohort| {
            let part = if cohort.level > wanted {
                wanted / cohort.level
            } else {
                1.0
            };
            cohort.units * part
        };
        (wanted - goes_on.map(among).sum::<f64>()).max(0.0)
    }

    /// What is to be stored then [units].
    pub fn stock(&self, epoch: u32, wanted: f64) -> f64 {
        if !self.is_open {
            return wanted;
        }
        self.kept(epoch) + self.missing(epoch, wanted)
    }

    /// An epoch in which so much is stored, new deals at a price at which `level` was wanted: what is new of it [units], and what is paid
    /// [USD].
    pub fn sign(&mut self, epoch: u32, stored: f64, price: f64, level: f64) -> (f64, f64) {
        self.cohorts.retain(|cohort| cohort.end > epoch);
        let kept = self.kept(epoch);
        let new = (stored - kept).max(0.0);
        // Who has left has taken what it stored along; and some of it is terminated.
        let stays = if kept > 0.0 {
            (stored / kept).min(1.0)
        } else {
            1.0
        };
        for cohort in &mut self.cohorts {
            cohort.units *= stays;
        }
        if new > 0.0 {
            self.cohorts.push_back(Cohort {
                end: epoch + self.term,
                units: new,
                price,
                level,
            });
        }
        let by_day: f64 = self
            .cohorts
            .iter()
            .map(|cohort| cohort.units * cohort.price)
            .sum();
        for cohort in &mut self.cohorts {
            cohort.units *= self.goes_on;
        }
        (new, by_day * self.epoch_days)
    }

    fn network(now: &Economics) -> Network {
        Network {
            reward: now.minted.mul_floor(1, EPOCHS_PER_DAY),
            power: (now.capacity * UNIT as f64) as u128,
            baseline: (now.baseline * UNIT as f64) as u128,
            circulating: now.circulating,
        }
    }

    /// What must be locked for a unit of capacity.
    pub fn pledge(&self, now: &Economics) -> Amount {
        let collateral = &self.plan.collateral;
        if collateral.pledge_days == 0 && collateral.lock_target == 0 {
            // The rule has a base unit at least.
            return Amount::ZERO;
        }
        // The part of the pledge that does not follow the baseline has been in force for long.
        collateral.initial_pledge(UNIT, &Self::network(now), i64::MAX)
    }

    /// What leaving costs.
    pub fn leaving(&self, now: &Economics) -> Leaving {
        let collateral = self.plan.collateral.clone();
        Leaving {
            fault_fee: collateral.fault_fee(UNIT, &Self::network(now)),
            within: self.plan.term / 2.0,
            collateral,
        }
    }

    /// What missed proofs and terminated units cost in a day for a unit of capacity [base units]; these are in the middle of their term.
    pub fn cost_of_faults(&self, now: &Economics) -> f64 {
        let leaving = self.leaving(now);
        let terminated = leaving.fee(self.pledge(now), UNIT as u64, leaving.within);
        self.plan.faults.faulty() * leaving.fault_fee.0 as f64
            + self.plan.faults.terminated() * terminated.0 as f64
    }

    /// Charges owners of so many units for an epoch's faults, who have earned so much: what they pay. The rest they owe.
    pub fn charge(&mut self, now: &Economics, earned: Amount) -> Amount {
        let fees = self.cost_of_faults(now) * now.capacity * self.epoch_days;
        self.debt += Amount(fees.round() as i128);
        let pays = self.debt.min(earned);
        self.debt -= pays;
        pays
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_des::{Purpose, Streams};

    fn plan() -> Deals {
        Deals {
            term: 360.0,
            collateral: Collateral {
                per_byte: 1 << 60,
                ..Collateral::default()
            },
            faults: Faults {
                probability: 0.0,
                lasts: 1.0,
                until: 42.0,
            },
        }
    }

    /// A flow of 5 units a day for a term of 360 days: a stock of 1,800 at the mean price of the last 360 days. With a hazard h of 0.2 %
    /// a day a deal lives for (1 − (1 − h)³⁶⁰) / h days, and the flow is more by that; from the beginning.
    #[test]
    fn stock_is_flow_times_term() {
        let run = |hazard: f64| {
            let mut plan = plan();
            // A fault that is over within a day or never.
            plan.faults.probability = hazard;
            plan.faults.lasts = if hazard > 0.0 { 1e15 } else { 1.0 };
            plan.faults.until = 0.0;
            let mut book = Book::new(&plan, 1.0);
            book.open(1800.0, 1.0, 1800.0);
            let mut last = (0.0, 0.0);
            for day in 0..1000 {
                let stored = book.stock(day, 1800.0);
                assert!((stored - 1800.0).abs() < 1e-6, "{stored}");
                last = book.sign(day, stored, f64::from(day), 1800.0);
            }
            last
        };
        let (flow, paid) = run(0.0);
        assert!((flow - 5.0).abs() < 1e-6, "{flow}");
        let mean = 999.0 - 359.0 / 2.0;
        assert!((paid / 1800.0 - mean).abs() < 1e-6, "{paid}");
        let (flow, _) = run(0.002);
        let life = (1.0 - 0.998_f64.powi(360)) / 0.002;
        assert!((flow * life / 1800.0 - 1.0).abs() < 1e-6, "{flow} {life}");
    }

    /// Who wants to leave stays until the deal ends, and who wants to come comes at once.
    #[test]
    fn deals_run_off() {
        let run = |wanted: f64| {
            let mut book = Book::new(&plan(), 10.0);
            book.open(3600.0, 2.0, 3600.0);
            let step = |epoch: u32| {
                let stored = book.stock(epoch, wanted);
                (stored, book.sign(epoch, stored, 1.0, wanted))
            };
            (0..36).map(step).collect::<Vec<_>>()
        };
        for (epoch, (stored, (new, paid))) in run(0.0).into_iter().enumerate() {
            assert!((stored - 100.0 * (35 - epoch) as f64).abs() < 1e-6);
            assert!(new < 1e-9 && (paid - stored * 20.0).abs() < 1e-6);
        }
        // Half of those whose deals end sign again.
        for (epoch, (stored, (new, _))) in run(1800.0).into_iter().enumerate() {
            assert!((stored - 3600.0 + 50.0 * (epoch + 1) as f64).abs() < 1e-6);
            assert!((new - 50.0).abs() < 1e-6);
        }
        for (epoch, (stored, (new, _))) in run(5400.0).into_iter().enumerate() {
            assert!((stored - 5400.0).abs() < 1e-6);
            assert!((new - if epoch == 0 { 1900.0 } else { 100.0 }).abs() < 1e-6);
        }
    }

    /// 14,400 new tokens a day for 20,480 units, half of the baseline, and 500 million in circulation: what `pledge` has for 1 TiB of
    /// 20 PiB with five a Filecoin epoch, by hand.
    #[test]
    fn a_unit_is_pledged_as_bytes_are() {
        let book = Book::new(&plan(), 1.0);
        let now = Economics {
            minted: Amount::from_f64(14_400.0),
            circulating: Amount::from_f64(500e6),
            capacity: 20_480.0,
            baseline: 40_960.0,
        };
        let storage = 20.0 * 14_400.0 / 20_480.0;
        let consensus = 150e6 / 20_480.0;
        let expected = storage + consensus * (0.7 / 2.0 + 0.3);
        let found = book.pledge(&now).as_f64();
        assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
        // 3.51 days of 14,400 / 20,480.
        let fee = book.leaving(&now).fault_fee.as_f64();
        assert!(
            (fee / (3.51 * 14_400.0 / 20_480.0) - 1.0).abs() < 1e-4,
            "{fee}"
        );
        // 8.5 % of it after 140 days, half of that after 70, and 2 % at first: more than 1.05 fault fees.
        let leave = |days| {
            book.leaving(&now)
                .fee(book.pledge(&now), 1000, days)
                .as_f64()
                / found
        };
        for (days, share) in [(200.0, 0.085), (140.0, 0.085), (70.0, 0.0425), (0.0, 0.02)] {
            assert!((leave(days) - share).abs() < 1e-9, "{days}");
        }
    }

    /// The closed form against a million days of one unit's life.
    #[test]
    fn faults_cost_what_a_life_of_them_costs() {
        let mut plan = plan();
        plan.faults = Faults {
            probability: 0.02,
            lasts: 8.0,
            until: 14.0,
        };
        let book = Book::new(&plan, 1.0);
        let now = Economics {
            minted: Amount::from_f64(1000.0),
            circulating: Amount::from_f64(1e6),
            capacity: 1000.0,
            baseline: 0.0,
        };
        let leaving = book.leaving(&now);
        let terminated = leaving.fee(book.pledge(&now), 1000, 180.0).0 as f64;
        let mut stream = Streams::new(1, 0).open(Purpose::new("a life"), 0);
        let (mut faulty, mut cost, days) = (0_u32, 0.0, 2_000_000);
        for _ in 0..days {
            let goes_on = stream.bernoulli(if faulty > 0 { 1.0 - 1.0 / 8.0 } else { 0.02 });
            faulty = if goes_on { faulty + 1 } else { 0 };
            if faulty > 14 {
                // Given up, and replaced by one that is proven.
                cost += terminated;
                faulty = 0;
            }
            if faulty > 0 {
                cost += leaving.fault_fee.0 as f64;
            }
        }
        let mean = cost / f64::from(days);
        let expected = book.cost_of_faults(&now);
        assert!((mean / expected - 1.0).abs() < 0.015, "{mean} {expected}");
    }
}
