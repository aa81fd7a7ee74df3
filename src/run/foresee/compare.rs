//! The cluster against the build: what an apply would do, asked of the server where it cannot be known without.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;

use serde_json::Value;

use crate::changes::{self, Inheritance, Set, Takeover, Texts};
use crate::error::{Failure, Problem, Stage, text};
use crate::inputs::Command;
use crate::kubectl::{Kubectl, LiveObjects, Survey};
use crate::object::{Object, ObjectId};
use crate::report::Change;
use crate::run::foresee::left_over::Ground;
use crate::run::foresee::view::{View, Wanted};
use crate::run::{Run, Standing, Step};
use crate::secret::Secret;

/// What an apply would do, and why it would be refused.
pub(in crate::run) struct Compared {
    /// Every object of the build.
    pub(in crate::run) plan: Vec<Step>,
    /// What bears the mark of the set, or why that is not known.
    pub(in crate::run) marked: Result<Vec<ObjectId>, Vec<Problem>>,
    /// Errors; what they are about is compared without the server's answer.
    pub(in crate::run) refused: Vec<Problem>,
    /// Whether every object could be read.
    pub(in crate::run) whole: bool,
}

impl<O: Write, E: Write> Run<O, E> {
    /// What each object's apply would do. Only what is not provably unchanged is asked of the server.
    ///
    /// # Errors
    /// What keeps the cluster from being read at all, and objects that stand in the build twice.
    pub(in crate::run) async fn compare(
        &mut self,
        kubectl: &Kubectl,
        wanted: Wanted,
        view: &View,
        set: &Set,
    ) -> Result<Compared, Failure> {
        let failure = |problems| Failure::new(Stage::Compare, problems);
        let Wanted(wanted) = wanted;
        refuse_twice(&wanted, &kubectl.namespace).map_err(failure)?;
        let ground = Ground::of(&self.inputs, wanted.iter(), &kubectl.namespace);
        let Survey { read, marked } = kubectl.survey(&wanted, ground.sought(set)).await;
        self.hide_live(&wanted, &read.live, view);
        // Beside what comes next, which says nothing.
        let masker = self.masker.clone();
        tokio::task::spawn_blocking(move || masker.make_ready());
        self.note(read.notices);
        self.unmatched_force(&wanted);
        let mut plan = self.plan(kubectl, wanted, read.live, view);
        let mut refused = self.unread(kubectl, read.problems, &mut plan).await?;
        let whole = refused.is_empty();
        refused.extend(self.refuse_foreign(set, &mut plan));
        self.leave_to_scale(&mut plan);
        for step in plan.iter_mut().filter(|step| step.is_unchanged()) {
            step.change.writes = false;
            step.change.change = Change::Unchanged;
        }
        refused.extend(self.try_changes(kubectl, &mut plan, view).await?);
        for step in &mut plan {
            step.change = view.known(step);
        }
        self.tell_inherited(&plan);
        let writes = plan.iter().filter(|step| step.change.writes).count();
        let text = text!("{writes} of {} to write", crate::report::count(plan.len(), "object"));
        self.say(text);
        Ok(Compared { plan, marked, refused, whole })
    }

    /// Whoever only compares goes on with what could be read.
    async fn unread(
        &mut self,
        kubectl: &Kubectl,
        problems: Vec<Problem>,
        plan: &mut [Step],
    ) -> Result<Vec<Problem>, Failure> {
        if problems.is_empty() {
            return Ok(problems);
        }
        let failure = self.with_rights(kubectl, Failure::new(Stage::Compare, problems), plan).await;
        if self.inputs.command != Command::Diff || failure.problems.iter().any(|problem| problem.kind != "forbidden") {
            return Err(failure);
        }
        plan.iter_mut().filter(|step| step.live.is_none()).for_each(|step| step.standing = Standing::Unread);
        Ok(failure.problems)
    }

    fn plan(&self, kubectl: &Kubectl, wanted: Vec<Object>, mut live: LiveObjects, view: &View) -> Vec<Step> {
        let new = Foundations::of(wanted.iter().filter(|object| !live.contains_key(&object.id())));
        let step = |wanted: Object| {
            let live = live.remove(&wanted.id());
            let wanted = changes::remember(wanted, live.as_ref());
            let takeover = if self.is_forced(&wanted) { Takeover::ClientSideApply } else { Takeover::HandWork };
            let wanted = match &live {
                Some(live) => view.beside(wanted, live),
                None => wanted,
            };
            Step {
                change: changes::compare(&wanted, live.as_ref(), None),
                depends: new.carry(&wanted, &kubectl.namespace),
                inherited: live.as_ref().and_then(|live| Inheritance::of(&wanted, live, takeover)),
                takeover,
                standing: Standing::Ours,
                answered: false,
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

    /// Old values are as secret as new ones. What the build holds alike, and everybody may read there, is none.
    fn hide_live(&mut self, wanted: &[Object], live: &LiveObjects, view: &View) {
        let mut readable: HashMap<ObjectId, Texts> = wanted
            .iter()
            .filter(|object| object.is_secret())
            .map(|object| (object.id(), view.readable(object)))
            .collect();
        for (id, live) in live {
            let readable = readable.remove(id).unwrap_or_default();
            let values = changes::secret_values(live).into_iter();
            let secret = values.filter(|(path, value)| readable.get(path).is_none_or(|text| text != value.expose()));
            secret.for_each(|(_, value)| self.masker.add(&value));
        }
        let holds_secret = |text: &str| self.masker.redact(text).as_str() != text;
        let config_maps = wanted.iter().filter(|object| object.is_config_map());
        let pairs = config_maps.filter_map(|wanted| Some((wanted, live.get(&wanted.id())?)));
        let old: Vec<Secret> =
            pairs.flat_map(|(wanted, live)| changes::replaced_values(wanted, live, &holds_secret)).collect();
        old.iter().for_each(|value| self.masker.add(value));
    }
}

impl Step {
    /// Whether an apply would provably write nothing.
    pub(in crate::run) fn is_unchanged(&self) -> bool {
        let is_as_wanted = |live| self.inherited.is_none() && changes::is_unchanged(&self.wanted, live);
        self.standing == Standing::Shared || self.live.as_ref().is_some_and(is_as_wanted)
    }
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
        .filter(|id| bare.contains(&ObjectId { namespace: None, ..id.clone() }))
        .map(|id| {
            let text = text!("`{id}` is in the build twice: once with the context's namespace, once with none");
            Problem::error("object-twice", text).help("keep one of them, or give them different names or namespaces")
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
