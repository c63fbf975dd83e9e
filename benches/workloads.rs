//! The workloads of the race: increments of the hold model, the up-and-down model, and M/M/c.

use walras_des::{Context, Engine, LogHistogram, Model, Purpose, SimTime, Span, Stream, Streams};
use walras_sim::ids::NodeId;
use walras_sim::world::Event;

use crate::queues::Queue;

/// How far ahead an event is scheduled.
#[derive(Clone, Copy, Debug)]
pub enum Increment {
    /// Of mean 1 s.
    Exponential,
    /// Between 0 and 2 s.
    Uniform,
    /// Nine of ten below 0.09 s, the others between 8.6 and 9.6 s.
    Bimodal,
    /// A Lomax of tail index 1.5: no variance.
    Pareto,
}

impl Increment {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Exponential,
        Self::Uniform,
        Self::Bimodal,
        Self::Pareto,
    ];

    /// A draw.
    #[inline]
    pub fn draw(self, stream: &mut Stream) -> Span {
        Span::from_secs_f64(match self {
            Self::Exponential => stream.exponential(),
            Self::Uniform => 2.0 * stream.uniform(),
            Self::Bimodal => {
                let u = stream.uniform();
                if u < 0.9 { 0.1 * u } else { 9.595 * u }
            }
            Self::Pareto => stream.open_unit().powf(-1.0 / 1.5) - 1.0,
        })
    }

    /// 65,536 draws, so that the race is between the queues and not between generators.
    #[must_use]
    pub fn table(self) -> Vec<Span> {
        let mut stream = stream("increments");
        (0..1 << 16).map(|_| self.draw(&mut stream)).collect()
    }
}

/// The stream of one purpose.
#[must_use]
pub fn stream(purpose: &str) -> Stream {
    Streams::new(1, 0).open(Purpose::new(purpose), 0)
}

/// An event of the world that carries `index`.
#[must_use]
pub fn event(index: u64) -> Event {
    Event::Boundary {
        node: NodeId(index as u32),
        stamp: 0,
    }
}

const RANK: u8 = 2;
/// Odd, and a divisor of no population: an event does not meet its own past again.
const STRIDE: usize = 4_093;

/// The hold model: the number of pending events is constant.
pub struct Hold<Q> {
    queue: Q,
    table: Vec<Span>,
    next: usize,
}

impl<Q: Queue<Event>> Hold<Q> {
    /// `pending` events at their first increments.
    #[must_use]
    pub fn new(pending: u64, increment: Increment) -> Self {
        let mut stream = stream("start");
        let mut queue = Q::empty();
        for index in 0..pending {
            let time = SimTime::ZERO + increment.draw(&mut stream);
            queue.push(time, RANK, event(index));
        }
        Self {
            queue,
            table: increment.table(),
            next: 0,
        }
    }

    /// `holds` times: pop the earliest event, push it again.
    pub fn run(&mut self, holds: u64) {
        let table = std::mem::take(&mut self.table);
        let mut next = self.next;
        self.run_with(holds, || {
            next = (next + STRIDE) % table.len();
            table[next]
        });
        self.next = next;
        self.table = table;
    }

    /// The same with increments of the caller's.
    #[inline]
    pub fn run_with(&mut self, holds: u64, mut increment: impl FnMut() -> Span) {
        for _ in 0..holds {
            let Some((time, rank, event)) = self.queue.pop() else {
                return;
            };
            self.queue.push(time + increment(), rank, event);
        }
    }
}

/// The population rises to a peak by two pushes per pop, and falls by two pops per push.
pub struct UpDown<Q> {
    peak: u64,
    table: Vec<Span>,
    queue: Q,
}

impl<Q: Queue<Event>> UpDown<Q> {
    /// An empty queue, to be filled to `peak`.
    #[must_use]
    pub fn new(peak: u64) -> Self {
        Self {
            peak,
            table: Increment::Exponential.table(),
            queue: Q::empty(),
        }
    }

    /// How many events go through the queue in one run.
    #[must_use]
    pub fn events(peak: u64) -> u64 {
        3 * peak
    }

    /// Up and down once, from an empty queue that keeps its memory.
    pub fn run(&mut self) {
        let mut now = SimTime::ZERO;
        let mut next = 0;
        self.queue = Q::empty();
        let mut push = |queue: &mut Q, now| {
            next = (next + STRIDE) % self.table.len();
            queue.push(now + self.table[next], RANK, event(next as u64));
        };
        for _ in 0..self.peak {
            push(&mut self.queue, now);
            push(&mut self.queue, now);
            now = self.queue.pop().map_or(now, |(time, ..)| time);
        }
        for _ in 0..self.peak {
            now = self.queue.pop().map_or(now, |(time, ..)| time);
            push(&mut self.queue, now);
            now = self.queue.pop().map_or(now, |(time, ..)| time);
        }
    }
}

/// The hold model through the public engine, with draws and digest.
pub struct HoldModel(pub Stream);

impl Model for HoldModel {
    type Event = Event;

    #[inline]
    fn handle(&mut self, event: Event, cx: &mut Context<Event>) {
        cx.after(Span::from_secs_f64(self.0.exponential()), event);
    }
}

impl HoldModel {
    /// An engine with `pending` events.
    #[must_use]
    pub fn engine(pending: u64) -> Engine<Self> {
        let mut start = stream("start");
        let mut engine = Engine::new(Self(stream("increments")));
        for index in 0..pending {
            let after = Span::from_secs_f64(start.exponential());
            engine.context_mut().after(after, event(index));
        }
        engine
    }
}

/// M/M/c: `servers` exponential servers of rate 1 fed by one queue.
pub struct MultiServer {
    servers: u32,
    busy: u32,
    arrival_mean: f64,
    arrivals: Stream,
    services: Stream,
    /// When the customers in line came: a ring of 2^k places.
    line: Vec<SimTime>,
    head: usize,
    waiting: usize,
    /// When the customer at each server came.
    came: Vec<SimTime>,
    idle: Vec<u32>,
    /// Response times [s].
    pub responses: LogHistogram,
}

/// What events are put on; a closure would not be inlined everywhere.
trait Agenda {
    fn schedule(&mut self, time: SimTime, event: Event);
}

impl Agenda for Context<Event> {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "see the trait")]
    fn schedule(&mut self, time: SimTime, event: Event) {
        self.at(time, event);
    }
}

/// A queue without an engine.
struct ByHand<'a, Q>(&'a mut Q);

impl<Q: Queue<Event>> Agenda for ByHand<'_, Q> {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "see the trait")]
    fn schedule(&mut self, time: SimTime, event: Event) {
        let rank = if matches!(event, Event::Arrive) {
            0
        } else {
            RANK
        };
        self.0.push(time, rank, event);
    }
}

impl MultiServer {
    /// An empty system under load `load`.
    #[must_use]
    pub fn new(servers: u32, load: f64) -> Self {
        Self {
            servers,
            busy: 0,
            arrival_mean: 1.0 / (load * f64::from(servers)),
            arrivals: stream("arrivals"),
            services: stream("services"),
            line: vec![SimTime::ZERO; 64],
            head: 0,
            waiting: 0,
            came: vec![SimTime::ZERO; servers as usize],
            idle: (0..servers).collect(),
            responses: LogHistogram::new(),
        }
    }

    /// The same system as a model of the engine, its first arrival scheduled.
    #[must_use]
    pub fn engine(servers: u32, load: f64) -> Engine<Self> {
        let mut engine = Engine::new(Self::new(servers, load));
        let first = engine.model.gap();
        engine.context_mut().after(first, Event::Arrive);
        engine
    }

    #[inline]
    fn gap(&mut self) -> Span {
        Span::from_secs_f64(self.arrivals.exponential() * self.arrival_mean)
    }

    #[inline]
    fn react(&mut self, event: Event, now: SimTime, agenda: &mut impl Agenda) {
        match event {
            Event::Arrive => {
                agenda.schedule(now + self.gap(), Event::Arrive);
                match self.idle.pop() {
                    Some(server) => {
                        self.busy += 1;
                        self.serve(server, now, now, agenda);
                    }
                    None => self.wait(now),
                }
            }
            Event::Boundary { node, .. } => {
                let came = self.came[node.index()];
                self.responses.record((now - came).as_secs_f64());
                if self.waiting > 0 {
                    let next = self.line[self.head];
                    self.head = (self.head + 1) & (self.line.len() - 1);
                    self.waiting -= 1;
                    self.serve(node.0, next, now, agenda);
                } else {
                    self.busy -= 1;
                    self.idle.push(node.0);
                }
            }
            _ => {}
        }
        debug_assert!(self.busy <= self.servers);
    }

    #[inline]
    fn serve(&mut self, server: u32, came: SimTime, now: SimTime, agenda: &mut impl Agenda) {
        self.came[server as usize] = came;
        let service = Span::from_secs_f64(self.services.exponential());
        let node = NodeId(server);
        agenda.schedule(now + service, Event::Boundary { node, stamp: 0 });
    }

    fn wait(&mut self, now: SimTime) {
        if self.waiting == self.line.len() {
            self.line.rotate_left(self.head);
            self.head = 0;
            self.line.resize(2 * self.waiting, SimTime::ZERO);
        }
        let place = (self.head + self.waiting) & (self.line.len() - 1);
        self.line[place] = now;
        self.waiting += 1;
    }

    /// The lower bound: a loop written by hand over queue `Q`, without engine and digest, until `customers` have left.
    #[must_use]
    pub fn by_hand<Q: Queue<Event>>(servers: u32, load: f64, customers: u64) -> LogHistogram {
        let mut system = Self::new(servers, load);
        let mut queue = Q::empty();
        queue.push(SimTime::ZERO + system.gap(), 0, Event::Arrive);
        let mut left = 0;
        while left < customers
            && let Some((now, rank, event)) = queue.pop()
        {
            left += u64::from(rank == RANK);
            system.react(event, now, &mut ByHand(&mut queue));
        }
        system.responses
    }
}

impl Model for MultiServer {
    type Event = Event;

    #[inline]
    fn handle(&mut self, event: Event, cx: &mut Context<Event>) {
        self.react(event, cx.now(), cx);
    }
}
