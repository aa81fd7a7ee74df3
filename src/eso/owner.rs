//! Who owns a Secret, by the signs that tools leave on it.

use std::fmt;

use serde_json::Value;

use crate::changes::{MANAGER, Set, is_hand_manager};
use crate::object::{EXTERNAL_SECRETS_HASH, EXTERNAL_SECRETS_LABEL, Marks, Object};

/// Who keeps a Secret as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Somebody, with kubectl.
    Manual,
    /// This program; the set it belongs to.
    Ours(Set),
    /// This ExternalSecret.
    ExternalSecret(String),
    /// An ExternalSecret that is gone, as its marks say.
    LeftByExternalSecrets,
    /// The Helm release of this name.
    Helm(String),
    /// Helm itself, which keeps its releases in Secrets.
    HelmStorage,
    /// The Certificate of this name.
    CertManager(String),
    /// The SealedSecret of this name, or the controller itself.
    SealedSecrets(String),
    /// The Application of this name.
    ArgoCd(String),
    /// The Kustomization or HelmRelease of this name.
    Flux(String),
    /// The service account of this name.
    ServiceAccount(String),
    /// Nodes that join the cluster.
    Bootstrap,
    /// The CSI driver for secrets.
    Csi,
    /// Vault Secrets Operator.
    VaultSecretsOperator,
    /// Another controller: kind and name of the owner reference.
    Controller(String, String),
    /// A program that is none of the above, by its field manager.
    Program(String),
}

impl Owner {
    /// Who owns `secret`. `target_of` is the ExternalSecret whose target it is, which alone proves that one owns it.
    pub fn of(secret: &Object, target_of: Option<&str>) -> Self {
        let marks = Marks(secret.as_value());
        if let Some(name) = target_of {
            return Self::ExternalSecret(name.to_owned());
        }
        let signs = [by_type, by_reference, by_mark, by_manager];
        signs.iter().find_map(|sign| sign(&marks)).unwrap_or_else(|| Set::of(secret).map_or(Self::Manual, Self::Ours))
    }

    /// Whether a plan takes the Secret.
    pub fn is_movable(&self) -> bool {
        matches!(self, Self::Manual | Self::Ours(_) | Self::LeftByExternalSecrets)
    }

    /// The word for it in data.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Ours(_) => "secret-patch",
            Self::ExternalSecret(_) => "external-secrets",
            Self::LeftByExternalSecrets => "left-by-external-secrets",
            Self::Helm(_) => "helm",
            Self::HelmStorage => "helm-storage",
            Self::CertManager(_) => "cert-manager",
            Self::SealedSecrets(_) => "sealed-secrets",
            Self::ArgoCd(_) => "argo-cd",
            Self::Flux(_) => "flux",
            Self::ServiceAccount(_) => "service-account",
            Self::Bootstrap => "bootstrap",
            Self::Csi => "csi",
            Self::VaultSecretsOperator => "vault-secrets-operator",
            Self::Controller(..) => "controller",
            Self::Program(_) => "program",
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |f: &mut fmt::Formatter<'_>, what: &str, name: &str| match name {
            "" => f.write_str(what),
            name => write!(f, "{what} {name}"),
        };
        match self {
            Self::Manual => f.write_str("manual"),
            Self::Ours(set) => write!(f, "secret-patch {set}"),
            Self::ExternalSecret(name) => write!(f, "ExternalSecret {name}"),
            Self::LeftByExternalSecrets => f.write_str("manual, with marks of an ExternalSecret that is gone"),
            Self::Helm(release) => named(f, "Helm", release),
            Self::HelmStorage => f.write_str("Helm's own storage"),
            Self::CertManager(name) => named(f, "cert-manager", name),
            Self::SealedSecrets(name) => named(f, "Sealed Secrets", name),
            Self::ArgoCd(name) => named(f, "Argo CD", name),
            Self::Flux(name) => named(f, "Flux", name),
            Self::ServiceAccount(name) => named(f, "service account", name),
            Self::Bootstrap => f.write_str("bootstrap token"),
            Self::Csi => f.write_str("secrets store CSI driver"),
            Self::VaultSecretsOperator => f.write_str("Vault Secrets Operator"),
            Self::Controller(kind, name) => write!(f, "{kind} {name}"),
            Self::Program(manager) => write!(f, "the program {manager}"),
        }
    }
}

/// Whether something other than a person owns the object by an owner reference.
pub fn has_owner_reference(secret: &Object) -> bool {
    Marks(secret.as_value()).owners().next().is_some()
}

fn by_type(marks: &Marks<'_>) -> Option<Owner> {
    match marks.text("/type")? {
        "helm.sh/release.v1" => Some(Owner::HelmStorage),
        "kubernetes.io/service-account-token" => {
            let name = marks.annotation("kubernetes.io/service-account.name").unwrap_or_default();
            Some(Owner::ServiceAccount(name.to_owned()))
        }
        "bootstrap.kubernetes.io/token" => Some(Owner::Bootstrap),
        _ => None,
    }
}

fn by_reference(marks: &Marks<'_>) -> Option<Owner> {
    // The one that controls it, or any.
    let owner = marks.owners().find(|owner| owner["controller"] == true).or_else(|| marks.owners().next())?;
    let text = |field: &str| owner[field].as_str().unwrap_or_default().to_owned();
    let version = text("apiVersion");
    let group = version.split('/').next().unwrap_or_default();
    Some(match (group, text("kind").as_str()) {
        ("external-secrets.io", "ExternalSecret") => Owner::ExternalSecret(text("name")),
        ("bitnami.com", "SealedSecret") => Owner::SealedSecrets(text("name")),
        ("cert-manager.io", "Certificate") => Owner::CertManager(text("name")),
        (_, kind) => Owner::Controller(kind.to_owned(), text("name")),
    })
}

fn by_mark(marks: &Marks<'_>) -> Option<Owner> {
    let by_name = |name: &str| name.to_owned();
    let managed_by = marks.label("app.kubernetes.io/managed-by");
    let sealed = marks.label("sealedsecrets.bitnami.com/sealed-secrets-key").is_some()
        || marks.annotation("sealedsecrets.bitnami.com/managed").is_some();
    let csi = marks.label("secrets-store.csi.k8s.io/managed").is_some();
    let flux = ["kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name"];
    None.or_else(|| marks.annotation("cert-manager.io/certificate-name").map(by_name).map(Owner::CertManager))
        .or_else(|| sealed.then(|| Owner::SealedSecrets(String::new())))
        .or_else(|| csi.then_some(Owner::Csi))
        .or_else(|| (managed_by == Some("hashicorp-vso")).then_some(Owner::VaultSecretsOperator))
        .or_else(|| marks.argo_cd().map(by_name).map(Owner::ArgoCd))
        .or_else(|| flux.iter().find_map(|label| marks.label(label)).map(by_name).map(Owner::Flux))
        .or_else(|| marks.annotation("meta.helm.sh/release-name").map(by_name).map(Owner::Helm))
        .or_else(|| (managed_by == Some("Helm")).then(|| Owner::Helm(String::new())))
        .or_else(|| {
            let is_marked = marks.label(EXTERNAL_SECRETS_LABEL) == Some("true")
                || marks.annotation(EXTERNAL_SECRETS_HASH).is_some();
            is_marked.then_some(Owner::LeftByExternalSecrets)
        })
}

/// Programs that are no hand's and not ours; a Secret without managers may be a person's.
fn by_manager(marks: &Marks<'_>) -> Option<Owner> {
    let is_ours = |manager: &&str| *manager == MANAGER || manager.starts_with("externalsecrets.external-secrets.io/");
    let of_data = marks.0.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
    let of_data = of_data.filter(|entry| entry.pointer("/fieldsV1/f:data").is_some());
    let mut managers = of_data.filter_map(|entry| entry["manager"].as_str());
    managers.find(|manager| !is_hand_manager(manager) && !is_ours(manager)).map(|name| Owner::Program(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owner(metadata: Value, kind: &str) -> String {
        let mut metadata = metadata;
        metadata["name"] = json!("s");
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata});
        Owner::of(&Object::parse(secret).unwrap(), None).to_string()
    }

    #[test]
    fn each_tool_is_known_by_its_signs() {
        let opaque = |metadata| owner(metadata, "Opaque");
        let reference = |group: &str, kind: &str| json!({"ownerReferences": [{"apiVersion": format!("{group}/v1"), "kind": kind, "name": "x"}]});
        assert_eq!(opaque(json!({})), "manual");
        assert_eq!(opaque(json!({"annotations": {"secret-patch.dev/set": "o/r//.//dev"}})), "secret-patch o/r//.//dev");
        assert_eq!(opaque(reference("external-secrets.io", "ExternalSecret")), "ExternalSecret x");
        assert_eq!(opaque(reference("bitnami.com", "SealedSecret")), "Sealed Secrets x");
        assert_eq!(opaque(reference("acme.org", "Database")), "Database x");
        assert_eq!(opaque(json!({"annotations": {"meta.helm.sh/release-name": "web"}})), "Helm web");
        assert_eq!(opaque(json!({"annotations": {"cert-manager.io/certificate-name": "tls"}})), "cert-manager tls");
        assert_eq!(
            opaque(json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:/Secret:a/b"}})),
            "Argo CD shop"
        );
        assert_eq!(opaque(json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}})), "Flux apps");
        assert_eq!(opaque(json!({"labels": {"secrets-store.csi.k8s.io/managed": "true"}})), "secrets store CSI driver");
        assert_eq!(
            opaque(json!({"labels": {"app.kubernetes.io/managed-by": "hashicorp-vso"}})),
            "Vault Secrets Operator"
        );
        assert_eq!(owner(json!({}), "helm.sh/release.v1"), "Helm's own storage");
        assert_eq!(
            owner(
                json!({"annotations": {"kubernetes.io/service-account.name": "ci"}}),
                "kubernetes.io/service-account-token"
            ),
            "service account ci"
        );
    }

    #[test]
    fn marks_of_external_secrets_alone_do_not_prove_that_one_owns_it() {
        let marked = json!({"labels": {"reconcile.external-secrets.io/managed": "true"}});
        assert_eq!(owner(marked, "Opaque"), "manual, with marks of an ExternalSecret that is gone");
    }

    #[test]
    fn a_program_that_wrote_data_is_named_and_kubectl_is_a_hand() {
        let by = |manager: &str| json!({"managedFields": [{"manager": manager, "fieldsV1": {"f:data": {}}}]});
        assert_eq!(owner(by("kubectl-create"), "Opaque"), "manual");
        assert_eq!(owner(by("terraform"), "Opaque"), "the program terraform");
        assert_eq!(
            owner(json!({"managedFields": [{"manager": "reloader", "fieldsV1": {"f:metadata": {}}}]}), "Opaque"),
            "manual"
        );
    }
}
