//! ExternalSecrets as manifests.

use serde_json::{Map, Value, json};

use super::PLAN_ANNOTATION;
use super::facts::Encoding;
use super::plan::{Plan, SecretPlan};
use crate::object::Object;

/// The ExternalSecret that takes the live Secret over. It owns nothing (`Orphan`), so that the Secret stays whatever becomes of it,
/// and deletes nothing (`Retain`).
pub fn real(plan: &Plan, secret: &SecretPlan) -> Value {
    external_secret(plan, secret, &secret.external_secret, &secret.secret, "Orphan")
}

/// The ExternalSecret of the trial, whose Secret nobody uses and which goes with it.
pub fn shadow(plan: &Plan, secret: &SecretPlan) -> Value {
    let (name, target) = secret.trial();
    let mut manifest = external_secret(plan, secret, &name, &target, "Owner");
    // Labels and annotations of people may make other controllers act.
    manifest["spec"]["target"]["template"]["metadata"] = json!({});
    manifest
}

/// A JSON patch that makes the controller look at an ExternalSecret again: any change of an annotation does.
pub fn forced(external: &Object, mark: &str) -> Value {
    let has_annotations = external.as_value().pointer("/metadata/annotations").is_some();
    if has_annotations {
        json!([{"op": "add", "path": "/metadata/annotations/force-sync", "value": mark}])
    } else {
        json!([{"op": "add", "path": "/metadata/annotations", "value": {"force-sync": mark}}])
    }
}

fn external_secret(plan: &Plan, secret: &SecretPlan, name: &str, target: &str, creation: &str) -> Value {
    let annotations = Map::from_iter([(PLAN_ANNOTATION.to_owned(), Value::from(plan.id.as_str()))]);
    let mut metadata = json!({});
    if !secret.labels.is_empty() {
        metadata["labels"] = json!(secret.labels);
    }
    if !secret.annotations.is_empty() {
        metadata["annotations"] = json!(secret.annotations);
    }
    // Without a template, labels and annotations of the ExternalSecret would be copied to the Secret.
    let mut target = json!({
        "name": target,
        "creationPolicy": creation,
        "deletionPolicy": "Retain",
        "template": {"type": secret.kind, "engineVersion": "v2", "metadata": metadata},
    });
    if secret.immutable {
        target["immutable"] = Value::Bool(true);
    }
    json!({
        "apiVersion": plan.api_version,
        "kind": "ExternalSecret",
        "metadata": {"name": name, "namespace": secret.namespace, "annotations": annotations},
        "spec": {
            "refreshInterval": plan.refresh,
            "secretStoreRef": {"kind": plan.store.kind, "name": plan.store.name},
            "target": target,
            "data": secret.keys.iter().map(|key| {
                let decoding = if key.encoding() == Encoding::Base64 { "Base64" } else { "None" };
                // With the server's own defaults: who applies the file later would conflict with a list that lacks them.
                let reference = json!({
                    "key": secret.path, "property": key.property(),
                    "decodingStrategy": decoding, "conversionStrategy": "Default", "metadataPolicy": "None",
                });
                json!({"secretKey": key.key, "remoteRef": reference})
            }).collect::<Vec<_>>(),
        },
    })
}
