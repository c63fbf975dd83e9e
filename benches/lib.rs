//! What the criterion suites share: the queues of the race, and the workloads and recordings that they run on.

pub mod queues;
pub mod recorded;
pub mod workloads;
