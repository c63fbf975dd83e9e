//! A lazy bucket queue: a ring of unsorted buckets, each put into a heap when its turn comes; events beyond the ring wait in a list.

use walras_des::SimTime;

use super::{Entry, FourAryHeap, Queue};

/// Buckets of the ring; the width follows the number of pending events.
const BUCKETS: usize = 4096;

/// A heap for the current bucket, unsorted buckets for the next 4,095, a list for the rest.
pub struct LazyBuckets<E> {
    current: FourAryHeap<E>,
    buckets: Vec<Vec<Entry<E>>>,
    start: u64,
    shift: u32,
    next: usize,
    later: Vec<Entry<E>>,
    pushed: u64,
}

impl<E: Copy> LazyBuckets<E> {
    #[inline]
    fn place(&mut self, entry: Entry<E>) {
        let bucket = usize::try_from(entry.time.saturating_sub(self.start) >> self.shift)
            .unwrap_or(usize::MAX);
        if bucket < self.next {
            self.current.insert(entry);
        } else if let Some(bucket) = self.buckets.get_mut(bucket) {
            bucket.push(entry);
        } else {
            self.later.push(entry);
        }
    }

    /// Starts the ring anew, so that half of what waits lies in its first quarter.
    fn turn(&mut self) {
        let mut waiting = std::mem::take(&mut self.later);
        let middle = waiting.len() / 2;
        let (_, median, _) = waiting.select_nth_unstable_by_key(middle, Entry::key);
        let median = median.time;
        self.start = waiting.iter().map(|entry| entry.time).min().unwrap_or(0);
        let count = (waiting.len() / 2).next_power_of_two().clamp(16, BUCKETS);
        let reach = (median - self.start).max(1).saturating_mul(4);
        self.shift = (reach / count as u64).max(1).ilog2();
        self.buckets.resize_with(count, Vec::new);
        self.next = 0;
        for entry in waiting {
            self.place(entry);
        }
    }

    fn refill(&mut self) -> bool {
        loop {
            while self.next < self.buckets.len() {
                let bucket = &mut self.buckets[self.next];
                self.next += 1;
                if !bucket.is_empty() {
                    for entry in bucket.drain(..) {
                        self.current.insert(entry);
                    }
                    return true;
                }
            }
            if self.later.is_empty() {
                return false;
            }
            self.turn();
        }
    }
}

impl<E: Copy> Queue<E> for LazyBuckets<E> {
    fn empty() -> Self {
        Self {
            current: FourAryHeap::empty(),
            buckets: Vec::new(),
            start: 0,
            shift: 0,
            next: 0,
            later: Vec::new(),
            pushed: 0,
        }
    }

    #[inline(always)]
    fn push(&mut self, time: SimTime, rank: u8, event: E) {
        let entry = Entry::new(time, rank, self.pushed, event);
        self.pushed += 1;
        self.place(entry);
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<(SimTime, u8, E)> {
        loop {
            if let Some(first) = self.current.pop() {
                return Some(first);
            }
            if !self.refill() {
                return None;
            }
        }
    }
}
