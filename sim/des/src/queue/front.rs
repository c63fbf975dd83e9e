//! The events that are next, in order.
//!
//! ```text
//!   0       at            end
//!   |·······|▪ ▪ ▪ ▪ ▪ ▪ ▪|
//!         ←▪ ▪ ▫           what is earlier makes way for one that is put in
//! ```

use super::Entry;

/// Free places before the entries.
const ROOM: usize = 32;
/// The most entries that a new one is compared with one by one.
const FEW: usize = 16;
/// More entries than this are too many to put another between them.
pub(super) const MOST: usize = 128;

/// Events in order, between some free places.
#[derive(Clone, Debug)]
pub(super) struct Front<E> {
    /// Those at `at` to `end` count.
    entries: Vec<Entry<E>>,
    at: usize,
    end: usize,
}

impl<E: Copy> Front<E> {
    pub(super) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            at: 0,
            end: 0,
        }
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.end - self.at
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.at == self.end
    }

    /// The first entry; there is one.
    #[inline(always)]
    pub(super) fn first(&self) -> &Entry<E> {
        &self.entries[self.at]
    }

    /// In order.
    pub(super) fn as_slice(&self) -> &[Entry<E>] {
        self.entries.get(self.at..self.end).unwrap_or_default()
    }

    /// Removes the first entry; there is one.
    #[inline(always)]
    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    /// Puts an entry behind its equals, if there is room.
    #[inline(always)]
    #[must_use]
    pub(super) fn insert(&mut self, entry: Entry<E>) -> bool {
        if self.at == 0 || self.len() > FEW {
            return self.insert_among_many(&{ entry });
        }
        self.at -= 1;
        let entries = self.as_mut_slice();
        let mut hole = 0;
        while hole + 1 < entries.len() && entries[hole + 1].order() <= entry.order() {
            entries[hole] = entries[hole + 1];
            hole += 1;
        }
        entries[hole] = entry;
        true
    }

    /// Moves as few entries as it takes.
    #[inline(never)]
    fn insert_among_many(&mut self, entry: &Entry<E>) -> bool {
        let len = self.len();
        if len > MOST {
            return false;
        }
        let order = entry.order();
        let place = self
            .as_slice()
            .partition_point(|other| other.order() <= order);
        if self.at > 0 && place < len - place {
            self.at -= 1;
            self.entries
                .copy_within(self.at + 1..self.at + 1 + place, self.at);
        } else {
            self.append(entry);
            self.entries
                .copy_within(self.at + place..self.end - 1, self.at + place + 1);
        }
        self.entries[self.at + place] = *entry;
        true
    }

    /// Empties it.
    pub(super) fn clear(&mut self) {
        let room = ROOM.min(self.entries.len());
        (self.at, self.end) = (room, room);
    }

    /// Adds an entry at the end, which is not earlier than the others.
    #[inline(always)]
    pub(super) fn append(&mut self, entry: &Entry<E>) {
        if self.end >= self.entries.len() {
            self.grow(entry);
        }
        self.entries[self.end] = *entry;
        self.end += 1;
    }

    /// Moves the last entry behind those of the others from `begin` on that are earlier: it is older than they are.
    #[inline(never)]
    pub(super) fn settle(&mut self, begin: usize) {
        let entries = &mut self.as_mut_slice()[begin..];
        let Some((entry, others)) = entries.split_last() else {
            return;
        };
        let order = entry.order();
        let place = others.partition_point(|other| other.order() < order);
        entries[place..].rotate_right(1);
    }

    fn as_mut_slice(&mut self) -> &mut [Entry<E>] {
        &mut self.entries[self.at..self.end]
    }

    /// Makes room at the end.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, any: &Entry<E>) {
        let len = self.entries.len();
        if self.at > len / 2 && self.at > ROOM {
            // Most of it has gone.
            self.entries.copy_within(self.at..self.end, ROOM);
            (self.at, self.end) = (ROOM, ROOM + self.len());
        } else {
            self.entries.resize((2 * len).max(2 * ROOM), *any);
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry<E>>()
    }
}
