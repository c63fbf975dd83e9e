//! Policies: what each promises, against brute force; a stranger's scheduler; and illegal orders.

mod common;

use std::cell::Cell;
use std::sync::Arc;

use common::{churn, deployment, device, platform, settings, workload};
use walras_des::{Dist, Purpose, SimTime, Span, Streams};
use walras_sim::availability::{Availability, Renewal};
use walras_sim::hardware::Profile;
use walras_sim::ids::{JobId, NodeId, ProfileId, RegionId};
use walras_sim::knowledge::{Reports, State};
use walras_sim::market::{Pricing, Rates};
use walras_sim::network::{Network, Region};
use walras_sim::platform::{Offer, Platform, Size};
use walras_sim::record::{JobTable, MetricId, Output, REFUSALS_KEPT};
use walras_sim::scheduling::{
    Cause, CheapestWithinSlo, DeadlineAndBudget, Dispatch, LeastLoaded, Orders, Pick,
    PowerOfChoices, Random, Reason, RoundRobin, Scheduler, by_score,
};
use walras_sim::view::{Needs, Obstacle, View};
use walras_sim::workload::Workload;
use walras_sim::world::{World, run};

fn race<S: Scheduler>(platform: &Platform, workload: &Workload, scheduler: S) -> Output {
    let streams = Streams::new(31, 0);
    let world = World::new(
        platform,
        workload,
        &settings(6),
        &streams,
        scheduler,
        JobTable::default(),
    );
    run(world, &|| false).expect("not stopped")
}

fn stream() -> walras_des::Stream {
    Streams::new(31, 0).open(Purpose::new("test"), 0)
}

/// Sixty unequal, churning machines under a load that keeps half of them busy.
fn churning() -> (Platform, Workload) {
    let mut platform = platform(60, 16, 4);
    platform.fleets[0].availability = churn();
    (
        platform,
        Workload {
            patience: Span::MINUTE,
            ..workload(3.0)
        },
    )
}

fn eligible<'a>(job: JobId, view: &'a View<'_>) -> impl Iterator<Item = NodeId> + 'a {
    (0..view.node_count())
        .map(NodeId::new)
        .filter(move |&node| view.eligible(job, node))
}

/// A policy under observation: `check` sees job, view and choice.
struct Watched<P, C> {
    pick: P,
    check: C,
}

impl<P: Pick, C: FnMut(JobId, &View<'_>, Option<NodeId>)> Pick for Watched<P, C> {
    fn needs(&self) -> Needs {
        self.pick.needs()
    }

    fn pick(&mut self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        let node = self.pick.pick(job, view);
        (self.check)(job, view, node);
        node
    }
}

/// Whatever a policy promises must hold at every decision of a run.
fn promises(pick: impl Pick, check: impl Fn(JobId, &View<'_>, Option<NodeId>)) {
    let (platform, workload) = churning();
    let decisions = Cell::new(0);
    let watched = Watched {
        pick,
        check: |job: JobId, view: &View<'_>, node: Option<NodeId>| {
            assert_eq!(
                node.is_some(),
                eligible(job, view).next().is_some(),
                "a node is found if there is one"
            );
            assert!(
                node.is_none_or(|node| view.eligible(job, node)),
                "an illegal choice"
            );
            check(job, view, node);
            decisions.set(decisions.get() + 1);
        },
    };
    let output = race(&platform, &workload, Dispatch(watched));
    assert!(decisions.get() > 10_000 && output.counts.refused_orders == 0);
}

#[test]
fn random_and_round_robin_find_a_node_if_there_is_one() {
    promises(Random::new(stream()), |_, _, _| {});
    promises(RoundRobin::default(), |_, _, _| {});
    promises(PowerOfChoices::new(3, stream()), |_, _, _| {});
}

/// The eligible node with the fewest outstanding jobs, the nearest among equals, by looking at every node.
fn shortest(job: JobId, view: &View<'_>) -> Option<NodeId> {
    eligible(job, view)
        .min_by_key(|&node| (view.node(node).outstanding, view.latency(job, node), node))
}

#[test]
fn least_loaded_takes_the_shortest_queue() {
    promises(LeastLoaded, |job, view, node| {
        assert_eq!(node, shortest(job, view));
    });
}

/// Four regions, several distances within each, two device classes of which one holds only short prompts, owners who refuse at some
/// prices, reports that are late: the index finds what a search of all nodes finds.
#[test]
fn the_index_of_queues_is_exact() {
    let (mut platform, mut workload) = churning();
    let names = ["a", "b", "c", "d"];
    let regions = names.map(|name| Region {
        name: name.into(),
        electricity: 0.2,
        utc_offset: 0.0,
    });
    let links: Vec<_> = (0..3)
        .map(|i| (RegionId(i), RegionId(i + 1), 0.01 * f64::from(i + 1)))
        .collect();
    platform.network = Arc::new(Network::new(regions.to_vec(), &links, 0.010).unwrap());
    let mut small = device();
    small.memory = 18 << 30;
    platform
        .profiles
        .push(Profile::new(&small, &deployment(16)));
    let fleet = &mut platform.fleets[0];
    fleet.size = Size::Fixed(90);
    fleet.regions = (0..4).map(|i| (RegionId(i), f64::from(i + 1))).collect();
    fleet.access = Dist::uniform(0.0, 1e-8).unwrap();
    fleet.devices.push(Offer {
        profile: ProfileId(1),
        share: 0.5,
        usd_per_hour: 0.3,
    });
    workload.origins = fleet.regions.clone();
    workload.budget = Some(Dist::lognormal(-2.0, 0.7).unwrap());
    for state in [
        State::Fresh,
        State::Periodic(Reports {
            every: Span::SECOND * 20,
            adds_own: true,
        }),
    ] {
        platform.knowledge.state = state;
        let (found, nowhere) = (Cell::new(0), Cell::new(0));
        let watched = Watched {
            pick: LeastLoaded,
            check: |job: JobId, view: &View<'_>, node: Option<NodeId>| {
                assert_eq!(node, shortest(job, view));
                let count = if node.is_some() { &found } else { &nowhere };
                count.set(count.get() + 1);
            },
        };
        race(&platform, &workload, Dispatch(watched));
        assert!(
            found.get() > 3_000 && nowhere.get() > 1_000,
            "{found:?} {nowhere:?}"
        );
    }
}

/// Buyya, Abramson, Giddy 2000: the cheapest that is in time, else the fastest; the budget is part of being eligible.
#[test]
fn deadline_and_budget_is_the_cheapest_in_time() {
    let deadline = Span::SECOND * 8;
    promises(DeadlineAndBudget::new(deadline), |job, view, node| {
        let time = |node| {
            let prediction = view.predict(job, node);
            let steps = f64::from(view.job(job).output_estimate - 1);
            prediction.ttft + steps * prediction.tpot
        };
        let spent = (view.now() - view.job(job).submitted).as_secs_f64();
        let in_time = |node: &NodeId| spent + time(*node) <= deadline.as_secs_f64();
        let cheapest = eligible(job, view)
            .filter(in_time)
            .map(|node| view.price(job, node))
            .min();
        let Some(node) = node else { return };
        if let Some(cheapest) = cheapest {
            assert!(in_time(&node) && view.price(job, node) == cheapest);
        } else {
            let fastest = eligible(job, view).map(time).fold(f64::INFINITY, f64::min);
            assert_eq!(time(node), fastest);
        }
    });
}

/// Prices that no owner asked, and prices of jobs where there are none, are refused.
#[test]
fn a_price_below_the_ask_is_refused() {
    struct Stingy;
    impl Scheduler for Stingy {
        fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
            if let Cause::JobArrived(job) = cause
                && let Some(node) = eligible(job, view).next()
            {
                orders.place_at(job, node, Rates::default());
            }
        }
    }
    let mut market = platform(10, 4, 8);
    let one = Workload {
        patience: Span::MINUTE,
        ..workload(1.0)
    };
    let why = |platform: &Platform| race(platform, &one, Stingy).refusals[0].why;
    assert_eq!(why(&market), Reason::BelowAsk);
    market.pricing = Pricing::Rental;
    assert_eq!(why(&market), Reason::FixedPrice);
}

#[test]
fn cheapest_within_slo_is_the_cheapest_within_slo() {
    promises(CheapestWithinSlo::default(), |job, view, node| {
        let good = || eligible(job, view).filter(|&node| view.meets_slo(job, node));
        let cheapest = good()
            .map(|node| (view.price(job, node), view.latency(job, node), node))
            .min();
        let Some(node) = node else { return };
        if let Some((_, _, cheapest)) = cheapest {
            assert_eq!(node, cheapest);
        } else {
            let ttft = |node| view.predict(job, node).ttft;
            let earliest = eligible(job, view).map(ttft).fold(f64::INFINITY, f64::min);
            assert!(ttft(node) <= earliest);
        }
    });
}

/// Ten identical nodes that never fill up: round robin gives each the same number, random the multinomial spread
/// (χ² with 9 degrees of freedom; seed 31, α = 0.001).
#[test]
fn shares_are_even_on_equal_nodes() {
    let (platform, workload) = (platform(10, 256, 1_000), workload(2.0));
    let shares = |output: &Output| {
        let mut shares = [0u32; 10];
        for job in &output.jobs {
            shares[job.node.expect("all complete").index()] += 1;
        }
        shares
    };
    let even = shares(&race(&platform, &workload, Dispatch(RoundRobin::default())));
    assert!(
        even.iter().max().unwrap() - even.iter().min().unwrap() <= 1,
        "{even:?}"
    );
    let random = shares(&race(&platform, &workload, Dispatch(Random::new(stream()))));
    let expected = f64::from(random.iter().sum::<u32>()) / 10.0;
    let chi2: f64 = random
        .iter()
        .map(|&n| (f64::from(n) - expected).powi(2) / expected)
        .sum();
    assert!(chi2 < 27.88, "χ² = {chi2} of {random:?}");
}

/// Azar et al. 1999, Mitzenmacher 2001: two choices shorten the queues of one; more choices shorten them further, by less.
#[test]
fn choices_help_and_the_second_helps_most() {
    let (platform, workload) = (platform(40, 1, 10_000), workload(7.0));
    let p95 = |d| {
        let output = race(
            &platform,
            &workload,
            Dispatch(PowerOfChoices::new(d, stream())),
        );
        output
            .metrics
            .get(MetricId::TtftP95)
            .expect("jobs complete")
    };
    let (one, two, five) = (p95(1), p95(2), p95(5));
    assert!(
        one > 2.0 * two && two > five && one - two > two - five,
        "{one} {two} {five}"
    );
}

/// A scheduler that is not ours, in a few lines: prefer nodes that have been up for long (decreasing hazard).
#[test]
fn a_stranger_can_race_a_scheduler() {
    let (platform, workload) = churning();
    let veteran =
        by_score(|_, node, view| Some((view.now() - view.node(node).up_since).as_secs_f64()));
    let old = race(&platform, &workload, Dispatch(veteran));
    let random = race(&platform, &workload, Dispatch(Random::new(stream())));
    let losses = |output: &Output| {
        output
            .metrics
            .get(MetricId::Losses)
            .expect("jobs were submitted")
    };
    assert_eq!(
        old.counts.submitted, random.counts.submitted,
        "the arrivals do not depend on the scheduler"
    );
    // Weibull stays of shape 0.4: a node that has been up for long is likely to stay.
    assert!(
        losses(&old) < losses(&random) / 2.0,
        "{} against {}",
        losses(&old),
        losses(&random)
    );
}

/// Orders that no world should obey.
struct Reckless;

impl Scheduler for Reckless {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        if let Cause::JobArrived(job) = cause {
            let first = eligible(job, view).next();
            orders.place(job, NodeId(u32::MAX));
            orders.place(JobId(u32::MAX), NodeId(0));
            orders.reject(JobId(u32::MAX));
            if let Some(node) = first {
                orders.place(job, node);
                orders.place(job, node);
                orders.reject(job);
            }
        }
    }
}

#[test]
fn illegal_orders_are_refused_and_counted() {
    let (platform, workload) = churning();
    let output = race(&platform, &workload, Reckless);
    let counts = output.counts;
    assert!(counts.completed > 10_000 && counts.live == 0, "{counts:?}");
    assert!(counts.refused_orders >= 3 * counts.submitted, "{counts:?}");
    // The first request finds nodes; each of the five bad orders about it has its own reason, and says which request it was.
    let explained: Vec<String> = output.refusals.iter().map(ToString::to_string).collect();
    assert_eq!(explained.len(), REFUSALS_KEPT);
    let at = output.refusals[0].at;
    let expected = [
        "place job 0 on node 4294967295: the platform has no such node",
        "place the job in slot 4294967295 on node 0: the job has ended, or never was",
        "reject the job in slot 4294967295: the job has ended, or never was",
        "place job 0 on node 2: the job is on a node already",
        "reject job 0: the job is on a node already",
    ];
    for (line, end) in explained.iter().zip(expected) {
        assert_eq!(*line, format!("at {at}, {end}"));
    }
}

/// What stands between a job and a node is named, one obstacle at a time.
#[test]
fn obstacles_are_named() {
    /// Sends every request to node 0, whatever is known of it.
    struct Stubborn;
    impl Scheduler for Stubborn {
        fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
            if let Cause::JobArrived(job) = cause {
                orders.place(job, NodeId(0));
                orders.wake(SimTime::ZERO);
                assert_eq!(
                    view.obstacle(job, NodeId(0)).is_none(),
                    view.eligible(job, NodeId(0))
                );
            }
        }
    }
    let reasons = |platform: &Platform, workload: &Workload| {
        let refusals = race(platform, workload, Stubborn).refusals;
        let mut reasons: Vec<Reason> = refusals.iter().map(|refusal| refusal.why).collect();
        reasons.retain(|why| *why != Reason::Past);
        reasons
    };
    let one = Workload {
        patience: Span::MINUTE,
        ..workload(1.0)
    };
    let full = reasons(&platform(1, 1, 1), &one);
    assert!(full.contains(&Reason::Node(Obstacle::Full)), "{full:?}");
    let poor = Workload {
        budget: Some(Dist::constant(1e-6).unwrap()),
        ..one.clone()
    };
    let dear = reasons(&platform(1, 1, 1), &poor);
    assert!(dear.contains(&Reason::Node(Obstacle::TooDear)), "{dear:?}");
    let mut absent = platform(1, 1, 1);
    absent.fleets[0].availability = Availability::from(Renewal {
        up: Dist::constant(1.0).unwrap(),
        down: Dist::constant(1e3).unwrap(),
    });
    let down = reasons(&absent, &one);
    assert!(down.contains(&Reason::Node(Obstacle::Down)), "{down:?}");
}

/// Deadline orders: a scheduler that never places anything loses every job to impatience, and the books still balance.
#[test]
fn jobs_that_are_never_placed_are_rejected() {
    let (platform, workload) = churning();
    let output = race(
        &platform,
        &workload,
        Dispatch(|_: JobId, _: &View<'_>| None),
    );
    assert_eq!(output.counts.rejected, output.counts.submitted);
    assert!(
        output
            .jobs
            .iter()
            .all(|job| (job.ended - job.submitted) == Span::MINUTE)
    );
}

/// Copies of what is on no node, where a copy is already, or fewer than answers are wanted, are refused with the reason.
#[test]
fn impossible_copies_are_refused() {
    struct Copying;
    impl Scheduler for Copying {
        fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
            if let Cause::JobArrived(job) = cause {
                let mut nodes = eligible(job, view);
                if let (Some(first), Some(second)) = (nodes.next(), nodes.next()) {
                    orders.copy(job, first);
                    orders.place(job, first);
                    orders.copy(job, first);
                    orders.need_answers(job, 2);
                    orders.copy(job, second);
                    orders.copy(job, second);
                    orders.need_answers(job, 2);
                    orders.need_answers(job, 0);
                }
            }
        }
    }
    let output = race(&platform(10, 4, 8), &workload(1.0), Copying);
    let reasons: Vec<Reason> = output
        .refusals
        .iter()
        .take(5)
        .map(|refusal| refusal.why)
        .collect();
    let expected = [
        Reason::NotPlaced,
        Reason::SameNode,
        Reason::TooFewCopies,
        Reason::SameNode,
        Reason::TooFewCopies,
    ];
    assert_eq!(reasons, expected);
    let counts = output.counts;
    assert!(counts.completed == counts.submitted && counts.refused_orders == 5 * counts.submitted);
}
