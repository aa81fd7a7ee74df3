//! Objects that a controller or another tool keeps as it wants them: what we wrote would be undone, or would break it.

use crate::object::{ARGO_CD_TRACKING, EXTERNAL_SECRETS_HASH, EXTERNAL_SECRETS_LABEL, Marks, Object};

/// Who keeps an object, and what to do instead of applying it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracker {
    /// Such as `Argo CD`, with the name of what it keeps the object for where that is known.
    pub owner: String,
    /// What to do.
    pub help: String,
}

/// Who keeps `live`, by the marks that it leaves.
#[must_use]
pub fn tracked_by(live: &Object) -> Option<Tracker> {
    let found = [external_secrets, sealed_secrets, cert_manager, argo_cd, flux, helm, controller];
    found.iter().find_map(|owner| owner(&Marks(live.as_value())))
}

fn tracker(owner: impl Into<String>, help: impl Into<String>) -> Option<Tracker> {
    Some(Tracker { owner: owner.into(), help: help.into() })
}

fn named(owner: &str, name: Option<&str>) -> String {
    name.filter(|name| !name.is_empty()).map_or_else(|| owner.to_owned(), |name| format!("{owner} (`{name}`)"))
}

fn external_secrets(marks: &Marks<'_>) -> Option<Tracker> {
    let (label, hash) = (EXTERNAL_SECRETS_LABEL, EXTERNAL_SECRETS_HASH);
    let owner = marks.owner("external-secrets.io", "ExternalSecret");
    if owner.is_none() && marks.label(label) != Some("true") && marks.annotation(hash).is_none() {
        return None;
    }
    tracker(
        named("External Secrets", owner),
        format!(
            "change the value where its ExternalSecret reads it, and leave the Secret out of the build; or delete the ExternalSecret \
             (`kubectl delete externalsecret NAME --cascade=orphan`) and the marks that it leaves \
             (`kubectl label secret NAME {label}-`, `kubectl annotate secret NAME {hash}-`)"
        ),
    )
}

fn sealed_secrets(marks: &Marks<'_>) -> Option<Tracker> {
    const MANAGED: &str = "sealedsecrets.bitnami.com/managed";
    let owner = marks.owner("bitnami.com", "SealedSecret");
    let is_key = marks.label("sealedsecrets.bitnami.com/sealed-secrets-key").is_some();
    if owner.is_none() && !is_key && marks.annotation(MANAGED) != Some("true") {
        return None;
    }
    tracker(
        named("Sealed Secrets", owner),
        format!(
            "seal the new value and leave the Secret out of the build; or delete the SealedSecret \
             (`kubectl delete sealedsecret NAME --cascade=orphan`) and its mark (`kubectl annotate secret NAME {MANAGED}-`)"
        ),
    )
}

fn cert_manager(marks: &Marks<'_>) -> Option<Tracker> {
    const NAME: &str = "cert-manager.io/certificate-name";
    let certificate = marks.annotation(NAME)?;
    tracker(
        named("cert-manager", Some(certificate)),
        format!(
            "leave the Secret out of the build, since cert-manager renews it; or delete the Certificate \
             and its mark (`kubectl annotate secret NAME {NAME}-`)"
        ),
    )
}

fn argo_cd(marks: &Marks<'_>) -> Option<Tracker> {
    let application = marks.argo_cd()?;
    tracker(
        named("Argo CD", Some(application)),
        format!(
            "change it in the repository that Argo CD reads, and leave it out of the build (`kinds`); \
             or take it out of the Application without pruning, and remove its mark (`kubectl annotate KIND NAME {ARGO_CD_TRACKING}-`)"
        ),
    )
}

fn flux(marks: &Marks<'_>) -> Option<Tracker> {
    const LABELS: [&str; 2] = ["kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name"];
    let (label, name) = LABELS.iter().find_map(|label| Some((label, marks.label(label)?)))?;
    tracker(
        named("Flux", Some(name)),
        format!(
            "change it in the repository that Flux reads, and leave it out of the build (`kinds`); \
             or take it out of there without pruning, and remove its mark (`kubectl label KIND NAME {label}-`)"
        ),
    )
}

fn helm(marks: &Marks<'_>) -> Option<Tracker> {
    const NAME: &str = "meta.helm.sh/release-name";
    let stores_release = marks.0["type"] == "helm.sh/release.v1";
    let release = marks.annotation(NAME).or(stores_release.then_some(""))?;
    tracker(
        named("Helm", Some(release)),
        format!(
            "set it in the release's values (`helm upgrade`), and leave it out of the build (`kinds`); \
             or take it out of the chart with `helm.sh/resource-policy: keep`, and remove its mark \
             (`kubectl annotate KIND NAME {NAME}-`)"
        ),
    )
}

/// Whatever else writes an object of its own.
fn controller(marks: &Marks<'_>) -> Option<Tracker> {
    let owner = marks.owners().find(|owner| owner["controller"] == true)?;
    let text = |field: &str| owner[field].as_str().unwrap_or_default();
    tracker(
        format!("the {} `{}`", text("kind"), text("name")),
        "leave it out of the build: what made it keeps it as it wants it",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn owner(metadata: Value) -> Option<String> {
        let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}});
        for (name, value) in metadata.as_object().unwrap() {
            if name == "type" { object["type"] = value.clone() } else { object["metadata"][name] = value.clone() }
        }
        tracked_by(&Object::parse(object).unwrap()).map(|tracker| tracker.owner)
    }

    fn owned(api_version: &str, kind: &str) -> Value {
        json!({"ownerReferences": [{"apiVersion": api_version, "kind": kind, "name": "o", "controller": true}]})
    }

    #[test]
    fn every_owner_is_known_by_each_of_its_marks() {
        for (metadata, expected) in [
            (owned("external-secrets.io/v1", "ExternalSecret"), "External Secrets (`o`)"),
            (json!({"labels": {"reconcile.external-secrets.io/managed": "true"}}), "External Secrets"),
            (json!({"annotations": {"reconcile.external-secrets.io/data-hash": "x"}}), "External Secrets"),
            (owned("bitnami.com/v1alpha1", "SealedSecret"), "Sealed Secrets (`o`)"),
            (json!({"annotations": {"sealedsecrets.bitnami.com/managed": "true"}}), "Sealed Secrets"),
            (json!({"labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"}}), "Sealed Secrets"),
            (json!({"annotations": {"cert-manager.io/certificate-name": "web"}}), "cert-manager (`web`)"),
            (json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:/Secret:n/a"}}), "Argo CD (`shop`)"),
            (
                json!({"labels": {"app.kubernetes.io/instance": "shop"}, "managedFields": [{"manager": "argocd-controller"}]}),
                "Argo CD (`shop`)",
            ),
            (json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}), "Flux (`apps`)"),
            (json!({"labels": {"helm.toolkit.fluxcd.io/name": "apps"}}), "Flux (`apps`)"),
            (json!({"annotations": {"meta.helm.sh/release-name": "web"}}), "Helm (`web`)"),
            (json!({"type": "helm.sh/release.v1"}), "Helm"),
            (owned("secrets.hashicorp.com/v1beta1", "VaultStaticSecret"), "the VaultStaticSecret `o`"),
        ] {
            assert_eq!(owner(metadata.clone()).as_deref(), Some(expected), "{metadata}");
        }
    }

    #[test]
    fn labels_of_charts_and_owners_that_control_nothing_are_no_marks() {
        assert_eq!(
            owner(json!({"labels": {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "x"}})),
            None
        );
        assert_eq!(owner(json!({"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o"}]})), None);
        assert_eq!(owner(json!({"annotations": {"sealedsecrets.bitnami.com/managed": "false"}})), None);
    }
}
