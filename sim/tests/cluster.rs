//! Batch jobs against queueing theory: response times under each discipline, job by job or within the runs' own intervals.

use walras_des::{Dist, Purpose, SimTime, Span, Streams};
use walras_sim::cluster::job::{Job, Task};
use walras_sim::cluster::node::Kind;
use walras_sim::cluster::policy::edf::Edf;
use walras_sim::cluster::policy::fcfs::Fcfs;
use walras_sim::cluster::policy::fit::Fit;
use walras_sim::cluster::policy::gittins::{Gittins, Sizes};
use walras_sim::cluster::policy::las::Las;
use walras_sim::cluster::policy::ordered::{Blocked, Ordered, Ordering};
use walras_sim::cluster::policy::ps::Ps;
use walras_sim::cluster::policy::psjf::Psjf;
use walras_sim::cluster::policy::sjf::Sjf;
use walras_sim::cluster::policy::srpt::Srpt;
use walras_sim::cluster::policy::tiresias::Tiresias;
use walras_sim::cluster::policy::{Cause, Orders, Scheduler};
use walras_sim::cluster::view::View;
use walras_sim::cluster::world::{Cluster, Estimates, Outcome, Transfers, run};
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
    mean_and_half(&values)
}

fn mean_and_half(values: &[f64]) -> (f64, f64) {
    assert_eq!(values.len(), 10, "Student's quantile is that of ten values");
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
    holds(interval(1, load, &sizes, Las::default, response), plain);
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
    holds(interval(1, load, &constant, Las::default, response), truth);
}

/// Erlang's C: mean waits C/(c(1-ρ)) of many servers.
#[test]
fn many_servers() {
    let wait = |outcome: &Outcome| mean_of(outcome, BatchRow::wait);
    for (servers, load, c) in [
        (2, 0.9, 0.852_632),
        (10, 0.9, 0.668_732),
        (100, 0.95, 0.506_457),
    ] {
        let truth = c / (f64::from(servers) * (1.0 - load));
        let rate = f64::from(servers) * load;
        let found = interval(servers, rate, &exponential(), || ordered(Fcfs), wait);
        assert!(
            (found.0 - truth).abs() < found.1,
            "{found:?}, in truth {truth}"
        );
    }
}

/// A station of the network below: how many servers, how fast each of them is, and how often a job comes by per time.
struct Station {
    servers: u32,
    rate: f64,
    visits: f64,
}

impl Station {
    /// Mean time in M/M/c, with Erlang's C by way of his B.
    fn response(&self) -> f64 {
        let offered = self.visits / self.rate;
        let blocked = (1..=self.servers).fold(1.0, |b, servers| {
            offered * b / (f64::from(servers) + offered * b)
        });
        let load = offered / f64::from(self.servers);
        let waits = blocked / (1.0 - load * (1.0 - blocked));
        waits / (f64::from(self.servers) * self.rate - self.visits) + 1.0 / self.rate
    }
}

/// Writes down how long each task was at its station, which is what it asks for as a label.
struct Watch<'a, S> {
    inner: S,
    stations: &'a mut [(f64, f64); 3],
}

impl<S: Scheduler> Scheduler for Watch<'_, S> {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        if let Cause::Ended(task) = cause {
            let card = view.task(task);
            if view.job(card.job).serial >= 6_000 {
                let station = &mut self.stations[card.demand.labels.trailing_zeros() as usize];
                station.0 += (view.now() - card.waiting_since).as_secs_f64();
                station.1 += 1.0;
            }
        }
        self.inner.decide(cause, view, orders);
    }
}

/// An open network with feedback (Jackson 1963): from the first station six in ten go to the second, whence three in ten come back, and
/// four to the third. Each station is as if it were alone; the time in all is what the visits sum to.
#[test]
fn a_network_of_stations() {
    let arrivals = 0.5;
    // λ₁ = γ + 0.3 λ₂, λ₂ = 0.6 λ₁, λ₃ = 0.4 λ₁.
    let first = arrivals / (1.0 - 0.3 * 0.6);
    let station = |servers, rate, visits| Station {
        servers,
        rate,
        visits,
    };
    let stations = [
        station(1, 1.0, first),
        station(2, 0.25, 0.6 * first),
        station(1, 0.4, 0.4 * first),
    ];
    let kind = |(index, station): (usize, &Station)| Kind {
        labels: 1 << index,
        ..Kind::cores("station", station.servers)
    };
    let cluster = Cluster {
        kinds: stations.iter().enumerate().map(kind).collect(),
        nodes: vec![0, 1, 2],
        transfers: Transfers::default(),
        ..Cluster::default()
    };
    let mut found: [Vec<f64>; 4] = Default::default();
    for replication in 0..10 {
        let streams = Streams::new(23, replication);
        let mut draws = ["arrivals", "paths", "sizes"].map(|what| {
            let purpose = Purpose::new(what);
            streams.open(purpose, 0)
        });
        let mut now = SimTime::ZERO;
        let jobs = (0..60_000).map(|_| {
            let [gaps, paths, sizes] = &mut draws;
            now += Span::from_secs_f64(gaps.exponential() / arrivals);
            let mut job = Job::of(now, Task::single(Span::ZERO));
            job.tasks.clear();
            let mut next = Some(0);
            while let Some(at) = next {
                let work = Span::from_secs_f64(sizes.exponential() / stations[at].rate);
                let mut task = Task::single(work.max(Span::NANO));
                task.demand.labels = 1 << at;
                task.parents = (job.tasks.len() as u32)
                    .checked_sub(1)
                    .map(|last| (last, 0))
                    .into_iter()
                    .collect();
                job.tasks.push(task);
                next = match at {
                    0 if paths.bernoulli(0.6) => Some(1),
                    0 => Some(2),
                    1 if paths.bernoulli(0.3) => Some(0),
                    _ => None,
                };
            }
            job
        });
        let mut at_stations = [(0.0, 0.0); 3];
        // Whatever fits starts: in order of arrival at each station, whatever waits at others.
        let watch = Watch {
            inner: Ordered::new(Fcfs, Fit::First, Blocked::Skip),
            stations: &mut at_stations,
        };
        let outcome = run(&cluster, jobs, Estimates::Exact, watch, &streams, &|| false).unwrap();
        assert_eq!((outcome.refused, outcome.live), (0, 0));
        for (found, (sum, count)) in found.iter_mut().zip(at_stations) {
            found.push(sum / count);
        }
        found[3].push(response(&outcome));
    }
    let alone: Vec<f64> = stations.iter().map(Station::response).collect();
    let visits = stations.iter().zip(&alone);
    let all = visits
        .map(|(station, time)| station.visits / arrivals * time)
        .sum();
    for (found, truth) in found.iter().zip(alone.into_iter().chain([all])) {
        holds(mean_and_half(found), truth);
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

/// A hyperexponential of mean one and a squared coefficient of variation of nine, with balanced means; its hazard rate falls.
fn h2() -> (Dist, [(f64, f64); 2]) {
    let p = f64::midpoint(1.0, (8.0_f64 / 10.0).sqrt());
    let branches = [(p, 2.0 * p), (1.0 - p, 2.0 * (1.0 - p))];
    (Dist::hyperexponential(branches.to_vec()).unwrap(), branches)
}

/// Mean response of least attained service for that: over sizes x, λE[min(S,x)²]/(2(1-ρx)²) + x/(1-ρx) with ρx = λE[min(S,x)]
/// (Kleinrock 1976, section 4.6), by the trapezoidal rule in u = √x.
fn least_attained(rate: f64) -> f64 {
    let (_, branches) = h2();
    let sum =
        |of: &dyn Fn(f64, f64) -> f64| branches.iter().map(|&(p, mu)| p * of(mu, p)).sum::<f64>();
    let step = 1e-3;
    (1..20_000)
        .map(|i| {
            let u = f64::from(i) * step;
            let x = u * u;
            let density = sum(&|mu, _| mu * (-mu * x).exp());
            let load = rate * sum(&|mu, _| (1.0 - (-mu * x).exp()) / mu);
            let second = sum(&|mu, _| 2.0 / (mu * mu) * (1.0 - (-mu * x).exp() * (1.0 + mu * x)));
            let rest = 1.0 - load;
            density * (rate * second / (2.0 * rest * rest) + x / rest) * 2.0 * u * step
        })
        .sum()
}

/// The index in closed form: 2/(1-a) for uniform sizes up to one, the rate of exponential ones, and the hazard rate 2/a of Pareto's
/// once they are reached; that of sizes one and eleven is the odds of ending with the first second, and later as if certain.
#[test]
fn indices_of_gittins() {
    #[track_caller]
    fn is(sizes: &Sizes, attained: f64, index: f64) {
        let found = sizes.index(attained);
        assert!((found / index - 1.0).abs() < 0.02, "at {attained}: {found}");
    }
    let uniform = Sizes::of(&Dist::uniform(0.0, 1.0).unwrap(), 10).unwrap();
    for attained in [0.0, 0.05, 0.5, 0.83] {
        is(&uniform, attained, 2.0 / (1.0 - attained));
    }
    let exponential = Sizes::of(&Dist::exponential(4.0).unwrap(), 500).unwrap();
    for attained in [0.0, 1.0, 7.0] {
        is(&exponential, attained, 0.25);
    }
    let pareto = Sizes::of(&Dist::pareto(1.0, 2.0).unwrap(), 2000).unwrap();
    for attained in [1.001, 1.5, 2.0, 4.0] {
        is(&pareto, attained, 2.0 / attained);
    }
    let two = Sizes::quantiles(&[(0.0, 1.0), (0.9, 1.0), (0.9, 11.0), (1.0, 11.0)]).unwrap();
    is(&two, 0.0, 0.9);
    is(&two, 0.5, 0.9 / 0.5);
    is(&two, 1.0, 0.1);
    is(&two, 6.0, 0.2);
    assert!(two.index(11.0) == 0.0);
    let error = |points: &[(f64, f64)]| Sizes::quantiles(points).unwrap_err();
    assert_eq!(
        error(&[(0.0, 1.0), (0.5, 0.5), (1.0, 3.0)]),
        "the quantile 0.5 s at 0.5 comes after 1 s at 0: both should rise"
    );
    assert_eq!(
        error(&[(0.0, 1.0), (0.5, 2.0)]),
        "quantiles go from 0 to 0.5, and should from 0 to 1"
    );
}

/// Gittins' index is first come, first served where the hazard rate rises, job by job, and least attained service where it falls;
/// between the two, for a mixture of sizes, it beats both (Aalto, Ayesta and Righter 2009).
#[test]
fn gittins_is_first_come_or_least_attained_or_better() {
    let gittins = |sizes: &Dist| ordered(Gittins::new(Sizes::of(sizes, 200).unwrap()));
    let uniform = Dist::uniform(0.0, 2.0).unwrap();
    let erlang = Dist::gamma(3.0, 1.0 / 3.0).unwrap();
    for sizes in [uniform, erlang] {
        let streams = Streams::new(21, 0);
        let jobs = || poisson(0.8, sizes.clone(), 20_000, &streams);
        let first_come = outcome(1, jobs(), ordered(Fcfs), &streams);
        let index = outcome(1, jobs(), gittins(&sizes), &streams);
        assert_eq!(index.preemptions, 0);
        assert_eq!(index.jobs, first_come.jobs);
    }
    let (h2, _) = h2();
    let truth = least_attained(0.5);
    assert!((1.0..2.0).contains(&truth), "{truth}: sharing has 2");
    holds(interval(1, 0.5, &h2, || gittins(&h2), response), truth);
    // Half a second or two: who has had half a second is not left for a newcomer once it is nearly done.
    let sizes = Dist::quantiles(vec![(0.0, 0.49), (0.8, 0.5), (0.801, 2.9), (1.0, 3.0)]).unwrap();
    let means: Vec<[f64; 3]> = (0..10)
        .map(|replication| {
            let streams = Streams::new(22, replication);
            let jobs = || poisson(0.8, sizes.clone(), 60_000, &streams);
            [
                response(&outcome(1, jobs(), gittins(&sizes), &streams)),
                response(&outcome(1, jobs(), ordered(Fcfs), &streams)),
                response(&outcome(1, jobs(), Las::default(), &streams)),
            ]
        })
        .collect();
    for [index, first_come, least] in means {
        assert!(
            index < first_come && index < least,
            "{index} {first_come} {least}"
        );
    }
}

/// One queue is first come, first served, job by job; many thin ones are least attained service, here for sizes that it likes.
#[test]
fn queues_of_tiresias() {
    let tiresias = |thresholds| Tiresias::new(thresholds, None, Fit::First, Blocked::Wait);
    let (h2, _) = h2();
    let streams = Streams::new(23, 0);
    let jobs = || poisson(0.8, h2.clone(), 20_000, &streams);
    let one = outcome(1, jobs(), tiresias(Vec::new()), &streams);
    assert_eq!(one.jobs, outcome(1, jobs(), ordered(Fcfs), &streams).jobs);
    assert_eq!(one.preemptions, 0);
    let thin = || {
        let thresholds = (1..300).map(|i| Span::from_secs_f64(0.01 * 1.03_f64.powi(i)));
        tiresias(thresholds.collect())
    };
    holds(interval(1, 0.5, &h2, thin, response), least_attained(0.5));
}

/// A job that has had ten seconds gives way to newcomers until it has waited for twice that.
#[test]
fn tiresias_promotes_who_waits_too_long() {
    let job =
        |at: u64, work: u64| Job::of(SimTime::from_secs(at), Task::single(Span::from_secs(work)));
    let jobs = || std::iter::once(job(0, 15)).chain((0..20).map(|i| job(1 + 5 * i, 5)));
    let ended = |promotion: Option<f64>| {
        let ten = vec![Span::from_secs(10)];
        let tiresias = Tiresias::new(ten, promotion, Fit::First, Blocked::Wait);
        let streams = Streams::new(1, 0);
        let outcome = outcome(1, jobs(), tiresias, &streams);
        let long = outcome.jobs.iter().find(|row| row.serial == 0);
        long.expect("it ended").ended
    };
    assert_eq!(ended(None), SimTime::from_secs(115));
    assert_eq!(ended(Some(2.0)), SimTime::from_secs(35));
}
