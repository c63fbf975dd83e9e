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

/// What the model leaves out, in sentences for reports.
pub const LIMITS: &[&str] = &[
    "A server prefills waiting prompts before it decodes on; chunked prefill, preemption and prefix caching are not modelled.",
    "A model is served by one device; several devices to one model are not modelled.",
    "A lost request starts again from its prompt, and its time to first token is that of the attempt that completes.",
    "Stays and absences of different nodes are independent: no regional outages, no daily rhythm of owners.",
    "Messages take the latency of the route; bandwidth, congestion and egress fees are not modelled.",
    "Owners keep their asked prices, and do not enter or leave the market, within a run; the token's price is fixed.",
    "Every node returns the right answer: verification, fraud and privacy are not modelled.",
    "All nodes hold the model from the start; only instances of an elastic fleet wait for it.",
];
