//! Reads the jobs of Microsoft's Philly cluster as one table: `timestamp,duration,num_gpus,gpu_time,cluster`.
//!
//! Times are local, and only their differences count; `duration` is in seconds. A job of up to eight GPUs runs on one node, a larger
//! one as a gang of as few equal workers of at most eight GPUs as there are: eight is the size of most nodes of that cluster. The
//! virtual cluster, which is a group of users with a quota, is the user. `gpu_time` is `duration × num_gpus` and is not read.
//! Source: Jeon et al., Analysis of large-scale multi-tenant GPU clusters for DNN training workloads, ATC 2019
//! (github.com/msr-fiddle/philly-traces, CC-BY-4.0); the table is that of Subramanya et al., Sia, SOSP 2023.

use std::sync::Arc;

use walras_des::{SimTime, Span};
use walras_sim::cluster::job::{Demand, Job, Task};

use super::{Batch, LONGEST, in_order, table};
use crate::calendar::timestamp;
use crate::issue::{Issue, Source};

/// GPUs of a node.
const NODE: u32 = 8;

/// Reads the text of the table.
///
/// # Errors
/// Missing columns, or every broken row: the first ten, then a count.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
pub fn parse(source: &Arc<Source>) -> Result<Batch, Vec<Issue>> {
    let (mut jobs, mut batch) = (Vec::new(), Batch::default());
    let names = ["timestamp", "duration", "num_gpus", "cluster"];
    table(source, names, |row, [time, duration, gpus, cluster]| {
        let expected = "a time such as `2017-10-09 07:01:55`";
        let at = timestamp(row.text(time)).ok_or_else(|| row.wrong(time, expected))?;
        let work = row.number(duration, 0.001, LONGEST)?;
        let gpus = row.whole(gpus, 1, 100_000)?;
        let user = row.text(cluster);
        if user.is_empty() {
            return Err(row.wrong(cluster, "the name of a virtual cluster"));
        }
        let workers = (gpus.div_ceil(NODE)..=gpus).find(|workers| gpus.is_multiple_of(*workers));
        let workers = workers.unwrap_or(gpus);
        let task = Task {
            workers,
            demand: Demand {
                gpus: (gpus / workers) as u8,
                gpu_share: 1_000,
                ..Demand::default()
            },
            ..Task::single(Span::from_secs_f64(work))
        };
        let mut job = Job::of(SimTime::ZERO, task);
        job.user = batch.users.number(user);
        jobs.push((at as f64 / 1e9, job));
        Ok(())
    })?;
    batch.jobs = in_order(jobs);
    Ok(batch)
}
