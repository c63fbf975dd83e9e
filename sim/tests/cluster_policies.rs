//! Policies for batch jobs against what their authors prove or print: backfilling, fair shares, forks and joins, checkpoints.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use walras_des::{Dist, Purpose, SimTime, Span, Streams};
use walras_sim::availability::{Availability, Renewal};
use walras_sim::cluster::TaskId;
use walras_sim::cluster::job::{Checkpoint, Demand, Job, Task};
use walras_sim::cluster::node::Kind;
use walras_sim::cluster::observer::Observer;
use walras_sim::cluster::policy::backfilling::Backfilling;
use walras_sim::cluster::policy::drf::Drf;
use walras_sim::cluster::policy::fcfs::Fcfs;
use walras_sim::cluster::policy::fit::Fit;
use walras_sim::cluster::policy::las::Las;
use walras_sim::cluster::policy::ordered::{Blocked, Ordered};
use walras_sim::cluster::policy::tiresias::Tiresias;
use walras_sim::cluster::policy::{Cause, Order, Orders, Scheduler};
use walras_sim::cluster::view::View;
use walras_sim::cluster::world::{Cluster, Estimates, Outcome, Watch, observed, run};
use walras_sim::ids::NodeId;
use walras_sim::record::BatchRow;

fn go(cluster: &Cluster, jobs: Vec<Job>, scheduler: impl Scheduler) -> Outcome {
    let streams = Streams::new(3, 0);
    let outcome = run(
        cluster,
        jobs.into_iter(),
        Estimates::User,
        scheduler,
        &streams,
        &|| false,
    );
    outcome.expect("nobody stops it")
}

fn secs(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

/// A rigid job: cores on one machine, its length known to the user.
fn rigid(at: u64, cores: u32, length: u64, walltime: u64) -> Job {
    let demand = Demand {
        cpu: cores * 1000,
        ..Demand::CORE
    };
    let task = Task {
        demand,
        walltime: Some(secs(walltime)),
        ..Task::single(secs(length))
    };
    Job::of(SimTime::from_secs(at), task)
}

/// Keeps the first promise that backfilling makes to each job that it protects.
struct Promises<'a> {
    policy: Backfilling,
    /// How many of the queue are promised anything.
    protected: usize,
    made: &'a mut BTreeMap<u32, SimTime>,
}

impl Scheduler for Promises<'_> {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        for (task, start) in self.policy.plan(view).into_iter().take(self.protected) {
            if let Some(start) = start {
                self.made.entry(task.0).or_insert(start);
            }
        }
        self.policy.decide(cause, view, orders);
    }
}

/// Starts later than promised, by job.
fn broken(nodes: usize, jobs: &[Job], policy: Backfilling, protected: usize) -> Vec<u64> {
    let mut made = BTreeMap::new();
    let watched = Promises {
        policy,
        protected,
        made: &mut made,
    };
    let outcome = go(
        &Cluster::of(nodes, Kind::cores("machine", 16)),
        jobs.to_vec(),
        watched,
    );
    assert_eq!((outcome.jobs.len(), outcome.refused), (jobs.len(), 0));
    let late = |row: &&BatchRow| {
        made.get(&(row.serial as u32))
            .is_some_and(|promise| row.started > *promise)
    };
    outcome
        .jobs
        .iter()
        .filter(late)
        .map(|row| row.serial)
        .collect()
}

fn workload() -> impl Strategy<Value = Vec<Job>> {
    let job = (0..60_u64, 1..=16_u32, 1..200_u64, 0..100_u64);
    prop::collection::vec(job, 1..60).prop_map(|jobs| {
        let mut now = 0;
        jobs.into_iter()
            .map(|(gap, cores, length, slack)| {
                now += gap;
                rigid(now, cores, length, length + slack)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// EASY never delays the head of the queue beyond its reservation, conservative nobody; with walltimes that are never exceeded.
    #[test]
    fn reservations_are_kept(jobs in workload()) {
        prop_assert_eq!(broken(1, &jobs, Backfilling::easy(Fit::First), 1), Vec::<u64>::new());
        prop_assert_eq!(broken(1, &jobs, Backfilling::conservative(Fit::First), usize::MAX), Vec::<u64>::new());
    }

    /// The same of gangs on several nodes, whichever node is chosen.
    #[test]
    fn reservations_of_gangs_are_kept(jobs in workload(), workers in prop::collection::vec(1..=5_u32, 60)) {
        let gangs: Vec<Job> = (jobs.into_iter().zip(workers))
            .map(|(mut job, workers)| {
                job.tasks[0].workers = workers;
                job
            })
            .collect();
        for fit in [Fit::First, Fit::Best, Fit::Worst] {
            prop_assert_eq!(broken(5, &gangs, Backfilling::easy(fit), 1), Vec::<u64>::new());
            prop_assert_eq!(broken(5, &gangs, Backfilling::conservative(fit), usize::MAX), Vec::<u64>::new());
        }
    }
}

/// The example of Mu'alem and Feitelson: a short job overtakes where it does not delay the head; EASY lets a long narrow one pass that
/// delays the second in the queue, conservative does not.
#[test]
fn who_may_overtake() {
    let jobs = vec![
        rigid(0, 10, 100, 100),
        rigid(1, 12, 50, 50),
        rigid(2, 16, 50, 50),
        rigid(3, 4, 250, 250),
        rigid(4, 6, 90, 90),
    ];
    let starts = |policy: Backfilling| {
        let outcome = go(
            &Cluster::of(1, Kind::cores("machine", 16)),
            jobs.clone(),
            policy,
        );
        let mut rows = outcome.jobs;
        rows.sort_by_key(|row| row.serial);
        rows.iter()
            .map(|row| row.started.as_secs_f64())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        starts(Backfilling::easy(Fit::First)),
        [0.0, 100.0, 253.0, 3.0, 150.0]
    );
    assert_eq!(
        starts(Backfilling::conservative(Fit::First)),
        [0.0, 100.0, 150.0, 200.0, 4.0]
    );
}

/// Nine cores and 18 GB; A's tasks take one core and 4 GB, B's three and 1 GB: A gets three, B two, each two thirds of what it wants
/// most of (Ghodsi et al. 2011, section 4.1).
#[test]
fn dominant_shares() {
    let task = |user: u32, cores: u32, memory: u32| Job {
        user,
        ..Job::of(
            SimTime::ZERO,
            Task {
                demand: Demand {
                    cpu: cores * 1000,
                    memory,
                    ..Demand::CORE
                },
                ..Task::single(secs(100))
            },
        )
    };
    let mut kind = Kind::cores("machine", 9);
    kind.memory = 18;
    let mut jobs = vec![task(9, 9, 18)];
    for _ in 0..10 {
        jobs.push(task(0, 1, 4));
        jobs.push(task(1, 3, 1));
    }
    // The first job holds everything until all others have come.
    let outcome = go(&Cluster::of(1, kind), jobs, Drf::new(Fit::First));
    let first = |user: u32| {
        let in_first = |row: &&BatchRow| row.user == user && row.started == SimTime::from_secs(100);
        outcome.jobs.iter().filter(in_first).count()
    };
    assert_eq!((first(0), first(1)), (3, 2));
}

/// Sends the tasks of each job to nodes of their own, one after the other.
struct Fork;

impl Scheduler for Fork {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        if let Cause::Submitted(job) = cause {
            let first = view.job(job).first.0;
            for node in 0..view.job(job).tasks {
                orders.bind(TaskId(first + node), NodeId(node));
            }
        }
    }
}

/// Two tasks fork to two servers and join: (12-ρ)/8 · 1/(1-ρ) (Nelson and Tantawi 1988).
#[test]
fn fork_and_join() {
    let load = 0.5;
    let means: Vec<f64> = (0..10)
        .map(|replication| {
            let streams = Streams::new(5, replication);
            let mut draws = streams.open(Purpose::new("fork"), 0);
            let mut now = SimTime::ZERO;
            let jobs: Vec<Job> = (0..40_000)
                .map(|_| {
                    now += Span::from_secs_f64(draws.exponential() / load);
                    let mut task =
                        || Task::single(Span::from_secs_f64(draws.exponential()) + Span::NANO);
                    Job {
                        tasks: vec![task(), task()],
                        ..Job::of(now, task())
                    }
                })
                .collect();
            let outcome = go(&Cluster::of(2, Kind::cores("server", 1)), jobs, Fork);
            outcome.jobs.iter().map(BatchRow::response).sum::<f64>() / 40_000.0
        })
        .collect();
    let mean = means.iter().sum::<f64>() / 10.0;
    let variance = means
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / 9.0;
    let half = 4.781 * (variance / 10.0).sqrt();
    let truth = (12.0 - load) / 8.0 / (1.0 - load);
    assert!(
        (mean - truth).abs() < half && half < 0.1,
        "{mean} ± {half}, in truth {truth}"
    );
}

/// A long task on a node that fails at rate 1/M and comes back at once: with n segments of τ and checkpoints of C between them it takes
/// M((n-1)(e^((τ+C)/M) - 1) + e^(τ/M) - 1) on average (Daly 2006, without restart time), least near Young's interval.
#[test]
fn checkpoints_against_failures() {
    let (mean_life, cost, work) = (10.0, 0.1, 60.0);
    let took = |interval: f64| {
        let times: Vec<f64> = (0..600)
            .map(|replication| {
                let mut kind = Kind::cores("node", 1);
                kind.availability = Availability::from(Renewal {
                    up: Dist::exponential(mean_life).unwrap(),
                    down: Dist::constant(1e-3).unwrap(),
                });
                let task = Task {
                    checkpoint: Some(Checkpoint {
                        interval: Span::from_secs_f64(interval * 3600.0),
                        cost: Span::from_secs_f64(cost * 3600.0),
                    }),
                    ..Task::single(Span::from_secs_f64(work * 3600.0))
                };
                let streams = Streams::new(7, replication);
                let fcfs = Ordered::new(Fcfs, Fit::First, Blocked::Wait);
                let jobs = std::iter::once(Job::of(SimTime::ZERO, task));
                let cluster = Cluster::of(1, kind);
                let outcome = run(&cluster, jobs, Estimates::None, fcfs, &streams, &|| false);
                let outcome = outcome.expect("nobody stops it");
                assert_eq!(outcome.jobs.len(), 1);
                outcome.jobs[0].response() / 3600.0
            })
            .collect();
        let mean = times.iter().sum::<f64>() / 600.0;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / 599.0;
        (mean, 3.3 * (variance / 600.0).sqrt())
    };
    let expected = |interval: f64| {
        let n = work / interval;
        let grow = |span: f64| (span / mean_life).exp() - 1.0;
        mean_life * ((n - 1.0) * grow(interval + cost) + grow(interval))
    };
    let young = Checkpoint::young(
        Span::from_secs_f64(cost * 3600.0),
        Span::from_secs_f64(mean_life * 3600.0),
    );
    let best = young.interval.as_secs_f64() / 3600.0;
    assert!((best - 2.0_f64.sqrt()).abs() < 1e-9);
    let mut found = Vec::new();
    for interval in [0.25, 1.5, 10.0] {
        let (mean, half) = took(interval);
        let truth = expected(interval);
        assert!(
            (mean - truth).abs() < half,
            "every {interval} h: {mean} ± {half}, in truth {truth}"
        );
        found.push(mean);
    }
    assert!(found[1] < found[0] && found[1] < found[2], "{found:?}");
}

/// What the whole cluster could never hold is turned away at once, and orders that cannot be carried out are explained.
#[test]
fn the_impossible_is_refused() {
    struct Wrong;
    impl Scheduler for Wrong {
        fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
            if let Cause::Submitted(_) = cause {
                let task = view.waiting().next().expect("one waits");
                orders.start(task, NodeId(7));
                orders.start_gang(task, vec![NodeId(0), NodeId(0)]);
                orders.preempt(task);
                orders.unbind(task);
                orders.wake(SimTime::ZERO);
                orders.start(task, NodeId(0));
                orders.start(task, NodeId(0));
            }
        }
    }
    let jobs = vec![rigid(1, 8, 10, 10), rigid(2, 5, 10, 10)];
    let outcome = go(&Cluster::of(1, Kind::cores("machine", 6)), jobs, Wrong);
    assert_eq!(
        (outcome.rejected, outcome.jobs.len(), outcome.live),
        (1, 1, 0)
    );
    let reasons: Vec<String> = outcome
        .refusals
        .iter()
        .map(|it| it.why.to_string())
        .collect();
    assert_eq!(
        reasons,
        [
            "there is no such task, job or node",
            "the task has 1 workers, and 2 nodes were named",
            "the task does not run",
            "the task is not bound to a node",
            "that time has passed",
            "the task does not wait",
        ]
    );
    assert!(
        outcome
            .refusals
            .iter()
            .all(|it| it.at == SimTime::from_secs(2))
    );
}

/// Counts decisions, and gives up when there are too many.
struct Decisions {
    made: u64,
    most: u64,
}

impl Observer for Decisions {
    fn decided(&mut self, view: &View<'_>, cause: Cause, _: &[Order]) {
        self.made += 1;
        let most = self.most;
        assert!(
            self.made <= most,
            "{most} decisions by {}, {cause:?}",
            view.now()
        );
    }
}

/// Decisions for `count` jobs of one task that ask for four cores, on nodes of which some are smaller and, with `churn`, all leave.
fn decisions(scheduler: impl Scheduler, seed: u64, churn: bool, count: u64, most: u64) -> u64 {
    let mut stream = Streams::new(seed, 3).open(Purpose::new("decisions"), 0);
    let availability = if churn {
        Availability::from(Renewal {
            up: Dist::weibull(0.6, 2.0).unwrap(),
            down: Dist::exponential(0.2).unwrap(),
        })
    } else {
        Availability::Always
    };
    let kind = |name, cores, speed| Kind {
        availability: availability.clone(),
        speed,
        ..Kind::cores(name, cores)
    };
    let cluster = Cluster {
        kinds: Arc::new([
            kind("small", 2, 1.0),
            kind("plain", 4, 1.0),
            kind("fast", 4, 0.5 + 3.0 * stream.uniform()),
        ]),
        nodes: (0..=1 + seed % 4)
            .map(|i| [1, 2, 0][(i % 3) as usize])
            .collect(),
        ..Cluster::default()
    };
    let mut now = SimTime::ZERO;
    let jobs: Vec<Job> = (0..count)
        .map(|_| {
            now += Span::from_secs_f64(stream.exponential() * 100.0);
            let demand = Demand {
                cpu: 4000,
                ..Demand::CORE
            };
            let checkpoint = stream.bernoulli(0.5).then(|| Checkpoint {
                interval: secs(60),
                cost: secs(2),
            });
            let work = Span::from_secs_f64(1.0 + stream.exponential() * 300.0);
            // Some are faster or slower than others on the same node.
            let on_kinds = stream.bernoulli(0.3).then(|| {
                let times = [(); 3].map(|()| 0.3 + stream.uniform());
                times.map(|times| Span::from_secs_f64(work.as_secs_f64() * times))
            });
            let task = Task {
                work_on: on_kinds.into_iter().flatten().collect(),
                demand,
                checkpoint,
                ..Task::single(work)
            };
            Job::of(now, task)
        })
        .collect();
    let watch = Watch {
        observer: Decisions { made: 0, most },
        until: SimTime::MAX,
        stop: &|| false,
    };
    let streams = Streams::new(seed, 0);
    let jobs = jobs.into_iter();
    let ran = observed(&cluster, jobs, Estimates::None, scheduler, &streams, watch);
    let (outcome, decisions) = ran.expect("nobody stops it");
    assert_eq!((outcome.jobs.len() as u64, outcome.refused), (count, 0));
    decisions.made
}

/// Every decision asked to be woken once for each node, and every waking is a decision: their number grew exponentially on several
/// nodes under load. A task was also offered to a node with too few cores for it, again and again at the same instant; and tasks of
/// unequal speed drew apart as soon as they had caught up with each other, so that they were told to wait every few nanoseconds.
#[test]
fn least_attained_service_is_woken_once() {
    for seed in 0..60 {
        // 40 jobs make 80 decisions, and nodes that turn as many again; without the repair hundreds of thousands.
        decisions(Las::default(), seed, seed % 2 == 0, 40, 2_000);
    }
}

/// Every decision asked to be woken for the next promotion, so that as many wakings came at once as there had been decisions.
#[test]
fn tiresias_is_woken_once() {
    for seed in 0..20 {
        let thresholds = vec![secs(20), secs(300)];
        let tiresias = Tiresias::new(thresholds, Some(1.0), Fit::First, Blocked::Skip);
        // A promotion for every twenty seconds that a task has had at most, and a fall after it.
        decisions(tiresias, seed, seed % 2 == 0, 200, 40_000);
    }
}
