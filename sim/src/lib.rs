//! The world: platforms of compute nodes, how they serve inference jobs, are scheduled, priced and paid.
//!
//! A run is a pure function of a [`platform::Platform`], a [`workload::Workload`], [`world::Settings`] and a seed; see
//! [`world::simulate`]. There is no I/O, no wall clock and no thread in this crate.
//! Modules are listed from the ground up; each uses only those above it in this list.

pub mod ids;
pub mod units;

pub mod availability;
pub mod hardware;
pub mod network;
pub mod serving;
pub mod workload;

pub mod ledger;
pub mod market;

pub mod view;

pub mod scheduling;
pub mod settlement;
pub mod supply;

pub mod record;

pub mod invariants;
pub mod platform;
pub mod world;
