//! Results of Walras: estimates with intervals, paired differences, curves with bands, and run directories.
//!
//! Reading order: [`conduct`] decides how often a plan is run, [`experiment`] is what came out, [`estimate`] the statistics, [`coverage`] how far they can be trusted, [`compare`] what a report shows.
//! polars is used in [`table`] and [`store`] alone.

pub mod experiment;

pub mod estimate;

pub mod conduct;

pub mod coverage;

pub mod words;

pub mod compare;

pub mod findings;

pub mod curves;

pub mod json;

pub mod table;

pub mod store;

pub mod campaign;

pub mod design;

pub mod response;

pub mod sensitivity;

pub mod tune;

pub mod breakeven;

pub mod equilibrium;

pub mod fidelity;

pub mod goodput;

pub mod sweep;

pub mod tournament;

pub mod validation;

pub mod calibration;

pub mod conformance;

pub use walras_scenarios::{study, timeline};
pub use walras_sim::record;
