//! Preemptive shortest job first: by the whole length, pushing out what is longer (Schrage and Miller, Operations Research 14, 1966).

use crate::cluster::TaskId;
use crate::cluster::policy::ordered::Ordering;
use crate::cluster::policy::seconds;
use crate::cluster::view::View;

/// Preemptive shortest job first; what has no estimate comes last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Psjf;

impl Ordering for Psjf {
    const PREEMPTIVE: bool = true;

    fn key(&self, task: TaskId, view: &View<'_>) -> f64 {
        seconds(view.task(task).estimate)
    }
}
