//! Recorded presence, replayed: when spot instances could be had, and when they were taken back.

use std::sync::Arc;

use walras_des::{SimTime, Span, Stream};

/// Records that nodes follow.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    tracks: Arc<[Track]>,
    start: Start,
}

/// Where in its record a node starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// All at the beginning: those on one track come and go together, as the record has it.
    Together,
    /// Each at a random point: the stays of the record, without what binds one node to another.
    Apart,
}

/// When one machine was there. The record is repeated when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Whether it is there at the beginning.
    is_up: bool,
    /// When that changes, in order, within the length.
    changes: Vec<Span>,
    length: Span,
}

impl Track {
    /// Tracks of as many machines as there ever were, from their number at regular times `every`: the k-th is there while at least k
    /// are.
    ///
    /// # Panics
    /// If there are no counts, or no time between them.
    #[must_use]
    pub fn of_counts(counts: &[u32], every: Span) -> Vec<Self> {
        assert!(
            !counts.is_empty() && every > Span::ZERO,
            "a record lasts some time"
        );
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        (0..most)
            .map(|rank| {
                let is_up = |index: usize| counts[index] > rank;
                let changes = (1..counts.len()).filter(|&index| is_up(index) != is_up(index - 1));
                Self {
                    is_up: is_up(0),
                    changes: changes.map(|index| every * index as u64).collect(),
                    length: every * counts.len() as u64,
                }
            })
            .collect()
    }

    /// Share of the record in which the machine is there.
    #[must_use]
    pub fn availability(&self) -> f64 {
        let (mut up, mut since, mut is_up) = (0.0, Span::ZERO, self.is_up);
        for &change in self.changes.iter().chain([&self.length]) {
            up += if is_up {
                (change - since).as_secs_f64()
            } else {
                0.0
            };
            (since, is_up) = (change, !is_up);
        }
        up / self.length.as_secs_f64()
    }

    /// Whether the machine is there at a point of the record, and how long that stays so.
    fn at(&self, point: Span) -> (bool, Option<Span>) {
        let passed = self.changes.partition_point(|&change| change <= point);
        let is_up = self.is_up == passed.is_multiple_of(2);
        if let Some(&change) = self.changes.get(passed) {
            return (is_up, Some(change - point));
        }
        // What holds at the end goes on, if the record begins with the same.
        let next = if self.is_up == is_up {
            self.changes.first().copied()
        } else {
            Some(Span::ZERO)
        };
        (is_up, next.map(|change| self.length - point + change))
    }
}

impl Replay {
    /// Nodes that follow the tracks in turn.
    ///
    /// # Panics
    /// If there is no track.
    #[must_use]
    pub fn new(tracks: Vec<Track>, start: Start) -> Self {
        assert!(!tracks.is_empty(), "a replay needs a record");
        Self {
            tracks: tracks.into(),
            start,
        }
    }

    /// The records.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Where the node with this number starts, and on which track (as a length, so that a life is the same for all patterns).
    pub(super) fn seat(&self, number: u32, stream: &mut Stream) -> (Span, Span) {
        let track = u64::from(number) % self.tracks.len() as u64;
        let start = match self.start {
            Start::Together => 0,
            Start::Apart => stream.below(self.tracks[track as usize].length.as_nanos()),
        };
        (Span::from_nanos(start), Span::from_nanos(track))
    }

    /// Whether the node is up, and how long that stays so.
    pub(super) fn at(&self, start: Span, track: Span, now: SimTime) -> (bool, Option<Span>) {
        let track = &self.tracks[track.as_nanos() as usize];
        let point = (now.as_nanos() + start.as_nanos()) % track.length.as_nanos();
        track.at(Span::from_nanos(point))
    }
}
