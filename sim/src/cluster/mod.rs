//! Batch jobs on a cluster: tasks that occupy parts of nodes until they are done, alone, in gangs, or one after the other.
//!
//! The interface is that of request scheduling: causes in, orders out ([`policy::Scheduler`]), with a read-only [`view::View`]
//! that knows no true length of what still runs. [`world::run`] carries it out.

pub mod bound;
pub mod job;
pub mod makespan;
pub mod node;
pub mod observer;
pub mod plan;
pub mod policy;
pub mod site;
pub mod store;
pub mod tally;
pub mod transfers;
pub mod view;
pub mod workload;
pub mod world;

/// A task of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u32);

impl TaskId {
    /// Position in the table of tasks.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
