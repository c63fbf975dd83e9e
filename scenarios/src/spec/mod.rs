//! What a user may write. The comments of these types are the descriptions in the JSON Schema.

pub mod quantity;

pub mod distribution;

pub mod catalog;

pub mod platform;

pub mod cluster;

pub mod economy;

pub mod instrument;

pub mod scenario;

use indexmap::IndexMap;

/// Entries by name, in the order of the text.
pub type Named<T> = IndexMap<String, T>;
