//! The prefix cache of one server: blocks of prompts that begin alike, kept in what the batch leaves free.
//!
//! A group of requests shares the first tokens of their prompts. When a prompt is computed, the full blocks of its shared part
//! are cached; a later request of the group that finds them there shares them and computes the rest. Blocks that nobody in the
//! batch uses go when blocks are needed: those of the group used least recently, from its end.

/// The cache of one server.
#[derive(Clone, Debug, Default)]
pub(super) struct PrefixCache {
    /// Least recently used first.
    groups: Vec<Group>,
    /// Blocks of all groups.
    blocks: u64,
    /// Those of them that the batch uses.
    used: u64,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    id: u32,
    /// Blocks from the start of the prefix.
    blocks: u32,
    /// The first of them that somebody in the batch uses.
    used: u32,
}

impl PrefixCache {
    /// Blocks in the cache, used or not.
    pub(super) fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Blocks that the batch uses, each counted once.
    pub(super) fn used(&self) -> u64 {
        self.used
    }

    /// Blocks of a group: cached, and of these used.
    pub(super) fn of(&self, group: u32) -> (u32, u32) {
        let found = self.groups.iter().rfind(|g| g.id == group);
        found.map_or((0, 0), |g| (g.blocks, g.used))
    }

    /// Sets how many blocks of a group are cached and used, and makes it the most recently used.
    pub(super) fn touch(&mut self, group: u32, blocks: u32, used: u32) {
        if let Some(place) = self.groups.iter().rposition(|g| g.id == group) {
            let before = self.groups.remove(place);
            self.blocks -= u64::from(before.blocks);
            self.used -= u64::from(before.used);
        }
        if blocks > 0 {
            self.groups.push(Group {
                id: group,
                blocks,
                used,
            });
            self.blocks += u64::from(blocks);
            self.used += u64::from(used);
        }
    }

    /// Gives up `count` blocks that are not used, or as many as there are.
    pub(super) fn evict(&mut self, mut count: u64) {
        for group in &mut self.groups {
            let unused = u64::from(group.blocks - group.used).min(count);
            group.blocks -= unused as u32;
            self.blocks -= unused;
            count -= unused;
            if count == 0 {
                break;
            }
        }
        self.groups.retain(|group| group.blocks > 0);
    }

    /// Checks the sums.
    ///
    /// # Panics
    /// If they are not those of the groups.
    pub(super) fn audit(&self, used: impl Fn(u32) -> u32) {
        let sum = |of: fn(&Group) -> u32| self.groups.iter().map(|g| u64::from(of(g))).sum::<u64>();
        assert_eq!(
            (self.blocks, self.used),
            (sum(|g| g.blocks), sum(|g| g.used)),
            "cached blocks are lost, or counted twice"
        );
        for group in &self.groups {
            assert!(
                group.used == used(group.id) && group.used <= group.blocks,
                "shared blocks are those that the batch uses"
            );
        }
    }
}
