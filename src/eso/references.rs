//! Which Secrets something names: a pod, a service account, an Ingress, a store.

use std::collections::BTreeSet;

use serde_json::Value;

/// The names of Secrets in `value`: `secretName: N`, `secretKeyRef: {name: N}`, `imagePullSecrets: [{name: N}]`,
/// `projected.sources[].secret.name`, `nodePublishSecretRef`, `tokenSecretRef`.
pub fn secrets_of(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                if key.contains("ecret") {
                    found.extend(names(field));
                }
                collect(field, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

fn names(field: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().filter(|name| !name.is_empty()).map(str::to_owned);
    match field {
        Value::String(_) => text(field).into_iter().collect(),
        Value::Object(fields) => fields.get("name").and_then(text).into_iter().collect(),
        Value::Array(items) => items.iter().filter_map(|item| item.get("name").and_then(text)).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_way_to_name_a_secret_is_seen() {
        let pod = json!({
            "imagePullSecrets": [{"name": "pull"}],
            "containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}}], "envFrom": [{"secretRef": {"name": "all"}}]}],
            "volumes": [{"secret": {"secretName": "volume"}}, {"projected": {"sources": [{"secret": {"name": "projected"}}]}},
                {"configMap": {"name": "no"}}, {"csi": {"nodePublishSecretRef": {"name": "csi"}}}],
        });
        let names: Vec<String> = secrets_of(&pod).into_iter().collect();
        assert_eq!(names, ["all", "csi", "env", "projected", "pull", "volume"]);
    }
}
