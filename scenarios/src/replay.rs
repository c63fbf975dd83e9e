//! Replays one run of a plan: to a time, event by event, or until a condition holds, and back by starting again.
//!
//! A run is a pure function of (scenario, seed, version), so it is simulated again rather than stored. On the way its digest is
//! held against the index of the event log, where there is one, and at the end against that of the recorded run.

use std::collections::VecDeque;

use walras_des::{Digest, SimTime};
use walras_sim::ids::NodeId;
use walras_sim::record::{JobRow, Output, Recorder, Subject};
use walras_sim::scheduling::Builtin;
use walras_sim::world::inspect::State;
use walras_sim::world::{Event, Playback};

use crate::condition::{Expression, Touched};
use crate::event_log::{Block, Record, What};
use crate::plan::Plan;

/// Events between two looks at whether to stop: well under a millisecond.
const STOP_EVERY: u64 = 1024;

/// Keeps the last records of a run, as the log has them.
#[derive(Debug)]
struct Trail {
    records: VecDeque<Record>,
    keep: usize,
    events: u64,
    at: SimTime,
    /// Nodes that the last event can have changed.
    touched: Vec<NodeId>,
    /// Whether it can have changed all of them.
    is_everywhere: bool,
}

impl Trail {
    fn touched(&self) -> Touched<'_> {
        if self.is_everywhere {
            Touched::All
        } else {
            Touched::Only(&self.touched)
        }
    }

    fn push(&mut self, what: What) {
        if self.records.len() == self.keep {
            self.records.pop_front();
        }
        self.records.push_back(Record {
            at: self.at,
            number: self.events,
            what,
        });
    }
}

impl Recorder for Trail {
    const EVENTS: bool = true;

    fn event(&mut self, now: SimTime, rank: u8, word: u64, subject: Subject) {
        self.events += 1;
        self.at = now;
        let event = Event::decode(rank, word).expect("every event has a rank and a word");
        self.touched.clear();
        self.touched.extend(subject.node);
        self.is_everywhere = matches!(event, Event::Scale { .. } | Event::Reprice);
        self.push(What::Event(event, subject));
    }

    fn placed(&mut self, job: u64, node: NodeId) {
        self.touched.push(node);
        self.push(What::Placed { job, node });
    }

    fn job(&mut self, row: JobRow) {
        self.touched.extend(row.node);
        self.push(What::Ended {
            job: row.serial,
            fate: row.fate,
            node: row.node,
        });
    }
}

/// Why a replay halted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// It has arrived where it was to go.
    Arrived,
    /// The condition has become true with the last event.
    Held,
    /// The condition holds already; nothing was run.
    HeldAlready,
    /// The run is over.
    Ended,
    /// The caller asked for it.
    Stopped,
    /// This is not the run that was recorded.
    Diverged(Divergence),
}

/// Where a replay and its record were found to differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// After this many events; the difference lies between here and the agreement before.
    pub events: u64,
    /// The recorded fingerprint.
    pub recorded: u64,
    /// Ours.
    pub replayed: u64,
}

/// A point of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// After all events up to and including this time.
    Time(SimTime),
    /// After the event with this number, from one; zero is the start.
    Event(u64),
}

/// An expression whose changes are reported.
#[derive(Clone, Debug)]
pub struct Watch {
    expression: Expression,
    last: Option<f64>,
    /// What it was before the last change, as it is written.
    pub before: String,
    /// What it is, as it is written.
    pub now: String,
}

impl Watch {
    /// Watches `expression` from the state on.
    #[must_use]
    pub fn new(mut expression: Expression, state: &State<'_>) -> Self {
        let now = expression.shown(state);
        Self {
            last: expression.value(state),
            before: now.clone(),
            now,
            expression,
        }
    }

    /// The expression as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        self.expression.text()
    }

    /// Goes on from another point of the run.
    pub fn move_to(&mut self, state: &State<'_>) {
        self.expression.forget();
        *self = Self::new(self.expression.clone(), state);
    }

    fn has_changed(&mut self, state: &State<'_>, touched: Touched<'_>) -> bool {
        let value = self.expression.value_after(state, touched);
        if value == self.last {
            return false;
        }
        self.last = value;
        self.before = std::mem::replace(&mut self.now, self.expression.shown(state));
        true
    }
}

/// How far to run, and what to look at meanwhile.
pub struct Errand<'e> {
    /// Halt at this point.
    pub to: Option<Moment>,
    /// Halt when this holds; at once if it holds already.
    pub until: Option<&'e mut Expression>,
    /// Rather halt when it next becomes true: it was false before an event and holds after it.
    pub is_next: bool,
    /// Compared after every event.
    pub watches: &'e mut [Watch],
    /// Called with the number of a watch that has changed.
    pub changed: &'e mut dyn FnMut(&Replay<'_>, usize, &Watch),
    /// Asked every thousand events.
    pub stop: &'e dyn Fn() -> bool,
}

/// A run under replay.
pub struct Replay<'a> {
    plan: &'a Plan,
    platform: usize,
    replication: u32,
    playback: Playback<'a, Builtin, Trail>,
    /// Fingerprints on the way, in order: (events, digest).
    checkpoints: Vec<(u64, u64)>,
    passed: usize,
    keep: usize,
}

impl<'a> Replay<'a> {
    /// The run of this platform and replication before its first event; it keeps the last `keep` records for
    /// [`Replay::trail`].
    ///
    /// # Panics
    /// If there is no such platform.
    #[must_use]
    pub fn new(plan: &'a Plan, platform: usize, replication: u32, keep: usize) -> Self {
        Self {
            plan,
            platform,
            replication,
            playback: start(plan, platform, replication, keep),
            checkpoints: Vec::new(),
            passed: 0,
            keep,
        }
    }

    /// Holds the replay against the index of a log, and the fingerprint after the last event.
    pub fn hold_against(&mut self, blocks: &[Block], last: (u64, u64)) {
        let on_the_way = blocks
            .iter()
            .filter(|block| block.events_before > 0)
            .map(|block| (block.events_before, block.digest_before));
        self.checkpoints = on_the_way.chain([last]).collect();
    }

    /// The number of the last event at which the record was found to agree, and whether that is the end of the run.
    #[must_use]
    pub fn checked(&self) -> (u64, bool) {
        let last = self.passed.checked_sub(1).map(|i| self.checkpoints[i].0);
        let is_all = self.passed > 0 && self.passed == self.checkpoints.len();
        (last.unwrap_or(0), is_all)
    }

    /// Back to before the first event. Conditions must [`Expression::forget`].
    pub fn restart(&mut self) {
        self.playback = start(self.plan, self.platform, self.replication, self.keep);
        self.passed = 0;
    }

    /// Handles the next event.
    ///
    /// # Errors
    /// If there is none, or the run turns out to be another than the recorded one.
    pub fn step(&mut self) -> Result<(), Halt> {
        if self.playback.step().is_none() {
            // A record that goes on where the run ends is another run's.
            return Err(match self.checkpoints.get(self.passed) {
                Some(&recorded) => self.differs(recorded),
                None => Halt::Ended,
            });
        }
        while let Some(&(events, digest)) = self.checkpoints.get(self.passed) {
            if self.playback.events() < events {
                break;
            }
            let is_last = self.passed + 1 == self.checkpoints.len();
            let goes_on = is_last && self.playback.next_time().is_some();
            if self.digest().as_u64() != digest || goes_on {
                return Err(self.differs((events, digest)));
            }
            self.passed += 1;
        }
        Ok(())
    }

    fn differs(&self, (events, recorded): (u64, u64)) -> Halt {
        Halt::Diverged(Divergence {
            events,
            recorded,
            replayed: self.digest().as_u64(),
        })
    }

    /// Handles events until one of the reasons in `errand` to halt.
    pub fn run(&mut self, errand: &mut Errand<'_>) -> Halt {
        let mut held = match &mut errand.until {
            Some(condition) => condition.holds(&self.state()),
            None => false,
        };
        if held && !errand.is_next {
            return Halt::HeldAlready;
        }
        loop {
            let has_arrived = match (errand.to, self.next_time()) {
                (Some(Moment::Time(time)), Some(next)) => next > time,
                (Some(Moment::Event(number)), _) => self.events() >= number,
                _ => false,
            };
            if has_arrived {
                return Halt::Arrived;
            }
            if self.is_time_to_stop(errand.stop) {
                return Halt::Stopped;
            }
            if let Err(halt) = self.step() {
                return halt;
            }
            let (state, touched) = (self.playback.state(), self.playback.recorder().touched());
            for (index, watched) in errand.watches.iter_mut().enumerate() {
                if watched.has_changed(&state, touched) {
                    (errand.changed)(self, index, watched);
                }
            }
            if let Some(condition) = &mut errand.until {
                let holds = condition.holds_after(&state, touched);
                if holds && !held {
                    return Halt::Held;
                }
                held = holds;
            }
        }
    }

    fn is_time_to_stop(&self, stop: &dyn Fn() -> bool) -> bool {
        self.playback.events().is_multiple_of(STOP_EVERY) && stop()
    }

    /// The time of the last event.
    #[must_use]
    pub fn now(&self) -> SimTime {
        self.playback.now()
    }

    /// When the next event is due; `None` at the end of the run.
    pub fn next_time(&mut self) -> Option<SimTime> {
        self.playback.next_time()
    }

    /// What is scheduled before the end of the run, in order; what an event will be about is told as it is known at present.
    pub fn agenda(&mut self) -> Vec<(SimTime, What)> {
        if self.next_time().is_none() {
            return Vec::new();
        }
        let (agenda, end) = (self.playback.agenda(), self.playback.end());
        let agenda = agenda.into_iter().take_while(|(at, _)| *at <= end);
        agenda
            .map(|(at, event)| (at, What::Event(event, self.playback.subject(&event))))
            .collect()
    }

    /// Events handled so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.playback.events()
    }

    /// Fingerprint of all events so far.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.playback.digest()
    }

    /// The whole truth at present.
    #[must_use]
    pub fn state(&self) -> State<'_> {
        self.playback.state()
    }

    /// The last records, oldest first.
    #[must_use]
    pub fn trail(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.playback.recorder().records.iter()
    }

    /// What the run leaves behind, once it is over.
    ///
    /// # Panics
    /// If events are left.
    #[must_use]
    pub fn finish(self) -> Output {
        self.playback.finish()
    }
}

fn start(
    plan: &Plan,
    platform: usize,
    replication: u32,
    keep: usize,
) -> Playback<'_, Builtin, Trail> {
    let trail = Trail {
        records: VecDeque::with_capacity(keep),
        keep,
        events: 0,
        at: SimTime::ZERO,
        touched: Vec::new(),
        is_everywhere: true,
    };
    Playback::simulate(
        &plan.expect_requests().platforms[platform],
        &plan.expect_requests().workload,
        &plan.settings(),
        plan.seed,
        replication,
        trail,
    )
}
