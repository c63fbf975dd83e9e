//! What the suites share: the queues of the race, the workloads and recordings that they run on, and clusters of nodes.

pub mod clusters;
pub mod queues;
pub mod recorded;
pub mod workloads;
