//! Live objects by name and by list, one call at a time.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::call::STDOUT_CAP;
use super::inventory::Holder;
use super::{Ending, Kubectl, Launch, errors, items, list, pages, unreadable};
use crate::error::Problem;
use crate::object::{Object, ObjectId};

/// A read by name; the names are what kubectl reads on stdin.
pub(super) const BY_NAME: [&str; 7] = ["get", "-f", "-", "-o", "json", "--show-managed-fields", "--ignore-not-found"];

/// Live objects by the id that the build gives them; what does not exist is not in it.
pub type LiveObjects = HashMap<ObjectId, Object>;

/// What a read of many objects brought.
#[derive(Debug, Default)]
pub struct Read {
    /// What was found.
    pub live: LiveObjects,
    /// Why some could not be read: one problem for each call that failed.
    pub problems: Vec<Problem>,
    /// What made it slower than it could be.
    pub notices: Vec<Problem>,
}

impl Read {
    fn failed(problems: Vec<Problem>) -> Self {
        Self { problems, ..Self::default() }
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.live.extend(other.live);
        self.problems.extend(other.problems);
        self.notices.extend(other.notices);
    }
}

/// An object of the build that is looked for.
pub(super) struct Asked<'a> {
    pub(super) object: &'a Object,
    pub(super) id: ObjectId,
}

impl<'a> Asked<'a> {
    pub(super) fn of(object: &'a Object) -> Self {
        Self { object, id: object.id() }
    }

    /// `Deployment.v1.apps`, `Secret.v1.`: the kind in one version of one group.
    pub(super) fn resource(&self) -> String {
        let version = self.object.api_version().rsplit('/').next().unwrap_or_default();
        format!("{}.{version}.{}", self.id.kind, self.id.group)
    }

    /// The object's name and nothing of its content.
    fn bare(&self) -> Value {
        let mut metadata = json!({"name": self.id.name});
        if let Some(namespace) = &self.id.namespace {
            metadata["namespace"] = json!(namespace);
        }
        json!({"apiVersion": self.object.api_version(), "kind": self.id.kind, "metadata": metadata})
    }
}

/// A read of objects of some kinds in one namespace, all of them.
pub(super) fn by_list(namespace: &str, asked: &[&Asked<'_>]) -> Vec<String> {
    let kinds: BTreeSet<String> = asked.iter().map(|asked| asked.resource()).collect();
    let kinds = kinds.into_iter().collect::<Vec<_>>().join(",");
    let words = ["get", &kinds, "-n", namespace, "-o", "json", "--show-managed-fields", "--ignore-not-found"];
    words.map(str::to_owned).into()
}

impl<L: Launch> Kubectl<L> {
    pub(super) async fn get_by_name(&self, asked: &[&Asked<'_>]) -> Read {
        let names: Vec<Value> = asked.iter().map(|asked| asked.bare()).collect();
        let (stdout, problems) = match self.cluster(&BY_NAME, list(&names)).await {
            Ending::Success { stdout, .. } => (stdout, Vec::new()),
            Ending::Failed { stdout, stderr, .. } => (stdout, errors::all_but_unknown_kinds(&stderr)),
            other => return Read::failed(vec![errors::unfinished(&other)]),
        };
        match items(&stdout) {
            Some(found) => Read { live: self.matched(asked, found), problems, notices: Vec::new() },
            None if problems.is_empty() => Read::failed(vec![unreadable("kubectl get")]),
            None => Read::failed(problems),
        }
    }

    /// # Errors
    /// Why there is no list.
    pub(super) async fn get_by_list(&self, namespace: &str, asked: &[&Asked<'_>]) -> Result<Vec<Object>, Problem> {
        match self.cluster(&by_list(namespace, asked), Default::default()).await {
            Ending::Success { stdout, .. } => items(&stdout).ok_or_else(|| unreadable("kubectl get")),
            Ending::Failed { stderr, .. } => Err(errors::problem(&stderr, None)),
            other => Err(errors::unfinished(&other)),
        }
    }

    /// All objects of `holder` in `namespace`, with their content.
    ///
    /// # Errors
    /// Why there is no list.
    pub(super) async fn get_all(&self, holder: Holder, namespace: &str) -> Result<Vec<Object>, Problem> {
        match self.raw(&holder.path(namespace), STDOUT_CAP).await {
            Ending::Success { stdout, .. } => match pages::page(stdout.expose()) {
                Some((found, None)) => Ok(found),
                _ => Err(unreadable("kubectl get --raw")),
            },
            Ending::Failed { stderr, .. } => Err(errors::problem(&stderr, None)),
            other => Err(errors::unfinished(&other)),
        }
    }

    /// Gives each object found to the question it answers.
    pub(super) fn matched(&self, asked: &[&Asked<'_>], found: Vec<Object>) -> LiveObjects {
        let mut by_id: LiveObjects = found.into_iter().map(|object| (object.id(), object)).collect();
        let mut live = LiveObjects::new();
        for asked in asked {
            let mut id = asked.id.clone();
            let exact = by_id.remove(&id);
            id.namespace = match id.namespace {
                // Cluster-wide, or in the namespace of the context.
                None => Some(self.namespace.clone()),
                // A cluster-wide object, in whose manifest a namespace means nothing.
                Some(_) => None,
            };
            if let Some(object) = exact.or_else(|| by_id.remove(&id)) {
                live.insert(asked.id.clone(), object);
            }
        }
        live
    }
}
