//! Objects that hands have made or changed become ours, without a conflict and without a stale key.

use std::collections::BTreeSet;
use std::io::Write;

use futures_util::stream::{self, StreamExt as _};

use crate::build;
use crate::changes::{self, Inheritance, LAST_APPLIED};
use crate::error::{Problem, Stage, text};
use crate::kubectl::{Kubectl, LiveObjects, Writes};
use crate::object::{Object, ObjectId};
use crate::report::Progress;
use crate::run::{Done, Run, Step};

/// How many objects are handed over at once.
const CONCURRENCY: usize = 4;

impl<O: Write, E: Write> Run<O, E> {
    /// Says which objects are inherited, and from whom.
    pub(in crate::run) fn tell_inherited(&mut self, plan: &[Step]) {
        let inherited: Vec<(&Step, &Inheritance)> =
            plan.iter().filter_map(|step| Some((step, step.inherited.as_ref()?))).collect();
        // Fields that only change their spelling are inherited from nobody.
        let inherited: Vec<_> = inherited.into_iter().filter(|(_, inherited)| !inherited.managers.is_empty()).collect();
        if inherited.is_empty() {
            return;
        }
        let managers: BTreeSet<String> =
            inherited.iter().flat_map(|(_, inherited)| &inherited.managers).map(|name| format!("`{name}`")).collect();
        let objects: Vec<String> =
            inherited.iter().map(|(step, _)| format!("`{}`", build::without_content_hash(&step.wanted.id()))).collect();
        let text = text!(
            "inherited from hand work ({}): {}",
            managers.into_iter().collect::<Vec<_>>().join(", "),
            objects.join(", ")
        );
        self.note([Problem::notice("inherited", text)]);
    }

    /// What an apply makes of an inherited object: the dry-run's `answer` still has what hand work left.
    pub(in crate::run) async fn corrected(&self, kubectl: &Kubectl, step: &Step, answer: Object) -> Object {
        let (Some(inherited), Some(live)) = (&step.inherited, &step.live) else { return answer };
        // What cannot be removed by itself may all the same go together with what comes.
        let removed = removed_on_trial(kubectl, step, inherited, live).await;
        inherited.corrected(answer, live, removed.as_ref())
    }

    /// Makes the fields of hand work ours, so that the apply after it can give up those that the build lacks.
    /// Stopped between the two, the next run finds all of it ours and goes on.
    pub(in crate::run) async fn hand_over(&mut self, kubectl: &Kubectl, plan: &mut [Step], some: &[usize]) -> Done {
        let is_heir = |at: &usize| plan[*at].inherited.is_some() && plan[*at].change.writes;
        let heirs: Vec<usize> = some.iter().copied().filter(is_heir).collect();
        // A signal may end the run before there is an answer.
        heirs.iter().for_each(|&at| self.outcome.objects[at].progress = Progress::Unanswered);
        let steps: &[Step] = plan;
        let ended: Vec<(usize, Result<Option<Object>, Problem>)> = stream::iter(heirs)
            .map(|at| async move { (at, hand_over(kubectl, &steps[at]).await) })
            .buffered(CONCURRENCY)
            .collect()
            .await;
        let mut problems = Vec::new();
        for (at, ended) in ended {
            self.outcome.objects[at].progress = if ended.is_ok() { Progress::Planned } else { Progress::Failed };
            match ended {
                Ok(Some(live)) => plan[at].live = Some(live),
                Ok(None) => {}
                Err(problem) => problems.push(problem),
            }
        }
        self.settle(Stage::Apply, problems)
    }

    /// Removes the copy of its values that a client-side apply kept on an object and no field manager owned, so that the
    /// apply left it there.
    pub(in crate::run) async fn drop_copies(&mut self, kubectl: &Kubectl, written: &[Object], live: &mut LiveObjects) {
        for wanted in written {
            let Some(patch) = live.get(&wanted.id()).and_then(changes::without_copy) else { continue };
            match kubectl.patch(wanted, &patch, Writes::Really).await {
                Ok(now) => drop(live.insert(wanted.id(), now)),
                Err(problem) => self.note([copy_stays(&build::without_content_hash(&wanted.id()), &problem)]),
            }
        }
    }
}

/// What the server would put in the place of what is removed. Controllers may write to the object meanwhile: then it is read anew.
async fn removed_on_trial(kubectl: &Kubectl, step: &Step, inherited: &Inheritance, live: &Object) -> Option<Object> {
    const TRIES: usize = 3;
    let mut patch = inherited.removal(live)?;
    for _ in 1..TRIES {
        if let Ok(removed) = kubectl.patch(&step.wanted, &patch, Writes::OnTrial).await {
            return Some(removed);
        }
        let live = kubectl.get(std::slice::from_ref(&step.wanted)).await.ok()?.remove(&step.wanted.id())?;
        let again = Inheritance::of(&step.wanted, &live, step.takeover)?.removal(&live)?;
        if again == patch {
            return None;
        }
        patch = again;
    }
    kubectl.patch(&step.wanted, &patch, Writes::OnTrial).await.ok()
}

fn copy_stays(id: &ObjectId, why: &Problem) -> Problem {
    let text = text!("`{id}` keeps the annotation `{LAST_APPLIED}`, which holds values in clear: {}", why.message);
    let object = format!("{} {}", id.kind.to_lowercase(), id.name);
    Problem::warning("values-in-clear", text).help(text!("remove it: `kubectl annotate {object} {LAST_APPLIED}-`"))
}

/// Hands the fields over and returns the object as it then is. If it changed since it was read, it is read and tried once more.
async fn hand_over(kubectl: &Kubectl, step: &Step) -> Result<Option<Object>, Problem> {
    let Some(inherited) = &step.inherited else { return Ok(None) };
    let patched = kubectl.patch(&step.wanted, &inherited.handover(), Writes::Really).await;
    let Err(refused) = patched else { return patched.map(Some) };
    let live = kubectl.get(std::slice::from_ref(&step.wanted)).await;
    let Some(live) = live.ok().and_then(|mut live| live.remove(&step.wanted.id())) else { return Err(refused) };
    if let Some(problem) = step.lost_to(&live) {
        return Err(problem);
    }
    match Inheritance::of(&step.wanted, &live, step.takeover) {
        None => Ok(Some(live)),
        // It was not the object that had changed.
        Some(again) if again == *inherited => Err(refused),
        Some(again) => {
            let patched = kubectl.patch(&step.wanted, &again.handover(), Writes::Really).await;
            patched.map(Some).map_err(|_| step.keeps_changing())
        }
    }
}
