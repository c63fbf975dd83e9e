//! The cluster at work: jobs are submitted, their tasks started, interrupted, resumed and ended.
//!
//! Between two changes of what a task gets, its progress is known in closed form: an event each for start and end, whatever its
//! length, and none for the checkpoints between.

mod data;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use walras_des::{
    Context, Digest, Engine, Event as Ranked, Model, Purpose, SimTime, Span, Stream, Streams,
};

use crate::availability::{Life, Place};
use crate::cluster::TaskId;
use crate::cluster::job::{Elastic, Job, Task};
use crate::cluster::node::{Free, Kind, Share};
use crate::cluster::observer::{Nothing, Observer, Stop};
use crate::cluster::policy::{Cause, Order, Orders, Reason, Refusal, Scheduler};
use crate::cluster::store::{Figures, ObjectId, Storage};
use crate::cluster::transfers::{Links, Traffic, TransferId};
use crate::cluster::view::{Books, JobCard, NodeCard, Stage, TaskCard, View};
use crate::ids::{JobId, NodeId};
use crate::record::BatchRow;

pub use crate::cluster::transfers::Transfers;

/// What a cluster is made of; nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// Kinds of nodes.
    pub kinds: Arc<[Kind]>,
    /// The kind of each node, by position.
    pub nodes: Vec<usize>,
    /// How long a transfer takes that is alone; with shared links, what planners expect of one ([`Links::typical`]).
    pub transfers: Transfers,
    /// Links that all transfers share; without them each is as if alone.
    pub links: Option<Arc<Links>>,
    /// Objects stored on the nodes.
    pub storage: Option<Arc<Storage>>,
}

impl Cluster {
    /// So many nodes of one kind.
    #[must_use]
    pub fn of(count: usize, kind: Kind) -> Self {
        Self {
            kinds: Arc::new([kind]),
            nodes: vec![0; count],
            transfers: Transfers::default(),
            links: None,
            storage: None,
        }
    }
}

/// How the lengths of tasks reach a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Estimates {
    /// Not at all.
    None,
    /// As they are.
    Exact,
    /// Times a log-normal factor of median one with this standard deviation of its logarithm.
    Noisy(f64),
    /// As users said, where they did.
    #[default]
    User,
}

/// What a run left behind.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Fingerprint of the whole history of events.
    pub digest: Digest,
    /// Events processed.
    pub events: u64,
    /// Ended jobs, in the order of their ends.
    pub jobs: Vec<BatchRow>,
    /// Jobs submitted.
    pub submitted: u64,
    /// Jobs turned away, by the policy or because the whole cluster could not hold the workers of a task.
    pub rejected: u64,
    /// Jobs that had not ended when nothing more could happen.
    pub live: u64,
    /// The end of the last job.
    pub makespan: SimTime,
    /// Tasks interrupted by the loss of a node.
    pub interruptions: u64,
    /// Tasks stopped by the policy.
    pub preemptions: u64,
    /// Changes of the workers of running tasks.
    pub resizes: u64,
    /// Work that interruptions undid [worker time at full share].
    pub lost: f64,
    /// Processor time given to tasks [core seconds].
    pub cpu_seconds: f64,
    /// GPU time given to tasks [GPU seconds].
    pub gpu_seconds: f64,
    /// Orders that were refused.
    pub refused: u64,
    /// The first of them.
    pub refusals: Vec<Refusal>,
    /// What moved, and what became of stored objects.
    pub data: Figures,
}

/// Refusals that are kept.
const REFUSALS: usize = 10;

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The next job is submitted.
    Submit,
    /// A task ends.
    End {
        /// The task.
        task: TaskId,
        /// Tells this end from one that was put off.
        stamp: u32,
    },
    /// The inputs of a bound task are at its node.
    Inputs {
        /// The node.
        node: NodeId,
    },
    /// A node leaves.
    Down {
        /// The node.
        node: NodeId,
    },
    /// A node comes back.
    Up {
        /// The node.
        node: NodeId,
    },
    /// The time that the policy asked for.
    Wake,
    /// A flow on shared links ends.
    Moved {
        /// Tells this end from one that was put off.
        stamp: u32,
    },
    /// A transfer has arrived.
    Arrived {
        /// The transfer.
        transfer: TransferId,
    },
    /// A node has been away for too long.
    Missed {
        /// Number of the absence.
        absence: u32,
    },
    /// Stored objects have been watched for long enough.
    Watched,
}

impl Ranked for Event {
    /// At one instant, work ends before anything takes notice of it, and who waits comes before who arrives.
    fn rank(&self) -> u8 {
        match self {
            Self::End { .. } => 0,
            Self::Inputs { .. } | Self::Moved { .. } | Self::Arrived { .. } => 1,
            Self::Down { .. } => 2,
            Self::Up { .. } => 3,
            Self::Submit => 4,
            Self::Wake => 5,
            // Who is back at that very moment is not missed.
            Self::Missed { .. } => 6,
            Self::Watched => 7,
        }
    }

    fn word(&self) -> u64 {
        match *self {
            Self::End { task, stamp } => u64::from(task.0) << 32 | u64::from(stamp),
            Self::Inputs { node } | Self::Down { node } | Self::Up { node } => u64::from(node.0),
            Self::Submit | Self::Wake | Self::Watched => 0,
            Self::Moved { stamp } => u64::from(stamp),
            Self::Arrived { transfer } => transfer.word(),
            Self::Missed { absence } => u64::from(absence),
        }
    }
}

/// The true state of a task; what the manager knows of it is on its card.
#[derive(Debug)]
struct State {
    truth: Task,
    /// Work kept from earlier starts [time on nodes of speed one].
    kept: Span,
    /// Time to its end at full share, as of `since`.
    left: Span,
    since: SimTime,
    /// Time at full share since its start, as of `since`.
    elapsed: Span,
    /// Time that all of its work takes on its present nodes.
    whole: Span,
    /// Time that it spent on inputs before its work began, at full share.
    staging: Span,
    stamp: u32,
    /// Parents that have not ended.
    blocked_by: u32,
    /// When it was bound for the last time.
    bound: SimTime,
    /// When the inputs of a bound task are at its node.
    inputs: SimTime,
    /// Whether inputs come over shared links.
    is_fetching: bool,
    children: Vec<TaskId>,
}

/// What a transfer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cargo {
    /// What a parent left for a task.
    Input(TaskId),
    /// A piece of an object that a task reads.
    Read(TaskId, ObjectId),
    /// A piece of an object for the repair in this slot.
    Repair(u32),
}

impl State {
    /// Work per time of its present nodes.
    fn speed(&self) -> f64 {
        if self.whole == Span::ZERO {
            1.0
        } else {
            self.truth.work.as_secs_f64() / self.whole.as_secs_f64()
        }
    }
}

struct Lives {
    life: Life,
    stream: Stream,
}

/// The state of a run.
pub struct World<'a, S, J, O> {
    observer: O,
    cluster: &'a Cluster,
    /// Nodes of each kind.
    counts: Vec<u64>,
    estimates: Estimates,
    errors: Stream,
    jobs: J,
    next: Option<Job>,
    scheduler: S,
    books: Books,
    tasks: Vec<State>,
    rows: Vec<(BatchRow, bool)>,
    /// Nodes from which the orders that are being carried out took bound tasks.
    vacated: Vec<NodeId>,
    lives: Vec<Option<Lives>>,
    orders: Orders,
    traffic: Traffic<Cargo>,
    /// The transfers that a fetching task waits for.
    fetches: BTreeMap<TaskId, Vec<TransferId>>,
    outcome: Outcome,
    live: u64,
}

type Cx = Context<Event>;

/// Runs `jobs`, in the order of their submission, under `scheduler` until all have ended or nothing more can happen; `None` if
/// `stop` asked for an end. The result depends on the arguments alone.
///
/// # Panics
/// If jobs are not in the order of their submission, or an invariant of the simulation is violated.
#[must_use]
pub fn run<S: Scheduler, J: Iterator<Item = Job>>(
    cluster: &Cluster,
    jobs: J,
    estimates: Estimates,
    scheduler: S,
    streams: &Streams,
    stop: &dyn Fn() -> bool,
) -> Option<Outcome> {
    let watch = Watch {
        observer: Nothing,
        until: SimTime::MAX,
        stop,
    };
    observed(cluster, jobs, estimates, scheduler, streams, watch).map(|(outcome, _)| outcome)
}

/// Who looks at a run, and when it ends.
pub struct Watch<'a, O> {
    /// Is told what happens.
    pub observer: O,
    /// What has not ended by then is still under way.
    pub until: SimTime,
    /// Asked from time to time whether to give up.
    pub stop: &'a dyn Fn() -> bool,
}

/// As [`run`], and gives back who looked.
///
/// # Panics
/// As [`run`].
#[must_use]
pub fn observed<S: Scheduler, J: Iterator<Item = Job>, O: Observer>(
    cluster: &Cluster,
    jobs: J,
    estimates: Estimates,
    scheduler: S,
    streams: &Streams,
    watch: Watch<'_, O>,
) -> Option<(Outcome, O)> {
    let Watch {
        observer,
        until,
        stop,
    } = watch;
    let world = World::new(cluster, jobs, estimates, scheduler, streams, observer);
    let mut engine = Engine::new(world);
    World::begin(&mut engine, streams);
    let mut asked = 0_u64;
    while engine.next_time().is_some_and(|at| at <= until)
        && engine.step().is_some()
        && !engine.is_stopped()
    {
        asked += 1;
        if asked.is_multiple_of(1 << 14) && stop() {
            return None;
        }
    }
    let (digest, events, now) = (engine.digest(), engine.events(), engine.now());
    Some(engine.model.finish(digest, events, now))
}

impl<'a, S: Scheduler, J: Iterator<Item = Job>, O: Observer> World<'a, S, J, O> {
    fn new(
        cluster: &'a Cluster,
        jobs: J,
        estimates: Estimates,
        scheduler: S,
        streams: &Streams,
        observer: O,
    ) -> Self {
        let node = |&kind: &usize| NodeCard {
            kind,
            is_up: true,
            free: Free::of(&cluster.kinds[kind]),
            running: Vec::new(),
            bound: VecDeque::new(),
        };
        let books = Books {
            kinds: Arc::clone(&cluster.kinds),
            transfers: cluster.transfers,
            nodes: cluster.nodes.iter().map(node).collect(),
            jobs: Vec::new(),
            tasks: Vec::new(),
            waiting: BTreeMap::new(),
            tickets: 0,
            running: Vec::new(),
            store: None,
            reads: BTreeMap::new(),
        };
        let mut counts = vec![0; cluster.kinds.len()];
        cluster.nodes.iter().for_each(|&kind| counts[kind] += 1);
        Self {
            observer,
            cluster,
            counts,
            estimates,
            errors: streams.open(Purpose::new("estimates"), 0),
            jobs,
            next: None,
            scheduler,
            tasks: Vec::new(),
            rows: Vec::new(),
            vacated: Vec::new(),
            lives: cluster.nodes.iter().map(|_| None).collect(),
            orders: Orders::default(),
            traffic: Traffic::new(cluster.transfers, cluster.links.as_ref()),
            fetches: BTreeMap::new(),
            outcome: Outcome {
                digest: Digest::new(),
                events: 0,
                jobs: Vec::new(),
                submitted: 0,
                rejected: 0,
                live: 0,
                makespan: SimTime::ZERO,
                interruptions: 0,
                preemptions: 0,
                resizes: 0,
                lost: 0.0,
                cpu_seconds: 0.0,
                gpu_seconds: 0.0,
                refused: 0,
                refusals: Vec::new(),
                data: Figures::default(),
            },
            live: 0,
            books,
        }
    }

    fn begin(engine: &mut Engine<Self>, streams: &Streams) {
        for index in 0..engine.model.books.nodes.len() {
            let node = NodeId::new(index);
            let mut stream = streams.open(Purpose::new("node"), index as u64);
            let place = Place {
                number: node.0,
                hosts: 1,
                utc_offset: 0.0,
            };
            let kind = engine.model.books.nodes[index].kind;
            let (life, up, change) =
                (engine.model.cluster.kinds[kind].availability).begin(place, &mut stream);
            engine.model.books.nodes[index].is_up = up;
            engine.model.lives[index] = Some(Lives { life, stream });
            if let Some(change) = change {
                let event = if up {
                    Event::Down { node }
                } else {
                    Event::Up { node }
                };
                engine.context_mut().after(change, event);
            }
        }
        engine.model.observe(SimTime::ZERO, O::begun);
        for (after, event) in engine.model.begin_data(streams) {
            engine.context_mut().after(after, event);
        }
        engine.model.next = engine.model.jobs.next();
        if let Some(job) = &engine.model.next {
            let at = job.submitted;
            engine.context_mut().at(at, Event::Submit);
        }
    }

    fn finish(mut self, digest: Digest, events: u64, now: SimTime) -> (Outcome, O) {
        self.observe(now, O::finished);
        self.outcome.digest = digest;
        self.outcome.events = events;
        self.outcome.live = self.live;
        if let Some(store) = &mut self.books.store {
            self.outcome.data = store.finish(now);
        }
        self.outcome.data.moved = self.traffic.moved;
        self.outcome.data.egress = self.traffic.egress;
        let ended = self.outcome.jobs.len() as u64;
        assert_eq!(
            self.outcome.submitted,
            ended + self.outcome.rejected + self.live,
            "submitted = completed + rejected + live"
        );
        for node in &self.books.nodes {
            if node.running.is_empty() {
                let all = Free::of(&self.cluster.kinds[node.kind]);
                assert_eq!(node.free, all, "an empty node has all of its capacity");
            }
        }
        (self.outcome, self.observer)
    }

    /// Tells the observer what has just happened.
    fn observe(&mut self, now: SimTime, tell: impl FnOnce(&mut O, &View<'_>)) {
        let view = View {
            now,
            books: &self.books,
        };
        tell(&mut self.observer, &view);
    }

    fn submit(&mut self, cx: &mut Cx) {
        let job = self.next.take().expect("a job is due");
        self.next = self.jobs.next();
        if let Some(next) = &self.next {
            assert!(next.submitted >= job.submitted, "jobs come in order");
            cx.at(next.submitted, Event::Submit);
        }
        let now = cx.now();
        let id = JobId::new(self.books.jobs.len());
        let first = self.books.tasks.len() as u32;
        let count = job.tasks.len() as u32;
        let work = job
            .tasks
            .iter()
            .map(|task| task.work * u64::from(task.workers));
        let row = BatchRow {
            serial: self.outcome.submitted,
            user: job.user,
            submitted: now,
            started: now,
            ended: now,
            work: work.fold(Span::ZERO, |sum, work| sum + work),
            least: job.least(),
            deadline: job.deadline,
        };
        self.rows.push((row, false));
        self.books.jobs.push(JobCard {
            serial: self.outcome.submitted,
            submitted: now,
            user: job.user,
            deadline: job.deadline,
            first: TaskId(first),
            tasks: count,
            left: count,
        });
        self.outcome.submitted += 1;
        self.live += 1;
        let kinds = &self.cluster.kinds;
        let possible = job.tasks.iter().all(|task| {
            let room = self
                .counts
                .iter()
                .zip(kinds.iter())
                .map(|(&count, kind)| kind.workers(&task.demand).saturating_mul(count));
            let least = task.elastic.map_or(task.workers, |elastic| elastic.min);
            room.fold(0, u64::saturating_add) >= u64::from(least)
        });
        for task in job.tasks {
            self.enter(id, first, task, now);
        }
        self.observe(now, |observer, view| observer.submitted(view, id));
        if !possible || count == 0 {
            self.reject(id, cx);
            return;
        }
        self.ask(Cause::Submitted(id), cx);
    }

    fn enter(&mut self, job: JobId, first: u32, mut task: Task, now: SimTime) {
        let id = TaskId(self.books.tasks.len() as u32);
        let estimate = match self.estimates {
            Estimates::None => None,
            Estimates::Exact => Some(task.work),
            Estimates::Noisy(sigma) => {
                let factor = walras_des::math::exp(sigma * self.errors.normal());
                Some(Span::from_secs_f64(task.work.as_secs_f64() * factor))
            }
            Estimates::User => task.walltime,
        };
        // Who misjudges a task does so in proportion on every kind of node.
        let on = |whole: &Span, estimate| part(*whole, estimate, task.work);
        let known = estimate.filter(|_| task.work > Span::ZERO);
        let estimate_on = known.map(|estimate| {
            let on = task.work_on.iter().map(|whole| on(whole, estimate));
            on.collect()
        });
        self.books.tasks.push(TaskCard {
            job,
            demand: task.demand,
            workers: task.workers,
            elastic: task.elastic,
            estimate,
            estimate_on: estimate_on.unwrap_or_default(),
            parents: std::mem::take(&mut task.parents),
            done: None,
            stage: Stage::Blocked,
            waiting_since: now,
            started: now,
            starts: 0,
            share: Share::FULL,
            kept: Span::ZERO,
            attained: Span::ZERO,
            served: Span::ZERO,
            since: now,
            speed: 1.0,
            speeds: task
                .work_on
                .iter()
                .map(|&time| task.work.as_secs_f64() / time.as_secs_f64())
                .collect(),
            position: 0,
            placed: Vec::new(),
            ticket: 0,
        });
        if !task.reads.is_empty() {
            self.note_reads(id, std::mem::take(&mut task.reads));
        }
        let parents = &self.books.tasks[id.index()].parents;
        for &(parent, _) in parents {
            let parent = first + parent;
            assert!(parent < id.0, "parents come before their children");
            self.tasks[parent as usize].children.push(id);
        }
        let blocked_by = parents.len() as u32;
        if blocked_by == 0 {
            self.books.enqueue(id, now);
        }
        self.tasks.push(State {
            truth: task,
            kept: Span::ZERO,
            left: Span::ZERO,
            since: now,
            elapsed: Span::ZERO,
            whole: Span::ZERO,
            staging: Span::ZERO,
            stamp: 0,
            blocked_by,
            bound: now,
            inputs: now,
            is_fetching: false,
            children: Vec::new(),
        });
    }

    /// Asks the policy, and carries out what it orders.
    fn ask(&mut self, cause: Cause, cx: &mut Cx) {
        let mut orders = std::mem::take(&mut self.orders);
        let view = View {
            now: cx.now(),
            books: &self.books,
        };
        self.scheduler.decide(cause, &view, &mut orders);
        self.observer.decided(&view, cause, &orders.0);
        for order in orders.0.drain(..) {
            if let Err(why) = self.carry_out(&order, cx) {
                self.refuse(order, why, cx.now());
            }
        }
        self.orders = orders;
        while let Some(node) = self.vacated.pop() {
            self.advance(node, cx);
        }
    }

    fn refuse(&mut self, order: Order, why: Reason, at: SimTime) {
        self.outcome.refused += 1;
        if self.outcome.refusals.len() == REFUSALS {
            return;
        }
        let job = match &order {
            Order::Start(task, ..)
            | Order::Bind(task, _)
            | Order::Unbind(task)
            | Order::Reshare(task, _)
            | Order::Resize(task, _)
            | Order::Preempt(task) => self.books.tasks.get(task.index()).map(|card| card.job),
            Order::Reject(job) => Some(*job),
            Order::Wake(_) => None,
        };
        let serial = job.and_then(|job| self.books.jobs.get(job.index()));
        self.outcome.refusals.push(Refusal {
            at,
            order,
            job: serial.map(|card| card.serial),
            why,
        });
    }

    fn carry_out(&mut self, order: &Order, cx: &mut Cx) -> Result<(), Reason> {
        match order {
            Order::Start(task, nodes, share) => {
                let card = self.card(*task)?;
                if card.stage != Stage::Waiting {
                    return Err(Reason::NotWaiting);
                }
                check_workers(card, nodes.len())?;
                self.place(*task, nodes, *share)?;
                self.books.dequeue(*task);
                let staging = self.bring(*task, nodes, cx);
                self.launch(*task, *share, staging, cx);
            }
            Order::Bind(task, node) => {
                let card = self.card(*task)?;
                if !matches!(card.stage, Stage::Waiting | Stage::Blocked) {
                    return Err(Reason::TooLate);
                }
                if card.workers != 1 {
                    return Err(Reason::Gang);
                }
                let target = self.books.nodes.get(node.index()).ok_or(Reason::Unknown)?;
                let kind = &self.cluster.kinds[target.kind];
                if !kind.carries(&card.demand) {
                    return Err(Reason::Labels(*node));
                }
                if !kind.can_hold(&card.demand) {
                    return Err(Reason::NoRoom(*node));
                }
                if card.stage == Stage::Waiting {
                    self.books.dequeue(*task);
                }
                self.books.tasks[task.index()].stage = Stage::Bound(*node);
                self.books.nodes[node.index()].bound.push_back(*task);
                self.tasks[task.index()].bound = cx.now();
                self.bind_inputs(*task, *node, cx);
                self.await_inputs(*task, *node, cx);
                self.advance(*node, cx);
            }
            Order::Unbind(task) => {
                let Stage::Bound(node) = self.card(*task)?.stage else {
                    return Err(Reason::NotBound);
                };
                let bound = &mut self.books.nodes[node.index()].bound;
                // Plans are taken back from their end.
                let at = (0..bound.len()).rfind(|&at| bound[at] == *task);
                bound.remove(at.expect("it is bound there"));
                self.stop_fetching(*task, cx.now());
                // What was behind it may start, unless it is taken back as well.
                self.vacated.push(node);
                if self.tasks[task.index()].blocked_by == 0 {
                    self.books.enqueue(*task, cx.now());
                } else {
                    self.books.tasks[task.index()].stage = Stage::Blocked;
                }
            }
            Order::Reshare(task, share) => {
                let card = self.card(*task)?;
                if card.stage != Stage::Running {
                    return Err(Reason::NotRunning);
                }
                self.reshare(*task, *share, cx)?;
            }
            Order::Resize(task, nodes) => {
                let card = self.card(*task)?;
                if card.stage != Stage::Running {
                    return Err(Reason::NotRunning);
                }
                let elastic = card.elastic.ok_or(Reason::Rigid)?;
                check_workers(card, nodes.len())?;
                self.resize(*task, nodes, elastic.cost, cx)?;
            }
            Order::Preempt(task) => {
                if self.card(*task)?.stage != Stage::Running {
                    return Err(Reason::NotRunning);
                }
                self.outcome.preemptions += 1;
                self.halt(*task, true, cx.now());
            }
            Order::Reject(job) => {
                let card = self.books.jobs.get(job.index()).ok_or(Reason::Unknown)?;
                let mut tasks = card.first.0..card.first.0 + card.tasks;
                let idle = |id| {
                    let stage = self.books.tasks[id as usize].stage;
                    matches!(stage, Stage::Blocked | Stage::Waiting)
                };
                if !tasks.all(idle) {
                    return Err(Reason::UnderWay);
                }
                self.reject(*job, cx);
            }
            Order::Wake(at) => {
                if *at < cx.now() {
                    return Err(Reason::Past);
                }
                cx.at(*at, Event::Wake);
            }
        }
        Ok(())
    }

    fn card(&self, task: TaskId) -> Result<&TaskCard, Reason> {
        self.books.tasks.get(task.index()).ok_or(Reason::Unknown)
    }

    /// Takes room for all workers of a task, or for none of them.
    fn place(&mut self, task: TaskId, nodes: &[NodeId], share: Share) -> Result<(), Reason> {
        let demand = self.books.tasks[task.index()].demand;
        let mut placed = std::mem::take(&mut self.books.tasks[task.index()].placed);
        let mut problem = None;
        for &node in nodes {
            let Some(card) = self.books.nodes.get_mut(node.index()) else {
                problem = Some(Reason::Unknown);
                break;
            };
            let kind = &self.cluster.kinds[card.kind];
            problem = if !card.is_up {
                Some(Reason::Down(node))
            } else if !kind.carries(&demand) {
                Some(Reason::Labels(node))
            } else if !card.free.fits(&demand, share) {
                Some(Reason::NoRoom(node))
            } else {
                None
            };
            if problem.is_some() {
                break;
            }
            placed.push((node, card.free.take(&demand, share)));
        }
        if let Some(reason) = problem {
            for (node, gpus) in placed.drain(..) {
                let free = &mut self.books.nodes[node.index()].free;
                free.give(&demand, share, gpus);
            }
            self.books.tasks[task.index()].placed = placed;
            return Err(reason);
        }
        for &(node, _) in &placed {
            self.books.nodes[node.index()].running.push(task);
        }
        self.books.tasks[task.index()].placed = placed;
        Ok(())
    }

    fn first_of(&self, task: TaskId) -> u32 {
        let job = self.books.tasks[task.index()].job;
        self.books.jobs[job.index()].first.0
    }

    /// A task that has room begins.
    fn launch(&mut self, task: TaskId, share: Share, staging: Span, cx: &mut Cx) {
        let now = cx.now();
        let card = &mut self.books.tasks[task.index()];
        let state = &mut self.tasks[task.index()];
        let kinds = &self.cluster.kinds;
        let whole = |&(node, _): &(NodeId, u16)| {
            let kind = self.books.nodes[node.index()].kind;
            kinds[kind].time(kind, &state.truth)
        };
        // A gang goes at the pace of its slowest worker.
        let whole = card
            .placed
            .iter()
            .map(whole)
            .max()
            .expect("a task has workers");
        let whole = match card.elastic {
            Some(elastic) if card.placed.len() != card.workers as usize => {
                let stretch = elastic.stretch(card.workers, card.placed.len() as u32);
                Span::from_secs_f64(whole.as_secs_f64() * stretch).max(Span::NANO)
            }
            _ => whole,
        };
        let rest = part(whole, state.truth.work - state.kept, state.truth.work);
        state.whole = whole;
        state.staging = staging;
        let is_ready = !state.is_fetching;
        state.left = staging + with_checkpoints(&state.truth, whole, rest);
        state.elapsed = Span::ZERO;
        state.since = now;
        state.stamp += 1;
        card.stage = Stage::Running;
        card.share = share;
        card.started = now;
        card.starts += 1;
        card.since = now;
        card.attained = state.kept;
        card.speed = if is_ready { state.speed() } else { 0.0 };
        let (row, started) = &mut self.rows[card.job.index()];
        if !*started {
            (row.started, *started) = (now, true);
        }
        self.rejoin(task);
        let state = &self.tasks[task.index()];
        if is_ready && let Some(takes) = share.takes(state.left) {
            let stamp = state.stamp;
            cx.after(takes, Event::End { task, stamp });
        }
        self.observe(now, |observer, view| observer.started(view, task));
    }

    /// A running task has all that it fetched, and begins to work.
    fn work(&mut self, task: TaskId, cx: &mut Cx) {
        let (card, state) = (
            &mut self.books.tasks[task.index()],
            &mut self.tasks[task.index()],
        );
        card.speed = state.speed();
        state.stamp += 1;
        if let Some(takes) = card.share.takes(state.left) {
            let stamp = state.stamp;
            cx.after(takes, Event::End { task, stamp });
        }
    }

    /// Brings the progress of a running task up to now.
    fn settle(&mut self, task: TaskId, now: SimTime) {
        let (card, state) = (
            &mut self.books.tasks[task.index()],
            &mut self.tasks[task.index()],
        );
        let mut done = card.share.done(now - state.since);
        if state.is_fetching {
            state.staging += done;
        } else {
            done = done.min(state.left);
            state.left = state.left - done;
        }
        state.elapsed += done;
        state.since = now;
        card.attained = card.attained(now);
        card.served = card.served(now);
        card.since = now;
        let workers = card.placed.len() as f64 * done.as_secs_f64();
        self.outcome.cpu_seconds += workers * f64::from(card.demand.cpu) / 1e3;
        self.outcome.gpu_seconds += workers * f64::from(card.demand.gpu()) / 1e3;
    }

    fn reshare(&mut self, task: TaskId, share: Share, cx: &mut Cx) -> Result<(), Reason> {
        let card = &self.books.tasks[task.index()];
        let (from, demand) = (card.share, card.demand);
        if from == share {
            return Ok(());
        }
        for worker in 0..card.placed.len() {
            let node = self.books.tasks[task.index()].placed[worker].0;
            let free = &mut self.books.nodes[node.index()].free;
            if !free.reshare(&demand, from, share) {
                for done in 0..worker {
                    let node = self.books.tasks[task.index()].placed[done].0;
                    let free = &mut self.books.nodes[node.index()].free;
                    assert!(free.reshare(&demand, share, from), "it had this share");
                }
                return Err(Reason::NoRoom(node));
            }
        }
        self.settle(task, cx.now());
        self.books.tasks[task.index()].share = share;
        self.observe(cx.now(), |observer, view| {
            observer.reshared(view, task, from);
        });
        let state = &mut self.tasks[task.index()];
        state.stamp += 1;
        let is_ready = !state.is_fetching;
        if is_ready && let Some(takes) = share.takes(state.left) {
            let stamp = state.stamp;
            cx.after(takes, Event::End { task, stamp });
        }
        Ok(())
    }

    /// Moves a running task to other workers, if there is room for them once it has left its own.
    fn resize(
        &mut self,
        task: TaskId,
        nodes: &[NodeId],
        cost: Span,
        cx: &mut Cx,
    ) -> Result<(), Reason> {
        let card = &self.books.tasks[task.index()];
        let share = card.share;
        let before: Vec<NodeId> = card.nodes().collect();
        self.settle(task, cx.now());
        self.leave(task, Stop::Moved, cx.now());
        if let Err(reason) = self.place(task, nodes, share) {
            // It had room where it was.
            let back = self.place(task, &before, share);
            assert_eq!(back, Ok(()), "room that was left is there");
            self.rejoin(task);
            self.observe(cx.now(), |observer, view| observer.started(view, task));
            return Err(reason);
        }
        self.outcome.resizes += 1;
        let state = &self.tasks[task.index()];
        let to_come = state
            .staging
            .as_nanos()
            .saturating_sub(state.elapsed.as_nanos());
        let staging = Span::from_nanos(to_come) + cost;
        let (done, _) = self.done(task);
        self.keep(task, done);
        let kept = self.tasks[task.index()].kept;
        self.books.tasks[task.index()].kept = kept;
        self.launch(task, share, staging, cx);
        Ok(())
    }

    /// Work done since the start of a settled task, and what of it the last checkpoint holds [time on its present nodes].
    fn done(&self, task: TaskId) -> (Span, Span) {
        let state = &self.tasks[task.index()];
        let (elapsed, staging) = (state.elapsed.as_nanos(), state.staging.as_nanos());
        let worked = Span::from_nanos(elapsed.saturating_sub(staging));
        progress(&state.truth, state.whole, worked)
    }

    /// Adds work done on its present nodes to what a task keeps.
    fn keep(&mut self, task: TaskId, done: Span) {
        let state = &mut self.tasks[task.index()];
        state.kept += part(state.truth.work, done, state.whole);
        state.kept = state.kept.min(state.truth.work);
    }

    /// Puts a task among what runs.
    fn rejoin(&mut self, task: TaskId) {
        self.books.tasks[task.index()].position = self.books.running.len() as u32;
        self.books.running.push(task);
    }

    /// Takes a running task off its nodes.
    fn leave(&mut self, task: TaskId, why: Stop, now: SimTime) {
        let card = &mut self.books.tasks[task.index()];
        let (demand, share, position) = (card.demand, card.share, card.position as usize);
        let mut placed = std::mem::take(&mut card.placed);
        for &(node, gpus) in &placed {
            let node = &mut self.books.nodes[node.index()];
            node.free.give(&demand, share, gpus);
            if let Some(at) = node.running.iter().position(|&other| other == task) {
                node.running.swap_remove(at);
            }
        }
        self.observe(now, |observer, view| {
            observer.stopped(view, task, &placed, why);
        });
        placed.clear();
        self.books.tasks[task.index()].placed = placed;
        self.books.running.swap_remove(position);
        if let Some(&moved) = self.books.running.get(position) {
            self.books.tasks[moved.index()].position = position as u32;
        }
    }

    /// A running task is stopped, and waits again: all of its work is kept, or what the last checkpoint holds.
    fn halt(&mut self, task: TaskId, keeps_all: bool, now: SimTime) {
        self.settle(task, now);
        self.stop_fetching(task, now);
        let state = &mut self.tasks[task.index()];
        state.stamp += 1;
        let before = part(state.whole, state.kept, state.truth.work);
        let (done, saved) = self.done(task);
        self.keep(task, if keeps_all { done } else { saved });
        let workers = self.books.tasks[task.index()].placed.len() as f64;
        let state = &mut self.tasks[task.index()];
        let mut undone = 0.0;
        if !keeps_all {
            let without = if state.truth.checkpoint.is_none() {
                before
            } else {
                Span::ZERO
            };
            let lost = (done + without - saved).as_secs_f64();
            if state.truth.checkpoint.is_none() {
                state.kept = Span::ZERO;
            }
            undone = lost * workers;
            self.outcome.lost += undone;
        }
        let kept = state.kept;
        let why = if keeps_all {
            Stop::Preempted
        } else {
            Stop::Lost(undone)
        };
        self.leave(task, why, now);
        let card = &mut self.books.tasks[task.index()];
        (card.kept, card.attained) = (kept, kept);
        self.books.enqueue(task, now);
    }

    fn end(&mut self, task: TaskId, stamp: u32, cx: &mut Cx) {
        if self.tasks[task.index()].stamp != stamp {
            return;
        }
        let now = cx.now();
        self.settle(task, now);
        let node = self.books.tasks[task.index()].placed[0].0;
        let nodes: Vec<NodeId> = self.books.tasks[task.index()].nodes().collect();
        self.leave(task, Stop::Ended, now);
        let card = &mut self.books.tasks[task.index()];
        card.stage = Stage::Ended;
        card.done = Some((node, now));
        let job = card.job;
        let state = &mut self.tasks[task.index()];
        state.stamp += 1;
        let children = std::mem::take(&mut state.children);
        for &child in &children {
            self.tasks[child.index()].blocked_by -= 1;
            self.forward(task, child, cx);
            if self.tasks[child.index()].blocked_by == 0 {
                match self.books.tasks[child.index()].stage {
                    Stage::Bound(node) => self.await_inputs(child, node, cx),
                    _ => self.books.enqueue(child, now),
                }
            }
        }
        self.books.jobs[job.index()].left -= 1;
        if self.books.jobs[job.index()].left == 0 {
            let mut row = self.rows[job.index()].0;
            row.ended = now;
            assert!(
                row.submitted <= row.started && row.started <= now,
                "submit ≤ start ≤ end"
            );
            self.outcome.jobs.push(row);
            self.observe(now, |observer, view| observer.ended(view, job, &row));
            self.outcome.makespan = now;
            self.live -= 1;
        }
        for node in nodes {
            self.advance(node, cx);
        }
        self.ask(Cause::Ended(task), cx);
        for child in children {
            if self.books.tasks[child.index()].stage == Stage::Waiting {
                self.ask(Cause::Ready(child), cx);
            }
        }
        if self.is_over() {
            cx.stop();
        }
    }

    /// Starts what is bound to a node, in order, as far as inputs and room allow.
    fn advance(&mut self, node: NodeId, cx: &mut Cx) {
        while let Some(&task) = self.books.nodes[node.index()].bound.front() {
            let state = &self.tasks[task.index()];
            if state.blocked_by > 0
                || state.inputs > cx.now()
                || state.is_fetching
                || self.place(task, &[node], Share::FULL).is_err()
            {
                return;
            }
            self.books.nodes[node.index()].bound.pop_front();
            self.launch(task, Share::FULL, Span::ZERO, cx);
        }
    }

    fn reject(&mut self, job: JobId, cx: &mut Cx) {
        let card = self.books.jobs[job.index()];
        for id in card.first.0..card.first.0 + card.tasks {
            if self.books.tasks[id as usize].stage == Stage::Waiting {
                self.books.dequeue(TaskId(id));
            }
            self.books.tasks[id as usize].stage = Stage::Ended;
        }
        self.outcome.rejected += 1;
        self.live -= 1;
        self.observe(cx.now(), |observer, view| observer.rejected(view, job));
        if self.is_over() {
            cx.stop();
        }
    }

    fn down(&mut self, node: NodeId, cx: &mut Cx) {
        self.books.nodes[node.index()].is_up = false;
        self.next_change(node, false, cx);
        self.lose_data(node, cx);
        let mut lost = self.books.nodes[node.index()].running.clone();
        lost.sort_unstable();
        lost.dedup();
        for &task in &lost {
            self.outcome.interruptions += 1;
            self.halt(task, false, cx.now());
        }
        self.observe(cx.now(), |observer, view| observer.turned(view, node));
        for task in lost {
            if self.books.tasks[task.index()].stage == Stage::Waiting {
                self.ask(Cause::Interrupted(task), cx);
            }
        }
        self.ask(Cause::NodeDown(node), cx);
    }

    fn up(&mut self, node: NodeId, cx: &mut Cx) {
        self.books.nodes[node.index()].is_up = true;
        self.observe(cx.now(), |observer, view| observer.turned(view, node));
        self.next_change(node, true, cx);
        self.regain_data(node, cx);
        self.advance(node, cx);
        self.ask(Cause::NodeUp(node), cx);
    }

    fn next_change(&mut self, node: NodeId, up: bool, cx: &mut Cx) {
        let kind = &self.cluster.kinds[self.books.nodes[node.index()].kind];
        let Some(lives) = &mut self.lives[node.index()] else {
            return;
        };
        let stay = (kind.availability).next(lives.life, up, cx.now(), &mut lives.stream);
        if let Some(stay) = stay {
            let event = if up {
                Event::Down { node }
            } else {
                Event::Up { node }
            };
            cx.after(stay, event);
        }
    }
}

/// Whether a task may have so many workers.
fn check_workers(card: &TaskCard, given: usize) -> Result<(), Reason> {
    match card.elastic {
        Some(Elastic { min, max, .. }) if !(min as usize..=max as usize).contains(&given) => {
            Err(Reason::Bounds { min, max, given })
        }
        None if given != card.workers as usize => Err(Reason::Workers {
            wanted: card.workers,
            given,
        }),
        _ => Ok(()),
    }
}

/// `of · part / whole`, rounded up; all of it if the part is the whole.
pub(super) fn part(of: Span, part: Span, whole: Span) -> Span {
    if part == whole {
        return of;
    }
    let nanos = (u128::from(of.as_nanos()) * u128::from(part.as_nanos()))
        .div_ceil(u128::from(whole.as_nanos()));
    Span::from_nanos(u64::try_from(nanos).expect("a part is within the range of time"))
}

/// Work between two checkpoints on the present nodes, and the time that one takes.
fn cycle(task: &Task, whole: Span) -> Option<(Span, Span)> {
    let checkpoint = task.checkpoint?;
    let interval = part(whole, checkpoint.interval, task.work).max(Span::NANO);
    Some((interval, checkpoint.cost))
}

/// Time at full share for `rest` of the work and the checkpoints within it: none at the end.
fn with_checkpoints(task: &Task, whole: Span, rest: Span) -> Span {
    match cycle(task, whole) {
        Some((interval, cost)) if rest > Span::ZERO => {
            rest + cost * ((rest.as_nanos() - 1) / interval.as_nanos())
        }
        _ => rest,
    }
}

/// Work done in `elapsed` time at full share, and what of it the last checkpoint holds: nothing without checkpoints.
fn progress(task: &Task, whole: Span, elapsed: Span) -> (Span, Span) {
    let Some((interval, cost)) = cycle(task, whole) else {
        return (elapsed, Span::ZERO);
    };
    let (interval, elapsed) = (interval.as_nanos(), elapsed.as_nanos());
    let cycles = elapsed / (interval + cost.as_nanos());
    let within = (elapsed % (interval + cost.as_nanos())).min(interval);
    (
        Span::from_nanos(cycles * interval + within),
        Span::from_nanos(cycles * interval),
    )
}

impl<S: Scheduler, J: Iterator<Item = Job>, O: Observer> Model for World<'_, S, J, O> {
    type Event = Event;

    fn handle(&mut self, event: Event, cx: &mut Cx) {
        self.observe(cx.now(), O::elapsed);
        match event {
            Event::Submit => self.submit(cx),
            Event::End { task, stamp } => self.end(task, stamp, cx),
            Event::Inputs { node } => self.advance(node, cx),
            Event::Down { node } => self.down(node, cx),
            Event::Up { node } => self.up(node, cx),
            Event::Wake => self.ask(Cause::Woken, cx),
            Event::Moved { .. } | Event::Arrived { .. } | Event::Missed { .. } | Event::Watched => {
                self.handle_data(event, cx);
            }
        }
        if self.traffic.is_moved {
            self.traffic.plan(cx);
        }
    }
}
