//! What goes to the cluster and comes back: compared, written, read back, awaited.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;

use super::apply::Step;
use super::{Done, Run};
use crate::build;
use crate::changes;
use crate::error::{Failure, Problem, Stage};
use crate::kubectl::{Conflicts, Kubectl, Written};
use crate::object::Object;
use crate::report::{Change, Progress};

/// How long a CRD of this build may take until its kind is served.
const CRD_PATIENCE: Duration = Duration::from_secs(30);

impl<O: Write, E: Write> Run<O, E> {
    /// What each object's apply would do. Only what is not provably unchanged is asked of the server.
    pub(super) async fn compare(&mut self, kubectl: &Kubectl, wanted: Vec<Object>) -> Result<Vec<Step>, Failure> {
        let failure = |problems| Failure::new(Stage::Compare, problems);
        let live = kubectl.get(&wanted).await.map_err(failure)?;
        self.hide_live(live.values());
        let new = Foundations::of(wanted.iter().filter(|object| !live.contains_key(&object.id())));
        let mut plan: Vec<Step> = wanted
            .into_iter()
            .map(|wanted| {
                let live = live.get(&wanted.id()).cloned();
                let change = changes::compare(&wanted, live.as_ref(), None);
                let depends = new.carry(&wanted, &kubectl.namespace);
                Step { wanted, live, change, depends }
            })
            .collect();
        let is_unchanged =
            |step: &Step| step.live.as_ref().is_some_and(|live| changes::is_unchanged(&step.wanted, live));
        for step in plan.iter_mut().filter(|step| is_unchanged(step)) {
            step.change.writes = false;
            step.change.change = Change::Unchanged;
        }
        let asked: Vec<usize> = (0..plan.len()).filter(|&at| !plan[at].depends && !is_unchanged(&plan[at])).collect();
        self.dry_run(kubectl, &mut plan, &asked).await?;
        if self.inputs.dry_run && plan.iter().any(|step| step.depends) {
            let text = "what depends on a new Namespace or CRD of this build was not tried on the server";
            self.note([Problem::notice("not-tried", text)]);
        }
        let writes = plan.iter().filter(|step| step.change.writes).count();
        let text = format!("{writes} of {} to write", crate::report::count(plan.len(), "object"));
        self.say(&text);
        Ok(plan)
    }

    /// Asks the server what would become of some objects.
    async fn dry_run(&mut self, kubectl: &Kubectl, plan: &mut [Step], asked: &[usize]) -> Done {
        let objects: Vec<Object> = asked.iter().map(|&at| plan[at].wanted.clone()).collect();
        let answer = kubectl.dry_run(&objects, Conflicts::Refuse).await;
        let answer = answer.map_err(|problem| Failure::new(Stage::Compare, vec![problem]))?;
        self.settle(Stage::Compare, answer.problems)?;
        for (&at, after) in asked.iter().zip(&answer.answers) {
            let step = &mut plan[at];
            step.change = changes::compare(&step.wanted, step.live.as_ref(), after.as_ref());
        }
        Ok(())
    }

    /// Old values are as secret as new ones.
    fn hide_live<'a>(&mut self, live: impl Iterator<Item = &'a Object>) {
        live.flat_map(changes::secret_values).for_each(|value| self.masker.add(&value));
    }

    /// Writes what differs: Namespaces and CRDs first where others wait for them.
    pub(super) async fn write(&mut self, kubectl: &Kubectl, plan: &mut [Step]) -> Done {
        let (later, first): (Vec<usize>, Vec<usize>) =
            (0..plan.len()).filter(|&at| plan[at].change.writes || plan[at].depends).partition(|&at| plan[at].depends);
        self.write_some(kubectl, plan, &first).await?;
        if later.is_empty() {
            return Ok(());
        }
        self.dry_run_once_served(kubectl, plan, &later).await?;
        self.write_some(kubectl, plan, &later).await
    }

    /// A CRD is served a moment after it was written.
    async fn dry_run_once_served(&mut self, kubectl: &Kubectl, plan: &mut [Step], later: &[usize]) -> Done {
        let since = Instant::now();
        loop {
            match self.dry_run(kubectl, plan, later).await {
                Err(failure)
                    if since.elapsed() < CRD_PATIENCE
                        && failure.problems.iter().all(|problem| problem.kind == "unknown-kind") =>
                {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                ended => return ended,
            }
        }
    }

    async fn write_some(&mut self, kubectl: &Kubectl, plan: &[Step], some: &[usize]) -> Done {
        let objects: Vec<Object> = some.iter().map(|&at| plan[at].wanted.clone()).collect();
        // A signal may end the run before there is an answer.
        some.iter().for_each(|&at| self.outcome.objects[at].progress = Progress::Unanswered);
        let applied = kubectl.apply(&objects, Conflicts::Refuse).await;
        for (&at, written) in some.iter().zip(&applied.written) {
            let report = &mut self.outcome.objects[at];
            report.progress = match written {
                Written::Done => Progress::Done,
                Written::Refused => Progress::Failed,
                Written::Unknown => Progress::Unanswered,
            };
            let text = format!("{} {}", report.id, report.progress.word());
            self.say(&text);
        }
        if applied.written.contains(&Written::Unknown) {
            let text = "some writes were sent and not answered: whether the server has them is not known";
            let help = "run it again: what was written is then unchanged";
            self.note([Problem::warning("write-unknown", text).help(help)]);
        }
        self.settle(Stage::Apply, applied.problems)
    }

    /// Reads Secrets and ConfigMaps back and compares them key by key.
    pub(super) async fn read_back(&mut self, kubectl: &Kubectl, plan: &[Step]) -> Done {
        let holds_data = |step: &&Step| step.wanted.is_secret() || step.wanted.is_config_map();
        let written: Vec<Object> =
            plan.iter().filter(|step| step.change.writes).filter(holds_data).map(|step| step.wanted.clone()).collect();
        if written.is_empty() {
            return Ok(());
        }
        let live = kubectl.get(&written).await.map_err(|problems| Failure::new(Stage::Verify, problems))?;
        let mut problems = Vec::new();
        for wanted in &written {
            match live.get(&wanted.id()) {
                None => problems.push(lost(&format!("{} is gone", build::without_content_hash(&wanted.id())))),
                Some(live) => problems.extend(changes::holds(wanted, live).into_iter().map(|key| {
                    lost(&format!("key `{key}` of {} has another value", build::without_content_hash(&wanted.id())))
                })),
            }
        }
        let text = format!("{} read back", crate::report::count(written.len(), "object"));
        self.say(&text);
        self.settle(Stage::Verify, problems)
    }

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

fn lost(what: &str) -> Problem {
    Problem::error("not-as-written", format!("{what} a moment after it was written"))
        .help("something else writes to it: look at its `managedFields`")
}

/// Namespaces and kinds that this build brings.
#[derive(Debug, Default)]
struct Foundations {
    namespaces: BTreeSet<String>,
    /// Group and kind.
    kinds: BTreeSet<(String, String)>,
}

impl Foundations {
    fn of<'a>(new: impl Iterator<Item = &'a Object>) -> Self {
        let mut foundations = Self::default();
        for object in new {
            match (object.group(), object.kind()) {
                ("", "Namespace") => {
                    foundations.namespaces.insert(object.name().to_owned());
                }
                ("apiextensions.k8s.io", "CustomResourceDefinition") => {
                    let text = |pointer: &str| {
                        object.as_value().pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
                    };
                    foundations.kinds.insert((text("/spec/group"), text("/spec/names/kind")));
                }
                _ => {}
            }
        }
        foundations
    }

    /// Whether `object` cannot be there before them.
    fn carry(&self, object: &Object, default_namespace: &str) -> bool {
        // They name no namespace, and need none.
        if matches!(object.kind(), "Namespace" | "CustomResourceDefinition") {
            return false;
        }
        self.namespaces.contains(object.namespace().unwrap_or(default_namespace))
            || self.kinds.contains(&(object.group().to_owned(), object.kind().to_owned()))
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
