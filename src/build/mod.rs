//! What kustomize built, checked against what was meant to be built: only a checked build can be applied.

mod arrival;
mod base;
mod base_key;
mod characters;
mod check;
mod clear;
mod closure;
mod copies;
mod culprit;
mod data;
mod fields;
mod kustomization;
mod left;
mod names;
pub(crate) mod node;
mod operations;
mod origins;
mod plugins;
mod reader;
mod slips;
mod walker;

use std::collections::HashMap;
use std::fmt;

use base64::Engine;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{Problem, text};
use crate::object::{Object, ObjectId};
use crate::secret::Secret;

pub use base::{Base, BaseKey, BaseObject, BasePlaceholder, collect};
pub(crate) use characters::check_filled;
pub use check::check;
pub use closure::{Closure, Destination, FileKind, Remote, Scope, Source, SourceRole, Tree, survey, walk};
pub use culprit::{Read, explain};
pub use kustomization::{FILE_NAMES, Generated, Kustomization, Reference, ReferenceKind, parse as parse_kustomization};
pub use names::{content_hash, is_generated, without_content_hash, without_content_hashes};
pub use origins::{Filling, Fillings, Origins};
pub use slips::template_slips;

/// The objects that would be sent, not checked yet. It may hold values: its `Debug` prints ids only.
#[derive(Debug, Clone, PartialEq)]
pub struct Build {
    objects: Vec<Object>,
    overlay: bool,
    copies: clear::Copies,
}

impl Build {
    /// The filled template itself as the build: `overlay: none`.
    ///
    /// # Errors
    /// Two objects with the same id.
    pub fn from_objects(objects: Vec<Object>) -> Result<Self, Vec<Problem>> {
        Self::new(objects, false)
    }

    /// The objects, in the order in which they were built.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// Puts each value back where a word stood in for it during the build.
    pub fn put_in(&mut self, stand_ins: &[(String, Secret)]) {
        let values: HashMap<&str, &Secret> = stand_ins.iter().map(|(word, value)| (word.as_str(), value)).collect();
        let is_word = |value: &Value| value.as_str().is_some_and(|text| values.contains_key(text));
        let places = |object: &Object| {
            object.leaves().into_iter().filter(|(_, value)| is_word(value)).map(|(path, _)| path).collect()
        };
        self.copies = clear::Copies::At(self.objects.iter().map(places).collect());
        self.objects.iter_mut().for_each(|object| put_into(object.as_value_mut(), &values));
    }

    /// kustomize was given the values themselves, since a kustomization copies them.
    pub fn had_values(&mut self) {
        self.copies = clear::Copies::Anywhere;
    }

    /// Whether an overlay was built, rather than the template taken as it is.
    pub(crate) fn has_overlay(&self) -> bool {
        self.overlay
    }

    fn new(objects: Vec<Object>, overlay: bool) -> Result<Self, Vec<Problem>> {
        let mut seen: HashMap<ObjectId, usize> = HashMap::new();
        objects.iter().for_each(|object| *seen.entry(object.id()).or_default() += 1);
        let mut twice: Vec<&ObjectId> = seen.iter().filter(|(_, count)| **count > 1).map(|(id, _)| id).collect();
        twice.sort();
        let problems: Vec<Problem> = twice
            .into_iter()
            .map(|id| {
                Problem::error(
                    "object-twice",
                    text!("`{}` is in the build {} times: the last one would win", names::shown_id(id), seen[id]),
                )
                .help("keep one of them, or give them different names or namespaces")
            })
            .collect();
        if problems.is_empty() { Ok(Self { objects, overlay, copies: clear::Copies::None }) } else { Err(problems) }
    }
}

/// Reads what `kubectl kustomize` printed: YAML documents, lists (`kind: List`) opened, keys that are not text turned into text.
///
/// # Errors
/// Every document that is not an object, and objects with the same id. No finding holds text of the build.
pub fn parse(stdout: &str) -> Result<Build, Vec<Problem>> {
    let mut objects = Vec::new();
    let mut problems = Vec::new();
    for (index, document) in serde_yaml::Deserializer::from_str(stdout).enumerate() {
        let number = index + 1;
        match serde_yaml::Value::deserialize(document) {
            Ok(value) => match to_json(value) {
                Ok(value) => flatten(value, &format!("document {number} of the build"), &mut objects, &mut problems),
                Err(what) => problems.push(unreadable(number, what)),
            },
            Err(error) => {
                let place = error.location().map(|place| format!(" (line {})", place.line())).unwrap_or_default();
                problems.push(unreadable(number, &format!("is not valid YAML or repeats a key{place}")));
                break;
            }
        }
    }
    if problems.is_empty() { Build::new(objects, true) } else { Err(problems) }
}

fn put_into(value: &mut Value, values: &HashMap<&str, &Secret>) {
    match value {
        Value::String(text) => {
            if let Some(value) = values.get(text.as_str()) {
                value.expose().clone_into(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| put_into(item, values)),
        Value::Object(fields) => fields.values_mut().for_each(|field| put_into(field, values)),
        _ => {}
    }
}

fn unreadable(number: usize, what: &str) -> Problem {
    Problem::error("build-unreadable", text!("document {number} of the build {what}"))
}

fn to_json(value: serde_yaml::Value) -> Result<Value, &'static str> {
    use serde_yaml::Value as Yaml;
    Ok(match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => Value::Bool(flag),
        Yaml::Number(number) => to_number(&number).ok_or("holds a number that JSON has no form for")?,
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(to_json).collect::<Result<_, _>>()?),
        Yaml::Mapping(pairs) => {
            let mut map = Map::with_capacity(pairs.len());
            for (key, value) in pairs {
                if map.insert(to_key(key)?, to_json(value)?).is_some() {
                    return Err("repeats a key");
                }
            }
            Value::Object(map)
        }
        Yaml::Tagged(_) => return Err("holds a tagged value"),
    })
}

fn to_number(number: &serde_yaml::Number) -> Option<Value> {
    let whole = number.as_i64().map(Value::from).or_else(|| number.as_u64().map(Value::from));
    whole.or_else(|| number.as_f64().and_then(serde_json::Number::from_f64).map(Value::Number))
}

fn to_key(key: serde_yaml::Value) -> Result<String, &'static str> {
    match key {
        serde_yaml::Value::String(text) => Ok(text),
        serde_yaml::Value::Bool(flag) => Ok(flag.to_string()),
        serde_yaml::Value::Number(number) => Ok(number.to_string()),
        serde_yaml::Value::Null => Ok("null".to_owned()),
        _ => Err("has a key that is not a scalar"),
    }
}

/// Adds the object, or the objects of a list; `what` names it in findings.
fn flatten(mut value: Value, what: &str, objects: &mut Vec<Object>, problems: &mut Vec<Problem>) {
    if value.is_null() {
        return;
    }
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    if let Some(Value::Array(items)) = value.get_mut("items").filter(|_| is_list) {
        for (index, item) in std::mem::take(items).into_iter().enumerate() {
            flatten(item, &format!("item {} of {what}", index + 1), objects, problems);
        }
        return;
    }
    let named = describe(&value, what);
    let generated = value.pointer("/metadata/generateName").is_some();
    match Object::parse(value) {
        Ok(object) => objects.push(object),
        Err("metadata.name") if generated => problems.push(
            Problem::error("object-incomplete", text!("{named} has `generateName`, which cannot be applied"))
                .help("give it a `metadata.name`"),
        ),
        Err(field) => problems.push(Problem::error("object-incomplete", text!("{named} has no `{field}`"))),
    }
}

/// `document 3 of the build (Secret)`, with as much of its name as there is.
fn describe(value: &Value, what: &str) -> String {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match (text("/kind"), text("/metadata/name")) {
        ("", "") => what.to_owned(),
        (kind, "") => format!("{what} (`{kind}`)"),
        ("", name) => format!("{what} (`{name}`)"),
        (kind, name) => format!("{what} (`{kind} {}`)", names::shown(kind, name)),
    }
}

/// A build in which every value arrived; the only thing that can be applied. Secrets have `data` only.
#[derive(Clone, PartialEq)]
pub struct CheckedBuild {
    objects: Vec<Object>,
    origins: Origins,
}

impl CheckedBuild {
    /// The objects to apply, in the build's order.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// Gives the objects away, and where their scalars come from.
    pub fn into_parts(self) -> (Vec<Object>, Origins) {
        (self.objects, self.origins)
    }

    /// Only `check` calls this, after it found nothing.
    fn new(mut objects: Vec<Object>, origins: Origins) -> Self {
        objects.iter_mut().filter(|object| object.is_secret()).for_each(encode);
        Self { objects, origins }
    }
}

impl fmt::Debug for CheckedBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.objects).finish()
    }
}

/// Turns `stringData` into `data`, as the API server would: `stringData` wins. Server-side apply would otherwise leave
/// keys behind that once stood in `stringData`.
fn encode(secret: &mut Object) {
    let Some(fields) = secret.as_value_mut().as_object_mut() else { return };
    let Some(Value::Object(texts)) = fields.shift_remove("stringData") else { return };
    if !fields.get("data").is_some_and(Value::is_object) {
        fields.insert("data".to_owned(), Value::Object(Map::new()));
    }
    let Some(Value::Object(data)) = fields.get_mut("data") else { return };
    for (key, value) in texts {
        if let Value::String(text) = value {
            data.insert(key, Value::String(base64::engine::general_purpose::STANDARD.encode(text)));
        }
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
