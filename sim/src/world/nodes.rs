//! The nodes of a run: registered at time zero, each with its own machine, owner and random stream.

use walras_des::{Purpose, SimTime, Span, Stream, Streams, math};

use crate::availability::{Life, pick};
use crate::ids::{FleetId, NodeId, OwnerId, RegionId};
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
}

impl Stage {
    /// Whether the instance is running or on its way, and meant to stay.
    pub(super) fn is_wanted(self) -> bool {
        matches!(self, Self::Starting | Self::Up)
    }

    /// Whether the machine is on.
    pub(super) fn is_on(self) -> bool {
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

/// One node, as it truly is.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) fleet: FleetId,
    pub(super) owner: OwnerId,
    pub(super) stage: Stage,
    pub(super) birth: Birth,
    pub(super) life: Life,
    pub(super) stream: Stream,
    pub(super) server: Server,
    /// Which of its stays this is.
    pub(super) epoch: u32,
    /// Tells the server's present step from one that was cut short.
    pub(super) stamp: u32,
    /// Tells this rental from earlier ones.
    pub(super) life_stamp: u32,
    pub(super) up_since: SimTime,
    pub(super) busy_since: SimTime,
    pub(super) rented_since: Option<SimTime>,
    /// Requests in its batch, as last counted.
    pub(super) batch: i64,
    /// Measured time up.
    pub(super) up: Span,
    /// Measured time at work.
    pub(super) busy: Span,
    /// Posted price of an hour.
    pub(super) per_hour: Amount,
    /// What the dispatcher is told of it.
    pub(super) card: NodeCard,
}

/// Requests per batch at which owners reckon when they turn an hourly price into one per token.
const REFERENCE_BATCH: u32 = 8;

/// Registers the nodes of all fleets; returns them with the number of owners.
pub(super) fn register(
    platform: &Platform,
    sizes: &Sizes,
    streams: &Streams,
) -> (Vec<Node>, usize) {
    let mut nodes = Vec::with_capacity(
        platform
            .fleets
            .iter()
            .map(|fleet| fleet.size.max() as usize)
            .sum(),
    );
    let mut owners = 0;
    for (index, fleet) in platform.fleets.iter().enumerate() {
        let fleet_id = FleetId::new(index);
        let (count, present) = match &fleet.size {
            Size::Fixed(count) => (*count, *count),
            Size::Autoscaled(scaler) => (scaler.max, scaler.min),
        };
        if fleet.ownership == Ownership::One {
            owners += 1;
        }
        let mut regions = Rotation::new(&fleet.regions);
        for number in 0..count {
            if fleet.ownership == Ownership::Each {
                owners += 1;
            }
            let id = NodeId::new(nodes.len());
            let owner = OwnerId::new(owners - 1);
            // One stream per node and fleet: the traits of a node do not depend on how many others there are.
            let entity = u64::from(fleet_id.0) << 32 | u64::from(number);
            let stream = streams.open(Purpose::new("node"), entity);
            let region = regions.next();
            nodes.push(node(
                id,
                fleet_id,
                owner,
                region,
                fleet,
                platform,
                sizes,
                number < present,
                stream,
            ));
        }
    }
    (nodes, owners)
}

#[allow(clippy::too_many_arguments)]
fn node(
    id: NodeId,
    fleet_id: FleetId,
    owner: OwnerId,
    region: RegionId,
    fleet: &Fleet,
    platform: &Platform,
    sizes: &Sizes,
    present: bool,
    mut stream: Stream,
) -> Node {
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
    let asked = asked.max(profile.device.active_power / 1e3 * electricity);
    let access = Span::from_secs_f64(fleet.access.sample(&mut stream).max(0.0));
    let (life, up, change) = fleet.availability.begin(&mut stream);
    let birth = match (present, up) {
        (false, _) => Birth::Off,
        (true, true) => Birth::Up(change),
        (true, false) => Birth::Down(change),
    };
    Node {
        id,
        fleet: fleet_id,
        owner,
        stage: if present { Stage::Down } else { Stage::Off },
        birth,
        life,
        stream,
        server: Server::new(slowdown),
        epoch: 0,
        stamp: 0,
        life_stamp: 0,
        up_since: SimTime::ZERO,
        busy_since: SimTime::ZERO,
        rented_since: None,
        batch: 0,
        up: Span::ZERO,
        busy: Span::ZERO,
        per_hour: Amount::from_f64(asked),
        card: NodeCard::new(
            region,
            offer.profile,
            access,
            Rates::earning(asked, profile, sizes, REFERENCE_BATCH),
        ),
    }
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
    fn regions_are_dealt_in_proportion() {
        let shares = [(RegionId(0), 0.5), (RegionId(1), 0.3), (RegionId(2), 0.2)];
        let mut rotation = Rotation::new(&shares);
        let dealt: Vec<u32> = (0..10).map(|_| rotation.next().0).collect();
        assert_eq!(dealt, [0, 1, 2, 0, 0, 1, 0, 2, 1, 0]);
    }
}
