//! What the API never lets anybody change, as far as two objects show it.

use serde_json::Value;

use crate::object::Object;

/// Why no apply can make `wanted` of the Secret or ConfigMap `live`, as the predicate of "it cannot be changed so".
#[must_use]
pub fn immutable(wanted: &Object, live: &Object) -> Option<&'static str> {
    if !(wanted.is_secret() || wanted.is_config_map()) {
        return None;
    }
    let field = |object: &Object, name: &str| object.as_value().get(name).cloned().unwrap_or_default();
    let is_immutable = |object: &Object| field(object, "immutable") == Value::Bool(true);
    let keys = |object: &Object, name: &str| field(object, name).as_object().cloned().unwrap_or_default();
    let data_differs = || ["data", "binaryData"].iter().any(|name| keys(wanted, name) != keys(live, name));
    if is_immutable(live) && (!is_immutable(wanted) || data_differs()) {
        return Some("it is `immutable`");
    }
    let kind = |object: &Object| field(object, "type").as_str().map_or_else(|| "Opaque".to_owned(), str::to_owned);
    (wanted.is_secret() && kind(wanted) != kind(live)).then_some("the `type` of a Secret never changes")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_fixed_and_differs_is_told() {
        let object = |more: Value| {
            let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}});
            for (name, value) in more.as_object().unwrap() {
                object[name] = value.clone();
            }
            Object::parse(object).unwrap()
        };
        let (fixed, other) =
            (json!({"immutable": true, "data": {"a": "MQ=="}}), json!({"immutable": true, "data": {"a": "Mg=="}}));
        assert_eq!(immutable(&object(fixed.clone()), &object(fixed.clone())), None);
        assert!(immutable(&object(other), &object(fixed.clone())).is_some());
        assert!(immutable(&object(json!({"data": {"a": "MQ=="}})), &object(fixed)).is_some());
        assert!(immutable(&object(json!({"type": "x/y"})), &object(json!({"type": "Opaque"}))).is_some());
        assert_eq!(immutable(&object(json!({})), &object(json!({"type": "Opaque"}))), None);
    }
}
