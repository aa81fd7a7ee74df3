//! Cluster-wide objects that several sets may want, such as a Namespace.

use serde_json::Value;

use super::set::SET_ANNOTATION;
use super::sight::HIDDEN_ANNOTATION;
use crate::object::Object;

/// Whether `live` is cluster-wide and already all that `wanted` says, whoever keeps it: an apply would add nothing but our marks.
///
/// A list counts as a whole; what `wanted` leaves out may be anything.
#[must_use]
pub fn is_shared(wanted: &Object, live: &Object) -> bool {
    let mut wanted = wanted.clone();
    if let Some(Value::Object(annotations)) = wanted.as_value_mut().pointer_mut("/metadata/annotations") {
        annotations.shift_remove(SET_ANNOTATION);
        annotations.shift_remove(HIDDEN_ANNOTATION);
    }
    if let Some(Value::Object(metadata)) = wanted.as_value_mut().get_mut("metadata") {
        // A cluster-wide object has no namespace; what a manifest says there means nothing.
        metadata.shift_remove("namespace");
    }
    live.namespace().is_none() && holds(wanted.as_value(), live.as_value())
}

fn holds(wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => wanted.iter().all(|(name, wanted)| match live.get(name) {
            Some(live) => holds(wanted, live),
            None => is_nothing(wanted),
        }),
        (Value::Array(wanted), Value::Array(live)) => {
            wanted.len() == live.len() && wanted.iter().zip(live).all(|(wanted, live)| holds(wanted, live))
        }
        _ => wanted == live,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(is_nothing),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::changes::Set;

    fn namespace(metadata: &Value) -> Object {
        let mut value = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}});
        value["metadata"].as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
        Set::new("owner/name", ".", "demo").mark(Object::parse(value).unwrap())
    }

    #[test]
    fn what_another_keeps_as_we_want_it_is_shared() {
        let live = namespace(&json!({"uid": "u", "labels": {"a": "b", "kubernetes.io/metadata.name": "n"},
            "annotations": {SET_ANNOTATION: "other//.//demo", "theirs": "x"}}));
        for wanted in [json!({}), json!({"labels": {"a": "b"}}), json!({"annotations": {"theirs": "x"}, "labels": {}})]
        {
            assert!(is_shared(&namespace(&wanted), &live), "{wanted}");
        }
        for wanted in
            [json!({"labels": {"a": "c"}}), json!({"labels": {"b": "b"}}), json!({"annotations": {"ours": "x"}})]
        {
            assert!(!is_shared(&namespace(&wanted), &live), "{wanted}");
        }
    }

    #[test]
    fn a_list_counts_as_a_whole_and_a_namespaced_object_is_never_shared() {
        let role = |verbs: Value, namespace: Option<&str>| {
            let mut value = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                "metadata": {"name": "r"}, "rules": [{"verbs": verbs, "resources": ["pods"]}]});
            if let Some(namespace) = namespace {
                value["metadata"]["namespace"] = json!(namespace);
            }
            Object::parse(value).unwrap()
        };
        let get = json!(["get"]);
        assert!(is_shared(&role(get.clone(), Some("n")), &role(get.clone(), None)));
        assert!(!is_shared(&role(get.clone(), None), &role(get.clone(), Some("n"))));
        assert!(!is_shared(&role(get.clone(), None), &role(json!(["get", "list"]), None)));
        assert!(!is_shared(&role(json!(["get", "list"]), None), &role(get, None)));
    }
}
