//! Changes tried on the server, which writes nothing and answers with what it would make of them.

use std::io::Write;

use super::view::View;
use super::{Run, Standing, Step};
use crate::changes;
use crate::error::{Failure, Problem, Stage, text};
use crate::inputs::Command;
use crate::kubectl::{Conflicts, Kubectl};
use crate::object::Object;

/// What trying has shown.
pub(super) struct Tried {
    /// Why an apply would be refused.
    pub(super) refused: Vec<Problem>,
    /// Whether the account may try.
    pub(super) allowed: bool,
}

impl<O: Write, E: Write> Run<O, E> {
    /// Tries what is not unchanged, and works out by itself what cannot be tried.
    pub(super) async fn try_changes(
        &mut self,
        kubectl: &Kubectl,
        plan: &mut [Step],
        view: &View,
    ) -> Result<Tried, Failure> {
        let is_asked = |step: &Step| {
            !step.depends && step.standing == Standing::Ours && !step.is_unchanged() && !view.lacks_values(step)
        };
        let asked: Vec<usize> = (0..plan.len()).filter(|&at| is_asked(&plan[at])).collect();
        let problems = self.dry_run(kubectl, plan, &asked, Stage::Compare).await?;
        self.tell_untried(plan, view);
        let (errors, others): (Vec<Problem>, Vec<Problem>) = problems.into_iter().partition(Problem::is_error);
        self.note(others);
        let errors = self.with_rights(kubectl, Failure::new(Stage::Compare, errors), plan).await.problems;
        if self.inputs.command != Command::Diff {
            return Ok(Tried { refused: errors, allowed: true });
        }
        for step in plan.iter_mut().filter(|step| !step.answered && !step.is_unchanged()) {
            let Some(live) = &step.live else { continue };
            let after = changes::simulated(&step.wanted, live, step.inherited.as_ref());
            step.change = changes::compare(&step.wanted, Some(live), Some(&after));
        }
        let (forbidden, refused): (Vec<Problem>, Vec<Problem>) =
            errors.into_iter().partition(|problem| problem.kind == "forbidden");
        let allowed = forbidden.is_empty();
        self.note(forbidden.into_iter().map(read_only));
        Ok(Tried { refused, allowed })
    }

    /// Asks the server what would become of some objects; `stage` is where the run stands. Returns why it refuses any, and its warnings.
    ///
    /// # Errors
    /// Why there was no answer at all.
    pub(super) async fn dry_run(
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
fn read_only(forbidden: Problem) -> Problem {
    let text = text!(
        "this account may not try an apply, so the build is compared with what is live; what the server would fill in, spell in \
         another way or refuse is not seen ({})",
        forbidden.message
    );
    Problem { help: forbidden.help, ..Problem::notice("not-tried", text) }
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
