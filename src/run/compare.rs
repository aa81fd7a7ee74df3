//! The cluster against the build: what an apply would do, asked of the server where it cannot be known without.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::Value;

use super::{Done, Run, Standing, Step};
use crate::changes::{self, Inheritance, Set, Takeover};
use crate::error::{Failure, Problem, Stage, text};
use crate::kubectl::{Conflicts, Kubectl, LiveObjects};
use crate::object::Object;
use crate::report::{Change, Progress};
use crate::secret::Secret;

impl<O: Write, E: Write> Run<O, E> {
    /// What each object's apply would do. Only what is not provably unchanged is asked of the server.
    pub(super) async fn compare(
        &mut self,
        kubectl: &Kubectl,
        wanted: Vec<Object>,
        set: &Set,
    ) -> Result<Vec<Step>, Failure> {
        let failure = |problems| Failure::new(Stage::Compare, problems);
        refuse_twice(&wanted, &kubectl.namespace).map_err(failure)?;
        let read = kubectl.read(&wanted).await;
        self.hide_live(&wanted, &read.live);
        self.note(read.notices);
        self.unmatched_force(&wanted);
        let mut plan = self.plan(kubectl, wanted, read.live);
        if !read.problems.is_empty() {
            return Err(self.with_rights(kubectl, failure(read.problems), &plan).await);
        }
        self.refuse_foreign(set, &mut plan)?;
        self.leave_to_scale(&mut plan);
        let is_unchanged = |step: &Step| {
            let is_as_wanted = |live| step.inherited.is_none() && changes::is_unchanged(&step.wanted, live);
            step.standing == Standing::Shared || step.live.as_ref().is_some_and(is_as_wanted)
        };
        for step in plan.iter_mut().filter(|step| is_unchanged(step)) {
            step.change.writes = false;
            step.change.change = Change::Unchanged;
        }
        let asked: Vec<usize> = (0..plan.len()).filter(|&at| !plan[at].depends && !is_unchanged(&plan[at])).collect();
        if let Err(refused) = self.dry_run(kubectl, &mut plan, &asked, Stage::Compare).await {
            return Err(self.with_rights(kubectl, refused, &plan).await);
        }
        self.tell_inherited(&plan);
        if self.inputs.dry_run && plan.iter().any(|step| step.depends) {
            let text = "what depends on a new Namespace or CRD of this build was not tried on the server";
            self.note([Problem::notice("not-tried", text)]);
        }
        let writes = plan.iter().filter(|step| step.change.writes).count();
        let text = text!("{writes} of {} to write", crate::report::count(plan.len(), "object"));
        self.say(text);
        Ok(plan)
    }

    fn plan(&self, kubectl: &Kubectl, wanted: Vec<Object>, mut live: LiveObjects) -> Vec<Step> {
        let new = Foundations::of(wanted.iter().filter(|object| !live.contains_key(&object.id())));
        let step = |wanted: Object| {
            let live = live.remove(&wanted.id());
            let wanted = changes::remember(wanted, live.as_ref());
            let takeover = if self.is_forced(&wanted) { Takeover::ClientSideApply } else { Takeover::HandWork };
            Step {
                change: changes::compare(&wanted, live.as_ref(), None),
                depends: new.carry(&wanted, &kubectl.namespace),
                inherited: live.as_ref().and_then(|live| Inheritance::of(&wanted, live, takeover)),
                takeover,
                standing: Standing::Ours,
                wanted,
                live,
            }
        };
        wanted.into_iter().map(step).collect()
    }

    /// Replicas that an autoscaler sets are its own.
    fn leave_to_scale(&mut self, plan: &mut [Step]) {
        let mut notices = Vec::new();
        for step in plan {
            let Some(live) = &step.live else { continue };
            if changes::leave_to_scale(&mut step.wanted, live) {
                step.change = changes::compare(&step.wanted, Some(live), None);
                step.inherited = Inheritance::of(&step.wanted, live, step.takeover);
                let text = text!("`{}` is scaled by others: its `spec.replicas` is left as it is", step.wanted.id());
                notices.push(Problem::notice("scaled-by-others", text));
            }
        }
        self.note(notices);
    }

    /// Asks the server what would become of some objects; `stage` is where the run stands.
    pub(super) async fn dry_run(
        &mut self,
        kubectl: &Kubectl,
        plan: &mut [Step],
        asked: &[usize],
        stage: Stage,
    ) -> Done {
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
        self.refuse_unanswered(plan, &answers, problems, stage)?;
        for (at, answer) in answers {
            let Some(answer) = answer else { continue };
            let after = self.corrected(kubectl, &plan[at], answer).await;
            let step = &mut plan[at];
            step.change = changes::compare(&step.wanted, step.live.as_ref(), Some(&after));
            step.change.writes |= step.inherited.is_some();
        }
        Ok(())
    }

    /// What the server refuses on trial, it would refuse for real.
    fn refuse_unanswered(
        &mut self,
        plan: &[Step],
        answers: &[(usize, Option<Object>)],
        problems: Vec<Problem>,
        stage: Stage,
    ) -> Done {
        let refused: Vec<usize> = answers.iter().filter(|(_, after)| after.is_none()).map(|&(at, _)| at).collect();
        if stage == Stage::Apply {
            refused.iter().for_each(|&at| self.outcome.objects[at].progress = Progress::Failed);
        }
        self.settle(stage, problems)?;
        let Some(&at) = refused.first() else { return Ok(()) };
        let text = text!("the server did not say what would become of {}", plan[at].change.id);
        let problem = Problem::error("no-answer", text).help("run it again; if it stays so, look at `kubectl version`");
        Err(Failure::new(stage, vec![problem]))
    }

    /// Old values are as secret as new ones.
    fn hide_live(&mut self, wanted: &[Object], live: &LiveObjects) {
        live.values().flat_map(changes::secret_values).for_each(|value| self.masker.add(&value));
        let holds_secret = |text: &str| self.masker.redact(text).as_str() != text;
        let config_maps = wanted.iter().filter(|object| object.is_config_map());
        let pairs = config_maps.filter_map(|wanted| Some((wanted, live.get(&wanted.id())?)));
        let old: Vec<Secret> =
            pairs.flat_map(|(wanted, live)| changes::replaced_values(wanted, live, &holds_secret)).collect();
        old.iter().for_each(|value| self.masker.add(value));
    }
}

/// Whether fields are kept from us by hand work and by nobody else: once they are ours, there is no conflict.
fn is_kept_by_hands_alone(step: &Step) -> bool {
    let Some(live) = step.live.as_ref().filter(|_| step.inherited.is_some()) else { return false };
    !changes::conflicts_with_others(&step.wanted, live, step.takeover)
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

/// One object with the context's namespace written out, and again without: the second would be written over the first.
fn refuse_twice(wanted: &[Object], default_namespace: &str) -> Result<(), Vec<Problem>> {
    let bare: BTreeSet<_> = wanted.iter().map(Object::id).filter(|id| id.namespace.is_none()).collect();
    let twice = wanted.iter().map(Object::id).filter(|id| id.namespace.as_deref() == Some(default_namespace));
    let problems: Vec<Problem> = twice
        .filter(|id| bare.contains(&crate::object::ObjectId { namespace: None, ..id.clone() }))
        .map(|id| {
            let text = text!("`{id}` is in the build twice: once with the context's namespace, once with none");
            Problem::error("object-twice", text).help("keep one of them, or give them different names or namespaces")
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
