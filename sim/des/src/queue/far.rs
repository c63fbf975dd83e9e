//! The far end of the event queue: unsorted buckets of time, which are divided when their turn comes.
//!
//! ```text
//! rung 0   |███|███|███|███|███|▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒  the last bucket has no end
//!          gone ▲
//! rung 1        |██|██|██|██|   the bucket of rung 0 that was opened last
//!          gone     ▲           the next bucket to take: few enough for the wheel
//! ```
//!
//! A push goes to the finest rung that reaches its time: one subtraction, one shift, one append. A
//! bucket of more than [`SMALL`] events becomes a rung of its own, with at most [`MOST_BUCKETS`]
//! buckets, so that what a division writes to stays in the cache however many events there are: a
//! million take two divisions. The bucket without an end is divided by a sample of the times in it,
//! so that outliers do not make the buckets too wide; they stay in the last one.
//!
//! Appending and dividing keep the order of insertion, and all entries of one instant are always in
//! one bucket: no sequence number is stored, and 12 bytes of event make an entry of 24.

use super::Entry;

/// Entries per chunk. The chunks of all buckets lie in one arena, without an allocation per bucket.
const CHUNK: usize = 16;
/// A bucket of at most this many events is taken as it is.
pub(super) const SMALL: usize = super::wheel::MOST;
/// How many events a bucket is to have after a division.
const AIM: usize = 48;
/// The most buckets of one division: their ends stay in the second-level cache.
const MOST_BUCKETS: usize = 2048;
/// How far a division of what has no end reaches, in medians of the time until the events.
const REACH: usize = 6;
const NONE: u32 = u32::MAX;

// A division of a bucket that is too large makes at least four buckets, and so comes to an end.
const _: () = assert!(SMALL >= 4 * AIM);

/// All events after those that are near.
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

/// A bucket that was taken: at most [`SMALL`] entries, or all due at the same instant.
#[derive(Debug)]
pub(super) struct Taken {
    bucket: Bucket,
    /// When it begins, if that is known.
    pub(super) first: Option<u64>,
    /// When it ends.
    pub(super) last: u64,
}

impl Taken {
    pub(super) fn len(&self) -> usize {
        self.bucket.len as usize
    }
}

/// A stretch of time, cut into buckets of equal width. The first bucket also has what
/// comes before it, the last one what comes after.
#[derive(Clone, Copy, Debug)]
struct Rung {
    start: u64,
    /// The last instant that belongs to this rung.
    end: u64,
    /// A bucket covers 2^shift ns.
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
    /// The place of the bucket of `time`.
    #[inline]
    fn bucket(&self, time: u64) -> usize {
        let offset = time.saturating_sub(self.start) >> self.shift;
        self.base + (offset as usize).min(self.count - 1)
    }

    /// The first instant of bucket `index`; that of the first one is not known here.
    fn bucket_start(&self, index: usize) -> Option<u64> {
        (index > 0).then(|| self.start + ((index as u64) << self.shift))
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
    #[inline(always)]
    pub(super) fn push(&mut self, entry: Entry<E>) {
        for index in (0..self.rungs.len()).rev() {
            let rung = &self.rungs[index];
            if entry.time <= rung.end {
                let bucket = rung.bucket(entry.time);
                self.append(bucket, entry);
                return;
            }
        }
        self.push_first(&{ entry });
    }

    #[cold]
    #[inline(never)]
    fn push_first(&mut self, entry: &Entry<E>) {
        self.open_rest(0, u64::MAX);
        self.push(*entry);
    }

    /// Takes the earliest bucket, which may begin at `from`.
    pub(super) fn take(&mut self, from: u64) -> Option<Taken> {
        loop {
            let rung = self.rungs.last_mut()?;
            let rest = &self.buckets[rung.base + rung.next..rung.base + rung.count];
            let Some(skipped) = rest.iter().position(|bucket| bucket.len > 0) else {
                let is_coarsest = self.rungs.len() == 1;
                self.leave();
                if is_coarsest {
                    return None;
                }
                continue;
            };
            let index = rung.next + skipped;
            rung.next = index + 1;
            let start = rung.bucket_start(index).filter(|&start| start >= from);
            let end = rung.bucket_end(index);
            let place = rung.base + index;
            let bucket = std::mem::replace(&mut self.buckets[place], EMPTY);
            if rung.next == rung.count {
                self.leave();
            }
            if bucket.len as usize <= SMALL || self.is_instant(&bucket) {
                return Some(Taken {
                    bucket,
                    first: start,
                    last: end,
                });
            }
            self.divide(&bucket, start.unwrap_or(from), end);
        }
    }

    /// Puts sorted entries, not all due at the same instant, on a rung of their own that ends at `end`.
    pub(super) fn spread(&mut self, entries: &[Entry<E>], end: u64) {
        let (first, middle) = (entries[0].time, entries[entries.len() / 2].time);
        self.enter(entries.len(), first, middle.max(first + 1), end);
        let rung = self.rungs[self.rungs.len() - 1];
        for entry in entries {
            self.append(rung.bucket(entry.time), *entry);
        }
    }

    /// All entries, those of one instant in the order of insertion.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry<E>> {
        let filled = self.buckets.iter().filter(|bucket| bucket.len > 0);
        filled.flat_map(|bucket| self.of(bucket))
    }

    /// A rung of one bucket for what is due between `start` and `end`, which comes before all others.
    pub(super) fn open_rest(&mut self, start: u64, end: u64) {
        self.open(start, end, u64::BITS - 1, 1);
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.arena.capacity() * size_of::<Entry<E>>()
            + self.next.capacity() * size_of::<u32>()
            + self.buckets.capacity() * size_of::<Bucket>()
    }

    /// Drops the finest rung, whose buckets are empty.
    fn leave(&mut self) {
        if let Some(rung) = self.rungs.pop() {
            self.buckets.truncate(rung.base);
        }
        if self.rungs.is_empty() {
            self.open_rest(0, u64::MAX);
        }
    }

    /// Whether all entries are due at the same instant.
    fn is_instant(&self, bucket: &Bucket) -> bool {
        let first = self.arena[bucket.head as usize * CHUNK].time;
        self.of(bucket).all(|entry| entry.time == first)
    }

    /// Moves the entries of `bucket`, which covers `from` to `end`, to a new rung.
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

    /// The time of the first entry, and about the median: that of 64 entries.
    fn survey(&self, bucket: &Bucket) -> (u64, u64) {
        const SAMPLES: usize = 64;
        let mut sample = [0; SAMPLES];
        let stride = (bucket.len as usize).div_ceil(SAMPLES);
        let mut taken = 0;
        let mut first = u64::MAX;
        for (index, entry) in self.of(bucket).enumerate() {
            first = first.min(entry.time);
            if index.is_multiple_of(stride) {
                sample[taken] = entry.time;
                taken += 1;
            }
        }
        sample[..taken].sort_unstable();
        (first, sample[taken / 2])
    }

    /// A new rung for `len` entries from `first` on, of which half come before `middle`.
    fn enter(&mut self, len: usize, first: u64, middle: u64, end: u64) {
        let reach = (middle - first).max(1).saturating_mul(REACH as u64);
        let count = (len * REACH / 2 / AIM).next_power_of_two();
        let count = count.clamp(4, MOST_BUCKETS);
        let width = (reach / count as u64).max(1);
        let shift = width
            .checked_next_power_of_two()
            .map_or(63, u64::trailing_zeros);
        // Not more buckets than there are instants, the last one for what comes later.
        let most = ((end - first) >> shift).saturating_add(1);
        self.open(first, end, shift, (count as u64).min(most) as usize);
    }

    /// A new rung for `len` entries that are spread evenly from `first` to `end`.
    fn enter_whole(&mut self, len: usize, first: u64, end: u64) {
        let count = (len / AIM).next_power_of_two().min(MOST_BUCKETS);
        let width = ((end - first) / count as u64 + 1).next_power_of_two();
        let shift = width.trailing_zeros();
        self.open(first, end, shift, ((end - first) >> shift) as usize + 1);
    }

    fn open(&mut self, start: u64, end: u64, shift: u32, count: usize) {
        let base = self.buckets.len();
        self.buckets.resize(base + count, EMPTY);
        self.rungs.push(Rung {
            start,
            end,
            shift,
            base,
            count,
            next: 0,
        });
    }

    #[inline(always)]
    fn append(&mut self, index: usize, entry: Entry<E>) {
        let bucket = &mut self.buckets[index];
        let mut place = bucket.tail;
        if (place as usize).is_multiple_of(CHUNK) {
            place = self.extend(index, &{ entry });
        }
        let bucket = &mut self.buckets[index];
        bucket.tail = place + 1;
        bucket.len += 1;
        self.arena[place as usize] = entry;
    }

    /// Adds a chunk to a bucket and returns its first place. Memory that is new is filled with `any`.
    #[inline(never)]
    fn extend(&mut self, index: usize, any: &Entry<E>) -> u32 {
        let chunk = if self.free == NONE {
            // Places are 32 bits: four billion pending events.
            let chunk = u32::try_from(self.arena.len() / CHUNK)
                .ok()
                .filter(|&chunk| chunk < NONE / CHUNK as u32)
                .expect("fewer than 2^32 events are pending");
            self.next.push(NONE);
            self.arena.resize(self.arena.len() + CHUNK, *any);
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

    /// Hands out the entries of a bucket, in the order of insertion, and frees its chunks.
    #[inline]
    #[expect(clippy::needless_pass_by_value, reason = "the bucket is gone")]
    pub(super) fn unload(&mut self, taken: Taken, mut put: impl FnMut(&Entry<E>)) {
        self.entries(&taken).for_each(&mut put);
        let Bucket { head, tail, .. } = taken.bucket;
        self.next[(tail - 1) as usize / CHUNK] = self.free;
        self.free = head;
    }

    /// The entries of a bucket, in the order of insertion.
    #[inline]
    pub(super) fn entries(&self, taken: &Taken) -> impl Iterator<Item = &Entry<E>> {
        self.of(&taken.bucket)
    }

    #[inline]
    fn of(&self, bucket: &Bucket) -> impl Iterator<Item = &Entry<E>> {
        let mut chunk = bucket.head as usize;
        let mut left = bucket.len as usize;
        let chunks = std::iter::from_fn(move || {
            let taken = left.min(CHUNK);
            let entries = &self.arena[chunk * CHUNK..][..taken];
            left -= taken;
            if left > 0 {
                chunk = self.next[chunk] as usize;
            }
            (taken > 0).then_some(entries)
        });
        chunks.flatten()
    }
}
