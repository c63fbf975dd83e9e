//! What no policy of a cluster can beat: a clairvoyant relaxation of one replication.
//!
//! Two relaxations, and the larger bound of each figure. Alone: every job runs at once, each task on the kind of node that suits it best.
//! Pooled: for each resource the cluster is one machine of its whole capacity that any job can fill alone, and runs the shortest
//! remaining job first, which minimises the sum of response times there (Schrage, Operations Research 16, 1968). Whatever a cluster
//! does, both could do too. Absences, transfers and checkpoints are left out, which only makes the bounds smaller.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use walras_des::{SimTime, Span, Streams, quantile_rank};

use crate::cluster::job::{Job, Task};
use crate::cluster::makespan::{areas, critical_path, makespan, present};
use crate::cluster::node::Kind;
use crate::cluster::site::Site;
use crate::cluster::workload::Workload;
use crate::cluster::world::Cluster;
use crate::record::{BatchRow, Latency, MetricId};
use crate::world::Settings;
use crate::world::bound::as_reported;

/// Resources: cores, memory, GPUs.
const RESOURCES: usize = 3;

/// The bounds of one replication.
#[derive(Clone, Debug)]
pub struct Relaxation {
    /// Measured jobs, and those that the cluster could hold.
    submitted: u64,
    possible: u64,
    /// With a deadline, and those that could be met.
    deadlines: u64,
    attainable: u64,
    /// Least response times, sorted [s].
    responses: Vec<f64>,
    /// Least bounded slowdowns, sorted.
    slowdowns: Vec<f64>,
    /// The least mean response time [s].
    mean: f64,
    /// The least makespan [s].
    makespan: f64,
}

/// What a job takes at least.
struct Least {
    submitted: SimTime,
    /// Of its longest path.
    time: Span,
    /// Of each resource [amount · s].
    area: [f64; RESOURCES],
}

impl Relaxation {
    /// The bounds of this replication; those of a run that is told the same.
    #[must_use]
    pub fn new(
        site: &Site,
        workload: &Workload,
        settings: &Settings,
        seed: u64,
        replication: u32,
    ) -> Self {
        let streams = Streams::new(seed, u64::from(replication));
        let jobs = workload.jobs(&streams, settings.horizon);
        let (kinds, present) = (&site.cluster.kinds, present(&site.cluster));
        let mut counts = vec![0_u64; kinds.len()];
        site.cluster
            .nodes
            .iter()
            .for_each(|&kind| counts[kind] += 1);
        let capacity: [f64; RESOURCES] = std::array::from_fn(|resource| {
            let of = |(kind, count): (&Kind, &u64)| amount(kind, resource) * *count as f64;
            kinds.iter().zip(&counts).map(of).sum()
        });
        let from = SimTime::ZERO + settings.warm_up;
        let mut relaxed = Self {
            submitted: 0,
            possible: 0,
            deadlines: 0,
            attainable: 0,
            responses: Vec::new(),
            slowdowns: Vec::new(),
            mean: 0.0,
            makespan: 0.0,
        };
        let (mut measured, mut possible) = (Vec::new(), Vec::new());
        for job in &jobs {
            let is_measured = job.submitted >= from;
            relaxed.submitted += u64::from(is_measured);
            relaxed.deadlines += u64::from(is_measured && job.deadline.is_some());
            let Some(least) = least(job, &site.cluster, &present, &counts) else {
                continue;
            };
            possible.push(job);
            if is_measured {
                relaxed.possible += 1;
                let end = job.submitted + least.time;
                relaxed.attainable += u64::from(job.deadline.is_some_and(|by| end <= by));
                let row = BatchRow {
                    serial: 0,
                    user: job.user,
                    submitted: job.submitted,
                    started: job.submitted,
                    ended: end,
                    work: Span::ZERO,
                    least: job.least(),
                    deadline: job.deadline,
                };
                relaxed.responses.push(row.response());
                relaxed.slowdowns.push(row.bounded_slowdown());
                measured.push(least);
            }
        }
        let count = relaxed.responses.len().max(1) as f64;
        relaxed.mean = relaxed.responses.iter().sum::<f64>() / count;
        let begin = jobs.first().map_or(SimTime::ZERO, |job| job.submitted);
        let last = makespan(possible.into_iter(), &site.cluster).max(begin);
        relaxed.makespan = (last - begin).as_secs_f64();
        for (resource, capacity) in capacity.into_iter().enumerate() {
            if capacity <= 0.0 {
                continue;
            }
            let on_one = |job: &Least| {
                let submitted = (job.submitted - begin).as_secs_f64();
                (submitted, job.area[resource] / capacity)
            };
            let sizes: Vec<(f64, f64)> = measured.iter().map(on_one).collect();
            let sum = shortest_remaining_first(&sizes);
            relaxed.mean = relaxed.mean.max(sum / count);
        }
        relaxed.responses.sort_by(f64::total_cmp);
        relaxed.slowdowns.sort_by(f64::total_cmp);
        relaxed
    }

    /// The value of `metric` that no policy can beat which completes as many of the measured jobs; `None` for a figure without a bound.
    #[must_use]
    pub fn bound(&self, metric: MetricId, completed: u64) -> Option<f64> {
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        if let Some((latency, p)) = metric.quantile() {
            let least = match latency {
                Latency::Response => &self.responses,
                Latency::Slowdown => &self.slowdowns,
                Latency::Wait | Latency::Ttft | Latency::Tpot => return None,
            };
            let rank = quantile_rank(p, completed) as usize;
            let value = least
                .get(rank.saturating_sub(1))
                .filter(|_| completed > 0)?;
            return Some(as_reported(*value));
        }
        // Who completes fewer may choose which.
        let is_whole = completed == self.possible && completed > 0;
        match metric {
            MetricId::ResponseMean if is_whole => Some(self.mean),
            MetricId::SlowdownMean if is_whole => {
                Some(self.slowdowns.iter().sum::<f64>() / self.slowdowns.len() as f64)
            }
            MetricId::Makespan if is_whole => Some(self.makespan),
            MetricId::JobsCompleted => share(self.possible, self.submitted),
            MetricId::JobsRejected => share(self.submitted - self.possible, self.submitted),
            MetricId::DeadlinesMet => share(self.attainable, self.deadlines),
            _ => None,
        }
    }
}

fn amount(kind: &Kind, resource: usize) -> f64 {
    match resource {
        0 => f64::from(kind.cpu),
        1 => f64::from(kind.memory),
        _ => f64::from(kind.gpus) * 1e3,
    }
}

/// What a job takes at least; `None` if the cluster cannot hold all workers of one of its tasks.
fn least(job: &Job, cluster: &Cluster, present: &[bool], counts: &[u64]) -> Option<Least> {
    let has_room = |task: &Task| {
        let kinds = cluster.kinds.iter().zip(counts);
        let room = kinds.map(|(kind, &count)| kind.workers(&task.demand).saturating_mul(count));
        let workers = task.elastic.map_or(task.workers, |elastic| elastic.min);
        room.fold(0, u64::saturating_add) >= u64::from(workers)
    };
    if job.tasks.is_empty() || !job.tasks.iter().all(has_room) {
        return None;
    }
    let mut area = [0.0; RESOURCES];
    for task in &job.tasks {
        let of_task = areas(task, cluster, present)?;
        for (sum, of_task) in area.iter_mut().zip(of_task) {
            *sum += of_task as f64 / NANOS;
        }
    }
    Some(Least {
        submitted: job.submitted,
        time: critical_path(job, cluster)?,
        area,
    })
}

/// In a second.
const NANOS: f64 = 1e9;

/// One machine that runs `(submitted, size)`, in order of submission, the shortest remaining first: the sum of response times.
fn shortest_remaining_first(jobs: &[(f64, f64)]) -> f64 {
    // Bits of a number that is not negative order as the number does.
    let mut waiting: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let (mut now, mut sum, mut next) = (0.0_f64, 0.0, 0);
    loop {
        if waiting.is_empty() {
            let Some(job) = jobs.get(next) else {
                return sum;
            };
            now = now.max(job.0);
        }
        while let Some(job) = jobs.get(next).filter(|job| job.0 <= now) {
            waiting.push(Reverse((job.1.to_bits(), next)));
            next += 1;
        }
        let Reverse((left, job)) = waiting.pop().expect("one has come");
        let end = now + f64::from_bits(left);
        match jobs.get(next) {
            Some(other) if other.0 < end => {
                waiting.push(Reverse(((end - other.0).to_bits(), job)));
                now = other.0;
            }
            _ => {
                now = end;
                sum += end - jobs[job].0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two jobs by hand: the long one is put off by the short one.
    #[test]
    fn the_shortest_remaining_goes_first() {
        let sum = shortest_remaining_first(&[(0.0, 10.0), (2.0, 1.0), (20.0, 3.0)]);
        assert!((sum - (11.0 + 1.0 + 3.0)).abs() < 1e-12);
    }
}
