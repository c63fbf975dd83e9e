//! Little's law, L = λW, on every queue of every scenario of the library.
//!
//! A bystander hears who joins and who leaves each queue of a world: the platform as a whole, the dispatcher's waiting list, and
//! every node. L is integrated from the length that the queue itself counts, λW is the sum over the requests of the time between
//! joining and leaving; both are integers, and a run that serves all of its requests must have them equal.

use std::collections::BTreeMap;
use std::mem;
use std::path::Path;

use walras_des::{SimTime, Streams};
use walras_scenarios::plan::{Batch, Subject};
use walras_scenarios::{Plan, library};
use walras_sim::cluster::TaskId;
use walras_sim::cluster::observer::{Observer, Stop};
use walras_sim::cluster::site::Site;
use walras_sim::cluster::view::View;
use walras_sim::economy::Economy;
use walras_sim::economy::machines::Live;
use walras_sim::ids::NodeId;
use walras_sim::record::{Queue, Recorder};
use walras_sim::units::Amount;
use walras_sim::world;

use super::{Planned, Row, Task};

/// Simulated time in which requests come; all are then served to their end. In `outage` the region fails after 6.8 hours.
const HORIZON: &str = "3 h";
const LONG: (&str, &str) = ("outage", "9 h");
/// Half and whole of the time that machines of economies are watched [s].
const MACHINES: [u64; 2] = [5_400, 10_800];

/// A system for each scenario, a row for each platform.
pub(super) fn group() -> Planned {
    let task = |name: &'static str| Task::new(name, move |seed| scenario(name, seed));
    Planned {
        title: "Little's law in the scenarios of the library",
        about: "L = λW as an identity on the sample path of one replication with 3 h of arrivals. Left: the sum of the times \
                that requests spent in the platform, per second (λW); right: the time average of what the queue itself counts \
                (L). The dispatcher and every node that served a request are compared one by one in the same row. Arrivals last 9 h \
                in `outage`. Of batch jobs, for as long as is shipped: tasks that run, on the cluster and on every node, and tasks \
                that wait. Of economies: requests at the machines of a network, a third of which leave after half of 3 h.",
        tasks: (library().iter())
            .filter(|entry| has_queues(&shipped(entry.name, &[])))
            .map(|entry| task(entry.name))
            .collect(),
    }
}

/// Work of an economy is a flow, but where machines are modelled.
fn has_queues(plan: &Plan) -> bool {
    let Subject::Economies(all) = &plan.subject else {
        return true;
    };
    let mut networks = all.economies.iter().flat_map(|economy| &economy.networks);
    networks.any(|network| network.machines.is_some())
}

fn shipped(name: &str, set: &[(String, String)]) -> Plan {
    let scenario = walras_scenarios::load(Path::new(name), set, None);
    scenario.expect("the library is right").plan
}

fn scenario(name: &str, seed: u64) -> Vec<Row> {
    let plan = shipped(name, &[]);
    if let Some(batch) = plan.batch() {
        return clusters(&plan, batch, seed);
    }
    if let Subject::Economies(all) = &plan.subject {
        return machines(&plan, &all.economies, seed);
    }
    let horizon = if name == LONG.0 { LONG.1 } else { HORIZON };
    let plan = shipped(name, &[("run.horizon".to_owned(), horizon.to_owned())]);
    let requests = plan.expect_requests();
    let platform = |platform: &walras_sim::platform::Platform| {
        let mut books = Books::default();
        let output = world::simulate(
            platform,
            &requests.workload,
            &plan.settings(),
            seed,
            0,
            Bystander(&mut books),
            &|| false,
        );
        let counts = output.expect("nobody stops it").counts;
        row(&platform.name, &books, counts.submitted)
    };
    requests.platforms.iter().map(platform).collect()
}

/// The machines of networks at their full load, as an economy steers them: after half of the time every third node is sent away, and other
/// prices and numbers of requests come. What has come by the end is not served to its end.
fn machines(plan: &Plan, economies: &[Economy], seed: u64) -> Vec<Row> {
    let streams = Streams::new(seed, 0);
    let mut rows = Vec::new();
    for economy in economies {
        for network in &economy.networks {
            let Some(machines) = &network.machines else {
                continue;
            };
            let mut books = Books::default();
            let bystander = Bystander(&mut books);
            let mut live = Live::new(machines, &plan.settings(), &streams, bystander);
            let volume = machines.volume();
            let [half, whole] = MACHINES.map(SimTime::from_secs);
            let price = Amount::from_f64(network.initial_price);
            let before = live.run(half, volume, price, |_| true);
            let after = live.run(whole, 0.8 * volume, price, |node| node % 3 > 0);
            drop(live);
            books.now = whole;
            let came = before.requests[0] + after.requests[0];
            rows.push(row(
                &format!("{}: {}", economy.name, network.name),
                &books,
                came,
            ));
        }
    }
    rows
}

fn clusters(plan: &Plan, batch: &Batch, seed: u64) -> Vec<Row> {
    let settings = plan.settings();
    let streams = Streams::new(seed, 0);
    let cluster = |site: &Site| {
        let jobs = batch.workload.jobs(&streams, settings.horizon);
        let history = site.history(&batch.workload, &settings, seed);
        let until = site.latest(&settings);
        let books = Books::default();
        let watched = site.watched(jobs, &history, until, &streams, books, &|| false);
        let (_, books) = watched.expect("nobody stops it");
        row(&site.name, &books, books.queues[&Queue::Platform].joined)
    };
    batch.sites.iter().map(cluster).collect()
}

/// The queues of a cluster are what waits, and what runs, in all and on each node; a gang is on a node once.
impl Books {
    fn note(&mut self, view: &View<'_>, task: TaskId, placed: &[(NodeId, u16)], joins: bool) {
        let now = view.now();
        self.now = now;
        let running = view.running().len() as u64;
        // What has stopped is taken off the list of what runs next.
        let running = if joins { running } else { running - 1 };
        self.turn(Queue::Platform, u64::from(task.0), now, running, joins);
        let mut nodes: Vec<NodeId> = placed.iter().map(|&(node, _)| node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        for node in nodes {
            let mut here = view.node(node).running.clone();
            here.sort_unstable();
            here.dedup();
            let serial = u64::from(task.0);
            self.turn(Queue::Node(node), serial, now, here.len() as u64, joins);
        }
    }

    /// Compares the waiting list with what it was before the last event. Who waits for longer stands before who came later, so that those
    /// who have left are the gaps.
    fn look_at_who_waits(&mut self, view: &View<'_>) {
        let at = self.settled;
        let list = self.queues.entry(Queue::Dispatcher).or_default();
        let mut present = view.waiting().peekable();
        for (task, since) in mem::take(&mut self.waiting) {
            let is_here = |other: &TaskId| *other == task && view.task(task).waiting_since == since;
            if present.next_if(is_here).is_some() {
                self.waiting.push((task, since));
            } else {
                list.stays += u128::from((at - since).as_nanos());
                list.present.remove(&u64::from(task.0));
            }
        }
        for task in present {
            // As the books say it: the list and they must agree.
            let since = view.task(task).waiting_since;
            self.waiting.push((task, since));
            list.present.insert(u64::from(task.0), since);
            list.joined += 1;
        }
        list.change(at, view.waiting_len() as u64);
        self.settled = view.now();
    }

    fn turn(&mut self, queue: Queue, serial: u64, now: SimTime, length: u64, joins: bool) {
        let sides = self.queues.entry(queue).or_default();
        sides.change(now, length);
        if joins {
            sides.joined += 1;
            let before = sides.present.insert(serial, now);
            assert!(before.is_none(), "task {serial} joins {queue:?} twice");
        } else {
            let since = sides.present.remove(&serial).expect("it was there");
            sides.stays += u128::from((now - since).as_nanos());
        }
    }
}

impl Observer for Books {
    fn elapsed(&mut self, view: &View<'_>) {
        self.look_at_who_waits(view);
    }

    fn finished(&mut self, view: &View<'_>) {
        self.look_at_who_waits(view);
        self.now = view.now();
    }

    fn started(&mut self, view: &View<'_>, task: TaskId) {
        let placed: Vec<_> = view.task(task).nodes().map(|node| (node, 0)).collect();
        self.note(view, task, &placed, true);
    }

    fn stopped(&mut self, view: &View<'_>, task: TaskId, placed: &[(NodeId, u16)], _: Stop) {
        self.note(view, task, placed, false);
    }
}

/// The two sides of the law for the whole platform, and their distance summed over all queues.
fn row(name: &str, books: &Books, submitted: u64) -> Row {
    let whole = &books.queues[&Queue::Platform];
    assert_eq!(whole.joined, submitted, "everyone is heard of");
    // How many nodes get requests at all is chance where a platform scales.
    let nodes = books.queues.len() - 2;
    let seconds = books.now.as_secs_f64() * 1e9;
    let queues = books.queues.values();
    Row::exact(
        format!("{name}, {nodes} nodes used"),
        (
            whole.time_until(books.now) as f64 / seconds,
            whole.area_until(books.now) as f64 / seconds,
        ),
        queues.clone().map(|queue| queue.joined).sum(),
        "stays",
        queues.map(|queue| queue.apart(books.now)).sum(),
    )
}

/// What the bystander has heard.
#[derive(Debug, Default)]
struct Books {
    queues: BTreeMap<Queue, Sides>,
    now: SimTime,
    /// Of a cluster, the tasks that wait and since when, and the time of the event that left them so.
    waiting: Vec<(TaskId, SimTime)>,
    settled: SimTime,
}

/// Both sides of Little's law for one queue.
#[derive(Debug, Default)]
struct Sides {
    /// As the queue itself counts, since `changed`.
    length: u64,
    changed: SimTime,
    /// ∫ length dt [request·ns].
    area: u128,
    /// Who is there, and since when.
    present: BTreeMap<u64, SimTime>,
    /// Time that those who left have been there [ns].
    stays: u128,
    joined: u64,
}

impl Sides {
    fn change(&mut self, now: SimTime, length: u64) {
        self.area = self.area_until(now);
        (self.changed, self.length) = (now, length);
    }

    fn area_until(&self, now: SimTime) -> u128 {
        self.area + u128::from(self.length) * u128::from((now - self.changed).as_nanos())
    }

    /// Time that all have spent here [ns].
    fn time_until(&self, now: SimTime) -> u128 {
        let since = self.present.values();
        let ages: u128 = since
            .map(|&since| u128::from((now - since).as_nanos()))
            .sum();
        self.stays + ages
    }

    fn apart(&self, now: SimTime) -> u128 {
        self.area_until(now).abs_diff(self.time_until(now))
    }
}

/// Writes the books; the world takes a recorder for itself.
struct Bystander<'a>(&'a mut Books);

impl Recorder for Bystander<'_> {
    const QUEUES: bool = true;

    fn joined(&mut self, at: SimTime, queue: Queue, serial: u64, length: u64) {
        self.0.now = at;
        let sides = self.0.queues.entry(queue).or_default();
        sides.change(at, length);
        sides.joined += 1;
        let before = sides.present.insert(serial, at);
        assert!(before.is_none(), "request {serial} joins {queue:?} twice");
    }

    fn left(&mut self, at: SimTime, queue: Queue, serial: u64, length: u64) {
        self.0.now = at;
        let sides = self.0.queues.entry(queue).or_default();
        sides.change(at, length);
        let since = sides.present.remove(&serial);
        let since =
            since.unwrap_or_else(|| panic!("request {serial} leaves {queue:?} before it came"));
        sides.stays += u128::from((at - since).as_nanos());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue that miscounts for a second is off by a request-second.
    #[test]
    fn a_miscount_is_noticed() {
        let second = SimTime::from_secs;
        let check = |length: u64| {
            let mut books = Books::default();
            let mut bystander = Bystander(&mut books);
            bystander.joined(second(1), Queue::Dispatcher, 0, 1);
            bystander.joined(second(2), Queue::Dispatcher, 1, length);
            bystander.left(second(3), Queue::Dispatcher, 1, 1);
            bystander.left(second(5), Queue::Dispatcher, 0, 0);
            books.queues[&Queue::Dispatcher].apart(books.now)
        };
        assert_eq!(check(2), 0);
        assert_eq!(check(3), 1_000_000_000);
    }
}
