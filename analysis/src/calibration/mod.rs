//! Calibration: measured times of operations to the rates of a device, with standard errors and held-out errors.
//!
//! [`point`] is a measured operation, [`data`] reads published ones, [`fit()`] turns many into [`walras_sim::hardware::Kernels`],
//! [`least_squares`] does the arithmetic, and [`yaml`] writes what a device class says of its kernels.

pub mod data;
pub mod fit;
pub mod least_squares;
pub mod point;
pub mod yaml;

pub use fit::{Fitted, Parameter, Residual, data_sheet, fit};
pub use point::{Errors, Kind, Op, Point};
