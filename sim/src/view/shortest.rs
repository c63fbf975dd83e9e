//! An index over the cards: the node with the fewest outstanding jobs, the nearest among equals, without looking at every node.
//!
//! Nodes of one region and one device class stand in the order of their access latency, which is that of their distance from any
//! customer, under a tournament tree of the least count. A change costs the part of one path up to where the least stays the same;
//! the search goes down from the root, to the left among equals, and turns back only where a node does not take the job.

use super::{NodeCard, View};
use crate::ids::{JobId, NodeId, ProfileId, RegionId};

/// The index.
#[derive(Debug)]
pub(super) struct ShortestQueues {
    groups: Vec<Group>,
    /// Group and leaf of each node.
    places: Vec<(u32, u32)>,
}

/// Nodes of one region and one device class.
#[derive(Debug)]
struct Group {
    region: RegionId,
    profile: ProfileId,
    /// In the order of access latency, then of id.
    nodes: Vec<NodeId>,
    /// Outstanding jobs of each node from the middle on, [`DOWN`] if it is not up; before it, the less of the two below.
    tree: Vec<u32>,
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
                    tree: Vec::new(),
                });
                groups.len() - 1
            });
            let nodes = &mut groups[index].nodes;
            places[node.index()] = (index as u32, nodes.len() as u32);
            nodes.push(node);
        }
        for group in &mut groups {
            group.tree = vec![DOWN; 2 * group.nodes.len().next_power_of_two()];
        }
        let mut index = Self { groups, places };
        for (node, card) in cards.iter().enumerate() {
            index.update(NodeId::new(node), card);
        }
        index
    }

    /// Follows a change of `card`.
    pub(super) fn update(&mut self, node: NodeId, card: &NodeCard) {
        let (group, leaf) = self.places[node.index()];
        let tree = &mut self.groups[group as usize].tree;
        let mut at = tree.len() / 2 + leaf as usize;
        let mut least = if card.is_up() { card.outstanding } else { DOWN };
        while tree[at] != least {
            tree[at] = least;
            if at == 1 {
                break;
            }
            least = least.min(tree[at ^ 1]);
            at /= 2;
        }
    }

    /// The node that takes the job and has the fewest outstanding jobs; the nearest among equals, then the lowest id.
    pub(super) fn find(&self, job: JobId, view: &View<'_>) -> Option<NodeId> {
        let mut best = None;
        for group in &self.groups {
            let root = group.tree[1];
            if best.is_some_and(|(least, _, _)| root > least) || !view.holds(job, group.nodes[0]) {
                continue;
            }
            let bound = best.map_or(view.slots().saturating_sub(1), |(least, _, _)| least);
            let takes = |node| view.is_open(node) && view.affordable(job, node);
            if let Some((least, leaf)) = group.first_least(1, bound, &takes) {
                let node = group.nodes[leaf];
                let key = (least, view.latency(job, node), node);
                best = Some(best.map_or(key, |other| key.min(other)));
            }
        }
        best.map(|(_, _, node)| node)
    }
}

impl Group {
    /// Below `at`, of the leaves with at most `bound` whose node `takes` the job, the first with the least.
    fn first_least(
        &self,
        at: usize,
        bound: u32,
        takes: &impl Fn(NodeId) -> bool,
    ) -> Option<(u32, usize)> {
        let least = self.tree[at];
        if least > bound || least == DOWN {
            return None;
        }
        if let Some(leaf) = at.checked_sub(self.tree.len() / 2) {
            return takes(self.nodes[leaf]).then_some((least, leaf));
        }
        let (left, right) = (2 * at, 2 * at + 1);
        if self.tree[left] <= self.tree[right] {
            let first = self.first_least(left, bound, takes);
            // On the right, only what is less than the best on the left can win.
            match first {
                Some((0, _)) => first,
                Some((found, _)) if found <= self.tree[right] => first,
                Some((found, _)) => self.first_least(right, found - 1, takes).or(first),
                None => self.first_least(right, bound, takes),
            }
        } else {
            let second = self.first_least(right, bound, takes);
            let bound = second.map_or(bound, |(found, _)| found);
            self.first_least(left, bound, takes).or(second)
        }
    }
}
