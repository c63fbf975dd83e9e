//! Data in a cluster: transfers by hand and against those that are alone; stored objects against Markov chains and binomials.

use std::sync::Arc;

use walras_des::{Dist, Purpose, SimTime, Span, Stream, Streams};
use walras_sim::availability::{Availability, Pattern, Renewal, Replay, Start, Track};
use walras_sim::cluster::TaskId;
use walras_sim::cluster::job::{Checkpoint, Demand, Job, Task};
use walras_sim::cluster::node::Kind;
use walras_sim::cluster::plan::Planner;
use walras_sim::cluster::policy::delay::{Delay, Patience, Turn};
use walras_sim::cluster::policy::fit::Fit;
use walras_sim::cluster::policy::planned::Planned;
use walras_sim::cluster::policy::{Cause, Orders, Scheduler};
use walras_sim::cluster::store::{Figures, Object, ObjectId, Placement, Storage};
use walras_sim::cluster::transfers::{Links, Transfers};
use walras_sim::cluster::view::{Stage, View};
use walras_sim::cluster::world::{Cluster, Estimates, Outcome, run};
use walras_sim::ids::{NodeId, RegionId};
use walras_sim::network::egress::Egress;
use walras_sim::network::topology::{Site, Trunk};
use walras_sim::network::{Network, Region};

/// Puts every task on the node that its labels name: when it waits, or bound from the start.
#[derive(Clone, Copy)]
enum Pinned {
    Started,
    Bound,
}

fn home(task: TaskId, view: &View<'_>) -> NodeId {
    NodeId(view.task(task).demand.labels.trailing_zeros())
}

impl Scheduler for Pinned {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        match (self, cause) {
            (Self::Bound, Cause::Submitted(job)) => {
                let card = view.job(job);
                for task in (card.first.0..card.first.0 + card.tasks).map(TaskId) {
                    orders.bind(task, home(task, view));
                }
            }
            // What is interrupted would come behind its own children, and starts when it can.
            _ => {
                for task in view
                    .waiting()
                    .filter(|&task| view.fits(task, home(task, view)))
                {
                    orders.start(task, home(task, view));
                }
            }
        }
    }
}

/// Nodes of many cores, each with a label of its own.
fn nodes(count: usize, availability: &Availability) -> (Arc<[Kind]>, Vec<usize>) {
    let kind = |node| Kind {
        labels: 1_u64 << node,
        availability: availability.clone(),
        ..Kind::cores("node", 1000)
    };
    ((0..count).map(kind).collect(), (0..count).collect())
}

/// Links that are shared, or transfers that are alone.
#[derive(Clone)]
enum Between {
    Alone(f64),
    Shared(Arc<Links>),
}

fn cluster(count: usize, between: &Between) -> Cluster {
    let (kinds, nodes) = nodes(count, &Availability::Always);
    let (transfers, links) = match between {
        Between::Alone(bandwidth) => (alone(0.0, *bandwidth), None),
        Between::Shared(links) => (links.typical(), Some(Arc::clone(links))),
    };
    Cluster {
        kinds,
        nodes,
        transfers,
        links,
        storage: None,
    }
}

fn star(nodes: usize, up: f64, down: f64) -> Between {
    Between::Shared(Arc::new(Links::star(nodes, up, down)))
}

fn alone(latency: f64, bandwidth: f64) -> Transfers {
    Transfers {
        latency: Span::from_secs_f64(latency),
        bandwidth,
    }
}

fn pinned(node: u32, seconds: f64, parents: &[(u32, u64)]) -> Task {
    Task {
        demand: Demand {
            labels: 1 << node,
            ..Demand::CORE
        },
        parents: parents.to_vec(),
        ..Task::single(Span::from_secs_f64(seconds))
    }
}

fn chain(from: u32, to: u32, bytes: u64) -> Job {
    Job {
        tasks: vec![pinned(from, 5.0, &[]), pinned(to, 3.0, &[(0, bytes)])],
        ..Job::of(SimTime::ZERO, Task::single(Span::ZERO))
    }
}

fn simulate(cluster: &Cluster, jobs: &[Job], scheduler: impl Scheduler, seed: u64) -> Outcome {
    let streams = Streams::new(seed, 0);
    let jobs = jobs.iter().cloned();
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
        "seed {seed}: {:?}",
        outcome.refusals
    );
    outcome
}

/// Ends by number of the job [s].
fn ends(outcome: &Outcome) -> Vec<f64> {
    let mut rows = outcome.jobs.clone();
    rows.sort_by_key(|row| row.serial);
    rows.iter().map(|row| row.ended.as_secs_f64()).collect()
}

#[track_caller]
fn close(found: &[f64], truth: &[f64]) {
    assert_eq!(found.len(), truth.len());
    for (found, truth) in found.iter().zip(truth) {
        assert!(
            (found - truth).abs() < 1e-6 * truth.max(1.0),
            "{found}, in truth {truth}"
        );
    }
}

#[test]
fn two_transfers_over_one_access_link_take_twice_as_long() {
    let cluster = cluster(3, &star(3, 100.0, 1e4));
    for policy in [Pinned::Started, Pinned::Bound] {
        let one = simulate(&cluster, &[chain(0, 1, 1000)], policy, 1);
        close(&ends(&one), &[5.0 + 10.0 + 3.0]);
        let two = [chain(0, 1, 1000), chain(0, 2, 1000)];
        let two = simulate(&cluster, &two, policy, 1);
        close(&ends(&two), &[5.0 + 20.0 + 3.0; 2]);
        assert_eq!(two.data.moved, 2000);
    }
    // On the same node nothing moves; in opposite directions nobody shares.
    let apart = [chain(0, 0, 1000), chain(0, 1, 1000), chain(1, 0, 1000)];
    let apart = simulate(&cluster, &apart, Pinned::Started, 1);
    close(&ends(&apart), &[8.0, 18.0, 18.0]);
}

/// Two senders at 10 bytes/s behind a trunk of 15: 7.5 each until the first 100 bytes are through after 13⅓ s; the other then has 200
/// left at 10.
#[test]
fn a_dumbbell_by_hand() {
    let region = |name: &str| Region {
        name: name.into(),
        electricity: 0.1,
        utc_offset: 0.0,
    };
    let [left, right] = [RegionId(0), RegionId(1)];
    let network = Network::new(
        vec![region("left"), region("right")],
        &[(left, right, 0.1)],
        0.0,
    );
    let site = |region, up, down| Site { region, up, down };
    let sites = vec![
        site(left, 10.0, 100.0),
        site(left, 10.0, 100.0),
        site(right, 10.0, 100.0),
        site(right, 10.0, 100.0),
    ];
    let trunk = Trunk {
        between: (left, right),
        capacity: 15.0,
    };
    let egress = Egress::new(&[vec![0.0, 0.02], vec![0.09, 0.0]]);
    let links = Links::new(&network.expect("connected"), sites, vec![trunk]).priced(egress);
    let typical = links.typical();
    // Eight of twelve ordered pairs are in different regions.
    close(
        &[typical.latency.as_secs_f64(), typical.bandwidth],
        &[0.05 * 8.0 / 12.0, 10.0],
    );
    let cluster = cluster(4, &Between::Shared(Arc::new(links)));
    let jobs = [chain(0, 2, 100), chain(1, 3, 300)];
    for policy in [Pinned::Started, Pinned::Bound] {
        let outcome = simulate(&cluster, &jobs, policy, 1);
        let first = 100.0 / 7.5;
        let second = first + 200.0 / 10.0;
        close(&ends(&outcome), &[8.05 + first, 8.05 + second]);
        // 400 bytes leave the left, at 0.02 USD per 10⁹.
        close(&[outcome.data.egress], &[0.02 * 400.0 / 1e9]);
    }
}

/// What is preempted while its inputs come loses what has come, works nothing, and fetches again.
#[test]
fn who_is_stopped_while_fetching_fetches_again() {
    struct Stops(bool);
    impl Scheduler for Stops {
        fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
            if cause == Cause::Woken && !self.0 {
                self.0 = true;
                let task = TaskId(1);
                assert_eq!(view.task(task).stage, Stage::Running);
                assert_eq!(view.task(task).attained(view.now()), Span::ZERO);
                orders.preempt(task);
                orders.wake(view.now());
                return;
            }
            if matches!(cause, Cause::Submitted(_)) {
                orders.wake(SimTime::from_secs(9));
            }
            Pinned::Started.decide(cause, view, orders);
        }
    }
    let cluster = cluster(2, &star(2, 100.0, 100.0));
    let outcome = simulate(&cluster, &[chain(0, 1, 1000)], Stops(false), 1);
    close(&ends(&outcome), &[9.0 + 10.0 + 3.0]);
    // Four seconds' worth had come by then.
    assert_eq!((outcome.data.moved, outcome.lost), (1400, 0.0));
}

fn random_jobs(stream: &mut Stream, places: u64, objects: u64) -> Vec<Job> {
    let mut now = SimTime::ZERO;
    let job = |stream: &mut Stream, now| {
        let count = 1 + stream.below(6);
        let tasks = (0..count).map(|index| {
            let parents: Vec<(u32, u64)> = (0..index as u32)
                .filter_map(|parent| {
                    let bytes = stream.below(3000);
                    stream.bernoulli(0.5).then_some((parent, bytes))
                })
                .collect();
            let reads = if objects > 0 && stream.bernoulli(0.6) {
                vec![ObjectId(stream.below(objects) as u32)].into()
            } else {
                Box::default()
            };
            Task {
                reads,
                checkpoint: stream.bernoulli(0.5).then_some(Checkpoint {
                    interval: Span::from_secs(3),
                    cost: Span::from_secs(1),
                }),
                ..pinned(
                    stream.below(places) as u32,
                    stream.exponential() * 10.0,
                    &parents,
                )
            }
        });
        Job {
            tasks: tasks.collect(),
            ..Job::of(now, Task::single(Span::ZERO))
        }
    };
    (0..30)
        .map(|_| {
            now += Span::from_secs_f64(stream.exponential() * 20.0);
            job(stream, now)
        })
        .collect()
}

/// Workflows on nodes with cores for all: shared links never make one faster than transfers alone at the same bandwidth, and what
/// moves is what children on other nodes need.
#[test]
fn sharing_never_helps_and_moves_all_bytes() {
    for seed in 0..40 {
        let mut stream = Streams::new(seed, 3).open(Purpose::new("workflows"), 0);
        let jobs = random_jobs(&mut stream, 4, 0);
        let (alone, shared) = (Between::Alone(100.0), star(4, 100.0, 100.0));
        let asked: u64 = (jobs.iter())
            .flat_map(|job| {
                let place = |task: &Task| task.demand.labels;
                let tasks = job.tasks.iter();
                tasks.flat_map(move |task| {
                    let apart = (task.parents.iter()).filter(move |&&(parent, _)| {
                        place(&job.tasks[parent as usize]) != place(task)
                    });
                    apart.map(|&(_, bytes)| bytes)
                })
            })
            .sum();
        let run = |between: &Between, policy| {
            let outcome = simulate(&cluster(4, between), &jobs, policy, seed);
            assert_eq!(outcome.data.moved, asked, "seed {seed}");
            ends(&outcome)
        };
        let late = [run(&alone, Pinned::Started), run(&shared, Pinned::Started)];
        let soon = [run(&alone, Pinned::Bound), run(&shared, Pinned::Bound)];
        let no_sooner = |one: &[f64], other: &[f64]| {
            let mut pairs = one.iter().zip(other);
            assert!(
                pairs.all(|(one, other)| *one >= other - 1e-6),
                "seed {seed}: {one:?} against {other:?}"
            );
        };
        no_sooner(&late[1], &late[0]);
        no_sooner(&soon[1], &soon[0]);
        assert!(late[0] != late[1], "seed {seed}: links were never shared");
    }
}

/// Nodes that stay and are away for exponential times with these means [h].
fn churn(up: f64, down: f64) -> Availability {
    Availability::from(Renewal {
        up: Dist::exponential(up).unwrap(),
        down: Dist::exponential(down).unwrap(),
    })
}

fn storage(objects: Vec<Object>, hours: u64) -> Storage {
    Storage {
        objects,
        placement: Placement::Random,
        timeout: None,
        for_good: 0.0,
        watched: Span::from_secs(3600 * hours),
    }
}

/// Objects alone, without jobs.
fn kept(count: usize, availability: Availability, storage: Storage, seed: u64) -> Figures {
    let kind = Kind {
        availability,
        ..Kind::cores("node", 1)
    };
    let cluster = Cluster {
        storage: Some(Arc::new(storage)),
        ..Cluster::of(count, kind)
    };
    let streams = Streams::new(seed, 0);
    let jobs = std::iter::empty();
    let outcome = run(
        &cluster,
        jobs,
        Estimates::None,
        Pinned::Bound,
        &streams,
        &|| false,
    );
    outcome.expect("nobody stops it").data
}

/// Mean and half width (99.9 %) over ten seeds.
fn interval(figure: impl Fn(u64) -> f64) -> (f64, f64) {
    let values: Vec<f64> = (0..10).map(figure).collect();
    let mean = values.iter().sum::<f64>() / 10.0;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    (mean, 4.781 * (squares.sum::<f64>() / 90.0).sqrt())
}

/// x to the power of n.
fn power(x: f64, n: u32) -> f64 {
    (0..n).fold(1.0, |product, _| product * x)
}

#[track_caller]
fn holds((mean, half): (f64, f64), truth: f64, precision: f64) {
    assert!(
        (mean - truth).abs() < half,
        "{mean} ± {half}, in truth {truth}"
    );
    assert!(half < precision * truth, "{mean} ± {half} says little");
}

/// At least k of n nodes are up, each two thirds of the time; 1-(1-a)^n for replicas.
#[test]
fn availability_is_binomial() {
    let a: f64 = 2.0 / 3.0;
    let choose = |n: u32, k: u32| (0..k).fold(1.0, |c, i| c * f64::from(n - i) / f64::from(i + 1));
    for (needed, pieces) in [(1, 1), (1, 2), (1, 3), (2, 4), (3, 5)] {
        let truth: f64 = (needed..=pieces)
            .map(|up| choose(pieces, up) * power(a, up) * power(1.0 - a, pieces - up))
            .sum();
        if needed == 1 {
            assert!((truth - (1.0 - power(1.0 - a, pieces))).abs() < 1e-12);
        }
        let found = interval(|seed| {
            let objects = vec![Object::coded(1000, needed, pieces); 100];
            let figures = kept(40, churn(2.0, 1.0), storage(objects, 1000), seed);
            assert_eq!((figures.lost.len(), figures.moved), (0, 0));
            assert!((figures.held - f64::from(pieces)).abs() < 1e-9);
            figures.available
        });
        holds(found, truth, 0.02);
    }
}

/// Mean time until fewer than `needed` of `pieces` are left, when each is lost at rate λ and each missing one made anew at rate μ: the
/// mean time from i pieces to i-1 is T(i) = 1/(iλ) + (n-i)μ/(iλ) · T(i+1).
fn until_lost(needed: u32, pieces: u32, loss: f64, repair: f64) -> f64 {
    let (mut next, mut sum) = (0.0, 0.0);
    for left in (needed..=pieces).rev() {
        let losses = f64::from(left) * loss;
        next = (1.0 + f64::from(pieces - left) * repair * next) / losses;
        sum += next;
    }
    sum
}

/// Nodes leave for good after exponential times, and are replaced at once.
fn mortal(lifetime: f64) -> Availability {
    Availability::from(Renewal {
        up: Dist::exponential(lifetime).unwrap(),
        down: Dist::constant(0.0).unwrap(),
    })
}

/// Mean time to the loss of an object [h], when all are watched until they are lost.
fn mean_loss(nodes: usize, storage: &Storage, seed: u64) -> f64 {
    let objects = storage.objects.len();
    let figures = kept(nodes, mortal(1.0), storage.clone(), seed);
    assert_eq!(figures.lost.len(), objects, "all are lost in the end");
    let hours = figures.lost.iter().map(|(at, _)| at.as_secs_f64() / 3600.0);
    hours.sum::<f64>() / objects as f64
}

/// Lifetimes and repairs are exponential: the timeouts stand for repairs, and moving takes no time.
#[test]
fn time_to_loss_is_that_of_the_markov_chain() {
    assert!((until_lost(1, 2, 1.0, 5.0) - 4.0).abs() < 1e-12);
    for (needed, pieces, repair) in [(1, 2, 5.0), (1, 3, 2.0), (2, 4, 4.0)] {
        let found = interval(|seed| {
            let storage = Storage {
                timeout: Some(Dist::exponential(1.0 / repair).unwrap()),
                for_good: 1.0,
                ..storage(vec![Object::coded(1000, needed, pieces); 1000], 100_000)
            };
            mean_loss(600, &storage, seed)
        });
        holds(found, until_lost(needed, pieces, 1.0, repair), 0.2);
    }
}

/// Two replicas, noticed at once, and a copy that takes T = size/bandwidth: it fails if the source leaves, and begins again if the
/// target does. With q = exp(-2λT): 1/(2λ) + 1/(λ(1-q)).
#[test]
fn a_copy_takes_its_size_over_the_bandwidth() {
    let hours = 0.1;
    let found = interval(|seed| {
        let storage = Storage {
            timeout: Some(Dist::constant(0.0).unwrap()),
            for_good: 1.0,
            ..storage(vec![Object::replicas(360_000, 2); 200], 100_000)
        };
        let cluster = Cluster {
            transfers: alone(0.0, 1000.0),
            storage: Some(Arc::new(storage)),
            ..Cluster::of(
                100,
                Kind {
                    availability: mortal(1.0),
                    ..Kind::cores("node", 1)
                },
            )
        };
        let outcome = simulate(&cluster, &[], Pinned::Bound, seed);
        let lost = &outcome.data.lost;
        assert_eq!(lost.len(), 200);
        assert_eq!(outcome.data.repaired, outcome.data.repairs * 360_000);
        lost.iter().map(|(at, _)| at.as_secs_f64()).sum::<f64>() / 200.0 / 3600.0
    });
    let q = (-2.0_f64 * hours).exp();
    holds(found, 0.5 + 1.0 / (1.0 - q), 0.2);
}

/// One of three nodes leaves for good after 100 s. What it held is copied from one of the others to the other: two objects in the same
/// direction share the link and take twice as long, in opposite directions they do not.
#[test]
fn repairs_share_links() {
    let mut counts = vec![0; 1000];
    counts[0] = 1;
    let track = Track::of_counts(&counts, Span::from_secs(100));
    let replay = Replay::new(track, Start::Together);
    let leaves = Kind {
        availability: Availability::Mixed(vec![(1.0, Pattern::Replay(replay))]),
        ..Kind::cores("leaves", 1)
    };
    let mut seen = [0; 2];
    for seed in 0..60 {
        let cluster = Cluster {
            kinds: Arc::new([Kind::cores("stays", 1), leaves.clone()]),
            nodes: vec![0, 0, 1],
            transfers: Transfers::default(),
            links: Some(Arc::new(Links::star(3, 10.0, 1e3))),
            storage: Some(Arc::new(Storage {
                timeout: Some(Dist::constant(0.0).unwrap()),
                for_good: 1.0,
                watched: Span::from_secs(1000),
                ..storage(vec![Object::replicas(1000, 2); 2], 0)
            })),
        };
        let figures = simulate(&cluster, &[], Pinned::Bound, seed).data;
        assert!(figures.lost.is_empty() && figures.available == 1.0);
        assert_eq!(figures.repaired, 1000 * figures.repairs);
        assert_eq!(figures.moved, figures.repaired);
        let missing = (2.0 - figures.held) * 2.0 * 1000.0;
        match figures.repairs {
            0 => close(&[missing], &[0.0]),
            1 => close(&[missing], &[100.0]),
            _ => {
                let same_way = missing > 300.0;
                seen[usize::from(same_way)] += 1;
                close(&[missing], &[if same_way { 400.0 } else { 200.0 }]);
            }
        }
    }
    assert!(seen.iter().all(|&count| count > 0), "{seen:?}");
}

/// Who waits longer than any absence repairs nothing; who does not, makes pieces that are one too many when the node is back.
#[test]
fn patience_saves_repairs() {
    let bounded = Availability::from(Renewal {
        up: Dist::exponential(10.0).unwrap(),
        down: Dist::uniform(0.5, 1.5).unwrap(),
    });
    let figures = |timeout: f64| {
        let storage = Storage {
            timeout: Some(Dist::constant(timeout).unwrap()),
            ..storage(vec![Object::replicas(1000, 3); 50], 500)
        };
        kept(30, bounded.clone(), storage, 1)
    };
    let [patient, hasty] = [1.6, 0.1].map(figures);
    assert_eq!((patient.repairs, patient.held), (0, 3.0));
    assert!(hasty.repairs > 0 && hasty.held > 3.0);
    assert!(hasty.available > patient.available);
    assert_eq!((patient.lost.len(), hasty.lost.len()), (0, 0));
    // What returned counts again, so that surplus copies spare later repairs: far fewer than one per absence and copy.
    let absences = 50.0 * 3.0 * 500.0 / 11.0;
    assert!((hasty.repairs as f64) < 0.2 * absences);
}

/// The same jobs, whose tasks may run on any node.
fn anywhere(jobs: &[Job]) -> Vec<Job> {
    let mut jobs = jobs.to_vec();
    for task in jobs.iter_mut().flat_map(|job| &mut job.tasks) {
        task.demand.labels = 0;
    }
    jobs
}

/// Everything at once: workflows that read objects on nodes that leave, some for good, over shared links and alone.
#[test]
fn random_worlds_end_with_their_books_in_order() {
    let mut totals = Figures::default();
    for seed in 0..60 {
        let mut stream = Streams::new(seed, 4).open(Purpose::new("worlds"), 0);
        let jobs = random_jobs(&mut stream, 6, 10);
        let (kinds, nodes) = nodes(6, &churn(0.1, 0.01));
        let links = (seed % 3 > 0).then(|| Arc::new(Links::star(6, 200.0, 400.0)));
        let objects = (0..10).map(|_| {
            let needed = 1 + stream.below(2) as u32;
            Object::coded(stream.below(5000), needed, needed + stream.below(3) as u32)
        });
        let objects: Vec<Object> = objects.collect();
        let storage = Storage {
            timeout: stream
                .bernoulli(0.8)
                .then(|| Dist::exponential(0.005).unwrap()),
            for_good: 0.3,
            placement: [Placement::Random, Placement::Spread][(seed % 2) as usize],
            ..storage(objects, 1)
        };
        let cluster = Cluster {
            kinds,
            nodes,
            transfers: alone(1.0, 300.0),
            links,
            storage: Some(Arc::new(storage)),
        };
        let started = simulate(&cluster, &jobs, Pinned::Started, seed);
        assert_eq!(
            started.digest,
            simulate(&cluster, &jobs, Pinned::Started, seed).digest
        );
        let bound = simulate(&cluster, &jobs, Pinned::Bound, seed);
        let patience = [
            Patience::Offers(stream.below(5) as u32),
            Patience::Time(Span::from_secs(stream.below(60))),
        ];
        let delayed = Delay::new(
            patience[(seed % 2) as usize],
            [Turn::Submitted, Turn::Fair][(seed / 2 % 2) as usize],
            Delay::HEARTBEAT,
            Fit::Best,
        );
        let delayed = simulate(&cluster, &anywhere(&jobs), delayed, seed);
        let planned = simulate(
            &cluster,
            &anywhere(&jobs),
            Planned::new(Planner::Heft),
            seed,
        );
        for outcome in [started, bound, delayed, planned] {
            let data = &outcome.data;
            assert_eq!(outcome.jobs.len(), 30, "seed {seed}");
            assert!((0.0..=1.0).contains(&data.available), "seed {seed}");
            assert!(data.moved >= data.repaired, "seed {seed}");
            totals.reads_local += data.reads_local;
            totals.reads_remote += data.reads_remote;
            totals.reads_outside += data.reads_outside;
            totals.repairs += data.repairs;
            totals.lost.extend(&data.lost);
        }
    }
    // All of it happened.
    assert!(
        totals.reads_local > 100 && totals.reads_remote > 100,
        "{totals:?}"
    );
    assert!(
        totals.reads_outside > 10 && totals.repairs > 100,
        "{totals:?}"
    );
    assert!(totals.lost.len() > 10, "{totals:?}");
}

/// Under a long backlog, one node after the other offers itself at random. Share of jobs that started at their data.
fn locality(delay: &Delay, seed: u64) -> f64 {
    const NODES: usize = 100;
    let mut stream = Streams::new(seed, 5).open(Purpose::new("backlog"), 0);
    let mut job = |reads: Box<[ObjectId]>| {
        let work = Span::from_secs_f64(1.0 + stream.exponential() * 100.0);
        let task = Task {
            reads,
            ..Task::single(work)
        };
        Job::of(SimTime::ZERO, task)
    };
    // The first fill the nodes, so that every other starts when a single one is free.
    let mut jobs: Vec<Job> = (0..NODES).map(|_| job(Box::default())).collect();
    jobs.extend((0..700).map(|object| job([ObjectId(object)].into())));
    let cluster = Cluster {
        // A read from afar can be told from its millisecond.
        transfers: alone(1e-3, f64::INFINITY),
        storage: Some(Arc::new(storage(vec![Object::replicas(1, 15); 700], 0))),
        ..Cluster::of(NODES, Kind::cores("node", 1))
    };
    let outcome = simulate(&cluster, &jobs, delay.clone(), seed);
    assert_eq!(
        outcome.data.reads_local + outcome.data.reads_remote,
        700,
        "seed {seed}"
    );
    // Those at the end have the choice among several nodes.
    let measured = outcome
        .jobs
        .iter()
        .filter(|row| (100..600).contains(&row.serial));
    let (local, count) = measured.fold((0.0, 0.0), |(local, count), row| {
        let is_local = row.ended - row.started == row.work;
        (local + f64::from(u8::from(is_local)), count + 1.0)
    });
    local / count
}

/// A job lets D offers pass at most and looks at one more: it misses its data, on a share p of the nodes, with probability
/// (1-p)^(D+1).
#[test]
fn waiting_finds_data_as_often_as_chance_says() {
    let offers = |most| {
        Delay::new(
            Patience::Offers(most),
            Turn::Submitted,
            Delay::HEARTBEAT,
            Fit::First,
        )
    };
    for most in [0, 1, 4, 12] {
        let truth = 1.0 - power(1.0 - 15.0 / 100.0, most + 1);
        let found = interval(|seed| locality(&offers(most), seed));
        holds(found, truth, 0.3);
    }
    assert_eq!(locality(&offers(u32::MAX), 1), 1.0);
    let at_once = Delay::new(
        Patience::Time(Span::ZERO),
        Turn::Submitted,
        Delay::HEARTBEAT,
        Fit::First,
    );
    assert_eq!(locality(&at_once, 1), locality(&offers(0), 1));
    // A node comes free every second.
    let seconds = |seconds| {
        let patience = Patience::Time(Span::from_secs(seconds));
        Delay::new(patience, Turn::Fair, Delay::HEARTBEAT, Fit::First)
    };
    let waits = [0, 2, 20].map(|time| locality(&seconds(time), 2));
    assert!(
        waits[0] < waits[1] && waits[1] < waits[2] && waits[2] > 0.6,
        "{waits:?}"
    );
}

/// Two jobs of a hundred tasks of a second on ten nodes: one after the other, or both at the same pace, but that the first had all nodes
/// for a second before there was the other.
#[test]
fn turns_are_fair_or_not() {
    let job = Job {
        tasks: vec![Task::single(Span::from_secs(1)); 100],
        ..Job::of(SimTime::ZERO, Task::single(Span::ZERO))
    };
    let cluster = Cluster::of(10, Kind::cores("node", 1));
    let ends = |turn| {
        let delay = Delay::new(Patience::default(), turn, Delay::HEARTBEAT, Fit::First);
        ends(&simulate(&cluster, &[job.clone(), job.clone()], delay, 1))
    };
    assert_eq!(ends(Turn::Submitted), [10.0, 20.0]);
    assert_eq!(ends(Turn::Fair), [19.0, 20.0]);
}

/// Who has the data is busy for ten seconds: the job waits as long as it may, or starts far away at once.
#[test]
fn patience_ends() {
    let storage = Arc::new(storage(vec![Object::replicas(1000, 1)], 0));
    let reader = Task {
        reads: [ObjectId(0)].into(),
        ..Task::single(Span::from_secs(1))
    };
    let busy = Job::of(
        SimTime::ZERO,
        Task {
            reads: [ObjectId(0)].into(),
            ..Task::single(Span::from_secs(10))
        },
    );
    let jobs = [busy, Job::of(SimTime::from_secs(1), reader)];
    let cluster = Cluster {
        transfers: alone(0.0, 500.0),
        storage: Some(storage),
        ..Cluster::of(3, Kind::cores("node", 1))
    };
    let end = |patience| {
        let delay = Delay::new(patience, Turn::Fair, Span::from_secs(3), Fit::First);
        let outcome = simulate(&cluster, &jobs, delay, 1);
        let remote = 4.0 - 2.0 * outcome.data.reads_local as f64;
        (ends(&outcome)[1], remote)
    };
    // Far away it reads for two seconds.
    assert_eq!(end(Patience::Offers(0)), (1.0 + 3.0, 2.0));
    assert_eq!(end(Patience::Offers(2)), (1.0 + 2.0 * 3.0 + 3.0, 2.0));
    assert_eq!(
        end(Patience::Time(Span::from_secs(5))),
        (1.0 + 5.0 + 3.0, 2.0)
    );
    assert_eq!(end(Patience::Time(Span::from_secs(60))), (10.0 + 1.0, 0.0));
}

/// Who sends an object leaves after 100 s of 200: another one sends it anew; without another, its owner does.
#[test]
fn who_reads_from_a_leaving_node_reads_elsewhere() {
    let mut counts = vec![0; 1000];
    counts[0] = 1;
    let track = Track::of_counts(&counts, Span::from_secs(100));
    let leaves = Kind {
        availability: Availability::Mixed(vec![(
            1.0,
            Pattern::Replay(Replay::new(track, Start::Together)),
        )]),
        ..Kind::cores("leaves", 1)
    };
    let reader = Kind {
        labels: 1,
        ..Kind::cores("reads", 1)
    };
    // On 100 nodes that leave, one that stays and one that reads: nearly always the reader has no copy, and at most one copy stays.
    let mut nodes = vec![2, 1];
    nodes.extend([0; 100]);
    let task = Task {
        reads: [ObjectId(0)].into(),
        ..pinned(0, 1.0, &[])
    };
    let mut seen = [0; 3];
    for seed in 0..20 {
        let cluster = Cluster {
            kinds: Arc::new([leaves.clone(), Kind::cores("stays", 1), reader.clone()]),
            nodes: nodes.clone(),
            transfers: Transfers::default(),
            links: Some(Arc::new(Links::star(102, 10.0, 10.0))),
            storage: Some(Arc::new(storage(vec![Object::replicas(2000, 50)], 0))),
        };
        let jobs = [Job::of(SimTime::ZERO, task.clone())];
        let outcome = simulate(&cluster, &jobs, Pinned::Started, seed);
        let data = &outcome.data;
        match (data.reads_local, data.reads_outside, ends(&outcome)[0]) {
            (1, 0, end) => {
                seen[0] += 1;
                close(&[end], &[1.0]);
            }
            // Half of it was for nothing.
            (0, outside, end) if end > 202.0 => {
                seen[1] += 1;
                close(&[end], &[100.0 + 200.0 + 1.0]);
                assert!(outside <= 1);
                assert_eq!(data.moved, 3000);
            }
            (0, 0, end) => {
                seen[2] += 1;
                close(&[end], &[201.0]);
            }
            other => panic!("seed {seed}: {other:?}"),
        }
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
}
