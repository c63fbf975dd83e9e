//! Owners of hardware: what they have, what it costs them, and by which rule they come and go.

use walras_des::Dist;

use crate::supply::exit::{Marginal, Switching};
use crate::supply::owner::{Hardware, Machine};
use crate::supply::power::Tariff;

/// Owners of hardware that a network could use.
#[derive(Clone, Debug, PartialEq)]
pub struct Owners {
    /// How many there are, whether they provide or not.
    pub potential: u32,
    /// Share of them that provides at the start, those with the lowest costs.
    pub online: f64,
    /// What one can do [units of work a day].
    pub capacity: Dist,
    /// What else the machine would earn or be good for, and electricity unless there are `places` [USD per unit of capacity].
    pub running_cost: Dist,
    /// Share of owners who would first have to buy the hardware.
    pub buyers: f64,
    /// Share of owners whose machine is on anyway.
    pub idle_anyway: f64,
    /// The machine, for a unit of capacity a day.
    pub machine: Machine,
    /// The time within which it must pay for itself [days].
    pub payback: f64,
    /// Time from order to delivery [days], if no maker's queue says it.
    pub lead_time: f64,
    /// Index of the maker at whose queue they order.
    pub maker: Option<usize>,
    /// Where they pay for electricity; none if that is in their running cost.
    pub places: Vec<Place>,
    /// Time between two looks at earnings [days].
    pub review: f64,
    /// Half-life of what owners remember of earnings [days].
    pub memory: f64,
    /// Time until what they have seen makes them act [days].
    pub delay: f64,
    /// When they come and when they go.
    pub timing: Timing,
    /// Constant relative risk aversion, for the variance of what they earn in a year.
    pub risk_aversion: f64,
    /// What they do with tokens that they earn.
    pub sells: Sells,
    /// Stake locked while online [USD per unit of capacity a day].
    pub stake: f64,
    /// What they want of the money in their stake [by year].
    pub stake_return: f64,
    /// Who leaves earlier than this after it came loses its stake [days].
    pub lock: f64,
    /// What it takes to go from one network to another, for owners who know several.
    pub moving: Moving,
}

/// What it takes to go from one network to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moving {
    /// Care, and what is lost by it [USD per unit of capacity a day].
    pub cost: f64,
    /// The time within which what is gained must pay for that, and for a stake that is lost [days].
    pub within: f64,
    /// Time without work [days].
    pub downtime: f64,
}

/// How the owners of a pool that networks share come to one of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Membership {
    /// Index of the pool.
    pub pool: usize,
    /// As [`Owners::online`], of all owners of the pool.
    pub online: f64,
    /// As [`Owners::stake`].
    pub stake: f64,
    /// As [`Owners::lock`].
    pub lock: f64,
}

/// Where some of the owners are.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// How many, relative to other places.
    pub weight: f64,
    /// What electricity costs there.
    pub tariff: Tariff,
}

/// When owners come and when they go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Timing {
    /// By multiples of their running cost.
    Factors {
        /// They join when they expect this many times their running cost, and what pays hardware back that they must buy.
        join_above: f64,
        /// They leave when they expect less than this share of it.
        leave_below: f64,
    },
    /// By the thresholds of Dixit: waiting is worth something while coming and going is not free and earnings are uncertain.
    Dixit {
        /// What money is discounted at [by year].
        discount: f64,
        /// Growth of earnings that they expect [by year].
        drift: f64,
        /// Volatility that they expect [by root of a year]; that of recent earnings if none is stated.
        volatility: Option<f64>,
    },
}

/// Which of the tokens that owners earn they sell at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sells {
    /// A share.
    Share(f64),
    /// As many as pay their running cost.
    Bill,
}

/// What owners make of an expectation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    Factors {
        join_above: f64,
        leave_below: f64,
        /// What pays hardware back [USD per unit].
        hardware: f64,
        expected: f64,
    },
    /// Running costs of the last to come and to stay, by kind of hardware [USD per unit].
    Dixit([Marginal; 3]),
}

impl Verdict {
    /// The verdict of owners who expect to earn `expected` [USD per unit], with this variance by year, and would stake so much.
    pub fn new(plan: &Owners, expected: f64, variance: f64, stake: f64) -> Self {
        match plan.timing {
            Timing::Factors {
                join_above,
                leave_below,
            } => Self::Factors {
                join_above,
                leave_below,
                hardware: plan.machine.price / plan.payback,
                expected: expected - stake * plan.stake_return / 365.0,
            },
            Timing::Dixit {
                discount,
                drift,
                volatility,
            } => Self::Dixit(Hardware::ALL.map(|hardware| {
                let switching = Switching {
                    drift,
                    volatility: volatility.unwrap_or(variance.sqrt()),
                    discount,
                    cost: 0.0,
                    entry_cost: plan.machine.entry_cost(hardware) + stake,
                    exit_cost: -plan.machine.worth(hardware) - stake,
                };
                let Marginal { enter, leave } = switching.marginal(expected * 365.0);
                Marginal {
                    enter: enter / 365.0,
                    leave: leave / 365.0,
                }
            })),
        }
    }

    /// Whether an owner with this running cost comes.
    pub fn comes(&self, hardware: Hardware, cost: f64) -> bool {
        match self {
            Self::Factors {
                join_above,
                hardware: payback,
                expected,
                ..
            } => {
                let mut wanted = join_above * cost;
                if hardware == Hardware::ToBuy {
                    wanted += payback;
                }
                *expected > wanted
            }
            Self::Dixit(marginal) => cost < marginal[hardware as usize].enter,
        }
    }

    /// Whether an owner with this running cost goes.
    pub fn goes(&self, hardware: Hardware, cost: f64) -> bool {
        match self {
            Self::Factors {
                leave_below,
                expected,
                ..
            } => *expected < leave_below * cost,
            Self::Dixit(marginal) => cost > marginal[hardware as usize].leave,
        }
    }
}
