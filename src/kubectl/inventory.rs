//! What bears our mark, found without reading a value: of each object only its name or its `metadata` leaves kubectl.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::workloads::Listed;
use super::{Ending, Kubectl, Launch, errors, list, unreadable};
use crate::changes::{SET_ANNOTATION, Set};
use crate::error::Problem;
use crate::object::{Object, ObjectId};

/// What the server leaves out of a list: Helm's releases, which are many and large, and never applied. By label, since Secrets and
/// ConfigMaps, which Helm uses alike, have no field in common that tells.
const NOT_OF_HELM: &str = "--selector=owner!=helm";

/// Whether `object` bears the mark of `set` and is none of Helm's releases: what the lists of names have, told from the whole object.
pub(super) fn is_marked(object: &Object, set: &Set) -> bool {
    let owner = object.as_value().pointer("/metadata/labels/owner");
    Set::of(object).as_ref() == Some(set) && owner.and_then(Value::as_str) != Some("helm")
}

/// Kinds that this program prunes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// `Secret`.
    Secret,
    /// `ConfigMap`.
    ConfigMap,
}

impl Holder {
    /// Of what kind `object` is.
    pub fn of(object: &Object) -> Option<Self> {
        match () {
            () if object.is_secret() => Some(Self::Secret),
            () if object.is_config_map() => Some(Self::ConfigMap),
            () => None,
        }
    }

    /// Where the server lists those of a namespace.
    pub(super) fn path(self, namespace: &str) -> String {
        format!("/api/v1/namespaces/{namespace}/{}", self.resource())
    }

    /// The kind's name.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }

    /// The kind's plural, as in rules.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Secret => "secrets",
            Self::ConfigMap => "configmaps",
        }
    }
}

/// Kinds whose pods or pod templates name Secrets and ConfigMaps, by group and plural.
pub const TEMPLATE_HOLDERS: [(&str, &str); 10] = [
    ("", "pods"),
    ("", "podtemplates"),
    ("", "replicationcontrollers"),
    ("apps", "controllerrevisions"),
    ("apps", "daemonsets"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("batch", "cronjobs"),
    ("batch", "jobs"),
];

impl<L: Launch> Kubectl<L> {
    /// The objects of `holders` in `namespace` that bear the mark of `set`, by name.
    ///
    /// # Errors
    /// One problem for each kind that cannot be listed.
    pub(super) async fn marked(
        &self,
        set: &Set,
        holders: &[Holder],
        namespace: &str,
    ) -> Result<Vec<ObjectId>, Vec<Problem>> {
        let stdout = match self.cluster(&marked(set, holders, namespace), Default::default()).await {
            Ending::Success { stdout, .. } => stdout,
            Ending::Failed { stderr, .. } => return Err(errors::all(&stderr)),
            other => return Err(vec![errors::unfinished(&other)]),
        };
        let id = |line: &str| {
            let (kind, name) = line.split_once(' ')?;
            let (kind, name) = (kind.to_owned(), name.to_owned());
            Some(ObjectId { group: String::new(), kind, namespace: Some(namespace.to_owned()), name })
        };
        let found = std::str::from_utf8(stdout.expose()).ok().and_then(|text| text.lines().map(id).collect());
        found.ok_or_else(|| vec![unreadable("kubectl get")])
    }

    /// The `metadata` of Secrets and ConfigMaps, with their `managedFields`; without those that do not exist.
    ///
    /// # Errors
    /// Why they could not all be read.
    pub async fn metadata(&self, ids: &[ObjectId]) -> Result<Vec<Object>, Vec<Problem>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let bare = |id: &ObjectId| {
            let metadata = json!({"name": id.name, "namespace": id.namespace});
            json!({"apiVersion": "v1", "kind": id.kind, "metadata": metadata})
        };
        let asked: Vec<Value> = ids.iter().map(bare).collect();
        let lines = "jsonpath={range .items[*]}{.kind}{\" \"}{.metadata}{\"\\n\"}{end}";
        let words = ["get", "-f", "-", "--ignore-not-found", "--show-managed-fields", "-o", lines];
        let stdout = match self.cluster(&words, list(&asked)).await {
            Ending::Success { stdout, .. } => stdout,
            Ending::Failed { stderr, .. } => return Err(errors::all(&stderr)),
            other => return Err(vec![errors::unfinished(&other)]),
        };
        let text = std::str::from_utf8(stdout.expose()).unwrap_or_default();
        let found: Option<Vec<Object>> = text.lines().map(object).collect();
        found.ok_or_else(|| vec![unreadable("kubectl get")])
    }

    /// The live objects of [`TEMPLATE_HOLDERS`] in `namespaces`.
    ///
    /// # Errors
    /// One problem for each namespace and missing right.
    pub async fn template_holders(&self, namespaces: &BTreeSet<String>) -> Result<Vec<Object>, Vec<Problem>> {
        let resources: Vec<String> = TEMPLATE_HOLDERS.iter().map(|(group, plural)| resource(group, plural)).collect();
        let resources = &resources.join(",");
        let Listed { found, problems } = self.list_in(namespaces, resources).await;
        if problems.is_empty() { Ok(found) } else { Err(problems) }
    }
}

/// As kubectl takes it: of the core group by its version, since another group may have the same plural (`pods.metrics.k8s.io`).
fn resource(group: &str, plural: &str) -> String {
    if group.is_empty() { format!("{plural}.v1.") } else { format!("{plural}.{group}") }
}

/// A list of kinds and names alone.
pub(super) fn marked(set: &Set, holders: &[Holder], namespace: &str) -> Vec<String> {
    let resources: Vec<&str> = holders.iter().map(|holder| holder.resource()).collect();
    let template = format!("go-template={}", names_of(&set.to_string()));
    ["get", &resources.join(","), "-n", namespace, NOT_OF_HELM, "-o", &template].map(str::to_owned).into()
}

/// Go's template for a line of kind and name for each object that bears the mark. JSON's texts are Go's.
fn names_of(set: &str) -> String {
    let (annotation, set) = (Value::from(SET_ANNOTATION), Value::from(set));
    format!(
        "{{{{range $o := .items}}}}{{{{with $o.metadata.annotations}}}}{{{{if eq (index . {annotation}) {set}}}}}\
         {{{{$o.kind}}}} {{{{$o.metadata.name}}}}{{{{\"\\n\"}}}}{{{{end}}}}{{{{end}}}}{{{{end}}}}"
    )
}

/// `Secret {"name":"app",…}`.
fn object(line: &str) -> Option<Object> {
    let (kind, metadata) = line.split_once(' ')?;
    let metadata: Value = serde_json::from_str(metadata).ok()?;
    Object::parse(json!({"apiVersion": "v1", "kind": kind, "metadata": metadata})).ok()
}

#[cfg(test)]
mod tests {
    use super::super::fake::{answering, failure, success};
    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    #[test]
    fn marked_objects_are_found_by_name() {
        let kubectl = answering([success("Secret app\nConfigMap app\n"), success("app\n")]);
        let set = Set::new("o/n", "a\"b", "demo");
        let found = run(kubectl.marked(&set, &[Holder::Secret, Holder::ConfigMap], "n")).unwrap();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["Secret n/app", "ConfigMap n/app"]);
        let asked = kubectl.launcher.words(0);
        assert!(asked.starts_with("get secrets,configmaps -n n --selector=owner!=helm -o go-template="), "{asked}");
        assert!(
            asked.contains(
                r#"{{if eq (index . "secret-patch.dev/set") "o/n//a\"b//demo"}}{{$o.kind}} {{$o.metadata.name}}{{"\n"}}{{end}}"#
            ),
            "{asked}"
        );
        assert_eq!(run(kubectl.marked(&set, &[Holder::Secret], "n")).unwrap_err()[0].kind, "kubectl-answer");
        let unknown = "error: the server doesn't have a resource type \"secrets\"\n";
        let problems = run(answering([failure(unknown)]).marked(&set, &[Holder::Secret], "n")).unwrap_err();
        assert_eq!(problems.len(), 1, "a list that failed is no empty one");
    }

    #[test]
    fn metadata_comes_without_data() {
        let kubectl = answering([success("Secret {\"name\":\"app\",\"uid\":\"u\"}\n")]);
        let id =
            ObjectId { group: String::new(), kind: "Secret".into(), namespace: Some("n".into()), name: "app".into() };
        let found = run(kubectl.metadata(&[id])).unwrap();
        assert_eq!(found[0].as_value()["metadata"]["uid"], "u");
        assert_eq!(run(answering([]).metadata(&[])).unwrap(), []);
        assert!(
            kubectl.launcher.words(0).contains("-o jsonpath={range .items[*]}{.kind}{\" \"}{.metadata}{\"\\n\"}{end}")
        );
    }
}
