//! Renewal processes of the kernel, and the comings and goings of nodes in the world, against renewal theory.
//!
//! Cox, *Renewal Theory*, Methuen 1962: the renewal function of uniform and Erlang lives, the constant rate of a stationary
//! process, the mean age and residual life `E[X²] / (2·E[X])`, and the availability `E[up] / (E[up] + E[down])`.

use std::path::Path;

use walras_des::renewal::Renewals;
use walras_des::{Dist, DistError, Purpose, SimTime, Streams};
use walras_scenarios::plan::Plan;
use walras_sim::availability::{Availability, Pattern, Place};
use walras_sim::platform::Size;
use walras_sim::record::{MetricId, Nothing};
use walras_sim::world;

use super::{Planned, REPLICATIONS, Row, Task};

/// Processes, and lives of nodes, in each replication.
const PROCESSES: u32 = 20_000;

/// Nodes of the worlds whose availability is measured.
const NODES: u32 = 1_000;

/// All renewal processes.
pub(super) fn group() -> Planned {
    let mut tasks: Vec<Task> = vec![
        Task::new("lives uniform on (0, 1) s", uniform_lives),
        Task::new("lives of two exponential stages, mean 1 s", erlang_lives),
        Task::new("hyperexponential lives, mean 1 s, after 100 s", long_after),
        Task::new(
            "stationary, gamma lives of shape 0.35, mean 1 s",
            stationary,
        ),
    ];
    for name in ["steady-volunteers", "volunteers", "worst-volunteers"] {
        tasks.push(Task::new(name, move |seed| nodes(name, seed)));
    }
    Planned {
        title: "Renewal processes and the availability of nodes",
        about: "Renewal function, age, residual life and availability: Cox, Renewal Theory, 1962. \
                Nodes are those of the scenario `churn`.",
        tasks,
    }
}

fn law(dist: Result<Dist, DistError>) -> Dist {
    dist.expect("the parameters are good")
}

/// Mean residual life, `E[X²] / (2·E[X])`.
fn mean_residual(life: &Dist) -> f64 {
    let (mean, variance) = life.mean().zip(life.variance()).expect("finite moments");
    (variance + mean * mean) / (2.0 * mean)
}

/// The mean of `of` in each replication.
fn replicate(seed: u64, of: impl Fn(&Streams) -> f64) -> Vec<f64> {
    let streams = (0..REPLICATIONS).map(|replication| Streams::new(seed, replication.into()));
    streams.map(|streams| of(&streams)).collect()
}

fn average(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// Mean number of renewals by `time` [s] of processes that start afresh.
fn renewals(life: &Dist, time: f64, seed: u64) -> Vec<f64> {
    replicate(seed, |streams| {
        let mut engine = Renewals::ordinary(life, PROCESSES, streams);
        engine.run_until(SimTime::from_secs_f64(time));
        average(engine.model.renewals().map(|count| count as f64))
    })
}

/// For lives uniform on (0, 1) the expected renewals by t ≤ 1 are `eᵗ − 1`.
fn uniform_lives(seed: u64) -> Vec<Row> {
    let life = law(Dist::uniform(0.0, 1.0));
    let row = |time: f64| {
        let quantity = format!("expected renewals by {time} s");
        Row::mean(quantity, time.exp_m1(), &renewals(&life, time, seed))
    };
    vec![row(0.5), row(1.0)]
}

/// For lives of two exponential stages of rate μ they are `μt/2 − 1/4 + e^(−2μt)/4`.
fn erlang_lives(seed: u64) -> Vec<Row> {
    let life = law(Dist::gamma(2.0, 0.5));
    let row = |time: f64| {
        let theory = time - 0.25 + 0.25 * f64::exp(-4.0 * time);
        let quantity = format!("expected renewals by {time} s");
        Row::mean(quantity, theory, &renewals(&life, time, seed))
    };
    vec![row(0.5), row(2.0)]
}

/// The inspection paradox: long after the start, age and residual life have the same mean, here 3 times a half of the mean life.
fn long_after(seed: u64) -> Vec<Row> {
    let life = law(Dist::hyperexponential(vec![(0.9, 1.8), (0.1, 0.2)]));
    let at = SimTime::from_secs(100);
    let after = |of: fn(&Renewals, SimTime) -> f64| {
        replicate(seed, |streams| {
            let mut engine = Renewals::ordinary(&life, PROCESSES / 4, streams);
            engine.run_until(at);
            of(&engine.model, at)
        })
    };
    let theory = mean_residual(&life);
    let ages = after(|processes, now| average(processes.ages(now)));
    let residuals = after(|processes, now| average(processes.residuals(now)));
    vec![
        Row::mean("mean age [s]", theory, &ages),
        Row::mean("mean residual life [s]", theory, &residuals),
    ]
}

/// A process that starts with a residual life renews at the constant rate `1 / E[X]` at once.
fn stationary(seed: u64) -> Vec<Row> {
    let life = law(Dist::gamma(0.35, 1.0 / 0.35));
    let at = SimTime::from_secs_f64(0.5);
    let after = |of: fn(&Renewals) -> f64| {
        replicate(seed, |streams| {
            let engine = Renewals::stationary(&life, PROCESSES, streams);
            let mut engine = engine.expect("gamma has a residual life");
            engine.run_until(at);
            of(&engine.model)
        })
    };
    let count = after(|processes| average(processes.renewals().map(|count| count as f64)));
    let left = after(|processes| average(processes.residuals(SimTime::from_secs_f64(0.5))));
    vec![
        Row::mean("expected renewals by 0.5 s", 0.5, &count),
        Row::mean("mean residual life [s]", mean_residual(&life), &left),
    ]
}

/// A platform of `churn`, with many nodes and little to do.
fn nodes(name: &str, seed: u64) -> Vec<Row> {
    let set = [
        ("platforms.always-on.fleets.home.nodes", NODES.to_string()),
        ("workload.rate_factor", "0.01".to_owned()),
        ("run.horizon", "2 h".to_owned()),
    ];
    let set = set.map(|(path, value)| (path.to_owned(), value));
    let scenario = walras_scenarios::load(Path::new("churn"), &set, None);
    let plan: Plan = scenario.expect("the library is right").plan;
    let requests = plan.expect_requests();
    let platform = (requests.platforms.iter()).find(|platform| platform.name == name);
    let platform = platform.expect("a platform of the scenario");
    assert_eq!(platform.fleets.len(), 1, "only home machines");
    assert!(matches!(platform.fleets[0].size, Size::Fixed(count) if count == NODES));
    let availability = &platform.fleets[0].availability;
    let Availability::Mixed(classes) = availability else {
        panic!("volunteers come and go");
    };
    let (share, left) = theory(classes);
    let place = Place {
        number: 0,
        hosts: 1,
        utc_offset: 0.0,
    };
    let (mut up, mut remaining) = (Vec::new(), Vec::new());
    let mut world = Vec::new();
    for replication in 0..REPLICATIONS {
        let streams = Streams::new(seed, replication.into());
        let lives: Vec<_> = (0..PROCESSES)
            .map(|life| {
                let purpose = Purpose::new("validation: lives");
                let mut stream = streams.open(purpose, life.into());
                let (_, up, left) = availability.begin(place, &mut stream);
                let left = left.expect("volunteers leave");
                (up, left.as_secs_f64() / 3600.0)
            })
            .collect();
        up.push(average(
            lives.iter().map(|(up, _)| f64::from(u8::from(*up))),
        ));
        remaining.push(average(
            lives.iter().filter(|(up, _)| *up).map(|(_, left)| *left),
        ));
        let output = world::simulate(
            platform,
            &requests.workload,
            &plan.settings(),
            seed,
            replication,
            Nothing,
            &|| false,
        );
        let metrics = output.expect("nobody stops it").metrics;
        let available = metrics.get(MetricId::NodesAvailable).expect("nodes");
        world.push(available / f64::from(NODES));
    }
    vec![
        Row::mean("availability at once", share, &up),
        Row::mean("mean remaining stay [h]", left, &remaining),
        Row::mean("availability over 2 h", share, &world),
    ]
}

/// Share of nodes up, and mean remaining stay of those [h], of a mixture of classes.
fn theory(classes: &[(f64, Pattern)]) -> (f64, f64) {
    let (mut weight, mut up, mut left) = (0.0, 0.0, 0.0);
    for (share, pattern) in classes {
        let Pattern::Renewal(renewal) = pattern else {
            panic!("volunteers stay and leave by chance");
        };
        let available = share * renewal.availability().expect("finite means");
        weight += share;
        up += available;
        left += available * mean_residual(&renewal.up);
    }
    (up / weight, left / up)
}
