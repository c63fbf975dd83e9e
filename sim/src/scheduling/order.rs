//! Orders: what a policy wants done, and why the world may refuse it.

use std::fmt;

use walras_des::SimTime;

use crate::ids::{JobId, NodeId};
use crate::market::Rates;
use crate::view::Obstacle;

/// What a policy wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Send a waiting job to a node.
    Place(JobId, NodeId),
    /// Send a waiting job to a node that is paid these rates, not those it asks.
    PlaceAt(JobId, NodeId, Rates),
    /// Let the second node take the last job that waits at the first, if there is one that it can hold and afford.
    Steal(NodeId, NodeId),
    /// Send a copy of a placed job to another node. The first answer ends the request, and the other copies are cancelled.
    Copy(JobId, NodeId),
    /// Send the context of a job whose prompt is computed to a node that goes on with it.
    Decode(JobId, NodeId),
    /// End the request of a placed job only after so many of its copies have answered.
    NeedAnswers(JobId, u32),
    /// Turn a waiting job away.
    Reject(JobId),
    /// Ask again at this time.
    Wake(SimTime),
}

/// The orders of one decision, in the order in which they are carried out.
#[derive(Debug, Default)]
pub struct Orders(pub(crate) Vec<Order>);

impl Orders {
    /// Sends a waiting job to a node.
    pub fn place(&mut self, job: JobId, node: NodeId) {
        self.0.push(Order::Place(job, node));
    }

    /// Sends a waiting job to a node that is paid `rates`, at least what it asks.
    pub fn place_at(&mut self, job: JobId, node: NodeId, rates: Rates) {
        self.0.push(Order::PlaceAt(job, node, rates));
    }

    /// Lets `thief` take the last job that waits at `victim`. Whether one waits there, and which, only the victim knows: if there is
    /// none, or none that the thief holds at a price that its customer pays, nothing happens.
    pub fn steal(&mut self, victim: NodeId, thief: NodeId) {
        self.0.push(Order::Steal(victim, thief));
    }

    /// Sends a copy of a placed job, or of one that the orders before this place, to another node. Whichever copy answers first
    /// ends the request; the others are cancelled, and paid for what they gave.
    pub fn copy(&mut self, job: JobId, node: NodeId) {
        self.0.push(Order::Copy(job, node));
    }

    /// Ends the request of a placed job only after so many of its copies have answered; where copies are lost, after all that are left.
    pub fn need_answers(&mut self, job: JobId, answers: u32) {
        self.0.push(Order::NeedAnswers(job, answers));
    }

    /// Sends the context of a job whose prompt is computed to a node that goes on with it.
    pub fn decode(&mut self, job: JobId, node: NodeId) {
        self.0.push(Order::Decode(job, node));
    }

    /// What has been ordered so far.
    #[must_use]
    pub fn as_slice(&self) -> &[Order] {
        &self.0
    }

    /// Whether nothing has been ordered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Turns a waiting job away.
    pub fn reject(&mut self, job: JobId) {
        self.0.push(Order::Reject(job));
    }

    /// Asks to be asked again at `at`.
    pub fn wake(&mut self, at: SimTime) {
        self.0.push(Order::Wake(at));
    }
}

/// Why the world refused an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The job has ended, or never was.
    NoSuchJob,
    /// The job is on a node already.
    NotWaiting,
    /// The job is on no node.
    NotPlaced,
    /// The job has no context that waits for a node.
    NotPrefilled,
    /// Contexts move between the nodes of this platform, and there are no copies of them.
    Disaggregated,
    /// The node has a copy already.
    SameNode,
    /// There are not as many copies as answers are wanted, or none is wanted.
    TooFewCopies,
    /// The node would be paid less than it asks.
    BelowAsk,
    /// The platform sets one price for all, or none per job.
    FixedPrice,
    /// The platform has no node with this number.
    NoSuchNode,
    /// The node cannot take the job.
    Node(Obstacle),
    /// The time lies in the past.
    Past,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchJob => f.write_str("the job has ended, or never was"),
            Self::NotWaiting => f.write_str("the job is on a node already"),
            Self::NotPlaced => f.write_str("the job is on no node"),
            Self::NotPrefilled => f.write_str("no context of the job waits for a node"),
            Self::Disaggregated => f.write_str(
                "requests have no copies where prompts are computed on other nodes than answers",
            ),
            Self::SameNode => f.write_str("the node has a copy of the job already"),
            Self::TooFewCopies => {
                f.write_str("the job needs at least one answer and as many copies as answers")
            }
            Self::BelowAsk => f.write_str("the node would be paid less than it asks"),
            Self::FixedPrice => f.write_str("a job has no price of its own on this platform"),
            Self::NoSuchNode => f.write_str("the platform has no such node"),
            Self::Node(obstacle) => obstacle.fmt(f),
            Self::Past => f.write_str("that time has passed"),
        }
    }
}

/// An order that the world refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub at: SimTime,
    /// What was wanted.
    pub order: Order,
    /// Number of the request that the order is about, if it names a live one.
    pub job: Option<u64>,
    /// Why not.
    pub why: Reason,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}, ", self.at)?;
        let job = |f: &mut fmt::Formatter<'_>, verb: &str, id: JobId| match self.job {
            Some(serial) => write!(f, "{verb} job {serial}"),
            None => write!(f, "{verb} the job in slot {}", id.0),
        };
        match self.order {
            Order::Place(id, node) | Order::PlaceAt(id, node, _) => {
                job(f, "place", id)?;
                write!(f, " on node {}", node.0)?;
            }
            Order::Copy(id, node) => {
                job(f, "copy", id)?;
                write!(f, " to node {}", node.0)?;
            }
            Order::Decode(id, node) => {
                job(f, "decode", id)?;
                write!(f, " on node {}", node.0)?;
            }
            Order::Steal(victim, thief) => {
                write!(f, "steal from node {} for node {}", victim.0, thief.0)?;
            }
            Order::NeedAnswers(id, answers) => {
                write!(f, "want {answers} answers")?;
                job(f, " of", id)?;
            }
            Order::Reject(id) => job(f, "reject", id)?,
            Order::Wake(at) => write!(f, "wake at {at}")?,
        }
        write!(f, ": {}", self.why)
    }
}
