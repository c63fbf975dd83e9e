//! What is due at one instant, when that is a lot: a line for each rank.

use std::collections::VecDeque;

/// Events of one instant, in the order of rank and insertion.
#[derive(Clone, Debug)]
pub(super) struct Crowd<E> {
    instant: u64,
    /// The line of each rank up to the highest so far.
    lines: Vec<VecDeque<E>>,
    len: usize,
}

impl<E: Copy> Crowd<E> {
    pub(super) const fn new() -> Self {
        Self {
            instant: 0,
            lines: Vec::new(),
            len: 0,
        }
    }

    /// Begins to gather what is due at `instant`.
    pub(super) fn open(&mut self, instant: u64) {
        debug_assert!(self.is_empty());
        self.instant = instant;
    }

    /// Gathers no more: only instant 0 is left, which is near by now.
    pub(super) fn close(&mut self) {
        self.open(0);
    }

    #[inline(always)]
    pub(super) fn instant(&self) -> u64 {
        self.instant
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline(never)]
    pub(super) fn push(&mut self, rank: u8, event: E) {
        let rank = rank as usize;
        if rank >= self.lines.len() {
            self.lines.resize_with(rank + 1, VecDeque::new);
        }
        self.lines[rank].push_back(event);
        self.len += 1;
    }

    /// Removes the first event, with its rank.
    pub(super) fn pop(&mut self) -> Option<(u8, E)> {
        let mut lines = self.lines.iter_mut();
        let rank = lines.position(|line| !line.is_empty())?;
        self.len -= 1;
        let event = self.lines[rank].pop_front()?;
        Some((rank as u8, event))
    }

    /// All events, in order, with their ranks.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, &E)> {
        let lines = self.lines.iter().enumerate();
        lines.flat_map(|(rank, line)| line.iter().map(move |event| (rank as u8, event)))
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let lines = self.lines.iter().map(VecDeque::capacity);
        lines.sum::<usize>() * size_of::<E>()
    }
}
