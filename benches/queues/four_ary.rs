//! A 4-ary heap with the order packed in one integer: the queue that Walras had before, and the reference for "never worse".

use walras_des::SimTime;

use super::{Entry, Queue};

/// Children per node: four entries lie in two cache lines, and the tree is half as
/// deep as a binary one.
const ARITY: usize = 4;

/// A priority queue of events, the earliest first; ties by rank (low first), then by insertion.
pub struct FourAryHeap<E> {
    heap: Vec<Entry<E>>,
    pushed: u64,
}

impl<E: Copy> Queue<E> for FourAryHeap<E> {
    fn empty() -> Self {
        Self {
            heap: Vec::new(),
            pushed: 0,
        }
    }

    #[inline(always)]
    fn push(&mut self, time: SimTime, rank: u8, event: E) {
        let entry = Entry::new(time, rank, self.pushed, event);
        self.pushed += 1;
        self.insert(entry);
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<(SimTime, u8, E)> {
        let last = self.heap.pop()?;
        let Some(&first) = self.heap.first() else {
            return Some(last.opened());
        };
        self.sink(last);
        Some(first.opened())
    }
}

impl<E: Copy> FourAryHeap<E> {
    #[inline]
    pub(super) fn insert(&mut self, entry: Entry<E>) {
        self.heap.push(entry);
        self.rise(self.heap.len() - 1, entry);
    }

    /// Moves later parents down into the hole, then fills it with `entry`.
    #[inline]
    fn rise(&mut self, mut hole: usize, entry: Entry<E>) {
        let key = entry.key();
        while hole > 0 {
            let parent = (hole - 1) / ARITY;
            if self.heap[parent].key() < key {
                break;
            }
            self.heap[hole] = self.heap[parent];
            hole = parent;
        }
        self.heap[hole] = entry;
    }

    /// Moves earlier children up from the root, then fills the hole with `entry`.
    #[inline]
    fn sink(&mut self, entry: Entry<E>) {
        let heap = self.heap.as_mut_slice();
        let key = entry.key();
        let mut hole = 0;
        loop {
            let first = hole * ARITY + 1;
            if first >= heap.len() {
                break;
            }
            let (offset, child) = earliest(&heap[first..heap.len().min(first + ARITY)]);
            if key < child {
                break;
            }
            heap[hole] = heap[first + offset];
            hole = first + offset;
        }
        heap[hole] = entry;
    }
}

/// The offset of the child that comes first, and its key; at least one child.
///
/// Four children meet in a tournament of selects: which of them wins is a coin toss that a branch
/// predictor would lose.
#[inline]
fn earliest<E>(children: &[Entry<E>]) -> (usize, u128) {
    if let [a, b, c, d] = children {
        let left = lesser((0, a.key()), (1, b.key()));
        let right = lesser((2, c.key()), (3, d.key()));
        return lesser(left, right);
    }
    let keys = children.iter().map(Entry::key).enumerate();
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
