//! Lets platforms inherit from platforms and devices from devices: resolves `extends` on the trees, so that every key keeps its place.

use crate::document::{Entry, Node, Value, join};
use crate::issue::{Issue, suggestion};
use crate::schema::Schema;

/// What can inherit: the section that holds it, and what one of it is called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Key of the section.
    pub section: &'static str,
    /// What one is called.
    pub noun: &'static str,
    /// Its definition in the schema.
    pub definition: &'static str,
}

/// Platforms.
pub(crate) const PLATFORMS: Kind = Kind {
    section: "platforms",
    noun: "platform",
    definition: "PlatformSpec",
};

/// Clusters.
pub(crate) const CLUSTERS: Kind = Kind {
    section: "clusters",
    noun: "cluster",
    definition: "ClusterSpec",
};

/// Economies.
pub(crate) const ECONOMIES: Kind = Kind {
    section: "economies",
    noun: "economy",
    definition: "EconomySpec",
};

/// Device classes.
pub(crate) const DEVICES: Kind = Kind {
    section: "devices",
    noun: "device",
    definition: "DeviceSpec",
};

/// The entries of a section, each with what it inherits.
#[derive(Debug, Default)]
pub(crate) struct Inherited {
    /// Those whose `extends` was understood.
    pub resolved: Vec<Entry>,
    /// The others, as they are written.
    pub broken: Vec<Entry>,
    /// What is wrong with them.
    pub issues: Vec<Issue>,
}

/// Resolves `extends` of every entry in `own`; `stock` are those of the catalog.
pub(crate) fn inherit(kind: Kind, own: &[Entry], stock: &[Entry]) -> Inherited {
    let mut all = Inherited::default();
    let family = Family { kind, own, stock };
    for entry in own {
        if entry.node.value == Value::Null {
            // One that `--set` removes is gone; one without a value in the text is a mistake.
            if !is_removed(entry) {
                let message = format!("the {} `{}` is empty", kind.noun, entry.key);
                let hint = format!("write `{}: {{extends: …}}`, or remove it", entry.key);
                let path = join(kind.section, &entry.key);
                let issue = Issue::new(entry.key_place.clone(), path, message);
                all.issues.push(issue.hint(hint));
                all.broken.push(entry.clone());
            }
            continue;
        }
        match family.resolve(Member { entry, own: true }, &mut Vec::new()) {
            Ok(node) => all.resolved.push(Entry {
                node,
                ..entry.clone()
            }),
            Err(failure) => {
                if let Failure::Own(issue) | Failure::Cycle(issue) = failure {
                    all.issues.push(*issue);
                }
                all.broken.push(entry.clone());
            }
        }
    }
    all
}

/// Why an entry has no complete tree.
enum Failure {
    /// A problem of the entry itself.
    Own(Box<Issue>),
    /// It is the first, by name, of a circle.
    Cycle(Box<Issue>),
    /// A problem that another entry, or the check against the schema, reports.
    Elsewhere,
}

/// All that can be extended.
struct Family<'a> {
    kind: Kind,
    own: &'a [Entry],
    stock: &'a [Entry],
}

#[derive(Clone, Copy, PartialEq)]
struct Member<'a> {
    entry: &'a Entry,
    /// Whether it is of the scenario.
    own: bool,
}

impl<'a> Family<'a> {
    /// The tree of an entry with all that it inherits; `chain` holds those on the way.
    fn resolve(&self, member: Member<'a>, chain: &mut Vec<Member<'a>>) -> Result<Node, Failure> {
        chain.push(member);
        // A key without a value is no key, here as everywhere.
        let extends = member.entry.node.entry("extends");
        let Some(extends) = extends.filter(|entry| entry.node.value != Value::Null) else {
            return Ok(member.entry.node.clone());
        };
        let Value::Text(name) = &extends.node.value else {
            return Err(Failure::Elsewhere);
        };
        let path = join(&join(self.kind.section, &member.entry.key), "extends");
        let issue = |message: String, hint: String| {
            Box::new(Issue::new(extends.node.place.clone(), &path, message).hint(hint))
        };
        let Some(base) = self.base(member, name) else {
            let others = self
                .own
                .iter()
                .filter(|other| other.key != member.entry.key && !is_removed(other))
                .chain(self.stock);
            let names: Vec<&str> = others.map(|other| other.key.as_str()).collect();
            return Err(Failure::Own(issue(
                format!("unknown {} `{name}`", self.kind.noun),
                suggestion(name, self.kind.section, names),
            )));
        };
        if let Some(start) = chain.iter().position(|link| *link == base) {
            let mut names: Vec<&str> = chain.iter().map(|link| link.entry.key.as_str()).collect();
            let first = names.iter().min() == names.first();
            if start > 0 || !first {
                return Err(Failure::Elsewhere);
            }
            names.push(name);
            let message = format!("cyclic `extends`: {}", names.join(" -> "));
            return Err(Failure::Cycle(issue(
                message,
                "let one of them stand on its own".to_owned(),
            )));
        }
        if base.entry.node.value == Value::Null {
            return Err(Failure::Elsewhere);
        }
        let inherited = self.resolve(base, chain).map_err(|failure| match failure {
            Failure::Own(_) if base.own => Failure::Elsewhere,
            other => other,
        })?;
        let mut merged =
            Schema::resolved().merge(self.kind.definition, &inherited, &member.entry.node);
        if let Value::Map(entries) = &mut merged.value {
            entries.retain(|entry| entry.key != "extends");
        }
        Ok(merged)
    }

    /// What `member` extends under this name. One of the scenario goes before one of the catalog;
    /// an entry may extend the one of the catalog whose name it bears.
    fn base(&self, member: Member<'a>, name: &str) -> Option<Member<'a>> {
        let find = |entries: &'a [Entry]| entries.iter().find(|entry| entry.key == name);
        let itself = member.own && member.entry.key == name;
        let own = find(self.own)
            .filter(|entry| member.own && !is_removed(entry))
            .map(|entry| Member { entry, own: true });
        let stock = find(self.stock).map(|entry| Member { entry, own: false });
        if itself { stock.or(own) } else { own.or(stock) }
    }
}

/// Whether an override has removed an entry.
fn is_removed(entry: &Entry) -> bool {
    entry.node.value == Value::Null && entry.node.amends
}
