//! Which Secrets and ConfigMaps the pods of a workload take.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

/// A Secret or ConfigMap by its name, in the namespace of what uses it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Used {
    /// `Secret` or `ConfigMap`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
}

impl Used {
    fn secret(name: &str) -> Self {
        Self { kind: "Secret".to_owned(), name: name.to_owned() }
    }

    fn config_map(name: &str) -> Self {
        Self { kind: "ConfigMap".to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// What the pods of `workload` take through `env`, `envFrom` and volumes (`projected` ones too), in every kind of container.
///
/// What an image is pulled with, a CSI driver reads or a storage driver logs in with reaches no process of the pod.
pub(super) fn uses(workload: &Value) -> BTreeSet<Used> {
    let mut found = BTreeSet::new();
    let Some(pod) = workload.pointer("/spec/template/spec") else { return found };
    for container in ["initContainers", "containers", "ephemeralContainers"].iter().flat_map(|list| items(pod, list)) {
        for variable in items(container, "env") {
            found.extend(text(variable, "/valueFrom/secretKeyRef/name").map(Used::secret));
            found.extend(text(variable, "/valueFrom/configMapKeyRef/name").map(Used::config_map));
        }
        for whole in items(container, "envFrom") {
            found.extend(text(whole, "/secretRef/name").map(Used::secret));
            found.extend(text(whole, "/configMapRef/name").map(Used::config_map));
        }
    }
    for volume in items(pod, "volumes") {
        found.extend(text(volume, "/secret/secretName").map(Used::secret));
        found.extend(text(volume, "/configMap/name").map(Used::config_map));
        let sources = volume.pointer("/projected/sources").and_then(Value::as_array);
        for source in sources.into_iter().flatten() {
            found.extend(text(source, "/secret/name").map(Used::secret));
            found.extend(text(source, "/configMap/name").map(Used::config_map));
        }
    }
    found
}

fn items<'a>(parent: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    parent.get(list).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(parent: &'a Value, pointer: &str) -> Option<&'a str> {
    parent.pointer(pointer).and_then(Value::as_str).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn used(pod: Value) -> Vec<String> {
        uses(&json!({"spec": {"template": {"spec": pod}}})).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_way_into_a_pod_is_found() {
        let env = json!([
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s-env", "key": "A"}}},
            {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c-env", "key": "B"}}},
            {"name": "C", "value": "literal"},
            {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ]);
        let from = json!([{"secretRef": {"name": "s-from"}}, {"configMapRef": {"name": "c-from"}, "prefix": "P_"}]);
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            let found = used(json!({list: [{"name": "other"}, {"name": "web", "env": env, "envFrom": from}]}));
            assert_eq!(found, ["ConfigMap/c-env", "ConfigMap/c-from", "Secret/s-env", "Secret/s-from"], "{list}");
        }
        let volumes = json!([
            {"name": "a", "secret": {"secretName": "s-volume", "optional": true}},
            {"name": "b", "configMap": {"name": "c-volume"}},
            {"name": "c", "projected": {"sources": [{"secret": {"name": "s-projected"}}, {"configMap": {"name": "c-projected"}},
                {"serviceAccountToken": {"path": "token"}}]}},
        ]);
        assert_eq!(
            used(json!({"volumes": volumes, "containers": [{"name": "web"}]})),
            ["ConfigMap/c-projected", "ConfigMap/c-volume", "Secret/s-projected", "Secret/s-volume"]
        );
    }

    #[test]
    fn what_reaches_no_process_of_the_pod_is_no_use() {
        let volumes = json!([
            {"name": "a", "csi": {"driver": "x", "nodePublishSecretRef": {"name": "csi"}}},
            {"name": "b", "cephfs": {"secretRef": {"name": "ceph"}}},
            {"name": "c", "emptyDir": {}},
        ]);
        assert_eq!(
            used(json!({"volumes": volumes, "imagePullSecrets": [{"name": "pull"}], "containers": []})),
            [""; 0]
        );
        assert_eq!(uses(&json!({"spec": {}})), BTreeSet::new());
    }
}
