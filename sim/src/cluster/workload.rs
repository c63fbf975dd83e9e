//! Where batch jobs come from: recorded, or drawn from classes, the same in a replication for every cluster.

use std::sync::Arc;

use walras_des::{Dist, Purpose, SimTime, Span, Stream, Streams};

use crate::cluster::job::{Checkpoint, Demand, Elastic, Job, Task};
use crate::cluster::policy::fgd::Mix;
use crate::cluster::store::ObjectId;

/// Kinds of demands by which fragmentation is reckoned: the most frequent.
const KINDS: usize = 64;

/// What is submitted.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Where jobs come from.
    pub source: Source,
    /// Objects that are stored, and how unequally they are read: the k-th in proportion to 1/k^exponent (Zipf).
    pub objects: Option<(u32, f64)>,
    /// When jobs without a deadline of their own should be done: this many times their least time after submission.
    pub deadline: Option<f64>,
    /// How the progress of tasks is saved that do not say so themselves.
    pub checkpoint: Option<Checkpoint>,
}

/// Where jobs come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Recorded ones, in the order of their submission.
    Recorded {
        /// The jobs.
        jobs: Arc<[Job]>,
        /// Each replication puts the record together anew from blocks of this length, drawn with replacement (moving-block bootstrap;
        /// Künsch, Annals of Statistics 17, 1989); otherwise all replications are the record itself.
        resample: Option<Span>,
    },
    /// Drawn from classes, with exponential times between submissions.
    Synthetic(Synthetic),
}

/// Jobs drawn from classes.
#[derive(Clone, Debug)]
pub struct Synthetic {
    /// How they are submitted.
    pub arrivals: Arrivals,
    /// Users, and how unequal they are: the k-th has a share in proportion to 1/k^exponent (Zipf).
    pub users: (u32, f64),
    /// Classes and their shares of the jobs, which add up to one.
    pub classes: Vec<(f64, Class)>,
}

/// When jobs are submitted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrivals {
    /// So many per second on average, independently of each other (Poisson).
    Poisson(f64),
    /// So many at the start of the run.
    AtOnce(u32),
}

/// A class of jobs that are alike.
#[derive(Clone, Debug)]
pub struct Class {
    /// Time that a task takes on nodes of speed one [s].
    pub work: Dist,
    /// Numbers of workers and their probabilities, which add up to one.
    pub workers: Vec<(f64, u32)>,
    /// What each worker occupies.
    pub demand: Demand,
    /// Users ask for a time between that of the task and this many times it, all equally likely (f-model of Mu'alem and Feitelson, 2001);
    /// `None` if they do not say.
    pub walltime: Option<f64>,
    /// If jobs have several tasks.
    pub workflow: Option<Shape>,
    /// If tasks may have more or fewer workers.
    pub elastic: Option<Elastic>,
    /// Objects that each task reads.
    pub reads: u32,
}

/// The shape of random workflows, after the generator of Topcuoglu, Hariri and Wu (IEEE TPDS 13(3), 2002).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Tasks of a job.
    pub tasks: u32,
    /// How wide: levels have √tasks · fat tasks on average, and there are √tasks / fat of them.
    pub fat: f64,
    /// Parents of a task at most, all of the level before its own.
    pub parents: u32,
    /// Bytes along an edge, on average; uniform between none and twice as many.
    pub bytes: f64,
}

impl Workload {
    /// The jobs of a replication, in the order of their submission up to `horizon`.
    #[must_use]
    pub fn jobs(&self, streams: &Streams, horizon: Span) -> Vec<Job> {
        let mut jobs = match &self.source {
            Source::Recorded { jobs, resample } => match resample {
                None => jobs.to_vec(),
                Some(block) => resampled(jobs, *block, horizon, streams),
            },
            Source::Synthetic(synthetic) => synthetic.jobs(streams, horizon, self.objects),
        };
        let end = SimTime::ZERO + horizon;
        jobs.truncate(jobs.partition_point(|job| job.submitted <= end));
        for job in &mut jobs {
            if let (None, Some(factor)) = (job.deadline, self.deadline) {
                let slack = Span::from_secs_f64(job.least().as_secs_f64() * factor);
                job.deadline = Some(job.submitted + slack);
            }
            if let Some(checkpoint) = self.checkpoint {
                let tasks = job.tasks.iter_mut();
                let without = tasks.filter(|task| task.checkpoint.is_none());
                without.for_each(|task| task.checkpoint = Some(checkpoint));
            }
        }
        jobs
    }
}

/// The shares of different demands among jobs: what the next task is likely to ask for.
#[must_use]
pub fn mix(jobs: &[Job]) -> Mix {
    let tasks = jobs.iter().flat_map(|job| &job.tasks);
    Mix::of(tasks.map(|task| task.demand)).most_frequent(KINDS)
}

/// Blocks of the record, each with the jobs that were submitted in it, one after the other until the horizon is filled.
fn resampled(jobs: &[Job], block: Span, horizon: Span, streams: &Streams) -> Vec<Job> {
    let Some(last) = jobs.last() else {
        return Vec::new();
    };
    let mut stream = streams.open(Purpose::new("blocks"), 0);
    // The record is a circle, so that every moment is drawn equally often.
    let length = (last.submitted - SimTime::ZERO).as_nanos() + 1;
    let block = block.as_nanos().min(length);
    let (mut all, mut begin) = (Vec::new(), 0_u64);
    while begin <= horizon.as_nanos() {
        let from = stream.below(length);
        let to = from + block;
        let first = jobs.partition_point(|job| job.submitted.as_nanos() < from);
        let turn = jobs[first..].iter().map(|job| (job, 0));
        let again = jobs.iter().map(|job| (job, length));
        for (job, lap) in turn.chain(again) {
            let at = job.submitted.as_nanos() + lap;
            if at >= to {
                break;
            }
            let submitted = SimTime::from_nanos(begin + (at - from));
            all.push(Job {
                submitted,
                deadline: (job.deadline).map(|deadline| submitted + (deadline - job.submitted)),
                ..job.clone()
            });
        }
        begin += block;
    }
    all
}

impl Synthetic {
    fn jobs(&self, streams: &Streams, horizon: Span, objects: Option<(u32, f64)>) -> Vec<Job> {
        let mut choices = streams.open(Purpose::new("objects"), 0);
        let objects = objects.map(|(count, exponent)| Zipf::new(count, exponent));
        let mut arrivals = streams.open(Purpose::new("arrivals"), 0);
        let mut sizes = streams.open(Purpose::new("sizes"), 0);
        let users = Zipf::new(self.users.0, self.users.1);
        let (mut jobs, mut at) = (Vec::new(), 0.0);
        loop {
            match self.arrivals {
                Arrivals::Poisson(rate) => at += arrivals.exponential() / rate,
                Arrivals::AtOnce(count) if jobs.len() < count as usize => {}
                Arrivals::AtOnce(_) => return jobs,
            }
            if at > horizon.as_secs_f64() {
                return jobs;
            }
            let class = chosen(&self.classes, sizes.uniform());
            let user = users.draw(sizes.uniform());
            let mut tasks = class.tasks(&mut sizes);
            if let Some(objects) = &objects {
                for task in &mut tasks {
                    let read = (0..class.reads).map(|_| ObjectId(objects.draw(choices.uniform())));
                    task.reads = read.collect();
                }
            }
            jobs.push(Job {
                submitted: SimTime::ZERO + Span::from_secs_f64(at),
                user,
                deadline: None,
                tasks,
            });
        }
    }
}

impl Class {
    fn tasks(&self, stream: &mut Stream) -> Vec<Task> {
        let Some(shape) = self.workflow else {
            return vec![self.task(stream)];
        };
        let mut tasks: Vec<Task> = Vec::with_capacity(shape.tasks as usize);
        let width = (f64::from(shape.tasks).sqrt() * shape.fat).max(1.0);
        let (mut before, mut first) = (0..0, 0);
        while first < shape.tasks {
            // Uniform with this mean, one at least.
            let drawn = (stream.uniform() * (2.0 * width - 1.0)).floor() as u32 + 1;
            let level = first..(first + drawn).min(shape.tasks);
            for _ in level.clone() {
                let mut task = self.task(stream);
                if !before.is_empty() {
                    let most = shape.parents.min(before.end - before.start);
                    let wanted = 1 + stream.below(u64::from(most)) as u32;
                    let span = u64::from(before.end - before.start);
                    let begin = stream.below(span) as u32;
                    for step in 0..wanted {
                        let parent = before.start + (begin + step) % (before.end - before.start);
                        let bytes = (2.0 * shape.bytes * stream.uniform()) as u64;
                        task.parents.push((parent, bytes));
                    }
                    task.parents.sort_unstable();
                }
                tasks.push(task);
            }
            first = level.end;
            before = level;
        }
        tasks
    }

    fn task(&self, stream: &mut Stream) -> Task {
        let work = Span::from_secs_f64(self.work.sample(stream).max(1e-9));
        let workers = *chosen(&self.workers, stream.uniform());
        let walltime = self.walltime.map(|factor| {
            let times = 1.0 + stream.uniform() * (factor - 1.0).max(0.0);
            Span::from_secs_f64(work.as_secs_f64() * times)
        });
        Task {
            workers,
            demand: self.demand,
            walltime,
            elastic: self.elastic,
            ..Task::single(work)
        }
    }
}

/// What `u`, uniform in (0, 1), chooses.
fn chosen<T>(choices: &[(f64, T)], u: f64) -> &T {
    let mut left = u;
    for (share, choice) in choices {
        if left < *share {
            return choice;
        }
        left -= share;
    }
    &choices.last().expect("there is a choice").1
}

/// Numbers from zero, the k-th in proportion to 1/(k+1)^exponent.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(count: u32, exponent: f64) -> Self {
        let mut sum = 0.0;
        let add = |k: u32| {
            sum += walras_des::math::powf(f64::from(k), -exponent);
            sum
        };
        Self((1..=count).map(add).collect())
    }

    /// What `u`, uniform in (0, 1), chooses.
    fn draw(&self, u: f64) -> u32 {
        let total = self.0.last().copied().unwrap_or(0.0);
        let at = self.0.partition_point(|sum| *sum <= u * total);
        at.min(self.0.len() - 1) as u32
    }
}
