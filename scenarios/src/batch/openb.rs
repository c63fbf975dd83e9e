//! Reads Alibaba's GPU cluster of 2023 (openb): pods that share GPUs, and the nodes that ran them.
//!
//! Times are seconds. A pod takes its place for as long as it ran, or, if it was never scheduled, as long as it was there. `gpu_milli`
//! is thousandths of each GPU, all thousand if there are several; `gpu_spec` lists the models that a pod accepts, joined with `|`.
//! Source: Weng et al., Beware of fragmentation: scheduling GPU-sharing workloads with fragmentation gradient descent, ATC 2023
//! (github.com/alibaba/clusterdata, cluster-trace-gpu-v2023).

use std::sync::Arc;

use walras_des::{SimTime, Span};
use walras_sim::cluster::job::{Demand, Job, Task};

use super::{Batch, LONGEST, Machine, in_order, table};
use crate::issue::{Issue, Source};

/// Reads the text of the list of pods.
///
/// # Errors
/// Missing columns, or every broken row: the first ten, then a count.
#[allow(clippy::cast_possible_truncation)]
pub fn pods(source: &Arc<Source>) -> Result<Batch, Vec<Issue>> {
    let (mut jobs, mut batch) = (Vec::new(), Batch::default());
    let names = [
        "cpu_milli",
        "memory_mib",
        "num_gpu",
        "gpu_milli",
        "gpu_spec",
        "creation_time",
        "deletion_time",
        "scheduled_time",
    ];
    table(source, names, |row, columns| {
        let [cpu, memory, gpus, share, spec, created, deleted, scheduled] = columns;
        let mut demand = Demand {
            cpu: row.whole(cpu, 0, u32::MAX)?,
            memory: row.whole(memory, 0, u32::MAX)?,
            gpus: row.whole(gpus, 0, 255)? as u8,
            gpu_share: row.whole(share, 0, 1_000)? as u16,
            labels: 0,
        };
        let expected = match demand.gpus {
            0 => "0, as the pod has no GPU",
            1 => "a whole number from 1 to 1000",
            _ => "1000, as the pod has several GPUs",
        };
        let fits = match demand.gpus {
            0 => demand.gpu_share == 0,
            1 => demand.gpu_share > 0,
            _ => demand.gpu_share == 1_000,
        };
        if !fits {
            return Err(row.wrong(share, expected));
        }
        let models = row.text(spec).split('|').map(str::trim);
        for model in models.filter(|model| !model.is_empty()) {
            let label = batch.labels.number(model);
            if label > 63 {
                return Err(row.wrong(spec, "at most 64 different models in the whole list"));
            }
            demand.labels |= 1 << label;
        }
        let submitted = row.number(created, 0.0, LONGEST)?;
        let end = row.number(deleted, submitted, LONGEST)?;
        let start = match row.text(scheduled) {
            "" if row.fields.len() > scheduled.at => submitted,
            _ => row.number(scheduled, submitted, end)?,
        };
        let task = Task {
            demand,
            ..Task::single(Span::from_secs_f64((end - start).max(1.0)))
        };
        jobs.push((submitted, Job::of(SimTime::ZERO, task)));
        Ok(())
    })?;
    batch.jobs = in_order(jobs);
    Ok(batch)
}

/// Reads the text of the list of nodes.
///
/// # Errors
/// Missing columns, or every broken row: the first ten, then a count.
#[allow(clippy::cast_possible_truncation)]
pub fn nodes(source: &Arc<Source>) -> Result<Vec<Machine>, Vec<Issue>> {
    let mut machines = Vec::new();
    let names = ["sn", "cpu_milli", "memory_mib", "gpu", "model"];
    table(source, names, |row, [name, cpu, memory, gpus, model]| {
        let gpus = row.whole(gpus, 0, 255)? as u8;
        let label = row.text(model);
        if label.is_empty() && (gpus > 0 || row.fields.len() <= model.at) {
            return Err(row.wrong(model, "the model of the GPUs"));
        }
        machines.push(Machine {
            name: row.text(name).to_owned(),
            cpu: row.whole(cpu, 1, u32::MAX)?,
            memory: row.whole(memory, 1, u32::MAX)?,
            gpus,
            label: label.to_owned(),
            mhz: None,
        });
        Ok(())
    })?;
    Ok(machines)
}
