//! From a YAML file to results: parse, check, lower, run.
//!
//! [`load`] reads a scenario and reports every problem at once; [`execute`] runs its plan on any number of threads.

// The same bits on every machine: clippy.toml names the functions that would not be. Tests may use them.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod issue;

pub mod document;

pub mod registry;

pub mod external;

pub mod spec;

pub mod schema;

pub mod catalog;

pub mod library;

pub mod batch;

mod calendar;

mod csv;

pub mod trace;

pub mod spot;

mod read;

mod inherit;

mod report;

mod lower;

pub mod plan;

mod load;

pub mod sweep;

pub mod study;

pub mod contest;

pub mod event_log;

pub mod run;

pub mod condition;

pub mod replay;

pub mod witness;

pub mod story;

pub mod timeline;

pub mod chrome_trace;

pub use contest::Contest;
pub use issue::{Issue, Issues};
pub use library::{LibraryEntry, library};
pub use load::{Scenario, TraceUse, load};
pub use plan::{Cost, Plan, Precision};
pub use registry::{Parameters, Registered, register};
pub use run::{Options, Pool, Progress, Results, Run, RunError, execute, replicate};
pub use schema::schema;
pub use study::Study;
pub use sweep::Sweep;
pub use walras_des::{SimTime, Span};
