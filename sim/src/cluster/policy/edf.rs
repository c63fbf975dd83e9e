//! Earliest deadline first (Liu and Layland, Journal of the ACM 20, 1973).

use walras_des::SimTime;

use crate::cluster::TaskId;
use crate::cluster::policy::ordered::Ordering;
use crate::cluster::view::View;

/// Earliest deadline first; what has none comes last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Edf;

impl Ordering for Edf {
    const PREEMPTIVE: bool = true;

    fn key(&self, task: TaskId, view: &View<'_>) -> f64 {
        view.job(view.task(task).job)
            .deadline
            .map_or(f64::INFINITY, SimTime::as_secs_f64)
    }
}
