//! Elastic tasks: speed-up laws, what a change of workers costs, and shares of a pool against queueing theory.

use walras_des::{Dist, Purpose, SimTime, Span, Streams};
use walras_sim::cluster::TaskId;
use walras_sim::cluster::job::{Elastic, Job, Speedup, Task};
use walras_sim::cluster::node::Kind;
use walras_sim::cluster::policy::elastic::{Division, ElasticSharing};
use walras_sim::cluster::policy::fit::Fit;
use walras_sim::cluster::policy::{Cause, Orders, Scheduler};
use walras_sim::cluster::view::View;
use walras_sim::cluster::world::{Cluster, Estimates, JobRow, Outcome, run};
use walras_sim::ids::NodeId;

/// A pool of so many cores.
fn go(
    cores: u32,
    jobs: impl Iterator<Item = Job>,
    scheduler: impl Scheduler,
    streams: &Streams,
) -> Outcome {
    let cluster = Cluster::of(1, Kind::cores("pool", cores));
    let outcome = run(
        &cluster,
        jobs,
        Estimates::Exact,
        scheduler,
        streams,
        &|| false,
    );
    outcome.expect("nobody stops it")
}

/// A task that takes `seconds` on `measured` workers and may have up to `max`.
fn elastic(seconds: f64, measured: u32, max: u32, speedup: Speedup, cost: u64) -> Task {
    Task {
        workers: measured,
        elastic: Some(Elastic {
            min: 1,
            max,
            speedup,
            cost: Span::from_secs(cost),
        }),
        ..Task::single(Span::from_secs_f64(seconds).max(Span::NANO))
    }
}

fn ends(outcome: &Outcome) -> Vec<f64> {
    let mut rows = outcome.jobs.clone();
    rows.sort_by_key(|row| row.serial);
    rows.iter().map(|row| row.ended.as_secs_f64()).collect()
}

/// Ninety per cent of the work divided by ten workers: 1/(0.1 + 0.9/10) times as fast as one (Amdahl 1967).
#[test]
fn amdahl_limits_what_workers_bring() {
    let task = elastic(190.0, 1, 10, Speedup::Amdahl(0.9), 0);
    let jobs = std::iter::once(Job::of(SimTime::ZERO, task));
    let sharing = ElasticSharing::new(Division::Equal, Fit::First);
    let outcome = go(10, jobs, sharing, &Streams::new(1, 0));
    assert!(
        (ends(&outcome)[0] - 190.0 * 0.19).abs() < 1e-6,
        "{:?}",
        ends(&outcome)
    );
    assert!((outcome.cpu_seconds - 361.0).abs() < 1e-6);
}

/// By hand: the first has four workers for 10 s and 60 worker seconds left; it gives up two, which takes it 5 s, and the second, with
/// 40, ends on two at 30 s. Then the first has done 30 in 15 s, and takes 5 s to have four again for the other 30: 42.5 s.
#[test]
fn changes_cost_time_and_no_work() {
    let jobs = [(0, 25.0), (10, 10.0)].map(|(at, seconds)| {
        Job::of(
            SimTime::from_secs(at),
            elastic(seconds, 4, 4, Speedup::Linear, 5),
        )
    });
    let sharing = ElasticSharing::new(Division::Equal, Fit::First);
    let outcome = go(4, jobs.into_iter(), sharing, &Streams::new(1, 0));
    assert_eq!(ends(&outcome), [42.5, 30.0]);
    assert_eq!(
        (outcome.resizes, outcome.preemptions, outcome.refused),
        (2, 0, 0)
    );
    // 140 of work, and twice 5 s of two and of four workers.
    assert!(
        (outcome.cpu_seconds - 170.0).abs() < 1e-6,
        "{}",
        outcome.cpu_seconds
    );
}

/// A change that cannot be carried out is refused, and nothing else happens.
#[test]
fn wrong_changes_are_refused() {
    struct Wrong;
    impl Scheduler for Wrong {
        fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
            match cause {
                Cause::Submitted(job) if job.index() == 0 => {
                    orders.start_gang(TaskId(0), vec![NodeId(0); 3]);
                    orders.start_gang(TaskId(0), vec![NodeId(0)]);
                    orders.wake(view.now() + Span::from_secs(1));
                }
                Cause::Submitted(_) => orders.start_gang(TaskId(1), vec![NodeId(0); 2]),
                Cause::Woken => {
                    orders.resize(TaskId(0), vec![NodeId(0); 3]);
                    orders.resize(TaskId(0), vec![NodeId(0); 2]);
                    orders.resize(TaskId(1), vec![NodeId(0)]);
                    orders.resize(TaskId(0), vec![NodeId(1)]);
                }
                _ => {}
            }
        }
    }
    let rigid = Task {
        workers: 2,
        ..Task::single(Span::from_secs(10))
    };
    let jobs = [elastic(10.0, 1, 2, Speedup::Linear, 5), rigid];
    let jobs = jobs.map(|task| Job::of(SimTime::ZERO, task));
    let outcome = go(3, jobs.into_iter(), Wrong, &Streams::new(1, 0));
    let reasons: Vec<String> = (outcome.refusals.iter())
        .map(|it| it.why.to_string())
        .collect();
    assert_eq!(
        reasons,
        [
            "the task has 1 to 2 workers, and 3 nodes were named",
            "the task has 1 to 2 workers, and 3 nodes were named",
            "node 0 has no room",
            "the number of workers of the task does not change",
            "there is no such task, job or node",
        ]
    );
    assert_eq!(ends(&outcome), [10.0, 10.0]);
}

/// Mean response of Poisson jobs whose sizes have a mean of one second on all of 64 cores, at load 0.5 or 0.8, with its half width
/// (99.9 %, ten replications).
fn response(load: f64, sizes: &Dist, division: Division) -> (f64, f64) {
    let values: Vec<f64> = (0..10)
        .map(|replication| {
            let streams = Streams::new(31, replication);
            let mut arrivals = streams.open(Purpose::new("arrivals"), 0);
            let mut lengths = streams.open(Purpose::new("sizes"), 0);
            let mut now = SimTime::ZERO;
            let jobs = (0..20_000).map(|_| {
                now += Span::from_secs_f64(arrivals.exponential() / load);
                let size = sizes.sample(&mut lengths);
                Job::of(now, elastic(size, 64, 64, Speedup::Linear, 0))
            });
            let sharing = ElasticSharing::new(division, Fit::First);
            let outcome = go(64, jobs, sharing, &streams);
            assert_eq!(
                (outcome.refused, outcome.live),
                (0, 0),
                "{:?}",
                outcome.refusals
            );
            let measured = outcome.jobs.iter().filter(|row| row.serial >= 2_000);
            measured.map(JobRow::response).sum::<f64>() / 18_000.0
        })
        .collect();
    let mean = values.iter().sum::<f64>() / 10.0;
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / 9.0;
    (mean, 4.781 * (variance / 10.0).sqrt())
}

#[track_caller]
fn holds((mean, half): (f64, f64), truth: f64) {
    assert!(
        (mean - truth).abs() < half,
        "{mean} ± {half}, in truth {truth}"
    );
    assert!(half < 0.2 * truth, "{mean} ± {half} says little");
}

/// Equal shares of many cores, which linear speed-up makes one fast server, are processor sharing: 1/(1-ρ) whatever the distribution of
/// sizes (Kleinrock 1976). Of 64 cores n tasks have 64/n, rounded up or down, which shifts shares by less than n/64.
#[test]
fn equal_shares_are_processor_sharing() {
    let p = f64::midpoint(1.0, (8.0_f64 / 10.0).sqrt());
    let h2 = Dist::hyperexponential(vec![(p, 2.0 * p), (1.0 - p, 2.0 * (1.0 - p))]).unwrap();
    for sizes in [
        Dist::exponential(1.0).unwrap(),
        Dist::constant(1.0).unwrap(),
        h2,
    ] {
        holds(response(0.5, &sizes, Division::Equal), 2.0);
    }
}

/// All cores for the task with the least left are one server under shortest remaining processing time: Schrage and Miller 1966.
#[test]
fn all_for_the_least_left_is_srpt() {
    let sizes = Dist::exponential(1.0).unwrap();
    holds(response(0.5, &sizes, Division::ShortestRemaining), 1.4261);
    holds(response(0.8, &sizes, Division::ShortestRemaining), 2.3541);
}
