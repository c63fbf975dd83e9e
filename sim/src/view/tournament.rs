//! A tournament tree: the leaf with the least key among those that satisfy a condition, without looking at every leaf.
//!
//! A change costs the part of one path up to where the least stays the same; a search goes down from the root and turns back only
//! where a leaf does not satisfy the condition.

/// Keys of numbered leaves.
#[derive(Clone, Debug)]
pub(crate) struct Tournament<K> {
    /// The keys from the middle on; before it, the less of the two below.
    tree: Vec<K>,
    absent: K,
}

/// Keys that a search may return.
#[derive(Clone, Copy)]
struct Limit<K> {
    /// Keys above this are of no use.
    bound: K,
    /// Nor is this one itself.
    is_strict: bool,
}

impl<K: Copy + Ord> Tournament<K> {
    /// So many leaves, all `absent`: with a key above all others.
    pub(crate) fn new(leaves: usize, absent: K) -> Self {
        Self {
            tree: vec![absent; 2 * leaves.next_power_of_two()],
            absent,
        }
    }

    /// Gives a leaf another key.
    pub(crate) fn update(&mut self, leaf: usize, key: K) {
        let tree = &mut self.tree;
        let mut at = tree.len() / 2 + leaf;
        let mut least = key;
        while tree[at] != least {
            tree[at] = least;
            if at == 1 {
                break;
            }
            least = least.min(tree[at ^ 1]);
            at /= 2;
        }
    }

    /// The least of all keys.
    pub(crate) fn least(&self) -> K {
        self.tree[1]
    }

    /// The first leaf with the least key among those with at most `bound` that satisfy `takes`, with this key.
    pub(crate) fn first(&self, bound: K, takes: &impl Fn(usize) -> bool) -> Option<(K, usize)> {
        let limit = Limit {
            bound,
            is_strict: false,
        };
        self.search(1, limit, takes)
    }

    fn search(
        &self,
        at: usize,
        limit: Limit<K>,
        takes: &impl Fn(usize) -> bool,
    ) -> Option<(K, usize)> {
        let least = self.tree[at];
        let beyond = least > limit.bound || (limit.is_strict && least == limit.bound);
        if beyond || least == self.absent {
            return None;
        }
        if let Some(leaf) = at.checked_sub(self.tree.len() / 2) {
            return takes(leaf).then_some((least, leaf));
        }
        let (left, right) = (2 * at, 2 * at + 1);
        let up_to = |bound: K, is_strict: bool| Limit { bound, is_strict };
        if self.tree[left] <= self.tree[right] {
            let first = self.search(left, limit, takes);
            // On the right, only what is less than the best on the left can win.
            let limit = first.map_or(limit, |(found, _)| up_to(found, true));
            self.search(right, limit, takes).or(first)
        } else {
            let second = self.search(right, limit, takes);
            let limit = second.map_or(limit, |(found, _)| up_to(found, false));
            self.search(left, limit, takes).or(second)
        }
    }
}

#[cfg(test)]
mod tests {
    use walras_des::{Purpose, Streams};

    use super::*;

    /// Against a look at every leaf, through a thousand changes of a few keys on trees of all sizes (seed 1).
    #[test]
    fn it_finds_what_a_scan_finds() {
        let mut stream = Streams::new(1, 0).open(Purpose::new("test"), 0);
        for leaves in 1..40 {
            let (mut tree, mut keys) = (Tournament::new(leaves, u32::MAX), vec![u32::MAX; leaves]);
            for _ in 0..1000 {
                let leaf = stream.below(leaves as u64) as usize;
                let key = stream.below(9) as u32;
                keys[leaf] = if key == 8 { u32::MAX } else { key };
                tree.update(leaf, keys[leaf]);
                let bound = stream.below(9) as u32;
                let banned = stream.below(3) as usize;
                let takes = |leaf: usize| leaf % 3 != banned;
                let scan = (0..leaves)
                    .filter(|&leaf| takes(leaf) && keys[leaf] != u32::MAX)
                    .map(|leaf| (keys[leaf], leaf))
                    .filter(|(key, _)| *key <= bound)
                    .min();
                assert_eq!(tree.first(bound, &takes), scan);
            }
        }
    }
}
