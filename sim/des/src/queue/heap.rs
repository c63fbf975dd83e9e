//! A 4-ary heap in the order of time, rank and insertion: for the events that are due soon.
//!
//! The order is packed in one integer, time ‖ rank ‖ sequence = 64 ‖ 8 ‖ 56 bits, so that a
//! comparison is one 128-bit compare and no two entries are ever equal.

use super::Entry;

/// Children per node: four entries lie in two cache lines, and the tree is half as deep as a
/// binary one.
const ARITY: usize = 4;
const SEQUENCE_BITS: u32 = 56;

#[derive(Clone, Debug)]
pub(super) struct Heap<E> {
    nodes: Vec<Node<E>>,
    pushed: u64,
}

/// Two words instead of a `u128`, which would be aligned to 16 bytes and pad the node.
#[derive(Clone, Copy, Debug)]
struct Node<E> {
    time: u64,
    order: u64,
    event: E,
}

impl<E: Copy> Node<E> {
    #[inline]
    fn key(&self) -> u128 {
        u128::from(self.time) << 64 | u128::from(self.order)
    }

    #[inline]
    fn entry(self) -> Entry<E> {
        Entry {
            time: self.time,
            rank: (self.order >> SEQUENCE_BITS) as u8,
            event: self.event,
        }
    }
}

impl<E: Copy> Heap<E> {
    pub(super) const fn new() -> Self {
        Self {
            nodes: Vec::new(),
            pushed: 0,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Time and rank of the first entry.
    #[inline]
    pub(super) fn first(&self) -> Option<(u64, u8)> {
        let node = self.nodes.first()?;
        Some((node.time, (node.order >> SEQUENCE_BITS) as u8))
    }

    #[inline]
    pub(super) fn push(&mut self, entry: Entry<E>) {
        assert!(
            self.pushed < 1 << SEQUENCE_BITS,
            "the event sequence number is exhausted"
        );
        let order = u64::from(entry.rank) << SEQUENCE_BITS | self.pushed;
        self.pushed += 1;
        let node = Node {
            time: entry.time,
            order,
            event: entry.event,
        };
        self.nodes.push(node);
        self.rise(self.nodes.len() - 1, node);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Entry<E>> {
        let last = self.nodes.pop()?;
        let Some(&first) = self.nodes.first() else {
            return Some(last.entry());
        };
        self.sink(last);
        Some(first.entry())
    }

    /// Time, rank and event of all entries, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u8, &E)> {
        let mut nodes: Vec<_> = self.nodes.iter().collect();
        nodes.sort_unstable_by_key(|node| node.key());
        nodes.into_iter().map(|node| {
            let rank = (node.order >> SEQUENCE_BITS) as u8;
            (node.time, rank, &node.event)
        })
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node<E>>()
    }

    /// Takes all entries out, in order.
    pub(super) fn drain_sorted(&mut self) -> impl Iterator<Item = Entry<E>> {
        self.nodes.sort_unstable_by_key(Node::key);
        self.nodes.drain(..).map(Node::entry)
    }

    /// Moves later parents down into the hole, then fills it with `node`.
    #[inline]
    fn rise(&mut self, mut hole: usize, node: Node<E>) {
        let key = node.key();
        while hole > 0 {
            let parent = (hole - 1) / ARITY;
            if self.nodes[parent].key() < key {
                break;
            }
            self.nodes[hole] = self.nodes[parent];
            hole = parent;
        }
        self.nodes[hole] = node;
    }

    /// Moves earlier children up from the root, then fills the hole with `node`.
    #[inline]
    fn sink(&mut self, node: Node<E>) {
        let nodes = self.nodes.as_mut_slice();
        let key = node.key();
        let mut hole = 0;
        loop {
            let first = hole * ARITY + 1;
            if first >= nodes.len() {
                break;
            }
            let (offset, child) = earliest(&nodes[first..nodes.len().min(first + ARITY)]);
            if key < child {
                break;
            }
            nodes[hole] = nodes[first + offset];
            hole = first + offset;
        }
        nodes[hole] = node;
    }
}

/// The offset of the child that comes first, and its key; at least one child.
///
/// Four children meet in a tournament of selects: which of them wins is a coin toss that a branch
/// predictor would lose.
#[inline]
fn earliest<E: Copy>(children: &[Node<E>]) -> (usize, u128) {
    if let [a, b, c, d] = children {
        let left = lesser((0, a.key()), (1, b.key()));
        let right = lesser((2, c.key()), (3, d.key()));
        return lesser(left, right);
    }
    let keys = children.iter().map(Node::key).enumerate();
    keys.fold((0, u128::MAX), lesser)
}

#[inline]
fn lesser(a: (usize, u128), b: (usize, u128)) -> (usize, u128) {
    let second = b.1 < a.1;
    (
        if second { b.0 } else { a.0 },
        if second { b.1 } else { a.1 },
    )
}
