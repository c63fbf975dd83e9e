//! Timelines as Chrome trace JSON, which Perfetto (<https://ui.perfetto.dev>) and `chrome://tracing` open.
//!
//! A process for each node, with a lane for each job that it has at a time; a process with the jobs from submission to their end;
//! a process with levels over time. Arrows lead from a placement to the node, and from there to the loss or the delivery.
//! Format: N. Duca, D. Sinclair, "Trace Event Format", 2016. Times are in microseconds; nanoseconds are their decimals.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde_json::json;
use walras_des::SimTime;

use crate::timeline::{Life, Outcome, Timeline, Visit};

/// Processes of a trace: levels, jobs, and the nodes from here on.
const LEVELS: u32 = 1;
const JOBS: u32 = 2;
const NODES: u32 = 10;
/// The lane of a node that shows when it is up; jobs have those after it.
const UP: usize = 0;

/// Writes a timeline as it comes.
pub struct ChromeTrace<W> {
    out: W,
    /// Only what touches these nodes; all if `None`.
    nodes: Option<Vec<u32>>,
    window: (SimTime, SimTime),
    limit: u64,
    /// What was written.
    pub written: Written,
    /// Nodes and lanes that have a name already.
    named: BTreeSet<(u32, usize)>,
    names: Vec<String>,
    /// The first thing that went wrong.
    error: Option<io::Error>,
}

/// What a trace holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes.
    pub bytes: u64,
    /// Jobs.
    pub jobs: u64,
    /// Of these, completed ones.
    pub completed: u64,
    /// Slices of jobs on nodes.
    pub slices: u64,
    /// Arrows.
    pub arrows: u64,
    /// Whether the limit of its size was reached.
    pub is_cut: bool,
}

impl<W: Write> ChromeTrace<W> {
    /// A trace of what happens in `window` on `nodes`, or on all; it takes no more after `limit` bytes. `names` are those of the
    /// nodes, by number.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn new(
        mut out: W,
        title: &str,
        names: Vec<String>,
        nodes: Option<Vec<u32>>,
        window: (SimTime, SimTime),
        limit: u64,
    ) -> io::Result<Self> {
        writeln!(
            out,
            "{{\"displayTimeUnit\":\"ms\",\"otherData\":{},\"traceEvents\":[",
            json!({ "run": title })
        )?;
        let mut trace = Self {
            out,
            nodes,
            window,
            limit,
            written: Written::default(),
            named: BTreeSet::new(),
            names,
            error: None,
        };
        for (process, name, place) in [(LEVELS, "levels", 0), (JOBS, "jobs", 1)] {
            trace.put(
                &json!({"ph": "M", "pid": process, "name": "process_name", "args": {"name": name}}),
            );
            trace.put(&json!({"ph": "M", "pid": process, "name": "process_sort_index", "args": {"sort_index": place}}));
        }
        Ok(trace)
    }

    /// Ends the file; says what it holds.
    ///
    /// # Errors
    /// If something could not be written.
    pub fn finish(mut self) -> io::Result<Written> {
        if let Some(error) = self.error {
            return Err(error);
        }
        // The last event has no comma after it.
        let last =
            json!({"ph": "M", "pid": LEVELS, "name": "process_labels", "args": {"labels": ""}});
        write!(self.out, "{last}\n]}}\n")?;
        self.out.flush()?;
        Ok(self.written)
    }

    fn put(&mut self, event: &serde_json::Value) {
        let line = format!("{event},\n");
        self.written.bytes += line.len() as u64;
        if self.error.is_none() {
            self.error = self.out.write_all(line.as_bytes()).err();
        }
    }

    fn shows(&self, node: u32) -> bool {
        self.nodes
            .as_ref()
            .is_none_or(|nodes| nodes.contains(&node))
    }

    /// The part of an interval that lies in the window, if there is one.
    fn inside(&self, from: SimTime, to: SimTime) -> Option<(SimTime, SimTime)> {
        let (first, last) = self.window;
        let (from, to) = (from.max(first), to.min(last));
        (from <= to).then_some((from, to))
    }

    fn slice(
        &mut self,
        (process, lane): (u32, usize),
        name: &str,
        kind: &str,
        (from, to): (SimTime, SimTime),
        args: &serde_json::Value,
    ) {
        self.put(&json!({
            "ph": "X", "pid": process, "tid": lane, "name": name, "cat": kind,
            "ts": micros(from), "dur": (to - from).as_nanos() as f64 / 1e3, "args": args,
        }));
    }

    /// An arrow between two places in slices; both ends or none.
    fn arrow(&mut self, name: &str, from: Option<Place>, to: Option<Place>) {
        let (Some(from), Some(to)) = (from, to) else {
            return;
        };
        self.written.arrows += 1;
        let id = self.written.arrows;
        self.put(&json!({
            "ph": "s", "id": id, "pid": from.process, "tid": from.lane, "name": name, "cat": "job", "ts": micros(from.at),
        }));
        self.put(&json!({
            "ph": "f", "bp": "e", "id": id, "pid": to.process, "tid": to.lane, "name": name, "cat": "job", "ts": micros(to.at),
        }));
    }

    /// The process of a node, named when it is first used.
    fn process(&mut self, node: u32) -> u32 {
        let process = NODES + node;
        if self.named.insert((process, UP)) {
            let name = self.names.get(node as usize).cloned().unwrap_or_default();
            let name = format!("node {node} {name}");
            self.put(&json!({"ph": "M", "pid": process, "name": "process_name", "args": {"name": name.trim_end()}}));
            self.put(&json!({"ph": "M", "pid": process, "name": "process_sort_index", "args": {"sort_index": process}}));
            self.put(&json!({"ph": "M", "pid": process, "tid": UP, "name": "thread_name", "args": {"name": "up"}}));
        }
        process
    }

    fn name_lane(&mut self, process: u32, lane: usize) {
        if self.named.insert((process, lane)) {
            self.put(&json!({"ph": "M", "pid": process, "tid": lane, "name": "thread_name", "args": {"name": "jobs"}}));
        }
    }

    /// A job on its node; where an arrow reaches it, and where one leaves it.
    fn stay(&mut self, job: u64, visit: &Visit) -> (Option<Place>, Option<Place>) {
        let is_seen = visit
            .stay
            .filter(|_| self.shows(visit.node))
            .and_then(|(from, to)| self.inside(from, to));
        if is_seen.is_none() {
            return (None, None);
        }
        let process = self.process(visit.node);
        let lane = UP + 1 + visit.lane;
        self.name_lane(process, lane);
        let is_lost = matches!(visit.outcome, Outcome::Lost(_));
        let mut drawn = Vec::new();
        for phase in &visit.phases {
            if let Some((from, to)) = self.inside(phase.from, phase.to) {
                let name = format!("{} {job}", phase.name);
                let args = json!({ "job": job, "lost": is_lost });
                self.slice((process, lane), &name, phase.name, (from, to), &args);
                self.written.slices += 1;
                drawn.push((from, to));
            }
        }
        let place = |at| Place { process, lane, at };
        let first = drawn.first().map(|(from, _)| place(*from));
        let last = drawn
            .last()
            .map(|(from, to)| place(shortly_before(*from, *to)));
        (first, last)
    }
}

/// A point of time in a lane.
#[derive(Clone, Copy)]
struct Place {
    process: u32,
    lane: usize,
    at: SimTime,
}

impl<W: Write> Timeline for ChromeTrace<W> {
    fn up(&mut self, node: u32, from: SimTime, to: SimTime) {
        if let Some(part) = self.inside(from, to).filter(|_| self.shows(node)) {
            let process = self.process(node);
            self.slice((process, UP), "up", "up", part, &json!({}));
        }
    }

    fn life(&mut self, life: &Life) {
        let is_shown =
            self.nodes.is_none() || life.visits.iter().any(|visit| self.shows(visit.node));
        let Some(part) = self.inside(life.submitted, life.ended).filter(|_| is_shown) else {
            return;
        };
        self.written.jobs += 1;
        self.written.completed += u64::from(life.fate == "completed");
        let lane = life.lane;
        self.name_lane(JOBS, lane);
        let args = json!({
            "job": life.job,
            "fate": life.fate,
            "placements": life.visits.len(),
            "nodes": life.visits.iter().map(|visit| visit.node).collect::<Vec<_>>(),
        });
        let name = format!("job {}", life.job);
        self.slice((JOBS, lane), &name, life.fate, part, &args);
        let (from, to) = part;
        let place = |at: SimTime| {
            let is_inside = from <= at && at <= to;
            is_inside.then(|| Place {
                process: JOBS,
                lane,
                at: shortly_before(from, to).min(at),
            })
        };
        for visit in &life.visits {
            let (reached, left) = self.stay(life.job, visit);
            self.arrow("placed", place(visit.placed), reached);
            match visit.outcome {
                Outcome::Delivered => self.arrow("delivered", left, place(life.ended)),
                Outcome::Lost(Some(noticed)) => self.arrow("lost", left, place(noticed)),
                Outcome::Lost(None) | Outcome::UnderWay => {}
            }
        }
    }

    fn level(&mut self, at: SimTime, name: &'static str, value: f64) {
        if self.inside(at, at).is_some() {
            self.put(&json!({
                "ph": "C", "pid": LEVELS, "name": name, "ts": micros(at), "args": {"value": value},
            }));
        }
    }

    fn is_full(&self) -> bool {
        self.error.is_some() || self.written.bytes >= self.limit
    }
}

/// The last nanosecond of an interval: an arrow must start inside of its slice.
fn shortly_before(from: SimTime, to: SimTime) -> SimTime {
    let last = to.as_nanos().saturating_sub(1);
    from.max(SimTime::ZERO + walras_des::Span::from_nanos(last))
}

/// Microseconds. Exact to the nanosecond for 100 days.
fn micros(at: SimTime) -> f64 {
    at.as_nanos() as f64 / 1e3
}
