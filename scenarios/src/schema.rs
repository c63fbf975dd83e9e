//! The JSON Schema of what a user may write, and the check of a document against it.
//!
//! The schema is derived from the types in [`crate::spec`]. The check knows exactly what such schemas contain, and
//! reports every problem of a document at once, each with its place and what would work.

use std::fmt::Write as _;
use std::sync::OnceLock;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value as Json, json};

use crate::document::{Entry, Node, Value, join};
use crate::issue::{Issue, Place, closest, listing, suggestion};
use crate::registry;
use crate::spec::quantity::Quantity;
use crate::spec::scenario::ScenarioSpec;

/// A schema with its definitions.
#[derive(Clone, Debug)]
pub struct Schema {
    root: Json,
}

/// The schema for editors: of a scenario as it is written, before platforms inherit what they do not say.
#[must_use]
pub fn schema() -> Json {
    Schema::written().root.clone()
}

/// Definitions of which every key may be inherited, or removed with `null`.
const INHERITING: [&str; 32] = [
    "PlatformSpec",
    "PlatformVerificationSpec",
    "ClusterSpec",
    "NodesSpec",
    "FleetSpec",
    "BaseFeeSpec",
    "SettlementSpec",
    "RetrySpec",
    "AutoscaleSpec",
    "EconomySpec",
    "ProviderNetworkSpec",
    "OwnersSpec",
    "HardwareSpec",
    "ElectricitySpec",
    "DixitSpec",
    "MakerSpec",
    "MembershipSpec",
    "MovingSpec",
    "QualitySpec",
    "SellerSpec",
    "FollowsSpec",
    "TokenSpec",
    "AllotmentSpec",
    "VerificationSpec",
    "CreatorsSpec",
    "ValidatorsSpec",
    "CollusionSpec",
    "DealsSpec",
    "PledgeSpec",
    "FaultsSpec",
    "StakingSpec",
    "ShockSpec",
];

/// Sections whose entries may change only some keys of an entry of the catalog.
const AMENDING: [&str; 3] = ["DeviceSpec", "ModelSpec", "AvailabilitySpec"];

impl Schema {
    /// The schema of one type.
    #[must_use]
    pub fn of<T: JsonSchema>() -> Self {
        let generator = SchemaSettings::draft2020_12().into_generator();
        Self {
            root: generator.into_root_schema_for::<T>().into(),
        }
    }

    /// The schema of a scenario, with the names of the schedulers that are registered.
    fn of_scenarios() -> Self {
        let mut schema = Self::of::<ScenarioSpec>();
        let schedulers = [("SchedulerSpec", false), ("ClusterSchedulerSpec", true)];
        for (definition, of_clusters) in schedulers {
            let options = schema.root["$defs"][definition]["oneOf"].as_array_mut();
            let options = options.expect("schedulers are alternatives");
            for name in registry::names(of_clusters) {
                let text = "A scheduler that this binary was built with.";
                options.push(json!({ "description": text, "type": "string", "const": name }));
                options.push(json!({
                    "description": text,
                    "type": "object",
                    "properties": { name: { "type": "object", "x-anything": true } },
                    "required": [name],
                    "additionalProperties": false,
                }));
            }
        }
        schema
    }

    /// A scenario in which platforms have inherited what they do not say.
    #[must_use]
    pub fn resolved() -> &'static Self {
        static SCHEMA: OnceLock<Schema> = OnceLock::new();
        SCHEMA.get_or_init(Self::of_scenarios)
    }

    /// A scenario as it is written.
    ///
    /// # Panics
    /// If schedulers are no alternatives: a mistake of ours.
    #[must_use]
    pub fn written() -> &'static Self {
        static SCHEMA: OnceLock<Schema> = OnceLock::new();
        SCHEMA.get_or_init(|| {
            let mut schema = Self::of_scenarios();
            for definition in ["SchedulerSpec", "ClusterSchedulerSpec"] {
                let names = schema.bare_names(definition);
                let options = schema.root["$defs"][definition]["oneOf"].as_array_mut();
                let options = options.expect("schedulers are alternatives");
                options.extend(names);
            }
            for name in INHERITING.iter().chain(&AMENDING) {
                make_optional(&mut schema.root["$defs"][name]);
            }
            let definitions = schema.root["$defs"].as_object_mut();
            definitions
                .into_iter()
                .flat_map(Map::values_mut)
                .for_each(describe_tags);
            schema
        })
    }

    /// Alternatives whose parameters all have defaults, as the names that may stand for them.
    fn bare_names(&self, definition: &str) -> Vec<Json> {
        let options = self.root["$defs"][definition]["oneOf"].as_array();
        let bare = |option: &Json| {
            let (name, parameters) = option.get("properties")?.as_object()?.iter().next()?;
            let is_bare = self.follow(object(parameters)).get("required").is_none();
            let description = option.get("description").cloned().unwrap_or_default();
            is_bare.then(|| json!({ "description": description, "type": "string", "const": name }))
        };
        options.into_iter().flatten().filter_map(bare).collect()
    }

    /// All problems of `node`.
    #[must_use]
    pub fn check(&self, node: &Node) -> Vec<Issue> {
        let mut check = Check {
            schema: self,
            issues: Vec::new(),
        };
        check.node(
            node,
            object(&self.root),
            &Path {
                text: String::new(),
                key: None,
            },
        );
        check.issues
    }

    /// Writes a choice out that is given by its name alone: the parameters of `node` all have defaults.
    pub fn write_out(&self, definition: &str, node: &mut Node) {
        let Value::Text(text) = &node.value else {
            return;
        };
        let branches = self.branches(object(&self.root["$defs"][definition]));
        let alternatives = Alternatives::of(&branches);
        let named = (alternatives.tagged.iter()).find(|(tag, _)| tag == text);
        if let Some((tag, parameters)) = named
            && self.follow(parameters).get("required").is_none()
        {
            let empty = Node {
                value: Value::Map(Vec::new()),
                ..node.clone()
            };
            let entry = Entry {
                key: (*tag).to_owned(),
                key_place: node.place.clone(),
                node: empty,
            };
            node.value = Value::Map(vec![entry]);
        }
    }

    /// Problems of one entry of a section, as if it were written at `path`.
    #[must_use]
    pub fn check_entry(&self, definition: &str, entry: &Entry, path: &str) -> Vec<Issue> {
        let mut check = Check {
            schema: self,
            issues: Vec::new(),
        };
        let path = Path {
            text: path.to_owned(),
            key: Some((&entry.key, &entry.key_place)),
        };
        check.node(&entry.node, object(&self.root["$defs"][definition]), &path);
        check.issues
    }

    /// `base` with the keys of `over`: maps of keys are merged, everything else replaces, and null removes. A map that an
    /// override made is merged wherever its keys can stand beside those of `base`.
    #[must_use]
    pub fn merge(&self, definition: &str, base: &Node, over: &Node) -> Node {
        self.merge_at(object(&self.root["$defs"][definition]), base, over)
    }

    fn merge_at(&self, schema: &Map<String, Json>, base: &Node, over: &Node) -> Node {
        let branches = self.branches(schema);
        let (Value::Map(old), Value::Map(new)) = (&base.value, &over.value) else {
            return over.clone();
        };
        let alternatives = Alternatives::of(&branches);
        let replaces = match branches.as_slice() {
            [one] => one.contains_key("x-inherited"),
            _ => true,
        };
        // Of the alternatives, there can be one only: an override of another one replaces it.
        let other = |entry: &Entry| {
            alternatives.tags().any(|tag| tag == entry.key) && base.get(&entry.key).is_none()
        };
        if replaces && !over.amends || new.iter().any(other) {
            return over.clone();
        }
        let inner = |key: &str| {
            let tagged = alternatives.tagged.iter().find(|(tag, _)| *tag == key);
            let named = || alternatives.map.and_then(|map| child(map, key));
            tagged.map(|(_, schema)| *schema).or_else(named)
        };
        let mut entries = old.clone();
        for entry in new {
            let Some(index) = entries.iter().position(|old| old.key == entry.key) else {
                entries.push(entry.clone());
                continue;
            };
            if entry.node.value == Value::Null {
                entries.remove(index);
                continue;
            }
            let merged = match inner(&entry.key) {
                Some(schema) => self.merge_at(schema, &entries[index].node, &entry.node),
                None => entry.node.clone(),
            };
            entries[index] = Entry {
                node: merged,
                ..entry.clone()
            };
        }
        Node {
            place: over.place.clone(),
            value: Value::Map(entries),
            amends: false,
        }
    }

    /// The schema with its reference followed.
    fn follow<'s>(&'s self, schema: &'s Map<String, Json>) -> &'s Map<String, Json> {
        let Some(reference) = schema.get("$ref").and_then(Json::as_str) else {
            return schema;
        };
        let name = reference.trim_start_matches("#/$defs/");
        self.follow(object(&self.root["$defs"][name]))
    }

    /// The alternatives that a value may be, without `null`, which stands for an absent key.
    fn branches<'s>(&'s self, schema: &'s Map<String, Json>) -> Vec<&'s Map<String, Json>> {
        if schema.contains_key("x-inherited") {
            return vec![schema];
        }
        let schema = self.follow(schema);
        match schema
            .get("oneOf")
            .or_else(|| schema.get("anyOf"))
            .and_then(Json::as_array)
        {
            Some(options) => options
                .iter()
                .flat_map(|option| self.branches(object(option)))
                .collect(),
            None if schema.get("type").and_then(Json::as_str) == Some("null") => Vec::new(),
            None => vec![schema],
        }
    }
}

fn object(schema: &Json) -> &Map<String, Json> {
    schema
        .as_object()
        .unwrap_or_else(|| panic!("a derived schema is an object, not {schema}"))
}

/// Lets every key of `definition` be absent or null, and so every entry of a map in it.
fn make_optional(definition: &mut Json) {
    let definition = definition
        .as_object_mut()
        .expect("what may inherit is defined");
    definition.shift_remove("required");
    let keys = definition
        .get_mut("properties")
        .and_then(Json::as_object_mut);
    for key in keys.into_iter().flat_map(Map::values_mut) {
        allow_null(key);
        key.get_mut("additionalProperties").map(allow_null);
    }
}

/// Repeats the description of an alternative at its only key, where editors look for it.
fn describe_tags(definition: &mut Json) {
    let options = definition.get_mut("oneOf").and_then(Json::as_array_mut);
    for option in options.into_iter().flatten() {
        let text = option.get("description").cloned();
        let keys = option.get_mut("properties").and_then(Json::as_object_mut);
        let keys = keys.into_iter().flat_map(Map::values_mut);
        for (key, text) in keys.filter_map(Json::as_object_mut).zip(text) {
            key.entry("description").or_insert(text);
        }
    }
}

/// Lets `schema` be null as well.
fn allow_null(schema: &mut Json) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    if let Some(reference) = schema.shift_remove("$ref") {
        let either = json!([{ "$ref": reference }, { "type": "null" }]);
        schema.insert("anyOf".to_owned(), either);
    } else if let Some(Json::String(kind)) = schema.get("type") {
        let either = json!([kind, "null"]);
        schema.insert("type".to_owned(), either);
    }
}

/// Whether null is a value, not the lack of one.
fn takes_null(schema: &Map<String, Json>) -> bool {
    let options = schema.get("anyOf").and_then(Json::as_array);
    let mut options = options.into_iter().flatten().filter_map(Json::as_object);
    types(schema).any(|kind| kind == "null")
        || options.any(|option| types(option).any(|kind| kind == "null"))
}

/// The schema of a key.
fn child<'s>(schema: &'s Map<String, Json>, key: &str) -> Option<&'s Map<String, Json>> {
    let named = schema
        .get("properties")
        .and_then(|properties| properties.get(key));
    named
        .or_else(|| schema.get("additionalProperties"))
        .and_then(Json::as_object)
}

/// Where the check is.
struct Path<'n> {
    text: String,
    /// The last key and its place, if there is one.
    key: Option<(&'n str, &'n Place)>,
}

/// The texts of a list.
fn strings(list: &Json) -> impl Iterator<Item = &str> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(Json::as_str)
}

struct Check<'s> {
    schema: &'s Schema,
    issues: Vec<Issue>,
}

impl Check<'_> {
    fn report(&mut self, place: &Place, path: &str, message: String, hint: Option<String>) {
        self.issues.push(Issue {
            place: place.clone(),
            path: path.to_owned(),
            message,
            hint,
        });
    }

    fn node(&mut self, node: &Node, schema: &Map<String, Json>, path: &Path<'_>) {
        if schema.contains_key("x-anything") {
            return;
        }
        let branches = self.schema.branches(schema);
        let alternatives = Alternatives::of(&branches);
        match &node.value {
            Value::Map(entries) if alternatives.takes_maps() => {
                self.map(node, entries, &alternatives, path);
            }
            Value::List(items) if alternatives.list.is_some() => {
                self.list(node, items, alternatives.list.unwrap_or(schema), path);
            }
            Value::Text(text)
                if !alternatives.words.is_empty() && alternatives.scalars.is_empty() =>
            {
                if !alternatives.words.contains(&text.as_str()) {
                    self.unknown_word(node, text, &alternatives, path);
                }
            }
            Value::Text(text) if alternatives.words.contains(&text.as_str()) => {}
            _ => self.scalar(node, &alternatives, path),
        }
    }

    fn unknown_word(
        &mut self,
        node: &Node,
        text: &str,
        alternatives: &Alternatives<'_>,
        path: &Path<'_>,
    ) {
        let kind = path.key.map_or("value", |(key, _)| key);
        if let Some((tag, schema)) = alternatives.tagged.iter().find(|(tag, _)| *tag == text) {
            let message = format!("`{tag}` needs parameters");
            let hint = Some(example(tag, schema));
            return self.report(&node.place, &path.text, message, hint);
        }
        let only_tagged = |tag: &&str| !alternatives.words.contains(tag);
        let names: Vec<&str> = alternatives
            .words
            .iter()
            .copied()
            .chain(alternatives.tags().filter(only_tagged))
            .collect();
        let hint = match (
            closest(text, names.iter().copied()),
            self.example_entry(text, alternatives),
        ) {
            (None, Some(example)) => format!("{example}, or one of {}", listing(names)),
            _ => suggestion(text, "names", names),
        };
        self.report(
            &node.place,
            &path.text,
            format!("unknown {kind} `{text}`"),
            Some(hint),
        );
    }

    fn map(
        &mut self,
        node: &Node,
        entries: &[Entry],
        alternatives: &Alternatives<'_>,
        path: &Path<'_>,
    ) {
        let chosen = |tag: &str| entries.iter().any(|entry| entry.key == tag);
        if let Some(schema) = alternatives.map
            && !alternatives.tags().any(chosen)
        {
            return self.keys(node, entries, schema, path);
        }
        let [entry] = entries else {
            let place = path.key.map_or(&node.place, |(_, place)| place);
            let tags = listing(alternatives.tags());
            let found = match entries {
                [] => "none".to_owned(),
                entries => listing(entries.iter().map(|entry| entry.key.as_str())),
            };
            let message = format!("expected exactly one of {tags}, found {found}");
            return self.report(place, &path.text, message, None);
        };
        let tagged = alternatives
            .tagged
            .iter()
            .find(|(tag, _)| *tag == entry.key);
        if let Some((_, schema)) = tagged {
            let path = Path {
                text: join(&path.text, &entry.key),
                key: Some((&entry.key, &entry.key_place)),
            };
            self.node(&entry.node, schema, &path);
        } else if alternatives.words.contains(&entry.key.as_str()) {
            let message = format!("`{}` takes no parameters", entry.key);
            let hint = format!("write `{}`", entry.key);
            self.report(&entry.key_place, &path.text, message, Some(hint));
        } else {
            let kind = path.key.map_or("value", |(key, _)| key);
            let hint = suggestion(&entry.key, "names", alternatives.tags());
            let message = format!("unknown {kind} `{}`", entry.key);
            self.report(&entry.key_place, &path.text, message, Some(hint));
        }
    }

    fn keys(
        &mut self,
        node: &Node,
        entries: &[Entry],
        schema: &Map<String, Json>,
        path: &Path<'_>,
    ) {
        let empty = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Json::as_object)
            .unwrap_or(&empty);
        let is_absent = |key: &str| node.get(key).is_none_or(|node| node.value == Value::Null);
        let mut meant = Vec::new();
        for entry in entries {
            let path = Path {
                text: join(&path.text, &entry.key),
                key: Some((&entry.key, &entry.key_place)),
            };
            match child(schema, &entry.key) {
                Some(inner) if entry.node.value != Value::Null => {
                    let before = self.issues.len();
                    self.node(&entry.node, inner, &path);
                    let known = entries.iter().filter(|other| !other.node.amends);
                    if entry.node.amends && !properties.contains_key(&entry.key) {
                        let known = known.map(|other| other.key.as_str());
                        self.nothing_to_amend(before, entry, &path, known);
                    }
                }
                Some(inner) => {
                    let optional = properties.contains_key(&entry.key) || takes_null(inner);
                    if !optional && !entry.node.amends {
                        let hint = Some("give it a value, or remove it".to_owned());
                        let message = format!("`{}` is empty", entry.key);
                        self.report(&entry.key_place, &path.text, message, hint);
                    }
                }
                None => {
                    let absent = properties
                        .keys()
                        .map(String::as_str)
                        .filter(|key| node.get(key).is_none());
                    // A key that is there already can only be meant by an override.
                    let all = properties.keys().map(String::as_str);
                    let hint =
                        match closest(&entry.key, absent).or_else(|| closest(&entry.key, all)) {
                            Some(key) => {
                                meant.push(key);
                                format!("did you mean `{key}`?")
                            }
                            None => format!(
                                "known keys: {}",
                                listing(properties.keys().map(String::as_str))
                            ),
                        };
                    self.report(
                        &entry.key_place,
                        &path.text,
                        format!("unknown key `{}`", entry.key),
                        Some(hint),
                    );
                }
            }
        }
        let required = schema.get("required").into_iter().flat_map(strings);
        // Of several sets of keys, the last that was begun counts (economies may have a workload besides), and the first if none was.
        let sets = schema.get("x-either").and_then(Json::as_array);
        let is_begun = |set: &&Json| strings(set).any(|key| node.get(key).is_some());
        let either = sets.and_then(|sets| sets.iter().rfind(is_begun).or(sets.first()));
        // A misspelt key is one problem, not two.
        let missing: Vec<&str> = required
            .chain(either.into_iter().flat_map(strings))
            .filter(|key| is_absent(key) && !meant.contains(key))
            .collect();
        let place = path.key.map_or(&node.place, |(_, place)| place);
        let owner = path
            .key
            .map_or(String::new(), |(parent, _)| format!(" in `{parent}`"));
        match missing.as_slice() {
            [] => {}
            [key] => {
                let hint = properties
                    .get(*key)
                    .and_then(|schema| self.describe(schema))
                    .map(|text| format!("`{key}`: {text}"));
                self.report(
                    place,
                    &join(&path.text, key),
                    format!("missing key `{key}`{owner}"),
                    hint,
                );
            }
            keys => self.report(
                place,
                &join(&path.text, keys[0]),
                format!("missing keys {}{owner}", listing(keys.iter().copied())),
                None,
            ),
        }
    }

    /// Replaces the problem that keys are missing in an entry that an override made: its name is wrong, as nothing is
    /// inherited under it.
    fn nothing_to_amend<'n>(
        &mut self,
        before: usize,
        entry: &Entry,
        path: &Path<'_>,
        known: impl Iterator<Item = &'n str> + Clone,
    ) {
        let missing = |issue: &Issue| issue.message.starts_with("missing key");
        if !self.issues[before..].iter().any(missing) {
            return;
        }
        self.issues.truncate(before);
        let section = path.text.rsplit('.').nth(1).unwrap_or_default();
        let message = format!("there is no `{}` in `{section}` to change", entry.key);
        let hint = match closest(&entry.key, known.clone()) {
            Some(name) => format!("did you mean `{name}`?"),
            None if known.clone().next().is_some() => format!("known names: {}", listing(known)),
            None => "give the whole entry as one value".to_owned(),
        };
        self.report(&entry.key_place, &path.text, message, Some(hint));
    }

    /// How `key` would be written where a map with a key for each name is expected.
    fn example_entry(&self, key: &str, alternatives: &Alternatives<'_>) -> Option<String> {
        let inner = alternatives.map?.get("additionalProperties")?.as_object()?;
        Some(example(key, self.schema.branches(inner).first()?))
    }

    /// The first sentence of the description of a key.
    fn describe(&self, schema: &Json) -> Option<String> {
        let own = schema.get("description").and_then(Json::as_str);
        let text = own.or_else(|| {
            self.schema
                .follow(schema.as_object()?)
                .get("description")?
                .as_str()
        })?;
        let sentence = text.split(['.', ';', '\n']).next().unwrap_or(text).trim();
        let mut letters = sentence.chars();
        let first = letters.next()?;
        let acronym = letters.clone().next().is_some_and(char::is_uppercase);
        Some(if acronym {
            sentence.to_owned()
        } else {
            first.to_lowercase().collect::<String>() + letters.as_str()
        })
    }

    fn list(&mut self, node: &Node, items: &[Node], schema: &Map<String, Json>, path: &Path<'_>) {
        let prefix = schema.get("prefixItems").and_then(Json::as_array);
        if let Some(prefix) = prefix
            && prefix.len() != items.len()
        {
            let message = format!(
                "expected a list of {}, found one of {}",
                prefix.len(),
                items.len()
            );
            return self.report(&node.place, &path.text, message, None);
        }
        for (index, item) in items.iter().enumerate() {
            let inner = prefix
                .and_then(|prefix| prefix.get(index))
                .or_else(|| schema.get("items"));
            if let Some(inner) = inner.and_then(Json::as_object) {
                self.node(
                    item,
                    inner,
                    &Path {
                        text: join(&path.text, &index.to_string()),
                        key: path.key,
                    },
                );
            }
        }
    }

    fn scalar(&mut self, node: &Node, alternatives: &Alternatives<'_>, path: &Path<'_>) {
        if let Some((quantity, _)) = alternatives.quantity() {
            if let Err(mistake) = quantity.read(&node.value) {
                let or = alternatives
                    .words
                    .iter()
                    .map(|word| format!(", or `{word}`"));
                let hint = mistake.hint.map(|hint| hint + &or.collect::<String>());
                self.report(&node.place, &path.text, mistake.message, hint);
            }
            return;
        }
        let number = match node.value {
            #[allow(clippy::cast_precision_loss)]
            Value::Integer(number) => Some(number as f64),
            Value::Float(number) => Some(number),
            _ => None,
        };
        let fits =
            |schema: &&&Map<String, Json>| types(schema).any(|kind| accepts(kind, &node.value));
        match (alternatives.scalars.iter().find(fits), number) {
            (Some(schema), Some(number)) => {
                if let Some(bound) = out_of_range(schema, number) {
                    let key = path.key.map_or("the number", |(key, _)| key);
                    self.report(
                        &node.place,
                        &path.text,
                        format!(
                            "`{key}` must be {bound}, found {}",
                            node.value.written().unwrap_or_default()
                        ),
                        None,
                    );
                }
            }
            (Some(_), None) => {}
            (None, Some(number)) if number.abs() >= WHOLE && alternatives.takes_whole_numbers() => {
                let key = path.key.map_or("the number", |(key, _)| key);
                let bound = alternatives
                    .scalars
                    .iter()
                    .find_map(|schema| out_of_range(schema, number))
                    .unwrap_or_else(|| format!("at most {}", u64::MAX));
                self.report(
                    &node.place,
                    &path.text,
                    format!("`{key}` must be {bound}"),
                    None,
                );
            }
            (None, _) => {
                let hint = node.value.written().and_then(|shown| {
                    if alternatives.takes_text() {
                        Some(format!("put it in quotes: \"{shown}\""))
                    } else if alternatives.tags().any(|tag| tag == "constant") {
                        Some(format!("write `{{constant: {shown}}}`"))
                    } else {
                        self.example_entry(&shown, alternatives)
                    }
                });
                let message = format!(
                    "expected {}, found {}",
                    alternatives.expectation(),
                    node.value
                );
                self.report(&node.place, &path.text, message, hint);
            }
        }
    }
}

/// From here on, a number without a point is not read as a whole one: 2⁶³.
const WHOLE: f64 = 9_223_372_036_854_775_808.0;

/// What a value may be.
struct Alternatives<'s> {
    /// Fixed texts.
    words: Vec<&'s str>,
    /// Maps with a single key that says which kind of value they hold.
    tagged: Vec<(&'s str, &'s Map<String, Json>)>,
    /// A map of keys.
    map: Option<&'s Map<String, Json>>,
    /// A list.
    list: Option<&'s Map<String, Json>>,
    /// Texts, numbers and truth values.
    scalars: Vec<&'s Map<String, Json>>,
}

impl<'s> Alternatives<'s> {
    fn of(branches: &[&'s Map<String, Json>]) -> Self {
        let mut all = Self {
            words: Vec::new(),
            tagged: Vec::new(),
            map: None,
            list: None,
            scalars: Vec::new(),
        };
        for branch in branches {
            if let Some(word) = branch.get("const").and_then(Json::as_str) {
                all.words.push(word);
            } else if let Some(words) = branch.get("enum").and_then(Json::as_array) {
                all.words.extend(words.iter().filter_map(Json::as_str));
            } else if types(branch).any(|kind| kind == "object") {
                match tag(branch) {
                    // A map of a single required key is a choice only where there is something to choose from.
                    Some(tagged) if branches.len() > 1 => all.tagged.push(tagged),
                    _ => all.map = Some(branch),
                }
            } else if types(branch).any(|kind| kind == "array") {
                all.list = Some(branch);
            } else {
                all.scalars.push(branch);
            }
        }
        all
    }

    fn tags(&self) -> impl Iterator<Item = &'s str> + Clone + use<'s, '_> {
        self.tagged.iter().map(|(tag, _)| *tag)
    }

    fn takes_maps(&self) -> bool {
        self.map.is_some() || !self.tagged.is_empty()
    }

    fn takes_text(&self) -> bool {
        self.scalars
            .iter()
            .any(|schema| types(schema).any(|kind| kind == "string"))
    }

    fn takes_whole_numbers(&self) -> bool {
        self.scalars
            .iter()
            .any(|schema| types(schema).any(|kind| kind == "integer"))
    }

    fn quantity(&self) -> Option<(Quantity, &'s Map<String, Json>)> {
        let schema = self.scalars.first()?;
        Some((
            Quantity::of_format(schema.get("format")?.as_str()?)?,
            schema,
        ))
    }

    fn expectation(&self) -> String {
        let mut kinds: Vec<String> = Vec::new();
        let mut add = |kind: String| {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        };
        if !self.words.is_empty() {
            let words: Vec<String> = self.words.iter().map(|word| format!("`{word}`")).collect();
            add(words.join(", "));
        }
        for schema in &self.scalars {
            for kind in types(schema) {
                add(match kind {
                    "string" => "a text".to_owned(),
                    "integer" => "a whole number".to_owned(),
                    "number" => "a number".to_owned(),
                    "boolean" => "true or false".to_owned(),
                    _ => continue,
                });
            }
        }
        if let Some(map) = self.map {
            let keys = map.get("properties").and_then(Json::as_object);
            let shown =
                keys.map(|keys| format!("a map with {}", listing(keys.keys().map(String::as_str))));
            add(shown.unwrap_or_else(|| "a map".to_owned()));
        }
        if !self.tagged.is_empty() {
            add(format!("a map with one of {}", listing(self.tags())));
        }
        if self.list.is_some() {
            add("a list".to_owned());
        }
        let mut text = String::new();
        for (index, kind) in kinds.iter().enumerate() {
            let separator = if index == 0 { "" } else { " or " };
            let _ = write!(text, "{separator}{kind}");
        }
        text
    }
}

/// `write {key: …}`, with the keys that must stand behind it.
fn example(key: &str, schema: &Map<String, Json>) -> String {
    let required = schema.get("required").and_then(Json::as_array);
    let inner = required.map_or("…".to_owned(), |keys| {
        let keys = keys.iter().filter_map(Json::as_str);
        let keys: Vec<String> = keys.map(|key| format!("{key}: …")).collect();
        format!("{{{}}}", keys.join(", "))
    });
    format!("write `{{{key}: {inner}}}`")
}

/// The key and inner schema of a map with one required key and no other.
fn tag(schema: &Map<String, Json>) -> Option<(&str, &Map<String, Json>)> {
    let properties = schema.get("properties")?.as_object()?;
    let required = schema.get("required")?.as_array()?;
    let closed = schema.get("additionalProperties") == Some(&Json::Bool(false));
    let (key, inner) = properties.iter().next()?;
    (closed && properties.len() == 1 && required.len() == 1)
        .then_some((key.as_str(), inner.as_object()?))
}

/// The types of a schema, one or several.
fn types(schema: &Map<String, Json>) -> impl Iterator<Item = &str> {
    let kind = schema.get("type");
    let several = kind.and_then(Json::as_array).into_iter().flatten();
    kind.filter(|kind| kind.is_string())
        .into_iter()
        .chain(several)
        .filter_map(Json::as_str)
}

fn accepts(kind: &str, value: &Value) -> bool {
    match value {
        Value::Bool(_) => kind == "boolean",
        Value::Integer(_) => kind == "integer" || kind == "number",
        Value::Float(_) => kind == "number",
        Value::Text(_) => kind == "string",
        Value::Null | Value::List(_) | Value::Map(_) => false,
    }
}

/// The bound that `number` violates, in words.
fn out_of_range(schema: &Map<String, Json>, number: f64) -> Option<String> {
    let bound = |key: &str| schema.get(key).and_then(Json::as_f64);
    let low = bound("minimum")
        .filter(|low| number < *low)
        .map(|low| format!("at least {low}"));
    let above = bound("exclusiveMinimum")
        .filter(|low| number <= *low)
        .map(|low| format!("greater than {low}"));
    let width = (schema.get("format").and_then(Json::as_str) == Some("uint32"))
        .then_some(f64::from(u32::MAX));
    let high = bound("maximum")
        .or(width)
        .filter(|high| number > *high)
        .map(|high| format!("at most {high}"));
    low.or(above).or(high)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::document;
    use crate::issue::Source;

    fn node(text: &str) -> Node {
        document::parse(&Arc::new(Source {
            name: "a.yaml".into(),
            text: text.into(),
        }))
        .unwrap()
    }

    fn value<'n>(node: &'n Node, path: &[&str]) -> &'n Value {
        &path
            .iter()
            .fold(node, |node, key| node.get(key).unwrap())
            .value
    }

    #[test]
    fn merging_descends_into_keys_and_replaces_the_rest() {
        let base = node(
            "slots: 4\nscheduler: {power-of-choices: {d: 2}}\nretry: {detection: 10 s, max_attempts: 5}\nfleets: {a: {nodes: 3, \
             devices: {l40s: {share: 1}}, regions: {us-east: 1}}}\n",
        );
        let over = node(
            "scheduler: random\nretry: {detection: 1 s}\nfleets: {a: {devices: {h100-sxm: {share: 1}}}, b: {nodes: 1}}\n",
        );
        let merged = Schema::resolved().merge("PlatformSpec", &base, &over);
        assert_eq!(*value(&merged, &["slots"]), Value::Integer(4));
        assert_eq!(
            *value(&merged, &["scheduler"]),
            Value::Text("random".into())
        );
        assert_eq!(
            *value(&merged, &["retry", "max_attempts"]),
            Value::Integer(5)
        );
        assert_eq!(
            *value(&merged, &["retry", "detection"]),
            Value::Text("1 s".into())
        );
        assert_eq!(
            *value(&merged, &["fleets", "a", "nodes"]),
            Value::Integer(3)
        );
        assert_eq!(
            *value(&merged, &["fleets", "b", "nodes"]),
            Value::Integer(1)
        );
        let Value::Map(devices) = value(&merged, &["fleets", "a", "devices"]) else {
            panic!("a map")
        };
        assert_eq!(
            devices.len(),
            1,
            "shares replace, so that they stay one distribution"
        );
    }

    /// As `--set fleets.a.devices.l40s.usd_per_hour=1 --set fleets.a.provisioning…` does.
    #[test]
    fn maps_of_overrides_amend() {
        let base = node(
            "scheduler: {power-of-choices: {d: 2}}\nfleets: {a: {nodes: 3, devices: {l40s: {share: 1}, h100-sxm: {share: 2}}, \
             access: {lognormal: {median: 4 ms, sigma: 0.3}}, regions: {us-east: 1}}}\n",
        );
        let merged = |changes: &[(&str, &str)]| {
            let mut over = node("{}");
            for (path, value) in changes {
                let change = document::parse_override(path, value).unwrap();
                over.set(&change.keys, change.value).unwrap();
            }
            let merged = Schema::resolved().merge("PlatformSpec", &base, &over);
            serde_json::to_value(&merged).unwrap()
        };
        let check = |changes: &[(&str, &str)], pointer: &str, expect: Json| {
            assert_eq!(
                merged(changes).pointer(pointer),
                Some(&expect),
                "{changes:?}"
            );
        };
        check(
            &[("fleets.a.devices.l40s.usd_per_hour", "3")],
            "/fleets/a/devices",
            json!({"l40s": {"share": 1, "usd_per_hour": 3}, "h100-sxm": {"share": 2}}),
        );
        check(
            &[("fleets.a.devices", "{l40s: {share: 5}}")],
            "/fleets/a/devices",
            json!({"l40s": {"share": 5}}),
        );
        check(
            &[("fleets.a.devices.l40s", "null")],
            "/fleets/a/devices",
            json!({"h100-sxm": {"share": 2}}),
        );
        check(
            &[("fleets.a.regions.eu-west", "2")],
            "/fleets/a/regions",
            json!({"us-east": 1, "eu-west": 2}),
        );
        check(
            &[("fleets.a.access.lognormal.median", "9 ms")],
            "/fleets/a/access",
            json!({"lognormal": {"median": "9 ms", "sigma": 0.3}}),
        );
        check(
            &[("fleets.a.access.constant", "9 ms")],
            "/fleets/a/access",
            json!({"constant": "9 ms"}),
        );
        check(
            &[("scheduler.power-of-choices.d", "3")],
            "/scheduler",
            json!({"power-of-choices": {"d": 3}}),
        );
    }

    #[test]
    fn one_check_finds_every_problem() {
        let node = node("detection: 10\nmax_attempts: 0\nmax_attemps: 2\n");
        let entry = Entry {
            key: "retry".into(),
            key_place: node.place.clone(),
            node,
        };
        let issues = Schema::resolved().check_entry("RetrySpec", &entry, "retry");
        let found: Vec<_> = issues.iter().map(|issue| issue.message.as_str()).collect();
        let expect = [
            "expected a duration with a unit, found the number 10",
            "`max_attempts` must be at least 1, found 0",
            "unknown key `max_attemps`",
        ];
        assert_eq!(found, expect);
    }
}
