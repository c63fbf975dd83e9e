//! Data on the move: inputs that a task waits for before it works, and pieces of stored objects on their way to where they are kept.

use walras_des::{SimTime, Span, Streams};

use super::{Cargo, Cx, Event, World};
use crate::cluster::TaskId;
use crate::cluster::job::Job;
use crate::cluster::observer::Observer;
use crate::cluster::policy::Scheduler;
use crate::cluster::store::{ObjectId, Store};
use crate::cluster::transfers::{Transfer, TransferId};
use crate::cluster::view::{Books, Stage};
use crate::ids::NodeId;

impl<S: Scheduler, J: Iterator<Item = Job>, O: Observer> World<'_, S, J, O> {
    /// Puts the stored objects in their places, once it is known who is up. Returns what is to happen, and after how long.
    pub(super) fn begin_data(&mut self, streams: &Streams) -> Vec<(Span, Event)> {
        let count = self.books.nodes.len();
        let links = self.traffic.links();
        if let Some(links) = links {
            assert!(
                links.nodes() == count,
                "{count} nodes, and access links of {}: each node needs its own",
                links.nodes()
            );
        }
        let Some(storage) = &self.cluster.storage else {
            return Vec::new();
        };
        let region = |node| links.map_or(0, |links| links.region(node).0);
        let regions = (0..count).map(NodeId::new).map(region).collect();
        let mut store = Store::new(storage, regions, streams);
        let mut agenda = vec![(store.watched(), Event::Watched)];
        for node in (0..count).map(NodeId::new) {
            if !self.books.nodes[node.index()].is_up
                && let Some((absence, after)) = store.away(node)
            {
                agenda.push((after, Event::Missed { absence }));
            }
        }
        self.books.store = Some(Box::new(store));
        agenda
    }

    /// Remembers what a task reads.
    pub(super) fn note_reads(&mut self, task: TaskId, reads: Box<[ObjectId]>) {
        let stored = self.cluster.storage.as_ref();
        let count = stored.map_or(0, |storage| storage.objects.len());
        for object in &reads {
            assert!(
                object.index() < count,
                "a task reads object {}, and {count} are stored; their numbers begin at zero",
                object.0
            );
        }
        self.books.reads.insert(task, reads);
    }

    /// Whether nothing is left to do.
    pub(super) fn is_over(&self) -> bool {
        let is_watched = self
            .books
            .store
            .as_ref()
            .is_none_or(|store| store.is_watched);
        self.live == 0 && self.next.is_none() && is_watched
    }

    /// What happens to data, apart from what happens in every run.
    #[cold]
    pub(super) fn handle_data(&mut self, event: Event, cx: &mut Cx) {
        match event {
            Event::Moved { stamp } => self.moved(stamp, cx),
            Event::Arrived { transfer } => self.arrived(transfer, cx),
            Event::Missed { absence } => self.missed(absence, cx),
            Event::Watched => self.watched(cx),
            other => unreachable!("{other:?} is not about data"),
        }
    }

    fn watched(&mut self, cx: &mut Cx) {
        if let Some(store) = &mut self.books.store {
            store.is_watched = true;
        }
        if self.is_over() {
            cx.stop();
        }
    }

    /// Brings what a task needs to the first of its nodes. Returns how long that takes if transfers are as if alone; on shared links
    /// the task waits for what it fetches.
    pub(super) fn bring(&mut self, task: TaskId, nodes: &[NodeId], cx: &mut Cx) -> Span {
        if self.books.tasks[task.index()].parents.is_empty() && self.books.reads.is_empty() {
            return Span::ZERO;
        }
        let first = self.first_of(task);
        let mut takes = Span::ZERO;
        for at in 0..self.books.tasks[task.index()].parents.len() {
            let (parent, bytes) = self.books.tasks[task.index()].parents[at];
            // What has not ended sends when it ends.
            if let Some((from, _)) = self.books.tasks[(first + parent) as usize].done
                && !nodes.contains(&from)
            {
                let cargo = Cargo::Input(task);
                takes = takes.max(self.fetch(task, Some(from), nodes[0], bytes, cargo, cx));
            }
        }
        takes.max(self.read(task, nodes, cx))
    }

    /// Has sent to the node of a bound task what is there already; what its parents leave is sent when they end.
    pub(super) fn bind_inputs(&mut self, task: TaskId, node: NodeId, cx: &mut Cx) {
        let takes = if self.traffic.links().is_some() {
            self.bring(task, &[node], cx)
        } else {
            self.read(task, &[node], cx)
        };
        self.tasks[task.index()].inputs = cx.now() + takes;
    }

    /// Finds when the inputs of a bound task are there, once its parents have ended: each is sent when its parent ends, and it is
    /// known where to.
    pub(super) fn await_inputs(&mut self, task: TaskId, node: NodeId, cx: &mut Cx) {
        let state = &self.tasks[task.index()];
        if state.blocked_by > 0 || state.is_fetching {
            return;
        }
        let mut inputs = state.inputs.max(cx.now());
        if self.traffic.links().is_none() {
            let (first, bound) = (self.first_of(task), state.bound);
            for &(parent, bytes) in &self.books.tasks[task.index()].parents {
                let parent = &self.books.tasks[(first + parent) as usize];
                let (from, at) = parent.done.expect("it has ended");
                if from != node {
                    inputs = inputs.max(at.max(bound) + self.traffic.time(bytes));
                    self.traffic.moved += bytes;
                }
            }
        }
        self.tasks[task.index()].inputs = inputs;
        cx.at(inputs, Event::Inputs { node });
    }

    /// Brings the objects that a task reads, likewise.
    fn read(&mut self, task: TaskId, nodes: &[NodeId], cx: &mut Cx) -> Span {
        let mut takes = Span::ZERO;
        let count = self.books.reads.get(&task).map_or(0, |reads| reads.len());
        for at in 0..count {
            let object = self.books.reads[&task][at];
            let store = stored(&mut self.books);
            let missing = store.missing(object, nodes);
            let (whole, piece) = (store.object(object).bytes, store.object(object).piece());
            let cargo = Cargo::Read(task, object);
            let Some(sources) = self.sources(object, missing, nodes[0], nodes) else {
                stored(&mut self.books).figures.reads_outside += 1;
                takes = takes.max(self.fetch(task, None, nodes[0], whole, cargo, cx));
                continue;
            };
            let figures = &mut stored(&mut self.books).figures;
            figures.reads_local += u64::from(sources.is_empty());
            figures.reads_remote += u64::from(!sources.is_empty());
            for from in sources {
                takes = takes.max(self.fetch(task, Some(from), nodes[0], piece, cargo, cx));
            }
        }
        takes
    }

    /// The nearest nodes that can send so many pieces of an object, none of them `excluded`.
    fn sources(
        &mut self,
        object: ObjectId,
        count: usize,
        to: NodeId,
        excluded: &[NodeId],
    ) -> Option<Vec<NodeId>> {
        let links = self.traffic.links();
        let distance = |from| links.map_or(Span::ZERO, |links| links.latency(from, to));
        let Books { nodes, store, .. } = &mut self.books;
        let store = store.as_mut().expect("tasks read what is stored");
        store.sources(object, count, excluded, nodes, distance)
    }

    /// Has bytes sent to a task. Returns how long that takes if transfers are as if alone.
    fn fetch(
        &mut self,
        task: TaskId,
        from: Option<NodeId>,
        to: NodeId,
        bytes: u64,
        cargo: Cargo,
        cx: &mut Cx,
    ) -> Span {
        if bytes == 0 {
            return Span::ZERO;
        }
        if self.traffic.links().is_none() {
            self.traffic.moved += bytes;
            return self.traffic.time(bytes);
        }
        let transfer = Transfer {
            from,
            to,
            bytes,
            cargo,
        };
        let id = self.traffic.send(transfer, cx);
        self.tasks[task.index()].is_fetching = true;
        self.fetches.entry(task).or_default().push(id);
        Span::ZERO
    }

    /// A parent has ended: on shared links it sends what a child needs that is bound to a node.
    pub(super) fn forward(&mut self, parent: TaskId, child: TaskId, cx: &mut Cx) {
        let Stage::Bound(node) = self.books.tasks[child.index()].stage else {
            return;
        };
        let position = parent.0 - self.first_of(child);
        let (from, _) = self.books.tasks[parent.index()].done.expect("it has ended");
        if self.traffic.links().is_none() || from == node {
            return;
        }
        let parents = &self.books.tasks[child.index()].parents;
        let bytes: u64 = (parents.iter().filter(|&&(it, _)| it == position))
            .map(|&(_, bytes)| bytes)
            .sum();
        self.fetch(child, Some(from), node, bytes, Cargo::Input(child), cx);
    }

    /// Breaks off what a task fetches.
    pub(super) fn stop_fetching(&mut self, task: TaskId, now: SimTime) {
        if !std::mem::take(&mut self.tasks[task.index()].is_fetching) {
            return;
        }
        for id in self.fetches.remove(&task).unwrap_or_default() {
            self.traffic.cancel(id, now);
        }
    }

    /// Flows end that were due.
    fn moved(&mut self, stamp: u32, cx: &mut Cx) {
        for (id, transfer) in self.traffic.ended(stamp, cx) {
            self.deliver(id, transfer, cx);
        }
    }

    fn arrived(&mut self, id: TransferId, cx: &mut Cx) {
        if let Some(transfer) = self.traffic.arrived(id) {
            self.deliver(id, transfer, cx);
        }
    }

    fn deliver(&mut self, id: TransferId, transfer: Transfer<Cargo>, cx: &mut Cx) {
        match transfer.cargo {
            Cargo::Input(task) | Cargo::Read(task, _) => {
                let fetches = self.fetches.get_mut(&task).expect("it waits for this");
                fetches.retain(|&other| other != id);
                if fetches.is_empty() {
                    self.fetches.remove(&task);
                    self.has_fetched(task, cx);
                }
            }
            Cargo::Repair(slot) => {
                let store = stored(&mut self.books);
                let repair = store.under_way(slot);
                repair.transfers.retain(|other| *other != id);
                if repair.transfers.is_empty() {
                    store.made(slot, cx.now());
                }
            }
        }
    }

    /// All that a task fetched is there.
    fn has_fetched(&mut self, task: TaskId, cx: &mut Cx) {
        match self.books.tasks[task.index()].stage {
            Stage::Running => {
                self.settle(task, cx.now());
                self.tasks[task.index()].is_fetching = false;
                self.work(task, cx);
            }
            Stage::Bound(node) => {
                self.tasks[task.index()].is_fetching = false;
                self.advance(node, cx);
            }
            stage => unreachable!("a task that is {stage:?} fetches nothing"),
        }
    }

    /// A node has left: what it held is out of reach, or lost, and what it sent or got breaks off.
    pub(super) fn lose_data(&mut self, node: NodeId, cx: &mut Cx) {
        if self.books.store.is_none() {
            return;
        }
        // Unless it is back in time, its pieces will be made anew.
        if let Some((absence, after)) = stored(&mut self.books).left(node, cx.now()) {
            cx.after(after, Event::Missed { absence });
        }
        let mut short = Vec::new();
        for (id, transfer) in self.traffic.touching(node) {
            match transfer.cargo {
                Cargo::Repair(slot) => {
                    // Several of its transfers may touch the node's links.
                    if self.traffic.get(id).is_none() {
                        continue;
                    }
                    let repair = stored(&mut self.books).give_up(slot);
                    for id in repair.transfers {
                        self.traffic.cancel(id, cx.now());
                    }
                    short.push(repair.object);
                }
                Cargo::Read(task, object) if transfer.from == Some(node) => {
                    self.read_elsewhere(task, object, id, transfer, cx);
                }
                Cargo::Read(..) | Cargo::Input(_) => {}
            }
        }
        for object in short {
            self.mend(object, cx);
        }
        if stored(&mut self.books).all_lost() {
            self.watched(cx);
        }
    }

    /// The node from which a task reads a piece has left: another one sends it anew.
    fn read_elsewhere(
        &mut self,
        task: TaskId,
        object: ObjectId,
        id: TransferId,
        transfer: Transfer<Cargo>,
        cx: &mut Cx,
    ) {
        let senders = self.fetches[&task]
            .iter()
            .filter_map(|&id| self.traffic.get(id))
            .filter(|other| other.cargo == transfer.cargo);
        let mut excluded: Vec<NodeId> = senders.filter_map(|other| other.from).collect();
        excluded.push(transfer.to);
        let from = self.sources(object, 1, transfer.to, &excluded);
        if from.is_none() {
            stored(&mut self.books).figures.reads_outside += 1;
        }
        let fetches = self.fetches.get_mut(&task).expect("it waits for this");
        fetches.retain(|&other| other != id);
        self.traffic.cancel(id, cx.now());
        let from = from.map(|from| from[0]);
        self.fetch(task, from, transfer.to, transfer.bytes, transfer.cargo, cx);
    }

    /// A node is back, with what it had.
    pub(super) fn regain_data(&mut self, node: NodeId, cx: &mut Cx) {
        let Some(store) = &mut self.books.store else {
            return;
        };
        store.returned(node, cx.now());
        for object in store.stuck() {
            self.mend(object, cx);
        }
    }

    /// A node has been away for too long.
    fn missed(&mut self, absence: u32, cx: &mut Cx) {
        for object in stored(&mut self.books).noticed(absence) {
            self.mend(object, cx);
        }
    }

    /// Begins to make the pieces that an object is short of.
    fn mend(&mut self, object: ObjectId, cx: &mut Cx) {
        loop {
            let Books { nodes, store, .. } = &mut self.books;
            let store = store.as_mut().expect("something is stored");
            let bytes = store.object(object).piece();
            let Some((slot, sources, to)) = store.repair(object, nodes) else {
                return;
            };
            for from in sources {
                let transfer = Transfer {
                    from: Some(from),
                    to,
                    bytes,
                    cargo: Cargo::Repair(slot),
                };
                let id = self.traffic.send(transfer, cx);
                let store = stored(&mut self.books);
                store.under_way(slot).transfers.push(id);
            }
        }
    }
}

/// The store of a cluster that has one.
fn stored(books: &mut Books) -> &mut Store {
    books.store.as_mut().expect("something is stored")
}
