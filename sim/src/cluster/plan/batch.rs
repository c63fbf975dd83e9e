//! What Min-Min, Max-Min and Sufferage have in common: tasks whose parents are placed, each with the two slots in which it ends first.
//!
//! The time that a plan takes grows with the square of the number of tasks that could come next, times the number of processors.

use petgraph::graph::NodeIndex;
use walras_des::Span;

use crate::cluster::plan::draft::{Draft, Policy};
use crate::cluster::plan::{Graph, Machines, Schedule, Slot};

/// A task whose parents are placed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) task: NodeIndex,
    /// Where it ends first.
    pub(super) best: Slot,
    /// On any other processor, where it ends first.
    second: Option<Slot>,
}

impl Candidate {
    fn of(task: NodeIndex, draft: &Draft<'_>) -> Self {
        let (mut best, mut second): (Option<Slot>, Option<Slot>) = (None, None);
        for slot in draft.choices(task, Policy::Append) {
            if best.is_none_or(|best| slot.end < best.end) {
                second = best.replace(slot);
            } else if second.is_none_or(|second| slot.end < second.end) {
                second = Some(slot);
            }
        }
        let best = best.unwrap_or_else(|| panic!("no processor can run task {}", task.index()));
        Self { task, best, second }
    }

    /// How much later it would end if it did not get its best slot; `None` if it could not run at all.
    pub(super) fn sufferage(&self) -> Option<Span> {
        self.second.map(|second| second.end - self.best.end)
    }

    fn touches(&self, processor: usize) -> bool {
        let second = self.second.map(|slot| slot.processor);
        self.best.processor == processor || second == Some(processor)
    }
}

/// Places tasks until none is left: `choose` says which of the candidates, given by index, get their best slots; no two on the same
/// processor.
pub(super) fn plan(
    graph: &Graph,
    machines: &Machines,
    mut choose: impl FnMut(&[Candidate]) -> Vec<usize>,
) -> Schedule {
    let mut draft = Draft::new(graph, machines);
    let candidate = |task, draft: &Draft<'_>| Candidate::of(task, draft);
    let entries = draft.entries().into_iter();
    let mut candidates: Vec<Candidate> = entries.map(|task| candidate(task, &draft)).collect();
    while !candidates.is_empty() {
        let mut chosen = choose(&candidates);
        chosen.sort_unstable();
        let mut ready = Vec::new();
        let mut changed = Vec::new();
        for at in chosen.into_iter().rev() {
            let Candidate { task, best, .. } = candidates.remove(at);
            ready.extend(draft.place(task, best));
            changed.push(best.processor);
        }
        // Times on other processors are what they were; on these they can only have become later.
        for candidate in &mut candidates {
            if changed
                .iter()
                .any(|&processor| candidate.touches(processor))
            {
                *candidate = Candidate::of(candidate.task, &draft);
            }
        }
        candidates.extend(ready.into_iter().map(|task| candidate(task, &draft)));
        candidates.sort_unstable_by_key(|candidate| candidate.task);
    }
    draft.finish()
}
