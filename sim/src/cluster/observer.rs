//! Who looks at a cluster from outside: told of every change, after it, and unable to make one.

use crate::cluster::TaskId;
use crate::cluster::policy::{Cause, Order};
use crate::cluster::view::View;
use crate::ids::{JobId, NodeId};
use crate::record::BatchRow;

/// Why a task no longer runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stop {
    /// It has ended.
    Ended,
    /// The policy stopped it; it keeps its progress.
    Preempted,
    /// It goes on with other workers, or where it was if these have no room.
    Moved,
    /// A node was lost, and with it so much of its work [worker time at full share, s].
    Lost(f64),
}

/// Is told what happens in a run. The view shows the books as they are after it.
pub trait Observer {
    /// The run begins.
    fn begun(&mut self, _view: &View<'_>) {}
    /// Time has come to the next event, and the books are as the one before has left them.
    fn elapsed(&mut self, _view: &View<'_>) {}
    /// A job was submitted.
    fn submitted(&mut self, _view: &View<'_>, _job: JobId) {}
    /// The policy was asked and gave these orders, which are not yet carried out.
    fn decided(&mut self, _view: &View<'_>, _cause: Cause, _orders: &[Order]) {}
    /// A task was started.
    fn started(&mut self, _view: &View<'_>, _task: TaskId) {}
    /// What a running task gets was changed.
    fn reshared(&mut self, _view: &View<'_>, _task: TaskId, _from: super::node::Share) {}
    /// A task runs no more; it was on these nodes and GPUs.
    fn stopped(&mut self, _view: &View<'_>, _task: TaskId, _placed: &[(NodeId, u16)], _why: Stop) {}
    /// A node went down or came up.
    fn turned(&mut self, _view: &View<'_>, _node: NodeId) {}
    /// A job has ended.
    fn ended(&mut self, _view: &View<'_>, _job: JobId, _row: &BatchRow) {}
    /// A job was turned away.
    fn rejected(&mut self, _view: &View<'_>, _job: JobId) {}
    /// The run is over.
    fn finished(&mut self, _view: &View<'_>) {}
}

/// Looks at nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Observer for Nothing {}
