//! `EventQueue` against a sorted list: any interleaving of pushes and pops, ties included.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use walras_des::{EventQueue, SimTime};

#[derive(Clone, Copy, Debug)]
enum Step {
    Push { time: u64, rank: u8 },
    Burst { time: u64, rank: u8, count: usize },
    Pop,
    PopMany { count: usize },
}

/// Few distinct times (ties), many, all, and the far end.
fn time() -> impl Strategy<Value = u64> {
    prop_oneof![0..4u64, 0..1_000u64, any::<u64>(), u64::MAX - 2..=u64::MAX]
}

fn step() -> impl Strategy<Value = Step> {
    let rank = prop_oneof![4 => 0..3u8, 1 => any::<u8>()];
    prop_oneof![
        6 => (time(), rank.clone()).prop_map(|(time, rank)| Step::Push { time, rank }),
        1 => (time(), rank, 1..40usize)
            .prop_map(|(time, rank, count)| Step::Burst { time, rank, count }),
        5 => Just(Step::Pop),
        1 => (1..40usize).prop_map(|count| Step::PopMany { count }),
    ]
}

/// The queue under test beside the obvious implementation.
#[derive(Default)]
struct Pair {
    queue: EventQueue<u64>,
    /// Sorted by (time, rank, insertion); the payload is the insertion number.
    reference: Vec<(u64, u8, u64)>,
    pushed: u64,
    peak: usize,
}

impl Pair {
    fn push(&mut self, time: u64, rank: u8) {
        self.queue
            .push(SimTime::from_nanos(time), rank, self.pushed);
        let entry = (time, rank, self.pushed);
        let place = self.reference.partition_point(|other| *other < entry);
        self.reference.insert(place, entry);
        self.pushed += 1;
        self.peak = self.peak.max(self.reference.len());
    }

    fn pop(&mut self) -> Result<(), TestCaseError> {
        let expect = if self.reference.is_empty() {
            None
        } else {
            Some(self.reference.remove(0))
        };
        let got = self
            .queue
            .pop()
            .map(|(time, rank, event)| (time.as_nanos(), rank, event));
        prop_assert_eq!(got, expect);
        Ok(())
    }

    fn check_size(&mut self) -> Result<(), TestCaseError> {
        prop_assert_eq!(self.queue.len(), self.reference.len());
        prop_assert_eq!(self.queue.is_empty(), self.reference.is_empty());
        prop_assert_eq!(self.queue.peak_len(), self.peak);
        let first = self
            .reference
            .first()
            .map(|(time, ..)| SimTime::from_nanos(*time));
        prop_assert_eq!(self.queue.peek_time(), first);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn pops_in_the_order_of_time_rank_and_insertion(
        steps in prop::collection::vec(step(), 0..300),
    ) {
        let mut pair = Pair::default();
        for step in steps {
            match step {
                Step::Push { time, rank } => pair.push(time, rank),
                Step::Burst { time, rank, count } => (0..count).for_each(|_| pair.push(time, rank)),
                Step::Pop => pair.pop()?,
                Step::PopMany { count } => (0..count).try_for_each(|_| pair.pop())?,
            }
            pair.check_size()?;
        }
        while !pair.reference.is_empty() {
            pair.pop()?;
        }
        pair.pop()?;
    }

    /// The hold pattern of a simulation: the popped event comes back a little later.
    #[test]
    fn never_goes_backwards_under_the_hold_pattern(
        start in prop::collection::vec(0..50u64, 1..200),
        delays in prop::collection::vec(0..20u64, 0..500),
    ) {
        let mut pair = Pair::default();
        for time in start {
            pair.push(time, 0);
        }
        let mut now = 0;
        for delay in delays {
            let next = pair.reference[0].0;
            prop_assert!(next >= now);
            now = next;
            pair.pop()?;
            pair.push(now + delay, (delay % 3) as u8);
        }
    }
}
