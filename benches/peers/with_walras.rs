//! The workloads on Walras's own kernel.

use std::collections::VecDeque;

use walras_des::{Context, Dist, Engine, Event, Model, Purpose, SimTime, Span, Stream, Streams};

use crate::workload::{
    COMPARED_JOBS, LOAD, MU, NODES, Responses, SERVERS, SIGMA, Sample, Workload, user_cpu,
};

pub fn run(workload: Workload, units: u64, seed: u64) -> Sample {
    let streams = Streams::new(seed, 0);
    let open = |name| streams.open(Purpose::new(name), 0);
    match workload {
        Workload::Hold(pending) => hold(pending, units, open("increments")),
        Workload::Station => station(units, open("gaps"), open("services")),
        Workload::Cluster => cluster(units, [open("gaps"), open("sizes"), open("picks")]),
    }
}

struct Hold {
    left: u64,
    increments: Stream,
}

#[derive(Clone, Copy)]
struct Tick;

impl Event for Tick {
    fn rank(&self) -> u8 {
        0
    }

    fn word(&self) -> u64 {
        0
    }
}

impl Model for Hold {
    type Event = Tick;

    fn handle(&mut self, tick: Tick, cx: &mut Context<Tick>) {
        cx.after(Span::from_secs_f64(self.increments.exponential()), tick);
        self.left -= 1;
        if self.left == 0 {
            cx.stop();
        }
    }
}

fn hold(pending: u32, holds: u64, mut increments: Stream) -> Sample {
    let first: Vec<_> = (0..pending)
        .map(|_| Span::from_secs_f64(increments.exponential()))
        .collect();
    let mut engine = Engine::new(Hold {
        left: holds,
        increments,
    });
    for delay in first {
        engine.context_mut().after(delay, Tick);
    }
    let cpu = user_cpu(|| {
        engine.run_until(SimTime::MAX);
    });
    Sample {
        cpu,
        check: engine.now().as_secs_f64() * f64::from(pending) / holds as f64,
    }
}

struct Station {
    left: u64,
    free: u32,
    line: VecDeque<SimTime>,
    gaps: Stream,
    services: Stream,
    responses: Responses,
}

#[derive(Clone, Copy)]
enum Customer {
    Comes,
    Leaves { came: SimTime },
}

impl Event for Customer {
    /// Who leaves at an instant makes room for who comes at it.
    fn rank(&self) -> u8 {
        u8::from(matches!(self, Self::Comes))
    }

    fn word(&self) -> u64 {
        match self {
            Self::Comes => u64::MAX,
            Self::Leaves { came } => came.as_nanos(),
        }
    }
}

impl Model for Station {
    type Event = Customer;

    fn handle(&mut self, event: Customer, cx: &mut Context<Customer>) {
        let starts = match event {
            Customer::Comes => {
                self.left -= 1;
                if self.left > 0 {
                    const MEAN_GAP: f64 = 1.0 / (LOAD * SERVERS as f64);
                    let gap = self.gaps.exponential() * MEAN_GAP;
                    cx.after(Span::from_secs_f64(gap), Customer::Comes);
                }
                if self.free > 0 {
                    self.free -= 1;
                    Some(cx.now())
                } else {
                    self.line.push_back(cx.now());
                    None
                }
            }
            Customer::Leaves { came } => {
                self.responses.record((cx.now() - came).as_secs_f64());
                let next = self.line.pop_front();
                self.free += u32::from(next.is_none());
                next
            }
        };
        if let Some(came) = starts {
            let service = Span::from_secs_f64(self.services.exponential());
            cx.after(service, Customer::Leaves { came });
        }
    }
}

fn station(customers: u64, gaps: Stream, services: Stream) -> Sample {
    let mut engine = Engine::new(Station {
        left: customers,
        free: SERVERS,
        line: VecDeque::new(),
        gaps,
        services,
        responses: Responses::of_all(),
    });
    engine.context_mut().at(SimTime::ZERO, Customer::Comes);
    let cpu = user_cpu(|| {
        engine.run_until(SimTime::MAX);
    });
    Sample {
        cpu,
        check: engine.model.responses.mean(),
    }
}

struct Cluster {
    left: u64,
    /// The jobs of each node, the one in service first: when it came, and its size.
    nodes: Vec<VecDeque<(SimTime, Span)>>,
    size: Dist,
    gaps: Stream,
    sizes: Stream,
    picks: Stream,
    responses: Responses,
}

#[derive(Clone, Copy)]
enum Job {
    Comes,
    Ends { node: u32 },
}

impl Event for Job {
    fn rank(&self) -> u8 {
        u8::from(matches!(self, Self::Comes))
    }

    fn word(&self) -> u64 {
        match self {
            Self::Comes => u64::MAX,
            Self::Ends { node } => u64::from(*node),
        }
    }
}

impl Model for Cluster {
    type Event = Job;

    fn handle(&mut self, event: Job, cx: &mut Context<Job>) {
        match event {
            Job::Comes => {
                let size = Span::from_secs_f64(self.size.sample(&mut self.sizes));
                let node = self.shorter_of_two();
                self.nodes[node].push_back((cx.now(), size));
                if self.nodes[node].len() == 1 {
                    cx.after(size, Job::Ends { node: node as u32 });
                }
                self.left -= 1;
                if self.left > 0 {
                    const MEAN_GAP: f64 = 1.0 / (LOAD * NODES as f64);
                    let gap = self.gaps.exponential() * MEAN_GAP;
                    cx.after(Span::from_secs_f64(gap), Job::Comes);
                }
            }
            Job::Ends { node } => {
                let line = &mut self.nodes[node as usize];
                let (came, _) = line.pop_front().expect("its job is in service");
                if let Some(&(_, size)) = line.front() {
                    cx.after(size, Job::Ends { node });
                }
                self.responses.record((cx.now() - came).as_secs_f64());
            }
        }
    }
}

impl Cluster {
    fn shorter_of_two(&mut self) -> usize {
        let [a, b] = [(); 2].map(|()| self.picks.below(NODES as u64) as usize);
        if self.nodes[b].len() < self.nodes[a].len() {
            b
        } else {
            a
        }
    }
}

fn cluster(jobs: u64, [gaps, sizes, picks]: [Stream; 3]) -> Sample {
    let mut engine = Engine::new(Cluster {
        left: jobs,
        nodes: vec![VecDeque::new(); NODES],
        size: Dist::lognormal(MU, SIGMA).expect("valid parameters"),
        gaps,
        sizes,
        picks,
        responses: Responses::of_first(COMPARED_JOBS),
    });
    engine.context_mut().at(SimTime::ZERO, Job::Comes);
    let cpu = user_cpu(|| {
        engine.run_until(SimTime::MAX);
    });
    Sample {
        cpu,
        check: engine.model.responses.mean(),
    }
}
