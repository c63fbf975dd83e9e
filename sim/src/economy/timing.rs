//! When owners come and when they go, by what they expect to earn.

use crate::economy::Owners;
use crate::supply::exit::{Marginal, Switching};
use crate::supply::owner::Hardware;

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
