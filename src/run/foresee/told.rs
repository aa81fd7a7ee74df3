//! What a plan means, as the report tells it.

use std::collections::BTreeSet;
use std::io::Write;

use crate::build::{self, Fillings};
use crate::changes::{self, KeyChange, ObjectChange, Texts};
use crate::object::{ObjectId, leads_to};
use crate::report::{Change, ConflictReport, KeyReport, ObjectReport, Progress, Shown, ValueReport};
use crate::run::foresee::compare::Compared;
use crate::run::foresee::view::View;
use crate::run::prepare::{NOT_GIVEN, value_report};
use crate::run::{Run, Standing, Step};
use crate::values::Values;

/// Longer texts are not shown: a table has no room for them.
const LONGEST: usize = 100;

impl<O: Write, E: Write> Run<O, E> {
    /// Puts what was compared into the report.
    pub(in crate::run) fn tell(&mut self, compared: &Compared, view: &View, values: &Values) {
        let mut objects: Vec<ObjectReport> = compared.plan.iter().map(|step| self.object(step, view, values)).collect();
        let changes: Vec<&ObjectChange> = compared.plan.iter().map(|step| &step.change).collect();
        moves(&changes).into_iter().for_each(|moved| moved.mark(&mut objects));
        self.outcome.objects = objects;
        self.outcome.compared = compared.whole;
    }

    fn object(&self, step: &Step, view: &View, values: &Values) -> ObjectReport {
        let known = step.live.as_ref().map(changes::known_texts).unwrap_or_default();
        let sight = view.sight(&step.wanted);
        let telling = Telling {
            before: &known,
            after: &sight.public,
            unknown: &sight.unknown,
            fillings: view.origins.get(&step.wanted.id()),
            old_fillings: None,
            values,
            named_only: false,
        };
        ObjectReport {
            id: build::without_content_hash(&step.change.id),
            change: step.change.change,
            taken_over: step.is_taken_over(),
            progress: Progress::Planned,
            keys: step.change.keys.iter().map(|key| telling.key(key)).collect(),
            conflicts: self.conflicts(step),
        }
    }

    /// What others keep of the object: all of it where an apply takes it, else what the server refused or did not see.
    fn conflicts(&self, step: &Step) -> Vec<ConflictReport> {
        let forced = self.is_forced(&step.wanted);
        let Some(live) = step.live.as_ref().filter(|_| step.standing == Standing::Ours) else { return Vec::new() };
        let conflicts = match (forced, step.answered) {
            (true, false) => return Vec::new(),
            (false, true) => changes::unseen_conflicts(&step.wanted, live, step.takeover),
            (true, true) | (false, false) => changes::conflicts(&step.wanted, live, step.takeover),
        };
        let conflicts = conflicts.into_iter();
        conflicts.map(|(manager, fields)| ConflictReport { manager, fields, forced }).collect()
    }
}

/// What is known of one object's texts, before and after.
pub(in crate::run) struct Telling<'a> {
    pub(in crate::run) before: &'a Texts,
    pub(in crate::run) after: &'a Texts,
    /// Paths whose values are not given.
    pub(in crate::run) unknown: &'a BTreeSet<String>,
    pub(in crate::run) fillings: Option<&'a Fillings>,
    /// Of what is removed, where it is known.
    pub(in crate::run) old_fillings: Option<&'a Fillings>,
    pub(in crate::run) values: &'a Values,
    /// No values are wanted: where they would come from is nobody's concern.
    pub(in crate::run) named_only: bool,
}

impl Telling<'_> {
    pub(in crate::run) fn key(&self, key: &KeyChange) -> KeyReport {
        let unknown = self.unknown.contains(&key.path);
        let fillings = if key.change == Change::Removed { self.old_fillings } else { self.fillings };
        let filling = fillings.and_then(|fillings| fillings.get(&key.path));
        let names = filling.map(|filling| filling.names.as_slice()).unwrap_or_default();
        KeyReport {
            key: key.key.clone(),
            change: key.change,
            values: names.iter().map(|name| self.value(name, unknown)).collect(),
            shown: self.shown(key, unknown),
            moved: None,
        }
    }

    fn value(&self, name: &str, unknown: bool) -> ValueReport {
        match value_report(name, self.values, unknown || self.named_only) {
            value if self.named_only && value.source == NOT_GIVEN => ValueReport { source: "a value", ..value },
            value => value,
        }
    }

    fn shown(&self, key: &KeyChange, unknown: bool) -> Shown {
        let after = text_at(self.after, &key.path);
        // What is hidden now was perhaps never to be seen.
        let may_show_before = key.change == Change::Removed || unknown || after.is_some();
        let before = text_at(self.before, &key.path).filter(|_| may_show_before);
        match key.change {
            Change::Unchanged => Shown::default(),
            Change::Removed => Shown { before, after: None },
            Change::Added => Shown { before: None, after },
            Change::Changed | Change::Unknown => Shown { before, after },
        }
    }
}

/// The text at `path`, or the value of the element that is there (`env` has such).
fn text_at(texts: &Texts, path: &str) -> Option<String> {
    let text = texts.get(path).or_else(|| {
        let beneath = || texts.keys().filter(|other| leads_to(path, other));
        let value = texts.get(&format!("{path}.value"))?;
        (beneath().count() == 2 && texts.contains_key(&format!("{path}.name"))).then_some(value)
    });
    text.filter(|text| text.chars().count() <= LONGEST && !text.contains(['\n', '\r'])).cloned()
}

/// A key that goes from a Secret to a ConfigMap or back: the places of object and key, before and after.
pub(in crate::run) struct Move {
    from: (usize, usize),
    to: (usize, usize),
}

impl Move {
    /// Tells it in both rows.
    pub(in crate::run) fn mark(&self, objects: &mut [ObjectReport]) {
        let [old, new] = [self.from.0, self.to.0].map(|at| objects.get(at).map(|object| object.id.clone()));
        for ((object, key), other) in [(self.from, new), (self.to, old)] {
            if let Some(key) = objects.get_mut(object).and_then(|object| object.keys.get_mut(key)) {
                key.moved = other;
            }
        }
    }
}

/// Finds `keys` of an object that left the build, each added to the one object of the other kind in its namespace that has such a key,
/// and marks them there. An object of the build without a namespace is in `of_context`.
pub(in crate::run) fn inherit_keys(
    objects: &mut [ObjectReport],
    left: &ObjectId,
    keys: &BTreeSet<String>,
    of_context: &str,
) -> Vec<(String, ObjectId)> {
    let is_other = |id: &ObjectId| {
        id.group.is_empty()
            && matches!(id.kind.as_str(), "Secret" | "ConfigMap")
            && id.kind != left.kind
            && Some(id.namespace.as_deref().unwrap_or(of_context)) == left.namespace.as_deref()
    };
    let mut found = Vec::new();
    for name in keys {
        let others = objects.iter_mut().filter(|object| is_other(&object.id));
        let mut heirs = others.flat_map(|object| {
            let id = &object.id;
            let added = |key: &&mut KeyReport| key.change == Change::Added && key.moved.is_none() && key.key == *name;
            object.keys.iter_mut().filter(added).map(move |key| (id, key))
        });
        if let (Some((id, key)), None) = (heirs.next(), heirs.next()) {
            key.moved = Some(left.clone());
            found.push((name.clone(), id.clone()));
        }
    }
    found
}

/// Keys of one name, removed from the one and added to the other kind in the same namespace.
pub(in crate::run) fn moves(changes: &[&ObjectChange]) -> Vec<Move> {
    let is_data = |path: &str| leads_to("data", path) || leads_to("binaryData", path);
    let keys = |wanted: Change| {
        changes.iter().enumerate().flat_map(move |(at, object)| {
            let keys = object.keys.iter().enumerate();
            let keys = keys.filter(move |(_, key)| key.change == wanted && is_data(&key.path));
            keys.map(move |(place, key)| ((at, place), key.key.as_str(), &object.id))
        })
    };
    let added: Vec<((usize, usize), &str, &ObjectId)> = keys(Change::Added).collect();
    let mut taken = vec![false; added.len()];
    let mut moves = Vec::new();
    for (from, name, id) in keys(Change::Removed) {
        let fits = |at: &usize| {
            let (_, other, to) = added[*at];
            !taken[*at] && other == name && to.kind != id.kind && to.namespace == id.namespace
        };
        let fitting: Vec<usize> = (0..added.len()).filter(fits).collect();
        if let [only] = fitting.as_slice() {
            taken[*only] = true;
            moves.push(Move { from, to: added[*only].0 });
        }
    }
    moves
}
