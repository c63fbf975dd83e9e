//! A run that is watched is the run that is made, and what is read off it is what a bystander counts.

mod common;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use common::{churn, platform, settings, workload};
use walras_des::{SimTime, Span};
use walras_sim::ids::NodeId;
use walras_sim::platform::Platform;
use walras_sim::record::{JobRow, Nothing, Recorder, Subject};
use walras_sim::scheduling::Policy;
use walras_sim::workload::Workload;
use walras_sim::world::inspect::{FIELDS, Field, Kind, Owner, Probe};
use walras_sim::world::{Event, Playback, simulate};

fn busy(rate: f64) -> (Platform, Workload) {
    let mut platform = platform(12, 4, 6);
    platform.fleets[0].availability = churn();
    platform.policy = Policy::LeastLoaded;
    (
        platform,
        Workload {
            patience: Span::MINUTE,
            ..workload(rate)
        },
    )
}

/// What can be counted from what a recorder is told, and nothing else.
#[derive(Debug, Default)]
struct Books {
    submitted: u64,
    live: i64,
    completed: u64,
    up: BTreeMap<NodeId, bool>,
    /// Placements less ends and losses, in the present stay as the dispatcher knows it.
    outstanding: BTreeMap<NodeId, i64>,
    attempts: BTreeMap<u64, u32>,
    events: Vec<(SimTime, u8, u64)>,
}

#[derive(Clone, Default)]
struct Bystander(Rc<RefCell<Books>>);

impl Recorder for Bystander {
    const EVENTS: bool = true;

    fn event(&mut self, now: SimTime, rank: u8, word: u64, subject: Subject) {
        let books = &mut *self.0.borrow_mut();
        books.events.push((now, rank, word));
        let event = Event::decode(rank, word).expect("an event");
        match (event, subject.node) {
            (Event::Arrive, _) => {
                assert_eq!(subject.job, Some(books.submitted));
                books.submitted += 1;
                books.live += 1;
            }
            (Event::Up { node, .. }, found) if !subject.is_stale => {
                assert_eq!(found, Some(node));
                books.up.insert(node, true);
                books.outstanding.insert(node, 0);
            }
            (Event::Down { node, .. }, _) if !subject.is_stale => {
                books.up.insert(node, false);
            }
            _ => {}
        }
    }

    fn placed(&mut self, job: u64, node: NodeId) {
        let books = &mut *self.0.borrow_mut();
        *books.outstanding.entry(node).or_default() += 1;
        *books.attempts.entry(job).or_default() += 1;
    }

    fn job(&mut self, row: JobRow) {
        let books = &mut *self.0.borrow_mut();
        books.live -= 1;
        if let Some(node) = row.node {
            books.completed += 1;
            *books.outstanding.entry(node).or_default() -= 1;
        }
        books.attempts.remove(&row.serial);
    }
}

fn field(owner: Owner, name: &str) -> &'static Field {
    Field::named(owner, name).unwrap_or_else(|| panic!("no field {name}"))
}

/// Stepped to its end, a run has the digest, the counts and the figures of one that runs through.
#[test]
fn a_run_that_is_stepped_is_the_run() {
    let (platform, workload) = busy(3.0);
    let settings = settings(2);
    for replication in 0..3 {
        let whole = simulate(
            &platform,
            &workload,
            &settings,
            7,
            replication,
            Nothing,
            &|| false,
        )
        .expect("not stopped");
        let books = Bystander::default();
        let mut playback = Playback::simulate(
            &platform,
            &workload,
            &settings,
            7,
            replication,
            books.clone(),
        );
        let mut seen = Vec::new();
        while let Some((at, event)) = playback.step() {
            use walras_des::Event as _;
            seen.push((at, event.rank(), event.word()));
            assert_eq!(at, playback.now());
        }
        assert_eq!(playback.events(), seen.len() as u64);
        let output = playback.finish();
        assert_eq!(output.digest, whole.digest);
        assert_eq!(output.metrics, whole.metrics);
        assert_eq!(output.samples, whole.samples);
        assert_eq!((output.counts, output.events), (whole.counts, whole.events));
        assert_eq!(books.0.borrow().events, seen);
        assert!(whole.counts.completed > 10_000, "{:?}", whole.counts);
    }
}

/// After every event, what is read is what a bystander has counted.
#[test]
fn readings_are_what_a_bystander_counts() {
    let (platform, workload) = busy(9.0);
    let bystander = Bystander::default();
    let mut playback =
        Playback::simulate(&platform, &workload, &settings(1), 3, 0, bystander.clone());
    let run = |name| Probe::new(field(Owner::Run, name), 0);
    let mut totals = ["jobs.submitted", "jobs.live", "jobs.completed", "nodes.up"].map(run);
    let mut up: Vec<Probe> = (0..12)
        .map(|i| Probe::new(field(Owner::Node, "up"), i))
        .collect();
    let mut outstanding = Probe::each_node(field(Owner::Node, "outstanding"));
    let mut attempts = Probe::new(field(Owner::Job, "attempts"), 500);
    let mut state_of = Probe::new(field(Owner::Job, "state"), 500);
    let mut states_seen = [false; 4];
    let mut lost = 0;
    while let Some((_, event)) = playback.step() {
        let state = playback.state();
        let books = bystander.0.borrow();
        let read = totals.each_mut().map(|probe| probe.read(&state, 0));
        let nodes_up = books.up.values().filter(|up| **up).count();
        let counted = [
            books.submitted as f64,
            books.live as f64,
            books.completed as f64,
            nodes_up as f64,
        ];
        assert_eq!(read, counted.map(Some), "after event {}", playback.events());
        lost += u64::from(matches!(event, Event::Lost { .. }));
        for (node, up) in up.iter_mut().enumerate() {
            let is_up = books.up.get(&NodeId::new(node)).copied().unwrap_or(false);
            assert_eq!(up.read(&state, 0), Some(f64::from(u8::from(is_up))));
            // Losses are the dispatcher's to notice, which the bystander does not follow.
            if lost == 0 {
                let counted = books.outstanding.get(&NodeId::new(node)).copied();
                assert_eq!(
                    outstanding.read(&state, node),
                    Some(counted.unwrap_or(0) as f64)
                );
            }
        }
        let place = state_of.read(&state, 0).expect("a job has a state") as usize;
        states_seen[place] = true;
        let is_live = place == 1 || place == 2;
        let counted = books.attempts.get(&500).copied().unwrap_or(0);
        assert_eq!(
            attempts.read(&state, 0),
            is_live.then_some(f64::from(counted))
        );
        assert_eq!(place == 0, books.submitted <= 500);
    }
    assert_eq!(states_seen, [true; 4]);
    assert!(lost > 0, "the world was to have losses");
}

/// What comes next is what the agenda had first, about the job or node that it named.
#[test]
fn the_agenda_begins_with_what_happens_next() {
    #[derive(Default)]
    struct Last(Option<Subject>);
    impl Recorder for Last {
        const EVENTS: bool = true;
        fn event(&mut self, _: SimTime, _: u8, _: u64, subject: Subject) {
            self.0 = Some(subject);
        }
    }
    use walras_des::Event as _;
    let (platform, workload) = busy(9.0);
    let mut playback =
        Playback::simulate(&platform, &workload, &settings(1), 3, 0, Last::default());
    let mut stale = 0;
    loop {
        let agenda = playback.agenda();
        assert!(agenda.is_sorted_by_key(|&(at, event)| (at, event.rank())));
        let first = agenda.first().filter(|(at, _)| *at <= playback.end());
        let expected = first.map(|(at, event)| {
            let key = (*at, event.rank(), event.word());
            (key, playback.subject(event))
        });
        let Some((at, event)) = playback.step() else {
            break;
        };
        let subject = playback.recorder().0.expect("an event has a subject");
        stale += u64::from(subject.is_stale);
        assert_eq!(expected, Some(((at, event.rank(), event.word()), subject)));
    }
    assert!(stale > 0 && playback.events() > 10_000);
}

/// Every field can be read at any time, and is what its kind says.
#[test]
fn every_field_reads_as_its_kind() {
    let (platform, workload) = busy(3.0);
    let mut playback = Playback::simulate(&platform, &workload, &settings(1), 3, 0, Nothing);
    let mut probes: Vec<Probe> = FIELDS.iter().map(|field| Probe::new(field, 5)).collect();
    let mut has_value = vec![false; FIELDS.len()];
    while playback.step().is_some() {
        if !playback.events().is_multiple_of(7) && playback.events() > 1000 {
            continue;
        }
        let state = playback.state();
        for (probe, has_value) in probes.iter_mut().zip(&mut has_value) {
            let Some(value) = probe.read(&state, 0) else {
                continue;
            };
            *has_value = true;
            let fits = match probe.field().kind {
                Kind::Truth => value == 0.0 || value == 1.0,
                Kind::Word(words) => value >= 0.0 && (value as usize) < words.len(),
                Kind::Time => value >= 0.0 && value.fract() == 0.0,
                Kind::Number => value.is_finite() && value >= 0.0,
            };
            assert!(fits, "{} is {value}", probe.field().name);
        }
    }
    let without: Vec<&str> = FIELDS
        .iter()
        .zip(&has_value)
        .filter(|(_, has)| !**has)
        .map(|(field, _)| field.name)
        .collect();
    // This platform has no base fee, and these customers no budget.
    assert_eq!(without, ["price.base_fee", "limit"]);
}
