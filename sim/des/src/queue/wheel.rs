//! The near end of the event queue: a wheel of narrow slots, the occupied ones in a bitmap.
//!
//! ```text
//! base                            base + SLOTS · 2^shift
//!   |·|▪|·|·|▪|·|·|·|▪|·|·|·|·|·|▪|·|      slots: mostly of no or one event
//!      ↓     ↓       ↓           ↓
//!      3     4→7     1           9         lists, the youngest first, through one table of entries
//! ```
//!
//! An event is filed without looking at others; the next slot with one is found by counting zeros in two words.

use super::Entry;
use super::front::Front;

/// Narrow enough for one event or none, and few enough for the first-level cache.
pub(super) const SLOTS: usize = 2048;
const WORDS: usize = SLOTS / 64;
const _: () = assert!(WORDS <= 64, "one word tells which words are not zero");
/// The widest slots [bits of ns]: all together cover half of all time.
pub(super) const MOST_SHIFT: u32 = u64::BITS - 1 - SLOTS.ilog2();
/// Places for entries.
const PLACES: usize = 1 << u8::BITS;
/// The most entries.
pub(super) const MOST: usize = PLACES - 1;
/// The place that ends all lists; nothing is there.
const END: u8 = 0;

/// The events that are due soon.
#[derive(Clone, Debug)]
pub(super) struct Wheel<E> {
    /// A bit for each word: whether it has a bit.
    summary: u64,
    /// Where slot 0 begins; it also has what comes before.
    base: u64,
    /// A slot covers 2^shift ns.
    shift: u32,
    free: u8,
    entries: Vec<Entry<E>>,
    /// A bit for each slot: whether it has an entry.
    words: [u64; WORDS],
    /// The place after each place, in its list or in that of the free.
    next: [u8; PLACES],
    /// The youngest entry of each slot.
    slots: [u8; SLOTS],
}

impl<E: Copy> Wheel<E> {
    pub(super) const fn new() -> Self {
        Self {
            summary: 0,
            base: 0,
            shift: 0,
            free: END,
            entries: Vec::new(),
            words: [0; WORDS],
            next: [END; PLACES],
            slots: [END; SLOTS],
        }
    }

    /// Begins at `base` with slots of 2^shift ns; returns the first instant that is not covered, if there is one.
    pub(super) fn open(&mut self, base: u64, shift: u32) -> u64 {
        debug_assert!(self.is_empty());
        (self.base, self.shift) = (base, shift);
        self.start(SLOTS)
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    pub(super) fn shift(&self) -> u32 {
        self.shift
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.summary == 0
    }

    /// Adds an entry, if there is room for it.
    #[inline(always)]
    #[must_use]
    pub(super) fn insert(&mut self, entry: Entry<E>) -> bool {
        let place = self.free;
        if place == END {
            return self.grow(&{ entry });
        }
        let index = (entry.time.saturating_sub(self.base) >> self.shift) as usize % SLOTS;
        self.entries[place as usize] = entry;
        let older = std::mem::replace(&mut self.slots[index], place);
        self.free = std::mem::replace(&mut self.next[place as usize], older);
        self.words[index / 64] |= 1 << (index % 64);
        self.summary |= 1 << (index / 64);
        true
    }

    /// Appends the first entries to `front`: whole slots, until it has `least`. Returns the instant at which the next slot begins.
    #[inline]
    pub(super) fn take(&mut self, least: usize, front: &mut Front<E>) -> u64 {
        let mut index = 0;
        while front.len() < least && self.summary != 0 {
            let word = self.summary.trailing_zeros() as usize % WORDS;
            let mut bits = self.words[word];
            while front.len() < least && bits != 0 {
                index = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                self.take_slot(index % SLOTS, front);
            }
            self.words[word] = bits;
            self.summary &= !(u64::from(bits == 0) << word);
        }
        self.start(index + 1)
    }

    #[inline(always)]
    fn take_slot(&mut self, index: usize, front: &mut Front<E>) {
        let begin = front.len();
        let mut place = std::mem::replace(&mut self.slots[index], END);
        front.append(&self.entries[place as usize]);
        let mut older = std::mem::replace(&mut self.next[place as usize], self.free);
        self.free = place;
        while older != END {
            place = older;
            front.append(&self.entries[place as usize]);
            front.settle(begin);
            older = std::mem::replace(&mut self.next[place as usize], self.free);
            self.free = place;
        }
    }

    /// All entries: those of one instant in the order of insertion.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry<E>> {
        self.slots.iter().flat_map(|&first| {
            let older = |&place: &u8| Some(self.next[place as usize]);
            let list = std::iter::successors(Some(first), older);
            let mut list: Vec<_> = list.take_while(|&place| place != END).collect();
            list.reverse();
            list.into_iter().map(|place| &self.entries[place as usize])
        })
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry<E>>()
    }

    /// When a slot begins.
    #[inline]
    fn start(&self, slot: usize) -> u64 {
        self.base
            .saturating_add((slot as u64).saturating_mul(1 << self.shift))
    }

    /// Makes the table of entries longer, and adds the entry.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, entry: &Entry<E>) -> bool {
        let len = self.entries.len();
        if len == PLACES {
            return false;
        }
        let new = (2 * len).clamp(16, PLACES);
        self.entries.resize(new, *entry);
        // The old places are taken: the new ones, one after the other, are all that is free.
        let first = len.max(1);
        self.free = first as u8;
        for place in first..new {
            self.next[place] = if place + 1 < new {
                place as u8 + 1
            } else {
                END
            };
        }
        self.insert(*entry)
    }
}
