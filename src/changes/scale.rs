//! Replicas that an autoscaler or `kubectl scale` sets: not ours to set again.

use serde_json::Value;

use super::field_set::{FieldSet, field};
use crate::object::Object;

/// Leaves `spec.replicas` out of `wanted` where the scale subresource owns it in `live`; whether it was in there.
///
/// Left out elsewhere it would fall to 1 as soon as nobody else owns it.
pub fn leave_to_scale(wanted: &mut Object, live: &Object) -> bool {
    let path = ["spec", "replicas"].map(field).to_vec();
    let entries = live.as_value().pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut scaled = entries.into_iter().flatten().filter(|entry| entry["subresource"] == "scale");
    if !scaled.any(|entry| FieldSet::parse(&entry["fieldsV1"]).holds(&path)) {
        return false;
    }
    let spec = wanted.as_value_mut().get_mut("spec").and_then(Value::as_object_mut);
    spec.is_some_and(|spec| spec.shift_remove("replicas").is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(managed_fields: Value) -> Object {
        Object::parse(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "managedFields": managed_fields},
            "spec": {"replicas": 3, "paused": false}}))
        .unwrap()
    }

    #[test]
    fn replicas_are_left_out_only_where_scale_owns_them() {
        let replicas = json!({"f:spec": {"f:replicas": {}}});
        let mut wanted = deployment(json!(null));
        assert!(!leave_to_scale(&mut wanted, &deployment(json!([{"manager": "kubectl", "fieldsV1": replicas}]))));
        assert!(!leave_to_scale(
            &mut wanted,
            &deployment(json!([{"manager": "m", "subresource": "scale", "fieldsV1": {}}]))
        ));
        assert_eq!(wanted, deployment(json!(null)));
        let live = deployment(json!([{"manager": "m", "subresource": "scale", "fieldsV1": replicas}]));
        assert!(leave_to_scale(&mut wanted, &live));
        assert_eq!(wanted.as_value()["spec"], json!({"paused": false}));
        assert!(!leave_to_scale(&mut wanted, &live), "told once");
    }
}
