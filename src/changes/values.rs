//! Values that a live object holds and that must not be shown.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::managed_fields::LAST_APPLIED;
use crate::object::Object;
use crate::secret::Secret;

/// What a Secret's `data` holds, decoded, by its dotted path, and what a client-side apply left of it in its annotations. Other kinds hold nothing sensitive by themselves.
pub fn secret_values(object: &Object) -> Vec<(String, Secret)> {
    if !object.is_secret() {
        return Vec::new();
    }
    let annotations = object.as_value().pointer("/metadata/annotations");
    let last_applied = annotations.and_then(|annotations| annotations.get(LAST_APPLIED)).and_then(Value::as_str);
    let mut values = of(object.as_value());
    values.extend(
        last_applied
            .and_then(|text| serde_json::from_str(text).ok())
            .map(|value: Value| of(&value))
            .unwrap_or_default(),
    );
    values
}

/// Live values of a ConfigMap's keys that will hold something secret, by what `is_secret` says of the wanted text.
pub fn replaced_values(wanted: &Object, live: &Object, is_secret: &dyn Fn(&str) -> bool) -> Vec<Secret> {
    let data = wanted.as_value().get("data").and_then(Value::as_object);
    let secret = data.into_iter().flatten().filter(|(_, text)| text.as_str().is_some_and(is_secret));
    let live = secret.filter_map(|(key, _)| live.as_value().get("data")?.get(key)?.as_str());
    live.map(Secret::new).collect()
}

fn of(secret: &Value) -> Vec<(String, Secret)> {
    let texts = |field: &str| {
        let entries = secret.get(field).and_then(Value::as_object).into_iter().flatten();
        entries.filter_map(|(key, text)| Some((format!("data.{key}"), text.as_str()?)))
    };
    let decoded =
        texts("data").filter_map(|(path, text)| Some((path, String::from_utf8(STANDARD.decode(text).ok()?).ok()?)));
    let texts = decoded.chain(texts("stringData").map(|(path, text)| (path, text.to_owned())));
    texts.map(|(path, text)| (path, Secret::new(text))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secrets_data_and_what_an_apply_left_in_clear_are_found() {
        let annotation = json!({"stringData": {"A": "old"}}).to_string();
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "data": {"A": "bmV3"},
            "metadata": {"name": "s", "annotations": {LAST_APPLIED: annotation}},
        });
        let values = secret_values(&Object::parse(secret).unwrap());
        let values: Vec<(&str, &str)> = values.iter().map(|(path, value)| (path.as_str(), value.expose())).collect();
        assert_eq!(values, [("data.A", "new"), ("data.A", "old")]);
    }
}
