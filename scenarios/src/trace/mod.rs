//! Reads recorded traces of requests; the first line says which format it is.

mod azure;
mod mooncake;

use std::sync::Arc;

use walras_sim::workload::Trace;

use crate::issue::{Issue, Source};

/// Reads the text of a trace: JSON lines are those of Mooncake, anything else is the CSV of Azure.
///
/// # Errors
/// Every broken row with its line, column and value (the first twenty, then a count), missing columns, rows that are not in
/// order of time, or a trace without rows.
pub fn parse(source: &Arc<Source>) -> Result<Trace, Vec<Issue>> {
    let text = source.text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('{') {
        mooncake::parse(source)
    } else {
        azure::parse(source)
    }
}
