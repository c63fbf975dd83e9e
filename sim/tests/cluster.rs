//! Batch jobs against queueing theory: response times under each discipline, job by job or within the runs' own intervals.

use walras_des::{Dist, Purpose, SimTime, Span, Streams};
use walras_sim::cluster::job::{Job, Task};
use walras_sim::cluster::node::Kind;
use walras_sim::cluster::policy::Scheduler;
use walras_sim::cluster::policy::edf::Edf;
use walras_sim::cluster::policy::fcfs::Fcfs;
use walras_sim::cluster::policy::fit::Fit;
use walras_sim::cluster::policy::las::Las;
use walras_sim::cluster::policy::ordered::{Blocked, Ordered, Ordering};
use walras_sim::cluster::policy::ps::Ps;
use walras_sim::cluster::policy::psjf::Psjf;
use walras_sim::cluster::policy::sjf::Sjf;
use walras_sim::cluster::policy::srpt::Srpt;
use walras_sim::cluster::world::{Cluster, Estimates, Outcome, run};
use walras_sim::record::BatchRow;

/// Jobs at rate `rate` per second with sizes of mean one second.
fn poisson(rate: f64, sizes: Dist, count: u32, streams: &Streams) -> impl Iterator<Item = Job> {
    let mut arrivals = streams.open(Purpose::new("arrivals"), 0);
    let mut lengths = streams.open(Purpose::new("sizes"), 0);
    let mut now = SimTime::ZERO;
    (0..count).map(move |_| {
        now += Span::from_secs_f64(arrivals.exponential() / rate);
        let work = Span::from_secs_f64(sizes.sample(&mut lengths));
        Job::of(now, Task::single(work.max(Span::NANO)))
    })
}

fn ordered<O: Ordering>(order: O) -> Ordered<O> {
    Ordered::new(order, Fit::First, Blocked::Wait)
}

fn outcome<S: Scheduler>(
    servers: u32,
    jobs: impl Iterator<Item = Job>,
    scheduler: S,
    streams: &Streams,
) -> Outcome {
    let cluster = Cluster::of(1, Kind::cores("server", servers));
    let outcome = run(
        &cluster,
        jobs,
        Estimates::Exact,
        scheduler,
        streams,
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

/// Mean and half width (99.9 %, ten replications) of what `figure` says of the jobs after the first tenth.
fn interval<S: Scheduler>(
    servers: u32,
    rate: f64,
    sizes: &Dist,
    scheduler: impl Fn() -> S,
    figure: impl Fn(&Outcome) -> f64,
) -> (f64, f64) {
    let values: Vec<f64> = (0..10)
        .map(|replication| {
            let streams = Streams::new(20, replication);
            // The busier, the longer the memory.
            let count = if rate > 0.85 { 100_000 } else { 60_000 };
            let jobs = poisson(rate, sizes.clone(), count, &streams);
            figure(&outcome(servers, jobs, scheduler(), &streams))
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

fn mean_of(outcome: &Outcome, figure: impl Fn(&BatchRow) -> f64) -> f64 {
    let measured = outcome.jobs.iter().filter(|row| row.serial >= 6_000);
    let (sum, count) = measured.fold((0.0, 0.0), |(sum, count), row| {
        (sum + figure(row), count + 1.0)
    });
    sum / count
}

fn response(outcome: &Outcome) -> f64 {
    mean_of(outcome, BatchRow::response)
}

#[track_caller]
fn holds((mean, half): (f64, f64), truth: f64) {
    assert!(
        (mean - truth).abs() < half,
        "{mean} ± {half}, in truth {truth}"
    );
    assert!(half < 0.2 * truth, "{mean} ± {half} says little");
}

fn exponential() -> Dist {
    Dist::exponential(1.0).unwrap()
}

/// Mean response times in M/M/1: closed forms of Schrage and Miller 1966 and Kleinrock 1976.
fn disciplines(load: f64, [plain, sjf, psjf, srpt]: [f64; 4]) {
    let sizes = exponential();
    holds(interval(1, load, &sizes, || ordered(Fcfs), response), plain);
    holds(interval(1, load, &sizes, || Ps, response), plain);
    holds(interval(1, load, &sizes, || Las, response), plain);
    holds(interval(1, load, &sizes, || ordered(Sjf), response), sjf);
    holds(interval(1, load, &sizes, || ordered(Psjf), response), psjf);
    holds(interval(1, load, &sizes, || ordered(Srpt), response), srpt);
}

#[test]
fn disciplines_at_half_load() {
    disciplines(0.5, [2.0, 1.7128, 1.5316, 1.4261]);
}

#[test]
fn disciplines_at_four_fifths() {
    disciplines(0.8, [5.0, 2.8828, 2.6595, 2.3541]);
}

#[test]
fn disciplines_at_nine_tenths() {
    disciplines(0.9, [10.0, 4.1981, 4.0530, 3.5542]);
}

/// Pollaczek and Khinchine for constant sizes; for a hyperexponential with a squared coefficient of variation of nine, what first come
/// first served pays for it and processor sharing does not.
#[test]
fn variability_of_sizes() {
    let constant = Dist::constant(1.0).unwrap();
    holds(interval(1, 0.8, &constant, || ordered(Fcfs), response), 3.0);
    holds(interval(1, 0.5, &constant, || Ps, response), 2.0);
    // Balanced means: p = (1 + √((c²-1)/(c²+1)))/2.
    let p = f64::midpoint(1.0, (8.0_f64 / 10.0).sqrt());
    let h2 = Dist::hyperexponential(vec![(p, 2.0 * p), (1.0 - p, 2.0 * (1.0 - p))]).unwrap();
    assert!((h2.mean().unwrap() - 1.0).abs() < 1e-9 && (h2.variance().unwrap() - 9.0).abs() < 1e-9);
    holds(interval(1, 0.5, &h2, || ordered(Fcfs), response), 6.0);
    holds(interval(1, 0.5, &h2, || Ps, response), 2.0);
    let slowdown =
        |outcome: &Outcome| mean_of(outcome, |row| row.response() / row.work.as_secs_f64());
    holds(interval(1, 0.5, &h2, || Ps, slowdown), 2.0);
}

/// Least attained service of constant sizes: all catch up with each other, and the mean is that of sharing with who came before and
/// after; Kleinrock's formula for size x with load ρx of sizes cut at x and W(x) = λE[min(S,x)²]/(2(1-ρx)²) + x/(1-ρx).
#[test]
fn the_youngest_share() {
    let constant = Dist::constant(1.0).unwrap();
    let load: f64 = 0.5;
    let truth = load / 2.0 / (1.0 - load).powi(2) + 1.0 / (1.0 - load);
    holds(interval(1, load, &constant, || Las, response), truth);
}

/// Erlang's C: mean waits C/(c(1-ρ)) of many servers.
#[test]
fn many_servers() {
    let wait = |outcome: &Outcome| mean_of(outcome, BatchRow::wait);
    for (servers, load, c) in [(2, 0.9, 0.852_632), (10, 0.9, 0.668_732)] {
        let truth = c / (f64::from(servers) * (1.0 - load));
        let rate = f64::from(servers) * load;
        let found = interval(servers, rate, &exponential(), || ordered(Fcfs), wait);
        assert!(
            (found.0 - truth).abs() < found.1,
            "{found:?}, in truth {truth}"
        );
    }
}

/// One preemptive server meets every deadline that can be met (Dertouzos 1974): here each is met when the demand before it fits.
#[test]
fn earliest_deadlines_are_met_if_they_can_be() {
    let job = |at: u64, work: u64, deadline: u64| Job {
        deadline: Some(SimTime::from_secs(deadline)),
        ..Job::of(SimTime::from_secs(at), Task::single(Span::from_secs(work)))
    };
    let jobs = vec![job(0, 10, 30), job(2, 4, 8), job(3, 3, 20), job(10, 5, 16)];
    let late = |outcome: &Outcome| {
        let missed = |row: &&BatchRow| Some(row.ended) > row.deadline;
        outcome.jobs.iter().filter(missed).count()
    };
    let streams = Streams::new(1, 0);
    let edf = outcome(1, jobs.clone().into_iter(), ordered(Edf), &streams);
    assert_eq!(late(&edf), 0);
    assert_eq!(edf.makespan, SimTime::from_secs(22));
    assert!(edf.preemptions >= 1);
    assert!(late(&outcome(1, jobs.into_iter(), ordered(Fcfs), &streams)) > 0);
}
