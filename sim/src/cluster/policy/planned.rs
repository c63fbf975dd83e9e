//! Workflows run by a plan: a planner says where each task goes and in which order, and the nodes keep to it.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graph::NodeIndex;
use walras_des::{SimTime, Span};

use crate::cluster::TaskId;
use crate::cluster::job::Demand;
use crate::cluster::node::Kind;
use crate::cluster::plan::{
    Cost, Graph, Input, Machines, Planner, Processor, Reservation, Slot, Work, fixed,
};
use crate::cluster::policy::fit::Fit;
use crate::cluster::policy::room::Room;
use crate::cluster::policy::{Cause, Orders, Scheduler};
use crate::cluster::view::{Stage, View};
use crate::ids::{JobId, NodeId};

/// What is planned when a job is submitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// That job, around the plans of earlier ones, into whose gaps it may go.
    #[default]
    Job,
    /// All that has not started, as one graph: what the batch heuristics are made for (Maheswaran et al. 1999).
    All,
}

/// Binds tasks of one worker to nodes by plan, in the order of their planned starts.
///
/// The processors of the plan are the nodes that are up. Each has as much room as it has processor time, and a task takes of it the
/// largest share that it asks of any resource of the node: several cores are kept for it from its start to its end, and so is the
/// processor time beside memory or GPUs that leave nothing to others. Parts of GPUs count as one of as many equal parts as fit on a GPU.
///
/// A plan is made from estimates, and is one of order: a task starts once what is ahead of it on its node has started, its data is there
/// and there is room, be it earlier or later than planned. Who runs for longer than estimated is thought to end at any moment. Whenever a
/// node comes, or goes with something on it, all that has not started is planned anew; what no node that is up could hold waits.
///
/// Tasks of several workers are no part of plans: they start when they fit, first come first served, on the first nodes by id, and what
/// comes after them is planned when they have ended.
#[derive(Clone, Debug)]
pub struct Planned {
    planner: Planner,
    scope: Scope,
    unknown: Span,
    /// Jobs of which something has not ended.
    jobs: BTreeSet<JobId>,
    /// Whether all is planned anew before time goes on.
    is_stale: bool,
}

impl Planned {
    /// Plans each job when it is submitted; a task of unknown length is thought to take an hour.
    #[must_use]
    pub fn new(planner: Planner) -> Self {
        Self {
            planner,
            scope: Scope::default(),
            unknown: Span::from_secs(3600),
            jobs: BTreeSet::new(),
            is_stale: false,
        }
    }

    /// Plans so much when a job is submitted.
    #[must_use]
    pub fn scope(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// Takes this to be the length of a task of which nothing is known, on any node.
    #[must_use]
    pub fn unknown(self, unknown: Span) -> Self {
        Self { unknown, ..self }
    }

    /// All is planned anew, once, when everything that happens at this instant has happened.
    fn plan_anew(&mut self, view: &View<'_>, orders: &mut Orders) {
        if !self.is_stale && !self.jobs.is_empty() {
            self.is_stale = true;
            orders.wake(view.now());
        }
    }

    /// Plans what `wanted` says of what has not started, around all else that is bound.
    fn plan(
        &self,
        view: &View<'_>,
        starting: &[(TaskId, Vec<NodeId>)],
        wanted: impl Fn(JobId, Stage) -> bool,
        orders: &mut Orders,
    ) {
        let mut site = Site::of(view, starting, self.unknown);
        let (mut kept, mut free) = (Vec::new(), Vec::new());
        for &job in &self.jobs {
            for position in 0..view.job(job).tasks {
                let task = view.task_of(job, position);
                let card = view.task(task);
                let is_planned = card.workers == 1
                    && matches!(
                        card.stage,
                        Stage::Blocked | Stage::Waiting | Stage::Bound(_)
                    );
                if is_planned && wanted(job, card.stage) {
                    free.push(task);
                } else if matches!(card.stage, Stage::Bound(_)) {
                    kept.push(task);
                }
            }
        }
        let (kept, graph) = site.graph(&kept);
        let queues = site.nodes.iter().map(|&node| {
            let queue = view.node(node).bound.iter();
            let index = |task| kept.binary_search(task).ok().map(NodeIndex::new);
            queue.filter_map(index).collect()
        });
        let queues: Vec<Vec<NodeIndex>> = queues.collect();
        let schedule = fixed::plan(&graph, &site.machines, &queues);
        site.reserve(&kept, &graph, &schedule.slots);
        let (free, graph) = site.graph(&free);
        let schedule = self.planner.plan(&graph, &site.machines);
        site.reserve(&free, &graph, &schedule.slots);
        site.rebind(orders);
    }

    /// Starts tasks of several workers as far as they fit, in the order in which they began to wait.
    fn start_gangs(view: &View<'_>, orders: &mut Orders) -> Vec<(TaskId, Vec<NodeId>)> {
        let mut room = Room::of(view);
        let mut started = Vec::new();
        for task in view.waiting().filter(|&task| view.task(task).workers > 1) {
            let first = &mut |room: &Room<'_>, demand: &Demand| Fit::First.choose(room, demand);
            let Some(nodes) = room.place(task, first) else {
                break;
            };
            orders.start_gang(task, nodes.clone());
            started.push((task, nodes));
        }
        started
    }
}

impl Scheduler for Planned {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        let starting = Self::start_gangs(view, orders);
        let unbound = |stage| matches!(stage, Stage::Blocked | Stage::Waiting);
        match cause {
            Cause::Submitted(job) => {
                self.jobs.insert(job);
                match self.scope {
                    Scope::All => self.plan_anew(view, orders),
                    Scope::Job if self.is_stale => {}
                    Scope::Job => self.plan(view, &starting, |of, _| of == job, orders),
                }
            }
            Cause::Ended(task) => {
                let card = view.task(task);
                if view.job(card.job).left == 0 {
                    self.jobs.remove(&card.job);
                } else if card.workers > 1 && !self.is_stale {
                    let wanted = |of, stage| of == card.job && unbound(stage);
                    self.plan(view, &starting, wanted, orders);
                }
            }
            Cause::Interrupted(_) | Cause::NodeUp(_) => self.plan_anew(view, orders),
            Cause::NodeDown(node) => {
                if !view.node(node).bound.is_empty() {
                    self.plan_anew(view, orders);
                }
            }
            Cause::Woken => {
                if std::mem::take(&mut self.is_stale) {
                    self.plan(view, &starting, |_, _| true, orders);
                }
            }
            Cause::Ready(_) => {}
        }
    }
}

/// The nodes that are up, what will be where on them, and when.
struct Site<'a> {
    view: View<'a>,
    unknown: Span,
    /// The node of each processor.
    nodes: Vec<NodeId>,
    /// The processor of each node that is up.
    processors: Vec<Option<usize>>,
    machines: Machines,
    /// Where and until when tasks run, or will.
    slots: BTreeMap<TaskId, Slot>,
    /// Tasks that are to be bound to each processor.
    bound: Vec<Vec<TaskId>>,
}

impl<'a> Site<'a> {
    /// With what runs, and what starts now.
    fn of(view: &View<'a>, starting: &[(TaskId, Vec<NodeId>)], unknown: Span) -> Self {
        let mut nodes = Vec::new();
        let mut processors = vec![None; view.nodes().len()];
        for (index, card) in view.nodes().iter().enumerate() {
            if card.is_up {
                processors[index] = Some(nodes.len());
                nodes.push(NodeId::new(index));
            }
        }
        let processor = |&node: &NodeId| {
            let kind = view.node(node).kind;
            let capacity = capacity(&view.kinds()[kind]);
            Processor { kind, capacity }
        };
        let mut site = Self {
            view: *view,
            unknown,
            machines: Machines {
                processors: nodes.iter().map(processor).collect(),
                transfers: *view.transfers(),
                start: view.now(),
                taken: Vec::new(),
            },
            bound: vec![Vec::new(); nodes.len()],
            nodes,
            processors,
            slots: BTreeMap::new(),
        };
        let mut running = view.running().to_vec();
        running.sort_unstable();
        for task in running {
            let card = view.task(task);
            let nodes: Vec<NodeId> = card.nodes().collect();
            site.run(task, &nodes, card.started);
        }
        for (task, nodes) in starting {
            site.run(*task, nodes, view.now());
        }
        site
    }

    /// A task runs on these nodes since `start`, at the pace of the slowest.
    fn run(&mut self, task: TaskId, nodes: &[NodeId], start: SimTime) {
        let view = self.view;
        let lengths = nodes.iter().map(|&node| {
            let kind = view.node(node).kind;
            view.length_on(task, kind).unwrap_or(self.unknown)
        });
        let length = lengths.max().unwrap_or(Span::ZERO);
        let end = (start + length).max(view.now());
        for node in nodes {
            let Some(processor) = self.processors[node.index()] else {
                continue;
            };
            let width = width(view.kind(*node), &view.task(task).demand);
            self.machines.taken.push(Reservation {
                processor,
                start: view.now(),
                end,
                width,
            });
        }
        // Its data is where its first worker is.
        if let Some(processor) = self.processors[nodes[0].index()] {
            let slot = Slot {
                processor,
                start,
                end,
            };
            self.slots.insert(task, slot);
        }
    }

    /// Those of `tasks`, which are in the order of their ids, that can be planned, as a graph: something that is up can hold them, and it
    /// is known when their parents end.
    fn graph(&self, tasks: &[TaskId]) -> (Vec<TaskId>, Graph) {
        let view = &self.view;
        let (mut planned, mut graph) = (Vec::new(), Graph::new());
        for &task in tasks {
            let card = view.task(task);
            let mut work = Work {
                on: (0..view.kinds().len())
                    .map(|kind| self.cost(task, kind))
                    .collect(),
                inputs: Vec::new(),
            };
            let mut edges = Vec::new();
            let mut is_known = (0..self.nodes.len())
                .any(|processor| self.machines.cost(&work, processor).is_some());
            for &(position, bytes) in &card.parents {
                let parent = view.task_of(card.job, position);
                if let Some((node, at)) = view.task(parent).done {
                    work.inputs.push(Input {
                        processor: self.processors[node.index()],
                        at: at.max(view.now()),
                        bytes,
                    });
                } else if let Some(slot) = self.slots.get(&parent) {
                    work.inputs.push(Input {
                        processor: Some(slot.processor),
                        at: slot.end,
                        bytes,
                    });
                } else if let Ok(index) = planned.binary_search(&parent) {
                    edges.push((NodeIndex::new(index), bytes));
                } else {
                    is_known = false;
                }
            }
            if is_known {
                planned.push(task);
                let child = graph.add_node(work);
                for (parent, bytes) in edges {
                    graph.add_edge(parent, child, bytes);
                }
            }
        }
        (planned, graph)
    }

    fn cost(&self, task: TaskId, kind: usize) -> Option<Cost> {
        let demand = &self.view.task(task).demand;
        let of = &self.view.kinds()[kind];
        of.can_hold(demand).then(|| Cost {
            time: self.view.length_on(task, kind).unwrap_or(self.unknown),
            width: width(of, demand),
        })
    }

    /// Takes the room of what is planned.
    fn reserve(&mut self, tasks: &[TaskId], graph: &Graph, slots: &[Slot]) {
        for ((&task, work), &slot) in tasks.iter().zip(graph.node_weights()).zip(slots) {
            let cost = self.machines.cost(work, slot.processor);
            self.machines.taken.push(Reservation {
                processor: slot.processor,
                start: slot.start,
                end: slot.end,
                width: cost.expect("it can run there").width,
            });
            self.slots.insert(task, slot);
            self.bound[slot.processor].push(task);
        }
    }

    /// Binds all that is planned, in the order of starts on each node: an order of all tasks that has parents before their children,
    /// so that no two nodes wait for each other. What is bound in that order already stays.
    fn rebind(mut self, orders: &mut Orders) {
        let key = |task: TaskId| (self.slots[&task].start, self.slots[&task].end, task);
        let mut binds = Vec::new();
        for (index, card) in self.view.nodes().iter().enumerate() {
            let node = NodeId::new(index);
            let wanted: &mut [TaskId] = match self.processors[index] {
                Some(processor) => &mut self.bound[processor],
                None => &mut [],
            };
            wanted.sort_unstable_by_key(|&task| key(task));
            let alike = (card.bound.iter().zip(wanted.iter()))
                .take_while(|(is, wanted)| is == wanted)
                .count();
            for &task in card.bound.iter().skip(alike).rev() {
                orders.unbind(task);
            }
            binds.extend(wanted[alike..].iter().map(|&task| (key(task), node)));
        }
        binds.sort_unstable();
        for ((.., task), node) in binds {
            orders.bind(task, node);
        }
    }
}

/// The room of a node [thousandths of a core].
fn capacity(kind: &Kind) -> u32 {
    kind.cpu.max(1000)
}

/// What of its room a worker takes: the largest share of any resource, rounded down.
fn width(kind: &Kind, demand: &Demand) -> u32 {
    let capacity = capacity(kind);
    let share = |asked: u32, whole: u32| {
        let share = u64::from(asked) * u64::from(capacity);
        share.checked_div(u64::from(whole)).unwrap_or(0) as u32
    };
    let part = match demand.gpu_share {
        0 => 0,
        part => 1000 / (1000 / u32::from(part)).max(1),
    };
    demand.cpu.max(share(demand.memory, kind.memory)).max(share(
        u32::from(demand.gpus) * part,
        u32::from(kind.gpus) * 1000,
    ))
}
