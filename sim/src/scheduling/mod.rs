//! Scheduling: events in, orders out. One file per policy.
//!
//! [`Scheduler`] is the whole interface. Two shorthands cover the common cases: a [`Pick`] chooses a node for one job and leaves the
//! queue to [`Dispatch`]; [`by_score`] turns a score function into a [`Pick`].

mod age_aware;
mod asks;
mod cheapest_within_slo;
mod custom;
mod deadline_and_budget;
mod disaggregated;
mod dispatch;
mod hedged;
mod join_idle_queue;
mod kv_aware;
mod least_loaded;
mod least_work_left;
mod order;
mod power_of_choices;
mod prefix_aware;
mod quorum;
mod random;
mod reputation_aware;
mod reverse_auction;
mod round_robin;
mod sparrow;
mod verified;
mod work_stealing;

use std::fmt;

use walras_des::{Purpose, Span, Streams};

pub use age_aware::AgeAware;
pub use cheapest_within_slo::CheapestWithinSlo;
pub use custom::{Broken, Custom, Foreign};
pub use deadline_and_budget::DeadlineAndBudget;
pub use disaggregated::Disaggregated;
pub use dispatch::{Dispatch, Pick, by_score};
pub use hedged::Hedged;
pub use join_idle_queue::JoinIdleQueue;
pub use kv_aware::KvAware;
pub use least_loaded::LeastLoaded;
pub use least_work_left::LeastWorkLeft;
pub use order::{Order, Orders, Reason, Refusal};
pub use power_of_choices::PowerOfChoices;
pub use prefix_aware::PrefixAware;
pub use quorum::{Quorum, wrong_majority};
pub use random::Random;
pub use reputation_aware::ReputationAware;
pub use reverse_auction::ReverseAuction;
pub use round_robin::RoundRobin;
pub use sparrow::Sparrow;
pub use verified::Verified;
pub use work_stealing::WorkStealing;

use crate::ids::{JobId, NodeId};
use crate::view::{Needs, View};

/// Why a policy is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A job was submitted; it waits.
    JobArrived(JobId),
    /// A placed job is known to be lost; it waits again.
    JobLost(JobId),
    /// A copy of a request is known to be lost, and others are not; this is one of them.
    CopyLost(JobId),
    /// A node has computed the prompt of a job and given its first token; the context waits for a node that goes on with it.
    Prefilled(JobId),
    /// A job on this node ended, or went on elsewhere: a slot is free.
    SlotFreed(NodeId),
    /// A node came up.
    NodeJoined(NodeId),
    /// A node has more free slots while jobs wait: asked after each placement that a free slot or a joining node led to, and when
    /// a draining instance is kept.
    SlotsLeft(NodeId),
    /// A node has nothing left to do; told to a policy that [needs](Needs::idle_reports) to know, before anything else that the
    /// same event led to.
    NodeIdle(NodeId),
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

/// A policy, by name.
#[derive(Clone, Debug, PartialEq)]
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
    /// See [`JoinIdleQueue`].
    JoinIdleQueue,
    /// See [`LeastWorkLeft`].
    LeastWorkLeft,
    /// See [`Sparrow`].
    Sparrow {
        /// Nodes at which a place is reserved for each job.
        probes: u32,
    },
    /// See [`Hedged`].
    Hedged {
        /// Share of requests that are answered before a second copy is sent.
        quantile: f64,
    },
    /// See [`Quorum`].
    Quorum {
        /// Nodes that each request is sent to.
        copies: u32,
        /// Answers that complete it.
        agree: u32,
    },
    /// See [`WorkStealing`].
    WorkStealing {
        /// Nodes that an idle node asks.
        victims: u32,
    },
    /// See [`ReverseAuction`].
    ReverseAuction,
    /// See [`CheapestWithinSlo`].
    CheapestWithinSlo,
    /// See [`DeadlineAndBudget`].
    DeadlineAndBudget {
        /// For the last token, after submission.
        deadline: Span,
    },
    /// See [`KvAware`].
    KvAware {
        /// Nodes that are looked at for each job.
        d: u32,
    },
    /// See [`PrefixAware`].
    PrefixAware {
        /// Outstanding jobs that the node of a group may have more than another.
        imbalance: u32,
    },
    /// See [`Disaggregated`].
    Disaggregated {
        /// Nodes that are looked at for each decision; all if not given.
        d: Option<u32>,
    },
    /// See [`AgeAware`].
    AgeAware {
        /// Nodes that are looked at for each job.
        d: u32,
    },
    /// See [`ReputationAware`].
    ReputationAware {
        /// Nodes that are looked at for each job.
        d: u32,
        /// Deliveries, and as many losses, imagined of each node at the start.
        prior: f64,
    },
    /// See [`Verified`].
    Verified {
        /// What places requests.
        first: Box<Policy>,
        /// Nodes that compute each request, on the average.
        replicas: f64,
    },
    /// One that is not built in.
    Custom(Custom),
}

impl Policy {
    /// The policy at work, with its own random stream.
    #[must_use]
    pub fn build(&self, streams: &Streams) -> Builtin {
        let open = |number| streams.open(Purpose::new("scheduler"), number);
        let stream = open(0);
        match *self {
            Self::Random => Builtin::Random(Dispatch(Random::new(stream))),
            Self::RoundRobin => Builtin::RoundRobin(Dispatch(RoundRobin::default())),
            Self::PowerOfChoices { d } => {
                Builtin::PowerOfChoices(Dispatch(PowerOfChoices::new(d, stream)))
            }
            Self::LeastLoaded => Builtin::LeastLoaded(Dispatch(LeastLoaded)),
            Self::JoinIdleQueue => Builtin::JoinIdleQueue(Dispatch(JoinIdleQueue::new(stream))),
            Self::LeastWorkLeft => Builtin::LeastWorkLeft(Dispatch(LeastWorkLeft::default())),
            Self::Sparrow { probes } => Builtin::Sparrow(Sparrow::new(probes, stream)),
            Self::Hedged { quantile } => Builtin::Hedged(Hedged::new(quantile, stream, open(1))),
            Self::Quorum { copies, agree } => {
                Builtin::Quorum(Quorum::new(copies, agree, stream, open(1)))
            }
            Self::WorkStealing { victims } => {
                Builtin::WorkStealing(WorkStealing::new(victims, stream, open(1)))
            }
            Self::ReverseAuction => Builtin::ReverseAuction(Dispatch(ReverseAuction::default())),
            Self::CheapestWithinSlo => {
                Builtin::CheapestWithinSlo(Dispatch(CheapestWithinSlo::default()))
            }
            Self::DeadlineAndBudget { deadline } => {
                Builtin::DeadlineAndBudget(Dispatch(DeadlineAndBudget::new(deadline)))
            }
            Self::KvAware { d } => Builtin::KvAware(Dispatch(KvAware::new(d, stream))),
            Self::PrefixAware { imbalance } => {
                Builtin::PrefixAware(Dispatch(PrefixAware::new(imbalance, stream)))
            }
            Self::Disaggregated { d } => {
                Builtin::Disaggregated(Disaggregated::new(d, stream, open(1)))
            }
            Self::AgeAware { d } => Builtin::AgeAware(Dispatch(AgeAware::new(d, stream))),
            Self::ReputationAware { d, prior } => {
                Builtin::ReputationAware(Dispatch(ReputationAware::new(d, prior, stream)))
            }
            Self::Verified {
                ref first,
                replicas,
            } => {
                // Numbers that no policy opens for itself.
                let first = first.build(streams);
                Builtin::Verified(Verified::new(first, replicas, open(2), open(3)))
            }
            Self::Custom(ref custom) => Builtin::Custom(custom.build(streams)),
        }
    }
}

/// As people say it.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random => f.write_str("random"),
            Self::RoundRobin => f.write_str("round-robin"),
            Self::PowerOfChoices { d } => write!(f, "power of {d} choices"),
            Self::LeastLoaded => f.write_str("least-loaded"),
            Self::JoinIdleQueue => f.write_str("join-idle-queue"),
            Self::LeastWorkLeft => f.write_str("least-work-left"),
            Self::Sparrow { probes } => write!(f, "sparrow with {probes} probes"),
            Self::Hedged { quantile } => {
                write!(f, "power of 2 choices, hedged after {} %", quantile * 100.0)
            }
            Self::Quorum { copies, agree } => write!(f, "quorum of {agree} in {copies}"),
            Self::WorkStealing { victims } => write!(f, "random, stealing from {victims}"),
            Self::ReverseAuction => f.write_str("lowest ask at the second lowest"),
            Self::CheapestWithinSlo => f.write_str("cheapest within SLO"),
            Self::DeadlineAndBudget { deadline } => {
                write!(f, "cheapest within {deadline} and budget")
            }
            Self::KvAware { d } => write!(f, "most free KV cache of {d}"),
            Self::PrefixAware { imbalance } => {
                write!(f, "prefix-aware up to {imbalance} more jobs")
            }
            Self::Disaggregated { d: None } => f.write_str("disaggregated"),
            Self::Disaggregated { d: Some(d) } => write!(f, "disaggregated, best of {d}"),
            Self::AgeAware { d } => write!(f, "longest up of {d}"),
            Self::ReputationAware { d, .. } => write!(f, "best reputation of {d}"),
            Self::Verified { first, replicas } => write!(f, "{first}, {replicas} replicas"),
            Self::Custom(custom) => f.write_str(custom.name()),
        }
    }
}

macro_rules! builtins {
    ($($name:ident($scheduler:ty);)*) => {
        /// All policies behind one type, so that a scenario can choose by name: calls of those that are built in are static.
        #[derive(Debug)]
        pub enum Builtin {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name($scheduler),)*
        }

        impl Scheduler for Builtin {
            fn needs(&self) -> Needs {
                match self { $(Self::$name(policy) => policy.needs(),)* }
            }

            fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
                match self { $(Self::$name(policy) => policy.decide(cause, view, orders),)* }
            }
        }
    };
}

builtins! {
    Random(Dispatch<Random>);
    RoundRobin(Dispatch<RoundRobin>);
    PowerOfChoices(Dispatch<PowerOfChoices>);
    LeastLoaded(Dispatch<LeastLoaded>);
    JoinIdleQueue(Dispatch<JoinIdleQueue>);
    LeastWorkLeft(Dispatch<LeastWorkLeft>);
    Sparrow(Sparrow);
    Hedged(Hedged);
    Quorum(Quorum);
    WorkStealing(WorkStealing);
    ReverseAuction(Dispatch<ReverseAuction>);
    CheapestWithinSlo(Dispatch<CheapestWithinSlo>);
    DeadlineAndBudget(Dispatch<DeadlineAndBudget>);
    KvAware(Dispatch<KvAware>);
    PrefixAware(Dispatch<PrefixAware>);
    Disaggregated(Disaggregated);
    AgeAware(Dispatch<AgeAware>);
    ReputationAware(Dispatch<ReputationAware>);
    Verified(Verified);
    Custom(Foreign);
}
