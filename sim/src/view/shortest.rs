//! An index over the cards: the node with the fewest outstanding jobs, the nearest among equals, without looking at every node.
//!
//! Nodes of one region and one device class stand in the order of their access latency, which is that of their distance from any
//! customer, under a tournament tree of their counts.

use super::tournament::Tournament;
use super::{NodeCard, View};
use crate::ids::{JobId, NodeId, ProfileId, RegionId};

/// The index.
#[derive(Debug)]
pub(super) struct ShortestQueues {
    groups: Vec<Group>,
    /// Group and place in it of each node.
    places: Vec<(u32, u32)>,
}

/// Nodes of one region and one device class.
#[derive(Debug)]
struct Group {
    region: RegionId,
    profile: ProfileId,
    /// In the order of access latency, then of id.
    nodes: Vec<NodeId>,
    /// Outstanding jobs of each node; [`DOWN`] if it is not up.
    counts: Tournament<u32>,
}

/// More than any node holds.
const DOWN: u32 = u32::MAX;

impl ShortestQueues {
    /// The index over `cards`.
    pub(super) fn new(cards: &[NodeCard]) -> Self {
        let mut order: Vec<NodeId> = (0..cards.len()).map(NodeId::new).collect();
        order.sort_by_key(|&node| (cards[node.index()].access, node));
        let mut groups: Vec<Group> = Vec::new();
        let mut places = vec![(0, 0); cards.len()];
        for node in order {
            let NodeCard {
                region, profile, ..
            } = cards[node.index()];
            let found = groups
                .iter()
                .position(|group| (group.region, group.profile) == (region, profile));
            let index = found.unwrap_or_else(|| {
                groups.push(Group {
                    region,
                    profile,
                    nodes: Vec::new(),
                    counts: Tournament::new(0, DOWN),
                });
                groups.len() - 1
            });
            let nodes = &mut groups[index].nodes;
            places[node.index()] = (index as u32, nodes.len() as u32);
            nodes.push(node);
        }
        for group in &mut groups {
            group.counts = Tournament::new(group.nodes.len(), DOWN);
        }
        let mut index = Self { groups, places };
        for (node, card) in cards.iter().enumerate() {
            index.update(NodeId::new(node), card);
        }
        index
    }

    /// Follows a change of `card`.
    pub(super) fn update(&mut self, node: NodeId, card: &NodeCard) {
        let (group, place) = self.places[node.index()];
        let count = if card.is_up() { card.outstanding } else { DOWN };
        self.groups[group as usize]
            .counts
            .update(place as usize, count);
    }

    /// The node that takes the job and has the fewest outstanding jobs; the nearest among equals, then the lowest id.
    pub(super) fn find(&self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        let mut best = None;
        for group in &self.groups {
            let bound = best.map_or(view.slots().saturating_sub(1), |(least, _, _)| least);
            if group.counts.least() > bound || !view.holds(job, group.nodes[0]) {
                continue;
            }
            let takes = |place: usize| {
                let node = group.nodes[place];
                view.is_open(node) && view.affordable(job, node)
            };
            if let Some((least, place)) = group.counts.first(bound, &takes) {
                let node = group.nodes[place];
                let key = (least, view.latency(job, node), node);
                best = Some(best.map_or(key, |other| key.min(other)));
            }
        }
        best.map(|(_, _, node)| node)
    }
}
