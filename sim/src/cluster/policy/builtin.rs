//! The policies by name: what a scenario chooses from, as plain data, and those from outside.

use std::fmt;

use walras_des::{Span, Streams};

use crate::cluster::job::Job;
use crate::cluster::plan::Planner;
use crate::cluster::policy::Scheduler;
use crate::cluster::policy::backfilling::Backfilling;
use crate::cluster::policy::custom::Custom;
use crate::cluster::policy::delay::{Delay, Patience, Turn};
use crate::cluster::policy::drf::Drf;
use crate::cluster::policy::edf::Edf;
use crate::cluster::policy::elastic::{Division, ElasticSharing};
use crate::cluster::policy::fcfs::Fcfs;
use crate::cluster::policy::fgd::FragmentationGradientDescent;
use crate::cluster::policy::finish_time::FinishTime;
use crate::cluster::policy::fit::Fit;
use crate::cluster::policy::gittins::{Gittins, Sizes};
use crate::cluster::policy::las::Las;
use crate::cluster::policy::max_min::{Between, MaxMin};
use crate::cluster::policy::ordered::{Blocked, Ordered};
use crate::cluster::policy::planned::{Planned, Scope};
use crate::cluster::policy::ps::Ps;
use crate::cluster::policy::psjf::Psjf;
use crate::cluster::policy::sjf::Sjf;
use crate::cluster::policy::srpt::Srpt;
use crate::cluster::policy::tiresias::Tiresias;
use crate::cluster::workload::mix;

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
pub enum Policy {
    /// One from outside.
    Custom(Custom),
    /// Largest Gittins index, by the sizes of the workload in so many pieces of equal probability.
    Gittins(u32, Fit, Blocked),
    /// Least attained GPU time in queues with these thresholds; see [`Tiresias::new`].
    Tiresias(Vec<Span>, Option<f64>, Fit, Blocked),
    /// Max-min fairness on unequal machines in rounds of this length.
    MaxMin(Span, Between, Fit),
    /// Finish-time fairness with leases of this length.
    FinishTime(Span, Fit),
    /// Workers divided between elastic tasks.
    Elastic(Division, Fit),
    /// Waiting for nodes with data.
    Delay(Patience, Turn, Span, Fit),
    /// Workflows by a plan.
    Planned(Planner, Scope),
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

impl Policy {
    /// Whether it wants to know what the workload is like.
    #[must_use]
    pub fn asks_for_history(&self) -> bool {
        matches!(self, Self::Gittins(..) | Self::Fgd)
    }

    /// The policy for a run; `history` are jobs of the same workload, where it asks for them.
    ///
    /// # Panics
    /// If the history is empty that a Gittins index asks for.
    #[must_use]
    pub fn build(&self, history: &[Job], streams: &Streams) -> Box<dyn Scheduler> {
        match self {
            Self::Custom(custom) => custom.build(streams),
            Self::Gittins(pieces, fit, blocked) => {
                let sizes = Sizes::quantiles(&quantiles(history, *pieces));
                let sizes =
                    sizes.unwrap_or_else(|problem| panic!("sizes of a workload: {problem}"));
                Box::new(Ordered::new(Gittins::new(sizes), *fit, *blocked))
            }
            Self::Tiresias(thresholds, promotion, fit, blocked) => Box::new(Tiresias::new(
                thresholds.clone(),
                *promotion,
                *fit,
                *blocked,
            )),
            Self::MaxMin(round, between, fit) => Box::new(MaxMin::new(*round, *between, *fit)),
            Self::FinishTime(lease, fit) => Box::new(FinishTime::new(*lease, *fit)),
            Self::Elastic(division, fit) => Box::new(ElasticSharing::new(*division, *fit)),
            Self::Delay(patience, turn, heartbeat, fit) => {
                Box::new(Delay::new(*patience, *turn, *heartbeat, *fit))
            }
            Self::Planned(planner, scope) => Box::new(Planned::new(*planner).scope(*scope)),
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
            Self::Las => Box::new(Las::default()),
            Self::Easy(fit) => Box::new(Backfilling::easy(*fit)),
            Self::Conservative(fit) => Box::new(Backfilling::conservative(*fit)),
            Self::Drf(fit) => Box::new(Drf::new(*fit)),
            Self::Fgd => Box::new(FragmentationGradientDescent::new(mix(history))),
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Custom(custom) => custom.name(),
            Self::Ordered(By::Fcfs, ..) => "fcfs",
            Self::Ordered(By::Sjf, ..) => "sjf",
            Self::Ordered(By::Psjf, ..) => "psjf",
            Self::Ordered(By::Srpt, ..) => "srpt",
            Self::Ordered(By::Edf, ..) => "edf",
            Self::Gittins(..) => "gittins",
            Self::Tiresias(..) => "tiresias",
            Self::MaxMin(..) => "max-min-fairness",
            Self::FinishTime(..) => "finish-time-fairness",
            Self::Elastic(Division::Equal, _) => "elastic-sharing",
            Self::Elastic(Division::ShortestRemaining, _) => "elastic-sharing, shortest first",
            Self::Delay(..) => "delay",
            Self::Planned(planner, _) => planner.name(),
            Self::Ps => "processor-sharing",
            Self::Las => "las",
            Self::Easy(_) => "easy",
            Self::Conservative(_) => "conservative",
            Self::Drf(_) => "drf",
            Self::Fgd => "fragmentation-gradient-descent",
        })
    }
}

/// Sizes of tasks at even steps of probability [s]: those of one worker's time.
fn quantiles(history: &[Job], pieces: u32) -> Vec<(f64, f64)> {
    let tasks = history.iter().flat_map(|job| &job.tasks);
    let mut sizes: Vec<f64> = tasks.map(|task| task.work.as_secs_f64()).collect();
    sizes.sort_by(f64::total_cmp);
    let last = sizes.len().saturating_sub(1);
    let at = |step: u32| {
        let p = f64::from(step) / f64::from(pieces);
        let index = (p * last as f64).round() as usize;
        (p, sizes.get(index).copied().unwrap_or(1.0))
    };
    (0..=pieces).map(at).collect()
}
