//! The world: platforms of compute nodes, how they serve inference jobs, are scheduled, priced and paid.
//!
//! A run is a pure function of a [`platform::Platform`], a [`workload::Workload`], [`world::Settings`] and a seed; see
//! [`world::simulate`]. There is no I/O, no wall clock and no thread in this crate.
//! Modules are listed from the ground up; each uses only those above it in this list.

// The same bits on every machine: clippy.toml names the functions that would not be. Tests may use them.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod ids;
pub mod units;

pub mod availability;
pub mod hardware;
pub mod network;
pub mod serving;
pub mod workload;

pub mod ledger;
pub mod market;

pub mod knowledge;
pub mod view;

pub mod demand;
pub mod scheduling;
pub mod settlement;
pub mod supply;
pub mod token;

pub mod record;
mod sections;
pub mod series;
pub mod sums;

pub mod cluster;
pub mod economy;
pub mod invariants;
pub mod platform;
pub mod world;

/// What the model leaves out, in sentences for reports.
pub const LIMITS: &[&str] = &[
    "A server works first come, first served, and computes a preempted request anew; priorities, swapping to host memory, and separate machines for prompts and answers are not modelled.",
    "Experts are routed evenly, drafts are accepted at their mean rate, and attention reads whole contexts: sliding windows and latent attention are not modelled.",
    "A chain of hosts is there while all of them are; when it returns the ages of the others are forgotten, and the links between hosts neither fail nor congest.",
    "A lost request starts again from its prompt, its time to first token is that of the attempt that completes, and its customer's patience starts anew.",
    "Stays and absences of different nodes are independent, but for the outages, the hours of owners and the records that a scenario gives; customers of a region that fails go on asking.",
    "Requests and answers take the latency of the route; their bandwidth, congestion and egress fees are not modelled.",
    "Owners keep their asked prices, and do not enter or leave the market, within a run; the token's price is fixed. The prices found are not those of a long-run equilibrium.",
    "Owners pay for electricity, idle power included, and not for their machines; customers of rented instances pay for them by the second, from launch to release.",
    "Fitted workloads stand on one recorded hour: days are longer than what was observed, and have no daily rhythm unless the scenario gives one.",
    "Every node returns the right answer: verification, fraud and privacy are not modelled.",
    "Nodes that are there when a run begins hold the model; later only instances of an elastic fleet wait for it, and the nodes of a fleet with cold starts.",
];

/// The same of economies.
pub const LIMITS_OF_ECONOMIES: &[&str] = &[
    "Where networks have no machines, or these are modelled as a flow, nothing waits, fails or is repeated within an epoch; customers do not see how busy a network is but by its price.",
    "Owners expect the future to be as the recent past, and differ in their costs and not in what they believe; capacity is all alike to customers.",
    "Who cheats leaves all of its jobs undone until it is caught, checks are fair, and customers see how much work is not done but not by whom.",
    "The public holds all tokens that owners, insiders and the treasury do not: it is not told apart into people who trade.",
    "Customers choose by price and appeal; latency, trust and privacy count as far as the appeal of a network stands for them.",
];

/// The same of batch jobs on clusters.
pub const LIMITS_OF_CLUSTERS: &[&str] = &[
    "A task works at the same pace from start to end: workers of different nodes neither slow each other nor fail alone, and memory is occupied and never exceeded.",
    "What a task left behind stays reachable when its node leaves; only stored objects are lost with machines. Disks are never full, and what a task has read is not kept for the next.",
    "The manager of a cluster learns of everything at once, decides in no time, and never fails.",
    "A recorded job comes when it came, however long the last ones took: users who wait do not submit less.",
    "Nodes cost their price while they are up; nothing is bid, paid or slashed for batch jobs.",
];
