//! The event loop: pops the earliest event and hands it to the model, until told otherwise.
//!
//! Everything is static: the model is a type parameter, events are `Copy` values, and nothing is
//! allocated per event once the queue has reached its size. There is no cancellation; a model that
//! reschedules puts a stamp into the event and ignores the stale one.

use crate::digest::Digest;
use crate::queue::EventQueue;
use crate::time::{SimTime, Span};

/// How many events ahead a model with foresight is told what comes next.
const NEXT: usize = 2;

/// What can happen in a model: usually a small enum.
pub trait Event: Copy {
    /// Which of several events at the same instant comes first: the lower rank.
    fn rank(&self) -> u8;

    /// A stable encoding for the digest of the run; distinct events should differ.
    fn word(&self) -> u64;
}

/// A system that changes only at events.
pub trait Model {
    /// What can happen.
    type Event: Event;

    /// How many events ahead the model foresees what comes; a model that fits the cache need not.
    const FORESIGHT: usize = 0;

    /// Reacts to `event`, which happens at `cx.now()`.
    fn handle(&mut self, event: Self::Event, cx: &mut Context<Self::Event>);

    /// [`FORESIGHT`](Self::FORESIGHT) events ahead of `event`, as a rule: a model may ask for the memory of what the event names
    /// ([`prefetch`](crate::prefetch())). Others may yet come before it, or it may never be foreseen.
    #[inline]
    fn foresee_soon(&self, event: &Self::Event) {
        let _ = event;
    }

    /// Two events ahead, as a rule: the memory asked for in [`foresee_soon`](Self::foresee_soon) is there, and tells what else to ask
    /// for.
    #[inline]
    fn foresee_next(&self, event: &Self::Event) {
        let _ = event;
    }
}

/// The clock and the agenda, as a model sees them.
#[derive(Clone, Debug)]
pub struct Context<E> {
    now: SimTime,
    queue: EventQueue<E>,
    stopped: bool,
}

impl<E: Event> Context<E> {
    /// The current simulated time.
    #[must_use]
    #[inline]
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Schedules `event` at `time`. An event at [`SimTime::MAX`] never happens and is not kept.
    ///
    /// # Panics
    /// If `time` is in the past.
    #[track_caller]
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as in the queue")]
    pub fn at(&mut self, time: SimTime, event: E) {
        assert!(
            time >= self.now,
            "event scheduled in the past: {time}, but it is {}",
            self.now
        );
        if time < SimTime::MAX {
            self.queue.push(time, event.rank(), event);
        }
    }

    /// Schedules `event` after `delay`; zero means now, behind what is already due now at its rank.
    ///
    /// # Panics
    /// If the time overflows.
    #[track_caller]
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as in the queue")]
    pub fn after(&mut self, delay: Span, event: E) {
        self.at(self.now + delay, event);
    }

    /// Ends [`Engine::run_until`] after the current event; what is pending stays pending.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// The number of scheduled events.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// The largest number of scheduled events so far.
    #[must_use]
    pub fn peak_pending(&self) -> usize {
        self.queue.peak_len()
    }
}

/// Why [`Engine::run_until`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No event is left.
    Exhausted,
    /// The model called [`Context::stop`].
    Stopped,
    /// The next event lies beyond the limit.
    Limit,
}

/// Runs a model.
#[derive(Clone, Debug)]
pub struct Engine<M: Model> {
    /// The system under study.
    pub model: M,
    context: Context<M::Event>,
    digest: Digest,
    events: u64,
}

impl<M: Model> Engine<M> {
    /// An engine at time zero with nothing scheduled.
    #[must_use]
    pub fn new(model: M) -> Self {
        Self {
            model,
            context: Context {
                now: SimTime::ZERO,
                queue: EventQueue::new(),
                stopped: false,
            },
            digest: Digest::new(),
            events: 0,
        }
    }

    /// The clock and the agenda, to schedule the first events.
    pub fn context_mut(&mut self) -> &mut Context<M::Event> {
        &mut self.context
    }

    /// The model together with the clock and the agenda, for whoever acts on the model between two events.
    pub fn parts(&mut self) -> (&mut M, &mut Context<M::Event>) {
        (&mut self.model, &mut self.context)
    }

    /// Handles all events up to and including `limit`.
    ///
    /// On [`Outcome::Limit`] the clock moves on to `limit`; otherwise it stays at the last event.
    /// A run may be cut in slices: the digest does not depend on where. A limit in the past
    /// handles nothing.
    pub fn run_until(&mut self, limit: SimTime) -> Outcome {
        self.context.stopped = false;
        while let Some((time, rank, event)) = self.context.queue.pop_until(limit) {
            self.foresee();
            self.handle(time, rank, event);
            if self.context.stopped {
                return Outcome::Stopped;
            }
        }
        if self.context.queue.is_empty() {
            return Outcome::Exhausted;
        }
        self.context.now = self.context.now.max(limit);
        Outcome::Limit
    }

    /// Handles exactly the next event, however late it is due, and returns its time and itself; `None` if nothing is scheduled.
    #[inline]
    pub fn step(&mut self) -> Option<(SimTime, M::Event)> {
        let (time, rank, event) = self.context.queue.pop()?;
        self.handle(time, rank, event);
        Some((time, event))
    }

    /// When the next event is due. (The queue may sort a little to find out, hence `&mut`.)
    pub fn next_time(&mut self) -> Option<SimTime> {
        self.context.queue.peek_time()
    }

    /// What is scheduled, in the order in which it would happen if nothing were added: O(n log n) for n events.
    #[must_use]
    pub fn agenda(&self) -> Vec<(SimTime, M::Event)> {
        let mut agenda: Vec<_> = self.context.queue.iter().collect();
        // Stable: events of the same time and rank come in the order in which they were scheduled.
        agenda.sort_by_key(|&(time, rank, _)| (time, rank));
        let events = agenda.into_iter();
        events.map(|(time, _, event)| (time, *event)).collect()
    }

    /// The current simulated time.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.context.now
    }

    /// The fingerprint of all events handled so far.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// How many events were handled so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Whether the model has called [`Context::stop`] since the last [`Engine::run_until`] began.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.context.stopped
    }

    /// Tells the model what comes after the event at hand.
    #[inline]
    fn foresee(&mut self) {
        if M::FORESIGHT > 0 {
            let queue = &mut self.context.queue;
            queue.look_ahead(M::FORESIGHT);
            if let Some(event) = queue.coming(M::FORESIGHT - 1) {
                self.model.foresee_soon(event);
            }
            if let Some(event) = queue.coming(NEXT - 1) {
                self.model.foresee_next(event);
            }
        }
    }

    #[inline]
    fn handle(&mut self, time: SimTime, rank: u8, event: M::Event) {
        self.context.now = time;
        self.digest.event(time, rank, event.word());
        self.events += 1;
        self.model.handle(event, &mut self.context);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Counts down once a second and remembers when.
    struct Countdown {
        seen: Vec<(SimTime, u32)>,
        stop_at: u32,
    }

    #[derive(Clone, Copy)]
    struct Tick(u32);

    impl Event for Tick {
        fn rank(&self) -> u8 {
            0
        }
        fn word(&self) -> u64 {
            u64::from(self.0)
        }
    }

    impl Model for Countdown {
        type Event = Tick;
        fn handle(&mut self, Tick(left): Tick, cx: &mut Context<Tick>) {
            self.seen.push((cx.now(), left));
            if left == self.stop_at {
                cx.stop();
            }
            if left > 0 {
                cx.after(Span::SECOND, Tick(left - 1));
            }
        }
    }

    fn countdown(stop_at: u32) -> Engine<Countdown> {
        let mut engine = Engine::new(Countdown {
            seen: Vec::new(),
            stop_at,
        });
        engine.context_mut().at(SimTime::from_secs(1), Tick(4));
        engine
    }

    #[test]
    fn runs_to_exhaustion() {
        let mut engine = countdown(u32::MAX);
        assert_eq!(engine.run_until(SimTime::MAX), Outcome::Exhausted);
        assert_eq!(engine.events(), 5);
        assert_eq!(engine.now(), SimTime::from_secs(5));
        assert_eq!(engine.model.seen[2], (SimTime::from_secs(3), 2));
    }

    #[test]
    fn the_limit_is_inclusive_and_moves_the_clock() {
        let mut engine = countdown(u32::MAX);
        assert_eq!(engine.run_until(SimTime::from_secs(2)), Outcome::Limit);
        assert_eq!((engine.events(), engine.now()), (2, SimTime::from_secs(2)));
        assert_eq!(
            engine.run_until(SimTime::from_secs_f64(2.5)),
            Outcome::Limit
        );
        assert_eq!(
            (engine.events(), engine.now()),
            (2, SimTime::from_secs_f64(2.5))
        );
        assert_eq!(engine.run_until(SimTime::ZERO), Outcome::Limit);
        assert_eq!(engine.now(), SimTime::from_secs_f64(2.5));
    }

    #[test]
    fn stop_ends_after_the_event_and_the_run_can_go_on() {
        let mut engine = countdown(3);
        assert_eq!(engine.run_until(SimTime::MAX), Outcome::Stopped);
        assert_eq!((engine.events(), engine.context_mut().pending()), (2, 1));
        assert_eq!(engine.run_until(SimTime::MAX), Outcome::Exhausted);
        assert_eq!(engine.events(), 5);
    }

    #[test]
    fn stepping_does_the_same() {
        let mut whole = countdown(u32::MAX);
        whole.run_until(SimTime::MAX);
        let mut stepped = countdown(3);
        for left in (0..=4).rev() {
            let due = SimTime::from_secs(u64::from(5 - left));
            assert_eq!(stepped.next_time(), Some(due));
            let (time, Tick(event)) = stepped.step().expect("an event is left");
            assert_eq!((time, event, stepped.now()), (due, left, due));
            assert_eq!(stepped.is_stopped(), left <= 3);
        }
        assert_eq!(stepped.next_time(), None);
        assert!(stepped.step().is_none());
        assert_eq!(stepped.digest(), whole.digest());
    }

    #[test]
    fn slicing_a_run_does_not_change_it() {
        let mut whole = countdown(u32::MAX);
        whole.run_until(SimTime::MAX);
        let mut sliced = countdown(u32::MAX);
        for tenths in 0..60 {
            sliced.run_until(SimTime::from_secs_f64(f64::from(tenths) / 10.0));
        }
        assert_eq!(sliced.digest(), whole.digest());
        assert_eq!(sliced.model.seen, whole.model.seen);
    }

    /// Ticks come as they are numbered; notes which ones were announced, and how far ahead.
    #[derive(Default)]
    struct Forewarned<const AHEAD: usize> {
        handled: u32,
        soon: RefCell<Vec<u32>>,
        next: RefCell<Vec<u32>>,
    }

    impl<const AHEAD: usize> Model for Forewarned<AHEAD> {
        type Event = Tick;
        const FORESIGHT: usize = AHEAD;

        fn handle(&mut self, Tick(number): Tick, _: &mut Context<Tick>) {
            assert_eq!(number, self.handled);
            self.handled += 1;
        }

        fn foresee_soon(&self, &Tick(number): &Tick) {
            self.soon.borrow_mut().push(number - self.handled);
        }

        fn foresee_next(&self, &Tick(number): &Tick) {
            self.next.borrow_mut().push(number - self.handled);
        }
    }

    fn forewarned<const AHEAD: usize>() -> Engine<Forewarned<AHEAD>> {
        let mut engine = Engine::new(Forewarned::default());
        for number in 0..1_000 {
            let at = SimTime::from_nanos(u64::from(number) * u64::from(number));
            engine.context_mut().at(at, Tick(number));
        }
        engine.run_until(SimTime::MAX);
        engine
    }

    #[test]
    fn events_are_announced_and_nothing_changes() {
        let (blind, told) = (forewarned::<0>(), forewarned::<5>());
        assert_eq!(told.digest(), blind.digest());
        assert_eq!(blind.model.soon.borrow().len(), 0);
        for (ahead, leads) in [(5, &told.model.soon), (NEXT, &told.model.next)] {
            let leads = leads.borrow();
            assert!(leads.iter().all(|&lead| lead as usize == ahead));
            // Not where a bucket ends.
            assert!((800..1_000).contains(&leads.len()), "{}", leads.len());
        }
    }

    #[test]
    fn the_agenda_is_what_would_happen() {
        let mut engine = countdown(u32::MAX);
        let at = SimTime::from_secs;
        for (time, left) in [(3, 7), (2, 5), (3, 6), (1, 3)] {
            engine.context_mut().at(at(time), Tick(left));
        }
        let agenda = engine.agenda().into_iter();
        let agenda: Vec<_> = agenda.map(|(time, Tick(left))| (time, left)).collect();
        // The countdown itself starts with 4 at 1 s.
        let expected = [(1, 4), (1, 3), (2, 5), (3, 7), (3, 6)];
        assert_eq!(agenda, expected.map(|(time, left)| (at(time), left)));
        engine.run_until(SimTime::MAX);
        assert!(engine.agenda().is_empty());
    }

    #[test]
    fn an_event_at_never_is_not_kept() {
        let mut engine = countdown(u32::MAX);
        engine.context_mut().at(SimTime::MAX, Tick(0));
        assert_eq!(engine.context_mut().pending(), 1);
    }

    #[test]
    #[should_panic(expected = "event scheduled in the past: 1s, but it is 5s")]
    fn scheduling_in_the_past_panics() {
        let mut engine = countdown(u32::MAX);
        engine.run_until(SimTime::MAX);
        engine.context_mut().at(SimTime::from_secs(1), Tick(0));
    }
}
