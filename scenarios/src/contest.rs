//! Contests: one platform of a scenario under several schedulers, everything else the same.
//!
//! A contest is a scenario of its own, with the platform once for each scheduler, under the scheduler's name. So it is run, kept,
//! reported and replayed like any other, and all schedulers meet the same requests and the same machines in each replication.

use std::path::Path;
use std::sync::Arc;

use crate::document::{self, Entry, Node, Value};
use crate::inherit::{CLUSTERS, PLATFORMS};
use crate::issue::{Issue, Issues, Place, Source, suggestion};
use crate::load::{Draft, Scenario};
use crate::plan::Subject;
use crate::sweep::Point;

/// A scheduler that takes part: how it is called, and what stands under the key `scheduler`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entrant {
    /// As it was typed, or what it is to be called.
    pub name: String,
    node: Node,
}

/// One platform of a scenario under several schedulers, checked.
#[derive(Clone, Debug)]
pub struct Contest {
    /// Its directory, with what determines its results.
    pub point: Point,
    /// Name of the scenario.
    pub scenario: String,
    /// The platform of the scenario.
    pub platform: String,
    /// Others of the scenario that are the same but for their scheduler, and need no contest of their own.
    pub alike: Vec<String>,
    draft: Draft,
}

impl Contest {
    /// Its scenario, whose platforms are the entrants; loaded anew, so that many contests do not hold all of theirs.
    ///
    /// # Errors
    /// If a trace that it replays has changed since.
    pub fn load(&self) -> Result<Scenario, Issues> {
        self.draft.clone().finish()
    }
}

/// Reads a list of schedulers, such as `random, power-of-choices{d: 3}`.
///
/// # Errors
/// If one is not YAML, or is given twice.
pub fn entrants(text: &str) -> Result<Vec<Entrant>, Issues> {
    let fail = |issues: Vec<Issue>| Issues::new(Source::POLICIES, issues);
    let mut all: Vec<Entrant> = Vec::new();
    for piece in split(text) {
        let entrant = entrant(&piece).map_err(fail)?;
        if all.iter().any(|other| other.name == entrant.name) {
            let message = format!("`{}` is given twice", entrant.name);
            let issue = Issue::new(entrant.node.place, "", message);
            return Err(fail(vec![issue.hint("remove one of them")]));
        }
        all.push(entrant);
    }
    Ok(all)
}

/// The contests that the scenario at `path` gives: one for each of its platforms that is `chosen`, or for every one if none is.
/// Platforms that differ in their scheduler alone are one contest. Without `entrants`, the schedulers of the chosen platforms take
/// part. For the rest, as [`crate::load`].
///
/// # Errors
/// All problems of the scenario and of the entrants at once.
pub fn contests(
    path: &Path,
    overrides: &[(String, String)],
    entrants: &[Entrant],
    chosen: &[String],
    trace: Option<&Path>,
) -> Result<Vec<Contest>, Issues> {
    let draft = Draft::read(path, overrides, trace)?;
    if let Some(sweep) = draft
        .sweep()
        .filter(|entry| entry.node.value != Value::Null)
    {
        let message = format!(
            "a contest is one point, and `{}` is a sweep",
            path.display()
        );
        let issue = Issue::new(sweep.key_place.clone(), "sweep", message);
        let help = "race in the scenario as it stands with --set sweep=null, and at other points with further --set";
        return Err(draft.fail(vec![issue.hint(help)]));
    }
    let scenario = draft.finish()?;
    // Inheritance is resolved, so that each platform stands for itself.
    let source = Arc::new(Source {
        name: format!("{}.yaml", scenario.name),
        text: scenario.resolved.clone(),
    });
    let fail = |issues: Vec<Issue>| Issues::new(source.name.clone(), issues);
    let tree = document::parse(&source).map_err(fail)?;
    let kind = match scenario.plan.subject {
        Subject::Requests(_) => PLATFORMS,
        Subject::Batch(_) => CLUSTERS,
        Subject::Economies(_) => {
            let message = format!(
                "`{}` is about economies, in which nothing is scheduled",
                scenario.name
            );
            let help =
                "compare economies with `walras run`, or their parameters with `walras sweep`";
            let issue = Issue::new(Place::whole(&source), "economies", message).hint(help);
            return Err(fail(vec![issue]));
        }
    };
    let platforms = tree.get(kind.section).map_or(&[][..], Node::entries);
    let names = || platforms.iter().map(|platform| &*platform.key);
    for name in chosen {
        if names().all(|known| known != name) {
            let message = format!("`{}` has no {} `{name}`", scenario.name, kind.noun);
            let issue = Issue::new(Place::whole(&source), "", message);
            let issue = issue.hint(suggestion(name, kind.section, names()));
            return Err(fail(vec![issue]));
        }
    }
    let mut fields: Vec<(&Entry, Vec<&Entry>)> = Vec::new();
    for platform in platforms {
        if !chosen.is_empty() && !chosen.contains(&platform.key) {
            continue;
        }
        match fields
            .iter_mut()
            .find(|(first, _)| are_alike(first, platform))
        {
            Some((_, alike)) => alike.push(platform),
            None => fields.push((platform, Vec::new())),
        }
    }
    let own: Vec<Entrant>;
    let entrants = if entrants.is_empty() {
        own = schedulers(&fields);
        &own
    } else {
        entrants
    };
    if entrants.len() < 2 {
        let found = entrants.first().map_or("none", |entrant| &entrant.name);
        let message = format!("a contest needs two schedulers at least, found {found}");
        let issue = Issue::new(Place::whole(&source), "", message);
        let help = "name them with --policies, such as `random,power-of-choices{d: 2}`";
        return Err(fail(vec![issue.hint(help)]));
    }
    let (mut contests, mut issues) = (Vec::new(), Vec::new());
    let is_only = fields.len() == 1;
    for (platform, alike) in &fields {
        let (name, key) = (&scenario.name, &platform.key);
        let directory = if is_only {
            name.clone()
        } else {
            format!("{name}.{key}")
        };
        let question = if alike.is_empty() {
            format!("Which scheduler is best for {key} of {name}?")
        } else {
            format!("Which scheduler is best for {name}?")
        };
        let tree = contest(&tree, kind.section, platform, entrants, &question);
        let draft = Draft::of(&directory, &source, tree);
        match draft.clone().finish() {
            Ok(loaded) => contests.push(Contest {
                point: Point::of(directory, Vec::new(), &loaded),
                scenario: name.clone(),
                platform: key.clone(),
                alike: alike.iter().map(|other| other.key.clone()).collect(),
                draft,
            }),
            // A wrong scheduler is wrong on every platform.
            Err(found) => {
                for issue in found.list {
                    let is_known = |known: &Issue| {
                        known.message == issue.message && known.place == issue.place
                    };
                    if !issues.iter().any(is_known) {
                        issues.push(issue);
                    }
                }
            }
        }
    }
    if issues.is_empty() {
        Ok(contests)
    } else {
        Err(fail(issues))
    }
}

/// The scenario in which `platform` stands once for each of the entrants.
fn contest(
    tree: &Node,
    section: &str,
    platform: &Entry,
    entrants: &[Entrant],
    question: &str,
) -> Node {
    let mut tree = tree.clone();
    let Value::Map(keys) = &mut tree.value else {
        return tree;
    };
    keys.retain(|entry| entry.key != "baseline");
    for entry in keys {
        match entry.key.as_str() {
            "question" => entry.node.value = Value::Text(question.to_owned()),
            key if key == section => {
                let of = |entrant: &Entrant| {
                    let mut own = platform.clone();
                    own.key.clone_from(&entrant.name);
                    if let Value::Map(keys) = &mut own.node.value {
                        for entry in keys.iter_mut().filter(|entry| entry.key == "scheduler") {
                            entry.key_place = entrant.node.place.clone();
                            entry.node = entrant.node.clone();
                        }
                    }
                    own
                };
                entry.node.value = Value::Map(entrants.iter().map(of).collect());
            }
            _ => {}
        }
    }
    tree
}

/// Whether two platforms differ in their scheduler alone.
fn are_alike(a: &Entry, b: &Entry) -> bool {
    let rest = |platform: &Entry| {
        let mut keys = platform.node.entries().to_vec();
        keys.retain(|entry| !["scheduler", "description"].contains(&&*entry.key));
        serde_json::to_string(&Value::Map(keys).at(platform)).ok()
    };
    rest(a) == rest(b)
}

impl Value {
    /// The value as a node where `entry` is.
    fn at(self, entry: &Entry) -> Node {
        Node {
            place: entry.node.place.clone(),
            value: self,
            amends: false,
        }
    }
}

/// The schedulers of platforms, each once.
fn schedulers(fields: &[(&Entry, Vec<&Entry>)]) -> Vec<Entrant> {
    let mut all: Vec<Entrant> = Vec::new();
    let platforms = fields
        .iter()
        .flat_map(|(first, alike)| std::iter::once(first).chain(alike));
    for node in platforms.filter_map(|platform| platform.node.get("scheduler")) {
        let name = called(node);
        if all.iter().all(|other| other.name != name) {
            let node = node.clone();
            all.push(Entrant { name, node });
        }
    }
    all
}

/// What a scheduler is called: its name, with its parameters in braces; no name of a platform holds slashes.
fn called(node: &Node) -> String {
    written(node).replace(['/', '\\'], "_")
}

fn written(node: &Node) -> String {
    match (node.value.written(), node.entries()) {
        (Some(name), _) => name,
        (None, [entry]) if entry.node.entries().is_empty() => entry.key.clone(),
        (None, [entry]) => {
            let parameters = entry.node.entries().iter().map(|parameter| {
                let value = parameter.node.value.written();
                let value = value
                    .or_else(|| serde_json::to_string(&parameter.node).ok())
                    .unwrap_or_default();
                format!("{}: {value}", parameter.key)
            });
            let parameters: Vec<String> = parameters.collect();
            format!("{}{{{}}}", entry.key, parameters.join(", "))
        }
        (None, _) => serde_json::to_string(node).unwrap_or_default(),
    }
}

/// A scheduler as it is typed: `name`, or `name{parameter: value}`; with `mine=` before it, it is called `mine`.
fn entrant(text: &str) -> Result<Entrant, Vec<Issue>> {
    let source = Arc::new(Source {
        name: Source::POLICIES.to_owned(),
        text: text.to_owned(),
    });
    let whole = Place {
        source: Arc::clone(&source),
        line: 1,
        column: 1,
        width: text.chars().count().max(1),
    };
    let wrong =
        |message: &str| {
            let issue = Issue::new(whole.clone(), "", message);
            vec![issue.hint(
                "write names with commas between them, such as `random,power-of-choices{d: 3}`",
            )]
        };
    let before = text.split('{').next().unwrap_or_default();
    let (alias, asked) = match before.split_once('=') {
        Some((alias, _)) => (Some(alias.trim()), &text[alias.len() + 1..]),
        None => (None, text),
    };
    if asked.trim().is_empty() || alias.is_some_and(str::is_empty) {
        return Err(wrong("a scheduler has no name"));
    }
    let yaml = match asked.split_once('{') {
        Some((name, parameters)) if !name.trim().is_empty() => {
            format!("{{{}: {{{parameters}}}", name.trim())
        }
        _ => asked.trim().to_owned(),
    };
    let typed = Arc::new(Source {
        name: Source::POLICIES.to_owned(),
        text: format!("scheduler: {yaml}"),
    });
    let tree = document::parse(&typed)
        .map_err(|_| wrong(&format!("`{text}` is not a scheduler with parameters")))?;
    let mut node = tree
        .get("scheduler")
        .cloned()
        .ok_or_else(|| wrong(&format!("`{text}` is not a scheduler")))?;
    place_at(&mut node, &whole);
    Ok(Entrant {
        name: alias.map_or_else(|| called(&node), str::to_owned),
        node,
    })
}

/// Lets everything in `node` be found at `place`.
fn place_at(node: &mut Node, place: &Place) {
    node.place = place.clone();
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| place_at(item, place)),
        Value::Map(entries) => {
            for entry in entries {
                entry.key_place = place.clone();
                place_at(&mut entry.node, place);
            }
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Text(_) => {}
    }
}

/// `text` at its commas, but for those between braces, brackets or quotes.
fn split(text: &str) -> Vec<String> {
    let (mut pieces, mut depth, mut quote) = (vec![String::new()], 0, None);
    for letter in text.chars() {
        match (letter, quote) {
            (_, Some(open)) if letter == open => quote = None,
            ('"' | '\'', None) => quote = Some(letter),
            ('{' | '[', None) => depth += 1,
            ('}' | ']', None) => depth -= 1,
            (',', None) if depth == 0 => {
                pieces.push(String::new());
                continue;
            }
            _ => {}
        }
        pieces.last_mut().expect("there is one").push(letter);
    }
    pieces.iter().map(|piece| piece.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let all = entrants(text).unwrap_or_else(|issues| panic!("{issues}"));
        all.into_iter().map(|entrant| entrant.name).collect()
    }

    #[test]
    fn schedulers_are_read_with_their_parameters() {
        assert_eq!(
            names("random, power-of-choices{d: 3} ,{power-of-choices: {d: 2}}"),
            ["random", "power-of-choices{d: 3}", "power-of-choices{d: 2}"]
        );
        assert_eq!(names("a{b: 1,  c: [1, 2]}"), ["a{b: 1, c: [1,2]}"]);
        assert_eq!(
            names("external{command: \"x, y\"}, mine=external{command: bin/mine}"),
            ["external{command: x, y}", "mine"]
        );
        assert_eq!(names("external{command: a/b}"), ["external{command: a_b}"]);
    }

    #[test]
    fn what_is_no_scheduler_is_told() {
        for (text, message) in [
            ("random,", "has no name"),
            ("random,random", "is given twice"),
            ("power-of-choices{d: 3", "is not a scheduler"),
            ("", "has no name"),
        ] {
            let found = entrants(text).expect_err(text).to_string();
            assert!(found.contains(message), "{text}: {found}");
        }
    }
}
