//! Collects the problems of a document: the place of each is found from the keys that lead to it.

use std::iter;

use serde::de::DeserializeOwned;

use crate::catalog;
use crate::document::Node;
use crate::issue::Issue;

/// Keys that lead to a value, as a chain of references to the caller's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    parent: Option<&'a At<'a>>,
    key: &'a str,
}

impl<'a> At<'a> {
    /// A key of the document.
    pub fn root(key: &'a str) -> Self {
        Self { parent: None, key }
    }

    /// A key of this value.
    pub fn key(&'a self, key: &'a str) -> Self {
        Self {
            parent: Some(self),
            key,
        }
    }

    /// The last key.
    pub fn last(&self) -> &'a str {
        self.key
    }

    fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = iter::successors(Some(self), |at| at.parent)
            .map(|at| at.key)
            .collect();
        keys.reverse();
        keys
    }
}

/// A document and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Report {
    /// The document.
    pub tree: Node,
    /// Its problems so far.
    pub issues: Vec<Issue>,
    /// Paths of values that are not to be read, because a problem elsewhere spoils them.
    pub spoiled: Vec<String>,
}

impl Report {
    /// Adds a problem of the value at `at`, or of the nearest map around it that is written.
    pub fn add(&mut self, at: &At<'_>, message: impl Into<String>, hint: Option<String>) {
        let keys = at.keys();
        let issue = Issue {
            place: self.tree.place_of(&keys),
            path: keys.join("."),
            message: message.into(),
            hint,
        };
        self.issues.push(issue);
    }

    /// Adds a problem of the last key of `at`, not of its value.
    pub fn add_to_key(&mut self, at: &At<'_>, message: impl Into<String>, hint: Option<String>) {
        self.add(at, message, hint);
        let keys = at.keys();
        let parent = keys[..keys.len() - 1]
            .iter()
            .try_fold(&self.tree, |node, key| node.get(key));
        if let (Some(entry), Some(issue)) = (
            parent.and_then(|parent| parent.entry(at.key)),
            self.issues.last_mut(),
        ) {
            issue.place = entry.key_place.clone();
        }
    }

    /// The value or the problem; a problem is added.
    pub fn check<T, E: std::fmt::Display>(
        &mut self,
        at: &At<'_>,
        result: Result<T, E>,
    ) -> Option<T> {
        result
            .map_err(|error| self.add(at, error.to_string(), None))
            .ok()
    }

    /// The value at `at` as its type, unless it has been found wrong.
    pub fn part<T: DeserializeOwned>(&mut self, at: &At<'_>) -> Option<T> {
        let keys = at.keys();
        let path = keys.join(".");
        let inside = |issue: &Issue| {
            issue
                .path
                .strip_prefix(&path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if self.issues.iter().any(inside) || self.spoiled.contains(&path) {
            return None;
        }
        let node = keys
            .iter()
            .try_fold(&self.tree, |node, key| node.get(key))?;
        let value = catalog::value(node);
        self.check(at, value)
    }
}
