//! Keys and values of Secrets and ConfigMaps: what a key will hold in the cluster, and which ones the server would refuse.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::error::{Place, Problem, Text, text};
use crate::object::Object;
use crate::patch::{PatchObject, Step};

use super::base::{Base, is_data_field};
use super::base_key::check_key;
use super::names::{match_name, shown_id};
use super::node::Node;

const MAX_KEY_LENGTH: usize = 253;

/// Base64 as the API server reads it: padding needed, spare bits ignored.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// What a key of a Secret or ConfigMap will hold in the cluster.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Held<'a> {
    /// No such key.
    Missing,
    /// Something else than a string.
    NotText,
    /// `data` of a Secret or `binaryData` that is not base64.
    NotBase64,
    /// These bytes.
    Bytes(Cow<'a, [u8]>),
}

/// What `key` will hold once applied; in a Secret `stringData` wins over `data`.
pub(crate) fn held<'a>(object: &'a Object, key: &str) -> Held<'a> {
    let fields: &[(&str, bool)] = if object.is_secret() {
        &[("stringData", false), ("data", true)]
    } else {
        &[("data", false), ("binaryData", true)]
    };
    for (field, encoded) in fields {
        match object.as_value().get(*field).and_then(|data| data.get(key)) {
            None => {}
            Some(Value::String(text)) if *encoded => {
                return decode(text).map_or(Held::NotBase64, |b| Held::Bytes(b.into()));
            }
            Some(Value::String(text)) => return Held::Bytes(text.as_bytes().into()),
            Some(_) => return Held::NotText,
        }
    }
    Held::Missing
}

/// The bytes of `text`, line breaks ignored.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    if text.contains(['\n', '\r']) {
        BASE64.decode(text.replace(['\n', '\r'], "")).ok()
    } else {
        BASE64.decode(text).ok()
    }
}

/// Findings about every Secret and ConfigMap of the build. `owners` gives the template's object for each built one.
pub(crate) fn check_data(objects: &[Object], owners: &[Option<&PatchObject>], base: &Base) -> Vec<Problem> {
    let mut problems: Vec<Problem> = base.keys.iter().filter_map(|key| check_key(objects, key)).collect();
    for (object, owner) in objects.iter().zip(owners) {
        if object.is_secret() || object.is_config_map() {
            DataCheck { object, owner: *owner, base, problems: &mut problems }.run();
        }
    }
    problems
}

struct DataCheck<'a> {
    object: &'a Object,
    owner: Option<&'a PatchObject>,
    base: &'a Base,
    problems: &'a mut Vec<Problem>,
}

impl DataCheck<'_> {
    fn run(&mut self) {
        let fields: &[&str] = if self.object.is_secret() { &["data", "stringData"] } else { &["data", "binaryData"] };
        for field in fields {
            match self.object.as_value().get(*field) {
                None | Some(Value::Null) => {}
                Some(Value::Object(map)) => map.iter().for_each(|(key, value)| self.entry(field, key, value)),
                Some(other) => {
                    let text = text!("`{field}` of `{}` is {}, not a mapping", self.name(), type_of(other));
                    self.problems.push(Problem::error("data-not-mapping", text));
                }
            }
        }
        if self.object.is_config_map() {
            self.twice();
        }
    }

    fn entry(&mut self, field: &str, key: &str, value: &Value) {
        if !is_legal(key) {
            let text = text!("`{key}` cannot be a key of `{}`", self.name());
            let help = "keys have letters, digits, `-`, `_` and `.`, at most 253, and do not start with `..`";
            self.push("data-key", text, help, field, key);
        }
        let encoded = field == "binaryData" || (field == "data" && self.object.is_secret());
        match value {
            Value::String(text) if encoded && decode(text).is_none() => {
                let text = text!("`{field}.{key}` of `{}` is not base64", self.name());
                let help = if field == "data" {
                    "move the key to `stringData`, or encode the value (`${NAME@base64}`)"
                } else {
                    "encode the value as base64"
                };
                self.push("data-not-base64", text, help, field, key);
            }
            Value::String(_) => {}
            other => {
                let text = text!("`{field}.{key}` of `{}` is {}, not a string", self.name(), type_of(other));
                let help = match other {
                    Value::Null => text!("give `{key}` a value, or write `{key}: \"\"`"),
                    Value::Object(_) | Value::Array(_) => {
                        text!("write the value of `{key}` as a block scalar (`{key}: |`)")
                    }
                    _ => text!("quote it: `{key}: \"…\"`"),
                };
                self.push("data-not-string", text, help, field, key);
            }
        }
    }

    fn twice(&mut self) {
        let keys = |field: &str| self.object.as_value().get(field).and_then(Value::as_object);
        let (Some(data), Some(binary)) = (keys("data"), keys("binaryData")) else { return };
        let both: Vec<String> = data.keys().filter(|key| binary.contains_key(*key)).cloned().collect();
        for key in both {
            let text = text!("`{key}` of `{}` stands in both `data` and `binaryData`", self.name());
            self.push("data-key", text, "keep one of them", "binaryData", &key);
        }
    }

    fn push(&mut self, kind: &'static str, text: Text, help: impl Into<Text>, field: &str, key: &str) {
        let problem = Problem::error(kind, text).help(help);
        let place = place_of(self.object, self.owner, self.base, field, key);
        self.problems.push(match place {
            Some(place) => problem.at(place),
            None => problem,
        });
    }

    fn name(&self) -> String {
        shown_id(&self.object.id())
    }
}

/// The template's line for a key of `object`, else the base's.
pub(crate) fn place_of(
    object: &Object,
    owner: Option<&PatchObject>,
    base: &Base,
    field: &str,
    key: &str,
) -> Option<Place> {
    let own = owner.and_then(|owner| {
        owner.entries.iter().find(|entry| entry.data_key() == Some((field, key))).map(|entry| entry.place.clone())
    });
    own.or_else(|| {
        let of_object = base.keys.iter().filter(|known| {
            known.kind == object.kind() && known.key == key && match_name(object.name(), &known.name).is_some()
        });
        // Generators turn their texts into `data`, so the field need not be the same.
        let best = of_object.min_by_key(|known| (match_name(object.name(), &known.name), known.field != field));
        best.map(|known| known.place.clone())
    })
}

/// The rule of Kubernetes' IsConfigMapKey.
fn is_legal(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= MAX_KEY_LENGTH
        && key != "."
        && !key.starts_with("..")
        && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// The type of a value in words; never the value.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// The type of a node that is no scalar, in words.
pub(super) fn type_in_words(node: &Node) -> &'static str {
    if node.items().is_empty() { "a mapping" } else { "a list" }
}

/// The field and key of a path that leads to a Secret's or ConfigMap's value.
pub(crate) fn data_key(path: &[Step]) -> Option<(&str, &str)> {
    match path {
        [Step::Key(field), Step::Key(key)] if is_data_field(field) => Some((field, key)),
        _ => None,
    }
}

/// Every value at a path's keys; a list's items all count, since a merge can move them.
pub(crate) fn values_at<'a>(root: &'a Value, path: &[Step]) -> Vec<&'a Value> {
    path.iter().fold(vec![root], |found, step| {
        found
            .into_iter()
            .flat_map(|value| match (step, value) {
                (Step::Key(key), Value::Object(map)) => map.get(key).into_iter().collect(),
                (Step::Index(_), Value::Array(items)) => items.iter().collect(),
                _ => Vec::new(),
            })
            .collect()
    })
}
