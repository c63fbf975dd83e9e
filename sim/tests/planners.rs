//! Planners of workflows against the examples of their papers and the bounds that hold for them.

use std::sync::Arc;

use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use proptest::prelude::*;
use walras_des::{SimTime, Span, Streams};
use walras_sim::availability::{Availability, Pattern, Replay, Start, Track};

use walras_sim::cluster;
use walras_sim::cluster::job::{Demand, Job, Task};
use walras_sim::cluster::node::Kind;
use walras_sim::cluster::plan::rank::Ranks;
use walras_sim::cluster::plan::{
    Cost, Flaw, Graph, Input, Machines, Planner, Processor, Reservation, Schedule, Work, bound,
    fixed, list, peft,
};
use walras_sim::cluster::policy::planned::{Planned, Scope};
use walras_sim::cluster::world::{Cluster, Estimates, Outcome, Transfers, run};

/// A byte takes a second.
const BYTES_AS_SECONDS: Transfers = Transfers {
    latency: Span::ZERO,
    bandwidth: 1.0,
};

/// A table of times in seconds by task and processor, and edges with the seconds that their data takes.
type Example<const TASKS: usize, const EDGES: usize> =
    ([[u64; 3]; TASKS], [(u32, u32, u64); EDGES]);

/// Topcuoglu, Hariri and Wu 2002, figures 2 and 3 and table 1; tasks are numbered from one.
const TOPCUOGLU: Example<10, 15> = (
    [
        [14, 16, 9],
        [13, 19, 18],
        [11, 13, 19],
        [13, 8, 17],
        [12, 13, 10],
        [13, 16, 9],
        [7, 15, 11],
        [5, 11, 14],
        [18, 12, 20],
        [21, 7, 16],
    ],
    [
        (1, 2, 18),
        (1, 3, 12),
        (1, 4, 9),
        (1, 5, 11),
        (1, 6, 14),
        (2, 8, 19),
        (2, 9, 16),
        (3, 7, 23),
        (4, 8, 27),
        (4, 9, 23),
        (5, 9, 13),
        (6, 8, 15),
        (7, 10, 17),
        (8, 10, 11),
        (9, 10, 13),
    ],
);

/// Arabnejad and Barbosa 2014, figure 1, as the tests of github.com/mackncheesiest/peft have it.
const ARABNEJAD: Example<10, 15> = (
    [
        [22, 21, 36],
        [22, 18, 18],
        [32, 27, 43],
        [7, 10, 4],
        [29, 27, 35],
        [26, 17, 24],
        [14, 25, 30],
        [29, 23, 36],
        [15, 21, 8],
        [13, 16, 33],
    ],
    [
        (1, 2, 17),
        (1, 3, 31),
        (1, 4, 29),
        (1, 5, 13),
        (1, 6, 7),
        (2, 8, 3),
        (2, 9, 30),
        (3, 7, 16),
        (4, 8, 11),
        (4, 9, 7),
        (5, 9, 57),
        (6, 8, 5),
        (7, 10, 9),
        (8, 10, 42),
        (9, 10, 7),
    ],
);

fn graph<const TASKS: usize, const EDGES: usize>(example: &Example<TASKS, EDGES>) -> Graph {
    let mut graph = Graph::new();
    for times in example.0 {
        graph.add_node(Work::taking(times.map(Span::from_secs)));
    }
    for (from, to, bytes) in example.1 {
        graph.add_edge((from - 1).into(), (to - 1).into(), bytes);
    }
    graph
}

fn three() -> Machines {
    Machines::unrelated(3, BYTES_AS_SECONDS)
}

/// Independent tasks of so many seconds each, on `count` identical processors.
fn independent(count: usize, lengths: &[u64]) -> (Graph, Machines) {
    let mut graph = Graph::new();
    for &length in lengths {
        graph.add_node(Work::taking([Span::from_secs(length)]));
    }
    (graph, Machines::identical(count, Transfers::default()))
}

fn planned(planner: Planner, graph: &Graph, machines: &Machines) -> Schedule {
    let schedule = planner.plan(graph, machines);
    assert_eq!(schedule.verify(graph, machines), Ok(()), "{planner}");
    assert!(
        schedule.makespan() >= bound::makespan(graph, machines),
        "{planner} beats what cannot be beaten"
    );
    schedule
}

fn seconds(schedule: &Schedule) -> f64 {
    schedule.makespan().as_secs_f64()
}

#[test]
fn upward_ranks_of_the_example() {
    let graph = graph(&TOPCUOGLU);
    let ranks = Ranks::of(&graph, &three());
    // Table 3 of the paper.
    let published = [
        108.0, 77.0, 80.0, 80.0, 69.0, 63.333, 42.667, 35.667, 44.333, 14.667,
    ];
    for (task, rank) in graph.node_indices().zip(published) {
        let found = ranks.upward(task).as_secs_f64();
        assert!((found - rank).abs() < 1e-3, "{task:?}: {found}, not {rank}");
    }
    // CPOP's critical path is 1, 2, 9, 10: upward and downward ranks sum to its length there, and to less elsewhere.
    let on_path = |task: &NodeIndex| {
        let sum = ranks.upward(*task) + ranks.downward(*task);
        (sum.as_secs_f64() - 108.0).abs() < 1e-6
    };
    let path: Vec<usize> = (graph.node_indices().filter(on_path))
        .map(|task| task.index() + 1)
        .collect();
    assert_eq!(path, [1, 2, 9, 10]);
}

#[test]
fn heft_and_cpop_on_their_example() {
    let graph = graph(&TOPCUOGLU);
    let heft = planned(Planner::Heft, &graph, &three());
    assert_eq!(seconds(&heft), 80.0);
    // Figure 3a: tasks on each processor in order.
    let order = |processor| -> Vec<usize> {
        let order = heft.order(processor).into_iter();
        order.map(|task| task.index() + 1).collect()
    };
    assert_eq!(order(0), [2, 8]);
    assert_eq!(order(1), [4, 6, 9, 10]);
    assert_eq!(order(2), [1, 3, 5, 7]);
    assert_eq!(seconds(&planned(Planner::Cpop, &graph, &three())), 86.0);
}

#[test]
fn peft_on_its_example() {
    let graph = graph(&ARABNEJAD);
    // Table 1 of the paper.
    let published = [
        [64, 68, 86],
        [42, 39, 42],
        [27, 41, 43],
        [42, 39, 50],
        [28, 37, 28],
        [42, 39, 44],
        [13, 16, 22],
        [13, 16, 33],
        [13, 16, 20],
        [0, 0, 0],
    ];
    let table = peft::optimistic_costs(&graph, &three());
    assert_eq!(table, published.map(|row| row.map(Span::from_secs)));
    assert_eq!(seconds(&planned(Planner::Peft, &graph, &three())), 122.0);
    assert_eq!(seconds(&planned(Planner::Heft, &graph, &three())), 133.0);
}

/// Graham 1969: m(m-1) tasks of length one and then one of length m take 2m - 1, where m would do.
#[test]
fn graham_is_tight() {
    for m in [2, 3, 5, 10_u64] {
        let mut lengths = vec![1; (m * (m - 1)) as usize];
        lengths.push(m);
        let (graph, machines) = independent(m as usize, &lengths);
        let optimum = seconds(&planned(Planner::Lpt, &graph, &machines));
        let listed = seconds(&planned(Planner::List, &graph, &machines));
        assert_eq!(optimum, m as f64);
        assert_eq!(listed, (2 * m - 1) as f64, "{} times", 2.0 - 1.0 / m as f64);
    }
}

/// Graham 1969: two each of 2m-1, …, m+1 and three of m take 4m - 1 longest first, where 3m would do.
#[test]
fn longest_first_is_tight() {
    for m in [2, 3, 5, 10_u64] {
        let mut lengths: Vec<u64> = (m + 1..2 * m).rev().flat_map(|l| [l, l]).collect();
        lengths.extend([m, m, m]);
        let (graph, machines) = independent(m as usize, &lengths);
        let lpt = planned(Planner::Lpt, &graph, &machines);
        assert_eq!(seconds(&lpt), (4 * m - 1) as f64);
        // (2m-1) + (m+1) = (2m-2) + (m+2) = … = m + m + m: all of it fills 3m exactly.
        let optimum = SimTime::from_secs(3 * m);
        assert_eq!(bound::makespan(&graph, &machines), optimum);
    }
}

/// Maheswaran et al. 1999, section 4: Min-Min keeps the long task for last, Max-Min starts it first; a few long and many short tasks are
/// what Max-Min is for.
#[test]
fn few_long_and_many_short() {
    let (graph, machines) = independent(3, &[1, 1, 1, 1, 1, 1, 6]);
    assert_eq!(seconds(&planned(Planner::MinMin, &graph, &machines)), 8.0);
    assert_eq!(seconds(&planned(Planner::MaxMin, &graph, &machines)), 6.0);
}

/// Two tasks want the first processor, and one of them can ill do without it: Sufferage gives it that, Min-Min does not. Opportunistic
/// balancing does not even look.
#[test]
fn who_suffers_most_goes_first() {
    let mut graph = Graph::new();
    graph.add_node(Work::taking([4, 6].map(Span::from_secs)));
    graph.add_node(Work::taking([5, 20].map(Span::from_secs)));
    let machines = Machines::unrelated(2, Transfers::default());
    assert_eq!(
        seconds(&planned(Planner::Sufferage, &graph, &machines)),
        6.0
    );
    assert_eq!(seconds(&planned(Planner::MinMin, &graph, &machines)), 9.0);
    assert_eq!(seconds(&planned(Planner::Mct, &graph, &machines)), 9.0);
    assert_eq!(seconds(&planned(Planner::Olb, &graph, &machines)), 20.0);
}

/// A second task of half the width goes beside the first, data from outside is waited for, and what is taken is left alone.
#[test]
fn room_inputs_and_reservations() {
    let at = SimTime::from_secs;
    let half = Cost {
        time: Span::from_secs(10),
        width: 2,
    };
    let mut graph = Graph::new();
    for _ in 0..3 {
        graph.add_node(Work {
            on: vec![Some(half)],
            inputs: vec![Input {
                processor: Some(0),
                at: at(5),
                bytes: 7,
            }],
        });
    }
    let capacity = |capacity| Processor { kind: 0, capacity };
    let machines = Machines {
        processors: vec![capacity(4), capacity(2), capacity(1)],
        transfers: BYTES_AS_SECONDS,
        start: at(2),
        taken: vec![Reservation {
            processor: 0,
            start: at(0),
            end: at(20),
            width: 2,
        }],
    };
    let schedule = planned(Planner::Heft, &graph, &machines);
    let slots = schedule.slots.iter();
    let found: Vec<_> = slots.map(|slot| (slot.processor, slot.start)).collect();
    assert_eq!(found, [(0, at(5)), (1, at(12)), (0, at(15))].to_vec());
}

#[test]
fn flaws_are_found() {
    let graph = graph(&TOPCUOGLU);
    let schedule = Planner::Heft.plan(&graph, &three());
    let flaw = |change: &dyn Fn(&mut Schedule)| {
        let mut changed = schedule.clone();
        change(&mut changed);
        changed.verify(&graph, &three()).unwrap_err()
    };
    assert_eq!(flaw(&|s| s.slots.truncate(9)), Flaw::Slots);
    let later = Span::from_secs(1);
    assert_eq!(flaw(&|s| s.slots[4].end += later), Flaw::Length(4));
    // The last task a second earlier than its data.
    let earlier = |s: &mut Schedule| {
        let slot = &mut s.slots[9];
        slot.start = SimTime::from_secs(72);
        slot.end = SimTime::from_secs(79);
    };
    assert_eq!(flaw(&earlier), Flaw::Inputs(9));
    // The seventh at the same time as the fifth.
    let crowded = |s: &mut Schedule| {
        let start = s.slots[4].start;
        let slot = &mut s.slots[2];
        (slot.start, slot.end) = (start, start + Span::from_secs(19));
    };
    let found = flaw(&crowded);
    assert!(
        matches!(found, Flaw::Crowded(2, _) | Flaw::Inputs(6)),
        "{found}"
    );
    let mut impossible = graph.clone();
    impossible[NodeIndex::new(0)].on[2] = None;
    assert_eq!(schedule.verify(&impossible, &three()), Err(Flaw::Cannot(0)));
    let late = Machines {
        start: SimTime::from_secs(1),
        ..three()
    };
    assert_eq!(schedule.verify(&graph, &late), Err(Flaw::Early(0)));
}

#[test]
#[should_panic(expected = "no processor can run task 0")]
fn what_cannot_run_is_not_planned() {
    let mut graph = Graph::new();
    graph.add_node(Work {
        on: vec![None],
        inputs: Vec::new(),
    });
    let _ = Planner::Heft.plan(&graph, &Machines::identical(1, Transfers::default()));
}

#[test]
#[should_panic(expected = "a workflow has no cycles")]
fn a_cycle_is_not_planned() {
    let (mut graph, machines) = independent(1, &[1, 1]);
    graph.add_edge(0.into(), 1.into(), 0);
    graph.add_edge(1.into(), 0.into(), 0);
    let _ = Planner::List.plan(&graph, &machines);
}

/// The example as a job on a cluster of a node of each kind.
fn workflow<const TASKS: usize, const EDGES: usize>(
    example: &Example<TASKS, EDGES>,
) -> (Cluster, Job) {
    let task = |(index, times): (usize, &[u64; 3])| Task {
        work_on: times.map(Span::from_secs).into(),
        parents: (example.1.iter())
            .filter(|&&(_, to, _)| to as usize == index + 1)
            .map(|&(from, _, bytes)| (from - 1, bytes))
            .collect(),
        ..Task::single(Span::from_secs(times[0]))
    };
    let job = Job {
        tasks: example.0.iter().enumerate().map(task).collect(),
        ..Job::of(SimTime::ZERO, Task::single(Span::ZERO))
    };
    let cluster = Cluster {
        kinds: ["P1", "P2", "P3"].map(|name| Kind::cores(name, 1)).into(),
        nodes: vec![0, 1, 2],
        transfers: BYTES_AS_SECONDS,
        ..Cluster::default()
    };
    (cluster, job)
}

fn go(cluster: &Cluster, jobs: Vec<Job>, policy: Planned) -> Outcome {
    let streams = Streams::new(1, 0);
    let outcome = run(
        cluster,
        jobs.into_iter(),
        Estimates::Exact,
        policy,
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

/// A cluster that keeps to the plans of the papers ends when they do.
#[test]
fn the_examples_on_a_cluster() {
    let ends = |(cluster, job): (Cluster, Job), planner| {
        let outcome = go(&cluster, vec![job], Planned::new(planner));
        outcome.makespan.as_secs_f64()
    };
    assert_eq!(ends(workflow(&TOPCUOGLU), Planner::Heft), 80.0);
    assert_eq!(ends(workflow(&TOPCUOGLU), Planner::Cpop), 86.0);
    assert_eq!(ends(workflow(&ARABNEJAD), Planner::Peft), 122.0);
    assert_eq!(ends(workflow(&ARABNEJAD), Planner::Heft), 133.0);
}

fn on(cores: u32, seconds: u64, labels: u64) -> Task {
    Task {
        demand: Demand {
            cpu: 1000 * cores,
            labels,
            ..Demand::CORE
        },
        ..Task::single(Span::from_secs(seconds))
    }
}

fn after(parents: &[u32], task: Task) -> Task {
    Task {
        parents: parents.iter().map(|&parent| (parent, 0)).collect(),
        ..task
    }
}

fn job(at: u64, tasks: Vec<Task>) -> Job {
    Job {
        tasks,
        ..Job::of(SimTime::from_secs(at), on(1, 1, 0))
    }
}

fn ends(outcome: &Outcome) -> Vec<(u64, f64)> {
    let rows = outcome.jobs.iter();
    rows.map(|row| (row.serial, row.ended.as_secs_f64()))
        .collect()
}

/// Three cores and two do not go together, three and one do: the planner keeps the whole demand, and lets the last go first.
#[test]
fn several_cores_are_kept_together() {
    let cluster = Cluster::of(1, Kind::cores("four", 4));
    let tasks = vec![on(3, 10, 0), on(2, 9, 0), on(1, 8, 0)];
    let outcome = go(&cluster, vec![job(0, tasks)], Planned::new(Planner::Heft));
    assert_eq!(ends(&outcome), [(0, 19.0)]);
}

/// The second node waits ten seconds for the first job; the second job fits in between, and delays nobody.
#[test]
fn a_later_job_goes_into_a_gap() {
    let labelled = |labels| Kind {
        labels,
        ..Kind::cores("node", 1)
    };
    let cluster = Cluster {
        kinds: Arc::new([labelled(1), labelled(2)]),
        nodes: vec![0, 1],
        transfers: Transfers::default(),
        ..Cluster::default()
    };
    let first = job(0, vec![on(1, 10, 1), after(&[0], on(1, 5, 2))]);
    let jobs = |length| vec![first.clone(), job(1, vec![on(1, length, 2)])];
    for scope in [Scope::Job, Scope::All] {
        let policy = || Planned::new(Planner::Heft).scope(scope);
        let fits = go(&cluster, jobs(6), policy());
        assert_eq!(ends(&fits), [(1, 7.0), (0, 15.0)]);
    }
    // One that does not fit comes after, unless all is planned anew: then it is the larger one by rank.
    let behind = go(&cluster, jobs(20), Planned::new(Planner::Heft));
    assert_eq!(ends(&behind), [(0, 15.0), (1, 35.0)]);
    let before = go(
        &cluster,
        jobs(20),
        Planned::new(Planner::Heft).scope(Scope::All),
    );
    assert_eq!(ends(&before), [(1, 21.0), (0, 26.0)]);
}

/// Jobs that come at once, planned together: Max-Min starts the long one at once, which in their order comes last.
#[test]
fn jobs_are_planned_together() {
    let cluster = Cluster::of(2, Kind::cores("node", 1));
    let lengths = [1, 1, 1, 1, 4];
    let jobs: Vec<Job> = lengths.map(|length| job(0, vec![on(1, length, 0)])).into();
    let makespan = |policy| go(&cluster, jobs.clone(), policy).makespan.as_secs_f64();
    assert_eq!(makespan(Planned::new(Planner::MaxMin)), 6.0);
    assert_eq!(
        makespan(Planned::new(Planner::MaxMin).scope(Scope::All)),
        4.0
    );
}

/// Four tasks of ten seconds on two nodes, of which one is lost after five: the other does them all, or half of what is left once the
/// first is back.
#[test]
fn what_has_not_started_is_planned_anew() {
    let makespan = |back: usize| {
        let mut counts = vec![1; 5];
        counts.resize(back, 0);
        counts.resize(1000, 1);
        let tracks = Track::of_counts(&counts, Span::from_secs(1));
        let replay = Replay::new(tracks, Start::Together);
        let cluster = Cluster {
            kinds: Arc::new([
                Kind::cores("stays", 1),
                Kind {
                    availability: Availability::Mixed(vec![(1.0, Pattern::Replay(replay))]),
                    ..Kind::cores("leaves", 1)
                },
            ]),
            nodes: vec![0, 1],
            transfers: Transfers::default(),
            ..Cluster::default()
        };
        let tasks = vec![on(1, 10, 0); 4];
        let outcome = go(&cluster, vec![job(0, tasks)], Planned::new(Planner::Heft));
        assert_eq!(outcome.interruptions, 1);
        outcome.makespan.as_secs_f64()
    };
    assert_eq!(makespan(900), 40.0);
    assert_eq!(makespan(12), 30.0);
}

/// Data for a node that is lost has to be sent anew: from when it is known where to.
#[test]
fn data_is_sent_where_the_task_goes() {
    let mut counts = vec![1; 12];
    counts.resize(1000, 0);
    let replay = Replay::new(
        Track::of_counts(&counts, Span::from_secs(1)),
        Start::Together,
    );
    let cluster = Cluster {
        kinds: Arc::new([
            Kind::cores("first", 1),
            Kind {
                availability: Availability::Mixed(vec![(1.0, Pattern::Replay(replay))]),
                ..Kind::cores("leaves", 1)
            },
            Kind::cores("other", 1),
        ]),
        nodes: vec![0, 1, 2],
        transfers: BYTES_AS_SECONDS,
        ..Cluster::default()
    };
    let times = |times: [u64; 3]| Task {
        work_on: times.map(Span::from_secs).into(),
        ..Task::single(Span::from_secs(times[0]))
    };
    let child = Task {
        parents: vec![(0, 8)],
        ..times([100, 1, 2])
    };
    let tasks = vec![times([10, 100, 100]), child];
    let outcome = go(&cluster, vec![job(0, tasks)], Planned::new(Planner::Heft));
    // Planned on the second from 18 to 19, lost at 12; sent to the third until 20.
    assert_eq!(ends(&outcome), [(0, 22.0)]);
}

/// Two workers at once start before anything is bound; what comes after them is planned when they have ended, the longer task first
/// and the other behind the one that was bound to the first node.
#[test]
fn gangs_start_when_they_fit() {
    let cluster = Cluster::of(2, Kind::cores("node", 1));
    let gang = Task {
        workers: 2,
        ..on(1, 10, 0)
    };
    let children = [5, 7].map(|seconds| after(&[1], on(1, seconds, 0)));
    let mut tasks = vec![on(1, 3, 0), gang];
    tasks.extend(children);
    let outcome = go(&cluster, vec![job(0, tasks)], Planned::new(Planner::Heft));
    assert_eq!(ends(&outcome), [(0, 18.0)]);
}

/// Graphs of up to twenty tasks, their edges from lower to higher index or the other way round (and then some take no time), on up to four kinds of processors, with
/// room for several tasks, tasks that some cannot run, what is taken already, and data from outside.
fn problems() -> impl Strategy<Value = (Graph, Machines)> {
    let task = (
        prop::collection::vec((0_u64..50, 1_u32..4, prop::bool::weighted(0.8)), 4),
        prop::option::weighted(0.2, (prop::option::of(0_usize..2), 0_u64..40, 0_u64..9)),
    );
    let tasks = prop::collection::vec(task, 1..20);
    let edges = prop::collection::vec((0_usize..20, 0_usize..20, 0_u64..30), 0..40);
    let processors = prop::collection::vec((0_usize..4, 1_u32..6), 1..5);
    let taken = prop::collection::vec((0_usize..4, 0_u64..60, 0_u64..30), 0..4);
    let transfers = (0_u64..5, 1_u32..5);
    let parts = (tasks, edges, processors, taken, transfers, any::<bool>());
    parts.prop_map(|(tasks, edges, processors, taken, transfers, backwards)| {
        let mut graph = Graph::new();
        let processors: Vec<Processor> = std::iter::once((0, 3))
            .chain(processors)
            .map(|(kind, capacity)| Processor { kind, capacity })
            .collect();
        for (costs, input) in tasks {
            let cost = |(kind, (time, width, can)): (usize, (u64, u32, bool))| {
                let time = Span::from_secs(if backwards { time } else { time + 1 });
                // The first kind runs everything.
                (can || kind == 0).then_some(Cost { time, width })
            };
            graph.add_node(Work {
                on: costs.into_iter().enumerate().map(cost).collect(),
                inputs: (input.into_iter())
                    .map(|(processor, at, bytes)| Input {
                        processor,
                        at: SimTime::from_secs(at),
                        bytes,
                    })
                    .collect(),
            });
        }
        let count = graph.node_count();
        for (a, b, bytes) in edges {
            let (a, b) = (a % count, b % count);
            if a != b {
                let (low, high) = (a.min(b), a.max(b));
                let (from, to) = if backwards { (high, low) } else { (low, high) };
                graph.update_edge(NodeIndex::new(from), NodeIndex::new(to), bytes);
            }
        }
        let mut seen = [false; 5];
        let reservation = |(processor, start, length): (usize, u64, u64)| {
            let processor = processor % processors.len();
            let first = !std::mem::replace(&mut seen[processor], true);
            first.then(|| Reservation {
                processor,
                start: SimTime::from_secs(start),
                end: SimTime::from_secs(start + length),
                width: 1,
            })
        };
        let machines = Machines {
            taken: taken.into_iter().filter_map(reservation).collect(),
            processors,
            transfers: Transfers {
                latency: Span::from_secs(transfers.0),
                bandwidth: f64::from(transfers.1),
            },
            start: SimTime::from_secs(3),
        };
        (graph, machines)
    })
}

proptest! {
    #[test]
    fn every_plan_can_be_kept((graph, machines) in problems()) {
        let costs = graph.node_weights().flat_map(|work| work.on.iter().flatten());
        let takes_time = costs.into_iter().all(|cost| cost.time > Span::ZERO);
        let forwards = graph.edge_references().all(|edge| edge.source() < edge.target());
        for planner in Planner::ALL {
            let schedule = planned(planner, &graph, &machines);
            // Kept in its own order, no task is later: those of no length could be, for they take no room.
            if forwards && takes_time {
                let orders = (0..machines.processors.len()).map(|p| schedule.order(p));
                let again = fixed::plan(&graph, &machines, &orders.collect::<Vec<_>>());
                prop_assert_eq!(again.verify(&graph, &machines), Ok(()));
                for (again, slot) in again.slots.iter().zip(&schedule.slots) {
                    prop_assert!(again.start <= slot.start && again.processor == slot.processor);
                }
            }
        }
    }

    /// A cluster whose estimates are exact ends a workflow by when it was planned, and not before what no schedule can beat.
    #[test]
    fn clusters_keep_their_plans(
        tasks in prop::collection::vec((1_u64..50, 1_u64..50, 1_u32..4), 1..20),
        edges in prop::collection::vec((0_usize..20, 0_usize..20, 0_u64..30), 0..30),
        nodes in prop::collection::vec(0_usize..2, 1..5),
    ) {
        let mut graph = Graph::new();
        let mut workflow = job(0, Vec::new());
        for &(first, second, cores) in &tasks {
            let times = [first, second].map(Span::from_secs);
            let cost = |time| Some(Cost { time, width: 1000 * cores });
            graph.add_node(Work { on: times.map(cost).into(), inputs: Vec::new() });
            workflow.tasks.push(Task { work_on: times.into(), ..on(cores, first, 0) });
        }
        for (a, b, bytes) in edges {
            let (a, b) = (a % tasks.len(), b % tasks.len());
            let (from, to) = (NodeIndex::new(a), NodeIndex::new(b));
            if a < b && graph.find_edge(from, to).is_none() {
                graph.add_edge(from, to, bytes);
                workflow.tasks[b].parents.push((a as u32, bytes));
            }
        }
        let processor = |&kind| Processor { kind, capacity: 4000 };
        let machines = Machines {
            processors: nodes.iter().map(processor).collect(),
            ..Machines::unrelated(0, BYTES_AS_SECONDS)
        };
        let cluster = Cluster {
            kinds: Arc::new([Kind::cores("one", 4), Kind::cores("other", 4)]),
            nodes,
            transfers: BYTES_AS_SECONDS,
            ..Cluster::default()
        };
        for planner in Planner::ALL {
            let schedule = planned(planner, &graph, &machines);
            let outcome = go(&cluster, vec![workflow.clone()], Planned::new(planner));
            prop_assert!(outcome.makespan <= schedule.makespan(), "{planner}");
            prop_assert!(outcome.makespan >= bound::makespan(&graph, &machines), "{planner}");
            // The same bound, by way of the job.
            let of_job = cluster::makespan::makespan([&workflow].into_iter(), &cluster);
            prop_assert_eq!(of_job, bound::makespan(&graph, &machines));
        }
    }

    /// One processor does all of it one after the other, without gaps and transfers.
    #[test]
    fn one_processor_takes_the_sum(
        lengths in prop::collection::vec(1_u64..100, 1..15),
        edges in prop::collection::vec((0_usize..15, 0_usize..15, 0_u64..1000), 0..30),
    ) {
        let (mut graph, mut machines) = independent(1, &lengths);
        machines.transfers = BYTES_AS_SECONDS;
        for (a, b, bytes) in edges {
            let (a, b) = (a % lengths.len(), b % lengths.len());
            if a < b {
                graph.update_edge(NodeIndex::new(a), NodeIndex::new(b), bytes);
            }
        }
        for planner in Planner::ALL {
            let schedule = planned(planner, &graph, &machines);
            let sum = lengths.iter().sum::<u64>();
            prop_assert_eq!(schedule.makespan(), SimTime::from_secs(sum));
        }
    }

    /// Graham's bounds, against what no schedule can beat.
    #[test]
    fn lists_keep_within_grahams_bounds(
        lengths in prop::collection::vec(1_u64..100, 1..15),
        edges in prop::collection::vec((0_usize..15, 0_usize..15), 0..30),
        m in 1_usize..5,
    ) {
        let (mut graph, machines) = independent(m, &lengths);
        for (a, b) in edges {
            let (a, b) = (a % lengths.len(), b % lengths.len());
            if a < b {
                graph.update_edge(NodeIndex::new(a), NodeIndex::new(b), 0);
            }
        }
        // The proof bounds the list by the work and the longest way: area + (1 - 1/m) of the critical path.
        let path = bound::critical_path(&graph, &machines).as_secs_f64();
        let area = lengths.iter().sum::<u64>() as f64 / m as f64;
        let most = area + (1.0 - 1.0 / m as f64) * path;
        let mut backwards = list::given(&graph);
        backwards.reverse();
        for schedule in [
            planned(Planner::List, &graph, &machines),
            planned(Planner::Lpt, &graph, &machines),
            list::plan(&graph, &machines, &backwards),
        ] {
            prop_assert!(seconds(&schedule) <= most + 1e-9, "{} {most}", seconds(&schedule));
        }
    }
}
