//! The candidates of the race for the event queue, behind one trait. Only the winner lives in `walras-des`.

#![expect(
    clippy::inline_always,
    reason = "as the winner's own; all are treated alike"
)]

pub mod binary_heap;
pub mod four_ary;
pub mod ladder;
pub mod lazy;
pub mod wheel;

pub use binary_heap::BinaryHeapQueue;
pub use four_ary::FourAryHeap;
pub use ladder::LadderQueue;
pub use lazy::LazyBuckets;
pub use wheel::TimingWheel;

use walras_des::{EventQueue, SimTime};

/// A priority queue of events in the total order (time, rank, insertion).
pub trait Queue<E: Copy> {
    /// An empty queue.
    fn empty() -> Self;

    /// Adds `event`, behind all pending events of the same time and rank.
    fn push(&mut self, time: SimTime, rank: u8, event: E);

    /// Removes the first event.
    fn pop(&mut self) -> Option<(SimTime, u8, E)>;
}

impl<E: Copy> Queue<E> for EventQueue<E> {
    fn empty() -> Self {
        Self::new()
    }

    #[inline(always)]
    fn push(&mut self, time: SimTime, rank: u8, event: E) {
        Self::push(self, time, rank, event);
    }

    #[inline(always)]
    fn pop(&mut self) -> Option<(SimTime, u8, E)> {
        Self::pop(self)
    }
}

const SEQUENCE_BITS: u32 = 56;

/// An event with its order packed in two words, time and rank ‖ sequence (a `u128` would be aligned to 16 bytes).
#[derive(Clone, Copy)]
struct Entry<E> {
    time: u64,
    order: u64,
    event: E,
}

impl<E> Entry<E> {
    #[inline]
    fn new(time: SimTime, rank: u8, sequence: u64, event: E) -> Self {
        Self {
            time: time.as_nanos(),
            order: u64::from(rank) << SEQUENCE_BITS | sequence,
            event,
        }
    }

    #[inline]
    fn key(&self) -> u128 {
        u128::from(self.time) << 64 | u128::from(self.order)
    }

    #[inline]
    fn opened(self) -> (SimTime, u8, E) {
        let rank = (self.order >> SEQUENCE_BITS) as u8;
        (SimTime::from_nanos(self.time), rank, self.event)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;
    use walras_des::{Purpose, Span, Streams};

    use super::*;

    /// Pushes and pops against an ordered set, then drains. A step pushes at `now + delay` or, without a delay, pops.
    fn check<Q: Queue<u64>>(name: &str, steps: impl Iterator<Item = Option<(u64, u8)>>) {
        let (mut queue, mut expect) = (Q::empty(), BTreeSet::new());
        let (mut now, mut pushed) = (0u64, 0);
        let pop = |queue: &mut Q, expect: &mut BTreeSet<(u64, u8, u64)>| {
            let next = expect.pop_first();
            let got = queue
                .pop()
                .map(|(time, rank, event)| (time.as_nanos(), rank, event));
            assert_eq!(got, next, "{name}");
            next.map(|(time, ..)| time)
        };
        for step in steps {
            if let Some((delay, rank)) = step {
                let time = now.saturating_add(delay);
                queue.push(SimTime::from_nanos(time), rank, pushed);
                expect.insert((time, rank, pushed));
                pushed += 1;
            } else {
                now = pop(&mut queue, &mut expect).unwrap_or(now);
            }
        }
        while pop(&mut queue, &mut expect).is_some() {}
    }

    fn check_all(steps: &[Option<(u64, u8)>]) {
        check::<BinaryHeapQueue<u64>>("std", steps.iter().copied());
        check::<FourAryHeap<u64>>("4-ary heap", steps.iter().copied());
        check::<LadderQueue<u64>>("ladder", steps.iter().copied());
        check::<LazyBuckets<u64>>("lazy", steps.iter().copied());
        check::<TimingWheel<u64>>("wheel", steps.iter().copied());
        check::<EventQueue<u64>>("EventQueue", steps.iter().copied());
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 200,
            rng_seed: RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn every_candidate_keeps_the_order(
            steps in prop::collection::vec(
                prop_oneof![
                    (0..3u64, 0..3u8).prop_map(Some),
                    (0..1_000_000u64, any::<u8>()).prop_map(Some),
                    (any::<u64>(), 0..3u8).prop_map(Some),
                    Just(None),
                    Just(None),
                ],
                0..600,
            ),
        ) {
            check_all(&steps);
        }
    }

    /// 60,000 steps of growth, hold and drain, with increments that jump by 10^4 and back, bursts at one instant, and outliers.
    #[test]
    fn every_candidate_survives_rates_that_jump() {
        let mut stream = Streams::new(1, 0).open(Purpose::new("steps"), 0);
        let steps: Vec<_> = (0..60_000u64)
            .map(|step| {
                let scale = if step / 10_000 % 2 == 0 { 1e3 } else { 1e7 };
                let growing = step % 20_000 < 12_000;
                let is_push = stream.uniform() < if growing { 0.7 } else { 0.4 };
                is_push.then(|| {
                    let delay = match stream.below(100) {
                        0 => 1 << 50,
                        1..20 => 0,
                        _ => (scale * stream.exponential()) as u64,
                    };
                    (delay, stream.below(3) as u8)
                })
            })
            .collect();
        check_all(&steps);
    }

    #[test]
    fn every_candidate_keeps_equal_times_in_order() {
        let at_once = (0..100_000u32).map(|step| Some((0, (step % 3) as u8)));
        let more = (0..100_000u32).map(|step| (step % 2 == 0).then_some((0, 1)));
        check_all(&at_once.chain(more).collect::<Vec<_>>());
    }

    /// Heavy-tailed times, half of them pushed while the queue drains.
    fn hold_ten_million<Q: Queue<u64>>(name: &str) {
        const PENDING: u64 = 10_000_000;
        let mut stream = Streams::new(1, 0).open(Purpose::new("ten million"), 0);
        let mut delay = || Span::from_nanos((1e3 * stream.exponential() / stream.uniform()) as u64);
        let mut queue = Q::empty();
        for event in 0..PENDING {
            queue.push(SimTime::ZERO + delay(), 0, event);
        }
        let (mut last, mut pushed) = ((SimTime::ZERO, 0), PENDING);
        for popped in 0..PENDING + PENDING / 2 {
            let (now, _, event) = queue.pop().expect("there are more");
            assert!(popped == 0 || (now, event) > last, "{name} at {popped}");
            last = (now, event);
            if pushed < PENDING + PENDING / 2 {
                queue.push(now + delay(), 0, pushed);
                pushed += 1;
            }
        }
        assert_eq!(queue.pop(), None, "{name}");
    }

    #[test]
    fn every_candidate_holds_ten_million() {
        hold_ten_million::<BinaryHeapQueue<u64>>("std");
        hold_ten_million::<FourAryHeap<u64>>("4-ary heap");
        hold_ten_million::<LadderQueue<u64>>("ladder");
        hold_ten_million::<LazyBuckets<u64>>("lazy");
        hold_ten_million::<TimingWheel<u64>>("wheel");
        hold_ten_million::<EventQueue<u64>>("EventQueue");
    }
}
