//! `diff` with `base`: what the build of this checkout changes in that of another one, without a cluster and without values.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use crate::build;
use crate::changes::{self, KeyChange, ObjectChange, Texts};
use crate::error::{Failure, Problem, Stage, text};
use crate::object::{Object, ObjectId};
use crate::report::{BaseReport, Change, ObjectReport, Progress};
use crate::run::diff::side::{Checkout, Side};
use crate::run::foresee::told::{Telling, moves};
use crate::run::{Done, Run};
use crate::values::Values;
use crate::workflow_files::Call;

impl<O: Write, E: Write> Run<O, E> {
    pub(in crate::run) async fn diff_with_base(&mut self, base: &Path) -> Done {
        self.enter(Stage::Inputs);
        let (head, base) = self.both_checkouts(base).await?;
        let foreign = head.foreign || base.as_ref().is_some_and(|base| base.foreign);

        self.enter(Stage::Values);
        let asked: BTreeSet<String> =
            [Some(&head), base.as_ref()].into_iter().flatten().flat_map(|checkout| checkout.asked.clone()).collect();
        let values = self.public_values(&asked, !foreign && self.outsider.is_none())?;
        let nothing = BTreeSet::new();
        let before = base.as_ref().map_or(&nothing, |base| &base.asked);
        let calls = self.workflow_calls()?;
        self.outcome.base = Some(BaseReport {
            gained: head.asked.difference(before).filter(|name| self.is_to_be_given(name, &calls)).cloned().collect(),
            lost: before.difference(&head.asked).filter(|name| self.is_given_in_vain(name, &calls)).cloned().collect(),
        });

        let head = self.side(head, &values).await?;
        let base = match base {
            Some(base) => match self.side(base, &values).await {
                Ok(base) => base,
                Err(failure) => return self.without_base(&head, failure),
            },
            None => Side::default(),
        };

        self.enter(Stage::Compare);
        self.outcome.objects = report(&base, &head, &values);
        self.outcome.compared = true;
        Ok(())
    }

    /// Of trees of others only the templates.
    async fn both_checkouts(&mut self, base: &Path) -> Result<(Checkout, Option<Checkout>), Failure> {
        let mut head = self.read_checkout(Path::new("")).await?.ok_or_else(|| {
            // Only a base may lack the environment.
            Failure::new(Stage::Inputs, vec![Problem::error("no-root", "there is no layout to compare")])
        })?;
        let mut base = self.read_checkout(base).await?;
        if head.foreign || base.as_ref().is_some_and(|base| base.foreign) {
            if self.outsider.is_none() {
                let text = "only the templates are compared: another's overlay is not built";
                self.early.push(Problem::notice("not-built", text));
            }
            head.templates_alone();
            base.iter_mut().for_each(Checkout::templates_alone);
        }
        Ok((head, base))
    }

    /// Whether a step that deploys the environment lacks `name`; where no step is known, somebody has to give it.
    fn is_to_be_given(&self, name: &str, calls: &[Call]) -> bool {
        let mut own = self.calls_of_environment(calls).peekable();
        own.peek().is_none() || own.any(|call| !call.given.holds(name))
    }

    /// Whether a step that deploys the environment, and no other, still gives `name`.
    fn is_given_in_vain(&self, name: &str, calls: &[Call]) -> bool {
        let mut own = self.calls_of_environment(calls).peekable();
        let serves_others = |call: &Call| {
            calls.iter().any(|other| other.place == call.place && other.inputs.environment != call.inputs.environment)
        };
        own.peek().is_none() || own.any(|call| call.given.holds(name) && !serves_others(call))
    }

    fn calls_of_environment<'a>(&'a self, calls: &'a [Call]) -> impl Iterator<Item = &'a Call> {
        let of_environment = |call: &&Call| call.inputs.environment == self.inputs.environment;
        calls.iter().filter(|call| call.inputs.command.takes_template()).filter(of_environment)
    }

    /// A base that does not build is what this checkout may be there to mend.
    fn without_base(&mut self, head: &Side, failure: Failure) -> Done {
        let text = text!("the base fails at {}, so what changes cannot be told", failure.stage.name());
        self.note([Problem::warning("base-fails", text)]);
        self.note(failure.problems.into_iter().map(Problem::as_notice));
        self.outcome.objects = head.objects.iter().map(unknown).collect();
        Ok(())
    }
}

fn report(base: &Side, head: &Side, values: &Values) -> Vec<ObjectReport> {
    let old: BTreeMap<ObjectId, &Object> = base.objects.iter().map(|object| (object.id(), object)).collect();
    let new: BTreeSet<ObjectId> = head.objects.iter().map(Object::id).collect();
    let kept = head.objects.iter().map(|object| {
        let before = old.get(&object.id()).copied();
        changes::compare(object, before, before.map(|_| object))
    });
    let gone = base.objects.iter().filter(|object| !new.contains(&object.id())).map(removed);
    let changes: Vec<ObjectChange> = kept.chain(gone).collect();
    let (no_texts, nothing) = (Texts::new(), BTreeSet::new());
    let object = |change: &ObjectChange| {
        let side = if change.change == Change::Removed { base } else { head };
        let telling = Telling {
            before: base.texts.get(&change.id).unwrap_or(&no_texts),
            after: head.texts.get(&change.id).unwrap_or(&no_texts),
            unknown: &nothing,
            fillings: side.origins.get(&change.id),
            old_fillings: base.origins.get(&change.id),
            values,
            named_only: true,
        };
        ObjectReport {
            id: build::without_content_hash(&change.id),
            change: change.change,
            taken_over: false,
            progress: Progress::Planned,
            keys: change.keys.iter().map(|key| telling.key(key)).collect(),
            conflicts: Vec::new(),
        }
    };
    let mut objects: Vec<ObjectReport> = changes.iter().map(object).collect();
    moves(&changes.iter().collect::<Vec<_>>()).into_iter().for_each(|moved| moved.mark(&mut objects));
    objects
}

/// An object of which nobody can say what the base has.
fn unknown(object: &Object) -> ObjectReport {
    ObjectReport {
        id: build::without_content_hash(&object.id()),
        change: Change::Unknown,
        taken_over: false,
        progress: Progress::Planned,
        keys: Vec::new(),
        conflicts: Vec::new(),
    }
}

/// An object that only the base has.
fn removed(object: &Object) -> ObjectChange {
    let change = changes::compare(object, None, None);
    let keys = change.keys.into_iter().map(|key| KeyChange { change: Change::Removed, ..key });
    ObjectChange { change: Change::Removed, keys: keys.collect(), ..change }
}
