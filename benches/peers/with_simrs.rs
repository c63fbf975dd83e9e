//! The workloads on simrs: components that change a typed store; one component and one stored value each.

use std::collections::VecDeque;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Exp1, LogNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use simrs::{Component, ComponentId, Executor, Key, Scheduler, Simulation, State};

use crate::workload::{
    COMPARED_JOBS, LOAD, MU, NODES, Responses, SERVERS, SIGMA, Sample, Workload, user_cpu,
};

pub fn run(workload: Workload, units: u64, seed: u64) -> Sample {
    let random = Xoshiro256PlusPlus::seed_from_u64(seed);
    match workload {
        Workload::Hold(pending) => hold(pending, units, random),
        Workload::Station => station(units, random),
        Workload::Cluster => cluster(units, random),
    }
}

fn exponential(mean: f64, random: &mut Xoshiro256PlusPlus) -> Duration {
    let draw: f64 = random.sample(Exp1);
    Duration::from_secs_f64(mean * draw)
}

fn seconds_between(came: Duration, now: Duration) -> f64 {
    now.saturating_sub(came).as_secs_f64()
}

#[derive(Debug)]
struct Tick;

struct Hold {
    random: Key<Xoshiro256PlusPlus>,
}

impl Component for Hold {
    type Event = Tick;

    fn process_event(
        &self,
        me: ComponentId<Tick>,
        _: &Tick,
        scheduler: &mut Scheduler,
        state: &mut State,
    ) {
        let random = state.get_mut(self.random).expect("stored at the start");
        scheduler.schedule(exponential(1.0, random), me, Tick);
    }
}

fn hold(pending: u32, holds: u64, mut random: Xoshiro256PlusPlus) -> Sample {
    let mut sim = Simulation::default();
    let first: Vec<_> = (0..pending)
        .map(|_| exponential(1.0, &mut random))
        .collect();
    let random = sim.state.insert(random);
    let hold = sim.add_component(Hold { random });
    for delay in first {
        sim.schedule(delay, hold, Tick);
    }
    let cpu = user_cpu(|| sim.execute(Executor::steps(holds as usize)));
    Sample {
        cpu,
        check: sim.scheduler.time().as_secs_f64() * f64::from(pending) / holds as f64,
    }
}

struct StationState {
    left: u64,
    free: u32,
    line: VecDeque<Duration>,
    random: Xoshiro256PlusPlus,
    responses: Responses,
}

#[derive(Debug)]
enum Customer {
    Comes,
    Leaves { came: Duration },
}

struct Station {
    state: Key<StationState>,
}

impl Component for Station {
    type Event = Customer;

    fn process_event(
        &self,
        me: ComponentId<Customer>,
        event: &Customer,
        scheduler: &mut Scheduler,
        state: &mut State,
    ) {
        let station = state.get_mut(self.state).expect("stored at the start");
        let now = scheduler.time();
        let served = match event {
            Customer::Comes => {
                station.left -= 1;
                if station.left > 0 {
                    let mean = 1.0 / (LOAD * f64::from(SERVERS));
                    let gap = exponential(mean, &mut station.random);
                    scheduler.schedule(gap, me, Customer::Comes);
                }
                if station.free > 0 {
                    station.free -= 1;
                    Some(now)
                } else {
                    station.line.push_back(now);
                    None
                }
            }
            Customer::Leaves { came } => {
                station.responses.record(seconds_between(*came, now));
                let next = station.line.pop_front();
                station.free += u32::from(next.is_none());
                next
            }
        };
        if let Some(came) = served {
            let service = exponential(1.0, &mut station.random);
            scheduler.schedule(service, me, Customer::Leaves { came });
        }
    }
}

fn station(customers: u64, random: Xoshiro256PlusPlus) -> Sample {
    let mut sim = Simulation::default();
    let state = sim.state.insert(StationState {
        left: customers,
        free: SERVERS,
        line: VecDeque::new(),
        random,
        responses: Responses::of_all(),
    });
    let station = sim.add_component(Station { state });
    sim.schedule(Duration::ZERO, station, Customer::Comes);
    let cpu = user_cpu(|| sim.execute(Executor::unbound()));
    let station = sim.state.get(state).expect("stored at the start");
    Sample {
        cpu,
        check: station.responses.mean(),
    }
}

struct ClusterState {
    left: u64,
    /// The jobs of each node, the one in service first: when it came, and its size.
    nodes: Vec<VecDeque<(Duration, Duration)>>,
    size: LogNormal<f64>,
    random: Xoshiro256PlusPlus,
    responses: Responses,
}

#[derive(Debug)]
enum Job {
    Comes,
    Ends { node: usize },
}

struct Cluster {
    state: Key<ClusterState>,
}

impl Component for Cluster {
    type Event = Job;

    fn process_event(
        &self,
        me: ComponentId<Job>,
        event: &Job,
        scheduler: &mut Scheduler,
        state: &mut State,
    ) {
        let cluster = state.get_mut(self.state).expect("stored at the start");
        let now = scheduler.time();
        match *event {
            Job::Comes => {
                let size = Duration::from_secs_f64(cluster.size.sample(&mut cluster.random));
                let [a, b] = [(); 2].map(|()| cluster.random.gen_range(0..NODES));
                let shorter = cluster.nodes[b].len() < cluster.nodes[a].len();
                let node = if shorter { b } else { a };
                cluster.nodes[node].push_back((now, size));
                if cluster.nodes[node].len() == 1 {
                    scheduler.schedule(size, me, Job::Ends { node });
                }
                cluster.left -= 1;
                if cluster.left > 0 {
                    let mean = 1.0 / (LOAD * NODES as f64);
                    let gap = exponential(mean, &mut cluster.random);
                    scheduler.schedule(gap, me, Job::Comes);
                }
            }
            Job::Ends { node } => {
                let line = &mut cluster.nodes[node];
                let (came, _) = line.pop_front().expect("its job is in service");
                if let Some(&(_, size)) = line.front() {
                    scheduler.schedule(size, me, Job::Ends { node });
                }
                cluster.responses.record(seconds_between(came, now));
            }
        }
    }
}

fn cluster(jobs: u64, random: Xoshiro256PlusPlus) -> Sample {
    let mut sim = Simulation::default();
    let state = sim.state.insert(ClusterState {
        left: jobs,
        nodes: vec![VecDeque::new(); NODES],
        size: LogNormal::new(MU, SIGMA).expect("valid parameters"),
        random,
        responses: Responses::of_first(COMPARED_JOBS),
    });
    let cluster = sim.add_component(Cluster { state });
    sim.schedule(Duration::ZERO, cluster, Job::Comes);
    let cpu = user_cpu(|| sim.execute(Executor::unbound()));
    let cluster = sim.state.get(state).expect("stored at the start");
    Sample {
        cpu,
        check: cluster.responses.mean(),
    }
}
