//! `EventQueue` against a sorted reference: any interleaving of pushes and pops, ties, bursts, outliers, rates that jump, ten million.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use walras_des::{EventQueue, Purpose, SimTime, Stream, Streams};

#[derive(Clone, Copy, Debug)]
enum Step {
    Push { time: u64, rank: u8 },
    Burst { time: u64, rank: u8, count: usize },
    Pop,
    PopMany { count: usize },
    LookAhead { least: usize },
}

/// Few distinct times (ties), many, all, and the far end.
fn time() -> impl Strategy<Value = u64> {
    prop_oneof![0..4u64, 0..1_000u64, any::<u64>(), u64::MAX - 2..=u64::MAX]
}

fn step() -> impl Strategy<Value = Step> {
    let rank = prop_oneof![4 => 0..3u8, 1 => any::<u8>()];
    prop_oneof![
        6 => (time(), rank.clone()).prop_map(|(time, rank)| Step::Push { time, rank }),
        1 => (time(), rank, prop_oneof![3 => 1..80usize, 1 => 80..400usize])
            .prop_map(|(time, rank, count)| Step::Burst { time, rank, count }),
        5 => Just(Step::Pop),
        1 => (1..80usize).prop_map(|count| Step::PopMany { count }),
        1 => (1..20usize).prop_map(|least| Step::LookAhead { least }),
    ]
}

/// The queue under test beside an ordered set.
#[derive(Default)]
struct Pair {
    queue: EventQueue<u64>,
    /// In the order of (time, rank, insertion); the payload is the insertion number.
    reference: BTreeSet<(u64, u8, u64)>,
    pushed: u64,
    peak: usize,
}

impl Pair {
    fn push(&mut self, time: u64, rank: u8) {
        self.queue
            .push(SimTime::from_nanos(time), rank, self.pushed);
        self.reference.insert((time, rank, self.pushed));
        self.pushed += 1;
        self.peak = self.peak.max(self.reference.len());
    }

    /// Pops both and returns the time, after a look at the size and a try with a limit too early.
    #[track_caller]
    fn pop(&mut self) -> Option<u64> {
        let expect = self.reference.first().copied();
        if let Some(before) = expect.and_then(|(time, ..)| time.checked_sub(1)) {
            assert_eq!(self.queue.pop_until(SimTime::from_nanos(before)), None);
        }
        assert_eq!(self.queue.len(), self.reference.len());
        assert_eq!(self.queue.is_empty(), self.reference.is_empty());
        assert_eq!(self.queue.peak_len(), self.peak);
        let time = expect.map(|(time, ..)| time);
        assert_eq!(self.queue.peek_time().map(SimTime::as_nanos), time);
        let popped = self.queue.pop();
        let got = popped.map(|(time, rank, event)| (time.as_nanos(), rank, event));
        assert_eq!(got, expect);
        self.reference.pop_first();
        time
    }

    /// What is known to come is what will come.
    #[track_caller]
    fn look_ahead(&mut self, least: usize) {
        self.queue.look_ahead(least);
        for (place, &(.., event)) in self.reference.iter().enumerate() {
            let Some(&coming) = self.queue.coming(place) else {
                break;
            };
            assert_eq!(coming, event);
        }
    }

    /// All that is pending, sorted stably, is the reference.
    #[track_caller]
    fn look(&self) {
        let events = self.queue.iter();
        let mut pending: Vec<_> = events
            .map(|(time, rank, &event)| (time.as_nanos(), rank, event))
            .collect();
        pending.sort_by_key(|&(time, rank, _)| (time, rank));
        assert!(self.reference.iter().eq(&pending));
    }

    fn drain(&mut self) {
        while self.pop().is_some() {}
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
                Step::Pop => _ = pair.pop(),
                Step::PopMany { count } => (0..count).for_each(|_| _ = pair.pop()),
                Step::LookAhead { least } => pair.look_ahead(least),
            }
            pair.look();
        }
        pair.drain();
    }

    /// The hold pattern of a simulation: the popped event comes back a little later.
    #[test]
    fn never_goes_backwards_under_the_hold_pattern(
        start in prop::collection::vec(0..50u64, 1..200),
        delays in prop::collection::vec(0..20u64, 0..500),
        ahead in 0..8usize,
    ) {
        let mut pair = Pair::default();
        for time in start {
            pair.push(time, 0);
        }
        let mut now = 0;
        for delay in delays {
            let next = pair.pop().unwrap_or(now);
            pair.look_ahead(ahead);
            prop_assert!(next >= now);
            now = next;
            pair.push(now + delay, (delay % 3) as u8);
            pair.look();
        }
        pair.drain();
    }
}

fn stream() -> Stream {
    Streams::new(1, 0).open(Purpose::new("queue order"), 0)
}

/// 20,000 holds at 2,000 pending with `delay` ns, then a drain.
#[track_caller]
fn check_hold(mut delay: impl FnMut(&mut Stream, u64) -> u64) {
    let (mut pair, mut stream) = (Pair::default(), stream());
    for index in 0..2_000 {
        pair.push(delay(&mut stream, index), (index % 3) as u8);
    }
    for index in 0..20_000 {
        let now = pair.pop().unwrap_or(0);
        let time = now.saturating_add(delay(&mut stream, index));
        pair.push(time, (index % 3) as u8);
        if index % 500 == 0 {
            pair.look();
        }
    }
    pair.drain();
}

#[test]
fn increments_of_many_kinds() {
    check_hold(|stream, _| (1e6 * stream.exponential()) as u64);
    check_hold(|stream, _| stream.below(1_000_000));
    check_hold(|stream, _| {
        if stream.bernoulli(0.9) {
            stream.below(1_000)
        } else {
            1_000_000_000
        }
    });
    check_hold(|stream, _| (1e3 * stream.open_unit().powf(-2.0)) as u64);
}

#[test]
fn all_at_the_same_instant() {
    check_hold(|_, _| 0);
    check_hold(|_, _| 1_000);
    check_hold(|stream, _| 1_000 * stream.below(3));
}

#[test]
fn outliers_in_the_far_future() {
    check_hold(|stream, _| match stream.below(10) {
        0 => 1 << 60,
        1 => u64::MAX,
        _ => stream.below(1_000),
    });
}

#[test]
fn the_end_of_time() {
    check_hold(|stream, _| u64::MAX - stream.below(5_000));
}

/// The rate jumps by 10^4 and back every 3,000 events; what is pushed now is due before all that waits, and after it.
#[test]
fn rates_that_jump() {
    check_hold(|stream, index| {
        let mean = if index / 3_000 % 2 == 0 { 1e9 } else { 1e5 };
        (mean * stream.exponential()) as u64
    });
}

/// Filled, emptied and filled again at earlier times than before, which the engine never does but the queue allows.
#[test]
fn drained_and_filled_again() {
    let mut pair = Pair::default();
    let mut stream = stream();
    for round in 0..20 {
        for _ in 0..50 * (round + 1) {
            pair.push((1_000_000 >> round) + stream.below(1 << (2 * round)), 0);
        }
        pair.drain();
    }
}

/// Bursts of 500 at `now` and just before the next event, over 5,000 that wait.
#[test]
fn bursts_at_now() {
    let (mut pair, mut stream) = (Pair::default(), stream());
    for _ in 0..5_000 {
        pair.push(stream.below(1_000_000), 1);
    }
    for burst in 0..20 {
        let now = pair.pop().unwrap_or(0);
        for index in 0..500 {
            pair.push(now + (index & burst), (index % 5) as u8);
        }
        for _ in 0..400 {
            pair.pop();
        }
    }
    pair.drain();
}

/// Ten million pending, with ties, popped in order. The order of insertion within a tie is seen from the payload.
#[test]
fn ten_million_pending() {
    const PENDING: u32 = 10_000_000;
    let mut stream = stream();
    let mut queue = EventQueue::with_capacity(PENDING as usize);
    for index in 0..PENDING {
        let time = SimTime::from_nanos((1e7 * stream.exponential()) as u64);
        queue.push(time, (index % 2) as u8, index);
    }
    let mut last = None;
    let mut popped = 0;
    while let Some(next) = queue.pop() {
        assert!(last < Some(next), "{last:?} before {next:?}");
        last = Some(next);
        popped += 1;
    }
    assert_eq!(popped, PENDING);
}
