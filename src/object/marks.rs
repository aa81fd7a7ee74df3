//! What tools leave on an object, by which it is known whose it is.

use serde_json::Value;

/// The label that External Secrets puts on every Secret that it has looked at.
pub const EXTERNAL_SECRETS_LABEL: &str = "reconcile.external-secrets.io/managed";
/// The annotation with which External Secrets tells whether a Secret was changed.
pub const EXTERNAL_SECRETS_HASH: &str = "reconcile.external-secrets.io/data-hash";
/// The annotation with which Argo CD tracks an object.
pub const ARGO_CD_TRACKING: &str = "argocd.argoproj.io/tracking-id";
/// The field managers of Argo CD.
const ARGO_CD_MANAGERS: [&str; 2] = ["argocd-controller", "argocd-application-controller"];

/// Type, labels, annotations, owners and managers of a live object.
#[derive(Debug, Clone, Copy)]
pub struct Marks<'a>(pub &'a Value);

impl<'a> Marks<'a> {
    /// The text at `pointer`.
    pub fn text(&self, pointer: &str) -> Option<&'a str> {
        self.0.pointer(pointer).and_then(Value::as_str)
    }

    /// The annotation `name`.
    pub fn annotation(&self, name: &str) -> Option<&'a str> {
        self.0.pointer("/metadata/annotations")?.get(name)?.as_str()
    }

    /// The label `name`.
    pub fn label(&self, name: &str) -> Option<&'a str> {
        self.0.pointer("/metadata/labels")?.get(name)?.as_str()
    }

    /// The owner references.
    pub fn owners(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.0.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten()
    }

    /// The name of the owner of this kind, in any version of the group.
    pub fn owner(&self, group: &str, kind: &str) -> Option<&'a str> {
        let of_group = |owner: &&Value| {
            owner["apiVersion"].as_str().is_some_and(|version| version.split('/').next() == Some(group))
        };
        self.owners().filter(of_group).find(|owner| owner["kind"] == kind)?["name"].as_str()
    }

    /// Whether the field manager `name` has applied the object server-side.
    pub fn is_applied_by(&self, name: &str) -> bool {
        self.managed_fields().any(|entry| entry["manager"] == name && entry["operation"] == "Apply")
    }

    fn managed_fields(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.0.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten()
    }

    /// The Argo CD application that tracks the object: by its annotation, or by a label that is in many charts too, so that alone
    /// it says nothing.
    pub fn argo_cd(&self) -> Option<&'a str> {
        let by_annotation = self.annotation(ARGO_CD_TRACKING).and_then(|id| id.split(':').next());
        let mut managers = self.managed_fields().filter_map(|entry| entry["manager"].as_str());
        let is_managed = managers.any(|manager| ARGO_CD_MANAGERS.contains(&manager));
        by_annotation.or_else(|| self.label("app.kubernetes.io/instance").filter(|_| is_managed))
    }
}
