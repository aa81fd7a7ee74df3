//! Characters that kubectl cannot bring to the server: it writes them as they are into what the server reads as YAML.

use serde_json::Value;

use crate::error::{Place, Problem, text};
use crate::object::{Object, ObjectId};
use crate::patch::{Entry, PatchObject};

use super::base::Base;
use super::data::place_of;
use super::names::shown_id;

/// Strings that would not arrive as they are; a Secret's values are base64 on the way and always do.
pub(crate) fn check_characters(objects: &[Object], owners: &[Option<&PatchObject>], base: &Base) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (object, owner) in objects.iter().zip(owners) {
        let mut found = Vec::new();
        let fields = object.as_value().as_object().into_iter().flatten();
        for (name, value) in
            fields.filter(|(name, _)| !object.is_secret() || !matches!(name.as_str(), "data" | "stringData"))
        {
            walk(value, name.clone(), &mut found);
        }
        let place = |path: &str| place(object, *owner, base, path);
        problems.extend(found.iter().map(|path| problem(&object.id(), path, place(path))));
    }
    problems
}

/// The same for what is filled outside of data: kustomize is given these values themselves, and fails without a place.
///
/// # Errors
/// One for each field that would not arrive.
pub(crate) fn check_filled(objects: &[PatchObject]) -> Result<(), Vec<Problem>> {
    let problems = objects.iter().flat_map(|object| {
        let is_data = |entry: &&Entry| object.holds_data() && entry.data_key().is_some();
        let fields = object.entries.iter().filter(move |entry| !is_data(entry));
        let lost = fields.filter(|entry| entry.value.expose().contains(is_lost));
        lost.map(|entry| problem(&object.id, &entry.dotted_path().to_string(), Some(entry.place.clone())))
    });
    let problems: Vec<Problem> = problems.collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The server refuses DEL and its like, and takes U+0085 for a line break, which it turns into a blank.
fn is_lost(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
}

/// The dotted paths beneath `path` of strings with such characters.
fn walk(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains(is_lost) => found.push(path),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| walk(value, format!("{path}.{key}"), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| walk(value, format!("{path}[{at}]"), found));
        }
        _ => {}
    }
}

fn problem(id: &ObjectId, path: &str, place: Option<Place>) -> Problem {
    let text = text!(
        "`{path}` of `{}` holds a control character (U+007F to U+009F) or no character, which kubectl cannot bring to the server",
        shown_id(id)
    );
    let help = if id.group.is_empty() && id.kind == "ConfigMap" {
        "move the key to a Secret, whose values may be any bytes, or to `binaryData` with `${NAME@base64}`"
    } else {
        "remove the character, or take the value from a Secret, whose values may be any bytes"
    };
    let problem = Problem::error("control-character", text).help(help);
    match place {
        Some(place) => problem.at(place),
        None => problem,
    }
}

/// Where the text at `path` was written.
fn place(object: &Object, owner: Option<&PatchObject>, base: &Base, path: &str) -> Option<Place> {
    let entries = owner.into_iter().flat_map(|owner| &owner.entries);
    let own =
        entries.into_iter().find(|entry| entry.dotted_path().to_string() == path).map(|entry| entry.place.clone());
    own.or_else(|| path.split_once('.').and_then(|(field, key)| place_of(object, owner, base, field, key)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn findings(object: Value) -> Vec<String> {
        let objects = [Object::parse(object).unwrap()];
        let problems = check_characters(&objects, &[None], &Base::default());
        problems.into_iter().map(|problem| problem.message.split(" holds ").next().unwrap().to_owned()).collect()
    }

    #[test]
    fn what_a_config_map_or_field_would_lose_is_found() {
        let data = json!({"NEL": "a\u{85}b", "DEL": "\u{7f}", "C1": "\u{9f}", "NONE": "\u{fffe}", "FINE": "\u{a0}\u{1b}\u{feff}\u{2028}\r\n"});
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data});
        let named = |key: &str| format!("`data.{key}` of `ConfigMap c`");
        assert_eq!(findings(config), [named("NEL"), named("DEL"), named("C1"), named("NONE")]);
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"args": ["a", "\u{80}"]}]}});
        assert_eq!(findings(pod), ["`spec.containers[0].args[1]` of `Pod p`"]);
    }

    #[test]
    fn a_secrets_values_may_be_any_bytes_and_its_annotations_not() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "annotations": {"a": "\u{85}"}}, "stringData": {"A": "\u{85}\u{7f}"}});
        assert_eq!(findings(secret), ["`metadata.annotations.a` of `Secret s`"]);
    }
}
