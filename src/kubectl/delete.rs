//! Deleting one object, as it was when it was looked at and not otherwise.

use serde_json::json;
use zeroize::Zeroizing;

use super::requests::Report;
use super::{Ending, Kubectl, Launch, errors};
use crate::error::Problem;
use crate::object::Object;

/// How a deletion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone, or goes when its finalizers have run.
    Done,
    /// It was gone already.
    Absent,
    /// It stays: it is not as it was looked at, or another object by the same name.
    Changed,
}

impl<L: Launch> Kubectl<L> {
    /// Deletes the Secret or ConfigMap `live` (`resource` is its plural), if its `uid` and `resourceVersion` are what they were.
    ///
    /// # Errors
    /// Why it was refused, or has no answer.
    pub async fn delete(&self, live: &Object, resource: &str) -> Result<Deleted, Problem> {
        let preconditions = json!({"uid": live.uid(), "resourceVersion": live.resource_version()});
        let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions});
        let namespace = live.namespace().unwrap_or(&self.namespace);
        // kubectl's own `delete` knows no preconditions.
        let path = format!("{}/api/v1/namespaces/{namespace}/{resource}/{}", self.base_path, live.name());
        let input = Zeroizing::new(options.to_string().into_bytes());
        match self.cluster(&["delete", "--raw", &path, "-f", "-"], input).await {
            Ending::Success { .. } => Ok(Deleted::Done),
            Ending::Failed { stderr, .. } => {
                let report = Report::parse(&stderr);
                let said = report.failures.first().map_or("", String::as_str);
                if said.contains(" in the precondition (") {
                    Ok(Deleted::Changed)
                } else if said.starts_with(&format!("Error from server (NotFound): {resource} \"")) {
                    Ok(Deleted::Absent)
                } else {
                    Err(errors::problem(&stderr, Some(&live.id())))
                }
            }
            other => Err(errors::unfinished(&other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::{answering, failure, success};
    use super::*;

    fn deleted(said: &str) -> Result<Deleted, Problem> {
        let live = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "namespace": "n", "uid": "u", "resourceVersion": "7"}});
        let mut kubectl = answering([if said.is_empty() { success("{}") } else { failure(said) }]);
        kubectl.base_path = "/k8s/clusters/c-1".to_owned();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ended = runtime.block_on(kubectl.delete(&Object::parse(live).unwrap(), "secrets"));
        let path = "delete --raw /k8s/clusters/c-1/api/v1/namespaces/n/secrets/a -f -";
        assert_eq!(kubectl.launcher.words(0), path);
        let options: serde_json::Value = serde_json::from_slice(&kubectl.launcher.calls.borrow()[0].input).unwrap();
        assert_eq!(options["preconditions"], json!({"uid": "u", "resourceVersion": "7"}));
        ended
    }

    #[test]
    fn what_is_gone_or_changed_is_no_failure() {
        assert_eq!(deleted("").unwrap(), Deleted::Done);
        assert_eq!(deleted("Error from server (NotFound): secrets \"a\" not found\n").unwrap(), Deleted::Absent);
        let changed = "Error from server (Conflict): Operation cannot be fulfilled on Secret \"a\": the ResourceVersion in the precondition (7) does not match the ResourceVersion in record (9). The object might have been modified\n";
        assert_eq!(deleted(changed).unwrap(), Deleted::Changed);
        let lost = "Error from server (NotFound): the server could not find the requested resource\n";
        assert_eq!(deleted(lost).unwrap_err().kind, "kubectl-failed");
    }
}
