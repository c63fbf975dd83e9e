//! When jobs can have ended at the earliest: the longest way through a job, and all work spread over all nodes.
//!
//! Both are relaxations in which nodes never leave, data is everywhere at once, nothing is saved or lost, and every task runs at the
//! pace of the kind of node that is fastest for it.

use walras_des::{SimTime, Span};

use crate::cluster::job::{Job, Task};
use crate::cluster::node::Kind;
use crate::cluster::world::Cluster;

/// The shortest time from the start to the end of a job, however many nodes of each kind there are; `None` if no kind of node in the
/// cluster can hold a worker of one of its tasks.
#[must_use]
pub fn critical_path(job: &Job, cluster: &Cluster) -> Option<Span> {
    let present = present(cluster);
    let mut ends: Vec<Span> = Vec::with_capacity(job.tasks.len());
    for task in &job.tasks {
        let parents = task.parents.iter();
        let ready = parents.map(|&(parent, _)| ends[parent as usize]).max();
        let time = shortest(task, cluster, &present, most(task))?;
        ends.push(ready.unwrap_or(Span::ZERO) + time);
    }
    Some(ends.into_iter().max().unwrap_or(Span::ZERO))
}

/// The earliest end of all jobs, which are in the order of their submission: none ends before its [`critical_path`] does, and no
/// resource gives more than all nodes have of it, from any submission on. Jobs with a task that nothing can hold are left out.
///
/// # Panics
/// If all work is beyond the range of time.
#[must_use]
pub fn makespan<'a>(jobs: impl DoubleEndedIterator<Item = &'a Job>, cluster: &Cluster) -> SimTime {
    let present = present(cluster);
    let nodes = cluster.nodes.iter().map(|&kind| &cluster.kinds[kind]);
    let have = nodes.fold([0_u128; 3], |sum, kind| {
        let have = [kind.cpu, kind.memory, u32::from(kind.gpus) * 1000];
        std::array::from_fn(|of| sum[of] + u128::from(have[of]))
    });
    let mut bound = SimTime::ZERO;
    let mut asked = [0_u128; 3];
    for job in jobs.rev() {
        let Some(path) = critical_path(job, cluster) else {
            continue;
        };
        bound = bound.max(job.submitted + path);
        for task in &job.tasks {
            let area = areas(task, cluster, &present).expect("the job can run");
            for (asked, area) in asked.iter_mut().zip(area) {
                *asked += area;
            }
        }
        for (asked, have) in asked.into_iter().zip(have) {
            if asked > 0 {
                let nanos = u64::try_from(asked.div_ceil(have));
                let span = Span::from_nanos(nanos.expect("all work is within the range of time"));
                bound = bound.max(job.submitted + span);
            }
        }
    }
    bound
}

/// What a task takes of cores, memory and GPUs at least [thousandths or MiB · ns]; `None` if nothing can hold a worker. More workers
/// than an elastic task must have only add to it, as none is more than once as fast.
pub(super) fn areas(task: &Task, cluster: &Cluster, present: &[bool]) -> Option<[u128; 3]> {
    let workers = task.elastic.map_or(task.workers, |elastic| elastic.min);
    let time = shortest(task, cluster, present, workers)?;
    let time = u128::from(time.as_nanos()) * u128::from(workers);
    let demand = [task.demand.cpu, task.demand.memory, task.demand.gpu()];
    Some(demand.map(|demand| time * u128::from(demand)))
}

/// Workers that a task can have at most.
pub(super) fn most(task: &Task) -> u32 {
    task.elastic.map_or(task.workers, |elastic| elastic.max)
}

/// The time of a task on so many workers of the kind that suits it best, rounded down.
pub(super) fn shortest(
    task: &Task,
    cluster: &Cluster,
    present: &[bool],
    workers: u32,
) -> Option<Span> {
    let kinds = kinds_for(task, cluster, present);
    let time = kinds.map(|(index, kind)| kind.time(index, task)).min()?;
    Some(match task.elastic {
        None => time,
        Some(elastic) => {
            let stretch = elastic.stretch(task.workers, workers);
            Span::from_nanos((time.as_nanos() as f64 * stretch) as u64)
        }
    })
}

/// Whether there is a node of each kind.
pub(super) fn present(cluster: &Cluster) -> Vec<bool> {
    let mut present = vec![false; cluster.kinds.len()];
    cluster.nodes.iter().for_each(|&kind| present[kind] = true);
    present
}

/// Kinds of nodes in the cluster that can hold a worker of the task.
fn kinds_for<'a>(
    task: &'a Task,
    cluster: &'a Cluster,
    present: &'a [bool],
) -> impl Iterator<Item = (usize, &'a Kind)> {
    let kinds = cluster.kinds.iter().enumerate();
    kinds.filter(|(index, kind)| present[*index] && kind.can_hold(&task.demand))
}
