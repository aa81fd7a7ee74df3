//! ExternalSecrets as manifests.

use std::collections::BTreeMap;

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
    manifest["spec"]["target"]["template"]["metadata"] = json!({"annotations": nameless(secret)});
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

/// Texts of a Secret's annotations, to be read by External Secrets in the trial as in earnest. People's own names, as their labels, may make
/// other controllers act.
fn nameless(secret: &SecretPlan) -> BTreeMap<String, String> {
    let named = |(number, text): (usize, &String)| (format!("secret-patch.dev/annotation-{number}"), literal(text));
    secret.annotations.values().enumerate().map(named).collect()
}

/// `text` as a template that gives it: External Secrets executes annotations, and what stands in `{{ }}` may name a value.
fn literal(text: &str) -> String {
    text.replace("{{", r#"{{ "{{" }}"#)
}

fn external_secret(plan: &Plan, secret: &SecretPlan, name: &str, target: &str, creation: &str) -> Value {
    let annotations = Map::from_iter([(PLAN_ANNOTATION.to_owned(), Value::from(plan.id.as_str()))]);
    let mut metadata = json!({});
    if !secret.labels.is_empty() {
        metadata["labels"] = json!(secret.labels);
    }
    if !secret.annotations.is_empty() {
        let literal = |(name, text): (&String, &String)| (name.clone(), literal(text));
        metadata["annotations"] = json!(secret.annotations.iter().map(literal).collect::<BTreeMap<_, _>>());
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
                let decoding = if key.encoding == Encoding::Base64 { "Base64" } else { "None" };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_are_no_templates_in_earnest_and_in_the_trial() {
        let yaml = "{version: 1, id: i, apiVersion: v, store: {kind: SecretStore, name: s}, mount: m, refresh: 1h0m0s, secrets: [
            {namespace: n, secret: s, path: p, externalSecret: e, type: Opaque, keys: [], labels: {team: a}, annotations: {note: 'use {{ .pw }}, {{{x'}}]}";
        let plan = Plan::parse("p", yaml).unwrap();
        let metadata = |manifest: Value| manifest["spec"]["target"]["template"]["metadata"].clone();
        let text = r#"use {{ "{{" }} .pw }}, {{ "{{" }}{x"#;
        let wanted = json!({"labels": {"team": "a"}, "annotations": {"note": text}});
        assert_eq!(metadata(real(&plan, &plan.secrets[0])), wanted);
        let wanted = json!({"annotations": {"secret-patch.dev/annotation-0": text}});
        assert_eq!(metadata(shadow(&plan, &plan.secrets[0])), wanted);
    }
}
