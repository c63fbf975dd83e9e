//! Random clusters under every policy for batch jobs: what must hold in all of them.

#[path = "common/naive_backfilling.rs"]
mod naive_backfilling;
#[path = "common/random_cluster.rs"]
mod random_cluster;

use naive_backfilling::Naive;
use walras_des::{Dist, Purpose, SimTime, Span, Streams};
use walras_sim::cluster::job::Job;
use walras_sim::cluster::makespan;
use walras_sim::cluster::plan::Planner;
use walras_sim::cluster::policy::Scheduler;
use walras_sim::cluster::policy::backfilling::{Backfilling, Reservations};
use walras_sim::cluster::policy::drf::Drf;
use walras_sim::cluster::policy::edf::Edf;
use walras_sim::cluster::policy::elastic::{Division, ElasticSharing};
use walras_sim::cluster::policy::fcfs::Fcfs;
use walras_sim::cluster::policy::fgd::{FragmentationGradientDescent, Mix};
use walras_sim::cluster::policy::finish_time::FinishTime;
use walras_sim::cluster::policy::fit::Fit;
use walras_sim::cluster::policy::gittins::{Gittins, Sizes};
use walras_sim::cluster::policy::max_min::{Between, MaxMin};
use walras_sim::cluster::policy::ordered::{Blocked, Ordered};
use walras_sim::cluster::policy::planned::{Planned, Scope};
use walras_sim::cluster::policy::psjf::Psjf;
use walras_sim::cluster::policy::sjf::Sjf;
use walras_sim::cluster::policy::srpt::Srpt;
use walras_sim::cluster::policy::tiresias::Tiresias;
use walras_sim::cluster::world::{Cluster, Estimates, Outcome, run};
use walras_sim::record::BatchRow;

const ROUNDING: Span = Span::from_nanos(1_000);

fn check(
    name: &str,
    cluster: &Cluster,
    jobs: &[Job],
    scheduler: impl Scheduler,
    seed: u64,
) -> Outcome {
    let streams = Streams::new(seed, 0);
    let estimates = [
        Estimates::User,
        Estimates::Exact,
        Estimates::Noisy(0.7),
        Estimates::None,
    ];
    let estimates = estimates[(seed % 4) as usize];
    let jobs_of = jobs.iter().cloned();
    let outcome = run(cluster, jobs_of, estimates, scheduler, &streams, &|| false);
    let outcome = outcome.expect("nobody stops it");
    let found = format!("{name}, seed {seed}: {:?}", outcome.refusals);
    assert_eq!(outcome.refused, 0, "{found}");
    assert_eq!(
        outcome.jobs.len() as u64 + outcome.rejected,
        jobs.len() as u64,
        "{found}"
    );
    let fastest = cluster
        .kinds
        .iter()
        .map(|kind| kind.speed)
        .fold(1.0, f64::max);
    for row in &outcome.jobs {
        let job = &jobs[row.serial as usize];
        // Each task is at least as long as on the fastest node, and those in a chain follow each other.
        let mut ends: Vec<f64> = Vec::new();
        for task in &job.tasks {
            let start = task
                .parents
                .iter()
                .map(|&(parent, _)| ends[parent as usize])
                .fold(0.0, f64::max);
            ends.push(start + task.work.as_secs_f64() / fastest);
        }
        let path = ends.into_iter().fold(0.0, f64::max);
        assert!(
            (row.ended - row.started).as_secs_f64() >= path - 1e-6,
            "{found} {row:?}"
        );
    }
    // Jobs that could not run at all are rejected, and are in no bound.
    for row in &outcome.jobs {
        let path = makespan::critical_path(&jobs[row.serial as usize], cluster).expect("it ran");
        // What is kept when a task is stopped is rounded up to a nanosecond.
        let took = row.ended - row.started + ROUNDING;
        assert!(took >= path, "{found} {row:?}, {path}");
    }
    let ended: std::collections::BTreeSet<u64> =
        outcome.jobs.iter().map(|row| row.serial).collect();
    let ended = ended.iter().map(|&serial| &jobs[serial as usize]);
    let least = makespan::makespan(ended, cluster);
    assert!(outcome.makespan + ROUNDING >= least, "{found}, {least}");
    // What was worked is what the jobs are, and what was lost with nodes or spent on checkpoints and transfers.
    let asked: f64 = (outcome.jobs.iter())
        .flat_map(|row| &jobs[row.serial as usize].tasks)
        .map(|task| {
            task.work.as_secs_f64() / fastest * f64::from(task.workers) * f64::from(task.demand.cpu)
                / 1e3
        })
        .sum();
    assert!(outcome.cpu_seconds >= asked * (1.0 - 1e-9), "{found}");
    let capacity: f64 = (cluster.nodes.iter())
        .map(|&kind| f64::from(cluster.kinds[kind].cpu) / 1e3)
        .sum();
    assert!(
        outcome.cpu_seconds <= capacity * outcome.makespan.as_secs_f64() + 1e-6,
        "{found}"
    );
    outcome
}

#[test]
fn random_clusters_keep_their_promises() {
    let (mut interrupted, mut preempted, mut resized) = (0, 0, 0);
    let sizes = Sizes::of(&Dist::weibull(0.7, 500.0).unwrap(), 50).unwrap();
    for seed in 0..150 {
        let mut stream = Streams::new(seed, 1).open(Purpose::new("swarm"), 0);
        let (cluster, jobs) = (
            random_cluster::cluster(&mut stream),
            random_cluster::jobs(&mut stream),
        );
        let fit = [
            Fit::First,
            Fit::Best,
            Fit::Worst,
            Fit::DotProduct,
            Fit::GpuPacking,
        ];
        let fit = fit[(seed % 5) as usize];
        let mix = Mix::of(
            jobs.iter()
                .flat_map(|job| &job.tasks)
                .map(|task| task.demand),
        );
        let skip = Blocked::Skip;
        let planner = Planner::ALL[(seed / 4 % 10) as usize];
        let outcomes = [
            check(
                "fcfs",
                &cluster,
                &jobs,
                Ordered::new(Fcfs, fit, Blocked::Wait),
                seed,
            ),
            check(
                "first fit",
                &cluster,
                &jobs,
                Ordered::new(Fcfs, fit, skip),
                seed,
            ),
            check("sjf", &cluster, &jobs, Ordered::new(Sjf, fit, skip), seed),
            check("psjf", &cluster, &jobs, Ordered::new(Psjf, fit, skip), seed),
            check("srpt", &cluster, &jobs, Ordered::new(Srpt, fit, skip), seed),
            check("edf", &cluster, &jobs, Ordered::new(Edf, fit, skip), seed),
            check("easy", &cluster, &jobs, Backfilling::easy(fit), seed),
            check(
                "conservative",
                &cluster,
                &jobs,
                Backfilling::conservative(fit),
                seed,
            ),
            check("drf", &cluster, &jobs, Drf::new(fit), seed),
            check(
                "finish time",
                &cluster,
                &jobs,
                FinishTime::new(FinishTime::LEASE, fit),
                seed,
            ),
            check(
                "max-min",
                &cluster,
                &jobs,
                MaxMin::new(MaxMin::ROUND, Between::Users, fit),
                seed,
            ),
            check(
                "gittins",
                &cluster,
                &jobs,
                Ordered::new(Gittins::new(sizes.clone()), fit, skip),
                seed,
            ),
            check(
                "tiresias",
                &cluster,
                &jobs,
                Tiresias::new(
                    vec![Span::from_secs(200), Span::from_secs(900)],
                    Some(1.0),
                    fit,
                    skip,
                ),
                seed,
            ),
            check(
                "fgd",
                &cluster,
                &jobs,
                FragmentationGradientDescent::new(mix.clone()),
                seed,
            ),
            check(planner.name(), &cluster, &jobs, Planned::new(planner), seed),
            check(
                "all at once",
                &cluster,
                &jobs,
                Planned::new(planner).scope(Scope::All),
                seed,
            ),
        ];
        for outcome in &outcomes {
            interrupted += outcome.interruptions;
            preempted += outcome.preemptions;
        }
        // Gangs that may do with fewer.
        let elastic = random_cluster::elastic(&jobs);
        for division in [Division::Equal, Division::ShortestRemaining] {
            let policy = ElasticSharing::new(division, fit);
            resized += check("elastic", &cluster, &elastic, policy, seed).resizes;
        }
        let again = check("easy", &cluster, &jobs, Backfilling::easy(fit), seed);
        assert_eq!(
            again.digest, outcomes[6].digest,
            "the same seed, the same history"
        );
    }
    assert!(
        interrupted > 1000 && preempted > 1000 && resized > 1000,
        "{interrupted} {preempted} {resized}"
    );
}

/// Backfilling looks only as far ahead as it must, and decides as if it looked at everything. GPUs apart: of these the plainest form
/// counts how many are free from time to time, while a worker needs the same ones all along.
#[test]
fn backfilling_decides_as_in_its_plainest_form() {
    let mut waited = 0.0;
    for seed in 0..150 {
        let mut stream = Streams::new(seed, 2).open(Purpose::new("swarm"), 0);
        let (cluster, mut jobs) = (
            random_cluster::cluster(&mut stream),
            random_cluster::jobs(&mut stream),
        );
        // The sooner they come, the longer the queue.
        let haste = 1 + seed % 3 * 7;
        for job in &mut jobs {
            job.submitted = SimTime::from_nanos(job.submitted.as_nanos() / haste);
            for task in &mut job.tasks {
                (task.demand.gpus, task.demand.gpu_share) = (0, 0);
            }
        }
        let fit = [
            Fit::First,
            Fit::Best,
            Fit::Worst,
            Fit::DotProduct,
            Fit::GpuPacking,
        ];
        let fit = fit[(seed % 5) as usize];
        for protected in [0, 1, 3] {
            let reservations = Reservations::First(protected);
            let naive = Naive { protected, fit };
            let name = format!("{reservations:?}");
            let plain = check(&name, &cluster, &jobs, naive, seed);
            let quick = Backfilling::new(reservations, fit);
            let quick = check(&name, &cluster, &jobs, quick, seed);
            assert_eq!(quick.digest, plain.digest, "{name}, seed {seed}");
            waited += quick.jobs.iter().map(BatchRow::wait).sum::<f64>() / 40.0;
        }
    }
    assert!(waited / 450.0 > 100.0, "{waited} s: they must queue");
}
