//! The policies by name: what a scenario chooses from, as plain data.

use std::fmt;

use crate::cluster::policy::Scheduler;
use crate::cluster::policy::backfilling::Backfilling;
use crate::cluster::policy::drf::Drf;
use crate::cluster::policy::edf::Edf;
use crate::cluster::policy::fcfs::Fcfs;
use crate::cluster::policy::fgd::{FragmentationGradientDescent, Mix};
use crate::cluster::policy::fit::Fit;
use crate::cluster::policy::las::Las;
use crate::cluster::policy::ordered::{Blocked, Ordered};
use crate::cluster::policy::ps::Ps;
use crate::cluster::policy::psjf::Psjf;
use crate::cluster::policy::sjf::Sjf;
use crate::cluster::policy::srpt::Srpt;

/// An order between tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// First come, first served.
    Fcfs,
    /// Shortest estimate first.
    Sjf,
    /// Shortest estimate first, pushing out longer ones.
    Psjf,
    /// Shortest remaining estimate first, pushing out longer ones.
    Srpt,
    /// Earliest deadline first, pushing out later ones.
    Edf,
}

/// A policy with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Builtin {
    /// Tasks in an order.
    Ordered(By, Fit, Blocked),
    /// Processor sharing on every node.
    Ps,
    /// Least attained service on every node.
    Las,
    /// Backfilling with a reservation for the head of the queue.
    Easy(Fit),
    /// Backfilling with a reservation for all that wait.
    Conservative(Fit),
    /// Dominant resource fairness between users.
    Drf(Fit),
    /// Fragmentation gradient descent.
    Fgd,
}

impl Builtin {
    /// The policy for a run whose workload is of this mix.
    #[must_use]
    pub fn build(&self, mix: &Mix) -> Box<dyn Scheduler> {
        match self {
            Self::Ordered(by, fit, blocked) => {
                let (fit, blocked) = (*fit, *blocked);
                match by {
                    By::Fcfs => Box::new(Ordered::new(Fcfs, fit, blocked)),
                    By::Sjf => Box::new(Ordered::new(Sjf, fit, blocked)),
                    By::Psjf => Box::new(Ordered::new(Psjf, fit, blocked)),
                    By::Srpt => Box::new(Ordered::new(Srpt, fit, blocked)),
                    By::Edf => Box::new(Ordered::new(Edf, fit, blocked)),
                }
            }
            Self::Ps => Box::new(Ps),
            Self::Las => Box::new(Las),
            Self::Easy(fit) => Box::new(Backfilling::easy(*fit)),
            Self::Conservative(fit) => Box::new(Backfilling::conservative(*fit)),
            Self::Drf(fit) => Box::new(Drf::new(*fit)),
            Self::Fgd => Box::new(FragmentationGradientDescent::new(mix.clone())),
        }
    }
}

impl fmt::Display for Builtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ordered(By::Fcfs, ..) => "fcfs",
            Self::Ordered(By::Sjf, ..) => "sjf",
            Self::Ordered(By::Psjf, ..) => "psjf",
            Self::Ordered(By::Srpt, ..) => "srpt",
            Self::Ordered(By::Edf, ..) => "edf",
            Self::Ps => "processor-sharing",
            Self::Las => "las",
            Self::Easy(_) => "easy",
            Self::Conservative(_) => "conservative",
            Self::Drf(_) => "drf",
            Self::Fgd => "fragmentation-gradient-descent",
        })
    }
}
