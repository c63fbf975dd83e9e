//! A timing wheel: one ring of buckets of equal width, each sorted when its turn comes; the ring is rebuilt with another width when
//! its buckets hold too much or too little.

use walras_des::SimTime;

use super::{Entry, Queue};

/// Events that a bucket should hold when its turn comes.
const AIM: usize = 8;
const FEWEST_BUCKETS: usize = 16;

/// Buckets of one width for one turn; everything later waits in a list of its own.
pub struct TimingWheel<E> {
    /// The bucket being emptied, the last event first.
    run: Vec<Entry<E>>,
    buckets: Vec<Vec<Entry<E>>>,
    /// When bucket 0 begins [ns].
    start: u64,
    /// Width of a bucket: 2^shift ns.
    shift: u32,
    /// The first bucket that is not in `run` yet.
    next: usize,
    later: Vec<Entry<E>>,
    pushed: u64,
}

impl<E: Copy> TimingWheel<E> {
    /// The bucket of `time`, beyond the end if it belongs to a later turn.
    #[inline]
    fn bucket(&self, time: u64) -> usize {
        usize::try_from(time.saturating_sub(self.start) >> self.shift).unwrap_or(usize::MAX)
    }

    #[inline]
    fn place(&mut self, entry: Entry<E>) {
        let bucket = self.bucket(entry.time);
        if bucket < self.next {
            let key = entry.key();
            let place = self.run.partition_point(|other| other.key() > key);
            self.run.insert(place, entry);
        } else if let Some(bucket) = self.buckets.get_mut(bucket) {
            bucket.push(entry);
        } else {
            self.later.push(entry);
        }
    }

    /// A new turn, with a width from the median distance of what waits.
    fn turn(&mut self) {
        let waiting = std::mem::take(&mut self.later);
        let mut sample: Vec<u64> = waiting
            .iter()
            .step_by(waiting.len().div_ceil(64))
            .map(|entry| entry.time)
            .collect();
        sample.sort_unstable();
        self.start = waiting.iter().map(|entry| entry.time).min().unwrap_or(0);
        let half = sample[sample.len() / 2].saturating_sub(self.start).max(1);
        let count = (4 * waiting.len() / AIM)
            .next_power_of_two()
            .max(FEWEST_BUCKETS);
        let width = (half.saturating_mul(4) / count as u64).max(1);
        self.shift = width.ilog2();
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
                    std::mem::swap(&mut self.run, bucket);
                    self.run
                        .sort_unstable_by_key(|entry| std::cmp::Reverse(entry.key()));
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

impl<E: Copy> Queue<E> for TimingWheel<E> {
    fn empty() -> Self {
        Self {
            run: Vec::new(),
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
        if self.run.is_empty() && !self.refill() {
            return None;
        }
        self.run.pop().map(Entry::opened)
    }
}
