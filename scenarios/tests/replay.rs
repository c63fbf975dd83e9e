//! Event logs say what happened and notice any damage; replays are the recorded runs, and halt where they should.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use walras_des::{Event as _, SimTime, Span};
use walras_scenarios::condition::{Expression, Touched, time};
use walras_scenarios::event_log::{EventLog, KINDS, LogError, Logbook, Record, What, file_name};
use walras_scenarios::replay::{Errand, Halt, Moment, Replay, Watch};
use walras_scenarios::{Options, Plan, Results, execute, load};
use walras_sim::record::{Recorder, Subject};
use walras_sim::world::{Event, Playback};

/// An hour of a scenario of the library, with a small network.
fn plan(scenario: &str, set: &[(&str, &str)]) -> Plan {
    let common = [("run.horizon", "1 h"), ("run.replications", "2")];
    let overrides: Vec<_> = common
        .iter()
        .chain(set)
        .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
        .collect();
    load(Path::new(scenario), &overrides, None)
        .unwrap_or_else(|issues| panic!("{issues}"))
        .plan
}

/// A cloud that grows and shrinks (0), and a network whose nodes come and go (1).
fn two() -> Plan {
    plan(
        "depin-vs-cloud",
        &[
            ("platforms.depin.fleets.home.nodes", "40"),
            ("platforms.depin.fleets.datacenter.nodes", "2"),
            ("platforms.depin.fleets.home.availability", "brief"),
            (
                "availability.brief",
                "{up: {exponential: {mean: 5 min}}, down: {exponential: {mean: 5 min}}, source: made up}",
            ),
            ("workload.rate_factor", "2"),
            ("workload.patience", "2 s"),
        ],
    )
}

/// A folder of its own for each test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(plan: &Plan, threads: usize, logbook: Option<&Logbook>) -> Results {
    let stop = AtomicBool::new(false);
    let options = Options {
        threads,
        pool: None,
        record_jobs: false,
        logbook,
        stop: &stop,
    };
    execute(plan, &options, &|_| {}).unwrap()
}

/// The logs of replication 0 of every platform.
fn logs(plan: &Plan, folder: &Folder) -> (Results, Vec<PathBuf>) {
    let logbook = Logbook::new(folder.0.clone(), 0);
    let results = run(plan, 2, Some(&logbook));
    let written = logbook.finish().into_iter();
    (results, written.map(|log| log.expect("written")).collect())
}

fn read(path: &Path) -> Result<Vec<Record>, LogError> {
    let mut log = EventLog::open(path)?;
    let mut records = Vec::new();
    for block in 0..log.blocks().len() {
        records.extend(log.read(block)?);
    }
    Ok(records)
}

/// Writes down all that a recorder is told.
#[derive(Default)]
struct Scribe(Vec<String>);

impl Recorder for Scribe {
    const EVENTS: bool = true;

    fn event(&mut self, now: SimTime, rank: u8, word: u64, subject: Subject) {
        self.0.push(format!("{now} {rank} {word} {subject:?}"));
    }

    fn placed(&mut self, job: u64, node: walras_sim::ids::NodeId) {
        self.0.push(format!("placed {job} {node:?}"));
    }

    fn job(&mut self, row: walras_sim::record::JobRow) {
        let (job, fate, node) = (row.serial, row.fate, row.node);
        self.0.push(format!("ended {job} {fate:?} {node:?}"));
    }
}

fn scribed(record: &Record) -> String {
    match record.what {
        What::Event(event, subject) => {
            let (at, rank, word) = (record.at, event.rank(), event.word());
            format!("{at} {rank} {word} {subject:?}")
        }
        What::Placed { job, node } => format!("placed {job} {node:?}"),
        What::Ended { job, fate, node } => format!("ended {job} {fate:?} {node:?}"),
    }
}

fn playback<R: Recorder>(
    plan: &Plan,
    platform: usize,
    recorder: R,
) -> Playback<'_, walras_sim::scheduling::Builtin, R> {
    Playback::simulate(
        &plan.expect_requests().platforms[platform],
        &plan.expect_requests().workload,
        &plan.settings(),
        plan.seed,
        0,
        recorder,
    )
}

/// What is read back is what a recorder of its own was told, word for word; every block can be read by itself, and the
/// last digest is that of the run.
#[test]
fn a_log_read_back_is_what_happened() {
    let (plan, folder) = (two(), Folder::new("log"));
    let (results, paths) = logs(&plan, &folder);
    assert_eq!(paths.len(), 2, "one log for each platform");
    let mut kinds = [0; KINDS.len()];
    for (platform, path) in paths.iter().enumerate() {
        let mut playback = playback(&plan, platform, Scribe::default());
        while playback.step().is_some() {}
        let told = &playback.recorder().0;
        let records = read(path).unwrap();
        assert!(told.len() > 20_000, "{}", told.len());
        assert_eq!(records.len(), told.len());
        for (record, told) in records.iter().zip(told) {
            assert_eq!(&scribed(record), told);
            kinds[record.what.kind()] += 1;
        }
        let output = &results.runs[platform].output;
        let mut log = EventLog::open(path).unwrap();
        assert_eq!(log.digest(), output.digest.as_u64());
        assert_eq!(log.events(), output.events);
        assert_eq!(
            log.header().platform,
            plan.expect_requests().platforms[platform].name
        );
        assert!(log.blocks().len() > 3, "{}", log.blocks().len());
        // From any time on: the block that the index names, and those behind it.
        for from in [0, 1, 600, 1800, 3599, 3700, 9000].map(SimTime::from_secs) {
            let mut found = Vec::new();
            for block in log.block_at(from)..log.blocks().len() {
                found.extend(log.read(block).unwrap());
            }
            found.retain(|record| record.at >= from);
            let expected = records.iter().filter(|record| record.at >= from);
            assert!(
                found.iter().map(scribed).eq(expected.map(scribed)),
                "from {from}"
            );
        }
    }
    let missing: Vec<_> = KINDS
        .iter()
        .zip(kinds)
        .filter(|(_, count)| *count == 0)
        .map(|((name, _), _)| *name)
        .collect();
    // No built-in policy asks to be woken here, no fee moves, nothing fails, and no context goes from node to node.
    assert_eq!(
        missing,
        ["wake", "reprice", "outage", "ready", "kv-sent", "kv-landed"]
    );
}

/// With or without logs, on one thread or four: the same results; and the logs themselves are the same bytes.
#[test]
fn logging_changes_nothing() {
    let plan = two();
    let without = run(&plan, 2, None);
    let mut files: Vec<Vec<Vec<u8>>> = Vec::new();
    for threads in [1, 4] {
        let folder = Folder::new(&format!("threads-{threads}"));
        let logbook = Logbook::new(folder.0.clone(), 1);
        let with = run(&plan, threads, Some(&logbook));
        for (a, b) in without.runs.iter().zip(&with.runs) {
            assert_eq!(a.output.digest, b.output.digest);
            assert_eq!(a.output.metrics, b.output.metrics);
            assert_eq!(a.output.samples, b.output.samples);
        }
        let logs = logbook.finish().into_iter();
        files.push(logs.map(|log| fs::read(log.unwrap()).unwrap()).collect());
    }
    assert_eq!(files[0].len(), 2);
    assert!(files[0] == files[1]);
}

/// A log that cannot be written leaves the run alone.
#[test]
fn a_log_that_cannot_be_written_is_reported_and_the_run_goes_on() {
    let plan = two();
    let logbook = Logbook::new(PathBuf::from("/nowhere/at/all"), 0);
    let results = run(&plan, 1, Some(&logbook));
    assert!(!results.interrupted);
    let problems: Vec<_> = logbook
        .finish()
        .into_iter()
        .map(Result::unwrap_err)
        .collect();
    assert_eq!(problems.len(), 2);
    let message = problems[0].to_string();
    assert!(
        message.starts_with("cannot create `/nowhere/at/all/events.cloud.0.log`"),
        "{message}"
    );
}

/// Cut anywhere or changed anywhere, a log is refused with a reason; it never panics and never tells another story.
#[test]
fn a_damaged_log_is_refused() {
    let (plan, folder) = (two(), Folder::new("damage"));
    let (_, paths) = logs(&plan, &folder);
    let bytes = fs::read(&paths[1]).unwrap();
    let copy = folder.0.join("copy.log");
    let check = |bytes: &[u8]| {
        fs::write(&copy, bytes).unwrap();
        read(&copy).map(|records| records.len())
    };
    assert!(check(&bytes).is_ok());
    for part in 0..60 {
        let length = bytes.len() * part / 60;
        let error = check(&bytes[..length]).expect_err("cut short");
        let is_named = matches!(&error, LogError::CutShort(_) | LogError::NotALog(_));
        assert!(is_named, "{length} of {} bytes: {error}", bytes.len());
    }
    for cut in 1..70 {
        assert!(
            check(&bytes[..bytes.len() - cut]).is_err(),
            "{cut} bytes less"
        );
    }
    // Every byte of header and foot but the header's own text, and some of everything else.
    let header_end = 16 + u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let spread = (0..400).map(|i| header_end + (bytes.len() - header_end) * i / 400);
    let ends = (0..16).chain(bytes.len() - 56..bytes.len());
    for at in ends.chain(spread) {
        for flip in [1, 128] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            assert!(
                check(&changed).is_err(),
                "byte {at} of {} changed by {flip}",
                bytes.len()
            );
        }
    }
    let mut newer = bytes.clone();
    newer[8] = 9;
    let error = check(&newer).unwrap_err().to_string();
    assert!(
        error.ends_with("has format 9, this version reads format 1"),
        "{error}"
    );
    let error = check(b"{\"not\": \"a log\", \"of\": \"walras\"}").unwrap_err();
    assert!(
        error.to_string().ends_with("is not an event log of walras"),
        "{error}"
    );
}

#[test]
fn names_of_logs_are_safe() {
    assert_eq!(file_name("cloud-2_x", 3), "events.cloud-2_x.3.log");
    assert_eq!(
        file_name("../a b/é", 0),
        "events.%2E%2E%2Fa%20b%2F%C3%A9.0.log"
    );
    assert_ne!(file_name("a%2Fb", 0), file_name("a/b", 0));
}

fn go(replay: &mut Replay<'_>, to: Option<Moment>, until: Option<&mut Expression>) -> Halt {
    replay.run(&mut Errand {
        to,
        until,
        is_next: true,
        watches: &mut [],
        changed: &mut |_, _, _| {},
        stop: &|| false,
    })
}

fn at(text: &str) -> Moment {
    Moment::Time(time(text).unwrap())
}

/// To a time and on to the end, or to the end and back and forth: always the recorded run.
#[test]
fn a_replay_is_the_recorded_run() {
    let (plan, folder) = (two(), Folder::new("replay"));
    let (results, paths) = logs(&plan, &folder);
    for (platform, path) in paths.iter().enumerate() {
        let output = &results.runs[platform].output;
        let log = EventLog::open(path).unwrap();
        let records = read(path).unwrap();
        let mut replay = Replay::new(&plan, platform, 0, 50);
        let last = (output.events, output.digest.as_u64());
        replay.hold_against(log.blocks(), last);
        for (text, seconds) in [("10min", 600), ("20m", 1200), ("0.5h", 1800)] {
            assert_eq!(go(&mut replay, Some(at(text)), None), Halt::Arrived);
            let limit = SimTime::from_secs(seconds);
            let past = records.iter().filter(|record| record.at <= limit);
            let past: Vec<&Record> = past.collect();
            assert_eq!(replay.events(), past.last().unwrap().number);
            let tail = past[past.len() - 50..].iter().map(|record| scribed(record));
            assert!(replay.trail().map(scribed).eq(tail), "the last 50 records");
            let compared = replay.checked().0;
            assert!(compared > 0 && replay.events() - compared < 4096);
        }
        let halfway = (replay.events(), replay.digest());
        assert_eq!(go(&mut replay, None, None), Halt::Ended);
        assert_eq!(replay.checked(), (output.events, true));
        assert_eq!(replay.digest(), output.digest);
        // Back, by number and by time.
        replay.restart();
        assert_eq!(
            go(&mut replay, Some(Moment::Event(halfway.0)), None),
            Halt::Arrived
        );
        assert_eq!((replay.events(), replay.digest()), halfway);
        replay.restart();
        assert_eq!(go(&mut replay, Some(at("30min")), None), Halt::Arrived);
        assert_eq!((replay.events(), replay.digest()), halfway);
        assert_eq!(go(&mut replay, None, None), Halt::Ended);
        let finished = replay.finish();
        assert_eq!(finished.digest, output.digest);
        assert_eq!(finished.metrics, output.metrics);
    }
}

/// Another seed, a log of another platform, a run that was shorter or longer: found out at the next checkpoint.
#[test]
fn a_replay_of_another_run_is_found_out() {
    let (plan, folder) = (two(), Folder::new("diverged"));
    let (results, paths) = logs(&plan, &folder);
    let output = &results.runs[1].output;
    let last = (output.events, output.digest.as_u64());
    let log = EventLog::open(&paths[1]).unwrap();
    let halt = |plan: &Plan, platform: usize, last: (u64, u64), with_log: bool| {
        let mut replay = Replay::new(plan, platform, 0, 1);
        replay.hold_against(if with_log { log.blocks() } else { &[] }, last);
        match go(&mut replay, None, None) {
            Halt::Diverged(found) => Some(found.events),
            halt => {
                assert_eq!(halt, Halt::Ended);
                None
            }
        }
    };
    assert_eq!(halt(&plan, 1, last, true), None);
    assert_eq!(halt(&plan, 1, last, false), None);
    let first = log.blocks()[1].events_before;
    let other = Plan {
        seed: 2,
        ..plan.clone()
    };
    assert_eq!(halt(&other, 1, last, true), Some(first));
    assert_eq!(halt(&other, 1, last, false), Some(last.0));
    assert_eq!(halt(&plan, 0, last, true), Some(first));
    assert_eq!(halt(&plan, 1, (last.0 + 1, last.1), true), Some(last.0 + 1));
    // A record that ends where the replay goes on.
    let early = log.blocks()[2];
    assert_eq!(
        halt(&plan, 1, (early.events_before, early.digest_before), false),
        Some(early.events_before)
    );
}

type Change<'c> = &'c dyn Fn(&Record) -> i64;

/// Numbers of the events after which `count` has gone above `limit`, where `change` says what a record adds.
fn crossings(records: &[Record], limit: i64, change: Change<'_>) -> Vec<u64> {
    let (mut count, mut was_above, mut found) = (0, false, Vec::new());
    for (index, record) in records.iter().enumerate() {
        count += change(record);
        let is_last = records
            .get(index + 1)
            .is_none_or(|next| next.number > record.number);
        if is_last {
            if count > limit && !was_above {
                found.push(record.number);
            }
            was_above = count > limit;
        }
    }
    found
}

/// A breakpoint halts after exactly the events at which its condition becomes true. The other account is taken from the log:
/// arrivals, placements and ends, counted without any look at the state.
#[test]
fn a_breakpoint_halts_at_the_first_event_where_it_holds() {
    let (plan, folder) = (two(), Folder::new("breakpoint"));
    let (_, paths) = logs(&plan, &folder);
    let records = read(&paths[1]).unwrap();
    let live = |record: &Record| match record.what {
        What::Event(Event::Arrive, _) => 1,
        What::Ended { .. } => -1,
        _ => 0,
    };
    let arrived = |record: &Record| i64::from(matches!(record.what, What::Event(Event::Arrive, _)));
    let completed = |record: &Record| {
        i64::from(matches!(record.what, What::Ended { node: Some(node), .. } if node.0 == 3))
    };
    let up = |record: &Record| match record.what {
        What::Event(Event::Up { .. }, subject) if !subject.is_stale => 1,
        What::Event(Event::Down { .. }, subject) if !subject.is_stale => -1,
        _ => 0,
    };
    let job_ends = |record: &Record| i64::from(matches!(record.what, What::Ended { job: 777, .. }));
    let cases: [(&str, i64, Change<'_>); 6] = [
        ("jobs.live > 40", 40, &live),
        ("jobs.submitted > 12345", 12345, &arrived),
        ("nodes.up > 21", 21, &up),
        ("count(node[*].up) > 21", 21, &up),
        ("job[777].state == ended", 0, &job_ends),
        ("not (jobs.live * 2 <= 80) or 1h < 1min", 40, &live),
    ];
    assert!(records.iter().any(|record| completed(record) > 0));
    for (text, limit, change) in cases {
        let expected = crossings(&records, limit, change);
        assert!(!expected.is_empty(), "{text} is to become true");
        let mut replay = Replay::new(&plan, 1, 0, 1);
        let mut condition = Expression::condition(text, &replay.state()).unwrap();
        let mut halts = Vec::new();
        while go(&mut replay, None, Some(&mut condition)) == Halt::Held {
            halts.push(replay.events());
        }
        assert_eq!(halts, expected, "{text}");
    }
    // What holds at the start halts there, unless the next time is asked for.
    let mut replay = Replay::new(&plan, 1, 0, 1);
    let mut idle = Expression::condition("jobs.live == 0", &replay.state()).unwrap();
    let halt = replay.run(&mut Errand {
        to: None,
        until: Some(&mut idle),
        is_next: false,
        watches: &mut [],
        changed: &mut |_, _, _| {},
        stop: &|| false,
    });
    assert_eq!((halt, replay.events()), (Halt::HeldAlready, 0));
    assert_eq!(go(&mut replay, None, Some(&mut idle)), Halt::Held);
    assert!(replay.events() > 1);
    // Terms are written as what they are.
    let text = "max(node[*].up_for) > 100h or sum(node[*].queue) > 10000000";
    let mut condition = Expression::condition(text, &replay.state()).unwrap();
    let [(_, longest), (_, queued)] = &condition.terms(&replay.state())[..] else {
        panic!("two terms");
    };
    assert!(longest.contains("s (node "), "{longest}");
    assert!(queued.ends_with(" jobs") || queued == "1 job", "{queued}");
    // With a time beyond which it does not look.
    let mut replay = Replay::new(&plan, 1, 0, 1);
    let mut never = Expression::condition("jobs.live > 1000000", &replay.state()).unwrap();
    assert_eq!(
        go(&mut replay, Some(at("5min")), Some(&mut never)),
        Halt::Arrived
    );
    assert!(replay.now() <= SimTime::from_secs(300));
}

/// What is said of all nodes is worked out for the nodes that an event has touched alone; looking at all of them every time
/// gives the same. Checked on every field of a node, on a cloud that scales, a network that churns and one with a base fee.
#[test]
fn looking_at_touched_nodes_is_looking_at_all() {
    use walras_sim::world::inspect::{Field, Kind, Owner};
    let mut plans = vec![(two(), 0), (two(), 1)];
    plans.push((
        plan(
            "price-discovery",
            &[("platforms.reverse-auction.fleets.home.nodes", "20")],
        ),
        1,
    ));
    for (plan, platform) in plans {
        let texts: Vec<String> = Field::of(Owner::Node)
            .map(|field| match field.kind {
                Kind::Number | Kind::Time => format!("sum(node[*].{})", field.name),
                Kind::Truth => format!("count(node[*].{})", field.name),
                Kind::Word(words) => format!("count(node[*].{} == {})", field.name, words[2]),
            })
            .chain([
                "max(node[*].queue)".to_owned(),
                "any(node[*].queue > jobs.live / 10)".to_owned(),
                "jobs.live > 20 and any(node[*].batch > 3)".to_owned(),
            ])
            .collect();
        let mut replay = Replay::new(&plan, platform, 0, 1);
        let parse = |text: &String| Expression::parse(text, &replay.state()).unwrap();
        let mut watches: Vec<Watch> = texts
            .iter()
            .map(|text| Watch::new(parse(text), &replay.state()))
            .collect();
        let mut fresh: Vec<Expression> = texts.iter().map(parse).collect();
        let mut changes = vec![0; texts.len()];
        for number in 1..=6_000 {
            let halt = replay.run(&mut Errand {
                to: Some(Moment::Event(number)),
                until: None,
                is_next: false,
                watches: &mut watches,
                changed: &mut |_, index, _| changes[index] += 1,
                stop: &|| false,
            });
            assert_eq!(halt, Halt::Arrived);
            for (watch, fresh) in watches.iter().zip(&mut fresh) {
                let all = fresh.value_after(&replay.state(), Touched::All);
                assert_eq!(
                    watch.now,
                    fresh.shown(&replay.state()),
                    "{} after event {number}: {all:?}",
                    watch.text()
                );
            }
        }
        let moving = changes.iter().filter(|count| **count > 0).count();
        assert!(moving > 12, "{moving} of {} change", texts.len());
    }
}

fn at_start<T>(look: impl FnOnce(&walras_sim::world::inspect::State<'_>) -> T) -> T {
    let plan = two();
    let replay = Replay::new(&plan, 1, 0, 1);
    look(&replay.state())
}

#[test]
fn expressions_have_their_usual_meaning() {
    at_start(|state| {
        for (text, expected) in [
            ("1 + 2 * 3", "7"),
            ("(1 + 2) * 3", "9"),
            ("8 / 2 / 2", "2"),
            ("2 - 3 - 4", "-5"),
            ("-2 * -3", "6"),
            ("1_000 + 0.5", "1,000.5"),
            ("2h / 30min", "4"),
            ("1h + 2m + 3.5s", "1h02m03.5s"),
            ("1h02m03.5s - 1 h", "2m03.5s"),
            ("3 * 250ms", "750ms"),
            ("1s - 2s", "-1s"),
            ("1 d / 4", "6h00m00s"),
            ("1 < 2 and 2 < 1 or true", "yes"),
            ("1 < 2 and (2 < 1 or false)", "no"),
            ("not 1 < 2", "no"),
            ("not false == true", "yes"),
            ("(not false) == false", "no"),
            ("not not true", "yes"),
            ("1 <= 1 and 1 >= 1 and 1 == 1 and not 1 != 1", "yes"),
            ("1 < 1 || 1 > 1 || ! true && true", "no"),
            ("time == 0s and jobs.live == 0", "yes"),
            ("node[3].stage == down", "yes"),
            ("node[3].stage != down", "no"),
            ("job[5].state == expected", "yes"),
            ("job[5].node", "none"),
            // What has no value compares as false with everything.
            (
                "job[5].node == 3 or job[5].node != 3 or job[5].age < 1h",
                "no",
            ),
            ("not job[5].node == 3", "yes"),
            ("nodes.total", "42 nodes"),
            ("1 / 0 > 5", "yes"),
            ("0 / 0", "none"),
            ("count(node[*].stage == down)", "42"),
            ("max(node[*].queue) == 0 and all(node[*].queue == 0)", "yes"),
            ("any(node[*].queue > 0)", "no"),
            (
                "sum(node[*].kv_capacity) > 42 * min(node[*].kv_capacity)",
                "yes",
            ),
            ("max(job[5].age + node[*].up_for)", "none"),
        ] {
            let mut expression =
                Expression::parse(text, state).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(expression.shown(state), expected, "{text}");
        }
    });
}

/// Every message, with its column and what would work.
#[test]
fn mistakes_in_expressions_say_where_and_what_would_work() {
    let cases = [
        (
            "node[17].queu > 1",
            10,
            "unknown field `queu` of a node",
            "did you mean `queue`?",
        ),
        (
            "node[17].zzz > 1",
            10,
            "unknown field `zzz`",
            "known fields: queue, batch, outstanding",
        ),
        (
            "node[70000].queue > 1",
            6,
            "there is no node 70,000",
            "platform `depin` has 42 nodes, 0 to 41",
        ),
        ("node[42].queue > 1", 6, "there is no node 42", "0 to 41"),
        ("node[1.5].queue > 1", 6, "expected a whole number", ""),
        (
            "node[x].queue > 1",
            6,
            "expected the number of a node, found `x`",
            "node[17]",
        ),
        ("node[1.queue > 1", 8, "unknown unit of time `queue`", ""),
        ("node[1 queue > 1", 8, "expected `]`, found `queue`", ""),
        (
            "node[17] > 1",
            1,
            "say which of its fields",
            "fields of a node: queue",
        ),
        (
            "node[17].3 > 1",
            10,
            "expected a field of a node, found the number 3",
            "",
        ),
        (
            "job[17] > 1",
            1,
            "a job is not a value",
            "fields of a job: state",
        ),
        (
            "node > 1",
            1,
            "unknown name `node`",
            "say which, as in `node[17]`",
        ),
        (
            "nodes.uppp > 1",
            1,
            "unknown name `nodes.uppp`",
            "did you mean `nodes.up`?",
        ),
        (
            "xyzzy > 1",
            1,
            "unknown name `xyzzy`",
            "known names: time, events, jobs.submitted",
        ),
        (
            "fleet[3].size > 1",
            1,
            "there is no `fleet[…]`",
            "node[i] and job[i]",
        ),
        (
            "node[17].queue",
            1,
            "this is a number, not a condition",
            "`node[17].queue > 100`",
        ),
        ("time", 1, "this is a time, not a condition", "compare it"),
        (
            "node[17].queue > 3h",
            18,
            "a number cannot be compared with a time",
            "a time has a unit",
        ),
        (
            "time >= 3",
            9,
            "a time cannot be compared with a number",
            "as in 3h or 250ms",
        ),
        (
            "time > 3 parsecs",
            8,
            "a time cannot be compared with a number",
            "",
        ),
        (
            "time > 3x",
            9,
            "unknown unit of time `x`",
            "d, h, min, m, s, ms, us, ns",
        ),
        ("1h02 < time", 3, "`02` has no unit", "units of time"),
        ("1.2.3 < 4", 1, "`1.2.3` is not a number", ""),
        (
            "node[1].stage == 4",
            18,
            "a word cannot be compared with a number",
            "off, starting, up, draining, down",
        ),
        (
            "node[1].stage == ended",
            18,
            "a word cannot be compared with a word",
            "words of this field: off",
        ),
        ("node[1].stage > up", 15, "a word has no order", "== or !="),
        (
            "node[1].up > false",
            12,
            "a condition has no order",
            "== or !=",
        ),
        (
            "price.base_fee > 3",
            1,
            "`price.base_fee` has no value on platform `depin`",
            "",
        ),
        ("1 < 2 < 3", 7, "comparisons cannot be chained", "`and`"),
        ("jobs.live = 3", 11, "found `=`", "compare with `==`"),
        (
            "jobs.live > 3 4",
            15,
            "expected an operator or the end, found the number 4",
            "",
        ),
        (
            "jobs.live >",
            12,
            "expected a value, found the end",
            "node[17].queue",
        ),
        (
            "jobs. > 3",
            7,
            "expected a name after `jobs.`, found `>`",
            "",
        ),
        ("", 1, "expected a value, found the end", ""),
        ("(jobs.live > 3", 15, "expected `)`, found the end", ""),
        (
            "jobs.live > 3 and 4",
            19,
            "expected a condition, found a number",
            "compare it",
        ),
        ("1 or true", 1, "expected a condition, found a number", ""),
        (
            "not jobs.live",
            5,
            "expected a condition, found a number",
            "",
        ),
        (
            "true + 1 > 0",
            1,
            "expected a number or a time, found a condition",
            "",
        ),
        (
            "-node[1].up",
            2,
            "expected a number or a time, found a condition",
            "",
        ),
        (
            "time + 3 > 1h",
            8,
            "a time cannot be added to a number",
            "a time has a unit",
        ),
        (
            "time * time > 1h",
            6,
            "a time cannot be multiplied by a time",
            "",
        ),
        (
            "3 / time > 1",
            3,
            "a number cannot be divided by a time",
            "",
        ),
        (
            "any(jobs.live > 3)",
            5,
            "`any(…)` is about all nodes",
            "`any(node[*].queue > 100)`",
        ),
        (
            "max(3) > 3",
            5,
            "`max(…)` is about all nodes",
            "`max(node[*].queue)`",
        ),
        (
            "any(node[*].queue)",
            5,
            "expected a condition, found a number",
            "",
        ),
        (
            "max(node[*].up) == true",
            5,
            "expected a number or a time, found a condition",
            "",
        ),
        (
            "node[*].queue > 3",
            6,
            "node[*] stands for each node",
            "any(node[*].queue > 100)",
        ),
        (
            "job[*].age > 3h",
            5,
            "expected the number of a job, found `*`",
            "job[17]",
        ),
        (
            "maxx(node[*].queue) > 3",
            1,
            "unknown function `maxx`",
            "did you mean `max`?",
        ),
        ("any(any(node[*].up))", 5, "cannot stand inside another", ""),
        ("jobs.live > 3 § 4", 15, "`§` has no meaning here", ""),
    ];
    at_start(|state| {
        for (text, column, message, help) in cases {
            let Err(mistake) = Expression::condition(text, state) else {
                panic!("`{text}` is a mistake");
            };
            let shown = mistake.to_string();
            assert_eq!(mistake.column, column, "{text}\n{shown}");
            assert!(
                shown.contains(message),
                "{text}: not `{message}` in\n{shown}"
            );
            assert!(shown.contains(help), "{text}: not `{help}` in\n{shown}");
        }
        let shown = Expression::condition("node[17].queu > 1", state).unwrap_err();
        assert_eq!(
            shown.to_string(),
            "column 10: unknown field `queu` of a node\n  node[17].queu > 1\n           ^^^^\n  help: did you mean `queue`?"
        );
    });
}

/// However deep or long, an expression is read or refused, and never leaves the stack.
#[test]
fn expressions_are_bounded() {
    at_start(|state| {
        for text in [
            "(".repeat(10_000),
            format!("{}true", "not ".repeat(10_000)),
            format!("{}1 > 0", "-".repeat(100_000)),
            format!("{}true", "true or ".repeat(100_000)),
        ] {
            let mistake = Expression::condition(&text, state).unwrap_err().to_string();
            assert!(mistake.contains("longer than 400"), "{}", &mistake[..80]);
        }
        let deep = format!("{}true{}", "(".repeat(199), ")".repeat(199));
        let mut deep = Expression::condition(&deep, state).expect("399 are fine");
        assert!(deep.holds(state));
    });
}

#[test]
fn times_are_read_as_they_are_written() {
    for nanos in [
        0,
        1,
        999,
        1_000,
        250_000_000,
        3_600_000_000_000,
        86_422_155_411_503,
    ] {
        let at = SimTime::from_nanos(nanos);
        assert_eq!(time(&at.to_string()).unwrap(), at, "{at}");
    }
    assert_eq!(time("1.5 h").unwrap(), SimTime::ZERO + Span::MINUTE * 90);
    for (text, message) in [
        ("3", "the time 3 has no unit"),
        ("soon", "`soon` is not a time"),
        ("3h + 2h", "`3h + 2h` is not a time"),
        ("3fortnights", "unknown unit of time `fortnights`"),
        ("999999d", "beyond 584 years"),
    ] {
        let mistake = time(text).unwrap_err().to_string();
        assert!(mistake.contains(message), "{text}: {mistake}");
    }
}
