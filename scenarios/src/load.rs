//! Loads a scenario: reads it, applies overrides, lets platforms inherit, checks everything, and lowers it to a plan.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use walras_sim::availability::Track;
use walras_sim::cluster::workload::Source as Jobs;
use walras_sim::workload::{Source as Requests, Trace};

use crate::batch;
use crate::catalog::Catalog;
use crate::document::{self, Entry, Node, Override, Value};
use crate::inherit::{CLUSTERS, DEVICES, ECONOMIES, Kind, PLATFORMS, inherit};
use crate::issue::{Issue, Issues, Place, Source, closest, listing, suggestion};
use crate::library::library;
use crate::lower::{self, Files, TraceProblem};
use crate::plan::{Plan, Subject};
use crate::read::{self, Unreadable};
use crate::report::Report;
use crate::schema::Schema;
use crate::spot;
use crate::study::INSTRUMENTS;
use crate::trace;

/// A scenario, checked and ready to run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The name of its file without the ending.
    pub name: String,
    /// What it answers.
    pub question: String,
    /// Index of the platform that the others are compared with.
    pub baseline: usize,
    /// What is simulated.
    pub plan: Plan,
    /// The scenario as YAML with overrides applied and inheritance resolved: loading it gives the same plan.
    pub resolved: String,
    /// Fingerprint of all that determines the results beside the version: scenario, catalog and trace.
    pub input_hash: u64,
    /// Fingerprint of what the customers ask for: workload, horizon, seed and trace. Runs with the same one can be paired by
    /// replication.
    pub workload_hash: u64,
    /// The recorded trace that is replayed, if one is.
    pub trace: Option<TraceUse>,
}

/// How much of a recorded trace a run replays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceUse {
    /// The file.
    pub path: PathBuf,
    /// Rows of the file.
    pub rows: usize,
    /// Those up to the horizon: the requests of a run.
    pub used: usize,
}

/// The version of the format that is read.
const FORMAT: i128 = 1;

/// Loads the scenario at `path`, or the one of the library with this name if there is no such file.
///
/// Each override is a path of keys joined with dots, and a YAML value; `null` removes a key. A map written as a value
/// replaces; maps on the way to a value amend what a platform inherits.
/// A `trace` replaces the requests of the workload. What the key `sweep` asks for is left to [`crate::sweep`].
///
/// # Errors
/// All problems of the scenario, of the overrides and of the trace at once.
///
/// # Panics
/// If a file of the catalog is wrong, or a problem was swallowed: mistakes of ours, not of the user.
pub fn load(
    path: &Path,
    overrides: &[(String, String)],
    trace: Option<&Path>,
) -> Result<Scenario, Issues> {
    Draft::read(path, overrides, trace)?.finish()
}

/// A scenario that is read and not yet checked: values can still be set.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    input: Input,
    tree: Node,
    /// The key `sweep`, which is no part of what is run.
    sweep: Option<Entry>,
    issues: Vec<Issue>,
}

impl Draft {
    /// Reads the scenario and applies what was asked for, as [`load`].
    pub(crate) fn read(
        path: &Path,
        overrides: &[(String, String)],
        trace: Option<&Path>,
    ) -> Result<Self, Issues> {
        let input = Input::find(path)?;
        let fail = |issues: Vec<Issue>| Issues::new(input.source.name.clone(), issues);
        let tree = document::parse(&input.source).map_err(fail)?;
        let mut draft = Self {
            tree,
            sweep: None,
            issues: Vec::new(),
            input,
        };
        for (path, value) in overrides {
            match document::parse_override(path, value) {
                Ok(change) => draft.set(change),
                Err(found) => draft.issues.extend(found),
            }
        }
        if let Some(issue) = draft.tree.get("walras").and_then(other_format) {
            return Err(draft.fail(vec![issue]));
        }
        if let Some(file) = trace {
            let file = std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf());
            replace_requests(&mut draft.tree, &file);
        }
        if let Value::Map(entries) = &mut draft.tree.value
            && let Some(index) = entries.iter().position(|entry| entry.key == "sweep")
        {
            draft.sweep = Some(entries.remove(index));
        }
        Ok(draft)
    }

    /// A scenario called `name` that was made out of the one in `source`, and stands for itself.
    pub(crate) fn of(name: &str, source: &Arc<Source>, tree: Node) -> Self {
        Self {
            input: Input {
                name: name.to_owned(),
                source: Arc::clone(source),
                directory: PathBuf::new(),
            },
            tree,
            sweep: None,
            issues: Vec::new(),
        }
    }

    /// The scenario as it is written, with what was changed.
    pub(crate) fn tree(&self) -> &Node {
        &self.tree
    }

    /// Leaves these keys out.
    pub(crate) fn forget(&mut self, keys: &[&str]) {
        if let Value::Map(entries) = &mut self.tree.value {
            entries.retain(|entry| !keys.contains(&entry.key.as_str()));
        }
    }

    /// The key `sweep` as it is written.
    pub(crate) fn sweep(&self) -> Option<&Entry> {
        self.sweep.as_ref()
    }

    /// Changes one value; a problem is kept.
    pub(crate) fn set(&mut self, change: Override) {
        let stranger = stranger(&self.tree, &change);
        let problem = stranger.or_else(|| self.tree.set(&change.keys, change.value).err());
        self.issues.extend(problem);
    }

    /// `issues` as those of this scenario.
    pub(crate) fn fail(&self, issues: Vec<Issue>) -> Issues {
        Issues::new(self.input.source.name.clone(), issues)
    }

    /// Checks everything and lowers it to a plan.
    pub(crate) fn finish(self) -> Result<Scenario, Issues> {
        let Self {
            input,
            tree,
            issues,
            ..
        } = self;
        let report = resolve(tree, issues, &input.directory);
        finish(input, report)
    }
}

fn finish(input: Input, mut report: Report) -> Result<Scenario, Issues> {
    let shown = input.source.name.clone();
    let fail = |issues: Vec<Issue>| Issues::new(shown.clone(), issues);
    let mut reader = Reader {
        directory: input.directory.clone(),
        trace: None,
        path: None,
        records: Vec::new(),
    };
    let programs = place_programs(&mut report.tree, |directory| {
        let path = std::path::absolute(input.directory.join(directory));
        path.map_or_else(|_| directory.to_owned(), |path| path.display().to_string())
    });
    let plan = lower::lower(&mut report, &mut reader);
    let baseline = baseline(&mut report);
    let (Some(plan), Some(baseline), true) = (plan, baseline, report.issues.is_empty()) else {
        assert!(
            !report.issues.is_empty(),
            "a scenario without a plan has a problem"
        );
        let mut problems = fail(report.issues);
        let files = reader.trace.iter().chain(&reader.records);
        for file in files.map(|source| &source.name) {
            let inside = |issue: &&Issue| issue.place.source.name == *file;
            match problems.list.iter().filter(inside).count() {
                0 => {}
                all if all == problems.list.len() => problems.input.clone_from(file),
                _ => problems.input = format!("{} and {file}", problems.input),
            }
        }
        return Err(problems);
    };
    let question = match report.tree.get("question").map(|node| &node.value) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    if reader.trace.is_some() {
        // What a trace says counts, not where it lies.
        replace_requests(&mut report.tree, Path::new(""));
    }
    let mut nameless = report.tree.clone();
    name_records(&mut nameless, |_| String::new());
    place_programs(&mut nameless, |_| String::new());
    let whole = yaml(&nameless);
    let asked_for = ["workload", "jobs", "customers"];
    let asked_for = asked_for.iter().filter_map(|key| nameless.get(key));
    let workload: String = asked_for.map(yaml).collect();
    let seed_and_horizon = format!("{} {}", plan.seed, plan.horizon.as_nanos());
    let (mut all, mut asked) = (vec![&*whole], vec![&*workload, &*seed_and_horizon]);
    all.extend(Catalog::texts().map(|text| -> &str { text }));
    all.extend(reader.records.iter().map(|record| &*record.text));
    all.extend(programs.iter().map(String::as_str));
    for texts in [&mut all, &mut asked] {
        texts.extend(reader.trace.as_deref().map(|trace| &*trace.text));
    }
    let (input_hash, workload_hash) = (hash(&all), hash(&asked));
    if let Some(path) = &reader.path {
        replace_requests(&mut report.tree, path);
    }
    name_records(&mut report.tree, |file| {
        let path = std::path::absolute(input.directory.join(file));
        path.map_or_else(|_| file.to_owned(), |path| path.display().to_string())
    });
    let (path, horizon) = (reader.path.unwrap_or_default(), plan.horizon.as_nanos());
    let trace = match &plan.subject {
        Subject::Requests(requests) => match &requests.workload.source {
            Requests::Synthetic(_) => None,
            Requests::Trace(trace) => Some(TraceUse {
                path,
                rows: trace.at.len(),
                used: trace.at.partition_point(|at| at.as_nanos() <= horizon),
            }),
        },
        Subject::Batch(batch) => match &batch.workload.source {
            Jobs::Synthetic(_) => None,
            Jobs::Recorded { jobs, .. } => Some(TraceUse {
                path,
                rows: jobs.len(),
                used: jobs.partition_point(|job| job.submitted.as_nanos() <= horizon),
            }),
        },
        Subject::Economies(_) => None,
    };
    Ok(Scenario {
        name: input.name,
        question,
        baseline,
        plan,
        resolved: yaml(&report.tree),
        input_hash,
        workload_hash,
        trace,
    })
}

/// The problem of a scenario in a version of the format that is not read.
fn other_format(version: &Node) -> Option<Issue> {
    let Value::Integer(number) = version.value else {
        return None;
    };
    let message = format!("this version reads format {FORMAT}, found format {number}");
    let hint = if number > FORMAT {
        "a newer version of walras may read it".to_owned()
    } else {
        format!("write `walras: {FORMAT}`")
    };
    (number != FORMAT).then(|| Issue::new(version.place.clone(), "walras", message).hint(hint))
}

/// The problem of an override that changes a part of something that there is not.
fn stranger(tree: &Node, change: &Override) -> Option<Issue> {
    let [(section, _), (name, place), rest @ ..] = change.keys.as_slice() else {
        return None;
    };
    if rest.is_empty() && change.value.value != Value::Null {
        return None;
    }
    let trees = &Catalog::get().trees;
    let (kind, stock): (_, &[Entry]) = match section.as_str() {
        "platforms" => ("platform", &[]),
        "clusters" => ("cluster", &[]),
        "economies" => ("economy", &[]),
        "devices" => ("device", trees.devices.entries()),
        "models" => ("model", trees.models.entries()),
        "availability" => ("availability", trees.availability.entries()),
        _ => return None,
    };
    let own = tree.get(section).map_or(&[][..], Node::entries);
    let known: Vec<&str> = own.iter().chain(stock).map(|entry| &*entry.key).collect();
    if known.contains(&name.as_str()) {
        return None;
    }
    let message = format!("unknown {kind} `{name}`");
    let hint = suggestion(name, "names", known.iter().copied());
    let path = document::join(section, name);
    Some(Issue::new(place.clone(), path, message).hint(hint))
}

/// A scenario as text, with where it comes from.
#[derive(Clone, Debug)]
struct Input {
    name: String,
    source: Arc<Source>,
    /// Where relative names of files start.
    directory: PathBuf,
}

impl Input {
    fn find(path: &Path) -> Result<Self, Issues> {
        let shown = path.display().to_string();
        let problem = match read::text(path) {
            Ok(text) => {
                let stem = path
                    .file_stem()
                    .map_or_else(|| shown.clone(), |stem| stem.to_string_lossy().into_owned());
                let directory = path.parent().map(Path::to_path_buf).unwrap_or_default();
                return Ok(Self {
                    name: stem,
                    source: Arc::new(Source { name: shown, text }),
                    directory,
                });
            }
            Err(problem) => problem,
        };
        if let Some(entry) = library().iter().find(|entry| Path::new(entry.name) == path) {
            let source = Source {
                name: format!("{}.yaml", entry.name),
                text: entry.text.to_owned(),
            };
            return Ok(Self {
                name: entry.name.to_owned(),
                source: Arc::new(source),
                directory: PathBuf::new(),
            });
        }
        let source = Arc::new(Source {
            name: shown,
            text: String::new(),
        });
        let hint = if problem.missing {
            Some(library_hint(path))
        } else {
            problem.hint.map(str::to_owned)
        };
        let issue = Issue {
            place: Place::whole(&source),
            path: String::new(),
            message: format!("cannot read the scenario: {}", problem.reason),
            hint,
        };
        Err(issue.into())
    }
}

/// The scenario of the library that `path` was probably meant to name, or else all of them.
fn library_hint(path: &Path) -> String {
    let is_yaml = path
        .extension()
        .is_some_and(|ending| ending == "yaml" || ending == "yml");
    let name = if is_yaml {
        path.file_stem()
    } else {
        path.file_name()
    };
    let name = name.unwrap_or_default().to_string_lossy();
    let names = library().iter().map(|entry| entry.name);
    match closest(&name, names.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!(
            "give a file, or a scenario of the library: {}",
            listing(names)
        ),
    }
}

/// Reads the files of a scenario and remembers what it read.
struct Reader {
    directory: PathBuf,
    /// Requests or jobs, under the name by which the user calls the file.
    trace: Option<Arc<Source>>,
    path: Option<PathBuf>,
    /// Everything else.
    records: Vec<Arc<Source>>,
}

impl Reader {
    fn source(&self, file: &str) -> Result<Arc<Source>, TraceProblem> {
        let unreadable = |problem: Unreadable| TraceProblem::Missing(problem.reason, problem.hint);
        let text = read::text(&self.directory.join(file)).map_err(unreadable)?;
        Ok(Arc::new(Source {
            name: file.to_owned(),
            text,
        }))
    }

    fn trace<T>(
        &mut self,
        file: &str,
        parse: impl Fn(&Arc<Source>) -> Result<T, Vec<Issue>>,
    ) -> Result<T, TraceProblem> {
        let source = self.source(file)?;
        let parsed = parse(&source).map_err(TraceProblem::Broken);
        self.path = std::path::absolute(self.directory.join(file)).ok();
        self.trace = Some(source);
        parsed
    }

    fn record<T>(
        &mut self,
        file: &str,
        parse: impl Fn(&Arc<Source>) -> Result<T, Vec<Issue>>,
    ) -> Result<T, TraceProblem> {
        let source = self.source(file)?;
        self.records.push(Arc::clone(&source));
        parse(&source).map_err(TraceProblem::Broken)
    }
}

impl Files for Reader {
    fn requests(&mut self, file: &str) -> Result<Trace, TraceProblem> {
        self.trace(file, trace::parse)
    }

    fn presence(&mut self, file: &str) -> Result<Vec<Track>, TraceProblem> {
        self.record(file, spot::parse)
    }

    fn jobs(&mut self, file: &str) -> Result<batch::Batch, TraceProblem> {
        self.trace(file, batch::parse)
    }

    fn machines(&mut self, file: &str) -> Result<Vec<batch::Machine>, TraceProblem> {
        self.record(file, batch::machines)
    }
}

/// Gives the files of records other names.
fn name_records(tree: &mut Node, name: impl Fn(&str) -> String) {
    let clusters = tree
        .entry_mut("clusters")
        .map(|entry| &mut entry.node.value);
    if let Some(Value::Map(clusters)) = clusters {
        for cluster in clusters {
            let machines = cluster.node.entry_mut("machines");
            if let Some(Value::Text(file)) = machines.map(|entry| &mut entry.node.value) {
                *file = name(file);
            }
        }
    }
    let classes = tree
        .entry_mut("availability")
        .map(|entry| &mut entry.node.value);
    let Some(Value::Map(classes)) = classes else {
        return;
    };
    for class in classes {
        let replay = class.node.entry_mut("replay");
        let files = replay.and_then(|replay| replay.node.entry_mut("files"));
        if let Some(Value::List(files)) = files.map(|entry| &mut entry.node.value) {
            for file in files {
                if let Value::Text(file) = &mut file.value {
                    *file = name(file);
                }
            }
        }
    }
}

/// Starts the programs of external schedulers elsewhere: in what `place` makes of the directory that is written. Gives the files that
/// their commands name there: what a program says counts, not where it lies.
fn place_programs(tree: &mut Node, place: impl Fn(&str) -> String) -> Vec<String> {
    let mut files = Vec::new();
    let platforms = tree
        .entry_mut("platforms")
        .map(|entry| &mut entry.node.value);
    let Some(Value::Map(platforms)) = platforms else {
        return files;
    };
    for platform in platforms {
        let scheduler = platform.node.entry_mut("scheduler");
        let Some(external) = scheduler.and_then(|entry| entry.node.entry_mut("external")) else {
            continue;
        };
        let whole = external.node.place.clone();
        let Value::Map(keys) = &mut external.node.value else {
            continue;
        };
        let index = keys.iter().position(|entry| entry.key == "directory");
        let index = index.unwrap_or_else(|| {
            keys.push(Entry {
                key: "directory".to_owned(),
                key_place: whole.clone(),
                node: Node {
                    place: whole,
                    value: Value::Text(String::new()),
                    amends: false,
                },
            });
            keys.len() - 1
        });
        let Value::Text(directory) = &mut keys[index].node.value else {
            continue;
        };
        *directory = place(directory);
        let directory = PathBuf::from(&*directory);
        if let Some(Value::List(words)) = external.node.get("command").map(|node| &node.value) {
            for word in words.iter().filter_map(|word| word.value.written()) {
                files.extend(read::text(&directory.join(word)).ok());
            }
        }
    }
    files
}

/// Makes `workload.requests` the trace in `file`, or `jobs.source` where there are batch jobs.
fn replace_requests(tree: &mut Node, file: &Path) {
    let text = file.display().to_string();
    let source = Arc::new(Source {
        name: Source::TRACE.to_owned(),
        text: text.clone(),
    });
    let place = Place {
        source,
        line: 1,
        column: 1,
        width: text.chars().count(),
    };
    let node = |value| Node {
        place: place.clone(),
        value,
        amends: false,
    };
    let entry = Entry {
        key: "trace".to_owned(),
        key_place: place.clone(),
        node: node(Value::Text(text)),
    };
    let path = if tree.get("jobs").is_some() {
        ["jobs", "source"]
    } else {
        ["workload", "requests"]
    };
    let keys = path.map(|key| (key.to_owned(), place.clone()));
    // A workload that is not a map is reported by the check of the document.
    let _ = tree.set(&keys, node(Value::Map(vec![entry])));
}

/// Writes the scheduler of a platform out, where it is given by its name alone.
fn write_out(kind: &'static str, platform: &mut Entry) {
    if let Value::Map(keys) = &mut platform.node.value {
        let scheduler = keys.iter_mut().find(|entry| entry.key == "scheduler");
        if let Some(scheduler) = scheduler {
            Schema::resolved().write_out(kind, &mut scheduler.node);
        }
    }
}

/// Lets platforms, devices, models and classes inherit what they do not say, and checks the whole.
fn resolve(mut tree: Node, mut issues: Vec<Issue>, directory: &Path) -> Report {
    let stock = &Catalog::get().trees;
    let mut broken = Vec::new();
    if let Value::Map(entries) = &mut tree.value {
        for entry in entries {
            let Value::Map(own) = &mut entry.node.value else {
                continue;
            };
            match entry.key.as_str() {
                "platforms" => {
                    let inherited = inherit(PLATFORMS, own, stock.platforms.entries());
                    *own = inherited.resolved;
                    for entry in own.iter_mut() {
                        write_out("SchedulerSpec", entry);
                    }
                    issues.extend(inherited.issues);
                    let all = own.iter().chain(&inherited.broken);
                    issues.extend(all.filter_map(|entry| unusable_name(PLATFORMS, entry)));
                    broken.push((PLATFORMS, inherited.broken));
                }
                "clusters" => {
                    let inherited = inherit(CLUSTERS, own, &[]);
                    *own = inherited.resolved;
                    for entry in own.iter_mut() {
                        write_out("ClusterSchedulerSpec", entry);
                    }
                    issues.extend(inherited.issues);
                    let all = own.iter().chain(&inherited.broken);
                    issues.extend(all.filter_map(|entry| unusable_name(CLUSTERS, entry)));
                    broken.push((CLUSTERS, inherited.broken));
                }
                "economies" => {
                    let inherited = inherit(ECONOMIES, own, &[]);
                    *own = inherited.resolved;
                    issues.extend(inherited.issues);
                    let all = own.iter().chain(&inherited.broken);
                    issues.extend(all.filter_map(|entry| unusable_name(ECONOMIES, entry)));
                    broken.push((ECONOMIES, inherited.broken));
                }
                "devices" => {
                    let (classes, unread) = devices(own, &stock.devices, directory);
                    *own = classes;
                    issues.extend(unread);
                }
                "models" => amend(own, &stock.models, "ModelSpec"),
                "availability" => amend(own, &stock.availability, "AvailabilitySpec"),
                _ => {}
            }
        }
    }
    // Before empty keys are removed, so that an unknown one is seen: `{nodes: 1,000}` has the keys `nodes` and `000`.
    issues.extend(Schema::resolved().check(&tree));
    // They are checked, and no part of what is run.
    if let Value::Map(entries) = &mut tree.value {
        entries.retain(|entry| !INSTRUMENTS.contains(&entry.key.as_str()));
    }
    tree.prune();
    let written = |entry: &&Entry| entry.node.value != Value::Null;
    let mut spoiled = Vec::new();
    for (kind, broken) in broken {
        let path = |entry: &Entry| document::join(kind.section, &entry.key);
        for entry in broken.iter().filter(written) {
            let found = Schema::written().check_entry(kind.definition, entry, &path(entry));
            issues.extend(found);
        }
        // Broken entries stay in the tree under their names, so that a baseline may name them.
        spoiled.extend(broken.iter().map(path));
        let section = tree.entry_mut(kind.section);
        if let Some(Value::Map(entries)) = section.map(|entry| &mut entry.node.value) {
            entries.extend(broken);
        }
    }
    Report {
        tree,
        issues,
        spoiled,
    }
}

/// The problem of a platform whose name cannot stand in a table or a path.
fn unusable_name(kind: Kind, entry: &Entry) -> Option<Issue> {
    let name = &entry.key;
    let message = if name.trim().is_empty() {
        format!("the name of a {} is empty", kind.noun)
    } else if name.contains(|c: char| c.is_control() || c == '/' || c == '\\') {
        let shown = name.escape_debug();
        format!("a name cannot hold slashes or control characters, found `{shown}`")
    } else {
        return None;
    };
    let path = document::join(kind.section, name);
    let issue = Issue::new(entry.key_place.clone(), path, message);
    Some(issue.hint("use letters, digits, `-` and `_`, as in `my-network`"))
}

/// Device classes with what they inherit: from the class of the catalog whose name they bear, or from what they extend, which may
/// be a file that a calibration wrote.
fn devices(own: &[Entry], stock: &Node, directory: &Path) -> (Vec<Entry>, Vec<Issue>) {
    let (mut own, mut issues) = (own.to_vec(), Vec::new());
    let mut known = stock.entries().to_vec();
    for entry in &mut own {
        let extends = entry.node.get("extends").cloned();
        let Some(Value::Text(name)) = extends.as_ref().map(|node| &node.value) else {
            amend(std::slice::from_mut(entry), stock, DEVICES.definition);
            continue;
        };
        let is_file = [".yaml", ".yml"]
            .iter()
            .any(|ending| name.ends_with(ending));
        let unread = is_file && !known.iter().any(|class| class.key == *name);
        let path = document::join(&document::join(DEVICES.section, &entry.key), "extends");
        let place = extends.as_ref().expect("it was found").place.clone();
        if unread {
            match calibrated(name, directory) {
                Ok(class) => known.push(class),
                Err(Problem::Here(message, hint)) => {
                    let issue = Issue::new(place.clone(), path.clone(), message);
                    issues.push(if let Some(hint) = hint {
                        issue.hint(hint)
                    } else {
                        issue
                    });
                    entry.node.value = Value::Null;
                    entry.node.amends = true;
                    continue;
                }
                Err(Problem::There(found)) => {
                    issues.extend(found);
                    entry.node.value = Value::Null;
                    entry.node.amends = true;
                    continue;
                }
            }
        }
        let changes_peaks = ["bandwidth_gb_s", "bf16_tflops"]
            .iter()
            .any(|key| entry.node.get(key).is_some());
        if changes_peaks && entry.node.get("error").is_none() {
            let message = format!(
                "`{}` has other peak rates than `{name}` and does not state its error",
                entry.key
            );
            let hint = "a device predicted from its data sheet and its class was off by about 20 %: write `error: {fitted: 20 %, held_out: 20 %}`";
            issues.push(Issue::new(place, path, message).hint(hint));
        }
    }
    let inherited = inherit(DEVICES, &own, &known);
    issues.extend(inherited.issues);
    (inherited.resolved, issues)
}

/// Why a file of a device class cannot be used.
enum Problem {
    /// To be told where it is named: what is wrong, and what would work.
    Here(String, Option<String>),
    /// Told with places in the file.
    There(Vec<Issue>),
}

/// The device class in a file, under the name of the file.
fn calibrated(file: &str, directory: &Path) -> Result<Entry, Problem> {
    let path = directory.join(file);
    let text = read::text(&path).map_err(|problem| {
        let message = format!("cannot read `{file}`: {}", problem.reason);
        Problem::Here(message, problem.hint.map(str::to_owned))
    })?;
    let source = Arc::new(Source {
        name: file.to_owned(),
        text,
    });
    let tree = document::parse(&source).map_err(Problem::There)?;
    match tree.entries() {
        [class] => Ok(Entry {
            key: file.to_owned(),
            ..class.clone()
        }),
        other => {
            let message = format!("`{file}` holds {} device classes, not one", other.len());
            let hint =
                "as `walras calibrate` writes it: one name with the keys of a device".to_owned();
            Err(Problem::Here(message, Some(hint)))
        }
    }
}

/// Lets entries of a section inherit from the entries of the catalog with the same name.
fn amend(own: &mut [Entry], stock: &Node, definition: &str) {
    for entry in own {
        if let Some(base) = stock.get(&entry.key) {
            entry.node = Schema::resolved().merge(definition, base, &entry.node);
        }
    }
}

/// Index of the baseline.
fn baseline(report: &mut Report) -> Option<usize> {
    // Economies may have platforms besides.
    let kinds = [ECONOMIES, CLUSTERS, PLATFORMS].into_iter();
    let mut written = kinds.filter_map(|kind| Some((kind.noun, report.tree.get(kind.section)?)));
    let (noun, section) = written.next()?;
    let names = section.entries().iter().map(|entry| entry.key.clone());
    let names: Vec<String> = names.collect();
    match report.tree.get("baseline").map(|node| &node.value) {
        None => Some(0),
        Some(Value::Text(name)) => {
            let index = names.iter().position(|known| known == name);
            if index.is_none() {
                lower::unknown(
                    report,
                    &crate::report::At::root("baseline"),
                    noun,
                    &name.clone(),
                    names.iter().map(String::as_str),
                );
            }
            index
        }
        Some(_) => None,
    }
}

fn yaml(node: &Node) -> String {
    serde_yaml::to_string(node)
        .unwrap_or_else(|error| panic!("a tree of values can be written as YAML: {error}"))
}

/// FNV-1a with 64 bits over texts, each ended by a byte that no text contains.
fn hash(texts: &[&str]) -> u64 {
    texts
        .iter()
        .flat_map(|text| text.bytes().chain([0xff]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}
