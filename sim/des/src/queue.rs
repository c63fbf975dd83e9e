//! The future event list, in the total order (time, rank, insertion).
//!
//! ```text
//!  now          horizon
//!   |  run, late   |  far
//!   |  ▪▪▪▪▪▪▪▪    |  ███ ███ ███ ███ ▒▒▒▒▒▒▒▒▒▒▒▒▒
//!      sorted         unsorted buckets of time
//! ```
//!
//! Events beyond the horizon are appended to buckets ([`far`]); when the sorted *run* is used up, the
//! next bucket of about eight events is sorted and becomes the run. What is pushed before the horizon
//! goes to a small heap beside the run ([`heap`]). If that heap grows too large, because the rate of
//! events has risen, the near end is divided as well; if it cannot be, because all is due at the same
//! instant, the heap remains a heap until that instant has passed. A queue of a few events is that heap alone.
//!
//! A push and a pop cost O(1) amortized, whatever the distribution of the times, and O(log n) if most
//! of n events are pushed at the instant at which they are due. An entry of the world's 12-byte event
//! takes 24 bytes; with partly filled chunks and the growth of a vector it is less than 60 bytes per
//! event at 10⁵ pending (a test holds it). Once the queue has had its largest size, it allocates
//! nothing more, but for the sort of a bucket of many events at one instant.
//!
//! Hold model through the engine, draws and digest included (two-core cloud machine, x86-64, shared,
//! 2026-11-22): 43 million events per second at 10³ pending, 23 at 10⁵, 10 at 10⁶; the standard
//! heap alone, in turn with it: 22, 3.2 and 0.5.
//!
//! Chosen by a race, with its figures in `benches/README.md`.

mod far;
mod heap;

use crate::time::SimTime;
use far::Far;
use heap::Heap;

/// The heap of late-comers is spread over buckets when it holds more than this.
const MOST_LATE: usize = 32;

/// A priority queue of events, the earliest first; ties by rank (low first), then by insertion.
#[derive(Clone, Debug)]
pub struct EventQueue<E> {
    /// The next events, sorted; those before `at` are gone.
    run: Vec<Entry<E>>,
    at: usize,
    /// Events that were pushed before the horizon.
    late: Heap<E>,
    /// The size at which `late` is spread over buckets.
    most_late: usize,
    /// Events up to this instant are in `run` or `late`, those after it in `far` [ns].
    horizon: u64,
    far: Far<E>,
    /// A bucket on its way to the run.
    scratch: Vec<Entry<E>>,
    len: usize,
    peak: usize,
}

/// An event with its place in the order, but for the insertion: entries are never exchanged without need.
#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    time: u64,
    event: E,
    rank: u8,
}

impl<E> Entry<E> {
    #[inline]
    fn order(&self) -> (u64, u8) {
        (self.time, self.rank)
    }

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
    #[inline]
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
            let late = self.late.first();
            if let Some(next) = self.run.get(self.at)
                && late.is_none_or(|late| next.order() <= late)
            {
                // Of equals, the one in the run is older: what is late was pushed after the run was made.
                if next.time > limit {
                    return None;
                }
                self.at += 1;
                break *next;
            }
            if let Some((time, _)) = late {
                if time > limit {
                    return None;
                }
                break self.late.pop()?;
            }
            if !self.refill() {
                return None;
            }
        };
        self.len -= 1;
        Some((SimTime::from_nanos(entry.time), entry.rank, entry.event))
    }

    /// The time of the first event.
    #[must_use]
    pub fn peek_time(&mut self) -> Option<SimTime> {
        if self.at == self.run.len() && self.late.first().is_none() && !self.refill() {
            return None;
        }
        let run = self.run.get(self.at).map(|entry| entry.time);
        let late = self.late.first().map(|(time, _)| time);
        run.into_iter().chain(late).min().map(SimTime::from_nanos)
    }

    /// All pending events, with their times and ranks: those of the same time and rank in the order of
    /// insertion, the others in no meaningful order. A stable sort gives the order in which they will pop.
    pub fn iter(&self) -> impl Iterator<Item = (SimTime, u8, &E)> {
        // Of equals, the one in the run is older than the late one, and what is far has none before the horizon.
        let near = self.run[self.at..].iter().chain(self.far.iter());
        let near = near.map(|entry| (entry.time, entry.rank, &entry.event));
        near.chain(self.late.iter())
            .map(|(time, rank, event)| (SimTime::from_nanos(time), rank, event))
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

    /// Memory taken.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        let entries = self.run.capacity() + self.scratch.capacity();
        entries * size_of::<Entry<E>>() + self.far.bytes() + self.late.bytes()
    }

    /// Divides what is left before the horizon, for too much came late.
    #[cold]
    #[inline(never)]
    fn spread(&mut self) {
        let mut near = std::mem::take(&mut self.scratch);
        near.clear();
        near.extend_from_slice(&self.run[self.at..]);
        near.extend(self.late.drain_sorted());
        // Stable: of equals, those of the run come first.
        near.sort_by_key(Entry::order);
        self.run.clear();
        self.at = 0;
        let first = near[0].time;
        if near[near.len() - 1].time == first {
            near.drain(..).for_each(|entry| self.late.push(entry));
            self.most_late = 2 * self.late.len();
            self.scratch = near;
            // What comes after this instant need not join them in the heap.
            if first < self.horizon {
                self.far.open_rest(first + 1, self.horizon);
                self.horizon = first;
            }
        } else {
            self.far.spread(&near, self.horizon);
            self.scratch = near;
            self.refill_from(first);
        }
    }

    /// Makes the next bucket the run; false if nothing is pending.
    #[inline]
    fn refill(&mut self) -> bool {
        self.refill_from(self.horizon.saturating_add(1))
    }

    /// The same for buckets that may begin at `from`.
    #[inline(never)]
    fn refill_from(&mut self, from: u64) -> bool {
        self.run.clear();
        self.at = 0;
        self.scratch.clear();
        let Some((first, last)) = self.far.take(from, &mut self.scratch) else {
            self.horizon = u64::MAX;
            return false;
        };
        self.horizon = last;
        self.most_late = MOST_LATE;
        sort_into(&mut self.run, &self.scratch, first, last);
        true
    }
}

/// Fills `run` with the entries of a bucket, due between `first` and `last`, in order of time and
/// rank, then as they come.
///
/// A small bucket is sorted without a branch that depends on the times, which a predictor would lose
/// every other time: the place of each entry is the number of smaller keys. Key: offset ‖ rank ‖ index
/// = 47 ‖ 8 ‖ 8 bits; the sign of a difference of two is their order.
#[inline]
fn sort_into<E: Copy>(run: &mut Vec<Entry<E>>, bucket: &[Entry<E>], first: u64, last: u64) {
    const LANES: usize = 8;
    const MOST: usize = far::SMALL.next_multiple_of(LANES);
    const { assert!(MOST <= 1 << 8) };
    run.extend_from_slice(bucket);
    if bucket.len() > MOST || last - first >= 1 << 47 {
        run.sort_by_key(Entry::order);
        return;
    }
    let mut keys = [u64::MAX >> 1; MOST];
    for (index, (key, entry)) in keys.iter_mut().zip(bucket).enumerate() {
        *key = (entry.time - first) << 16 | u64::from(entry.rank) << 8 | index as u64;
    }
    let (lanes, _) = keys[..bucket.len().next_multiple_of(LANES)].as_chunks::<LANES>();
    for (&key, entry) in keys.iter().zip(bucket) {
        let mut smaller = 0u64;
        for &other in lanes.as_flattened() {
            smaller = smaller.wrapping_add(other.wrapping_sub(key) >> 63);
        }
        run[smaller as usize] = *entry;
    }
}

impl<E: Copy> Default for EventQueue<E> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_then_rank_then_insertion() {
        let mut queue = EventQueue::with_capacity(4);
        let at = SimTime::from_secs;
        queue.push(at(2), 0, 'd');
        queue.push(at(1), 1, 'b');
        queue.push(at(1), 1, 'c');
        queue.push(at(1), 0, 'a');
        assert_eq!(queue.peek_time(), Some(at(1)));
        assert_eq!(queue.pop(), Some((at(1), 0, 'a')));
        assert_eq!(queue.pop(), Some((at(1), 1, 'b')));
        assert_eq!(queue.pop(), Some((at(1), 1, 'c')));
        assert_eq!(queue.pop_until(SimTime::ZERO), None);
        assert_eq!(queue.pop(), Some((at(2), 0, 'd')));
        assert_eq!(queue.pop(), None);
        assert!(queue.is_empty());
        assert_eq!(queue.peak_len(), 4);
    }

    /// A burst at one instant, as when all nodes of a world come up, does not make a heap of what comes after.
    #[test]
    fn what_comes_after_a_burst_is_far() {
        let mut queue = EventQueue::new();
        for event in 0..1_000u32 {
            queue.push(SimTime::ZERO, 0, event);
        }
        let late = queue.late.len();
        for event in 1_000..2_000 {
            queue.push(SimTime::from_secs(u64::from(event)), 0, event);
        }
        assert_eq!(queue.late.len(), late);
        for event in 0..2_000 {
            assert_eq!(queue.pop().map(|(.., popped)| popped), Some(event));
        }
        assert!(queue.is_empty());
    }

    #[test]
    fn an_entry_takes_three_words() {
        assert_eq!(size_of::<Entry<u64>>(), 24);
        assert_eq!(size_of::<Entry<[u32; 3]>>(), 24);
    }

    /// After 20 rounds of the hold model, the memory is that of the first round: nothing leaks from bucket to bucket.
    #[test]
    #[cfg_attr(miri, ignore = "millions of events")]
    fn memory_is_that_of_the_pending_events() {
        let mut queue = EventQueue::new();
        let mut word = 1u64;
        let mut delay = || {
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            SimTime::from_nanos(word >> 34) // below 1.1 s
        };
        let start = SimTime::ZERO;
        for _ in 0..100_000 {
            queue.push(delay(), 0, [0u32; 3]);
        }
        for _ in 0..2_000_000 {
            let (now, rank, event) = queue.pop().expect("the queue never empties");
            queue.push(now + (delay() - start), rank, event);
        }
        let bytes = queue.bytes();
        assert!(bytes < 60 * 100_000, "{bytes} bytes");
    }
}
