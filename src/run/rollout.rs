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
        let workloads = plan
            .iter()
            .filter(|step| is_workload(&step.wanted) && (step.change.writes || is_on_its_way(step.live.as_ref())));
        let timeout = self.inputs.timeout;
        let reports = join_all(workloads.map(|step| kubectl.rollout_status(&step.wanted, timeout))).await;
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

fn is_workload(object: &Object) -> bool {
    object.group() == "apps" && matches!(object.kind(), "Deployment" | "StatefulSet" | "DaemonSet")
}

/// Whether the controller has not finished what an earlier run began, and has not given up.
fn is_on_its_way(live: Option<&Object>) -> bool {
    let Some(live) = live.map(Object::as_value) else { return false };
    let number = |pointer: &str| live.pointer(pointer).and_then(Value::as_i64);
    let gave_up = live
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .is_some_and(|conditions| conditions.iter().any(|condition| condition["reason"] == "ProgressDeadlineExceeded"));
    let wanted = number("/spec/replicas").or(number("/status/desiredNumberScheduled")).unwrap_or(1);
    let updated = number("/status/updatedReplicas").or(number("/status/updatedNumberScheduled")).unwrap_or(0);
    let available = number("/status/availableReplicas").or(number("/status/numberAvailable")).unwrap_or(0);
    let behind = number("/metadata/generation") != number("/status/observedGeneration")
        || updated < wanted
        || available < wanted;
    behind && !gave_up
}
