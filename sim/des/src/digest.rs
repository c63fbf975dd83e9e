//! A fingerprint of a run: one 64-bit word that depends on every event and on their order.
//!
//! Two runs of the same scenario must end with the same digest, whatever the number of threads.
//! Each step is a bijection of the state for a fixed input and of the input for a fixed state, so
//! two histories that differ in one folded word never collide. It guards against accidents, not
//! against an attacker.

use crate::time::SimTime;
use std::fmt;

/// An order-sensitive rolling digest; shown as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(u64);

/// An odd multiplier with well spread bits: the fractional part of the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
/// Keeps ranks apart from small event words: the 64-bit FNV offset basis, made of unrelated bits.
const RANK_STRIDE: u64 = 0xcbf2_9ce4_8422_2325;

impl Digest {
    /// The digest of an empty history.
    #[must_use]
    pub const fn new() -> Self {
        Self(0x243f_6a88_85a3_08d3) // the fractional part of pi, so that leading zeros count
    }

    /// The digest that [`Digest::as_u64`] gave, to go on from.
    #[must_use]
    pub const fn from_u64(state: u64) -> Self {
        Self(state)
    }

    /// Mixes in any other value, for example a final balance.
    #[inline]
    pub const fn fold(&mut self, value: u64) {
        let mixed = (self.0 ^ value).wrapping_mul(MULTIPLIER);
        self.0 = mixed ^ (mixed >> 32);
    }

    /// Mixes in the content of a file, or a part of it whose length is a multiple of eight bytes.
    pub fn fold_bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.fold(u64::from_le_bytes(word));
        }
    }

    /// Mixes in one event.
    #[inline]
    pub fn event(&mut self, time: SimTime, rank: u8, word: u64) {
        self.fold(time.as_nanos());
        self.fold(word.wrapping_add(u64::from(rank).wrapping_mul(RANK_STRIDE)));
    }

    /// The digest as a number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn digest(events: &[(u64, u8, u64)]) -> Digest {
        let mut digest = Digest::new();
        for &(time, rank, word) in events {
            digest.event(SimTime::from_nanos(time), rank, word);
        }
        digest
    }

    #[test]
    fn every_part_and_the_order_count() {
        let history = [(1, 0, 7), (2, 1, 8)];
        let variants = [
            digest(&history),
            digest(&[(2, 1, 8), (1, 0, 7)]),
            digest(&[(1, 0, 7)]),
            digest(&[(3, 0, 7), (2, 1, 8)]),
            digest(&[(1, 1, 7), (2, 1, 8)]),
            digest(&[(1, 0, 9), (2, 1, 8)]),
            digest(&[]),
            digest(&[(0, 0, 0)]),
            digest(&[(0, 0, 0), (0, 0, 0)]),
        ];
        let distinct: BTreeSet<u64> = variants.iter().map(|d| d.as_u64()).collect();
        assert_eq!(distinct.len(), variants.len());
        assert_eq!(digest(&history), digest(&history));
    }

    #[test]
    fn a_flipped_bit_is_never_lost() {
        // 64 one-bit changes early in a history of 1,000 events: all digests differ.
        let run = |flip: u64| {
            let mut digest = Digest::new();
            for i in 0..1_000u64 {
                let word = if i == 3 { i ^ flip } else { i };
                digest.event(SimTime::from_nanos(i * 17), 0, word);
            }
            digest.as_u64()
        };
        let distinct: BTreeSet<u64> = (0..64).map(|bit| run(1 << bit)).chain([run(0)]).collect();
        assert_eq!(distinct.len(), 65);
    }

    #[test]
    fn display_is_16_hex_digits() {
        assert_eq!(Digest(0xab).to_string(), "00000000000000ab");
    }
}
