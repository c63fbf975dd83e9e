//! What no policy of a cluster can beat: held against all policies on random clusters, and against the best of all schedules on tiny ones.

#[path = "common/random_cluster.rs"]
mod random_cluster;

use std::sync::Arc;

use walras_des::{Purpose, SimTime, Span, Stream, Streams};
use walras_sim::cluster::bound::Relaxation;
use walras_sim::cluster::job::{Demand, Job, Task};
use walras_sim::cluster::makespan;
use walras_sim::cluster::node::Kind;
use walras_sim::cluster::policy::builtin::{By, Policy};
use walras_sim::cluster::policy::fit::Fit;
use walras_sim::cluster::policy::ordered::Blocked;
use walras_sim::cluster::site::Site;
use walras_sim::cluster::workload::{Source, Workload};
use walras_sim::cluster::world::{Cluster, Estimates};
use walras_sim::record::{Better, MetricId, Output};
use walras_sim::world::Settings;

fn recorded(jobs: &[Job]) -> Workload {
    Workload {
        source: Source::Recorded {
            jobs: Arc::from(jobs),
            resample: None,
        },
        objects: None,
        deadline: None,
        checkpoint: None,
    }
}

/// Measures all jobs that come after the warm-up.
fn settings(jobs: &[Job], warm_up: Span) -> Settings {
    let last = jobs.last().expect("there are some").submitted - SimTime::ZERO;
    Settings {
        horizon: last + Span::MINUTE,
        warm_up,
        sample_every: Span::HOUR,
    }
}

fn site(cluster: &Cluster, policy: Policy) -> Site {
    Site {
        name: "it".to_owned(),
        cluster: cluster.clone(),
        policy,
        estimates: Estimates::Exact,
    }
}

/// Work that is kept when a task is stopped is rounded up to a nanosecond, and quantiles are told within 1/256.
fn beats(id: MetricId, found: f64, bound: f64) -> bool {
    let relative = if id.quantile().is_some() {
        1.0 / 128.0
    } else {
        1e-9
    };
    let slack = relative * bound.abs() + 1e-6;
    match id.metric().better {
        Better::Lower => found < bound - slack,
        Better::Higher => found > bound + slack,
        Better::Neither => false,
    }
}

/// Runs one replication and holds it against the bounds; the number of figures that have one.
fn check(name: &str, site: &Site, jobs: &[Job], warm_up: Span, seed: u64) -> (Output, usize) {
    let (workload, settings) = (recorded(jobs), settings(jobs, warm_up));
    let output = site.simulate(&workload, &settings, seed, 0, true, &|| false);
    let output = output.expect("nobody stops it");
    assert_eq!(output.counts.refused_orders, 0, "{name}");
    let relaxation = Relaxation::new(site, &workload, &settings, seed, 0);
    let mut bounded = 0;
    for id in MetricId::all() {
        let bound = relaxation.bound(id, output.counts.completed);
        if let (Some(found), Some(bound)) = (output.metrics.get(id), bound) {
            assert!(
                !beats(id, found, bound),
                "{name}: {id:?} is {found}, and {bound} at best"
            );
            bounded += 1;
        }
    }
    // Job by job: none is faster than its longest path.
    let first = jobs.partition_point(|job| job.submitted < SimTime::ZERO);
    assert_eq!(first, 0);
    for row in &output.batch_jobs {
        let path = makespan::critical_path(&jobs[row.serial as usize], &site.cluster);
        let path = path.expect("it ran").as_secs_f64();
        let took = (row.ended - row.started).as_secs_f64();
        assert!(
            took >= path - 1e-6,
            "{name}: {row:?} took {took} s, and {path} s at best"
        );
    }
    (output, bounded)
}

/// All policies on clusters with nodes that leave, gangs, GPUs, workflows, data and checkpoints, with tasks that say their time on each
/// kind of node and some that nothing can hold.
#[test]
fn no_policy_beats_the_bounds() {
    let (mut bounded, mut whole) = (0, 0);
    for seed in 0..40 {
        let mut stream = Streams::new(seed, 5).open(Purpose::new("bounds"), 0);
        let cluster = random_cluster::cluster(&mut stream);
        let mut jobs = random_cluster::jobs(&mut stream);
        // The sooner they come, the more the pooled bound says.
        let haste = 1 + seed % 4 * 10;
        for job in &mut jobs {
            let deadline = job.deadline.expect("all have one") - job.submitted;
            job.submitted = SimTime::from_nanos(job.submitted.as_nanos() / haste);
            job.deadline = stream.bernoulli(0.5).then(|| job.submitted + deadline);
            if seed % 3 == 0 && stream.bernoulli(0.05) {
                job.tasks[0].workers = 1000;
            }
            for task in &mut job.tasks {
                if stream.bernoulli(0.3) {
                    let times = [0, 1].map(|_| 0.3 + stream.uniform());
                    let times = times.map(|times| task.work.as_secs_f64() * times);
                    task.work_on = times.map(Span::from_secs_f64).into();
                }
            }
        }
        let last = jobs.last().expect("there are some").submitted.as_secs_f64();
        let warm_up = Span::from_secs_f64(if seed % 5 == 0 { last / 3.0 } else { 0.0 });
        for (policy, jobs) in random_cluster::policies(&jobs, seed) {
            let name = format!("{policy}, seed {seed}");
            let site = site(&cluster, policy);
            let (output, figures) = check(&name, &site, &jobs, warm_up, seed);
            bounded += figures;
            whole += usize::from(output.counts.live == 0);
        }
    }
    // Where all jobs end, means and makespans are bounded too.
    assert!(bounded > 5_000 && whole > 200, "{bounded} {whole}");
}

/// Tasks at most of a tiny instance, and the longest of them [s].
const TASKS: usize = 6;
const LONGEST: u64 = 3;

/// Up to six tasks on up to three nodes of two cores that never leave; everything takes whole seconds.
struct Tiny {
    nodes: u32,
    jobs: Vec<Job>,
}

impl Tiny {
    /// With parts of nodes, gangs and workflows.
    fn random(stream: &mut Stream) -> Self {
        let mut jobs: Vec<Job> = Vec::new();
        let nodes = 1 + stream.below(3) as u32;
        let mut now = 0;
        for _ in 0..=stream.below(TASKS as u64) {
            let workers = 1 + stream.below(u64::from(nodes)) as u32;
            let mut task = Self::task(1 + stream.below(LONGEST), 1 + stream.below(2) as u32);
            task.workers = if stream.bernoulli(0.3) { workers } else { 1 };
            match jobs.last_mut() {
                Some(job) if stream.bernoulli(0.4) => {
                    let count = job.tasks.len() as u32;
                    let parents = (0..count).filter(|_| stream.bernoulli(0.5));
                    task.parents = parents.map(|parent| (parent, 0)).collect();
                    job.tasks.push(task);
                }
                _ => {
                    now += stream.below(3);
                    jobs.push(Job::of(SimTime::from_secs(now), task));
                }
            }
        }
        Self { nodes, jobs }
    }

    fn task(seconds: u64, cores: u32) -> Task {
        let demand = Demand {
            cpu: cores * 1000,
            ..Demand::CORE
        };
        Task {
            demand,
            ..Task::single(Span::from_secs(seconds))
        }
    }

    fn cluster(&self) -> Cluster {
        Cluster::of(self.nodes as usize, Kind::cores("node", 2))
    }

    /// The least mean response time and the least makespan of all schedules that change what runs at whole seconds.
    fn best(&self) -> (f64, f64) {
        let mut search = Search::of(self);
        let lengths = search.tasks.iter().map(|task| task.seconds);
        let all = lengths
            .rev()
            .fold(0, |code, length| code * BASE + length as usize);
        let begin = self.jobs[0].submitted.as_secs_f64() as usize;
        let (sum, end) = search.best(begin, all);
        let count = self.jobs.len() as f64;
        (f64::from(sum) / count, f64::from(end))
    }
}

/// What is left of a task is a digit to this base.
const BASE: usize = LONGEST as usize + 1;

/// Of a task of a tiny instance.
struct Part {
    job: usize,
    seconds: u64,
    submitted: usize,
    /// Nodes that it fills, and halves of nodes.
    whole: u32,
    halves: u32,
    /// Tasks that come first, as bits.
    parents: u32,
}

/// All schedules, second by second: any set of tasks that fits runs for a second.
struct Search {
    nodes: u32,
    tasks: Vec<Part>,
    /// By time and what is left of all tasks: the least sum of response times from then on, and the least time to the end [s].
    known: Vec<Option<(u32, u32)>>,
}

impl Search {
    fn of(tiny: &Tiny) -> Self {
        let mut tasks = Vec::new();
        for (number, job) in tiny.jobs.iter().enumerate() {
            let first = tasks.len() as u32;
            for task in &job.tasks {
                let fills = task.demand.cpu == 2000;
                tasks.push(Part {
                    job: number,
                    seconds: task.work.as_nanos() / 1_000_000_000,
                    submitted: job.submitted.as_secs_f64() as usize,
                    whole: if fills { task.workers } else { 0 },
                    halves: if fills { 0 } else { task.workers },
                    parents: (task.parents.iter())
                        .fold(0, |bits, &(it, _)| bits | 1 << (first + it)),
                });
            }
        }
        let times = tasks
            .iter()
            .map(|task| task.submitted + task.seconds as usize);
        let most = times.sum::<usize>() + 1;
        Self {
            nodes: tiny.nodes,
            known: vec![None; most * BASE.pow(tasks.len() as u32)],
            tasks,
        }
    }

    fn left(&self, code: usize, task: usize) -> usize {
        let _ = self;
        code / BASE.pow(task as u32) % BASE
    }

    /// From `now` with so much left: the least sum of response times to come, and the least time until all has ended.
    fn best(&mut self, now: usize, code: usize) -> (u32, u32) {
        if code == 0 {
            return (0, 0);
        }
        let count = self.tasks.len();
        let at = now * BASE.pow(count as u32) + code;
        if let Some(known) = self.known[at] {
            return known;
        }
        let ended = (0..count).filter(|&task| self.left(code, task) == 0);
        let ended = ended.fold(0_u32, |bits, task| bits | 1 << task);
        let mut live: Vec<usize> = (0..count)
            .filter(|&task| ended & 1 << task == 0 && self.tasks[task].submitted <= now)
            .map(|task| self.tasks[task].job)
            .collect();
        live.dedup();
        let (mut sum, mut end) = (u32::MAX, u32::MAX);
        for chosen in 0..1_u32 << count {
            let is_chosen = |task: &usize| chosen & 1 << task != 0;
            let (mut whole, mut halves, mut is_open) = (0, 0, chosen & ended == 0);
            for task in (0..count).filter(is_chosen) {
                let part = &self.tasks[task];
                is_open &= part.submitted <= now && part.parents & !ended == 0;
                whole += part.whole;
                halves += part.halves;
            }
            // Who does nothing waits for somebody.
            let is_idle = chosen == 0 && self.tasks.iter().all(|task| task.submitted <= now);
            if !is_open || is_idle || whole + halves.div_ceil(2) > self.nodes {
                continue;
            }
            let done: usize = (0..count)
                .filter(is_chosen)
                .map(|task| BASE.pow(task as u32))
                .sum();
            let (later, until) = self.best(now + 1, code - done);
            sum = sum.min(later + live.len() as u32);
            end = end.min(until + 1);
        }
        self.known[at] = Some((sum, end));
        (sum, end)
    }
}

fn bounds(site: &Site, jobs: &[Job]) -> (f64, f64) {
    let settings = settings(jobs, Span::ZERO);
    let relaxation = Relaxation::new(site, &recorded(jobs), &settings, 0, 0);
    let bound = |id| {
        relaxation
            .bound(id, jobs.len() as u64)
            .expect("there is one")
    };
    (bound(MetricId::ResponseMean), bound(MetricId::Makespan))
}

/// On instances so small that all schedules can be tried: the bounds lie below the best of them, and the best below every policy.
#[test]
fn bounds_lie_below_the_best_schedule() {
    let (mut tight, mut optimal) = ([0, 0], 0);
    for seed in 0..300 {
        let mut stream = Streams::new(seed, 6).open(Purpose::new("bounds"), 0);
        let tiny = Tiny::random(&mut stream);
        let (mean, end) = tiny.best();
        let site_of = |policy| site(&tiny.cluster(), policy);
        let srpt = Policy::Ordered(By::Srpt, Fit::Best, Blocked::Skip);
        let (least_mean, least_end) = bounds(&site_of(srpt), &tiny.jobs);
        let found = format!("seed {seed}: {mean} and {least_mean}, {end} and {least_end}");
        assert!(
            least_mean <= mean + 1e-9 && least_end <= end + 1e-9,
            "{found}"
        );
        tight[0] += u32::from(least_mean >= mean - 1e-9);
        tight[1] += u32::from(least_end >= end - 1e-9);
        for (policy, jobs) in random_cluster::policies(&tiny.jobs, seed) {
            // Others change what runs at whole seconds too.
            if matches!(
                policy,
                Policy::Ps | Policy::Las | Policy::Elastic(..) | Policy::Gittins(..)
            ) {
                continue;
            }
            let name = format!("{policy}, seed {seed}");
            let (output, _) = check(&name, &site_of(policy), &jobs, Span::ZERO, seed);
            let of = |id| output.metrics.get(id).expect("all jobs end");
            let (its_mean, its_end) = (of(MetricId::ResponseMean), of(MetricId::Makespan));
            assert!(
                its_mean >= mean - 1e-9 && its_end >= end - 1e-9,
                "{name}: {its_mean} and {its_end}, {found}; {:?} {:?}",
                tiny.jobs,
                output.batch_jobs
            );
            optimal += u32::from(its_mean <= mean + 1e-9);
        }
    }
    assert!(
        tight[0] > 100 && tight[1] > 100 && optimal > 500,
        "{tight:?} {optimal}"
    );
}

/// On one machine that every task fills, shortest remaining first is optimal (Schrage 1968), and never to be idle ends soonest: both
/// bounds are the optimum.
#[test]
fn bounds_are_tight_on_one_machine() {
    let mut waited = 0;
    for seed in 0..200 {
        let mut stream = Streams::new(seed, 7).open(Purpose::new("bounds"), 0);
        let mut now = 0;
        let count = 1 + stream.below(TASKS as u64);
        let jobs = (0..count).map(|_| {
            now += stream.below(3);
            Job::of(
                SimTime::from_secs(now),
                Tiny::task(1 + stream.below(LONGEST), 2),
            )
        });
        let tiny = Tiny {
            nodes: 1,
            jobs: jobs.collect(),
        };
        let policy = Policy::Ordered(By::Srpt, Fit::First, Blocked::Wait);
        let site = site(&tiny.cluster(), policy);
        let (mean, end) = tiny.best();
        let (least_mean, least_end) = bounds(&site, &tiny.jobs);
        let (output, _) = check(&format!("seed {seed}"), &site, &tiny.jobs, Span::ZERO, seed);
        let of = |id| output.metrics.get(id).expect("all jobs end");
        for (best, other) in [
            (mean, least_mean),
            (mean, of(MetricId::ResponseMean)),
            (end, least_end),
            (end, of(MetricId::Makespan)),
        ] {
            assert!(
                (best - other).abs() < 1e-9,
                "seed {seed}: {best} and {other}"
            );
        }
        waited += u32::from(of(MetricId::WaitMean) > 0.0);
    }
    assert!(waited > 100, "{waited}");
}

/// All tasks there at once and free to move: the longest, or all work spread evenly (`McNaughton`, Management Science 6, 1959).
#[test]
fn the_makespan_is_that_of_mcnaughton() {
    let mut tight = 0;
    for seed in 0..100 {
        let mut stream = Streams::new(seed, 8).open(Purpose::new("bounds"), 0);
        let nodes = 2 + stream.below(2) as u32;
        let count = 1 + stream.below(TASKS as u64);
        let jobs =
            (0..count).map(|_| Job::of(SimTime::ZERO, Tiny::task(1 + stream.below(LONGEST), 2)));
        let tiny = Tiny {
            nodes,
            jobs: jobs.collect(),
        };
        let seconds = |job: &Job| job.tasks[0].work.as_secs_f64();
        let sum: f64 = tiny.jobs.iter().map(seconds).sum();
        let longest = tiny.jobs.iter().map(seconds).fold(0.0, f64::max);
        let truth = longest.max(sum / f64::from(nodes));
        let (_, least_end) = bounds(&site(&tiny.cluster(), Policy::Ps), &tiny.jobs);
        assert!(
            (least_end - truth).abs() < 1e-6,
            "seed {seed}: {least_end} and {truth}"
        );
        // In whole seconds it is the next one.
        let (_, end) = tiny.best();
        assert!(
            (end - (truth - 1e-9).ceil()).abs() < 1e-9,
            "seed {seed}: {end} and {truth}"
        );
        tight += u32::from((end - truth).abs() < 1e-9);
    }
    assert!(tight > 50, "{tight}");
}
