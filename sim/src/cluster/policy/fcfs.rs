//! First come, first served.

use crate::cluster::TaskId;
use crate::cluster::policy::ordered::Ordering;
use crate::cluster::view::View;

/// First come, first served: the order of submission.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fcfs;

impl Ordering for Fcfs {
    fn key(&self, task: TaskId, view: &View<'_>) -> f64 {
        view.job(view.task(task).job).serial as f64
    }
}
