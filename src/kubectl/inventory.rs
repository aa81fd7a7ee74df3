//! What bears our mark, found without reading a value: of each object only its name or its `metadata` leaves kubectl.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use super::workloads::Listed;
use super::{CONCURRENCY, Ending, Kubectl, Launch, errors, list, unreadable};
use crate::changes::{SET_ANNOTATION, Set};
use crate::error::Problem;
use crate::object::{Object, ObjectId};

/// What the server leaves out of a list of Secrets: Helm's releases are many and large, and neither is ever applied.
const NOT_OURS: &str = "--field-selector=type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token";

/// Kinds that this program prunes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// `Secret`.
    Secret,
    /// `ConfigMap`.
    ConfigMap,
}

impl Holder {
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
    /// The objects of `holders` in `namespaces` that bear the mark of `set`, by name.
    ///
    /// # Errors
    /// One problem for each list that failed.
    pub async fn marked(
        &self,
        set: &Set,
        holders: &[Holder],
        namespaces: &BTreeSet<String>,
    ) -> Result<Vec<ObjectId>, Vec<Problem>> {
        let lists = namespaces.iter().flat_map(|namespace| holders.iter().map(move |&holder| (namespace, holder)));
        let mut answers =
            stream::iter(lists).map(|(namespace, holder)| self.marked_in(set, holder, namespace)).buffered(CONCURRENCY);
        let (mut found, mut problems) = (Vec::new(), Vec::new());
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(some) => found.extend(some),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(found) } else { Err(errors::folded(problems)) }
    }

    async fn marked_in(&self, set: &Set, holder: Holder, namespace: &str) -> Result<Vec<ObjectId>, Problem> {
        let template = format!("go-template={}", names_of(&set.to_string()));
        let mut words = vec!["get", holder.resource(), "-n", namespace, "-o", &template];
        if holder == Holder::Secret {
            words.push(NOT_OURS);
        }
        let stdout = match self.cluster(&words, Default::default()).await {
            Ending::Success { stdout, .. } => stdout,
            Ending::Failed { stderr, .. } => return Err(errors::problem(&stderr, None)),
            other => return Err(errors::unfinished(&other)),
        };
        let text = std::str::from_utf8(stdout.expose()).map_err(|_| unreadable("kubectl get"))?;
        let id = |name: &str| ObjectId {
            group: String::new(),
            kind: holder.kind().to_owned(),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        };
        Ok(text.lines().map(id).collect())
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
            Ending::Failed { stderr, .. } => return Err(errors::all_but_unknown_kinds(&stderr)),
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

/// Go's template for one name a line. JSON's texts are Go's.
fn names_of(set: &str) -> String {
    let (annotation, set) = (Value::from(SET_ANNOTATION), Value::from(set));
    format!(
        "{{{{range $o := .items}}}}{{{{with $o.metadata.annotations}}}}{{{{if eq (index . {annotation}) {set}}}}}\
         {{{{$o.metadata.name}}}}{{{{\"\\n\"}}}}{{{{end}}}}{{{{end}}}}{{{{end}}}}"
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
        let kubectl = answering([success("app\nother\n"), success("")]);
        let namespaces = BTreeSet::from(["n".to_owned()]);
        let found =
            run(kubectl.marked(&Set::new("o/n", "a\"b", "demo"), &[Holder::Secret, Holder::ConfigMap], &namespaces))
                .unwrap();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["Secret n/app", "Secret n/other"]);
        let asked = kubectl.launcher.words(0);
        assert!(asked.starts_with("get secrets -n n -o go-template={{range $o := .items}}"), "{asked}");
        assert!(
            asked.contains(
                r#"{{if eq (index . "secret-patch.dev/set") "o/n//a\"b//demo"}}{{$o.metadata.name}}{{"\n"}}{{end}}"#
            ),
            "{asked}"
        );
        assert!(asked.contains("--field-selector=type!=helm.sh/release.v1"), "{asked}");
        assert!(!kubectl.launcher.words(1).contains("--field-selector"));
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

    #[test]
    fn what_may_not_be_listed_is_told_once() {
        let forbidden = |kind: &str| {
            failure(&format!(
                "Error from server (Forbidden): {kind} is forbidden: User \"u\" cannot list resource \"{kind}\" in API group \"\" in the namespace \"n\""
            ))
        };
        let kubectl = answering([forbidden("secrets"), forbidden("configmaps")]);
        let namespaces = BTreeSet::from(["n".to_owned()]);
        let problems =
            run(kubectl.marked(&Set::new("o/n", ".", "demo"), &[Holder::Secret, Holder::ConfigMap], &namespaces))
                .unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.kind).collect::<Vec<_>>(), ["forbidden", "forbidden"]);
    }
}
