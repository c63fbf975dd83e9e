//! Batch jobs on a cluster: tasks that occupy parts of nodes until they are done.

pub mod job;
