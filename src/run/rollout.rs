//! Waiting for the workloads that a run changed.

use std::io::Write;

use futures_util::future::join_all;
use serde_json::Value;

use super::{Done, Run, Step};
use crate::error::{Problem, Stage};
use crate::kubectl::Kubectl;
use crate::object::Object;

impl<O: Write, E: Write> Run<O, E> {
    /// Waits for the workloads that were changed, or that are still on their way from an earlier run.
    pub(super) async fn await_workloads(&mut self, kubectl: &Kubectl, plan: &[Step]) -> Done {
        let concerned = plan
            .iter()
            .filter(|step| is_workload(&step.wanted) && (step.change.writes || is_behind(step.live.as_ref())));
        let (left, workloads): (Vec<&Step>, Vec<&Step>) =
            concerned.partition(|step| not_awaited(&step.wanted, step.live.as_ref()).is_some());
        for step in left {
            let why = not_awaited(&step.wanted, step.live.as_ref()).unwrap_or_default();
            let text = format!("{}: not awaited, {why}", step.change.id);
            self.say(&text);
        }
        let timeout = self.inputs.timeout;
        let reports = join_all(workloads.into_iter().map(|step| kubectl.rollout_status(&step.wanted, timeout))).await;
        let mut problems = Vec::new();
        for report in &reports {
            let text = format!("{}: {}", report.id, report.detail);
            self.say(&text);
            if !report.ready {
                problems.push(
                    Problem::error("rollout-failed", format!("{} did not become ready: {}", report.id, report.detail))
                        .help(format!(
                            "`kubectl describe` it; the objects are applied, and `timeout` was {}s",
                            timeout.as_secs()
                        )),
                );
            }
        }
        self.outcome.rollouts = reports;
        self.settle(Stage::Rollout, problems)
    }
}

/// Whether it has pods that can be waited for.
pub(super) fn is_workload(object: &Object) -> bool {
    object.group() == "apps" && matches!(object.kind(), "Deployment" | "StatefulSet" | "DaemonSet")
}

/// Why nobody can wait for a workload.
fn not_awaited(wanted: &Object, live: Option<&Object>) -> Option<&'static str> {
    let is = |pointer: &str, value: Value| {
        [Some(wanted), live].into_iter().flatten().any(|object| object.as_value().pointer(pointer) == Some(&value))
    };
    if is("/spec/paused", Value::Bool(true)) {
        return Some("it is paused");
    }
    let on_delete = is("/spec/updateStrategy/type", "OnDelete".into());
    on_delete.then_some("its pods change when they are deleted (OnDelete)")
}

/// Whether the controller has not finished what an earlier run began, or failed to.
fn is_behind(live: Option<&Object>) -> bool {
    let Some(live) = live.map(Object::as_value) else { return false };
    let number = |pointer: &str| live.pointer(pointer).and_then(Value::as_i64);
    let wanted = number("/spec/replicas").or(number("/status/desiredNumberScheduled")).unwrap_or(1);
    let updated = number("/status/updatedReplicas").or(number("/status/updatedNumberScheduled")).unwrap_or(0);
    let available = number("/status/availableReplicas").or(number("/status/numberAvailable")).unwrap_or(0);
    number("/metadata/generation") != number("/status/observedGeneration") || updated < wanted || available < wanted
}
