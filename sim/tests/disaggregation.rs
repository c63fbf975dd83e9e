//! Prompts on one pool of nodes and answers on another, held against one server, transfers worked out by hand, and laws of conservation.

mod common;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use common::{deployment, device, model, settings, workload};
use walras_des::{Dist, SimTime, Span, Streams};
use walras_sim::availability::{Onset, Outage, Reach};
use walras_sim::hardware::{Deployment, Format, Model, Profile};
use walras_sim::ids::{NodeId, RegionId};
use walras_sim::market::Rates;
use walras_sim::network::{Network, Region};
use walras_sim::platform::{KvLink, Ownership, Platform, Role, Size};
use walras_sim::record::{Fate, JobRow, JobTable, MetricId, Output, Queue, Recorder};
use walras_sim::scheduling::{Cause, Orders, Policy, Reason, Scheduler};
use walras_sim::view::{Needs, Obstacle, View};
use walras_sim::workload::{Prefix, Source, Trace, Workload};
use walras_sim::world::{Settings, World, run, simulate};

const FIRST: RegionId = RegionId(0);
const SECOND: RegionId = RegionId(1);

/// Llama-3-70B (config.json: 80 layers, 8 KV heads of 128).
fn large_model() -> Model {
    Model {
        name: "llama-3-70b".into(),
        parameters: 70.6e9,
        layers: 80,
        hidden: 8192,
        heads: 64,
        kv_heads: 8,
        head_dim: 128,
        ffn: 28672,
        vocab: 128_256,
        experts: None,
    }
}

/// Requests at these seconds, with prompt and output tokens.
fn requests(rows: &[(f64, u32, u32)]) -> Workload {
    Workload {
        source: Source::Trace(Arc::new(Trace {
            at: rows.iter().map(|r| SimTime::from_secs_f64(r.0)).collect(),
            prompt_tokens: rows.iter().map(|r| r.1).collect(),
            output_tokens: rows.iter().map(|r| r.2).collect(),
            prefixes: Vec::new(),
        })),
        ..workload(1.0)
    }
}

/// Nodes of one class in one place without any latency that all do everything.
fn colocated(nodes: u32, max_batch: u32) -> Platform {
    let mut platform = common::platform(nodes, max_batch, 256);
    let region = |name: &str| Region {
        name: name.into(),
        electricity: 0.2,
        utc_offset: 0.0,
    };
    let links = [(FIRST, SECOND, 0.0)];
    let network = Network::new(vec![region("first"), region("second")], &links, 0.0);
    platform.network = Arc::new(network.expect("they are connected"));
    let fleet = &mut platform.fleets[0];
    fleet.access = Dist::constant(0.0).expect("zero");
    fleet.ask_sigma = 0.0;
    platform.settlement.token_price = None;
    platform
}

/// The same hardware in two pools: the first region prefills, the second decodes.
fn disaggregated(prefill: u32, decode: u32, max_batch: u32, bandwidth: f64) -> Platform {
    let mut platform = colocated(prefill, max_batch);
    let mut other = platform.fleets[0].clone();
    platform.fleets[0].role = Role::Prefill;
    (other.role, other.size) = (Role::Decode, Size::Fixed(decode));
    other.regions = vec![(SECOND, 1.0)];
    other.name = "decode".into();
    platform.fleets.push(other);
    platform.policy = Policy::Disaggregated { d: None };
    platform.kv_link = KvLink {
        bandwidth,
        latency: Span::ZERO,
    };
    platform
}

fn go(platform: &Platform, workload: &Workload, settings: &Settings) -> Output {
    let table = JobTable::default();
    simulate(platform, workload, settings, 5, 0, table, &|| false).expect("not stopped")
}

/// Seconds from the first token of a request to its last.
fn answer(row: &JobRow) -> f64 {
    row.tpot.expect("more than one token") * f64::from(row.output_tokens - 1)
}

/// Below the clock's resolution a server starts anew where it goes on with a context: a nanosecond, and rounding.
const CLOCK: f64 = 2e-9;

/// Over links that nothing limits, and one at a time, two nodes do what one does: prompts of one step and of several, and answers of
/// one token, which stay where they were begun.
#[test]
fn without_load_and_limits_two_nodes_are_one() {
    let rows = [
        (1.0, 100, 200),
        (100.0, 1, 2),
        (200.0, 5_000, 300),
        (300.0, 2_048, 1),
        (400.0, 12_345, 50),
    ];
    let (one, two) = (colocated(1, 16), disaggregated(1, 1, 16, f64::INFINITY));
    let [one, two] = [one, two].map(|platform| go(&platform, &requests(&rows), &settings(1)).jobs);
    assert_eq!((one.len(), two.len()), (5, 5));
    for (one, two) in one.iter().zip(&two) {
        assert!((one.ttft.unwrap() - two.ttft.unwrap()).abs() < 1e-12);
        assert_eq!(one.tpot.is_some(), two.tpot.is_some());
        assert_eq!(two.node, Some(NodeId(u32::from(two.output_tokens > 1))));
        if two.output_tokens > 1 {
            let gap = answer(two) - answer(one);
            assert!(gap.abs() < CLOCK, "{gap} between {one:?} and {two:?}");
        }
    }
}

/// Llama-3-70B keeps 2·80·8·128·2 = 327,680 bytes for a token, so a context of 4,000 tokens takes 52.4288 ms at 25 GB/s; it comes
/// between the first token and the second, and delays no other.
#[test]
fn a_context_takes_its_bytes_over_the_bandwidth() {
    let deployment = Deployment::single(large_model(), Format::Bf16, 16);
    assert_eq!(deployment.model.kv_bytes(), 327_680);
    let mut device = device();
    device.memory = 400 << 30;
    let profile = Profile::new(&device, &deployment);
    let rows = [(1.0, 4_000, 100), (100.0, 777, 20)];
    let of = |bandwidth, latency| {
        let mut platform = disaggregated(1, 1, 16, bandwidth);
        platform.profiles = vec![profile.clone()];
        platform.kv_link.latency = latency;
        go(&platform, &requests(&rows), &settings(1)).jobs
    };
    let free = of(f64::INFINITY, Span::ZERO);
    let sent = of(25e9, Span::from_nanos(3_000_000));
    for ((free, sent), expected) in free.iter().zip(&sent).zip([0.052_428_8, 0.010_184_294_4]) {
        assert_eq!(free.ttft, sent.ttft);
        let transfer = answer(sent) - answer(free) - 0.003;
        assert!(
            (transfer - expected).abs() < CLOCK,
            "{transfer} s, not {expected}"
        );
    }
    // The way between the regions counts too.
    let mut platform = disaggregated(1, 1, 16, f64::INFINITY);
    platform.profiles = vec![profile];
    let regions = platform.network.regions().to_vec();
    let network = Network::new(regions, &[(FIRST, SECOND, 0.4)], 0.0).unwrap();
    platform.network = Arc::new(network);
    let far = go(&platform, &requests(&rows), &settings(1)).jobs;
    for (free, far) in free.iter().zip(&far) {
        // The context travels 0.2 s, and every later token another 0.2 s to the customer in the first region.
        let way = answer(far) - answer(free);
        assert!((way - 0.4).abs() < CLOCK, "{way} s");
    }
}

/// Contexts that a node sends at once share its port; one that another node sends to another does not feel them.
#[test]
fn contexts_share_a_port() {
    let bandwidth = 1e8;
    let bytes = f64::from(500) * model().kv_bytes() as f64;
    let rows = [(1.0, 500, 5), (1.0, 500, 5)];
    let of = |prefill, decode, bandwidth| {
        let platform = disaggregated(prefill, decode, 16, bandwidth);
        go(&platform, &requests(&rows), &settings(1)).jobs
    };
    // Both prompts are computed in one step after the first has been: on one node the second follows the first.
    let (free, shared) = (of(2, 2, f64::INFINITY), of(2, 2, bandwidth));
    for (free, alone) in free.iter().zip(&shared) {
        let transfer = answer(alone) - answer(free);
        assert!((transfer - bytes / bandwidth).abs() < 2.0 * CLOCK);
    }
    // From two nodes to one: the port of the receiver is shared, so both take twice as long.
    let (free, shared) = (of(2, 1, f64::INFINITY), of(2, 1, bandwidth));
    for (free, shared) in free.iter().zip(&shared) {
        let transfer = answer(shared) - answer(free);
        assert!(
            (transfer - 2.0 * bytes / bandwidth).abs() < 2.0 * CLOCK,
            "{transfer} s"
        );
    }
}

/// Where links are the bottleneck, as many bytes arrive as they carry: one port of 20 MB/s, prompts of 100 tokens of 131,072 bytes.
#[test]
fn a_full_link_carries_its_bandwidth() {
    let rows: Vec<_> = (0..3_000).map(|i| (f64::from(i) * 0.5, 100, 5)).collect();
    let mut platform = disaggregated(1, 3, 64, 20e6);
    platform.slots = 32;
    let output = go(&platform, &requests(&rows), &settings(1));
    let ended = |row: &JobRow| row.ended.as_secs_f64();
    let (from, to) = (300.0, 1_300.0);
    let within = |row: &&JobRow| (from..to).contains(&ended(row));
    let carried = output.jobs.iter().filter(within).count() as f64 * 100.0 * 131_072.0;
    let capacity = 20e6 * (to - from);
    assert!(
        (carried / capacity - 1.0).abs() < 2e-3,
        "{carried} of {capacity} bytes"
    );
}

/// In a pool that only decodes, no step is longer than a decode step of the largest batch over the longest contexts; where prompts are
/// computed in between, the slowest answers are (Zhong et al., OSDI 2024, section 2.3).
#[test]
fn prompts_do_not_interfere_with_answers_elsewhere() {
    let mut load = workload(6.0);
    let Source::Synthetic(law) = &mut load.source else {
        unreachable!("it is synthetic")
    };
    law.prompt = Dist::uniform(500.0, 2_000.0).unwrap();
    law.output = Dist::uniform(100.0, 300.0).unwrap();
    let batch = 32;
    let two = disaggregated(2, 2, batch, f64::INFINITY);
    let one = Platform {
        policy: Policy::LeastLoaded,
        ..colocated(4, batch)
    };
    let [one, two] = [one, two].map(|platform| go(&platform, &load, &settings(1)));
    let (base, slope) = Profile::new(&device(), &deployment(batch)).decode(batch);
    let longest = (base as f64 + slope as f64 * f64::from(batch) * 2_300.0) / 1e12;
    // A context waits for the step under way when it comes.
    let bound =
        |row: &JobRow| longest * f64::from(row.output_tokens) / f64::from(row.output_tokens - 1);
    for row in &two.jobs {
        let tpot = row.tpot.expect("more than one token");
        assert!(tpot <= bound(row), "{tpot} s for {row:?}");
    }
    let p99 = |output: &Output| {
        output
            .metrics
            .get(MetricId::TpotP99)
            .expect("requests ended")
    };
    assert!(
        p99(&one) > 1.5 * p99(&two) && p99(&one) > longest,
        "{} s beside prompts, {} s without",
        p99(&one),
        p99(&two)
    );
}

/// What is in the queues of each pool, by their own counts and by who comes and goes.
#[derive(Clone, Default)]
struct Pools(Rc<RefCell<Count>>);

#[derive(Default)]
struct Count {
    /// By node: when its count last changed, the count, and its integral [request·s].
    levels: BTreeMap<NodeId, (f64, u64, f64)>,
    /// When each request joined a node, and the time that requests spent at each [s].
    since: BTreeMap<(NodeId, u64), f64>,
    spent: BTreeMap<NodeId, f64>,
}

impl Count {
    fn change(&mut self, now: f64, node: NodeId, length: u64) {
        let (since, before, integral) = self.levels.entry(node).or_default();
        *integral += (now - *since) * *before as f64;
        (*since, *before) = (now, length);
    }
}

impl Recorder for Pools {
    const QUEUES: bool = true;

    fn joined(&mut self, at: SimTime, queue: Queue, serial: u64, length: u64) {
        if let Queue::Node(node) = queue {
            let (now, mut count) = (at.as_secs_f64(), self.0.borrow_mut());
            count.change(now, node, length);
            assert!(count.since.insert((node, serial), now).is_none());
        }
    }

    fn left(&mut self, at: SimTime, queue: Queue, serial: u64, length: u64) {
        if let Queue::Node(node) = queue {
            let (now, mut count) = (at.as_secs_f64(), self.0.borrow_mut());
            count.change(now, node, length);
            let since = count.since.remove(&(node, serial)).expect("it was there");
            *count.spent.entry(node).or_default() += now - since;
        }
    }
}

/// Little's law at every node of both pools, sample path by sample path: ∫N dt = Σ W (Stidham 1974), with N as the server counts itself.
#[test]
fn littles_law_holds_in_both_pools() {
    let platform = disaggregated(2, 2, 16, 2e8);
    let pools = Pools::default();
    let streams = Streams::new(3, 0);
    let scheduler = platform.policy.build(&streams);
    let (load, settings) = (workload(3.0), settings(1));
    let world = World::new(
        &platform,
        &load,
        &settings,
        &streams,
        scheduler,
        pools.clone(),
    );
    let output = run(world, &|| false).expect("not stopped");
    assert!(output.counts.completed > 10_000 && output.counts.live == 0);
    let count = pools.0.borrow();
    assert!(count.since.is_empty() && count.levels.len() == 4);
    for (node, (_, length, integral)) in &count.levels {
        let spent = count.spent[node];
        assert!(*length == 0 && spent > 100.0);
        assert!(
            (integral / spent - 1.0).abs() < 1e-9,
            "{node:?}: {integral} by the count, {spent} by requests"
        );
    }
}

fn blackout(region: RegionId, at: f64) -> Outage {
    Outage {
        name: "blackout".into(),
        reach: Reach::Blackout,
        regions: vec![region],
        together: false,
        onset: Onset::At(SimTime::from_secs_f64(at)),
        lasts: Dist::constant(5.0).unwrap(),
    }
}

/// A context that is on its way for 13 s is lost with the node that sends it, and with the node that it goes to: after 10 s of silence
/// the request starts over from its prompt.
#[test]
fn a_context_is_lost_with_either_node() {
    let rows = [(1.0, 1_000, 10)];
    for region in [FIRST, SECOND] {
        let mut platform = disaggregated(1, 1, 16, 1e7);
        let whole = go(&platform, &requests(&rows), &settings(1)).jobs[0];
        assert_eq!(whole.attempts, 1);
        platform.outages = vec![blackout(region, 6.0)];
        let again = go(&platform, &requests(&rows), &settings(1)).jobs[0];
        assert_eq!((again.fate, again.attempts), (Fate::Completed, 2));
        // Lost at 6 s, noticed at 16 s; from there as at the first time.
        let delay = again.ttft.unwrap() - whole.ttft.unwrap();
        assert!((delay - 15.0).abs() < CLOCK, "{delay} s later");
        assert!((answer(&again) - answer(&whole)).abs() < CLOCK);
    }
    // When it has landed, only the node that goes on matters.
    let mut platform = disaggregated(1, 1, 16, 1e9);
    let rows = [(1.0, 1_000, 1_000)];
    for (region, attempts) in [(FIRST, 1), (SECOND, 2)] {
        platform.outages = vec![blackout(region, 3.0)];
        let row = go(&platform, &requests(&rows), &settings(1)).jobs[0];
        assert_eq!((row.fate, row.attempts), (Fate::Completed, attempts));
    }
}

/// While a dispatcher is out, a context waits where it was computed.
#[test]
fn a_context_waits_for_a_dispatcher() {
    let mut platform = disaggregated(1, 1, 16, f64::INFINITY);
    let rows = [(1.0, 1_000, 10)];
    let whole = go(&platform, &requests(&rows), &settings(1)).jobs[0];
    platform.outages = vec![Outage {
        reach: Reach::Dispatcher,
        ..blackout(FIRST, 1.01)
    }];
    let row = go(&platform, &requests(&rows), &settings(1)).jobs[0];
    assert_eq!(row.attempts, 1);
    let ready = 1.0 + row.ttft.unwrap();
    let waited = answer(&row) - answer(&whole);
    assert!((waited - (6.01 - ready)).abs() < CLOCK, "{waited} s");
}

/// Who computed the prompt is paid for it, and who went on for the answer, each at its own rates.
#[test]
fn each_owner_is_paid_for_its_part() {
    let rows = [(1.0, 3_000, 200)];
    let mut platform = disaggregated(1, 1, 16, f64::INFINITY);
    platform.settlement.take_rate = walras_sim::units::Ppm::from_fraction(0.0);
    platform.settlement.burn = walras_sim::units::Ppm::from_fraction(0.0);
    platform.fleets[0].devices[0].usd_per_hour = 3.0;
    platform.fleets[1].devices[0].usd_per_hour = 0.7;
    for fleet in &mut platform.fleets {
        fleet.ownership = Ownership::One;
    }
    let load = requests(&rows);
    let rates = |per_hour| Rates::earning(per_hour, &platform.profiles[0], &load.sizes(), 8);
    let prompt = rates(3.0).price(3_000, 0);
    let output = rates(0.7).price(0, 200);
    let run = go(&platform, &load, &settings(1));
    let row = run.jobs[0];
    assert!((row.paid - (prompt + output).as_f64()).abs() < 1e-15);
    // Two owners: of sorted earnings x ≤ y, the Gini coefficient without correction is (y − x)/(2(x + y)).
    let (x, y) = (prompt.as_f64(), output.as_f64());
    let expected = (y - x).abs() / (2.0 * (x + y));
    let gini = run.metrics.get(MetricId::OwnerGini).expect("two owners");
    assert!((gini - expected).abs() < 1e-9, "{gini}, not {expected}");
}

/// Contexts beyond the room of the node that goes on wait where they were computed, and prompts behind them for theirs; in the end all
/// are served, also after preemptions, and with beginnings that they share.
#[test]
fn everybody_is_served_where_memory_is_short() {
    for prefix_caching in [false, true] {
        let mut platform = disaggregated(1, 1, 64, 1e9);
        let mut device = device();
        // Room for 8,608 tokens, of which a request takes up to 4,300.
        device.memory = 22_000_000_000;
        let mut deployment = deployment(64);
        deployment.prefix_caching = prefix_caching;
        platform.profiles = vec![Profile::new(&device, &deployment)];
        let room = platform.profiles[0].kv_capacity();
        assert!((6_000..20_000).contains(&room), "room for {room} tokens");
        let count = 200_u32;
        let rows: Vec<_> = (0..count)
            .map(|i| (f64::from(i) * 0.1, 200 + 37 * (i % 100), 50 + i % 250))
            .collect();
        let mut load = requests(&rows);
        if let Source::Trace(trace) = &mut load.source {
            let prefix = |i: u32| Prefix {
                group: i % 3,
                tokens: 150,
            };
            Arc::get_mut(trace).expect("one owner").prefixes =
                (0..count).map(|i| Some(prefix(i))).collect();
        }
        let output = go(&platform, &load, &settings(1));
        assert_eq!(output.counts.completed, u64::from(count));
        assert_eq!(output.counts.refused_orders, 0);
    }
}

/// Room for a large context is kept while it is on its way. A small one that grows beyond what is left waits, alone at an idle node, and goes
/// on when the other has ended.
#[test]
fn who_is_preempted_for_a_context_that_comes_waits_for_its_end() {
    let mut platform = disaggregated(2, 1, 16, 1e7);
    let mut device = device();
    device.memory = 22_000_000_000;
    platform.profiles = vec![Profile::new(&device, &deployment(16))];
    let blocks = platform.profiles[0].kv_blocks;
    // The large one takes all blocks but 36, of which the small one has 26 at first and 45 in the end.
    let large = 16 * (blocks - 36) - 1;
    let rows = [(1.0, 400, 300), (1.0, large, 5)];
    let jobs = go(&platform, &requests(&rows), &settings(1)).jobs;
    let (small, large) = (&jobs[1], &jobs[0]);
    assert_eq!((small.output_tokens, large.output_tokens), (300, 5));
    let way = f64::from(large.prompt_tokens) * model().kv_bytes() as f64 / 1e7;
    assert!(way > 100.0 && answer(large) > way && answer(large) < way + 5.0);
    let after = small.ended.as_secs_f64() - large.ended.as_secs_f64();
    assert!((0.0..10.0).contains(&after), "ends {after} s later");
    // Alone it would have ended long before.
    let alone = go(&platform, &requests(&rows[..1]), &settings(1)).jobs[0];
    assert!(answer(&alone) < 20.0 && answer(small) > 100.0);
}

/// Worlds in which memory is short everywhere, and nodes come and go.
#[test]
fn contexts_are_neither_lost_nor_kept_under_churn() {
    let (mut completed, mut repeated) = (0, 0);
    for world in 0..24_u32 {
        let of = |values: &[f64], every: u32| values[(world / every) as usize % values.len()];
        let mut platform = disaggregated(2, 2, 32, of(&[1e7, 1e9, f64::INFINITY], 1));
        let mut device = device();
        device.memory = of(&[20.5e9, 22e9], 3) as u64;
        let mut deployment = deployment(32);
        deployment.prefix_caching = world % 5 == 0;
        platform.profiles = vec![Profile::new(&device, &deployment)];
        let mut both = platform.fleets[1].clone();
        both.role = Role::Both;
        platform.fleets.push(both);
        platform.retry.max_attempts = 100;
        if world % 2 == 1 {
            platform.fleets.iter_mut().for_each(|fleet| {
                fleet.availability = common::churn();
            });
        }
        let mut load = workload(of(&[0.5, 2.0], 6));
        load.prefixes = (world % 5 == 0).then(|| walras_sim::workload::Prefixes {
            groups: 10,
            exponent: 1.0,
            length: Dist::exponential(300.0).expect("a mean"),
        });
        let settings = Settings {
            horizon: Span::HOUR * 2,
            ..settings(2)
        };
        let output = go(&platform, &load, &settings);
        assert_eq!(output.counts.refused_orders, 0, "{:?}", output.refusals);
        let is_quiet = world % 2 == 0 && world / 6 % 2 == 0 && platform.kv_link.bandwidth > 1e8;
        if is_quiet {
            assert_eq!(output.counts.completed, output.counts.submitted);
        }
        completed += output.counts.completed;
        repeated += output.jobs.iter().filter(|row| row.attempts > 1).count();
    }
    assert!(
        completed > 30_000 && repeated > 100,
        "{completed}, {repeated}"
    );
}

/// Orders what is not possible, next to what is.
struct Wrong(Builtin);

type Builtin = walras_sim::scheduling::Builtin;

impl Scheduler for Wrong {
    fn needs(&self) -> Needs {
        self.0.needs()
    }

    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        let (prefill, decode) = (NodeId(0), NodeId(1));
        match cause {
            Cause::JobArrived(job) => {
                orders.place(job, decode);
                orders.decode(job, decode);
                self.0.decide(cause, view, orders);
                orders.copy(job, prefill);
            }
            Cause::Prefilled(job) => {
                orders.decode(job, prefill);
                orders.decode(job, NodeId(9));
                self.0.decide(cause, view, orders);
                orders.decode(job, decode);
            }
            _ => self.0.decide(cause, view, orders),
        }
    }
}

#[test]
fn the_world_refuses_what_roles_do_not_allow() {
    let platform = disaggregated(1, 1, 16, 1e9);
    let load = requests(&[(1.0, 100, 10)]);
    let streams = Streams::new(1, 0);
    let wrong = Wrong(platform.policy.build(&streams));
    let (table, settings) = (JobTable::default(), settings(1));
    let world = World::new(&platform, &load, &settings, &streams, wrong, table);
    let output = run(world, &|| false).expect("not stopped");
    let why: Vec<Reason> = output.refusals.iter().map(|refusal| refusal.why).collect();
    assert_eq!(
        why,
        [
            Reason::Node(Obstacle::Decodes),
            Reason::NotPrefilled,
            Reason::Disaggregated,
            Reason::Node(Obstacle::Prefills),
            Reason::NoSuchNode,
            Reason::NotPrefilled,
        ]
    );
    assert_eq!(output.counts.completed, 1);
}
