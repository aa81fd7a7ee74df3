//! Which fields of an object change, as dotted paths.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::managed_fields::LAST_APPLIED;
use super::{HIDDEN_ANNOTATION, KeyChange, RESTARTS_ANNOTATION, REVISION_ANNOTATION, SET_ANNOTATION};
use crate::object::{by_name, field_path};
use crate::report::Change;

/// Fields of `metadata` that change with every write, or never.
const IGNORED_METADATA: [&str; 6] =
    ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"];

/// Whose an object is, what it remembers of its changes, what of it is hidden, and what a client-side apply left: how it is kept, not what it holds.
const IGNORED_ANNOTATIONS: [&str; 5] =
    [SET_ANNOTATION, HIDDEN_ANNOTATION, REVISION_ANNOTATION, RESTARTS_ANNOTATION, LAST_APPLIED];

/// What the later of two objects says.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum After {
    /// All there is: what it lacks is removed.
    Whole,
    /// What is wanted: what it lacks may stay.
    Wanted,
}

/// The fields in which `after` differs from `before`, in alphabetical order; without `status`, the server's fields of
/// `metadata`, and what is told key by key (`data` of a Secret; `data` and `binaryData` of a ConfigMap).
pub(super) fn changes(before: &Value, after: &Value, kind: After) -> Vec<KeyChange> {
    let mut walk = Walk { kind, found: BTreeMap::new() };
    walk.object(&top_level(before), &top_level(after), "");
    walk.found.into_iter().map(|(key, change)| KeyChange { path: key.clone(), key, change }).collect()
}

fn top_level(object: &Value) -> Map<String, Value> {
    let mut fields = object.as_object().cloned().unwrap_or_default();
    let core = |kind: &str| object["apiVersion"] == "v1" && object["kind"] == kind;
    if core("Secret") || core("ConfigMap") {
        fields.shift_remove("data");
        fields.shift_remove("binaryData");
    }
    fields.shift_remove("apiVersion");
    fields.shift_remove("status");
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        for field in IGNORED_METADATA {
            metadata.shift_remove(field);
        }
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
            IGNORED_ANNOTATIONS.iter().for_each(|name| drop(annotations.shift_remove(*name)));
        }
    }
    fields
}

struct Walk {
    kind: After,
    found: BTreeMap<String, Change>,
}

impl Walk {
    fn value(&mut self, before: &Value, after: &Value, path: &str) {
        match (before, after) {
            _ if before == after => {}
            (Value::Object(before), Value::Object(after)) => self.object(before, after, path),
            (Value::Array(before), Value::Array(after)) => self.array(before, after, path),
            _ => self.note(path, Change::Changed),
        }
    }

    fn object(&mut self, before: &Map<String, Value>, after: &Map<String, Value>, path: &str) {
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            self.side_by_side(before.get(name), after.get(name), &field_path(path, name));
        }
    }

    /// Elements with a name are compared by name, others by their place.
    fn array(&mut self, before: &[Value], after: &[Value], path: &str) {
        let (Some(old), Some(new)) = (by_name(before), by_name(after)) else {
            for index in 0..before.len().max(after.len()) {
                self.side_by_side(before.get(index), after.get(index), &format!("{path}[{index}]"));
            }
            return;
        };
        let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
        for name in names {
            self.side_by_side(old.get(name).copied(), new.get(name).copied(), &format!("{path}[{name}]"));
        }
        let order = |items: &[Value]| items.iter().map(|item| item["name"].clone()).collect::<Vec<_>>();
        if old.keys().eq(new.keys()) && order(before) != order(after) {
            self.note(path, Change::Changed);
        }
    }

    fn side_by_side(&mut self, before: Option<&Value>, after: Option<&Value>, path: &str) {
        match (before, after) {
            (Some(before), Some(after)) => self.value(before, after, path),
            // Labels and annotations are told one by one, also when there were none before.
            (None, Some(Value::Object(after))) if is_keyed(path) => self.object(&Map::new(), after, path),
            (Some(Value::Object(before)), None) if is_keyed(path) => self.object(before, &Map::new(), path),
            (None, Some(after)) if self.kind == After::Wanted && is_empty(after) => {}
            (None, Some(_)) => self.note(path, Change::Added),
            (Some(_), None) if self.kind == After::Whole => self.note(path, Change::Removed),
            (Some(_), None) | (None, None) => {}
        }
    }

    fn note(&mut self, path: &str, change: Change) {
        self.found.insert(path.to_owned(), change);
    }
}

fn is_keyed(path: &str) -> bool {
    matches!(path, "metadata.labels" | "metadata.annotations")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
