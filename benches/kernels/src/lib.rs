//! Real inference kernels on this machine's processor, and what they cost here.
//!
//! [`kernels`] has one function for each kernel, on candle; [`block`] and [`model`] put them together to layers and to a whole model that
//! generates text. [`suite`] is the table of what is measured, [`rates`] fits the cost model to it and predicts steps of a real model
//! ([`smollm`]), and [`profile`] writes it all down for scenarios. The binary `walras-calibrate` does this in order;
//! `walras calibrate` runs it.
//!
//! Candle's threads spin at barriers: where another process takes one of their cores, every kernel waits. So the calibrator uses one
//! thread fewer than there are cores unless told otherwise, and takes off the time that its own thread waited for a processor
//! ([`machine::waited`]).

pub mod block;
pub mod ceilings;
pub mod kernels;
pub mod machine;
pub mod model;
pub mod points;
pub mod profile;
pub mod rates;
pub mod shapes;
pub mod smollm;
pub mod suite;
pub mod weights;

/// Version of candle, whose kernels are measured; a test compares it with the lock file.
pub const CANDLE: &str = "0.11.1";
