//! A seller who owns all of a network's hardware.

use walras_des::math;

use super::{Epoch, MILLI};
use crate::economy::contracts::{Contracts, Sales};
use crate::economy::pool::Party;
use crate::market::posted::Posted;
use crate::supply::orders::Orders;
use crate::units::Amount;

/// A seller who owns all of a network's hardware.
#[derive(Clone, Debug, PartialEq)]
pub struct Seller {
    /// What it can do at the start [units a day].
    pub capacity: f64,
    /// What a unit costs it [USD].
    pub cost: f64,
    /// It orders hardware to be used to this share.
    pub target: f64,
    /// Time from order to delivery [days], if no maker's queue says it.
    pub lead_time: f64,
    /// Index of the maker at whose queue it orders.
    pub maker: Option<usize>,
    /// If it follows others with its posted price.
    pub follows: Option<Following>,
    /// What it sells beside work on demand, at a posted price.
    pub contracts: Option<Contracts>,
}

/// A seller who moves its posted price toward a multiple of the lowest price elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Following {
    /// The multiple.
    pub multiple: f64,
    /// Half-life of the distance [days].
    pub half_life: f64,
    /// It goes no lower than this [USD per unit].
    pub floor: f64,
}

/// A seller at work.
#[derive(Clone, Debug)]
pub(super) struct Shop {
    plan: Seller,
    /// What it can do [units a day].
    pub capacity: f64,
    /// When what is ordered comes [days]; infinite while a maker has yet to say.
    ordered: Vec<(f64, f64)>,
    pub sales: Option<Sales>,
    /// Its cost, times what the plan says.
    pub cost_factor: f64,
}

impl Shop {
    pub fn new(plan: &Seller, epoch_days: f64) -> Self {
        Self {
            plan: plan.clone(),
            capacity: plan.capacity,
            ordered: Vec::new(),
            sales: (plan.contracts).map(|contracts| Sales::new(contracts, epoch_days)),
            cost_factor: 1.0,
        }
    }

    /// What a unit costs it [USD].
    pub fn cost(&self) -> f64 {
        self.plan.cost * self.cost_factor
    }

    /// Mean price of work over the price on demand.
    pub fn mix(&self) -> f64 {
        self.sales.as_ref().map_or(1.0, Sales::price)
    }

    /// Hardware that it has ordered of a maker is there [units a day].
    pub fn deliver(&mut self, units: f64) {
        self.capacity += units;
        self.ordered.remove(0);
    }

    /// Takes what comes, and orders what is missing, in the name of a network, if it serves `served` units a day.
    pub fn order(
        &mut self,
        epoch: Epoch,
        served: f64,
        network: usize,
        makers: &mut [Orders<Party>],
    ) {
        let end = epoch.start + epoch.days;
        self.ordered.retain(|&(due, units)| {
            if due <= end {
                self.capacity += units;
            }
            due > end
        });
        let coming: f64 = self.ordered.iter().map(|&(_, units)| units).sum();
        let wanted = served / self.plan.target;
        if wanted > (self.capacity + coming) * 1.01 {
            let units = wanted - self.capacity - coming;
            let due = if let Some(maker) = self.plan.maker {
                makers[maker].order(Party::Seller(network), units);
                f64::INFINITY
            } else {
                end + self.plan.lead_time
            };
            self.ordered.push((due, units));
        }
    }

    /// Follows the lowest price elsewhere with its posted price, if it does so.
    pub fn follow(&self, epoch: Epoch, rival: f64, posted: &mut Posted) {
        let Some(follows) = self.plan.follows else {
            return;
        };
        // What it asks on demand is so much more than what its customers pay.
        let goal = (rival * follows.multiple / self.mix()).max(follows.floor);
        let now = posted.price.0 as f64 / 1e9 * MILLI;
        // It follows downwards; what it has given it does not take back while others are cheaper.
        if goal < now {
            let moves = 1.0 - math::powf(0.5, epoch.days / follows.half_life);
            let next = now + moves * (goal - now);
            posted.price = Amount((next * 1e9 / MILLI).round() as i128);
        }
    }
}
