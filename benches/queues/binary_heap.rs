//! The yardstick: `std::collections::BinaryHeap` with an ordered struct, as a stranger would write it.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use walras_des::SimTime;

use super::Queue;

/// The standard library's heap, the earliest event on top.
pub struct BinaryHeapQueue<E> {
    heap: BinaryHeap<Pending<E>>,
    pushed: u64,
}

struct Pending<E> {
    time: SimTime,
    rank: u8,
    sequence: u64,
    event: E,
}

impl<E> Ord for Pending<E> {
    /// Reversed, for the standard heap has its greatest element on top.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.time, other.rank, other.sequence).cmp(&(self.time, self.rank, self.sequence))
    }
}

impl<E> PartialOrd for Pending<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Pending<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Pending<E> {}

impl<E: Copy> Queue<E> for BinaryHeapQueue<E> {
    fn empty() -> Self {
        Self {
            heap: BinaryHeap::new(),
            pushed: 0,
        }
    }

    #[inline(always)]
    fn push(&mut self, time: SimTime, rank: u8, event: E) {
        let sequence = self.pushed;
        self.pushed += 1;
        self.heap.push(Pending {
            time,
            rank,
            sequence,
            event,
        });
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<(SimTime, u8, E)> {
        let next = self.heap.pop()?;
        Some((next.time, next.rank, next.event))
    }
}
