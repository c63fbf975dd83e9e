//! Supply: when hardware comes, works and goes, and what its owners make of prices and costs.
//!
//! [`owner`] is one owner with one machine, [`exit`] the thresholds between which an owner waits, [`entry`] how many come,
//! [`orders`] the queue for new hardware, [`power`] what electricity costs when and where, [`contest`] effort for a fixed prize, and
//! [`feedback`] a network as a whole whose revenue grows with its size. [`autoscaler`] is the cloud's controller of instances.

pub mod autoscaler;
pub mod contest;
pub mod entry;
pub mod exit;
pub mod feedback;
pub mod orders;
pub mod owner;
pub mod power;

pub use autoscaler::{Autoscaler, Controller, Scaling};
