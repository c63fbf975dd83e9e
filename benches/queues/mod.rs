//! The candidates of the race for the event queue, behind one trait. Only the winner lives in `walras-des`.

pub mod binary_heap;
pub mod four_ary;

pub use binary_heap::BinaryHeapQueue;
pub use four_ary::FourAryHeap;

use walras_des::{EventQueue, SimTime};

/// A priority queue of events in the total order (time, rank, insertion).
pub trait Queue<E: Copy> {
    /// An empty queue.
    fn empty() -> Self;

    /// Adds `event`, behind all pending events of the same time and rank.
    fn push(&mut self, time: SimTime, rank: u8, event: E);

    /// Removes the first event.
    fn pop(&mut self) -> Option<(SimTime, u8, E)>;
}

impl<E: Copy> Queue<E> for EventQueue<E> {
    fn empty() -> Self {
        Self::new()
    }

    #[inline]
    fn push(&mut self, time: SimTime, rank: u8, event: E) {
        Self::push(self, time, rank, event);
    }

    #[inline]
    fn pop(&mut self) -> Option<(SimTime, u8, E)> {
        Self::pop(self)
    }
}
