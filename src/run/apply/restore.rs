//! Going back after a failed rollout: the values before, which were nowhere but in the cluster, are put back and rolled out.

use std::collections::BTreeSet;
use std::io::Write;

use futures_util::StreamExt as _;

use crate::build;
use crate::changes::{self, Workload};
use crate::error::{Failure, Problem, Stage, text};
use crate::kubectl::{Conflicts, Expected, Kubectl, Listed, LiveObjects, Written};
use crate::object::{Object, ObjectId};
use crate::report::{Progress, count};
use crate::run::apply::restart::{restarting, workloads};
use crate::run::apply::rollout::Watch;
use crate::run::foresee::restart_plan::RestartPlan;
use crate::run::{Done, Run, Step};

/// A Secret or ConfigMap to put back.
struct Return {
    /// Its place in the plan and in the report.
    at: usize,
    /// As the build names it.
    id: ObjectId,
    /// The `resourceVersion` that our own write gave it.
    version: String,
}

impl<O: Write, E: Write> Run<O, E> {
    /// Puts the values before back where nobody else has written since, and restarts what uses them. `written` is how the
    /// objects were read back. The run has failed and stays so.
    pub(in crate::run) async fn restore(
        &mut self,
        kubectl: &Kubectl,
        plan: &[Step],
        written: &LiveObjects,
        failed: Failure,
    ) -> Done {
        // Told now: a signal may come before the end.
        self.note(failed.problems);
        self.say("putting the values before back");
        let mut problems = Vec::new();
        let (mut back, returns) = self.back(plan, written, &mut problems);
        if back.is_empty() {
            let text = "no values were put back: this run has changed none that were there before it";
            problems.push(Problem::error("nothing-to-restore", text).help("see above for what failed"));
            return Err(Failure::new(Stage::Rollout, problems));
        }
        let due = plan_return(kubectl, plan, &mut back).await?;
        let returned = self.put_back(kubectl, &back, &returns, &mut problems).await;
        let restarted = self.roll_back(kubectl, plan, &back, &due, &returned, &mut problems).await;
        problems.extend(put_back_problem(&returns, &returned, restarted));
        Err(Failure::new(Stage::Rollout, problems))
    }

    /// What is put back, as steps of a plan of its own; tells what is not.
    fn back(&mut self, plan: &[Step], written: &LiveObjects, problems: &mut Vec<Problem>) -> (Vec<Step>, Vec<Return>) {
        let (mut back, mut returns, mut stays) = (Vec::new(), Vec::new(), Vec::new());
        for (at, step) in plan.iter().enumerate().filter(|(_, step)| step.change.writes) {
            let id = build::without_content_hash(&step.wanted.id());
            let version = written.get(&step.wanted.id()).and_then(Object::resource_version).map(str::to_owned);
            match (&step.live, version) {
                (Some(before), Some(version)) if step.change.data_changes => {
                    let live = written.get(&step.wanted.id()).cloned();
                    back.push(Step { wanted: changes::as_before(before), live, inherited: None, ..step.clone() });
                    returns.push(Return { at, id, version });
                }
                _ => stays.push(format!("`{id}`")),
            }
        }
        if !stays.is_empty() {
            let text = text!("as applied, since only values are put back: {}", stays.join(", "));
            let help = "what a manifest says is in the repository: revert it there; what is new had no values before";
            problems.push(Problem::notice("not-restored", text).help(help));
        }
        (back, returns)
    }

    /// Returns which of `back` the server has again.
    async fn put_back(
        &mut self,
        kubectl: &Kubectl,
        back: &[Step],
        returns: &[Return],
        problems: &mut Vec<Problem>,
    ) -> Vec<bool> {
        let some = self.untouched(kubectl, back, returns, problems).await;
        let objects: Vec<Object> = some.iter().map(|&at| back[at].wanted.clone()).collect();
        let expected: Vec<Expected> = some.iter().map(|&at| Expected::Version(returns[at].version.clone())).collect();
        // A signal may end the run before there is an answer.
        some.iter().for_each(|&at| self.outcome.objects[returns[at].at].progress = Progress::Unanswered);
        let applied = kubectl.apply(&objects, &expected, Conflicts::Refuse).await;
        problems.extend(applied.problems);
        let mut returned = vec![false; back.len()];
        for (&at, ended) in some.iter().zip(&applied.written) {
            let Return { at: place, id, .. } = &returns[at];
            let (progress, word) = match ended {
                Written::Done => (Progress::Restored, "put back"),
                Written::Unknown => (Progress::Unanswered, "sent back, and not answered"),
                Written::Refused | Written::Outdated => (Progress::Done, "not put back"),
            };
            self.outcome.objects[*place].progress = progress;
            returned[at] = progress == Progress::Restored;
            self.say(text!("{id} {word}"));
            if *ended == Written::Outdated {
                problems.push(written_by_another(id));
            }
        }
        returned
    }

    /// Which of `back` are as this run has written them; tells of the others. An object that is gone would be made again.
    async fn untouched(
        &mut self,
        kubectl: &Kubectl,
        back: &[Step],
        returns: &[Return],
        problems: &mut Vec<Problem>,
    ) -> Vec<usize> {
        let objects: Vec<Object> = back.iter().map(|step| step.wanted.clone()).collect();
        let now = match kubectl.get(&objects).await {
            Ok(now) => now,
            Err(unread) => {
                problems.extend(unread);
                return Vec::new();
            }
        };
        let is_untouched =
            |at: &usize| now.get(&objects[*at].id()).and_then(Object::resource_version) == Some(&returns[*at].version);
        let (untouched, others): (Vec<usize>, Vec<usize>) = (0..back.len()).partition(is_untouched);
        problems.extend(others.iter().map(|&at| written_by_another(&returns[at].id)));
        untouched
    }

    /// Restarts what uses what was put back, and waits for it; returns how many workloads.
    async fn roll_back(
        &mut self,
        kubectl: &Kubectl,
        plan: &[Step],
        back: &[Step],
        due: &RestartPlan,
        returned: &[bool],
        problems: &mut Vec<Problem>,
    ) -> usize {
        let due = due.only(back, returned, &kubectl.namespace);
        let mut ended = restarting(kubectl, &due.restarts.due);
        let mut restarted = Vec::new();
        while let Some((at, ended)) = ended.next().await {
            match ended {
                Ok(()) => restarted.push(&due.restarts.due[at].workload),
                Err(problem) => problems.push(problem),
            }
        }
        drop(ended);
        let failed = self.await_workloads(kubectl, plan, &restarted, Watch::Restarted).await;
        let all = failed.is_empty() && restarted.len() == due.restarts.due.len();
        problems.extend(failed);
        if all {
            self.settle_revisions(kubectl, back, &due).await;
        }
        restarted.len()
    }
}

/// Who has to read what is put back; it is written into that.
async fn plan_return(kubectl: &Kubectl, plan: &[Step], back: &mut [Step]) -> Result<RestartPlan, Failure> {
    let namespaces: BTreeSet<String> = back.iter().map(|step| step.namespace(&kubectl.namespace).to_owned()).collect();
    let workloads = workloads_now(kubectl, plan, &namespaces).await.map_err(|mut problems| {
        let text = "no values were put back, since what uses them could not be listed";
        problems.push(Problem::error("not-restored", text).help("run it again with the values before"));
        Failure::new(Stage::Rollout, problems)
    })?;
    let all: Vec<usize> = (0..back.len()).collect();
    Ok(RestartPlan::of(back, &all, &workloads, &kubectl.namespace))
}

/// The workloads of `namespaces`. Of kinds that the account may not list only those of the build were restarted before; they are read
/// by name, since this run may have made them.
async fn workloads_now(
    kubectl: &Kubectl,
    plan: &[Step],
    namespaces: &BTreeSet<String>,
) -> Result<Vec<Workload>, Vec<Problem>> {
    let Listed { found, problems } = kubectl.workloads(namespaces).await;
    if !problems.iter().all(|problem| problem.kind == "forbidden") {
        return Err(problems);
    }
    let own =
        plan.iter().map(|step| &step.wanted).filter(|wanted| !problems.is_empty() && changes::is_workload(wanted));
    let own: Vec<Object> = own.cloned().collect();
    let mut live = kubectl.get(&own).await?;
    Ok(workloads(found, own.iter().filter_map(|wanted| live.remove(&wanted.id())), namespaces))
}

fn written_by_another(id: &ObjectId) -> Problem {
    let text = text!("`{id}` was not put back: another has changed it since this run wrote it");
    Problem::error("not-restored", text).help("look at it, and run this again with the values that it shall have")
}

fn put_back_problem(returns: &[Return], returned: &[bool], restarted: usize) -> Option<Problem> {
    let returned = returns.iter().zip(returned).filter(|(_, returned)| **returned);
    let names: Vec<String> = returned.map(|(one, _)| format!("`{}`", one.id)).collect();
    if names.is_empty() {
        return None;
    }
    let text = text!(
        "the values before were put back: {}; {} restarted with them",
        names.join(", "),
        count(restarted, "workload")
    );
    Some(Problem::error("restored", text).help("see above for what failed; the next run applies the new values again"))
}
