//! The way back: an object's content as it was before it was written.

use serde_json::Value;

use super::managed_fields::LAST_APPLIED;
use super::revision::RESTARTS_ANNOTATION;
use crate::object::Object;

/// The manifest that makes a Secret or ConfigMap again what `before` is, read before it was written.
///
/// All of its data, labels and annotations, whoever set them: they were on the object until then. Left out are the copy that a
/// client-side apply kept of its values, and the list of who was to be restarted.
#[must_use]
pub fn as_before(before: &Object) -> Object {
    let mut manifest = before.clone();
    let Some(fields) = manifest.as_value_mut().as_object_mut() else { return manifest };
    fields.retain(|name, _| {
        matches!(name.as_str(), "apiVersion" | "kind" | "metadata" | "type" | "immutable" | "data" | "binaryData")
    });
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        metadata.retain(|name, _| matches!(name.as_str(), "name" | "namespace" | "labels" | "annotations"));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            for name in [LAST_APPLIED, RESTARTS_ANNOTATION] {
                annotations.shift_remove(name);
            }
        }
    }
    manifest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn content_comes_back_and_neither_the_servers_fields_nor_values_in_clear() {
        let before = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"A": "b2xk"}, "immutable": false,
            "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7", "managedFields": [], "finalizers": ["x"],
                "labels": {"l": "1"}, "annotations": {LAST_APPLIED: "hush", RESTARTS_ANNOTATION: "u", "theirs": "x"}}});
        assert_eq!(
            as_before(&Object::parse(before).unwrap()).as_value(),
            &json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"A": "b2xk"}, "immutable": false,
                "metadata": {"name": "a", "namespace": "n", "labels": {"l": "1"}, "annotations": {"theirs": "x"}}})
        );
    }
}
