//! A platform, composed: fleets of nodes with owners, a scheduler, a pricing mechanism and a settlement rule.
//!
//! The cloud and the decentralized network differ in these values and in nothing else.

use std::sync::Arc;

use walras_des::{Dist, Span};

use crate::availability::{Availability, Outage};
use crate::hardware::Profile;
use crate::ids::{ProfileId, RegionId};
use crate::knowledge::Knowledge;
use crate::market::Pricing;
use crate::network::Network;
use crate::scheduling::Policy;
pub use crate::serving::Role;
pub use crate::settlement::Settlement;
pub use crate::supply::Autoscaler;

/// Everything that a run needs to know of a platform.
#[derive(Clone, Debug)]
pub struct Platform {
    /// Name in the scenario.
    pub name: String,
    /// The regions and the latency between them.
    pub network: Arc<Network>,
    /// What a step of the served model costs on each device class of the fleets.
    pub profiles: Vec<Profile>,
    /// The nodes, by kind.
    pub fleets: Vec<Fleet>,
    /// The policy that places jobs.
    pub policy: Policy,
    /// What the dispatcher is told.
    pub knowledge: Knowledge,
    /// How prices are found.
    pub pricing: Pricing,
    /// How deliveries are paid.
    pub settlement: Settlement,
    /// How losses are noticed and repeated.
    pub retry: Retry,
    /// Jobs that the dispatcher lets one node hold at a time, running or queued.
    pub slots: u32,
    /// What happens to many nodes at once.
    pub outages: Vec<Outage>,
    /// How contexts get from nodes that compute prompts to those that go on with answers, where a fleet has a [`Role`].
    pub kv_link: KvLink,
}

/// How contexts are carried from one node to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KvLink {
    /// What each node can send, and at the same time receive [bytes/s]; infinite where nothing limits it. Several contexts share it
    /// max-min fairly.
    pub bandwidth: f64,
    /// Time beside that of the bytes and that of the network between the nodes.
    pub latency: Span,
}

impl Default for KvLink {
    /// A port of 400 Gbit/s for each node, as a GPU of a DGX H100 has it (Patel et al., "Splitwise", ISCA 2024, table 2), and
    /// no latency but the network's.
    fn default() -> Self {
        Self {
            bandwidth: 50e9,
            latency: Span::ZERO,
        }
    }
}

/// Nodes of one kind.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// Name in the scenario.
    pub name: String,
    /// What its nodes do of a request.
    pub role: Role,
    /// How many, and whether the number follows the load.
    pub size: Size,
    /// Who owns them.
    pub ownership: Ownership,
    /// Shares of device classes, and what an hour of each costs.
    pub devices: Vec<Offer>,
    /// Shares of regions.
    pub regions: Vec<(RegionId, f64)>,
    /// How its nodes come and go.
    pub availability: Availability,
    /// Whether machines of one class differ in speed between owners: half run as their class was measured, the others are slower
    /// by a log-normal factor with the class's sigma.
    pub dispersed: bool,
    /// Standard deviation of ln(asked price) between owners.
    pub ask_sigma: f64,
    /// One-way latency of the access link [s].
    pub access: Dist,
    /// What a node needs before it serves; without it, it serves at once.
    pub cold_start: Option<ColdStart>,
}

/// What a node does between coming up and serving: it pulls an image over its access link and loads the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct ColdStart {
    /// What is pulled [bytes].
    pub image: f64,
    /// What a node can receive [bytes/s]; drawn once for each.
    pub bandwidth: Dist,
    /// Everything else, from the launch to the weights in memory [s].
    pub load: Dist,
    /// Whether the image outlasts an absence.
    pub keeps_image: bool,
}

/// A device class within a fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Index into the platform's profiles.
    pub profile: ProfileId,
    /// Share of the fleet.
    pub share: f64,
    /// Posted or median asked price [USD per hour].
    pub usd_per_hour: f64,
}

/// The number of nodes of a fleet.
#[derive(Clone, Debug, PartialEq)]
pub enum Size {
    /// A fixed number of registered nodes.
    Fixed(u32),
    /// Instances are started and released with the load.
    Autoscaled(Autoscaler),
}

impl Size {
    /// The largest number of nodes that can exist at once.
    #[must_use]
    pub fn max(&self) -> u32 {
        match self {
            Self::Fixed(count) => *count,
            Self::Autoscaled(scaler) => scaler.max,
        }
    }
}

/// Who owns the nodes of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// One owner has them all.
    One,
    /// Every node has an owner of its own.
    Each,
}

/// How losses are noticed and repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Silence after which the dispatcher takes a node, and what it was doing, for lost.
    pub detection: Span,
    /// Placements after which a job is given up.
    pub max_attempts: u32,
}
