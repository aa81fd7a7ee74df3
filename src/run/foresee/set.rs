//! Whose the objects are: the set of this run, and the live objects that belong to somebody else.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::build;
use crate::changes::{self, ObjectChange, Set, Takeover, Tracker};
use crate::error::{Failure, Problem, Stage, text};
use crate::files::{Layout, Overlay, git};
use crate::object::{Object, ObjectId};
use crate::report::Change;
use crate::run::{Run, Standing, Step};

impl<O: Write, E: Write> Run<O, E> {
    /// The set of this checkout's root and environment. Where every path is given and no root, the overlay or the first template
    /// stands for it: several apps may share a checkout.
    pub(in crate::run) fn set(&mut self, layout: &Layout) -> Result<Set, Failure> {
        let by_layout = self.inputs.root.is_some() || self.inputs.overlay.is_none() || self.inputs.templates.is_empty();
        let root = layout.root.clone().filter(|_| by_layout).unwrap_or_else(|| match &layout.overlay {
            Overlay::Directory(overlay) => overlay.clone(),
            Overlay::None => {
                layout.templates.first().filter(|path| *path != Path::new("-")).cloned().unwrap_or_default()
            }
        });
        let root = self.absolute(&root);
        let failure = |problem| Failure::new(Stage::Inputs, vec![problem]);
        let (toplevel, name) = match git::Repository::find(&root).map_err(failure)? {
            Some(repository) => (repository.toplevel().to_owned(), repository.name().map_err(failure)?),
            None => self.without_repository(),
        };
        let name = self.context.repository.as_ref().map_or(name, |repository| repository.to_lowercase());
        let root = root.strip_prefix(&toplevel).unwrap_or(&root).display().to_string();
        let set = Set::new(&name, &root, &self.inputs.environment);
        self.set = Some(set.clone());
        Ok(set)
    }

    fn without_repository(&self) -> (PathBuf, String) {
        let top = self.context.workspace.as_ref().unwrap_or(&self.machine.working_directory);
        (top.clone(), top.file_name().unwrap_or_default().to_string_lossy().into_owned())
    }

    /// Refuses live objects that another set applied, or that a controller or another tool keeps; what may be shared with
    /// them is left alone. Returns the refusals.
    pub(in crate::run) fn refuse_foreign(&mut self, set: &Set, plan: &mut [Step]) -> Vec<Problem> {
        let (mut refused, mut noted) = (Vec::new(), Vec::new());
        for step in plan {
            let Some(live) = &step.live else { continue };
            let Some(problem) = self.foreign(set, step, live) else { continue };
            if !problem.is_error() {
                noted.push(problem);
            } else if changes::is_shared(&step.wanted, live) {
                noted.push(shared(&step.wanted.id(), live));
                step.leave_alone();
            } else {
                step.standing = Standing::Foreign;
                refused.push(problem);
            }
        }
        self.note(noted);
        refused
    }

    /// Why the live object is not ours to write.
    fn foreign(&self, set: &Set, step: &Step, live: &Object) -> Option<Problem> {
        let id = build::without_content_hash(&step.wanted.id());
        if let Some(tracker) = changes::tracked_by(live) {
            return Some(tracked(&id, tracker));
        }
        if let Some(other) = Set::of(live).filter(|other| other != set) {
            return Some(self.of_other_set(&id, set, &other));
        }
        let manager = changes::foreign_applier(live).filter(|_| step.takeover == Takeover::HandWork)?;
        Some(of_other_applier(&id, manager))
    }

    fn of_other_set(&self, id: &ObjectId, set: &Set, other: &Set) -> Problem {
        if self.inputs.take_over {
            return Problem::warning("taken-over", text!("`{id}` is taken over from the set `{other}` into `{set}`"));
        }
        let text = text!("`{id}` belongs to the set `{other}`, and this is `{set}`");
        Problem::error("other-set", text).help(
            "check that this is the right cluster and namespace; two sets cannot share an object: give it another name or namespace, \
             or take it over once with `take-over: true`",
        )
    }

    /// Which of the inputs' `force-conflicts` name nothing.
    pub(in crate::run) fn unmatched_force(&mut self, wanted: &[Object]) {
        let unmatched = |name: &&String| !wanted.iter().any(|object| names(name, object));
        let unmatched: Vec<Problem> = self
            .inputs
            .force_conflicts
            .iter()
            .filter(unmatched)
            .map(|name| {
                Problem::warning(
                    "force-unmatched",
                    text!("`force-conflicts` names `{name}`, which is no object of the build"),
                )
            })
            .collect();
        self.note(unmatched);
    }

    /// Whether the inputs allow to take the object's fields from their managers.
    pub(in crate::run) fn is_forced(&self, object: &Object) -> bool {
        self.inputs.force_conflicts.iter().any(|name| names(name, object))
    }
}

impl Step {
    /// Whether an apply makes the object this set's and changes nothing else.
    pub(in crate::run) fn is_taken_over(&self) -> bool {
        let becomes_ours = self.inherited.is_some() || self.live.as_ref().and_then(Set::of) != Set::of(&self.wanted);
        self.standing == Standing::Ours && self.change.writes && self.change.change == Change::Unchanged && becomes_ours
    }

    /// The object stays as others keep it.
    pub(in crate::run) fn leave_alone(&mut self) {
        self.standing = Standing::Shared;
        self.inherited = None;
        self.change =
            ObjectChange { change: Change::Unchanged, keys: Vec::new(), writes: false, ..self.change.clone() };
    }
}

/// Several sets may want one Namespace; it belongs to the one that made it.
pub(in crate::run) fn shared(id: &ObjectId, live: &Object) -> Problem {
    let owner = match (Set::of(live), changes::tracked_by(live)) {
        (_, Some(tracker)) => tracker.owner,
        (Some(set), None) => format!("the set `{set}`"),
        (None, None) => "others".to_owned(),
    };
    Problem::notice("shared", text!("`{id}` is kept by {owner}, as this build wants it: it is left alone"))
}

/// Whether `Kind/name` means `object`, whose generated name may be given without its hash.
fn names(name: &str, object: &Object) -> bool {
    let hash = build::content_hash(object.kind(), object.name());
    let base = hash.and_then(|hash| object.name().strip_suffix(hash)?.strip_suffix('-'));
    name.split_once('/')
        .is_some_and(|(kind, name)| kind == object.kind() && (name == object.name() || Some(name) == base))
}

/// An object that a controller or another tool keeps.
pub(in crate::run) fn tracked(id: &ObjectId, tracker: Tracker) -> Problem {
    Problem::error("tracked-by-other", text!("`{id}` is kept by {}", tracker.owner)).help(tracker.help)
}

fn of_other_applier(id: &ObjectId, manager: &str) -> Problem {
    let text = text!("`{id}` is applied client-side by `{manager}`, from which kubectl would take over every field");
    Problem::error("conflict", text).help(text!(
        "have the other stop, or leave the object out of the build; then take it over: `force-conflicts: {}/{}`",
        id.kind,
        id.name
    ))
}
