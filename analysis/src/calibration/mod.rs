//! Calibration: measured times of operations to the rates of a device, with standard errors and held-out errors.
//!
//! [`point`] is a measured operation, [`data`] reads published ones, [`fit()`] turns many into [`walras_sim::hardware::Kernels`],
//! [`least_squares`] does the arithmetic, [`import`] takes what other benchmarks wrote, and [`yaml`] writes device classes.
//! [`shipped`] are the measurements behind the device classes of the catalog, and [`ladder`] what these predict.

pub mod data;
pub mod fit;
pub mod import;
pub mod ladder;
pub mod least_squares;
pub mod point;
pub mod shipped;
pub mod yaml;

pub use fit::{Fitted, Parameter, Residual, data_sheet, fit};
pub use point::{Errors, Kind, Op, Point};
