//! Waiting for the workloads that a run changed or restarted.

use std::io::Write;
use std::time::Instant;

use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;

use crate::changes;
use crate::error::{Problem, text};
use crate::kubectl::Kubectl;
use crate::object::{Object, ObjectId};
use crate::report::RolloutReport;
use crate::run::{Run, Step};

/// How many workloads are watched at once: one kubectl each.
const CONCURRENCY: usize = 8;

/// Which workloads are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) enum Watch {
    /// Those that were restarted, and those of the build that were changed or are still on their way from an earlier run.
    All,
    /// Those that were restarted.
    Restarted,
}

/// A workload to wait for.
struct Awaited<'a> {
    /// As the build names it, if it does.
    id: ObjectId,
    object: &'a Object,
    /// Why nobody can wait for it.
    left: Option<&'static str>,
}

impl<O: Write, E: Write> Run<O, E> {
    /// Waits for workloads of `plan` and those `restarted`; returns why some did not become ready.
    pub(in crate::run) async fn await_workloads(
        &mut self,
        kubectl: &Kubectl,
        plan: &[Step],
        restarted: &[&Object],
        watch: Watch,
    ) -> Vec<Problem> {
        let (left, awaited): (Vec<Awaited<'_>>, Vec<Awaited<'_>>) =
            awaited(plan, restarted, watch, &kubectl.namespace).into_iter().partition(|awaited| awaited.left.is_some());
        for Awaited { id, left, .. } in left {
            let text = text!("{id}: not awaited, {}", left.unwrap_or_default());
            self.say(text);
        }
        let (timeout, since) = (self.inputs.timeout, Instant::now());
        let watched = awaited.into_iter().map(|Awaited { id, object, .. }| async move {
            let report = kubectl.rollout_status(object, timeout.saturating_sub(since.elapsed())).await;
            RolloutReport { id, ..report }
        });
        let mut reports = stream::iter(watched).buffered(CONCURRENCY);
        let mut problems = Vec::new();
        while let Some(report) = reports.next().await {
            let text = text!("{}: {}", report.id, report.detail);
            self.say(text);
            if !report.ready {
                let (with, what) = match watch {
                    Watch::All => ("", "the objects are applied"),
                    Watch::Restarted => (" with the values before", "they are put back"),
                };
                let text = text!("{} did not become ready{with}: {}", report.id, report.detail);
                let help = text!("`kubectl describe` it; {what}, and `timeout` was {}s", timeout.as_secs());
                problems.push(Problem::error("rollout-failed", text).help(help));
            }
            self.outcome.rollouts.retain(|earlier| earlier.id != report.id);
            self.outcome.rollouts.push(report);
        }
        problems
    }
}

fn awaited<'a>(plan: &'a [Step], restarted: &[&'a Object], watch: Watch, of_context: &str) -> Vec<Awaited<'a>> {
    let is_restarted = |step: &Step| restarted.iter().any(|workload| step.is(workload, of_context));
    let own = plan.iter().filter(|step| changes::is_workload(&step.wanted));
    let is_on_its_way = |step: &Step| step.change.writes || is_behind(step.live.as_ref());
    let own = own.filter(|step| is_restarted(step) || watch == Watch::All && is_on_its_way(step));
    let own = own.map(|step| Awaited {
        id: step.wanted.id(),
        object: &step.wanted,
        left: changes::not_awaited(Some(&step.wanted), step.live.as_ref()),
    });
    let of_others = restarted.iter().filter(|workload| !plan.iter().any(|step| step.is(workload, of_context)));
    let of_others = of_others.map(|workload| Awaited {
        id: workload.id(),
        object: workload,
        left: changes::not_awaited(None, Some(workload)),
    });
    own.chain(of_others).collect()
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
