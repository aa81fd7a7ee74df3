//! The build's objects as they are sent: Secrets with `data` only, and nothing that belongs to the server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::object::Object;

/// Fields of `metadata` that only the server writes; a manifest may hold them as noise of the tool that made it.
const SERVER_METADATA: [&str; 7] =
    ["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink", "deletionTimestamp"];

/// Turns a core Secret's `stringData` into `data`, where `stringData` wins as it does on the server.
///
/// Sent as it is, the field manager would own `stringData`, and a key that leaves the manifest would stay in the cluster.
/// What the server would refuse (a value that is not a string, a `data` that is no mapping) stays as it is, so that it does.
/// Other objects come back untouched.
#[must_use]
pub fn to_data(mut object: Object) -> Object {
    if !object.is_secret() {
        return object;
    }
    let Some(fields) = object.as_value_mut().as_object_mut() else { return object };
    let given = match fields.get("stringData") {
        Some(Value::Object(given)) => given.clone(),
        Some(Value::Null) => Map::new(),
        _ => return object,
    };
    match fields.get_mut("data") {
        Some(Value::Object(data)) => data.extend(encoded(&given)),
        Some(Value::Null) | None if given.is_empty() => {}
        Some(Value::Null) | None => {
            fields.insert("data".to_owned(), Value::Object(encoded(&given)));
        }
        Some(_) => return object,
    }
    let refused: Map<String, Value> =
        given.into_iter().filter(|(_, value)| !value.is_string() && !value.is_null()).collect();
    if refused.is_empty() {
        fields.shift_remove("stringData");
    } else {
        fields.insert("stringData".to_owned(), Value::Object(refused));
    }
    object
}

fn encoded(given: &Map<String, Value>) -> Map<String, Value> {
    given
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), Value::String(STANDARD.encode(value.as_str()?)))))
        .collect()
}

/// Removes what an object may not be sent with: `status`, the server's fields of `metadata`, and the
/// `creationTimestamp: null` that generators leave in templates of pods, jobs and volume claims.
#[must_use]
pub fn clean(mut object: Object) -> Object {
    let value = object.as_value_mut();
    if let Some(fields) = value.as_object_mut() {
        fields.shift_remove("status");
    }
    if let Some(Value::Object(metadata)) = value.get_mut("metadata") {
        for field in SERVER_METADATA {
            metadata.shift_remove(field);
        }
        if metadata.get("namespace").is_some_and(|namespace| namespace.is_null() || namespace == "") {
            metadata.shift_remove("namespace");
        }
    }
    drop_null_timestamps(value);
    object
}

fn drop_null_timestamps(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Object(metadata)) = fields.get_mut("metadata")
                && metadata.get("creationTimestamp").is_some_and(Value::is_null)
            {
                metadata.shift_remove("creationTimestamp");
            }
            fields.values_mut().for_each(drop_null_timestamps);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_null_timestamps),
        _ => {}
    }
}

/// The bytes of a Secret's `data` value; Go's decoder, unlike ours, passes over line breaks.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    let joined: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    STANDARD.decode(joined).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Object {
        Object::parse(value).unwrap()
    }

    #[test]
    fn string_data_becomes_data_and_wins() {
        let secret = object(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"},
            "data": {"A": "b2xk", "B": "Yg=="}, "stringData": {"A": "new", "C": "ü\n"}}));
        assert_eq!(
            to_data(secret).as_value(),
            &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"},
                "data": {"A": "bmV3", "B": "Yg==", "C": "w7wK"}})
        );
    }

    #[test]
    fn other_kinds_and_empty_string_data_stay_without_data() {
        let other = object(
            json!({"apiVersion": "x/v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"A": "b"}}),
        );
        assert_eq!(to_data(other.clone()), other);
        for empty in [json!({}), Value::Null] {
            let secret =
                object(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": empty}));
            assert_eq!(
                to_data(secret).as_value(),
                &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}})
            );
        }
    }

    #[test]
    fn what_the_server_refuses_is_left_for_it_to_refuse() {
        let secret = object(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"A": 1, "B": "b"}}),
        );
        let sent = to_data(secret);
        assert_eq!(sent.as_value()["stringData"], json!({"A": 1}));
        assert_eq!(sent.as_value()["data"], json!({"B": "Yg=="}));
    }

    #[test]
    fn the_servers_fields_and_null_timestamps_go() {
        let deployment = object(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "namespace": "", "uid": "u", "resourceVersion": "1", "creationTimestamp": null, "labels": {"a": "b"}},
            "spec": {"template": {"metadata": {"creationTimestamp": null, "labels": {"creationTimestamp": "x"}}}}, "status": {}}));
        assert_eq!(
            clean(deployment).as_value(),
            &json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "labels": {"a": "b"}},
                "spec": {"template": {"metadata": {"labels": {"creationTimestamp": "x"}}}}})
        );
    }

    #[test]
    fn line_breaks_in_base64_are_passed_over() {
        assert_eq!(decoded("aGVs\r\nbG8=\n").as_deref(), Some(&b"hello"[..]));
        assert_eq!(decoded("a b"), None);
    }
}
