//! What a kind is called in URLs and rules.

use serde_json::Value;

use crate::object::Object;

/// Whether a kind lives in namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// It does.
    Namespaced,
    /// It does not.
    Cluster,
}

/// A kind as rules name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The plural, such as `secrets`.
    pub plural: String,
    /// Where its objects live.
    pub scope: Scope,
}

/// Group, kinds that live in namespaces, and kinds that do not; a plural stands beside its kind where it is not a mere `s`.
type Group = (&'static str, &'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]);

/// The kinds that Kubernetes itself brings and that stand in manifests.
const BUILTIN: [Group; 11] = [
    (
        "",
        &[
            ("ConfigMap", ""),
            ("Endpoints", "endpoints"),
            ("LimitRange", ""),
            ("PersistentVolumeClaim", ""),
            ("Pod", ""),
            ("PodTemplate", ""),
            ("ReplicationController", ""),
            ("ResourceQuota", ""),
            ("Secret", ""),
            ("Service", ""),
            ("ServiceAccount", ""),
        ],
        &[("Namespace", ""), ("PersistentVolume", "")],
    ),
    (
        "apps",
        &[("ControllerRevision", ""), ("DaemonSet", ""), ("Deployment", ""), ("ReplicaSet", ""), ("StatefulSet", "")],
        &[],
    ),
    ("autoscaling", &[("HorizontalPodAutoscaler", "")], &[]),
    ("batch", &[("CronJob", ""), ("Job", "")], &[]),
    (
        "networking.k8s.io",
        &[("Ingress", "ingresses"), ("NetworkPolicy", "networkpolicies")],
        &[("IngressClass", "ingressclasses")],
    ),
    ("policy", &[("PodDisruptionBudget", "")], &[]),
    (
        "rbac.authorization.k8s.io",
        &[("Role", ""), ("RoleBinding", "")],
        &[("ClusterRole", ""), ("ClusterRoleBinding", "")],
    ),
    ("scheduling.k8s.io", &[], &[("PriorityClass", "priorityclasses")]),
    ("storage.k8s.io", &[], &[("StorageClass", "storageclasses")]),
    ("apiextensions.k8s.io", &[], &[("CustomResourceDefinition", "")]),
    (
        "admissionregistration.k8s.io",
        &[],
        &[("MutatingWebhookConfiguration", ""), ("ValidatingWebhookConfiguration", "")],
    ),
];

/// How rules name a kind that Kubernetes itself brings.
#[must_use]
pub fn builtin(group: &str, kind: &str) -> Option<Resource> {
    let (_, namespaced, cluster) = BUILTIN.iter().find(|(name, ..)| *name == group)?;
    [(namespaced, Scope::Namespaced), (cluster, Scope::Cluster)].into_iter().find_map(|(kinds, scope)| {
        let (_, plural) = kinds.iter().find(|(name, _)| *name == kind)?;
        let plural = if plural.is_empty() { kind.to_lowercase() + "s" } else { (*plural).to_owned() };
        Some(Resource { plural, scope })
    })
}

/// The namespace in which `object` lies, by what is known of its kind; one that names none is in `of_context`. `None` for what is
/// cluster-wide, and for an unknown kind that names none.
#[must_use]
pub fn namespace_of<'a>(object: &'a Object, of_context: &'a str) -> Option<&'a str> {
    match builtin(object.group(), object.kind()).map(|resource| resource.scope) {
        Some(Scope::Namespaced) => Some(object.namespace().unwrap_or(of_context)),
        Some(Scope::Cluster) => None,
        None => object.namespace(),
    }
}

/// How rules name the kind that `definition`, a CustomResourceDefinition, brings; with its group and kind.
#[must_use]
pub fn of_definition(definition: &Object) -> Option<(String, String, Resource)> {
    let text = |pointer: &str| definition.as_value().pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let scope = if text("/spec/scope")? == "Cluster" { Scope::Cluster } else { Scope::Namespaced };
    let resource = Resource { plural: text("/spec/names/plural")?, scope };
    Some((text("/spec/group")?, text("/spec/names/kind")?, resource))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_have_their_plural_and_scope() {
        let plural = |group, kind| builtin(group, kind).map(|resource| (resource.plural, resource.scope));
        assert_eq!(plural("", "Secret"), Some(("secrets".to_owned(), Scope::Namespaced)));
        assert_eq!(plural("", "Namespace"), Some(("namespaces".to_owned(), Scope::Cluster)));
        assert_eq!(
            plural("networking.k8s.io", "NetworkPolicy"),
            Some(("networkpolicies".to_owned(), Scope::Namespaced))
        );
        assert_eq!(plural("example.com", "Secret"), None);
        assert_eq!(plural("apps", "Secret"), None);
    }

    #[test]
    fn only_what_lives_in_namespaces_is_in_that_of_the_context() {
        let object = |api_version: &str, kind: &str, namespace: Option<&str>| {
            let metadata = json!({"name": "x", "namespace": namespace});
            Object::parse(json!({"apiVersion": api_version, "kind": kind, "metadata": metadata})).unwrap()
        };
        for (api_version, kind, named, lies_in) in [
            ("v1", "Secret", None, Some("c")),
            ("v1", "Secret", Some("n"), Some("n")),
            ("v1", "Namespace", None, None),
            ("scheduling.k8s.io/v1", "PriorityClass", None, None),
            ("scheduling.k8s.io/v1", "PriorityClass", Some("n"), None),
            ("example.com/v1", "Widget", None, None),
            ("example.com/v1", "Widget", Some("n"), Some("n")),
        ] {
            assert_eq!(namespace_of(&object(api_version, kind, named), "c"), lies_in, "{kind} in {named:?}");
        }
    }

    #[test]
    fn a_definition_says_what_its_kind_is_called() {
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "oxen.example.com"},
            "spec": {"group": "example.com", "scope": "Cluster", "names": {"kind": "Ox", "plural": "oxen"}}});
        let (group, kind, resource) = of_definition(&Object::parse(definition).unwrap()).unwrap();
        assert_eq!((group.as_str(), kind.as_str()), ("example.com", "Ox"));
        assert_eq!(resource, Resource { plural: "oxen".to_owned(), scope: Scope::Cluster });
    }
}
