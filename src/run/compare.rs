//! The cluster against the build: what an apply would do, asked of the server where it cannot be known without.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::Value;

use super::{Done, Run, Step};
use crate::changes;
use crate::error::{Failure, Problem, Stage};
use crate::kubectl::{Conflicts, Kubectl};
use crate::object::Object;
use crate::report::Change;

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
    pub(super) async fn dry_run(&mut self, kubectl: &Kubectl, plan: &mut [Step], asked: &[usize]) -> Done {
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
