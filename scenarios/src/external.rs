//! A scheduler in a process of its own, asked in lines of JSON; `scenarios/EXTERNAL.md` is the protocol for who writes one.
//!
//! Each line says what has changed in the dispatcher's books since the line before, so that it costs what happened and not what
//! there is. What may be ordered, and what is refused, is the same as for every other policy.

mod process;

use serde::{Deserialize, Serialize};
use walras_des::{Purpose, SimTime, Streams};
use walras_sim::ids::{JobId, NodeId, RegionId};
use walras_sim::market;
use walras_sim::scheduling::{Broken, Cause, Custom, Orders, Scheduler};
use walras_sim::units::Price;
use walras_sim::view::View;

use process::Process;
pub use process::Program;

/// Version of the protocol.
const PROTOCOL: u32 = 1;

const FAREWELL: &str = "{\"bye\":true}\n";

/// The policy that asks `program`, started anew for every run.
pub(crate) fn policy(program: Program) -> Custom {
    let name = format!("external {program}");
    Custom::new(&name, move |streams| {
        Box::new(External::new(program.clone(), streams))
    })
}

/// Asks a process.
#[derive(Debug)]
struct External {
    program: Program,
    /// For the random numbers of the process.
    seed: u64,
    process: Option<Process>,
    /// Lines that it has answered.
    answered: u64,
    known: Known,
}

/// What the process has been told.
#[derive(Debug, Default)]
struct Known {
    nodes: Vec<Option<NodeNow>>,
    /// Jobs that wait, in order: slot, request and attempts.
    waiting: Vec<(JobId, u64, u32)>,
    price: Option<Rates>,
}

impl External {
    fn new(program: Program, streams: &Streams) -> Self {
        let seed = streams.open(Purpose::new("scheduler"), 0).below(1 << 32);
        Self {
            program,
            seed,
            process: None,
            answered: 0,
            known: Known::default(),
        }
    }

    /// Sends a message and reads the answer; a process that gives none ends the run.
    fn ask<A: for<'a> Deserialize<'a>>(&mut self, message: &impl Serialize, expected: &str) -> A {
        let mut line = serde_json::to_vec(message).expect("messages are JSON");
        line.push(b'\n');
        let process = self.process.as_mut().expect("it was started");
        let answer = match process.ask(line) {
            Ok(answer) => answer,
            Err(problem) => self.end(&problem, expected),
        };
        match serde_json::from_str(&answer) {
            Ok(answer) => {
                self.answered += 1;
                answer
            }
            Err(problem) => {
                let found = excerpt(answer.trim_end());
                let column = match problem.column() {
                    0 => String::new(),
                    column => format!(" at column {column}"),
                };
                let problem = problem.to_string();
                let problem = problem.split(" at line ").next().unwrap_or_default();
                self.end(&format!("{problem}{column}, found `{found}`"), expected)
            }
        }
    }

    fn end(&self, problem: &str, expected: &str) -> ! {
        let message = format!(
            "the scheduler {} did not give line {} of its answers: {problem}\n  help: {expected}; `scenarios/EXTERNAL.md` has the protocol",
            self.program,
            self.answered + 1
        );
        Broken(message).end_run()
    }

    /// Starts the process and tells it what does not change.
    fn start(&mut self, view: &View<'_>) {
        const EXPECTED: &str =
            "answer the first line with {\"protocol\": 1}, and flush the output after every line";
        match Process::start(&self.program, FAREWELL) {
            Ok(process) => self.process = Some(process),
            Err(problem) => Broken(format!(
                "no scheduler {}: {problem}\n  help: programs are looked for in the path, and those with a slash from {}",
                self.program,
                self.program.directory.display()
            ))
            .end_run(),
        }
        let answer: Welcome = self.ask(&Hello::new(self.seed, view), EXPECTED);
        if answer.protocol != PROTOCOL {
            let problem = format!("it speaks version {} of the protocol", answer.protocol);
            self.answered -= 1;
            self.end(&problem, EXPECTED);
        }
        self.known.nodes = vec![None; view.node_count()];
    }
}

impl Scheduler for External {
    fn decide(&mut self, cause: Cause, view: &View<'_>, orders: &mut Orders) {
        const EXPECTED: &str = "answer every line with one such as {\"orders\": [{\"place\": {\"job\": 5, \"node\": 3}}]}";
        if self.process.is_none() {
            self.start(view);
        }
        let message = self.known.update(cause, view);
        let answer: Answer = self.ask(&message, EXPECTED);
        for order in answer.orders {
            order.give(orders);
        }
    }
}

impl Known {
    /// What has changed since the last message.
    fn update(&mut self, cause: Cause, view: &View<'_>) -> Message {
        let mut nodes = Vec::new();
        for (index, known) in self.nodes.iter_mut().enumerate() {
            let node = NodeNow::of(NodeId::new(index), view);
            if *known != Some(node) {
                *known = Some(node);
                nodes.push(node);
            }
        }
        // Both lists are in order of tickets, so that one pass finds who left; who is new stands behind the others.
        let (mut jobs, mut left) = (Vec::new(), Vec::new());
        let mut before = std::mem::take(&mut self.waiting).into_iter().peekable();
        for job in view.waiting() {
            let card = view.job(job);
            let entry = (job, card.serial, card.attempts);
            self.waiting.push(entry);
            while let Some((gone, _, _)) = before.next_if(|other| *other != entry) {
                left.push(gone.0);
            }
            if before.next().is_none() {
                jobs.push(Waiting::of(job, view));
            }
        }
        left.extend(before.map(|(job, _, _)| job.0));
        let price = view
            .has_uniform_price()
            .then(|| view.uniform_price().into());
        let news = if price == self.price { None } else { price };
        self.price = price;
        let (name, job, node) = told(cause);
        Message {
            now: view.now().as_nanos(),
            cause: name,
            job: job.map(|job| job.0),
            node: node.map(|node| node.0),
            price: news,
            nodes,
            left,
            jobs,
        }
    }
}

/// A cause by its name, with the job or node that it is about.
fn told(cause: Cause) -> (&'static str, Option<JobId>, Option<NodeId>) {
    match cause {
        Cause::JobArrived(job) => ("job-arrived", Some(job), None),
        Cause::Prefilled(job) => ("prefilled", Some(job), None),
        Cause::JobLost(job) => ("job-lost", Some(job), None),
        Cause::CopyLost(job) => ("copy-lost", Some(job), None),
        Cause::SlotFreed(node) => ("slot-freed", None, Some(node)),
        Cause::NodeJoined(node) => ("node-joined", None, Some(node)),
        Cause::SlotsLeft(node) => ("slots-left", None, Some(node)),
        Cause::NodeIdle(node) => ("node-idle", None, Some(node)),
        Cause::NodeLeft(node) => ("node-left", None, Some(node)),
        Cause::Repriced => ("repriced", None, None),
        Cause::Reported => ("reported", None, None),
        Cause::Woken => ("woken", None, None),
    }
}

/// The beginning of an answer, for a message.
fn excerpt(answer: &str) -> String {
    const LONGEST: usize = 60;
    if answer.chars().count() <= LONGEST {
        return answer.to_owned();
    }
    let start: String = answer.chars().take(LONGEST).collect();
    format!("{start}…")
}

/// The first message.
#[derive(Debug, Serialize)]
struct Hello {
    protocol: u32,
    seed: u64,
    slots: u32,
    slo: Slo,
    longest_answer: u32,
    regions: Vec<String>,
    /// One way, from region to region [ns].
    latency: Vec<Vec<u64>>,
    profiles: Vec<Profile>,
    nodes: Vec<Registration>,
}

/// Objectives [ns].
#[derive(Debug, Serialize)]
struct Slo {
    ttft: u64,
    tpot: u64,
}

#[derive(Debug, Serialize)]
struct Profile {
    device: String,
    max_batch: u32,
    kv_tokens: u64,
}

#[derive(Debug, Serialize)]
struct Registration {
    region: u32,
    profile: u32,
    /// [ns]
    access: u64,
    ask: Rates,
}

/// Per million tokens [10⁻⁹ USD].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rates {
    prompt: i64,
    output: i64,
}

impl From<market::Rates> for Rates {
    fn from(rates: market::Rates) -> Self {
        Self {
            prompt: units(rates.prompt),
            output: units(rates.output),
        }
    }
}

fn units(price: Price) -> i64 {
    i64::try_from(price.amount().0).expect("a price fits 64 bits")
}

impl Hello {
    fn new(seed: u64, view: &View<'_>) -> Self {
        let network = view.network();
        let regions = || (0..network.regions().len()).map(RegionId::new);
        let latency = |a| {
            regions()
                .map(|b| network.one_way(a, b).as_nanos())
                .collect()
        };
        let profiles = view.profiles().iter().map(|profile| Profile {
            device: profile.device.name.clone(),
            max_batch: profile.max_batch,
            kv_tokens: profile.kv_capacity(),
        });
        let nodes = (0..view.node_count()).map(|index| {
            let card = view.node(NodeId::new(index));
            Registration {
                region: card.region.0,
                profile: card.profile.0,
                access: card.access.as_nanos(),
                ask: card.ask.into(),
            }
        });
        Self {
            protocol: PROTOCOL,
            seed,
            slots: view.slots(),
            slo: Slo {
                ttft: view.slo().ttft.as_nanos(),
                tpot: view.slo().tpot.as_nanos(),
            },
            longest_answer: view.longest_answer(),
            regions: network.regions().iter().map(|r| r.name.clone()).collect(),
            latency: regions().map(latency).collect(),
            profiles: profiles.collect(),
            nodes: nodes.collect(),
        }
    }
}

/// The answer to the first message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Welcome {
    protocol: u32,
}

/// One decision.
#[derive(Debug, Serialize)]
struct Message {
    now: u64,
    cause: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Rates>,
    nodes: Vec<NodeNow>,
    left: Vec<u32>,
    jobs: Vec<Waiting>,
}

/// What changes of a node.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct NodeNow {
    #[serde(rename = "node")]
    number: u32,
    up: bool,
    willing: bool,
    outstanding: u32,
    up_since: u64,
    observed_at: u64,
}

impl NodeNow {
    fn of(node: NodeId, view: &View<'_>) -> Self {
        let card = view.node(node);
        Self {
            number: node.0,
            up: card.is_up(),
            willing: view.willing(node),
            outstanding: card.outstanding,
            up_since: card.up_since.as_nanos(),
            observed_at: card.observed_at.as_nanos(),
        }
    }
}

/// A job that has begun to wait.
#[derive(Debug, Serialize)]
struct Waiting {
    job: u32,
    serial: u64,
    submitted: u64,
    origin: u32,
    prompt_tokens: u32,
    output_estimate: u32,
    attempts: u32,
    /// The most that its customer pays [10⁻⁹ USD].
    limit: Option<i64>,
    prefix_group: Option<u32>,
}

impl Waiting {
    fn of(job: JobId, view: &View<'_>) -> Self {
        let card = view.job(job);
        Self {
            job: job.0,
            serial: card.serial,
            submitted: card.submitted.as_nanos(),
            origin: card.origin.0,
            prompt_tokens: card.prompt_tokens,
            output_estimate: card.output_estimate,
            attempts: card.attempts,
            limit: (card.limit != Price::MAX).then(|| units(card.limit)),
            prefix_group: card.prefix_group(),
        }
    }
}

/// The answer to a decision.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    orders: Vec<Order>,
}

/// As [`walras_sim::scheduling::Order`], with names.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Order {
    Place { job: u32, node: u32 },
    PlaceAt { job: u32, node: u32, rates: Rates },
    Steal { victim: u32, thief: u32 },
    Copy { job: u32, node: u32 },
    NeedAnswers { job: u32, answers: u32 },
    Reject { job: u32 },
    Wake { at: u64 },
}

impl Order {
    fn give(self, orders: &mut Orders) {
        match self {
            Self::Place { job, node } => orders.place(JobId(job), NodeId(node)),
            Self::PlaceAt { job, node, rates } => {
                let price = |units| Price::from_units(i128::from(units));
                let rates = market::Rates {
                    prompt: price(rates.prompt),
                    output: price(rates.output),
                };
                orders.place_at(JobId(job), NodeId(node), rates);
            }
            Self::Steal { victim, thief } => orders.steal(NodeId(victim), NodeId(thief)),
            Self::Copy { job, node } => orders.copy(JobId(job), NodeId(node)),
            Self::NeedAnswers { job, answers } => orders.need_answers(JobId(job), answers),
            Self::Reject { job } => orders.reject(JobId(job)),
            Self::Wake { at } => orders.wake(SimTime::from_nanos(at)),
        }
    }
}
