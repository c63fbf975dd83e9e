//! The operations of the event queue in a run of the world, recorded and replayed on any queue.

use std::hint::black_box;

use walras_des::{Event as _, SimTime};
use walras_sim::record::Recorder;
use walras_sim::scheduling::Scheduler;
use walras_sim::world::{Event, Playback};

use crate::queues::Queue;

/// What is in a queue: time, rank and event.
type Entry = (SimTime, u8, Event);

/// The operations of the first events of a run: pop the earliest, push what it has scheduled.
pub struct Recording {
    /// What is scheduled before the first event.
    start: Vec<Entry>,
    events: Vec<Popped>,
    /// What all events scheduled, one after the other.
    pushes: Vec<Entry>,
    /// Pending after the last event.
    pending: usize,
}

/// One event of a recording.
#[derive(Clone, Copy)]
struct Popped {
    time: SimTime,
    rank: u8,
    word: u64,
    /// Its first push; that of the next event is the end.
    pushes: usize,
}

impl Recording {
    /// The first `events` events of a run that has not begun, or all if there are fewer.
    ///
    /// The pushes of an event are what is on the agenda after it and was not before, in order of time: the world
    /// may have made several in another order.
    ///
    /// # Panics
    /// If an event leaves the agenda without having been handled.
    #[must_use]
    pub fn new<S: Scheduler, R: Recorder>(
        playback: &mut Playback<'_, S, R>,
        events: usize,
    ) -> Self {
        let agenda = |playback: &Playback<'_, S, R>| -> Vec<Entry> {
            let agenda = playback.agenda().into_iter();
            agenda
                .map(|(time, event)| (time, event.rank(), event))
                .collect()
        };
        let mut before = agenda(playback);
        let mut recording = Self {
            start: before.clone(),
            events: Vec::with_capacity(events),
            pushes: Vec::new(),
            pending: 0,
        };
        while recording.events.len() < events
            && let Some((time, event)) = playback.step()
        {
            recording.events.push(Popped {
                time,
                rank: event.rank(),
                word: event.word(),
                pushes: recording.pushes.len(),
            });
            let after = agenda(playback);
            // The first one is the event itself. What is new comes behind its equals.
            let mut old = before[1..].iter().map(place).peekable();
            for entry in &after {
                if old.next_if_eq(&place(entry)).is_none() {
                    recording.pushes.push(*entry);
                }
            }
            assert!(old.next().is_none(), "only the first event leaves");
            before = after;
        }
        recording.pending = before.len();
        recording
    }

    /// Pending events at the end.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// A queue after the first `events` events.
    #[must_use]
    pub fn queue<Q: Queue<Event>>(&self, events: usize) -> Q {
        let mut queue = Q::empty();
        for &(time, rank, event) in &self.start {
            queue.push(time, rank, event);
        }
        self.replay(&mut queue, 0, events, |_, _| ());
        queue
    }

    /// The operations of the events after the first `from`, on a queue that has had those before.
    pub fn replay_from<Q: Queue<Event>>(&self, queue: &mut Q, from: usize) {
        self.replay(queue, from, self.events.len(), |_, popped| {
            black_box(popped);
        });
    }

    /// Whether a queue gives the events as they were recorded.
    #[must_use]
    pub fn is_reproduced_by<Q: Queue<Event>>(&self) -> bool {
        let mut is_same = true;
        let mut queue = self.queue::<Q>(0);
        self.replay(&mut queue, 0, self.events.len(), |recorded, popped| {
            let recorded = (recorded.time, recorded.rank, recorded.word);
            is_same &= popped.as_ref().map(place) == Some(recorded);
        });
        let mut left = 0;
        while queue.pop().is_some() {
            left += 1;
        }
        is_same && left == self.pending
    }

    #[inline]
    fn replay<Q: Queue<Event>>(
        &self,
        queue: &mut Q,
        from: usize,
        to: usize,
        mut see: impl FnMut(&Popped, Option<Entry>),
    ) {
        for index in from..to {
            let event = &self.events[index];
            see(event, queue.pop());
            let next = self.events.get(index + 1);
            let end = next.map_or(self.pushes.len(), |next| next.pushes);
            for &(time, rank, event) in &self.pushes[event.pushes..end] {
                queue.push(time, rank, event);
            }
        }
    }
}

/// An entry as something to compare.
fn place(&(time, rank, event): &Entry) -> (SimTime, u8, u64) {
    (time, rank, event.word())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use walras_des::EventQueue;
    use walras_sim::record::Nothing;

    use super::*;
    use crate::queues::{BinaryHeapQueue, FourAryHeap, LadderQueue, LazyBuckets, TimingWheel};

    /// The order of arrival, whatever the time.
    struct Line(std::collections::VecDeque<Entry>);

    impl Queue<Event> for Line {
        fn empty() -> Self {
            Self(std::collections::VecDeque::new())
        }

        fn push(&mut self, time: SimTime, rank: u8, event: Event) {
            self.0.push_back((time, rank, event));
        }

        fn pop(&mut self) -> Option<Entry> {
            self.0.pop_front()
        }
    }

    #[test]
    fn every_candidate_reproduces_a_run() {
        let scenario = walras_scenarios::load(Path::new("churn"), &[], None);
        let plan = scenario.expect("a library scenario is valid").plan;
        for platform in &plan.expect_requests().platforms {
            let (workload, settings) = (&plan.expect_requests().workload, plan.settings());
            let mut playback =
                Playback::simulate(platform, workload, &settings, plan.seed, 0, Nothing);
            let recording = Recording::new(&mut playback, 3_000);
            assert_eq!(playback.events(), 3_000);
            assert_eq!(recording.pending(), playback.agenda().len());
            assert!(recording.is_reproduced_by::<BinaryHeapQueue<Event>>());
            assert!(recording.is_reproduced_by::<FourAryHeap<Event>>());
            assert!(recording.is_reproduced_by::<LadderQueue<Event>>());
            assert!(recording.is_reproduced_by::<LazyBuckets<Event>>());
            assert!(recording.is_reproduced_by::<TimingWheel<Event>>());
            assert!(recording.is_reproduced_by::<EventQueue<Event>>());
            assert!(!recording.is_reproduced_by::<Line>());
        }
    }
}
