//! The events of the world, and their order at one instant.

use walras_des::Event as Ranked;

use crate::ids::{FleetId, JobId, NodeId};

/// What happens.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// The next request is submitted.
    Arrive,
    /// A placed job reaches its node.
    Deliver {
        /// The job.
        job: JobId,
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
    /// A server's step ends.
    Boundary {
        /// The node.
        node: NodeId,
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
    /// A node comes up.
    Up {
        /// The node.
        node: NodeId,
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
    /// A node leaves.
    Down {
        /// The node.
        node: NodeId,
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
    /// The dispatcher notices that a node has left.
    Notice {
        /// The node.
        node: NodeId,
        /// Which of the node's stays has ended.
        epoch: u32,
    },
    /// The dispatcher takes a placed job for lost.
    Lost {
        /// The job.
        job: JobId,
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
    /// A waiting customer gives up.
    Patience {
        /// The job.
        job: JobId,
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
    /// The scheduler asked to be woken.
    Wake,
    /// Nodes report how many jobs they hold: this one, or all.
    Refresh {
        /// The node.
        node: Option<NodeId>,
    },
    /// A fleet's controller decides.
    Scale {
        /// The fleet.
        fleet: FleetId,
    },
    /// The base fee moves.
    Reprice,
    /// The state is sampled.
    Sample,
    /// The books are held; owners sell what they earned.
    Audit,
    /// No further requests.
    Horizon,
    /// An outage begins or ends.
    Outage {
        /// Where it comes from.
        source: u32,
    },
    /// A node has what it needs to serve.
    Ready {
        /// The node.
        node: NodeId,
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
    /// The last byte of a context has left the server that computed it.
    KvSent {
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
    /// A context is at the server that goes on with it.
    KvLanded {
        /// The job.
        job: JobId,
        /// Tells this from a schedule that was overtaken.
        stamp: u32,
    },
}

/// In the word of an event, the nodes together.
const ALL: NodeId = NodeId(u32::MAX);

impl Ranked for Event {
    /// At one instant, requests reach servers before their steps end, work ends before its node leaves,
    /// and observers come after both.
    fn rank(&self) -> u8 {
        match self {
            Self::Arrive => 0,
            Self::Deliver { .. } => 1,
            Self::Boundary { .. } => 2,
            Self::Down { .. } => 3,
            Self::Up { .. } => 4,
            Self::Notice { .. } => 5,
            Self::Lost { .. } => 6,
            Self::Wake | Self::Refresh { .. } => 7,
            Self::Patience { .. } => 8,
            Self::Scale { .. } => 9,
            Self::Reprice => 10,
            Self::Sample => 11,
            Self::Audit => 12,
            Self::Horizon => 13,
            // Later additions, so that the ranks above keep their numbers in logs.
            Self::Outage { .. } => 14,
            Self::Ready { .. } => 15,
            Self::KvSent { .. } => 16,
            Self::KvLanded { .. } => 17,
        }
    }

    fn word(&self) -> u64 {
        let pack = |id: u32, stamp: u32| u64::from(id) << 32 | u64::from(stamp);
        match *self {
            Self::Deliver { job, stamp }
            | Self::Lost { job, stamp }
            | Self::Patience { job, stamp }
            | Self::KvLanded { job, stamp } => pack(job.0, stamp),
            Self::Boundary { node, stamp }
            | Self::Up { node, stamp }
            | Self::Down { node, stamp }
            | Self::Ready { node, stamp } => pack(node.0, stamp),
            Self::Notice { node, epoch } => pack(node.0, epoch),
            Self::Scale { fleet } => u64::from(fleet.0),
            // Zero is the scheduler's own timer.
            Self::Refresh { node } => pack(node.unwrap_or(ALL).0, 1),
            Self::Outage { source } => u64::from(source),
            Self::KvSent { stamp } => u64::from(stamp),
            Self::Arrive
            | Self::Wake
            | Self::Reprice
            | Self::Sample
            | Self::Audit
            | Self::Horizon => 0,
        }
    }
}

impl Event {
    /// The event with this rank and word; `None` if there is none.
    #[must_use]
    pub fn decode(rank: u8, word: u64) -> Option<Self> {
        let (id, stamp) = ((word >> 32) as u32, word as u32);
        let (job, node) = (JobId(id), NodeId(id));
        let event = match rank {
            0 => Self::Arrive,
            1 => Self::Deliver { job, stamp },
            2 => Self::Boundary { node, stamp },
            3 => Self::Down { node, stamp },
            4 => Self::Up { node, stamp },
            5 => Self::Notice { node, epoch: stamp },
            6 => Self::Lost { job, stamp },
            7 if stamp == 0 => Self::Wake,
            7 => Self::Refresh {
                node: (node != ALL).then_some(node),
            },
            8 => Self::Patience { job, stamp },
            9 => Self::Scale {
                fleet: FleetId(stamp),
            },
            10 => Self::Reprice,
            11 => Self::Sample,
            12 => Self::Audit,
            13 => Self::Horizon,
            14 => Self::Outage { source: stamp },
            15 => Self::Ready { node, stamp },
            16 => Self::KvSent { stamp },
            17 => Self::KvLanded { job, stamp },
            _ => return None,
        };
        (event.word() == word).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rank_and_word_say_which_event_it_is() {
        let (job, node, stamp) = (JobId(7), NodeId(u32::MAX), 9);
        let events = [
            Event::Arrive,
            Event::Deliver { job, stamp },
            Event::Boundary { node, stamp },
            Event::Up { node, stamp },
            Event::Down { node, stamp },
            Event::Notice { node, epoch: 3 },
            Event::Lost { job, stamp },
            Event::Patience { job, stamp },
            Event::Wake,
            Event::Refresh { node: None },
            Event::Refresh {
                node: Some(NodeId(3)),
            },
            Event::Scale { fleet: FleetId(2) },
            Event::Reprice,
            Event::Sample,
            Event::Audit,
            Event::Horizon,
            Event::Outage { source: 3 },
            Event::Ready { node, stamp },
            Event::KvSent { stamp },
            Event::KvLanded { job, stamp },
        ];
        for event in events {
            let decoded = Event::decode(event.rank(), event.word()).expect("an event");
            assert_eq!(format!("{decoded:?}"), format!("{event:?}"));
        }
        assert!(Event::decode(18, 0).is_none());
        assert!(Event::decode(0, 1).is_none(), "an arrival has no word");
    }
}
