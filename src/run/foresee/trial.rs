//! Changes tried on the server, which writes nothing and answers with what it would make of them.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::json;

use crate::build;
use crate::changes;
use crate::error::{Failure, Problem, Stage, text};
use crate::inputs::Command;
use crate::kubectl::{self, Conflicts, Kubectl};
use crate::object::Object;
use crate::rights;
use crate::run::foresee::view::View;
use crate::run::{Run, Standing, Step};

impl<O: Write, E: Write> Run<O, E> {
    /// Tries what is not unchanged, and works out by itself what cannot be tried. Returns why an apply would be refused, but for the
    /// rights that whoever compares lacks.
    pub(in crate::run) async fn try_changes(
        &mut self,
        kubectl: &Kubectl,
        plan: &mut [Step],
        view: &View,
    ) -> Result<Vec<Problem>, Failure> {
        let is_asked = |step: &Step| {
            !step.depends && step.standing == Standing::Ours && !step.is_unchanged() && !view.lacks_values(step)
        };
        let asked: Vec<usize> = (0..plan.len()).filter(|&at| is_asked(&plan[at])).collect();
        let problems = self.dry_run(kubectl, plan, &asked, Stage::Compare).await?;
        self.tell_untried(plan, view);
        let (errors, others): (Vec<Problem>, Vec<Problem>) = problems.into_iter().partition(Problem::is_error);
        self.note(others);
        if self.inputs.command != Command::Diff {
            return Ok(self.with_rights(kubectl, Failure::new(Stage::Compare, errors), plan).await.problems);
        }
        for step in plan.iter_mut().filter(|step| !step.answered && !step.is_unchanged()) {
            let Some(live) = &step.live else { continue };
            let after = changes::simulated(&step.wanted, live, step.inherited.as_ref());
            step.change = changes::compare(&step.wanted, Some(live), Some(&after));
        }
        let (forbidden, mut refused): (Vec<Problem>, Vec<Problem>) =
            errors.into_iter().partition(|problem| problem.kind == "forbidden");
        if !forbidden.is_empty() {
            self.note([read_only()]);
            let untried = plan.iter().filter(|step| !step.answered && step.standing == Standing::Ours);
            refused.extend(untried.filter_map(|step| self.foreseen_refusal(step)));
            refused.extend(missing_namespaces(kubectl, plan).await);
        }
        Ok(refused)
    }

    /// Why the server would refuse a change, as far as the live object shows it.
    fn foreseen_refusal(&self, step: &Step) -> Option<Problem> {
        let live = step.live.as_ref()?;
        let id = build::without_content_hash(&step.change.id);
        if let Some(what) = changes::immutable(&step.wanted, live) {
            let help = "give it another name, or delete the object first";
            return Some(Problem::error("immutable-field", text!("`{id}` cannot be changed so: {what}")).help(help));
        }
        let conflicts = changes::conflicts(&step.wanted, live, step.takeover);
        let (manager, fields) = conflicts.into_iter().next().filter(|_| !self.is_forced(&step.wanted))?;
        let text = text!("`{id}` has a conflict: `{manager}` keeps {}", fields.join(", "));
        Some(Problem::error("conflict", text).help(text!(
            "leave the field out of the build, or take it: `force-conflicts: {}/{}`",
            id.kind,
            id.name
        )))
    }

    /// Asks the server what would become of some objects; `stage` is where the run stands. Returns why it refuses any, and its warnings.
    ///
    /// # Errors
    /// Why there was no answer at all.
    pub(in crate::run) async fn dry_run(
        &mut self,
        kubectl: &Kubectl,
        plan: &mut [Step],
        asked: &[usize],
        stage: Stage,
    ) -> Result<Vec<Problem>, Failure> {
        let (forced, others): (Vec<usize>, Vec<usize>) = asked
            .iter()
            .copied()
            .partition(|&at| self.is_forced(&plan[at].wanted) || is_kept_by_hands_alone(&plan[at]));
        let (mut answers, mut problems) = (Vec::new(), Vec::new());
        for (some, conflicts) in [(others, Conflicts::Refuse), (forced, Conflicts::Force)] {
            let objects: Vec<Object> = some.iter().map(|&at| plan[at].wanted.clone()).collect();
            let answer = kubectl.dry_run(&objects, conflicts).await;
            let answer = answer.map_err(|problem| Failure::new(stage, vec![problem]))?;
            problems.extend(answer.problems);
            answers.extend(some.into_iter().zip(answer.answers));
        }
        let unanswered = answers.iter().find(|(_, after)| after.is_none());
        if let Some(&(at, _)) = unanswered.filter(|_| !problems.iter().any(Problem::is_error)) {
            problems.push(no_answer(&plan[at]));
        }
        for (at, answer) in answers {
            let Some(answer) = answer else { continue };
            let after = self.corrected(kubectl, &plan[at], answer).await;
            let step = &mut plan[at];
            step.answered = true;
            step.change = changes::compare(&step.wanted, step.live.as_ref(), Some(&after));
            step.change.writes |= step.inherited.is_some();
        }
        let accepted = asked.iter().map(|&at| &plan[at]).filter(|step| step.answered && !self.is_forced(&step.wanted));
        problems.extend(accepted.filter_map(unseen_conflict));
        Ok(problems)
    }

    /// What only an apply will find out.
    fn tell_untried(&mut self, plan: &[Step], view: &View) {
        let only_tells = self.inputs.dry_run || self.inputs.command == Command::Diff;
        if only_tells && plan.iter().any(|step| step.depends) {
            let text = "what depends on a new Namespace or CRD of this build was not tried on the server";
            self.note([Problem::notice("not-tried", text)]);
        }
        if plan.iter().any(|step| view.lacks_values(step)) {
            let text = "new objects of which values are not given were not tried on the server";
            self.note([Problem::notice("not-tried", text)]);
        }
    }
}

/// What is not seen where the account may look, but not try.
fn read_only() -> Problem {
    let text = "this account may look, but not try an apply: the build is compared with what is live, and what the server \
                would fill in or refuse is not seen, but for what the live objects show";
    Problem::notice("not-tried", text)
}

/// Namespaces that new objects need and that are not there, as far as this account may see.
async fn missing_namespaces(kubectl: &Kubectl, plan: &[Step]) -> Vec<Problem> {
    let new = plan.iter().filter(|step| step.live.is_none() && !step.depends && step.standing == Standing::Ours);
    let names: BTreeSet<&str> = new.filter_map(|step| rights::namespace_of(&step.wanted, &kubectl.namespace)).collect();
    let object =
        |name: &&str| Object::parse(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})).ok();
    let namespaces: Vec<Object> = names.iter().filter_map(object).collect();
    if namespaces.is_empty() {
        return Vec::new();
    }
    let read = kubectl.read(&namespaces).await;
    if !read.problems.is_empty() {
        return Vec::new();
    }
    let missing = namespaces.iter().filter(|namespace| !read.live.contains_key(&namespace.id()));
    let problem = |namespace: &Object| {
        let text = text!("the namespace `{}` does not exist", namespace.name());
        Problem::error("namespace-not-found", text).help("create it, or put it into the build")
    };
    missing.map(problem).collect()
}

fn no_answer(step: &Step) -> Problem {
    let text = text!("the server did not say what would become of {}", step.change.id);
    Problem::error("no-answer", text).help("run it again; if it stays so, look at `kubectl version`")
}

/// Whether fields are kept from us by hand work and by nobody else: once they are ours, there is no conflict.
fn is_kept_by_hands_alone(step: &Step) -> bool {
    let Some(live) = step.live.as_ref().filter(|_| step.inherited.is_some()) else { return false };
    !changes::conflicts_with_others(&step.wanted, live, step.takeover)
}

/// The conflict that the server does not report: it takes a Secret's `stringData` for something else than its `data`.
fn unseen_conflict(step: &Step) -> Option<Problem> {
    let unseen = changes::unseen_conflicts(&step.wanted, step.live.as_ref()?, step.takeover);
    (!unseen.is_empty()).then(|| kubectl::unseen_conflict(&build::without_content_hash(&step.wanted.id()), &unseen))
}
