//! Sufferage: where several tasks want the same processor, it goes to the one that would lose most by its second choice
//! (Maheswaran et al., JPDC 59, 1999).

use std::collections::BTreeMap;

use walras_des::Span;

use crate::cluster::plan::{Graph, Machines, Schedule, batch};

/// Plans all tasks of `graph` on `machines`, those with parents as soon as these are placed. In each pass every processor gets one
/// task at most; a task without a second choice goes before all others.
///
/// # Panics
/// If the graph has a cycle, or a task that no processor can run.
#[must_use]
pub fn plan(graph: &Graph, machines: &Machines) -> Schedule {
    batch::plan(graph, machines, |candidates| {
        let mut claims: BTreeMap<usize, (Span, usize)> = BTreeMap::new();
        for (at, candidate) in candidates.iter().enumerate() {
            let loss = candidate.sufferage().unwrap_or(Span::from_nanos(u64::MAX));
            let claim = claims.entry(candidate.best.processor).or_insert((loss, at));
            if loss > claim.0 {
                *claim = (loss, at);
            }
        }
        claims.into_values().map(|(_, at)| at).collect()
    })
}
