//! Sweeps: a scenario at every combination of values along some axes, all of them checked before anything runs.
//!
//! An axis is a path, as an override has it, with a list of values: from the key `sweep` of the scenario, or from the
//! command line. The scenario of a point is that of the same overrides, so that a point gives what a single run gives.

use std::path::Path;

use crate::document::{self, Entry, Node, Override, Value};
use crate::issue::{Issue, Issues, Place};
use crate::load::{Draft, Scenario};

/// Most points of a sweep: more is a slip of the pen.
const MOST_POINTS: usize = 10_000;

/// A scenario with the points at which it is to be run.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// What varies; the last axis varies fastest. Without any, the only point is the scenario as it stands.
    pub axes: Vec<Axis>,
    /// The points, in order.
    pub points: Vec<Point>,
    draft: Draft,
}

/// One thing that varies.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The keys that lead to it, joined with dots.
    pub path: String,
    /// Its values, as they are written.
    pub values: Vec<String>,
    keys: Vec<(String, Place)>,
    nodes: Vec<Node>,
}

/// One combination of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The name of its directory, such as `point-001`.
    pub name: String,
    /// For each axis the index of its value.
    pub at: Vec<usize>,
    /// Fingerprint of all that determines its results beside the version.
    pub input_hash: u64,
    /// Names of its platforms.
    pub platforms: Vec<String>,
    /// Replications of each, or the most of them where a precision ends them.
    pub replications: u32,
    /// Seed of all its random streams.
    pub seed: u64,
}

/// Loads the scenario at `path` with its sweep. Each of `axes` is a path with its values, `value,value`; it replaces the
/// axis of the scenario with this path, or comes after them. For the rest, as [`crate::load`].
///
/// # Errors
/// All problems of the scenario, of the axes and of every point at once.
pub fn load(
    path: &Path,
    overrides: &[(String, String)],
    axes: &[(String, String)],
    trace: Option<&Path>,
) -> Result<Sweep, Issues> {
    let draft = Draft::read(path, overrides, trace)?;
    let mut issues = Vec::new();
    let entries = entries(draft.sweep(), axes, &mut issues);
    let set: Vec<_> = overrides
        .iter()
        .filter_map(|(path, value)| Some(document::parse_override(path, value).ok()?.keys))
        .collect();
    let axes = check(&entries, &set, &mut issues);
    let mut sweep = Sweep {
        points: Vec::new(),
        axes,
        draft,
    };
    if !issues.is_empty() {
        let own = sweep.draft.clone().finish().err();
        issues.extend(own.into_iter().flat_map(|problems| problems.list));
        return Err(sweep.draft.fail(issues));
    }
    let count = sweep.axes.iter().map(|axis| axis.values.len()).product();
    let digits = usize::max(3, format!("{count}").len());
    let mut input = None;
    for number in 0..count {
        let at = sweep.position(number);
        match sweep.scenario_at(&at) {
            Ok(scenario) => {
                let name = format!("point-{:0digits$}", number + 1);
                sweep.points.push(Point::of(name, at, &scenario));
            }
            Err(problems) => {
                input.get_or_insert(problems.input);
                for issue in problems.list {
                    // A problem of the scenario itself is the same at every point.
                    if !issues.contains(&issue) {
                        issues.push(issue);
                    }
                }
            }
        }
    }
    match input {
        None => Ok(sweep),
        Some(input) => Err(Issues::new(input, issues)),
    }
}

impl Point {
    /// The point called `name` at which `scenario` is run.
    pub(crate) fn of(name: String, at: Vec<usize>, scenario: &Scenario) -> Self {
        let plan = &scenario.plan;
        Self {
            name,
            at,
            input_hash: scenario.input_hash,
            platforms: plan.names().into_iter().map(str::to_owned).collect(),
            replications: plan.replications,
            seed: plan.seed,
        }
    }
}

impl Sweep {
    /// The scenario at a point; loaded anew, so that a sweep does not hold all of them.
    ///
    /// # Errors
    /// If a trace that it replays has changed since.
    pub fn scenario(&self, point: &Point) -> Result<Scenario, Issues> {
        self.scenario_at(&point.at)
    }

    /// Path and value of each axis at a point.
    pub fn settings<'a>(&'a self, point: &'a Point) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.axes.iter().zip(&point.at);
        pairs.map(|(axis, index)| (axis.path.as_str(), axis.values[*index].as_str()))
    }

    /// The seed that all points share, if they do: then each meets the same random numbers.
    #[must_use]
    pub fn common_seed(&self) -> Option<u64> {
        let first = self.points.first()?.seed;
        let is_common = self.points.iter().all(|point| point.seed == first);
        is_common.then_some(first)
    }

    fn scenario_at(&self, at: &[usize]) -> Result<Scenario, Issues> {
        let mut draft = self.draft.clone();
        for (axis, index) in self.axes.iter().zip(at) {
            draft.set(Override {
                keys: axis.keys.clone(),
                value: axis.nodes[*index].clone(),
            });
        }
        draft.finish()
    }

    /// The indices of the values of point `number`.
    fn position(&self, mut number: usize) -> Vec<usize> {
        let mut at = vec![0; self.axes.len()];
        for (index, axis) in at.iter_mut().zip(&self.axes).rev() {
            *index = number % axis.values.len();
            number /= axis.values.len();
        }
        at
    }
}

/// The axes that are asked for, as entries of the key `sweep`.
fn entries(
    written: Option<&Entry>,
    typed: &[(String, String)],
    issues: &mut Vec<Issue>,
) -> Vec<Entry> {
    let mut all = match written.map(|entry| (entry, &entry.node.value)) {
        None | Some((_, Value::Null)) => Vec::new(),
        Some((_, Value::Map(entries))) => entries.clone(),
        Some((entry, value)) => {
            let message = format!("expected a map of paths with lists of values, found {value}");
            let issue = Issue::new(entry.node.place.clone(), "sweep", message);
            issues.push(issue.hint("for example `sweep: {workload.rate_factor: [1, 2, 5]}`"));
            Vec::new()
        }
    };
    for (path, values) in typed {
        match document::parse_axis(path, values) {
            Ok(axis) => match all.iter_mut().find(|entry| entry.key == *path) {
                Some(entry) => *entry = axis,
                None => all.push(axis),
            },
            Err(found) => issues.extend(found),
        }
    }
    all
}

/// The axes that `entries` describe; `set` are the keys of overrides, which must be others.
fn check(entries: &[Entry], set: &[Vec<(String, Place)>], issues: &mut Vec<Issue>) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::with_capacity(entries.len());
    for entry in entries {
        let path = document::join("sweep", &entry.key);
        let issue = |place: &Place, message: String| Issue::new(place.clone(), &path, message);
        let keys = match document::parse_path(&entry.key, &entry.key_place) {
            Ok(keys) => keys,
            Err(issue) => {
                issues.push(
                    issue.hint("write keys joined with dots, for example `workload.rate_factor`"),
                );
                continue;
            }
        };
        let nodes = match &entry.node.value {
            Value::List(nodes) if !nodes.is_empty() => nodes.clone(),
            Value::List(_) => {
                let message = format!("the axis `{}` has no values", entry.key);
                issues.push(issue(&entry.key_place, message).hint("give it some, or remove it"));
                continue;
            }
            value => {
                let message = format!(
                    "the axis `{}` needs a list of values, found {value}",
                    entry.key
                );
                let hint = match value.written() {
                    Some(text) => format!("write `[{text}]`, with more values after commas"),
                    None => "write the values between brackets, for example `[1, 2, 5]`".to_owned(),
                };
                let place = if value.written().is_some() {
                    &entry.node.place
                } else {
                    &entry.key_place
                };
                issues.push(issue(place, message).hint(hint));
                continue;
            }
        };
        let values: Vec<String> = nodes.iter().map(written).collect();
        for (index, value) in values.iter().enumerate() {
            if values[..index].contains(value) {
                let message = format!("the value `{value}` of `{}` is given twice", entry.key);
                issues.push(issue(&nodes[index].place, message).hint("remove one of them"));
            }
        }
        if let Some(other) = axes.iter().find(|other| overlap(&other.keys, &keys)) {
            let message = format!(
                "the axes `{}` and `{}` change the same value",
                other.path, entry.key
            );
            issues.push(issue(&entry.key_place, message).hint("join them to one axis"));
        }
        if set
            .iter()
            .any(|set| overlap(set, &keys) && set.len() >= keys.len())
        {
            let message = format!("`{}` is set, and an axis of the sweep", entry.key);
            let hint = format!(
                "for other values: --axis '{}=…'; for one value only: a sweep without it",
                entry.key
            );
            issues.push(issue(&entry.key_place, message).hint(hint));
        }
        axes.push(Axis {
            path: entry.key.clone(),
            values,
            keys,
            nodes,
        });
    }
    let count = axes
        .iter()
        .map(|axis| axis.values.len())
        .try_fold(1, usize::checked_mul);
    if let (Some(last), true) = (
        entries.last(),
        count.is_none_or(|count| count > MOST_POINTS),
    ) {
        let sizes: Vec<String> = axes
            .iter()
            .map(|axis| axis.values.len().to_string())
            .collect();
        let message = format!(
            "{} combinations are more than {MOST_POINTS} points",
            sizes.join(" × ")
        );
        let issue = Issue::new(last.key_place.clone(), "sweep", message);
        issues.push(issue.hint("give fewer values, or sweep one axis after another"));
    }
    axes
}

/// Whether one path leads to the other, or into it.
fn overlap(a: &[(String, Place)], b: &[(String, Place)]) -> bool {
    a.iter().zip(b).all(|((a, _), (b, _))| a == b)
}

/// A value in one line, as a user could write it.
fn written(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::List(nodes) => {
            let nodes: Vec<String> = nodes.iter().map(inner).collect();
            format!("[{}]", nodes.join(", "))
        }
        Value::Map(entries) => {
            let pairs = entries.iter();
            let pairs = pairs.map(|entry| format!("{}: {}", entry.key, inner(&entry.node)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.written().unwrap_or_default(),
    }
}

/// The same within a list or a map, where a text may need quotes.
fn inner(node: &Node) -> String {
    match &node.value {
        Value::Text(text) if text.contains(['{', '}', '[', ']', ',', ':', '#', '\'', '"']) => {
            format!("{text:?}")
        }
        _ => written(node),
    }
}

impl Axis {
    /// Its values as numbers, with their common unit, which may be empty; `None` if they are not all numbers of one unit.
    #[must_use]
    pub fn numbers(&self) -> Option<(Vec<f64>, &str)> {
        let read = |text: &'_ String| -> Option<(f64, usize)> {
            let end = text
                .find(|letter: char| !letter.is_ascii_digit() && !"+-.eE".contains(letter))
                .unwrap_or(text.len());
            Some((text[..end].parse().ok()?, end))
        };
        let (mut numbers, mut unit) = (Vec::with_capacity(self.values.len()), None);
        for text in &self.values {
            let (number, end) = read(text)?;
            let own = text[end..].trim();
            if *unit.get_or_insert(own) != own {
                return None;
            }
            numbers.push(number);
        }
        Some((numbers, unit?))
    }
}
