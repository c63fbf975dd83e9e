//! Random clusters, jobs for them, and the policies that take these jobs.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::Arc;

use walras_des::{Dist, SimTime, Span, Stream};
use walras_sim::availability::{Availability, Renewal};
use walras_sim::cluster::job::{Checkpoint, Demand, Elastic, Job, Speedup, Task};
use walras_sim::cluster::node::Kind;
use walras_sim::cluster::plan::Planner;
use walras_sim::cluster::policy::builtin::{By, Policy};
use walras_sim::cluster::policy::delay::{Patience, Turn};
use walras_sim::cluster::policy::elastic::Division;
use walras_sim::cluster::policy::fit::Fit;
use walras_sim::cluster::policy::max_min::Between;
use walras_sim::cluster::policy::ordered::Blocked;
use walras_sim::cluster::policy::planned::Scope;
use walras_sim::cluster::world::{Cluster, Transfers};

/// Two kinds of nodes, some with GPUs, some that leave; at least one of the larger kind.
pub fn cluster(stream: &mut Stream) -> Cluster {
    let churn = stream.bernoulli(0.5);
    let availability = || {
        if churn {
            Availability::from(Renewal {
                up: Dist::weibull(0.6, 2.0).unwrap(),
                down: Dist::exponential(0.2).unwrap(),
            })
        } else {
            Availability::Always
        }
    };
    let small = Kind {
        memory: 1000,
        speed: 0.5 + stream.uniform(),
        availability: availability(),
        ..Kind::cores("small", 4)
    };
    let large = Kind {
        memory: 8000,
        gpus: 4,
        labels: 1,
        availability: availability(),
        ..Kind::cores("large", 16)
    };
    let more = stream.below(4);
    let mut nodes = vec![1, 1];
    nodes.extend((0..more).map(|_| stream.below(2) as usize));
    Cluster {
        kinds: Arc::new([small, large]),
        nodes,
        transfers: Transfers {
            latency: Span::from_nanos(1_000_000),
            bandwidth: 1e8,
        },
        links: None,
        storage: None,
    }
}

/// Gangs, parts of GPUs, chains of tasks with data between them, checkpoints, deadlines, estimates that are wrong.
pub fn jobs(stream: &mut Stream) -> Vec<Job> {
    let mut now = SimTime::ZERO;
    (0..40)
        .map(|_| {
            now += Span::from_secs_f64(stream.exponential() * 300.0);
            let count = 1 + stream.below(4);
            let tasks = (0..count)
                .map(|index| {
                    let gpus = stream.below(3) as u8;
                    let share = if gpus == 1 && stream.bernoulli(0.5) {
                        300
                    } else {
                        1000
                    };
                    let work = Span::from_secs_f64(1.0 + stream.exponential() * 600.0);
                    let wrong = 0.5 + 2.0 * stream.uniform();
                    Task {
                        workers: 1 + stream.below(2) as u32,
                        demand: Demand {
                            cpu: 500 * (1 + stream.below(8) as u32),
                            memory: stream.below(500) as u32,
                            gpus,
                            gpu_share: if gpus == 0 { 0 } else { share },
                            labels: u64::from(stream.bernoulli(0.2)),
                        },
                        walltime: (stream.bernoulli(0.8))
                            .then(|| Span::from_secs_f64(work.as_secs_f64() * wrong)),
                        parents: (0..index)
                            .filter_map(|parent| {
                                let bytes = stream.below(1_000_000_000);
                                stream.bernoulli(0.4).then_some((parent as u32, bytes))
                            })
                            .collect(),
                        checkpoint: stream.bernoulli(0.5).then(|| Checkpoint {
                            interval: Span::from_secs(60),
                            cost: Span::from_secs(2),
                        }),
                        ..Task::single(work)
                    }
                })
                .collect();
            Job {
                submitted: now,
                user: stream.below(3) as u32,
                deadline: Some(now + Span::from_secs(3000)),
                tasks,
            }
        })
        .collect()
}

/// The same jobs as gangs that may do with fewer workers.
pub fn elastic(jobs: &[Job]) -> Vec<Job> {
    let mut jobs = jobs.to_vec();
    for task in jobs.iter_mut().flat_map(|job| &mut job.tasks) {
        task.elastic = Some(Elastic {
            min: 1,
            max: task.workers,
            speedup: Speedup::Linear,
            cost: Span::from_secs(3),
        });
    }
    jobs
}

/// The same jobs as tasks of one worker without GPUs.
pub fn plain(jobs: &[Job]) -> Vec<Job> {
    let mut jobs = jobs.to_vec();
    for task in jobs.iter_mut().flat_map(|job| &mut job.tasks) {
        task.workers = 1;
        task.demand = Demand {
            cpu: task.demand.cpu,
            memory: task.demand.memory,
            ..Demand::default()
        };
    }
    jobs
}

/// Every built-in policy with the jobs that it takes; what can be chosen within one depends on the seed.
pub fn policies(jobs: &[Job], seed: u64) -> Vec<(Policy, Vec<Job>)> {
    let fits = [
        Fit::First,
        Fit::Best,
        Fit::Worst,
        Fit::DotProduct,
        Fit::GpuPacking,
    ];
    let fit = fits[(seed % 5) as usize];
    let blocked = [Blocked::Wait, Blocked::Skip][(seed / 5 % 2) as usize];
    let planner = Planner::ALL[(seed % 10) as usize];
    let scope = [Scope::Job, Scope::All][(seed / 10 % 2) as usize];
    let patience = [Patience::default(), Patience::Offers(3)][(seed % 2) as usize];
    let turn = [Turn::Submitted, Turn::Fair][(seed / 2 % 2) as usize];
    let thresholds = vec![Span::from_secs(200), Span::from_secs(900)];
    let any = [
        Policy::Gittins(50, fit, blocked),
        Policy::Tiresias(thresholds, Some(1.0), fit, blocked),
        Policy::MaxMin(Span::from_secs(360), Between::Users, fit),
        Policy::FinishTime(Span::from_secs(1200), fit),
        Policy::Delay(patience, turn, Span::from_secs(3), fit),
        Policy::Planned(planner, scope),
        Policy::Ordered(By::Fcfs, fit, blocked),
        Policy::Ordered(By::Sjf, fit, blocked),
        Policy::Ordered(By::Psjf, fit, blocked),
        Policy::Ordered(By::Srpt, fit, blocked),
        Policy::Ordered(By::Edf, fit, blocked),
        Policy::Easy(fit),
        Policy::Conservative(fit),
        Policy::Drf(fit),
        Policy::Fgd,
    ];
    let any = any.map(|policy| (policy, jobs.to_vec()));
    let divided = [Division::Equal, Division::ShortestRemaining]
        .map(|division| (Policy::Elastic(division, fit), elastic(jobs)));
    let shared = [Policy::Ps, Policy::Las].map(|policy| (policy, plain(jobs)));
    any.into_iter().chain(divided).chain(shared).collect()
}
