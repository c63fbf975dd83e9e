//! The future event list, in the total order (time, rank, insertion).
//!
//! ```text
//!  now     soon            horizon
//!   | front  |     wheel       |  far
//!   | ▪▪▪▪▪▪ | · ▪ ·▪· · ▪·  · |  ███ ███ ███ ███ ▒▒▒▒▒▒▒▒▒▒▒▒▒
//!    sorted    narrow slots       buckets of time
//! ```
//!
//! Events beyond the horizon are appended to buckets ([`far`]). When all that is near has gone, the
//! next bucket of about fifty events goes to a wheel of 2,048 slots ([`wheel`]), so narrow that most
//! have one event or none; whole slots of it, about eight events at a time, become the sorted *front*
//! ([`front`]), from which events are popped. What is pushed goes to the part that its time belongs
//! to; only the front compares. That is why it is there: a processor guesses the outcome of a comparison
//! and goes on with what is next, but it cannot guess an address that follows from a draw.
//!
//! A queue of up to 255 events has no buckets but one: the slots are as wide as events have come of
//! late, and what lies beyond the wheel waits. If the wheel is full or the front too long, because the
//! rate has risen, what is near is divided again. If it cannot be, because it is due at the same
//! instant, it is a *crowd* ([`crowd`]), a line for each rank.
//!
//! A push and a pop cost O(1) amortized, whatever the distribution of the times. An entry of the
//! world's 12-byte event takes 24 bytes; with partly filled chunks and the growth of a vector it is
//! less than 60 bytes per event at 10⁵ pending (a test holds it). Once the queue has had its largest
//! size, it allocates nothing more.
//!
//! Chosen by a race; its figures, and what a hold costs, are in `benches/README.md`.

#![expect(
    clippy::inline_always,
    reason = "an event that is passed in memory is written in pieces and read as a whole, which takes longer than all the rest"
)]

mod crowd;
mod far;
mod front;
mod wheel;

use crate::time::SimTime;
use crowd::Crowd;
use far::{Far, Taken};
use front::Front;
use wheel::Wheel;

/// How many slots there are to be for an event that happens, where the wheel has no bucket's bounds.
const SLOTS_PER_EVENT: u64 = 2;
/// The front is filled with at least so many events, if there are so many in the wheel.
const FRONT: usize = 8;
/// More events than this at one instant, and none before them, are a crowd.
const CROWD: usize = 32;

/// A priority queue of events, the earliest first; ties by rank (low first), then by insertion.
#[derive(Clone, Debug)]
pub struct EventQueue<E> {
    /// What is due before `soon`.
    front: Front<E>,
    /// What is due from `soon` to `horizon`.
    wheel: Wheel<E>,
    /// What is due at the instant `horizon`, when that is a lot.
    crowd: Crowd<E>,
    far: Far<E>,
    /// [ns]
    soon: u64,
    horizon: u64,
    /// When the wheel was last opened without a bound, and how many events had been popped by then.
    opened: u64,
    popped_before: u64,
    popped: u64,
    pushed: u64,
    peak: usize,
    /// Entries on their way.
    scratch: Vec<Entry<E>>,
}

/// An event with its place in the order, but for the insertion: entries are never exchanged without need.
#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    time: u64,
    event: E,
    /// As wide as fits: copying bytes one by one takes its time.
    rank: u32,
}

impl<E> Entry<E> {
    #[inline]
    fn order(&self) -> (u64, u32) {
        (self.time, self.rank)
    }

    #[inline]
    fn new(time: SimTime, rank: u8, event: E) -> Self {
        Self {
            time: time.as_nanos(),
            event,
            rank: u32::from(rank),
        }
    }

    #[inline]
    fn parts(&self) -> (SimTime, u8, &E) {
        (SimTime::from_nanos(self.time), self.rank as u8, &self.event)
    }
}

impl<E: Copy> EventQueue<E> {
    /// An empty queue that has not allocated yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            front: Front::new(),
            wheel: Wheel::new(),
            crowd: Crowd::new(),
            far: Far::new(),
            soon: 0,
            horizon: 0,
            opened: 0,
            popped_before: 0,
            popped: 0,
            pushed: 0,
            peak: 0,
            scratch: Vec::new(),
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
        self.pushed += 1;
        self.peak = self.peak.max(self.len());
        let entry = Entry::new(time, rank, event);
        if entry.time < self.soon {
            if !self.front.insert(entry) {
                self.crowded(&{ entry });
            }
        } else if entry.time < self.horizon {
            if !self.wheel.insert(entry) {
                self.crowded(&{ entry });
            }
        } else if entry.time == self.crowd.instant() {
            self.crowd.push(rank, event);
        } else {
            self.far.push(entry);
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
        if self.front.is_empty() && !self.advance(Some(limit)) {
            return None;
        }
        let entry = self.front.first();
        if entry.time > limit {
            return None;
        }
        let (time, rank, &event) = entry.parts();
        self.front.advance();
        self.popped += 1;
        Some((time, rank, event))
    }

    /// Puts some of what is near in order, so that at least so many events are if so many are near: for [`coming`](Self::coming).
    #[inline]
    pub fn look_ahead(&mut self, least: usize) {
        if self.front.len() < least && !self.wheel.is_empty() {
            self.fill(least + FRONT);
        }
    }

    /// The event that as things are is behind so many others, if it has been put in order.
    #[must_use]
    #[inline]
    pub fn coming(&self, place: usize) -> Option<&E> {
        let entry = self.front.as_slice().get(place);
        entry.map(|entry| &entry.event)
    }

    /// The time of the first event.
    #[must_use]
    pub fn peek_time(&mut self) -> Option<SimTime> {
        if self.front.is_empty() && !self.advance(None) {
            return (!self.crowd.is_empty()).then(|| SimTime::from_nanos(self.crowd.instant()));
        }
        Some(SimTime::from_nanos(self.front.first().time))
    }

    /// All pending events, with their times and ranks: those of the same time and rank in the order of
    /// insertion, the others in no meaningful order. A stable sort gives the order in which they will pop.
    pub fn iter(&self) -> impl Iterator<Item = (SimTime, u8, &E)> {
        let instant = SimTime::from_nanos(self.crowd.instant());
        let crowd = self.crowd.iter();
        let crowd = crowd.map(move |(rank, event)| (instant, rank, event));
        let others = self.front.as_slice().iter().chain(self.wheel.iter());
        let others = others.chain(self.far.iter());
        crowd.chain(others.map(Entry::parts))
    }

    /// The number of pending events.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        (self.pushed - self.popped) as usize
    }

    /// Whether no event is pending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The largest [`len`](Self::len) there ever was.
    #[must_use]
    pub fn peak_len(&self) -> usize {
        self.peak
    }

    /// Memory taken.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.scratch.capacity() * size_of::<Entry<E>>()
            + self.front.bytes()
            + self.wheel.bytes()
            + self.crowd.bytes()
            + self.far.bytes()
    }

    /// Puts what comes next to the front; false if nothing is pending, or a crowd that is not due by `limit`.
    #[inline(never)]
    fn advance(&mut self, limit: Option<u64>) -> bool {
        self.front.clear();
        while self.wheel.is_empty() {
            if !self.crowd.is_empty() {
                // One by one, when it is popped: others may still come before the next.
                let time = SimTime::from_nanos(self.crowd.instant());
                let limit = limit.filter(|&limit| time.as_nanos() <= limit);
                let Some((rank, event)) = limit.and_then(|_| self.crowd.pop()) else {
                    return false;
                };
                self.front.append(&Entry::new(time, rank, event));
                return true;
            }
            if !self.refill(self.horizon) {
                return false;
            }
        }
        self.fill(FRONT);
        true
    }

    /// Moves events from the wheel to the front until it has `least`, or all.
    #[inline(never)]
    fn fill(&mut self, least: usize) {
        let end = self.wheel.take(least, &mut self.front);
        let is_last = self.wheel.is_empty();
        self.soon = if is_last { self.horizon } else { end };
    }

    /// Moves all that is near to `sorted`, in order.
    fn drain(&mut self) {
        self.soon = 0;
        self.wheel.take(usize::MAX, &mut self.front);
        self.scratch.extend(self.front.as_slice());
        self.front.clear();
    }

    /// Fills the wheel with the next bucket, which may begin at `from`, or gathers a crowd; false if nothing is pending.
    #[inline(never)]
    fn refill(&mut self, from: u64) -> bool {
        let Some(taken) = self.far.take(from) else {
            return false;
        };
        self.crowd.close();
        let times = || self.far.entries(&taken).map(|entry| entry.time);
        let last = taken.last;
        let first = taken.first.filter(|_| last < u64::MAX);
        let first = first.unwrap_or_else(|| times().fold(last, u64::min));
        let many = taken.len() > CROWD || first == u64::MAX;
        if many && times().is_sorted_by(|a, b| a == b) {
            let instant = times().fold(last, u64::min);
            self.gather(instant, from, last);
            let crowd = &mut self.crowd;
            self.far
                .unload(taken, |entry| crowd.push(entry.rank as u8, entry.event));
        } else if last < u64::MAX {
            self.open(first, last);
            let wheel = &mut self.wheel;
            self.far.unload(taken, |entry| {
                assert!(wheel.insert(*entry), "a bucket fits into the wheel");
            });
        } else {
            let shift = self.width(first, &taken).ilog2();
            (self.opened, self.popped_before) = (first, self.popped);
            self.horizon = self.wheel.open(first, shift);
            let scratch = &mut self.scratch;
            scratch.clear();
            self.far.unload(taken, |entry| scratch.push(*entry));
            for entry in &self.scratch {
                if entry.time < self.horizon {
                    assert!(self.wheel.insert(*entry), "a bucket fits into the wheel");
                } else {
                    self.far.push(*entry);
                }
            }
        }
        true
    }

    /// Opens the wheel for what is due at `first` to `last`, which is not the end of time.
    fn open(&mut self, first: u64, last: u64) {
        let width = (last - first) / wheel::SLOTS as u64;
        let shift = width.checked_ilog2().map_or(0, |log| log + 1);
        self.wheel.open(first, shift);
        self.horizon = last + 1;
    }

    /// The width of slots for a bucket without a bound: after the rate of events since the last such width.
    #[inline(never)]
    fn width(&self, first: u64, taken: &Taken) -> u64 {
        let gone = self.popped - self.popped_before;
        let elapsed = first.saturating_sub(self.opened);
        let gap = elapsed.checked_div(gone).unwrap_or_else(|| {
            let entries = self.far.entries(taken);
            let mut times: Vec<_> = entries.map(|entry| entry.time).collect();
            let half = times.len() / 2;
            let (_, &mut median, _) = times.select_nth_unstable(half);
            (median - first) / (half as u64).max(1)
        });
        let width = gap / SLOTS_PER_EVENT;
        // What was filled in for few events was too narrow.
        let least = if gone < taken.len() as u64 / 2 {
            2 << self.wheel.shift()
        } else {
            1
        };
        width.max(least).min(1 << wheel::MOST_SHIFT)
    }

    /// Adds an entry to what is near, where there is no room for it.
    #[cold]
    #[inline(never)]
    fn crowded(&mut self, entry: &Entry<E>) {
        self.scratch.clear();
        self.drain();
        self.scratch.push(*entry);
        self.spread();
    }

    /// Divides what was near.
    fn spread(&mut self) {
        if !self.crowd.is_empty() {
            let instant = self.crowd.instant();
            self.far.open_rest(instant, instant);
            let time = SimTime::from_nanos(instant);
            while let Some((rank, event)) = self.crowd.pop() {
                self.far.push(Entry::new(time, rank, event));
            }
        }
        let mut sorted = std::mem::take(&mut self.scratch);
        // Stable: of equals, those of the wheel come first.
        sorted.sort_by_key(Entry::order);
        let (first, last) = (sorted[0].time, self.horizon - 1);
        let middle = sorted[sorted.len() / 2].time;
        let from = sorted.partition_point(|entry| entry.time < middle);
        let to = sorted.partition_point(|entry| entry.time <= middle);
        if to - from <= CROWD {
            self.far.spread(&sorted, last);
            self.refill(first);
        } else if from > 0 {
            // An instant of many bounds what is near: no slots would be narrow enough.
            self.far.open_rest(middle, last);
            for entry in &sorted[from..] {
                self.far.push(*entry);
            }
            self.far.spread(&sorted[..from], middle - 1);
            self.refill(first);
        } else {
            self.gather(middle, self.wheel.base(), last);
            for entry in &sorted[..to] {
                self.crowd.push(entry.rank as u8, entry.event);
            }
            for entry in &sorted[to..] {
                self.far.push(*entry);
            }
        }
        self.scratch = sorted;
    }

    /// Makes room for a crowd at `instant`. The wheel is left what is due before, `first` at the earliest, and
    /// `last` is the last instant that was to be near.
    fn gather(&mut self, instant: u64, first: u64, last: u64) {
        self.crowd.open(instant);
        if instant < last && last < u64::MAX {
            self.far.open_rest(instant + 1, last);
        }
        let last = instant.saturating_sub(1);
        self.open(first.min(last), last);
        (self.soon, self.horizon) = (0, instant);
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
    use crate::time::Span;

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

    /// A burst at one instant, as when all nodes of a world come up, leaves what comes after alone.
    #[test]
    fn what_comes_after_a_burst_is_far() {
        let mut queue = EventQueue::new();
        for event in 0..1_000u32 {
            queue.push(SimTime::ZERO, 0, event);
        }
        let crowd = queue.crowd.iter().count();
        for event in 1_000..2_000 {
            queue.push(SimTime::from_secs(u64::from(event)), 0, event);
        }
        assert_eq!(queue.crowd.iter().count(), crowd);
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

    /// The same of a few, which come back in the order in which they go.
    #[test]
    #[cfg_attr(miri, ignore = "millions of events")]
    fn a_queue_of_a_few_stays_small() {
        for pending in [2, 30, 200] {
            let mut queue = EventQueue::new();
            for index in 0..pending {
                queue.push(SimTime::from_nanos(index), 0, [0u32; 3]);
            }
            // The first rate is of the distant past, so that the wheel reaches far.
            let mut increment = Span::DAY;
            for _ in 0..1_000_000 {
                let (now, rank, event) = queue.pop().expect("the queue never empties");
                queue.push(now + increment, rank, event);
                if now > SimTime::ZERO + Span::DAY {
                    increment = Span::from_nanos(pending);
                }
            }
            let bytes = queue.bytes();
            assert!(bytes < 60_000, "{bytes} bytes for {pending}");
        }
    }
}
