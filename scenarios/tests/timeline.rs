//! Timelines and traces: they agree with the figures of the run, nothing overlaps in a lane, and every arrow has two ends.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use walras_des::{SimTime, Span};
use walras_scenarios::chrome_trace::{ChromeTrace, Written};
use walras_scenarios::timeline::{Kept, Life, Outcome, follow, nodes};
use walras_scenarios::{Plan, load};
use walras_sim::record::{JobTable, MetricId, Output};
use walras_sim::world::simulate;

/// An hour of a busy network, in which nodes leave with work and small memories preempt.
fn plan(more: &[(&str, &str)]) -> Plan {
    let set = [
        ("run.horizon", "1 h"),
        ("run.warm_up", "0 s"),
        ("run.replications", "2"),
        ("baseline", "null"),
        ("workload.rate_factor", "12"),
        ("platforms.cloud", "null"),
        ("platforms.depin.fleets.home.nodes", "200"),
        ("platforms.depin.scheduler", "random"),
    ];
    let set: Vec<(String, String)> = set
        .iter()
        .chain(more)
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .collect();
    let scenario = load(Path::new("depin-vs-cloud"), &set, None);
    scenario.unwrap_or_else(|issues| panic!("{issues}")).plan
}

fn output(plan: &Plan) -> Output {
    let table = JobTable::default();
    let (platform, settings) = (&plan.expect_requests().platforms[0], plan.settings());
    let output = simulate(
        platform,
        &plan.expect_requests().workload,
        &settings,
        plan.seed,
        0,
        table,
        &|| false,
    );
    output.expect("not stopped")
}

const ALL: (SimTime, SimTime) = (SimTime::ZERO, SimTime::MAX);

fn at(seconds: u64) -> SimTime {
    SimTime::ZERO + Span::SECOND * seconds
}

#[test]
fn a_timeline_agrees_with_the_run() {
    let plan = plan(&[]);
    let output = output(&plan);
    let mut kept = Kept::default();
    let followed = follow(&plan, 0, 0, ALL, &mut kept, &|| false);
    assert!(followed.is_whole);
    assert_eq!(
        (followed.events, followed.digest),
        (output.events, output.digest)
    );
    assert_eq!(followed.counts, output.counts);
    assert_eq!(kept.lives.len() as u64, output.counts.submitted);
    let lives: BTreeMap<u64, &Life> = kept.lives.iter().map(|life| (life.job, life)).collect();
    let (mut losses, mut in_batch) = (0, 0.0);
    for row in &output.jobs {
        let life = lives[&row.serial];
        assert_eq!((life.submitted, life.ended), (row.submitted, row.ended));
        assert_eq!(life.visits.len() as u32, row.attempts);
        for visit in &life.visits {
            losses += u32::from(matches!(visit.outcome, Outcome::Lost(_)));
            let Some((reached, left)) = visit.stay else {
                continue;
            };
            // Phases fill the stay.
            let mut end = reached;
            for phase in &visit.phases {
                assert_eq!(phase.from, end);
                end = phase.to;
                if !["queue", "preempted"].contains(&phase.name)
                    && phase.from < SimTime::ZERO + plan.horizon
                {
                    let to = phase.to.min(SimTime::ZERO + plan.horizon);
                    in_batch += (to - phase.from).as_secs_f64();
                }
            }
            assert_eq!(end, left);
        }
        if let Some(node) = row.node {
            let last = life.visits.last().expect("it was placed");
            assert_eq!((last.node, last.outcome), (node.0, Outcome::Delivered));
            // First token: the end of prefill and the way back, which is as long for the last token.
            let decode = last.phases.iter().find(|phase| phase.name == "decode");
            if let (Some(decode), Some(ttft), Some((_, left))) = (decode, row.ttft, last.stay) {
                let back = row.ended - left;
                let first = (decode.from - row.submitted).as_secs_f64() + back.as_secs_f64();
                assert!((first - ttft).abs() < 1e-6, "{first}, {ttft}");
            }
        }
    }
    assert!(losses > 2, "nodes leave with work: {losses}");
    // The time that requests spend in batches is what the world measured on its own.
    let of = |metric| output.metrics.get(metric).expect("the run has it");
    let working =
        of(MetricId::Utilization) * of(MetricId::NodesAvailable) * plan.horizon.as_secs_f64();
    let measured = of(MetricId::BatchSize) * working;
    assert!(
        (in_batch / measured - 1.0).abs() < 1e-6,
        "{in_batch}, measured {measured}"
    );
    // And so is the time in which nodes are up.
    let up: f64 = kept
        .up
        .iter()
        .map(|(_, from, to)| (*to.min(&(SimTime::ZERO + plan.horizon)), *from))
        .filter(|(to, from)| to > from)
        .map(|(to, from)| (to - from).as_secs_f64())
        .sum();
    let measured = of(MetricId::NodesAvailable) * plan.horizon.as_secs_f64();
    assert!(
        (up / measured - 1.0).abs() < 1e-6,
        "{up}, measured {measured}"
    );
}

fn trace(
    plan: &Plan,
    window: (SimTime, SimTime),
    chosen: Option<Vec<u32>>,
    limit: u64,
) -> (Written, Vec<Value>) {
    let mut bytes = Vec::new();
    let names = nodes(plan, 0, 0);
    let mut trace = ChromeTrace::new(&mut bytes, "a test", names, chosen, window, limit)
        .expect("memory takes it");
    follow(plan, 0, 0, window, &mut trace, &|| false);
    let written = trace.finish().expect("memory takes it");
    let object: Value = serde_json::from_slice(&bytes).expect("it is JSON");
    let events = object["traceEvents"].as_array().expect("a list").clone();
    (written, events)
}

/// Nanoseconds of a time in microseconds.
fn nanos(value: &Value) -> u64 {
    (value.as_f64().expect("a number") * 1e3).round() as u64
}

type Lane = (u64, u64);

fn lane(event: &Value) -> Lane {
    let number = |key: &str| event[key].as_u64().expect("a number");
    (number("pid"), number("tid"))
}

/// Slices by lane, in order: none overlaps the next, and every arrow starts and ends in one.
fn check(
    events: &[Value],
    written: Written,
    (from, to): (SimTime, SimTime),
) -> BTreeMap<Lane, Vec<(u64, u64)>> {
    let mut lanes: BTreeMap<Lane, Vec<(u64, u64)>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["ph"] == "X") {
        let start = nanos(&event["ts"]);
        lanes
            .entry(lane(event))
            .or_default()
            .push((start, start + nanos(&event["dur"])));
    }
    for (lane, slices) in &mut lanes {
        slices.sort_unstable();
        for pair in slices.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "lane {lane:?}: {pair:?} overlap");
        }
        assert!(slices[0].0 >= from.as_nanos() && slices[slices.len() - 1].1 <= to.as_nanos());
    }
    let ends = |phase: &str| -> BTreeMap<u64, (Lane, u64)> {
        let of = events.iter().filter(|event| event["ph"] == phase);
        of.map(|event| {
            (
                event["id"].as_u64().expect("a number"),
                (lane(event), nanos(&event["ts"])),
            )
        })
        .collect()
    };
    let (starts, stops) = (ends("s"), ends("f"));
    assert_eq!(starts.len() as u64, written.arrows);
    assert!(starts.keys().eq(stops.keys()), "an arrow has two ends");
    for (id, (lane, start)) in &starts {
        let (other, stop) = stops[id];
        assert!(*start <= stop, "an arrow points forward");
        for (lane, time) in [(lane, *start), (&other, stop)] {
            // Slices of a lane are in order: the last that has begun is the one.
            let begun = lanes[lane].partition_point(|(from, _)| *from <= time);
            let holds = lanes[lane][..begun]
                .iter()
                .rev()
                .take(2)
                .any(|(_, to)| time <= *to);
            assert!(holds, "arrow {id} hangs in the air");
        }
    }
    lanes
}

#[test]
fn a_trace_holds_the_whole_run() {
    let plan = plan(&[("workload.rate_factor", "4"), ("run.horizon", "20 min")]);
    let output = output(&plan);
    let (written, events) = trace(&plan, ALL, None, u64::MAX);
    check(&events, written, ALL);
    assert_eq!(
        (written.jobs, written.completed),
        (output.counts.submitted, output.counts.completed)
    );
    // One arrow to each node that was reached, and one back from each delivery and each loss that had begun.
    let named = |name: &str| {
        events
            .iter()
            .filter(|event| event["ph"] == "s" && event["name"] == name)
            .count() as u64
    };
    assert_eq!(named("delivered"), output.counts.completed);
    let placements: u64 = output.jobs.iter().map(|row| u64::from(row.attempts)).sum();
    assert!(named("placed") <= placements && named("placed") >= output.counts.completed);
    let levels: Vec<&str> = events
        .iter()
        .filter(|event| event["ph"] == "C")
        .filter_map(|event| event["name"].as_str())
        .collect();
    for level in [
        "nodes up",
        "jobs waiting at the dispatcher",
        "price paid [USD per million output tokens]",
    ] {
        assert!(levels.contains(&level), "{level}");
    }
}

#[test]
fn windows_nodes_and_limits_keep_traces_small() {
    let plan = plan(&[]);
    let window = (at(600), at(900));
    let (whole, events) = trace(&plan, window, None, u64::MAX);
    check(&events, whole, window);
    let (some, events) = trace(&plan, window, Some(vec![3, 5]), u64::MAX);
    let lanes = check(&events, some, window);
    assert!(some.jobs > 0 && some.jobs < whole.jobs);
    // Processes of nodes start at 10.
    assert!(
        lanes
            .keys()
            .all(|(process, _)| [2, 13, 15].contains(process)),
        "{:?}",
        lanes.keys()
    );
    let (cut, events) = trace(&plan, ALL, None, 100_000);
    check(&events, cut, ALL);
    assert!(cut.bytes < 110_000, "{} bytes", cut.bytes);
}
