//! The event queue against a sorted list, under any sequence of pushes and pops.
#![no_main]

use libfuzzer_sys::fuzz_target;
use walras_des::{EventQueue, SimTime};

/// Pops from both: the same event, of the same time and rank.
fn pop(queue: &mut EventQueue<u32>, sorted: &mut Vec<(u64, u8, u32)>) {
    let expect = (!sorted.is_empty()).then(|| sorted.remove(0));
    let got = queue
        .pop()
        .map(|(time, rank, event)| (time.as_nanos(), rank, event));
    assert_eq!(got, expect);
}

// Nine bytes make a step: the first chooses what to do and the rank, the others the time.
fuzz_target!(|steps: &[u8]| {
    let mut queue = EventQueue::new();
    let mut sorted: Vec<(u64, u8, u32)> = Vec::new();
    let mut now = 0;
    for (serial, step) in (0..).zip(steps.chunks_exact(9)) {
        let word = u64::from_le_bytes(step[1..].try_into().expect("eight bytes"));
        let rank = step[0] >> 4;
        let time = match step[0] & 15 {
            0..=3 => {
                now = sorted.first().map_or(now, |first| first.0);
                pop(&mut queue, &mut sorted);
                queue.look_ahead(usize::from(rank));
                for (place, &(.., serial)) in sorted.iter().enumerate() {
                    match queue.coming(place) {
                        Some(&coming) => assert_eq!(coming, serial),
                        None => break,
                    }
                }
                continue;
            }
            4..=6 => word, // anywhere, the past and the far end included
            7..=9 => now,  // a tie
            10..=12 => now.saturating_add(word & 0xffff), // soon
            13 | 14 => now.saturating_add(word >> 20), // some time
            _ => word & 3,
        };
        queue.push(SimTime::from_nanos(time), rank, serial);
        // Events are numbered as they come, so the number is the order of insertion.
        let at = sorted.partition_point(|entry| *entry < (time, rank, serial));
        sorted.insert(at, (time, rank, serial));
        assert_eq!(queue.len(), sorted.len());
        assert_eq!(
            queue.peek_time().map(SimTime::as_nanos),
            sorted.first().map(|first| first.0)
        );
    }
    while !sorted.is_empty() {
        pop(&mut queue, &mut sorted);
    }
    assert!(queue.pop().is_none());
});
