//! Where a worker goes: one node of those that have room.

use crate::cluster::job::Demand;
use crate::cluster::policy::room::Room;
use crate::ids::NodeId;

/// A rule for the node of a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fit {
    /// The first, by id.
    #[default]
    First,
    /// The one that is left with the least: the smallest sum over resources of the share that stays free
    /// (Panigrahy et al., "Heuristics for vector bin packing", 2011; openb calls it `BestFit`).
    Best,
    /// The one that is left with the most.
    Worst,
    /// The one whose free resources point least in the direction of the demand: the smallest dot product of free and demanded shares
    /// (openb's `DotProduct`, after Grandl et al., Tetris, SIGCOMM 2014, which takes the largest).
    DotProduct,
    /// The one whose largest free resource share fits tightest on GPUs: least free GPU capacity first, then best fit
    /// (openb's `GpuPacking`: shared GPUs, then used nodes, then empty ones).
    GpuPacking,
}

impl Fit {
    /// A node for a worker; `None` if there is no room.
    #[must_use]
    pub fn choose(self, room: &Room<'_>, demand: &Demand) -> Option<NodeId> {
        self.choose_where(room, demand, |_| true)
    }

    /// As [`Fit::choose`], among the nodes that are `open`.
    pub(super) fn choose_where(
        self,
        room: &Room<'_>,
        demand: &Demand,
        open: impl Fn(NodeId) -> bool,
    ) -> Option<NodeId> {
        let fitting = room
            .nodes()
            .filter(|&node| open(node) && room.fits(demand, node));
        if self == Self::First {
            return fitting.into_iter().next();
        }
        let mut best: Option<(f64, NodeId)> = None;
        for node in fitting {
            let cost = self.cost(room, demand, node);
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, node));
            }
        }
        best.map(|(_, node)| node)
    }

    /// What it would cost to put the worker there; the least wins.
    fn cost(self, room: &Room<'_>, demand: &Demand, node: NodeId) -> f64 {
        let (free, kind) = (room.free(node), room.view().kind(node));
        let share = |part: u32, whole: u32| {
            if whole == 0 {
                0.0
            } else {
                f64::from(part) / f64::from(whole)
            }
        };
        let free = [
            share(free.cpu(), kind.cpu),
            share(free.memory, kind.memory),
            share(free.gpu(), u32::from(kind.gpus) * 1000),
        ];
        let asked = [
            share(demand.cpu, kind.cpu),
            share(demand.memory, kind.memory),
            share(demand.gpu(), u32::from(kind.gpus) * 1000),
        ];
        let sum = |terms: [f64; 3]| terms[0] + terms[1] + terms[2];
        let left = sum(std::array::from_fn(|i| free[i] - asked[i]));
        match self {
            Self::First => 0.0,
            Self::Best => left,
            Self::Worst => -left,
            Self::DotProduct => sum(std::array::from_fn(|i| free[i] * asked[i])),
            Self::GpuPacking => free[2] * 16.0 + left,
        }
    }
}
