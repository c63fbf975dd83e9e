//! What a cloud sells beside work on demand: capacity that is reserved for a term, and what is idle, to work that can be interrupted.
//!
//! A customer's load is log-normal around its mean. Of it so much is reserved as is in use for long enough to pay ([`Menu`], the
//! newsvendor's rule): for a discount d the d-quantile x of the load, which makes the mean price Φ(σ − z) of that on demand, where z is the
//! d-quantile of the normal distribution. Reservations are paid until their term ends, used or not, and who has one stays with all of the load
//! that it was made for. What can be interrupted always takes what is idle, at a price that rises with the use by all other work.

use std::collections::VecDeque;

use walras_des::{math, normal_cdf, normal_quantile};

use crate::demand::budget::Budgets;
use crate::demand::cloud::Menu;

/// What a cloud sells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contracts {
    /// Prices, where that on demand is one.
    pub menu: Menu,
    /// Standard deviation of the logarithm of a customer's load.
    pub variation: f64,
    /// Share of work that can be interrupted.
    pub interruptible: f64,
}

impl Contracts {
    /// The normal quantile of what is reserved.
    fn quantile(&self) -> f64 {
        normal_quantile(self.menu.reserved_discount)
    }

    /// Units that are reserved for a mean load of one.
    #[must_use]
    pub fn reserve(&self) -> f64 {
        let sigma = self.variation;
        if self.menu.reserved_discount <= 0.0 {
            return 0.0;
        }
        math::exp(sigma * self.quantile() - 0.5 * sigma * sigma)
    }

    /// Work of a mean load of one that so many reserved units do.
    #[must_use]
    pub fn within(&self, reserved: f64) -> f64 {
        let sigma = self.variation;
        let median = math::exp(-0.5 * sigma * sigma);
        Budgets { median, sigma }.spent(reserved)
    }

    /// Mean price of work that is reserved as it should be, and on demand, over the price on demand.
    #[must_use]
    pub fn firm_price(&self) -> f64 {
        normal_cdf(self.variation - self.quantile())
    }
}

/// What was reserved at the same time.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cohort {
    /// The epoch in which it ends.
    end: u32,
    units: f64,
    /// [USD per unit]
    price: f64,
}

/// Sales by contract.
#[derive(Clone, Debug)]
pub(super) struct Sales {
    plan: Contracts,
    /// Epochs in a term.
    term: u32,
    cohorts: VecDeque<Cohort>,
    is_open: bool,
    /// The last price of idle capacity, over that on demand.
    spot: f64,
}

/// The work of an epoch, by contract [units a day].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sold {
    pub reserved: f64,
    pub on_demand: f64,
    pub spot: f64,
    /// Reserved, paid and not used.
    pub unused: f64,
    /// What is paid for all of it [USD a day].
    pub paid: f64,
}

impl Sales {
    pub fn new(plan: Contracts, epoch_days: f64) -> Self {
        Self {
            plan,
            term: ((plan.menu.term * 365.0 / epoch_days).round() as u32).max(1),
            cohorts: VecDeque::new(),
            is_open: false,
            spot: plan.menu.spot(0.5),
        }
    }

    /// Mean price of all work over that on demand, for who comes now.
    pub fn price(&self) -> f64 {
        let interruptible = self.plan.interruptible;
        (1.0 - interruptible) * self.plan.firm_price() + interruptible * self.spot
    }

    fn held(&self, epoch: u32) -> f64 {
        let goes_on = self.cohorts.iter().filter(|cohort| cohort.end > epoch);
        goes_on.map(|cohort| cohort.units).sum()
    }

    /// The load that reservations were made for, which stays [units a day].
    fn stays(&self, epoch: u32) -> f64 {
        let reserve = self.plan.reserve();
        if reserve > 0.0 {
            self.held(epoch) / reserve
        } else {
            0.0
        }
    }

    /// What is asked of it in an epoch in which so much would be wanted, had nobody reserved anything [units a day].
    pub fn bound(&self, epoch: u32, wanted: f64) -> f64 {
        let waits = wanted * self.plan.interruptible;
        (wanted - waits).max(self.stays(epoch)) + waits
    }

    /// Sells so much work in an epoch, at a price on demand.
    pub fn sell(&mut self, epoch: u32, wanted: f64, capacity: f64, price: f64) -> Sold {
        let Contracts {
            menu,
            interruptible,
            ..
        } = self.plan;
        let reserve = self.plan.reserve();
        let own = wanted * (1.0 - interruptible);
        if !self.is_open {
            // As if as many had always been reserved in an epoch.
            self.is_open = true;
            let units = own.min(capacity) * reserve / f64::from(self.term);
            let price = menu.reserved() * price;
            let cohort = |end| Cohort { end, units, price };
            self.cohorts
                .extend((1..self.term).map(|after| cohort(epoch + after)));
        }
        self.cohorts.retain(|cohort| cohort.end > epoch);
        let certain = own.max(self.stays(epoch).min(wanted));
        let firm = certain.min(capacity);
        let more = firm * reserve - self.held(epoch);
        if more > 0.0 {
            self.cohorts.push_back(Cohort {
                end: epoch + self.term,
                units: more,
                price: menu.reserved() * price,
            });
        }
        let held = self.held(epoch);
        let reserved = if firm > 0.0 {
            firm * self.plan.within(held / firm)
        } else {
            0.0
        };
        if capacity > 0.0 {
            self.spot = menu.spot(firm / capacity);
        }
        let on_demand = firm - reserved;
        let spot = (wanted - certain).min(capacity - firm);
        let paid: f64 = (self.cohorts.iter())
            .map(|cohort| cohort.units * cohort.price)
            .sum();
        Sold {
            reserved,
            on_demand,
            spot,
            unused: held - reserved,
            paid: paid + price * (on_demand + spot * self.spot),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use walras_des::{Purpose, Streams};

    fn plan() -> Contracts {
        Contracts {
            menu: Menu::aws(1.0),
            variation: 0.4,
            interruptible: 0.0,
        }
    }

    /// What is reserved, what of it is used and what all costs, by 200,000 drawn loads and the rule of the menu; nothing else costs less.
    #[test]
    fn reservations_are_those_of_the_newsvendor() {
        let plan = plan();
        let mut stream = Streams::new(1, 0).open(Purpose::new("loads"), 0);
        let mut loads: Vec<f64> = (0..200_000)
            .map(|_| (0.4 * stream.normal() - 0.08).exp())
            .collect();
        loads.sort_by(f64::total_cmp);
        let reserve = plan.reserve();
        let found = plan.menu.best_reservation(&loads);
        assert!((reserve / found - 1.0).abs() < 0.005, "{reserve} {found}");
        let used = loads.iter().map(|load| load.min(reserve)).sum::<f64>() / 200_000.0;
        assert!((plan.within(reserve) / used - 1.0).abs() < 0.005);
        let cost = plan.menu.cost(&loads, reserve);
        assert!((plan.firm_price() / cost - 1.0).abs() < 0.005, "{cost}");
    }

    /// In a steady state an epoch costs what the mean price says, with what waits at the price of what is idle.
    #[test]
    fn what_is_paid_is_the_mean_price() {
        let plan = Contracts {
            interruptible: 0.25,
            ..plan()
        };
        let mut sales = Sales::new(plan, 1.0);
        for day in 0..800 {
            let wanted = sales.bound(day, 1000.0);
            assert!((wanted - 1000.0).abs() < 1e-9, "{wanted}");
            let sold = sales.sell(day, wanted, 1500.0, 2.0);
            let all = sold.reserved + sold.on_demand + sold.spot;
            assert!((all - 1000.0).abs() < 1e-9 && (sold.spot - 250.0).abs() < 1e-9);
            assert!((sold.paid / (2000.0 * sales.price()) - 1.0).abs() < 1e-9);
        }
        // What is interrupted makes room.
        let sold = sales.sell(800, 1000.0, 800.0, 2.0);
        assert!((sold.spot - 50.0).abs() < 1e-9, "{}", sold.spot);
    }

    /// When customers want to leave, the load stays as reservations run off, evenly over the term of 365 days; what is paid does, too.
    #[test]
    fn reservations_run_off() {
        let mut sales = Sales::new(plan(), 5.0);
        let full = sales.sell(0, 1000.0, 2000.0, 1.0);
        for epoch in 1..73 {
            let wanted = sales.bound(epoch, 0.0);
            let left = f64::from(73 - epoch) / 73.0;
            assert!((wanted - 1000.0 * left).abs() < 1e-6, "{wanted}");
            let sold = sales.sell(epoch, wanted, 2000.0, 1.0);
            assert!((sold.paid / (full.paid * left) - 1.0).abs() < 1e-9);
        }
        assert!(sales.bound(73, 0.0).abs() < 1e-9);
    }

    /// A load that is gone at once leaves reservations unused, and paid.
    #[test]
    fn what_is_reserved_is_paid() {
        let mut sales = Sales::new(plan(), 1.0);
        let full = sales.sell(0, 1000.0, 2000.0, 1.0);
        let held = 1000.0 * plan().reserve();
        assert!((full.reserved + full.unused - held).abs() < 1e-6);
        let gone = sales.sell(1, 0.0, 2000.0, 1.0);
        assert!((gone.unused - held * 364.0 / 365.0).abs() < 1e-6);
        assert!((gone.paid - 0.63 * held * 364.0 / 365.0).abs() < 1e-6);
    }
}
