//! YAML as a tree in which every key and value knows its place.

use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_yaml::budget::BudgetBreach;
use serde_yaml::options::DuplicateKeyPolicy;
use serde_yaml::{Error, Location, Spanned};

use crate::issue::{Issue, Place, Source};

/// A value and where it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where the value starts.
    pub place: Place,
    /// The value.
    pub value: Value,
    /// Whether an override made this map on its way to a value, so that it changes what is inherited where a map of the
    /// text replaces it; or removed the value that the text has here.
    pub amends: bool,
}

/// A YAML value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing; in a map it removes an inherited key.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number, from the least `i64` to the greatest `u64`.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys with values, in the order of the text.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key is written.
    pub key_place: Place,
    /// The value.
    pub node: Node,
}

impl Node {
    /// The entries of a map; none for anything else.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        if let Value::Map(entries) = &self.value {
            entries
        } else {
            &[]
        }
    }

    /// The entry of a map with this key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value of a map at this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The place of the value at `path`, or of the deepest part of the path that exists.
    #[must_use]
    pub fn place_of(&self, path: &[&str]) -> Place {
        let (mut node, mut place) = (self, &self.place);
        for key in path {
            let child = match &node.value {
                Value::List(items) => key
                    .parse()
                    .ok()
                    .and_then(|index: usize| items.get(index))
                    .map(|item| (item, &item.place)),
                _ => node.entry(key).map(|entry| {
                    let composite = matches!(
                        entry.node.value,
                        Value::List(_) | Value::Map(_) | Value::Null
                    );
                    (
                        &entry.node,
                        if composite {
                            &entry.key_place
                        } else {
                            &entry.node.place
                        },
                    )
                }),
            };
            let Some(child) = child else { break };
            (node, place) = child;
        }
        place.clone()
    }

    /// The entry of a map with this key, to change it.
    pub fn entry_mut(&mut self, key: &str) -> Option<&mut Entry> {
        let Value::Map(entries) = &mut self.value else {
            return None;
        };
        entries.iter_mut().find(|entry| entry.key == key)
    }

    /// Sets the value at a path of keys, each with its place, creating maps on the way that amend what they inherit.
    ///
    /// # Errors
    /// If a value that is not a map stands in the way.
    pub fn set(&mut self, keys: &[(String, Place)], node: Self) -> Result<(), Issue> {
        let Some(((key, place), rest)) = keys.split_first() else {
            let amends = node.value == Value::Null && self.value != Value::Null;
            *self = Self { amends, ..node };
            return Ok(());
        };
        if self.value == Value::Null {
            self.value = Value::Map(Vec::new());
        }
        if !matches!(self.value, Value::Map(_)) {
            let message = format!("there is no key `{key}` in {}", self.value);
            return Err(Issue::new(place.clone(), key.clone(), message));
        }
        if let Some(entry) = self.entry_mut(key) {
            return entry.node.set(rest, node);
        }
        let mut entry = Entry {
            key: key.clone(),
            key_place: place.clone(),
            node: Self {
                place: place.clone(),
                value: Value::Null,
                amends: false,
            },
        };
        let result = entry.node.set(rest, node);
        entry.node.amends = !rest.is_empty();
        if let Value::Map(entries) = &mut self.value {
            entries.push(entry);
        }
        result
    }

    /// Removes the keys without a value, at every depth.
    pub fn prune(&mut self) {
        match &mut self.value {
            Value::Map(entries) => {
                entries.retain(|entry| entry.node.value != Value::Null);
                for entry in entries {
                    entry.node.prune();
                }
            }
            Value::List(items) => items.iter_mut().for_each(Self::prune),
            _ => {}
        }
    }
}

/// Reads a YAML document.
///
/// # Errors
/// All duplicate keys, or the first place at which the text is not YAML.
pub fn parse(source: &Arc<Source>) -> Result<Node, Vec<Issue>> {
    let options = serde_yaml::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
    };
    match serde_yaml::from_str_with_options::<Spanned<Raw>>(&source.text, options) {
        Ok(raw) => {
            let mut issues = Vec::new();
            let lines = lengths(source);
            let node = locate(raw, source, &lines, "", &mut issues);
            if issues.is_empty() {
                Ok(node)
            } else {
                Err(issues)
            }
        }
        Err(error) => {
            let error = error.without_snippet();
            let place = error.location().map_or_else(
                || Place::whole(source),
                |location| within(place(location, source, &lengths(source))),
            );
            let (reason, hint) = reason(error);
            let place = if reason == TAB {
                tab_from(&place).unwrap_or(place)
            } else {
                place
            };
            let issue = Issue::new(place, "", format!("not valid YAML: {reason}"));
            Err(vec![match hint {
                Some(hint) => issue.hint(hint),
                None => issue,
            }])
        }
    }
}

/// The error of the parser in words for the author of the text, and what would work.
fn reason(error: &Error) -> (String, Option<&'static str>) {
    let (reason, hint) = match error {
        Error::AliasError { error, .. } => return reason(error),
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::Depth { .. } | BudgetBreach::InclusionDepth { .. } => {
                ("the text is nested too deeply", None)
            }
            BudgetBreach::Aliases { .. }
            | BudgetBreach::Anchors { .. }
            | BudgetBreach::AliasAnchorRatio { .. } => ("there are too many aliases", None),
            BudgetBreach::MergeKeys { .. } => ("there are too many merge keys", None),
            _ => (TOO_LONG, None),
        },
        Error::MultipleDocuments { .. } => (
            "there is a second document",
            Some("keep each scenario in a file of its own, without `---` between them"),
        ),
        Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => (TOO_LONG, None),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            ("an alias stands for a value that contains it", None)
        }
        Error::UnknownAnchor { .. } => ("there is no anchor with the name of this alias", None),
        Error::NonFiniteFloat { .. } => (
            "a number must be finite",
            Some("leave the key out for no limit"),
        ),
        Error::MergeKeyNotAllowed { .. } => (
            "merge keys are not supported",
            Some("let a platform inherit with `extends`"),
        ),
        Error::UnsupportedTag { .. }
        | Error::TaggedStructFieldName { .. }
        | Error::TaggedEnumMismatch { .. }
        | Error::TaggedScalarCannotDeserializeIntoString { .. }
        | Error::UnsupportedIncludeForm { .. }
        | Error::ResolverError { .. } => (
            "tags such as `!name` are not supported",
            Some("put a text with an exclamation mark in quotes"),
        ),
        Error::BinaryNotUtf8 { .. } | Error::InvalidBinaryBase64 { .. } => {
            ("binary values are not supported", None)
        }
        Error::InvalidBooleanStrict { .. } => ("expected `true` or `false`", None),
        Error::NullIntoString { .. } => ("a key is empty", Some("give the key a name")),
        Error::Eof { .. } => ("the text ends too early", None),
        Error::SerdeInvalidType { .. }
        | Error::Unexpected { .. }
        | Error::UnexpectedSequenceEnd { .. }
        | Error::UnexpectedMappingEnd { .. } => ("a key must be a text", None),
        other => return scanned(&other.to_string()),
    };
    (reason.to_owned(), hint)
}

/// The message of the scanner without its own account of the place.
fn scanned(text: &str) -> (String, Option<&'static str>) {
    let line = text.lines().next().unwrap_or_default();
    let line = line.split(" at line ").next().unwrap_or(line);
    let reason = line.trim_start_matches("error: ");
    let (reason, hint) = if reason.starts_with("mapping values are not allowed") {
        (reason, Some("put a text with a colon in it in quotes"))
    } else if reason.starts_with("tabs disallowed") || reason.contains("found a tab") {
        (TAB, Some("indent with spaces"))
    } else if reason.starts_with("recursion limit") {
        ("the text is nested too deeply", None)
    } else {
        (reason, None)
    };
    (reason.to_owned(), hint)
}

/// What is wrong with a text whose aliases, written out, make it too long.
const TOO_LONG: &str = "the text is too long, or its aliases stand for too much";

/// What is wrong with a line that starts with a tab.
const TAB: &str = "a tab in the indentation";

/// The first tab that indents a line, from `place` on: the scanner may stop at the end of the line before.
fn tab_from(place: &Place) -> Option<Place> {
    let lines = place.source.text.lines().enumerate();
    let mut tabs = lines
        .skip(place.line.saturating_sub(1))
        .filter_map(|(index, line)| {
            let indentation = &line[..line.len() - line.trim_start().len()];
            Some((index + 1, indentation.find('\t')? + 1))
        });
    let (line, column) = tabs.next()?;
    Some(Place {
        line,
        column,
        width: 1,
        source: Arc::clone(&place.source),
    })
}

/// A change of a document, given on the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// The keys that lead to the value.
    pub keys: Vec<(String, Place)>,
    /// The new value.
    pub value: Node,
}

/// Reads an override, given on the command line as `path=value`.
///
/// # Errors
/// If there is an empty key in its path, or its value is not YAML.
pub fn parse_override(path: &str, value: &str) -> Result<Override, Vec<Issue>> {
    let typed = Typed::new(Source::SET, path, value);
    let keys = parse_path(path, &typed.path_place()).map_err(|issue| {
        vec![issue.hint("write keys joined with dots, for example `run.replications=5`")]
    })?;
    if value.trim().is_empty() {
        let hint = format!("write a value, or `{path}=null` to remove the key");
        return Err(vec![typed.empty().hint(hint)]);
    }
    let value = typed.parse(value, 0)?;
    Ok(Override { keys, value })
}

/// Reads an axis of a sweep, given on the command line as `path=value,value`, as an entry of the key `sweep`.
///
/// # Errors
/// If there are no values, or they are not YAML.
pub fn parse_axis(path: &str, values: &str) -> Result<Entry, Vec<Issue>> {
    let typed = Typed::new(Source::AXIS, path, values);
    if values.trim().is_empty() {
        let hint = "write values with commas between them, for example `run.horizon=1 h,2 h`";
        return Err(vec![typed.empty().hint(hint)]);
    }
    let mut node = typed.parse(&format!("[{values}]"), 1)?;
    // `path=[1, 2]` means the same as `path=1,2`.
    if let Value::List(items) = &mut node.value
        && let [
            Node {
                value: Value::List(inner),
                ..
            },
        ] = items.as_mut_slice()
    {
        *items = std::mem::take(inner);
    }
    Ok(Entry {
        key: path.to_owned(),
        key_place: typed.path_place(),
        node,
    })
}

/// Keys joined with dots that are written at `place`, each with its own place.
///
/// # Errors
/// If one of them is empty.
pub fn parse_path(path: &str, place: &Place) -> Result<Vec<(String, Place)>, Issue> {
    let parts = split(path);
    if parts.iter().any(|key| key.trim_matches('"').is_empty()) {
        let message = format!("`{path}` is not a path of keys");
        return Err(Issue::new(place.clone(), path, message));
    }
    // Where the text is longer than the path, as with quotes around it, the keys share its place.
    let is_plain = place.width == path.chars().count();
    let mut column = place.column;
    let mut keys = Vec::with_capacity(parts.len());
    for key in parts {
        let width = key.chars().count();
        let own = Place {
            column,
            width,
            ..place.clone()
        };
        let place = if is_plain { own } else { place.clone() };
        keys.push((key.trim_matches('"').to_owned(), place));
        column += width + 1;
    }
    Ok(keys)
}

/// A path with what it is to be, typed on the command line as `path=text`.
struct Typed<'a> {
    source: Arc<Source>,
    path: &'a str,
}

impl<'a> Typed<'a> {
    fn new(option: &str, path: &'a str, text: &str) -> Self {
        let source = Arc::new(Source {
            name: option.to_owned(),
            text: format!("{path}={text}"),
        });
        Self { source, path }
    }

    fn at(&self, column: usize, width: usize) -> Place {
        Place {
            source: Arc::clone(&self.source),
            line: 1,
            column,
            width,
        }
    }

    fn path_place(&self) -> Place {
        self.at(1, self.path.chars().count().max(1))
    }

    fn empty(&self) -> Issue {
        let message = format!("the value of `{}` is empty", self.path);
        Issue::new(
            self.at(self.path.chars().count() + 2, 1),
            self.path,
            message,
        )
    }

    /// `text`, which begins with so many `added` characters that were not typed, as YAML with the places of what was typed.
    fn parse(&self, text: &str, added: usize) -> Result<Node, Vec<Issue>> {
        let before = self.path.chars().count() + 1;
        let shift = |place: &mut Place| {
            if place.line <= 1 {
                place.column = (place.column + before).saturating_sub(added);
            }
            place.line = 1;
            place.source = Arc::clone(&self.source);
        };
        let inner = Arc::new(Source {
            name: self.source.name.clone(),
            text: text.to_owned(),
        });
        match parse(&inner) {
            Ok(mut value) => {
                relocate(&mut value, &shift);
                Ok(value)
            }
            Err(mut issues) => {
                for issue in &mut issues {
                    shift(&mut issue.place);
                }
                Err(issues)
            }
        }
    }
}

/// The keys of a path: parts between dots, of which quoted ones may hold dots, as in `models."llama-3.1-8b".layers`.
fn split(path: &str) -> Vec<&str> {
    let (mut keys, mut start, mut quoted) = (Vec::new(), 0, false);
    for (index, letter) in path.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '.' if !quoted => {
                keys.push(&path[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    keys.push(&path[start..]);
    keys
}

fn relocate(node: &mut Node, shift: &impl Fn(&mut Place)) {
    shift(&mut node.place);
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| relocate(item, shift)),
        Value::Map(entries) => {
            for entry in entries {
                shift(&mut entry.key_place);
                relocate(&mut entry.node, shift);
            }
        }
        _ => {}
    }
}

/// What the parser yields.
enum Raw {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RawVisitor;

        impl<'de> Visitor<'de> for RawVisitor {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a YAML value")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Raw, E> {
                Ok(Raw::Bool(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Raw, E> {
                Ok(Raw::Integer(i128::from(value)))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Raw, E> {
                Ok(Raw::Integer(i128::from(value)))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Raw, E> {
                Ok(Raw::Float(value))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Raw, E> {
                Ok(Raw::Text(value.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = access.next_element()? {
                    items.push(item);
                }
                Ok(Raw::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = access.next_entry()? {
                    entries.push(entry);
                }
                Ok(Raw::Map(entries))
            }
        }

        deserializer.deserialize_any(RawVisitor)
    }
}

fn locate(
    raw: Spanned<Raw>,
    source: &Arc<Source>,
    lines: &[usize],
    path: &str,
    issues: &mut Vec<Issue>,
) -> Node {
    let place_here = place(raw.referenced, source, lines);
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Bool(value) => Value::Bool(value),
        Raw::Integer(value) => Value::Integer(value),
        Raw::Float(value) => Value::Float(value),
        Raw::Text(value) => Value::Text(value),
        Raw::List(items) => {
            let item = |(index, item)| {
                locate(
                    item,
                    source,
                    lines,
                    &join(path, &format!("{index}")),
                    issues,
                )
            };
            Value::List(items.into_iter().enumerate().map(item).collect())
        }
        Raw::Map(raw) => {
            let mut entries: Vec<Entry> = Vec::with_capacity(raw.len());
            for (key, value) in raw {
                let key_place = place(key.referenced, source, lines);
                let path = join(path, &key.value);
                let node = locate(value, source, lines, &path, issues);
                if let Some(first) = entries.iter().find(|entry| entry.key == key.value) {
                    let message = format!("duplicate key `{}`", key.value);
                    let hint = format!("it is first given on line {}", first.key_place.line);
                    issues.push(Issue::new(key_place, path, message).hint(hint));
                } else {
                    entries.push(Entry {
                        key: key.value,
                        key_place,
                        node,
                    });
                }
            }
            Value::Map(entries)
        }
    };
    Node {
        place: place_here,
        value,
        amends: false,
    }
}

/// `path.key`.
#[must_use]
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// Characters of each line: a long document has as many places as values.
fn lengths(source: &Source) -> Vec<usize> {
    let lines = source.text.lines();
    lines.map(|line| line.chars().count()).collect()
}

#[allow(clippy::cast_possible_truncation)]
fn place(location: Location, source: &Arc<Source>, lines: &[usize]) -> Place {
    let (line, column) = (location.line() as usize, location.column() as usize);
    // A column behind the end of the text can only be shown at its last line.
    let line = line.min(lines.len());
    // YAML ends a line at a lone carriage return, too; what lies behind is shown at the end of ours.
    let end = lines
        .get(line.saturating_sub(1))
        .map_or(0, |length| *length)
        + 1;
    Place {
        source: Arc::clone(source),
        line,
        column: column.min(end),
        width: (location.span().len() as usize).max(1),
    }
}

/// `place`, or the end of its line where it lies behind it, as the scanner may say of a text that ends too early.
fn within(place: Place) -> Place {
    let line = place
        .source
        .text
        .split('\n')
        .nth(place.line.saturating_sub(1));
    let end = line.map_or(0, |line| line.chars().count()) + 1;
    Place {
        column: place.column.min(end),
        ..place
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => match (u64::try_from(*value), i64::try_from(*value)) {
                (Ok(value), _) => serializer.serialize_u64(value),
                (_, Ok(value)) => serializer.serialize_i64(value),
                _ => serializer.serialize_i128(*value),
            },
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(value) => serializer.serialize_str(value),
            Value::List(items) => serializer.collect_seq(items),
            Value::Map(entries) => {
                serializer.collect_map(entries.iter().map(|entry| (&entry.key, &entry.node)))
            }
        }
    }
}

impl Value {
    /// A scalar as a user would write it.
    #[must_use]
    pub fn written(&self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Integer(value) => Some(value.to_string()),
            Self::Float(value) => Some(value.to_string()),
            Self::Text(value) => Some(value.clone()),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }
}

/// Characters of a text that a message shows.
const LONGEST_TEXT: usize = 60;

impl fmt::Display for Value {
    /// The value as an error message shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("nothing"),
            Self::Bool(value) => write!(f, "`{value}`"),
            Self::Integer(value) => write!(f, "the number {value}"),
            // With its point or exponent: a whole number is not meant by `5.0`.
            Self::Float(value) => write!(f, "the number {value:?}"),
            Self::Text(value) if value.chars().count() > LONGEST_TEXT => {
                let start: String = value.chars().take(LONGEST_TEXT).collect();
                write!(f, "the text `{start}…`")
            }
            Self::Text(value) => write!(f, "the text `{value}`"),
            Self::List(_) => f.write_str("a list"),
            Self::Map(_) => f.write_str("a map"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source {
            name: "a.yaml".into(),
            text: text.into(),
        })
    }

    fn at(place: &Place) -> (usize, usize, usize) {
        (place.line, place.column, place.width)
    }

    #[test]
    fn keys_and_values_know_their_places() {
        let node = parse(&source("run:\n  horizon: 24 h\n  list: [1, 2.5, true]\n")).unwrap();
        assert_eq!(at(&node.place_of(&["run"])), (1, 1, 3));
        assert_eq!(at(&node.place_of(&["run", "horizon"])), (2, 12, 4));
        assert_eq!(at(&node.place_of(&["run", "list", "1"])), (3, 13, 3));
        assert_eq!(
            at(&node.place_of(&["run", "seed"])),
            (1, 1, 3),
            "a missing key is shown at its parent"
        );
        assert_eq!(
            node.get("run").unwrap().get("horizon").unwrap().value,
            Value::Text("24 h".into())
        );
    }

    #[test]
    fn every_duplicate_key_is_reported() {
        let issues = parse(&source("a: 1\nb: {c: 1, c: 2}\na: 2\n")).unwrap_err();
        let found: Vec<_> = issues
            .iter()
            .map(|issue| (issue.message.as_str(), at(&issue.place)))
            .collect();
        assert_eq!(
            found,
            [
                ("duplicate key `c`", (2, 11, 1)),
                ("duplicate key `a`", (3, 1, 1))
            ]
        );
    }

    #[test]
    fn an_override_is_placed_behind_its_path() {
        let mut node = parse(&source("run: {seed: 1}\n")).unwrap();
        let mut set = |path: &str, value: &str| {
            let change = parse_override(path, value).unwrap();
            node.set(&change.keys, change.value)
                .map_err(|issue| (issue.message, issue.place.column))
        };
        set("run.seed", "7").unwrap();
        set("workload.rate_factor", "2").unwrap();
        set("models.\"llama-3.1-8b\".layers", "16").unwrap();
        assert_eq!(
            set("run.seed.x", "1"),
            Err(("there is no key `x` in the number 7".into(), 10))
        );
        assert_eq!(
            node.get("run").unwrap().get("seed").unwrap().value,
            Value::Integer(7)
        );
        assert_eq!(at(&node.place_of(&["run", "seed"])), (1, 10, 1));
        assert_eq!(at(&node.place_of(&["workload", "rate_factor"])), (1, 22, 1));
        assert_eq!(at(&node.place_of(&["workload"])), (1, 1, 8));
        assert!(node.get("models").unwrap().get("llama-3.1-8b").is_some());
        assert!(parse_override("run..seed", "1").is_err());
    }

    #[test]
    fn null_removes_a_key() {
        let mut node = parse(&source("a: null\nb: {c: ~, d: 1}\n")).unwrap();
        node.prune();
        assert!(node.get("a").is_none() && node.get("b").unwrap().get("c").is_none());
        assert!(node.get("b").unwrap().get("d").is_some());
    }
}
