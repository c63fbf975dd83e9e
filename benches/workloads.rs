//! The workloads of the race: the increments of the hold model, and how a queue is driven by them.

use walras_des::{Dist, Purpose, SimTime, Span, Stream, Streams};
use walras_sim::ids::{JobId, NodeId};
use walras_sim::world::Event;

use crate::queues::Queue;

/// How far ahead an event is scheduled [s]; each distribution has mean 1, but the last has a heavy tail.
#[derive(Clone, Copy, Debug)]
pub enum Increment {
    Exponential,
    Uniform,
    Bimodal,
    Pareto,
}

impl Increment {
    pub const ALL: [Self; 4] = [Self::Exponential, Self::Uniform, Self::Bimodal, Self::Pareto];

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
}

pub fn stream() -> Stream {
    Streams::new(1, 0).open(Purpose::new("bench"), 0)
}

pub fn event(index: u64) -> Event {
    Event::Boundary { node: NodeId(index as u32), stamp: 0 }
}

/// A queue with `pending` events in the steady state.
pub struct Hold<Q> {
    queue: Q,
    stream: Stream,
    increment: Increment,
}

impl<Q: Queue<Event>> Hold<Q> {
    pub fn new(pending: u64, increment: Increment) -> Self {
        let mut stream = stream();
        let mut queue = Q::empty();
        for index in 0..pending {
            queue.push(SimTime::ZERO + increment.draw(&mut stream), 2, event(index));
        }
        Self { queue, stream, increment }
    }

    pub fn run(&mut self, holds: u64) {
        for _ in 0..holds {
            let (time, rank, event) = self.queue.pop().expect("the queue never empties");
            let after = self.increment.draw(&mut self.stream);
            self.queue.push(time + after, rank, event);
        }
    }
}
