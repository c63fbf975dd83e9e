//! Shortest remaining processing time, which no other policy beats on one server (Schrage, Operations Research 16, 1968).

use crate::cluster::TaskId;
use crate::cluster::policy::ordered::Ordering;
use crate::cluster::policy::seconds;
use crate::cluster::view::View;

/// Shortest remaining processing time; what has no estimate comes last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Srpt;

impl Ordering for Srpt {
    const PREEMPTIVE: bool = true;

    fn key(&self, task: TaskId, view: &View<'_>) -> f64 {
        seconds(view.task(task).remaining(view.now()))
    }
}
