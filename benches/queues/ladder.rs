//! The ladder queue: an unsorted top, rungs of buckets that are divided when they hold too much, and a sorted bottom.
//!
//! W. T. Tang, R. S. M. Goh, I. L.-J. Thng, "Ladder queue: an O(1) priority queue structure for large-scale discrete event
//! simulation", ACM TOMACS 15(3), 2005, doi 10.1145/1103323.1103324.

use walras_des::SimTime;

use super::{Entry, Queue};

/// A bucket of more events is divided, as in the paper.
const THRESHOLD: usize = 50;
/// As many rungs as in the paper; the last one sorts whatever it holds.
const MOST_RUNGS: usize = 8;

/// Top, rungs and bottom; a bucket per event at the first rung.
pub struct LadderQueue<E> {
    top: Vec<Entry<E>>,
    /// Events after this belong to the top [ns]; none while there are no rungs.
    rungs_end: Option<u64>,
    rungs: Vec<Rung<E>>,
    /// Sorted, the last event first.
    bottom: Vec<Entry<E>>,
    /// Emptied buckets, for the next rungs.
    spare: Vec<Vec<Vec<Entry<E>>>>,
    pushed: u64,
}

struct Rung<E> {
    start: u64,
    width: u64,
    next: usize,
    buckets: Vec<Vec<Entry<E>>>,
}

impl<E> Rung<E> {
    /// Where the first bucket begins that has not been taken.
    #[inline]
    fn current(&self) -> u128 {
        u128::from(self.start) + self.next as u128 * u128::from(self.width)
    }

    #[inline]
    fn place(&mut self, entry: Entry<E>) {
        let bucket = (entry.time - self.start) / self.width;
        let last = self.buckets.len() - 1;
        self.buckets[usize::try_from(bucket).map_or(last, |bucket| bucket.min(last))].push(entry);
    }
}

impl<E: Copy> LadderQueue<E> {
    fn open(&mut self, start: u64, width: u64, count: usize, events: Vec<Entry<E>>) {
        let mut buckets = self.spare.pop().unwrap_or_default();
        buckets.resize_with(count, Vec::new);
        let mut rung = Rung {
            start,
            width,
            next: 0,
            buckets,
        };
        for entry in events {
            rung.place(entry);
        }
        self.rungs.push(rung);
    }

    fn refill(&mut self) -> bool {
        loop {
            let may_divide = self.rungs.len() < MOST_RUNGS;
            let Some(rung) = self.rungs.last_mut() else {
                if self.top.is_empty() {
                    self.rungs_end = None;
                    return false;
                }
                let events = std::mem::take(&mut self.top);
                let first = events.iter().map(|entry| entry.time).min().unwrap_or(0);
                let last = events.iter().map(|entry| entry.time).max().unwrap_or(0);
                let width = (last - first) / events.len() as u64 + 1;
                let count = ((last - first) / width + 1) as usize;
                self.rungs_end = Some(last);
                self.open(first, width, count, events);
                continue;
            };
            let Some(skipped) = rung.buckets[rung.next..].iter().position(|b| !b.is_empty()) else {
                if let Some(rung) = self.rungs.pop() {
                    self.spare.push(rung.buckets);
                }
                continue;
            };
            rung.next += skipped;
            // The bucket holds events, so it begins at an instant that exists.
            let (start, width) = (rung.current() as u64, rung.width);
            let bucket = &mut rung.buckets[rung.next];
            rung.next += 1;
            if bucket.len() > THRESHOLD && width > 1 && may_divide {
                let events = std::mem::take(bucket);
                let count = events.len() as u64;
                let narrow = width.div_ceil(count);
                self.open(start, narrow, width.div_ceil(narrow) as usize, events);
                continue;
            }
            self.bottom.append(bucket);
            self.bottom
                .sort_unstable_by_key(|entry| std::cmp::Reverse(entry.key()));
            return true;
        }
    }
}

impl<E: Copy> Queue<E> for LadderQueue<E> {
    fn empty() -> Self {
        Self {
            top: Vec::new(),
            rungs_end: None,
            rungs: Vec::new(),
            bottom: Vec::new(),
            spare: Vec::new(),
            pushed: 0,
        }
    }

    #[inline(always)]
    fn push(&mut self, time: SimTime, rank: u8, event: E) {
        let entry = Entry::new(time, rank, self.pushed, event);
        self.pushed += 1;
        if self.rungs_end.is_none_or(|end| entry.time > end) {
            self.top.push(entry);
            return;
        }
        for rung in &mut self.rungs {
            if u128::from(entry.time) >= rung.current() {
                rung.place(entry);
                return;
            }
        }
        let key = entry.key();
        let place = self.bottom.partition_point(|other| other.key() > key);
        self.bottom.insert(place, entry);
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<(SimTime, u8, E)> {
        if self.bottom.is_empty() && !self.refill() {
            return None;
        }
        self.bottom.pop().map(Entry::opened)
    }
}
