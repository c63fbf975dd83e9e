//! The nodes of a run: registered at time zero, each with its own machine, owner and random stream.
//!
//! What every job touches is apart from what only a change in the life of a node does: a [`Node`] is two lines of the cache.

use walras_des::{Purpose, SimTime, Span, Stream, Streams, math};

use crate::availability::{Life, Place, pick};
use crate::ids::{FleetId, OwnerId, ProfileId, RegionId};
use crate::market::Rates;
use crate::platform::{Fleet, Ownership, Platform, Size};
use crate::serving::Server;
use crate::units::Amount;
use crate::view::NodeCard;
use crate::workload::Sizes;

/// Where a node is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not rented.
    Off,
    /// Requested, not serving yet.
    Starting,
    /// Serving.
    Up,
    /// Finishing what it has; then released.
    Draining,
    /// Absent.
    Down,
    /// On, and getting what it needs to serve.
    Loading,
    /// On, and out of reach.
    Cut,
}

impl Stage {
    /// Whether the instance is running or on its way, and meant to stay.
    pub(super) fn is_wanted(self) -> bool {
        matches!(self, Self::Starting | Self::Up | Self::Loading)
    }

    /// Whether the machine is on.
    pub(super) fn is_on(self) -> bool {
        matches!(self, Self::Up | Self::Draining | Self::Loading | Self::Cut)
    }

    /// Whether requests reach it.
    pub(super) fn serves(self) -> bool {
        matches!(self, Self::Up | Self::Draining)
    }
}

/// How a node starts the run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Birth {
    /// Not rented.
    Off,
    /// Present, for this long.
    Up(Option<Span>),
    /// Absent, for this long.
    Down(Option<Span>),
}

/// One node at work, as it truly is.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Node {
    pub(super) server: Server,
    pub(super) stage: Stage,
    pub(super) owner: OwnerId,
    pub(super) profile: ProfileId,
    /// Which of its stays this is.
    pub(super) epoch: u32,
    /// Tells the server's present step from one that was cut short.
    pub(super) stamp: u32,
    /// Measured time at work.
    pub(super) busy: Stopwatch,
}

/// The life of one node.
#[derive(Debug)]
pub(super) struct Registration {
    pub(super) fleet: FleetId,
    pub(super) region: RegionId,
    pub(super) birth: Birth,
    pub(super) life: Life,
    pub(super) stream: Stream,
    /// Tells this rental from earlier ones.
    pub(super) life_stamp: u32,
    /// Whether its life has it there; an outage may have it otherwise.
    pub(super) is_present: bool,
    /// Whether it has loaded what it needs since it came up, whether it ever had the image, and how often it began to load.
    pub(super) is_loaded: bool,
    pub(super) has_image: bool,
    pub(super) loads: u32,
    /// What it can receive [bytes/s]; without cold starts nothing asks.
    pub(super) bandwidth: f64,
    pub(super) up_since: SimTime,
    pub(super) rented_since: Option<SimTime>,
    /// Measured time up.
    pub(super) up: Stopwatch,
    /// Posted price of an hour.
    pub(super) per_hour: Amount,
}

/// Adds up periods: the sum of their ends less the sum of their starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stopwatch(u64);

impl Stopwatch {
    /// Starts at `now`, the measured time.
    pub(super) fn start(&mut self, now: Span) {
        self.0 = self.0.wrapping_sub(now.as_nanos());
    }

    /// Stops at `now`, the measured time.
    pub(super) fn stop(&mut self, now: Span) {
        self.0 = self.0.wrapping_add(now.as_nanos());
    }

    /// What was added up, while it does not run.
    pub(super) fn total(self) -> Span {
        Span::from_nanos(self.0)
    }
}

/// All nodes of a run, in columns by id.
#[derive(Debug, Default)]
pub(super) struct Roster {
    pub(super) nodes: Vec<Node>,
    pub(super) registry: Vec<Registration>,
    /// What the dispatcher is told of each.
    pub(super) cards: Vec<NodeCard>,
    /// The number of owners.
    pub(super) owners: usize,
}

/// Requests per batch at which owners reckon when they turn an hourly price into one per token.
const REFERENCE_BATCH: u32 = 8;

/// Registers the nodes of all fleets.
pub(super) fn register(platform: &Platform, sizes: &Sizes, streams: &Streams) -> Roster {
    let sizes_of_fleets = platform
        .fleets
        .iter()
        .map(|fleet| fleet.size.max() as usize);
    let count = sizes_of_fleets.sum();
    let mut roster = Roster {
        nodes: Vec::with_capacity(count),
        registry: Vec::with_capacity(count),
        cards: Vec::with_capacity(count),
        owners: 0,
    };
    for (index, fleet) in platform.fleets.iter().enumerate() {
        let fleet_id = FleetId::new(index);
        let (count, present) = match &fleet.size {
            Size::Fixed(count) => (*count, *count),
            Size::Autoscaled(scaler) => (scaler.max, scaler.min),
        };
        if fleet.ownership == Ownership::One {
            roster.owners += 1;
        }
        let mut regions = Rotation::new(&fleet.regions);
        for number in 0..count {
            if fleet.ownership == Ownership::Each {
                roster.owners += 1;
            }
            let owner = OwnerId::new(roster.owners - 1);
            // One stream per node and fleet: the traits of a node do not depend on how many others there are.
            let entity = u64::from(fleet_id.0) << 32 | u64::from(number);
            let stream = streams.open(Purpose::new("node"), entity);
            let region = regions.next();
            let (node, registration, card) = node(
                fleet_id,
                owner,
                region,
                fleet,
                platform,
                sizes,
                number,
                number < present,
                stream,
            );
            roster.nodes.push(node);
            roster.registry.push(registration);
            roster.cards.push(card);
        }
    }
    roster
}

#[allow(clippy::too_many_arguments)]
fn node(
    fleet_id: FleetId,
    owner: OwnerId,
    region: RegionId,
    fleet: &Fleet,
    platform: &Platform,
    sizes: &Sizes,
    number: u32,
    present: bool,
    mut stream: Stream,
) -> (Node, Registration, NodeCard) {
    let offer = &fleet.devices[pick(
        fleet.devices.iter().map(|offer| offer.share),
        stream.uniform(),
    )];
    let profile = &platform.profiles[offer.profile.index()];
    let sigma = if fleet.dispersed {
        profile.device.slowdown_sigma
    } else {
        0.0
    };
    // The class was measured on a machine in good order: half of the machines match it, the others are slower.
    let slowdown = math::exp((sigma * stream.normal()).max(0.0));
    let asked = offer.usd_per_hour * math::exp(fleet.ask_sigma * stream.normal());
    // No owner asks less than the electricity that the work draws.
    let electricity = platform.network.regions()[region.index()].electricity;
    let asked = asked.max(profile.active_power() / 1e3 * electricity);
    let access = Span::from_secs_f64(fleet.access.sample(&mut stream).max(0.0));
    let bandwidth = fleet.cold_start.as_ref().map_or(f64::INFINITY, |cold| {
        // A kilobyte per second at least: what is slower never serves anyway.
        cold.bandwidth.sample(&mut stream).max(1e3)
    });
    let place = Place {
        number,
        hosts: profile.deployment.stages(),
        utc_offset: platform.network.regions()[region.index()].utc_offset,
    };
    let (life, up, change) = fleet.availability.begin(place, &mut stream);
    let birth = match (present, up) {
        (false, _) => Birth::Off,
        (true, true) => Birth::Up(change),
        (true, false) => Birth::Down(change),
    };
    let node = Node {
        server: Server::with_role(fleet.role, slowdown),
        stage: if present { Stage::Down } else { Stage::Off },
        owner,
        profile: offer.profile,
        epoch: 0,
        stamp: 0,
        busy: Stopwatch::default(),
    };
    let registration = Registration {
        fleet: fleet_id,
        region,
        birth,
        life,
        stream,
        life_stamp: 0,
        is_present: false,
        is_loaded: false,
        has_image: present && up,
        loads: 0,
        bandwidth,
        up_since: SimTime::ZERO,
        rented_since: None,
        up: Stopwatch::default(),
        per_hour: Amount::from_f64(asked),
    };
    let asks = Rates::earning(asked, profile, sizes, REFERENCE_BATCH);
    (
        node,
        registration,
        NodeCard::new(region, offer.profile, access, asks).with_role(fleet.role),
    )
}

/// Deals regions so that every prefix comes as near to the shares as whole nodes can: always the region that is furthest behind.
struct Rotation<'a> {
    shares: &'a [(RegionId, f64)],
    given: Vec<f64>,
    total: f64,
}

impl<'a> Rotation<'a> {
    fn new(shares: &'a [(RegionId, f64)]) -> Self {
        Self {
            shares,
            given: vec![0.0; shares.len()],
            total: shares.iter().map(|(_, share)| share).sum(),
        }
    }

    fn next(&mut self) -> RegionId {
        let dealt: f64 = self.given.iter().sum::<f64>() + 1.0;
        let behind = |i: usize| dealt * self.shares[i].1 / self.total - self.given[i];
        let mut best = 0;
        for i in 1..self.shares.len() {
            if behind(i) > behind(best) {
                best = i;
            }
        }
        self.given[best] += 1.0;
        self.shares[best].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_at_work_takes_two_lines_of_the_cache_and_its_card_one() {
        assert_eq!((size_of::<Node>(), size_of::<NodeCard>()), (128, 64));
    }

    #[test]
    fn regions_are_dealt_in_proportion() {
        let shares = [(RegionId(0), 0.5), (RegionId(1), 0.3), (RegionId(2), 0.2)];
        let mut rotation = Rotation::new(&shares);
        let dealt: Vec<u32> = (0..10).map(|_| rotation.next().0).collect();
        assert_eq!(dealt, [0, 1, 2, 0, 0, 1, 0, 2, 1, 0]);
    }
}
