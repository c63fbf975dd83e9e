//! The future event list, in the total order (time, rank, insertion).

mod far;
mod heap;

use crate::time::SimTime;
use far::Far;
use heap::Heap;

const MOST_LATE: usize = 32;

/// A priority queue of events, the earliest first; ties by rank (low first), then by insertion.
#[derive(Clone, Debug)]
pub struct EventQueue<E> {
    /// The next events, sorted; those before `at` are gone.
    run: Vec<Entry<E>>,
    at: usize,
    /// Events that were added within the run.
    late: Heap<E>,
    /// When `late` is spread over buckets.
    most_late: usize,
    /// Up to when events belong to the run or the heap.
    horizon: u64,
    far: Far<E>,
    scratch: Vec<Entry<E>>,
    len: usize,
    peak: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    time: u64,
    event: E,
    rank: u8,
}

impl<E> Entry<E> {
    #[inline]
    fn new(time: SimTime, rank: u8, event: E) -> Self {
        Self {
            time: time.as_nanos(),
            event,
            rank,
        }
    }
}

impl<E: Copy> EventQueue<E> {
    /// An empty queue that has not allocated yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            run: Vec::new(),
            at: 0,
            late: Heap::new(),
            most_late: MOST_LATE,
            horizon: u64::MAX,
            far: Far::new(),
            scratch: Vec::new(),
            len: 0,
            peak: 0,
        }
    }

    /// An empty queue with room for `capacity` pending events.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        let mut queue = Self::new();
        queue.far.reserve(capacity);
        queue
    }

    /// Adds `event` at `time`, behind all pending events of the same time and rank.
    #[inline(always)]
    pub fn push(&mut self, time: SimTime, rank: u8, event: E) {
        self.len += 1;
        self.peak = self.peak.max(self.len);
        if time.as_nanos() > self.horizon {
            self.far.push(Entry::new(time, rank, event));
        } else {
            self.late.push(Entry::new(time, rank, event));
            if self.late.len() > self.most_late {
                self.spread();
            }
        }
    }

    /// Removes the first event: its time, its rank and itself.
    #[inline]
    pub fn pop(&mut self) -> Option<(SimTime, u8, E)> {
        self.pop_until(SimTime::MAX)
    }

    /// Removes the first event if it is not later than `limit`.
    #[inline]
    pub fn pop_until(&mut self, limit: SimTime) -> Option<(SimTime, u8, E)> {
        let limit = limit.as_nanos();
        let entry = loop {
            match (self.run.get(self.at), self.late.first()) {
                (Some(next), late) if late.is_none_or(|late| (next.time, next.rank) <= late) => {
                    if next.time > limit {
                        return None;
                    }
                    self.at += 1;
                    break *next;
                }
                (_, Some((time, _))) => {
                    if time > limit {
                        return None;
                    }
                    break self.late.pop()?;
                }
                _ => {
                    if !self.refill(self.horizon.saturating_add(1)) {
                        return None;
                    }
                }
            }
        };
        self.len -= 1;
        Some((SimTime::from_nanos(entry.time), entry.rank, entry.event))
    }

    /// The time of the first event.
    #[must_use]
    #[inline]
    pub fn peek_time(&mut self) -> Option<SimTime> {
        loop {
            let run = self.run.get(self.at).map(|entry| entry.time);
            let late = self.late.first().map(|(time, _)| time);
            match (run, late) {
                (None, None) => {
                    if !self.refill(self.horizon.saturating_add(1)) {
                        return None;
                    }
                }
                (Some(a), Some(b)) => return Some(SimTime::from_nanos(a.min(b))),
                (a, b) => return a.or(b).map(SimTime::from_nanos),
            }
        }
    }

    /// The number of pending events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no event is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The largest [`len`](Self::len) there ever was.
    #[must_use]
    pub fn peak_len(&self) -> usize {
        self.peak
    }

    #[cold]
    #[inline(never)]
    fn spread(&mut self) {
        let mut rest = std::mem::take(&mut self.scratch);
        rest.clear();
        let run = &self.run[self.at..];
        let mut at = 0;
        for late in self.late.drain_sorted() {
            let before = run[at..].iter().position(|next| (next.time, next.rank) > (late.time, late.rank)).unwrap_or(run.len() - at);
            rest.extend_from_slice(&run[at..at + before]);
            at += before;
            rest.push(late);
        }
        rest.extend_from_slice(&run[at..]);
        self.run.clear();
        self.at = 0;
        let (first, last) = (rest[0].time, rest[rest.len() - 1].time);
        if first == last {
            // Not to be divided
            for e in &rest {
                self.late.push(*e);
            }
            self.most_late = 2 * self.late.len();
        } else {
            self.far.spread(&rest, self.horizon);
            self.scratch = rest;
            self.refill(first);
        }
    }

    #[inline(never)]
    fn refill(&mut self, from: u64) -> bool {
        self.run.clear();
        self.at = 0;
        self.scratch.clear();
        let Some((from, end)) = self.far.take(from, &mut self.scratch) else {
            self.horizon = u64::MAX;
            return false;
        };
        self.horizon = end;
        self.most_late = MOST_LATE;
        sort(&self.scratch, &mut self.run, from, end);
        true
    }
}

/// Sorts by time and rank, without exchanging equals.
#[inline]
fn sort<E: Copy>(from: &[Entry<E>], run: &mut Vec<Entry<E>>, first: u64, last: u64) {
    const MOST: usize = far::SMALL.next_multiple_of(LANES);
    const LANES: usize = 8;
    let n = from.len();
    run.clear();
    run.extend_from_slice(from);
    if n > MOST || last - first >= 1 << 47 {
        run.sort_by_key(|entry| (entry.time, entry.rank));
        return;
    }
    let mut keys = [u64::MAX >> 1; MOST];
    for (index, (key, entry)) in keys.iter_mut().zip(from).enumerate() {
        *key = (entry.time - first) << 16 | u64::from(entry.rank) << 8 | index as u64;
    }
    let (lanes, _) = keys[..n.next_multiple_of(LANES)].as_chunks::<LANES>();
    for (&key, entry) in keys.iter().zip(from) {
        let mut place = 0u64;
        for lane in lanes {
            for &other in lane {
                place = place.wrapping_add(other.wrapping_sub(key) >> 63);
            }
        }
        run[place as usize] = *entry;
    }
}

impl<E: Copy> Default for EventQueue<E> {
    fn default() -> Self {
        Self::new()
    }
}
