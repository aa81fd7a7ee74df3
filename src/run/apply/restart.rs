//! Restarting what uses a changed Secret or ConfigMap: worked out before the first write, done after the last.

use std::collections::BTreeSet;
use std::io::Write;

use futures_util::stream::{self, Stream, StreamExt as _};

use crate::changes::{Restart, Restarts, Revision, Workload};
use crate::error::{Failure, Problem, Stage, text};
use crate::inputs::{Command, OnFailedRollout, Rollout};
use crate::kubectl::{Kubectl, Listed, LiveObjects, Writes};
use crate::object::Object;
use crate::report::{Progress, RestartReport};
use crate::rights::{self, Need, Verb};
use crate::run::apply::rollout::Watch;
use crate::run::foresee::restart_plan::{RestartPlan, report};
use crate::run::{Done, Run, Step};

/// How many workloads are restarted at once.
const CONCURRENCY: usize = 4;
/// What it takes to restart a kind of workloads.
const TO_RESTART: [Verb; 4] = [Verb::Get, Verb::List, Verb::Watch, Verb::Patch];
/// How often a workload is tried that changes each time before it is patched: its controller writes to it too.
const TRIES: usize = 6;

impl<O: Write, E: Write> Run<O, E> {
    /// Which workloads have to be restarted, and writes it into what is applied: whoever comes after a killed run reads it there.
    ///
    /// # Errors
    /// Where workloads have to be restarted and may not be listed.
    pub(in crate::run) async fn plan_restarts(
        &mut self,
        kubectl: &Kubectl,
        plan: &mut [Step],
    ) -> Result<RestartPlan, Failure> {
        let concerned: Vec<usize> = (0..plan.len()).filter(|&at| plan[at].asks_for_restarts()).collect();
        if concerned.is_empty() {
            return Ok(RestartPlan::default());
        }
        let namespaces: BTreeSet<String> =
            concerned.iter().map(|&at| plan[at].namespace(&kubectl.namespace).to_owned()).collect();
        let Listed { found, problems } = kubectl.workloads(&namespaces).await;
        let changes = concerned.iter().any(|&at| plan[at].live.is_some());
        let needs = self.unlisted(kubectl, &namespaces, problems, changes).await?;
        let own = plan.iter().filter_map(|step| step.live.clone());
        let workloads = workloads(found, own, &namespaces);
        let mut due = RestartPlan { needs, ..RestartPlan::of(plan, &concerned, &workloads, &kubectl.namespace) };
        self.leave_rolled_back(kubectl, &mut due.restarts).await;
        let reports: Vec<RestartReport> =
            due.restarts.due.iter().map(|restart| report(plan, restart, &kubectl.namespace)).collect();
        if self.inputs.rollout == Rollout::Restart {
            self.outcome.restarts = reports;
        } else {
            self.tell_unrestarted(&reports);
        }
        Ok(due)
    }

    /// What to make of kinds that could not be listed for these `problems`. Where the account has no right at all on them they
    /// are none of its business, which is said; where it lacks some, those are needed. `changes`: not all of it is new.
    async fn unlisted(
        &mut self,
        kubectl: &Kubectl,
        namespaces: &BTreeSet<String>,
        problems: Vec<Problem>,
        changes: bool,
    ) -> Result<Vec<Need>, Failure> {
        if problems.is_empty() || self.inputs.rollout != Rollout::Restart {
            return Ok(Vec::new());
        }
        let failure = |problems| Failure::new(Stage::Compare, problems);
        if !problems.iter().all(|problem| problem.kind == "forbidden") {
            return Err(failure(problems));
        }
        if self.inputs.command == Command::Diff {
            let text = "which workloads restart is not told where this account may not list them";
            self.note([Problem::notice("restarts-unknown", text)]);
            return Ok(Vec::new());
        }
        let Ok(review) = kubectl.review(&to_restart(namespaces)).await else {
            let told =
                |problem: Problem| Problem::warning("restarts-unknown", text!("not restarted: {}", problem.message));
            self.note(problems.into_iter().map(told));
            return Ok(Vec::new());
        };
        let is_all = |need: &Need| {
            let same = |other: &&Need| (&other.namespace, &other.resource) == (&need.namespace, &need.resource);
            review.missing.iter().filter(same).count() == TO_RESTART.len()
        };
        let (all, some): (Vec<Need>, Vec<Need>) = review.missing.iter().cloned().partition(is_all);
        self.note(not_its_business(&all, changes));
        Ok(if changes { some } else { Vec::new() })
    }

    /// Someone who went back by hand after an earlier run's restart has new pods already, and a reason.
    async fn leave_rolled_back(&mut self, kubectl: &Kubectl, restarts: &mut Restarts) {
        let earlier = restarts.due.iter().filter(|restart| restart.is_of_earlier_run());
        let namespaces: BTreeSet<String> =
            earlier.filter_map(|restart| restart.workload.namespace().map(str::to_owned)).collect();
        if namespaces.is_empty() {
            return;
        }
        // Where it may not be read, one restart too many is better than one too few.
        let history = kubectl.workload_history(&namespaces).await.found;
        let (left, due): (Vec<Restart>, Vec<Restart>) =
            std::mem::take(&mut restarts.due).into_iter().partition(|restart| restart.was_rolled_back(&history));
        restarts.due = due;
        for restart in left {
            let text = text!("{}: rolled back by hand since its restart, left as it is", restart.workload.id());
            self.say(text);
        }
    }

    fn tell_unrestarted(&mut self, reports: &[RestartReport]) {
        if reports.is_empty() {
            return;
        }
        let names: Vec<String> = reports.iter().map(|report| format!("`{}`", report.id)).collect();
        let text = text!("not restarted, although their pods have not read what changes: {}", names.join(", "));
        let help = "a later run with `rollout: restart` restarts them";
        self.note([Problem::notice("not-restarted", text).help(help)]);
    }

    /// Restarts what is due, waits for it and for what was changed, and goes back where that fails and is asked for.
    pub(in crate::run) async fn roll_out(
        &mut self,
        kubectl: &Kubectl,
        plan: &[Step],
        due: &RestartPlan,
        written: &LiveObjects,
    ) -> Done {
        match self.roll(kubectl, plan, due).await {
            Err(failed) if self.inputs.on_failed_rollout == OnFailedRollout::Restore => {
                self.restore(kubectl, plan, written, failed).await
            }
            ended => ended,
        }
    }

    async fn roll(&mut self, kubectl: &Kubectl, plan: &[Step], due: &RestartPlan) -> Done {
        if self.inputs.rollout != Rollout::Restart {
            let problems = self.await_workloads(kubectl, plan, &[], Watch::All).await;
            return self.settle(Stage::Rollout, problems);
        }
        let mut problems = self.restart(kubectl, due).await;
        let now = due.restarts.due.iter().zip(&self.outcome.restarts);
        let now = now.filter(|(_, report)| report.progress == Progress::Done).map(|(restart, _)| &restart.workload);
        let restarted: Vec<&Object> = now.chain(&due.restarts.restarted).collect();
        problems.extend(self.await_workloads(kubectl, plan, &restarted, Watch::All).await);
        self.settle(Stage::Rollout, problems)?;
        self.settle_revisions(kubectl, plan, due).await;
        Ok(())
    }

    /// Restarts what is due; returns why some could not be.
    pub(in crate::run) async fn restart(&mut self, kubectl: &Kubectl, due: &RestartPlan) -> Vec<Problem> {
        // A signal may end the run before there is an answer.
        self.outcome.restarts.iter_mut().for_each(|report| report.progress = Progress::Unanswered);
        let mut ended = restarting(kubectl, &due.restarts.due);
        let mut problems = Vec::new();
        while let Some((at, ended)) = ended.next().await {
            let Some(report) = self.outcome.restarts.get_mut(at) else { continue };
            report.progress = if ended.is_ok() { Progress::Done } else { Progress::Failed };
            let word = if ended.is_ok() { "restarted" } else { "not restarted" };
            let text = text!("{} {word}", report.id);
            self.say(text);
            problems.extend(ended.err());
        }
        problems
    }

    /// Takes the lists away from the objects: all that stood in them is done. What is left there does no harm, and the next run
    /// tries again.
    pub(in crate::run) async fn settle_revisions(&mut self, kubectl: &Kubectl, plan: &[Step], due: &RestartPlan) {
        let settled = stream::iter(due.revisions.iter().filter(|(_, revision)| !revision.awaiting.is_empty()))
            .map(|(at, revision)| settled(kubectl, &plan[*at].wanted, revision))
            .buffer_unordered(CONCURRENCY)
            .filter(|ended| std::future::ready(ended.is_ok()));
        let settled = settled.count().await;
        tracing::debug!(settled, "objects remember no restarts any more");
    }
}

/// The workloads of `namespaces`: those `listed`, and the build's `own`, which are known also where they may not be listed.
pub(in crate::run) fn workloads(
    mut listed: Vec<Object>,
    own: impl IntoIterator<Item = Object>,
    namespaces: &BTreeSet<String>,
) -> Vec<Workload> {
    let own = own.into_iter().filter(|live| live.namespace().is_some_and(|namespace| namespaces.contains(namespace)));
    let unlisted: Vec<Object> = own.filter(|live| !listed.iter().any(|listed| listed.id() == live.id())).collect();
    listed.extend(unlisted);
    listed.into_iter().filter_map(Workload::of).collect()
}

/// What restarting any workload of `namespaces` needs.
fn to_restart(namespaces: &BTreeSet<String>) -> Vec<Need> {
    let kinds = ["deployments", "statefulsets", "daemonsets"];
    let places = namespaces.iter().flat_map(|namespace| kinds.map(|kind| (namespace, kind)));
    let needs = places.map(|(namespace, kind)| TO_RESTART.map(|verb| Need::new(verb, "apps", kind, Some(namespace))));
    needs.flatten().collect()
}

fn not_its_business(needs: &[Need], matters: bool) -> Option<Problem> {
    if needs.is_empty() {
        return None;
    }
    let text = text!(
        "what uses the written objects is not restarted where this account has no rights: {}",
        rights::told(needs)
    );
    let problem =
        if matters { Problem::warning("restarts-unknown", text) } else { Problem::notice("restarts-unknown", text) };
    Some(problem.help(text!(
        "`rollout: wait` says that this is meant; else have this applied and bound:\n{}",
        rights::role(needs)
    )))
}

/// Restarts each of `due`, several at once; tells its place and how it ended.
pub(in crate::run) fn restarting<'a>(
    kubectl: &'a Kubectl,
    due: &'a [Restart],
) -> impl Stream<Item = (usize, Result<(), Problem>)> + Unpin + 'a {
    let each = due.iter().enumerate().map(move |(at, restart)| async move { (at, restarted(kubectl, restart).await) });
    Box::pin(stream::iter(each).buffer_unordered(CONCURRENCY))
}

/// Restarts one workload as it then is, unless that has happened already.
async fn restarted(kubectl: &Kubectl, restart: &Restart) -> Result<(), Problem> {
    let mut live = restart.workload.clone();
    let mut refused = None;
    for _ in 0..TRIES {
        let Err(problem) = kubectl.patch(&live, &restart.patch(&live), Writes::Really).await else { return Ok(()) };
        let found = kubectl.get(std::slice::from_ref(&live)).await.map(|mut found| found.remove(&live.id()));
        let Ok(Some(now)) = found else {
            // One that is gone needs no restart.
            return if found.is_ok() { Ok(()) } else { Err(problem) };
        };
        if restart.is_done(&now) {
            return Ok(());
        }
        // It was not the object that had changed.
        if now.resource_version() == live.resource_version() {
            return Err(problem);
        }
        (live, refused) = (now, Some(problem));
    }
    refused.map_or(Ok(()), Err)
}

async fn settled(kubectl: &Kubectl, object: &Object, revision: &Revision) -> Result<(), Problem> {
    kubectl.patch(object, &revision.settlement(), Writes::Really).await.map(drop)
}
