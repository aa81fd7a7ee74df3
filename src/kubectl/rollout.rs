//! Waiting for a workload, and why it is not ready.

use std::time::Duration;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::cut::{cut, one_line, shortened};
use super::{Ending, Kubectl, Launch, Untrusted, errors, items, list};
use crate::changes::without_template_hashes;
use crate::object::Object;
use crate::report::RolloutReport;

/// What kubectl gets beyond its own timeout, to say so.
const GRACE: Duration = Duration::from_secs(10);

impl<L: Launch> Kubectl<L> {
    /// Waits until the pods of `workload` (a Deployment, StatefulSet or DaemonSet) run what it says, at most for `timeout`.
    ///
    /// Whether it became ready and, if not, the reason that stands in its conditions and its pods' status: kubectl tells only of
    /// the time that passed.
    pub async fn rollout_status(&self, workload: &Object, timeout: Duration) -> RolloutReport {
        let id = workload.id();
        let version = workload.api_version().rsplit('/').next().unwrap_or_default();
        let name = format!("{}.{version}.{}/{}", id.kind, id.group, id.name);
        let namespace = id.namespace.as_deref().unwrap_or(&self.namespace);
        let timeout_flag = format!("--timeout={}s", timeout.as_secs().max(1));
        let words = ["rollout", "status", &name, "-n", namespace, &timeout_flag];
        let ending = self.cluster_within(timeout + GRACE, &words, Zeroizing::default()).await;
        let (ready, reason) = match &ending {
            Ending::Success { .. } => (true, String::new()),
            Ending::Failed { stderr, .. } => (false, reason(stderr)),
            other => (false, errors::unfinished(other).message.to_string()),
        };
        let live = self.live(workload).await;
        let counted = live.as_ref().map(|live| pods(live.as_value()));
        let trouble = match &live {
            Some(live) if !ready => self.pods_trouble(live).await,
            _ => None,
        };
        let detail = [counted, trouble, Some(reason)].into_iter().flatten().filter(|text| !text.is_empty());
        let detail = detail.collect::<Vec<_>>().join("; ");
        let detail = if id.kind == "Deployment" { without_template_hashes(&detail, &id.name) } else { detail };
        RolloutReport { id, ready, detail }
    }

    async fn live(&self, workload: &Object) -> Option<Object> {
        let mut metadata = json!({"name": workload.name()});
        if let Some(namespace) = workload.namespace() {
            metadata["namespace"] = json!(namespace);
        }
        let bare = json!({"apiVersion": workload.api_version(), "kind": workload.kind(), "metadata": metadata});
        let words = ["get", "-f", "-", "-o", "json", "--ignore-not-found"];
        let Ending::Success { stdout, .. } = self.cluster(&words, list([&bare])).await else { return None };
        items(&stdout)?.into_iter().next()
    }
}

fn reason(stderr: &Untrusted) -> String {
    let problem = errors::problem(stderr, None);
    if problem.message == "timed out waiting for the condition" {
        "not ready in time".to_owned()
    } else {
        problem.message.to_string()
    }
}

/// `1 of 3 pods ready: pods "d-…" is forbidden: exceeded quota: …`.
fn pods(live: &Value) -> String {
    let count = |pointer: &str| live.pointer(pointer).and_then(Value::as_u64);
    let wanted = count("/spec/replicas").or_else(|| count("/status/desiredNumberScheduled")).unwrap_or(0);
    let ready = count("/status/readyReplicas").or_else(|| count("/status/numberReady")).unwrap_or(0);
    let counted = format!("{ready} of {wanted} pods ready");
    match trouble(live) {
        Some(why) => format!("{counted}: {why}"),
        None => counted,
    }
}

/// The condition that explains a stuck rollout, before the one that only notes it.
fn trouble(live: &Value) -> Option<String> {
    let conditions = live.pointer("/status/conditions")?.as_array()?;
    let find = |kind: &str, status: &str| conditions.iter().find(|c| c["type"] == kind && c["status"] == status);
    let condition = find("ReplicaFailure", "True").or_else(|| find("Progressing", "False"))?;
    let message = condition["message"].as_str().or_else(|| condition["reason"].as_str())?;
    Some(shortened(&one_line(&cut(message))))
}
