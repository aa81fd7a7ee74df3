//! Workloads of whole namespaces, and what they were before.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _};

use super::{CONCURRENCY, Ending, Kubectl, Launch, errors, items, unreadable};
use crate::error::Problem;
use crate::object::Object;

/// How many objects the server sends at once.
const PAGE: &str = "--chunk-size=500";

/// What a list gave.
#[derive(Debug, Default)]
pub struct Listed {
    /// In the order of the namespaces.
    pub found: Vec<Object>,
    /// One for each kind and namespace that could not be listed.
    pub problems: Vec<Problem>,
}

impl<L: Launch> Kubectl<L> {
    /// The Deployments, StatefulSets and DaemonSets of `namespaces`, without their `managedFields`.
    pub async fn workloads(&self, namespaces: &BTreeSet<String>) -> Listed {
        self.list_in(namespaces, "deployments.v1.apps,statefulsets.v1.apps,daemonsets.v1.apps").await
    }

    /// The pod templates that the workloads of `namespaces` had and have: ReplicaSets and ControllerRevisions.
    pub async fn workload_history(&self, namespaces: &BTreeSet<String>) -> Listed {
        self.list_in(namespaces, "replicasets.v1.apps,controllerrevisions.v1.apps").await
    }

    pub(super) async fn list_in(&self, namespaces: &BTreeSet<String>, kinds: &str) -> Listed {
        let lists = stream::iter(namespaces).map(|namespace| self.list_one(namespace, kinds)).buffered(CONCURRENCY);
        lists
            .fold(Listed::default(), |mut all, one| {
                all.found.extend(one.found);
                all.problems.extend(one.problems);
                std::future::ready(all)
            })
            .await
    }

    /// One kind that may not be listed keeps none of the others back.
    async fn list_one(&self, namespace: &str, kinds: &str) -> Listed {
        let words = ["get", kinds, "-n", namespace, "-o", "json", PAGE];
        let (stdout, problems) = match self.cluster(&words, Default::default()).await {
            Ending::Success { stdout, .. } => (stdout, Vec::new()),
            Ending::Failed { stdout, stderr, .. } => (stdout, errors::all_but_unknown_kinds(&stderr)),
            other => return Listed { problems: vec![errors::unfinished(&other)], ..Listed::default() },
        };
        match items(&stdout) {
            Some(found) => Listed { found, problems },
            None => Listed { found: Vec::new(), problems: vec![unreadable("kubectl get")] },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{answering, failure, success};
    use super::*;

    fn namespaces(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[tokio::test]
    async fn each_namespace_is_listed_once_in_pages() {
        let list = |name: &str| {
            format!(
                r#"{{"kind":"List","items":[{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"{name}"}}}}]}}"#
            )
        };
        let kubectl = answering([success(&list("one")), success(&list("two"))]);
        let found = kubectl.workloads(&namespaces(&["b", "a"])).await.found;
        assert_eq!(found.iter().map(Object::name).collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(
            kubectl.launcher.words(0),
            "get deployments.v1.apps,statefulsets.v1.apps,daemonsets.v1.apps -n a -o json --chunk-size=500"
        );
        assert!(kubectl.launcher.words(1).contains(" -n b "));
    }

    #[tokio::test]
    async fn every_kind_that_may_not_be_listed_is_told() {
        let refused = |kind: &str| {
            format!(
                "Error from server (Forbidden): {kind}.apps is forbidden: User \"u\" cannot list resource \"{kind}\" in API group \"apps\" in the namespace \"a\"\n"
            )
        };
        let kubectl = answering([failure(&(refused("deployments") + &refused("daemonsets")))]);
        let problems = kubectl.workloads(&namespaces(&["a"])).await.problems;
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems.iter().all(|problem| problem.kind == "forbidden"));
    }
}
