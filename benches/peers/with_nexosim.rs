//! The workloads on nexosim: models with ports and mailboxes, on its single-threaded executor (the fastest for such small events).
//!
//! The cluster is written twice: as one model, and as its documentation teaches, with one model per node.
//! nexosim refuses delays of zero, so that each is at least a nanosecond.

#![expect(
    clippy::unused_async,
    reason = "nexosim takes initializers and repliers only as async functions"
)]

use std::collections::VecDeque;
use std::time::Duration;

use nexosim::model::{Context, Model, schedulable};
use nexosim::ports::{Output, QuerySource};
use nexosim::simulation::{Mailbox, QueryId, SimInit, Simulation};
use nexosim::time::MonotonicTime;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Exp1, LogNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

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

/// Only the cluster differs with one model per node.
pub fn run_model_per_node(workload: Workload, units: u64, seed: u64) -> Sample {
    match workload {
        Workload::Cluster => cluster_of_models(units, Xoshiro256PlusPlus::seed_from_u64(seed)),
        other => run(other, units, seed),
    }
}

fn delay(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds).max(Duration::from_nanos(1))
}

fn exponential(mean: f64, random: &mut Xoshiro256PlusPlus) -> Duration {
    let draw: f64 = random.sample(Exp1);
    delay(mean * draw)
}

fn lognormal() -> LogNormal<f64> {
    LogNormal::new(MU, SIGMA).expect("valid parameters")
}

#[derive(Serialize, Deserialize)]
struct Hold {
    pending: u32,
    random: Xoshiro256PlusPlus,
}

#[Model]
impl Hold {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        for _ in 0..self.pending {
            self.tick((), cx);
        }
    }

    #[nexosim(schedulable)]
    fn tick(&mut self, (): (), cx: &Context<Self>) {
        let increment = exponential(1.0, &mut self.random);
        cx.schedule_event(increment, schedulable!(Self::tick), ())
            .expect("a time in the future");
    }
}

/// A step handles all events of one nanosecond: with 10^6 pending, one in a thousand has company.
fn hold(pending: u32, holds: u64, random: Xoshiro256PlusPlus) -> Sample {
    let mut sim = SimInit::with_num_threads(1)
        .add_model(Hold { pending, random }, Mailbox::new(), "hold")
        .init(MonotonicTime::EPOCH)
        .expect("a valid bench");
    let cpu = user_cpu(|| {
        for _ in 0..holds {
            sim.step().expect("no model fails");
        }
    });
    let time = sim.time().duration_since(MonotonicTime::EPOCH);
    Sample {
        cpu,
        check: time.as_secs_f64() * f64::from(pending) / holds as f64,
    }
}

/// Runs to the end and asks for the mean response.
fn finish(mut sim: Simulation, mean: QueryId<(), f64>) -> Sample {
    let cpu = user_cpu(|| sim.run().expect("no model fails"));
    let check = sim.process_query(&mean, ()).expect("the model answers");
    Sample { cpu, check }
}

fn seconds_since(came: MonotonicTime, now: MonotonicTime) -> f64 {
    now.duration_since(came).as_secs_f64()
}

#[derive(Serialize, Deserialize)]
struct Station {
    left: u64,
    free: u32,
    line: VecDeque<MonotonicTime>,
    random: Xoshiro256PlusPlus,
    responses: Responses,
}

#[Model]
impl Station {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        self.comes((), cx);
    }

    #[nexosim(schedulable)]
    fn comes(&mut self, (): (), cx: &Context<Self>) {
        if self.free > 0 {
            self.free -= 1;
            self.serve(cx.time(), cx);
        } else {
            self.line.push_back(cx.time());
        }
        self.left -= 1;
        if self.left > 0 {
            let gap = exponential(1.0 / (LOAD * f64::from(SERVERS)), &mut self.random);
            cx.schedule_event(gap, schedulable!(Self::comes), ())
                .expect("a time in the future");
        }
    }

    #[nexosim(schedulable)]
    fn leaves(&mut self, came: MonotonicTime, cx: &Context<Self>) {
        self.responses.record(seconds_since(came, cx.time()));
        match self.line.pop_front() {
            Some(next) => self.serve(next, cx),
            None => self.free += 1,
        }
    }

    fn serve(&mut self, came: MonotonicTime, cx: &Context<Self>) {
        let service = exponential(1.0, &mut self.random);
        cx.schedule_event(service, schedulable!(Self::leaves), came)
            .expect("a time in the future");
    }

    async fn mean_response(&mut self) -> f64 {
        self.responses.mean()
    }
}

fn station(customers: u64, random: Xoshiro256PlusPlus) -> Sample {
    let station = Station {
        left: customers,
        free: SERVERS,
        line: VecDeque::new(),
        random,
        responses: Responses::of_all(),
    };
    let mailbox = Mailbox::new();
    let mut bench = SimInit::with_num_threads(1);
    let mean = QuerySource::new()
        .connect(Station::mean_response, &mailbox)
        .register(&mut bench);
    let sim = bench
        .add_model(station, mailbox, "station")
        .init(MonotonicTime::EPOCH)
        .expect("a valid bench");
    finish(sim, mean)
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Job {
    came: MonotonicTime,
    size: Duration,
}

#[derive(Serialize, Deserialize)]
struct Cluster {
    left: u64,
    /// The jobs of each node, the one in service first.
    nodes: Vec<VecDeque<Job>>,
    size: LogNormal<f64>,
    random: Xoshiro256PlusPlus,
    responses: Responses,
}

#[Model]
impl Cluster {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        self.comes((), cx);
    }

    #[nexosim(schedulable)]
    fn comes(&mut self, (): (), cx: &Context<Self>) {
        let job = Job {
            came: cx.time(),
            size: delay(self.size.sample(&mut self.random)),
        };
        let [a, b] = [(); 2].map(|()| self.random.gen_range(0..NODES));
        let shorter = self.nodes[b].len() < self.nodes[a].len();
        let node = if shorter { b } else { a };
        self.nodes[node].push_back(job);
        if self.nodes[node].len() == 1 {
            cx.schedule_event(job.size, schedulable!(Self::ends), node)
                .expect("a time in the future");
        }
        self.left -= 1;
        if self.left > 0 {
            let gap = exponential(1.0 / (LOAD * NODES as f64), &mut self.random);
            cx.schedule_event(gap, schedulable!(Self::comes), ())
                .expect("a time in the future");
        }
    }

    #[nexosim(schedulable)]
    fn ends(&mut self, node: usize, cx: &Context<Self>) {
        let job = self.nodes[node].pop_front().expect("its job is in service");
        if let Some(next) = self.nodes[node].front() {
            cx.schedule_event(next.size, schedulable!(Self::ends), node)
                .expect("a time in the future");
        }
        self.responses.record(seconds_since(job.came, cx.time()));
    }

    async fn mean_response(&mut self) -> f64 {
        self.responses.mean()
    }
}

fn cluster(jobs: u64, random: Xoshiro256PlusPlus) -> Sample {
    let cluster = Cluster {
        left: jobs,
        nodes: vec![VecDeque::new(); NODES],
        size: lognormal(),
        random,
        responses: Responses::of_first(COMPARED_JOBS),
    };
    let mailbox = Mailbox::new();
    let mut bench = SimInit::with_num_threads(1);
    let mean = QuerySource::new()
        .connect(Cluster::mean_response, &mailbox)
        .register(&mut bench);
    let sim = bench
        .add_model(cluster, mailbox, "cluster")
        .init(MonotonicTime::EPOCH)
        .expect("a valid bench");
    finish(sim, mean)
}

/// One model per node: jobs come in through a port, and what is done goes out through another.
#[derive(Serialize, Deserialize)]
struct Node {
    id: usize,
    line: VecDeque<Job>,
    done: Output<(usize, MonotonicTime)>,
}

#[Model]
impl Node {
    fn job(&mut self, job: Job, cx: &Context<Self>) {
        self.line.push_back(job);
        if self.line.len() == 1 {
            cx.schedule_event(job.size, schedulable!(Self::ends), ())
                .expect("a time in the future");
        }
    }

    #[nexosim(schedulable)]
    async fn ends(&mut self, (): (), cx: &Context<Self>) {
        let job = self.line.pop_front().expect("its job is in service");
        if let Some(next) = self.line.front() {
            cx.schedule_event(next.size, schedulable!(Self::ends), ())
                .expect("a time in the future");
        }
        self.done.send((self.id, job.came)).await;
    }
}

#[derive(Serialize, Deserialize)]
struct Dispatcher {
    left: u64,
    /// Jobs at each node, as far as they were not reported done.
    lengths: Vec<u32>,
    nodes: Vec<Output<Job>>,
    size: LogNormal<f64>,
    random: Xoshiro256PlusPlus,
    responses: Responses,
}

#[Model]
impl Dispatcher {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        cx.schedule_event(delay(0.0), schedulable!(Self::comes), ())
            .expect("a time in the future");
    }

    #[nexosim(schedulable)]
    async fn comes(&mut self, (): (), cx: &Context<Self>) {
        let job = Job {
            came: cx.time(),
            size: delay(self.size.sample(&mut self.random)),
        };
        let [a, b] = [(); 2].map(|()| self.random.gen_range(0..NODES));
        let node = if self.lengths[b] < self.lengths[a] {
            b
        } else {
            a
        };
        self.lengths[node] += 1;
        self.nodes[node].send(job).await;
        self.left -= 1;
        if self.left > 0 {
            let gap = exponential(1.0 / (LOAD * NODES as f64), &mut self.random);
            cx.schedule_event(gap, schedulable!(Self::comes), ())
                .expect("a time in the future");
        }
    }

    fn done(&mut self, (node, came): (usize, MonotonicTime), cx: &Context<Self>) {
        self.lengths[node] -= 1;
        self.responses.record(seconds_since(came, cx.time()));
    }

    async fn mean_response(&mut self) -> f64 {
        self.responses.mean()
    }
}

fn cluster_of_models(jobs: u64, random: Xoshiro256PlusPlus) -> Sample {
    let mut dispatcher = Dispatcher {
        left: jobs,
        lengths: vec![0; NODES],
        nodes: Vec::with_capacity(NODES),
        size: lognormal(),
        random,
        responses: Responses::of_first(COMPARED_JOBS),
    };
    let mailbox = Mailbox::new();
    let mut bench = SimInit::with_num_threads(1);
    let mean = QuerySource::new()
        .connect(Dispatcher::mean_response, &mailbox)
        .register(&mut bench);
    for id in 0..NODES {
        let mut node = Node {
            id,
            line: VecDeque::new(),
            done: Output::default(),
        };
        let node_mailbox = Mailbox::new();
        node.done.connect(Dispatcher::done, &mailbox);
        let mut jobs = Output::default();
        jobs.connect(Node::job, &node_mailbox);
        dispatcher.nodes.push(jobs);
        bench = bench.add_model(node, node_mailbox, &format!("node-{id}"));
    }
    let sim = bench
        .add_model(dispatcher, mailbox, "dispatcher")
        .init(MonotonicTime::EPOCH)
        .expect("a valid bench");
    finish(sim, mean)
}
