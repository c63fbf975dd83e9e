//! Reads a workflow in `WfFormat` 1.5 of the `WfCommons` project: tasks, the order between them, and the files that they hand on.
//!
//! A task takes the time that it took when it was recorded, on its `coreCount` cores (one if that is not said). What a task needs of a
//! parent is all files that the one has as output and the other as input. The clocks of machines are read and not used: instances record
//! the clock of a moment, which differs twofold between nodes that are alike.
//! Source: Coleman et al., `WfCommons`: a framework for enabling scientific workflow research and development, FGCS 128 (2022);
//! github.com/wfcommons/WfFormat.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use walras_des::{SimTime, Span};
use walras_sim::cluster::job::{Demand, Job, Task};

use super::{LONGEST, Machine, SHOWN};
use crate::document::{self, Node, Value};
use crate::issue::{Issue, Place, Source, shorten, suggestion};

/// A recorded workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    /// All of it, submitted at time zero.
    pub job: Job,
    /// Names of its tasks, in their order in the job.
    pub names: Vec<String>,
    /// The machines that it ran on, as far as they are said.
    pub machines: Vec<Machine>,
}

/// Cores of a task or a machine at most.
const CORES: u32 = 4_000_000;

/// Reads the text of a workflow.
///
/// # Errors
/// That it is no JSON; or else what is missing or wrong in it, parents that do not exist, and cycles: the first ten, then a count.
pub fn parse(source: &Arc<Source>) -> Result<Workflow, Vec<Issue>> {
    // JSON is YAML, whose reader knows places; what is wrong with it as JSON is said in terms of JSON.
    serde_json::from_str::<serde::de::IgnoredAny>(&source.text).map_err(|error| {
        let place = Place {
            source: Arc::clone(source),
            line: error.line(),
            column: error.column().max(1),
            width: 1,
        };
        let reason = error.to_string();
        let reason = reason.split(" at line ").next().unwrap_or_default();
        let hint = "give the whole file as published; it may be cut off";
        vec![Issue::new(place, "", format!("this is not JSON: {reason}")).hint(hint)]
    })?;
    let root = document::parse(source)?;
    let mut reader = Reader { issues: Vec::new() };
    let workflow = reader.workflow(&root);
    shorten(&mut reader.issues, SHOWN, "values");
    match workflow {
        Some(workflow) if reader.issues.is_empty() => Ok(workflow),
        _ => Err(reader.issues),
    }
}

/// A task as it is written.
struct Written<'a> {
    id: &'a str,
    node: &'a Node,
    outputs: BTreeSet<&'a str>,
}

struct Reader {
    issues: Vec<Issue>,
}

impl Reader {
    fn workflow(&mut self, root: &Node) -> Option<Workflow> {
        let workflow = self.get(root, "workflow", "the workflow")?;
        let specification = self.get(workflow, "specification", "the workflow");
        let execution = self.get(workflow, "execution", "the workflow");
        let (specification, execution) = (specification?, execution?);
        let sizes = self.sizes(specification);
        let written = self.written(specification)?;
        let places: BTreeMap<&str, usize> = written
            .iter()
            .enumerate()
            .map(|(place, task)| (task.id, place))
            .collect();
        let mut tasks = self.runs(execution, &written, &places)?;
        for (task, of) in tasks.iter_mut().zip(&written) {
            task.parents = self.parents(of, &written, &places, &sizes);
        }
        let machines = self.machines(execution);
        let order = self.order(&tasks, &written)?;
        // From the place in the file to the place in the job.
        let mut at = vec![0; order.len()];
        for (place, &task) in order.iter().enumerate() {
            at[task] = place as u32;
        }
        let moved = |&task: &usize| {
            let mut task = tasks[task].clone();
            for (parent, _) in &mut task.parents {
                *parent = at[*parent as usize];
            }
            task
        };
        let names = order.iter().map(|&task| written[task].id.to_owned());
        let names = names.collect();
        let tasks = order.iter().map(moved).collect();
        let job = Job {
            submitted: SimTime::ZERO,
            user: 0,
            deadline: None,
            tasks,
        };
        Some(Workflow {
            job,
            names,
            machines,
        })
    }

    /// Bytes by file.
    fn sizes<'a>(&mut self, specification: &'a Node) -> BTreeMap<&'a str, u64> {
        let Some(files) = specification.get("files") else {
            return BTreeMap::new();
        };
        let size = |file| {
            let id = self.text(file, "id", "a file")?;
            let bytes = self.number(file, "sizeInBytes", id, 0.0, 1e18)?;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Some((id, bytes as u64))
        };
        items(files).iter().filter_map(size).collect()
    }

    fn written<'a>(&mut self, specification: &'a Node) -> Option<Vec<Written<'a>>> {
        let list = self.get(specification, "tasks", "the specification")?;
        let mut known = BTreeSet::new();
        let mut tasks = Vec::new();
        for node in items(list) {
            let Some(id) = self.text(node, "id", "a task") else {
                continue;
            };
            if known.insert(id) {
                let outputs = self.names(node, "outputFiles", id);
                let outputs = outputs.into_iter().map(|(name, _)| name).collect();
                tasks.push(Written { id, node, outputs });
            } else {
                let message = format!("two tasks have the id `{id}`");
                self.issue(&node.place_of(&["id"]), message, "give each task its own");
            }
        }
        if items(list).is_empty() {
            self.issue(
                &list.place,
                "the workflow has no tasks".to_owned(),
                "a task is an object with an `id`",
            );
        }
        (!tasks.is_empty()).then_some(tasks)
    }

    /// How long each task took and on what, in the order in which the tasks are written.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn runs(
        &mut self,
        execution: &Node,
        written: &[Written<'_>],
        places: &BTreeMap<&str, usize>,
    ) -> Option<Vec<Task>> {
        let list = self.get(execution, "tasks", "the execution")?;
        let mut runs: Vec<Option<Task>> = vec![None; written.len()];
        let mut broken = BTreeSet::new();
        for node in items(list) {
            let Some(id) = self.text(node, "id", "a task that ran") else {
                continue;
            };
            let Some(&place) = places.get(id) else {
                let message = format!("task `{id}` ran, and is not in the specification");
                let hint = suggestion(id, "tasks", places.keys().copied().take(20));
                self.issue(&node.place_of(&["id"]), message, &hint);
                continue;
            };
            let mut optional = |key: &str, most: f64| match node.get(key) {
                Some(_) => self.number(node, key, id, 0.0, most),
                None => Some(0.0),
            };
            let cores = optional("coreCount", f64::from(CORES));
            let memory = optional("memoryInBytes", 4e15);
            let seconds = self.number(node, "runtimeInSeconds", id, 0.0, LONGEST);
            let (Some(cores), Some(memory), Some(seconds)) = (cores, memory, seconds) else {
                broken.insert(place);
                continue;
            };
            let demand = Demand {
                cpu: (cores.max(1.0) * 1_000.0).round() as u32,
                memory: (memory / 1_048_576.0).ceil() as u32,
                ..Demand::default()
            };
            let work = Span::from_secs_f64(seconds);
            runs[place] = Some(Task {
                demand,
                ..Task::single(work)
            });
        }
        let silent = (0..written.len()).filter(|place| runs[*place].is_none());
        for place in silent.filter(|place| !broken.contains(place)) {
            let task = &written[place];
            let message = format!(
                "task `{}` is not in `execution.tasks`: how long it takes is unknown",
                task.id
            );
            let hint = "add an object with its `id` and `runtimeInSeconds`";
            self.issue(&task.node.place_of(&["id"]), message, hint);
        }
        runs.into_iter().collect()
    }

    /// The parents of a task, by their place in the file, and the bytes that it needs of each.
    fn parents(
        &mut self,
        task: &Written<'_>,
        written: &[Written<'_>],
        places: &BTreeMap<&str, usize>,
        sizes: &BTreeMap<&str, u64>,
    ) -> Vec<(u32, u64)> {
        let inputs = self.names(task.node, "inputFiles", task.id);
        let inputs: BTreeSet<&str> = inputs.into_iter().map(|(name, _)| name).collect();
        let mut parents = BTreeMap::new();
        for (name, place) in self.names(task.node, "parents", task.id) {
            let Some(&parent) = places.get(name) else {
                let message = format!("task `{}`: its parent `{name}` does not exist", task.id);
                let hint = suggestion(name, "tasks", places.keys().copied().take(20));
                self.issue(place, message, &hint);
                continue;
            };
            let files = written[parent].outputs.intersection(&inputs);
            let bytes = files.filter_map(|file| sizes.get(file)).sum();
            parents.insert(parent as u32, bytes);
        }
        parents.into_iter().collect()
    }

    fn machines(&mut self, execution: &Node) -> Vec<Machine> {
        let list = execution.get("machines").map(items).unwrap_or_default();
        let machine = |node: &Node| {
            let name = self.text(node, "nodeName", "a machine")?;
            let mut optional = |node: Option<&Node>, key: &str, most: f64| {
                let node = node.filter(|node| node.get(key).is_some());
                node.map(|node| self.number(node, key, name, 0.0, most))
            };
            let cpu = node.get("cpu");
            let cores = optional(cpu, "coreCount", f64::from(CORES));
            let mhz = optional(cpu, "speedInMHz", 1e6);
            let memory = optional(Some(node), "memoryInBytes", 4e15);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Some(Machine {
                name: name.to_owned(),
                cpu: (cores.flatten().unwrap_or(1.0).max(1.0) * 1_000.0).round() as u32,
                memory: (memory.flatten().unwrap_or(0.0) / 1_048_576.0) as u32,
                gpus: 0,
                label: String::new(),
                mhz: mhz.flatten().filter(|mhz| *mhz > 0.0),
            })
        };
        list.iter().filter_map(machine).collect()
    }

    /// The tasks in an order in which parents come first; else as they are written (Kahn 1962, the first that is ready goes next).
    fn order(&mut self, tasks: &[Task], written: &[Written<'_>]) -> Option<Vec<usize>> {
        let mut missing: Vec<usize> = tasks.iter().map(|task| task.parents.len()).collect();
        let mut children = vec![Vec::new(); tasks.len()];
        for (child, task) in tasks.iter().enumerate() {
            for (parent, _) in &task.parents {
                children[*parent as usize].push(child);
            }
        }
        let mut ready: BTreeSet<usize> = (0..tasks.len())
            .filter(|&task| missing[task] == 0)
            .collect();
        let mut order = Vec::with_capacity(tasks.len());
        while let Some(task) = ready.pop_first() {
            order.push(task);
            for &child in &children[task] {
                missing[child] -= 1;
                if missing[child] == 0 {
                    ready.insert(child);
                }
            }
        }
        let Some(stuck) = missing.iter().position(|missing| *missing > 0) else {
            return Some(order);
        };
        // Who waits has a parent that waits: back along these, the first task that comes again closes a cycle.
        let mut walk = vec![stuck];
        let start = loop {
            let last = walk[walk.len() - 1];
            let parents = tasks[last]
                .parents
                .iter()
                .map(|(parent, _)| *parent as usize);
            let next = parents.filter(|&parent| missing[parent] > 0).min()?;
            if let Some(start) = walk.iter().position(|&task| task == next) {
                walk.push(next);
                break start;
            }
            walk.push(next);
        };
        let cycle: Vec<&str> = walk[start..]
            .iter()
            .rev()
            .map(|&task| written[task].id)
            .collect();
        let message = format!("the tasks wait for each other: {}", cycle.join(" → "));
        let place = written[walk[start]].node.place_of(&["parents"]);
        self.issue(&place, message, "remove one of these parents");
        None
    }

    /// The names in a list, which may be missing.
    fn names<'a>(&mut self, node: &'a Node, key: &str, of: &str) -> Vec<(&'a str, &'a Place)> {
        let Some(list) = node.get(key) else {
            return Vec::new();
        };
        let mut names = Vec::new();
        for item in items(list) {
            match &item.value {
                Value::Text(name) => names.push((name.as_str(), &item.place)),
                _ => self.issue(
                    &item.place,
                    format!("`{of}`: `{key}` must be a list of names"),
                    "put the name in quotes",
                ),
            }
        }
        names
    }

    fn get<'a>(&mut self, node: &'a Node, key: &str, of: &str) -> Option<&'a Node> {
        let found = node.get(key);
        if found.is_none() {
            let hint =
                "WfFormat 1.5 has `workflow.specification.tasks` and `workflow.execution.tasks`";
            self.issue(&node.place, format!("missing `{key}` of {of}"), hint);
        }
        found
    }

    fn text<'a>(&mut self, node: &'a Node, key: &str, of: &str) -> Option<&'a str> {
        if let Value::Text(text) = &self.get(node, key, of)?.value {
            return Some(text);
        }
        let message = format!("`{key}` of {of} must be a text");
        self.issue(&node.place_of(&[key]), message, "put it in quotes");
        None
    }

    #[allow(clippy::cast_precision_loss)]
    fn number(&mut self, node: &Node, key: &str, of: &str, least: f64, most: f64) -> Option<f64> {
        let found = self.get(node, key, &format!("`{of}`"))?;
        let number = match &found.value {
            Value::Integer(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            _ => None,
        };
        let valid = number.filter(|number| (least..=most).contains(number));
        if valid.is_none() {
            let written = found.value.written();
            let written = written.unwrap_or_else(|| "something else".to_owned());
            let message = format!("`{of}`: `{key}` must be a number, found `{written}`");
            let hint = format!("give a number from {least} to {most}");
            self.issue(&found.place, message, &hint);
        }
        valid
    }

    fn issue(&mut self, place: &Place, message: String, hint: &str) {
        let issue = Issue::new(place.clone(), "", message);
        self.issues.push(issue.hint(hint));
    }
}

/// The items of a list; none for anything else.
fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => &[],
    }
}
