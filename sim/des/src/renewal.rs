//! Reference systems of renewal theory: a population of independent renewal processes on the public engine.
//!
//! Each process renews after lives drawn from one [`Dist`]. An ordinary process starts with a fresh life; a stationary one with
//! the residual life of [`Dist::residual`], so that its renewals come at a constant rate from the first moment on.
//! D. R. Cox, *Renewal Theory*, Methuen 1962.

use crate::dist::Dist;
use crate::engine::{Context, Engine, Event, Model};
use crate::rng::{Purpose, Stream, Streams};
use crate::time::{SimTime, Span};

/// A population of renewal processes.
#[derive(Clone, Debug)]
pub struct Renewals {
    life: Dist,
    processes: Vec<Process>,
}

#[derive(Clone, Debug)]
struct Process {
    stream: Stream,
    renewals: u64,
    last: SimTime,
    next: SimTime,
}

/// The process of this index renews.
#[derive(Clone, Copy, Debug)]
pub struct Renewal(u32);

impl Event for Renewal {
    fn rank(&self) -> u8 {
        0
    }

    fn word(&self) -> u64 {
        u64::from(self.0)
    }
}

impl Renewals {
    /// `count` processes that start with a fresh life [s].
    #[must_use]
    pub fn ordinary(life: &Dist, count: u32, streams: &Streams) -> Engine<Self> {
        let process = |index| {
            let mut stream = open(streams, index);
            let first = life.sample(&mut stream);
            Process::new(stream, first)
        };
        Self::start(life, (0..count).map(process).collect())
    }

    /// `count` processes that have been going on forever [s]; `None` if the residual life is not known.
    #[must_use]
    pub fn stationary(life: &Dist, count: u32, streams: &Streams) -> Option<Engine<Self>> {
        let process = |index| {
            let mut stream = open(streams, index);
            let first = life.residual(&mut stream)?;
            Some(Process::new(stream, first))
        };
        let processes: Option<Vec<Process>> = (0..count).map(process).collect();
        Some(Self::start(life, processes?))
    }

    fn start(life: &Dist, processes: Vec<Process>) -> Engine<Self> {
        let firsts: Vec<SimTime> = processes.iter().map(|process| process.next).collect();
        let life = life.clone();
        let mut engine = Engine::new(Self { life, processes });
        for (index, first) in (0..).zip(firsts) {
            engine.context_mut().at(first, Renewal(index));
        }
        engine
    }

    /// Renewals so far, of each process.
    pub fn renewals(&self) -> impl Iterator<Item = u64> + '_ {
        self.processes.iter().map(|process| process.renewals)
    }

    /// Time since the last renewal, or since the start [s].
    pub fn ages(&self, now: SimTime) -> impl Iterator<Item = f64> + '_ {
        let last = self.processes.iter().map(|process| process.last);
        last.map(move |last| (now - last).as_secs_f64())
    }

    /// Time to the next renewal [s].
    pub fn residuals(&self, now: SimTime) -> impl Iterator<Item = f64> + '_ {
        let next = self.processes.iter().map(|process| process.next);
        next.map(move |next| (next - now).as_secs_f64())
    }
}

impl Process {
    /// A process whose first renewal is `first` [s] after the start.
    fn new(stream: Stream, first: f64) -> Self {
        Self {
            stream,
            renewals: 0,
            last: SimTime::ZERO,
            next: SimTime::from_secs_f64(first),
        }
    }
}

fn open(streams: &Streams, index: u32) -> Stream {
    streams.open(Purpose::new("renewal"), u64::from(index))
}

impl Model for Renewals {
    type Event = Renewal;

    fn handle(&mut self, Renewal(index): Renewal, cx: &mut Context<Renewal>) {
        let process = &mut self.processes[index as usize];
        process.renewals += 1;
        process.last = cx.now();
        process.next = cx.now() + Span::from_secs_f64(self.life.sample(&mut process.stream));
        cx.at(process.next, Renewal(index));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_renews_on_the_second() {
        let life = Dist::constant(2.0).expect("a number");
        let mut engine = Renewals::ordinary(&life, 3, &Streams::new(1, 0));
        engine.run_until(SimTime::from_secs(7));
        let (now, clocks) = (engine.now(), &engine.model);
        assert_eq!(clocks.renewals().collect::<Vec<_>>(), [3, 3, 3]);
        assert_eq!(clocks.ages(now).collect::<Vec<_>>(), [1.0; 3]);
        assert_eq!(clocks.residuals(now).collect::<Vec<_>>(), [1.0; 3]);
    }

    #[test]
    fn a_law_without_residual_life_has_no_stationary_process() {
        let life = Dist::pareto(1.0, 0.9).expect("parameters");
        assert!(Renewals::stationary(&life, 1, &Streams::new(1, 0)).is_none());
    }
}
