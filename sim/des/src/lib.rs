//! The discrete-event kernel of Walras: time, events, randomness and statistics.
//!
//! It knows nothing of compute or money. A model is a state and a closed set of events; the engine
//! hands it one event after the other, in an order that is the same on every run. Time is integer
//! nanoseconds, every random number comes from a stream named by what it is for, and everything
//! that is recorded takes constant memory. No I/O, no wall clock, no threads, no globals.
//!
//! A complete model, the M/M/1 queue: Poisson arrivals, exponential service, one server.
//!
//! ```
//! use walras_des::*;
//!
//! #[derive(Clone, Copy)]
//! enum Customer { Comes, Leaves }
//!
//! impl Event for Customer {
//!     fn rank(&self) -> u8 { 0 }
//!     fn word(&self) -> u64 { *self as u64 }
//! }
//!
//! struct Shop { gap: Dist, service: Dist, random: [Stream; 2], present: TimeWeighted }
//!
//! impl Model for Shop {
//!     type Event = Customer;
//!     fn handle(&mut self, event: Customer, cx: &mut Context<Customer>) {
//!         let before = self.present.value();
//!         self.present.add(cx.now(), if let Customer::Comes = event { 1.0 } else { -1.0 });
//!         if let Customer::Comes = event {
//!             cx.after(Span::from_secs_f64(self.gap.sample(&mut self.random[0])), Customer::Comes);
//!         }
//!         if before == 0.0 || (before > 1.0 && matches!(event, Customer::Leaves)) {
//!             let time = self.service.sample(&mut self.random[1]);
//!             cx.after(Span::from_secs_f64(time), Customer::Leaves);
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), DistError> {
//! let streams = Streams::new(42, 0);
//! let mut engine = Engine::new(Shop {
//!     gap: Dist::exponential(2.0)?, // [s]
//!     service: Dist::exponential(1.0)?,
//!     random: ["gaps", "services"].map(|name| streams.open(Purpose::new(name), 0)),
//!     present: TimeWeighted::new(SimTime::ZERO, 0.0),
//! });
//! engine.context_mut().at(SimTime::ZERO, Customer::Comes);
//! engine.run_until(SimTime::ZERO + Span::DAY * 10);
//! let mean = engine.model.present.mean(engine.now());
//! assert!((mean - 1.0).abs() < 0.05, "theory says ρ / (1 − ρ) = 1, not {mean}");
//! # Ok(())
//! # }
//! ```

// The same bits on every machine: clippy.toml names the functions that would not be. Tests may use them.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod time;

pub mod queue;

pub mod engine;

pub mod prefetch;

pub mod digest;

pub mod math;

pub mod rng;

mod ziggurat;

pub mod portable;

pub mod dist;

mod special;

pub mod antithetic;

pub mod stats;

pub mod queueing;

pub mod renewal;

pub use antithetic::Mirrored;
pub use digest::Digest;
pub use dist::{Dist, DistError, normal_cdf, normal_quantile};
pub use engine::{Context, Engine, Event, Model, Outcome};
pub use portable::Portable;
pub use prefetch::prefetch;
pub use queue::EventQueue;
pub use rng::{Purpose, Stream, Streams};
pub use stats::{BatchMeans, LogHistogram, Moments, TimeBatches, TimeWeighted, quantile_rank};
pub use time::{SimTime, Span};
