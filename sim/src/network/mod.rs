//! Sites and the latency between them: a petgraph of regions, with routes precomputed.

pub mod egress;
pub mod flows;
pub mod topology;

use petgraph::algo::astar;
use petgraph::graph::{NodeIndex, UnGraph};
use walras_des::Span;

use crate::ids::RegionId;

/// A region: where owners and customers are, and what power costs there.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Name in the catalog.
    pub name: String,
    /// Retail price of electricity [USD/kWh].
    pub electricity: f64,
    /// How far its clocks are ahead of universal time [h].
    pub utc_offset: f64,
}

/// The regions and the one-way latency of the best route between each pair.
#[derive(Clone, Debug)]
pub struct Network {
    regions: Vec<Region>,
    one_way: Vec<Span>,
    /// Regions on the way, ends included, by pair.
    routes: Vec<Vec<RegionId>>,
}

/// Two regions that no chain of links connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// The first region.
    pub from: String,
    /// The second region.
    pub to: String,
}

impl Network {
    /// Builds the network from measured links `(a, b, round trip [s])`.
    /// A pair that has no link of its own is routed over the links it has.
    ///
    /// # Errors
    /// If two regions are not connected.
    pub fn new(
        regions: Vec<Region>,
        links: &[(RegionId, RegionId, f64)],
        inside: f64,
    ) -> Result<Self, Unreachable> {
        let mut graph = UnGraph::<(), f64>::with_capacity(regions.len(), links.len());
        let sites: Vec<NodeIndex> = regions.iter().map(|_| graph.add_node(())).collect();
        for &(a, b, round_trip) in links {
            graph.add_edge(sites[a.index()], sites[b.index()], round_trip);
        }
        let pairs = regions.len() * regions.len();
        let (mut one_way, mut routes) = (Vec::with_capacity(pairs), Vec::with_capacity(pairs));
        for (from, &start) in sites.iter().enumerate() {
            for (to, &end) in sites.iter().enumerate() {
                let direct = graph.find_edge(start, end).map(|edge| graph[edge]);
                let route = if from == to {
                    Some((inside, vec![start]))
                } else if let Some(round_trip) = direct {
                    Some((round_trip, vec![start, end]))
                } else {
                    astar(
                        &graph,
                        start,
                        |site| site == end,
                        |edge| *edge.weight(),
                        |_| 0.0,
                    )
                };
                let Some((round_trip, route)) = route else {
                    return Err(Unreachable {
                        from: regions[from].name.clone(),
                        to: regions[to].name.clone(),
                    });
                };
                one_way.push(Span::from_secs_f64(round_trip / 2.0));
                routes.push(
                    route
                        .iter()
                        .map(|site| RegionId::new(site.index()))
                        .collect(),
                );
            }
        }
        Ok(Self {
            regions,
            one_way,
            routes,
        })
    }

    /// The regions on the way from `a` to `b`, both included.
    #[must_use]
    pub fn route(&self, a: RegionId, b: RegionId) -> &[RegionId] {
        &self.routes[a.index() * self.regions.len() + b.index()]
    }

    /// One-way latency from `a` to `b`.
    #[must_use]
    pub fn one_way(&self, a: RegionId, b: RegionId) -> Span {
        self.one_way[a.index() * self.regions.len() + b.index()]
    }

    /// The regions, by id.
    #[must_use]
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> Region {
        Region {
            name: name.into(),
            electricity: 0.1,
            utc_offset: 0.0,
        }
    }

    #[test]
    fn a_measured_link_wins_and_a_missing_one_is_routed() {
        let regions = vec![region("a"), region("b"), region("c")];
        let links = [
            (RegionId(0), RegionId(1), 0.1),
            (RegionId(1), RegionId(2), 0.06),
        ];
        let network = Network::new(regions, &links, 0.002).unwrap();
        assert_eq!(
            network.one_way(RegionId(0), RegionId(1)),
            Span::from_secs_f64(0.05)
        );
        assert_eq!(
            network.one_way(RegionId(0), RegionId(2)),
            Span::from_secs_f64(0.08)
        );
        assert_eq!(
            network.one_way(RegionId(2), RegionId(0)),
            Span::from_secs_f64(0.08)
        );
        let [a, b, c] = [RegionId(0), RegionId(1), RegionId(2)];
        assert_eq!(network.route(c, a), [c, b, a]);
        assert_eq!(network.route(a, b), [a, b]);
        assert_eq!(
            network.one_way(RegionId(1), RegionId(1)),
            Span::from_secs_f64(0.001)
        );
    }

    #[test]
    fn an_unreachable_region_is_named() {
        let regions = vec![region("a"), region("b")];
        let error = Network::new(regions, &[], 0.0).unwrap_err();
        assert_eq!(
            error,
            Unreachable {
                from: "a".into(),
                to: "b".into()
            }
        );
    }
}
