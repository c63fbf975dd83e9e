//! What inference costs: models, devices, and the time and memory of a serving step.
//!
//! An operation of a step is a smooth roofline with fitted rates plus a launch overhead ([`roof`]); a device class has one roof
//! for each kind of operation and a few overheads that no kernel explains ([`device`]); a [`deployment`] says how a model is
//! put on devices; and a [`profile`] is all of it lowered to integers, which is what servers use.
//!
//! ```text
//! step = s + L·l + q·sequences + Σ operations (matrix products, attention, norms, all-reduces) + network between stages
//! ```

pub mod deployment;
pub mod device;
pub mod format;
pub mod model;
pub mod profile;
pub mod roof;

pub use deployment::{Deployment, Pipeline, Speculation};
pub use device::{Coverage, Device, Kernels, Overheads, Residuals};
pub use format::Format;
pub use model::{Experts, MatMul, Model};
pub use profile::Profile;
pub use roof::{DecodeRoof, Heads, Link, Mixed, PrefillRoof, Roof, Work};
