//! What is submitted to a cluster against the laws that it is drawn from, and records that are put together anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use walras_des::{Dist, SimTime, Span, Streams};
use walras_sim::cluster::job::{Checkpoint, Demand, Job, Task};
use walras_sim::cluster::workload::{Arrivals, Class, Shape, Source, Synthetic, Workload};

fn class(work: Dist) -> Class {
    Class {
        work,
        workers: vec![(1.0, 1)],
        demand: Demand::CORE,
        walltime: None,
        workflow: None,
        elastic: None,
        reads: 0,
    }
}

fn drawn(arrivals: Arrivals, users: (u32, f64), classes: Vec<(f64, Class)>) -> Workload {
    Workload {
        source: Source::Synthetic(Synthetic {
            arrivals,
            users,
            classes,
        }),
        objects: None,
        deadline: None,
        checkpoint: None,
    }
}

fn recorded(jobs: &[Job], resample: Option<Span>) -> Workload {
    Workload {
        source: Source::Recorded {
            jobs: Arc::from(jobs),
            resample,
        },
        objects: None,
        deadline: None,
        checkpoint: None,
    }
}

/// Pearson's statistic of counts against probabilities.
fn chi_square(counts: &[u64], probabilities: &[f64]) -> f64 {
    assert_eq!(counts.len(), probabilities.len());
    let all = counts.iter().sum::<u64>() as f64;
    let terms = counts.iter().zip(probabilities).map(|(&count, p)| {
        let expected = all * p;
        assert!(expected > 5.0, "too few to judge");
        (count as f64 - expected).powi(2) / expected
    });
    terms.sum()
}

/// The largest distance between the distribution of the values and a law, times the root of their number (Kolmogorov).
fn distance(mut values: Vec<f64>, law: impl Fn(f64) -> f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let off = values.iter().enumerate().map(|(rank, &value)| {
        let (below, above, truth) = (rank as f64 / n, (rank + 1) as f64 / n, law(value));
        (truth - below).max(above - truth)
    });
    off.fold(0.0, f64::max) * n.sqrt()
}

/// Exceeded with probability 0.001 (Smirnov 1948).
const KOLMOGOROV: f64 = 1.95;

/// Exceeded with probability 0.001 by chi-square with nine degrees of freedom.
const CHI_SQUARE_9: f64 = 27.88;

fn works(jobs: &[Job]) -> Vec<f64> {
    let tasks = jobs.iter().flat_map(|job| &job.tasks);
    tasks.map(|task| task.work.as_secs_f64()).collect()
}

/// Seed 31, n about 20,000, α = 0.001: gaps are exponential with this rate, counts of equal windows as variable as Poisson's.
#[test]
fn arrivals_are_a_poisson_process() {
    let rate = 0.2;
    let arrivals = Arrivals::Poisson(rate);
    let workload = drawn(
        arrivals,
        (1, 0.0),
        vec![(1.0, class(Dist::constant(1.0).unwrap()))],
    );
    let horizon = Span::from_secs(100_000);
    let jobs = workload.jobs(&Streams::new(31, 0), horizon);
    let times: Vec<f64> = jobs.iter().map(|job| job.submitted.as_secs_f64()).collect();
    assert!(times.is_sorted() && times.iter().all(|&at| at <= 100_000.0));
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(distance(gaps, |gap| 1.0 - (-rate * gap).exp()) < KOLMOGOROV);
    let mut counts = vec![0_u64; 1000];
    for at in &times {
        counts[((at / 100.0) as usize).min(999)] += 1;
    }
    // Chi-square with 999 degrees of freedom: its mean and four standard deviations.
    let dispersion = chi_square(&counts, &[1e-3; 1000]);
    assert!(
        (dispersion - 999.0).abs() < 4.0 * (2.0_f64 * 999.0).sqrt(),
        "{dispersion}"
    );
    let total = jobs.len() as f64;
    assert!(
        (total - 20_000.0).abs() < 4.0 * 20_000.0_f64.sqrt(),
        "{total}"
    );
    let at_once = drawn(
        Arrivals::AtOnce(17),
        (1, 0.0),
        vec![(1.0, class(Dist::constant(1.0).unwrap()))],
    );
    let jobs = at_once.jobs(&Streams::new(31, 0), horizon);
    assert_eq!(jobs.len(), 17);
    assert!(jobs.iter().all(|job| job.submitted == SimTime::ZERO));
}

/// Seed 32, n about 20,000, α = 0.001: users and objects by Zipf's law, classes and numbers of workers by their shares.
#[test]
fn choices_follow_their_shares() {
    for exponent in [0.0, 0.8, 1.5] {
        let mut one = class(Dist::constant(1.0).unwrap());
        one.reads = 2;
        one.workers = (1..=10).map(|n| (f64::from(n) / 55.0, n)).collect();
        let mut other = one.clone();
        other.demand.cpu = 2000;
        let classes = vec![(0.3, one), (0.7, other)];
        let mut workload = drawn(Arrivals::AtOnce(20_000), (10, exponent), classes);
        workload.objects = Some((10, exponent));
        let jobs = workload.jobs(&Streams::new(32, 0), Span::HOUR);
        let weights: Vec<f64> = (1..=10).map(|k| f64::from(k).powf(-exponent)).collect();
        let total: f64 = weights.iter().sum();
        let law: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        let (mut users, mut objects) = (vec![0; 10], vec![0; 10]);
        let (mut workers, mut first) = (vec![0; 10], 0_u64);
        for job in &jobs {
            users[job.user as usize] += 1;
            let task = &job.tasks[0];
            assert_eq!(task.reads.len(), 2);
            task.reads
                .iter()
                .for_each(|object| objects[object.index()] += 1);
            workers[task.workers as usize - 1] += 1;
            first += u64::from(task.demand.cpu == 1000);
        }
        let by_share: Vec<f64> = (1..=10).map(|n| f64::from(n) / 55.0).collect();
        for (counts, law) in [(&users, &law), (&objects, &law), (&workers, &by_share)] {
            let found = chi_square(counts, law);
            assert!(
                found < CHI_SQUARE_9,
                "exponent {exponent}: {counts:?}, {found}"
            );
        }
        let all = jobs.len() as f64;
        let off = (first as f64 - 0.3 * all) / (0.3 * 0.7 * all).sqrt();
        assert!(off.abs() < 4.0, "{first} of {all}");
    }
}

/// Seed 33, n = 40,000: the hyperexponential with balanced means and a squared coefficient of variation of four, its mean and variance
/// within four standard errors, and its law (Kolmogorov, α = 0.001).
#[test]
fn works_are_as_variable_as_said() {
    // p = (1 + √((c²-1)/(c²+1)))/2, rates 2p/m and 2(1-p)/m.
    let (mean, c2) = (100.0, 4.0_f64);
    let p = f64::midpoint(1.0, ((c2 - 1.0) / (c2 + 1.0)).sqrt());
    let rates = [(p, 2.0 * p / mean), (1.0 - p, 2.0 * (1.0 - p) / mean)];
    let sizes = Dist::hyperexponential(rates.to_vec()).unwrap();
    let workload = drawn(
        Arrivals::AtOnce(40_000),
        (1, 0.0),
        vec![(1.0, class(sizes))],
    );
    let found = works(&workload.jobs(&Streams::new(33, 0), Span::HOUR));
    let n = found.len() as f64;
    let moment = |k: i32| found.iter().map(|work| work.powi(k)).sum::<f64>() / n;
    // E[S^k] = Σ pᵢ k!/rateᵢ^k.
    let factorials = [1.0, 2.0, 6.0, 24.0];
    let truth = |k: i32| -> f64 {
        let of = |&(p, rate): &(f64, f64)| p * factorials[k as usize - 1] / rate.powi(k);
        rates.iter().map(of).sum()
    };
    for k in [1, 2] {
        let error = ((truth(2 * k) - truth(k).powi(2)) / n).sqrt();
        let off = (moment(k) - truth(k)) / error;
        assert!(
            off.abs() < 4.0,
            "moment {k} is off by {off} standard errors"
        );
    }
    assert!((truth(1) - mean).abs() < 1e-9);
    assert!((truth(2) / mean.powi(2) - 1.0 - c2).abs() < 1e-9);
    let law = |x: f64| {
        1.0 - rates
            .iter()
            .map(|(p, rate)| p * (-rate * x).exp())
            .sum::<f64>()
    };
    assert!(distance(found, law) < KOLMOGOROV);
}

/// Seed 34, n = 20,000: what users ask for is uniform between the time of the task and this many times it (f-model of Mu'alem and
/// Feitelson 2001), whatever the length of the task.
#[test]
fn users_overestimate_by_the_f_model() {
    for factor in [1.0, 3.0, 300.0] {
        let mut one = class(Dist::exponential(1e3).unwrap());
        one.walltime = Some(factor);
        let workload = drawn(Arrivals::AtOnce(20_000), (1, 0.0), vec![(1.0, one)]);
        let jobs = workload.jobs(&Streams::new(34, 0), Span::HOUR);
        let times: Vec<(f64, f64)> = (jobs.iter())
            .map(|job| {
                let task = &job.tasks[0];
                let work = task.work.as_secs_f64();
                let asked = task.walltime.expect("users say it").as_secs_f64();
                (work, asked / work)
            })
            .collect();
        let n = times.len() as f64;
        let ratios = || times.iter().map(|(_, ratio)| *ratio);
        if factor == 1.0 {
            assert!(ratios().all(|ratio| (ratio - 1.0).abs() < 1e-6));
            continue;
        }
        let mean = ratios().sum::<f64>() / n;
        let variance = ratios().map(|ratio| (ratio - mean).powi(2)).sum::<f64>() / n;
        let (mid, wide) = (f64::midpoint(1.0, factor), (factor - 1.0).powi(2) / 12.0);
        assert!(
            (mean - mid).abs() < 4.0 * (wide / n).sqrt(),
            "{mean}, in truth {mid}"
        );
        // The fourth central moment of a uniform law is 9/5 of the square of its variance.
        let error = wide * ((9.0 / 5.0 - 1.0) / n).sqrt();
        assert!(
            (variance - wide).abs() < 4.0 * error,
            "{variance}, in truth {wide}"
        );
        let law = |ratio: f64| ((ratio - 1.0) / (factor - 1.0)).clamp(0.0, 1.0);
        assert!(distance(ratios().collect(), law) < KOLMOGOROV);
        let (short, long): (Vec<_>, Vec<_>) = times.iter().partition(|(work, _)| *work < 500.0);
        let of = |some: &[(f64, f64)]| {
            some.iter().map(|(_, ratio)| ratio).sum::<f64>() / some.len() as f64
        };
        let error = (wide / short.len() as f64 + wide / long.len() as f64).sqrt();
        let (short, long) = (of(&short), of(&long));
        assert!(
            (short - long).abs() < 4.0 * error,
            "{short} and {long}, ± {error}"
        );
    }
}

/// Levels of a workflow, from its edges alone: how far each task is from those without parents.
fn levels(job: &Job) -> Vec<usize> {
    let mut levels: Vec<usize> = Vec::new();
    for task in &job.tasks {
        let parents = task
            .parents
            .iter()
            .map(|&(parent, _)| levels[parent as usize] + 1);
        levels.push(parents.max().unwrap_or(0));
    }
    levels
}

/// Seed 35: as many tasks as said, all parents in the level before and no more than said, levels of the mean width, and bytes uniform.
#[test]
fn workflows_have_their_shape() {
    for (tasks, fat, parents) in [
        (1, 1.0, 3),
        (30, 0.2, 1),
        (900, 1.0, 3),
        (900, 0.5, 5),
        (400, 2.0, 2),
    ] {
        let shape = Shape {
            tasks,
            fat,
            parents,
            bytes: 1e6,
        };
        let mut one = class(Dist::exponential(1.0).unwrap());
        one.workflow = Some(shape);
        let workload = drawn(Arrivals::AtOnce(60), (1, 0.0), vec![(1.0, one)]);
        let jobs = workload.jobs(&Streams::new(35, 0), Span::HOUR);
        let (mut widths, mut bytes, mut number) = (Vec::new(), Vec::new(), 0);
        let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
        for job in &jobs {
            assert_eq!(job.tasks.len(), tasks as usize);
            let levels = levels(job);
            assert!(levels.is_sorted(), "tasks come level by level");
            let deepest = levels.last().copied().unwrap_or(0);
            let width = |level| levels.iter().filter(|&&it| it == level).count();
            // The last one is cut off.
            widths.extend((0..deepest).map(|level| width(level) as f64));
            number += deepest + 1;
            for (task, &level) in job.tasks.iter().zip(&levels) {
                let of: Vec<usize> = task
                    .parents
                    .iter()
                    .map(|it| levels[it.0 as usize])
                    .collect();
                assert!(
                    of.iter().all(|&parent| parent + 1 == level),
                    "of the level before"
                );
                let mut others: Vec<u32> = task.parents.iter().map(|it| it.0).collect();
                others.dedup();
                assert_eq!(others.len(), task.parents.len(), "each once");
                assert_eq!(of.is_empty(), level == 0);
                assert!(of.len() <= parents as usize);
                if level > 0 && width(level - 1) >= parents as usize {
                    *counts.entry(of.len()).or_default() += 1;
                }
                bytes.extend(task.parents.iter().map(|it| it.1 as f64));
            }
        }
        let width = (f64::from(tasks).sqrt() * fat).max(1.0);
        if widths.len() > 300 {
            let n = widths.len() as f64;
            let mean = widths.iter().sum::<f64>() / n;
            let spread = widths.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / n;
            // A part of a task more on average where twice the width is no whole number.
            let slack = 4.0 * (spread / n).sqrt() + 0.25;
            assert!((mean - width).abs() < slack, "{mean}, in truth {width}");
            let levels = number as f64 / jobs.len() as f64;
            let expected = f64::from(tasks).sqrt() / fat;
            assert!(
                (levels / expected - 1.0).abs() < 0.15,
                "{levels}, in truth {expected}"
            );
            assert!(distance(bytes, |it| (it / 2e6).clamp(0.0, 1.0)) < KOLMOGOROV);
        }
        // Any number of parents is as likely, up to the most.
        let all: u64 = counts.values().sum();
        if parents > 1 && all > 1000 {
            let n = f64::from(parents);
            for count in 1..=parents as usize {
                let found = counts.get(&count).copied().unwrap_or(0) as f64;
                let error = (all as f64 / n * (1.0 - 1.0 / n)).sqrt();
                assert!((found - all as f64 / n).abs() < 4.5 * error, "{counts:?}");
            }
        }
    }
}

/// Forty jobs at uneven times, told apart by their users.
fn record() -> Vec<Job> {
    let at = |i: u64| 1_000 * i + 37 * i * i % 900;
    (0..40)
        .map(|i| Job {
            user: i as u32,
            deadline: (i % 2 == 0).then(|| SimTime::from_secs(at(i) + 50)),
            ..Job::of(
                SimTime::from_secs(at(i)),
                Task::single(Span::from_secs(10 + i)),
            )
        })
        .collect()
}

/// Without blocks, all replications are the record, up to the horizon.
#[test]
fn records_are_played_as_they_are() {
    let jobs = record();
    let workload = recorded(&jobs, None);
    for replication in 0..3 {
        let streams = Streams::new(36, replication);
        assert_eq!(workload.jobs(&streams, Span::DAY * 10), jobs);
        let part = workload.jobs(&streams, Span::from_secs(20_000));
        assert_eq!(part[..], jobs[..part.len()]);
        let is_next_later = jobs[part.len()].submitted > SimTime::from_secs(20_000);
        assert!(is_next_later && part.last().unwrap().submitted <= SimTime::from_secs(20_000));
    }
}

/// Seed 37: blocks are stretches of the record, which is a circle, with all that belongs to a job; every job is drawn equally often.
#[test]
fn blocks_are_stretches_of_the_record() {
    let jobs = record();
    let length = jobs.last().unwrap().submitted.as_nanos() + 1;
    let block = Span::from_secs(7_000);
    let workload = recorded(&jobs, Some(block));
    let horizon = block * 10 - Span::NANO;
    let mut counts = vec![0_u64; jobs.len()];
    let (mut histories, replications) = (Vec::new(), 400);
    for replication in 0..replications {
        let all = workload.jobs(&Streams::new(37, replication), horizon);
        assert!(all.is_sorted_by_key(|job| job.submitted));
        for number in 0..10 {
            let begin = SimTime::ZERO + block * number;
            let part: Vec<&Job> = (all.iter())
                .filter(|job| job.submitted >= begin && job.submitted < begin + block)
                .collect();
            // As far into the record as into the block, but for where the block begins: the same for all of its jobs.
            let origin = |job: &Job| {
                let at = jobs[job.user as usize].submitted.as_nanos() + length;
                (at - (job.submitted - begin).as_nanos()) % length
            };
            for pair in part.windows(2) {
                assert_eq!(origin(pair[0]), origin(pair[1]));
                assert_eq!(pair[1].user, (pair[0].user + 1) % 40, "none is left out");
            }
            // And none is missing at its ends.
            if let Some(first) = part.first() {
                let from = origin(first);
                let inside = |job: &&Job| {
                    let at = (job.submitted.as_nanos() + length - from) % length;
                    at < block.as_nanos()
                };
                assert_eq!(part.len(), jobs.iter().filter(inside).count());
            }
            for job in part {
                let of = &jobs[job.user as usize];
                counts[job.user as usize] += 1;
                assert_eq!(job.tasks, of.tasks);
                let slack = |job: &Job| job.deadline.map(|deadline| deadline - job.submitted);
                assert_eq!(slack(job), slack(of));
            }
        }
        histories.push(all);
    }
    assert!(histories[0] != histories[1] && histories[0] != jobs);
    assert_eq!(histories[0], workload.jobs(&Streams::new(37, 0), horizon));
    // Each of 4,000 blocks holds a job with this probability, independently of the others.
    let (n, p) = (
        10.0 * replications as f64,
        block.as_nanos() as f64 / length as f64,
    );
    for (job, &count) in counts.iter().enumerate() {
        let off = (count as f64 - n * p) / (n * p * (1.0 - p)).sqrt();
        assert!(
            off.abs() < 4.5,
            "job {job} came {count} times, off by {off} standard deviations"
        );
    }
}

/// A block longer than the record holds it once around, and the next follows at once: as many jobs per time as recorded.
#[test]
fn a_block_holds_a_record_at_most() {
    let jobs = record();
    let length = jobs.last().unwrap().submitted - SimTime::ZERO;
    let workload = recorded(&jobs, Some(length * 5));
    let all = workload.jobs(&Streams::new(38, 0), length * 10);
    assert!((395..=405).contains(&all.len()), "{} jobs", all.len());
}

/// What jobs do not say themselves: deadlines in proportion to their longest path, and checkpoints.
#[test]
fn what_jobs_do_not_say_is_added() {
    let mut jobs = record();
    let child = Task {
        parents: vec![(0, 0)],
        ..Task::single(Span::from_secs(5))
    };
    jobs[1].tasks.push(child);
    let own = Checkpoint {
        interval: Span::MINUTE,
        cost: Span::SECOND,
    };
    jobs[2].tasks[0].checkpoint = Some(own);
    let mut workload = recorded(&jobs, None);
    workload.deadline = Some(3.0);
    let given = Checkpoint {
        interval: Span::HOUR,
        cost: Span::SECOND,
    };
    workload.checkpoint = Some(given);
    for (job, of) in workload
        .jobs(&Streams::new(39, 0), Span::DAY)
        .iter()
        .zip(&jobs)
    {
        let path: f64 = of.tasks.iter().map(|task| task.work.as_secs_f64()).sum();
        let by = job.submitted + Span::from_secs_f64(3.0 * path);
        assert_eq!(job.deadline, Some(of.deadline.unwrap_or(by)));
        for (task, of) in job.tasks.iter().zip(&of.tasks) {
            assert_eq!(task.checkpoint, Some(of.checkpoint.unwrap_or(given)));
        }
    }
}
