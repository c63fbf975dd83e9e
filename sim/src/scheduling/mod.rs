//! Scheduling: events in, orders out. One file per policy.
//!
//! [`Scheduler`] is the whole interface. Two shorthands cover the common cases: a [`Pick`] chooses a node for one job and leaves the
//! queue to [`Dispatch`]; [`by_score`] turns a score function into a [`Pick`].

mod cheapest_within_slo;
mod dispatch;
mod least_loaded;
mod order;
mod power_of_choices;
mod random;
mod round_robin;

use walras_des::{Purpose, Streams};

pub use cheapest_within_slo::CheapestWithinSlo;
pub use dispatch::{Dispatch, Pick, by_score};
pub use least_loaded::LeastLoaded;
pub use order::{Order, Orders, Reason, Refusal};
pub use power_of_choices::PowerOfChoices;
pub use random::Random;
pub use round_robin::RoundRobin;

use crate::ids::{JobId, NodeId};
use crate::view::{Needs, View};

/// Why a policy is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A job was submitted; it waits.
    JobArrived(JobId),
    /// A placed job is known to be lost; it waits again.
    JobLost(JobId),
    /// A job on this node ended: a slot is free.
    SlotFreed(NodeId),
    /// A node came up.
    NodeJoined(NodeId),
    /// A node has more free slots while jobs wait: asked after each placement that a free slot or a joining node led to, and when
    /// a draining instance is kept.
    SlotsLeft(NodeId),
    /// A node is known to have left.
    NodeLeft(NodeId),
    /// The price for all has changed.
    Repriced,
    /// Nodes have reported how many jobs they hold; asked while jobs wait, where the dispatcher depends on reports.
    Reported,
    /// The time of an [`Order::Wake`] has come.
    Woken,
}

/// A scheduling policy.
pub trait Scheduler {
    /// What the view has to keep for this policy; asked once, before anything happens.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// Reacts to `cause`, reading only what a real scheduler could see, and appends orders.
    /// The world checks each order; an illegal one is refused, counted and explained, and nothing else happens.
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders);
}

/// A built-in policy, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// See [`Random`].
    Random,
    /// See [`RoundRobin`].
    RoundRobin,
    /// See [`PowerOfChoices`].
    PowerOfChoices {
        /// Nodes that are asked for each job.
        d: u32,
    },
    /// See [`LeastLoaded`].
    LeastLoaded,
    /// See [`CheapestWithinSlo`].
    CheapestWithinSlo,
}

impl Policy {
    /// The policy at work, with its own random stream.
    #[must_use]
    pub fn build(self, streams: &Streams) -> Builtin {
        let stream = streams.open(Purpose::new("scheduler"), 0);
        match self {
            Self::Random => Builtin::Random(Dispatch(Random::new(stream))),
            Self::RoundRobin => Builtin::RoundRobin(Dispatch(RoundRobin::default())),
            Self::PowerOfChoices { d } => {
                Builtin::PowerOfChoices(Dispatch(PowerOfChoices::new(d, stream)))
            }
            Self::LeastLoaded => Builtin::LeastLoaded(Dispatch(LeastLoaded)),
            Self::CheapestWithinSlo => {
                Builtin::CheapestWithinSlo(Dispatch(CheapestWithinSlo::default()))
            }
        }
    }
}

/// All built-in policies behind one type, so that a scenario can choose by name.
#[derive(Debug)]
pub enum Builtin {
    /// See [`Random`].
    Random(Dispatch<Random>),
    /// See [`RoundRobin`].
    RoundRobin(Dispatch<RoundRobin>),
    /// See [`PowerOfChoices`].
    PowerOfChoices(Dispatch<PowerOfChoices>),
    /// See [`LeastLoaded`].
    LeastLoaded(Dispatch<LeastLoaded>),
    /// See [`CheapestWithinSlo`].
    CheapestWithinSlo(Dispatch<CheapestWithinSlo>),
}

impl Scheduler for Builtin {
    fn needs(&self) -> Needs {
        match self {
            Self::Random(policy) => policy.needs(),
            Self::RoundRobin(policy) => policy.needs(),
            Self::PowerOfChoices(policy) => policy.needs(),
            Self::LeastLoaded(policy) => policy.needs(),
            Self::CheapestWithinSlo(policy) => policy.needs(),
        }
    }

    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        match self {
            Self::Random(policy) => policy.decide(cause, view, orders),
            Self::RoundRobin(policy) => policy.decide(cause, view, orders),
            Self::PowerOfChoices(policy) => policy.decide(cause, view, orders),
            Self::LeastLoaded(policy) => policy.decide(cause, view, orders),
            Self::CheapestWithinSlo(policy) => policy.decide(cause, view, orders),
        }
    }
}
