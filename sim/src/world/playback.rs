//! A run at the pace of who watches it: one event at a time, with a look at the state in between.

use walras_des::{Digest, Engine, SimTime, Streams};

use super::inspect::State;
use super::{DRAIN, Event, Settings, World};
use crate::platform::Platform;
use crate::record::{Output, Recorder, Subject};
use crate::scheduling::{Builtin, Scheduler};
use crate::workload::Workload;

/// A run under way. Stepped to its end it is the run that [`super::run`] makes, event for event.
pub struct Playback<'a, S: Scheduler, R: Recorder> {
    engine: Engine<World<'a, S, R>>,
    end: SimTime,
}

impl<'a, R: Recorder> Playback<'a, Builtin, R> {
    /// A replication under the platform's own policy, as in [`super::simulate`].
    #[must_use]
    pub fn simulate(
        platform: &'a Platform,
        workload: &'a Workload,
        settings: &Settings,
        seed: u64,
        replication: u32,
        recorder: R,
    ) -> Self {
        let streams = Streams::new(seed, u64::from(replication));
        let scheduler = platform.policy.build(&streams);
        Self::new(World::new(
            platform, workload, settings, &streams, scheduler, recorder,
        ))
    }
}

impl<'a, S: Scheduler, R: Recorder> Playback<'a, S, R> {
    /// The run of `world`, before its first event.
    #[must_use]
    pub fn new(world: World<'a, S, R>) -> Self {
        let end = SimTime::ZERO + world.settings.horizon + world.workload.patience + DRAIN;
        let mut engine = Engine::new(world);
        World::begin(&mut engine);
        Self { engine, end }
    }

    /// Handles the next event and returns it with its time; `None` at the end of the run.
    pub fn step(&mut self) -> Option<(SimTime, Event)> {
        self.next_time()?;
        self.engine.step()
    }

    /// When the next event is due; `None` at the end of the run.
    pub fn next_time(&mut self) -> Option<SimTime> {
        let next = self.engine.next_time()?;
        (next <= self.end && !self.engine.is_stopped()).then_some(next)
    }

    /// What is scheduled, in the order in which it would happen if nothing were added, overtaken events included.
    #[must_use]
    pub fn agenda(&self) -> Vec<(SimTime, Event)> {
        self.engine.agenda()
    }

    /// What `event` of the agenda is about, as the world knows it at present.
    #[must_use]
    pub fn subject(&self, event: &Event) -> Subject {
        self.engine.model.subject(event)
    }

    /// What is due later than this never happens.
    #[must_use]
    pub fn end(&self) -> SimTime {
        self.end
    }

    /// The time of the last event.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.engine.now()
    }

    /// Events handled so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.engine.events()
    }

    /// Fingerprint of all events so far.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.engine.digest()
    }

    /// The whole truth at present.
    #[must_use]
    pub fn state(&self) -> State<'_> {
        self.engine.model.state(self.now(), self.events())
    }

    /// What watches the run.
    #[must_use]
    pub fn recorder(&self) -> &R {
        &self.engine.model.recorder
    }

    /// The policy at work.
    #[must_use]
    pub fn scheduler(&self) -> &S {
        &self.engine.model.scheduler
    }

    /// What the run leaves behind, once [`Playback::step`] has come to its end.
    ///
    /// # Panics
    /// If events are left, or an invariant of the simulation is violated.
    #[must_use]
    pub fn finish(mut self) -> Output {
        assert!(self.next_time().is_none(), "the run has not ended");
        let (digest, events) = (self.digest(), self.events());
        // A run that does not stop by itself ends at the end of its time.
        let now = if self.engine.is_stopped() || self.engine.next_time().is_none() {
            self.now()
        } else {
            self.end
        };
        let mut output = self.engine.model.finish(now);
        output.digest = digest;
        output.events = events;
        output
    }
}
