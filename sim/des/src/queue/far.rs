//! Events that are not due soon, in unsorted buckets of time that are divided when their turn comes.

use super::Entry;

/// Entries per chunk. The chunks of all buckets lie in one arena.
const CHUNK: usize = 8;
/// A bucket of at most this many events is not divided any more.
pub(super) const SMALL: usize = 24;
/// How many events a bucket is to have after a division.
const AIM: usize = 8;
/// How far a division of what has no end reaches, in medians.
const REACH: usize = 4;
/// The most buckets of one division: the tails of all of them stay in the second-level cache.
const MOST_BUCKETS: usize = 1024;
const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(super) struct Far<E> {
    /// From the coarsest, which reaches to the end of time, to the finest; each lies within the
    /// bucket of its predecessor that was opened last.
    rungs: Vec<Rung>,
    /// The buckets of all rungs, one rung after the other.
    buckets: Vec<Bucket>,
    arena: Vec<Entry<E>>,
    /// The chunk after each chunk, in its bucket or in the list of the free.
    next: Vec<u32>,
    free: u32,
}

/// A stretch of time, cut into buckets of 2^`shift` nanoseconds. The first bucket also has what
/// comes before it, the last one what comes after.
#[derive(Clone, Copy, Debug)]
struct Rung {
    start: u64,
    /// The last instant that belongs to this rung.
    end: u64,
    shift: u32,
    /// Where its buckets begin, and how many there are.
    base: usize,
    count: usize,
    /// The first bucket that has not been opened yet.
    next: usize,
}

/// A list of chunks, all full but the last one.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    head: u32,
    /// Where the next entry goes; a multiple of [`CHUNK`] means that there is no room.
    tail: u32,
    len: u32,
}

const EMPTY: Bucket = Bucket {
    head: NONE,
    tail: 0,
    len: 0,
};

impl Rung {
    #[inline]
    fn bucket(&self, time: u64) -> usize {
        let offset = time.saturating_sub(self.start) >> self.shift;
        self.base + (offset as usize).min(self.count - 1)
    }

    fn bucket_start(&self, index: usize) -> u64 {
        match index {
            0 => 0,
            _ => self.start + ((index as u64) << self.shift),
        }
    }

    /// The last instant of bucket `index`.
    fn bucket_end(&self, index: usize) -> u64 {
        if index + 1 == self.count {
            return self.end;
        }
        // The next bucket starts at an instant that exists, for it covers some of them.
        self.start + ((index as u64 + 1) << self.shift) - 1
    }
}

impl<E: Copy> Far<E> {
    pub(super) const fn new() -> Self {
        Self {
            rungs: Vec::new(),
            buckets: Vec::new(),
            arena: Vec::new(),
            next: Vec::new(),
            free: NONE,
        }
    }

    pub(super) fn reserve(&mut self, entries: usize) {
        self.arena.reserve(entries);
        self.next.reserve(entries.div_ceil(CHUNK));
    }

    /// Adds an entry that comes after all that was taken.
    #[inline]
    pub(super) fn push(&mut self, entry: Entry<E>) {
        for index in (0..self.rungs.len()).rev() {
            let rung = &self.rungs[index];
            if entry.time <= rung.end {
                let bucket = rung.bucket(entry.time);
                self.append(bucket, entry);
                return;
            }
        }
        unreachable!("the first rung reaches to the end of time");
    }

    /// Moves the earliest bucket of entries to `run`, unsorted but in the order of insertion, and
    /// returns the last instant that it covers.
    pub(super) fn take(&mut self, from: u64, run: &mut Vec<Entry<E>>) -> Option<(u64, u64)> {
        loop {
            let rung = self.rungs.last_mut()?;
            let rest = &self.buckets[rung.base + rung.next..rung.base + rung.count];
            let Some(skipped) = rest.iter().position(|bucket| bucket.len > 0) else {
                self.leave();
                continue;
            };
            let index = rung.next + skipped;
            rung.next = index + 1;
            let from = from.max(rung.bucket_start(index));
            let end = rung.bucket_end(index);
            let place = rung.base + index;
            let bucket = std::mem::replace(&mut self.buckets[place], EMPTY);
            if rung.next == rung.count {
                self.leave();
            }
            if bucket.len as usize <= SMALL || self.is_instant(&bucket) {
                self.unload(&bucket, run);
                return Some((from, end));
            }
            self.divide(&bucket, from, end);
        }
    }

    /// Distributes sorted entries over buckets of their own, up to `end`.
    pub(super) fn spread(&mut self, entries: &[Entry<E>], end: u64) {
        let (first, middle) = (entries[0].time, entries[entries.len() / 2].time);
        self.enter(entries.len(), first, middle.max(first + 1), end);
        let rung = self.rungs[self.rungs.len() - 1];
        for entry in entries {
            self.append(rung.bucket(entry.time), *entry);
        }
    }

    fn leave(&mut self) {
        if let Some(rung) = self.rungs.pop() {
            self.buckets.truncate(rung.base);
        }
    }

    /// Whether all entries are due at the same instant.
    fn is_instant(&self, bucket: &Bucket) -> bool {
        let first = self.arena[bucket.head as usize * CHUNK].time;
        let mut chunk = bucket.head as usize;
        let mut left = bucket.len as usize;
        loop {
            let taken = left.min(CHUNK);
            let entries = &self.arena[chunk * CHUNK..][..taken];
            if entries.iter().any(|entry| entry.time != first) {
                return false;
            }
            left -= taken;
            if left == 0 {
                return true;
            }
            chunk = self.next[chunk] as usize;
        }
    }

    /// Moves the entries of `bucket`, which end at `end`, to a new rung.
    fn divide(&mut self, bucket: &Bucket, from: u64, end: u64) {
        let len = bucket.len as usize;
        if end == u64::MAX {
            let (first, middle) = self.survey(bucket);
            self.enter(len, first, middle, end);
        } else {
            self.enter_whole(len, from, end);
        }
        let rung = self.rungs[self.rungs.len() - 1];
        let mut chunk = bucket.head;
        let mut left = len;
        while left > 0 {
            let taken = left.min(CHUNK);
            for place in chunk as usize * CHUNK..chunk as usize * CHUNK + taken {
                let entry = self.arena[place];
                self.append(rung.bucket(entry.time), entry);
            }
            left -= taken;
            let next = self.next[chunk as usize];
            self.next[chunk as usize] = self.free;
            self.free = chunk;
            chunk = next;
        }
    }

    /// The first instant and about the median.
    fn survey(&self, bucket: &Bucket) -> (u64, u64) {
        const SAMPLES: usize = 64;
        let mut sample = [0; SAMPLES];
        let stride = (bucket.len as usize).div_ceil(SAMPLES);
        let mut taken = 0;
        let mut first = u64::MAX;
        let mut chunk = bucket.head as usize;
        let mut index = 0;
        let mut wanted = 0;
        while index < bucket.len as usize {
            let entries = &self.arena[chunk * CHUNK..][..CHUNK.min(bucket.len as usize - index)];
            for entry in entries {
                first = first.min(entry.time);
                if index == wanted {
                    sample[taken] = entry.time;
                    taken += 1;
                    wanted += stride;
                }
                index += 1;
            }
            chunk = self.next[chunk] as usize;
        }
        sample[..taken].sort_unstable();
        (first, sample[taken / 2])
    }

    fn enter(&mut self, len: usize, first: u64, middle: u64, end: u64) {
        let reach = (middle - first).max(1).saturating_mul(REACH as u64);
        let count = (len * REACH / 2 / AIM).next_power_of_two().min(MOST_BUCKETS);
        let width = (reach / count as u64).max(1);
        let shift = width.checked_next_power_of_two().map_or(63, u64::trailing_zeros);
        // Not more buckets than there are instants, the last one for what comes later.
        let most = ((end - first) >> shift).saturating_add(1);
        self.open(first, end, shift, (count as u64).min(most) as usize);
    }

    fn enter_whole(&mut self, len: usize, first: u64, end: u64) {
        let count = (len / AIM).next_power_of_two().min(MOST_BUCKETS);
        let width = ((end - first) / count as u64 + 1).next_power_of_two();
        let shift = width.trailing_zeros();
        self.open(first, end, shift, ((end - first) >> shift) as usize + 1);
    }

    fn open(&mut self, start: u64, end: u64, shift: u32, count: usize) {
        let base = self.buckets.len();
        self.buckets.resize(base + count, EMPTY);
        self.rungs.push(Rung { start, end, shift, base, count, next: 0 });
    }

    #[inline]
    fn append(&mut self, index: usize, entry: Entry<E>) {
        let bucket = &mut self.buckets[index];
        let mut place = bucket.tail;
        if (place as usize).is_multiple_of(CHUNK) {
            place = self.extend(index, entry);
        }
        let bucket = &mut self.buckets[index];
        bucket.tail = place + 1;
        bucket.len += 1;
        self.arena[place as usize] = entry;
    }

    /// Adds a chunk to a bucket, and returns its first place; `any` entry fills memory that is new.
    #[inline(never)]
    fn extend(&mut self, index: usize, any: Entry<E>) -> u32 {
        let chunk = if self.free == NONE {
            let chunk = self.next.len() as u32;
            self.next.push(NONE);
            self.arena.resize(self.arena.len() + CHUNK, any);
            chunk
        } else {
            let chunk = self.free;
            self.free = self.next[chunk as usize];
            chunk
        };
        let bucket = &mut self.buckets[index];
        if bucket.len == 0 {
            bucket.head = chunk;
        } else {
            self.next[bucket.tail as usize / CHUNK - 1] = chunk;
        }
        chunk * CHUNK as u32
    }

    fn unload(&mut self, bucket: &Bucket, run: &mut Vec<Entry<E>>) {
        let mut chunk = bucket.head;
        let mut left = bucket.len as usize;
        loop {
            let taken = left.min(CHUNK);
            run.extend_from_slice(&self.arena[chunk as usize * CHUNK..][..taken]);
            left -= taken;
            let next = self.next[chunk as usize];
            if left == 0 {
                self.next[chunk as usize] = self.free;
                self.free = bucket.head;
                return;
            }
            chunk = next;
        }
    }
}
