//! What the criterion suites share: the queues of the race, and the workloads that they run on.

pub mod queues;
pub mod workloads;
