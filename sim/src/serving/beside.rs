//! What the KV cache of a server holds beside its batch: beginnings of prompts, and contexts on their way to or from other servers.

use smallvec::SmallVec;

use super::prefix::PrefixCache;
use crate::ids::JobId;

/// What one server holds beside its batch; a server that never held anything has none.
#[derive(Clone, Debug, Default)]
pub(super) struct Beside {
    /// Beginnings of prompts.
    pub(super) prefixes: PrefixCache,
    /// Contexts that were computed here and go to another server.
    leaving: Vec<Leaving>,
    /// Contexts that come from other servers, in the order in which room was made for them.
    coming: Vec<Coming>,
    /// Blocks of both, without those that are shared with the prefix cache.
    blocks: u64,
    /// Blocks that those who leave share with the prefix cache.
    shared: u64,
}

/// A context that goes.
#[derive(Clone, Copy, Debug)]
struct Leaving {
    job: JobId,
    /// Blocks of its own, and those at its beginning that are the prefix cache's.
    blocks: u32,
    shared: u32,
}

/// A context that comes.
#[derive(Clone, Copy, Debug)]
struct Coming {
    job: JobId,
    blocks: u32,
    /// Whether it is here, and joins the batch with the next step.
    is_here: bool,
}

impl Beside {
    /// Blocks of contexts on their way that nothing else accounts for.
    pub(super) fn blocks(&self) -> u64 {
        self.blocks
    }

    /// The same with blocks of prompts that they share, each as often as it is shared.
    pub(super) fn blocks_at_most(&self) -> u64 {
        self.blocks + self.shared
    }

    /// Places in the batch that are kept for contexts that come.
    pub(super) fn places(&self) -> usize {
        self.coming.len()
    }

    /// Contexts that come and are not here yet.
    pub(super) fn awaited(&self) -> usize {
        self.coming.iter().filter(|c| !c.is_here).count()
    }

    /// Contexts that are here and not in the batch yet.
    pub(super) fn arrived(&self) -> impl Iterator<Item = JobId> + '_ {
        self.coming.iter().filter(|c| c.is_here).map(|c| c.job)
    }

    /// Jobs whose context goes from here, with the blocks that they share.
    pub(super) fn leaving(&self) -> impl Iterator<Item = (JobId, u32)> + '_ {
        self.leaving.iter().map(|l| (l.job, l.shared))
    }

    /// Keeps a context that goes.
    pub(super) fn leave(&mut self, job: JobId, blocks: u32, shared: u32) {
        self.leaving.push(Leaving {
            job,
            blocks,
            shared,
        });
        self.blocks += u64::from(blocks);
        self.shared += u64::from(shared);
    }

    /// Lets a context go; returns the blocks that it shared.
    pub(super) fn left(&mut self, job: JobId) -> u32 {
        let place = self.leaving.iter().position(|l| l.job == job);
        let gone = self.leaving.remove(place.expect("only what was kept goes"));
        self.blocks -= u64::from(gone.blocks);
        self.shared -= u64::from(gone.shared);
        gone.shared
    }

    /// Keeps blocks and a place for a context that comes.
    pub(super) fn reserve(&mut self, job: JobId, blocks: u32) {
        self.coming.push(Coming {
            job,
            blocks,
            is_here: false,
        });
        self.blocks += u64::from(blocks);
    }

    /// Notes that a context has come.
    pub(super) fn arrive(&mut self, job: JobId) {
        let coming = self.coming.iter_mut().find(|c| c.job == job);
        coming.expect("room was made for it").is_here = true;
    }

    /// Gives up the room of a context that does not come.
    pub(super) fn give_up(&mut self, job: JobId) {
        let place = self.coming.iter().position(|c| c.job == job);
        let gone = self.coming.remove(place.expect("room was made for it"));
        self.blocks -= u64::from(gone.blocks);
    }

    /// Takes out those that are here.
    pub(super) fn take_arrived(&mut self) -> SmallVec<[JobId; 4]> {
        let here = self.arrived().collect();
        let gone = self.coming.iter().filter(|c| c.is_here);
        self.blocks -= gone.map(|c| u64::from(c.blocks)).sum::<u64>();
        self.coming.retain(|c| !c.is_here);
        here
    }

    /// Checks the sums.
    ///
    /// # Panics
    /// If they are not those of the contexts.
    pub(super) fn audit(&self) {
        let own = self.leaving.iter().map(|l| u64::from(l.blocks));
        let kept = self.coming.iter().map(|c| u64::from(c.blocks));
        let shared = self.leaving.iter().map(|l| u64::from(l.shared));
        assert_eq!(
            (self.blocks, self.shared),
            (own.sum::<u64>() + kept.sum::<u64>(), shared.sum()),
            "blocks of contexts on their way are lost, or counted twice"
        );
    }
}
