//! What an apply makes of a live object, worked out here where the server may not be asked.

use serde_json::{Map, Value};

use super::field_set::put;
use super::inherit::Inheritance;
use super::owned::given_up;
use super::quantity;
use crate::object::{Object, by_name};

/// `live` with what `wanted` says, and without what only we own and `wanted` lacks.
///
/// The server's defaults for what is new, webhooks and refusals are not in it.
#[must_use]
pub fn simulated(wanted: &Object, live: &Object, inherited: Option<&Inheritance>) -> Object {
    let mut after = live.clone();
    for path in given_up(wanted, live) {
        put(after.as_value_mut(), &path, None);
    }
    let spelled = if wanted.is_secret() || wanted.is_config_map() { Spelled::Exactly } else { Spelled::ByField };
    merge(after.as_value_mut(), wanted.as_value(), spelled);
    match inherited {
        Some(inherited) => inherited.assumed(after, live),
        None => after,
    }
}

/// How the server keeps a text.
#[derive(Clone, Copy, PartialEq)]
enum Spelled {
    /// Byte by byte.
    Exactly,
    /// Quantities among the fields in a spelling of its own.
    ByField,
    /// As a quantity: `1000m` is `1`.
    Quantity,
}

fn merge(into: &mut Value, wanted: &Value, spelled: Spelled) {
    match (into, wanted) {
        (Value::Object(into), Value::Object(wanted)) => merge_fields(into, wanted, spelled),
        (Value::Array(into), Value::Array(wanted)) => merge_items(into, wanted, spelled),
        (into, wanted) if spelled == Spelled::Quantity && quantity::is_same(into, wanted) => {}
        (into, wanted) => wanted.clone_into(into),
    }
}

fn merge_fields(into: &mut Map<String, Value>, wanted: &Map<String, Value>, spelled: Spelled) {
    for (name, value) in wanted {
        let spelled = if spelled == Spelled::ByField && quantity::is_field(name) { Spelled::Quantity } else { spelled };
        match into.get_mut(name) {
            Some(there) => merge(there, value, spelled),
            None if is_nothing(value) => {}
            None => drop(into.insert(name.clone(), value.clone())),
        }
    }
}

/// By name, where all have one: then those of others stay. Else by their places.
fn merge_items(into: &mut Vec<Value>, wanted: &[Value], spelled: Spelled) {
    let named = by_name(into).is_some() && by_name(wanted).is_some();
    if !named {
        into.truncate(wanted.len());
    }
    for (place, value) in wanted.iter().enumerate() {
        let there = match named {
            true => into.iter_mut().find(|item| item["name"] == value["name"]),
            false => into.get_mut(place),
        };
        match there {
            Some(there) => merge(there, value, spelled),
            None => into.push(value.clone()),
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wanted_fields_win_ours_go_and_those_of_others_stay() {
        let live = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "labels": {"gone": "x", "theirs": "y"}, "managedFields": [
                {"manager": "secret-patch", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:labels": {"f:gone": {}}}}}]},
            "spec": {"replicas": 2, "containers": [{"name": "side", "image": "s"}, {"name": "web", "image": "a:1", "tty": false}],
                "args": ["a", "b"], "ports": [{"containerPort": 1, "protocol": "TCP"}]}});
        let wanted = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "labels": {"new": "z"}},
            "spec": {"containers": [{"name": "web", "image": "a:2"}, {"name": "more"}], "args": ["c"], "volumes": [],
                "ports": [{"containerPort": 1}]}});
        let [live, wanted] = [live, wanted].map(|value| Object::parse(value).unwrap());
        let after = simulated(&wanted, &live, None);
        assert_eq!(after.as_value()["metadata"]["labels"], json!({"theirs": "y", "new": "z"}));
        assert_eq!(
            after.as_value()["spec"],
            json!({"replicas": 2, "containers": [{"name": "side", "image": "s"}, {"name": "web", "image": "a:2", "tty": false},
                {"name": "more"}], "args": ["c"], "ports": [{"containerPort": 1, "protocol": "TCP"}]})
        );
    }
}
