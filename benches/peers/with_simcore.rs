//! The workloads on simcore, the core of DSLab: components that emit events, in shared cells.
//!
//! The cluster is written twice: as one component, and as its documentation teaches, with one component per node.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use rand_distr::{Exp, LogNormal};
use serde::Serialize;
use simcore::{Event, EventHandler, Id, Simulation, SimulationContext, cast};

use crate::workload::{
    COMPARED_JOBS, LOAD, MU, NODES, Responses, SERVERS, SIGMA, Sample, Workload, user_cpu,
};

pub fn run(workload: Workload, units: u64, seed: u64) -> Sample {
    match workload {
        Workload::Hold(pending) => hold(pending, units, seed),
        Workload::Station => station(units, seed),
        Workload::Cluster => cluster(units, seed),
    }
}

/// Only the cluster differs with one component per node.
pub fn run_component_per_node(workload: Workload, units: u64, seed: u64) -> Sample {
    match workload {
        Workload::Cluster => cluster_of_components(units, seed),
        other => run(other, units, seed),
    }
}

fn exponential(mean: f64) -> Exp<f64> {
    Exp::new(1.0 / mean).expect("a positive mean")
}

fn lognormal() -> LogNormal<f64> {
    LogNormal::new(MU, SIGMA).expect("valid parameters")
}

#[derive(Clone, Serialize)]
struct Tick {}

struct Hold {
    ctx: SimulationContext,
    increment: Exp<f64>,
}

impl Hold {
    fn again(&self) {
        let delay = self.ctx.sample_from_distribution(&self.increment);
        self.ctx.emit_self(Tick {}, delay);
    }
}

impl EventHandler for Hold {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Tick {} => {
                self.again();
            }
        });
    }
}

fn hold(pending: u32, holds: u64, seed: u64) -> Sample {
    let mut sim = Simulation::new(seed);
    let hold = Rc::new(RefCell::new(Hold {
        ctx: sim.create_context("hold"),
        increment: exponential(1.0),
    }));
    sim.add_handler("hold", hold.clone());
    for _ in 0..pending {
        hold.borrow().again();
    }
    let cpu = user_cpu(|| {
        sim.steps(holds);
    });
    Sample {
        cpu,
        check: sim.time() * f64::from(pending) / holds as f64,
    }
}

#[derive(Clone, Serialize)]
struct Comes {}

#[derive(Clone, Serialize)]
struct Leaves {
    came: f64,
}

struct Station {
    ctx: SimulationContext,
    left: u64,
    free: u32,
    line: VecDeque<f64>,
    gap: Exp<f64>,
    service: Exp<f64>,
    responses: Responses,
}

impl Station {
    fn on_comes(&mut self) {
        if self.free > 0 {
            self.free -= 1;
            self.serve(self.ctx.time());
        } else {
            self.line.push_back(self.ctx.time());
        }
        self.left -= 1;
        if self.left > 0 {
            let gap = self.ctx.sample_from_distribution(&self.gap);
            self.ctx.emit_self(Comes {}, gap);
        }
    }

    fn on_leaves(&mut self, came: f64) {
        self.responses.record(self.ctx.time() - came);
        match self.line.pop_front() {
            Some(next) => self.serve(next),
            None => self.free += 1,
        }
    }

    fn serve(&self, came: f64) {
        let service = self.ctx.sample_from_distribution(&self.service);
        self.ctx.emit_self(Leaves { came }, service);
    }
}

impl EventHandler for Station {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Comes {} => {
                self.on_comes();
            }
            Leaves { came } => {
                self.on_leaves(came);
            }
        });
    }
}

fn station(customers: u64, seed: u64) -> Sample {
    let mut sim = Simulation::new(seed);
    let station = Rc::new(RefCell::new(Station {
        ctx: sim.create_context("station"),
        left: customers,
        free: SERVERS,
        line: VecDeque::new(),
        gap: exponential(1.0 / (LOAD * f64::from(SERVERS))),
        service: exponential(1.0),
        responses: Responses::of_all(),
    }));
    sim.add_handler("station", station.clone());
    station.borrow().ctx.emit_self_now(Comes {});
    let cpu = user_cpu(|| sim.step_until_no_events());
    let check = station.borrow().responses.mean();
    Sample { cpu, check }
}

struct Cluster {
    ctx: SimulationContext,
    left: u64,
    /// The jobs of each node, the one in service first: when it came, and its size.
    nodes: Vec<VecDeque<(f64, f64)>>,
    gap: Exp<f64>,
    size: LogNormal<f64>,
    responses: Responses,
}

#[derive(Clone, Serialize)]
struct Ends {
    node: usize,
}

impl Cluster {
    fn on_comes(&mut self) {
        let size = self.ctx.sample_from_distribution(&self.size);
        let [a, b] = [(); 2].map(|()| self.ctx.gen_range(0..NODES));
        let node = if self.nodes[b].len() < self.nodes[a].len() {
            b
        } else {
            a
        };
        self.nodes[node].push_back((self.ctx.time(), size));
        if self.nodes[node].len() == 1 {
            self.ctx.emit_self(Ends { node }, size);
        }
        self.left -= 1;
        if self.left > 0 {
            let gap = self.ctx.sample_from_distribution(&self.gap);
            self.ctx.emit_self(Comes {}, gap);
        }
    }

    fn on_ends(&mut self, node: usize) {
        let (came, _) = self.nodes[node].pop_front().expect("its job is in service");
        if let Some(&(_, size)) = self.nodes[node].front() {
            self.ctx.emit_self(Ends { node }, size);
        }
        self.responses.record(self.ctx.time() - came);
    }
}

impl EventHandler for Cluster {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Comes {} => {
                self.on_comes();
            }
            Ends { node } => {
                self.on_ends(node);
            }
        });
    }
}

fn cluster(jobs: u64, seed: u64) -> Sample {
    let mut sim = Simulation::new(seed);
    let cluster = Rc::new(RefCell::new(Cluster {
        ctx: sim.create_context("cluster"),
        left: jobs,
        nodes: vec![VecDeque::new(); NODES],
        gap: exponential(1.0 / (LOAD * NODES as f64)),
        size: lognormal(),
        responses: Responses::of_first(COMPARED_JOBS),
    }));
    sim.add_handler("cluster", cluster.clone());
    cluster.borrow().ctx.emit_self_now(Comes {});
    let cpu = user_cpu(|| sim.step_until_no_events());
    let check = cluster.borrow().responses.mean();
    Sample { cpu, check }
}

/// A component per node; the dispatcher sends it jobs as events and looks at the length of its line.
struct Node {
    ctx: SimulationContext,
    line: VecDeque<Job>,
    responses: Rc<RefCell<Responses>>,
}

#[derive(Clone, Serialize)]
struct Job {
    came: f64,
    size: f64,
}

#[derive(Clone, Serialize)]
struct Done {}

impl Node {
    fn on_job(&mut self, came: f64, size: f64) {
        self.line.push_back(Job { came, size });
        if self.line.len() == 1 {
            self.ctx.emit_self(Done {}, size);
        }
    }

    fn on_done(&mut self) {
        let job = self.line.pop_front().expect("its job is in service");
        if let Some(next) = self.line.front() {
            self.ctx.emit_self(Done {}, next.size);
        }
        let response = self.ctx.time() - job.came;
        self.responses.borrow_mut().record(response);
    }
}

impl EventHandler for Node {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Job { came, size } => {
                self.on_job(came, size);
            }
            Done {} => {
                self.on_done();
            }
        });
    }
}

struct Dispatcher {
    ctx: SimulationContext,
    left: u64,
    nodes: Vec<(Id, Rc<RefCell<Node>>)>,
    gap: Exp<f64>,
    size: LogNormal<f64>,
}

impl EventHandler for Dispatcher {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Comes {} => {
                self.on_comes();
            }
        });
    }
}

impl Dispatcher {
    fn on_comes(&mut self) {
        let job = Job {
            came: self.ctx.time(),
            size: self.ctx.sample_from_distribution(&self.size),
        };
        let [a, b] = [(); 2].map(|()| &self.nodes[self.ctx.gen_range(0..NODES)]);
        let shorter = b.1.borrow().line.len() < a.1.borrow().line.len();
        self.ctx.emit_now(job, if shorter { b.0 } else { a.0 });
        self.left -= 1;
        if self.left > 0 {
            let gap = self.ctx.sample_from_distribution(&self.gap);
            self.ctx.emit_self(Comes {}, gap);
        }
    }
}

fn cluster_of_components(jobs: u64, seed: u64) -> Sample {
    let mut sim = Simulation::new(seed);
    let responses = Rc::new(RefCell::new(Responses::of_first(COMPARED_JOBS)));
    let nodes = (0..NODES)
        .map(|i| {
            let name = format!("node-{i}");
            let node = Rc::new(RefCell::new(Node {
                ctx: sim.create_context(&name),
                line: VecDeque::new(),
                responses: responses.clone(),
            }));
            (sim.add_handler(name, node.clone()), node)
        })
        .collect();
    let dispatcher = Rc::new(RefCell::new(Dispatcher {
        ctx: sim.create_context("dispatcher"),
        left: jobs,
        nodes,
        gap: exponential(1.0 / (LOAD * NODES as f64)),
        size: lognormal(),
    }));
    sim.add_handler("dispatcher", dispatcher.clone());
    dispatcher.borrow().ctx.emit_self_now(Comes {});
    let cpu = user_cpu(|| sim.step_until_no_events());
    let check = responses.borrow().mean();
    Sample { cpu, check }
}
