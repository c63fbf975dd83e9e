//! Stored objects: pieces of each on several nodes, out of reach while a node is away, lost with a node that leaves for good, and
//! repaired from what others hold.
//!
//! An object is cut into pieces of which any `needed` restore it: with one needed these are replicas, with more an erasure code
//! (Weatherspoon and Kubiatowicz, IPTPS 2002), whose repair moves as many pieces to make one. Who manages the objects cannot tell
//! who left for good from who will be back: after a timeout the pieces of an absent node no longer count, and new ones are made; if
//! the node returns with them they count again (Chun et al., NSDI 2006). Disks are as large as they need to be.

use std::collections::BTreeSet;
use std::sync::Arc;

use smallvec::SmallVec;
use walras_des::{Dist, Purpose, SimTime, Span, Stream, Streams};

use crate::cluster::transfers::TransferId;
use crate::cluster::view::NodeCard;
use crate::ids::NodeId;

/// A stored object, by its position in [`Storage::objects`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u32);

impl ObjectId {
    /// Position in the table of objects.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its size [bytes].
    pub bytes: u64,
    /// Pieces, each on a node of its own.
    pub pieces: u32,
    /// Pieces that restore it.
    pub needed: u32,
}

impl Object {
    /// So many copies of all of it.
    #[must_use]
    pub fn replicas(bytes: u64, copies: u32) -> Self {
        Self {
            bytes,
            pieces: copies,
            needed: 1,
        }
    }

    /// `pieces` of which any `needed` restore it.
    #[must_use]
    pub fn coded(bytes: u64, needed: u32, pieces: u32) -> Self {
        Self {
            bytes,
            pieces,
            needed,
        }
    }

    /// Size of one piece [bytes].
    #[must_use]
    pub fn piece(&self) -> u64 {
        self.bytes.div_ceil(u64::from(self.needed))
    }
}

/// Which nodes hold the pieces of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// Any, each as likely as the others.
    #[default]
    Random,
    /// Any of those in the regions that hold the fewest of its pieces.
    Spread,
}

/// Stored objects and how they are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    /// The objects, all of them there from the start.
    pub objects: Vec<Object>,
    /// Where pieces are put.
    pub placement: Placement,
    /// For how long a node is away before its pieces no longer count [h], drawn for each absence; `None` if nothing is repaired.
    pub timeout: Option<Dist>,
    /// Share of departures that are for good: what comes up in that place later is another node, and empty.
    pub for_good: f64,
    /// For how long the objects are watched, also when no job is left; or until all of them are lost.
    pub watched: Span,
}

/// What became of stored objects, and what moved over the network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Bytes that arrived somewhere, or were on the way when a transfer was broken off on shared links.
    pub moved: u64,
    /// What leaving regions cost of them [USD].
    pub egress: f64,
    /// Reads of objects by tasks that found all they needed on their nodes.
    pub reads_local: u64,
    /// Reads that brought something from other nodes.
    pub reads_remote: u64,
    /// Reads of what no node held or could deliver: the owner sent it again.
    pub reads_outside: u64,
    /// Objects in all.
    pub objects: u64,
    /// The objects of which too few pieces were left, and when.
    pub lost: Vec<(SimTime, ObjectId)>,
    /// Share of time with enough pieces on nodes that were up; mean over all objects, lost ones included.
    pub available: f64,
    /// Pieces held, on whatever nodes; mean over time and objects.
    pub held: f64,
    /// Pieces made anew.
    pub repairs: u64,
    /// Bytes moved by repairs that came to their end.
    pub repaired: u64,
}

/// An object's state.
#[derive(Debug)]
struct Item {
    /// Who holds a piece; whether they are up or not.
    holders: SmallVec<[NodeId; 4]>,
    /// How many of them are up.
    up: u32,
    /// Pieces that count for who manages them: not those of nodes away for too long, but of nodes that left for good unnoticed.
    counted: u32,
    /// Who is getting one.
    making: SmallVec<[NodeId; 2]>,
    is_lost: bool,
}

/// A node that left.
#[derive(Debug)]
struct Absence {
    node: NodeId,
    /// Tells it from later absences.
    stamp: u32,
    /// What left with it for good.
    gone: Vec<ObjectId>,
}

/// A piece that is being made.
#[derive(Debug)]
pub(super) struct Repair {
    pub object: ObjectId,
    pub target: NodeId,
    /// Transfers that it needs, as far as they are under way.
    pub transfers: SmallVec<[TransferId; 2]>,
}

/// What is stored on the nodes of a cluster.
#[derive(Debug)]
pub(super) struct Store {
    storage: Arc<Storage>,
    items: Vec<Item>,
    /// Pieces by node.
    shelves: Vec<Vec<ObjectId>>,
    /// The region of each node.
    regions: Vec<u32>,
    /// How often each node has left or returned, and whether its pieces no longer count.
    changes: Vec<u32>,
    is_written_off: Vec<bool>,
    absences: Vec<Absence>,
    /// By slot.
    repairs: Vec<Option<Repair>>,
    free: Vec<u32>,
    /// Objects short of pieces that could not be repaired when it was tried.
    stuck: BTreeSet<ObjectId>,
    places: Stream,
    fates: Stream,
    timeouts: Stream,
    pub figures: Figures,
    /// Objects that can be read now, and pieces held.
    available: u64,
    held: u64,
    /// Their integrals over time [object nanoseconds], up to `at`.
    available_time: u128,
    held_time: u128,
    at: SimTime,
    /// Whether the time to watch is over.
    pub is_watched: bool,
}

impl Store {
    /// Puts the pieces of all objects on nodes, as if all were up; [`Store::away`] tells who is not. `regions` has the region of each
    /// node.
    ///
    /// # Panics
    /// If an object has more pieces than there are nodes, needs more than it has or none, or the share of departures for good is no share.
    pub fn new(storage: &Arc<Storage>, regions: Vec<u32>, streams: &Streams) -> Self {
        assert!(
            (0.0..=1.0).contains(&storage.for_good),
            "share of departures for good: {}; it must be from 0 to 1",
            storage.for_good
        );
        let nodes = regions.len();
        let mut store = Self {
            storage: Arc::clone(storage),
            items: Vec::with_capacity(storage.objects.len()),
            shelves: vec![Vec::new(); nodes],
            changes: vec![0; nodes],
            is_written_off: vec![false; nodes],
            regions,
            absences: Vec::new(),
            repairs: Vec::new(),
            free: Vec::new(),
            stuck: BTreeSet::new(),
            places: streams.open(Purpose::new("pieces"), 0),
            fates: streams.open(Purpose::new("departures"), 0),
            timeouts: streams.open(Purpose::new("timeouts"), 0),
            figures: Figures {
                objects: storage.objects.len() as u64,
                ..Figures::default()
            },
            available: 0,
            held: 0,
            available_time: 0,
            held_time: 0,
            at: SimTime::ZERO,
            is_watched: false,
        };
        for (index, object) in storage.objects.iter().enumerate() {
            let pieces = object.pieces as usize;
            assert!(
                0 < object.needed && object.needed <= object.pieces && pieces <= nodes,
                "object {index} needs {} of {pieces} pieces on {nodes} nodes; it must need at least one and have as many, on \
                 nodes of their own",
                object.needed,
            );
            let mut holders = SmallVec::new();
            for _ in 0..pieces {
                let node = store
                    .place(&holders, &holders, |_| true)
                    .expect("there are enough nodes");
                holders.push(node);
                store.shelves[node.index()].push(ObjectId(index as u32));
            }
            store.items.push(Item {
                holders,
                up: object.pieces,
                counted: object.pieces,
                making: SmallVec::new(),
                is_lost: false,
            });
            store.available += 1;
            store.held += u64::from(object.pieces);
        }
        store
    }

    pub fn watched(&self) -> Span {
        self.storage.watched
    }

    pub fn object(&self, object: ObjectId) -> &Object {
        &self.storage.objects[object.index()]
    }

    /// Who holds a piece of it, up or not; nobody if there is no such object.
    pub fn holders(&self, object: ObjectId) -> &[NodeId] {
        self.items
            .get(object.index())
            .map_or(&[], |item| &item.holders)
    }

    /// A node for one more piece: one that is `open` and not `taken`; in regions with the fewest of the `present`, if they are spread.
    fn place(
        &mut self,
        taken: &[NodeId],
        present: &[NodeId],
        open: impl Fn(NodeId) -> bool,
    ) -> Option<NodeId> {
        let crowd = |region: u32| {
            let here = |node: &&NodeId| self.regions[node.index()] == region;
            match self.storage.placement {
                Placement::Random => 0,
                Placement::Spread => present.iter().filter(here).count(),
            }
        };
        let count = self.shelves.len();
        if self.storage.placement == Placement::Random {
            // Rarely more than one draw.
            for _ in 0..8 {
                let node = NodeId::new(self.places.below(count as u64) as usize);
                if open(node) && !taken.contains(&node) {
                    return Some(node);
                }
            }
        }
        let nodes = (0..count).map(NodeId::new);
        let mut fewest = usize::MAX;
        let mut best: Vec<NodeId> = Vec::new();
        for node in nodes.filter(|&node| open(node) && !taken.contains(&node)) {
            let crowd = crowd(self.regions[node.index()]);
            if crowd < fewest {
                fewest = crowd;
                best.clear();
            }
            if crowd == fewest {
                best.push(node);
            }
        }
        if best.is_empty() {
            return None;
        }
        let chosen = self.places.below(best.len() as u64) as usize;
        Some(best[chosen])
    }

    /// Brings the integrals up to now.
    fn account(&mut self, now: SimTime) {
        let elapsed = u128::from((now - self.at).as_nanos());
        self.available_time += elapsed * u128::from(self.available);
        self.held_time += elapsed * u128::from(self.held);
        self.at = now;
    }

    /// A piece of an object comes into reach, or goes out of it.
    fn reach(&mut self, object: ObjectId, comes: bool) {
        let needed = self.storage.objects[object.index()].needed;
        let item = &mut self.items[object.index()];
        let before = item.up >= needed && !item.is_lost;
        if comes {
            item.up += 1;
        } else {
            item.up -= 1;
        }
        let after = item.up >= needed && !item.is_lost;
        if after && !before {
            self.available += 1;
        } else if before && !after {
            self.available -= 1;
        }
    }

    /// A node has left. Returns the absence and when it is noticed, if anything is repaired.
    pub fn left(&mut self, node: NodeId, now: SimTime) -> Option<(u32, Span)> {
        self.account(now);
        let pieces = std::mem::take(&mut self.shelves[node.index()]);
        for &object in &pieces {
            self.reach(object, false);
        }
        self.changes[node.index()] += 1;
        let is_for_good = self.fates.uniform() < self.storage.for_good;
        if is_for_good {
            for &object in &pieces {
                self.lose(object, node, now);
            }
        }
        let gone = if is_for_good {
            pieces
        } else {
            self.shelves[node.index()] = pieces;
            Vec::new()
        };
        self.absence(node, gone)
    }

    /// A node is away from the start. Returns the absence and when it is noticed, likewise.
    pub fn away(&mut self, node: NodeId) -> Option<(u32, Span)> {
        for at in 0..self.shelves[node.index()].len() {
            self.reach(self.shelves[node.index()][at], false);
        }
        self.absence(node, Vec::new())
    }

    fn absence(&mut self, node: NodeId, gone: Vec<ObjectId>) -> Option<(u32, Span)> {
        let timeout = self.storage.timeout.as_ref()?;
        let after = timeout.sample(&mut self.timeouts).max(0.0);
        self.absences.push(Absence {
            node,
            stamp: self.changes[node.index()],
            gone,
        });
        Some((
            self.absences.len() as u32 - 1,
            Span::from_secs_f64(after * 3600.0),
        ))
    }

    fn lose(&mut self, object: ObjectId, node: NodeId, now: SimTime) {
        let needed = self.storage.objects[object.index()].needed as usize;
        let item = &mut self.items[object.index()];
        item.holders.retain(|holder| *holder != node);
        self.held -= 1;
        if item.holders.len() < needed && !item.is_lost {
            item.is_lost = true;
            self.figures.lost.push((now, object));
            self.stuck.remove(&object);
        }
    }

    /// Whether nothing is left to watch.
    pub fn all_lost(&self) -> bool {
        self.figures.lost.len() == self.items.len()
    }

    /// A node is back, with what it had.
    pub fn returned(&mut self, node: NodeId, now: SimTime) {
        self.account(now);
        self.changes[node.index()] += 1;
        let counts_again = std::mem::take(&mut self.is_written_off[node.index()]);
        for at in 0..self.shelves[node.index()].len() {
            let object = self.shelves[node.index()][at];
            self.reach(object, true);
            self.items[object.index()].counted += u32::from(counts_again);
        }
    }

    /// An absence has lasted too long: its pieces no longer count, unless the node is back. Returns these objects.
    pub fn noticed(&mut self, absence: u32) -> Vec<ObjectId> {
        let entry = &mut self.absences[absence as usize];
        let (node, stamp) = (entry.node, entry.stamp);
        let mut short = std::mem::take(&mut entry.gone);
        let is_away = self.changes[node.index()] == stamp;
        if short.is_empty() && is_away {
            self.is_written_off[node.index()] = true;
            short.clone_from(&self.shelves[node.index()]);
        }
        for object in &short {
            self.items[object.index()].counted -= 1;
        }
        short
    }

    /// Objects short of pieces that could not be repaired before.
    pub fn stuck(&self) -> Vec<ObjectId> {
        self.stuck.iter().copied().collect()
    }

    /// Begins the repair of one piece of an object that is short of them: its slot, the nodes that send, and the one that gets it.
    /// `None` if it is not short, is lost, or cannot be repaired now.
    pub fn repair(
        &mut self,
        object: ObjectId,
        nodes: &[NodeCard],
    ) -> Option<(u32, SmallVec<[NodeId; 2]>, NodeId)> {
        let Object { pieces, needed, .. } = self.storage.objects[object.index()];
        let item = &self.items[object.index()];
        self.stuck.remove(&object);
        if item.is_lost || item.counted as usize + item.making.len() >= pieces as usize {
            return None;
        }
        let mut sources: SmallVec<[NodeId; 2]> = (item.holders.iter().copied())
            .filter(|node| nodes[node.index()].is_up)
            .collect();
        if sources.len() < needed as usize {
            self.stuck.insert(object);
            return None;
        }
        let mut taken = item.holders.clone();
        taken.extend_from_slice(&item.making);
        let is_up = |node: NodeId| nodes[node.index()].is_up;
        let Some(target) = self.place(&taken, &taken, is_up) else {
            self.stuck.insert(object);
            return None;
        };
        // The first of a random order.
        for at in 0..needed as usize {
            let other = at + self.places.below((sources.len() - at) as u64) as usize;
            sources.swap(at, other);
        }
        sources.truncate(needed as usize);
        self.items[object.index()].making.push(target);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.repairs.push(None);
            self.repairs.len() as u32 - 1
        });
        self.repairs[slot as usize] = Some(Repair {
            object,
            target,
            transfers: SmallVec::new(),
        });
        Some((slot, sources, target))
    }

    /// A repair under way.
    pub fn under_way(&mut self, slot: u32) -> &mut Repair {
        self.repairs[slot as usize]
            .as_mut()
            .expect("the repair is under way")
    }

    /// Breaks a repair off.
    pub fn give_up(&mut self, slot: u32) -> Repair {
        let repair = self.repairs[slot as usize]
            .take()
            .expect("the repair is under way");
        self.free.push(slot);
        let making = &mut self.items[repair.object.index()].making;
        making.retain(|target| *target != repair.target);
        repair
    }

    /// A piece has been made, from the bytes of as many as are needed.
    pub fn made(&mut self, slot: u32, now: SimTime) {
        let Repair { object, target, .. } = self.give_up(slot);
        self.account(now);
        let Object { needed, .. } = self.storage.objects[object.index()];
        self.figures.repairs += 1;
        self.figures.repaired += self.storage.objects[object.index()].piece() * u64::from(needed);
        let item = &mut self.items[object.index()];
        if item.is_lost {
            return;
        }
        item.holders.push(target);
        item.counted += 1;
        self.held += 1;
        self.shelves[target.index()].push(object);
        self.reach(object, true);
    }

    /// Pieces that a reader on these nodes has to get from others.
    pub fn missing(&self, object: ObjectId, readers: &[NodeId]) -> usize {
        let needed = self.storage.objects[object.index()].needed as usize;
        let holders = &self.items[object.index()].holders;
        let here = holders.iter().filter(|node| readers.contains(node)).count();
        needed.saturating_sub(here)
    }

    /// The nearest of those that hold a piece and are up, by chance among equally near ones; `None` if they are fewer than `count`.
    pub fn sources(
        &mut self,
        object: ObjectId,
        count: usize,
        excluded: &[NodeId],
        nodes: &[NodeCard],
        distance: impl Fn(NodeId) -> Span,
    ) -> Option<Vec<NodeId>> {
        let mut near: Vec<(Span, u64, NodeId)> = Vec::new();
        if count > 0 {
            for &node in &self.items[object.index()].holders {
                if nodes[node.index()].is_up && !excluded.contains(&node) {
                    near.push((distance(node), self.places.below(u64::MAX), node));
                }
            }
        }
        near.sort_unstable();
        near.truncate(count);
        (near.len() == count).then(|| near.into_iter().map(|(.., node)| node).collect())
    }

    /// All figures, up to now.
    pub fn finish(&mut self, now: SimTime) -> Figures {
        self.account(now);
        let whole = self.items.len() as f64 * now.as_nanos() as f64;
        if whole > 0.0 {
            self.figures.available = self.available_time as f64 / whole;
            self.figures.held = self.held_time as f64 / whole;
        }
        let pieces: u64 = self.shelves.iter().map(|shelf| shelf.len() as u64).sum();
        assert_eq!(pieces, self.held, "pieces on nodes = pieces held");
        std::mem::take(&mut self.figures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(placement: Placement, objects: usize, pieces: u32, regions: &[u32]) -> Store {
        let storage = Storage {
            objects: vec![Object::replicas(1, pieces); objects],
            placement,
            timeout: None,
            for_good: 0.0,
            watched: Span::ZERO,
        };
        Store::new(&Arc::new(storage), regions.to_vec(), &Streams::new(1, 0))
    }

    #[test]
    fn spread_pieces_are_in_as_many_regions_as_can_be() {
        let regions = [0, 0, 0, 0, 0, 0, 0, 1, 1, 2];
        let spread = store(Placement::Spread, 200, 4, &regions);
        for item in &spread.items {
            let mut found: Vec<u32> = (item.holders.iter())
                .map(|node| regions[node.index()])
                .collect();
            found.sort_unstable();
            // One in each, and the fourth in one that has room for it.
            found.dedup();
            assert_eq!(found, [0, 1, 2]);
        }
    }

    /// Every node is as likely as the others: Pearson's statistic of 3,000 pieces on ten nodes is below the 99.9 % point with nine
    /// degrees of freedom. Pieces of an object exclude each other, which only makes it smaller.
    #[test]
    fn random_pieces_are_anywhere() {
        let random = store(Placement::Random, 1000, 3, &[0; 10]);
        let counts = random.shelves.iter().map(|shelf| shelf.len() as f64);
        let statistic: f64 = counts
            .map(|count| (count - 300.0) * (count - 300.0) / 300.0)
            .sum();
        assert!(statistic < 27.88, "{statistic}");
        for item in &random.items {
            let mut holders = item.holders.clone();
            holders.sort_unstable();
            holders.dedup();
            assert_eq!(holders.len(), 3);
        }
    }

    #[test]
    #[should_panic(expected = "object 0 needs 1 of 4 pieces on 3 nodes")]
    fn pieces_need_nodes_of_their_own() {
        let _ = store(Placement::Random, 1, 4, &[0; 3]);
    }
}
