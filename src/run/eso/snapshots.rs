//! The live Secrets of a plan, batch by batch: by list where many of a namespace are wanted, else by name.

use std::collections::{BTreeMap, VecDeque};

use serde_json::json;

use crate::error::Problem;
use crate::eso::SecretPlan;
use crate::kubectl::{Kubectl, Paging};
use crate::object::Object;

/// From here on the Secrets of one namespace are worth a list of them all.
const WORTH_A_LIST: usize = 20;
/// How many are asked for by name in one call.
const BY_NAME: usize = 50;

/// Secrets that are still to be read.
pub(super) struct Snapshots<'a>(VecDeque<Source<'a>>);

enum Source<'a> {
    Named(Vec<&'a SecretPlan>),
    Listed { list: Paging, left: BTreeMap<&'a str, &'a SecretPlan> },
}

/// Secrets with what they are; `None` for those that do not exist.
pub(super) type Batch<'a> = Vec<(&'a SecretPlan, Option<Object>)>;

impl<'a> Snapshots<'a> {
    pub(super) fn of(secrets: &'a [SecretPlan]) -> Self {
        let mut namespaces: BTreeMap<&str, Vec<&SecretPlan>> = BTreeMap::new();
        secrets.iter().for_each(|secret| namespaces.entry(&secret.namespace).or_default().push(secret));
        let (mut queue, mut few) = (VecDeque::new(), Vec::new());
        for (namespace, secrets) in namespaces {
            if secrets.len() < WORTH_A_LIST {
                few.extend(secrets);
                continue;
            }
            let list = Paging::of(format!("/api/v1/namespaces/{namespace}/secrets"));
            let left = secrets.into_iter().map(|secret| (secret.secret.as_str(), secret)).collect();
            queue.push_back(Source::Listed { list, left });
        }
        queue.extend(few.chunks(BY_NAME).map(|some| Source::Named(some.to_vec())));
        Self(queue)
    }

    /// The next batch; `None` when all were read.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) async fn next(&mut self, kubectl: &Kubectl) -> Result<Option<Batch<'a>>, Problem> {
        while let Some(source) = self.0.pop_front() {
            match source {
                Source::Named(secrets) => return named(kubectl, secrets).await.map(Some),
                Source::Listed { mut list, mut left } => match kubectl.next_page(&mut list).await {
                    Ok(Some(page)) => {
                        let wanted = |secret: Object| left.remove(secret.name()).map(|plan| (plan, Some(secret)));
                        let batch: Batch<'a> = page.into_iter().filter_map(wanted).collect();
                        self.0.push_front(Source::Listed { list, left });
                        if !batch.is_empty() {
                            return Ok(Some(batch));
                        }
                    }
                    // Those that are left are not there.
                    Ok(None) if left.is_empty() => {}
                    Ok(None) => return Ok(Some(left.into_values().map(|plan| (plan, None)).collect())),
                    // What may not be listed may perhaps be named, and where the server has forgotten a list,
                    // the rest is asked for by name.
                    Err(problem) if matches!(problem.kind, "forbidden" | "list-expired") => {
                        let left: Vec<&SecretPlan> = left.into_values().collect();
                        left.chunks(BY_NAME).for_each(|some| self.0.push_front(Source::Named(some.to_vec())));
                    }
                    Err(problem) => return Err(problem),
                },
            }
        }
        Ok(None)
    }
}

async fn named<'a>(kubectl: &Kubectl, secrets: Vec<&'a SecretPlan>) -> Result<Batch<'a>, Problem> {
    let wanted = secrets.iter().filter_map(|plan| bare("v1", "Secret", &plan.namespace, &plan.secret));
    let read = kubectl.read(&wanted.collect::<Vec<_>>()).await;
    if let Some(problem) = read.problems.into_iter().next() {
        return Err(problem);
    }
    let mut live = by_name(read.live.into_values());
    Ok(secrets.into_iter().map(|plan| (plan, live.remove(&(plan.namespace.clone(), plan.secret.clone())))).collect())
}

/// Objects of one kind by namespace and name.
pub(super) fn by_name(objects: impl IntoIterator<Item = Object>) -> BTreeMap<(String, String), Object> {
    let name = |object: &Object| (object.namespace().unwrap_or_default().to_owned(), object.name().to_owned());
    objects.into_iter().map(|object| (name(&object), object)).collect()
}

/// An object by its name and nothing more; `None` for an empty name.
pub(super) fn bare(version: &str, kind: &str, namespace: &str, name: &str) -> Option<Object> {
    let metadata = json!({"namespace": namespace, "name": name});
    Object::parse(json!({"apiVersion": version, "kind": kind, "metadata": metadata})).ok()
}
