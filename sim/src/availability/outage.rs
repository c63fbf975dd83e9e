//! What happens to many nodes at once: regions that go dark or are cut off, and control that fails while machines run on.

use walras_des::{Dist, SimTime};

use crate::ids::RegionId;

/// Outages of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Outage {
    /// Name in the scenario.
    pub name: String,
    /// What fails.
    pub reach: Reach,
    /// Where. What reaches the dispatcher is everywhere.
    pub regions: Vec<RegionId>,
    /// Whether these regions fail as one, or each for itself.
    pub together: bool,
    /// When.
    pub onset: Onset,
    /// How long [s].
    pub lasts: Dist,
}

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Nodes are gone, with their work: power, fire, flood.
    Blackout,
    /// Nodes run on, and nobody reaches them; who was waiting for an answer loses it.
    Partition,
    /// Instances are neither started nor released; those that run serve on.
    ControlPlane,
    /// Nothing is placed; what was placed is served.
    Dispatcher,
}

/// When outages begin.
#[derive(Clone, Debug, PartialEq)]
pub enum Onset {
    /// Once.
    At(SimTime),
    /// Again and again: the time from the end of one to the beginning of the next [s].
    Every(Dist),
}
