//! How data gets from one node to another: each transfer as if it were alone, or all of them over links that they share.
//!
//! What a task left behind stays reachable when its node leaves, as the disk of a site does; stored objects do not
//! ([`super::store`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use walras_des::{Context, SimTime, Span};

use crate::cluster::world::Event;
use crate::ids::{NodeId, RegionId};
use crate::network::Network;
use crate::network::egress::Egress;
use crate::network::flows::{FlowId, Flows};
use crate::network::topology::{Links as Path, Site, Topology, Trunk};

/// A transfer as if it were alone (Topcuoglu et al., IEEE TPDS 13, 2002): how it goes without shared links, and what planners expect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transfers {
    /// Until the first byte arrives.
    pub latency: Span,
    /// Between any two nodes [bytes/s].
    pub bandwidth: f64,
}

impl Default for Transfers {
    /// At no time at all.
    fn default() -> Self {
        Self {
            latency: Span::ZERO,
            bandwidth: f64::INFINITY,
        }
    }
}

impl Transfers {
    /// Time for so many bytes between two different nodes; nothing if there are none.
    #[must_use]
    pub fn time(&self, bytes: u64) -> Span {
        if bytes == 0 {
            return Span::ZERO;
        }
        self.latency + Span::from_secs_f64(bytes as f64 / self.bandwidth)
    }
}

/// Nodes with a link up and a link down each, in regions with trunks between them.
#[derive(Clone, Debug)]
pub struct Links {
    topology: Topology,
    regions: usize,
    /// One-way latency by pair of regions.
    latency: Vec<Span>,
    /// Prices of what leaves a region for another.
    egress: Option<Egress>,
}

impl Links {
    /// The access links of all nodes, by node, and the trunks between their regions.
    ///
    /// # Panics
    /// If an access link can carry nothing or is without limit, or a trunk is no link of the network.
    #[must_use]
    pub fn new(network: &Network, nodes: Vec<Site>, trunks: Vec<Trunk>) -> Self {
        for (node, site) in nodes.iter().enumerate() {
            assert!(
                [site.up, site.down]
                    .iter()
                    .all(|&rate| rate > 0.0 && rate.is_finite()),
                "access links of node {node}: {} bytes/s up and {} down; both must be above zero and finite",
                site.up,
                site.down
            );
        }
        let regions = network.regions().len();
        let pair = |from, to| network.one_way(RegionId::new(from), RegionId::new(to));
        let latency = (0..regions)
            .flat_map(|from| (0..regions).map(move |to| pair(from, to)))
            .collect();
        let topology = Topology::new(network, nodes, trunks);
        Self {
            topology,
            regions,
            latency,
            egress: None,
        }
    }

    /// The same, where what leaves a region for another has a price.
    #[must_use]
    pub fn priced(self, egress: Egress) -> Self {
        Self {
            egress: Some(egress),
            ..self
        }
    }

    /// What a transfer of so many bytes costs [USD]; nothing if it comes from outside.
    fn price(&self, from: Option<NodeId>, to: NodeId, bytes: u64) -> f64 {
        let egress = self.egress.as_ref().zip(from);
        egress.map_or(0.0, |(egress, from)| {
            egress.price(self.region(from), self.region(to), bytes as f64)
        })
    }

    /// Equal access links in one region, without latency [bytes/s].
    ///
    /// # Panics
    /// If they can carry nothing or are without limit.
    #[must_use]
    pub fn star(nodes: usize, up: f64, down: f64) -> Self {
        let region = crate::network::Region {
            name: "here".to_owned(),
            electricity: 0.0,
            utc_offset: 0.0,
        };
        let network = Network::new(vec![region], &[], 0.0).expect("one region is connected");
        let site = Site {
            region: RegionId(0),
            up,
            down,
        };
        Self::new(&network, vec![site; nodes], Vec::new())
    }

    /// Nodes that have links.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.topology.sites().len()
    }

    /// Where a node is.
    #[must_use]
    pub fn region(&self, node: NodeId) -> RegionId {
        self.topology.sites()[node.index()].region
    }

    /// One-way latency from one node to another.
    #[must_use]
    pub fn latency(&self, from: NodeId, to: NodeId) -> Span {
        self.latency[self.region(from).index() * self.regions + self.region(to).index()]
    }

    /// The links from one node to another; from outside, the last of them alone.
    fn path(&self, from: Option<NodeId>, to: NodeId) -> Path {
        let outside = || std::iter::once(self.topology.down(to.index())).collect();
        from.map_or_else(outside, |from| {
            self.topology.route(from.index(), to.index())
        })
    }

    /// What a planner may expect of a transfer where nobody else sends: the mean latency over all pairs of different nodes, and the mean
    /// over all nodes of the narrower of their two links.
    #[must_use]
    pub fn typical(&self) -> Transfers {
        let sites = self.topology.sites();
        if sites.len() < 2 {
            return Transfers::default();
        }
        let mut inhabitants = vec![0_u64; self.regions];
        for site in sites {
            inhabitants[site.region.index()] += 1;
        }
        let (mut pairs, mut seconds) = (0.0, 0.0);
        for from in 0..self.regions {
            for to in 0..self.regions {
                let others = inhabitants[to] - u64::from(from == to && inhabitants[to] > 0);
                let count = (inhabitants[from] * others) as f64;
                pairs += count;
                seconds += count * self.latency[from * self.regions + to].as_secs_f64();
            }
        }
        let narrower: f64 = sites.iter().map(|site| site.up.min(site.down)).sum();
        Transfers {
            latency: Span::from_secs_f64(seconds / pairs),
            bandwidth: narrower / sites.len() as f64,
        }
    }
}

/// A transfer that was begun; of no use once it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferId {
    slot: u32,
    /// Tells it from earlier ones in its slot.
    stamp: u32,
}

impl TransferId {
    pub(super) fn word(self) -> u64 {
        u64::from(self.slot) << 32 | u64::from(self.stamp)
    }
}

/// A transfer under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transfer<C> {
    /// `None` if it comes from outside the cluster.
    pub from: Option<NodeId>,
    pub to: NodeId,
    pub bytes: u64,
    /// What it is for.
    pub cargo: C,
}

#[derive(Debug)]
struct Slot<C> {
    stamp: u32,
    transfer: Option<Transfer<C>>,
    /// While it is on the links; then only latency is left.
    flow: Option<FlowId>,
}

/// All transfers under way.
#[derive(Debug)]
pub(super) struct Traffic<C> {
    alone: Transfers,
    links: Option<Arc<Links>>,
    flows: Flows,
    by_flow: BTreeMap<FlowId, u32>,
    slots: Vec<Slot<C>>,
    free: Vec<u32>,
    /// Whether the next end of a flow may have moved.
    pub is_moved: bool,
    /// For when the next end of a flow is scheduled, and the stamp of that event.
    planned: Option<SimTime>,
    stamp: u32,
    /// Bytes moved so far, those of broken transfers included.
    pub moved: u64,
    /// What they cost [USD].
    pub egress: f64,
}

impl<C: Copy> Traffic<C> {
    pub fn new(alone: Transfers, links: Option<&Arc<Links>>) -> Self {
        let capacities = links.map_or(&[][..], |links| links.topology.capacities());
        Self {
            alone,
            links: links.cloned(),
            flows: Flows::new(capacities),
            by_flow: BTreeMap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            is_moved: false,
            planned: None,
            stamp: 0,
            moved: 0,
            egress: 0.0,
        }
    }

    /// The links, if transfers share any.
    pub fn links(&self) -> Option<&Links> {
        self.links.as_deref()
    }

    /// Time of a transfer that is as if alone.
    pub fn time(&self, bytes: u64) -> Span {
        self.alone.time(bytes)
    }

    /// Begins a transfer between two different nodes. An [`Event::Arrived`] tells of its end, or [`Traffic::ended`].
    pub fn send(&mut self, transfer: Transfer<C>, cx: &mut Context<Event>) -> TransferId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                stamp: 0,
                transfer: None,
                flow: None,
            });
            u32::try_from(self.slots.len() - 1).expect("a transfer's number fits 32 bits")
        });
        let entry = &mut self.slots[slot as usize];
        entry.transfer = Some(transfer);
        let id = TransferId {
            slot,
            stamp: entry.stamp,
        };
        if let Some(links) = &self.links {
            let path = links.path(transfer.from, transfer.to);
            let flow = self.flows.start(cx.now(), &path, transfer.bytes, None);
            entry.flow = Some(flow);
            self.by_flow.insert(flow, slot);
            self.is_moved = true;
        } else {
            let takes = self.alone.time(transfer.bytes);
            cx.after(takes, Event::Arrived { transfer: id });
        }
        id
    }

    /// Takes the flows off their links that end now; what has no latency left has arrived.
    pub fn ended(&mut self, stamp: u32, cx: &mut Context<Event>) -> Vec<(TransferId, Transfer<C>)> {
        let mut arrived = Vec::new();
        if stamp != self.stamp {
            return arrived;
        }
        self.planned = None;
        self.is_moved = true;
        let now = cx.now();
        while let Some((at, flow)) = self.flows.next_end() {
            if at > now {
                break;
            }
            self.flows.finish(now, flow);
            let slot = self.by_flow.remove(&flow).expect("a flow has a transfer");
            let entry = &mut self.slots[slot as usize];
            entry.flow = None;
            let transfer = entry.transfer.expect("a flow has a transfer");
            let id = TransferId {
                slot,
                stamp: entry.stamp,
            };
            let links = self.links.as_ref().expect("flows are on links");
            let from = transfer.from.unwrap_or(transfer.to);
            let latency = links.latency(from, transfer.to);
            if latency == Span::ZERO {
                arrived.extend(self.arrived(id).map(|transfer| (id, transfer)));
            } else {
                cx.after(latency, Event::Arrived { transfer: id });
            }
        }
        arrived
    }

    fn count(&mut self, transfer: &Transfer<C>, bytes: u64) {
        self.moved += bytes;
        if let Some(links) = &self.links {
            self.egress += links.price(transfer.from, transfer.to, bytes);
        }
    }

    /// Takes note of an arrival; `None` if the transfer was broken off before.
    pub fn arrived(&mut self, id: TransferId) -> Option<Transfer<C>> {
        let transfer = self.take(id)?;
        self.count(&transfer, transfer.bytes);
        Some(transfer)
    }

    /// Breaks a transfer off, if it is under way; what it has moved is counted.
    pub fn cancel(&mut self, id: TransferId, now: SimTime) {
        let Some(flow) = self.slots.get_mut(id.slot as usize).and_then(|entry| {
            if entry.stamp == id.stamp {
                entry.flow.take()
            } else {
                None
            }
        }) else {
            if let Some(transfer) = self.take(id)
                && self.links().is_some()
            {
                // All of it is on its way.
                self.count(&transfer, transfer.bytes);
            }
            return;
        };
        self.by_flow.remove(&flow);
        let left = self.flows.cancel(now, flow);
        self.is_moved = true;
        let transfer = self.take(id).expect("a flow has a transfer");
        let moved = transfer.bytes - (left.ceil() as u64).min(transfer.bytes);
        self.count(&transfer, moved);
    }

    fn take(&mut self, id: TransferId) -> Option<Transfer<C>> {
        let entry = self.slots.get_mut(id.slot as usize)?;
        if entry.stamp != id.stamp {
            return None;
        }
        let transfer = entry.transfer.take()?;
        entry.stamp += 1;
        self.free.push(id.slot);
        Some(transfer)
    }

    /// Transfers from or to a node, by slot.
    pub fn touching(&self, node: NodeId) -> Vec<(TransferId, Transfer<C>)> {
        let slots = self.slots.iter().enumerate();
        let named = slots.filter_map(|(slot, entry)| {
            let transfer = entry.transfer?;
            let id = TransferId {
                slot: slot as u32,
                stamp: entry.stamp,
            };
            Some((id, transfer))
        });
        named
            .filter(|(_, transfer)| transfer.from == Some(node) || transfer.to == node)
            .collect()
    }

    /// Where the transfer comes from and what it is for, while it is under way.
    pub fn get(&self, id: TransferId) -> Option<&Transfer<C>> {
        let entry = &self.slots[id.slot as usize];
        if entry.stamp == id.stamp {
            entry.transfer.as_ref()
        } else {
            None
        }
    }

    /// Schedules the next end of a flow, which may have moved: once for all changes of an instant.
    #[cold]
    pub fn plan(&mut self, cx: &mut Context<Event>) {
        self.is_moved = false;
        let next = self.flows.next_end().map(|(at, _)| at);
        if next == self.planned {
            return;
        }
        self.planned = next;
        self.stamp += 1;
        if let Some(at) = next {
            let stamp = self.stamp;
            cx.at(at, Event::Moved { stamp });
        }
    }
}
