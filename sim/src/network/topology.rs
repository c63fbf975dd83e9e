//! Where flows run: sites with a link up and a link down, and links with a capacity between their regions.
//!
//! A transfer takes the up-link of its sender, the routes of [`Network`] between the two regions, and the down-link of its receiver.
//! Between regions only links that are given here can be full; the others are wide enough for everything.

use smallvec::SmallVec;

use super::Network;
use super::flows::LinkId;
use crate::ids::RegionId;

/// A place with one link in each direction: a home, or a data centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Site {
    /// Where it is.
    pub region: RegionId,
    /// What it can send [bytes/s].
    pub up: f64,
    /// What it can receive [bytes/s].
    pub down: f64,
}

/// A link between two regions that can be full.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trunk {
    /// The regions; the network has a link between them.
    pub between: (RegionId, RegionId),
    /// What it carries in each direction [bytes/s].
    pub capacity: f64,
}

/// The links of all sites and between regions, numbered for [`super::flows::Flows`].
#[derive(Clone, Debug)]
pub struct Topology {
    sites: Vec<Site>,
    /// Capacities by link: two for each site (up, down), then two for each trunk (there, back).
    capacities: Vec<f64>,
    regions: usize,
    /// Trunks on the way from one region to another, by pair.
    routes: Vec<Links>,
    trunks: Vec<Trunk>,
}

/// A path: rarely longer than a link up, a trunk and a link down.
pub type Links = SmallVec<[LinkId; 4]>;

impl Topology {
    /// Numbers the links and finds all routes.
    ///
    /// # Panics
    /// If a trunk is no link of the network.
    #[must_use]
    pub fn new(network: &Network, sites: Vec<Site>, trunks: Vec<Trunk>) -> Self {
        let regions = network.regions().len();
        let capacities = (sites.iter().flat_map(|site| [site.up, site.down]))
            .chain(trunks.iter().flat_map(|trunk| [trunk.capacity; 2]))
            .collect();
        for Trunk { between, .. } in &trunks {
            let route = network.route(between.0, between.1);
            assert!(route.len() == 2, "no link between the regions {between:?}");
        }
        let mut topology = Self {
            sites,
            capacities,
            regions,
            routes: Vec::with_capacity(regions * regions),
            trunks,
        };
        for from in 0..regions {
            for to in 0..regions {
                let route = network.route(RegionId::new(from), RegionId::new(to));
                let links = (route.windows(2)).filter_map(|hop| topology.trunk(hop[0], hop[1]));
                let links = links.collect();
                topology.routes.push(links);
            }
        }
        topology
    }

    /// Capacities of all links [bytes/s], by [`LinkId`].
    #[must_use]
    pub fn capacities(&self) -> &[f64] {
        &self.capacities
    }

    /// The sites, by number.
    #[must_use]
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// The link on which a site sends.
    #[must_use]
    pub fn up(&self, site: usize) -> LinkId {
        LinkId(2 * site as u32)
    }

    /// The link on which a site receives.
    #[must_use]
    pub fn down(&self, site: usize) -> LinkId {
        LinkId(2 * site as u32 + 1)
    }

    /// The link from one region to its neighbour, if it can be full.
    #[must_use]
    pub fn trunk(&self, from: RegionId, to: RegionId) -> Option<LinkId> {
        let first = 2 * self.sites.len();
        (self.trunks.iter().enumerate()).find_map(|(index, trunk)| {
            let link = first + 2 * index;
            if trunk.between == (from, to) {
                Some(LinkId(link as u32))
            } else if trunk.between == (to, from) {
                Some(LinkId(link as u32 + 1))
            } else {
                None
            }
        })
    }

    /// The path of a transfer; empty within one site, where nothing has to be moved.
    #[must_use]
    pub fn route(&self, from: usize, to: usize) -> Links {
        if from == to {
            return Links::new();
        }
        let (start, end) = (self.sites[from].region, self.sites[to].region);
        let mut path = Links::new();
        path.push(self.up(from));
        path.extend_from_slice(&self.routes[start.index() * self.regions + end.index()]);
        path.push(self.down(to));
        path
    }
}

#[cfg(test)]
mod tests {
    use walras_des::SimTime;

    use super::super::Region;
    use super::super::flows::Flows;
    use super::*;

    /// Three regions in a row: from the first to the last over both trunks, and back.
    #[test]
    fn a_transfer_takes_the_links_of_its_sites_and_the_trunks_between() {
        let regions = ["a", "b", "c"].map(|name| Region {
            name: name.into(),
            electricity: 0.1,
            utc_offset: 0.0,
        });
        let id = RegionId;
        let network = Network::new(
            regions.to_vec(),
            &[(id(0), id(1), 0.1), (id(1), id(2), 0.06)],
            0.002,
        )
        .expect("connected");
        let site = |region, up, down| Site {
            region: id(region),
            up,
            down,
        };
        let trunk = |a, b, capacity| Trunk {
            between: (id(a), id(b)),
            capacity,
        };
        let topology = Topology::new(
            &network,
            vec![
                site(0, 10.0, 100.0),
                site(2, 5.0, 50.0),
                site(0, 20.0, 200.0),
            ],
            vec![trunk(0, 1, 8.0), trunk(2, 1, 3.0)],
        );
        let path = |from, to| {
            topology
                .route(from, to)
                .iter()
                .map(|link| link.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(path(0, 1), [0, 6, 9, 3]);
        assert_eq!(path(1, 0), [2, 8, 7, 1]);
        assert_eq!(path(0, 2), [0, 5]);
        assert!(path(1, 1).is_empty());
        // Both ways at once: links have two directions.
        let mut flows = Flows::new(topology.capacities());
        let there = flows.start(SimTime::ZERO, &topology.route(0, 1), 100, None);
        let back = flows.start(SimTime::ZERO, &topology.route(1, 0), 100, None);
        assert_eq!((flows.rate(there), flows.rate(back)), (3.0, 3.0));
    }
}
