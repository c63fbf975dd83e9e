//! Fair shares of a cluster over time: max-min fairness on unequal machines, and finish-time fairness.

use std::sync::Arc;

use microlp::{ComparisonOp, OptimizationDirection, Problem};
use walras_des::{Purpose, SimTime, Span, Stream, Streams};
use walras_sim::cluster::job::{Job, Task};
use walras_sim::cluster::node::Kind;
use walras_sim::cluster::policy::Scheduler;
use walras_sim::cluster::policy::finish_time::FinishTime;
use walras_sim::cluster::policy::fit::Fit;
use walras_sim::cluster::policy::max_min::{Between, MaxMin, Sharer, fair_parts};
use walras_sim::cluster::world::{Cluster, Estimates, Outcome, run};

fn go(cluster: &Cluster, jobs: Vec<Job>, scheduler: impl Scheduler) -> Outcome {
    let jobs = jobs.into_iter();
    let streams = Streams::new(1, 0);
    let outcome = run(
        cluster,
        jobs,
        Estimates::Exact,
        scheduler,
        &streams,
        &|| false,
    );
    let outcome = outcome.expect("nobody stops it");
    assert_eq!(
        (outcome.refused, outcome.live),
        (0, 0),
        "{:?}",
        outcome.refusals
    );
    outcome
}

fn sharer(fills: &[f64], speeds: &[f64]) -> Sharer {
    Sharer {
        count: 1.0,
        weight: 1.0,
        fills: fills.to_vec(),
        speeds: speeds.to_vec(),
    }
}

/// Work per time of each, compared with an equal part of all machines.
fn levels(sharers: &[Sharer], parts: &[Vec<f64>]) -> Vec<f64> {
    let n: f64 = sharers.iter().map(|sharer| sharer.count).sum();
    let level = |(sharer, parts): (&Sharer, &Vec<f64>)| {
        let kinds = sharer.fills.iter().zip(&sharer.speeds);
        let alone = kinds.map(|(fills, speed)| speed / fills).sum::<f64>() / n;
        sharer.speed(parts) / alone / sharer.weight
    };
    sharers.iter().zip(parts).map(level).collect()
}

/// Three jobs on a V100 and a K80, of speeds 40 and 10, 12 and 4, 100 and 50: the parts that the paper prints, to two digits, make all
/// about ten per cent faster than a third of each machine (Narayanan et al. 2020, section 4.1). Exactly, they have five elevenths,
/// five and one, one and ten, which is 12/11 of that third.
#[test]
fn unequal_parts_are_better_for_all() {
    let sharers = [[40.0, 10.0], [12.0, 4.0], [100.0, 50.0]].map(|it| sharer(&[1.0, 1.0], &it));
    let parts = fair_parts(&sharers);
    for level in levels(&sharers, &parts) {
        assert!((level - 12.0 / 11.0).abs() < 1e-6, "{level}");
    }
    let printed = [[0.45, 0.0], [0.45, 0.09], [0.09, 0.91]];
    for (found, printed) in parts.iter().flatten().zip(printed.iter().flatten()) {
        assert!((found - printed).abs() < 0.005, "{parts:?}");
    }
}

/// On machines of one kind it is water filling: who fills a tenth of them for all of its time has no more, and the others divide the
/// rest: the one that fills half of them at once has as much as the two that fill all of them.
#[test]
fn water_filling() {
    let sharers = [0.1, 0.5, 1.0, 1.0].map(|fills| sharer(&[fills], &[1.0]));
    let parts = fair_parts(&sharers);
    let filled: Vec<f64> = parts
        .iter()
        .zip(&sharers)
        .map(|(part, it)| part[0] * it.fills[0])
        .collect();
    for (found, truth) in filled.iter().zip([0.1, 0.3, 0.3, 0.3]) {
        assert!((found - truth).abs() < 1e-7, "{filled:?}");
    }
    // Twice the weight, twice the part.
    let mut two = [1.0, 1.0].map(|fills| sharer(&[fills], &[1.0]));
    two[1].weight = 2.0;
    let parts = fair_parts(&two);
    assert!((parts[1][0] - 2.0 / 3.0).abs() < 1e-7, "{parts:?}");
}

fn random_sharers(stream: &mut Stream) -> Vec<Sharer> {
    let kinds = 1 + stream.below(3) as usize;
    let count = 1 + stream.below(6);
    (0..count)
        .map(|_| Sharer {
            count: 1.0 + stream.below(3) as f64,
            weight: 0.5 + stream.uniform(),
            fills: (0..kinds).map(|_| 0.05 + stream.uniform()).collect(),
            speeds: (0..kinds).map(|_| 0.1 + 10.0 * stream.uniform()).collect(),
        })
        .collect()
}

/// The most that all levels together, above what they have, can gain: by another solver of linear programs.
fn best(sharers: &[Sharer], floor: Option<&[f64]>) -> f64 {
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let n: f64 = sharers.iter().map(|sharer| sharer.count).sum();
    let kinds = sharers[0].fills.len();
    let level = floor
        .is_none()
        .then(|| problem.add_var(1.0, (0.0, f64::INFINITY)));
    let mut use_of = vec![Vec::new(); kinds];
    for (index, sharer) in sharers.iter().enumerate() {
        let alone = (0..kinds)
            .map(|kind| sharer.speeds[kind] / sharer.fills[kind])
            .sum::<f64>()
            / n;
        let value = |kind: usize| sharer.speeds[kind] / alone / sharer.weight;
        let vars: Vec<_> = (0..kinds)
            .map(|kind| {
                problem.add_var(if floor.is_some() { value(kind) } else { 0.0 }, (0.0, 1.0))
            })
            .collect();
        let mut row: Vec<_> = vars
            .iter()
            .enumerate()
            .map(|(kind, &var)| (var, value(kind)))
            .collect();
        row.extend(level.map(|level| (level, -1.0)));
        let least = floor.map_or(0.0, |floor| floor[index] * (1.0 - 1e-9));
        problem.add_constraint(row, ComparisonOp::Ge, least);
        problem.add_constraint(vars.iter().map(|&var| (var, 1.0)), ComparisonOp::Le, 1.0);
        for (kind, &var) in vars.iter().enumerate() {
            use_of[kind].push((var, sharer.count * sharer.fills[kind]));
        }
    }
    for row in use_of {
        problem.add_constraint(row, ComparisonOp::Le, 1.0);
    }
    problem
        .solve()
        .expect("equal parts are possible")
        .objective()
}

/// Random sharers: the least has what another solver finds it can have, nobody can have more without another having less, and nobody
/// has less than with equal parts as far as these can be used.
#[test]
fn the_least_has_the_most_that_it_can() {
    for seed in 0..300 {
        let mut stream = Streams::new(seed, 0).open(Purpose::new("sharers"), 0);
        let sharers = random_sharers(&mut stream);
        let parts = fair_parts(&sharers);
        let levels = levels(&sharers, &parts);
        let least = levels.iter().copied().fold(f64::INFINITY, f64::min);
        let truth = best(&sharers, None);
        assert!(
            (least / truth - 1.0).abs() < 1e-6,
            "seed {seed}: {least}, in truth {truth}"
        );
        let (sum, most) = (levels.iter().sum::<f64>(), best(&sharers, Some(&levels)));
        assert!(
            most < sum * (1.0 + 1e-5),
            "seed {seed}: {levels:?} could add up to {most}"
        );
        for kind in 0..sharers[0].fills.len() {
            let filled = parts
                .iter()
                .zip(&sharers)
                .map(|(part, it)| part[kind] * it.fills[kind] * it.count);
            assert!(filled.sum::<f64>() < 1.0 + 1e-6, "seed {seed}");
        }
    }
}

fn task(user: u32, work: u64) -> Job {
    Job {
        user,
        ..Job::of(SimTime::ZERO, Task::single(Span::from_secs(work)))
    }
}

fn ends(outcome: &Outcome) -> Vec<f64> {
    let mut rows = outcome.jobs.clone();
    rows.sort_by_key(|row| row.serial);
    rows.iter().map(|row| row.ended.as_secs_f64()).collect()
}

/// Equal jobs have equal time: five of an hour on two nodes all end within three rounds of five halves of an hour. Between users, the one
/// of one job has as much as the one of three.
#[test]
fn equal_jobs_have_equal_time() {
    let two = Cluster::of(2, Kind::cores("node", 1));
    let round = Span::from_secs(60);
    let tasks = MaxMin::new(round, Between::Tasks, Fit::First);
    let outcome = go(&two, vec![task(0, 3600); 5], tasks);
    assert_eq!(outcome.makespan, SimTime::from_secs(9000));
    assert!(
        ends(&outcome).iter().all(|&end| end >= 9000.0 - 180.0),
        "{:?}",
        ends(&outcome)
    );
    let one = Cluster::of(1, Kind::cores("node", 1));
    let users = MaxMin::new(round, Between::Users, Fit::First);
    let jobs = vec![task(0, 1800), task(1, 600), task(1, 600), task(1, 600)];
    let ends = ends(&go(&one, jobs, users));
    assert!(ends.iter().all(|&end| end > 3600.0 - 300.0), "{ends:?}");
}

/// A job that is as good on a slow node leaves the fast one to another that is not, although it came first.
#[test]
fn each_has_what_suits_it() {
    let slow = Kind {
        speed: 0.5,
        ..Kind::cores("slow", 1)
    };
    let cluster = Cluster {
        kinds: Arc::new([Kind::cores("fast", 1), slow]),
        nodes: vec![0, 1],
        ..Cluster::default()
    };
    let on = |fast: u64, slow: u64| {
        let mut job = task(0, fast);
        job.tasks[0].work_on = [fast, slow].map(Span::from_secs).into();
        job
    };
    let policy = MaxMin::new(MaxMin::ROUND, Between::Tasks, Fit::First);
    let outcome = go(&cluster, vec![on(3700, 3600), on(3600, 36_000)], policy);
    let ends = ends(&outcome);
    assert!(ends[0] < 4200.0 && ends[1] < 4200.0, "{ends:?}");
}

/// Who would end latest for its length comes first: of jobs that came together on one node the shortest suffers most from waiting, so
/// that it goes first; a long one that has waited for long overtakes a newcomer. Their ratios stay together.
#[test]
fn the_latest_for_its_length_comes_first() {
    let one = Cluster::of(1, Kind::cores("node", 1));
    let lease = FinishTime::new(Span::from_secs(60), Fit::First);
    let ends_of = ends(&go(
        &one,
        vec![task(0, 3000), task(0, 300), task(0, 600)],
        lease.clone(),
    ));
    assert!(
        ends_of[1] < ends_of[2] && ends_of[2] < ends_of[0],
        "{ends_of:?}"
    );
    // Equal ones share, whoever came first.
    let outcome = go(&one, vec![task(0, 1800); 3], lease);
    assert!(
        ends(&outcome).iter().all(|&end| end > 5400.0 - 240.0),
        "{:?}",
        ends(&outcome)
    );
}
