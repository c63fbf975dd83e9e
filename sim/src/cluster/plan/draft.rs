//! A plan in the making: what is taken of each processor, and when a further task could start.

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use walras_des::{SimTime, Span};

use crate::cluster::plan::{Cost, Graph, Machines, Schedule, Slot};

/// Where in time a task may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// Into gaps between tasks that are placed already, if they are long enough.
    Insert,
    /// After all that is in its way.
    Append,
}

/// What is taken of one processor: steps of a function of time, each until the next; the last is zero.
#[derive(Clone, Debug)]
struct Timeline {
    capacity: u32,
    steps: Vec<(SimTime, u32)>,
}

impl Timeline {
    fn new(capacity: u32) -> Self {
        Self {
            capacity,
            steps: vec![(SimTime::ZERO, 0)],
        }
    }

    fn has_room(&self, step: usize, width: u32) -> bool {
        // What is taken may be more than there is, where a cluster at work departed from its plan.
        u64::from(self.steps[step].1) + u64::from(width) <= u64::from(self.capacity)
    }

    /// The earliest start, not before `from`, for so much room for so long.
    fn gap(&self, from: SimTime, Cost { time, width }: Cost) -> SimTime {
        let mut start = from;
        let first = self.steps.partition_point(|&(at, _)| at <= from) - 1;
        for step in first..self.steps.len() {
            let until = self.steps.get(step + 1).map_or(SimTime::MAX, |next| next.0);
            if !self.has_room(step, width) {
                start = until;
            } else if until - start >= time {
                return start;
            }
        }
        unreachable!("nothing is taken in the end")
    }

    /// From when on there is so much room for good, but not before `from`.
    fn end(&self, from: SimTime, width: u32) -> SimTime {
        let last = (0..self.steps.len()).rfind(|&step| !self.has_room(step, width));
        last.map_or(from, |step| self.steps[step + 1].0.max(from))
    }

    fn take(&mut self, start: SimTime, end: SimTime, width: u32) {
        if start == end {
            return;
        }
        let (first, last) = (self.split(start), self.split(end));
        for step in &mut self.steps[first..last] {
            step.1 += width;
        }
    }

    /// The step that begins at `at`, which is made if there is none.
    fn split(&mut self, at: SimTime) -> usize {
        match self.steps.binary_search_by_key(&at, |step| step.0) {
            Ok(step) => step,
            Err(step) => {
                let used = self.steps[step - 1].1;
                self.steps.insert(step, (at, used));
                step
            }
        }
    }
}

/// A plan in the making.
#[derive(Clone, Debug)]
pub(super) struct Draft<'a> {
    pub(super) graph: &'a Graph,
    pub(super) machines: &'a Machines,
    timelines: Vec<Timeline>,
    slots: Vec<Option<Slot>>,
    /// Parents of each task that are not placed.
    missing: Vec<usize>,
}

impl<'a> Draft<'a> {
    /// Nothing is placed.
    pub(super) fn new(graph: &'a Graph, machines: &'a Machines) -> Self {
        let capacities = machines
            .processors
            .iter()
            .map(|processor| processor.capacity);
        let mut timelines: Vec<Timeline> = capacities.map(Timeline::new).collect();
        for taken in &machines.taken {
            timelines[taken.processor].take(taken.start, taken.end, taken.width);
        }
        let parents = |task| graph.edges_directed(task, Direction::Incoming).count();
        Self {
            graph,
            machines,
            timelines,
            slots: vec![None; graph.node_count()],
            missing: graph.node_indices().map(parents).collect(),
        }
    }

    /// Tasks without parents, by index.
    pub(super) fn entries(&self) -> Vec<NodeIndex> {
        let is_entry = |task: &NodeIndex| self.missing[task.index()] == 0;
        self.graph.node_indices().filter(is_entry).collect()
    }

    /// When the data that a task needs is on a processor; all of its parents are placed.
    pub(super) fn inputs(&self, task: NodeIndex, processor: usize) -> SimTime {
        let transfers = &self.machines.transfers;
        let mut ready = self.machines.start;
        for edge in self.graph.edges_directed(task, Direction::Incoming) {
            let parent = self.slots[edge.source().index()].expect("parents are placed first");
            let takes = if parent.processor == processor {
                Span::ZERO
            } else {
                transfers.time(*edge.weight())
            };
            ready = ready.max(parent.end + takes);
        }
        for input in &self.graph[task].inputs {
            let takes = if input.processor == Some(processor) {
                Span::ZERO
            } else {
                transfers.time(input.bytes)
            };
            ready = ready.max(input.at + takes);
        }
        ready
    }

    /// The earliest slot on a processor; `None` if the task cannot run there.
    pub(super) fn slot(&self, task: NodeIndex, processor: usize, policy: Policy) -> Option<Slot> {
        let cost = self.machines.cost(&self.graph[task], processor)?;
        let ready = self.inputs(task, processor);
        let timeline = &self.timelines[processor];
        let start = match policy {
            Policy::Insert => timeline.gap(ready, cost),
            Policy::Append => timeline.end(ready, cost.width),
        };
        Some(Slot {
            processor,
            start,
            end: start + cost.time,
        })
    }

    /// The earliest slot on a processor, in a gap or not, but not before `from`; `None` if the task cannot run there.
    pub(super) fn slot_after(
        &self,
        task: NodeIndex,
        processor: usize,
        from: SimTime,
    ) -> Option<Slot> {
        let cost = self.machines.cost(&self.graph[task], processor)?;
        let ready = self.inputs(task, processor).max(from);
        let start = self.timelines[processor].gap(ready, cost);
        Some(Slot {
            processor,
            start,
            end: start + cost.time,
        })
    }

    /// The slots that a task could have, by processor.
    pub(super) fn choices(&self, task: NodeIndex, policy: Policy) -> impl Iterator<Item = Slot> {
        (0..self.timelines.len()).filter_map(move |processor| self.slot(task, processor, policy))
    }

    /// The slot with the smallest key; of equals, that on the first processor.
    ///
    /// # Panics
    /// If no processor can run the task.
    pub(super) fn best<K: Ord>(
        &self,
        task: NodeIndex,
        policy: Policy,
        key: impl Fn(&Slot) -> K,
    ) -> Slot {
        let best = self.choices(task, policy).min_by_key(key);
        best.unwrap_or_else(|| panic!("no processor can run task {}", task.index()))
    }

    /// From when on there is room for a task on a processor, whenever its data comes; `None` if it cannot run there.
    pub(super) fn available(&self, task: NodeIndex, processor: usize) -> Option<SimTime> {
        let cost = self.machines.cost(&self.graph[task], processor)?;
        Some(self.timelines[processor].end(self.machines.start, cost.width))
    }

    /// Gives a task its slot; returns the children of which all parents are placed now.
    pub(super) fn place(&mut self, task: NodeIndex, slot: Slot) -> Vec<NodeIndex> {
        let cost = self.machines.cost(&self.graph[task], slot.processor);
        let width = cost.expect("it can run there").width;
        self.timelines[slot.processor].take(slot.start, slot.end, width);
        self.slots[task.index()] = Some(slot);
        let mut ready = Vec::new();
        for edge in self.graph.edges_directed(task, Direction::Outgoing) {
            let missing = &mut self.missing[edge.target().index()];
            *missing -= 1;
            if *missing == 0 {
                ready.push(edge.target());
            }
        }
        ready
    }

    /// The plan.
    ///
    /// # Panics
    /// If a task has no slot.
    pub(super) fn finish(self) -> Schedule {
        let placed = |slot: Option<Slot>| {
            slot.expect("a workflow has no cycles, and no order contradicts it")
        };
        Schedule {
            slots: self.slots.into_iter().map(placed).collect(),
        }
    }
}
