//! Shortest job first, by estimates (Smith, Naval Research Logistics 3, 1956; Schrage and Miller 1966 for the queue).

use crate::cluster::TaskId;
use crate::cluster::policy::ordered::Ordering;
use crate::cluster::policy::seconds;
use crate::cluster::view::View;

/// Shortest job first, without pushing out what runs; what has no estimate comes last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sjf;

impl Ordering for Sjf {
    fn key(&self, task: TaskId, view: &View<'_>) -> f64 {
        seconds(view.task(task).estimate)
    }
}
