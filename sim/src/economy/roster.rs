//! The owners of one network together: what they can do, what that costs and earns, and what is expected of it.

use std::collections::VecDeque;

use walras_des::math;

use crate::economy::Timing;
use crate::economy::deals::Leaving;
use crate::economy::pool::Pool;
use crate::supply::owner::{Hardware, Outlook};
use crate::units::Amount;

/// Costs are told apart by these steps where only their distribution matters.
const COST_STEPS: usize = 40;
/// Ratio of one step to the next; the first is at [`LEAST_COST`].
const COST_RATIO: f64 = 1.25;
/// [USD per unit]
const LEAST_COST: f64 = 0.001;

/// Those who provide to a network.
#[derive(Clone, Debug)]
pub struct Roster {
    /// Index of the network.
    pub(super) network: u32,
    /// Index of the pool that they come from.
    pub(super) pool: usize,
    /// What each locks [USD per unit of capacity a day].
    pub(super) stake: f64,
    /// How long after coming a stake is lost by who leaves [epochs].
    pub(super) lock: u32,
    /// Whether owners stay at a loss while it pays to wait.
    pub(super) waits: bool,
    epoch_days: f64,
    /// What a thousandth of a unit a day has earned since the beginning, by asset [2⁻³² base units].
    earned: [i128; 2],
    /// [thousandths of a unit a day]
    capacity: u64,
    online: u32,
    /// Their running cost, in integers so that the sum is exact whoever comes and goes [10⁻⁹ USD per unit times capacity].
    cost: u128,
    /// Capacity online by running cost.
    by_cost: [u64; COST_STEPS],
    /// Cost at each step.
    costs: [f64; COST_STEPS],
    /// What a unit of capacity is expected to earn in a day [USD], and of what.
    outlook: (Outlook, Option<Pots>),
    /// The outlooks that nobody has acted upon yet, the oldest first.
    past: VecDeque<(Outlook, Option<Pots>)>,
    /// The outlook that owners act upon.
    seen: (Outlook, Option<Pots>),
    /// Epochs from an outlook until owners act upon it.
    delay: usize,
    /// What owners of colluding validators expect of a unit of capacity beyond that [USD].
    pub(super) premium: f64,
    /// What leaving costs, where owners are bound to deals.
    pub(super) leaving: Option<Leaving>,
    /// What electricity costs now, by place, for a machine that is on for this and for one that is on anyway [USD per unit of capacity].
    power: Vec<f64>,
    /// What it has cost since the beginning [USD per unit of capacity a day].
    power_bills: Vec<f64>,
}

/// What there is for owners to share, as they remember it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pots {
    /// However much work is done [USD a day].
    pub fixed: f64,
    /// For a unit of work [USD].
    pub fee: f64,
    /// Work that customers want [units a day].
    pub work: f64,
}

impl Pots {
    /// What a unit of capacity earns among so many [USD].
    #[must_use]
    pub fn among(&self, capacity: f64) -> f64 {
        self.fixed / capacity + self.fee * (self.work / capacity).min(1.0)
    }

    /// Moves a share of the way to what is seen now.
    fn observe(&mut self, now: Self, weight: f64) {
        for (mean, now) in [
            (&mut self.fixed, now.fixed),
            (&mut self.fee, now.fee),
            (&mut self.work, now.work),
        ] {
            *mean += weight * (now - *mean);
        }
    }
}

impl Roster {
    /// The network of an index, where `expected` is what a unit of capacity earns before anybody knows [USD], and nobody yet.
    #[must_use]
    pub fn new(
        network: usize,
        (index, pool): (usize, &Pool),
        (stake, lock): (f64, f64),
        epoch_days: f64,
        expected: f64,
    ) -> Self {
        let plan = pool.plan();
        let outlook = (Outlook::new(expected, plan.memory, epoch_days), None);
        let mut roster = Self {
            network: network as u32,
            pool: index,
            stake,
            lock: (lock / epoch_days).round() as u32,
            waits: matches!(plan.timing, Timing::Dixit { .. }),
            epoch_days,
            earned: [0; 2],
            capacity: 0,
            online: 0,
            cost: 0,
            by_cost: [0; COST_STEPS],
            costs: std::array::from_fn(|step| LEAST_COST * math::powf(COST_RATIO, step as f64)),
            outlook,
            past: VecDeque::new(),
            seen: outlook,
            delay: (plan.delay / epoch_days).round() as usize,
            premium: 0.0,
            leaving: None,
            power: Vec::new(),
            power_bills: vec![0.0; 2 * plan.places.len()],
        };
        roster.price_power(pool, 0.0, 1.0);
        roster
    }

    /// Owners who provide now.
    #[must_use]
    pub fn online(&self) -> u32 {
        self.online
    }

    /// What they can do [thousandths of a unit a day].
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Capacity online that is offered at each price or above it: running cost [USD per unit], and thousandths of a unit a day.
    pub fn offers(&self) -> impl Iterator<Item = (f64, u64)> {
        let steps = self.costs.iter().copied().zip(self.by_cost);
        steps.filter(|&(_, capacity)| capacity > 0)
    }

    /// What owners with this running cost ask, as [`Roster::offers`] has it [USD per unit].
    #[must_use]
    pub fn ask(&self, cost: f64) -> f64 {
        self.costs[step_of(cost)]
    }

    /// Mean running cost of those online [USD per unit].
    #[must_use]
    pub fn mean_cost(&self) -> f64 {
        if self.capacity == 0 {
            return 0.0;
        }
        self.cost as f64 / 1e9 / self.capacity as f64
    }

    /// What owners act upon.
    #[must_use]
    pub fn seen(&self) -> &Outlook {
        &self.seen.0
    }

    /// What there is to share, as owners see it.
    #[must_use]
    pub fn pots(&self) -> Option<Pots> {
        self.seen.1
    }

    /// Shares out what is in [`crate::ledger::Account::EARNINGS`] since the last time by capacity, in dollars and in tokens.
    ///
    /// # Panics
    /// If nobody is online.
    pub fn earn(&mut self, pots: [Amount; 2]) {
        assert!(self.capacity > 0, "earnings need an owner online");
        for (account, pot) in self.earned.iter_mut().zip(pots) {
            let scaled = pot
                .0
                .checked_mul(1 << 32)
                .expect("a day's earnings fit 95 bits");
            *account += scaled / i128::from(self.capacity);
        }
    }

    /// Takes note of what a unit of capacity has earned, or would have [USD a day], and of what.
    pub fn expect(&mut self, earning: f64, of: Pots) {
        let (outlook, pots) = &mut self.outlook;
        outlook.observe(earning);
        pots.get_or_insert(of).observe(of, outlook.weight());
        self.past.push_back(self.outlook);
        if self.past.len() > self.delay {
            self.seen = self.past.pop_front().unwrap_or(self.outlook);
        }
    }

    /// State of the accounts of earnings.
    pub(super) fn earned(&self) -> [i128; 2] {
        self.earned
    }

    /// An epoch of electricity, from a time [days from the start], at a utilization.
    pub fn use_power(&mut self, pool: &Pool, start: f64, utilization: f64) {
        if self.power_bills.is_empty() {
            return;
        }
        self.price_power(pool, start, utilization);
        for (bill, power) in self.power_bills.iter_mut().zip(&self.power) {
            *bill += power * self.epoch_days;
        }
    }

    fn price_power(&mut self, pool: &Pool, start: f64, utilization: f64) {
        let machine = &pool.plan().machine;
        self.power.clear();
        for price in pool.electricity(start, self.epoch_days) {
            for hardware in [Hardware::Owned, Hardware::IdleAnyway] {
                self.power
                    .push(price * machine.energy(hardware, utilization));
            }
        }
    }

    /// What electricity costs now on a line [USD per unit of capacity].
    pub(super) fn power(&self, line: u32) -> f64 {
        self.power.get(line as usize).copied().unwrap_or(0.0)
    }

    /// What it has cost since the beginning [USD per unit of capacity a day].
    pub(super) fn power_bill(&self, line: u32) -> f64 {
        self.power_bills.get(line as usize).copied().unwrap_or(0.0)
    }

    pub(super) fn add(&mut self, capacity: u64, cost: f64) {
        self.online += 1;
        self.capacity += capacity;
        self.add_cost(capacity, cost);
    }

    pub(super) fn remove(&mut self, capacity: u64, cost: f64) {
        self.online -= 1;
        self.capacity -= capacity;
        self.cost -= whole(capacity, cost);
        self.by_cost[step_of(cost)] -= capacity;
    }

    pub(super) fn add_cost(&mut self, capacity: u64, cost: f64) {
        self.cost += whole(capacity, cost);
        self.by_cost[step_of(cost)] += capacity;
    }

    pub(super) fn change_cost(&mut self, capacity: u64, from: f64, to: f64) {
        self.cost -= whole(capacity, from);
        self.by_cost[step_of(from)] -= capacity;
        self.add_cost(capacity, to);
    }

    pub(super) fn forget_costs(&mut self) {
        self.cost = 0;
        self.by_cost = [0; COST_STEPS];
    }
}

/// A cost times a capacity in integers.
fn whole(capacity: u64, cost: f64) -> u128 {
    (cost * 1e9).round() as u128 * u128::from(capacity)
}

/// The step at or above a cost.
fn step_of(cost: f64) -> usize {
    let mut at = LEAST_COST;
    let mut step = 0;
    while at < cost && step + 1 < COST_STEPS {
        at *= COST_RATIO;
        step += 1;
    }
    step
}
