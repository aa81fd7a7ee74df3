//! Objects of which nobody owns anything: made before there were field managers, or whose list somebody has emptied.

use serde_json::{Map, Value, json};

use super::field_set::{FieldSet, field};
use crate::object::Object;

/// The manager to which the server gives all fields of such an object at the first server-side apply to it.
pub(super) const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// The entry of `managedFields` that the server would then make; `None` where the fields of the kind cannot be told without its schema.
pub(super) fn entry(live: &Object) -> Option<Value> {
    if !has_plain_fields(live) {
        return None;
    }
    let object = live.as_value().as_object()?;
    let own = object.iter().filter(|(name, _)| !matches!(name.as_str(), "apiVersion" | "kind" | "metadata"));
    let metadata = object.get("metadata").and_then(Value::as_object).into_iter().flatten();
    let marks = metadata.filter(|(name, _)| matches!(name.as_str(), "labels" | "annotations"));
    let own = own.flat_map(|(name, value)| with_members(&[], name, value));
    let marks = marks.flat_map(|(name, value)| with_members(&["metadata"], name, value));
    let fields: FieldSet = own.chain(marks).collect();
    Some(json!({"manager": BEFORE_FIRST_APPLY, "operation": "Update", "apiVersion": live.api_version(),
        "fieldsType": "FieldsV1", "fieldsV1": fields.to_fields()}))
}

/// Whether an object has no lists, and no mappings in mappings but its metadata.
pub(super) fn has_plain_fields(object: &Object) -> bool {
    object.is_secret() || object.is_config_map()
}

/// The path of a field, or of each of its members, if it has any.
fn with_members(parents: &[&str], name: &str, value: &Value) -> Vec<Vec<String>> {
    let path: Vec<String> = parents.iter().chain([&name]).map(|name| field(name)).collect();
    match value.as_object().map(Map::keys) {
        Some(keys) => keys.map(|key| [path.as_slice(), &[field(key)]].concat()).collect(),
        None => vec![path],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_secret_is_named_and_no_value() {
        let live = |kind: &str| {
            let metadata = json!({"name": "a", "uid": "u", "labels": {"l": "x"}, "annotations": {"a.b/c": "y"}, "finalizers": ["f"]});
            let object = json!({"apiVersion": "v1", "kind": kind, "type": "Opaque", "immutable": false,
                "data": {"A": "YQ==", "B": "Yg=="}, "metadata": metadata});
            Object::parse(object).unwrap()
        };
        let fields = json!({"f:data": {"f:A": {}, "f:B": {}}, "f:immutable": {}, "f:type": {},
            "f:metadata": {"f:annotations": {"f:a.b/c": {}}, "f:labels": {"f:l": {}}}});
        assert_eq!(entry(&live("Secret")).unwrap()["fieldsV1"], fields);
        assert!(entry(&live("ConfigMap")).is_some() && entry(&live("Deployment")).is_none());
    }
}
